// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Is the peer who it says it is? X509-SVID specification, section 5: the chain
 * leads to a root, the leaf is an SVID, and the root is one of the leaf's own
 * trust domain. Any thread.
 *
 * A signature on a certificate does not change: a chain that was found good with
 * this bundle is only looked at for its dates when it comes again. That the peer
 * has the key to it OpenSSL checks each time.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "pki/crypto.h"
#include "pki/spiffe.h"
#include "tls/verify.h"

/* A leaf and a few intermediates; more are verified each time. */
#define CERTS_MAX 8

static int reject(X509_STORE_CTX *store, int x509_error)
{
	X509_STORE_CTX_set_error(store, x509_error);
	return -EKEYREJECTED;
}

/* The dates are what an operator wants to know of an expired certificate. */
static int say_dates(X509 *cert, const char *reason, struct weft_error *err)
{
	char from[WEFT_CRYPTO_TIME_MAX], to[WEFT_CRYPTO_TIME_MAX];

	weft_crypto_time_format(weft_crypto_time(X509_get0_notBefore(cert)), from);
	weft_crypto_time_format(weft_crypto_time(X509_get0_notAfter(cert)), to);
	return weft_error_set(err, EKEYREJECTED, "%s (valid %s to %s)", reason, from, to);
}

/* Why X509_verify_cert() failed; its error stays in @store. */
static int say_chain(X509_STORE_CTX *store, struct weft_error *err)
{
	X509 *cert = X509_STORE_CTX_get_current_cert(store);
	int error = X509_STORE_CTX_get_error(store);
	const char *reason = weft_crypto_name_problem(error);

	if (!reason)
		reason = X509_verify_cert_error_string(error);
	if (error == X509_V_ERR_OUT_OF_MEM)
		return weft_error_nomem(err);
	if (cert &&
	    (error == X509_V_ERR_CERT_HAS_EXPIRED || error == X509_V_ERR_CERT_NOT_YET_VALID))
		say_dates(cert, reason, err);
	else
		weft_error_set(err, EKEYREJECTED, "%s", reason);
	if (X509_STORE_CTX_get_error_depth(store) > 0)
		weft_error_prefix(err, EKEYREJECTED, "issuer %d in its chain",
				  X509_STORE_CTX_get_error_depth(store));
	return -EKEYREJECTED;
}

static int check_trust_domain(X509_STORE_CTX *store, const struct weft_bundle *bundle,
			      const char *identity, struct weft_error *err)
{
	STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(store);
	X509 *root = sk_X509_value(chain, sk_X509_num(chain) - 1);

	if (!weft_bundle_has(bundle, identity)) {
		weft_error_set(err, EKEYREJECTED, "%s is of a trust domain we have no root of",
			       identity);
		return reject(store, X509_V_ERR_CERT_UNTRUSTED);
	}
	if (!weft_bundle_vouches(bundle, root, identity)) {
		weft_error_set(err, EKEYREJECTED,
			       "%s was issued by the root of another trust domain", identity);
		return reject(store, X509_V_ERR_CERT_UNTRUSTED);
	}
	return 0;
}

/* One digest over all that the peer sent, leaf first: of their encodings, each
 * hashed, so that none can pose as two. */
static bool digest_chain(X509_STORE_CTX *store, uint8_t digest[WEFT_CHAIN_DIGEST_LEN])
{
	STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(store);
	X509 *leaf = X509_STORE_CTX_get0_cert(store);
	uint8_t all[CERTS_MAX][WEFT_CHAIN_DIGEST_LEN];
	int n = 0;

	/* The leaf may be the first of those sent as well; twice does no harm. */
	if (!leaf || sk_X509_num(sent) >= CERTS_MAX ||
	    X509_digest(leaf, EVP_sha256(), all[n++], NULL) != 1)
		return false;
	for (int i = 0; i < sk_X509_num(sent); i++) {
		X509 *cert = sk_X509_value(sent, i);

		if (cert != leaf && X509_digest(cert, EVP_sha256(), all[n++], NULL) != 1)
			return false;
	}
	if (n == 1) {
		memcpy(digest, all[0], sizeof(all[0]));
		return true;
	}
	return EVP_Digest(all, n * sizeof(all[0]), digest, NULL, EVP_sha256(), NULL) == 1;
}

/* The time in which all of the verified chain is valid. */
static void chain_dates(X509_STORE_CTX *store, struct weft_chain *chain)
{
	STACK_OF(X509) *verified = X509_STORE_CTX_get0_chain(store);

	chain->not_before = INT64_MIN;
	chain->not_after = INT64_MAX;
	for (int i = 0; i < sk_X509_num(verified); i++) {
		X509 *cert = sk_X509_value(verified, i);
		int64_t from = weft_crypto_time(X509_get0_notBefore(cert));
		int64_t to = weft_crypto_time(X509_get0_notAfter(cert));

		if (from > chain->not_before)
			chain->not_before = from;
		if (to < chain->not_after)
			chain->not_after = to;
	}
}

static int verify(X509_STORE_CTX *store, const struct weft_bundle *bundle, char **identity,
		  struct weft_error *err)
{
	_cleanup_free_ char *id = NULL;
	int r;

	/* An SVID serves both directions: its usage is checked as a whole, by
	 * weft_pki_spiffe_id(), not for the role that the peer has today. */
	X509_VERIFY_PARAM_set_purpose(X509_STORE_CTX_get0_param(store), X509_PURPOSE_ANY);
	if (X509_verify_cert(store) != 1)
		return say_chain(store, err);

	r = weft_pki_spiffe_id(X509_STORE_CTX_get0_cert(store), &id, err);
	if (r == -ENOMEM) {
		X509_STORE_CTX_set_error(store, X509_V_ERR_OUT_OF_MEM);
		return r;
	}
	if (r)
		return reject(store, X509_V_ERR_CERT_REJECTED);
	r = check_trust_domain(store, bundle, id, err);
	if (r)
		return r;
	X509_STORE_CTX_set_error(store, X509_V_OK);
	*identity = weft_steal_ptr(id);
	return 0;
}

int weft_tls_verify(X509_STORE_CTX *store, const struct weft_bundle *bundle, char **identity,
		    int64_t *until, struct weft_error *err)
{
	uint8_t digest[WEFT_CHAIN_DIGEST_LEN];
	bool has_digest = digest_chain(store, digest);
	struct weft_chain chain;
	int r;

	if (has_digest && weft_bundle_knows(bundle, digest, time(NULL), &chain)) {
		*identity = strdup(chain.identity);
		X509_STORE_CTX_set_error(store, *identity ? X509_V_OK : X509_V_ERR_OUT_OF_MEM);
		if (!*identity)
			return weft_error_nomem(err);
	} else {
		r = verify(store, bundle, identity, err);
		if (r)
			return r;
		chain_dates(store, &chain);
		if (has_digest && strlen(*identity) <= WEFT_IDENTITY_MAX) {
			strcpy(chain.identity, *identity);
			weft_bundle_remember(bundle, digest, &chain);
		}
	}
	if (until)
		*until = chain.not_after;
	return 0;
}
