// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The serial number of a certificate. See serial.h.
 */
#include "pki/serial.h"

#include <errno.h>

int weft_pki_serial(const X509 *cert, char *serial, struct weft_error *err)
{
	const ASN1_INTEGER *number = X509_get0_serialNumber(cert);

	if (ASN1_STRING_type(number) == V_ASN1_NEG_INTEGER)
		return weft_error_set(err, EBADMSG, "its serial number is negative");
	if (weft_serial_format(ASN1_STRING_get0_data(number), ASN1_STRING_length(number), serial))
		return weft_error_set(err, EBADMSG,
				      "its serial number has %d bytes, RFC 5280 allows %d",
				      ASN1_STRING_length(number), WEFT_SERIAL_MAX / 2);
	return 0;
}
