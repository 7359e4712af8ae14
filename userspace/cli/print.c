// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Handing fields to the form that was chosen; the first failure sticks. See
 * print.h.
 */
#include "cli/print.h"

#include <errno.h>
#include <stdlib.h>
#include "base/cleanup.h"
#include "cli/print_form.h"

struct weft_print {
	FILE *out;
	const struct weft_print_form *ops;
	void *form;
	int error;
};

struct weft_print *weft_print_create(FILE *out, bool json)
{
	struct weft_print *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->out = out;
	p->ops = json ? weft_print_json(out, &p->form) : weft_print_text(out, &p->form);
	if (!p->ops) {
		free(p);
		return NULL;
	}
	return p;
}

int weft_print_finish(struct weft_print *p)
{
	int r;

	if (!p)
		return 0;
	r = p->error;
	errno = 0;
	if ((fflush(p->out) || ferror(p->out)) && !r)
		r = errno ? -errno : -EIO;
	p->ops->destroy(p->form);
	free(p);
	return r;
}

static void begin(struct weft_print *p, enum weft_print_part part, const char *key,
		  const char *text)
{
	if (!p->error)
		p->error = p->ops->begin(p->form, part, key, text);
}

static void end(struct weft_print *p, enum weft_print_part part)
{
	if (!p->error)
		p->error = p->ops->end(p->form, part);
}

void weft_print_table_begin(struct weft_print *p)
{
	begin(p, WEFT_PRINT_TABLE, NULL, NULL);
}

void weft_print_row_begin(struct weft_print *p)
{
	begin(p, WEFT_PRINT_ROW, NULL, NULL);
}

void weft_print_row_end(struct weft_print *p)
{
	end(p, WEFT_PRINT_ROW);
}

void weft_print_table_end(struct weft_print *p)
{
	end(p, WEFT_PRINT_TABLE);
}

void weft_print_block_begin(struct weft_print *p)
{
	begin(p, WEFT_PRINT_BLOCK, NULL, NULL);
}

void weft_print_block_end(struct weft_print *p)
{
	end(p, WEFT_PRINT_BLOCK);
}

void weft_print_record_begin(struct weft_print *p, const char *text)
{
	begin(p, WEFT_PRINT_RECORD, NULL, text);
}

void weft_print_record_end(struct weft_print *p)
{
	end(p, WEFT_PRINT_RECORD);
	if (!p->error && fflush(p->out))
		p->error = -errno;
}

void weft_print_list_begin(struct weft_print *p, const char *key, const char *text)
{
	begin(p, WEFT_PRINT_LIST, key, text);
}

void weft_print_list_end(struct weft_print *p)
{
	end(p, WEFT_PRINT_LIST);
}

void weft_print_item_begin(struct weft_print *p)
{
	begin(p, WEFT_PRINT_ITEM, NULL, NULL);
}

void weft_print_item_end(struct weft_print *p)
{
	end(p, WEFT_PRINT_ITEM);
}

void weft_print_group_begin(struct weft_print *p, const char *key, const char *heading)
{
	begin(p, WEFT_PRINT_GROUP, key, heading);
}

void weft_print_group_end(struct weft_print *p)
{
	end(p, WEFT_PRINT_GROUP);
}

int weft_print_error(const struct weft_print *p)
{
	return p->error;
}

void weft_print_string(struct weft_print *p, const char *key, const char *value)
{
	if (!p->error)
		p->error = p->ops->string(p->form, key, value && *value ? value : NULL);
}

void weft_print_number(struct weft_print *p, const char *key, uint64_t value)
{
	if (!p->error)
		p->error = p->ops->number(p->form, key, value);
}

void weft_print_strings(struct weft_print *p, const char *key, const struct weft_strv *value)
{
	if (!p->error)
		p->error = p->ops->strings(p->form, key, value);
}

void weft_print_sentences(struct weft_print *p, const char *key, const struct weft_strv *value)
{
	if (!p->error)
		p->error = p->ops->sentences(p->form, key, value);
}

void weft_print_networks(struct weft_print *p, const char *key, const struct weft_network *value,
			 size_t n)
{
	_cleanup_(weft_strv_uninit) struct weft_strv texts = { 0 };
	char buf[WEFT_ADDR_TEXT_MAX];

	for (size_t i = 0; i < n; i++)
		if (weft_strv_add(&texts, weft_network_format(&value[i], buf)) && !p->error)
			p->error = -ENOMEM;
	weft_print_strings(p, key, &texts);
}

void weft_print_addr(struct weft_print *p, const char *key, const struct weft_addr *value)
{
	char buf[WEFT_ADDR_TEXT_MAX];
	bool set = value->port || !weft_addr_is_any(value);

	weft_print_string(p, key, set ? weft_addr_format(value, buf) : NULL);
}

void weft_print_duration(struct weft_print *p, const char *key, uint64_t ms)
{
	if (!p->error)
		p->error = p->ops->duration(p->form, key, ms);
}
