/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The audit stream: one structured record per verdict, and per certificate that the CA
 * of the mesh issues to a node, for journald.
 *
 * Called by the daemon's main thread for the module's events, and by the threads of the
 * CA's server. The sink is an ops struct, so that tests (and other streams) can take the
 * fields. No state; any thread.
 */
#ifndef WEFT_AUDIT_AUDIT_H
#define WEFT_AUDIT_AUDIT_H

#include <linux/weft.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>
#include "base/error.h"
#include "base/limit.h"
#include "nl/nl_conn.h"

/* MESSAGE_ID of each kind of record; weft.catalog explains them. */
#define WEFT_AUDIT_ID_LIVE   "1714d65f6e894a05b1d4144b6eedc2a1"
#define WEFT_AUDIT_ID_PASS   "bea0788ba88e4123b2bd8f195e0f8123"
#define WEFT_AUDIT_ID_DENIED "57a8d32cd99d49808feb8027ba4bb792"
#define WEFT_AUDIT_ID_FAILED "27835a3679334d6cb2bd344fd4f69c78"
#define WEFT_AUDIT_ID_CLOSED "983fa619e2e14dbf8651e080a6b02695"
#define WEFT_AUDIT_ID_AUDIT  "289628ae0bc6464bb991cf3dd528efa8"
#define WEFT_AUDIT_ID_LOST   "5d0a7c1e3f0b4b6f9a52c2f6d8e47b19"
#define WEFT_AUDIT_ID_LEFT_OUT "c3b1f1a0d2a94d6c8f7e25b9046a1d73"
#define WEFT_AUDIT_ID_JOINED "ef5abb21d3eb461d8eeceea3b660a9ef"
#define WEFT_AUDIT_ID_ISSUED "8a27c2ddea0d41908e60edd10c9be3ed"

/*
 * Takes "NAME=value" fields, not terminated, valid during the call. Return: 0;
 * -EINVAL, -EMSGSIZE, -E2BIG such a record never; another negative errno: not now. Never blocks.
 */
typedef int weft_audit_send_fn(const struct iovec *fields, int count, void *data);

/*
 * Is the record of that verdict there? Waits a little for one that is still on its
 * way. Return: 1; 0 no; negative errno: nobody knows.
 */
typedef int weft_audit_find_fn(uint64_t epoch, uint64_t sequence, void *data);

struct weft_audit_sink {
	weft_audit_send_fn *send;
	weft_audit_find_fn *find; /* NULL: nobody ever knows */
	void *data;
};

/* Writes to the system's journal; never waits to do so. One thread. */
extern const struct weft_audit_sink weft_audit_journal;

/* Which verdict it is, and when it was; zeros: the module does not say. */
struct weft_audit_stamp {
	uint64_t epoch, sequence;
	uint64_t time; /* microseconds since the epoch of UNIX */
	bool late;     /* that is not when the record is written */
};

/* The event is no verdict: nothing was written. */
#define WEFT_AUDIT_SKIPPED 1

/**
 * weft_audit_verdict() - write the record of a verdict
 * @sink: where to
 * @conn: what the event says about the connection; stays the caller's
 * @event: CONN_LIVE, CONN_PASS, CONN_DENIED, CONN_FAILED, CONN_AUDIT;
 *	CONN_CLOSED when the connection did not end by close_notify and close()
 * @stamp: of the event
 *
 * Return: 0; WEFT_AUDIT_SKIPPED; what the sink gives.
 */
int weft_audit_verdict(const struct weft_audit_sink *sink, const struct weft_nl_conn *conn,
		       enum weft_event event, const struct weft_audit_stamp *stamp,
		       struct weft_error *err);

/**
 * weft_audit_lost() - write the record of verdicts that will have none
 * @epoch: of their numbers
 * @first: number of the first
 * @count: how many, one after the other
 * @why: half a sentence
 *
 * Return: 0; what the sink gives.
 */
int weft_audit_lost(const struct weft_audit_sink *sink, uint64_t epoch, uint64_t first,
		    uint64_t count, const char *why, struct weft_error *err);

/**
 * weft_audit_left_out() - write the record of a stranger's verdicts that have none
 * @epoch: of their numbers; 0: they have none
 * @source: who it is, and how many; about the workload
 *
 * Return: 0; what the sink gives.
 */
int weft_audit_left_out(const struct weft_audit_sink *sink, uint64_t epoch,
			const struct weft_limit_source *source, struct weft_error *err);

/* A certificate that a node got from the CA. */
struct weft_audit_issue {
	bool joined;	      /* with a token: it is the node's own */
	const char *node;     /* name */
	const char *address;  /* of the node, without a port */
	const char *identity; /* of the certificate */
	const char *serial;   /* as revocations have it; NULL: not known */
	int64_t not_after;    /* as time() */
	const char *text;     /* the same for people */
};

/**
 * weft_audit_issue() - write the record of a certificate: without it nobody knows what
 *	there is to revoke
 *
 * Return: 0; what the sink gives.
 */
int weft_audit_issue(const struct weft_audit_sink *sink, const struct weft_audit_issue *issue,
		     struct weft_error *err);

#define WEFT_AUDIT_UNIT_MAX 256 /* systemd's UNIT_NAME_MAX and the NUL */

/**
 * weft_audit_unit() - the systemd unit in a cgroup path
 * @cgroup: such as "/system.slice/cart.service/worker"; NULL: unknown
 * @unit: WEFT_AUDIT_UNIT_MAX bytes; "cart.service"
 *
 * As systemd's cg_path_get_unit(): slices are passed over, the next part must be
 * the name of a unit.
 *
 * Return: 0; -ENXIO the path leads to no unit.
 */
int weft_audit_unit(const char *cgroup, char *unit);

#endif
