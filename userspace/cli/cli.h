/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One run of weftctl: options, the command, messages, the connection to the
 * module. cmd_<object>.c implement the verbs. One thread.
 *
 * A verb returns the exit code: 0 done, 1 failed, 2 usage; whoever returns 1 or
 * 2 has said why, once, in one line on stderr.
 */
#ifndef WEFT_CLI_CLI_H
#define WEFT_CLI_CLI_H

#include <stdbool.h>
#include <stdio.h>
#include "base/error.h"
#include "cli/print.h"
#include "nl/nl.h"

struct weft_audit_sink;
struct weft_flow_source;
struct weft_flows;
struct weft_object;

#define WEFT_EXIT_DONE 0
#define WEFT_EXIT_FAILED 1
#define WEFT_EXIT_USAGE 2
/* of weftctl simulate: something would be refused; it ends with 2, and usage with 1 */
#define WEFT_EXIT_REFUSED 3

struct weft_cli {
	FILE *out, *err;
	/* how to reach the module; weft_nl_open() but in tests */
	int (*open)(struct weft_nl **nl, struct weft_error *err);
	struct weft_nl *nl; /* once opened */
	const struct weft_object *object; /* of the command */
	struct weft_print *print;
	bool json;
	/* what the messages are about: 'service "web"'; "": nothing special yet */
	char subject[320];
	/* its name alone */
	const char *name;
	/* values of options that only some objects have (command.h); NULL: not given */
	const char *confirm, *state_dir, *since, *journal, *file;
	bool refused;
	/* how to read recorded flows; weft_recorded_read() but in tests */
	int (*read_flows)(const struct weft_flow_source *source, struct weft_flows *flows,
			  struct weft_error *err);
	/* where records of what the CA issues go to; NULL: nowhere */
	const struct weft_audit_sink *audit;
	/* words of the command that are still to be read, NULL at the end */
	char **words;
};

/**
 * weft_cli_run() - all of weftctl
 * @cli: @out, @err and @open are set, the rest is zero
 * @argv: as main() gets it; reordered
 *
 * Return: the exit code.
 */
int weft_cli_run(struct weft_cli *cli, int argc, char **argv);

/* Open the connection when it is not. Return: an exit code. */
int weft_cli_connect(struct weft_cli *cli);

/* The printer, made when first asked for. NULL was said (exit code 1). */
struct weft_print *weft_cli_print(struct weft_cli *cli);

/* The next word, or NULL. */
const char *weft_cli_word(struct weft_cli *cli);

/* The name of the object, into the subject '@kind "name"'. Return: an exit code. */
int weft_cli_take_name(struct weft_cli *cli, const char *kind);

/* The value of keyword @key into @value. Return: an exit code. */
int weft_cli_take_value(struct weft_cli *cli, const char *key, const char **value);

/* Nothing may be left. Return: an exit code. */
int weft_cli_end(struct weft_cli *cli);

/*
 * How a "show [NAME]" and a "del NAME" of @kind begin: the words, the connection,
 * and for show the printer. @cli->name is NULL without a name. Return: an exit code.
 */
int weft_cli_begin_show(struct weft_cli *cli, const char *kind, struct weft_print **print);
int weft_cli_begin_del(struct weft_cli *cli, const char *kind);

/* "weftctl: [subject: ]text". Return: WEFT_EXIT_USAGE. */
int weft_cli_usage(struct weft_cli *cli, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The value of a keyword is wrong: 'key "value": problem'. Return: WEFT_EXIT_USAGE. */
int weft_cli_bad(struct weft_cli *cli, const char *key, const char *value, const char *problem);

/* "weftctl: [subject: ]text" about what is no failure. */
void weft_cli_note(struct weft_cli *cli, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* A call failed; @err says why. Return: WEFT_EXIT_FAILED. */
int weft_cli_failed(struct weft_cli *cli, const struct weft_error *err);

/* Return: WEFT_EXIT_FAILED. */
int weft_cli_nomem(struct weft_cli *cli);

#endif
