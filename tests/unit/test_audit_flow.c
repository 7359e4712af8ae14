// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which audit records count as flows, and which of them are the same.
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
#include "audit/audit.h"
#include "audit/flow.h"
#include "base/array.h"

#define CART "spiffe://mesh.local/cart"
#define TILL "spiffe://mesh.local/till"

static struct weft_flows flows;
static struct weft_error err;

/* Fields in the order of enum weft_flow_field. */
#define SERVER(verdict, reason, peer, local, remote) \
	((const char *const[WEFT_FLOW_FIELDS]){ verdict, reason, "server", "web", NULL, peer, local, remote })
#define CLIENT(verdict, reason, service, peer) \
	((const char *const[WEFT_FLOW_FIELDS]){ verdict, reason, "client", "web", service, peer, \
				"10.0.0.2:4000", "10.0.0.3:5432" })

static int take(const char *const *fields, uint64_t time)
{
	int r = weft_flows_take(&flows, fields, time, &err);

	assert_true(r == 0 || r == WEFT_FLOW_SKIPPED);
	return r;
}

static int forget(void **state)
{
	weft_flows_uninit(&flows);
	return 0;
}

static void equal_flows_are_counted_together(void **state)
{
	const struct weft_flow *f;

	assert_int_equal(take(SERVER("live", "none", CART, "10.0.0.2:80", "10.0.0.1:4001"), 10), 0);
	assert_int_equal(take(SERVER("live", "none", CART, "10.0.0.2:80", "10.0.0.1:4002"), 20), 0);
	assert_int_equal(take(SERVER("live", "none", CART, "10.0.0.9:80", "10.0.0.1:4001"), 30), 0);
	assert_int_equal(flows.count, 1);
	f = flows.items[0];
	assert_string_equal(f->workload, "web");
	assert_string_equal(f->peer_identity, CART);
	assert_null(f->service);
	assert_int_equal(f->port, 80);
	assert_int_equal(f->n_allowed, 3);
	assert_int_equal(f->n_refused, 0);
	assert_int_equal(f->first, 10);
	assert_int_equal(f->last, 30);
	assert_int_equal(flows.records, 3);
}

static void latest_certificate_that_is_known_is_kept(void **state)
{
	const char *fields[WEFT_FLOW_FIELDS] = { "live", "none", "server", "web", NULL, CART,
						 "10.0.0.2:80", "10.0.0.1:4001", "0A:1B" };

	assert_int_equal(take(fields, 1), 0);
	assert_string_equal(flows.items[0]->peer_serial, "0a1b");
	fields[WEFT_FLOW_PEER_SERIAL] = "ff";
	assert_int_equal(take(fields, 2), 0);
	fields[WEFT_FLOW_PEER_SERIAL] = NULL; /* resumed with an older daemon */
	assert_int_equal(take(fields, 3), 0);
	fields[WEFT_FLOW_PEER_SERIAL] = "none";
	assert_int_equal(take(fields, 4), 0);
	assert_int_equal(flows.count, 1);
	assert_string_equal(flows.items[0]->peer_serial, "ff");
}

static void who_where_from_and_port_tell_flows_apart(void **state)
{
	static const char *const other[WEFT_FLOW_FIELDS] = { "live", "none", "server", "db", NULL, CART,
					     "10.0.0.2:80", "10.0.0.1:1" };

	take(SERVER("live", "none", CART, "10.0.0.2:80", "10.0.0.1:1"), 1);
	take(SERVER("live", "none", TILL, "10.0.0.2:80", "10.0.0.1:1"), 2);
	take(SERVER("live", "none", CART, "10.0.0.2:81", "10.0.0.1:1"), 3);
	take(SERVER("live", "none", CART, "10.0.0.2:80", "10.0.0.4:1"), 4);
	take(SERVER("pass", "plaintext", NULL, "10.0.0.2:80", "10.0.0.1:1"), 5);
	take(SERVER("pass", "plaintext", NULL, "[fd00::2]:80", "[fd00::1]:1"), 6);
	take(other, 7);
	take(CLIENT("live", "none", "db", CART), 8);
	take(CLIENT("live", "none", "db2", CART), 9);
	assert_int_equal(flows.count, 9);
}

static void latest_verdict_counts(void **state)
{
	take(SERVER("live", "none", CART, "10.0.0.2:80", "10.0.0.1:1"), 1);
	take(SERVER("closed", "policy-denied", CART, "10.0.0.2:80", "10.0.0.1:1"), 2);
	assert_true(flows.items[0]->refused);
	assert_int_equal(flows.items[0]->reason, WEFT_REASON_POLICY_DENIED);
	take(SERVER("denied", "policy-denied", CART, "10.0.0.2:80", "10.0.0.1:2"), 3);
	assert_int_equal(flows.items[0]->n_refused, 2);
	take(SERVER("live", "none", CART, "10.0.0.2:80", "10.0.0.1:3"), 4);
	assert_false(flows.items[0]->refused);
	assert_int_equal(flows.items[0]->n_allowed, 2);
	assert_int_equal(flows.count, 1);
}

/* Written after a weftd was away: in the journal behind those that came later. */
static void late_record_counts_when_it_happened(void **state)
{
	const char *late[WEFT_FLOW_FIELDS] = {
		"denied", "policy-denied", "server", "web", NULL, CART, "10.0.0.2:80", "10.0.0.1:2",
		"0b", "30",
	};

	flows.since = 20;
	take(SERVER("live", "none", CART, "10.0.0.2:80", "10.0.0.1:1"), 50);
	assert_int_equal(take(late, 60), 0);
	assert_int_equal(flows.count, 1);
	assert_false(flows.items[0]->refused);
	assert_null(flows.items[0]->peer_serial);
	assert_int_equal(flows.items[0]->n_refused, 1);
	assert_int_equal(flows.items[0]->first, 30);
	assert_int_equal(flows.items[0]->last, 50);
	late[WEFT_FLOW_TIME] = "19";
	assert_int_equal(take(late, 61), WEFT_FLOW_SKIPPED);
	late[WEFT_FLOW_TIME] = "70"; /* the clock was set back meanwhile */
	assert_int_equal(take(late, 62), 0);
	assert_true(flows.items[0]->refused);
	assert_int_equal(flows.items[0]->last, 62);
	late[WEFT_FLOW_TIME] = "soon";
	assert_int_equal(take(late, 63), 0);
	assert_int_equal(flows.items[0]->last, 63);
	assert_int_equal(flows.records, 4);
}

static void refusals_are_of_policies_modes_and_identities(void **state)
{
	take(SERVER("failed", "plaintext", NULL, "10.0.0.2:80", "10.0.0.1:1"), 1);
	take(SERVER("denied", "policy-denied", NULL, "10.0.0.2:81", "10.0.0.1:1"), 2);
	take(CLIENT("failed", "peer-identity", "db", TILL), 3);
	assert_int_equal(flows.count, 3);
	for (size_t i = 0; i < flows.count; i++)
		assert_true(flows.items[i]->refused);
}

static void what_is_no_verdict_is_passed_over(void **state)
{
	const char *const *const records[] = {
		SERVER("failed", "tls", CART, "10.0.0.2:80", "10.0.0.1:1"),
		SERVER("failed", "handshake-timeout", NULL, "10.0.0.2:80", "10.0.0.1:1"),
		SERVER("failed", "no-daemon", NULL, "10.0.0.2:80", "10.0.0.1:1"),
		SERVER("closed", "truncated", CART, "10.0.0.2:80", "10.0.0.1:1"),
		SERVER("closed", "of-a-newer-release", CART, "10.0.0.2:80", "10.0.0.1:1"),
		SERVER("audit", "none", CART, "10.0.0.2:80", "10.0.0.1:1"),
		CLIENT("denied", "peer-denied", "db", TILL),
		CLIENT("failed", "refused", "db", NULL),
	};

	for (size_t i = 0; i < WEFT_ARRAY_SIZE(records); i++)
		assert_int_equal(take(records[i], i), WEFT_FLOW_SKIPPED);
	assert_int_equal(flows.count, 0);
	assert_int_equal(flows.unreadable, 0);
}

static void damaged_records_are_counted_apart(void **state)
{
	static const char *const no_role[WEFT_FLOW_FIELDS] = { "live", "none", NULL, "web", NULL, CART,
					       "10.0.0.2:80", "10.0.0.1:1" };
	static const char *const no_workload[WEFT_FLOW_FIELDS] = { "live", "none", "server", NULL, NULL, CART,
						   "10.0.0.2:80", "10.0.0.1:1" };
	static const char *const bad_workload[WEFT_FLOW_FIELDS] = { "live", "none", "server", "a\n#", NULL, CART,
						    "10.0.0.2:80", "10.0.0.1:1" };
	const char *const *const records[] = {
		no_role, no_workload, bad_workload,
		SERVER(NULL, "none", CART, "10.0.0.2:80", "10.0.0.1:1"),
		SERVER("live", "none", "spiffe://x/\"\n", "10.0.0.2:80", "10.0.0.1:1"),
		SERVER("live", "none", CART, NULL, "10.0.0.1:1"),
		SERVER("live", "none", CART, "10.0.0.2:80", "10.0.0.1"),
		SERVER("live", "none", CART, "10.0.0.2:80", "[::10.0.0.1]:1"),
		SERVER("live", "none", CART, "10.0.0.2:80", "224.0.0.1:1"),
		SERVER("live", "none", CART, "[::]:80", "10.0.0.1:1"),
		CLIENT("live", "none", NULL, CART),
		CLIENT("live", "none", "db", NULL),
	};

	for (size_t i = 0; i < WEFT_ARRAY_SIZE(records); i++)
		assert_int_equal(take(records[i], i), WEFT_FLOW_SKIPPED);
	assert_int_equal(flows.count, 0);
	assert_int_equal(flows.unreadable, WEFT_ARRAY_SIZE(records));
}

static void order_is_by_who_not_by_when(void **state)
{
	take(CLIENT("live", "none", "db", CART), 1);
	take(SERVER("pass", "plaintext", NULL, "10.0.0.2:80", "10.0.0.1:1"), 2);
	take(SERVER("live", "none", TILL, "10.0.0.2:80", "10.0.0.1:1"), 3);
	take(SERVER("live", "none", CART, "10.0.0.2:81", "10.0.0.1:1"), 4);
	take(SERVER("live", "none", CART, "10.0.0.2:80", "10.0.0.1:1"), 5);
	weft_flows_sort(&flows);
	assert_int_equal(flows.items[0]->first, 5);
	assert_int_equal(flows.items[1]->first, 4);
	assert_int_equal(flows.items[2]->first, 3);
	assert_int_equal(flows.items[3]->first, 2);
	assert_int_equal(flows.items[4]->first, 1);
}

static void too_many_are_refused(void **state)
{
	char remote[64];
	int r = 0;

	for (unsigned int i = 0; !r && i <= WEFT_FLOWS_MAX; i++) {
		snprintf(remote, sizeof(remote), "10.%u.%u.%u:1", i >> 16, i >> 8 & 255, i & 255);
		r = weft_flows_take(&flows, SERVER("live", "none", CART, "10.0.0.2:80", remote), 1,
				    &err);
	}
	assert_int_equal(r, -ENOSPC);
	assert_string_equal(err.text, "more than 65536 different connections are recorded: name a "
				      "later time with --since");
	assert_int_equal(flows.count, WEFT_FLOWS_MAX);
}

/* ---- what audit.c writes is what is read here ---- */

static char *written[WEFT_FLOW_FIELDS];

static int keep(const struct iovec *fields, int count, void *data)
{
	for (int i = 0; i < count; i++)
		for (int k = 0; k < WEFT_FLOW_FIELDS; k++) {
			size_t len = strlen(weft_flow_fields[k]);
			const char *field = fields[i].iov_base;

			if (fields[i].iov_len > len && !memcmp(field, weft_flow_fields[k], len) &&
			    field[len] == '=')
				written[k] = strndup(field + len + 1, fields[i].iov_len - len - 1);
		}
	return 0;
}

static void record(struct weft_nl_conn *conn, enum weft_event event)
{
	const struct weft_audit_sink sink = { .send = keep };
	const struct weft_audit_stamp stamp = { 0 };

	assert_int_equal(weft_audit_verdict(&sink, conn, event, &stamp, &err), 0);
	assert_int_equal(take((const char *const *)written, 1), 0);
	for (int k = 0; k < WEFT_FLOW_FIELDS; k++) {
		free(written[k]);
		written[k] = NULL;
	}
}

static void records_have_what_is_needed(void **state)
{
	struct weft_nl_conn conn = { .id = 1, .role = WEFT_ROLE_SERVER, .workload = "web",
				     .identity = TILL, .peer_identity = CART };

	weft_addr_parse(&conn.local, "10.0.0.2:80");
	weft_addr_parse(&conn.remote, "[fd00::1]:4000");
	record(&conn, WEFT_EVENT_CONN_LIVE);
	conn.reason = WEFT_REASON_POLICY_DENIED;
	record(&conn, WEFT_EVENT_CONN_DENIED);
	record(&conn, WEFT_EVENT_CONN_CLOSED);
	conn.peer_identity = NULL;
	conn.reason = WEFT_REASON_PLAINTEXT;
	record(&conn, WEFT_EVENT_CONN_PASS);
	record(&conn, WEFT_EVENT_CONN_FAILED);
	conn.role = WEFT_ROLE_CLIENT;
	conn.service = "db";
	conn.peer_identity = CART;
	conn.reason = WEFT_REASON_PEER_IDENTITY;
	record(&conn, WEFT_EVENT_CONN_FAILED);
	assert_int_equal(flows.count, 3);
	assert_int_equal(flows.items[0]->n_refused, 2);
	assert_true(flows.items[1]->refused);
	assert_string_equal(flows.items[2]->service, "db");
	assert_int_equal(flows.items[2]->port, 4000);
}

#define FLOW_TEST(f) cmocka_unit_test_teardown(f, forget)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FLOW_TEST(equal_flows_are_counted_together),
		FLOW_TEST(latest_certificate_that_is_known_is_kept),
		FLOW_TEST(who_where_from_and_port_tell_flows_apart),
		FLOW_TEST(latest_verdict_counts),
		FLOW_TEST(late_record_counts_when_it_happened),
		FLOW_TEST(refusals_are_of_policies_modes_and_identities),
		FLOW_TEST(what_is_no_verdict_is_passed_over),
		FLOW_TEST(damaged_records_are_counted_apart),
		FLOW_TEST(order_is_by_who_not_by_when),
		FLOW_TEST(too_many_are_refused),
		FLOW_TEST(records_have_what_is_needed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
