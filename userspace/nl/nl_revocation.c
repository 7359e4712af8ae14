// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Revocations. See nl_revocation.h.
 */
#include "nl/nl_revocation.h"

#include <errno.h>
#include "nl/nl_wire.h"

void weft_nl_revocation_uninit(struct weft_nl_revocation *revocation)
{
	weft_strv_uninit(&revocation->identities);
	weft_strv_uninit(&revocation->serials);
	free(revocation->name);
	*revocation = (struct weft_nl_revocation){ 0 };
}

int weft_nl_revocation_put(struct nl_msg *msg, const struct weft_nl_revocation *revocation)
{
	struct nlattr *nest = weft_nl_nest(msg, WEFT_A_REVOCATION);

	if (!nest || weft_nl_put_string(msg, WEFT_REVOCATION_A_NAME, revocation->name) ||
	    weft_nl_put_strv(msg, WEFT_REVOCATION_A_IDENTITIES, &revocation->identities) ||
	    weft_nl_put_strv(msg, WEFT_REVOCATION_A_SERIALS, &revocation->serials))
		return -EMSGSIZE;
	return weft_nl_nest_end(msg, nest);
}

int weft_nl_revocation_parse(struct nlattr *nest, struct weft_nl_revocation *out)
{
	static const struct nla_policy policy[WEFT_REVOCATION_A_MAX + 1] = {
		[WEFT_REVOCATION_A_NAME] = { .type = NLA_STRING },
		[WEFT_REVOCATION_A_IDENTITIES] = { .type = NLA_NESTED },
		[WEFT_REVOCATION_A_SERIALS] = { .type = NLA_NESTED },
		[WEFT_REVOCATION_A_OWNER] = { .type = NLA_U32 },
	};
	struct nlattr *tb[WEFT_REVOCATION_A_MAX + 1];
	struct weft_nl_revocation v = { 0 };
	int r;

	if (weft_nl_parse(tb, WEFT_REVOCATION_A_MAX, nest, policy) || !tb[WEFT_REVOCATION_A_NAME])
		return -EPROTO;
	v.owner = weft_nl_get_u32(tb[WEFT_REVOCATION_A_OWNER]);
	r = weft_nl_get_string(&v.name, tb[WEFT_REVOCATION_A_NAME]);
	if (!r)
		r = weft_nl_get_strv(&v.identities, tb[WEFT_REVOCATION_A_IDENTITIES]);
	if (!r)
		r = weft_nl_get_strv(&v.serials, tb[WEFT_REVOCATION_A_SERIALS]);
	if (r)
		weft_nl_revocation_uninit(&v);
	else
		*out = v;
	return r;
}

WEFT_NL_KIND(revocation,
	.cmd_new = WEFT_CMD_REVOCATION_NEW,
	.cmd_del = WEFT_CMD_REVOCATION_DEL,
	.cmd_get = WEFT_CMD_REVOCATION_GET,
	.nest = WEFT_A_REVOCATION,
	.key = WEFT_REVOCATION_A_NAME);

int weft_nl_revocation_add(struct weft_nl *nl, const struct weft_nl_revocation *revocation,
			   uint32_t txn, bool replace, struct weft_error *err)
{
	return weft_nl_object_add(nl, &weft_nl_kind_revocation, revocation, txn, replace, err);
}
