/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What both ends of a connection of schedule.c will do, drawn from its seed. Both
 * draw the whole plan, so each knows what the other has in mind. A feature that is
 * switched off is drawn all the same: the rest of the plan stays what it was.
 */
#ifndef WEFT_GUEST_SCHEDULE_PLAN_H
#define WEFT_GUEST_SCHEDULE_PLAN_H

#include <stdio.h>
#include <string.h>
#include "random.h"

#define LENGTH(array)	(sizeof(array) / sizeof((array)[0]))

enum feature {
	/* writes */
	F_WRITE, F_WRITEV, F_SENDMSG, F_MORE, F_ZEROCOPY, F_SENDFILE, F_SPLICE_OUT, F_VMSPLICE,
	/* reads */
	F_READ, F_READV, F_RECVMSG, F_PEEK, F_WAITALL, F_SPLICE_IN,
	/* waiting; "hurry": not even for an accepted socket to be writable */
	F_NONBLOCK, F_DONTWAIT, F_EDGE, F_ONESHOT, F_EPOLL, F_TIMEOUTS, F_SIGNALS, F_PAUSES,
	F_SHORT, F_HURRY,
	/* options */
	F_SNDBUF, F_RCVBUF, F_NOTSENT, F_RCVLOWAT, F_NODELAY, F_CORK, F_LINGER,
	/* ends */
	F_LATE, F_CLOSE, F_EARLY, F_RESET,
	FEATURES
};

static const char *const feature_names[FEATURES] = {
	"write", "writev", "sendmsg", "more", "zerocopy", "sendfile", "splice-out", "vmsplice",
	"read", "readv", "recvmsg", "peek", "waitall", "splice-in",
	"nonblock", "dontwait", "edge", "oneshot", "epoll", "timeouts", "signals", "pauses", "short",
	"hurry",
	"sndbuf", "rcvbuf", "notsent", "rcvlowat", "nodelay", "cork", "linger",
	"late", "close", "early", "reset",
};

enum {
	FIRST_WRITE = F_WRITE, LAST_WRITE = F_VMSPLICE,
	FIRST_READ = F_READ, LAST_READ = F_SPLICE_IN
};

enum ending {
	END_SHUT,	/* shutdown when all is sent, read to the end, close */
	END_LATE,	/* shutdown when all is sent and received */
	END_CLOSE,	/* close then, without a shutdown */
	END_EARLY,	/* close somewhere in the middle */
	END_RESET,	/* the same with SO_LINGER of 0: a RST */
};

static const char *const ending_names[] = { "shut", "late", "close", "early", "reset" };

enum waiter { WAIT_POLL, WAIT_EPOLL, WAIT_EDGE, WAIT_ONESHOT };

static const char *const waiter_names[] = { "poll", "epoll", "edge", "oneshot" };

enum side { CLIENT, SERVER };

struct plan_end {
	bool nonblock, one_thread, signals, nodelay, cork, zerocopy, short_is_empty;
	bool options_late;		/* set after connect() or accept() */
	enum waiter waiter;
	enum ending ending;
	int sndbuf, rcvbuf, notsent, rcvlowat, timeout_ms, linger_s;
	int dontwait, pauses;		/* percent of the operations */
	unsigned int total;		/* bytes to write */
	unsigned int stop_out, stop_in;	/* where this end stops */
	unsigned int write_max, read_max;
	uint32_t writes, reads;		/* sets of features */
	bool small_pipe;
};

struct plan {
	uint64_t seed;
	uint64_t excluded;		/* set of features */
	bool clean;			/* all bytes arrive, both ways */
	struct plan_end end[2];
};

static inline bool plan_allows(const struct plan *p, enum feature f)
{
	return !(p->excluded & 1ULL << f);
}

static unsigned int draw_total(struct rng *r)
{
	static const unsigned int most[] = { 1, 100, 3000, 20000, 100000, 100000, 200000, 500000 };

	return rng_chance(r, 5) ? 0 : 1 + rng_below(r, rng_pick(r, most));
}

/* Around a record's limits, too. Not so small that it takes thousands of calls. */
static unsigned int draw_max(struct rng *r, unsigned int total)
{
	static const unsigned int most[] = { 1, 16, 100, 1500, 1500, 16384, 17000, 40000, 100000 };
	unsigned int max = rng_pick(r, most);

	while (max < total / 150)
		max = max * 7 + 1;
	return max;
}

/* Some of the kinds, or all of them; at least the first. */
static uint32_t draw_kinds(struct rng *r, const struct plan *p, int first, int last)
{
	uint32_t all = (2u << last) - (1u << first), set = 0;
	bool some = rng_chance(r, 60);
	int i, n = 1 + rng_below(r, 3);

	for (i = 0; i < n; i++)
		set |= 1u << (first + rng_below(r, last - first + 1));
	if (!some)
		set = all;
	set &= ~(uint32_t)p->excluded;
	return set ? set : 1u << first;
}

static void draw_waiting(struct rng *r, const struct plan *p, struct plan_end *e)
{
	static const int timeouts[] = { 0, 0, 0, 1, 5, 30 };
	static const int pauses[] = { 0, 0, 2, 10, 30 };

	e->nonblock = rng_chance(r, 60) && plan_allows(p, F_NONBLOCK);
	e->one_thread = rng_chance(r, 60) && e->nonblock;
	e->waiter = rng_below(r, 4);
	if ((e->waiter == WAIT_EDGE && !plan_allows(p, F_EDGE)) ||
	    (e->waiter == WAIT_ONESHOT && !plan_allows(p, F_ONESHOT)))
		e->waiter = WAIT_EPOLL;
	if (e->waiter == WAIT_EPOLL && !plan_allows(p, F_EPOLL))
		e->waiter = WAIT_POLL;
	e->short_is_empty = rng_chance(r, 50) && e->waiter == WAIT_EDGE && plan_allows(p, F_SHORT);
	e->dontwait = rng_chance(r, 40) && plan_allows(p, F_DONTWAIT) ? 20 : 0;
	e->timeout_ms = rng_pick(r, timeouts);
	if (!plan_allows(p, F_TIMEOUTS) || e->nonblock)
		e->timeout_ms = 0;
	e->signals = rng_chance(r, 20) && plan_allows(p, F_SIGNALS);
	e->pauses = rng_pick(r, pauses);
	if (!plan_allows(p, F_PAUSES))
		e->pauses = 0;
}

static void draw_options(struct rng *r, const struct plan *p, struct plan_end *e)
{
	static const int buffers[] = { 0, 0, 0, 1, 4608, 16384, 65536, 1000000 };
	static const int notsent[] = { 0, 0, 1, 4096, 16384, 131072 };
	static const int rcvlowat[] = { 0, 0, 0, 2, 100, 1000, 5000, 20000, 100000 };
	static const int linger[] = { -1, -1, -1, 100 };

	e->options_late = rng_chance(r, 50);
	e->sndbuf = rng_pick(r, buffers);
	e->rcvbuf = rng_pick(r, buffers);
	e->notsent = rng_pick(r, notsent);
	e->rcvlowat = rng_pick(r, rcvlowat);
	e->linger_s = rng_pick(r, linger);
	e->nodelay = rng_chance(r, 40) && plan_allows(p, F_NODELAY);
	e->cork = rng_chance(r, 15) && plan_allows(p, F_CORK);
	if (!plan_allows(p, F_SNDBUF))
		e->sndbuf = 0;
	if (!plan_allows(p, F_RCVBUF))
		e->rcvbuf = 0;
	if (!plan_allows(p, F_NOTSENT))
		e->notsent = 0;
	if (!plan_allows(p, F_RCVLOWAT))
		e->rcvlowat = 0;
	if (!plan_allows(p, F_LINGER))
		e->linger_s = -1;
}

static void draw_end(struct rng *r, const struct plan *p, struct plan_end *e)
{
	draw_waiting(r, p, e);
	draw_options(r, p, e);
	e->total = draw_total(r);
	e->write_max = draw_max(r, e->total);
	e->read_max = draw_max(r, 200000);
	e->writes = draw_kinds(r, p, FIRST_WRITE, LAST_WRITE);
	e->reads = draw_kinds(r, p, FIRST_READ, LAST_READ);
	e->zerocopy = e->writes & 1u << F_ZEROCOPY;
	e->small_pipe = rng_chance(r, 30);
}

/* At most one end is not clean: two could wait for each other for ever. */
static void draw_endings(struct rng *r, struct plan *p)
{
	static const enum ending clean[] = { END_SHUT, END_SHUT, END_LATE, END_CLOSE, END_CLOSE };
	enum ending unclean = rng_chance(r, 50) ? END_EARLY : END_RESET;
	int i, bad = rng_chance(r, 25) ? rng_below(r, 2) : -1;

	if (!plan_allows(p, unclean == END_EARLY ? F_EARLY : F_RESET))
		bad = -1;
	p->clean = bad < 0;
	for (i = 0; i < 2; i++) {
		struct plan_end *e = &p->end[i], *peer = &p->end[!i];

		e->ending = rng_pick(r, clean);
		if ((e->ending == END_LATE && !plan_allows(p, F_LATE)) ||
		    (e->ending == END_CLOSE && !plan_allows(p, F_CLOSE)))
			e->ending = END_SHUT;
		e->stop_out = e->total;
		e->stop_in = peer->total;
		if (i != bad)
			continue;
		e->ending = unclean;
		e->stop_out = rng_below(r, e->total + 1);
		e->stop_in = rng_below(r, peer->total + 1);
		e->linger_s = -1;
		/* Who reads no more drops, when its buffer is full, the ACKs it writes by. */
		if (e->rcvbuf && e->rcvbuf < 65536)
			e->rcvbuf = 0;
	}
	/* Who reads to a count must not wait for what an early end keeps. */
	if (bad >= 0)
		p->end[!bad].ending = END_SHUT;
}

/* Through a small buffer a few bytes pass for each of the peer's timers. */
static unsigned int most_through(const struct plan_end *from, const struct plan_end *to)
{
	unsigned int most = UINT32_MAX;

	if (to->rcvbuf)
		most = to->rcvbuf == 1 ? 3000 : to->rcvbuf * 8;
	if (from->sndbuf && from->sndbuf * 16 < most)
		most = from->sndbuf == 1 ? 10000 : from->sndbuf * 16;
	return most;
}

static void plan_draw(struct plan *p, uint64_t seed, uint64_t excluded)
{
	struct rng r = rng_of(seed, 0);
	unsigned int most;
	int i;

	memset(p, 0, sizeof(*p));
	p->seed = seed;
	p->excluded = excluded;
	draw_end(&r, p, &p->end[CLIENT]);
	draw_end(&r, p, &p->end[SERVER]);
	for (i = 0; i < 2; i++) {
		most = most_through(&p->end[i], &p->end[!i]);
		if (p->end[i].total > most)
			p->end[i].total = most;
	}
	draw_endings(&r, p);
}

static int print_kinds(char *to, size_t size, uint32_t set)
{
	int i, n = 0;

	for (i = 0; i <= LAST_READ && n < (int)size; i++)
		if (set & 1u << i)
			n += snprintf(to + n, size - n, " %s", feature_names[i]);
	return n;
}

/* In words, for who has to find out what went wrong. */
static void plan_print(char *to, size_t size, const struct plan *p, enum side side)
{
	const struct plan_end *e = &p->end[side];
	int n;

	n = snprintf(to, size, "%s sends %u to %u, ends by %s%s%s%s%s%s%s%s%s%s",
		     side == CLIENT ? "client" : "server", e->stop_out, e->total,
		     ending_names[e->ending], e->nonblock ? ", non-blocking " : ", blocking ",
		     waiter_names[e->waiter], e->one_thread ? ", one thread" : ", two threads",
		     e->short_is_empty ? ", trusts a short read" : "",
		     e->signals ? ", signals" : "", e->nodelay ? ", TCP_NODELAY" : "",
		     e->cork ? ", TCP_CORK" : "", e->options_late ? ", options late" : "",
		     e->small_pipe ? ", small pipe" : "");
	n += snprintf(to + n, size - n, "; sndbuf %d, rcvbuf %d, notsent %d, rcvlowat %d, "
		      "timeout %d ms, linger %d s, dontwait %d %%, pauses %d %%, writes to %u by",
		      e->sndbuf, e->rcvbuf, e->notsent, e->rcvlowat, e->timeout_ms, e->linger_s,
		      e->dontwait, e->pauses, e->write_max);
	n += print_kinds(to + n, size - n, e->writes);
	n += snprintf(to + n, size - n, ", reads to %u by", e->read_max);
	print_kinds(to + n, size - n, e->reads);
}

#endif
