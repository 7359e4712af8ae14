// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Lists of strings. See strv.h.
 */
#include "base/strv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/array.h"

void weft_strv_uninit(struct weft_strv *list)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct weft_strv){ 0 };
}

int weft_strv_take(struct weft_strv *list, char *s)
{
	char **slot = s ? WEFT_ARRAY_APPEND(list->items, list->count) : NULL;

	if (!slot) {
		free(s);
		return -ENOMEM;
	}
	*slot = s;
	return 0;
}

int weft_strv_add(struct weft_strv *list, const char *s)
{
	return weft_strv_take(list, strdup(s));
}

int weft_strv_copy(struct weft_strv *to, const struct weft_strv *from)
{
	struct weft_strv out = { 0 };
	size_t i;

	for (i = 0; i < from->count; i++) {
		if (weft_strv_add(&out, from->items[i])) {
			weft_strv_uninit(&out);
			return -ENOMEM;
		}
	}
	*to = out;
	return 0;
}

bool weft_strv_contains(const struct weft_strv *list, const char *s)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		if (!strcmp(list->items[i], s))
			return true;
	return false;
}

bool weft_strv_equal(const struct weft_strv *a, const struct weft_strv *b)
{
	size_t i;

	if (a->count != b->count)
		return false;
	for (i = 0; i < a->count; i++)
		if (strcmp(a->items[i], b->items[i]))
			return false;
	return true;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void weft_strv_sort(struct weft_strv *list)
{
	if (list->count)
		qsort(list->items, list->count, sizeof(*list->items), compare);
}

char *weft_strv_join(const struct weft_strv *list, const char *separator)
{
	size_t i, len = 1, gap = strlen(separator);
	char *text, *p;

	for (i = 0; i < list->count; i++)
		len += strlen(list->items[i]) + gap;
	p = text = malloc(len);
	if (!text)
		return NULL;
	*p = '\0';
	for (i = 0; i < list->count; i++) {
		if (i)
			p = stpcpy(p, separator);
		p = stpcpy(p, list->items[i]);
	}
	return text;
}
