/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers that depend on a seed alone, so that a run can be repeated: for the
 * programs of this directory that act at random. A struct rng is one thread's.
 */
#ifndef WEFT_GUEST_RANDOM_H
#define WEFT_GUEST_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct rng {
	uint64_t state;
};

/* splitmix64's finalizer: neighbours in, strangers out. */
static inline uint64_t rng_mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

/* One of many sequences of the same seed. */
static inline struct rng rng_of(uint64_t seed, uint64_t which)
{
	return (struct rng){ rng_mix(rng_mix(seed + 1) + which) };
}

static inline uint64_t rng_next(struct rng *r)
{
	r->state += 0x9e3779b97f4a7c15ULL;
	return rng_mix(r->state);
}

/* 0 to n - 1; n is not 0. */
static inline uint64_t rng_below(struct rng *r, uint64_t n)
{
	return rng_next(r) % n;
}

static inline bool rng_chance(struct rng *r, unsigned int percent)
{
	return rng_below(r, 100) < percent;
}

#define rng_pick(r, array) ((array)[rng_below(r, sizeof(array) / sizeof((array)[0]))])

#endif
