/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's half of a handshake: a worker takes the socket, asks for the
 * verdict on its peer, says how it ended.
 */
#ifndef WEFT_HANDSHAKE_H
#define WEFT_HANDSHAKE_H

#include "conn.h"

/* What a worker says at the end. */
struct weft_done {
	u8 reason;		/* enum weft_reason; NONE: keys are in place */
	u16 err;		/* positive errno */
	const char *detail;	/* or NULL */
	const char *cipher;	/* or NULL */
	const char *peer;	/* SPIFFE ID it verified, or NULL: as judged */
	bool resumed;
};

int weft_handshake_accept(struct weft_conn *c, u32 portid);
void weft_handshake_unaccept(struct weft_conn *c);
void weft_handshake_park(struct weft_conn *c);
void weft_handshake_unpark(struct weft_conn *c);
bool weft_handshake_alone(const struct weft_conn *c);
int weft_handshake_sendmsg(struct weft_conn *c, struct msghdr *m, size_t len);
bool weft_handshake_may_send(const struct weft_conn *c, u32 end);
int weft_handshake_judge(struct weft_conn *c, const char *peer,
			 const char *serial);
int weft_handshake_done(struct weft_conn *c, const struct weft_done *d);
void weft_handshake_cancel(struct weft_conn *c);
void weft_handshake_watch(struct weft_conn *c, u8 state);
void weft_handshake_step(struct weft_conn *c);
void weft_handshake_orphaned(struct weft_conn *c);
void weft_handshake_timeout(struct weft_conn *c);

/* Is the caller the worker that has this conn in hand? */
static inline bool weft_handshake_mine(const struct weft_conn *c)
{
	return weft_conn_state(c) == WEFT_CONN_HANDSHAKE &&
	       READ_ONCE(c->daemon) == task_tgid(current);
}

#endif
