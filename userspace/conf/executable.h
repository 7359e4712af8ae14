/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Executables that selectors name with a SHA-256. The module compares files, not
 * contents: it is shown one that has the hash, which only root can write to, and
 * takes it by inode, size and time of modification from then on.
 *
 * weft_executable_look() alone touches files, and may take as long as they do; all
 * else is done with what it found. Nothing here is shared between threads.
 */
#ifndef WEFT_CONF_EXECUTABLE_H
#define WEFT_CONF_EXECUTABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/error.h"
#include "base/hex.h"
#include "base/strv.h"
#include "nl/nl_workload.h"
#include "pki/crypto.h"

/* What changes when the file does. */
struct weft_file_key {
	dev_t dev;
	uint64_t disk; /* weft_filesystem_disk() */
	ino_t ino;
	off_t size;
	uint64_t mtime, ctime; /* ns since the epoch */
};

/* What was found at a path. */
struct weft_executable {
	char *path;
	int error;	       /* 0: it has @sha256; else an errno and why, in @err: */
	struct weft_error err; /* EAGAIN: not read yet, or written to just now */
	int fd;		       /* of it; -1: the hash is known, but it is not open */
	struct weft_file_key key;
	char sha256[WEFT_HEX_SIZE(WEFT_SHA256_SIZE)];

	char *refused; /* why the module does not take it as it is; NULL: it does */
	unsigned int stale; /* how often in a row that was for a change; tried again, */
	unsigned int wait;  /* after so many looks that find it as it is */
	bool right;    /* a selector has its hash, as of the latest attach */
	bool attached; /* and it was given to it; ends with weft_executables_close() */
	bool partly;   /* but not to all that want it */
	bool shown;    /* to the module, as it is */
	bool missed;   /* documents came while it could not be shown to what is new in them */
};

/* Those of some workloads, by path. Initialise with { 0 }. */
struct weft_executables {
	struct weft_executable *items;
	size_t count;
};

/* Closes and frees everything and leaves an empty list. */
void weft_executables_uninit(struct weft_executables *all);

/* That of @path, which is added (as not read yet) if need be. NULL: out of memory. */
struct weft_executable *weft_executables_at(struct weft_executables *all, const char *path);

/* Adds what @workload's selectors name with a hash. Return: 0, -ENOMEM. */
int weft_executables_want(struct weft_executables *all, const struct weft_nl_workload *workload);

/* Drops what is not in @wanted. */
void weft_executables_keep(struct weft_executables *all, const struct weft_executables *wanted);

/**
 * weft_executable_look() - open what is at the path, and see to it that its hash is known
 * @now: ns since the epoch; 0: now
 * @go_on: asked while it is read; NULL: to its end
 *
 * Who calls it ignores SIGIO: it holds leases for a moment.
 *
 * A file is read when anything of it has changed since the last look. One that was
 * written to within the last second is not: its time of modification would not tell of
 * another change.
 */
void weft_executable_look(struct weft_executable *executable, uint64_t now, weft_go_on_fn *go_on,
			  void *data);

/* Takes over what a look of another thread's found. @found loses its descriptor. */
void weft_executable_take(struct weft_executable *to, struct weft_executable *found);

/* Closes all files. The hashes stay known; nothing is attached any more. */
void weft_executables_close(struct weft_executables *all);

/**
 * weft_executables_attach() - give selectors the files that have their hashes
 * @workload: its selectors own the descriptors, until weft_executables_detach()
 * @problems: appended to: what is wrong with an executable of which no selector of
 *	the workload has the hash that the file has; one line each
 *
 * Return: 0; 1 among them are files that weft_executables_shown() does not know of;
 * -ENOMEM.
 */
int weft_executables_attach(struct weft_executables *all, struct weft_nl_workload *workload,
			    struct weft_strv *problems);

/*
 * What is not open now counts as not shown, and what waits to be tried again waits no
 * longer: for the push of documents with workloads that the module does not know yet.
 */
void weft_executables_doubt(struct weft_executables *all);

/* Are there any that are right, and not shown? */
bool weft_executables_pending(const struct weft_executables *all);

/* The module has what is attached, and keeps it. Return: is there one it had not before? */
bool weft_executables_shown(struct weft_executables *all);

/**
 * weft_executables_refuse() - the module does not take what is at @path
 * @why: a problem of it until it is shown
 * @changed: it was another file, to the module. So it is shown as it is when somebody
 *	looks again, but each time in a row after twice as many looks, up to a bound.
 *	Else it is not shown again until it changes
 */
void weft_executables_refuse(struct weft_executables *all, const char *path, const char *why,
			     bool changed);

/* Close what weft_executables_attach() opened. */
void weft_executables_detach(struct weft_nl_workload *workload);

#endif
