/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state directory: what outlives the daemon beside the CA. It holds the
 * trust domain, fixed at the first start, and a lock, so that one daemon at a
 * time uses it. Main thread, at start.
 */
#ifndef WEFT_DAEMON_STATE_H
#define WEFT_DAEMON_STATE_H

#include "base/error.h"

/* Initialise with WEFT_STATE_INIT. */
struct weft_state {
	int lock_fd;
	char *trust_domain;
	char *ca_dir;
};

#define WEFT_STATE_INIT { .lock_fd = -1 }

/**
 * weft_state_open() - take the state directory, make it when there is none (0700)
 * @state: ended by weft_state_close(), on failure untouched
 * @dir: absolute path
 * @ca_dir: where the CA is; NULL: "ca" in @dir
 * @trust_domain: what the command line says, or NULL
 *
 * Return: 0; -EBUSY another daemon has it; -EEXIST another trust domain was set
 * before; -EINVAL what is stored is no trust domain; what the calls on the
 * files give.
 */
int weft_state_open(struct weft_state *state, const char *dir, const char *ca_dir,
		    const char *trust_domain, struct weft_error *err);

void weft_state_close(struct weft_state *state);

#endif
