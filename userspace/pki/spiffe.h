/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a certificate must be to serve as an X.509 SVID, and whose it is.
 * Called by the readers of SVIDs here and by the verification in tls/.
 *
 * Source: X509-SVID specification of SPIFFE, sections 2 to 5. Pure functions of
 * the certificate; any thread.
 */
#ifndef WEFT_PKI_SPIFFE_H
#define WEFT_PKI_SPIFFE_H

#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include "base/error.h"

/**
 * weft_pki_spiffe_id() - the identity that a leaf certificate proves
 * @cert: not NULL, stays the caller's
 * @id: written on success, the caller's to free()
 *
 * Exactly one URI SAN, which is a SPIFFE ID with a path; no CA; keyUsage there,
 * with digitalSignature and without keyCertSign and cRLSign; extendedKeyUsage,
 * when there, with serverAuth and clientAuth. The chain is not looked at.
 *
 * Return: 0; -EBADMSG it is no leaf SVID, @err says why (without naming the
 * certificate); -ENOMEM.
 */
int weft_pki_spiffe_id(X509 *cert, char **id, struct weft_error *err);

/**
 * weft_pki_names_id() - the identity in a list of subject alternative names
 * @names: NULL: there is none
 * @id: written on success, the caller's to free()
 *
 * Return: 0; -EBADMSG not exactly one URI, or it is no SPIFFE ID with a path; -ENOMEM.
 */
int weft_pki_names_id(const GENERAL_NAMES *names, char **id, struct weft_error *err);

/**
 * weft_pki_trust_domain() - the trust domain a root certificate speaks for
 * @domain: written on success, the caller's to free()
 *
 * The root must be a self-signed CA; its one URI SAN is "spiffe://<trust domain>".
 *
 * Return: 0; -ENODATA it has no URI SAN (allowed for roots, section 4.2 "SHOULD");
 * -EBADMSG no root, or its URI SANs are wrong; -ENOMEM.
 */
int weft_pki_trust_domain(X509 *cert, char **domain, struct weft_error *err);

#endif
