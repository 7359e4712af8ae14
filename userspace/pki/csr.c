// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Certificate signing requests. The key is looked at before the signature, so that
 * a stranger cannot have us compute with one of his choice. Any thread.
 */
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdbool.h>
#include <string.h>
#include "pki/cert.h"
#include "pki/crypto.h"
#include "pki/csr.h"
#include "pki/spiffe.h"

static void req_free_ptr(X509_REQ **req)
{
	X509_REQ_free(*req);
}

static void extensions_free_ptr(X509_EXTENSIONS **extensions)
{
	sk_X509_EXTENSION_pop_free(*extensions, X509_EXTENSION_free);
}

static bool add_identity(X509_REQ *req, const char *identity)
{
	_cleanup_(extensions_free_ptr) X509_EXTENSIONS *extensions = NULL;
	_cleanup_names_ GENERAL_NAMES *names = weft_cert_names(identity);

	return names && X509V3_add1_i2d(&extensions, NID_subject_alt_name, names, 0, 0) == 1 &&
	       X509_REQ_add_extensions(req, extensions) == 1;
}

int weft_csr_make(EVP_PKEY *key, const char *identity, char **pem, struct weft_error *err)
{
	_cleanup_(req_free_ptr) X509_REQ *req = X509_REQ_new();
	_cleanup_bio_ BIO *bio = BIO_new(BIO_s_mem());
	char *data;
	long len;

	if (!req || !bio)
		return weft_error_nomem(err);
	if (X509_REQ_set_version(req, X509_REQ_VERSION_1) != 1 ||
	    X509_REQ_set_pubkey(req, key) != 1 || !add_identity(req, identity) ||
	    X509_REQ_sign(req, key, EVP_sha256()) <= 0 || PEM_write_bio_X509_REQ(bio, req) != 1)
		return weft_crypto_error(err, EIO, "cannot make the request for %s", identity);
	len = BIO_get_mem_data(bio, &data);
	*pem = strndup(data, len);
	return *pem ? 0 : weft_error_nomem(err);
}

static int no_password(char *buf, int size, int rwflag, void *data)
{
	return -1;
}

/* One request and nothing behind it. */
static int parse(const char *pem, X509_REQ **req, struct weft_error *err)
{
	size_t len = strnlen(pem, WEFT_CSR_MAX + 1);
	_cleanup_bio_ BIO *bio = NULL;

	if (len > WEFT_CSR_MAX)
		return weft_error_set(err, EBADMSG, "the request is longer than %d bytes",
				      WEFT_CSR_MAX);
	bio = BIO_new_mem_buf(pem, len);
	if (!bio)
		return weft_error_nomem(err);
	*req = PEM_read_bio_X509_REQ(bio, NULL, no_password, NULL);
	if (!*req)
		return weft_crypto_error(err, EBADMSG, "no certificate request in PEM form");
	if (BIO_ctrl_pending(bio))
		return weft_error_set(err, EBADMSG, "something follows the certificate request");
	return 0;
}

/* With named parameters, which cannot be a curve that only looks like it. */
static bool is_p256(const EVP_PKEY *key)
{
	int explicit = 0;
	char group[32];

	return EVP_PKEY_is_a(key, "EC") &&
	       EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1 &&
	       !strcmp(group, SN_X9_62_prime256v1) &&
	       EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
				      &explicit) == 1 &&
	       !explicit;
}

static int check_key(X509_REQ *req, struct weft_error *err)
{
	EVP_PKEY *key = X509_REQ_get0_pubkey(req);

	if (!key || !is_p256(key)) {
		ERR_clear_error();
		return weft_error_set(err, EBADMSG,
				      "the key in the certificate request is not ECDSA P-256");
	}
	if (X509_REQ_verify(req, key) == 1)
		return 0;
	ERR_clear_error();
	return weft_error_set(err, EBADMSG,
			      "the certificate request is not signed with the key in it");
}

static int read_identity(X509_REQ *req, char **identity, struct weft_error *err)
{
	_cleanup_(extensions_free_ptr) X509_EXTENSIONS *extensions = X509_REQ_get_extensions(req);
	_cleanup_names_ GENERAL_NAMES *names = NULL;
	int crit, r;

	names = X509V3_get_d2i(extensions, NID_subject_alt_name, &crit, NULL);
	ERR_clear_error();
	if (!names && crit != -1)
		r = weft_error_set(err, EBADMSG, "its subject alternative name is broken");
	else
		r = weft_pki_names_id(names, identity, err);
	return r ? weft_error_prefix(err, r, "the certificate request") : 0;
}

int weft_csr_read(const char *pem, EVP_PKEY **public_key, char **identity, struct weft_error *err)
{
	_cleanup_(req_free_ptr) X509_REQ *req = NULL;
	int r;

	r = parse(pem, &req, err);
	if (!r)
		r = check_key(req, err);
	if (!r)
		r = read_identity(req, identity, err);
	if (r)
		return r;
	*public_key = X509_REQ_get_pubkey(req);
	return 0;
}
