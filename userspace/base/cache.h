/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bounded memory of small values under short keys, shared by threads. When it
 * is full, what was not looked up for longest goes. Values are copied in and out,
 * so nobody holds anything of it, and they are wiped when they go: they may be
 * secrets.
 *
 * Any thread. It is divided into shards with a mutex each, held for a look-up and
 * a copy: what one worker learnt serves all of them, and two of them meet at one
 * shard seldom and briefly. Nothing is called under a mutex.
 */
#ifndef WEFT_BASE_CACHE_H
#define WEFT_BASE_CACHE_H

#include <stddef.h>
#include <stdint.h>

struct weft_cache;

/**
 * weft_cache_create() - an empty memory
 * @max: values it holds at most, give or take one per shard
 *
 * Return: the caller's to destroy; NULL out of memory.
 */
struct weft_cache *weft_cache_create(size_t max);

/* Wipes all values; NULL is fine. No other thread uses it any more. */
void weft_cache_destroy(struct weft_cache *cache);

/**
 * weft_cache_put() - remember a value; an older one under the same key goes
 * @owner: for weft_cache_forget()
 *
 * Return: 0; -ENOMEM, and nothing is remembered under @key.
 */
int weft_cache_put(struct weft_cache *cache, const void *key, size_t key_len, uint64_t owner,
		   const void *value, size_t len);

/**
 * weft_cache_get() - look a value up
 * @value: written on success, @size bytes
 *
 * Return: its length; -ENOENT; -EMSGSIZE it is longer than @size.
 */
int weft_cache_get(struct weft_cache *cache, const void *key, size_t key_len, void *value,
		   size_t size);

/* Forget one; no matter whether it is there. */
void weft_cache_drop(struct weft_cache *cache, const void *key, size_t key_len);

/* Forget all of an owner. */
void weft_cache_forget(struct weft_cache *cache, uint64_t owner);

/* How many values it holds, at some moment during the call. */
size_t weft_cache_count(struct weft_cache *cache);

#endif
