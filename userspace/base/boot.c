// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Boots and the time since. See boot.h.
 */
#include "base/boot.h"

#include <string.h>
#include <time.h>
#include "base/cleanup.h"
#include "base/file.h"

uint64_t weft_boot_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec * WEFT_NSEC_PER_SEC + ts.tv_nsec;
}

int weft_boot_id(char id[WEFT_BOOT_ID_MAX], struct weft_error *err)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int ret;

	ret = weft_file_read("/proc/sys/kernel/random/boot_id", WEFT_BOOT_ID_MAX - 1, &text, &len,
			     err);
	if (ret)
		return ret;
	text[strcspn(text, "\n")] = '\0';
	memcpy(id, text, strlen(text) + 1);
	return 0;
}
