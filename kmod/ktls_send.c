// SPDX-License-Identifier: GPL-2.0
/*
 * Writing on a LIVE conn. Process context.
 *
 * Whoever writes holds c->tx, outside kTLS's own tx_lock and the socket lock:
 * a record of ours (an alert, a key update) and what must happen right before
 * or behind it are one step for all other writers.
 *
 * kTLS never waits for room in the send buffer, we do, and without c->tx: of
 * the errors that end a wait it survives -EAGAIN alone (a signal in the middle
 * of a record breaks the connection on Debian's 6.12), and as with TCP a writer
 * that sleeps must hinder neither others nor shutdown().
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

/* What TCP looks at first (tcp_sendmsg_locked()), and kTLS does not. */
static bool tx_is_over(const struct weft_conn *c)
{
	const struct sock *sk = c->sock->sk;

	return READ_ONCE(sk->sk_err) || c->tx_closed ||
	       READ_ONCE(sk->sk_shutdown) & SEND_SHUTDOWN;
}

/*
 * Our turn, with a key that is not worn out. 0: c->tx is held; -EPIPE, nothing
 * more may be written; -ECONNRESET, with no key that may be used.
 */
static int tx_begin(struct weft_conn *c)
{
	int err = 0;

	if (mutex_lock_interruptible(&c->tx))
		return sock_intr_errno(c->sock->sk->sk_sndtimeo);
	weft_ktls_check_err(c);
	if (tx_is_over(c))
		err = -EPIPE;
	else if (unlikely(weft_rekey_is_due(c)))
		err = weft_rekey_send(c);
	if (unlikely(err))
		mutex_unlock(&c->tx);
	return err;
}

/* What TCP gives a corked segment: see tcp_check_probe_timer(). */
#define FLUSH_DELAY	(HZ / 5)

/*
 * What kTLS's call said, as TCP would. It says EBADMSG when it could not
 * encrypt a record; when it could others before it in the call, only to the
 * next one.
 */
static ssize_t tx_result(struct weft_conn *c, ssize_t n)
{
	if (likely(n != -EBADMSG &&
		   READ_ONCE(c->sock->sk->sk_err) != EBADMSG))
		return n;
	weft_ktls_lost_record(c);
	return n < 0 ? -ECONNRESET : n;
}

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

/* ------------------------------------------------------------ waiting */

/* One call that writes, in as many pieces as there is room for. */
struct writing {
	struct weft_conn *c;
	unsigned int flags;		/* of the call */
	long timeo;
	size_t done;
};

static struct writing writing_begin(struct weft_conn *c, unsigned int flags)
{
	return (struct writing){
		.c = c, .flags = flags,
		.timeo = sock_sndtimeo(c->sock->sk, flags & MSG_DONTWAIT),
	};
}

/*
 * Before anybody waits for room, all that TCP holds must be under way, corked
 * or not, or no ACK would ever make room. TCP does so itself; kTLS, when it
 * finds no room, does not (seen with TCP_NOTSENT_LOWAT and sendfile()).
 */
static void push_all(struct weft_conn *c)
{
	struct sock *sk = c->sock->sk;
	bool corked;

	mutex_lock(&c->tx);		/* see weft_ktls_setsockopt() */
	corked = tcp_sk(sk)->nonagle & TCP_NAGLE_CORK;
	tcp_sock_set_cork(sk, false);	/* pushes */
	if (corked)
		tcp_sock_set_cork(sk, true);
	mutex_unlock(&c->tx);
}

/* A piece gave @n. Go on? Then there is room, or may be. */
static bool writing_more(struct writing *w, ssize_t *n, size_t len)
{
	struct sock *sk = w->c->sock->sk;

	if (*n > 0)
		w->done += *n;
	if (w->done >= len)
		return false;
	if (*n >= 0)
		return *n > 0;
	if (*n != -EAGAIN)
		return false;
	push_all(w->c);
	if (!w->timeo)
		return false;
	lock_sock(sk);
	*n = sk_stream_wait_memory(sk, &w->timeo);
	release_sock(sk);
	return !*n;
}

/* As tcp_sendmsg_locked(): what is written counts more than why it ended. */
static ssize_t writing_end(const struct writing *w, ssize_t n)
{
	struct sock *sk = w->c->sock->sk;

	if (w->done)
		return w->done;
	if (unlikely(n < 0)) {		/* TCP tells once, kTLS again */
		cmpxchg(&sk->sk_err, -n, 0);
		if (n == -EPIPE)
			n = sk_stream_error(sk, w->flags, n);
	}
	return n;
}

/* ------------------------------------------------------------ data */

/*
 * sendmsg() of kTLS, which does not wait; c->tx held. With a signal pending it
 * gives up where kTLS's own work has tx_lock, as that has for a moment.
 */
static int tls_send(struct weft_conn *c, struct msghdr *m, size_t len)
{
	struct tls_context *ctx = tls_get_ctx(c->sock->sk);
	int n;

	while ((n = c->tls->sendmsg(c->sock, m, len)) == -EINTR) {
		mutex_lock(&ctx->tx_lock);
		mutex_unlock(&ctx->tx_lock);
	}
	return tx_result(c, n);
}

/* Nagle would hold the first small write until the peer acknowledges our
 * Finished, and one behind a KeyUpdate until it acknowledges that, which a
 * delayed ACK puts off by 40 ms.
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
	n = tls_send(c, m, len);
	if (nagle) {
		lock_sock(sk);
		tp->nonagle &= ~TCP_NAGLE_OFF;
		release_sock(sk);
	}
	return n;
}

/* As much as there is room for; @m stands behind it then. */
static int send_piece(struct weft_conn *c, struct msghdr *m, size_t len)
{
	struct iov_iter it = m->msg_iter;
	int n = tx_begin(c);

	if (n)
		return n;
	if (unlikely(!c->first_sent))
		n = first_send(c, m, len);
	else
		n = tls_send(c, m, len);
	tx_end(c);
	m->msg_iter = it;
	if (n > 0)
		iov_iter_advance(&m->msg_iter, n);
	return n;
}

static int send_data(struct weft_conn *c, struct msghdr *m, size_t len,
		     unsigned int flags)
{
	struct writing w = writing_begin(c, flags);
	ssize_t n;

	do
		n = send_piece(c, m, len - w.done);
	while (writing_more(&w, &n, len));
	return writing_end(&w, n);
}

/*
 * MSG_ZEROCOPY: encryption copies, so the pages are free at once, and the
 * completion says that they were copied, as it does for loopback.
 */
static int send_zerocopy(struct weft_conn *c, struct msghdr *m, size_t len,
			 unsigned int flags)
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
	n = send_data(c, m, len, flags);
	if (n > 0)
		net_zcopy_put(u);
	else
		net_zcopy_put_abort(u, true);
	return n;
}

/* tls_sw_sendmsg() refuses a call with any other; TCP ignores most of them. */
#define KTLS_SEND_FLAGS	(MSG_MORE | MSG_CMSG_COMPAT | KTLS_SPLICE_FLAGS)
#if WEFT_HAVE_SENDPAGE
#define KTLS_SPLICE_FLAGS 0
#else
#define KTLS_SPLICE_FLAGS (MSG_SPLICE_PAGES | MSG_SENDPAGE_NOPOLICY)
#endif
#define KTLS_NEVER_WAITS (MSG_DONTWAIT | MSG_NOSIGNAL)

/**
 * weft_ktls_sendmsg() - sendmsg() on a LIVE conn
 * @c: the conn
 * @m: the message; control data is looked at as TCP does, and dropped
 * @len: its length
 *
 * Return: as tcp_sendmsg(); -EPIPE after our close_notify; -ECONNRESET when the
 * key is worn out and could not be renewed; -EOPNOTSUPP for MSG_OOB, which TLS
 * has not.
 */
int weft_ktls_sendmsg(struct weft_conn *c, struct msghdr *m, size_t len)
{
	unsigned int flags = m->msg_flags;
	struct sockcm_cookie sockc = {};
	int err;

	if (unlikely(flags & (MSG_OOB | MSG_FASTOPEN)))
		return flags & MSG_OOB ? -EOPNOTSUPP : -EISCONN;
	if (unlikely(m->msg_controllen)) {
		err = sock_cmsg_send(c->sock->sk, m, &sockc);
		if (err)
			return err;
	}
	m->msg_control = NULL;
	m->msg_controllen = 0;
	m->msg_flags = (flags & KTLS_SEND_FLAGS) | KTLS_NEVER_WAITS;
	/* with msg_ubuf it is io_uring's, which counts for itself */
	if (unlikely(flags & MSG_ZEROCOPY) && len && !m->msg_ubuf &&
	    sock_flag(c->sock->sk, SOCK_ZEROCOPY))
		return send_zerocopy(c, m, len, flags);
	return send_data(c, m, len, flags);
}

#if WEFT_HAVE_SENDPAGE
static ssize_t page_piece(struct weft_conn *c, struct page *page, int offset,
			  size_t size, int flags)
{
	ssize_t n = tx_begin(c);

	if (n)
		return n;
	n = c->tls->sendpage(c->sock, page, offset, size,
			     flags | KTLS_NEVER_WAITS);
	n = tx_result(c, n);
	tx_end(c);
	return n;
}

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
	struct writing w = writing_begin(c, flags);
	ssize_t n;

	do
		n = page_piece(c, page, offset + w.done, size - w.done, flags);
	while (writing_more(&w, &n, size));
	return writing_end(&w, n);
}
#endif

/*
 * Close the open record and hand it on; c->tx held. Short of memory kTLS splits
 * it, sends the first part and leaves the other open. 0: kTLS has it in hand,
 * or it is empty; else there is still something in it.
 */
static int push_open(struct weft_conn *c)
{
	struct sock *sk = c->sock->sk;
	struct tls_context *ctx = tls_get_ctx(sk);
	const struct tls_rec *rec, *before = NULL;
	int err = 0;

	mutex_lock(&ctx->tx_lock);	/* kTLS's own work, for a moment */
	lock_sock(sk);
	while (!err && tx_is_open(c)) {
		rec = tls_sw_ctx_tx(ctx)->open_rec;
		if (rec == before)
			break;
		before = rec;
		err = READ_ONCE(sk->sk_err) || sk->sk_shutdown & SEND_SHUTDOWN ?
		      -EPIPE : ctx->push_pending_record(sk, KTLS_NEVER_WAITS);
	}
	if ((err == -EAGAIN || err == -EINPROGRESS) && !tx_is_open(c))
		err = 0;		/* on its way */
	release_sock(sk);
	mutex_unlock(&ctx->tx_lock);
	return tx_result(c, err);
}

/**
 * weft_ktls_flush() - what was written with MSG_MORE has no sequel
 * @c: a LIVE conn; in its work, its file held, or in a call
 */
void weft_ktls_flush(struct weft_conn *c)
{
	if (!tx_is_open(c))
		return;
	mutex_lock(&c->tx);
	if (tx_is_over(c) || push_open(c) != -EAGAIN)
		mutex_unlock(&c->tx);
	else
		tx_end(c);		/* once more, later */
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
		.msg_flags = KTLS_NEVER_WAITS,
	};
	struct room room;
	int n;

	cm->cmsg_level = SOL_TLS;
	cm->cmsg_type = TLS_SET_RECORD_TYPE;
	cm->cmsg_len = CMSG_LEN(1);
	*(u8 *)CMSG_DATA(cm) = type;
	iov_iter_kvec(&m.msg_iter, ITER_SOURCE, &iov, 1, len);
	room = make_room(c->sock->sk);
	n = push_open(c) ?: tls_send(c, &m, len);
	restore_room(c->sock->sk, &room);
	if (n == len)
		return 0;
	return n < 0 ? n : -EAGAIN;
}

/**
 * weft_ktls_setsockopt() - TCP_CORK or TCP_NODELAY of a LIVE conn
 * @c: the conn
 * @opt: which
 * @val: of the call
 * @len: of the call
 *
 * Whoever writes sets them for a moment and puts back what was there.
 *
 * Return: as TCP's.
 */
int weft_ktls_setsockopt(struct weft_conn *c, int opt, sockptr_t val,
			 unsigned int len)
{
	int err;

	mutex_lock(&c->tx);
	err = c->base->setsockopt(c->sock, SOL_TCP, opt, val, len);
	mutex_unlock(&c->tx);
	return err;
}

/**
 * weft_ktls_cork() - let close_notify wait for the FIN
 * @c: a LIVE conn
 *
 * In one segment they are one event to the peer's pollers, as a FIN is.
 *
 * Return: it was not corked already: weft_ktls_uncork() when the FIN is out.
 */
bool weft_ktls_cork(struct weft_conn *c)
{
	struct sock *sk = c->sock->sk;
	bool was;

	lock_sock(sk);
	was = tcp_sk(sk)->nonagle & TCP_NAGLE_CORK;
	tcp_sk(sk)->nonagle |= TCP_NAGLE_CORK;
	release_sock(sk);
	return !was;
}

/**
 * weft_ktls_uncork() - undo weft_ktls_cork()
 * @c: a LIVE conn that it returned true for
 */
void weft_ktls_uncork(struct weft_conn *c)
{
	struct sock *sk = c->sock->sk;

	lock_sock(sk);
	tcp_sk(sk)->nonagle &= ~TCP_NAGLE_CORK;
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
 * All that was written goes out before. Whoever is about to write gets EPIPE;
 * who waits for room is woken by the caller, who shuts TCP down next.
 */
void weft_ktls_close_notify(struct weft_conn *c)
{
	mutex_lock(&c->tx);
	if (!c->tx_closed) {
		c->tx_closed = true;
		send_last(c);
	}
	mutex_unlock(&c->tx);
}

/**
 * weft_ktls_closed() - TCP goes to CLOSE
 * @c: a LIVE conn; its socket is locked, any context
 *
 * A peer that reads no more answers our close_notify by a reset, as it does any
 * data (TCPABORTONDATA), where it would have taken a bare FIN; and so do we, to
 * the peer's. When all of ours was acknowledged and nothing more was to be
 * read, such a reset is the end that TCP would have had without an error.
 */
void weft_ktls_closed(struct weft_conn *c)
{
	struct sock *sk = c->sock->sk;

	if (c->tx_closed && sk->sk_shutdown & RCV_SHUTDOWN) {
		c->end_err = xchg(&sk->sk_err, 0);
		if (c->end_known)
			judge_reset(c);
	}
	WRITE_ONCE(c->reset_err, sk->sk_err);
}
