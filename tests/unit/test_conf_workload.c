// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Workload documents: each field wrong in each way, see conf_fields.h.
 */
#include "conf_fields.h"

#define WORKLOAD(spec) HEAD("Workload") "spec:\n  selectors: [{uid: 0}]\n" spec
#define SELECTOR(selector) HEAD("Workload") "spec:\n  selectors:\n  - " selector
#define AT(line) "t.yaml:" #line ": Workload \"web\": "

static const struct wrong wrongs[] = {
	{ "apiVersion", MISSING,
	  "kind: Workload\nmetadata: {name: web}\nspec: {selectors: [{uid: 0}]}\n",
	  "t.yaml:1: apiVersion: missing: must be weft/v1" },
	{ "apiVersion", SHAPE,
	  "apiVersion: [weft/v1]\nkind: Workload\nmetadata: {name: web}\nspec: {selectors: "
	  "[{uid: 0}]}\n",
	  "t.yaml:1: apiVersion: a list: must be weft/v1" },
	{ "apiVersion", VALUE,
	  "apiVersion: weft/v2\nkind: Workload\nmetadata: {name: web}\nspec: {selectors: "
	  "[{uid: 0}]}\n",
	  "t.yaml:1: apiVersion: \"weft/v2\": must be weft/v1" },
	{ "kind", MISSING,
	  "apiVersion: weft/v1\nmetadata: {name: web}\nspec: {selectors: [{uid: 0}]}\n",
	  "t.yaml:1: kind: missing: must be Workload, Service, AuthorizationPolicy, Revocation or Peer" },
	{ "kind", SHAPE,
	  "apiVersion: weft/v1\nkind: {Workload: }\nmetadata: {name: web}\nspec: {selectors: "
	  "[{uid: 0}]}\n",
	  "t.yaml:2: kind: a mapping: must be Workload, Service, AuthorizationPolicy, Revocation or Peer" },
	{ "kind", VALUE,
	  "apiVersion: weft/v1\nkind: workload\nmetadata: {name: web}\nspec: {selectors: "
	  "[{uid: 0}]}\n",
	  AT(2) "kind: \"workload\": must be Workload" },
	{ "metadata", MISSING,
	  "apiVersion: weft/v1\nkind: Workload\nspec: {selectors: [{uid: 0}]}\n",
	  "t.yaml:1: Workload: metadata: missing: must be a mapping of name" },
	{ "metadata", SHAPE,
	  "apiVersion: weft/v1\nkind: Workload\nmetadata: web\nspec: {selectors: [{uid: 0}]}\n",
	  "t.yaml:3: Workload: metadata: \"web\": must be a mapping of name" },
	{ "metadata", VALUE,
	  "apiVersion: weft/v1\nkind: Workload\nmetadata: {name: web, labels: {}}\nspec: "
	  "{selectors: [{uid: 0}]}\n",
	  AT(3) "metadata.labels: unknown field; allowed here: name" },
	{ "metadata.name", MISSING,
	  "apiVersion: weft/v1\nkind: Workload\nmetadata: {}\nspec: {selectors: [{uid: 0}]}\n",
	  "t.yaml:3: Workload: metadata.name: missing: must be a DNS name in lower case (RFC "
	  "1123)" },
	{ "metadata.name", SHAPE,
	  "apiVersion: weft/v1\nkind: Workload\nmetadata:\n  name: [web]\nspec: {selectors: "
	  "[{uid: 0}]}\n",
	  "t.yaml:4: Workload: metadata.name: a list: must be a DNS name in lower case (RFC "
	  "1123)" },
	{ "metadata.name", SHAPE,
	  "apiVersion: weft/v1\nkind: Workload\nmetadata:\n  name:\nspec: {selectors: [{uid: "
	  "0}]}\n",
	  "t.yaml:4: Workload: metadata.name: nothing: must be a DNS name in lower case (RFC "
	  "1123)" },
	{ "metadata.name", VALUE,
	  "apiVersion: weft/v1\nkind: Workload\nmetadata:\n  name: Web\nspec: {selectors: "
	  "[{uid: 0}]}\n",
	  "t.yaml:4: Workload \"Web\": metadata.name: \"Web\": must be a DNS name in lower "
	  "case (RFC 1123): not a DNS name (a-z, 0-9, '-' and '.')" },
	{ "metadata.name", VALUE,
	  "apiVersion: weft/v1\nkind: Workload\nmetadata:\n  name: -web\nspec: {selectors: "
	  "[{uid: 0}]}\n",
	  "t.yaml:4: Workload \"-web\": metadata.name: \"-web\": must be a DNS name in lower "
	  "case (RFC 1123): a label begins or ends with '-'" },
	{ "metadata.name", VALUE,
	  "apiVersion: weft/v1\nkind: Workload\nmetadata:\n  name: \"\"\nspec: {selectors: "
	  "[{uid: 0}]}\n",
	  "t.yaml:4: Workload \"\": metadata.name: \"\": must be a DNS name in lower case "
	  "(RFC 1123): empty" },
	{ "spec", MISSING,
	  HEAD("Workload"),
	  AT(1) "spec: missing: must be a mapping of identity, selectors, mode and ports" },
	{ "spec", SHAPE,
	  HEAD("Workload") "spec:\n",
	  AT(4) "spec: nothing: must be a mapping of identity, selectors, mode and ports" },
	{ "spec", SHAPE,
	  HEAD("Workload") "spec: []\n",
	  AT(4) "spec: a list: must be a mapping of identity, selectors, mode and ports" },
	{ "spec", VALUE,
	  HEAD("Workload") "spec: {spce: 1}\n",
	  AT(4) "spec.spce: unknown field; allowed here: identity, selectors, mode, ports" },
	{ "spec.identity", SHAPE,
	  WORKLOAD("  identity: [a]\n"),
	  AT(6) "spec.identity: a list: must be a SPIFFE ID of the trust domain, or a path in "
	  "it such as shop/cart" },
	{ "spec.identity", SHAPE,
	  WORKLOAD("  identity: \n"),
	  AT(6) "spec.identity: nothing: must be a SPIFFE ID of the trust domain, or a path "
	  "in it such as shop/cart" },
	{ "spec.identity", VALUE,
	  WORKLOAD("  identity: \"\"\n"),
	  AT(6) "spec.identity: \"\": must be a SPIFFE ID of the trust domain, or a path in "
	  "it such as shop/cart" },
	{ "spec.identity", VALUE,
	  WORKLOAD("  identity: /shop/web\n"),
	  AT(6) "spec.identity: \"/shop/web\": must be a SPIFFE ID of the trust domain, or a "
	  "path in it such as shop/cart: a part of the path is empty" },
	{ "spec.identity", VALUE,
	  WORKLOAD("  identity: shop//web\n"),
	  AT(6) "spec.identity: \"shop//web\": must be a SPIFFE ID of the trust domain, or a "
	  "path in it such as shop/cart: a part of the path is empty" },
	{ "spec.identity", VALUE,
	  WORKLOAD("  identity: shop/we b\n"),
	  AT(6) "spec.identity: \"shop/we b\": must be a SPIFFE ID of the trust domain, or a "
	  "path in it such as shop/cart: a path has only a-z, A-Z, 0-9, '.', '-', '_' and '/'" },
	{ "spec.identity", VALUE,
	  WORKLOAD("  identity: spiffe://example.org\n"),
	  AT(6) "spec.identity: \"spiffe://example.org\": must be a SPIFFE ID of the trust "
	  "domain, or a path in it such as shop/cart: a SPIFFE ID without a path is a trust "
	  "domain, not a workload" },
	{ "spec.identity", VALUE,
	  WORKLOAD("  identity: spiffe://elsewhere.org/web\n"),
	  AT(6) "spec.identity: \"spiffe://elsewhere.org/web\": must be in the trust domain "
	  "example.org, the one of this mesh" },
	{ "spec.identity", VALUE,
	  WORKLOAD("  identity: https://example.org/web\n"),
	  AT(6) "spec.identity: \"https://example.org/web\": must be a SPIFFE ID of the trust "
	  "domain, or a path in it such as shop/cart: not a SPIFFE ID "
	  "(spiffe://TRUST-DOMAIN/PATH)" },
	{ "spec.identity", VALUE,
	  WORKLOAD("  identity: shop/*\n"),
	  AT(6) "spec.identity: \"shop/*\": must be a SPIFFE ID of the trust domain, or a "
	  "path in it such as shop/cart: a path has only a-z, A-Z, 0-9, '.', '-', '_' and '/'" },
	{ "spec.identity", VALUE,
	  WORKLOAD("  identity: shop/..\n"),
	  AT(6) "spec.identity: \"shop/..\": must be a SPIFFE ID of the trust domain, or a "
	  "path in it such as shop/cart: a part of the path is '.' or '..'" },
	{ "spec.selectors", MISSING,
	  HEAD("Workload") "spec:\n  mode: strict\n",
	  AT(4) "spec.selectors: missing: must be a list of 1 to 64 items, each a mapping of "
	  "unit, cgroup, container, uid, gid, executable and sha256" },
	{ "spec.selectors", SHAPE,
	  HEAD("Workload") "spec:\n  selectors: {uid: 0}\n",
	  AT(5) "spec.selectors: a mapping: must be a list of 1 to 64 items, each a mapping "
	  "of unit, cgroup, container, uid, gid, executable and sha256" },
	{ "spec.selectors", SHAPE,
	  HEAD("Workload") "spec:\n  selectors: [nginx.service]\n",
	  AT(5) "spec.selectors[0]: \"nginx.service\": must be a mapping of unit, cgroup, "
	  "container, uid, gid, executable and sha256" },
	{ "spec.selectors", SHAPE,
	  HEAD("Workload") "spec:\n  selectors:\n  -\n",
	  AT(6) "spec.selectors[0]: nothing: must be a mapping of unit, cgroup, "
	  "container, uid, gid, executable and sha256" },
	{ "spec.selectors", VALUE,
	  SELECTOR("sha256: 0000000000000000000000000000000000000000000000000000000000000000\n"),
	  AT(6) "spec.selectors[0]: a mapping: must have executable too, which sha256 is of" },
	{ "spec.selectors", VALUE,
	  HEAD("Workload") "spec:\n  selectors: [{}]\n",
	  AT(5) "spec.selectors[0]: an empty mapping: must have at least one of unit, cgroup, "
	  "container, uid, gid and executable" },
	{ "spec.selectors", VALUE,
	  HEAD("Workload") "spec:\n  selectors: [{pid: 33}]\n",
	  AT(5) "spec.selectors[0].pid: unknown field (did you mean \"uid\"?); allowed here: "
	  "unit, cgroup, container, uid, gid, executable, sha256" },
	{ "spec.selectors", COUNT,
	  HEAD("Workload") "spec:\n  selectors: []\n",
	  AT(5) "spec.selectors: an empty list: must be a list of 1 to 64 items, each a "
	  "mapping of unit, cgroup, container, uid, gid, executable and sha256" },
	{ "spec.selectors", COUNT,
	  HEAD("Workload") "spec:\n  selectors: [$65 {uid: @}$]\n",
	  AT(5) "spec.selectors: 65 items: must be a list of 1 to 64 items, each a mapping of "
	  "unit, cgroup, container, uid, gid, executable and sha256" },
	{ "spec.selectors", TWIN,
	  HEAD("Workload") "spec:\n  selectors:\n  - {uid: 33, unit: nginx.service}\n"
	  "  - {uid: 0}\n  - unit: nginx.service\n    uid: 33\n",
	  AT(8) "spec.selectors[2]: unit nginx.service, uid 33: stands in the list twice, "
	  "first in line 6" },
	{ "spec.selectors[].unit", SHAPE,
	  SELECTOR("unit: []\n"),
	  AT(6) "spec.selectors[0].unit: a list: must be the whole name of a unit, such as "
	  "nginx.service" },
	{ "spec.selectors[].unit", SHAPE,
	  SELECTOR("unit:\n"),
	  AT(6) "spec.selectors[0].unit: nothing: must be the whole name of a unit, such as "
	  "nginx.service" },
	{ "spec.selectors[].unit", VALUE,
	  SELECTOR("unit: nginx\n"),
	  AT(6) "spec.selectors[0].unit: \"nginx\": must be the whole name of a unit, such as "
	  "nginx.service" },
	{ "spec.selectors[].unit", VALUE,
	  SELECTOR("unit: .service\n"),
	  AT(6) "spec.selectors[0].unit: \".service\": must be the whole name of a unit, such "
	  "as nginx.service" },
	{ "spec.selectors[].unit", VALUE,
	  SELECTOR("unit: nginx.\n"),
	  AT(6) "spec.selectors[0].unit: \"nginx.\": must be the whole name of a unit, such "
	  "as nginx.service" },
	{ "spec.selectors[].unit", VALUE,
	  SELECTOR("unit: system.slice/nginx.service\n"),
	  AT(6) "spec.selectors[0].unit: \"system.slice/nginx.service\": must be the whole "
	  "name of a unit, such as nginx.service" },
	{ "spec.selectors[].unit", VALUE,
	  SELECTOR("unit: \"\"\n"),
	  AT(6) "spec.selectors[0].unit: \"\": must be the whole name of a unit, such as "
	  "nginx.service" },
	{ "spec.selectors[].cgroup", SHAPE,
	  SELECTOR("cgroup: []\n"),
	  AT(6) "spec.selectors[0].cgroup: a list: must be an absolute path in cgroup v2 in "
	  "its shortest form, such as /system.slice/nginx.service" },
	{ "spec.selectors[].cgroup", SHAPE,
	  SELECTOR("cgroup:\n"),
	  AT(6) "spec.selectors[0].cgroup: nothing: must be an absolute path in cgroup v2 in "
	  "its shortest form, such as /system.slice/nginx.service" },
	{ "spec.selectors[].cgroup", VALUE,
	  SELECTOR("cgroup: system.slice\n"),
	  AT(6) "spec.selectors[0].cgroup: \"system.slice\": must be an absolute path in "
	  "cgroup v2 in its shortest form, such as /system.slice/nginx.service" },
	{ "spec.selectors[].cgroup", VALUE,
	  SELECTOR("cgroup: /system.slice/\n"),
	  AT(6) "spec.selectors[0].cgroup: \"/system.slice/\": must be an absolute path in "
	  "cgroup v2 in its shortest form, such as /system.slice/nginx.service" },
	{ "spec.selectors[].cgroup", VALUE,
	  SELECTOR("cgroup: /a//b\n"),
	  AT(6) "spec.selectors[0].cgroup: \"/a//b\": must be an absolute path in cgroup v2 "
	  "in its shortest form, such as /system.slice/nginx.service" },
	{ "spec.selectors[].cgroup", VALUE,
	  SELECTOR("cgroup: /a/../b\n"),
	  AT(6) "spec.selectors[0].cgroup: \"/a/../b\": must be an absolute path in cgroup v2 "
	  "in its shortest form, such as /system.slice/nginx.service" },
	{ "spec.selectors[].cgroup", VALUE,
	  SELECTOR("cgroup: /a/..\n"),
	  AT(6) "spec.selectors[0].cgroup: \"/a/..\": must be an absolute path in cgroup v2 "
	  "in its shortest form, such as /system.slice/nginx.service" },
	{ "spec.selectors[].cgroup", VALUE,
	  SELECTOR("cgroup: /a/.\n"),
	  AT(6) "spec.selectors[0].cgroup: \"/a/.\": must be an absolute path in cgroup v2 in "
	  "its shortest form, such as /system.slice/nginx.service" },
	{ "spec.selectors[].cgroup", VALUE,
	  SELECTOR("cgroup: /sys/fs/cgroup/system.slice\n"),
	  AT(6) "spec.selectors[0].cgroup: \"/sys/fs/cgroup/system.slice\": must be an "
	  "absolute path in cgroup v2 in its shortest form, such as "
	  "/system.slice/nginx.service, without /sys/fs/cgroup" },
	{ "spec.selectors[].cgroup", VALUE,
	  SELECTOR("cgroup: \"\"\n"),
	  AT(6) "spec.selectors[0].cgroup: \"\": must be an absolute path in cgroup v2 in its "
	  "shortest form, such as /system.slice/nginx.service" },
	{ "spec.selectors[].container", SHAPE,
	  SELECTOR("container: []\n"),
	  AT(6) "spec.selectors[0].container: a list: must be the first 12 to 64 lower-case "
	  "hexadecimal digits of a container's id" },
	{ "spec.selectors[].container", SHAPE,
	  SELECTOR("container:\n"),
	  AT(6) "spec.selectors[0].container: nothing: must be the first 12 to 64 lower-case "
	  "hexadecimal digits of a container's id" },
	{ "spec.selectors[].container", VALUE,
	  SELECTOR("container: web\n"),
	  AT(6) "spec.selectors[0].container: \"web\": must be the first 12 to 64 lower-case "
	  "hexadecimal digits of a container's id" },
	{ "spec.selectors[].container", VALUE,
	  SELECTOR("container: 0123456789a\n"),
	  AT(6) "spec.selectors[0].container: \"0123456789a\": must be the first 12 to 64 lower-case "
	  "hexadecimal digits of a container's id" },
	{ "spec.selectors[].container", VALUE,
	  SELECTOR("container: 0123456789AB\n"),
	  AT(6) "spec.selectors[0].container: \"0123456789AB\": must be the first 12 to 64 lower-case "
	  "hexadecimal digits of a container's id" },
	{ "spec.selectors[].container", VALUE,
	  SELECTOR("container: docker-0123456789ab\n"),
	  AT(6) "spec.selectors[0].container: \"docker-0123456789ab\": must be the first 12 to 64 lower-case "
	  "hexadecimal digits of a container's id" },
	{ "spec.selectors[].container", VALUE,
	  SELECTOR("container: \"\"\n"),
	  AT(6) "spec.selectors[0].container: \"\": must be the first 12 to 64 lower-case "
	  "hexadecimal digits of a container's id" },
	{ "spec.selectors[].executable", SHAPE,
	  SELECTOR("executable: []\n"),
	  AT(6) "spec.selectors[0].executable: a list: must be the absolute path of an "
	  "executable in its shortest form, such as /usr/sbin/nginx" },
	{ "spec.selectors[].executable", SHAPE,
	  SELECTOR("executable:\n"),
	  AT(6) "spec.selectors[0].executable: nothing: must be the absolute path of an "
	  "executable in its shortest form, such as /usr/sbin/nginx" },
	{ "spec.selectors[].executable", VALUE,
	  SELECTOR("executable: nginx\n"),
	  AT(6) "spec.selectors[0].executable: \"nginx\": must be the absolute path of an "
	  "executable in its shortest form, such as /usr/sbin/nginx" },
	{ "spec.selectors[].executable", VALUE,
	  SELECTOR("executable: /\n"),
	  AT(6) "spec.selectors[0].executable: \"/\": must be the absolute path of an "
	  "executable in its shortest form, such as /usr/sbin/nginx" },
	{ "spec.selectors[].executable", VALUE,
	  SELECTOR("executable: /usr/bin/\n"),
	  AT(6) "spec.selectors[0].executable: \"/usr/bin/\": must be the absolute path of an "
	  "executable in its shortest form, such as /usr/sbin/nginx" },
	{ "spec.selectors[].executable", VALUE,
	  SELECTOR("executable: /usr/bin/../sbin/nginx\n"),
	  AT(6) "spec.selectors[0].executable: \"/usr/bin/../sbin/nginx\": must be the "
	  "absolute path of an executable in its shortest form, such as /usr/sbin/nginx" },
	{ "spec.selectors[].sha256", SHAPE,
	  SELECTOR("executable: /b\n    sha256: []\n"),
	  AT(7) "spec.selectors[0].sha256: a list: "
	  "must be a SHA-256 as sha256sum "
	  "writes it, 64 lower-case hexadecimal digits" },
	{ "spec.selectors[].sha256", SHAPE,
	  SELECTOR("executable: /b\n    sha256:\n"),
	  AT(7) "spec.selectors[0].sha256: nothing: "
	  "must be a SHA-256 as sha256sum "
	  "writes it, 64 lower-case hexadecimal digits" },
	{ "spec.selectors[].sha256", VALUE,
	  SELECTOR("executable: /b\n    sha256: \"000000000000000000000000000000000000000000000000000000000000000\"\n"),
	  AT(7) "spec.selectors[0].sha256: \"000000000000000000000000000000000000000000000000000000000000000\": "
	  "must be a SHA-256 as sha256sum "
	  "writes it, 64 lower-case hexadecimal digits" },
	{ "spec.selectors[].sha256", VALUE,
	  SELECTOR("executable: /b\n    sha256: \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"\n"),
	  AT(7) "spec.selectors[0].sha256: \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\": "
	  "must be a SHA-256 as sha256sum "
	  "writes it, 64 lower-case hexadecimal digits" },
	{ "spec.selectors[].uid", SHAPE,
	  SELECTOR("uid: []\n"),
	  AT(6) "spec.selectors[0].uid: a list: must be 0 to 4294967294" },
	{ "spec.selectors[].uid", SHAPE,
	  SELECTOR("uid:\n"),
	  AT(6) "spec.selectors[0].uid: nothing: must be 0 to 4294967294" },
	{ "spec.selectors[].uid", VALUE,
	  SELECTOR("uid: -1\n"),
	  AT(6) "spec.selectors[0].uid: -1: must be 0 to 4294967294" },
	{ "spec.selectors[].uid", VALUE,
	  SELECTOR("uid: 4294967295\n"),
	  AT(6) "spec.selectors[0].uid: 4294967295: must be 0 to 4294967294" },
	{ "spec.selectors[].uid", VALUE,
	  SELECTOR("uid: root\n"),
	  AT(6) "spec.selectors[0].uid: \"root\": must be 0 to 4294967294" },
	{ "spec.selectors[].uid", VALUE,
	  SELECTOR("uid: 0x10\n"),
	  AT(6) "spec.selectors[0].uid: \"0x10\": must be 0 to 4294967294" },
	{ "spec.selectors[].uid", VALUE,
	  SELECTOR("uid: 1e3\n"),
	  AT(6) "spec.selectors[0].uid: \"1e3\": must be 0 to 4294967294" },
	{ "spec.selectors[].uid", VALUE,
	  SELECTOR("uid: 010\n"),
	  AT(6) "spec.selectors[0].uid: 010: must be 0 to 4294967294, without a leading 0" },
	{ "spec.selectors[].uid", VALUE,
	  SELECTOR("uid: \"33\"\n"),
	  AT(6) "spec.selectors[0].uid: \"33\": must be 0 to 4294967294, without quotes" },
	{ "spec.selectors[].uid", VALUE,
	  SELECTOR("uid: 3.5\n"),
	  AT(6) "spec.selectors[0].uid: 3.5: must be 0 to 4294967294" },
	{ "spec.selectors[].uid", VALUE,
	  SELECTOR("uid: 99999999999999999999999\n"),
	  AT(6) "spec.selectors[0].uid: 99999999999999999999999: must be 0 to 4294967294" },
	{ "spec.selectors[].gid", SHAPE,
	  SELECTOR("gid: {}\n"),
	  AT(6) "spec.selectors[0].gid: an empty mapping: must be 0 to 4294967294" },
	{ "spec.selectors[].gid", VALUE,
	  SELECTOR("gid: 4294967295\n"),
	  AT(6) "spec.selectors[0].gid: 4294967295: must be 0 to 4294967294" },
	{ "spec.mode", SHAPE,
	  WORKLOAD("  mode: [strict]\n"),
	  AT(6) "spec.mode: a list: must be disabled, permissive or strict" },
	{ "spec.mode", SHAPE,
	  WORKLOAD("  mode: \n"),
	  AT(6) "spec.mode: nothing: must be disabled, permissive or strict" },
	{ "spec.mode", VALUE,
	  WORKLOAD("  mode: tls\n"),
	  AT(6) "spec.mode: \"tls\": must be disabled, permissive or strict" },
	{ "spec.mode", VALUE,
	  WORKLOAD("  mode: default\n"),
	  AT(6) "spec.mode: \"default\": must be disabled, permissive or strict" },
	{ "spec.mode", VALUE,
	  WORKLOAD("  mode: \"\"\n"),
	  AT(6) "spec.mode: \"\": must be disabled, permissive or strict" },
	{ "spec.ports", SHAPE,
	  WORKLOAD("  ports: 80\n"),
	  AT(6) "spec.ports: 80: must be a list of at most 64 items, each a mapping of port "
	  "and mode" },
	{ "spec.ports", SHAPE,
	  WORKLOAD("  ports: [80]\n"),
	  AT(6) "spec.ports[0]: 80: must be a mapping of port and mode" },
	{ "spec.ports", VALUE,
	  WORKLOAD("  ports: [{port: 80, mod: strict}]\n"),
	  AT(6) "spec.ports[0].mod: unknown field (did you mean \"mode\"?); allowed here: "
	  "port, mode" },
	{ "spec.ports", COUNT,
	  WORKLOAD("  ports: [$65 {port: @, mode: strict}$]\n"),
	  AT(6) "spec.ports: 65 items: must be a list of at most 64 items, each a mapping of "
	  "port and mode" },
	{ "spec.ports", TWIN,
	  WORKLOAD("  ports:\n  - {port: 80, mode: strict}\n  - {port: 80, mode: disabled}\n"),
	  AT(8) "spec.ports[1]: 80: stands in the list twice, first in line 7" },
	{ "spec.ports[].port", MISSING,
	  WORKLOAD("  ports: [{mode: strict}]\n"),
	  AT(6) "spec.ports[0].port: missing: must be 1 to 65535" },
	{ "spec.ports[].mode", MISSING,
	  WORKLOAD("  ports: [{port: 80}]\n"),
	  AT(6) "spec.ports[0].mode: missing: must be disabled, permissive or strict" },
	{ "spec.ports[].mode", SHAPE,
	  WORKLOAD("  ports: [{port: 80, mode: {}}]\n"),
	  AT(6) "spec.ports[0].mode: an empty mapping: must be disabled, permissive or strict" },
	{ "spec.ports[].mode", VALUE,
	  WORKLOAD("  ports: [{port: 80, mode: off}]\n"),
	  AT(6) "spec.ports[0].mode: \"off\": must be disabled, permissive or strict" },
	{ "spec.ports[].port", SHAPE,
	  WORKLOAD("  ports: [{port: [80], mode: strict}]\n"),
	  AT(6) "spec.ports[0].port: a list: must be 1 to 65535" },
	{ "spec.ports[].port", VALUE,
	  WORKLOAD("  ports: [{port: 0, mode: strict}]\n"),
	  AT(6) "spec.ports[0].port: 0: must be 1 to 65535" },
	{ "spec.ports[].port", VALUE,
	  WORKLOAD("  ports: [{port: 65536, mode: strict}]\n"),
	  AT(6) "spec.ports[0].port: 65536: must be 1 to 65535" },
	{ "spec.ports[].port", VALUE,
	  WORKLOAD("  ports: [{port: http, mode: strict}]\n"),
	  AT(6) "spec.ports[0].port: \"http\": must be 1 to 65535" },
};

static void each_field_wrong_is_one_clear_error(void **state)
{
	check_wrongs(wrongs, WEFT_ARRAY_SIZE(wrongs));
}

static void no_field_is_without_its_wrong_cases(void **state)
{
	check_coverage(&weft_kind_workload, wrongs, WEFT_ARRAY_SIZE(wrongs), 18);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_field_wrong_is_one_clear_error),
		cmocka_unit_test(no_field_is_without_its_wrong_cases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
