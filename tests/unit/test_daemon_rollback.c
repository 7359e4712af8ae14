// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The daemon's side of weftctl apply: it looks when something happens or is due,
 * and restores what nobody confirmed.
 */
#include "daemon_fixture.h"

#include <poll.h>
#include <sys/stat.h>
#include "base/boot.h"
#include "conf/pending.h"
#include "daemon/rollback.h"

struct context {
	struct fixture f;
	char state_dir[80], conf_dir[80];
	struct weft_rollback *rollback;
};

static int setup(void **state)
{
	static struct context c;

	fixture_dir(&c.f);
	snprintf(c.state_dir, sizeof(c.state_dir), "%s/state", c.f.dir);
	snprintf(c.conf_dir, sizeof(c.conf_dir), "%s/conf.d", c.f.dir);
	assert_int_equal(mkdir(c.state_dir, 0700), 0);
	assert_int_equal(mkdir(c.conf_dir, 0755), 0);
	assert_int_equal(weft_rollback_create(&c.rollback, c.state_dir, NULL), 0);
	*state = &c;
	return 0;
}

static int teardown(void **state)
{
	struct context *c = *state;

	weft_rollback_destroy(c->rollback);
	fixture_uninit(&c->f);
	return 0;
}

static void apply(struct context *c, uint64_t left_ns)
{
	struct weft_pending_file file = { .name = "a.yaml", .mode = 0644, .now = "a", .now_len = 1 };
	struct weft_pending_change change = {
		.dir = c->conf_dir,
		.deadline = weft_boot_now() + left_ns,
		.asks = true,
		.files = &file,
		.n_files = 1,
	};
	struct weft_error err = { 0 };
	uint64_t since;

	if (weft_pending_create(c->state_dir, &change, &err) ||
	    weft_pending_put(c->state_dir, &since, &err))
		fail_msg("%s", err.text);
}

static bool is_applied(struct context *c)
{
	return !access(fixture_path(&c->f, "conf.d/a.yaml"), F_OK);
}

static bool is_forgotten(struct context *c)
{
	return access(fixture_path(&c->f, "state/apply/pending"), F_OK) &&
	       access(fixture_path(&c->f, "state/apply/confirmed"), F_OK) &&
	       access(fixture_path(&c->f, "state/apply/restoring"), F_OK);
}

static void wait_for_event(struct context *c)
{
	struct pollfd pfd = { .fd = weft_rollback_fd(c->rollback), .events = POLLIN };

	assert_int_equal(poll(&pfd, 1, 10000), 1);
}

static void without_a_change_there_is_nothing_to_do(void **state)
{
	struct context *c = *state;

	assert_true(weft_rollback_look(c->rollback) == WEFT_ROLLBACK_IDLE);
	assert_false(weft_rollback_unsettled(c->rollback));
}

static void change_is_noticed_and_waited_for(void **state)
{
	struct context *c = *state;
	struct pollfd pfd = { .fd = weft_rollback_fd(c->rollback), .events = POLLIN };
	uint64_t next;

	apply(c, 60 * WEFT_NSEC_PER_SEC);
	wait_for_event(c);
	next = weft_rollback_look(c->rollback);
	assert_true(next > 50 * WEFT_NSEC_PER_SEC && next <= 60 * WEFT_NSEC_PER_SEC);
	assert_true(is_applied(c));
	assert_true(weft_rollback_unsettled(c->rollback));
	assert_int_equal(poll(&pfd, 1, 0), 0);
}

static void change_that_is_due_is_undone(void **state)
{
	struct context *c = *state;

	apply(c, 0);
	assert_true(weft_rollback_look(c->rollback) == WEFT_ROLLBACK_IDLE);
	assert_false(is_applied(c));
	assert_true(is_forgotten(c));
	/* what was loaded until now may have it; what is loaded from now on does not */
	assert_true(weft_rollback_unsettled(c->rollback));
	weft_rollback_look(c->rollback);
	assert_false(weft_rollback_unsettled(c->rollback));
}

static void change_becomes_due(void **state)
{
	struct context *c = *state;
	uint64_t next;

	apply(c, 50 * WEFT_NSEC_PER_MSEC);
	while ((next = weft_rollback_look(c->rollback)) != WEFT_ROLLBACK_IDLE) {
		assert_true(is_applied(c));
		assert_true(next <= 50 * WEFT_NSEC_PER_MSEC);
		nanosleep(&(struct timespec){ .tv_nsec = next }, NULL);
	}
	assert_false(is_applied(c));
}

static void confirmed_change_stays(void **state)
{
	struct context *c = *state;

	apply(c, 60 * WEFT_NSEC_PER_SEC);
	weft_rollback_look(c->rollback);
	assert_int_equal(weft_pending_confirm(c->state_dir, NULL), 0);
	wait_for_event(c);
	assert_true(weft_rollback_look(c->rollback) == WEFT_ROLLBACK_IDLE);
	assert_false(weft_rollback_unsettled(c->rollback));
	assert_true(is_applied(c));
	assert_true(is_forgotten(c));
}

static void claimed_change_is_undone_at_once(void **state)
{
	struct context *c = *state;

	apply(c, 60 * WEFT_NSEC_PER_SEC);
	weft_rollback_look(c->rollback);
	assert_int_equal(weft_pending_claim(c->state_dir, NULL), 0);
	wait_for_event(c);
	assert_true(weft_rollback_look(c->rollback) == WEFT_ROLLBACK_IDLE);
	assert_false(is_applied(c));
	assert_true(is_forgotten(c));
}

static void what_a_former_daemon_left_is_done_at_the_start(void **state)
{
	struct context *c = *state;

	apply(c, 60 * WEFT_NSEC_PER_SEC);
	assert_int_equal(weft_pending_claim(c->state_dir, NULL), 0);
	weft_rollback_destroy(c->rollback);
	assert_int_equal(weft_rollback_create(&c->rollback, c->state_dir, NULL), 0);
	assert_true(weft_rollback_look(c->rollback) == WEFT_ROLLBACK_IDLE);
	assert_false(is_applied(c));
	assert_true(is_forgotten(c));
}

static void what_fails_is_tried_again(void **state)
{
	struct context *c = *state;
	char away[96];

	apply(c, 0);
	snprintf(away, sizeof(away), "%s.away", c->conf_dir);
	assert_int_equal(rename(c->conf_dir, away), 0);
	assert_true(weft_rollback_look(c->rollback) == 5 * WEFT_NSEC_PER_SEC);
	assert_true(weft_rollback_overdue(c->rollback));
	assert_int_equal(rename(away, c->conf_dir), 0);
	assert_true(is_applied(c));
	assert_true(weft_rollback_look(c->rollback) == WEFT_ROLLBACK_IDLE);
	assert_false(is_applied(c));
	assert_true(is_forgotten(c));
	assert_false(weft_rollback_overdue(c->rollback));
}

/* Removed, or another one under the name: what weftctl makes there is seen. */
static void directory_of_records_is_followed(void **state)
{
	struct context *c = *state;
	char dir[96], away[112];

	snprintf(dir, sizeof(dir), "%s/apply", c->state_dir);
	snprintf(away, sizeof(away), "%s.away", dir);
	assert_int_equal(rmdir(dir), 0);
	wait_for_event(c);
	assert_true(weft_rollback_look(c->rollback) == WEFT_ROLLBACK_IDLE);
	assert_int_equal(access(dir, F_OK), 0);
	apply(c, 60 * WEFT_NSEC_PER_SEC);
	wait_for_event(c);
	assert_true(weft_rollback_look(c->rollback) <= 60 * WEFT_NSEC_PER_SEC);

	assert_int_equal(rename(dir, away), 0);
	assert_int_equal(weft_pending_open(c->state_dir, NULL), 0);
	wait_for_event(c);
	assert_true(weft_rollback_look(c->rollback) == WEFT_ROLLBACK_IDLE);
	weft_rollback_look(c->rollback); /* of the old watch: it is removed */
	apply(c, 0);
	wait_for_event(c);
	weft_rollback_look(c->rollback);
	assert_false(is_applied(c));
	assert_true(is_forgotten(c));
}

static void confirmed_one_that_stays_is_tried_again(void **state)
{
	struct context *c = *state;

	apply(c, 60 * WEFT_NSEC_PER_SEC);
	assert_int_equal(weft_pending_confirm(c->state_dir, NULL), 0);
	/* a file cannot be where it goes on its way out */
	fixture_write(&c->f, "state/apply/trash", "");
	assert_true(weft_rollback_look(c->rollback) == 5 * WEFT_NSEC_PER_SEC);
	assert_false(is_forgotten(c));
	assert_false(weft_rollback_overdue(c->rollback));
	assert_int_equal(unlink(fixture_path(&c->f, "state/apply/trash")), 0);
	assert_true(weft_rollback_look(c->rollback) == WEFT_ROLLBACK_IDLE);
	assert_true(is_forgotten(c));
	assert_true(is_applied(c));
}

static void damaged_record_is_reported_and_stays(void **state)
{
	struct context *c = *state;

	apply(c, 0);
	fixture_write(&c->f, "state/apply/pending/record", "nonsense\n");
	assert_true(weft_rollback_look(c->rollback) == 5 * WEFT_NSEC_PER_SEC);
	assert_true(is_applied(c));
	assert_false(is_forgotten(c));
}

/* Return: how many bytes one look logs. */
static off_t look_logs(struct context *c)
{
	int fd = open(fixture_path(&c->f, "log"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
	struct stat st;

	assert_true(fd >= 0 && saved >= 0);
	fflush(stderr);
	assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	weft_rollback_look(c->rollback);
	fflush(stderr);
	assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
	assert_int_equal(fstat(fd, &st), 0);
	close(fd);
	close(saved);
	return st.st_size;
}

static void failure_is_logged_once_and_again_after_a_success(void **state)
{
	struct context *c = *state;
	char dir[96];

	snprintf(dir, sizeof(dir), "%s/apply/pending", c->state_dir);
	assert_int_equal(mkdir(dir, 0700), 0);
	fixture_write(&c->f, "state/apply/pending/record", "nonsense\n");
	assert_true(look_logs(c) > 0);
	assert_int_equal(look_logs(c), 0);
	assert_int_equal(unlink(fixture_path(&c->f, "state/apply/pending/record")), 0);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(look_logs(c), 0);
	assert_int_equal(mkdir(dir, 0700), 0);
	fixture_write(&c->f, "state/apply/pending/record", "nonsense\n");
	assert_true(look_logs(c) > 0);
}

#define ROLLBACK_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROLLBACK_TEST(without_a_change_there_is_nothing_to_do),
		ROLLBACK_TEST(change_is_noticed_and_waited_for),
		ROLLBACK_TEST(change_that_is_due_is_undone),
		ROLLBACK_TEST(change_becomes_due),
		ROLLBACK_TEST(confirmed_change_stays),
		ROLLBACK_TEST(claimed_change_is_undone_at_once),
		ROLLBACK_TEST(what_a_former_daemon_left_is_done_at_the_start),
		ROLLBACK_TEST(what_fails_is_tried_again),
		ROLLBACK_TEST(directory_of_records_is_followed),
		ROLLBACK_TEST(confirmed_one_that_stays_is_tried_again),
		ROLLBACK_TEST(failure_is_logged_once_and_again_after_a_success),
		ROLLBACK_TEST(damaged_record_is_reported_and_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
