// SPDX-License-Identifier: GPL-2.0
/*
 * The registry of peers, see peer.h.
 *
 * Two prefixes have no address in common, or one lies in the other. So what
 * lies in another is left out, and the last row that does not begin behind an
 * address is the only one that may hold it.
 */
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include "generation_priv.h"
#include "limits.h"
#include "names.h"
#include "peer.h"

struct weft_mesh_peer *weft_mesh_peer_create(void)
{
	struct weft_mesh_peer *p = kzalloc(sizeof(*p), GFP_KERNEL_ACCOUNT);

	if (!p)
		return NULL;
	refcount_set(&p->ref, 1);
	atomic_inc(&weft_objects);
	return p;
}

static void peer_free(struct rcu_head *rcu)
{
	struct weft_mesh_peer *p =
		container_of(rcu, struct weft_mesh_peer, rcu);

	kfree(p->networks);
	kfree(p->name);
	kfree(p);
	atomic_dec(&weft_objects);
}

struct weft_mesh_peer *weft_mesh_peer_get(struct weft_mesh_peer *p)
{
	refcount_inc(&p->ref);
	return p;
}

void weft_mesh_peer_put(struct weft_mesh_peer *p)
{
	if (p && refcount_dec_and_test(&p->ref))
		call_rcu(&p->rcu, peer_free);
}

/* IPv6 first: ::/0 begins before, and ends behind, all of IPv4. */
static int addr_cmp(const struct in6_addr *a, const struct in6_addr *b)
{
	bool a_v4 = ipv6_addr_v4mapped(a), b_v4 = ipv6_addr_v4mapped(b);

	return a_v4 != b_v4 ? a_v4 - b_v4 : memcmp(a, b, sizeof(*a));
}

static int row_cmp(const void *va, const void *vb)
{
	const struct weft_registry_row *a = va, *b = vb;

	cond_resched();			/* there may be very many */
	return addr_cmp(&a->network.ip, &b->network.ip) ?:
	       a->network.len - b->network.len ?:
	       strcmp(a->by->name, b->by->name);
}

static u32 count_networks(const struct weft_table *peers)
{
	u32 n = 0, i;

	for (i = 0; i < peers->n; i++)
		n += ((const struct weft_mesh_peer *)
		      peers->rows[i].object)->n_networks;
	return n;
}

static void rows_add(struct weft_registry *r, const struct weft_mesh_peer *p)
{
	unsigned int i;

	for (i = 0; i < p->n_networks; i++) {
		r->rows[r->n].network = p->networks[i];
		r->rows[r->n++].by = p;
	}
}

static void rows_add_all(struct weft_registry *r,
			 const struct weft_table *peers)
{
	u32 i;

	for (i = 0; i < peers->n; i++)
		rows_add(r, peers->rows[i].object);
}

/* Sorted, what lies in another comes right behind it. */
static void rows_merge(struct weft_registry *r)
{
	u32 kept = 0, i;

	for (i = 0; i < r->n; i++)
		if (!kept ||
		    !weft_network_match(&r->rows[kept - 1].network,
					&r->rows[i].network.ip))
			r->rows[kept++] = r->rows[i];
	r->n = kept;
}

int weft_registry_init(struct weft_registry *r,
		       const struct weft_table *const *tables,
		       struct weft_fault *f)
{
	u32 n = 0, i;

	for (i = 0; i < WEFT_OWNERS; i++)
		n += count_networks(tables[i]);
	if (!n)
		return 0;
	if (n > WEFT_REGISTRY_MAX)
		return weft_fault_set(f, -ENOSPC,
				      "all peers together have %u networks, at most %u are allowed",
				      n, WEFT_REGISTRY_MAX);
	r->rows = kvmalloc_array(n, sizeof(*r->rows), GFP_KERNEL_ACCOUNT);
	if (!r->rows)
		return weft_fault_nomem(f);
	for (i = 0; i < WEFT_OWNERS; i++)
		rows_add_all(r, tables[i]);
	sort(r->rows, r->n, sizeof(*r->rows), row_cmp, NULL);
	rows_merge(r);
	return 0;
}

void weft_registry_uninit(struct weft_registry *r)
{
	kvfree(r->rows);
	memset(r, 0, sizeof(*r));
}

const struct weft_mesh_peer *
weft_registry_find(const struct weft_registry *r, const struct in6_addr *ip)
{
	u32 low = 0, high = r->n;

	while (low < high) {		/* the first row behind it */
		u32 mid = low + (high - low) / 2;

		if (addr_cmp(&r->rows[mid].network.ip, ip) <= 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low && weft_network_match(&r->rows[low - 1].network, ip) ?
	       r->rows[low - 1].by : NULL;
}
