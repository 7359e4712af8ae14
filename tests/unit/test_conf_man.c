// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * weft-documents(5) and the schemas say the same: every field is described, and
 * the examples of the page are good documents.
 */
#include "base/file.h"
#include "conf/kind.h"
#include "conf_text.h"

/* tests run from the top of the tree */
#define PAGE "userspace/man/weft-documents.5"

static char *read_page(void)
{
	struct weft_error err = { 0 };
	char *page = NULL;
	size_t len;

	if (weft_file_read(PAGE, 1 << 20, &page, &len, &err))
		fail_msg("%s", err.text);
	return page;
}

/* The part of the page about @kind, from its heading to the next. */
static char *section_of(const char *page, const char *kind)
{
	_cleanup_free_ char *heading = NULL;
	const char *begin, *end;
	char *section;

	assert_true(asprintf(&heading, "\n.SH %s\n", kind) > 0);
	for (char *p = heading + 5; *p; p++)
		if (*p >= 'a' && *p <= 'z')
			*p -= 'a' - 'A';
	begin = strstr(page, heading);
	if (!begin) {
		fail_msg("no section %s", heading);
		return NULL;
	}
	end = strstr(begin + 1, "\n.SH ");
	section = strndup(begin, end ? end - begin : strlen(begin));
	assert_non_null(section);
	return section;
}

/* As a word of its own, in bold or in an example of the section. */
static bool has_word(const char *text, const char *word)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	size_t len = strlen(word);

	for (const char *p = strstr(text, word); p; p = strstr(p + 1, word))
		if ((p == text || !strchr(letters, p[-1])) &&
		    (!p[len] || !strchr(letters, p[len])))
			return true;
	return false;
}

static void check_fields(const struct weft_schema *schema, const char *text)
{
	for (const struct weft_field *f = schema->fields; f->name; f++) {
		if (!has_word(text, f->name))
			fail_msg("%s is not described", f->name);
		if (f->type == WEFT_FIELD_OBJECT)
			check_fields(f->schema, text);
	}
}

static const struct weft_schema *spec_of(const struct weft_kind *kind)
{
	const struct weft_field *field = kind->schema->fields;

	while (strcmp(field->name, "spec"))
		field++;
	return field->schema;
}

static void every_field_is_described(void **state)
{
	_cleanup_free_ char *page = read_page();

	for (size_t k = 0; k < WEFT_KINDS; k++) {
		_cleanup_free_ char *section = section_of(page, weft_kinds[k]->name);

		check_fields(spec_of(weft_kinds[k]), section);
	}
}

static void limits_are_as_described(void **state)
{
	_cleanup_free_ char *page = read_page();
	char limits[192];

	snprintf(limits, sizeof(limits),
		 "%u workloads, %u services, %u endpoints, %u policies, %u revocations\nof %u "
		 "identities and serials in all, and %u peers",
		 WEFT_WORKLOADS_MAX, WEFT_SERVICES_MAX, WEFT_ENDPOINTS_MAX, WEFT_POLICIES_MAX,
		 WEFT_REVOCATIONS_MAX, WEFT_REVOKED_TOTAL_MAX, WEFT_PEERS_MAX);
	assert_non_null(strstr(page, limits));
	assert_int_equal(WEFT_NODE_FILE_MAX, 32 << 20);
	assert_int_equal(WEFT_NODE_COUNT_MAX, 1000000);
	assert_int_equal(WEFT_NODE_DEPTH_MAX, 16);
}

static void the_pages_example_is_good(void **state)
{
	_cleanup_free_ char *page = read_page();
	_cleanup_conf_ struct weft_conf *conf = NULL;
	char *text = strstr(page, "\napiVersion:"), *end, *to;
	char buf[WEFT_CONF_SUMMARY_MAX];

	assert_non_null(text);
	end = strstr(text, "\n.EE");
	assert_non_null(end);
	*end = '\0';
	to = text;
	for (const char *from = text; *from; from++)
		if (*from != '\\')
			*to++ = *from;
	*to = '\0';
	conf = conf_of(text);
	assert_string_equal(weft_conf_summary(conf, buf),
			    "1 workload, 1 service, 2 endpoints, 1 policy, 0 revocations, "
			    "0 peers");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_is_described),
		cmocka_unit_test(limits_are_as_described),
		cmocka_unit_test(the_pages_example_is_good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
