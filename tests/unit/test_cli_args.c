// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * weftctl: what is wrong with a command line, word for word; abbreviations, help,
 * exit codes. The module is never reached: there is none.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <linux/weft.h>
#include "base/array.h"
#include "cli/command.h"
#include "cli_run.h"

#define NO_MODULE "weftctl: the weft module is not loaded in this kernel (modprobe weft)\n"
#define ID "spiffe://x/a"
#define SHA256 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

#define OPTIONS \
	"(-j, -h, -V; of status --state-dir; of apply --confirm, --state-dir; of simulate and " \
	"suggest --since, --journal, --file, --state-dir; of suggest --refused)"
#define NOT_A_TIME \
	"not a time such as 7d, \"2 hours ago\", yesterday, \"2026-11-27 14:00\" or @1764000000"

struct mistake {
	const char *line, *err;
};

static const struct mistake wrong[] = {
	/* objects, verbs, options */
	{ "nosuch", "\"nosuch\": no such object (status, service, endpoint, workload, policy, "
		    "revocation, peer, apply, simulate, suggest, conn, ca, monitor, explain, selftest)" },
	{ "s", "\"s\" is ambiguous: status, service, simulate, suggest, selftest" },
	{ "se", "\"se\" is ambiguous: service, selftest" },
	{ "c", "\"c\" is ambiguous: conn, ca" },
	{ "p", "\"p\" is ambiguous: policy, peer" },
	{ "e", "\"e\" is ambiguous: endpoint, explain" },
	{ "~", "\"\": no such object (status, service, endpoint, workload, policy, "
	       "revocation, peer, apply, simulate, suggest, conn, ca, monitor, explain, selftest)" },
	{ "service frob", "service: \"frob\": no such verb (show, add, replace, del)" },
	{ "conn add", "conn: \"add\": no such verb (show, del)" },
	{ "-x", "\"-x\": no such option " OPTIONS },
	{ "service show web --frob", "\"--frob\": no such option " OPTIONS },
	{ "status show x", "\"x\": nothing more is expected here" },
	{ "selftest x", "\"x\": nothing more is expected here" },
	{ "monitor all", "\"all\": nothing more is expected here" },
	{ "service show a b", "service \"a\": \"b\": nothing more is expected here" },

	/* service */
	{ "service add", "service: which one? A name is needed" },
	{ "service del", "service: which one? A name is needed" },
	{ "service del web now", "service \"web\": \"now\": nothing more is expected here" },
	{ "service add We_b port 80",
	  "service \"We_b\": not a DNS name (a-z, 0-9, '-' and '.')" },
	{ "service add ~ port 80", "service \"\": empty" },
	{ "service add web", "service \"web\": port: at least one is needed" },
	{ "service add web port", "service \"web\": port: a value is needed" },
	{ "service add web port 0", "service \"web\": port \"0\": not a port (1 to 65535)" },
	{ "service add web port 65536",
	  "service \"web\": port \"65536\": not a port (1 to 65535)" },
	{ "service add web port 123456789:1",
	  "service \"web\": port \"123456789:1\": not a port (1 to 65535)" },
	{ "service add web port 80:",
	  "service \"web\": port \"80:\": not PORT or PORT:TARGET (1 to 65535)" },
	{ "service add web port 80:x",
	  "service \"web\": port \"80:x\": not PORT or PORT:TARGET (1 to 65535)" },
	{ "service add web address",
	  "service \"web\": address: a value is needed" },
	{ "service add web address 10.0.0",
	  "service \"web\": address \"10.0.0\": not an IPv4 or IPv6 address (a port goes into "
	  "\"port\")" },
	{ "service add web address 10.0.0.1:80",
	  "service \"web\": address \"10.0.0.1:80\": not an IPv4 or IPv6 address (a port goes into "
	  "\"port\")" },
	{ "service add web address 224.0.0.1",
	  "service \"web\": address \"224.0.0.1\": not the address of one host" },
	{ "service add web identity web",
	  "service \"web\": identity \"web\": not a SPIFFE ID (spiffe://TRUST-DOMAIN/PATH)" },
	{ "service add web identity spiffe://x*",
	  "service \"web\": identity \"spiffe://x*\": a prefix holds the whole trust domain and a "
	  "'/' (spiffe://TRUST-DOMAIN/*)" },
	{ "service add web connect-timeout 5x",
	  "service \"web\": connect-timeout \"5x\": not a duration (10ms to 600s)" },
	{ "service add web connect-timeout 9ms",
	  "service \"web\": connect-timeout \"9ms\": not a duration (10ms to 600s)" },
	{ "service add web connect-timeout 601s",
	  "service \"web\": connect-timeout \"601s\": not a duration (10ms to 600s)" },
	{ "service add web connect-timeout 0",
	  "service \"web\": connect-timeout \"0\": not a duration (10ms to 600s)" },
	{ "service add web connect-timeout 1s connect-timeout 1s",
	  "service \"web\": connect-timeout: given twice" },
	{ "service add web prot 80",
	  "service \"web\": \"prot\": unknown word (address, port, identity, connect-timeout)" },

	/* endpoint */
	{ "endpoint add", "endpoint: service: is needed" },
	{ "endpoint add service web", "endpoint of service \"web\": address: is needed" },
	{ "endpoint add address 10.0.0.1", "endpoint: service: is needed" },
	{ "endpoint add service", "endpoint: service: a value is needed" },
	{ "endpoint add service W",
	  "endpoint: service \"W\": not a DNS name (a-z, 0-9, '-' and '.')" },
	{ "endpoint add service web service web",
	  "endpoint of service \"web\": service: given twice" },
	{ "endpoint add service web address fd00::1:80:99999",
	  "endpoint of service \"web\": address \"fd00::1:80:99999\": not ADDRESS or ADDRESS:PORT "
	  "([IPv6]:PORT)" },
	{ "endpoint add service web address 0.0.0.0:80",
	  "endpoint of service \"web\": address \"0.0.0.0:80\": not the address of one host" },
	{ "endpoint add service web address 10.0.0.1 address 10.0.0.2",
	  "endpoint of service \"web\": address: given twice" },
	{ "endpoint add service web weight 0",
	  "endpoint of service \"web\": weight \"0\": not a number from 1 to 65535" },
	{ "endpoint add service web weight 65536",
	  "endpoint of service \"web\": weight \"65536\": not a number from 1 to 65535" },
	{ "endpoint add service web weight 1 weight 1",
	  "endpoint of service \"web\": weight: given twice" },
	{ "endpoint add web",
	  "endpoint: \"web\": unknown word (service, address, weight)" },
	{ "endpoint del service web weight 1",
	  "endpoint of service \"web\": \"weight\": unknown word (service, address)" },
	{ "endpoint show address 10.0.0.1", "endpoint: \"address\": unknown word (service)" },

	/* workload */
	{ "workload add web unit a", "workload \"web\": identity: is needed "
				     "(spiffe://TRUST-DOMAIN/PATH)" },
	{ "workload add web identity " ID,
	  "workload \"web\": a selector is needed (unit, cgroup, container, uid, gid, exe)" },
	{ "workload add web identity spiffe://x",
	  "workload \"web\": identity \"spiffe://x\": a SPIFFE ID without a path is a trust "
	  "domain, not a workload" },
	{ "workload add web identity spiffe://x/*",
	  "workload \"web\": identity \"spiffe://x/*\": a path has only a-z, A-Z, 0-9, '.', '-', "
	  "'_' and '/'" },
	{ "workload add web identity " ID " identity " ID,
	  "workload \"web\": identity: given twice" },
	{ "workload add web unit /a/b",
	  "workload \"web\": unit \"/a/b\": not the last part of a cgroup path (nginx.service)" },
	{ "workload add web unit a unit b", "workload \"web\": unit: given twice" },
	{ "workload add web cgroup a", "workload \"web\": cgroup \"a\": not an absolute path" },
	{ "workload add web container 0123456789a",
	  "workload \"web\": container \"0123456789a\": not the first 12 to 64 lower-case "
	  "hexadecimal digits of a container's id" },
	{ "workload add web exe /a/../b",
	  "workload \"web\": exe \"/a/../b\": a path with an empty, '.' or '..' part or a final "
	  "'/'" },
	{ "workload add web exe /b sha256 0123",
	  "workload \"web\": sha256 \"0123\": not 64 lower-case hexadecimal digits, as "
	  "sha256sum writes them" },
	{ "workload add web identity " ID " unit a sha256 " SHA256,
	  "workload \"web\": sha256: needs the path, exe, in the same selector" },
	{ "workload add web uid root",
	  "workload \"web\": uid \"root\": not a number from 0 to 4294967294" },
	{ "workload add web uid 4294967295",
	  "workload \"web\": uid \"4294967295\": not a number from 0 to 4294967294" },
	{ "workload add web uid 1 uid 2", "workload \"web\": uid: given twice" },
	{ "workload add web gid 1 uid 1 gid 2", "workload \"web\": gid: given twice" },
	{ "workload add web gid 4294967295",
	  "workload \"web\": gid \"4294967295\": not a number from 0 to 4294967294" },
	{ "workload add web or unit a",
	  "workload \"web\": or: a selector (unit, cgroup, container, uid, gid, exe) goes before it" },
	{ "workload add web unit a or or unit b",
	  "workload \"web\": or: a selector (unit, cgroup, container, uid, gid, exe) goes before it" },
	{ "workload add web identity " ID " unit a or",
	  "workload \"web\": or: a selector (unit, cgroup, container, uid, gid, exe) goes after it" },
	{ "workload add web mode off",
	  "workload \"web\": mode \"off\": not a mode (strict, permissive or disabled)" },
	{ "workload add web mode default",
	  "workload \"web\": mode \"default\": not a mode (strict, permissive or disabled)" },
	{ "workload add web mode strict mode strict", "workload \"web\": mode: given twice" },
	{ "workload add web port 80",
	  "workload \"web\": port \"80\": not PORT:MODE (strict, permissive or disabled)" },
	{ "workload add web port 80:off",
	  "workload \"web\": port \"80:off\": not a mode (strict, permissive or disabled)" },
	{ "workload add web port x:strict",
	  "workload \"web\": port \"x:strict\": not a port (1 to 65535)" },
	{ "workload add web user 3",
	  "workload \"web\": \"user\": unknown word (identity, unit, cgroup, container, uid, gid, "
	  "exe, sha256, or, mode, port)" },

	/* revocation */
	{ "revocation add r", "revocation \"r\": an identity or a serial is needed" },
	{ "revocation add r identity shop",
	  "revocation \"r\": identity \"shop\": not a SPIFFE ID (spiffe://TRUST-DOMAIN/PATH)" },
	{ "revocation add r serial", "revocation \"r\": serial: a value is needed" },
	{ "revocation add r serial 0a1",
	  "revocation \"r\": serial \"0a1\": not bytes of two digits each (0-9, a-f), with or "
	  "without ':' between them" },
	{ "revocation add r serial 112233445566778899aabbccddeeff001122334455",
	  "revocation \"r\": serial \"112233445566778899aabbccddeeff001122334455\": longer than 20 "
	  "bytes" },
	{ "revocation add r from " ID, "revocation \"r\": \"from\": unknown word (identity, serial)" },

	/* peer */
	{ "peer add r", "peer \"r\": an ipblock is needed" },
	{ "peer add r ipblock", "peer \"r\": ipblock: a value is needed" },
	{ "peer add r ipblock 10.77.0.1/24",
	  "peer \"r\": ipblock \"10.77.0.1/24\": bits behind the prefix are not 0" },
	{ "peer add r ipblock fd00:77::/129",
	  "peer \"r\": ipblock \"fd00:77::/129\": not an IP block, such as 10.0.0.0/8" },
	{ "peer add r ipblock rack-7",
	  "peer \"r\": ipblock \"rack-7\": not an IP block, such as 10.0.0.0/8" },
	{ "peer add r address 10.77.0.1", "peer \"r\": \"address\": unknown word (ipblock)" },

	/* policy */
	{ "policy add p", "policy \"p\": action: is needed (allow, deny or audit)" },
	{ "policy add p action", "policy \"p\": action: a value is needed" },
	{ "policy add p action permit", "policy \"p\": action \"permit\": not allow, deny or audit" },
	{ "policy add p action deny action deny", "policy \"p\": action: given twice" },
	{ "policy add p workload W",
	  "policy \"p\": workload \"W\": not a DNS name (a-z, 0-9, '-' and '.')" },
	{ "policy add p from shop",
	  "policy \"p\": from \"shop\": not a SPIFFE ID (spiffe://TRUST-DOMAIN/PATH)" },
	{ "policy add p scope-identity shop",
	  "policy \"p\": scope-identity \"shop\": not a SPIFFE ID (spiffe://TRUST-DOMAIN/PATH)" },
	{ "policy add p scope-port 0",
	  "policy \"p\": scope-port \"0\": not a port (1 to 65535)" },
	{ "policy add p port 80:90", "policy \"p\": port \"80:90\": not a port (1 to 65535)" },
	{ "policy add p ipblock 10.0.0.0/33",
	  "policy \"p\": ipblock \"10.0.0.0/33\": not an IP block, such as 10.0.0.0/8" },
	{ "policy add p ipblock 10.0.0.1/8",
	  "policy \"p\": ipblock \"10.0.0.1/8\": bits behind the prefix are not 0" },
	{ "policy add p any ipblock ::/0",
	  "policy \"p\": any: is a rule by itself, \"or\" goes between rules" },
	{ "policy add p any port 80",
	  "policy \"p\": any: is a rule by itself, \"or\" goes between rules" },
	{ "policy add p port 80 any",
	  "policy \"p\": any: is a rule by itself, \"or\" goes between rules" },
	{ "policy add p or port 80",
	  "policy \"p\": or: a rule (any, from, ipblock, port) goes before it" },
	{ "policy add p port 80 or",
	  "policy \"p\": or: a rule (any, from, ipblock, port) goes after it" },
	{ "policy add p to 80",
	  "policy \"p\": \"to\": unknown word (action, workload, scope-identity, scope-port, from, "
	  "ipblock, port, any, or)" },

	/* conn, explain */
	{ "conn show x", "conn \"x\": not a number from 1 to 18446744073709551615" },
	{ "conn del", "conn: a value is needed" },
	{ "conn del 0", "conn \"0\": not a number from 1 to 18446744073709551615" },
	{ "conn del 18446744073709551616",
	  "conn \"18446744073709551616\": not a number from 1 to 18446744073709551615" },
	{ "explain", "conn: a value is needed" },
	{ "explain 5 6", "conn 5: \"6\": nothing more is expected here" },

	/* apply */
	{ "apply nosuch", "apply: \"nosuch\": no such verb (show, confirm, rollback)" },
	{ "apply a.txt", "file \"a.txt\": weftd reads *.yaml, *.yml and *.json that are not hidden; "
			 "rename it" },
	{ "apply x/.a.yaml", "file \"x/.a.yaml\": weftd reads *.yaml, *.yml and *.json that are not "
			     "hidden; rename it" },
	{ "apply ./a\nb.yaml", "file \"./a\\x0ab.yaml\": a control character in its name; rename it" },
	{ "apply a.yaml --confirm", "--confirm: a value is needed" },
	{ "apply a.yaml --confirm 4999ms",
	  "--confirm \"4999ms\": not a time from 5s to 1h, such as 60s" },
	{ "apply a.yaml --confirm=1h1s",
	  "--confirm \"1h1s\": not a time from 5s to 1h, such as 60s" },
	{ "apply --confirm 60 a.yaml", "--confirm \"60\": not a time from 5s to 1h, such as 60s" },
	{ "apply a.yaml --confirmed 60s", "\"--confirmed\": no such option " OPTIONS },
	{ "apply show a.yaml", "\"a.yaml\": nothing more is expected here" },
	{ "apply confirm now", "\"now\": nothing more is expected here" },
	{ "apply confirm --confirm 60s", "--confirm: goes with the files that are applied" },
	{ "apply --confirm 60s", "--confirm: goes with the files that are applied" },
	{ "status --confirm 60s", "status: has no option --confirm, see weftctl status -h" },
	{ "service show --state-dir /x",
	  "service: has no option --state-dir, see weftctl service -h" },
	{ "apply a.yaml --since 7d", "apply: has no option --since, see weftctl apply -h" },
	{ "conn --refused", "conn: has no option --refused, see weftctl conn -h" },

	/* suggest */
	{ "suggest We_b", "workload \"We_b\": not a DNS name (a-z, 0-9, '-' and '.')" },
	{ "suggest -j", "suggest: it prints documents, which are YAML; leave -j out" },
	{ "suggest --since soon", "--since \"soon\": " NOT_A_TIME },
	{ "suggest --journal /a --file /b", "--journal, --file: only one of them" },
	{ "--file simulate suggest We_b",
	  "workload \"We_b\": not a DNS name (a-z, 0-9, '-' and '.')" },
	{ "suggest --confirm 60s", "suggest: has no option --confirm, see weftctl suggest -h" },

	/* ca */
	{ "ca frob", "ca: \"frob\": no such verb (show, export, rotate, token, node, serve)" },
	{ "ca rotate frob",
	  "ca rotate: \"frob\": no such verb (show, prepare, activate, finish, abort)" },
	{ "ca rotate prepare without n1", "\"without\": unknown word (dir)" },
	{ "ca rotate activate without", "without: a value is needed" },
	{ "ca rotate activate n1", "\"n1\": unknown word (without, dir)" },
	{ "ca show file x", "\"file\": unknown word (dir)" },
	{ "ca show dir", "dir: a value is needed" },
	{ "ca show di x", "\"di\": unknown word (dir)" },
	{ "ca export dir a dir b", "dir: given twice" },
	{ "ca token frob", "ca token: \"frob\": no such verb (show, add, del)" },
	{ "ca node add", "ca node: \"add\": no such verb (show, del)" },
	{ "ca token add", "node: which one? A name is needed" },
	{ "ca token add node n1 file t", "identity: at least one is needed" },
	{ "ca token add node n1 identity a", "file: the one for the node is needed" },
	{ "ca token add n1", "\"n1\": unknown word (node, identity, ttl, file, dir, trust-domain)" },
	{ "ca token add ttl 5", "ttl \"5\": not a duration of whole seconds (12h, 30m)" },
	{ "ca token add ttl 1500ms",
	  "ttl \"1500ms\": not a duration of whole seconds (12h, 30m)" },
	{ "ca token add ttl 1h ttl 1h", "ttl: given twice" },
	{ "ca token del", "token: which one? A name is needed" },
	{ "ca token del x y", "token \"x\": \"y\": unknown word (dir)" },
	{ "ca node del", "node: which one? A name is needed" },
	{ "ca serve", "listen: ADDRESS:PORT is needed" },
	{ "ca serve listen 10.0.0.1", "listen \"10.0.0.1\": not ADDRESS:PORT ([IPv6]:PORT)" },
	{ "ca serve listen ca:80", "listen \"ca:80\": not ADDRESS:PORT ([IPv6]:PORT)" },
	{ "ca serve listen [::]:80 lifetime 0",
	  "lifetime \"0\": not a duration of whole seconds (12h, 30m)" },
	{ "ca serve listen [::]:80 lifetime 2161h", "lifetime: more than 90 days" },

	/* what is repeated cannot harm a terminal */
	{ "\x1b[2J", "\"\\x1b[2J\": no such object (status, service, endpoint, workload, policy, "
		     "revocation, peer, apply, simulate, suggest, conn, ca, monitor, explain, selftest)" },
};

/* Of weftctl simulate 2 is an answer. */
static const struct mistake wrong_simulations[] = {
	{ "simulate", "simulate: which files? Those of a weftctl apply are needed" },
	{ "-j sim", "simulate: which files? Those of a weftctl apply are needed" },
	{ "simulate --since soon a.yaml", "--since \"soon\": " NOT_A_TIME },
	{ "simulate a.yaml --since @99999999999",
	  "--since \"@99999999999\": must lie in the past, since 1970" },
	{ "simulate a.txt", "file \"a.txt\": weftd reads *.yaml, *.yml and *.json that are not "
			    "hidden; rename it" },
	{ "simulate a.yaml --refused", "simulate: has no option --refused, see weftctl simulate -h" },
	{ "simulate a.yaml --frob", "\"--frob\": no such option " OPTIONS },
	{ "simulate a.yaml --file", "--file: a value is needed" },
	{ "--since 7d simulate", "simulate: which files? Those of a weftctl apply are needed" },
	{ "--since 7d -j --state-dir /x sim",
	  "simulate: which files? Those of a weftctl apply are needed" },
	{ "--since=7d -- simulate", "simulate: which files? Those of a weftctl apply are needed" },
	{ "--journal simulate simulate a.txt",
	  "file \"a.txt\": weftd reads *.yaml, *.yml and *.json that are not hidden; rename it" },
};

/* The command is right, this host is not. */
static void a_file_that_is_not_there_is_a_failure(void **state)
{
	assert_int_equal(cli_run("workload add web identity " ID " exe /nonexistent sha256 " SHA256,
				 cli_no_module), WEFT_EXIT_FAILED);
	assert_string_equal(cli_err, "weftctl: workload \"web\": executable /nonexistent: "
				     "No such file or directory\n");
	assert_string_equal(cli_out, "");
}

static void each_mistake_has_its_message(void **state)
{
	char expected[600];
	size_t i;

	for (i = 0; i < WEFT_ARRAY_SIZE(wrong); i++) {
		snprintf(expected, sizeof(expected), "weftctl: %s\n", wrong[i].err);
		assert_int_equal(cli_run(wrong[i].line, cli_no_module), WEFT_EXIT_USAGE);
		assert_string_equal(cli_err, expected);
		assert_string_equal(cli_out, "");
	}
	for (i = 0; i < WEFT_ARRAY_SIZE(wrong_simulations); i++) {
		snprintf(expected, sizeof(expected), "weftctl: %s\n", wrong_simulations[i].err);
		assert_int_equal(cli_run(wrong_simulations[i].line, cli_no_module),
				 WEFT_EXIT_FAILED);
		assert_string_equal(cli_err, expected);
		assert_string_equal(cli_out, "");
	}
}

/* What is right comes as far as the module, which is not there. */
static const char *const right[] = {
	"", "status", "st", "status show", "sta sh", "service", "serv", "service show",
	"ser s", "service show web", "service del web", "-- service show -x-",
	"service add web port 80", "service replace web port 80",
	"service add web address 10.0.0.1 address fd00::1 port 80:8080 port 443 identity * "
	"identity spiffe://x/a* connect-timeout 10ms",
	"service add web port 80 connect-timeout 600s", "service add web port 80 connect-timeout 10m",
	"endpoint", "en", "endpoint show service web", "endpoint add service web address 10.0.0.1",
	"endpoint add weight 65535 address [fd00::1]:80 service web",
	"endpoint replace service web address fd00::1",
	"endpoint del service web address 10.0.0.1:80",
	"workload", "w", "workload add web identity " ID " uid 0",
	"workload add web identity " ID " unit a cgroup /a exe /b uid 1 or unit b container "
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef or uid 2 gid 0 "
	"mode permissive port 80:strict port 81:disabled",
	"workload del web", "policy", "po", "policy add p action allow", "policy add p action deny any",
	"policy add p action deny workload web from * port 80 or any or port 1",
	"policy add p action deny any scope-port 80 scope-identity * scope-port 81",
	"policy add p action audit ipblock 10.0.0.0/8 ipblock fd00::1 or ipblock ::/0 port 1",
	"revocation", "rev", "revocation add r identity " ID " serial 0A:1b serial ff",
	"revocation replace r serial 00", "revocation del r",
	"peer", "pe", "peer add r ipblock 10.77.0.0/24 ipblock fd00:77::/64 ipblock 192.0.2.7",
	"peer replace r ipblock ::/0", "peer del r",
	"policy replace p action allow", "policy del p", "conn", "co", "conn show 1",
	"conn show 18446744073709551615", "conn del 7", "monitor", "m", "explain 5", "ex 5",
	"selftest", "sel",
};

static void what_is_right_asks_the_module(void **state)
{
	size_t i;

	for (i = 0; i < WEFT_ARRAY_SIZE(right); i++) {
		assert_int_equal(cli_run(right[i], cli_no_module), WEFT_EXIT_FAILED);
		assert_string_equal(cli_err, NO_MODULE);
		assert_string_equal(cli_out, "");
	}
}

/* @n times @part after @head: as many as allowed are fine, one more is too many. */
static void expect_limit(const char *head, const char *part, unsigned int max, const char *message)
{
	char *line = malloc(strlen(head) + (max + 1) * (strlen(part) + 1) + 1), *p;
	unsigned int i;

	p = stpcpy(line, head);
	for (i = 0; i < max; i++)
		p = stpcpy(stpcpy(p, " "), part);
	assert_int_equal(cli_run(line, cli_no_module), WEFT_EXIT_FAILED);
	stpcpy(stpcpy(p, " "), part);
	assert_int_equal(cli_run(line, cli_no_module), WEFT_EXIT_USAGE);
	assert_string_equal(cli_err, message);
	free(line);
}

static void lists_end_at_the_limits_of_the_interface(void **state)
{
	expect_limit("service add web port 80", "address 10.0.0.1", WEFT_ADDRESSES_MAX,
		     "weftctl: service \"web\": address: more than 16\n");
	expect_limit("service add web", "port 80", WEFT_PORTS_MAX,
		     "weftctl: service \"web\": port: more than 64\n");
	expect_limit("service add web port 80", "identity " ID, WEFT_IDENTITIES_MAX,
		     "weftctl: service \"web\": identity: more than 64\n");
	expect_limit("workload add web identity " ID " unit a", "port 80:strict", WEFT_PORTS_MAX,
		     "weftctl: workload \"web\": port: more than 64\n");
	expect_limit("workload add web identity " ID " unit a", "or unit a", WEFT_SELECTORS_MAX - 1,
		     "weftctl: workload \"web\": selectors: more than 64\n");
	expect_limit("policy add p action allow", "port 80", WEFT_PORTS_MAX,
		     "weftctl: policy \"p\": port: more than 64\n");
	expect_limit("policy add p action allow", "scope-port 80", WEFT_PORTS_MAX,
		     "weftctl: policy \"p\": scope-port: more than 64\n");
	expect_limit("policy add p action allow", "scope-identity " ID, WEFT_IDENTITIES_MAX,
		     "weftctl: policy \"p\": scope-identity: more than 64\n");
	expect_limit("policy add p action allow", "ipblock 10.0.0.1", WEFT_NETWORKS_MAX,
		     "weftctl: policy \"p\": ipblock: more than 64\n");
	expect_limit("policy add p action allow", "from " ID, WEFT_IDENTITIES_MAX,
		     "weftctl: policy \"p\": from: more than 64\n");
	expect_limit("revocation add r", "identity " ID, WEFT_REVOKED_MAX,
		     "weftctl: revocation \"r\": identity: more than 1024\n");
	expect_limit("revocation add r", "serial 0a", WEFT_REVOKED_MAX,
		     "weftctl: revocation \"r\": serial: more than 1024\n");
	expect_limit("peer add r", "ipblock 10.0.0.1", WEFT_NETWORKS_MAX,
		     "weftctl: peer \"r\": ipblock: more than 64\n");
	expect_limit("policy add p action allow any", "or any", WEFT_RULES_MAX - 1,
		     "weftctl: policy \"p\": rules: more than 64\n");
}

static void help_goes_to_stdout_when_asked_for(void **state)
{
	char line[64];
	const struct weft_object *o;

	assert_int_equal(cli_run("-h", cli_no_module), WEFT_EXIT_DONE);
	assert_string_equal(cli_out, weft_help);
	assert_int_equal(cli_run("help", cli_no_module), WEFT_EXIT_DONE);
	assert_string_equal(cli_out, weft_help);
	for (o = weft_objects; o->name; o++) {
		assert_non_null(strstr(weft_help, o->name));
		snprintf(line, sizeof(line), "%s --help", o->name);
		assert_int_equal(cli_run(line, cli_no_module), WEFT_EXIT_DONE);
		assert_string_equal(cli_out, o->help);
		assert_string_equal(cli_err, "");
	}
	assert_int_equal(cli_run("service add web -h", cli_no_module), WEFT_EXIT_DONE);
	assert_memory_equal(cli_out, "Usage: weftctl service", 22);
}

static void the_version_is_printed(void **state)
{
	assert_int_equal(cli_run("--version", cli_no_module), WEFT_EXIT_DONE);
	assert_string_equal(cli_out, "weftctl " WEFT_VERSION "\n");
}

static int forget(void **state)
{
	cli_forget();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_that_is_not_there_is_a_failure),
		cmocka_unit_test(each_mistake_has_its_message),
		cmocka_unit_test(what_is_right_asks_the_module),
		cmocka_unit_test(lists_end_at_the_limits_of_the_interface),
		cmocka_unit_test(help_goes_to_stdout_when_asked_for),
		cmocka_unit_test(the_version_is_printed),
	};

	return cmocka_run_group_tests(tests, NULL, forget);
}
