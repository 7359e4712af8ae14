// SPDX-License-Identifier: GPL-2.0
/*
 * Self-tests: the order of evaluation of policies, prefixes and ports.
 */
#include <linux/kernel.h>
#include "names.h"
#include "selftest.h"

#define WEB	"spiffe://td.test/web"
#define BATCH	"spiffe://td.test/batch"

#define RULES(...)	((const struct weft_st_rule[]){ __VA_ARGS__ })
#define POLICY(action, name, workload, ...)				\
	(!weft_st_policy(t, 0, name, action, workload, RULES(__VA_ARGS__), \
			 ARRAY_SIZE(RULES(__VA_ARGS__))))
#define ALLOW(name, workload, ...) \
	POLICY(WEFT_ACTION_ALLOW, name, workload, __VA_ARGS__)
#define DENY(name, workload, ...) \
	POLICY(WEFT_ACTION_DENY, name, workload, __VA_ARGS__)
#define AUDIT(name, workload, ...) \
	POLICY(WEFT_ACTION_AUDIT, name, workload, __VA_ARGS__)

/* One rule; @scope is { { identities }, { ports } }. */
#define POLICY_FOR(name, action, scope, ...)				\
	(!weft_st_policy_for(t, name, action, scope,			\
			     RULES(__VA_ARGS__),			\
			     ARRAY_SIZE(RULES(__VA_ARGS__))))

static const char *name_of(const struct weft_policy *p)
{
	return p ? p->name : "";
}

/* A workload called "db" is spiffe://td.test/db. */
static void check(struct weft_tables *t, const char *workload,
		  const struct weft_peer *peer, struct weft_policy_verdict *out)
{
	char identity[64];

	snprintf(identity, sizeof(identity), "spiffe://td.test/%s", workload);
	weft_policy_check(weft_st_gen(t), workload, identity, peer, out);
}

/* @policy: the name of the one that decides, or "" for none. */
static bool is(struct weft_tables *t, bool want, const char *workload,
	       const char *peer, u16 port, const char *policy)
{
	struct weft_peer p = {
		.identity = peer,
		.ip = weft_st_addr("192.0.2.1", 0).ip,
		.port = port,
	};
	struct weft_policy_verdict v;

	check(t, workload, &p, &v);
	return v.allowed == want && !strcmp(name_of(v.policy), policy);
}

/* The same of who comes from @ip. */
static bool is_from(struct weft_tables *t, bool want, const char *peer,
		    const char *ip)
{
	struct weft_peer p = {
		.identity = peer,
		.ip = weft_st_addr(ip, 0).ip,
		.port = 80,
	};
	struct weft_policy_verdict v;

	check(t, "db", &p, &v);
	return v.allowed == want;
}

/* What AUDIT policy matches a call of port @port, whatever decides. */
static bool audits(struct weft_tables *t, const char *peer, u16 port,
		   const char *policy)
{
	struct weft_peer p = { .identity = peer, .port = port };
	struct weft_policy_verdict v;

	check(t, "db", &p, &v);
	return !strcmp(name_of(v.audit), policy);
}

#define EXPECT_ALLOWED(...)	WEFT_EXPECT(is(t, true, __VA_ARGS__))
#define EXPECT_DENIED(...)	WEFT_EXPECT(is(t, false, __VA_ARGS__))
#define EXPECT_LETS_IN(...)	WEFT_EXPECT(is_from(t, true, __VA_ARGS__))
#define EXPECT_KEEPS_OUT(...)	WEFT_EXPECT(is_from(t, false, __VA_ARGS__))

static const char *no_policy_allows(struct weft_tables *t)
{
	EXPECT_ALLOWED("db", WEB, 80, "");
	WEFT_EXPECT(weft_st_commit(t, weft_st_begin(t)));
	EXPECT_ALLOWED("db", WEB, 80, "");
	return NULL;
}

static const char *no_allow_policy_allows(struct weft_tables *t)
{
	WEFT_EXPECT(DENY("d", "db", { { BATCH } }));
	EXPECT_ALLOWED("db", WEB, 80, "");
	EXPECT_DENIED("db", BATCH, 80, "d");
	return NULL;
}

static const char *allow_that_does_not_match_denies(struct weft_tables *t)
{
	WEFT_EXPECT(ALLOW("a", "db", { { WEB } }));
	EXPECT_ALLOWED("db", WEB, 80, "a");
	EXPECT_DENIED("db", BATCH, 80, "");
	return NULL;
}

static const char *deny_wins_over_allow(struct weft_tables *t)
{
	WEFT_EXPECT(ALLOW("a", "db", { { WEB } }));
	WEFT_EXPECT(ALLOW("z", "db", { { WEB } }));
	WEFT_EXPECT(DENY("m", NULL, { { "spiffe://td.test/*" } }));
	EXPECT_DENIED("db", WEB, 80, "m");
	return NULL;
}

static const char *any_allow_that_matches_suffices(struct weft_tables *t)
{
	WEFT_EXPECT(ALLOW("a", "db", { { BATCH } }));
	WEFT_EXPECT(ALLOW("b", NULL, { { WEB } }));
	EXPECT_ALLOWED("db", WEB, 80, "b");
	EXPECT_ALLOWED("db", BATCH, 80, "a");
	EXPECT_DENIED("other", BATCH, 80, "");
	return NULL;
}

static const char *policy_of_another_workload_has_no_say(struct weft_tables *t)
{
	WEFT_EXPECT(ALLOW("a", "db", { { BATCH } }));
	WEFT_EXPECT(DENY("d", "db2", { {} }));
	EXPECT_ALLOWED("cache", WEB, 80, "");
	EXPECT_DENIED("db2", WEB, 80, "d");
	EXPECT_DENIED("db", WEB, 80, "");
	return NULL;
}

static const char *policy_without_rules_matches_nothing(struct weft_tables *t)
{
	WEFT_EXPECT(!weft_st_policy(t, 0, "d", WEFT_ACTION_DENY, "a", NULL, 0));
	WEFT_EXPECT(!weft_st_policy(t, 0, "a", WEFT_ACTION_ALLOW, "b", NULL,
				    0));
	EXPECT_ALLOWED("a", WEB, 80, "");
	EXPECT_DENIED("b", WEB, 80, "");
	return NULL;
}

static const char *empty_rule_matches_everybody(struct weft_tables *t)
{
	WEFT_EXPECT(DENY("d", "db", { {} }));
	EXPECT_DENIED("db", WEB, 80, "d");
	EXPECT_DENIED("db", NULL, 80, "d");
	return NULL;
}

static const char *ports_narrow_a_rule(struct weft_tables *t)
{
	WEFT_EXPECT(ALLOW("a", "db", { { WEB }, { 80, 81 } },
			  { { BATCH }, { 82 } }));
	EXPECT_ALLOWED("db", WEB, 80, "a");
	EXPECT_ALLOWED("db", WEB, 81, "a");
	EXPECT_DENIED("db", WEB, 82, "");
	EXPECT_ALLOWED("db", BATCH, 82, "a");
	EXPECT_DENIED("db", BATCH, 80, "");
	return NULL;
}

static const char *prefix_in_a_rule_ends_where_it_says(struct weft_tables *t)
{
	WEFT_EXPECT(ALLOW("a", "db", { { "spiffe://td.test/ns/a/*" } }));
	EXPECT_ALLOWED("db", "spiffe://td.test/ns/a/web", 80, "a");
	EXPECT_DENIED("db", "spiffe://td.test/ns/ab/web", 80, "");
	EXPECT_DENIED("db", "spiffe://td.test/ns/a", 80, "");
	EXPECT_DENIED("db", "spiffe://td.test.evil/ns/a/web", 80, "");
	return NULL;
}

static const char *plaintext_peer_matches_only_anybody(struct weft_tables *t)
{
	WEFT_EXPECT(ALLOW("a", "db", { { "*" } }, { {}, { 81 } }));
	EXPECT_ALLOWED("db", WEB, 80, "a");
	EXPECT_DENIED("db", NULL, 80, "");
	EXPECT_ALLOWED("db", NULL, 81, "a");
	return NULL;
}

static const char *network_narrows_a_rule(struct weft_tables *t)
{
	WEFT_EXPECT(ALLOW("a", "db", {
		{ WEB }, {}, { "10.1.0.0/16", "fd00:1::/32" } }));
	EXPECT_LETS_IN(WEB, "10.1.255.255");
	EXPECT_LETS_IN(WEB, "fd00:1::1");
	EXPECT_KEEPS_OUT(WEB, "10.2.0.0");
	EXPECT_KEEPS_OUT(WEB, "fd00:2::1");
	EXPECT_KEEPS_OUT(BATCH, "10.1.0.1");
	return NULL;
}

static const char *network_alone_asks_for_no_identity(struct weft_tables *t)
{
	WEFT_EXPECT(ALLOW("a", "db", { {}, {}, { "10.1.2.3/32" } }));
	EXPECT_LETS_IN(NULL, "10.1.2.3");
	EXPECT_LETS_IN(BATCH, "10.1.2.3");
	EXPECT_KEEPS_OUT(NULL, "10.1.2.2");
	return NULL;
}

static const char *all_of_ipv6_is_not_ipv4(struct weft_tables *t)
{
	WEFT_EXPECT(ALLOW("a", "db", { {}, {}, { "::/0" } }));
	EXPECT_LETS_IN(WEB, "2001:db8::1");
	EXPECT_KEEPS_OUT(WEB, "10.0.0.1");
	WEFT_EXPECT(ALLOW("b", "db", { {}, {}, { "0.0.0.0/0" } }));
	EXPECT_LETS_IN(WEB, "10.0.0.1");
	WEFT_EXPECT(DENY("c", "db", { {}, {}, { "0.0.0.0/0" } }));
	EXPECT_KEEPS_OUT(WEB, "10.0.0.1");
	EXPECT_LETS_IN(WEB, "2001:db8::1");
	return NULL;
}

static const char *network_has_no_bits_behind_it(struct weft_tables *t)
{
	struct weft_network n = weft_st_network("10.1.2.4/30");

	WEFT_EXPECT(!weft_network_wrong(&n));
	n.len--;
	WEFT_EXPECT(weft_network_wrong(&n));
	n = weft_st_network("fd00::/129");
	WEFT_EXPECT(weft_network_wrong(&n));
	n.len = 128;
	WEFT_EXPECT(!weft_network_wrong(&n));
	return NULL;
}

static const char *audit_decides_nothing(struct weft_tables *t)
{
	WEFT_EXPECT(AUDIT("x", "db", { { WEB } }));
	EXPECT_ALLOWED("db", BATCH, 80, "");
	EXPECT_ALLOWED("db", WEB, 80, "");
	WEFT_EXPECT(audits(t, WEB, 80, "x"));
	WEFT_EXPECT(audits(t, BATCH, 80, ""));
	WEFT_EXPECT(ALLOW("z", "db", { { WEB } }));
	EXPECT_ALLOWED("db", WEB, 80, "z");
	EXPECT_DENIED("db", BATCH, 80, "");
	return NULL;
}

static const char *audit_is_told_whatever_is_decided(struct weft_tables *t)
{
	WEFT_EXPECT(DENY("a", "db", { { WEB } }));
	WEFT_EXPECT(AUDIT("y", NULL, { {}, { 80 } }));
	WEFT_EXPECT(AUDIT("x", "db", { { WEB } }));
	WEFT_EXPECT(AUDIT("b", "other", { {} }));
	WEFT_EXPECT(audits(t, WEB, 80, "x"));
	WEFT_EXPECT(audits(t, BATCH, 80, "y"));
	WEFT_EXPECT(audits(t, BATCH, 81, ""));
	EXPECT_DENIED("db", WEB, 80, "a");
	return NULL;
}

static const struct weft_st_rule db_80 = { { "spiffe://td.test/db" }, { 80 } };

static const char *allow_of_a_scope_closes_just_that(struct weft_tables *t)
{
	WEFT_EXPECT(POLICY_FOR("a", WEFT_ACTION_ALLOW, &db_80, { { WEB } }));
	EXPECT_ALLOWED("db", WEB, 80, "a");
	EXPECT_DENIED("db", BATCH, 80, "");
	EXPECT_DENIED("db", NULL, 80, "");
	EXPECT_ALLOWED("db", BATCH, 81, "");
	EXPECT_ALLOWED("db2", BATCH, 80, "");
	EXPECT_ALLOWED("db", WEB, 81, "");
	return NULL;
}

static const char *deny_of_a_scope_denies_just_there(struct weft_tables *t)
{
	WEFT_EXPECT(POLICY_FOR("d", WEFT_ACTION_DENY, &db_80, {}));
	EXPECT_DENIED("db", WEB, 80, "d");
	EXPECT_ALLOWED("db", WEB, 81, "");
	EXPECT_ALLOWED("db2", WEB, 80, "");
	return NULL;
}

static const char *audit_of_a_scope_tells_just_there(struct weft_tables *t)
{
	static const struct weft_st_rule elsewhere = {
		{ "spiffe://td.test/elsewhere" } };

	WEFT_EXPECT(POLICY_FOR("x", WEFT_ACTION_AUDIT, &db_80, {}));
	WEFT_EXPECT(POLICY_FOR("a", WEFT_ACTION_AUDIT, &elsewhere, {}));
	WEFT_EXPECT(audits(t, WEB, 80, "x"));
	WEFT_EXPECT(audits(t, WEB, 81, ""));
	EXPECT_ALLOWED("db", WEB, 80, "");
	return NULL;
}

static const char *rule_narrows_a_scope_and_widens_none(struct weft_tables *t)
{
	static const struct weft_st_rule scope = {
		{ "spiffe://td.test/d*" }, { 80, 81 } };

	WEFT_EXPECT(POLICY_FOR("a", WEFT_ACTION_ALLOW, &scope,
			       { { WEB }, { 81, 82 } }));
	EXPECT_DENIED("db", WEB, 80, "");
	EXPECT_ALLOWED("db", WEB, 81, "a");
	EXPECT_ALLOWED("db2", WEB, 81, "a");
	EXPECT_DENIED("db2", BATCH, 81, "");
	EXPECT_ALLOWED("db", BATCH, 82, "");
	EXPECT_ALLOWED("cache", BATCH, 81, "");
	return NULL;
}

static const struct weft_claim claims[] = {
	WEFT_CLAIM(no_policy_allows),
	WEFT_CLAIM(no_allow_policy_allows),
	WEFT_CLAIM(allow_that_does_not_match_denies),
	WEFT_CLAIM(deny_wins_over_allow),
	WEFT_CLAIM(any_allow_that_matches_suffices),
	WEFT_CLAIM(policy_of_another_workload_has_no_say),
	WEFT_CLAIM(policy_without_rules_matches_nothing),
	WEFT_CLAIM(empty_rule_matches_everybody),
	WEFT_CLAIM(ports_narrow_a_rule),
	WEFT_CLAIM(prefix_in_a_rule_ends_where_it_says),
	WEFT_CLAIM(plaintext_peer_matches_only_anybody),
	WEFT_CLAIM(network_narrows_a_rule),
	WEFT_CLAIM(network_alone_asks_for_no_identity),
	WEFT_CLAIM(all_of_ipv6_is_not_ipv4),
	WEFT_CLAIM(network_has_no_bits_behind_it),
	WEFT_CLAIM(audit_decides_nothing),
	WEFT_CLAIM(audit_is_told_whatever_is_decided),
	WEFT_CLAIM(allow_of_a_scope_closes_just_that),
	WEFT_CLAIM(deny_of_a_scope_denies_just_there),
	WEFT_CLAIM(audit_of_a_scope_tells_just_there),
	WEFT_CLAIM(rule_narrows_a_scope_and_widens_none),
};

WEFT_CLAIMS(weft_claims_policy, claims);
