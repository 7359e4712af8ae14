// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From the module's events to the audit, see events.h. Owns its netlink
 * connection. Main thread.
 */
#include "daemon/events.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/socket.h>
#include "base/cleanup.h"
#include "daemon/log.h"
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
	const struct weft_audit_sink *sink;
	weft_events_generation_fn *fn;
	void *data;
	unsigned int taken; /* in this dispatch */
	bool changed; /* a generation was announced in this dispatch */
	bool audit_fails; /* reported; until a record is written again */
};

int weft_events_create(struct weft_events **ret, const struct weft_audit_sink *sink,
		       weft_events_generation_fn *fn, void *data, struct weft_error *err)
{
	struct weft_events *events = calloc(1, sizeof(*events));
	int size = RECEIVE_BUFFER;
	int r;

	if (!events)
		return weft_error_nomem(err);
	events->sink = sink;
	events->fn = fn;
	events->data = data;
	r = weft_nl_open(&events->nl, err);
	if (!r) {
		/* The default size does as well, only for fewer events at a time. */
		(void)setsockopt(weft_nl_fd(events->nl), SOL_SOCKET, SO_RCVBUFFORCE, &size,
				 sizeof(size));
		r = weft_nl_event_subscribe(events->nl, err);
	}
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
	weft_nl_close(events->nl);
	free(events);
}

int weft_events_fd(const struct weft_events *events)
{
	return weft_nl_fd(events->nl);
}

static void audit(struct weft_events *events, const struct weft_nl_event *event)
{
	struct weft_error err = { 0 };
	int ret = weft_audit_verdict(events->sink, &event->conn, event->type, &err);

	if (ret < 0 && !events->audit_fails)
		weft_log_error("audit: connection %" PRIu64 ": %s (further failures are not "
			       "logged until one record is written)",
			       event->conn.id, err.text);
	if (ret <= 0)
		events->audit_fails = ret;
}

static int on_event(const struct weft_nl_event *event, void *data)
{
	struct weft_events *events = data;

	if (event->type == WEFT_EVENT_GENERATION)
		events->changed = true;
	else if (event->has_conn)
		audit(events, event);
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
			weft_log_warning("audit: events of the module were lost; weftctl conn and "
					 "its counters are complete");
			events->changed = true;
		}
	} while (ret == WEFT_NL_EVENTS_LOST);

	if (events->changed)
		events->fn(events->data);
	/* A datagram is one event: the rest waits in the socket, which stays readable. */
	return ret == BATCH_FULL ? 0 : ret;
}
