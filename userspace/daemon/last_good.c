// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The documents that were in force last, see last_good.h: how they are written down, and
 * read again.
 */
#include "daemon/last_good.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/array.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/number.h"
#include "conf/conf.h"
#include "conf/lines.h"

#define FIRST_LINE "weft last good 1\n"
#define DIGEST_LEN 32

static char *dir_of(const char *state_dir)
{
	char *path;

	return asprintf(&path, "%s/last-good", state_dir) < 0 ? NULL : path;
}

static char *path_of(const char *state_dir)
{
	char *path;

	return asprintf(&path, "%s/last-good/documents", state_dir) < 0 ? NULL : path;
}

/* @text: WEFT_HEX_SIZE(DIGEST_LEN) bytes. Return: 0, -EIO. */
static int digest(const char *data, size_t len, char *text)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned int n;

	if (EVP_Digest(data, len, md, &n, EVP_sha256(), NULL) != 1 || n != DIGEST_LEN)
		return -EIO;
	weft_hex_format(md, n, text);
	return 0;
}

/* ---- writing ---- */

static size_t size_of(const struct weft_conf *conf)
{
	size_t size = 0;

	for (size_t i = 0; i < conf->n_texts; i++)
		size += strlen(conf->files.items[i]) + conf->texts[i].len;
	return size;
}

static void print(FILE *f, const struct weft_conf *conf, int64_t when)
{
	fprintf(f, "when %" PRId64 "\n", when);
	for (size_t i = 0; i < conf->n_texts; i++) {
		const struct weft_conf_text *text = &conf->texts[i];
		const char *name = conf->files.items[i];

		fprintf(f, "file %zu %zu\n%s\n", strlen(name), text->len, name);
		fwrite(text->data, 1, text->len, f);
		fputc('\n', f);
	}
}

/* What the digest is of. Return: 0, -ENOMEM. */
static int make_body(const struct weft_conf *conf, int64_t when, char **body, size_t *len)
{
	FILE *f = open_memstream(body, len);
	bool failed;

	if (!f)
		return -ENOMEM;
	print(f, conf, when);
	failed = ferror(f);
	return fclose(f) || failed ? -ENOMEM : 0;
}

/* The body of a whole file, without the line of its time: what else there is to compare. */
static const char *after_line(const char *body, const char *end)
{
	const char *line = memchr(body, '\n', end - body);

	return line ? line + 1 : end;
}

/* Return: the body in @text; NULL: it is damaged. */
static char *find_body(char *text, size_t len)
{
	const size_t first = strlen(FIRST_LINE);
	char hex[WEFT_HEX_SIZE(DIGEST_LEN)], *rest = text + first;
	const char *written;

	if (len < first || memcmp(text, FIRST_LINE, first))
		return NULL;
	written = weft_lines_text(&rest, "sha256");
	if (!written || digest(rest, text + len - rest, hex) || strcmp(written, hex))
		return NULL;
	return rest;
}

/* Are the documents of @body those that are kept? */
static bool is_kept(const char *path, const char *body, size_t len)
{
	_cleanup_free_ char *text = NULL;
	const char *kept, *ours = after_line(body, body + len);
	size_t text_len, ours_len = body + len - ours;
	char *kept_body;

	if (weft_file_read(path, 2 * WEFT_LAST_GOOD_MAX, &text, &text_len, NULL))
		return false;
	kept_body = find_body(text, text_len);
	if (!kept_body)
		return false;
	kept = after_line(kept_body, text + text_len);
	return text + text_len - kept == ours_len && !memcmp(kept, ours, ours_len);
}

/* By one name in between, so that those who are killed leave one file at most. */
static int replace(const char *dir, const char *path, const char *data, size_t len,
		   struct weft_error *err)
{
	_cleanup_free_ char *new = NULL;
	int ret;

	if (asprintf(&new, "%s/new", dir) < 0) {
		new = NULL;
		return weft_error_nomem(err);
	}
	ret = weft_file_fill(new, data, len, 0600, err);
	if (!ret && rename(new, path))
		ret = weft_error_set(err, errno, "cannot rename %s to %s: %s", new, path,
				     strerror(errno));
	if (!ret)
		return weft_dir_sync(dir, err);
	unlink(new); /* what was written of it may fill the disk */
	return ret;
}

static int write_file(const char *dir, const char *path, const char *body, size_t len,
		      struct weft_error *err)
{
	char hex[WEFT_HEX_SIZE(DIGEST_LEN)];
	_cleanup_free_ char *text = NULL;
	size_t text_len;
	bool failed;
	FILE *f;

	if (digest(body, len, hex))
		return weft_error_set(err, EIO, "%s: OpenSSL cannot make a SHA-256", path);
	f = open_memstream(&text, &text_len);
	if (!f)
		return weft_error_nomem(err);
	fprintf(f, FIRST_LINE "sha256 %s\n", hex);
	fwrite(body, 1, len, f);
	failed = ferror(f);
	if (fclose(f) || failed)
		return weft_error_nomem(err);
	return replace(dir, path, text, text_len, err);
}

/* It is in its parent for good, or what is written in it may not be after a crash. */
static int make_dir(const char *state_dir, const char *dir, struct weft_error *err)
{
	int ret = weft_dir_create(dir, 0700, err);

	return ret ? ret : weft_dir_sync(state_dir, err);
}

int weft_last_good_write(const char *state_dir, const struct weft_conf *conf, int64_t when,
			 struct weft_error *err)
{
	_cleanup_free_ char *dir = dir_of(state_dir), *path = path_of(state_dir), *body = NULL;
	size_t len;
	int ret;

	if (!dir || !path)
		return weft_error_nomem(err);
	if (size_of(conf) > WEFT_LAST_GOOD_MAX)
		return weft_error_set(err, EFBIG, "%s: documents of more than %u MiB are not kept",
				      path, WEFT_LAST_GOOD_MAX >> 20);
	if (make_body(conf, when, &body, &len))
		return weft_error_nomem(err);
	if (is_kept(path, body, len))
		return 0;
	ret = make_dir(state_dir, dir, err);
	return ret ? ret : write_file(dir, path, body, len, err);
}

/* ---- reading ---- */

static char *take(char **rest, const char *end, size_t len)
{
	char *bytes = *rest;

	/* and the end of the line after them */
	if (len >= end - bytes || bytes[len] != '\n')
		return NULL;
	bytes[len] = '\0';
	*rest = bytes + len + 1;
	return bytes;
}

/* "NUMBER NUMBER" */
static int parse_lengths(char *text, uint64_t *name_len, uint64_t *text_len)
{
	char *blank = text ? strchr(text, ' ') : NULL;

	if (!blank)
		return -EINVAL;
	*blank = '\0';
	if (weft_number_parse(text, 1, WEFT_LAST_GOOD_MAX, name_len) ||
	    weft_number_parse(blank + 1, 0, WEFT_LAST_GOOD_MAX, text_len))
		return -EINVAL;
	return 0;
}

/* The files stay in @rest. Return: 0, -EINVAL, -ENOMEM. */
static int parse_files(char *rest, const char *end, struct weft_conf_file **files, size_t *n)
{
	while (rest < end) {
		struct weft_conf_file *file;
		uint64_t name_len, text_len;

		if (parse_lengths(weft_lines_text(&rest, "file"), &name_len, &text_len))
			return -EINVAL;
		file = WEFT_ARRAY_APPEND(*files, *n);
		if (!file)
			return -ENOMEM;
		file->name = take(&rest, end, name_len);
		file->text = file->name ? take(&rest, end, text_len) : NULL;
		file->len = text_len;
		if (!file->text)
			return -EINVAL;
	}
	return 0;
}

/* What the digest says is whole is as we wrote it; or it is of another version. */
static int parse(char *text, size_t len, struct weft_conf_file **files, size_t *n, int64_t *when)
{
	char *rest = find_body(text, len);
	uint64_t seconds;

	if (!rest || weft_lines_number(&rest, "when", INT64_MAX, &seconds))
		return -EINVAL;
	*when = seconds;
	return parse_files(rest, text + len, files, n);
}

int weft_last_good_load(const char *state_dir, const char *trust_domain, struct weft_conf **conf,
			int64_t *when, struct weft_error *err)
{
	_cleanup_free_ char *path = path_of(state_dir), *text = NULL;
	_cleanup_free_ struct weft_conf_file *files = NULL;
	size_t len, n = 0;
	int64_t then;
	int ret;

	if (!path)
		return weft_error_nomem(err);
	ret = weft_file_read(path, 2 * WEFT_LAST_GOOD_MAX, &text, &len, err);
	if (ret)
		return ret;
	ret = parse(text, len, &files, &n, &then);
	if (ret == -ENOMEM)
		return weft_error_nomem(err);
	if (ret)
		return weft_error_set(err, EBADMSG,
				      "%s: damaged, or of another version: it is made anew as soon "
				      "as the documents are in force", path);
	ret = weft_conf_parse_all(files, n, trust_domain, conf, err);
	if (ret)
		return weft_error_prefix(err, ret, "%s", path);
	*when = then;
	return 0;
}
