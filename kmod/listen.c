// SPDX-License-Identifier: GPL-2.0
/*
 * Marked listeners and their children.
 *
 * Every listener of a namespace with a workload is marked, when it enters
 * TCP_LISTEN (tracepoint: process context, socket lock held, not yet hashed, no
 * sleeping), or, if it was there before, by weft_rescan(): who will
 * accept from it may be another process than who began to listen (systemd, a
 * master that passes it on, who changes his user after it). It gets ops of
 * its own with our accept(), and a trap proto, which its children inherit: an
 * accept() that began through ops of before ends with release_sock() of the
 * child, where the trap makes it a conn, before anybody has its descriptor.
 * MPTCP's children have a proto of its own: there, who waits in accept() when
 * the marking comes is sent round again.
 *
 * Whether a child is covered, in which mode and as whom, is looked up when it
 * is accepted, see weft_steer_accept(): by the generation of then.
 */
#include <linux/file.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/skmsg.h>
#include <linux/slab.h>
#include <linux/xarray.h>
#include <net/mptcp.h>
#include <net/tcp.h>
#include "compat.h"
#include "handshake.h"
#include "judge.h"
#include "limits.h"
#include "listen.h"
#include "stale.h"
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
	/* Who began to listen, as he was then. Of one that was there before:
	 * one who had it and was in a workload; NULL until there is one. Once
	 * set it stays.
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

/* A listener for which there was no memory. */
static bool is_closed(const struct socket *sock)
{
	return !xa_load(&listeners, key(sock)) && kind_of(sock);
}

/*
 * What @sock's ops would be without us; of one that has ceased to listen since
 * the caller read them, those of now.
 */
static const struct proto_ops *base_of(const struct socket *sock)
{
	const struct kind *k = kind_of(sock);

	return k ? k->base : READ_ONCE(sock->ops);
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
 * What comes first: with the mesh option on its SYN, from a registered address,
 * or at a strict port, a handshake; else we look at what it sends. Whoever took
 * the option out, or the SYN cookie that did not keep it, changes nothing for a
 * registered one.
 */
static void child_begin(struct weft_conn *c)
{
	struct sock *sk = c->sock->sk;
	bool said = weft_synopt_seen(sk);

	/* a strict port asks for a handshake whoever comes */
	c->by_registry = !said && c->mode != WEFT_MODE_STRICT &&
			 weft_judge_speaks_mesh(c);
	c->mesh_peer = said || c->by_registry;
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

/*
 * What becomes of a child of @sock's. Return: nobody but us wanted its SYN. The
 * listener may have ceased to be one.
 */
static bool listener_steer(const struct socket *sock, const struct sock *sk,
			   u16 port, const struct weft_task *task,
			   struct weft_steer *steer)
{
	const struct weft_listener *l;
	bool own_save_syn;

	rcu_read_lock();
	l = xa_load(&listeners, key(sock));
	own_save_syn = l && READ_ONCE(l->own_save_syn);
	child_steer(l, sk, port, task, steer);
	rcu_read_unlock();
	return own_save_syn;
}

/*
 * Of the caller of accept(), whose executable is only looked for where it
 * matters. Return: as weft_task_of().
 */
static int child_facts(const struct socket *sock, const struct sock *sk,
		       struct weft_task *task, struct weft_steer *steer,
		       bool *forget_syn)
{
	bool exe = weft_tables_by_exe(&weft_net(sock_net(sk))->tables);
	int err;

	for (;; exe = true) {
		err = exe ? weft_task_current(task, GFP_KERNEL) :
			    weft_task_brief(task, GFP_KERNEL);
		if (err)
			return err;
		*forget_syn = listener_steer(sock, sk, child_port(sk), task,
					     steer);
		if (steer->verdict != WEFT_STEER_BY_EXE)
			return 0;
		weft_task_uninit(task);	/* since the last generation */
	}
}

/* A child of a listener: hold it, or let it pass if it is not covered. */
static int listener_child(const struct socket *sock, struct socket *newsock,
			  const struct proto_ops *base)
{
	struct sock *sk = newsock->sk;
	struct weft_steer steer;
	struct weft_task task;
	bool forget_syn;
	int err;

	lock_sock(sk);
	err = child_facts(sock, sk, &task, &steer, &forget_syn);
	if (err) {
		release_sock(sk);
		return err;
	}
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
	const struct proto_ops *base = weft_base_ops[weft_family(sock->sk)];
	int err;

	if (is_closed(sock))
		return -ENOMEM;
	err = base->accept(sock, newsock, WEFT_ACCEPT_ARGS);
	if (err < 0)
		return err;
	if (newsock->ops)
		return listener_child(sock, newsock, base);
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
	const struct proto_ops *base = mptcp_kinds[weft_family(sock->sk)].base;
	struct weft_steer steer;
	struct weft_task task;
	int err;

	if (is_closed(sock))
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
	listener_steer(sock, newsock->sk, weft_listen_port(sock->sk), &task,
		       &steer);
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

/* Who listens at a port, for a child that does not say whose it is; or NULL. */
static const struct weft_listener *listener_at(const struct weft_net *wn,
					       u16 port)
{
	const struct weft_listener *l;
	unsigned long at;

	xa_for_each(&listeners, at, l)
		if (l->wn == wn && l->by && weft_listen_port(l->sk) == port)
			return l;
	return NULL;
}

/*
 * Hold it by what the caller of accept() is, or who listens; without memory it
 * is refused.
 */
static void trap_child(struct sock *sk, struct socket *sock)
{
	struct weft_net *wn = weft_net(sock_net(sk));
	u16 port = child_port(sk);
	struct weft_steer steer;
	struct weft_task task;
	int err;

	weft_count(wn, trapped);
	err = weft_task_current(&task, GFP_KERNEL);
	if (!err) {
		rcu_read_lock();
		child_steer(listener_at(wn, port), sk, port, &task, &steer);
		rcu_read_unlock();
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

static void listener_forget(struct weft_listener *l)
{
	if (!l)
		return;
	atomic_dec(&l->wn->listeners);
	call_rcu(&l->rcu, listener_free);
}

/* Its own proto again; locked. */
static void listener_untrap(struct sock *sk)
{
	int ix = weft_family(sk);

	if (sk->sk_prot == &trap_prot[ix])
		WRITE_ONCE(sk->sk_prot, weft_base_prot[ix]);
}

static int listener_release(struct socket *sock)
{
	const struct proto_ops *base = base_of(sock);
	struct sock *sk = sock->sk;
	int err;

	__module_get(THIS_MODULE);	/* tcp_abort() may take the socket's */
	listener_forget(xa_erase_bh(&listeners, key(sock)));
	if (sk && sk->sk_protocol == IPPROTO_TCP) {
		lock_sock(sk);
		base = base_of(sock);
		/* our caller drops one, whoever owns the ops now */
		if (sock->ops->owner != THIS_MODULE)
			__module_get(THIS_MODULE);
		listener_untrap(sk);
		/* not weft_listen_ended()'s */
		WRITE_ONCE(sock->ops, base);
		release_sock(sk);
	}
	err = base->release(sock);
	module_put(THIS_MODULE);
	return err;
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

/**
 * weft_listen_markable() - can it be marked, and is not?
 * @sk: a socket; for sure only while it is locked
 *
 * Return: it can.
 */
bool weft_listen_markable(const struct sock *sk)
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
	struct weft_listener *l;
	int err;

	/* as TCP says; and not later, when it listens no more */
	if (level == SOL_TCP && opt == TCP_ULP)
		return -ENOTCONN;
	__module_get(THIS_MODULE);	/* it sleeps; the socket's may go */
	err = base_of(sock)->setsockopt(sock, level, opt, val, len);
	if (!err && level == SOL_TCP && opt == TCP_SAVE_SYN) {
		lock_sock(sock->sk);	/* so long it is one, or is not */
		l = xa_load(&listeners, key(sock));
		if (l)
			WRITE_ONCE(l->own_save_syn, weft_synopt_save(sock->sk));
		release_sock(sock->sk);
	}
	module_put(THIS_MODULE);	/* exit waits for RCU tasks */
	return err;
}

static bool own_save_syn(const struct socket *sock)
{
	const struct weft_listener *l;
	bool own;

	rcu_read_lock();
	l = xa_load(&listeners, key(sock));
	own = l && READ_ONCE(l->own_save_syn);
	rcu_read_unlock();
	return own;
}

/* As TCP has it, whose getsockopt() says that it is not set. */
static int save_syn_unset(char __user *val, int __user *len)
{
	int n, none = 0;

	if (get_user(n, len))
		return -EFAULT;
	if (n < 0)
		return -EINVAL;
	n = min_t(int, n, sizeof(none));
	return put_user(n, len) || copy_to_user(val, &none, n) ? -EFAULT : 0;
}

static int listener_getsockopt(struct socket *sock, int level, int opt,
			       char __user *val, int __user *len)
{
	int err;

	__module_get(THIS_MODULE);	/* it sleeps; the socket's may go */
	if (level == SOL_TCP && opt == TCP_SAVE_SYN && own_save_syn(sock))
		err = save_syn_unset(val, len);
	else
		err = weft_stale_getsockopt(sock, level, opt, val, len);
	module_put(THIS_MODULE);	/* exit waits for RCU tasks */
	return err;
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

/**
 * weft_listen_traps() - does the trap catch what others accept from it?
 * @sk: a listener, locked
 *
 * Return: it does; MPTCP's children, and those of a listener in a sockmap, have
 * other protos.
 */
bool weft_listen_traps(const struct sock *sk)
{
	return sk->sk_protocol == IPPROTO_TCP && !in_sockmap(sk);
}

/**
 * weft_listen_mark() - from now on its children are ours to decide
 * @sk: a listener that can be marked, locked
 * @by: who began to listen, the listener's from now on; NULL: not known
 * @gfp: how to allocate
 *
 * Without memory it accepts nothing: who would, nobody could tell.
 */
void weft_listen_mark(struct sock *sk, struct weft_task *by, gfp_t gfp)
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
 * weft_listen_unclaimed() - is it a marked listener, and not known whose?
 * @sock: a socket; RCU is held, or the socket
 *
 * Return: it is.
 */
bool weft_listen_unclaimed(const struct socket *sock)
{
	const struct weft_listener *l = xa_load(&listeners, key(sock));

	return l && !READ_ONCE(l->by);
}

/**
 * weft_listen_claim() - now it is known whose it is
 * @sock: a socket, locked
 * @by: who began to listen
 *
 * Return: @by is the listener's; else it is none, or somebody else's.
 */
bool weft_listen_claim(struct socket *sock, struct weft_task *by)
{
	struct weft_listener *l = xa_load(&listeners, key(sock));

	if (!l || l->by)
		return false;
	smp_store_release(&l->by, by);	/* whoever sees it sees all of it */
	return true;
}

/**
 * weft_listen_state() - a socket enters TCP_LISTEN
 * @sk: a TCP or MPTCP socket; locked, process context, preemption disabled
 */
void weft_listen_state(struct sock *sk)
{
	const gfp_t gfp = GFP_ATOMIC | __GFP_NOWARN | __GFP_ACCOUNT;
	struct weft_net *wn = weft_net(sock_net(sk));
	struct weft_task *by = NULL;
	struct weft_task task;

	if (sk->sk_kern_sock || !weft_tables_serve(&wn->tables) ||
	    !weft_listen_markable(sk) || weft_worker_current(wn))
		return;
	if (!try_module_get(THIS_MODULE))
		return;			/* we are going */
	if (!weft_task_current(&task, gfp)) {
		by = weft_task_dup(&task, gfp);
		weft_task_uninit(&task);
	}
	if (by)
		weft_listen_mark(sk, by, gfp);
	else
		set_kind(sk);		/* closed: it accepts nothing */
	module_put(THIS_MODULE);
}

/*
 * It is none any more; locked. It has other ops already: with ours and without
 * an entry it would be taken for closed.
 */
static void listener_end(struct socket *sock)
{
	struct weft_listener *l = xa_erase_bh(&listeners, key(sock));

	if (l && l->own_save_syn)
		tcp_sk(sock->sk)->save_syn = 0;
	listener_forget(l);
}

/**
 * weft_listen_ended() - a socket leaves TCP_LISTEN and is not closed
 * @sk: a TCP socket; locked, process context, preemption disabled
 *
 * After shutdown() or connect(AF_UNSPEC) it may connect, or listen again: it is
 * as one that has done neither. Above all, it does not have the trap any more:
 * kTLS makes its protos and ops, which all sockets share, from those of the
 * first one whose proto it does not know, whatever state that is in.
 */
void weft_listen_ended(struct sock *sk)
{
	struct socket *sock = sk->sk_socket;
	int ix = weft_family(sk);

	/* MPTCP's subflow has the socket of its MPTCP socket */
	if (!sock || sock->sk != sk || sk->sk_kern_sock)
		return;
	listener_untrap(sk);
	if (kind_of(sock) && sk->sk_prot == weft_base_prot[ix]) {
		weft_set_ops(sock, &weft_early_ops[ix]);
		weft_count(weft_net(sock_net(sk)), early_made);
	} else if (kind_of(sock)) {
		weft_set_ops(sock, weft_base_ops[ix]);	/* in a sockmap */
	}
	listener_end(sock);
}

/* The file of a marked listener, with a reference; under RCU. Or NULL. */
static struct file *listener_file(unsigned long at)
{
	const struct socket *sock = (void *)(at * sizeof(long));
	struct file *f = READ_ONCE(sock->file);

	if (!f || !weft_file_tryget(f))
		return NULL;
	if (f == READ_ONCE(sock->file))
		return f;
	fput(f);
	return NULL;
}

/**
 * weft_listen_restart() - send who waits in accept() round again
 * @sock: a listener, its file is held; process context
 *
 * To whom other ops of the listener's are to apply: those of before would take
 * one more child past us (MPTCP), or hold the module till then. A signal that
 * is none, as task work uses it, makes them start the call again. Pollers have
 * other functions in the queue; inet_csk_wait_for_connect() has this one. It
 * sleeps on the msk or on its first subflow, whose wait queue is the msk's.
 */
void weft_listen_restart(struct socket *sock)
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

/*
 * Back to what it was; who sleeps in our other ops has a reference. Children
 * that wait are trapped, and let go of.
 */
static void unmark(struct socket *sock)
{
	struct sock *sk = sock->sk;

	lock_sock(sk);
	if (xa_load(&listeners, key(sock))) {
		listener_untrap(sk);
		weft_set_ops(sock, base_of(sock));
		listener_end(sock);
	}
	release_sock(sk);
	weft_listen_restart(sock);
}

/**
 * weft_listen_unmark() - there is no workload any more: let listeners go
 * @wn: the namespace
 *
 * They do not hold the module any more. One that somebody has locked does.
 * Process context.
 */
void weft_listen_unmark(struct weft_net *wn)
{
	const struct weft_listener *l;
	unsigned long at = 0;
	struct file *f;

	rcu_read_lock();
	xa_for_each(&listeners, at, l) {
		if (weft_tables_serve(&wn->tables))
			break;		/* again: they stay */
		if (l->wn != wn || READ_ONCE(l->sk->sk_lock.owned))
			continue;
		f = listener_file(at);
		if (!f)
			continue;
		rcu_read_unlock();
		unmark(sock_from_file(f));
		fput(f);
		cond_resched();
		rcu_read_lock();
	}
	rcu_read_unlock();
}

/**
 * weft_listen_covered() - how many listeners are of a workload
 * @wn: the namespace
 *
 * By who began to listen, and by the generation in force. Everybody may ask,
 * and there may be many: process context, and others have their turn.
 *
 * Return: their number.
 */
unsigned int weft_listen_covered(const struct weft_net *wn)
{
	const struct weft_listener *l;
	const struct weft_task *by;
	struct weft_steer steer;
	unsigned int n = 0;
	unsigned long at;

	rcu_read_lock();	/* ->sk, type-safe, may be another's by now */
	xa_for_each(&listeners, at, l) {
		/* whoever sees it set sees what is in it */
		by = l->wn == wn ? smp_load_acquire(&l->by) : NULL;
		if (by) {
			weft_steer_listen(&wn->tables, weft_listen_port(l->sk),
					  by, &steer);
			n += steer.verdict == WEFT_STEER_MESH;
			weft_steer_uninit(&steer);
		}
		if (need_resched()) {
			rcu_read_unlock();
			cond_resched();
			rcu_read_lock();
		}
	}
	rcu_read_unlock();
	return n;
}

/* ------------------------------------------------------------ init */

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
		weft_stale_ops(&tcp_kinds[ix].ops);
		tcp_kinds[ix].ops.setsockopt = listener_setsockopt;
		tcp_kinds[ix].ops.getsockopt = listener_getsockopt;
	}
}
