// SPDX-License-Identifier: GPL-2.0
/*
 * The records of a LIVE conn that are not data. Process context.
 *
 * kTLS decrypts none beyond one: it leaves it in rx_list, behind data that was
 * not read yet, and reports it as -EIO to a reader without a cmsg buffer. Only
 * take_queued(), under c->ctl and the socket lock, takes one from there. Alerts
 * are RFC 8446 section 6: close_notify is the end of the stream, any other is
 * fatal. Post-handshake messages (section 4.6): tickets are thrown away, a
 * KeyUpdate is followed at once, even behind data, since what comes after it
 * needs its key. One that cannot be followed resets the connection. So does a
 * record that is none or not the peer's, for which kTLS has errors that no
 * reader of a TCP socket knows.
 */
#include <net/tcp.h>
#include <net/tls.h>
#include "ktls.h"
#include "ktls_priv.h"
#include "limits.h"

static void rx_closed(struct weft_conn *c)	/* sk locked */
{
	struct sock *sk = c->sock->sk;

	weft_count(c->wn, eof_clean);
	WRITE_ONCE(c->rx_eof, true);
	if (!(sk->sk_shutdown & RCV_SHUTDOWN)) {	/* no FIN yet */
		WRITE_ONCE(sk->sk_shutdown, sk->sk_shutdown | RCV_SHUTDOWN);
		sk->sk_state_change(sk);
	}
}

static void rx_failed(struct weft_conn *c, u8 reason)
{
	WRITE_ONCE(c->reason, reason);
	WRITE_ONCE(c->rx_err, -ECONNRESET);
}

/**
 * weft_ktls_bad_record() - what came is no record, or not the peer's
 * @c: a LIVE conn
 *
 * Return: -ECONNRESET, what every read gets from now on.
 */
int weft_ktls_bad_record(struct weft_conn *c)
{
	weft_count(c->wn, bad_records);
	rx_failed(c, WEFT_REASON_TLS);
	return -ECONNRESET;
}

/**
 * weft_ktls_lost_record() - one to be sent is gone, and what was in it
 * @c: a LIVE conn, c->tx held, its socket not locked
 *
 * kTLS had no memory to encrypt it and has thrown it away, with what earlier
 * calls had put into it. What follows is no sequel, nor is an end: the peer
 * must see neither.
 */
void weft_ktls_lost_record(struct weft_conn *c)
{
	if (!READ_ONCE(c->rx_err))
		rx_failed(c, WEFT_REASON_RESOURCES);
	tcp_abort(c->sock->sk, ECONNRESET);
}

/**
 * weft_ktls_check_err() - turn an error of kTLS's own into one TCP has
 * @c: a LIVE conn, whose sk_err is about to be told: by poll(), then SO_ERROR,
 *     or by a write
 */
void weft_ktls_check_err(struct weft_conn *c)
{
	struct sock *sk = c->sock->sk;
	int err = READ_ONCE(sk->sk_err);

	if (unlikely(err) && weft_ktls_is_bad(-err) &&
	    cmpxchg(&sk->sk_err, err, ECONNRESET) == err)
		weft_ktls_bad_record(c);
}

static void take_alert(struct weft_conn *c, struct sk_buff *skb)
{
	u8 alert[WEFT_ALERT_SIZE];

	if (strp_msg(skb)->full_len < sizeof(alert) ||
	    skb_copy_bits(skb, strp_msg(skb)->offset, alert, sizeof(alert))) {
		rx_failed(c, WEFT_REASON_ALERT);
	} else if (alert[1] == WEFT_ALERT_CLOSE_NOTIFY) {
		rx_closed(c);
	} else {
		weft_count(c->wn, alerts);
		rx_failed(c, WEFT_REASON_ALERT);
	}
}

static int read_messages(struct weft_messages *m, struct sk_buff *skb,
			 enum weft_update *update)
{
	int off = strp_msg(skb)->offset, left = strp_msg(skb)->full_len;
	u8 buf[64];
	int n, err = 0;

	for (; left && !err; off += n, left -= n) {
		n = min_t(int, left, sizeof(buf));
		err = skb_copy_bits(skb, off, buf, n);
		if (!err)
			err = weft_messages_read(m, buf, n, update);
	}
	return err;
}

/*
 * A handshake record, sk locked. 0: it is dealt with; else there was no memory
 * to follow a KeyUpdate, nothing has changed.
 */
static int take_messages(struct weft_conn *c, struct sk_buff *skb)
{
	const struct tls_context *tls = tls_get_ctx(c->sock->sk);
	u64 next = weft_ktls_seq(&tls->rx);	/* behind this one */
	struct weft_messages m = c->rekey.messages;
	enum weft_update update = WEFT_UPDATE_NONE;
	int err;

	/* empty, or others between the pieces of a message: section 5.1 */
	if (!strp_msg(skb)->full_len ||
	    (!weft_messages_between(&m) && next != c->rekey.next_record + 1)) {
		weft_ktls_bad_record(c);
		return 0;
	}
	err = read_messages(&m, skb, &update);
	if (!err && update != WEFT_UPDATE_NONE)
		err = weft_rekey_receive(c, update == WEFT_UPDATE_REQUESTED);
	else if (!err)
		weft_count(c->wn, records_discarded);
	if (err == -ENOMEM || err == -EINTR)
		return err;
	if (err)
		rx_failed(c, WEFT_REASON_KEY_UPDATE);
	c->rekey.messages = m;
	c->rekey.next_record = next;
	return 0;
}

/* The one to take: a handshake record even behind data, others at the head. */
static struct sk_buff *next_control(struct tls_sw_context_rx *rx)
{
	struct sk_buff *skb = skb_peek_tail(&rx->rx_list);

	if (skb && weft_ktls_type(skb) == WEFT_RECORD_HANDSHAKE)
		return skb;
	skb = skb_peek(&rx->rx_list);
	return skb && weft_ktls_type(skb) != WEFT_RECORD_DATA ? skb : NULL;
}

static void drop(struct tls_sw_context_rx *rx, struct sk_buff *skb)
{
	__skb_unlink(skb, &rx->rx_list);
	consume_skb(skb);
}

/* A reader that meets an empty record before a control record gets nothing. */
static bool drop_empty(struct tls_sw_context_rx *rx)
{
	struct sk_buff *skb;
	bool any = false;

	while ((skb = skb_peek(&rx->rx_list))) {
		if (weft_ktls_type(skb) != WEFT_RECORD_DATA ||
		    strp_msg(skb)->full_len)
			break;
		drop(rx, skb);
		any = true;
	}
	return any;
}

/* poll() was silent, and is woken by nothing that was there already. */
static void read_on(struct sock *sk, struct tls_sw_context_rx *rx)
{
#if WEFT_KTLS_MARKS_UPDATE
	if (rx->key_update_pending) {
		WRITE_ONCE(rx->key_update_pending, false);
		rx->saved_data_ready(sk);
	}
#endif
}

static int take_queued(struct weft_conn *c)
{
	struct sock *sk = c->sock->sk;
	struct tls_sw_context_rx *rx = tls_sw_ctx_rx(tls_get_ctx(sk));
	struct sk_buff *skb;
	int n, err = 0;

	lock_sock(sk);
	n = drop_empty(rx);
	skb = next_control(rx);
	if (skb && weft_ktls_type(skb) == WEFT_RECORD_HANDSHAKE)
		err = take_messages(c, skb);
	else if (skb && weft_ktls_type(skb) == WEFT_RECORD_ALERT)
		take_alert(c, skb);
	else if (skb)
		rx_failed(c, WEFT_REASON_ALERT);
	if (skb && !err) {
		drop(rx, skb);
		read_on(sk, rx);
		WRITE_ONCE(c->rx_taken, c->rx_taken + 1);
		n = 1;
	}
	release_sock(sk);
	return err ?: n;
}

/**
 * weft_ktls_take_queued() - a control record may wait in rx_list
 * @c: a LIVE conn
 *
 * Return: 1, one was taken; 0, there was none; -ENOMEM, -EINTR, a KeyUpdate
 * must wait there till the next time.
 */
int weft_ktls_take_queued(struct weft_conn *c)
{
	struct tls_sw_context_rx *rx = tls_sw_ctx_rx(tls_get_ctx(c->sock->sk));
	int n;

	if (skb_queue_empty_lockless(&rx->rx_list))
		return 0;
	mutex_lock(&c->ctl);
	n = take_queued(c);
	mutex_unlock(&c->ctl);
	return n;
}

/* Let kTLS decrypt what comes next, and leave it where it is. */
static int peek(struct weft_conn *c)
{
	u8 byte;
	struct kvec iov = { &byte, sizeof(byte) };
	struct msghdr m = {};

	iov_iter_kvec(&m.msg_iter, ITER_DEST, &iov, 1, sizeof(byte));
	return c->tls->recvmsg(c->sock, &m, sizeof(byte),
			       MSG_PEEK | MSG_DONTWAIT);
}

/**
 * weft_ktls_take_control() - the next record may be a control record
 * @c: a LIVE conn
 *
 * Return: 1, one was taken; 0, it is data, or there is none; negative, the
 * error of the read, or as weft_ktls_take_queued().
 */
int weft_ktls_take_control(struct weft_conn *c)
{
	int n;

	mutex_lock(&c->ctl);
	n = peek(c);
	if (n >= 0 || n == -EIO)
		n = take_queued(c);
	else if (n == -EAGAIN)
		n = 0;
	mutex_unlock(&c->ctl);
	return n;
}

/**
 * weft_ktls_drain() - take what is not data, as far as there is none
 * @c: a LIVE conn, or one that closes
 *
 * A peer that never ends its control records does not keep us.
 *
 * Return: is there data to read?
 */
bool weft_ktls_drain(struct weft_conn *c)
{
	int n, taken, left = WEFT_DRAIN_MAX;

	do {
		if (READ_ONCE(c->rx_eof) || READ_ONCE(c->rx_err))
			return false;
		mutex_lock(&c->ctl);
		n = peek(c);
		taken = n >= 0 || n == -EIO ? take_queued(c) : 0;
		mutex_unlock(&c->ctl);
	} while (n <= 0 && taken > 0 && --left);
	return n > 0;
}

/**
 * weft_ktls_truncated() - the peer's FIN came without its close_notify
 * @c: a LIVE conn
 *
 * Somebody cut the stream. Return: -ECONNRESET, what every read gets.
 */
int weft_ktls_truncated(struct weft_conn *c)
{
	weft_count(c->wn, eof_truncated);
	rx_failed(c, WEFT_REASON_TRUNCATED);
	return -ECONNRESET;
}
