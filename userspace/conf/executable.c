// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Executables with a SHA-256, see executable.h.
 *
 * The time of change is among what tells that a file is another one: a new file may
 * have the inode, size and time of modification of the old one.
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
#include "conf/filesystem.h"
#include "pki/crypto.h"

#define NS_PER_S INT64_C(1000000000)

/* How often a path is looked at again at once, when another file has come there. */
#define REPLACED_MAX 3

/* look_once(): another file has come to the path. */
#define REPLACED 1

/* So many looks at most until one that had changed, to the module, is shown again. */
#define WAIT_MAX 32

#define JUST_NOW "it was written to just now, and is read when a second has passed"

/* ---- the list ---- */

static void close_fd(struct weft_executable *e)
{
	if (e->fd >= 0)
		close(e->fd);
	e->fd = -1;
}

static void clear_refusal(struct weft_executable *e)
{
	free(e->refused);
	e->refused = NULL;
	e->stale = 0;
	e->wait = 0;
}

static void uninit(struct weft_executable *e)
{
	close_fd(e);
	free(e->refused);
	free(e->path);
}

void weft_executables_uninit(struct weft_executables *all)
{
	size_t i;

	for (i = 0; i < all->count; i++)
		uninit(&all->items[i]);
	free(all->items);
	*all = (struct weft_executables){ 0 };
}

static struct weft_executable *find(const struct weft_executables *all, const char *path)
{
	size_t i;

	for (i = 0; i < all->count; i++)
		if (!strcmp(all->items[i].path, path))
			return &all->items[i];
	return NULL;
}

static int fail(struct weft_executable *e, int error, const char *text)
{
	e->error = error;
	return weft_error_set(&e->err, error, "%s", text);
}

struct weft_executable *weft_executables_at(struct weft_executables *all, const char *path)
{
	struct weft_executable *e = find(all, path);

	if (e)
		return e;
	e = WEFT_ARRAY_APPEND(all->items, all->count);
	if (!e)
		return NULL;
	e->fd = -1;
	fail(e, EAGAIN, "it has not been read yet");
	e->path = strdup(path);
	if (e->path)
		return e;
	all->count--;
	return NULL;
}

int weft_executables_want(struct weft_executables *all, const struct weft_nl_workload *workload)
{
	size_t i;

	for (i = 0; i < workload->n_selectors; i++)
		if (workload->selectors[i].sha256 &&
		    !weft_executables_at(all, workload->selectors[i].exe))
			return -ENOMEM;
	return 0;
}

void weft_executables_keep(struct weft_executables *all, const struct weft_executables *wanted)
{
	size_t i, kept = 0;

	for (i = 0; i < all->count; i++) {
		if (find(wanted, all->items[i].path))
			all->items[kept++] = all->items[i];
		else
			uninit(&all->items[i]);
	}
	all->count = kept;
}

void weft_executables_close(struct weft_executables *all)
{
	size_t i;

	for (i = 0; i < all->count; i++) {
		close_fd(&all->items[i]);
		all->items[i].attached = false;
		all->items[i].partly = false;
	}
}

/* ---- looking ---- */

/* As timespec64_to_ns(), which the module compares with, has it at both ends. */
static uint64_t ns(const struct timespec *t)
{
	if (t->tv_sec >= INT64_MAX / NS_PER_S)
		return INT64_MAX;
	if (t->tv_sec <= INT64_MIN / NS_PER_S)
		return (uint64_t)INT64_MIN;
	return t->tv_sec * NS_PER_S + t->tv_nsec;
}

static uint64_t clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return ns(&now);
}

/* Of the file that is open. Return: 0, negative errno. */
static int get_key(struct weft_executable *e, const struct stat *st, struct weft_file_key *key)
{
	int ret;

	*key = (struct weft_file_key){
		.dev = st->st_dev, .ino = st->st_ino, .size = st->st_size,
		.mtime = ns(&st->st_mtim), .ctime = ns(&st->st_ctim),
	};
	ret = weft_filesystem_disk(st->st_dev, &key->disk, &e->err);
	if (ret)
		e->error = -ret;
	return ret;
}

static bool same_key(const struct weft_file_key *a, const struct weft_file_key *b)
{
	return a->dev == b->dev && a->disk == b->disk && a->ino == b->ino && a->size == b->size &&
	       a->mtime == b->mtime && a->ctime == b->ctime;
}

/* Has something else come to the path since it was opened, or nothing? */
static bool is_replaced(const struct weft_executable *e, const struct stat *st)
{
	struct stat now;

	return stat(e->path, &now) || now.st_dev != st->st_dev || now.st_ino != st->st_ino;
}

/*
 * The kernel names the file by its one path without symbolic links, and so must the
 * selector. Return: 0, REPLACED, negative errno.
 */
static int check_path(struct weft_executable *e, const struct stat *st)
{
	char link[64], real[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", e->fd);
	n = readlink(link, real, sizeof(real) - 1);
	if (n < 0)
		return fail(e, errno, strerror(errno));
	real[n] = '\0';
	if (!strcmp(real, e->path))
		return 0;
	if (is_replaced(e, st)) {
		fail(e, EAGAIN, "it was replaced just now");
		return REPLACED;
	}
	e->error = ELOOP;
	return weft_error_set(&e->err, ELOOP, "it is %s by another name: name that one", real);
}

static int check_filesystem(struct weft_executable *e)
{
	int ret = weft_filesystem_check(e->fd, &e->err);

	if (ret)
		e->error = -ret;
	return ret;
}

/*
 * A lease for reading is not given while somebody has it open for writing. Who mapped
 * it so, before it became root's, could change it without its times telling. The file
 * systems of the kernel that are not refused for another reason all have leases.
 */
static int check_writers(struct weft_executable *e)
{
	if (!fcntl(e->fd, F_SETLEASE, F_RDLCK)) {
		fcntl(e->fd, F_SETLEASE, F_UNLCK);
		return 0;
	}
	if (errno == EAGAIN)
		return fail(e, EAGAIN, "somebody has it open for writing");
	if (errno == EINVAL || errno == EOPNOTSUPP)
		return fail(e, EPERM, "its file system cannot tell whether somebody has it open "
				      "for writing (it has no leases), so its hash proves nothing");
	e->error = errno;
	return weft_error_set(&e->err, errno, "whether somebody has it open for writing cannot be "
			      "told: lease: %s", strerror(errno));
}

/* Can a hash of it prove anything? Return: 0, REPLACED, negative errno. */
static int check_file(struct weft_executable *e, const struct stat *st)
{
	int ret;

	if (!S_ISREG(st->st_mode))
		return fail(e, EINVAL, "it is no regular file");
	if (st->st_uid || st->st_mode & (S_IWGRP | S_IWOTH))
		return fail(e, EPERM,
			    "it can be written to by others than root, so its hash proves nothing");
	ret = check_filesystem(e);
	if (!ret)
		ret = check_writers(e);
	return ret ? ret : check_path(e, st);
}

static int hash(struct weft_executable *e, char *sha256, weft_go_on_fn *go_on, void *data)
{
	uint8_t digest[WEFT_CRYPTO_DIGEST_LEN];
	int ret = weft_crypto_file_digest(e->fd, digest, go_on, data, &e->err);

	if (ret)
		e->error = -ret;
	else
		weft_hex_format(digest, sizeof(digest), sha256);
	return ret;
}

/* Reads it, which may be written to meanwhile. */
static int read_it(struct weft_executable *e, const struct weft_file_key *key,
		   weft_go_on_fn *go_on, void *data)
{
	char sha256[sizeof(e->sha256)];
	struct weft_file_key after;
	struct stat st;

	if (hash(e, sha256, go_on, data))
		return -e->error;
	if (fstat(e->fd, &st))
		return fail(e, errno, strerror(errno));
	if (get_key(e, &st, &after))
		return -e->error;
	if (!same_key(key, &after))
		return fail(e, EAGAIN, JUST_NOW);
	memcpy(e->sha256, sha256, sizeof(sha256));
	e->key = *key;
	e->error = 0;
	return 0;
}

/* What is at the path now. Return: 0, negative errno. */
static int open_it(struct weft_executable *e, struct stat *st)
{
	close_fd(e);
	/* O_NONBLOCK: it may be a pipe, which is found out below */
	e->fd = open(e->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (e->fd >= 0)
		return fstat(e->fd, st) ? fail(e, errno, strerror(errno)) : 0;
	/* What comes there next is nothing we know of, whatever it looks like. */
	*e->sha256 = '\0';
	return fail(e, errno, strerror(errno));
}

/* Return: 0, REPLACED, negative errno. */
static int look_once(struct weft_executable *e, uint64_t now, weft_go_on_fn *go_on, void *data)
{
	struct weft_file_key key;
	struct stat st;
	int ret = open_it(e, &st);

	if (!ret)
		ret = check_file(e, &st);
	if (!ret)
		ret = get_key(e, &st, &key);
	if (ret)
		return ret;
	if (*e->sha256 && same_key(&key, &e->key)) {
		e->error = 0;
		return 0;
	}
	if (key.mtime <= now && now - key.mtime < NS_PER_S)
		return fail(e, EAGAIN, JUST_NOW);
	return read_it(e, &key, go_on, data);
}

static int look(struct weft_executable *e, uint64_t now, weft_go_on_fn *go_on, void *data)
{
	unsigned int n = 0;
	int ret;

	do
		ret = look_once(e, now, go_on, data);
	while (ret == REPLACED && ++n < REPLACED_MAX);
	return ret;
}

void weft_executable_look(struct weft_executable *executable, uint64_t now, weft_go_on_fn *go_on,
			  void *data)
{
	if (look(executable, now ? now : clock_now(), go_on, data))
		close_fd(executable);
}

void weft_executable_take(struct weft_executable *to, struct weft_executable *found)
{
	bool same = !to->error && !found->error && same_key(&to->key, &found->key);

	close_fd(to);
	to->fd = weft_steal_fd(&found->fd);
	to->error = found->error;
	to->err = found->err;
	to->key = found->key;
	memcpy(to->sha256, found->sha256, sizeof(to->sha256));
	to->missed = false;
	if (same) {
		to->wait -= !!to->wait;
		return;
	}
	/* What the module was shown meanwhile lacks it. */
	to->attached = false;
	to->shown = false;
	clear_refusal(to);
}

/* ---- showing ---- */

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

static bool names(const struct weft_nl_selector *s, const struct weft_executable *e)
{
	return s->sha256 && !strcmp(s->exe, e->path);
}

/* A descriptor for each selector that wants it. Return: how many want it, -errno. */
static int give(struct weft_nl_workload *workload, const struct weft_executable *e)
{
	struct weft_nl_selector *s;
	int n = 0;
	size_t i;

	for (i = 0; i < workload->n_selectors; i++) {
		s = &workload->selectors[i];
		if (!names(s, e) || strcmp(s->sha256, e->sha256))
			continue;
		n++;
		if (e->fd < 0)
			continue;
		s->fd = fcntl(e->fd, F_DUPFD_CLOEXEC, 0);
		if (s->fd < 0)
			return -errno;
		s->has_fd = true;
		s->size = e->key.size;
		s->mtime = e->key.mtime;
	}
	return n;
}

/* It has a hash that no selector of the workload names. */
static int tell_hashes(const struct weft_nl_workload *workload, const struct weft_executable *e,
		       struct weft_strv *problems)
{
	_cleanup_(weft_strv_uninit) struct weft_strv hashes = { 0 };
	_cleanup_free_ char *text = NULL;
	size_t i;

	for (i = 0; i < workload->n_selectors; i++)
		if (names(&workload->selectors[i], e) &&
		    weft_strv_add(&hashes, workload->selectors[i].sha256))
			return -ENOMEM;
	text = weft_strv_join(&hashes, " or ");
	if (!text)
		return -ENOMEM;
	return add_problem(problems, "executable %s: its SHA-256 is %s, not %s", e->path,
			   e->sha256, text);
}

/* Is it to be shown once more? */
static bool is_due(const struct weft_executable *e)
{
	return e->stale && !e->wait;
}

/* Return: 0; 1 it is one that the module was not shown; -ENOMEM. */
static int attach_one(struct weft_executable *e, struct weft_nl_workload *workload,
		      struct weft_strv *problems)
{
	int n;

	e->right = false;
	if (e->error)
		return add_problem(problems, "executable %s: %s", e->path, e->err.text);
	if (e->refused && add_problem(problems, "executable %s: %s", e->path, e->refused))
		return -ENOMEM;
	if (e->refused && !is_due(e))
		return 0;
	n = give(workload, e);
	if (!n)
		return tell_hashes(workload, e, problems);
	e->right = true;
	e->partly |= n < 0;
	if (n < 0)
		return add_problem(problems, "executable %s: %s", e->path, strerror(-n));
	if (e->missed)
		return add_problem(problems, "executable %s: it could not be looked at again since "
				   "the documents changed", e->path);
	if (e->fd < 0)
		return 0;
	e->attached = true;
	return !e->shown;
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

int weft_executables_attach(struct weft_executables *all, struct weft_nl_workload *workload,
			    struct weft_strv *problems)
{
	const struct weft_nl_selector *s = workload->selectors;
	struct weft_executable *e;
	bool fresh = false;
	size_t i;
	int ret;

	for (i = 0; i < workload->n_selectors; i++) {
		if (!s[i].sha256 || is_repeated(workload, i))
			continue;
		e = weft_executables_at(all, s[i].exe);
		ret = e ? attach_one(e, workload, problems) : -ENOMEM;
		if (ret < 0)
			return ret;
		fresh |= ret;
	}
	return fresh;
}

void weft_executables_doubt(struct weft_executables *all)
{
	size_t i;

	for (i = 0; i < all->count; i++) {
		all->items[i].missed = !all->items[i].error && all->items[i].fd < 0;
		all->items[i].shown &= !all->items[i].missed;
		all->items[i].wait = 0;
	}
}

bool weft_executables_pending(const struct weft_executables *all)
{
	size_t i;

	for (i = 0; i < all->count; i++)
		if (all->items[i].right && !all->items[i].shown)
			return true;
	return false;
}

bool weft_executables_shown(struct weft_executables *all)
{
	struct weft_executable *e;
	bool fresh = false;

	for (e = all->items; e < all->items + all->count; e++) {
		if (e->attached && !e->partly) {
			fresh |= !e->shown;
			clear_refusal(e);
		}
		e->shown |= e->attached;
		e->shown &= !e->partly;
	}
	return fresh;
}

/* Each push is one time, however many selectors it is in. */
static void put_off(struct weft_executable *e)
{
	if (e->wait)
		return;
	if (1U << e->stale <= WAIT_MAX)
		e->stale++;
	e->wait = 1U << (e->stale - 1);
}

void weft_executables_refuse(struct weft_executables *all, const char *path, const char *why,
			     bool changed)
{
	struct weft_executable *e = find(all, path);

	if (!e)
		return;
	free(e->refused);
	e->refused = strdup(why); /* without memory it is shown once more */
	e->attached = false;
	if (changed)
		put_off(e);
	else
		e->stale = 0;
}

void weft_executables_detach(struct weft_nl_workload *workload)
{
	size_t i;

	for (i = 0; i < workload->n_selectors; i++)
		weft_nl_selector_close(&workload->selectors[i]);
}
