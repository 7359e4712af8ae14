// SPDX-License-Identifier: GPL-2.0
/*
 * WEFT_CMD_SERVICE_*. Process context.
 */
#include <linux/slab.h>
#include "generation_priv.h"
#include "genl.h"
#include "limits.h"
#include "names.h"
#include "service.h"

static const struct nla_policy addresses_policy[WEFT_LIST_A_MAX + 1] = {
	[WEFT_LIST_A_ITEM] = NLA_POLICY_EXACT_LEN(sizeof(struct in6_addr)),
};

static const struct nla_policy port_policy[WEFT_PORT_A_MAX + 1] = {
	[WEFT_PORT_A_PORT] = { .type = NLA_U16 },
	[WEFT_PORT_A_TARGET] = { .type = NLA_U16 },
};

static const struct nla_policy ports_policy[WEFT_LIST_A_MAX + 1] = {
	[WEFT_LIST_A_ITEM] = NLA_POLICY_NESTED(port_policy),
};

const struct nla_policy weft_service_policy[WEFT_SERVICE_A_MAX + 1] = {
	[WEFT_SERVICE_A_NAME] = { .type = NLA_NUL_STRING },
	[WEFT_SERVICE_A_ADDRESSES] = NLA_POLICY_NESTED(addresses_policy),
	[WEFT_SERVICE_A_PORTS] = NLA_POLICY_NESTED(ports_policy),
	[WEFT_SERVICE_A_IDENTITIES] = NLA_POLICY_NESTED(weft_texts_policy),
	[WEFT_SERVICE_A_CONNECT_TIMEOUT] = { .type = NLA_U32 },
};

static int address_parse(const struct nlattr *nla, struct weft_service *s,
			 unsigned int at, struct weft_fault *f)
{
	struct weft_addr addr = {};
	char text[WEFT_ADDR_TEXT];
	unsigned int i;
	int err;

	err = weft_nla_addr(nla, "address of the service", &addr.ip, f);
	if (err)
		return err;
	for (i = 0; i < at; i++)
		if (ipv6_addr_equal(&s->addresses[i], &addr.ip))
			return weft_fault_attr(f, nla, -EINVAL,
					       "address %s of the service is there twice, once is allowed",
					       weft_addr_text(&addr, text));
	s->addresses[at] = addr.ip;
	return 0;
}

static int addresses_parse(const struct nlattr *list, struct weft_service *s,
			   struct weft_fault *f)
{
	const struct nlattr *item;
	unsigned int n = 0;
	int rest, err;

	if (!list)
		return 0;
	nla_for_each_nested(item, list, rest) {
		err = address_parse(item, s, n++, f);
		if (err)
			return err;
	}
	return 0;
}

static int port_parse(const struct nlattr *nest, struct weft_service *s,
		      unsigned int at, struct weft_fault *f)
{
	struct weft_service_port *p = &s->ports[at];
	struct nlattr *tb[WEFT_PORT_A_MAX + 1];
	unsigned int i;
	int err;

	err = nla_parse_nested_deprecated(tb, WEFT_PORT_A_MAX, nest, NULL,
					  NULL);
	if (!err)
		err = weft_nla_port(tb, nest, "port of the service", &p->port,
				    f);
	if (err)
		return err;
	if (tb[WEFT_PORT_A_TARGET])
		p->target = nla_get_u16(tb[WEFT_PORT_A_TARGET]);
	if (!p->target)
		p->target = p->port;
	for (i = 0; i < at; i++)
		if (s->ports[i].port == p->port)
			return weft_fault_attr(f, nest, -EINVAL,
					       "port %u of the service is there twice, once is allowed",
					       p->port);
	return 0;
}

static int ports_parse(const struct nlattr *list, struct weft_service *s,
		       struct weft_fault *f)
{
	const struct nlattr *item;
	unsigned int n = 0;
	int rest, err;

	nla_for_each_nested(item, list, rest) {
		err = port_parse(item, s, n++, f);
		if (err)
			return err;
	}
	return 0;
}

static int timeout_parse(const struct nlattr *nla, struct weft_service *s,
			 struct weft_fault *f)
{
	u32 ms = nla ? nla_get_u32(nla) : 0;

	if (ms && (ms < WEFT_CONNECT_TIMEOUT_MIN ||
		   ms > WEFT_CONNECT_TIMEOUT_MAX))
		return weft_fault_attr(f, nla, -ERANGE,
				       "connect timeout of the service is %u ms, %u to %u is allowed, 0 for the default",
				       ms, WEFT_CONNECT_TIMEOUT_MIN,
				       WEFT_CONNECT_TIMEOUT_MAX);
	s->connect_timeout = ms ? ms : WEFT_CONNECT_TIMEOUT_DEFAULT;
	s->timeout_given = ms;
	return 0;
}

static int service_parse(struct nlattr **tb, struct weft_service *s,
			 struct weft_fault *f)
{
	int err;

	err = weft_nla_name_dup(tb[WEFT_SERVICE_A_NAME], "name of the service",
				&s->name, f);
	if (!err)
		err = addresses_parse(tb[WEFT_SERVICE_A_ADDRESSES], s, f);
	if (!err)
		err = ports_parse(tb[WEFT_SERVICE_A_PORTS], s, f);
	if (!err)
		err = weft_nla_patterns(tb[WEFT_SERVICE_A_IDENTITIES],
					"identities of the service",
					&s->identities, &s->n_identities, f);
	if (!err)
		err = timeout_parse(tb[WEFT_SERVICE_A_CONNECT_TIMEOUT], s, f);
	return err;
}

/* Makes the object a command describes. */
static int service_make(const struct genl_info *info, struct weft_service **out,
			struct weft_fault *f)
{
	struct nlattr *tb[WEFT_SERVICE_A_MAX + 1];
	int addresses, ports, err;
	struct weft_service *s;

	err = weft_genl_nest(info, WEFT_A_SERVICE, tb, WEFT_SERVICE_A_MAX, f);
	if (err)
		return err;
	addresses = weft_nla_count(tb[WEFT_SERVICE_A_ADDRESSES],
				   "addresses of the service",
				   WEFT_ADDRESSES_MAX, f);
	if (addresses < 0)
		return addresses;
	ports = weft_nla_count(tb[WEFT_SERVICE_A_PORTS],
			       "ports of the service", WEFT_PORTS_MAX, f);
	if (ports < 0)
		return ports;
	if (!ports)
		return weft_fault_attr(f, info->attrs[WEFT_A_SERVICE], -EINVAL,
				       "the service has no ports; it needs at least one");
	s = weft_service_create(addresses, ports);
	if (!s)
		return weft_fault_nomem(f);
	s->owner = weft_genl_owner(info);
	s->wire = nla_len(info->attrs[WEFT_A_SERVICE]);
	err = service_parse(tb, s, f);
	if (err)
		weft_service_put(s);
	else
		*out = s;
	return err;
}

int weft_genl_service_new(struct sk_buff *skb, struct genl_info *info)
{
	struct weft_service *s;
	struct weft_fault f;
	int err;

	weft_fault_init(&f);
	err = service_make(info, &s, &f);
	if (!err) {
		err = weft_genl_set(info, WEFT_KIND_SERVICE, s->name, s, &f);
		weft_service_put(s);	/* the tables have their own */
	}
	return weft_genl_end(skb, info, err, &f);
}

static int addresses_fill(struct sk_buff *skb, const struct weft_service *s)
{
	struct nlattr *list;
	unsigned int i;

	if (!s->n_addresses)
		return 0;
	list = nla_nest_start(skb, WEFT_SERVICE_A_ADDRESSES);
	if (!list)
		return -EMSGSIZE;
	for (i = 0; i < s->n_addresses; i++)
		if (weft_nla_put_addr(skb, WEFT_LIST_A_ITEM, &s->addresses[i]))
			return -EMSGSIZE;
	nla_nest_end(skb, list);
	return 0;
}

static int port_fill(struct sk_buff *skb, const struct weft_service_port *p)
{
	struct nlattr *item = nla_nest_start(skb, WEFT_LIST_A_ITEM);

	if (!item || nla_put_u16(skb, WEFT_PORT_A_PORT, p->port) ||
	    nla_put_u16(skb, WEFT_PORT_A_TARGET, p->target))
		return -EMSGSIZE;
	nla_nest_end(skb, item);
	return 0;
}

static int ports_fill(struct sk_buff *skb, const struct weft_service *s)
{
	struct nlattr *list = nla_nest_start(skb, WEFT_SERVICE_A_PORTS);
	unsigned int i;

	if (!list)
		return -EMSGSIZE;
	for (i = 0; i < s->n_ports; i++)
		if (port_fill(skb, &s->ports[i]))
			return -EMSGSIZE;
	nla_nest_end(skb, list);
	return 0;
}

static int service_fill(struct sk_buff *skb, const void *object,
			struct weft_net *wn)
{
	struct nlattr *nest = nla_nest_start(skb, WEFT_A_SERVICE);
	const struct weft_service *s = object;

	if (!nest || nla_put_string(skb, WEFT_SERVICE_A_NAME, s->name) ||
	    nla_put_u32(skb, WEFT_SERVICE_A_CONNECT_TIMEOUT,
			s->connect_timeout) ||
	    nla_put_u32(skb, WEFT_SERVICE_A_OWNER, s->owner) ||
	    nla_put_u32(skb, WEFT_SERVICE_A_ENDPOINTS, s->n_endpoints) ||
	    addresses_fill(skb, s) || ports_fill(skb, s) ||
	    weft_nla_put_strings(skb, WEFT_SERVICE_A_IDENTITIES,
				 s->identities, s->n_identities))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static const struct weft_genl_kind service_kind = {
	.kind = WEFT_KIND_SERVICE,
	.attr = WEFT_A_SERVICE,
	.cmd_get = WEFT_CMD_SERVICE_GET,
	.fill = service_fill,
};

int weft_genl_service_del(struct sk_buff *skb, struct genl_info *info)
{
	return weft_genl_kind_del(skb, info, &service_kind);
}

int weft_genl_service_get(struct sk_buff *skb, struct genl_info *info)
{
	return weft_genl_kind_get(skb, info, &service_kind);
}

int weft_genl_service_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	return weft_genl_kind_dump(skb, cb, &service_kind);
}
