// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * weftctl from the command line to what is shown, against a kernel made for tests.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <unistd.h>
#include "base/file.h"
#include "base/lock.h"
#include "cli_run.h"
#include "conf/trouble.h"
#include "nl_fake.h"

static struct fake fake;

static int open_fake(struct weft_nl **nl, struct weft_error *err)
{
	return weft_nl_open_fd(nl, dup(fake.user_fd), err);
}

static int setup(void **state)
{
	fake_start(&fake);
	fake.workers = 2;
	return 0;
}

static int teardown(void **state)
{
	close(fake.user_fd);
	fake_end(&fake);
	cli_forget();
	return 0;
}

/* @line succeeds and prints @out alone. */
static void expect(const char *line, const char *out)
{
	int code = cli_run(line, open_fake);

	if (code || *cli_err)
		fail_msg("weftctl %s: %s", line, cli_err);
	assert_string_equal(cli_out, out);
}

/* @line fails with @code and says @err alone. */
static void expect_failure(const char *line, int code, const char *err)
{
	assert_int_equal(cli_run(line, open_fake), code);
	assert_string_equal(cli_err, err);
	assert_string_equal(cli_out, "");
}

static void services_are_shown_as_they_were_added(void **state)
{
	expect("service", "");
	expect("-j service", "[]\n");
	expect("service add web address 240.0.0.1 address fd00::1 port 80:8080 port 443 "
	       "identity spiffe://x/* connect-timeout 2500ms", "");
	expect("service add b port 1", "");
	expect("service show",
	       "NAME  OWNER   ADDRESSES          PORTS        ENDPOINTS  CONNECT-TIMEOUT  IDENTITIES\n"
	       "web   static  240.0.0.1,fd00::1  80:8080,443  0          2.5s             "
	       "spiffe://x/*\n"
	       "b     static  -                  1            0          0s               -\n");
	expect("-j service show b",
	       "[{\n\t\t\"name\":\t\"b\",\n\t\t\"owner\":\t\"static\",\n\t\t\"addresses\":\t[],\n"
	       "\t\t\"ports\":\t[{\n\t\t\t\t\"port\":\t1,\n\t\t\t\t\"target\":\t1\n\t\t\t}],\n"
	       "\t\t\"endpoints\":\t0,\n\t\t\"connect_timeout_ms\":\t0,\n"
	       "\t\t\"identities\":\t[]\n\t}]\n");
	expect("service del web", "");
	expect_failure("service show web", 1,
		       "weftctl: service \"web\": there is none\n");
}

static void add_refuses_what_exists_and_replace_does_not(void **state)
{
	expect("service add web port 80", "");
	expect_failure("service add web port 81", 1, "weftctl: service \"web\": exists already\n");
	expect("service replace web port 82", "");
	assert_int_equal(fake.n_objects, 1);
	fake.error = EEXIST;
	fake.error_text = "service 'web' exists already; use replace";
	expect_failure("service add web port 81", 1,
		       "weftctl: service 'web' exists already; use replace\n");
	fake.error = EPERM;
	fake.error_text = NULL; /* the name is in the text, but is not named there */
	expect_failure("service add p port 81", 1,
		       "weftctl: service \"p\": not permitted (CAP_NET_ADMIN is needed)\n");
}

static void endpoints_are_shown_as_they_were_added(void **state)
{
	expect("endpoint add service web address 10.0.0.1:80 weight 3", "");
	expect("endpoint add service web address fd00::2", "");
	expect("endpoint",
	       "SERVICE  ADDRESS      OWNER   WEIGHT  ACTIVE  ATTEMPTS  FAILURES\n"
	       "web      10.0.0.1:80  static  3       0       0         0\n"
	       "web      fd00::2      static  0       0       0         0\n");
	expect("endpoint del address 10.0.0.1:80 service web", "");
	expect_failure("endpoint del service web address 10.0.0.1:80", 1,
		       "weftctl: endpoint of service \"web\": there is none\n");
}

static void workloads_are_shown_as_they_were_added(void **state)
{
	expect("workload add web identity spiffe://x/web unit nginx.service uid 33 or "
	       "container 0123456789ab exe /b mode strict port 80:permissive port 81:disabled", "");
	expect("workload",
	       "NAME  OWNER   MODE    PORTS                      IDENTITY        SELECTORS\n"
	       "web   static  strict  80:permissive,81:disabled  spiffe://x/web  "
	       "unit nginx.service uid 33 or container 0123456789ab exe /b\n");
	expect("workload show web -j",
	       "[{\n\t\t\"name\":\t\"web\",\n\t\t\"owner\":\t\"static\",\n\t\t\"mode\":\t\"strict\","
	       "\n\t\t\"ports\":\t[{\n\t\t\t\t\"port\":\t80,\n\t\t\t\t\"mode\":\t\"permissive\"\n"
	       "\t\t\t}, {\n\t\t\t\t\"port\":\t81,\n\t\t\t\t\"mode\":\t\"disabled\"\n\t\t\t}],\n"
	       "\t\t\"identity\":\t\"spiffe://x/web\",\n\t\t\"selectors\":\t[{\n"
	       "\t\t\t\t\"unit\":\t\"nginx.service\",\n\t\t\t\t\"cgroup\":\tnull,\n"
	       "\t\t\t\t\"container\":\tnull,\n"
	       "\t\t\t\t\"uid\":\t33,\n\t\t\t\t\"gid\":\tnull,\n\t\t\t\t\"exe\":\tnull,\n"
	       "\t\t\t\t\"sha256\":\tnull,\n\t\t\t\t\"exe_inode\":\tnull,\n"
	       "\t\t\t\t\"exe_size\":\tnull,\n\t\t\t\t\"exe_mtime\":\tnull\n\t\t\t}, {\n"
	       "\t\t\t\t\"unit\":\tnull,\n\t\t\t\t\"cgroup\":\tnull,\n"
	       "\t\t\t\t\"container\":\t\"0123456789ab\",\n\t\t\t\t\"uid\":\tnull,\n"
	       "\t\t\t\t\"gid\":\tnull,\n"
	       "\t\t\t\t\"exe\":\t\"/b\",\n"
	       "\t\t\t\t\"sha256\":\tnull,\n\t\t\t\t\"exe_inode\":\tnull,\n"
	       "\t\t\t\t\"exe_size\":\tnull,\n\t\t\t\t\"exe_mtime\":\tnull\n"
	       "\t\t\t}]\n\t}]\n");
	expect("workload del web", "");
}

#define NO_SCOPE "\t\t\"scope\":\t{\n\t\t\t\"identities\":\t[],\n\t\t\t\"ports\":\t[]\n\t\t},\n"

static void policies_are_shown_as_they_were_added(void **state)
{
	expect("policy add a action deny workload web from spiffe://x/* from spiffe://y/z port 80 "
	       "or any", "");
	expect("policy add b action allow", "");
	expect("policy add c action audit from * ipblock 10.0.0.0/8 ipblock fd00::1", "");
	expect("policy add d action allow scope-identity spiffe://x/w scope-identity spiffe://y/* "
	       "scope-port 80 scope-port 8443 from spiffe://x/v port 80", "");
	expect("policy",
	       "NAME  OWNER   ACTION  WORKLOAD  IDENTITIES                 PORTS    RULES\n"
	       "a     static  deny    web       -                          -        from spiffe://x/* from "
	       "spiffe://y/z port 80 or any\n"
	       "b     static  allow   -         -                          -        -\n"
	       "c     static  audit   -         -                          -        from * ipblock "
	       "10.0.0.0/8 ipblock fd00::1/128\n"
	       "d     static  allow   -         spiffe://x/w,spiffe://y/*  80,8443  from "
	       "spiffe://x/v port 80\n");
	expect("-j policy show d",
	       "[{\n\t\t\"name\":\t\"d\",\n\t\t\"owner\":\t\"static\",\n\t\t\"action\":\t\"allow\",\n"
	       "\t\t\"workload\":\tnull,\n\t\t\"scope\":\t{\n"
	       "\t\t\t\"identities\":\t[\"spiffe://x/w\", \"spiffe://y/*\"],\n"
	       "\t\t\t\"ports\":\t[80, 8443]\n\t\t},\n\t\t\"rules\":\t[{\n"
	       "\t\t\t\t\"identities\":\t[\"spiffe://x/v\"],\n\t\t\t\t\"ip_blocks\":\t[],\n"
	       "\t\t\t\t\"ports\":\t[80]\n\t\t\t}]\n\t}]\n");
	expect("-j policy show c",
	       "[{\n\t\t\"name\":\t\"c\",\n\t\t\"owner\":\t\"static\",\n\t\t\"action\":\t\"audit\",\n"
	       "\t\t\"workload\":\tnull,\n" NO_SCOPE "\t\t\"rules\":\t[{\n\t\t\t\t\"identities\":\t[\"*\"],\n"
	       "\t\t\t\t\"ip_blocks\":\t[\"10.0.0.0/8\", \"fd00::1/128\"],\n"
	       "\t\t\t\t\"ports\":\t[]\n\t\t\t}]\n\t}]\n");
	expect("-j policy show a",
	       "[{\n\t\t\"name\":\t\"a\",\n\t\t\"owner\":\t\"static\",\n\t\t\"action\":\t\"deny\",\n"
	       "\t\t\"workload\":\t\"web\",\n" NO_SCOPE "\t\t\"rules\":\t[{\n"
	       "\t\t\t\t\"identities\":\t[\"spiffe://x/*\", \"spiffe://y/z\"],\n"
	       "\t\t\t\t\"ip_blocks\":\t[],\n\t\t\t\t\"ports\":\t[80]\n\t\t\t}, {\n"
	       "\t\t\t\t\"identities\":\t[],\n\t\t\t\t\"ip_blocks\":\t[],\n\t\t\t\t\"ports\":\t[]\n\t\t\t}]\n\t}]\n");
}

static void revocations_are_shown_in_one_form(void **state)
{
	expect("revocation add a identity spiffe://x/y serial 0A:1B serial ff", "");
	expect("revocation add b serial 00:01", "");
	expect("revocation", "NAME  OWNER   IDENTITIES    SERIALS\n"
			     "a     static  spiffe://x/y  0a1b,ff\n"
			     "b     static  -             01\n");
	expect("-j revocation show b",
	       "[{\n\t\t\"name\":\t\"b\",\n\t\t\"owner\":\t\"static\",\n"
	       "\t\t\"identities\":\t[],\n\t\t\"serials\":\t[\"01\"]\n\t}]\n");
	expect("revocation del a", "");
	expect("revocation", "NAME  OWNER   IDENTITIES  SERIALS\n"
			     "b     static  -           01\n");
}

static void peers_are_shown_with_their_prefixes(void **state)
{
	expect("peer add rack ipblock 10.77.0.0/24 ipblock fd00:77::/64", "");
	expect("peer add one ipblock 192.0.2.7", "");
	expect("peer", "NAME  OWNER   IP-BLOCKS\n"
		       "rack  static  10.77.0.0/24,fd00:77::/64\n"
		       "one   static  192.0.2.7/32\n");
	expect("-j peer show rack",
	       "[{\n\t\t\"name\":\t\"rack\",\n\t\t\"owner\":\t\"static\",\n"
	       "\t\t\"ip_blocks\":\t[\"10.77.0.0/24\", \"fd00:77::/64\"]\n\t}]\n");
	expect("peer del rack", "");
	expect("peer", "NAME  OWNER   IP-BLOCKS\n"
		       "one   static  192.0.2.7/32\n");
}

static void the_status_is_what_is_shown_without_arguments(void **state)
{
	expect("", "module:       9.8.7\n"
		   "abi:          1\n"
		   "generation:   3\n"
		   "workers:      2\n"
		   "workloads:    2\n"
		   "services:     3\n"
		   "endpoints:    4\n"
		   "policies:     5\n"
		   "revocations:  13\n"
		   "peers:        15\n"
		   "shadowed:     6\n"
		   "listeners:    7\n"
		   "covered:      14\n"
		   "conns:        8\n"
		   "parked:       9\n"
		   "live:         10\n"
		   "closing:      12\n"
		   "undecided:    11\n"
		   "counters:\n"
		   "  failovers:  18446744073709551615\n");
	assert_int_equal(cli_run("-j status", open_fake), 0);
	assert_non_null(strstr(cli_out, "\"counters\":\t{\n\t\t\"failovers\":\t"
					"18446744073709551615\n\t}\n}"));
	fake.workers = 0;
	assert_int_equal(cli_run("status", open_fake), 0);
	assert_non_null(strstr(cli_out, "no daemon takes handshakes"));
}

/* Of a weftd that does not run it is out of date. */
static void trouble_is_shown_while_weftd_runs(void **state)
{
	char dir[] = "/tmp/weft-show-XXXXXX", line[64], path[64];
	char *items[] = { "the first, of \"a\"", "the second" };
	const struct weft_strv trouble = { items, 2 };
	int lock;

	assert_non_null(mkdtemp(dir));
	snprintf(line, sizeof(line), "status --state-dir %s", dir);
	snprintf(path, sizeof(path), "%s/lock", dir);
	assert_int_equal(weft_trouble_write(dir, &trouble, NULL), 0);
	assert_int_equal(cli_run(line, open_fake), 1);
	assert_non_null(strstr(cli_out, "generation:"));
	assert_null(strstr(cli_out, "trouble"));
	assert_non_null(strstr(cli_err, "no weftd runs with this state directory"));
	assert_int_equal(weft_lock_take(path, &lock, NULL), 0);
	assert_int_equal(cli_run(line, open_fake), 0);
	assert_non_null(strstr(cli_out, "abi:          1\n"
					"trouble:      the first, of \"a\"\n"
					"trouble:      the second\n"
					"generation:   3\n"));
	snprintf(line, sizeof(line), "-j status --state-dir %s", dir);
	assert_int_equal(cli_run(line, open_fake), 0);
	assert_non_null(strstr(cli_out, "\"trouble\":\t[\"the first, of \\\"a\\\"\", "
					"\"the second\"],\n"));
	close(lock);
	assert_int_equal(weft_dir_remove(dir, NULL), 0);
}

static void version_skew_is_said_by_every_command(void **state)
{
	fake.abi = 2;
	expect_failure("status", 1,
		       "weftctl: the weft module (9.8.7) speaks version 2 of the kernel interface, "
		       "this program version 1: upgrade the older one\n");
	expect_failure("service add web port 80", 1,
		       "weftctl: the weft module (9.8.7) speaks version 2 of the kernel interface, "
		       "this program version 1: upgrade the older one\n");
}

static bool conn_of(struct nl_msg *msg, uint64_t id)
{
	struct nlattr *nest = weft_nl_nest(msg, WEFT_A_CONN);

	nla_put_u64(msg, WEFT_CONN_A_ID, id);
	nla_put_u32(msg, WEFT_CONN_A_STATE, id == 1 ? WEFT_CONN_LIVE : WEFT_CONN_DEAD);
	fake_put_addr(msg, WEFT_CONN_A_LOCAL, WEFT_CONN_A_LOCAL_PORT, "10.0.0.1:4000");
	fake_put_addr(msg, WEFT_CONN_A_REMOTE, WEFT_CONN_A_REMOTE_PORT, "10.0.0.2:80");
	nla_put_string(msg, WEFT_CONN_A_SERVICE, "web");
	nla_put_u64(msg, WEFT_CONN_A_AGE, 1500);
	if (id == 2) {
		nla_put_u32(msg, WEFT_CONN_A_REASON, WEFT_REASON_PEER_DENIED);
		nla_put_u32(msg, WEFT_CONN_A_ERRNO, EACCES);
		nla_put_string(msg, WEFT_CONN_A_DETAIL, "go away");
	}
	weft_nl_nest_end(msg, nest);
	return true;
}

static void connections_are_listed_with_their_outcome(void **state)
{
	fake.conn = conn_of;
	fake.conns = 2;
	expect("conn",
	       "ID  ROLE    STATE  LOCAL          REMOTE       SERVICE  WORKLOAD  PEER  AGE   OUTCOME\n"
	       "1   client  live   10.0.0.1:4000  10.0.0.2:80  web      -         -     1.5s  live\n"
	       "2   client  dead   10.0.0.1:4000  10.0.0.2:80  web      -         -     1.5s  "
	       "peer-denied: go away (EACCES)\n");
	expect("conn show 2",
	       "id:          2\n"
	       "role:        client\n"
	       "state:       dead\n"
	       "reason:      peer-denied\n"
	       "detail:      go away\n"
	       "errno:       EACCES\n"
	       "local:       10.0.0.1:4000\n"
	       "remote:      10.0.0.2:80\n"
	       "service:     web\n"
	       "generation:  0\n"
	       "pid:         0\n"
	       "uid:         0\n"
	       "age:         1.5s\n");
	expect("conn del 2", "");
	assert_int_equal(cli_run("-j conn", open_fake), 0);
	assert_non_null(strstr(cli_out, "\"reason\":\t\"peer-denied\""));
}

static void a_connection_is_explained(void **state)
{
	fake.conn = conn_of;
	expect("explain 2",
	       "what:    connection 2, 10.0.0.1:4000 -> 10.0.0.2:80, seen from the client, lasted "
	       "1.5s; dead: over\n"
	       "who:     a process, which is no workload\n"
	       "where:   connect(), which is service \"web\"\n"
	       "peer:    10.0.0.2:80 proved no identity\n"
	       "result:  EACCES (Permission denied): peer-denied, the server's side said no; "
	       "detail: go away\n"
	       "advice:  A policy or a revocation of the server's host decided, see the detail, and "
	       "look there (weftctl policy show, weftctl revocation show, journalctl): allow the "
	       "identity of this workload, or give it one that is not revoked.\n");
	assert_int_equal(cli_run("-j explain 2", open_fake), 0);
	assert_non_null(strstr(cli_out, "{\n\t\"story\":\t{\n\t\t\"what\":\t\"connection 2, "));
	assert_non_null(strstr(cli_out, "\t\"conn\":\t{\n\t\t\"id\":\t2,"));
	fake.error = ENOENT;
	fake.error_text = "no connection 9 (any more)";
	expect_failure("explain 9", 1, "weftctl: no connection 9 (any more)\n");
	fake.conn = NULL;
	expect_failure("explain 9", 1, "weftctl: conn 9: there is none\n");
}

static void self_tests_pass_or_fail_with_the_exit_code(void **state)
{
	expect("selftest", "selftest:  passed\n");
	fake.error = EIO;
	fake.error_text = "a self-test failed, the kernel log says which";
	assert_int_equal(cli_run("selftest", open_fake), 1);
	assert_string_equal(cli_out, "selftest:  failed\n");
	assert_string_equal(cli_err,
			    "weftctl: selftest: a self-test failed, the kernel log says which\n");
}

#define with_fake(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_fake(services_are_shown_as_they_were_added),
		with_fake(add_refuses_what_exists_and_replace_does_not),
		with_fake(endpoints_are_shown_as_they_were_added),
		with_fake(workloads_are_shown_as_they_were_added),
		with_fake(policies_are_shown_as_they_were_added),
		with_fake(revocations_are_shown_in_one_form),
		with_fake(peers_are_shown_with_their_prefixes),
		with_fake(the_status_is_what_is_shown_without_arguments),
		with_fake(trouble_is_shown_while_weftd_runs),
		with_fake(version_skew_is_said_by_every_command),
		with_fake(connections_are_listed_with_their_outcome),
		with_fake(a_connection_is_explained),
		with_fake(self_tests_pass_or_fail_with_the_exit_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
