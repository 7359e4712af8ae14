/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A TLS connection between a node and the CA, both ends of it: TLS 1.3, ALPN
 * "weft-ca/1", messages of a bounded length, and a deadline for all of it that no slow
 * peer can stretch.
 *
 * A channel belongs to one thread; its calls block until the deadline at most. A
 * context may be used by any number of threads.
 */
#ifndef WEFT_JOIN_CHANNEL_H
#define WEFT_JOIN_CHANNEL_H

#include <linux/weft.h>
#include <openssl/ssl.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"
#include "pki/bundle.h"
#include "pki/svid.h"

#define WEFT_CHANNEL_ALPN	 "weft-ca/1"
#define WEFT_CHANNEL_DEADLINE_MS 10000

struct weft_channel;

/* Who judges the peer's certificate, in weft_channel_open(). */
struct weft_channel_judge {
	/* Return: 0 or a negative errno with @err: the handshake fails with it. */
	int (*verify)(X509_STORE_CTX *store, void *data, struct weft_error *err);
	void *data;
	/* channel.c's */
	int error;
	struct weft_error err;
};

/**
 * weft_channel_ctx_create() - the rules of the channel
 * @svid: what proves our identity; NULL: a client that has none yet
 * @root: sent behind the chain, so that the peer can know it by its digest; NULL: not
 * @ctx: written on success; end with SSL_CTX_free()
 *
 * A client without a certificate is let in: what it asks for decides.
 *
 * Return: 0; -ENOMEM; -EIO OpenSSL refuses.
 */
int weft_channel_ctx_create(enum weft_role role, const struct weft_svid *svid, X509 *root,
			    SSL_CTX **ctx, struct weft_error *err);

/* @ms from now, as weft_channel_open() wants it. */
int64_t weft_channel_deadline(uint32_t ms);

/* How long until then, as poll() wants it: 0 it has passed. */
int weft_channel_remaining(int64_t deadline);

/**
 * weft_channel_open() - shake hands
 * @fd: connected, not blocking; stays the caller's, to be closed after the channel
 * @deadline: for this and all that follows, until weft_channel_set_deadline()
 * @judge: for the time of the call
 * @channel: written on success; end with weft_channel_close()
 *
 * Return: 0; what @judge says; -ETIMEDOUT; -ECONNRESET the peer closed, or what else
 * happened to the socket; -EPROTO the peer speaks another protocol, or does not want
 * us; -ENOMEM.
 */
int weft_channel_open(SSL_CTX *ctx, enum weft_role role, int fd, int64_t deadline,
		      struct weft_channel_judge *judge, struct weft_channel **channel,
		      struct weft_error *err);

/* Another one for all that follows. */
void weft_channel_set_deadline(struct weft_channel *channel, int64_t deadline);

/* Frees; NULL is fine. */
void weft_channel_close(struct weft_channel *channel);

/* For _cleanup_(weft_channel_close_ptr). */
void weft_channel_close_ptr(struct weft_channel **channel);

/**
 * weft_channel_read() - one message
 * @text: written on success, not terminated; end with weft_message_free()
 *
 * Return: 0; -EBADMSG its length is not in 1..WEFT_MESSAGE_MAX; as
 * weft_channel_open().
 */
int weft_channel_read(struct weft_channel *channel, char **text, size_t *len,
		      struct weft_error *err);

/* One message, 1 to WEFT_MESSAGE_MAX bytes. Return: as weft_channel_open(). */
int weft_channel_write(struct weft_channel *channel, const char *text, size_t len,
		       struct weft_error *err);

/**
 * weft_channel_finish() - nothing more will be written: have it arrive
 *
 * Waits until the peer has closed, or for the deadline: closing while bytes of the
 * peer are unread would have TCP throw away our last message (RFC 2525, 2.17).
 */
void weft_channel_finish(struct weft_channel *channel);

/**
 * weft_channel_verify() - weft_tls_verify() with roots the context does not have
 * @roots: those of @bundle that count here
 *
 * Return: as weft_tls_verify().
 */
int weft_channel_verify(X509_STORE_CTX *store, STACK_OF(X509) *roots,
			const struct weft_bundle *bundle, char **identity,
			struct weft_error *err);

#endif
