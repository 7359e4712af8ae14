/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where documents come from. One interface for all stores; a directory
 * (store_dir.c) is the one that is built in.
 *
 * A store belongs to one thread, which waits for its descriptor:
 *
 *   create -> load -> wait for weft_store_fd() -> dispatch -> 1: load ...
 *                            ^                        |
 *                            +---------- 0 -----------+
 */
#ifndef WEFT_CONF_STORE_H
#define WEFT_CONF_STORE_H

#include "base/error.h"
#include "conf/model.h"

struct weft_store;

/* A kind of store; each embeds struct weft_store first. */
struct weft_store_ops {
	int (*load)(struct weft_store *store, struct weft_conf **conf, struct weft_error *err);
	int (*dispatch)(struct weft_store *store, struct weft_error *err);
	void (*destroy)(struct weft_store *store);
};

struct weft_store {
	const struct weft_store_ops *ops;
	int fd;		/* readable: call dispatch */
};

/**
 * weft_store_load - read the whole configuration as it is now
 * @conf: out, the caller's; end it with weft_conf_destroy()
 * @err: out, the first error, see weft_conf_load()
 *
 * Whatever changes after this call began makes a later dispatch return 1, so a
 * failed load may simply be tried again then. Blocks for local files only.
 *
 * Return: as weft_conf_load().
 */
static inline int weft_store_load(struct weft_store *store, struct weft_conf **conf,
				  struct weft_error *err)
{
	return store->ops->load(store, conf, err);
}

/* Wait for it to become readable (level-triggered). Stays the store's. */
static inline int weft_store_fd(const struct weft_store *store)
{
	return store->fd;
}

/**
 * weft_store_dispatch - take what the descriptor has; never blocks
 *
 * Changes that follow each other closely (an editor's, a package's) are
 * reported once, when they have come to rest.
 *
 * Return: 1 the documents changed: load; 0 nothing to do yet; negative errno of
 * the system call that failed: changes may go unnoticed.
 */
static inline int weft_store_dispatch(struct weft_store *store, struct weft_error *err)
{
	return store->ops->dispatch(store, err);
}

/* NULL is fine. */
static inline void weft_store_destroy(struct weft_store *store)
{
	if (store)
		store->ops->destroy(store);
}

/**
 * weft_store_dir_create - a directory of documents, watched with inotify
 * @dir: need not exist yet, its parent must when changes are to be noticed
 * @trust_domain: see weft_conf_load()
 * @store: out, end it with weft_store_destroy()
 *
 * Noticed: files written, renamed into place (editors, package managers,
 * configuration management), removed, linked, given other permissions; the
 * directory removed, replaced or made. Not noticed: changes of a file outside
 * the directory to which a symbolic link leads.
 *
 * Return: 0; -ENOMEM; what inotify_init1(), timerfd_create() and epoll_create1() give.
 */
int weft_store_dir_create(const char *dir, const char *trust_domain, struct weft_store **store,
			  struct weft_error *err);

#endif
