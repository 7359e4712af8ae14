// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Serial numbers: one way to compare them, whatever way they were written.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include "base/array.h"
#include "base/serial.h"

#define LONGEST "ff112233445566778899aabbccddeeff00112233"

static void every_way_to_write_one_is_the_same(void **state)
{
	static const struct {
		const char *text, *serial;
	} good[] = {
		{ "0A1B2C", "0a1b2c" },
		{ "0a:1b:2c", "0a1b2c" },
		{ "0A:1b2C", "0a1b2c" },
		{ "00:0a:1b:2c", "0a1b2c" },
		{ "00000a1b2c", "0a1b2c" },
		{ "00", "00" },
		{ "00:00", "00" },
		{ "0000000000000000000000000000000000000000000000", "00" },
		{ "10", "10" },
		{ "0100", "0100" },
		{ "00" LONGEST, LONGEST },
		{ LONGEST, LONGEST },
	};

	assert_int_equal(strlen(LONGEST), WEFT_SERIAL_MAX);
	for (size_t i = 0; i < WEFT_ARRAY_SIZE(good); i++) {
		char serial[WEFT_SERIAL_SIZE];

		assert_null(weft_serial_parse(good[i].text, serial));
		assert_string_equal(serial, good[i].serial);
		assert_null(weft_serial_parse(serial, serial));
		assert_string_equal(serial, good[i].serial);
	}
}

static void what_is_no_serial_is_refused(void **state)
{
	static const char *const bad[] = {
		"",	 "0",	  "abc",  "0x01", "01:",  ":01",     "01::02", "0:1",
		"01:2",	 "01 02", " 01",  "01\n", "-01",  "serial=01", "g0",   "0\xe9",
		("01" LONGEST),
	};

	for (size_t i = 0; i < WEFT_ARRAY_SIZE(bad); i++) {
		char serial[WEFT_SERIAL_SIZE] = "same";

		if (!weft_serial_parse(bad[i], serial))
			fail_msg("\"%s\" is taken", bad[i]);
		assert_string_equal(serial, "same");
	}
	assert_string_equal(weft_serial_parse("01" LONGEST, (char[WEFT_SERIAL_SIZE]){ 0 }),
			    "longer than 20 bytes");
}

static void bytes_are_written_without_zeros_in_front(void **state)
{
	const unsigned char bytes[22] = { 0, 0, 0xab, [21] = 1 };
	char serial[WEFT_SERIAL_SIZE];

	assert_int_equal(weft_serial_format(bytes, 3, serial), 0);
	assert_string_equal(serial, "ab");
	assert_int_equal(weft_serial_format(bytes, 2, serial), 0);
	assert_string_equal(serial, "00");
	assert_int_equal(weft_serial_format(bytes, 0, serial), 0);
	assert_string_equal(serial, "00");
	assert_int_equal(weft_serial_format(bytes, 22, serial), 0);
	assert_string_equal(serial, "ab00000000000000000000000000000000000001");
}

static void more_bytes_than_allowed_are_none(void **state)
{
	const unsigned char bytes[21] = { 1 };
	char serial[WEFT_SERIAL_SIZE] = "same";

	assert_int_equal(weft_serial_format(bytes, 21, serial), -EOVERFLOW);
	assert_string_equal(serial, "same");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_way_to_write_one_is_the_same),
		cmocka_unit_test(what_is_no_serial_is_refused),
		cmocka_unit_test(bytes_are_written_without_zeros_in_front),
		cmocka_unit_test(more_bytes_than_allowed_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
