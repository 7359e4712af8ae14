// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Making certificates. Every value that is not a constant goes in as an object,
 * never through OpenSSL's configuration strings, where a comma has a meaning. Any
 * thread.
 */
#include <errno.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <stdbool.h>
#include <string.h>
#include "pki/cert.h"
#include "pki/crypto.h"

#define SERIAL_BITS 128

int weft_cert_key(EVP_PKEY **key, struct weft_error *err)
{
	EVP_PKEY *made = EVP_EC_gen("P-256");

	if (!made)
		return weft_crypto_error(err, EIO, "cannot make a P-256 key");
	*key = made;
	return 0;
}

static bool set_serial(X509 *cert)
{
	BIGNUM *bn = BN_new();
	bool ok = bn && BN_rand(bn, SERIAL_BITS, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) &&
		  BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(cert));

	BN_free(bn);
	return ok;
}

/* RFC 5280 wants a name for issuers; roots with different keys get different ones,
 * so that chains are found at once while a new root takes over. */
static bool set_subject(X509 *cert, bool is_root)
{
	X509_NAME *name = X509_get_subject_name(cert);
	unsigned char digest[EVP_MAX_MD_SIZE];
	char text[32];

	if (!X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, (const unsigned char *)"weft", -1,
					-1, 0))
		return false;
	if (!is_root)
		return true;
	if (!X509_pubkey_digest(cert, EVP_sha256(), digest, NULL))
		return false;
	snprintf(text, sizeof(text), "root %02x%02x%02x%02x%02x%02x%02x%02x", digest[0], digest[1],
		 digest[2], digest[3], digest[4], digest[5], digest[6], digest[7]);
	return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)text, -1,
					  -1, 0);
}

GENERAL_NAMES *weft_cert_names(const char *uri)
{
	_cleanup_names_ GENERAL_NAMES *names = GENERAL_NAMES_new();
	ASN1_IA5STRING *text = ASN1_IA5STRING_new();
	GENERAL_NAME *name = GENERAL_NAME_new();

	if (!names || !name || !text || !ASN1_STRING_set(text, uri, -1))
		goto fail;
	GENERAL_NAME_set0_value(name, GEN_URI, text);
	text = NULL; /* the name's */
	if (!sk_GENERAL_NAME_push(names, name))
		goto fail;
	return weft_steal_ptr(names);
fail:
	ASN1_IA5STRING_free(text);
	GENERAL_NAME_free(name);
	return NULL;
}

static bool add_uri(X509 *cert, const char *uri)
{
	_cleanup_names_ GENERAL_NAMES *names = weft_cert_names(uri);

	return names && X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, 0) == 1;
}

static bool add_ext(X509 *cert, X509V3_CTX *ctx, int nid, const char *constant)
{
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, ctx, nid, constant);
	bool ok = ext && X509_add_ext(cert, ext, -1);

	X509_EXTENSION_free(ext);
	return ok;
}

static bool add_extensions(X509 *cert, const struct weft_cert_spec *spec)
{
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, spec->issuer ? spec->issuer : cert, cert, NULL, NULL, 0);
	if (!add_ext(cert, &ctx, NID_subject_key_identifier, "hash") ||
	    !add_ext(cert, &ctx, NID_authority_key_identifier, "keyid") ||
	    !add_uri(cert, spec->uri))
		return false;
	if (!spec->issuer)
		return add_ext(cert, &ctx, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
		       add_ext(cert, &ctx, NID_key_usage, "critical,keyCertSign,cRLSign");
	return add_ext(cert, &ctx, NID_basic_constraints, "critical,CA:FALSE") &&
	       add_ext(cert, &ctx, NID_key_usage, "critical,digitalSignature") &&
	       add_ext(cert, &ctx, NID_ext_key_usage, "serverAuth,clientAuth");
}

static bool fill(X509 *cert, const struct weft_cert_spec *spec)
{
	const X509 *issuer = spec->issuer ? spec->issuer : cert;

	return X509_set_version(cert, X509_VERSION_3) && set_serial(cert) &&
	       ASN1_TIME_set(X509_getm_notBefore(cert), spec->not_before) &&
	       ASN1_TIME_set(X509_getm_notAfter(cert), spec->not_after) &&
	       X509_set_pubkey(cert, spec->key) && set_subject(cert, !spec->issuer) &&
	       X509_set_issuer_name(cert, X509_get_subject_name(issuer)) &&
	       add_extensions(cert, spec) &&
	       X509_sign(cert, spec->issuer ? spec->issuer_key : spec->key, EVP_sha256());
}

int weft_cert_make(const struct weft_cert_spec *spec, X509 **ret, struct weft_error *err)
{
	_cleanup_x509_ X509 *cert = X509_new();

	if (!cert)
		return weft_error_nomem(err);
	if (!fill(cert, spec))
		return weft_crypto_error(err, EIO, "cannot make the certificate of %s", spec->uri);
	*ret = weft_steal_ptr(cert);
	return 0;
}
