// SPDX-License-Identifier: GPL-2.0
/*
 * Changes of a namespace's tables: the daemon's transactions and single static
 * objects. Every change makes the next generation, complete and checked, before
 * it is published; nothing is ever half applied. A trial is a transaction whose
 * generation is never published: it is made to be asked what it would say.
 *
 * Process context; weft_tables.lock is taken here. Called by genl_<object>.c.
 */
#include <linux/err.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include "flow.h"
#include "generation_priv.h"
#include "names.h"

/* The daemon's open transaction, or a trial; weft_tables.lock. */
struct weft_txn {
	u32 id;
	u32 portid;
	struct weft_set *set;	/* private until the commit */
	struct weft_gen *gen;	/* of a trial that was asked; @set stays then */
};

static struct weft_gen *current_locked(struct weft_tables *t)
{
	return rcu_dereference_protected(t->gen, lockdep_is_held(&t->lock));
}

static void publish_locked(struct weft_tables *t, struct weft_gen *gen)
{
	struct weft_gen *old;

	gen->number = t->next_number++;
	old = rcu_replace_pointer(t->gen, gen, lockdep_is_held(&t->lock));
	weft_gen_retire(old);
	if (t->changed)
		t->changed(t);
}

/* @slot: where the tables have it; NULL in it is fine. */
static void txn_destroy_locked(struct weft_txn **slot)
{
	struct weft_txn *txn = *slot;

	if (!txn)
		return;
	*slot = NULL;
	weft_gen_retire(txn->gen);	/* holds the set as well */
	weft_set_put(txn->set);
	kfree(txn);
}

/**
 * weft_tables_init() - nothing configured
 * @t: the tables, part of the namespace's state
 * @changed: called after every swap, see struct weft_tables; may be NULL
 */
void weft_tables_init(struct weft_tables *t,
		      void (*changed)(struct weft_tables *t))
{
	memset(t, 0, sizeof(*t));
	mutex_init(&t->lock);
	t->next_number = 1;
	t->next_txn = 1;
	t->changed = changed;
}

/**
 * weft_tables_uninit() - forget everything
 * @t: the tables; no writer is left
 *
 * Readers that are still in an RCU section are safe.
 */
void weft_tables_uninit(struct weft_tables *t)
{
	mutex_lock(&t->lock);
	txn_destroy_locked(&t->txn);
	txn_destroy_locked(&t->trial);
	weft_gen_retire(rcu_replace_pointer(t->gen, NULL,
					    lockdep_is_held(&t->lock)));
	mutex_unlock(&t->lock);
	mutex_destroy(&t->lock);
}

static bool is_open(const struct weft_txn *txn, u32 id)
{
	return txn && txn->id == id;
}

/* @slot: where the tables have it, on success. */
static int txn_find_locked(struct weft_tables *t, u32 id, u32 portid,
			   struct weft_txn ***slot, struct weft_fault *f)
{
	struct weft_txn **at = is_open(t->trial, id) ? &t->trial : &t->txn;

	if (!is_open(*at, id))
		return weft_fault_set(f, -ENOENT,
				      "no transaction %u is open here; begin one",
				      id);
	if ((*at)->portid != portid)
		return weft_fault_set(f, -EBUSY,
				      "transaction %u belongs to netlink socket %u, this one is %u",
				      id, (*at)->portid, portid);
	*slot = at;
	return 0;
}

/* None that is open: they may stay so for long. */
static u32 next_txn_locked(struct weft_tables *t)
{
	u32 id;

	do {
		id = t->next_txn++;
	} while (!id || (t->txn && t->txn->id == id) ||
		 (t->trial && t->trial->id == id));
	return id;
}

static int txn_begin_locked(struct weft_tables *t, struct weft_txn **slot,
			    u32 portid, u32 *id, struct weft_fault *f)
{
	struct weft_txn *txn = *slot;

	if (txn && slot == &t->trial)
		return weft_fault_set(f, -EBUSY,
				      "netlink socket %u has trial %u open; it must abort or close first",
				      txn->portid, txn->id);
	if (txn)
		return weft_fault_set(f, -EBUSY,
				      "netlink socket %u has transaction %u open; it must commit, abort or close first",
				      txn->portid, txn->id);
	txn = kzalloc(sizeof(*txn), GFP_KERNEL_ACCOUNT);
	if (!txn)
		return weft_fault_nomem(f);
	txn->set = weft_set_create();
	if (!txn->set) {
		kfree(txn);
		return weft_fault_nomem(f);
	}
	txn->portid = portid;
	txn->id = next_txn_locked(t);
	*slot = txn;
	*id = txn->id;
	return 0;
}

int weft_txn_begin(struct weft_tables *t, bool trial, u32 portid, u32 *id,
		   struct weft_fault *f)
{
	int err;

	mutex_lock(&t->lock);
	err = txn_begin_locked(t, trial ? &t->trial : &t->txn, portid, id, f);
	mutex_unlock(&t->lock);
	return err;
}

int weft_txn_abort(struct weft_tables *t, u32 id, u32 portid,
		   struct weft_fault *f)
{
	struct weft_txn **slot;
	int err;

	mutex_lock(&t->lock);
	err = txn_find_locked(t, id, portid, &slot, f);
	if (!err)
		txn_destroy_locked(slot);
	mutex_unlock(&t->lock);
	return err;
}

/**
 * weft_tables_portid_gone() - a netlink socket closed
 * @t: the tables
 * @portid: its port
 */
void weft_tables_portid_gone(struct weft_tables *t, u32 portid)
{
	mutex_lock(&t->lock);
	if (t->txn && t->txn->portid == portid)
		txn_destroy_locked(&t->txn);
	if (t->trial && t->trial->portid == portid)
		txn_destroy_locked(&t->trial);
	mutex_unlock(&t->lock);
}

/* The counters that service and address have now, without a reference. */
static struct weft_endpoint_stats *stats_now(const struct weft_gen *gen,
					     const char *service,
					     const struct weft_addr *addr)
{
	const struct weft_endpoints *l;
	u32 at;
	int i;

	for (i = 0; i < WEFT_OWNERS; i++) {
		l = weft_gen_owned(gen, i, WEFT_KIND_ENDPOINTS, service);
		if (l && weft_endpoints_search(l, addr, &at))
			return l->list[at].stats;
	}
	return NULL;
}

/*
 * Give every endpoint of a list nobody else sees yet its counters: those that
 * go on from @gen, or new ones. May be done again for a later @gen.
 */
static int stats_adopt(struct weft_endpoints *l, const struct weft_gen *gen)
{
	struct weft_endpoint_stats *st;
	u32 i;

	for (i = 0; i < l->n; i++) {
		st = stats_now(gen, l->service, &l->list[i].addr);
		if (st == l->list[i].stats && st)
			continue;
		if (!st && l->list[i].stats)
			continue;
		if (st)
			refcount_inc(&st->ref);
		else
			st = weft_endpoint_stats_create();
		if (!st)
			return -ENOMEM;
		weft_endpoint_stats_put(l->list[i].stats);
		l->list[i].stats = st;
	}
	return 0;
}

/* Every list of endpoints needs its service in the same transaction. */
static int txn_check(const struct weft_txn *txn, struct weft_fault *f)
{
	const struct weft_table *lists =
		&txn->set->tables[WEFT_KIND_ENDPOINTS];
	const struct weft_table *services =
		&txn->set->tables[WEFT_KIND_SERVICE];
	char text[WEFT_ADDR_TEXT];
	u32 i;

	for (i = 0; i < lists->n; i++) {
		const struct weft_endpoints *l = lists->rows[i].object;

		/* one whose first endpoint was refused is empty */
		if (l->n && !weft_table_find(services, l->service))
			return weft_fault_set(f, -EINVAL,
					      "endpoint %s belongs to service '%s', which is not in transaction %u",
					      weft_addr_text(&l->list[0].addr,
							     text),
					      l->service, txn->id);
	}
	return 0;
}

static int txn_adopt_locked(struct weft_tables *t, const struct weft_txn *txn,
			    struct weft_fault *f)
{
	const struct weft_table *lists =
		&txn->set->tables[WEFT_KIND_ENDPOINTS];
	u32 i;

	for (i = 0; i < lists->n; i++) {
		if (stats_adopt(lists->rows[i].object, current_locked(t)))
			return weft_fault_nomem(f);
		cond_resched();
	}
	return 0;
}

/*
 * The current generation with one owner's objects replaced by @set. No
 * reference of the caller's is used up. Return: it, private, or ERR_PTR().
 */
static struct weft_gen *successor_locked(struct weft_tables *t, u8 owner,
					 struct weft_set *set,
					 struct weft_fault *f)
{
	struct weft_gen *gen, *old = current_locked(t);
	struct weft_set *sets[WEFT_OWNERS], *empty = NULL;
	u8 other = !owner;

	if (!old) {
		empty = weft_set_create();
		if (!empty) {
			weft_fault_nomem(f);
			return ERR_PTR(-ENOMEM);
		}
	}
	sets[owner] = set;
	sets[other] = old ? old->sets[other] : empty;
	gen = weft_gen_create(sets, old, f);
	weft_set_put(empty);
	return gen;
}

/* Publish it. */
static int replace_locked(struct weft_tables *t, u8 owner,
			  struct weft_set *set, struct weft_fault *f)
{
	struct weft_gen *gen;
	int err;

	err = t->prepare ? t->prepare(t) : 0;
	if (err)
		return weft_fault_set(f, err,
				      "the netfilter hooks that catch what slips past connect() cannot be set (%d), nothing was changed",
				      err);
	gen = successor_locked(t, owner, set, f);
	if (IS_ERR(gen))
		return PTR_ERR(gen);
	publish_locked(t, gen);
	return 0;
}

static int txn_commit_locked(struct weft_tables *t, struct weft_txn **slot,
			     u64 *number, struct weft_fault *f)
{
	struct weft_txn *txn = *slot;
	int err;

	if (slot == &t->trial)
		return weft_fault_set(f, -EINVAL,
				      "transaction %u is a trial, which cannot be committed; begin one that is none",
				      txn->id);
	err = txn_check(txn, f);
	if (!err)
		err = txn_adopt_locked(t, txn, f);
	if (!err)
		err = replace_locked(t, WEFT_OWNER_DAEMON, txn->set, f);
	if (err)
		return err;
	*number = current_locked(t)->number;
	txn_destroy_locked(slot);
	return 0;
}

/*
 * The generation that a trial would be, made when first asked for. What static
 * objects change later is not in it.
 */
static int trial_gen_locked(struct weft_tables *t, struct weft_txn *txn,
			    struct weft_fault *f)
{
	struct weft_gen *gen;
	int err;

	if (txn->gen)
		return 0;
	err = txn_check(txn, f);
	if (!err)
		err = txn_adopt_locked(t, txn, f);
	if (err)
		return err;
	gen = successor_locked(t, WEFT_OWNER_DAEMON, txn->set, f);
	if (IS_ERR(gen))
		return PTR_ERR(gen);
	txn->gen = gen;
	return 0;
}

static int trial_ready_locked(struct weft_tables *t, u32 id, u32 portid,
			      const struct weft_gen **gen,
			      struct weft_fault *f)
{
	struct weft_txn **slot;
	int err;

	err = txn_find_locked(t, id, portid, &slot, f);
	if (err)
		return err;
	if (slot != &t->trial)
		return weft_fault_set(f, -EINVAL,
				      "transaction %u is no trial; begin one with TRIAL",
				      id);
	err = trial_gen_locked(t, *slot, f);
	if (!err)
		*gen = (*slot)->gen;
	return err;
}

int weft_trial_judge(struct weft_tables *t, u32 id, u32 portid,
		     const struct weft_flow *flow,
		     struct weft_flow_verdict *out, struct weft_fault *f)
{
	const struct weft_gen *gen;
	int err;

	mutex_lock(&t->lock);
	err = trial_ready_locked(t, id, portid, &gen, f);
	rcu_read_lock();		/* it retires by RCU */
	mutex_unlock(&t->lock);
	if (!err)
		weft_flow_judge(gen, flow, out);
	rcu_read_unlock();
	return err;
}

int weft_txn_commit(struct weft_tables *t, u32 id, u32 portid, u64 *number,
		    struct weft_fault *f)
{
	struct weft_txn **slot;
	int err;

	mutex_lock(&t->lock);
	err = txn_find_locked(t, id, portid, &slot, f);
	if (!err)
		err = txn_commit_locked(t, slot, number, f);
	mutex_unlock(&t->lock);
	return err;
}

/* A copy of the static objects to change; NULL when out of memory. */
static struct weft_set *static_copy_locked(struct weft_tables *t)
{
	struct weft_gen *gen = current_locked(t);

	return gen ? weft_set_copy(gen->sets[WEFT_OWNER_STATIC]) :
		     weft_set_create();
}

/* Put an object that is no endpoint into a private set. */
static int set_put_object(struct weft_set *set, enum weft_kind kind,
			  const char *name, void *object, struct weft_fault *f)
{
	struct weft_table *table = &set->tables[kind];

	if (table->n >= weft_kinds[kind].max && !weft_table_find(table, name))
		return weft_fault_set(f, -ENOSPC,
				      "no room for %s '%s': there are %u, the most that are allowed",
				      weft_kinds[kind].noun, name, table->n);
	return weft_table_set(table, kind, name, object) ?
	       weft_fault_nomem(f) : 0;
}

static int object_exists(enum weft_kind kind, const char *name,
			 const char *where, struct weft_fault *f)
{
	return weft_fault_set(f, -EEXIST,
			      "%s '%s' exists already %s; use replace to put this one in its place",
			      weft_kinds[kind].noun, name, where);
}

/* The set to stage in, on success. */
static int txn_set_locked(struct weft_tables *t, const struct weft_change *c,
			  struct weft_set **set, struct weft_fault *f)
{
	struct weft_txn **slot;
	int err;

	err = txn_find_locked(t, c->txn, c->portid, &slot, f);
	if (err)
		return err;
	if ((*slot)->gen)
		return weft_fault_set(f, -EBUSY,
				      "trial %u has judged, nothing can be added to it any more; begin another",
				      c->txn);
	*set = (*slot)->set;
	return 0;
}

static int stage_locked(struct weft_tables *t, const struct weft_change *c,
			enum weft_kind kind, const char *name, void *object,
			struct weft_fault *f)
{
	struct weft_set *set;
	int err;

	err = txn_set_locked(t, c, &set, f);
	if (err)
		return err;
	if (!c->replace && weft_table_find(&set->tables[kind], name))
		return object_exists(kind, name, "in this transaction", f);
	return set_put_object(set, kind, name, object, f);
}

static const char *owner_of(const struct weft_gen *gen, enum weft_kind kind,
			    const char *name)
{
	if (weft_gen_owned(gen, WEFT_OWNER_STATIC, kind, name))
		return "as a static one";
	if (weft_gen_owned(gen, WEFT_OWNER_DAEMON, kind, name))
		return "as the daemon's";
	return NULL;
}

static int set_static_locked(struct weft_tables *t,
			     const struct weft_change *c, enum weft_kind kind,
			     const char *name, void *object,
			     struct weft_fault *f)
{
	const char *owner = owner_of(current_locked(t), kind, name);
	struct weft_set *set;
	int err;

	if (owner && !c->replace)
		return object_exists(kind, name, owner, f);
	set = static_copy_locked(t);
	if (!set)
		return weft_fault_nomem(f);
	err = set_put_object(set, kind, name, object, f);
	if (!err)
		err = replace_locked(t, WEFT_OWNER_STATIC, set, f);
	weft_set_put(set);
	return err;
}

int weft_tables_set(struct weft_tables *t, const struct weft_change *change,
		    enum weft_kind kind, const char *name, void *object,
		    struct weft_fault *f)
{
	int err;

	mutex_lock(&t->lock);
	err = change->txn ?
	      stage_locked(t, change, kind, name, object, f) :
	      set_static_locked(t, change, kind, name, object, f);
	mutex_unlock(&t->lock);
	return err;
}

static void set_drop_endpoints(struct weft_set *set, const char *service)
{
	struct weft_table *lists = &set->tables[WEFT_KIND_ENDPOINTS];
	u32 at;

	if (!weft_table_search(lists, service, &at))
		return;
	set->n_endpoints -= ((struct weft_endpoints *)
			     lists->rows[at].object)->n;
	weft_table_remove(lists, WEFT_KIND_ENDPOINTS, at);
}

static int del_locked(struct weft_tables *t, enum weft_kind kind,
		      const char *name, struct weft_fault *f)
{
	struct weft_gen *gen = current_locked(t);
	struct weft_set *set;
	int err;
	u32 at;

	if (!owner_of(gen, kind, name))
		return weft_fault_set(f, -ENOENT, "no %s is called '%s'",
				      weft_kinds[kind].noun, name);
	if (!weft_table_search(&gen->sets[WEFT_OWNER_STATIC]->tables[kind],
			       name, &at))
		return weft_fault_set(f, -EPERM,
				      "%s '%s' belongs to the daemon; take it out of the daemon's configuration",
				      weft_kinds[kind].noun, name);
	set = static_copy_locked(t);
	if (!set)
		return weft_fault_nomem(f);
	weft_table_remove(&set->tables[kind], kind, at);
	if (kind == WEFT_KIND_SERVICE)
		set_drop_endpoints(set, name);
	err = replace_locked(t, WEFT_OWNER_STATIC, set, f);
	weft_set_put(set);
	return err;
}

int weft_tables_del(struct weft_tables *t, enum weft_kind kind,
		    const char *name, struct weft_fault *f)
{
	int err;

	mutex_lock(&t->lock);
	err = del_locked(t, kind, name, f);
	mutex_unlock(&t->lock);
	return err;
}

/* Limits of one more endpoint in a private list of a private set. */
static int endpoint_fits(const struct weft_set *set,
			 const struct weft_endpoints *l, struct weft_fault *f)
{
	if (l->n >= WEFT_SERVICE_ENDPOINTS_MAX)
		return weft_fault_set(f, -ENOSPC,
				      "service '%s' has %u endpoints, the most that are allowed",
				      l->service, l->n);
	if (set->n_endpoints >= WEFT_ENDPOINTS_MAX)
		return weft_fault_set(f, -ENOSPC,
				      "no room for an endpoint of service '%s': there are %u, the most that are allowed",
				      l->service, set->n_endpoints);
	return 0;
}

/* Put an endpoint into a private list of a private set. */
static int list_put_endpoint(struct weft_set *set, struct weft_endpoints *l,
			     const struct weft_endpoint *e,
			     struct weft_fault *f)
{
	bool old;
	int err;
	u32 at;

	old = weft_endpoints_search(l, &e->addr, &at);
	if (!old) {
		err = endpoint_fits(set, l, f);
		if (err)
			return err;
	}
	if (weft_endpoints_set(l, e))
		return weft_fault_nomem(f);
	set->n_endpoints += !old;
	return 0;
}

static int endpoint_exists(const char *service, const struct weft_addr *addr,
			   const char *where, struct weft_fault *f)
{
	char text[WEFT_ADDR_TEXT];

	return weft_fault_set(f, -EEXIST,
			      "service '%s' has the endpoint %s already%s; use replace to put this one in its place",
			      service, weft_addr_text(addr, text), where);
}

/* The transaction's list of a service, made when there is none. */
static struct weft_endpoints *txn_list(struct weft_set *set,
				       const char *service)
{
	struct weft_table *lists = &set->tables[WEFT_KIND_ENDPOINTS];
	struct weft_endpoints *l = weft_table_find(lists, service);
	int err;

	if (l)
		return l;
	l = weft_endpoints_create(service);
	if (!l)
		return NULL;
	err = weft_table_set(lists, WEFT_KIND_ENDPOINTS, l->service, l);
	weft_endpoints_put(l);		/* the table has its own */
	return err ? NULL : l;
}

static int stage_endpoint_locked(struct weft_tables *t,
				 const struct weft_change *c,
				 const char *service,
				 const struct weft_endpoint *e,
				 struct weft_fault *f)
{
	struct weft_endpoints *l;
	struct weft_set *set;
	int err;
	u32 at;

	err = txn_set_locked(t, c, &set, f);
	if (err)
		return err;
	l = weft_table_find(&set->tables[WEFT_KIND_ENDPOINTS], service);
	if (!l && set->tables[WEFT_KIND_ENDPOINTS].n >= WEFT_SERVICES_MAX)
		return weft_fault_set(f, -ENOSPC,
				      "no room for an endpoint of service '%s': %u services have some, the most that are allowed",
				      service, WEFT_SERVICES_MAX);
	if (l && !c->replace && weft_endpoints_search(l, &e->addr, &at))
		return endpoint_exists(service, &e->addr,
				       " in this transaction", f);
	l = txn_list(set, service);
	if (!l)
		return weft_fault_nomem(f);
	return list_put_endpoint(set, l, e, f);
}

/*
 * A private copy of the static endpoints of a service in a private set, in
 * place of the shared one. Made when there is none.
 */
static struct weft_endpoints *static_list(struct weft_set *set,
					  const char *service)
{
	struct weft_table *lists = &set->tables[WEFT_KIND_ENDPOINTS];
	struct weft_endpoints *l = weft_table_find(lists, service);
	int err;

	l = l ? weft_endpoints_copy(l) : weft_endpoints_create(service);
	if (!l)
		return NULL;
	err = weft_table_set(lists, WEFT_KIND_ENDPOINTS, l->service, l);
	weft_endpoints_put(l);		/* the table has its own */
	return err ? NULL : l;
}

static bool joined_has(const struct weft_service *s,
		       const struct weft_addr *addr)
{
	u32 i;

	for (i = 0; i < s->n_endpoints; i++)
		if (weft_addr_equal(&s->endpoints[i].addr, addr))
			return true;
	return false;
}

static int add_static_endpoint(struct weft_tables *t, struct weft_set *set,
			       const char *service,
			       const struct weft_endpoint *e,
			       struct weft_fault *f)
{
	struct weft_endpoints *l = static_list(set, service);
	int err;

	if (!l)
		return weft_fault_nomem(f);
	err = list_put_endpoint(set, l, e, f);
	if (err)
		return err;
	if (stats_adopt(l, current_locked(t)))
		return weft_fault_nomem(f);
	return replace_locked(t, WEFT_OWNER_STATIC, set, f);
}

static int set_endpoint_locked(struct weft_tables *t,
			       const struct weft_change *c,
			       const char *service,
			       const struct weft_endpoint *e,
			       struct weft_fault *f)
{
	const struct weft_service *s;
	struct weft_set *set;
	int err;

	s = weft_service_find(current_locked(t), service);
	if (!s)
		return weft_fault_set(f, -ENOENT,
				      "no service is called '%s'; add it before its endpoints",
				      service);
	if (!c->replace && joined_has(s, &e->addr))
		return endpoint_exists(service, &e->addr, "", f);
	set = static_copy_locked(t);
	if (!set)
		return weft_fault_nomem(f);
	err = add_static_endpoint(t, set, service, e, f);
	weft_set_put(set);
	return err;
}

int weft_tables_set_endpoint(struct weft_tables *t,
			     const struct weft_change *change,
			     const char *service,
			     const struct weft_endpoint *e,
			     struct weft_fault *f)
{
	int err;

	mutex_lock(&t->lock);
	err = change->txn ?
	      stage_endpoint_locked(t, change, service, e, f) :
	      set_endpoint_locked(t, change, service, e, f);
	mutex_unlock(&t->lock);
	return err;
}

/* -ENOENT or -EPERM: why a static endpoint cannot be found. */
static int endpoint_not_static(const struct weft_gen *gen, const char *service,
			       const struct weft_addr *addr,
			       struct weft_fault *f)
{
	const struct weft_service *s = weft_service_find(gen, service);
	char text[WEFT_ADDR_TEXT];

	weft_addr_text(addr, text);
	if (s && joined_has(s, addr))
		return weft_fault_set(f, -EPERM,
				      "endpoint %s of service '%s' belongs to the daemon; take it out of the daemon's configuration",
				      text, service);
	if (!s)
		return weft_fault_set(f, -ENOENT, "no service is called '%s'",
				      service);
	return weft_fault_set(f, -ENOENT, "service '%s' has no endpoint %s",
			      service, text);
}

static int drop_static_endpoint(struct weft_tables *t, struct weft_set *set,
				const char *service, u32 at,
				struct weft_fault *f)
{
	struct weft_endpoints *l = static_list(set, service);

	if (!l)
		return weft_fault_nomem(f);
	weft_endpoints_remove(l, at);
	set->n_endpoints--;
	if (!l->n)
		set_drop_endpoints(set, service);
	return replace_locked(t, WEFT_OWNER_STATIC, set, f);
}

static int del_endpoint_locked(struct weft_tables *t, const char *service,
			       const struct weft_addr *addr,
			       struct weft_fault *f)
{
	const struct weft_gen *gen = current_locked(t);
	const struct weft_endpoints *l;
	struct weft_set *set;
	int err;
	u32 at;

	l = weft_gen_owned(gen, WEFT_OWNER_STATIC, WEFT_KIND_ENDPOINTS,
			   service);
	if (!l || !weft_endpoints_search(l, addr, &at))
		return endpoint_not_static(gen, service, addr, f);
	set = static_copy_locked(t);
	if (!set)
		return weft_fault_nomem(f);
	err = drop_static_endpoint(t, set, service, at, f);
	weft_set_put(set);
	return err;
}

int weft_tables_del_endpoint(struct weft_tables *t, const char *service,
			     const struct weft_addr *addr,
			     struct weft_fault *f)
{
	int err;

	mutex_lock(&t->lock);
	err = del_endpoint_locked(t, service, addr, f);
	mutex_unlock(&t->lock);
	return err;
}
