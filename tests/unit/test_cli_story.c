// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * weftctl explain: the story of a connection, the advice, the lines of monitor.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/cleanup.h"
#include "base/enums.h"
#include "cli/advice.h"
#include "cli/monitor.h"
#include "cli/story.h"

static struct weft_addr addr_of(const char *text)
{
	struct weft_addr addr;

	assert_int_equal(weft_addr_parse(&addr, text), 0);
	return addr;
}

/* A client whose first endpoint refused and whose second one has it now. */
static struct weft_nl_attempt attempts[2];
static struct weft_nl_conn client;

static int setup(void **state)
{
	attempts[0] = (struct weft_nl_attempt){ addr_of("10.0.0.2:8080"), WEFT_REASON_REFUSED,
						ECONNREFUSED };
	attempts[1] = (struct weft_nl_attempt){ addr_of("10.0.0.3:8080"), WEFT_REASON_NONE, 0 };
	client = (struct weft_nl_conn){
		.id = 42, .role = WEFT_ROLE_CLIENT, .state = WEFT_CONN_LIVE,
		.local = addr_of("10.0.0.1:40000"), .remote = addr_of("10.0.0.3:8080"),
		.asked = addr_of("240.0.0.5:80"), .service = "web", .workload = "shop",
		.identity = "spiffe://x/shop", .peer_identity = "spiffe://x/web",
		.policy = NULL, .generation = 7, .cipher = "TLS_AES_128_GCM_SHA256", .pid = 4711,
		.uid = 1000, .comm = "curl", .cgroup = "/system.slice/shop.service", .age = 3200,
		.attempts = attempts, .n_attempts = 2,
	};
	return 0;
}

static void a_failover_is_told_from_beginning_to_end(void **state)
{
	_cleanup_(weft_story_uninit) struct weft_story s = { 0 };

	assert_int_equal(weft_story_tell(&s, &client), 0);
	assert_string_equal(s.what, "connection 42, 10.0.0.1:40000 -> 10.0.0.3:8080, seen from the "
				    "client, began 3.2s ago; live: mutual TLS, in use");
	assert_string_equal(s.who, "curl (pid 4711, uid 1000) in /system.slice/shop.service, "
				   "workload \"shop\", identity spiffe://x/shop");
	assert_string_equal(s.where, "connect() to 240.0.0.5:80, which is service \"web\"");
	assert_string_equal(s.tried,
			    "1. 10.0.0.2:8080: refused, nothing listens there (ECONNREFUSED)\n"
			    "2. 10.0.0.3:8080: connected");
	assert_string_equal(s.peer, "10.0.0.3:8080 proved to be spiffe://x/web; TLS 1.3, "
				    "TLS_AES_128_GCM_SHA256");
	assert_string_equal(s.decided, "no policy had a say, generation 7");
	assert_string_equal(s.result, "a working connection: none, nothing was refused");
	assert_null(s.advice);
}

static void a_denial_names_policy_generation_and_what_to_do(void **state)
{
	_cleanup_(weft_story_uninit) struct weft_story s = { 0 };
	struct weft_nl_conn server = {
		.id = 7, .role = WEFT_ROLE_SERVER, .state = WEFT_CONN_DEAD,
		.mode = WEFT_MODE_STRICT, .local = addr_of("10.0.0.3:8080"),
		.remote = addr_of("10.0.0.1:40000"), .workload = "web",
		.peer_identity = "spiffe://x/shop", .policy = "no-shop", .audit = "watch", .generation = 8,
		.error = EACCES, .reason = WEFT_REASON_POLICY_DENIED, .comm = "nginx",
	};

	assert_int_equal(weft_story_tell(&s, &server), 0);
	assert_string_equal(s.what, "connection 7, 10.0.0.1:40000 -> 10.0.0.3:8080, seen from the "
				    "server; dead: over");
	assert_string_equal(s.who, "nginx, workload \"web\"");
	assert_string_equal(s.where, "was called at 10.0.0.3:8080, where mode strict applies");
	assert_null(s.tried);
	assert_string_equal(s.decided, "policy \"no-shop\" denied it, generation 8; AUDIT policy "
				       "\"watch\" matches");
	assert_string_equal(s.result, "EACCES (Permission denied): policy-denied, a policy of this "
				      "host says no");
	assert_non_null(strstr(s.advice, "weftctl policy show"));
	weft_story_uninit(&s);
	server.policy = NULL;
	assert_int_equal(weft_story_tell(&s, &server), 0);
	assert_string_equal(s.decided, "no \"allow\" policy matched, generation 8; AUDIT policy "
				       "\"watch\" matches");
}

static void a_revoked_peer_is_told_with_the_revocation(void **state)
{
	_cleanup_(weft_story_uninit) struct weft_story s = { 0 };
	struct weft_nl_conn server = {
		.id = 7, .role = WEFT_ROLE_SERVER, .state = WEFT_CONN_DEAD,
		.local = addr_of("10.0.0.3:8080"), .remote = addr_of("10.0.0.1:40000"),
		.workload = "web", .peer_identity = "spiffe://x/shop", .peer_serial = "0a1b",
		.revoked = WEFT_REVOKED_SERIAL, .revocation = "leak", .generation = 8,
		.error = EACCES, .reason = WEFT_REASON_REVOKED,
	};

	assert_int_equal(weft_story_tell(&s, &server), 0);
	assert_string_equal(s.peer, "10.0.0.1:40000 proved to be spiffe://x/shop, certificate 0a1b");
	assert_string_equal(s.decided, "revocation \"leak\" has the peer's serial, generation 8");
	assert_non_null(strstr(s.result, "revoked, the peer's identity or certificate is revoked"));
	assert_non_null(strstr(s.advice, "weftctl revocation show"));
	weft_story_uninit(&s);
	server.revocation = NULL;
	assert_int_equal(weft_story_tell(&s, &server), 0);
	assert_string_equal(s.decided, "serials are revoked, and the peer's is not known, "
				       "generation 8");
}

static void plaintext_of_a_registered_peer_is_told_with_the_peer(void **state)
{
	_cleanup_(weft_story_uninit) struct weft_story s = { 0 };
	struct weft_nl_conn server = {
		.id = 7, .role = WEFT_ROLE_SERVER, .state = WEFT_CONN_DEAD,
		.mode = WEFT_MODE_PERMISSIVE, .local = addr_of("10.0.0.3:25"),
		.remote = addr_of("10.77.0.1:40000"), .workload = "mail", .generation = 8,
		.registered = "rack-7", .error = ECONNRESET, .reason = WEFT_REASON_PLAINTEXT,
	};

	assert_int_equal(weft_story_tell(&s, &server), 0);
	assert_string_equal(s.decided, "peer \"rack-7\" has the address, from which no plaintext is "
				       "taken, generation 8");
	assert_non_null(strstr(s.result, "plaintext, plaintext instead of mutual TLS"));
	assert_non_null(strstr(s.advice, "weftctl peer show"));
	weft_story_uninit(&s);
	server.reason = WEFT_REASON_HANDSHAKE_TIMEOUT; /* it waited for the server's greeting */
	assert_int_equal(weft_story_tell(&s, &server), 0);
	assert_non_null(strstr(s.advice, "weftctl peer show"));
	weft_story_uninit(&s);
	server.reason = WEFT_REASON_NO_DAEMON;
	assert_int_equal(weft_story_tell(&s, &server), 0);
	assert_non_null(strstr(s.advice, "Start weftd"));
	weft_story_uninit(&s);
	server.reason = WEFT_REASON_PLAINTEXT;
	server.registered = NULL;
	assert_int_equal(weft_story_tell(&s, &server), 0);
	assert_null(s.decided);
	assert_null(strstr(s.advice, "weftctl peer show"));
}

static void the_detail_of_a_failed_handshake_is_repeated(void **state)
{
	_cleanup_(weft_story_uninit) struct weft_story s = { 0 };

	client.state = WEFT_CONN_DEAD;
	client.reason = WEFT_REASON_PEER_CERTIFICATE;
	client.error = ECONNREFUSED;
	client.detail = "certificate has expired";
	client.peer_identity = NULL;
	client.cipher = NULL;
	assert_int_equal(weft_story_tell(&s, &client), 0);
	assert_string_equal(s.peer, "10.0.0.3:8080 proved no identity");
	assert_null(s.decided);
	assert_string_equal(s.result,
			    "ECONNREFUSED (Connection refused): peer-certificate, the peer's "
			    "certificate was not accepted; detail: certificate has expired");
	assert_non_null(s.advice);
}

static void a_service_without_endpoints_is_named_by_what_was_asked(void **state)
{
	_cleanup_(weft_story_uninit) struct weft_story s = { 0 };

	client.state = WEFT_CONN_DEAD;
	client.reason = WEFT_REASON_NO_ENDPOINT;
	client.error = ECONNREFUSED;
	client.n_attempts = 0;
	memset(&client.local, 0, sizeof(client.local));
	memset(&client.remote, 0, sizeof(client.remote));
	client.peer_identity = NULL;
	assert_int_equal(weft_story_tell(&s, &client), 0);
	assert_string_equal(s.what, "connection 42, ? -> 240.0.0.5:80, seen from the client, lasted "
				    "3.2s; dead: over");
	assert_null(s.tried);
	assert_null(s.peer);
	assert_non_null(strstr(s.advice, "weftctl endpoint show"));
}

static void who_waits_for_a_daemon_is_told_to_start_one(void **state)
{
	_cleanup_(weft_story_uninit) struct weft_story s = { 0 };

	client.state = WEFT_CONN_WANT;
	assert_int_equal(weft_story_tell(&s, &client), 0);
	assert_non_null(strstr(s.advice, "Start weftd"));
	assert_memory_equal(s.result, "nothing yet, it waits: ", 23);
}

static void a_connection_of_which_nothing_is_known_has_a_story_too(void **state)
{
	_cleanup_(weft_story_uninit) struct weft_story s = { 0 };
	struct weft_nl_conn nothing = { .id = 1, .state = 99, .reason = 99 };

	assert_int_equal(weft_story_tell(&s, &nothing), 0);
	assert_string_equal(s.who, "a process, which is no workload");
	assert_non_null(strstr(s.what, "connection 1, ? -> ?, "));
	assert_non_null(strstr(s.what, "unknown: in a state this weftctl does not know"));
	assert_null(s.peer);
	assert_null(s.advice);
}

static void every_reason_has_a_meaning_and_failures_have_advice(void **state)
{
	unsigned int reason;

	for (reason = 0; reason <= WEFT_REASON_MAX; reason++) {
		assert_non_null(weft_reason_meaning(reason));
		if (reason == WEFT_REASON_NONE || reason == WEFT_REASON_CLOSED ||
		    reason == WEFT_REASON_ADMIN)
			continue;
		if (!weft_reason_advice(reason, WEFT_ROLE_CLIENT) ||
		    !weft_reason_advice(reason, WEFT_ROLE_SERVER))
			fail_msg("no advice for %s", weft_reason_name(reason));
	}
	assert_string_not_equal(weft_reason_advice(WEFT_REASON_PLAINTEXT, WEFT_ROLE_CLIENT),
				weft_reason_advice(WEFT_REASON_PLAINTEXT, WEFT_ROLE_SERVER));
	assert_non_null(weft_reason_meaning(WEFT_REASON_MAX + 1));
	assert_null(weft_reason_advice(WEFT_REASON_MAX + 1, WEFT_ROLE_CLIENT));
}

/* What monitor prints for one event, for free(). */
static char *line_of(const struct weft_nl_event *event, bool json)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	struct weft_print *p = weft_print_create(f, json);

	weft_monitor_print(p, event, "NOW");
	assert_int_equal(weft_print_finish(p), 0);
	fclose(f);
	return text;
}

static void an_event_is_one_line(void **state)
{
	struct weft_nl_event event = { .type = WEFT_EVENT_CONN_LIVE, .has_conn = true };
	_cleanup_free_ char *live = NULL, *denied = NULL;

	event.conn = client;
	live = line_of(&event, false);
	assert_string_equal(live, "NOW conn-live conn 42 client 10.0.0.1:40000 -> 10.0.0.3:8080 "
				  "service web workload shop peer spiffe://x/web\n");
	event.type = WEFT_EVENT_CONN_DENIED;
	event.conn.policy = "p";
	event.conn.reason = WEFT_REASON_POLICY_DENIED;
	event.conn.error = EACCES;
	event.conn.detail = "two\nlines";
	denied = line_of(&event, false);
	assert_string_equal(denied, "NOW conn-denied conn 42 client 10.0.0.1:40000 -> 10.0.0.3:8080 "
				    "service web workload shop peer spiffe://x/web policy p reason "
				    "policy-denied errno EACCES detail \"two\\x0alines\"\n");
}

static void a_failed_endpoint_is_the_last_one_tried(void **state)
{
	struct weft_nl_event event = { .type = WEFT_EVENT_ENDPOINT_FAILED, .has_conn = true };
	_cleanup_free_ char *line = NULL;

	event.conn = client;
	event.conn.n_attempts = 1;
	line = line_of(&event, false);
	assert_string_equal(line, "NOW endpoint-failed conn 42 client 10.0.0.1:40000 -> "
				  "10.0.0.3:8080 service web workload shop peer spiffe://x/web "
				  "endpoint 10.0.0.2:8080 reason refused errno ECONNREFUSED\n");
}

static void events_without_connection_are_short(void **state)
{
	struct weft_nl_event event = { .type = WEFT_EVENT_GENERATION, .generation = 9 };
	_cleanup_free_ char *text = line_of(&event, false), *json = line_of(&event, true);
	_cleanup_free_ char *worker = NULL;

	assert_string_equal(text, "NOW generation 9\n");
	assert_string_equal(json, "{\"time\":\"NOW\",\"event\":\"generation\",\"generation\":9}\n");
	event.type = WEFT_EVENT_WORKER_UP;
	worker = line_of(&event, false);
	assert_string_equal(worker, "NOW worker-up\n");
}

static void an_event_as_json_has_all_of_the_connection(void **state)
{
	struct weft_nl_event event = { .type = WEFT_EVENT_CONN_LIVE, .has_conn = true };
	_cleanup_free_ char *json = NULL;

	event.conn = client;
	json = line_of(&event, true);
	assert_string_equal(
		json,
		"{\"time\":\"NOW\",\"event\":\"conn-live\",\"conn\":{\"id\":42,\"role\":\"client\","
		"\"state\":\"live\",\"mode\":null,\"reason\":\"none\",\"detail\":null,\"errno\":null,"
		"\"local\":\"10.0.0.1:40000\",\"remote\":\"10.0.0.3:8080\",\"asked\":\"240.0.0.5:80\","
		"\"service\":\"web\",\"attempts\":[{\"address\":\"10.0.0.2:8080\",\"reason\":"
		"\"refused\",\"errno\":\"ECONNREFUSED\"},{\"address\":\"10.0.0.3:8080\",\"reason\":"
		"\"none\",\"errno\":null}],\"workload\":\"shop\",\"identity\":\"spiffe://x/shop\","
		"\"peer_identity\":\"spiffe://x/web\",\"peer_serial\":null,"
		"\"revoked\":null,\"revocation\":null,\"registered\":null,\"policy\":null,\"audit\":null,\"generation\":7,\"cipher\":"
		"\"TLS_AES_128_GCM_SHA256\",\"handshake\":\"full\",\"pid\":4711,\"uid\":1000,\"comm\":\"curl\",\"cgroup\":"
		"\"/system.slice/shop.service\",\"age_ms\":3200}}\n");
}

#define with_client(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_client(a_failover_is_told_from_beginning_to_end),
		with_client(a_denial_names_policy_generation_and_what_to_do),
		with_client(a_revoked_peer_is_told_with_the_revocation),
		with_client(plaintext_of_a_registered_peer_is_told_with_the_peer),
		with_client(the_detail_of_a_failed_handshake_is_repeated),
		with_client(a_service_without_endpoints_is_named_by_what_was_asked),
		with_client(who_waits_for_a_daemon_is_told_to_start_one),
		with_client(a_connection_of_which_nothing_is_known_has_a_story_too),
		with_client(every_reason_has_a_meaning_and_failures_have_advice),
		with_client(an_event_is_one_line),
		with_client(a_failed_endpoint_is_the_last_one_tried),
		with_client(events_without_connection_are_short),
		with_client(an_event_as_json_has_all_of_the_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
