// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The handshake engine against peers that are not weft, or not honest.
 */
#include "tls_encounter.h"

#include <strings.h>

/* ---- ALPN ---- */

static void peer_without_alpn_is_taken_without_confirm(void **state)
{
	struct encounter e;

	meet(&e, *state, &(struct habits){ .is_server = false });
	assert_int_equal(e.status, WEFT_HS_DONE);
	assert_false(weft_hs_is_weft(e.hs));
	assert_string_equal(weft_hs_peer(e.hs), CART);
	assert_true(is_empty(e.fd[1])); /* nothing but the handshake, no tickets */
	part(&e);
	meet(&e, *state, &(struct habits){ .is_server = true });
	assert_int_equal(e.status, WEFT_HS_DONE);
	assert_false(weft_hs_is_weft(e.hs));
	assert_string_equal(weft_hs_peer(e.hs), PAYMENTS);
	part(&e);
}

static void client_with_other_protocols_is_refused(void **state)
{
	struct encounter e;

	meet(&e, *state, &(struct habits){ .alpn = "\x02h2\x08http/1.1" });
	assert_int_equal(e.status, WEFT_HS_FAILED);
	assert_failed(e.hs, WEFT_REASON_TLS, "weft/1");
	assert_int_equal(e.f.result, -1);
	part(&e);
}

static void client_with_weft_among_others_gets_weft(void **state)
{
	struct encounter e;
	char buf[8];

	meet(&e, *state, &(struct habits){ .alpn = "\x02h2\x06weft/1" });
	assert_int_equal(e.status, WEFT_HS_DONE);
	assert_true(weft_hs_is_weft(e.hs));
	assert_int_equal(SSL_read(e.f.ssl, buf, sizeof(buf)), 2);
	assert_memory_equal(buf, "\x01\x00", 2);
	part(&e);
}

static int select_unoffered(SSL *ssl, const unsigned char **out, unsigned char *outlen,
			    const unsigned char *in, unsigned int inlen, void *arg)
{
	*out = (const unsigned char *)"h2";
	*outlen = 2;
	return SSL_TLSEXT_ERR_OK;
}

static void server_that_chooses_an_unoffered_protocol_is_refused(void **state)
{
	struct encounter e;

	meet(&e, *state, &(struct habits){ .is_server = true, .select = select_unoffered });
	assert_int_equal(e.status, WEFT_HS_FAILED);
	assert_failed(e.hs, WEFT_REASON_TLS, "");
	part(&e);
}

static void server_sees_the_service_as_sni(void **state)
{
	struct encounter e;

	meet(&e, *state, &(struct habits){ .is_server = true });
	assert_string_equal(SSL_get_servername(e.f.ssl, TLSEXT_NAMETYPE_host_name), "payments");
	part(&e);
}

static void foreign_client_that_is_denied_gets_no_data(void **state)
{
	struct world *w = *state;
	struct encounter e;

	new_pair(e.fd);
	foreign_init(&e.f, w, &(struct habits){ .is_server = false }, e.fd[1]);
	e.hs = new_hs(w->server, e.fd[0]);
	do {
		foreign_step(&e.f);
		e.status = weft_hs_step(e.hs);
	} while (e.status == WEFT_HS_WANT_READ);
	assert_int_equal(e.status, WEFT_HS_JUDGE);
	assert_int_equal(weft_hs_judged(e.hs, false, WEFT_CONFIRM_DENIED), WEFT_HS_FAILED);
	assert_failed(e.hs, WEFT_REASON_POLICY_DENIED, CART);
	assert_true(is_empty(e.fd[1]));
	part(&e);
}

static void only_the_chain_of_the_svid_is_sent(void **state)
{
	for (int server = 0; server < 2; server++) {
		struct encounter e;

		meet(&e, *state, &(struct habits){ .is_server = server });
		/* A server's view of the chain leaves the leaf out. */
		assert_int_equal(sk_X509_num(SSL_get_peer_cert_chain(e.f.ssl)), !server);
		part(&e);
	}
}

/* ---- certificates ---- */

static void client_without_certificate_is_refused(void **state)
{
	struct encounter e;

	meet(&e, *state, &(struct habits){ .has_no_cert = true });
	assert_int_equal(e.status, WEFT_HS_FAILED);
	assert_failed(e.hs, WEFT_REASON_PEER_CERTIFICATE, "the peer sent no certificate");
	part(&e);
}

static void refuse_validity(struct world *w, int64_t from, int64_t to, const char *words)
{
	EVP_PKEY *key = new_key();
	X509 *cert = new_cert(CART, key, &w->ca, from, to);

	assert_not_taken(w, (struct habits){ .cert = cert, .key = key },
			 WEFT_REASON_PEER_CERTIFICATE, words);
	X509_free(cert);
	EVP_PKEY_free(key);
}

static void expired_certificate_is_refused(void **state)
{
	refuse_validity(*state, -HOUR, -1, "certificate has expired (valid ");
}

static void future_certificate_is_refused(void **state)
{
	refuse_validity(*state, HOUR, 2 * HOUR, "certificate is not yet valid");
}

static void key_taken(struct world *w, EVP_PKEY *key)
{
	X509 *cert = new_cert(CART, key, &w->ca, -HOUR, HOUR);

	assert_taken(w, (struct habits){ .cert = cert, .key = key }, CART);
	X509_free(cert);
}

static void svids_of_every_kind_of_key_are_taken(void **state)
{
	EVP_PKEY *const keys[] = {
		EVP_EC_gen("P-384"),
		EVP_RSA_gen(2048),
		EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"),
		EVP_PKEY_Q_keygen(NULL, NULL, "ED448"),
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		key_taken(*state, keys[i]);
		EVP_PKEY_free(keys[i]);
	}
}

/* The engine in both roles exchanges keys by @name with a peer that has @groups. */
static void assert_group(struct world *w, const char *groups, const char *name)
{
	for (int server = 0; server < 2; server++) {
		struct encounter e;
		const char *group;

		meet(&e, w, &(struct habits){ .is_server = server, .groups = groups });
		if (e.status != WEFT_HS_DONE)
			fail_msg("%s", weft_hs_detail(e.hs));
		group = SSL_group_to_name(e.f.ssl, SSL_get_negotiated_group(e.f.ssl));
		if (!group || strcasecmp(group, name))
			fail_msg("%s instead of %s", group ? group : "no group", name);
		part(&e);
	}
}

static bool has_ml_kem(void)
{
	return OpenSSL_version_num() >= 0x30500000;
}

static void keys_are_exchanged_by_ml_kem_where_both_can(void **state)
{
	assert_group(*state, NULL, has_ml_kem() ? "X25519MLKEM768" : "x25519");
	assert_group(*state, "X25519", "x25519");
	assert_group(*state, "P-256", "secp256r1");
}

static void refuse_habit(struct world *w, const char *groups, const char *suites, EVP_PKEY *key)
{
	X509 *cert = key ? new_cert(CART, key, &w->ca, -HOUR, HOUR) : NULL;

	for (int server = 0; server < 2; server++) {
		struct encounter e;

		meet(&e, w, &(struct habits){ .is_server = server, .groups = groups,
					      .suites = suites, .cert = cert, .key = key });
		assert_int_equal(e.status, WEFT_HS_FAILED);
		part(&e);
	}
	X509_free(cert);
}

static void fips_profile_takes_approved_algorithms_only(void **state)
{
	struct world w = *(struct world *)*state;
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), *approved = EVP_RSA_gen(2048);
	EVP_PKEY *small = EVP_RSA_gen(1024);

	weft_tls_use_profile(WEFT_TLS_PROFILE_FIPS);
	w.client = new_ctx(WEFT_ROLE_CLIENT, w.cart, w.bundle);
	w.server = new_ctx(WEFT_ROLE_SERVER, w.payments, w.bundle);
	weft_tls_use_profile(WEFT_TLS_PROFILE_DEFAULT);
	assert_group(&w, NULL, "secp256r1"); /* what a host of the default profile has in common */
	assert_group(&w, "P-384", "secp384r1");
	if (has_ml_kem())
		assert_group(&w, "SecP256r1MLKEM768", "SecP256r1MLKEM768");
	key_taken(&w, approved);
	refuse_habit(&w, "X25519", NULL, NULL);
	refuse_habit(&w, NULL, "TLS_CHACHA20_POLY1305_SHA256", NULL);
	refuse_habit(&w, NULL, NULL, key);
	refuse_habit(&w, NULL, NULL, small); /* SP 800-131A: 112 bits of security */
	EVP_PKEY_free(key);
	EVP_PKEY_free(approved);
	EVP_PKEY_free(small);
	weft_tls_ctx_put(w.client);
	weft_tls_ctx_put(w.server);
}

/* What one bundle vouches for, it remembers; another one has to see for itself. */
static void chain_taken_before_is_refused_by_a_bundle_without_its_root(void **state)
{
	struct authority other = new_authority("example.org");
	struct weft_bundle *bundle = weft_bundle_create();
	const struct habits plain = { 0 };
	struct world *w = *state, changed;

	for (int i = 0; i < 3; i++)
		assert_taken(w, (struct habits){ .cert = w->cart->cert, .key = w->cart->key },
			     CART);
	assert_int_equal(weft_bundle_add(bundle, other.cert, "example.org", NULL), 0);
	changed = *w;
	changed.client = new_ctx(WEFT_ROLE_CLIENT, w->cart, bundle);
	changed.server = new_ctx(WEFT_ROLE_SERVER, w->payments, bundle);
	assert_not_taken(&changed, plain, WEFT_REASON_PEER_CERTIFICATE,
			 "unable to get local issuer certificate");
	weft_tls_ctx_put(changed.client);
	weft_tls_ctx_put(changed.server);
	weft_bundle_put(bundle);
	authority_uninit(&other);
}

static void certificate_of_an_unknown_root_is_refused(void **state)
{
	/* The same names and trust domain, another key. */
	struct authority other = new_authority("example.org");
	EVP_PKEY *key = new_key();
	X509 *cert = new_cert(CART, key, &other, -HOUR, HOUR);

	assert_not_taken(*state, (struct habits){ .cert = cert, .key = key },
			 WEFT_REASON_PEER_CERTIFICATE, "unable to get local issuer certificate");
	assert_not_taken(*state,
			 (struct habits){ .cert = cert, .key = key, .intermediate = other.cert },
			 WEFT_REASON_PEER_CERTIFICATE,
			 "self-signed certificate in certificate chain");
	X509_free(cert);
	EVP_PKEY_free(key);
	authority_uninit(&other);
}

static void self_signed_certificate_is_refused(void **state)
{
	struct authority other = new_authority("example.org");

	assert_not_taken(*state, (struct habits){ .cert = other.cert, .key = other.key },
			 WEFT_REASON_PEER_CERTIFICATE, "self-signed certificate");
	authority_uninit(&other);
}

static void ca_certificate_as_leaf_is_refused(void **state)
{
	struct world *w = *state;

	assert_not_taken(w, (struct habits){ .cert = w->ca.cert, .key = w->ca.key },
			 WEFT_REASON_PEER_CERTIFICATE, "it is a CA certificate");
}

/* A certificate of our CA with this subject alternative name and extended usage. */
static X509 *odd_cert(struct world *w, EVP_PKEY *key, const char *san, const char *extended,
		      const char *basic)
{
	X509 *cert = new_cert(CART, key, &w->ca, -HOUR, HOUR);
	const struct {
		int nid;
		const char *value;
	} exts[] = { { NID_subject_alt_name, san },
		     { NID_ext_key_usage, extended },
		     { NID_basic_constraints, basic } };

	for (size_t i = 0; i < sizeof(exts) / sizeof(*exts); i++)
		set_extension(cert, &w->ca, exts[i].nid, exts[i].value);
	return cert;
}

static void refuse_odd(struct world *w, const char *san, const char *extended, const char *words)
{
	EVP_PKEY *key = new_key();
	X509 *cert = odd_cert(w, key, san, extended, "CA:FALSE");

	assert_not_taken(w, (struct habits){ .cert = cert, .key = key },
			 WEFT_REASON_PEER_CERTIFICATE, words);
	X509_free(cert);
	EVP_PKEY_free(key);
}

static void certificate_without_spiffe_id_is_refused(void **state)
{
	refuse_odd(*state, "DNS:cart.example.org", "serverAuth,clientAuth", "it has no SPIFFE ID");
	refuse_odd(*state, NULL, "serverAuth,clientAuth", "it has no SPIFFE ID");
	refuse_odd(*state, "URI:https://example.org/cart", "serverAuth,clientAuth",
		   "is not a SPIFFE ID");
}

static void certificate_with_two_uris_is_refused(void **state)
{
	refuse_odd(*state, "URI:" CART ",URI:" PAYMENTS, "serverAuth,clientAuth",
		   "more than one URI");
}

static void certificate_for_one_direction_is_refused(void **state)
{
	refuse_odd(*state, "URI:" CART, "serverAuth", "extended key usage");
	refuse_odd(*state, "URI:" CART, "clientAuth", "extended key usage");
}

static void certificate_without_extended_usage_is_taken(void **state)
{
	EVP_PKEY *key = new_key();
	X509 *cert = odd_cert(*state, key, "URI:" CART, NULL, "CA:FALSE");

	assert_taken(*state, (struct habits){ .cert = cert, .key = key }, CART);
	X509_free(cert);
	EVP_PKEY_free(key);
}

/* Our CA has pathlen 0: nobody may put another CA below it. */
static void chain_beyond_pathlen_is_refused(void **state)
{
	struct world *w = *state;
	struct authority middle = new_intermediate(&w->ca, HOUR);
	EVP_PKEY *key = new_key();
	X509 *cert = new_cert(CART, key, &middle, -HOUR, HOUR);

	assert_not_taken(w,
			 (struct habits){ .cert = cert, .key = key, .intermediate = middle.cert },
			 WEFT_REASON_PEER_CERTIFICATE, "path length constraint exceeded");
	X509_free(cert);
	EVP_PKEY_free(key);
	authority_uninit(&middle);
}

/* A leaf that signs another leaf is no CA. */
static void chain_through_a_leaf_is_refused(void **state)
{
	struct world *w = *state;
	struct authority leaf = { .key = new_key() };
	EVP_PKEY *key = new_key();
	X509 *cert;

	leaf.cert = new_cert(PAYMENTS, leaf.key, &w->ca, -HOUR, HOUR);
	cert = new_cert(CART, key, &leaf, -HOUR, HOUR);
	assert_not_taken(w, (struct habits){ .cert = cert, .key = key, .intermediate = leaf.cert },
			 WEFT_REASON_PEER_CERTIFICATE, "");
	X509_free(cert);
	EVP_PKEY_free(key);
	authority_uninit(&leaf);
}

/* ---- trust domains ---- */

/* The world with a second, federated trust domain. */
struct federation {
	struct world w;
	struct authority partner;
};

static void federate(struct federation *fed, const struct world *w)
{
	fed->partner = new_authority("partner.org");
	fed->w = *w;
	fed->w.bundle = weft_bundle_create();
	assert_int_equal(weft_bundle_add(fed->w.bundle, w->ca.cert, "example.org", NULL), 0);
	assert_int_equal(weft_bundle_add(fed->w.bundle, fed->partner.cert, "partner.org", NULL), 0);
	fed->w.client = new_ctx(WEFT_ROLE_CLIENT, w->cart, fed->w.bundle);
	fed->w.server = new_ctx(WEFT_ROLE_SERVER, w->payments, fed->w.bundle);
}

static void unfederate(struct federation *fed)
{
	weft_tls_ctx_put(fed->w.client);
	weft_tls_ctx_put(fed->w.server);
	weft_bundle_put(fed->w.bundle);
	authority_uninit(&fed->partner);
}

static void identity_of_a_federated_domain_is_taken(void **state)
{
	struct federation fed;
	EVP_PKEY *key = new_key();
	X509 *cert;

	federate(&fed, *state);
	cert = new_cert("spiffe://partner.org/x", key, &fed.partner, -HOUR, HOUR);
	assert_taken(&fed.w, (struct habits){ .cert = cert, .key = key }, "spiffe://partner.org/x");
	X509_free(cert);
	EVP_PKEY_free(key);
	unfederate(&fed);
}

static void federated_root_cannot_issue_our_identities(void **state)
{
	struct federation fed;
	EVP_PKEY *key = new_key();
	X509 *cert;

	federate(&fed, *state);
	cert = new_cert(CART, key, &fed.partner, -HOUR, HOUR);
	assert_not_taken(&fed.w, (struct habits){ .cert = cert, .key = key },
			 WEFT_REASON_PEER_CERTIFICATE,
			 "issued by the root of another trust domain");
	X509_free(cert);
	EVP_PKEY_free(key);
	unfederate(&fed);
}

static void identity_of_an_unknown_domain_is_refused(void **state)
{
	struct world *w = *state;
	EVP_PKEY *key = new_key();
	X509 *cert = new_cert("spiffe://other.org/x", key, &w->ca, -HOUR, HOUR);

	assert_not_taken(w, (struct habits){ .cert = cert, .key = key },
			 WEFT_REASON_PEER_CERTIFICATE, "a trust domain we have no root of");
	X509_free(cert);
	EVP_PKEY_free(key);
}

/* ---- not TLS 1.3 ---- */

static void tls_1_2_client_is_refused(void **state)
{
	struct encounter e;

	meet(&e, *state, &(struct habits){ .max_version = TLS1_2_VERSION });
	assert_int_equal(e.status, WEFT_HS_FAILED);
	assert_failed(e.hs, WEFT_REASON_TLS, "does not speak TLS 1.3");
	part(&e);
}

static void tls_1_2_server_is_refused(void **state)
{
	struct encounter e;

	meet(&e, *state, &(struct habits){ .is_server = true, .max_version = TLS1_2_VERSION });
	assert_int_equal(e.status, WEFT_HS_FAILED);
	assert_failed(e.hs, WEFT_REASON_ALERT, "protocol version");
	part(&e);
}

/* The engine in both roles meets these bytes; then the peer is silent. */
static void assert_bytes_refused(struct world *w, const void *bytes, size_t len, const char *words)
{
	for (int server = 0; server < 2; server++) {
		enum weft_hs_status status;
		struct weft_hs *hs;
		int fd[2];

		new_pair(fd);
		hs = new_hs(server ? w->server : w->client, fd[0]);
		status = weft_hs_step(hs);
		assert_int_equal(status, WEFT_HS_WANT_READ);
		assert_int_equal(send(fd[1], bytes, len, 0), len);
		assert_int_equal(weft_hs_step(hs), WEFT_HS_FAILED);
		assert_int_equal(weft_hs_step(hs), WEFT_HS_FAILED); /* and stays so */
		assert_failed(hs, WEFT_REASON_TLS, words);
		weft_hs_destroy(hs);
		close_pair(fd);
	}
}

static void garbage_is_refused(void **state)
{
	static const uint8_t ones[64] = { [0 ... 63] = 0xff };
	static const uint8_t zeros[64];

	assert_bytes_refused(*state, ones, sizeof(ones), "is not TLS 1.3");
	assert_bytes_refused(*state, zeros, sizeof(zeros), "");
	assert_bytes_refused(*state, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27, "is not TLS 1.3");
	assert_bytes_refused(*state, "SSH-2.0-OpenSSH_9.2\r\n", 21, "is not TLS 1.3");
}

static void oversize_messages_are_refused_at_their_header(void **state)
{
	/* A record longer than allowed; a ClientHello and a ServerHello of 16 MB. */
	static const uint8_t record[] = { 22, 3, 1, 0xff, 0xff, 1, 0, 0, 0 };
	static const uint8_t client[] = { 22, 3, 1, 0x40, 0x00, 1, 0xff, 0xff, 0xff };
	static const uint8_t server[] = { 22, 3, 3, 0x40, 0x00, 2, 0xff, 0xff, 0xff };
	static const uint8_t rest[16384];
	struct world *w = *state;
	struct weft_hs *hs;
	int fd[2];

	assert_bytes_refused(w, record, sizeof(record), "");
	for (int role = 0; role < 2; role++) {
		new_pair(fd);
		hs = new_hs(role ? w->server : w->client, fd[0]);
		assert_int_equal(weft_hs_step(hs), WEFT_HS_WANT_READ);
		send(fd[1], role ? client : server, sizeof(client), 0);
		send(fd[1], rest, sizeof(rest) - 4, 0); /* the rest of this record */
		assert_int_equal(weft_hs_step(hs), WEFT_HS_FAILED);
		assert_failed(hs, WEFT_REASON_TLS, "excessive message size");
		weft_hs_destroy(hs);
		close_pair(fd);
	}
}

static void every_truncation_of_a_client_hello_waits_or_fails(void **state)
{
	struct world *w = *state;
	uint8_t hello[4096];
	struct foreign f;
	struct weft_hs *hs;
	ssize_t len;
	int fd[2];

	new_pair(fd);
	foreign_init(&f, w, &(struct habits){ .alpn = "\x06weft/1" }, fd[1]);
	foreign_step(&f);
	len = recv(fd[0], hello, sizeof(hello), MSG_DONTWAIT);
	assert_true(len > 100);
	foreign_uninit(&f);
	close_pair(fd);
	for (ssize_t cut = 0; cut < len; cut++) {
		new_pair(fd);
		hs = new_hs(w->server, fd[0]);
		assert_int_equal(send(fd[1], hello, cut, 0), cut);
		assert_int_equal(weft_hs_step(hs), WEFT_HS_WANT_READ);
		shutdown(fd[1], SHUT_WR);
		assert_int_equal(weft_hs_step(hs), WEFT_HS_FAILED);
		assert_failed(hs, WEFT_REASON_RESET, "closed");
		weft_hs_destroy(hs);
		close_pair(fd);
	}
}

/* Flips each byte of a real ClientHello in turn: no crash, no wrong state. */
static void every_broken_client_hello_is_survived(void **state)
{
	struct world *w = *state;
	uint8_t hello[4096];
	struct foreign f;
	ssize_t len;
	int fd[2];

	new_pair(fd);
	foreign_init(&f, w, &(struct habits){ .alpn = "\x06weft/1" }, fd[1]);
	foreign_step(&f);
	len = recv(fd[0], hello, sizeof(hello), MSG_DONTWAIT);
	foreign_uninit(&f);
	close_pair(fd);
	for (ssize_t i = 0; i < len; i++) {
		enum weft_hs_status status;
		struct weft_hs *hs;

		new_pair(fd);
		hs = new_hs(w->server, fd[0]);
		hello[i] ^= 0xff;
		send(fd[1], hello, len, 0);
		hello[i] ^= 0xff;
		status = weft_hs_step(hs);
		assert_true(status == WEFT_HS_WANT_READ || status == WEFT_HS_FAILED);
		assert_null(weft_hs_peer(hs));
		weft_hs_destroy(hs);
		close_pair(fd);
	}
}

/* ---- peers that go away ---- */

static void peer_that_closes_is_noticed_in_every_flight(void **state)
{
	struct world *w = *state;

	for (int server = 0; server < 2; server++) {
		for (int flights = 0; flights < 2; flights++) {
			struct encounter e;

			new_pair(e.fd);
			foreign_init(&e.f, w, &(struct habits){ .is_server = !server }, e.fd[1]);
			e.hs = new_hs(server ? w->server : w->client, e.fd[0]);
			for (int i = 0; i < flights; i++) {
				if (server)
					foreign_step(&e.f);
				assert_int_equal(weft_hs_step(e.hs), WEFT_HS_WANT_READ);
			}
			shutdown(e.fd[1], SHUT_WR);
			assert_int_equal(weft_hs_step(e.hs), WEFT_HS_FAILED);
			assert_failed(e.hs, WEFT_REASON_RESET, "closed the connection");
			part(&e);
		}
	}
}

static void peer_that_resets_is_noticed_without_a_signal(void **state)
{
	struct world *w = *state;
	struct weft_hs *hs;
	int fd[2];

	new_pair(fd);
	hs = new_hs(w->client, fd[0]);
	close(fd[1]);
	fd[1] = -1;
	assert_int_equal(weft_hs_step(hs), WEFT_HS_FAILED); /* EPIPE, no SIGPIPE */
	assert_failed(hs, WEFT_REASON_RESET, "reset");
	weft_hs_destroy(hs);
	close_pair(fd);

	new_pair(fd);
	hs = new_hs(w->client, fd[0]);
	assert_int_equal(weft_hs_step(hs), WEFT_HS_WANT_READ);
	close(fd[1]); /* with the ClientHello unread: ECONNRESET */
	fd[1] = -1;
	assert_int_equal(weft_hs_step(hs), WEFT_HS_FAILED);
	assert_failed(hs, WEFT_REASON_RESET, "reset");
	weft_hs_destroy(hs);
	close_pair(fd);
}

/* ---- servers that claim weft/1 and do not keep to it ---- */

/* Up to where the client waits for the confirm. */
static void meet_at_confirm(struct encounter *e, struct world *w, int tickets)
{
	meet(e, w,
	     &(struct habits){ .is_server = true, .select = select_first, .tickets = tickets });
	assert_true(weft_hs_is_weft(e->hs));
	assert_int_equal(e->f.result, 1);
}

static void assert_confirm_refused(struct world *w, const void *record, size_t len,
				   enum weft_reason reason, const char *words)
{
	struct encounter e;

	meet_at_confirm(&e, w, 0);
	assert_int_equal(e.status, WEFT_HS_WANT_READ);
	assert_int_equal(SSL_write(e.f.ssl, record, len), len);
	assert_int_equal(weft_hs_step(e.hs), WEFT_HS_FAILED);
	assert_failed(e.hs, reason, words);
	part(&e);
}

static void confirm_must_be_well_formed(void **state)
{
	struct world *w = *state;

	assert_confirm_refused(w, "\x01", 1, WEFT_REASON_TLS, "not of weft/1");
	assert_confirm_refused(w, "\x02\x00", 2, WEFT_REASON_TLS, "not of weft/1");
	assert_confirm_refused(w, "\x01\x00x", 3, WEFT_REASON_TLS, "not of weft/1");
	assert_confirm_refused(w, "\x01\x00HTTP/1.1 200 OK", 17, WEFT_REASON_TLS, "not of weft/1");
	assert_confirm_refused(w, "\x01\x01", 2, WEFT_REASON_PEER_DENIED, "policy");
	assert_confirm_refused(w, "\x01\x02", 2, WEFT_REASON_TLS, "code 2");
	assert_confirm_refused(w, "\x01\xff", 2, WEFT_REASON_TLS, "code 255");
}

/* They would shift the sequence numbers. */
static void tickets_before_the_confirm_are_refused(void **state)
{
	struct encounter e;

	meet_at_confirm(&e, *state, 2);
	assert_int_equal(SSL_write(e.f.ssl, "\x01\x00", 2), 2);
	assert_int_equal(weft_hs_step(e.hs), WEFT_HS_FAILED);
	assert_failed(e.hs, WEFT_REASON_TLS, "more than the handshake");
	part(&e);
}

/* It would change the keys. */
static void key_update_before_the_confirm_is_refused(void **state)
{
	struct encounter e;

	meet_at_confirm(&e, *state, 0);
	assert_int_equal(SSL_key_update(e.f.ssl, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
	assert_int_equal(SSL_write(e.f.ssl, "\x01\x00", 2), 2);
	assert_int_equal(weft_hs_step(e.hs), WEFT_HS_FAILED);
	assert_failed(e.hs, WEFT_REASON_TLS, "more than the handshake");
	part(&e);
}

static void server_that_ends_before_the_confirm_is_noticed(void **state)
{
	struct encounter e;

	meet_at_confirm(&e, *state, 0);
	SSL_shutdown(e.f.ssl);
	assert_int_equal(weft_hs_step(e.hs), WEFT_HS_FAILED);
	assert_failed(e.hs, WEFT_REASON_RESET, "closed");
	part(&e);
	meet_at_confirm(&e, *state, 0);
	shutdown(e.fd[1], SHUT_WR);
	assert_int_equal(weft_hs_step(e.hs), WEFT_HS_FAILED);
	assert_failed(e.hs, WEFT_REASON_RESET, "closed");
	part(&e);
}

static void data_behind_the_confirm_is_left_for_the_kernel(void **state)
{
	struct weft_ktls_key tx, rx;
	struct encounter e;
	struct aead a;

	meet_at_confirm(&e, *state, 0);
	assert_int_equal(SSL_write(e.f.ssl, "\x01\x00", 2), 2);
	assert_int_equal(SSL_write(e.f.ssl, "220 ready", 9), 9);
	assert_int_equal(weft_hs_step(e.hs), WEFT_HS_DONE);
	assert_int_equal(weft_hs_keys(e.hs, &tx, &rx, NULL), 0);
	a = aead_of(&rx);
	assert_received(e.fd[0], &a, "220 ready");
	part(&e);
}

/* A foreign server's tickets come with the first records, which are the kernel's. */
static void tickets_of_a_foreign_server_are_left_for_the_kernel(void **state)
{
	struct weft_ktls_key tx, rx;
	uint8_t buf[RECORD_MAX];
	struct encounter e;
	struct aead a;
	int len;

	meet(&e, *state, &(struct habits){ .is_server = true, .tickets = 2 });
	assert_int_equal(e.status, WEFT_HS_DONE);
	assert_int_equal(e.f.result, 1);
	assert_int_equal(SSL_write(e.f.ssl, "hello", 5), 5);
	assert_int_equal(weft_hs_keys(e.hs, &tx, &rx, NULL), 0);
	a = aead_of(&rx);
	for (int i = 0; i < 2; i++)
		assert_int_equal(recv_record(e.fd[0], &a, buf, &len), TYPE_SHAKE);
	assert_received(e.fd[0], &a, "hello");
	part(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(peer_without_alpn_is_taken_without_confirm),
		cmocka_unit_test(client_with_other_protocols_is_refused),
		cmocka_unit_test(client_with_weft_among_others_gets_weft),
		cmocka_unit_test(server_that_chooses_an_unoffered_protocol_is_refused),
		cmocka_unit_test(server_sees_the_service_as_sni),
		cmocka_unit_test(foreign_client_that_is_denied_gets_no_data),
		cmocka_unit_test(only_the_chain_of_the_svid_is_sent),
		cmocka_unit_test(client_without_certificate_is_refused),
		cmocka_unit_test(svids_of_every_kind_of_key_are_taken),
		cmocka_unit_test(keys_are_exchanged_by_ml_kem_where_both_can),
		cmocka_unit_test(fips_profile_takes_approved_algorithms_only),
		cmocka_unit_test(chain_taken_before_is_refused_by_a_bundle_without_its_root),
		cmocka_unit_test(expired_certificate_is_refused),
		cmocka_unit_test(future_certificate_is_refused),
		cmocka_unit_test(certificate_of_an_unknown_root_is_refused),
		cmocka_unit_test(self_signed_certificate_is_refused),
		cmocka_unit_test(ca_certificate_as_leaf_is_refused),
		cmocka_unit_test(certificate_without_spiffe_id_is_refused),
		cmocka_unit_test(certificate_with_two_uris_is_refused),
		cmocka_unit_test(certificate_for_one_direction_is_refused),
		cmocka_unit_test(certificate_without_extended_usage_is_taken),
		cmocka_unit_test(chain_beyond_pathlen_is_refused),
		cmocka_unit_test(chain_through_a_leaf_is_refused),
		cmocka_unit_test(identity_of_a_federated_domain_is_taken),
		cmocka_unit_test(federated_root_cannot_issue_our_identities),
		cmocka_unit_test(identity_of_an_unknown_domain_is_refused),
		cmocka_unit_test(tls_1_2_client_is_refused),
		cmocka_unit_test(tls_1_2_server_is_refused),
		cmocka_unit_test(garbage_is_refused),
		cmocka_unit_test(oversize_messages_are_refused_at_their_header),
		cmocka_unit_test(every_truncation_of_a_client_hello_waits_or_fails),
		cmocka_unit_test(every_broken_client_hello_is_survived),
		cmocka_unit_test(peer_that_closes_is_noticed_in_every_flight),
		cmocka_unit_test(peer_that_resets_is_noticed_without_a_signal),
		cmocka_unit_test(confirm_must_be_well_formed),
		cmocka_unit_test(tickets_before_the_confirm_are_refused),
		cmocka_unit_test(key_update_before_the_confirm_is_refused),
		cmocka_unit_test(server_that_ends_before_the_confirm_is_noticed),
		cmocka_unit_test(data_behind_the_confirm_is_left_for_the_kernel),
		cmocka_unit_test(tickets_of_a_foreign_server_are_left_for_the_kernel),
	};

	return cmocka_run_group_tests_name("tls_foreign", tests, world_setup, world_teardown);
}
