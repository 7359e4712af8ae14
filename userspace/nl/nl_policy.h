/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Authorization policies in the module's tables. Mirror of kmod/genl_policy.c.
 * Thread of the struct weft_nl; the structs are values.
 */
#ifndef WEFT_NL_POLICY_H
#define WEFT_NL_POLICY_H

#include <linux/weft.h>
#include <stddef.h>
#include "base/addr.h"
#include "base/strv.h"
#include "nl/nl_object.h"

struct weft_nl_rule {
	struct weft_strv identities; /* none: anybody */
	uint16_t *ports;	     /* none: every port */
	size_t n_ports;
	struct weft_network *networks; /* none: from anywhere */
	size_t n_networks;
};

/* Owns everything it points to. Initialise with { 0 }. */
struct weft_nl_policy {
	char *name;
	enum weft_action action;
	/* It is for what is all of these; without any, for everything. */
	char *workload; /* NULL: every one */
	struct weft_nl_rule scope; /* identities of workloads, and ports; no networks */
	struct weft_nl_rule *rules;
	size_t n_rules; /* 0: matches nothing */
	enum weft_owner owner; /* out only */
};

void weft_nl_policy_uninit(struct weft_nl_policy *policy);

/* weft_nl_object_add() */
int weft_nl_policy_add(struct weft_nl *nl, const struct weft_nl_policy *policy, uint32_t txn,
		       bool replace, struct weft_error *err);

#endif
