/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Workloads in the module's tables. Mirror of kmod/genl_workload.c. Thread of
 * the struct weft_nl; the structs are values.
 */
#ifndef WEFT_NL_WORKLOAD_H
#define WEFT_NL_WORKLOAD_H

#include <linux/weft.h>
#include <stddef.h>
#include "nl/nl.h"

/* All parts that are given must match. Owns its strings. */
struct weft_nl_selector {
	char *cgroup;
	char *unit;
	char *exe;
	bool has_uid;
	uint32_t uid;
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

/* Frees what it points to; it is { 0 } afterwards. */
void weft_nl_workload_uninit(struct weft_nl_workload *workload);

/**
 * weft_nl_workload_add() - put a workload into the tables
 * @workload: stays the caller's; @owner is not looked at
 * @txn: of weft_nl_generation_begin(): the daemon's; 0: a static one, at once
 * @replace: one of this name may exist
 *
 * Return: 0; -EEXIST; -EINVAL; -ENOSPC too many; -ENOENT no such transaction.
 */
int weft_nl_workload_add(struct weft_nl *nl, const struct weft_nl_workload *workload, uint32_t txn,
			 bool replace, struct weft_error *err);

/* A static one. Return: 0; -ENOENT; -EPERM the daemon's. */
int weft_nl_workload_del(struct weft_nl *nl, const char *name, struct weft_error *err);

/* @out is written on success, the caller's to uninit. Return: 0; -ENOENT. */
int weft_nl_workload_get(struct weft_nl *nl, const char *name, struct weft_nl_workload *out,
			 struct weft_error *err);

/* The workload is the caller's of the function, valid during the call. Not 0: end. */
typedef int weft_nl_workload_fn(const struct weft_nl_workload *workload, void *data);

/**
 * weft_nl_workload_dump() - call @fn for each
 *
 * @fn is called only after a consistent dump is complete (interrupted ones are
 * repeated), so it may itself use @nl.
 *
 * Return: 0; what @fn returned; -EAGAIN the tables never held still.
 */
int weft_nl_workload_dump(struct weft_nl *nl, weft_nl_workload_fn *fn, void *data,
			  struct weft_error *err);

#endif
