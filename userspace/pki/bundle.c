// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The trust bundle: which root certificates vouch for which trust domain. Filled
 * by one thread, then immutable.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include "base/cache.h"
#include "base/name.h"
#include "pki/bundle.h"
#include "pki/crypto.h"
#include "pki/pem.h"
#include "pki/spiffe.h"

struct root {
	X509 *cert;
	char *trust_domain;
};

struct weft_bundle {
	unsigned int refs; /* atomic */
	X509_STORE *store; /* the same roots, for chain building */
	struct weft_cache *chains;
	size_t count;
	struct root roots[WEFT_BUNDLE_ROOTS_MAX];
};

struct weft_bundle *weft_bundle_create(void)
{
	struct weft_bundle *bundle = calloc(1, sizeof(*bundle));

	if (!bundle)
		return NULL;
	bundle->refs = 1;
	bundle->store = X509_STORE_new();
	bundle->chains = weft_cache_create(WEFT_BUNDLE_CHAINS_MAX);
	if (bundle->store && bundle->chains)
		return bundle;
	weft_bundle_put(bundle);
	return NULL;
}

static const struct root *find(const struct weft_bundle *bundle, X509 *cert)
{
	for (size_t i = 0; i < bundle->count; i++)
		if (!X509_cmp(bundle->roots[i].cert, cert))
			return &bundle->roots[i];
	return NULL;
}

/* A root that names its trust domain is believed for no other. */
static int check_root(X509 *cert, const char *trust_domain, struct weft_error *err)
{
	const char *problem = weft_trust_domain_problem(trust_domain);
	_cleanup_free_ char *own = NULL;
	int r;

	if (problem)
		return weft_error_set(err, EINVAL, "trust domain \"%s\": %s", trust_domain,
				      problem);
	r = weft_pki_trust_domain(cert, &own, err);
	if (r == -ENODATA)
		return 0;
	if (r)
		return weft_error_prefix(
			err, r, "the certificate is no root of trust domain \"%s\"", trust_domain);
	if (strcmp(own, trust_domain))
		return weft_error_set(err, EBADMSG,
				      "the certificate is a root of trust domain \"%s\", not of "
				      "\"%s\"",
				      own, trust_domain);
	return 0;
}

int weft_bundle_add(struct weft_bundle *bundle, X509 *cert, const char *trust_domain,
		    struct weft_error *err)
{
	const struct root *known = find(bundle, cert);
	char *domain;
	int r;

	r = check_root(cert, trust_domain, err);
	if (r)
		return r;
	if (known && !strcmp(known->trust_domain, trust_domain))
		return 0;
	if (known)
		return weft_error_set(err, EEXIST,
				      "the root of trust domain \"%s\" cannot be one of \"%s\" too",
				      known->trust_domain, trust_domain);
	if (bundle->count == WEFT_BUNDLE_ROOTS_MAX)
		return weft_error_set(err, ENOSPC, "more than %d roots: remove old ones",
				      WEFT_BUNDLE_ROOTS_MAX);
	domain = strdup(trust_domain);
	if (!domain)
		return weft_error_nomem(err);
	if (X509_STORE_add_cert(bundle->store, cert) != 1) {
		free(domain);
		return weft_crypto_error(err, ENOMEM, "cannot add a root");
	}
	X509_up_ref(cert);
	bundle->roots[bundle->count++] = (struct root){ cert, domain };
	return 0;
}

int weft_bundle_add_file(struct weft_bundle *bundle, const char *path, const char *trust_domain,
			 struct weft_error *err)
{
	_cleanup_x509s_ STACK_OF(X509) *certs = NULL;
	int r;

	r = weft_pem_read_certs(path, &certs, err);
	for (int i = 0; !r && i < sk_X509_num(certs); i++) {
		r = weft_bundle_add(bundle, sk_X509_value(certs, i), trust_domain, err);
		if (r)
			weft_error_prefix(err, r, "%s: certificate %d", path, i + 1);
	}
	return r;
}

int weft_bundle_load(const char *path, const char *trust_domain, struct weft_bundle **ret,
		     struct weft_error *err)
{
	_cleanup_(weft_bundle_put_ptr) struct weft_bundle *bundle = weft_bundle_create();
	int r;

	if (!bundle)
		return weft_error_nomem(err);
	r = weft_bundle_add_file(bundle, path, trust_domain, err);
	if (r)
		return r;
	*ret = weft_steal_ptr(bundle);
	return 0;
}

struct weft_bundle *weft_bundle_get(struct weft_bundle *bundle)
{
	__atomic_add_fetch(&bundle->refs, 1, __ATOMIC_RELAXED);
	return bundle;
}

void weft_bundle_put(struct weft_bundle *bundle)
{
	if (!bundle || __atomic_sub_fetch(&bundle->refs, 1, __ATOMIC_ACQ_REL))
		return;
	for (size_t i = 0; i < bundle->count; i++) {
		X509_free(bundle->roots[i].cert);
		free(bundle->roots[i].trust_domain);
	}
	X509_STORE_free(bundle->store);
	weft_cache_destroy(bundle->chains);
	free(bundle);
}

void weft_bundle_put_ptr(struct weft_bundle **bundle)
{
	weft_bundle_put(*bundle);
}

size_t weft_bundle_count(const struct weft_bundle *bundle)
{
	return bundle->count;
}

X509 *weft_bundle_root(const struct weft_bundle *bundle, size_t i)
{
	return bundle->roots[i].cert;
}

static bool is_of(const struct root *root, const char *identity)
{
	const char *domain;
	int len;

	domain = weft_identity_trust_domain(identity, &len);
	return domain && strlen(root->trust_domain) == (size_t)len &&
	       !memcmp(root->trust_domain, domain, len);
}

bool weft_bundle_has(const struct weft_bundle *bundle, const char *identity)
{
	for (size_t i = 0; i < bundle->count; i++)
		if (is_of(&bundle->roots[i], identity))
			return true;
	return false;
}

bool weft_bundle_vouches(const struct weft_bundle *bundle, X509 *cert, const char *identity)
{
	const struct root *root = find(bundle, cert);

	return root && is_of(root, identity);
}

void weft_bundle_remember(const struct weft_bundle *bundle,
			  const uint8_t digest[WEFT_CHAIN_DIGEST_LEN],
			  const struct weft_chain *chain)
{
	weft_cache_put(bundle->chains, digest, WEFT_CHAIN_DIGEST_LEN, 0, chain,
		       offsetof(struct weft_chain, identity) + strlen(chain->identity) + 1);
}

bool weft_bundle_knows(const struct weft_bundle *bundle,
		       const uint8_t digest[WEFT_CHAIN_DIGEST_LEN], int64_t now,
		       struct weft_chain *chain)
{
	return weft_cache_get(bundle->chains, digest, WEFT_CHAIN_DIGEST_LEN, chain,
			      sizeof(*chain)) > 0 &&
	       now >= chain->not_before && now < chain->not_after;
}

X509_STORE *weft_bundle_store(const struct weft_bundle *bundle)
{
	return bundle->store;
}
