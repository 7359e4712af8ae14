/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The least policies that let in what was let in: documents out of flows. Pure;
 * any thread.
 */
#ifndef WEFT_CONF_LEAST_H
#define WEFT_CONF_LEAST_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "audit/flow.h"
#include "base/error.h"
#include "base/strv.h"

struct weft_least {
	const struct weft_flows *flows;
	uint64_t since, until;		   /* of the records: microseconds since the epoch */
	bool open;			   /* older connections that are open are among @flows */
	/* those whose latest verdict is a refusal, too, but not of a strict port or a revocation */
	bool refused;
	const struct weft_strv *only;	   /* workloads; empty: all */
	/* names of the workloads that documents may name; NULL: any */
	const struct weft_strv *workloads;
};

/**
 * weft_least_write() - write them as YAML
 * @out: where to; nothing is written on failure
 *
 * One AuthorizationPolicy for each workload that something arrived at (more where
 * one cannot hold all): each identity as it is, plaintext by
 * its address, each with the ports it used; those of the same ports share a rule.
 * Comments say how often and when. The same flows give the same text.
 *
 * Return: 0; -ENODATA nothing is to be let in; -ENAMETOOLONG a policy cannot be
 * named after its workload; -ENOMEM.
 */
int weft_least_write(const struct weft_least *least, FILE *out, struct weft_error *err);

#endif
