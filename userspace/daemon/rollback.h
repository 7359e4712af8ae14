/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Undoes a change of documents that weftctl apply made and nobody confirmed,
 * see conf/pending.h: this is the side of the daemon, which is there when the
 * terminal is gone. Main thread.
 *
 *   descriptor readable, time over, start ──▶ look: confirmed: log, forget
 *                                                   waits: due? claim
 *                                                   claimed: restore, log, forget
 *
 * The store notices the restored documents as it does any others.
 *
 * The directory of the records is made again, and watched, at each look: whoever
 * looks also after each load of the documents misses no change, though somebody
 * removed or replaced it.
 */
#ifndef WEFT_DAEMON_ROLLBACK_H
#define WEFT_DAEMON_ROLLBACK_H

#include <stdbool.h>
#include <stdint.h>
#include "base/error.h"

struct weft_rollback;

/**
 * weft_rollback_create() - watch for changes to be undone
 * @rollback: ended by weft_rollback_destroy()
 * @state_dir: the daemon's; outlives it
 *
 * Return: 0; -ENOMEM; what weft_pending_open() and inotify give.
 */
int weft_rollback_create(struct weft_rollback **rollback, const char *state_dir,
			 struct weft_error *err);

/* NULL is fine. */
void weft_rollback_destroy(struct weft_rollback *rollback);

/* Readable: weft_rollback_look(). Stays the rollback's. */
int weft_rollback_fd(const struct weft_rollback *rollback);

#define WEFT_ROLLBACK_IDLE UINT64_MAX

/**
 * weft_rollback_look() - do what is due, log what was done
 *
 * What fails is logged, but not the same twice running, and tried again.
 *
 * Return: nanoseconds after which to look again (CLOCK_BOOTTIME);
 * WEFT_ROLLBACK_IDLE: the descriptor will tell.
 */
uint64_t weft_rollback_look(struct weft_rollback *rollback);

/*
 * Did the latest look leave a change that is due, or may be, for its record cannot
 * be read? What nobody confirmed is among the documents then.
 */
bool weft_rollback_overdue(const struct weft_rollback *rollback);

/*
 * Did the latest look find a change that was not confirmed, though it is undone now? What
 * has been loaded until then may have it.
 */
bool weft_rollback_unsettled(const struct weft_rollback *rollback);

#endif
