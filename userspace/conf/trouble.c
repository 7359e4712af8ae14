// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What somebody should see to. See trouble.h.
 */
#include "conf/trouble.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "conf/lines.h"

#define FILE_MAX 262144 /* longer than so many lines with identities in them can be */

static char *path_of(const char *state_dir)
{
	char *path;

	return asprintf(&path, "%s/trouble", state_dir) < 0 ? NULL : path;
}

static int print(FILE *f, const struct weft_strv *trouble)
{
	for (size_t i = 0; i < trouble->count && i < WEFT_TROUBLE_MAX; i++) {
		_cleanup_free_ char *line = weft_lines_copy(trouble->items[i]);

		if (!line)
			return -ENOMEM;
		fprintf(f, "%s\n", line);
	}
	if (trouble->count > WEFT_TROUBLE_MAX)
		fprintf(f, "%zu more, see the journal of weftd\n",
			trouble->count - WEFT_TROUBLE_MAX);
	return 0;
}

int weft_trouble_write(const char *state_dir, const struct weft_strv *trouble,
		       struct weft_error *err)
{
	_cleanup_free_ char *path = path_of(state_dir), *text = NULL;
	size_t len;
	FILE *f;
	int ret;

	if (!path)
		return weft_error_nomem(err);
	f = open_memstream(&text, &len);
	if (!f)
		return weft_error_nomem(err);
	ret = print(f, trouble);
	if (fclose(f) || ret)
		return weft_error_nomem(err);
	return weft_file_write_volatile(path, text, len, 0600, err);
}

int weft_trouble_read(const char *state_dir, struct weft_strv *trouble, struct weft_error *err)
{
	_cleanup_free_ char *path = path_of(state_dir), *text = NULL;
	char *line, *rest;
	size_t len;
	int ret;

	if (!path)
		return weft_error_nomem(err);
	ret = weft_file_read(path, FILE_MAX, &text, &len, err);
	if (ret)
		return ret;
	rest = text;
	while ((line = strsep(&rest, "\n")))
		if (*line && weft_strv_add(trouble, line))
			return weft_error_nomem(err);
	return 0;
}
