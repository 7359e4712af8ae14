// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * weftctl apply: documents into force, and out of it again unless they are
 * confirmed. conf/pending.h draws the life of a change; here is what a person
 * says to it.
 *
 *   files ─▶ would they load? ─▶ record ─▶ put ─▶ weftd: in force? ─▶ confirmed,
 *              │ no: untouched                      │ no: back         or waits for it
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/boot.h"
#include "base/cleanup.h"
#include "base/number.h"
#include "cli/apply.h"
#include "cli/await.h"
#include "cli/command.h"
#include "conf/conf.h"

#define CONFIRM_MIN_MS UINT64_C(5000)
#define CONFIRM_MAX_MS UINT64_C(3600000)

/* How long weftd may take for each of: load, confirm, restore. */
#define WEFTD_MS 20000
/* After so long weftd undoes what no weftctl has come to see in force. */
#define UNSEEN_MS (3 * WEFTD_MS)

/* ---- what is told ---- */

/* A line of text, or an object with what the line says. */
static int tell(struct weft_cli *cli, const char *key, const char *value, const char *text)
{
	struct weft_print *p = weft_cli_print(cli);

	if (!p)
		return WEFT_EXIT_FAILED;
	weft_print_record_begin(p, text);
	weft_print_string(p, key, value);
	weft_print_record_end(p);
	return WEFT_EXIT_DONE;
}

/* "confirmed: a.yaml, b.yaml" */
static int tell_names(struct weft_cli *cli, const char *done, const struct weft_strv *names)
{
	struct weft_print *p = weft_cli_print(cli);
	_cleanup_free_ char *list = weft_strv_join(names, ", "), *text = NULL;

	if (!p)
		return WEFT_EXIT_FAILED;
	if (!list || asprintf(&text, "%s: %s", done, list) < 0) {
		text = NULL;
		return weft_cli_nomem(cli);
	}
	weft_print_record_begin(p, text);
	weft_print_string(p, "state", done);
	weft_print_strings(p, "files", names);
	weft_print_record_end(p);
	return WEFT_EXIT_DONE;
}

static void tell_difference(const char *line, void *data)
{
	tell(data, "change", line, line);
}

/* ---- a change that is settled ---- */

struct settling {
	const char *state_dir;
	enum weft_pending_state state;
};

static int is_settled(void *data, struct weft_error *err)
{
	_cleanup_(weft_pending_uninit) struct weft_pending change = { 0 };
	const struct settling *s = data;
	int ret = weft_pending_read(s->state_dir, s->state, &change, err);

	return ret == -ENOENT ? 1 : ret;
}

/* weftd sees the record in its new state and does the rest. */
static int settle_by_weftd(const struct weft_apply *apply, enum weft_pending_state state,
			   struct weft_error *err)
{
	struct settling settling = { apply->state_dir, state };
	_cleanup_free_ char *dir = NULL;
	int ret;

	if (asprintf(&dir, "%s/apply", apply->state_dir) < 0) {
		dir = NULL;
		return weft_error_nomem(err);
	}
	ret = weft_await(dir, WEFTD_MS, is_settled, &settling, err);
	if (!ret)
		return weft_error_set(err, ETIMEDOUT,
				      "weftd has not done it yet, see its journal; when it runs it "
				      "will");
	return ret < 0 ? ret : 0;
}

/* Without weftd it is done here; @others as of weft_pending_restore(). */
static int settle(const struct weft_apply *apply, enum weft_pending_state state,
		  struct weft_strv *others, struct weft_error *err)
{
	struct settling settling = { apply->state_dir, state };
	int ret;

	if (apply->running)
		return settle_by_weftd(apply, state, err);
	ret = is_settled(&settling, err);
	if (ret)
		return ret < 0 ? ret : 0;
	if (state == WEFT_PENDING_RESTORING)
		ret = weft_pending_restore(apply->state_dir, others, err);
	if (ret == -ENOENT && is_settled(&settling, NULL) > 0) /* by a weftd that started */
		return 0;
	return ret ? ret : weft_pending_drop(apply->state_dir, state, err);
}

/* ---- files ---- */

static int take_confirm(struct weft_cli *cli, uint64_t *ms)
{
	if (!cli->confirm)
		return WEFT_EXIT_DONE;
	if (weft_duration_parse(cli->confirm, ms) || *ms < CONFIRM_MIN_MS || *ms > CONFIRM_MAX_MS)
		return weft_cli_bad(cli, "--confirm", cli->confirm,
				    "not a time from 5s to 1h, such as 60s");
	return WEFT_EXIT_DONE;
}

/* Would weftd take them? Tells what they change. Return: an exit code. */
static int check_documents(struct weft_cli *cli, const struct weft_apply *apply)
{
	_cleanup_(weft_conf_destroy_ptr) struct weft_conf *now = NULL, *then = NULL;

	if (weft_apply_load(cli, apply, &then))
		return WEFT_EXIT_FAILED;
	weft_apply_advise(cli, apply, then);
	if (weft_conf_load(apply->told.dir, apply->told.trust_domain, &now, NULL))
		return tell(cli, "change", NULL,
			    "what is there now is not good, so what changes cannot be told");
	return weft_conf_diff(now, then, tell_difference, cli) < 0 ? weft_cli_nomem(cli)
								     : WEFT_EXIT_DONE;
}

static bool differs(const struct weft_apply *apply)
{
	const struct weft_pending_file *f;

	for (f = apply->files; f < apply->files + apply->n_files; f++)
		if (!f->former || f->now_len != f->former_len ||
		    memcmp(f->now, f->former, f->now_len))
			return true;
	return false;
}

struct force {
	const char *state_dir;
	uint64_t since;			/* the documents were in place */
	struct weft_outcome outcome;	/* the latest that began after it */
};

/* weftd may end and start again meanwhile; it will say what became of it. */
static int is_told(void *data, struct weft_error *err)
{
	struct weft_outcome outcome = { 0 };
	struct force *f = data;
	int ret = weft_outcome_read(f->state_dir, &outcome, err);

	if (ret)
		return ret;
	if (outcome.began < f->since) {
		weft_outcome_uninit(&outcome);
		return 0;
	}
	weft_outcome_uninit(&f->outcome);
	f->outcome = outcome;
	return !outcome.again;
}

/* Return: 0 in force as @generation; negative errno, why not. */
static int await_force(const struct weft_apply *apply, uint64_t since, uint64_t *generation,
		       struct weft_error *err)
{
	struct force force = {.state_dir = apply->state_dir, .since = since};
	int ret;

	ret = weft_await(apply->state_dir, WEFTD_MS, is_told, &force, err);
	if (ret >= 0 && !force.outcome.began)
		ret = weft_error_set(err, ETIMEDOUT, "weftd has not loaded it within %ds",
				     WEFTD_MS / 1000);
	else if (ret >= 0 && *force.outcome.error)
		ret = weft_error_set(err, EINVAL, "%s", force.outcome.error);
	else if (ret >= 0)
		*generation = force.outcome.generation;
	weft_outcome_uninit(&force.outcome);
	return ret < 0 ? ret : 0;
}

static int tell_others(struct weft_cli *cli, const struct weft_strv *others)
{
	return others->count ? tell_names(cli, "changed by somebody else since, left alone", others)
			     : WEFT_EXIT_DONE;
}

/* It did not work, as @err says. Return: an exit code. */
static int undo(struct weft_cli *cli, const struct weft_apply *apply, const struct weft_error *err)
{
	_cleanup_(weft_strv_uninit) struct weft_strv others = { 0 };
	struct weft_error why = { 0 }, said = { 0 };
	int claimed, ret;

	claimed = weft_pending_claim(apply->state_dir, &why);
	ret = claimed;
	if (!ret || ret == -ENOENT) /* -ENOENT: another was faster, and may be at it */
		ret = settle(apply, WEFT_PENDING_RESTORING, &others, &why);
	tell_others(cli, &others);
	if (!ret && claimed)
		weft_error_set(&said, ECANCELED, "%.420s; it was confirmed or rolled back meanwhile",
			       err->text);
	else if (ret)
		weft_error_set(&said, ret, "%.240s; rolling it back: %.230s", err->text, why.text);
	else
		weft_error_set(&said, ECANCELED, "%.440s; what was there before is back", err->text);
	return weft_cli_failed(cli, &said);
}

static int tell_in_force(struct weft_cli *cli, uint64_t generation, uint64_t left_ms)
{
	char text[160], time[WEFT_DURATION_TEXT_MAX];
	struct weft_print *p = weft_cli_print(cli);

	if (!p)
		return WEFT_EXIT_FAILED;
	snprintf(text, sizeof(text), "in force: generation %" PRIu64 "%s%s%s", generation,
		 left_ms ? "; rolled back in " : "",
		 left_ms ? weft_duration_format(left_ms / 1000 * 1000, time) : "",
		 left_ms ? " without weftctl apply confirm" : "");
	weft_print_record_begin(p, text);
	weft_print_string(p, "state", left_ms ? "pending" : "applied");
	weft_print_number(p, "generation", generation);
	if (left_ms)
		weft_print_duration(p, "left", left_ms);
	weft_print_record_end(p);
	return WEFT_EXIT_DONE;
}

/* It is in force and waits. Return: an exit code. */
static int leave_pending(struct weft_cli *cli, const struct weft_apply *apply, uint64_t generation)
{
	_cleanup_(weft_pending_uninit) struct weft_pending change = { 0 };
	struct weft_error err = { 0 };
	uint64_t left_ms;
	int ret;

	ret = weft_pending_read(apply->state_dir, WEFT_PENDING_WAITS, &change, &err);
	if (ret == -ENOENT)
		weft_error_set(&err, ECANCELED,
			       "it was in force, and has been confirmed or rolled back meanwhile: "
			       "the journal of weftd tells");
	if (ret)
		return weft_cli_failed(cli, &err);
	left_ms = weft_pending_left(&change) / WEFT_NSEC_PER_MSEC;
	return tell_in_force(cli, generation, left_ms ? left_ms : 1);
}

/* Nobody is asked. Return: an exit code. */
static int confirm_itself(struct weft_cli *cli, const struct weft_apply *apply,
			  uint64_t generation)
{
	struct weft_error err = { 0 };

	if (weft_pending_confirm(apply->state_dir, &err))
		return undo(cli, apply, &err);
	if (settle(apply, WEFT_PENDING_CONFIRMED, NULL, &err))
		return weft_cli_failed(cli, &err);
	if (!apply->running)
		return tell(cli, "state", "stored",
			    "in place; weftd does not run, and puts it in force when it starts");
	return tell_in_force(cli, generation, 0);
}

static int change_documents(struct weft_cli *cli, const struct weft_apply *apply,
			    uint64_t confirm_ms)
{
	uint64_t ms = confirm_ms ? confirm_ms : UNSEEN_MS, generation = 0, since;
	struct weft_pending_change change = {
		.dir = apply->told.dir,
		.deadline = weft_boot_now() + ms * WEFT_NSEC_PER_MSEC,
		.asks = confirm_ms,
		.files = apply->files,
		.n_files = apply->n_files,
	};
	struct weft_error err = { 0 };
	int ret;

	if (weft_pending_create(apply->state_dir, &change, &err))
		return weft_cli_failed(cli, &err);
	ret = weft_pending_put(apply->state_dir, &since, &err);
	if (!ret && apply->running)
		ret = await_force(apply, since, &generation, &err);
	if (ret)
		return undo(cli, apply, &err);
	return confirm_ms ? leave_pending(cli, apply, generation)
			  : confirm_itself(cli, apply, generation);
}

/* Everything before the first change. Return: an exit code. */
static int prepare(struct weft_cli *cli, struct weft_apply *apply, uint64_t *confirm_ms)
{
	struct weft_error err = { 0 };
	int code = take_confirm(cli, confirm_ms);

	if (!code)
		code = weft_apply_take_files(cli, apply);
	if (!code)
		code = weft_apply_find(cli, apply);
	if (!code && *confirm_ms && !apply->running) {
		weft_error_set(&err, ESRCH,
			       "weftd does not run, so nobody would roll it back: start weftd, or "
			       "leave --confirm out");
		code = weft_cli_failed(cli, &err);
	}
	if (!code)
		code = weft_apply_drop_rights(cli);
	if (!code)
		code = weft_apply_read_told(cli, apply);
	if (!code)
		code = weft_apply_lock(cli, apply);
	if (!code && weft_pending_ready(apply->state_dir, &err))
		code = weft_cli_failed(cli, &err);
	return code ? code : weft_apply_read_former(cli, apply);
}

int weft_apply_files(struct weft_cli *cli)
{
	_cleanup_(weft_apply_uninit) struct weft_apply apply = { .lock = -1 };
	uint64_t confirm_ms = 0;
	int code = prepare(cli, &apply, &confirm_ms);

	if (!code)
		code = check_documents(cli, &apply);
	if (code)
		return code;
	if (!differs(&apply))
		return tell(cli, "state", "unchanged", "nothing to do: the documents are there");
	return change_documents(cli, &apply, confirm_ms);
}

/* ---- show, confirm, rollback ---- */

static int begin(struct weft_cli *cli, struct weft_apply *apply)
{
	int code = weft_cli_end(cli);

	if (!code && cli->confirm)
		code = weft_cli_usage(cli, "--confirm: goes with the files that are applied");
	if (!code)
		code = weft_apply_find(cli, apply);
	return code ? code : weft_apply_drop_rights(cli);
}

/* The change there is, pending or being rolled back. Return: 0, -ENOENT, negative errno. */
static int find_change(const struct weft_apply *apply, enum weft_pending_state *state,
		       struct weft_pending *change, struct weft_error *err)
{
	int ret;

	*state = WEFT_PENDING_WAITS;
	ret = weft_pending_read(apply->state_dir, *state, change, err);
	if (ret != -ENOENT)
		return ret;
	*state = WEFT_PENDING_RESTORING;
	ret = weft_pending_read(apply->state_dir, *state, change, err);
	return ret == -ENOENT ? weft_error_set(err, ENOENT, "no change is pending") : ret;
}

static const char *state_text(enum weft_pending_state state, bool asks)
{
	if (state == WEFT_PENDING_RESTORING)
		return "being rolled back";
	return asks ? "to be confirmed" : "being applied";
}

int weft_apply_show(struct weft_cli *cli)
{
	_cleanup_(weft_apply_uninit) struct weft_apply apply = { .lock = -1 };
	_cleanup_(weft_pending_uninit) struct weft_pending change = { 0 };
	enum weft_pending_state state;
	struct weft_error err = { 0 };
	struct weft_print *p;
	int ret, code = begin(cli, &apply);

	if (code)
		return code;
	ret = find_change(&apply, &state, &change, &err);
	if (ret && ret != -ENOENT)
		return weft_cli_failed(cli, &err);
	p = weft_cli_print(cli);
	if (!p)
		return WEFT_EXIT_FAILED;
	weft_print_block_begin(p);
	weft_print_string(p, "state", ret ? "nothing is pending" : state_text(state, change.asks));
	weft_print_strings(p, "files", &change.names);
	weft_print_string(p, "dir", change.dir);
	if (!ret && state == WEFT_PENDING_WAITS)
		weft_print_duration(p, "left",
				    weft_pending_left(&change) / WEFT_NSEC_PER_SEC * 1000);
	weft_print_block_end(p);
	return WEFT_EXIT_DONE;
}

int weft_apply_confirm(struct weft_cli *cli)
{
	_cleanup_(weft_apply_uninit) struct weft_apply apply = { .lock = -1 };
	_cleanup_(weft_pending_uninit) struct weft_pending change = { 0 };
	enum weft_pending_state state;
	struct weft_error err = { 0 };
	int ret, code = begin(cli, &apply);

	if (code)
		return code;
	ret = find_change(&apply, &state, &change, &err);
	if (!ret && state == WEFT_PENDING_RESTORING)
		ret = weft_error_set(&err, ECANCELED,
				     "too late: the change is being rolled back already");
	if (!ret)
		ret = weft_pending_confirm(apply.state_dir, &err);
	if (!ret)
		ret = settle(&apply, WEFT_PENDING_CONFIRMED, NULL, &err);
	return ret ? weft_cli_failed(cli, &err) : tell_names(cli, "confirmed", &change.names);
}

int weft_apply_rollback(struct weft_cli *cli)
{
	_cleanup_(weft_apply_uninit) struct weft_apply apply = { .lock = -1 };
	_cleanup_(weft_pending_uninit) struct weft_pending change = { 0 };
	_cleanup_(weft_strv_uninit) struct weft_strv others = { 0 };
	enum weft_pending_state state;
	struct weft_error err = { 0 };
	int ret, code = begin(cli, &apply);

	if (code)
		return code;
	ret = find_change(&apply, &state, &change, &err);
	if (!ret && !apply.running) /* then it is done here, and by one at a time */
		code = weft_apply_lock(cli, &apply);
	if (code)
		return code;
	if (!ret && state == WEFT_PENDING_WAITS)
		ret = weft_pending_claim(apply.state_dir, &err);
	if (!ret)
		ret = settle(&apply, WEFT_PENDING_RESTORING, &others, &err);
	if (ret)
		return weft_cli_failed(cli, &err);
	code = tell_others(cli, &others);
	return code ? code : tell_names(cli, "rolled back", &change.names);
}
