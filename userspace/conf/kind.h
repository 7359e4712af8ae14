/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kinds of documents: one table each (kind_<kind>.c), gathered in kind.c.
 * A further kind is a further file, a member of struct weft_conf and a line in
 * weft_kinds[].
 *
 * Constant tables; any thread.
 */
#ifndef WEFT_CONF_KIND_H
#define WEFT_CONF_KIND_H

#include <stddef.h>
#include "conf/model.h"
#include "conf/schema.h"

#define WEFT_API_VERSION "weft/v1"

struct weft_kind {
	const char *name;	/* "Service" */
	const char *noun;	/* "service", for the log */
	const struct weft_schema *schema; /* of a whole document */
	unsigned int max;	/* objects of this kind */
	/* struct weft_conf_<kind>; its first member is a char *, the name */
	size_t size;
	size_t mark_offset;
	void (*uninit)(void *object);
	/* where struct weft_conf has its array of them, and the size_t that counts */
	size_t array_offset;
	size_t count_offset;
};

extern const struct weft_kind weft_kind_workload;
extern const struct weft_kind weft_kind_service;
extern const struct weft_kind weft_kind_policy;
extern const struct weft_kind weft_kind_revocation;
extern const struct weft_kind weft_kind_peer;

#define WEFT_KINDS 5
extern const struct weft_kind *const weft_kinds[WEFT_KINDS];

/* apiVersion and kind, which every document is asked for first. */
enum weft_head_field { WEFT_HEAD_API_VERSION, WEFT_HEAD_KIND };
extern const struct weft_field weft_head_fields[];

extern const struct weft_schema weft_metadata_schema;

/* The fields all documents share, for the top of a kind's table. */
#define WEFT_KIND_HEAD(kind_name) \
	{ .name = "apiVersion", .type = WEFT_FIELD_CONST, .required = true, \
	  .what = WEFT_API_VERSION }, \
	{ .name = "kind", .type = WEFT_FIELD_CONST, .required = true, .what = (kind_name) }, \
	{ .name = "metadata", .type = WEFT_FIELD_OBJECT, .required = true, \
	  .schema = &weft_metadata_schema }

/* The objects of a kind in a configuration. */
size_t weft_kind_count(const struct weft_kind *kind, const struct weft_conf *conf);
void *weft_kind_object(const struct weft_kind *kind, const struct weft_conf *conf, size_t i);
const char *weft_kind_object_name(const void *object);
struct weft_mark *weft_kind_object_mark(const struct weft_kind *kind, void *object);

/*
 * A new object, zeroed, at the end of the configuration's array, which may move.
 * NULL: out of memory.
 */
void *weft_kind_append(const struct weft_kind *kind, struct weft_conf *conf);

/* Converters of strings that several kinds use, see struct weft_field. */
int weft_convert_name(struct weft_schema_reader *r, const struct weft_node *node, char **out);
int weft_convert_identity_pattern(struct weft_schema_reader *r, const struct weft_node *node,
				  char **out);

#define WEFT_WHAT_NAME "a DNS name in lower case (RFC 1123)"
#define WEFT_WHAT_IDENTITY_PATTERN \
	"a SPIFFE ID or a path in the trust domain, a final '*' makes a prefix"

#endif
