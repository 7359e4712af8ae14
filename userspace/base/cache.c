// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A bounded memory of small values, see cache.h. Each shard is a hash table with
 * chains, and a ring of its entries in the order of their last use:
 *
 *   ring.next = used last  ─▶ ... ─▶  ring.prev = next to go
 */
#include "base/cache.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SHARDS 16
#define BUCKETS 128 /* per shard */

struct link {
	struct link *next, *prev;
};

struct entry {
	struct link ring; /* first: a link of the ring is its entry */
	struct entry *chain;
	uint64_t owner;
	uint32_t hash;
	size_t key_len, len;
	uint8_t bytes[]; /* key, value */
};

struct shard {
	pthread_mutex_t lock; /* all below */
	struct link ring;
	size_t count;
	struct entry *buckets[BUCKETS];
};

struct weft_cache {
	size_t shard_max;
	struct shard shards[SHARDS];
};

/* FNV-1a. Keys are not an attacker's to choose: what is looked up may be, what is
 * put under it has been proved by a handshake. */
static uint32_t hash_of(const void *key, size_t len)
{
	const uint8_t *p = key;
	uint32_t hash = 2166136261u;

	while (len--)
		hash = (hash ^ *p++) * 16777619u;
	return hash ^ hash >> 15;
}

static struct shard *shard_of(struct weft_cache *cache, uint32_t hash)
{
	return &cache->shards[hash % SHARDS];
}

static struct entry **bucket_of(struct shard *shard, uint32_t hash)
{
	return &shard->buckets[hash / SHARDS % BUCKETS];
}

static void ring_del(struct link *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
}

static void ring_add(struct shard *shard, struct link *link)
{
	link->next = shard->ring.next;
	link->prev = &shard->ring;
	link->next->prev = link;
	shard->ring.next = link;
}

/* Return: where the chain points to it; that is NULL when there is none. */
static struct entry **find(struct shard *shard, uint32_t hash, const void *key, size_t key_len)
{
	struct entry **p;

	for (p = bucket_of(shard, hash); *p; p = &(*p)->chain)
		if ((*p)->hash == hash && (*p)->key_len == key_len &&
		    !memcmp((*p)->bytes, key, key_len))
			break;
	return p;
}

static void entry_free(struct entry *e)
{
	explicit_bzero(e, sizeof(*e) + e->key_len + e->len);
	free(e);
}

/* @p: as find() gives it, not empty */
static void entry_del(struct shard *shard, struct entry **p)
{
	struct entry *e = *p;

	*p = e->chain;
	ring_del(&e->ring);
	shard->count--;
	entry_free(e);
}

static void evict_oldest(struct shard *shard)
{
	struct entry *e = (struct entry *)shard->ring.prev;

	entry_del(shard, find(shard, e->hash, e->bytes, e->key_len));
}

struct weft_cache *weft_cache_create(size_t max)
{
	struct weft_cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return NULL;
	cache->shard_max = (max + SHARDS - 1) / SHARDS;
	for (struct shard *s = cache->shards; s < cache->shards + SHARDS; s++) {
		pthread_mutex_init(&s->lock, NULL); /* cannot fail: default attributes */
		s->ring.next = s->ring.prev = &s->ring;
	}
	return cache;
}

void weft_cache_destroy(struct weft_cache *cache)
{
	if (!cache)
		return;
	for (struct shard *s = cache->shards; s < cache->shards + SHARDS; s++) {
		while (s->count)
			evict_oldest(s);
		pthread_mutex_destroy(&s->lock);
	}
	free(cache);
}

static struct entry *entry_new(uint32_t hash, const void *key, size_t key_len, uint64_t owner,
			       const void *value, size_t len)
{
	struct entry *e = malloc(sizeof(*e) + key_len + len);

	if (!e)
		return NULL;
	e->owner = owner;
	e->hash = hash;
	e->key_len = key_len;
	e->len = len;
	memcpy(e->bytes, key, key_len);
	memcpy(e->bytes + key_len, value, len);
	return e;
}

static void insert(struct shard *shard, struct entry *e)
{
	struct entry **p = bucket_of(shard, e->hash);

	e->chain = *p;
	*p = e;
	ring_add(shard, &e->ring);
	shard->count++;
}

int weft_cache_put(struct weft_cache *cache, const void *key, size_t key_len, uint64_t owner,
		   const void *value, size_t len)
{
	uint32_t hash = hash_of(key, key_len);
	struct shard *shard = shard_of(cache, hash);
	struct entry *e = entry_new(hash, key, key_len, owner, value, len);
	struct entry **old;

	pthread_mutex_lock(&shard->lock);
	old = find(shard, hash, key, key_len);
	if (*old)
		entry_del(shard, old);
	else if (e && shard->count >= cache->shard_max)
		evict_oldest(shard);
	if (e)
		insert(shard, e);
	pthread_mutex_unlock(&shard->lock);
	return e ? 0 : -ENOMEM;
}

int weft_cache_get(struct weft_cache *cache, const void *key, size_t key_len, void *value,
		   size_t size)
{
	uint32_t hash = hash_of(key, key_len);
	struct shard *shard = shard_of(cache, hash);
	struct entry *e;
	int r = -ENOENT;

	pthread_mutex_lock(&shard->lock);
	e = *find(shard, hash, key, key_len);
	if (e) {
		ring_del(&e->ring);
		ring_add(shard, &e->ring);
		r = e->len <= size ? (int)e->len : -EMSGSIZE;
	}
	if (r > 0)
		memcpy(value, e->bytes + key_len, e->len);
	pthread_mutex_unlock(&shard->lock);
	return r;
}

void weft_cache_drop(struct weft_cache *cache, const void *key, size_t key_len)
{
	uint32_t hash = hash_of(key, key_len);
	struct shard *shard = shard_of(cache, hash);
	struct entry **p;

	pthread_mutex_lock(&shard->lock);
	p = find(shard, hash, key, key_len);
	if (*p)
		entry_del(shard, p);
	pthread_mutex_unlock(&shard->lock);
}

static void shard_forget(struct shard *shard, uint64_t owner)
{
	struct link *link, *next;

	for (link = shard->ring.next; link != &shard->ring; link = next) {
		struct entry *e = (struct entry *)link;

		next = link->next;
		if (e->owner == owner)
			entry_del(shard, find(shard, e->hash, e->bytes, e->key_len));
	}
}

void weft_cache_forget(struct weft_cache *cache, uint64_t owner)
{
	for (struct shard *s = cache->shards; s < cache->shards + SHARDS; s++) {
		pthread_mutex_lock(&s->lock);
		shard_forget(s, owner);
		pthread_mutex_unlock(&s->lock);
	}
}

size_t weft_cache_count(struct weft_cache *cache)
{
	size_t count = 0;

	for (struct shard *s = cache->shards; s < cache->shards + SHARDS; s++) {
		pthread_mutex_lock(&s->lock);
		count += s->count;
		pthread_mutex_unlock(&s->lock);
	}
	return count;
}
