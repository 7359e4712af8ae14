/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A worker: one thread with its own netlink connection and loop, which makes
 * the handshakes the module offers it.
 *
 * The functions here are the main thread's. What crosses between the threads:
 *   snapshots   into a mailbox of one (atomic exchange; a newer one replaces
 *               what was not fetched), and a wake-up of the loop
 *   counters    atomics that only the worker writes
 *   the end     the worker raises the eventfd of weft_worker_start()
 * No lock anywhere.
 *
 * When its netlink connection is broken or lost offers (-ENOBUFS), the worker
 * takes a new one: the module offers again what was lost or not begun. When
 * that fails too, the thread ends and says why; the daemon then exits, for
 * systemd to start it anew: a process without its workers is of no use, and
 * there is one way only to come back.
 */
#ifndef WEFT_DAEMON_WORKER_H
#define WEFT_DAEMON_WORKER_H

#include <stdbool.h>
#include <stdint.h>
#include "base/error.h"
#include "daemon/snapshot.h"
#include "nl/nl_handshake.h"
#include "tls/key.h"

struct weft_worker;

/* The module as a worker sees it: each as the function of nl/ or tls/ of the
 * same name. A test has its own. */
struct weft_worker_module {
	int (*open)(struct weft_nl **nl, struct weft_error *err);
	void (*close)(struct weft_nl *nl);
	int (*fd)(const struct weft_nl *nl);
	bool (*pending)(const struct weft_nl *nl);
	int (*worker_register)(struct weft_nl *nl, struct weft_error *err);
	int (*recv)(struct weft_nl *nl, uint64_t *id, struct weft_error *err);
	int (*accept)(struct weft_nl *nl, uint64_t id, struct weft_nl_conn *conn, int *fd,
		      struct weft_error *err);
	int (*judge)(struct weft_nl *nl, uint64_t id, const char *peer_identity,
		     const char *peer_serial, struct weft_nl_verdict *verdict,
		     struct weft_error *err);
	int (*install)(int fd, const struct weft_ktls_key *tx, const struct weft_ktls_key *rx,
		       struct weft_error *err);
	int (*done)(struct weft_nl *nl, const struct weft_nl_done *done, struct weft_error *err);
};

extern const struct weft_worker_module weft_worker_module; /* the real one */

/* Handshakes one worker has in hand; further ones wait in the module. */
#define WEFT_WORKER_HANDSHAKES_MAX 512

/* ms that handshakes in hand get when the daemon ends. */
#define WEFT_WORKER_DRAIN 1000

/* Sums since the start, but for in_hand. */
struct weft_worker_counters {
	uint64_t live;	 /* handshakes that ended well */
	uint64_t resumed; /* of these without a signature */
	uint64_t failed; /* ... that did not */
	uint64_t reopened;
	uint64_t in_hand;
};

/**
 * weft_worker_start() - connect, register with the module, run
 * @worker: written on success; end with weft_worker_join()
 * @module: &weft_worker_module; outlives the worker
 * @snapshot: the worker takes a reference
 * @end_fd: eventfd it raises when it ends by itself; the caller's
 *
 * Signals must be blocked already: the thread inherits that.
 *
 * Return: 0; what weft_nl_open(), weft_nl_worker_register() and the making of loop
 * and thread give.
 */
int weft_worker_start(struct weft_worker **worker, const struct weft_worker_module *module,
		      struct weft_snapshot *snapshot, int end_fd, struct weft_error *err);

/* Use this snapshot (a reference is taken) from the next handshake on. */
void weft_worker_publish(struct weft_worker *worker, struct weft_snapshot *snapshot);

/**
 * weft_worker_ping() - is its loop turning?
 *
 * Return: true when it has answered the ping before this one (or there was none).
 */
bool weft_worker_ping(struct weft_worker *worker);

/* Has the thread ended by itself? */
bool weft_worker_ended(const struct weft_worker *worker);

struct weft_worker_counters weft_worker_counters(const struct weft_worker *worker);

/* Have it finish within WEFT_WORKER_DRAIN; returns at once. */
void weft_worker_stop(struct weft_worker *worker);

/**
 * weft_worker_join() - wait for its end and free it
 *
 * Return: 0 it was stopped; negative errno and @err: why it ended by itself.
 */
int weft_worker_join(struct weft_worker *worker, struct weft_error *err);

#endif
