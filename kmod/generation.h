/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Generations: a namespace's whole configuration, swapped atomically.
 *
 * struct weft_tables (one per namespace, embedded in struct weft_net) holds the
 * current generation under RCU, at most one open transaction and at most one
 * trial. Readers: rcu_read_lock() and weft_gen_current(). Writers: process
 * context, serialised by ->lock, called by genl_<object>.c only.
 */
#ifndef WEFT_GENERATION_H
#define WEFT_GENERATION_H

#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include "fault.h"
#include "service.h"
#include "table.h"
#include "types.h"

struct weft_gen;		/* generation_priv.h */
struct weft_txn;

struct weft_tables {
	struct weft_gen __rcu *gen;	/* NULL: never configured */
	struct mutex lock;		/* gen (writers), txn, trial, next_* */
	struct weft_txn *txn;
	struct weft_txn *trial;		/* to ask only; hinders nobody */
	u64 next_number;
	u32 next_txn;
	/*
	 * Called after every swap, process context, @lock held: policy may now
	 * cover listeners that exist, and conns may have to be judged again.
	 */
	void (*changed)(struct weft_tables *t);
	/*
	 * Called before every swap, process context, @lock held; NULL: nothing
	 * to prepare. Nonzero: -errno, and the change is refused.
	 */
	int (*prepare)(struct weft_tables *t);
};

/**
 * weft_generation_init() - once, before any namespace's tables
 *
 * Return: 0 or -ENOMEM.
 */
int weft_generation_init(void);

/*
 * Once, after the last weft_tables_uninit() and the last reference on any
 * object was put: returns when all of them are freed.
 */
void weft_generation_uninit(void);

/* Waits until generations and objects that were let go before are freed. */
void weft_generation_flush(void);

void weft_tables_init(struct weft_tables *t,
		      void (*changed)(struct weft_tables *t));
void weft_tables_uninit(struct weft_tables *t);	/* no reader is left */

static inline const struct weft_gen *
weft_gen_current(const struct weft_tables *t)
{
	return rcu_dereference(t->gen);
}

/* Anything configured at all? Cheap enough for every socket() and connect(). */
static inline bool weft_tables_used(const struct weft_tables *t)
{
	return rcu_access_pointer(t->gen);
}

/* Is there a workload, whose processes may accept? Any context. */
bool weft_tables_serve(const struct weft_tables *t);

u64 weft_gen_number(const struct weft_gen *gen);	/* NULL: 0 */

/* Does a workload look at the executable of a process? NULL: no. */
bool weft_gen_by_exe(const struct weft_gen *gen);
bool weft_tables_by_exe(const struct weft_tables *t);	/* any context */

/* The netlink socket @portid closed: abort the transaction it had open. */
void weft_tables_portid_gone(struct weft_tables *t, u32 portid);

/* How a change is meant. */
struct weft_change {
	u32 txn;	/* staged in the daemon's transaction; 0: static, now */
	u32 portid;	/* of the netlink socket that asks */
	bool replace;	/* in place of what has the name */
};

/**
 * weft_txn_begin() - open the namespace's transaction, or its trial
 * @t: the tables
 * @trial: it is to be asked (weft_trial_judge()) and cannot be committed
 * @portid: the netlink socket that shall own it
 * @id: its number, never 0
 * @f: filled in on error
 *
 * Return: 0, -EBUSY one is open, -ENOMEM.
 */
int weft_txn_begin(struct weft_tables *t, bool trial, u32 portid, u32 *id,
		   struct weft_fault *f);

/**
 * weft_txn_commit() - the staged objects become the daemon's part of the tables
 * @t: the tables
 * @id: the transaction; over on success, open as before on error
 * @portid: the netlink socket that asks
 * @number: of the new generation
 * @f: filled in on error
 *
 * Return: 0, -ENOENT no such transaction, -EBUSY somebody else's, -EINVAL a
 * trial, or an endpoint without service, -EEXIST two services with one address
 * and port, -ENOSPC too much together with the static objects, -ENOMEM.
 */
int weft_txn_commit(struct weft_tables *t, u32 id, u32 portid, u64 *number,
		    struct weft_fault *f);

struct weft_flow;
struct weft_flow_verdict;

/**
 * weft_trial_judge() - what the generation of a trial would say of a connection
 * @t: the tables
 * @id: the trial; nothing can be staged in it any more
 * @portid: the netlink socket that asks
 * @flow: the connection
 * @out: the verdict, on success
 * @f: filled in on error
 *
 * The first call puts the generation together, as a commit would, with the
 * static objects there are; it is never published. One judgment at a time.
 *
 * Return: 0, -EINVAL it is no trial, or as weft_txn_commit().
 */
int weft_trial_judge(struct weft_tables *t, u32 id, u32 portid,
		     const struct weft_flow *flow,
		     struct weft_flow_verdict *out, struct weft_fault *f);

/* Forget what was staged. Return: 0, -ENOENT, -EBUSY. */
int weft_txn_abort(struct weft_tables *t, u32 id, u32 portid,
		   struct weft_fault *f);

/**
 * weft_tables_set() - add or replace an object that is no endpoint
 * @t: the tables
 * @change: staged or now, see there
 * @kind: of @object
 * @name: its name, as long-lived as the object
 * @object: complete, with the owner set; a reference is taken
 * @f: filled in on error
 *
 * Return: 0, -EEXIST, -ENOSPC limit, -ENOENT and -EBUSY as weft_txn_commit(),
 * -ENOMEM.
 */
int weft_tables_set(struct weft_tables *t, const struct weft_change *change,
		    enum weft_kind kind, const char *name, void *object,
		    struct weft_fault *f);

/**
 * weft_tables_del() - remove a static object, a service with its endpoints
 * @t: the tables
 * @kind: of the object
 * @name: its name
 * @f: filled in on error
 *
 * Return: 0, -ENOENT, -EPERM it is the daemon's, -EEXIST the daemon's object
 * it was in place of cannot come back, -ENOMEM.
 */
int weft_tables_del(struct weft_tables *t, enum weft_kind kind,
		    const char *name, struct weft_fault *f);

/*
 * The same for endpoints of @service. @e->stats must be NULL. -ENOENT: outside
 * a transaction, no such service.
 */
int weft_tables_set_endpoint(struct weft_tables *t,
			     const struct weft_change *change,
			     const char *service,
			     const struct weft_endpoint *e,
			     struct weft_fault *f);
int weft_tables_del_endpoint(struct weft_tables *t, const char *service,
			     const struct weft_addr *addr,
			     struct weft_fault *f);

#endif
