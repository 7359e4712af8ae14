// SPDX-License-Identifier: GPL-2.0
/*
 * Revocations, see revocation.h.
 */
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include "generation_priv.h"
#include "revocation.h"

struct weft_revocation *weft_revocation_create(void)
{
	struct weft_revocation *r = kzalloc(sizeof(*r), GFP_KERNEL_ACCOUNT);

	if (!r)
		return NULL;
	refcount_set(&r->ref, 1);
	atomic_inc(&weft_objects);
	return r;
}

static void revocation_free(struct rcu_head *rcu)
{
	struct weft_revocation *r =
		container_of(rcu, struct weft_revocation, rcu);
	unsigned int i;

	for (i = 0; i < r->n_identities; i++)
		kfree(r->identities[i]);
	for (i = 0; i < r->n_serials; i++)
		kfree(r->serials[i]);
	kfree(r->identities);
	kfree(r->serials);
	kfree(r->name);
	kfree(r);
	atomic_dec(&weft_objects);
}

struct weft_revocation *weft_revocation_get(struct weft_revocation *r)
{
	refcount_inc(&r->ref);
	return r;
}

void weft_revocation_put(struct weft_revocation *r)
{
	if (r && refcount_dec_and_test(&r->ref))
		call_rcu(&r->rcu, revocation_free);
}

static int row_cmp(const void *va, const void *vb)
{
	const struct weft_revoked_row *a = va, *b = vb;

	cond_resched();			/* there may be very many */
	return strcmp(a->text, b->text) ?: strcmp(a->by->name, b->by->name);
}

static int rows_reserve(struct weft_revoked_rows *rows, u32 n)
{
	if (!n)
		return 0;
	rows->rows = kvmalloc_array(n, sizeof(*rows->rows),
				    GFP_KERNEL_ACCOUNT);
	return rows->rows ? 0 : -ENOMEM;
}

static void rows_add(struct weft_revoked_rows *rows,
		     const struct weft_revocation *by, const char **texts,
		     u16 n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		rows->rows[rows->n].text = texts[i];
		rows->rows[rows->n++].by = by;
	}
}

static void rows_sort(struct weft_revoked_rows *rows)
{
	if (rows->n)
		sort(rows->rows, rows->n, sizeof(*rows->rows), row_cmp, NULL);
}

static void count_all(const struct weft_table *t, u32 *identities, u32 *serials)
{
	u32 i;

	for (i = 0; i < t->n; i++) {
		const struct weft_revocation *v = t->rows[i].object;

		*identities += v->n_identities;
		*serials += v->n_serials;
	}
}

static void add_all(struct weft_revoked_set *r, const struct weft_table *t)
{
	u32 i;

	for (i = 0; i < t->n; i++) {
		const struct weft_revocation *v = t->rows[i].object;

		rows_add(&r->identities, v, v->identities, v->n_identities);
		rows_add(&r->serials, v, v->serials, v->n_serials);
	}
}

int weft_revoked_init(struct weft_revoked_set *r,
		      const struct weft_table *const *tables,
		      struct weft_fault *f)
{
	u32 identities = 0, serials = 0, i;

	for (i = 0; i < WEFT_OWNERS; i++)
		count_all(tables[i], &identities, &serials);
	if (identities + serials > WEFT_REVOKED_TOTAL_MAX)
		return weft_fault_set(f, -ENOSPC,
				      "all revocations together have %u identities and serials, at most %u are allowed",
				      identities + serials,
				      WEFT_REVOKED_TOTAL_MAX);
	if (rows_reserve(&r->identities, identities) ||
	    rows_reserve(&r->serials, serials))
		return weft_fault_nomem(f);
	for (i = 0; i < WEFT_OWNERS; i++)
		add_all(r, tables[i]);
	rows_sort(&r->identities);
	rows_sort(&r->serials);
	return 0;
}

void weft_revoked_uninit(struct weft_revoked_set *r)
{
	kvfree(r->identities.rows);
	kvfree(r->serials.rows);
	memset(r, 0, sizeof(*r));
}

/* Of several that say the same the first by name. */
static const struct weft_revocation *
rows_find(const struct weft_revoked_rows *rows, const char *text)
{
	u32 low = 0, high = rows->n;

	while (low < high) {
		u32 mid = low + (high - low) / 2;

		if (strcmp(rows->rows[mid].text, text) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low < rows->n && !strcmp(rows->rows[low].text, text) ?
	       rows->rows[low].by : NULL;
}

u8 weft_revoked_find(const struct weft_revoked_set *r, const char *identity,
		     const char *serial, const struct weft_revocation **by)
{
	const struct weft_revocation *found;

	if (!identity)
		return WEFT_REVOKED_NOTHING;
	found = rows_find(&r->identities, identity);
	if (found) {
		*by = found;
		return WEFT_REVOKED_IDENTITY;
	}
	if (!serial || !r->serials.n)
		return WEFT_REVOKED_NOTHING;
	if (!serial[0])
		return WEFT_REVOKED_SERIAL;
	found = rows_find(&r->serials, serial);
	if (!found)
		return WEFT_REVOKED_NOTHING;
	*by = found;
	return WEFT_REVOKED_SERIAL;
}
