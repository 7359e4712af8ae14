// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Serial numbers of certificates. See serial.h.
 */
#include "base/serial.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include "base/hex.h"

/* Two digits, and where the next two begin; NULL: there are none. */
static const char *next_byte(const char *text, bool first)
{
	if (!first && *text == ':')
		text++;
	return isxdigit((unsigned char)text[0]) && isxdigit((unsigned char)text[1]) ? text : NULL;
}

const char *weft_serial_parse(const char *text, char *serial)
{
	char digits[WEFT_SERIAL_SIZE];
	size_t n = 0;

	if (!*text)
		return "empty";
	for (bool first = true; *text; first = false, text += 2) {
		text = next_byte(text, first);
		if (!text)
			return "not bytes of two digits each (0-9, a-f), with or without ':' between "
			       "them";
		if (n == 2 && digits[0] == '0' && digits[1] == '0')
			n = 0; /* a zero in front */
		if (n == WEFT_SERIAL_MAX)
			return "longer than 20 bytes";
		digits[n++] = tolower((unsigned char)text[0]);
		digits[n++] = tolower((unsigned char)text[1]);
	}
	digits[n] = '\0';
	memcpy(serial, digits, n + 1);
	return NULL;
}

int weft_serial_format(const unsigned char *bytes, size_t len, char *serial)
{
	static const unsigned char zero;

	for (; len && !*bytes; len--)
		bytes++;
	if (len > WEFT_SERIAL_MAX / 2)
		return -EOVERFLOW;
	weft_hex_format(len ? bytes : &zero, len ? len : 1, serial);
	return 0;
}
