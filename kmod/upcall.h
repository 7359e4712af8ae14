/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the module tells user space: handshakes to workers, events to whoever
 * listens, and the memory of connections that ended. How it is written into
 * messages is the business of genl_conn.c and genl_handshake.c, which hand
 * their functions in at init.
 */
#ifndef WEFT_UPCALL_H
#define WEFT_UPCALL_H

#include "conn.h"

/* A connection that ended: the payload of its WEFT_A_CONN attribute. */
struct weft_record {
	u64 id;
	u32 len;
	u8 data[];
};

struct weft_upcall_ops {
	/* tell one worker; any context; 0 or -errno when it will not hear */
	int (*ready)(struct weft_net *wn, u32 portid, u64 id);
	/* multicast; process context, c->mu held */
	void (*event)(struct weft_conn *c, u32 event);
	void (*event_net)(struct weft_net *wn, u32 event);
	/* kmalloc'ed, NULL without memory; process context, c->mu held */
	struct weft_record *(*record)(struct weft_conn *c);
};

void weft_upcall_init(const struct weft_upcall_ops *ops);

int weft_worker_add(struct weft_net *wn, u32 portid);
void weft_worker_gone(struct weft_net *wn, u32 portid);
bool weft_worker_is(struct weft_net *wn, u32 portid);
bool weft_worker_current(struct weft_net *wn);

void weft_upcall_offer(struct weft_conn *c);
void weft_upcall_event(struct weft_conn *c, u32 event);
void weft_upcall_archive(struct weft_conn *c);
void weft_upcall_requeue(struct work_struct *work);
struct weft_record *weft_history_find(struct weft_net *wn, u64 id, gfp_t gfp);
struct weft_record *weft_history_at(struct weft_net *wn, unsigned int i,
				    gfp_t gfp);
void weft_history_free(struct weft_net *wn);

#endif
