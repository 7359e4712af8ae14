/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Points in time as people write them. Pure but for the time zone; any thread.
 */
#ifndef WEFT_BASE_WHEN_H
#define WEFT_BASE_WHEN_H

#include <stdint.h>

/**
 * weft_when_parse() - a time in the past, as journalctl --since takes it
 * @text: "2026-11-27", "2026-11-27 14:00", "2026-11-27 14:00:30" (local time),
 *	"14:00", "today", "yesterday", "now", "@1764000000"; or how long ago: "7d",
 *	"-36h", "2 days ago", "1h 30min ago", of s, min, h, d, w
 * @now: microseconds since the epoch
 * @when: the same
 *
 * Return: 0; -EINVAL nothing of the kind; -ERANGE after @now, or before the epoch.
 */
int weft_when_parse(const char *text, uint64_t now, uint64_t *when);

#define WEFT_WHEN_TEXT_MAX 32

/* "2026-11-27 14:00:30 UTC". Return: @buf. */
const char *weft_when_format(uint64_t when, char *buf);

#endif
