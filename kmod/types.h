/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The few types every layer shares. No state, no functions with side effects.
 */
#ifndef WEFT_TYPES_H
#define WEFT_TYPES_H

#include <linux/in.h>
#include <linux/in6.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/time64.h>
#include <linux/types.h>
#include <linux/weft.h>
#include <net/ipv6.h>

/* An address and port; IPv4 is v4-mapped, the port in host order. */
struct weft_addr {
	struct in6_addr ip;
	u16 port;
};

static inline bool weft_addr_equal(const struct weft_addr *a,
				   const struct weft_addr *b)
{
	return a->port == b->port && ipv6_addr_equal(&a->ip, &b->ip);
}

/* The first bits of an address; those behind them are 0. */
struct weft_network {
	struct in6_addr ip;
	u8 len;
};

/*
 * A file. As long as these stay the same so does what is in it, if only root
 * can write to it: who may set a time back is root too.
 */
struct weft_file_id {
	dev_t dev;
	u32 generation;
	u64 ino;
	u64 size;
	u64 disk;		/* sequence number of the medium, or 0 */
	struct timespec64 mtime;
};

/*
 * What is known of a process: selectors match on it, audit repeats it. The
 * strings are owned by whoever filled it in (weft_task_current() and
 * weft_task_uninit() in task.h); "" where unknown, never NULL.
 */
struct weft_task {
	const char *cgroup;	/* path in cgroup v2, "/" the root */
	const char *exe;	/* "" none; NULL: not looked for */
	bool has_file;
	struct weft_file_id file;	/* of exe, if root alone writes to it */
	u32 uid;
	u32 gid;
	u32 pid;
	char comm[TASK_COMM_LEN];
};

#endif
