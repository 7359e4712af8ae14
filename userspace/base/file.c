// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whole files. See file.h.
 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "base/cleanup.h"

#define LOCK_PAUSE_MS 5

static int file_error(struct weft_error *err, int error, const char *what, const char *path)
{
	return weft_error_set(err, error, "%s: cannot %s: %s", path, what, strerror(error));
}

/* Bytes up to the end of @fd, at most @max + 1 of them so that the caller sees more. */
static int read_all(int fd, size_t max, char **data, size_t *len)
{
	_cleanup_free_ char *buf = NULL;
	size_t used = 0, room = 0;
	ssize_t n;
	char *more;

	for (;;) {
		if (used == room) {
			room = room ? room * 2 : 4096;
			if (room > max + 1)
				room = max + 1;
			more = realloc(buf, room + 1);
			if (!more)
				return -ENOMEM;
			buf = more;
		}
		n = read(fd, buf + used, room - used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		used += n;
		if (!n || used > max)
			break;
	}
	buf[used] = '\0';
	*data = weft_steal_ptr(buf);
	*len = used;
	return 0;
}

/* Looked at through the descriptor, so that what is checked is what is read. */
static int check_private(const struct stat *st, const char *path, struct weft_error *err)
{
	if (st->st_mode & 077)
		return weft_error_set(err, EPERM,
				      "%s: mode %04o opens the secret in it to others: "
				      "chmod 0600 %s",
				      path, (unsigned int)st->st_mode & 07777, path);
	if (st->st_uid != geteuid() && st->st_uid != 0)
		return weft_error_set(err, EPERM,
				      "%s: the secret in it belongs to uid %u: chown %u %s", path,
				      (unsigned int)st->st_uid, (unsigned int)geteuid(), path);
	return 0;
}

/* Who may write there decides what is in force. */
static int check_trusted(const struct stat *st, const char *path, struct weft_error *err)
{
	if (st->st_uid && st->st_uid != geteuid())
		return weft_error_set(err, EPERM,
				      "%s: belongs to user %u, who could change what is in force: "
				      "chown root %s",
				      path, (unsigned int)st->st_uid, path);
	if (st->st_mode & 022)
		return weft_error_set(err, EPERM,
				      "%s: mode %04o lets others change what is in force: "
				      "chmod go-w %s",
				      path, (unsigned int)st->st_mode & 07777, path);
	return 0;
}

int weft_dir_check_trusted(const char *path, struct weft_error *err)
{
	struct stat st;

	if (stat(path, &st))
		return file_error(err, errno, "stat", path);
	return check_trusted(&st, path, err);
}

typedef int check_fn(const struct stat *st, const char *path, struct weft_error *err);

/* @check: NULL: none */
static int read_file(const char *path, check_fn *check, size_t max, char **data, size_t *len,
		     struct weft_error *err)
{
	_cleanup_free_ char *buf = NULL;
	_cleanup_close_ int fd = -1;
	struct stat st;
	size_t used = 0;
	int r;

	/* not blocking: a FIFO put there must not hold us up */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return file_error(err, errno, "open", path);
	if (fstat(fd, &st))
		return file_error(err, errno, "stat", path);
	if (!S_ISREG(st.st_mode))
		return weft_error_set(err, EINVAL, "%s: not a regular file", path);
	r = check ? check(&st, path, err) : 0;
	if (r)
		return r;
	r = read_all(fd, max, &buf, &used);
	if (r)
		return file_error(err, -r, "read", path);
	if (used > max)
		return weft_error_set(err, EFBIG, "%s: longer than %zu bytes", path, max);
	*data = weft_steal_ptr(buf);
	*len = used;
	return 0;
}

int weft_file_read(const char *path, size_t max, char **data, size_t *len, struct weft_error *err)
{
	return read_file(path, NULL, max, data, len, err);
}

int weft_file_read_private(const char *path, size_t max, char **data, size_t *len,
			   struct weft_error *err)
{
	return read_file(path, check_private, max, data, len, err);
}

int weft_file_read_trusted(const char *path, size_t max, char **data, size_t *len,
			   struct weft_error *err)
{
	return read_file(path, check_trusted, max, data, len, err);
}

static int write_all(int fd, const char *data, size_t len)
{
	ssize_t n;

	while (len) {
		n = write(fd, data, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		len -= n;
	}
	return 0;
}

static int sync_dir(const char *dir)
{
	_cleanup_close_ int fd = -1;

	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 || fsync(fd) ? -errno : 0;
}

/* The directory of @path, so that the rename itself is on disk. */
static int sync_parent(const char *path)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *dir = NULL;

	if (!slash)
		dir = strdup(".");
	else
		dir = strndup(path, slash == path ? 1 : slash - path);
	return dir ? sync_dir(dir) : -ENOMEM;
}

static int fill(int fd, const void *data, size_t len, mode_t mode, bool durable)
{
	int r;

	if (fchmod(fd, mode))
		return -errno;
	r = write_all(fd, data, len);
	if (r)
		return r;
	return durable && fsync(fd) ? -errno : 0;
}

static int replace(const char *path, const void *data, size_t len, mode_t mode, bool durable,
		   struct weft_error *err)
{
	_cleanup_free_ char *temp = NULL;
	_cleanup_close_ int fd = -1;
	int r;

	if (asprintf(&temp, "%s.XXXXXX", path) < 0) {
		temp = NULL;
		return weft_error_nomem(err);
	}
	fd = mkostemp(temp, O_CLOEXEC); /* 0600 until it has its mode */
	if (fd < 0)
		return file_error(err, errno, "create a temporary file beside it", path);
	r = fill(fd, data, len, mode, durable);
	if (r) {
		unlink(temp);
		return file_error(err, -r, "write", path);
	}
	if (rename(temp, path)) {
		r = errno;
		unlink(temp);
		return file_error(err, r, "replace", path);
	}
	r = durable ? sync_parent(path) : 0;
	return r ? file_error(err, -r, "sync the directory of", path) : 0;
}

int weft_file_write(const char *path, const void *data, size_t len, mode_t mode,
		    struct weft_error *err)
{
	return replace(path, data, len, mode, true, err);
}

int weft_file_write_volatile(const char *path, const void *data, size_t len, mode_t mode,
			     struct weft_error *err)
{
	return replace(path, data, len, mode, false, err);
}

int weft_file_fill(const char *path, const void *data, size_t len, mode_t mode,
		   struct weft_error *err)
{
	_cleanup_close_ int fd = -1;
	int r;

	/* a new one: what has the name may have others, or be open to another */
	if (unlink(path) && errno != ENOENT)
		return file_error(err, errno, "replace", path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return file_error(err, errno, "create", path);
	r = fill(fd, data, len, mode, true);
	return r ? file_error(err, -r, "write", path) : 0;
}

int weft_file_create(const char *path, const void *data, size_t len, mode_t mode,
		     struct weft_error *err)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode & 0600);
	int r;

	if (fd < 0)
		return file_error(err, errno, "create", path);
	r = fill(fd, data, len, mode, true);
	if (!r)
		r = sync_parent(path);
	if (!r)
		return 0;
	unlink(path);
	return file_error(err, -r, "write", path);
}

/* mkdir -p for everything before the last '/' of @path, which is scratch. */
static int create_parents(char *path)
{
	char *p = path;

	while ((p = strchr(p + 1, '/'))) {
		*p = '\0';
		if (mkdir(path, 0755) && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	return 0;
}

int weft_dir_create(const char *path, mode_t mode, struct weft_error *err)
{
	_cleanup_free_ char *copy = strdup(path);
	struct stat st;
	size_t len;
	int r;

	if (!copy)
		return weft_error_nomem(err);
	for (len = strlen(copy); len > 1 && copy[len - 1] == '/'; len--)
		copy[len - 1] = '\0';
	r = create_parents(copy);
	if (r)
		return file_error(err, -r, "create its parent directories", path);
	if (!mkdir(copy, mode & 0700)) /* never wider than it will be */
		return chmod(copy, mode) ? file_error(err, errno, "set the mode", path) : 0;
	if (errno != EEXIST)
		return file_error(err, errno, "create", path);
	if (stat(copy, &st))
		return file_error(err, errno, "stat", path);
	if (!S_ISDIR(st.st_mode))
		return weft_error_set(err, ENOTDIR, "%s: not a directory", path);
	return 0;
}

int weft_dir_sync(const char *path, struct weft_error *err)
{
	int r = sync_dir(path);

	return r ? file_error(err, -r, "sync the directory", path) : 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path) && errno != ENOENT ? -errno : 0;
}

int weft_dir_remove(const char *path, struct weft_error *err)
{
	/* children first, and no link is followed */
	int r = nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);

	if (r == -1)
		r = -errno;
	return r && r != -ENOENT ? file_error(err, -r, "remove", path) : 0;
}

static int64_t monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

int weft_dir_lock_within(const char *path, unsigned int ms, struct weft_error *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE_MS * 1000000L };
	int64_t end = monotonic_ms() + ms;

	if (fd < 0)
		return file_error(err, errno, "open", path);
	/* There is no flock() with a time limit. */
	while (flock(fd, LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return file_error(err, errno, "lock", path);
		if (monotonic_ms() >= end)
			return weft_error_set(err, EBUSY,
					      "%s: locked by another process: if it is not at work, "
					      "end it (lslocks(8) shows which one it is)",
					      path);
		nanosleep(&pause, NULL);
	}
	return weft_steal_fd(&fd);
}

int weft_dir_lock(const char *path, struct weft_error *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return file_error(err, errno, "open", path);
	while (flock(fd, LOCK_EX))
		if (errno != EINTR)
			return file_error(err, errno, "lock", path);
	return weft_steal_fd(&fd);
}
