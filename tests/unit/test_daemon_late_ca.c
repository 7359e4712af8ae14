// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The built-in authority under a clock that is wrong at the start: nothing is issued and
 * nobody trusted until it is right, then all is well without a hand.
 */
#include "daemon_fixture.h"

#include <errno.h>
#include "base/cleanup.h"
#include "base/file.h"
#include "daemon/late_ca.h"

#define YEAR (365 * 86400LL)

static int64_t ahead; /* seconds, of the clock */

time_t time(time_t *t)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	now.tv_sec += ahead;
	if (t)
		*t = now.tv_sec;
	return now.tv_sec;
}

struct context {
	struct fixture f;
	char dir[160];
	struct weft_source *source;
};

static int setup(void **state)
{
	static struct context c;

	ahead = 0;
	c = (struct context){ 0 };
	fixture_ca(&c.f);
	snprintf(c.dir, sizeof(c.dir), "%s", fixture_path(&c.f, "ca"));
	*state = &c;
	return 0;
}

static int teardown(void **state)
{
	struct context *c = *state;

	weft_source_destroy(c->source);
	fixture_uninit(&c->f);
	return 0;
}

static void create(struct context *c)
{
	struct weft_error err = { 0 };

	if (weft_late_ca_create(c->dir, "mesh.test", &c->source, &err))
		fail_msg("%s", err.text);
}

static size_t n_roots(struct context *c)
{
	struct weft_bundle *bundle;
	size_t n;

	assert_int_equal(weft_source_bundle(c->source, &bundle, NULL), 0);
	n = weft_bundle_count(bundle);
	weft_bundle_put(bundle);
	return n;
}

static int issue(struct context *c)
{
	struct weft_svid *svid;
	int ret = weft_source_svid(c->source, SERVER, 3600, &svid, NULL);

	if (!ret)
		weft_svid_put(svid);
	return ret;
}

static void a_good_one_is_there_at_once(void **state)
{
	struct context *c = *state;

	create(c);
	assert_int_equal(n_roots(c), 1);
	assert_int_equal(issue(c), 0);
}

static void one_that_is_over_comes_when_the_clock_is_right(void **state)
{
	struct context *c = *state;
	struct weft_error problem = { 0 };

	ahead = 11 * YEAR;
	create(c);
	assert_int_equal(weft_source_refresh(c->source, &problem), 0);
	assert_non_null(strstr(problem.text, "ca.crt: the root certificate expired on"));
	assert_non_null(strstr(problem.text, "if the clock is wrong, set it"));
	assert_int_equal(n_roots(c), 0);
	assert_int_equal(issue(c), -EAGAIN);
	ahead = 0;
	problem = (struct weft_error){ 0 };
	assert_int_equal(weft_source_refresh(c->source, &problem), 1);
	assert_string_equal(problem.text, "");
	assert_int_equal(n_roots(c), 1);
	assert_int_equal(issue(c), 0);
	assert_int_equal(weft_source_refresh(c->source, &problem), 0);
}

/* What is said to help does: there is a new root then. */
static void one_that_is_removed_is_made_anew(void **state)
{
	struct context *c = *state;

	ahead = 11 * YEAR;
	create(c);
	assert_int_equal(unlink(fixture_path(&c->f, "ca/ca.crt")), 0);
	assert_int_equal(weft_source_refresh(c->source, &(struct weft_error){ 0 }), 1);
	assert_int_equal(n_roots(c), 1);
	assert_int_equal(issue(c), 0);
}

static void whoever_waits_does_not_wait_for_a_lock(void **state)
{
	struct context *c = *state;
	struct weft_error problem = { 0 };
	int64_t began;
	int lock;

	ahead = 11 * YEAR;
	create(c);
	ahead = 0;
	lock = weft_dir_lock(c->dir, NULL);
	assert_true(lock >= 0);
	began = time(NULL);
	assert_int_equal(weft_source_refresh(c->source, &problem), 0);
	assert_true(time(NULL) - began < 10);
	assert_non_null(strstr(problem.text, "locked by another process"));
	close(lock);
	assert_int_equal(weft_source_refresh(c->source, &problem), 1);
}

static void what_is_damaged_is_refused_at_once(void **state)
{
	struct context *c = *state;
	struct weft_source *source;

	fixture_write(&c->f, "ca/ca.key", "garbage");
	assert_true(weft_late_ca_create(c->dir, "mesh.test", &source, NULL) < 0);
	assert_int_equal(unlink(fixture_path(&c->f, "ca/ca.key")), 0);
	assert_int_equal(weft_late_ca_create(c->dir, "mesh.test", &source, NULL), -EBADMSG);
}

/* The identities take part: without a certificate and with it, as the clock says. */
static void identities_get_their_certificates_then(void **state)
{
	struct context *c = *state;
	struct weft_strv wanted = { 0 }, trouble = { 0 };
	struct weft_identities *identities;
	size_t without;

	assert_int_equal(weft_strv_add(&wanted, SERVER), 0);
	ahead = 11 * YEAR;
	create(c);
	assert_int_equal(weft_identities_create(&identities, weft_steal_ptr(c->source), 3600, true,
						NULL), 0);
	assert_true(weft_identities_set(identities, &wanted, time(NULL)) >= 0);
	assert_int_equal(weft_identities_count(identities, &without), 1);
	assert_int_equal(without, 1);
	assert_int_equal(weft_identities_trouble(identities, time(NULL), &trouble), 0);
	assert_int_equal(trouble.count, 3);
	assert_non_null(strstr(trouble.items[1], "the root certificate expired on"));
	weft_strv_uninit(&trouble);

	ahead = 0;
	assert_int_equal(weft_identities_refresh(identities, time(NULL)), 1);
	weft_identities_count(identities, &without);
	assert_int_equal(without, 0);
	assert_int_equal(weft_identities_trouble(identities, time(NULL), &trouble), 0);
	assert_int_equal(trouble.count, 0);
	weft_strv_uninit(&wanted);
	weft_identities_destroy(identities);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_good_one_is_there_at_once),
		TEST(one_that_is_over_comes_when_the_clock_is_right),
		TEST(one_that_is_removed_is_made_anew),
		TEST(whoever_waits_does_not_wait_for_a_lock),
		TEST(what_is_damaged_is_refused_at_once),
		TEST(identities_get_their_certificates_then),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
