/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When something is, as processes of one machine agree on it: which boot, and
 * how long after it. Unlike the time of day, nobody sets that clock. Any thread.
 */
#ifndef WEFT_BASE_BOOT_H
#define WEFT_BASE_BOOT_H

#include <stdint.h>
#include "base/error.h"

#define WEFT_NSEC_PER_MSEC UINT64_C(1000000)
#define WEFT_NSEC_PER_SEC  UINT64_C(1000000000)

/* Nanoseconds since the boot, those asleep too (CLOCK_BOOTTIME). */
uint64_t weft_boot_now(void);

#define WEFT_BOOT_ID_MAX 40

/*
 * What tells this boot from all others. Return: 0 and @id is written; what
 * weft_file_read() gives.
 */
int weft_boot_id(char id[WEFT_BOOT_ID_MAX], struct weft_error *err);

#endif
