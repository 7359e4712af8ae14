/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a generation that is not in force would say of a connection. Mirror of
 * kmod/genl_flow.c. Thread of the struct weft_nl.
 *
 *   weft_nl_trial_begin -> (weft_nl_*_add() with the trial)...
 *	-> weft_nl_flow_judge... -> weft_nl_generation_abort
 *
 * A trial hinders nobody's transaction, belongs to the connection and ends with
 * it. There is one at a time.
 */
#ifndef WEFT_NL_FLOW_H
#define WEFT_NL_FLOW_H

#include <linux/weft.h>
#include <stdbool.h>
#include "base/addr.h"
#include "nl/nl.h"

/* A connection as one of its ends sees it; borrows its strings. */
struct weft_nl_flow {
	enum weft_role role;
	const char *workload;	   /* the local one */
	const char *service;	   /* client: what it called */
	const char *peer_identity; /* NULL, server: plaintext */
	const char *peer_serial;   /* NULL: not known */
	struct weft_addr peer;	   /* server: where it comes from */
	uint16_t port;		   /* server: where it arrives */
};

/* Owns its strings. Initialise with { 0 }. */
struct weft_nl_judgment {
	enum weft_reason reason; /* NONE, POLICY_DENIED, PLAINTEXT, PEER_IDENTITY, REVOKED */
	bool has_workload;	 /* without it, nothing is judged */
	bool has_service;	 /* the same, client */
	enum weft_mode mode;	 /* of a server's port */
	char *policy;		 /* that decided; NULL: none */
	char *audit;		 /* that matches */
	char *revocation;	 /* of the peer, with REVOKED */
	char *registered;	 /* who has the address, with PLAINTEXT; NULL: a strict port */
};

void weft_nl_judgment_uninit(struct weft_nl_judgment *judgment);

/* @txn: the number for the others, never 0. Return: 0; -EBUSY one is open;
 * -EOPNOTSUPP a module that knows none. */
int weft_nl_trial_begin(struct weft_nl *nl, uint32_t *txn, struct weft_error *err);

/**
 * weft_nl_flow_judge() - what would be said of it?
 * @txn: the trial; the first call closes it for weft_nl_*_add()
 * @out: written on success, the caller's to uninit
 *
 * Return: 0; at the first call also what weft_nl_generation_commit() gives.
 */
int weft_nl_flow_judge(struct weft_nl *nl, uint32_t txn, const struct weft_nl_flow *flow,
		       struct weft_nl_judgment *out, struct weft_error *err);

#endif
