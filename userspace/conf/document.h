/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Documents on their way into a configuration: what load.c has read and check.c
 * looks at as a whole. Inside conf/ only; one thread, short-lived.
 */
#ifndef WEFT_CONF_DOCUMENT_H
#define WEFT_CONF_DOCUMENT_H

#include "conf/kind.h"

struct weft_document {
	const struct weft_kind *kind;
	size_t index;			/* of its object in the configuration */
	const struct weft_node *node;	/* the whole document */
};

struct weft_document_set {
	struct weft_conf *conf;		/* objects still in the order of reading */
	struct weft_document *items;
	size_t count;
};

/* The object a document became. */
void *weft_document_object(const struct weft_document_set *set, const struct weft_document *doc);

/* For errors of a document that has been read. */
struct weft_schema_reader weft_document_reader(const struct weft_document_set *set,
					       const struct weft_document *doc,
					       struct weft_error *err);

/* "spec" "workload": the node, or NULL; @path ends with NULL. */
const struct weft_node *weft_document_find(const struct weft_document *doc,
					   const char *const *path);

/**
 * weft_document_set_check() - what no document can be checked for alone
 *
 * Names are unique per kind; a policy's workload exists, and so does its service,
 * of which it gets its scope (weft_document_set_scope()); no two services have
 * the same address and port; not more endpoints, and identities and serials that
 * are revoked, than the module takes.
 *
 * Return: 0; -EINVAL with the text in @err; -ENOMEM.
 */
int weft_document_set_check(const struct weft_document_set *set, struct weft_error *err);

/**
 * weft_document_set_scope() - what policies for a service are for
 *
 * Fills in their scopes from the Services they name; names are known to be unique.
 *
 * Return: 0; -EINVAL with the text in @err: there is no such service, or it tells
 * no workloads, or other ports than the policy's rules; -ENOMEM.
 */
int weft_document_set_scope(const struct weft_document_set *set, struct weft_error *err);

#endif
