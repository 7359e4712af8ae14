// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Making text safe to show. See printable.h.
 */
#include "cli/printable.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Length of the UTF-8 sequence at @s, 0 when it is none (RFC 3629, section 4:
 * no overlong forms, no surrogates, nothing above U+10FFFF).
 */
static size_t sequence(const unsigned char *s, uint32_t *code)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t i, len = s[0] < 0x80 ? 1 : s[0] < 0xc0 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;

	if (!len || s[0] > 0xf4)
		return 0;
	*code = len == 1 ? s[0] : s[0] & (0x7f >> len);
	for (i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (s[i] & 0x3f);
	}
	if (*code < least[len] || *code > 0x10ffff || (*code >= 0xd800 && *code < 0xe000))
		return 0;
	return len;
}

/* C0, DEL, C1, and the marks that change the direction of what follows. */
static bool is_control(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) ||
	       (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

char *weft_printable(const char *s, bool controls)
{
	char *copy = malloc(strlen(s) * 4 + 1), *to = copy;
	const unsigned char *from = (const unsigned char *)s;
	uint32_t code = 0;
	size_t len, i;

	if (!copy)
		return NULL;
	for (; *from; from += len) {
		len = sequence(from, &code);
		if (len && !(controls && is_control(code))) {
			to = mempcpy(to, from, len);
			continue;
		}
		if (!len)
			len = 1;
		for (i = 0; i < len; i++)
			to += sprintf(to, "\\x%02x", from[i]);
	}
	*to = '\0';
	return copy;
}

size_t weft_printable_width(const char *s)
{
	size_t width = 0;

	for (; *s; s++)
		width += (*s & 0xc0) != 0x80;
	return width;
}
