// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * weftctl peer.
 */
#include <string.h>
#include "base/enums.h"
#include "cli/object.h"
#include "cli/value.h"
#include "nl/nl_peer.h"

static int take_peer(struct weft_cli *cli, void *object)
{
	struct weft_nl_peer *peer = object;
	const char *word;
	int code = weft_object_take_name(cli, &peer->name);

	while (!code && (word = weft_cli_word(cli)))
		code = strcmp(word, "ipblock") ? weft_value_unknown(cli, word, "ipblock") :
		       weft_value_network(cli, word, WEFT_NETWORKS_MAX, &peer->networks,
					  &peer->n_networks);
	if (!code && !peer->n_networks)
		return weft_cli_usage(cli, "an ipblock is needed");
	return code;
}

static int print_peer(const void *object, void *data)
{
	const struct weft_nl_peer *peer = object;
	struct weft_print *p = data;

	weft_print_row_begin(p);
	weft_print_string(p, "name", peer->name);
	weft_print_string(p, "owner", weft_owner_name(peer->owner));
	weft_print_networks(p, "ip_blocks", peer->networks, peer->n_networks);
	weft_print_row_end(p);
	return 0;
}

const struct weft_cli_kind weft_cli_kind_peer = {
	.nl = &weft_nl_kind_peer,
	.take = take_peer,
	.print = print_peer,
};
