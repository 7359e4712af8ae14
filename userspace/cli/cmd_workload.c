// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * weftctl workload.
 *
 * unit, cgroup, container, uid, gid, exe and sha256 fill one selector, all of which must match;
 * "or" begins the next.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include "base/array.h"
#include "base/cleanup.h"
#include "base/enums.h"
#include "base/name.h"
#include "cli/object.h"
#include "cli/value.h"
#include "conf/executable.h"
#include "nl/nl_workload.h"

#define WORDS "identity, unit, cgroup, container, uid, gid, exe, sha256, or, mode, port"

/* How often, and ms between, a file is looked at that was written to just now. */
#define EXECUTABLE_TRIES 15
#define EXECUTABLE_WAIT 100

#define NS_PER_S UINT64_C(1000000000)

/* A command line while it is read. */
struct reading {
	struct weft_nl_workload *workload;
	bool selector_open; /* the last one may still get parts */
};

/* The selector that is being filled, begun when there is none. NULL: it was said. */
static struct weft_nl_selector *open_selector(struct weft_cli *cli, struct reading *reading,
					      int *code)
{
	struct weft_nl_workload *workload = reading->workload;

	if (reading->selector_open)
		return &workload->selectors[workload->n_selectors - 1];
	if (workload->n_selectors >= WEFT_SELECTORS_MAX) {
		*code = weft_value_full(cli, "selectors", WEFT_SELECTORS_MAX);
		return NULL;
	}
	if (!WEFT_ARRAY_APPEND(workload->selectors, workload->n_selectors)) {
		*code = weft_cli_nomem(cli);
		return NULL;
	}
	reading->selector_open = true;
	return &workload->selectors[workload->n_selectors - 1];
}

/* A user's or a group's, which @word calls it. */
static int take_id(struct weft_cli *cli, const char *word, bool *has, uint32_t *id)
{
	uint64_t number;
	int code;

	if (*has)
		return weft_value_twice(cli, word);
	/* the last number is "no user", see chown(2) */
	code = weft_value_number(cli, word, 0, UINT32_MAX - 1, &number);
	if (code)
		return code;
	*has = true;
	*id = number;
	return WEFT_EXIT_DONE;
}

static int take_selector_part(struct weft_cli *cli, const char *word, struct reading *reading)
{
	int code = WEFT_EXIT_DONE;
	struct weft_nl_selector *selector = open_selector(cli, reading, &code);

	if (!selector)
		return code;
	if (!strcmp(word, "unit"))
		return weft_value_text(cli, word, weft_unit_problem, &selector->unit);
	if (!strcmp(word, "cgroup"))
		return weft_value_text(cli, word, weft_path_problem, &selector->cgroup);
	if (!strcmp(word, "container"))
		return weft_value_text(cli, word, weft_container_problem, &selector->container);
	if (!strcmp(word, "exe"))
		return weft_value_text(cli, word, weft_path_problem, &selector->exe);
	if (!strcmp(word, "sha256"))
		return weft_value_text(cli, word, weft_sha256_problem, &selector->sha256);
	if (!strcmp(word, "gid"))
		return take_id(cli, word, &selector->has_gid, &selector->gid);
	return take_id(cli, word, &selector->has_uid, &selector->uid);
}

static int take_or(struct weft_cli *cli, struct reading *reading)
{
	if (!reading->selector_open)
		return weft_cli_usage(cli, "or: a selector (unit, cgroup, container, uid, gid, exe) goes before it");
	reading->selector_open = false;
	return WEFT_EXIT_DONE;
}

static int take_port(struct weft_cli *cli, struct weft_nl_workload *workload)
{
	struct weft_nl_port_mode *slot;
	const char *whole, *rest;
	enum weft_mode mode;
	uint16_t port;
	int code = weft_value_port_and(cli, "port", &port, &whole, &rest);

	if (code)
		return code;
	if (!rest)
		return weft_cli_bad(cli, "port", whole,
				    "not PORT:MODE (strict, permissive or disabled)");
	code = weft_value_mode_in(cli, "port", whole, rest, &mode);
	if (code)
		return code;
	if (workload->n_ports >= WEFT_PORTS_MAX)
		return weft_value_full(cli, "port", WEFT_PORTS_MAX);
	slot = WEFT_ARRAY_APPEND(workload->ports, workload->n_ports);
	if (!slot)
		return weft_cli_nomem(cli);
	slot->port = port;
	slot->mode = mode;
	return WEFT_EXIT_DONE;
}

static int take_word(struct weft_cli *cli, const char *word, struct reading *reading)
{
	struct weft_nl_workload *workload = reading->workload;

	if (!strcmp(word, "identity"))
		return weft_value_text(cli, word, weft_identity_problem, &workload->identity);
	if (!strcmp(word, "unit") || !strcmp(word, "cgroup") || !strcmp(word, "container") ||
	    !strcmp(word, "uid") || !strcmp(word, "gid") || !strcmp(word, "exe") ||
	    !strcmp(word, "sha256"))
		return take_selector_part(cli, word, reading);
	if (!strcmp(word, "or"))
		return take_or(cli, reading);
	if (!strcmp(word, "mode"))
		return weft_value_mode(cli, word, &workload->mode);
	if (!strcmp(word, "port"))
		return take_port(cli, workload);
	return weft_value_unknown(cli, word, WORDS);
}

/* Return: is there one that was written to just now? */
static bool look(struct weft_executables *executables)
{
	bool again = false;
	size_t i;

	signal(SIGIO, SIG_IGN);
	for (i = 0; i < executables->count; i++) {
		weft_executable_look(&executables->items[i], 0, NULL, NULL);
		again |= executables->items[i].error == EAGAIN;
	}
	return again;
}

/* Waits for files that were written to just now. Return: 0, -ENOMEM. */
static int attach(struct weft_executables *executables, struct weft_nl_workload *workload,
		  struct weft_strv *problems)
{
	/* at least so long as weft_executable_look() wants */
	unsigned int tries = EXECUTABLE_TRIES;
	int r;

	if (weft_executables_want(executables, workload))
		return -ENOMEM;
	while (look(executables) && --tries)
		poll(NULL, 0, EXECUTABLE_WAIT);
	r = weft_executables_attach(executables, workload, problems);
	return r < 0 ? r : 0;
}

/* What the selectors name with a hash must be there, and have it. */
static int find_executables(struct weft_cli *cli, struct weft_nl_workload *workload)
{
	_cleanup_(weft_executables_uninit) struct weft_executables executables = { 0 };
	_cleanup_(weft_strv_uninit) struct weft_strv problems = { 0 };
	struct weft_error err = { 0 };
	size_t i;

	for (i = 0; i < workload->n_selectors; i++)
		if (workload->selectors[i].sha256 && !workload->selectors[i].exe)
			return weft_cli_usage(cli, "sha256: needs the path, exe, in the same selector");
	if (attach(&executables, workload, &problems))
		return weft_cli_nomem(cli);
	if (!problems.count)
		return WEFT_EXIT_DONE;
	weft_error_set(&err, EINVAL, "%s", problems.items[0]);
	return weft_cli_failed(cli, &err);
}

static int take_workload(struct weft_cli *cli, void *object)
{
	struct weft_nl_workload *workload = object;
	struct reading reading = { .workload = workload };
	const char *word, *last = "";
	int code = weft_object_take_name(cli, &workload->name);

	if (code)
		return code;
	while ((word = weft_cli_word(cli))) {
		code = take_word(cli, word, &reading);
		if (code)
			return code;
		last = word;
	}
	if (!strcmp(last, "or"))
		return weft_cli_usage(cli, "or: a selector (unit, cgroup, container, uid, gid, exe) goes after it");
	if (!workload->identity)
		return weft_cli_usage(cli, "identity: is needed (spiffe://TRUST-DOMAIN/PATH)");
	if (!workload->n_selectors)
		return weft_cli_usage(cli, "a selector is needed (unit, cgroup, container, uid, gid, exe)");
	return find_executables(cli, workload);
}

/* As it is written in a command. */
static void write_selector(FILE *f, const struct weft_nl_selector *selector)
{
	const char *gap = "";

	if (selector->unit) {
		fprintf(f, "unit %s", selector->unit);
		gap = " ";
	}
	if (selector->cgroup) {
		fprintf(f, "%scgroup %s", gap, selector->cgroup);
		gap = " ";
	}
	if (selector->container) {
		fprintf(f, "%scontainer %s", gap, selector->container);
		gap = " ";
	}
	if (selector->has_uid) {
		fprintf(f, "%suid %" PRIu32, gap, selector->uid);
		gap = " ";
	}
	if (selector->has_gid) {
		fprintf(f, "%sgid %" PRIu32, gap, selector->gid);
		gap = " ";
	}
	if (selector->exe)
		fprintf(f, "%sexe %s", gap, selector->exe);
	if (selector->sha256)
		fprintf(f, " sha256 %s", selector->sha256);
}

static char *selectors_text(const struct weft_nl_workload *workload)
{
	char *text = NULL;
	size_t i, len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	for (i = 0; i < workload->n_selectors; i++) {
		fputs(i ? " or " : "", f);
		write_selector(f, &workload->selectors[i]);
	}
	fclose(f);
	return text;
}

static void print_known(struct weft_print *p, const char *key, bool has, uint64_t number)
{
	if (has)
		weft_print_number(p, key, number);
	else
		weft_print_string(p, key, NULL);
}

/* Which file has the hash: the last one the module was shown. */
static void print_file(struct weft_print *p, const struct weft_nl_selector *selector)
{
	print_known(p, "exe_inode", selector->has_file, selector->inode);
	print_known(p, "exe_size", selector->has_file, selector->size);
	print_known(p, "exe_mtime", selector->has_file, selector->mtime / NS_PER_S);
}

static void print_selectors(struct weft_print *p, const struct weft_nl_workload *workload)
{
	_cleanup_free_ char *text = selectors_text(workload);
	const struct weft_nl_selector *selector;
	size_t i;

	weft_print_list_begin(p, "selectors", text);
	for (i = 0; i < workload->n_selectors; i++) {
		selector = &workload->selectors[i];
		weft_print_item_begin(p);
		weft_print_string(p, "unit", selector->unit);
		weft_print_string(p, "cgroup", selector->cgroup);
		weft_print_string(p, "container", selector->container);
		print_known(p, "uid", selector->has_uid, selector->uid);
		print_known(p, "gid", selector->has_gid, selector->gid);
		weft_print_string(p, "exe", selector->exe);
		weft_print_string(p, "sha256", selector->sha256);
		print_file(p, selector);
		weft_print_item_end(p);
	}
	weft_print_list_end(p);
}

static void print_ports(struct weft_print *p, const struct weft_nl_workload *workload)
{
	char text[WEFT_PORTS_MAX * 20 + 1];
	size_t i, len = 0;

	text[0] = '\0';
	for (i = 0; i < workload->n_ports && len < sizeof(text); i++)
		len += snprintf(text + len, sizeof(text) - len, "%s%u:%s", i ? "," : "",
				workload->ports[i].port, weft_mode_name(workload->ports[i].mode));
	weft_print_list_begin(p, "ports", text[0] ? text : NULL);
	for (i = 0; i < workload->n_ports; i++) {
		weft_print_item_begin(p);
		weft_print_number(p, "port", workload->ports[i].port);
		weft_print_string(p, "mode", weft_mode_name(workload->ports[i].mode));
		weft_print_item_end(p);
	}
	weft_print_list_end(p);
}

static int print_workload(const void *object, void *data)
{
	const struct weft_nl_workload *workload = object;
	struct weft_print *p = data;

	weft_print_row_begin(p);
	weft_print_string(p, "name", workload->name);
	weft_print_string(p, "owner", weft_owner_name(workload->owner));
	weft_print_string(p, "mode", weft_mode_name(workload->mode));
	print_ports(p, workload);
	weft_print_string(p, "identity", workload->identity);
	print_selectors(p, workload);
	weft_print_row_end(p);
	return 0;
}

const struct weft_cli_kind weft_cli_kind_workload = {
	.nl = &weft_nl_kind_workload,
	.take = take_workload,
	.print = print_workload,
};
