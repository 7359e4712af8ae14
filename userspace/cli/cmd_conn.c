// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * weftctl conn.
 */
#include <stdlib.h>
#include "base/cleanup.h"
#include "base/enums.h"
#include "cli/command.h"
#include "cli/conn_fields.h"
#include "nl/nl_conn.h"

static int print_row(const struct weft_nl_conn *conn, void *data)
{
	_cleanup_free_ char *outcome = weft_conn_outcome(conn);
	struct weft_print *p = data;

	weft_print_row_begin(p);
	weft_print_number(p, "id", conn->id);
	weft_print_string(p, "role", weft_role_name(conn->role));
	weft_print_string(p, "state", weft_state_name(conn->state));
	weft_print_addr(p, "local", &conn->local);
	weft_print_addr(p, "remote", &conn->remote);
	weft_print_string(p, "service", conn->service);
	weft_print_string(p, "workload", conn->workload);
	weft_print_string(p, "peer", conn->peer_identity);
	weft_print_duration(p, "age", conn->age);
	weft_print_string(p, "outcome", outcome);
	weft_print_row_end(p);
	return 0;
}

/* JSON: all the fields; a table has room for the most telling ones. */
static int print_object(const struct weft_nl_conn *conn, void *data)
{
	struct weft_print *p = data;

	weft_print_row_begin(p);
	weft_conn_fields(p, conn);
	weft_print_row_end(p);
	return 0;
}

static int show_all(struct weft_cli *cli, struct weft_print *p)
{
	struct weft_error err = { 0 };

	weft_print_table_begin(p);
	if (weft_nl_conn_dump(cli->nl, cli->json ? print_object : print_row, p, &err))
		return weft_cli_failed(cli, &err);
	weft_print_table_end(p);
	return WEFT_EXIT_DONE;
}

static int show_one(struct weft_cli *cli, uint64_t id, struct weft_print *p)
{
	_cleanup_(weft_nl_conn_uninit) struct weft_nl_conn conn = { 0 };
	struct weft_error err = { 0 };

	if (weft_nl_conn_get(cli->nl, id, &conn, &err))
		return weft_cli_failed(cli, &err);
	weft_print_block_begin(p);
	weft_conn_fields(p, &conn);
	weft_print_block_end(p);
	return WEFT_EXIT_DONE;
}

int weft_conn_show(struct weft_cli *cli)
{
	bool one = *cli->words;
	int code = WEFT_EXIT_DONE;
	struct weft_print *p;
	uint64_t id = 0;

	if (one)
		code = weft_conn_take_id(cli, &id);
	if (!code)
		code = weft_cli_end(cli);
	if (!code)
		code = weft_cli_begin_show(cli, "conn", &p);
	if (code)
		return code;
	return one ? show_one(cli, id, p) : show_all(cli, p);
}

int weft_conn_del(struct weft_cli *cli)
{
	struct weft_error err = { 0 };
	uint64_t id;
	int code = weft_conn_take_id(cli, &id);

	if (!code)
		code = weft_cli_end(cli);
	if (!code)
		code = weft_cli_connect(cli);
	if (code)
		return code;
	if (weft_nl_conn_del(cli->nl, id, &err))
		return weft_cli_failed(cli, &err);
	return WEFT_EXIT_DONE;
}
