// SPDX-License-Identifier: GPL-2.0
/*
 * Reading on a LIVE conn, and what there is to read: FIONREAD, poll(). What is
 * not data is taken away by ktls_control.c. Process context.
 */
#include <linux/poll.h>
#include <linux/splice.h>
#include <net/strparser.h>
#include <net/tcp.h>
#include <net/tls.h>
#include "compat.h"
#include "ktls.h"
#include "ktls_priv.h"

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
		n = c->tls->recvmsg(c->sock, m, len, weft_ktls_is_stopped(c) ?
				    flags | MSG_DONTWAIT : flags);
		m->msg_control = ctl;
		m->msg_controllen = clen;
		m->msg_flags = (m->msg_flags & ~keep) | (mflags & keep);
		if (n != -EIO)
			break;
		m->msg_iter = it;
		err = weft_ktls_take_control(c);
		if (err < 0)
			return weft_ktls_is_bad(err) ?
			       weft_ktls_bad_record(c) : err;
	}
	if (weft_ktls_is_broken(c, n))
		return weft_ktls_bad_record(c);
	if (n == 0 && len && !READ_ONCE(c->rx_eof) &&
	    sock_flag(c->sock->sk, SOCK_DONE))
		return weft_ktls_truncated(c);
	return n;
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
		if (weft_ktls_is_stopped(c))
			flags |= SPLICE_F_NONBLOCK;
		n = c->tls->splice_read(c->sock, pos, pipe, len, flags);
		if (n == -EINVAL && !weft_ktls_is_stopped(c)) {
			n = weft_ktls_take_control(c);
			if (n >= 0)
				continue;
		}
		if (n || !len || is_over(c->sock->sk))
			break;
	}
	if (weft_ktls_is_broken(c, n))
		return weft_ktls_bad_record(c);
	if (n == 0 && len && !READ_ONCE(c->rx_eof) &&
	    sock_flag(c->sock->sk, SOCK_DONE))
		return weft_ktls_truncated(c);
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

	weft_ktls_check_err(c);
	mask = c->tls->poll(file, c->sock, wait);
	if (READ_ONCE(c->rx_eof) || READ_ONCE(c->rx_err))
		mask |= EPOLLIN | EPOLLRDNORM | EPOLLRDHUP;
	else if (mask & EPOLLIN && !(mask & over) && below_low_water(c))
		mask &= ~(EPOLLIN | EPOLLRDNORM);
	return mask;
}
