// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The configuration in force: a reload is all or nothing, the last good one
 * stays, an error is logged once. The store is the real directory; what applies
 * is the test's.
 */
#include "daemon_fixture.h"

#include <errno.h>
#include <poll.h>
#include <sys/stat.h>
#include "base/boot.h"
#include "daemon/config.h"

#define GOOD                             \
	"apiVersion: weft/v1\n"          \
	"kind: Workload\n"               \
	"metadata: {name: web}\n"        \
	"spec:\n"                        \
	"  selectors:\n"                 \
	"  - unit: web.service\n"

#define BAD                              \
	"apiVersion: weft/v1\n"          \
	"kind: Workload\n"               \
	"metadata: {name: web}\n"        \
	"spec:\n"                        \
	"  selectors:\n"                 \
	"  - uint: web.service\n"

struct context {
	struct fixture f;
	struct weft_config *config;
	int refuse; /* errno that apply gives */
	unsigned int applied;
	size_t n_workloads; /* of the last applied */
};

static int apply(void *data, const struct weft_conf *conf, uint64_t *generation,
		 struct weft_error *err)
{
	struct context *c = data;

	if (c->refuse)
		return weft_error_set(err, c->refuse, "the module says no");
	c->n_workloads = conf->n_workloads;
	*generation = ++c->applied;
	return 0;
}

static int setup(void **state)
{
	struct context *c = calloc(1, sizeof(*c));
	struct weft_store *store;

	assert_non_null(c);
	fixture_dir(&c->f);
	assert_int_equal(mkdir(fixture_path(&c->f, "conf.d"), 0755), 0);
	assert_int_equal(weft_store_dir_create(c->f.path, "mesh.test", &store, NULL), 0);
	assert_int_equal(weft_config_create(&c->config, store, apply, c), 0);
	*state = c;
	return 0;
}

static int teardown(void **state)
{
	struct context *c = *state;

	weft_config_destroy(c->config);
	fixture_uninit(&c->f);
	free(c);
	return 0;
}

static void good_documents_are_applied(void **state)
{
	struct context *c = *state;

	fixture_write(&c->f, "conf.d/web.yaml", GOOD);
	assert_int_equal(weft_config_reload(c->config), 0);
	assert_int_equal(c->applied, 1);
	assert_int_equal(c->n_workloads, 1);
	assert_int_equal(weft_config_status(c->config).generation, 1);
	assert_string_equal(weft_config_status(c->config).error, "");
}

static void bad_document_keeps_the_last_good(void **state)
{
	struct context *c = *state;
	struct weft_config_status status;

	fixture_write(&c->f, "conf.d/web.yaml", GOOD);
	assert_int_equal(weft_config_reload(c->config), 0);
	fixture_write(&c->f, "conf.d/web.yaml", BAD);
	assert_true(weft_config_reload(c->config) < 0);

	status = weft_config_status(c->config);
	assert_int_equal(c->applied, 1);
	assert_int_equal(status.generation, 1);
	assert_int_equal(status.conf->n_workloads, 1);
	assert_non_null(strstr(status.error, "web.yaml:6"));
}

static void same_error_is_reported_once(void **state)
{
	struct context *c = *state;

	fixture_write(&c->f, "conf.d/web.yaml", BAD);
	assert_true(weft_config_reload(c->config) < 0);
	assert_true(weft_config_reload(c->config) < 0);
	assert_int_equal(weft_config_status(c->config).reports, 1);

	fixture_write(&c->f, "conf.d/web.yaml", "kind: Nothing\n");
	assert_true(weft_config_reload(c->config) < 0);
	assert_int_equal(weft_config_status(c->config).reports, 2);

	/* Once mended, the same mistake is news again. */
	fixture_write(&c->f, "conf.d/web.yaml", GOOD);
	assert_int_equal(weft_config_reload(c->config), 0);
	assert_string_equal(weft_config_status(c->config).error, "");
	fixture_write(&c->f, "conf.d/web.yaml", "kind: Nothing\n");
	assert_true(weft_config_reload(c->config) < 0);
	assert_int_equal(weft_config_status(c->config).reports, 3);
}

/* By its beginning weftctl tells whether it saw a change. */
static void every_reload_says_when_it_began(void **state)
{
	struct context *c = *state;
	uint64_t before, began;

	assert_int_equal(weft_config_status(c->config).began, 0);
	before = weft_boot_now();
	assert_int_equal(weft_config_reload(c->config), 0);
	began = weft_config_status(c->config).began;
	assert_true(began >= before);
	fixture_write(&c->f, "conf.d/web.yaml", BAD);
	assert_true(weft_config_reload(c->config) < 0);
	assert_true(weft_config_status(c->config).began > began);
	assert_false(weft_config_status(c->config).again);
}

static void refused_by_the_module_keeps_the_last_good(void **state)
{
	struct context *c = *state;

	fixture_write(&c->f, "conf.d/web.yaml", GOOD);
	assert_int_equal(weft_config_reload(c->config), 0);
	assert_int_equal(unlink(fixture_path(&c->f, "conf.d/web.yaml")), 0);
	c->refuse = EBUSY;
	assert_int_equal(weft_config_reload(c->config), WEFT_CONFIG_NOT_APPLIED);
	assert_int_equal(weft_config_status(c->config).generation, 1);
	assert_int_equal(weft_config_status(c->config).conf->n_workloads, 1);
	assert_string_equal(weft_config_status(c->config).error, "the module says no");
	assert_true(weft_config_status(c->config).again);

	c->refuse = 0;
	assert_int_equal(weft_config_reload(c->config), 0);
	assert_int_equal(weft_config_status(c->config).generation, 2);
	assert_false(weft_config_status(c->config).again);
	assert_int_equal(weft_config_status(c->config).conf->n_workloads, 0);
}

static void change_on_disk_is_noticed(void **state)
{
	struct context *c = *state;
	struct pollfd pfd = { .fd = weft_config_fd(c->config), .events = POLLIN };

	assert_int_equal(weft_config_reload(c->config), 0);
	assert_int_equal(c->n_workloads, 0);
	fixture_write(&c->f, "conf.d/web.yaml", GOOD);
	while (!c->n_workloads) {
		assert_int_equal(poll(&pfd, 1, 10000), 1);
		assert_int_equal(weft_config_dispatch(c->config), 0);
	}
	assert_int_equal(weft_config_status(c->config).conf->n_workloads, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(good_documents_are_applied, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_document_keeps_the_last_good, setup, teardown),
		cmocka_unit_test_setup_teardown(same_error_is_reported_once, setup, teardown),
		cmocka_unit_test_setup_teardown(every_reload_says_when_it_began, setup, teardown),
		cmocka_unit_test_setup_teardown(refused_by_the_module_keeps_the_last_good, setup,
						teardown),
		cmocka_unit_test_setup_teardown(change_on_disk_is_noticed, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
