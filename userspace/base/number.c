// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Numbers and durations. See number.h.
 */
#include "base/number.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "base/array.h"

#define DURATION_MAX (UINT64_C(1) << 53) /* ms; exact in JSON */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

int weft_number_parse(const char *text, uint64_t min, uint64_t max, uint64_t *value)
{
	uint64_t sum = 0;
	bool over = false;

	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		if (!is_digit(*text))
			return -EINVAL;
		over |= __builtin_mul_overflow(sum, 10, &sum);
		over |= __builtin_add_overflow(sum, (uint64_t)(*text - '0'), &sum);
	}
	if (over || sum < min || sum > max)
		return -ERANGE;
	*value = sum;
	return 0;
}

static const struct {
	const char *name;
	uint64_t ms;
} units[] = { { "ms", 1 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 } };

/* The unit at *@text, which moves behind it; 0: none. */
static uint64_t take_unit(const char **text)
{
	size_t i, len;

	for (i = 0; i < WEFT_ARRAY_SIZE(units); i++) {
		len = strlen(units[i].name);
		if (!strncmp(*text, units[i].name, len)) {
			*text += len;
			return units[i].ms;
		}
	}
	return 0;
}

/* One "NUMBER[.FRACTION]UNIT" at *@text, which moves behind it. */
static int take_term(const char **text, uint64_t *ms)
{
	uint64_t whole = 0, fraction = 0, scale = 1, unit;
	const char *p = *text;

	if (!is_digit(*p))
		return -EINVAL;
	for (; is_digit(*p); p++) {
		if (whole > DURATION_MAX / 10)
			return -ERANGE;
		whole = whole * 10 + (*p - '0');
	}
	if (*p == '.') {
		if (!is_digit(*++p))
			return -EINVAL;
		for (; is_digit(*p); p++) {
			if (scale > 100000000)
				return -EINVAL; /* finer than any unit divides */
			fraction = fraction * 10 + (*p - '0');
			scale *= 10;
		}
	}
	unit = take_unit(&p);
	if (!unit || fraction * unit % scale)
		return -EINVAL;
	if (whole > DURATION_MAX / unit)
		return -ERANGE;
	*ms = whole * unit + fraction * unit / scale;
	*text = p;
	return 0;
}

int weft_duration_parse(const char *text, uint64_t *ms)
{
	uint64_t sum = 0, term;
	int r;

	if (!strcmp(text, "0")) {
		*ms = 0;
		return 0;
	}
	do {
		r = take_term(&text, &term);
		if (r)
			return r;
		sum += term;
		if (sum > DURATION_MAX)
			return -ERANGE;
	} while (*text);
	*ms = sum;
	return 0;
}

const char *weft_duration_format(uint64_t ms, char *buf)
{
	uint64_t h = ms / 3600000, m = ms / 60000 % 60, s = ms / 1000 % 60;
	unsigned int rest = ms % 1000, digits = 3;
	size_t len = 0;

	if (ms < 1000) {
		snprintf(buf, WEFT_DURATION_TEXT_MAX, ms ? "%ums" : "%us", (unsigned int)ms);
		return buf;
	}
	buf[0] = '\0';
	if (h)
		len += snprintf(buf + len, WEFT_DURATION_TEXT_MAX - len, "%" PRIu64 "h", h);
	if (m)
		len += snprintf(buf + len, WEFT_DURATION_TEXT_MAX - len, "%" PRIu64 "m", m);
	for (; rest && rest % 10 == 0; rest /= 10)
		digits--;
	if (rest)
		snprintf(buf + len, WEFT_DURATION_TEXT_MAX - len, "%" PRIu64 ".%0*us", s, digits,
			 rest);
	else if (s)
		snprintf(buf + len, WEFT_DURATION_TEXT_MAX - len, "%" PRIu64 "s", s);
	return buf;
}
