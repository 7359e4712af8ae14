// SPDX-License-Identifier: GPL-2.0
/*
 * Services and their endpoints, see service.h.
 *
 * Who may still look at an object when its last reference goes: readers in RCU
 * sections. Hence put frees by call_rcu(). What a joined service holds was
 * reached through it, so that its own grace period serves for that, too.
 */
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include "generation_priv.h"
#include "names.h"
#include "service.h"

struct weft_endpoint_stats *weft_endpoint_stats_create(void)
{
	struct weft_endpoint_stats *st = kzalloc(sizeof(*st),
						 GFP_KERNEL_ACCOUNT);

	if (!st)
		return NULL;
	refcount_set(&st->ref, 1);
	atomic_inc(&weft_objects);
	return st;
}

void weft_endpoint_stats_put(struct weft_endpoint_stats *st)
{
	if (!st || !refcount_dec_and_test(&st->ref))
		return;
	kfree(st);
	atomic_dec(&weft_objects);
}

struct weft_endpoints *weft_endpoints_create(const char *service)
{
	struct weft_endpoints *l = kzalloc(sizeof(*l), GFP_KERNEL_ACCOUNT);

	if (!l)
		return NULL;
	refcount_set(&l->ref, 1);
	atomic_inc(&weft_objects);
	l->service = kstrdup(service, GFP_KERNEL_ACCOUNT);
	if (!l->service) {
		weft_endpoints_put(l);
		return NULL;
	}
	return l;
}

static void endpoints_free(struct weft_endpoints *l)
{
	u32 i;

	for (i = 0; i < l->n; i++)
		weft_endpoint_stats_put(l->list[i].stats);
	kvfree(l->list);
	kfree(l->service);
	kfree(l);
	atomic_dec(&weft_objects);
}

static void endpoints_free_rcu(struct rcu_head *rcu)
{
	endpoints_free(container_of(rcu, struct weft_endpoints, rcu));
}

struct weft_endpoints *weft_endpoints_get(struct weft_endpoints *l)
{
	refcount_inc(&l->ref);
	return l;
}

void weft_endpoints_put(struct weft_endpoints *l)
{
	if (l && refcount_dec_and_test(&l->ref))
		call_rcu(&l->rcu, endpoints_free_rcu);
}

static int endpoints_reserve(struct weft_endpoints *l, u32 n)
{
	struct weft_endpoint *list;

	if (n <= l->room)
		return 0;
	list = kvmalloc_array(n, sizeof(*list), GFP_KERNEL_ACCOUNT);
	if (!list)
		return -ENOMEM;
	if (l->n)
		memcpy(list, l->list, l->n * sizeof(*list));
	kvfree(l->list);
	l->list = list;
	l->room = n;
	return 0;
}

struct weft_endpoints *weft_endpoints_copy(const struct weft_endpoints *l)
{
	struct weft_endpoints *copy = weft_endpoints_create(l->service);
	u32 i;

	if (!copy)
		return NULL;
	if (endpoints_reserve(copy, l->n + 1)) {
		weft_endpoints_put(copy);
		return NULL;
	}
	for (i = 0; i < l->n; i++) {
		copy->list[i] = l->list[i];
		if (copy->list[i].stats)
			refcount_inc(&copy->list[i].stats->ref);
	}
	copy->n = l->n;
	return copy;
}

static int addr_cmp(const struct weft_addr *a, const struct weft_addr *b)
{
	int cmp = memcmp(&a->ip, &b->ip, sizeof(a->ip));

	return cmp ? cmp : (int)a->port - (int)b->port;
}

bool weft_endpoints_search(const struct weft_endpoints *l,
			   const struct weft_addr *addr, u32 *at)
{
	u32 low = 0, high = l->n;

	while (low < high) {
		u32 mid = low + (high - low) / 2;
		int cmp = addr_cmp(&l->list[mid].addr, addr);

		if (!cmp) {
			*at = mid;
			return true;
		}
		if (cmp < 0)
			low = mid + 1;
		else
			high = mid;
	}
	*at = low;
	return false;
}

int weft_endpoints_set(struct weft_endpoints *l, const struct weft_endpoint *e)
{
	u32 at;

	if (weft_endpoints_search(l, &e->addr, &at)) {
		struct weft_endpoint_stats *old = l->list[at].stats;

		l->list[at] = *e;
		if (!e->stats)
			l->list[at].stats = old;
		else
			weft_endpoint_stats_put(old);
		return 0;
	}
	if (l->n == l->room && endpoints_reserve(l, l->n + l->n / 2 + 4))
		return -ENOMEM;
	memmove(&l->list[at + 1], &l->list[at],
		(l->n - at) * sizeof(*l->list));
	l->list[at] = *e;
	l->n++;
	return 0;
}

void weft_endpoints_remove(struct weft_endpoints *l, u32 at)
{
	weft_endpoint_stats_put(l->list[at].stats);
	l->n--;
	memmove(&l->list[at], &l->list[at + 1],
		(l->n - at) * sizeof(*l->list));
}

static struct weft_service *service_alloc(void)
{
	struct weft_service *s = kzalloc(sizeof(*s), GFP_KERNEL_ACCOUNT);

	if (!s)
		return NULL;
	refcount_set(&s->ref, 1);
	atomic_inc(&weft_objects);
	return s;
}

struct weft_service *weft_service_create(u16 n_addresses, u16 n_ports)
{
	struct weft_service *s = service_alloc();

	if (!s)
		return NULL;
	s->addresses = kcalloc(n_addresses, sizeof(*s->addresses),
			       GFP_KERNEL_ACCOUNT);
	s->ports = kcalloc(n_ports, sizeof(*s->ports), GFP_KERNEL_ACCOUNT);
	if (!s->addresses || !s->ports) {
		weft_service_put(s);
		return NULL;
	}
	s->n_addresses = n_addresses;
	s->n_ports = n_ports;
	return s;
}

/* Both lists in one, still sorted; of namesakes the static one. */
static struct weft_endpoint *endpoints_merge(const struct weft_endpoints *d,
					     const struct weft_endpoints *s,
					     u32 *n)
{
	struct weft_endpoint *all;
	u32 i = 0, k = 0, at = 0;

	all = kvmalloc_array(d->n + s->n, sizeof(*all), GFP_KERNEL_ACCOUNT);
	while (all && (i < d->n || k < s->n)) {
		int cmp = i == d->n ? 1 : k == s->n ? -1 :
			  addr_cmp(&d->list[i].addr, &s->list[k].addr);

		all[at++] = cmp < 0 ? d->list[i] : s->list[k];
		i += cmp <= 0;
		k += cmp >= 0;
	}
	*n = at;
	return all;
}

static bool endpoints_join(struct weft_service *s)
{
	const struct weft_endpoints *d = s->lists[WEFT_OWNER_DAEMON];
	const struct weft_endpoints *st = s->lists[WEFT_OWNER_STATIC];

	if (d && st) {
		s->endpoints = endpoints_merge(d, st, &s->n_endpoints);
		return s->endpoints;
	}
	if (!d)
		d = st;
	if (d) {
		s->endpoints = d->list;
		s->n_endpoints = d->n;
	}
	return true;
}

struct weft_service *
weft_service_join(struct weft_service *base,
		  struct weft_endpoints *const lists[WEFT_OWNERS])
{
	struct weft_service *s = service_alloc();
	unsigned int i;

	if (!s)
		return NULL;
	s->owner = base->owner;
	s->wire = base->wire;
	s->connect_timeout = base->connect_timeout;
	s->timeout_given = base->timeout_given;
	s->name = base->name;
	s->addresses = base->addresses;
	s->n_addresses = base->n_addresses;
	s->ports = base->ports;
	s->n_ports = base->n_ports;
	s->identities = base->identities;
	s->n_identities = base->n_identities;
	s->base = weft_service_get(base);
	for (i = 0; i < WEFT_OWNERS; i++)
		if (lists[i])
			s->lists[i] = weft_endpoints_get(lists[i]);
	if (!endpoints_join(s)) {
		weft_service_put(s);
		return NULL;
	}
	return s;
}

static void base_free(struct weft_service *s)
{
	unsigned int i;

	for (i = 0; i < s->n_identities; i++)
		kfree(s->identities[i]);
	kfree(s->identities);
	kfree(s->addresses);
	kfree(s->ports);
	kfree(s->name);
	kfree(s);
	atomic_dec(&weft_objects);
}

static void service_free(struct rcu_head *rcu)
{
	struct weft_service *s = container_of(rcu, struct weft_service, rcu);
	unsigned int i;

	if (!s->base) {
		base_free(s);
		return;
	}
	if (s->lists[WEFT_OWNER_DAEMON] && s->lists[WEFT_OWNER_STATIC])
		kvfree(s->endpoints);
	for (i = 0; i < WEFT_OWNERS; i++)
		if (s->lists[i] && refcount_dec_and_test(&s->lists[i]->ref))
			endpoints_free(s->lists[i]);
	if (refcount_dec_and_test(&s->base->ref))
		base_free(s->base);
	kfree(s);
	atomic_dec(&weft_objects);
}

struct weft_service *weft_service_get(struct weft_service *s)
{
	refcount_inc(&s->ref);
	return s;
}

void weft_service_put(struct weft_service *s)
{
	if (s && refcount_dec_and_test(&s->ref))
		call_rcu(&s->rcu, service_free);
}

bool weft_service_lookup(const struct weft_gen *gen,
			 const struct weft_addr *addr,
			 struct weft_service_match *out)
{
	const struct weft_lookup_row *row;

	if (!gen)
		return false;
	row = weft_lookup_find(&gen->lookup, addr);
	if (!row)
		return false;
	out->service = gen->tables[WEFT_KIND_SERVICE].rows[row->service].object;
	out->pinned = row->pinned;
	out->target = row->target;
	return true;
}

struct weft_service *weft_service_find(const struct weft_gen *gen,
				       const char *name)
{
	return gen ? weft_table_find(&gen->tables[WEFT_KIND_SERVICE], name) :
		     NULL;
}

bool weft_service_identity_ok(const struct weft_service *s,
			      const char *identity, const char *caller)
{
	unsigned int i;

	if (!s->n_identities)
		return weft_identity_same_domain(identity, caller);
	for (i = 0; i < s->n_identities; i++)
		if (weft_identity_match(s->identities[i], identity))
			return true;
	return false;
}
