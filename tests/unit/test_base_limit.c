// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * base/limit: who may be quoted, and who is counted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "base/limit.h"

#define SECOND UINT64_C(1000000)

static struct weft_limit limit;
static uint64_t now, number;

static int setup(void **state)
{
	memset(&limit, 0, sizeof(limit));
	now = 0; /* as after the boot */
	number = 1;
	return 0;
}

/* How many of @n are told in full. */
static unsigned int take(const char *from, const char *about, unsigned int n)
{
	unsigned int in_full = 0;
	struct weft_addr addr;

	assert_int_equal(weft_addr_parse(&addr, from), 0);
	while (n--)
		in_full += weft_limit_take(&limit, &addr, about, number++, now);
	return in_full;
}

/* The one whose turn it is. */
static void expect_next(const char *net, const char *about, uint64_t left_out)
{
	struct weft_limit_source *s = weft_limit_next(&limit, now);
	char buf[WEFT_ADDR_TEXT_MAX];

	assert_non_null(s);
	assert_int_equal(s->others, !net);
	if (net) {
		assert_string_equal(weft_network_format(&s->net, buf), net);
		assert_string_equal(s->about, about);
	}
	assert_true(s->left_out == left_out);
	weft_limit_told(s);
}

static void some_are_told_and_the_rest_is_counted(void **state)
{
	assert_int_equal(take("10.0.0.1:1", "app", 50), 50);
	assert_true(weft_limit_due(&limit, now) == WEFT_LIMIT_IDLE);
	assert_int_equal(take("10.0.0.1:2", "app", 30), 0);
	assert_true(weft_limit_left_out(&limit) == 30);
	assert_true(weft_limit_due(&limit, now) == 10 * SECOND);
	assert_null(weft_limit_next(&limit, now));
	now += 4 * SECOND;
	assert_int_equal(take("10.0.0.1:3", "app", 5), 0);
	assert_true(weft_limit_due(&limit, now) == 6 * SECOND);
	now += 6 * SECOND;
	assert_true(weft_limit_due(&limit, now) == 0);
	assert_true(weft_limit_next(&limit, now)->first == 51);
	assert_true(weft_limit_next(&limit, now)->last == 85);
	expect_next("10.0.0.1/32", "app", 35);
	assert_null(weft_limit_next(&limit, now));
	assert_true(weft_limit_left_out(&limit) == 0);
	assert_true(weft_limit_due(&limit, now) == WEFT_LIMIT_IDLE);
}

static void the_next_period_begins_anew(void **state)
{
	assert_int_equal(take("10.0.0.1", "app", 60), 50);
	now += 10 * SECOND;
	expect_next("10.0.0.1/32", "app", 10);
	assert_int_equal(take("10.0.0.1", "app", 60), 50);
	now += 25 * SECOND;
	expect_next("10.0.0.1/32", "app", 10);
}

static void who_comes_seldom_is_always_told(void **state)
{
	for (int i = 0; i < 100; i++) {
		assert_int_equal(take("10.0.0.1", "app", 40), 40);
		now += 10 * SECOND;
	}
	assert_true(weft_limit_due(&limit, now) == WEFT_LIMIT_IDLE);
}

/* The caller could not tell: nothing of the count is lost, and nothing overtakes it. */
static void until_it_is_told_it_is_counted_on(void **state)
{
	assert_int_equal(take("10.0.0.1", "app", 60), 50);
	now += 30 * SECOND;
	assert_int_equal(take("10.0.0.1", "app", 60), 0);
	expect_next("10.0.0.1/32", "app", 70);
	assert_int_equal(take("10.0.0.1", "app", 1), 1);
}

static void others_have_their_own_count(void **state)
{
	assert_int_equal(take("10.0.0.1", "app", 60), 50);
	assert_int_equal(take("10.0.0.2", "app", 50), 50);
	assert_int_equal(take("10.0.0.1", "web", 50), 50);
	assert_int_equal(take("fd00::1", "app", 50), 50);
}

static void a_host_of_ipv6_has_a_network(void **state)
{
	assert_int_equal(take("fd00:0:0:1::1", "app", 30), 30);
	assert_int_equal(take("[fd00:0:0:1:ffff::2]:80", "app", 30), 20);
	assert_int_equal(take("fd00:0:0:2::1", "app", 30), 30);
	now += 10 * SECOND;
	expect_next("fd00:0:0:1::/64", "app", 10);
}

/* One from each of @n hosts, of a network of its own. */
static unsigned int from_each(unsigned int n, int net)
{
	unsigned int in_full = 0;
	char from[32];

	for (unsigned int i = 0; i < n; i++) {
		snprintf(from, sizeof(from), "10.%d.%u.%u", net, i / 256, i % 256);
		in_full += take(from, "app", 1);
	}
	return in_full;
}

static void those_without_a_place_have_one_together(void **state)
{
	assert_int_equal(from_each(1000, 1), 64 + 50);
	assert_true(weft_limit_left_out(&limit) == 1000 - 64 - 50);
	assert_int_equal(take("10.1.0.0", "app", 60), 49); /* who has one keeps it */
	now += 10 * SECOND;
	expect_next("10.1.0.0/32", "app", 11);
	expect_next(NULL, NULL, 1000 - 64 - 50);
	assert_null(weft_limit_next(&limit, now));
	assert_int_equal(from_each(64, 2), 64); /* and whose period is over makes room */
	assert_int_equal(from_each(60, 3), 50);
}

static void what_is_not_told_keeps_its_place(void **state)
{
	assert_int_equal(take("10.9.9.9", "app", 51), 50);
	now += 10 * SECOND;
	assert_int_equal(from_each(1000, 1), 63 + 50);
	expect_next("10.9.9.9/32", "app", 1);
}

static void a_long_name_is_cut_off(void **state)
{
	char name[400];

	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(take("10.0.0.1", name, 30), 30);
	assert_int_equal(take("10.0.0.1", name, 30), 20);
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(some_are_told_and_the_rest_is_counted),
		TEST(the_next_period_begins_anew),
		TEST(who_comes_seldom_is_always_told),
		TEST(until_it_is_told_it_is_counted_on),
		TEST(others_have_their_own_count),
		TEST(a_host_of_ipv6_has_a_network),
		TEST(those_without_a_place_have_one_together),
		TEST(what_is_not_told_keeps_its_place),
		TEST(a_long_name_is_cut_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
