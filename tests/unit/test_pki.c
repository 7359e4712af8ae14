// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The certificate authority, SVIDs and the trust bundle, in a temporary directory.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include "base/cleanup.h"
#include "base/file.h"
#include "pki/bundle.h"
#include "pki/ca.h"
#include "pki/cert.h"
#include "pki/crypto.h"
#include "pki/pem.h"
#include "pki/serial.h"
#include "pki/spiffe.h"
#include "pki/svid.h"

#define DOMAIN "example.org"
#define CART "spiffe://example.org/shop/cart"
#define DAY 86400LL

static char dir[64];

static const char *in_dir(const char *name)
{
	static char path[4][128];
	static unsigned int next;
	char *p = path[next++ % 4];

	snprintf(p, sizeof(path[0]), "%s/%s", dir, name);
	return p;
}

static int make_dir(void **state)
{
	snprintf(dir, sizeof(dir), "/tmp/weft-test-pki-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	static const char *const files[] = { "ca/ca.key", "ca/ca.crt", "ca/issued", "a.crt",
					     "a.key",	  "b.crt",     "b.key",	    "roots.pem" };

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		unlink(in_dir(files[i]));
	rmdir(in_dir("ca"));
	return rmdir(dir);
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static struct weft_ca *open_ca(void)
{
	struct weft_error err = { 0 };
	struct weft_ca *ca = NULL;

	if (weft_ca_open_or_create(in_dir("ca"), DOMAIN, &ca, &err))
		fail_msg("%s", err.text);
	return ca;
}

static struct weft_svid *issue(const struct weft_ca *ca, const char *id)
{
	struct weft_svid *svid = NULL;
	struct weft_error err = { 0 };

	if (weft_ca_issue(ca, id, 0, &svid, &err))
		fail_msg("%s", err.text);
	return svid;
}

static void assert_says(const struct weft_error *err, const char *words)
{
	if (!strstr(err->text, words))
		fail_msg("\"%s\" does not say \"%s\"", err->text, words);
}

/* ---- the CA's directory ---- */

static void ca_is_created_with_private_modes(void **state)
{
	mode_t before = umask(0);
	struct weft_ca *ca = open_ca();

	umask(before);
	assert_int_equal(mode_of(in_dir("ca")), 0700);
	assert_int_equal(mode_of(in_dir("ca/ca.key")), 0600);
	assert_int_equal(mode_of(in_dir("ca/ca.crt")), 0644);
	assert_string_equal(weft_ca_trust_domain(ca), DOMAIN);
	assert_string_equal(weft_ca_cert_path(ca), in_dir("ca/ca.crt"));
	weft_ca_close(ca);
}

static void ca_is_the_same_after_reopening(void **state)
{
	struct weft_ca *first = open_ca();
	struct weft_ca *second = open_ca();

	assert_int_equal(X509_cmp(weft_ca_cert(first), weft_ca_cert(second)), 0);
	weft_ca_close(first);
	weft_ca_close(second);
}

static void ca_certificate_is_a_root_of_its_trust_domain(void **state)
{
	struct weft_ca *ca = open_ca();
	X509 *cert = weft_ca_cert(ca);
	int64_t now = time(NULL);
	char *domain = NULL;

	assert_int_equal(weft_pki_trust_domain(cert, &domain, NULL), 0);
	assert_string_equal(domain, DOMAIN);
	free(domain);
	assert_int_equal(X509_get_pathlen(cert), 0);
	assert_int_equal(X509_get_key_usage(cert), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
	assert_int_equal(X509_self_signed(cert, 1), 1);
	assert_true(weft_crypto_time(X509_get0_notBefore(cert)) <= now - WEFT_CA_BACKDATE + 60);
	assert_true(weft_crypto_time(X509_get0_notAfter(cert)) > now + 3649 * DAY);
	weft_ca_close(ca);
}

static void ca_key_without_certificate_is_completed(void **state)
{
	struct weft_ca *first = open_ca(), *second;
	struct weft_svid *svid = issue(first, CART);

	assert_int_equal(unlink(in_dir("ca/ca.crt")), 0);
	second = open_ca();
	/* The same key and name: what was issued before is still good. */
	assert_int_equal(X509_verify(svid->cert, X509_get0_pubkey(weft_ca_cert(second))), 1);
	assert_int_equal(X509_NAME_cmp(X509_get_issuer_name(svid->cert),
				       X509_get_subject_name(weft_ca_cert(second))),
			 0);
	weft_svid_put(svid);
	weft_ca_close(first);
	weft_ca_close(second);
}

static int reopen_error(const char *domain, struct weft_error *err)
{
	struct weft_ca *ca = NULL;
	int r = weft_ca_open_or_create(in_dir("ca"), domain, &ca, err);

	assert_null(ca);
	return r;
}

static void ca_certificate_without_key_is_refused(void **state)
{
	struct weft_error err = { 0 };

	weft_ca_close(open_ca());
	assert_int_equal(unlink(in_dir("ca/ca.key")), 0);
	assert_int_equal(reopen_error(DOMAIN, &err), -EBADMSG);
	assert_says(&err, "ca.key is missing");
}

static void ca_of_another_trust_domain_is_refused(void **state)
{
	struct weft_error err = { 0 };

	weft_ca_close(open_ca());
	assert_int_equal(reopen_error("other.org", &err), -EBADMSG);
	assert_says(&err, "trust domain \"example.org\", not of \"other.org\"");
}

static void ca_that_is_there_opens_without_its_trust_domain(void **state)
{
	struct weft_ca *made, *opened = NULL;
	struct weft_error err = { 0 };

	assert_int_equal(weft_ca_open(in_dir("ca"), &opened, &err), -ENOENT);
	assert_says(&err, "there is no CA");
	assert_int_equal(access(in_dir("ca"), F_OK), -1);
	made = open_ca();
	assert_int_equal(weft_ca_open(in_dir("ca"), &opened, &err), 0);
	assert_string_equal(weft_ca_trust_domain(opened), DOMAIN);
	weft_ca_close(opened);
	weft_ca_close(made);
	assert_int_equal(unlink(in_dir("ca/ca.key")), 0);
	assert_int_equal(weft_ca_open(in_dir("ca"), &opened, &err), -EBADMSG);
	assert_says(&err, "ca.key is missing");
	assert_int_equal(access(in_dir("ca/ca.key"), F_OK), -1);
}

static void ca_signs_for_a_key_it_does_not_have(void **state)
{
	EVP_PKEY *key = NULL, *public_key;
	struct weft_ca *ca = open_ca();
	struct weft_svid *svid = NULL;
	unsigned char *der = NULL;
	const unsigned char *p;
	X509 *cert = NULL;
	int len;

	assert_int_equal(weft_cert_key(&key, NULL), 0);
	len = i2d_PUBKEY(key, &der);
	p = der;
	public_key = d2i_PUBKEY(NULL, &p, len);
	OPENSSL_free(der);
	assert_int_equal(weft_ca_sign(ca, CART, public_key, 0, &cert, NULL), 0);
	EVP_PKEY_free(public_key);
	assert_int_equal(weft_svid_create(cert, NULL, key, &svid, NULL), 0);
	assert_string_equal(svid->identity, CART);
	weft_svid_put(svid);
	weft_ca_close(ca);
}

static void ca_trust_domain_must_be_valid(void **state)
{
	struct weft_error err = { 0 };

	assert_int_equal(reopen_error("Not A Domain", &err), -EINVAL);
	assert_says(&err, "\"Not A Domain\"");
	assert_int_equal(access(in_dir("ca"), F_OK), -1);
}

static void ca_key_open_to_others_is_refused(void **state)
{
	static const mode_t modes[] = { 0640, 0604, 0620, 0660, 0777 };

	weft_ca_close(open_ca());
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		struct weft_error err = { 0 };
		char words[160];

		assert_int_equal(chmod(in_dir("ca/ca.key"), modes[i]), 0);
		assert_int_equal(reopen_error(DOMAIN, &err), -EPERM);
		snprintf(words, sizeof(words), "%s: mode %04o", in_dir("ca/ca.key"), modes[i]);
		assert_says(&err, words);
		snprintf(words, sizeof(words), "chmod 0600 %s", in_dir("ca/ca.key"));
		assert_says(&err, words);
	}
	assert_int_equal(chmod(in_dir("ca/ca.key"), 0400), 0);
	weft_ca_close(open_ca());
}

static void ca_directory_writable_by_others_is_refused(void **state)
{
	struct weft_error err = { 0 };

	weft_ca_close(open_ca());
	assert_int_equal(chmod(in_dir("ca"), 0777), 0);
	assert_int_equal(reopen_error(DOMAIN, &err), -EPERM);
	assert_says(&err, "chmod 0700");
}

static void ca_with_another_key_is_refused(void **state)
{
	struct weft_error err = { 0 };
	EVP_PKEY *key = NULL;

	weft_ca_close(open_ca());
	assert_int_equal(weft_cert_key(&key, NULL), 0);
	assert_int_equal(weft_pem_write_key(in_dir("ca/ca.key"), key, NULL), 0);
	EVP_PKEY_free(key);
	assert_int_equal(reopen_error(DOMAIN, &err), -EKEYREJECTED);
	assert_says(&err, "not the private key of");
}

static void ca_files_that_are_no_pem_are_refused(void **state)
{
	struct weft_error err = { 0 };

	weft_ca_close(open_ca());
	assert_int_equal(weft_file_write(in_dir("ca/ca.crt"), "hello\n", 6, 0644, NULL), 0);
	assert_int_equal(reopen_error(DOMAIN, &err), -EBADMSG);
	assert_says(&err, "ca.crt: no certificate in PEM form");
	assert_int_equal(weft_file_write(in_dir("ca/ca.key"), "", 0, 0600, NULL), 0);
	assert_int_equal(reopen_error(DOMAIN, &err), -EBADMSG);
	assert_says(&err, "ca.key: no private key in PEM form");
}

static void ca_that_is_no_root_is_refused(void **state)
{
	struct weft_error err = { 0 };
	struct weft_ca *ca = open_ca();
	struct weft_svid *svid = issue(ca, CART);

	assert_int_equal(weft_svid_write(svid, in_dir("ca/ca.crt"), in_dir("ca/ca.key"), NULL), 0);
	assert_int_equal(reopen_error(DOMAIN, &err), -EBADMSG);
	assert_says(&err, "it is no root");
	weft_svid_put(svid);
	weft_ca_close(ca);
}

/* A root with the CA's own key, valid from and to @from and @to days from now. */
static X509 *root_with_validity(int64_t from, int64_t to, EVP_PKEY *key)
{
	const struct weft_cert_spec spec = {
		.uri = "spiffe://" DOMAIN,
		.key = key,
		.not_before = time(NULL) + from * DAY,
		.not_after = time(NULL) + to * DAY,
	};
	X509 *cert = NULL;

	assert_int_equal(weft_cert_make(&spec, &cert, NULL), 0);
	return cert;
}

static void ca_that_has_expired_says_the_way_out(void **state)
{
	struct weft_error err = { 0 };
	EVP_PKEY *key = NULL;
	X509 *cert;

	weft_ca_close(open_ca());
	assert_int_equal(weft_pem_read_key(in_dir("ca/ca.key"), &key, NULL), 0);
	cert = root_with_validity(-10, -1, key);
	assert_int_equal(weft_pem_write_certs(in_dir("ca/ca.crt"), cert, NULL, NULL), 0);
	assert_int_equal(reopen_error(DOMAIN, &err), -EKEYEXPIRED);
	assert_says(&err, "remove this file");
	assert_int_equal(unlink(in_dir("ca/ca.crt")), 0);
	weft_ca_close(open_ca());
	X509_free(cert);
	EVP_PKEY_free(key);
}

/* ---- issuing ---- */

static void issued_certificate_is_an_svid(void **state)
{
	struct weft_ca *ca = open_ca();
	struct weft_svid *svid = issue(ca, CART);
	int64_t now = time(NULL);
	int crit = 0;
	void *ext;

	assert_string_equal(svid->identity, CART);
	assert_true(weft_svid_valid_at(svid, now));
	assert_true(svid->not_before <= now - WEFT_CA_BACKDATE + 60);
	assert_true(svid->not_before > now - WEFT_CA_BACKDATE - 60);
	assert_true(llabs(svid->not_after - now - WEFT_CA_LIFETIME_DEFAULT) < 60);
	assert_int_equal(X509_get_key_usage(svid->cert), KU_DIGITAL_SIGNATURE);
	assert_int_equal(X509_get_extended_key_usage(svid->cert), XKU_SSL_SERVER | XKU_SSL_CLIENT);
	ext = X509_get_ext_d2i(svid->cert, NID_basic_constraints, &crit, NULL);
	assert_non_null(ext);
	assert_int_equal(crit, 1);
	assert_int_equal(((BASIC_CONSTRAINTS *)ext)->ca, 0);
	BASIC_CONSTRAINTS_free(ext);
	assert_int_equal(ASN1_OCTET_STRING_cmp(X509_get0_authority_key_id(svid->cert),
					       X509_get0_subject_key_id(weft_ca_cert(ca))),
			 0);
	assert_non_null(X509_get0_subject_key_id(svid->cert));
	assert_int_equal(X509_verify(svid->cert, X509_get0_pubkey(weft_ca_cert(ca))), 1);
	assert_int_equal(EVP_PKEY_get_bits(svid->key), 256);
	weft_svid_put(svid);
	weft_ca_close(ca);
}

static void issued_serials_and_keys_differ(void **state)
{
	struct weft_ca *ca = open_ca();
	struct weft_svid *a = issue(ca, CART), *b = issue(ca, CART);

	assert_int_not_equal(ASN1_INTEGER_cmp(X509_get0_serialNumber(a->cert),
					      X509_get0_serialNumber(b->cert)),
			     0);
	assert_int_not_equal(EVP_PKEY_eq(a->key, b->key), 1);
	/* 128 random bits: fewer than 65 is a chance of 2^-63 */
	assert_in_range(ASN1_STRING_length(X509_get0_serialNumber(a->cert)), 9, 16);
	weft_svid_put(a);
	weft_svid_put(b);
	weft_ca_close(ca);
}

/* @number in hexadecimal, as BN_hex2bn() has it. */
static int serial_of(const char *number, char *serial, struct weft_error *err)
{
	X509 *cert = X509_new();
	BIGNUM *bn = NULL;
	int r;

	assert_true(BN_hex2bn(&bn, number));
	assert_non_null(BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(cert)));
	r = weft_pki_serial(cert, serial, err);
	BN_free(bn);
	X509_free(cert);
	return r;
}

static void serials_are_read_in_one_form(void **state)
{
	char serial[WEFT_SERIAL_SIZE];
	struct weft_error err = { 0 };

	assert_int_equal(serial_of("A1B2", serial, &err), 0);
	assert_string_equal(serial, "a1b2");
	assert_int_equal(serial_of("0", serial, &err), 0);
	assert_string_equal(serial, "00");
	/* 20 bytes, the first of them with its highest bit: 21 in DER */
	assert_int_equal(serial_of("FF112233445566778899AABBCCDDEEFF00112233", serial, &err), 0);
	assert_string_equal(serial, "ff112233445566778899aabbccddeeff00112233");
}

static void serials_that_cannot_be_revoked_are_refused(void **state)
{
	char serial[WEFT_SERIAL_SIZE] = "same";
	struct weft_error err = { 0 };

	assert_int_equal(serial_of("-01", serial, &err), -EBADMSG);
	assert_string_equal(err.text, "its serial number is negative");
	assert_int_equal(serial_of("01FF112233445566778899AABBCCDDEEFF00112233", serial, &err),
			 -EBADMSG);
	assert_string_equal(err.text, "its serial number has 21 bytes, RFC 5280 allows 20");
	assert_string_equal(serial, "same");
}

static void issue_refuses_foreign_and_broken_identities(void **state)
{
	static const char *const ids[] = {
		"spiffe://other.org/shop/cart",
		"spiffe://example.org",
		"spiffe://example.org/",
		"spiffe://example.org.evil/x",
		"example.org/x",
		"spiffe://example.org/a/../b",
		"spiffe://example.org/a,b",
		"",
	};
	struct weft_ca *ca = open_ca();

	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
		struct weft_svid *svid = NULL;
		struct weft_error err = { 0 };

		assert_int_equal(weft_ca_issue(ca, ids[i], 0, &svid, &err), -EINVAL);
		assert_null(svid);
		assert_says(&err, ids[i]);
	}
	weft_ca_close(ca);
}

static void issue_refuses_lifetimes_out_of_range(void **state)
{
	static const int64_t lifetimes[] = { -1, 1, WEFT_CA_LIFETIME_MIN - 1,
					     WEFT_CA_LIFETIME_MAX + 1 };
	struct weft_ca *ca = open_ca();
	struct weft_svid *svid = NULL;

	for (size_t i = 0; i < sizeof(lifetimes) / sizeof(*lifetimes); i++) {
		struct weft_error err = { 0 };

		assert_int_equal(weft_ca_issue(ca, CART, lifetimes[i], &svid, &err), -ERANGE);
		assert_says(&err, "allowed are");
	}
	assert_int_equal(weft_ca_issue(ca, CART, WEFT_CA_LIFETIME_MIN, &svid, NULL), 0);
	weft_svid_put(svid);
	assert_int_equal(weft_ca_issue(ca, CART, WEFT_CA_LIFETIME_MAX, &svid, NULL), 0);
	weft_svid_put(svid);
	weft_ca_close(ca);
}

static void issue_ends_with_the_root(void **state)
{
	struct weft_svid *svid = NULL;
	EVP_PKEY *key = NULL;
	struct weft_ca *ca;
	X509 *cert;

	weft_ca_close(open_ca());
	assert_int_equal(weft_pem_read_key(in_dir("ca/ca.key"), &key, NULL), 0);
	cert = root_with_validity(-10, 3, key);
	assert_int_equal(weft_pem_write_certs(in_dir("ca/ca.crt"), cert, NULL, NULL), 0);
	ca = open_ca();
	assert_int_equal(weft_ca_issue(ca, CART, 30 * DAY, &svid, NULL), 0);
	assert_int_equal(svid->not_after, weft_crypto_time(X509_get0_notAfter(cert)));
	weft_svid_put(svid);
	weft_ca_close(ca);
	X509_free(cert);
	EVP_PKEY_free(key);
}

/* ---- SVID files ---- */

static void svid_survives_its_files(void **state)
{
	struct weft_ca *ca = open_ca();
	struct weft_svid *written = issue(ca, CART), *read = NULL;

	assert_int_equal(weft_svid_write(written, in_dir("a.crt"), in_dir("a.key"), NULL), 0);
	assert_int_equal(mode_of(in_dir("a.key")), 0600);
	assert_int_equal(mode_of(in_dir("a.crt")), 0644);
	assert_int_equal(weft_svid_read(in_dir("a.crt"), in_dir("a.key"), &read, NULL), 0);
	assert_int_equal(X509_cmp(written->cert, read->cert), 0);
	assert_int_equal(EVP_PKEY_eq(written->key, read->key), 1);
	assert_string_equal(read->identity, CART);
	assert_int_equal(read->not_after, written->not_after);
	assert_int_equal(sk_X509_num(read->chain), 0);
	weft_svid_put(read);
	weft_svid_put(written);
	weft_ca_close(ca);
}

static void svid_keeps_its_intermediates(void **state)
{
	struct weft_ca *ca = open_ca();
	struct weft_svid *svid = issue(ca, CART), *read = NULL;

	X509_up_ref(weft_ca_cert(ca));
	sk_X509_push(svid->chain, weft_ca_cert(ca));
	assert_int_equal(weft_svid_write(svid, in_dir("a.crt"), in_dir("a.key"), NULL), 0);
	assert_int_equal(weft_svid_read(in_dir("a.crt"), in_dir("a.key"), &read, NULL), 0);
	assert_int_equal(sk_X509_num(read->chain), 1);
	assert_int_equal(X509_cmp(sk_X509_value(read->chain, 0), weft_ca_cert(ca)), 0);
	weft_svid_put(read);
	weft_svid_put(svid);
	weft_ca_close(ca);
}

static int read_error(const char *cert, const char *key, struct weft_error *err)
{
	struct weft_svid *svid = NULL;
	int r = weft_svid_read(in_dir(cert), in_dir(key), &svid, err);

	assert_null(svid);
	return r;
}

static void svid_files_that_do_not_fit_are_refused(void **state)
{
	struct weft_ca *ca = open_ca();
	struct weft_svid *a = issue(ca, CART), *b = issue(ca, CART);
	struct weft_error err = { 0 };

	assert_int_equal(weft_svid_write(a, in_dir("a.crt"), in_dir("a.key"), NULL), 0);
	assert_int_equal(weft_svid_write(b, in_dir("b.crt"), in_dir("b.key"), NULL), 0);
	assert_int_equal(read_error("a.crt", "b.key", &err), -EKEYREJECTED);
	assert_says(&err, "b.key: not the private key of");
	assert_int_equal(read_error("ca/ca.crt", "ca/ca.key", &err), -EBADMSG);
	assert_says(&err, "it is a CA certificate");
	assert_int_equal(read_error("none.crt", "a.key", &err), -ENOENT);
	assert_says(&err, "none.crt");
	assert_int_equal(read_error("a.crt", "none.key", &err), -ENOENT);
	assert_says(&err, "none.key");
	assert_int_equal(chmod(in_dir("a.key"), 0644), 0);
	assert_int_equal(read_error("a.crt", "a.key", &err), -EPERM);
	assert_says(&err, "mode 0644");
	weft_svid_put(a);
	weft_svid_put(b);
	weft_ca_close(ca);
}

static void svid_key_that_is_encrypted_is_refused_without_asking(void **state)
{
	struct weft_ca *ca = open_ca();
	struct weft_svid *svid = issue(ca, CART);
	struct weft_error err = { 0 };
	FILE *f;

	assert_int_equal(weft_svid_write(svid, in_dir("a.crt"), in_dir("a.key"), NULL), 0);
	f = fopen(in_dir("a.key"), "w");
	assert_non_null(f);
	assert_int_equal(PEM_write_PKCS8PrivateKey(f, svid->key, EVP_aes_128_cbc(), "secret", 6,
						   NULL, NULL),
			 1);
	fclose(f);
	assert_int_equal(read_error("a.crt", "a.key", &err), -EBADMSG);
	assert_says(&err, "is encrypted");
	weft_svid_put(svid);
	weft_ca_close(ca);
}

static void svid_key_that_is_no_file_is_refused(void **state)
{
	struct weft_ca *ca = open_ca();
	struct weft_svid *svid = issue(ca, CART);
	struct weft_error err = { 0 };

	assert_int_equal(weft_svid_write(svid, in_dir("a.crt"), in_dir("a.key"), NULL), 0);
	assert_int_equal(unlink(in_dir("a.key")), 0);
	assert_int_equal(mkfifo(in_dir("a.key"), 0600), 0);
	assert_int_equal(read_error("a.crt", "a.key", &err), -EINVAL);
	assert_says(&err, "not a regular file");
	weft_svid_put(svid);
	weft_ca_close(ca);
}

static void svid_validity_has_both_ends(void **state)
{
	struct weft_svid svid = { .valid_from = 100, .valid_until = 200 };

	assert_false(weft_svid_valid_at(&svid, 99));
	assert_true(weft_svid_valid_at(&svid, 100));
	assert_true(weft_svid_valid_at(&svid, 200));
	assert_false(weft_svid_valid_at(&svid, 201));
}

/* ---- the SPIFFE rules, one by one ---- */

/* A certificate with just these extensions; NULL: without. */
static X509 *odd_cert(const char *san, const char *basic, const char *usage, const char *extended)
{
	const struct {
		int nid;
		const char *value;
	} exts[] = {
		{ NID_subject_alt_name, san },
		{ NID_basic_constraints, basic },
		{ NID_key_usage, usage },
		{ NID_ext_key_usage, extended },
	};
	X509 *cert = X509_new();
	EVP_PKEY *key = NULL;

	assert_int_equal(weft_cert_key(&key, NULL), 0);
	X509_set_version(cert, X509_VERSION_3);
	X509_gmtime_adj(X509_getm_notBefore(cert), 0);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_set_pubkey(cert, key);
	for (size_t i = 0; i < sizeof(exts) / sizeof(*exts); i++) {
		X509_EXTENSION *ext;

		if (!exts[i].value)
			continue;
		ext = X509V3_EXT_conf_nid(NULL, NULL, exts[i].nid, exts[i].value);
		assert_non_null(ext);
		X509_add_ext(cert, ext, -1);
		X509_EXTENSION_free(ext);
	}
	assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
	EVP_PKEY_free(key);
	return cert;
}

static void spiffe_id_follows_the_specification(void **state)
{
	static const struct {
		const char *san, *basic, *usage, *extended;
		const char *words; /* NULL: accepted */
	} cases[] = {
		{ "URI:" CART, "CA:FALSE", "digitalSignature", "serverAuth,clientAuth", NULL },
		{ "URI:" CART ",DNS:cart.example.org", "CA:FALSE", "digitalSignature", NULL, NULL },
		{ "URI:" CART, NULL, "digitalSignature,keyAgreement", NULL, NULL },
		{ "URI:" CART, "CA:TRUE", "digitalSignature", NULL, "it is a CA certificate" },
		{ "URI:" CART, NULL, NULL, NULL, "it has no key usage" },
		{ "URI:" CART, NULL, "keyAgreement", NULL, "lacks digitalSignature" },
		{ "URI:" CART, NULL, "digitalSignature,keyCertSign", NULL,
		  "keyCertSign or cRLSign" },
		{ "URI:" CART, NULL, "digitalSignature,cRLSign", NULL, "keyCertSign or cRLSign" },
		{ "URI:" CART, NULL, "digitalSignature", "serverAuth", "extended key usage" },
		{ "URI:" CART, NULL, "digitalSignature", "clientAuth", "extended key usage" },
		{ NULL, NULL, "digitalSignature", NULL, "no SPIFFE ID" },
		{ "DNS:cart.example.org", NULL, "digitalSignature", NULL, "no SPIFFE ID" },
		{ "URI:" CART ",URI:" CART "2", NULL, "digitalSignature", NULL,
		  "more than one URI" },
		{ "URI:https://example.org/x", NULL, "digitalSignature", NULL,
		  "https://example.org/x" },
		{ "URI:spiffe://example.org", NULL, "digitalSignature", NULL, "not a SPIFFE ID" },
		{ "URI:spiffe://example.org/a//b", NULL, "digitalSignature", NULL, "is empty" },
		{ "URI:spiffe://Example.org/a", NULL, "digitalSignature", NULL, "trust domain" },
		{ "URI:spiffe://example.org:443/a", NULL, "digitalSignature", NULL,
		  "trust domain" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		X509 *cert =
			odd_cert(cases[i].san, cases[i].basic, cases[i].usage, cases[i].extended);
		struct weft_error err = { 0 };
		char *id = NULL;
		int r = weft_pki_spiffe_id(cert, &id, &err);

		if (cases[i].words) {
			assert_int_equal(r, -EBADMSG);
			assert_null(id);
			assert_says(&err, cases[i].words);
		} else {
			assert_int_equal(r, 0);
			assert_string_equal(id, CART);
		}
		free(id);
		X509_free(cert);
	}
}

static X509 *cert_with_uri_bytes(const char *bytes, int len)
{
	X509 *cert = odd_cert(NULL, NULL, "digitalSignature", NULL);
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_IA5STRING *text = ASN1_IA5STRING_new();

	ASN1_STRING_set(text, bytes, len);
	GENERAL_NAME_set0_value(name, GEN_URI, text);
	sk_GENERAL_NAME_push(names, name);
	X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, 0);
	GENERAL_NAMES_free(names);
	return cert;
}

static void spiffe_id_with_control_characters_is_not_repeated(void **state)
{
	static const char nul[] = CART "\0.evil";
	static const char escape[] = "spiffe://example.org/\x1b[31m";
	struct weft_error err = { 0 };
	char *id = NULL;
	X509 *cert;

	cert = cert_with_uri_bytes(nul, sizeof(nul) - 1);
	assert_int_equal(weft_pki_spiffe_id(cert, &id, &err), -EBADMSG);
	assert_says(&err, "NUL");
	X509_free(cert);
	cert = cert_with_uri_bytes(escape, sizeof(escape) - 1);
	assert_int_equal(weft_pki_spiffe_id(cert, &id, &err), -EBADMSG);
	assert_null(strchr(err.text, '\x1b'));
	X509_free(cert);
	assert_null(id);
}

static void broken_alternative_name_is_refused(void **state)
{
	X509 *leaf = odd_cert(NULL, NULL, "digitalSignature", NULL);
	X509 *root = odd_cert(NULL, "critical,CA:TRUE", "keyCertSign", NULL);
	ASN1_OCTET_STRING *junk = ASN1_OCTET_STRING_new();
	struct weft_error err = { 0 };
	X509_EXTENSION *ext;
	char *text = NULL;

	ASN1_OCTET_STRING_set(junk, (const unsigned char *)"junk", 4);
	ext = X509_EXTENSION_create_by_NID(NULL, NID_subject_alt_name, 0, junk);
	X509_add_ext(leaf, ext, -1);
	X509_add_ext(root, ext, -1);
	X509_EXTENSION_free(ext);
	ASN1_OCTET_STRING_free(junk);
	assert_int_equal(weft_pki_spiffe_id(leaf, &text, &err), -EBADMSG);
	assert_says(&err, "broken");
	assert_int_equal(weft_pki_trust_domain(root, &text, &err), -EBADMSG);
	assert_says(&err, "broken");
	assert_null(text);
	X509_free(leaf);
	X509_free(root);
}

/* ---- bundle ---- */

static void bundle_vouches_for_its_own_trust_domain_only(void **state)
{
	struct weft_ca *ca = open_ca();
	struct weft_bundle *bundle = NULL;

	assert_int_equal(weft_ca_bundle(ca, &bundle, NULL), 0);
	assert_int_equal(weft_bundle_count(bundle), 1);
	assert_true(weft_bundle_has(bundle, CART));
	assert_false(weft_bundle_has(bundle, "spiffe://other.org/x"));
	assert_false(weft_bundle_has(bundle, "spiffe://example.or/x"));
	assert_false(weft_bundle_has(bundle, "spiffe://example.org.evil/x"));
	assert_true(weft_bundle_vouches(bundle, weft_ca_cert(ca), CART));
	assert_false(weft_bundle_vouches(bundle, weft_ca_cert(ca), "spiffe://other.org/x"));
	weft_bundle_put(bundle);
	weft_ca_close(ca);
}

static void bundle_loads_all_roots_of_a_file(void **state)
{
	struct weft_ca *ca = open_ca();
	struct weft_bundle *bundle = NULL;
	EVP_PKEY *key = NULL;
	STACK_OF(X509) *more = sk_X509_new_null();
	X509 *next;

	assert_int_equal(weft_cert_key(&key, NULL), 0);
	next = root_with_validity(-1, 10, key);
	sk_X509_push(more, next);
	sk_X509_push(more, weft_ca_cert(ca)); /* twice: counts once */
	assert_int_equal(weft_pem_write_certs(in_dir("roots.pem"), weft_ca_cert(ca), more, NULL),
			 0);
	assert_int_equal(weft_bundle_load(in_dir("roots.pem"), DOMAIN, &bundle, NULL), 0);
	assert_int_equal(weft_bundle_count(bundle), 2);
	assert_true(weft_bundle_vouches(bundle, next, CART));
	weft_bundle_put(bundle);
	sk_X509_free(more);
	X509_free(next);
	EVP_PKEY_free(key);
	weft_ca_close(ca);
}

static void bundle_refuses_what_is_no_root_of_the_domain(void **state)
{
	struct weft_ca *ca = open_ca();
	struct weft_svid *svid = issue(ca, CART);
	struct weft_bundle *bundle = weft_bundle_create();
	struct weft_error err = { 0 };
	struct weft_bundle *none = NULL;

	assert_int_equal(weft_bundle_add(bundle, svid->cert, DOMAIN, &err), -EBADMSG);
	assert_says(&err, "it is no root");
	assert_int_equal(weft_bundle_add(bundle, weft_ca_cert(ca), "other.org", &err), -EBADMSG);
	assert_says(&err, "of trust domain \"example.org\", not of \"other.org\"");
	assert_int_equal(weft_bundle_add(bundle, weft_ca_cert(ca), "Bad Domain", &err), -EINVAL);
	assert_int_equal(weft_bundle_count(bundle), 0);
	assert_int_equal(weft_pem_write_certs(in_dir("roots.pem"), svid->cert, NULL, NULL), 0);
	assert_int_equal(weft_bundle_load(in_dir("roots.pem"), DOMAIN, &none, &err), -EBADMSG);
	assert_says(&err, "roots.pem: certificate 1");
	assert_int_equal(weft_file_write(in_dir("roots.pem"), "", 0, 0644, NULL), 0);
	assert_int_equal(weft_bundle_load(in_dir("roots.pem"), DOMAIN, &none, &err), -EBADMSG);
	assert_says(&err, "no certificate");
	assert_null(none);
	weft_bundle_put(bundle);
	weft_svid_put(svid);
	weft_ca_close(ca);
}

static void bundle_root_without_uri_vouches_for_one_domain(void **state)
{
	struct weft_bundle *bundle = weft_bundle_create();
	X509 *cert = odd_cert(NULL, "critical,CA:TRUE", "keyCertSign", NULL);
	struct weft_error err = { 0 };

	assert_int_equal(weft_bundle_add(bundle, cert, "a.org", NULL), 0);
	assert_int_equal(weft_bundle_add(bundle, cert, "a.org", NULL), 0);
	assert_int_equal(weft_bundle_add(bundle, cert, "b.org", &err), -EEXIST);
	assert_says(&err, "\"a.org\" cannot be one of \"b.org\" too");
	assert_int_equal(weft_bundle_count(bundle), 1);
	weft_bundle_put(bundle);
	X509_free(cert);
}

static void bundle_has_a_limit(void **state)
{
	struct weft_bundle *bundle = weft_bundle_create();
	EVP_PKEY *key = NULL;
	int r = 0;

	assert_int_equal(weft_cert_key(&key, NULL), 0);
	for (int i = 0; i <= WEFT_BUNDLE_ROOTS_MAX; i++) {
		X509 *cert = root_with_validity(-1, 10, key);

		assert_int_equal(r, 0);
		r = weft_bundle_add(bundle, cert, DOMAIN, NULL);
		X509_free(cert);
	}
	assert_int_equal(r, -ENOSPC);
	weft_bundle_put(bundle);
	EVP_PKEY_free(key);
}

static void known_chain_is_good_between_its_dates_only(void **state)
{
	struct weft_bundle *bundle = weft_bundle_create(), *other = weft_bundle_create();
	const struct weft_chain chain = { .not_before = 100, .not_after = 200, .identity = CART };
	uint8_t digest[WEFT_CHAIN_DIGEST_LEN] = { 1 }, unknown[WEFT_CHAIN_DIGEST_LEN] = { 2 };
	struct weft_chain found;

	assert_false(weft_bundle_knows(bundle, digest, 150, &found));
	weft_bundle_remember(bundle, digest, &chain);
	assert_true(weft_bundle_knows(bundle, digest, 100, &found));
	assert_string_equal(found.identity, CART);
	assert_true(weft_bundle_knows(bundle, digest, 199, &found));
	assert_false(weft_bundle_knows(bundle, digest, 99, &found));
	assert_false(weft_bundle_knows(bundle, digest, 200, &found));
	assert_false(weft_bundle_knows(bundle, unknown, 150, &found));
	assert_false(weft_bundle_knows(other, digest, 150, &found));
	weft_bundle_put(bundle);
	weft_bundle_put(other);
}

#define IN_DIR(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_chain_is_good_between_its_dates_only),
		IN_DIR(ca_is_created_with_private_modes),
		IN_DIR(ca_is_the_same_after_reopening),
		IN_DIR(ca_certificate_is_a_root_of_its_trust_domain),
		IN_DIR(ca_key_without_certificate_is_completed),
		IN_DIR(ca_certificate_without_key_is_refused),
		IN_DIR(ca_of_another_trust_domain_is_refused),
		IN_DIR(ca_that_is_there_opens_without_its_trust_domain),
		IN_DIR(ca_signs_for_a_key_it_does_not_have),
		IN_DIR(ca_trust_domain_must_be_valid),
		IN_DIR(ca_key_open_to_others_is_refused),
		IN_DIR(ca_directory_writable_by_others_is_refused),
		IN_DIR(ca_with_another_key_is_refused),
		IN_DIR(ca_files_that_are_no_pem_are_refused),
		IN_DIR(ca_that_is_no_root_is_refused),
		IN_DIR(ca_that_has_expired_says_the_way_out),
		IN_DIR(issued_certificate_is_an_svid),
		IN_DIR(issued_serials_and_keys_differ),
		cmocka_unit_test(serials_are_read_in_one_form),
		cmocka_unit_test(serials_that_cannot_be_revoked_are_refused),
		IN_DIR(issue_refuses_foreign_and_broken_identities),
		IN_DIR(issue_refuses_lifetimes_out_of_range),
		IN_DIR(issue_ends_with_the_root),
		IN_DIR(svid_survives_its_files),
		IN_DIR(svid_keeps_its_intermediates),
		IN_DIR(svid_files_that_do_not_fit_are_refused),
		IN_DIR(svid_key_that_is_encrypted_is_refused_without_asking),
		IN_DIR(svid_key_that_is_no_file_is_refused),
		cmocka_unit_test(svid_validity_has_both_ends),
		cmocka_unit_test(spiffe_id_follows_the_specification),
		cmocka_unit_test(spiffe_id_with_control_characters_is_not_repeated),
		cmocka_unit_test(broken_alternative_name_is_refused),
		IN_DIR(bundle_vouches_for_its_own_trust_domain_only),
		IN_DIR(bundle_loads_all_roots_of_a_file),
		IN_DIR(bundle_refuses_what_is_no_root_of_the_domain),
		cmocka_unit_test(bundle_root_without_uri_vouches_for_one_domain),
		cmocka_unit_test(bundle_has_a_limit),
	};

	return cmocka_run_group_tests_name("pki", tests, NULL, NULL);
}
