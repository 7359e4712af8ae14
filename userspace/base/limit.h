/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may be quoted, and who is counted: what strangers on the network bring about is
 * told in full some times in a period, and from then on counted, for each source.
 *
 *   take() ─▶ in full │ counted ─ period over ─▶ next() ─ told by the caller ─▶ told()
 *
 * A source is a host, as far as that can be told: an address of IPv4, a /64 of IPv6. There
 * is room for a fixed number of them, for those beyond it there is one place together. So
 * what is told is bounded as well, whoever comes.
 *
 * Pure: the time is the caller's. One thread, or a lock of the caller's.
 */
#ifndef WEFT_BASE_LIMIT_H
#define WEFT_BASE_LIMIT_H

#include <linux/weft.h>
#include <stdbool.h>
#include <stdint.h>
#include "base/addr.h"

#define WEFT_LIMIT_SOURCES 64
#define WEFT_LIMIT_IN_FULL 50			/* of a source in a period */
#define WEFT_LIMIT_PERIOD  UINT64_C(10000000)	/* microseconds */
#define WEFT_LIMIT_IDLE	   UINT64_MAX

struct weft_limit_source {
	bool others; /* those that found no place: the next two say nothing */
	struct weft_network net;
	char about[WEFT_NAME_MAX + 1];
	uint64_t begin;	      /* of the period; us */
	unsigned int in_full; /* 0: the place is free */
	uint64_t left_out;
	uint64_t first, last; /* numbers of those that are left out */
};

/* Initialise with { 0 }. */
struct weft_limit {
	struct weft_limit_source sources[WEFT_LIMIT_SOURCES + 1]; /* the last: others */
};

/**
 * weft_limit_take() - somebody did it once more
 * @from: by whom; the port does not count
 * @about: to what; one that is too long is cut off
 * @number: of this time
 * @now: of a clock that only goes forward; us
 *
 * Return: true: tell it in full; false: it is counted.
 */
bool weft_limit_take(struct weft_limit *limit, const struct weft_addr *from, const char *about,
		     uint64_t number, uint64_t now);

/* One whose period is over, and of whom something was left out; or NULL. */
struct weft_limit_source *weft_limit_next(struct weft_limit *limit, uint64_t now);

/* What was left out of it was told. Until then it is counted on, and nothing is in full. */
void weft_limit_told(struct weft_limit_source *source);

/* Microseconds until weft_limit_next() has one; or WEFT_LIMIT_IDLE. */
uint64_t weft_limit_due(const struct weft_limit *limit, uint64_t now);

/* What was left out altogether and is not told yet. */
uint64_t weft_limit_left_out(const struct weft_limit *limit);

#endif
