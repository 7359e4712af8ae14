// SPDX-License-Identifier: GPL-2.0
/*
 * Reading on a LIVE conn, and what there is to read: FIONREAD, poll(). What is
 * not data is taken away by ktls_control.c. Process context.
 */
#include <linux/poll.h>
#include <net/strparser.h>
#include <net/tcp.h>
#include <net/tls.h>
#include "compat.h"
#include "ktls.h"
#include "ktls_priv.h"

/*
 * kTLS tells of an error of the socket before it has looked at all that came
 * before it (tls_rx_rec_wait()); TCP gives the data first. Is there a record to
 * read first? Then the error is back in its place.
 */
static bool record_before(struct weft_conn *c, int err)
{
	struct sock *sk = c->sock->sk;
	struct tls_sw_context_rx *rx = tls_sw_ctx_rx(tls_get_ctx(sk));

	if (likely(sk->sk_state != TCP_CLOSE) || rx->strp.stopped ||
	    READ_ONCE(rx->strp.msg_ready) ||
	    skb_queue_empty_lockless(&sk->sk_receive_queue))
		return false;
	lock_sock(sk);
	sk->sk_data_ready(sk);		/* queues the parser's work */
	release_sock(sk);
	flush_work(&rx->strp.work);
	if (!READ_ONCE(rx->strp.msg_ready))
		return false;
	if (err != -EAGAIN && err != -EINTR && err != -ERESTARTSYS)
		cmpxchg(&sk->sk_err, 0, -err);
	return true;
}

/*
 * Less came than was waited for, and the error that ended the wait is gone: put
 * it back, for the next call.
 */
static void error_after(struct weft_conn *c, int n, int target)
{
	struct sock *sk = c->sock->sk;
	int err = READ_ONCE(c->reset_err);

	if (likely(!err))
		return;
	if (n == -err)			/* told now */
		WRITE_ONCE(c->reset_err, 0);
	else if (n > 0 && n < target)
		cmpxchg(&sk->sk_err, 0, err);
}

/* One recvmsg() of kTLS, which is not to see the control buffer. */
static int read_record(struct weft_conn *c, struct msghdr *m, size_t len,
		       int flags)
{
	const unsigned int keep = MSG_EOR | MSG_CTRUNC;
	unsigned int mflags = m->msg_flags;
	size_t clen = m->msg_controllen;
	void *ctl = m->msg_control;
	int n;

	if (weft_ktls_is_stopped(c))
		flags |= MSG_DONTWAIT;
	m->msg_control = NULL;
	m->msg_controllen = 0;
	n = c->tls->recvmsg(c->sock, m, len, flags);
	m->msg_control = ctl;
	m->msg_controllen = clen;
	m->msg_flags = (m->msg_flags & ~keep) | (mflags & keep);
	return n;
}

/* kTLS took the error of the socket, but it is for the next call to tell. */
static void put_back_error(struct weft_conn *c, int err)
{
	switch (err) {
	case -EAGAIN:
	case -EINTR:
	case -ERESTARTSYS:
	case -EFAULT:
	case -ENOMEM:
		return;
	default:
		if (!READ_ONCE(c->rx_err))
			cmpxchg(&c->sock->sk->sk_err, 0, -err);
	}
}

/*
 * Data, past the control records before it. *@met: it ended at one, which was
 * taken, by another thread maybe; more may follow.
 */
static int read_some(struct weft_conn *c, struct msghdr *m, size_t len,
		     int flags, bool *met)
{
	struct iov_iter it = m->msg_iter;
	unsigned int before;
	int n, taken;

	for (;;) {
		before = READ_ONCE(c->rx_taken);
		*met = false;
		if (READ_ONCE(c->rx_eof))
			return 0;
		if (READ_ONCE(c->rx_err))
			return c->rx_err;
		n = read_record(c, m, len, flags);
		if (n < 0 && n != -EIO && record_before(c, n))
			continue;
		if (WEFT_KTLS_EATS_ERRORS)
			error_after(c, n, sock_rcvlowat(c->sock->sk,
							flags & MSG_WAITALL,
							len));
		taken = 0;
		if (n == -EIO || (n >= 0 && (size_t)n < len))
			taken = weft_ktls_take_queued(c);
		*met = taken > 0 || READ_ONCE(c->rx_taken) != before;
		if (n > 0 || (n != -EIO && !taken))
			break;
		if (taken < 0)
			return taken;
		m->msg_iter = it;	/* nothing yet, nor the end */
	}
	if (weft_ktls_is_broken(c, n))
		return weft_ktls_bad_record(c);
	if (n == 0 && len && !READ_ONCE(c->rx_eof) &&
	    sock_flag(c->sock->sk, SOCK_DONE))
		return weft_ktls_truncated(c);
	return n;
}

/*
 * kTLS ends a read at a control record; who waits for more, by MSG_WAITALL,
 * gets what is behind it, too.
 */
static int read_past(struct weft_conn *c, struct msghdr *m, size_t len,
		     int flags)
{
	size_t target = flags & MSG_WAITALL ? len : min_t(size_t, len, 1);
	struct iov_iter it = m->msg_iter;
	size_t done = 0;
	bool more;
	int n;

	for (;;) {
		n = read_some(c, m, len, flags, &more);
		if (n <= 0)
			break;
		done += n;
		if (likely(!more) || done >= target)
			return done;
		if (flags & MSG_PEEK) {		/* from the beginning */
			m->msg_iter = it;
			done = 0;
		} else {			/* no more than it waits for */
			len = target - done;
			flags |= MSG_WAITALL;
		}
	}
	if (n < 0 && done)
		put_back_error(c, n);
	return done ?: n;
}

/* SO_RCVLOWAT: wait for so much, then take what else there is. */
static int read_low(struct weft_conn *c, struct msghdr *m, size_t len,
		    int flags, size_t low)
{
	struct iov_iter it = m->msg_iter;
	int n = read_past(c, m, low, flags | MSG_WAITALL), more;

	if (n < (int)low || low == len)
		return n;
	if (flags & MSG_PEEK) {			/* from the beginning */
		m->msg_iter = it;
		return read_past(c, m, len, flags | MSG_DONTWAIT);
	}
	more = read_past(c, m, len - n, flags | MSG_DONTWAIT);
	if (more < 0)
		put_back_error(c, more);
	return more > 0 ? n + more : n;
}

/**
 * weft_ktls_read() - the next bytes of data, past whatever else there is
 * @c: a LIVE conn
 * @m: the message; its control buffer is not for kTLS
 * @len: wanted
 * @flags: MSG_PEEK, MSG_WAITALL and MSG_DONTWAIT count
 *
 * Return: bytes; 0 after close_notify; -ECONNRESET after a fatal alert, a bad
 * record, a KeyUpdate that cannot be followed or a FIN without close_notify; as
 * tcp_recvmsg().
 */
int weft_ktls_read(struct weft_conn *c, struct msghdr *m, size_t len, int flags)
{
	int low = READ_ONCE(c->user_lowat);

	if (unlikely(low > 1) && !(flags & (MSG_WAITALL | MSG_DONTWAIT)))
		return read_low(c, m, len, flags, min_t(size_t, low, len));
	return read_past(c, m, len, flags);
}

/*
 * MSG_TRUNC: TCP counts, but copies nothing. kTLS decrypts into memory of its
 * own (nobody sets TLS_RX_EXPECT_NO_PAD), so the iterator needs no pages.
 */
static int discard_data(struct weft_conn *c, struct msghdr *m, size_t len,
			int flags)
{
	struct iov_iter it = m->msg_iter;
	int n;

	iov_iter_discard(&m->msg_iter, ITER_DEST, len);
	n = weft_ktls_read(c, m, len, flags);
	m->msg_iter = it;
	return n;
}

/* Why is there nothing beyond @off, although we waited for it? */
static int nothing_beyond(struct weft_conn *c, int flags)
{
	struct sock *sk = c->sock->sk;

	if (READ_ONCE(c->rx_eof) || sk->sk_shutdown & RCV_SHUTDOWN)
		return 0;
	if (signal_pending(current))
		return sock_intr_errno(sock_rcvtimeo(sk, flags & MSG_DONTWAIT));
	return -EAGAIN;
}

/*
 * MSG_PEEK with SO_PEEK_OFF, which kTLS does not know: wait until there is
 * something beyond the offset, then peek at all and give what lies beyond.
 */
static int peek_beyond(struct weft_conn *c, struct msghdr *m, size_t len,
		       int flags, int off)
{
	struct msghdr all = {};
	struct kvec iov;
	size_t want;
	int n;

	n = discard_data(c, &all, off + 1, flags | (off ? MSG_WAITALL : 0));
	if (n <= off)
		return n < 0 ? n : nothing_beyond(c, flags);
	want = off + min_t(size_t, len, max(weft_ktls_inq(c) - off, 1));
	iov.iov_len = want;
	iov.iov_base = kvmalloc(want, GFP_KERNEL_ACCOUNT);
	if (!iov.iov_base)
		return -ENOMEM;
	iov_iter_kvec(&all.msg_iter, ITER_DEST, &iov, 1, want);
	n = weft_ktls_read(c, &all, want, MSG_PEEK | MSG_DONTWAIT);
	if (n > off) {
		n -= off;
		if (!(flags & MSG_TRUNC) &&
		    copy_to_iter(iov.iov_base + off, n, &m->msg_iter) != n)
			n = -EFAULT;
	} else if (n >= 0) {		/* another thread read it */
		n = -EAGAIN;
	}
	kvfree(iov.iov_base);
	if (n > 0)
		sk_peek_offset_fwd(c->sock->sk, n);
	return n;
}

/* TCP_INQ, and io_uring's hint: what is left; the end counts as one, too. */
static void tell_inq(struct weft_conn *c, struct msghdr *m)
{
	struct sock *sk = c->sock->sk;
	int inq = weft_ktls_inq(c);

	inq += READ_ONCE(c->rx_eof) || sock_flag(sk, SOCK_DONE);
	m->msg_inq = inq;
	if (tcp_sk(sk)->recvmsg_inq)
		put_cmsg(m, SOL_TCP, TCP_CM_INQ, sizeof(inq), &inq);
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
	struct sock *sk = c->sock->sk;
	int off, n;

	if (flags & MSG_ERRQUEUE)	/* kTLS's own says less */
		return weft_prot_recvmsg(weft_base_prot[weft_family(sk)], sk, m,
					 len, flags);
	if (flags & MSG_OOB)
		return -EINVAL;		/* as TCP with no urgent data */
	off = sk_peek_offset(sk, flags);
	if (unlikely(flags & MSG_PEEK && off >= 0 && len))
		n = peek_beyond(c, m, len, flags, off);
	else if (unlikely(flags & MSG_TRUNC))
		n = discard_data(c, m, len, flags);
	else
		n = weft_ktls_read(c, m, len, flags);
	if (n > 0) {
		WRITE_ONCE(c->rx_data, true);
		if (!(flags & MSG_PEEK))
			sk_peek_offset_bwd(sk, n);
	}
	if (unlikely(m->msg_get_inq || tcp_sk(sk)->recvmsg_inq) && n >= 0)
		tell_inq(c, m);
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

/*
 * Plaintext of the whole records that wait in the receive queue; @last is that
 * of the last one, if there is one.
 */
static int queued_plaintext(struct sock *sk, int overhead, int *last)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	u32 seq = tp->copied_seq;
	u8 head[TLS_HEADER_SIZE];
	int n = 0, len;

	while (queue_copy(sk, seq, head, sizeof(head))) {
		len = sizeof(head) + get_unaligned_be16(head + 3);
		if (after(seq + len, tp->rcv_nxt))
			break;
		*last = max(0, len - overhead);
		n += *last;
		seq += len;
	}
	return n;
}

/* Only data that was decrypted counts; an alert may have been, too. */
static int decrypted(struct tls_sw_context_rx *rx)
{
	struct sk_buff *skb;
	int n = 0;

	skb_queue_walk(&rx->rx_list, skb)
		if (((struct sk_skb_cb *)skb->cb)->tls.control ==
		    WEFT_RECORD_DATA)
			n += strp_msg(skb)->full_len;
	return n;
}

/**
 * weft_ktls_inq() - plaintext bytes to read on a LIVE conn
 * @c: the conn
 *
 * What is decrypted but unread, and all whole records that wait. TLS 1.3 hides
 * which of them are data, but a FIN has a close_notify before it, or the stream
 * was cut; without one an alert counts as two bytes. Padding, which we never
 * send, counts as data.
 *
 * Return: bytes.
 */
int weft_ktls_inq(struct weft_conn *c)
{
	struct sock *sk = c->sock->sk;
	struct tls_context *ctx = tls_get_ctx(sk);
	struct tls_sw_context_rx *rx = tls_sw_ctx_rx(ctx);
	int overhead, last = 0, n;

	/* header, tag, and the record type that TLS 1.3 puts behind the data */
	overhead = ctx->prot_info.overhead_size;
	lock_sock(sk);
	n = decrypted(rx);
	if (rx->strp.copy_mode && rx->strp.msg_ready) {
		last = max_t(int, 0, rx->strp.stm.full_len - overhead);
		n += last;
	}
	n += queued_plaintext(sk, overhead, &last);
	if (last == WEFT_ALERT_SIZE && sock_flag(sk, SOCK_DONE))
		n -= last;
	release_sock(sk);
	return n;
}

/*
 * Take away what is not data at the head of the stream: close_notify, session
 * tickets. Errors that kTLS took from the socket are left for the reader.
 */
static bool skip_control(struct weft_conn *c)
{
	bool taken = false;
	int n;

	while (!READ_ONCE(c->rx_eof) && !READ_ONCE(c->rx_err)) {
		n = weft_ktls_take_control(c);
		if (n < 0)
			put_back_error(c, n);
		if (n <= 0)
			break;
		taken = true;
	}
	return taken;
}

/**
 * weft_ktls_unread() - FIONREAD on a LIVE conn
 * @c: the conn
 *
 * Return: bytes of data that wait.
 */
int weft_ktls_unread(struct weft_conn *c)
{
	int n = weft_ktls_inq(c);

	return n && skip_control(c) ? weft_ktls_inq(c) : n;
}

/* ------------------------------------------------------------ poll() */

/* kTLS's own sk_data_ready: the same for every socket. */
static void (*ktls_ready)(struct sock *sk);

/*
 * kTLS calls for the first record that is whole and not again until it is read.
 * TCP tells of all that comes: edge-triggered pollers, SIGIO and who waits for
 * SO_RCVLOWAT bytes rely on it.
 */
static void live_data_ready(struct sock *sk)
{
	struct tls_sw_context_rx *rx = tls_sw_ctx_rx(tls_get_ctx(sk));
	bool told = READ_ONCE(rx->strp.msg_ready);

	READ_ONCE(ktls_ready)(sk);
	if (told)
		rx->saved_data_ready(sk);
}

/**
 * weft_ktls_start() - the application's calls come to kTLS from now on
 * @c: a conn with its keys; its socket is locked
 *
 * kTLS puts sk_data_ready back when it goes, so nobody comes to us afterwards.
 */
void weft_ktls_start(struct weft_conn *c)
{
	struct sock *sk = c->sock->sk;

	write_lock_bh(&sk->sk_callback_lock);
	WRITE_ONCE(ktls_ready, sk->sk_data_ready);
	sk->sk_data_ready = live_data_ready;
	write_unlock_bh(&sk->sk_callback_lock);
	weft_ktls_set_rcvlowat(c, c->user_lowat ?: sk->sk_rcvlowat);
}

/**
 * weft_ktls_set_rcvlowat() - SO_RCVLOWAT of a LIVE conn
 * @c: the conn; its socket is locked
 * @val: bytes of data
 *
 * TCP would count what lies in its queue and be silent below that; but kTLS has
 * taken the first part of a record from there when the buffer is small, and
 * keeps what it has decrypted. So TCP tells of all that comes, and we count.
 *
 * Return: as tcp_set_rcvlowat(), whose limits hold.
 */
int weft_ktls_set_rcvlowat(struct weft_conn *c, int val)
{
	struct sock *sk = c->sock->sk;
	struct tls_sw_context_rx *rx = tls_sw_ctx_rx(tls_get_ctx(sk));
	int err = c->base->set_rcvlowat(sk, val);

	WRITE_ONCE(c->user_lowat, sk->sk_rcvlowat);
	WRITE_ONCE(sk->sk_rcvlowat, 1);
	if (rx->strp.msg_ready || !skb_queue_empty(&rx->rx_list))
		rx->saved_data_ready(sk);	/* it may be enough now */
	return err;
}

/*
 * SO_RCVLOWAT counts plaintext; when the buffer holds no more, less is enough,
 * see tcp_epollin_ready(). Where kTLS leaves poll() to TCP, the first bytes of
 * a record make the socket readable although recv() has nothing yet; so does
 * tls_sk_poll(), unless the socket is ESTABLISHED.
 */
static bool below_low_water(struct weft_conn *c)
{
	struct sock *sk = c->sock->sk;
	int low = max(READ_ONCE(c->user_lowat), 1), n;

	if (low == 1 && WEFT_KTLS_POLLS &&
	    inet_sk_state_load(sk) == TCP_ESTABLISHED)
		return false;
	n = weft_ktls_inq(c);
	return n < low && !(n && tcp_epollin_ready(sk, INT_MAX));
}

/*
 * Is there a record that may be no data? Session tickets of a foreign server
 * come before its data, and later what has the size of a KeyUpdate.
 */
static bool may_be_control(const struct weft_conn *c)
{
	const struct tls_context *ctx = tls_get_ctx(c->sock->sk);
	const struct tls_sw_context_rx *rx = tls_sw_ctx_rx(ctx);

	return unlikely(!READ_ONCE(c->rx_data)) ||
	       (READ_ONCE(rx->strp.msg_ready) &&
		READ_ONCE(rx->strp.stm.full_len) ==
		ctx->prot_info.overhead_size + WEFT_KEY_UPDATE_LEN &&
		skb_queue_empty_lockless(&rx->rx_list));
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

	weft_ktls_check_err(c);
	mask = c->tls->poll(file, c->sock, wait);
	if (mask & EPOLLIN && !(mask & over) && may_be_control(c) &&
	    skip_control(c))
		mask = c->tls->poll(file, c->sock, NULL);
	if (READ_ONCE(c->rx_eof) || READ_ONCE(c->rx_err))
		mask |= EPOLLIN | EPOLLRDNORM | EPOLLRDHUP;
	else if (mask & EPOLLIN && !(mask & over) && below_low_water(c))
		mask &= ~(EPOLLIN | EPOLLRDNORM);
	return mask;
}
