// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Changes that nobody confirmed, see rollback.h. Owns the watch on the directory
 * of their records. Main thread.
 */
#include "daemon/rollback.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>
#include "base/boot.h"
#include "base/cleanup.h"
#include "base/number.h"
#include "conf/pending.h"
#include "daemon/log.h"

/* What could not be restored is tried again after this. */
#define RETRY (5 * WEFT_NSEC_PER_SEC)

struct weft_rollback {
	const char *state_dir;
	int fd;			/* inotify */
	int watch; /* of the directory of records; -1: none */
	uint64_t announced;	/* deadline of the change that was logged as waiting */
	unsigned int failures; /* of the latest look */
	bool overdue; /* it left something undone that is due */
	bool unsettled; /* it found something that nobody had confirmed */
	bool expired;		/* what is being restored was not confirmed in time */
	struct weft_error error; /* logged last; text "": none */
};

/* Each state of a change is a name that one rename() gives it. */
#define EVENTS (IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

static int watch(struct weft_rollback *r, const char *dir, struct weft_error *err)
{
	int old = r->watch;

	r->watch = inotify_add_watch(r->fd, dir, EVENTS);
	if (r->watch < 0)
		return weft_error_set(err, errno, "%s: cannot watch the directory: %s", dir,
				      strerror(errno));
	if (old >= 0 && old != r->watch)
		inotify_rm_watch(r->fd, old); /* fails when it has gone by itself */
	return 0;
}

/* Watch what has the name now: it may have been removed, and made again by weftctl. */
static int follow(struct weft_rollback *r, struct weft_error *err)
{
	_cleanup_free_ char *dir = NULL;
	int ret;

	if (asprintf(&dir, "%s/apply", r->state_dir) < 0) {
		dir = NULL;
		return weft_error_nomem(err);
	}
	ret = watch(r, dir, err);
	if (ret != -ENOENT)
		return ret;
	ret = weft_pending_open(r->state_dir, err);
	return ret ? ret : watch(r, dir, err);
}

int weft_rollback_create(struct weft_rollback **ret, const char *state_dir, struct weft_error *err)
{
	struct weft_rollback *r = calloc(1, sizeof(*r));
	int error;

	if (!r)
		return weft_error_nomem(err);
	r->state_dir = state_dir;
	r->watch = -1;
	r->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	error = r->fd < 0 ? weft_error_set(err, errno, "inotify: %s", strerror(errno)) :
			    follow(r, err);
	if (error) {
		weft_rollback_destroy(r);
		return error;
	}
	*ret = r;
	return 0;
}

void weft_rollback_destroy(struct weft_rollback *r)
{
	if (!r)
		return;
	weft_close_ptr(&r->fd);
	free(r);
}

int weft_rollback_fd(const struct weft_rollback *r)
{
	return r->fd;
}

/* Return: when to try again. */
static uint64_t fail(struct weft_rollback *r, const struct weft_error *err)
{
	r->failures++;
	if (!strcmp(r->error.text, err->text))
		return RETRY;
	r->error = *err;
	weft_log_error("apply: %s", err->text);
	return RETRY;
}

/* What the events say is seen on disk anyway. */
static void take_events(struct weft_rollback *r)
{
	char buf[16 * (sizeof(struct inotify_event) + NAME_MAX + 1)]
		__attribute__((aligned(__alignof__(struct inotify_event))));

	while (read(r->fd, buf, sizeof(buf)) > 0)
		;
}

/* "a.yaml, b.yaml"; never NULL. */
static const char *text_of(const struct weft_strv *names, char **text)
{
	*text = weft_strv_join(names, ", ");
	return *text ? *text : "its documents";
}

static uint64_t settle_confirmed(struct weft_rollback *r, const struct weft_pending *change)
{
	_cleanup_free_ char *text = NULL;
	struct weft_error err = { 0 };

	/* said once, so not before it is forgotten */
	if (weft_pending_drop(r->state_dir, WEFT_PENDING_CONFIRMED, &err))
		return fail(r, &err);
	weft_log_notice("apply: %s: %s", text_of(&change->names, &text),
			change->asks ? "confirmed" : "applied");
	return WEFT_ROLLBACK_IDLE;
}

static void announce(struct weft_rollback *r, const struct weft_pending *change, uint64_t left)
{
	_cleanup_free_ char *text = NULL;
	char time[WEFT_DURATION_TEXT_MAX];

	if (!change->asks || !left || r->announced == change->deadline)
		return;
	r->announced = change->deadline;
	left = (left + WEFT_NSEC_PER_SEC - 1) / WEFT_NSEC_PER_SEC;
	weft_log_notice("apply: %s: applied, and rolled back after %s unless confirmed",
			text_of(&change->names, &text), weft_duration_format(left * 1000, time));
}

/* Return: as weft_rollback_look(). */
static uint64_t settle_waiting(struct weft_rollback *r, const struct weft_pending *change)
{
	struct weft_error err = { 0 };
	uint64_t left = weft_pending_left(change);
	int ret;

	announce(r, change, left);
	if (left)
		return left;
	ret = weft_pending_claim(r->state_dir, &err);
	if (ret && ret != -ENOENT) /* -ENOENT: weftctl was faster */
		return fail(r, &err);
	r->expired = !ret;
	return WEFT_ROLLBACK_IDLE;
}

static void log_restored(const struct weft_rollback *r, const struct weft_pending *change,
			 const struct weft_strv *others)
{
	_cleanup_free_ char *text = NULL;
	size_t i;

	for (i = 0; i < others->count; i++)
		weft_log_warning("apply: %s/%s: changed by somebody else since, so it is left as "
				 "it is", change->dir, others->items[i]);
	weft_log_notice("apply: %s: rolled back%s", text_of(&change->names, &text),
			r->expired ? ", not confirmed in time" : "");
}

/* By a weftctl that found no daemon, just before this one started. */
static bool is_restored(const struct weft_rollback *r)
{
	struct weft_pending change = { 0 };
	int ret = weft_pending_read(r->state_dir, WEFT_PENDING_RESTORING, &change, NULL);

	weft_pending_uninit(&change);
	return ret == -ENOENT;
}

static uint64_t settle_restoring(struct weft_rollback *r, const struct weft_pending *change)
{
	_cleanup_(weft_strv_uninit) struct weft_strv others = { 0 };
	struct weft_error err = { 0 };
	int ret;

	ret = weft_pending_restore(r->state_dir, &others, &err);
	if (!ret)
		ret = weft_pending_drop(r->state_dir, WEFT_PENDING_RESTORING, &err);
	if (ret == -ENOENT && is_restored(r))
		return WEFT_ROLLBACK_IDLE;
	if (ret)
		return fail(r, &err);
	log_restored(r, change, &others);
	r->expired = false;
	return WEFT_ROLLBACK_IDLE;
}

static uint64_t settle(struct weft_rollback *r, enum weft_pending_state state)
{
	struct weft_pending change = { 0 };
	struct weft_error err = { 0 };
	uint64_t next = WEFT_ROLLBACK_IDLE;
	int ret;

	ret = weft_pending_read(r->state_dir, state, &change, &err);
	if (ret == -ENOENT)
		return WEFT_ROLLBACK_IDLE;
	r->unsettled |= state != WEFT_PENDING_CONFIRMED;
	if (ret)
		return fail(r, &err);
	if (state == WEFT_PENDING_CONFIRMED)
		next = settle_confirmed(r, &change);
	else if (state == WEFT_PENDING_WAITS)
		next = settle_waiting(r, &change);
	else
		next = settle_restoring(r, &change);
	weft_pending_uninit(&change);
	return next;
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t weft_rollback_look(struct weft_rollback *r)
{
	struct weft_error err = { 0 };
	unsigned int failures;
	uint64_t next;

	r->failures = 0;
	r->unsettled = false;
	/* before looking: what happens meanwhile is seen after */
	take_events(r);
	next = follow(r, &err) ? fail(r, &err) : WEFT_ROLLBACK_IDLE;
	next = sooner(next, settle(r, WEFT_PENDING_CONFIRMED));
	failures = r->failures;
	next = sooner(next, settle(r, WEFT_PENDING_WAITS));
	next = sooner(next, settle(r, WEFT_PENDING_RESTORING));
	r->overdue = r->failures > failures;
	if (!r->failures) /* the same again is news then */
		r->error.text[0] = '\0';
	return next;
}

bool weft_rollback_overdue(const struct weft_rollback *r)
{
	return r->overdue;
}

bool weft_rollback_unsettled(const struct weft_rollback *r)
{
	return r->unsettled;
}
