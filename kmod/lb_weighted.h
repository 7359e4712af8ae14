/* SPDX-License-Identifier: GPL-2.0 */
/* Weighted random choice among endpoints. Pure, any context. */
#ifndef WEFT_LB_WEIGHTED_H
#define WEFT_LB_WEIGHTED_H

#include "service.h"

/* Which addresses a socket can reach. */
struct weft_families {
	bool v4;
	bool v6;
};

/* Is @e of one of these families? */
bool weft_families_have(const struct weft_families *f,
			const struct weft_endpoint *e);

/**
 * weft_lb_weighted_pick() - an endpoint by weight
 * @s: the service
 * @tried: indices in s->endpoints not to pick again
 * @n_tried: how many
 * @families: endpoints of others are passed over
 * @random: any 32 random bits (an argument, so that self-tests can decide)
 *
 * Return: index of the endpoint, or -1 when none is left.
 */
int weft_lb_weighted_pick(const struct weft_service *s, const u16 *tried,
			  unsigned int n_tried,
			  const struct weft_families *families, u32 random);

#endif
