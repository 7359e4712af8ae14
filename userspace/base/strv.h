/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A list of strings that owns them. Not shared between threads.
 */
#ifndef WEFT_BASE_STRV_H
#define WEFT_BASE_STRV_H

#include <stdbool.h>
#include <stddef.h>

/* Initialise with { 0 }: the empty list. */
struct weft_strv {
	char **items;
	size_t count;
};

/* Frees everything and leaves an empty list. */
void weft_strv_uninit(struct weft_strv *list);

/* Append a copy of @s. Return: 0, -ENOMEM (list as before). */
int weft_strv_add(struct weft_strv *list, const char *s);

/* Append @s itself, which the list owns then, also on failure. Return: 0, -ENOMEM. */
int weft_strv_take(struct weft_strv *list, char *s);

/* @to must be uninitialised or empty. Return: 0, -ENOMEM (@to is empty). */
int weft_strv_copy(struct weft_strv *to, const struct weft_strv *from);

bool weft_strv_contains(const struct weft_strv *list, const char *s);
bool weft_strv_equal(const struct weft_strv *a, const struct weft_strv *b);
void weft_strv_sort(struct weft_strv *list); /* strcmp() order */

/* "a, b, c" for @separator ", ", the caller's to free; NULL: out of memory. */
char *weft_strv_join(const struct weft_strv *list, const char *separator);

#endif
