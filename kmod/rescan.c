// SPDX-License-Identifier: GPL-2.0
/*
 * A generation is in force: sockets that were there before it, listeners and
 * those that have done nothing yet, are taken in. Process context.
 */
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>
#include <net/tcp.h>
#include "limits.h"
#include "listen.h"
#include "rescan.h"
#include "steer.h"
#include "task.h"

struct found {
	struct file *file;		/* reference */
	struct weft_task *by;		/* a copy, or NULL */
	bool trapless;			/* marked, and the trap does not catch
					 * what was accepted from it
					 */
};

struct scan {
	struct weft_net *wn;
	struct weft_task task;		/* whose files we look at */
	bool partial;			/* no memory, or one was locked */
	bool going;			/* we are: nothing can be marked */
	unsigned int n;
	struct found found[WEFT_LISTENERS_BATCH];
};

static bool is_listener(const struct sock *sk)
{
	return READ_ONCE(sk->sk_state) == TCP_LISTEN &&
	       (sk->sk_protocol == IPPROTO_TCP ||
		sk->sk_protocol == IPPROTO_MPTCP);
}

/* Made before the namespace was governed, not connected yet: see early_ops. */
static bool is_late(const struct socket *sock, const struct sock *sk)
{
	int ix = weft_family(sk);

	return READ_ONCE(sk->sk_state) == TCP_CLOSE &&
	       sock->state == SS_UNCONNECTED &&
	       READ_ONCE(sock->ops) == weft_base_ops[ix] &&
	       READ_ONCE(sk->sk_prot) == weft_base_prot[ix];
}

static bool scan_full(const struct scan *s)
{
	return s->n == ARRAY_SIZE(s->found);
}

/*
 * Nobody keeps us from the others: a socket that somebody has locked, for as
 * long as he likes, is looked at another time.
 */
static bool is_locked(struct scan *s, const struct sock *sk)
{
	if (!READ_ONCE(sk->sk_lock.owned))
		return false;
	s->partial = true;
	return true;
}

/* Under spinlocks. @by: who has it, if that matters. */
static void scan_add(struct scan *s, struct file *f, const struct weft_task *by)
{
	struct found *n = &s->found[s->n];

	if (is_locked(s, sock_from_file(f)->sk))
		return;
	n->by = by ? weft_task_dup(by, GFP_ATOMIC | __GFP_NOWARN) : NULL;
	if (by && !n->by) {
		s->partial = true;
		return;
	}
	n->file = get_file(f);
	n->trapless = false;
	s->n++;
}

/*
 * Who has been passed a listener by somebody else does not lend him a workload:
 * it must be a socket of his user's, or of root's.
 */
static bool may_claim(const struct scan *s, struct file *f)
{
	kuid_t owner = file_inode(f)->i_uid;

	return uid_eq(owner, GLOBAL_ROOT_UID) ||
	       from_kuid_munged(&init_user_ns, owner) == s->task.uid;
}

/* A listener: does it matter that this process has it? */
static void scan_listener(struct scan *s, struct file *f, const struct sock *sk)
{
	bool new = weft_listen_markable(sk);
	struct weft_steer steer;

	if (!weft_tables_serve(&s->wn->tables))
		return;
	if (!new && !weft_listen_unclaimed(sk->sk_socket))
		return;
	weft_steer_listen(&s->wn->tables, weft_listen_port(sk), &s->task,
			  &steer);
	if (steer.verdict == WEFT_STEER_MESH && may_claim(s, f))
		scan_add(s, f, &s->task);
	else if (new)
		scan_add(s, f, NULL);
	weft_steer_uninit(&steer);
}

/* One open file; its files_struct is locked. Nonzero: no room for more. */
static int scan_file(const void *data, struct file *f, unsigned int fd)
{
	struct scan *s = (struct scan *)data;
	struct socket *sock = sock_from_file(f);
	struct sock *sk = sock ? READ_ONCE(sock->sk) : NULL;

	if (!sk || sock_net(sk) != s->wn->net || sk->sk_kern_sock ||
	    (sk->sk_family != AF_INET && sk->sk_family != AF_INET6))
		return 0;
	if (is_late(sock, sk))
		scan_add(s, f, NULL);
	else if (is_listener(sk))
		scan_listener(s, f, sk);
	return scan_full(s);
}

/*
 * A thread, and what it has open. The facts are gathered outside task_lock(),
 * which they need themselves; of one that exits meanwhile they may be empty.
 * Return: was it looked at?
 */
static bool scan_task(struct scan *s, struct task_struct *p)
{
	bool exits;

	if (p->flags & (PF_KTHREAD | PF_EXITING))
		return false;
	if (weft_task_of(p, &s->task, GFP_ATOMIC | __GFP_NOWARN)) {
		s->partial = true;
		return false;
	}
	task_lock(p);
	exits = p->flags & PF_EXITING;
	if (p->files && !exits)
		iterate_fd(p->files, 0, scan_file, s);
	task_unlock(p);
	weft_task_uninit(&s->task);
	return !exits;
}

/*
 * All threads of @p that have open files of their own; the first one may be
 * gone and the others not. Return: is there room for more?
 */
static bool scan_process(struct scan *s, struct task_struct *p)
{
	const struct files_struct *files, *last = NULL;
	struct task_struct *t;

	for_each_thread(p, t) {
		files = READ_ONCE(t->files);
		if (!files || files == last)
			continue;
		if (scan_task(s, t))
			last = files;
		if (scan_full(s))
			return false;
	}
	return true;
}

/* What it was found to be, it may have ceased to be. */
static void mark_found(struct scan *s, struct found *n)
{
	struct socket *sock = sock_from_file(n->file);
	struct sock *sk = sock->sk;

	if (is_locked(s, sk))
		goto out;
	if (!try_module_get(THIS_MODULE)) {
		s->going = true;
		goto out;
	}
	lock_sock(sk);
	if (is_late(sock, sk)) {
		weft_set_ops(sock, &weft_early_ops[weft_family(sk)]);
		weft_count(weft_net(sock_net(sk)), early_made);
	} else if (is_listener(sk) && weft_listen_markable(sk)) {
		n->trapless = !weft_listen_traps(sk);
		weft_listen_mark(sk, n->by, GFP_KERNEL);
		n->by = NULL;
	} else if (n->by && weft_listen_claim(sock, n->by)) {
		n->by = NULL;
	}
	release_sock(sk);
	module_put(THIS_MODULE);
out:
	kfree(n->by);
}

/*
 * Who had read the ops of before is, after the grace period, in the queue for
 * the socket lock, or asleep in accept(), or has a child, of before.
 */
static void send_round(struct scan *s, struct socket *sock)
{
	if (!is_locked(s, sock->sk)) {
		lock_sock(sock->sk);
		release_sock(sock->sk);
	}
	weft_listen_restart(sock);
}

static void mark_all(struct scan *s)
{
	unsigned int i, trapless = 0;

	for (i = 0; i < s->n; i++) {
		mark_found(s, &s->found[i]);
		trapless += s->found[i].trapless;
	}
	if (trapless)
		synchronize_rcu_tasks();
	for (i = 0; i < s->n; i++) {
		if (s->found[i].trapless)
			send_round(s, sock_from_file(s->found[i].file));
		fput(s->found[i].file);
	}
}

/*
 * Without a workload nobody accepts in the mesh: listeners are let go of, so
 * that the module can be unloaded; but not at once, a next generation may have
 * workloads, and what is marked is theirs at once. Return: it is to come again.
 */
static bool let_go(struct weft_net *wn)
{
	bool before = wn->unserved;

	wn->unserved = !weft_tables_serve(&wn->tables);
	if (!wn->unserved)
		return false;
	if (before)
		weft_listen_unmark(wn);
	return !before || atomic_read(&wn->listeners);
}

/*
 * Whoever can make himself a user namespace can have as many network namespaces
 * and generations as he likes. Theirs are looked at a few at a time, and where
 * nobody's deadline waits.
 */
static struct workqueue_struct *others_wq;
#define OTHERS	2	/* at a time */

static bool is_of_others(const struct weft_net *wn)
{
	return wn->net->user_ns != &init_user_ns;
}

static struct workqueue_struct *scan_wq(const struct weft_net *wn)
{
	return is_of_others(wn) ? others_wq : weft_wq;
}

static void scan_later(struct weft_net *wn, unsigned long delay)
{
	queue_delayed_work(scan_wq(wn), &wn->rescan, delay);
}

/**
 * weft_rescan_soon() - there is a new generation
 * @wn: the namespace, its tables->lock is held
 */
void weft_rescan_soon(struct weft_net *wn)
{
	unsigned long next = READ_ONCE(wn->rescanned) +
			     msecs_to_jiffies(WEFT_RESCAN_PAUSE);
	unsigned long wait = 0;

	if (is_of_others(wn) && READ_ONCE(wn->rescanned) &&
	    time_before(jiffies, next))
		wait = next - jiffies;
	mod_delayed_work(scan_wq(wn), &wn->rescan, wait);
}

/**
 * weft_rescan_init() - before any namespace has a generation
 *
 * Return: 0 or -ENOMEM.
 */
int weft_rescan_init(void)
{
	others_wq = alloc_workqueue("weft_others", WQ_UNBOUND, OTHERS);
	return others_wq ? 0 : -ENOMEM;
}

/**
 * weft_rescan_uninit() - when there is no namespace any more
 */
void weft_rescan_uninit(void)
{
	destroy_workqueue(others_wq);
}

/**
 * weft_rescan() - take in sockets of before, for a new generation
 * @work: wn->rescan
 *
 * Looks through the descriptors of all processes: only so is it known whose
 * listener it is. What is marked, and known to be somebody's, is no candidate
 * any more, so the rounds end. Without memory, or when sockets are locked, it
 * comes again: a listener that is not marked would take plaintext.
 */
void weft_rescan(struct work_struct *work)
{
	struct weft_net *wn = container_of(to_delayed_work(work),
					   struct weft_net, rescan);
	struct task_struct *p;
	struct scan *s;
	bool full;

	s = kvmalloc(sizeof(*s), GFP_KERNEL);
	if (!s)
		goto again;
	s->wn = wn;
	s->partial = false;
	s->going = false;
	do {
		s->n = 0;
		rcu_read_lock();
		for_each_process(p)
			if (!scan_process(s, p))
				break;
		rcu_read_unlock();
		mark_all(s);
		full = scan_full(s) && !s->going;
	} while (full && !is_of_others(wn));
	if (full) {			/* the others' turn */
		scan_later(wn, 0);
		kvfree(s);
		return;
	}
	WRITE_ONCE(wn->rescanned, jiffies ?: 1);
	if (!s->partial || s->going) {
		wn->rescan_wait = 0;
		if (!s->going && let_go(wn))
			scan_later(wn, WEFT_UNMARK_TIME * HZ);
		kvfree(s);
		return;
	}
	kvfree(s);
again:
	wn->rescan_wait = clamp(2 * wn->rescan_wait, WEFT_RESCAN_RETRY,
				WEFT_RESCAN_RETRY_MAX);
	scan_later(wn, msecs_to_jiffies(wn->rescan_wait));
}
