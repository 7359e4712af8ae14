// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Certificate signing requests: what is made is read, what a stranger makes
 * otherwise is refused.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include "pki/cert.h"
#include "pki/csr.h"

#define CART "spiffe://example.org/shop/cart"

static EVP_PKEY *new_key(void)
{
	EVP_PKEY *key = NULL;

	assert_int_equal(weft_cert_key(&key, NULL), 0);
	return key;
}

static void add_names(X509_REQ *req, const char *names)
{
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
	X509_EXTENSIONS *list = NULL;

	assert_non_null(ext);
	X509v3_add_ext(&list, ext, -1);
	assert_int_equal(X509_REQ_add_extensions(req, list), 1);
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	X509_EXTENSION_free(ext);
}

/* A stranger's. @names in OpenSSL's words, NULL: none. @key is consumed. */
static char *foreign(EVP_PKEY *key, EVP_PKEY *signer, const char *names)
{
	BIO *bio = BIO_new(BIO_s_mem());
	X509_REQ *req = X509_REQ_new();
	char *data, *pem;
	long len;

	assert_int_equal(X509_REQ_set_pubkey(req, key), 1);
	if (names)
		add_names(req, names);
	assert_true(X509_REQ_sign(req, signer ? signer : key, EVP_sha256()) > 0);
	assert_int_equal(PEM_write_bio_X509_REQ(bio, req), 1);
	len = BIO_get_mem_data(bio, &data);
	pem = strndup(data, len);
	BIO_free(bio);
	X509_REQ_free(req);
	EVP_PKEY_free(key);
	return pem;
}

/* @pem is consumed. */
static void assert_refused(char *pem, const char *words)
{
	struct weft_error err = { 0 };
	EVP_PKEY *key = NULL;
	char *id = NULL;

	assert_int_equal(weft_csr_read(pem, &key, &id, &err), -EBADMSG);
	if (!strstr(err.text, words))
		fail_msg("\"%s\" does not say \"%s\"", err.text, words);
	assert_null(key);
	assert_null(id);
	free(pem);
}

static void request_carries_key_and_identity(void **state)
{
	EVP_PKEY *key = new_key(), *read = NULL;
	char *pem = NULL, *id = NULL;

	assert_int_equal(weft_csr_make(key, CART, &pem, NULL), 0);
	assert_int_equal(weft_csr_read(pem, &read, &id, NULL), 0);
	assert_int_equal(EVP_PKEY_eq(key, read), 1);
	assert_string_equal(id, CART);
	EVP_PKEY_free(read);
	EVP_PKEY_free(key);
	free(pem);
	free(id);
}

static void request_signed_with_another_key_is_refused(void **state)
{
	EVP_PKEY *other = new_key();

	assert_refused(foreign(new_key(), other, "URI:" CART), "not signed with the key in it");
	EVP_PKEY_free(other);
}

static void key_other_than_p256_is_refused(void **state)
{
	static const char words[] = "is not ECDSA P-256";

	assert_refused(foreign(EVP_RSA_gen(2048), NULL, "URI:" CART), words);
	assert_refused(foreign(EVP_EC_gen("P-384"), NULL, "URI:" CART), words);
}

static void key_with_explicit_parameters_is_refused(void **state)
{
	EVP_PKEY *key = new_key();

	assert_int_equal(EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING,
							OSSL_PKEY_EC_ENCODING_EXPLICIT),
			 1);
	assert_refused(foreign(key, NULL, "URI:" CART), "is not ECDSA P-256");
}

static void request_has_exactly_one_identity(void **state)
{
	assert_refused(foreign(new_key(), NULL, NULL), "it has no SPIFFE ID");
	assert_refused(foreign(new_key(), NULL, "DNS:cart"), "it has no SPIFFE ID");
	assert_refused(foreign(new_key(), NULL, "URI:" CART ",URI:" CART "2"),
		       "more than one URI");
	assert_refused(foreign(new_key(), NULL, "URI:https://cart/"), "is not a SPIFFE ID");
	assert_refused(foreign(new_key(), NULL, "URI:spiffe://example.org"), "is not a SPIFFE ID");
}

static void what_is_no_request_is_refused(void **state)
{
	EVP_PKEY *key = new_key();
	char *pem = NULL, *two = NULL;

	assert_refused(strdup(""), "no certificate request");
	assert_refused(strdup("-----BEGIN CERTIFICATE REQUEST-----\n"), "no certificate request");
	assert_int_equal(weft_csr_make(key, CART, &pem, NULL), 0);
	assert_true(asprintf(&two, "%s%s", pem, pem) > 0);
	assert_refused(two, "something follows");
	assert_true(asprintf(&two, "%s%*s", pem, WEFT_CSR_MAX, "") > 0);
	assert_refused(two, "longer than 8192 bytes");
	free(pem);
	EVP_PKEY_free(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_carries_key_and_identity),
		cmocka_unit_test(request_signed_with_another_key_is_refused),
		cmocka_unit_test(key_other_than_p256_is_refused),
		cmocka_unit_test(key_with_explicit_parameters_is_refused),
		cmocka_unit_test(request_has_exactly_one_identity),
		cmocka_unit_test(what_is_no_request_is_refused),
	};

	return cmocka_run_group_tests_name("pki_csr", tests, NULL, NULL);
}
