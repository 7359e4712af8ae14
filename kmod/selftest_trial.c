// SPDX-License-Identifier: GPL-2.0
/*
 * Self-tests: trials, and what they say of connections.
 */
#include <linux/kernel.h>
#include "flow.h"
#include "selftest.h"

#define WEB	"spiffe://td.test/web"
#define BATCH	"spiffe://td.test/batch"

static u32 begin(struct weft_tables *t)
{
	u32 id;

	return weft_txn_begin(t, true, WEFT_ST_PORTID, &id, NULL) ? 0 : id;
}

static int ask(struct weft_tables *t, u32 txn, const struct weft_flow *flow,
	       struct weft_flow_verdict *v)
{
	return weft_trial_judge(t, txn, WEFT_ST_PORTID, flow, v, NULL);
}

/* What would be said against @identity (NULL: plaintext) at a port of "db". */
static int server(struct weft_tables *t, u32 txn, const char *identity,
		  u16 port, struct weft_flow_verdict *v)
{
	struct weft_flow flow = {
		.role = WEFT_ROLE_SERVER,
		.workload = "db",
		.peer = {
			.identity = identity,
			.ip = weft_st_addr("192.0.2.1", 0).ip,
			.port = port,
		},
	};

	return ask(t, txn, &flow, v) ?: v->reason;
}

/* The same against @identity when "db" called service "web". */
static int client(struct weft_tables *t, u32 txn, const char *identity,
		  struct weft_flow_verdict *v)
{
	struct weft_flow flow = {
		.role = WEFT_ROLE_CLIENT,
		.workload = "db",
		.service = "web",
		.peer = { .identity = identity },
	};

	return ask(t, txn, &flow, v) ?: v->reason;
}

static int allow(struct weft_tables *t, u32 txn, const char *name,
		 const char *identity)
{
	struct weft_st_rule rule = { .identities = { identity } };

	return weft_st_policy(t, txn, name, WEFT_ACTION_ALLOW, "db", &rule, 1);
}

static int workload(struct weft_tables *t, u8 mode)
{
	struct weft_port_mode ports[] = {
		{ .port = 81, .mode = WEFT_MODE_PERMISSIVE }, {} };

	return weft_st_workload_mode(t, "db", mode, ports);
}

static const char *trial_judges_by_what_is_staged(struct weft_tables *t)
{
	struct weft_flow_verdict v;
	u32 txn;

	WEFT_EXPECT(!workload(t, WEFT_MODE_STRICT));
	txn = begin(t);
	WEFT_EXPECT(txn && !allow(t, txn, "a", WEB));
	WEFT_EXPECT(server(t, txn, WEB, 80, &v) == WEFT_REASON_NONE);
	WEFT_EXPECT(v.workload && v.mode == WEFT_MODE_STRICT);
	WEFT_EXPECT(!strcmp(v.policy, "a") && !v.audit[0]);
	WEFT_EXPECT(server(t, txn, BATCH, 80, &v) ==
		    WEFT_REASON_POLICY_DENIED);
	WEFT_EXPECT(!v.policy[0]);
	WEFT_EXPECT(!weft_policy_find(weft_st_gen(t), "a"));
	return NULL;
}

static const char *trial_knows_the_static_objects(struct weft_tables *t)
{
	struct weft_flow_verdict v;
	u32 txn;

	WEFT_EXPECT(!workload(t, WEFT_MODE_STRICT));
	WEFT_EXPECT(!allow(t, 0, "a", BATCH));
	txn = begin(t);
	WEFT_EXPECT(!allow(t, txn, "a", WEB));
	WEFT_EXPECT(server(t, txn, WEB, 80, &v) == WEFT_REASON_POLICY_DENIED);
	WEFT_EXPECT(server(t, txn, BATCH, 80, &v) == WEFT_REASON_NONE);
	return NULL;
}

static const char *plaintext_meets_the_mode_of_its_port(struct weft_tables *t)
{
	struct weft_flow_verdict v;
	u32 txn;

	WEFT_EXPECT(!workload(t, WEFT_MODE_STRICT));
	txn = begin(t);
	WEFT_EXPECT(server(t, txn, NULL, 80, &v) == WEFT_REASON_PLAINTEXT);
	WEFT_EXPECT(server(t, txn, NULL, 81, &v) == WEFT_REASON_NONE);
	WEFT_EXPECT(v.mode == WEFT_MODE_PERMISSIVE);
	WEFT_EXPECT(!weft_txn_abort(t, txn, WEFT_ST_PORTID, NULL));
	WEFT_EXPECT(!weft_tables_del(t, WEFT_KIND_WORKLOAD, "db", NULL));
	WEFT_EXPECT(!workload(t, WEFT_MODE_DISABLED));
	txn = begin(t);
	WEFT_EXPECT(!allow(t, txn, "a", WEB));
	WEFT_EXPECT(server(t, txn, NULL, 80, &v) == WEFT_REASON_NONE);
	WEFT_EXPECT(server(t, txn, NULL, 81, &v) == WEFT_REASON_POLICY_DENIED);
	return NULL;
}

static const char *last_resort_leaves_the_port_of_ssh(struct weft_tables *t)
{
	struct weft_flow_verdict v;
	u32 txn;

	WEFT_EXPECT(!workload(t, WEFT_MODE_STRICT));
	txn = begin(t);
	server(t, txn, NULL, 22, &v);
	WEFT_EXPECT(v.workload && v.mode == WEFT_MODE_DISABLED);
	server(t, txn, NULL, 23, &v);
	WEFT_EXPECT(v.mode == WEFT_MODE_STRICT);
	return NULL;
}

static const char *revoked_goes_before_policies(struct weft_tables *t)
{
	static const char * const ids[] = { BATCH, NULL };
	static const char * const serials[] = { "0a", NULL };
	struct weft_flow_verdict v;
	struct weft_flow flow = {
		.role = WEFT_ROLE_SERVER,
		.workload = "db",
		.serial = "0b",
		.peer = { .identity = WEB, .port = 80 },
	};
	u32 txn;

	WEFT_EXPECT(!workload(t, WEFT_MODE_STRICT));
	txn = begin(t);
	WEFT_EXPECT(!weft_st_revocation(t, txn, "r", ids, serials, NULL));
	WEFT_EXPECT(server(t, txn, BATCH, 80, &v) == WEFT_REASON_REVOKED);
	WEFT_EXPECT(!strcmp(v.revocation, "r") && !v.policy[0]);
	WEFT_EXPECT(server(t, txn, WEB, 80, &v) == WEFT_REASON_NONE);
	WEFT_EXPECT(!ask(t, txn, &flow, &v) && v.reason == WEFT_REASON_NONE);
	flow.serial = "0a";
	WEFT_EXPECT(!ask(t, txn, &flow, &v) &&
		    v.reason == WEFT_REASON_REVOKED);
	return NULL;
}

static const char *trial_knows_its_peers(struct weft_tables *t)
{
	static const char * const here[] = { "192.0.2.0/24", NULL };
	struct weft_flow_verdict v;
	u32 txn;

	WEFT_EXPECT(!workload(t, WEFT_MODE_STRICT));
	txn = begin(t);
	WEFT_EXPECT(!weft_st_peer(t, txn, "p", here, NULL));
	WEFT_EXPECT(server(t, txn, NULL, 81, &v) == WEFT_REASON_PLAINTEXT);
	WEFT_EXPECT(!strcmp(v.registered, "p"));
	WEFT_EXPECT(v.mode == WEFT_MODE_PERMISSIVE);
	WEFT_EXPECT(server(t, txn, WEB, 81, &v) == WEFT_REASON_NONE);
	WEFT_EXPECT(!v.registered[0]);
	WEFT_EXPECT(server(t, txn, NULL, 80, &v) == WEFT_REASON_PLAINTEXT);
	WEFT_EXPECT(!v.registered[0]);
	return NULL;
}

static const char *without_its_workload_it_has_no_say(struct weft_tables *t)
{
	struct weft_flow_verdict v;
	u32 txn = begin(t);

	WEFT_EXPECT(server(t, txn, WEB, 80, &v) == WEFT_REASON_NONE);
	WEFT_EXPECT(!v.workload && v.mode == WEFT_MODE_DEFAULT);
	return NULL;
}

static const char *client_asks_its_service(struct weft_tables *t)
{
	static const struct weft_st_ports ports[] = { { 80 }, {} };
	static const char * const ids[] = { WEB, NULL };
	static const char * const none[] = { NULL };
	struct weft_flow_verdict v;
	u32 txn;

	WEFT_EXPECT(!workload(t, WEFT_MODE_STRICT));
	txn = begin(t);
	WEFT_EXPECT(client(t, txn, WEB, &v) == WEFT_REASON_NONE && !v.service);
	WEFT_EXPECT(!weft_txn_abort(t, txn, WEFT_ST_PORTID, NULL));
	txn = begin(t);
	WEFT_EXPECT(!weft_st_service(t, txn, "web", none, ports, ids, NULL));
	WEFT_EXPECT(client(t, txn, WEB, &v) == WEFT_REASON_NONE && v.service);
	WEFT_EXPECT(client(t, txn, BATCH, &v) == WEFT_REASON_PEER_IDENTITY);
	return NULL;
}

static const char *trial_hinders_no_transaction(struct weft_tables *t)
{
	struct weft_flow_verdict v;
	u32 trial = begin(t), txn, other;
	u64 number;

	txn = weft_st_begin(t);
	WEFT_EXPECT(trial && txn && trial != txn);
	WEFT_EXPECT(weft_txn_begin(t, true, 2, &other, NULL) == -EBUSY);
	WEFT_EXPECT(weft_txn_commit(t, trial, WEFT_ST_PORTID, &number, NULL) ==
		    -EINVAL);
	WEFT_EXPECT(server(t, txn, WEB, 80, &v) == -EINVAL);
	WEFT_EXPECT(!allow(t, trial, "a", WEB) && !allow(t, txn, "b", WEB));
	WEFT_EXPECT(!server(t, trial, WEB, 80, &v));
	WEFT_EXPECT(weft_st_commit(t, txn));
	WEFT_EXPECT(weft_policy_find(weft_st_gen(t), "b") &&
		    !weft_policy_find(weft_st_gen(t), "a"));
	return NULL;
}

static const char *trial_that_judged_is_closed(struct weft_tables *t)
{
	struct weft_flow_verdict v;
	u32 txn = begin(t), other;

	WEFT_EXPECT(!allow(t, txn, "a", WEB));
	WEFT_EXPECT(!server(t, txn, WEB, 80, &v));
	WEFT_EXPECT(allow(t, txn, "b", BATCH) == -EBUSY);
	WEFT_EXPECT(weft_trial_judge(t, txn, 2, NULL, &v, NULL) == -EBUSY);
	weft_tables_portid_gone(t, 2);
	WEFT_EXPECT(!server(t, txn, WEB, 80, &v));
	weft_tables_portid_gone(t, WEFT_ST_PORTID);
	WEFT_EXPECT(server(t, txn, WEB, 80, &v) == -ENOENT);
	WEFT_EXPECT(!weft_txn_begin(t, true, 2, &other, NULL));
	return NULL;
}

static const char *trial_that_does_not_fit_says_so(struct weft_tables *t)
{
	static const struct weft_st_ports ports[] = { { 80 }, {} };
	static const char * const at[] = { "240.0.0.1", NULL };
	static const char * const none[] = { NULL };
	struct weft_flow_verdict v;
	u32 txn = begin(t);

	WEFT_EXPECT(!weft_st_service(t, txn, "a", at, ports, none, NULL));
	WEFT_EXPECT(!weft_st_service(t, txn, "b", at, ports, none, NULL));
	WEFT_EXPECT(server(t, txn, WEB, 80, &v) == -EEXIST);
	WEFT_EXPECT(!weft_txn_abort(t, txn, WEFT_ST_PORTID, NULL));
	return NULL;
}

static const struct weft_claim claims[] = {
	WEFT_CLAIM(trial_judges_by_what_is_staged),
	WEFT_CLAIM(trial_knows_the_static_objects),
	WEFT_CLAIM(plaintext_meets_the_mode_of_its_port),
	WEFT_CLAIM(last_resort_leaves_the_port_of_ssh),
	WEFT_CLAIM(revoked_goes_before_policies),
	WEFT_CLAIM(trial_knows_its_peers),
	WEFT_CLAIM(without_its_workload_it_has_no_say),
	WEFT_CLAIM(client_asks_its_service),
	WEFT_CLAIM(trial_hinders_no_transaction),
	WEFT_CLAIM(trial_that_judged_is_closed),
	WEFT_CLAIM(trial_that_does_not_fit_says_so),
};

WEFT_CLAIMS(weft_claims_trial, claims);
