// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Executables with a SHA-256, see executable.h.
 *
 * A file is read again when anything of it has changed. The time of change is among
 * that: a new file may have the inode, size and time of modification of the old one.
 */
#include "conf/executable.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "base/array.h"
#include "base/cleanup.h"
#include "base/hex.h"
#include "pki/crypto.h"

#define NS_PER_S UINT64_C(1000000000)

#define JUST_NOW "it was written to just now, and is read in a second"

struct file_key {
	dev_t dev;
	ino_t ino;
	off_t size;
	uint64_t mtime, ctime; /* ns since the epoch */
};

/* What the file at @path had. */
struct seen {
	char *path;
	struct file_key key;
	char sha256[WEFT_HEX_SIZE(WEFT_SHA256_SIZE)]; /* "": not known */
	bool attached;
	bool shown; /* to the module, as it is */
};

struct weft_executables {
	struct seen *seen;
	size_t n_seen;
	uint64_t now;
};

struct weft_executables *weft_executables_create(void)
{
	return calloc(1, sizeof(struct weft_executables));
}

void weft_executables_destroy(struct weft_executables *executables)
{
	size_t i;

	if (!executables)
		return;
	for (i = 0; i < executables->n_seen; i++)
		free(executables->seen[i].path);
	free(executables->seen);
	free(executables);
}

void weft_executables_set_now(struct weft_executables *executables, uint64_t now)
{
	executables->now = now;
}

static struct seen *seen_at(struct weft_executables *executables, const char *path)
{
	struct seen *seen;
	size_t i;

	for (i = 0; i < executables->n_seen; i++)
		if (!strcmp(executables->seen[i].path, path))
			return &executables->seen[i];
	seen = WEFT_ARRAY_APPEND(executables->seen, executables->n_seen);
	if (!seen)
		return NULL;
	seen->path = strdup(path);
	if (seen->path)
		return seen;
	executables->n_seen--;
	return NULL;
}

static uint64_t ns(const struct timespec *t)
{
	return t->tv_sec * NS_PER_S + t->tv_nsec;
}

static struct file_key key_of(const struct stat *st)
{
	return (struct file_key){
		.dev = st->st_dev, .ino = st->st_ino, .size = st->st_size,
		.mtime = ns(&st->st_mtim), .ctime = ns(&st->st_ctim),
	};
}

static bool same_key(const struct file_key *a, const struct file_key *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       a->mtime == b->mtime && a->ctime == b->ctime;
}

static uint64_t now_of(const struct weft_executables *executables)
{
	struct timespec now;

	if (executables->now)
		return executables->now;
	clock_gettime(CLOCK_REALTIME, &now);
	return ns(&now);
}

/*
 * The kernel names the file by its one path without symbolic links, and so must the
 * selector. Return: 0, -ELOOP.
 */
static int check_path(int fd, const char *path, struct weft_error *err)
{
	char link[64], real[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, real, sizeof(real) - 1);
	if (n < 0)
		return weft_error_set(err, errno, "%s", strerror(errno));
	real[n] = '\0';
	if (!strcmp(real, path))
		return 0;
	return weft_error_set(err, ELOOP, "it is %s by another name: name that one", real);
}

static bool is_roots(const struct stat *st)
{
	return !st->st_uid && !(st->st_mode & (S_IWGRP | S_IWOTH));
}

/* Can its hash prove anything? Return: 0; -EINVAL, -EPERM, -ELOOP; -EAGAIN. */
static int check_file(const struct weft_executables *executables, int fd, const char *path,
		      const struct stat *st, struct weft_error *err)
{
	uint64_t now = now_of(executables), mtime = ns(&st->st_mtim);

	if (!S_ISREG(st->st_mode))
		return weft_error_set(err, EINVAL, "it is no regular file");
	if (!is_roots(st))
		return weft_error_set(err, EPERM,
				      "it can be written to by others than root, so its hash proves "
				      "nothing");
	if (mtime <= now && now - mtime < NS_PER_S)
		return weft_error_set(err, EAGAIN, JUST_NOW);
	return check_path(fd, path, err);
}

static int hash(int fd, char *sha256, struct weft_error *err)
{
	uint8_t digest[WEFT_CRYPTO_DIGEST_LEN];
	int ret = weft_crypto_file_digest(fd, digest, err);

	if (!ret)
		weft_hex_format(digest, sizeof(digest), sha256);
	return ret;
}

/* What was known of it does not count any more. */
static void forget(struct seen *seen)
{
	seen->sha256[0] = '\0';
	seen->attached = false;
	seen->shown = false;
}

/* Reads it; it may be written to meanwhile. */
static int examine(const struct weft_executables *executables, struct seen *seen, int fd,
		   const struct stat *st, struct weft_error *err)
{
	struct file_key key = key_of(st), after;
	char sha256[sizeof(seen->sha256)];
	struct stat again;
	int ret;

	forget(seen);
	ret = check_file(executables, fd, seen->path, st, err);
	if (!ret)
		ret = hash(fd, sha256, err);
	if (!ret && fstat(fd, &again))
		ret = weft_error_set(err, errno, "%s", strerror(errno));
	if (ret)
		return ret;
	after = key_of(&again);
	if (!same_key(&key, &after))
		return weft_error_set(err, EAGAIN, JUST_NOW);
	memcpy(seen->sha256, sha256, sizeof(sha256));
	seen->key = key;
	return 0;
}

/* Opens it and sees to it that its hash is known. */
static int open_known(struct weft_executables *executables, struct seen *seen, int *ret_fd,
		      struct weft_error *err)
{
	/* O_NONBLOCK: it may be a pipe, which is found out below */
	_cleanup_close_ int fd = open(seen->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct file_key key;
	struct stat st;
	int ret = 0;

	if (fd < 0 || fstat(fd, &st)) {
		forget(seen); /* what the module is shown meanwhile lacks it */
		return weft_error_set(err, errno, "%s", strerror(errno));
	}
	key = key_of(&st);
	/* owner and mode can change without it */
	if (!*seen->sha256 || !same_key(&key, &seen->key) || !is_roots(&st))
		ret = examine(executables, seen, fd, &st, err);
	if (!ret)
		*ret_fd = weft_steal_fd(&fd);
	return ret;
}

/* What its file has, and it open. @ret_fd: written on success. */
static int look_at(struct weft_executables *executables, const char *path, struct seen **ret,
		   int *ret_fd, struct weft_error *err)
{
	*ret = seen_at(executables, path);
	return *ret ? open_known(executables, *ret, ret_fd, err) : weft_error_nomem(err);
}

static __attribute__((format(printf, 2, 3)))
int add_problem(struct weft_strv *problems, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	return n < 0 ? -ENOMEM : weft_strv_take(problems, text);
}

/* A descriptor of @fd's file for each selector that wants it. Return: how many, -errno. */
static int give(struct weft_nl_workload *workload, const struct seen *seen, int fd)
{
	struct weft_nl_selector *s;
	int n = 0;
	size_t i;

	for (i = 0; i < workload->n_selectors; i++) {
		s = &workload->selectors[i];
		if (!s->sha256 || strcmp(s->exe, seen->path) || strcmp(s->sha256, seen->sha256))
			continue;
		s->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		if (s->fd < 0)
			return -errno;
		s->has_fd = true;
		s->size = seen->key.size;
		s->mtime = seen->key.mtime;
		n++;
	}
	return n;
}

/*
 * All selectors of @workload that name the executable @exe with a hash, the first
 * of which is @sha256.
 */
static int attach_one(struct weft_executables *executables, struct weft_nl_workload *workload,
		      const char *exe, const char *sha256, struct weft_strv *problems)
{
	_cleanup_close_ int fd = -1;
	struct weft_error err = { 0 };
	struct seen *seen;
	int ret, n;

	ret = look_at(executables, exe, &seen, &fd, &err);
	if (ret == -ENOMEM)
		return ret;
	if (ret) {
		n = add_problem(problems, "executable %s: %s", exe, err.text);
		return n ? n : ret == -EAGAIN ? -EAGAIN : 0;
	}
	n = give(workload, seen, fd);
	if (n < 0)
		forget(seen);
	if (n < 0)
		return add_problem(problems, "executable %s: %s", exe, strerror(-n));
	if (!n)
		return add_problem(problems, "executable %s: its SHA-256 is %s, not %s", exe,
				   seen->sha256, sha256);
	seen->attached = true;
	return !seen->shown;
}

/* Has a selector before the @n-th one named its executable? */
static bool is_repeated(const struct weft_nl_workload *workload, size_t n)
{
	const struct weft_nl_selector *s = workload->selectors;
	size_t i;

	for (i = 0; i < n; i++)
		if (s[i].sha256 && !strcmp(s[i].exe, s[n].exe))
			return true;
	return false;
}

int weft_executables_attach(struct weft_executables *executables,
			    struct weft_nl_workload *workload, struct weft_strv *problems)
{
	const struct weft_nl_selector *s = workload->selectors;
	bool again = false, fresh = false;
	size_t i;
	int ret;

	for (i = 0; i < workload->n_selectors; i++) {
		if (!s[i].sha256 || is_repeated(workload, i))
			continue;
		ret = attach_one(executables, workload, s[i].exe, s[i].sha256, problems);
		if (ret == -ENOMEM)
			return ret;
		again |= ret == -EAGAIN;
		fresh |= ret > 0;
	}
	return again ? -EAGAIN : fresh;
}

void weft_executables_shown(struct weft_executables *executables)
{
	size_t i;

	for (i = 0; i < executables->n_seen; i++)
		executables->seen[i].shown |= executables->seen[i].attached;
}

void weft_executables_detach(struct weft_nl_workload *workload)
{
	size_t i;

	for (i = 0; i < workload->n_selectors; i++)
		weft_nl_selector_close(&workload->selectors[i]);
}
