/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The serial number of a certificate, as revocations have it. Pure; any thread.
 */
#ifndef WEFT_PKI_SERIAL_H
#define WEFT_PKI_SERIAL_H

#include <openssl/x509.h>
#include "base/error.h"
#include "base/serial.h"

/**
 * weft_pki_serial() - the serial number of a certificate
 * @cert: not NULL, stays the caller's
 * @serial: WEFT_SERIAL_SIZE bytes, written on success
 *
 * Return: 0; -EBADMSG negative, or longer than RFC 5280 allows: it could not be
 * revoked, @err says so (without naming the certificate).
 */
int weft_pki_serial(const X509 *cert, char *serial, struct weft_error *err);

#endif
