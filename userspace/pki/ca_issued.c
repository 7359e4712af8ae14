// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Until when what a root has signed may be valid. See ca_files.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include "base/file.h"
#include "base/hex.h"
#include "base/number.h"
#include "pki/ca_files.h"
#include "pki/crypto.h"

#define LINES_MAX 8 /* roots that were; the ones written last are the ones that count */
#define TIME_MAX  (1LL << 50)
/* All lines have one length: see overwrite(). */
#define LINE_LEN (2 * WEFT_CRYPTO_DIGEST_LEN + 1 + 20 + 1)

struct line {
	uint8_t root[WEFT_CRYPTO_DIGEST_LEN];
	int64_t until;
};

struct record {
	struct line lines[LINES_MAX];
	size_t count;
};

static int parse_line(char *text, struct line *line)
{
	char *time = strchr(text, ' ');
	uint64_t until;

	if (!time)
		return -EBADMSG;
	*time++ = '\0';
	time += strspn(time, " ");
	if (weft_hex_parse(text, line->root, sizeof(line->root)) ||
	    weft_number_parse(time, 0, TIME_MAX, &until))
		return -EBADMSG;
	line->until = until;
	return 0;
}

static int parse(char *text, struct record *record)
{
	char *line;

	while ((line = strsep(&text, "\n"))) {
		if (!*line && !text)
			return 0;
		if (record->count == LINES_MAX ||
		    parse_line(line, &record->lines[record->count++]))
			return -EBADMSG;
	}
	return record->count ? -EBADMSG : 0; /* the end of the last line is missing */
}

static int read_record(const char *path, struct record *record, struct weft_error *err)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r;

	r = weft_file_read(path, LINES_MAX * LINE_LEN, &text, &len, err);
	if (r == -ENOENT)
		return 0;
	if (r)
		return r;
	if (strlen(text) != len || parse(text, record))
		return weft_error_set(err, EBADMSG,
				      "%s: not what weft writes: remove it; what was signed before "
				      "counts as valid for %d days then",
				      path, WEFT_CA_LIFETIME_MAX / 86400);
	return 0;
}

static const struct line *find(const struct record *record, const uint8_t *root)
{
	for (size_t i = 0; i < record->count; i++)
		if (!memcmp(record->lines[i].root, root, sizeof(record->lines[i].root)))
			return &record->lines[i];
	return NULL;
}

int weft_ca_issued_get(const char *dir, X509 *root, int64_t *until, struct weft_error *err)
{
	_cleanup_free_ char *path = weft_ca_path(dir, "issued");
	uint8_t digest[WEFT_CRYPTO_DIGEST_LEN];
	struct record record = { 0 };
	const struct line *line;
	int r;

	if (!path)
		return weft_error_nomem(err);
	r = weft_crypto_cert_digest(root, digest, err);
	if (!r)
		r = read_record(path, &record, err);
	if (r)
		return r;
	line = find(&record, digest);
	if (!line)
		return weft_error_set(err, ENOENT, "%s: nothing is said of this root", path);
	*until = line->until;
	return 0;
}

int weft_ca_issued_bound(const char *dir, X509 *root, int64_t now, int64_t *until,
			 struct weft_error *err)
{
	int64_t end = weft_crypto_time(X509_get0_notAfter(root));
	int r = weft_ca_issued_get(dir, root, until, err);

	if (r == -ENOENT) {
		*until = now + WEFT_CA_LIFETIME_MAX;
		r = 0;
	}
	if (!r && *until > end)
		*until = end;
	return r;
}

/* Its line is the last one; where there are too many, the first goes. */
static void put(struct record *record, const uint8_t *root, int64_t until)
{
	const struct line *known = find(record, root);
	size_t gone = known ? known - record->lines : 0;

	if (known || record->count == LINES_MAX) {
		record->count--;
		memmove(&record->lines[gone], &record->lines[gone + 1],
			(record->count - gone) * sizeof(record->lines[0]));
	}
	memcpy(record->lines[record->count].root, root, WEFT_CRYPTO_DIGEST_LEN);
	record->lines[record->count++].until = until;
}

static size_t format(const struct record *record, char *text)
{
	char root[WEFT_HEX_SIZE(WEFT_CRYPTO_DIGEST_LEN)];
	size_t len = 0;

	for (size_t i = 0; i < record->count; i++)
		len += sprintf(text + len, "%s %20" PRId64 "\n",
			       weft_hex_format(record->lines[i].root, WEFT_CRYPTO_DIGEST_LEN, root),
			       record->lines[i].until);
	return len;
}

/* A disk that is full must not let the certificates of all nodes run out: what is no
 * longer than before needs no new block on most file systems. */
static bool overwrite(const char *path, const char *text, size_t len)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;

	return fd >= 0 && !fstat(fd, &st) && st.st_size == (off_t)len &&
	       pwrite(fd, text, len, 0) == (ssize_t)len && !fdatasync(fd);
}

int weft_ca_issued_set(const char *dir, X509 *root, int64_t until, struct weft_error *err)
{
	_cleanup_free_ char *path = weft_ca_path(dir, "issued");
	char text[LINES_MAX * LINE_LEN + 1];
	uint8_t digest[WEFT_CRYPTO_DIGEST_LEN];
	struct record record = { 0 };
	size_t len;
	int r;

	if (!path)
		return weft_error_nomem(err);
	r = weft_crypto_cert_digest(root, digest, err);
	if (!r)
		r = read_record(path, &record, err);
	if (r)
		return r;
	put(&record, digest, until);
	len = format(&record, text);
	r = weft_file_write(path, text, len, 0600, err);
	return (r == -ENOSPC || r == -EDQUOT) && overwrite(path, text, len) ? 0 : r;
}
