/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Authorization policies: may this identity talk to that workload's port?
 * Pure; the order of evaluation stands in the uapi header. Any context, in an
 * RCU read section.
 */
#ifndef WEFT_POLICY_H
#define WEFT_POLICY_H

#include <linux/refcount.h>
#include "types.h"

struct weft_rule {
	u16 n_identities;
	u16 n_ports;
	u16 n_networks;
	const char **identities;
	u16 *ports;
	struct weft_network *networks;
};

struct weft_policy {
	refcount_t ref;
	u8 owner;
	u8 action;		/* enum weft_action */
	u16 n_rules;
	u16 wire;		/* bytes of the attribute it came in */
	const char *name;
	/* It selects what is all of these; without a selector, everything. */
	const char *workload;	/* NULL: every one */
	struct weft_rule scope;	/* identities of workloads, and ports */
	struct weft_rule *rules;
	struct rcu_head rcu;
};

struct weft_gen;

/* Who asks, and for what. */
struct weft_peer {
	/* SPIFFE ID; NULL: it proved none, and only rules for anybody match */
	const char *identity;
	struct in6_addr ip;
	u16 port;		/* of the listener */
};

struct weft_mesh_peer;

struct weft_policy_verdict {
	bool allowed;
	/*
	 * The policy that decided, without a reference; NULL: none had a say,
	 * or (denied) no ALLOW matched.
	 */
	const struct weft_policy *policy;
	const struct weft_policy *audit;	/* first AUDIT that matches */
	/* no policy: one of these has the address that plaintext came from */
	const struct weft_mesh_peer *registered;
};

/**
 * weft_policy_create() - an empty one with one reference, to fill
 * @n_rules: elements of ->rules, all zero
 *
 * The maker puts kmalloc()ed strings and arrays in; weft_policy_put() frees
 * them, also of one that is half made. Return: NULL when out of memory.
 */
struct weft_policy *weft_policy_create(u16 n_rules);

struct weft_policy *weft_policy_get(struct weft_policy *p);
void weft_policy_put(struct weft_policy *p);		/* NULL is fine */

/**
 * weft_policy_check() - the verdict on a connection
 * @gen: the generation to judge by; NULL: everything is allowed
 * @workload: name of the workload that is connected to
 * @identity: of that workload
 * @peer: who connects
 * @out: the verdict
 */
void weft_policy_check(const struct weft_gen *gen, const char *workload,
		       const char *identity, const struct weft_peer *peer,
		       struct weft_policy_verdict *out);

/**
 * weft_policy_judge() - may this peer be connected to that workload?
 * @gen: the generation to judge by
 * @workload: name of the workload that is connected to
 * @peer: who connects; without an identity it speaks plaintext
 * @out: zeroed; what the policies say, or the registry of peers against
 *	 plaintext
 *
 * Plaintext is a matter of the port's mode first, then of where it comes from:
 * a registered address speaks mesh. A workload that @gen does not know is in no
 * mesh, and nothing is said against it.
 *
 * Return: enum weft_reason: NONE, POLICY_DENIED or PLAINTEXT.
 */
u8 weft_policy_judge(const struct weft_gen *gen, const char *workload,
		     const struct weft_peer *peer,
		     struct weft_policy_verdict *out);

struct weft_policy *weft_policy_find(const struct weft_gen *gen,
				     const char *name);

#endif
