// SPDX-License-Identifier: GPL-2.0
/*
 * The words that go with an errno, see fault.h. Any context, no state.
 */
#include <linux/ctype.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include "fault.h"

void weft_fault_format(struct weft_fault *f, const char *fmt, va_list args)
{
	char *c;

	vsnprintf(f->text, sizeof(f->text), fmt, args);
	for (c = f->text; *c; c++)
		if (!isascii(*c) || !isprint(*c))
			*c = '?';
}

int weft_fault_set(struct weft_fault *f, int err, const char *fmt, ...)
{
	va_list args;

	if (!f)
		return err;
	va_start(args, fmt);
	weft_fault_format(f, fmt, args);
	va_end(args);
	return err;
}

int weft_fault_nomem(struct weft_fault *f)
{
	return weft_fault_set(f, -ENOMEM, "out of memory, nothing was changed");
}
