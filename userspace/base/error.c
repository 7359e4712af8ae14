// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Error texts. See error.h.
 */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int negative(int error)
{
	return error > 0 ? -error : error;
}

int weft_error_set(struct weft_error *err, int error, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	if (err) {
		va_start(ap, fmt);
		vsnprintf(err->text, sizeof(err->text), fmt, ap);
		va_end(ap);
	}
	errno = saved;
	return negative(error);
}

int weft_error_prefix(struct weft_error *err, int error, const char *fmt, ...)
{
	char old[WEFT_ERROR_MAX];
	int saved = errno;
	va_list ap;
	int len;

	if (err) {
		memcpy(old, err->text, sizeof(old));
		va_start(ap, fmt);
		len = vsnprintf(err->text, sizeof(err->text), fmt, ap);
		va_end(ap);
		if (len >= 0 && (size_t)len < sizeof(err->text) && old[0])
			snprintf(err->text + len, sizeof(err->text) - len, ": %s", old);
	}
	errno = saved;
	return negative(error);
}

int weft_error_nomem(struct weft_error *err)
{
	return weft_error_set(err, ENOMEM, "out of memory");
}
