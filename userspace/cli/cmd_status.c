// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * weftctl status.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/cleanup.h"
#include "base/lock.h"
#include "cli/command.h"
#include "cli/netns.h"
#include "conf/trouble.h"
#include "nl/nl_status.h"

/* What somebody looking at the status should know, in order of weight; or NULL. */
static const char *notice(const struct weft_nl_status *status)
{
	bool empty = !status->workloads && !status->services;

	if (!status->generation || empty)
		return "nothing is configured, so nothing is meshed: start weftd, or see "
		       "weftctl workload -h and weftctl service -h";
	if (!status->workers)
		return "no daemon takes handshakes: new connections wait, then fail; start weftd";
	return NULL;
}

static void print_counters(struct weft_print *p, const struct weft_nl_status *status)
{
	size_t i;

	for (i = 0; i < status->n_counters; i++)
		weft_print_number(p, status->counters[i].name, status->counters[i].value);
}

/* Return: 1 @trouble is what weftd says; 0 no weftd runs there; negative errno. */
static int read_trouble_in(const char *dir, struct weft_strv *trouble, struct weft_error *err)
{
	_cleanup_free_ char *lock = NULL;
	int ret;

	if (asprintf(&lock, "%s/lock", dir) < 0) {
		lock = NULL;
		return weft_error_nomem(err);
	}
	ret = weft_lock_held(lock, err);
	if (ret <= 0)
		return ret;
	ret = weft_trouble_read(dir, trouble, err);
	return ret && ret != -ENOENT ? ret : !ret;
}

/* Who is not root sees the module alone, as does who is in a namespace that weftd does
 * not know of. Return: as above. */
static int read_trouble(const struct weft_cli *cli, struct weft_strv *trouble,
			struct weft_error *err)
{
	_cleanup_free_ char *dir = NULL;
	int ret;

	if (cli->state_dir) {
		ret = read_trouble_in(cli->state_dir, trouble, err);
		return ret ? ret :
			     weft_error_set(err, ENOENT,
					    "%s: no weftd runs with this state directory",
					    cli->state_dir);
	}
	ret = weft_netns_state_dir(&dir, err);
	if (!ret)
		ret = read_trouble_in(dir, trouble, err);
	return ret == -ENOENT || ret == -EACCES || ret == -EPERM ? 0 : ret;
}

static void print_status(struct weft_print *p, const struct weft_nl_status *status,
			 const struct weft_strv *trouble)
{
	weft_print_block_begin(p);
	weft_print_string(p, "module", status->version);
	weft_print_number(p, "abi", status->abi);
	weft_print_string(p, "notice", notice(status));
	if (trouble)
		weft_print_sentences(p, "trouble", trouble);
	else
		weft_print_string(p, "trouble", NULL);
	weft_print_number(p, "generation", status->generation);
	weft_print_number(p, "workers", status->workers);
	weft_print_number(p, "workloads", status->workloads);
	weft_print_number(p, "services", status->services);
	weft_print_number(p, "endpoints", status->endpoints);
	weft_print_number(p, "policies", status->policies);
	weft_print_number(p, "revocations", status->revocations);
	weft_print_number(p, "peers", status->peers);
	weft_print_number(p, "shadowed", status->shadowed);
	weft_print_number(p, "listeners", status->listeners);
	weft_print_number(p, "covered", status->covered);
	weft_print_number(p, "conns", status->conns);
	weft_print_number(p, "parked", status->parked);
	weft_print_number(p, "live", status->live);
	weft_print_number(p, "closing", status->closing);
	weft_print_number(p, "undecided", status->undecided);
	weft_print_group_begin(p, "counters", "counters");
	print_counters(p, status);
	weft_print_group_end(p);
	weft_print_block_end(p);
}

int weft_status_show(struct weft_cli *cli)
{
	_cleanup_(weft_strv_uninit) struct weft_strv trouble = { 0 };
	struct weft_nl_status status = { 0 };
	struct weft_error err = { 0 };
	struct weft_print *p;
	int code = weft_cli_end(cli), told;

	if (!code)
		code = weft_cli_begin_show(cli, "status", &p);
	if (code)
		return code;
	if (weft_nl_status_get(cli->nl, &status, &err))
		return weft_cli_failed(cli, &err);
	told = read_trouble(cli, &trouble, &err);
	print_status(p, &status, told > 0 ? &trouble : NULL);
	weft_nl_status_uninit(&status);
	return told < 0 ? weft_cli_failed(cli, &err) : WEFT_EXIT_DONE;
}
