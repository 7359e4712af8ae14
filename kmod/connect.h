/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The client's side: connect() that goes to an endpoint, waits for the verdict
 * and fails over.
 */
#ifndef WEFT_CONNECT_H
#define WEFT_CONNECT_H

#include "compat.h"
#include "conn.h"

/* What was asked for: address, port and flow label of a sockaddr. */
bool weft_connect_parse(const struct sock *sk, const void *uaddr, int len,
			struct weft_addr *dst, u32 *flowinfo);

int weft_connect_start(struct weft_conn *c, const struct weft_addr *dst,
		       u32 flowinfo, struct weft_steer *steer, int flags);
int weft_connect_result(struct weft_conn *c);
int weft_connect_wait(struct weft_conn *c, int flags);
int weft_connect_cancel(struct weft_conn *c);
int weft_connect_refuse(struct weft_conn *c, const struct weft_addr *dst,
			struct weft_steer *steer);
int weft_connect_reset(struct weft_conn *c);
void weft_connect_step(struct weft_conn *c);
void weft_connect_live(struct weft_conn *c);
void weft_connect_event(struct weft_conn *c, int state);
void weft_connect_unmute(struct weft_conn *c);
void weft_connect_uninit(struct weft_conn *c);

#endif
