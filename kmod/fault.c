// SPDX-License-Identifier: GPL-2.0
/*
 * The words that go with an errno, see fault.h. Any context, no state.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include "fault.h"

int weft_fault_set(struct weft_fault *f, int err, const char *fmt, ...)
{
	va_list args;

	if (!f)
		return err;
	va_start(args, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, args);
	va_end(args);
	return err;
}

int weft_fault_nomem(struct weft_fault *f)
{
	return weft_fault_set(f, -ENOMEM, "out of memory, nothing was changed");
}
