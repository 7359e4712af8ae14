/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the verbs of "weftctl ca" share: their words, and opening the CA. They need no
 * module. One thread.
 */
#ifndef WEFT_CLI_CA_H
#define WEFT_CLI_CA_H

#include "base/addr.h"
#include "base/hex.h"
#include "base/strv.h"
#include "cli/command.h"
#include "pki/ca.h"
#include "pki/crypto.h"

#define WEFT_CA_DIR "/var/lib/weft/ca"

/* The values of their keywords; a verb lists those it knows. Initialise with { 0 }. */
struct weft_ca_words {
	const char *dir; /* never NULL once taken */
	const char *trust_domain, *file, *node;
	struct weft_strv identities, without;
	uint64_t ttl, lifetime;  /* s; 0: not given */
	struct weft_addr listen; /* port 0: not given */
};

/**
 * weft_ca_take_words() - the keywords up to the end of the command
 * @known: those of the verb, "dir, file" as the messages show them
 *
 * Return: an exit code; @words needs weft_ca_words_uninit() in any case.
 */
int weft_ca_take_words(struct weft_cli *cli, const char *known, struct weft_ca_words *words);

void weft_ca_words_uninit(struct weft_ca_words *words);

/**
 * weft_ca_open_named() - the CA of the words
 *
 * It is made when it is not there, if its trust domain was given, and never else.
 *
 * Return: an exit code.
 */
int weft_ca_open_named(struct weft_cli *cli, const struct weft_ca_words *words,
		       struct weft_ca **ca);

/* A point in time as a field; 0: none. */
void weft_ca_print_time(struct weft_print *p, const char *key, int64_t time);

/* Where a rotation of the root stands. Initialise with { 0 }. */
struct weft_ca_standing {
	enum weft_ca_step step;
	char signs[WEFT_HEX_SIZE(WEFT_CRYPTO_DIGEST_LEN)]; /* the root that does */
	char other[WEFT_HEX_SIZE(WEFT_CRYPTO_DIGEST_LEN)]; /* the next one or the old one; "": none */
	int64_t since;		/* as time() */
	int64_t until;		/* what the old root has signed may be valid, as time() */
	struct weft_strv waiting; /* for those who do not trust the new root */
};

/**
 * weft_ca_standing_look() - find out
 * @standing: end with weft_ca_standing_uninit() in any case
 *
 * Return: 0; what weft_rotation_waiting() and weft_ca_until() give.
 */
int weft_ca_standing_look(struct weft_ca_standing *standing, const struct weft_ca *ca,
			  const char *dir, struct weft_error *err);

void weft_ca_standing_uninit(struct weft_ca_standing *standing);

/* As fields. */
void weft_ca_print_standing(struct weft_print *p, const struct weft_ca_standing *standing);

/* The second word: token, node and rotate are objects of the CA with verbs of their own. */
weft_verb_fn weft_ca_show, weft_ca_export, weft_ca_rotate, weft_ca_token, weft_ca_node,
	weft_ca_serve;

#endif
