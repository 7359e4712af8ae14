// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What weftd tells of trouble: read as it was written, a line each.
 */
#include <errno.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "conf/trouble.h"
#include "conf_text.h"

static char dir[40];
static unsigned int synced;

int fsync(int fd)
{
	synced++;
	return 0;
}

static int setup(void **state)
{
	strcpy(dir, "/tmp/weft-trouble-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	return weft_dir_remove(dir, NULL);
}

static void write_lines(const char *const *lines, size_t n)
{
	_cleanup_(weft_strv_uninit) struct weft_strv list = { 0 };

	for (size_t i = 0; i < n; i++)
		assert_int_equal(weft_strv_add(&list, lines[i]), 0);
	assert_int_equal(weft_trouble_write(dir, &list, NULL), 0);
}

static void is_read_as_it_was_written(void **state)
{
	static const char *const lines[] = { "one of \"a\nb\"", "two" };
	_cleanup_(weft_strv_uninit) struct weft_strv list = { 0 };

	assert_int_equal(weft_trouble_read(dir, &list, NULL), -ENOENT);
	write_lines(lines, 2);
	assert_int_equal(weft_trouble_read(dir, &list, NULL), 0);
	assert_int_equal(list.count, 2);
	assert_string_equal(list.items[0], "one of \"a b\"");
	assert_string_equal(list.items[1], "two");
	weft_strv_uninit(&list);
	write_lines(NULL, 0);
	assert_int_equal(weft_trouble_read(dir, &list, NULL), 0);
	assert_int_equal(list.count, 0);
}

static void of_very_many_the_first_are_told(void **state)
{
	_cleanup_(weft_strv_uninit) struct weft_strv list = { 0 };
	const char *lines[WEFT_TROUBLE_MAX + 3];

	for (size_t i = 0; i < WEFT_ARRAY_SIZE(lines); i++)
		lines[i] = i ? "next" : "first";
	write_lines(lines, WEFT_ARRAY_SIZE(lines));
	assert_int_equal(weft_trouble_read(dir, &list, NULL), 0);
	assert_int_equal(list.count, WEFT_TROUBLE_MAX + 1);
	assert_string_equal(list.items[0], "first");
	assert_string_equal(list.items[WEFT_TROUBLE_MAX], "3 more, see the journal of weftd");
}

static void the_longest_is_read_whole(void **state)
{
	_cleanup_(weft_strv_uninit) struct weft_strv list = { 0 };
	_cleanup_free_ char *longest = malloc(4096);
	const char *lines[WEFT_TROUBLE_MAX];

	assert_non_null(longest);
	memset(longest, 'x', 4095);
	longest[4095] = '\0';
	for (size_t i = 0; i < WEFT_TROUBLE_MAX; i++)
		lines[i] = longest;
	write_lines(lines, WEFT_TROUBLE_MAX);
	assert_int_equal(weft_trouble_read(dir, &list, NULL), 0);
	assert_int_equal(list.count, WEFT_TROUBLE_MAX);
	assert_string_equal(list.items[WEFT_TROUBLE_MAX - 1], longest);
}

/* weftd tells it on its main loop. */
static void telling_does_not_wait_for_the_disk(void **state)
{
	synced = 0;
	write_lines((const char *const[]){ "one" }, 1);
	assert_int_equal(synced, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(is_read_as_it_was_written, setup, teardown),
		cmocka_unit_test_setup_teardown(of_very_many_the_first_are_told, setup, teardown),
		cmocka_unit_test_setup_teardown(the_longest_is_read_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(telling_does_not_wait_for_the_disk, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
