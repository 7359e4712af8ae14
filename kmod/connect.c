// SPDX-License-Identifier: GPL-2.0
/*
 * The connect driver of a client's conn. connect() makes the first attempt
 * itself; what comes later (refused, silent, denied ...) is done by the conn's
 * work, under c->mu and holding the file. The application waits on c->wq, or,
 * non-blocking, sees nothing until the verdict: after ANY wake-up of the
 * socket's wait queue io_uring would run connect() again and complete with
 * -EALREADY, so sk_state_change and sk_error_report are muted till then.
 *
 * Between attempts the socket is disconnected, with everything that would tell
 * of the failed one (sk_err, sk_err_soft, error queue). Bound port and options
 * survive; those that tcp_disconnect() forgets are put back.
 */
#include <linux/delay.h>
#include <linux/random.h>
#include <linux/srcu.h>
#include <net/tcp.h>
#include "connect.h"
#include "handshake.h"
#include "ktls.h"
#include "limits.h"
#include "stale.h"
#include "upcall.h"

/**
 * weft_connect_parse() - read a sockaddr given to connect()
 * @sk: the socket
 * @uaddr: kernel memory
 * @len: its length
 * @dst: the destination, on success
 * @flowinfo: of an IPv6 address, on success
 *
 * Return: is it an address this socket could connect to?
 */
bool weft_connect_parse(const struct sock *sk, const void *uaddr, int len,
			struct weft_addr *dst, u32 *flowinfo)
{
	const struct sockaddr_in *a4 = uaddr;
	const struct sockaddr_in6 *a6 = uaddr;

	*flowinfo = 0;
	if (len >= (int)sizeof(*a4) && a4->sin_family == AF_INET &&
	    sk->sk_family == AF_INET) {
		ipv6_addr_set_v4mapped(a4->sin_addr.s_addr, &dst->ip);
		dst->port = ntohs(a4->sin_port);
		return true;
	}
	if (len < SIN6_LEN_RFC2133 || a6->sin6_family != AF_INET6 ||
	    sk->sk_family != AF_INET6)
		return false;
	dst->ip = a6->sin6_addr;
	dst->port = ntohs(a6->sin6_port);
	*flowinfo = (__force u32)a6->sin6_flowinfo;
	return true;
}

/* An endpoint as a sockaddr of the socket's family. Returns its length. */
static int to_sockaddr(const struct weft_conn *c, const struct weft_addr *to,
		       struct sockaddr_storage *ss)
{
	struct sockaddr_in *a4 = (void *)ss;
	struct sockaddr_in6 *a6 = (void *)ss;

	memset(ss, 0, sizeof(*ss));
	if (c->sock->sk->sk_family == AF_INET) {
		a4->sin_family = AF_INET;
		a4->sin_addr.s_addr = to->ip.s6_addr32[3];
		a4->sin_port = htons(to->port);
		return sizeof(*a4);
	}
	a6->sin6_family = AF_INET6;
	a6->sin6_addr = to->ip;
	a6->sin6_port = htons(to->port);
	a6->sin6_flowinfo = (__force __be32)c->flowinfo;
	return sizeof(*a6);
}

/* ------------------------------------------------------------ muting */

static void no_report(struct sock *sk)
{
}

static void mute(struct weft_conn *c)	/* sk locked */
{
	struct sock *sk = c->sock->sk;

	if (c->report)
		return;
	c->report = sk->sk_error_report;
	c->change = sk->sk_state_change;
	sk->sk_error_report = no_report;
	sk->sk_state_change = no_report;
	/* no plaintext in our SYN; the worker's reads are not the user's */
	c->user_fastopen = tcp_sk(sk)->fastopen_connect;
	tcp_sk(sk)->fastopen_connect = 0;
	c->user_peek_off = sk->sk_peek_off;
	WRITE_ONCE(sk->sk_peek_off, -1);
}

/**
 * weft_connect_unmute() - let the socket speak again
 * @c: a conn, muted or not; its socket is locked
 */
void weft_connect_unmute(struct weft_conn *c)
{
	struct sock *sk = c->sock->sk;

	weft_handshake_unpark(c);
	if (!c->report)
		return;
	sk->sk_error_report = c->report;
	sk->sk_state_change = c->change;
	c->report = NULL;
	tcp_sk(sk)->fastopen_connect = c->user_fastopen;
	WRITE_ONCE(sk->sk_peek_off, c->user_peek_off);
}

/* ------------------------------------------------------------ attempts */

static struct weft_endpoint *endpoint_at(const struct weft_conn *c)
{
	return &c->steer.service->endpoints[c->tried[c->n_tried - 1]];
}

static void attempt_begun(struct weft_conn *c, int i,
			  const struct weft_addr *to)
{
	struct weft_attempt *a = &c->attempts[c->n_tried];

	c->tried[c->n_tried] = i;
	c->n_tried++;
	a->addr = *to;
	a->endpoint = i;
	a->err = 0;
	a->reason = WEFT_REASON_NONE;
	atomic64_inc(&endpoint_at(c)->stats->attempts);
	weft_count(c->wn, attempts);
}

static void attempt_failed(struct weft_conn *c, u8 reason, int err)
{
	struct weft_attempt *a;

	weft_conn_set_verdict(c, reason, err);
	if (!c->n_tried)
		return;
	a = &c->attempts[c->n_tried - 1];
	a->reason = reason;
	a->err = err;
	atomic64_inc(&endpoint_at(c)->stats->failures);
	weft_upcall_event(c, WEFT_EVENT_ENDPOINT_FAILED);
}

static u8 reason_of(int err)
{
	switch (err) {
	case ECONNREFUSED:
		return WEFT_REASON_REFUSED;
	case ECONNRESET:
	case EPIPE:
	case ECONNABORTED:
		return WEFT_REASON_RESET;
	case ETIMEDOUT:
		return WEFT_REASON_SILENT;
	default:
		return WEFT_REASON_UNREACHABLE;
	}
}

/*
 * The next endpoint, of the family of the first attempt: a socket that spoke
 * IPv4-mapped cannot go back to IPv6 (tcp_v6_connect() changes its af_ops).
 */
static int next_endpoint(struct weft_conn *c, struct weft_addr *to)
{
	const struct sock *sk = c->sock->sk;
	bool mapped;
	int i;

	if (c->n_tried >= WEFT_ATTEMPTS_MAX)
		return -1;
	if (sk->sk_family == AF_INET)
		mapped = true;
	else if (c->n_tried)
		mapped = ipv6_addr_v4mapped(&c->attempts[0].addr.ip);
	else
		mapped = ipv6_addr_v4mapped(&c->asked.ip);
	i = weft_steer_next(&c->steer, c->tried, c->n_tried, mapped, !mapped,
			    to);
	if (i >= 0 || c->n_tried || sk->sk_family == AF_INET ||
	    (!mapped && ipv6_only_sock(sk)))
		return i;
	return weft_steer_next(&c->steer, c->tried, 0, !mapped, mapped, to);
}

static bool another_left(struct weft_conn *c)
{
	struct weft_addr to;

	return next_endpoint(c, &to) >= 0;
}

/* The endpoint's time; the last one has TCP's own unless the service says. */
static unsigned long attempt_time(struct weft_conn *c)
{
	return msecs_to_jiffies(c->steer.service->connect_timeout);
}

/* TCP towards one endpoint. 0 or -EINPROGRESS: under way; else its error. */
static int attempt(struct weft_conn *c, const struct weft_addr *to)
{
	struct sock *sk = c->sock->sk;
	struct sockaddr_storage ss;
	int len = to_sockaddr(c, to, &ss), err;

	lock_sock(sk);
	c->tcp_closed = false;
	c->tcp_err = 0;
	c->fail_reason = WEFT_REASON_NONE;
	mute(c);
	weft_conn_settle(c, WEFT_CONN_CONNECTING);
	weft_conn_claim(c);
	release_sock(sk);
	c->attempt_end = jiffies + attempt_time(c);
	cancel_delayed_work(&c->work);
	/* before: ESTABLISHED may come at once, and sets the work itself */
	queue_delayed_work(weft_wq, &c->work, attempt_time(c));
	WRITE_ONCE(c->connecting, current);
	err = c->base->connect(c->sock, (struct weft_sockaddr *)&ss, len,
			       O_NONBLOCK);
	WRITE_ONCE(c->connecting, NULL);
	if (READ_ONCE(sk->sk_err_soft))	/* ICMP while we held the lock */
		weft_conn_kick(c);
	return err;
}

/* tcp_disconnect() forgets some of the options; locked. */
static void disconnect_locked(struct weft_conn *c)
{
	struct sock *sk = c->sock->sk;
	struct inet_connection_sock *icsk = inet_csk(sk);
	struct tcp_sock *tp = tcp_sk(sk);
	u16 user_mss = tp->rx_opt.user_mss;
	u32 delack_max = icsk->icsk_delack_max;
	u32 rto_min = icsk->icsk_rto_min;
	int peek_off = sk->sk_peek_off;

	weft_base_prot[weft_family(sk)]->disconnect(sk, O_NONBLOCK);
	WRITE_ONCE(sk->sk_peek_off, peek_off);
	WRITE_ONCE(icsk->icsk_rto_min, rto_min);
	WRITE_ONCE(icsk->icsk_delack_max, delack_max);
	WRITE_ONCE(tp->rx_opt.user_mss, user_mss);
	/* not the one of the attempt, which TCP computes */
	WRITE_ONCE(tp->window_clamp, c->user_clamp);
}

/*
 * An attempt that failed must not be seen: ICMP errors are queued (POLLERR)
 * and kept as soft error (SO_ERROR); tcp_disconnect() leaves both. With the
 * ULP in place sk_prot->disconnect() would refuse, so TCP's own is called.
 */
static void disconnect(struct weft_conn *c)
{
	struct sock *sk = c->sock->sk;

	if (c->keys && !c->spent)	/* nobody is in kTLS, it was not LIVE */
		weft_ktls_detach(c);
	lock_sock(sk);
	c->switching = true;
	disconnect_locked(c);
	c->sock->state = SS_UNCONNECTED;
	c->switching = false;
	WRITE_ONCE(sk->sk_err, 0);
	WRITE_ONCE(sk->sk_err_soft, 0);
	skb_queue_purge(&sk->sk_error_queue);
	release_sock(sk);
}

/* 0: an attempt is under way; else the positive errno of the last one. */
static int try_next(struct weft_conn *c, int err)
{
	struct weft_addr to;
	int i, r;

	while ((i = next_endpoint(c, &to)) >= 0) {
		if (c->n_tried) {
			disconnect(c);
			weft_count(c->wn, failovers);
		}
		attempt_begun(c, i, &to);
		r = attempt(c, &to);
		if (!r || r == -EINPROGRESS)
			return 0;
		err = -r;
		attempt_failed(c, reason_of(err), err);
	}
	return err ?: ECONNREFUSED;
}

/* ------------------------------------------------------------ the end */

/* Reasons that no other endpoint would change. */
static bool is_final(const struct weft_conn *c, u8 reason)
{
	return c->spent || reason == WEFT_REASON_NO_DAEMON ||
	       reason == WEFT_REASON_NO_CERTIFICATE ||
	       reason == WEFT_REASON_ADMIN || reason == WEFT_REASON_CLOSED;
}

/*
 * How much an errno tells: when all endpoints fail, the application gets the
 * one that says most, not the one that came last.
 */
static int rank(int err)
{
	switch (err) {
	case EACCES:
		return 3;
	case ECONNREFUSED:
		return 2;
	case ETIMEDOUT:
		return 1;
	default:
		return 0;
	}
}

static void pick_error(struct weft_conn *c)
{
	unsigned int i;

	for (i = 0; i < c->n_tried; i++)
		if (rank(c->attempts[i].err) > rank(c->err))
			weft_conn_set_verdict(c, c->attempts[i].reason,
					      c->attempts[i].err);
}

/* No endpoint is left: connect() says why. */
static void settle_failed(struct weft_conn *c)
{
	struct sock *sk = c->sock->sk;

	if (!is_final(c, c->reason))
		pick_error(c);
	c->switching = true;
	if (sk->sk_state != TCP_CLOSE)
		tcp_abort(sk, c->err);
	lock_sock(sk);
	c->switching = false;
	weft_connect_unmute(c);
	WRITE_ONCE(sk->sk_err, c->err);
	WRITE_ONCE(sk->sk_err_soft, 0);		/* SO_ERROR tells once */
	weft_conn_settle(c, WEFT_CONN_DEAD);
	weft_conn_report(c, c->err == EACCES ? WEFT_EVENT_CONN_DENIED :
					       WEFT_EVENT_CONN_FAILED);
	sk->sk_state_change(sk);
	sk_error_report(sk);
	release_sock(sk);
}

/* The attempt at hand failed: the next one, or the end. */
static void fail_over(struct weft_conn *c, u8 reason, int err)
{
	if (reason == WEFT_REASON_CLOSED)	/* nor its fault */
		weft_conn_set_verdict(c, reason, err);
	else
		attempt_failed(c, reason, err);
	if (is_final(c, reason)) {
		settle_failed(c);
		return;
	}
	if (reason == WEFT_REASON_DAEMON_DIED && c->n_tried) {
		atomic64_dec(&endpoint_at(c)->stats->failures);
		c->n_tried--;		/* not its fault: the same one again */
		disconnect(c);
	}
	err = try_next(c, err);
	if (err)
		settle_failed(c);
}

/**
 * weft_connect_live() - the verdict is in our favour
 * @c: a client's conn; ->mu held
 */
void weft_connect_live(struct weft_conn *c)
{
	atomic_inc(&endpoint_at(c)->stats->active);
	c->endpoint_active = true;
}

/* ------------------------------------------------------------ the driver */

static void step_connecting(struct weft_conn *c)
{
	struct sock *sk = c->sock->sk;
	bool last, late;
	int err;

	if (READ_ONCE(c->tcp_closed) || sk->sk_state == TCP_CLOSE) {
		err = c->tcp_err ?: ECONNABORTED;
		fail_over(c, reason_of(err), err);
		return;
	}
	if ((1 << sk->sk_state) & (TCPF_ESTABLISHED | TCPF_CLOSE_WAIT)) {
		weft_conn_want(c);
		return;
	}
	last = !another_left(c);
	if (last && !c->steer.service->timeout_given)
		return;			/* it has TCP's own time */
	late = !time_before(jiffies, c->attempt_end);
	err = READ_ONCE(sk->sk_err_soft);
	if (err && (late || !last))	/* TCP itself would try on */
		fail_over(c, reason_of(err), err);
	else if (late)
		fail_over(c, WEFT_REASON_SILENT, ETIMEDOUT);
	else
		queue_delayed_work(weft_wq, &c->work,
				   c->attempt_end - jiffies);
}

/* Without a daemon here, the peer's gives up a little before us. */
static u8 reset_reason(const struct weft_conn *c)
{
	unsigned long late = c->deadline -
			     msecs_to_jiffies(WEFT_HANDSHAKE_LATE);

	return READ_ONCE(c->wn->n_workers) || time_before(jiffies, late) ?
	       WEFT_REASON_RESET : WEFT_REASON_NO_DAEMON;
}

static void step_handshake(struct weft_conn *c, u8 state)
{
	if (READ_ONCE(c->tcp_closed) && state == WEFT_CONN_WANT) {
		if (weft_conn_move(c, WEFT_CONN_WANT, WEFT_CONN_CONNECTING))
			fail_over(c, reset_reason(c), ECONNREFUSED);
		return;
	}
	if (READ_ONCE(c->tcp_closed)) {	/* the worker reads it and says so */
		lock_sock(c->sock->sk);
		c->sock->sk->sk_data_ready(c->sock->sk);
		release_sock(c->sock->sk);
	}
	if (time_before(jiffies, c->deadline))
		weft_handshake_watch(c, state);
	else
		weft_handshake_timeout(c);
}

/**
 * weft_connect_step() - the driver: look what happened and go on
 * @c: a client's conn; ->mu held, file held, process context
 */
void weft_connect_step(struct weft_conn *c)
{
	u8 state = weft_conn_state(c), reason = c->fail_reason;

	if (weft_conn_settled(c))
		return;
	if (state == WEFT_CONN_CONNECTING) {
		step_connecting(c);
		return;
	}
	/* ->aborting: a reason is noted, but the worker has the socket still */
	if (reason && !READ_ONCE(c->daemon)) {
		weft_conn_settle(c, WEFT_CONN_CONNECTING);
		c->fail_reason = WEFT_REASON_NONE;
		fail_over(c, reason, c->fail_err);
		return;
	}
	step_handshake(c, state);
}

/**
 * weft_connect_event() - the TCP state changed, from the tracepoint
 * @c: a client's conn; its socket is locked, any context
 * @state: TCP_ESTABLISHED or TCP_CLOSE
 */
void weft_connect_event(struct weft_conn *c, int state)
{
	struct sock *sk = c->sock->sk;

	if (c->dead || c->switching || weft_conn_settled(c))
		return;
	if (state == TCP_ESTABLISHED) {
		weft_conn_want(c);
		return;
	}
	c->tcp_err = xchg(&sk->sk_err, 0);	/* not for SO_ERROR */
	WRITE_ONCE(c->tcp_closed, true);
	weft_conn_kick(c);
}

/* ------------------------------------------------------------ the calls */

/**
 * weft_connect_uninit() - drop what a connection held, its story included
 * @c: ->mu held
 */
void weft_connect_uninit(struct weft_conn *c)
{
	if (c->endpoint_active)
		atomic_dec(&endpoint_at(c)->stats->active);
	c->endpoint_active = false;
	weft_steer_uninit(&c->steer);
}

/**
 * weft_connect_reset() - the socket is to be connected anew: forget the last
 * @c: a settled conn; ->mu held
 *
 * Return: 0 or -ENOMEM; then nothing has changed.
 */
int weft_connect_reset(struct weft_conn *c)
{
	if (c->reported)
		weft_upcall_archive(c);
	if (weft_conn_renew(c))
		return -ENOMEM;
	weft_connect_uninit(c);
	c->n_tried = 0;
	c->asked.port = 0;
	c->reported = false;
	c->resumed = false;
	c->judged = false;
	WRITE_ONCE(c->cut, false);
	c->fail_reason = WEFT_REASON_NONE;
	weft_conn_set_verdict(c, WEFT_REASON_NONE, 0);
	weft_conn_set_string(&c->peer_identity, NULL, 0);
	weft_conn_set_string(&c->policy, NULL, 0);
	weft_conn_set_string(&c->audit, NULL, 0);
	weft_conn_set_string(&c->revocation, NULL, 0);
	weft_conn_set_string(&c->registered, NULL, 0);
	c->peer_serial[0] = '\0';
	c->revoked = WEFT_REVOKED_NOTHING;
	weft_conn_set_string(&c->detail, NULL, 0);
	weft_conn_set_string(&c->cipher, NULL, 0);
	return 0;
}

/**
 * weft_connect_refuse() - connect() is refused before it began
 * @c: a conn in CONNECTING or settled; ->mu held
 * @dst: what was asked for
 * @steer: the decision; moved into @c
 *
 * Return: the negative errno for the application.
 */
int weft_connect_refuse(struct weft_conn *c, const struct weft_addr *dst,
			struct weft_steer *steer)
{
	c->steer = *steer;
	c->asked = *dst;
	c->generation = steer->generation;
	weft_count(c->wn, connects_refused);
	weft_conn_set_verdict(c, steer->reason, steer->err);
	weft_conn_settle(c, WEFT_CONN_DEAD);
	weft_conn_report(c, steer->err == EACCES ? WEFT_EVENT_CONN_DENIED :
						   WEFT_EVENT_CONN_FAILED);
	return -steer->err;
}

/**
 * weft_connect_start() - the first attempt
 * @c: a conn in CONNECTING or DEAD whose socket is unconnected; ->mu held
 * @dst: what was asked for
 * @flowinfo: of the sockaddr
 * @steer: the decision, MESH; moved into @c
 * @flags: O_NONBLOCK counts
 *
 * Return: 0, under way: weft_connect_wait() does the rest; else the negative
 * errno for the application, and the conn is DEAD.
 */
int weft_connect_start(struct weft_conn *c, const struct weft_addr *dst,
		       u32 flowinfo, struct weft_steer *steer, int flags)
{
	struct sock *sk = c->sock->sk;
	int err;

	c->steer = *steer;
	c->asked = *dst;
	c->flowinfo = flowinfo;
	c->generation = steer->generation;
	c->started = ktime_get_ns();
	c->user_clamp = READ_ONCE(tcp_sk(sk)->window_clamp);
	weft_count(c->wn, connects_steered);
	err = try_next(c, 0);
	if (!err)
		return 0;
	if (!c->n_tried)		/* none of this family */
		weft_conn_set_verdict(c, WEFT_REASON_NO_ENDPOINT, err);
	settle_failed(c);
	return weft_connect_result(c);
}

/**
 * weft_connect_result() - what connect() returns now that the conn is settled
 * @c: a client's conn; ->mu held
 *
 * After a no the socket is left as TCP leaves one whose connect() failed.
 *
 * Return: 0, the verdict's errno, or -ECONNABORTED: another thread was told it.
 */
int weft_connect_result(struct weft_conn *c)
{
	struct sock *sk = c->sock->sk;
	int err = 0;

	if (!weft_conn_settled(c))	/* another thread connects anew */
		return -EALREADY;
	lock_sock(sk);
	if (weft_conn_state(c) == WEFT_CONN_DEAD)
		err = sock_error(sk) ?: -ECONNABORTED;
	else
		c->sock->state = SS_CONNECTED;
	release_sock(sk);
	if (err)
		disconnect(c);
	return err;
}

/**
 * weft_connect_wait() - wait for the verdict as connect() does
 * @c: a client's conn; ->mu not held
 * @flags: O_NONBLOCK counts
 *
 * Return: 0, connected; -EINPROGRESS, -ERESTARTSYS, -EINTR as TCP's connect();
 * the verdict's errno.
 */
int weft_connect_wait(struct weft_conn *c, int flags)
{
	struct sock *sk = c->sock->sk;
	long timeo, left;
	int err;

	if (!weft_conn_settled(c)) {
		if (flags & O_NONBLOCK)
			return -EINPROGRESS;
		timeo = sock_sndtimeo(sk, false);
		left = wait_event_interruptible_timeout(c->wq,
							weft_conn_settled(c),
							timeo);
		if (left == -ERESTARTSYS)
			return sock_intr_errno(timeo);
		if (!left)
			return -EINPROGRESS;
	}
	if (weft_conn_lock(c))
		return sock_intr_errno(sock_sndtimeo(sk, false));
	err = weft_connect_result(c);
	mutex_unlock(&c->mu);
	return err;
}

/*
 * The end of a LIVE conn whose socket goes on. Calls that are inside kTLS, or
 * on their way, hold the file: they took their reference before they saw the
 * state, we change the state before we look at the references. epoll did not
 * hold it before 6.9: poll() has an SRCU section, see hook_conn.c.
 */
static int dissolve(struct weft_conn *c)
{
	int i;

	cancel_delayed_work(&c->work);
	weft_conn_settle(c, WEFT_CONN_DEAD);
	smp_mb();			/* pairs with the one of fget() */
	for (i = 0; !weft_file_alone(c->sock->file); i++) {
		if (i == 20) {		/* not the driver, not a dump */
			weft_conn_settle(c, WEFT_CONN_LIVE);
			weft_conn_kick(c);	/* flushes */
			/* which may have passed over it as DEAD */
			schedule_delayed_work(&c->wn->recheck, 0);
			return -EBUSY;
		}
		usleep_range(500, 1000);
	}
	synchronize_srcu(&weft_poll_srcu);
	weft_ktls_detach(c);		/* then a RST: no close_notify */
	if (c->cut)			/* told already */
		return 0;
	if (c->reason == WEFT_REASON_NONE)
		c->reason = WEFT_REASON_CLOSED;
	weft_upcall_event(c, WEFT_EVENT_CONN_CLOSED);
	return 0;
}

/**
 * weft_connect_cancel() - connect(AF_UNSPEC): dissolve whatever there is
 * @c: a client's conn; ->mu held
 *
 * Return: 0; -EBUSY, established and in use by other threads, or its file by
 * other descriptors; -EALREADY, a worker has the socket in hand, but will give
 * it back: call again when the conn is settled.
 */
int weft_connect_cancel(struct weft_conn *c)
{
	struct sock *sk = c->sock->sk;
	u8 state = weft_conn_state(c);
	bool cut = state != WEFT_CONN_DEAD;
	int err;

	if (state == WEFT_CONN_LIVE) {
		err = dissolve(c);
		if (err)
			return err;
	}
	if (state == WEFT_CONN_HANDSHAKE) {
		weft_handshake_cancel(c);
		return -EALREADY;
	}
	if (!weft_conn_settled(c)) {
		weft_conn_set_verdict(c, WEFT_REASON_CLOSED, 0);
		weft_conn_report(c, WEFT_EVENT_CONN_FAILED);
	}
	lock_sock(sk);
	weft_connect_unmute(c);
	release_sock(sk);
	disconnect(c);			/* before it is DEAD: nobody may send */
	if (cut)
		WRITE_ONCE(sk->sk_err, ECONNRESET);	/* as TCP's */
	weft_conn_settle(c, WEFT_CONN_DEAD);
	return 0;
}
