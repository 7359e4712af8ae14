/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes as digits: digests, keys and identifiers in files and messages. Pure; any
 * thread.
 */
#ifndef WEFT_BASE_HEX_H
#define WEFT_BASE_HEX_H

#include <stddef.h>
#include <stdint.h>

/* Characters of @n bytes, and the NUL. */
#define WEFT_HEX_SIZE(n) (2 * (n) + 1)

/* @text: WEFT_HEX_SIZE(@len) bytes; lower case. Return: @text. */
char *weft_hex_format(const void *bytes, size_t len, char *text);

/**
 * weft_hex_parse() - exactly @len bytes, in lower case, one way to write each
 * @bytes: written on success
 *
 * Return: 0, -EINVAL.
 */
int weft_hex_parse(const char *text, void *bytes, size_t len);

#endif
