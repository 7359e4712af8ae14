// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Verbs that objects share. See object.h.
 */
#include "cli/object.h"

#include <stdlib.h>
#include <string.h>
#include "base/cleanup.h"
#include "base/name.h"

int weft_object_take_name(struct weft_cli *cli, char **name)
{
	int code = weft_cli_take_name(cli, cli->object->name);

	if (code)
		return code;
	if (weft_name_problem(cli->name))
		return weft_cli_usage(cli, "%s", weft_name_problem(cli->name));
	*name = strdup(cli->name);
	return *name ? WEFT_EXIT_DONE : weft_cli_nomem(cli);
}

static int put_object(struct weft_cli *cli, bool replace, void *object)
{
	const struct weft_cli_kind *kind = cli->object->kind;
	struct weft_error err = { 0 };
	int code = kind->take(cli, object);

	if (!code)
		code = weft_cli_connect(cli);
	if (code)
		return code;
	if (weft_nl_object_add(cli->nl, kind->nl, object, 0, replace, &err))
		return weft_cli_failed(cli, &err);
	return WEFT_EXIT_DONE;
}

static int put(struct weft_cli *cli, bool replace)
{
	const struct weft_nl_kind *kind = cli->object->kind->nl;
	_cleanup_free_ void *object = calloc(1, kind->size);
	int code;

	if (!object)
		return weft_cli_nomem(cli);
	code = put_object(cli, replace, object);
	kind->uninit(object);
	return code;
}

int weft_object_add(struct weft_cli *cli)
{
	return put(cli, false);
}

int weft_object_replace(struct weft_cli *cli)
{
	return put(cli, true);
}

int weft_object_del(struct weft_cli *cli)
{
	struct weft_error err = { 0 };
	int code = weft_cli_begin_del(cli, cli->object->name);

	if (code)
		return code;
	if (weft_nl_object_del(cli->nl, cli->object->kind->nl, cli->name, &err))
		return weft_cli_failed(cli, &err);
	return WEFT_EXIT_DONE;
}

static int show_one(struct weft_cli *cli, struct weft_print *p, struct weft_error *err)
{
	const struct weft_cli_kind *kind = cli->object->kind;
	_cleanup_free_ void *object = calloc(1, kind->nl->size);
	int r;

	if (!object)
		return weft_error_nomem(err);
	r = weft_nl_object_get(cli->nl, kind->nl, cli->name, object, err);
	if (r)
		return r;
	r = kind->print(object, p);
	kind->nl->uninit(object);
	return r;
}

int weft_object_show(struct weft_cli *cli)
{
	const struct weft_cli_kind *kind = cli->object->kind;
	struct weft_error err = { 0 };
	struct weft_print *p;
	int r, code = weft_cli_begin_show(cli, cli->object->name, &p);

	if (code)
		return code;
	weft_print_table_begin(p);
	r = cli->name ? show_one(cli, p, &err)
		      : weft_nl_object_dump(cli->nl, kind->nl, NULL, kind->print, p, &err);
	if (r)
		return weft_cli_failed(cli, &err);
	weft_print_table_end(p);
	return WEFT_EXIT_DONE;
}
