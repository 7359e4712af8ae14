/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What weftd tells of its configuration, in the file "outcome" of its state
 * directory: written anew at its start and after each attempt to put the
 * documents in force; read by weftctl, which so knows what came of a change.
 *
 *   weftctl                         weftd
 *   change of documents
 *   T = now, touch one              (notices)
 *                                   B = now, load all documents, apply
 *   outcome.began >= T  ◀────────── outcome: began B, generation or error
 *
 * An attempt that began after the change read the changed documents, and as one
 * is touched after T there will be one that did: no counting
 * and no comparing of generations, which others make as well, is needed.
 *
 * Any thread; each object belongs to its caller.
 */
#ifndef WEFT_CONF_OUTCOME_H
#define WEFT_CONF_OUTCOME_H

#include <stdbool.h>
#include <stdint.h>
#include "base/error.h"

struct weft_outcome {
	uint64_t began;		/* weft_boot_now() before the latest attempt; 0: none yet */
	uint64_t generation;	/* in force; 0: none of this daemon's */
	bool again;		/* it failed, and is tried again without a change */
	bool writable; /* weftd can change documents, so it can undo what changes */
	char *error;		/* why it failed; "": it did not */
	char *trust_domain;
	char *dir;		/* of documents */
};

/* Initialise with { 0 }. */
void weft_outcome_uninit(struct weft_outcome *outcome);

/**
 * weft_outcome_write() - tell it
 * @state_dir: weftd's
 *
 * Return: 0; -ENOMEM; what weft_boot_id() and weft_file_write_volatile() give.
 */
int weft_outcome_write(const char *state_dir, const struct weft_outcome *outcome,
		       struct weft_error *err);

/**
 * weft_outcome_read() - what was told last
 * @outcome: written on success, the caller's to uninit; of an earlier boot, @began
 *	and @generation are 0
 *
 * Return: 0; -ENOENT nothing yet; -EINVAL not what weft_outcome_write() writes;
 * -ENOMEM; what weft_file_read() and weft_boot_id() give.
 */
int weft_outcome_read(const char *state_dir, struct weft_outcome *outcome,
		      struct weft_error *err);

#endif
