/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Connections that were, or might be: what would a generation say of them? By
 * the very functions that judge a conn, but without one. Pure; any context,
 * with a generation that stays.
 */
#ifndef WEFT_FLOW_H
#define WEFT_FLOW_H

#include <linux/weft.h>
#include "policy.h"

struct weft_flow {
	u8 role;		/* enum weft_role, of the workload's end */
	const char *workload;	/* name of the local one */
	const char *service;	/* client: the name it called */
	const char *serial;	/* of the peer's certificate; NULL: not known */
	/* server: who connects, and to which port; client: who answered */
	struct weft_peer peer;
};

struct weft_flow_verdict {
	u8 reason;		/* enum weft_reason, as weft_judge() has it */
	bool workload;		/* the generation has it; else it has no say */
	bool service;		/* the same of a client's */
	u8 mode;		/* enum weft_mode of a server's port */
	/* as in struct weft_policy_verdict; "": none */
	char policy[WEFT_NAME_MAX + 1];
	char audit[WEFT_NAME_MAX + 1];
	char revocation[WEFT_NAME_MAX + 1];	/* with REASON_REVOKED */
	char registered[WEFT_NAME_MAX + 1];	/* with REASON_PLAINTEXT */
};

/**
 * weft_flow_judge() - what a generation would say of a connection
 * @gen: the generation
 * @flow: the connection; a client's has a service, and a peer with an identity
 * @out: the verdict
 *
 * A serial that is not known is not revoked: the peer's next certificate tells.
 * Of a workload of the last resort the port for ssh is as one that is disabled.
 */
void weft_flow_judge(const struct weft_gen *gen, const struct weft_flow *flow,
		     struct weft_flow_verdict *out);

#endif
