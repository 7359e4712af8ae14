// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Status and self-tests. See nl_status.h.
 */
#include "nl/nl_status.h"

#include <errno.h>
#include <linux/weft.h>
#include "base/array.h"
#include "nl/nl_wire.h"

void weft_nl_status_uninit(struct weft_nl_status *status)
{
	size_t i;

	for (i = 0; i < status->n_counters; i++)
		free(status->counters[i].name);
	free(status->counters);
	free(status->version);
	*status = (struct weft_nl_status){ 0 };
}

static int parse_counter(struct nlattr *nest, struct weft_nl_status *status)
{
	static const struct nla_policy policy[WEFT_COUNTER_A_MAX + 1] = {
		[WEFT_COUNTER_A_NAME] = { .type = NLA_STRING },
		[WEFT_COUNTER_A_VALUE] = { .type = NLA_U64 },
	};
	struct nlattr *tb[WEFT_COUNTER_A_MAX + 1];
	struct weft_nl_counter *counter;

	if (weft_nl_parse(tb, WEFT_COUNTER_A_MAX, nest, policy) || !tb[WEFT_COUNTER_A_NAME])
		return -EPROTO;
	counter = WEFT_ARRAY_APPEND(status->counters, status->n_counters);
	if (!counter)
		return -ENOMEM;
	counter->value = weft_nl_get_u64(tb[WEFT_COUNTER_A_VALUE]);
	return weft_nl_get_string(&counter->name, tb[WEFT_COUNTER_A_NAME]);
}

static int parse_counters(struct nlattr *list, struct weft_nl_status *status)
{
	struct nlattr *pos;
	int rem, r;

	if (!list)
		return 0;
	nla_for_each_nested(pos, list, rem) {
		r = parse_counter(pos, status);
		if (r)
			return r;
	}
	return 0;
}

int weft_nl_status_parse(struct nlattr *nest, struct weft_nl_status *out)
{
	static const struct nla_policy policy[WEFT_STATUS_A_MAX + 1] = {
		[WEFT_STATUS_A_ABI] = { .type = NLA_U32 },
		[WEFT_STATUS_A_VERSION] = { .type = NLA_STRING },
		[WEFT_STATUS_A_GENERATION] = { .type = NLA_U64 },
		[WEFT_STATUS_A_WORKERS] = { .type = NLA_U32 },
		[WEFT_STATUS_A_WORKLOADS] = { .type = NLA_U32 },
		[WEFT_STATUS_A_SERVICES] = { .type = NLA_U32 },
		[WEFT_STATUS_A_ENDPOINTS] = { .type = NLA_U32 },
		[WEFT_STATUS_A_POLICIES] = { .type = NLA_U32 },
		[WEFT_STATUS_A_REVOCATIONS] = { .type = NLA_U32 },
		[WEFT_STATUS_A_PEERS] = { .type = NLA_U32 },
		[WEFT_STATUS_A_SHADOWED] = { .type = NLA_U32 },
		[WEFT_STATUS_A_LISTENERS] = { .type = NLA_U32 },
		[WEFT_STATUS_A_COVERED] = { .type = NLA_U32 },
		[WEFT_STATUS_A_CONNS] = { .type = NLA_U32 },
		[WEFT_STATUS_A_PARKED] = { .type = NLA_U32 },
		[WEFT_STATUS_A_LIVE] = { .type = NLA_U32 },
		[WEFT_STATUS_A_UNDECIDED] = { .type = NLA_U32 },
		[WEFT_STATUS_A_CLOSING] = { .type = NLA_U32 },
		[WEFT_STATUS_A_COUNTERS] = { .type = NLA_NESTED },
		[WEFT_STATUS_A_EPOCH] = { .type = NLA_U64 },
	};
	struct nlattr *tb[WEFT_STATUS_A_MAX + 1];
	struct weft_nl_status s = { 0 };
	int r;

	if (weft_nl_parse(tb, WEFT_STATUS_A_MAX, nest, policy) || !tb[WEFT_STATUS_A_ABI])
		return -EPROTO;
	s.abi = weft_nl_get_u32(tb[WEFT_STATUS_A_ABI]);
	s.generation = weft_nl_get_u64(tb[WEFT_STATUS_A_GENERATION]);
	s.epoch = weft_nl_get_u64(tb[WEFT_STATUS_A_EPOCH]);
	s.workers = weft_nl_get_u32(tb[WEFT_STATUS_A_WORKERS]);
	s.workloads = weft_nl_get_u32(tb[WEFT_STATUS_A_WORKLOADS]);
	s.services = weft_nl_get_u32(tb[WEFT_STATUS_A_SERVICES]);
	s.endpoints = weft_nl_get_u32(tb[WEFT_STATUS_A_ENDPOINTS]);
	s.policies = weft_nl_get_u32(tb[WEFT_STATUS_A_POLICIES]);
	s.revocations = weft_nl_get_u32(tb[WEFT_STATUS_A_REVOCATIONS]);
	s.peers = weft_nl_get_u32(tb[WEFT_STATUS_A_PEERS]);
	s.shadowed = weft_nl_get_u32(tb[WEFT_STATUS_A_SHADOWED]);
	s.listeners = weft_nl_get_u32(tb[WEFT_STATUS_A_LISTENERS]);
	s.covered = weft_nl_get_u32(tb[WEFT_STATUS_A_COVERED]);
	s.conns = weft_nl_get_u32(tb[WEFT_STATUS_A_CONNS]);
	s.parked = weft_nl_get_u32(tb[WEFT_STATUS_A_PARKED]);
	s.live = weft_nl_get_u32(tb[WEFT_STATUS_A_LIVE]);
	s.undecided = weft_nl_get_u32(tb[WEFT_STATUS_A_UNDECIDED]);
	s.closing = weft_nl_get_u32(tb[WEFT_STATUS_A_CLOSING]);
	r = weft_nl_get_string(&s.version, tb[WEFT_STATUS_A_VERSION]);
	if (!r)
		r = parse_counters(tb[WEFT_STATUS_A_COUNTERS], &s);
	if (r)
		weft_nl_status_uninit(&s);
	else
		*out = s;
	return r;
}

static int take(struct nlattr **tb, void *data)
{
	return weft_nl_status_parse(tb[WEFT_A_STATUS], data);
}

int weft_nl_status_get(struct weft_nl *nl, struct weft_nl_status *out, struct weft_error *err)
{
	_cleanup_msg_ struct nl_msg *msg =
		weft_nl_msg(nl, WEFT_CMD_STATUS_GET, 0, WEFT_NL_ROOM_SMALL);

	if (!msg)
		return weft_error_nomem(err);
	return weft_nl_call(nl, msg, take, out, err);
}

int weft_nl_selftest_run(struct weft_nl *nl, struct weft_error *err)
{
	_cleanup_msg_ struct nl_msg *msg =
		weft_nl_msg(nl, WEFT_CMD_SELFTEST_RUN, 0, WEFT_NL_ROOM_SMALL);

	if (!msg)
		return weft_error_nomem(err);
	return weft_nl_call(nl, msg, NULL, NULL, err);
}
