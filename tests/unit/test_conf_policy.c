// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * AuthorizationPolicy documents: each field wrong in each way, see conf_fields.h.
 */
#include "conf_fields.h"

#define POLICY(spec) HEAD("AuthorizationPolicy") "spec:\n" spec
#define AT(line) "t.yaml:" #line ": AuthorizationPolicy \"web\": "

static const struct wrong wrongs[] = {
	{ "apiVersion", MISSING,
	  "kind: AuthorizationPolicy\nmetadata: {name: web}\nspec: {}\n",
	  "t.yaml:1: apiVersion: missing: must be weft/v1" },
	{ "apiVersion", SHAPE,
	  "apiVersion: [weft/v1]\nkind: AuthorizationPolicy\nmetadata: {name: web}\nspec: {}\n",
	  "t.yaml:1: apiVersion: a list: must be weft/v1" },
	{ "apiVersion", VALUE,
	  "apiVersion: weft/v2\nkind: AuthorizationPolicy\nmetadata: {name: web}\nspec: {}\n",
	  "t.yaml:1: apiVersion: \"weft/v2\": must be weft/v1" },
	{ "kind", MISSING,
	  "apiVersion: weft/v1\nmetadata: {name: web}\nspec: {}\n",
	  "t.yaml:1: kind: missing: must be Workload, Service, AuthorizationPolicy, Revocation or Peer" },
	{ "kind", SHAPE,
	  "apiVersion: weft/v1\nkind: {AuthorizationPolicy: }\nmetadata: {name: web}\nspec: "
	  "{}\n",
	  "t.yaml:2: kind: a mapping: must be Workload, Service, AuthorizationPolicy, Revocation or Peer" },
	{ "kind", VALUE,
	  "apiVersion: weft/v1\nkind: authorizationpolicy\nmetadata: {name: web}\nspec: {}\n",
	  AT(2) "kind: \"authorizationpolicy\": must be AuthorizationPolicy" },
	{ "metadata", MISSING,
	  "apiVersion: weft/v1\nkind: AuthorizationPolicy\nspec: {}\n",
	  "t.yaml:1: AuthorizationPolicy: metadata: missing: must be a mapping of name" },
	{ "metadata", SHAPE,
	  "apiVersion: weft/v1\nkind: AuthorizationPolicy\nmetadata: web\nspec: {}\n",
	  "t.yaml:3: AuthorizationPolicy: metadata: \"web\": must be a mapping of name" },
	{ "metadata", VALUE,
	  "apiVersion: weft/v1\nkind: AuthorizationPolicy\nmetadata: {name: web, labels: "
	  "{}}\nspec: {}\n",
	  AT(3) "metadata.labels: unknown field; allowed here: name" },
	{ "metadata.name", MISSING,
	  "apiVersion: weft/v1\nkind: AuthorizationPolicy\nmetadata: {}\nspec: {}\n",
	  "t.yaml:3: AuthorizationPolicy: metadata.name: missing: must be a DNS name in lower "
	  "case (RFC 1123)" },
	{ "metadata.name", SHAPE,
	  "apiVersion: weft/v1\nkind: AuthorizationPolicy\nmetadata:\n  name: [web]\nspec: "
	  "{}\n",
	  "t.yaml:4: AuthorizationPolicy: metadata.name: a list: must be a DNS name in lower "
	  "case (RFC 1123)" },
	{ "metadata.name", SHAPE,
	  "apiVersion: weft/v1\nkind: AuthorizationPolicy\nmetadata:\n  name:\nspec: {}\n",
	  "t.yaml:4: AuthorizationPolicy: metadata.name: nothing: must be a DNS name in lower "
	  "case (RFC 1123)" },
	{ "metadata.name", VALUE,
	  "apiVersion: weft/v1\nkind: AuthorizationPolicy\nmetadata:\n  name: Web\nspec: {}\n",
	  "t.yaml:4: AuthorizationPolicy \"Web\": metadata.name: \"Web\": must be a DNS name "
	  "in lower case (RFC 1123): not a DNS name (a-z, 0-9, '-' and '.')" },
	{ "metadata.name", VALUE,
	  "apiVersion: weft/v1\nkind: AuthorizationPolicy\nmetadata:\n  name: -web\nspec: {}\n",
	  "t.yaml:4: AuthorizationPolicy \"-web\": metadata.name: \"-web\": must be a DNS "
	  "name in lower case (RFC 1123): a label begins or ends with '-'" },
	{ "metadata.name", VALUE,
	  "apiVersion: weft/v1\nkind: AuthorizationPolicy\nmetadata:\n  name: \"\"\nspec: {}\n",
	  "t.yaml:4: AuthorizationPolicy \"\": metadata.name: \"\": must be a DNS name in "
	  "lower case (RFC 1123): empty" },
	{ "spec", MISSING,
	  HEAD("AuthorizationPolicy"),
	  AT(1) "spec: missing: must be a mapping of action, workload, service and rules" },
	{ "spec", SHAPE,
	  HEAD("AuthorizationPolicy") "spec:\n",
	  AT(4) "spec: nothing: must be a mapping of action, workload, service and rules" },
	{ "spec", SHAPE,
	  HEAD("AuthorizationPolicy") "spec: []\n",
	  AT(4) "spec: a list: must be a mapping of action, workload, service and rules" },
	{ "spec", VALUE,
	  HEAD("AuthorizationPolicy") "spec: {spce: 1}\n",
	  AT(4) "spec.spce: unknown field; allowed here: action, workload, service, rules" },
	{ "spec.action", SHAPE,
	  POLICY("  action: [ALLOW]\n"),
	  AT(5) "spec.action: a list: must be ALLOW, DENY or AUDIT" },
	{ "spec.action", SHAPE,
	  POLICY("  action: \n"),
	  AT(5) "spec.action: nothing: must be ALLOW, DENY or AUDIT" },
	{ "spec.action", VALUE,
	  POLICY("  action: PERMIT\n"),
	  AT(5) "spec.action: \"PERMIT\": must be ALLOW, DENY or AUDIT" },
	{ "spec.action", VALUE,
	  POLICY("  action: \"\"\n"),
	  AT(5) "spec.action: \"\": must be ALLOW, DENY or AUDIT" },
	{ "spec.workload", SHAPE,
	  POLICY("  workload: [web]\n"),
	  AT(5) "spec.workload: a list: must be the name of a Workload" },
	{ "spec.workload", SHAPE,
	  POLICY("  workload: \n"),
	  AT(5) "spec.workload: nothing: must be the name of a Workload" },
	{ "spec.workload", VALUE,
	  POLICY("  workload: Web\n"),
	  AT(5) "spec.workload: \"Web\": must be a DNS name in lower case (RFC 1123): not a "
	  "DNS name (a-z, 0-9, '-' and '.')" },
	{ "spec.workload", VALUE,
	  POLICY("  workload: web\n"),
	  AT(5) "spec.workload: \"web\": must be the name of a Workload, and none has it" },
	{ "spec.service", SHAPE,
	  POLICY("  service: [web]\n"),
	  AT(5) "spec.service: a list: must be the name of a Service" },
	{ "spec.service", SHAPE,
	  POLICY("  service: \n"),
	  AT(5) "spec.service: nothing: must be the name of a Service" },
	{ "spec.service", VALUE,
	  POLICY("  service: Web\n"),
	  AT(5) "spec.service: \"Web\": must be a DNS name in lower case (RFC 1123): not a "
	  "DNS name (a-z, 0-9, '-' and '.')" },
	{ "spec.service", VALUE,
	  POLICY("  service: web\n"),
	  AT(5) "spec.service: \"web\": must be the name of a Service, and none has it" },
	{ "spec.service", VALUE,
	  POLICY("  workload: db\n  service: web\n"),
	  AT(6) "spec.service: \"web\": stands beside the workload \"db\", and a policy is for "
	  "one of both; leave the other out" },
	{ "spec.rules", SHAPE,
	  POLICY("  rules: {}\n"),
	  AT(5) "spec.rules: an empty mapping: must be a list of at most 64 items, each a "
	  "mapping of from and to" },
	{ "spec.rules", SHAPE,
	  POLICY("  rules:\n  -\n"),
	  AT(6) "spec.rules[0]: nothing: must be a mapping of from and to" },
	{ "spec.rules", VALUE,
	  POLICY("  rules: [{form: {}}]\n"),
	  AT(5) "spec.rules[0].form: unknown field (did you mean \"from\"?); allowed here: "
	  "from, to" },
	{ "spec.rules", COUNT,
	  POLICY("  rules: [$65 {to: {ports: [@]}}$]\n"),
	  AT(5) "spec.rules: 65 items: must be a list of at most 64 items, each a mapping of "
	  "from and to" },
	{ "spec.rules", TWIN,
	  POLICY("  rules:\n  - to: {ports: [80, 443]}\n  - to: {ports: [443, 80]}\n"),
	  AT(7) "spec.rules[1]: from anybody to port 443,80: stands in the list twice, first "
	  "in line 6" },
	{ "spec.rules[].from", SHAPE,
	  POLICY("  rules: [{from: [shop/web]}]\n"),
	  AT(5) "spec.rules[0].from: a list: must be a mapping of identities and ipBlocks" },
	{ "spec.rules[].from", VALUE,
	  POLICY("  rules: [{from: {identity: [shop/web]}}]\n"),
	  AT(5) "spec.rules[0].from.identity: unknown field (did you mean \"identities\"?); "
	  "allowed here: identities, ipBlocks" },
	{ "spec.rules[].from", VALUE,
	  POLICY("  rules: [{from: {}}]\n"),
	  AT(5) "spec.rules[0].from: an empty mapping: must be a mapping of identities, "
	  "ipBlocks or both" },
	{ "spec.rules[].from.identities", SHAPE,
	  POLICY("  rules: [{from: {identities: shop/web}}]\n"),
	  AT(5) "spec.rules[0].from.identities: \"shop/web\": must be a list of 1 to 64 "
	  "items, each a SPIFFE ID or a path in the trust domain, a final '*' makes a prefix" },
	{ "spec.rules[].from.identities", SHAPE,
	  POLICY("  rules: [{from: {identities: [{a: b}]}}]\n"),
	  AT(5) "spec.rules[0].from.identities[0]: a mapping: must be a SPIFFE ID or a path "
	  "in the trust domain, a final '*' makes a prefix" },
	{ "spec.rules[].from.identities", VALUE,
	  POLICY("  rules: [{from: {identities: [\"\"]}}]\n"),
	  AT(5) "spec.rules[0].from.identities[0]: \"\": must be a SPIFFE ID or a path in the "
	  "trust domain, a final '*' makes a prefix" },
	{ "spec.rules[].from.identities", VALUE,
	  POLICY("  rules: [{from: {identities: [/shop]}}]\n"),
	  AT(5) "spec.rules[0].from.identities[0]: \"/shop\": must be a SPIFFE ID or a path "
	  "in the trust domain, a final '*' makes a prefix: a part of the path is empty" },
	{ "spec.rules[].from.identities", VALUE,
	  POLICY("  rules: [{from: {identities: [\"*/web\"]}}]\n"),
	  AT(5) "spec.rules[0].from.identities[0]: \"*/web\": must be a SPIFFE ID or a path "
	  "in the trust domain, a final '*' makes a prefix: '*' may only be the last character" },
	{ "spec.rules[].from.identities", VALUE,
	  POLICY("  rules: [{from: {identities: [shop/*/web]}}]\n"),
	  AT(5) "spec.rules[0].from.identities[0]: \"shop/*/web\": must be a SPIFFE ID or a "
	  "path in the trust domain, a final '*' makes a prefix: '*' may only be the last "
	  "character" },
	{ "spec.rules[].from.identities", VALUE,
	  POLICY("  rules: [{from: {identities: [\"spiffe://example.or*\"]}}]\n"),
	  AT(5) "spec.rules[0].from.identities[0]: \"spiffe://example.or*\": must be a SPIFFE "
	  "ID or a path in the trust domain, a final '*' makes a prefix: a prefix holds the "
	  "whole trust domain and a '/' (spiffe://TRUST-DOMAIN/*)" },
	{ "spec.rules[].from.identities", VALUE,
	  POLICY("  rules: [{from: {identities: [\"http://a/b\"]}}]\n"),
	  AT(5) "spec.rules[0].from.identities[0]: \"http://a/b\": must be a SPIFFE ID or a "
	  "path in the trust domain, a final '*' makes a prefix: not a SPIFFE ID "
	  "(spiffe://TRUST-DOMAIN/PATH)" },
	{ "spec.rules[].from.identities", VALUE,
	  POLICY("  rules: [{from: {identities: [spiffe://EXAMPLE.org/web]}}]\n"),
	  AT(5) "spec.rules[0].from.identities[0]: \"spiffe://EXAMPLE.org/web\": must be a "
	  "SPIFFE ID or a path in the trust domain, a final '*' makes a prefix: a trust "
	  "domain has only a-z, 0-9, '.', '-' and '_'" },
	{ "spec.rules[].from.identities", VALUE,
	  POLICY("  rules: [{from: {identities: [shop/w%b]}}]\n"),
	  AT(5) "spec.rules[0].from.identities[0]: \"shop/w%b\": must be a SPIFFE ID or a "
	  "path in the trust domain, a final '*' makes a prefix: a path has only a-z, A-Z, "
	  "0-9, '.', '-', '_' and '/'" },
	{ "spec.rules[].from.identities", COUNT,
	  POLICY("  rules: [{from: {identities: []}}]\n"),
	  AT(5) "spec.rules[0].from.identities: an empty list: must be a list of 1 to 64 "
	  "items, each a SPIFFE ID or a path in the trust domain, a final '*' makes a prefix" },
	{ "spec.rules[].from.identities", COUNT,
	  POLICY("  rules: [{from: {identities: [$65 w@$]}}]\n"),
	  AT(5) "spec.rules[0].from.identities: 65 items: must be a list of 1 to 64 items, "
	  "each a SPIFFE ID or a path in the trust domain, a final '*' makes a prefix" },
	{ "spec.rules[].from.identities", TWIN,
	  POLICY("  rules: [{from: {identities: [shop/web, "
		 "\"spiffe://example.org/shop/web\"]}}]\n"),
	  AT(5) "spec.rules[0].from.identities[1]: spiffe://example.org/shop/web: stands in "
	  "the list twice, first in line 5" },
	{ "spec.rules[].from.ipBlocks", SHAPE,
	  POLICY("  rules: [{from: {ipBlocks: 10.0.0.0/8}}]\n"),
	  AT(5) "spec.rules[0].from.ipBlocks: \"10.0.0.0/8\": must be a list of 1 to 64 items, "
	  "each an IP block, such as 10.0.0.0/8 or fd00::/8" },
	{ "spec.rules[].from.ipBlocks", SHAPE,
	  POLICY("  rules: [{from: {ipBlocks: [[10.0.0.0/8]]}}]\n"),
	  AT(5) "spec.rules[0].from.ipBlocks[0]: a list: must be an IP block, such as "
	  "10.0.0.0/8 or fd00::/8" },
	{ "spec.rules[].from.ipBlocks", VALUE,
	  POLICY("  rules: [{from: {ipBlocks: [10.0.0.0/33]}}]\n"),
	  AT(5) "spec.rules[0].from.ipBlocks[0]: \"10.0.0.0/33\": must be an IP block, such as "
	  "10.0.0.0/8 or fd00::/8" },
	{ "spec.rules[].from.ipBlocks", VALUE,
	  POLICY("  rules: [{from: {ipBlocks: [shop/web]}}]\n"),
	  AT(5) "spec.rules[0].from.ipBlocks[0]: \"shop/web\": must be an IP block, such as "
	  "10.0.0.0/8 or fd00::/8" },
	{ "spec.rules[].from.ipBlocks", VALUE,
	  POLICY("  rules: [{from: {ipBlocks: [10.0.0.1/8]}}]\n"),
	  AT(5) "spec.rules[0].from.ipBlocks[0]: \"10.0.0.1/8\": must be an IP block, such as "
	  "10.0.0.0/8 or fd00::/8, with zeros behind its prefix" },
	{ "spec.rules[].from.ipBlocks", COUNT,
	  POLICY("  rules: [{from: {ipBlocks: []}}]\n"),
	  AT(5) "spec.rules[0].from.ipBlocks: an empty list: must be a list of 1 to 64 items, "
	  "each an IP block, such as 10.0.0.0/8 or fd00::/8" },
	{ "spec.rules[].from.ipBlocks", COUNT,
	  POLICY("  rules: [{from: {ipBlocks: [$65 10.0.0.@$]}}]\n"),
	  AT(5) "spec.rules[0].from.ipBlocks: 65 items: must be a list of 1 to 64 items, each "
	  "an IP block, such as 10.0.0.0/8 or fd00::/8" },
	{ "spec.rules[].from.ipBlocks", TWIN,
	  POLICY("  rules: [{from: {ipBlocks: [10.0.0.1, 10.0.0.1/32]}}]\n"),
	  AT(5) "spec.rules[0].from.ipBlocks[1]: 10.0.0.1/32: stands in the list twice, first "
	  "in line 5" },
	{ "spec.rules[].to", SHAPE,
	  POLICY("  rules: [{to: 80}]\n"),
	  AT(5) "spec.rules[0].to: 80: must be a mapping of ports" },
	{ "spec.rules[].to", VALUE,
	  POLICY("  rules: [{to: {port: [80]}}]\n"),
	  AT(5) "spec.rules[0].to.port: unknown field (did you mean \"ports\"?); allowed "
	  "here: ports" },
	{ "spec.rules[].to.ports", MISSING,
	  POLICY("  rules: [{to: {}}]\n"),
	  AT(5) "spec.rules[0].to.ports: missing: must be a list of 1 to 64 items, each 1 to "
	  "65535" },
	{ "spec.rules[].to.ports", SHAPE,
	  POLICY("  rules: [{to: {ports: 80}}]\n"),
	  AT(5) "spec.rules[0].to.ports: 80: must be a list of 1 to 64 items, each 1 to 65535" },
	{ "spec.rules[].to.ports", SHAPE,
	  POLICY("  rules: [{to: {ports: [{port: 80}]}}]\n"),
	  AT(5) "spec.rules[0].to.ports[0]: a mapping: must be 1 to 65535" },
	{ "spec.rules[].to.ports", VALUE,
	  POLICY("  rules: [{to: {ports: [80, 0]}}]\n"),
	  AT(5) "spec.rules[0].to.ports[1]: 0: must be 1 to 65535" },
	{ "spec.rules[].to.ports", VALUE,
	  POLICY("  rules: [{to: {ports: [80, 65536]}}]\n"),
	  AT(5) "spec.rules[0].to.ports[1]: 65536: must be 1 to 65535" },
	{ "spec.rules[].to.ports", VALUE,
	  POLICY("  rules: [{to: {ports: [80, http]}}]\n"),
	  AT(5) "spec.rules[0].to.ports[1]: \"http\": must be 1 to 65535" },
	{ "spec.rules[].to.ports", COUNT,
	  POLICY("  rules: [{to: {ports: []}}]\n"),
	  AT(5) "spec.rules[0].to.ports: an empty list: must be a list of 1 to 64 items, each "
	  "1 to 65535" },
	{ "spec.rules[].to.ports", COUNT,
	  POLICY("  rules: [{to: {ports: [$65 @$]}}]\n"),
	  AT(5) "spec.rules[0].to.ports: 65 items: must be a list of 1 to 64 items, each 1 to "
	  "65535" },
	{ "spec.rules[].to.ports", TWIN,
	  POLICY("  rules: [{to: {ports: [80, 443, 80]}}]\n"),
	  AT(5) "spec.rules[0].to.ports[2]: 80: stands in the list twice, first in line 5" },
};

static void each_field_wrong_is_one_clear_error(void **state)
{
	check_wrongs(wrongs, WEFT_ARRAY_SIZE(wrongs));
}

static void no_field_is_without_its_wrong_cases(void **state)
{
	check_coverage(&weft_kind_policy, wrongs, WEFT_ARRAY_SIZE(wrongs), 14);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_field_wrong_is_one_clear_error),
		cmocka_unit_test(no_field_is_without_its_wrong_cases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
