// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who has the built-in authority open and trusts by it. See ca_user.h.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/file.h"
#include "base/hex.h"
#include "base/lock.h"
#include "pki/ca_files.h"
#include "pki/ca_user.h"
#include "pki/crypto.h"

#define DIR_NAME "users"
#define LINE_LEN WEFT_HEX_SIZE(WEFT_CRYPTO_DIGEST_LEN) /* with its end */
#define FILE_MAX (WEFT_BUNDLE_ROOTS_MAX * LINE_LEN)

struct weft_ca_user {
	char *ca_dir, *path;
	int fd; /* locked */
};

void weft_ca_user_close(struct weft_ca_user *user)
{
	if (!user)
		return;
	if (user->path && user->fd >= 0) {
		unlink(user->path);
		close(user->fd);
	}
	free(user->ca_dir);
	free(user->path);
	free(user);
}

static void closedir_ptr(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* Those that ended without a word. What cannot be looked at stays: activate will tell. */
static void sweep(const char *path)
{
	_cleanup_(closedir_ptr) DIR *dir = opendir(path);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		_cleanup_free_ char *name = weft_ca_path(path, entry->d_name);

		if (entry->d_name[0] != '.' && name && !weft_lock_held(name, NULL))
			unlink(name);
	}
}

/* With the lock of the directory: between making it and locking it, it would look like
 * one that nobody holds. */
static int make_file(struct weft_ca_user *user, struct weft_error *err)
{
	_cleanup_free_ char *dir = weft_ca_path(user->ca_dir, DIR_NAME);
	_cleanup_close_ int lock = -1;
	int r;

	if (!dir || asprintf(&user->path, "%s/%d.%08x", dir, getpid(), arc4random()) < 0) {
		user->path = NULL;
		return weft_error_nomem(err);
	}
	r = weft_dir_create(dir, 0700, err);
	if (r)
		return r;
	lock = weft_dir_lock_within(user->ca_dir, WEFT_CA_LOCK_SHORT, err);
	if (lock < 0)
		return lock;
	sweep(dir);
	return weft_lock_take(user->path, &user->fd, err);
}

int weft_ca_user_open(const char *ca_dir, struct weft_ca_user **ret, struct weft_error *err)
{
	struct weft_ca_user *user = calloc(1, sizeof(*user));
	int r;

	if (!user)
		return weft_error_nomem(err);
	user->fd = -1;
	user->ca_dir = strdup(ca_dir);
	r = user->ca_dir ? make_file(user, err) : weft_error_nomem(err);
	if (r)
		weft_ca_user_close(user);
	else
		*ret = user;
	return r;
}

static int format(const STACK_OF(X509) *roots, char *text, struct weft_error *err)
{
	int n = sk_X509_num(roots), r = 0;

	for (int i = 0; !r && i < n && i < WEFT_BUNDLE_ROOTS_MAX; i++) {
		uint8_t digest[WEFT_CRYPTO_DIGEST_LEN];

		r = weft_crypto_cert_digest(sk_X509_value(roots, i), digest, err);
		if (r)
			return r;
		weft_hex_format(digest, sizeof(digest), text);
		text[LINE_LEN - 1] = '\n';
		text += LINE_LEN;
	}
	*text = '\0';
	return r;
}

/* In place: the lock is of this very file. It means nothing after a crash. */
static int write_roots(const struct weft_ca_user *user, const char *text, struct weft_error *err)
{
	size_t len = strlen(text);
	ssize_t n = -1;

	/* Empty first: what is not written to its end says nothing. */
	if (!ftruncate(user->fd, 0))
		n = pwrite(user->fd, text, len, 0);
	if (n == (ssize_t)len)
		return 0;
	if (n >= 0) /* a part of it: there is no room for more */
		errno = ENOSPC;
	return weft_error_set(err, errno, "%s: cannot write: %s", user->path, strerror(errno));
}

int weft_ca_user_tell(struct weft_ca_user *user, const STACK_OF(X509) *roots,
		      struct weft_error *err)
{
	_cleanup_close_ int lock = -1;
	char text[FILE_MAX + 1];
	int r = format(roots, text, err);

	if (r)
		return r;
	lock = weft_dir_lock_within(user->ca_dir, WEFT_CA_LOCK_SHORT, err);
	if (lock < 0)
		return lock;
	return write_roots(user, text, err);
}

/* ---- looking at all of them ---- */

/* Return: 1 it says so, 0 it does not, negative errno. */
static int says(const char *path, X509 *root, struct weft_error *err)
{
	char line[WEFT_HEX_SIZE(WEFT_CRYPTO_DIGEST_LEN)];
	uint8_t digest[WEFT_CRYPTO_DIGEST_LEN];
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r;

	r = weft_crypto_cert_digest(root, digest, err);
	if (!r)
		r = weft_file_read(path, FILE_MAX, &text, &len, err);
	return r ? r : !!strstr(text, weft_hex_format(digest, sizeof(digest), line));
}

static int look_at(const char *dir, const char *name, X509 *root, struct weft_strv *names,
		   struct weft_error *err)
{
	_cleanup_free_ char *path = weft_ca_path(dir, name);
	char text[64];
	int r;

	if (!path)
		return weft_error_nomem(err);
	r = weft_lock_held(path, err);
	if (!r)
		unlink(path);
	if (r <= 0)
		return r;
	r = says(path, root, err);
	if (r == -ENOENT) /* it has ended just now */
		return 0;
	if (r)
		return r < 0 ? r : 0;
	snprintf(text, sizeof(text), "process %.*s", (int)strcspn(name, "."), name);
	return weft_strv_add(names, text) ? weft_error_nomem(err) : 0;
}

int weft_ca_users_without_locked(const char *ca_dir, X509 *root, struct weft_strv *names,
				 struct weft_error *err)
{
	_cleanup_free_ char *path = weft_ca_path(ca_dir, DIR_NAME);
	_cleanup_(closedir_ptr) DIR *dir = NULL;
	const struct dirent *entry;
	int r = 0;

	if (!path)
		return weft_error_nomem(err);
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? 0 :
					 weft_error_set(err, errno, "%s: %s", path, strerror(errno));
	while (!r && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			r = look_at(path, entry->d_name, root, names, err);
	weft_strv_sort(names);
	return r;
}
