/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Certificate signing requests (PKCS #10, RFC 2986): who has a key asks for a
 * certificate of an identity. Written by join/'s client, read by its server from
 * strangers. Any thread.
 */
#ifndef WEFT_PKI_CSR_H
#define WEFT_PKI_CSR_H

#include <openssl/evp.h>
#include "base/error.h"

#define WEFT_CSR_MAX 8192 /* bytes of its PEM */

/**
 * weft_csr_make() - ask for a certificate
 * @key: private, of the one who asks
 * @identity: SPIFFE ID, goes into the URI SAN
 * @pem: written on success, terminated, the caller's to free()
 *
 * Return: 0, -ENOMEM, -EIO OpenSSL failed.
 */
int weft_csr_make(EVP_PKEY *key, const char *identity, char **pem, struct weft_error *err);

/**
 * weft_csr_read() - what is asked for, once whoever asks was seen to have the key
 * @pem: exactly one request
 * @public_key: written on success, the caller's: ECDSA P-256
 * @identity: written on success, the caller's to free(): a SPIFFE ID
 *
 * Nothing else of the request means anything.
 *
 * Return: 0; -EBADMSG no such request, the words say why in printable text; -ENOMEM.
 */
int weft_csr_read(const char *pem, EVP_PKEY **public_key, char **identity, struct weft_error *err);

#endif
