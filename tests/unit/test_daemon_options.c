// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The command line of weftd: defaults, bounds, and one clear message each.
 */
#include "daemon_fixture.h"

#include <errno.h>
#include "base/array.h"
#include "daemon/options.h"

static int parse(struct weft_options *options, struct weft_error *err, const char *arg,
		 const char *value)
{
	char *argv[] = { "weftd", (char *)arg, (char *)value, NULL };

	return weft_options_parse(options, arg ? value ? 3 : 2 : 1, argv, err);
}

static void defaults_without_options(void **state)
{
	struct weft_options o;

	assert_int_equal(parse(&o, NULL, NULL, NULL), 0);
	assert_string_equal(o.config_dir, "/etc/weft/conf.d");
	assert_string_equal(o.state_dir, "/var/lib/weft");
	assert_null(o.ca_dir);
	assert_null(o.trust_domain);
	assert_in_range(o.workers, 1, WEFT_DAEMON_WORKERS_MAX);
	assert_int_equal(o.svid_lifetime, 12 * 3600);
	assert_true(o.resume);
	assert_false(o.help);
	assert_false(o.version);
}

static void each_option_is_taken(void **state)
{
	struct weft_options o;

	assert_int_equal(parse(&o, NULL, "--config-dir", "/a"), 0);
	assert_string_equal(o.config_dir, "/a");
	assert_int_equal(parse(&o, NULL, "--state-dir", "/b"), 0);
	assert_string_equal(o.state_dir, "/b");
	assert_int_equal(parse(&o, NULL, "--ca-dir=/c", NULL), 0);
	assert_string_equal(o.ca_dir, "/c");
	assert_int_equal(parse(&o, NULL, "--trust-domain", "mesh.test"), 0);
	assert_string_equal(o.trust_domain, "mesh.test");
	assert_int_equal(parse(&o, NULL, "--workers", "64"), 0);
	assert_int_equal(o.workers, 64);
	assert_int_equal(parse(&o, NULL, "--svid-lifetime", "90m"), 0);
	assert_int_equal(o.svid_lifetime, 5400);
	assert_int_equal(parse(&o, NULL, "--no-resumption", NULL), 0);
	assert_false(o.resume);
	assert_int_equal(parse(&o, NULL, "--tls-profile", "fips"), 0);
	assert_true(o.fips);
	assert_int_equal(parse(&o, NULL, "--tls-profile", "default"), 0);
	assert_false(o.fips);
	assert_int_equal(parse(&o, NULL, "--help", NULL), 0);
	assert_true(o.help);
	assert_int_equal(parse(&o, NULL, "--version", NULL), 0);
	assert_true(o.version);
}

static void certificates_come_from_one_place(void **state)
{
	struct weft_error err = { 0 };
	struct weft_options o;

	assert_int_equal(parse(&o, NULL, "--svid-dir=/s", NULL), 0);
	assert_string_equal(o.svid_dir, "/s");
	assert_null(o.ca_dir);
	assert_int_equal(parse(&o, &err, "--svid-dir=/s", "--ca-dir=/c"), -EINVAL);
	assert_non_null(strstr(err.text, "come from one of them"));
	assert_int_equal(parse(&o, &err, "--svid-dir=s", NULL), -EINVAL);
	assert_int_equal(parse(&o, NULL, "--join=ca:4443", "--join-token=/t"), 0);
	assert_string_equal(o.join, "ca:4443");
	assert_string_equal(o.join_token, "/t");
	assert_int_equal(parse(&o, &err, "--join=ca:4443", "--svid-dir=/s"), -EINVAL);
	assert_int_equal(parse(&o, &err, "--join-token=/t", NULL), -EINVAL);
	assert_non_null(strstr(err.text, "which CA? --join HOST:PORT"));
}

static void wrong_values_are_named(void **state)
{
	static const struct {
		const char *arg, *value, *says;
	} wrong[] = {
		{ "--workers", "0", "--workers: \"0\" is not a number from 1 to 64" },
		{ "--workers", "65", "from 1 to 64" },
		{ "--workers", "two", "\"two\"" },
		{ "--svid-lifetime", "9s", "from 10s to 720h" },
		{ "--svid-lifetime", "721h", "from 10s to 720h" },
		{ "--svid-lifetime", "12", "\"12\"" },
		{ "--config-dir", "conf.d", "\"conf.d\" is no absolute path" },
		{ "--trust-domain", "Mesh.Local", "\"Mesh.Local\"" },
		{ "--tls-profile", "FIPS", "--tls-profile: \"FIPS\" is not default or fips" },
		{ "--workers", NULL, "--workers: needs a value" },
		{ "--wrokers", "2", "--wrokers: no such option" },
		{ "extra", NULL, "extra: weftd takes options only" },
	};
	size_t i;

	for (i = 0; i < WEFT_ARRAY_SIZE(wrong); i++) {
		struct weft_options o = { .workers = 77 };
		struct weft_error err = { 0 };

		assert_int_equal(parse(&o, &err, wrong[i].arg, wrong[i].value), -EINVAL);
		if (!strstr(err.text, wrong[i].says))
			fail_msg("\"%s\" does not say \"%s\"", err.text, wrong[i].says);
		assert_int_equal(o.workers, 77);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(certificates_come_from_one_place),
		cmocka_unit_test(defaults_without_options),
		cmocka_unit_test(each_option_is_taken),
		cmocka_unit_test(wrong_values_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
