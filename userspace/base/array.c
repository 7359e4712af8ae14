// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Arrays that grow by one. See array.h.
 */
#include "base/array.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Capacity is the next power of two, so it need not be kept anywhere. */
void *weft_array_grow(void *array, size_t *count, size_t size)
{
	char *items;
	size_t n = *count;

	memcpy(&items, array, sizeof(items));
	if (!(n & (n - 1))) {
		items = reallocarray(items, n ? n * 2 : 1, size);
		if (!items)
			return NULL;
		memcpy(array, &items, sizeof(items));
	}
	*count = n + 1;
	return memset(items + n * size, 0, size);
}
