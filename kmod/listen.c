// SPDX-License-Identifier: GPL-2.0
/*
 * Marked listeners and their children.
 *
 * A listener is marked when it enters TCP_LISTEN (tracepoint: process context,
 * socket lock held, not yet hashed, no sleeping), or, if it was there before,
 * when a generation begins to cover it (weft_listen_rescan()). It gets ops of
 * its own with our accept(), and a trap proto, which its children inherit: an
 * accept() that began through ops of before ends with release_sock() of the
 * child, where the trap makes it a conn, before anybody has its descriptor.
 * MPTCP's children have a proto of its own: there, who waits in accept() when
 * the marking comes is sent round again.
 *
 * Mode and identity are looked up anew for each child, so that a generation
 * that no longer covers the listener has effect at once.
 */
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/skmsg.h>
#include <linux/slab.h>
#include <linux/xarray.h>
#include <net/mptcp.h>
#include <net/tcp.h>
#include "compat.h"
#include "handshake.h"
#include "limits.h"
#include "listen.h"
#include "synopt.h"
#include "task.h"
#include "upcall.h"

/* One kind of listening socket; its ops are static, since accept() hands them
 * to sockets that may outlive the listener.
 */
struct kind {
	struct proto_ops ops;
	const struct proto_ops *base;	/* NULL: none was seen yet (MPTCP) */
};

/* What a listener is covered by, as it was when it was marked. */
struct cover {
	struct weft_workload *workload;	/* reference */
	bool last_resort;		/* see weft_steer_listen() */
	bool of_root;
};

struct weft_listener {
	struct weft_net *wn;
	struct cover by;
	bool own_save_syn;		/* TCP_SAVE_SYN is ours */
	struct rcu_head rcu;
};

static struct kind tcp_kinds[2], mptcp_kinds[2];
static struct proto trap_prot[2];

/* A child for which there was no memory: it can only be closed. */
static struct proto_ops refused_ops[2];

/*
 * By the socket's address. A socket with a kind's ops that is not in here is a
 * child that failed to be accepted, or a listener for which there was no memory
 * when it was to be marked: that one accepts nothing.
 */
static DEFINE_XARRAY_FLAGS(listeners, XA_FLAGS_LOCK_BH);

static unsigned long key(const struct socket *sock)
{
	return (unsigned long)sock / sizeof(long);
}

static const struct kind *kind_of(const struct socket *sock)
{
	const struct proto_ops *o = READ_ONCE(sock->ops);
	int ix;

	for (ix = 0; ix < 2; ix++) {
		if (o == &tcp_kinds[ix].ops)
			return &tcp_kinds[ix];
		if (o == &mptcp_kinds[ix].ops)
			return &mptcp_kinds[ix];
	}
	return NULL;
}

/* ------------------------------------------------------------ children */

/*
 * Give a child TCP's own proto back; locked. sk_prot_creator too: a TIME_WAIT
 * socket would hold our module through it.
 */
static void child_untrap(struct sock *sk)
{
	int ix = weft_family(sk);

	if (sk->sk_prot == &trap_prot[ix])
		WRITE_ONCE(sk->sk_prot, weft_base_prot[ix]);
	if (sk->sk_prot_creator == &trap_prot[ix]) {
		sk->sk_prot_creator = weft_base_prot[ix];
		module_put(THIS_MODULE);	/* sk_prot_alloc()'s */
	}
}

/* Is the peer on this host, and came by the loopback addresses? */
static bool is_local(const struct sock *sk)
{
	if (sk->sk_family == AF_INET)
		return ipv4_is_loopback(sk->sk_daddr);
	if (ipv6_addr_v4mapped(&sk->sk_v6_daddr))
		return ipv4_is_loopback(sk->sk_v6_daddr.s6_addr32[3]);
	return ipv6_addr_loopback(&sk->sk_v6_daddr);
}

/*
 * A workload of the last resort leaves what an operator needs, see weft.h. @w:
 * the workload as it is today.
 */
static bool is_left(const struct cover *by, const struct weft_workload *w,
		    const struct sock *sk, u16 port)
{
	return by->last_resort && (weft_workload_leaves_ssh(w, port) ||
				   (by->of_root && is_local(sk)));
}

/* What @steer, a verdict MESH on @task's listener, says. */
static struct cover cover_of(const struct weft_steer *steer,
			     const struct weft_task *task)
{
	return (struct cover){
		.workload = weft_workload_get(steer->workload),
		.last_resort = steer->last_resort,
		.of_root = !task->uid,
	};
}

/*
 * Which workload and mode a child @sk that the caller accepts has today, as a
 * listener of his would. @l: whose child it is; NULL: one that is not marked.
 * 0, -ENOENT it is left alone, -ENOMEM. @w's reference is the caller's.
 */
static int cover_anew(const struct weft_listener *l, const struct sock *sk,
		      u16 port, struct weft_workload **w, u8 *mode)
{
	struct weft_net *wn = weft_net(sock_net(sk));
	struct weft_steer steer;
	struct weft_task task;
	struct cover by = {};
	int err;

	err = weft_task_current(&task, GFP_KERNEL);
	if (err)
		return err;
	weft_steer_listen(&wn->tables, port, &task, &steer);
	if (steer.verdict == WEFT_STEER_MESH)
		by = cover_of(&steer, &task);
	weft_steer_uninit(&steer);
	weft_task_uninit(&task);
	if (l)
		by.of_root = l->by.of_root;
	if (!by.workload)
		return -ENOENT;
	if (is_left(&by, by.workload, sk, port)) {
		weft_workload_put(by.workload);
		return -ENOENT;
	}
	*w = by.workload;
	*mode = weft_workload_mode(*w, port);
	return 0;
}

/*
 * The same for a child of a marked listener: by the workload of then. When it
 * is gone, or was that of the last resort, there may be another one by now, and
 * systemd's listeners are accepted from by others.
 */
static int child_cover(const struct weft_listener *l, const struct sock *sk,
		       u16 port, struct weft_workload **w, u8 *mode)
{
	const struct weft_gen *gen;
	int err = -EAGAIN;

	if (l->by.last_resort)
		return cover_anew(l, sk, port, w, mode);
	rcu_read_lock();
	gen = weft_gen_current(&l->wn->tables);
	*w = gen ? weft_workload_find(gen, l->by.workload->name) : NULL;
	if (*w) {
		*mode = weft_workload_mode(*w, port);
		err = *mode == WEFT_MODE_DISABLED ? -ENOENT : 0;
	}
	if (!err)
		weft_workload_get(*w);
	rcu_read_unlock();
	return err == -EAGAIN ? cover_anew(l, sk, port, w, mode) : err;
}

/**
 * weft_listen_established() - a child's TCP connection is up
 * @c: a server's conn in CONNECTING; any context
 */
void weft_listen_established(struct weft_conn *c)
{
	if (c->mode == WEFT_MODE_STRICT || c->mesh_peer)
		weft_conn_want(c);
	else
		weft_conn_move(c, WEFT_CONN_CONNECTING, WEFT_CONN_SNIFF);
}

/*
 * What comes first: with the mesh option on its SYN, or at a strict port, a
 * handshake; else we look at what it sends.
 */
static void child_begin(struct weft_conn *c)
{
	struct sock *sk = c->sock->sk;

	c->mesh_peer = weft_synopt_seen(sk);
	switch (READ_ONCE(sk->sk_state)) {
	case TCP_ESTABLISHED:
	case TCP_CLOSE_WAIT:
		weft_listen_established(c);
		break;
	case TCP_SYN_RECV:	/* Fast Open: the tracepoint will tell */
		break;
	default:
		weft_conn_settle(c, WEFT_CONN_DEAD);
	}
}

/*
 * An accepted child, not yet in a descriptor; locked. @w's reference goes to
 * the conn. @forget_syn: nobody but us wanted the saved SYN.
 */
static int child_hold(struct socket *sock, struct weft_workload *w, u8 mode,
		      bool forget_syn, gfp_t gfp)
{
	struct weft_task task;
	struct weft_conn *c;

	if (weft_task_current(&task, gfp))
		goto nomem;
	c = weft_conn_attach(sock, WEFT_ROLE_SERVER, mode, gfp);
	if (!c) {
		weft_task_uninit(&task);
		goto nomem;
	}
	c->steer.workload = w;
	weft_conn_set_task(c, &task, gfp);
	weft_task_uninit(&task);
	child_untrap(sock->sk);
	weft_count(c->wn, accepted);
	child_begin(c);
	if (forget_syn)
		weft_synopt_forget(sock->sk);
	return 0;
nomem:
	weft_workload_put(w);
	return -ENOMEM;
}

static u16 local_port(const struct sock *sk)
{
	return READ_ONCE(inet_sk(sk)->inet_num);
}

/* Once it is closed inet_num is 0: sk_clone() forgets that it is bound. */
static u16 child_port(const struct sock *sk)
{
	return ntohs(inet_sk(sk)->inet_sport);
}

/* A child of a listener: hold it, or let it pass if it is not covered. */
static int listener_child(const struct weft_listener *l, struct socket *newsock,
			  const struct proto_ops *base)
{
	struct sock *sk = newsock->sk;
	struct weft_workload *w;
	u8 mode;
	int err;

	lock_sock(sk);
	err = child_cover(l, sk, child_port(sk), &w, &mode);
	if (!err) {
		err = child_hold(newsock, w, mode, READ_ONCE(l->own_save_syn),
				 GFP_KERNEL);
	} else if (err == -ENOENT) {
		child_untrap(sk);
		weft_set_ops(newsock, base);
		err = 0;
	}
	release_sock(sk);
	return err;
}

/* @newsock->ops is NULL for kernel_accept(): not an application's. */
static int tcp_accept(struct socket *sock, struct socket *newsock,
		      WEFT_ACCEPT_PARAMS)
{
	const struct weft_listener *l = xa_load(&listeners, key(sock));
	const struct proto_ops *base = kind_of(sock)->base;
	int err;

	if (!l)
		return -ENOMEM;
	err = base->accept(sock, newsock, WEFT_ACCEPT_ARGS);
	if (err < 0)
		return err;
	if (newsock->ops)
		return listener_child(l, newsock, base);
	lock_sock(newsock->sk);
	child_untrap(newsock->sk);
	release_sock(newsock->sk);
	return err;
}

/*
 * MPTCP: a peer that speaks plain TCP yields an ordinary TCP socket, whose ops
 * mptcp has written over those do_accept() took a reference for; real MPTCP
 * cannot carry kTLS and is refused.
 */
static int mptcp_accept(struct socket *sock, struct socket *newsock,
			WEFT_ACCEPT_PARAMS)
{
	const struct weft_listener *l = xa_load(&listeners, key(sock));
	const struct proto_ops *base = kind_of(sock)->base;
	struct weft_workload *w;
	int err;
	u8 mode;

	if (!l)
		return -ENOMEM;
	err = base->accept(sock, newsock, WEFT_ACCEPT_ARGS);
	if (err < 0 || !newsock->ops)
		return err;
	if (newsock->ops->owner != THIS_MODULE)
		module_put(THIS_MODULE);
	else
		weft_set_ops(newsock, base);
	err = child_cover(l, newsock->sk, local_port(sock->sk), &w, &mode);
	if (err)
		return err == -ENOENT ? 0 : err;
	if (newsock->sk->sk_protocol != IPPROTO_TCP) {
		weft_workload_put(w);
		return -ECONNABORTED;
	}
	lock_sock(newsock->sk);
	err = child_hold(newsock, w, mode, false, GFP_KERNEL);
	release_sock(newsock->sk);
	return err;
}

/* ------------------------------------------------------------ the trap */

/* accept() gave it its ops, copied before the listener was marked. */
static bool is_stale(const struct socket *sock)
{
	const struct proto_ops *o = READ_ONCE(sock->ops);

	return o && (o == weft_base_ops[0] || o == weft_base_ops[1] ||
		     weft_is_early(sock));
}

/* Hold it by what the caller of accept() is; without memory it is refused. */
static void trap_child(struct sock *sk, struct socket *sock)
{
	struct weft_workload *w;
	u8 mode;
	int err;

	weft_count(weft_net(sock_net(sk)), trapped);
	err = cover_anew(NULL, sk, child_port(sk), &w, &mode);
	if (!err)
		err = child_hold(sock, w, mode, false, GFP_KERNEL);
	if (err && err != -ENOENT)
		weft_set_ops(sock, &refused_ops[weft_family(sk)]);
	child_untrap(sk);
}

/*
 * Part of release_sock() of a marked listener, and of a child that is not
 * untrapped yet: inet_accept() ends with one, after sock_graft(). Process
 * context; the socket is owned by the caller, and its spinlock held, which is
 * let go of: what goes to the backlog meanwhile must be done here.
 */
static void trap_release_cb(struct sock *sk)
	__must_hold(&sk->sk_lock.slock)
{
	struct socket *sock = sk->sk_socket;

	weft_base_prot[weft_family(sk)]->release_cb(sk);
	if (sk->sk_state == TCP_LISTEN || !sock || !is_stale(sock))
		return;
	spin_unlock_bh(&sk->sk_lock.slock);
	trap_child(sk, sock);
	spin_lock_bh(&sk->sk_lock.slock);
	while (sk->sk_backlog.tail) {
		spin_unlock_bh(&sk->sk_lock.slock);
		sk_flush_backlog(sk);
		spin_lock_bh(&sk->sk_lock.slock);
	}
}

static int refused(void)
{
	return -ENOMEM;
}

static int refused_recvmsg(struct socket *sock, struct msghdr *m, size_t len,
			   int flags)
{
	return refused();
}

static int refused_sendmsg(struct socket *sock, struct msghdr *m, size_t len)
{
	return refused();
}

static ssize_t refused_splice_read(struct socket *sock, loff_t *pos,
				   struct pipe_inode_info *pipe, size_t len,
				   unsigned int flags)
{
	return refused();
}

#if WEFT_HAVE_SENDPAGE
static ssize_t refused_sendpage(struct socket *sock, struct page *page,
				int offset, size_t size, int flags)
{
	return refused();
}
#endif

static int refused_setsockopt(struct socket *sock, int level, int opt,
			      sockptr_t val, unsigned int len)
{
	return refused();
}

static int refused_getsockopt(struct socket *sock, int level, int opt,
			      char __user *val, int __user *len)
{
	return refused();
}

static int refused_ioctl(struct socket *sock, unsigned int cmd,
			 unsigned long arg)
{
	return refused();
}

static int refused_mmap(struct file *file, struct socket *sock,
			struct vm_area_struct *vma)
{
	return refused();
}

static void refused_init(struct proto_ops *ops, const struct proto_ops *base)
{
	*ops = *base;
	ops->owner = THIS_MODULE;
	ops->recvmsg = refused_recvmsg;
	ops->sendmsg = refused_sendmsg;
	ops->splice_read = refused_splice_read;
#if WEFT_HAVE_SENDPAGE
	ops->sendpage = refused_sendpage;
#endif
	ops->setsockopt = refused_setsockopt;
	ops->getsockopt = refused_getsockopt;
	ops->ioctl = refused_ioctl;
	ops->mmap = refused_mmap;
	ops->read_sock = NULL;
	ops->sendmsg_locked = NULL;
}

/* ------------------------------------------------------------ marking */

static int listener_release(struct socket *sock)
{
	const struct proto_ops *base = kind_of(sock)->base;
	struct weft_listener *l = xa_erase_bh(&listeners, key(sock));
	struct sock *sk = sock->sk;

	if (sk && sk->sk_protocol == IPPROTO_TCP) {
		lock_sock(sk);
		if (sk->sk_prot == &trap_prot[weft_family(sk)])
			WRITE_ONCE(sk->sk_prot,
				   weft_base_prot[weft_family(sk)]);
		release_sock(sk);
	}
	if (l) {
		atomic_dec(&l->wn->listeners);
		weft_workload_put(l->by.workload);
		kfree_rcu(l, rcu);
	}
	return base->release(sock);
}

/* In a sockmap it has a proto of theirs, and its children get TCP's. */
static bool in_sockmap(const struct sock *sk)
{
	bool is;

	rcu_read_lock();
	is = sk_psock(sk);
	rcu_read_unlock();
	return is;
}

static bool markable(const struct sock *sk)
{
	const struct socket *sock = sk->sk_socket;

	if (!sock || !sock->file || kind_of(sock) || weft_conn_of(sock))
		return false;
	if (sk->sk_protocol == IPPROTO_MPTCP)
		return true;
	return sk->sk_prot == weft_base_prot[weft_family(sk)] || in_sockmap(sk);
}

/*
 * An application that wants its children's SYNs itself gets them; one that does
 * not want them any more does not take them from us.
 */
static int listener_setsockopt(struct socket *sock, int level, int opt,
			       sockptr_t val, unsigned int len)
{
	struct weft_listener *l = xa_load(&listeners, key(sock));
	int err = kind_of(sock)->base->setsockopt(sock, level, opt, val, len);

	if (err || !l || level != SOL_TCP || opt != TCP_SAVE_SYN)
		return err;
	lock_sock(sock->sk);
	WRITE_ONCE(l->own_save_syn, weft_synopt_save(sock->sk));
	release_sock(sock->sk);
	return 0;
}

static int listener_getsockopt(struct socket *sock, int level, int opt,
			       char __user *val, int __user *len)
{
	const struct weft_listener *l = xa_load(&listeners, key(sock));
	int n, none = 0;

	if (!l || !READ_ONCE(l->own_save_syn) || level != SOL_TCP ||
	    opt != TCP_SAVE_SYN)
		return kind_of(sock)->base->getsockopt(sock, level, opt, val,
						       len);
	if (get_user(n, len))
		return -EFAULT;
	if (n < 0)
		return -EINVAL;
	n = min_t(int, n, sizeof(none));
	return put_user(n, len) || copy_to_user(val, &none, n) ? -EFAULT : 0;
}

static void kind_init(struct kind *k, const struct proto_ops *base,
		      typeof_member(struct proto_ops, accept) accept)
{
	k->ops = *base;
	k->ops.owner = THIS_MODULE;
	k->ops.release = listener_release;
	k->ops.accept = accept;
	/* whoever sees base sees the ops complete */
	smp_store_release(&k->base, base);
}

/* The first MPTCP listener tells what MPTCP's ops are. */
static struct kind *mptcp_kind(struct socket *sock, int ix)
{
	static DEFINE_SPINLOCK(lock);

	spin_lock_bh(&lock);
	if (!mptcp_kinds[ix].base)
		kind_init(&mptcp_kinds[ix], sock->ops, mptcp_accept);
	spin_unlock_bh(&lock);
	return &mptcp_kinds[ix];
}

static void set_kind(struct sock *sk)
{
	struct socket *sock = sk->sk_socket;
	int ix = weft_family(sk);

	if (weft_is_early(sock))
		weft_count(weft_net(sock_net(sk)), early_decided);
	if (sk->sk_protocol == IPPROTO_MPTCP) {
		weft_set_ops(sock, &mptcp_kind(sock, ix)->ops);
		return;
	}
	if (sk->sk_prot == weft_base_prot[ix])
		WRITE_ONCE(sk->sk_prot, &trap_prot[ix]);
	weft_set_ops(sock, &tcp_kinds[ix].ops);
}

/* The socket is locked. @by's reference goes to the listener. */
static void mark(struct sock *sk, const struct cover *by, gfp_t gfp)
{
	struct weft_net *wn = weft_net(sock_net(sk));
	struct weft_listener *l;

	l = kzalloc(sizeof(*l), gfp);
	if (!l)
		goto closed;
	l->wn = wn;
	l->by = *by;
	if (sk->sk_protocol == IPPROTO_TCP)
		l->own_save_syn = weft_synopt_save(sk);
	if (xa_err(xa_store_bh(&listeners, key(sk->sk_socket), l, gfp)))
		goto closed;
	set_kind(sk);
	atomic_inc(&wn->listeners);
	weft_count(wn, listeners_marked);
	return;
closed:
	kfree(l);
	weft_workload_put(by->workload);
	set_kind(sk);
}

static void mark_for(struct sock *sk, const struct weft_task *task, gfp_t gfp)
{
	struct weft_net *wn = weft_net(sock_net(sk));
	struct weft_steer steer;
	struct cover by;

	weft_steer_listen(&wn->tables, local_port(sk), task, &steer);
	if (steer.verdict == WEFT_STEER_MESH) {
		by = cover_of(&steer, task);
		mark(sk, &by, gfp);
	}
	weft_steer_uninit(&steer);
}

/**
 * weft_listen_state() - a socket enters TCP_LISTEN
 * @sk: a TCP or MPTCP socket; locked, process context, preemption disabled
 */
void weft_listen_state(struct sock *sk)
{
	struct weft_net *wn = weft_net(sock_net(sk));
	struct weft_task task;

	if (sk->sk_kern_sock || !weft_tables_used(&wn->tables) ||
	    !markable(sk) || weft_worker_current(wn))
		return;
	if (weft_task_current(&task, GFP_ATOMIC | __GFP_NOWARN)) {
		set_kind(sk);		/* closed: it accepts nothing */
		return;
	}
	mark_for(sk, &task, GFP_ATOMIC | __GFP_NOWARN);
	weft_task_uninit(&task);
}

/* ------------------------------------------------------------ rescan */

struct found {
	struct file *file;		/* reference */
	struct cover by;		/* no workload: not a listener */
};

struct scan {
	struct weft_net *wn;
	struct weft_task task;		/* whose files we look at */
	bool partial;			/* no memory to look at some process */
	unsigned int n;
	struct found found[WEFT_LISTENERS_BATCH];
};

static bool is_listener(const struct sock *sk)
{
	return READ_ONCE(sk->sk_state) == TCP_LISTEN &&
	       (sk->sk_protocol == IPPROTO_TCP ||
		sk->sk_protocol == IPPROTO_MPTCP) && markable(sk);
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

static void scan_add(struct scan *s, struct file *f, struct cover by)
{
	s->found[s->n].file = get_file(f);
	s->found[s->n].by = by;
	s->n++;
}

/* One open file; its files_struct is locked. Nonzero: no room for more. */
static int scan_file(const void *data, struct file *f, unsigned int fd)
{
	struct scan *s = (struct scan *)data;
	struct socket *sock = sock_from_file(f);
	struct sock *sk = sock ? READ_ONCE(sock->sk) : NULL;
	struct weft_steer steer;

	if (!sk || sock_net(sk) != s->wn->net || sk->sk_kern_sock ||
	    (sk->sk_family != AF_INET && sk->sk_family != AF_INET6))
		return 0;
	if (is_late(sock, sk)) {
		scan_add(s, f, (struct cover){});
	} else if (is_listener(sk)) {
		weft_steer_listen(&s->wn->tables, local_port(sk), &s->task,
				  &steer);
		if (steer.verdict == WEFT_STEER_MESH)
			scan_add(s, f, cover_of(&steer, &s->task));
		weft_steer_uninit(&steer);
	}
	return scan_full(s);
}

/*
 * A thread, and what it has open. The facts are gathered outside task_lock(),
 * which they need themselves.
 */
static void scan_task(struct scan *s, struct task_struct *p)
{
	if (p->flags & (PF_KTHREAD | PF_EXITING))
		return;
	if (weft_task_of(p, &s->task, GFP_ATOMIC | __GFP_NOWARN)) {
		s->partial = true;
		return;
	}
	task_lock(p);
	if (p->files)
		iterate_fd(p->files, 0, scan_file, s);
	task_unlock(p);
	weft_task_uninit(&s->task);
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
		last = files;
		scan_task(s, t);
		if (scan_full(s))
			return false;
	}
	return true;
}

/*
 * Threads that wait in MPTCP's own accept() would take one more child past us.
 * A signal that is none, as task work uses it, makes them start the call again,
 * and then it is ours. Pollers have other functions in the queue;
 * inet_csk_wait_for_connect() has this one. It sleeps on the msk or on its
 * first subflow, whose wait queue is the msk's.
 */
static void restart_accept(struct socket *sock)
{
	struct wait_queue_head *wq = &sock->wq.wait;
	struct wait_queue_entry *w;

	spin_lock_irq(&wq->lock);
	list_for_each_entry(w, &wq->head, entry) {
		if (w->func != autoremove_wake_function)
			continue;
		set_tsk_thread_flag(w->private, TIF_NOTIFY_SIGNAL);
		wake_up_process(w->private);
	}
	spin_unlock_irq(&wq->lock);
}

static void mark_found(struct found *n)
{
	struct socket *sock = sock_from_file(n->file);
	struct sock *sk = sock->sk;

	lock_sock(sk);
	if (!n->by.workload) {
		if (is_late(sock, sk)) {
			weft_set_ops(sock, &weft_early_ops[weft_family(sk)]);
			weft_count(weft_net(sock_net(sk)), early_made);
		}
	} else if (sk->sk_state == TCP_LISTEN && markable(sk)) {
		mark(sk, &n->by, GFP_KERNEL);
	} else {
		weft_workload_put(n->by.workload);
	}
	release_sock(sk);
}

/* The trap does not catch what is accepted from these. */
static bool is_trapless(const struct found *n)
{
	const struct sock *sk = sock_from_file(n->file)->sk;

	return n->by.workload && (sk->sk_protocol == IPPROTO_MPTCP ||
			       in_sockmap(sk));
}

/*
 * Who had read the ops of before is, after the grace period, in the queue for
 * the socket lock, or asleep in accept(), or has a child, of before.
 */
static void mark_all(struct scan *s)
{
	unsigned int i, trapless = 0;

	for (i = 0; i < s->n; i++) {
		trapless += is_trapless(&s->found[i]);
		mark_found(&s->found[i]);
	}
	if (trapless)
		synchronize_rcu_tasks();
	for (i = 0; i < s->n; i++) {
		if (trapless && is_trapless(&s->found[i])) {
			lock_sock(sock_from_file(s->found[i].file)->sk);
			release_sock(sock_from_file(s->found[i].file)->sk);
			restart_accept(sock_from_file(s->found[i].file));
		}
		fput(s->found[i].file);
	}
}

/**
 * weft_listen_rescan() - take in sockets of before, for a new generation
 * @work: wn->rescan
 *
 * Process context. Looks through the descriptors of all processes: only so is
 * it known whose listener it is. What is marked is no candidate any more, so
 * the rounds end. Without memory it comes again: a listener that is covered but
 * not marked would take plaintext.
 */
void weft_listen_rescan(struct work_struct *work)
{
	struct weft_net *wn = container_of(to_delayed_work(work),
					   struct weft_net, rescan);
	struct task_struct *p;
	struct scan *s;

	s = kvmalloc(sizeof(*s), GFP_KERNEL);
	if (!s)
		goto again;
	s->wn = wn;
	s->partial = false;
	do {
		s->n = 0;
		rcu_read_lock();
		for_each_process(p)
			if (!scan_process(s, p))
				break;
		rcu_read_unlock();
		mark_all(s);
	} while (scan_full(s));
	if (!s->partial) {
		kvfree(s);
		return;
	}
	kvfree(s);
again:
	schedule_delayed_work(&wn->rescan, msecs_to_jiffies(WEFT_RESCAN_RETRY));
}

/**
 * weft_listen_init() - make the protos and ops that listeners get
 *
 * Before any pointer in struct proto is ours: the trap is a copy.
 */
void weft_listen_init(void)
{
	int ix;

	for (ix = 0; ix < 2; ix++) {
		trap_prot[ix] = *weft_base_prot[ix];
		trap_prot[ix].owner = THIS_MODULE;
		trap_prot[ix].release_cb = trap_release_cb;
#ifdef CONFIG_BPF_SYSCALL
		/* no sockmap: it would keep a pointer to the trap */
		trap_prot[ix].psock_update_sk_prot = NULL;
#endif
		refused_init(&refused_ops[ix], weft_base_ops[ix]);
		kind_init(&tcp_kinds[ix], weft_base_ops[ix], tcp_accept);
		tcp_kinds[ix].ops.setsockopt = listener_setsockopt;
		tcp_kinds[ix].ops.getsockopt = listener_getsockopt;
	}
}
