/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The event loop of a worker: descriptors, deadlines and a wake-up from other
 * threads, over one epoll.
 *
 * A loop belongs to the thread that runs it; every call but weft_loop_stop()
 * and weft_loop_wake() is that thread's. What is watched is embedded in the
 * caller's objects, so that no event and no timer allocates. Callbacks may
 * start and stop anything, their own object and others whose events are still
 * to be delivered in the same round, and free it afterwards.
 */
#ifndef WEFT_LOOP_LOOP_H
#define WEFT_LOOP_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

#define weft_container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))

struct weft_loop;
struct weft_loop_io;
struct weft_loop_timer;

/* @events: EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP ... */
typedef void weft_loop_io_fn(struct weft_loop_io *io, uint32_t events);
typedef void weft_loop_timer_fn(struct weft_loop_timer *timer);
typedef void weft_loop_wake_fn(struct weft_loop *loop, void *data);

/* A watched descriptor. Initialise with { 0 }. Owns nothing. */
struct weft_loop_io {
	struct weft_loop *loop; /* NULL: not watched */
	int fd;
	uint32_t events;
	weft_loop_io_fn *fn;
};

/* A deadline. Initialise with { 0 }. */
struct weft_loop_timer {
	struct weft_loop *loop; /* NULL: not running */
	uint64_t deadline;	/* ms, weft_loop_now() */
	weft_loop_timer_fn *fn;
	/* pairing heap, the loop's */
	struct weft_loop_timer *child, *next, *prev;
};

/**
 * weft_loop_create() - make a loop
 * @ret: the new loop; end with weft_loop_destroy()
 *
 * Return: 0, -ENOMEM, what epoll_create1() and eventfd() give.
 */
int weft_loop_create(struct weft_loop **ret);

/* Forgets what is still watched (closing nothing). NULL is fine. Not from a callback. */
void weft_loop_destroy(struct weft_loop *loop);

/**
 * weft_loop_run() - deliver events until weft_loop_stop()
 *
 * A stop that came before the run ends it at once, after one round.
 *
 * Return: 0 stopped; what epoll_wait() gives (but EINTR).
 */
int weft_loop_run(struct weft_loop *loop);

/**
 * weft_loop_step() - wait for one round of events and deliver it
 * @timeout_ms: how long at most; -1: as long as it takes; 0: not at all
 *
 * Return: 0; what epoll_wait() gives (but EINTR).
 */
int weft_loop_step(struct weft_loop *loop, int timeout_ms);

/* End weft_loop_run(). Any thread, also a signal handler. */
void weft_loop_stop(struct weft_loop *loop);

/* Have the loop's thread call the wake function soon; several calls may become
 * one. Any thread, also a signal handler. */
void weft_loop_wake(struct weft_loop *loop);

/* What weft_loop_wake() calls; set before other threads know the loop. */
void weft_loop_set_wake(struct weft_loop *loop, weft_loop_wake_fn *fn, void *data);

/* CLOCK_MONOTONIC in ms, as of the latest round of events. */
uint64_t weft_loop_now(const struct weft_loop *loop);

/**
 * weft_loop_io_start() - watch a descriptor
 * @io: not watched; stays the caller's
 * @events: EPOLLIN and the like, EPOLLET too; level triggered without
 *
 * The same open file must not be watched twice under one number.
 *
 * Return: 0, what epoll_ctl() gives (-EPERM: cannot be polled).
 */
int weft_loop_io_start(struct weft_loop *loop, struct weft_loop_io *io, int fd, uint32_t events,
		       weft_loop_io_fn *fn);

/* Change what a watched descriptor waits for. Return: 0, what epoll_ctl() gives. */
int weft_loop_io_update(struct weft_loop_io *io, uint32_t events);

/* Stop watching; call before closing the descriptor. No callback follows. Does
 * nothing when not watched. */
void weft_loop_io_stop(struct weft_loop_io *io);

/**
 * weft_loop_timer_start() - call @fn once at @deadline or soon after
 * @timer: may be running: then it moves
 * @deadline: ms on the clock of weft_loop_now(); in the past: in the next round
 *
 * The timer is stopped when @fn is called.
 */
void weft_loop_timer_start(struct weft_loop *loop, struct weft_loop_timer *timer,
			   uint64_t deadline, weft_loop_timer_fn *fn);

/* No callback follows. Does nothing when not running. */
void weft_loop_timer_stop(struct weft_loop_timer *timer);

static inline bool weft_loop_timer_running(const struct weft_loop_timer *timer)
{
	return timer->loop;
}

#endif
