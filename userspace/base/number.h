/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers and durations as people write them. Pure; any thread.
 */
#ifndef WEFT_BASE_NUMBER_H
#define WEFT_BASE_NUMBER_H

#include <stddef.h>
#include <stdint.h>

/**
 * weft_number_parse() - a decimal number: digits only, no sign, no blanks
 *
 * Return: 0; -EINVAL not a number; -ERANGE not in @min..@max.
 */
int weft_number_parse(const char *text, uint64_t min, uint64_t max, uint64_t *value);

/**
 * weft_duration_parse() - "250ms", "2s", "1.5s", "2m", "1h", "1m30s"
 * @ms: milliseconds; a value that is not a whole number of them is refused
 *
 * As Go and the Gateway API (GEP-2257) write durations; a bare "0" is allowed,
 * any other number needs its unit.
 *
 * Return: 0; -EINVAL not a duration; -ERANGE more than 2^53 ms.
 */
int weft_duration_parse(const char *text, uint64_t *ms);

#define WEFT_DURATION_TEXT_MAX 48

/* "0s", "250ms", "2s", "1m30s", "1h2m3.004s". Return: @buf. */
const char *weft_duration_format(uint64_t ms, char *buf);

#endif
