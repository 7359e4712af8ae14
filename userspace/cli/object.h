/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verbs that objects in the tables share: show, add, replace, del. What
 * differs from one to the next is its kind, in cmd_<object>.c.
 */
#ifndef WEFT_CLI_OBJECT_H
#define WEFT_CLI_OBJECT_H

#include "cli/command.h"
#include "nl/nl_object.h"

struct weft_cli_kind {
	const struct weft_nl_kind *nl;
	/* The words behind add and replace, into an object of zeros. Return: an exit code. */
	int (*take)(struct weft_cli *cli, void *object);
	/* One row; @print is a struct weft_print. Return: 0. */
	weft_nl_object_fn *print;
};

extern const struct weft_cli_kind weft_cli_kind_service, weft_cli_kind_endpoint,
	weft_cli_kind_workload, weft_cli_kind_policy, weft_cli_kind_revocation,
	weft_cli_kind_peer;

/* Of cli->object. */
weft_verb_fn weft_object_show, weft_object_add, weft_object_replace, weft_object_del;

/**
 * weft_object_take_name() - the name an object is to have
 * @name: a copy, the caller's to free; also the subject of messages from now on
 *
 * Return: an exit code.
 */
int weft_object_take_name(struct weft_cli *cli, char **name);

#endif
