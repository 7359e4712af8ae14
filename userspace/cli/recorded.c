// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The recorded flows that weftctl simulate and suggest speak of. See recorded.h.
 */
#include "cli/recorded.h"

#include <errno.h>
#include <time.h>
#include "base/cleanup.h"
#include "base/enums.h"
#include "base/when.h"
#include "cli/netns.h"
#include "nl/nl_conn.h"

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

uint64_t weft_recorded_begin(const struct weft_recorded *recorded)
{
	uint64_t since = recorded->source.since, begins = recorded->flows.begins;

	return begins > since ? begins : since;
}

/* ---- those that are open ---- */

struct open {
	struct weft_recorded *recorded;
	struct weft_error *err;
};

/* As the records of it would be flows: weft_flows_take(). */
static bool is_let_in(const struct weft_nl_conn *conn)
{
	if (!conn->workload)
		return false;
	if (conn->role == WEFT_ROLE_SERVER)
		return conn->state == WEFT_CONN_LIVE || conn->state == WEFT_CONN_PASS;
	return conn->state == WEFT_CONN_LIVE && conn->service && conn->peer_identity;
}

/* By the clock that the module measures its age with, which stands while the host sleeps. */
static bool is_older(const struct weft_nl_conn *conn, const struct weft_recorded *recorded)
{
	uint64_t begin = weft_recorded_begin(recorded);
	uint64_t recorded_for = recorded->until > begin ? recorded->until - begin : 0;

	return conn->age > recorded_for / 1000;
}

static int take_open(const struct weft_nl_conn *conn, void *data)
{
	char local[WEFT_ADDR_TEXT_MAX], remote[WEFT_ADDR_TEXT_MAX];
	const char *const fields[WEFT_FLOW_FIELDS] = {
		[WEFT_FLOW_VERDICT] = conn->state == WEFT_CONN_PASS ? "pass" : "live",
		[WEFT_FLOW_REASON] = weft_reason_name(conn->reason),
		[WEFT_FLOW_ROLE] = weft_role_name(conn->role),
		[WEFT_FLOW_WORKLOAD] = conn->workload,
		[WEFT_FLOW_SERVICE] = conn->service,
		[WEFT_FLOW_PEER_IDENTITY] = conn->peer_identity,
		[WEFT_FLOW_PEER_SERIAL] = conn->peer_serial,
		[WEFT_FLOW_LOCAL] = weft_addr_format(&conn->local, local),
		[WEFT_FLOW_REMOTE] = weft_addr_format(&conn->remote, remote),
	};
	struct open *open = data;
	int r;

	if (!is_let_in(conn) || !is_older(conn, open->recorded))
		return 0;
	r = weft_flows_take(&open->recorded->flows, fields, open->recorded->until, open->err);
	open->recorded->older += !r;
	return r < 0 ? r : 0;
}

static int load_open(struct weft_cli *cli, struct weft_recorded *recorded, struct weft_error *err)
{
	struct open open = { recorded, err };
	int r = cli->nl ? 0 : cli->open(&cli->nl, err);

	if (r)
		return r == -ENOENT ? 0 : r; /* no module has no connections */
	r = weft_nl_conn_dump(cli->nl, take_open, &open, err);
	if (!r)
		weft_flows_sort(&recorded->flows);
	return r;
}

int weft_recorded_load(struct weft_cli *cli, struct weft_recorded *recorded)
{
	struct weft_error err = { 0 };
	char since[WEFT_WHEN_TEXT_MAX];

	if (cli->read_flows(&recorded->source, &recorded->flows, &err))
		return weft_cli_failed(cli, &err);
	if (!cli->journal && !cli->file && load_open(cli, recorded, &err))
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
