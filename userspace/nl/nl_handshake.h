/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The worker's side of handshakes. Mirror of kmod/genl_handshake.c. Thread of
 * the struct weft_nl, which is best used for nothing else.
 *
 *   register -> recv -> accept -> (TLS on the descriptor) -> judge -> done
 */
#ifndef WEFT_NL_HANDSHAKE_H
#define WEFT_NL_HANDSHAKE_H

#include <linux/weft.h>
#include "nl/nl.h"
#include "nl/nl_conn.h"

/* Take handshakes from now until the connection is closed. Return: 0; -EEXIST;
 * -ENOSPC too many workers. */
int weft_nl_worker_register(struct weft_nl *nl, struct weft_error *err);

/**
 * weft_nl_handshake_recv() - the next connection that is offered
 * @id: of the connection
 *
 * Never blocks. Offers that came while a reply was awaited come first, and make
 * no descriptor readable: call until 0 after every turn of the loop in which
 * accept, judge or done was called (or see weft_nl_pending()).
 *
 * Return: 1 @id is written; 0 nothing now; negative errno of the socket.
 */
int weft_nl_handshake_recv(struct weft_nl *nl, uint64_t *id, struct weft_error *err);

/**
 * weft_nl_handshake_accept() - take over the handshake of a connection
 * @conn: all about it; on success the caller's to uninit
 * @fd: descriptor (CLOEXEC) of the application's own socket; on success the
 *	caller's to close after weft_nl_handshake_done(). Never change its file
 *	status flags: the open file is the application's too.
 *
 * Return: 0; -ENOENT gone; -EALREADY another worker has it; -EPERM not a worker.
 */
int weft_nl_handshake_accept(struct weft_nl *nl, uint64_t id, struct weft_nl_conn *conn, int *fd,
			     struct weft_error *err);

struct weft_nl_verdict {
	int error; /* 0: go on; else the errno, positive (EACCES) */
	enum weft_reason reason;
	char policy[WEFT_NAME_MAX + 1]; /* "": none had a say */
	uint64_t generation;
};

/**
 * weft_nl_handshake_judge() - may this peer have this connection?
 * @peer_serial: of its certificate; NULL: not known, which is refused where any is
 *	revoked
 * @verdict: written on success
 *
 * Return: 0 (also when the verdict is no); -ENOENT gone.
 */
int weft_nl_handshake_judge(struct weft_nl *nl, uint64_t id, const char *peer_identity,
			    const char *peer_serial, struct weft_nl_verdict *verdict,
			    struct weft_error *err);

/* How a handshake ended. Strings may be NULL, stay the caller's, and are cut to
 * the limits of the interface where they are free text. */
struct weft_nl_done {
	uint64_t id;
	enum weft_reason reason; /* NONE: keys are installed */
	int error;		 /* errno for the application, either sign; 0 with NONE */
	const char *peer_identity;
	const char *cipher;
	bool resumed; /* no certificate was shown */
	const char *detail;
};

/* Return: 0; -EINVAL keys missing (the connection failed); -EACCES the peer is not
 * allowed any more; -ECANCELED it died meanwhile; -ENOENT. In every case it is no
 * longer the worker's. */
int weft_nl_handshake_done(struct weft_nl *nl, const struct weft_nl_done *done,
			   struct weft_error *err);

#endif
