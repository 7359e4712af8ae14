// SPDX-License-Identifier: GPL-2.0
/*
 * WEFT_CMD_POLICY_*. Process context.
 */
#include <linux/slab.h>
#include "generation_priv.h"
#include "genl.h"
#include "policy.h"

static const struct nla_policy port_policy[WEFT_PORT_A_MAX + 1] = {
	[WEFT_PORT_A_PORT] = { .type = NLA_U16 },
};

static const struct nla_policy ports_policy[WEFT_LIST_A_MAX + 1] = {
	[WEFT_LIST_A_ITEM] = NLA_POLICY_NESTED(port_policy),
};

static const struct nla_policy rule_policy[WEFT_RULE_A_MAX + 1] = {
	[WEFT_RULE_A_IDENTITIES] = NLA_POLICY_NESTED(weft_texts_policy),
	[WEFT_RULE_A_PORTS] = NLA_POLICY_NESTED(ports_policy),
	[WEFT_RULE_A_NETWORKS] = NLA_POLICY_NESTED(weft_networks_policy),
};

static const struct nla_policy rules_policy[WEFT_LIST_A_MAX + 1] = {
	[WEFT_LIST_A_ITEM] = NLA_POLICY_NESTED(rule_policy),
};

const struct nla_policy weft_policy_policy[WEFT_POLICY_A_MAX + 1] = {
	[WEFT_POLICY_A_NAME] = { .type = NLA_NUL_STRING },
	[WEFT_POLICY_A_ACTION] = { .type = NLA_U32 },
	[WEFT_POLICY_A_WORKLOAD] = { .type = NLA_NUL_STRING },
	[WEFT_POLICY_A_RULES] = NLA_POLICY_NESTED(rules_policy),
	[WEFT_POLICY_A_IDENTITIES] = NLA_POLICY_NESTED(weft_texts_policy),
	[WEFT_POLICY_A_PORTS] = NLA_POLICY_NESTED(ports_policy),
};

/* @what has them, and @one is one of them. */
static int ports_parse(const struct nlattr *list, const char *what,
		       const char *one, struct weft_rule *r,
		       struct weft_fault *f)
{
	struct nlattr *tb[WEFT_PORT_A_MAX + 1];
	const struct nlattr *item;
	int count, rest, err;

	count = weft_nla_count(list, what, WEFT_PORTS_MAX, f);
	if (count <= 0)
		return count;
	r->ports = kcalloc(count, sizeof(*r->ports), GFP_KERNEL_ACCOUNT);
	if (!r->ports)
		return weft_fault_nomem(f);
	nla_for_each_nested(item, list, rest) {
		err = nla_parse_nested_deprecated(tb, WEFT_PORT_A_MAX, item,
						  NULL, NULL);
		if (!err)
			err = weft_nla_port(tb, item, one,
					    &r->ports[r->n_ports], f);
		if (err)
			return err;
		r->n_ports++;
	}
	return 0;
}

static int rule_parse(const struct nlattr *nest, struct weft_rule *r,
		      struct weft_fault *f)
{
	struct nlattr *tb[WEFT_RULE_A_MAX + 1];
	int err;

	err = nla_parse_nested_deprecated(tb, WEFT_RULE_A_MAX, nest, NULL,
					  NULL);
	if (!err)
		err = weft_nla_patterns(tb[WEFT_RULE_A_IDENTITIES],
					"identities of a rule", &r->identities,
					&r->n_identities, f);
	if (!err)
		err = weft_nla_networks(tb[WEFT_RULE_A_NETWORKS], "a rule",
					&r->networks, &r->n_networks, f);
	if (!err)
		err = ports_parse(tb[WEFT_RULE_A_PORTS], "ports of a rule",
				  "port of a rule", r, f);
	return err;
}

static int rules_parse(const struct nlattr *list, struct weft_policy *p,
		       struct weft_fault *f)
{
	const struct nlattr *item;
	unsigned int n = 0;
	int rest, err;

	if (!list)
		return 0;
	nla_for_each_nested(item, list, rest) {
		err = rule_parse(item, &p->rules[n++], f);
		if (err)
			return err;
	}
	return 0;
}

/* Whom it is for. */
static int scope_parse(struct nlattr **tb, struct weft_policy *p,
		       struct weft_fault *f)
{
	int err = 0;

	if (tb[WEFT_POLICY_A_WORKLOAD])
		err = weft_nla_name_dup(tb[WEFT_POLICY_A_WORKLOAD],
					"workload of the policy",
					&p->workload, f);
	if (!err)
		err = weft_nla_patterns(tb[WEFT_POLICY_A_IDENTITIES],
					"identities of the policy",
					&p->scope.identities,
					&p->scope.n_identities, f);
	if (!err)
		err = ports_parse(tb[WEFT_POLICY_A_PORTS],
				  "ports of the policy", "port of the policy",
				  &p->scope, f);
	return err;
}

static int policy_parse(struct nlattr **tb, struct weft_policy *p,
			struct weft_fault *f)
{
	u32 action;
	int err;

	err = weft_nla_name_dup(tb[WEFT_POLICY_A_NAME], "name of the policy",
				&p->name, f);
	if (!err)
		err = weft_nla_u32(tb[WEFT_POLICY_A_ACTION],
				   "action of the policy", WEFT_ACTION_MAX,
				   &action, f);
	if (err)
		return err;
	p->action = action;
	err = scope_parse(tb, p, f);
	return err ? err : rules_parse(tb[WEFT_POLICY_A_RULES], p, f);
}

/* Makes the object a command describes. */
static int policy_make(const struct genl_info *info, struct weft_policy **out,
		       struct weft_fault *f)
{
	struct nlattr *tb[WEFT_POLICY_A_MAX + 1];
	struct weft_policy *p;
	int rules, err;

	err = weft_genl_nest(info, WEFT_A_POLICY, tb, WEFT_POLICY_A_MAX, f);
	if (err)
		return err;
	if (!tb[WEFT_POLICY_A_ACTION])
		return weft_fault_attr(f, info->attrs[WEFT_A_POLICY], -EINVAL,
				       "the policy has no action; %u allows, %u denies, %u audits",
				       WEFT_ACTION_ALLOW, WEFT_ACTION_DENY,
				       WEFT_ACTION_AUDIT);
	rules = weft_nla_count(tb[WEFT_POLICY_A_RULES], "rules of the policy",
			       WEFT_RULES_MAX, f);
	if (rules < 0)
		return rules;
	p = weft_policy_create(rules);
	if (!p)
		return weft_fault_nomem(f);
	p->owner = weft_genl_owner(info);
	p->wire = nla_len(info->attrs[WEFT_A_POLICY]);
	err = policy_parse(tb, p, f);
	if (err)
		weft_policy_put(p);
	else
		*out = p;
	return err;
}

int weft_genl_policy_new(struct sk_buff *skb, struct genl_info *info)
{
	struct weft_policy *p;
	struct weft_fault f;
	int err;

	weft_fault_init(&f);
	err = policy_make(info, &p, &f);
	if (!err) {
		err = weft_genl_set(info, WEFT_KIND_POLICY, p->name, p, &f);
		weft_policy_put(p);	/* the tables have their own */
	}
	return weft_genl_end(skb, info, err, &f);
}

static int port_fill(struct sk_buff *skb, u16 port)
{
	struct nlattr *item = nla_nest_start(skb, WEFT_LIST_A_ITEM);

	if (!item || nla_put_u16(skb, WEFT_PORT_A_PORT, port))
		return -EMSGSIZE;
	nla_nest_end(skb, item);
	return 0;
}

static int ports_fill(struct sk_buff *skb, int attr,
		      const struct weft_rule *r)
{
	struct nlattr *list;
	unsigned int i;

	if (!r->n_ports)
		return 0;
	list = nla_nest_start(skb, attr);
	if (!list)
		return -EMSGSIZE;
	for (i = 0; i < r->n_ports; i++)
		if (port_fill(skb, r->ports[i]))
			return -EMSGSIZE;
	nla_nest_end(skb, list);
	return 0;
}

static int rule_fill(struct sk_buff *skb, const struct weft_rule *r)
{
	struct nlattr *item = nla_nest_start(skb, WEFT_LIST_A_ITEM);

	if (!item ||
	    weft_nla_put_strings(skb, WEFT_RULE_A_IDENTITIES, r->identities,
				 r->n_identities) ||
	    weft_nla_put_networks(skb, WEFT_RULE_A_NETWORKS, r->networks,
				  r->n_networks) ||
	    ports_fill(skb, WEFT_RULE_A_PORTS, r))
		return -EMSGSIZE;
	nla_nest_end(skb, item);
	return 0;
}

static int rules_fill(struct sk_buff *skb, const struct weft_policy *p)
{
	struct nlattr *list;
	unsigned int i;

	if (!p->n_rules)
		return 0;
	list = nla_nest_start(skb, WEFT_POLICY_A_RULES);
	if (!list)
		return -EMSGSIZE;
	for (i = 0; i < p->n_rules; i++)
		if (rule_fill(skb, &p->rules[i]))
			return -EMSGSIZE;
	nla_nest_end(skb, list);
	return 0;
}

static int policy_fill(struct sk_buff *skb, const void *object,
		       struct weft_net *wn)
{
	struct nlattr *nest = nla_nest_start(skb, WEFT_A_POLICY);
	const struct weft_policy *p = object;

	if (!nest || nla_put_string(skb, WEFT_POLICY_A_NAME, p->name) ||
	    nla_put_u32(skb, WEFT_POLICY_A_ACTION, p->action) ||
	    nla_put_u32(skb, WEFT_POLICY_A_OWNER, p->owner) ||
	    (p->workload &&
	     nla_put_string(skb, WEFT_POLICY_A_WORKLOAD, p->workload)) ||
	    weft_nla_put_strings(skb, WEFT_POLICY_A_IDENTITIES,
				 p->scope.identities, p->scope.n_identities) ||
	    ports_fill(skb, WEFT_POLICY_A_PORTS, &p->scope) ||
	    rules_fill(skb, p))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static const struct weft_genl_kind policy_kind = {
	.kind = WEFT_KIND_POLICY,
	.attr = WEFT_A_POLICY,
	.cmd_get = WEFT_CMD_POLICY_GET,
	.fill = policy_fill,
};

int weft_genl_policy_del(struct sk_buff *skb, struct genl_info *info)
{
	return weft_genl_kind_del(skb, info, &policy_kind);
}

int weft_genl_policy_get(struct sk_buff *skb, struct genl_info *info)
{
	return weft_genl_kind_get(skb, info, &policy_kind);
}

int weft_genl_policy_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	return weft_genl_kind_dump(skb, cb, &policy_kind);
}
