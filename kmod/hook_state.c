// SPDX-License-Identifier: GPL-2.0
/*
 * The tracepoint inet_sock_set_state: what TCP itself says of a socket.
 *
 * Called with preemption disabled, mostly with the socket locked (by its user
 * or, in softirq, by its spinlock): nothing here may sleep. It also fires for
 * request and time-wait sockets' cousins that never had a struct socket.
 */
#include <linux/module.h>
#include <linux/tracepoint.h>
#include <net/tcp.h>
#include "conn.h"
#include "connect.h"
#include "hook_proto.h"
#include "hook_state.h"
#include "ktls.h"
#include "listen.h"
#include "upcall.h"

static struct tracepoint *tp_state;

static void server_event(struct weft_conn *c, int state)
{
	if (state == TCP_ESTABLISHED) {		/* a Fast Open child */
		weft_listen_established(c);
		return;
	}
	WRITE_ONCE(c->tcp_closed, true);
	if (!weft_conn_settled(c) &&
	    weft_conn_state(c) != WEFT_CONN_HANDSHAKE)
		weft_conn_settle(c, WEFT_CONN_DEAD);
}

static void changed(struct sock *sk, int state)
{
	struct socket *sock = READ_ONCE(sk->sk_socket);
	struct weft_conn *c = sock ? weft_conn_of(sock) : NULL;

	/* not the shadow's, see ktls.c */
	if (!c || c->sock != sock || c->dead || c->switching)
		return;
	if (weft_conn_state(c) == WEFT_CONN_LIVE && state == TCP_CLOSE)
		weft_ktls_closed(c);
	else if (c->role == WEFT_ROLE_CLIENT)
		weft_connect_event(c, state);
	else
		server_event(c, state);
}

static void probe(void *unused, const struct sock *csk, int old, int state)
{
	struct sock *sk = (struct sock *)csk;

	if (sk->sk_family != AF_INET && sk->sk_family != AF_INET6)
		return;
	if (old == TCP_LISTEN && state == TCP_CLOSE &&
	    sk->sk_protocol == IPPROTO_TCP) {
		weft_listen_ended(sk);
		return;
	}
	if (state == TCP_LISTEN && (sk->sk_protocol == IPPROTO_TCP ||
				    sk->sk_protocol == IPPROTO_MPTCP)) {
		weft_listen_state(sk);
		weft_early_drop(sk);
		return;
	}
	if ((state == TCP_ESTABLISHED || state == TCP_CLOSE) &&
	    sk->sk_protocol == IPPROTO_TCP)
		changed(sk, state);
}

static void find(struct tracepoint *tp, void *data)
{
	if (!strcmp(tp->name, "inet_sock_set_state"))
		*(struct tracepoint **)data = tp;
}

/**
 * weft_hook_state_start() - begin to listen
 *
 * Return: 0; -ENOENT, this kernel has no such tracepoint; -ENOMEM.
 */
int weft_hook_state_start(void)
{
	for_each_kernel_tracepoint(find, &tp_state);
	if (!tp_state)
		return -ENOENT;
	return tracepoint_probe_register(tp_state, probe, NULL);
}

/**
 * weft_hook_state_stop() - stop, and wait until nobody is inside
 */
void weft_hook_state_stop(void)
{
	tracepoint_probe_unregister(tp_state, probe, NULL);
	tracepoint_synchronize_unregister();
}
