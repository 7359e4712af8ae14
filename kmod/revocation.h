/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Revocations: identities and certificates that may be at no connection any
 * more. Objects as they are configured, and the rows of a generation that all
 * of them together are searched by. Pure; made in process context, searched in
 * any, in an RCU read section.
 */
#ifndef WEFT_REVOCATION_H
#define WEFT_REVOCATION_H

#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include "fault.h"
#include "table.h"
#include "types.h"

struct weft_revocation {
	refcount_t ref;
	u8 owner;
	u16 wire;		/* bytes of the attribute it came in */
	u16 n_identities;
	u16 n_serials;
	const char *name;
	const char **identities;	/* SPIFFE IDs */
	const char **serials;	/* as the uapi header writes them */
	struct rcu_head rcu;
};

/**
 * weft_revocation_create() - an empty one with one reference, to fill
 *
 * The maker puts kmalloc()ed strings and arrays in; weft_revocation_put() frees
 * them, also of one that is half made. Return: NULL when out of memory.
 */
struct weft_revocation *weft_revocation_create(void);

struct weft_revocation *weft_revocation_get(struct weft_revocation *r);
void weft_revocation_put(struct weft_revocation *r);	/* NULL is fine */

struct weft_revoked_row {
	const char *text;	/* the revocation's */
	const struct weft_revocation *by;
};

/* Rows in order of their text, then of the revocation's name. */
struct weft_revoked_rows {
	u32 n;
	struct weft_revoked_row *rows;
};

struct weft_revoked_set {
	struct weft_revoked_rows identities;
	struct weft_revoked_rows serials;
};

/**
 * weft_revoked_init() - all that some revocations say
 * @r: zeroed; weft_revoked_uninit() it also after an error
 * @tables: of each owner; they outlive @r. A name that is there twice hides
 *	    nothing: what either says is revoked.
 * @f: filled in on error
 *
 * Return: 0, -ENOSPC more than WEFT_REVOKED_TOTAL_MAX, -ENOMEM.
 */
int weft_revoked_init(struct weft_revoked_set *r,
		      const struct weft_table *const *tables,
		      struct weft_fault *f);
void weft_revoked_uninit(struct weft_revoked_set *r);

/**
 * weft_revoked_find() - is this peer revoked?
 * @r: of the generation to judge by
 * @identity: that the peer proved; NULL: none, then nothing is revoked
 * @serial: of its certificate; "": not known, which is as bad as revoked where
 *	    any serial is; NULL: only the identity is asked about
 * @by: the first by name that says so; untouched if none does
 *
 * Costs nothing where nothing is revoked, else two binary searches.
 *
 * Return: enum weft_revoked.
 */
u8 weft_revoked_find(const struct weft_revoked_set *r, const char *identity,
		     const char *serial, const struct weft_revocation **by);

#endif
