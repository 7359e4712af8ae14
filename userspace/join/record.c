// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Small JSON files in a directory of the CA. See record.h.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/file.h"
#include "join/record.h"

#define SUFFIX ".json"
#define RECORD_MAX (256 * 1024)

static char *path_of(const char *ca_dir, const char *kind, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s/%s" SUFFIX, ca_dir, kind, name) < 0 ? NULL : path;
}

static void closedir_ptr(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* Others are temporary, or none of ours. */
static int add_name(struct weft_strv *names, const char *file)
{
	size_t len = strlen(file), suffix = strlen(SUFFIX);
	char *name;

	if (file[0] == '.' || len <= suffix || strcmp(file + len - suffix, SUFFIX))
		return 0;
	name = strndup(file, len - suffix);
	return name ? weft_strv_take(names, name) : -ENOMEM;
}

int weft_record_names(const char *ca_dir, const char *kind, struct weft_strv *names,
		      struct weft_error *err)
{
	_cleanup_(closedir_ptr) DIR *dir = NULL;
	_cleanup_free_ char *path = NULL;
	const struct dirent *entry;

	if (asprintf(&path, "%s/%s", ca_dir, kind) < 0) {
		path = NULL;
		return weft_error_nomem(err);
	}
	dir = opendir(path);
	if (!dir && errno == ENOENT)
		return 0;
	if (!dir)
		return weft_error_set(err, errno, "%s: %s", path, strerror(errno));
	while ((entry = readdir(dir))) {
		if (add_name(names, entry->d_name)) {
			weft_strv_uninit(names);
			return weft_error_nomem(err);
		}
	}
	weft_strv_sort(names);
	return 0;
}

int weft_record_error(const char *ca_dir, const char *kind, const char *name, int error,
		      struct weft_error *err)
{
	return weft_error_prefix(err, error, "%s/%s/%s" SUFFIX, ca_dir, kind, name);
}

int weft_record_read(const char *ca_dir, const char *kind, const char *name, cJSON **object,
		     struct weft_error *err)
{
	_cleanup_free_ char *path = path_of(ca_dir, kind, name);
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r;

	if (!path)
		return weft_error_nomem(err);
	r = weft_file_read(path, RECORD_MAX, &text, &len, err);
	if (r)
		return r;
	if (len && text[len - 1] == '\n')
		len--;
	r = weft_json_parse(text, len, object, err);
	return r ? weft_error_prefix(err, r, "%s", path) : 0;
}

int weft_record_write(const char *ca_dir, const char *kind, const char *name,
		      const cJSON *object, struct weft_error *err)
{
	_cleanup_free_ char *path = path_of(ca_dir, kind, name);
	_cleanup_free_ char *text = cJSON_Print(object);
	_cleanup_free_ char *line = NULL, *dir = NULL;
	int r;

	if (!path || !text || asprintf(&line, "%s\n", text) < 0) {
		line = NULL;
		return weft_error_nomem(err);
	}
	if (asprintf(&dir, "%s/%s", ca_dir, kind) < 0) {
		dir = NULL;
		return weft_error_nomem(err);
	}
	r = weft_dir_create(dir, 0700, err);
	return r ? r : weft_file_write(path, line, strlen(line), 0600, err);
}

int weft_record_delete(const char *ca_dir, const char *kind, const char *name,
		       struct weft_error *err)
{
	_cleanup_free_ char *path = path_of(ca_dir, kind, name);
	_cleanup_free_ char *dir = NULL;

	if (!path || asprintf(&dir, "%s/%s", ca_dir, kind) < 0) {
		dir = NULL;
		return weft_error_nomem(err);
	}
	if (unlink(path))
		return weft_error_set(err, errno, "%s: %s", path, strerror(errno));
	return weft_dir_sync(dir, err); /* what is revoked stays so */
}
