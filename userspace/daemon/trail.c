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
#include "daemon/log.h"
#include "nl/nl_status.h"

/* "EPOCH NUMBER\n", always as long, so that one write() replaces it. */
#define MARK_FORMAT "%016" PRIx64 " %020" PRIu64 "\n"
#define MARK_SIZE (16 + 1 + 20 + 1)

#define USEC_PER_SEC  UINT64_C(1000000)
#define NSEC_PER_USEC 1000

/* A record is late from then on: the journal's own time of it misleads. */
#define LATE_SECONDS 2

struct weft_trail {
	struct weft_nl *nl;
	const struct weft_audit_sink *sink;
	int fd; /* of the mark */
	uint64_t epoch; /* 0: the module is an older one */
	uint64_t last; /* all verdicts up to this one are written, or gone */
	uint64_t lost;
	bool behind;
	/* reported; until it works again */
	bool audit_fails, mark_fails, ask_fails;
};

/* ---- how far we are ---- */

static void mark(struct weft_trail *trail, uint64_t sequence)
{
	char text[MARK_SIZE + 1];
	bool done;

	snprintf(text, sizeof(text), MARK_FORMAT, trail->epoch, sequence);
	done = pwrite(trail->fd, text, MARK_SIZE, 0) == MARK_SIZE;
	if (!done && !trail->mark_fails)
		weft_log_error("audit: cannot note how far it is: %s: records will come again "
			       "after the next start", strerror(errno));
	trail->mark_fails = !done;
}

/* Of another life of the module, or nothing yet: 0. */
static uint64_t read_mark(const struct weft_trail *trail)
{
	char text[MARK_SIZE + 1] = { 0 };
	char *end;

	if (pread(trail->fd, text, MARK_SIZE, 0) != MARK_SIZE ||
	    strtoull(text, &end, 16) != trail->epoch || *end != ' ')
		return 0;
	return strtoull(end, NULL, 10);
}

/* The one that is marked may have been written, or may not. */
static void resume(struct weft_trail *trail)
{
	const struct weft_audit_sink *sink = trail->sink;

	trail->last = read_mark(trail);
	if (trail->last && sink->find && !sink->find(trail->epoch, trail->last, sink->data))
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

void weft_trail_destroy(struct weft_trail *trail)
{
	if (!trail)
		return;
	if (trail->fd >= 0)
		close(trail->fd);
	weft_nl_close(trail->nl);
	free(trail);
}

/* ---- writing ---- */

static uint64_t now_usec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * USEC_PER_SEC + ts.tv_nsec / NSEC_PER_USEC;
}

static void audit(struct weft_trail *trail, const struct weft_nl_event *event)
{
	struct weft_audit_stamp stamp = {
		.epoch = event->sequence ? trail->epoch : 0,
		.sequence = event->sequence,
		.time = event->time / NSEC_PER_USEC,
	};
	struct weft_error err = { 0 };
	int ret;

	stamp.late = stamp.time && now_usec() >= stamp.time + LATE_SECONDS * USEC_PER_SEC;
	ret = weft_audit_verdict(trail->sink, &event->conn, event->type, &stamp, &err);
	if (ret < 0 && !trail->audit_fails)
		weft_log_error("audit: connection %" PRIu64 ": %s (further failures are not "
			       "logged until one record is written)",
			       event->conn.id, err.text);
	if (ret <= 0)
		trail->audit_fails = ret;
}

/* The module does not have those from @first on that come before @next. */
static void tell_lost(struct weft_trail *trail, uint64_t first, uint64_t next)
{
	struct weft_error err = { 0 };

	trail->lost += next - first;
	if (weft_audit_lost(trail->sink, trail->epoch, first, next - first, &err))
		weft_log_error("audit: %" PRIu64 " verdicts are lost, and the record of that: %s",
			       next - first, err.text);
}

/* The first one that is to come and is still there. */
static void write_next(struct weft_trail *trail, const struct weft_nl_event *event)
{
	if (event->sequence != trail->last + 1)
		tell_lost(trail, trail->last + 1, event->sequence);
	mark(trail, event->sequence);
	audit(trail, event);
	trail->last = event->sequence;
}

void weft_trail_take(struct weft_trail *trail, const struct weft_nl_event *event)
{
	if (!trail->epoch || !event->sequence)
		audit(trail, event); /* no verdict, unless of an older module */
	else if (event->sequence == trail->last + 1 && !trail->behind)
		write_next(trail, event);
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

bool weft_trail_behind(const struct weft_trail *trail)
{
	return trail->behind;
}

static int take_next(const struct weft_nl_event *event, void *data)
{
	struct weft_trail *trail = data;

	if (event->sequence > trail->last)
		write_next(trail, event);
	return 0;
}

void weft_trail_catch_up(struct weft_trail *trail, unsigned int n)
{
	struct weft_error err = { 0 };
	int ret = 0;

	while (trail->behind && n--) {
		ret = weft_nl_event_next(trail->nl, trail->last, take_next, trail, &err);
		if (ret < 0 && !trail->ask_fails)
			weft_log_error("audit: verdicts that were not heard are written later: %s",
				       err.text);
		trail->ask_fails = ret < 0;
		trail->behind = !ret;
	}
}

uint64_t weft_trail_lost(const struct weft_trail *trail)
{
	return trail->lost;
}
