// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * weftctl explain.
 */
#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/conn_fields.h"
#include "cli/story.h"
#include "nl/nl_conn.h"

static void print_story(struct weft_print *p, const struct weft_story *story)
{
	weft_print_string(p, "what", story->what);
	weft_print_string(p, "who", story->who);
	weft_print_string(p, "where", story->where);
	weft_print_string(p, "tried", story->tried);
	weft_print_string(p, "peer", story->peer);
	weft_print_string(p, "decided", story->decided);
	weft_print_string(p, "result", story->result);
	weft_print_string(p, "advice", story->advice);
}

/* Text: the story alone; JSON: the fields it was made from beside it. */
static void print(struct weft_cli *cli, struct weft_print *p, const struct weft_nl_conn *conn,
		  const struct weft_story *story)
{
	weft_print_block_begin(p);
	weft_print_group_begin(p, "story", NULL);
	print_story(p, story);
	weft_print_group_end(p);
	if (cli->json) {
		weft_print_group_begin(p, "conn", NULL);
		weft_conn_fields(p, conn);
		weft_print_group_end(p);
	}
	weft_print_block_end(p);
}

int weft_explain(struct weft_cli *cli)
{
	_cleanup_(weft_nl_conn_uninit) struct weft_nl_conn conn = { 0 };
	_cleanup_(weft_story_uninit) struct weft_story story = { 0 };
	struct weft_error err = { 0 };
	struct weft_print *p;
	uint64_t id;
	int code = weft_conn_take_id(cli, &id);

	if (!code)
		code = weft_cli_end(cli);
	if (!code)
		code = weft_cli_begin_show(cli, "conn", &p);
	if (code)
		return code;
	if (weft_nl_conn_get(cli->nl, id, &conn, &err))
		return weft_cli_failed(cli, &err);
	if (weft_story_tell(&story, &conn))
		return weft_cli_nomem(cli);
	print(cli, p, &conn, &story);
	return WEFT_EXIT_DONE;
}
