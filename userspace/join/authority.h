/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the CA answers to a request: who may have which certificate is decided here.
 *
 * Called by the server's threads, any number at once; what changes is in files
 * (token.h, registry.h).
 */
#ifndef WEFT_JOIN_AUTHORITY_H
#define WEFT_JOIN_AUTHORITY_H

#include <stdbool.h>
#include "join/message.h"
#include "pki/ca.h"

#define WEFT_JOIN_NODE_LIFETIME (30 * 86400) /* s, of a node's own certificate */

/* What happened. All of it printable and only there for the time of the call. */
struct weft_join_event {
	const char *node;     /* name, NULL: not known */
	const char *identity; /* SPIFFE ID asked for, NULL: not known */
	const char *address;  /* of the peer, without a port */
	const char *serial;   /* of the certificate, see base/serial.h; NULL: none */
	int64_t not_after;    /* of the certificate, as time(); 0: none */
	const char *text;     /* why not; NULL: it was not refused */
};

/* Where it is told. Called by any thread, also at once. */
struct weft_join_log_ops {
	void (*joined)(const struct weft_join_event *event, void *data);
	void (*issued)(const struct weft_join_event *event, void *data);
	void (*refused)(const struct weft_join_event *event, void *data);
	/* The server could not do something of its own, and goes on. */
	void (*failed)(const char *text, void *data);
	/* Somebody should do something in time. */
	void (*warned)(const char *text, void *data);
	void *data;
};

/* Immutable while requests are answered. */
struct weft_authority {
	const struct weft_ca *ca;
	const char *ca_dir;
	const char *bundle;	/* PEM of all roots */
	int64_t lifetime_max;	/* s, of an SVID */
	const struct weft_join_log_ops *ops;
};

/* Who asks. */
struct weft_join_peer {
	const char *identity;		     /* of its certificate; NULL: none that counts */
	const char *problem;		     /* why it does not count; NULL: there is none */
	uint8_t key[WEFT_CRYPTO_DIGEST_LEN]; /* of the certificate's public key */
	const char *address;		     /* without a port */
};

/**
 * weft_authority_answer() - do what is asked, or refuse
 * @request: NULL: it was broken, @answer holds the error already
 * @answer: zeros; a result or an error afterwards; end with
 *	weft_join_answer_uninit()
 */
void weft_authority_answer(const struct weft_authority *authority,
			   const struct weft_join_peer *peer,
			   const struct weft_join_request *request,
			   struct weft_join_answer *answer);

#endif
