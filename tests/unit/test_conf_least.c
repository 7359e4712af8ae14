// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The least policies: what they say, and that they are documents which say no more.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/name.h"
#include "conf/conf.h"
#include "conf/least.h"
#include "nl/nl_wire.h"

#define ID(path) "spiffe://mesh.local/" path
#define SEC UINT64_C(1000000)
#define NOON (UINT64_C(1795780800) * SEC) /* 2026-11-27 12:00:00 UTC */

static struct weft_flows flows;
static struct weft_strv only, workloads;
static struct weft_least least;
static struct weft_error err;
static char *text;
static struct weft_conf *conf;

static int setup(void **state)
{
	least = (struct weft_least){ .flows = &flows, .only = &only, .since = NOON - 3600 * SEC,
				     .until = NOON };
	return 0;
}

static void forget_text(void)
{
	free(text);
	text = NULL;
	weft_conf_destroy(conf);
	conf = NULL;
}

static int teardown(void **state)
{
	forget_text();
	weft_flows_uninit(&flows);
	weft_strv_uninit(&only);
	weft_strv_uninit(&workloads);
	return 0;
}

static void record(const char *verdict, const char *workload, const char *peer, const char *ip,
		   unsigned int port)
{
	char local[64], remote[64];
	const char *const fields[WEFT_FLOW_FIELDS] = {
		verdict, peer ? "policy-denied" : strcmp(verdict, "failed") ? "policy-denied" : "plaintext",
		"server", workload, NULL, peer, local, remote,
	};

	snprintf(local, sizeof(local), "10.0.0.2:%u", port);
	snprintf(remote, sizeof(remote), strchr(ip, ':') ? "[%s]:40000" : "%s:40000", ip);
	assert_int_equal(weft_flows_take(&flows, fields, NOON - 60 * SEC + flows.records, &err), 0);
}

static void let_in(const char *workload, const char *peer, unsigned int port)
{
	record("live", workload, peer, "10.0.0.1", port);
}

static void plaintext(const char *workload, const char *ip, unsigned int port)
{
	record("pass", workload, NULL, ip, port);
}

static int make(void)
{
	size_t len;
	FILE *f;
	int r;

	forget_text();
	weft_flows_sort(&flows);
	f = open_memstream(&text, &len);
	assert_non_null(f);
	r = weft_least_write(&least, f, &err);
	fclose(f);
	return r;
}

/* What the loader makes of it, with the workloads that it names. */
static void parse(const char *const *names)
{
	char *all = NULL;
	size_t len;
	FILE *f = open_memstream(&all, &len);

	for (; *names; names++)
		fprintf(f, "---\napiVersion: weft/v1\nkind: Workload\nmetadata: {name: \"%s\"}\n"
			   "spec: {selectors: [{uid: 1}]}\n", *names);
	fputs(text, f);
	fclose(f);
	if (weft_conf_parse("least.yaml", all, len, "mesh.local", &conf, &err))
		fail_msg("%s:\n%s", err.text, all);
	free(all);
}

static void same_ports_share_a_rule(void **state)
{
	let_in("web", ID("till"), 81);
	let_in("web", ID("cart"), 80);
	let_in("web", ID("cart"), 80);
	let_in("web", ID("till"), 80);
	let_in("web", ID("bank"), 80);
	plaintext("web", "10.0.0.9", 9100);
	plaintext("web", "fd00::9", 9100);
	let_in("db", ID("web"), 5432);
	assert_int_equal(make(), 0);
	assert_string_equal(
		text,
		"# weftctl suggest: the least that lets in what was let in.\n"
		"# From 2026-11-27 11:00:00 UTC to 2026-11-27 12:00:00 UTC: 8 connections\n"
		"# (7 different) to 2 workloads. Whoever was not seen in that time would be\n"
		"# refused, also at other ports. ALLOW policies that are there already go on\n"
		"# letting in what they do.\n"
		"# Those that were opened before are not known, also if they are still open.\n"
		"---\n"
		"apiVersion: weft/v1\n"
		"kind: AuthorizationPolicy\n"
		"metadata: {name: suggest.db}\n"
		"spec:\n"
		"  action: ALLOW\n"
		"  workload: \"db\"\n"
		"  rules:\n"
		"  - from:\n"
		"      identities:\n"
		"      - \"spiffe://mesh.local/web\"  # 1 time, last 2026-11-27 11:59:00 UTC\n"
		"    to: {ports: [5432]}\n"
		"---\n"
		"apiVersion: weft/v1\n"
		"kind: AuthorizationPolicy\n"
		"metadata: {name: suggest.web}\n"
		"spec:\n"
		"  action: ALLOW\n"
		"  workload: \"web\"\n"
		"  rules:\n"
		"  - from:\n"
		"      identities:\n"
		"      - \"spiffe://mesh.local/bank\"  # 1 time, last 2026-11-27 11:59:00 UTC\n"
		"      - \"spiffe://mesh.local/cart\"  # 2 times, last 2026-11-27 11:59:00 UTC\n"
		"    to: {ports: [80]}\n"
		"  - from:\n"
		"      identities:\n"
		"      - \"spiffe://mesh.local/till\"  # 2 times, last 2026-11-27 11:59:00 UTC\n"
		"    to: {ports: [80, 81]}\n"
		"  # Plaintext: whoever comes from there, and under any identity; also when\n"
		"  # the port is strict.\n"
		"  - from:\n"
		"      ipBlocks:\n"
		"      - \"10.0.0.9/32\"  # plaintext, 1 time, last 2026-11-27 11:59:00 UTC\n"
		"      - \"fd00::9/128\"  # plaintext, 1 time, last 2026-11-27 11:59:00 UTC\n"
		"    to: {ports: [9100]}\n");
	parse((const char *const[]){ "web", "db", NULL });
	assert_int_equal(conf->n_policies, 2);
	assert_int_equal(conf->policies[1].object.n_rules, 3);
}

static void what_is_not_known_is_said(void **state)
{
	let_in("web", ID("cart"), 80);
	flows.begins = least.since;
	least.open = true;
	assert_int_equal(make(), 0);
	assert_non_null(strstr(text, "# Those that were opened before and are still open are among "
				     "them.\n---\n"));
	flows.begins = least.since + 60 * SEC;
	least.open = false;
	assert_int_equal(make(), 0);
	assert_non_null(strstr(text, "# Those that were opened before are not known, also if they are "
				     "still open.\n# The journal begins at 2026-11-27 11:01:00 UTC: what "
				     "was before is not known.\n---\n"));
}

static void order_of_records_does_not_matter(void **state)
{
	char *first;

	let_in("web", ID("a"), 80);
	let_in("web", ID("b"), 80);
	let_in("db", ID("web"), 5432);
	assert_int_equal(make(), 0);
	first = strdup(text);
	weft_flows_uninit(&flows);
	let_in("db", ID("web"), 5432);
	let_in("web", ID("b"), 80);
	let_in("web", ID("a"), 80);
	assert_int_equal(make(), 0);
	assert_string_equal(text, first);
	free(first);
}

static void an_identity_of_many_addresses_is_one(void **state)
{
	record("live", "web", ID("cart"), "10.0.0.1", 80);
	record("live", "web", ID("cart"), "10.0.0.5", 81);
	record("live", "web", ID("cart"), "10.0.0.7", 80);
	assert_int_equal(make(), 0);
	assert_non_null(strstr(text, "cart\"  # 3 times"));
	assert_non_null(strstr(text, "    to: {ports: [80, 81]}\n"));
	parse((const char *const[]){ "web", NULL });
	assert_int_equal(conf->policies[0].object.n_rules, 1);
	assert_int_equal(conf->policies[0].object.rules[0].identities.count, 1);
}

static void what_was_refused_is_left_out_unless_asked_for(void **state)
{
	let_in("web", ID("cart"), 80);
	record("denied", "web", ID("evil"), "10.0.0.1", 80);
	record("denied", "web", NULL, "10.0.0.66", 9100);
	record("failed", "web", NULL, "10.0.0.67", 80); /* a strict port */
	let_in("web", ID("fired"), 80);
	record("closed", "web", ID("fired"), "10.0.0.1", 80);
	assert_int_equal(make(), 0);
	assert_null(strstr(text, "evil"));
	assert_null(strstr(text, "fired"));
	assert_null(strstr(text, "10.0.0.6"));
	assert_non_null(strstr(text, "# Left out: 3 that were refused; --refused has them.\n"));
	assert_non_null(strstr(text, "# Left out: 1 in plaintext at strict ports"));
	least.refused = true;
	assert_int_equal(make(), 0);
	assert_non_null(strstr(text, "the least that lets in what asked"));
	assert_non_null(strstr(text, "evil"));
	assert_non_null(strstr(text, "fired"));
	assert_non_null(strstr(text, "10.0.0.66/32"));
	assert_null(strstr(text, "10.0.0.67"));
}

static void revoked_peers_are_never_let_in(void **state)
{
	const char *const revoked[WEFT_FLOW_FIELDS] = { "closed", "revoked", "server", "web", NULL, ID("thief"),
					"10.0.0.2:80", "10.0.0.1:40000" };

	let_in("web", ID("cart"), 80);
	let_in("web", ID("thief"), 80);
	assert_int_equal(weft_flows_take(&flows, revoked, NOON, &err), 0);
	for (int i = 0; i < 2; i++) {
		least.refused = i;
		assert_int_equal(make(), 0);
		assert_non_null(strstr(text, "cart"));
		assert_null(strstr(text, "thief"));
		assert_null(strstr(text, "--refused has them"));
		assert_non_null(strstr(text, "# Left out: 1 of peers that are revoked.\n"));
	}
}

static void only_what_arrives_is_spoken_of(void **state)
{
	static const char *const client[WEFT_FLOW_FIELDS] = { "live", "none", "client", "web", "db", ID("db"),
					      "10.0.0.2:4000", "10.0.0.3:5432" };

	assert_int_equal(weft_flows_take(&flows, client, NOON, &err), 0);
	assert_int_equal(make(), -ENODATA);
	assert_string_equal(text, "");
	let_in("web", ID("cart"), 80);
	assert_int_equal(make(), 0);
	assert_null(strstr(text, "5432"));
}

static void only_these_workloads_and_those_with_documents(void **state)
{
	let_in("web", ID("a"), 80);
	let_in("db", ID("b"), 80);
	let_in("gone", ID("c"), 80);
	let_in("gone", ID("d"), 80);
	assert_int_equal(weft_strv_add(&workloads, "web"), 0);
	assert_int_equal(weft_strv_add(&workloads, "db"), 0);
	least.workloads = &workloads;
	assert_int_equal(make(), 0);
	assert_null(strstr(text, "suggest.gone"));
	assert_non_null(strstr(text, "# Left out: 2 of workload gone, which no document (now) describes.\n"));
	assert_non_null(strstr(text, ": 2 connections\n"));
	parse((const char *const[]){ "web", "db", NULL });
	assert_int_equal(weft_strv_add(&only, "db"), 0);
	assert_int_equal(make(), 0);
	assert_null(strstr(text, "suggest.web"));
	assert_null(strstr(text, "gone"));
	assert_non_null(strstr(text, "suggest.db"));
}

/* Does a policy of the documents let @identity in at @port? */
static bool lets_in(const char *identity, unsigned int port)
{
	for (size_t i = 0; i < conf->n_policies; i++)
		for (size_t k = 0; k < conf->policies[i].object.n_rules; k++) {
			const struct weft_nl_rule *rule = &conf->policies[i].object.rules[k];

			for (size_t n = 0; n < rule->n_ports; n++)
				if (rule->ports[n] == port &&
				    weft_strv_contains(&rule->identities, identity))
					return true;
		}
	return false;
}

static void limits_of_the_interface_make_more_rules_and_policies(void **state)
{
	unsigned int i, port;
	char id[64];

	/* 200 identities of the same port; one of 150 ports; 70 of a port each */
	for (i = 0; i < 200; i++) {
		snprintf(id, sizeof(id), ID("same/%u"), i);
		let_in("web", id, 80);
	}
	for (port = 1000; port < 1150; port++)
		let_in("web", ID("wide"), port);
	for (i = 0; i < 70; i++) {
		snprintf(id, sizeof(id), ID("own/%u"), i);
		let_in("web", id, 2000 + i);
	}
	assert_int_equal(make(), 0);
	parse((const char *const[]){ "web", NULL });
	assert_int_equal(conf->n_policies, 2);
	assert_non_null(weft_conf_find_policy(conf, "suggest.web"));
	assert_non_null(weft_conf_find_policy(conf, "suggest-2.web"));
	for (i = 0; i < flows.count; i++)
		assert_true(lets_in(flows.items[i]->peer_identity, flows.items[i]->port));
	assert_false(lets_in(ID("own/1"), 2000));
	assert_false(lets_in(ID("wide"), 80));
	assert_false(lets_in(ID("same/1"), 1000));
}

/* Each policy of the documents is a message that can be sent. */
static void assert_fits(void)
{
	for (size_t i = 0; i < conf->n_policies; i++) {
		struct nl_msg *msg = nlmsg_alloc_size(WEFT_NL_ROOM_OBJECT);

		assert_non_null(msg);
		assert_int_equal(weft_nl_policy_put(msg, &conf->policies[i].object), 0);
		nlmsg_free(msg);
	}
}

static void size_of_a_message_makes_more_rules_and_policies(void **state)
{
	char id[WEFT_IDENTITY_MAX + 1], ip[32];
	unsigned int i, k;

	/* 80 of 1200 bytes at one port; 64 addresses at each of 64 ports */
	for (i = 0; i < 80; i++) {
		memset(id, 'x', sizeof(id));
		memcpy(id, ID(""), strlen(ID("")));
		snprintf(id + 1200, sizeof(id) - 1200, "%u", i);
		let_in("web", id, 80);
	}
	for (i = 0; i < 64; i++)
		for (k = 0; k < 64; k++) {
			snprintf(ip, sizeof(ip), "10.1.%u.%u", i, k);
			plaintext("db", ip, 2000 + i);
		}
	assert_int_equal(make(), 0);
	parse((const char *const[]){ "web", "db", NULL });
	assert_int_equal(conf->n_policies, 2 + 3);
	assert_fits();
	for (i = 0; i < flows.count; i++)
		if (flows.items[i]->peer_identity)
			assert_true(lets_in(flows.items[i]->peer_identity, 80));
	for (i = k = 0; i < conf->n_policies; i++)
		for (size_t n = 0; n < conf->policies[i].object.n_rules; n++)
			k += conf->policies[i].object.rules[n].n_networks;
	assert_int_equal(k, 64 * 64);
}

static void long_name_of_a_workload_is_said(void **state)
{
	char name[254];

	for (size_t i = 0; i < sizeof(name); i++)
		name[i] = i % 60 == 59 ? '.' : 'a';
	name[250] = '\0';
	assert_null(weft_name_problem(name));
	let_in(name, ID("a"), 80);
	assert_int_equal(make(), -ENAMETOOLONG);
	assert_non_null(strstr(err.text, "policy \"suggest.\" and its name is longer than 253"));
	assert_string_equal(text, "");
}

#define LEAST_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LEAST_TEST(same_ports_share_a_rule),
		LEAST_TEST(what_is_not_known_is_said),
		LEAST_TEST(order_of_records_does_not_matter),
		LEAST_TEST(an_identity_of_many_addresses_is_one),
		LEAST_TEST(what_was_refused_is_left_out_unless_asked_for),
		LEAST_TEST(revoked_peers_are_never_let_in),
		LEAST_TEST(only_what_arrives_is_spoken_of),
		LEAST_TEST(only_these_workloads_and_those_with_documents),
		LEAST_TEST(limits_of_the_interface_make_more_rules_and_policies),
		LEAST_TEST(size_of_a_message_makes_more_rules_and_policies),
		LEAST_TEST(long_name_of_a_workload_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
