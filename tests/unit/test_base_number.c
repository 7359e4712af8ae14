// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * base/number and base/enums: numbers, durations, words of enumerations.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include "base/array.h"
#include "base/enums.h"
#include "base/number.h"

static void numbers_have_digits_only_and_stay_in_range(void **state)
{
	static const char *const wrong[] = { "", " 1", "1 ", "+1", "-1", "0x1", "1e3", "1.0", "a" };
	uint64_t v = 77;
	size_t i;

	for (i = 0; i < WEFT_ARRAY_SIZE(wrong); i++)
		assert_int_equal(weft_number_parse(wrong[i], 0, UINT64_MAX, &v), -EINVAL);
	assert_int_equal(weft_number_parse("0", 1, 5, &v), -ERANGE);
	assert_int_equal(weft_number_parse("6", 1, 5, &v), -ERANGE);
	assert_int_equal(weft_number_parse("18446744073709551616", 0, UINT64_MAX, &v), -ERANGE);
	assert_int_equal(weft_number_parse("99999999999999999999999", 0, UINT64_MAX, &v), -ERANGE);
	assert_int_equal(v, 77);
	assert_int_equal(weft_number_parse("0005", 1, 5, &v), 0);
	assert_int_equal(v, 5);
	assert_int_equal(weft_number_parse("18446744073709551615", 0, UINT64_MAX, &v), 0);
	assert_true(v == UINT64_MAX);
}

static void durations_are_read(void **state)
{
	static const struct {
		const char *text;
		uint64_t ms;
	} good[] = {
		{ "0", 0 }, { "0s", 0 }, { "10ms", 10 }, { "2s", 2000 }, { "1.5s", 1500 },
		{ "0.001s", 1 }, { "2m", 120000 }, { "1h", 3600000 }, { "1m30s", 90000 },
		{ "1h2m3s4ms", 3723004 }, { "0.5h", 1800000 }, { "90s90s", 180000 },
		{ "1.50000000s", 1500 }, { "600s", 600000 },
	};
	uint64_t ms;
	size_t i;

	for (i = 0; i < WEFT_ARRAY_SIZE(good); i++) {
		ms = 99;
		if (weft_duration_parse(good[i].text, &ms) || ms != good[i].ms)
			fail_msg("\"%s\" is %llu", good[i].text, (unsigned long long)ms);
	}
}

static void what_is_no_duration_is_refused(void **state)
{
	static const char *const bad[] = { "", "s", "5", "5x", "1.s", ".5s", "1.5", "0.0001s",
					   "-1s", "+1s", "1 s", " 1s", "1s ", "1s5", "1d", "1us",
					   "1.0000000001s", "1,5s" };
	uint64_t ms = 99;
	size_t i;

	for (i = 0; i < WEFT_ARRAY_SIZE(bad); i++)
		if (weft_duration_parse(bad[i], &ms) != -EINVAL)
			fail_msg("\"%s\" was accepted", bad[i]);
	assert_int_equal(weft_duration_parse("99999999999999999999h", &ms), -ERANGE);
	assert_int_equal(weft_duration_parse("9007199254740993ms", &ms), -ERANGE);
	assert_int_equal(weft_duration_parse("9007199254740992ms1ms", &ms), -ERANGE);
	assert_int_equal(ms, 99);
}

static void durations_written_are_read_as_the_same(void **state)
{
	static const struct {
		uint64_t ms;
		const char *text;
	} table[] = {
		{ 0, "0s" }, { 1, "1ms" }, { 999, "999ms" }, { 1000, "1s" }, { 1500, "1.5s" },
		{ 1004, "1.004s" }, { 60000, "1m" }, { 90000, "1m30s" }, { 60001, "1m0.001s" },
		{ 3600000, "1h" }, { 3723004, "1h2m3.004s" }, { 360000000, "100h" },
		{ UINT64_C(1) << 53, "2501999792h59m0.992s" },
	};
	char buf[WEFT_DURATION_TEXT_MAX];
	uint64_t ms;
	size_t i;

	for (i = 0; i < WEFT_ARRAY_SIZE(table); i++) {
		assert_string_equal(weft_duration_format(table[i].ms, buf), table[i].text);
		assert_int_equal(weft_duration_parse(buf, &ms), 0);
		assert_true(ms == table[i].ms);
	}
}

static void each_reason_is_its_name_in_lower_case_and_is_read_back(void **state)
{
	static const char *const names[] = {
#define NAME(n) #n,
		WEFT_REASONS(NAME)
#undef NAME
	};
	enum weft_reason reason;
	const char *name;
	size_t i, j;

	assert_int_equal(WEFT_ARRAY_SIZE(names), WEFT_REASON_MAX + 1);
	for (i = 0; i <= WEFT_REASON_MAX; i++) {
		name = weft_reason_name(i);
		assert_int_equal(strlen(name), strlen(names[i]));
		for (j = 0; name[j]; j++)
			assert_int_equal(name[j], names[i][j] == '_' ? '-' : tolower(names[i][j]));
		assert_int_equal(weft_reason_parse(name, &reason), 0);
		assert_int_equal(reason, i);
	}
	assert_string_equal(weft_reason_name(WEFT_REASON_POLICY_DENIED), "policy-denied");
	assert_string_equal(weft_reason_name(WEFT_REASON_MAX + 1), "unknown");
	assert_string_equal(weft_reason_name(-1), "unknown");
	assert_int_equal(weft_reason_parse("unknown", &reason), -EINVAL);
	assert_int_equal(weft_reason_parse("NONE", &reason), -EINVAL);
}

static void the_other_enumerations_have_their_words(void **state)
{
	enum weft_action action;
	enum weft_mode mode;
	unsigned int i;

	for (i = 0; i <= WEFT_MODE_MAX; i++) {
		assert_int_equal(weft_mode_parse(weft_mode_name(i), &mode), 0);
		assert_int_equal(mode, i);
	}
	for (i = 0; i <= WEFT_ACTION_MAX; i++) {
		assert_int_equal(weft_action_parse(weft_action_name(i), &action), 0);
		assert_int_equal(action, i);
	}
	for (i = 0; i <= WEFT_EVENT_MAX; i++)
		assert_string_not_equal(weft_event_name(i), "unknown");
	for (i = 0; i <= WEFT_CONN_DEAD; i++)
		assert_string_not_equal(weft_state_name(i), "unknown");
	assert_string_equal(weft_mode_name(WEFT_MODE_STRICT), "strict");
	assert_string_equal(weft_action_name(WEFT_ACTION_DENY), "deny");
	assert_string_equal(weft_owner_name(WEFT_OWNER_STATIC), "static");
	assert_string_equal(weft_role_name(WEFT_ROLE_SERVER), "server");
	assert_string_equal(weft_state_name(WEFT_CONN_LIVE), "live");
	assert_string_equal(weft_event_name(WEFT_EVENT_ENDPOINT_FAILED), "endpoint-failed");
	assert_string_equal(weft_mode_name(99), "unknown");
	assert_string_equal(weft_state_name(99), "unknown");
	assert_int_equal(weft_mode_parse("Strict", &mode), -EINVAL);
	assert_int_equal(weft_action_parse("", &action), -EINVAL);
}

static void errnos_have_their_names(void **state)
{
	assert_string_equal(weft_errno_name(EACCES), "EACCES");
	assert_string_equal(weft_errno_name(-ECONNREFUSED), "ECONNREFUSED");
	assert_string_equal(weft_errno_name(4095), "errno 4095");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_have_digits_only_and_stay_in_range),
		cmocka_unit_test(durations_are_read),
		cmocka_unit_test(what_is_no_duration_is_refused),
		cmocka_unit_test(durations_written_are_read_as_the_same),
		cmocka_unit_test(each_reason_is_its_name_in_lower_case_and_is_read_back),
		cmocka_unit_test(the_other_enumerations_have_their_words),
		cmocka_unit_test(errnos_have_their_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
