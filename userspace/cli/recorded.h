/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The recorded flows that weftctl simulate and suggest speak of. One thread.
 */
#ifndef WEFT_CLI_RECORDED_H
#define WEFT_CLI_RECORDED_H

#include "audit/flow.h"
#include "cli/cli.h"

/* Initialise with { 0 }. */
struct weft_recorded {
	struct weft_flow_source source;
	struct weft_flows flows;
	uint64_t until; /* when they were read */
	uint64_t older; /* connections among them that are open and older than the records */
};

void weft_recorded_uninit(struct weft_recorded *recorded);

/* The options: when and where. Return: an exit code. */
int weft_recorded_take(struct weft_cli *cli, struct weft_recorded *recorded);

/* Since when there are records: what was asked for, or later. */
uint64_t weft_recorded_begin(const struct weft_recorded *recorded);

/*
 * The flows. A connection that was opened before the records begin, such as that of a
 * pool, has none, but a change would reset it: where the journal is that of this host,
 * those that are open now are among the flows. That there are none is a failure.
 * Return: an exit code.
 */
int weft_recorded_load(struct weft_cli *cli, struct weft_recorded *recorded);

/* weft_flows_read() of the weftd of this network namespace: @source has no unit. */
int weft_recorded_read(const struct weft_flow_source *source, struct weft_flows *flows,
		       struct weft_error *err);

#endif
