/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flows: which connections there were, as the audit records tell. Equal ones
 * are counted together; the latest verdict is what counts.
 *
 *	journald ─ weft_flows_read() ─▶ weft_flows_take() ─▶ weft_flows_sort()
 *
 * flow.c is pure and is what tests feed; flow_journal.c knows journald. One
 * thread each.
 */
#ifndef WEFT_AUDIT_FLOW_H
#define WEFT_AUDIT_FLOW_H

#include <linux/weft.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/addr.h"
#include "base/error.h"

/* What is looked at in a record, by its journal's names: weft_flow_fields[]. */
enum weft_flow_field {
	WEFT_FLOW_VERDICT,
	WEFT_FLOW_REASON,
	WEFT_FLOW_ROLE,
	WEFT_FLOW_WORKLOAD,
	WEFT_FLOW_SERVICE,
	WEFT_FLOW_PEER_IDENTITY,
	WEFT_FLOW_LOCAL,
	WEFT_FLOW_REMOTE,
	WEFT_FLOW_PEER_SERIAL,
	WEFT_FLOW_TIME,
	WEFT_FLOW_FIELDS
};

extern const char *const weft_flow_fields[WEFT_FLOW_FIELDS];

/* More different ones than anybody can look at. */
#define WEFT_FLOWS_MAX 65536

struct weft_flow {
	enum weft_role role; /* of the workload */
	char *workload;
	char *service;	       /* client: that it called; else NULL */
	char *peer_identity;   /* NULL: plaintext */
	char *peer_serial;     /* of its latest certificate that is known, or NULL */
	struct weft_addr peer; /* server: where it comes from, without port; else zero */
	uint16_t port;	       /* of the server's end */
	/* the latest verdict */
	bool refused;
	enum weft_reason reason;
	/* how many verdicts, and when (microseconds since the epoch) */
	uint64_t n_allowed, n_refused;
	uint64_t first, last;
};

/* Owns everything it points to. Initialise with { 0 }. */
struct weft_flows {
	struct weft_flow **items;
	size_t count;
	uint64_t records;    /* that were counted */
	uint64_t unreadable; /* records that lack what they should have */
	uint64_t begins;     /* when the oldest entry of the journal was made; 0: unknown */
	uint64_t since;	     /* what was before does not count */
	void *index;	     /* of flow.c */
};

void weft_flows_uninit(struct weft_flows *flows);

/* A record that says nothing about whether policies let a connection in. */
#define WEFT_FLOW_SKIPPED 1

/**
 * weft_flows_take() - count a record
 * @fields: texts by enum weft_flow_field; NULL: the record has none
 * @time: of the record; what the record itself says of the time counts more
 *
 * A connection that was let in is allowed; refused is what the policies, the mode
 * of a port or the identities of a service kept out or cut. Failures for other
 * reasons are no verdicts, and what the other side refused (peer-denied) is told by
 * the records of that side.
 *
 * Return: 0; WEFT_FLOW_SKIPPED; -ENOSPC more than WEFT_FLOWS_MAX different; -ENOMEM.
 */
int weft_flows_take(struct weft_flows *flows, const char *const fields[WEFT_FLOW_FIELDS],
		    uint64_t time, struct weft_error *err);

/* By role, workload, service, peer, port: the same records give the same order. */
void weft_flows_sort(struct weft_flows *flows);

/* Where the records are. */
struct weft_flow_source {
	const char *unit; /* of the weftd that wrote them */
	const char *dir;  /* a journal directory; NULL: this machine's journal */
	const char *file; /* a journal file, instead of @dir */
	uint64_t since;	  /* microseconds since the epoch */
};

/**
 * weft_flows_read() - take the records of a journal
 * @flows: empty; on failure, to be uninitialised all the same
 *
 * Only what journald itself says to come from @unit counts: everybody may write
 * records that look like weftd's.
 *
 * Return: 0, also when there are none; -EACCES the journal cannot be read; what
 * sd_journal_open() and the like, and weft_flows_take() give.
 */
int weft_flows_read(const struct weft_flow_source *source, struct weft_flows *flows,
		    struct weft_error *err);

#endif
