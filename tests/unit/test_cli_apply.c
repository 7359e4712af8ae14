// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * weftctl apply with and without a daemon. The daemon is a thread that does what
 * weftd does with the state directory, and says what the test wants.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "base/boot.h"
#include "base/file.h"
#include "base/lock.h"
#include "base/strv.h"
#include "cli_run.h"
#include "conf/outcome.h"
#include "conf/pending.h"

#define SERVICE(name, port) \
	"apiVersion: weft/v1\nkind: Service\nmetadata: {name: " name "}\n" \
	"spec: {ports: [{port: " port "}]}\n"

static char top[40], state_dir[64], conf_dir[64];

/* ---- the daemon ---- */

static struct {
	pthread_t thread;
	int lock;
	atomic_bool stop;
	const char *error; /* what it says of a change */
	bool writes_nothing;
	uint64_t generation;
} weftd;

static void say(uint64_t began, const char *error)
{
	const struct weft_outcome outcome = {
		.began = began,
		.generation = weftd.generation,
		.writable = !weftd.writes_nothing,
		.error = (char *)error,
		.trust_domain = "example.org",
		.dir = conf_dir,
	};

	assert_int_equal(weft_outcome_write(state_dir, &outcome, NULL), 0);
}

/* The documents of what waits are in place: as weftd, which would have noticed. */
static void load_change(uint64_t *loaded)
{
	struct weft_pending change = { 0 };
	char staged[128];

	if (weft_pending_read(state_dir, WEFT_PENDING_WAITS, &change, NULL))
		return;
	snprintf(staged, sizeof(staged), "%s/.%s.apply", conf_dir,
		 change.names.items[change.names.count - 1]);
	if (access(staged, F_OK)) {
		/* each time: the first may have begun before weftctl took the time */
		weftd.generation += *loaded != change.deadline;
		*loaded = change.deadline;
		say(weft_boot_now(), weftd.error);
	}
	weft_pending_uninit(&change);
}

static void *run_weftd(void *data)
{
	struct weft_strv others = { 0 };
	uint64_t loaded = 0;

	while (!weftd.stop) {
		weft_pending_drop(state_dir, WEFT_PENDING_CONFIRMED, NULL);
		if (!weft_pending_restore(state_dir, &others, NULL))
			weft_pending_drop(state_dir, WEFT_PENDING_RESTORING, NULL);
		load_change(&loaded);
		nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
	}
	weft_strv_uninit(&others);
	return NULL;
}

static void start_weftd(const char *error)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/lock", state_dir);
	weftd.stop = false;
	weftd.error = error;
	assert_int_equal(weft_pending_open(state_dir, NULL), 0);
	assert_int_equal(weft_lock_take(path, &weftd.lock, NULL), 0);
	assert_int_equal(pthread_create(&weftd.thread, NULL, run_weftd, NULL), 0);
}

static void stop_weftd(void)
{
	if (weftd.lock < 0)
		return;
	weftd.stop = true;
	pthread_join(weftd.thread, NULL);
	close(weftd.lock);
	weftd.lock = -1;
}

/* ---- files and commands ---- */

static const char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", top, name);
	return path;
}

static void put(const char *name, const char *text, mode_t mode)
{
	assert_int_equal(weft_file_write(path_of(name), text, strlen(text), mode, NULL), 0);
}

static void assert_document(const char *name, const char *text)
{
	char *found = NULL, path[128];
	size_t len;

	snprintf(path, sizeof(path), "%s/%s", conf_dir, name);
	weft_file_read(path, 1000, &found, &len, NULL);
	if (!text)
		assert_null(found);
	else
		assert_string_equal(found ? found : "none", text);
	free(found);
}

/* weftctl apply @words, with % for the directory of the test. */
static void run(int code, const char *words)
{
	char line[512], *p = line;

	p += sprintf(p, "--state-dir %s apply ", state_dir);
	for (; *words; words++)
		p += *words == '%' ? sprintf(p, "%s", top) : sprintf(p, "%c", *words);
	if (cli_run(line, cli_no_module) != code)
		fail_msg("%s: not %d: %s%s", line, code, cli_out, cli_err);
}

static void assert_says(const char *out, const char *err)
{
	if (!strstr(cli_out, out) || !strstr(cli_err, err))
		fail_msg("not '%s' '%s' but:\n%s%s", out, err, cli_out, cli_err);
}

static int setup(void **state)
{
	strcpy(top, "/tmp/weft-apply-XXXXXX");
	if (!mkdtemp(top))
		return -1;
	snprintf(state_dir, sizeof(state_dir), "%s/state", top);
	snprintf(conf_dir, sizeof(conf_dir), "%s/conf.d", top);
	weftd.lock = -1;
	weftd.generation = 4;
	weftd.writes_nothing = false;
	if (mkdir(state_dir, 0700) || mkdir(conf_dir, 0755))
		return -1;
	say(1, "");
	put("conf.d/a.yaml", SERVICE("a", "1"), 0640);
	put("a.yaml", SERVICE("a", "2"), 0644);
	put("b.yaml", SERVICE("b", "1"), 0600);
	put("bad.yaml", SERVICE("c", "70000"), 0644);
	return 0;
}

static int teardown(void **state)
{
	stop_weftd();
	cli_forget();
	return weft_dir_remove(top, NULL);
}

static void assert_former(void)
{
	assert_document("a.yaml", SERVICE("a", "1"));
	assert_document("b.yaml", NULL);
	run(WEFT_EXIT_DONE, "show");
	assert_says("nothing is pending", "");
}

static void assert_now(void)
{
	assert_document("a.yaml", SERVICE("a", "2"));
	assert_document("b.yaml", SERVICE("b", "1"));
}

/* ---- tests ---- */

static void without_weftd_documents_are_stored(void **state)
{
	struct stat st;

	run(WEFT_EXIT_DONE, "%/a.yaml %/b.yaml");
	assert_string_equal(cli_out, "service a: port 1 removed\nservice a: port 2 added\n"
				     "service b added\n"
				     "in place; weftd does not run, and puts it in force when it "
				     "starts\n");
	assert_now();
	assert_int_equal(stat(path_of("conf.d/a.yaml"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(stat(path_of("conf.d/b.yaml"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	run(WEFT_EXIT_DONE, "%/a.yaml %/b.yaml");
	assert_string_equal(cli_out, "nothing to do: the documents are there\n");
}

/* Of the files that are given: what is there is known. */
static void services_that_anybody_may_serve_are_told(void **state)
{
#define ENDPOINT ", endpoints: [{address: 10.0.0.1}]"
#define DB(name, more) "apiVersion: weft/v1\nkind: Service\nmetadata: {name: " name "}\n" \
		       "spec: {ports: [{port: 1}]" more "}\n"
	put("conf.d/a.yaml", DB("a", ENDPOINT), 0644);
	put("db.yaml", DB("db", ENDPOINT), 0644);
	run(WEFT_EXIT_DONE, "%/db.yaml");
	assert_string_equal(cli_err, "weftctl: db.yaml:3: Service \"db\": spec.identities: not there, "
				     "so any workload of the trust domain may serve it: name those that "
				     "do (identities: [...]), or say that it is meant "
				     "(identities: [\"*\"])\n");
	put("db.yaml", DB("db", ENDPOINT ", identities: [\"*\"]"), 0644);
	run(WEFT_EXIT_DONE, "%/db.yaml");
	assert_string_equal(cli_err, "");
	put("db.yaml", DB("db", ""), 0644);
	run(WEFT_EXIT_DONE, "%/db.yaml");
	assert_string_equal(cli_err, "");
}

static void without_weftd_nothing_waits_for_confirmation(void **state)
{
	run(WEFT_EXIT_FAILED, "%/a.yaml --confirm 60s");
	assert_string_equal(cli_err, "weftctl: weftd does not run, so nobody would roll it back: start "
				     "weftd, or leave --confirm out\n");
	assert_former();
}

static void bad_document_touches_nothing(void **state)
{
	char expected[256];

	start_weftd("");
	snprintf(expected, sizeof(expected),
		 "weftctl: %s/bad.yaml:4: Service \"c\": spec.ports[0].port: 70000: must be 1 to "
		 "65535\n", conf_dir);
	run(WEFT_EXIT_FAILED, "%/a.yaml %/bad.yaml");
	assert_string_equal(cli_err, expected);
	run(WEFT_EXIT_FAILED, "%/bad.yaml --confirm 60s");
	assert_string_equal(cli_err, expected);
	assert_former();
	assert_int_equal(weftd.generation, 4);
}

static void what_weftd_takes_stays(void **state)
{
	start_weftd("");
	run(WEFT_EXIT_DONE, "%/a.yaml %/b.yaml");
	assert_says("service b added\nin force: generation 5\n", "");
	assert_now();
	run(WEFT_EXIT_DONE, "show");
	assert_says("nothing is pending", "");
}

static void what_weftd_refuses_is_rolled_back(void **state)
{
	start_weftd("the module says no");
	run(WEFT_EXIT_FAILED, "%/a.yaml %/b.yaml");
	assert_string_equal(cli_err, "weftctl: the module says no; what was there before is back\n");
	assert_former();
	run(WEFT_EXIT_FAILED, "%/a.yaml %/b.yaml --confirm 1h");
	assert_string_equal(cli_err, "weftctl: the module says no; what was there before is back\n");
	assert_former();
}

static void change_waits_is_shown_and_confirmed(void **state)
{
	start_weftd("");
	run(WEFT_EXIT_DONE, "%/a.yaml %/b.yaml --confirm 60s");
	assert_says("in force: generation 5; rolled back in 5", "");
	assert_now();
	run(WEFT_EXIT_DONE, "");
	assert_says("to be confirmed", "");
	assert_says("a.yaml,b.yaml", "");
	run(WEFT_EXIT_FAILED, "%/b.yaml");
	assert_says("", "weftctl: a former change is pending: weftctl apply confirm, or weftctl apply "
			"rollback, then this one\n");
	run(WEFT_EXIT_DONE, "confirm");
	assert_string_equal(cli_out, "confirmed: a.yaml, b.yaml\n");
	assert_now();
	run(WEFT_EXIT_FAILED, "confirm");
	assert_string_equal(cli_err, "weftctl: no change is pending\n");
	run(WEFT_EXIT_FAILED, "rollback");
	assert_string_equal(cli_err, "weftctl: no change is pending\n");
}

static void change_is_rolled_back_on_request(void **state)
{
	start_weftd("");
	run(WEFT_EXIT_DONE, "%/a.yaml %/b.yaml --confirm 60s");
	run(WEFT_EXIT_DONE, "rollback");
	assert_string_equal(cli_out, "rolled back: a.yaml, b.yaml\n");
	assert_former();
}

static void change_is_rolled_back_without_weftd_too(void **state)
{
	start_weftd("");
	run(WEFT_EXIT_DONE, "%/a.yaml %/b.yaml --confirm 60s");
	stop_weftd();
	put("conf.d/b.yaml", "another hand", 0644);
	run(WEFT_EXIT_DONE, "rollback");
	assert_string_equal(cli_out, "changed by somebody else since, left alone: b.yaml\n"
				     "rolled back: a.yaml, b.yaml\n");
	assert_document("a.yaml", SERVICE("a", "1"));
	assert_document("b.yaml", "another hand");
}

static void json_tells_the_same(void **state)
{
	start_weftd("");
	run(WEFT_EXIT_DONE, "-j %/b.yaml --confirm 1h");
	assert_says("{\"change\":\"service b added\"}\n"
		    "{\"state\":\"pending\",\"generation\":5,\"left_ms\":35", "");
	run(WEFT_EXIT_DONE, "-j show");
	assert_says("\"files\":\t[\"b.yaml\"]", "");
	assert_says("\"left_ms\":\t35", "");
	run(WEFT_EXIT_DONE, "-j confirm");
	assert_string_equal(cli_out, "{\"state\":\"confirmed\",\"files\":[\"b.yaml\"]}\n");
}

static void one_apply_at_a_time(void **state)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/apply/lock", state_dir);
	assert_int_equal(weft_pending_open(state_dir, NULL), 0);
	assert_int_equal(weft_lock_take(path, &fd, NULL), 0);
	run(WEFT_EXIT_FAILED, "%/a.yaml");
	assert_string_equal(cli_err, "weftctl: another weftctl apply is at work: wait for it, or end "
				     "it\n");
	close(fd);
	assert_former();
}

static void what_cannot_be_replaced_is_said(void **state)
{
	assert_int_equal(symlink("a.yaml", path_of("conf.d/b.yaml")), 0);
	run(WEFT_EXIT_FAILED, "%/b.yaml");
	assert_says("", "conf.d/b.yaml: there already, and not a regular file");
	run(WEFT_EXIT_FAILED, "%/none.yaml");
	assert_says("", "none.yaml: cannot open: No such file or directory");
	run(WEFT_EXIT_USAGE, "%/a.yaml %/conf.d/a.yaml");
	assert_says("", "another of this name is given");
}

static void without_a_first_weftd_nothing_is_known(void **state)
{
	assert_int_equal(unlink(path_of("state/outcome")), 0);
	run(WEFT_EXIT_FAILED, "%/a.yaml");
	assert_says("", "state: no weftd has run with this state directory, so its documents are "
			"unknown: start it, or restart it after an upgrade, or name another with "
			"--state-dir\n");
}

static void where_weftd_cannot_write_nothing_is_applied(void **state)
{
	weftd.writes_nothing = true;
	say(1, "");
	start_weftd("");
	run(WEFT_EXIT_FAILED, "%/a.yaml");
	assert_says("", "conf.d: weftd could not write there, so it could not undo the change: ");
	assert_former();
}

static void documents_that_are_bad_already_can_be_mended(void **state)
{
	put("conf.d/a.yaml", "bad", 0644);
	run(WEFT_EXIT_DONE, "%/a.yaml");
	assert_says("what is there now is not good, so what changes cannot be told\nin place", "");
	assert_document("a.yaml", SERVICE("a", "2"));
}

#define APPLY_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		APPLY_TEST(without_weftd_documents_are_stored),
		APPLY_TEST(services_that_anybody_may_serve_are_told),
		APPLY_TEST(without_weftd_nothing_waits_for_confirmation),
		APPLY_TEST(bad_document_touches_nothing),
		APPLY_TEST(what_weftd_takes_stays),
		APPLY_TEST(what_weftd_refuses_is_rolled_back),
		APPLY_TEST(change_waits_is_shown_and_confirmed),
		APPLY_TEST(change_is_rolled_back_on_request),
		APPLY_TEST(change_is_rolled_back_without_weftd_too),
		APPLY_TEST(json_tells_the_same),
		APPLY_TEST(one_apply_at_a_time),
		APPLY_TEST(what_cannot_be_replaced_is_said),
		APPLY_TEST(without_a_first_weftd_nothing_is_known),
		APPLY_TEST(where_weftd_cannot_write_nothing_is_applied),
		APPLY_TEST(documents_that_are_bad_already_can_be_mended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
