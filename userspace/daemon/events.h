/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the module tells: verdicts go to the audit, new generations to whoever
 * gave the callback. Has a netlink connection of its own, so that a burst of
 * events keeps nobody waiting. Main thread.
 */
#ifndef WEFT_DAEMON_EVENTS_H
#define WEFT_DAEMON_EVENTS_H

#include <stdbool.h>
#include <stdint.h>
#include "audit/audit.h"
#include "base/error.h"

struct weft_events;

/* Tables changed, or events were lost and they may have. */
typedef void weft_events_generation_fn(void *data);

/**
 * weft_events_create() - connect and subscribe
 * @events: end with weft_events_destroy()
 * @sink: where verdicts go; outlives the events
 * @state_dir: has the file "audit" that tells how far the audit is
 *
 * What happened while no weftd ran is to be caught up with then.
 *
 * Return: 0; what weft_nl_open(), weft_nl_event_subscribe() and weft_trail_create()
 * give; -ENOMEM.
 */
int weft_events_create(struct weft_events **events, const struct weft_audit_sink *sink,
		       const char *state_dir, weft_events_generation_fn *fn, void *data,
		       struct weft_error *err);

/* NULL is fine. */
void weft_events_destroy(struct weft_events *events);

/* Wait for it to become readable, then weft_events_dispatch(). */
int weft_events_fd(const struct weft_events *events);

/**
 * weft_events_dispatch() - take some of what has come; never blocks
 *
 * What is left keeps the descriptor readable, so that others have their turn. That
 * events were lost is no error: there is something to catch up with, then.
 *
 * Return: 0; negative errno: the connection is broken.
 */
int weft_events_dispatch(struct weft_events *events, struct weft_error *err);

#define WEFT_EVENTS_IDLE UINT64_MAX

/*
 * Microseconds until weft_events_catch_up() has something to do; or WEFT_EVENTS_IDLE.
 * Ask after each dispatch and catch-up.
 */
uint64_t weft_events_due(const struct weft_events *events);

/* Write some of the verdicts that were not heard, or that the journal did not take. */
void weft_events_catch_up(struct weft_events *events);

/* How many verdicts will never be in the audit. */
uint64_t weft_events_lost(const struct weft_events *events);

/* Why the journal has been taking nothing for some time; NULL: it does, or did lately. */
const char *weft_events_refusal(const struct weft_events *events);

#endif
