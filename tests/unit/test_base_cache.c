// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * base/cache: bounded, the least used goes first, shared by threads.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include <string.h>
#include "base/cache.h"

static void put(struct weft_cache *cache, uint32_t key, uint64_t owner, const char *value)
{
	assert_int_equal(
		weft_cache_put(cache, &key, sizeof(key), owner, value, strlen(value) + 1), 0);
}

static bool has(struct weft_cache *cache, uint32_t key, const char *value)
{
	char buf[64] = "";
	int r = weft_cache_get(cache, &key, sizeof(key), buf, sizeof(buf));

	assert_true(r == -ENOENT || r == (int)strlen(buf) + 1);
	return r > 0 && !strcmp(buf, value);
}

static void what_was_put_is_found(void **state)
{
	struct weft_cache *cache = weft_cache_create(1000);

	for (uint32_t i = 0; i < 100; i++) {
		char value[16];

		snprintf(value, sizeof(value), "%u", i);
		put(cache, i, 0, value);
	}
	assert_int_equal(weft_cache_count(cache), 100);
	assert_true(has(cache, 0, "0"));
	assert_true(has(cache, 99, "99"));
	assert_false(has(cache, 100, ""));
	weft_cache_destroy(cache);
}

static void keys_of_different_length_differ(void **state)
{
	struct weft_cache *cache = weft_cache_create(1000);
	char buf[8];

	assert_int_equal(weft_cache_put(cache, "ab", 2, 0, "x", 1), 0);
	assert_int_equal(weft_cache_get(cache, "a", 1, buf, sizeof(buf)), -ENOENT);
	assert_int_equal(weft_cache_get(cache, "ab", 3, buf, sizeof(buf)), -ENOENT);
	assert_int_equal(weft_cache_get(cache, "ab", 2, buf, sizeof(buf)), 1);
	weft_cache_destroy(cache);
}

static void a_newer_value_replaces_the_older(void **state)
{
	struct weft_cache *cache = weft_cache_create(1000);

	put(cache, 7, 0, "old");
	put(cache, 7, 0, "newer");
	assert_true(has(cache, 7, "newer"));
	assert_int_equal(weft_cache_count(cache), 1);
	weft_cache_drop(cache, &(uint32_t){ 7 }, 4);
	weft_cache_drop(cache, &(uint32_t){ 7 }, 4);
	assert_false(has(cache, 7, "newer"));
	assert_int_equal(weft_cache_count(cache), 0);
	weft_cache_destroy(cache);
}

static void a_value_that_does_not_fit_is_not_cut(void **state)
{
	struct weft_cache *cache = weft_cache_create(1000);
	char buf[4] = "???";

	put(cache, 1, 0, "longer");
	assert_int_equal(weft_cache_get(cache, &(uint32_t){ 1 }, 4, buf, sizeof(buf)), -EMSGSIZE);
	assert_string_equal(buf, "???");
	weft_cache_destroy(cache);
}

static void a_full_one_loses_what_was_not_used_longest(void **state)
{
	struct weft_cache *cache = weft_cache_create(160);
	unsigned int kept = 0;

	put(cache, 0, 0, "used");
	for (uint32_t i = 1; i < 5000; i++) {
		put(cache, i, 0, "once");
		assert_true(has(cache, 0, "used"));
		assert_true(has(cache, i, "once"));
	}
	assert_in_range(weft_cache_count(cache), 100, 160);
	for (uint32_t i = 1; i < 2500; i++)
		kept += has(cache, i, "once");
	assert_int_equal(kept, 0);
	weft_cache_destroy(cache);
}

static void an_owner_takes_its_values_along(void **state)
{
	struct weft_cache *cache = weft_cache_create(1000);

	for (uint32_t i = 0; i < 300; i++)
		put(cache, i, i % 3, "x");
	weft_cache_forget(cache, 1);
	assert_int_equal(weft_cache_count(cache), 200);
	for (uint32_t i = 0; i < 300; i++)
		assert_int_equal(has(cache, i, "x"), i % 3 != 1);
	weft_cache_destroy(cache);
}

static void *storm(void *data)
{
	struct weft_cache *cache = data;
	char buf[64];

	for (uint32_t i = 0; i < 20000; i++) {
		uint32_t key = i * 7919 % 500;
		int r = weft_cache_get(cache, &key, sizeof(key), buf, sizeof(buf));

		if (r > 0 && (r != 8 || strcmp(buf, "1234567")))
			return "torn value";
		if (i % 3 == 0)
			weft_cache_put(cache, &key, sizeof(key), i % 2, "1234567", 8);
		if (i % 1000 == 0)
			weft_cache_forget(cache, 1);
	}
	return NULL;
}

static void threads_share_it(void **state)
{
	struct weft_cache *cache = weft_cache_create(160);
	pthread_t threads[4];
	void *problem;

	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, storm, cache), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], &problem);
		assert_null(problem);
	}
	assert_in_range(weft_cache_count(cache), 1, 160);
	weft_cache_destroy(cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_put_is_found),
		cmocka_unit_test(keys_of_different_length_differ),
		cmocka_unit_test(a_newer_value_replaces_the_older),
		cmocka_unit_test(a_value_that_does_not_fit_is_not_cut),
		cmocka_unit_test(a_full_one_loses_what_was_not_used_longest),
		cmocka_unit_test(an_owner_takes_its_values_along),
		cmocka_unit_test(threads_share_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
