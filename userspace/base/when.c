// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Points in time as people write them. See when.h.
 */
#include "base/when.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "base/array.h"

#define USEC_PER_SEC UINT64_C(1000000)
#define SECONDS_MAX  UINT64_C(253402300799) /* the end of the year 9999 */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static const char *skip_blanks(const char *p)
{
	return p + strspn(p, " ");
}

/* Digits at *@text, which moves behind them. Return: 0; -EINVAL; -ERANGE. */
static int take_number(const char **text, uint64_t *number)
{
	const char *p = *text;
	uint64_t n = 0;

	if (!is_digit(*p))
		return -EINVAL;
	for (; is_digit(*p); p++) {
		n = n * 10 + (*p - '0');
		if (n > SECONDS_MAX)
			return -ERANGE;
	}
	*number = n;
	*text = p;
	return 0;
}

/* ---- how long ago ---- */

static const struct {
	const char *name;
	uint64_t seconds;
} units[] = {
	{ "s", 1 },	    { "sec", 1 },	{ "second", 1 },    { "seconds", 1 },
	{ "m", 60 },	    { "min", 60 },	{ "minute", 60 },   { "minutes", 60 },
	{ "h", 3600 },	    { "hr", 3600 },	{ "hour", 3600 },   { "hours", 3600 },
	{ "d", 86400 },	    { "day", 86400 },	{ "days", 86400 },
	{ "w", 7 * 86400 }, { "week", 7 * 86400 }, { "weeks", 7 * 86400 },
};

/* The unit at *@text, which moves behind it; 0: none. */
static uint64_t take_unit(const char **text)
{
	size_t len = strspn(*text, "abcdefghijklmnopqrstuvwxyz");

	for (size_t i = 0; i < WEFT_ARRAY_SIZE(units); i++) {
		if (strlen(units[i].name) != len || strncmp(units[i].name, *text, len))
			continue;
		*text += len;
		return units[i].seconds;
	}
	return 0;
}

/* "7d", "1h 30min"; "ago" may follow. */
static int parse_span(const char *text, uint64_t *seconds)
{
	uint64_t sum = 0, number, unit;
	int r;

	do {
		r = take_number(&text, &number);
		if (r)
			return r;
		text = skip_blanks(text);
		unit = take_unit(&text);
		if (!unit)
			return -EINVAL;
		if (number > SECONDS_MAX / unit)
			return -ERANGE;
		sum += number * unit;
		if (sum > SECONDS_MAX)
			return -ERANGE;
		text = skip_blanks(text);
	} while (is_digit(*text));
	if (*text && strcmp(text, "ago"))
		return -EINVAL;
	*seconds = sum;
	return 0;
}

static int parse_ago(const char *text, uint64_t now, uint64_t *when)
{
	uint64_t seconds;
	int r = parse_span(text, &seconds);

	if (r)
		return r;
	if (seconds > now / USEC_PER_SEC)
		return -ERANGE;
	*when = now - seconds * USEC_PER_SEC;
	return 0;
}

/* ---- a day, a time of day ---- */

/* One or two digits at *@text, up to @max; *@text moves behind them. */
static bool take_part(const char **text, unsigned int max, int *part)
{
	const char *p = *text;
	uint64_t number;

	if (take_number(&p, &number) || p - *text > 2 || number > max)
		return false;
	*part = number;
	*text = p;
	return true;
}

static bool take_char(const char **text, char c)
{
	if (**text != c)
		return false;
	++*text;
	return true;
}

/* "14:00", "14:00:30" */
static bool parse_clock(const char *text, struct tm *tm)
{
	int hour, min, sec = 0;

	if (!take_part(&text, 23, &hour) || !take_char(&text, ':') || !take_part(&text, 59, &min))
		return false;
	if (*text && (!take_char(&text, ':') || !take_part(&text, 59, &sec)))
		return false;
	tm->tm_hour = hour;
	tm->tm_min = min;
	tm->tm_sec = sec;
	return !*text;
}

/* "2026-11-27" */
static bool parse_day(const char *text, struct tm *tm)
{
	uint64_t year;
	int month, day;

	if (take_number(&text, &year) || year < 1970 || year > 9999 || !take_char(&text, '-') ||
	    !take_part(&text, 12, &month) || !month || !take_char(&text, '-') ||
	    !take_part(&text, 31, &day) || !day)
		return false;
	tm->tm_year = year - 1900;
	tm->tm_mon = month - 1;
	tm->tm_mday = day;
	return !*text;
}

static bool parse_word(const char *text, struct tm *tm)
{
	if (!strcmp(text, "yesterday"))
		tm->tm_mday--;
	return !strcmp(text, "yesterday") || !strcmp(text, "today");
}

static int parse_date(const char *text, uint64_t now, uint64_t *when)
{
	time_t seconds = now / USEC_PER_SEC;
	const char *clock = strchr(text, ' ');
	struct tm tm = { 0 };
	char day[16];

	if (!localtime_r(&seconds, &tm))
		return -EINVAL;
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	tm.tm_isdst = -1;
	snprintf(day, sizeof(day), "%.*s", (int)(clock ? clock - text : 15), text);
	if (strlen(text) > 15 && !clock)
		return -EINVAL;
	if (clock && !parse_clock(skip_blanks(clock), &tm))
		return -EINVAL;
	if (!parse_day(day, &tm) && !parse_word(day, &tm) && (clock || !parse_clock(day, &tm)))
		return -EINVAL;
	seconds = mktime(&tm);
	if (seconds < 0)
		return -ERANGE;
	*when = seconds * USEC_PER_SEC;
	return 0;
}

static int parse_epoch(const char *text, uint64_t *when)
{
	uint64_t seconds;
	int r = take_number(&text, &seconds);

	if (r || *text)
		return r ? r : -EINVAL;
	*when = seconds * USEC_PER_SEC;
	return 0;
}

int weft_when_parse(const char *text, uint64_t now, uint64_t *when)
{
	uint64_t at = now;
	int r;

	if (*text == '@')
		r = parse_epoch(text + 1, &at);
	else if (*text == '-')
		r = parse_ago(text + 1, now, &at);
	else if (!strcmp(text, "now"))
		r = 0;
	else
		r = parse_date(text, now, &at);
	if (r == -EINVAL && is_digit(*text))
		r = parse_ago(text, now, &at);
	if (!r && at > now)
		r = -ERANGE;
	if (!r)
		*when = at;
	return r;
}

const char *weft_when_format(uint64_t when, char *buf)
{
	time_t seconds = when / USEC_PER_SEC;
	struct tm tm = { 0 };

	if (!gmtime_r(&seconds, &tm) ||
	    !strftime(buf, WEFT_WHEN_TEXT_MAX, "%Y-%m-%d %H:%M:%S UTC", &tm))
		snprintf(buf, WEFT_WHEN_TEXT_MAX, "an unknown time");
	return buf;
}
