// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The state directory, see state.h. weftctl looks at the lock, too: whether a
 * daemon runs.
 */
#include "daemon/state.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/cleanup.h"
#include "base/file.h"
#include "base/lock.h"
#include "base/name.h"
#include "daemon/options.h"

#define TRUST_DOMAIN_FILE_MAX 512

static int lock_dir(const char *dir, int *fd, struct weft_error *err)
{
	_cleanup_free_ char *path = NULL;
	int ret;

	if (asprintf(&path, "%s/lock", dir) < 0) {
		path = NULL;
		return weft_error_nomem(err);
	}
	ret = weft_lock_take(path, fd, err);
	if (ret != -EBUSY)
		return ret;
	return weft_error_set(err, EBUSY,
			      "%s: another weftd uses this state directory; stop it, or give this "
			      "one its own with --state-dir",
			      dir);
}

/* @domain stays as it is when none is stored, else it is the caller's to free. */
static int read_trust_domain(const char *path, char **domain, struct weft_error *err)
{
	_cleanup_free_ char *text = NULL;
	const char *problem;
	size_t len;
	int ret;

	ret = weft_file_read(path, TRUST_DOMAIN_FILE_MAX, &text, &len, err);
	if (ret == -ENOENT)
		return 0;
	if (ret)
		return ret;
	text[strcspn(text, "\n")] = '\0';
	problem = weft_trust_domain_problem(text);
	if (problem)
		return weft_error_set(err, EINVAL, "%s: \"%s\": %s", path, text, problem);
	*domain = weft_steal_ptr(text);
	return 0;
}

static int write_trust_domain(const char *path, const char *domain, struct weft_error *err)
{
	_cleanup_free_ char *line = NULL;
	int len = asprintf(&line, "%s\n", domain);

	if (len < 0)
		return weft_error_nomem(err);
	return weft_file_write(path, line, len, 0644, err);
}

static int settle_trust_domain(const char *dir, const char *asked, char **domain,
			       struct weft_error *err)
{
	_cleanup_free_ char *stored = NULL;
	_cleanup_free_ char *path = NULL;
	int ret;

	if (asprintf(&path, "%s/trust-domain", dir) < 0)
		return weft_error_nomem(err);
	ret = read_trust_domain(path, &stored, err);
	if (ret)
		return ret;
	if (!stored) {
		stored = strdup(asked ? asked : WEFT_DAEMON_TRUST_DOMAIN);
		if (!stored)
			return weft_error_nomem(err);
		ret = write_trust_domain(path, stored, err);
		if (ret)
			return ret;
	} else if (asked && strcmp(asked, stored)) {
		return weft_error_set(err, EEXIST,
				      "--trust-domain: \"%s\": %s is of trust domain \"%s\", set at "
				      "its first start; drop the option, or begin anew with an "
				      "empty --state-dir",
				      asked, dir, stored);
	}
	*domain = weft_steal_ptr(stored);
	return 0;
}

int weft_state_open(struct weft_state *state, const char *dir, const char *ca_dir,
		    const char *trust_domain, struct weft_error *err)
{
	_cleanup_free_ char *domain = NULL;
	_cleanup_free_ char *ca = NULL;
	_cleanup_close_ int fd = -1;
	int ret;

	ret = weft_dir_create(dir, 0700, err);
	if (ret)
		return ret;
	ret = lock_dir(dir, &fd, err);
	if (ret)
		return ret;
	ret = settle_trust_domain(dir, trust_domain, &domain, err);
	if (ret)
		return ret;
	if (asprintf(&ca, "%s%s", ca_dir ? ca_dir : dir, ca_dir ? "" : "/ca") < 0)
		return weft_error_nomem(err);

	state->lock_fd = weft_steal_fd(&fd);
	state->trust_domain = weft_steal_ptr(domain);
	state->ca_dir = weft_steal_ptr(ca);
	return 0;
}

void weft_state_close(struct weft_state *state)
{
	if (state->lock_fd >= 0)
		close(state->lock_fd);
	free(state->trust_domain);
	free(state->ca_dir);
	*state = (struct weft_state)WEFT_STATE_INIT;
}
