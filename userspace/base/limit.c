// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who may be quoted, and who is counted, see limit.h.
 */
#include "base/limit.h"

#include <stdio.h>
#include <string.h>
#include "base/array.h"

/* One host has one address of IPv4, and a /64 of IPv6. */
static struct weft_network source_of(const struct weft_addr *addr)
{
	struct weft_network net = { .len = weft_addr_is_v4(addr) ? 128 : 64 };

	memcpy(net.ip, addr->ip, net.len / 8);
	return net;
}

static bool is_over(const struct weft_limit_source *s, uint64_t now)
{
	return now - s->begin >= WEFT_LIMIT_PERIOD;
}

/* Nothing is to be told of it any more. */
static bool is_free(const struct weft_limit_source *s, uint64_t now)
{
	return !s->in_full || (is_over(s, now) && !s->left_out);
}

/* A place of its own, or that of others. */
static struct weft_limit_source *find(struct weft_limit *limit, const struct weft_network *net,
				      const char *about, uint64_t now)
{
	struct weft_limit_source *place = &limit->sources[WEFT_LIMIT_SOURCES], *s;

	place->others = true;
	for (s = limit->sources; !s->others; s++) {
		if (s->in_full && !memcmp(&s->net, net, sizeof(*net)) && !strcmp(s->about, about))
			return s;
		if (place->others && is_free(s, now))
			place = s;
	}
	if (!place->others) {
		*place = (struct weft_limit_source){ .net = *net };
		snprintf(place->about, sizeof(place->about), "%s", about);
	}
	return place;
}

bool weft_limit_take(struct weft_limit *limit, const struct weft_addr *from, const char *about,
		     uint64_t number, uint64_t now)
{
	struct weft_network net = source_of(from);
	char key[sizeof(limit->sources->about)];
	struct weft_limit_source *s;

	snprintf(key, sizeof(key), "%s", about);
	s = find(limit, &net, key, now);
	if (is_free(s, now)) {
		s->in_full = 0;
		s->begin = now;
	}
	if (s->in_full < WEFT_LIMIT_IN_FULL && !s->left_out) {
		s->in_full++;
		return true;
	}
	if (!s->left_out++)
		s->first = number;
	s->last = number;
	return false;
}

struct weft_limit_source *weft_limit_next(struct weft_limit *limit, uint64_t now)
{
	for (size_t i = 0; i < WEFT_ARRAY_SIZE(limit->sources); i++)
		if (limit->sources[i].left_out && is_over(&limit->sources[i], now))
			return &limit->sources[i];
	return NULL;
}

void weft_limit_told(struct weft_limit_source *source)
{
	source->left_out = 0;
	source->in_full = 0;
}

uint64_t weft_limit_due(const struct weft_limit *limit, uint64_t now)
{
	uint64_t due = WEFT_LIMIT_IDLE, wait;

	for (size_t i = 0; i < WEFT_ARRAY_SIZE(limit->sources); i++) {
		if (!limit->sources[i].left_out)
			continue;
		wait = is_over(&limit->sources[i], now) ?
			       0 : limit->sources[i].begin + WEFT_LIMIT_PERIOD - now;
		if (wait < due)
			due = wait;
	}
	return due;
}

uint64_t weft_limit_left_out(const struct weft_limit *limit)
{
	uint64_t n = 0;

	for (size_t i = 0; i < WEFT_ARRAY_SIZE(limit->sources); i++)
		n += limit->sources[i].left_out;
	return n;
}
