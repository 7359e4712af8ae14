// SPDX-License-Identifier: GPL-2.0
/*
 * Parking the application until the verdict: calls wait on c->wq as long as
 * the socket's timeouts and signals allow. The worker that has the conn in
 * hand passes. All in process context, the socket not locked.
 *
 * A permissive server's child whose peer did not say on its SYN that it speaks
 * mesh, and whose address is not registered, is in SNIFF: what the application
 * writes first goes out as plaintext (so protocols where the server speaks
 * first just work), and what it would read is looked at: a ClientHello asks for
 * a handshake, anything else is plaintext, if the policies allow it from a peer
 * without identity. Nothing waits for a timeout.
 */
#include <net/sock.h>
#include <net/tcp.h>
#include "handshake.h"
#include "hold.h"
#include "judge.h"
#include "upcall.h"

/**
 * weft_hold() - wait until the conn is settled
 * @c: the conn
 * @rd: the call would read (whose timeout counts)
 * @nonblock: the call must not wait
 *
 * Return: 0, settled, or the caller is the worker; -EAGAIN; -ERESTARTSYS or
 * -EINTR after a signal, as TCP chooses them; -ECONNABORTED, the caller is a
 * worker that has lost this conn.
 */
int weft_hold(struct weft_conn *c, bool rd, bool nonblock)
{
	struct sock *sk = c->sock->sk;
	long timeo, left;

	if (likely(weft_conn_settled(c)))
		return 0;
	if (weft_handshake_mine(c))
		return READ_ONCE(c->aborting) ? -ETIMEDOUT : 0;
	if (weft_worker_current(c->wn))
		return -ECONNABORTED;
	timeo = rd ? sock_rcvtimeo(sk, nonblock) : sock_sndtimeo(sk, nonblock);
	if (!timeo)
		return -EAGAIN;
	left = wait_event_interruptible_timeout(c->wq, weft_conn_settled(c),
						timeo);
	if (left == -ERESTARTSYS)
		return sock_intr_errno(timeo);
	return left ? 0 : -EAGAIN;
}

/* The application sees what it sees of a client that failed its handshake. */
static bool refuse(struct weft_conn *c, u8 reason)
{
	/* held until it is over: who finds it DEAD finds the error, too */
	if (!weft_conn_move(c, WEFT_CONN_SNIFF, WEFT_CONN_HANDSHAKE))
		return false;
	weft_conn_set_verdict(c, reason, ECONNRESET);
	weft_conn_abort(c, ECONNRESET);
	weft_conn_report(c, reason == WEFT_REASON_POLICY_DENIED ?
			    WEFT_EVENT_CONN_DENIED : WEFT_EVENT_CONN_FAILED);
	return true;
}

static bool permit(struct weft_conn *c)
{
	if (!weft_conn_move(c, WEFT_CONN_SNIFF, WEFT_CONN_PASS))
		return false;
	weft_conn_unclaim(c);
	wake_up_all(&c->wq);
	weft_conn_set_verdict(c, WEFT_REASON_PLAINTEXT, 0);
	weft_conn_report(c, WEFT_EVENT_CONN_PASS);
	return true;
}

/* It is plaintext, which the mode of a server's port permitted. */
static void pass(struct weft_conn *c)
{
	bool audit, done;
	u8 reason;

	mutex_lock(&c->mu);
	if (weft_conn_state(c) == WEFT_CONN_SNIFF) {
		reason = weft_judge(c, &audit);
		done = reason ? refuse(c, reason) : permit(c);
		if (!done) {		/* reset, or TLS after all */
			weft_conn_set_string(&c->policy, NULL, 0);
			weft_conn_set_string(&c->audit, NULL, 0);
			weft_conn_set_string(&c->registered, NULL, 0);
		}
	}
	mutex_unlock(&c->mu);
}

/* What a TLS connection begins with: ContentType handshake, major version 3. */
static int sniff_bytes(const u8 *b, int n)
{
	if (n >= 1 && b[0] != 22)
		return false;
	if (n >= 2 && b[1] != 3)
		return false;
	return n >= 3 ? true : -EAGAIN;
}

static int sniff_peek(struct weft_conn *c, u8 *b, int want, int flags)
{
	struct kvec iov = { b, want };
	struct msghdr m = {};

	iov_iter_kvec(&m.msg_iter, ITER_DEST, &iov, 1, want);
	return c->base->recvmsg(c->sock, &m, want, flags | MSG_PEEK);
}

/* Look at the first bytes; 0: decided, or the error of the call. */
static int sniff(struct weft_conn *c, int flags)
{
	int want = 1, n, tls;
	u8 b[3];

	for (;;) {
		n = sniff_peek(c, b, want, flags |
			       (want > 1 ? MSG_WAITALL : 0));
		if (n < 0)
			return n;
		tls = n > 0 ? sniff_bytes(b, n) : false;
		if (tls != -EAGAIN)
			break;
		if (want == 1) {
			want = 3;
			continue;
		}
		/* too short to tell, and it stays so after a FIN */
		if (READ_ONCE(c->sock->sk->sk_shutdown) & RCV_SHUTDOWN)
			break;
		if (flags & MSG_DONTWAIT)
			return -EAGAIN;
	}
	if (tls > 0)
		weft_conn_want(c);
	else
		pass(c);
	return 0;
}

/**
 * weft_hold_sniff() - without waiting: is there enough to tell what it is?
 * @c: a conn in SNIFF
 *
 * Return: true if the conn has left SNIFF.
 */
bool weft_hold_sniff(struct weft_conn *c)
{
	return !sniff(c, MSG_DONTWAIT);
}

/**
 * weft_hold_read() - before anything that reads
 * @c: the conn
 * @flags: MSG_DONTWAIT counts
 *
 * Return: as weft_hold().
 */
int weft_hold_read(struct weft_conn *c, int flags)
{
	int err;

	if (weft_conn_state(c) == WEFT_CONN_SNIFF) {
		err = sniff(c, flags & MSG_DONTWAIT);
		if (err)
			return err;
	}
	return weft_hold(c, true, flags & MSG_DONTWAIT);
}

/**
 * weft_hold_write() - before anything that writes or shuts down
 * @c: the conn
 * @flags: MSG_DONTWAIT counts
 *
 * Return: as weft_hold().
 */
int weft_hold_write(struct weft_conn *c, int flags)
{
	if (weft_conn_state(c) == WEFT_CONN_SNIFF && !weft_hold_sniff(c))
		pass(c);
	return weft_hold(c, false, flags & MSG_DONTWAIT);
}
