/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of objects and their verbs. Constant data in command.c; the
 * functions are in cmd_<object>.c.
 */
#ifndef WEFT_CLI_COMMAND_H
#define WEFT_CLI_COMMAND_H

#include "cli/cli.h"

struct weft_cli_kind;

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
};

extern const struct weft_object weft_objects[]; /* ends with a NULL name */
extern const char weft_help[];

/**
 * weft_object_find() - by name or by the beginning of exactly one
 *
 * Return: NULL none or several, which was said.
 */
const struct weft_object *weft_object_find(struct weft_cli *cli, const char *word);

/* The same for a verb of @object. */
const struct weft_verb *weft_verb_find(struct weft_cli *cli, const struct weft_object *object,
				       const char *word);

weft_verb_fn weft_status_show;
weft_verb_fn weft_endpoint_show, weft_endpoint_del;
weft_verb_fn weft_conn_show, weft_conn_del;
weft_verb_fn weft_monitor;
weft_verb_fn weft_explain;
weft_verb_fn weft_selftest;
weft_verb_fn weft_apply_files, weft_apply_show, weft_apply_confirm, weft_apply_rollback;

#endif
