// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * weftctl policy.
 *
 * workload, scope-identity and scope-port say what it is for, wherever they stand;
 * from, ipblock and port fill one rule; "or" begins the next; "any" is a rule by
 * itself.
 */
#include <stdlib.h>
#include <string.h>
#include "base/array.h"
#include "base/cleanup.h"
#include "base/enums.h"
#include "base/name.h"
#include "cli/object.h"
#include "cli/value.h"
#include "nl/nl_policy.h"

#define WORDS "action, workload, scope-identity, scope-port, from, ipblock, port, any, or"

/* A command line while it is read. */
struct reading {
	struct weft_nl_policy *policy;
	bool has_action;
	bool rule_open; /* the last rule may still get parts */
	bool any;	/* and it is "any" */
};

static int take_action(struct weft_cli *cli, struct reading *reading)
{
	const char *value;
	int code;

	if (reading->has_action)
		return weft_value_twice(cli, "action");
	code = weft_cli_take_value(cli, "action", &value);
	if (code)
		return code;
	if (weft_action_parse(value, &reading->policy->action))
		return weft_cli_bad(cli, "action", value, "not allow, deny or audit");
	reading->has_action = true;
	return WEFT_EXIT_DONE;
}

static int open_rule(struct weft_cli *cli, struct reading *reading)
{
	struct weft_nl_policy *policy = reading->policy;

	if (reading->rule_open)
		return WEFT_EXIT_DONE;
	if (policy->n_rules >= WEFT_RULES_MAX)
		return weft_value_full(cli, "rules", WEFT_RULES_MAX);
	if (!WEFT_ARRAY_APPEND(policy->rules, policy->n_rules))
		return weft_cli_nomem(cli);
	reading->rule_open = true;
	reading->any = false;
	return WEFT_EXIT_DONE;
}

static int take_any(struct weft_cli *cli, struct reading *reading)
{
	int code;

	if (reading->rule_open)
		return weft_cli_usage(cli, "any: is a rule by itself, \"or\" goes between rules");
	code = open_rule(cli, reading);
	reading->any = true;
	return code;
}

static int take_port(struct weft_cli *cli, const char *word, struct weft_nl_rule *rule)
{
	uint16_t port, *slot;
	int code = weft_value_port(cli, word, &port);

	if (code)
		return code;
	if (rule->n_ports >= WEFT_PORTS_MAX)
		return weft_value_full(cli, word, WEFT_PORTS_MAX);
	slot = WEFT_ARRAY_APPEND(rule->ports, rule->n_ports);
	if (!slot)
		return weft_cli_nomem(cli);
	*slot = port;
	return WEFT_EXIT_DONE;
}

static int take_rule_part(struct weft_cli *cli, const char *word, struct reading *reading)
{
	struct weft_nl_rule *rule;
	int code = open_rule(cli, reading);

	if (code)
		return code;
	if (reading->any)
		return weft_cli_usage(cli, "any: is a rule by itself, \"or\" goes between rules");
	rule = &reading->policy->rules[reading->policy->n_rules - 1];
	if (!strcmp(word, "port"))
		return take_port(cli, word, rule);
	if (!strcmp(word, "ipblock"))
		return weft_value_network(cli, word, WEFT_NETWORKS_MAX, &rule->networks,
					  &rule->n_networks);
	return weft_value_item(cli, word, weft_identity_pattern_problem, WEFT_IDENTITIES_MAX,
			       &rule->identities);
}

static int take_or(struct weft_cli *cli, struct reading *reading)
{
	if (!reading->rule_open)
		return weft_cli_usage(cli, "or: a rule (any, from, ipblock, port) goes before it");
	reading->rule_open = false;
	return WEFT_EXIT_DONE;
}

static int take_word(struct weft_cli *cli, const char *word, struct reading *reading)
{
	if (!strcmp(word, "action"))
		return take_action(cli, reading);
	if (!strcmp(word, "workload"))
		return weft_value_text(cli, word, weft_name_problem, &reading->policy->workload);
	if (!strcmp(word, "scope-identity"))
		return weft_value_item(cli, word, weft_identity_pattern_problem,
				       WEFT_IDENTITIES_MAX, &reading->policy->scope.identities);
	if (!strcmp(word, "scope-port"))
		return take_port(cli, word, &reading->policy->scope);
	if (!strcmp(word, "from") || !strcmp(word, "ipblock") || !strcmp(word, "port"))
		return take_rule_part(cli, word, reading);
	if (!strcmp(word, "any"))
		return take_any(cli, reading);
	if (!strcmp(word, "or"))
		return take_or(cli, reading);
	return weft_value_unknown(cli, word, WORDS);
}

static int take_policy(struct weft_cli *cli, void *object)
{
	struct weft_nl_policy *policy = object;
	struct reading reading = { .policy = policy };
	const char *word, *last = "";
	int code = weft_object_take_name(cli, &policy->name);

	if (code)
		return code;
	while ((word = weft_cli_word(cli))) {
		code = take_word(cli, word, &reading);
		if (code)
			return code;
		last = word;
	}
	if (!strcmp(last, "or"))
		return weft_cli_usage(cli, "or: a rule (any, from, ipblock, port) goes after it");
	if (!reading.has_action)
		return weft_cli_usage(cli, "action: is needed (allow, deny or audit)");
	return WEFT_EXIT_DONE;
}

/* As it is written in a command. */
static void write_rule(FILE *f, const struct weft_nl_rule *rule)
{
	char buf[WEFT_ADDR_TEXT_MAX];
	const char *gap = "";
	size_t i;

	if (!rule->identities.count && !rule->n_networks && !rule->n_ports)
		fputs("any", f);
	for (i = 0; i < rule->identities.count; i++) {
		fprintf(f, "%sfrom %s", gap, rule->identities.items[i]);
		gap = " ";
	}
	for (i = 0; i < rule->n_networks; i++) {
		fprintf(f, "%sipblock %s", gap, weft_network_format(&rule->networks[i], buf));
		gap = " ";
	}
	for (i = 0; i < rule->n_ports; i++) {
		fprintf(f, "%sport %u", gap, rule->ports[i]);
		gap = " ";
	}
}

static char *rules_text(const struct weft_nl_policy *policy)
{
	char *text = NULL;
	size_t i, len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	for (i = 0; i < policy->n_rules; i++) {
		fputs(i ? " or " : "", f);
		write_rule(f, &policy->rules[i]);
	}
	fclose(f);
	return text;
}

static void print_ports(struct weft_print *p, const struct weft_nl_rule *rule)
{
	char text[WEFT_PORTS_MAX * 6 + 1];
	size_t i, len = 0;

	text[0] = '\0';
	for (i = 0; i < rule->n_ports && len < sizeof(text); i++)
		len += snprintf(text + len, sizeof(text) - len, "%s%u", i ? "," : "",
				rule->ports[i]);
	weft_print_list_begin(p, "ports", text[0] ? text : NULL);
	for (i = 0; i < rule->n_ports; i++)
		weft_print_number(p, NULL, rule->ports[i]);
	weft_print_list_end(p);
}

static void print_rules(struct weft_print *p, const struct weft_nl_policy *policy)
{
	_cleanup_free_ char *text = policy->n_rules ? rules_text(policy) : NULL;
	size_t i;

	weft_print_list_begin(p, "rules", text);
	for (i = 0; i < policy->n_rules; i++) {
		weft_print_item_begin(p);
		weft_print_strings(p, "identities", &policy->rules[i].identities);
		weft_print_networks(p, "ip_blocks", policy->rules[i].networks,
				    policy->rules[i].n_networks);
		print_ports(p, &policy->rules[i]);
		weft_print_item_end(p);
	}
	weft_print_list_end(p);
}

/* Columns IDENTITIES and PORTS, beside that of the workload. */
static void print_scope(struct weft_print *p, const struct weft_nl_rule *scope)
{
	weft_print_group_begin(p, "scope", NULL);
	weft_print_strings(p, "identities", &scope->identities);
	print_ports(p, scope);
	weft_print_group_end(p);
}

static int print_policy(const void *object, void *data)
{
	const struct weft_nl_policy *policy = object;
	struct weft_print *p = data;

	weft_print_row_begin(p);
	weft_print_string(p, "name", policy->name);
	weft_print_string(p, "owner", weft_owner_name(policy->owner));
	weft_print_string(p, "action", weft_action_name(policy->action));
	weft_print_string(p, "workload", policy->workload);
	print_scope(p, &policy->scope);
	print_rules(p, policy);
	weft_print_row_end(p);
	return 0;
}

const struct weft_cli_kind weft_cli_kind_policy = {
	.nl = &weft_nl_kind_policy,
	.take = take_policy,
	.print = print_policy,
};
