// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's half of a handshake, see handshake.h. All of it in process
 * context with c->mu held and a reference on the socket's file.
 *
 *   WANT -- accept() --> HANDSHAKE -- judge() -- done() --> LIVE
 *     ^                      |  \
 *     '-- worker gone, no ---'   '-- anything else: client: next endpoint,
 *         byte exchanged             server: DEAD
 *
 * Only the worker ends HANDSHAKE while it lives: it has a descriptor of the
 * socket, and what it might still write must not reach another endpoint. When
 * time is up its I/O fails (->aborting), so that it says so.
 */
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <net/tcp.h>
#include "connect.h"
#include "handshake.h"
#include "judge.h"
#include "ktls.h"
#include "limits.h"
#include "upcall.h"

/* Its calls do not pass any more. */
static void drop_daemon(struct weft_conn *c)
{
	struct pid *old = c->daemon;

	WRITE_ONCE(c->daemon, NULL);
	put_pid(old);
}

/*
 * SO_RCVLOWAT is the application's wish for its own reads: the worker wants to
 * hear of every byte. The socket is locked.
 */
static void park_lowat(struct weft_conn *c)
{
	struct sock *sk = c->sock->sk;

	if (sk->sk_rcvlowat <= 1)
		return;
	c->user_lowat = sk->sk_rcvlowat;
	WRITE_ONCE(sk->sk_rcvlowat, 1);
}

/**
 * weft_handshake_park() - is SO_RCVLOWAT out of the worker's way?
 * @c: a conn in HANDSHAKE; its worker is about to wait for bytes
 */
void weft_handshake_park(struct weft_conn *c)
{
	struct sock *sk = c->sock->sk;

	if (READ_ONCE(sk->sk_rcvlowat) <= 1)
		return;
	lock_sock(sk);
	park_lowat(c);
	release_sock(sk);
}

/**
 * weft_handshake_unpark() - the worker is gone: SO_RCVLOWAT counts again
 * @c: the conn; its socket is locked. LIVE, it counts for us: ktls_recv.c
 */
void weft_handshake_unpark(struct weft_conn *c)
{
	int val = c->user_lowat;

	if (weft_conn_state(c) == WEFT_CONN_LIVE)
		return;
	c->user_lowat = 0;
	if (val > 1)
		c->base->set_rcvlowat(c->sock->sk, val);
}

/* What it still may take a worker to notice that its time is up. */
#define GRACE	HZ

/**
 * weft_handshake_accept() - a worker takes the conn
 * @c: the conn
 * @portid: the worker's netlink socket
 *
 * Bytes of a thread that was inside send() when the socket became a conn would
 * go out among the handshake's: such a connection fails. Also sets the ULP,
 * while the connection is still ESTABLISHED: tls_init() refuses any other
 * state, and the peer may close as soon as it is done.
 *
 * Return: 0, c is in HANDSHAKE and the caller's calls pass the hold; -EALREADY,
 * somebody else was faster, or it died; -EPROTO, no ULP (the conn has failed).
 */
int weft_handshake_accept(struct weft_conn *c, u32 portid)
{
	struct sock *sk = c->sock->sk;
	struct tcp_sock *tp = tcp_sk(sk);
	int err;

	if (weft_conn_state(c) != WEFT_CONN_WANT)
		return -EALREADY;
	drop_daemon(c);
	WRITE_ONCE(c->daemon, get_pid(task_tgid(current)));
	c->worker = portid;
	lock_sock(sk);
	c->write_seq = tp->write_seq;
	c->sent_seq = tp->write_seq;
	WRITE_ONCE(c->may_send_seq, tp->write_seq);
	c->stale = c->write_seq != tp->snd_una || sk->sk_write_pending;
	release_sock(sk);
	c->copied_seq = READ_ONCE(tp->copied_seq);
	c->judged = false;
	c->resumed = false;
	weft_conn_set_string(&c->peer_identity, NULL, 0);
	c->peer_serial[0] = '\0';
	WRITE_ONCE(c->generation, weft_judge_generation(c->wn));
	c->aborting = false;
	c->keys = 0;
	weft_rekey_stop(c);
	if (!weft_conn_move(c, WEFT_CONN_WANT, WEFT_CONN_HANDSHAKE))
		return -EALREADY;
	lock_sock(sk);
	park_lowat(c);			/* from now on setsockopt() does */
	release_sock(sk);
	err = c->stale ? -EPROTO : weft_ktls_prepare(c);
	if (!err)
		return 0;
	weft_handshake_done(c, &(struct weft_done){
		.reason = sk->sk_state == TCP_ESTABLISHED ?
			  WEFT_REASON_RESOURCES : WEFT_REASON_RESET,
		.err = c->role == WEFT_ROLE_CLIENT ? ECONNREFUSED :
						     ECONNRESET });
	return -EPROTO;
}

/**
 * weft_handshake_alone() - has nobody but the worker written, or is about to?
 * @c: in HANDSHAKE; its socket is locked
 *
 * A thread may have been on its way into tcp_sendmsg() when the socket became a
 * conn. The hold does not stop it; netfilter drops what it writes.
 */
bool weft_handshake_alone(const struct weft_conn *c)
{
	const struct sock *sk = c->sock->sk;

	return tcp_sk(sk)->write_seq == c->sent_seq && !sk->sk_write_pending;
}

/**
 * weft_handshake_sendmsg() - the worker writes
 * @c: in HANDSHAKE, the caller's
 * @m: the message
 * @len: its length
 *
 * The application may have corked the socket, for its own data.
 *
 * Return: as tcp_sendmsg() with MSG_DONTWAIT; -EPROTO, somebody else wrote, or
 * the keys are in and it has nothing more to say.
 */
int weft_handshake_sendmsg(struct weft_conn *c, struct msghdr *m, size_t len)
{
	struct sock *sk = c->sock->sk;
	u8 nonagle;
	int n = -EPROTO;

	m->msg_flags = (m->msg_flags & ~MSG_FASTOPEN) | MSG_DONTWAIT;
	lock_sock(sk);
	if (!(READ_ONCE(c->keys) & 1) && weft_handshake_alone(c)) {
		WRITE_ONCE(c->may_send_seq, c->sent_seq + (u32)len);
		nonagle = tcp_sk(sk)->nonagle;
		tcp_sk(sk)->nonagle = TCP_NAGLE_OFF;
		n = tcp_sendmsg_locked(sk, m, len);
		tcp_sk(sk)->nonagle = nonagle;
		c->sent_seq = tcp_sk(sk)->write_seq;
		WRITE_ONCE(c->may_send_seq, c->sent_seq);
	}
	release_sock(sk);
	return n;
}

/**
 * weft_handshake_may_send() - may this payload leave?
 * @c: a conn; any context
 * @end: sequence number behind it
 *
 * DEAD after a handshake that failed, the worker's last words may still leave;
 * after LIVE or PASS, what is in TCP's queue while release() runs. Of one that
 * is to be reset nothing, whoever has its socket locked until then.
 *
 * Return: false for plaintext of the application, which must not.
 */
bool weft_handshake_may_send(const struct weft_conn *c, u32 end)
{
	if (unlikely(READ_ONCE(c->cut)))
		return false;
	switch (weft_conn_state(c)) {
	case WEFT_CONN_CONNECTING:
	case WEFT_CONN_WANT:
		return false;
	case WEFT_CONN_DEAD:
		if (READ_ONCE(c->open))
			return true;
		fallthrough;
	case WEFT_CONN_HANDSHAKE:
		return !after(end, READ_ONCE(c->may_send_seq));
	default:
		return true;
	}
}

/**
 * weft_handshake_unaccept() - the descriptor could not be handed over
 * @c: in HANDSHAKE since the caller's weft_handshake_accept()
 */
void weft_handshake_unaccept(struct weft_conn *c)
{
	if (!weft_conn_move(c, WEFT_CONN_HANDSHAKE, WEFT_CONN_WANT))
		return;
	c->offer_lost = true;
	weft_conn_kick(c);
}

/* Who may be at the other end, under the current generation. */
static void judge(struct weft_conn *c)
{
	bool audit;
	u8 reason = weft_judge(c, &audit);

	weft_conn_set_verdict(c, reason, reason ? EACCES : 0);
	c->judged = !reason;
	if (c->judged)			/* what an earlier endpoint had */
		weft_conn_set_string(&c->detail, NULL, 0);
}

/**
 * weft_handshake_judge() - may this peer be at the other end?
 * @c: in HANDSHAKE, the caller's
 * @peer: the SPIFFE ID the worker verified
 * @serial: of the peer's certificate, as revocations have it; NULL: not known
 *
 * The verdict is in c->reason, err, policy, revocation and generation.
 *
 * Return: 0; -ECANCELED it is not the caller's (any more); -ENOMEM.
 */
int weft_handshake_judge(struct weft_conn *c, const char *peer,
			 const char *serial)
{
	if (!weft_handshake_mine(c))
		return -ECANCELED;
	if (weft_conn_set_string(&c->peer_identity, peer, WEFT_IDENTITY_MAX))
		return -ENOMEM;
	strscpy(c->peer_serial, serial ?: "", sizeof(c->peer_serial));
	judge(c);
	return 0;
}

/* The application shut down what it had not yet: now it can be said. */
static void late_shutdown(struct weft_conn *c, u8 shut)
{
	if (shut & SEND_SHUTDOWN)
		weft_ktls_close_notify(c);
	c->base->shutdown(c->sock, shut - 1);	/* as inet_shutdown() maps */
}

/* Both keys are in, the peer is allowed: the application may have it. */
static int handshake_live(struct weft_conn *c, const struct weft_done *d)
{
	struct sock *sk = c->sock->sk;
	u8 shut;

	if (c->keys != 3 || !c->peer_identity)
		return -EINVAL;
	judge(c);			/* the generation may have changed */
	if (!c->judged)
		return -EACCES;
	c->resumed = d->resumed;
	weft_conn_set_string(&c->cipher, d->cipher, WEFT_CIPHER_MAX);
	drop_daemon(c);
	lock_sock(sk);
	if (!weft_handshake_alone(c)) {	/* it would write past kTLS */
		release_sock(sk);
		return -EBUSY;
	}
	cancel_delayed_work(&c->work);	/* LIVE, it flushes: see ktls_send.c */
	/* a close_notify or FIN may wait already: that does not matter */
	if (!weft_conn_move(c, WEFT_CONN_HANDSHAKE, WEFT_CONN_LIVE)) {
		release_sock(sk);
		return -ECANCELED;
	}
	if (c->role == WEFT_ROLE_CLIENT)
		weft_connect_live(c);
	weft_conn_unclaim(c);		/* the ULP refuses sockmap now */
	if (c->tcp_closed && !sk->sk_err)	/* a RST, muted */
		WRITE_ONCE(sk->sk_err, c->tcp_err ?: ECONNRESET);
	weft_ktls_start(c);
	weft_connect_unmute(c);
	shut = c->shut;
	release_sock(sk);
	if (shut)
		late_shutdown(c, shut);
	weft_conn_report(c, WEFT_EVENT_CONN_LIVE);
	wake_up_all(&c->wq);
	lock_sock(sk);
	sk->sk_state_change(sk);
	release_sock(sk);
	return 0;
}

/*
 * A server's child failed. A denied peer reads our denial: FIN, not RST, which
 * could overtake it. The application reads neither data nor a clean end.
 */
static void server_failed(struct weft_conn *c, u8 reason, int err)
{
	struct sock *sk = c->sock->sk;
	bool denied = reason == WEFT_REASON_POLICY_DENIED ||
		      reason == WEFT_REASON_REVOKED;

	weft_conn_set_verdict(c, reason, err);
	if (c->by_registry && !c->peer_identity)
		weft_judge_registered(c);
	if (denied) {
		c->base->shutdown(c->sock, SHUT_RDWR);
		lock_sock(sk);
		WRITE_ONCE(sk->sk_err, ECONNRESET);
		release_sock(sk);
		weft_conn_settle(c, WEFT_CONN_DEAD);
		sk_error_report(sk);
	} else {
		weft_conn_abort(c, ECONNRESET);
	}
	weft_conn_report(c, denied ? WEFT_EVENT_CONN_DENIED :
				     WEFT_EVENT_CONN_FAILED);
}

static void handshake_failed(struct weft_conn *c, u8 reason, int err)
{
	drop_daemon(c);
	if (c->role == WEFT_ROLE_SERVER) {
		server_failed(c, reason, err);
		return;
	}
	c->fail_reason = reason;
	c->fail_err = err;
	weft_conn_kick(c);		/* the driver goes on, see connect.c */
}

/**
 * weft_handshake_done() - the worker says how it ended
 * @c: in HANDSHAKE, the caller's
 * @d: its words
 *
 * Return: 0; -EINVAL, "it worked" without keys or judgement, and the conn has
 * failed; -EACCES, the configuration changed meanwhile and the peer is not
 * allowed any more, the conn has failed; -ECANCELED, the conn is not the
 * caller's (any more).
 */
int weft_handshake_done(struct weft_conn *c, const struct weft_done *d)
{
	int err = 0;

	if (!weft_handshake_mine(c))
		return -ECANCELED;
	if (d->detail)
		weft_conn_set_string(&c->detail, d->detail, WEFT_DETAIL_MAX);
	if (d->reason != WEFT_REASON_NONE && d->peer && !c->peer_identity)
		weft_conn_set_string(&c->peer_identity, d->peer,
				     WEFT_IDENTITY_MAX);
	if (d->reason == WEFT_REASON_NONE) {
		err = handshake_live(c, d);
		if (!err || err == -ECANCELED)
			return err;
		handshake_failed(c, err == -EACCES ? c->reason :
				 WEFT_REASON_TLS, err == -EACCES ? EACCES :
				 ECONNREFUSED);
		return err;
	}
	if (c->aborting && c->fail_reason) {	/* we know better why */
		handshake_failed(c, c->fail_reason, c->fail_err);
		return 0;
	}
	handshake_failed(c, d->reason, d->err ?: ECONNREFUSED);
	return 0;
}

/* Is a process gone or going, with all its descriptors? */
static bool process_gone(struct pid *tgid)
{
	struct task_struct *p;
	bool gone;

	rcu_read_lock();
	p = pid_task(tgid, PIDTYPE_TGID);
	gone = !p || READ_ONCE(p->signal->flags) & SIGNAL_GROUP_EXIT;
	rcu_read_unlock();
	return gone;
}

/**
 * weft_handshake_orphaned() - the worker that had the conn is gone
 * @c: in HANDSHAKE
 *
 * Nothing exchanged yet: back to WANT. Else it fails; a client begins again at
 * the same endpoint if the worker's process is gone with all its descriptors.
 */
void weft_handshake_orphaned(struct weft_conn *c)
{
	struct tcp_sock *tp = tcp_sk(c->sock->sk);
	bool gone;

	if (!c->daemon)			/* failed already, the driver is due */
		return;
	gone = process_gone(c->daemon);
	if (gone && c->write_seq == READ_ONCE(tp->write_seq) &&
	    c->copied_seq == READ_ONCE(tp->copied_seq) && !c->keys) {
		drop_daemon(c);
		if (weft_conn_move(c, WEFT_CONN_HANDSHAKE, WEFT_CONN_WANT)) {
			weft_count(c->wn, handshakes_requeued);
			weft_upcall_offer(c);
			weft_conn_kick(c);
		}
		return;
	}
	if (!gone)
		c->spent = true;	/* its descriptor is still out there */
	handshake_failed(c, WEFT_REASON_DAEMON_DIED, ECONNREFUSED);
}

/* The worker's I/O fails from now on, so that it gives the socket back. */
static void abort_worker(struct weft_conn *c, u8 reason, int err)
{
	struct sock *sk = c->sock->sk;

	WRITE_ONCE(c->aborting, true);
	c->fail_reason = reason;
	c->fail_err = err;
	c->deadline = jiffies + GRACE;
	lock_sock(sk);			/* kTLS's data_ready relies on it */
	sk->sk_data_ready(sk);		/* wakes the worker, not connect() */
	release_sock(sk);
}

/**
 * weft_handshake_cancel() - the application does not want it any more
 * @c: a client's conn in HANDSHAKE
 *
 * It is DEAD in GRACE at the latest, and whoever waits on c->wq is woken.
 */
void weft_handshake_cancel(struct weft_conn *c)
{
	if (c->aborting)
		return;
	abort_worker(c, WEFT_REASON_CLOSED, ECONNABORTED);
	mod_delayed_work(weft_wq, &c->work, GRACE);
}

/**
 * weft_handshake_timeout() - the deadline is over
 * @c: in WANT or HANDSHAKE
 *
 * In HANDSHAKE the worker's I/O begins to fail; if it does not say so within a
 * second the conn ends without it.
 */
void weft_handshake_timeout(struct weft_conn *c)
{
	weft_count(c->wn, timeouts);
	if (weft_conn_state(c) == WEFT_CONN_WANT) {
		if (weft_conn_move(c, WEFT_CONN_WANT, WEFT_CONN_HANDSHAKE))
			handshake_failed(c, WEFT_REASON_NO_DAEMON,
					 ECONNREFUSED);
		return;
	}
	if (c->aborting) {
		c->spent = true;
		handshake_failed(c, c->fail_reason, c->fail_err);
		return;
	}
	abort_worker(c, WEFT_REASON_HANDSHAKE_TIMEOUT, ETIMEDOUT);
	queue_delayed_work(weft_wq, &c->work, GRACE);
}

/**
 * weft_handshake_watch() - look again in time
 * @c: a conn in @state, WANT or HANDSHAKE, before its deadline; its own work
 * @state: likewise
 *
 * In the hands of a worker it does not matter who else did not hear of it.
 */
void weft_handshake_watch(struct weft_conn *c, u8 state)
{
	bool lost = false;

	if (state == WEFT_CONN_WANT && c->offer_lost) {
		weft_upcall_offer(c);
		lost = c->offer_lost;
	}
	queue_delayed_work(weft_wq, &c->work,
			   lost ? HZ / 20 : c->deadline - jiffies + 1);
}

/**
 * weft_handshake_step() - the deadline work of a server's conn
 * @c: a server's conn in any state
 */
void weft_handshake_step(struct weft_conn *c)
{
	u8 state = weft_conn_state(c);

	if (state != WEFT_CONN_WANT && state != WEFT_CONN_HANDSHAKE)
		return;
	if (time_before(jiffies, c->deadline))
		weft_handshake_watch(c, state);
	else
		weft_handshake_timeout(c);
}
