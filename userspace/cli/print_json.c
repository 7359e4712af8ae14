// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The form for programs. What is printed is built as a tree and written when its
 * outermost part ends: a record in one line, the rest indented. See print.h.
 */
#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "base/cleanup.h"
#include "cli/print_form.h"
#include "cli/printable.h"

#define DEPTH_MAX 8

struct json {
	FILE *out;
	cJSON *open[DEPTH_MAX]; /* each but the first belongs to the one before */
	unsigned int depth;
};

/* @item belongs to the innermost open part afterwards, also on failure. */
static int add(struct json *j, const char *key, cJSON *item)
{
	cJSON *parent = j->depth ? j->open[j->depth - 1] : NULL;
	cJSON_bool ok;

	if (!item || !parent) {
		cJSON_Delete(item);
		return item ? -EINVAL : -ENOMEM;
	}
	ok = cJSON_IsArray(parent) ? cJSON_AddItemToArray(parent, item)
				   : cJSON_AddItemToObject(parent, key, item);
	if (!ok)
		cJSON_Delete(item);
	return ok ? 0 : -ENOMEM;
}

static cJSON *new_string(const char *value)
{
	_cleanup_free_ char *safe = weft_printable(value, false);

	return safe ? cJSON_CreateString(safe) : NULL;
}

static int json_string(void *form, const char *key, const char *value)
{
	return add(form, key, value ? new_string(value) : cJSON_CreateNull());
}

/* Not cJSON_CreateNumber(): a double is exact to 2^53 only. */
static int json_number(void *form, const char *key, uint64_t value)
{
	char buf[24];

	snprintf(buf, sizeof(buf), "%" PRIu64, value);
	return add(form, key, cJSON_CreateRaw(buf));
}

static int json_strings(void *form, const char *key, const struct weft_strv *value)
{
	cJSON *array = cJSON_CreateArray(), *item;
	size_t i;

	for (i = 0; array && i < value->count; i++) {
		item = new_string(value->items[i]);
		if (!item || !cJSON_AddItemToArray(array, item)) {
			cJSON_Delete(item);
			cJSON_Delete(array);
			return -ENOMEM;
		}
	}
	return add(form, key, array);
}

static int json_duration(void *form, const char *key, uint64_t ms)
{
	char name[64];

	snprintf(name, sizeof(name), "%s_ms", key);
	return json_number(form, name, ms);
}

static int json_begin(void *form, enum weft_print_part part, const char *key, const char *text)
{
	bool array = part == WEFT_PRINT_TABLE || part == WEFT_PRINT_LIST;
	cJSON *item = array ? cJSON_CreateArray() : cJSON_CreateObject();
	struct json *j = form;
	int r;

	if (!item)
		return -ENOMEM;
	if (j->depth == DEPTH_MAX) {
		cJSON_Delete(item);
		return -EINVAL;
	}
	r = j->depth ? add(j, key, item) : 0;
	if (!r)
		j->open[j->depth++] = item;
	return r;
}

static int json_end(void *form, enum weft_print_part part)
{
	struct json *j = form;
	char *text;

	if (--j->depth)
		return 0;
	text = part == WEFT_PRINT_RECORD ? cJSON_PrintUnformatted(j->open[0])
					 : cJSON_Print(j->open[0]);
	cJSON_Delete(j->open[0]);
	if (!text)
		return -ENOMEM;
	fprintf(j->out, "%s\n", text);
	cJSON_free(text);
	return 0;
}

static void json_destroy(void *form)
{
	struct json *j = form;

	if (j->depth)
		cJSON_Delete(j->open[0]);
	free(j);
}

static const struct weft_print_form json_form = {
	.begin = json_begin,
	.end = json_end,
	.string = json_string,
	.number = json_number,
	.strings = json_strings,
	.sentences = json_strings,
	.duration = json_duration,
	.destroy = json_destroy,
};

const struct weft_print_form *weft_print_json(FILE *out, void **form)
{
	struct json *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->out = out;
	*form = j;
	return &json_form;
}
