// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Putting attributes into messages and taking them out. See nl_wire.h.
 */
#include "nl/nl_wire.h"

#include <errno.h>
#include <limits.h>
#include <netlink/genl/genl.h>
#include <string.h>
#include "base/array.h"

struct nlattr *weft_nl_nest(struct nl_msg *msg, int type)
{
	/* the kernel is strict about the flag, libnl before 3.5 did not set it */
	return nla_nest_start(msg, type | NLA_F_NESTED);
}

int weft_nl_nest_end(struct nl_msg *msg, struct nlattr *nest)
{
	size_t len = (char *)nlmsg_tail(nlmsg_hdr(msg)) - (char *)nest;

	if (len > USHRT_MAX)
		return -EMSGSIZE;
	nest->nla_len = len;
	return 0;
}

int weft_nl_put_string(struct nl_msg *msg, int type, const char *s)
{
	if (!s)
		return 0;
	return nla_put_string(msg, type, s) ? -EMSGSIZE : 0;
}

int weft_nl_put_u32_set(struct nl_msg *msg, int type, uint32_t value)
{
	return value && nla_put_u32(msg, type, value) ? -EMSGSIZE : 0;
}

int weft_nl_put_u16_set(struct nl_msg *msg, int type, uint16_t value)
{
	return value && nla_put_u16(msg, type, value) ? -EMSGSIZE : 0;
}

int weft_nl_put_ip(struct nl_msg *msg, int type, const struct weft_addr *addr)
{
	return nla_put(msg, type, sizeof(addr->ip), addr->ip) ? -EMSGSIZE : 0;
}

int weft_nl_put_strv(struct nl_msg *msg, int type, const struct weft_strv *list)
{
	struct nlattr *nest;
	size_t i;

	if (!list->count)
		return 0;
	nest = weft_nl_nest(msg, type);
	if (!nest)
		return -EMSGSIZE;
	for (i = 0; i < list->count; i++)
		if (nla_put_string(msg, WEFT_LIST_A_ITEM, list->items[i]))
			return -EMSGSIZE;
	return weft_nl_nest_end(msg, nest);
}

int weft_nl_put_name(struct nl_msg *msg, int nest_type, int attr, const char *name)
{
	struct nlattr *nest = weft_nl_nest(msg, nest_type);

	if (!nest || nla_put_string(msg, attr, name))
		return -EMSGSIZE;
	return weft_nl_nest_end(msg, nest);
}

int weft_nl_get_string(char **out, const struct nlattr *attr)
{
	char *copy;

	if (!attr)
		return 0;
	copy = strdup(nla_data(attr));
	if (!copy)
		return -ENOMEM;
	free(*out);
	*out = copy;
	return 0;
}

void weft_nl_get_ip(struct weft_addr *out, const struct nlattr *attr)
{
	if (attr)
		memcpy(out->ip, nla_data(attr), sizeof(out->ip));
}

int weft_nl_get_strv(struct weft_strv *out, struct nlattr *attr)
{
	struct nlattr *pos;
	int rem;

	if (!attr)
		return 0;
	nla_for_each_nested(pos, attr, rem) {
		/* the policy sees the list, not its items */
		if (nla_len(pos) < 1 || ((char *)nla_data(pos))[nla_len(pos) - 1])
			return -EPROTO;
		if (weft_strv_add(out, nla_data(pos)))
			return -ENOMEM;
	}
	return 0;
}

static int put_network(struct nl_msg *msg, const struct weft_network *net)
{
	struct nlattr *nest = weft_nl_nest(msg, WEFT_LIST_A_ITEM);

	if (!nest || nla_put(msg, WEFT_NETWORK_A_ADDRESS, sizeof(net->ip), net->ip) ||
	    nla_put_u32(msg, WEFT_NETWORK_A_PREFIX, net->len))
		return -EMSGSIZE;
	return weft_nl_nest_end(msg, nest);
}

int weft_nl_put_networks(struct nl_msg *msg, int type, const struct weft_network *networks,
			 size_t n)
{
	struct nlattr *list;
	size_t i;

	if (!n)
		return 0;
	list = weft_nl_nest(msg, type);
	for (i = 0; list && i < n; i++)
		if (put_network(msg, &networks[i]))
			return -EMSGSIZE;
	return list ? weft_nl_nest_end(msg, list) : -EMSGSIZE;
}

int weft_nl_get_networks(struct weft_network **out, size_t *n, struct nlattr *list)
{
	static const struct nla_policy policy[WEFT_NETWORK_A_MAX + 1] = {
		[WEFT_NETWORK_A_ADDRESS] = { .minlen = 16, .maxlen = 16 },
		[WEFT_NETWORK_A_PREFIX] = { .type = NLA_U32 },
	};
	struct nlattr *tb[WEFT_NETWORK_A_MAX + 1], *pos;
	struct weft_network *net;
	int rem;

	if (!list)
		return 0;
	nla_for_each_nested(pos, list, rem) {
		if (weft_nl_parse(tb, WEFT_NETWORK_A_MAX, pos, policy) ||
		    !tb[WEFT_NETWORK_A_ADDRESS])
			return -EPROTO;
		net = WEFT_ARRAY_APPEND(*out, *n);
		if (!net)
			return -ENOMEM;
		memcpy(net->ip, nla_data(tb[WEFT_NETWORK_A_ADDRESS]), sizeof(net->ip));
		net->len = weft_nl_get_u32(tb[WEFT_NETWORK_A_PREFIX]);
	}
	return 0;
}

uint32_t weft_nl_get_u32(const struct nlattr *attr)
{
	return attr ? nla_get_u32(attr) : 0;
}

uint16_t weft_nl_get_u16(const struct nlattr *attr)
{
	return attr ? nla_get_u16(attr) : 0;
}

uint64_t weft_nl_get_u64(const struct nlattr *attr)
{
	return attr ? nla_get_u64(attr) : 0;
}

int weft_nl_parse(struct nlattr **tb, int max, struct nlattr *nest,
		  const struct nla_policy *policy)
{
	if (!nest)
		return -EPROTO;
	/* libnl before 3.8 did not write to a const policy, but said it might */
	return nla_parse_nested(tb, max, nest, (struct nla_policy *)policy) ? -EPROTO : 0;
}

int weft_nl_parse_top(struct nlmsghdr *hdr, struct nlattr **tb)
{
	static const struct nla_policy policy[WEFT_A_MAX + 1] = {
		[WEFT_A_TRANSACTION] = { .type = NLA_U32 },
		[WEFT_A_GENERATION] = { .type = NLA_U64 },
		[WEFT_A_FD] = { .type = NLA_S32 },
		[WEFT_A_STATUS] = { .type = NLA_NESTED },
		[WEFT_A_WORKLOAD] = { .type = NLA_NESTED },
		[WEFT_A_SERVICE] = { .type = NLA_NESTED },
		[WEFT_A_ENDPOINT] = { .type = NLA_NESTED },
		[WEFT_A_POLICY] = { .type = NLA_NESTED },
		[WEFT_A_REVOCATION] = { .type = NLA_NESTED },
		[WEFT_A_PEER] = { .type = NLA_NESTED },
		[WEFT_A_CONN] = { .type = NLA_NESTED },
		[WEFT_A_EVENT] = { .type = NLA_U32 },
	};

	return genlmsg_parse(hdr, 0, tb, WEFT_A_MAX, (struct nla_policy *)policy) ? -EPROTO : 0;
}

int weft_nl_too_big(struct weft_error *err)
{
	return weft_error_set(err, EMSGSIZE, "does not fit into one message of 64 KiB");
}
