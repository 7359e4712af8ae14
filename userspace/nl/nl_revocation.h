/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Revocations in the module's tables. Mirror of kmod/genl_revocation.c. Thread of
 * the struct weft_nl; the structs are values.
 */
#ifndef WEFT_NL_REVOCATION_H
#define WEFT_NL_REVOCATION_H

#include <linux/weft.h>
#include "base/strv.h"
#include "nl/nl_object.h"

/* Owns everything it points to. Initialise with { 0 }. */
struct weft_nl_revocation {
	char *name;
	struct weft_strv identities; /* SPIFFE IDs */
	struct weft_strv serials;    /* as base/serial.h writes them */
	enum weft_owner owner;	     /* out only */
};

void weft_nl_revocation_uninit(struct weft_nl_revocation *revocation);

/* weft_nl_object_add() */
int weft_nl_revocation_add(struct weft_nl *nl, const struct weft_nl_revocation *revocation,
			   uint32_t txn, bool replace, struct weft_error *err);

#endif
