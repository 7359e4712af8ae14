// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * weftctl selftest.
 */
#include <errno.h>
#include "cli/command.h"
#include "nl/nl_status.h"

int weft_selftest(struct weft_cli *cli)
{
	struct weft_error err = { 0 };
	struct weft_print *p;
	int r, code = weft_cli_end(cli);

	if (!code)
		code = weft_cli_begin_show(cli, "selftest", &p);
	if (code)
		return code;
	snprintf(cli->subject, sizeof(cli->subject), "selftest");
	r = weft_nl_selftest_run(cli->nl, &err);
	if (r && r != -EIO)
		return weft_cli_failed(cli, &err);
	weft_print_block_begin(p);
	weft_print_string(p, "selftest", r ? "failed" : "passed");
	weft_print_block_end(p);
	return r ? weft_cli_failed(cli, &err) : WEFT_EXIT_DONE;
}
