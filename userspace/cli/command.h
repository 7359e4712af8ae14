/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of objects and their verbs. Constant data in command.c; the
 * functions are in cmd_<object>.c.
 */
#ifndef WEFT_CLI_COMMAND_H
#define WEFT_CLI_COMMAND_H

#include "cli/cli.h"

struct weft_cli_kind;

enum weft_option {
	WEFT_OPTION_CONFIRM = 1 << 0,
	WEFT_OPTION_STATE_DIR = 1 << 1,
	WEFT_OPTION_SINCE = 1 << 2,
	WEFT_OPTION_JOURNAL = 1 << 3,
	WEFT_OPTION_FILE = 1 << 4,
	WEFT_OPTION_REFUSED = 1 << 5,
	/* no option: exit status 2 is an answer of its, and wrong usage is 1 */
	WEFT_OBJECT_ANSWERS = 1 << 6,
};

typedef int weft_verb_fn(struct weft_cli *cli);

struct weft_verb {
	const char *name;
	weft_verb_fn *run;
};

/* An object without verbs has one, named "", that gets all words. */
struct weft_object {
	const char *name;
	const struct weft_verb *verbs; /* the first is the default; ends with a NULL name */
	const char *help;
	const struct weft_cli_kind *kind; /* for the verbs of object.h */
	weft_verb_fn *files; /* when the first word is no verb but a file; gets all words */
	unsigned int options; /* enum weft_option: what it has beside those of all */
};

extern const struct weft_object weft_objects[]; /* ends with a NULL name */
extern const char weft_help[];

/**
 * weft_object_find() - by name or by the beginning of exactly one
 *
 * Return: NULL none or several, which was said.
 */
const struct weft_object *weft_object_find(struct weft_cli *cli, const char *word);

/* Is @word an object whose exit status 2 is an answer? Nothing is said. */
bool weft_object_answers(const char *word);

/* As weft_object_find(), for a verb of @object. */
const struct weft_verb *weft_verb_find(struct weft_cli *cli, const struct weft_object *object,
				       const char *word);

weft_verb_fn weft_status_show;
weft_verb_fn weft_endpoint_show, weft_endpoint_del;
weft_verb_fn weft_conn_show, weft_conn_del;
weft_verb_fn weft_monitor;
weft_verb_fn weft_explain;
weft_verb_fn weft_selftest;
weft_verb_fn weft_apply_files, weft_apply_show, weft_apply_confirm, weft_apply_rollback;
weft_verb_fn weft_simulate, weft_suggest_policies;

#endif
