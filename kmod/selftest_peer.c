// SPDX-License-Identifier: GPL-2.0
/*
 * Self-tests: which addresses the registry of peers has, by which peer, and
 * what that means to plaintext.
 */
#include <linux/kernel.h>
#include "generation_priv.h"
#include "selftest.h"

#define WEB	"spiffe://td.test/web"

#define NETWORKS(...)	((const char * const []){ __VA_ARGS__, NULL })
#define PEER(name, ...) \
	(!weft_st_peer(t, 0, name, NETWORKS(__VA_ARGS__), NULL))

/* Whose address @ip is; "": nobody's. */
static const char *who(struct weft_tables *t, const char *ip)
{
	const struct weft_gen *gen = weft_st_gen(t);
	struct weft_addr a = weft_st_addr(ip, 0);
	const struct weft_mesh_peer *by;

	if (!gen)		/* nothing was ever committed */
		return "";
	by = weft_registry_find(&gen->registry, &a.ip);
	return by ? by->name : "";
}

#define EXPECT_PEER(ip, name)	WEFT_EXPECT(!strcmp(who(t, ip), name))
#define EXPECT_NOBODY(ip)	EXPECT_PEER(ip, "")

static const char *no_peer_is_nobody(struct weft_tables *t)
{
	WEFT_EXPECT(weft_st_commit(t, weft_st_begin(t)));
	WEFT_EXPECT(!weft_st_gen(t)->registry.n);
	EXPECT_NOBODY("10.0.0.1");
	EXPECT_NOBODY("fd00::1");
	return NULL;
}

static const char *registered_prefix_ends_where_it_says(struct weft_tables *t)
{
	WEFT_EXPECT(PEER("p", "10.77.0.0/24", "fd00:77::/64", "192.0.2.7/32"));
	EXPECT_PEER("10.77.0.0", "p");
	EXPECT_PEER("10.77.0.255", "p");
	EXPECT_NOBODY("10.76.255.255");
	EXPECT_NOBODY("10.77.1.0");
	EXPECT_PEER("fd00:77::", "p");
	EXPECT_PEER("fd00:77::ffff:ffff:ffff:ffff", "p");
	EXPECT_NOBODY("fd00:77:0:1::");
	EXPECT_NOBODY("fd00:76:ffff:ffff:ffff:ffff:ffff:ffff");
	EXPECT_PEER("192.0.2.7", "p");
	EXPECT_NOBODY("192.0.2.6");
	EXPECT_NOBODY("192.0.2.8");
	return NULL;
}

static const char *ipv4_is_the_same_v4_mapped(struct weft_tables *t)
{
	WEFT_EXPECT(PEER("p", "10.77.0.0/24"));
	EXPECT_PEER("::ffff:10.77.0.9", "p");
	EXPECT_NOBODY("::ffff:10.78.0.9");
	return NULL;
}

static const char *all_of_one_family_is_not_the_other(struct weft_tables *t)
{
	WEFT_EXPECT(PEER("six", "::/0"));
	EXPECT_PEER("fd00::1", "six");
	EXPECT_PEER("::1", "six");
	EXPECT_PEER("ffff:ffff::", "six");
	EXPECT_NOBODY("10.0.0.1");
	WEFT_EXPECT(PEER("four", "0.0.0.0/0"));
	EXPECT_PEER("10.0.0.1", "four");
	EXPECT_PEER("255.255.255.255", "four");
	EXPECT_PEER("fd00::1", "six");
	WEFT_EXPECT(!weft_tables_del(t, WEFT_KIND_PEER, "six", NULL));
	EXPECT_NOBODY("fd00::1");
	EXPECT_PEER("0.0.0.0", "four");
	return NULL;
}

/* What lies in another hides nothing that comes behind it. */
static const char *nested_prefixes_count_as_the_outer(struct weft_tables *t)
{
	WEFT_EXPECT(PEER("a", "10.1.2.0/24", "10.1.0.0/32", "10.2.0.0/16"));
	EXPECT_PEER("10.1.0.0", "a");
	EXPECT_NOBODY("10.1.9.9");
	WEFT_EXPECT(PEER("b", "10.1.0.0/16", "10.1.2.3/32"));
	EXPECT_PEER("10.1.2.3", "b");
	EXPECT_PEER("10.1.2.9", "b");
	EXPECT_PEER("10.1.0.0", "b");
	EXPECT_PEER("10.1.9.9", "b");
	EXPECT_PEER("10.2.9.9", "a");
	EXPECT_NOBODY("10.3.0.0");
	WEFT_EXPECT(weft_st_gen(t)->registry.n == 2);
	WEFT_EXPECT(!weft_tables_del(t, WEFT_KIND_PEER, "b", NULL));
	EXPECT_PEER("10.1.2.3", "a");
	EXPECT_NOBODY("10.1.9.9");
	return NULL;
}

static const char *of_equal_prefixes_the_first_by_name(struct weft_tables *t)
{
	WEFT_EXPECT(PEER("b", "10.1.0.0/16"));
	WEFT_EXPECT(PEER("a", "10.1.0.0/16"));
	EXPECT_PEER("10.1.0.1", "a");
	WEFT_EXPECT(!weft_tables_del(t, WEFT_KIND_PEER, "a", NULL));
	EXPECT_PEER("10.1.0.1", "b");
	return NULL;
}

static const char *static_peer_is_for_the_daemons(struct weft_tables *t)
{
	u32 txn = weft_st_begin(t);

	WEFT_EXPECT(!weft_st_peer(t, txn, "p", NETWORKS("10.1.0.0/16"), NULL));
	WEFT_EXPECT(!weft_st_peer(t, txn, "q", NETWORKS("10.2.0.0/16"), NULL));
	EXPECT_NOBODY("10.1.0.1");	/* staged only */
	WEFT_EXPECT(weft_st_commit(t, txn));
	EXPECT_PEER("10.1.0.1", "p");
	WEFT_EXPECT(weft_st_peer(t, 0, "p", NETWORKS("10.3.0.0/16"), NULL) ==
		    -EEXIST);
	WEFT_EXPECT(weft_tables_del(t, WEFT_KIND_PEER, "p", NULL) == -EPERM);
	WEFT_EXPECT(weft_st_commit(t, weft_st_begin(t)));
	EXPECT_NOBODY("10.1.0.1");
	WEFT_EXPECT(PEER("p", "10.3.0.0/16"));
	txn = weft_st_begin(t);
	WEFT_EXPECT(!weft_st_peer(t, txn, "p", NETWORKS("10.1.0.0/16"), NULL));
	WEFT_EXPECT(weft_st_commit(t, txn));
	WEFT_EXPECT(weft_st_gen(t)->shadowed == 1);
	/* the object is hidden, what it says is not */
	EXPECT_PEER("10.1.0.1", "p");
	EXPECT_PEER("10.3.0.1", "p");
	WEFT_EXPECT(!weft_tables_del(t, WEFT_KIND_PEER, "p", NULL));
	EXPECT_PEER("10.1.0.1", "p");
	EXPECT_NOBODY("10.3.0.1");
	return NULL;
}

#define PEERS	100
#define EACH	32
#define STEP	(256 / EACH)

/* 10.@block.248.0/32, 10.@block.240.0/32 and so on: not as they are sorted. */
static int many(struct weft_tables *t, u32 txn, unsigned int block)
{
	char texts[EACH][24], name[16];
	const char *networks[EACH + 1];
	unsigned int i;

	for (i = 0; i < EACH; i++) {
		snprintf(texts[i], sizeof(texts[i]), "10.%u.%u.0/32", block,
			 STEP * (EACH - 1 - i));
		networks[i] = texts[i];
	}
	networks[i] = NULL;
	snprintf(name, sizeof(name), "p%u", block);
	return weft_st_peer(t, txn, name, networks, NULL);
}

static const char *each_of_many_is_found(struct weft_tables *t)
{
	u32 txn = weft_st_begin(t);
	char ip[24], name[16];
	unsigned int i;

	for (i = 0; i < PEERS; i++)
		WEFT_EXPECT(!many(t, txn, i));
	WEFT_EXPECT(weft_st_commit(t, txn));
	WEFT_EXPECT(weft_st_gen(t)->registry.n == PEERS * EACH);
	for (i = 0; i < PEERS * 256; i++) {
		snprintf(ip, sizeof(ip), "10.%u.%u.0", i / 256, i % 256);
		snprintf(name, sizeof(name), "p%u", i / 256);
		EXPECT_PEER(ip, i % STEP ? "" : name);
	}
	return NULL;
}

static const char *too_many_peers_change_nothing(struct weft_tables *t)
{
	u32 txn = weft_st_begin(t);
	char name[16];
	unsigned int i;

	for (i = 0; i < WEFT_PEERS_MAX; i++) {
		snprintf(name, sizeof(name), "p%u", i);
		WEFT_EXPECT(!weft_st_peer(t, txn, name,
					  NETWORKS("10.0.0.0/8"), NULL));
	}
	WEFT_EXPECT(weft_st_peer(t, txn, "one", NETWORKS("fd00::/8"), NULL) ==
		    -ENOSPC);
	WEFT_EXPECT(weft_st_commit(t, txn));
	WEFT_EXPECT(weft_st_peer(t, 0, "one", NETWORKS("fd00::/8"), NULL) ==
		    -ENOSPC);
	EXPECT_PEER("10.0.0.1", "p0");
	EXPECT_NOBODY("fd00::1");
	return NULL;
}

/* What is said against @identity (NULL: plaintext) from @ip at "db". */
static u8 judge(struct weft_tables *t, const char *identity, const char *ip,
		u16 port, const char **by)
{
	struct weft_peer peer = {
		.identity = identity,
		.ip = weft_st_addr(ip, 0).ip,
		.port = port,
	};
	struct weft_policy_verdict v = {};
	u8 reason = weft_policy_judge(weft_st_gen(t), "db", &peer, &v);

	*by = v.registered ? v.registered->name : "";
	return reason;
}

static bool is(struct weft_tables *t, u8 reason, const char *identity,
	       const char *ip, u16 port, const char *registered)
{
	const char *by;

	return judge(t, identity, ip, port, &by) == reason &&
	       !strcmp(by, registered);
}

#define EXPECT_REFUSED(...) \
	WEFT_EXPECT(is(t, WEFT_REASON_PLAINTEXT, __VA_ARGS__))
#define EXPECT_TAKEN(...) \
	WEFT_EXPECT(is(t, WEFT_REASON_NONE, __VA_ARGS__))

static const char *plaintext_of_a_peer_is_refused(struct weft_tables *t)
{
	static const struct weft_port_mode ports[] = {
		{ .port = 81, .mode = WEFT_MODE_STRICT },
		{ .port = 82, .mode = WEFT_MODE_DISABLED }, {} };

	WEFT_EXPECT(!weft_st_workload_mode(t, "db", WEFT_MODE_PERMISSIVE,
					   ports));
	EXPECT_TAKEN(NULL, "10.0.0.1", 80, "");
	WEFT_EXPECT(PEER("p", "10.0.0.0/8"));
	EXPECT_REFUSED(NULL, "10.0.0.1", 80, "p");
	EXPECT_TAKEN(NULL, "11.0.0.1", 80, "");
	EXPECT_TAKEN(WEB, "10.0.0.1", 80, "");
	EXPECT_REFUSED(NULL, "10.0.0.1", 81, "");	/* the mode does */
	EXPECT_REFUSED(NULL, "11.0.0.1", 81, "");
	EXPECT_TAKEN(NULL, "10.0.0.1", 82, "");
	WEFT_EXPECT(!weft_tables_del(t, WEFT_KIND_PEER, "p", NULL));
	EXPECT_TAKEN(NULL, "10.0.0.1", 80, "");
	return NULL;
}

/* Who is in no mesh here takes what comes. */
static const char *registry_is_for_workloads(struct weft_tables *t)
{
	WEFT_EXPECT(PEER("p", "10.0.0.0/8"));
	EXPECT_TAKEN(NULL, "10.0.0.1", 80, "");
	return NULL;
}

static const char *registry_goes_before_policies(struct weft_tables *t)
{
	static const struct weft_port_mode none[] = { {} };
	static const struct weft_st_rule anybody;

	WEFT_EXPECT(!weft_st_workload_mode(t, "db", WEFT_MODE_PERMISSIVE,
					   none));
	WEFT_EXPECT(!weft_st_policy(t, 0, "all", WEFT_ACTION_ALLOW, "db",
				    &anybody, 1));
	EXPECT_TAKEN(NULL, "10.0.0.1", 80, "");
	WEFT_EXPECT(PEER("p", "10.0.0.0/8"));
	EXPECT_REFUSED(NULL, "10.0.0.1", 80, "p");
	WEFT_EXPECT(!weft_tables_del(t, WEFT_KIND_POLICY, "all", NULL));
	WEFT_EXPECT(!weft_st_policy(t, 0, "no", WEFT_ACTION_DENY, "db",
				    &anybody, 1));
	/* it proves nobody: policies are asked of all others */
	WEFT_EXPECT(is(t, WEFT_REASON_POLICY_DENIED, WEB, "10.0.0.1", 80, ""));
	EXPECT_REFUSED(NULL, "10.0.0.1", 80, "p");
	return NULL;
}

static const struct weft_claim claims[] = {
	WEFT_CLAIM(no_peer_is_nobody),
	WEFT_CLAIM(registered_prefix_ends_where_it_says),
	WEFT_CLAIM(ipv4_is_the_same_v4_mapped),
	WEFT_CLAIM(all_of_one_family_is_not_the_other),
	WEFT_CLAIM(nested_prefixes_count_as_the_outer),
	WEFT_CLAIM(of_equal_prefixes_the_first_by_name),
	WEFT_CLAIM(static_peer_is_for_the_daemons),
	WEFT_CLAIM(each_of_many_is_found),
	WEFT_CLAIM(too_many_peers_change_nothing),
	WEFT_CLAIM(plaintext_of_a_peer_is_refused),
	WEFT_CLAIM(registry_is_for_workloads),
	WEFT_CLAIM(registry_goes_before_policies),
};

WEFT_CLAIMS(weft_claims_peer, claims);
