// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * loop: order, removal while events are delivered, timers, wake-ups.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "loop/loop.h"

static struct weft_loop *loop;

static int setup(void **state)
{
	return weft_loop_create(&loop);
}

static int teardown(void **state)
{
	weft_loop_destroy(loop);
	return 0;
}

/* A descriptor that is readable for ever, and another object to stop when called. */
struct source {
	struct weft_loop_io io;
	struct source *stops;
	unsigned int calls;
	uint32_t events;
};

static void called(struct weft_loop_io *io, uint32_t events)
{
	struct source *s = weft_container_of(io, struct source, io);

	s->calls++;
	s->events = events;
	if (s->stops)
		weft_loop_io_stop(&s->stops->io);
}

static void source_start(struct source *s)
{
	int fd = eventfd(1, EFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(weft_loop_io_start(loop, &s->io, fd, EPOLLIN, called), 0);
}

static void source_end(struct source *s)
{
	int fd = s->io.fd;

	weft_loop_io_stop(&s->io);
	close(fd);
}

static void events_reach_their_object(void **state)
{
	struct source s = { 0 };

	source_start(&s);
	assert_int_equal(weft_loop_step(loop, 0), 0);
	assert_int_equal(s.calls, 1);
	assert_int_equal(s.events, EPOLLIN);
	assert_int_equal(weft_loop_io_update(&s.io, EPOLLIN | EPOLLOUT), 0);
	weft_loop_step(loop, 0);
	assert_int_equal(s.events, EPOLLIN | EPOLLOUT);
	assert_int_equal(weft_loop_io_update(&s.io, 0), 0);
	weft_loop_step(loop, 0);
	assert_int_equal(s.calls, 2);
	source_end(&s);
	assert_null(s.io.loop);
	weft_loop_io_stop(&s.io);
}

static void whoever_was_stopped_in_a_round_is_not_called_in_it(void **state)
{
	struct source *a = calloc(1, sizeof(*a)), *b = calloc(1, sizeof(*b));
	int fd_a, fd_b;

	source_start(a);
	source_start(b);
	fd_a = a->io.fd;
	fd_b = b->io.fd;
	a->stops = b;
	b->stops = a;
	weft_loop_step(loop, 0);
	assert_int_equal(a->calls + b->calls, 1);
	weft_loop_io_stop(&a->io);
	weft_loop_io_stop(&b->io);
	free(a);
	free(b);
	assert_int_equal(weft_loop_step(loop, 0), 0);
	close(fd_a);
	close(fd_b);
}

static void an_object_may_stop_itself(void **state)
{
	struct source s = { 0 };
	int fd;

	source_start(&s);
	fd = s.io.fd;
	s.stops = &s;
	weft_loop_step(loop, 0);
	weft_loop_step(loop, 0);
	assert_int_equal(s.calls, 1);
	close(fd);
}

static void what_cannot_be_polled_is_refused(void **state)
{
	struct weft_loop_io io = { 0 };
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	assert_int_equal(weft_loop_io_start(loop, &io, fd, EPOLLIN, called), -EPERM);
	assert_null(io.loop);
	weft_loop_io_stop(&io);
	close(fd);
	assert_int_equal(weft_loop_io_start(loop, &io, -1, EPOLLIN, called), -EBADF);
}

struct alarm {
	struct weft_loop_timer timer;
	struct weft_loop_timer *stops;
	unsigned int number;
	uint64_t again; /* 0: once; else restart at this time */
};

static unsigned int fired[256], n_fired;

static void rang(struct weft_loop_timer *timer)
{
	struct alarm *a = weft_container_of(timer, struct alarm, timer);

	assert_false(weft_loop_timer_running(timer));
	fired[n_fired++ % 256] = a->number;
	if (a->stops)
		weft_loop_timer_stop(a->stops);
	if (a->again)
		weft_loop_timer_start(loop, timer, a->again, rang);
}

static void timers_fire_in_the_order_of_their_deadlines(void **state)
{
	enum { N = 200 };
	struct alarm alarms[N] = { 0 };
	unsigned int i, order;

	n_fired = 0;
	for (i = 0; i < N; i++) {
		order = i * 73 % N; /* each once, mixed */
		alarms[i].number = order;
		weft_loop_timer_start(loop, &alarms[i].timer, 1 + order, rang);
	}
	for (i = 0; i < N; i += 4)
		weft_loop_timer_stop(&alarms[i].timer);
	for (i = 1; i < N; i += 4) /* moved behind all others, and back */
		weft_loop_timer_start(loop, &alarms[i].timer, 1000, rang);
	for (i = 1; i < N; i += 4)
		weft_loop_timer_start(loop, &alarms[i].timer, 1 + alarms[i].number, rang);
	assert_int_equal(weft_loop_step(loop, 0), 0);
	assert_int_equal(n_fired, N - N / 4);
	for (i = 1; i < n_fired; i++)
		assert_true(fired[i - 1] < fired[i]);
	weft_loop_step(loop, 0);
	assert_int_equal(n_fired, N - N / 4);
}

static void a_timer_does_not_fire_before_its_time(void **state)
{
	struct alarm a = { .number = 1 };
	uint64_t deadline = weft_loop_now(loop) + 30;

	n_fired = 0;
	weft_loop_timer_start(loop, &a.timer, deadline, rang);
	while (!n_fired)
		assert_int_equal(weft_loop_step(loop, -1), 0);
	assert_true(weft_loop_now(loop) >= deadline);
}

static void a_timer_stopped_by_another_does_not_fire(void **state)
{
	struct alarm a = { .number = 1 }, b = { .number = 2 };

	n_fired = 0;
	a.stops = &b.timer;
	weft_loop_timer_start(loop, &a.timer, 1, rang);
	weft_loop_timer_start(loop, &b.timer, 2, rang);
	weft_loop_step(loop, 0);
	assert_int_equal(n_fired, 1);
	assert_false(weft_loop_timer_running(&b.timer));
}

static void a_timer_that_restarts_itself_does_not_starve_others(void **state)
{
	struct alarm a = { .number = 1, .again = 1 }, b = { .number = 2 };
	struct source s = { 0 };

	n_fired = 0;
	source_start(&s);
	weft_loop_timer_start(loop, &a.timer, 1, rang);
	weft_loop_timer_start(loop, &b.timer, 2, rang);
	weft_loop_step(loop, 0);
	assert_int_equal(n_fired, 2);
	assert_int_equal(s.calls, 1);
	assert_true(weft_loop_timer_running(&a.timer));
	weft_loop_timer_stop(&a.timer);
	source_end(&s);
}

static unsigned int wakes;

static void woken(struct weft_loop *l, void *data)
{
	wakes++;
	if (data)
		weft_loop_stop(l);
}

static void *wake_from_outside(void *data)
{
	weft_loop_wake(loop);
	return NULL;
}

static void another_thread_wakes_the_loop(void **state)
{
	pthread_t thread;

	wakes = 0;
	weft_loop_set_wake(loop, woken, loop);
	assert_int_equal(pthread_create(&thread, NULL, wake_from_outside, NULL), 0);
	assert_int_equal(weft_loop_run(loop), 0);
	pthread_join(thread, NULL);
	assert_int_equal(wakes, 1);
	weft_loop_set_wake(loop, woken, NULL);
	weft_loop_step(loop, 0); /* the stop's own poke */
	assert_int_equal(wakes, 1);
}

static void a_stop_before_the_run_is_not_lost(void **state)
{
	weft_loop_stop(loop);
	assert_int_equal(weft_loop_run(loop), 0);
	weft_loop_wake(loop);
	wakes = 0;
	weft_loop_set_wake(loop, woken, loop);
	assert_int_equal(weft_loop_run(loop), 0);
	assert_int_equal(wakes, 1);
}

static void destroying_a_loop_forgets_its_timers(void **state)
{
	struct weft_loop_timer timer = { 0 };
	struct weft_loop *other;

	assert_int_equal(weft_loop_create(&other), 0);
	weft_loop_timer_start(other, &timer, weft_loop_now(other) + 100000, rang);
	weft_loop_destroy(other);
	assert_false(weft_loop_timer_running(&timer));
	weft_loop_destroy(NULL);
}

#define with_loop(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_loop(events_reach_their_object),
		with_loop(whoever_was_stopped_in_a_round_is_not_called_in_it),
		with_loop(an_object_may_stop_itself),
		with_loop(what_cannot_be_polled_is_refused),
		with_loop(timers_fire_in_the_order_of_their_deadlines),
		with_loop(a_timer_does_not_fire_before_its_time),
		with_loop(a_timer_stopped_by_another_does_not_fire),
		with_loop(a_timer_that_restarts_itself_does_not_starve_others),
		with_loop(another_thread_wakes_the_loop),
		with_loop(a_stop_before_the_run_is_not_lost),
		with_loop(destroying_a_loop_forgets_its_timers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
