// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An X.509 SVID with its private key: sharing, files. Immutable once made; any
 * thread.
 */
#include <errno.h>
#include <openssl/err.h>
#include "pki/crypto.h"
#include "pki/pem.h"
#include "pki/spiffe.h"
#include "pki/svid.h"

static void svid_free(struct weft_svid *svid)
{
	X509_free(svid->cert);
	sk_X509_pop_free(svid->chain, X509_free);
	EVP_PKEY_free(svid->key); /* wipes the private part */
	free(svid->identity);
	free(svid);
}

/* A root among the intermediates counts for nothing: peers have their own. */
static void find_validity(struct weft_svid *svid)
{
	svid->valid_from = svid->not_before = weft_crypto_time(X509_get0_notBefore(svid->cert));
	svid->valid_until = svid->not_after = weft_crypto_time(X509_get0_notAfter(svid->cert));
	for (int i = 0; i < sk_X509_num(svid->chain); i++) {
		X509 *cert = sk_X509_value(svid->chain, i);
		int64_t from = weft_crypto_time(X509_get0_notBefore(cert));
		int64_t until = weft_crypto_time(X509_get0_notAfter(cert));

		if (X509_self_signed(cert, 0) == 1)
			continue;
		if (from > svid->valid_from)
			svid->valid_from = from;
		if (until < svid->valid_until)
			svid->valid_until = until;
	}
}

static int svid_check(struct weft_svid *svid, struct weft_error *err)
{
	int r = weft_pki_spiffe_id(svid->cert, &svid->identity, err);

	if (r)
		return weft_error_prefix(err, r, "the certificate is no SVID");
	if (X509_check_private_key(svid->cert, svid->key) != 1) {
		ERR_clear_error();
		return weft_error_set(err, EKEYREJECTED,
				      "the private key is not the one of the certificate of %s",
				      svid->identity);
	}
	find_validity(svid);
	return 0;
}

int weft_svid_create(X509 *cert, STACK_OF(X509) * chain, EVP_PKEY *key, struct weft_svid **ret,
		     struct weft_error *err)
{
	struct weft_svid *svid = calloc(1, sizeof(*svid));
	int r;

	if (!chain)
		chain = sk_X509_new_null();
	if (!svid || !chain) {
		free(svid);
		X509_free(cert);
		sk_X509_pop_free(chain, X509_free);
		EVP_PKEY_free(key);
		return weft_error_nomem(err);
	}
	*svid = (struct weft_svid){ .refs = 1, .cert = cert, .chain = chain, .key = key };
	r = svid_check(svid, err);
	if (r) {
		svid_free(svid);
		return r;
	}
	*ret = svid;
	return 0;
}

struct weft_svid *weft_svid_get(struct weft_svid *svid)
{
	__atomic_add_fetch(&svid->refs, 1, __ATOMIC_RELAXED);
	return svid;
}

void weft_svid_put(struct weft_svid *svid)
{
	if (svid && !__atomic_sub_fetch(&svid->refs, 1, __ATOMIC_ACQ_REL))
		svid_free(svid);
}

void weft_svid_put_ptr(struct weft_svid **svid)
{
	weft_svid_put(*svid);
}

bool weft_svid_valid_at(const struct weft_svid *svid, int64_t now)
{
	return svid->valid_from <= now && now <= svid->valid_until;
}

bool weft_svid_signer_ends_first(const struct weft_svid *svid)
{
	return svid->valid_until < svid->not_after;
}

int weft_svid_write(const struct weft_svid *svid, const char *cert_path, const char *key_path,
		    struct weft_error *err)
{
	int r = weft_pem_write_key(key_path, svid->key, err);

	return r ? r : weft_pem_write_certs(cert_path, svid->cert, svid->chain, err);
}

int weft_svid_read(const char *cert_path, const char *key_path, struct weft_svid **svid,
		   struct weft_error *err)
{
	_cleanup_x509s_ STACK_OF(X509) *certs = NULL;
	_cleanup_pkey_ EVP_PKEY *key = NULL;
	X509 *leaf;
	int r;

	r = weft_pem_read_certs(cert_path, &certs, err);
	if (r)
		return r;
	r = weft_pem_read_key(key_path, &key, err);
	if (r)
		return r;
	leaf = sk_X509_shift(certs);
	/* From here on all three are the SVID's. */
	r = weft_svid_create(leaf, weft_steal_ptr(certs), weft_steal_ptr(key), svid, err);
	if (r == -EKEYREJECTED)
		return weft_error_set(err, r, "%s: not the private key of %s", key_path, cert_path);
	return r ? weft_error_prefix(err, r, "%s", cert_path) : 0;
}
