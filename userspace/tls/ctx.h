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

enum weft_role weft_tls_ctx_role(const struct weft_tls_ctx *ctx);
const struct weft_svid *weft_tls_ctx_svid(const struct weft_tls_ctx *ctx);     /* the context's */
const struct weft_bundle *weft_tls_ctx_bundle(const struct weft_tls_ctx *ctx); /* the context's */

/* What OpenSSL asks and tells about one handshake; called in SSL_do_handshake(). */
struct weft_tls_ops {
	/* The peer's chain, not verified yet. Return: as the callback of
	 * SSL_CTX_set_cert_verify_callback(). */
	int (*verify)(SSL *ssl, X509_STORE_CTX *store, void *data);
	/* A line of the key log, wiped afterwards. */
	void (*keylog)(const char *line, void *data);
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
