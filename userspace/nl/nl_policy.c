// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Authorization policies. See nl_policy.h.
 */
#include "nl/nl_policy.h"

#include <errno.h>
#include "base/array.h"
#include "nl/nl_wire.h"

static void rule_uninit(struct weft_nl_rule *rule)
{
	weft_strv_uninit(&rule->identities);
	free(rule->ports);
	free(rule->networks);
}

void weft_nl_policy_uninit(struct weft_nl_policy *policy)
{
	size_t i;

	for (i = 0; i < policy->n_rules; i++)
		rule_uninit(&policy->rules[i]);
	free(policy->rules);
	rule_uninit(&policy->scope);
	free(policy->workload);
	free(policy->name);
	*policy = (struct weft_nl_policy){ 0 };
}

static int put_ports(struct nl_msg *msg, int type, const struct weft_nl_rule *rule)
{
	struct nlattr *list, *nest;
	size_t i;

	if (!rule->n_ports)
		return 0;
	list = weft_nl_nest(msg, type);
	for (i = 0; list && i < rule->n_ports; i++) {
		nest = weft_nl_nest(msg, WEFT_LIST_A_ITEM);
		if (!nest || nla_put_u16(msg, WEFT_PORT_A_PORT, rule->ports[i]) ||
		    weft_nl_nest_end(msg, nest))
			return -EMSGSIZE;
	}
	return list ? weft_nl_nest_end(msg, list) : -EMSGSIZE;
}

/* An empty one is not left out: it matches everybody, everywhere. */
static int put_rules(struct nl_msg *msg, const struct weft_nl_policy *policy)
{
	struct nlattr *list, *nest;
	size_t i;

	if (!policy->n_rules)
		return 0;
	list = weft_nl_nest(msg, WEFT_POLICY_A_RULES);
	for (i = 0; list && i < policy->n_rules; i++) {
		nest = weft_nl_nest(msg, WEFT_LIST_A_ITEM);
		if (!nest ||
		    weft_nl_put_strv(msg, WEFT_RULE_A_IDENTITIES, &policy->rules[i].identities) ||
		    weft_nl_put_networks(msg, WEFT_RULE_A_NETWORKS, policy->rules[i].networks,
					 policy->rules[i].n_networks) ||
		    put_ports(msg, WEFT_RULE_A_PORTS, &policy->rules[i]) ||
		    weft_nl_nest_end(msg, nest))
			return -EMSGSIZE;
	}
	return list ? weft_nl_nest_end(msg, list) : -EMSGSIZE;
}

int weft_nl_policy_put(struct nl_msg *msg, const struct weft_nl_policy *policy)
{
	struct nlattr *nest = weft_nl_nest(msg, WEFT_A_POLICY);

	if (!nest || weft_nl_put_string(msg, WEFT_POLICY_A_NAME, policy->name) ||
	    nla_put_u32(msg, WEFT_POLICY_A_ACTION, policy->action) ||
	    weft_nl_put_string(msg, WEFT_POLICY_A_WORKLOAD, policy->workload) ||
	    weft_nl_put_strv(msg, WEFT_POLICY_A_IDENTITIES, &policy->scope.identities) ||
	    put_ports(msg, WEFT_POLICY_A_PORTS, &policy->scope) ||
	    put_rules(msg, policy))
		return -EMSGSIZE;
	return weft_nl_nest_end(msg, nest);
}

static int parse_ports(struct nlattr *list, struct weft_nl_rule *rule)
{
	static const struct nla_policy policy[WEFT_PORT_A_MAX + 1] = {
		[WEFT_PORT_A_PORT] = { .type = NLA_U16 },
	};
	struct nlattr *tb[WEFT_PORT_A_MAX + 1], *pos;
	uint16_t *port;
	int rem;

	if (!list)
		return 0;
	nla_for_each_nested(pos, list, rem) {
		if (weft_nl_parse(tb, WEFT_PORT_A_MAX, pos, policy))
			return -EPROTO;
		port = WEFT_ARRAY_APPEND(rule->ports, rule->n_ports);
		if (!port)
			return -ENOMEM;
		*port = weft_nl_get_u16(tb[WEFT_PORT_A_PORT]);
	}
	return 0;
}

static int parse_rule(struct nlattr *nest, struct weft_nl_rule *rule)
{
	static const struct nla_policy policy[WEFT_RULE_A_MAX + 1] = {
		[WEFT_RULE_A_IDENTITIES] = { .type = NLA_NESTED },
		[WEFT_RULE_A_PORTS] = { .type = NLA_NESTED },
		[WEFT_RULE_A_NETWORKS] = { .type = NLA_NESTED },
	};
	struct nlattr *tb[WEFT_RULE_A_MAX + 1];
	int r = weft_nl_parse(tb, WEFT_RULE_A_MAX, nest, policy);

	if (!r)
		r = weft_nl_get_strv(&rule->identities, tb[WEFT_RULE_A_IDENTITIES]);
	if (!r)
		r = weft_nl_get_networks(&rule->networks, &rule->n_networks,
					 tb[WEFT_RULE_A_NETWORKS]);
	if (!r)
		r = parse_ports(tb[WEFT_RULE_A_PORTS], rule);
	return r;
}

static int parse_rules(struct nlattr *list, struct weft_nl_policy *policy)
{
	struct weft_nl_rule *rule;
	struct nlattr *pos;
	int rem, r;

	if (!list)
		return 0;
	nla_for_each_nested(pos, list, rem) {
		rule = WEFT_ARRAY_APPEND(policy->rules, policy->n_rules);
		r = rule ? parse_rule(pos, rule) : -ENOMEM;
		if (r)
			return r;
	}
	return 0;
}

int weft_nl_policy_parse(struct nlattr *nest, struct weft_nl_policy *out)
{
	static const struct nla_policy policy[WEFT_POLICY_A_MAX + 1] = {
		[WEFT_POLICY_A_NAME] = { .type = NLA_STRING },
		[WEFT_POLICY_A_ACTION] = { .type = NLA_U32 },
		[WEFT_POLICY_A_WORKLOAD] = { .type = NLA_STRING },
		[WEFT_POLICY_A_RULES] = { .type = NLA_NESTED },
		[WEFT_POLICY_A_OWNER] = { .type = NLA_U32 },
		[WEFT_POLICY_A_IDENTITIES] = { .type = NLA_NESTED },
		[WEFT_POLICY_A_PORTS] = { .type = NLA_NESTED },
	};
	struct nlattr *tb[WEFT_POLICY_A_MAX + 1];
	struct weft_nl_policy p = { 0 };
	int r;

	if (weft_nl_parse(tb, WEFT_POLICY_A_MAX, nest, policy) || !tb[WEFT_POLICY_A_NAME])
		return -EPROTO;
	p.action = weft_nl_get_u32(tb[WEFT_POLICY_A_ACTION]);
	p.owner = weft_nl_get_u32(tb[WEFT_POLICY_A_OWNER]);
	r = weft_nl_get_string(&p.name, tb[WEFT_POLICY_A_NAME]);
	if (!r)
		r = weft_nl_get_string(&p.workload, tb[WEFT_POLICY_A_WORKLOAD]);
	if (!r)
		r = weft_nl_get_strv(&p.scope.identities, tb[WEFT_POLICY_A_IDENTITIES]);
	if (!r)
		r = parse_ports(tb[WEFT_POLICY_A_PORTS], &p.scope);
	if (!r)
		r = parse_rules(tb[WEFT_POLICY_A_RULES], &p);
	if (r)
		weft_nl_policy_uninit(&p);
	else
		*out = p;
	return r;
}

WEFT_NL_KIND(policy,
	.cmd_new = WEFT_CMD_POLICY_NEW,
	.cmd_del = WEFT_CMD_POLICY_DEL,
	.cmd_get = WEFT_CMD_POLICY_GET,
	.nest = WEFT_A_POLICY,
	.key = WEFT_POLICY_A_NAME);

int weft_nl_policy_add(struct weft_nl *nl, const struct weft_nl_policy *policy, uint32_t txn,
		       bool replace, struct weft_error *err)
{
	return weft_nl_object_add(nl, &weft_nl_kind_policy, policy, txn, replace, err);
}
