// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The daemon's own log, see log.h. Knows how many lines nobody took, no more.
 */
#include "daemon/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINE_MAX_LEN 2048

static atomic_uint dropped; /* since the last line that was taken */

/*
 * Of journald, which reads a socket, nobody is to wait: it may hang. A stream takes all
 * of so short a line, or nothing. Others that read stderr are waited for: it may be
 * somebody's terminal, which is not for us to make non-blocking.
 */
static bool put(const char *line, size_t len)
{
	ssize_t written = send(STDERR_FILENO, line, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (written < 0 && errno == ENOTSOCK)
		written = write(STDERR_FILENO, line, len);
	return written >= 0 && (size_t)written == len;
}

/* Return: may more follow? */
static bool put_dropped(void)
{
	unsigned int n = atomic_exchange(&dropped, 0);
	char line[128];
	int len;

	if (!n)
		return true;
	len = snprintf(line, sizeof(line), "%s%u lines of this log are missing here: nobody took "
		       "them\n", getenv("JOURNAL_STREAM") ? "<4>" : "", n);
	if (put(line, len))
		return true;
	atomic_fetch_add(&dropped, n);
	return false;
}

void weft_log(int priority, const char *fmt, ...)
{
	char line[LINE_MAX_LEN];
	size_t len = 0;
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

	if (!put_dropped() || !put(line, len))
		atomic_fetch_add(&dropped, 1);
}
