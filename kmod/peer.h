/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The registry of peers: addresses from which only mesh comes, so that a
 * permissive port takes no plaintext from them. Objects as they are configured,
 * and the rows of a generation that all of them together are searched by. Pure;
 * made in process context, searched in any, in an RCU read section.
 */
#ifndef WEFT_PEER_H
#define WEFT_PEER_H

#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include "fault.h"
#include "table.h"
#include "types.h"

struct weft_mesh_peer {
	refcount_t ref;
	u8 owner;
	u16 wire;		/* bytes of the attribute it came in */
	u16 n_networks;
	const char *name;
	struct weft_network *networks;
	struct rcu_head rcu;
};

/**
 * weft_mesh_peer_create() - an empty one with one reference, to fill
 *
 * The maker puts kmalloc()ed name and networks in; weft_mesh_peer_put() frees
 * them, also of one that is half made. Return: NULL when out of memory.
 */
struct weft_mesh_peer *weft_mesh_peer_create(void);

struct weft_mesh_peer *weft_mesh_peer_get(struct weft_mesh_peer *p);
void weft_mesh_peer_put(struct weft_mesh_peer *p);	/* NULL is fine */

struct weft_registry_row {
	struct weft_network network;
	const struct weft_mesh_peer *by;
};

/* Rows that have no address in common, IPv6's first, in order of address. */
struct weft_registry {
	u32 n;
	struct weft_registry_row *rows;
};

/**
 * weft_registry_init() - all addresses of some peers
 * @r: zeroed; weft_registry_uninit() it also after an error
 * @tables: of each owner; they outlive @r. A name that is there twice hides
 *	    nothing: no plaintext is taken from the addresses of either.
 * @f: filled in on error
 *
 * Return: 0, -ENOSPC more than WEFT_REGISTRY_MAX, -ENOMEM.
 */
int weft_registry_init(struct weft_registry *r,
		       const struct weft_table *const *tables,
		       struct weft_fault *f);
void weft_registry_uninit(struct weft_registry *r);

/**
 * weft_registry_find() - does who comes from here speak mesh?
 * @r: of the generation to ask
 * @ip: the peer's address; IPv4 v4-mapped
 *
 * Costs a test where there is no peer, else a binary search of at most
 * WEFT_REGISTRY_MAX rows.
 *
 * Return: the peer that says so, without a reference: of several that with the
 * shortest prefix, then the first by name; NULL: none does.
 */
const struct weft_mesh_peer *
weft_registry_find(const struct weft_registry *r, const struct in6_addr *ip);

#endif
