// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Services. See nl_service.h.
 */
#include "nl/nl_service.h"

#include <errno.h>
#include "base/array.h"
#include "nl/nl_wire.h"

void weft_nl_service_uninit(struct weft_nl_service *service)
{
	weft_strv_uninit(&service->identities);
	free(service->addresses);
	free(service->ports);
	free(service->name);
	*service = (struct weft_nl_service){ 0 };
}

static int put_addresses(struct nl_msg *msg, const struct weft_nl_service *service)
{
	struct nlattr *list;
	size_t i;

	if (!service->n_addresses)
		return 0;
	list = weft_nl_nest(msg, WEFT_SERVICE_A_ADDRESSES);
	if (!list)
		return -EMSGSIZE;
	for (i = 0; i < service->n_addresses; i++)
		if (weft_nl_put_ip(msg, WEFT_LIST_A_ITEM, &service->addresses[i]))
			return -EMSGSIZE;
	return weft_nl_nest_end(msg, list);
}

static int put_ports(struct nl_msg *msg, const struct weft_nl_service *service)
{
	struct nlattr *list, *nest;
	size_t i;

	if (!service->n_ports)
		return 0;
	list = weft_nl_nest(msg, WEFT_SERVICE_A_PORTS);
	for (i = 0; list && i < service->n_ports; i++) {
		nest = weft_nl_nest(msg, WEFT_LIST_A_ITEM);
		if (!nest || nla_put_u16(msg, WEFT_PORT_A_PORT, service->ports[i].port) ||
		    weft_nl_put_u16_set(msg, WEFT_PORT_A_TARGET, service->ports[i].target) ||
		    weft_nl_nest_end(msg, nest))
			return -EMSGSIZE;
	}
	return list ? weft_nl_nest_end(msg, list) : -EMSGSIZE;
}

int weft_nl_service_put(struct nl_msg *msg, const struct weft_nl_service *service)
{
	struct nlattr *nest = weft_nl_nest(msg, WEFT_A_SERVICE);

	if (!nest || weft_nl_put_string(msg, WEFT_SERVICE_A_NAME, service->name) ||
	    put_addresses(msg, service) || put_ports(msg, service) ||
	    weft_nl_put_strv(msg, WEFT_SERVICE_A_IDENTITIES, &service->identities) ||
	    weft_nl_put_u32_set(msg, WEFT_SERVICE_A_CONNECT_TIMEOUT, service->connect_timeout))
		return -EMSGSIZE;
	return weft_nl_nest_end(msg, nest);
}

static int parse_addresses(struct nlattr *list, struct weft_nl_service *service)
{
	struct weft_addr *addr;
	struct nlattr *pos;
	int rem;

	if (!list)
		return 0;
	nla_for_each_nested(pos, list, rem) {
		if (nla_len(pos) != sizeof(addr->ip))
			return -EPROTO;
		addr = WEFT_ARRAY_APPEND(service->addresses, service->n_addresses);
		if (!addr)
			return -ENOMEM;
		weft_nl_get_ip(addr, pos);
	}
	return 0;
}

static int parse_ports(struct nlattr *list, struct weft_nl_service *service)
{
	static const struct nla_policy policy[WEFT_PORT_A_MAX + 1] = {
		[WEFT_PORT_A_PORT] = { .type = NLA_U16 },
		[WEFT_PORT_A_TARGET] = { .type = NLA_U16 },
	};
	struct nlattr *tb[WEFT_PORT_A_MAX + 1], *pos;
	struct weft_nl_service_port *port;
	int rem;

	if (!list)
		return 0;
	nla_for_each_nested(pos, list, rem) {
		if (weft_nl_parse(tb, WEFT_PORT_A_MAX, pos, policy))
			return -EPROTO;
		port = WEFT_ARRAY_APPEND(service->ports, service->n_ports);
		if (!port)
			return -ENOMEM;
		port->port = weft_nl_get_u16(tb[WEFT_PORT_A_PORT]);
		port->target = weft_nl_get_u16(tb[WEFT_PORT_A_TARGET]);
	}
	return 0;
}

static int parse_lists(struct nlattr **tb, struct weft_nl_service *service)
{
	int r = parse_addresses(tb[WEFT_SERVICE_A_ADDRESSES], service);

	if (!r)
		r = parse_ports(tb[WEFT_SERVICE_A_PORTS], service);
	if (!r)
		r = weft_nl_get_strv(&service->identities, tb[WEFT_SERVICE_A_IDENTITIES]);
	return r;
}

int weft_nl_service_parse(struct nlattr *nest, struct weft_nl_service *out)
{
	static const struct nla_policy policy[WEFT_SERVICE_A_MAX + 1] = {
		[WEFT_SERVICE_A_NAME] = { .type = NLA_STRING },
		[WEFT_SERVICE_A_ADDRESSES] = { .type = NLA_NESTED },
		[WEFT_SERVICE_A_PORTS] = { .type = NLA_NESTED },
		[WEFT_SERVICE_A_IDENTITIES] = { .type = NLA_NESTED },
		[WEFT_SERVICE_A_CONNECT_TIMEOUT] = { .type = NLA_U32 },
		[WEFT_SERVICE_A_OWNER] = { .type = NLA_U32 },
		[WEFT_SERVICE_A_ENDPOINTS] = { .type = NLA_U32 },
	};
	struct nlattr *tb[WEFT_SERVICE_A_MAX + 1];
	struct weft_nl_service s = { 0 };
	int r;

	if (weft_nl_parse(tb, WEFT_SERVICE_A_MAX, nest, policy) || !tb[WEFT_SERVICE_A_NAME])
		return -EPROTO;
	s.connect_timeout = weft_nl_get_u32(tb[WEFT_SERVICE_A_CONNECT_TIMEOUT]);
	s.owner = weft_nl_get_u32(tb[WEFT_SERVICE_A_OWNER]);
	s.n_endpoints = weft_nl_get_u32(tb[WEFT_SERVICE_A_ENDPOINTS]);
	r = weft_nl_get_string(&s.name, tb[WEFT_SERVICE_A_NAME]);
	if (!r)
		r = parse_lists(tb, &s);
	if (r)
		weft_nl_service_uninit(&s);
	else
		*out = s;
	return r;
}

WEFT_NL_KIND(service,
	.cmd_new = WEFT_CMD_SERVICE_NEW,
	.cmd_del = WEFT_CMD_SERVICE_DEL,
	.cmd_get = WEFT_CMD_SERVICE_GET,
	.nest = WEFT_A_SERVICE,
	.key = WEFT_SERVICE_A_NAME);

int weft_nl_service_add(struct weft_nl *nl, const struct weft_nl_service *service, uint32_t txn,
			bool replace, struct weft_error *err)
{
	return weft_nl_object_add(nl, &weft_nl_kind_service, service, txn, replace, err);
}
