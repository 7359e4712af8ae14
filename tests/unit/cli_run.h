/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Running weftctl within a test: a command line in, what it printed and its exit
 * code out.
 */
#ifndef TESTS_CLI_RUN_H
#define TESTS_CLI_RUN_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli/cli.h"

static char *cli_out, *cli_err; /* of the last run */

/* What weftctl simulate and suggest read; set by their tests. */
static int (*cli_read_flows)(const struct weft_flow_source *source, struct weft_flows *flows,
			     struct weft_error *err);

/* Where records of what the CA issues go to; set by its tests. */
static const struct weft_audit_sink *cli_audit;

static inline int cli_no_module(struct weft_nl **nl, struct weft_error *err)
{
	return weft_error_set(err, ENOENT, "%s", WEFT_NL_NO_MODULE);
}

static inline void cli_forget(void)
{
	free(cli_out);
	free(cli_err);
	cli_out = cli_err = NULL;
}

/* @line is split at blanks; '~' stands for an empty word. */
static inline int cli_run(const char *line,
			  int (*open)(struct weft_nl **nl, struct weft_error *err))
{
	char *copy = strdup(line), *rest = copy, *argv[4096] = { "weftctl" }, *word;
	struct weft_cli cli = { .open = open,
				.read_flows = cli_read_flows,
				.audit = cli_audit };
	size_t out_len, err_len;
	int argc = 1, code;

	cli_forget();
	while ((word = strsep(&rest, " ")) && argc < 4095)
		if (*word)
			argv[argc++] = strcmp(word, "~") ? word : "";
	cli.out = open_memstream(&cli_out, &out_len);
	cli.err = open_memstream(&cli_err, &err_len);
	code = weft_cli_run(&cli, argc, argv);
	fclose(cli.out);
	fclose(cli.err);
	free(copy);
	return code;
}

#endif
