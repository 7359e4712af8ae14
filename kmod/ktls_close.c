// SPDX-License-Identifier: GPL-2.0
/*
 * close() of a LIVE conn. Process context.
 *
 * Our close_notify and FIN end what we send; the peer's close_notify may be
 * still to come. It is data to TCP, and a closed socket answers data by a reset
 * and forgets what the peer has not got yet, where it would have taken a bare
 * FIN. So while our FIN is not acknowledged somebody must read on. The
 * application is gone: the sock moves to a socket of ours, without a file,
 * whose events run c->work. It takes close_notify, answers data as TCP does, by
 * a reset, and closes for good when our FIN is acknowledged. From then on a
 * reset hides nothing from the peer, see weft_ktls_closed().
 */
#include <linux/module.h>
#include <linux/sched.h>
#include <net/tcp.h>
#include <net/tls.h>
#include "conn.h"
#include "ktls.h"
#include "ktls_priv.h"
#include "limits.h"

static bool is_abortive(const struct sock *sk)
{
	return sock_flag(sk, SOCK_LINGER) && !sk->sk_lingertime;
}

/* TCP answers close() with unread data by a reset; kTLS may have eaten it. */
static void make_abortive(struct sock *sk)
{
	lock_sock(sk);
	sock_set_flag(sk, SOCK_LINGER);
	sk->sk_lingertime = 0;
	release_sock(sk);
}

/*
 * May TCP close it: would no close_notify that is still to come do harm? All
 * that came before the peer's FIN is taken then; data means a reset.
 */
static bool may_close(struct weft_conn *c)
{
	struct sock *sk = c->sock->sk;
	/* looked at first: FIN is the last that comes */
	bool open = READ_ONCE(sk->sk_state) == TCP_FIN_WAIT1;

	if (weft_ktls_drain(c)) {
		make_abortive(sk);
		return true;
	}
	return !open || READ_ONCE(c->rx_eof) || READ_ONCE(c->rx_err);
}

/* SO_LINGER: close() waits for the end, as sk_stream_wait_close() does. */
static void linger(struct weft_conn *c)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);
	struct sock *sk = c->sock->sk;
	long timeo = sk->sk_lingertime;

	if (!sock_flag(sk, SOCK_LINGER) || current->flags & PF_EXITING)
		return;
	add_wait_queue(sk_sleep(sk), &wait);
	while (!may_close(c) && timeo && !signal_pending(current))
		timeo = wait_woken(&wait, TASK_INTERRUPTIBLE, timeo);
	remove_wait_queue(sk_sleep(sk), &wait);
	if (is_abortive(sk))
		return;
	lock_sock(sk);
	sk->sk_lingertime = timeo ?: 1;	/* TCP goes on; 0 is a reset */
	release_sock(sk);
}

/**
 * weft_ktls_close() - the application closes a LIVE conn
 * @c: the conn, in release()
 *
 * Says close_notify and FIN, even when the send buffer is full; unless TCP
 * would reset. Waits as SO_LINGER wants it.
 */
void weft_ktls_close(struct weft_conn *c)
{
	struct sock *sk = c->sock->sk;

	if (weft_ktls_drain(c))
		make_abortive(sk);
	if (is_abortive(sk))
		return;
	weft_ktls_cork(c);
	weft_ktls_close_notify(c);
	c->base->shutdown(c->sock, SHUT_WR);
	linger(c);
}

/* ------------------------------------------------------------ our socket */

/* sk_state_change, and what kTLS calls for a record; sk locked, any context. */
static void event(struct sock *sk)
{
	struct weft_conn *c = weft_conn_of(sk->sk_socket);

	mod_delayed_work(weft_wq, &c->work, 0);
}

/* sock_graft(), but for the LSM, who is asked for no access; and our events. */
static void move(struct weft_conn *c, struct socket *to)
{
	struct socket *from = c->sock;
	struct sock *sk = from->sk;
	struct tls_sw_context_rx *rx = tls_sw_ctx_rx(tls_get_ctx(sk));

	to->type = from->type;
	to->state = SS_CONNECTED;
	to->ops = &c->ops;
	SOCK_INODE(to)->i_uid = SOCK_INODE(from)->i_uid;
	__module_get(c->ops.owner);
	lock_sock(sk);
	sock_reset_flag(sk, SOCK_LINGER);
	if (!sock_flag(sk, SOCK_DONE))	/* no FIN yet: TCP must take it all */
		WRITE_ONCE(sk->sk_shutdown, sk->sk_shutdown & ~RCV_SHUTDOWN);
	write_lock_bh(&sk->sk_callback_lock);
	from->sk = NULL;
	to->sk = sk;
	WRITE_ONCE(c->sock, to);
	sk_set_socket(sk, to);
	rcu_assign_pointer(sk->sk_wq, &to->wq);
	c->ready = rx->saved_data_ready;
	c->change = sk->sk_state_change;
	rx->saved_data_ready = event;
	sk->sk_state_change = event;
	write_unlock_bh(&sk->sk_callback_lock);
	/* what came before; c ends itself as soon as the lock is free */
	queue_delayed_work(weft_wq, &c->work, 0);
	release_sock(sk);
}

/**
 * weft_ktls_close_later() - does the end need more time than close() has?
 * @c: the conn, after weft_ktls_close(), which nobody finds any more
 *
 * Return: true, its socket has no sock any more, and the conn ends itself: it
 * is not the caller's from here on. false, TCP may close it now; without
 * memory, too, or when too many do already: the peer may see a reset then.
 */
bool weft_ktls_close_later(struct weft_conn *c)
{
	struct socket *s;

	if (is_abortive(c->sock->sk) || may_close(c))
		return false;
	if (atomic_inc_return(&c->wn->closing) > WEFT_CLOSING_MAX)
		goto fail;
	s = sock_alloc();
	if (!s)
		goto fail;
	c->closing = true;
	c->closing_una = READ_ONCE(tcp_sk(c->sock->sk)->snd_una);
	c->deadline = jiffies + WEFT_CLOSING_STALL * HZ;
	move(c, s);
	return true;
fail:
	atomic_dec(&c->wn->closing);
	return false;
}

/* TCP's own limits of such sockets begin to run when it may close. */
static bool is_stalled(struct weft_conn *c)
{
	u32 una = READ_ONCE(tcp_sk(c->sock->sk)->snd_una);

	if (una != c->closing_una) {
		c->closing_una = una;
		c->deadline = jiffies + WEFT_CLOSING_STALL * HZ;
	}
	return time_after_eq(jiffies, c->deadline);
}

/* No event comes any more: they come with the socket locked. */
static void stop_events(struct weft_conn *c)
{
	struct sock *sk = c->sock->sk;

	lock_sock(sk);
	write_lock_bh(&sk->sk_callback_lock);
	tls_sw_ctx_rx(tls_get_ctx(sk))->saved_data_ready = c->ready;
	sk->sk_state_change = c->change;
	write_unlock_bh(&sk->sk_callback_lock);
	release_sock(sk);
	cancel_delayed_work(&c->work);
}

/**
 * weft_ktls_closing() - an event, or time has passed
 * @c: the conn, after weft_ktls_close_later(); in its work
 *
 * Ends it, when there is nothing to wait for.
 */
void weft_ktls_closing(struct weft_conn *c)
{
	if (!may_close(c) && !is_stalled(c)) {
		/* unless an event did, meanwhile */
		queue_delayed_work(weft_wq, &c->work, WEFT_CLOSING_STALL * HZ);
		return;
	}
	stop_events(c);
	atomic_dec(&c->wn->closing);
	sock_release(c->sock);
}
