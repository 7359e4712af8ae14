// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * base/name: names, trust domains, identities, patterns, selectors.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <linux/weft.h>
#include <string.h>
#include "base/array.h"
#include "base/name.h"

#define L63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

typedef const char *problem_fn(const char *text);

static void all_fine(problem_fn *problem, const char *const *texts, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (problem(texts[i]))
			fail_msg("\"%.80s\": %s", texts[i], problem(texts[i]));
}

static void all_wrong(problem_fn *problem, const char *const *texts, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!problem(texts[i]))
			fail_msg("\"%.80s\" was accepted", texts[i]);
}

static void names_are_lower_case_dns_names(void **state)
{
	static const char *const fine[] = { "a", "0", "web", "web-1", "a.b.c", "1.2", "a--b", L63,
					    L63 "." L63 "." L63 ".a" };
	static const char *const wrong[] = { "", ".", "a.", ".a", "a..b", "-a", "a-", "a-.b",
					     "A", "web_1", "we b", "w\xc3\xa4", "a/b", "a:1",
					     L63 "a",
					     L63 "." L63 "." L63 "." L63 };

	all_fine(weft_name_problem, fine, WEFT_ARRAY_SIZE(fine));
	all_wrong(weft_name_problem, wrong, WEFT_ARRAY_SIZE(wrong));
}

static void the_longest_name_is_as_long_as_the_interface_says(void **state)
{
	char name[WEFT_NAME_MAX + 2];
	size_t i;

	for (i = 0; i < sizeof(name); i++)
		name[i] = i % 50 == 49 ? '.' : 'a';
	name[WEFT_NAME_MAX] = '\0';
	assert_null(weft_name_problem(name));
	name[WEFT_NAME_MAX] = 'a';
	name[WEFT_NAME_MAX + 1] = '\0';
	assert_string_equal(weft_name_problem(name), "longer than 253 characters");
}

static void identities_are_spiffe_ids_with_a_path(void **state)
{
	static const char *const fine[] = {
		"spiffe://example.org/web", "spiffe://example.org/ns/prod/sa/Web_1.2-x",
		"spiffe://a/b", "spiffe://td_1.x-y/...", "spiffe://1.2.3.4/a", "spiffe://-/..a",
	};
	static const char *const wrong[] = {
		"", "web", "spiffe://", "spiffe:///web", "spiffe://example.org",
		"spiffe://example.org/", "spiffe://example.org//web", "spiffe://example.org/web/",
		"spiffe://example.org/a/../b", "spiffe://example.org/.", "spiffe://example.org/a b",
		"spiffe://Example.org/web", "spiffe://example.org:80/web",
		"spiffe://u@example.org/web", "spiffe://example.org/web?x", "spiffe://x/web#f",
		"spiffe://x/we%20b", "SPIFFE://x/web", "https://example.org/web",
		"spiffe://ex\xc3\xa4mple/web", "spiffe://x/\xc3\xa4", "spiffe://example.org/*",
	};

	all_fine(weft_identity_problem, fine, WEFT_ARRAY_SIZE(fine));
	all_wrong(weft_identity_problem, wrong, WEFT_ARRAY_SIZE(wrong));
}

static void the_longest_identity_is_as_long_as_the_interface_says(void **state)
{
	char id[WEFT_IDENTITY_MAX + 2];

	memset(id, 'a', sizeof(id));
	memcpy(id, "spiffe://td/", 12);
	id[WEFT_IDENTITY_MAX] = '\0';
	assert_null(weft_identity_problem(id));
	id[WEFT_IDENTITY_MAX] = 'a';
	id[WEFT_IDENTITY_MAX + 1] = '\0';
	assert_string_equal(weft_identity_problem(id), "longer than 2048 characters");
}

static void patterns_hold_the_whole_trust_domain(void **state)
{
	static const char *const fine[] = {
		"*", "spiffe://example.org/*", "spiffe://example.org/w*",
		"spiffe://example.org/ns/*", "spiffe://example.org/web", "spiffe://x/.*",
	};
	static const char *const wrong[] = {
		"", "**", "spiffe://*", "spiffe://example*", "spiffe://example.org*", "sp*",
		"spiffe://example.org/*/a", "spiffe://example.org//*", "spiffe://X/*",
		"spiffe://example.org/a/./*", "web*", "*spiffe://x/a",
	};

	all_fine(weft_identity_pattern_problem, fine, WEFT_ARRAY_SIZE(fine));
	all_wrong(weft_identity_pattern_problem, wrong, WEFT_ARRAY_SIZE(wrong));
}

static void trust_domains_have_their_own_letters(void **state)
{
	static const char *const fine[] = { "example.org", "a", "a_b", "1.2.3.4", "a-" };
	static const char *const wrong[] = { "", "Example", "a/b", "a:1", "a b", "spiffe://a" };
	char longest[257];

	all_fine(weft_trust_domain_problem, fine, WEFT_ARRAY_SIZE(fine));
	all_wrong(weft_trust_domain_problem, wrong, WEFT_ARRAY_SIZE(wrong));
	memset(longest, 'a', sizeof(longest));
	longest[255] = '\0';
	assert_null(weft_trust_domain_problem(longest));
	longest[255] = 'a';
	longest[256] = '\0';
	assert_non_null(weft_trust_domain_problem(longest));
}

static void paths_are_absolute_and_plain(void **state)
{
	static const char *const fine[] = { "/", "/a", "/usr/bin/x y", "/system.slice/...", "/.a" };
	static const char *const wrong[] = { "", "a", "a/b", "//", "/a/", "/a//b", "/.", "/a/../b" };
	char longest[WEFT_SELECTOR_MAX + 2];

	all_fine(weft_path_problem, fine, WEFT_ARRAY_SIZE(fine));
	all_wrong(weft_path_problem, wrong, WEFT_ARRAY_SIZE(wrong));
	memset(longest, 'a', sizeof(longest));
	longest[0] = '/';
	longest[WEFT_SELECTOR_MAX] = '\0';
	assert_null(weft_path_problem(longest));
	longest[WEFT_SELECTOR_MAX] = 'a';
	longest[WEFT_SELECTOR_MAX + 1] = '\0';
	assert_non_null(weft_path_problem(longest));
}

#define ID64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void containers_are_hexadecimal(void **state)
{
	static const char *const fine[] = { "0123456789ab", ID64 };
	static const char *const wrong[] = { "", "0123456789a", ID64 "0", "0123456789AB",
					     "0123456789abg", "docker-0123456789ab" };

	all_fine(weft_container_problem, fine, WEFT_ARRAY_SIZE(fine));
	all_wrong(weft_container_problem, wrong, WEFT_ARRAY_SIZE(wrong));
}

static void units_are_one_part_of_a_path(void **state)
{
	static const char *const fine[] = { "nginx.service", "a@b\\x2dc.service", "...", "x" };
	static const char *const wrong[] = { "", "/", "a/b", ".", "..", "/nginx.service" };

	all_fine(weft_unit_problem, fine, WEFT_ARRAY_SIZE(fine));
	all_wrong(weft_unit_problem, wrong, WEFT_ARRAY_SIZE(wrong));
}

static void a_final_star_matches_what_begins_so(void **state)
{
	assert_true(weft_identity_match("spiffe://x/a", "spiffe://x/a"));
	assert_false(weft_identity_match("spiffe://x/a", "spiffe://x/ab"));
	assert_false(weft_identity_match("spiffe://x/ab", "spiffe://x/a"));
	assert_true(weft_identity_match("spiffe://x/a*", "spiffe://x/a"));
	assert_true(weft_identity_match("spiffe://x/a*", "spiffe://x/ab/c"));
	assert_false(weft_identity_match("spiffe://x/a*", "spiffe://x/b"));
	assert_true(weft_identity_match("*", "spiffe://x/b"));
	assert_false(weft_identity_match("", "spiffe://x/b"));
}

static void the_trust_domain_is_found_in_an_identity(void **state)
{
	const char *domain;
	int len = 0;

	domain = weft_identity_trust_domain("spiffe://example.org/web", &len);
	assert_int_equal(len, 11);
	assert_memory_equal(domain, "example.org", 11);
	assert_null(weft_identity_trust_domain("https://example.org/web", &len));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_lower_case_dns_names),
		cmocka_unit_test(the_longest_name_is_as_long_as_the_interface_says),
		cmocka_unit_test(identities_are_spiffe_ids_with_a_path),
		cmocka_unit_test(the_longest_identity_is_as_long_as_the_interface_says),
		cmocka_unit_test(patterns_hold_the_whole_trust_domain),
		cmocka_unit_test(trust_domains_have_their_own_letters),
		cmocka_unit_test(paths_are_absolute_and_plain),
		cmocka_unit_test(containers_are_hexadecimal),
		cmocka_unit_test(units_are_one_part_of_a_path),
		cmocka_unit_test(a_final_star_matches_what_begins_so),
		cmocka_unit_test(the_trust_domain_is_found_in_an_identity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
