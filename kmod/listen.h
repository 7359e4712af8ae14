/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Marked listeners and their children.
 */
#ifndef WEFT_LISTEN_H
#define WEFT_LISTEN_H

#include "conn.h"

void weft_listen_init(void);
void weft_listen_established(struct weft_conn *c);
void weft_listen_state(struct sock *sk);
void weft_listen_ended(struct sock *sk);
unsigned int weft_listen_covered(const struct weft_net *wn);

/* for sockets of before, see rescan.c */
bool weft_listen_markable(const struct sock *sk);
bool weft_listen_traps(const struct sock *sk);
void weft_listen_mark(struct sock *sk, struct weft_task *by, gfp_t gfp);
void weft_listen_restart(struct socket *sock);
void weft_listen_unmark(struct weft_net *wn);
bool weft_listen_unclaimed(const struct socket *sock);
bool weft_listen_claim(struct socket *sock, struct weft_task *by);

static inline u16 weft_listen_port(const struct sock *sk)
{
	return READ_ONCE(inet_sk(sk)->inet_num);
}

#endif
