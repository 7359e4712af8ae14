// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Handshakes of two workers against each other over a socketpair, on one loop;
 * the test is the module: it judges, takes the keys and hears how it ended.
 */
#include "daemon_fixture.h"

#include <errno.h>
#include "daemon/handshake.h"

struct side {
	struct weft_handshake *handshake; /* NULL: over */
	/* what the module would do */
	int judge_error;		/* of the call */
	struct weft_nl_verdict verdict; /* of the call */
	int install_error;
	/* what it heard */
	unsigned int judged, dones;
	char peer[128];		/* in judge */
	char serial[WEFT_SERIAL_SIZE];
	char done_peer[128];
	char detail[256], cipher[64];
	enum weft_reason reason;
	int error;
	uint64_t generation; /* now in force, as ACCEPT tells it; 0: not told */
	bool allowed, installed, resumed;
	struct weft_ktls_key tx, rx;
};

struct context {
	struct fixture f;
	struct weft_loop *loop;
	struct weft_snapshot *snapshot;
	struct side client, server;
	int fds[2]; /* client, server; -1: a handshake's */
};

static int judge(void *data, uint64_t id, const char *peer, const char *serial,
		 struct weft_nl_verdict *verdict, struct weft_error *err)
{
	struct side *s = data;

	s->judged++;
	snprintf(s->peer, sizeof(s->peer), "%s", peer);
	snprintf(s->serial, sizeof(s->serial), "%s", serial);
	if (s->judge_error)
		return weft_error_set(err, s->judge_error, "no verdict");
	*verdict = s->verdict;
	s->allowed = !s->verdict.error;
	return 0;
}

static int install(void *data, int fd, const struct weft_ktls_key *tx,
		   const struct weft_ktls_key *rx, struct weft_error *err)
{
	struct side *s = data;

	if (s->install_error)
		return weft_error_set(err, s->install_error, "no such cipher here");
	if (!s->allowed) /* so does the module */
		return weft_error_set(err, EACCES, "no keys without a verdict");
	s->installed = true;
	s->tx = *tx;
	s->rx = *rx;
	return 0;
}

static void note(char *to, size_t size, const char *text)
{
	snprintf(to, size, "%s", text ? text : "");
}

static void done(void *data, const struct weft_nl_done *done)
{
	struct side *s = data;

	s->dones++;
	s->reason = done->reason;
	s->error = done->error;
	s->resumed = done->resumed;
	note(s->done_peer, sizeof(s->done_peer), done->peer_identity);
	note(s->detail, sizeof(s->detail), done->detail);
	note(s->cipher, sizeof(s->cipher), done->cipher);
}

static void over(void *data, struct weft_handshake *handshake)
{
	struct side *s = data;

	assert_ptr_equal(s->handshake, handshake);
	s->handshake = NULL;
	weft_handshake_destroy(handshake);
}

static const struct weft_handshake_ops ops = {
	.judge = judge,
	.install = install,
	.done = done,
	.over = over,
};

static int setup(void **state)
{
	struct context *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	fixture_ca(&c->f);
	c->snapshot = fixture_snapshot(&c->f, CLIENT, SERVER);
	assert_int_equal(weft_loop_create(&c->loop), 0);
	fixture_socketpair(c->fds);
	*state = c;
	return 0;
}

static int teardown(void **state)
{
	struct context *c = *state;
	int i;

	if (c->client.handshake)
		weft_handshake_destroy(c->client.handshake);
	if (c->server.handshake)
		weft_handshake_destroy(c->server.handshake);
	for (i = 0; i < 2; i++)
		if (c->fds[i] >= 0)
			close(c->fds[i]);
	weft_snapshot_put(c->snapshot);
	weft_loop_destroy(c->loop);
	fixture_uninit(&c->f);
	free(c);
	return 0;
}

static void create(struct context *c, enum weft_role role, uint32_t deadline)
{
	struct side *s = role == WEFT_ROLE_CLIENT ? &c->client : &c->server;
	struct weft_nl_conn conn = {
		.id = role + 1,
		.role = role,
		.deadline = deadline,
		.generation = s->generation,
		.remote = { .ip = { 10 }, .port = 80 },
		.identity = strdup(role == WEFT_ROLE_CLIENT ? CLIENT : SERVER),
		.service = role == WEFT_ROLE_CLIENT ? strdup("web.test") : NULL,
	};

	s->handshake = weft_handshake_create(c->loop, &ops, s, &conn, c->fds[role]);
	assert_non_null(s->handshake);
	assert_null(conn.identity);
	c->fds[role] = -1;
}

static void start(struct context *c)
{
	create(c, WEFT_ROLE_CLIENT, 20000);
	create(c, WEFT_ROLE_SERVER, 20000);
	weft_handshake_begin(c->server.handshake, c->snapshot);
	weft_handshake_begin(c->client.handshake, c->snapshot);
}

static void run(struct context *c)
{
	while (c->client.handshake || c->server.handshake)
		assert_int_equal(weft_loop_step(c->loop, -1), 0);
}

static void assert_same_key(const struct weft_ktls_key *a, const struct weft_ktls_key *b)
{
	assert_int_equal(a->info.cipher_type, b->info.cipher_type);
	assert_int_equal(a->len, b->len);
	assert_memory_equal(&a->info, &b->info, a->len);
	assert_true(a->secret.len);
	assert_memory_equal(&a->secret, &b->secret, sizeof(a->secret));
}

static void both_sides_get_the_same_keys(void **state)
{
	struct context *c = *state;

	c->client.verdict.generation = 7;
	c->server.verdict = (struct weft_nl_verdict){ .policy = "web-clients", .generation = 8 };
	start(c);
	run(c);

	assert_int_equal(c->client.reason, WEFT_REASON_NONE);
	assert_int_equal(c->server.reason, WEFT_REASON_NONE);
	assert_int_equal(c->client.error, 0);
	assert_true(c->client.installed && c->server.installed);
	assert_same_key(&c->client.tx, &c->server.rx);
	assert_same_key(&c->client.rx, &c->server.tx);
	assert_string_equal(c->client.peer, SERVER);
	assert_string_equal(c->server.peer, CLIENT);
	assert_string_equal(c->client.done_peer, SERVER);
	assert_string_equal(c->server.done_peer, CLIENT);
	assert_non_null(strstr(c->client.cipher, "TLS_"));
	assert_int_equal(c->client.dones, 1);
	assert_int_equal(c->server.dones, 1);
}

/* Another connection between the same two: nothing was heard of it yet. */
static void again(struct context *c)
{
	const uint64_t generation[] = { c->client.generation, c->server.generation };
	const struct weft_nl_verdict verdict = c->server.verdict;

	c->client = (struct side){ .generation = generation[0] };
	c->server = (struct side){ .generation = generation[1], .verdict = verdict };
	fixture_socketpair(c->fds);
	start(c);
	run(c);
}

static void second_connection_is_resumed_and_judged_like_the_first(void **state)
{
	struct context *c = *state;
	char serials[2][WEFT_SERIAL_SIZE];

	c->client.generation = 7;
	c->server.generation = 8;
	start(c);
	run(c);
	assert_true(c->client.installed && c->server.installed);
	assert_false(c->client.resumed || c->server.resumed);
	assert_string_not_equal(c->client.serial, "");
	assert_string_not_equal(c->server.serial, "");
	assert_string_not_equal(c->client.serial, c->server.serial);
	strcpy(serials[0], c->client.serial);
	strcpy(serials[1], c->server.serial);

	again(c);
	assert_string_equal(c->client.serial, serials[0]);
	assert_string_equal(c->server.serial, serials[1]);
	assert_int_equal(c->client.reason, WEFT_REASON_NONE);
	assert_int_equal(c->server.reason, WEFT_REASON_NONE);
	assert_true(c->client.resumed && c->server.resumed);
	assert_int_equal(c->client.judged, 1);
	assert_int_equal(c->server.judged, 1);
	assert_string_equal(c->client.peer, SERVER);
	assert_string_equal(c->server.peer, CLIENT);
	assert_string_equal(c->client.done_peer, SERVER);
	assert_string_equal(c->server.done_peer, CLIENT);
	assert_same_key(&c->client.tx, &c->server.rx);
	assert_same_key(&c->client.rx, &c->server.tx);

	c->server.generation++;
	again(c);
	assert_true(c->client.installed && c->server.installed);
	assert_false(c->client.resumed || c->server.resumed);

	c->server.verdict = (struct weft_nl_verdict){
		.error = EACCES,
		.reason = WEFT_REASON_POLICY_DENIED,
	};
	again(c);
	assert_int_equal(c->server.reason, WEFT_REASON_POLICY_DENIED);
	assert_int_equal(c->client.reason, WEFT_REASON_PEER_DENIED);
	assert_string_equal(c->client.done_peer, SERVER);
	assert_false(c->client.installed || c->server.installed);
}

static void denied_by_the_server_is_known_to_both(void **state)
{
	struct context *c = *state;

	c->server.verdict = (struct weft_nl_verdict){
		.error = EACCES,
		.reason = WEFT_REASON_POLICY_DENIED,
		.policy = "nobody",
		.generation = 3,
	};
	start(c);
	run(c);

	assert_int_equal(c->server.reason, WEFT_REASON_POLICY_DENIED);
	assert_int_equal(c->server.error, EACCES);
	assert_string_equal(c->server.done_peer, CLIENT);
	assert_int_equal(c->client.reason, WEFT_REASON_PEER_DENIED);
	assert_int_equal(c->client.error, EACCES);
	assert_string_equal(c->client.done_peer, SERVER);
	assert_false(c->client.installed || c->server.installed);
}

static void revoked_client_is_denied_like_one_that_a_policy_names(void **state)
{
	struct context *c = *state;

	c->server.verdict = (struct weft_nl_verdict){
		.error = EACCES,
		.reason = WEFT_REASON_REVOKED,
	};
	start(c);
	run(c);

	assert_int_equal(c->server.reason, WEFT_REASON_REVOKED);
	assert_int_equal(c->server.error, EACCES);
	assert_string_equal(c->server.done_peer, CLIENT);
	assert_int_equal(c->client.reason, WEFT_REASON_PEER_DENIED);
	assert_int_equal(c->client.error, EACCES);
	assert_non_null(strstr(c->client.detail, "revoked"));
	assert_false(c->client.installed || c->server.installed);
}

static void revoked_server_never_sees_the_client(void **state)
{
	struct context *c = *state;

	c->client.verdict = (struct weft_nl_verdict){
		.error = EACCES,
		.reason = WEFT_REASON_REVOKED,
	};
	start(c);
	run(c);

	assert_int_equal(c->client.reason, WEFT_REASON_REVOKED);
	assert_int_equal(c->client.error, EACCES);
	assert_string_equal(c->client.done_peer, SERVER);
	assert_int_equal(c->server.judged, 0);
	assert_false(c->client.installed || c->server.installed);
}

static void wrong_server_never_sees_the_client(void **state)
{
	struct context *c = *state;

	c->client.verdict = (struct weft_nl_verdict){
		.error = EACCES,
		.reason = WEFT_REASON_PEER_IDENTITY,
	};
	start(c);
	run(c);

	assert_int_equal(c->client.reason, WEFT_REASON_PEER_IDENTITY);
	assert_int_equal(c->client.error, ECONNREFUSED);
	assert_string_equal(c->client.done_peer, SERVER);
	assert_int_equal(c->server.judged, 0);
	assert_int_not_equal(c->server.reason, WEFT_REASON_NONE);
	assert_int_equal(c->server.error, ECONNRESET);
	assert_false(c->client.installed || c->server.installed);
}

static void verdict_that_fails_refuses(void **state)
{
	struct context *c = *state;

	c->server.judge_error = ENOMEM;
	start(c);
	run(c);

	assert_int_equal(c->server.reason, WEFT_REASON_RESOURCES);
	assert_int_equal(c->server.error, ECONNRESET);
	assert_int_not_equal(c->client.reason, WEFT_REASON_NONE);
	assert_false(c->client.installed || c->server.installed);
}

static void reason_is_the_verdict_s(void **state)
{
	struct context *c = *state;

	c->server.verdict = (struct weft_nl_verdict){
		.error = EACCES,
		.reason = WEFT_REASON_NO_WORKLOAD,
	};
	start(c);
	run(c);

	assert_int_equal(c->server.reason, WEFT_REASON_NO_WORKLOAD);
	assert_int_equal(c->server.dones, 1);
	assert_int_not_equal(c->client.reason, WEFT_REASON_NONE);
}

static void connection_that_is_gone_needs_no_word(void **state)
{
	struct context *c = *state;

	c->server.judge_error = ENOENT;
	start(c);
	run(c);

	assert_int_equal(c->server.dones, 0);
	assert_int_equal(c->client.dones, 1);
	assert_int_not_equal(c->client.reason, WEFT_REASON_NONE);
}

static void keys_refused_by_the_kernel_fail_it(void **state)
{
	struct context *c = *state;

	c->client.install_error = EOPNOTSUPP;
	start(c);
	run(c);

	assert_int_equal(c->client.reason, WEFT_REASON_TLS);
	assert_int_equal(c->client.error, ECONNREFUSED);
	assert_string_equal(c->client.detail, "no such cipher here");
}

static void silent_peer_is_given_up(void **state)
{
	struct context *c = *state;

	create(c, WEFT_ROLE_SERVER, 50);
	weft_handshake_begin(c->server.handshake, c->snapshot);
	assert_non_null(c->server.handshake);
	run(c);
	assert_int_equal(c->server.reason, WEFT_REASON_HANDSHAKE_TIMEOUT);
	assert_int_equal(c->server.error, ETIMEDOUT);
	assert_string_not_equal(c->server.detail, "");
}

static void peer_that_leaves_fails_it(void **state)
{
	struct context *c = *state;

	create(c, WEFT_ROLE_SERVER, 20000);
	weft_handshake_begin(c->server.handshake, c->snapshot);
	close(c->fds[0]);
	c->fds[0] = -1;
	run(c);
	assert_int_not_equal(c->server.reason, WEFT_REASON_NONE);
	assert_int_equal(c->server.error, ECONNRESET);
}

static void garbage_fails_it(void **state)
{
	static const char text[] = "GET / HTTP/1.1\r\nHost: web.test\r\n\r\n";
	struct context *c = *state;

	create(c, WEFT_ROLE_SERVER, 20000);
	weft_handshake_begin(c->server.handshake, c->snapshot);
	assert_int_equal(write(c->fds[0], text, sizeof(text) - 1), sizeof(text) - 1);
	run(c);
	assert_int_equal(c->server.reason, WEFT_REASON_TLS);
	assert_int_equal(c->server.judged, 0);
}

static void without_certificate_it_fails(void **state)
{
	struct weft_snapshot *none = weft_snapshot_create(0);
	struct context *c = *state;

	create(c, WEFT_ROLE_CLIENT, 50);
	weft_handshake_begin(c->client.handshake, none);
	assert_non_null(c->client.handshake);
	assert_true(weft_handshake_waits(c->client.handshake));
	run(c);
	assert_int_equal(c->client.reason, WEFT_REASON_NO_CERTIFICATE);
	assert_int_equal(c->client.error, ECONNREFUSED);
	assert_non_null(strstr(c->client.detail, CLIENT));
	weft_snapshot_put(none);
}

static void certificate_that_comes_in_time_is_used(void **state)
{
	struct weft_snapshot *none = weft_snapshot_create(0);
	struct context *c = *state;

	create(c, WEFT_ROLE_CLIENT, 20000);
	create(c, WEFT_ROLE_SERVER, 20000);
	weft_handshake_begin(c->client.handshake, none);
	weft_handshake_begin(c->server.handshake, none);
	assert_true(weft_handshake_waits(c->server.handshake));
	weft_handshake_begin(c->client.handshake, c->snapshot);
	weft_handshake_begin(c->server.handshake, c->snapshot);
	run(c);
	assert_int_equal(c->client.reason, WEFT_REASON_NONE);
	assert_int_equal(c->server.reason, WEFT_REASON_NONE);
	weft_snapshot_put(none);
}

static void flags_of_the_descriptor_stay(void **state)
{
	struct context *c = *state;
	int seen = dup(c->fds[0]);
	int before = fcntl(seen, F_GETFL) & ~O_NONBLOCK;

	assert_int_equal(fcntl(seen, F_SETFL, before), 0);
	start(c);
	run(c);
	assert_int_equal(c->client.reason, WEFT_REASON_NONE);
	assert_int_equal(fcntl(seen, F_GETFL), before);
	close(seen);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(both_sides_get_the_same_keys),
		TEST(second_connection_is_resumed_and_judged_like_the_first),
		TEST(revoked_client_is_denied_like_one_that_a_policy_names),
		TEST(revoked_server_never_sees_the_client),
		TEST(denied_by_the_server_is_known_to_both),
		TEST(wrong_server_never_sees_the_client),
		TEST(verdict_that_fails_refuses),
		TEST(reason_is_the_verdict_s),
		TEST(connection_that_is_gone_needs_no_word),
		TEST(keys_refused_by_the_kernel_fail_it),
		TEST(silent_peer_is_given_up),
		TEST(peer_that_leaves_fails_it),
		TEST(garbage_fails_it),
		TEST(without_certificate_it_fails),
		TEST(certificate_that_comes_in_time_is_used),
		TEST(flags_of_the_descriptor_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
