// SPDX-License-Identifier: GPL-2.0
/*
 * Weighted random choice among endpoints, see lb_weighted.h.
 */
#include <linux/build_bug.h>
#include <net/ipv6.h>
#include "lb_weighted.h"

bool weft_families_have(const struct weft_families *f,
			const struct weft_endpoint *e)
{
	return ipv6_addr_v4mapped(&e->addr.ip) ? f->v4 : f->v6;
}

static bool was_tried(u32 endpoint, const u16 *tried, unsigned int n_tried)
{
	unsigned int i;

	for (i = 0; i < n_tried; i++)
		if (tried[i] == endpoint)
			return true;
	return false;
}

static u32 weight_left(const struct weft_service *s, u32 endpoint,
		       const u16 *tried, unsigned int n_tried,
		       const struct weft_families *families)
{
	const struct weft_endpoint *e = &s->endpoints[endpoint];

	if (!weft_families_have(families, e) ||
	    was_tried(endpoint, tried, n_tried))
		return 0;
	return e->weight;
}

int weft_lb_weighted_pick(const struct weft_service *s, const u16 *tried,
			  unsigned int n_tried,
			  const struct weft_families *families, u32 random)
{
	u32 sum = 0, at, w, i;

	BUILD_BUG_ON((u64)WEFT_SERVICE_ENDPOINTS_MAX * WEFT_WEIGHT_MAX >
		     U32_MAX);
	for (i = 0; i < s->n_endpoints; i++)
		sum += weight_left(s, i, tried, n_tried, families);
	if (!sum)
		return -1;
	/* random / 2^32 of the way: no modulo bias worth the name */
	at = ((u64)random * sum) >> 32;
	for (i = 0; i < s->n_endpoints; i++) {
		w = weight_left(s, i, tried, n_tried, families);
		if (at < w)
			return i;
		at -= w;
	}
	return -1;	/* not reached: at < sum */
}
