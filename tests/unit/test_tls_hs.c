// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The handshake engine against itself: verdicts, the confirm record, waiting, and
 * what the kernel gets.
 */
#include "tls_fixture.h"

#include <pthread.h>

/* Two engines, and how they are judged. */
struct duel {
	int fd[2]; /* client, server */
	struct weft_hs *client, *server;
	enum weft_hs_status client_status, server_status;
	bool client_allows, server_allows;
	uint8_t code;
	int client_judged, server_judged; /* how often */
};

static void duel_init(struct duel *d, const struct world *w)
{
	*d = (struct duel){ .client_allows = true, .server_allows = true };
	new_pair(d->fd);
	d->client = new_hs(w->client, d->fd[0]);
	d->server = new_hs(w->server, d->fd[1]);
}

static void duel_uninit(struct duel *d)
{
	weft_hs_destroy(d->client);
	weft_hs_destroy(d->server);
	close_pair(d->fd);
}

static void duel_step(struct duel *d)
{
	d->client_status = weft_hs_step(d->client);
	if (d->client_status == WEFT_HS_JUDGE) {
		d->client_judged++;
		d->client_status = weft_hs_judged(d->client, d->client_allows, 0);
	}
	d->server_status = weft_hs_step(d->server);
	if (d->server_status == WEFT_HS_JUDGE) {
		d->server_judged++;
		d->server_status = weft_hs_judged(d->server, d->server_allows, d->code);
	}
}

static void duel_run(struct duel *d)
{
	for (int i = 0; i < 100; i++) {
		duel_step(d);
		if (is_over(d->client_status) && is_over(d->server_status))
			return;
	}
	fail_msg("client %d, server %d after 100 turns", d->client_status, d->server_status);
}

static void both_sides_are_done_with_the_same_keys(void **state)
{
	struct weft_ktls_key ctx, crx, stx, srx;
	struct duel d;

	duel_init(&d, *state);
	duel_run(&d);
	assert_int_equal(d.client_status, WEFT_HS_DONE);
	assert_int_equal(d.server_status, WEFT_HS_DONE);
	assert_int_equal(d.client_judged, 1);
	assert_int_equal(d.server_judged, 1);
	assert_string_equal(weft_hs_peer(d.client), PAYMENTS);
	assert_string_equal(weft_hs_peer(d.server), CART);
	assert_true(weft_hs_is_weft(d.client));
	assert_true(weft_hs_is_weft(d.server));
	assert_string_equal(weft_hs_cipher(d.client), weft_hs_cipher(d.server));
	assert_int_equal(weft_hs_keys(d.client, &ctx, &crx, NULL), 0);
	assert_int_equal(weft_hs_keys(d.server, &stx, &srx, NULL), 0);
	assert_int_equal(ctx.len, srx.len);
	assert_memory_equal(&ctx.info, &srx.info, ctx.len);
	assert_int_equal(crx.len, stx.len);
	assert_memory_equal(&crx.info, &stx.info, crx.len);
	assert_memory_not_equal(&ctx.info, &crx.info, ctx.len);
	assert_true(ctx.secret.len);
	assert_memory_equal(&ctx.secret, &srx.secret, sizeof(ctx.secret));
	assert_memory_equal(&crx.secret, &stx.secret, sizeof(crx.secret));
	assert_memory_not_equal(&ctx.secret, &crx.secret, sizeof(ctx.secret));
	assert_int_equal(aead_of(&ctx).seq, 0);
	assert_int_equal(aead_of(&stx).seq, 1); /* the confirm record */
	duel_uninit(&d);
}

static void nothing_is_left_on_the_wire(void **state)
{
	struct duel d;

	duel_init(&d, *state);
	duel_run(&d);
	assert_true(is_empty(d.fd[0]));
	assert_true(is_empty(d.fd[1]));
	duel_uninit(&d);
}

static void data_right_behind_the_confirm_stays_in_the_socket(void **state)
{
	struct weft_ktls_key tx, rx;
	struct aead at, ar;
	struct duel d;

	duel_init(&d, *state);
	while (d.server_status != WEFT_HS_DONE) {
		if (!is_over(d.client_status) && d.server_judged == 0)
			d.client_status = weft_hs_step(d.client);
		if (d.client_status == WEFT_HS_JUDGE)
			d.client_status = weft_hs_judged(d.client, true, 0);
		d.server_status = weft_hs_step(d.server);
		if (d.server_status == WEFT_HS_JUDGE) {
			d.server_judged++;
			d.server_status = weft_hs_judged(d.server, true, 0);
		}
	}
	/* The server's application speaks before the client has read the confirm. */
	assert_int_equal(weft_hs_keys(d.server, &tx, &rx, NULL), 0);
	at = aead_of(&tx);
	send_record(d.fd[1], &at, "220 ready");
	assert_int_equal(weft_hs_step(d.client), WEFT_HS_DONE);
	assert_int_equal(weft_hs_keys(d.client, &tx, &rx, NULL), 0);
	ar = aead_of(&rx);
	assert_received(d.fd[0], &ar, "220 ready");
	duel_uninit(&d);
}

static void server_that_denies_tells_the_client(void **state)
{
	struct weft_ktls_key tx, rx;
	struct duel d;

	duel_init(&d, *state);
	d.server_allows = false;
	d.code = WEFT_CONFIRM_DENIED;
	duel_run(&d);
	assert_int_equal(d.server_status, WEFT_HS_FAILED);
	assert_failed(d.server, WEFT_REASON_POLICY_DENIED, CART);
	assert_int_equal(d.client_status, WEFT_HS_FAILED);
	assert_failed(d.client, WEFT_REASON_PEER_DENIED, "policy");
	assert_int_equal(weft_hs_keys(d.client, &tx, &rx, NULL), -EBUSY);
	assert_int_equal(weft_hs_keys(d.server, &tx, &rx, NULL), -EBUSY);
	duel_uninit(&d);
}

static void client_that_is_revoked_is_told(void **state)
{
	struct duel d;

	duel_init(&d, *state);
	d.server_allows = false;
	d.code = WEFT_CONFIRM_REVOKED;
	duel_run(&d);
	assert_failed(d.server, WEFT_REASON_REVOKED, CART);
	assert_failed(d.client, WEFT_REASON_PEER_DENIED, "revoked at the server's side");
	duel_uninit(&d);
}

static void server_that_refuses_is_no_denial(void **state)
{
	static const uint8_t codes[] = { WEFT_CONFIRM_REFUSED, WEFT_CONFIRM_ACCEPTED };

	for (int i = 0; i < 2; i++) {
		struct duel d;

		duel_init(&d, *state);
		d.server_allows = false;
		d.code = codes[i];
		duel_run(&d);
		assert_int_equal(d.client_status, WEFT_HS_FAILED);
		assert_failed(d.client, WEFT_REASON_TLS, "code 2");
		assert_failed(d.server, WEFT_REASON_RESOURCES, "");
		duel_uninit(&d);
	}
}

static void client_that_refuses_never_shows_its_certificate(void **state)
{
	struct duel d;

	duel_init(&d, *state);
	d.client_allows = false;
	duel_run(&d);
	assert_int_equal(d.client_status, WEFT_HS_FAILED);
	assert_failed(d.client, WEFT_REASON_PEER_IDENTITY, PAYMENTS);
	assert_int_equal(d.server_status, WEFT_HS_FAILED);
	assert_failed(d.server, WEFT_REASON_ALERT, "it refuses our certificate");
	assert_int_equal(d.server_judged, 0);
	assert_null(weft_hs_peer(d.server));
	duel_uninit(&d);
}

static void judge_waits_for_the_verdict(void **state)
{
	struct duel d;

	duel_init(&d, *state);
	weft_hs_step(d.client);
	weft_hs_step(d.server);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(weft_hs_step(d.client), WEFT_HS_JUDGE);
		assert_string_equal(weft_hs_peer(d.client), PAYMENTS);
		assert_int_equal(weft_hs_step(d.server), WEFT_HS_WANT_READ);
	}
	assert_int_equal(weft_hs_judged(d.client, true, 0), WEFT_HS_WANT_READ);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(weft_hs_step(d.server), WEFT_HS_JUDGE);
		assert_string_equal(weft_hs_peer(d.server), CART);
		assert_int_equal(weft_hs_step(d.client), WEFT_HS_WANT_READ);
	}
	assert_int_equal(weft_hs_judged(d.server, true, 0), WEFT_HS_DONE);
	assert_int_equal(weft_hs_judged(d.server, false, 1), WEFT_HS_DONE); /* too late */
	assert_int_equal(weft_hs_step(d.client), WEFT_HS_DONE);
	duel_uninit(&d);
}

static void verdict_before_judge_is_ignored(void **state)
{
	struct duel d;

	duel_init(&d, *state);
	assert_int_equal(weft_hs_judged(d.server, true, 0), WEFT_HS_WANT_READ);
	assert_int_equal(weft_hs_judged(d.client, true, 0), WEFT_HS_WANT_WRITE);
	d.server_allows = false;
	d.code = WEFT_CONFIRM_DENIED;
	duel_run(&d);
	assert_failed(d.client, WEFT_REASON_PEER_DENIED, "");
	assert_int_equal(d.client_judged, 1);
	duel_uninit(&d);
}

static void keys_are_given_once_and_not_before_done(void **state)
{
	struct weft_ktls_key tx, rx;
	struct weft_error err = { 0 };
	struct duel d;

	duel_init(&d, *state);
	assert_int_equal(weft_hs_keys(d.client, &tx, &rx, &err), -EBUSY);
	assert_string_not_equal(err.text, "");
	weft_hs_step(d.client);
	weft_hs_step(d.server);
	assert_int_equal(weft_hs_keys(d.server, &tx, &rx, NULL), -EBUSY);
	duel_run(&d);
	assert_int_equal(weft_hs_keys(d.client, &tx, &rx, NULL), 0);
	assert_int_equal(weft_hs_keys(d.client, &tx, &rx, NULL), -EBUSY);
	weft_ktls_wipe(&tx);
	for (size_t i = 0; i < sizeof(tx); i++)
		assert_int_equal(((uint8_t *)&tx)[i], 0);
	duel_uninit(&d);
}

/* ---- waiting ---- */

static void stalled_peer_is_waited_for(void **state)
{
	struct world *w = *state;
	int fd[2];
	struct weft_hs *hs;

	new_pair(fd);
	hs = new_hs(w->server, fd[1]);
	for (int i = 0; i < 5; i++)
		assert_int_equal(weft_hs_step(hs), WEFT_HS_WANT_READ);
	weft_hs_destroy(hs);
	hs = new_hs(w->client, fd[0]);
	for (int i = 0; i < 5; i++)
		assert_int_equal(weft_hs_step(hs), WEFT_HS_WANT_READ);
	weft_hs_destroy(hs);
	close_pair(fd);
}

/* Moves at most one byte. Return: did it? */
static bool relay_byte(int from, int to)
{
	char c;

	if (recv(from, &c, 1, MSG_DONTWAIT) != 1)
		return false;
	assert_int_equal(send(to, &c, 1, 0), 1);
	return true;
}

static void handshake_survives_one_byte_at_a_time(void **state)
{
	struct world *w = *state;
	int left[2], right[2], turns = 0;
	struct duel d;

	duel_init(&d, w);
	weft_hs_destroy(d.client);
	weft_hs_destroy(d.server);
	new_pair(left);
	new_pair(right);
	d.client = new_hs(w->client, left[0]);
	d.server = new_hs(w->server, right[0]);
	do {
		duel_step(&d);
		relay_byte(left[1], right[1]);
		relay_byte(right[1], left[1]);
		assert_true(++turns < TURNS_MAX);
	} while (!is_over(d.client_status) || !is_over(d.server_status));
	assert_int_equal(d.client_status, WEFT_HS_DONE);
	assert_int_equal(d.server_status, WEFT_HS_DONE);
	assert_true(turns > 1000);
	duel_uninit(&d);
	close_pair(left);
	close_pair(right);
}

/* Fill what @fd sends into. Return: how many bytes. */
static size_t fill_up(int fd)
{
	static const char junk[4096];
	size_t sum = 0;
	ssize_t n;

	for (size_t chunk = sizeof(junk); chunk; chunk /= 2)
		while ((n = send(fd, junk, chunk, MSG_DONTWAIT)) > 0)
			sum += n;
	assert_int_equal(errno, EAGAIN);
	return sum;
}

static void drain(int fd, size_t len)
{
	char junk[4096];

	while (len) {
		ssize_t n = recv(fd, junk, len < sizeof(junk) ? len : sizeof(junk), MSG_DONTWAIT);

		assert_true(n > 0);
		len -= n;
	}
}

static void full_socket_is_waited_for_by_the_client(void **state)
{
	struct duel d;
	size_t len;

	duel_init(&d, *state);
	len = fill_up(d.fd[0]);
	for (int i = 0; i < 3; i++)
		assert_int_equal(weft_hs_step(d.client), WEFT_HS_WANT_WRITE);
	drain(d.fd[1], len);
	duel_run(&d);
	assert_int_equal(d.client_status, WEFT_HS_DONE);
	assert_int_equal(d.server_status, WEFT_HS_DONE);
	duel_uninit(&d);
}

static void full_socket_delays_the_confirm(void **state)
{
	struct weft_ktls_key tx, rx;
	struct duel d;
	size_t len;

	duel_init(&d, *state);
	weft_hs_step(d.client);
	weft_hs_step(d.server);
	assert_int_equal(weft_hs_step(d.client), WEFT_HS_JUDGE);
	weft_hs_judged(d.client, true, 0);
	assert_int_equal(weft_hs_step(d.server), WEFT_HS_JUDGE);
	len = fill_up(d.fd[1]);
	assert_int_equal(weft_hs_judged(d.server, true, 0), WEFT_HS_WANT_WRITE);
	assert_int_equal(weft_hs_step(d.server), WEFT_HS_WANT_WRITE);
	drain(d.fd[0], len);
	assert_int_equal(weft_hs_step(d.server), WEFT_HS_DONE);
	assert_int_equal(weft_hs_step(d.client), WEFT_HS_DONE);
	assert_int_equal(weft_hs_keys(d.server, &tx, &rx, NULL), 0);
	assert_int_equal(aead_of(&tx).seq, 1); /* one record however many attempts */
	duel_uninit(&d);
}

static void descriptor_is_left_as_it_was(void **state)
{
	struct duel d;
	int flags;

	duel_init(&d, *state);
	flags = fcntl(d.fd[0], F_GETFL);
	duel_run(&d);
	assert_int_equal(fcntl(d.fd[0], F_GETFL), flags);
	weft_hs_destroy(d.client);
	d.client = NULL;
	assert_int_equal(fcntl(d.fd[0], F_GETFL), flags);
	assert_true(is_empty(d.fd[1])); /* no close_notify */
	duel_uninit(&d);
}

static void abandoned_handshake_leaks_nothing(void **state)
{
	/* valgrind and the sanitizers look at it. */
	for (int steps = 0; steps < 6; steps++) {
		struct duel d;

		duel_init(&d, *state);
		for (int i = 0; i < steps; i++)
			(i & 1 ? weft_hs_step(d.server) : weft_hs_step(d.client));
		duel_uninit(&d);
	}
	weft_hs_destroy(NULL);
}

/* ---- certificates of the context ---- */

static void svid_with_intermediates_sends_them(void **state)
{
	struct world *w = *state;
	struct weft_tls_ctx *real = w->server;
	struct weft_svid *svid = NULL;
	STACK_OF(X509) *chain = sk_X509_new_null();
	EVP_PKEY *key = new_key();
	struct duel d;

	X509_up_ref(w->ca.cert);
	sk_X509_push(chain, w->ca.cert);
	assert_int_equal(weft_svid_create(new_cert(PAYMENTS, key, &w->ca, -HOUR, HOUR), chain, key,
					  &svid, NULL),
			 0);
	w->server = new_ctx(WEFT_ROLE_SERVER, svid, w->bundle);
	duel_init(&d, w);
	duel_run(&d);
	assert_int_equal(d.client_status, WEFT_HS_DONE);
	duel_uninit(&d);
	weft_tls_ctx_put(w->server);
	w->server = real;
	weft_svid_put(svid);
}

static void context_lives_as_long_as_its_handshakes(void **state)
{
	struct world *w = *state;
	struct weft_tls_ctx *ctx = new_ctx(WEFT_ROLE_SERVER, w->payments, w->bundle);
	struct duel d;

	duel_init(&d, w);
	weft_hs_destroy(d.server);
	d.server = new_hs(ctx, d.fd[1]);
	assert_ptr_equal(weft_tls_ctx_get(ctx), ctx);
	weft_tls_ctx_put(ctx);
	weft_tls_ctx_put(ctx);
	duel_run(&d);
	assert_int_equal(d.server_status, WEFT_HS_DONE);
	duel_uninit(&d);
}

static void context_says_what_it_was_made_of(void **state)
{
	struct world *w = *state;

	assert_int_equal(weft_tls_ctx_role(w->client), WEFT_ROLE_CLIENT);
	assert_int_equal(weft_tls_ctx_role(w->server), WEFT_ROLE_SERVER);
	assert_ptr_equal(weft_tls_ctx_svid(w->client), w->cart);
	assert_ptr_equal(weft_tls_ctx_bundle(w->client), w->bundle);
}

static void *run_some(void *arg)
{
	size_t done = 0;

	for (int i = 0; i < 5; i++) {
		struct duel d;

		duel_init(&d, arg);
		duel_run(&d);
		done += d.client_status == WEFT_HS_DONE && d.server_status == WEFT_HS_DONE;
		duel_uninit(&d);
	}
	return (void *)done;
}

static void contexts_are_shared_by_threads(void **state)
{
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, run_some, *state), 0);
	for (int i = 0; i < 4; i++) {
		void *done;

		pthread_join(threads[i], &done);
		assert_int_equal((size_t)done, 5);
	}
}

static void server_name_has_a_limit(void **state)
{
	struct world *w = *state;
	char name[WEFT_NAME_MAX + 2];
	struct weft_error err = { 0 };
	struct weft_hs *hs = NULL;
	int fd[2];

	new_pair(fd);
	memset(name, 'a', sizeof(name));
	name[WEFT_NAME_MAX + 1] = '\0';
	assert_int_equal(weft_hs_start(w->client, fd[0], name, &hs, &err), -EINVAL);
	assert_null(hs);
	assert_non_null(strstr(err.text, "254"));
	name[WEFT_NAME_MAX] = '\0';
	assert_int_equal(weft_hs_start(w->client, fd[0], name, &hs, NULL), 0);
	weft_hs_destroy(hs);
	assert_int_equal(weft_hs_start(w->client, fd[0], NULL, &hs, NULL), 0);
	weft_hs_destroy(hs);
	close_pair(fd);
}

static void errno_follows_role_and_reason(void **state)
{
	assert_int_equal(weft_hs_errno(WEFT_ROLE_CLIENT, WEFT_REASON_PEER_DENIED), EACCES);
	assert_int_equal(weft_hs_errno(WEFT_ROLE_SERVER, WEFT_REASON_POLICY_DENIED), EACCES);
	assert_int_equal(weft_hs_errno(WEFT_ROLE_CLIENT, WEFT_REASON_HANDSHAKE_TIMEOUT), ETIMEDOUT);
	assert_int_equal(weft_hs_errno(WEFT_ROLE_CLIENT, WEFT_REASON_PEER_CERTIFICATE),
			 ECONNREFUSED);
	assert_int_equal(weft_hs_errno(WEFT_ROLE_CLIENT, WEFT_REASON_PEER_IDENTITY), ECONNREFUSED);
	assert_int_equal(weft_hs_errno(WEFT_ROLE_SERVER, WEFT_REASON_PEER_CERTIFICATE), ECONNRESET);
	assert_int_equal(weft_hs_errno(WEFT_ROLE_SERVER, WEFT_REASON_TLS), ECONNRESET);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_sides_are_done_with_the_same_keys),
		cmocka_unit_test(nothing_is_left_on_the_wire),
		cmocka_unit_test(data_right_behind_the_confirm_stays_in_the_socket),
		cmocka_unit_test(server_that_denies_tells_the_client),
		cmocka_unit_test(client_that_is_revoked_is_told),
		cmocka_unit_test(server_that_refuses_is_no_denial),
		cmocka_unit_test(client_that_refuses_never_shows_its_certificate),
		cmocka_unit_test(judge_waits_for_the_verdict),
		cmocka_unit_test(verdict_before_judge_is_ignored),
		cmocka_unit_test(keys_are_given_once_and_not_before_done),
		cmocka_unit_test(stalled_peer_is_waited_for),
		cmocka_unit_test(handshake_survives_one_byte_at_a_time),
		cmocka_unit_test(full_socket_is_waited_for_by_the_client),
		cmocka_unit_test(full_socket_delays_the_confirm),
		cmocka_unit_test(descriptor_is_left_as_it_was),
		cmocka_unit_test(abandoned_handshake_leaks_nothing),
		cmocka_unit_test(svid_with_intermediates_sends_them),
		cmocka_unit_test(context_lives_as_long_as_its_handshakes),
		cmocka_unit_test(context_says_what_it_was_made_of),
		cmocka_unit_test(contexts_are_shared_by_threads),
		cmocka_unit_test(server_name_has_a_limit),
		cmocka_unit_test(errno_follows_role_and_reason),
	};

	return cmocka_run_group_tests_name("tls_hs", tests, world_setup, world_teardown);
}
