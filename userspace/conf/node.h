/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A tree of what a YAML or JSON file says, each node with its place in the
 * file. Knows nothing of documents and fields: schema.c gives it meaning.
 *
 * One thread at a time; no global state.
 */
#ifndef WEFT_CONF_NODE_H
#define WEFT_CONF_NODE_H

#include <stdbool.h>
#include <stddef.h>

struct weft_error;

/* What one file may hold; enough for WEFT_ENDPOINTS_MAX endpoints in one file. */
#define WEFT_NODE_FILE_MAX	(32u << 20)	/* bytes */
#define WEFT_NODE_COUNT_MAX	1000000u	/* nodes */
#define WEFT_NODE_DEPTH_MAX	16u
#define WEFT_NODE_KEYS_MAX	256u		/* per mapping */

/* Where something stands; lines and columns count from 1. */
struct weft_mark {
	const char *file;	/* not owned */
	unsigned int line;
	unsigned int column;
};

enum weft_node_kind {
	WEFT_NODE_NULL,		/* nothing, ~ or null */
	WEFT_NODE_SCALAR,
	WEFT_NODE_LIST,
	WEFT_NODE_MAP,
};

struct weft_node {
	enum weft_node_kind kind;
	bool plain;		/* SCALAR: without quotes */
	struct weft_mark mark;
	char *text;		/* SCALAR; printable, never with a NUL inside */
	char *key;		/* the node's key, when it stands in a mapping */
	struct weft_mark key_mark;
	struct weft_node *items; /* LIST, MAP: the children in the order of the file */
	unsigned int n_items;
};

/**
 * weft_node_parse - read all documents of a file
 * @file: its name for marks and errors; must outlive the nodes
 * @text: its content, not NUL-terminated
 * @len: bytes in @text
 * @docs: out, a LIST with one item per document that is not empty; end it with
 *	weft_node_uninit()
 * @err: out, on error "FILE:LINE: ..."
 *
 * YAML 1.1 and 1.2 as libyaml reads them, and JSON, which is YAML. Refused:
 * anchors, aliases and tags (they only make documents hard to read, and
 * dangerous to expand), keys that are no plain text or stand twice in one
 * mapping, control characters, what is not UTF-8, and whatever exceeds the
 * limits above.
 *
 * Return: 0; -EINVAL the file is wrong; -E2BIG a limit; -ENOMEM. @docs is
 * written on success only.
 */
int weft_node_parse(const char *file, const char *text, size_t len, struct weft_node *docs,
		    struct weft_error *err);

/* Free everything below @node; @node itself is the caller's. A zeroed one is fine. */
void weft_node_uninit(struct weft_node *node);

/* The value of @key in the mapping @map; NULL: none, or @map is no mapping. */
const struct weft_node *weft_node_find(const struct weft_node *map, const char *key);

#endif
