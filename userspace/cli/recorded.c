// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The recorded flows that weftctl simulate and suggest speak of. See recorded.h.
 */
#include "cli/recorded.h"

#include <errno.h>
#include <time.h>
#include "base/cleanup.h"
#include "base/when.h"
#include "cli/netns.h"

#define SINCE_DEFAULT "7d"

void weft_recorded_uninit(struct weft_recorded *recorded)
{
	weft_flows_uninit(&recorded->flows);
}

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * UINT64_C(1000000) + ts.tv_nsec / 1000;
}

int weft_recorded_take(struct weft_cli *cli, struct weft_recorded *recorded)
{
	const char *since = cli->since ? cli->since : SINCE_DEFAULT;
	int r;

	recorded->until = now();
	r = weft_when_parse(since, recorded->until, &recorded->source.since);
	if (r == -ERANGE)
		return weft_cli_bad(cli, "--since", since, "must lie in the past, since 1970");
	if (r)
		return weft_cli_bad(cli, "--since", since,
				    "not a time such as 7d, \"2 hours ago\", yesterday, "
				    "\"2026-11-27 14:00\" or @1764000000");
	if (cli->journal && cli->file)
		return weft_cli_usage(cli, "--journal, --file: only one of them");
	recorded->source.dir = cli->journal;
	recorded->source.file = cli->file;
	return WEFT_EXIT_DONE;
}

int weft_recorded_load(struct weft_cli *cli, struct weft_recorded *recorded)
{
	struct weft_error err = { 0 };
	char since[WEFT_WHEN_TEXT_MAX];

	if (cli->read_flows(&recorded->source, &recorded->flows, &err))
		return weft_cli_failed(cli, &err);
	if (recorded->flows.count)
		return WEFT_EXIT_DONE;
	weft_error_set(&err, ENODATA,
		       "no connection is recorded since %s%s: name an earlier time with --since, or "
		       "another journal with --journal; \"journalctl -u weftd\" (weftd@NAME in a "
		       "network namespace) shows what there is",
		       weft_when_format(recorded->source.since, since),
		       recorded->flows.unreadable ? " (but damaged records)" : "");
	return weft_cli_failed(cli, &err);
}

int weft_recorded_read(const struct weft_flow_source *source, struct weft_flows *flows,
		       struct weft_error *err)
{
	struct weft_flow_source of_unit = *source;
	_cleanup_free_ char *unit = NULL;
	int r = weft_netns_unit(&unit, err);

	if (r)
		return r;
	of_unit.unit = unit;
	return weft_flows_read(&of_unit, flows, err);
}
