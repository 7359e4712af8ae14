// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The audit trail, see trail.h. Owns the connection to ask with and the file of the
 * mark: epoch and number of the verdict that is written last, or just now. Main
 * thread.
 */
#include "daemon/trail.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "base/limit.h"
#include "daemon/log.h"
#include "nl/nl_status.h"

/* "EPOCH NUMBER" and an end, always as long, so that one write() replaces it. */
#define MARK_FORMAT "%016" PRIx64 " %020" PRIu64 "%c"
#define MARK_SIZE (16 + 1 + 20 + 1)
#define MARK_WRITES '\n' /* its record is written just now, or was */
#define MARK_NONE   '-'  /* it has no record of its own, and is not to have one */

#define USEC_PER_SEC  UINT64_C(1000000)
#define NSEC_PER_USEC 1000

/* A record is late from then on: the journal's own time of it misleads. */
#define LATE_SECONDS 2

/* Microseconds until the journal is tried again: the first time, then ever longer. */
#define PAUSE_FIRST 2000
#define PAUSE_MAX   500000

/* Microseconds from which on it is worth a word that the journal takes nothing. */
#define REFUSED_LONG (3 * USEC_PER_SEC)

#define HELD_UP 2 /* beside WEFT_NL_EVENT_NONE */

struct weft_trail {
	struct weft_nl *nl;
	const struct weft_audit_sink *sink;
	int fd; /* of the mark */
	uint64_t epoch; /* 0: the module is an older one */
	uint64_t last; /* all verdicts up to this one are written, or gone */
	uint64_t lost;
	bool behind;
	struct weft_limit limit; /* of strangers */
	uint64_t in_full; /* number of the latest of theirs that is to have a record */
	/* The journal refuses: us between two tries, 0: it does not. And since when, and why */
	uint64_t pause, retry_at, refused_since;
	struct weft_error refusal;
	/* reported; until it works again */
	bool refusal_told, audit_fails, mark_fails, ask_fails;
};

static uint64_t now_usec(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * USEC_PER_SEC + ts.tv_nsec / NSEC_PER_USEC;
}

/* ---- how far we are ---- */

static void mark(struct weft_trail *trail, uint64_t sequence, char end)
{
	char text[MARK_SIZE + 1];
	bool done;

	snprintf(text, sizeof(text), MARK_FORMAT, trail->epoch, sequence, end);
	done = pwrite(trail->fd, text, MARK_SIZE, 0) == MARK_SIZE;
	if (!done && !trail->mark_fails)
		weft_log_error("audit: cannot note how far it is: %s: records will come again "
			       "after the next start", strerror(errno));
	trail->mark_fails = !done;
}

/* Of another life of the module, or nothing yet: 0. */
static uint64_t read_mark(const struct weft_trail *trail, char *how)
{
	char text[MARK_SIZE + 1] = { 0 };
	char *end;

	if (pread(trail->fd, text, MARK_SIZE, 0) != MARK_SIZE ||
	    strtoull(text, &end, 16) != trail->epoch || *end != ' ')
		return 0;
	*how = text[MARK_SIZE - 1];
	return strtoull(end, NULL, 10);
}

/* The one that is marked may have been written, or may not. */
static void resume(struct weft_trail *trail)
{
	const struct weft_audit_sink *sink = trail->sink;
	char how = MARK_NONE;

	trail->last = read_mark(trail, &how);
	if (trail->last && how != MARK_NONE && sink->find &&
	    !sink->find(trail->epoch, trail->last, sink->data))
		trail->last--;
	trail->behind = true;
}

int weft_trail_create(struct weft_trail **ret, struct weft_nl *nl,
		      const struct weft_audit_sink *sink, const char *path, struct weft_error *err)
{
	struct weft_trail *trail = calloc(1, sizeof(*trail));
	struct weft_nl_status status = { 0 };
	int r;

	if (!trail) {
		weft_nl_close(nl);
		return weft_error_nomem(err);
	}
	*trail = (struct weft_trail){ .nl = nl, .sink = sink };
	trail->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	r = trail->fd < 0 ? weft_error_set(err, errno, "%s: %s", path, strerror(errno))
			  : weft_nl_status_get(nl, &status, err);
	if (r) {
		weft_trail_destroy(trail);
		return r;
	}
	trail->epoch = status.epoch;
	weft_nl_status_uninit(&status);
	if (trail->epoch)
		resume(trail);
	*ret = trail;
	return 0;
}

/* ---- the journal refuses ---- */

/* Of a record: no other try would end otherwise. */
static bool is_final(int error)
{
	return error == -EINVAL || error == -EMSGSIZE || error == -E2BIG;
}

/* Whatever the reason is, it may pass: until then the module remembers. */
static int hold_up(struct weft_trail *trail, const struct weft_error *err)
{
	uint64_t now = now_usec(CLOCK_MONOTONIC);

	if (!trail->pause)
		trail->refused_since = now;
	trail->pause = trail->pause ? 2 * trail->pause : PAUSE_FIRST;
	if (trail->pause > PAUSE_MAX)
		trail->pause = PAUSE_MAX;
	trail->retry_at = now + trail->pause;
	trail->refusal = *err;
	if (!trail->refusal_told && now - trail->refused_since >= REFUSED_LONG) {
		trail->refusal_told = true;
		weft_log_error("audit: %s: it is tried again until the module forgets the verdicts",
			       err->text);
	}
	return HELD_UP;
}

static void go_on(struct weft_trail *trail)
{
	trail->pause = 0;
	if (trail->refusal_told)
		weft_log_notice("audit: the journal takes records again");
	trail->refusal_told = false;
}

/* ---- writing ---- */

/*
 * Everybody on the network may have such verdicts, as many as he likes, and would write
 * the rest of the journal out of it. Who has proved who he is has a name to answer with;
 * what was let in the documents let in.
 */
static bool is_strangers(const struct weft_nl_event *event)
{
	return event->conn.role == WEFT_ROLE_SERVER && !event->conn.peer_identity &&
	       (event->type == WEFT_EVENT_CONN_DENIED || event->type == WEFT_EVENT_CONN_FAILED);
}

/* Counted instead of told. One that is tried again is not asked for again. */
static bool is_left_out(struct weft_trail *trail, const struct weft_nl_event *event)
{
	const struct weft_nl_conn *conn = &event->conn;

	if (!is_strangers(event) || (event->sequence && event->sequence == trail->in_full))
		return false;
	if (!weft_limit_take(&trail->limit, &conn->remote, conn->workload ? conn->workload : "",
			     event->sequence, now_usec(CLOCK_MONOTONIC)))
		return true;
	trail->in_full = event->sequence;
	return false;
}

static int audit(struct weft_trail *trail, const struct weft_nl_event *event,
		 struct weft_error *err)
{
	struct weft_audit_stamp stamp = {
		.epoch = event->sequence ? trail->epoch : 0,
		.sequence = event->sequence,
		.time = event->time / NSEC_PER_USEC,
	};

	stamp.late = stamp.time && now_usec(CLOCK_REALTIME) >=
					   stamp.time + LATE_SECONDS * USEC_PER_SEC;
	return weft_audit_verdict(trail->sink, &event->conn, event->type, &stamp, err);
}

static void tell_failure(struct weft_trail *trail, int ret, const struct weft_error *err)
{
	if (ret < 0 && !trail->audit_fails)
		weft_log_error("%s (further failures are not logged until one record is written)",
			       err->text);
	if (ret <= 0)
		trail->audit_fails = ret;
}

/* Nobody remembers it: now or never. */
static void audit_once(struct weft_trail *trail, const struct weft_nl_event *event)
{
	struct weft_error err = { 0 };
	int ret;

	if (is_left_out(trail, event))
		return;
	ret = audit(trail, event, &err);
	tell_failure(trail, ret, &err);
	trail->lost += ret < 0;
}

/* There will be no records of those that come before @next. Return: 0, HELD_UP. */
static int give_up(struct weft_trail *trail, uint64_t next, const char *why)
{
	uint64_t first = trail->last + 1;
	struct weft_error err = { 0 };
	int ret;

	ret = weft_audit_lost(trail->sink, trail->epoch, first, next - first, why, &err);
	if (ret && !is_final(ret))
		return hold_up(trail, &err);
	if (ret)
		weft_log_error("audit: %" PRIu64 " verdicts are lost, and the record of that: %s",
			       next - first, err.text);
	go_on(trail);
	mark(trail, next - 1, MARK_NONE);
	trail->lost += next - first;
	trail->last = next - 1;
	return 0;
}

/* The first one that is to come and is still there. Return: 0, HELD_UP. */
static int write_next(struct weft_trail *trail, const struct weft_nl_event *event)
{
	struct weft_error err = { 0 };
	int ret = 0;

	if (event->sequence != trail->last + 1)
		ret = give_up(trail, event->sequence,
			      "the module had forgotten them when they could be written");
	if (ret)
		return ret;
	if (is_left_out(trail, event)) {
		mark(trail, event->sequence, MARK_NONE);
		trail->last = event->sequence;
		return 0;
	}
	mark(trail, event->sequence, MARK_WRITES);
	ret = audit(trail, event, &err);
	if (ret < 0 && !is_final(ret))
		return hold_up(trail, &err);
	tell_failure(trail, ret, &err);
	if (ret < 0)
		return give_up(trail, event->sequence + 1, "the journal takes no such record");
	go_on(trail);
	trail->last = event->sequence;
	return 0;
}

void weft_trail_take(struct weft_trail *trail, const struct weft_nl_event *event)
{
	if (!trail->epoch || !event->sequence)
		audit_once(trail, event); /* no verdict, unless of an older module */
	else if (event->sequence == trail->last + 1 && !trail->behind)
		trail->behind = write_next(trail, event) == HELD_UP;
	else if (event->sequence > trail->last)
		trail->behind = true; /* the module remembers it, and those before it */
}

void weft_trail_missed(struct weft_trail *trail)
{
	if (trail->epoch)
		trail->behind = true;
	else
		weft_log_warning("audit: events of the module were lost; weftctl conn and its "
				 "counters are complete");
}

uint64_t weft_trail_due(const struct weft_trail *trail)
{
	uint64_t now = now_usec(CLOCK_MONOTONIC), due, pause = 0;

	due = trail->behind ? 0 : weft_limit_due(&trail->limit, now);
	if (due == WEFT_LIMIT_IDLE)
		return WEFT_TRAIL_IDLE;
	if (trail->pause && trail->retry_at > now)
		pause = trail->retry_at - now;
	return due > pause ? due : pause;
}

/* Return: 0, HELD_UP. */
static int tell_left_out(struct weft_trail *trail, struct weft_limit_source *source)
{
	struct weft_error err = { 0 };
	int ret = weft_audit_left_out(trail->sink, trail->epoch, source, &err);

	if (ret && !is_final(ret))
		return hold_up(trail, &err);
	if (ret) {
		weft_log_error("%s", err.text);
		trail->lost += source->left_out;
	}
	go_on(trail);
	weft_limit_told(source);
	return 0;
}

static int take_next(const struct weft_nl_event *event, void *data)
{
	struct weft_trail *trail = data;

	return event->sequence > trail->last ? write_next(trail, event) : 0;
}

static void ask_next(struct weft_trail *trail)
{
	struct weft_error err = { 0 };
	int ret;

	ret = weft_nl_event_next(trail->nl, trail->last, take_next, trail, &err);
	if (ret < 0 && !trail->ask_fails)
		weft_log_error("audit: verdicts that were not heard are written later: %s",
			       err.text);
	trail->ask_fails = ret < 0;
	trail->behind = !ret || ret == HELD_UP;
}

void weft_trail_catch_up(struct weft_trail *trail, unsigned int n)
{
	struct weft_limit_source *source;

	while (n-- && !weft_trail_due(trail)) {
		source = weft_limit_next(&trail->limit, now_usec(CLOCK_MONOTONIC));
		if (source)
			tell_left_out(trail, source);
		else
			ask_next(trail);
	}
}

uint64_t weft_trail_lost(const struct weft_trail *trail)
{
	return trail->lost;
}

const char *weft_trail_refusal(const struct weft_trail *trail)
{
	return trail->refusal_told ? trail->refusal.text : NULL;
}

/* The next weftd does not know of it. */
static void tell_all_left_out(struct weft_trail *trail)
{
	struct weft_limit_source *source;
	uint64_t n;

	while ((source = weft_limit_next(&trail->limit, UINT64_MAX)) &&
	       !tell_left_out(trail, source))
		;
	n = weft_limit_left_out(&trail->limit);
	if (n)
		weft_log_error("audit: %" PRIu64 " verdicts on strangers are left out, and the "
			       "record of that: %s", n, trail->refusal.text);
}

void weft_trail_destroy(struct weft_trail *trail)
{
	if (!trail)
		return;
	tell_all_left_out(trail);
	if (trail->fd >= 0)
		close(trail->fd);
	weft_nl_close(trail->nl);
	free(trail);
}
