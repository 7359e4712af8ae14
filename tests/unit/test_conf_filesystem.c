// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is told of file systems: the number of a disk, the layers of an overlay, and
 * who can change what is in them.
 *
 * Overlays are real, in a mount namespace of this program's own. What is in a
 * directory "nfs" says that it is on one.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "conf/filesystem.h"
#include "conf_text.h"

/* ---- system calls of our own ---- */

static const char *sys_path, *sys_text; /* the one file of /sys */

int open(const char *file, int flags, ...)
{
	int fd[2];

	if (strncmp(file, "/sys/", 5))
		return syscall(SYS_openat, AT_FDCWD, file, flags, 0600);
	if (!sys_path || strcmp(file, sys_path)) {
		errno = ENOENT;
		return -1;
	}
	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	assert_int_equal(write(fd[1], sys_text, strlen(sys_text)), strlen(sys_text));
	close(fd[1]);
	return fd[0];
}

int fstatfs(int fd, struct statfs *fs)
{
	char link[32], real[PATH_MAX] = "";

	if (syscall(SYS_fstatfs, fd, fs))
		return -1;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (readlink(link, real, sizeof(real) - 1) > 0 && strstr(real, "/nfs"))
		fs->f_type = 0x6969;
	return 0;
}

/* ---- disks ---- */

static void the_disk_of_a_partition_is_the_whole(void **state)
{
	struct weft_error err = { 0 };
	uint64_t n = 9;

	sys_path = "/sys/dev/block/8:300/diskseq";
	sys_text = "18446744073709551615\n";
	assert_int_equal(weft_filesystem_disk(makedev(8, 300), &n, &err), 0);
	assert_true(n == UINT64_MAX);
	sys_path = "/sys/dev/block/8:1/../diskseq";
	sys_text = "17\n";
	assert_int_equal(weft_filesystem_disk(makedev(8, 1), &n, &err), 0);
	assert_int_equal(n, 17);
	assert_int_equal(weft_filesystem_disk(makedev(31, 0), &n, &err), 0);
	assert_int_equal(n, 0);
	sys_path = "/sys/dev/block/0:44/diskseq"; /* there is none, and nobody looks */
	assert_int_equal(weft_filesystem_disk(makedev(0, 44), &n, &err), 0);
	assert_int_equal(n, 0);
	assert_string_equal(err.text, "");
}

static void a_disk_whose_number_cannot_be_read_is_an_error(void **state)
{
	struct weft_error err = { 0 };
	uint64_t n = 9;

	sys_path = "/sys/dev/block/8:1/diskseq";
	sys_text = "";
	assert_int_equal(weft_filesystem_disk(makedev(8, 1), &n, &err), -EINVAL);
	assert_string_equal(err.text, "/sys/dev/block/8:1/diskseq: \"\" is no number");
	assert_int_equal(n, 9);
}

/* ---- layers ---- */

static const char mountinfo[] =
	"21 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"
	"210 21 0:40 / /a\\040-\\040b rw - overlay o rw,lowerdir=/wrong\n"
	"22 21 0:41 / /m rw,relatime shared:2 master:1 - overlay my\\040overlay "
	"rw,lowerdir=/l\\0401:/with\\134:colon:/with\\134\\134:/a\\054b::/data,"
	"upperdir=/u\\134\\054\\134:\\075x,workdir=/w,uuid=on\n"
	"23 21 0:42 / /m2 rw - overlay  rw,lowerdir+=/one:\\134two,lowerdir+=/three,"
	"datadir+=/four,redirect_dir=on\n"
	"25 21 0:44 / /m4 rw,relatime - 9p host rw,sync,trans=virtio\n"
	"26 21 0:45 / /\\040-\\0409p rw - tmpfs 9p rw\n"
	"24 21 0:43 / /m3 rw - tmpfs tmpfs rw,size=1k";

static int layers_of(uint64_t mount, struct weft_strv *layers, struct weft_error *err)
{
	_cleanup_fclose_ FILE *f = fmemopen((char *)mountinfo, strlen(mountinfo), "r");

	assert_non_null(f);
	return weft_filesystem_layers(f, mount, layers, err);
}

static void expect_layers(uint64_t mount, const char *expected)
{
	_cleanup_(weft_strv_uninit) struct weft_strv layers = { 0 };
	struct weft_error err = { 0 };
	_cleanup_free_ char *text = NULL;

	assert_int_equal(layers_of(mount, &layers, &err), 0);
	text = weft_strv_join(&layers, " | ");
	assert_string_equal(text, expected);
}

static void layers_are_found_whatever_is_in_their_names(void **state)
{
	expect_layers(210, "/wrong");
	expect_layers(22, "/l 1 | /with:colon | /with\\ | /a,b | /data | /u,:=x");
	expect_layers(23, "/one:\\two | /three | /four");
}

static int is_9p(uint64_t mount)
{
	_cleanup_fclose_ FILE *f = fmemopen((char *)mountinfo, strlen(mountinfo), "r");
	struct weft_error err = { 0 };

	assert_non_null(f);
	return weft_filesystem_is_9p(f, mount, &err);
}

static void what_the_mount_says_is_9p_is(void **state)
{
	assert_int_equal(is_9p(25), 1);
	assert_int_equal(is_9p(21), 0);
	assert_int_equal(is_9p(24), 0);
	assert_int_equal(is_9p(26), 0);
	assert_int_equal(is_9p(2), -ENOENT);
}

static void who_has_no_layers_is_an_error(void **state)
{
	struct weft_strv layers = { 0 };
	struct weft_error err = { 0 };

	assert_int_equal(layers_of(24, &layers, &err), -ENOENT);
	assert_string_equal(err.text, "it names none");
	assert_int_equal(layers_of(2, &layers, &err), -ENOENT);
	assert_string_equal(err.text, "its mount is not among those that are seen here");
	assert_int_equal(layers.count, 0);
}

/* ---- overlays ---- */

#define REMOTE "it is on a file system of another host or program, which can change it, so its " \
	       "hash proves nothing"
#define UNKNOWN "it is on an overlay, and whether a layer is of another host or program cannot " \
		"be told, so its hash proves nothing: "

static char dir[48];
static bool may_mount;

static int setup(void **state)
{
	static const char *const names[] = { "low er:", "nfs", "up", "work", "up2", "work2", "m",
					     "m2" };
	char path[64];

	snprintf(dir, sizeof(dir), "/tmp/weft-filesystem-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	/* whatever /tmp is on */
	if (may_mount && mount("tmpfs", dir, "tmpfs", 0, NULL))
		return -1;
	for (size_t i = 0; i < WEFT_ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		if (mkdir(path, 0755))
			return -1;
	}
	return 0;
}

static int teardown(void **state)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/m2", dir);
	umount2(path, MNT_DETACH);
	snprintf(path, sizeof(path), "%s/m", dir);
	umount2(path, MNT_DETACH);
	if (may_mount && umount2(dir, MNT_DETACH))
		return -1;
	return weft_dir_remove(dir, NULL);
}

/* Each % of @options stands for the directory. */
static void mount_overlay(const char *at, const char *options)
{
	char target[64], data[1024], *to = data;

	for (; *options; options++)
		to += sprintf(to, *options == '%' ? "%s" : "%.1s", *options == '%' ? dir : options);
	snprintf(target, sizeof(target), "%s/%s", dir, at);
	if (mount("overlay", target, "overlay", 0, data))
		fail_msg("mount -o %s: %s", data, strerror(errno));
}

static void expect_told(const char *at, const char *error)
{
	struct weft_error err = { 0 };
	_cleanup_close_ int fd = -1;
	char path[64];

	snprintf(path, sizeof(path), "%s/%s", dir, at);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(weft_filesystem_check(fd, &err), error ? -EPERM : 0);
	assert_string_equal(err.text, error ? error : "");
}

static void another_hosts_is_told(void **state)
{
	expect_told("up", NULL);
	expect_told("nfs", REMOTE);
}

static void an_overlay_is_what_its_layers_are(void **state)
{
	mount_overlay("m", "lowerdir=%/low er\\::%/up2,upperdir=%/up,workdir=%/work");
	expect_told("m", NULL);
	mount_overlay("m2", "lowerdir=%/up2:%/nfs");
	expect_told("m2", REMOTE);
}

static void so_is_an_overlay_of_one(void **state)
{
	mount_overlay("m", "lowerdir=%/up2:%/up");
	mount_overlay("m2", "lowerdir=%/m:%/low er\\:");
	expect_told("m2", NULL);
}

static void also_if_the_other_host_is_two_below(void **state)
{
	mount_overlay("m", "lowerdir=%/up2:%/nfs");
	mount_overlay("m2", "lowerdir=%/m:%/up");
	expect_told("m2", REMOTE);
}

static void who_could_write_elsewhere_is_told_too(void **state)
{
	mount_overlay("m", "lowerdir=%/up,upperdir=%/nfs,workdir=%/work");
	expect_told("m", REMOTE);
}

static void layers_that_are_not_there_may_be_anything(void **state)
{
	char text[WEFT_ERROR_MAX], from[64], to[64];

	mount_overlay("m", "lowerdir=%/up2:%/low er\\:");
	snprintf(from, sizeof(from), "%s/up2", dir);
	snprintf(to, sizeof(to), "%s/away", dir);
	assert_int_equal(rename(from, to), 0);
	snprintf(text, sizeof(text), UNKNOWN "%s/up2: No such file or directory", dir);
	expect_told("m", text);
}

static void layers_of_some_directory_may_be_anything(void **state)
{
	assert_int_equal(chdir(dir), 0);
	mount_overlay("m", "lowerdir=up2:up");
	assert_int_equal(chdir("/"), 0);
	expect_told("m", UNKNOWN "\"up2\" is no absolute path");
}

/* @name, below dir, is a mount that is gone from the list by when it is asked about */
static void expect_not_told_of_unmounted(const char *name)
{
	struct weft_error err = { 0 };
	_cleanup_close_ int fd = -1;
	char path[64];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(umount2(path, MNT_DETACH), 0);
	assert_int_equal(weft_filesystem_check(fd, &err), -EPERM);
	assert_string_equal(err.text, "whether it is on a file system of another host cannot be "
				      "told, so its hash proves nothing: its mount is not among "
				      "those that are seen here");
}

static void who_is_mounted_nowhere_may_be_anything(void **state)
{
	char path[64];

	mount_overlay("m", "lowerdir=%/up2:%/up");
	expect_not_told_of_unmounted("m");
	snprintf(path, sizeof(path), "%s/m", dir);
	assert_int_equal(mount("tmpfs", path, "tmpfs", 0, NULL), 0);
	expect_not_told_of_unmounted("m");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_disk_of_a_partition_is_the_whole),
		cmocka_unit_test(a_disk_whose_number_cannot_be_read_is_an_error),
		cmocka_unit_test(layers_are_found_whatever_is_in_their_names),
		cmocka_unit_test(who_has_no_layers_is_an_error),
		cmocka_unit_test(what_the_mount_says_is_9p_is),
	};
	const struct CMUnitTest by_root[] = {
		cmocka_unit_test_setup_teardown(another_hosts_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(an_overlay_is_what_its_layers_are, setup, teardown),
		cmocka_unit_test_setup_teardown(so_is_an_overlay_of_one, setup, teardown),
		cmocka_unit_test_setup_teardown(also_if_the_other_host_is_two_below, setup,
						teardown),
		cmocka_unit_test_setup_teardown(who_could_write_elsewhere_is_told_too, setup,
						teardown),
		cmocka_unit_test_setup_teardown(layers_that_are_not_there_may_be_anything, setup,
						teardown),
		cmocka_unit_test_setup_teardown(layers_of_some_directory_may_be_anything, setup,
						teardown),
		cmocka_unit_test_setup_teardown(who_is_mounted_nowhere_may_be_anything, setup,
						teardown),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	/* who may mount: root, but not of every container; a chroot's "/" is no mount (EINVAL) */
	may_mount = !unshare(CLONE_NEWNS) &&
		    (!mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) || errno == EINVAL);
	if (may_mount)
		failed += cmocka_run_group_tests(by_root, NULL, NULL);
	return failed;
}
