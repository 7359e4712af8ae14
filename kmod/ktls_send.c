// SPDX-License-Identifier: GPL-2.0
/*
 * Writing on a LIVE conn. Process context.
 */
#include <net/tcp.h>
#include "compat.h"
#include "ktls.h"
#include "ktls_priv.h"

/* Nagle would hold the first small write until the peer acknowledges our
 * Finished, which a delayed ACK puts off by 40 ms.
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
	n = c->tls->sendmsg(c->sock, m, len);
	if (nagle) {
		lock_sock(sk);
		tp->nonagle &= ~TCP_NAGLE_OFF;
		release_sock(sk);
	}
	return n;
}

/* tls_sw_sendmsg() refuses a call with any other; TCP ignores most of them. */
#define KTLS_SEND_FLAGS	(MSG_MORE | MSG_DONTWAIT | MSG_NOSIGNAL |	\
			 MSG_CMSG_COMPAT | KTLS_SPLICE_FLAGS)
#if WEFT_HAVE_SENDPAGE
#define KTLS_SPLICE_FLAGS 0
#else
#define KTLS_SPLICE_FLAGS (MSG_SPLICE_PAGES | MSG_SENDPAGE_NOPOLICY)
#endif

/**
 * weft_ktls_sendmsg() - sendmsg() on a LIVE conn
 * @c: the conn
 * @m: the message; control data is not for kTLS
 * @len: its length
 *
 * Return: as tcp_sendmsg(); -EPIPE after our close_notify.
 */
int weft_ktls_sendmsg(struct weft_conn *c, struct msghdr *m, size_t len)
{
	weft_ktls_check_err(c);
	m->msg_control = NULL;
	m->msg_controllen = 0;
	m->msg_flags &= KTLS_SEND_FLAGS;
	if (unlikely(!c->first_sent))
		return first_send(c, m, len);
	return c->tls->sendmsg(c->sock, m, len);
}
