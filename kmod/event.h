/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The memory of events of a namespace: the last WEFT_EVENTS_MAX verdicts as
 * they were told, for who was away or too slow to hear them. Each has a number,
 * one more than that of the event before, also when there was no memory to keep
 * it: who asks sees from the numbers what is missing.
 *
 * Owned by struct weft_net. Adding is for process context, asking for any.
 */
#ifndef WEFT_EVENT_H
#define WEFT_EVENT_H

#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/types.h>

/* Attributes of the message, those behind the number. Read-only once added. */
struct weft_event_record {
	refcount_t refs;
	u64 sequence;
	u32 len;
	u8 data[];
};

struct weft_events {
	u64 epoch;	/* not 0: whose numbers they are; never changes */
	spinlock_t lock;	/* the two below; BH-safe */
	u64 last;	/* number of the latest */
	struct weft_event_record **ring;	/* NULL before the first */
};

void weft_events_init(struct weft_events *e);
void weft_events_uninit(struct weft_events *e);
u64 weft_events_add(struct weft_events *e, struct weft_event_record *r);
struct weft_event_record *weft_events_after(struct weft_events *e, u64 n);

struct weft_event_record *weft_event_record_create(const void *data, u32 len);
void weft_event_record_put(struct weft_event_record *r);

#endif
