// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Points in time as people write them.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/array.h"
#include "base/when.h"

#define SEC UINT64_C(1000000)

/* 2026-11-27 14:30:15.5 UTC */
#define NOW (UINT64_C(1795789815) * SEC + 500000)
#define MIDNIGHT UINT64_C(1795737600)

static const struct {
	const char *text;
	uint64_t when; /* seconds; 0: as far back from NOW as @ago */
	uint64_t ago;
} good[] = {
	{ "7d", 0, 7 * 86400 },
	{ "-7d", 0, 7 * 86400 },
	{ "2 days ago", 0, 2 * 86400 },
	{ "36h", 0, 36 * 3600 },
	{ "1h 30min ago", 0, 5400 },
	{ "1h30m", 0, 5400 },
	{ "2w", 0, 14 * 86400 },
	{ "90 seconds", 0, 90 },
	{ "now", 0, 0 },
	{ "0s", 0, 0 },
	{ "@1795000000", 1795000000, 0 },
	{ "today", MIDNIGHT, 0 },
	{ "yesterday", MIDNIGHT - 86400, 0 },
	{ "yesterday 12:00", MIDNIGHT - 43200, 0 },
	{ "2026-11-27", MIDNIGHT, 0 },
	{ "2026-11-27 14:00", MIDNIGHT + 14 * 3600, 0 },
	{ "2026-11-27 14:00:30", MIDNIGHT + 14 * 3600 + 30, 0 },
	{ "2026-2-1 1:2:3", 1769907723, 0 },
	{ "14:00", MIDNIGHT + 14 * 3600, 0 },
	{ "1970-01-01", 0, 1795789815 },
};

static const struct {
	const char *text;
	int error;
} bad[] = {
	{ "", -EINVAL },
	{ "soon", -EINVAL },
	{ "7", -EINVAL },
	{ "7x", -EINVAL },
	{ "7d ahead", -EINVAL },
	{ "-", -EINVAL },
	{ "--7d", -EINVAL },
	{ "+7d", -EINVAL },
	{ "7d agogo", -EINVAL },
	{ "2026-13-01", -EINVAL },
	{ "2026-00-01", -EINVAL },
	{ "2026-01-32", -EINVAL },
	{ "2026-11", -EINVAL },
	{ "1969-12-31", -EINVAL },
	{ "2026-11-27T14:00", -EINVAL },
	{ "2026-11-27 24:00", -EINVAL },
	{ "2026-11-27 14:60", -EINVAL },
	{ "2026-11-27 14:00:60", -EINVAL },
	{ "2026-11-27 14", -EINVAL },
	{ "2026-11-27 ", -EINVAL },
	{ "14:00 14:00", -EINVAL },
	{ "14:", -EINVAL },
	{ "014:00", -EINVAL },
	{ "@", -EINVAL },
	{ "@x", -EINVAL },
	{ "@-1", -EINVAL },
	{ "now ", -EINVAL },
	{ "2026-11-28", -ERANGE },
	{ "15:00", -ERANGE },
	{ "@1795789816", -ERANGE },
	{ "60y", -EINVAL },
	{ "30000d", -ERANGE },
	{ "99999999999999999999d", -ERANGE },
	{ "@99999999999999999999", -ERANGE },
	{ "253402300799w", -ERANGE },
};

static void each_form_is_read(void **state)
{
	uint64_t when, wanted;

	for (size_t i = 0; i < WEFT_ARRAY_SIZE(good); i++) {
		when = 1;
		wanted = good[i].when ? good[i].when * SEC : NOW - good[i].ago * SEC;
		if (!strcmp(good[i].text, "1970-01-01"))
			wanted = 0;
		if (weft_when_parse(good[i].text, NOW, &when) || when != wanted)
			fail_msg("\"%s\": %" PRIu64 ", not %" PRIu64, good[i].text, when, wanted);
	}
}

static void all_else_is_refused(void **state)
{
	uint64_t when = 1;

	for (size_t i = 0; i < WEFT_ARRAY_SIZE(bad); i++) {
		int r = weft_when_parse(bad[i].text, NOW, &when);

		if (r != bad[i].error)
			fail_msg("\"%s\": %d, not %d", bad[i].text, r, bad[i].error);
		assert_int_equal(when, 1);
	}
}

static void days_are_those_of_the_time_zone(void **state)
{
	uint64_t when;

	setenv("TZ", "UTC-2", 1); /* east of Greenwich */
	tzset();
	assert_int_equal(weft_when_parse("today", NOW, &when), 0);
	assert_int_equal(when / SEC, MIDNIGHT - 7200);
	setenv("TZ", "UTC", 1);
	tzset();
}

static void times_are_written_in_utc(void **state)
{
	char buf[WEFT_WHEN_TEXT_MAX];

	assert_string_equal(weft_when_format(NOW, buf), "2026-11-27 14:30:15 UTC");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_form_is_read),
		cmocka_unit_test(all_else_is_refused),
		cmocka_unit_test(days_are_those_of_the_time_zone),
		cmocka_unit_test(times_are_written_in_utc),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
