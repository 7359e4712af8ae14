// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Peer documents: each field wrong in each way, see conf_fields.h.
 */
#include <linux/weft.h>

#include "conf_fields.h"
#include "conf_text.h"

#define BLOCKS(spec) HEAD("Peer") "spec:\n" spec
#define AT(line) "t.yaml:" #line ": Peer \"web\": "

#define BLOCK "an IP block, such as 10.0.0.0/8 or fd00::/8"

static const struct wrong wrongs[] = {
	{ "apiVersion", MISSING,
	  "kind: Peer\nmetadata: {name: web}\nspec: {ipBlocks: [10.0.0.1]}\n",
	  "t.yaml:1: apiVersion: missing: must be weft/v1" },
	{ "apiVersion", SHAPE,
	  "apiVersion: [weft/v1]\nkind: Peer\nmetadata: {name: web}\nspec: {ipBlocks: [10.0.0.1]}\n",
	  "t.yaml:1: apiVersion: a list: must be weft/v1" },
	{ "apiVersion", VALUE,
	  "apiVersion: weft/v2\nkind: Peer\nmetadata: {name: web}\nspec: {ipBlocks: [10.0.0.1]}\n",
	  "t.yaml:1: apiVersion: \"weft/v2\": must be weft/v1" },
	{ "kind", MISSING,
	  "apiVersion: weft/v1\nmetadata: {name: web}\nspec: {ipBlocks: [10.0.0.1]}\n",
	  "t.yaml:1: kind: missing: must be Workload, Service, AuthorizationPolicy, Revocation or Peer" },
	{ "kind", SHAPE,
	  "apiVersion: weft/v1\nkind: {Peer: }\nmetadata: {name: web}\nspec: "
	  "{ipBlocks: [10.0.0.1]}\n",
	  "t.yaml:2: kind: a mapping: must be Workload, Service, AuthorizationPolicy, Revocation or Peer" },
	{ "kind", VALUE,
	  "apiVersion: weft/v1\nkind: peer\nmetadata: {name: web}\nspec: {ipBlocks: [10.0.0.1]}\n",
	  AT(2) "kind: \"peer\": must be Peer" },
	{ "metadata", MISSING,
	  "apiVersion: weft/v1\nkind: Peer\nspec: {ipBlocks: [10.0.0.1]}\n",
	  "t.yaml:1: Peer: metadata: missing: must be a mapping of name" },
	{ "metadata", SHAPE,
	  "apiVersion: weft/v1\nkind: Peer\nmetadata: web\nspec: {ipBlocks: [10.0.0.1]}\n",
	  "t.yaml:3: Peer: metadata: \"web\": must be a mapping of name" },
	{ "metadata", VALUE,
	  "apiVersion: weft/v1\nkind: Peer\nmetadata: {name: web, labels: "
	  "{}}\nspec: {ipBlocks: [10.0.0.1]}\n",
	  AT(3) "metadata.labels: unknown field; allowed here: name" },
	{ "metadata.name", MISSING,
	  "apiVersion: weft/v1\nkind: Peer\nmetadata: {}\nspec: {ipBlocks: [10.0.0.1]}\n",
	  "t.yaml:3: Peer: metadata.name: missing: must be a DNS name in lower "
	  "case (RFC 1123)" },
	{ "metadata.name", SHAPE,
	  "apiVersion: weft/v1\nkind: Peer\nmetadata:\n  name: [web]\nspec: "
	  "{ipBlocks: [10.0.0.1]}\n",
	  "t.yaml:4: Peer: metadata.name: a list: must be a DNS name in lower "
	  "case (RFC 1123)" },
	{ "metadata.name", SHAPE,
	  "apiVersion: weft/v1\nkind: Peer\nmetadata:\n  name:\nspec: {ipBlocks: [10.0.0.1]}\n",
	  "t.yaml:4: Peer: metadata.name: nothing: must be a DNS name in lower "
	  "case (RFC 1123)" },
	{ "metadata.name", VALUE,
	  "apiVersion: weft/v1\nkind: Peer\nmetadata:\n  name: Web\nspec: {ipBlocks: [10.0.0.1]}\n",
	  "t.yaml:4: Peer \"Web\": metadata.name: \"Web\": must be a DNS name "
	  "in lower case (RFC 1123): not a DNS name (a-z, 0-9, '-' and '.')" },
	{ "metadata.name", VALUE,
	  "apiVersion: weft/v1\nkind: Peer\nmetadata:\n  name: -web\nspec: {ipBlocks: [10.0.0.1]}\n",
	  "t.yaml:4: Peer \"-web\": metadata.name: \"-web\": must be a DNS "
	  "name in lower case (RFC 1123): a label begins or ends with '-'" },
	{ "metadata.name", VALUE,
	  "apiVersion: weft/v1\nkind: Peer\nmetadata:\n  name: \"\"\nspec: {ipBlocks: [10.0.0.1]}\n",
	  "t.yaml:4: Peer \"\": metadata.name: \"\": must be a DNS name in "
	  "lower case (RFC 1123): empty" },
	{ "spec", MISSING,
	  HEAD("Peer"),
	  AT(1) "spec: missing: must be a mapping of ipBlocks" },
	{ "spec", SHAPE,
	  HEAD("Peer") "spec: [10.0.0.0/8]\n",
	  AT(4) "spec: a list: must be a mapping of ipBlocks" },
	{ "spec", VALUE,
	  HEAD("Peer") "spec: {ipBlock: [10.0.0.0/8]}\n",
	  AT(4) "spec.ipBlock: unknown field (did you mean \"ipBlocks\"?); allowed here: "
	  "ipBlocks" },
	{ "spec.ipBlocks", MISSING,
	  HEAD("Peer") "spec: {}\n",
	  AT(4) "spec.ipBlocks: missing: must be a list of 1 to 64 items, each " BLOCK },
	{ "spec.ipBlocks", SHAPE,
	  BLOCKS("  ipBlocks: 10.0.0.0/8\n"),
	  AT(5) "spec.ipBlocks: \"10.0.0.0/8\": must be a list of 1 to 64 items, each " BLOCK },
	{ "spec.ipBlocks", SHAPE,
	  BLOCKS("  ipBlocks: [{cidr: 10.0.0.0/8}]\n"),
	  AT(5) "spec.ipBlocks[0]: a mapping: must be " BLOCK },
	{ "spec.ipBlocks", VALUE,
	  BLOCKS("  ipBlocks: [10.0.0.1/8]\n"),
	  AT(5) "spec.ipBlocks[0]: \"10.0.0.1/8\": must be " BLOCK ", with zeros behind its prefix" },
	{ "spec.ipBlocks", VALUE,
	  BLOCKS("  ipBlocks: [\"fd00:77::1/64\"]\n"),
	  AT(5) "spec.ipBlocks[0]: \"fd00:77::1/64\": must be " BLOCK
	  ", with zeros behind its prefix" },
	{ "spec.ipBlocks", VALUE,
	  BLOCKS("  ipBlocks: [10.0.0.0/33]\n"),
	  AT(5) "spec.ipBlocks[0]: \"10.0.0.0/33\": must be " BLOCK },
	{ "spec.ipBlocks", VALUE,
	  BLOCKS("  ipBlocks: [10.0.0.1:80]\n"),
	  AT(5) "spec.ipBlocks[0]: \"10.0.0.1:80\": must be " BLOCK },
	{ "spec.ipBlocks", VALUE,
	  BLOCKS("  ipBlocks: [rack-7]\n"),
	  AT(5) "spec.ipBlocks[0]: \"rack-7\": must be " BLOCK },
	{ "spec.ipBlocks", VALUE,
	  BLOCKS("  ipBlocks: [\"\"]\n"),
	  AT(5) "spec.ipBlocks[0]: \"\": must be " BLOCK },
	{ "spec.ipBlocks", COUNT,
	  BLOCKS("  ipBlocks: []\n"),
	  AT(5) "spec.ipBlocks: an empty list: must be a list of 1 to 64 items, each " BLOCK },
	{ "spec.ipBlocks", COUNT,
	  BLOCKS("  ipBlocks: [$65 10.0.0.@$]\n"),
	  AT(5) "spec.ipBlocks: 65 items: must be a list of 1 to 64 items, each " BLOCK },
	{ "spec.ipBlocks", TWIN,
	  BLOCKS("  ipBlocks: [\"fd00:77::/64\", \"fd00:77:0:0::/64\"]\n"),
	  AT(5) "spec.ipBlocks[1]: fd00:77::/64: stands in the list twice, first in line 5" },
};

static void each_field_wrong_is_one_clear_error(void **state)
{
	check_wrongs(wrongs, WEFT_ARRAY_SIZE(wrongs));
}

static void no_field_is_without_its_wrong_cases(void **state)
{
	check_coverage(&weft_kind_peer, wrongs, WEFT_ARRAY_SIZE(wrongs), 6);
}

static void addresses_are_prefixes_of_both_families(void **state)
{
	_cleanup_conf_ struct weft_conf *conf = conf_of(
		BLOCKS("  ipBlocks: [10.77.0.0/24, \"fd00:77::/64\", 192.0.2.7]\n"));
	const struct weft_conf_peer *peer = weft_conf_find_peer(conf, "web");
	static const char *const texts[] = { "10.77.0.0/24", "fd00:77::/64", "192.0.2.7/32" };
	char buf[WEFT_ADDR_TEXT_MAX];

	assert_non_null(peer);
	assert_int_equal(peer->object.n_networks, WEFT_ARRAY_SIZE(texts));
	for (size_t i = 0; i < WEFT_ARRAY_SIZE(texts); i++)
		assert_string_equal(weft_network_format(&peer->object.networks[i], buf), texts[i]);
}

static void names_are_told_apart_by_kind(void **state)
{
	_cleanup_conf_ struct weft_conf *conf = conf_of(
		PEER("a", "{ipBlocks: [10.0.0.0/8]}") REVOCATION("a", "{serials: [01]}"));

	assert_non_null(weft_conf_find_peer(conf, "a"));
	assert_refused(PEER("a", "{ipBlocks: [10.0.0.0/8]}") PEER("a", "{ipBlocks: [11.0.0.0/8]}"),
		       "t.yaml:9: Peer \"a\": metadata.name: \"a\": exists already, in t.yaml:4; names "
		       "are unique per kind");
}

/* As many as the module takes. */
static void more_than_the_module_takes_are_refused(void **state)
{
	_cleanup_free_ char *all = NULL;
	size_t len;
	FILE *f = open_memstream(&all, &len);

	assert_non_null(f);
	for (int i = 0; i <= WEFT_PEERS_MAX; i++)
		fprintf(f, "---\napiVersion: weft/v1\nkind: Peer\nmetadata: {name: n%d}\n"
			   "spec: {ipBlocks: [10.0.0.0/8]}\n", i);
	assert_int_equal(fclose(f), 0);
	assert_refused_len(all, len, "t.yaml:5122: more than 1024 documents of kind Peer");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_field_wrong_is_one_clear_error),
		cmocka_unit_test(no_field_is_without_its_wrong_cases),
		cmocka_unit_test(addresses_are_prefixes_of_both_families),
		cmocka_unit_test(names_are_told_apart_by_kind),
		cmocka_unit_test(more_than_the_module_takes_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
