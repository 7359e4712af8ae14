/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Waiting for what another process does in a directory. One thread.
 */
#ifndef WEFT_CLI_AWAIT_H
#define WEFT_CLI_AWAIT_H

#include <stdint.h>
#include "base/error.h"

/* Is it so? Return: 1 yes; 0 not yet; negative errno: it never will be. */
typedef int weft_await_fn(void *data, struct weft_error *err);

/**
 * weft_await() - until something is so, which a rename in a directory makes so
 * @dir: where to watch for one
 * @timeout_ms: how long at most
 * @look: called at once, after each rename, and every second
 *
 * Return: 1 it is so; 0 the time is over; what @look, inotify and poll() give.
 */
int weft_await(const char *dir, uint64_t timeout_ms, weft_await_fn *look, void *data,
	       struct weft_error *err);

#endif
