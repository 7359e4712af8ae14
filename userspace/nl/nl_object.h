/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What workloads, services, endpoints, policies, revocations and peers have in common
 * in the module's tables: they are added, deleted, fetched and dumped alike. Thread of
 * the struct weft_nl; objects are values of the struct in nl_<object>.h.
 */
#ifndef WEFT_NL_OBJECT_H
#define WEFT_NL_OBJECT_H

#include <stddef.h>
#include "nl/nl.h"

struct nl_msg;
struct nlattr;

struct weft_nl_kind {
	size_t size; /* of its struct */
	uint8_t cmd_new, cmd_del, cmd_get;
	int nest; /* WEFT_A_<OBJECT> */
	int key;  /* the attribute in it that holds the name */
	int (*put)(struct nl_msg *msg, const void *object);
	int (*parse)(struct nlattr *nest, void *out);
	void (*uninit)(void *object);
};

extern const struct weft_nl_kind weft_nl_kind_workload, weft_nl_kind_service,
	weft_nl_kind_endpoint, weft_nl_kind_policy, weft_nl_kind_revocation,
	weft_nl_kind_peer;

/**
 * weft_nl_object_add() - put an object into the tables
 * @object: stays the caller's; what is "out only" in it is not looked at
 * @txn: of weft_nl_generation_begin(): the daemon's; 0: a static one, at once
 * @replace: one of this name may exist
 *
 * Return: 0; -EEXIST; -EINVAL; -ENOSPC too many; -ENOENT no such transaction.
 */
int weft_nl_object_add(struct weft_nl *nl, const struct weft_nl_kind *kind, const void *object,
		       uint32_t txn, bool replace, struct weft_error *err);

/* A static one, by name. Return: 0; -ENOENT; -EPERM the daemon's. */
int weft_nl_object_del(struct weft_nl *nl, const struct weft_nl_kind *kind, const char *name,
		       struct weft_error *err);

/* @out is written on success, the caller's to uninit. Return: 0; -ENOENT. */
int weft_nl_object_get(struct weft_nl *nl, const struct weft_nl_kind *kind, const char *name,
		       void *out, struct weft_error *err);

/* The object is the caller's of the function, valid during the call. Not 0: end. */
typedef int weft_nl_object_fn(const void *object, void *data);

/**
 * weft_nl_object_dump() - call @fn for each
 * @name: endpoints: those of this service only; NULL: all
 *
 * @fn is called only after a consistent dump is complete (interrupted ones are
 * repeated), so it may itself use @nl.
 *
 * Return: 0; what @fn returned; -EAGAIN the tables never held still.
 */
int weft_nl_object_dump(struct weft_nl *nl, const struct weft_nl_kind *kind, const char *name,
			weft_nl_object_fn *fn, void *data, struct weft_error *err);

#endif
