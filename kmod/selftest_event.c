// SPDX-License-Identifier: GPL-2.0
/*
 * Self-tests: the memory of events.
 */
#include <linux/kernel.h>
#include "event.h"
#include "limits.h"
#include "selftest.h"

static u64 add(struct weft_events *e, u8 what)
{
	return weft_events_add(e, weft_event_record_create(&what, 1));
}

/* The number of the first one after @n, 0: none. */
static u64 after(struct weft_events *e, u64 n)
{
	struct weft_event_record *r = weft_events_after(e, n);
	u64 found = r ? r->sequence : 0;

	weft_event_record_put(r);
	return found;
}

static const char *in_order(struct weft_events *e)
{
	struct weft_event_record *r;

	WEFT_EXPECT(!after(e, 0));
	WEFT_EXPECT(add(e, 'a') == 1);
	WEFT_EXPECT(add(e, 'b') == 2);
	WEFT_EXPECT(after(e, 0) == 1);
	WEFT_EXPECT(after(e, 1) == 2);
	WEFT_EXPECT(!after(e, 2));
	WEFT_EXPECT(!after(e, 3));
	r = weft_events_after(e, 1);
	WEFT_EXPECT(r);
	WEFT_EXPECT(r->len == 1 && r->data[0] == 'b');
	weft_event_record_put(r);
	return NULL;
}

static const char *forgotten(struct weft_events *e)
{
	struct weft_event_record *first;
	unsigned int i;

	add(e, 'a');
	first = weft_events_after(e, 0);
	for (i = 0; i < WEFT_EVENTS_MAX; i++)
		add(e, 'b');
	WEFT_EXPECT(after(e, 0) == 2);
	add(e, 'c');
	WEFT_EXPECT(after(e, 0) == 3);
	WEFT_EXPECT(after(e, 2) == 3);
	WEFT_EXPECT(after(e, WEFT_EVENTS_MAX + 1) == WEFT_EVENTS_MAX + 2);
	/* who has it still does not lose it */
	WEFT_EXPECT(first && first->data[0] == 'a');
	weft_event_record_put(first);
	return NULL;
}

static const char *without_memory(struct weft_events *e)
{
	WEFT_EXPECT(weft_events_add(e, NULL) == 1);
	WEFT_EXPECT(!after(e, 0));
	WEFT_EXPECT(add(e, 'a') == 2);
	WEFT_EXPECT(weft_events_add(e, NULL) == 3);
	WEFT_EXPECT(add(e, 'b') == 4);
	WEFT_EXPECT(after(e, 0) == 2);
	WEFT_EXPECT(after(e, 2) == 4);
	return NULL;
}

static const char *epochs(struct weft_events *e)
{
	struct weft_events other;

	weft_events_init(&other);
	WEFT_EXPECT(e->epoch && other.epoch && e->epoch != other.epoch);
	return NULL;
}

/* What it leaves when it fails is freed all the same. */
static const char *with_events(const char *(*check)(struct weft_events *e))
{
	struct weft_events e;
	const char *wrong;

	weft_events_init(&e);
	wrong = check(&e);
	weft_events_uninit(&e);
	return wrong;
}

static const char *events_come_each_once_in_order(struct weft_tables *t)
{
	return with_events(in_order);
}

static const char *forgotten_events_are_passed_over(struct weft_tables *t)
{
	return with_events(forgotten);
}

static const char *an_event_without_memory_has_its_number(struct weft_tables *t)
{
	return with_events(without_memory);
}

static const char *numbers_are_of_one_life_only(struct weft_tables *t)
{
	return with_events(epochs);
}

static const struct weft_claim claims[] = {
	WEFT_CLAIM(events_come_each_once_in_order),
	WEFT_CLAIM(forgotten_events_are_passed_over),
	WEFT_CLAIM(an_event_without_memory_has_its_number),
	WEFT_CLAIM(numbers_are_of_one_life_only),
};

WEFT_CLAIMS(weft_claims_event, claims);
