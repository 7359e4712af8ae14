/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One handshake of a worker, from the accepted descriptor to the word "done":
 * drives tls/ by the loop, asks for the verdict, installs the keys.
 *
 *   create ─▶ (begin: no certificate) ─▶ waits ─▶ begin ─┐
 *          └▶ begin ─────────────────────────────────────┴▶ steps ─▶ done ─▶ over
 *                                     deadline, error ─────────────▲
 *
 * Knows no netlink: who answers and who listens is in the ops, so that two of
 * these can be tested against each other. Belongs to the thread of its loop.
 */
#ifndef WEFT_DAEMON_HANDSHAKE_H
#define WEFT_DAEMON_HANDSHAKE_H

#include <stdbool.h>
#include "daemon/snapshot.h"
#include "loop/loop.h"
#include "nl/nl_conn.h"
#include "nl/nl_handshake.h"
#include "tls/hs.h"

/*
 * How long, in ms, a connection waits for the certificate of an identity that
 * has none: a workload that was added a moment ago gets its own very soon.
 */
#define WEFT_HANDSHAKE_CERTIFICATE_WAIT 1000

struct weft_handshake;

struct weft_handshake_ops {
	/* As weft_nl_handshake_judge(). -ENOENT: the connection is gone. */
	int (*judge)(void *data, uint64_t id, const char *peer, const char *serial,
		     struct weft_nl_verdict *verdict, struct weft_error *err);
	/* As weft_ktls_install(). */
	int (*install)(void *data, int fd, const struct weft_ktls_key *tx,
		       const struct weft_ktls_key *rx, struct weft_error *err);
	/* How it ended; at most once. Strings are valid during the call. */
	void (*done)(void *data, const struct weft_nl_done *done);
	/* Nothing follows: forget it and call weft_handshake_destroy(). Always once,
	 * last, from within weft_handshake_begin() or a callback of the loop. */
	void (*over)(void *data, struct weft_handshake *handshake);
};

struct weft_handshake {
	struct weft_handshake *next, *prev; /* the owner's */

	const struct weft_handshake_ops *ops;
	void *data;
	struct weft_loop *loop;
	struct weft_nl_conn conn;
	int fd;
	uint64_t deadline; /* ms, weft_loop_now() */

	struct weft_hs *hs; /* NULL: waits for a certificate */
	struct weft_loop_io io;
	struct weft_loop_timer timer;
	struct weft_nl_verdict verdict; /* zeros before it was asked for */
	bool gone;			/* the connection died: nobody to tell */
};

/**
 * weft_handshake_create() - take over an accepted connection
 * @conn: on success the handshake's, and zeroed
 * @fd: on success the handshake's
 *
 * Call weft_handshake_begin() next.
 *
 * Return: the handshake, which has no deadline yet; NULL out of memory.
 */
struct weft_handshake *weft_handshake_create(struct weft_loop *loop,
					     const struct weft_handshake_ops *ops, void *data,
					     struct weft_nl_conn *conn, int fd);

/**
 * weft_handshake_begin() - start with the certificate of the local workload
 * @handshake: created, or waiting; may be over, and gone, on return
 * @snapshot: where to find the certificate; when it has none, @handshake waits for
 *	a later call with a later snapshot
 */
void weft_handshake_begin(struct weft_handshake *handshake, const struct weft_snapshot *snapshot);

static inline bool weft_handshake_waits(const struct weft_handshake *handshake)
{
	return !handshake->hs;
}

/* End it in any state: no callback, nothing is sent, the descriptor is closed. */
void weft_handshake_destroy(struct weft_handshake *handshake);

#endif
