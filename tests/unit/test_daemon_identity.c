// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Identities of the workloads: issued, renewed at half life, forgotten; and the
 * snapshots that workers see.
 */
#include "daemon_fixture.h"

#include <errno.h>

#define LIFETIME 1000

struct context {
	struct fixture f;
	struct weft_identities *identities;
	int64_t now;
};

static int setup(void **state)
{
	struct context *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	fixture_ca(&c->f);
	assert_int_equal(weft_identities_create(&c->identities, c->f.ca, LIFETIME, true, NULL), 0);
	c->now = time(NULL);
	*state = c;
	return 0;
}

static int teardown(void **state)
{
	struct context *c = *state;

	weft_identities_destroy(c->identities);
	fixture_uninit(&c->f);
	free(c);
	return 0;
}

static int set(struct context *c, const char *one, const char *two)
{
	struct weft_strv wanted = { 0 };
	int ret;

	if (one)
		assert_int_equal(weft_strv_add(&wanted, one), 0);
	if (two)
		assert_int_equal(weft_strv_add(&wanted, two), 0);
	ret = weft_identities_set(c->identities, &wanted, c->now);
	weft_strv_uninit(&wanted);
	return ret;
}

/* The context of @identity in a fresh snapshot; only good for comparing. */
static const void *peek(struct context *c, const char *identity)
{
	struct weft_snapshot *snapshot = weft_identities_snapshot(c->identities);
	const void *ctx;

	assert_non_null(snapshot);
	ctx = weft_snapshot_find(snapshot, identity, WEFT_ROLE_SERVER);
	weft_snapshot_put(snapshot);
	return ctx;
}

static void wanted_identities_get_certificates(void **state)
{
	struct context *c = *state;
	struct weft_snapshot *snapshot;
	struct weft_tls_ctx *ctx;

	assert_int_equal(set(c, SERVER, CLIENT), 1);
	snapshot = weft_identities_snapshot(c->identities);
	assert_int_equal(snapshot->n, 2);
	ctx = weft_snapshot_find(snapshot, CLIENT, WEFT_ROLE_CLIENT);
	assert_non_null(ctx);
	assert_int_equal(weft_tls_ctx_role(ctx), WEFT_ROLE_CLIENT);
	assert_string_equal(weft_tls_ctx_svid(ctx)->identity, CLIENT);
	ctx = weft_snapshot_find(snapshot, SERVER, WEFT_ROLE_SERVER);
	assert_non_null(ctx);
	assert_int_equal(weft_tls_ctx_role(ctx), WEFT_ROLE_SERVER);
	assert_null(weft_snapshot_find(snapshot, "spiffe://mesh.test/x", WEFT_ROLE_CLIENT));
	assert_null(weft_snapshot_find(snapshot, NULL, WEFT_ROLE_CLIENT));
	weft_snapshot_put(snapshot);
}

static void unchanged_set_issues_nothing(void **state)
{
	struct context *c = *state;
	const void *before;

	assert_int_equal(set(c, SERVER, CLIENT), 1);
	before = peek(c, SERVER);
	assert_int_equal(set(c, CLIENT, SERVER), 0);
	assert_ptr_equal(peek(c, SERVER), before);
	/* Two workloads of one identity. */
	assert_int_equal(set(c, SERVER, SERVER), 1);
	assert_ptr_equal(peek(c, SERVER), before);
}

static void what_is_not_wanted_is_forgotten(void **state)
{
	struct context *c = *state;
	struct weft_snapshot *old;
	size_t without;

	assert_int_equal(set(c, SERVER, CLIENT), 1);
	old = weft_identities_snapshot(c->identities);
	assert_int_equal(set(c, SERVER, NULL), 1);
	assert_int_equal(weft_identities_count(c->identities, &without), 1);
	assert_null(peek(c, CLIENT));
	/* Who still has the former snapshot can go on with it. */
	assert_non_null(weft_snapshot_find(old, CLIENT, WEFT_ROLE_CLIENT));
	weft_snapshot_put(old);
}

static void renewed_around_half_life(void **state)
{
	struct context *c = *state;
	const void *before;

	assert_int_equal(set(c, SERVER, NULL), 1);
	before = peek(c, SERVER);
	assert_int_equal(weft_identities_rotate(c->identities, c->now + LIFETIME * 44 / 100), 0);
	assert_ptr_equal(peek(c, SERVER), before);
	assert_int_equal(weft_identities_rotate(c->identities, c->now + LIFETIME * 56 / 100), 1);
	assert_non_null(peek(c, SERVER));
	assert_int_equal(weft_identities_rotate(c->identities, c->now + LIFETIME * 57 / 100), 0);
}

static void clock_set_back_renews(void **state)
{
	struct context *c = *state;

	assert_int_equal(set(c, SERVER, NULL), 1);
	assert_int_equal(weft_identities_rotate(c->identities, c->now - WEFT_CA_BACKDATE), 0);
	assert_int_equal(weft_identities_rotate(c->identities, c->now - WEFT_CA_BACKDATE - 1), 1);
}

static void foreign_identity_stays_without(void **state)
{
	struct context *c = *state;
	size_t without;

	assert_int_equal(set(c, SERVER, "spiffe://other.test/x"), 1);
	assert_int_equal(weft_identities_count(c->identities, &without), 2);
	assert_int_equal(without, 1);
	assert_null(peek(c, "spiffe://other.test/x"));
	assert_non_null(peek(c, SERVER));
	assert_int_equal(weft_identities_rotate(c->identities, c->now + WEFT_IDENTITY_RETRY), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(wanted_identities_get_certificates, setup,
						teardown),
		cmocka_unit_test_setup_teardown(unchanged_set_issues_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_not_wanted_is_forgotten, setup, teardown),
		cmocka_unit_test_setup_teardown(renewed_around_half_life, setup, teardown),
		cmocka_unit_test_setup_teardown(clock_set_back_renews, setup, teardown),
		cmocka_unit_test_setup_teardown(foreign_identity_stays_without, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
