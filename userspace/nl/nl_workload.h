/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Workloads in the module's tables. Mirror of kmod/genl_workload.c. Thread of
 * the struct weft_nl; the structs are values.
 */
#ifndef WEFT_NL_WORKLOAD_H
#define WEFT_NL_WORKLOAD_H

#include <linux/weft.h>
#include <stddef.h>
#include "nl/nl_object.h"

/* All parts that are given must match. Owns its strings. */
struct weft_nl_selector {
	char *cgroup;
	char *unit;
	char *exe;
	char *sha256;	     /* of exe, as weft_hex_format() writes it; NULL: any */
	bool has_fd;	     /* in only */
	int fd;		     /* of a file that had that hash with @size and @mtime; owned */
	bool has_file;	     /* out only: the module knows such a file; the last one's: */
	uint64_t inode, size; /* number (out only), bytes */
	uint64_t mtime;	     /* ns since the epoch */
	char *container;
	bool has_uid;
	bool has_gid;
	uint32_t uid;
	uint32_t gid;
};

struct weft_nl_port_mode {
	uint16_t port;
	enum weft_mode mode;
};

/* Owns everything it points to. Initialise with { 0 }; fill the arrays with
 * WEFT_ARRAY_APPEND() of base/array.h. */
struct weft_nl_workload {
	char *name;
	char *identity;
	enum weft_mode mode;
	enum weft_owner owner; /* out only */
	struct weft_nl_selector *selectors;
	size_t n_selectors;
	struct weft_nl_port_mode *ports;
	size_t n_ports;
};

/* Closes @fd, if there is one. */
void weft_nl_selector_close(struct weft_nl_selector *selector);

/* Frees what it points to; it is { 0 } afterwards. */
void weft_nl_workload_uninit(struct weft_nl_workload *workload);

/* weft_nl_object_add() */
int weft_nl_workload_add(struct weft_nl *nl, const struct weft_nl_workload *workload, uint32_t txn,
			 bool replace, struct weft_error *err);

#endif
