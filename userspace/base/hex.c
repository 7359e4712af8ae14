// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Bytes as digits. See hex.h.
 */
#include "base/hex.h"

#include <errno.h>
#include <string.h>

static const char digits[] = "0123456789abcdef";

char *weft_hex_format(const void *bytes, size_t len, char *text)
{
	const uint8_t *from = bytes;
	char *to = text;

	for (; len; len--, from++) {
		*to++ = digits[*from >> 4];
		*to++ = digits[*from & 15];
	}
	*to = '\0';
	return text;
}

int weft_hex_parse(const char *text, void *bytes, size_t len)
{
	uint8_t *to = bytes;

	if (strlen(text) != 2 * len || strspn(text, digits) != 2 * len)
		return -EINVAL;
	for (; len; len--, text += 2)
		*to++ = (strchr(digits, text[0]) - digits) << 4 |
			(strchr(digits, text[1]) - digits);
	return 0;
}
