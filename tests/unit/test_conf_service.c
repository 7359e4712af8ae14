// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Service documents: each field wrong in each way, see conf_fields.h.
 */
#include "conf_fields.h"

#define SERVICE(spec) HEAD("Service") "spec:\n  ports: [{port: 80}]\n" spec
#define AT(line) "t.yaml:" #line ": Service \"web\": "

static const struct wrong wrongs[] = {
	{ "apiVersion", MISSING,
	  "kind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\n",
	  "t.yaml:1: apiVersion: missing: must be weft/v1" },
	{ "apiVersion", SHAPE,
	  "apiVersion: [weft/v1]\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: "
	  "80}]}\n",
	  "t.yaml:1: apiVersion: a list: must be weft/v1" },
	{ "apiVersion", VALUE,
	  "apiVersion: weft/v2\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: "
	  "80}]}\n",
	  "t.yaml:1: apiVersion: \"weft/v2\": must be weft/v1" },
	{ "kind", MISSING,
	  "apiVersion: weft/v1\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\n",
	  "t.yaml:1: kind: missing: must be Workload, Service, AuthorizationPolicy, Revocation or Peer" },
	{ "kind", SHAPE,
	  "apiVersion: weft/v1\nkind: {Service: }\nmetadata: {name: web}\nspec: {ports: "
	  "[{port: 80}]}\n",
	  "t.yaml:2: kind: a mapping: must be Workload, Service, AuthorizationPolicy, Revocation or Peer" },
	{ "kind", VALUE,
	  "apiVersion: weft/v1\nkind: service\nmetadata: {name: web}\nspec: {ports: [{port: "
	  "80}]}\n",
	  AT(2) "kind: \"service\": must be Service" },
	{ "metadata", MISSING,
	  "apiVersion: weft/v1\nkind: Service\nspec: {ports: [{port: 80}]}\n",
	  "t.yaml:1: Service: metadata: missing: must be a mapping of name" },
	{ "metadata", SHAPE,
	  "apiVersion: weft/v1\nkind: Service\nmetadata: web\nspec: {ports: [{port: 80}]}\n",
	  "t.yaml:3: Service: metadata: \"web\": must be a mapping of name" },
	{ "metadata", VALUE,
	  "apiVersion: weft/v1\nkind: Service\nmetadata: {name: web, labels: {}}\nspec: "
	  "{ports: [{port: 80}]}\n",
	  AT(3) "metadata.labels: unknown field; allowed here: name" },
	{ "metadata.name", MISSING,
	  "apiVersion: weft/v1\nkind: Service\nmetadata: {}\nspec: {ports: [{port: 80}]}\n",
	  "t.yaml:3: Service: metadata.name: missing: must be a DNS name in lower case (RFC "
	  "1123)" },
	{ "metadata.name", SHAPE,
	  "apiVersion: weft/v1\nkind: Service\nmetadata:\n  name: [web]\nspec: {ports: "
	  "[{port: 80}]}\n",
	  "t.yaml:4: Service: metadata.name: a list: must be a DNS name in lower case (RFC "
	  "1123)" },
	{ "metadata.name", SHAPE,
	  "apiVersion: weft/v1\nkind: Service\nmetadata:\n  name:\nspec: {ports: [{port: "
	  "80}]}\n",
	  "t.yaml:4: Service: metadata.name: nothing: must be a DNS name in lower case (RFC "
	  "1123)" },
	{ "metadata.name", VALUE,
	  "apiVersion: weft/v1\nkind: Service\nmetadata:\n  name: Web\nspec: {ports: [{port: "
	  "80}]}\n",
	  "t.yaml:4: Service \"Web\": metadata.name: \"Web\": must be a DNS name in lower "
	  "case (RFC 1123): not a DNS name (a-z, 0-9, '-' and '.')" },
	{ "metadata.name", VALUE,
	  "apiVersion: weft/v1\nkind: Service\nmetadata:\n  name: -web\nspec: {ports: [{port: "
	  "80}]}\n",
	  "t.yaml:4: Service \"-web\": metadata.name: \"-web\": must be a DNS name in lower "
	  "case (RFC 1123): a label begins or ends with '-'" },
	{ "metadata.name", VALUE,
	  "apiVersion: weft/v1\nkind: Service\nmetadata:\n  name: \"\"\nspec: {ports: [{port: "
	  "80}]}\n",
	  "t.yaml:4: Service \"\": metadata.name: \"\": must be a DNS name in lower case (RFC "
	  "1123): empty" },
	{ "spec", MISSING,
	  HEAD("Service"),
	  AT(1) "spec: missing: must be a mapping of addresses, ports, endpoints, identities "
	  "and connectTimeout" },
	{ "spec", SHAPE,
	  HEAD("Service") "spec:\n",
	  AT(4) "spec: nothing: must be a mapping of addresses, ports, endpoints, identities "
	  "and connectTimeout" },
	{ "spec", SHAPE,
	  HEAD("Service") "spec: []\n",
	  AT(4) "spec: a list: must be a mapping of addresses, ports, endpoints, identities "
	  "and connectTimeout" },
	{ "spec", VALUE,
	  HEAD("Service") "spec: {spce: 1}\n",
	  AT(4) "spec.spce: unknown field; allowed here: addresses, ports, endpoints, "
	  "identities, connectTimeout" },
	{ "spec.addresses", SHAPE,
	  SERVICE("  addresses: 240.0.0.1\n"),
	  AT(6) "spec.addresses: 240.0.0.1: must be a list of at most 16 items, each an IPv4 "
	  "or IPv6 address without a port" },
	{ "spec.addresses", SHAPE,
	  SERVICE("  addresses: [[240.0.0.1]]\n"),
	  AT(6) "spec.addresses[0]: a list: must be an IPv4 or IPv6 address without a port" },
	{ "spec.addresses", SHAPE,
	  SERVICE("  addresses:\n"),
	  AT(6) "spec.addresses: nothing: must be a list of at most 16 items, each an IPv4 or "
	  "IPv6 address without a port" },
	{ "spec.addresses", VALUE,
	  SERVICE("  addresses: [240.0.0.256]\n"),
	  AT(6) "spec.addresses[0]: 240.0.0.256: must be an IPv4 or IPv6 address without a "
	  "port" },
	{ "spec.addresses", VALUE,
	  SERVICE("  addresses: [web.shop]\n"),
	  AT(6) "spec.addresses[0]: \"web.shop\": must be an IPv4 or IPv6 address without a "
	  "port" },
	{ "spec.addresses", VALUE,
	  SERVICE("  addresses: [240.0.0.1:80]\n"),
	  AT(6) "spec.addresses[0]: \"240.0.0.1:80\": must be an IPv4 or IPv6 address without "
	  "a port" },
	{ "spec.addresses", VALUE,
	  SERVICE("  addresses: [\"[fd00::1]\"]\n"),
	  AT(6) "spec.addresses[0]: \"[fd00::1]\": must be an IPv4 or IPv6 address without a "
	  "port" },
	{ "spec.addresses", VALUE,
	  SERVICE("  addresses: [0.0.0.0]\n"),
	  AT(6) "spec.addresses[0]: 0.0.0.0: must be the address of one host, neither "
	  "wildcard, multicast nor link-local" },
	{ "spec.addresses", VALUE,
	  SERVICE("  addresses: [\"::\"]\n"),
	  AT(6) "spec.addresses[0]: \"::\": must be the address of one host, neither "
	  "wildcard, multicast nor link-local" },
	{ "spec.addresses", VALUE,
	  SERVICE("  addresses: [224.0.0.1]\n"),
	  AT(6) "spec.addresses[0]: 224.0.0.1: must be the address of one host, neither "
	  "wildcard, multicast nor link-local" },
	{ "spec.addresses", VALUE,
	  SERVICE("  addresses: [ff02::1]\n"),
	  AT(6) "spec.addresses[0]: \"ff02::1\": must be the address of one host, neither "
	  "wildcard, multicast nor link-local" },
	{ "spec.addresses", VALUE,
	  SERVICE("  addresses: [fe80::1]\n"),
	  AT(6) "spec.addresses[0]: \"fe80::1\": must be the address of one host, neither "
	  "wildcard, multicast nor link-local" },
	{ "spec.addresses", VALUE,
	  SERVICE("  addresses: [fe80::1%eth0]\n"),
	  AT(6) "spec.addresses[0]: \"fe80::1%eth0\": must be an IPv4 or IPv6 address without "
	  "a port" },
	{ "spec.addresses", VALUE,
	  SERVICE("  addresses: [\"\"]\n"),
	  AT(6) "spec.addresses[0]: \"\": must be an IPv4 or IPv6 address without a port" },
	{ "spec.addresses", COUNT,
	  SERVICE("  addresses: [$17 240.0.0.@$]\n"),
	  AT(6) "spec.addresses: 17 items: must be a list of at most 16 items, each an IPv4 "
	  "or IPv6 address without a port" },
	{ "spec.addresses", TWIN,
	  SERVICE("  addresses:\n  - 240.0.0.1\n  - \"::ffff:240.0.0.1\"\n"),
	  AT(8) "spec.addresses[1]: 240.0.0.1: stands in the list twice, first in line 7" },
	{ "spec.ports", MISSING,
	  HEAD("Service") "spec:\n  addresses: []\n",
	  AT(4) "spec.ports: missing: must be a list of 1 to 64 items, each a mapping of port "
	  "and targetPort" },
	{ "spec.ports", SHAPE,
	  HEAD("Service") "spec:\n  ports: 80\n",
	  AT(5) "spec.ports: 80: must be a list of 1 to 64 items, each a mapping of port and "
	  "targetPort" },
	{ "spec.ports", SHAPE,
	  HEAD("Service") "spec:\n  ports: [80]\n",
	  AT(5) "spec.ports[0]: 80: must be a mapping of port and targetPort" },
	{ "spec.ports", VALUE,
	  HEAD("Service") "spec:\n  ports: [{port: 80, protocol: TCP}]\n",
	  AT(5) "spec.ports[0].protocol: unknown field; allowed here: port, targetPort" },
	{ "spec.ports", COUNT,
	  HEAD("Service") "spec:\n  ports: []\n",
	  AT(5) "spec.ports: an empty list: must be a list of 1 to 64 items, each a mapping "
	  "of port and targetPort" },
	{ "spec.ports", COUNT,
	  HEAD("Service") "spec:\n  ports: [$65 {port: @}$]\n",
	  AT(5) "spec.ports: 65 items: must be a list of 1 to 64 items, each a mapping of "
	  "port and targetPort" },
	{ "spec.ports", TWIN,
	  HEAD("Service") "spec:\n  ports:\n  - port: 80\n  - port: 80\n    targetPort: 8080\n",
	  AT(7) "spec.ports[1]: 80: stands in the list twice, first in line 6" },
	{ "spec.ports[].port", MISSING,
	  HEAD("Service") "spec:\n  ports: [{targetPort: 80}]\n",
	  AT(5) "spec.ports[0].port: missing: must be 1 to 65535" },
	{ "spec.ports[].port", SHAPE,
	  HEAD("Service") "spec:\n  ports: [{port: {}}]\n",
	  AT(5) "spec.ports[0].port: an empty mapping: must be 1 to 65535" },
	{ "spec.ports[].port", VALUE,
	  HEAD("Service") "spec:\n  ports: [{port: 0}]\n",
	  AT(5) "spec.ports[0].port: 0: must be 1 to 65535" },
	{ "spec.ports[].port", VALUE,
	  HEAD("Service") "spec:\n  ports: [{port: 70000}]\n",
	  AT(5) "spec.ports[0].port: 70000: must be 1 to 65535" },
	{ "spec.ports[].port", VALUE,
	  HEAD("Service") "spec:\n  ports: [{port: -80}]\n",
	  AT(5) "spec.ports[0].port: -80: must be 1 to 65535" },
	{ "spec.ports[].port", VALUE,
	  HEAD("Service") "spec:\n  ports: [{port: http}]\n",
	  AT(5) "spec.ports[0].port: \"http\": must be 1 to 65535" },
	{ "spec.ports[].port", VALUE,
	  HEAD("Service") "spec:\n  ports: [{port: \"80\"}]\n",
	  AT(5) "spec.ports[0].port: \"80\": must be 1 to 65535, without quotes" },
	{ "spec.ports[].targetPort", SHAPE,
	  HEAD("Service") "spec:\n  ports: [{port: 80, targetPort: {}}]\n",
	  AT(5) "spec.ports[0].targetPort: an empty mapping: must be 1 to 65535" },
	{ "spec.ports[].targetPort", VALUE,
	  HEAD("Service") "spec:\n  ports: [{port: 80, targetPort: 0}]\n",
	  AT(5) "spec.ports[0].targetPort: 0: must be 1 to 65535" },
	{ "spec.ports[].targetPort", VALUE,
	  HEAD("Service") "spec:\n  ports: [{port: 80, targetPort: 70000}]\n",
	  AT(5) "spec.ports[0].targetPort: 70000: must be 1 to 65535" },
	{ "spec.ports[].targetPort", VALUE,
	  HEAD("Service") "spec:\n  ports: [{port: 80, targetPort: -80}]\n",
	  AT(5) "spec.ports[0].targetPort: -80: must be 1 to 65535" },
	{ "spec.ports[].targetPort", VALUE,
	  HEAD("Service") "spec:\n  ports: [{port: 80, targetPort: http}]\n",
	  AT(5) "spec.ports[0].targetPort: \"http\": must be 1 to 65535" },
	{ "spec.ports[].targetPort", VALUE,
	  HEAD("Service") "spec:\n  ports: [{port: 80, targetPort: \"80\"}]\n",
	  AT(5) "spec.ports[0].targetPort: \"80\": must be 1 to 65535, without quotes" },
	{ "spec.endpoints", SHAPE,
	  SERVICE("  endpoints: {}\n"),
	  AT(6) "spec.endpoints: an empty mapping: must be a list of at most 1024 items, each "
	  "a mapping of address, port and weight" },
	{ "spec.endpoints", SHAPE,
	  SERVICE("  endpoints: [10.0.0.2]\n"),
	  AT(6) "spec.endpoints[0]: 10.0.0.2: must be a mapping of address, port and weight" },
	{ "spec.endpoints", VALUE,
	  SERVICE("  endpoints: [{addres: 10.0.0.2}]\n"),
	  AT(6) "spec.endpoints[0].addres: unknown field (did you mean \"address\"?); allowed "
	  "here: address, port, weight" },
	{ "spec.endpoints", COUNT,
	  SERVICE("  endpoints: [$1025 {address: 10.0.0.2, port: @}$]\n"),
	  AT(6) "spec.endpoints: 1025 items: must be a list of at most 1024 items, each a "
	  "mapping of address, port and weight" },
	{ "spec.endpoints", TWIN,
	  SERVICE("  endpoints:\n  - {address: 10.0.0.2, port: 80}\n  - {address: 10.0.0.3, port: "
	  "80}\n  - {address: 10.0.0.2, port: 80, weight: 2}\n"),
	  AT(9) "spec.endpoints[2]: 10.0.0.2:80: stands in the list twice, first in line 7" },
	{ "spec.endpoints[].address", MISSING,
	  SERVICE("  endpoints: [{port: 80}]\n"),
	  AT(6) "spec.endpoints[0].address: missing: must be an IPv4 or IPv6 address without "
	  "a port" },
	{ "spec.endpoints[].address", SHAPE,
	  SERVICE("  endpoints: [{address: [10.0.0.2]}]\n"),
	  AT(6) "spec.endpoints[0].address: a list: must be an IPv4 or IPv6 address without a "
	  "port" },
	{ "spec.endpoints[].address", VALUE,
	  SERVICE("  endpoints: [{address: 10.0.0}]\n"),
	  AT(6) "spec.endpoints[0].address: 10.0.0: must be an IPv4 or IPv6 address without a "
	  "port" },
	{ "spec.endpoints[].address", VALUE,
	  SERVICE("  endpoints: [{address: 10.0.0.2:80}]\n"),
	  AT(6) "spec.endpoints[0].address: \"10.0.0.2:80\": must be an IPv4 or IPv6 address "
	  "without a port" },
	{ "spec.endpoints[].address", VALUE,
	  SERVICE("  endpoints: [{address: 0.0.0.0}]\n"),
	  AT(6) "spec.endpoints[0].address: 0.0.0.0: must be the address of one host, neither "
	  "wildcard, multicast nor link-local" },
	{ "spec.endpoints[].address", VALUE,
	  SERVICE("  endpoints: [{address: host}]\n"),
	  AT(6) "spec.endpoints[0].address: \"host\": must be an IPv4 or IPv6 address without "
	  "a port" },
	{ "spec.endpoints[].port", SHAPE,
	  SERVICE("  endpoints: [{address: 10.0.0.2, port: }]\n"),
	  AT(6) "spec.endpoints[0].port: nothing: must be 1 to 65535" },
	{ "spec.endpoints[].port", VALUE,
	  SERVICE("  endpoints: [{address: 10.0.0.2, port: 0}]\n"),
	  AT(6) "spec.endpoints[0].port: 0: must be 1 to 65535" },
	{ "spec.endpoints[].port", VALUE,
	  SERVICE("  endpoints: [{address: 10.0.0.2, port: 65536}]\n"),
	  AT(6) "spec.endpoints[0].port: 65536: must be 1 to 65535" },
	{ "spec.endpoints[].port", VALUE,
	  SERVICE("  endpoints: [{address: 10.0.0.2, port: http}]\n"),
	  AT(6) "spec.endpoints[0].port: \"http\": must be 1 to 65535" },
	{ "spec.endpoints[].weight", SHAPE,
	  SERVICE("  endpoints: [{address: 10.0.0.2, weight: []}]\n"),
	  AT(6) "spec.endpoints[0].weight: a list: must be 1 to 65535" },
	{ "spec.endpoints[].weight", VALUE,
	  SERVICE("  endpoints: [{address: 10.0.0.2, weight: 0}]\n"),
	  AT(6) "spec.endpoints[0].weight: 0: must be 1 to 65535" },
	{ "spec.endpoints[].weight", VALUE,
	  SERVICE("  endpoints: [{address: 10.0.0.2, weight: 65536}]\n"),
	  AT(6) "spec.endpoints[0].weight: 65536: must be 1 to 65535" },
	{ "spec.endpoints[].weight", VALUE,
	  SERVICE("  endpoints: [{address: 10.0.0.2, weight: heavy}]\n"),
	  AT(6) "spec.endpoints[0].weight: \"heavy\": must be 1 to 65535" },
	{ "spec.identities", SHAPE,
	  SERVICE("  identities: shop/web\n"),
	  AT(6) "spec.identities: \"shop/web\": must be a list of 1 to 64 items, each a "
	  "SPIFFE ID or a path in the trust domain, a final '*' makes a prefix" },
	{ "spec.identities", SHAPE,
	  SERVICE("  identities: [{a: b}]\n"),
	  AT(6) "spec.identities[0]: a mapping: must be a SPIFFE ID or a path in the trust "
	  "domain, a final '*' makes a prefix" },
	{ "spec.identities", VALUE,
	  SERVICE("  identities: [\"\"]\n"),
	  AT(6) "spec.identities[0]: \"\": must be a SPIFFE ID or a path in the trust domain, "
	  "a final '*' makes a prefix" },
	{ "spec.identities", VALUE,
	  SERVICE("  identities: [/shop]\n"),
	  AT(6) "spec.identities[0]: \"/shop\": must be a SPIFFE ID or a path in the trust "
	  "domain, a final '*' makes a prefix: a part of the path is empty" },
	{ "spec.identities", VALUE,
	  SERVICE("  identities: [\"*/web\"]\n"),
	  AT(6) "spec.identities[0]: \"*/web\": must be a SPIFFE ID or a path in the trust "
	  "domain, a final '*' makes a prefix: '*' may only be the last character" },
	{ "spec.identities", VALUE,
	  SERVICE("  identities: [shop/*/web]\n"),
	  AT(6) "spec.identities[0]: \"shop/*/web\": must be a SPIFFE ID or a path in the "
	  "trust domain, a final '*' makes a prefix: '*' may only be the last character" },
	{ "spec.identities", VALUE,
	  SERVICE("  identities: [\"spiffe://example.or*\"]\n"),
	  AT(6) "spec.identities[0]: \"spiffe://example.or*\": must be a SPIFFE ID or a path "
	  "in the trust domain, a final '*' makes a prefix: a prefix holds the whole trust "
	  "domain and a '/' (spiffe://TRUST-DOMAIN/*)" },
	{ "spec.identities", VALUE,
	  SERVICE("  identities: [\"http://a/b\"]\n"),
	  AT(6) "spec.identities[0]: \"http://a/b\": must be a SPIFFE ID or a path in the "
	  "trust domain, a final '*' makes a prefix: not a SPIFFE ID "
	  "(spiffe://TRUST-DOMAIN/PATH)" },
	{ "spec.identities", VALUE,
	  SERVICE("  identities: [spiffe://EXAMPLE.org/web]\n"),
	  AT(6) "spec.identities[0]: \"spiffe://EXAMPLE.org/web\": must be a SPIFFE ID or a "
	  "path in the trust domain, a final '*' makes a prefix: a trust domain has only a-z, "
	  "0-9, '.', '-' and '_'" },
	{ "spec.identities", VALUE,
	  SERVICE("  identities: [shop/w%b]\n"),
	  AT(6) "spec.identities[0]: \"shop/w%b\": must be a SPIFFE ID or a path in the trust "
	  "domain, a final '*' makes a prefix: a path has only a-z, A-Z, 0-9, '.', '-', '_' "
	  "and '/'" },
	{ "spec.identities", COUNT,
	  SERVICE("  identities: []\n"),
	  AT(6) "spec.identities: an empty list: must be a list of 1 to 64 items, each a "
	  "SPIFFE ID or a path in the trust domain, a final '*' makes a prefix" },
	{ "spec.identities", COUNT,
	  SERVICE("  identities: [$65 w@$]\n"),
	  AT(6) "spec.identities: 65 items: must be a list of 1 to 64 items, each a SPIFFE ID "
	  "or a path in the trust domain, a final '*' makes a prefix" },
	{ "spec.identities", TWIN,
	  SERVICE("  identities: [shop/web, \"spiffe://example.org/shop/web\"]\n"),
	  AT(6) "spec.identities[1]: spiffe://example.org/shop/web: stands in the list twice, "
	  "first in line 6" },
	{ "spec.connectTimeout", SHAPE,
	  SERVICE("  connectTimeout: [2s]\n"),
	  AT(6) "spec.connectTimeout: a list: must be a duration from 10ms to 10m, such as "
	  "500ms or 2s" },
	{ "spec.connectTimeout", VALUE,
	  SERVICE("  connectTimeout: 2\n"),
	  AT(6) "spec.connectTimeout: 2: must be a duration from 10ms to 10m, such as 500ms "
	  "or 2s" },
	{ "spec.connectTimeout", VALUE,
	  SERVICE("  connectTimeout: 9ms\n"),
	  AT(6) "spec.connectTimeout: \"9ms\": must be a duration from 10ms to 10m, such as "
	  "500ms or 2s" },
	{ "spec.connectTimeout", VALUE,
	  SERVICE("  connectTimeout: 11m\n"),
	  AT(6) "spec.connectTimeout: \"11m\": must be a duration from 10ms to 10m, such as "
	  "500ms or 2s" },
	{ "spec.connectTimeout", VALUE,
	  SERVICE("  connectTimeout: 2 s\n"),
	  AT(6) "spec.connectTimeout: \"2 s\": must be a duration from 10ms to 10m, such as "
	  "500ms or 2s" },
	{ "spec.connectTimeout", VALUE,
	  SERVICE("  connectTimeout: soon\n"),
	  AT(6) "spec.connectTimeout: \"soon\": must be a duration from 10ms to 10m, such as "
	  "500ms or 2s" },
	{ "spec.connectTimeout", VALUE,
	  SERVICE("  connectTimeout: -2s\n"),
	  AT(6) "spec.connectTimeout: \"-2s\": must be a duration from 10ms to 10m, such as "
	  "500ms or 2s" },
	{ "spec.connectTimeout", VALUE,
	  SERVICE("  connectTimeout: 0\n"),
	  AT(6) "spec.connectTimeout: 0: must be a duration from 10ms to 10m, such as 500ms "
	  "or 2s" },
};

static void each_field_wrong_is_one_clear_error(void **state)
{
	check_wrongs(wrongs, WEFT_ARRAY_SIZE(wrongs));
}

static void no_field_is_without_its_wrong_cases(void **state)
{
	check_coverage(&weft_kind_service, wrongs, WEFT_ARRAY_SIZE(wrongs), 15);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_field_wrong_is_one_clear_error),
		cmocka_unit_test(no_field_is_without_its_wrong_cases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
