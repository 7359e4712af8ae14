/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is the peer who it says it is? Chain, time, SPIFFE ID and trust domain: all of
 * it is decided here. Any thread.
 */
#ifndef WEFT_TLS_VERIFY_H
#define WEFT_TLS_VERIFY_H

#include <openssl/x509.h>
#include "base/error.h"
#include "pki/bundle.h"

/**
 * weft_tls_verify() - verify a peer's certificate chain
 * @store: as OpenSSL hands it to the callback of
 *	SSL_CTX_set_cert_verify_callback(); its error is set as well, from which
 *	OpenSSL makes the alert
 * @identity: the peer's SPIFFE ID, written on success, the caller's to free()
 * @until: NULL, or written on success: when the first certificate of the chain ends,
 *	its root included, as time()
 *
 * Return: 0; -EKEYREJECTED no, @err says why; -ENOMEM.
 */
int weft_tls_verify(X509_STORE_CTX *store, const struct weft_bundle *bundle, char **identity,
		    int64_t *until, struct weft_error *err);

#endif
