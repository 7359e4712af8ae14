/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The line of one event, apart from where events come from.
 */
#ifndef WEFT_CLI_MONITOR_H
#define WEFT_CLI_MONITOR_H

#include "cli/print.h"
#include "nl/nl_event.h"

/* @when: as it is to be printed */
void weft_monitor_print(struct weft_print *p, const struct weft_nl_event *event,
			const char *when);

#endif
