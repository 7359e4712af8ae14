// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What changed between two configurations, line by line.
 */
#include "conf_text.h"

static void add_line(const char *line, void *data)
{
	assert_int_equal(weft_strv_add(data, line), 0);
}

/* @expected: lines, each with its '\n'. */
static void assert_diff(const struct weft_conf *old, const struct weft_conf *now,
			const char *expected)
{
	struct weft_strv lines = { 0 };
	_cleanup_free_ char *text = NULL;
	int n = weft_conf_diff(old, now, add_line, &lines);

	assert_int_equal(n, lines.count);
	assert_int_equal(weft_strv_add(&lines, ""), 0);
	text = weft_strv_join(&lines, "\n");
	assert_non_null(text);
	assert_string_equal(text, expected);
	weft_strv_uninit(&lines);
}

static void assert_text_diff(const char *old, const char *now, const char *expected)
{
	_cleanup_conf_ struct weft_conf *a = conf_of(old), *b = conf_of(now);

	assert_diff(a, b, expected);
}

static void first_configuration_is_all_added(void **state)
{
	_cleanup_conf_ struct weft_conf *conf = conf_of(SERVICE("b", "{ports: [{port: 80}]}")
							SERVICE("a", "{ports: [{port: 80}]}")
							POLICY("p", "{}")
							WORKLOAD("w", "{selectors: [{uid: 0}]}"));

	assert_diff(NULL, conf, "workload w added\nservice a added\nservice b added\n"
				"policy p added\n");
}

static void same_is_no_difference(void **state)
{
	assert_text_diff("", "", "");
	assert_text_diff(SERVICE("a", "{ports: [{port: 80}], endpoints: [{address: 10.0.0.1}]}"),
			 SERVICE("a", "{ports: [{port: 80}], endpoints: [{address: 10.0.0.1, "
				      "weight: 1}]}"),
			 "");
}

static void order_is_no_difference(void **state)
{
	assert_text_diff(
		SERVICE("a", "{ports: [{port: 80}, {port: 81}], identities: [x, y], "
			     "endpoints: [{address: 10.0.0.1}, {address: 10.0.0.2}]}")
		POLICY("p", "{rules: [{to: {ports: [1, 2]}}, {from: {identities: [x, y]}}]}"),
		POLICY("p", "{rules: [{from: {identities: [y, x]}}, {to: {ports: [2, 1]}}]}")
		SERVICE("a", "{ports: [{port: 81}, {port: 80}], identities: [y, x], "
			     "endpoints: [{address: 10.0.0.2}, {address: 10.0.0.1}]}"),
		"");
}

static void objects_come_and_go(void **state)
{
	assert_text_diff(SERVICE("a", "{ports: [{port: 1}]}") SERVICE("c", "{ports: [{port: 1}]}"),
			 SERVICE("b", "{ports: [{port: 1}]}") SERVICE("c", "{ports: [{port: 1}]}"),
			 "service a removed\nservice b added\n");
}

static void items_come_and_go(void **state)
{
	assert_text_diff(
		SERVICE("web", "{addresses: [240.0.0.1], ports: [{port: 80}], identities: [a], "
			       "endpoints: [{address: 10.0.0.1, port: 80}]}"),
		SERVICE("web", "{addresses: [240.0.0.2], ports: [{port: 81}], identities: [b], "
			       "endpoints: [{address: 10.0.0.2, port: 80}, {address: fd00::1}]}"),
		"service web: address 240.0.0.1 removed\n"
		"service web: address 240.0.0.2 added\n"
		"service web: port 80 removed\n"
		"service web: port 81 added\n"
		"service web: endpoint 10.0.0.1:80 removed\n"
		"service web: endpoint 10.0.0.2:80 added\n"
		"service web: endpoint fd00::1 added\n"
		"service web: identity spiffe://example.org/a removed\n"
		"service web: identity spiffe://example.org/b added\n");
}

static void values_change(void **state)
{
	assert_text_diff(
		SERVICE("web", "{ports: [{port: 80}], endpoints: [{address: 10.0.0.1}]}")
		WORKLOAD("w", "{selectors: [{uid: 0}], ports: [{port: 25, mode: disabled}]}")
		POLICY("p", "{workload: w}"),
		SERVICE("web", "{ports: [{port: 80, targetPort: 8080}], connectTimeout: 1500ms, "
			       "endpoints: [{address: 10.0.0.1, weight: 5}]}")
		WORKLOAD("w", "{selectors: [{uid: 0}], mode: permissive, identity: x/w, "
			      "ports: [{port: 25, mode: strict}]}")
		POLICY("p", "{action: DENY}"),
		"workload w: identity changed from spiffe://example.org/w to "
		"spiffe://example.org/x/w\n"
		"workload w: mode changed from strict to permissive\n"
		"workload w: port 25: mode changed from disabled to strict\n"
		"service web: port 80: targetPort changed from (the same) to 8080\n"
		"service web: endpoint 10.0.0.1: weight changed from 1 to 5\n"
		"service web: connectTimeout changed from (default) to 1.5s\n"
		"policy p: action changed from ALLOW to DENY\n"
		"policy p: workload changed from w to (every one)\n");
}

static void selectors_and_rules_are_told_apart_by_all_they_say(void **state)
{
	assert_text_diff(
		WORKLOAD("w", "{selectors: [{unit: a.service, uid: 0}]}")
		POLICY("p", "{rules: [{}]}"),
		WORKLOAD("w", "{selectors: [{executable: /bin/a, cgroup: /a}]}")
		POLICY("p", "{rules: [{from: {identities: [b, a/*]}, to: {ports: [80, 443]}}]}"),
		"workload w: selector cgroup /a, executable /bin/a added\n"
		"workload w: selector unit a.service, uid 0 removed\n"
		"policy p: rule from anybody to any port removed\n"
		"policy p: rule from spiffe://example.org/a/*,spiffe://example.org/b to port "
		"443,80 added\n");
}

static void gid_zero_is_not_the_same_as_no_gid(void **state)
{
	assert_text_diff(WORKLOAD("w", "{selectors: [{unit: a.service, gid: 0}]}"),
			 WORKLOAD("w", "{selectors: [{unit: a.service}]}"),
			 "workload w: selector unit a.service added\n"
			 "workload w: selector unit a.service, gid 0 removed\n");
}

static void uid_zero_is_not_the_same_as_no_uid(void **state)
{
	assert_text_diff(WORKLOAD("w", "{selectors: [{unit: a.service, uid: 0}]}"),
			 WORKLOAD("w", "{selectors: [{unit: a.service}]}"),
			 "workload w: selector unit a.service added\n"
			 "workload w: selector unit a.service, uid 0 removed\n");
}

static void revocation_is_compared_by_what_it_means(void **state)
{
	assert_text_diff(
		REVOCATION("r", "{identities: [shop/cart], serials: [\"0A:1B\", 02]}"),
		REVOCATION("r", "{serials: [03, 000a1b], "
				"identities: [\"spiffe://example.org/shop/cart\", other]}")
		REVOCATION("s", "{serials: [03]}"),
		"revocation r: identity spiffe://example.org/other added\n"
		"revocation r: serial 02 removed\n"
		"revocation r: serial 03 added\n"
		"revocation s added\n");
}

static void peer_is_compared_by_its_addresses(void **state)
{
	assert_text_diff(
		PEER("n", "{ipBlocks: [10.0.0.0/8, \"fd00::1\"]}"),
		PEER("n", "{ipBlocks: [\"fd00:0::1/128\", 10.0.0.0/9]}")
		PEER("m", "{ipBlocks: [\"::/0\"]}"),
		"peer m added\n"
		"peer n: IP block 10.0.0.0/8 removed\n"
		"peer n: IP block 10.0.0.0/9 added\n");
}

static void summary_counts(void **state)
{
	_cleanup_conf_ struct weft_conf *none = conf_of("");
	_cleanup_conf_ struct weft_conf *some = conf_of(
		SERVICE("a", "{ports: [{port: 80}], endpoints: [{address: 10.0.0.1}]}")
		SERVICE("b", "{ports: [{port: 80}], endpoints: [{address: 10.0.0.1}]}")
		WORKLOAD("w", "{selectors: [{uid: 0}]}") POLICY("p", "{}")
		REVOCATION("r", "{serials: [0a, 0b]}") PEER("n", "{ipBlocks: [10.0.0.0/8]}"));
	char buf[WEFT_CONF_SUMMARY_MAX];

	assert_string_equal(weft_conf_summary(none, buf),
			    "0 workloads, 0 services, 0 endpoints, 0 policies, 0 revocations, "
			    "0 peers");
	assert_string_equal(weft_conf_summary(some, buf),
			    "1 workload, 2 services, 2 endpoints, 1 policy, 1 revocation, 1 peer");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_configuration_is_all_added),
		cmocka_unit_test(same_is_no_difference),
		cmocka_unit_test(order_is_no_difference),
		cmocka_unit_test(objects_come_and_go),
		cmocka_unit_test(items_come_and_go),
		cmocka_unit_test(values_change),
		cmocka_unit_test(selectors_and_rules_are_told_apart_by_all_they_say),
		cmocka_unit_test(uid_zero_is_not_the_same_as_no_uid),
		cmocka_unit_test(gid_zero_is_not_the_same_as_no_gid),
		cmocka_unit_test(revocation_is_compared_by_what_it_means),
		cmocka_unit_test(peer_is_compared_by_its_addresses),
		cmocka_unit_test(summary_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
