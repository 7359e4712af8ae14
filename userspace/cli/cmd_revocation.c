// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * weftctl revocation.
 */
#include <string.h>
#include "base/enums.h"
#include "base/name.h"
#include "base/serial.h"
#include "cli/object.h"
#include "cli/value.h"
#include "nl/nl_revocation.h"

#define WORDS "identity, serial"

static int take_serial(struct weft_cli *cli, struct weft_strv *serials)
{
	char serial[WEFT_SERIAL_SIZE];
	const char *value, *problem;
	int code = weft_cli_take_value(cli, "serial", &value);

	if (code)
		return code;
	problem = weft_serial_parse(value, serial);
	if (problem)
		return weft_cli_bad(cli, "serial", value, problem);
	if (serials->count >= WEFT_REVOKED_MAX)
		return weft_value_full(cli, "serial", WEFT_REVOKED_MAX);
	return weft_strv_add(serials, serial) ? weft_cli_nomem(cli) : WEFT_EXIT_DONE;
}

static int take_word(struct weft_cli *cli, const char *word, struct weft_nl_revocation *revocation)
{
	if (!strcmp(word, "identity"))
		return weft_value_item(cli, word, weft_identity_problem, WEFT_REVOKED_MAX,
				       &revocation->identities);
	if (!strcmp(word, "serial"))
		return take_serial(cli, &revocation->serials);
	return weft_value_unknown(cli, word, WORDS);
}

static int take_revocation(struct weft_cli *cli, void *object)
{
	struct weft_nl_revocation *revocation = object;
	const char *word;
	int code = weft_object_take_name(cli, &revocation->name);

	while (!code && (word = weft_cli_word(cli)))
		code = take_word(cli, word, revocation);
	if (code)
		return code;
	if (!revocation->identities.count && !revocation->serials.count)
		return weft_cli_usage(cli, "an identity or a serial is needed");
	return WEFT_EXIT_DONE;
}

static int print_revocation(const void *object, void *data)
{
	const struct weft_nl_revocation *revocation = object;
	struct weft_print *p = data;

	weft_print_row_begin(p);
	weft_print_string(p, "name", revocation->name);
	weft_print_string(p, "owner", weft_owner_name(revocation->owner));
	weft_print_strings(p, "identities", &revocation->identities);
	weft_print_strings(p, "serials", &revocation->serials);
	weft_print_row_end(p);
	return 0;
}

const struct weft_cli_kind weft_cli_kind_revocation = {
	.nl = &weft_nl_kind_revocation,
	.take = take_revocation,
	.print = print_revocation,
};
