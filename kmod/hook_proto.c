// SPDX-License-Identifier: GPL-2.0
/*
 * How sockets become ours, in process context and able to sleep:
 *
 *   socket() in a governed namespace: tcp_prot.init is ours, the socket gets
 *       early_ops, whose connect() decides once: a conn, or TCP's ops for good
 *   connect() of any other socket with TCP's ops: tcp_prot.connect is ours; it
 *       is entered with the socket locked
 *
 * tcp_prot and tcpv6_prot are written to between start() and stop(). Copies of
 * them made meanwhile would keep our pointers; ktls.c sees to it that TLS has
 * made its own before, and here sockmap is made to.
 */
#include <linux/module.h>
#include <linux/skmsg.h>
#include <linux/tls.h>
#include <net/tcp.h>
#include "compat.h"
#include "conn.h"
#include "connect.h"
#include "hook_conn.h"
#include "hook_proto.h"
#include "stale.h"
#include "task.h"
#include "upcall.h"

static int (*orig_init[2])(struct sock *sk);
static int (*orig_connect[2])(struct sock *sk, struct weft_sockaddr *uaddr,
			      int len);

static bool is_unspec(const struct weft_sockaddr *uaddr, int len)
{
	return len >= (int)sizeof(uaddr->sa_family) &&
	       uaddr->sa_family == AF_UNSPEC;
}

/* ------------------------------------------------------------ decisions */

/* A connect() as we see it. */
struct request {
	struct weft_addr dst;
	u32 flowinfo;
	struct weft_task task;
	struct weft_steer steer;
};

/*
 * What becomes of a connect(). 0: r->steer holds the decision, and unless it is
 * PASS so does r->task; request_uninit() ends it. -ENOMEM.
 */
static int request_init(struct request *r, const struct sock *sk,
			const void *uaddr, int len)
{
	struct weft_net *wn = weft_net(sock_net(sk));
	int err;

	memset(&r->steer, 0, sizeof(r->steer));
	r->task.cgroup = NULL;
	r->steer.verdict = WEFT_STEER_PASS;
	/* without a file: in the kernel's hands; netfilter fails it closed */
	if (!sk->sk_socket->file ||
	    !weft_connect_parse(sk, uaddr, len, &r->dst, &r->flowinfo) ||
	    !weft_steer_wants(&wn->tables, &r->dst) || weft_worker_current(wn))
		return 0;
	err = weft_task_current(&r->task, GFP_KERNEL);
	if (err)
		return err;
	weft_steer_connect(&wn->tables, &r->dst, &r->task, &r->steer);
	return 0;
}

static void request_uninit(struct request *r)
{
	weft_steer_uninit(&r->steer);
	weft_task_uninit(&r->task);
}

/* Before an attempt; ->mu held. -ERESTARTSYS: it has to come again. */
static int expel_strangers(struct weft_conn *c)
{
	int err;

	if (c->strangers == WEFT_STRANGERS_NONE)
		return 0;
	/* that of an attempt which failed at once: nobody waits for ->mu */
	cancel_delayed_work(&c->work);
	if (weft_conn_state(c) == WEFT_CONN_PASS)
		weft_conn_settle(c, WEFT_CONN_DEAD);	/* no more of them */
	err = weft_stale_wait(c->sock->sk);
	if (!err && c->strangers == WEFT_STRANGERS_ANY)
		err = weft_stale_drain(c->sock);
	if (err)
		weft_conn_settle(c, WEFT_CONN_DEAD);
	else
		c->strangers = WEFT_STRANGERS_NONE;
	return err;
}

/* Carry the decision out on a conn; ->mu held. Takes r->steer over. */
static int conn_begin(struct weft_conn *c, struct request *r, int flags)
{
	struct weft_steer steer;
	int err = expel_strangers(c);

	if (err)
		return err;
	steer = r->steer;
	memset(&r->steer, 0, sizeof(r->steer));
	weft_conn_set_task(c, &r->task, GFP_KERNEL_ACCOUNT);
	if (steer.verdict == WEFT_STEER_REFUSE)
		return weft_connect_refuse(c, &r->dst, &steer);
	return weft_connect_start(c, &r->dst, r->flowinfo, &steer, flags);
}

/* @sock is locked. */
static struct weft_conn *conn_new(struct socket *sock, bool early)
{
	struct weft_conn *c = weft_conn_attach(sock, WEFT_ROLE_CLIENT, 0,
					       GFP_KERNEL);

	if (!c)
		return NULL;
	if (early)
		weft_count(c->wn, early_decided);
	/* nobody looks at it before ->mu is free */
	c->strangers = early ? WEFT_STRANGERS_KNOWN : WEFT_STRANGERS_ANY;
	return c;
}

/* A fresh conn: attach, first attempt, wait. The socket is not locked. */
static int conn_first(struct socket *sock, struct request *r, int flags)
{
	struct weft_conn *c;
	int err = 0;
	bool early;

	lock_sock(sock->sk);
	c = weft_conn_of(sock);		/* another thread was faster */
	early = weft_is_early(sock);
	if (!c && (sock->sk->sk_state != TCP_CLOSE ||
		   (!early &&
		    sock->ops != weft_base_ops[weft_family(sock->sk)])))
		err = -EISCONN;		/* with listen(), or past us */
	else if (!c)
		c = conn_new(sock, early);
	release_sock(sock->sk);
	if (!c)
		return err ?: -ENOMEM;
	if (weft_conn_lock(c))
		return -ERESTARTSYS;
	/* that of another thread, which may have gone past us with it */
	if (c->asked.port || weft_conn_state(c) == WEFT_CONN_PASS)
		err = -EALREADY;
	else
		err = conn_begin(c, r, flags);
	mutex_unlock(&c->mu);
	return err ?: weft_connect_wait(c, flags);
}

/* ------------------------------------------------------------ early sockets */

/**
 * weft_early_drop() - this socket will not be ours
 * @sk: locked
 */
void weft_early_drop(struct sock *sk)
{
	struct socket *sock = sk->sk_socket;

	if (!sock || !weft_is_early(sock))
		return;
	weft_set_ops(sock, weft_base_ops[weft_family(sk)]);
	weft_count(weft_net(sock_net(sk)), early_decided);
}

static int decide(struct socket *sock, struct weft_sockaddr *uaddr, int len,
		  int flags)
{
	struct sock *sk = sock->sk;
	struct request r;
	int err;

	err = request_init(&r, sk, uaddr, len);
	if (err)
		return err;
	if (r.steer.verdict != WEFT_STEER_PASS) {
		err = conn_first(sock, &r, flags);
		request_uninit(&r);
		return err;
	}
	request_uninit(&r);
	lock_sock(sk);
	weft_early_drop(sk);
	release_sock(sk);
	return READ_ONCE(sock->ops)->connect(sock, uaddr, len, flags);
}

static int early_connect(struct socket *sock, struct weft_sockaddr *uaddr,
			 int len, int flags)
{
	int err;

	if (is_unspec(uaddr, len))
		return weft_base_ops[weft_family(sock->sk)]->connect(sock,
						uaddr, len, flags);
	__module_get(THIS_MODULE);	/* set_ops() may drop the socket's */
	err = decide(sock, uaddr, len, flags);
	module_put(THIS_MODULE);	/* exit waits for RCU tasks */
	return err;
}

/*
 * An unconnected socket: TCP says EPIPE, without letting go of the lock, under
 * which it becomes a conn. So no thread is inside TCP's sendmsg() when it does.
 */
static int early_send(struct socket *sock, struct msghdr *m, size_t len)
{
	struct sock *sk = sock->sk;
	int err;

	lock_sock(sk);
	if (weft_is_early(sock)) {
		err = tcp_sendmsg_locked(sk, m, len);
		release_sock(sk);
		return err;
	}
	release_sock(sk);
	return READ_ONCE(sock->ops)->sendmsg(sock, m, len);
}

/* sendto(MSG_FASTOPEN): connect, then send; no data in a SYN of ours. */
static int early_sendmsg(struct socket *sock, struct msghdr *m, size_t len)
{
	struct request r;
	int err;

	__module_get(THIS_MODULE);
	if (!(m->msg_flags & MSG_FASTOPEN) || !m->msg_name) {
		err = early_send(sock, m, len);
		goto out;
	}
	err = request_init(&r, sock->sk, m->msg_name, m->msg_namelen);
	if (err)
		goto out;
	if (r.steer.verdict == WEFT_STEER_PASS) {
		lock_sock(sock->sk);
		weft_early_drop(sock->sk);
		release_sock(sock->sk);
		err = READ_ONCE(sock->ops)->sendmsg(sock, m, len);
	} else {
		err = conn_first(sock, &r, m->msg_flags & MSG_DONTWAIT ?
					   O_NONBLOCK : 0);
		m->msg_flags &= ~MSG_FASTOPEN;
		if (!err)
			err = READ_ONCE(sock->ops)->sendmsg(sock, m, len);
	}
	request_uninit(&r);
out:
	module_put(THIS_MODULE);
	return err;
}

/* A listener nobody covers: its children are as if weft were not there. */
static int early_accept(struct socket *sock, struct socket *newsock,
			WEFT_ACCEPT_PARAMS)
{
	const struct proto_ops *base = weft_base_ops[weft_family(sock->sk)];
	const struct proto_ops *sock_ops = newsock->ops;
	int err = base->accept(sock, newsock, WEFT_ACCEPT_ARGS);

	/* else it listens since, and the trap has made newsock a conn */
	if (err >= 0 && newsock->ops == sock_ops)
		weft_set_ops(newsock, base);
	return err;
}

/*
 * TCP would let tls_init() look at it first, which builds what all kTLS sockets
 * share from the ops it finds.
 */
static int early_setsockopt(struct socket *sock, int level, int opt,
			    sockptr_t val, unsigned int len)
{
	int err;

	if (level == SOL_TCP && opt == TCP_ULP)
		return -ENOTCONN;
	__module_get(THIS_MODULE);	/* it sleeps; the socket's may go */
	err = weft_base_ops[weft_family(sock->sk)]->setsockopt(sock, level, opt,
							       val, len);
	module_put(THIS_MODULE);	/* exit waits for RCU tasks */
	return err;
}

static int early_release(struct socket *sock)
{
	if (sock->sk)
		weft_count(weft_net(sock_net(sock->sk)), early_decided);
	return weft_base_ops[sock->ops == &weft_early_ops[1]]->release(sock);
}

/*
 * A TCP socket is being created: nobody else knows it. __sock_create() takes
 * the module reference, from the ops it finds when this is over.
 */
static void born(struct sock *sk)
{
	struct weft_net *wn = weft_net(sock_net(sk));
	struct socket *sock = sk->sk_socket;
	int ix = weft_family(sk);

	if (!sk->sk_kern_sock && sock && sock->ops == weft_base_ops[ix] &&
	    sk->sk_prot == weft_base_prot[ix] &&
	    weft_tables_used(&wn->tables) && module_is_live(THIS_MODULE)) {
		sock->ops = &weft_early_ops[ix];
		weft_count(wn, early_made);
	}
}

static int init4(struct sock *sk)
{
	born(sk);
	return orig_init[0](sk);
}

static int init6(struct sock *sk)
{
	born(sk);
	return orig_init[1](sk);
}

/* ------------------------------------------------------------ proto.connect */

/*
 * The socket is locked and has TCP's ops. What is returned goes to the caller
 * of __inet_stream_connect().
 */
static int prot_connect_ours(struct sock *sk, struct request *r)
{
	struct socket *sock = sk->sk_socket;
	int flags = sock->file->f_flags, err;
	struct tcp_sock *tp = tcp_sk(sk);

	if (tp->fastopen_req) {
		/* the caller would queue its data below us: it comes again */
		kfree(tp->fastopen_req);
		tp->fastopen_req = NULL;
		flags |= O_NONBLOCK;
	}
	release_sock(sk);
	err = conn_first(sock, r, flags);
	lock_sock(sk);
	return err;
}

/* The call of a thread that saw former ops of a conn; the socket is locked. */
static bool is_strangers(const struct sock *sk)
{
	const struct socket *sock = sk->sk_socket;
	struct weft_conn *c = sock ? weft_conn_of(sock) : NULL;

	return c && weft_conn_state(c) != WEFT_CONN_PASS &&
	       READ_ONCE(c->connecting) != current;
}

static int prot_connect(struct sock *sk, struct weft_sockaddr *uaddr, int len)
{
	struct socket *sock = sk->sk_socket;
	int ix = weft_family(sk), err;
	struct request r;

	/* it may sleep, and comes back to us */
	if (!try_module_get(THIS_MODULE))
		return orig_connect[ix](sk, uaddr, len);
	if (is_strangers(sk)) {
		err = -EALREADY;
		goto out;
	}
	if (sk->sk_kern_sock || !sock || !sock->file ||
	    sk->sk_prot != weft_base_prot[ix] ||
	    (sock->ops != weft_base_ops[ix] && !weft_is_early(sock))) {
		err = orig_connect[ix](sk, uaddr, len);
		goto out;
	}
	err = request_init(&r, sk, uaddr, len);
	if (!err) {
		if (r.steer.verdict == WEFT_STEER_PASS) {
			weft_early_drop(sk);
			err = orig_connect[ix](sk, uaddr, len);
		} else {
			err = prot_connect_ours(sk, &r);
		}
		request_uninit(&r);
	}
out:
	module_put(THIS_MODULE);
	return err;
}

/* ------------------------------------------------------------ conns */

/* What conn_connect() does when it has let go of ->mu; or what it returns. */
#define CONNECT_WAIT	1
#define CONNECT_BASE	2
#define CONNECT_CANCEL	3

/* A settled conn whose socket is unconnected: decide anew; ->mu held. */
static int conn_again(struct weft_conn *c, struct weft_sockaddr *uaddr, int len,
		      int flags)
{
	struct request r;
	int err;

	if (c->spent)
		return -ECONNABORTED;
	err = request_init(&r, c->sock->sk, uaddr, len);
	if (err)
		return err;
	err = weft_connect_reset(c);
	if (!err && r.steer.verdict == WEFT_STEER_PASS) {
		weft_conn_settle(c, WEFT_CONN_PASS);
		c->strangers = WEFT_STRANGERS_ANY;
		err = CONNECT_BASE;
	} else if (!err) {
		err = conn_begin(c, &r, flags) ?: CONNECT_WAIT;
	}
	request_uninit(&r);
	return err;
}

/* CONNECT_*, or what connect() returns; ->mu held. */
static int conn_connect_locked(struct weft_conn *c, struct weft_sockaddr *uaddr,
			       int len, int flags)
{
	struct socket *sock = c->sock;
	u8 state = weft_conn_state(c);

	if (c->role != WEFT_ROLE_CLIENT)
		return -EISCONN;
	if (state == WEFT_CONN_PASS && sock->state != SS_UNCONNECTED)
		return CONNECT_BASE;
	if (is_unspec(uaddr, len))
		return CONNECT_CANCEL;
	if (!weft_conn_settled(c))
		return flags & O_NONBLOCK ? -EALREADY : CONNECT_WAIT;
	if (sock->state == SS_CONNECTED)
		return -EISCONN;
	if (sock->state == SS_CONNECTING)
		return weft_connect_result(c);
	return conn_again(c, uaddr, len, flags);
}

/* connect(AF_UNSPEC). A worker that has the socket is waited for. */
static int conn_cancel(struct weft_conn *c)
{
	int err;

	if (weft_conn_lock(c))
		return -ERESTARTSYS;
	err = weft_connect_cancel(c);
	mutex_unlock(&c->mu);
	if (err != -EALREADY)
		return err;
	err = wait_event_interruptible(c->wq, weft_conn_settled(c));
	if (err)
		return err;
	if (weft_conn_lock(c))
		return -ERESTARTSYS;
	err = weft_connect_cancel(c);
	mutex_unlock(&c->mu);
	return err;
}

static int conn_connect(struct socket *sock, struct weft_sockaddr *uaddr,
			int len, int flags)
{
	struct weft_conn *c = weft_conn_of(sock);
	int err;

	if (len < (int)sizeof(uaddr->sa_family))
		return -EINVAL;		/* as __inet_stream_connect() */
	if (weft_conn_lock(c))
		return -ERESTARTSYS;
	err = conn_connect_locked(c, uaddr, len, flags);
	mutex_unlock(&c->mu);
	if (err == CONNECT_CANCEL)
		return conn_cancel(c);
	if (err == CONNECT_BASE)
		return c->base->connect(sock, uaddr, len, flags);
	return err == CONNECT_WAIT ? weft_connect_wait(c, flags) : err;
}

/**
 * weft_hook_proto_init() - make the ops of early sockets and of conns
 *
 * Needs weft_base_init().
 */
void weft_hook_proto_init(void)
{
	int ix;

	for (ix = 0; ix < 2; ix++) {
		weft_early_ops[ix] = *weft_base_ops[ix];
		weft_early_ops[ix].owner = THIS_MODULE;
		weft_early_ops[ix].connect = early_connect;
		weft_early_ops[ix].sendmsg = early_sendmsg;
		weft_early_ops[ix].accept = early_accept;
		weft_early_ops[ix].setsockopt = early_setsockopt;
		weft_early_ops[ix].release = early_release;
		weft_stale_ops(&weft_early_ops[ix]);
		weft_conn_ops_init(&weft_conn_ops[ix], weft_base_ops[ix]);
		weft_conn_ops[ix].connect = conn_connect;
	}
}

#ifdef CONFIG_BPF_SYSCALL
/*
 * sockmap copies IPv6's struct proto when it first gets a socket of it, and
 * keeps the copy for ever (IPv4's it copied at boot). Let it do so before our
 * pointers are in there. It needs no more than a socket nobody knows, and a
 * psock that says what to put back.
 */
static void prime_sockmap(void)
{
	struct sk_psock *psock = kzalloc(sizeof(*psock), GFP_KERNEL);
	struct socket *s = NULL;
	struct proto *prot;

	if (!psock || sock_create_kern(&init_net, AF_INET6, SOCK_STREAM,
				       IPPROTO_TCP, &s))
		goto out;
	prot = s->sk->sk_prot;
	psock->sk_proto = prot;
	psock->saved_unhash = prot->unhash;
	psock->saved_close = prot->close;
	psock->saved_write_space = s->sk->sk_write_space;
	lock_sock(s->sk);
	if (prot->psock_update_sk_prot &&
	    !prot->psock_update_sk_prot(s->sk, psock, false))
		prot->psock_update_sk_prot(s->sk, psock, true);
	WARN_ON_ONCE(s->sk->sk_prot != prot);
	release_sock(s->sk);
	sock_release(s);
out:
	kfree(psock);
}
#else
static void prime_sockmap(void)
{
}
#endif

/**
 * weft_hook_proto_start() - from now on new sockets and connect() are ours
 */
void weft_hook_proto_start(void)
{
	prime_sockmap();
	orig_init[0] = weft_base_prot[0]->init;
	orig_init[1] = weft_base_prot[1]->init;
	orig_connect[0] = weft_base_prot[0]->connect;
	orig_connect[1] = weft_base_prot[1]->connect;
	WRITE_ONCE(weft_base_prot[0]->init, init4);
	WRITE_ONCE(weft_base_prot[1]->init, init6);
	WRITE_ONCE(weft_base_prot[0]->connect, prot_connect);
	WRITE_ONCE(weft_base_prot[1]->connect, prot_connect);
}

/**
 * weft_hook_proto_stop() - give TCP its pointers back
 *
 * At unload: no socket has our ops any more (each would hold the module), but
 * some call may still be on its way out of ours.
 */
void weft_hook_proto_stop(void)
{
	int ix;

	for (ix = 0; ix < 2; ix++) {
		WRITE_ONCE(weft_base_prot[ix]->init, orig_init[ix]);
		WRITE_ONCE(weft_base_prot[ix]->connect, orig_connect[ix]);
	}
}
