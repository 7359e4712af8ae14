// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a generation that is not in force would say. See nl_flow.h.
 */
#include "nl/nl_flow.h"

#include <errno.h>
#include <stdlib.h>
#include "nl/nl_wire.h"

void weft_nl_judgment_uninit(struct weft_nl_judgment *judgment)
{
	free(judgment->policy);
	free(judgment->audit);
	free(judgment->revocation);
	free(judgment->registered);
	*judgment = (struct weft_nl_judgment){ 0 };
}

static int take_trial(struct nlattr **tb, void *data)
{
	uint32_t *txn = data;

	*txn = weft_nl_get_u32(tb[WEFT_A_TRANSACTION]);
	return *txn ? 0 : -EPROTO;
}

int weft_nl_trial_begin(struct weft_nl *nl, uint32_t *txn, struct weft_error *err)
{
	_cleanup_msg_ struct nl_msg *msg =
		weft_nl_msg(nl, WEFT_CMD_GENERATION_BEGIN, 0, WEFT_NL_ROOM_SMALL);
	int r;

	if (!msg || nla_put_u32(msg, WEFT_A_TRIAL, 1))
		return weft_error_nomem(err);
	r = weft_nl_call(nl, msg, take_trial, txn, err);
	/* it takes nothing else, so it was the attribute */
	if (r == -EINVAL)
		return weft_error_set(err, EOPNOTSUPP,
				      "the module is older than weftctl and knows no trials: "
				      "load the one of this release (rmmod weft, modprobe weft)");
	return r;
}

static int put(struct nl_msg *msg, uint32_t txn, const struct weft_nl_flow *flow)
{
	struct nlattr *nest;

	if (nla_put_u32(msg, WEFT_A_TRANSACTION, txn))
		return -EMSGSIZE;
	nest = weft_nl_nest(msg, WEFT_A_CONN);
	if (!nest || nla_put_u32(msg, WEFT_CONN_A_ROLE, flow->role) ||
	    weft_nl_put_string(msg, WEFT_CONN_A_WORKLOAD, flow->workload) ||
	    weft_nl_put_string(msg, WEFT_CONN_A_PEER_IDENTITY, flow->peer_identity) ||
	    weft_nl_put_string(msg, WEFT_CONN_A_PEER_SERIAL, flow->peer_serial))
		return -EMSGSIZE;
	if (flow->role == WEFT_ROLE_CLIENT) {
		if (weft_nl_put_string(msg, WEFT_CONN_A_SERVICE, flow->service))
			return -EMSGSIZE;
	} else if (weft_nl_put_ip(msg, WEFT_CONN_A_REMOTE, &flow->peer) ||
		   weft_nl_put_u16_set(msg, WEFT_CONN_A_LOCAL_PORT, flow->port)) {
		return -EMSGSIZE;
	}
	return weft_nl_nest_end(msg, nest);
}

static int take_judgment(struct nlattr **top, void *data)
{
	static const struct nla_policy policy[WEFT_CONN_A_MAX + 1] = {
		[WEFT_CONN_A_REASON] = { .type = NLA_U32 },
		[WEFT_CONN_A_MODE] = { .type = NLA_U32 },
		[WEFT_CONN_A_WORKLOAD] = { .type = NLA_STRING },
		[WEFT_CONN_A_SERVICE] = { .type = NLA_STRING },
		[WEFT_CONN_A_POLICY] = { .type = NLA_STRING },
		[WEFT_CONN_A_AUDIT] = { .type = NLA_STRING },
		[WEFT_CONN_A_REVOCATION] = { .type = NLA_STRING },
		[WEFT_CONN_A_REGISTERED] = { .type = NLA_STRING },
	};
	struct nlattr *tb[WEFT_CONN_A_MAX + 1];
	struct weft_nl_judgment *out = data;

	if (weft_nl_parse(tb, WEFT_CONN_A_MAX, top[WEFT_A_CONN], policy) ||
	    !tb[WEFT_CONN_A_REASON])
		return -EPROTO;
	out->reason = weft_nl_get_u32(tb[WEFT_CONN_A_REASON]);
	out->mode = weft_nl_get_u32(tb[WEFT_CONN_A_MODE]);
	out->has_workload = tb[WEFT_CONN_A_WORKLOAD];
	out->has_service = tb[WEFT_CONN_A_SERVICE];
	return weft_nl_get_string(&out->policy, tb[WEFT_CONN_A_POLICY]) ||
	       weft_nl_get_string(&out->audit, tb[WEFT_CONN_A_AUDIT]) ||
	       weft_nl_get_string(&out->revocation, tb[WEFT_CONN_A_REVOCATION]) ||
	       weft_nl_get_string(&out->registered, tb[WEFT_CONN_A_REGISTERED]) ? -ENOMEM : 0;
}

int weft_nl_flow_judge(struct weft_nl *nl, uint32_t txn, const struct weft_nl_flow *flow,
		       struct weft_nl_judgment *out, struct weft_error *err)
{
	_cleanup_msg_ struct nl_msg *msg =
		weft_nl_msg(nl, WEFT_CMD_FLOW_JUDGE, 0, WEFT_NL_ROOM_SMALL);
	struct weft_nl_judgment judgment = { 0 };
	int r;

	if (!msg)
		return weft_error_nomem(err);
	if (put(msg, txn, flow))
		return weft_nl_too_big(err);
	r = weft_nl_call(nl, msg, take_judgment, &judgment, err);
	if (r) {
		weft_nl_judgment_uninit(&judgment);
		return r;
	}
	*out = judgment;
	return 0;
}
