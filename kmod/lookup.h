/* SPDX-License-Identifier: GPL-2.0 */
/*
 * From address and port to service and endpoint: a hash table sized when its
 * generation is made, read-only afterwards. Pure; built in process context,
 * searched in any.
 */
#ifndef WEFT_LOOKUP_H
#define WEFT_LOOKUP_H

#include "fault.h"
#include "table.h"
#include "types.h"

struct weft_lookup_row {
	struct weft_addr addr;
	u16 target;		/* port for endpoints without one */
	s32 pinned;		/* endpoint, or -1: the service's own address */
	u32 service;		/* row in the generation's services */
	u32 next;		/* row + 1 in the same bucket; 0: none */
};

struct weft_lookup {
	u32 n;
	u32 mask;
	u32 seed;
	u32 *heads;		/* row + 1 */
	struct weft_lookup_row *rows;
};

/**
 * weft_lookup_init() - all addresses of some services
 * @l: zeroed; weft_lookup_uninit() it also after an error
 * @services: joined ones, sorted by name; of those that share an endpoint's
 *	      address the first gets it
 * @f: filled in on error
 *
 * Return: 0, -EEXIST two services have the same address and port, -ENOSPC more
 * than WEFT_LOOKUP_MAX rows, -ENOMEM.
 */
int weft_lookup_init(struct weft_lookup *l, const struct weft_table *services,
		     struct weft_fault *f);
void weft_lookup_uninit(struct weft_lookup *l);

/* Costs one bucket. NULL: nobody has the address. */
const struct weft_lookup_row *weft_lookup_find(const struct weft_lookup *l,
					       const struct weft_addr *addr);

#endif
