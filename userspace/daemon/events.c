// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From the module's events to the audit, see events.h. Owns its netlink
 * connection and the trail. Main thread.
 */
#include "daemon/events.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include "base/cleanup.h"
#include "daemon/trail.h"
#include "nl/nl_event.h"

/* Of the netlink socket: verdicts of a storm until the main thread comes round. */
#define RECEIVE_BUFFER (16 << 20)

/*
 * Events taken at a time. In a storm they come faster than the journal takes them:
 * who waited for the last one would neither apply a configuration nor renew a
 * certificate, and be taken for hung by systemd.
 */
#define BATCH 16
#define BATCH_FULL 2 /* beside WEFT_NL_EVENTS_LOST */

struct weft_events {
	struct weft_nl *nl;
	struct weft_trail *trail;
	weft_events_generation_fn *fn;
	void *data;
	unsigned int taken; /* in this dispatch */
	bool changed; /* a generation was announced in this dispatch */
};

/* Subscribed before the trail looks what the module has: nothing falls between. */
static int open_both(struct weft_events *events, const struct weft_audit_sink *sink,
		     const char *path, struct weft_error *err)
{
	int size = RECEIVE_BUFFER;
	struct weft_nl *nl;
	int r;

	r = weft_nl_open(&events->nl, err);
	if (r)
		return r;
	/* The default size does as well, only for fewer events at a time. */
	(void)setsockopt(weft_nl_fd(events->nl), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	r = weft_nl_event_subscribe(events->nl, err);
	if (!r)
		r = weft_nl_open(&nl, err);
	return r ? r : weft_trail_create(&events->trail, nl, sink, path, err);
}

int weft_events_create(struct weft_events **ret, const struct weft_audit_sink *sink,
		       const char *state_dir, weft_events_generation_fn *fn, void *data,
		       struct weft_error *err)
{
	struct weft_events *events = calloc(1, sizeof(*events));
	_cleanup_free_ char *path = NULL;
	int r;

	if (!events || asprintf(&path, "%s/audit", state_dir) < 0) {
		path = NULL;
		free(events);
		return weft_error_nomem(err);
	}
	events->fn = fn;
	events->data = data;
	r = open_both(events, sink, path, err);
	if (r) {
		weft_events_destroy(events);
		return r;
	}
	*ret = events;
	return 0;
}

void weft_events_destroy(struct weft_events *events)
{
	if (!events)
		return;
	weft_trail_destroy(events->trail);
	weft_nl_close(events->nl);
	free(events);
}

int weft_events_fd(const struct weft_events *events)
{
	return weft_nl_fd(events->nl);
}

static int on_event(const struct weft_nl_event *event, void *data)
{
	struct weft_events *events = data;

	if (event->type == WEFT_EVENT_GENERATION)
		events->changed = true;
	else if (event->has_conn)
		weft_trail_take(events->trail, event);
	return ++events->taken < BATCH ? 0 : BATCH_FULL;
}

int weft_events_dispatch(struct weft_events *events, struct weft_error *err)
{
	int ret;

	events->changed = false;
	events->taken = 0;
	do {
		ret = weft_nl_event_recv(events->nl, on_event, events, err);
		if (ret == WEFT_NL_EVENTS_LOST) {
			weft_trail_missed(events->trail);
			events->changed = true;
		}
	} while (ret == WEFT_NL_EVENTS_LOST);

	if (events->changed)
		events->fn(events->data);
	/* A datagram is one event: the rest waits in the socket, which stays readable. */
	return ret == BATCH_FULL ? 0 : ret;
}

uint64_t weft_events_due(const struct weft_events *events)
{
	return weft_trail_due(events->trail);
}

void weft_events_catch_up(struct weft_events *events)
{
	weft_trail_catch_up(events->trail, BATCH);
}

uint64_t weft_events_lost(const struct weft_events *events)
{
	return weft_trail_lost(events->trail);
}

const char *weft_events_refusal(const struct weft_events *events)
{
	return weft_trail_refusal(events->trail);
}
