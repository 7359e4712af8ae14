// SPDX-License-Identifier: GPL-2.0
/*
 * The memory of events, see event.h. Event n is in slot n % WEFT_EVENTS_MAX, or
 * gone. Number and slot are taken under one lock: who sees n finds all before.
 */
#include <linux/random.h>
#include <linux/slab.h>
#include "event.h"
#include "limits.h"

/**
 * weft_events_init() - nothing has happened yet
 * @e: the events; end with weft_events_uninit()
 *
 * The epoch is random: numbers begin anew with each namespace and each time the
 * module is loaded, and user space remembers them.
 */
void weft_events_init(struct weft_events *e)
{
	*e = (struct weft_events){};
	spin_lock_init(&e->lock);
	do {
		get_random_bytes(&e->epoch, sizeof(e->epoch));
	} while (!e->epoch);
}

/**
 * weft_events_uninit() - forget everything
 * @e: nobody else uses it any more
 */
void weft_events_uninit(struct weft_events *e)
{
	unsigned int i;

	for (i = 0; e->ring && i < WEFT_EVENTS_MAX; i++)
		weft_event_record_put(e->ring[i]);
	kvfree(e->ring);
	e->ring = NULL;
}

/**
 * weft_event_record_create() - what is to be remembered of an event
 * @data: attributes, copied
 * @len: bytes of it
 *
 * Return: the record, for weft_events_add(); NULL without memory.
 */
struct weft_event_record *weft_event_record_create(const void *data, u32 len)
{
	struct weft_event_record *r = kmalloc(sizeof(*r) + len,
					      GFP_KERNEL_ACCOUNT);

	if (!r)
		return NULL;
	refcount_set(&r->refs, 1);
	r->len = len;
	memcpy(r->data, data, len);
	return r;
}

/**
 * weft_event_record_put() - drop a reference; any context
 * @r: the record, or NULL
 */
void weft_event_record_put(struct weft_event_record *r)
{
	if (r && refcount_dec_and_test(&r->refs))
		kfree(r);
}

/* Made with the first event: most namespaces have none. */
static void ring_make(struct weft_events *e)
{
	struct weft_event_record **ring;

	if (READ_ONCE(e->ring))
		return;
	ring = kvcalloc(WEFT_EVENTS_MAX, sizeof(*ring), GFP_KERNEL_ACCOUNT);
	spin_lock_bh(&e->lock);
	if (!e->ring)
		swap(e->ring, ring);
	spin_unlock_bh(&e->lock);
	kvfree(ring);
}

/**
 * weft_events_add() - an event has happened
 * @e: the events
 * @r: what to remember of it, owned from now on; NULL: there was no memory
 *
 * The oldest is forgotten for it. Process context. Return: its number.
 */
u64 weft_events_add(struct weft_events *e, struct weft_event_record *r)
{
	struct weft_event_record *old = r;	/* without a ring */
	u64 n;

	ring_make(e);
	spin_lock_bh(&e->lock);
	n = ++e->last;
	if (r)
		r->sequence = n;
	if (e->ring) {
		old = e->ring[n % WEFT_EVENTS_MAX];
		e->ring[n % WEFT_EVENTS_MAX] = r;
	}
	spin_unlock_bh(&e->lock);
	weft_event_record_put(old);
	return n;
}

/**
 * weft_events_after() - the first event after another that is remembered
 * @e: the events
 * @n: number of the other, 0: the very first; those between are forgotten
 *
 * Any context. Return: a reference, NULL: there is none.
 */
struct weft_event_record *weft_events_after(struct weft_events *e, u64 n)
{
	struct weft_event_record *r = NULL;

	spin_lock_bh(&e->lock);
	if (e->ring && n < e->last) {
		if (e->last - n > WEFT_EVENTS_MAX)
			n = e->last - WEFT_EVENTS_MAX;
		while (!r && n < e->last)
			r = e->ring[++n % WEFT_EVENTS_MAX];
	}
	if (r)
		refcount_inc(&r->refs);
	spin_unlock_bh(&e->lock);
	return r;
}
