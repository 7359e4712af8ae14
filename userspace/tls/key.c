// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Traffic keys as kernel TLS takes them, made of TLS 1.3 traffic secrets. Holds
 * nothing; whatever held a key on the way is wiped. Any thread.
 */
#include <errno.h>
#include <linux/weft.h>
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdbool.h>
#include <string.h>
#include "pki/crypto.h"
#include "tls/key.h"

#ifndef SOL_TLS
#define SOL_TLS 282
#endif

/* IANA TLS cipher suites, RFC 8446 appendix B.4 */
#define SUITE_AES_128_GCM_SHA256 0x1301
#define SUITE_AES_256_GCM_SHA384 0x1302
#define SUITE_CHACHA20_POLY1305_SHA256 0x1303

#define IV_LEN 12
#define KEY_LEN_MAX 32

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int weft_secret_parse(const char *line, const char *label, struct weft_secret *secret)
{
	size_t n = strlen(label), len = 0;
	const char *hex;

	if (strncmp(line, label, n) || line[n] != ' ')
		return -ENOENT;
	hex = strchr(line + n + 1, ' ');
	if (!hex)
		return -EINVAL;
	for (hex++; *hex; hex += 2, len++) {
		int high = hex_digit(hex[0]);
		int low = high < 0 ? -1 : hex_digit(hex[1]);

		if (low < 0 || len == sizeof(secret->bytes)) {
			explicit_bzero(secret, sizeof(*secret));
			return -EINVAL;
		}
		secret->bytes[len] = high << 4 | low;
	}
	secret->len = len;
	return len ? 0 : -EINVAL;
}

/* HKDF-Expand-Label(secret, label, "", len), RFC 8446, 7.1 */
static bool expand(EVP_KDF *kdf, const EVP_MD *md, const struct weft_secret *secret,
		   const char *label, uint8_t *out, size_t len)
{
	int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
						 (char *)EVP_MD_get0_name(md), 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)secret->bytes,
						  secret->len),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PREFIX, "tls13 ", 6),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_LABEL, (void *)label,
						  strlen(label)),
		OSSL_PARAM_construct_end(),
	};
	bool ok = ctx && EVP_KDF_derive(ctx, out, len, params) == 1;

	EVP_KDF_CTX_free(ctx);
	return ok;
}

/* TLS 1.3 nonces for GCM: the kernel calls the first four bytes "salt". */
#define FILL_GCM(field, raw_key, raw_iv)                                                    \
	do {                                                                                \
		memcpy((field)->key, raw_key, sizeof((field)->key));                        \
		memcpy((field)->salt, raw_iv, sizeof((field)->salt));                       \
		memcpy((field)->iv, (raw_iv) + sizeof((field)->salt), sizeof((field)->iv)); \
	} while (0)

static void fill(struct weft_ktls_key *key, uint16_t suite, const uint8_t *raw_key,
		 const uint8_t *raw_iv, const uint8_t *seq)
{
	key->info.version = TLS_1_3_VERSION;
	switch (suite) {
	case SUITE_AES_128_GCM_SHA256:
		key->info.cipher_type = TLS_CIPHER_AES_GCM_128;
		key->len = sizeof(key->aes_gcm_128);
		FILL_GCM(&key->aes_gcm_128, raw_key, raw_iv);
		memcpy(key->aes_gcm_128.rec_seq, seq, sizeof(key->aes_gcm_128.rec_seq));
		break;
	case SUITE_AES_256_GCM_SHA384:
		key->info.cipher_type = TLS_CIPHER_AES_GCM_256;
		key->len = sizeof(key->aes_gcm_256);
		FILL_GCM(&key->aes_gcm_256, raw_key, raw_iv);
		memcpy(key->aes_gcm_256.rec_seq, seq, sizeof(key->aes_gcm_256.rec_seq));
		break;
	default:
		key->info.cipher_type = TLS_CIPHER_CHACHA20_POLY1305;
		key->len = sizeof(key->chacha20_poly1305);
		memcpy(key->chacha20_poly1305.key, raw_key, sizeof(key->chacha20_poly1305.key));
		memcpy(key->chacha20_poly1305.iv, raw_iv, sizeof(key->chacha20_poly1305.iv));
		memcpy(key->chacha20_poly1305.rec_seq, seq, sizeof(key->chacha20_poly1305.rec_seq));
	}
}

/* Return: bytes of the suite's key; 0: not one of ours. */
static size_t suite_key_len(uint16_t suite)
{
	switch (suite) {
	case SUITE_AES_128_GCM_SHA256:
		return 16;
	case SUITE_AES_256_GCM_SHA384:
	case SUITE_CHACHA20_POLY1305_SHA256:
		return 32;
	default:
		return 0;
	}
}

int weft_ktls_derive(struct weft_ktls_key *key, const SSL_CIPHER *cipher,
		     const struct weft_secret *secret, uint64_t seq, struct weft_error *err)
{
	const EVP_MD *md = SSL_CIPHER_get_handshake_digest(cipher);
	uint16_t suite = SSL_CIPHER_get_protocol_id(cipher);
	uint8_t raw_key[KEY_LEN_MAX], raw_iv[IV_LEN];
	size_t len = suite_key_len(suite);
	uint64_t seq_be = htobe64(seq);
	EVP_KDF *kdf;
	bool ok;

	if (!len || !md)
		return weft_error_set(err, EOPNOTSUPP, "kernel TLS has no cipher %s",
				      SSL_CIPHER_get_name(cipher));
	if (secret->len != (size_t)EVP_MD_get_size(md))
		return weft_error_set(err, EINVAL, "a traffic secret of %zu bytes is not of %s",
				      secret->len, SSL_CIPHER_get_name(cipher));
	kdf = EVP_KDF_fetch(NULL, "TLS13-KDF", NULL);
	ok = kdf && expand(kdf, md, secret, "key", raw_key, len) &&
	     expand(kdf, md, secret, "iv", raw_iv, IV_LEN);
	if (ok) {
		memset(key, 0, sizeof(*key));
		fill(key, suite, raw_key, raw_iv, (const uint8_t *)&seq_be);
		key->secret = *secret;
	}
	EVP_KDF_free(kdf);
	explicit_bzero(raw_key, sizeof(raw_key));
	explicit_bzero(raw_iv, sizeof(raw_iv));
	return ok ? 0 : weft_crypto_error(err, EIO, "cannot derive the traffic keys");
}

static int install(int fd, int direction, const char *name, const struct weft_ktls_key *key,
		   struct weft_error *err)
{
	if (!setsockopt(fd, SOL_TLS, direction, &key->info, key->len))
		return 0;
	return weft_error_set(err, errno, "kernel TLS takes no %s key of cipher %u: %s", name,
			      key->info.cipher_type, strerror(errno));
}

/* So that the module can renew the keys, with us or without. */
static int install_secrets(int fd, const struct weft_secret *tx, const struct weft_secret *rx,
			   struct weft_error *err)
{
	struct weft_tls_secrets secrets = { .len = tx->len };
	int error = 0;

	if (!tx->len || tx->len != rx->len || tx->len > sizeof(secrets.tx))
		return 0;
	memcpy(secrets.tx, tx->bytes, tx->len);
	memcpy(secrets.rx, rx->bytes, rx->len);
	if (setsockopt(fd, SOL_TLS, WEFT_TLS_SECRETS, &secrets, sizeof(secrets)))
		error = errno;
	explicit_bzero(&secrets, sizeof(secrets));
	if (!error || error == ENOPROTOOPT || error == EOPNOTSUPP)
		return 0;
	return weft_error_set(err, error, "the module does not take the traffic secrets: %s",
			      strerror(error));
}

int weft_ktls_install(int fd, const struct weft_ktls_key *tx, const struct weft_ktls_key *rx,
		      struct weft_error *err)
{
	int r = install(fd, TLS_TX, "sending", tx, err);

	if (!r)
		r = install(fd, TLS_RX, "receiving", rx, err);
	return r ? r : install_secrets(fd, &tx->secret, &rx->secret, err);
}

void weft_ktls_wipe(struct weft_ktls_key *key)
{
	explicit_bzero(key, sizeof(*key));
}
