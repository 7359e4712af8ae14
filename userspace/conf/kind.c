// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What all kinds of documents have in common: the list of kinds, names,
 * identities, and reaching the objects of a kind inside a configuration.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/name.h"
#include "conf/kind.h"

const struct weft_kind *const weft_kinds[WEFT_KINDS] = {
	&weft_kind_workload,
	&weft_kind_service,
	&weft_kind_policy,
	&weft_kind_revocation,
	&weft_kind_peer,
};

/* in the order of weft_kinds[] */
static const char *const kind_names[] = { "Workload", "Service", "AuthorizationPolicy",
					  "Revocation", "Peer", NULL };

const struct weft_field weft_head_fields[] = {
	[WEFT_HEAD_API_VERSION] = {
		.name = "apiVersion", .type = WEFT_FIELD_CONST, .required = true,
		.what = WEFT_API_VERSION,
	},
	[WEFT_HEAD_KIND] = {
		.name = "kind", .type = WEFT_FIELD_CHOICE, .required = true,
		.choices = kind_names, .size = sizeof(unsigned int),
	},
};

static const struct weft_field metadata_fields[] = {
	{ .name = "name", .type = WEFT_FIELD_STRING, .required = true, .what = WEFT_WHAT_NAME,
	  .convert = weft_convert_name, .offset = 0, .size = sizeof(char *) },
	{ 0 }
};

const struct weft_schema weft_metadata_schema = { .fields = metadata_fields };

_Static_assert(offsetof(struct weft_conf_workload, object.name) == 0 &&
	       offsetof(struct weft_conf_service, object.name) == 0 &&
	       offsetof(struct weft_conf_policy, object.name) == 0 &&
	       offsetof(struct weft_conf_revocation, object.name) == 0 &&
	       offsetof(struct weft_conf_peer, object.name) == 0,
	       "metadata_fields puts the name at the beginning of every object");

int weft_convert_name(struct weft_schema_reader *r, const struct weft_node *node, char **out)
{
	const char *problem = weft_name_problem(node->text);

	if (problem)
		return weft_schema_fail(r, node, "must be " WEFT_WHAT_NAME ": %s", problem);
	*out = strdup(node->text);
	return *out ? 0 : weft_error_nomem(r->err);
}

int weft_convert_identity_pattern(struct weft_schema_reader *r, const struct weft_node *node,
				  char **out)
{
	_cleanup_free_ char *pattern = NULL;
	const char *problem;

	if (!*node->text)
		return weft_schema_fail(r, node, "must be " WEFT_WHAT_IDENTITY_PATTERN);
	pattern = weft_identity_expand(r->trust_domain, node->text);
	if (!pattern)
		return weft_error_nomem(r->err);
	problem = weft_identity_pattern_problem(pattern);
	if (problem)
		return weft_schema_fail(r, node, "must be " WEFT_WHAT_IDENTITY_PATTERN ": %s",
					problem);
	*out = weft_steal_ptr(pattern);
	return 0;
}

size_t weft_kind_count(const struct weft_kind *kind, const struct weft_conf *conf)
{
	size_t n;

	memcpy(&n, (const char *)conf + kind->count_offset, sizeof(n));
	return n;
}

void *weft_kind_object(const struct weft_kind *kind, const struct weft_conf *conf, size_t i)
{
	char *objects;

	memcpy(&objects, (const char *)conf + kind->array_offset, sizeof(objects));
	return objects + i * kind->size;
}

const char *weft_kind_object_name(const void *object)
{
	const char *name;

	memcpy(&name, object, sizeof(name));
	return name;
}

struct weft_mark *weft_kind_object_mark(const struct weft_kind *kind, void *object)
{
	return (struct weft_mark *)((char *)object + kind->mark_offset);
}

void *weft_kind_append(const struct weft_kind *kind, struct weft_conf *conf)
{
	return weft_array_grow((char *)conf + kind->array_offset,
			       (size_t *)((char *)conf + kind->count_offset), kind->size);
}
