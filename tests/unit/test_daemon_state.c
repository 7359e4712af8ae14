// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The state directory: made private, locked, of one trust domain for ever.
 */
#include "daemon_fixture.h"

#include <errno.h>
#include <sys/stat.h>
#include "daemon/state.h"

static int setup(void **state)
{
	static struct fixture f;

	fixture_dir(&f);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	fixture_uninit(*state);
	return 0;
}

static void first_start_makes_a_private_directory(void **state)
{
	struct weft_state st = WEFT_STATE_INIT;
	struct fixture *f = *state;
	struct stat info;

	assert_int_equal(weft_state_open(&st, fixture_path(f, "state"), NULL, NULL, NULL), 0);
	assert_string_equal(st.trust_domain, "mesh.local");
	assert_int_equal(stat(f->path, &info), 0);
	assert_int_equal(info.st_mode & 07777, 0700);
	assert_non_null(strstr(st.ca_dir, "/state/ca"));
	weft_state_close(&st);
}

static void trust_domain_is_kept(void **state)
{
	struct weft_state st = WEFT_STATE_INIT;
	struct fixture *f = *state;

	assert_int_equal(weft_state_open(&st, f->dir, "/shared/ca", "mesh.test", NULL), 0);
	assert_string_equal(st.ca_dir, "/shared/ca");
	weft_state_close(&st);
	assert_int_equal(weft_state_open(&st, f->dir, NULL, NULL, NULL), 0);
	assert_string_equal(st.trust_domain, "mesh.test");
	weft_state_close(&st);
	assert_int_equal(weft_state_open(&st, f->dir, NULL, "mesh.test", NULL), 0);
	weft_state_close(&st);
}

static void another_trust_domain_is_refused(void **state)
{
	struct weft_state st = WEFT_STATE_INIT;
	struct weft_error err = { 0 };
	struct fixture *f = *state;

	assert_int_equal(weft_state_open(&st, f->dir, NULL, "mesh.test", NULL), 0);
	weft_state_close(&st);
	assert_int_equal(weft_state_open(&st, f->dir, NULL, "other.test", &err), -EEXIST);
	assert_non_null(strstr(err.text, "\"other.test\""));
	assert_non_null(strstr(err.text, "\"mesh.test\""));
	assert_null(st.trust_domain);
	assert_int_equal(weft_state_open(&st, f->dir, NULL, NULL, NULL), 0);
	assert_string_equal(st.trust_domain, "mesh.test");
	weft_state_close(&st);
}

static void second_daemon_is_refused(void **state)
{
	struct weft_state one = WEFT_STATE_INIT;
	struct weft_state two = WEFT_STATE_INIT;
	struct weft_error err = { 0 };
	struct fixture *f = *state;

	assert_int_equal(weft_state_open(&one, f->dir, NULL, NULL, NULL), 0);
	assert_int_equal(weft_state_open(&two, f->dir, NULL, NULL, &err), -EBUSY);
	assert_non_null(strstr(err.text, "another weftd"));
	weft_state_close(&one);
	assert_int_equal(weft_state_open(&two, f->dir, NULL, NULL, NULL), 0);
	weft_state_close(&two);
}

static void garbage_in_the_file_is_refused(void **state)
{
	struct weft_state st = WEFT_STATE_INIT;
	struct weft_error err = { 0 };
	struct fixture *f = *state;

	fixture_write(f, "trust-domain", "NOT a domain\n");
	assert_int_equal(weft_state_open(&st, f->dir, NULL, NULL, &err), -EINVAL);
	assert_non_null(strstr(err.text, "trust-domain"));
	assert_non_null(strstr(err.text, "NOT a domain"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(first_start_makes_a_private_directory, setup,
						teardown),
		cmocka_unit_test_setup_teardown(trust_domain_is_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(another_trust_domain_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(second_daemon_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(garbage_in_the_file_is_refused, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
