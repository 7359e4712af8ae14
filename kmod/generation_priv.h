/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The inside of a generation, for the pure layers and the dumps of genl.
 *
 *	weft_tables --> weft_gen -+-> tables: what is in force, joined
 *				  +-> lookup: addresses of it
 *				  +-> revoked: identities and serials of it
 *				  +-> registry: addresses of its peers
 *				  +-> sets[DAEMON], sets[STATIC]: as configured
 *
 * Sets, objects and joined services are shared between generations; one that
 * follows another costs rows of pointers, not copies.
 */
#ifndef WEFT_GENERATION_PRIV_H
#define WEFT_GENERATION_PRIV_H

#include <linux/refcount.h>
#include <linux/workqueue.h>
#include "fault.h"
#include "generation.h"
#include "lookup.h"
#include "peer.h"
#include "revocation.h"
#include "table.h"

/* The objects of one owner. Immutable once in a generation. */
struct weft_set {
	refcount_t ref;
	u32 n_endpoints;
	struct weft_table tables[WEFT_KINDS];
};

struct weft_gen {
	u64 number;
	u32 n_endpoints;
	u32 shadowed;		/* the daemon's objects left out */
	u16 wire_max;		/* of its objects, for the dumps' buffers */
	bool by_exe;		/* a workload looks at the executable */
	struct weft_table tables[WEFT_KIND_ENDPOINTS];	/* by enum weft_kind */
	struct weft_lookup lookup;
	struct weft_revoked_set revoked;
	struct weft_registry registry;
	struct weft_set *sets[WEFT_OWNERS];
	struct rcu_work free;
};

/* Workloads, policies and so on that exist, of all namespaces. */
extern atomic_t weft_objects;

struct weft_set *weft_set_create(void);		/* empty, or NULL */
struct weft_set *weft_set_copy(const struct weft_set *set);
struct weft_set *weft_set_get(struct weft_set *set);
void weft_set_put(struct weft_set *set);	/* NULL is fine */

/* A static object of this name, or its endpoints; NULL when there is none. */
static inline void *weft_gen_owned(const struct weft_gen *gen, u8 owner,
				   enum weft_kind kind, const char *name)
{
	return gen ? weft_table_find(&gen->sets[owner]->tables[kind], name) :
		     NULL;
}

/**
 * weft_gen_create() - put a generation together
 * @sets: the objects by owner; references are taken
 * @old: the current one, whose joined services are shared; may be NULL
 * @f: filled in on error
 *
 * Return: the generation, or ERR_PTR(): -EEXIST, -ENOSPC, -ENOMEM.
 */
struct weft_gen *weft_gen_create(struct weft_set *const sets[WEFT_OWNERS],
				 const struct weft_gen *old,
				 struct weft_fault *f);

/* Nobody can reach it any more but readers in RCU sections. NULL is fine. */
void weft_gen_retire(struct weft_gen *gen);

#endif
