// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The daemon's own log, see log.h. Holds no state.
 */
#include "daemon/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LINE_MAX_LEN 2048

void weft_log(int priority, const char *fmt, ...)
{
	char line[LINE_MAX_LEN];
	size_t len = 0;
	ssize_t written;
	va_list ap;
	int n;

	if (getenv("JOURNAL_STREAM"))
		len = snprintf(line, sizeof(line), "<%d>", LOG_PRI(priority));

	va_start(ap, fmt);
	n = vsnprintf(line + len, sizeof(line) - len - 1, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	len += n;
	if (len > sizeof(line) - 2)
		len = sizeof(line) - 2;
	line[len++] = '\n';

	/* Nowhere to report that the log itself is broken. */
	written = write(STDERR_FILENO, line, len);
	(void)written;
}
