// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A TLS connection between a node and the CA. See channel.h.
 */
#include <errno.h>
#include <openssl/err.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include "join/channel.h"
#include "join/message.h"
#include "pki/crypto.h"
#include "tls/bio.h"
#include "tls/ctx.h"
#include "tls/verify.h"

#define HEADER_LEN 4

/* What is read of a peer that was told off and goes on. */
#define DRAIN_MAX (2 * WEFT_MESSAGE_MAX)

static const unsigned char alpn[] = "\x09" WEFT_CHANNEL_ALPN;
#define ALPN_LEN (sizeof(alpn) - 1)

struct weft_channel {
	SSL *ssl;
	int64_t deadline; /* ms, CLOCK_MONOTONIC */
	struct weft_tls_io io;
};

/* ---- rules ---- */

static int on_verify(X509_STORE_CTX *store, void *arg)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct weft_channel_judge *judge = SSL_get_app_data(ssl);

	judge->error = judge->verify(store, judge->data, &judge->err);
	/* Without an error in it OpenSSL has no alert to send. */
	if (judge->error && X509_STORE_CTX_get_error(store) == X509_V_OK)
		X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
	return !judge->error;
}

static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *outlen,
		   const unsigned char *in, unsigned int inlen, void *arg)
{
	unsigned char *selected;

	if (SSL_select_next_proto(&selected, outlen, alpn, ALPN_LEN, in, inlen) !=
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = selected;
	return SSL_TLSEXT_ERR_OK;
}

static void set_options(SSL_CTX *ctx)
{
	/* Or a peer that sends KeyUpdates without end keeps SSL_read() from the deadline. */
	SSL_CTX_clear_mode(ctx, SSL_MODE_AUTO_RETRY);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, on_verify, NULL);
}

/* The chain and the root behind it. */
static int set_svid(SSL_CTX *ctx, const struct weft_svid *svid, X509 *root,
		    struct weft_error *err)
{
	STACK_OF(X509) *chain = sk_X509_dup(svid->chain);
	int ok;

	if (!chain || (root && !sk_X509_push(chain, root))) {
		sk_X509_free(chain);
		return weft_error_nomem(err);
	}
	ok = SSL_CTX_use_cert_and_key(ctx, svid->cert, svid->key, chain, 1);
	sk_X509_free(chain);
	if (ok == 1)
		return 0;
	return weft_crypto_error(err, EIO, "OpenSSL does not take the certificate of %s",
				 svid->identity);
}

static int configure(SSL_CTX *ctx, enum weft_role role, struct weft_error *err)
{
	int r = weft_tls_ctx_rules(ctx, err);

	if (r)
		return r;
	set_options(ctx);
	if (role == WEFT_ROLE_SERVER) {
		/* Or a client that offers a session fails against SSL_VERIFY_PEER. */
		SSL_CTX_set_session_id_context(ctx, alpn, ALPN_LEN);
		SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
	} else if (SSL_CTX_set_alpn_protos(ctx, alpn, ALPN_LEN)) { /* inverted: 0 is success */
		return weft_crypto_error(err, EIO, "OpenSSL takes no ALPN");
	}
	return 0;
}

int weft_channel_ctx_create(enum weft_role role, const struct weft_svid *svid, X509 *root,
			    SSL_CTX **ret, struct weft_error *err)
{
	SSL_CTX *ctx = SSL_CTX_new(role == WEFT_ROLE_SERVER ? TLS_server_method()
							    : TLS_client_method());
	int r;

	if (!ctx)
		return weft_crypto_error(err, ENOMEM, "cannot make a TLS context");
	r = configure(ctx, role, err);
	if (!r && svid)
		r = set_svid(ctx, svid, root, err);
	if (r)
		SSL_CTX_free(ctx);
	else
		*ret = ctx;
	return r;
}

int weft_channel_verify(X509_STORE_CTX *store, STACK_OF(X509) * roots,
			const struct weft_bundle *bundle, char **identity, struct weft_error *err)
{
	X509_STORE_CTX_set0_trusted_stack(store, roots);
	return weft_tls_verify(store, bundle, identity, NULL, err);
}

/* ---- waiting ---- */

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

int64_t weft_channel_deadline(uint32_t ms)
{
	return now_ms() + ms;
}

int weft_channel_remaining(int64_t deadline)
{
	int64_t left = deadline - now_ms();

	return left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}

static int wait_for(const struct weft_channel *channel, short events, struct weft_error *err)
{
	struct pollfd p = { .fd = channel->io.fd, .events = events };
	int left, n;

	do {
		left = weft_channel_remaining(channel->deadline);
		n = left ? poll(&p, 1, left) : 0;
	} while (n < 0 && errno == EINTR);
	if (n > 0)
		return 0;
	if (n < 0)
		return weft_error_set(err, errno, "poll: %s", strerror(errno));
	return weft_error_set(err, ETIMEDOUT, "the other end is too slow or silent");
}

/* Why a call ended that OpenSSL will not repeat. */
static int failed(const struct weft_channel *channel, struct weft_error *err)
{
	if (channel->io.error) {
		ERR_clear_error();
		return weft_error_set(err, channel->io.error, "%s", strerror(channel->io.error));
	}
	if (channel->io.eof) {
		ERR_clear_error();
		return weft_error_set(err, ECONNRESET, "the other end closed the connection");
	}
	return weft_crypto_error(err, EPROTO, "TLS");
}

/* After @ret of an OpenSSL call. Return: 0 call again; or it is over. */
static int wait_after(struct weft_channel *channel, int ret, struct weft_error *err)
{
	switch (SSL_get_error(channel->ssl, ret)) {
	case SSL_ERROR_WANT_READ:
		return wait_for(channel, POLLIN, err);
	case SSL_ERROR_WANT_WRITE:
		return wait_for(channel, POLLOUT, err);
	case SSL_ERROR_ZERO_RETURN:
		return weft_error_set(err, ECONNRESET, "the other end closed the connection");
	default:
		return failed(channel, err);
	}
}

/* ---- a connection ---- */

void weft_channel_close(struct weft_channel *channel)
{
	if (!channel)
		return;
	SSL_free(channel->ssl);
	free(channel);
}

void weft_channel_close_ptr(struct weft_channel **channel)
{
	weft_channel_close(*channel);
}

static struct weft_channel *channel_new(SSL_CTX *ctx, enum weft_role role, int fd,
					int64_t deadline)
{
	_cleanup_(weft_channel_close_ptr) struct weft_channel *channel =
		calloc(1, sizeof(*channel));
	BIO *bio;

	if (!channel)
		return NULL;
	channel->deadline = deadline;
	channel->io.fd = fd;
	channel->ssl = SSL_new(ctx);
	bio = channel->ssl ? weft_tls_bio_new(&channel->io) : NULL;
	if (!bio)
		return NULL;
	SSL_set_bio(channel->ssl, bio, bio); /* one reference serves both */
	if (role == WEFT_ROLE_SERVER)
		SSL_set_accept_state(channel->ssl);
	else
		SSL_set_connect_state(channel->ssl);
	return weft_steal_ptr(channel);
}

static int shake(struct weft_channel *channel, struct weft_error *err)
{
	int ret, r;

	for (;;) {
		ERR_clear_error();
		ret = SSL_do_handshake(channel->ssl);
		if (ret == 1)
			return 0;
		r = wait_after(channel, ret, err);
		if (r)
			return r;
	}
}

/* A client that offers no protocol at all is not asked by on_alpn(). */
static int check_alpn(const struct weft_channel *channel, struct weft_error *err)
{
	const unsigned char *selected;
	unsigned int len;

	SSL_get0_alpn_selected(channel->ssl, &selected, &len);
	if (len == ALPN_LEN - 1 && !memcmp(selected, alpn + 1, len))
		return 0;
	return weft_error_set(err, EPROTO, "the other end does not speak " WEFT_CHANNEL_ALPN);
}

int weft_channel_open(SSL_CTX *ctx, enum weft_role role, int fd, int64_t deadline,
		      struct weft_channel_judge *judge, struct weft_channel **ret,
		      struct weft_error *err)
{
	_cleanup_(weft_channel_close_ptr) struct weft_channel *channel =
		channel_new(ctx, role, fd, deadline);
	int r;

	if (!channel)
		return weft_crypto_error(err, ENOMEM, "cannot make a TLS connection");
	SSL_set_app_data(channel->ssl, judge);
	judge->error = 0;
	r = shake(channel, err);
	if (r && judge->error)
		return weft_error_set(err, judge->error, "%s", judge->err.text);
	if (!r)
		r = check_alpn(channel, err);
	if (r)
		return r;
	SSL_set_app_data(channel->ssl, NULL);
	*ret = weft_steal_ptr(channel);
	return 0;
}

void weft_channel_set_deadline(struct weft_channel *channel, int64_t deadline)
{
	channel->deadline = deadline;
}

static int read_exactly(struct weft_channel *channel, char *buf, size_t len,
			struct weft_error *err)
{
	size_t n;
	int ret, r;

	while (len) {
		ERR_clear_error();
		ret = SSL_read_ex(channel->ssl, buf, len, &n);
		if (ret == 1) {
			buf += n;
			len -= n;
			continue;
		}
		r = wait_after(channel, ret, err);
		if (r)
			return r;
	}
	return 0;
}

int weft_channel_read(struct weft_channel *channel, char **text, size_t *len,
		      struct weft_error *err)
{
	unsigned char header[HEADER_LEN];
	uint32_t size;
	char *buf;
	int r;

	r = read_exactly(channel, (char *)header, sizeof(header), err);
	if (r)
		return r;
	size = (uint32_t)header[0] << 24 | header[1] << 16 | header[2] << 8 | header[3];
	if (!size || size > WEFT_MESSAGE_MAX)
		return weft_error_set(err, EBADMSG, "a message of %u bytes: 1 to %d are allowed",
				      size, WEFT_MESSAGE_MAX);
	buf = malloc(size);
	if (!buf)
		return weft_error_nomem(err);
	r = read_exactly(channel, buf, size, err);
	if (r) {
		weft_message_free(buf, size);
		return r;
	}
	*text = buf;
	*len = size;
	return 0;
}

int weft_channel_write(struct weft_channel *channel, const char *text, size_t len,
		       struct weft_error *err)
{
	const size_t size = HEADER_LEN + len;
	char *buf = malloc(size);
	size_t n;
	int ret, r = 0;

	if (!buf)
		return weft_error_nomem(err);
	for (int i = 0; i < HEADER_LEN; i++)
		buf[i] = len >> (24 - 8 * i);
	memcpy(buf + HEADER_LEN, text, len);
	do {
		ERR_clear_error();
		ret = SSL_write_ex(channel->ssl, buf, size, &n); /* all of it, or again */
	} while (ret != 1 && !(r = wait_after(channel, ret, err)));
	weft_message_free(buf, size);
	return r;
}

void weft_channel_finish(struct weft_channel *channel)
{
	struct pollfd p = { .fd = channel->io.fd, .events = POLLIN };
	size_t drained = 0;
	char buf[4096];
	ssize_t n;

	SSL_shutdown(channel->ssl);
	ERR_clear_error();
	shutdown(channel->io.fd, SHUT_WR);
	while (drained < DRAIN_MAX) {
		int left = weft_channel_remaining(channel->deadline);

		if (!left || (poll(&p, 1, left) < 0 && errno != EINTR))
			return;
		n = recv(channel->io.fd, buf, sizeof(buf), MSG_DONTWAIT);
		if (!n || (n < 0 && errno != EAGAIN && errno != EINTR))
			return;
		drained += n > 0 ? n : 0;
	}
}
