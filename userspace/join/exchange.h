/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One request of a node and the CA's answer, each in a connection of its own, and
 * whether to believe what it brings. For client.c; no files, no state.
 */
#ifndef WEFT_JOIN_EXCHANGE_H
#define WEFT_JOIN_EXCHANGE_H

#include <openssl/x509.h>
#include "join/message.h"
#include "pki/bundle.h"
#include "pki/svid.h"

/* Roots in the order of their file, and as a bundle. All zeros: none. */
struct weft_roots {
	STACK_OF(X509) *certs;
	struct weft_bundle *bundle;
};

void weft_roots_uninit(struct weft_roots *roots);
bool weft_roots_equal(const struct weft_roots *a, const struct weft_roots *b);

/**
 * weft_roots_parse() - the roots of a trust domain
 * @roots: written on success
 * @what: where the PEM @text is from, for the messages
 *
 * Return: 0; -EBADMSG none, a broken one, or one that is no root of @trust_domain;
 * -ENOSPC too many; -ENOMEM.
 */
int weft_roots_parse(struct weft_roots *roots, const char *what, const char *text, size_t len,
		     const char *trust_domain, struct weft_error *err);

/* Where the CA is and who it must be. */
struct weft_join_route {
	char *server; /* as it was given, for the messages */
	char *host;
	const char *port; /* a part of @server */
	char *trust_domain;
	char *ca_identity;
	uint32_t deadline_ms;
};

/* Return: 0, -EINVAL, -ENOMEM (@route needs weft_join_route_uninit() in any case). */
int weft_join_route_init(struct weft_join_route *route, const char *server,
			 const char *trust_domain, struct weft_error *err);

void weft_join_route_uninit(struct weft_join_route *route);

/* How the CA is known, and what shows it who we are. */
struct weft_join_trust {
	const struct weft_ticket *ticket; /* or NULL: by @roots */
	const struct weft_roots *roots;
	const struct weft_svid *svid; /* NULL: none */
};

/**
 * weft_join_exchange() - ask the CA
 * @answer: written on success, never an error; end with weft_join_answer_uninit()
 *
 * Nothing is sent to anybody but the CA.
 *
 * Return: 0; what the CA answers as an error; as said in client.h.
 */
int weft_join_exchange(const struct weft_join_route *route, const struct weft_join_trust *trust,
		       const struct weft_join_request *request, struct weft_join_answer *answer,
		       struct weft_error *err);

/**
 * weft_join_accept() - see whether an answer is what was asked for
 * @answer: with a certificate
 * @identity: that was asked for; NULL: any node's
 * @key: that it was asked for; stays the caller's
 * @svid: written on success, one reference
 * @roots: written on success: the bundle that came along
 *
 * Return: 0; -EKEYREJECTED the certificate or the bundle is not; -ENOMEM.
 */
int weft_join_accept(const struct weft_join_route *route, const struct weft_join_answer *answer,
		     const char *identity, EVP_PKEY *key, struct weft_svid **svid,
		     struct weft_roots *roots, struct weft_error *err);

#endif
