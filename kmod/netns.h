/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The state of one network namespace: created with it (or when the module is
 * loaded), destroyed with it. Everything per-namespace hangs here.
 */
#ifndef WEFT_NETNS_H
#define WEFT_NETNS_H

#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <net/net_namespace.h>
#include "event.h"
#include "generation.h"
#include "stats.h"

struct weft_record;

/* A netlink socket that takes handshakes. */
struct weft_worker {
	struct list_head node;
	u32 portid;
	struct pid *tgid;		/* reference */
};

struct weft_net {
	struct net *net;
	struct weft_tables tables;
	struct weft_stats __percpu *stats;

	struct xarray conns;		/* id -> conn; its own lock, BH-safe */

	spinlock_t worker_lock;		/* the three below; BH-safe */
	struct list_head workers;
	struct weft_worker *next_worker;	/* round robin */
	unsigned int n_workers;

	spinlock_t history_lock;	/* the two below; BH-safe */
	struct weft_record **history;	/* ring of WEFT_HISTORY_MAX */
	unsigned int history_next;

	struct weft_events events;	/* verdicts told; its own lock */

	bool hooked;			/* netfilter (tables.lock) */

	atomic_t listeners;
	atomic_t parked;
	atomic_t live;
	atomic_t closing;
	atomic_t waiting;		/* works that wait for locked sockets */

	struct delayed_work rescan;	/* after a new generation: listeners */
	unsigned int rescan_wait;	/* ms, its own */
	unsigned long rescanned;	/* jiffies, likewise; 0: never */
	bool unserved;			/* without a workload, likewise */
	struct delayed_work requeue;	/* after a worker came or went */
	bool requeue_all;		/* one did since it ran last */
	struct delayed_work recheck;	/* after a new generation: conns */
};

extern unsigned int weft_net_id;

struct weft_net *weft_net(const struct net *net);

#endif
