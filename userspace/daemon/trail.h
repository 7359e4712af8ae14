/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The audit trail: each verdict of the module written once, in the order of their
 * numbers, also those that were not heard because no weftd ran or it was too slow.
 *
 *	heard, the next one ──────────────────────────▶ written
 *	heard, one before it was not ─▶ behind          ▲
 *	events were lost, and at start ─▶ behind ─ asked for, one by one
 *	the journal refuses ───────────▶ behind, after a pause
 *
 * What cannot be written holds up those after it: the module remembers them. What the
 * module has forgotten until then is lost, as is a record that can never be written.
 *
 * What strangers bring about is recorded some times only, and from then on counted
 * (base/limit.h); the count has a record, at the end of the period or of the trail.
 *
 * How far it is stands in a file. That need not survive a crash of the machine, only
 * one of ours: with the machine the module's numbers end. It is written before the
 * record is: after a start the journal is asked whether that one came so far.
 *
 * Main thread.
 */
#ifndef WEFT_DAEMON_TRAIL_H
#define WEFT_DAEMON_TRAIL_H

#include <stdbool.h>
#include "audit/audit.h"
#include "base/error.h"
#include "nl/nl_event.h"

struct weft_trail;

/**
 * weft_trail_create() - go on where the last weftd stopped
 * @trail: end with weft_trail_destroy()
 * @nl: to ask the module with, subscribed to nothing; owned from now on, also on failure
 * @sink: where verdicts go; outlives the trail
 * @path: of the file
 *
 * Subscribe before: what happens in between would be seen too late. It is behind
 * then, unless the module is an older one, which remembers nothing.
 *
 * Return: 0; what open() and weft_nl_status_get() give; -ENOMEM.
 */
int weft_trail_create(struct weft_trail **trail, struct weft_nl *nl,
		      const struct weft_audit_sink *sink, const char *path,
		      struct weft_error *err);

/* What was counted is told, if the journal takes it. NULL is fine. */
void weft_trail_destroy(struct weft_trail *trail);

/* A connection's event was heard; it is written unless it was or is to wait. */
void weft_trail_take(struct weft_trail *trail, const struct weft_nl_event *event);

/* Some may have happened that were not heard. */
void weft_trail_missed(struct weft_trail *trail);

#define WEFT_TRAIL_IDLE UINT64_MAX

/* Microseconds until weft_trail_catch_up() has something to do; or WEFT_TRAIL_IDLE. */
uint64_t weft_trail_due(const struct weft_trail *trail);

/**
 * weft_trail_catch_up() - write up to @n verdicts that were not heard, or not written
 *
 * What the module has forgotten is told in a record of its own. Where it does not
 * answer, that is logged, and the next event is the next try; where the journal
 * refuses, weft_trail_due() says when that is.
 */
void weft_trail_catch_up(struct weft_trail *trail, unsigned int n);

/* How many verdicts are gone for good. */
uint64_t weft_trail_lost(const struct weft_trail *trail);

/* Why the journal has been taking nothing for some time; NULL: it does, or did lately. */
const char *weft_trail_refusal(const struct weft_trail *trail);

#endif
