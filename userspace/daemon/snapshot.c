// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Frozen set of TLS contexts, see snapshot.h.
 */
#include "daemon/snapshot.h"

#include <stdlib.h>
#include <string.h>

struct weft_snapshot *weft_snapshot_create(size_t n)
{
	struct weft_snapshot *snapshot;

	snapshot = calloc(1, sizeof(*snapshot) + n * sizeof(snapshot->entries[0]));
	if (!snapshot)
		return NULL;
	atomic_init(&snapshot->refs, 1);
	snapshot->n = n;
	return snapshot;
}

struct weft_snapshot *weft_snapshot_get(struct weft_snapshot *snapshot)
{
	atomic_fetch_add_explicit(&snapshot->refs, 1, memory_order_relaxed);
	return snapshot;
}

void weft_snapshot_put(struct weft_snapshot *snapshot)
{
	size_t i;

	/* Whoever frees must see what the others did before they let go. */
	if (!snapshot ||
	    atomic_fetch_sub_explicit(&snapshot->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (i = 0; i < snapshot->n; i++) {
		weft_tls_ctx_put(snapshot->entries[i].ctx[WEFT_ROLE_CLIENT]);
		weft_tls_ctx_put(snapshot->entries[i].ctx[WEFT_ROLE_SERVER]);
		free(snapshot->entries[i].identity);
	}
	free(snapshot);
}

void weft_snapshot_put_ptr(struct weft_snapshot **snapshot)
{
	weft_snapshot_put(*snapshot);
}

static int compare(const void *key, const void *entry)
{
	return strcmp(key, ((const struct weft_snapshot_entry *)entry)->identity);
}

struct weft_tls_ctx *weft_snapshot_find(const struct weft_snapshot *snapshot,
					const char *identity, enum weft_role role)
{
	const struct weft_snapshot_entry *entry;

	if (!identity)
		return NULL;
	entry = bsearch(identity, snapshot->entries, snapshot->n, sizeof(*entry), compare);
	return entry ? entry->ctx[role] : NULL;
}
