/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Schemas: tables that say which fields a mapping has, what each may be and
 * where in a struct its value goes. schema.c reads nodes through them, so that
 * each field is checked, and each error worded, in one way:
 *
 *   FILE:LINE: KIND "NAME": PATH: VALUE: must be WHAT
 *
 * The same tables print objects and compare them (schema_print.c, diff.c).
 * Tables are constant; a struct weft_schema_reader belongs to one thread.
 */
#ifndef WEFT_CONF_SCHEMA_H
#define WEFT_CONF_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "base/error.h"
#include "conf/node.h"

struct weft_schema_reader;

enum weft_field_type {
	WEFT_FIELD_CONST,	/* exactly @what; stored nowhere */
	WEFT_FIELD_STRING,	/* char *, owned */
	WEFT_FIELD_NUMBER,	/* uint16_t or uint32_t, @min..@max */
	WEFT_FIELD_CHOICE,	/* an enum: the index in @choices; any letter case */
	WEFT_FIELD_DURATION,	/* uint32_t, ms, @min..@max */
	WEFT_FIELD_ADDRESS,	/* struct weft_addr, the IP only */
	WEFT_FIELD_NETWORK,	/* struct weft_network */
	WEFT_FIELD_OBJECT,	/* a mapping, see @schema */
};

struct weft_field {
	const char *name;
	enum weft_field_type type;
	bool required;
	bool list;		/* a list of @type, @min_items..@max_items, no two the same */
	unsigned int min_items;
	unsigned int max_items;
	const char *noun;	/* of one item, for the log: "endpoint" */

	/*
	 * Into which member. An OBJECT that is no list fills the same struct as
	 * the field itself: nesting in documents is not nesting in memory.
	 */
	size_t offset;
	size_t size;		/* of the member; in a list, of one item */
	size_t count_offset;	/* list: the size_t that counts */
	size_t set_offset;	/* of a bool "was given", when @has_set */
	bool has_set;

	uint64_t min, max;	/* NUMBER, DURATION */
	uint64_t fallback;	/* NUMBER, CHOICE, DURATION: when not given */
	const char *unset;	/* STRING, NUMBER, DURATION: how NULL or 0 is printed */
	const char *what;	/* CONST: the text; STRING, ADDRESS, NETWORK: completes "must be" */
	const char *const *choices; /* CHOICE: ends with NULL; "" cannot be written */
	/*
	 * STRING: turns the text of @node into what is stored, an allocated string
	 * in @out (0), or fails with weft_schema_fail() or -ENOMEM.
	 */
	int (*convert)(struct weft_schema_reader *r, const struct weft_node *node, char **out);
	/* ADDRESS: a further check of the stored value, NULL: none. */
	int (*check)(struct weft_schema_reader *r, const struct weft_node *node,
		     const void *value);
	const struct weft_schema *schema; /* OBJECT */
};

struct weft_schema {
	const struct weft_field *fields; /* ends with a NULL name */
	/* What the fields mean together, and what follows from them; NULL: nothing. */
	int (*check)(struct weft_schema_reader *r, const struct weft_node *node, void *object);
	/* Items of lists: print what tells them apart (0, -ENOMEM); NULL: all fields do. */
	int (*print_key)(FILE *f, const void *object);
};

/* For tables: where a member, or a list and its counter, lies. */
#define WEFT_FIELD_AT(type, member)                \
	.offset = offsetof(type, member), \
	.size = sizeof(((type *)0)->member)
#define WEFT_FIELD_LIST_AT(type, member, n)        \
	.list = true, .offset = offsetof(type, member), \
	.size = sizeof(*((type *)0)->member), .count_offset = offsetof(type, n)
#define WEFT_FIELD_SET_AT(type, member) \
	.has_set = true, .set_offset = offsetof(type, member)

#define WEFT_SCHEMA_PATH_MAX 160

struct weft_schema_reader {
	const char *kind;		/* "Service"; NULL: not known yet */
	const char *name;		/* of the object, as written; NULL: not known */
	const char *trust_domain;
	char path[WEFT_SCHEMA_PATH_MAX]; /* "spec.ports[0].port" */
	struct weft_error *err;
};

/**
 * weft_schema_read() - fill a struct from a mapping
 * @r: all but @path set by the caller
 * @schema: the table
 * @node: what should be a mapping
 * @object: the struct, zeroed; on error too it holds what was read so far, and is
 *	ended by the function of its type
 *
 * Return: 0; -EINVAL, with the text in @r->err; -ENOMEM.
 */
int weft_schema_read(struct weft_schema_reader *r, const struct weft_schema *schema,
		     const struct weft_node *node, void *object);

/* Only one field of a document, @map. Return: as weft_schema_read(). */
int weft_schema_read_field(struct weft_schema_reader *r, const struct weft_field *field,
			   const struct weft_node *map, void *object);

/**
 * weft_schema_fail() - refuse the field @r->path
 * @node: says in which line, and which value (not of a mapping or list)
 * @fmt: completes "PATH: VALUE: "
 *
 * Return: -EINVAL.
 */
int weft_schema_fail(struct weft_schema_reader *r, const struct weft_node *node,
		     const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The same of a field further down: @below is ".ports[3]". */
int weft_schema_fail_at(struct weft_schema_reader *r, const struct weft_node *node,
			const char *below, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/*
 * Printing of values, the same text for the same value (schema_print.c).
 * print_value: of a field that is no OBJECT; print_item: of a list, 0 or -ENOMEM;
 * print_object: "unit nginx.service, uid 33", fields that are unset left out.
 */
void weft_schema_print_value(FILE *f, const struct weft_field *field, const void *value);
int weft_schema_print_item(FILE *f, const struct weft_field *field, const void *item);
void weft_schema_print_object(FILE *f, const struct weft_schema *schema, const void *object);

/* Access to members by table. */
const void *weft_field_member(const struct weft_field *field, const void *object);
size_t weft_field_count(const struct weft_field *field, const void *object);
const void *weft_field_item(const struct weft_field *field, const void *object, size_t i);
uint64_t weft_field_number(const struct weft_field *field, const void *value);

/*
 * The texts of all items of a list, sorted; the index says where the item
 * stands. The caller frees with weft_item_texts_free().
 */
struct weft_item_text {
	char *text;
	size_t index;
};

struct weft_item_text *weft_item_texts(const struct weft_field *field, const void *object);
void weft_item_texts_free(struct weft_item_text *texts, size_t n);

#endif
