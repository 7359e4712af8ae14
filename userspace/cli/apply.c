// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The daemon and the documents of weftctl apply. See apply.h.
 */
#include "cli/apply.h"

#include <ctype.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/array.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/lock.h"
#include "cli/command.h"
#include "cli/netns.h"
#include "cli/value.h"
#include "conf/advice.h"
#include "conf/conf.h"
#include "conf/file_name.h"
#include "conf/node.h"

#define MODE_NEW 0644 /* of a document that was not there */
#define ADVICE_MAX 8 /* services that are told of by name */

void weft_apply_uninit(struct weft_apply *apply)
{
	size_t i;

	for (i = 0; i < apply->n_files; i++) {
		free(apply->files[i].now);
		free(apply->files[i].former);
	}
	free(apply->files);
	free(apply->state_dir);
	weft_outcome_uninit(&apply->told);
	weft_close_ptr(&apply->lock);
}

int weft_apply_drop_rights(struct weft_cli *cli)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };
	struct weft_error err = { 0 };

	if (!syscall(SYS_capset, &header, none))
		return WEFT_EXIT_DONE;
	weft_error_set(&err, errno, "cannot give up capabilities: %s", strerror(errno));
	return weft_cli_failed(cli, &err);
}

/* ---- the daemon ---- */

static int needs_root(struct weft_cli *cli, int error, const struct weft_error *err)
{
	struct weft_error said = *err;

	if (error == -EACCES || error == -EPERM)
		weft_error_set(&said, error, "%.400s; weftctl %s needs root", err->text,
			       cli->object->name);
	return weft_cli_failed(cli, &said);
}

int weft_apply_find(struct weft_cli *cli, struct weft_apply *apply)
{
	_cleanup_free_ char *path = NULL;
	struct weft_error err = { 0 };
	int ret = 0;

	if (cli->state_dir)
		apply->state_dir = strdup(cli->state_dir);
	else
		ret = weft_netns_state_dir(&apply->state_dir, &err);
	if (ret)
		return weft_cli_failed(cli, &err);
	if (!apply->state_dir || asprintf(&path, "%s/lock", apply->state_dir) < 0) {
		path = NULL;
		return weft_cli_nomem(cli);
	}
	ret = weft_lock_held(path, &err);
	apply->running = ret > 0;
	return ret < 0 ? needs_root(cli, ret, &err) : WEFT_EXIT_DONE;
}

int weft_apply_lock(struct weft_cli *cli, struct weft_apply *apply)
{
	_cleanup_free_ char *path = NULL;
	struct weft_error err = { 0 };
	int ret;

	if (asprintf(&path, "%s/apply/lock", apply->state_dir) < 0) {
		path = NULL;
		return weft_cli_nomem(cli);
	}
	ret = weft_pending_open(apply->state_dir, &err);
	if (!ret)
		ret = weft_lock_take(path, &apply->lock, &err);
	if (ret == -EBUSY)
		weft_error_set(&err, EBUSY,
			       "another weftctl apply is at work: wait for it, or end it");
	return ret ? needs_root(cli, ret, &err) : WEFT_EXIT_DONE;
}

int weft_apply_read_told(struct weft_cli *cli, struct weft_apply *apply)
{
	struct weft_error err = { 0 };
	int ret = weft_outcome_read(apply->state_dir, &apply->told, &err);

	if (ret == -ENOENT)
		weft_error_set(
			&err, ENOENT,
			"%.300s: no weftd has run with this state directory, so its documents "
			"are unknown: start it, or restart it after an upgrade, or name "
			"another with --state-dir",
			apply->state_dir);
	else if (!ret && !apply->told.writable && !apply->only_looks)
		ret = weft_error_set(
			&err, EROFS,
			"%.250s: weftd could not write there, so it could not undo the "
			"change: let it (ReadWritePaths= of its unit, mode, owner) and "
			"restart it, or copy the documents there",
			apply->told.dir);
	return ret ? needs_root(cli, ret, &err) : WEFT_EXIT_DONE;
}

/* ---- the documents ---- */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int check_name(struct weft_cli *cli, const struct weft_apply *apply, const char *path)
{
	const char *name = base_name(path), *c;
	size_t i;

	if (!weft_file_name_is_document(name))
		return weft_cli_bad(cli, "file", path,
				    "weftd reads *.yaml, *.yml and *.json that are not hidden; "
				    "rename it");
	for (c = name; *c; c++)
		if (iscntrl((unsigned char)*c))
			return weft_cli_bad(cli, "file", path,
					    "a control character in its name; rename it");
	for (i = 0; i < apply->n_files; i++)
		if (!strcmp(apply->files[i].name, name))
			return weft_cli_bad(cli, "file", path,
					    "another of this name is given; in the directory of "
					    "documents there is one");
	return WEFT_EXIT_DONE;
}

static int take_file(struct weft_cli *cli, struct weft_apply *apply, const char *path)
{
	struct weft_pending_file *file;
	struct weft_error err = { 0 };
	int code = check_name(cli, apply, path);

	if (code)
		return code;
	file = WEFT_ARRAY_APPEND(apply->files, apply->n_files);
	if (!file)
		return weft_cli_nomem(cli);
	file->name = base_name(path);
	file->mode = MODE_NEW;
	if (weft_file_read(path, WEFT_NODE_FILE_MAX, &file->now, &file->now_len, &err))
		return weft_cli_failed(cli, &err);
	return WEFT_EXIT_DONE;
}

int weft_apply_take_files(struct weft_cli *cli, struct weft_apply *apply)
{
	const char *path;
	int code = WEFT_EXIT_DONE;

	while (!code && (path = weft_cli_word(cli)))
		code = take_file(cli, apply, path);
	return code;
}

int weft_apply_load(struct weft_cli *cli, const struct weft_apply *apply,
		    struct weft_conf **conf)
{
	_cleanup_free_ struct weft_conf_file *files = calloc(apply->n_files + 1, sizeof(*files));
	struct weft_error err = { 0 };
	size_t i;

	if (!files)
		return weft_cli_nomem(cli);
	for (i = 0; i < apply->n_files; i++)
		files[i] = (struct weft_conf_file){ .name = apply->files[i].name,
						    .text = apply->files[i].now,
						    .len = apply->files[i].now_len };
	if (weft_conf_load_with(apply->told.dir, files, apply->n_files, apply->told.trust_domain,
				conf, &err))
		return weft_cli_failed(cli, &err);
	return WEFT_EXIT_DONE;
}

static bool is_of_files(const struct weft_apply *apply, const char *path)
{
	for (size_t i = 0; i < apply->n_files; i++)
		if (!strcmp(apply->files[i].name, base_name(path)))
			return true;
	return false;
}

void weft_apply_advise(struct weft_cli *cli, const struct weft_apply *apply,
		       const struct weft_conf *conf)
{
	size_t n = 0;

	for (size_t i = 0; i < conf->n_services; i++) {
		const struct weft_conf_service *s = &conf->services[i];
		const char *advice = weft_conf_service_advice(s);

		if (!advice || !is_of_files(apply, s->mark.file) || n++ >= ADVICE_MAX)
			continue;
		weft_cli_note(cli, "%s:%u: Service \"%s\": %s", base_name(s->mark.file),
			      s->mark.line, s->object.name, advice);
	}
	if (n > ADVICE_MAX)
		weft_cli_note(cli, "and %zu more services that any workload may serve",
			      n - ADVICE_MAX);
}

static void load_former(const struct weft_apply *apply, struct weft_conf **former)
{
	struct weft_error err = { 0 }; /* the files may be what mends them */

	*former = NULL;
	weft_conf_load(apply->told.dir, apply->told.trust_domain, former, &err);
}

int weft_apply_look(struct weft_cli *cli, struct weft_apply *apply, struct weft_conf **conf,
		    struct weft_conf **former)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct own[_LINUX_CAPABILITY_U32S_3], less[_LINUX_CAPABILITY_U32S_3];
	struct weft_error err = { 0 };
	int code;

	if (syscall(SYS_capget, &header, own)) {
		weft_error_set(&err, errno, "cannot read capabilities: %s", strerror(errno));
		return weft_cli_failed(cli, &err);
	}
	memcpy(less, own, sizeof(less));
	for (size_t i = 0; i < WEFT_ARRAY_SIZE(less); i++)
		less[i].effective = 0;
	if (syscall(SYS_capset, &header, less)) {
		weft_error_set(&err, errno, "cannot lower capabilities: %s", strerror(errno));
		return weft_cli_failed(cli, &err);
	}
	code = weft_apply_read_told(cli, apply);
	if (!code)
		code = weft_apply_load(cli, apply, conf);
	if (!code && former)
		load_former(apply, former);
	if (syscall(SYS_capset, &header, own) && !code) {
		weft_error_set(&err, errno, "cannot take capabilities back: %s", strerror(errno));
		weft_conf_destroy(weft_steal_ptr(*conf));
		if (former)
			weft_conf_destroy(weft_steal_ptr(*former));
		code = weft_cli_failed(cli, &err);
	}
	return code;
}

/* What stands in the place of @file. Return: 0, also when nothing does; negative errno. */
static int read_former(const char *dir, struct weft_pending_file *file, struct weft_error *err)
{
	_cleanup_free_ char *path = NULL;
	struct stat st;

	if (asprintf(&path, "%s/%s", dir, file->name) < 0) {
		path = NULL;
		return weft_error_nomem(err);
	}
	if (lstat(path, &st))
		return errno == ENOENT ? 0 : weft_error_set(err, errno, "%s: %s", path,
							     strerror(errno));
	if (!S_ISREG(st.st_mode))
		return weft_error_set(err, EINVAL,
				      "%s: there already, and not a regular file: change what it "
				      "leads to, or remove it first", path);
	file->mode = st.st_mode & 0777;
	return weft_file_read(path, WEFT_NODE_FILE_MAX, &file->former, &file->former_len, err);
}

int weft_apply_read_former(struct weft_cli *cli, struct weft_apply *apply)
{
	struct weft_error err = { 0 };
	size_t i;

	for (i = 0; i < apply->n_files; i++)
		if (read_former(apply->told.dir, &apply->files[i], &err))
			return weft_cli_failed(cli, &err);
	return WEFT_EXIT_DONE;
}
