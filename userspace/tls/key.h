/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Traffic keys as kernel TLS takes them, made of TLS 1.3 traffic secrets.
 * Pure but for weft_ktls_install(); any thread.
 */
#ifndef WEFT_TLS_KEY_H
#define WEFT_TLS_KEY_H

#include <linux/tls.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include "base/error.h"

/* An application traffic secret. Wipe after use. */
struct weft_secret {
	uint8_t bytes[EVP_MAX_MD_SIZE];
	size_t len; /* 0: not known */
};

/* One direction. Wipe after use. */
struct weft_ktls_key {
	union {
		struct tls_crypto_info info;
		struct tls12_crypto_info_aes_gcm_128 aes_gcm_128;
		struct tls12_crypto_info_aes_gcm_256 aes_gcm_256;
		struct tls12_crypto_info_chacha20_poly1305 chacha20_poly1305;
	};
	socklen_t len; /* of the member that info.cipher_type names */
	struct weft_secret secret; /* what it came of; len 0: the kernel is not told */
};

/**
 * weft_secret_parse() - take the secret out of a line of OpenSSL's key log
 * @line: "LABEL <client random> <secret>", NSS key log format
 * @label: whose secret, WEFT_SECRET_CLIENT or WEFT_SECRET_SERVER
 * @secret: written on success
 *
 * Return: 0; -ENOENT another label; -EINVAL not a line of this format.
 */
int weft_secret_parse(const char *line, const char *label, struct weft_secret *secret);

#define WEFT_SECRET_CLIENT "CLIENT_TRAFFIC_SECRET_0"
#define WEFT_SECRET_SERVER "SERVER_TRAFFIC_SECRET_0"

/**
 * weft_ktls_derive() - key and IV of a traffic secret (RFC 8446, 7.3)
 * @key: written on success, the secret with it
 * @cipher: cipher suite of the connection
 * @secret: of the client or the server; as long as the suite's hash
 * @seq: sequence number of the next record
 *
 * Return: 0; -EINVAL @secret is not of the suite's length; -EOPNOTSUPP a suite that
 * is not one of AES-128-GCM, AES-256-GCM, ChaCha20-Poly1305; -EIO OpenSSL failed.
 */
int weft_ktls_derive(struct weft_ktls_key *key, const SSL_CIPHER *cipher,
		     const struct weft_secret *secret, uint64_t seq, struct weft_error *err);

/**
 * weft_ktls_install() - setsockopt(SOL_TLS) of TLS_TX, TLS_RX and WEFT_TLS_SECRETS
 * @fd: socket that has the "tls" ULP, or gets it by the setsockopt() itself as the
 *	module's conns do
 *
 * A module that does not renew keys, or has no hash to do it with, goes without the
 * secrets: the connection then ends with its keys.
 *
 * Return: 0; errno of setsockopt() (-EOPNOTSUPP, -ENOENT: the kernel has no such
 * cipher); after a failure keys may be installed.
 */
int weft_ktls_install(int fd, const struct weft_ktls_key *tx, const struct weft_ktls_key *rx,
		      struct weft_error *err);

/* Nothing of the key and its secret stays in memory. For _cleanup_(weft_ktls_wipe) too. */
void weft_ktls_wipe(struct weft_ktls_key *key);

#endif
