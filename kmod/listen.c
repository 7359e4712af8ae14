// SPDX-License-Identifier: GPL-2.0
/*
 * Marked listeners and their children.
 *
 * Every listener of a namespace that is configured is marked, when it enters
 * TCP_LISTEN (tracepoint: process context, socket lock held, not yet hashed, no
 * sleeping), or, if it was there before, by weft_listen_rescan(): who will
 * accept from it may be another process than who began to listen (systemd, a
 * master that passes it on, who changes his user after it). It gets ops of
 * its own with our accept(), and a trap proto, which its children inherit: an
 * accept() that began through ops of before ends with release_sock() of the
 * child, where the trap makes it a conn, before anybody has its descriptor.
 * MPTCP's children have a proto of its own: there, who waits in accept() when
 * the marking comes is sent round again.
 *
 * Whether a child is covered, in which mode and as whom, is looked up when it is
 * accepted, see weft_steer_accept(): by the generation of then.
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

struct weft_listener {
	struct weft_net *wn;
	const struct sock *sk;		/* while it is in listeners */
	/* Who began to listen, as he was then. Of one that was there before: one
	 * who had it and was in a workload; NULL until there is one. Once set it
	 * stays.
	 */
	struct weft_task *by;
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
 * What becomes of a child @sk that @task accepts. @l: whose child it is; NULL:
 * not known.
 */
static void child_steer(const struct weft_listener *l, const struct sock *sk,
			u16 port, const struct weft_task *task,
			struct weft_steer *steer)
{
	/* whoever sees it set sees what is in it */
	const struct weft_task *by = l ? smp_load_acquire(&l->by) : NULL;

	weft_steer_accept(&weft_net(sock_net(sk))->tables, port, is_local(sk),
			  task, by, steer);
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
 * An accepted child of @task's, not yet in a descriptor; locked. The workload's
 * reference goes from @steer to the conn. @forget_syn: nobody but us wanted the
 * saved SYN.
 */
static int child_hold(struct socket *sock, struct weft_steer *steer,
		      struct weft_task *task, bool forget_syn, gfp_t gfp)
{
	u8 mode = weft_workload_mode(steer->workload, steer->target);
	struct weft_conn *c;

	c = weft_conn_attach(sock, WEFT_ROLE_SERVER, mode, gfp);
	if (!c)
		return -ENOMEM;
	swap(c->steer.workload, steer->workload);
	weft_conn_set_task(c, task, gfp);
	child_untrap(sock->sk);
	weft_count(c->wn, accepted);
	child_begin(c);
	if (forget_syn)
		weft_synopt_forget(sock->sk);
	return 0;
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

/* A child nobody covers is as if weft were not there. */
static void child_pass(struct socket *sock, const struct proto_ops *base,
		       bool forget_syn)
{
	child_untrap(sock->sk);
	weft_set_ops(sock, base);
	if (forget_syn)
		weft_synopt_forget(sock->sk);
}

/* A child of a listener: hold it, or let it pass if it is not covered. */
static int listener_child(const struct weft_listener *l, struct socket *newsock,
			  const struct proto_ops *base)
{
	struct sock *sk = newsock->sk;
	struct weft_steer steer;
	struct weft_task task;
	bool forget_syn;
	int err;

	err = weft_task_current(&task, GFP_KERNEL);
	if (err)
		return err;
	lock_sock(sk);
	forget_syn = READ_ONCE(l->own_save_syn);
	child_steer(l, sk, child_port(sk), &task, &steer);
	if (steer.verdict == WEFT_STEER_MESH)
		err = child_hold(newsock, &steer, &task, forget_syn,
				 GFP_KERNEL);
	else
		child_pass(newsock, base, forget_syn);
	release_sock(sk);
	weft_steer_uninit(&steer);
	weft_task_uninit(&task);
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

/* A child of an MPTCP listener that @steer covers: real MPTCP is refused. */
static int mptcp_child(struct socket *newsock, struct weft_steer *steer,
		       struct weft_task *task)
{
	int err;

	if (newsock->sk->sk_protocol != IPPROTO_TCP)
		return -ECONNABORTED;
	lock_sock(newsock->sk);
	err = child_hold(newsock, steer, task, false, GFP_KERNEL);
	release_sock(newsock->sk);
	return err;
}

/*
 * MPTCP: a peer that speaks plain TCP yields an ordinary TCP socket, whose ops
 * mptcp has written over those do_accept() took a reference for; real MPTCP
 * cannot carry kTLS.
 */
static int mptcp_accept(struct socket *sock, struct socket *newsock,
			WEFT_ACCEPT_PARAMS)
{
	const struct weft_listener *l = xa_load(&listeners, key(sock));
	const struct proto_ops *base = kind_of(sock)->base;
	struct weft_steer steer;
	struct weft_task task;
	int err;

	if (!l)
		return -ENOMEM;
	err = base->accept(sock, newsock, WEFT_ACCEPT_ARGS);
	if (err < 0 || !newsock->ops)
		return err;
	if (newsock->ops->owner != THIS_MODULE)
		module_put(THIS_MODULE);
	else
		weft_set_ops(newsock, base);
	err = weft_task_current(&task, GFP_KERNEL);
	if (err)
		return err;
	child_steer(l, newsock->sk, local_port(sock->sk), &task, &steer);
	if (steer.verdict == WEFT_STEER_MESH)
		err = mptcp_child(newsock, &steer, &task);
	weft_steer_uninit(&steer);
	weft_task_uninit(&task);
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
	struct weft_steer steer;
	struct weft_task task;
	int err;

	weft_count(weft_net(sock_net(sk)), trapped);
	err = weft_task_current(&task, GFP_KERNEL);
	if (!err) {
		child_steer(NULL, sk, child_port(sk), &task, &steer);
		if (steer.verdict == WEFT_STEER_MESH)
			err = child_hold(sock, &steer, &task, false,
					 GFP_KERNEL);
		weft_steer_uninit(&steer);
		weft_task_uninit(&task);
	}
	if (err)
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

static void listener_free(struct rcu_head *rcu)
{
	struct weft_listener *l = container_of(rcu, struct weft_listener, rcu);

	kfree(l->by);
	kfree(l);
}

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
		call_rcu(&l->rcu, listener_free);
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

/*
 * The socket is locked. @by, which becomes the listener's, may be NULL. Without
 * memory it accepts nothing: who would, nobody could tell.
 */
static void mark(struct sock *sk, struct weft_task *by, gfp_t gfp)
{
	struct weft_net *wn = weft_net(sock_net(sk));
	struct weft_listener *l;

	l = kzalloc(sizeof(*l), gfp);
	if (!l)
		goto closed;
	l->wn = wn;
	l->sk = sk;
	l->by = by;
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
	kfree(by);
	set_kind(sk);
}

/**
 * weft_listen_state() - a socket enters TCP_LISTEN
 * @sk: a TCP or MPTCP socket; locked, process context, preemption disabled
 */
void weft_listen_state(struct sock *sk)
{
	const gfp_t gfp = GFP_ATOMIC | __GFP_NOWARN;
	struct weft_net *wn = weft_net(sock_net(sk));
	struct weft_task *by = NULL;
	struct weft_task task;

	if (sk->sk_kern_sock || !weft_tables_used(&wn->tables) ||
	    !markable(sk) || weft_worker_current(wn))
		return;
	if (!weft_task_current(&task, gfp)) {
		by = weft_task_dup(&task, gfp);
		weft_task_uninit(&task);
	}
	if (by)
		mark(sk, by, gfp);
	else
		set_kind(sk);		/* closed: it accepts nothing */
}

/**
 * weft_listen_covered() - how many listeners are of a workload
 * @wn: the namespace
 *
 * By who began to listen, and by the generation in force. Return: their number.
 */
unsigned int weft_listen_covered(const struct weft_net *wn)
{
	const struct weft_listener *l;
	struct weft_steer steer;
	unsigned int n = 0;
	unsigned long at;

	xa_lock_bh(&listeners);		/* so long ->sk stays */
	xa_for_each(&listeners, at, l) {
		if (l->wn != wn || !smp_load_acquire(&l->by))
			continue;
		weft_steer_listen(&wn->tables, local_port(l->sk), l->by,
				  &steer);
		n += steer.verdict == WEFT_STEER_MESH;
		weft_steer_uninit(&steer);
	}
	xa_unlock_bh(&listeners);
	return n;
}

/* ------------------------------------------------------------ rescan */

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
	bool partial;			/* no memory to look at some process */
	unsigned int n;
	struct found found[WEFT_LISTENERS_BATCH];
};

static bool is_listener(const struct sock *sk)
{
	return READ_ONCE(sk->sk_state) == TCP_LISTEN &&
	       (sk->sk_protocol == IPPROTO_TCP ||
		sk->sk_protocol == IPPROTO_MPTCP);
}

/* A marked listener nobody in a workload has had yet; NULL: it is none. */
static struct weft_listener *unclaimed(const struct socket *sock)
{
	struct weft_listener *l = xa_load(&listeners, key(sock));

	return l && !READ_ONCE(l->by) ? l : NULL;
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

/* A listener: does it matter that this process has it? */
static void scan_listener(struct scan *s, struct file *f, const struct sock *sk)
{
	bool new = markable(sk);
	struct weft_steer steer;

	if (!new && !unclaimed(sk->sk_socket))
		return;
	weft_steer_listen(&s->wn->tables, local_port(sk), &s->task, &steer);
	if (steer.verdict == WEFT_STEER_MESH)
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

/* What it was found to be, it may have ceased to be. */
static void mark_found(struct scan *s, struct found *n)
{
	struct socket *sock = sock_from_file(n->file);
	struct weft_listener *l;
	struct sock *sk = sock->sk;

	if (is_locked(s, sk)) {
		kfree(n->by);
		return;
	}
	lock_sock(sk);
	l = unclaimed(sock);
	if (is_late(sock, sk)) {
		weft_set_ops(sock, &weft_early_ops[weft_family(sk)]);
		weft_count(weft_net(sock_net(sk)), early_made);
	} else if (is_listener(sk) && markable(sk)) {
		n->trapless = sk->sk_protocol == IPPROTO_MPTCP ||
			      in_sockmap(sk);
		mark(sk, n->by, GFP_KERNEL);
		n->by = NULL;
	} else if (l && n->by) {
		/* whoever sees it set sees what is in it */
		smp_store_release(&l->by, n->by);
		n->by = NULL;
	}
	release_sock(sk);
	kfree(n->by);
}

/*
 * Who had read the ops of before is, after the grace period, in the queue for
 * the socket lock, or asleep in accept(), or has a child, of before.
 */
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
		if (s->found[i].trapless) {
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
 * it known whose listener it is. What is marked, and known to be somebody's, is
 * no candidate any more, so the rounds end. Without memory, or when sockets are
 * locked, it comes again: a listener that is not marked would take plaintext.
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
