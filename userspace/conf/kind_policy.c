// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * AuthorizationPolicy documents: who may talk to whom. Fields and what they
 * mean are in weft-documents(5); limits are the module's.
 */
#include <errno.h>
#include <linux/weft.h>

#include "conf/kind.h"

static const char *const actions[] = {
	[WEFT_ACTION_ALLOW] = "ALLOW",
	[WEFT_ACTION_DENY] = "DENY",
	[WEFT_ACTION_AUDIT] = "AUDIT",
	NULL
};

/*
 * An empty list would mean anybody to the kernel, and nobody to a reader: it is
 * refused. Leaving from or to out says anybody plainly.
 */
static const struct weft_field from_fields[] = {
	{ .name = "identities", .type = WEFT_FIELD_STRING, .min_items = 1,
	  .max_items = WEFT_IDENTITIES_MAX, .noun = "identity",
	  .what = WEFT_WHAT_IDENTITY_PATTERN, .convert = weft_convert_identity_pattern,
	  WEFT_FIELD_LIST_AT(struct weft_nl_rule, identities.items, identities.count) },
	{ .name = "ipBlocks", .type = WEFT_FIELD_NETWORK, .min_items = 1,
	  .max_items = WEFT_NETWORKS_MAX, .noun = "IP block",
	  .what = "an IP block, such as 10.0.0.0/8 or fd00::/8",
	  WEFT_FIELD_LIST_AT(struct weft_nl_rule, networks, n_networks) },
	{ 0 }
};

static int check_from(struct weft_schema_reader *r, const struct weft_node *node, void *object)
{
	const struct weft_nl_rule *rule = object;

	if (rule->identities.count || rule->n_networks)
		return 0;
	return weft_schema_fail(r, node, "must be a mapping of identities, ipBlocks or both");
}

static const struct weft_schema from_schema = { .fields = from_fields, .check = check_from };

static const struct weft_field to_fields[] = {
	{ .name = "ports", .type = WEFT_FIELD_NUMBER, .required = true, .min_items = 1,
	  .max_items = WEFT_PORTS_MAX, .noun = "port", .min = 1, .max = 65535,
	  WEFT_FIELD_LIST_AT(struct weft_nl_rule, ports, n_ports) },
	{ 0 }
};

static const struct weft_schema to_schema = { .fields = to_fields };

static const struct weft_field rule_fields[] = {
	{ .name = "from", .type = WEFT_FIELD_OBJECT, .schema = &from_schema },
	{ .name = "to", .type = WEFT_FIELD_OBJECT, .schema = &to_schema },
	{ 0 }
};

/* Sorted, so that the same rule has the same text. */
static int print_list(FILE *f, const struct weft_field *field, const void *object)
{
	struct weft_item_text *texts = weft_item_texts(field, object);
	size_t n = weft_field_count(field, object);

	if (!texts)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		fprintf(f, "%s%s", i ? "," : "", texts[i].text);
	weft_item_texts_free(texts, n);
	return 0;
}

static int print_from(FILE *f, const struct weft_nl_rule *rule)
{
	int ret = 0;

	if (rule->identities.count)
		ret = print_list(f, &from_fields[0], rule);
	else
		fputs("anybody", f);
	if (ret || !rule->n_networks)
		return ret;
	fputs(" in ", f);
	return print_list(f, &from_fields[1], rule);
}

static int print_rule(FILE *f, const void *object)
{
	const struct weft_nl_rule *rule = object;
	int ret;

	fputs("from ", f);
	ret = print_from(f, rule);
	fputs(rule->n_ports ? " to port " : " to any port", f);
	if (!ret && rule->n_ports)
		ret = print_list(f, to_fields, rule);
	return ret;
}

static const struct weft_schema rule_schema = { .fields = rule_fields, .print_key = print_rule };

static const struct weft_field spec_fields[] = {
	{ .name = "action", .type = WEFT_FIELD_CHOICE, .choices = actions,
	  .fallback = WEFT_ACTION_ALLOW, WEFT_FIELD_AT(struct weft_conf_policy, object.action) },
	{ .name = "workload", .type = WEFT_FIELD_STRING, .what = "the name of a Workload",
	  .convert = weft_convert_name, .unset = "(every one)",
	  WEFT_FIELD_AT(struct weft_conf_policy, object.workload) },
	{ .name = "service", .type = WEFT_FIELD_STRING, .what = "the name of a Service",
	  .convert = weft_convert_name, .unset = "(none)",
	  WEFT_FIELD_AT(struct weft_conf_policy, service) },
	{ .name = "rules", .type = WEFT_FIELD_OBJECT, .max_items = WEFT_RULES_MAX,
	  .noun = "rule", .schema = &rule_schema,
	  WEFT_FIELD_LIST_AT(struct weft_conf_policy, object.rules, object.n_rules) },
	{ 0 }
};

static int check_spec(struct weft_schema_reader *r, const struct weft_node *node, void *object)
{
	const struct weft_conf_policy *policy = object;

	if (!policy->service || !policy->object.workload)
		return 0;
	return weft_schema_fail_at(r, weft_node_find(node, "service"), ".service",
				   "stands beside the workload \"%.64s\", and a policy is for one "
				   "of both; leave the other out", policy->object.workload);
}

static const struct weft_schema spec_schema = { .fields = spec_fields, .check = check_spec };

static const struct weft_field document_fields[] = {
	WEFT_KIND_HEAD("AuthorizationPolicy"),
	{ .name = "spec", .type = WEFT_FIELD_OBJECT, .required = true, .schema = &spec_schema },
	{ 0 }
};

static const struct weft_schema document_schema = { .fields = document_fields };

static void uninit(void *object)
{
	weft_conf_policy_uninit(object);
}

const struct weft_kind weft_kind_policy = {
	.name = "AuthorizationPolicy",
	.noun = "policy",
	.schema = &document_schema,
	.max = WEFT_POLICIES_MAX,
	.size = sizeof(struct weft_conf_policy),
	.mark_offset = offsetof(struct weft_conf_policy, mark),
	.uninit = uninit,
	.array_offset = offsetof(struct weft_conf, policies),
	.count_offset = offsetof(struct weft_conf, n_policies),
};
