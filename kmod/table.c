// SPDX-License-Identifier: GPL-2.0
/*
 * Tables of objects sorted by name, see table.h.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/weft.h>
#include "peer.h"
#include "policy.h"
#include "revocation.h"
#include "service.h"
#include "table.h"
#include "workload.h"

static void workload_get(void *object)
{
	weft_workload_get(object);
}

static void workload_put(void *object)
{
	weft_workload_put(object);
}

static void service_get(void *object)
{
	weft_service_get(object);
}

static void service_put(void *object)
{
	weft_service_put(object);
}

static void policy_get(void *object)
{
	weft_policy_get(object);
}

static void policy_put(void *object)
{
	weft_policy_put(object);
}

static void revocation_get(void *object)
{
	weft_revocation_get(object);
}

static void revocation_put(void *object)
{
	weft_revocation_put(object);
}

static void peer_get(void *object)
{
	weft_mesh_peer_get(object);
}

static void peer_put(void *object)
{
	weft_mesh_peer_put(object);
}

static void endpoints_get(void *object)
{
	weft_endpoints_get(object);
}

static void endpoints_put(void *object)
{
	weft_endpoints_put(object);
}

const struct weft_kind_ops weft_kinds[WEFT_KINDS] = {
	[WEFT_KIND_WORKLOAD] = {
		.noun = "workload", .max = WEFT_WORKLOADS_MAX,
		.get = workload_get, .put = workload_put,
	},
	[WEFT_KIND_SERVICE] = {
		.noun = "service", .max = WEFT_SERVICES_MAX,
		.get = service_get, .put = service_put,
	},
	[WEFT_KIND_POLICY] = {
		.noun = "policy", .max = WEFT_POLICIES_MAX,
		.get = policy_get, .put = policy_put,
	},
	[WEFT_KIND_REVOCATION] = {
		.noun = "revocation", .max = WEFT_REVOCATIONS_MAX,
		.get = revocation_get, .put = revocation_put,
	},
	[WEFT_KIND_PEER] = {
		.noun = "peer", .max = WEFT_PEERS_MAX,
		.get = peer_get, .put = peer_put,
	},
	[WEFT_KIND_ENDPOINTS] = {
		.noun = "endpoint list", .max = WEFT_SERVICES_MAX,
		.get = endpoints_get, .put = endpoints_put,
	},
};

bool weft_table_search(const struct weft_table *t, const char *name, u32 *at)
{
	u32 low = 0, high = t->n;

	/* Most callers add in order: look at the end first. */
	if (t->n && strcmp(t->rows[t->n - 1].name, name) < 0)
		low = t->n;
	while (low < high) {
		u32 mid = low + (high - low) / 2;
		int cmp = strcmp(t->rows[mid].name, name);

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

void *weft_table_find(const struct weft_table *t, const char *name)
{
	u32 at;

	return weft_table_search(t, name, &at) ? t->rows[at].object : NULL;
}

int weft_table_reserve(struct weft_table *t, u32 n)
{
	struct weft_row *rows;

	if (n <= t->room)
		return 0;
	rows = kvmalloc_array(n, sizeof(*rows), GFP_KERNEL_ACCOUNT);
	if (!rows)
		return -ENOMEM;
	if (t->n)
		memcpy(rows, t->rows, t->n * sizeof(*rows));
	kvfree(t->rows);
	t->rows = rows;
	t->room = n;
	return 0;
}

int weft_table_set(struct weft_table *t, enum weft_kind kind, const char *name,
		   void *object)
{
	u32 at;

	if (weft_table_search(t, name, &at)) {
		weft_kinds[kind].get(object);
		weft_kinds[kind].put(t->rows[at].object);
		t->rows[at].name = name;
		t->rows[at].object = object;
		return 0;
	}
	if (t->n == t->room && weft_table_reserve(t, t->n + t->n / 2 + 8))
		return -ENOMEM;
	memmove(&t->rows[at + 1], &t->rows[at],
		(t->n - at) * sizeof(*t->rows));
	weft_kinds[kind].get(object);
	t->rows[at].name = name;
	t->rows[at].object = object;
	t->n++;
	return 0;
}

void weft_table_append(struct weft_table *t, enum weft_kind kind,
		       const char *name, void *object)
{
	if (WARN_ON_ONCE(t->n >= t->room))
		return;
	weft_kinds[kind].get(object);
	t->rows[t->n].name = name;
	t->rows[t->n].object = object;
	t->n++;
}

void weft_table_remove(struct weft_table *t, enum weft_kind kind, u32 at)
{
	void *object = t->rows[at].object;

	t->n--;
	memmove(&t->rows[at], &t->rows[at + 1],
		(t->n - at) * sizeof(*t->rows));
	weft_kinds[kind].put(object);
}

int weft_table_copy(struct weft_table *to, const struct weft_table *from,
		    enum weft_kind kind)
{
	u32 i;

	if (weft_table_reserve(to, from->n + 1))
		return -ENOMEM;
	for (i = 0; i < from->n; i++)
		weft_table_append(to, kind, from->rows[i].name,
				  from->rows[i].object);
	return 0;
}

void weft_table_uninit(struct weft_table *t, enum weft_kind kind)
{
	u32 i;

	for (i = 0; i < t->n; i++)
		weft_kinds[kind].put(t->rows[i].object);
	kvfree(t->rows);
	memset(t, 0, sizeof(*t));
}
