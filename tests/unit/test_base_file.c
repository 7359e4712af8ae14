// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * base/file, base/lock, base/boot, base/hex, base/error, base/strv, base/array, base/cleanup.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include "base/array.h"
#include "base/boot.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/lock.h"
#include "base/hex.h"
#include "base/strv.h"

static char dir[64];

static const char *path_of(const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static int make_dir(void **state)
{
	strcpy(dir, "/tmp/weft-test-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	struct dirent *entry;
	DIR *d = opendir(dir);

	while (d && (entry = readdir(d)))
		if (entry->d_name[0] != '.' && unlink(path_of(entry->d_name)))
			rmdir(path_of(entry->d_name));
	if (d)
		closedir(d);
	return rmdir(dir);
}

static unsigned int count_files(void)
{
	struct dirent *entry;
	unsigned int n = 0;
	DIR *d = opendir(dir);

	while ((entry = readdir(d)))
		n += entry->d_name[0] != '.';
	closedir(d);
	return n;
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static void what_is_written_is_read_back(void **state)
{
	_cleanup_free_ char *data = NULL;
	struct weft_error err = { 0 };
	char big[10000];
	size_t len = 0;

	memset(big, 'x', sizeof(big));
	assert_int_equal(weft_file_write(path_of("f"), big, sizeof(big), 0600, &err), 0);
	assert_int_equal(weft_file_read(path_of("f"), sizeof(big), &data, &len, &err), 0);
	assert_int_equal(len, sizeof(big));
	assert_memory_equal(data, big, len);
	assert_int_equal(data[len], '\0');
	assert_string_equal(err.text, "");
}

static void an_empty_file_is_an_empty_string(void **state)
{
	_cleanup_free_ char *data = NULL;
	size_t len = 7;

	assert_int_equal(weft_file_write(path_of("f"), "", 0, 0600, NULL), 0);
	assert_int_equal(weft_file_read(path_of("f"), 0, &data, &len, NULL), 0);
	assert_int_equal(len, 0);
	assert_string_equal(data, "");
}

static void a_file_longer_than_allowed_is_refused(void **state)
{
	struct weft_error err = { 0 };
	char *data = NULL;
	size_t len = 7;

	weft_file_write(path_of("f"), "12345", 5, 0600, NULL);
	assert_int_equal(weft_file_read(path_of("f"), 4, &data, &len, &err), -EFBIG);
	assert_non_null(strstr(err.text, "/f: longer than 4 bytes"));
	assert_null(data);
	assert_int_equal(len, 7);
}

static void what_is_no_file_is_refused_without_waiting(void **state)
{
	struct weft_error err = { 0 };
	char *data = NULL;
	size_t len;

	assert_int_equal(weft_file_read(path_of("f"), 4, &data, &len, &err), -ENOENT);
	assert_non_null(strstr(err.text, "cannot open: No such file or directory"));
	assert_int_equal(weft_file_read(dir, 4, &data, &len, &err), -EINVAL);
	assert_int_equal(mkfifo(path_of("fifo"), 0600), 0);
	assert_int_equal(weft_file_read(path_of("fifo"), 4, &data, &len, &err), -EINVAL);
	assert_non_null(strstr(err.text, "fifo: not a regular file"));
}

static void writing_sets_the_mode_whatever_umask_and_old_file_say(void **state)
{
	mode_t old = umask(0777);

	assert_int_equal(weft_file_write(path_of("f"), "1", 1, 0644, NULL), 0);
	umask(0);
	assert_int_equal(mode_of(path_of("f")), 0644);
	assert_int_equal(weft_file_write(path_of("f"), "2", 1, 0600, NULL), 0);
	umask(old);
	assert_int_equal(mode_of(path_of("f")), 0600);
	assert_int_equal(count_files(), 1);
}

static void a_file_is_filled_under_its_name(void **state)
{
	_cleanup_free_ char *data = NULL;
	struct weft_error err = { 0 };
	struct stat st;
	size_t len;

	weft_file_write(path_of("f"), "longer than that", 16, 0600, NULL);
	assert_int_equal(weft_file_fill(path_of("f"), "1", 1, 0644, NULL), 0);
	assert_int_equal(weft_file_read(path_of("f"), 10, &data, &len, NULL), 0);
	assert_string_equal(data, "1");
	assert_int_equal(stat(path_of("f"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(weft_file_fill(path_of("no/f"), "1", 1, 0644, &err), -ENOENT);
	assert_non_null(strstr(err.text, "no/f: cannot create: "));
}

static void filling_a_name_does_not_write_through_it(void **state)
{
	_cleanup_free_ char *data = NULL, *target = NULL;
	char other[128], name[128];
	size_t len;

	snprintf(other, sizeof(other), "%s/other", dir);
	snprintf(name, sizeof(name), "%s/f", dir);
	weft_file_write(other, "its own", 7, 0600, NULL);
	assert_int_equal(link(other, name), 0);
	assert_int_equal(weft_file_fill(name, "1", 1, 0644, NULL), 0);
	assert_int_equal(weft_file_read(other, 10, &data, &len, NULL), 0);
	assert_string_equal(data, "its own");
	assert_int_equal(unlink(name), 0);
	assert_int_equal(symlink("none", name), 0);
	assert_int_equal(weft_file_fill(name, "1", 1, 0644, NULL), 0);
	assert_int_equal(access(path_of("none"), F_OK), -1);
	assert_int_equal(weft_file_read(name, 10, &target, &len, NULL), 0);
	assert_string_equal(target, "1");
}

static void a_write_that_fails_leaves_nothing_behind(void **state)
{
	struct weft_error err = { 0 };

	assert_int_equal(mkdir(path_of("d"), 0700), 0);
	assert_int_equal(weft_file_write(path_of("d"), "1", 1, 0600, &err), -EISDIR);
	assert_non_null(strstr(err.text, "/d: cannot replace: Is a directory"));
	assert_int_equal(count_files(), 1);
	assert_int_equal(weft_file_write(path_of("no/f"), "1", 1, 0600, &err), -ENOENT);
	assert_int_equal(count_files(), 1);
}

static void a_directory_is_made_with_its_mode_once(void **state)
{
	struct weft_error err = { 0 };
	mode_t old = umask(0077);

	assert_int_equal(weft_dir_create(path_of("d"), 0750, &err), 0);
	umask(old);
	assert_int_equal(mode_of(path_of("d")), 0750);
	assert_int_equal(weft_dir_create(path_of("d/"), 0700, &err), 0);
	assert_int_equal(mode_of(path_of("d")), 0750);
	weft_file_write(path_of("f"), "1", 1, 0600, NULL);
	assert_int_equal(weft_dir_create(path_of("f"), 0700, &err), -ENOTDIR);
	assert_non_null(strstr(err.text, "/f: not a directory"));
}

static void parents_of_a_directory_are_made_too(void **state)
{
	mode_t old = umask(022);
	char deep[128], parent[128];

	snprintf(parent, sizeof(parent), "%s/p", dir);
	snprintf(deep, sizeof(deep), "%s/p/q", dir);
	assert_int_equal(weft_dir_create(deep, 0700, NULL), 0);
	umask(old);
	assert_int_equal(mode_of(deep), 0700);
	assert_int_equal(mode_of(parent), 0755);
	assert_int_equal(rmdir(deep), 0);
}

static void a_directory_is_removed_with_all_that_is_in_it(void **state)
{
	struct weft_error err = { 0 };

	assert_int_equal(weft_dir_create(path_of("d/e/f"), 0700, NULL), 0);
	assert_int_equal(weft_file_write(path_of("outside"), "1", 1, 0600, NULL), 0);
	assert_int_equal(weft_file_write(path_of("d/e/x"), "1", 1, 0600, NULL), 0);
	assert_int_equal(symlink("../outside", path_of("d/link")), 0);
	assert_int_equal(weft_dir_sync(path_of("d"), NULL), 0);
	assert_int_equal(weft_dir_remove(path_of("d"), &err), 0);
	assert_int_equal(access(path_of("d"), F_OK), -1);
	assert_int_equal(access(path_of("outside"), F_OK), 0);
	assert_int_equal(weft_dir_remove(path_of("d"), &err), 0);
	assert_string_equal(err.text, "");
	assert_int_equal(weft_dir_sync(path_of("d"), &err), -ENOENT);
	assert_non_null(strstr(err.text, "/d: cannot sync the directory: "));
}

static void a_lock_is_seen_without_being_taken(void **state)
{
	struct weft_error err = { 0 };
	int fd = -1, second = -1;

	assert_int_equal(weft_lock_held(path_of("lock"), NULL), 0);
	assert_int_equal(weft_lock_take(path_of("lock"), &fd, NULL), 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(weft_lock_held(path_of("lock"), NULL), 1);
	assert_int_equal(weft_lock_take(path_of("lock"), &second, &err), -EBUSY);
	assert_int_equal(second, -1);
	close(fd);
	assert_int_equal(weft_lock_held(path_of("lock"), NULL), 0);
	assert_int_equal(weft_lock_take(path_of("lock"), &fd, NULL), 0);
	close(fd);
}

static void boots_have_an_id_and_time_goes_on(void **state)
{
	uint64_t before = weft_boot_now();
	char id[WEFT_BOOT_ID_MAX];

	assert_int_equal(weft_boot_id(id, NULL), 0);
	assert_int_equal(strlen(id), 36);
	assert_true(weft_boot_now() >= before && before);
}

static void a_secret_that_others_can_read_is_refused(void **state)
{
	struct weft_error err = { 0 };
	const char *path = path_of("f");
	char *data = NULL;
	size_t len;

	assert_int_equal(weft_file_write(path, "x", 1, 0640, NULL), 0);
	assert_int_equal(weft_file_read_private(path, 10, &data, &len, &err), -EPERM);
	assert_non_null(strstr(err.text, "mode 0640 opens the secret in it to others: chmod 0600"));
	assert_null(data);
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(weft_file_read_private(path, 10, &data, &len, &err), 0);
	assert_string_equal(data, "x");
	free(data);
}

static void a_file_that_is_there_is_not_created(void **state)
{
	struct weft_error err = { 0 };
	const char *path = path_of("f");
	char *data = NULL;
	struct stat st;
	size_t len;

	assert_int_equal(weft_file_create(path, "old", 3, 0600, &err), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(weft_file_create(path, "new", 3, 0600, &err), -EEXIST);
	assert_int_equal(weft_file_read(path, 10, &data, &len, &err), 0);
	assert_string_equal(data, "old");
	free(data);
}

static void a_locked_directory_is_locked_until_it_is_closed(void **state)
{
	int fd = weft_dir_lock(dir, NULL), other = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(flock(other, LOCK_EX | LOCK_NB), -1);
	close(fd);
	assert_int_equal(flock(other, LOCK_EX | LOCK_NB), 0);
	close(other);
	assert_int_equal(weft_dir_lock("/nonexistent", NULL), -ENOENT);
}

static void a_locked_directory_is_waited_for_in_vain_for_a_time(void **state)
{
	struct weft_error err = { 0 };
	int fd = weft_dir_lock(dir, NULL), other;
	struct timespec begin, end;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	assert_int_equal(weft_dir_lock_within(dir, 100, &err), -EBUSY);
	clock_gettime(CLOCK_MONOTONIC, &end);
	assert_true((end.tv_sec - begin.tv_sec) * 1000 +
			    (end.tv_nsec - begin.tv_nsec) / 1000000 >= 99);
	assert_non_null(strstr(err.text, "locked by another process"));
	assert_ptr_equal(strstr(err.text, dir), err.text);
	close(fd);
	fd = weft_dir_lock_within(dir, 0, &err);
	assert_true(fd >= 0);
	other = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(flock(other, LOCK_EX | LOCK_NB), -1);
	close(other);
	close(fd);
	assert_int_equal(weft_dir_lock_within("/nonexistent", 0, NULL), -ENOENT);
}

static void bytes_are_digits_in_one_way(void **state)
{
	const uint8_t bytes[] = { 0x00, 0x9a, 0xff };
	char text[WEFT_HEX_SIZE(3)];
	uint8_t back[3] = { 1, 1, 1 };

	assert_string_equal(weft_hex_format(bytes, 3, text), "009aff");
	assert_int_equal(weft_hex_parse("009aff", back, 3), 0);
	assert_memory_equal(back, bytes, 3);
	assert_int_equal(weft_hex_parse("009aFF", back, 3), -EINVAL);
	assert_int_equal(weft_hex_parse("009af", back, 3), -EINVAL);
	assert_int_equal(weft_hex_parse("009aff00", back, 3), -EINVAL);
	assert_int_equal(weft_hex_parse("009afg", back, 3), -EINVAL);
	assert_memory_equal(back, bytes, 3);
}

static void error_texts_are_cut_and_prefixed(void **state)
{
	struct weft_error err = { 0 };
	char big[2 * WEFT_ERROR_MAX];

	assert_int_equal(weft_error_set(&err, EINVAL, "%s is %d", "x", 5), -EINVAL);
	assert_string_equal(err.text, "x is 5");
	assert_int_equal(weft_error_prefix(&err, -EINVAL, "file %s", "a"), -EINVAL);
	assert_string_equal(err.text, "file a: x is 5");
	memset(big, 'y', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	weft_error_set(&err, EINVAL, "%s", big);
	assert_int_equal(strlen(err.text), WEFT_ERROR_MAX - 1);
	weft_error_prefix(&err, EINVAL, "z");
	assert_int_equal(strlen(err.text), WEFT_ERROR_MAX - 1);
	assert_memory_equal(err.text, "z: yyy", 6);
	errno = 3;
	assert_int_equal(weft_error_set(NULL, -EIO, "x"), -EIO);
	assert_int_equal(weft_error_prefix(NULL, EIO, "x"), -EIO);
	assert_int_equal(weft_error_nomem(&err), -ENOMEM);
	assert_int_equal(errno, 3);
}

static void lists_of_strings_copy_compare_sort_and_join(void **state)
{
	_cleanup_(weft_strv_uninit) struct weft_strv a = { 0 }, b = { 0 };
	_cleanup_free_ char *joined = NULL, *empty = NULL;

	empty = weft_strv_join(&a, ", ");
	assert_string_equal(empty, "");
	assert_int_equal(weft_strv_add(&a, "c"), 0);
	assert_int_equal(weft_strv_add(&a, "a"), 0);
	assert_int_equal(weft_strv_take(&a, strdup("b")), 0);
	assert_int_equal(weft_strv_take(&a, NULL), -ENOMEM);
	assert_int_equal(weft_strv_copy(&b, &a), 0);
	assert_true(weft_strv_equal(&a, &b));
	weft_strv_sort(&b);
	assert_false(weft_strv_equal(&a, &b));
	joined = weft_strv_join(&b, ", ");
	assert_string_equal(joined, "a, b, c");
	assert_true(weft_strv_contains(&b, "c"));
	assert_false(weft_strv_contains(&b, "d"));
	weft_strv_sort(&a);
	assert_true(weft_strv_equal(&a, &b));
	weft_strv_uninit(&b);
	assert_int_equal(b.count, 0);
	assert_false(weft_strv_equal(&a, &b));
}

static void arrays_grow_and_new_elements_are_zero(void **state)
{
	unsigned int *numbers = NULL, *slot;
	size_t count = 0, i;

	for (i = 0; i < 1000; i++) {
		slot = WEFT_ARRAY_APPEND(numbers, count);
		assert_non_null(slot);
		assert_int_equal(*slot, 0);
		assert_int_equal(count, i + 1);
		*slot = i + 1;
	}
	for (i = 0; i < 1000; i++)
		assert_int_equal(numbers[i], i + 1);
	free(numbers);
}

static void scopes_close_what_was_not_handed_on(void **state)
{
	int kept, closed;

	{
		_cleanup_close_ int a = open("/dev/null", O_RDONLY | O_CLOEXEC);
		_cleanup_close_ int b = open("/dev/null", O_RDONLY | O_CLOEXEC);

		closed = a;
		kept = weft_steal_fd(&b);
		assert_int_equal(b, -1);
	}
	assert_int_equal(fcntl(closed, F_GETFD), -1);
	assert_int_equal(fcntl(kept, F_GETFD), FD_CLOEXEC);
	close(kept);
}

#define with_dir(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_dir(what_is_written_is_read_back),
		with_dir(an_empty_file_is_an_empty_string),
		with_dir(a_file_longer_than_allowed_is_refused),
		with_dir(what_is_no_file_is_refused_without_waiting),
		with_dir(writing_sets_the_mode_whatever_umask_and_old_file_say),
		with_dir(a_file_is_filled_under_its_name),
		with_dir(filling_a_name_does_not_write_through_it),
		with_dir(a_write_that_fails_leaves_nothing_behind),
		with_dir(a_directory_is_made_with_its_mode_once),
		with_dir(parents_of_a_directory_are_made_too),
		with_dir(a_directory_is_removed_with_all_that_is_in_it),
		with_dir(a_lock_is_seen_without_being_taken),
		cmocka_unit_test(boots_have_an_id_and_time_goes_on),
		with_dir(a_secret_that_others_can_read_is_refused),
		with_dir(a_file_that_is_there_is_not_created),
		with_dir(a_locked_directory_is_locked_until_it_is_closed),
		with_dir(a_locked_directory_is_waited_for_in_vain_for_a_time),
		cmocka_unit_test(bytes_are_digits_in_one_way),
		cmocka_unit_test(error_texts_are_cut_and_prefixed),
		cmocka_unit_test(lists_of_strings_copy_compare_sort_and_join),
		cmocka_unit_test(arrays_grow_and_new_elements_are_zero),
		cmocka_unit_test(scopes_close_what_was_not_handed_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
