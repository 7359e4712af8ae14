/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * OpenSSL's errors as ours, and its objects with automatic cleanup. For pki/ and
 * tls/; any thread (OpenSSL's error queue is per thread).
 */
#ifndef WEFT_PKI_CRYPTO_H
#define WEFT_PKI_CRYPTO_H

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdint.h>
#include "base/cleanup.h"
#include "base/error.h"

/**
 * weft_crypto_error() - what OpenSSL's error queue says, behind the caller's words
 * @error: errno, either sign; memory exhaustion in the queue turns it into ENOMEM
 *
 * Empties the queue. The text becomes "<words>: <OpenSSL's reason>".
 *
 * Return: the negative errno.
 */
int weft_crypto_error(struct weft_error *err, int error, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* A time of a certificate in seconds since the epoch; INT64_MIN: not a time. */
int64_t weft_crypto_time(const ASN1_TIME *t);

#define WEFT_CRYPTO_TIME_MAX 32

/* "2031-07-14 09:30:00 UTC". @buf: WEFT_CRYPTO_TIME_MAX bytes. Return: @buf. */
const char *weft_crypto_time_format(int64_t t, char *buf);

/* The error of a verification in our words, if it is one about name constraints (RFC 5280,
 * 4.2.1.10: which names an authority may sign for); else NULL. */
const char *weft_crypto_name_problem(int x509_error);

#define WEFT_CRYPTO_DIGEST_LEN 32

/* Asked now and then during what may take long: shall it go on? */
typedef bool weft_go_on_fn(void *data);

/* SHA-256 of a public key (its SubjectPublicKeyInfo), of all that can be read from a
 * descriptor (@go_on NULL: whatever it takes), of a certificate. Return: 0; -ENOMEM;
 * -EIO OpenSSL failed; -ECANCELED; what read() gives. */
int weft_crypto_key_digest(const EVP_PKEY *key, uint8_t digest[WEFT_CRYPTO_DIGEST_LEN],
			   struct weft_error *err);
int weft_crypto_file_digest(int fd, uint8_t digest[WEFT_CRYPTO_DIGEST_LEN],
			    weft_go_on_fn *go_on, void *data, struct weft_error *err);
int weft_crypto_cert_digest(const X509 *cert, uint8_t digest[WEFT_CRYPTO_DIGEST_LEN],
			    struct weft_error *err);

static inline void weft_x509_free_ptr(X509 **p)
{
	X509_free(*p);
}

static inline void weft_x509s_free_ptr(STACK_OF(X509) **p)
{
	sk_X509_pop_free(*p, X509_free);
}

static inline void weft_pkey_free_ptr(EVP_PKEY **p)
{
	EVP_PKEY_free(*p);
}

static inline void weft_bio_free_ptr(BIO **p)
{
	BIO_free(*p);
}

static inline void weft_general_names_free_ptr(GENERAL_NAMES **p)
{
	GENERAL_NAMES_free(*p);
}

#define _cleanup_x509_	       _cleanup_(weft_x509_free_ptr)
#define _cleanup_x509s_	       _cleanup_(weft_x509s_free_ptr)
#define _cleanup_pkey_	       _cleanup_(weft_pkey_free_ptr)
#define _cleanup_bio_	       _cleanup_(weft_bio_free_ptr)
#define _cleanup_names_	       _cleanup_(weft_general_names_free_ptr)

#endif
