// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Changes that can be undone: wherever weftctl ends, what was there comes back,
 * and wherever that ends, too.
 *
 * The system calls that change a name or wait for the disk are this program's
 * own: in a child they end it before the call of a given number. All ends are
 * tried, one after the other.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"
#include "base/boot.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "conf/pending.h"
#include "conf_text.h"

#define CRASHED 77

static int calls_left = -1; /* -1: as many as wanted */
static uint64_t synced; /* weft_boot_now() at the latest fsync() */

static void count_call(void)
{
	if (!calls_left)
		_exit(CRASHED);
	if (calls_left > 0)
		calls_left--;
}

int rename(const char *from, const char *to)
{
	count_call();
	return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

static const char *read_only; /* a directory, NULL: none */

int unlink(const char *path)
{
	count_call();
	if (read_only && !strncmp(path, read_only, strlen(read_only))) {
		errno = EROFS;
		return -1;
	}
	return syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

int mkdir(const char *path, mode_t mode)
{
	count_call();
	return syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

int remove(const char *path)
{
	count_call();
	if (!syscall(SYS_unlinkat, AT_FDCWD, path, 0))
		return 0;
	return errno == EISDIR ? syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR) : -1;
}

int fsync(int fd)
{
	count_call();
	synced = weft_boot_now();
	return syscall(SYS_fsync, fd);
}

static bool disk_is_full;

ssize_t write(int fd, const void *data, size_t len)
{
	if (!disk_is_full)
		return syscall(SYS_write, fd, data, len);
	errno = ENOSPC;
	return -1;
}

static void (*at_lstat)(void); /* what another process does before call number ... */
static int lstats_left; /* ... this from now */

int lstat(const char *path, struct stat *st)
{
	void (*fn)(void) = at_lstat;

	if (fn && !lstats_left--) {
		at_lstat = NULL;
		fn();
	}
	return fstatat(AT_FDCWD, path, st, AT_SYMLINK_NOFOLLOW);
}

/* ------------------------------------------------------------- fixture */

static struct fixture {
	char top[40];
	char state[64];
	char dir[64];
} the_fixture;

static int setup(void **state)
{
	struct fixture *f = &the_fixture;

	strcpy(f->top, "/tmp/weft-pending-XXXXXX");
	if (!mkdtemp(f->top))
		return -1;
	snprintf(f->state, sizeof(f->state), "%s/state", f->top);
	snprintf(f->dir, sizeof(f->dir), "%s/conf.d", f->top);
	*state = f;
	return mkdir(f->state, 0700) || mkdir(f->dir, 0755) || weft_pending_open(f->state, NULL);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	return weft_dir_remove(f->top, NULL);
}

static const char *in_dir(const struct fixture *f, const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	return path;
}

static const char *in_state(const struct fixture *f, const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/apply/%s", f->state, name);
	return path;
}

static void write_file(const char *path, const char *text, mode_t mode)
{
	assert_int_equal(weft_file_write(path, text, strlen(text), mode, NULL), 0);
}

/* The content, NULL: no such file. The caller's. */
static char *read_file(const char *path)
{
	char *text = NULL;
	size_t len;

	if (weft_file_read(path, 1000, &text, &len, NULL))
		return NULL;
	return text;
}

static void assert_file(const struct fixture *f, const char *name, const char *text)
{
	_cleanup_free_ char *found = read_file(in_dir(f, name));

	if (!text)
		assert_null(found);
	else if (!found)
		fail_msg("%s is not there", name);
	else
		assert_string_equal(found, text);
}

static void assert_mode(const struct fixture *f, const char *name, mode_t mode)
{
	struct stat st;

	assert_int_equal(stat(in_dir(f, name), &st), 0);
	assert_int_equal(st.st_mode & 07777, mode);
}

/* The documents before and after, and one that is neither. */
static void write_former(const struct fixture *f)
{
	write_file(in_dir(f, "a.yaml"), "a before", 0640);
	write_file(in_dir(f, "c.yaml"), "c", 0644);
	unlink(in_dir(f, "b.yaml"));
	unlink(in_dir(f, "d.json"));
}

static void assert_former(const struct fixture *f)
{
	assert_file(f, "a.yaml", "a before");
	assert_mode(f, "a.yaml", 0640);
	assert_file(f, "b.yaml", NULL);
	assert_file(f, "c.yaml", "c");
	assert_file(f, "d.json", NULL);
}

static void assert_now(const struct fixture *f)
{
	assert_file(f, "a.yaml", "a now");
	assert_mode(f, "a.yaml", 0640);
	assert_file(f, "b.yaml", "b now");
	assert_mode(f, "b.yaml", 0644);
	assert_file(f, "c.yaml", "c");
	assert_file(f, "d.json", "");
}

/* Neither records nor files that wait to be renamed. */
static void assert_tidy(const struct fixture *f)
{
	static const char *const staged[] = {".a.yaml.apply", ".b.yaml.apply", ".d.json.apply",
					     ".a.yaml.former"};
	static const char *const records[] = { "new", "pending", "confirmed", "restoring",
					       "trash" };

	for (size_t i = 0; i < WEFT_ARRAY_SIZE(staged); i++)
		assert_int_equal(access(in_dir(f, staged[i]), F_OK), -1);
	for (size_t i = 0; i < WEFT_ARRAY_SIZE(records); i++)
		assert_int_equal(access(in_state(f, records[i]), F_OK), -1);
}

static int create(const struct fixture *f, uint64_t seconds, struct weft_error *err)
{
	struct weft_pending_file files[] = {
		{ .name = "d.json", .mode = 0644, .now = "" },
		{ .name = "a.yaml", .mode = 0640, .now = "a now", .now_len = 5,
		  .former = "a before", .former_len = 8 },
		{ .name = "b.yaml", .mode = 0644, .now = "b now", .now_len = 5 },
	};
	struct weft_pending_change change = {
		.dir = f->dir,
		.deadline = weft_boot_now() + seconds * WEFT_NSEC_PER_SEC,
		.asks = true,
		.files = files,
		.n_files = WEFT_ARRAY_SIZE(files),
	};

	return weft_pending_create(f->state, &change, err);
}

static int put(const struct fixture *f, struct weft_error *err)
{
	uint64_t since;

	return weft_pending_put(f->state, &since, err);
}

static int apply(const struct fixture *f)
{
	int ret = create(f, 3600, NULL);

	return ret ? ret : put(f, NULL);
}

static int confirm(const struct fixture *f)
{
	int ret = weft_pending_confirm(f->state, NULL);

	return ret ? ret : weft_pending_drop(f->state, WEFT_PENDING_CONFIRMED, NULL);
}

/* What weftd does when it starts after the deadline. */
static int recover(const struct fixture *f)
{
	_cleanup_(weft_strv_uninit) struct weft_strv others = { 0 };
	int ret;

	ret = weft_pending_drop(f->state, WEFT_PENDING_CONFIRMED, NULL);
	if (!ret)
		ret = weft_pending_claim(f->state, NULL);
	if (!ret || ret == -ENOENT)
		ret = weft_pending_restore(f->state, &others, NULL);
	if (!ret)
		ret = weft_pending_drop(f->state, WEFT_PENDING_RESTORING, NULL);
	assert_int_equal(others.count, 0);
	return ret == -ENOENT ? 0 : ret;
}

/* In a child that ends before its call @n. Return: it did; otherwise @fn was through. */
static bool crashes(const struct fixture *f, int n, int (*fn)(const struct fixture *f))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		calls_left = n;
		_exit(fn(f) ? 1 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) != CRASHED)
		assert_int_equal(WEXITSTATUS(status), 0);
	return WEXITSTATUS(status) == CRASHED;
}

/* --------------------------------------------------------------- tests */

static void applied_and_confirmed_stays(void **state)
{
	struct fixture *f = *state;
	struct weft_pending change = { 0 };

	write_former(f);
	assert_int_equal(create(f, 60, NULL), 0);
	assert_former(f);
	assert_int_equal(weft_pending_read(f->state, WEFT_PENDING_WAITS, &change, NULL), 0);
	assert_string_equal(change.dir, f->dir);
	assert_true(change.asks);
	assert_int_equal(change.names.count, 3);
	assert_string_equal(change.names.items[0], "a.yaml");
	assert_true(weft_pending_left(&change) > 50 * WEFT_NSEC_PER_SEC);
	assert_true(weft_pending_left(&change) <= 60 * WEFT_NSEC_PER_SEC);
	weft_pending_uninit(&change);

	assert_int_equal(put(f, NULL), 0);
	assert_now(f);
	assert_int_equal(confirm(f), 0);
	assert_now(f);
	assert_int_equal(recover(f), 0);
	assert_now(f);
	assert_tidy(f);
}

/* Of one name after the other: the last event is of what @mask says. */
static void assert_last_event(int fd, uint32_t mask)
{
	char buf[16 * (sizeof(struct inotify_event) + NAME_MAX + 1)]
		__attribute__((aligned(__alignof__(struct inotify_event))));
	const struct inotify_event *ev = NULL;
	ssize_t n = read(fd, buf, sizeof(buf));

	for (char *p = buf; p < buf + n; p += sizeof(*ev) + ev->len)
		ev = (const struct inotify_event *)p;
	assert_non_null(ev);
	assert_int_equal(ev->mask, mask);
	assert_int_not_equal(ev->name[0], '.');
}

/* Who loads them as soon as the last is there is asked to do it once more. */
static void time_of_put_is_followed_by_an_event_and_not_by_the_disk(void **state)
{
	_cleanup_close_ int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	struct fixture *f = *state;
	uint64_t before, since = 0;

	write_former(f);
	assert_int_equal(create(f, 60, NULL), 0);
	assert_true(inotify_add_watch(fd, f->dir, IN_MOVED_TO | IN_ATTRIB) >= 0);
	before = weft_boot_now();
	assert_int_equal(weft_pending_put(f->state, &since, NULL), 0);
	assert_true(since > before && since < synced);
	assert_last_event(fd, IN_ATTRIB);
	assert_now(f);
}

static void restored_is_as_before(void **state)
{
	struct fixture *f = *state;

	write_former(f);
	assert_int_equal(apply(f), 0);
	assert_now(f);
	assert_int_equal(recover(f), 0);
	assert_former(f);
	assert_tidy(f);
}

static void every_crash_of_apply_is_undone(void **state)
{
	struct fixture *f = *state;
	int n;

	for (n = 0;; n++) {
		write_former(f);
		if (!crashes(f, n, apply))
			break;
		assert_int_equal(recover(f), 0);
		assert_former(f);
		/* and nothing is in the way of the next */
		assert_int_equal(apply(f), 0);
		assert_now(f);
		assert_int_equal(recover(f), 0);
		assert_former(f);
		assert_tidy(f);
	}
	assert_true(n > 30);
	assert_int_equal(recover(f), 0);
	assert_former(f);
}

static void every_crash_of_recovery_is_made_good(void **state)
{
	struct fixture *f = *state;
	bool crashed = true;
	int n;

	for (n = 0; crashed; n++) {
		write_former(f);
		assert_int_equal(apply(f), 0);
		crashed = crashes(f, n, recover);
		assert_int_equal(recover(f), 0);
		assert_former(f);
		assert_int_equal(apply(f), 0);
		assert_int_equal(confirm(f), 0);
		assert_now(f);
		assert_tidy(f);
	}
	assert_true(n > 10);
}

static void every_crash_of_confirmation_leaves_all_or_nothing(void **state)
{
	struct fixture *f = *state;
	bool crashed = true, kept = false;
	int n;

	for (n = 0; crashed; n++) {
		_cleanup_free_ char *found = NULL;

		write_former(f);
		assert_int_equal(apply(f), 0);
		crashed = crashes(f, n, confirm);
		assert_int_equal(recover(f), 0);
		found = read_file(in_dir(f, "b.yaml"));
		/* from some call on it is confirmed, for good */
		assert_true(found || !kept);
		kept = found;
		if (kept)
			assert_now(f);
		else
			assert_former(f);
	}
	assert_true(kept && n > 3);
}

static void late_put_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct weft_error err = { 0 };

	write_former(f);
	assert_int_equal(create(f, 60, NULL), 0);
	assert_int_equal(recover(f), 0);
	assert_int_equal(put(f, &err), -ECANCELED);
	assert_string_equal(err.text, "the change no longer waits");
	assert_former(f);
	assert_tidy(f);
}

/* Claimed after it read the record, before its renames: they find nothing to rename. */
static void put_that_is_overtaken_changes_nothing(void **state)
{
	struct fixture *f = *state;

	write_former(f);
	assert_int_equal(create(f, 60, NULL), 0);
	assert_int_equal(unlink(in_dir(f, ".a.yaml.apply")), 0);
	assert_int_equal(put(f, NULL), -ECANCELED);
	assert_former(f);
}

static void second_change_is_refused(void **state)
{
	struct fixture *f = *state;
	struct weft_error err = { 0 };

	write_former(f);
	assert_int_equal(apply(f), 0);
	assert_int_equal(create(f, 60, &err), -EBUSY);
	assert_non_null(strstr(err.text, "pending"));
	assert_now(f);
	assert_int_equal(weft_pending_claim(f->state, NULL), 0);
	assert_int_equal(create(f, 60, &err), -EBUSY);
	assert_non_null(strstr(err.text, "being rolled back"));
	assert_int_equal(recover(f), 0);
	assert_former(f);
}

static void claim_by_another(void)
{
	assert_int_equal(weft_pending_claim(the_fixture.state, NULL), 0);
}

static void second_change_is_refused_while_the_first_is_claimed(void **state)
{
	struct fixture *f = *state;
	int n;

	for (n = 0;; n++) {
		write_former(f);
		assert_int_equal(apply(f), 0);
		at_lstat = claim_by_another;
		lstats_left = n;
		assert_int_equal(weft_pending_ready(f->state, NULL), -EBUSY);
		if (at_lstat)
			break;
		assert_int_equal(recover(f), 0);
	}
	at_lstat = NULL;
	assert_true(n > 0);
}

static void what_is_not_all_in_place_cannot_be_confirmed(void **state)
{
	struct fixture *f = *state;
	struct weft_error err = { 0 };

	write_former(f);
	assert_int_equal(weft_pending_confirm(f->state, &err), -ENOENT);
	assert_string_equal(err.text, "no change is pending");
	assert_int_equal(create(f, 60, NULL), 0);
	assert_int_equal(weft_pending_confirm(f->state, &err), -EAGAIN);
	assert_non_null(strstr(err.text, "a.yaml is not in place yet"));
	assert_int_equal(recover(f), 0);
	assert_former(f);
}

static void only_one_of_confirmation_and_rollback_wins(void **state)
{
	struct fixture *f = *state;

	write_former(f);
	assert_int_equal(apply(f), 0);
	assert_int_equal(weft_pending_claim(f->state, NULL), 0);
	assert_int_equal(weft_pending_confirm(f->state, NULL), -ENOENT);
	assert_int_equal(recover(f), 0);
	assert_former(f);
	assert_int_equal(apply(f), 0);
	assert_int_equal(weft_pending_confirm(f->state, NULL), 0);
	assert_int_equal(weft_pending_claim(f->state, NULL), -ENOENT);
	assert_now(f);
}

static void confirmed_one_that_nobody_dropped_is_in_nobodys_way(void **state)
{
	struct fixture *f = *state;

	write_former(f);
	assert_int_equal(apply(f), 0);
	assert_int_equal(weft_pending_confirm(f->state, NULL), 0);
	write_former(f);
	assert_int_equal(apply(f), 0);
	assert_int_equal(weft_pending_confirm(f->state, NULL), 0);
	assert_int_equal(recover(f), 0);
	assert_now(f);
	assert_tidy(f);
}

static void others_changes_are_left_alone(void **state)
{
	_cleanup_(weft_strv_uninit) struct weft_strv others = { 0 };
	struct fixture *f = *state;

	write_former(f);
	assert_int_equal(apply(f), 0);
	write_file(in_dir(f, "a.yaml"), "another hand", 0600);
	assert_int_equal(unlink(in_dir(f, "d.json")), 0);
	assert_int_equal(symlink("c.yaml", in_dir(f, "d.json")), 0);
	assert_int_equal(weft_pending_claim(f->state, NULL), 0);
	assert_int_equal(weft_pending_restore(f->state, &others, NULL), 0);
	assert_int_equal(others.count, 2);
	assert_string_equal(others.items[0], "a.yaml");
	assert_string_equal(others.items[1], "d.json");
	assert_file(f, "a.yaml", "another hand");
	assert_mode(f, "a.yaml", 0600);
	assert_file(f, "b.yaml", NULL);
	assert_file(f, "d.json", "c");
}

static void settle_and_write_by_another(void)
{
	assert_int_equal(recover(&the_fixture), 0);
	write_file(in_dir(&the_fixture, "a.yaml"), "a now", 0640);
}

/* Who is overtaken takes a record that is gone for no proof that nothing was there. */
static void of_two_rollbacks_none_removes_a_document(void **state)
{
	struct fixture *f = *state;
	bool overtaken = true;
	int n, late = 0;

	for (n = 0; overtaken; n++) {
		_cleanup_(weft_strv_uninit) struct weft_strv others = {0};
		int ret;

		write_former(f);
		assert_int_equal(apply(f), 0);
		assert_int_equal(weft_pending_claim(f->state, NULL), 0);
		at_lstat = settle_and_write_by_another;
		lstats_left = n;
		ret = weft_pending_restore(f->state, &others, NULL);
		overtaken = !at_lstat;
		at_lstat = NULL;
		assert_int_equal(access(in_dir(f, "a.yaml"), F_OK), 0);
		late += ret == -ENOENT;
		assert_true(!ret || (overtaken && ret == -ENOENT));
		assert_int_equal(recover(f), 0);
	}
	assert_true(late > 1);
}

static void what_is_back_needs_no_writing(void **state)
{
	struct fixture *f = *state;

	write_former(f);
	assert_int_equal(apply(f), 0);
	write_former(f);
	read_only = f->dir;
	assert_int_equal(recover(f), 0);
	read_only = NULL;
	assert_former(f);
}

static void removed_by_another_stays_removed(void **state)
{
	_cleanup_(weft_strv_uninit) struct weft_strv others = { 0 };
	struct fixture *f = *state;

	write_former(f);
	assert_int_equal(apply(f), 0);
	assert_int_equal(unlink(in_dir(f, "a.yaml")), 0);
	assert_int_equal(weft_pending_claim(f->state, NULL), 0);
	assert_int_equal(weft_pending_restore(f->state, &others, NULL), 0);
	assert_int_equal(others.count, 1);
	assert_file(f, "a.yaml", NULL);
	assert_file(f, "b.yaml", NULL);
}

/* One that cannot be put back keeps the record; the others are back already. */
static void failed_restore_is_tried_again(void **state)
{
	_cleanup_(weft_strv_uninit) struct weft_strv others = { 0 };
	struct fixture *f = *state;
	struct weft_error err = { 0 };

	write_former(f);
	assert_int_equal(apply(f), 0);
	assert_int_equal(weft_pending_claim(f->state, NULL), 0);
	assert_int_equal(unlink(in_state(f, "restoring/former/a.yaml")), 0);
	assert_int_equal(mkdir(in_state(f, "restoring/former/a.yaml"), 0700), 0);
	assert_int_equal(weft_pending_restore(f->state, &others, &err), -EINVAL);
	assert_non_null(strstr(err.text, "the record of a.yaml is damaged"));
	assert_int_equal(others.count, 0);
	assert_file(f, "a.yaml", "a now");
	assert_file(f, "b.yaml", NULL);
	assert_file(f, "d.json", NULL);
	assert_int_equal(remove(in_state(f, "restoring/former/a.yaml")), 0);
	write_file(in_state(f, "restoring/former/a.yaml"), "a before", 0640);
	assert_int_equal(recover(f), 0);
	assert_former(f);
}

static void full_disk_prevents_no_rollback(void **state)
{
	struct fixture *f = *state;
	int ret;

	write_former(f);
	assert_int_equal(apply(f), 0);
	disk_is_full = true;
	ret = recover(f);
	disk_is_full = false;
	assert_int_equal(ret, 0);
	assert_former(f);
	assert_tidy(f);
}

/* Without what lies ready for it, or when that is not what was there, it is written. */
static void rollback_goes_by_the_record(void **state)
{
	struct fixture *f = *state;

	write_former(f);
	assert_int_equal(apply(f), 0);
	assert_int_equal(unlink(in_dir(f, ".a.yaml.former")), 0);
	assert_int_equal(recover(f), 0);
	assert_former(f);
	assert_int_equal(apply(f), 0);
	write_file(in_dir(f, ".a.yaml.former"), "another hand", 0640);
	assert_int_equal(recover(f), 0);
	assert_former(f);
	assert_int_equal(apply(f), 0);
	write_file(in_dir(f, ".a.yaml.former"), "a before", 0666);
	assert_int_equal(recover(f), 0);
	assert_former(f);
	assert_tidy(f);
}

static void damaged_record_is_said(void **state)
{
	static const char *const bad[] = {
		"", "boot x\n", "boot x\ndeadline y\nasks 1\ndir /x\n",
		"boot x\ndeadline 1\nasks 2\ndir /x\n", "boot x\ndeadline 1\nasks 1\ndir x\n",
		"boot x\ndeadline 1\nasks 1\ndir /x\nmore\n", "boot x\ndeadline 1\nasks 1\ndir /x",
	};
	struct fixture *f = *state;
	struct weft_pending change = { 0 };
	struct weft_error err = { 0 };

	write_former(f);
	assert_int_equal(apply(f), 0);
	for (size_t i = 0; i < WEFT_ARRAY_SIZE(bad); i++) {
		write_file(in_state(f, "pending/record"), bad[i], 0600);
		assert_int_equal(weft_pending_read(f->state, WEFT_PENDING_WAITS, &change, &err),
				 -EINVAL);
		assert_non_null(strstr(err.text, "pending/record: not what weftctl apply writes"));
	}
}

static void another_boot_is_after_the_deadline(void **state)
{
	struct fixture *f = *state;
	struct weft_pending change = { 0 };
	_cleanup_free_ char *record = NULL;

	write_former(f);
	assert_int_equal(create(f, 3600, NULL), 0);
	record = read_file(in_state(f, "pending/record"));
	assert_non_null(record);
	record[5] = record[5] == '0' ? '1' : '0';
	write_file(in_state(f, "pending/record"), record, 0600);
	assert_int_equal(weft_pending_read(f->state, WEFT_PENDING_WAITS, &change, NULL), 0);
	assert_int_equal(weft_pending_left(&change), 0);
	weft_pending_uninit(&change);
}

static void change_that_cannot_be_staged_touches_nothing(void **state)
{
	struct fixture *f = *state;
	struct weft_error err = { 0 };

	write_former(f);
	assert_int_equal(mkdir(in_dir(f, ".b.yaml.apply"), 0755), 0);
	assert_int_equal(create(f, 60, &err), -EISDIR);
	assert_non_null(strstr(err.text, ".b.yaml.apply"));
	assert_former(f);
	assert_int_equal(weft_pending_claim(f->state, NULL), -ENOENT);
	assert_int_equal(remove(in_dir(f, ".b.yaml.apply")), 0);
	assert_int_equal(apply(f), 0);
	assert_now(f);
	assert_int_equal(recover(f), 0);
	assert_former(f);
	assert_tidy(f);
}

#define PENDING_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PENDING_TEST(applied_and_confirmed_stays),
		PENDING_TEST(time_of_put_is_followed_by_an_event_and_not_by_the_disk),
		PENDING_TEST(restored_is_as_before),
		PENDING_TEST(every_crash_of_apply_is_undone),
		PENDING_TEST(every_crash_of_recovery_is_made_good),
		PENDING_TEST(every_crash_of_confirmation_leaves_all_or_nothing),
		PENDING_TEST(late_put_changes_nothing),
		PENDING_TEST(put_that_is_overtaken_changes_nothing),
		PENDING_TEST(second_change_is_refused),
		PENDING_TEST(second_change_is_refused_while_the_first_is_claimed),
		PENDING_TEST(what_is_not_all_in_place_cannot_be_confirmed),
		PENDING_TEST(only_one_of_confirmation_and_rollback_wins),
		PENDING_TEST(confirmed_one_that_nobody_dropped_is_in_nobodys_way),
		PENDING_TEST(others_changes_are_left_alone),
		PENDING_TEST(of_two_rollbacks_none_removes_a_document),
		PENDING_TEST(what_is_back_needs_no_writing),
		PENDING_TEST(removed_by_another_stays_removed),
		PENDING_TEST(failed_restore_is_tried_again),
		PENDING_TEST(full_disk_prevents_no_rollback),
		PENDING_TEST(rollback_goes_by_the_record),
		PENDING_TEST(damaged_record_is_said),
		PENDING_TEST(another_boot_is_after_the_deadline),
		PENDING_TEST(change_that_cannot_be_staged_touches_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
