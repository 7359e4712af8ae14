// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * weftctl: shows and changes what the weft module of this network namespace
 * does. All of it is in cli.c.
 */
#include "audit/audit.h"
#include "cli/cli.h"
#include "cli/recorded.h"

int main(int argc, char **argv)
{
	struct weft_cli cli = { .out = stdout, .err = stderr, .open = weft_nl_open,
				.read_flows = weft_recorded_read, .audit = &weft_audit_journal };

	return weft_cli_run(&cli, argc, argv);
}
