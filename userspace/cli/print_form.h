/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between print.c and its two forms, print_text.c and print_json.c.
 */
#ifndef WEFT_CLI_PRINT_FORM_H
#define WEFT_CLI_PRINT_FORM_H

#include "cli/print.h"

enum weft_print_part {
	WEFT_PRINT_TABLE,
	WEFT_PRINT_ROW,
	WEFT_PRINT_BLOCK,
	WEFT_PRINT_RECORD,
	WEFT_PRINT_LIST,
	WEFT_PRINT_ITEM,
	WEFT_PRINT_GROUP,
};

/* All return 0 or a negative errno. */
struct weft_print_form {
	int (*begin)(void *form, enum weft_print_part part, const char *key, const char *text);
	int (*end)(void *form, enum weft_print_part part);
	int (*string)(void *form, const char *key, const char *value); /* NULL: not set */
	int (*number)(void *form, const char *key, uint64_t value);
	int (*strings)(void *form, const char *key, const struct weft_strv *value);
	int (*sentences)(void *form, const char *key, const struct weft_strv *value);
	int (*duration)(void *form, const char *key, uint64_t ms);
	void (*destroy)(void *form);
};

/* @form gets the state. Return: NULL out of memory. */
const struct weft_print_form *weft_print_text(FILE *out, void **form);
const struct weft_print_form *weft_print_json(FILE *out, void **form);

#endif
