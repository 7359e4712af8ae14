/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the workers need to prove identities: one TLS context per workload
 * identity and role, frozen.
 *
 * identity.c makes a new snapshot whenever anything changed and hands it to
 * each worker; a handshake that has begun keeps its context by a reference of
 * its own. Immutable; any thread; the reference count is atomic.
 */
#ifndef WEFT_DAEMON_SNAPSHOT_H
#define WEFT_DAEMON_SNAPSHOT_H

#include <linux/weft.h>
#include <stdatomic.h>
#include <stddef.h>
#include "tls/ctx.h"

struct weft_snapshot_entry {
	char *identity;
	struct weft_tls_ctx *ctx[2]; /* by enum weft_role */
};

struct weft_snapshot {
	atomic_uint refs;
	size_t n;
	struct weft_snapshot_entry entries[]; /* in strcmp() order of identity */
};

/* Room for @n entries, all empty; fill them before anybody else sees it.
 * Return: one reference; NULL out of memory. */
struct weft_snapshot *weft_snapshot_create(size_t n);

/* Another reference. Return: @snapshot. */
struct weft_snapshot *weft_snapshot_get(struct weft_snapshot *snapshot);

/* One reference less; NULL is fine. */
void weft_snapshot_put(struct weft_snapshot *snapshot);

/* For _cleanup_(weft_snapshot_put_ptr). */
void weft_snapshot_put_ptr(struct weft_snapshot **snapshot);

/* The snapshot's; NULL: there is no certificate for @identity (NULL: none known). */
struct weft_tls_ctx *weft_snapshot_find(const struct weft_snapshot *snapshot,
					const char *identity, enum weft_role role);

#endif
