// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading YAML and JSON into a tree of nodes, with libyaml's event interface:
 * its document interface expands aliases and forgets where keys stand.
 *
 * The text may come from anybody: depth, number of nodes and of keys are
 * bounded, aliases refused. Recursion is as deep as WEFT_NODE_DEPTH_MAX.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "conf/node.h"

#define NO_ANCHORS "anchors and aliases are not supported; write the value out"

struct reader {
	yaml_parser_t parser;
	const char *file;
	const char *text;
	size_t len;
	unsigned int depth;
	unsigned int nodes;
	struct weft_error *err;
};

static int read_value(struct reader *r, const yaml_event_t *ev, struct weft_node *node);

static __attribute__((format(printf, 4, 5)))
int fail(struct reader *r, unsigned int line, int error, const char *fmt, ...)
{
	char what[384];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return weft_error_set(r->err, error, "%s:%u: %s", r->file, line, what);
}

static unsigned int line_of(const yaml_mark_t *mark)
{
	return mark->line + 1;
}

static unsigned int line_at(const struct reader *r, size_t offset)
{
	unsigned int line = 1;

	for (size_t i = 0; i < offset && i < r->len; i++)
		line += r->text[i] == '\n';
	return line;
}

/*
 * Length of the UTF-8 sequence at @p, 0: none (RFC 3629, section 4: no overlong
 * forms, no surrogates, nothing above U+10FFFF).
 */
static size_t utf8_len(const unsigned char *p, size_t left)
{
	static const struct {
		unsigned char first, last, min, max, len;
	} forms[] = {
		{ 0x00, 0x7f, 0x00, 0x00, 1 }, { 0xc2, 0xdf, 0x80, 0xbf, 2 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};
	size_t f = 0;

	while (f < sizeof(forms) / sizeof(forms[0]) &&
	       (*p < forms[f].first || *p > forms[f].last))
		f++;
	if (f == sizeof(forms) / sizeof(forms[0]) || forms[f].len > left)
		return 0;
	for (size_t i = 1; i < forms[f].len; i++)
		if (p[i] < (i == 1 ? forms[f].min : 0x80) || p[i] > (i == 1 ? forms[f].max : 0xbf))
			return 0;
	return forms[f].len;
}

/* libyaml would say so too, but not where. */
static int check_utf8(struct reader *r)
{
	size_t i = 0, n;

	while (i < r->len) {
		n = utf8_len((const unsigned char *)r->text + i, r->len - i);
		if (!n)
			return fail(r, line_at(r, i), EINVAL,
				    "byte 0x%02x is not UTF-8; save the file in UTF-8",
				    (unsigned char)r->text[i]);
		i += n;
	}
	return 0;
}

/* Does the indentation of this line have a tab? Files of old are full of them. */
static bool tab_indented(const struct reader *r, unsigned int line)
{
	size_t i = 0;

	while (--line && i < r->len) {
		while (i < r->len && r->text[i] != '\n')
			i++;
		i++;
	}
	while (i < r->len && r->text[i] == ' ')
		i++;
	return i < r->len && r->text[i] == '\t';
}

static int syntax_error(struct reader *r)
{
	const yaml_parser_t *p = &r->parser;
	const char *context = p->context ? p->context : "";
	const char *problem = p->problem ? p->problem : "not valid YAML";

	switch (p->error) {
	case YAML_MEMORY_ERROR:
		return weft_error_nomem(r->err);
	case YAML_READER_ERROR:
		return fail(r, line_at(r, p->problem_offset), EINVAL,
			    "not valid YAML: %s (0x%02x)", problem, p->problem_value);
	default:
		return fail(r, line_of(&p->problem_mark), EINVAL, "not valid YAML: %s%s%s%s",
			    context, *context ? ": " : "", problem,
			    tab_indented(r, line_of(&p->problem_mark)) ?
			    "; indent with spaces, not tabs" : "");
	}
}

static int next_event(struct reader *r, yaml_event_t *ev)
{
	if (!yaml_parser_parse(&r->parser, ev))
		return syntax_error(r);
	return 0;
}

static struct weft_mark mark_of(const struct reader *r, const yaml_mark_t *mark)
{
	return (struct weft_mark){ r->file, line_of(mark), mark->column + 1 };
}

/* What is legal YAML and refused here, of every node. */
static int check_properties(struct reader *r, const yaml_event_t *ev, const yaml_char_t *anchor,
			    const yaml_char_t *tag)
{
	unsigned int line = line_of(&ev->start_mark);

	if (anchor)
		return fail(r, line, EINVAL,
			    "anchor &%.64s: " NO_ANCHORS, anchor);
	if (tag)
		return fail(r, line, EINVAL,
			    "tag %.64s: tags are not supported; leave it out", tag);
	if (++r->nodes > WEFT_NODE_COUNT_MAX)
		return fail(r, line, E2BIG, "more than %u values in one file; use several files",
			    WEFT_NODE_COUNT_MAX);
	return 0;
}

static int check_text(struct reader *r, const yaml_event_t *ev)
{
	const yaml_char_t *text = ev->data.scalar.value;

	for (size_t i = 0; i < ev->data.scalar.length; i++)
		if (text[i] < 0x20 || text[i] == 0x7f)
			return fail(r, line_of(&ev->start_mark), EINVAL,
				    "a line break or control character (0x%02x) inside a value",
				    text[i]);
	return 0;
}

static bool is_null(const yaml_event_t *ev)
{
	static const char *const words[] = { "", "~", "null", "Null", "NULL" };

	if (ev->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp((const char *)ev->data.scalar.value, words[i]))
			return true;
	return false;
}

static int read_scalar(struct reader *r, const yaml_event_t *ev, struct weft_node *node)
{
	int ret;

	ret = check_properties(r, ev, ev->data.scalar.anchor, ev->data.scalar.tag);
	if (!ret)
		ret = check_text(r, ev);
	if (ret)
		return ret;
	if (is_null(ev)) {
		node->kind = WEFT_NODE_NULL;
		return 0;
	}
	node->kind = WEFT_NODE_SCALAR;
	node->plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	node->text = strdup((const char *)ev->data.scalar.value);
	return node->text ? 0 : weft_error_nomem(r->err);
}

/* A new last child of @node, zeroed. Room is for the next power of two. */
static struct weft_node *append(struct weft_node *node)
{
	unsigned int n = node->n_items;

	if (!(n & (n - 1))) {
		struct weft_node *items;

		items = reallocarray(node->items, n ? 2 * (size_t)n : 1, sizeof(*items));
		if (!items)
			return NULL;
		node->items = items;
	}
	memset(&node->items[n], 0, sizeof(*node->items));
	node->n_items++;
	return &node->items[n];
}

static int read_list(struct reader *r, struct weft_node *node)
{
	struct weft_node *item;
	yaml_event_t ev;
	int ret;

	for (;;) {
		ret = next_event(r, &ev);
		if (ret)
			return ret;
		if (ev.type == YAML_SEQUENCE_END_EVENT) {
			yaml_event_delete(&ev);
			return 0;
		}
		item = append(node);
		ret = item ? read_value(r, &ev, item) : weft_error_nomem(r->err);
		yaml_event_delete(&ev);
		if (ret)
			return ret;
	}
}

static int check_key(struct reader *r, const yaml_event_t *ev, const struct weft_node *map)
{
	unsigned int line = line_of(&ev->start_mark);
	const struct weft_node *twin;
	const char *key;
	int ret;

	if (ev->type != YAML_SCALAR_EVENT)
		return fail(r, line, EINVAL, "a key must be plain text");
	key = (const char *)ev->data.scalar.value;
	ret = check_properties(r, ev, ev->data.scalar.anchor, ev->data.scalar.tag);
	if (!ret)
		ret = check_text(r, ev);
	if (ret)
		return ret;
	twin = weft_node_find(map, key);
	if (twin)
		return fail(r, line, EINVAL,
			    "key \"%.64s\" stands twice in one mapping, first in line %u", key,
			    twin->key_mark.line);
	if (map->n_items >= WEFT_NODE_KEYS_MAX)
		return fail(r, line, E2BIG, "more than %u keys in one mapping", WEFT_NODE_KEYS_MAX);
	return 0;
}

/* The key is @ev, the value still to come. */
static int read_pair(struct reader *r, const yaml_event_t *ev, struct weft_node *map)
{
	_cleanup_free_ char *key = NULL;
	struct weft_node *item;
	yaml_event_t value;
	int ret;

	ret = check_key(r, ev, map);
	if (ret)
		return ret;
	key = strdup((const char *)ev->data.scalar.value);
	item = key ? append(map) : NULL;
	if (!item)
		return weft_error_nomem(r->err);
	item->key = weft_steal_ptr(key);
	item->key_mark = mark_of(r, &ev->start_mark);
	ret = next_event(r, &value);
	if (ret)
		return ret;
	ret = read_value(r, &value, item);
	/* an empty value has its mark where the next token stands */
	if (item->kind == WEFT_NODE_NULL)
		item->mark = item->key_mark;
	yaml_event_delete(&value);
	return ret;
}

static int read_map(struct reader *r, struct weft_node *node)
{
	yaml_event_t ev;
	int ret;

	for (;;) {
		ret = next_event(r, &ev);
		if (ret)
			return ret;
		if (ev.type == YAML_MAPPING_END_EVENT) {
			yaml_event_delete(&ev);
			return 0;
		}
		ret = read_pair(r, &ev, node);
		yaml_event_delete(&ev);
		if (ret)
			return ret;
	}
}

static int read_collection(struct reader *r, const yaml_event_t *ev, struct weft_node *node)
{
	bool list = ev->type == YAML_SEQUENCE_START_EVENT;
	int ret;

	ret = list ? check_properties(r, ev, ev->data.sequence_start.anchor,
				      ev->data.sequence_start.tag) :
		     check_properties(r, ev, ev->data.mapping_start.anchor,
				      ev->data.mapping_start.tag);
	if (ret)
		return ret;
	if (r->depth >= WEFT_NODE_DEPTH_MAX)
		return fail(r, line_of(&ev->start_mark), E2BIG,
			    "nested deeper than %u levels", WEFT_NODE_DEPTH_MAX);
	node->kind = list ? WEFT_NODE_LIST : WEFT_NODE_MAP;
	r->depth++;
	ret = list ? read_list(r, node) : read_map(r, node);
	r->depth--;
	return ret;
}

static int read_value(struct reader *r, const yaml_event_t *ev, struct weft_node *node)
{
	node->mark = mark_of(r, &ev->start_mark);
	switch (ev->type) {
	case YAML_SCALAR_EVENT:
		return read_scalar(r, ev, node);
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		return read_collection(r, ev, node);
	case YAML_ALIAS_EVENT:
		return fail(r, line_of(&ev->start_mark), EINVAL,
			    "alias *%.64s: " NO_ANCHORS, ev->data.alias.anchor);
	default:
		return fail(r, line_of(&ev->start_mark), EINVAL,
			    "not valid YAML: a value is missing");
	}
}

static void drop_last(struct weft_node *list)
{
	weft_node_uninit(&list->items[list->n_items - 1]);
	list->n_items--;
}

/* After DOCUMENT-START: the value, then DOCUMENT-END. Empty ones leave no trace. */
static int read_document(struct reader *r, struct weft_node *docs)
{
	struct weft_node *doc = append(docs);
	yaml_event_t ev;
	int ret;

	if (!doc)
		return weft_error_nomem(r->err);
	ret = next_event(r, &ev);
	if (ret)
		return ret;
	ret = read_value(r, &ev, doc);
	yaml_event_delete(&ev);
	if (ret)
		return ret;
	if (doc->kind == WEFT_NODE_NULL)
		drop_last(docs);
	ret = next_event(r, &ev);
	if (!ret)
		yaml_event_delete(&ev);
	return ret;
}

static int read_stream(struct reader *r, struct weft_node *docs)
{
	yaml_event_type_t type;
	yaml_event_t ev;
	int ret;

	do {
		ret = next_event(r, &ev);
		if (ret)
			return ret;
		type = ev.type;
		yaml_event_delete(&ev);
		if (type == YAML_DOCUMENT_START_EVENT)
			ret = read_document(r, docs);
	} while (!ret && type != YAML_STREAM_END_EVENT);
	return ret;
}

int weft_node_parse(const char *file, const char *text, size_t len, struct weft_node *docs,
		    struct weft_error *err)
{
	struct reader r = { .file = file, .text = text, .len = len, .err = err };
	struct weft_node root = { .kind = WEFT_NODE_LIST, .mark = { file, 1, 1 } };
	int ret;

	if (len > WEFT_NODE_FILE_MAX)
		return fail(&r, 1, E2BIG, "more than %u bytes; use several files",
			    WEFT_NODE_FILE_MAX);
	ret = check_utf8(&r);
	if (ret)
		return ret;
	if (!yaml_parser_initialize(&r.parser))
		return weft_error_nomem(err);
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
	ret = read_stream(&r, &root);
	yaml_parser_delete(&r.parser);
	if (ret) {
		weft_node_uninit(&root);
		return ret;
	}
	*docs = root;
	return 0;
}

void weft_node_uninit(struct weft_node *node)
{
	for (unsigned int i = 0; i < node->n_items; i++)
		weft_node_uninit(&node->items[i]);
	free(node->items);
	free(node->text);
	free(node->key);
	memset(node, 0, sizeof(*node));
}

const struct weft_node *weft_node_find(const struct weft_node *map, const char *key)
{
	if (map->kind != WEFT_NODE_MAP)
		return NULL;
	for (unsigned int i = 0; i < map->n_items; i++)
		if (!strcmp(map->items[i].key, key))
			return &map->items[i];
	return NULL;
}
