// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * "Did you mean ...?"
 */
#include <limits.h>

#include "conf/suggest.h"
#include "conf_text.h"

static void distance_counts_slips(void **state)
{
	static const struct {
		const char *a, *b;
		unsigned int distance;
	} cases[] = {
		{ "", "", 0 },		 { "", "abc", 3 },	{ "abc", "", 3 },
		{ "port", "port", 0 },	 { "port", "PORT", 0 }, { "prot", "port", 1 },
		{ "pot", "port", 1 },	 { "poort", "port", 1 }, { "pirt", "port", 1 },
		{ "kitten", "sitting", 3 }, { "ca", "abc", 3 },	{ "abcd", "badc", 2 },
	};

	for (size_t i = 0; i < WEFT_ARRAY_SIZE(cases); i++) {
		assert_int_equal(weft_suggest_distance(cases[i].a, cases[i].b), cases[i].distance);
		assert_int_equal(weft_suggest_distance(cases[i].b, cases[i].a), cases[i].distance);
	}
}

static void long_words_are_far_from_all(void **state)
{
	char longest[64], too_long[65];

	memset(longest, 'a', 63);
	longest[63] = '\0';
	memset(too_long, 'a', 64);
	too_long[64] = '\0';
	assert_int_equal(weft_suggest_distance(longest, longest), 0);
	assert_int_equal(weft_suggest_distance(longest, too_long), UINT_MAX);
	assert_int_equal(weft_suggest_distance(too_long, longest), UINT_MAX);
}

static const char *suggested(const char *word, const char *const *candidates)
{
	struct weft_suggest s;

	weft_suggest_init(&s, word);
	for (; *candidates; candidates++)
		weft_suggest_try(&s, *candidates);
	return s.best;
}

static void nearest_candidate_wins_if_near_enough(void **state)
{
	static const char *const fields[] = { "addresses", "ports", "endpoints", NULL };

	assert_string_equal(suggested("adresses", fields), "addresses");
	assert_string_equal(suggested("port", fields), "ports");
	assert_string_equal(suggested("endPoint", fields), "endpoints");
	assert_null(suggested("protocol", fields));
	assert_null(suggested("x", fields));
	assert_null(suggested("", fields));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(distance_counts_slips),
		cmocka_unit_test(long_words_are_far_from_all),
		cmocka_unit_test(nearest_candidate_wins_if_near_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
