/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What systemd is told (sd_notify(3)). Without systemd nothing happens. Main
 * thread.
 */
#ifndef WEFT_DAEMON_NOTIFY_H
#define WEFT_DAEMON_NOTIFY_H

#include <stdint.h>

/* Ready, also after weft_notify_reloading(). */
void weft_notify_ready(void);
void weft_notify_reloading(void);
void weft_notify_stopping(void);

/* One line for "systemctl status". Sent only when it differs from the last. */
void weft_notify_status(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Microseconds between signs of life, half of what the unit demands; 0: it demands none. */
uint64_t weft_notify_watchdog_interval(void);

/* All threads are well. */
void weft_notify_watchdog(void);

#endif
