/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * weftd as a whole: one main loop (sd-event), the workers' threads beside it.
 *
 *   main thread   configuration, identities, events and audit, systemd, signals
 *   workers       handshakes (worker.h)
 *
 * Called by main.c only.
 */
#ifndef WEFT_DAEMON_DAEMON_H
#define WEFT_DAEMON_DAEMON_H

#include "daemon/options.h"

/**
 * weft_daemon_run() - be weftd until a signal or an error ends it
 * @options: outlives the call
 *
 * SIGTERM, SIGINT: finish the handshakes in hand and end; SIGHUP: read the
 * documents and certificates again. Errors are logged.
 *
 * Return: exit status: 0, 1, WEFT_EXIT_UNAVAILABLE, WEFT_EXIT_CONFIG.
 */
int weft_daemon_run(const struct weft_options *options);

#endif
