// SPDX-License-Identifier: GPL-2.0
/*
 * Self-tests: the order of evaluation of policies, prefixes and ports.
 */
#include <linux/kernel.h>
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

/* Name of the policy that decides, or "" for none; *@allowed: how. */
static const char *verdict(struct weft_tables *t, const char *workload,
			   const char *peer, u16 port, bool *allowed)
{
	struct weft_policy_verdict v;

	weft_policy_check(weft_st_gen(t), workload, peer, port, &v);
	*allowed = v.allowed;
	return v.policy ? v.policy->name : "";
}

static bool is(struct weft_tables *t, bool want, const char *workload,
	       const char *peer, u16 port, const char *policy)
{
	bool allowed;

	return !strcmp(verdict(t, workload, peer, port, &allowed), policy) &&
	       allowed == want;
}

#define EXPECT_ALLOWED(...)	WEFT_EXPECT(is(t, true, __VA_ARGS__))
#define EXPECT_DENIED(...)	WEFT_EXPECT(is(t, false, __VA_ARGS__))

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
};

WEFT_CLAIMS(weft_claims_policy, claims);
