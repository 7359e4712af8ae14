// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The outcome of loading the documents. See outcome.h.
 */
#include "conf/outcome.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/boot.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "conf/lines.h"

#define OUTCOME_MAX 16384

void weft_outcome_uninit(struct weft_outcome *outcome)
{
	free(outcome->error);
	free(outcome->trust_domain);
	free(outcome->dir);
	*outcome = (struct weft_outcome){ 0 };
}

static char *path_of(const char *state_dir)
{
	char *path;

	return asprintf(&path, "%s/outcome", state_dir) < 0 ? NULL : path;
}

int weft_outcome_write(const char *state_dir, const struct weft_outcome *outcome,
		       struct weft_error *err)
{
	_cleanup_free_ char *path = path_of(state_dir), *text = NULL;
	_cleanup_free_ char *error = weft_lines_copy(outcome->error);
	char boot[WEFT_BOOT_ID_MAX];
	int len, ret;

	if (!path || !error)
		return weft_error_nomem(err);
	ret = weft_boot_id(boot, err);
	if (ret)
		return ret;
	len = asprintf(&text,
		       "boot %s\nbegan %" PRIu64 "\ngeneration %" PRIu64
		       "\nagain %d\nwritable %d\ntrust-domain %s\nerror %s\ndir %s\n",
		       boot, outcome->began, outcome->generation, outcome->again, outcome->writable,
		       outcome->trust_domain, error, outcome->dir);
	if (len < 0) {
		text = NULL;
		return weft_error_nomem(err);
	}
	/* it is of this boot and told anew by the next start: nobody waits for the disk */
	return weft_file_write_volatile(path, text, len, 0600, err);
}

/* Strings of @parsed point into @text. Return: 0, -EINVAL. */
static int parse(char *text, const char *boot, struct weft_outcome *parsed)
{
	char *written = weft_lines_text(&text, "boot");
	uint64_t again, writable;

	if (!written || weft_lines_number(&text, "began", UINT64_MAX, &parsed->began) ||
	    weft_lines_number(&text, "generation", UINT64_MAX, &parsed->generation) ||
	    weft_lines_number(&text, "again", 1, &again) ||
	    weft_lines_number(&text, "writable", 1, &writable))
		return -EINVAL;
	parsed->again = again;
	parsed->writable = writable;
	parsed->trust_domain = weft_lines_text(&text, "trust-domain");
	parsed->error = weft_lines_text(&text, "error");
	parsed->dir = weft_lines_text(&text, "dir");
	if (strcmp(written, boot))
		parsed->began = parsed->generation = 0;
	return parsed->trust_domain && parsed->error && parsed->dir && !*text ? 0 : -EINVAL;
}

static int copy(const struct weft_outcome *from, struct weft_outcome *to)
{
	struct weft_outcome out = *from;

	out.trust_domain = strdup(from->trust_domain);
	out.error = strdup(from->error);
	out.dir = strdup(from->dir);
	if (!out.trust_domain || !out.error || !out.dir) {
		weft_outcome_uninit(&out);
		return -ENOMEM;
	}
	*to = out;
	return 0;
}

int weft_outcome_read(const char *state_dir, struct weft_outcome *outcome, struct weft_error *err)
{
	_cleanup_free_ char *path = path_of(state_dir), *text = NULL;
	struct weft_outcome parsed = { 0 };
	char boot[WEFT_BOOT_ID_MAX];
	size_t len;
	int ret;

	if (!path)
		return weft_error_nomem(err);
	ret = weft_file_read(path, OUTCOME_MAX, &text, &len, err);
	if (!ret)
		ret = weft_boot_id(boot, err);
	if (ret)
		return ret;
	if (parse(text, boot, &parsed))
		return weft_error_set(err, EINVAL,
				      "%s: not what weftd of this version writes; restart weftd",
				      path);
	return copy(&parsed, outcome) ? weft_error_nomem(err) : 0;
}
