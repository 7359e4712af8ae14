/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What weftctl prints: one set of calls, two forms. As text for people, tables
 * and aligned fields; as JSON for programs, arrays and objects. One thread.
 *
 *	table_begin { row_begin field... row_end }... table_end	one array
 *	block_begin field... block_end				one object
 *	record_begin field... record_end			one object per line
 *
 * Fields are named in snake case; headings and labels are made from the names.
 * Nothing is returned by the calls: the first failure sticks and is what
 * weft_print_finish() returns.
 */
#ifndef WEFT_CLI_PRINT_H
#define WEFT_CLI_PRINT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "base/addr.h"
#include "base/strv.h"

struct weft_print;

/* @out stays the caller's. NULL: out of memory. */
struct weft_print *weft_print_create(FILE *out, bool json);

/* Flushes and frees. Return: 0; -ENOMEM; the errno of writing. NULL is fine. */
int weft_print_finish(struct weft_print *p);

/* What has failed so far. Return: 0 or a negative errno. */
int weft_print_error(const struct weft_print *p);

/* Each row has the same fields in the same order. Text: nothing without rows. */
void weft_print_table_begin(struct weft_print *p);
void weft_print_row_begin(struct weft_print *p);
void weft_print_row_end(struct weft_print *p);
void weft_print_table_end(struct weft_print *p);

/* Text: a line for each field. */
void weft_print_block_begin(struct weft_print *p);
void weft_print_block_end(struct weft_print *p);

/* Text: the line @text alone; JSON: the fields alone. Written out at once. */
void weft_print_record_begin(struct weft_print *p, const char *text);
void weft_print_record_end(struct weft_print *p);

/* A list of objects as a field. Text: @text stands for all of it (NULL: left out). */
void weft_print_list_begin(struct weft_print *p, const char *key, const char *text);
void weft_print_list_end(struct weft_print *p);
void weft_print_item_begin(struct weft_print *p);
void weft_print_item_end(struct weft_print *p);

/* Fields that belong together, an object within one. Text: indented below @heading
 * in a block; NULL: as if they stood outside. */
void weft_print_group_begin(struct weft_print *p, const char *key, const char *heading);
void weft_print_group_end(struct weft_print *p);

/* Fields. What is NULL, empty or not set is "-" in tables, left out of blocks, and null. */
void weft_print_string(struct weft_print *p, const char *key, const char *value);
void weft_print_number(struct weft_print *p, const char *key, uint64_t value);
void weft_print_strings(struct weft_print *p, const char *key, const struct weft_strv *value);
/* The same where each is a sentence. Text, in a block: a line for each. */
void weft_print_sentences(struct weft_print *p, const char *key, const struct weft_strv *value);
void weft_print_networks(struct weft_print *p, const char *key, const struct weft_network *value,
			 size_t n);
void weft_print_addr(struct weft_print *p, const char *key, const struct weft_addr *value);
void weft_print_duration(struct weft_print *p, const char *key, uint64_t ms); /* JSON: KEY_ms */

#endif
