// SPDX-License-Identifier: GPL-2.0
/*
 * Workers, events and history of a namespace. wn->worker_lock guards the
 * workers, wn->history_lock the ring; both are taken in softirq, too.
 */
#include <linux/file.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include "connect.h"
#include "handshake.h"
#include "limits.h"
#include "upcall.h"

static const struct weft_upcall_ops *upcall;

/**
 * weft_upcall_init() - take the functions that write messages
 * @ops: static; set before any hook is
 */
void weft_upcall_init(const struct weft_upcall_ops *ops)
{
	upcall = ops;
}

static struct weft_worker *worker_find(struct weft_net *wn, u32 portid)
{
	struct weft_worker *w;

	list_for_each_entry(w, &wn->workers, node)
		if (w->portid == portid)
			return w;
	return NULL;
}

/* A worker came or went. */
static void requeue_soon(struct weft_net *wn)
{
	WRITE_ONCE(wn->requeue_all, true);
	mod_delayed_work(weft_wq, &wn->requeue, 0);
}

/**
 * weft_worker_add() - a netlink socket of the calling process takes handshakes
 * @wn: the namespace
 * @portid: the socket's
 *
 * Conns that wait are offered anew. Process context.
 *
 * Return: 0, -EEXIST, -ENOSPC, -ENOMEM.
 */
int weft_worker_add(struct weft_net *wn, u32 portid)
{
	struct weft_worker *w;
	int err = 0;

	w = kzalloc(sizeof(*w), GFP_KERNEL_ACCOUNT);
	if (!w)
		return -ENOMEM;
	w->portid = portid;
	w->tgid = get_pid(task_tgid(current));
	spin_lock_bh(&wn->worker_lock);
	if (worker_find(wn, portid)) {
		err = -EEXIST;
	} else if (wn->n_workers >= WEFT_WORKERS_MAX) {
		err = -ENOSPC;
	} else {
		list_add_tail(&w->node, &wn->workers);
		wn->n_workers++;
		if (!wn->next_worker)
			wn->next_worker = w;
	}
	spin_unlock_bh(&wn->worker_lock);
	if (err) {
		put_pid(w->tgid);
		kfree(w);
		return err;
	}
	upcall->event_net(wn, WEFT_EVENT_WORKER_UP);
	requeue_soon(wn);
	return 0;
}

/* Round robin; the lock is held and there is a worker. */
static struct weft_worker *worker_after(struct weft_net *wn,
					struct weft_worker *w)
{
	return list_is_last(&w->node, &wn->workers) ?
	       list_first_entry(&wn->workers, struct weft_worker, node) :
	       list_next_entry(w, node);
}

/**
 * weft_worker_gone() - a netlink socket was closed; maybe it was a worker's
 * @wn: the namespace
 * @portid: the socket's
 *
 * What it had in hand is sorted out by the requeue work.
 */
void weft_worker_gone(struct weft_net *wn, u32 portid)
{
	struct weft_worker *w;

	spin_lock_bh(&wn->worker_lock);
	w = worker_find(wn, portid);
	if (w) {
		if (wn->next_worker == w)
			wn->next_worker = wn->n_workers > 1 ?
					  worker_after(wn, w) : NULL;
		list_del(&w->node);
		wn->n_workers--;
	}
	spin_unlock_bh(&wn->worker_lock);
	if (!w)
		return;
	put_pid(w->tgid);
	kfree(w);
	upcall->event_net(wn, WEFT_EVENT_WORKER_DOWN);
	requeue_soon(wn);
}

/**
 * weft_worker_is() - is this netlink socket a worker?
 * @wn: the namespace
 * @portid: the socket's
 *
 * Return: true if it is.
 */
bool weft_worker_is(struct weft_net *wn, u32 portid)
{
	bool is;

	spin_lock_bh(&wn->worker_lock);
	is = worker_find(wn, portid);
	spin_unlock_bh(&wn->worker_lock);
	return is;
}

/* Is the worker that took this conn still there? ->mu is held. */
static bool worker_has(struct weft_net *wn, const struct weft_conn *c)
{
	struct weft_worker *w;
	bool has;

	spin_lock_bh(&wn->worker_lock);
	w = worker_find(wn, c->worker);
	has = w && w->tgid == c->daemon;
	spin_unlock_bh(&wn->worker_lock);
	return has;
}

/**
 * weft_worker_current() - does the calling process have a worker here?
 * @wn: the namespace
 *
 * Its own sockets are never meshed, and its calls on a handed-out socket never
 * block. Return: true if it does.
 */
bool weft_worker_current(struct weft_net *wn)
{
	struct weft_worker *w;
	bool is = false;

	if (!READ_ONCE(wn->n_workers))
		return false;
	spin_lock_bh(&wn->worker_lock);
	list_for_each_entry(w, &wn->workers, node)
		is |= w->tgid == task_tgid(current);
	spin_unlock_bh(&wn->worker_lock);
	return is;
}

/**
 * weft_upcall_offer() - offer a conn in WANT to a worker
 * @c: the conn; c->offer_lost tells afterwards that none heard
 *
 * Any context. Without workers the conn is parked; that is not lost.
 */
void weft_upcall_offer(struct weft_conn *c)
{
	struct weft_net *wn = c->wn;
	struct weft_worker *w;
	unsigned int n;
	u32 portid = 0;

	c->offer_lost = false;
	for (n = READ_ONCE(wn->n_workers); n; n--) {
		spin_lock_bh(&wn->worker_lock);
		w = wn->next_worker;
		if (w) {
			portid = w->portid;
			wn->next_worker = worker_after(wn, w);
		}
		spin_unlock_bh(&wn->worker_lock);
		if (!w)
			return;
		if (!upcall->ready(wn, portid, c->id))
			return;
		weft_count(wn, upcall_lost);
		c->offer_lost = true;
	}
}

/**
 * weft_upcall_event() - tell the listeners of the events group
 * @c: the conn, ->mu held, process context
 * @event: enum weft_event
 */
void weft_upcall_event(struct weft_conn *c, u32 event)
{
	upcall->event(c, event);
}

/**
 * weft_upcall_archive() - remember how a conn ended
 * @c: the conn, ->mu held, process context
 *
 * Without memory it is forgotten at once.
 */
void weft_upcall_archive(struct weft_conn *c)
{
	struct weft_net *wn = c->wn;
	struct weft_record *r, *old;

	if (!c->reported && weft_conn_state(c) != WEFT_CONN_LIVE)
		return;			/* never was ours: nothing to tell */
	r = upcall->record(c);
	if (!r)
		return;
	spin_lock_bh(&wn->history_lock);
	old = wn->history[wn->history_next];
	wn->history[wn->history_next] = r;
	wn->history_next = (wn->history_next + 1) % WEFT_HISTORY_MAX;
	spin_unlock_bh(&wn->history_lock);
	kfree(old);
}

static struct weft_record *record_dup(const struct weft_record *r, gfp_t gfp)
{
	return r ? kmemdup(r, sizeof(*r) + r->len, gfp) : NULL;
}

/**
 * weft_history_at() - a copy of slot @i, oldest first
 * @wn: the namespace
 * @i: 0 to WEFT_HISTORY_MAX - 1
 * @gfp: atomic, a lock is held
 *
 * Return: kmalloc'ed, or NULL: empty (or no memory).
 */
struct weft_record *weft_history_at(struct weft_net *wn, unsigned int i,
				    gfp_t gfp)
{
	struct weft_record *r;

	spin_lock_bh(&wn->history_lock);
	i = (wn->history_next + i) % WEFT_HISTORY_MAX;
	r = record_dup(wn->history[i], gfp);
	spin_unlock_bh(&wn->history_lock);
	return r;
}

/**
 * weft_history_find() - a copy of what is remembered of a conn
 * @wn: the namespace
 * @id: the conn's
 * @gfp: atomic, a lock is held
 *
 * Return: kmalloc'ed, or NULL: unknown (or no memory).
 */
struct weft_record *weft_history_find(struct weft_net *wn, u64 id, gfp_t gfp)
{
	struct weft_record *r = NULL;
	unsigned int i;

	spin_lock_bh(&wn->history_lock);
	for (i = 0; i < WEFT_HISTORY_MAX && !r; i++)
		if (wn->history[i] && wn->history[i]->id == id)
			r = record_dup(wn->history[i], gfp);
	spin_unlock_bh(&wn->history_lock);
	return r;
}

/**
 * weft_history_free() - forget everything, at namespace exit
 * @wn: the namespace; nobody else uses it any more
 */
void weft_history_free(struct weft_net *wn)
{
	unsigned int i;

	for (i = 0; wn->history && i < WEFT_HISTORY_MAX; i++)
		kfree(wn->history[i]);
	kvfree(wn->history);
	wn->history = NULL;
}

static bool waits(const struct weft_conn *c)
{
	u8 s = weft_conn_state(c);

	return s == WEFT_CONN_WANT || s == WEFT_CONN_HANDSHAKE;
}

/* The end of a server's conn waits for its socket. */
static bool ends_later(const struct weft_conn *c)
{
	return c->role == WEFT_ROLE_SERVER &&
	       READ_ONCE(c->sock->sk->sk_lock.owned);
}

/* ->mu is held. Return: it is to be looked at again. */
static bool requeue(struct weft_net *wn, struct weft_conn *c, bool all)
{
	if (all && weft_conn_state(c) == WEFT_CONN_WANT) {
		weft_count(wn, handshakes_requeued);
		weft_upcall_offer(c);
		if (c->offer_lost)
			weft_conn_kick(c);
	} else if (weft_conn_state(c) == WEFT_CONN_HANDSHAKE &&
		   !worker_has(wn, c)) {
		if (ends_later(c))
			return true;
		weft_handshake_orphaned(c);
	}
	return false;
}

/* Somebody has ->mu. As requeue(). */
static bool requeue_busy(struct weft_conn *c, bool all)
{
	if (weft_conn_state(c) == WEFT_CONN_HANDSHAKE)
		return true;
	if (all) {			/* its own work asks, then */
		WRITE_ONCE(c->offer_lost, true);
		weft_conn_kick(c);
	}
	return false;
}

/**
 * weft_upcall_requeue() - a worker came or went: sort out who waits
 * @work: wn->requeue
 *
 * Process context. Conns in WANT are offered again; those in the hands of a
 * worker that is gone go back to WANT if no byte was exchanged, else fail.
 * Whoever has one in hand may be waiting for its socket, for as long as its
 * owner likes: that keeps no other waiting.
 */
void weft_upcall_requeue(struct work_struct *work)
{
	struct weft_net *wn = container_of(to_delayed_work(work),
					   struct weft_net, requeue);
	unsigned long until = jiffies + msecs_to_jiffies(WEFT_REQUEUE_PATIENCE);
	bool locked, again = false, all = xchg(&wn->requeue_all, false);
	unsigned long id = 0;
	struct weft_conn *c;
	struct file *f;

	for (; (c = weft_conn_next(wn, &id, waits, &f)); id++) {
		while (!(locked = mutex_trylock(&c->mu)) &&
		       time_before(jiffies, until))
			usleep_range(200, 500);
		if (locked) {
			again |= requeue(wn, c, all);
			mutex_unlock(&c->mu);
		} else {
			again |= requeue_busy(c, all);
		}
		fput(f);
	}
	if (again)
		queue_delayed_work(weft_wq, &wn->requeue,
				   msecs_to_jiffies(WEFT_REQUEUE_RETRY));
}
