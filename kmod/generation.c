// SPDX-License-Identifier: GPL-2.0
/*
 * Generations: how one is put together from the sets of both owners, and how
 * it goes away. No lock: a generation belongs to its maker until change.c
 * publishes it, and to nobody once it is retired. Process context.
 *
 * Retiring takes a grace period and then some time per object, so a worker
 * does it, on a queue of its own that the module's exit can drain.
 */
#include <linux/err.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include "generation_priv.h"
#include "peer.h"
#include "policy.h"
#include "revocation.h"
#include "workload.h"

atomic_t weft_objects = ATOMIC_INIT(0);

static struct workqueue_struct *retire_wq;

int weft_generation_init(void)
{
	retire_wq = alloc_workqueue("weft_generation", WQ_UNBOUND, 0);
	return retire_wq ? 0 : -ENOMEM;
}

void weft_generation_flush(void)
{
	rcu_barrier();			/* rcu_work is on the queue now */
	flush_workqueue(retire_wq);
	rcu_barrier();			/* what it put is freed now */
}

void weft_generation_uninit(void)
{
	weft_generation_flush();
	destroy_workqueue(retire_wq);
	WARN_ON_ONCE(atomic_read(&weft_objects));
}

struct weft_set *weft_set_create(void)
{
	struct weft_set *set = kzalloc(sizeof(*set), GFP_KERNEL_ACCOUNT);

	if (!set)
		return NULL;
	refcount_set(&set->ref, 1);
	atomic_inc(&weft_objects);
	return set;
}

struct weft_set *weft_set_copy(const struct weft_set *set)
{
	struct weft_set *copy = weft_set_create();
	unsigned int kind;

	if (!copy)
		return NULL;
	copy->n_endpoints = set->n_endpoints;
	for (kind = 0; kind < WEFT_KINDS; kind++) {
		if (weft_table_copy(&copy->tables[kind], &set->tables[kind],
				    kind)) {
			weft_set_put(copy);
			return NULL;
		}
	}
	return copy;
}

struct weft_set *weft_set_get(struct weft_set *set)
{
	refcount_inc(&set->ref);
	return set;
}

void weft_set_put(struct weft_set *set)
{
	unsigned int kind;

	if (!set || !refcount_dec_and_test(&set->ref))
		return;
	for (kind = 0; kind < WEFT_KINDS; kind++)
		weft_table_uninit(&set->tables[kind], kind);
	kfree(set);
	atomic_dec(&weft_objects);
}

static void gen_destroy(struct weft_gen *gen)
{
	unsigned int i;

	weft_lookup_uninit(&gen->lookup);
	weft_revoked_uninit(&gen->revoked);
	weft_registry_uninit(&gen->registry);
	for (i = 0; i < ARRAY_SIZE(gen->tables); i++)
		weft_table_uninit(&gen->tables[i], i);
	for (i = 0; i < WEFT_OWNERS; i++)
		weft_set_put(gen->sets[i]);
	kfree(gen);
	atomic_dec(&weft_objects);
}

static void gen_free(struct work_struct *work)
{
	gen_destroy(container_of(to_rcu_work(work), struct weft_gen, free));
}

void weft_gen_retire(struct weft_gen *gen)
{
	if (!gen)
		return;
	INIT_RCU_WORK(&gen->free, gen_free);
	queue_rcu_work(retire_wq, &gen->free);
}

bool weft_tables_serve(const struct weft_tables *t)
{
	const struct weft_gen *gen;
	bool serve;

	rcu_read_lock();
	gen = weft_gen_current(t);
	serve = gen && gen->tables[WEFT_KIND_WORKLOAD].n;
	rcu_read_unlock();
	return serve;
}

bool weft_gen_by_exe(const struct weft_gen *gen)
{
	return gen && gen->by_exe;
}

bool weft_tables_by_exe(const struct weft_tables *t)
{
	bool by_exe;

	rcu_read_lock();
	by_exe = weft_gen_by_exe(weft_gen_current(t));
	rcu_read_unlock();
	return by_exe;
}

u64 weft_gen_number(const struct weft_gen *gen)
{
	return gen ? gen->number : 0;
}

/* Walks two tables as one, in order of names; namesakes come together. */
struct merge {
	const struct weft_table *tables[WEFT_OWNERS];
	u32 at[WEFT_OWNERS];
	const struct weft_row *rows[WEFT_OWNERS];	/* NULL: no such row */
};

static bool merge_next(struct merge *m)
{
	const struct weft_row *rows[WEFT_OWNERS];
	int cmp, i;

	for (i = 0; i < WEFT_OWNERS; i++)
		rows[i] = m->at[i] < m->tables[i]->n ?
			  &m->tables[i]->rows[m->at[i]] : NULL;
	if (!rows[0] && !rows[1])
		return false;
	cmp = !rows[0] ? 1 : !rows[1] ? -1 :
	      strcmp(rows[0]->name, rows[1]->name);
	m->rows[0] = cmp <= 0 ? rows[0] : NULL;
	m->rows[1] = cmp >= 0 ? rows[1] : NULL;
	m->at[0] += cmp <= 0;
	m->at[1] += cmp >= 0;
	return true;
}

static void merge_init(struct merge *m, const struct weft_gen *gen,
		       enum weft_kind kind)
{
	unsigned int i;

	memset(m, 0, sizeof(*m));
	for (i = 0; i < WEFT_OWNERS; i++)
		m->tables[i] = &gen->sets[i]->tables[kind];
}

/* Make room for all; the limit counts what will be there. */
static int merge_reserve(struct weft_gen *gen, enum weft_kind kind,
			 struct weft_fault *f)
{
	struct merge m;
	u32 n = 0;

	merge_init(&m, gen, kind);
	while (merge_next(&m))
		n++;
	if (n > weft_kinds[kind].max)
		return weft_fault_set(f, -ENOSPC,
				      "%u %s objects of the daemon and static ones together, at most %u are allowed",
				      n, weft_kinds[kind].noun,
				      weft_kinds[kind].max);
	return weft_table_reserve(&gen->tables[kind], n) ?
	       weft_fault_nomem(f) : 0;
}

static u16 object_wire(enum weft_kind kind, const void *object)
{
	switch (kind) {
	case WEFT_KIND_WORKLOAD:
		return ((const struct weft_workload *)object)->wire;
	case WEFT_KIND_SERVICE:
		return ((const struct weft_service *)object)->wire;
	case WEFT_KIND_POLICY:
		return ((const struct weft_policy *)object)->wire;
	case WEFT_KIND_REVOCATION:
		return ((const struct weft_revocation *)object)->wire;
	case WEFT_KIND_PEER:
		return ((const struct weft_mesh_peer *)object)->wire;
	default:
		return 0;
	}
}

static void gen_append(struct weft_gen *gen, enum weft_kind kind,
		       const char *name, void *object)
{
	weft_table_append(&gen->tables[kind], kind, name, object);
	gen->wire_max = max(gen->wire_max, object_wire(kind, object));
}

/* All but services: the static one, else the daemon's. */
static int gen_merge(struct weft_gen *gen, enum weft_kind kind,
		     struct weft_fault *f)
{
	const struct weft_row *row;
	struct merge m;
	int err;

	err = merge_reserve(gen, kind, f);
	if (err)
		return err;
	merge_init(&m, gen, kind);
	while (merge_next(&m)) {
		row = m.rows[WEFT_OWNER_STATIC];
		if (!row)
			row = m.rows[WEFT_OWNER_DAEMON];
		else if (m.rows[WEFT_OWNER_DAEMON])
			gen->shadowed++;
		gen_append(gen, kind, row->name, row->object);
	}
	return 0;
}

/* The old generation's, if that was joined from the same; else a new one. */
static struct weft_service *joined(const struct weft_gen *old,
				   struct weft_service *base,
				   struct weft_endpoints *const lists[])
{
	struct weft_service *s = weft_service_find(old, base->name);

	if (s && s->base == base && s->lists[0] == lists[0] &&
	    s->lists[1] == lists[1])
		return weft_service_get(s);
	return weft_service_join(base, lists);
}

static int count_endpoints(struct weft_gen *gen, const struct weft_service *s,
			   struct weft_fault *f)
{
	unsigned int i;

	for (i = 0; i < WEFT_OWNERS; i++)
		if (s->lists[i])
			gen->shadowed += s->lists[i]->n;
	gen->shadowed -= s->n_endpoints;
	gen->n_endpoints += s->n_endpoints;
	if (s->n_endpoints > WEFT_SERVICE_ENDPOINTS_MAX)
		return weft_fault_set(f, -ENOSPC,
				      "service '%s' has %u endpoints, at most %u are allowed",
				      s->name, s->n_endpoints,
				      WEFT_SERVICE_ENDPOINTS_MAX);
	if (gen->n_endpoints > WEFT_ENDPOINTS_MAX)
		return weft_fault_set(f, -ENOSPC,
				      "more than %u endpoints altogether, with those of service '%s'",
				      WEFT_ENDPOINTS_MAX, s->name);
	return 0;
}

/*
 * A static service stands for the daemon's of that name together with the
 * daemon's endpoints of it; static endpoints go to whichever there is.
 */
static int gen_join(struct weft_gen *gen, const struct merge *m,
		    const struct weft_gen *old, struct weft_fault *f)
{
	const struct weft_row *hidden = m->rows[WEFT_OWNER_DAEMON];
	const struct weft_row *row = m->rows[WEFT_OWNER_STATIC];
	struct weft_endpoints *lists[WEFT_OWNERS];
	struct weft_service *s;
	unsigned int i;
	int err;

	if (!row)
		swap(row, hidden);
	for (i = 0; i < WEFT_OWNERS; i++)
		lists[i] = weft_gen_owned(gen, i, WEFT_KIND_ENDPOINTS,
					  row->name);
	if (hidden) {
		gen->shadowed++;
		if (lists[WEFT_OWNER_DAEMON])
			gen->shadowed += lists[WEFT_OWNER_DAEMON]->n;
		lists[WEFT_OWNER_DAEMON] = NULL;
	}
	s = joined(old, row->object, lists);
	if (!s)
		return weft_fault_nomem(f);
	err = count_endpoints(gen, s, f);
	if (!err)
		gen_append(gen, WEFT_KIND_SERVICE, s->name, s);
	weft_service_put(s);
	return err;
}

static int gen_services(struct weft_gen *gen, const struct weft_gen *old,
			struct weft_fault *f)
{
	struct merge m;
	int err;

	err = merge_reserve(gen, WEFT_KIND_SERVICE, f);
	if (err)
		return err;
	merge_init(&m, gen, WEFT_KIND_SERVICE);
	while (merge_next(&m)) {
		err = gen_join(gen, &m, old, f);
		if (err)
			return err;
	}
	return weft_lookup_init(&gen->lookup, &gen->tables[WEFT_KIND_SERVICE],
				f);
}

static int gen_workloads(struct weft_gen *gen, struct weft_fault *f)
{
	const struct weft_table *t = &gen->tables[WEFT_KIND_WORKLOAD];
	int err = gen_merge(gen, WEFT_KIND_WORKLOAD, f);
	u32 i;

	for (i = 0; !err && i < t->n; i++)
		gen->by_exe |= weft_workload_by_exe(t->rows[i].object);
	return err;
}

static int gen_revocations(struct weft_gen *gen, struct weft_fault *f)
{
	const struct weft_table *tables[WEFT_OWNERS];
	unsigned int i;
	int err;

	for (i = 0; i < WEFT_OWNERS; i++)
		tables[i] = &gen->sets[i]->tables[WEFT_KIND_REVOCATION];
	err = gen_merge(gen, WEFT_KIND_REVOCATION, f);
	return err ?: weft_revoked_init(&gen->revoked, tables, f);
}

static int gen_peers(struct weft_gen *gen, struct weft_fault *f)
{
	const struct weft_table *tables[WEFT_OWNERS];
	unsigned int i;
	int err;

	for (i = 0; i < WEFT_OWNERS; i++)
		tables[i] = &gen->sets[i]->tables[WEFT_KIND_PEER];
	err = gen_merge(gen, WEFT_KIND_PEER, f);
	return err ?: weft_registry_init(&gen->registry, tables, f);
}

struct weft_gen *weft_gen_create(struct weft_set *const sets[WEFT_OWNERS],
				 const struct weft_gen *old,
				 struct weft_fault *f)
{
	struct weft_gen *gen = kzalloc(sizeof(*gen), GFP_KERNEL_ACCOUNT);
	unsigned int i;
	int err;

	if (!gen) {
		weft_fault_nomem(f);
		return ERR_PTR(-ENOMEM);
	}
	atomic_inc(&weft_objects);
	for (i = 0; i < WEFT_OWNERS; i++)
		gen->sets[i] = weft_set_get(sets[i]);
	err = gen_workloads(gen, f);
	if (!err)
		err = gen_merge(gen, WEFT_KIND_POLICY, f);
	if (!err)
		err = gen_revocations(gen, f);
	if (!err)
		err = gen_peers(gen, f);
	if (!err)
		err = gen_services(gen, old, f);
	if (err) {
		gen_destroy(gen);	/* was never published */
		return ERR_PTR(err);
	}
	return gen;
}
