/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Small files of lines "KEY VALUE", by which weftd and weftctl tell each other
 * something: outcome.c, pending.c; trouble.c has lines alone. They come in one fixed
 * order; what may hold anything comes last. Header only, pure.
 */
#ifndef WEFT_CONF_LINES_H
#define WEFT_CONF_LINES_H

#include <string.h>
#include "base/number.h"

/* @text on one line, for the name of a file may hold anything. NULL: out of memory. */
static inline char *weft_lines_copy(const char *text)
{
	char *copy = strdup(text);

	for (char *p = copy; p && *p; p++)
		if (*p == '\n')
			*p = ' ';
	return copy;
}

/* The value of the next line, which is @key's, or NULL; @rest moves behind it. */
static inline char *weft_lines_text(char **rest, const char *key)
{
	size_t len = strlen(key);
	char *value = *rest, *end = strchr(value, '\n');

	if (!end || strncmp(value, key, len) || value[len] != ' ')
		return NULL;
	*end = '\0';
	*rest = end + 1;
	return value + len + 1;
}

/* The same as a number up to @max. Return: 0; -EINVAL, -ERANGE. */
static inline int weft_lines_number(char **rest, const char *key, uint64_t max, uint64_t *value)
{
	const char *text = weft_lines_text(rest, key);

	return weft_number_parse(text ? text : "", 0, max, value);
}

#endif
