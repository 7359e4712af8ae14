/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "Did you mean ...?" Pure; any thread.
 */
#ifndef WEFT_CONF_SUGGEST_H
#define WEFT_CONF_SUGGEST_H

/* The best candidate so far. */
struct weft_suggest {
	const char *word;	/* what was written */
	const char *best;	/* NULL: nothing is near enough */
	unsigned int distance;	/* of @best; before: the first that is too far */
};

/**
 * weft_suggest_distance() - how many slips of the finger lie between two words
 *
 * Letters put in, left out, exchanged for another or with their neighbour
 * ("optimal string alignment"); case counts nothing.
 *
 * Return: 0 the same; UINT_MAX a word is longer than 63 letters.
 */
unsigned int weft_suggest_distance(const char *a, const char *b);

/* Start looking for what @word may have meant: up to a third of it may be wrong. */
void weft_suggest_init(struct weft_suggest *s, const char *word);

/* Consider @candidate, which must outlive @s. The first of the nearest stays. */
void weft_suggest_try(struct weft_suggest *s, const char *candidate);

#endif
