// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * weftctl suggest: the least policies that let in what was let in.
 */
#include <errno.h>
#include <string.h>
#include "base/cleanup.h"
#include "base/name.h"
#include "cli/apply.h"
#include "cli/command.h"
#include "cli/recorded.h"
#include "conf/least.h"
#include "conf/suggest.h"

static int take_workloads(struct weft_cli *cli, struct weft_strv *only)
{
	const char *word, *problem;

	while ((word = weft_cli_word(cli))) {
		problem = weft_name_problem(word);
		if (problem)
			return weft_cli_bad(cli, "workload", word, problem);
		if (!weft_strv_contains(only, word) && weft_strv_add(only, word))
			return weft_cli_nomem(cli);
	}
	return WEFT_EXIT_DONE;
}

/* The workloads that documents describe: a policy may name no other. */
static int read_documents(struct weft_cli *cli, struct weft_strv *workloads)
{
	_cleanup_(weft_apply_uninit) struct weft_apply apply = { .lock = -1, .only_looks = true };
	_cleanup_(weft_conf_destroy_ptr) struct weft_conf *conf = NULL;
	int code = weft_apply_find(cli, &apply);

	if (!code)
		code = weft_apply_look(cli, &apply, &conf, NULL);
	for (size_t i = 0; !code && i < conf->n_workloads; i++)
		if (weft_strv_add(workloads, conf->workloads[i].object.name))
			code = weft_cli_nomem(cli);
	return code;
}

static bool is_recorded(const struct weft_flows *flows, const char *workload)
{
	for (size_t i = 0; i < flows->count; i++)
		if (flows->items[i]->role == WEFT_ROLE_SERVER &&
		    !strcmp(flows->items[i]->workload, workload))
			return true;
	return false;
}

static int fail_workload(struct weft_cli *cli, const struct weft_least *least, const char *name)
{
	struct weft_suggest s;

	if (least->workloads && weft_strv_contains(least->workloads, name))
		return weft_cli_usage(cli,
				      "workload \"%.200s\": nothing is recorded that arrived there: "
				      "name an earlier time with --since, or leave it out", name);
	weft_suggest_init(&s, name);
	for (size_t i = 0; i < least->flows->count; i++)
		weft_suggest_try(&s, least->flows->items[i]->workload);
	for (size_t i = 0; least->workloads && i < least->workloads->count; i++)
		weft_suggest_try(&s, least->workloads->items[i]);
	return weft_cli_usage(cli, "workload \"%.200s\": no %s has this name%s%s%s", name,
			      least->workloads ? "document of a Workload" : "recorded workload",
			      s.best ? " (did you mean \"" : "", s.best ? s.best : "",
			      s.best ? "\"?)" : "");
}

/* Each that is named is known, and something arrived there. */
static int check_workloads(struct weft_cli *cli, const struct weft_least *least)
{
	for (size_t i = 0; i < least->only->count; i++) {
		const char *name = least->only->items[i];

		if ((least->workloads && !weft_strv_contains(least->workloads, name)) ||
		    !is_recorded(least->flows, name)) {
			fail_workload(cli, least, name);
			return WEFT_EXIT_FAILED;
		}
	}
	return WEFT_EXIT_DONE;
}

static int write_documents(struct weft_cli *cli, const struct weft_least *least)
{
	struct weft_error err = { 0 };
	int r = weft_least_write(least, cli->out, &err);

	if (r == -ENODATA)
		weft_error_set(&err, ENODATA,
			       "nothing that arrived in that time was let in%s: name an earlier "
			       "time with --since%s",
			       least->workloads ? " to a workload that a document describes" : "",
			       least->refused ? "" : ", or take what was refused with --refused");
	return r ? weft_cli_failed(cli, &err) : WEFT_EXIT_DONE;
}

int weft_suggest_policies(struct weft_cli *cli)
{
	_cleanup_(weft_recorded_uninit) struct weft_recorded recorded = { 0 };
	_cleanup_(weft_strv_uninit) struct weft_strv only = { 0 }, workloads = { 0 };
	struct weft_least least = { .flows = &recorded.flows, .only = &only };
	int code = weft_recorded_take(cli, &recorded);

	if (!code && cli->json)
		code = weft_cli_usage(cli, "suggest: it prints documents, which are YAML; leave -j out");
	if (!code)
		code = take_workloads(cli, &only);
	/* what another host recorded is no matter of the documents here */
	if (!code && !cli->journal && !cli->file) {
		least.workloads = &workloads;
		code = read_documents(cli, &workloads);
	}
	if (!code)
		code = weft_recorded_load(cli, &recorded);
	if (!code)
		code = check_workloads(cli, &least);
	if (code)
		return code;
	least.since = recorded.source.since;
	least.until = recorded.until;
	least.open = !cli->journal && !cli->file;
	least.refused = cli->refused;
	return write_documents(cli, &least);
}
