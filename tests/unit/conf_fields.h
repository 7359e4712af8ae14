/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every field of a kind of document, wrong in each way it can be: exactly one
 * error, word for word. Each test_conf_<kind>.c brings the table of its kind,
 * and the tests here; a walk over the schema proves that no field was left out,
 * so a new field without its wrong cases fails.
 */
#ifndef WEFT_TESTS_CONF_FIELDS_H
#define WEFT_TESTS_CONF_FIELDS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "conf/conf.h"
#include "conf/kind.h"

/* How a field is wrong. Which of these it can be follows from its table. */
enum how {
	MISSING,	/* required, and is not there */
	SHAPE,		/* a list, a mapping, a value or nothing where another is due */
	VALUE,		/* the right shape, but not allowed */
	COUNT,		/* too few items, or too many */
	TWIN,		/* the same item twice */
	HOWS
};

struct wrong {
	const char *field;	/* "spec.ports[].port" */
	enum how how;
	const char *text;	/* the document; "$65 {port: @}$": 65 items, '@' is 1, 2 ... */
	const char *error;
};

#define HEAD(kind) "apiVersion: weft/v1\nkind: " kind "\nmetadata: {name: web}\n"

/* Writes what stands for a list at @p; returns where its text ends. */
static const char *expand_items(FILE *f, const char *p)
{
	char *item;
	unsigned long many = strtoul(p, &item, 10);

	for (unsigned long i = 1; i <= many; i++) {
		fputs(i == 1 ? "" : ", ", f);
		for (p = item; *p != '$'; p++)
			if (*p == '@')
				fprintf(f, "%lu", i);
			else
				fputc(*p, f);
	}
	return p;
}

/* The document itself; the caller frees. */
static char *expand(const char *p)
{
	char *text = NULL;
	size_t len;
	FILE *f;

	f = open_memstream(&text, &len);
	assert_non_null(f);
	for (; *p; p++)
		if (*p == '$')
			p = expand_items(f, p + 1);
		else
			fputc(*p, f);
	assert_int_equal(fclose(f), 0);
	return text;
}

static void check_wrongs(const struct wrong *wrongs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *text = expand(wrongs[i].text);
		struct weft_error err = { 0 };
		struct weft_conf *conf = NULL;

		if (!weft_conf_parse("t.yaml", text, strlen(text), "example.org", &conf, &err))
			fail_msg("accepted, should be: %s\n%s", wrongs[i].error, text);
		assert_string_equal(err.text, wrongs[i].error);
		assert_null(conf);
	}
}

static bool covered(const struct wrong *wrongs, size_t n, const char *field, enum how how)
{
	for (size_t i = 0; i < n; i++)
		if (wrongs[i].how == how && !strcmp(wrongs[i].field, field))
			return true;
	return false;
}

static bool applies(const struct weft_field *field, enum how how)
{
	switch (how) {
	case MISSING:
		return field->required;
	case COUNT:
	case TWIN:
		return field->list;
	default:
		return true;
	}
}

static unsigned int walk(const struct weft_schema *schema, const char *prefix,
			 const struct wrong *wrongs, size_t n)
{
	static const char *const names[HOWS] = { "MISSING", "SHAPE", "VALUE", "COUNT", "TWIN" };
	const struct weft_field *field;
	unsigned int fields = 0;

	for (field = schema->fields; field->name; field++, fields++) {
		char path[WEFT_SCHEMA_PATH_MAX], below[WEFT_SCHEMA_PATH_MAX + 4];

		snprintf(path, sizeof(path), "%s%s", prefix, field->name);
		for (enum how how = 0; how < HOWS; how++)
			if (applies(field, how) && !covered(wrongs, n, path, how))
				fail_msg("no case: %s %s", path, names[how]);
		snprintf(below, sizeof(below), "%s%s.", path, field->list ? "[]" : "");
		if (field->type == WEFT_FIELD_OBJECT)
			fields += walk(field->schema, below, wrongs, n);
	}
	return fields;
}

/* And the other way round: no case is for a field that does not exist. */
static void check_coverage(const struct weft_kind *kind, const struct wrong *wrongs, size_t n,
			   unsigned int fields)
{
	size_t different = 0;

	assert_int_equal(walk(kind->schema, "", wrongs, n), fields);
	for (size_t i = 0; i < n; i++) {
		size_t j = 0;

		while (strcmp(wrongs[j].field, wrongs[i].field))
			j++;
		different += j == i;
	}
	assert_int_equal(different, fields);
}

#endif
