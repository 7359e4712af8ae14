// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * OpenSSL's errors and times as ours. Owns nothing; any thread.
 */
#include <errno.h>
#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "pki/crypto.h"

int weft_crypto_error(struct weft_error *err, int error, const char *fmt, ...)
{
	/* The first entry is the cause, later ones say who passed it on. */
	unsigned long code = ERR_get_error();
	char words[WEFT_ERROR_MAX];
	const char *reason;
	va_list ap;

	ERR_clear_error();
	if (code && ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE)
		return weft_error_nomem(err);

	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	reason = code ? ERR_reason_error_string(code) : NULL;
	return weft_error_set(err, error, "%s%s%s", words, reason ? ": " : "",
			      reason ? reason : "");
}

int64_t weft_crypto_time(const ASN1_TIME *t)
{
	struct tm tm;

	if (!t || ASN1_TIME_to_tm(t, &tm) != 1)
		return INT64_MIN;
	return timegm(&tm);
}

const char *weft_crypto_time_format(int64_t t, char *buf)
{
	time_t seconds = t;
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) ||
	    !strftime(buf, WEFT_CRYPTO_TIME_MAX, "%Y-%m-%d %H:%M:%S UTC", &tm))
		snprintf(buf, WEFT_CRYPTO_TIME_MAX, "an unknown time");
	return buf;
}

int weft_crypto_key_digest(const EVP_PKEY *key, uint8_t digest[WEFT_CRYPTO_DIGEST_LEN],
			   struct weft_error *err)
{
	unsigned char *der = NULL;
	int len = i2d_PUBKEY(key, &der), ok;

	if (len <= 0)
		return weft_crypto_error(err, EIO, "cannot encode a public key");
	ok = EVP_Digest(der, len, digest, NULL, EVP_sha256(), NULL);
	OPENSSL_free(der);
	return ok == 1 ? 0 : weft_crypto_error(err, EIO, "cannot hash a public key");
}

int weft_crypto_cert_digest(const X509 *cert, uint8_t digest[WEFT_CRYPTO_DIGEST_LEN],
			    struct weft_error *err)
{
	if (X509_digest(cert, EVP_sha256(), digest, NULL) == 1)
		return 0;
	return weft_crypto_error(err, EIO, "cannot hash a certificate");
}

/* Adds all of @fd to @hash. Return: 0, what read() gives, -EIO, -ECANCELED. */
static int hash_all(int fd, EVP_MD_CTX *hash, weft_go_on_fn *go_on, void *data,
		    struct weft_error *err)
{
	uint8_t buf[65536];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf)))) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return weft_error_set(err, errno, "%s", strerror(errno));
		if (EVP_DigestUpdate(hash, buf, n) != 1)
			return weft_crypto_error(err, EIO, "cannot hash a file");
		if (go_on && !go_on(data))
			return weft_error_set(err, ECANCELED, "it was not read to its end");
	}
	return 0;
}

int weft_crypto_file_digest(int fd, uint8_t digest[WEFT_CRYPTO_DIGEST_LEN],
			    weft_go_on_fn *go_on, void *data, struct weft_error *err)
{
	EVP_MD_CTX *hash = EVP_MD_CTX_new();
	int ret;

	if (!hash)
		return weft_error_nomem(err);
	if (EVP_DigestInit_ex(hash, EVP_sha256(), NULL) != 1)
		ret = weft_crypto_error(err, EIO, "cannot hash a file");
	else
		ret = hash_all(fd, hash, go_on, data, err);
	if (!ret && EVP_DigestFinal_ex(hash, digest, NULL) != 1)
		ret = weft_crypto_error(err, EIO, "cannot hash a file");
	EVP_MD_CTX_free(hash);
	return ret;
}

const char *weft_crypto_name_problem(int x509_error)
{
	switch (x509_error) {
	case X509_V_ERR_PERMITTED_VIOLATION:
		return "one of its names is not among those that an authority in its chain may "
		       "sign for (name constraints)";
	case X509_V_ERR_EXCLUDED_VIOLATION:
		return "one of its names is among those that an authority in its chain may not "
		       "sign for (name constraints)";
	default:
		return NULL;
	}
}
