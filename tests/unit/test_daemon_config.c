// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The configuration in force: a reload is all or nothing, the last good one
 * stays, an error is logged once. The store is the real directory; what applies
 * is the test's.
 */
#include "daemon_fixture.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include "base/array.h"
#include "base/boot.h"
#include "daemon/config.h"
#include "daemon/log.h"

/* ---- the log ---- */

static unsigned int advice; /* lines of it in the log */
static unsigned int successes; /* that the module has what it had not, in the log */

void weft_log(int priority, const char *fmt, ...)
{
	va_list ap;
	char *line;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&line, fmt, ap);
	va_end(ap);
	assert_true(n >= 0);
	advice += strstr(line, "any workload of the trust domain may serve it") != NULL;
	advice += strstr(line, " more services that any workload may serve") != NULL;
	successes += strstr(line, ": with executables as they are now") != NULL;
	fprintf(stderr, "%s\n", line);
	free(line);
}

/* ---- file systems ---- */

/* An overlay whose layers are not seen, such as a container's /tmp, is a local one here. */
int fstatfs(int fd, struct statfs *fs)
{
	if (syscall(SYS_fstatfs, fd, fs))
		return -1;
	if ((uint32_t)fs->f_type == 0x794c7630)
		fs->f_type = 0x01021994; /* tmpfs */
	return 0;
}

/* ---- */

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
	bool refuse_files, stale_files;
	size_t n_files; /* with the last applied */
};

static size_t files_of(const struct weft_conf *conf)
{
	size_t i, k, n = 0;

	for (i = 0; i < conf->n_workloads; i++)
		for (k = 0; k < conf->workloads[i].object.n_selectors; k++)
			n += conf->workloads[i].object.selectors[k].has_fd;
	return n;
}

static int apply(void *data, const struct weft_conf *conf, struct weft_executables *executables,
		 uint64_t *generation, struct weft_error *err)
{
	struct context *c = data;
	size_t i;

	if (c->refuse)
		return weft_error_set(err, c->refuse, "the module says no");
	for (i = 0; (c->refuse_files || c->stale_files) && i < executables->count; i++)
		weft_executables_refuse(executables, executables->items[i].path,
					"the module does not like it", c->stale_files);
	c->n_workloads = conf->n_workloads;
	c->n_files = files_of(conf);
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
	assert_int_equal(weft_config_create(&c->config, store, apply, c, NULL), 0);
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

#define SERVICE "apiVersion: weft/v1\nkind: Service\nmetadata: {name: db}\nspec:\n" \
		"  ports: [{port: 5432}]\n"
#define ENDPOINTS "  endpoints: [{address: 10.0.0.1}]\n"

/* Who wants it so is not told again and again; who says so not at all. */
static void services_that_anybody_may_serve_are_told_once(void **state)
{
	struct context *c = *state;

	advice = 0;
	fixture_write(&c->f, "conf.d/db.yaml", SERVICE);
	assert_int_equal(weft_config_reload(c->config), 0);
	assert_int_equal(advice, 0);
	fixture_write(&c->f, "conf.d/db.yaml", SERVICE ENDPOINTS);
	assert_int_equal(weft_config_reload(c->config), 0);
	assert_int_equal(advice, 1);
	fixture_write(&c->f, "conf.d/web.yaml", GOOD);
	assert_int_equal(weft_config_reload(c->config), 0);
	assert_int_equal(advice, 1);
	fixture_write(&c->f, "conf.d/db.yaml", SERVICE ENDPOINTS "  identities: [\"*\"]\n");
	assert_int_equal(weft_config_reload(c->config), 0);
	assert_int_equal(advice, 1);
	fixture_write(&c->f, "conf.d/db.yaml", SERVICE ENDPOINTS);
	assert_int_equal(weft_config_reload(c->config), 0);
	assert_int_equal(advice, 2);
	assert_string_equal(weft_config_status(c->config).error, "");
}

static void many_such_services_are_counted(void **state)
{
	struct context *c = *state;
	char text[4096], *p = text;

	for (int i = 0; i < 20; i++)
		p += sprintf(p, "---\napiVersion: weft/v1\nkind: Service\nmetadata: {name: s%d}\n"
				"spec: {ports: [{port: 80}], endpoints: [{address: 10.0.0.1}]}\n", i);
	fixture_write(&c->f, "conf.d/db.yaml", text);
	advice = 0;
	assert_int_equal(weft_config_reload(c->config), 0);
	assert_int_equal(advice, 9);
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

/* ---- executables ---- */

/* printf one | sha256sum */
#define ONE "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"

/* Each time another one, long ago. */
static void write_program_time(struct context *c)
{
	static time_t t = 1000000000;
	const struct timespec times[2] = { { t, 0 }, { t, 0 } };

	t++;
	assert_int_equal(utimensat(AT_FDCWD, fixture_path(&c->f, "program"), times, 0), 0);
}

static void write_program(struct context *c, const char *text)
{
	fixture_write(&c->f, "program", text);
	assert_int_equal(chmod(fixture_path(&c->f, "program"), 0755), 0);
	write_program_time(c);
}

static void rename_program(struct context *c, const char *name)
{
	char to[128];

	snprintf(to, sizeof(to), "%s/%s", c->f.dir, name);
	assert_int_equal(rename(fixture_path(&c->f, "program"), to), 0);
}

/* Of a workload by the hash of that program. */
static void write_document_of(struct context *c, const char *name, const char *program)
{
	char text[512], file[64];

	snprintf(text, sizeof(text),
		 "apiVersion: weft/v1\n"
		 "kind: Workload\n"
		 "metadata: {name: %s}\n"
		 "spec: {selectors: [{executable: %s/%s, sha256: " ONE "}]}\n",
		 name, c->f.dir, program);
	snprintf(file, sizeof(file), "conf.d/%s.yaml", name);
	fixture_write(&c->f, file, text);
}

static void write_document(struct context *c, const char *name)
{
	write_document_of(c, name, "program");
}

/* As when weftd starts. */
static int reload(struct context *c)
{
	int ret = weft_config_reload(c->config);

	assert_true(weft_config_status(c->config).waits == (ret == WEFT_CONFIG_WAITS));
	if (ret == WEFT_CONFIG_WAITS)
		ret = weft_config_settle(c->config);
	assert_false(weft_config_status(c->config).waits);
	return ret;
}

/* What the thread finds is taken over; what weft_config_refresh() says to it. */
static int look(struct context *c)
{
	struct pollfd pfd = { .fd = weft_config_executables_fd(c->config), .events = POLLIN };
	int ret;

	weft_config_look(c->config);
	assert_int_equal(poll(&pfd, 1, 10000), 1);
	ret = weft_config_refresh(c->config);
	assert_int_equal(poll(&pfd, 1, 0), 0);
	return ret;
}

static const char *problem(struct context *c)
{
	const struct weft_strv *problems = weft_config_status(c->config).problems;

	return problems->count ? problems->items[0] : "";
}

static void executables_are_there_when_documents_are_applied(void **state)
{
	struct context *c = *state;

	write_program(c, "one");
	write_document(c, "web");
	assert_int_equal(reload(c), 0);
	assert_int_equal(c->n_files, 1);
	assert_string_equal(problem(c), "");
	assert_int_equal(look(c), 0); /* nothing new */
	assert_int_equal(c->applied, 1);

	/* one more workload gets the file that is known already */
	write_document(c, "other");
	assert_int_equal(reload(c), 0);
	assert_int_equal(c->n_files, 2);
}

/* The one may be known again when the other one is not yet. */
static void executables_that_stay_are_no_news(void **state)
{
	struct context *c = *state;
	struct timespec pause = { .tv_nsec = 1000000 };
	char text[64 * 160], *p = text;
	int i;

	p += sprintf(p, "apiVersion: weft/v1\nkind: Workload\nmetadata: {name: web}\nspec:\n"
			"  selectors:\n");
	for (i = 0; i < 20; i++) {
		char name[16];

		snprintf(name, sizeof(name), "program%d", i);
		write_program(c, "one");
		rename_program(c, name);
		p += sprintf(p, "  - {executable: %s/%s, sha256: " ONE "}\n", c->f.dir, name);
	}
	fixture_write(&c->f, "conf.d/web.yaml", text);
	assert_int_equal(reload(c), 0);
	assert_int_equal(c->n_files, 20);
	for (i = 0; i < 200; i++) {
		weft_config_look(c->config);
		assert_int_equal(weft_config_refresh(c->config), 0);
		if (i % 8 == 0)
			nanosleep(&pause, NULL);
	}
	assert_int_equal(c->applied, 1);
}

static void executables_that_change_are_followed(void **state)
{
	struct context *c = *state;

	write_program(c, "two");
	write_document(c, "web");
	assert_int_equal(reload(c), 0);
	assert_int_equal(c->n_files, 0);
	assert_non_null(strstr(problem(c), "workload web: executable "));
	assert_non_null(strstr(problem(c), ", not " ONE));
	assert_int_equal(look(c), 0);

	write_program(c, "one");
	assert_int_equal(look(c), 1);
	assert_int_equal(c->n_files, 1);
	assert_int_equal(weft_config_status(c->config).generation, 2);
	assert_string_equal(problem(c), "");
	assert_int_equal(look(c), 0);

	assert_int_equal(unlink(fixture_path(&c->f, "program")), 0);
	assert_int_equal(look(c), 0);
	assert_non_null(strstr(problem(c), "No such file or directory"));
}

static void executables_the_module_could_not_be_told_of_are_tried_again(void **state)
{
	struct context *c = *state;

	write_program(c, "two");
	write_document(c, "web");
	assert_int_equal(reload(c), 0);
	write_program(c, "one");
	c->refuse = EBUSY;
	assert_int_equal(look(c), -EBUSY);
	assert_string_equal(weft_config_status(c->config).late, "the module says no");
	assert_int_equal(weft_config_status(c->config).generation, 1);
	c->refuse = 0;
	assert_int_equal(look(c), 1);
	assert_string_equal(weft_config_status(c->config).late, "");
	assert_int_equal(c->n_files, 1);
}

static void executables_that_are_refused_are_told_and_left_alone(void **state)
{
	struct context *c = *state;

	write_program(c, "one");
	write_document(c, "web");
	c->refuse_files = true;
	assert_int_equal(reload(c), 0);
	assert_non_null(strstr(problem(c), ": the module does not like it"));
	assert_int_equal(look(c), 0);
	assert_int_equal(c->applied, 1);
	c->refuse_files = false;
	write_program(c, "one");
	assert_int_equal(look(c), 1);
	assert_string_equal(problem(c), "");
}

/* As when stat() says something else than the kernel's inode, for ever. */
static void executables_the_module_takes_for_others_are_told_and_put_off(void **state)
{
	struct context *c = *state;
	static const int looks[] = { 1, 1, 0, 1, 0, 0, 0 };
	size_t i;

	write_program(c, "two");
	write_document(c, "web");
	assert_int_equal(reload(c), 0);
	write_program(c, "one");
	c->stale_files = true;
	successes = 0;
	for (i = 0; i < WEFT_ARRAY_SIZE(looks); i++) {
		assert_int_equal(look(c), looks[i]);
		assert_non_null(strstr(problem(c), ": the module does not like it"));
	}
	assert_int_equal(c->applied, 4);
	assert_int_equal(successes, 0);
	c->stale_files = false;
	assert_int_equal(look(c), 1);
	assert_int_equal(successes, 1);
	assert_string_equal(problem(c), "");
	assert_int_equal(look(c), 0);
}

/* Problems are those of what is in force. */
static void executables_of_documents_that_are_refused_are_not_told(void **state)
{
	struct context *c = *state;

	write_program(c, "two");
	fixture_write(&c->f, "conf.d/web.yaml", GOOD);
	assert_int_equal(reload(c), 0);
	write_document(c, "web");
	c->refuse = EBUSY;
	assert_int_equal(reload(c), WEFT_CONFIG_NOT_APPLIED);
	assert_string_equal(problem(c), "");
	c->refuse = 0;
	assert_int_equal(reload(c), 0);
	assert_string_not_equal(problem(c), "");
	fixture_write(&c->f, "conf.d/web.yaml", GOOD);
	assert_int_equal(reload(c), 0);
	assert_string_equal(problem(c), "");
}

/* Documents do not wait for a file that takes long, and nor does the end. */
static void executables_that_take_long_are_told(void **state)
{
	struct context *c = *state;

	write_program(c, "");
	/* nothing but a hole, but to read it takes minutes */
	assert_int_equal(truncate(fixture_path(&c->f, "program"), INT64_C(1) << 40), 0);
	write_program_time(c);
	write_document(c, "web");
	assert_int_equal(reload(c), 0);
	assert_int_equal(c->applied, 1);
	assert_int_equal(c->n_files, 0);
	assert_non_null(strstr(problem(c), ": it has not been read yet"));
	weft_config_look(c->config); /* one is under way */
	assert_int_equal(weft_config_refresh(c->config), 0);
	assert_non_null(strstr(problem(c), ": it has not been read yet"));
}

/* What could not be shown to a new workload is, as soon as it can be. */
static void executables_behind_one_that_takes_long_follow(void **state)
{
	struct context *c = *state;
	struct pollfd pfd = { .fd = weft_config_executables_fd(c->config), .events = POLLIN };
	char text[512];
	int ret = 0;

	write_program(c, "");
	assert_int_equal(truncate(fixture_path(&c->f, "program"), INT64_C(1) << 40), 0);
	write_program_time(c);
	rename_program(c, "slow");
	write_program(c, "one");
	write_document(c, "web");
	assert_int_equal(reload(c), 0);
	assert_int_equal(c->n_files, 1);

	snprintf(text, sizeof(text),
		 "apiVersion: weft/v1\n"
		 "kind: Workload\n"
		 "metadata: {name: a}\n"
		 "spec: {selectors: [{executable: %s/slow, sha256: " ONE "}]}\n", c->f.dir);
	fixture_write(&c->f, "conf.d/a.yaml", text);
	write_document(c, "x");
	assert_int_equal(reload(c), 0);
	assert_int_equal(c->applied, 2);
	assert_int_equal(c->n_files, 0);
	assert_int_equal(weft_config_status(c->config).problems->count, 3);
	assert_non_null(strstr(weft_config_status(c->config).problems->items[2],
			       "workload x: executable "));
	assert_non_null(strstr(weft_config_status(c->config).problems->items[2],
			       "could not be looked at again since the documents changed"));

	assert_int_equal(truncate(fixture_path(&c->f, "slow"), 1), 0); /* is read to its end */
	while (!ret) {
		assert_int_equal(poll(&pfd, 1, 60000), 1);
		ret = weft_config_refresh(c->config);
	}
	assert_int_equal(ret, 1);
	assert_int_equal(c->applied, 3);
	assert_int_equal(c->n_files, 2);
	assert_int_equal(weft_config_status(c->config).problems->count, 1);
}

/* An error stays told while it lasts, whatever else is found. */
static void an_error_is_told_while_it_lasts(void **state)
{
	struct context *c = *state;
	struct pollfd pfd = { .fd = weft_config_executables_fd(c->config), .events = POLLIN };
	char text[512];
	int i, ret = 0;

	write_program(c, "two");
	write_document(c, "web");
	snprintf(text, sizeof(text),
		 "apiVersion: weft/v1\n"
		 "kind: Workload\n"
		 "metadata: {name: x}\n"
		 "spec: {selectors: [{executable: %s/other, sha256: " ONE "}]}\n", c->f.dir);
	fixture_write(&c->f, "conf.d/x.yaml", text);
	assert_int_equal(reload(c), 0);
	write_program(c, "one");
	c->refuse = EBUSY;
	for (i = 0; ret != -EBUSY && i < 100; i++) {
		weft_config_look(c->config);
		poll(&pfd, 1, 100);
		ret = weft_config_refresh(c->config);
	}
	assert_int_equal(ret, -EBUSY);
	poll(&pfd, 1, 100);
	/* as when the other one is found by itself */
	assert_int_equal(weft_config_refresh(c->config), 0);
	assert_string_equal(weft_config_status(c->config).late, "the module says no");
	c->refuse = 0;
	for (i = 0; c->applied < 2 && i < 100; i++) {
		weft_config_look(c->config);
		poll(&pfd, 1, 100);
		assert_true(weft_config_refresh(c->config) >= 0);
	}
	assert_string_equal(weft_config_status(c->config).late, "");
	assert_int_equal(c->n_files, 1);
}

/* ---- documents that wait for executables ---- */

/* One that takes minutes to be read, by the path of write_document(). */
static void write_slow_program(struct context *c)
{
	write_program(c, "");
	/* nothing but a hole */
	assert_int_equal(truncate(fixture_path(&c->f, "program"), INT64_C(1) << 40), 0);
	write_program_time(c);
}

/* Until documents that wait are applied, or not. Return: what weft_config_refresh() does. */
static int loop(struct context *c)
{
	struct pollfd pfds[] = {
		{ .fd = weft_config_executables_fd(c->config), .events = POLLIN },
		{ .fd = weft_config_due_fd(c->config), .events = POLLIN },
	};
	uint64_t began = weft_boot_now();
	int ret = 0;

	while (weft_config_status(c->config).waits) {
		assert_true(poll(pfds, 2, 10000) > 0);
		assert_true(weft_boot_now() - began < UINT64_C(30000000000));
		ret = weft_config_refresh(c->config);
	}
	assert_int_equal(poll(pfds + 1, 1, 0), 0);
	return ret;
}

static double seconds_since(uint64_t began)
{
	return (weft_boot_now() - began) / 1e9;
}

static void documents_wait_for_executables_without_a_hold_up(void **state)
{
	struct context *c = *state;
	uint64_t before = weft_boot_now();

	write_slow_program(c);
	write_document(c, "web");
	assert_int_equal(weft_config_reload(c->config), WEFT_CONFIG_WAITS);
	assert_true(seconds_since(before) < 2);
	assert_true(weft_config_status(c->config).waits);
	assert_int_equal(weft_config_status(c->config).began, 0);
	assert_int_equal(c->applied, 0);
	weft_config_look(c->config);
	assert_int_equal(weft_config_refresh(c->config), 0);
	assert_int_equal(c->applied, 0);
	assert_int_equal(loop(c), 1);
	assert_true(seconds_since(before) >= 2.9);
	assert_int_equal(c->applied, 1);
	assert_int_equal(c->n_files, 0);
	assert_true(weft_config_status(c->config).began >= before);
	assert_int_equal(weft_config_status(c->config).conf->n_workloads, 1);
	assert_non_null(strstr(problem(c), ": it has not been read yet"));
}

/* All of them, that is: what was found first is there as well. */
static void documents_wait_no_longer_than_for_executables(void **state)
{
	struct context *c = *state;
	uint64_t before = weft_boot_now();
	char text[512];

	write_program(c, "one");
	rename_program(c, "other");
	write_program(c, "one");
	snprintf(text, sizeof(text),
		 "apiVersion: weft/v1\nkind: Workload\nmetadata: {name: web}\n"
		 "spec:\n  selectors:\n"
		 "  - {executable: %s/program, sha256: " ONE "}\n"
		 "  - {executable: %s/other, sha256: " ONE "}\n", c->f.dir, c->f.dir);
	fixture_write(&c->f, "conf.d/web.yaml", text);
	assert_int_equal(weft_config_reload(c->config), WEFT_CONFIG_WAITS);
	assert_int_equal(loop(c), 1);
	assert_true(seconds_since(before) < 2.9);
	assert_int_equal(c->applied, 1);
	assert_int_equal(c->n_files, 2);
	assert_string_equal(problem(c), "");
}

/* Newer ones do not wait anew, or nothing would ever be in force while they come. */
static void newer_documents_take_the_place_of_those_that_wait(void **state)
{
	struct context *c = *state;
	uint64_t before = weft_boot_now(), second;
	struct timespec pause = { .tv_sec = 1, .tv_nsec = 500000000 };

	write_slow_program(c);
	write_document(c, "web");
	assert_int_equal(weft_config_reload(c->config), WEFT_CONFIG_WAITS);
	nanosleep(&pause, NULL);
	write_document(c, "other");
	second = weft_boot_now();
	assert_int_equal(weft_config_reload(c->config), WEFT_CONFIG_WAITS);
	assert_int_equal(loop(c), 1);
	assert_true(seconds_since(before) >= 2.9);
	assert_true(seconds_since(second) < 2.9);
	assert_int_equal(c->applied, 1);
	assert_int_equal(c->n_workloads, 2);
	assert_true(weft_config_status(c->config).began >= second);
}

static void write_revocation(struct context *c, const char *identity)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "apiVersion: weft/v1\nkind: Revocation\nmetadata: {name: leak}\n"
		 "spec: {identities: [%s]}\n", identity);
	fixture_write(&c->f, "conf.d/revoked.yaml", text);
}

/* A revocation is in force within a second. */
static void documents_that_revoke_do_not_wait_long(void **state)
{
	struct context *c = *state;
	uint64_t before = weft_boot_now();

	write_slow_program(c);
	write_document(c, "web");
	assert_int_equal(weft_config_reload(c->config), WEFT_CONFIG_WAITS);
	write_revocation(c, "shop/cart");
	assert_int_equal(weft_config_reload(c->config), WEFT_CONFIG_WAITS);
	assert_int_equal(loop(c), 1);
	assert_true(seconds_since(before) < 2.9);
	assert_int_equal(weft_config_status(c->config).conf->n_revocations, 1);

	before = weft_boot_now();	/* also if nothing waited before */
	write_document(c, "other");
	write_revocation(c, "shop/till");
	assert_int_equal(weft_config_reload(c->config), WEFT_CONFIG_WAITS);
	assert_int_equal(loop(c), 1);
	assert_true(seconds_since(before) < 2.9);

	before = weft_boot_now();	/* one that is in force waits like anything else */
	write_document(c, "third");
	assert_int_equal(weft_config_reload(c->config), WEFT_CONFIG_WAITS);
	assert_int_equal(loop(c), 1);
	assert_true(seconds_since(before) >= 2.9);
}

static void documents_without_executables_wait_for_nobody(void **state)
{
	struct context *c = *state;

	write_slow_program(c);
	write_document(c, "web");
	assert_int_equal(weft_config_reload(c->config), WEFT_CONFIG_WAITS);
	fixture_write(&c->f, "conf.d/web.yaml", GOOD);
	assert_int_equal(weft_config_reload(c->config), 0);
	assert_false(weft_config_status(c->config).waits);
	assert_int_equal(c->applied, 1);
	assert_int_equal(weft_config_settle(c->config), 0); /* nothing */
	assert_int_equal(c->applied, 1);
}

/* And what they waited for is not read any more. */
static void documents_that_wait_are_gone_when_bad_ones_come(void **state)
{
	struct context *c = *state;
	struct pollfd pfd = { .fd = weft_config_executables_fd(c->config), .events = POLLIN };

	write_slow_program(c);
	rename_program(c, "slow");
	write_program(c, "one");
	write_document(c, "web");
	assert_int_equal(reload(c), 0);
	write_document_of(c, "a", "slow");
	assert_int_equal(weft_config_reload(c->config), WEFT_CONFIG_WAITS);
	fixture_write(&c->f, "conf.d/a.yaml", BAD);
	assert_true(weft_config_reload(c->config) < 0);
	assert_false(weft_config_status(c->config).waits);
	assert_non_null(strstr(weft_config_status(c->config).error, "a.yaml:6"));
	assert_int_equal(c->applied, 1);

	assert_int_equal(unlink(fixture_path(&c->f, "program")), 0);
	while (!*problem(c)) { /* which would not be seen behind the slow one */
		weft_config_look(c->config);
		assert_int_equal(poll(&pfd, 1, 10000), 1);
		assert_int_equal(weft_config_refresh(c->config), 0);
	}
	assert_non_null(strstr(problem(c), "No such file or directory"));
	assert_int_equal(c->applied, 1);
}

static void documents_that_waited_and_are_refused_are_tried_again(void **state)
{
	struct context *c = *state;

	write_program(c, "one");
	write_document(c, "web");
	c->refuse = EBUSY;
	assert_int_equal(weft_config_reload(c->config), WEFT_CONFIG_WAITS);
	assert_int_equal(loop(c), -EAGAIN);
	assert_true(weft_config_status(c->config).again);
	assert_string_equal(weft_config_status(c->config).error, "the module says no");
	c->refuse = 0;
	assert_int_equal(weft_config_reload(c->config), WEFT_CONFIG_WAITS);
	assert_int_equal(loop(c), 1);
	assert_false(weft_config_status(c->config).again);
	assert_int_equal(c->n_files, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(good_documents_are_applied, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_document_keeps_the_last_good, setup, teardown),
		cmocka_unit_test_setup_teardown(same_error_is_reported_once, setup, teardown),
		cmocka_unit_test_setup_teardown(services_that_anybody_may_serve_are_told_once,
						setup, teardown),
		cmocka_unit_test_setup_teardown(many_such_services_are_counted, setup, teardown),
		cmocka_unit_test_setup_teardown(every_reload_says_when_it_began, setup, teardown),
		cmocka_unit_test_setup_teardown(refused_by_the_module_keeps_the_last_good, setup,
						teardown),
		cmocka_unit_test_setup_teardown(change_on_disk_is_noticed, setup, teardown),
	};
	const struct CMUnitTest by_root[] = {
		cmocka_unit_test_setup_teardown(executables_are_there_when_documents_are_applied,
						setup, teardown),
		cmocka_unit_test_setup_teardown(executables_that_stay_are_no_news, setup, teardown),
		cmocka_unit_test_setup_teardown(executables_that_change_are_followed, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			executables_the_module_could_not_be_told_of_are_tried_again, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			executables_that_are_refused_are_told_and_left_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(
			executables_the_module_takes_for_others_are_told_and_put_off, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			executables_of_documents_that_are_refused_are_not_told, setup, teardown),
		cmocka_unit_test_setup_teardown(executables_that_take_long_are_told, setup,
						teardown),
		cmocka_unit_test_setup_teardown(executables_behind_one_that_takes_long_follow,
						setup, teardown),
		cmocka_unit_test_setup_teardown(an_error_is_told_while_it_lasts, setup, teardown),
		cmocka_unit_test_setup_teardown(documents_wait_for_executables_without_a_hold_up,
						setup, teardown),
		cmocka_unit_test_setup_teardown(documents_wait_no_longer_than_for_executables,
						setup, teardown),
		cmocka_unit_test_setup_teardown(newer_documents_take_the_place_of_those_that_wait,
						setup, teardown),
		cmocka_unit_test_setup_teardown(documents_that_revoke_do_not_wait_long, setup,
						teardown),
		cmocka_unit_test_setup_teardown(documents_without_executables_wait_for_nobody,
						setup, teardown),
		cmocka_unit_test_setup_teardown(documents_that_wait_are_gone_when_bad_ones_come,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			documents_that_waited_and_are_refused_are_tried_again, setup, teardown),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	if (!geteuid()) /* others' files prove nothing */
		failed += cmocka_run_group_tests(by_root, NULL, NULL);
	return failed;
}
