/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Executables that selectors name with a SHA-256. The module compares files, not
 * contents: it is shown one that has the hash, which only root can write to, and
 * takes it by inode, size and time of modification from then on.
 *
 * A struct weft_executables remembers what files had, so that each is read once; it
 * belongs to one thread.
 */
#ifndef WEFT_CONF_EXECUTABLE_H
#define WEFT_CONF_EXECUTABLE_H

#include <stdint.h>
#include "base/error.h"
#include "base/strv.h"
#include "nl/nl_workload.h"

struct weft_executables;

/* NULL: out of memory. */
struct weft_executables *weft_executables_create(void);
void weft_executables_destroy(struct weft_executables *executables); /* NULL is fine */

/**
 * weft_executables_attach() - give selectors the files that have their hashes
 * @workload: its selectors own the descriptors, until weft_executables_detach()
 * @problems: appended to: what is wrong with an executable of which no selector of
 *	the workload has the hash that the file has; one line each
 *
 * A file that was written to within the last second is not read yet: its time of
 * modification would not tell of another change.
 *
 * Return: 0; 1 among them are files that weft_executables_shown() does not know of;
 * -EAGAIN a file was written to just now; -ENOMEM.
 */
int weft_executables_attach(struct weft_executables *executables,
			    struct weft_nl_workload *workload, struct weft_strv *problems);

/* The module has what was attached since the last call; it keeps that. */
void weft_executables_shown(struct weft_executables *executables);

/* Close what weft_executables_attach() opened. */
void weft_executables_detach(struct weft_nl_workload *workload);

/* For tests: now, in ns since the epoch, instead of the clock's; 0: the clock's. */
void weft_executables_set_now(struct weft_executables *executables, uint64_t now);

#endif
