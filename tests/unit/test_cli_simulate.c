// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * weftctl simulate and suggest over recorded flows of the test's own and a module
 * that judges as the test says.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <sys/stat.h>
#include "audit/flow.h"
#include "base/file.h"
#include "cli_run.h"
#include "conf/outcome.h"
#include "nl_fake.h"

#define CART "spiffe://mesh.local/cart"
#define EVIL "spiffe://mesh.local/evil"
#define NOON (UINT64_C(1795780800) * 1000000) /* 2026-11-27 12:00:00 UTC */

#define WORKLOAD(name) \
	"apiVersion: weft/v1\nkind: Workload\nmetadata: {name: " name "}\n" \
	"spec: {selectors: [{uid: 1}]}\n"

static char top[40], state_dir[64], conf_dir[64];
static struct fake fake;

static int open_fake(struct weft_nl **nl, struct weft_error *err)
{
	return weft_nl_open_fd(nl, dup(fake.user_fd), err);
}

/* ---- the journal ---- */

/* Fields in the order of enum weft_flow_field. */
static const char *const records[][WEFT_FLOW_FIELDS] = {
	{ "live", "none", "server", "web", NULL, CART, "10.0.0.2:80", "10.0.0.1:1" },
	{ "live", "none", "server", "web", NULL, CART, "10.0.0.2:80", "10.0.0.7:1" },
	{ "live", "none", "server", "web", NULL, CART, "10.0.0.2:81", "10.0.0.1:1" },
	{ "denied", "policy-denied", "server", "web", NULL, EVIL, "10.0.0.2:80", "10.0.0.1:1" },
	{ "pass", "plaintext", "server", "web", NULL, NULL, "10.0.0.2:90", "10.0.0.9:1" },
	{ "live", "none", "client", "web", "db", CART, "10.0.0.2:1", "10.0.0.3:5432" },
	{ "live", "none", "server", "old", NULL, CART, "10.0.0.2:80", "10.0.0.1:1" },
	{ "live", "none", "server", "ancient", NULL, CART, "10.0.0.2:80", "10.0.0.1:1" },
};

static uint64_t asked_since;
static char asked_where[64]; /* "dir /x", or "file /x" */
static size_t first_record, n_records;
static uint64_t begins;

static int read_flows(const struct weft_flow_source *source, struct weft_flows *flows,
		      struct weft_error *err)
{
	assert_null(source->unit); /* main()'s knows it */
	asked_since = source->since;
	snprintf(asked_where, sizeof(asked_where), "%s %s", source->dir ? "dir" : "file",
		 source->dir ? source->dir : source->file ? source->file : "");
	for (size_t i = first_record; i < n_records; i++)
		assert_int_equal(weft_flows_take(flows, records[i], NOON + i * 1000000, err), 0);
	weft_flows_sort(flows);
	flows->begins = begins;
	return 0;
}

/* ---- the module ---- */

static const char *text_of(struct nlattr *nest, int type)
{
	struct nlattr *attr = nla_find(nla_data(nest), nla_len(nest), type);

	return attr ? nla_data(attr) : "";
}

static unsigned int port_of(struct nlattr *flow)
{
	struct nlattr *attr = nla_find(nla_data(flow), nla_len(flow), WEFT_CONN_A_LOCAL_PORT);

	return attr ? nla_get_u16(attr) : 0;
}

/* Port 81 is denied by policy "p", plaintext is at a strict port, the service has
 * other identities; "old" and "ancient" are no workloads of the trial's. */
static int judge_severely(struct nl_msg *msg, struct nlattr *flow)
{
	const char *workload = text_of(flow, WEFT_CONN_A_WORKLOAD);
	const char *service = text_of(flow, WEFT_CONN_A_SERVICE);
	struct nlattr *nest = weft_nl_nest(msg, WEFT_A_CONN);
	enum weft_reason reason = WEFT_REASON_NONE;

	if (port_of(flow) == 81)
		reason = WEFT_REASON_POLICY_DENIED;
	else if (port_of(flow) == 90)
		reason = WEFT_REASON_PLAINTEXT;
	else if (*service)
		reason = WEFT_REASON_PEER_IDENTITY;
	nla_put_u32(msg, WEFT_CONN_A_REASON, reason);
	nla_put_u32(msg, WEFT_CONN_A_MODE, WEFT_MODE_STRICT);
	if (!strcmp(workload, "web"))
		nla_put_string(msg, WEFT_CONN_A_WORKLOAD, workload);
	if (*service)
		nla_put_string(msg, WEFT_CONN_A_SERVICE, service);
	if (port_of(flow) == 81)
		nla_put_string(msg, WEFT_CONN_A_POLICY, "p");
	weft_nl_nest_end(msg, nest);
	return 0;
}

static int judge_mildly(struct nl_msg *msg, struct nlattr *flow)
{
	const char *service = text_of(flow, WEFT_CONN_A_SERVICE);
	struct nlattr *nest = weft_nl_nest(msg, WEFT_A_CONN);

	nla_put_u32(msg, WEFT_CONN_A_REASON, WEFT_REASON_NONE);
	nla_put_u32(msg, WEFT_CONN_A_MODE, WEFT_MODE_PERMISSIVE);
	nla_put_string(msg, WEFT_CONN_A_WORKLOAD, text_of(flow, WEFT_CONN_A_WORKLOAD));
	if (*service)
		nla_put_string(msg, WEFT_CONN_A_SERVICE, service);
	weft_nl_nest_end(msg, nest);
	return 0;
}

static int judge_disabled(struct nl_msg *msg, struct nlattr *flow)
{
	struct nlattr *nest = weft_nl_nest(msg, WEFT_A_CONN);

	nla_put_u32(msg, WEFT_CONN_A_REASON, WEFT_REASON_NONE);
	nla_put_u32(msg, WEFT_CONN_A_MODE, WEFT_MODE_DISABLED);
	nla_put_string(msg, WEFT_CONN_A_WORKLOAD, text_of(flow, WEFT_CONN_A_WORKLOAD));
	weft_nl_nest_end(msg, nest);
	return 0;
}

/* Plaintext comes from an address of a peer with the longest name. */
static int judge_registered(struct nl_msg *msg, struct nlattr *flow)
{
	struct nlattr *nest = weft_nl_nest(msg, WEFT_A_CONN);
	bool plaintext = !*text_of(flow, WEFT_CONN_A_PEER_IDENTITY);
	char name[WEFT_NAME_MAX + 1];

	memset(name, 'n', WEFT_NAME_MAX);
	name[WEFT_NAME_MAX] = '\0';
	nla_put_u32(msg, WEFT_CONN_A_REASON,
		    plaintext ? WEFT_REASON_PLAINTEXT : WEFT_REASON_NONE);
	nla_put_u32(msg, WEFT_CONN_A_MODE, WEFT_MODE_PERMISSIVE);
	nla_put_string(msg, WEFT_CONN_A_WORKLOAD, text_of(flow, WEFT_CONN_A_WORKLOAD));
	nla_put_string(msg, WEFT_CONN_A_SERVICE, "db");
	if (plaintext)
		nla_put_string(msg, WEFT_CONN_A_REGISTERED, name);
	weft_nl_nest_end(msg, nest);
	return 0;
}

/* Opened long ago: a pool's, plaintext, a client's, one that ended, one in a handshake;
 * the last is of today. */
static bool open_conn(struct nl_msg *msg, uint64_t id)
{
	static const struct {
		enum weft_conn_state state;
		enum weft_role role;
		const char *peer;
		unsigned int days;
	} conns[] = {
		{ WEFT_CONN_LIVE, WEFT_ROLE_SERVER, "spiffe://mesh.local/pool", 8 },
		{ WEFT_CONN_PASS, WEFT_ROLE_SERVER, NULL, 9 },
		{ WEFT_CONN_LIVE, WEFT_ROLE_CLIENT, "spiffe://mesh.local/db", 10 },
		{ WEFT_CONN_DEAD, WEFT_ROLE_SERVER, "spiffe://mesh.local/dead", 11 },
		{ WEFT_CONN_HANDSHAKE, WEFT_ROLE_SERVER, NULL, 12 },
		{ WEFT_CONN_LIVE, WEFT_ROLE_SERVER, "spiffe://mesh.local/new", 1 },
	};
	struct nlattr *nest = weft_nl_nest(msg, WEFT_A_CONN);

	nla_put_u64(msg, WEFT_CONN_A_ID, id--);
	nla_put_u32(msg, WEFT_CONN_A_ROLE, conns[id].role);
	nla_put_u32(msg, WEFT_CONN_A_STATE, conns[id].state);
	nla_put_string(msg, WEFT_CONN_A_WORKLOAD, "web");
	if (conns[id].role == WEFT_ROLE_CLIENT)
		nla_put_string(msg, WEFT_CONN_A_SERVICE, "db");
	if (conns[id].peer) {
		nla_put_string(msg, WEFT_CONN_A_PEER_IDENTITY, conns[id].peer);
		nla_put_string(msg, WEFT_CONN_A_PEER_SERIAL, "0a1b");
	}
	fake_put_addr(msg, WEFT_CONN_A_LOCAL, WEFT_CONN_A_LOCAL_PORT, "10.0.0.2:5432");
	fake_put_addr(msg, WEFT_CONN_A_REMOTE, WEFT_CONN_A_REMOTE_PORT, "10.0.0.77:4000");
	nla_put_u64(msg, WEFT_CONN_A_AGE, conns[id].days * UINT64_C(86400000));
	weft_nl_nest_end(msg, nest);
	return true;
}

/* One certificate is revoked. */
static int judge_by_serial(struct nl_msg *msg, struct nlattr *flow)
{
	bool revoked = !strcmp(text_of(flow, WEFT_CONN_A_PEER_SERIAL), "0a1b");
	struct nlattr *nest = weft_nl_nest(msg, WEFT_A_CONN);

	nla_put_u32(msg, WEFT_CONN_A_REASON, revoked ? WEFT_REASON_REVOKED : WEFT_REASON_NONE);
	nla_put_u32(msg, WEFT_CONN_A_MODE, WEFT_MODE_STRICT);
	nla_put_string(msg, WEFT_CONN_A_WORKLOAD, "web");
	nla_put_string(msg, WEFT_CONN_A_SERVICE, "db");
	if (revoked)
		nla_put_string(msg, WEFT_CONN_A_REVOCATION, "stolen");
	weft_nl_nest_end(msg, nest);
	return 0;
}

/* And what is asked next fails. */
static int judge_and_fail(struct nl_msg *msg, struct nlattr *flow)
{
	struct nlattr *nest = weft_nl_nest(msg, WEFT_A_CONN);

	nla_put_u32(msg, WEFT_CONN_A_REASON, WEFT_REASON_POLICY_DENIED);
	nla_put_string(msg, WEFT_CONN_A_POLICY, "p");
	weft_nl_nest_end(msg, nest);
	fake.error = ENOBUFS;
	return 0;
}

static int judge_not(struct nl_msg *msg, struct nlattr *flow)
{
	return EEXIST;
}

/* ---- files and commands ---- */

static void put(const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", top, name);
	assert_int_equal(weft_file_write(path, text, strlen(text), 0644, NULL), 0);
}

static void say(bool writable)
{
	const struct weft_outcome outcome = {
		.began = 1, .writable = writable, .error = "", .trust_domain = "mesh.local",
		.dir = conf_dir,
	};

	assert_int_equal(weft_outcome_write(state_dir, &outcome, NULL), 0);
}

static int setup(void **state)
{
	strcpy(top, "/tmp/weft-simulate-XXXXXX");
	if (!mkdtemp(top))
		return -1;
	snprintf(state_dir, sizeof(state_dir), "%s/state", top);
	snprintf(conf_dir, sizeof(conf_dir), "%s/conf.d", top);
	if (mkdir(state_dir, 0700) || mkdir(conf_dir, 0755))
		return -1;
	say(false); /* who only looks needs no weftd that can write */
	put("conf.d/a.yaml", WORKLOAD("web"));
	put("b.yaml", WORKLOAD("other"));
	put("bad.yaml", "bad");
	cli_read_flows = read_flows;
	first_record = 0;
	begins = 0;
	n_records = sizeof(records) / sizeof(records[0]);
	fake_start(&fake);
	fake.judge = judge_severely;
	return 0;
}

static int teardown(void **state)
{
	close(fake.user_fd);
	fake_end(&fake);
	cli_forget();
	return weft_dir_remove(top, NULL);
}

/* weftctl @words, with % for the directory of the test. */
static void run(int code, const char *words)
{
	char line[512], *p = line;

	p += sprintf(p, "--state-dir=%s ", state_dir);
	for (; *words; words++)
		p += *words == '%' ? sprintf(p, "%s", top) : sprintf(p, "%c", *words);
	if (cli_run(line, open_fake) != code)
		fail_msg("%s: not %d: %s%s", line, code, cli_out, cli_err);
}

static void assert_says(const char *out, const char *err)
{
	if (!strstr(cli_out, out) || !strstr(cli_err, err))
		fail_msg("not '%s' '%s' but:\n%s%s", out, err, cli_out, cli_err);
}

/* A workload in force, which no document describes. */
static void add_static(const char *name)
{
	char line[128];

	snprintf(line, sizeof(line), "workload add %s identity spiffe://mesh.local/x uid 1", name);
	assert_int_equal(cli_run(line, open_fake), WEFT_EXIT_DONE);
}

/* ---- simulate ---- */

static void each_flow_is_told(void **state)
{
	static const char wanted[] =
		"WAS      WOULD-BE  ROLE    WORKLOAD  PEER                      PORT  WHY                             COUNT  LAST\n"
		"allowed  refused   server  web       spiffe://mesh.local/cart  81    policy p                        1      2026-11-27 12:00:02 UTC\n"
		"allowed  refused   server  web       10.0.0.9                  90    plaintext at a strict port      1      2026-11-27 12:00:04 UTC\n"
		"allowed  refused   client  web       spiffe://mesh.local/cart  5432  not an identity of the service  1      2026-11-27 12:00:05 UTC\n"
		"allowed  unmeshed  server  old       spiffe://mesh.local/cart  80    its workload would be gone      1      2026-11-27 12:00:06 UTC\n"
		"refused  allowed   server  web       spiffe://mesh.local/evil  80    no ALLOW policy is for it       1      2026-11-27 12:00:03 UTC\n"
		"allowed  allowed   server  web       spiffe://mesh.local/cart  80    no ALLOW policy is for it       2      2026-11-27 12:00:01 UTC\n"
		"8 connections since "; /* seven days ago */

	add_static("old");
	run(2, "simulate %/b.yaml");
	if (strncmp(cli_out, wanted, strlen(wanted)))
		fail_msg("not:\n%sbut:\n%s", wanted, cli_out);
}

static void numbers_are_told(void **state)
{
	add_static("old");
	run(2, "simulate %/b.yaml");
	assert_says(": of those let in 3 would be refused and 1 unmeshed, of those refused 1 would be "
		    "let in\n1 of them belong to workloads or services that are gone already, and "
		    "are left out\n", "");
}

/* JSON without its layout. */
static void compact(char *text)
{
	char *to = text;

	for (; *text; text++)
		if (*text != '\n' && *text != '\t')
			*to++ = *text;
	*to = '\0';
}

static void json_tells_the_same(void **state)
{
	run(2, "-j simulate %/b.yaml");
	compact(cli_out);
	assert_says("\"connections\":8,\"older\":0,\"refused\":3,\"unmeshed\":0,\"let_in\":1,\"gone\":2,"
		    "\"unreadable\":0,\"not_judged\":[\"workload other added\"],\"flows\":[", "");
	assert_says("{\"was\":\"allowed\",\"would_be\":\"refused\",\"role\":\"server\","
		    "\"workload\":\"web\",\"peer\":\"" CART "\",\"port\":81,\"why\":\"policy p\","
		    "\"count\":1,\"service\":null,\"peer_identity\":\"" CART "\",\"addresses\":1,"
		    "\"allowed\":1,\"refused\":0,\"reason\":\"policy-denied\",\"policy\":\"p\","
		    "\"audit\":null,\"revocation\":null,\"registered\":null,\"first\":\"2026-11-27 12:00:02 UTC\","
		    "\"last\":\"2026-11-27 12:00:02 UTC\"}", "");
	assert_says("\"count\":2,\"service\":null,\"peer_identity\":\"" CART "\",\"addresses\":2", "");
}

static void plaintext_of_a_peer_is_told_with_the_peer(void **state)
{
	char name[WEFT_NAME_MAX + 1], wanted[512];

	memset(name, 'n', WEFT_NAME_MAX);
	name[WEFT_NAME_MAX] = '\0';
	fake.judge = judge_registered;
	run(2, "simulate %/b.yaml");
	snprintf(wanted, sizeof(wanted), "  90    plaintext of peer %s  1 ", name);
	assert_says(wanted, "");
	assert_says(": of those let in 1 would be refused and 0 unmeshed", "");
	fake_forget(&fake);
	run(2, "-j simulate %/b.yaml");
	snprintf(wanted, sizeof(wanted), "\"registered\":\t\"%s\"", name);
	assert_says(wanted, "");
}

static void nobody_refused_is_zero(void **state)
{
	fake.judge = judge_mildly;
	run(0, "simulate %/b.yaml");
	assert_says(" let in 0 would be refused and 0 unmeshed, of those refused 1 would be let in\n", "");
}

static void a_disabled_port_lets_in_whom_it_refused(void **state)
{
	fake.judge = judge_disabled;
	first_record = 3; /* evil's */
	n_records = 4;
	run(0, "simulate %/b.yaml");
	assert_says("refused  allowed   server  web       " EVIL "  80    the port would be disabled", "");
	assert_says(" let in 0 would be refused and 0 unmeshed, of those refused 1 would be let in\n", "");
}

static void nothing_to_judge_is_no_answer(void **state)
{
	first_record = 7; /* ancient's */
	run(1, "simulate %/b.yaml --journal /x");
	assert_says("", "weftctl: /x: nothing to judge: all 1 recorded connections belong to workloads "
			"or services that are not here: name the journal of a host with these "
			"documents with --journal or --file\n");
	assert_string_equal(cli_out, "");
	fake_forget(&fake);
	run(1, "-j simulate %/b.yaml");
	assert_says("", "weftctl: the journal of this machine: nothing to judge");
	assert_string_equal(cli_out, "");
}

static void what_is_open_counts_though_it_has_no_record(void **state)
{
	fake.conn = open_conn;
	fake.conns = 6;
	n_records = 1;
	fake.judge = judge_mildly;
	run(0, "simulate %/b.yaml");
	assert_says("spiffe://mesh.local/pool  5432", "");
	assert_says("10.0.0.77 ", "");
	assert_says("spiffe://mesh.local/db ", "");
	assert_null(strstr(cli_out, "mesh.local/dead"));
	assert_null(strstr(cli_out, "mesh.local/new"));
	assert_says("\n4 connections since ", "");
	assert_says("\n3 of them were opened before and are still open\n", "");
	fake_forget(&fake);
	fake.judge = judge_by_serial;
	run(2, "simulate %/b.yaml");
	assert_says("spiffe://mesh.local/pool  5432  revocation stolen", "");
	assert_says("\n4 connections since ", "");
	assert_says(": of those let in 2 would be refused and 0 unmeshed", "");
	fake.judge = judge_mildly;
	fake_forget(&fake);
	run(0, "-j simulate %/b.yaml");
	compact(cli_out);
	assert_says("\"connections\":4,\"older\":3,", "");
	run(0, "suggest");
	assert_says("mesh.local/pool\"  # 1 time, ", "");
	assert_says("10.0.0.77/32", "");
	assert_null(strstr(cli_out, "mesh.local/new"));
	assert_says("# Those that were opened before and are still open are among them.\n", "");
	n_records = 0;
	run(0, "suggest");
	assert_says("mesh.local/pool", "");
	fake.dump_error = ENOMEM;
	run(1, "suggest");
}

static void another_host_s_open_ones_are_not_known(void **state)
{
	fake.conn = open_conn;
	fake.conns = 6;
	run(0, "suggest --journal /x");
	assert_null(strstr(cli_out, "mesh.local/pool"));
	assert_says("# Those that were opened before are not known, also if they are still open.\n", "");
	assert_int_equal(fake.dumps, 0);
}

static void without_the_module_nothing_is_open(void **state)
{
	char line[256];

	snprintf(line, sizeof(line), "--state-dir=%s suggest", state_dir);
	assert_int_equal(cli_run(line, cli_no_module), 0);
	assert_says("name: suggest.web}", "");
}

static void a_journal_that_begins_later_is_said(void **state)
{
	begins = NOON;
	run(2, "simulate %/b.yaml --since @1700000000");
	assert_says("\nthe journal begins at 2026-11-27 12:00:00 UTC: what was before is not known\n",
		    "");
	fake_forget(&fake);
	run(2, "-j simulate %/b.yaml --since @1700000000");
	compact(cli_out);
	assert_says("\"since\":\"2023-11-14 22:13:20 UTC\","
		    "\"records_since\":\"2026-11-27 12:00:00 UTC\",", "");
	/* so even one of today is older */
	fake.conn = open_conn;
	fake.conns = 6;
	run(0, "suggest --since @1700000000");
	assert_says("mesh.local/new", "");
	assert_says("# The journal begins at 2026-11-27 12:00:00 UTC: what was before is not known.\n",
		    "");
}

static void what_no_judgment_shows_is_said(void **state)
{
	put("a.yaml", "apiVersion: weft/v1\nkind: Workload\nmetadata: {name: web}\n"
		      "spec: {identity: shop/web, mode: permissive, selectors: [{uid: 2}]}\n"
		      "---\napiVersion: weft/v1\nkind: AuthorizationPolicy\nmetadata: {name: p}\n"
		      "spec: {action: ALLOW, workload: web, rules: [{}]}\n"
		      "---\napiVersion: weft/v1\nkind: Service\nmetadata: {name: db}\n"
		      "spec: {ports: [{port: 80}], addresses: [240.0.0.1]}\n");
	run(2, "simulate %/a.yaml");
	assert_string_equal(cli_err,
			    "weftctl: not judged: workload web: identity changed from "
			    "spiffe://mesh.local/web to spiffe://mesh.local/shop/web\n"
			    "weftctl: not judged: workload web: selector uid 1 removed\n"
			    "weftctl: not judged: workload web: selector uid 2 added\n"
			    "weftctl: not judged: service db added\n");
	fake_forget(&fake);
	put("a.yaml", "apiVersion: weft/v1\nkind: Workload\nmetadata: {name: web}\n"
		      "spec: {mode: permissive, selectors: [{uid: 1}]}\n");
	run(2, "simulate %/a.yaml");
	assert_string_equal(cli_err, "");
}

static void services_that_anybody_may_serve_are_told(void **state)
{
	put("a.yaml", WORKLOAD("web") "---\napiVersion: weft/v1\nkind: Service\n"
		      "metadata: {name: db}\n"
		      "spec: {ports: [{port: 80}], endpoints: [{address: 10.0.0.1}]}\n");
	run(2, "simulate %/a.yaml");
	assert_says("", "weftctl: a.yaml:");
	assert_says("", "Service \"db\": spec.identities: not there, so any workload of the trust "
			"domain may serve it");
}

static void many_of_them_are_counted(void **state)
{
	char text[2048] = WORKLOAD("web"), *p = text + strlen(text);

	for (int i = 0; i < 10; i++)
		p += sprintf(p, "---\napiVersion: weft/v1\nkind: Service\nmetadata: {name: s%d}\n"
				"spec: {ports: [{port: 80}]}\n", i);
	put("a.yaml", text);
	run(2, "simulate %/a.yaml");
	assert_says("", "weftctl: not judged: service s7 added\nweftctl: not judged: 2 more such "
			"changes\n");
	fake_forget(&fake);
	run(2, "-j simulate %/a.yaml");
	compact(cli_out);
	assert_says("\"service s7 added\", \"service s8 added\", \"service s9 added\"]", "");
}

static void documents_that_are_wrong_are_not_compared(void **state)
{
	put("conf.d/a.yaml", "bad");
	put("a.yaml", WORKLOAD("web"));
	run(2, "simulate %/a.yaml");
	assert_string_equal(cli_err,
			    "weftctl: not judged: changes of selectors, of identities of workloads and "
			    "of routes of services; the documents that are there now are wrong, so "
			    "which there are is not known\n");
}

static void documents_are_staged_as_they_would_be(void **state)
{
	run(2, "simulate %/b.yaml");
	assert_int_equal(fake.n_objects, 2);
	assert_int_equal(genlmsg_hdr(fake.last)->cmd, WEFT_CMD_GENERATION_ABORT);
	fake_forget(&fake);
	run(2, "simulate %/b.yaml --since @1700000000 --journal /x");
	assert_true(asked_since == UINT64_C(1700000000000000));
	assert_string_equal(asked_where, "dir /x");
}

static void what_does_not_work_is_said(void **state)
{
	run(1, "simulate %/bad.yaml");
	assert_says("", "conf.d/bad.yaml:1: must be a mapping");
	assert_int_equal(fake.requests, 0);
	run(1, "simulate %/none.yaml");
	assert_says("", "none.yaml: cannot open: No such file or directory");
	fake.no_trials = true;
	run(1, "simulate %/b.yaml");
	assert_says("", "cannot begin a new generation: the module is older than weftctl");
	fake.no_trials = false;
	fake.judge = judge_not;
	run(1, "simulate %/b.yaml");
	assert_int_equal(genlmsg_hdr(fake.last)->cmd, WEFT_CMD_GENERATION_ABORT);
	fake_forget(&fake);
	fake.judge = judge_and_fail; /* the sanitizer sees what is not freed */
	run(1, "simulate %/b.yaml");
	assert_says("", "No buffer space available");
	assert_int_equal(genlmsg_hdr(fake.last)->cmd, WEFT_CMD_GENERATION_ABORT);
	n_records = 0;
	run(1, "simulate %/b.yaml");
	assert_says("", "weftctl: no connection is recorded since 20");
}

static void without_the_module_that_is_said(void **state)
{
	char line[256];

	snprintf(line, sizeof(line), "--state-dir=%s simulate %s/b.yaml", state_dir, top);
	assert_int_equal(cli_run(line, cli_no_module), 1);
	assert_string_equal(cli_err, "weftctl: " WEFT_NL_NO_MODULE "\n");
}

/* ---- suggest ---- */

static void documents_here_limit_what_is_suggested(void **state)
{
	run(0, "suggest");
	assert_says("name: suggest.web}", "");
	assert_says("# Left out: 1 of workload old, which no document (now) describes.\n", "");
	assert_null(strstr(cli_out, "suggest.old"));
	assert_null(strstr(cli_out, "evil"));
	run(0, "suggest --refused");
	assert_says(EVIL, "");
}

static void another_journal_knows_other_workloads(void **state)
{
	run(0, "suggest --file /x old");
	assert_says("name: suggest.old}", "");
	assert_null(strstr(cli_out, "suggest.web"));
	assert_string_equal(asked_where, "file /x");
}

static void a_workload_that_is_not_is_said(void **state)
{
	run(1, "suggest wbe");
	assert_says("", "workload \"wbe\": no document of a Workload has this name (did you mean "
			"\"web\"?)");
	run(1, "suggest --file /x nobody");
	assert_says("", "workload \"nobody\": no recorded workload has this name\n");
	put("conf.d/b.yaml", WORKLOAD("quiet"));
	run(1, "suggest web quiet");
	assert_says("", "workload \"quiet\": nothing is recorded that arrived there");
	n_records = 0;
	run(1, "suggest");
	assert_says("", "weftctl: no connection is recorded since 20");
}

#define SIMULATE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIMULATE_TEST(each_flow_is_told),
		SIMULATE_TEST(numbers_are_told),
		SIMULATE_TEST(json_tells_the_same),
		SIMULATE_TEST(plaintext_of_a_peer_is_told_with_the_peer),
		SIMULATE_TEST(nobody_refused_is_zero),
		SIMULATE_TEST(a_disabled_port_lets_in_whom_it_refused),
		SIMULATE_TEST(nothing_to_judge_is_no_answer),
		SIMULATE_TEST(what_is_open_counts_though_it_has_no_record),
		SIMULATE_TEST(another_host_s_open_ones_are_not_known),
		SIMULATE_TEST(without_the_module_nothing_is_open),
		SIMULATE_TEST(a_journal_that_begins_later_is_said),
		SIMULATE_TEST(what_no_judgment_shows_is_said),
		SIMULATE_TEST(services_that_anybody_may_serve_are_told),
		SIMULATE_TEST(many_of_them_are_counted),
		SIMULATE_TEST(documents_that_are_wrong_are_not_compared),
		SIMULATE_TEST(documents_are_staged_as_they_would_be),
		SIMULATE_TEST(what_does_not_work_is_said),
		SIMULATE_TEST(without_the_module_that_is_said),
		SIMULATE_TEST(documents_here_limit_what_is_suggested),
		SIMULATE_TEST(another_journal_knows_other_workloads),
		SIMULATE_TEST(a_workload_that_is_not_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
