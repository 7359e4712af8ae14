/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text from elsewhere (names of processes, words of a peer's TLS library) made
 * safe to show. Pure.
 */
#ifndef WEFT_CLI_PRINTABLE_H
#define WEFT_CLI_PRINTABLE_H

#include <stdbool.h>
#include <stddef.h>

/**
 * weft_printable() - a copy in which nothing can harm a terminal or a parser
 * @controls: write control characters as \xNN too, not only bytes that are not UTF-8
 *
 * Return: the caller's to free; NULL: out of memory.
 */
char *weft_printable(const char *s, bool controls);

/* How many columns valid UTF-8 takes, one per character. */
size_t weft_printable_width(const char *s);

#endif
