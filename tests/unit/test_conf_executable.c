// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Executables with a SHA-256: which files are shown to the module, when, and what is
 * said of the others.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "conf/executable.h"
#include "conf_text.h"

/* printf one | sha256sum, and of two */
#define ONE "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"
#define TWO "3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3"

#define NOW 2000000000 /* s */

/* ---- system calls of our own ---- */

static const char *disk; /* number of the disk that all files are on; NULL: as they are */

int fstat(int fd, struct stat *st)
{
	if (fstatat(fd, "", st, AT_EMPTY_PATH))
		return -1;
	if (disk) { /* one looks like the other, but for size and time of modification */
		st->st_dev = makedev(7, 0);
		st->st_ino = 1;
		st->st_ctim = st->st_mtim;
	}
	return 0;
}

int open(const char *file, int flags, ...)
{
	mode_t mode = 0;
	int fd[2];

	if (disk && !strcmp(file, "/sys/dev/block/7:0/diskseq")) {
		assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
		assert_int_equal(write(fd[1], disk, strlen(disk)), strlen(disk));
		close(fd[1]);
		return fd[0];
	}
	if (flags & O_CREAT) {
		va_list ap;

		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	return syscall(SYS_openat, AT_FDCWD, file, flags, mode);
}

static void (*at_readlink)(void); /* what somebody does just before that; NULL: nothing */

ssize_t readlink(const char *file, char *buf, size_t len)
{
	if (at_readlink)
		at_readlink();
	return syscall(SYS_readlinkat, AT_FDCWD, file, buf, len);
}

static int lease_error; /* of those who want one; 0: they get it */

int fcntl(int fd, int cmd, ...)
{
	va_list ap;
	long arg;

	va_start(ap, cmd);
	arg = va_arg(ap, long);
	va_end(ap);
	if (cmd == F_SETLEASE && lease_error) {
		errno = lease_error;
		return -1;
	}
	return syscall(SYS_fcntl, fd, cmd, arg);
}

/* An overlay whose layers are not seen, such as a container's /tmp, is a local one here. */
int fstatfs(int fd, struct statfs *fs)
{
	if (syscall(SYS_fstatfs, fd, fs))
		return -1;
	if ((uint32_t)fs->f_type == 0x794c7630)
		fs->f_type = 0x01021994; /* tmpfs */
	return 0;
}

/* ---- */

static char dir[48], path[64];
static struct weft_executables executables;
static uint64_t now; /* ns */
static struct weft_strv problems;
static struct weft_nl_selector selectors[3];
static struct weft_nl_workload workload;

static void set_now(double s)
{
	now = s * 1e9;
}

static void write_at(const char *text, time_t mtime)
{
	const struct timespec times[2] = { { mtime, 0 }, { mtime, 0 } };
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0755);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, 0755), 0);
	assert_int_equal(futimens(fd, times), 0);
	close(fd);
}

/* With what was found last. */
static int attach_again(void)
{
	weft_executables_detach(&workload);
	weft_strv_uninit(&problems);
	return weft_executables_attach(&executables, &workload, &problems);
}

/* A look, as by another thread, which remembers what it saw. */
static int attach(void)
{
	static struct weft_executables known;
	size_t i;

	if (!executables.count)
		weft_executables_uninit(&known);
	assert_int_equal(weft_executables_want(&executables, &workload), 0);
	for (i = 0; i < executables.count; i++) {
		struct weft_executable *e = weft_executables_at(&known, executables.items[i].path);

		assert_non_null(e);
		weft_executable_look(e, now, NULL, NULL);
		assert_true(e->error ? e->fd < 0 : e->fd >= 0);
		weft_executable_take(&executables.items[i], e);
		assert_int_equal(e->fd, -1);
	}
	return attach_again();
}

static void want(unsigned int n, const char *sha256)
{
	selectors[n].exe = path;
	selectors[n].sha256 = (char *)sha256;
	workload.n_selectors = n + 1;
}

static void expect_problem(const char *text)
{
	char line[WEFT_ERROR_MAX];

	snprintf(line, sizeof(line), "executable %s: %s", path, text);
	assert_int_equal(problems.count, 1);
	assert_string_equal(problems.items[0], line);
}

static int setup(void **state)
{
	char real[PATH_MAX];

	strcpy(dir, "/tmp/weft-executable-XXXXXX");
	if (!mkdtemp(dir) || !realpath(dir, real) || strlen(real) >= sizeof(dir))
		return -1;
	strcpy(dir, real);
	snprintf(path, sizeof(path), "%s/app", dir);
	memset(selectors, 0, sizeof(selectors));
	workload = (struct weft_nl_workload){ .name = "w", .selectors = selectors };
	set_now(NOW);
	disk = NULL;
	at_readlink = NULL;
	lease_error = 0;
	return 0;
}

static int teardown(void **state)
{
	weft_executables_detach(&workload);
	weft_executables_uninit(&executables);
	weft_strv_uninit(&problems);
	return weft_dir_remove(dir, NULL);
}

static void the_right_file_is_opened(void **state)
{
	struct stat a, b;

	write_at("one", NOW - 10);
	want(0, ONE);
	selectors[1].unit = "x.service"; /* no business of ours */
	workload.n_selectors = 2;
	assert_int_equal(attach(), 1);
	assert_int_equal(problems.count, 0);
	assert_true(selectors[0].has_fd);
	assert_false(selectors[1].has_fd);
	assert_int_equal(fstat(selectors[0].fd, &a), 0);
	assert_int_equal(stat(path, &b), 0);
	assert_true(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
	assert_true(selectors[0].size == 3 && selectors[0].mtime == (NOW - 10) * 1000000000ULL);
	weft_executables_detach(&workload);
	assert_false(selectors[0].has_fd);
}

static void only_new_files_are_news(void **state)
{
	write_at("one", NOW - 10);
	want(0, ONE);
	assert_int_equal(attach(), 1);
	assert_int_equal(attach(), 1); /* nobody has said that it was shown */
	weft_executables_shown(&executables);
	assert_int_equal(attach(), 0);
	assert_true(selectors[0].has_fd);
	write_at("one", NOW - 5); /* the same once more */
	assert_int_equal(attach(), 1);
	weft_executables_shown(&executables);
	write_at("two", NOW - 4);
	assert_int_equal(attach(), 0);
	assert_false(selectors[0].has_fd);
	weft_executables_shown(&executables);
	write_at("one", NOW - 3);
	assert_int_equal(attach(), 1);
}

static void who_was_away_is_news(void **state)
{
	char away[80];

	snprintf(away, sizeof(away), "%s.away", path);
	write_at("one", NOW - 10);
	want(0, ONE);
	assert_int_equal(attach(), 1);
	weft_executables_shown(&executables);
	assert_int_equal(rename(path, away), 0);
	assert_int_equal(attach(), 0);
	expect_problem("No such file or directory");
	assert_int_equal(rename(away, path), 0);
	assert_int_equal(attach(), 1);
}

static void a_new_file_that_looks_like_the_old_one_is_read(void **state)
{
	write_at("one", NOW - 10);
	want(0, ONE);
	assert_int_equal(attach(), 1);
	usleep(20000); /* the clock of files ticks slowly */
	write_at("two", NOW - 10);
	assert_int_equal(attach(), 0);
	expect_problem("its SHA-256 is " TWO ", not " ONE);
}

/* Another image in the same loop device, say. */
static void a_file_on_another_disk_is_another_one(void **state)
{
	write_at("one", NOW - 10);
	want(0, ONE);
	disk = "3\n";
	assert_int_equal(attach(), 1);
	weft_executables_shown(&executables);
	assert_int_equal(attach(), 0);
	disk = "4\n"; /* the module does not know this one */
	assert_int_equal(attach(), 1);
	weft_executables_shown(&executables);
	write_at("two", NOW - 10);
	assert_int_equal(attach(), 0); /* the test is none otherwise */
	assert_int_equal(problems.count, 0);
	disk = "5\n";
	assert_int_equal(attach(), 0);
	expect_problem("its SHA-256 is " TWO ", not " ONE);
	disk = "five\n";
	assert_int_equal(attach(), 0);
	expect_problem("/sys/dev/block/7:0/diskseq: \"five\" is no number");
}

static void what_comes_to_an_empty_path_is_read(void **state)
{
	write_at("one", NOW - 10);
	want(0, ONE);
	disk = "3\n";
	assert_int_equal(attach(), 1);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(attach(), 0);
	write_at("two", NOW - 10);
	assert_int_equal(attach(), 0);
	expect_problem("its SHA-256 is " TWO ", not " ONE);
}

static unsigned int replacements; /* that are still to come */

static void replace(void)
{
	char other[80];

	if (!replacements)
		return;
	replacements--;
	snprintf(other, sizeof(other), "%s.other", path);
	unlink(other); /* it keeps its name and number of links: only the path is another's */
	assert_int_equal(link(path, other), 0);
	assert_int_equal(unlink(path), 0);
	write_at("two", NOW - 10);
}

static void who_is_replaced_meanwhile_is_looked_at_again(void **state)
{
	write_at("one", NOW - 10);
	want(0, TWO);
	at_readlink = replace;
	replacements = 2;
	assert_int_equal(attach(), 1);
	assert_int_equal(replacements, 0);
	assert_int_equal(problems.count, 0);
	replacements = 10;
	assert_int_equal(attach(), 0);
	assert_int_equal(replacements, 7); /* not for ever */
	assert_int_equal(executables.items[0].error, EAGAIN);
	expect_problem("it was replaced just now");
}

static void remove_it(void)
{
	unlink(path);
}

static void who_is_removed_meanwhile_is_not_there(void **state)
{
	write_at("one", NOW - 10);
	want(0, ONE);
	at_readlink = remove_it;
	assert_int_equal(attach(), 0);
	expect_problem("No such file or directory");
}

static void another_hash_is_told(void **state)
{
	write_at("two", NOW - 10);
	want(0, ONE);
	assert_int_equal(attach(), 0);
	assert_false(selectors[0].has_fd);
	expect_problem("its SHA-256 is " TWO ", not " ONE);
}

static void one_of_several_hashes_is_enough(void **state)
{
	write_at("two", NOW - 10);
	want(0, ONE);
	want(1, TWO);
	assert_int_equal(attach(), 1);
	assert_int_equal(problems.count, 0);
	assert_false(selectors[0].has_fd);
	assert_true(selectors[1].has_fd);
	want(1, ONE);
	assert_int_equal(attach(), 0);
	expect_problem("its SHA-256 is " TWO ", not " ONE " or " ONE);
}

static void what_others_can_write_proves_nothing(void **state)
{
	static const char text[] =
		"it can be written to by others than root, so its hash proves nothing";

	write_at("one", NOW - 10);
	want(0, ONE);
	assert_int_equal(attach(), 1);
	assert_int_equal(chmod(path, 0775), 0);
	assert_int_equal(attach(), 0);
	expect_problem(text);
	assert_int_equal(chmod(path, 0757), 0);
	assert_int_equal(attach(), 0);
	expect_problem(text);
	assert_int_equal(chmod(path, 0755), 0);
	assert_int_equal(attach(), 1);
	assert_int_equal(chown(path, 1, -1), 0);
	assert_int_equal(attach(), 0);
	expect_problem(text);
}

/* A mapping of before, too, by which it can be changed without its times telling. */
static void what_somebody_writes_to_proves_nothing(void **state)
{
	void *map;
	int fd;

	write_at("one", NOW - 10);
	want(0, ONE);
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	map = mmap(NULL, 3, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(map != MAP_FAILED);
	close(fd);
	assert_int_equal(attach(), 0);
	expect_problem("somebody has it open for writing");
	munmap(map, 3);
	assert_int_equal(attach(), 1);
	assert_int_equal(problems.count, 0);
}

static void who_may_be_written_to_proves_nothing(void **state)
{
	static const int none[] = { EINVAL, EOPNOTSUPP }, broken[] = { EACCES, EPERM, ENOMEM };
	char text[160];
	size_t i;

	write_at("one", NOW - 10);
	want(0, ONE);
	for (i = 0; i < WEFT_ARRAY_SIZE(none); i++) {
		lease_error = none[i];
		assert_int_equal(attach(), 0);
		expect_problem("its file system cannot tell whether somebody has it open for "
			       "writing (it has no leases), so its hash proves nothing");
	}
	for (i = 0; i < WEFT_ARRAY_SIZE(broken); i++) {
		lease_error = broken[i];
		assert_int_equal(attach(), 0);
		assert_int_equal(executables.items[0].error, broken[i]);
		snprintf(text, sizeof(text), "whether somebody has it open for writing cannot be "
			 "told: lease: %s", strerror(broken[i]));
		expect_problem(text);
	}
	lease_error = 0;
	assert_int_equal(attach(), 1);
	assert_int_equal(problems.count, 0);
}

static void who_is_just_written_is_read_later(void **state)
{
	write_at("one", NOW);
	want(0, ONE);
	set_now(NOW + 0.9);
	assert_int_equal(attach(), 0);
	assert_int_equal(executables.items[0].error, EAGAIN);
	expect_problem("it was written to just now, and is read when a second has passed");
	set_now(NOW + 1);
	assert_int_equal(attach(), 1);
	/* a time that is to come is not a time of writing */
	write_at("one", NOW + 1000);
	assert_int_equal(attach(), 1);
}

static void who_is_written_hides_nobody(void **state)
{
	char other[80];

	write_at("one", NOW);
	snprintf(other, sizeof(other), "%s.other", path);
	assert_int_equal(rename(path, other), 0);
	write_at("one", NOW - 10);
	want(0, ONE);
	want(1, ONE);
	selectors[1].exe = other;
	set_now(NOW + 0.5);
	assert_int_equal(attach(), 1);
	assert_true(selectors[0].has_fd);
	assert_false(selectors[1].has_fd);
	weft_executables_shown(&executables);
	set_now(NOW + 1);
	assert_int_equal(attach(), 1);
	assert_true(selectors[1].has_fd);
}

static void who_has_not_been_read_is_told(void **state)
{
	write_at("one", NOW - 10);
	want(0, ONE);
	assert_int_equal(attach_again(), 0);
	expect_problem("it has not been read yet");
	assert_int_equal(attach(), 1);
	assert_int_equal(problems.count, 0);
}

static void who_could_not_be_shown_to_all_is_news_again(void **state)
{
	write_at("one", NOW - 10);
	want(0, ONE);
	assert_int_equal(attach(), 1);
	weft_executables_shown(&executables);
	weft_executables_close(&executables);
	assert_int_equal(attach_again(), 0);
	assert_false(selectors[0].has_fd);
	assert_int_equal(problems.count, 0);
	assert_int_equal(attach(), 0); /* the module has it all the same */
	weft_executables_shown(&executables);
	weft_executables_close(&executables);
	weft_executables_doubt(&executables); /* there is another workload */
	assert_int_equal(attach_again(), 0);
	expect_problem("it could not be looked at again since the documents changed");
	assert_true(weft_executables_pending(&executables));
	weft_executables_shown(&executables); /* without it, that is */
	weft_executables_close(&executables);
	assert_int_equal(attach(), 1);
	assert_int_equal(problems.count, 0);
	weft_executables_shown(&executables);
	assert_false(weft_executables_pending(&executables));
	assert_true(selectors[0].has_fd);
}

static void who_is_refused_waits_for_a_change(void **state)
{
	write_at("one", NOW - 10);
	want(0, ONE);
	assert_int_equal(attach(), 1);
	weft_executables_refuse(&executables, path, "the module says no", false);
	weft_executables_refuse(&executables, "/nobodys", "the module says no", false);
	assert_false(weft_executables_shown(&executables));
	assert_int_equal(attach(), 0);
	assert_false(selectors[0].has_fd);
	expect_problem("the module says no");
	write_at("one", NOW - 9);
	assert_int_equal(attach(), 1);
	assert_true(selectors[0].has_fd);
	assert_int_equal(problems.count, 0);
}

/* Looks, and shows what is to be shown, which the module takes for another file. */
static bool is_stale(void)
{
	if (!attach())
		return false;
	assert_true(selectors[0].has_fd);
	weft_executables_refuse(&executables, path, "it is another one", true);
	weft_executables_refuse(&executables, path, "it is another one", true); /* 2 selectors */
	assert_false(weft_executables_shown(&executables));
	assert_int_equal(attach_again(), 0);
	assert_false(selectors[0].has_fd);
	return true;
}

static void who_is_another_one_to_the_module_is_shown_ever_less_often(void **state)
{
	static const unsigned int gaps[] = { 1, 2, 4, 8, 16, 32, 32 };
	unsigned int n;
	size_t i;

	write_at("one", NOW - 10);
	want(0, ONE);
	assert_true(is_stale());
	for (i = 0; i < WEFT_ARRAY_SIZE(gaps); i++) {
		for (n = 1; !is_stale(); n++) {
			assert_true(n < 100);
			expect_problem("it is another one");
		}
		assert_int_equal(n, gaps[i]);
		expect_problem("it is another one");
	}
	weft_executables_doubt(&executables); /* with new documents it is, at once */
	assert_int_equal(attach(), 1);
	expect_problem("it is another one"); /* nobody has said that it was shown */
	assert_true(weft_executables_shown(&executables));
	assert_int_equal(attach_again(), 0);
	assert_int_equal(problems.count, 0);
	assert_int_equal(attach(), 0);
	assert_false(weft_executables_shown(&executables)); /* again */
}

static void who_changes_is_shown_at_once(void **state)
{
	unsigned int n;

	write_at("one", NOW - 10);
	want(0, ONE);
	for (n = 0; n < 10; n++)
		is_stale();
	write_at("one", NOW - 9);
	assert_true(is_stale());
	assert_true(is_stale()); /* and the next one is the first again */
	assert_false(is_stale());
}

/* As timespec64_to_ns(), which is what the module compares with. */
static void times_out_of_range_are_the_last_there_are(void **state)
{
	write_at("one", INT64_C(10000000000)); /* in 2286 */
	want(0, ONE);
	assert_int_equal(attach(), 1);
	if (selectors[0].mtime != INT64_MAX) /* a file system with a shorter memory */
		assert_true(selectors[0].mtime < INT64_MAX);
	write_at("one", -5);
	assert_int_equal(attach(), 1);
	assert_true((int64_t)selectors[0].mtime == INT64_C(-5000000000));
}

static void only_who_is_wanted_is_kept(void **state)
{
	struct weft_executables wanted = { 0 };

	write_at("one", NOW - 10);
	want(0, ONE);
	assert_int_equal(attach(), 1);
	assert_non_null(weft_executables_at(&executables, "/nobodys"));
	assert_int_equal(weft_executables_want(&wanted, &workload), 0);
	weft_executables_keep(&executables, &wanted);
	weft_executables_uninit(&wanted);
	assert_int_equal(executables.count, 1);
	assert_string_equal(executables.items[0].path, path);
	assert_int_equal(executables.items[0].error, 0);
}

static void no_file_no_hash(void **state)
{
	char text[128];

	want(0, ONE);
	assert_int_equal(attach(), 0);
	expect_problem("No such file or directory");
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(attach(), 0);
	expect_problem("it is no regular file");
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(mkfifo(path, 0755), 0);
	assert_int_equal(attach(), 0); /* and does not wait for a writer */
	expect_problem("it is no regular file");
	assert_int_equal(unlink(path), 0);
	write_at("one", NOW - 10);
	snprintf(text, sizeof(text), "%s/real", dir);
	assert_int_equal(rename(path, text), 0);
	assert_int_equal(symlink("real", path), 0);
	assert_int_equal(attach(), 0);
	snprintf(text, sizeof(text), "it is %s/real by another name: name that one", dir);
	expect_problem(text);
}

static void what_is_not_roots_proves_nothing(void **state)
{
	write_at("one", NOW - 10);
	want(0, ONE);
	assert_int_equal(attach(), 0);
	assert_false(selectors[0].has_fd);
	expect_problem("it can be written to by others than root, so its hash proves nothing");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_right_file_is_opened, setup, teardown),
		cmocka_unit_test_setup_teardown(only_new_files_are_news, setup, teardown),
		cmocka_unit_test_setup_teardown(who_was_away_is_news, setup, teardown),
		cmocka_unit_test_setup_teardown(a_new_file_that_looks_like_the_old_one_is_read,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_file_on_another_disk_is_another_one, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_comes_to_an_empty_path_is_read, setup,
						teardown),
		cmocka_unit_test_setup_teardown(who_is_replaced_meanwhile_is_looked_at_again,
						setup, teardown),
		cmocka_unit_test_setup_teardown(who_is_removed_meanwhile_is_not_there, setup,
						teardown),
		cmocka_unit_test_setup_teardown(another_hash_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(one_of_several_hashes_is_enough, setup, teardown),
		cmocka_unit_test_setup_teardown(what_others_can_write_proves_nothing, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_somebody_writes_to_proves_nothing, setup,
						teardown),
		cmocka_unit_test_setup_teardown(who_may_be_written_to_proves_nothing, setup,
						teardown),
		cmocka_unit_test_setup_teardown(who_is_just_written_is_read_later, setup, teardown),
		cmocka_unit_test_setup_teardown(who_is_written_hides_nobody, setup, teardown),
		cmocka_unit_test_setup_teardown(who_has_not_been_read_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(who_could_not_be_shown_to_all_is_news_again, setup,
						teardown),
		cmocka_unit_test_setup_teardown(who_is_refused_waits_for_a_change, setup, teardown),
		cmocka_unit_test_setup_teardown(
			who_is_another_one_to_the_module_is_shown_ever_less_often, setup, teardown),
		cmocka_unit_test_setup_teardown(who_changes_is_shown_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(times_out_of_range_are_the_last_there_are, setup,
						teardown),
		cmocka_unit_test_setup_teardown(only_who_is_wanted_is_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(no_file_no_hash, setup, teardown),
	};

	const struct CMUnitTest without_root[] = {
		cmocka_unit_test_setup_teardown(what_is_not_roots_proves_nothing, setup, teardown),
	};

	if (geteuid()) /* whose files are not root's */
		return cmocka_run_group_tests(without_root, NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
