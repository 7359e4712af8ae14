/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What weftctl apply works with: the weftd it is about, and the documents it is
 * given. cmd_apply.c has the verbs, apply.c what they have to know first. One
 * thread.
 */
#ifndef WEFT_CLI_APPLY_H
#define WEFT_CLI_APPLY_H

#include "cli/cli.h"
#include "conf/model.h"
#include "conf/outcome.h"
#include "conf/pending.h"

/* Initialise with { 0 }, .lock = -1. */
struct weft_apply {
	char *state_dir;		/* weftd's */
	bool running;			/* it does */
	bool only_looks;		/* nothing will be changed */
	int lock;			/* excludes other weftctl apply, when taken */
	struct weft_outcome told;	/* what weftd said before the change */
	struct weft_pending_file *files; /* own their texts; names are the command's */
	size_t n_files;
};

void weft_apply_uninit(struct weft_apply *apply);

/* Each returns an exit code (cli.h). */

/* The state directory, and whether weftd runs. */
int weft_apply_find(struct weft_cli *cli, struct weft_apply *apply);

/* Nobody else applies anything from now on, until weft_apply_uninit(). */
int weft_apply_lock(struct weft_cli *cli, struct weft_apply *apply);

/* The files that the rest of the command names; nothing else is looked at. */
int weft_apply_take_files(struct weft_cli *cli, struct weft_apply *apply);

/*
 * What weftd said last; unless @apply only looks, a failure also when it could not
 * undo a change of its documents. After weft_apply_find().
 */
int weft_apply_read_told(struct weft_cli *cli, struct weft_apply *apply);

/* For each file, what stands in its place. After weft_apply_lock(). */
int weft_apply_read_former(struct weft_cli *cli, struct weft_apply *apply);

/* The documents as they would be with the files; weftd would load the same. */
int weft_apply_load(struct weft_cli *cli, const struct weft_apply *apply,
		    struct weft_conf **conf);

/* Notes what the files of @apply say and perhaps do not mean. @conf: loaded with them. */
void weft_apply_advise(struct weft_cli *cli, const struct weft_apply *apply,
		       const struct weft_conf *conf);

/*
 * weft_apply_read_told() and weft_apply_load() with no more rights than weftd has,
 * for who still needs his own afterwards. @conf is written on success; so is @former,
 * unless it is NULL: the documents as they are, NULL when they are wrong.
 */
int weft_apply_look(struct weft_cli *cli, struct weft_apply *apply, struct weft_conf **conf,
		    struct weft_conf **former);

/*
 * Give up all capabilities: documents are parsed, and files written, with no
 * more rights than weftd has. So what weftctl can put in place, weftd can put back.
 */
int weft_apply_drop_rights(struct weft_cli *cli);

#endif
