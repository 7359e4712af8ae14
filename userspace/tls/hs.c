// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One TLS 1.3 handshake, up to the keys for kernel TLS. Driven by a worker; one
 * thread at a time per object. Owns its SSL and the secrets, not the descriptor.
 *
 *            client                              server
 *   SHAKE    ... verify: JUDGE ... Finished      ... Finished: JUDGE
 *            (resumed: ... Finished: JUDGE)
 *   CONFIRM  read { 1, code }   (weft/1 only)    write { 1, code }   (weft/1 only)
 *   OVER     DONE or FAILED                      DONE or FAILED
 *
 * The kernel goes on where OpenSSL ends, so the sequence numbers must be known
 * exactly. They are not assumed but counted: each direction counts its records
 * from the moment OpenSSL switches it to the application keys (which the key log
 * tells), and a count other than the protocol's ends the handshake.
 */
#include <errno.h>
#include <openssl/err.h>
#include <string.h>
#include <time.h>
#include "pki/crypto.h"
#include "pki/serial.h"
#include "tls/bio.h"
#include "tls/failure.h"
#include "tls/hs.h"
#include "tls/verify.h"

enum phase {
	PHASE_SHAKE,
	PHASE_CONFIRM,
	PHASE_OVER,
};

enum judgement {
	JUDGEMENT_OPEN,
	JUDGEMENT_ALLOWED,
	JUDGEMENT_REFUSED,
};

/* Index of struct weft_hs.flow, as write_p of OpenSSL's message callback. */
enum {
	RX,
	TX,
};

struct flow {
	struct weft_secret secret;
	uint64_t records; /* since the secret is in use */
};

struct weft_hs {
	struct weft_tls_ctx *ctx;
	struct weft_tls_ops ops;
	struct weft_tls_io io;
	SSL *ssl;
	enum phase phase;
	enum weft_hs_status status;
	enum judgement judgement;
	uint8_t code; /* enum weft_confirm, server */
	bool has_keys; /* DONE, and not taken yet */
	bool resumed;
	char *peer;
	char serial[WEFT_SERIAL_SIZE]; /* as long as there is a peer */
	int64_t peer_until; /* its chain is valid; full handshakes */
	char *server_name; /* client; or NULL */
	uint64_t generation; /* 0: resumption is not for this one */
	struct weft_resume_key resume_key; /* client */
	struct weft_psk psk; /* what was offered, or found; secret_len 0: nothing */
	struct flow flow[2];
	struct weft_failure failure;
};

static bool is_server(const struct weft_hs *hs)
{
	return weft_tls_ctx_role(hs->ctx) == WEFT_ROLE_SERVER;
}

static void wipe_secrets(struct weft_hs *hs)
{
	explicit_bzero(hs->flow, sizeof(hs->flow));
	weft_psk_wipe(&hs->psk);
	hs->has_keys = false;
}

/* What did not work once is not tried again, whatever the reason was. */
static void forget_offer(struct weft_hs *hs)
{
	if (!is_server(hs) && hs->psk.secret_len && hs->phase == PHASE_SHAKE)
		weft_resume_drop_client(weft_tls_ctx_resume(hs->ctx), &hs->resume_key);
}

/* hs->failure says why. */
static enum weft_hs_status fail(struct weft_hs *hs)
{
	forget_offer(hs);
	wipe_secrets(hs);
	ERR_clear_error();
	hs->phase = PHASE_OVER;
	return hs->status = WEFT_HS_FAILED;
}

/* ---- what OpenSSL asks and tells meanwhile ---- */

static int verify(SSL *ssl, X509_STORE_CTX *store, void *data)
{
	struct weft_error err = { 0 };
	struct weft_hs *hs = data;
	int r;

	if (hs->judgement == JUDGEMENT_REFUSED) {
		X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
		return 0;
	}
	if (hs->judgement == JUDGEMENT_ALLOWED) {
		X509_STORE_CTX_set_error(store, X509_V_OK);
		return 1;
	}
	free(weft_steal_ptr(hs->peer));
	r = weft_pki_serial(X509_STORE_CTX_get0_cert(store), hs->serial, &err);
	if (r)
		X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
	else
		r = weft_tls_verify(store, weft_tls_ctx_bundle(hs->ctx), &hs->peer,
				    &hs->peer_until, &err);
	if (r) {
		weft_failure_set(&hs->failure,
				 r == -ENOMEM ? WEFT_REASON_RESOURCES :
						WEFT_REASON_PEER_CERTIFICATE,
				 "%s", err.text);
		return 0;
	}
	/* A client does not show its own certificate to a server that it will not
	 * talk to: stop here until the verdict. OpenSSL has that for clients only. */
	return is_server(hs) ? 1 : SSL_set_retry_verify(ssl);
}

static void keylog(const char *line, void *data)
{
	struct weft_hs *hs = data;
	struct flow *of_client = &hs->flow[is_server(hs) ? RX : TX];
	struct flow *of_server = &hs->flow[is_server(hs) ? TX : RX];

	if (!weft_secret_parse(line, WEFT_SECRET_CLIENT, &of_client->secret))
		of_client->records = 0;
	else if (!weft_secret_parse(line, WEFT_SECRET_SERVER, &of_server->secret))
		of_server->records = 0;
}

static const struct weft_psk *psk_offer(void *data)
{
	struct weft_hs *hs = data;

	return hs->psk.secret_len ? &hs->psk : NULL;
}

static const struct weft_psk *psk_find(const uint8_t *id, size_t len, void *data)
{
	struct weft_hs *hs = data;

	if (!hs->generation ||
	    weft_resume_find_server(weft_tls_ctx_resume(hs->ctx), weft_tls_ctx_number(hs->ctx), id,
				    len, hs->generation, time(NULL), &hs->psk))
		return NULL;
	return &hs->psk;
}

/* Called with each record's header, before the record takes effect. */
static void count_records(int write_p, int version, int type, const void *buf, size_t len, SSL *ssl,
			  void *arg)
{
	struct weft_hs *hs = arg;

	if (type == SSL3_RT_HEADER)
		hs->flow[write_p ? TX : RX].records++;
}

/* ---- the steps ---- */

/* OpenSSL did not get through: wait, ask, or give up. */
static enum weft_hs_status not_yet(struct weft_hs *hs, int ret)
{
	int error = SSL_get_error(hs->ssl, ret);

	switch (error) {
	case SSL_ERROR_WANT_READ:
		return hs->status = WEFT_HS_WANT_READ;
	case SSL_ERROR_WANT_WRITE:
		return hs->status = WEFT_HS_WANT_WRITE;
	case SSL_ERROR_WANT_RETRY_VERIFY:
		return hs->status = WEFT_HS_JUDGE;
	default:
		weft_failure_from_ssl(&hs->failure, error, &hs->io);
		return fail(hs);
	}
}

static int64_t earliest(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* A full handshake between daemons went well: the next one can be shorter. */
static void remember(struct weft_hs *hs)
{
	const struct weft_svid *svid = weft_tls_ctx_svid(hs->ctx);
	struct weft_resume *resume = weft_tls_ctx_resume(hs->ctx);
	_cleanup_(weft_psk_wipe) struct weft_psk psk = { .generation = hs->generation };
	const char *client = is_server(hs) ? hs->peer : svid->identity;
	const char *server = is_server(hs) ? svid->identity : hs->peer;

	if (weft_psk_derive(&psk, hs->ssl, client, server)) {
		ERR_clear_error();
		return;
	}
	psk.since = time(NULL);
	psk.until = earliest(psk.since + WEFT_RESUME_AGE,
			     earliest(svid->valid_until, hs->peer_until));
	strcpy(psk.serial, hs->serial);
	strcpy(psk.peer, hs->peer); /* as long as the interface allows: derive has looked */
	if (is_server(hs))
		weft_resume_add_server(resume, weft_tls_ctx_number(hs->ctx), &psk);
	else
		weft_resume_add_client(resume, &hs->resume_key, weft_tls_ctx_number(hs->ctx), &psk);
}

/* Everything was said; is the state what the kernel can go on from? */
static enum weft_hs_status finish(struct weft_hs *hs)
{
	bool confirmed = weft_hs_is_weft(hs);
	uint64_t tx = confirmed && is_server(hs), rx = confirmed && !is_server(hs);

	if (!hs->flow[TX].secret.len || !hs->flow[RX].secret.len || hs->flow[TX].records != tx)
		weft_failure_set(&hs->failure, WEFT_REASON_TLS,
				 "OpenSSL's keys are in a state that kernel TLS cannot take over");
	else if (hs->flow[RX].records != rx || SSL_has_pending(hs->ssl))
		weft_failure_set(&hs->failure, WEFT_REASON_TLS,
				 "the peer sent more than the handshake");
	if (hs->failure.reason != WEFT_REASON_NONE)
		return fail(hs);
	if (hs->generation && confirmed && !hs->resumed)
		remember(hs);
	hs->phase = PHASE_OVER;
	hs->has_keys = true;
	return hs->status = WEFT_HS_DONE;
}

static enum weft_hs_status finish_refused(struct weft_hs *hs)
{
	if (hs->code == WEFT_CONFIRM_DENIED)
		weft_failure_set(&hs->failure, WEFT_REASON_POLICY_DENIED,
				 "%s may not have this connection", hs->peer);
	else if (hs->code == WEFT_CONFIRM_REVOKED)
		weft_failure_set(&hs->failure, WEFT_REASON_REVOKED,
				 "%s, with the certificate %s, is revoked", hs->peer, hs->serial);
	else
		weft_failure_set(&hs->failure, WEFT_REASON_RESOURCES,
				 "this side cannot take the connection");
	return fail(hs);
}

/* Server: tell the client. */
static enum weft_hs_status confirm_write(struct weft_hs *hs)
{
	bool allowed = hs->judgement == JUDGEMENT_ALLOWED;
	const uint8_t record[WEFT_CONFIRM_LEN] = {
		WEFT_CONFIRM_VERSION,
		allowed ? WEFT_CONFIRM_ACCEPTED : hs->code,
	};
	int ret = 1;

	/* After a partial write OpenSSL wants the same bytes again: they are. */
	if (weft_hs_is_weft(hs))
		ret = SSL_write(hs->ssl, record, sizeof(record));
	if (ret <= 0)
		return not_yet(hs, ret);
	return allowed ? finish(hs) : finish_refused(hs);
}

/* Client: what does the server say? One record, as it must be, is read at once. */
static enum weft_hs_status confirm_read(struct weft_hs *hs)
{
	uint8_t record[WEFT_CONFIRM_LEN + 1];
	int len = SSL_read(hs->ssl, record, sizeof(record));

	if (len <= 0)
		return not_yet(hs, len);
	if (len != WEFT_CONFIRM_LEN || record[0] != WEFT_CONFIRM_VERSION)
		weft_failure_set(&hs->failure, WEFT_REASON_TLS,
				 "the server's confirm record is not of weft/1");
	else if (record[1] == WEFT_CONFIRM_DENIED)
		weft_failure_set(&hs->failure, WEFT_REASON_PEER_DENIED,
				 "a policy at the server's side denies it");
	else if (record[1] == WEFT_CONFIRM_REVOKED)
		weft_failure_set(&hs->failure, WEFT_REASON_PEER_DENIED,
				 "this identity, or its certificate, is revoked at the server's side");
	else if (record[1] != WEFT_CONFIRM_ACCEPTED)
		weft_failure_set(&hs->failure, WEFT_REASON_TLS,
				 "the server's side could not take the connection (code %u)",
				 record[1]);
	return hs->failure.reason == WEFT_REASON_NONE ? finish(hs) : fail(hs);
}

static enum weft_hs_status confirm(struct weft_hs *hs)
{
	return is_server(hs) ? confirm_write(hs) : confirm_read(hs);
}

/* The PSK proved who the peer is: only it and we have it. */
static void take_resumed(struct weft_hs *hs)
{
	if (!hs->psk.secret_len || !weft_hs_is_weft(hs)) {
		weft_failure_set(&hs->failure, WEFT_REASON_TLS,
				 "OpenSSL resumed a session that is not between daemons");
		return;
	}
	free(hs->peer);
	hs->peer = strdup(hs->psk.peer);
	strcpy(hs->serial, hs->psk.serial);
	if (!hs->peer)
		weft_failure_set(&hs->failure, WEFT_REASON_RESOURCES, "out of memory");
	hs->resumed = true;
}

/* TLS itself is through. */
static enum weft_hs_status shaken(struct weft_hs *hs)
{
	const unsigned char *alpn;
	unsigned int len;

	if (SSL_session_reused(hs->ssl))
		take_resumed(hs);
	SSL_get0_alpn_selected(hs->ssl, &alpn, &len);
	if (len && !weft_hs_is_weft(hs))
		weft_failure_set(&hs->failure, WEFT_REASON_TLS,
				 "the peer chose a protocol that was not offered (ALPN)");
	else if (!hs->peer ||
		 (!is_server(hs) && !hs->resumed && hs->judgement != JUDGEMENT_ALLOWED))
		weft_failure_set(&hs->failure, WEFT_REASON_PEER_CERTIFICATE,
				 "OpenSSL ended the handshake without a verified peer");
	if (hs->failure.reason != WEFT_REASON_NONE)
		return fail(hs);

	hs->phase = PHASE_CONFIRM;
	if (is_server(hs) || hs->resumed)
		return hs->status = WEFT_HS_JUDGE;
	return weft_hs_is_weft(hs) ? confirm(hs) : finish(hs);
}

static enum weft_hs_status go_on(struct weft_hs *hs)
{
	int ret;

	ERR_clear_error();
	if (hs->phase == PHASE_CONFIRM)
		return confirm(hs);
	ret = SSL_do_handshake(hs->ssl);
	return ret == 1 ? shaken(hs) : not_yet(hs, ret);
}

enum weft_hs_status weft_hs_step(struct weft_hs *hs)
{
	if (hs->phase == PHASE_OVER || hs->status == WEFT_HS_JUDGE)
		return hs->status;
	return go_on(hs);
}

enum weft_hs_status weft_hs_judged(struct weft_hs *hs, bool allow, uint8_t code)
{
	if (hs->status != WEFT_HS_JUDGE)
		return hs->status;
	hs->judgement = allow ? JUDGEMENT_ALLOWED : JUDGEMENT_REFUSED;
	/* A refusal must never read as its opposite. */
	hs->code = code == WEFT_CONFIRM_ACCEPTED ? WEFT_CONFIRM_REFUSED : code;
	if (!allow && !is_server(hs)) {
		weft_failure_set(&hs->failure, WEFT_REASON_PEER_IDENTITY,
				 "%s is not an identity the service may have", hs->peer);
		if (hs->resumed) /* TLS has nothing left to refuse */
			return fail(hs);
	}
	return go_on(hs);
}

/* ---- life ---- */

static bool attach(struct weft_hs *hs, const char *server_name)
{
	BIO *bio;

	hs->ssl = weft_tls_ctx_ssl(hs->ctx, &hs->ops);
	if (!hs->ssl)
		return false;
	bio = weft_tls_bio_new(&hs->io);
	if (!bio)
		return false;
	SSL_set_bio(hs->ssl, bio, bio); /* takes it */
	SSL_set_msg_callback(hs->ssl, count_records);
	SSL_set_msg_callback_arg(hs->ssl, hs);
	if (is_server(hs) || !server_name || !*server_name)
		return true;
	hs->server_name = strdup(server_name);
	return hs->server_name && SSL_set_tlsext_host_name(hs->ssl, server_name) == 1;
}

int weft_hs_start(struct weft_tls_ctx *ctx, int fd, const char *server_name, struct weft_hs **ret,
		  struct weft_error *err)
{
	_cleanup_(weft_hs_destroy_ptr) struct weft_hs *hs = NULL;

	if (server_name && strlen(server_name) > WEFT_NAME_MAX)
		return weft_error_set(err, EINVAL, "server name of %zu characters: at most %d",
				      strlen(server_name), WEFT_NAME_MAX);
	hs = calloc(1, sizeof(*hs));
	if (!hs)
		return weft_error_nomem(err);
	hs->ctx = weft_tls_ctx_get(ctx);
	hs->io.fd = fd;
	hs->ops = (struct weft_tls_ops){ .verify = verify, .keylog = keylog, .psk_offer = psk_offer,
					 .psk_find = psk_find, .data = hs };
	hs->status = is_server(hs) ? WEFT_HS_WANT_READ : WEFT_HS_WANT_WRITE;
	if (!attach(hs, server_name))
		return weft_crypto_error(err, ENOMEM, "cannot start a handshake");
	*ret = weft_steal_ptr(hs);
	return 0;
}

void weft_hs_resume(struct weft_hs *hs, const struct weft_addr *remote, uint64_t generation)
{
	struct weft_resume *resume = weft_tls_ctx_resume(hs->ctx);

	if (!resume || !generation)
		return;
	hs->generation = generation;
	if (is_server(hs))
		return;
	weft_resume_key(&hs->resume_key, weft_tls_ctx_number(hs->ctx), remote, hs->server_name);
	weft_resume_find_client(resume, &hs->resume_key, generation, time(NULL), &hs->psk);
}

void weft_hs_destroy(struct weft_hs *hs)
{
	if (!hs)
		return;
	wipe_secrets(hs);
	SSL_free(hs->ssl); /* sends nothing */
	weft_tls_ctx_put(hs->ctx);
	free(hs->server_name);
	free(hs->peer);
	free(hs);
}

void weft_hs_destroy_ptr(struct weft_hs **hs)
{
	weft_hs_destroy(*hs);
}

/* ---- results ---- */

const char *weft_hs_peer(const struct weft_hs *hs)
{
	return hs->peer;
}

const char *weft_hs_peer_serial(const struct weft_hs *hs)
{
	return hs->peer ? hs->serial : NULL;
}

const char *weft_hs_cipher(const struct weft_hs *hs)
{
	const SSL_CIPHER *cipher = SSL_get_current_cipher(hs->ssl);

	return cipher ? SSL_CIPHER_get_name(cipher) : NULL;
}

bool weft_hs_is_weft(const struct weft_hs *hs)
{
	const unsigned char *alpn;
	unsigned int len;

	SSL_get0_alpn_selected(hs->ssl, &alpn, &len);
	return len == strlen(WEFT_TLS_ALPN) && !memcmp(alpn, WEFT_TLS_ALPN, len);
}

bool weft_hs_is_resumed(const struct weft_hs *hs)
{
	return hs->resumed;
}

enum weft_reason weft_hs_reason(const struct weft_hs *hs)
{
	return hs->failure.reason;
}

const char *weft_hs_detail(const struct weft_hs *hs)
{
	return hs->failure.detail;
}

int weft_hs_errno(enum weft_role role, enum weft_reason reason)
{
	switch (reason) {
	case WEFT_REASON_POLICY_DENIED:
	case WEFT_REASON_PEER_DENIED:
	case WEFT_REASON_REVOKED:
		return EACCES;
	case WEFT_REASON_HANDSHAKE_TIMEOUT:
		return ETIMEDOUT;
	default:
		return role == WEFT_ROLE_CLIENT ? ECONNREFUSED : ECONNRESET;
	}
}

int weft_hs_keys(struct weft_hs *hs, struct weft_ktls_key *tx, struct weft_ktls_key *rx,
		 struct weft_error *err)
{
	const SSL_CIPHER *cipher = SSL_get_current_cipher(hs->ssl);
	_cleanup_(weft_ktls_wipe) struct weft_ktls_key send = { 0 }, receive = { 0 };
	int r;

	if (!hs->has_keys)
		return weft_error_set(err, EBUSY, "the handshake has no keys to give");
	r = weft_ktls_derive(&send, cipher, &hs->flow[TX].secret, hs->flow[TX].records, err);
	if (!r)
		r = weft_ktls_derive(&receive, cipher, &hs->flow[RX].secret, hs->flow[RX].records,
				     err);
	wipe_secrets(hs);
	if (r)
		return r;
	*tx = send;
	*rx = receive;
	return 0;
}
