/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the unit tests of the TLS engine share: two SVIDs and their contexts, pairs of
 * sockets, foreign peers made of plain OpenSSL, and kernel TLS in user space: one
 * record at a time, with the keys as the kernel would get them.
 */
#ifndef WEFT_TEST_TLS_FIXTURE_H
#define WEFT_TEST_TLS_FIXTURE_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/err.h>
#include "pki_fixture.h"
#include "tls/hs.h"

#define CART "spiffe://example.org/shop/cart"
#define PAYMENTS "spiffe://example.org/shop/payments"

/* More turns than any handshake takes, one byte at a time. */
#define TURNS_MAX 100000

/* ---- a trust domain ---- */

struct world {
	struct authority ca;
	struct weft_bundle *bundle;
	struct weft_svid *cart, *payments;
	struct weft_tls_ctx *client, *server; /* of cart, of payments */
};

static inline struct weft_tls_ctx *new_ctx(enum weft_role role, struct weft_svid *svid,
					   struct weft_bundle *bundle)
{
	struct weft_tls_ctx *ctx = NULL;
	struct weft_error err = { 0 };

	if (weft_tls_ctx_create(role, svid, bundle, &ctx, &err))
		fail_msg("%s", err.text);
	return ctx;
}

static inline int world_setup(void **state)
{
	static struct world w;

	w.ca = new_authority("example.org");
	w.bundle = weft_bundle_create();
	assert_int_equal(weft_bundle_add(w.bundle, w.ca.cert, "example.org", NULL), 0);
	w.cart = new_svid(CART, &w.ca);
	w.payments = new_svid(PAYMENTS, &w.ca);
	w.client = new_ctx(WEFT_ROLE_CLIENT, w.cart, w.bundle);
	w.server = new_ctx(WEFT_ROLE_SERVER, w.payments, w.bundle);
	*state = &w;
	return 0;
}

static inline int world_teardown(void **state)
{
	struct world *w = *state;

	weft_tls_ctx_put(w->client);
	weft_tls_ctx_put(w->server);
	weft_svid_put(w->cart);
	weft_svid_put(w->payments);
	weft_bundle_put(w->bundle);
	authority_uninit(&w->ca);
	return 0;
}

/* ---- sockets ---- */

/* Blocking at the engine's end: it must not depend on O_NONBLOCK. */
static inline void new_pair(int fd[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
}

static inline void set_nonblocking(int fd)
{
	assert_int_equal(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK), 0);
}

static inline void close_pair(int fd[2])
{
	for (int i = 0; i < 2; i++)
		if (fd[i] >= 0)
			close(fd[i]);
}

static inline bool is_empty(int fd)
{
	char c;

	return recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

static inline struct weft_hs *new_hs(struct weft_tls_ctx *ctx, int fd)
{
	struct weft_hs *hs = NULL;

	assert_int_equal(weft_hs_start(ctx, fd, "payments", &hs, NULL), 0);
	return hs;
}

static inline bool is_over(enum weft_hs_status status)
{
	return status == WEFT_HS_DONE || status == WEFT_HS_FAILED;
}

/* ---- foreign peers ---- */

struct foreign {
	SSL_CTX *ctx;
	SSL *ssl;
	int result; /* of SSL_do_handshake(): 1 done, 0 not yet, -1 failed */
};

/* What makes a foreign peer differ from the plainest one. Zero: TLS 1.3, its own
 * key, an SVID of CART or PAYMENTS, no ALPN, trusts everybody. */
struct habits {
	bool is_server;
	bool has_no_cert;
	X509 *cert; /* instead of an SVID; with @key */
	EVP_PKEY *key;
	X509 *intermediate;
	const char *alpn; /* wire format */
	const char *suites;
	const char *groups;
	int max_version;
	int tickets; /* as a server, with TLS 1.3 */
	int (*select)(SSL *, const unsigned char **, unsigned char *, const unsigned char *,
		      unsigned int, void *);
};

static inline int accept_any(X509_STORE_CTX *store, void *arg)
{
	return 1;
}

/* A server that takes the first protocol it is offered. */
static inline int select_first(SSL *ssl, const unsigned char **out, unsigned char *outlen,
			       const unsigned char *in, unsigned int inlen, void *arg)
{
	*out = in + 1;
	*outlen = in[0];
	return SSL_TLSEXT_ERR_OK;
}

static inline void foreign_cert(struct foreign *f, const struct world *w, const struct habits *h)
{
	const struct weft_svid *svid = h->is_server ? w->payments : w->cart;

	if (h->has_no_cert)
		return;
	SSL_CTX_set_security_level(f->ctx, 0);
	assert_int_equal(SSL_CTX_use_certificate(f->ctx, h->cert ? h->cert : svid->cert), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(f->ctx, h->cert ? h->key : svid->key), 1);
	if (h->intermediate)
		assert_int_equal(SSL_CTX_add1_chain_cert(f->ctx, h->intermediate), 1);
}

static inline void foreign_init(struct foreign *f, const struct world *w, const struct habits *h,
				int fd)
{
	f->ctx = SSL_CTX_new(h->is_server ? TLS_server_method() : TLS_client_method());
	f->result = 0;
	foreign_cert(f, w, h);
	SSL_CTX_set_verify(f->ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(f->ctx, accept_any, NULL);
	SSL_CTX_set_session_id_context(f->ctx, (const unsigned char *)"foreign", 7);
	SSL_CTX_set_num_tickets(f->ctx, h->tickets);
	if (h->max_version)
		SSL_CTX_set_max_proto_version(f->ctx, h->max_version);
	if (h->suites)
		assert_int_equal(SSL_CTX_set_ciphersuites(f->ctx, h->suites), 1);
	if (h->groups)
		assert_int_equal(SSL_CTX_set1_groups_list(f->ctx, h->groups), 1);
	if (h->alpn)
		SSL_CTX_set_alpn_protos(f->ctx, (const unsigned char *)h->alpn, strlen(h->alpn));
	if (h->select)
		SSL_CTX_set_alpn_select_cb(f->ctx, h->select, NULL);
	f->ssl = SSL_new(f->ctx);
	set_nonblocking(fd);
	SSL_set_fd(f->ssl, fd);
	if (h->is_server)
		SSL_set_accept_state(f->ssl);
	else
		SSL_set_connect_state(f->ssl);
}

static inline void foreign_step(struct foreign *f)
{
	int ret, error;

	if (f->result)
		return;
	ERR_clear_error();
	ret = SSL_do_handshake(f->ssl);
	error = SSL_get_error(f->ssl, ret);
	if (ret == 1)
		f->result = 1;
	else if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
		f->result = -1;
	ERR_clear_error();
}

static inline void foreign_uninit(struct foreign *f)
{
	SSL_free(f->ssl);
	SSL_CTX_free(f->ctx);
}

/* Drive both until the engine is over; judged by "allow". Return: its status. */
static inline enum weft_hs_status run_against(struct weft_hs *hs, struct foreign *f)
{
	enum weft_hs_status status = weft_hs_step(hs);

	for (int i = 0; i < 100 && !is_over(status); i++) {
		foreign_step(f);
		status = status == WEFT_HS_JUDGE ? weft_hs_judged(hs, true, 0) : weft_hs_step(hs);
	}
	foreign_step(f);
	return status;
}

static inline void assert_failed(const struct weft_hs *hs, enum weft_reason reason,
				 const char *words)
{
	if (weft_hs_reason(hs) != reason || !strstr(weft_hs_detail(hs), words))
		fail_msg("reason %d \"%s\", expected %d \"%s\"", weft_hs_reason(hs),
			 weft_hs_detail(hs), reason, words);
}

/* ---- kernel TLS, one record at a time (RFC 8446, 5.2 and 5.3) ---- */

#define RECORD_HEADER 5
#define RECORD_TAG 16
#define RECORD_MAX (RECORD_HEADER + 16384 + 256)
#define TYPE_ALERT 21
#define TYPE_SHAKE 22
#define TYPE_DATA 23

struct aead {
	const EVP_CIPHER *cipher;
	uint8_t key[32], iv[12];
	uint64_t seq;
};

static inline uint64_t from_be64(const uint8_t *p)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

/* Takes the structs apart as net/tls of the kernel does: IV = salt and iv. */
static inline struct aead aead_of(const struct weft_ktls_key *k)
{
	struct aead a = { 0 };

	assert_int_equal(k->info.version, TLS_1_3_VERSION);
	switch (k->info.cipher_type) {
	case TLS_CIPHER_AES_GCM_128:
		assert_int_equal(k->len, sizeof(k->aes_gcm_128));
		a.cipher = EVP_aes_128_gcm();
		memcpy(a.key, k->aes_gcm_128.key, 16);
		memcpy(a.iv, k->aes_gcm_128.salt, 4);
		memcpy(a.iv + 4, k->aes_gcm_128.iv, 8);
		a.seq = from_be64(k->aes_gcm_128.rec_seq);
		break;
	case TLS_CIPHER_AES_GCM_256:
		assert_int_equal(k->len, sizeof(k->aes_gcm_256));
		a.cipher = EVP_aes_256_gcm();
		memcpy(a.key, k->aes_gcm_256.key, 32);
		memcpy(a.iv, k->aes_gcm_256.salt, 4);
		memcpy(a.iv + 4, k->aes_gcm_256.iv, 8);
		a.seq = from_be64(k->aes_gcm_256.rec_seq);
		break;
	case TLS_CIPHER_CHACHA20_POLY1305:
		assert_int_equal(k->len, sizeof(k->chacha20_poly1305));
		a.cipher = EVP_chacha20_poly1305();
		memcpy(a.key, k->chacha20_poly1305.key, 32);
		memcpy(a.iv, k->chacha20_poly1305.iv, 12);
		a.seq = from_be64(k->chacha20_poly1305.rec_seq);
		break;
	default:
		fail_msg("cipher type %u", k->info.cipher_type);
	}
	return a;
}

static inline EVP_CIPHER_CTX *aead_start(struct aead *a, const uint8_t *header, bool encrypt)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t nonce[12];
	int n;

	memcpy(nonce, a->iv, 12);
	for (int i = 0; i < 8; i++)
		nonce[4 + i] ^= a->seq >> (56 - 8 * i);
	a->seq++;
	assert_int_equal(EVP_CipherInit_ex(ctx, a->cipher, NULL, a->key, nonce, encrypt), 1);
	assert_int_equal(EVP_CipherUpdate(ctx, NULL, &n, header, RECORD_HEADER), 1);
	return ctx;
}

static inline void send_record(int fd, struct aead *a, const char *text)
{
	int len = strlen(text), body = len + 1 + RECORD_TAG, n;
	uint8_t rec[512] = { TYPE_DATA, 3, 3, body >> 8, body & 255 };
	uint8_t plain[400];
	EVP_CIPHER_CTX *ctx = aead_start(a, rec, true);

	memcpy(plain, text, len);
	plain[len] = TYPE_DATA;
	assert_int_equal(EVP_CipherUpdate(ctx, rec + RECORD_HEADER, &n, plain, len + 1), 1);
	assert_int_equal(EVP_CipherFinal_ex(ctx, rec + RECORD_HEADER + n, &n), 1);
	assert_int_equal(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, RECORD_TAG,
					     rec + RECORD_HEADER + len + 1),
			 1);
	EVP_CIPHER_CTX_free(ctx);
	assert_int_equal(send(fd, rec, RECORD_HEADER + body, 0), RECORD_HEADER + body);
}

static inline void recv_exactly(int fd, uint8_t *buf, size_t len)
{
	for (ssize_t n; len; buf += n, len -= n) {
		n = recv(fd, buf, len, MSG_DONTWAIT);
		assert_true(n > 0);
	}
}

/* Return: the content type; *len of @text. Fails the test if it does not decrypt. */
static inline int recv_record(int fd, struct aead *a, uint8_t *text, int *len)
{
	uint8_t rec[RECORD_MAX];
	EVP_CIPHER_CTX *ctx;
	int body, n;

	recv_exactly(fd, rec, RECORD_HEADER);
	assert_int_equal(rec[0], TYPE_DATA);
	body = rec[3] << 8 | rec[4];
	assert_in_range(body, RECORD_TAG + 1, RECORD_MAX - RECORD_HEADER);
	recv_exactly(fd, rec + RECORD_HEADER, body);
	ctx = aead_start(a, rec, false);
	assert_int_equal(EVP_CipherUpdate(ctx, text, &n, rec + RECORD_HEADER, body - RECORD_TAG),
			 1);
	assert_int_equal(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, RECORD_TAG,
					     rec + RECORD_HEADER + body - RECORD_TAG),
			 1);
	assert_int_equal(EVP_CipherFinal_ex(ctx, text + n, &n), 1);
	EVP_CIPHER_CTX_free(ctx);
	for (n = body - RECORD_TAG - 1; n > 0 && !text[n]; n--)
		;
	*len = n;
	return text[n];
}

/* What the application at the kernel's side would read. */
static inline void assert_received(int fd, struct aead *a, const char *text)
{
	uint8_t buf[RECORD_MAX];
	int len = 0;

	assert_int_equal(recv_record(fd, a, buf, &len), TYPE_DATA);
	assert_int_equal(len, strlen(text));
	assert_memory_equal(buf, text, len);
}

/* Data both ways, several records, between the kernel at @fd and a foreign peer. */
static inline void assert_talks(int fd, struct aead *tx, struct aead *rx, struct foreign *f)
{
	static const char *const words[] = { "one", "two", "three" };
	char buf[64];

	for (int i = 0; i < 3; i++) {
		send_record(fd, tx, words[i]);
		assert_int_equal(SSL_read(f->ssl, buf, sizeof(buf)), strlen(words[i]));
		assert_memory_equal(buf, words[i], strlen(words[i]));
		assert_int_equal(SSL_write(f->ssl, words[i], strlen(words[i])), strlen(words[i]));
		assert_received(fd, rx, words[i]);
	}
	assert_true(is_empty(fd));
}

#endif
