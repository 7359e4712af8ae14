// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What all handshakes of one role with one SVID share. The rules of the mesh are
 * written here once; hs.c drives single handshakes. Immutable once made.
 */
#include <errno.h>
#include <openssl/err.h>
#include <pthread.h>
#include <string.h>
#ifdef __aarch64__
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif
#include "pki/crypto.h"
#include "pki/library.h"
#include "tls/ctx.h"

/* Room for a leaf and a few intermediates; nothing is allocated beyond it. */
#define CHAIN_BYTES_MAX (32 * 1024)
#define CHAIN_DEPTH_MAX 4

#define CIPHERS_AES "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
#define CIPHERS_CHACHA "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384"

/* OpenSSL 3.5 has ML-KEM; "*" sends a key share along at once, so that a peer with
 * X25519 alone costs no extra round trip. */
#define GROUPS_PQ "*X25519MLKEM768:*X25519:P-256"
#define GROUPS_CLASSIC "X25519:P-256"

/* Approved: a hybrid is (SP 800-56C r2, 2) whose part on the curve is. */
#define FIPS_CIPHERS "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384"
#define FIPS_GROUPS_PQ "*SecP256r1MLKEM768:*P-256:P-384"
#define FIPS_GROUPS_CLASSIC "P-256:P-384"
#define FIPS_SIGNATURES \
	"ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:" \
	"rsa_pss_rsae_sha512:rsa_pss_pss_sha256:rsa_pss_pss_sha384:rsa_pss_pss_sha512"

static const unsigned char alpn[] = "\x06" WEFT_TLS_ALPN;
#define ALPN_LEN (sizeof(alpn) - 1)

struct weft_tls_ctx {
	unsigned int refs; /* atomic */
	enum weft_role role;
	uint64_t number;
	struct weft_svid *svid;
	struct weft_bundle *bundle;
	struct weft_resume *resume; /* or NULL */
	SSL_CTX *ssl;
};

static uint64_t last_number; /* atomic */

static enum weft_tls_profile profile;

void weft_tls_use_profile(enum weft_tls_profile chosen)
{
	profile = chosen;
}

/* Where an SSL keeps its struct weft_tls_ops. */
static int ops_index;
static pthread_once_t ops_index_once = PTHREAD_ONCE_INIT;

static void make_ops_index(void)
{
	ops_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

static bool has_aes(void)
{
#if defined(__x86_64__) || defined(__i386__)
	return __builtin_cpu_supports("aes");
#elif defined(__aarch64__)
	return getauxval(AT_HWCAP) & HWCAP_AES;
#else
	return true; /* as OpenSSL assumes of the servers among them */
#endif
}

static int on_verify(X509_STORE_CTX *store, void *arg)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct weft_tls_ops *ops = SSL_get_ex_data(ssl, ops_index);

	return ops->verify(ssl, store, ops->data);
}

static void on_keylog(const SSL *ssl, const char *line)
{
	struct weft_tls_ops *ops = SSL_get_ex_data(ssl, ops_index);

	ops->keylog(line, ops->data);
}

/* Also called, with @md, after a HelloRetryRequest: the hash must be that one. */
static int on_psk_offer(SSL *ssl, const EVP_MD *md, const unsigned char **id, size_t *id_len,
			SSL_SESSION **session)
{
	struct weft_tls_ops *ops = SSL_get_ex_data(ssl, ops_index);
	const struct weft_psk *psk = ops->psk_offer(ops->data);

	*session = NULL;
	if (!psk || (md && EVP_MD_get_size(md) != psk->secret_len))
		return 1;
	*session = weft_psk_session(psk, ssl);
	*id = psk->id;
	*id_len = sizeof(psk->id);
	return 1;
}

static int on_psk_find(SSL *ssl, const unsigned char *id, size_t id_len, SSL_SESSION **session)
{
	struct weft_tls_ops *ops = SSL_get_ex_data(ssl, ops_index);
	const struct weft_psk *psk = ops->psk_find(id, id_len, ops->data);

	*session = psk ? weft_psk_session(psk, ssl) : NULL;
	return 1;
}

/* Called when the client offers any protocol at all: it must be ours then. */
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

static int set_groups(SSL_CTX *ssl, struct weft_error *err)
{
	bool fips = profile == WEFT_TLS_PROFILE_FIPS, ok;
	const char *classic = fips ? FIPS_GROUPS_CLASSIC : GROUPS_CLASSIC;

	ERR_set_mark();
	ok = SSL_CTX_set1_groups_list(ssl, fips ? FIPS_GROUPS_PQ : GROUPS_PQ) == 1;
	ERR_pop_to_mark();
	if (ok || SSL_CTX_set1_groups_list(ssl, classic) == 1)
		return 0;
	return weft_crypto_error(err, EIO, "OpenSSL takes no groups \"%s\"", classic);
}

static int set_algorithms(SSL_CTX *ssl, struct weft_error *err)
{
	const char *ciphers = has_aes() ? CIPHERS_AES : CIPHERS_CHACHA;

	if (SSL_CTX_set_min_proto_version(ssl, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_max_proto_version(ssl, TLS1_3_VERSION) != 1)
		return weft_crypto_error(err, EIO, "OpenSSL offers no TLS 1.3");
	if (profile == WEFT_TLS_PROFILE_FIPS) {
		ciphers = FIPS_CIPHERS;
		SSL_CTX_set_security_level(ssl, 2); /* keys of 112 bits, in chains as well */
		if (SSL_CTX_set1_sigalgs_list(ssl, FIPS_SIGNATURES) != 1)
			return weft_crypto_error(err, EIO, "OpenSSL takes no signatures \"%s\"",
						 FIPS_SIGNATURES);
	}
	if (SSL_CTX_set_ciphersuites(ssl, ciphers) != 1)
		return weft_crypto_error(err, EIO, "OpenSSL takes no cipher suites \"%s\"",
					 ciphers);
	return set_groups(ssl, err);
}

int weft_tls_ctx_rules(SSL_CTX *ssl, struct weft_error *err)
{
	uint64_t on = SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET;

#ifdef SSL_OP_NO_RX_CERTIFICATE_COMPRESSION
	on |= SSL_OP_NO_RX_CERTIFICATE_COMPRESSION | SSL_OP_NO_TX_CERTIFICATE_COMPRESSION;
#endif
	SSL_CTX_set_options(ssl, on);
#ifdef SSL_OP_ENABLE_KTLS
	SSL_CTX_clear_options(ssl, SSL_OP_ENABLE_KTLS); /* openssl.cnf may set it */
#endif
	/* Only what the SVID brings goes on the wire, not our roots. */
	SSL_CTX_set_mode(ssl, SSL_MODE_NO_AUTO_CHAIN);
	/* No byte beyond the handshake may end up in OpenSSL's buffers. */
	SSL_CTX_set_read_ahead(ssl, 0);
	SSL_CTX_set_max_cert_list(ssl, CHAIN_BYTES_MAX);
	SSL_CTX_set_verify_depth(ssl, CHAIN_DEPTH_MAX);
	/* Records that the kernel's sequence number would not know of. */
	SSL_CTX_set_num_tickets(ssl, 0);
	SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
	return set_algorithms(ssl, err);
}

static void set_callbacks(SSL_CTX *ssl, enum weft_role role)
{
	SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(ssl, on_verify, NULL);
	SSL_CTX_set_keylog_callback(ssl, on_keylog);
	if (role == WEFT_ROLE_SERVER) {
		/* Or a client that offers a session fails against SSL_VERIFY_PEER. */
		SSL_CTX_set_session_id_context(ssl, alpn, ALPN_LEN);
		SSL_CTX_set_alpn_select_cb(ssl, on_alpn, NULL);
		SSL_CTX_set_psk_find_session_callback(ssl, on_psk_find);
	} else {
		SSL_CTX_set_psk_use_session_callback(ssl, on_psk_offer);
	}
}

static int configure(struct weft_tls_ctx *ctx, struct weft_error *err)
{
	const struct weft_svid *svid = ctx->svid;
	SSL_CTX *ssl = ctx->ssl;
	int r = weft_tls_ctx_rules(ssl, err);

	if (r)
		return r;
	set_callbacks(ssl, ctx->role);
	SSL_CTX_set1_cert_store(ssl, weft_bundle_store(ctx->bundle));
	/* Inverted: 0 is success. */
	if (ctx->role == WEFT_ROLE_CLIENT && SSL_CTX_set_alpn_protos(ssl, alpn, ALPN_LEN))
		return weft_crypto_error(err, EIO, "OpenSSL takes no ALPN");
	if (SSL_CTX_use_cert_and_key(ssl, svid->cert, svid->key, svid->chain, 1) != 1)
		return weft_crypto_error(err, EIO, "OpenSSL does not take the SVID of %s",
					 svid->identity);
	return 0;
}

int weft_tls_ctx_create(enum weft_role role, struct weft_svid *svid, struct weft_bundle *bundle,
			struct weft_tls_ctx **ret, struct weft_error *err)
{
	_cleanup_(weft_tls_ctx_put_ptr) struct weft_tls_ctx *ctx = calloc(1, sizeof(*ctx));
	int r;

	if (!ctx)
		return weft_error_nomem(err);
	pthread_once(&ops_index_once, make_ops_index);
	ctx->refs = 1;
	ctx->role = role;
	ctx->number = __atomic_add_fetch(&last_number, 1, __ATOMIC_RELAXED);
	ctx->svid = weft_svid_get(svid);
	ctx->bundle = weft_bundle_get(bundle);
	ctx->ssl = SSL_CTX_new_ex(weft_crypto_library(), NULL,
				  role == WEFT_ROLE_SERVER ? TLS_server_method() :
							     TLS_client_method());
	if (!ctx->ssl || ops_index < 0)
		return weft_crypto_error(err, ENOMEM, "cannot make a TLS context");
	r = configure(ctx, err);
	if (r)
		return r;
	*ret = weft_steal_ptr(ctx);
	return 0;
}

struct weft_tls_ctx *weft_tls_ctx_get(struct weft_tls_ctx *ctx)
{
	__atomic_add_fetch(&ctx->refs, 1, __ATOMIC_RELAXED);
	return ctx;
}

void weft_tls_ctx_put(struct weft_tls_ctx *ctx)
{
	if (!ctx || __atomic_sub_fetch(&ctx->refs, 1, __ATOMIC_ACQ_REL))
		return;
	SSL_CTX_free(ctx->ssl);
	if (ctx->resume)
		weft_resume_forget(ctx->resume, ctx->number);
	weft_resume_put(ctx->resume);
	weft_svid_put(ctx->svid);
	weft_bundle_put(ctx->bundle);
	free(ctx);
}

void weft_tls_ctx_put_ptr(struct weft_tls_ctx **ctx)
{
	weft_tls_ctx_put(*ctx);
}

enum weft_role weft_tls_ctx_role(const struct weft_tls_ctx *ctx)
{
	return ctx->role;
}

const struct weft_svid *weft_tls_ctx_svid(const struct weft_tls_ctx *ctx)
{
	return ctx->svid;
}

const struct weft_bundle *weft_tls_ctx_bundle(const struct weft_tls_ctx *ctx)
{
	return ctx->bundle;
}

void weft_tls_ctx_set_resume(struct weft_tls_ctx *ctx, struct weft_resume *resume)
{
	ctx->resume = weft_resume_get(resume);
}

struct weft_resume *weft_tls_ctx_resume(const struct weft_tls_ctx *ctx)
{
	return ctx->resume;
}

uint64_t weft_tls_ctx_number(const struct weft_tls_ctx *ctx)
{
	return ctx->number;
}

SSL *weft_tls_ctx_ssl(struct weft_tls_ctx *ctx, struct weft_tls_ops *ops)
{
	SSL *ssl = SSL_new(ctx->ssl);

	if (!ssl)
		return NULL;
	if (SSL_set_ex_data(ssl, ops_index, ops) != 1) {
		SSL_free(ssl);
		return NULL;
	}
	if (ctx->role == WEFT_ROLE_SERVER)
		SSL_set_accept_state(ssl);
	else
		SSL_set_connect_state(ssl);
	return ssl;
}
