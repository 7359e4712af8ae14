// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Endpoints. See nl_endpoint.h.
 */
#include "nl/nl_endpoint.h"

#include <errno.h>
#include "nl/nl_wire.h"

void weft_nl_endpoint_uninit(struct weft_nl_endpoint *endpoint)
{
	free(endpoint->service);
	*endpoint = (struct weft_nl_endpoint){ 0 };
}

int weft_nl_endpoint_put(struct nl_msg *msg, const struct weft_nl_endpoint *endpoint)
{
	struct nlattr *nest = weft_nl_nest(msg, WEFT_A_ENDPOINT);

	if (!nest || weft_nl_put_string(msg, WEFT_ENDPOINT_A_SERVICE, endpoint->service) ||
	    weft_nl_put_ip(msg, WEFT_ENDPOINT_A_ADDRESS, &endpoint->addr) ||
	    weft_nl_put_u16_set(msg, WEFT_ENDPOINT_A_PORT, endpoint->addr.port) ||
	    weft_nl_put_u32_set(msg, WEFT_ENDPOINT_A_WEIGHT, endpoint->weight))
		return -EMSGSIZE;
	return weft_nl_nest_end(msg, nest);
}

int weft_nl_endpoint_parse(struct nlattr *nest, struct weft_nl_endpoint *out)
{
	static const struct nla_policy policy[WEFT_ENDPOINT_A_MAX + 1] = {
		[WEFT_ENDPOINT_A_SERVICE] = { .type = NLA_STRING },
		[WEFT_ENDPOINT_A_ADDRESS] = { .minlen = 16, .maxlen = 16 },
		[WEFT_ENDPOINT_A_PORT] = { .type = NLA_U16 },
		[WEFT_ENDPOINT_A_WEIGHT] = { .type = NLA_U32 },
		[WEFT_ENDPOINT_A_OWNER] = { .type = NLA_U32 },
		[WEFT_ENDPOINT_A_ATTEMPTS] = { .type = NLA_U64 },
		[WEFT_ENDPOINT_A_FAILURES] = { .type = NLA_U64 },
		[WEFT_ENDPOINT_A_ACTIVE] = { .type = NLA_U32 },
	};
	struct nlattr *tb[WEFT_ENDPOINT_A_MAX + 1];
	struct weft_nl_endpoint e = { 0 };
	int r;

	if (weft_nl_parse(tb, WEFT_ENDPOINT_A_MAX, nest, policy) ||
	    !tb[WEFT_ENDPOINT_A_SERVICE] || !tb[WEFT_ENDPOINT_A_ADDRESS])
		return -EPROTO;
	weft_nl_get_ip(&e.addr, tb[WEFT_ENDPOINT_A_ADDRESS]);
	e.addr.port = weft_nl_get_u16(tb[WEFT_ENDPOINT_A_PORT]);
	e.weight = weft_nl_get_u32(tb[WEFT_ENDPOINT_A_WEIGHT]);
	e.owner = weft_nl_get_u32(tb[WEFT_ENDPOINT_A_OWNER]);
	e.attempts = weft_nl_get_u64(tb[WEFT_ENDPOINT_A_ATTEMPTS]);
	e.failures = weft_nl_get_u64(tb[WEFT_ENDPOINT_A_FAILURES]);
	e.active = weft_nl_get_u32(tb[WEFT_ENDPOINT_A_ACTIVE]);
	r = weft_nl_get_string(&e.service, tb[WEFT_ENDPOINT_A_SERVICE]);
	if (!r)
		*out = e;
	return r;
}

WEFT_NL_KIND(endpoint,
	.cmd_new = WEFT_CMD_ENDPOINT_NEW,
	.cmd_del = WEFT_CMD_ENDPOINT_DEL,
	.cmd_get = WEFT_CMD_ENDPOINT_GET,
	.nest = WEFT_A_ENDPOINT,
	.key = WEFT_ENDPOINT_A_SERVICE);

int weft_nl_endpoint_add(struct weft_nl *nl, const struct weft_nl_endpoint *endpoint, uint32_t txn,
			 bool replace, struct weft_error *err)
{
	return weft_nl_object_add(nl, &weft_nl_kind_endpoint, endpoint, txn, replace, err);
}

int weft_nl_endpoint_del(struct weft_nl *nl, const char *service, const struct weft_addr *addr,
			 struct weft_error *err)
{
	_cleanup_msg_ struct nl_msg *msg =
		weft_nl_msg(nl, WEFT_CMD_ENDPOINT_DEL, 0, WEFT_NL_ROOM_SMALL);
	struct weft_nl_endpoint key = { .service = (char *)service, .addr = *addr };

	if (!msg)
		return weft_error_nomem(err);
	if (weft_nl_endpoint_put(msg, &key))
		return weft_nl_too_big(err);
	return weft_nl_call(nl, msg, NULL, NULL, err);
}
