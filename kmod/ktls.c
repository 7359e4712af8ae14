// SPDX-License-Identifier: GPL-2.0
/*
 * kTLS on the application's own socket. Process context throughout.
 *
 * The TLS ULP writes sk->sk_socket->ops (update_sk_prot()). While it does,
 * sk->sk_socket points at a shadow socket, freed by RCU, so the application's
 * ops stay ours and no call of it slips in half way.
 *
 * kTLS reports a record that is not data as -EIO to a reader without a cmsg
 * buffer and leaves it queued. Only eat_control(), under c->ctl, consumes one.
 * Alerts are RFC 8446 section 6: close_notify is the end of the stream, any
 * other is fatal. Post-handshake messages (section 4.6): tickets are thrown
 * away, a KeyUpdate cannot be followed here and resets the connection. So does
 * a record that is none or not the peer's, for which kTLS has errors that no
 * reader of a TCP socket knows.
 */
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/splice.h>
#include <net/strparser.h>
#include <net/tcp.h>
#include <net/tls.h>
#include "compat.h"
#include "handshake.h"
#include "ktls.h"

#define RECORD_ALERT		21
#define RECORD_HANDSHAKE	22
#define ALERT_WARNING		1
#define ALERT_CLOSE_NOTIFY	0
#define HANDSHAKE_KEY_UPDATE	24

struct shadow {
	struct socket_alloc sa;
	struct rcu_head rcu;
};

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
	struct shadow *sh;
	struct socket *s;
	int err;

	sh = kzalloc(sizeof(*sh), GFP_KERNEL);
	if (!sh)
		return -ENOMEM;
	s = &sh->sa.socket;
	s->state = sock->state;
	s->type = sock->type;
	s->sk = sk;
	s->ops = c->base;
	sh->sa.vfs_inode.i_uid = SOCK_INODE(sock)->i_uid;
	sh->sa.vfs_inode.i_ino = SOCK_INODE(sock)->i_ino;
	swap_socket(sk, s);
	err = sk->sk_prot->setsockopt(sk, level, opt, val, len);
	if (!err)
		c->tls = s->ops;
	swap_socket(sk, sock);
	kfree_rcu(sh, rcu);
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
	/* __tcp_set_ulp() clears this on sk->sk_socket, which is the shadow */
	clear_bit(SOCK_SUPPORT_ZC, &c->sock->flags);
	return shadow_setsockopt(c, SOL_TCP, TCP_ULP, KERNEL_SOCKPTR("tls"), 4);
}

/**
 * weft_ktls_key() - the worker's setsockopt(SOL_TLS, TLS_TX or TLS_RX)
 * @c: in HANDSHAKE, the caller's
 * @opt: TLS_TX or TLS_RX
 * @val: struct tls12_crypto_info_*, the worker's memory
 * @len: its size
 *
 * Return: 0, -ENOPROTOOPT for other options, -EBUSY a second time, what
 * kTLS says.
 */
int weft_ktls_key(struct weft_conn *c, int opt, sockptr_t val, unsigned int len)
{
	u8 bit;
	int err;

	if (opt != TLS_TX && opt != TLS_RX)
		return -ENOPROTOOPT;
	bit = opt == TLS_TX ? 1 : 2;
	mutex_lock(&c->mu);
	if (!weft_handshake_mine(c))
		err = -ECANCELED;
	else if (!c->judged)
		err = -EACCES;		/* no keys for who may not come in */
	else if (c->keys & bit)
		err = -EBUSY;
	else
		err = shadow_setsockopt(c, SOL_TLS, opt, val, len);
	if (!err)
		c->keys |= bit;
	mutex_unlock(&c->mu);
	return err;
}

/* ------------------------------------------------------------ records */

static int send_alert(struct weft_conn *c, u8 level, u8 desc)
{
	u8 cbuf[CMSG_SPACE(1)] __aligned(8) = {};
	struct cmsghdr *cm = (void *)cbuf;
	u8 alert[2] = { level, desc };
	struct kvec iov = { alert, sizeof(alert) };
	struct msghdr m = {
		.msg_control = cbuf,
		.msg_controllen = sizeof(cbuf),
		.msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL,
	};

	cm->cmsg_level = SOL_TLS;
	cm->cmsg_type = TLS_SET_RECORD_TYPE;
	cm->cmsg_len = CMSG_LEN(1);
	*(u8 *)CMSG_DATA(cm) = RECORD_ALERT;
	iov_iter_kvec(&m.msg_iter, ITER_SOURCE, &iov, 1, sizeof(alert));
	return c->tls->sendmsg(c->sock, &m, sizeof(alert));
}

/**
 * weft_ktls_close_notify() - say that nothing more will be written, once
 * @c: a LIVE conn
 */
void weft_ktls_close_notify(struct weft_conn *c)
{
	struct sock *sk = c->sock->sk;

	if (xchg(&c->tx_closed, true))
		return;
	if (!((1 << sk->sk_state) & (TCPF_ESTABLISHED | TCPF_CLOSE_WAIT)) ||
	    sk->sk_shutdown & SEND_SHUTDOWN || sk->sk_err)
		return;
	send_alert(c, ALERT_WARNING, ALERT_CLOSE_NOTIFY);
}

/* One kTLS read into kernel memory; *type is 0 without a cmsg. */
static int raw_recv(struct weft_conn *c, void *buf, size_t len, u8 *type,
		    bool *eor, int flags)
{
	u8 cbuf[CMSG_SPACE(1)] __aligned(8) = {};
	struct cmsghdr *cm = (void *)cbuf;
	struct kvec iov = { buf, len };
	struct msghdr m = {};
	int n;

	if (type) {
		m.msg_control = cbuf;
		m.msg_controllen = sizeof(cbuf);
	}
	iov_iter_kvec(&m.msg_iter, ITER_DEST, &iov, 1, len);
	n = c->tls->recvmsg(c->sock, &m, len, flags | MSG_DONTWAIT);
	if (type)
		*type = cm->cmsg_level == SOL_TLS ? *(u8 *)CMSG_DATA(cm) : 0;
	if (eor)
		*eor = m.msg_flags & MSG_EOR;
	return n;
}

static void rx_closed(struct weft_conn *c)
{
	struct sock *sk = c->sock->sk;

	weft_count(c->wn, eof_clean);
	WRITE_ONCE(c->rx_eof, true);
	lock_sock(sk);
	sk->sk_shutdown |= RCV_SHUTDOWN;
	sk->sk_state_change(sk);
	release_sock(sk);
}

static void rx_failed(struct weft_conn *c, u8 reason)
{
	WRITE_ONCE(c->reason, reason);
	WRITE_ONCE(c->rx_err, -ECONNRESET);
}

static void take_alert(struct weft_conn *c, u8 desc)
{
	if (desc == ALERT_CLOSE_NOTIFY) {
		rx_closed(c);
		return;
	}
	weft_count(c->wn, alerts);
	rx_failed(c, WEFT_REASON_ALERT);
}

/*
 * What kTLS says, and leaves in sk_err, when a record does not decrypt
 * (EBADMSG) or cannot be one (tls_rx_msg_size(): EINVAL, EMSGSIZE).
 */
static bool is_bad_record(int err)
{
	return err == -EBADMSG || err == -EINVAL || err == -EMSGSIZE;
}

/*
 * What cannot be a record stops kTLS's parser for good; another call may have
 * taken the sk_err that told of it.
 */
static bool is_stopped(const struct weft_conn *c)
{
	return tls_sw_ctx_rx(tls_get_ctx(c->sock->sk))->strp.stopped;
}

static bool is_broken(const struct weft_conn *c, int err)
{
	return is_bad_record(err) || (err == -EAGAIN && is_stopped(c));
}

static int bad_record(struct weft_conn *c)
{
	weft_count(c->wn, bad_records);
	rx_failed(c, WEFT_REASON_TLS);
	return -ECONNRESET;
}

/* Before sk_err is told: by poll, then SO_ERROR, or by a write. */
static void check_sk_err(struct weft_conn *c)
{
	struct sock *sk = c->sock->sk;
	int err = READ_ONCE(sk->sk_err);

	if (unlikely(err) && is_bad_record(-err) &&
	    cmpxchg(&sk->sk_err, err, ECONNRESET) == err)
		bad_record(c);
}

/* A handshake message: its first bytes are in buf, the rest is thrown away. */
static void take_message(struct weft_conn *c, u8 *buf, int len, bool eor)
{
	u8 type;

	if (len > 0 && buf[0] == HANDSHAKE_KEY_UPDATE) {
		rx_failed(c, WEFT_REASON_KEY_UPDATE);
		return;
	}
	weft_count(c->wn, records_discarded);
	while (!eor && len > 0)
		len = raw_recv(c, buf, 64, &type, &eor, 0);
}

/*
 * The head of the stream may be a control record: take it. 1: one was taken;
 * 0: it is data; negative: the error of the read.
 */
static int eat_control(struct weft_conn *c)
{
	u8 buf[64], type;
	bool eor = false;
	int n;

	mutex_lock(&c->ctl);
	n = raw_recv(c, buf, 1, NULL, NULL, MSG_PEEK);
	if (n != -EIO) {
		n = n < 0 && n != -EAGAIN ? n : 0;
		goto out;
	}
	n = raw_recv(c, buf, sizeof(buf), &type, &eor, 0);
	if (n < 0)
		goto out;
	if (type == RECORD_ALERT && n >= 2)
		take_alert(c, buf[1]);
	else if (type == RECORD_HANDSHAKE)
		take_message(c, buf, n, eor);
	else
		rx_failed(c, WEFT_REASON_ALERT);
	n = 1;
out:
	mutex_unlock(&c->ctl);
	return n;
}

/* ------------------------------------------------------------ calls */

/* The peer's FIN without its close_notify: somebody cut the stream. */
static int truncated(struct weft_conn *c)
{
	weft_count(c->wn, eof_truncated);
	rx_failed(c, WEFT_REASON_TRUNCATED);
	return -ECONNRESET;
}

/**
 * weft_ktls_recvmsg() - recvmsg() on a LIVE conn
 * @c: the conn
 * @m: the message; its control buffer is not for kTLS
 * @len: wanted
 * @flags: of the call
 *
 * Return: as tcp_recvmsg(); 0 after close_notify, -ECONNRESET after a fatal
 * alert, a bad record, a KeyUpdate or a FIN without close_notify.
 */
int weft_ktls_recvmsg(struct weft_conn *c, struct msghdr *m, size_t len,
		      int flags)
{
	const unsigned int keep = MSG_EOR | MSG_CTRUNC;
	unsigned int mflags = m->msg_flags;
	size_t clen = m->msg_controllen;
	void *ctl = m->msg_control;
	struct iov_iter it;
	int n, err;

	if (flags & MSG_ERRQUEUE)
		return c->base->recvmsg(c->sock, m, len, flags);
	if (flags & MSG_OOB)
		return -EINVAL;		/* as TCP with no urgent data */
	for (;;) {
		if (READ_ONCE(c->rx_eof))
			return 0;
		if (READ_ONCE(c->rx_err))
			return c->rx_err;
		it = m->msg_iter;
		m->msg_control = NULL;
		m->msg_controllen = 0;
		n = c->tls->recvmsg(c->sock, m, len, is_stopped(c) ?
				    flags | MSG_DONTWAIT : flags);
		m->msg_control = ctl;
		m->msg_controllen = clen;
		m->msg_flags = (m->msg_flags & ~keep) | (mflags & keep);
		if (n != -EIO)
			break;
		m->msg_iter = it;
		err = eat_control(c);
		if (err < 0)
			return is_bad_record(err) ? bad_record(c) : err;
	}
	if (is_broken(c, n))
		return bad_record(c);
	if (n == 0 && len && !READ_ONCE(c->rx_eof) &&
	    sock_flag(c->sock->sk, SOCK_DONE))
		return truncated(c);
	return n;
}

/* Nagle would hold the first small write until the peer acknowledges our
 * Finished, which a delayed ACK puts off by 40 ms.
 */
static int first_send(struct weft_conn *c, struct msghdr *m, size_t len)
{
	struct sock *sk = c->sock->sk;
	struct tcp_sock *tp = tcp_sk(sk);
	bool nagle;
	int n;

	c->first_sent = true;
	lock_sock(sk);
	nagle = !(tp->nonagle & TCP_NAGLE_OFF);
	tp->nonagle |= TCP_NAGLE_OFF;
	release_sock(sk);
	n = c->tls->sendmsg(c->sock, m, len);
	if (nagle) {
		lock_sock(sk);
		tp->nonagle &= ~TCP_NAGLE_OFF;
		release_sock(sk);
	}
	return n;
}

/* tls_sw_sendmsg() refuses a call with any other; TCP ignores most of them. */
#define KTLS_SEND_FLAGS	(MSG_MORE | MSG_DONTWAIT | MSG_NOSIGNAL |	\
			 MSG_CMSG_COMPAT | KTLS_SPLICE_FLAGS)
#if WEFT_HAVE_SENDPAGE
#define KTLS_SPLICE_FLAGS 0
#else
#define KTLS_SPLICE_FLAGS (MSG_SPLICE_PAGES | MSG_SENDPAGE_NOPOLICY)
#endif

/**
 * weft_ktls_sendmsg() - sendmsg() on a LIVE conn
 * @c: the conn
 * @m: the message; control data is not for kTLS
 * @len: its length
 *
 * Return: as tcp_sendmsg(); -EPIPE after our close_notify.
 */
int weft_ktls_sendmsg(struct weft_conn *c, struct msghdr *m, size_t len)
{
	check_sk_err(c);
	m->msg_control = NULL;
	m->msg_controllen = 0;
	m->msg_flags &= KTLS_SEND_FLAGS;
	if (unlikely(!c->first_sent))
		return first_send(c, m, len);
	return c->tls->sendmsg(c->sock, m, len);
}

/* May a read return 0? tls_sw_splice_read() does for an empty record, too. */
static bool is_over(const struct sock *sk)
{
	return sock_flag(sk, SOCK_DONE) || sk->sk_state == TCP_CLOSE ||
	       READ_ONCE(sk->sk_shutdown) & RCV_SHUTDOWN;
}

/**
 * weft_ktls_splice_read() - splice_read() on a LIVE conn
 * @c: the conn
 * @pos: of the call
 * @pipe: of the call
 * @len: of the call
 * @flags: of the call
 *
 * Return: as tcp_splice_read(); 0 after close_notify, -ECONNRESET as
 * weft_ktls_recvmsg().
 */
ssize_t weft_ktls_splice_read(struct weft_conn *c, loff_t *pos,
			      struct pipe_inode_info *pipe, size_t len,
			      unsigned int flags)
{
	ssize_t n;

	for (;;) {
		if (READ_ONCE(c->rx_eof))
			return 0;
		if (READ_ONCE(c->rx_err))
			return c->rx_err;
		if (is_stopped(c))
			flags |= SPLICE_F_NONBLOCK;
		n = c->tls->splice_read(c->sock, pos, pipe, len, flags);
		if (n == -EINVAL && !is_stopped(c)) {
			n = eat_control(c);
			if (n >= 0)
				continue;
		}
		if (n || !len || is_over(c->sock->sk))
			break;
	}
	if (is_broken(c, n))
		return bad_record(c);
	if (n == 0 && len && !READ_ONCE(c->rx_eof) &&
	    sock_flag(c->sock->sk, SOCK_DONE))
		return truncated(c);
	return n;
}

/* Bytes of the receive queue from @seq on; they may lie in several buffers. */
static bool queue_copy(struct sock *sk, u32 seq, u8 *to, unsigned int len)
{
	struct sk_buff *skb;
	u32 off, n;

	skb_queue_walk(&sk->sk_receive_queue, skb) {
		off = seq - TCP_SKB_CB(skb)->seq;
		if (off >= skb->len)
			continue;
		n = min(len, skb->len - off);
		if (skb_copy_bits(skb, off, to, n))
			return false;
		to += n;
		seq += n;
		len -= n;
		if (!len)
			return true;
	}
	return false;
}

/* Plaintext of the whole records that wait in the receive queue. */
static int queued_plaintext(struct sock *sk, int overhead)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	u32 seq = tp->copied_seq;
	u8 head[TLS_HEADER_SIZE];
	int n = 0, len;

	while (queue_copy(sk, seq, head, sizeof(head))) {
		len = sizeof(head) + get_unaligned_be16(head + 3);
		if (after(seq + len, tp->rcv_nxt))
			break;
		n += max(0, len - overhead);
		seq += len;
	}
	return n;
}

/**
 * weft_ktls_inq() - plaintext bytes to read on a LIVE conn
 * @c: the conn
 *
 * What is decrypted but unread, and all whole records that wait. TLS 1.3 hides
 * which of them are data, so an alert counts as two bytes (and poll() tells of
 * it); padding, which we never send, counts as data.
 *
 * Return: bytes.
 */
int weft_ktls_inq(struct weft_conn *c)
{
	struct sock *sk = c->sock->sk;
	struct tls_context *ctx = tls_get_ctx(sk);
	struct tls_sw_context_rx *rx = tls_sw_ctx_rx(ctx);
	struct sk_buff *skb;
	int overhead, n = 0;

	/* header, tag, and the record type that TLS 1.3 puts behind the data */
	overhead = ctx->prot_info.overhead_size;
	lock_sock(sk);
	skb_queue_walk(&rx->rx_list, skb)
		n += strp_msg(skb)->full_len;
	if (rx->strp.copy_mode && rx->strp.msg_ready)
		n += max_t(int, 0, rx->strp.stm.full_len - overhead);
	n += queued_plaintext(sk, overhead);
	release_sock(sk);
	return n;
}

/*
 * SO_RCVLOWAT counts plaintext. Where kTLS leaves poll() to TCP, the first
 * bytes of a record make the socket readable although recv() has nothing yet.
 */
static bool below_low_water(struct weft_conn *c)
{
	int low = max(READ_ONCE(c->sock->sk->sk_rcvlowat), 1);

	if (low == 1 && WEFT_KTLS_POLLS)
		return false;
	return weft_ktls_inq(c) < low;
}

/**
 * weft_ktls_poll() - poll() on a LIVE conn
 * @c: the conn
 * @file: of the call
 * @wait: of the call
 *
 * After close_notify or a fatal alert the socket is readable for good.
 *
 * Return: as tcp_poll().
 */
__poll_t weft_ktls_poll(struct weft_conn *c, struct file *file,
			struct poll_table_struct *wait)
{
	const __poll_t over = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
	__poll_t mask;

	check_sk_err(c);
	mask = c->tls->poll(file, c->sock, wait);
	if (READ_ONCE(c->rx_eof) || READ_ONCE(c->rx_err))
		mask |= EPOLLIN | EPOLLRDNORM | EPOLLRDHUP;
	else if (mask & EPOLLIN && !(mask & over) && below_low_water(c))
		mask &= ~(EPOLLIN | EPOLLRDNORM);
	return mask;
}

/**
 * weft_ktls_close() - the application closes a LIVE conn
 * @c: the conn, in release()
 *
 * An unread close_notify must not turn our FIN into a RST, and ours goes out
 * even when the send buffer is full, unless the application wants a RST.
 */
void weft_ktls_close(struct weft_conn *c)
{
	struct sock *sk = c->sock->sk;

	while (!c->rx_eof && !c->rx_err && eat_control(c) > 0)
		;
	if (sock_flag(sk, SOCK_LINGER) && !sk->sk_lingertime)
		return;
	WRITE_ONCE(sk->sk_sndbuf, INT_MAX / 2);
	weft_ktls_close_notify(c);
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
	int err = prime(AF_INET);

	if (err == -ENOENT)
		return -EOPNOTSUPP;
	if (err)
		return err;
	if (prime(AF_INET6))
		pr_warn("weft: no IPv6 on the loopback device, TLS for IPv6 is set up late\n");
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
