// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The directory store: what is noticed, what is not, and that a burst of
 * changes is one. Each test waits for the store's descriptor, never for time;
 * that something is not noticed is shown by a later change that is.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "conf/store.h"
#include "conf_text.h"

#define DEADLINE_MS 10000
#define ONE SERVICE("one", "{ports: [{port: 1}]}")
#define TWO SERVICE("two", "{ports: [{port: 2}]}")

struct fixture {
	char top[32];		/* the parent of the store's directory */
	char dir[64];
	struct weft_store *store;
};

static struct fixture fixture;

static int setup(void **state)
{
	struct fixture *f = &fixture;

	umask(022); /* what others may write is not loaded */
	strcpy(f->top, "/tmp/weft-store-XXXXXX");
	if (!mkdtemp(f->top))
		return -1;
	snprintf(f->dir, sizeof(f->dir), "%.31s/conf.d", f->top);
	if (mkdir(f->dir, 0755))
		return -1;
	*state = f;
	return weft_store_dir_create(f->dir, "example.org", &f->store, NULL);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	weft_store_destroy(f->store);
	return nftw(f->top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void path_of(const struct fixture *f, const char *name, char path[128])
{
	snprintf(path, 128, "%s/%s", f->top, name);
}

static void put(const struct fixture *f, const char *name, const char *text)
{
	char path[128];
	int fd;

	path_of(f, name, path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(close(fd), 0);
}

static void move(const struct fixture *f, const char *from, const char *to)
{
	char a[128], b[128];

	path_of(f, from, a);
	path_of(f, to, b);
	assert_int_equal(rename(a, b), 0);
}

/* Dispatch until a change is reported; fails when none is. */
static void wait_for_change(const struct fixture *f)
{
	struct pollfd pfd = { .fd = weft_store_fd(f->store), .events = POLLIN };
	struct weft_error err = { 0 };
	int ret;

	do {
		if (poll(&pfd, 1, DEADLINE_MS) != 1)
			fail_msg("no change was noticed");
		ret = weft_store_dispatch(f->store, &err);
		if (ret < 0)
			fail_msg("%s", err.text);
	} while (!ret);
}

static bool is_silent(const struct fixture *f)
{
	struct pollfd pfd = { .fd = weft_store_fd(f->store), .events = POLLIN };

	return poll(&pfd, 1, 0) == 0;
}

/* How many services the directory has now. */
static size_t load(const struct fixture *f)
{
	_cleanup_conf_ struct weft_conf *conf = NULL;
	struct weft_error err = { 0 };

	if (weft_store_load(f->store, &conf, &err))
		fail_msg("%s", err.text);
	return conf->n_services;
}

static void nothing_happens_by_itself(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(load(f), 0);
	assert_true(is_silent(f));
	assert_int_equal(weft_store_dispatch(f->store, NULL), 0);
}

static void written_file_is_noticed(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(load(f), 0);
	put(f, "conf.d/a.yaml", ONE);
	wait_for_change(f);
	assert_int_equal(load(f), 1);
	assert_true(is_silent(f));
	put(f, "conf.d/a.yaml", ONE TWO);
	wait_for_change(f);
	assert_int_equal(load(f), 2);
}

static void file_renamed_into_place_is_noticed(void **state)
{
	struct fixture *f = *state;

	put(f, "a.yaml", ONE);
	assert_int_equal(load(f), 0);
	move(f, "a.yaml", "conf.d/a.yaml");
	wait_for_change(f);
	assert_int_equal(load(f), 1);
	/* as editors do: a new file takes the name */
	put(f, "conf.d/.a.yaml.new", ONE TWO);
	move(f, "conf.d/.a.yaml.new", "conf.d/a.yaml");
	wait_for_change(f);
	assert_int_equal(load(f), 2);
}

static void removed_file_is_noticed(void **state)
{
	struct fixture *f = *state;
	char path[128];

	put(f, "conf.d/a.yaml", ONE);
	put(f, "conf.d/b.yaml", TWO);
	assert_int_equal(load(f), 2);
	wait_for_change(f);
	path_of(f, "conf.d/a.yaml", path);
	assert_int_equal(unlink(path), 0);
	wait_for_change(f);
	assert_int_equal(load(f), 1);
	move(f, "conf.d/b.yaml", "conf.d/b.disabled");
	wait_for_change(f);
	assert_int_equal(load(f), 0);
}

static void linked_file_is_noticed(void **state)
{
	struct fixture *f = *state;
	char from[128], to[128];

	put(f, "real", ONE);
	assert_int_equal(load(f), 0);
	path_of(f, "real", from);
	path_of(f, "conf.d/a.yaml", to);
	assert_int_equal(symlink(from, to), 0);
	wait_for_change(f);
	assert_int_equal(load(f), 1);
	assert_int_equal(unlink(to), 0);
	wait_for_change(f);
	assert_int_equal(link(from, to), 0);
	wait_for_change(f);
	assert_int_equal(load(f), 1);
}

static void changed_permissions_are_noticed(void **state)
{
	struct fixture *f = *state;
	char path[128];

	put(f, "conf.d/a.yaml", ONE);
	wait_for_change(f);
	path_of(f, "conf.d/a.yaml", path);
	assert_int_equal(chmod(path, 0600), 0);
	wait_for_change(f);
}

/* Whose the directory is, and who may write there, decides whether it is loaded. */
static void changed_permissions_of_the_directory_are_noticed(void **state)
{
	struct weft_conf *conf = NULL;
	struct fixture *f = *state;
	char path[128];

	put(f, "conf.d/a.yaml", ONE);
	wait_for_change(f);
	assert_int_equal(load(f), 1);
	path_of(f, "conf.d", path);
	assert_int_equal(chmod(path, 0777), 0);
	wait_for_change(f);
	assert_int_equal(weft_store_load(f->store, &conf, NULL), -EPERM);
	assert_int_equal(chmod(path, 0755), 0);
	wait_for_change(f);
	assert_int_equal(load(f), 1);
}

/* Kubernetes' way: a.yaml -> ..data/a.yaml, ..data -> a directory, and that one is swapped. */
static void swapped_volume_is_noticed(void **state)
{
	struct fixture *f = *state;
	char path[128];

	path_of(f, "conf.d/..1", path);
	assert_int_equal(mkdir(path, 0755), 0);
	path_of(f, "conf.d/..2", path);
	assert_int_equal(mkdir(path, 0755), 0);
	put(f, "conf.d/..1/a.yaml", ONE);
	put(f, "conf.d/..2/a.yaml", ONE TWO);
	path_of(f, "conf.d/..data", path);
	assert_int_equal(symlink("..1", path), 0);
	path_of(f, "conf.d/a.yaml", path);
	assert_int_equal(symlink("..data/a.yaml", path), 0);
	wait_for_change(f);
	assert_int_equal(load(f), 1);
	path_of(f, "conf.d/..tmp", path);
	assert_int_equal(symlink("..2", path), 0);
	move(f, "conf.d/..tmp", "conf.d/..data");
	wait_for_change(f);
	assert_int_equal(load(f), 2);
}

static void burst_is_one_change(void **state)
{
	struct fixture *f = *state;
	char name[32];

	assert_int_equal(load(f), 0);
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "conf.d/%d.yaml", i);
		put(f, name, "");
	}
	put(f, "conf.d/a.yaml", ONE);
	wait_for_change(f);
	assert_int_equal(load(f), 1);
	assert_true(is_silent(f));
}

static void other_files_are_not_noticed(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(load(f), 0);
	put(f, "conf.d/.a.yaml", "");
	put(f, "conf.d/a.yaml~", "");
	put(f, "conf.d/4913", "");
	put(f, "conf.d/.a.yaml.swp", "");
	put(f, "other", "");
	/* they come out of the descriptor without arming the timer ... */
	assert_int_equal(weft_store_dispatch(f->store, NULL), 0);
	assert_true(is_silent(f));
	/* ... and the next one that matters is the first to be reported */
	put(f, "conf.d/a.yaml", ONE);
	wait_for_change(f);
	assert_int_equal(load(f), 1);
}

static void endless_changes_are_reported_in_the_end(void **state)
{
	struct fixture *f = *state;
	struct pollfd pfd = { .fd = weft_store_fd(f->store), .events = POLLIN };
	struct timespec begin, now;
	int ret;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	do {
		put(f, "conf.d/a.yaml", ONE);
		assert_int_equal(poll(&pfd, 1, DEADLINE_MS), 1);
		ret = weft_store_dispatch(f->store, NULL);
		clock_gettime(CLOCK_MONOTONIC, &now);
		assert_true(ret >= 0 && now.tv_sec - begin.tv_sec < DEADLINE_MS / 1000);
	} while (!ret);
}

static void failed_load_can_be_tried_again(void **state)
{
	struct fixture *f = *state;
	struct weft_error err = { 0 };
	struct weft_conf *conf = NULL;
	char expected[256];

	put(f, "conf.d/a.yaml", "a: b: c\n");
	wait_for_change(f);
	assert_int_equal(weft_store_load(f->store, &conf, &err), -EINVAL);
	snprintf(expected, sizeof(expected), "%s/a.yaml:1: not valid YAML: "
		 "mapping values are not allowed in this context", f->dir);
	assert_string_equal(err.text, expected);
	assert_null(conf);
	put(f, "conf.d/a.yaml", ONE);
	wait_for_change(f);
	assert_int_equal(load(f), 1);
}

static void directory_removed_and_made_again_is_followed(void **state)
{
	struct fixture *f = *state;
	struct weft_conf *conf = NULL;

	assert_int_equal(rmdir(f->dir), 0);
	wait_for_change(f);
	assert_int_equal(weft_store_load(f->store, &conf, NULL), -ENOENT);
	assert_int_equal(mkdir(f->dir, 0755), 0);
	wait_for_change(f);
	assert_int_equal(load(f), 0);
	put(f, "conf.d/a.yaml", ONE);
	wait_for_change(f);
	assert_int_equal(load(f), 1);
}

static void directory_replaced_by_another_is_followed(void **state)
{
	struct fixture *f = *state;
	char path[128];

	assert_int_equal(load(f), 0);
	path_of(f, "new", path);
	assert_int_equal(mkdir(path, 0755), 0);
	put(f, "new/a.yaml", ONE);
	move(f, "conf.d", "old");
	move(f, "new", "conf.d");
	wait_for_change(f);
	assert_int_equal(load(f), 1);
	/* what happens in the old one is nobody's business */
	put(f, "old/b.yaml", TWO);
	weft_store_dispatch(f->store, NULL);
	assert_true(is_silent(f));
	put(f, "conf.d/b.yaml", TWO);
	wait_for_change(f);
	assert_int_equal(load(f), 2);
}

static void directory_that_does_not_exist_yet_is_awaited(void **state)
{
	struct fixture *f = *state;

	weft_store_destroy(f->store);
	f->store = NULL;
	assert_int_equal(rmdir(f->dir), 0);
	strcat(f->dir, "/");
	assert_int_equal(weft_store_dir_create(f->dir, "example.org", &f->store, NULL), 0);
	assert_true(is_silent(f));
	assert_int_equal(mkdir(f->dir, 0755), 0);
	put(f, "conf.d/a.yaml", ONE);
	wait_for_change(f);
	assert_int_equal(load(f), 1);
}

/* Many more events than the kernel keeps (fs.inotify.max_queued_events). */
static void lost_events_count_as_a_change(void **state)
{
	struct fixture *f = *state;
	_cleanup_fclose_ FILE *limit = fopen("/proc/sys/fs/inotify/max_queued_events", "re");
	int max = 0;

	assert_non_null(limit);
	assert_int_equal(fscanf(limit, "%d", &max), 1);
	for (int i = 0; i <= max / 2; i++) {
		put(f, "conf.d/.a", "");
		put(f, "conf.d/.b", "");
	}
	wait_for_change(f);
}

static void relative_name_works_too(void **state)
{
	struct fixture *f = *state;
	_cleanup_free_ char *cwd = getcwd(NULL, 0);

	assert_non_null(cwd);
	weft_store_destroy(f->store);
	f->store = NULL;
	assert_int_equal(chdir(f->top), 0);
	assert_int_equal(weft_store_dir_create("conf.d", "example.org", &f->store, NULL), 0);
	assert_int_equal(rmdir("conf.d"), 0);
	wait_for_change(f);
	assert_int_equal(mkdir("conf.d", 0755), 0);
	wait_for_change(f);
	put(f, "conf.d/a.yaml", ONE);
	wait_for_change(f);
	assert_int_equal(load(f), 1);
	assert_int_equal(chdir(cwd), 0);
}

#define STORE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(nothing_happens_by_itself),
		STORE_TEST(written_file_is_noticed),
		STORE_TEST(file_renamed_into_place_is_noticed),
		STORE_TEST(removed_file_is_noticed),
		STORE_TEST(linked_file_is_noticed),
		STORE_TEST(changed_permissions_are_noticed),
		STORE_TEST(changed_permissions_of_the_directory_are_noticed),
		STORE_TEST(swapped_volume_is_noticed),
		STORE_TEST(burst_is_one_change),
		STORE_TEST(other_files_are_not_noticed),
		STORE_TEST(endless_changes_are_reported_in_the_end),
		STORE_TEST(failed_load_can_be_tried_again),
		STORE_TEST(directory_removed_and_made_again_is_followed),
		STORE_TEST(directory_replaced_by_another_is_followed),
		STORE_TEST(directory_that_does_not_exist_yet_is_awaited),
		STORE_TEST(lost_events_count_as_a_change),
		STORE_TEST(relative_name_works_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
