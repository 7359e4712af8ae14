// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The documents that were in force last: read again as they were written, kept private,
 * written when they change, and nothing else is taken for them. Then the configuration
 * that falls back to them at its start.
 */
#include "daemon_fixture.h"

#include <errno.h>
#include <sys/stat.h>
#include "conf/conf.h"
#include "daemon/config.h"
#include "daemon/last_good.h"
#include "daemon/log.h"

static unsigned int logged; /* lines that speak of the last good documents */

void weft_log(int priority, const char *fmt, ...)
{
	va_list ap;
	char *line;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&line, fmt, ap);
	va_end(ap);
	assert_true(n >= 0);
	logged += strstr(line, "last good documents") != NULL;
	fprintf(stderr, "%s\n", line);
	free(line);
}

#define WORKLOAD(name)                   \
	"apiVersion: weft/v1\n"          \
	"kind: Workload\n"               \
	"metadata: {name: " name "}\n"   \
	"spec:\n"                        \
	"  selectors:\n"                 \
	"  - unit: " name ".service\n"

#define BAD "apiVersion: weft/v1\nkind: Workload\nmetadata: {name"

#define _cleanup_conf_ _cleanup_(weft_conf_destroy_ptr)

struct context {
	struct fixture f;
	char state_dir[128], conf_dir[128];
	struct weft_config *config;
	int refuse;
	unsigned int applied;
	size_t n_workloads;
};

static int apply(void *data, const struct weft_conf *conf, struct weft_executables *executables,
		 uint64_t *generation, struct weft_error *err)
{
	struct context *c = data;

	if (c->refuse)
		return weft_error_set(err, c->refuse, "the module says no");
	c->n_workloads = conf->n_workloads;
	*generation = ++c->applied;
	return 0;
}

/* As a daemon that starts. */
static void start(struct context *c)
{
	struct weft_store *store;

	weft_config_destroy(c->config);
	c->config = NULL;
	c->applied = 0;
	c->n_workloads = 99;
	assert_int_equal(weft_store_dir_create(c->conf_dir, "mesh.test", &store, NULL), 0);
	assert_int_equal(weft_config_create(&c->config, store, apply, c, NULL), 0);
	weft_config_keep_in(c->config, c->state_dir, "mesh.test");
}

static int setup(void **state)
{
	struct context *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	fixture_dir(&c->f);
	snprintf(c->state_dir, sizeof(c->state_dir), "%s", fixture_path(&c->f, "state"));
	snprintf(c->conf_dir, sizeof(c->conf_dir), "%s", fixture_path(&c->f, "conf.d"));
	assert_int_equal(mkdir(c->state_dir, 0755), 0);
	assert_int_equal(mkdir(c->conf_dir, 0755), 0);
	start(c);
	logged = 0;
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

static const char *documents(struct context *c)
{
	return fixture_path(&c->f, "state/last-good/documents");
}

/* Its inode tells whether it was written anew. */
static ino_t inode(struct context *c)
{
	struct stat st;

	assert_int_equal(stat(documents(c), &st), 0);
	return st.st_ino;
}

/* ---- the file ---- */

static struct weft_conf *load(struct context *c)
{
	struct weft_error err = { 0 };
	struct weft_conf *conf;

	if (weft_conf_load(c->conf_dir, "mesh.test", &conf, &err))
		fail_msg("%s", err.text);
	return conf;
}

static void what_is_written_is_read_again(void **state)
{
	_cleanup_conf_ struct weft_conf *conf = NULL, *again = NULL;
	struct context *c = *state;
	struct weft_error err = { 0 };
	struct stat st;
	int64_t when;

	fixture_write(&c->f, "conf.d/web.yaml", "# \xc3\xa9\n" WORKLOAD("web"));
	fixture_write(&c->f, "conf.d/a\nfile 1 1\n.yaml", WORKLOAD("odd"));
	fixture_write(&c->f, "conf.d/empty.yaml", "");
	conf = load(c);
	assert_int_equal(weft_last_good_write(c->state_dir, conf, 1234567890, &err), 0);
	if (weft_last_good_load(c->state_dir, "mesh.test", &again, &when, &err))
		fail_msg("%s", err.text);
	assert_true(when == 1234567890);
	assert_int_equal(again->n_workloads, 2);
	assert_non_null(weft_conf_find_workload(again, "odd"));
	assert_true(weft_strv_equal(&again->files, &conf->files));
	assert_int_equal(weft_conf_diff(conf, again, NULL, NULL), 0);
	assert_int_equal(stat(documents(c), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(stat(fixture_path(&c->f, "state/last-good"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
}

static void no_documents_are_documents_too(void **state)
{
	_cleanup_conf_ struct weft_conf *conf = load(*state), *again = NULL;
	struct context *c = *state;
	int64_t when;

	assert_int_equal(weft_last_good_load(c->state_dir, "mesh.test", &again, &when, NULL),
			 -ENOENT);
	assert_int_equal(weft_last_good_write(c->state_dir, conf, 1, NULL), 0);
	assert_int_equal(weft_last_good_load(c->state_dir, "mesh.test", &again, &when, NULL), 0);
	assert_int_equal(again->n_workloads + again->files.count, 0);
}

static void the_same_is_not_written_again(void **state)
{
	_cleanup_conf_ struct weft_conf *one = NULL, *two = NULL;
	struct context *c = *state;
	ino_t first;

	fixture_write(&c->f, "conf.d/web.yaml", WORKLOAD("web"));
	one = load(c);
	assert_int_equal(weft_last_good_write(c->state_dir, one, 1, NULL), 0);
	first = inode(c);
	assert_int_equal(weft_last_good_write(c->state_dir, one, 2, NULL), 0);
	assert_true(inode(c) == first);
	fixture_write(&c->f, "conf.d/web.yaml", WORKLOAD("wob"));
	two = load(c);
	assert_int_equal(weft_last_good_write(c->state_dir, two, 3, NULL), 0);
	assert_true(inode(c) != first);
}

/* Every byte counts, and so does every one that is missing or too many. */
static void what_is_damaged_is_refused(void **state)
{
	_cleanup_conf_ struct weft_conf *conf = NULL, *again = NULL;
	struct context *c = *state;
	struct weft_error err = { 0 };
	char text[1024], was;
	size_t len, i;
	int64_t when;
	FILE *f;

	fixture_write(&c->f, "conf.d/web.yaml", WORKLOAD("web"));
	conf = load(c);
	assert_int_equal(weft_last_good_write(c->state_dir, conf, 1, NULL), 0);
	f = fopen(documents(c), "re");
	assert_non_null(f);
	len = fread(text, 1, sizeof(text) - 2, f);
	fclose(f);
	assert_true(len > 100 && len < sizeof(text) - 2);
	text[len] = '\0';
	for (i = 0; i < len; i++) {
		was = text[i];
		text[i] ^= 1;
		fixture_write(&c->f, "state/last-good/documents", text);
		assert_int_equal(weft_last_good_load(c->state_dir, "mesh.test", &again, &when,
						     &err), -EBADMSG);
		text[i] = '\0';
		fixture_write(&c->f, "state/last-good/documents", text);
		assert_int_equal(weft_last_good_load(c->state_dir, "mesh.test", &again, &when,
						     &err), -EBADMSG);
		text[i] = was;
	}
	assert_non_null(strstr(err.text, "last-good/documents: damaged"));
	strcpy(text + len, "\n");
	fixture_write(&c->f, "state/last-good/documents", text);
	assert_int_equal(weft_last_good_load(c->state_dir, "mesh.test", &again, &when, &err),
			 -EBADMSG);
	assert_int_equal(weft_last_good_write(c->state_dir, conf, 1, NULL), 0); /* anew */
	assert_int_equal(weft_last_good_load(c->state_dir, "mesh.test", &again, &when, &err), 0);
}

/* Whoever was killed while he wrote leaves what is in nobody's way. */
static void what_was_not_finished_is_replaced(void **state)
{
	_cleanup_conf_ struct weft_conf *conf = load(*state), *again = NULL;
	struct context *c = *state;
	int64_t when;

	assert_int_equal(mkdir(fixture_path(&c->f, "state/last-good"), 0700), 0);
	fixture_write(&c->f, "state/last-good/new", "weft last");
	assert_int_equal(weft_last_good_load(c->state_dir, "mesh.test", &again, &when, NULL),
			 -ENOENT);
	assert_int_equal(weft_last_good_write(c->state_dir, conf, 1, NULL), 0);
	assert_int_equal(weft_last_good_load(c->state_dir, "mesh.test", &again, &when, NULL), 0);
	assert_int_equal(access(fixture_path(&c->f, "state/last-good/new"), F_OK), -1);
}

static void too_much_is_not_kept(void **state)
{
	struct weft_conf_text text = { .data = (char *)"", .len = WEFT_LAST_GOOD_MAX };
	struct weft_conf conf = { .texts = &text, .n_texts = 1 };
	struct context *c = *state;
	struct weft_error err = { 0 };

	assert_int_equal(weft_strv_add(&conf.files, "/x/a.yaml"), 0);
	assert_int_equal(weft_last_good_write(c->state_dir, &conf, 1, &err), -EFBIG);
	assert_non_null(strstr(err.text, "64 MiB"));
	weft_strv_uninit(&conf.files);
}

/* ---- the configuration ---- */

static void keep_web(struct context *c)
{
	fixture_write(&c->f, "conf.d/web.yaml", WORKLOAD("web"));
	assert_int_equal(weft_config_reload(c->config), 0);
	assert_int_equal(weft_config_keep(c->config), 0);
}

static void wrong_documents_at_the_start_leave_the_last_good(void **state)
{
	struct context *c = *state;
	struct weft_config_status status;

	keep_web(c);
	fixture_write(&c->f, "conf.d/web.yaml", BAD);
	start(c);
	assert_true(weft_config_reload(c->config) < 0);
	status = weft_config_status(c->config);
	assert_int_equal(c->applied, 1);
	assert_int_equal(c->n_workloads, 1);
	assert_int_equal(status.generation, 1);
	assert_non_null(strstr(status.error, "web.yaml:4"));
	assert_true(status.former > 0 && status.former <= time(NULL));
	assert_string_equal(status.former_error, "");
	assert_int_equal(logged, 1);
	assert_true(weft_config_reload(c->config) < 0); /* they stay, and that is no news */
	assert_int_equal(c->applied, 1);
	assert_int_equal(logged, 1);

	fixture_write(&c->f, "conf.d/web.yaml", WORKLOAD("web") "---\n" WORKLOAD("other"));
	assert_int_equal(weft_config_reload(c->config), 0);
	status = weft_config_status(c->config);
	assert_int_equal(c->n_workloads, 2);
	assert_true(status.former == 0);
	assert_string_equal(status.error, "");
}

static void a_missing_directory_at_the_start_leaves_the_last_good(void **state)
{
	struct context *c = *state;

	keep_web(c);
	assert_int_equal(unlink(fixture_path(&c->f, "conf.d/web.yaml")), 0);
	assert_int_equal(rmdir(c->conf_dir), 0);
	start(c);
	assert_int_equal(weft_config_reload(c->config), -ENOENT);
	assert_int_equal(c->n_workloads, 1);
	assert_true(weft_config_status(c->config).former > 0);
}

static void an_empty_directory_is_what_somebody_wants(void **state)
{
	struct context *c = *state;

	keep_web(c);
	assert_int_equal(unlink(fixture_path(&c->f, "conf.d/web.yaml")), 0);
	start(c);
	assert_int_equal(weft_config_reload(c->config), 0);
	assert_int_equal(c->n_workloads, 0);
	assert_true(weft_config_status(c->config).former == 0);
	assert_int_equal(logged, 0);
}

static void documents_the_module_refuses_at_the_start_leave_the_last_good(void **state)
{
	struct context *c = *state;

	keep_web(c);
	start(c);
	c->refuse = ENOMEM;
	assert_int_equal(weft_config_reload(c->config), WEFT_CONFIG_NOT_APPLIED);
	assert_null(weft_config_status(c->config).conf);
	assert_string_equal(weft_config_status(c->config).former_error, "the module says no");
	assert_int_equal(weft_config_fall_back(c->config), WEFT_CONFIG_NOT_APPLIED);
	assert_int_equal(logged, 1);
	c->refuse = 0;
	assert_int_equal(weft_config_fall_back(c->config), 0); /* tried again, it is taken */
	assert_int_equal(c->n_workloads, 1);
	assert_true(weft_config_status(c->config).former > 0);
	assert_true(weft_config_status(c->config).again);
	assert_string_equal(weft_config_status(c->config).former_error, "");
	assert_int_equal(weft_config_reload(c->config), 0);
	assert_true(weft_config_status(c->config).former == 0);
}

static void without_any_it_is_as_before(void **state)
{
	struct context *c = *state;

	fixture_write(&c->f, "conf.d/web.yaml", BAD);
	assert_true(weft_config_reload(c->config) < 0);
	assert_int_equal(weft_config_fall_back(c->config), 0);
	assert_int_equal(c->applied, 0);
	assert_int_equal(logged, 0);
	assert_null(weft_config_status(c->config).conf);
	assert_string_equal(weft_config_status(c->config).former_error, "");
	assert_int_equal(weft_config_keep(c->config), 0); /* nothing */
	assert_int_equal(access(documents(c), F_OK), -1);
}

static void damaged_ones_are_told_once(void **state)
{
	struct context *c = *state;

	keep_web(c);
	fixture_write(&c->f, "state/last-good/documents", "garbage");
	fixture_write(&c->f, "conf.d/web.yaml", BAD);
	start(c);
	assert_true(weft_config_reload(c->config) < 0);
	assert_int_equal(weft_config_fall_back(c->config), -EBADMSG);
	assert_int_equal(c->applied, 0);
	assert_int_equal(logged, 1);
	assert_non_null(strstr(weft_config_status(c->config).former_error, "damaged"));
	keep_web(c);
	assert_string_equal(weft_config_status(c->config).former_error, "");
	start(c);
	assert_int_equal(weft_config_fall_back(c->config), 0);
	assert_int_equal(c->n_workloads, 1);
}

/* Whoever knows what is confirmed says when: until then the former ones are kept. */
static void nothing_is_kept_unless_asked(void **state)
{
	struct context *c = *state;
	ino_t first;

	keep_web(c);
	first = inode(c);
	fixture_write(&c->f, "conf.d/other.yaml", WORKLOAD("other"));
	assert_int_equal(weft_config_reload(c->config), 0);
	assert_true(inode(c) == first);
	start(c);
	assert_int_equal(weft_config_fall_back(c->config), 0);
	assert_int_equal(c->n_workloads, 1);
	assert_int_equal(weft_config_keep(c->config), 0); /* these are */
	assert_true(inode(c) == first);
}

static void what_cannot_be_kept_is_told_and_tried_again(void **state)
{
	struct context *c = *state;

	fixture_write(&c->f, "conf.d/web.yaml", WORKLOAD("web"));
	fixture_write(&c->f, "state/last-good", "in the way");
	assert_int_equal(weft_config_reload(c->config), 0);
	assert_int_equal(weft_config_keep(c->config), -ENOTDIR);
	assert_non_null(strstr(weft_config_status(c->config).unkept, "last-good"));
	assert_int_equal(unlink(fixture_path(&c->f, "state/last-good")), 0);
	assert_int_equal(weft_config_keep(c->config), 0);
	assert_string_equal(weft_config_status(c->config).unkept, "");
	assert_int_equal(access(documents(c), F_OK), 0);
}

/* They wait for their executables as any others do, and who starts waits with them. */
static void executables_of_the_last_good_are_waited_for(void **state)
{
	struct context *c = *state;

	fixture_write(&c->f, "conf.d/web.yaml",
		      WORKLOAD("web") "---\napiVersion: weft/v1\nkind: Workload\n"
		      "metadata: {name: hashed}\nspec:\n  selectors:\n"
		      "  - {executable: /nonexistent/program, sha256: "
		      "0000000000000000000000000000000000000000000000000000000000000000}\n");
	assert_int_equal(weft_config_reload(c->config), WEFT_CONFIG_WAITS);
	assert_int_equal(weft_config_settle(c->config), 0);
	assert_int_equal(weft_config_keep(c->config), 0);
	start(c);
	c->refuse = ENOMEM;
	assert_int_equal(weft_config_reload(c->config), WEFT_CONFIG_WAITS);
	assert_int_equal(weft_config_settle(c->config), WEFT_CONFIG_NOT_APPLIED);
	assert_false(weft_config_status(c->config).waits);
	assert_string_equal(weft_config_status(c->config).former_error, "the module says no");
	c->refuse = 0;
	fixture_write(&c->f, "conf.d/web.yaml", BAD);
	assert_true(weft_config_reload(c->config) < 0);
	assert_true(weft_config_status(c->config).waits);
	assert_int_equal(weft_config_settle(c->config), 0);
	assert_int_equal(c->n_workloads, 2);
	assert_true(weft_config_status(c->config).former > 0);
	assert_int_equal(weft_config_status(c->config).problems->count, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_written_is_read_again),
		TEST(no_documents_are_documents_too),
		TEST(the_same_is_not_written_again),
		TEST(what_is_damaged_is_refused),
		TEST(what_was_not_finished_is_replaced),
		TEST(too_much_is_not_kept),
		TEST(wrong_documents_at_the_start_leave_the_last_good),
		TEST(a_missing_directory_at_the_start_leaves_the_last_good),
		TEST(an_empty_directory_is_what_somebody_wants),
		TEST(documents_the_module_refuses_at_the_start_leave_the_last_good),
		TEST(without_any_it_is_as_before),
		TEST(damaged_ones_are_told_once),
		TEST(nothing_is_kept_unless_asked),
		TEST(what_cannot_be_kept_is_told_and_tried_again),
		TEST(executables_of_the_last_good_are_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
