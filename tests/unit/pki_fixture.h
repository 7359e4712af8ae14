/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Authorities of a trust domain in memory, and what they sign: for unit tests that
 * want other certificates than those of weftd's own authority.
 */
#ifndef WEFT_TEST_PKI_FIXTURE_H
#define WEFT_TEST_PKI_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>
#include <openssl/x509v3.h>
#include "pki/cert.h"
#include "pki/svid.h"

#define HOUR 3600LL

struct authority {
	EVP_PKEY *key;
	X509 *cert;
};

static inline EVP_PKEY *new_key(void)
{
	EVP_PKEY *key = NULL;

	assert_int_equal(weft_cert_key(&key, NULL), 0);
	return key;
}

/* Valid from and to so many seconds from now. @ca NULL: a root. */
static inline X509 *new_cert(const char *uri, EVP_PKEY *key, const struct authority *ca,
			     int64_t from, int64_t to)
{
	const struct weft_cert_spec spec = {
		.uri = uri,
		.key = key,
		.not_before = time(NULL) + from,
		.not_after = time(NULL) + to,
		.issuer = ca ? ca->cert : NULL,
		.issuer_key = ca ? ca->key : NULL,
	};
	X509 *cert = NULL;

	assert_int_equal(weft_cert_make(&spec, &cert, NULL), 0);
	return cert;
}

static inline struct authority new_authority(const char *trust_domain)
{
	struct authority ca = { .key = new_key() };
	char uri[300];

	snprintf(uri, sizeof(uri), "spiffe://%s", trust_domain);
	ca.cert = new_cert(uri, ca.key, NULL, -HOUR, 100 * HOUR);
	return ca;
}

static inline void authority_uninit(struct authority *ca)
{
	X509_free(ca->cert);
	EVP_PKEY_free(ca->key);
}

/* Instead of what extension @nid says, or NULL: nothing; @by signs anew. */
static inline void set_extension(X509 *cert, const struct authority *by, int nid,
				 const char *value)
{
	X509_EXTENSION *ext;

	X509_EXTENSION_free(X509_delete_ext(cert, X509_get_ext_by_NID(cert, nid, -1)));
	if (value) {
		ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
		assert_non_null(ext);
		assert_int_equal(X509_add_ext(cert, ext, -1), 1);
		X509_EXTENSION_free(ext);
	}
	assert_true(X509_sign(cert, by->key, EVP_sha256()) > 0);
}

/* A root as others make them: there may be intermediates below it. */
static inline struct authority new_tall_authority(const char *trust_domain)
{
	struct authority ca = new_authority(trust_domain);

	set_extension(ca.cert, &ca, NID_basic_constraints, "critical,CA:TRUE");
	return ca;
}

/* An intermediate CA below @root, until @to seconds from now. */
static inline struct authority new_intermediate(const struct authority *root, int64_t to)
{
	struct authority ca = { .key = new_key() };

	ca.cert = new_cert("", ca.key, NULL, -HOUR, to);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(ca.cert), "OU", MBSTRING_ASC,
				   (const unsigned char *)"intermediate", -1, -1, 0);
	X509_set_issuer_name(ca.cert, X509_get_subject_name(root->cert));
	set_extension(ca.cert, root, NID_authority_key_identifier, NULL);
	set_extension(ca.cert, root, NID_subject_alt_name, NULL);
	set_extension(ca.cert, root, NID_basic_constraints, "critical,CA:TRUE");
	return ca;
}

static inline struct weft_svid *new_svid(const char *uri, const struct authority *ca)
{
	struct weft_svid *svid = NULL;
	EVP_PKEY *key = new_key();

	assert_int_equal(
		weft_svid_create(new_cert(uri, key, ca, -HOUR, HOUR), NULL, key, &svid, NULL), 0);
	return svid;
}

/* The same with a chain: @middle's certificate. */
static inline struct weft_svid *new_svid_below(const char *uri, const struct authority *middle,
					       int64_t from, int64_t to)
{
	STACK_OF(X509) *chain = sk_X509_new_null();
	struct weft_svid *svid = NULL;
	EVP_PKEY *key = new_key();

	X509_up_ref(middle->cert);
	assert_int_equal(sk_X509_push(chain, middle->cert), 1);
	assert_int_equal(weft_svid_create(new_cert(uri, key, middle, from, to), chain, key, &svid,
					  NULL),
			 0);
	return svid;
}

#endif
