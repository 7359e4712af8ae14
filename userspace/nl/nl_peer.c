// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The registry of peers. See nl_peer.h.
 */
#include "nl/nl_peer.h"

#include <errno.h>
#include <stdlib.h>
#include "nl/nl_wire.h"

void weft_nl_peer_uninit(struct weft_nl_peer *peer)
{
	free(peer->networks);
	free(peer->name);
	*peer = (struct weft_nl_peer){ 0 };
}

int weft_nl_peer_put(struct nl_msg *msg, const struct weft_nl_peer *peer)
{
	struct nlattr *nest = weft_nl_nest(msg, WEFT_A_PEER);

	if (!nest || weft_nl_put_string(msg, WEFT_PEER_A_NAME, peer->name) ||
	    weft_nl_put_networks(msg, WEFT_PEER_A_NETWORKS, peer->networks, peer->n_networks))
		return -EMSGSIZE;
	return weft_nl_nest_end(msg, nest);
}

int weft_nl_peer_parse(struct nlattr *nest, struct weft_nl_peer *out)
{
	static const struct nla_policy policy[WEFT_PEER_A_MAX + 1] = {
		[WEFT_PEER_A_NAME] = { .type = NLA_STRING },
		[WEFT_PEER_A_NETWORKS] = { .type = NLA_NESTED },
		[WEFT_PEER_A_OWNER] = { .type = NLA_U32 },
	};
	struct nlattr *tb[WEFT_PEER_A_MAX + 1];
	struct weft_nl_peer p = { 0 };
	int r;

	if (weft_nl_parse(tb, WEFT_PEER_A_MAX, nest, policy) || !tb[WEFT_PEER_A_NAME])
		return -EPROTO;
	p.owner = weft_nl_get_u32(tb[WEFT_PEER_A_OWNER]);
	r = weft_nl_get_string(&p.name, tb[WEFT_PEER_A_NAME]);
	if (!r)
		r = weft_nl_get_networks(&p.networks, &p.n_networks, tb[WEFT_PEER_A_NETWORKS]);
	if (r)
		weft_nl_peer_uninit(&p);
	else
		*out = p;
	return r;
}

WEFT_NL_KIND(peer,
	.cmd_new = WEFT_CMD_PEER_NEW,
	.cmd_del = WEFT_CMD_PEER_DEL,
	.cmd_get = WEFT_CMD_PEER_GET,
	.nest = WEFT_A_PEER,
	.key = WEFT_PEER_A_NAME);

int weft_nl_peer_add(struct weft_nl *nl, const struct weft_nl_peer *peer, uint32_t txn,
		     bool replace, struct weft_error *err)
{
	return weft_nl_object_add(nl, &weft_nl_kind_peer, peer, txn, replace, err);
}
