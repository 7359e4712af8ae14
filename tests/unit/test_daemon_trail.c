// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The audit trail: every verdict once, whoever was away meanwhile.
 */
#include "daemon_fixture.h"
#include "nl_fake.h"

#include <inttypes.h>
#include "daemon/trail.h"

#define EPOCH UINT64_C(0xfeed0123456789ab)
#define ENOUGH 100

/* What the module remembers; times are those of the numbers, in seconds. */
static struct {
	uint64_t first, last, hole;
	uint64_t time; /* of all of them; ns */
	bool stranger; /* they are of one who failed; else they pass */
} module;

/* What was written: "1 2 lost:3+4 7 ", and the fields of the latest. */
static struct {
	char text[4096];
	char fields[4096];
	int found; /* what find() says */
	uint64_t asked; /* what it was asked for */
	unsigned int sends;
	int result; /* of send(), which writes nothing then */
	uint64_t never; /* of that one -EINVAL */
} journal;

static struct fixture fixture;
static struct fake fake;
static struct weft_trail *trail;

static const char *field(const char *name)
{
	static char value[128];
	char line[64];
	const char *at;

	snprintf(line, sizeof(line), "\n%s=", name);
	at = strstr(journal.fields, line);
	if (!at)
		return NULL;
	at += strlen(line);
	snprintf(value, sizeof(value), "%.*s", (int)strcspn(at, "\n"), at);
	return value;
}

static int send_fields(const struct iovec *fields, int count, void *data)
{
	size_t len = strlen(journal.text), n = 0;

	n = snprintf(journal.fields, sizeof(journal.fields), "\n");
	for (int i = 0; i < count; i++)
		n += snprintf(journal.fields + n, sizeof(journal.fields) - n, "%.*s\n",
			      (int)fields[i].iov_len, (const char *)fields[i].iov_base);
	journal.sends++;
	if (journal.result)
		return journal.result;
	if (field("WEFT_SEQUENCE") && strtoull(field("WEFT_SEQUENCE"), NULL, 10) == journal.never)
		return -EINVAL;
	if (field("WEFT_LEFT_OUT")) {
		snprintf(journal.text + len, sizeof(journal.text) - len, "left-out:%s ",
			 field("WEFT_LEFT_OUT"));
	} else if (field("WEFT_LOST_FIRST")) {
		len += snprintf(journal.text + len, sizeof(journal.text) - len, "lost:%s+",
				field("WEFT_LOST_FIRST"));
		snprintf(journal.text + len, sizeof(journal.text) - len, "%s ", field("WEFT_LOST"));
	} else {
		snprintf(journal.text + len, sizeof(journal.text) - len, "%s ",
			 field("WEFT_SEQUENCE") ? field("WEFT_SEQUENCE") : "-");
	}
	return 0;
}

static int find_record(uint64_t epoch, uint64_t sequence, void *data)
{
	assert_true(epoch == EPOCH);
	journal.asked = sequence;
	return journal.found;
}

static const struct weft_audit_sink sink = { .send = send_fields, .find = find_record };

static int remembered(struct nl_msg *msg, uint64_t n)
{
	struct nlattr *nest;

	n = n + 1 < module.first ? module.first : n + 1;
	n += n == module.hole;
	if (n > module.last)
		return ENOENT;
	nla_put_u64(msg, WEFT_A_SEQUENCE, n);
	nla_put_u64(msg, WEFT_A_TIME, module.time);
	nla_put_u32(msg, WEFT_A_EVENT,
		    module.stranger ? WEFT_EVENT_CONN_FAILED : WEFT_EVENT_CONN_PASS);
	nest = weft_nl_nest(msg, WEFT_A_CONN);
	nla_put_u64(msg, WEFT_CONN_A_ID, 100 + n);
	if (module.stranger) {
		nla_put_u32(msg, WEFT_CONN_A_ROLE, WEFT_ROLE_SERVER);
		nla_put_string(msg, WEFT_CONN_A_WORKLOAD, "app");
		fake_put_addr(msg, WEFT_CONN_A_REMOTE, WEFT_CONN_A_REMOTE_PORT, "10.0.0.9:1234");
	}
	weft_nl_nest_end(msg, nest);
	return 0;
}

static void hear(uint64_t n)
{
	const struct weft_nl_event event = { .type = WEFT_EVENT_CONN_PASS, .has_conn = true,
					     .conn.id = 100 + n, .sequence = n,
					     .time = module.time };

	weft_trail_take(trail, &event);
}

/* Verdicts on a peer at our end, of numbers @first to @last. */
static void hear_peer(enum weft_event type, const char *identity, uint64_t first, uint64_t last)
{
	struct weft_nl_event event = { .type = type, .has_conn = true, .time = module.time,
				       .conn = { .role = WEFT_ROLE_SERVER, .workload = "app",
						 .peer_identity = (char *)identity,
						 .reason = WEFT_REASON_PLAINTEXT } };

	assert_int_equal(weft_addr_parse(&event.conn.remote, "10.0.0.9:1234"), 0);
	for (event.sequence = first; event.sequence <= last; event.sequence++)
		weft_trail_take(trail, &event);
}

static void start(uint64_t epoch)
{
	struct weft_error err = { 0 };
	struct weft_nl *nl;

	fake = (struct fake){ .epoch = epoch, .event = remembered };
	fake_start(&fake);
	assert_int_equal(weft_nl_open_fd(&nl, fake.user_fd, &err), 0);
	if (weft_trail_create(&trail, nl, &sink, fixture_path(&fixture, "audit"), &err))
		fail_msg("%s", err.text);
}

static void stop(void)
{
	weft_trail_destroy(trail);
	fake_end(&fake);
}

static bool behind(void)
{
	return weft_trail_due(trail) != WEFT_TRAIL_IDLE;
}

static void catch_up(void)
{
	weft_trail_catch_up(trail, ENOUGH);
	assert_false(behind());
}

/* The next try. */
static void try_again(void)
{
	uint64_t us = weft_trail_due(trail);

	assert_true(us && us <= 1000000);
	weft_trail_catch_up(trail, ENOUGH); /* too early: nothing happens */
	while ((us = weft_trail_due(trail)))
		usleep(us);
	weft_trail_catch_up(trail, ENOUGH);
}

static int setup(void **state)
{
	fixture_dir(&fixture);
	memset(&module, 0, sizeof(module));
	memset(&journal, 0, sizeof(journal));
	module.first = 1;
	module.time = (uint64_t)time(NULL) * 1000000000;
	journal.found = 1;
	return 0;
}

static int teardown(void **state)
{
	fixture_uninit(&fixture);
	return 0;
}

static void what_nobody_heard_is_written_at_the_start(void **state)
{
	module.last = 3;
	start(EPOCH);
	assert_true(behind());
	catch_up();
	assert_string_equal(journal.text, "1 2 3 ");
	assert_true(journal.asked == 0);
	stop();
	module.last = 5;
	start(EPOCH);
	assert_true(journal.asked == 3);
	catch_up();
	assert_string_equal(journal.text, "1 2 3 4 5 ");
	stop();
}

/* It is killed between the mark and the record, or just behind both. */
static void marked_record_is_written_unless_the_journal_has_it(void **state)
{
	module.last = 2;
	start(EPOCH);
	catch_up();
	stop();
	journal.found = 0;
	start(EPOCH);
	catch_up();
	assert_string_equal(journal.text, "1 2 2 ");
	stop();
	journal.found = -EACCES; /* who knows: more likely it is there */
	start(EPOCH);
	catch_up();
	assert_string_equal(journal.text, "1 2 2 ");
	stop();
}

static void heard_ones_are_written_at_once(void **state)
{
	start(EPOCH);
	catch_up();
	hear(1);
	hear(2);
	hear(2);
	hear(1);
	assert_string_equal(journal.text, "1 2 ");
	assert_false(behind());
	assert_string_equal(field("WEFT_CONN"), "102");
	assert_string_equal(field("WEFT_EPOCH"), "feed0123456789ab");
	stop();
}

static void what_happens_during_the_start_is_written_once(void **state)
{
	module.last = 3;
	start(EPOCH);
	hear(4);
	assert_string_equal(journal.text, "");
	module.last = 4;
	catch_up();
	hear(5);
	assert_string_equal(journal.text, "1 2 3 4 5 ");
	stop();
}

static void one_out_of_order_is_asked_for(void **state)
{
	start(EPOCH);
	catch_up();
	hear(1);
	module.last = 3;
	hear(3);
	assert_true(behind());
	hear(2);
	assert_string_equal(journal.text, "1 ");
	catch_up();
	assert_string_equal(journal.text, "1 2 3 ");
	assert_true(weft_trail_lost(trail) == 0);
	stop();
}

static void lost_events_are_asked_for(void **state)
{
	start(EPOCH);
	catch_up();
	hear(1);
	module.last = 4;
	weft_trail_missed(trail);
	assert_true(behind());
	catch_up();
	assert_string_equal(journal.text, "1 2 3 4 ");
	stop();
}

static void catching_up_lets_others_have_their_turn(void **state)
{
	module.last = 5;
	start(EPOCH);
	weft_trail_catch_up(trail, 2);
	assert_string_equal(journal.text, "1 2 ");
	assert_true(behind());
	weft_trail_catch_up(trail, 2);
	catch_up();
	assert_string_equal(journal.text, "1 2 3 4 5 ");
	stop();
}

static void forgotten_ones_are_told_once(void **state)
{
	module.first = 8;
	module.last = 11;
	module.hole = 10;
	start(EPOCH);
	catch_up();
	assert_string_equal(journal.text, "lost:1+7 8 9 lost:10+1 11 ");
	assert_true(weft_trail_lost(trail) == 8);
	stop();
	start(EPOCH);
	catch_up();
	assert_string_equal(journal.text, "lost:1+7 8 9 lost:10+1 11 ");
	assert_true(weft_trail_lost(trail) == 0);
	stop();
}

static void another_life_of_the_module_begins_at_one(void **state)
{
	module.last = 3;
	start(EPOCH);
	catch_up();
	stop();
	module.last = 1;
	start(EPOCH + 1);
	catch_up();
	assert_string_equal(journal.text, "1 2 3 1 ");
	assert_true(journal.asked == 0);
	stop();
}

static void a_mark_that_is_none_is_as_no_mark(void **state)
{
	fixture_write(&fixture, "audit", "feed0123456789ab");
	module.last = 1;
	start(EPOCH);
	catch_up();
	assert_string_equal(journal.text, "1 ");
	stop();
}

static void an_older_module_is_written_as_it_is_heard(void **state)
{
	start(0);
	assert_false(behind());
	hear(0);
	weft_trail_missed(trail);
	assert_false(behind());
	hear(0);
	assert_string_equal(journal.text, "- - ");
	stop();
}

static void a_module_that_fails_is_asked_again_at_the_next_event(void **state)
{
	module.last = 2;
	start(EPOCH);
	fake.error = ENOMEM;
	catch_up();
	assert_string_equal(journal.text, "");
	module.last = 3;
	hear(3);
	assert_true(behind());
	catch_up();
	assert_string_equal(journal.text, "1 2 3 ");
	stop();
}

static void what_the_journal_does_not_take_now_is_written_later(void **state)
{
	start(EPOCH);
	catch_up();
	journal.result = -ENOBUFS;
	hear(1);
	assert_true(behind());
	module.last = 2;
	hear(2);
	assert_int_equal(journal.sends, 1);
	try_again();
	try_again();
	assert_int_equal(journal.sends, 3);
	assert_string_equal(journal.text, "");
	journal.result = 0;
	try_again();
	assert_false(behind());
	assert_string_equal(journal.text, "1 2 ");
	hear(3);
	assert_string_equal(journal.text, "1 2 3 ");
	assert_true(weft_trail_lost(trail) == 0);
	stop();
}

static void it_is_tried_ever_more_seldom(void **state)
{
	uint64_t first, later;

	start(EPOCH);
	catch_up();
	journal.result = -ECONNREFUSED;
	module.last = 1;
	hear(1);
	first = weft_trail_due(trail);
	for (int i = 0; i < 4; i++)
		try_again();
	later = weft_trail_due(trail);
	assert_true(later > 4 * first);
	stop();
}

static void what_is_forgotten_before_the_journal_takes_it_is_lost(void **state)
{
	start(EPOCH);
	catch_up();
	module.last = 6;
	journal.result = -ENOENT;
	hear(1);
	module.first = 4;
	try_again();
	assert_true(weft_trail_lost(trail) == 0); /* that it is cannot be told either */
	module.first = 5;
	journal.result = 0;
	try_again();
	assert_false(behind());
	assert_string_equal(journal.text, "lost:1+4 5 6 ");
	assert_true(weft_trail_lost(trail) == 4);
	stop();
}

static void a_record_that_can_never_be_written_holds_up_no_other(void **state)
{
	start(EPOCH);
	catch_up();
	journal.never = 2;
	hear(1);
	hear(2);
	hear(3);
	assert_false(behind());
	assert_string_equal(journal.text, "1 lost:2+1 3 ");
	assert_true(weft_trail_lost(trail) == 1);
	stop();
}

static void what_was_not_taken_before_a_restart_is_written_after_it(void **state)
{
	start(EPOCH);
	catch_up();
	journal.result = -ECONNREFUSED;
	module.last = 1;
	hear(1);
	stop();
	journal.result = journal.found = 0;
	start(EPOCH);
	catch_up();
	assert_string_equal(journal.text, "1 ");
	stop();
}

static void of_an_older_module_it_is_lost_at_once(void **state)
{
	start(0);
	journal.result = -ENOBUFS;
	hear(0);
	assert_false(behind());
	assert_true(weft_trail_lost(trail) == 1);
	journal.result = 0;
	hear(0);
	assert_string_equal(journal.text, "- ");
	stop();
}

static void strangers_are_recorded_some_times_and_then_counted(void **state)
{
	start(EPOCH);
	catch_up();
	hear_peer(WEFT_EVENT_CONN_FAILED, NULL, 1, 40);
	hear_peer(WEFT_EVENT_CONN_DENIED, NULL, 41, 1000);
	assert_int_equal(journal.sends, 50);
	assert_string_equal(field("WEFT_SEQUENCE"), "50");
	assert_true(weft_trail_due(trail) > 5000000); /* the rest of the period */
	assert_true(weft_trail_due(trail) <= WEFT_LIMIT_PERIOD);
	weft_trail_catch_up(trail, ENOUGH);
	assert_int_equal(journal.sends, 50);
	stop();
	assert_int_equal(journal.sends, 51);
	assert_string_equal(field("WEFT_LEFT_OUT"), "950");
	assert_string_equal(field("WEFT_LEFT_OUT_FIRST"), "51");
	assert_string_equal(field("WEFT_LEFT_OUT_LAST"), "1000");
	assert_string_equal(field("WEFT_SOURCE"), "10.0.0.9/32");
	assert_string_equal(field("WEFT_WORKLOAD"), "app");
	assert_string_equal(field("WEFT_EPOCH"), "feed0123456789ab");
	assert_string_equal(field("MESSAGE_ID"), WEFT_AUDIT_ID_LEFT_OUT);
}

static void who_has_an_identity_or_is_let_in_is_always_recorded(void **state)
{
	start(EPOCH);
	catch_up();
	hear_peer(WEFT_EVENT_CONN_FAILED, NULL, 1, 60);
	hear_peer(WEFT_EVENT_CONN_DENIED, "spiffe://mesh.test/peer", 61, 200);
	hear_peer(WEFT_EVENT_CONN_FAILED, "spiffe://mesh.test/peer", 201, 300);
	hear_peer(WEFT_EVENT_CONN_PASS, NULL, 301, 400);
	hear_peer(WEFT_EVENT_CONN_CLOSED, NULL, 401, 500);
	assert_int_equal(journal.sends, 50 + 440);
	stop();
	assert_string_equal(field("WEFT_LEFT_OUT"), "10");
}

static void own_failures_are_always_recorded(void **state)
{
	struct weft_nl_event event = { .type = WEFT_EVENT_CONN_FAILED, .has_conn = true,
				       .conn.role = WEFT_ROLE_CLIENT };

	start(EPOCH);
	catch_up();
	for (event.sequence = 1; event.sequence <= 100; event.sequence++)
		weft_trail_take(trail, &event);
	assert_int_equal(journal.sends, 100);
	stop();
	assert_int_equal(journal.sends, 100);
}

/* Nor is the journal asked for it, which has no record of it. */
static void what_was_counted_is_not_recorded_after_a_restart(void **state)
{
	start(EPOCH);
	catch_up();
	hear_peer(WEFT_EVENT_CONN_FAILED, NULL, 1, 60);
	stop();
	memset(&journal, 0, sizeof(journal));
	module.last = 61;
	start(EPOCH);
	catch_up();
	assert_true(!journal.asked);
	assert_string_equal(journal.text, "61 ");
	stop();
}

static void a_stranger_who_is_tried_again_is_one(void **state)
{
	start(EPOCH);
	catch_up();
	hear_peer(WEFT_EVENT_CONN_FAILED, NULL, 1, 49);
	journal.result = -EAGAIN;
	module.first = module.last = 50;
	module.stranger = true;
	hear_peer(WEFT_EVENT_CONN_FAILED, NULL, 50, 50);
	try_again();
	journal.result = 0;
	try_again();
	assert_false(behind());
	assert_string_equal(field("WEFT_SEQUENCE"), "50");
	stop();
	assert_null(field("WEFT_LEFT_OUT"));
}

static void late_records_say_when_it_was(void **state)
{
	start(EPOCH);
	catch_up();
	hear(1);
	assert_null(field("WEFT_LATE"));
	assert_null(strstr(field("MESSAGE"), "late"));
	module.time = UINT64_C(1700000000123456789);
	hear(2);
	assert_string_equal(field("WEFT_LATE"), "1");
	assert_string_equal(field("WEFT_TIME"), "1700000000123456");
	assert_non_null(strstr(field("MESSAGE"), "(late: of 2023-11-14 22:13:20 UTC)"));
	stop();
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_nobody_heard_is_written_at_the_start),
		TEST(marked_record_is_written_unless_the_journal_has_it),
		TEST(heard_ones_are_written_at_once),
		TEST(what_happens_during_the_start_is_written_once),
		TEST(one_out_of_order_is_asked_for),
		TEST(lost_events_are_asked_for),
		TEST(catching_up_lets_others_have_their_turn),
		TEST(forgotten_ones_are_told_once),
		TEST(another_life_of_the_module_begins_at_one),
		TEST(a_mark_that_is_none_is_as_no_mark),
		TEST(an_older_module_is_written_as_it_is_heard),
		TEST(a_module_that_fails_is_asked_again_at_the_next_event),
		TEST(what_the_journal_does_not_take_now_is_written_later),
		TEST(it_is_tried_ever_more_seldom),
		TEST(what_is_forgotten_before_the_journal_takes_it_is_lost),
		TEST(a_record_that_can_never_be_written_holds_up_no_other),
		TEST(what_was_not_taken_before_a_restart_is_written_after_it),
		TEST(of_an_older_module_it_is_lost_at_once),
		TEST(strangers_are_recorded_some_times_and_then_counted),
		TEST(who_has_an_identity_or_is_let_in_is_always_recorded),
		TEST(own_failures_are_always_recorded),
		TEST(what_was_counted_is_not_recorded_after_a_restart),
		TEST(a_stranger_who_is_tried_again_is_one),
		TEST(late_records_say_when_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
