// SPDX-License-Identifier: GPL-2.0
/*
 * WEFT_CMD_REVOCATION_*. Process context.
 */
#include <linux/slab.h>
#include "generation_priv.h"
#include "genl.h"
#include "names.h"
#include "revocation.h"

const struct nla_policy weft_revocation_policy[WEFT_REVOCATION_A_MAX + 1] = {
	[WEFT_REVOCATION_A_NAME] = { .type = NLA_NUL_STRING },
	[WEFT_REVOCATION_A_IDENTITIES] = NLA_POLICY_NESTED(weft_texts_policy),
	[WEFT_REVOCATION_A_SERIALS] = NLA_POLICY_NESTED(weft_texts_policy),
};

static const struct weft_nla_texts identities = {
	.max = WEFT_REVOKED_MAX, .len = WEFT_IDENTITY_MAX,
	.wrong = weft_identity_wrong,
};

static const struct weft_nla_texts serials = {
	.max = WEFT_REVOKED_MAX, .len = WEFT_SERIAL_MAX,
	.wrong = weft_serial_wrong,
};

static int revocation_parse(struct nlattr **tb, struct weft_revocation *r,
			    struct weft_fault *f)
{
	int err;

	err = weft_nla_name_dup(tb[WEFT_REVOCATION_A_NAME],
				"name of the revocation", &r->name, f);
	if (!err)
		err = weft_nla_texts(tb[WEFT_REVOCATION_A_IDENTITIES],
				     "identities of the revocation",
				     &identities, &r->identities,
				     &r->n_identities, f);
	if (!err)
		err = weft_nla_texts(tb[WEFT_REVOCATION_A_SERIALS],
				     "serials of the revocation", &serials,
				     &r->serials, &r->n_serials, f);
	if (!err && !r->n_identities && !r->n_serials)
		return weft_fault_attr(f, f->nest, -EINVAL,
				       "revocation '%s' revokes nothing; give it an identity or a serial",
				       r->name);
	return err;
}

/* Makes the object a command describes. */
static int revocation_make(const struct genl_info *info,
			   struct weft_revocation **out, struct weft_fault *f)
{
	struct nlattr *tb[WEFT_REVOCATION_A_MAX + 1];
	struct weft_revocation *r;
	int err;

	err = weft_genl_nest(info, WEFT_A_REVOCATION, tb,
			     WEFT_REVOCATION_A_MAX, f);
	if (err)
		return err;
	r = weft_revocation_create();
	if (!r)
		return weft_fault_nomem(f);
	r->owner = weft_genl_owner(info);
	r->wire = nla_len(info->attrs[WEFT_A_REVOCATION]);
	err = revocation_parse(tb, r, f);
	if (err)
		weft_revocation_put(r);
	else
		*out = r;
	return err;
}

int weft_genl_revocation_new(struct sk_buff *skb, struct genl_info *info)
{
	struct weft_revocation *r;
	struct weft_fault f;
	int err;

	weft_fault_init(&f);
	err = revocation_make(info, &r, &f);
	if (!err) {
		err = weft_genl_set(info, WEFT_KIND_REVOCATION, r->name, r,
				    &f);
		weft_revocation_put(r);	/* the tables have their own */
	}
	return weft_genl_end(skb, info, err, &f);
}

static int revocation_fill(struct sk_buff *skb, const void *object,
			   struct weft_net *wn)
{
	struct nlattr *nest = nla_nest_start(skb, WEFT_A_REVOCATION);
	const struct weft_revocation *r = object;

	if (!nest || nla_put_string(skb, WEFT_REVOCATION_A_NAME, r->name) ||
	    nla_put_u32(skb, WEFT_REVOCATION_A_OWNER, r->owner) ||
	    weft_nla_put_strings(skb, WEFT_REVOCATION_A_IDENTITIES,
				 r->identities, r->n_identities) ||
	    weft_nla_put_strings(skb, WEFT_REVOCATION_A_SERIALS, r->serials,
				 r->n_serials))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static const struct weft_genl_kind revocation_kind = {
	.kind = WEFT_KIND_REVOCATION,
	.attr = WEFT_A_REVOCATION,
	.cmd_get = WEFT_CMD_REVOCATION_GET,
	.fill = revocation_fill,
};

int weft_genl_revocation_del(struct sk_buff *skb, struct genl_info *info)
{
	return weft_genl_kind_del(skb, info, &revocation_kind);
}

int weft_genl_revocation_get(struct sk_buff *skb, struct genl_info *info)
{
	return weft_genl_kind_get(skb, info, &revocation_kind);
}

int weft_genl_revocation_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	return weft_genl_kind_dump(skb, cb, &revocation_kind);
}
