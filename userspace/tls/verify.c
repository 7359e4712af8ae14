// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Is the peer who it says it is? X509-SVID specification, section 5: the chain
 * leads to a root, the leaf is an SVID, and the root is one of the leaf's own
 * trust domain. Any thread.
 */
#include <errno.h>
#include "pki/crypto.h"
#include "pki/spiffe.h"
#include "tls/verify.h"

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
	const char *reason = X509_verify_cert_error_string(error);

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

int weft_tls_verify(X509_STORE_CTX *store, const struct weft_bundle *bundle, char **identity,
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
