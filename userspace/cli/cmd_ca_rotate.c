// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * weftctl ca rotate: another root for the CA of this host, step by step.
 */
#include <string.h>
#include <time.h>
#include "base/cleanup.h"
#include "cli/ca.h"
#include "join/rotation.h"
#include "pki/ca_rotate.h"

static const char *const step_names[] = {
	[WEFT_CA_STEADY] = "none",
	[WEFT_CA_PREPARED] = "prepared",
	[WEFT_CA_ACTIVATED] = "activated",
};

void weft_ca_standing_uninit(struct weft_ca_standing *standing)
{
	weft_strv_uninit(&standing->waiting);
}

static int fingerprint(X509 *root, char *text, struct weft_error *err)
{
	uint8_t digest[WEFT_CRYPTO_DIGEST_LEN];
	int r = weft_crypto_cert_digest(root, digest, err);

	if (!r)
		weft_hex_format(digest, sizeof(digest), text);
	return r;
}

int weft_ca_standing_look(struct weft_ca_standing *standing, const struct weft_ca *ca,
			  const char *dir, struct weft_error *err)
{
	int64_t now = time(NULL);
	int r;

	standing->step = weft_ca_step(ca);
	standing->since = weft_ca_since(ca);
	r = fingerprint(weft_ca_cert(ca), standing->signs, err);
	if (!r && weft_ca_other(ca))
		r = fingerprint(weft_ca_other(ca), standing->other, err);
	if (!r && standing->step == WEFT_CA_ACTIVATED)
		r = weft_ca_until(ca, now, &standing->until, err);
	return r ? r : weft_rotation_waiting(ca, dir, now, &standing->waiting, err);
}

/* What comes next. */
static const char *advice(const struct weft_ca_standing *standing)
{
	switch (standing->step) {
	case WEFT_CA_STEADY:
		break;
	case WEFT_CA_PREPARED:
		return standing->waiting.count ?
			       "wait: nodes ask for the roots every 10 minutes, a daemon of this "
			       "host looks every 5 seconds" :
			       "all trust the next root: weftctl ca rotate activate";
	case WEFT_CA_ACTIVATED:
		return time(NULL) > standing->until ?
			       "nothing that the old root signed is valid: weftctl ca rotate finish" :
			       "wait until then, and: weftctl ca rotate finish";
	}
	return "no rotation is under way";
}

void weft_ca_print_standing(struct weft_print *p, const struct weft_ca_standing *standing)
{
	bool activated = standing->step == WEFT_CA_ACTIVATED;

	weft_print_string(p, "step", step_names[standing->step]);
	weft_ca_print_time(p, "since", standing->since);
	weft_print_string(p, "next_root", activated ? NULL : standing->other);
	weft_print_string(p, "old_root", activated ? standing->other : NULL);
	weft_print_strings(p, "not_trusted_by", &standing->waiting);
	weft_ca_print_time(p, "finish_after", standing->until);
	weft_print_string(p, "advice", advice(standing));
}

static int show_opened(struct weft_cli *cli, const struct weft_ca *ca, const char *dir)
{
	struct weft_print *p = weft_cli_print(cli);
	struct weft_ca_standing standing = { 0 };
	struct weft_error err = { 0 };
	int r;

	if (!p)
		return WEFT_EXIT_FAILED;
	r = weft_ca_standing_look(&standing, ca, dir, &err);
	if (!r) {
		weft_print_block_begin(p);
		weft_print_string(p, "root", standing.signs);
		weft_ca_print_standing(p, &standing);
		weft_print_block_end(p);
	}
	weft_ca_standing_uninit(&standing);
	return r ? weft_cli_failed(cli, &err) : WEFT_EXIT_DONE;
}

static int run(struct weft_cli *cli, const char *known,
	       int (*step)(const struct weft_ca_words *words, struct weft_error *err))
{
	_cleanup_(weft_ca_close_ptr) struct weft_ca *ca = NULL;
	struct weft_ca_words words = { 0 };
	struct weft_error err = { 0 };
	int code = weft_ca_take_words(cli, known, &words);

	/* Where there is none it says so, and how to make one. */
	if (!code)
		code = weft_ca_open_named(cli, &words, &ca);
	if (!code && step && step(&words, &err))
		code = weft_cli_failed(cli, &err);
	if (!code && !step)
		code = show_opened(cli, ca, words.dir);
	weft_ca_words_uninit(&words);
	return code;
}

static int prepare(const struct weft_ca_words *words, struct weft_error *err)
{
	return weft_ca_prepare(words->dir, err);
}

static int activate(const struct weft_ca_words *words, struct weft_error *err)
{
	return weft_rotation_activate(words->dir, &words->without, err);
}

static int finish(const struct weft_ca_words *words, struct weft_error *err)
{
	return weft_ca_finish(words->dir, time(NULL), err);
}

static int take_back(const struct weft_ca_words *words, struct weft_error *err)
{
	return weft_ca_abort(words->dir, err);
}

static int rotate_show(struct weft_cli *cli)
{
	return run(cli, "dir", NULL);
}

static int rotate_prepare(struct weft_cli *cli)
{
	return run(cli, "dir", prepare);
}

static int rotate_activate(struct weft_cli *cli)
{
	return run(cli, "without, dir", activate);
}

static int rotate_finish(struct weft_cli *cli)
{
	return run(cli, "dir", finish);
}

static int rotate_abort(struct weft_cli *cli)
{
	return run(cli, "dir", take_back);
}

static const struct weft_verb rotate_verbs[] = {
	{ "show", rotate_show },
	{ "prepare", rotate_prepare },
	{ "activate", rotate_activate },
	{ "finish", rotate_finish },
	{ "abort", rotate_abort },
	{ 0 },
};

static const struct weft_object rotate_object = { "ca rotate", rotate_verbs, NULL, NULL, NULL, 0 };

int weft_ca_rotate(struct weft_cli *cli)
{
	const struct weft_verb *verb = rotate_verbs;

	if (*cli->words)
		verb = weft_verb_find(cli, &rotate_object, weft_cli_word(cli));
	return verb ? verb->run(cli) : WEFT_EXIT_USAGE;
}
