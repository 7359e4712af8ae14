// SPDX-License-Identifier: GPL-2.0
/*
 * The records of a LIVE conn that are not data. Process context.
 *
 * kTLS reports one as -EIO to a reader without a cmsg buffer and leaves it
 * queued. Only weft_ktls_take_control(), under c->ctl, consumes one. Alerts are
 * RFC 8446 section 6: close_notify is the end of the stream, any other is
 * fatal. Post-handshake messages (section 4.6): tickets are thrown away, a
 * KeyUpdate cannot be followed here and resets the connection. So does a record
 * that is none or not the peer's, for which kTLS has errors that no reader of a
 * TCP socket knows.
 */
#include <net/tcp.h>
#include <net/tls.h>
#include "ktls.h"
#include "ktls_priv.h"

#define HANDSHAKE_KEY_UPDATE	24

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
	if (!(sk->sk_shutdown & RCV_SHUTDOWN)) {	/* no FIN yet */
		WRITE_ONCE(sk->sk_shutdown, sk->sk_shutdown | RCV_SHUTDOWN);
		sk->sk_state_change(sk);
	}
	release_sock(sk);
}

static void rx_failed(struct weft_conn *c, u8 reason)
{
	WRITE_ONCE(c->reason, reason);
	WRITE_ONCE(c->rx_err, -ECONNRESET);
}

static void take_alert(struct weft_conn *c, u8 desc)
{
	if (desc == WEFT_ALERT_CLOSE_NOTIFY) {
		rx_closed(c);
		return;
	}
	weft_count(c->wn, alerts);
	rx_failed(c, WEFT_REASON_ALERT);
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

/**
 * weft_ktls_take_control() - the head of the stream may be a control record
 * @c: a LIVE conn
 *
 * Return: 1, one was taken; 0, it is data; negative, the error of the read.
 */
int weft_ktls_take_control(struct weft_conn *c)
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
	if (type == WEFT_RECORD_ALERT && n >= 2)
		take_alert(c, buf[1]);
	else if (type == WEFT_RECORD_HANDSHAKE)
		take_message(c, buf, n, eor);
	else
		rx_failed(c, WEFT_REASON_ALERT);
	n = 1;
out:
	mutex_unlock(&c->ctl);
	return n;
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

/*
 * TCP answers a close() with unread data by a reset; what kTLS has decrypted it
 * does not see any more.
 */
static bool reset_on_close(struct weft_conn *c)
{
	struct sock *sk = c->sock->sk;

	if (weft_ktls_inq(c) == 0)
		return sock_flag(sk, SOCK_LINGER) && !sk->sk_lingertime;
	lock_sock(sk);
	sock_set_flag(sk, SOCK_LINGER);
	sk->sk_lingertime = 0;
	release_sock(sk);
	return true;
}

/**
 * weft_ktls_close() - the application closes a LIVE conn
 * @c: the conn, in release()
 *
 * An unread close_notify must not turn our FIN into a RST, and ours goes out
 * even when the send buffer is full, unless TCP would send a RST, too.
 */
void weft_ktls_close(struct weft_conn *c)
{
	while (!c->rx_eof && !c->rx_err && weft_ktls_take_control(c) > 0)
		;
	if (reset_on_close(c))
		return;
	weft_ktls_cork(c);
	weft_ktls_close_notify(c);
}

/**
 * weft_ktls_orphaned() - TCP's release() of a LIVE conn is over
 * @sk: its socket; the caller has a reference, which is dropped here
 *
 * Until our FIN is acknowledged the orphan still sends the end of our stream. It
 * would answer the peer's close_notify, data to TCP, by a reset and forget what
 * the peer has not got yet, where it takes a bare FIN. So it takes data, too,
 * which nobody reads. When all was acknowledged a reset does no harm: see
 * weft_ktls_closed().
 */
void weft_ktls_orphaned(struct sock *sk)
{
	local_bh_disable();
	bh_lock_sock(sk);
	if (sk->sk_state == TCP_FIN_WAIT1 && sock_flag(sk, SOCK_DEAD) &&
	    !sock_owned_by_user(sk))
		WRITE_ONCE(sk->sk_shutdown, sk->sk_shutdown & ~RCV_SHUTDOWN);
	bh_unlock_sock(sk);
	local_bh_enable();
	sock_put(sk);
}
