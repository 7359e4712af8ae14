/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the module tells everybody who listens: verdicts, endpoints that failed,
 * new generations, workers that came and went. Thread of the struct weft_nl.
 */
#ifndef WEFT_NL_EVENT_H
#define WEFT_NL_EVENT_H

#include <linux/weft.h>
#include "nl/nl.h"
#include "nl/nl_conn.h"

struct weft_nl_event {
	enum weft_event type;
	bool has_conn;
	struct weft_nl_conn conn;
	uint64_t generation; /* of WEFT_EVENT_GENERATION */
	uint64_t sequence;   /* of a verdict; 0: it has none */
	uint64_t time;	     /* then: when, ns since the epoch */
};

/* Join the group. Return: 0; -EPERM. */
int weft_nl_event_subscribe(struct weft_nl *nl, struct weft_error *err);

/* The event is the caller's of the function, valid during the call. Not 0: end. */
typedef int weft_nl_event_fn(const struct weft_nl_event *event, void *data);

/* Some events were lost before those that were (or will be) delivered: the
 * reader was too slow. */
#define WEFT_NL_EVENTS_LOST 1

/**
 * weft_nl_event_recv() - deliver what has arrived; never blocks
 *
 * Return: 0 nothing more for now; WEFT_NL_EVENTS_LOST, then call again; negative:
 * the errno of the socket; or what @fn returned, and the rest stays for the next call.
 */
int weft_nl_event_recv(struct weft_nl *nl, weft_nl_event_fn *fn, void *data,
		       struct weft_error *err);

/* There is none. */
#define WEFT_NL_EVENT_NONE 1

/**
 * weft_nl_event_next() - ask for a verdict that the module remembers
 * @sequence: of another one; 0: before the first
 * @fn: gets the first one after it; not called otherwise
 *
 * Return: 0; WEFT_NL_EVENT_NONE; see nl.h; what @fn returned.
 */
int weft_nl_event_next(struct weft_nl *nl, uint64_t sequence, weft_nl_event_fn *fn, void *data,
		       struct weft_error *err);

#endif
