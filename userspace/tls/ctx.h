/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What all handshakes of one role with one SVID share: an SSL_CTX with the rules
 * of the mesh (TLS 1.3 only, mutual certificates, ALPN "weft/1", no tickets).
 *
 * The caller keeps one per (role, SVID) and makes new ones when the SVID or the
 * bundle changes. Immutable once made: any number of threads may start
 * handshakes with it; the reference count is atomic. A handshake holds a
 * reference of its own.
 */
#ifndef WEFT_TLS_CTX_H
#define WEFT_TLS_CTX_H

#include <linux/weft.h>
#include <openssl/ssl.h>
#include "base/error.h"
#include "pki/bundle.h"
#include "pki/svid.h"
#include "tls/resume.h"

struct weft_tls_ctx;

#define WEFT_TLS_ALPN "weft/1"

/**
 * weft_tls_ctx_create() - prepare handshakes
 * @svid: what proves our identity; the context takes a reference
 * @bundle: whom to trust; the context takes a reference, and it must not be added
 *	to any more
 * @ctx: written on success, one reference
 *
 * Return: 0; -ENOMEM; -EIO OpenSSL refuses the SVID or a setting (@err says which).
 */
int weft_tls_ctx_create(enum weft_role role, struct weft_svid *svid, struct weft_bundle *bundle,
			struct weft_tls_ctx **ctx, struct weft_error *err);

/* Another reference. Return: @ctx. */
struct weft_tls_ctx *weft_tls_ctx_get(struct weft_tls_ctx *ctx);

/* One reference less; NULL is fine. */
void weft_tls_ctx_put(struct weft_tls_ctx *ctx);

/* For _cleanup_(weft_tls_ctx_put_ptr). */
void weft_tls_ctx_put_ptr(struct weft_tls_ctx **ctx);

/* Which algorithms are offered and taken. */
enum weft_tls_profile {
	WEFT_TLS_PROFILE_DEFAULT, /* X25519 and P-256, with ML-KEM where OpenSSL has it */
	WEFT_TLS_PROFILE_FIPS,	  /* approved ones only: SP 800-52r2, FIPS 140-3 IG D.F, C.H */
};

/**
 * weft_tls_use_profile() - choose the algorithms of all contexts of the process
 *
 * Before the first context is made, and before any thread.
 */
void weft_tls_use_profile(enum weft_tls_profile profile);

/**
 * weft_tls_ctx_rules() - what every TLS context of weft has
 * @ssl: a new context, also one that is not for the mesh (join/channel.h)
 *
 * TLS 1.3 alone, the algorithms of the profile; no tickets, sessions, compression or
 * kTLS by itself, chains of a bounded size.
 *
 * Return: 0; -EIO, OpenSSL refuses a setting (@err says which).
 */
int weft_tls_ctx_rules(SSL_CTX *ssl, struct weft_error *err);

enum weft_role weft_tls_ctx_role(const struct weft_tls_ctx *ctx);
const struct weft_svid *weft_tls_ctx_svid(const struct weft_tls_ctx *ctx);     /* the context's */
const struct weft_bundle *weft_tls_ctx_bundle(const struct weft_tls_ctx *ctx); /* the context's */

/*
 * Let handshakes be resumed with what @resume remembers; without it all are full
 * ones. The context takes a reference. Before anybody else has the context.
 */
void weft_tls_ctx_set_resume(struct weft_tls_ctx *ctx, struct weft_resume *resume);

/* NULL: none. The context's. */
struct weft_resume *weft_tls_ctx_resume(const struct weft_tls_ctx *ctx);

/* A number no other context of this process has or had. */
uint64_t weft_tls_ctx_number(const struct weft_tls_ctx *ctx);

/* What OpenSSL asks and tells about one handshake; called in SSL_do_handshake(). */
struct weft_tls_ops {
	/* The peer's chain, not verified yet. Return: as the callback of
	 * SSL_CTX_set_cert_verify_callback(). */
	int (*verify)(SSL *ssl, X509_STORE_CTX *store, void *data);
	/* A line of the key log, wiped afterwards. */
	void (*keylog)(const char *line, void *data);
	/* Client: the secret to offer, or NULL. */
	const struct weft_psk *(*psk_offer)(void *data);
	/* Server: the secret of this identifier, or NULL: a full handshake it will be. */
	const struct weft_psk *(*psk_find)(const uint8_t *id, size_t len, void *data);
	void *data;
};

/**
 * weft_tls_ctx_ssl() - a new handshake for hs.c, its role and rules set
 * @ops: must outlive it
 *
 * Return: the caller's to SSL_free(); NULL out of memory.
 */
SSL *weft_tls_ctx_ssl(struct weft_tls_ctx *ctx, struct weft_tls_ops *ops);

#endif
