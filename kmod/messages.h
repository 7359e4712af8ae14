/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What comes in handshake records after the handshake (RFC 8446, section 4.6):
 * a reader that finds the KeyUpdates among it. Knows no sockets and holds
 * nothing. Any context.
 */
#ifndef WEFT_MESSAGES_H
#define WEFT_MESSAGES_H

#include <linux/types.h>

/* A KeyUpdate: type, length in three bytes, request_update */
#define WEFT_KEY_UPDATE_TYPE	24
#define WEFT_KEY_UPDATE_LEN	5

/* A message may be split over several records: where we are in it. */
struct weft_messages {
	u8 head[WEFT_KEY_UPDATE_LEN];
	u8 have;		/* of these; 0: between messages */
	u32 left;		/* of a body that is thrown away */
};

enum weft_update {
	WEFT_UPDATE_NONE,
	WEFT_UPDATE_NOT_REQUESTED,	/* the peer's key changes */
	WEFT_UPDATE_REQUESTED,		/* and ours shall, too */
};

static inline bool weft_messages_between(const struct weft_messages *m)
{
	return !m->have && !m->left;
}

int weft_messages_read(struct weft_messages *m, const u8 *p, size_t len,
		       enum weft_update *update);

#endif
