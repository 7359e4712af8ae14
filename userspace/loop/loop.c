// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The epoll loop: rounds of events, the wake-up. See loop.h.
 *
 * One round: wait until an event or the first deadline, take the time, deliver
 * the timers that are due, then the events. Events of a round live in
 * loop->batch; weft_loop_io_stop() takes an object out of it, so nobody is
 * called after they stopped.
 */
#include "loop/loop.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include "loop/loop_heap.h"

#define BATCH 64

struct weft_loop {
	int epoll_fd;
	int wake_fd;
	uint64_t now; /* ms */
	struct weft_loop_timer *timers; /* heap, first deadline on top */
	struct epoll_event batch[BATCH];
	int batch_len, batch_pos;
	bool in_timers;
	weft_loop_wake_fn *wake_fn;
	void *wake_data;
	atomic_bool stop; /* written by any thread */
	atomic_bool wake; /* written by any thread */
};

static uint64_t monotonic_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int weft_loop_create(struct weft_loop **ret)
{
	struct epoll_event ev = { .events = EPOLLIN }; /* data.ptr NULL: the wake-up */
	struct weft_loop *loop = calloc(1, sizeof(*loop));
	int r;

	if (!loop)
		return -ENOMEM;
	loop->wake_fd = -1;
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0)
		goto fail;
	loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loop->wake_fd < 0)
		goto fail;
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->wake_fd, &ev))
		goto fail;
	loop->now = monotonic_ms();
	*ret = loop;
	return 0;
fail:
	r = -errno;
	weft_loop_destroy(loop);
	return r;
}

void weft_loop_destroy(struct weft_loop *loop)
{
	if (!loop)
		return;
	while (loop->timers)
		weft_loop_timer_stop(loop->timers);
	if (loop->wake_fd >= 0)
		close(loop->wake_fd);
	if (loop->epoll_fd >= 0)
		close(loop->epoll_fd);
	free(loop);
}

uint64_t weft_loop_now(const struct weft_loop *loop)
{
	return loop->now;
}

/* write() to an eventfd cannot block here and fails only when it is readable anyway. */
static void poke(struct weft_loop *loop)
{
	uint64_t one = 1;
	int saved = errno;
	ssize_t n = write(loop->wake_fd, &one, sizeof(one));

	(void)n;
	errno = saved;
}

void weft_loop_stop(struct weft_loop *loop)
{
	atomic_store(&loop->stop, true);
	poke(loop);
}

void weft_loop_wake(struct weft_loop *loop)
{
	atomic_store(&loop->wake, true);
	poke(loop);
}

void weft_loop_set_wake(struct weft_loop *loop, weft_loop_wake_fn *fn, void *data)
{
	loop->wake_fn = fn;
	loop->wake_data = data;
}

static void woken(struct weft_loop *loop)
{
	uint64_t count;
	ssize_t n = read(loop->wake_fd, &count, sizeof(count));

	(void)n;
	/* after the read: a later wake makes the descriptor readable again */
	if (atomic_exchange(&loop->wake, false) && loop->wake_fn)
		loop->wake_fn(loop, loop->wake_data);
}

int weft_loop_io_start(struct weft_loop *loop, struct weft_loop_io *io, int fd, uint32_t events,
		       weft_loop_io_fn *fn)
{
	struct epoll_event ev = { .events = events, .data.ptr = io };

	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &ev))
		return -errno;
	io->loop = loop;
	io->fd = fd;
	io->events = events;
	io->fn = fn;
	return 0;
}

int weft_loop_io_update(struct weft_loop_io *io, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = io };

	if (io->events == events)
		return 0;
	if (epoll_ctl(io->loop->epoll_fd, EPOLL_CTL_MOD, io->fd, &ev))
		return -errno;
	io->events = events;
	return 0;
}

void weft_loop_io_stop(struct weft_loop_io *io)
{
	struct weft_loop *loop = io->loop;
	int i;

	if (!loop)
		return;
	epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, io->fd, NULL);
	for (i = loop->batch_pos; i < loop->batch_len; i++)
		if (loop->batch[i].data.ptr == io)
			loop->batch[i].events = 0;
	io->loop = NULL;
}

void weft_loop_timer_start(struct weft_loop *loop, struct weft_loop_timer *timer,
			   uint64_t deadline, weft_loop_timer_fn *fn)
{
	weft_loop_timer_stop(timer);
	/* or one that always restarts itself for now would keep the rest from their turn */
	if (loop->in_timers && deadline <= loop->now)
		deadline = loop->now + 1;
	timer->loop = loop;
	timer->deadline = deadline;
	timer->fn = fn;
	loop->timers = weft_heap_insert(loop->timers, timer);
}

void weft_loop_timer_stop(struct weft_loop_timer *timer)
{
	struct weft_loop *loop = timer->loop;

	if (!loop)
		return;
	loop->timers = weft_heap_remove(loop->timers, timer);
	timer->loop = NULL;
}

static void deliver_timers(struct weft_loop *loop)
{
	struct weft_loop_timer *timer;

	loop->in_timers = true;
	while (loop->timers && loop->timers->deadline <= loop->now) {
		timer = loop->timers;
		weft_loop_timer_stop(timer);
		timer->fn(timer);
	}
	loop->in_timers = false;
}

static void deliver_events(struct weft_loop *loop)
{
	struct weft_loop_io *io;
	uint32_t events;

	for (loop->batch_pos = 0; loop->batch_pos < loop->batch_len;) {
		io = loop->batch[loop->batch_pos].data.ptr;
		events = loop->batch[loop->batch_pos++].events;
		if (!events)
			continue;
		if (io)
			io->fn(io, events);
		else
			woken(loop);
	}
	loop->batch_len = 0;
}

/* How long epoll may wait: no longer than @limit (-1: for ever) or the first deadline. */
static int wait_ms(const struct weft_loop *loop, int limit)
{
	uint64_t left, now;

	if (!loop->timers)
		return limit;
	now = monotonic_ms();
	if (loop->timers->deadline <= now)
		return 0;
	left = loop->timers->deadline - now;
	if (left > INT_MAX)
		left = INT_MAX;
	return limit >= 0 && (uint64_t)limit < left ? limit : (int)left;
}

int weft_loop_step(struct weft_loop *loop, int timeout_ms)
{
	int n = epoll_wait(loop->epoll_fd, loop->batch, BATCH, wait_ms(loop, timeout_ms));

	if (n < 0 && errno != EINTR)
		return -errno;
	loop->now = monotonic_ms();
	loop->batch_pos = 0;
	loop->batch_len = n < 0 ? 0 : n;
	deliver_timers(loop);
	deliver_events(loop);
	return 0;
}

int weft_loop_run(struct weft_loop *loop)
{
	int r;

	do {
		r = weft_loop_step(loop, -1);
		if (r)
			return r;
	} while (!atomic_exchange(&loop->stop, false));
	return 0;
}
