/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The registry of peers in the module's tables. Mirror of kmod/genl_peer.c. Thread
 * of the struct weft_nl; the structs are values.
 */
#ifndef WEFT_NL_PEER_H
#define WEFT_NL_PEER_H

#include <linux/weft.h>
#include "base/addr.h"
#include "nl/nl_object.h"

/* Owns everything it points to. Initialise with { 0 }. */
struct weft_nl_peer {
	char *name;
	struct weft_network *networks; /* from which only mesh comes */
	size_t n_networks;
	enum weft_owner owner; /* out only */
};

void weft_nl_peer_uninit(struct weft_nl_peer *peer);

/* weft_nl_object_add() */
int weft_nl_peer_add(struct weft_nl *nl, const struct weft_nl_peer *peer, uint32_t txn,
		     bool replace, struct weft_error *err);

#endif
