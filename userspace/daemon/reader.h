/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A thread that looks at executables (conf/executable.h), so that nobody else waits
 * for the reading of a large file, or for a file system that does not answer.
 *
 *   main thread: ask(paths) ─▶ the reader's: look at each ─▶ fd is readable: take()
 *
 * All functions are for one other thread.
 */
#ifndef WEFT_DAEMON_READER_H
#define WEFT_DAEMON_READER_H

#include <stdbool.h>
#include "base/error.h"
#include "conf/executable.h"

struct weft_reader;

/**
 * weft_reader_start() - start the thread
 * @reader: ended by weft_reader_stop()
 *
 * Return: 0, -ENOMEM, what eventfd() and pthread_create() give.
 */
int weft_reader_start(struct weft_reader **reader, struct weft_error *err);

/*
 * One that reads a file stops in the midst of it. One whose file system does not answer
 * is left to itself after a second. NULL is fine.
 */
void weft_reader_stop(struct weft_reader *reader);

/* Readable: there is something to take. */
int weft_reader_fd(const struct weft_reader *reader);

/**
 * weft_reader_ask() - look at all of these, and at no others
 * @wanted: their paths
 *
 * What is being read meanwhile is read to its end first, if it is among them.
 *
 * Return: 0, -ENOMEM: nothing is asked.
 */
int weft_reader_ask(struct weft_reader *reader, const struct weft_executables *wanted);

/* Has it looked at all that it was asked for? */
bool weft_reader_idle(struct weft_reader *reader);

/* What it has looked at for more than @s seconds by now; the caller's. NULL: nothing. */
char *weft_reader_stuck(struct weft_reader *reader, unsigned int s);

/* Waits until it is idle, @ms milliseconds at most. */
void weft_reader_wait(struct weft_reader *reader, unsigned int ms);

/* What has been found since the last call goes to those of @all that are of that path. */
void weft_reader_take(struct weft_reader *reader, struct weft_executables *all);

#endif
