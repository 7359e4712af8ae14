// SPDX-License-Identifier: GPL-2.0
/*
 * WEFT_CMD_PEER_*. Process context.
 */
#include <linux/slab.h>
#include "generation_priv.h"
#include "genl.h"
#include "peer.h"

const struct nla_policy weft_peer_policy[WEFT_PEER_A_MAX + 1] = {
	[WEFT_PEER_A_NAME] = { .type = NLA_NUL_STRING },
	[WEFT_PEER_A_NETWORKS] = NLA_POLICY_NESTED(weft_networks_policy),
};

static int peer_parse(struct nlattr **tb, struct weft_mesh_peer *p,
		      struct weft_fault *f)
{
	int err;

	err = weft_nla_name_dup(tb[WEFT_PEER_A_NAME], "name of the peer",
				&p->name, f);
	if (!err)
		err = weft_nla_networks(tb[WEFT_PEER_A_NETWORKS], "the peer",
					&p->networks, &p->n_networks, f);
	if (!err && !p->n_networks)
		return weft_fault_attr(f, f->nest, -EINVAL,
				       "peer '%s' has no address; give it a network",
				       p->name);
	return err;
}

/* Makes the object a command describes. */
static int peer_make(const struct genl_info *info, struct weft_mesh_peer **out,
		     struct weft_fault *f)
{
	struct nlattr *tb[WEFT_PEER_A_MAX + 1];
	struct weft_mesh_peer *p;
	int err;

	err = weft_genl_nest(info, WEFT_A_PEER, tb, WEFT_PEER_A_MAX, f);
	if (err)
		return err;
	p = weft_mesh_peer_create();
	if (!p)
		return weft_fault_nomem(f);
	p->owner = weft_genl_owner(info);
	p->wire = nla_len(info->attrs[WEFT_A_PEER]);
	err = peer_parse(tb, p, f);
	if (err)
		weft_mesh_peer_put(p);
	else
		*out = p;
	return err;
}

int weft_genl_peer_new(struct sk_buff *skb, struct genl_info *info)
{
	struct weft_mesh_peer *p;
	struct weft_fault f;
	int err;

	weft_fault_init(&f);
	err = peer_make(info, &p, &f);
	if (!err) {
		err = weft_genl_set(info, WEFT_KIND_PEER, p->name, p, &f);
		weft_mesh_peer_put(p);	/* the tables have their own */
	}
	return weft_genl_end(skb, info, err, &f);
}

static int peer_fill(struct sk_buff *skb, const void *object,
		     struct weft_net *wn)
{
	struct nlattr *nest = nla_nest_start(skb, WEFT_A_PEER);
	const struct weft_mesh_peer *p = object;

	if (!nest || nla_put_string(skb, WEFT_PEER_A_NAME, p->name) ||
	    nla_put_u32(skb, WEFT_PEER_A_OWNER, p->owner) ||
	    weft_nla_put_networks(skb, WEFT_PEER_A_NETWORKS, p->networks,
				  p->n_networks))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static const struct weft_genl_kind peer_kind = {
	.kind = WEFT_KIND_PEER,
	.attr = WEFT_A_PEER,
	.cmd_get = WEFT_CMD_PEER_GET,
	.fill = peer_fill,
};

int weft_genl_peer_del(struct sk_buff *skb, struct genl_info *info)
{
	return weft_genl_kind_del(skb, info, &peer_kind);
}

int weft_genl_peer_get(struct sk_buff *skb, struct genl_info *info)
{
	return weft_genl_kind_get(skb, info, &peer_kind);
}

int weft_genl_peer_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	return weft_genl_kind_dump(skb, cb, &peer_kind);
}
