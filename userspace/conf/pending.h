/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A change of documents that can be undone: what weftctl apply writes, and weftd
 * (or, without one, weftctl) settles. It is a directory below the state
 * directory, and its name is its state; each step from one to the next is one
 * rename(), which only one process can win.
 *
 *   apply/new ───────▶ apply/pending ───────▶ apply/confirmed ──▶ (removed)
 *       create()      │    confirm()               drop()            ▲
 *                     │ put(): .NAME.apply ─▶ NAME                   │
 *                     └────────▶ apply/restoring ────────────────────┘
 *                       claim()      restore()        drop()
 *
 *   apply/<state>/record       boot, deadline, who confirms, directory
 *   apply/<state>/now/NAME     what is put there
 *   apply/<state>/former/NAME  what was there; none: nothing was
 *
 * Nothing in the directory of documents changes before all of this, and what is
 * to be renamed there, forth (.NAME.apply) and back (.NAME.former; the loader
 * leaves both alone), is on disk: whenever weftctl ends, there is a record of what
 * to undo, and room on the disk to do it. drop() takes .NAME.former away; without
 * it, restore() writes what the record has. A put() that is late
 * harms nobody: restore() takes away what it would rename, then looks.
 * restore() may end anywhere and be called again; it goes by the content of the
 * files, and leaves alone what is neither what was put nor what was before.
 *
 * A deadline counts from the boot (CLOCK_BOOTTIME): the time of day may be set,
 * and is wrong at the boot of many a machine. After another boot it has passed:
 * who cut himself off may have had the machine restarted to get it back.
 *
 * Any thread. Who calls create() excludes others who would (weft_lock_take()).
 */
#ifndef WEFT_CONF_PENDING_H
#define WEFT_CONF_PENDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/error.h"
#include "base/strv.h"

enum weft_pending_state {
	WEFT_PENDING_WAITS,	/* to be confirmed until the deadline */
	WEFT_PENDING_CONFIRMED,
	WEFT_PENDING_RESTORING,
};

/* A file that is to be put into the directory. */
struct weft_pending_file {
	const char *name;	/* there; weft_file_name_is_document() */
	mode_t mode;		/* it has then and, when there was one, had before */
	char *now;
	size_t now_len;
	char *former;		/* NULL: there is none */
	size_t former_len;
};

/* What weft_pending_create() is asked for. */
struct weft_pending_change {
	const char *dir;	/* of documents, an absolute path */
	uint64_t deadline;	/* weft_boot_now() at which it is undone */
	bool asks;		/* a person is to confirm it, not weftctl itself */
	const struct weft_pending_file *files;
	size_t n_files;
};

/* What weft_pending_read() tells. Initialise with { 0 }. */
struct weft_pending {
	char *dir;
	uint64_t deadline;	/* of this boot; 0: it was another boot's */
	bool asks;
	struct weft_strv names;	/* of the files, sorted */
};

void weft_pending_uninit(struct weft_pending *pending);

/* Nanoseconds until the deadline; 0: it has passed. */
uint64_t weft_pending_left(const struct weft_pending *pending);

/**
 * weft_pending_open() - make sure there is room for changes
 * @state_dir: weftd's; "apply" is made in it (0700)
 *
 * Return: 0; what weft_dir_create() and weft_dir_sync() give.
 */
int weft_pending_open(const char *state_dir, struct weft_error *err);

/**
 * weft_pending_ready() - may there be a change?
 *
 * Return: 0; -EBUSY another one waits, or is being undone; -ENOMEM.
 */
int weft_pending_ready(const char *state_dir, struct weft_error *err);

/**
 * weft_pending_create() - write down a change, complete and on disk
 * @state_dir: after weft_pending_open()
 *
 * No document has changed yet: weft_pending_put() does that.
 *
 * Return: 0: it waits; as weft_pending_ready(); what the calls on the files give. On
 * failure nothing is left that the next one does not clear away.
 */
int weft_pending_create(const char *state_dir, const struct weft_pending_change *change,
			struct weft_error *err);

/**
 * weft_pending_put() - change the documents
 * @since: weft_boot_now() at which all were in place; who watches the directory
 *	has something to see after it
 *
 * All at once, as near as rename() comes to it.
 *
 * Return: 0; -ECANCELED the change waits no longer; what rename() gives. On
 * failure some documents may have changed, and somebody has to claim and restore.
 */
int weft_pending_put(const char *state_dir, uint64_t *since, struct weft_error *err);

/**
 * weft_pending_read() - look at a change
 * @pending: written on success, the caller's to uninit
 *
 * Return: 0; -ENOENT there is none in @state; -EINVAL its record is damaged;
 * -ENOMEM; what the calls on the files give.
 */
int weft_pending_read(const char *state_dir, enum weft_pending_state state,
		      struct weft_pending *pending, struct weft_error *err);

/**
 * weft_pending_confirm() - what waits shall stay
 *
 * Return: 0: it will, also after a crash; -ENOENT nothing waits; -EAGAIN not all of
 * it has been put in place; as weft_pending_read(); what rename() and fsync() give.
 */
int weft_pending_confirm(const char *state_dir, struct weft_error *err);

/**
 * weft_pending_claim() - what waits shall be undone
 *
 * Return: 0; -ENOENT nothing waits; what rename() and fsync() give.
 */
int weft_pending_claim(const char *state_dir, struct weft_error *err);

/**
 * weft_pending_restore() - put back what was there before a claimed change
 * @others: empty; out, also on failure: names of files that somebody else has
 *	changed since and that were left alone
 *
 * Return: 0: all others are back, on disk; as weft_pending_read(), with -ENOENT also
 * when another process was faster and settled it (a directory that is gone gives the
 * same: weft_pending_read() tells which); what writing a file gives: the rest
 * was done, call it again.
 */
int weft_pending_restore(const char *state_dir, struct weft_strv *others,
			 struct weft_error *err);

/**
 * weft_pending_drop() - forget a change that is confirmed or restored
 *
 * Return: 0, also when there is none; what rename() and weft_dir_remove() give.
 */
int weft_pending_drop(const char *state_dir, enum weft_pending_state state,
		      struct weft_error *err);

#endif
