/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who may be at the other end of a connection: the one place where a conn meets
 * the revocations, the policies, the registry of peers and the identities of
 * services.
 */
#ifndef WEFT_JUDGE_H
#define WEFT_JUDGE_H

#include "conn.h"

/* The number of the generation by which it would judge. */
u64 weft_judge_generation(const struct weft_net *wn);

/**
 * weft_judge_speaks_mesh() - is its peer in the registry, as of now?
 * @c: a server's conn; any context
 *
 * Return: true if a peer of the current generation has the address.
 */
bool weft_judge_speaks_mesh(const struct weft_conn *c);

/**
 * weft_judge_registered() - note which peer has the address, if one does
 * @c: a server's conn; ->mu held, process context
 *
 * For a handshake that was asked for because of it and came to nothing: that is
 * not judged.
 */
void weft_judge_registered(struct weft_conn *c);

/**
 * weft_judge() - may this peer be at the other end, as of now?
 * @c: a conn of a workload, with c->peer_identity as its peer proved it, or
 *	NULL, and c->peer_serial; ->mu held, process context
 * @audit: whether an AUDIT policy matches that did not at the last judgment
 *
 * A peer that is revoked may be at neither end. Else a server asks the policies
 * and, for plaintext, the mode of its port and the registry of peers; a client
 * the identities that its service may have. What the generation does not know
 * any more has no say: without its workload a process is in no mesh. Which
 * revocation, policies, registered peer and generation said so is noted in @c.
 *
 * Return: enum weft_reason: NONE, REVOKED, POLICY_DENIED, PLAINTEXT or
 * PEER_IDENTITY.
 */
u8 weft_judge(struct weft_conn *c, bool *audit);

#endif
