// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Values as text, through the schema tables: one text for one value, whatever
 * way it was written, so that texts can be compared and shown. Used to find
 * twins in lists (schema.c) and differences (diff.c).
 *
 * Pure; any thread.
 */
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/number.h"
#include "conf/schema.h"
#include "conf/text_stream.h"

const void *weft_field_member(const struct weft_field *field, const void *object)
{
	return (const char *)object + field->offset;
}

size_t weft_field_count(const struct weft_field *field, const void *object)
{
	size_t n;

	memcpy(&n, (const char *)object + field->count_offset, sizeof(n));
	return n;
}

const void *weft_field_item(const struct weft_field *field, const void *object, size_t i)
{
	const char *items;

	memcpy(&items, weft_field_member(field, object), sizeof(items));
	return items + i * field->size;
}

uint64_t weft_field_number(const struct weft_field *field, const void *value)
{
	uint16_t n16;
	uint32_t n32;

	if (field->size == sizeof(n16)) {
		memcpy(&n16, value, sizeof(n16));
		return n16;
	}
	memcpy(&n32, value, sizeof(n32));
	return n32;
}

static const char *string_of(const void *value)
{
	const char *text;

	memcpy(&text, value, sizeof(text));
	return text;
}

static bool is_unset(const struct weft_field *field, const void *value)
{
	return field->type == WEFT_FIELD_STRING ? !string_of(value) :
						  !weft_field_number(field, value);
}

void weft_schema_print_value(FILE *f, const struct weft_field *field, const void *value)
{
	char buf[WEFT_ADDR_TEXT_MAX > WEFT_DURATION_TEXT_MAX ? WEFT_ADDR_TEXT_MAX :
							       WEFT_DURATION_TEXT_MAX];

	if (field->unset && is_unset(field, value)) {
		fputs(field->unset, f);
		return;
	}
	switch (field->type) {
	case WEFT_FIELD_CONST:
	case WEFT_FIELD_OBJECT:
		break;
	case WEFT_FIELD_STRING:
		fputs(string_of(value) ? string_of(value) : "(none)", f);
		break;
	case WEFT_FIELD_NUMBER:
		fprintf(f, "%llu", (unsigned long long)weft_field_number(field, value));
		break;
	case WEFT_FIELD_CHOICE:
		fputs(field->choices[weft_field_number(field, value)], f);
		break;
	case WEFT_FIELD_DURATION:
		fputs(weft_duration_format(weft_field_number(field, value), buf), f);
		break;
	case WEFT_FIELD_ADDRESS:
		fputs(weft_addr_format_ip(value, buf), f);
		break;
	case WEFT_FIELD_NETWORK:
		fputs(weft_network_format(value, buf), f);
		break;
	}
}

int weft_schema_print_item(FILE *f, const struct weft_field *field, const void *item)
{
	if (field->type == WEFT_FIELD_OBJECT && field->schema->print_key)
		return field->schema->print_key(f, item);
	if (field->type == WEFT_FIELD_OBJECT)
		weft_schema_print_object(f, field->schema, item);
	else
		weft_schema_print_value(f, field, item);
	return 0;
}

static bool is_set(const struct weft_field *field, const void *object)
{
	const void *value = weft_field_member(field, object);
	bool given;

	if (field->has_set) {
		memcpy(&given, (const char *)object + field->set_offset, sizeof(given));
		return given;
	}
	if (field->type == WEFT_FIELD_STRING)
		return string_of(value);
	return weft_field_number(field, value) != field->fallback;
}

void weft_schema_print_object(FILE *f, const struct weft_schema *schema, const void *object)
{
	const struct weft_field *field;
	const char *separator = "";

	for (field = schema->fields; field->name; field++) {
		if (!is_set(field, object))
			continue;
		fprintf(f, "%s%s ", separator, field->name);
		weft_schema_print_value(f, field, weft_field_member(field, object));
		separator = ", ";
	}
}

static char *item_text(const struct weft_field *field, const void *item)
{
	struct weft_text_stream s = { 0 };
	char *text;
	int ret;

	if (weft_text_stream_open(&s))
		return NULL;
	ret = weft_schema_print_item(s.f, field, item);
	text = weft_text_stream_close(&s);
	if (ret) {
		free(text);
		text = NULL;
	}
	return text;
}

static int compare_texts(const void *va, const void *vb)
{
	const struct weft_item_text *a = va, *b = vb;
	int order = strcmp(a->text, b->text);

	return order ? order : (a->index > b->index) - (a->index < b->index);
}

struct weft_item_text *weft_item_texts(const struct weft_field *field, const void *object)
{
	size_t n = weft_field_count(field, object);
	struct weft_item_text *texts;

	texts = calloc(n ? n : 1, sizeof(*texts));
	if (!texts)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		texts[i].index = i;
		texts[i].text = item_text(field, weft_field_item(field, object, i));
		if (!texts[i].text) {
			weft_item_texts_free(texts, i);
			return NULL;
		}
	}
	qsort(texts, n, sizeof(*texts), compare_texts);
	return texts;
}

void weft_item_texts_free(struct weft_item_text *texts, size_t n)
{
	for (size_t i = 0; texts && i < n; i++)
		free(texts[i].text);
	free(texts);
}
