/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Replacing the daemon's part of the configuration as a whole. Thread of the
 * struct weft_nl.
 *
 *   begin -> (weft_nl_*_add() with the transaction)... -> commit or abort
 *
 * The transaction belongs to the connection and is aborted when it is closed.
 */
#ifndef WEFT_NL_GENERATION_H
#define WEFT_NL_GENERATION_H

#include "nl/nl.h"

/* @txn: the number for the others, never 0. Return: 0; -EBUSY one is open. */
int weft_nl_generation_begin(struct weft_nl *nl, uint32_t *txn, struct weft_error *err);

/* @generation: its number. Return: 0; -EINVAL the objects do not fit together
 * (nothing changed, the transaction is still open); -ENOENT. */
int weft_nl_generation_commit(struct weft_nl *nl, uint32_t txn, uint64_t *generation,
			      struct weft_error *err);

/* Return: 0; -ENOENT no such transaction. */
int weft_nl_generation_abort(struct weft_nl *nl, uint32_t txn, struct weft_error *err);

#endif
