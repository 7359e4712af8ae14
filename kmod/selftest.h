/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Self-tests of the pure layers: run when the module is loaded with selftest=1
 * and by WEFT_CMD_SELFTEST_RUN. Process context. Nothing of a namespace is
 * touched: every claim gets tables of its own, filled through the functions
 * that netlink commands use.
 */
#ifndef WEFT_SELFTEST_H
#define WEFT_SELFTEST_H

#include "generation.h"
#include "peer.h"
#include "policy.h"
#include "revocation.h"
#include "service.h"
#include "workload.h"

/**
 * weft_selftest() - check every claim
 *
 * Prints one line per claim and the sum. Takes a fraction of a second.
 * Return: 0, or -EIO when one failed.
 */
int weft_selftest(void);

/* A claim: NULL when it holds for empty tables @t, else what does not. */
struct weft_claim {
	const char *name;
	const char *(*check)(struct weft_tables *t);
};

#define WEFT_CLAIM(f)	{ .name = #f, .check = f }

struct weft_claims {
	const struct weft_claim *claims;
	unsigned int n;
};

#define WEFT_CLAIMS(name, array) \
	const struct weft_claims name = { array, ARRAY_SIZE(array) }

extern const struct weft_claims weft_claims_names;
extern const struct weft_claims weft_claims_workload;
extern const struct weft_claims weft_claims_service;
extern const struct weft_claims weft_claims_policy;
extern const struct weft_claims weft_claims_revocation;
extern const struct weft_claims weft_claims_peer;
extern const struct weft_claims weft_claims_generation;
extern const struct weft_claims weft_claims_trial;
extern const struct weft_claims weft_claims_steer;
extern const struct weft_claims weft_claims_rekey;
extern const struct weft_claims weft_claims_event;

#define WEFT_EXPECT(condition)						\
	do {								\
		if (!(condition))					\
			return #condition;				\
	} while (0)

/*
 * Makers, selftest_make.c. Each adds one object and returns what the tables
 * said. @txn of the tables' open transaction, 0: static. Arrays end with NULL,
 * or a zero element.
 */

#define WEFT_ST_PORTID	1	/* of who makes them */

struct weft_st_ports {
	u16 port;
	u16 target;
};

int weft_st_workload(struct weft_tables *t, u32 txn, const char *name,
		     const struct weft_selector *selectors);
int weft_st_workload_mode(struct weft_tables *t, const char *name, u8 mode,
			  const struct weft_port_mode *ports);

int weft_st_service(struct weft_tables *t, u32 txn, const char *name,
		    const char * const *addresses,
		    const struct weft_st_ports *ports,
		    const char * const *identities, struct weft_fault *f);

/* @addr: "10.0.0.1" or "fd00::1"; port 0: the service's. */
int weft_st_endpoint(struct weft_tables *t, u32 txn, const char *service,
		     const char *addr, u16 port, u32 weight);

struct weft_st_rule {
	const char *identities[3];
	u16 ports[3];
	const char *networks[3];	/* "10.0.0.0/8" */
};

int weft_st_policy(struct weft_tables *t, u32 txn, const char *name, u8 action,
		   const char *workload, const struct weft_st_rule *rules,
		   unsigned int n);

/* One that is for no workload by name; @scope: its identities and ports. */
int weft_st_policy_for(struct weft_tables *t, const char *name, u8 action,
		       const struct weft_st_rule *scope,
		       const struct weft_st_rule *rules, unsigned int n);

int weft_st_revocation(struct weft_tables *t, u32 txn, const char *name,
		       const char * const *identities,
		       const char * const *serials, struct weft_fault *f);

/* @networks: "10.0.0.0/8" */
int weft_st_peer(struct weft_tables *t, u32 txn, const char *name,
		 const char * const *networks, struct weft_fault *f);

u32 weft_st_begin(struct weft_tables *t);	/* 0 on error */
u64 weft_st_commit(struct weft_tables *t, u32 txn);	/* 0 on error */

struct weft_addr weft_st_addr(const char *ip, u16 port);

/* "10.0.0.0/8", "fd00::/8" */
struct weft_network weft_st_network(const char *text);

/* The current generation; claims run alone, so nothing can change it. */
const struct weft_gen *weft_st_gen(const struct weft_tables *t);

#endif
