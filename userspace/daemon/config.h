/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration in force: loads it from the store when that says so, has
 * it applied, and keeps the last good one when anything is wrong. Main thread.
 *
 *   store changed --> load --> wait --> apply (SVIDs, then the module) --> in force
 *                      | error           | error
 *                      +-----------------+--> logged once; the last good one stays
 *
 * At the start there is none that could stay. So the documents that are in force are kept
 * on disk (last_good.h), and these take the place of what does not load then.
 *
 * Executables that selectors name with a SHA-256 are looked at by a thread of their
 * own (reader.h). Documents wait for that, but 3 seconds at most, and nobody waits with
 * them; newer ones take their place. What becomes right later is applied with the
 * documents in force.
 */
#ifndef WEFT_DAEMON_CONFIG_H
#define WEFT_DAEMON_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include "base/error.h"
#include "base/strv.h"
#include "conf/conf.h"
#include "conf/executable.h"
#include "conf/store.h"

struct weft_config;

/*
 * Puts @conf in force, wholly or not at all, but for files that the module does not
 * take: weft_executables_refuse().
 * Return: 0 and @generation is written; a negative errno with words in @err.
 */
typedef int weft_config_apply_fn(void *data, const struct weft_conf *conf,
				 struct weft_executables *executables, uint64_t *generation,
				 struct weft_error *err);

/* What weft_config_status() gives; all of it stays the config's. */
struct weft_config_status {
	const struct weft_conf *conf; /* in force; NULL: none yet */
	uint64_t generation;	      /* of @conf */
	const char *error;	      /* why a newer one is not in force; "": there is none */
	int64_t former; /* @conf was kept, and came into force then; 0: it was loaded */
	const char *former_error; /* why what was kept is not in force, either; "": it is not so */
	const char *unkept; /* why @conf is not kept on disk; "": it is, or nobody asked yet */
	const struct weft_strv *problems; /* with executables of @conf, in words */
	const char *late;		  /* why the module lacks some of them; "": it does not */
	const char *stuck;		  /* one that keeps others from being looked at */
	unsigned int reports;	      /* errors logged so far */
	uint64_t began; /* weft_boot_now() before the latest reload that has ended; 0: none yet */
	bool again;	/* it failed with WEFT_CONFIG_NOT_APPLIED */
	bool waits;	/* one has not ended: WEFT_CONFIG_WAITS */
};

/* What weft_config_reload() found beside 0 and negative errnos. */
#define WEFT_CONFIG_NOT_APPLIED 1 /* the documents are good, try again soon */
#define WEFT_CONFIG_WAITS 2	  /* for executables; weft_config_refresh() will end it */

/**
 * weft_config_create() - a configuration that comes from @store
 * @config: ended by weft_config_destroy()
 * @store: the config's from now on, also on failure
 * @apply: called by weft_config_reload(), weft_config_dispatch(), weft_config_refresh(),
 *	weft_config_settle()
 *
 * Starts a thread. Return: 0, -ENOMEM, what weft_reader_start() and timerfd_create() give.
 */
int weft_config_create(struct weft_config **config, struct weft_store *store,
		       weft_config_apply_fn *apply, void *data, struct weft_error *err);

/* NULL is fine. */
void weft_config_destroy(struct weft_config *config);

/* Wait for it to become readable, then weft_config_dispatch(). */
int weft_config_fd(const struct weft_config *config);

/**
 * weft_config_reload() - load now, and apply as soon as the executables are known
 *
 * An error is logged, but not the same one twice running. What has not been read in
 * time follows, see weft_config_refresh().
 *
 * Return: 0 in force; WEFT_CONFIG_NOT_APPLIED; WEFT_CONFIG_WAITS; negative errno: a
 * document is wrong or cannot be read, and the store will tell when that changes.
 */
int weft_config_reload(struct weft_config *config);

/**
 * weft_config_keep_in() - have documents kept on disk, and use what is there
 * @state_dir: the daemon's; outlives the config
 * @trust_domain: likewise; see weft_conf_load()
 */
void weft_config_keep_in(struct weft_config *config, const char *state_dir,
			 const char *trust_domain);

/**
 * weft_config_keep() - keep the documents that are in force, unless they are
 *
 * For who knows that they are to stay. An error is logged, but not the same one twice
 * running; call it again. Waits for the disk.
 *
 * Return: 0, also if there is nothing to do; what weft_last_good_write() gives.
 */
int weft_config_keep(struct weft_config *config);

/**
 * weft_config_fall_back() - where none are in force, use the documents that were kept
 *
 * A reload that fails does so by itself: this is for who does not reload, or tries again.
 *
 * Return: as weft_config_reload(); 0 also if there are none.
 */
int weft_config_fall_back(struct weft_config *config);

/**
 * weft_config_settle() - let documents wait here: for who has no loop yet
 *
 * Return: 0, also if none wait; WEFT_CONFIG_NOT_APPLIED.
 */
int weft_config_settle(struct weft_config *config);

/**
 * weft_config_dispatch() - reload when the store says that something changed
 *
 * Return: 0 nothing to do, or now in force; otherwise as weft_config_reload().
 */
int weft_config_dispatch(struct weft_config *config);

/* Have the executables looked at again, now and then. */
void weft_config_look(struct weft_config *config);

/* Wait for either to become readable, then weft_config_refresh(). */
int weft_config_executables_fd(const struct weft_config *config);
int weft_config_due_fd(const struct weft_config *config);

/**
 * weft_config_refresh() - go on with what executables were found
 *
 * Shows the module those that have become right, and applies documents that wait for
 * theirs no longer. An error is logged once; another attempt follows the next look, or,
 * with documents, weft_config_status.again.
 *
 * Return: 0 nothing to do; 1 there is a new generation; negative errno.
 */
int weft_config_refresh(struct weft_config *config);

struct weft_config_status weft_config_status(const struct weft_config *config);

#endif
