// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Finding the word that was meant. Bounded work: words of up to 63 letters.
 */
#include <ctype.h>
#include <limits.h>
#include <string.h>

#include "conf/suggest.h"

#define WORD_MAX 63

static unsigned int min3(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int m = a < b ? a : b;

	return m < c ? m : c;
}

static int same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Three rows of the table: d[i % 3][j] is the distance of a[0..i) and b[0..j). */
unsigned int weft_suggest_distance(const char *a, const char *b)
{
	unsigned int d[3][WORD_MAX + 1];
	size_t la = strlen(a), lb = strlen(b);

	if (la > WORD_MAX || lb > WORD_MAX)
		return UINT_MAX;
	for (size_t j = 0; j <= lb; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= la; i++) {
		unsigned int *row = d[i % 3], *up = d[(i - 1) % 3], *upup = d[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			row[j] = min3(up[j] + 1, row[j - 1] + 1,
				      up[j - 1] + !same(a[i - 1], b[j - 1]));
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) &&
			    same(a[i - 2], b[j - 1]) && upup[j - 2] + 1 < row[j])
				row[j] = upup[j - 2] + 1;
		}
	}
	return d[la % 3][lb];
}

void weft_suggest_init(struct weft_suggest *s, const char *word)
{
	s->word = word;
	s->best = NULL;
	s->distance = (strlen(word) + 2) / 3 + 1;
}

void weft_suggest_try(struct weft_suggest *s, const char *candidate)
{
	unsigned int distance = weft_suggest_distance(s->word, candidate);

	if (distance >= s->distance)
		return;
	s->distance = distance;
	s->best = candidate;
}
