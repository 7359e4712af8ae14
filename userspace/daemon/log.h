/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's own log: lines on stderr, with journald's priority prefix where
 * journald reads them (sd-daemon(3)). The audit of connections is a separate
 * stream (audit/).
 *
 * Any thread: each line is one write(), which does not wait for journald. Lines that it
 * does not take are dropped; the next one that it takes is preceded by their number.
 */
#ifndef WEFT_DAEMON_LOG_H
#define WEFT_DAEMON_LOG_H

#include <syslog.h>

/* @fmt: without a final newline. */
void weft_log(int priority, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define weft_log_error(...)	weft_log(LOG_ERR, __VA_ARGS__)
#define weft_log_warning(...)	weft_log(LOG_WARNING, __VA_ARGS__)
#define weft_log_notice(...)	weft_log(LOG_NOTICE, __VA_ARGS__)
#define weft_log_info(...)	weft_log(LOG_INFO, __VA_ARGS__)

#endif
