// SPDX-License-Identifier: GPL-2.0
/*
 * Writing on a LIVE conn. Process context.
 *
 * Whoever writes holds c->tx, outside kTLS's own tx_lock and the socket lock:
 * a record of ours (an alert, a key update) and what must happen right before
 * or behind it are one step for all other writers. A writer may sleep with it,
 * when the send buffer is full.
 *
 * kTLS keeps what was written with MSG_MORE in an open record until somebody
 * writes again. TCP waits for 200 ms at most, and so do we: c->work, which
 * drove the connect() before, flushes it.
 */
#include <net/tcp.h>
#include <net/tls.h>
#include "compat.h"
#include "conn.h"
#include "ktls.h"
#include "ktls_priv.h"

/* ------------------------------------------------------------ c->tx */

/*
 * Our turn to write. A writer that must not wait does not wait for one that
 * sleeps because the buffer is full, but for any other: it would be told
 * EAGAIN, and no event would ever call it again.
 */
static int tx_lock(struct weft_conn *c, int flags)
{
	struct sock *sk = c->sock->sk;

	if (likely(mutex_trylock(&c->tx)))
		return 0;
	if (flags & MSG_DONTWAIT && !sk_stream_memory_free(sk)) {
		set_bit(SOCK_NOSPACE, &c->sock->flags);
		smp_mb__after_atomic();	/* sk_stream_write_space() tests it */
		if (!sk_stream_memory_free(sk))
			return -EAGAIN;
	}
	if (mutex_lock_interruptible(&c->tx))
		return sock_intr_errno(sock_sndtimeo(sk, flags & MSG_DONTWAIT));
	return 0;
}

/* What TCP looks at first (tcp_sendmsg_locked()), and kTLS does not. */
static bool tx_is_over(const struct weft_conn *c)
{
	const struct sock *sk = c->sock->sk;

	return READ_ONCE(sk->sk_err) || c->tx_closed ||
	       READ_ONCE(sk->sk_shutdown) & SEND_SHUTDOWN;
}

/* Our turn, unless nothing more may be written. 0: c->tx is held. */
static int tx_begin(struct weft_conn *c, int flags)
{
	int err = tx_lock(c, flags);

	if (err)
		return err;
	weft_ktls_check_err(c);
	if (likely(!tx_is_over(c)))
		return 0;
	mutex_unlock(&c->tx);
	return sk_stream_error(c->sock->sk, flags, -EPIPE);
}

/* An error of the socket is told once; kTLS leaves it there. */
static ssize_t tx_result(struct weft_conn *c, ssize_t n)
{
	if (unlikely(n < 0))
		cmpxchg(&c->sock->sk->sk_err, -n, 0);
	return n;
}

/* What TCP gives a corked segment: see tcp_check_probe_timer(). */
#define FLUSH_DELAY	(HZ / 5)

/* Is something in kTLS's open record? Certain only with c->tx held. */
static bool tx_is_open(const struct weft_conn *c)
{
	return READ_ONCE(tls_get_ctx(c->sock->sk)->pending_open_record_frags);
}

static void tx_end(struct weft_conn *c)
{
	if (unlikely(tx_is_open(c)))
		queue_delayed_work(weft_wq, &c->work, FLUSH_DELAY);
	mutex_unlock(&c->tx);
}

/* ------------------------------------------------------------ data */

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

static int send_data(struct weft_conn *c, struct msghdr *m, size_t len)
{
	if (unlikely(!c->first_sent))
		return first_send(c, m, len);
	return c->tls->sendmsg(c->sock, m, len);
}

/*
 * MSG_ZEROCOPY: encryption copies, so the pages are free at once, and the
 * completion says that they were copied, as it does for loopback. c->tx keeps
 * the numbers of the completions in order, as the socket lock does in TCP.
 */
static int send_zerocopy(struct weft_conn *c, struct msghdr *m, size_t len)
{
	struct sock *sk = c->sock->sk;
	struct ubuf_info *u;
	int n;

	lock_sock(sk);
	u = weft_zerocopy_alloc(sk, len);
	release_sock(sk);
	if (!u)
		return -ENOBUFS;	/* as TCP */
	uarg_to_msgzc(u)->zerocopy = 0;
	n = send_data(c, m, len);
	if (n > 0)
		net_zcopy_put(u);
	else
		net_zcopy_put_abort(u, true);
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
 * Return: as tcp_sendmsg(); -EPIPE after our close_notify; -EOPNOTSUPP for
 * MSG_OOB, which TLS has not.
 */
int weft_ktls_sendmsg(struct weft_conn *c, struct msghdr *m, size_t len)
{
	unsigned int flags = m->msg_flags;
	int n;

	if (unlikely(flags & (MSG_OOB | MSG_FASTOPEN)))
		return flags & MSG_OOB ? -EOPNOTSUPP : -EISCONN;
	n = tx_begin(c, flags);
	if (n)
		return n;
	m->msg_control = NULL;
	m->msg_controllen = 0;
	m->msg_flags &= KTLS_SEND_FLAGS;
	/* with msg_ubuf it is io_uring's, which counts for itself */
	if (unlikely(flags & MSG_ZEROCOPY) && len && !m->msg_ubuf &&
	    sock_flag(c->sock->sk, SOCK_ZEROCOPY))
		n = send_zerocopy(c, m, len);
	else
		n = send_data(c, m, len);
	tx_end(c);
	return tx_result(c, n);
}

#if WEFT_HAVE_SENDPAGE
/**
 * weft_ktls_sendpage() - sendpage() on a LIVE conn
 * @c: the conn
 * @page: of the call
 * @offset: of the call
 * @size: of the call
 * @flags: of the call
 *
 * Return: as weft_ktls_sendmsg().
 */
ssize_t weft_ktls_sendpage(struct weft_conn *c, struct page *page, int offset,
			   size_t size, int flags)
{
	ssize_t n = tx_begin(c, flags);

	if (n)
		return n;
	n = c->tls->sendpage(c->sock, page, offset, size, flags);
	tx_end(c);
	return tx_result(c, n);
}
#else
/**
 * weft_ktls_splice_eof() - what was spliced with MSG_MORE has no sequel
 * @c: a LIVE conn
 */
void weft_ktls_splice_eof(struct weft_conn *c)
{
	if (!tx_is_open(c) || mutex_lock_killable(&c->tx))
		return;
	if (!c->tx_closed)
		c->tls->splice_eof(c->sock);
	tx_end(c);
}
#endif

/**
 * weft_ktls_flush() - send what MSG_MORE has kept back for long enough
 * @c: a LIVE conn; in its work, its file held
 *
 * A writer at work looks for itself when it is done.
 */
void weft_ktls_flush(struct weft_conn *c)
{
	struct sock *sk = c->sock->sk;
	struct tls_context *ctx = tls_get_ctx(sk);

	if (!tx_is_open(c) || !mutex_trylock(&c->tx))
		return;
	/* kTLS's own work has it while it sends */
	if (mutex_trylock(&ctx->tx_lock)) {
		lock_sock(sk);
		if (!sk->sk_err && tx_is_open(c))
			ctx->push_pending_record(sk, MSG_DONTWAIT |
						 MSG_NOSIGNAL);
		release_sock(sk);
		mutex_unlock(&ctx->tx_lock);
	}
	tx_end(c);
}

/* ------------------------------------------------------------ our records */

/* The limits of the send buffer. */
struct room {
	int sndbuf;
	u32 notsent_lowat;
};

#define ALL_ROOM	(INT_MAX / 2)

/* From here on what is written is queued, whatever waits already. */
static struct room make_room(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct room r;

	lock_sock(sk);
	r.sndbuf = sk->sk_sndbuf;
	r.notsent_lowat = tp->notsent_lowat;
	WRITE_ONCE(sk->sk_sndbuf, ALL_ROOM);
	WRITE_ONCE(tp->notsent_lowat, UINT_MAX);
	release_sock(sk);
	return r;
}

/* Unless the application has set them meanwhile. */
static void restore_room(struct sock *sk, const struct room *r)
{
	struct tcp_sock *tp = tcp_sk(sk);

	lock_sock(sk);
	if (sk->sk_sndbuf == ALL_ROOM)
		WRITE_ONCE(sk->sk_sndbuf, r->sndbuf);
	if (tp->notsent_lowat == UINT_MAX)
		WRITE_ONCE(tp->notsent_lowat, r->notsent_lowat);
	release_sock(sk);
}

/**
 * weft_ktls_send_record() - write a record that is not data
 * @c: a LIVE conn; c->tx held
 * @type: TLS ContentType
 * @data: its content
 * @len: at most 16 KB
 *
 * A full send buffer does not hinder it; an open record goes out before it, and
 * so does what kTLS could not hand to TCP yet. Does not wait.
 *
 * Return: 0, it is queued; -EAGAIN, no memory: nothing of it was; else the
 * error of the socket.
 */
int weft_ktls_send_record(struct weft_conn *c, u8 type, void *data, size_t len)
{
	u8 cbuf[CMSG_SPACE(1)] __aligned(8) = {};
	struct cmsghdr *cm = (void *)cbuf;
	struct kvec iov = { data, len };
	struct msghdr m = {
		.msg_control = cbuf,
		.msg_controllen = sizeof(cbuf),
		.msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL,
	};
	struct room room;
	int n;

	cm->cmsg_level = SOL_TLS;
	cm->cmsg_type = TLS_SET_RECORD_TYPE;
	cm->cmsg_len = CMSG_LEN(1);
	*(u8 *)CMSG_DATA(cm) = type;
	iov_iter_kvec(&m.msg_iter, ITER_SOURCE, &iov, 1, len);
	room = make_room(c->sock->sk);
	n = c->tls->sendmsg(c->sock, &m, len);
	restore_room(c->sock->sk, &room);
	if (n == len)
		return 0;
	return n < 0 ? n : -EAGAIN;
}

/*
 * A writer sleeps with c->tx because the buffer is full: it is told EPIPE, or
 * how much it has written. kTLS makes an error of the socket of that when the
 * writer slept in the middle of a record; the rest of the record goes on with
 * the next one.
 */
static void evict_writer(struct weft_conn *c)
{
	struct sock *sk = c->sock->sk;
	bool ours;

	lock_sock(sk);
	ours = !(sk->sk_shutdown & SEND_SHUTDOWN);
	if (ours)
		WRITE_ONCE(sk->sk_shutdown, sk->sk_shutdown | SEND_SHUTDOWN);
	sk->sk_state_change(sk);
	release_sock(sk);
	mutex_lock(&c->tx);
	lock_sock(sk);
	if (ours && sk->sk_state != TCP_CLOSE) {
		WRITE_ONCE(sk->sk_shutdown, sk->sk_shutdown & ~SEND_SHUTDOWN);
		cmpxchg(&sk->sk_err, EPIPE, 0);
	}
	release_sock(sk);
}

/* Was the reset one of our close_notify alone? See weft_ktls_closed(). */
static void judge_reset(struct weft_conn *c)
{
	struct sock *sk = c->sock->sk;

	if (!c->end_seq || before(tcp_sk(sk)->snd_una, c->end_seq))
		cmpxchg(&sk->sk_err, 0, c->end_err);
	c->end_err = 0;
}

static void send_last(struct weft_conn *c)
{
	u8 alert[] = { WEFT_ALERT_WARNING, WEFT_ALERT_CLOSE_NOTIFY };
	struct sock *sk = c->sock->sk;
	u32 size = tls_get_ctx(sk)->prot_info.overhead_size + sizeof(alert);
	int err = -EPIPE;

	if ((1 << sk->sk_state) & (TCPF_ESTABLISHED | TCPF_CLOSE_WAIT) &&
	    !(sk->sk_shutdown & SEND_SHUTDOWN) && !sk->sk_err)
		err = weft_ktls_send_record(c, WEFT_RECORD_ALERT, alert,
					    sizeof(alert));
	lock_sock(sk);
	c->end_known = true;
	if (!err)
		c->end_seq = (tcp_sk(sk)->write_seq - size) ?: 1;
	if (c->end_err)			/* it came at once */
		judge_reset(c);
	release_sock(sk);
}

/**
 * weft_ktls_close_notify() - say that nothing more will be written, once
 * @c: a LIVE conn
 *
 * All that was written goes out before. Whoever is about to write gets EPIPE.
 */
void weft_ktls_close_notify(struct weft_conn *c)
{
	if (xchg(&c->tx_closed, true)) {
		mutex_lock(&c->tx);	/* the caller shuts TCP down next */
		mutex_unlock(&c->tx);
		return;
	}
	if (!mutex_trylock(&c->tx))
		evict_writer(c);
	send_last(c);
	mutex_unlock(&c->tx);
}

/**
 * weft_ktls_closed() - TCP goes to CLOSE
 * @c: a LIVE conn; its socket is locked, any context
 *
 * A peer that reads no more answers our close_notify by a reset, as it does any
 * data (TCPABORTONDATA), where it would have taken a bare FIN; and so do we, to
 * the peer's. When all of ours was acknowledged and nothing more was to be read,
 * such a reset is the end that TCP would have had without an error.
 */
void weft_ktls_closed(struct weft_conn *c)
{
	struct sock *sk = c->sock->sk;

	if (!c->tx_closed || !(sk->sk_shutdown & RCV_SHUTDOWN))
		return;
	c->end_err = xchg(&sk->sk_err, 0);
	if (c->end_known)
		judge_reset(c);
}
