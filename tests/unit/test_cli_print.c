// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cli/print: the two forms; cli/printable.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/array.h"
#include "base/cleanup.h"
#include "cli/print.h"
#include "cli/printable.h"

typedef void draw_fn(struct weft_print *p);

/* What @draw prints, for free(). */
static char *drawn(draw_fn *draw, bool json)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	struct weft_print *p = weft_print_create(f, json);

	draw(p);
	assert_int_equal(weft_print_finish(p), 0);
	fclose(f);
	return text;
}

static void expect(draw_fn *draw, const char *text, const char *json)
{
	_cleanup_free_ char *got_text = drawn(draw, false), *got_json = drawn(draw, true);

	assert_string_equal(got_text, text);
	assert_string_equal(got_json, json);
}

static void draw_row(struct weft_print *p, const char *name, unsigned int n,
		     const struct weft_strv *list, const char *addr_text)
{
	struct weft_addr addr = { 0 };

	if (addr_text)
		weft_addr_parse(&addr, addr_text);
	weft_print_row_begin(p);
	weft_print_string(p, "name", name);
	weft_print_number(p, "how_many", n);
	weft_print_strings(p, "list", list);
	weft_print_addr(p, "address", &addr);
	weft_print_list_begin(p, "pairs", n ? "a=1" : NULL);
	if (n) {
		weft_print_item_begin(p);
		weft_print_string(p, "a", "1");
		weft_print_item_end(p);
	}
	weft_print_list_end(p);
	weft_print_duration(p, "timeout", n * 1500);
	weft_print_row_end(p);
}

static void draw_table(struct weft_print *p)
{
	char *items[] = { "x", "y" };
	struct weft_strv list = { items, 2 }, none = { 0 };

	weft_print_table_begin(p);
	draw_row(p, "w\xc3\xa4" "b", 1, &list, "[fd00::1]:80");
	draw_row(p, NULL, 0, &none, NULL);
	weft_print_table_end(p);
}

static void tables_are_aligned_and_arrays_are_typed(void **state)
{
	expect(draw_table,
	       "NAME  HOW-MANY  LIST  ADDRESS       PAIRS  TIMEOUT\n"
	       "w\xc3\xa4" "b   1         x,y   [fd00::1]:80  a=1    1.5s\n"
	       "-     0         -     -             -      0s\n",
	       "[{\n"
	       "\t\t\"name\":\t\"w\xc3\xa4" "b\",\n"
	       "\t\t\"how_many\":\t1,\n"
	       "\t\t\"list\":\t[\"x\", \"y\"],\n"
	       "\t\t\"address\":\t\"[fd00::1]:80\",\n"
	       "\t\t\"pairs\":\t[{\n"
	       "\t\t\t\t\"a\":\t\"1\"\n"
	       "\t\t\t}],\n"
	       "\t\t\"timeout_ms\":\t1500\n"
	       "\t}, {\n"
	       "\t\t\"name\":\tnull,\n"
	       "\t\t\"how_many\":\t0,\n"
	       "\t\t\"list\":\t[],\n"
	       "\t\t\"address\":\tnull,\n"
	       "\t\t\"pairs\":\t[],\n"
	       "\t\t\"timeout_ms\":\t0\n"
	       "\t}]\n");
}

static void draw_empty(struct weft_print *p)
{
	weft_print_table_begin(p);
	weft_print_table_end(p);
}

static void an_empty_table_is_nothing_or_an_empty_array(void **state)
{
	expect(draw_empty, "", "[]\n");
}

static void draw_block(struct weft_print *p)
{
	char *items[] = { "one, and so on", "two" };
	struct weft_strv none = { 0 }, some = { items, 2 };

	weft_print_block_begin(p);
	weft_print_sentences(p, "none", &none);
	weft_print_sentences(p, "said", &some);
	weft_print_string(p, "short", "1");
	weft_print_string(p, "rather_long", "first\nsecond");
	weft_print_string(p, "missing", NULL);
	weft_print_strings(p, "empty", &none);
	weft_print_group_begin(p, "group", NULL);
	weft_print_number(p, "big", UINT64_MAX);
	weft_print_group_end(p);
	weft_print_group_begin(p, "titled", "title");
	weft_print_number(p, "in_it", 1);
	weft_print_group_end(p);
	weft_print_number(p, "after", 2);
	weft_print_block_end(p);
}

static void blocks_leave_out_what_is_missing_and_numbers_stay_exact(void **state)
{
	expect(draw_block,
	       "said:         one, and so on\n"
	       "said:         two\n"
	       "short:        1\n"
	       "rather long:  first\n"
	       "              second\n"
	       "big:          18446744073709551615\n"
	       "title:\n"
	       "  in it:      1\n"
	       "after:        2\n",
	       "{\n"
	       "\t\"none\":\t[],\n"
	       "\t\"said\":\t[\"one, and so on\", \"two\"],\n"
	       "\t\"short\":\t\"1\",\n"
	       "\t\"rather_long\":\t\"first\\nsecond\",\n"
	       "\t\"missing\":\tnull,\n"
	       "\t\"empty\":\t[],\n"
	       "\t\"group\":\t{\n"
	       "\t\t\"big\":\t18446744073709551615\n"
	       "\t},\n"
	       "\t\"titled\":\t{\n"
	       "\t\t\"in_it\":\t1\n"
	       "\t},\n"
	       "\t\"after\":\t2\n"
	       "}\n");
}

static void draw_records(struct weft_print *p)
{
	weft_print_record_begin(p, "one sentence");
	weft_print_number(p, "n", 1);
	weft_print_record_end(p);
	weft_print_record_begin(p, "another");
	weft_print_number(p, "n", 2);
	weft_print_record_end(p);
}

static void records_are_one_line_each(void **state)
{
	expect(draw_records, "one sentence\nanother\n", "{\"n\":1}\n{\"n\":2}\n");
}

static void draw_hostile(struct weft_print *p)
{
	weft_print_table_begin(p);
	weft_print_row_begin(p);
	weft_print_string(p, "comm", "a\x1b[2J\nb\xff");
	weft_print_row_end(p);
	weft_print_table_end(p);
}

static void text_from_elsewhere_cannot_harm_terminal_or_parser(void **state)
{
	expect(draw_hostile, "COMM\na\\x1b[2J\\x0ab\\xff\n",
	       "[{\n\t\t\"comm\":\t\"a\\u001b[2J\\nb\\\\xff\"\n\t}]\n");
}

static void only_what_is_not_text_is_rewritten(void **state)
{
	static const struct {
		const char *in, *out;
	} table[] = {
		{ "", "" }, { "plain", "plain" }, { "\xc3\xa4\xe2\x82\xac", "\xc3\xa4\xe2\x82\xac" },
		{ "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80" }, { "\x7f", "\\x7f" },
		{ "\xc2\x9b" "x", "\\xc2\\x9bx" },	 /* C1: CSI */
		{ "\xe2\x80\xae", "\\xe2\\x80\\xae" },	 /* right-to-left override */
		{ "\xc0\xaf", "\\xc0\\xaf" },		 /* overlong */
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },	 /* surrogate */
		{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" }, /* above U+10FFFF */
		{ "\xf0\x9f\x98", "\\xf0\\x9f\\x98" },	 /* cut */
		{ "\x80", "\\x80" }, { "\xfe", "\\xfe" }, { "\xc3" "A", "\\xc3" "A" },
	};
	size_t i;

	for (i = 0; i < WEFT_ARRAY_SIZE(table); i++) {
		_cleanup_free_ char *out = weft_printable(table[i].in, true);

		assert_string_equal(out, table[i].out);
	}
	assert_int_equal(weft_printable_width("\xc3\xa4\xe2\x82\xac" "a"), 3);
}

static void output_that_cannot_be_written_is_an_error(void **state)
{
	FILE *f = fopen("/dev/full", "w");
	struct weft_print *p = weft_print_create(f, false);

	weft_print_record_begin(p, "text");
	weft_print_record_end(p);
	assert_int_equal(weft_print_error(p), -ENOSPC);
	assert_int_equal(weft_print_finish(p), -ENOSPC);
	fclose(f);
}

static void what_is_not_finished_is_not_printed_in_json(void **state)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	struct weft_print *p = weft_print_create(f, true);

	weft_print_table_begin(p);
	weft_print_row_begin(p);
	weft_print_number(p, "n", 1);
	assert_int_equal(weft_print_finish(p), 0);
	fclose(f);
	assert_string_equal(text, "");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_are_aligned_and_arrays_are_typed),
		cmocka_unit_test(an_empty_table_is_nothing_or_an_empty_array),
		cmocka_unit_test(blocks_leave_out_what_is_missing_and_numbers_stay_exact),
		cmocka_unit_test(records_are_one_line_each),
		cmocka_unit_test(text_from_elsewhere_cannot_harm_terminal_or_parser),
		cmocka_unit_test(only_what_is_not_text_is_rewritten),
		cmocka_unit_test(output_that_cannot_be_written_is_an_error),
		cmocka_unit_test(what_is_not_finished_is_not_printed_in_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
