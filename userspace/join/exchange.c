// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One request of a node and the CA's answer. See exchange.h.
 */
#include <errno.h>
#include <string.h>
#include "base/name.h"
#include "join/channel.h"
#include "join/dial.h"
#include "join/exchange.h"
#include "join/grant.h"
#include "pki/crypto.h"
#include "pki/pem.h"
#include "tls/verify.h"

/* ---- roots ---- */

void weft_roots_uninit(struct weft_roots *roots)
{
	sk_X509_pop_free(roots->certs, X509_free);
	weft_bundle_put(roots->bundle);
	*roots = (struct weft_roots){ 0 };
}

bool weft_roots_equal(const struct weft_roots *a, const struct weft_roots *b)
{
	int n = sk_X509_num(a->certs);

	if (n != sk_X509_num(b->certs))
		return false;
	for (int i = 0; i < n; i++)
		if (X509_cmp(sk_X509_value(a->certs, i), sk_X509_value(b->certs, i)))
			return false;
	return true;
}

int weft_roots_parse(struct weft_roots *ret, const char *what, const char *text, size_t len,
		     const char *trust_domain, struct weft_error *err)
{
	struct weft_roots roots = { .bundle = weft_bundle_create() };
	int r;

	if (!roots.bundle)
		return weft_error_nomem(err);
	r = weft_pem_parse_certs(what, text, len, &roots.certs, err);
	for (int i = 0; !r && i < sk_X509_num(roots.certs); i++) {
		r = weft_bundle_add(roots.bundle, sk_X509_value(roots.certs, i), trust_domain, err);
		if (r)
			weft_error_prefix(err, r, "%s: certificate %d", what, i + 1);
	}
	if (r)
		weft_roots_uninit(&roots);
	else
		*ret = roots;
	return r;
}

/* ---- the way to the CA ---- */

void weft_join_route_uninit(struct weft_join_route *route)
{
	free(route->server);
	free(route->host);
	free(route->trust_domain);
	free(route->ca_identity);
	*route = (struct weft_join_route){ 0 };
}

int weft_join_route_init(struct weft_join_route *route, const char *server,
			 const char *trust_domain, struct weft_error *err)
{
	const char *problem = weft_trust_domain_problem(trust_domain);
	int r;

	*route = (struct weft_join_route){ .deadline_ms = WEFT_CHANNEL_DEADLINE_MS };
	if (problem)
		return weft_error_set(err, EINVAL, "trust domain \"%.200s\": %s", trust_domain,
				      problem);
	route->server = strdup(server);
	route->trust_domain = strdup(trust_domain);
	route->ca_identity = weft_join_ca_identity(trust_domain);
	if (!route->server || !route->trust_domain || !route->ca_identity)
		return weft_error_nomem(err);
	r = weft_dial_parse(route->server, &route->host, &route->port, err);
	return r ? weft_error_prefix(err, r, "the CA's address") : 0;
}

/* ---- is it the CA? ---- */

struct suspicion {
	const struct weft_join_route *route;
	const struct weft_join_trust *trust;
};

/* Those roots of the chain that the token names. */
static int pick_roots(X509_STORE_CTX *store, const struct suspicion *s, struct weft_roots *roots,
		      struct weft_error *err)
{
	const struct weft_ticket *ticket = s->trust->ticket;
	STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(store);
	uint8_t digest[WEFT_CRYPTO_DIGEST_LEN];
	int r = 0;

	for (int i = 0; !r && i < sk_X509_num(sent); i++) {
		X509 *cert = sk_X509_value(sent, i);

		r = weft_crypto_cert_digest(cert, digest, err);
		for (size_t j = 0; !r && j < ticket->n_roots; j++) {
			if (memcmp(digest, ticket->roots[j], sizeof(digest)))
				continue;
			r = weft_bundle_add(roots->bundle, cert, s->route->trust_domain, err);
			if (!r && !sk_X509_push(roots->certs, cert))
				r = weft_error_nomem(err);
		}
	}
	if (!r && !sk_X509_num(roots->certs))
		r = weft_error_set(err, EKEYREJECTED,
				   "it does not show the root that the token is for: if its root was "
				   "replaced since, make a new token (weftctl ca token add)");
	return r;
}

static int verify_by_ticket(X509_STORE_CTX *store, const struct suspicion *s, char **identity,
			    struct weft_error *err)
{
	struct weft_roots roots = { .certs = sk_X509_new_null(), .bundle = weft_bundle_create() };
	int r;

	r = roots.certs && roots.bundle ? pick_roots(store, s, &roots, err) : weft_error_nomem(err);
	if (!r)
		r = weft_channel_verify(store, roots.certs, roots.bundle, identity, err);
	sk_X509_free(roots.certs); /* they are the chain's */
	weft_bundle_put(roots.bundle);
	return r;
}

static int verify_ca(X509_STORE_CTX *store, void *data, struct weft_error *err)
{
	const struct suspicion *s = data;
	_cleanup_free_ char *identity = NULL;
	int r;

	if (s->trust->ticket)
		r = verify_by_ticket(store, s, &identity, err);
	else
		r = weft_channel_verify(store, s->trust->roots->certs, s->trust->roots->bundle,
					&identity, err);
	if (!r && strcmp(identity, s->route->ca_identity))
		r = weft_error_set(err, EKEYREJECTED, "it is %s, not %s", identity,
				   s->route->ca_identity);
	if (!r || r == -ENOMEM)
		return r;
	return weft_error_prefix(err, EKEYREJECTED, "%s is not the CA of \"%s\"",
				 s->route->server, s->route->trust_domain);
}

/* ---- asking ---- */

static int talk(struct weft_channel *channel, const struct weft_join_request *request,
		struct weft_join_answer *answer, struct weft_error *err)
{
	char *text = NULL;
	size_t len;
	int r;

	r = weft_join_request_encode(request, &text, &len, err);
	if (r)
		return r;
	r = weft_channel_write(channel, text, len, err);
	weft_message_free(text, len);
	if (r)
		return r;
	r = weft_channel_read(channel, &text, &len, err);
	if (r)
		return r;
	r = weft_join_answer_decode(text, len, request->op, answer, err);
	weft_message_free(text, len);
	return r;
}

static int connect_and_talk(const struct weft_join_route *route,
			    const struct weft_join_trust *trust, SSL_CTX *tls,
			    const struct weft_join_request *request,
			    struct weft_join_answer *answer, struct weft_error *err)
{
	struct suspicion suspicion = { .route = route, .trust = trust };
	struct weft_channel_judge judge = { .verify = verify_ca, .data = &suspicion };
	int64_t deadline = weft_channel_deadline(route->deadline_ms);
	struct weft_channel *channel;
	_cleanup_close_ int fd = -1;
	int r;

	r = weft_dial(route->host, route->port, deadline, &fd, err);
	if (r)
		return r;
	deadline = weft_channel_deadline(route->deadline_ms);
	r = weft_channel_open(tls, WEFT_ROLE_CLIENT, fd, deadline, &judge, &channel, err);
	if (r)
		return r;
	r = talk(channel, request, answer, err);
	weft_channel_close(channel);
	return r;
}

int weft_join_exchange(const struct weft_join_route *route, const struct weft_join_trust *trust,
		       const struct weft_join_request *request, struct weft_join_answer *ret,
		       struct weft_error *err)
{
	struct weft_join_answer answer = { 0 };
	SSL_CTX *tls;
	int r;

	r = weft_channel_ctx_create(WEFT_ROLE_CLIENT, trust->svid, NULL, &tls, err);
	if (r)
		return r;
	r = connect_and_talk(route, trust, tls, request, &answer, err);
	SSL_CTX_free(tls);
	if (r)
		/* verify_ca() has named it. */
		return r == -EKEYREJECTED ? r : weft_error_prefix(err, r, "CA %s", route->server);
	if (answer.error) {
		r = weft_error_set(err, answer.error, "CA %s: %s", route->server,
				   answer.text.text);
		weft_join_answer_uninit(&answer);
		return r;
	}
	*ret = answer;
	return 0;
}

/* ---- believing ---- */

static int check_chain(const struct weft_svid *svid, const struct weft_roots *roots,
		       struct weft_error *err)
{
	X509_STORE_CTX *store = X509_STORE_CTX_new();
	_cleanup_free_ char *identity = NULL;
	int r;

	if (!store || X509_STORE_CTX_init(store, weft_bundle_store(roots->bundle), svid->cert,
					  svid->chain) != 1)
		r = weft_error_nomem(err);
	else
		r = weft_tls_verify(store, roots->bundle, &identity, NULL, err);
	X509_STORE_CTX_free(store);
	return r;
}

static int check_identity(const struct weft_join_route *route, const struct weft_svid *svid,
			  const char *identity, struct weft_error *err)
{
	if (identity ? !strcmp(identity, svid->identity)
		     : !!weft_join_node_of(route->trust_domain, svid->identity))
		return 0;
	return weft_error_set(err, EKEYREJECTED, "it is of %s, not of %s", svid->identity,
			      identity ? identity : "a node");
}

static int make_svid(const struct weft_join_answer *answer, EVP_PKEY *key,
		     struct weft_svid **svid, struct weft_error *err)
{
	STACK_OF(X509) *certs;
	X509 *leaf;
	int r;

	r = weft_pem_parse_certs("it", answer->certificate, strlen(answer->certificate), &certs,
				 err);
	if (r)
		return r;
	leaf = sk_X509_shift(certs);
	EVP_PKEY_up_ref(key);
	/* All three are the SVID's from here on. */
	return weft_svid_create(leaf, certs, key, svid, err);
}

int weft_join_accept(const struct weft_join_route *route, const struct weft_join_answer *answer,
		     const char *identity, EVP_PKEY *key, struct weft_svid **ret_svid,
		     struct weft_roots *ret_roots, struct weft_error *err)
{
	_cleanup_(weft_svid_put_ptr) struct weft_svid *svid = NULL;
	struct weft_roots roots = { 0 };
	int r;

	r = weft_roots_parse(&roots, "its bundle", answer->bundle, strlen(answer->bundle),
			     route->trust_domain, err);
	if (!r)
		r = make_svid(answer, key, &svid, err);
	if (!r)
		r = check_identity(route, svid, identity, err);
	if (!r)
		r = check_chain(svid, &roots, err);
	if (r) {
		weft_roots_uninit(&roots);
		return r == -ENOMEM ? r
				    : weft_error_prefix(err, EKEYREJECTED,
							"the certificate from CA %s",
							route->server);
	}
	*ret_svid = weft_steal_ptr(svid);
	*ret_roots = roots;
	return 0;
}
