// SPDX-License-Identifier: GPL-2.0
/*
 * WEFT_CMD_ENDPOINT_*. Process context.
 */
#include <linux/rcupdate.h>
#include "generation_priv.h"
#include "genl.h"
#include "names.h"
#include "service.h"

const struct nla_policy weft_endpoint_policy[WEFT_ENDPOINT_A_MAX + 1] = {
	[WEFT_ENDPOINT_A_SERVICE] = { .type = NLA_NUL_STRING },
	[WEFT_ENDPOINT_A_ADDRESS] =
		NLA_POLICY_EXACT_LEN(sizeof(struct in6_addr)),
	[WEFT_ENDPOINT_A_PORT] = { .type = NLA_U16 },
	[WEFT_ENDPOINT_A_WEIGHT] = { .type = NLA_U32 },
};

/* An endpoint with the service it is of, as messages show it. */
struct endpoint_of {
	const struct weft_service *service;
	const struct weft_endpoint *endpoint;
};

/* What names an endpoint. */
struct endpoint_key {
	const char *service;
	struct weft_addr addr;
};

static int key_parse(struct nlattr **tb, struct endpoint_key *key,
		     struct weft_fault *f)
{
	int err;

	err = weft_nla_name(tb[WEFT_ENDPOINT_A_SERVICE],
			    "service of the endpoint", &key->service, f);
	if (!err)
		err = weft_nla_addr(tb[WEFT_ENDPOINT_A_ADDRESS],
				    "address of the endpoint", &key->addr.ip,
				    f);
	key->addr.port = tb[WEFT_ENDPOINT_A_PORT] ?
			 nla_get_u16(tb[WEFT_ENDPOINT_A_PORT]) : 0;
	return err;
}

static int key_of(const struct genl_info *info, struct endpoint_key *key,
		  struct weft_fault *f)
{
	struct nlattr *tb[WEFT_ENDPOINT_A_MAX + 1];
	int err;

	memset(key, 0, sizeof(*key));
	err = weft_genl_nest(info, WEFT_A_ENDPOINT, tb, WEFT_ENDPOINT_A_MAX, f);
	return err ? err : key_parse(tb, key, f);
}

static int endpoint_new(struct genl_info *info, struct weft_fault *f)
{
	struct nlattr *tb[WEFT_ENDPOINT_A_MAX + 1];
	struct weft_net *wn = weft_genl_net(info);
	struct weft_endpoint e = {};
	struct weft_change change;
	struct endpoint_key key;
	int err;

	memset(&key, 0, sizeof(key));
	err = weft_genl_nest(info, WEFT_A_ENDPOINT, tb, WEFT_ENDPOINT_A_MAX, f);
	if (!err)
		err = key_parse(tb, &key, f);
	if (!err)
		err = weft_nla_u32(tb[WEFT_ENDPOINT_A_WEIGHT],
				   "weight of the endpoint", WEFT_WEIGHT_MAX,
				   &e.weight, f);
	if (err)
		return err;
	e.addr = key.addr;
	e.owner = weft_genl_owner(info);
	if (!e.weight)
		e.weight = 1;
	weft_genl_change(info, &change);
	err = weft_tables_set_endpoint(&wn->tables, &change, key.service, &e,
				       f);
	if (!err && !change.txn)
		weft_genl_generation_event(wn);
	return err;
}

int weft_genl_endpoint_new(struct sk_buff *skb, struct genl_info *info)
{
	struct weft_fault f;
	int err;

	weft_fault_init(&f);
	err = endpoint_new(info, &f);
	return weft_genl_end(skb, info, err, &f);
}

int weft_genl_endpoint_del(struct sk_buff *skb, struct genl_info *info)
{
	struct weft_net *wn = weft_genl_net(info);
	struct endpoint_key key;
	struct weft_fault f;
	int err;

	weft_fault_init(&f);
	err = key_of(info, &key, &f);
	if (!err)
		err = weft_tables_del_endpoint(&wn->tables, key.service,
					       &key.addr, &f);
	if (!err)
		weft_genl_generation_event(wn);
	return weft_genl_end(skb, info, err, &f);
}

static int endpoint_fill(struct sk_buff *skb, const void *object,
			 struct weft_net *wn)
{
	struct nlattr *nest = nla_nest_start(skb, WEFT_A_ENDPOINT);
	const struct endpoint_of *o = object;
	const struct weft_endpoint *e = o->endpoint;
	struct weft_endpoint_stats *st = e->stats;

	if (!nest ||
	    nla_put_string(skb, WEFT_ENDPOINT_A_SERVICE, o->service->name) ||
	    weft_nla_put_addr(skb, WEFT_ENDPOINT_A_ADDRESS, &e->addr.ip) ||
	    nla_put_u16(skb, WEFT_ENDPOINT_A_PORT, e->addr.port) ||
	    nla_put_u32(skb, WEFT_ENDPOINT_A_WEIGHT, e->weight) ||
	    nla_put_u32(skb, WEFT_ENDPOINT_A_OWNER, e->owner) ||
	    nla_put_u64_64bit(skb, WEFT_ENDPOINT_A_ATTEMPTS,
			      atomic64_read(&st->attempts),
			      WEFT_ENDPOINT_A_PAD) ||
	    nla_put_u64_64bit(skb, WEFT_ENDPOINT_A_FAILURES,
			      atomic64_read(&st->failures),
			      WEFT_ENDPOINT_A_PAD) ||
	    nla_put_u32(skb, WEFT_ENDPOINT_A_ACTIVE,
			atomic_read(&st->active)))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/* The endpoint with a reference on its service, or NULL. */
static struct weft_service *endpoint_get(const struct weft_tables *t,
					 const struct endpoint_key *key,
					 const struct weft_endpoint **out)
{
	struct weft_service *s;
	u32 i;

	rcu_read_lock();
	s = weft_service_find(weft_gen_current(t), key->service);
	for (i = 0; s && i < s->n_endpoints; i++)
		if (weft_addr_equal(&s->endpoints[i].addr, &key->addr))
			break;
	if (s && i < s->n_endpoints) {
		*out = &s->endpoints[i];
		weft_service_get(s);
	} else {
		s = NULL;
	}
	rcu_read_unlock();
	return s;
}

int weft_genl_endpoint_get(struct sk_buff *skb, struct genl_info *info)
{
	char text[WEFT_ADDR_TEXT];
	struct weft_service *s;
	struct endpoint_key key;
	struct endpoint_of o;
	struct weft_fault f;
	int err;

	weft_fault_init(&f);
	err = key_of(info, &key, &f);
	if (err)
		return weft_genl_end(skb, info, err, &f);
	s = endpoint_get(&weft_genl_net(info)->tables, &key, &o.endpoint);
	if (!s)
		return weft_genl_fail(skb, info, NULL, -ENOENT,
				      "no service '%s' has the endpoint %s",
				      key.service,
				      weft_addr_text(&key.addr, text));
	o.service = s;
	err = weft_genl_reply(info, endpoint_fill, &o);
	weft_service_put(s);
	return err;
}

/* Name of the one service a dump is for; NULL: all. */
static int dump_service(struct netlink_callback *cb, const char **out,
			struct weft_fault *f)
{
	struct nlattr *nest = weft_genl_dump_attrs(cb)[WEFT_A_ENDPOINT];
	struct nlattr *tb[WEFT_ENDPOINT_A_MAX + 1];
	int err;

	weft_fault_init(f);
	f->nest = nest;
	*out = NULL;
	if (!nest)
		return 0;
	err = nla_parse_nested_deprecated(tb, WEFT_ENDPOINT_A_MAX, nest, NULL,
					  NULL);
	if (err)
		return err;
	if (tb[WEFT_ENDPOINT_A_ADDRESS] || tb[WEFT_ENDPOINT_A_PORT])
		return weft_fault_attr(f, nest, -EINVAL,
				       "a dump of endpoints takes the name of a service, or nothing");
	return weft_nla_name(tb[WEFT_ENDPOINT_A_SERVICE],
			     "service of the dump", out, f);
}

int weft_genl_endpoint_start(struct netlink_callback *cb)
{
	const struct weft_gen *gen;
	struct weft_fault f;
	const char *name;
	bool found;
	int err;

	err = dump_service(cb, &name, &f);
	if (err)
		return weft_genl_dump_end(cb, err, &f);
	rcu_read_lock();
	gen = weft_gen_current(&weft_genl_dump_net(cb)->tables);
	found = !name || weft_service_find(gen, name);
	rcu_read_unlock();
	if (!found)
		err = weft_fault_attr(&f, f.nest, -ENOENT,
				      "no service is called '%s'", name);
	return weft_genl_dump_end(cb, err, &f);
}

/* cb->args[1]: the service's next endpoint. */
static int dump_one(struct sk_buff *skb, struct netlink_callback *cb,
		    const struct weft_service *s)
{
	struct endpoint_of o = { .service = s };
	int err;

	while (cb->args[1] < s->n_endpoints) {
		o.endpoint = &s->endpoints[cb->args[1]];
		err = weft_genl_dump_put(skb, cb, WEFT_CMD_ENDPOINT_GET,
					 endpoint_fill, &o);
		if (err)
			return err;
		cb->args[1]++;
	}
	return 0;
}

/* cb->args[0]: the service at hand, as a row of the table. */
static int dump_all(struct sk_buff *skb, struct netlink_callback *cb,
		    const struct weft_gen *gen)
{
	const struct weft_table *t = &gen->tables[WEFT_KIND_SERVICE];
	int err;

	while (cb->args[0] < t->n) {
		err = dump_one(skb, cb, t->rows[cb->args[0]].object);
		if (err)
			return err;
		cb->args[0]++;
		cb->args[1] = 0;
	}
	return 0;
}

int weft_genl_endpoint_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	const struct weft_service *s;
	const struct weft_gen *gen;
	struct weft_fault f;
	const char *name;
	int err;

	err = dump_service(cb, &name, &f);	/* start() has accepted it */
	if (err)
		return err;
	rcu_read_lock();
	gen = weft_gen_current(&weft_genl_dump_net(cb)->tables);
	cb->seq = weft_gen_number(gen) + 1;	/* 0 would say nothing */
	s = name ? weft_service_find(gen, name) : NULL;
	if (s)
		err = dump_one(skb, cb, s);
	else if (!name && gen)
		err = dump_all(skb, cb, gen);
	rcu_read_unlock();
	return skb->len ? skb->len : err;
}
