// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Audit records: what they say, and what is in their fields.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include "audit/audit.h"
#include "audit/sentence.h"

#define SERVICE_CGROUP "/system.slice/cart.service"

/* Keeps one record as lines "NAME=value\n". */
struct capture {
	char text[32768];
	int count;
	int result; /* what the sink returns */
};

static int keep(const struct iovec *fields, int count, void *data)
{
	struct capture *c = data;
	size_t len = 0;

	for (int i = 0; i < count; i++) {
		assert_true(len + fields[i].iov_len + 2 < sizeof(c->text));
		memcpy(c->text + len, fields[i].iov_base, fields[i].iov_len);
		len += fields[i].iov_len;
		c->text[len++] = '\n';
	}
	c->text[len] = '\0';
	c->count++;
	return c->result;
}

static int audit(struct capture *c, const struct weft_nl_conn *conn, enum weft_event event)
{
	const struct weft_audit_sink sink = { .send = keep, .data = c };
	const struct weft_audit_stamp stamp = { 0 };
	struct weft_error err = { 0 };

	memset(c, 0, sizeof(*c));
	return weft_audit_verdict(&sink, conn, event, &stamp, &err);
}

static void assert_field(const struct capture *c, const char *field)
{
	const char *at = c->text;
	size_t len = strlen(field);

	for (; at && *at; at = strchr(at, '\n'), at += at != NULL)
		if (!strncmp(at, field, len) && at[len] == '\n')
			return;
	fail_msg("no field %s in:\n%s", field, c->text);
}

static void assert_no_field(const struct capture *c, const char *name)
{
	char text[64];

	snprintf(text, sizeof(text), "\n%s=", name);
	if (strstr(c->text, text))
		fail_msg("there is a field %s in:\n%s", name, c->text);
}

static struct weft_addr addr(const char *text)
{
	struct weft_addr a;

	assert_int_equal(weft_addr_parse(&a, text), 0);
	return a;
}

static struct weft_nl_conn client_conn(void)
{
	return (struct weft_nl_conn){
		.id = 42,
		.role = WEFT_ROLE_CLIENT,
		.local = addr("10.0.0.1:40112"),
		.remote = addr("10.0.0.2:8080"),
		.asked = addr("240.0.0.7:80"),
		.service = "payments",
		.workload = "cart",
		.identity = "spiffe://example.org/shop/cart",
		.peer_identity = "spiffe://example.org/shop/payments",
		.generation = 7,
		.pid = 123,
		.uid = 1000,
		.comm = "curl",
		.cgroup = SERVICE_CGROUP,
	};
}

static struct weft_nl_conn server_conn(void)
{
	return (struct weft_nl_conn){
		.id = 43,
		.role = WEFT_ROLE_SERVER,
		.local = addr("10.0.0.2:8080"),
		.remote = addr("10.0.0.1:40112"),
		.workload = "payments",
		.identity = "spiffe://example.org/shop/payments",
		.peer_identity = "spiffe://example.org/shop/cart",
		.generation = 9,
		.pid = 99,
		.comm = "nginx",
		.cgroup = "/system.slice/nginx.service",
	};
}

static void denial_by_the_peer_names_both_sides(void **state)
{
	struct weft_nl_conn conn = client_conn();
	struct capture c;

	conn.reason = WEFT_REASON_PEER_DENIED;
	conn.error = EACCES;
	conn.policy = "payments-allow";
	conn.detail = "a policy at the server's side denies it";
	assert_int_equal(audit(&c, &conn, WEFT_EVENT_CONN_DENIED), 0);
	assert_field(&c, "MESSAGE=deny: shop/cart (curl, pid 123, cart.service) may not connect to "
			 "service \"payments\" (10.0.0.2:8080): the server's side said no: a policy "
			 "at the server's side denies it");
	assert_field(&c, "MESSAGE_ID=" WEFT_AUDIT_ID_DENIED);
	assert_field(&c, "PRIORITY=4");
	assert_field(&c, "WEFT_CONN=42");
	assert_field(&c, "WEFT_ROLE=client");
	assert_field(&c, "WEFT_VERDICT=denied");
	assert_field(&c, "WEFT_REASON=peer-denied");
	assert_field(&c, "WEFT_ERRNO=EACCES");
	assert_field(&c, "ERRNO=13");
	assert_field(&c, "WEFT_SERVICE=payments");
	assert_field(&c, "WEFT_ENDPOINT=10.0.0.2:8080");
	assert_field(&c, "WEFT_LOCAL=10.0.0.1:40112");
	assert_field(&c, "WEFT_REMOTE=10.0.0.2:8080");
	assert_field(&c, "WEFT_ASKED=240.0.0.7:80");
	assert_field(&c, "WEFT_WORKLOAD=cart");
	assert_field(&c, "WEFT_IDENTITY=spiffe://example.org/shop/cart");
	assert_field(&c, "WEFT_PEER_IDENTITY=spiffe://example.org/shop/payments");
	assert_field(&c, "WEFT_POLICY=payments-allow");
	assert_field(&c, "WEFT_GENERATION=7");
	assert_field(&c, "WEFT_COMM=curl");
	assert_field(&c, "WEFT_UID=1000");
	assert_field(&c, "OBJECT_PID=123");
	assert_field(&c, "OBJECT_SYSTEMD_UNIT=cart.service");
	assert_no_field(&c, "WEFT_TLS_CIPHER");
	assert_field(&c, "WEFT_DETAIL=a policy at the server's side denies it");
	assert_int_equal(c.count, 1);
}

static void denial_here_names_the_policy_or_its_lack(void **state)
{
	struct weft_nl_conn conn = server_conn();
	struct capture c;

	conn.reason = WEFT_REASON_POLICY_DENIED;
	conn.error = EACCES;
	conn.policy = "payments-allow";
	assert_int_equal(audit(&c, &conn, WEFT_EVENT_CONN_DENIED), 0);
	assert_field(&c,
		     "MESSAGE=deny: shop/cart (10.0.0.1:40112) may not connect to shop/payments "
		     "(nginx, pid 99, nginx.service) at port 8080: policy \"payments-allow\"");
	assert_field(&c, "WEFT_ENDPOINT=10.0.0.2:8080");
	conn.policy = NULL;
	assert_int_equal(audit(&c, &conn, WEFT_EVENT_CONN_DENIED), 0);
	assert_non_null(strstr(c.text, "at port 8080: no ALLOW policy lets it in\n"));
}

static void revocation_says_what_is_revoked_and_by_which(void **state)
{
	struct weft_nl_conn conn = server_conn(), client = client_conn();
	struct capture c;

	conn.reason = WEFT_REASON_REVOKED;
	conn.error = EACCES;
	conn.revoked = WEFT_REVOKED_IDENTITY;
	conn.revocation = "leak";
	conn.peer_serial = "0a1b";
	assert_int_equal(audit(&c, &conn, WEFT_EVENT_CONN_DENIED), 0);
	assert_field(&c,
		     "MESSAGE=deny: shop/cart (10.0.0.1:40112) may not connect to shop/payments "
		     "(nginx, pid 99, nginx.service) at port 8080: the caller's identity shop/cart "
		     "is revoked by \"leak\"");
	assert_field(&c, "WEFT_REASON=revoked");
	assert_field(&c, "WEFT_REVOKED=identity");
	assert_field(&c, "WEFT_REVOCATION=leak");
	assert_field(&c, "WEFT_PEER_SERIAL=0a1b");
	conn.revoked = WEFT_REVOKED_SERIAL;
	assert_int_equal(audit(&c, &conn, WEFT_EVENT_CONN_CLOSED), 0);
	assert_non_null(strstr(c.text, "at port 8080: the caller's certificate with the serial "
				       "0a1b is revoked by \"leak\"\n"));
	assert_field(&c, "WEFT_REVOKED=serial");
	conn.peer_serial = NULL;
	conn.revocation = NULL;
	assert_int_equal(audit(&c, &conn, WEFT_EVENT_CONN_DENIED), 0);
	assert_non_null(strstr(c.text, "at port 8080: the serial of the caller's certificate is "
				       "not known, and some are revoked\n"));
	assert_no_field(&c, "WEFT_REVOCATION");
	client.reason = WEFT_REASON_REVOKED;
	client.revoked = WEFT_REVOKED_IDENTITY;
	client.revocation = "leak";
	assert_int_equal(audit(&c, &client, WEFT_EVENT_CONN_DENIED), 0);
	assert_non_null(strstr(c.text, "(10.0.0.2:8080): the server's identity shop/payments is "
				       "revoked by \"leak\"\n"));
}

static void plaintext_of_a_registered_peer_says_which(void **state)
{
	struct weft_nl_conn conn = server_conn();
	struct capture c;

	conn.reason = WEFT_REASON_PLAINTEXT;
	conn.error = ECONNRESET;
	conn.peer_identity = NULL;
	conn.registered = "rack-7";
	assert_int_equal(audit(&c, &conn, WEFT_EVENT_CONN_CLOSED), 0);
	assert_field(&c,
		     "MESSAGE=end: connection of 10.0.0.1:40112 to shop/payments (nginx, pid 99, "
		     "nginx.service) at port 8080: plaintext, from an address of peer \"rack-7\"");
	assert_field(&c, "WEFT_REASON=plaintext");
	assert_field(&c, "WEFT_REGISTERED=rack-7");
	conn.reason = WEFT_REASON_TLS;
	conn.detail = "what the peer sends is not TLS 1.3: wrong version number";
	assert_int_equal(audit(&c, &conn, WEFT_EVENT_CONN_FAILED), 0);
	assert_non_null(strstr(c.text, "at port 8080: the TLS handshake failed: what the peer sends "
				       "is not TLS 1.3: wrong version number, from an address of "
				       "peer \"rack-7\"\n"));
	conn.reason = WEFT_REASON_PLAINTEXT;
	conn.detail = NULL;
	conn.registered = NULL;
	assert_int_equal(audit(&c, &conn, WEFT_EVENT_CONN_FAILED), 0);
	assert_non_null(strstr(c.text, "at port 8080: plaintext at a strict port\n"));
	assert_no_field(&c, "WEFT_REGISTERED");
}

static void live_connection_has_cipher_and_version(void **state)
{
	struct weft_nl_conn conn = client_conn();
	struct capture c;

	conn.cipher = "TLS_AES_128_GCM_SHA256";
	assert_int_equal(audit(&c, &conn, WEFT_EVENT_CONN_LIVE), 0);
	assert_field(&c, "MESSAGE=allow: shop/cart (curl, pid 123, cart.service) is connected to "
			 "service \"payments\" (10.0.0.2:8080), which is shop/payments: mutual TLS "
			 "1.3, TLS_AES_128_GCM_SHA256");
	assert_field(&c, "MESSAGE_ID=" WEFT_AUDIT_ID_LIVE);
	assert_field(&c, "PRIORITY=6");
	assert_field(&c, "WEFT_VERDICT=live");
	assert_field(&c, "WEFT_REASON=none");
	assert_field(&c, "WEFT_TLS_VERSION=1.3");
	assert_field(&c, "WEFT_TLS_CIPHER=TLS_AES_128_GCM_SHA256");
	assert_no_field(&c, "WEFT_ERRNO");
	assert_no_field(&c, "ERRNO");
}

static void plaintext_is_noticed(void **state)
{
	struct weft_nl_conn conn = server_conn();
	struct capture c;

	conn.peer_identity = NULL;
	conn.reason = WEFT_REASON_PLAINTEXT;
	assert_int_equal(audit(&c, &conn, WEFT_EVENT_CONN_PASS), 0);
	assert_field(&c, "MESSAGE=pass: 10.0.0.1:40112 is connected in plaintext to shop/payments "
			 "(nginx, pid 99, nginx.service) at port 8080, as its mode permits");
	assert_field(&c, "MESSAGE_ID=" WEFT_AUDIT_ID_PASS);
	assert_field(&c, "PRIORITY=5");
	assert_no_field(&c, "WEFT_PEER_IDENTITY");
}

static void failure_says_reason_and_detail(void **state)
{
	struct weft_nl_conn conn = client_conn();
	struct capture c;

	conn.reason = WEFT_REASON_PEER_CERTIFICATE;
	conn.detail = "certificate has expired (valid 2020-01-01 00:00:00 UTC to ...)";
	conn.error = ECONNREFUSED;
	assert_int_equal(audit(&c, &conn, WEFT_EVENT_CONN_FAILED), 0);
	assert_field(&c,
		     "MESSAGE=fail: shop/cart (curl, pid 123, cart.service) could not connect to "
		     "service \"payments\" (10.0.0.2:8080): the peer's certificate is not "
		     "accepted: certificate has expired (valid 2020-01-01 00:00:00 UTC to ...)");
	assert_field(&c,
		     "WEFT_DETAIL=certificate has expired (valid 2020-01-01 00:00:00 UTC to ...)");
	assert_field(&c, "WEFT_ERRNO=ECONNREFUSED");
	assert_field(&c, "MESSAGE_ID=" WEFT_AUDIT_ID_FAILED);
	assert_field(&c, "WEFT_REASON=peer-certificate");
}

static void failure_lists_the_endpoints_that_were_tried(void **state)
{
	struct weft_nl_attempt attempts[] = {
		{ addr("10.0.0.9:8080"), WEFT_REASON_REFUSED, ECONNREFUSED },
		{ addr("[fd00::9]:8080"), WEFT_REASON_SILENT, ETIMEDOUT },
	};
	struct weft_nl_conn conn = client_conn();
	struct capture c;

	conn.reason = WEFT_REASON_NO_ENDPOINT;
	conn.remote = (struct weft_addr){ 0 };
	conn.attempts = attempts;
	conn.n_attempts = 2;
	assert_int_equal(audit(&c, &conn, WEFT_EVENT_CONN_FAILED), 0);
	assert_field(&c, "WEFT_ATTEMPTS=10.0.0.9:8080 refused, [fd00::9]:8080 silent");
	assert_no_field(&c, "WEFT_ENDPOINT");
	assert_non_null(strstr(c.text, "service \"payments\" (240.0.0.7:80): the service has no "
				       "endpoint left\n"));
	conn.n_attempts = 1;
	assert_int_equal(audit(&c, &conn, WEFT_EVENT_CONN_FAILED), 0);
	assert_no_field(&c, "WEFT_ATTEMPTS");
}

static void regular_end_is_not_recorded(void **state)
{
	struct weft_nl_conn conn = client_conn();
	struct capture c;

	conn.reason = WEFT_REASON_CLOSED;
	assert_int_equal(audit(&c, &conn, WEFT_EVENT_CONN_CLOSED), WEFT_AUDIT_SKIPPED);
	conn.reason = WEFT_REASON_NONE;
	assert_int_equal(audit(&c, &conn, WEFT_EVENT_CONN_CLOSED), WEFT_AUDIT_SKIPPED);
	assert_int_equal(c.count, 0);
	conn.reason = WEFT_REASON_TRUNCATED;
	assert_int_equal(audit(&c, &conn, WEFT_EVENT_CONN_CLOSED), 0);
	assert_field(&c, "MESSAGE_ID=" WEFT_AUDIT_ID_CLOSED);
	assert_non_null(strstr(c.text, "MESSAGE=end: connection of shop/cart (curl, pid 123, "
				       "cart.service) to service \"payments\" (10.0.0.2:8080): the "
				       "stream ended without close_notify"));
}

static void audit_policy_that_matches_is_named(void **state)
{
	struct weft_nl_conn conn = server_conn();
	struct capture c;

	conn.audit = "would-deny";
	conn.cipher = "TLS_AES_128_GCM_SHA256";
	assert_int_equal(audit(&c, &conn, WEFT_EVENT_CONN_LIVE), 0);
	assert_field(&c, "WEFT_VERDICT=live");
	assert_field(&c, "WEFT_AUDIT_POLICY=would-deny");
	assert_non_null(strstr(c.text, "AES_128_GCM_SHA256; AUDIT policy \"would-deny\" matches\n"));
	assert_int_equal(audit(&c, &conn, WEFT_EVENT_CONN_AUDIT), 0);
	assert_field(&c, "MESSAGE_ID=" WEFT_AUDIT_ID_AUDIT);
	assert_field(&c, "PRIORITY=5");
	assert_field(&c, "WEFT_VERDICT=audit");
	assert_field(&c, "MESSAGE=audit: shop/cart (10.0.0.1:40112) is connected to shop/payments "
			 "(nginx, pid 99, nginx.service) at port 8080: mutual TLS 1.3, "
			 "TLS_AES_128_GCM_SHA256; AUDIT policy \"would-deny\" matches");
	conn.cipher = NULL;
	conn.peer_identity = NULL;
	assert_int_equal(audit(&c, &conn, WEFT_EVENT_CONN_AUDIT), 0);
	assert_non_null(strstr(c.text, "at port 8080 in plaintext; AUDIT policy"));
}

static void other_events_are_no_verdicts(void **state)
{
	static const enum weft_event events[] = {
		WEFT_EVENT_UNSPEC,    WEFT_EVENT_ENDPOINT_FAILED, WEFT_EVENT_GENERATION,
		WEFT_EVENT_WORKER_UP, WEFT_EVENT_WORKER_DOWN,	  WEFT_EVENT_MAX + 1,
	};
	struct weft_nl_conn conn = client_conn();
	struct capture c;

	for (size_t i = 0; i < sizeof(events) / sizeof(*events); i++) {
		assert_int_equal(audit(&c, &conn, events[i]), WEFT_AUDIT_SKIPPED);
		assert_int_equal(c.count, 0);
	}
}

static void connection_of_which_nothing_is_known_is_recorded(void **state)
{
	struct weft_nl_conn conn = { .id = 1, .reason = WEFT_REASON_NO_WORKLOAD };
	struct capture c;

	assert_int_equal(audit(&c, &conn, WEFT_EVENT_CONN_FAILED), 0);
	assert_non_null(strstr(c.text, "MESSAGE=fail: a process could not connect to "));
	assert_no_field(&c, "OBJECT_PID");
	assert_no_field(&c, "OBJECT_SYSTEMD_UNIT");
	conn.role = WEFT_ROLE_SERVER;
	assert_int_equal(audit(&c, &conn, WEFT_EVENT_CONN_FAILED), 0);
}

static void identity_of_another_trust_domain_is_written_out(void **state)
{
	struct weft_nl_conn conn = server_conn();
	struct capture c;

	conn.peer_identity = "spiffe://example.org.evil/shop/cart";
	assert_int_equal(audit(&c, &conn, WEFT_EVENT_CONN_LIVE), 0);
	assert_non_null(strstr(c.text, "MESSAGE=allow: spiffe://example.org.evil/shop/cart ("));
}

static void names_chosen_by_others_cannot_break_the_record(void **state)
{
	struct weft_nl_conn conn = client_conn();
	struct capture c;

	conn.comm = "a\nMESSAGE=b\x1b[31m";
	conn.cgroup = "/system.slice/x\ny.service";
	assert_int_equal(audit(&c, &conn, WEFT_EVENT_CONN_LIVE), 0);
	assert_field(&c, "WEFT_COMM=a?MESSAGE=b?[31m");
	assert_field(&c, "OBJECT_SYSTEMD_UNIT=x?y.service");
	assert_null(strstr(c.text, "\nMESSAGE=b"));
	assert_null(strchr(c.text, '\x1b'));
}

static char *long_text(const char *start, size_t len)
{
	char *text = malloc(len + 1);

	assert_non_null(text);
	memset(text, 'x', len);
	memcpy(text, start, strlen(start));
	text[len] = '\0';
	return text;
}

static void longest_values_fit_whole(void **state)
{
	struct weft_nl_conn conn = client_conn();
	char *ours = long_text("spiffe://a.org/", WEFT_IDENTITY_MAX);
	char *theirs = long_text("spiffe://b.org/", WEFT_IDENTITY_MAX);
	char *name = long_text("", WEFT_NAME_MAX), *detail = long_text("", WEFT_DETAIL_MAX);
	char *cgroup = long_text("/", 4095);
	struct capture c;
	char field[5000];

	conn.identity = ours;
	conn.peer_identity = theirs;
	conn.service = conn.workload = conn.policy = name;
	conn.detail = detail;
	conn.cgroup = cgroup;
	conn.reason = WEFT_REASON_TLS;
	assert_int_equal(audit(&c, &conn, WEFT_EVENT_CONN_FAILED), 0);
	snprintf(field, sizeof(field), "WEFT_PEER_IDENTITY=%s", theirs);
	assert_field(&c, field);
	snprintf(field, sizeof(field), "WEFT_CGROUP=%s", cgroup);
	assert_field(&c, field);
	assert_non_null(strstr(c.text, detail));
	assert_field(&c, "OBJECT_PID=123");
	free(ours);
	free(theirs);
	free(name);
	free(detail);
	free(cgroup);
}

static void values_beyond_all_limits_are_cut_off(void **state)
{
	struct weft_nl_conn conn = client_conn();
	char *huge = long_text("/", 100000);
	struct capture c;

	conn.cgroup = conn.detail = huge;
	conn.reason = WEFT_REASON_TLS;
	assert_int_equal(audit(&c, &conn, WEFT_EVENT_CONN_FAILED), 0);
	assert_field(&c, "WEFT_CONN=42");
	free(huge);
}

static void sentence_is_cut_off_at_any_size(void **state)
{
	struct weft_nl_conn conn = client_conn();
	char whole[512], buf[512];

	weft_audit_sentence(&conn, WEFT_EVENT_CONN_LIVE, whole, sizeof(whole));
	for (size_t size = 1; size <= strlen(whole) + 1; size++) {
		memset(buf, '#', sizeof(buf));
		weft_audit_sentence(&conn, WEFT_EVENT_CONN_LIVE, buf, size);
		assert_int_equal(strlen(buf), size - 1);
		assert_memory_equal(buf, whole, size - 1);
		assert_int_equal(buf[size], '#');
	}
}

static void error_of_the_sink_is_passed_on(void **state)
{
	struct capture c = { .result = -ENOENT };
	const struct weft_audit_sink sink = { .send = keep, .data = &c };
	const struct weft_audit_stamp stamp = { 0 };
	struct weft_nl_conn conn = client_conn();
	struct weft_error err = { 0 };

	assert_int_equal(weft_audit_verdict(&sink, &conn, WEFT_EVENT_CONN_LIVE, &stamp, &err),
			 -ENOENT);
	assert_non_null(strstr(err.text, "connection 42"));
}

static void record_says_which_verdict_it_is_and_when_it_was(void **state)
{
	const struct weft_audit_stamp stamp = { .epoch = 0xabc, .sequence = 17,
						.time = UINT64_C(1700000000123456) };
	struct weft_audit_stamp late = stamp;
	struct capture c = { 0 };
	const struct weft_audit_sink sink = { .send = keep, .data = &c };
	struct weft_nl_conn conn = client_conn();
	struct weft_error err = { 0 };

	assert_int_equal(weft_audit_verdict(&sink, &conn, WEFT_EVENT_CONN_LIVE, &stamp, &err), 0);
	assert_field(&c, "WEFT_EPOCH=0000000000000abc");
	assert_field(&c, "WEFT_SEQUENCE=17");
	assert_field(&c, "WEFT_TIME=1700000000123456");
	assert_no_field(&c, "WEFT_LATE");
	assert_null(strstr(c.text, "late"));
	late.late = true;
	assert_int_equal(weft_audit_verdict(&sink, &conn, WEFT_EVENT_CONN_LIVE, &late, &err), 0);
	assert_field(&c, "WEFT_LATE=1");
	assert_non_null(strstr(c.text, " (late: of 2023-11-14 22:13:20 UTC)\n"));
	audit(&c, &conn, WEFT_EVENT_CONN_LIVE); /* of an older module */
	assert_no_field(&c, "WEFT_EPOCH");
	assert_no_field(&c, "WEFT_SEQUENCE");
	assert_no_field(&c, "WEFT_TIME");
}

static void lost_verdicts_are_one_record(void **state)
{
	struct capture c = { 0 };
	const struct weft_audit_sink sink = { .send = keep, .data = &c };
	struct weft_error err = { 0 };

	assert_int_equal(weft_audit_lost(&sink, 0xabc, 5, 1000, "so it is", &err), 0);
	assert_int_equal(c.count, 1);
	assert_field(&c, "MESSAGE_ID=" WEFT_AUDIT_ID_LOST);
	assert_field(&c, "PRIORITY=4");
	assert_field(&c, "WEFT_LOST=1000");
	assert_field(&c, "WEFT_LOST_FIRST=5");
	assert_field(&c, "MESSAGE=verdicts on connections are not recorded, 1000 of them: so it is");
	c.result = -ENOENT;
	assert_int_equal(weft_audit_lost(&sink, 0xabc, 5, 1000, "so it is", &err), -ENOENT);
}

static void what_is_left_out_says_of_whom_and_how_many(void **state)
{
	struct weft_limit_source source = { .net.len = 64, .about = "cart", .left_out = 1950,
					    .first = 51, .last = 9000 };
	struct capture c = { 0 };
	const struct weft_audit_sink sink = { .send = keep, .data = &c };
	struct weft_error err = { 0 };

	source.net.ip[0] = 0xfd;
	assert_int_equal(weft_audit_left_out(&sink, 0xabc, &source, &err), 0);
	assert_field(&c, "MESSAGE=1950 more connections of fd00::/64 to workload \"cart\" were refused "
			 "or failed without an identity and are not recorded one by one");
	assert_field(&c, "MESSAGE_ID=" WEFT_AUDIT_ID_LEFT_OUT);
	assert_field(&c, "WEFT_SOURCE=fd00::/64");
	assert_field(&c, "WEFT_WORKLOAD=cart");
	assert_field(&c, "WEFT_ROLE=server");
	assert_field(&c, "WEFT_LEFT_OUT=1950");
	assert_field(&c, "WEFT_LEFT_OUT_FIRST=51");
	assert_field(&c, "WEFT_LEFT_OUT_LAST=9000");
	assert_field(&c, "WEFT_EPOCH=0000000000000abc");
	source.others = true;
	assert_int_equal(weft_audit_left_out(&sink, 0, &source, &err), 0);
	assert_field(&c, "MESSAGE=1950 more connections of many other addresses were refused or "
			 "failed without an identity and are not recorded one by one");
	assert_no_field(&c, "WEFT_SOURCE");
	assert_no_field(&c, "WEFT_WORKLOAD");
	assert_no_field(&c, "WEFT_LEFT_OUT_FIRST");
	c.result = -EAGAIN;
	assert_int_equal(weft_audit_left_out(&sink, 0xabc, &source, &err), -EAGAIN);
}

static void unit_is_found_as_systemd_does(void **state)
{
	static const struct {
		const char *cgroup, *unit;
	} cases[] = {
		{ "/system.slice/cart.service", "cart.service" },
		{ "/system.slice/cart.service/worker/1", "cart.service" },
		{ "/system.slice/system-weftd.slice/weftd@a.service", "weftd@a.service" },
		{ "/user.slice/user-1000.slice/session-3.scope", "session-3.scope" },
		{ "/user.slice/user-1000.slice/user@1000.service/app.slice/x.service",
		  "user@1000.service" },
		{ "/machine.slice/machine-a.scope/payload", "machine-a.scope" },
		{ "/init.scope", "init.scope" },
		{ "/system.slice/_cpu.service", "cpu.service" },
		{ "//system.slice//cart.service", "cart.service" },
		{ "/system.slice", NULL },
		{ "/", NULL },
		{ "", NULL },
		{ NULL, NULL },
		{ "/docker/0123abcd", NULL },
		{ "/system.slice/.service", NULL },
		{ "/foo/cart.service", NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char unit[WEFT_AUDIT_UNIT_MAX] = "";
		int r = weft_audit_unit(cases[i].cgroup, unit);

		assert_int_equal(r, cases[i].unit ? 0 : -ENXIO);
		assert_string_equal(unit, cases[i].unit ? cases[i].unit : "");
	}
}

static void certificate_that_a_node_got_can_be_found_and_revoked(void **state)
{
	struct weft_audit_issue issue = {
		.node = "n1",
		.address = "192.0.2.1",
		.identity = "spiffe://example.org/shop/cart",
		.serial = "0a1b2c",
		.not_after = 1900000000,
		.text = "node \"n1\" got it",
	};
	struct capture c = { 0 };
	const struct weft_audit_sink sink = { .send = keep, .data = &c };
	struct weft_error err = { 0 };

	assert_int_equal(weft_audit_issue(&sink, &issue, &err), 0);
	assert_field(&c, "MESSAGE_ID=" WEFT_AUDIT_ID_ISSUED);
	assert_field(&c, "MESSAGE=node \"n1\" got it");
	assert_field(&c, "PRIORITY=6");
	assert_field(&c, "WEFT_NODE=n1");
	assert_field(&c, "WEFT_ADDRESS=192.0.2.1");
	assert_field(&c, "WEFT_IDENTITY=spiffe://example.org/shop/cart");
	assert_field(&c, "WEFT_SERIAL=0a1b2c");
	assert_field(&c, "WEFT_NOT_AFTER=1900000000000000");
	assert_no_field(&c, "WEFT_VERDICT"); /* it is none: nobody simulates with it */

	issue.joined = true;
	issue.serial = NULL;
	assert_int_equal(weft_audit_issue(&sink, &issue, &err), 0);
	assert_field(&c, "MESSAGE_ID=" WEFT_AUDIT_ID_JOINED);
	assert_field(&c, "PRIORITY=5");
	assert_no_field(&c, "WEFT_SERIAL");

	c.result = -EIO;
	assert_int_equal(weft_audit_issue(&sink, &issue, &err), -EIO);
	assert_non_null(strstr(err.text, "audit record of a certificate: "));
}

/* The catalogue file lies in the source tree, whose top is the working directory
 * or two directories above this file. */
static char *read_catalogue(void)
{
	static char text[16384], path[4096];
	const char *slash = strrchr(__FILE__, '/');
	FILE *f;

	snprintf(path, sizeof(path), "%.*s/../../userspace/audit/weft.catalog",
		 slash ? (int)(slash - __FILE__) : 1, slash ? __FILE__ : ".");
	f = fopen(path, "r");
	if (!f)
		fail_msg("%s: %s", path, strerror(errno));
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	return text;
}

static void catalogue_explains_every_id_once(void **state)
{
	static const char *const ids[] = {
		WEFT_AUDIT_ID_LIVE,   WEFT_AUDIT_ID_PASS,   WEFT_AUDIT_ID_DENIED,
		WEFT_AUDIT_ID_FAILED, WEFT_AUDIT_ID_CLOSED, WEFT_AUDIT_ID_AUDIT,
		WEFT_AUDIT_ID_LOST,   WEFT_AUDIT_ID_LEFT_OUT,
		WEFT_AUDIT_ID_JOINED, WEFT_AUDIT_ID_ISSUED,
	};
	const char *text = read_catalogue();
	int entries = 0;

	for (const char *p = text; (p = strstr(p, "\n-- ")); p++)
		entries++;
	assert_int_equal(entries, sizeof(ids) / sizeof(*ids));
	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
		char entry[64];

		assert_int_equal(strlen(ids[i]), 32);
		assert_int_equal(strspn(ids[i], "0123456789abcdef"), 32);
		snprintf(entry, sizeof(entry), "\n-- %s\nSubject: ", ids[i]);
		assert_non_null(strstr(text, entry));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(denial_by_the_peer_names_both_sides),
		cmocka_unit_test(denial_here_names_the_policy_or_its_lack),
		cmocka_unit_test(revocation_says_what_is_revoked_and_by_which),
		cmocka_unit_test(plaintext_of_a_registered_peer_says_which),
		cmocka_unit_test(live_connection_has_cipher_and_version),
		cmocka_unit_test(plaintext_is_noticed),
		cmocka_unit_test(failure_says_reason_and_detail),
		cmocka_unit_test(failure_lists_the_endpoints_that_were_tried),
		cmocka_unit_test(regular_end_is_not_recorded),
		cmocka_unit_test(audit_policy_that_matches_is_named),
		cmocka_unit_test(other_events_are_no_verdicts),
		cmocka_unit_test(connection_of_which_nothing_is_known_is_recorded),
		cmocka_unit_test(identity_of_another_trust_domain_is_written_out),
		cmocka_unit_test(names_chosen_by_others_cannot_break_the_record),
		cmocka_unit_test(longest_values_fit_whole),
		cmocka_unit_test(values_beyond_all_limits_are_cut_off),
		cmocka_unit_test(sentence_is_cut_off_at_any_size),
		cmocka_unit_test(error_of_the_sink_is_passed_on),
		cmocka_unit_test(record_says_which_verdict_it_is_and_when_it_was),
		cmocka_unit_test(lost_verdicts_are_one_record),
		cmocka_unit_test(what_is_left_out_says_of_whom_and_how_many),
		cmocka_unit_test(certificate_that_a_node_got_can_be_found_and_revoked),
		cmocka_unit_test(unit_is_found_as_systemd_does),
		cmocka_unit_test(catalogue_explains_every_id_once),
	};

	return cmocka_run_group_tests_name("audit", tests, NULL, NULL);
}
