// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading nodes into structs as a schema says, and the words for everything
 * that is wrong with them. The only file that writes error texts of fields.
 *
 * Recursion is bounded by the depth of the schema tables.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/addr.h"
#include "base/cleanup.h"
#include "base/number.h"
#include "conf/schema.h"
#include "conf/suggest.h"
#include "conf/text_stream.h"

#define VALUE_MAX 64 /* bytes of a value that an error repeats */

static int read_map(struct weft_schema_reader *r, const struct weft_schema *schema,
		    const struct weft_node *node, void *object);

/* ------------------------------------------------------------- errors */

static bool looks_like_number(const char *text)
{
	return *text && strspn(text, "+-.0123456789") == strlen(text);
}

/* The value of @node as an error repeats it: short and in quotes, unless a number. */
static const char *value_text(const struct weft_node *node, char buf[VALUE_MAX + 8])
{
	int n = VALUE_MAX;

	switch (node->kind) {
	case WEFT_NODE_NULL:
		return "nothing";
	case WEFT_NODE_LIST:
		return "a list";
	case WEFT_NODE_MAP:
		return node->n_items ? "a mapping" : "an empty mapping";
	case WEFT_NODE_SCALAR:
		break;
	}
	if (strlen(node->text) <= VALUE_MAX) {
		bool bare = node->plain && looks_like_number(node->text);

		snprintf(buf, VALUE_MAX + 8, bare ? "%s" : "\"%s\"", node->text);
		return buf;
	}
	while (((unsigned char)node->text[n] & 0xc0) == 0x80)
		n--; /* not in the middle of a UTF-8 sequence */
	snprintf(buf, VALUE_MAX + 8, "\"%.*s...\"", n, node->text);
	return buf;
}

/* FILE:LINE: KIND "NAME": PATH[BELOW]: VALUE: WHAT */
static int vfail(struct weft_schema_reader *r, const struct weft_mark *mark, const char *below,
		 const char *value, const char *fmt, va_list ap)
{
	_cleanup_free_ char *text = NULL;
	struct weft_text_stream s = { 0 };

	if (weft_text_stream_open(&s))
		return weft_error_nomem(r->err);
	fprintf(s.f, "%s:%u: ", mark->file, mark->line);
	if (r->kind)
		fputs(r->kind, s.f);
	if (r->kind && r->name)
		fprintf(s.f, " \"%.253s\"", r->name);
	if (r->kind)
		fputs(": ", s.f);
	/* the path of a field below the document itself begins without a dot */
	fprintf(s.f, "%s%s: ", r->path, !*r->path && *below == '.' ? below + 1 : below);
	if (*value)
		fprintf(s.f, "%s: ", value);
	vfprintf(s.f, fmt, ap);
	text = weft_text_stream_close(&s);
	return text ? weft_error_set(r->err, EINVAL, "%s", text) : weft_error_nomem(r->err);
}

static __attribute__((format(printf, 5, 6)))
int fail(struct weft_schema_reader *r, const struct weft_mark *mark, const char *below,
	 const char *value, const char *fmt, ...)
{
	va_list ap;
	int ret;

	va_start(ap, fmt);
	ret = vfail(r, mark, below, value, fmt, ap);
	va_end(ap);
	return ret;
}

int weft_schema_fail(struct weft_schema_reader *r, const struct weft_node *node,
		     const char *fmt, ...)
{
	char buf[VALUE_MAX + 8];
	va_list ap;
	int ret;

	va_start(ap, fmt);
	ret = vfail(r, &node->mark, "", value_text(node, buf), fmt, ap);
	va_end(ap);
	return ret;
}

int weft_schema_fail_at(struct weft_schema_reader *r, const struct weft_node *node,
			const char *below, const char *fmt, ...)
{
	char buf[VALUE_MAX + 8];
	va_list ap;
	int ret;

	va_start(ap, fmt);
	ret = vfail(r, &node->mark, below, value_text(node, buf), fmt, ap);
	va_end(ap);
	return ret;
}

static void print_fields(FILE *f, const struct weft_schema *schema, const char *last)
{
	const struct weft_field *field;

	for (field = schema->fields; field->name; field++)
		fprintf(f, "%s%s", field == schema->fields ? "" : field[1].name ? ", " : last,
			field->name);
}

static void print_choices(FILE *f, const struct weft_field *field)
{
	const char *const *c, *const *first = field->choices;

	while (!**first)
		first++;
	for (c = first; *c; c++)
		fprintf(f, "%s%s", c == first ? "" : c[1] ? ", " : " or ", *c);
}

/* Completes "must be" and "each". */
static void print_what(FILE *f, const struct weft_field *field)
{
	char min[WEFT_DURATION_TEXT_MAX], max[WEFT_DURATION_TEXT_MAX];

	switch (field->type) {
	case WEFT_FIELD_CONST:
	case WEFT_FIELD_STRING:
	case WEFT_FIELD_ADDRESS:
	case WEFT_FIELD_NETWORK:
		fputs(field->what, f);
		break;
	case WEFT_FIELD_NUMBER:
		fprintf(f, "%llu to %llu", (unsigned long long)field->min,
			(unsigned long long)field->max);
		break;
	case WEFT_FIELD_CHOICE:
		print_choices(f, field);
		break;
	case WEFT_FIELD_DURATION:
		fprintf(f, "a duration from %s to %s, such as 500ms or 2s",
			weft_duration_format(field->min, min),
			weft_duration_format(field->max, max));
		break;
	case WEFT_FIELD_OBJECT:
		fputs("a mapping of ", f);
		print_fields(f, field->schema, " and ");
		break;
	}
}

/* @item: of one item, where the field is a list. */
static void print_must(FILE *f, const struct weft_field *field, bool item)
{
	fputs("must be ", f);
	if (field->list && !item && field->min_items)
		fprintf(f, "a list of %u to %u items, each ", field->min_items, field->max_items);
	else if (field->list && !item)
		fprintf(f, "a list of at most %u items, each ", field->max_items);
	print_what(f, field);
}

/* Also for fields that are not there: @value "missing", @below its name. */
static int fail_must(struct weft_schema_reader *r, const struct weft_mark *mark,
		     const char *below, const char *value, const struct weft_field *field,
		     bool item, const char *more)
{
	_cleanup_free_ char *must = NULL;
	struct weft_text_stream s = { 0 };

	if (weft_text_stream_open(&s))
		return weft_error_nomem(r->err);
	print_must(s.f, field, item);
	fputs(more, s.f);
	must = weft_text_stream_close(&s);
	if (!must)
		return weft_error_nomem(r->err);
	return fail(r, mark, below, value, "%s", must);
}

static int fail_value(struct weft_schema_reader *r, const struct weft_node *node,
		      const struct weft_field *field, const char *more)
{
	char buf[VALUE_MAX + 8];

	return fail_must(r, &node->mark, "", value_text(node, buf), field, true, more);
}

static int fail_unknown(struct weft_schema_reader *r, const struct weft_node *node,
			const struct weft_schema *schema)
{
	struct weft_text_stream allowed = { 0 };
	_cleanup_free_ char *text = NULL;
	const struct weft_field *field;
	struct weft_suggest s;
	char below[VALUE_MAX + 2];

	weft_suggest_init(&s, node->key);
	for (field = schema->fields; field->name; field++)
		weft_suggest_try(&s, field->name);
	if (weft_text_stream_open(&allowed))
		return weft_error_nomem(r->err);
	print_fields(allowed.f, schema, ", ");
	text = weft_text_stream_close(&allowed);
	if (!text)
		return weft_error_nomem(r->err);
	snprintf(below, sizeof(below), ".%s", node->key);
	return fail(r, &node->key_mark, below, "", "unknown field%s%s%s; allowed here: %s",
		    s.best ? " (did you mean \"" : "", s.best ? s.best : "",
		    s.best ? "\"?)" : "", text);
}

/* -------------------------------------------------------------- paths */

static size_t path_push(struct weft_schema_reader *r, const char *name)
{
	size_t len = strlen(r->path);

	snprintf(r->path + len, sizeof(r->path) - len, "%s%s", len ? "." : "", name);
	return len;
}

static size_t path_push_index(struct weft_schema_reader *r, unsigned int i)
{
	size_t len = strlen(r->path);

	snprintf(r->path + len, sizeof(r->path) - len, "[%u]", i);
	return len;
}

static void path_pop(struct weft_schema_reader *r, size_t len)
{
	r->path[len] = '\0';
}

/* ------------------------------------------------------------- values */

/* Numbers and enums lie in members of two or four bytes. */
static void store_number(const struct weft_field *field, void *value, uint64_t number)
{
	uint16_t n16 = number;
	uint32_t n32 = number;

	if (field->size == sizeof(n16))
		memcpy(value, &n16, sizeof(n16));
	else
		memcpy(value, &n32, sizeof(n32));
}

static int read_const(struct weft_schema_reader *r, const struct weft_field *field,
		      const struct weft_node *node)
{
	if (strcmp(node->text, field->what))
		return fail_value(r, node, field, "");
	return 0;
}

static int read_string(struct weft_schema_reader *r, const struct weft_field *field,
		       const struct weft_node *node, void *value)
{
	char *text = NULL;
	int ret;

	ret = field->convert(r, node, &text);
	if (!ret)
		memcpy(value, &text, sizeof(text));
	return ret;
}

static int read_number(struct weft_schema_reader *r, const struct weft_field *field,
		       const struct weft_node *node, void *value)
{
	const char *text = node->text;
	uint64_t number;

	/* YAML 1.1 calls 010 eight, 1.2 ten: nobody gets to guess */
	if (text[0] == '0' && looks_like_number(text + 1))
		return fail_value(r, node, field, ", without a leading 0");
	if (weft_number_parse(text, field->min, field->max, &number))
		return fail_value(r, node, field, "");
	if (!node->plain)
		return fail_value(r, node, field, ", without quotes");
	store_number(field, value, number);
	return 0;
}

static int read_choice(struct weft_schema_reader *r, const struct weft_field *field,
		       const struct weft_node *node, void *value)
{
	for (unsigned int i = 0; field->choices[i]; i++) {
		if (!*field->choices[i] || strcasecmp(field->choices[i], node->text))
			continue;
		store_number(field, value, i);
		return 0;
	}
	return fail_value(r, node, field, "");
}

static int read_duration(struct weft_schema_reader *r, const struct weft_field *field,
			 const struct weft_node *node, void *value)
{
	uint64_t ms;

	if (weft_duration_parse(node->text, &ms) || ms < field->min || ms > field->max)
		return fail_value(r, node, field, "");
	store_number(field, value, ms);
	return 0;
}

static int read_address(struct weft_schema_reader *r, const struct weft_field *field,
			const struct weft_node *node, void *value)
{
	struct weft_addr addr;

	if (weft_addr_parse_ip(&addr, node->text))
		return fail_value(r, node, field, "");
	memcpy(value, addr.ip, sizeof(addr.ip)); /* the port is another field's */
	return field->check ? field->check(r, node, value) : 0;
}

static int read_network(struct weft_schema_reader *r, const struct weft_field *field,
			const struct weft_node *node, void *value)
{
	struct weft_network net;
	int ret = weft_network_parse(&net, node->text);

	if (ret)
		return fail_value(r, node, field,
				  ret == -EDOM ? ", with zeros behind its prefix" : "");
	memcpy(value, &net, sizeof(net));
	return 0;
}

/* One value; @value is the member or the item, for an OBJECT the struct. */
static int read_value(struct weft_schema_reader *r, const struct weft_field *field,
		      const struct weft_node *node, void *value)
{
	bool map = field->type == WEFT_FIELD_OBJECT;

	if (node->kind != (map ? WEFT_NODE_MAP : WEFT_NODE_SCALAR))
		return fail_value(r, node, field, "");
	switch (field->type) {
	case WEFT_FIELD_CONST:
		return read_const(r, field, node);
	case WEFT_FIELD_STRING:
		return read_string(r, field, node, value);
	case WEFT_FIELD_NUMBER:
		return read_number(r, field, node, value);
	case WEFT_FIELD_CHOICE:
		return read_choice(r, field, node, value);
	case WEFT_FIELD_DURATION:
		return read_duration(r, field, node, value);
	case WEFT_FIELD_ADDRESS:
		return read_address(r, field, node, value);
	case WEFT_FIELD_NETWORK:
		return read_network(r, field, node, value);
	case WEFT_FIELD_OBJECT:
		return read_map(r, field->schema, node, value);
	}
	return -EINVAL;
}

/* -------------------------------------------------------------- lists */

/* No two items may say the same; the later one is the error. */
static int check_twins(struct weft_schema_reader *r, const struct weft_field *field,
		       const struct weft_node *node, const void *object)
{
	struct weft_item_text *texts;
	int ret = 0;

	texts = weft_item_texts(field, object);
	if (!texts)
		return weft_error_nomem(r->err);
	for (size_t i = 1; i < node->n_items && !ret; i++) {
		const struct weft_node *first = &node->items[texts[i - 1].index];
		const struct weft_node *second = &node->items[texts[i].index];
		char below[16];

		if (strcmp(texts[i - 1].text, texts[i].text))
			continue;
		snprintf(below, sizeof(below), "[%zu]", texts[i].index);
		ret = fail(r, &second->mark, below, "",
			   "%.*s: stands in the list twice, first in line %u", VALUE_MAX,
			   texts[i].text, first->mark.line);
	}
	weft_item_texts_free(texts, node->n_items);
	return ret;
}

static int read_items(struct weft_schema_reader *r, const struct weft_field *field,
		      const struct weft_node *node, char *items)
{
	for (unsigned int i = 0; i < node->n_items; i++) {
		size_t len = path_push_index(r, i);
		int ret = read_value(r, field, &node->items[i], items + i * field->size);

		path_pop(r, len);
		if (ret)
			return ret;
	}
	return 0;
}

static int read_list(struct weft_schema_reader *r, const struct weft_field *field,
		     const struct weft_node *node, void *object)
{
	size_t n = node->n_items;
	char buf[VALUE_MAX + 8];
	void *items;
	int ret;

	if (node->kind != WEFT_NODE_LIST)
		return fail_must(r, &node->mark, "", value_text(node, buf), field, false, "");
	if (n < field->min_items || n > field->max_items) {
		snprintf(buf, sizeof(buf), "%zu items", n);
		return fail_must(r, &node->mark, "", n ? buf : "an empty list", field, false, "");
	}
	if (!n)
		return 0;
	items = calloc(n, field->size);
	if (!items)
		return weft_error_nomem(r->err);
	memcpy((char *)object + field->offset, &items, sizeof(items));
	memcpy((char *)object + field->count_offset, &n, sizeof(n));
	ret = read_items(r, field, node, items);
	return ret ? ret : check_twins(r, field, node, object);
}

/* ----------------------------------------------------------- mappings */

static int read_field(struct weft_schema_reader *r, const struct weft_field *field,
		      const struct weft_node *node, void *object)
{
	bool given = true;

	if (field->list)
		return read_list(r, field, node, object);
	if (field->has_set)
		memcpy((char *)object + field->set_offset, &given, sizeof(given));
	if (field->type == WEFT_FIELD_OBJECT)
		return read_value(r, field, node, object);
	return read_value(r, field, node, (char *)object + field->offset);
}

static void store_fallbacks(const struct weft_schema *schema, void *object)
{
	const struct weft_field *field;

	for (field = schema->fields; field->name; field++)
		if (field->fallback && !field->list)
			store_number(field, (char *)object + field->offset, field->fallback);
}

static const struct weft_field *find_field(const struct weft_schema *schema, const char *name)
{
	const struct weft_field *field;

	for (field = schema->fields; field->name; field++)
		if (!strcmp(field->name, name))
			return field;
	return NULL;
}

static int check_required(struct weft_schema_reader *r, const struct weft_schema *schema,
			  const struct weft_node *node)
{
	const struct weft_field *field;
	char below[VALUE_MAX];

	for (field = schema->fields; field->name; field++) {
		if (!field->required || weft_node_find(node, field->name))
			continue;
		snprintf(below, sizeof(below), ".%s", field->name);
		return fail_must(r, node->key ? &node->key_mark : &node->mark, below, "missing",
				 field, false, "");
	}
	return 0;
}

static int read_map(struct weft_schema_reader *r, const struct weft_schema *schema,
		    const struct weft_node *node, void *object)
{
	int ret;

	store_fallbacks(schema, object);
	for (unsigned int i = 0; i < node->n_items; i++) {
		const struct weft_node *item = &node->items[i];
		const struct weft_field *field = find_field(schema, item->key);
		size_t len;

		if (!field)
			return fail_unknown(r, item, schema);
		len = path_push(r, field->name);
		ret = read_field(r, field, item, object);
		path_pop(r, len);
		if (ret)
			return ret;
	}
	ret = check_required(r, schema, node);
	if (!ret && schema->check)
		ret = schema->check(r, node, object);
	return ret;
}

int weft_schema_read_field(struct weft_schema_reader *r, const struct weft_field *field,
			   const struct weft_node *map, void *object)
{
	const struct weft_node *node = weft_node_find(map, field->name);
	char below[VALUE_MAX];

	r->path[0] = '\0';
	if (node) {
		path_push(r, field->name);
		return read_field(r, field, node, object);
	}
	snprintf(below, sizeof(below), ".%s", field->name);
	return field->required ? fail_must(r, &map->mark, below, "missing", field, false, "") : 0;
}

int weft_schema_read(struct weft_schema_reader *r, const struct weft_schema *schema,
		     const struct weft_node *node, void *object)
{
	r->path[0] = '\0';
	return read_map(r, schema, node, object);
}
