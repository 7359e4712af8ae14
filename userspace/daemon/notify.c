// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What systemd is told, see notify.h.
 */
#include "daemon/notify.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <time.h>

void weft_notify_ready(void)
{
	sd_notify(0, "READY=1");
}

void weft_notify_reloading(void)
{
	struct timespec now;

	/* systemd tells apart by the time to which reload a READY belongs. */
	clock_gettime(CLOCK_MONOTONIC, &now);
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
		   now.tv_sec * UINT64_C(1000000) + now.tv_nsec / 1000);
}

void weft_notify_stopping(void)
{
	sd_notify(0, "STOPPING=1");
}

void weft_notify_status(const char *fmt, ...)
{
	static char last[512];
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (!strcmp(text, last))
		return;
	strcpy(last, text);
	sd_notifyf(0, "STATUS=%s", text);
}

uint64_t weft_notify_watchdog_interval(void)
{
	uint64_t usec;

	return sd_watchdog_enabled(0, &usec) > 0 ? usec / 2 : 0;
}

void weft_notify_watchdog(void)
{
	sd_notify(0, "WATCHDOG=1");
}
