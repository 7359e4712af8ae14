/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * OpenSSL's algorithms as handshakes need them. Any thread.
 */
#ifndef WEFT_PKI_LIBRARY_H
#define WEFT_PKI_LIBRARY_H

#include <openssl/types.h>

/**
 * weft_crypto_library() - the library context for TLS
 *
 * OpenSSL 3.0 and 3.1 look at all their decoders anew whenever they read the public
 * key of a certificate, which costs more than to verify a signature with it. This
 * context has the same algorithms of the same provider, but of keys and decoders
 * only what SVIDs and TLS 1.3 handshakes need. Later releases remember what they
 * found: they need none of this.
 *
 * Return: it, for as long as the program runs; NULL, which is OpenSSL's default
 * one: nothing to gain, another provider is configured (FIPS), or it failed.
 */
OSSL_LIB_CTX *weft_crypto_library(void);

#endif
