// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The form for people. Tables are kept until they are complete, for the widths
 * of their columns; so are blocks, for the width of their labels. See print.h.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "base/cleanup.h"
#include "base/number.h"
#include "cli/print_form.h"
#include "cli/printable.h"

struct text {
	FILE *out;
	enum weft_print_part part;
	unsigned int depth;	/* in lists: fields there are not shown */
	struct weft_strv heads; /* headings or labels */
	struct weft_strv cells; /* row by row; a block's values */
	bool first_row;
	bool indented; /* below the heading of a group */
};

/* "HOW-MANY" over a column, "how many" before a value. */
static char *heading(const char *key, bool table, bool indented)
{
	char *head, *p;

	if (asprintf(&head, "%s%s", indented ? "  " : "", key) < 0)
		return NULL;
	for (p = head; *p; p++)
		*p = *p == '_' ? (table ? '-' : ' ') : table ? toupper(*p) : *p;
	return head;
}

static int put(struct text *t, const char *key, const char *value)
{
	bool table = t->part == WEFT_PRINT_ROW;
	int r;

	if (t->depth || t->part == WEFT_PRINT_RECORD || (!table && !value))
		return 0;
	if (!table || t->first_row) {
		r = weft_strv_take(&t->heads, heading(key, table, t->indented));
		if (r)
			return r;
	}
	return weft_strv_take(&t->cells, weft_printable(value ? value : "-", table));
}

static int text_string(void *form, const char *key, const char *value)
{
	return put(form, key, value);
}

static int text_number(void *form, const char *key, uint64_t value)
{
	char buf[24];

	snprintf(buf, sizeof(buf), "%" PRIu64, value);
	return put(form, key, buf);
}

static int text_strings(void *form, const char *key, const struct weft_strv *value)
{
	_cleanup_free_ char *joined = NULL;

	if (!value->count)
		return put(form, key, NULL);
	joined = weft_strv_join(value, ",");
	return joined ? put(form, key, joined) : -ENOMEM;
}

static int text_sentences(void *form, const char *key, const struct weft_strv *value)
{
	int r = 0;

	for (size_t i = 0; !r && i < value->count; i++)
		r = put(form, key, value->items[i]);
	return r;
}

static int text_duration(void *form, const char *key, uint64_t ms)
{
	char buf[WEFT_DURATION_TEXT_MAX];

	return put(form, key, weft_duration_format(ms, buf));
}

static void pad(FILE *out, const char *s, size_t width)
{
	fprintf(out, "%s%*s", s, (int)(width - weft_printable_width(s)), "");
}

static size_t column_width(const struct text *t, size_t column)
{
	size_t width = weft_printable_width(t->heads.items[column]), w, i;

	for (i = column; i < t->cells.count; i += t->heads.count) {
		w = weft_printable_width(t->cells.items[i]);
		if (w > width)
			width = w;
	}
	return width;
}

static void print_row(const struct text *t, char **cells, const size_t *widths)
{
	size_t i, last = t->heads.count - 1;

	for (i = 0; i < last; i++)
		pad(t->out, cells[i], widths[i] + 2);
	fprintf(t->out, "%s\n", cells[last]);
}

static int print_table(struct text *t)
{
	_cleanup_free_ size_t *widths = NULL;
	size_t i;

	if (!t->cells.count)
		return 0;
	widths = calloc(t->heads.count, sizeof(*widths));
	if (!widths)
		return -ENOMEM;
	for (i = 0; i < t->heads.count; i++)
		widths[i] = column_width(t, i);
	print_row(t, t->heads.items, widths);
	for (i = 0; i < t->cells.count; i += t->heads.count)
		print_row(t, t->cells.items + i, widths);
	return 0;
}

/* One field; the lines of a longer value stand under each other. */
static int print_field(const struct text *t, const char *label, char *value, size_t width)
{
	char *line, *rest = value;
	bool first = true;

	while ((line = strsep(&rest, "\n"))) {
		_cleanup_free_ char *safe = weft_printable(line, true);

		if (!safe)
			return -ENOMEM;
		if (first && !*safe)
			fprintf(t->out, "%s:\n", label);
		else if (first)
			fprintf(t->out, "%s:%*s%s\n", label,
				(int)(width - weft_printable_width(label) + 2), "", safe);
		else
			fprintf(t->out, "%*s%s\n", (int)width + 3, "", safe);
		first = false;
	}
	return 0;
}

static int print_block(struct text *t)
{
	size_t width = 0, i, w;
	int r;

	for (i = 0; i < t->heads.count; i++) {
		w = weft_printable_width(t->heads.items[i]);
		if (w > width)
			width = w;
	}
	for (i = 0; i < t->cells.count; i++) {
		r = print_field(t, t->heads.items[i], t->cells.items[i], width);
		if (r)
			return r;
	}
	return 0;
}

static int text_begin(void *form, enum weft_print_part part, const char *key, const char *text)
{
	_cleanup_free_ char *safe = NULL;
	struct text *t = form;
	int r = 0;

	if (part == WEFT_PRINT_ITEM || (part == WEFT_PRINT_GROUP && !text))
		return 0;
	if (part == WEFT_PRINT_GROUP) {
		r = put(t, text, "");
		t->indented = true;
		return r;
	}
	if (part == WEFT_PRINT_LIST) {
		r = put(t, key, text);
		t->depth++;
		return r;
	}
	if (part == WEFT_PRINT_RECORD) {
		safe = weft_printable(text, true);
		if (!safe)
			return -ENOMEM;
		fprintf(t->out, "%s\n", safe);
	}
	if (part == WEFT_PRINT_ROW)
		t->first_row = !t->cells.count;
	t->part = part;
	return 0;
}

static int text_end(void *form, enum weft_print_part part)
{
	struct text *t = form;
	int r = 0;

	if (part == WEFT_PRINT_LIST)
		t->depth--;
	if (part == WEFT_PRINT_GROUP)
		t->indented = false;
	if (part == WEFT_PRINT_TABLE)
		r = print_table(t);
	if (part == WEFT_PRINT_BLOCK)
		r = print_block(t);
	if (part == WEFT_PRINT_TABLE || part == WEFT_PRINT_BLOCK) {
		weft_strv_uninit(&t->heads);
		weft_strv_uninit(&t->cells);
	}
	return r;
}

static void text_destroy(void *form)
{
	struct text *t = form;

	weft_strv_uninit(&t->heads);
	weft_strv_uninit(&t->cells);
	free(t);
}

static const struct weft_print_form text_form = {
	.begin = text_begin,
	.end = text_end,
	.string = text_string,
	.number = text_number,
	.strings = text_strings,
	.sentences = text_sentences,
	.duration = text_duration,
	.destroy = text_destroy,
};

const struct weft_print_form *weft_print_text(FILE *out, void **form)
{
	struct text *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->out = out;
	*form = t;
	return &text_form;
}
