/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Workloads: who a process is, and what its listeners accept.
 *
 * Pure: knows no sockets. Objects are immutable once in a generation and
 * refcounted, so that a conn can keep the one it was judged by.
 * Any context; match needs an RCU read section or a generation reference.
 */
#ifndef WEFT_WORKLOAD_H
#define WEFT_WORKLOAD_H

#include <linux/refcount.h>
#include "types.h"

/* Files that were shown to have this SHA-256, the last one first. */
struct weft_exe_files {
	u8 sha256[WEFT_SHA256_SIZE];
	unsigned int n;
	struct weft_file_id ids[WEFT_EXE_FILES_MAX];
};

struct weft_selector {
	const char *cgroup;	/* NULL: does not matter */
	const char *unit;
	const char *exe;
	struct weft_exe_files *files;	/* of exe; NULL: any */
	const char *container;
	bool has_uid;
	bool has_gid;
	u32 uid;
	u32 gid;
};

struct weft_port_mode {
	u16 port;
	u8 mode;		/* enum weft_mode; DEFAULT: as the workload */
};

struct weft_workload {
	refcount_t ref;
	u8 owner;		/* enum weft_owner */
	u8 mode;		/* enum weft_mode, never DEFAULT */
	u16 n_ports;
	u16 n_selectors;
	u16 wire;		/* bytes of the attribute it came in */
	const char *name;
	const char *identity;
	struct weft_port_mode *ports;
	struct weft_selector *selectors;
	struct rcu_head rcu;
};

/* How wide the selector is by which a process belongs to its workload. */
enum weft_width {
	WEFT_WIDTH_NAMED,	/* names what runs: unit, container, program */
	WEFT_WIDTH_MANY,	/* a slice, user or group: whoever runs there */
	WEFT_WIDTH_ALL,		/* the root of all cgroups: a last resort */
};

struct weft_gen;

/**
 * weft_workload_create() - an empty one with one reference, to fill
 * @n_selectors: elements of ->selectors, all zero
 * @n_ports: elements of ->ports, all zero
 *
 * The maker puts kmalloc()ed strings into ->name, ->identity and selectors;
 * weft_workload_put() frees them, also of one that is half made.
 * Return: NULL when out of memory.
 */
struct weft_workload *weft_workload_create(u16 n_selectors, u16 n_ports);

/**
 * weft_workload_add_file() - a file with the hash of @s->files, as the first
 * @id: which; the oldest one gives way, one that is there already moves up
 *
 * For objects that are not in a generation yet.
 */
void weft_workload_add_file(struct weft_selector *s,
			    const struct weft_file_id *id);

/* The files of @of's selectors of the same path and hash, behind @w's own. */
void weft_workload_inherit_files(struct weft_workload *w,
				 const struct weft_workload *of);

struct weft_workload *weft_workload_get(struct weft_workload *w);
void weft_workload_put(struct weft_workload *w);	/* NULL is fine */

/*
 * The workload the process belongs to, or NULL; no reference is taken.
 * @width: of the narrowest selector by which it does; NAMED without a workload
 */
struct weft_workload *weft_workload_match(const struct weft_gen *gen,
					  const struct weft_task *task,
					  enum weft_width *width);

/* Does one of its selectors look at the executable? */
bool weft_workload_by_exe(const struct weft_workload *w);

/* Is it weftd or the CA, as their units say? */
bool weft_workload_is_weft(const struct weft_task *task);
struct weft_workload *weft_workload_find(const struct weft_gen *gen,
					 const char *name);

/* enum weft_mode for a listener of @w on @port: never DEFAULT. */
u8 weft_workload_mode(const struct weft_workload *w, u16 port);

/**
 * weft_workload_leaves() - does it leave a listener alone?
 * @w: whose it is
 * @task: who has it
 * @width: by which @task belongs to @w
 * @port: the listener's
 *
 * Whoever gives the whole host, a slice or root an identity must still be able
 * to log in, unless @w's exceptions name the port, and weftd to work.
 */
bool weft_workload_leaves(const struct weft_workload *w,
			  const struct weft_task *task, enum weft_width width,
			  u16 port);

/*
 * Likewise where it is not known who has it: only a workload of the last resort
 * and nothing else does for certain.
 */
bool weft_workload_leaves_ssh(const struct weft_workload *w, u16 port);

#endif
