/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tables of objects sorted by name.
 *
 * A table holds a reference on each of its objects. Part of a set or of a
 * generation; changed only while that is private to one thread, read-only
 * (under RCU) afterwards. Process context where it allocates.
 */
#ifndef WEFT_TABLE_H
#define WEFT_TABLE_H

#include <linux/types.h>

enum weft_kind {
	WEFT_KIND_WORKLOAD,
	WEFT_KIND_SERVICE,
	WEFT_KIND_POLICY,
	WEFT_KIND_REVOCATION,
	WEFT_KIND_PEER,
	WEFT_KIND_ENDPOINTS,	/* lists, named as their service; in sets */
	WEFT_KINDS
};

struct weft_row {
	const char *name;	/* the object's own, or as long-lived */
	void *object;
};

struct weft_table {
	u32 n;
	u32 room;
	struct weft_row *rows;
};

struct weft_kind_ops {
	const char *noun;		/* "workload" */
	u32 max;
	void (*get)(void *object);
	void (*put)(void *object);
};

extern const struct weft_kind_ops weft_kinds[WEFT_KINDS];

/* Where @name is, or (false) where it would be. */
bool weft_table_search(const struct weft_table *t, const char *name, u32 *at);

/* The object of that name, without a reference, or NULL. */
void *weft_table_find(const struct weft_table *t, const char *name);

/* Room for @n rows altogether. 0 or -ENOMEM. */
int weft_table_reserve(struct weft_table *t, u32 n);

/* Put @object in at its place, or in place of its namesake; takes a reference.
 * 0 or -ENOMEM, then nothing has changed.
 */
int weft_table_set(struct weft_table *t, enum weft_kind kind, const char *name,
		   void *object);

/* The same at the end, in room that was reserved: the rows come sorted. */
void weft_table_append(struct weft_table *t, enum weft_kind kind,
		       const char *name, void *object);

/* Drop row @at and its reference. */
void weft_table_remove(struct weft_table *t, enum weft_kind kind, u32 at);

/* @to (empty) becomes the same rows, with references of its own, and room for
 * one more. 0 or -ENOMEM.
 */
int weft_table_copy(struct weft_table *to, const struct weft_table *from,
		    enum weft_kind kind);

void weft_table_uninit(struct weft_table *t, enum weft_kind kind);

#endif
