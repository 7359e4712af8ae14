// SPDX-License-Identifier: GPL-2.0
/*
 * From address and port to service and endpoint, see lookup.h.
 */
#include <linux/jhash.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include "limits.h"
#include "lookup.h"
#include "service.h"

static u32 *bucket(const struct weft_lookup *l, const struct weft_addr *addr)
{
	u32 hash = jhash2((__force const u32 *)addr->ip.s6_addr32, 4,
			  l->seed + addr->port);

	return &l->heads[hash & l->mask];
}

const struct weft_lookup_row *weft_lookup_find(const struct weft_lookup *l,
					       const struct weft_addr *addr)
{
	u32 at;

	if (!l->n)
		return NULL;
	for (at = *bucket(l, addr); at; at = l->rows[at - 1].next)
		if (weft_addr_equal(&l->rows[at - 1].addr, addr))
			return &l->rows[at - 1];
	return NULL;
}

static void row_add(struct weft_lookup *l, const struct weft_lookup_row *row)
{
	u32 *head = bucket(l, &row->addr);

	l->rows[l->n] = *row;
	l->rows[l->n].next = *head;
	*head = ++l->n;
}

static int address_add(struct weft_lookup *l, const struct weft_table *services,
		       const struct weft_lookup_row *row, struct weft_fault *f)
{
	const struct weft_lookup_row *other = weft_lookup_find(l, &row->addr);
	char text[WEFT_ADDR_TEXT];

	if (other && other->service != row->service)
		return weft_fault_set(f, -EEXIST,
				      "services '%s' and '%s' both have the address %s; it can belong to one of them",
				      services->rows[other->service].name,
				      services->rows[row->service].name,
				      weft_addr_text(&row->addr, text));
	if (!other)
		row_add(l, row);
	return 0;
}

/* The service's own addresses. */
static int addresses_add(struct weft_lookup *l,
			 const struct weft_table *services, u32 at,
			 struct weft_fault *f)
{
	const struct weft_service *s = services->rows[at].object;
	struct weft_lookup_row row = { .pinned = -1, .service = at };
	unsigned int a, p;
	int err;

	for (a = 0; a < s->n_addresses; a++) {
		for (p = 0; p < s->n_ports; p++) {
			row.addr.ip = s->addresses[a];
			row.addr.port = s->ports[p].port;
			row.target = s->ports[p].target;
			err = address_add(l, services, &row, f);
			if (err)
				return err;
		}
	}
	return 0;
}

/* Its endpoints', as far as nobody has them. */
static void endpoints_add(struct weft_lookup *l,
			  const struct weft_table *services, u32 at)
{
	const struct weft_service *s = services->rows[at].object;
	struct weft_lookup_row row = { .service = at };
	unsigned int e, p;

	for (e = 0; e < s->n_endpoints; e++) {
		bool any = !s->endpoints[e].addr.port;

		row.pinned = e;
		row.addr = s->endpoints[e].addr;
		for (p = 0; p < (any ? s->n_ports : 1); p++) {
			if (any)
				row.addr.port = s->ports[p].target;
			row.target = row.addr.port;
			if (!weft_lookup_find(l, &row.addr))
				row_add(l, &row);
		}
	}
}

static u64 rows_needed(const struct weft_table *services)
{
	u64 n = 0;
	u32 i, e;

	for (i = 0; i < services->n; i++) {
		const struct weft_service *s = services->rows[i].object;

		n += s->n_addresses * s->n_ports;
		for (e = 0; e < s->n_endpoints; e++)
			n += s->endpoints[e].addr.port ? 1 : s->n_ports;
	}
	return n;
}

static int lookup_alloc(struct weft_lookup *l, u64 rows, struct weft_fault *f)
{
	u32 buckets;

	if (rows > WEFT_LOOKUP_MAX)
		return weft_fault_set(f, -ENOSPC,
				      "endpoints without a port of their own and ports of services make %llu addresses, at most %u are allowed",
				      rows, WEFT_LOOKUP_MAX);
	buckets = roundup_pow_of_two(rows);
	l->mask = buckets - 1;
	l->seed = get_random_u32();
	l->heads = kvcalloc(buckets, sizeof(*l->heads), GFP_KERNEL_ACCOUNT);
	l->rows = kvmalloc_array(rows, sizeof(*l->rows), GFP_KERNEL_ACCOUNT);
	return l->heads && l->rows ? 0 : weft_fault_nomem(f);
}

int weft_lookup_init(struct weft_lookup *l, const struct weft_table *services,
		     struct weft_fault *f)
{
	u64 rows = rows_needed(services);
	int err;
	u32 i;

	if (!rows)
		return 0;
	err = lookup_alloc(l, rows, f);
	if (err)
		return err;
	for (i = 0; i < services->n; i++) {
		err = addresses_add(l, services, i, f);
		if (err)
			return err;
		cond_resched();
	}
	for (i = 0; i < services->n; i++) {
		endpoints_add(l, services, i);
		cond_resched();
	}
	return 0;
}

void weft_lookup_uninit(struct weft_lookup *l)
{
	kvfree(l->heads);
	kvfree(l->rows);
	memset(l, 0, sizeof(*l));
}
