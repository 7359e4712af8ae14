/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Resources that free themselves at the end of their scope, and handing them
 * on. Header only; any thread.
 */
#ifndef WEFT_BASE_CLEANUP_H
#define WEFT_BASE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))

static inline void weft_free_ptr(void *p)
{
	free(*(void **)p);
}

static inline void weft_close_ptr(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void weft_fclose_ptr(FILE **f)
{
	if (*f)
		fclose(*f);
}

/* Declare with a value: NULL, or -1 for descriptors. */
#define _cleanup_free_ _cleanup_(weft_free_ptr)
#define _cleanup_close_ _cleanup_(weft_close_ptr)
#define _cleanup_fclose_ _cleanup_(weft_fclose_ptr)

/* The value of @p, which no longer owns it. */
#define weft_steal_ptr(p)                          \
	({                                         \
		__typeof__(p) *weft_stolen = &(p); \
		__typeof__(p) weft_value = *weft_stolen; \
		*weft_stolen = NULL;               \
		weft_value;                        \
	})

static inline int weft_steal_fd(int *fd)
{
	int value = *fd;

	*fd = -1;
	return value;
}

#endif
