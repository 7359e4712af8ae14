// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A change of documents that can be undone. See pending.h for the states and
 * who moves it from one to the next.
 */
#include "conf/pending.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/boot.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "conf/file_name.h"
#include "conf/lines.h"
#include "conf/node.h"

#define RECORD_MAX 8192

static const char *const state_names[] = {
	[WEFT_PENDING_WAITS] = "pending",
	[WEFT_PENDING_CONFIRMED] = "confirmed",
	[WEFT_PENDING_RESTORING] = "restoring",
};

/* The caller's to free; NULL: out of memory. */
static __attribute__((format(printf, 1, 2))) char *path(const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&p, fmt, ap);
	va_end(ap);
	return n < 0 ? NULL : p;
}

static char *path_of(const char *state_dir, const char *name)
{
	return path("%s/apply/%s", state_dir, name);
}

static bool exists(const char *file)
{
	struct stat st;

	return !lstat(file, &st);
}

static int rename_error(struct weft_error *err, int error, const char *from, const char *to)
{
	return weft_error_set(err, error, "cannot rename %s to %s: %s", from, to, strerror(error));
}

void weft_pending_uninit(struct weft_pending *pending)
{
	free(pending->dir);
	weft_strv_uninit(&pending->names);
	*pending = (struct weft_pending){ 0 };
}

uint64_t weft_pending_left(const struct weft_pending *pending)
{
	uint64_t now = weft_boot_now();

	return pending->deadline > now ? pending->deadline - now : 0;
}

int weft_pending_open(const char *state_dir, struct weft_error *err)
{
	_cleanup_free_ char *dir = path("%s/apply", state_dir);
	int ret;

	if (!dir)
		return weft_error_nomem(err);
	ret = weft_dir_create(dir, 0700, err);
	return ret ? ret : weft_dir_sync(state_dir, err);
}

/* ------------------------------------------------------------- reading */

static int parse_record(char *text, struct weft_pending *pending)
{
	char *written = weft_lines_text(&text, "boot"), *dir;
	char boot[WEFT_BOOT_ID_MAX];
	uint64_t asks;
	int ret;

	if (!written || weft_lines_number(&text, "deadline", UINT64_MAX, &pending->deadline) ||
	    weft_lines_number(&text, "asks", 1, &asks))
		return -EINVAL;
	dir = weft_lines_text(&text, "dir");
	if (!dir || dir[0] != '/' || *text)
		return -EINVAL;
	ret = weft_boot_id(boot, NULL);
	if (ret)
		return ret;
	if (strcmp(written, boot))
		pending->deadline = 0;
	pending->asks = asks;
	pending->dir = strdup(dir);
	return pending->dir ? 0 : -ENOMEM;
}

static int read_record(const char *dir, struct weft_pending *pending, struct weft_error *err)
{
	_cleanup_free_ char *file = path("%s/record", dir), *text = NULL;
	size_t len;
	int ret;

	if (!file)
		return weft_error_nomem(err);
	ret = weft_file_read(file, RECORD_MAX, &text, &len, err);
	if (ret)
		return ret;
	ret = parse_record(text, pending);
	if (ret == -EINVAL)
		return weft_error_set(err, ret,
				      "%s: not what weftctl apply writes; look at the files in %s, "
				      "then remove it", file, dir);
	return ret ? weft_error_set(err, ret, "%s: %s", file, strerror(-ret)) : 0;
}

static int is_document(const struct dirent *entry)
{
	return weft_file_name_is_document(entry->d_name);
}

static int read_names(const char *dir, struct weft_strv *names, struct weft_error *err)
{
	_cleanup_free_ char *now = path("%s/now", dir);
	struct dirent **entries = NULL;
	int n, ret = 0;

	if (!now)
		return weft_error_nomem(err);
	n = scandir(now, &entries, is_document, NULL);
	if (n < 0)
		return weft_error_set(err, errno, "%s: %s", now, strerror(errno));
	for (int i = 0; i < n; i++) {
		if (!ret)
			ret = weft_strv_add(names, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	weft_strv_sort(names);
	return ret ? weft_error_nomem(err) : 0;
}

static int read_change(const char *dir, struct weft_pending *pending, struct weft_error *err)
{
	struct weft_pending read = { 0 };
	int ret;

	ret = read_record(dir, &read, err);
	if (!ret)
		ret = read_names(dir, &read.names, err);
	if (ret) {
		weft_pending_uninit(&read);
		return ret;
	}
	*pending = read;
	return 0;
}

int weft_pending_read(const char *state_dir, enum weft_pending_state state,
		      struct weft_pending *pending, struct weft_error *err)
{
	_cleanup_free_ char *dir = path_of(state_dir, state_names[state]);
	int ret;

	if (!dir)
		return weft_error_nomem(err);
	ret = read_change(dir, pending, err);
	/* a record that is missing is damage; a change that is missing was settled meanwhile */
	if (ret == -ENOENT && exists(dir))
		return -EINVAL;
	return ret;
}

/* ------------------------------------------------------------- staging */

/* What waits beside a document to be renamed to it, hidden from the loader. */
#define STAGED_NOW "apply"
#define STAGED_FORMER "former"

static char *staged_path(const char *dir, const char *name, const char *which)
{
	return path("%s/.%s.%s", dir, name, which);
}

static int remove_file(const char *file, struct weft_error *err)
{
	if (!unlink(file) || errno == ENOENT)
		return 0;
	/* a read-only file system does not look for the name before it refuses */
	if (errno == EROFS && !exists(file))
		return 0;
	return weft_error_set(err, errno, "%s: cannot remove: %s", file, strerror(errno));
}

/* All that can be. Return: 0, the last failure. */
static int unstage(const struct weft_pending *change, const char *which, struct weft_error *err)
{
	int ret = 0;

	for (size_t i = 0; i < change->names.count; i++) {
		_cleanup_free_ char *file = staged_path(change->dir, change->names.items[i], which);
		int r = file ? remove_file(file, err) : weft_error_nomem(err);

		ret = r ? r : ret;
	}
	return ret;
}

static int stage_file(const char *dir, const struct weft_pending_file *f, const char *which,
		      const char *data, size_t len, struct weft_error *err)
{
	_cleanup_free_ char *file = staged_path(dir, f->name, which);

	if (!file)
		return weft_error_nomem(err);
	/* by no name that unstage() would not know */
	return weft_file_fill(file, data, len, f->mode, err);
}

/* The former ones as well: to put them back then needs no room on the disk. */
static int stage(const struct weft_pending_change *change, struct weft_error *err)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < change->n_files; i++) {
		const struct weft_pending_file *f = &change->files[i];

		ret = stage_file(change->dir, f, STAGED_NOW, f->now, f->now_len, err);
		if (!ret && f->former)
			ret = stage_file(change->dir, f, STAGED_FORMER, f->former, f->former_len,
					 err);
	}
	return ret ? ret : weft_dir_sync(change->dir, err);
}

/* ------------------------------------------------------------ creating */

static int keep(const char *new, const struct weft_pending_file *f, struct weft_error *err)
{
	_cleanup_free_ char *now = path("%s/now/%s", new, f->name);
	_cleanup_free_ char *former = path("%s/former/%s", new, f->name);
	int ret;

	if (!now || !former)
		return weft_error_nomem(err);
	ret = weft_file_write(now, f->now, f->now_len, f->mode, err);
	if (!ret && f->former)
		ret = weft_file_write(former, f->former, f->former_len, f->mode, err);
	return ret;
}

static int keep_all(const char *new, const struct weft_pending_change *change,
		    struct weft_error *err)
{
	_cleanup_free_ char *now = path("%s/now", new), *former = path("%s/former", new);
	int ret;

	if (!now || !former)
		return weft_error_nomem(err);
	ret = weft_dir_create(now, 0700, err);
	if (!ret)
		ret = weft_dir_create(former, 0700, err);
	for (size_t i = 0; !ret && i < change->n_files; i++)
		ret = keep(new, &change->files[i], err);
	return ret;
}

/* The last of the files, so that its directory is synced with all of them in it. */
static int write_record(const char *new, const struct weft_pending_change *change,
			struct weft_error *err)
{
	_cleanup_free_ char *file = path("%s/record", new), *text = NULL;
	char boot[WEFT_BOOT_ID_MAX];
	int ret = weft_boot_id(boot, err);

	if (ret)
		return ret;
	text = path("boot %s\ndeadline %" PRIu64 "\nasks %d\ndir %s\n", boot, change->deadline,
		    change->asks, change->dir);
	if (!file || !text)
		return weft_error_nomem(err);
	return weft_file_write(file, text, strlen(text), 0600, err);
}

/* What an apply left that did not come to pending/. Nothing is staged before the record. */
static int forget_unfinished(const char *new, struct weft_error *err)
{
	struct weft_pending change = { 0 };
	int ret = 0;

	if (!read_change(new, &change, NULL)) {
		ret = unstage(&change, STAGED_NOW, err);
		if (!ret)
			ret = unstage(&change, STAGED_FORMER, err);
	}
	weft_pending_uninit(&change);
	return ret ? ret : weft_dir_remove(new, err);
}

int weft_pending_ready(const char *state_dir, struct weft_error *err)
{
	_cleanup_free_ char *waits = path_of(state_dir, state_names[WEFT_PENDING_WAITS]);
	_cleanup_free_ char *restoring = path_of(state_dir, state_names[WEFT_PENDING_RESTORING]);

	if (!waits || !restoring)
		return weft_error_nomem(err);
	/* in the order in which a change goes, so that it is in one of them */
	if (exists(waits))
		return weft_error_set(err, EBUSY,
				      "a former change is pending: weftctl apply confirm, or weftctl "
				      "apply rollback, then this one");
	if (exists(restoring))
		return weft_error_set(
			err, EBUSY, "a former change is being rolled back: see weftctl apply show");
	return 0;
}

/* From here on there is something to undo. */
static int publish(const char *state_dir, const char *new, struct weft_error *err)
{
	_cleanup_free_ char *to = path_of(state_dir, state_names[WEFT_PENDING_WAITS]);
	_cleanup_free_ char *apply = path("%s/apply", state_dir);
	int ret;

	if (!to || !apply)
		return weft_error_nomem(err);
	if (rename(new, to))
		return rename_error(err, errno, new, to);
	ret = weft_dir_sync(apply, err);
	if (ret)
		rename(to, new); /* when that fails, too, the deadline comes */
	return ret;
}

int weft_pending_create(const char *state_dir, const struct weft_pending_change *change,
			struct weft_error *err)
{
	_cleanup_free_ char *new = path_of(state_dir, "new");
	int ret;

	if (!new)
		return weft_error_nomem(err);
	ret = weft_pending_ready(state_dir, err);
	if (!ret)
		ret = forget_unfinished(new, err);
	if (ret)
		return ret;
	ret = weft_dir_create(new, 0700, err);
	if (!ret)
		ret = keep_all(new, change, err);
	if (!ret)
		ret = write_record(new, change, err);
	if (!ret)
		ret = stage(change, err);
	if (!ret)
		ret = publish(state_dir, new, err);
	if (ret)
		forget_unfinished(new, NULL);
	return ret;
}

/* ------------------------------------------------------------- putting */

static int canceled(struct weft_error *err)
{
	return weft_error_set(err, ECANCELED, "the change no longer waits");
}

static int put(const char *dir, const char *name, struct weft_error *err)
{
	_cleanup_free_ char *from = staged_path(dir, name, STAGED_NOW),
			    *to = path("%s/%s", dir, name);

	if (!from || !to)
		return weft_error_nomem(err);
	if (!rename(from, to))
		return 0;
	return errno == ENOENT ? canceled(err) : rename_error(err, errno, from, to);
}

/* Whoever watches the directory loads it once more, which then began after this. */
static int touch(const char *dir, const char *name, struct weft_error *err)
{
	_cleanup_free_ char *file = path("%s/%s", dir, name);

	if (!file)
		return weft_error_nomem(err);
	/* gone again: that is seen as well */
	if (!utimensat(AT_FDCWD, file, NULL, AT_SYMLINK_NOFOLLOW) || errno == ENOENT)
		return 0;
	return weft_error_set(err, errno, "%s: cannot touch: %s", file, strerror(errno));
}

int weft_pending_put(const char *state_dir, uint64_t *since, struct weft_error *err)
{
	struct weft_pending change = { 0 };
	uint64_t now;
	int ret;

	ret = weft_pending_read(state_dir, WEFT_PENDING_WAITS, &change, err);
	if (ret)
		return ret == -ENOENT ? canceled(err) : ret;
	for (size_t i = 0; !ret && i < change.names.count; i++)
		ret = put(change.dir, change.names.items[i], err);
	/* before the disk, which may take longer than weftd: it has loaded them then */
	now = weft_boot_now();
	if (!ret && change.names.count)
		ret = touch(change.dir, change.names.items[0], err);
	if (!ret)
		ret = weft_dir_sync(change.dir, err);
	weft_pending_uninit(&change);
	if (!ret)
		*since = now;
	return ret;
}

/* ------------------------------------------------------------ settling */

static int move(const char *state_dir, enum weft_pending_state state, const char *name,
		struct weft_error *err)
{
	_cleanup_free_ char *from = path_of(state_dir, state_names[state]);
	_cleanup_free_ char *to = path_of(state_dir, name);
	_cleanup_free_ char *apply = path("%s/apply", state_dir);

	if (!from || !to || !apply)
		return weft_error_nomem(err);
	if (!rename(from, to))
		return weft_dir_sync(apply, err);
	if (errno == ENOENT)
		return weft_error_set(err, ENOENT, "no change is pending");
	return rename_error(err, errno, from, to);
}

/* The same, in the place of an earlier change, which is settled. */
static int move_over(const char *state_dir, enum weft_pending_state state, const char *name,
		     struct weft_error *err)
{
	_cleanup_free_ char *to = path_of(state_dir, name);
	int ret;

	if (!to)
		return weft_error_nomem(err);
	ret = move(state_dir, state, name, err);
	if (ret != -ENOTEMPTY && ret != -EEXIST)
		return ret;
	ret = weft_dir_remove(to, err);
	return ret ? ret : move(state_dir, state, name, err);
}

/* Are all documents where they shall stay, on disk? */
static int check_put(const struct weft_pending *change, struct weft_error *err)
{
	for (size_t i = 0; i < change->names.count; i++) {
		_cleanup_free_ char *file =
			staged_path(change->dir, change->names.items[i], STAGED_NOW);

		if (!file)
			return weft_error_nomem(err);
		if (exists(file))
			return weft_error_set(err, EAGAIN,
					      "%s is not in place yet: wait for weftctl apply to "
					      "end, or weftctl apply rollback",
					      change->names.items[i]);
	}
	return weft_dir_sync(change->dir, err);
}

/*
 * Of a change that is settled. What cannot be removed is in nobody's way: the
 * loader does not see it, the next change of that document replaces it.
 */
static void unstage_former(const char *state_dir, enum weft_pending_state state)
{
	struct weft_pending change = {0};

	if (!weft_pending_read(state_dir, state, &change, NULL))
		unstage(&change, STAGED_FORMER, NULL);
	weft_pending_uninit(&change);
}

int weft_pending_confirm(const char *state_dir, struct weft_error *err)
{
	struct weft_pending change = { 0 };
	int ret;

	ret = weft_pending_read(state_dir, WEFT_PENDING_WAITS, &change, err);
	if (ret == -ENOENT)
		return weft_error_set(err, ENOENT, "no change is pending");
	if (!ret)
		ret = check_put(&change, err);
	weft_pending_uninit(&change);
	if (ret)
		return ret;
	unstage_former(state_dir, WEFT_PENDING_CONFIRMED); /* of an earlier one */
	return move_over(state_dir, WEFT_PENDING_WAITS, state_names[WEFT_PENDING_CONFIRMED], err);
}

int weft_pending_claim(const char *state_dir, struct weft_error *err)
{
	return move(state_dir, WEFT_PENDING_WAITS, state_names[WEFT_PENDING_RESTORING], err);
}

/* By way of another name: half of a record would mean something else. */
int weft_pending_drop(const char *state_dir, enum weft_pending_state state, struct weft_error *err)
{
	_cleanup_free_ char *trash = path_of(state_dir, "trash");
	int ret;

	if (!trash)
		return weft_error_nomem(err);
	unstage_former(state_dir, state); /* it is the record that knows their names */
	ret = move_over(state_dir, state, "trash", err);
	return ret && ret != -ENOENT ? ret : weft_dir_remove(trash, err);
}

/* ----------------------------------------------------------- restoring */

struct content {
	bool there;	/* something of that name is */
	bool regular;	/* and it is a file, with what follows */
	char *data;
	size_t len;
	mode_t mode;
};

static void content_uninit(struct content *c)
{
	free(c->data);
}

static int content_read(const char *file, struct content *c, struct weft_error *err)
{
	struct stat st;
	int ret;

	if (lstat(file, &st))
		return errno == ENOENT ? 0 : weft_error_set(err, errno, "%s: %s", file,
							     strerror(errno));
	c->there = true;
	c->regular = S_ISREG(st.st_mode) && st.st_size <= WEFT_NODE_FILE_MAX;
	c->mode = st.st_mode & 0777;
	if (!c->regular)
		return 0;
	ret = weft_file_read(file, WEFT_NODE_FILE_MAX, &c->data, &c->len, err);
	if (ret == -ENOENT) /* gone since */
		c->there = false;
	return c->there ? ret : 0;
}

static bool content_equal(const struct content *a, const struct content *b)
{
	if (!a->there || !b->there)
		return a->there == b->there;
	return a->regular && b->regular && a->len == b->len && !memcmp(a->data, b->data, a->len);
}

/* By a rename, which a full disk cannot prevent. Return: it was. */
static bool put_back_staged(const char *dir, const char *name, const struct content *former)
{
	_cleanup_free_ char *from = staged_path(dir, name, STAGED_FORMER);
	_cleanup_free_ char *to = path("%s/%s", dir, name);
	_cleanup_(content_uninit) struct content staged = {0};

	if (!from || !to || content_read(from, &staged, NULL))
		return false;
	/* the record is root's alone; what lies here, another hand may have changed */
	return content_equal(&staged, former) && staged.mode == former->mode && !rename(from, to);
}

static int put_back(const char *dir, const char *name, const struct content *former,
		    struct weft_error *err)
{
	_cleanup_free_ char *file = path("%s/%s", dir, name);

	if (!file)
		return weft_error_nomem(err);
	if (!former->there)
		return remove_file(file, err);
	if (put_back_staged(dir, name, former))
		return 0;
	return weft_file_write(file, former->data, former->len, former->mode, err);
}

/* There is a file for each name, unless somebody took away the record, or that file. */
static int vanished(const char *record, const char *name, struct weft_error *err)
{
	if (!exists(record))
		return weft_error_set(err, ENOENT, "the change was settled meanwhile");
	return weft_error_set(err, EINVAL, "%s: the record of %s is damaged", record, name);
}

static int restore(const char *record, const char *dir, const char *name, struct weft_strv *others,
		   struct weft_error *err)
{
	_cleanup_free_ char *now_file = path("%s/now/%s", record, name);
	_cleanup_free_ char *former_file = path("%s/former/%s", record, name);
	_cleanup_free_ char *file = path("%s/%s", dir, name);
	_cleanup_(content_uninit) struct content now = { 0 }, former = { 0 }, found = { 0 };
	int ret;

	if (!now_file || !former_file || !file)
		return weft_error_nomem(err);
	/* in this order: when the second is there, the first was not missing by its settling */
	ret = content_read(former_file, &former, err);
	if (!ret)
		ret = content_read(now_file, &now, err);
	if (!ret && !now.there)
		return vanished(record, name, err);
	if (!ret)
		ret = content_read(file, &found, err);
	if (ret || content_equal(&found, &former))
		return ret;
	if (!now.regular || (former.there && !former.regular))
		return weft_error_set(err, EINVAL, "%s: the record of %s is damaged", record, name);
	if (content_equal(&found, &now))
		return put_back(dir, name, &former, err);
	return weft_strv_add(others, name) ? weft_error_nomem(err) : 0;
}

int weft_pending_restore(const char *state_dir, struct weft_strv *others, struct weft_error *err)
{
	_cleanup_free_ char *record = path_of(state_dir, state_names[WEFT_PENDING_RESTORING]);
	struct weft_pending change = { 0 };
	int ret;

	if (!record)
		return weft_error_nomem(err);
	ret = weft_pending_read(state_dir, WEFT_PENDING_RESTORING, &change, err);
	if (!ret)
		ret = unstage(&change, STAGED_NOW, err);
	/* what goes wrong with one file is no reason to leave another */
	for (size_t i = 0; i < change.names.count; i++) {
		int r = restore(record, change.dir, change.names.items[i], others,
				ret ? NULL : err);

		ret = ret ? ret : r;
	}
	/* also what a former call, which a crash ended, has put back */
	if (!ret)
		ret = weft_dir_sync(change.dir, err);
	weft_pending_uninit(&change);
	return ret;
}
