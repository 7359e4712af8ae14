// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the verbs of "weftctl ca" share. See ca.h.
 */
#include "cli/ca.h"

#include <errno.h>
#include <string.h>
#include "base/number.h"
#include "cli/value.h"
#include "join/grant.h"

/* Is @word in the list @known, whose items ", " separates? */
static bool is_known(const char *known, const char *word)
{
	size_t len = strlen(word), n;

	for (; *known; known += n + 2 * !!known[n]) {
		n = strcspn(known, ",");
		if (n == len && !memcmp(known, word, len))
			return true;
	}
	return false;
}

static int take_text(struct weft_cli *cli, const char *key, const char **out)
{
	if (*out)
		return weft_value_twice(cli, key);
	return weft_cli_take_value(cli, key, out);
}

/* A duration of whole seconds. */
static int take_seconds(struct weft_cli *cli, const char *key, uint64_t *out)
{
	const char *value;
	uint64_t ms;
	int code;

	if (*out)
		return weft_value_twice(cli, key);
	code = weft_cli_take_value(cli, key, &value);
	if (code)
		return code;
	if (weft_duration_parse(value, &ms) || !ms || ms % 1000)
		return weft_cli_bad(cli, key, value, "not a duration of whole seconds (12h, 30m)");
	*out = ms / 1000;
	return WEFT_EXIT_DONE;
}

static int take_listen(struct weft_cli *cli, struct weft_addr *out)
{
	const char *value;
	int code;

	if (out->port)
		return weft_value_twice(cli, "listen");
	code = weft_cli_take_value(cli, "listen", &value);
	if (code)
		return code;
	if (weft_addr_parse(out, value) || !out->port)
		return weft_cli_bad(cli, "listen", value, "not ADDRESS:PORT ([IPv6]:PORT)");
	return WEFT_EXIT_DONE;
}

static int take_word(struct weft_cli *cli, const char *word, struct weft_ca_words *words)
{
	const char *value;
	int code;

	if (!strcmp(word, "dir"))
		return take_text(cli, word, &words->dir);
	if (!strcmp(word, "trust-domain"))
		return take_text(cli, word, &words->trust_domain);
	if (!strcmp(word, "file"))
		return take_text(cli, word, &words->file);
	if (!strcmp(word, "node"))
		return take_text(cli, word, &words->node);
	if (!strcmp(word, "ttl"))
		return take_seconds(cli, word, &words->ttl);
	if (!strcmp(word, "lifetime"))
		return take_seconds(cli, word, &words->lifetime);
	if (!strcmp(word, "listen"))
		return take_listen(cli, &words->listen);
	code = weft_cli_take_value(cli, word, &value);
	if (code)
		return code;
	if (!strcmp(word, "without"))
		return weft_strv_add(&words->without, value) ? weft_cli_nomem(cli) :
								  WEFT_EXIT_DONE;
	/* identity: what it may be depends on the CA */
	if (words->identities.count == WEFT_GRANTS_MAX)
		return weft_value_full(cli, word, WEFT_GRANTS_MAX);
	return weft_strv_add(&words->identities, value) ? weft_cli_nomem(cli) : WEFT_EXIT_DONE;
}

int weft_ca_take_words(struct weft_cli *cli, const char *known, struct weft_ca_words *words)
{
	const char *word;
	int code;

	while ((word = weft_cli_word(cli))) {
		if (!is_known(known, word))
			return weft_value_unknown(cli, word, known);
		code = take_word(cli, word, words);
		if (code)
			return code;
	}
	if (!words->dir)
		words->dir = WEFT_CA_DIR;
	return WEFT_EXIT_DONE;
}

void weft_ca_words_uninit(struct weft_ca_words *words)
{
	weft_strv_uninit(&words->identities);
	weft_strv_uninit(&words->without);
}

int weft_ca_open_named(struct weft_cli *cli, const struct weft_ca_words *words,
		       struct weft_ca **ca)
{
	struct weft_error err = { 0 };
	int r;

	if (words->trust_domain)
		r = weft_ca_open_or_create(words->dir, words->trust_domain, ca, &err);
	else
		r = weft_ca_open(words->dir, ca, &err);
	if (!r)
		return WEFT_EXIT_DONE;
	if (r == -ENOENT && !words->trust_domain)
		weft_error_set(&err, r,
			       "%s: there is no CA: name its directory (dir DIR), or make one "
			       "(weftctl ca serve or token add, with trust-domain NAME)",
			       words->dir);
	return weft_cli_failed(cli, &err);
}

void weft_ca_print_time(struct weft_print *p, const char *key, int64_t time)
{
	char text[WEFT_CRYPTO_TIME_MAX];

	weft_print_string(p, key, time ? weft_crypto_time_format(time, text) : NULL);
}
