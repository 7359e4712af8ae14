/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Serial numbers of certificates (RFC 5280, 4.1.2.2), in the one way in which the
 * module compares them: digits of bytes in lower case, without zero bytes in
 * front; "00" is zero. Pure; any thread.
 */
#ifndef WEFT_BASE_SERIAL_H
#define WEFT_BASE_SERIAL_H

#include <linux/weft.h>
#include <stddef.h>

#define WEFT_SERIAL_SIZE (WEFT_SERIAL_MAX + 1)

/**
 * weft_serial_parse() - a serial number as people write it
 * @text: "0A1B2C" as "openssl x509 -serial" prints it, or "0a:1b:2c" as "-text" does of
 *	long ones; of short ones that prints "4660 (0x1234)", whose decimal form is not
 *	meant and cannot be told apart
 * @serial: WEFT_SERIAL_SIZE bytes, written on success; may be @text
 *
 * Return: NULL; else what is wrong with @text, a static phrase that completes
 * "SERIAL: ...".
 */
const char *weft_serial_parse(const char *text, char *serial);

/**
 * weft_serial_format() - a serial number of so many bytes, the first counts most
 * @serial: WEFT_SERIAL_SIZE bytes, written on success
 *
 * Return: 0; -EOVERFLOW it has more than WEFT_SERIAL_MAX / 2 bytes that count.
 */
int weft_serial_format(const unsigned char *bytes, size_t len, char *serial);

#endif
