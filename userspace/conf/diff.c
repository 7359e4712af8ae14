// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What changed between two configurations, through the schema tables: objects
 * by name, items of lists by what tells them apart, values by their text. See
 * conf.h.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "conf/conf.h"
#include "conf/kind.h"
#include "conf/text_stream.h"

#define TEXT_MAX 256 /* characters of one item in a line: rules can be long */

struct diff {
	weft_conf_diff_fn *fn;
	void *data;
	int count;		/* of differences, or -ENOMEM */
};

static int diff_fields(struct diff *d, const char *prefix, const struct weft_schema *schema,
		       const void *old, const void *now);

static __attribute__((format(printf, 2, 3)))
int say(struct diff *d, const char *fmt, ...)
{
	_cleanup_free_ char *line = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&line, fmt, ap);
	va_end(ap);
	if (n < 0) {
		line = NULL;
		return -ENOMEM;
	}
	d->fn(line, d->data);
	d->count++;
	return 0;
}

static int value_text(const struct weft_field *field, const void *object, char **text)
{
	struct weft_text_stream s = { 0 };

	if (weft_text_stream_open(&s))
		return -ENOMEM;
	weft_schema_print_value(s.f, field, weft_field_member(field, object));
	*text = weft_text_stream_close(&s);
	return *text ? 0 : -ENOMEM;
}

static int diff_value(struct diff *d, const char *prefix, const struct weft_field *field,
		      const void *old, const void *now)
{
	_cleanup_free_ char *a = NULL, *b = NULL;

	if (value_text(field, old, &a) || value_text(field, now, &b))
		return -ENOMEM;
	if (!strcmp(a, b))
		return 0;
	return say(d, "%s%s changed from %.*s to %.*s", prefix, field->name, TEXT_MAX, a, TEXT_MAX,
		   b);
}

/* The item is in both lists; other fields than those that name it may differ. */
static int diff_item(struct diff *d, const char *prefix, const struct weft_field *field,
		     const char *text, const void *old, const void *now)
{
	_cleanup_free_ char *below = NULL;

	/* without a key of their own the text is all they say */
	if (field->type != WEFT_FIELD_OBJECT || !field->schema->print_key)
		return 0;
	if (asprintf(&below, "%s%s %.*s: ", prefix, field->noun, TEXT_MAX, text) < 0) {
		below = NULL;
		return -ENOMEM;
	}
	return diff_fields(d, below, field->schema, old, now);
}

/* Both sorted by text: walk them like the two sides of a merge. */
static int merge_lists(struct diff *d, const char *prefix, const struct weft_field *field,
		       const void *old, const struct weft_item_text *a, const void *now,
		       const struct weft_item_text *b)
{
	size_t na = weft_field_count(field, old), nb = weft_field_count(field, now);
	size_t i = 0, j = 0;
	int ret = 0;

	while (!ret && (i < na || j < nb)) {
		int order = i == na ? 1 : j == nb ? -1 : strcmp(a[i].text, b[j].text);

		if (order < 0) {
			ret = say(d, "%s%s %.*s removed", prefix, field->noun, TEXT_MAX,
				  a[i++].text);
		} else if (order > 0) {
			ret = say(d, "%s%s %.*s added", prefix, field->noun, TEXT_MAX,
				  b[j++].text);
		} else {
			ret = diff_item(d, prefix, field, a[i].text,
					weft_field_item(field, old, a[i].index),
					weft_field_item(field, now, b[j].index));
			i++;
			j++;
		}
	}
	return ret;
}

static int diff_list(struct diff *d, const char *prefix, const struct weft_field *field,
		     const void *old, const void *now)
{
	struct weft_item_text *a = weft_item_texts(field, old), *b = weft_item_texts(field, now);
	int ret = -ENOMEM;

	if (a && b)
		ret = merge_lists(d, prefix, field, old, a, now, b);
	weft_item_texts_free(a, weft_field_count(field, old));
	weft_item_texts_free(b, weft_field_count(field, now));
	return ret;
}

static int diff_field(struct diff *d, const char *prefix, const struct weft_field *field,
		      const void *old, const void *now)
{
	if (field->list)
		return diff_list(d, prefix, field, old, now);
	switch (field->type) {
	case WEFT_FIELD_CONST:
		return 0;
	case WEFT_FIELD_OBJECT:
		return diff_fields(d, prefix, field->schema, old, now);
	default:
		return diff_value(d, prefix, field, old, now);
	}
}

static int diff_fields(struct diff *d, const char *prefix, const struct weft_schema *schema,
		       const void *old, const void *now)
{
	const struct weft_field *field;
	int ret = 0;

	for (field = schema->fields; field->name && !ret; field++)
		ret = diff_field(d, prefix, field, old, now);
	return ret;
}

static int diff_object(struct diff *d, const struct weft_kind *kind, const void *old,
		       const void *now)
{
	const char *name = weft_kind_object_name(old ? old : now);
	_cleanup_free_ char *prefix = NULL;

	if (!now)
		return say(d, "%s %s removed", kind->noun, name);
	if (!old)
		return say(d, "%s %s added", kind->noun, name);
	if (asprintf(&prefix, "%s %s: ", kind->noun, name) < 0) {
		prefix = NULL;
		return -ENOMEM;
	}
	return diff_fields(d, prefix, kind->schema, old, now);
}

static int diff_kind(struct diff *d, const struct weft_kind *kind, const struct weft_conf *old,
		     const struct weft_conf *now)
{
	size_t n_old = weft_kind_count(kind, old), n_now = weft_kind_count(kind, now);
	size_t i = 0, j = 0;
	int ret = 0;

	while (!ret && (i < n_old || j < n_now)) {
		const void *a = i < n_old ? weft_kind_object(kind, old, i) : NULL;
		const void *b = j < n_now ? weft_kind_object(kind, now, j) : NULL;
		int order = !a ? 1 : !b ? -1 : strcmp(weft_kind_object_name(a),
						      weft_kind_object_name(b));

		ret = diff_object(d, kind, order <= 0 ? a : NULL, order >= 0 ? b : NULL);
		i += order <= 0;
		j += order >= 0;
	}
	return ret;
}

int weft_conf_diff(const struct weft_conf *old, const struct weft_conf *now,
		   weft_conf_diff_fn *fn, void *data)
{
	static const struct weft_conf empty;
	struct diff d = { .fn = fn, .data = data };

	for (size_t k = 0; k < WEFT_KINDS; k++) {
		int ret = diff_kind(&d, weft_kinds[k], old ? old : &empty, now);

		if (ret)
			return ret;
	}
	return d.count;
}

const char *weft_conf_summary(const struct weft_conf *conf, char buf[WEFT_CONF_SUMMARY_MAX])
{
	size_t endpoints = 0;

	for (size_t i = 0; i < conf->n_services; i++)
		endpoints += conf->services[i].n_endpoints;
	snprintf(buf, WEFT_CONF_SUMMARY_MAX,
		 "%zu workload%s, %zu service%s, %zu endpoint%s, %zu %s, %zu revocation%s, "
		 "%zu peer%s",
		 conf->n_workloads, conf->n_workloads == 1 ? "" : "s", conf->n_services,
		 conf->n_services == 1 ? "" : "s", endpoints, endpoints == 1 ? "" : "s",
		 conf->n_policies, conf->n_policies == 1 ? "policy" : "policies",
		 conf->n_revocations, conf->n_revocations == 1 ? "" : "s", conf->n_peers,
		 conf->n_peers == 1 ? "" : "s");
	return buf;
}
