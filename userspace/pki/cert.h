/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making certificates: the root's and the workloads'. For ca.c, csr.c and the
 * tests; any thread.
 */
#ifndef WEFT_PKI_CERT_H
#define WEFT_PKI_CERT_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdint.h>
#include "base/error.h"

/* What goes in; all of it stays the caller's. */
struct weft_cert_spec {
	const char *uri;      /* of the subject alternative name */
	EVP_PKEY *key;	      /* the subject's */
	int64_t not_before;   /* s since the epoch */
	int64_t not_after;    /* s since the epoch */
	X509 *issuer;	      /* NULL: a self-signed root */
	EVP_PKEY *issuer_key; /* the issuer's; not looked at for a root */
};

/* A new ECDSA P-256 key, the caller's. Return: 0, -ENOMEM, -EIO. */
int weft_cert_key(EVP_PKEY **key, struct weft_error *err);

/* Subject alternative names: one URI. The caller's; NULL: out of memory. */
GENERAL_NAMES *weft_cert_names(const char *uri);

/**
 * weft_cert_make() - make and sign a certificate (RFC 5280, X509-SVID)
 * @cert: written on success, the caller's
 *
 * Return: 0, -ENOMEM, -EIO OpenSSL failed.
 */
int weft_cert_make(const struct weft_cert_spec *spec, X509 **cert, struct weft_error *err);

#endif
