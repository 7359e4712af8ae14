// SPDX-License-Identifier: GPL-2.0
/*
 * kTLS on the application's own socket: the ULP and its keys. What passes
 * afterwards is in ktls_send.c, ktls_recv.c, ktls_control.c, and how keys are
 * renewed in ktls_rekey.c. Process context.
 *
 * The TLS ULP writes sk->sk_socket->ops (update_sk_prot()). While it does,
 * sk->sk_socket points at a shadow socket, so the application's ops stay ours
 * and no call of it slips in half way.
 */
#include <linux/module.h>
#include <net/tcp.h>
#include <net/tls.h>
#include "compat.h"
#include "handshake.h"
#include "ktls.h"
#include "ktls_priv.h"

/*
 * A system call may have read sk->sk_socket just then, and use it when it has
 * slept: so no shadow is ever freed, and SO_RCVLOWAT finds its way to us.
 */
static struct shadow {
	struct mutex mu;		/* one setsockopt() at a time */
	struct weft_conn *c;
	struct socket_alloc sa;
} shadows[8];

static struct proto_ops shadow_ops[2];
static bool primed[2];			/* the ULP has TCP's ops already */

/**
 * weft_ktls_shadowed() - whose shadow is this?
 * @sock: what was a sock's ->sk_socket; RCU is held, any context
 * @sk: the sock
 *
 * Who waited for the lock of the sock may write while its shadow is in place.
 * What netfilter queued comes back without that lock: the shadow may be
 * another's by then.
 *
 * Return: the conn; NULL, it is no shadow; ERR_PTR(-EAGAIN) it was.
 */
struct weft_conn *weft_ktls_shadowed(const struct socket *sock,
				     const struct sock *sk)
{
	const void *at = sock;
	struct weft_conn *c;

	if (at < (void *)shadows || at >= (void *)&shadows[ARRAY_SIZE(shadows)])
		return NULL;
	c = READ_ONCE(container_of(sock, struct shadow, sa.socket)->c);
	return READ_ONCE(c->sock->sk) == sk ? c : ERR_PTR(-EAGAIN);
}

static int shadow_set_rcvlowat(struct sock *sk, int val)	/* sk locked */
{
	struct socket *sock = sk->sk_socket;
	struct weft_conn *c = weft_conn_of(sock);

	if (c)				/* back in its place meanwhile */
		return c->ops.set_rcvlowat(sk, val);
	c = container_of(sock, struct shadow, sa.socket)->c;
	c->user_lowat = val ?: 1;	/* HANDSHAKE: the worker's business */
	return 0;
}

static void swap_socket(struct sock *sk, struct socket *sock)
{
	lock_sock(sk);
	write_lock_bh(&sk->sk_callback_lock);
	WRITE_ONCE(sk->sk_socket, sock);	/* sk_set_socket() does more */
	write_unlock_bh(&sk->sk_callback_lock);
	release_sock(sk);
}

/* sk_prot->setsockopt() with the shadow in place; see the top. */
static int shadow_setsockopt(struct weft_conn *c, int level, int opt,
			     sockptr_t val, unsigned int len)
{
	struct socket *sock = c->sock;
	struct sock *sk = sock->sk;
	struct shadow *sh = &shadows[raw_smp_processor_id() %
				     ARRAY_SIZE(shadows)];
	struct socket *s = &sh->sa.socket;
	int ix = weft_family(sk), err;

	mutex_lock(&sh->mu);
	WRITE_ONCE(sh->c, c);
	s->state = sock->state;
	s->type = sock->type;
	s->sk = sk;
	/* tls_init() may build what all kTLS sockets share from these */
	WRITE_ONCE(s->ops, primed[ix] && level != SOL_TCP ? &shadow_ops[ix] :
							    c->base);
	sh->sa.vfs_inode.i_uid = SOCK_INODE(sock)->i_uid;
	sh->sa.vfs_inode.i_ino = SOCK_INODE(sock)->i_ino;
	swap_socket(sk, s);
	err = sk->sk_prot->setsockopt(sk, level, opt, val, len);
	if (!err)
		c->tls = s->ops;
	if (primed[ix])			/* for who has read it */
		WRITE_ONCE(s->ops, &shadow_ops[ix]);
	swap_socket(sk, sock);
	mutex_unlock(&sh->mu);
	return err;
}

/**
 * weft_ktls_prepare() - put the TLS ULP on the socket, without keys
 * @c: the conn
 *
 * Until there are keys the ULP changes nothing. A socket that has it from an
 * earlier endpoint keeps it.
 *
 * Return: 0; -ENOTCONN, not ESTABLISHED (any more); what tls_init() says.
 */
int weft_ktls_prepare(struct weft_conn *c)
{
	if (c->tls)
		return 0;
	if (inet_csk(c->sock->sk)->icsk_ulp_ops)
		return -EBUSY;		/* the application's own kTLS */
	return shadow_setsockopt(c, SOL_TCP, TCP_ULP, KERNEL_SOCKPTR("tls"), 4);
}

static int install_key(struct weft_conn *c, int opt, sockptr_t val,
		       unsigned int len)
{
	u8 bit = opt == TLS_TX ? 1 : 2;
	int err;

	if (c->keys & bit)
		return -EBUSY;
	err = shadow_setsockopt(c, SOL_TLS, opt, val, len);
	if (!err)
		c->keys |= bit;
	return err;
}

/**
 * weft_ktls_key() - the worker's setsockopt(SOL_TLS)
 * @c: in HANDSHAKE, the caller's
 * @opt: TLS_TX, TLS_RX or WEFT_TLS_SECRETS
 * @val: struct tls12_crypto_info_* or struct weft_tls_secrets, the worker's
 *       memory
 * @len: its size
 *
 * Return: 0, -ENOPROTOOPT for other options, -ECANCELED, not the caller's (any
 * more), -EACCES, nobody was judged, -EBUSY a second time, what kTLS or
 * weft_rekey_start() say.
 */
int weft_ktls_key(struct weft_conn *c, int opt, sockptr_t val, unsigned int len)
{
	int err;

	if (opt != TLS_TX && opt != TLS_RX && opt != WEFT_TLS_SECRETS)
		return -ENOPROTOOPT;
	mutex_lock(&c->mu);
	if (!weft_handshake_mine(c))
		err = -ECANCELED;
	else if (!c->judged)
		err = -EACCES;		/* no keys for who may not come in */
	else if (opt == WEFT_TLS_SECRETS)
		err = weft_rekey_start(c, val, len);
	else
		err = install_key(c, opt, val, len);
	mutex_unlock(&c->mu);
	return err;
}

/* ------------------------------------------------------------ detaching */

/*
 * tls_sk_proto_close() takes everything down that the ULP set up, puts the
 * proto back that it found, and ends with that proto's close(): let it find one
 * that closes nothing.
 */
static struct proto detached_prot[2];

static void detached_close(struct sock *sk, long timeout)
{
}

/**
 * weft_ktls_detach() - take the ULP off the socket, keys and all
 * @c: the conn, DEAD; nobody else may be in a call of kTLS, and none will be
 *
 * TCP goes on with whatever it has: the caller disconnects. May wait.
 */
void weft_ktls_detach(struct weft_conn *c)
{
	struct sock *sk = c->sock->sk;
	struct inet_connection_sock *icsk = inet_csk(sk);
	int ix = weft_family(sk);

	weft_rekey_stop(c);
	if (!c->tls)
		return;
	lock_sock(sk);
	tls_get_ctx(sk)->sk_proto = &detached_prot[ix];
	release_sock(sk);
	sk->sk_prot->close(sk, 0);
	lock_sock(sk);
	WRITE_ONCE(sk->sk_prot, weft_base_prot[ix]);
	module_put(icsk->icsk_ulp_ops->owner);
	icsk->icsk_ulp_ops = NULL;
	weft_handshake_unpark(c);
	release_sock(sk);
	c->tls = NULL;
	c->keys = 0;
	c->rx_eof = false;
	c->rx_err = 0;
	c->tx_closed = false;
	c->first_sent = false;
	c->end_seq = 0;
	c->end_known = false;
	c->reset_err = 0;
	c->rx_data = false;
}

/* ------------------------------------------------------------ init */

/*
 * The ULP copies struct proto when it first meets one, and keeps the copy for
 * ever. Let it copy TCP's before our pointers are in there: one loopback
 * connection with the ULP per family.
 */
static struct module *tls_module;	/* stays as long as its copies */

static int prime_ulp(struct sock *sk)
{
	int err;

	err = sk->sk_prot->setsockopt(sk, SOL_TCP, TCP_ULP,
				      KERNEL_SOCKPTR("tls"), 4);
	if (!err && !tls_module) {
		tls_module = inet_csk(sk)->icsk_ulp_ops->owner;
		__module_get(tls_module);
	}
	return err;
}

static int prime(int family)
{
	struct sockaddr_storage ss = { .ss_family = family };
	struct socket *l = NULL, *s = NULL;
	struct sockaddr_in6 *a6 = (void *)&ss;
	struct sockaddr_in *a4 = (void *)&ss;
	int len = family == AF_INET ? sizeof(*a4) : sizeof(*a6);
	int err;

	if (family == AF_INET)
		a4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		a6->sin6_addr = in6addr_loopback;
	err = sock_create_kern(&init_net, family, SOCK_STREAM, IPPROTO_TCP, &l);
	if (!err)
		err = sock_create_kern(&init_net, family, SOCK_STREAM,
				       IPPROTO_TCP, &s);
	if (!err)
		err = kernel_bind(l, (struct weft_sockaddr *)&ss, len);
	if (!err)
		err = kernel_listen(l, 1);
	if (!err)
		err = kernel_getsockname(l, (struct sockaddr *)&ss);
	if (err >= 0)
		err = kernel_connect(s, (struct weft_sockaddr *)&ss, len, 0);
	if (!err)
		err = prime_ulp(s->sk);
	if (s)
		sock_release(s);
	if (l)
		sock_release(l);
	return err;
}

/**
 * weft_ktls_init() - load TLS and let it copy TCP's protos while they are clean
 *
 * Without IPv6 on the loopback device of the initial namespace the IPv6 copy
 * cannot be made; then the first IPv6 socket makes it.
 *
 * Return: 0; -EOPNOTSUPP, this kernel has no TLS ULP; what the sockets said.
 */
int weft_ktls_init(void)
{
	int err = prime(AF_INET), ix;

	for (ix = 0; ix < (int)ARRAY_SIZE(shadows); ix++)
		mutex_init(&shadows[ix].mu);
	if (err == -ENOENT)
		return -EOPNOTSUPP;
	if (err)
		return err;
	primed[0] = true;
	primed[1] = !prime(AF_INET6);
	if (!primed[1])
		pr_warn("weft: no IPv6 on the loopback device, TLS for IPv6 is set up late\n");
	for (ix = 0; ix < 2; ix++) {
		shadow_ops[ix] = *weft_base_ops[ix];
		shadow_ops[ix].set_rcvlowat = shadow_set_rcvlowat;
		detached_prot[ix] = *weft_base_prot[ix];
		detached_prot[ix].close = detached_close;
	}
	return 0;
}

/**
 * weft_ktls_uninit() - let go of TLS, when the last conn is gone
 */
void weft_ktls_uninit(void)
{
	module_put(tls_module);
	tls_module = NULL;
}
