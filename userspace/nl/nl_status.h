/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the module says about itself, and its self-tests. Thread of the
 * struct weft_nl.
 */
#ifndef WEFT_NL_STATUS_H
#define WEFT_NL_STATUS_H

#include <stddef.h>
#include "nl/nl.h"

struct weft_nl_counter {
	char *name;
	uint64_t value;
};

/* As WEFT_STATUS_A_*; owns its strings. Initialise with { 0 }. */
struct weft_nl_status {
	uint32_t abi;
	char *version;
	uint64_t generation; /* 0: never configured */
	uint64_t epoch;	     /* of the events' numbers; 0: an older module, which has none */
	uint32_t workers, workloads, services, endpoints, policies, revocations, peers, shadowed;
	uint32_t listeners, covered, conns, parked, live, closing, undecided;
	struct weft_nl_counter *counters;
	size_t n_counters;
};

void weft_nl_status_uninit(struct weft_nl_status *status);

/* @out is written on success, the caller's to uninit. */
int weft_nl_status_get(struct weft_nl *nl, struct weft_nl_status *out, struct weft_error *err);

/* Run the module's self-tests. Return: 0 all passed; -EIO one failed (kernel log). */
int weft_nl_selftest_run(struct weft_nl *nl, struct weft_error *err);

#endif
