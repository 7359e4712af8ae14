/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arrays that grow by one. Not shared between threads.
 */
#ifndef WEFT_BASE_ARRAY_H
#define WEFT_BASE_ARRAY_H

#include <stddef.h>

/**
 * weft_array_grow() - make room for one more element
 * @array: address of the pointer to the first element (NULL: none yet); may move
 * @count: how many there are; raised by one on success
 * @size: of one element
 *
 * Only for arrays that were made by this function from nothing: their room is
 * the next power of two of @count.
 *
 * Return: the new element, zeroed; NULL when out of memory (nothing changed).
 */
void *weft_array_grow(void *array, size_t *count, size_t size);

#define WEFT_ARRAY_APPEND(array, count) \
	((__typeof__(array))weft_array_grow(&(array), &(count), sizeof(*(array))))

#define WEFT_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
