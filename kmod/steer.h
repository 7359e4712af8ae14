/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The decision what becomes of a connect() or a listen(). Pure: the tables and
 * facts in, a decision out; hook_proto.c and hook_state.c carry it out.
 */
#ifndef WEFT_STEER_H
#define WEFT_STEER_H

#include "generation.h"
#include "service.h"
#include "workload.h"

enum weft_steer_verdict {
	WEFT_STEER_PASS,	/* not ours: as if weft were not there */
	WEFT_STEER_MESH,	/* mesh it: service to target are set */
	WEFT_STEER_REFUSE,	/* errno_ and reason say why; service is set */
	WEFT_STEER_BY_EXE,	/* not to be told without the executable */
};

struct weft_steer {
	enum weft_steer_verdict verdict;
	struct weft_service *service;	/* reference, or NULL */
	struct weft_workload *workload;	/* reference, or NULL */
	int pinned;
	u16 target;
	int err;			/* positive errno with REFUSE */
	u8 reason;			/* enum weft_reason with REFUSE */
	enum weft_width width;		/* of what makes it workload's */
	u64 generation;
};

/* Could connect(@dst) be ours? Takes and drops the RCU read lock; cheap. */
bool weft_steer_wants(const struct weft_tables *t, const struct weft_addr *dst);

/**
 * weft_steer_connect() - decide connect(@dst) by @task
 * @t: the namespace's tables
 * @dst: what connect() named
 * @task: who connects
 * @out: the decision; its references are the caller's: weft_steer_uninit()
 *
 *	destination unknown				PASS
 *	no workload, an endpoint's own address		PASS, plaintext
 *	no workload, a service's address		REFUSE EACCES
 *							NO_WORKLOAD
 *	workload, service without endpoints		REFUSE ECONNREFUSED
 *							NO_ENDPOINT
 *	else						MESH
 *
 * weftd and the CA belong to no workload that does not name them.
 */
void weft_steer_connect(const struct weft_tables *t,
			const struct weft_addr *dst,
			const struct weft_task *task, struct weft_steer *out);

/*
 * Decide listen() on @port by @task: MESH with workload set and mode other than
 * DISABLED, else PASS; also what a workload that does not name @task leaves
 * alone: weftd, the CA, the port of ssh.
 */
void weft_steer_listen(const struct weft_tables *t, u16 port,
		       const struct weft_task *task, struct weft_steer *out);

/**
 * weft_steer_accept() - decide what becomes of a connection that is accepted
 * @t: the namespace's tables
 * @port: its local port
 * @local: its peer came by the loopback addresses
 * @by: who accepts it, without the executable, too
 * @listener: who began to listen; NULL: not known, or in no workload then
 * @out: the decision, as weft_steer_listen()'s
 *
 * Whoever accepts has the connection, so his workload decides; where he is in
 * none, the listener's does. A workload of the last resort comes after both,
 * and leaves what comes by loopback to a listener of root's.
 *
 * Where a workload looks at executables and @by's was not looked for, the
 * verdict is BY_EXE: ask again, with it.
 */
void weft_steer_accept(const struct weft_tables *t, u16 port, bool local,
		       const struct weft_task *by,
		       const struct weft_task *listener,
		       struct weft_steer *out);
void weft_steer_uninit(struct weft_steer *s);

/*
 * Where attempt number @n_tried goes: picks by weight among the untried (or the
 * pinned one, once), fills *@out and returns its index in
 * service->endpoints; -1 when none is left. @want4/@want6: families the socket
 * can reach; endpoints of others are passed over (and do not count as tried).
 */
int weft_steer_next(const struct weft_steer *s, const u16 *tried,
		    unsigned int n_tried, bool want4, bool want6,
		    struct weft_addr *out);

#endif
