// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What weftd tells weftctl of its configuration: as it was written, or an error.
 */
#include <errno.h>

#include "base/boot.h"
#include "base/file.h"
#include "conf/outcome.h"
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
	strcpy(dir, "/tmp/weft-outcome-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	return weft_dir_remove(dir, NULL);
}

static void put(const char *text)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/outcome", dir);
	assert_int_equal(weft_file_write(path, text, strlen(text), 0600, NULL), 0);
}

static void is_read_as_it_was_written(void **state)
{
	struct weft_outcome in = {
		.began = UINT64_MAX,
		.generation = 7,
		.again = true,
		.writable = true,
		.error = "/a\nb.yaml:1: no",
		.trust_domain = "example.org",
		.dir = "/etc/weft/conf.d",
	};
	struct weft_outcome out = { 0 };

	assert_int_equal(weft_outcome_read(dir, &out, NULL), -ENOENT);
	assert_int_equal(weft_outcome_write(dir, &in, NULL), 0);
	assert_int_equal(weft_outcome_read(dir, &out, NULL), 0);
	assert_true(out.began == UINT64_MAX);
	assert_int_equal(out.generation, 7);
	assert_true(out.again);
	assert_true(out.writable);
	assert_string_equal(out.error, "/a b.yaml:1: no");
	assert_string_equal(out.trust_domain, "example.org");
	assert_string_equal(out.dir, "/etc/weft/conf.d");
	weft_outcome_uninit(&out);

	in.error = "";
	in.again = in.writable = false;
	assert_int_equal(weft_outcome_write(dir, &in, NULL), 0);
	assert_int_equal(weft_outcome_read(dir, &out, NULL), 0);
	assert_string_equal(out.error, "");
	assert_false(out.again);
	assert_false(out.writable);
	weft_outcome_uninit(&out);
}

/* weftd tells it on its main loop. */
static void telling_does_not_wait_for_the_disk(void **state)
{
	const struct weft_outcome in = {.error = "", .trust_domain = "d", .dir = "/c"};

	synced = 0;
	assert_int_equal(weft_outcome_write(dir, &in, NULL), 0);
	assert_int_equal(synced, 0);
}

static void of_another_boot_nothing_began(void **state)
{
	struct weft_outcome out = { 0 };

	put("boot x\nbegan 5\ngeneration 6\nagain 0\nwritable 0\ntrust-domain d\nerror \ndir /c\n");
	assert_int_equal(weft_outcome_read(dir, &out, NULL), 0);
	assert_int_equal(out.began, 0);
	assert_int_equal(out.generation, 0);
	assert_string_equal(out.dir, "/c");
	weft_outcome_uninit(&out);
}

static void what_is_not_one_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"boot\n",
		"boot x\nbegan -1\n",
		"boot x\nbegan 5\ngeneration 6\nagain 2\n",
		"boot x\nbegan 5\ngeneration 6\nagain 0\ntrust-domain d\nerror \ndir /c\n",
		"boot x\nbegan 5\ngeneration 6\nagain 0\nwritable 2\ntrust-domain d\nerror \ndir /c\n",
		"boot x\nbegan 5\ngeneration 6\nagain 0\nwritable 0\ntrust-domain d\nerror \n",
		"boot x\nbegan 5\ngeneration 6\nagain 0\nwritable 0\ntrust-domain d\nerror \ndir /c",
		"boot x\nbegan 5\ngeneration 6\nagain 0\nwritable 0\ntrust-domain d\nerror \ndir /c\nd\n",
	};
	struct weft_outcome out = { 0 };
	struct weft_error err = { 0 };

	for (size_t i = 0; i < WEFT_ARRAY_SIZE(bad); i++) {
		put(bad[i]);
		assert_int_equal(weft_outcome_read(dir, &out, &err), -EINVAL);
		assert_non_null(strstr(err.text, "/outcome: not what weftd"));
		assert_null(out.dir);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(is_read_as_it_was_written, setup, teardown),
		cmocka_unit_test_setup_teardown(telling_does_not_wait_for_the_disk, setup,
						teardown),
		cmocka_unit_test_setup_teardown(of_another_boot_nothing_began, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_not_one_is_refused, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
