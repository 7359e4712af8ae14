// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Policies for a service: whom the name of a Service stands for. The module knows
 * no such policies; it gets the identities that the service may have and the ports
 * that it is served on, and so selects the workloads of this host that are behind it.
 *
 * Called by check.c while the objects are in the order of reading.
 */
#include <errno.h>
#include <linux/weft.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/name.h"
#include "conf/document.h"
#include "conf/suggest.h"

#define PORTS_TEXT_MAX 96	/* of the ports in an error */

/* All services, sorted by name. */
struct services {
	const struct weft_conf_service **items;
	size_t count;
};

/* One policy on its way to its scope. */
struct scoping {
	const struct weft_document_set *set;
	const struct weft_document *doc;
	struct weft_conf_policy *policy;
	const struct weft_conf_service *service;
	struct weft_error *err;
};

static const struct weft_node *service_node(const struct weft_document *doc)
{
	static const char *const path[] = { "spec", "service", NULL };

	return weft_document_find(doc, path);
}

/* ------------------------------------------------------ the service itself */

static int compare_services(const void *va, const void *vb)
{
	const struct weft_conf_service *const *a = va, *const *b = vb;

	return strcmp((*a)->object.name, (*b)->object.name);
}

static int compare_name(const void *name, const void *service)
{
	const struct weft_conf_service *const *s = service;

	return strcmp(name, (*s)->object.name);
}

static int sort_services(const struct weft_conf *conf, struct services *services)
{
	services->items = calloc(conf->n_services + 1, sizeof(services->items[0]));
	if (!services->items)
		return -ENOMEM;
	services->count = conf->n_services;
	for (size_t i = 0; i < services->count; i++)
		services->items[i] = &conf->services[i];
	qsort(services->items, services->count, sizeof(services->items[0]), compare_services);
	return 0;
}

static int fail_no_service(const struct scoping *s, const struct services *services)
{
	struct weft_schema_reader r = weft_document_reader(s->set, s->doc, s->err);
	struct weft_suggest suggest;

	weft_suggest_init(&suggest, s->policy->service);
	for (size_t i = 0; i < services->count; i++)
		weft_suggest_try(&suggest, services->items[i]->object.name);
	return weft_schema_fail_at(&r, service_node(s->doc), "spec.service",
				   "must be the name of a Service, and none has it%s%s%s",
				   suggest.best ? " (did you mean \"" : "",
				   suggest.best ? suggest.best : "", suggest.best ? "\"?)" : "");
}

static int find_service(struct scoping *s, const struct services *services)
{
	const struct weft_conf_service *const *found = NULL;

	if (services->count)
		found = bsearch(s->policy->service, services->items, services->count,
				sizeof(services->items[0]), compare_name);
	if (!found)
		return fail_no_service(s, services);
	s->service = *found;
	return 0;
}

/* -------------------------------------------------------------- identities */

/* May a Workload have it? Theirs are all in the trust domain. */
static bool is_at_home(const struct weft_conf *conf, const char *pattern)
{
	const char *domain;
	int len = 0;

	domain = weft_identity_trust_domain(pattern, &len);
	return !domain || (len == (int)strlen(conf->trust_domain) &&
			   !strncmp(domain, conf->trust_domain, len));
}

/* A policy that can be for nobody is refused; one for nobody of this host is not. */
static int check_identities(const struct scoping *s)
{
	struct weft_schema_reader r = weft_document_reader(s->set, s->doc, s->err);
	const struct weft_strv *identities = &s->service->object.identities;

	for (size_t i = 0; i < identities->count; i++)
		if (is_at_home(s->set->conf, identities->items[i]))
			return 0;
	if (identities->count)
		return weft_schema_fail_at(&r, service_node(s->doc), "spec.service",
					   "no workload can be behind it: none of its identities "
					   "is in the trust domain %s", s->set->conf->trust_domain);
	return weft_schema_fail_at(&r, service_node(s->doc), "spec.service",
				   "has no identities, which say what workloads are behind it; "
				   "give it some, or name a workload instead");
}

static int copy_identities(const struct scoping *s)
{
	const struct weft_strv *identities = &s->service->object.identities;

	for (size_t i = 0; i < identities->count; i++)
		if (weft_strv_add(&s->policy->object.scope.identities, identities->items[i]))
			return weft_error_nomem(s->err);
	return 0;
}

/* ------------------------------------------------------------------- ports */

struct ports {
	unsigned char seen[(UINT16_MAX + 1) / 8];
	size_t count;
};

static bool has_port(const struct ports *ports, uint16_t port)
{
	return ports->seen[port / 8] & 1 << port % 8;
}

static void add_port(struct ports *ports, uint16_t port)
{
	if (has_port(ports, port))
		return;
	ports->seen[port / 8] |= 1 << port % 8;
	ports->count++;
}

/* Where an endpoint has no port of its own, and where endpoints will be, if any. */
static void add_target_ports(struct ports *ports, const struct weft_nl_service *service)
{
	for (size_t i = 0; i < service->n_ports; i++)
		add_port(ports, service->ports[i].target ? service->ports[i].target :
							   service->ports[i].port);
}

static void gather_ports(struct ports *ports, const struct weft_conf_service *service)
{
	bool targets = !service->n_endpoints;

	for (size_t i = 0; i < service->n_endpoints; i++) {
		if (service->endpoints[i].addr.port)
			add_port(ports, service->endpoints[i].addr.port);
		else
			targets = true;
	}
	if (targets)
		add_target_ports(ports, &service->object);
}

/* In order, so that the same service has the same. */
static int store_ports(const struct scoping *s, const struct ports *ports)
{
	struct weft_nl_rule *scope = &s->policy->object.scope;

	for (unsigned int port = 1; port <= UINT16_MAX; port++) {
		uint16_t *slot;

		if (!has_port(ports, port))
			continue;
		slot = WEFT_ARRAY_APPEND(scope->ports, scope->n_ports);
		if (!slot)
			return weft_error_nomem(s->err);
		*slot = port;
	}
	return 0;
}

static int fail_many(const struct scoping *s, size_t count)
{
	struct weft_schema_reader r = weft_document_reader(s->set, s->doc, s->err);

	return weft_schema_fail_at(&r, service_node(s->doc), "spec.service",
				   "is served on %zu ports, and a policy can be for %u; name a "
				   "workload instead", count, WEFT_PORTS_MAX);
}

static const char *ports_text(const struct weft_nl_rule *scope, char buf[PORTS_TEXT_MAX])
{
	size_t len = 0;

	for (size_t i = 0; i < scope->n_ports; i++) {
		if (len + sizeof(", 65535, ...") > PORTS_TEXT_MAX) {
			strcpy(buf + len, ", ...");
			break;
		}
		len += snprintf(buf + len, PORTS_TEXT_MAX - len, "%s%u", i ? ", " : "",
				scope->ports[i]);
	}
	return buf;
}

static int fail_rule(const struct scoping *s, size_t rule, size_t port)
{
	struct weft_schema_reader r = weft_document_reader(s->set, s->doc, s->err);
	static const char *const rules[] = { "spec", "rules", NULL };
	const struct weft_node *node = &weft_document_find(s->doc, rules)->items[rule];
	char below[64], text[PORTS_TEXT_MAX];

	node = weft_node_find(weft_node_find(node, "to"), "ports");
	snprintf(below, sizeof(below), "spec.rules[%zu].to.ports[%zu]", rule, port);
	return weft_schema_fail_at(&r, &node->items[port], below,
				   "must be a port on which Service \"%.64s\" is served: %s",
				   s->policy->service, ports_text(&s->policy->object.scope, text));
}

/* A rule for a port that the policy is not for would never match. */
static int check_rules(const struct scoping *s, const struct ports *ports)
{
	const struct weft_nl_policy *policy = &s->policy->object;

	for (size_t i = 0; i < policy->n_rules; i++)
		for (size_t k = 0; k < policy->rules[i].n_ports; k++)
			if (!has_port(ports, policy->rules[i].ports[k]))
				return fail_rule(s, i, k);
	return 0;
}

static int scope_ports(const struct scoping *s)
{
	struct ports ports = { 0 };
	int ret;

	gather_ports(&ports, s->service);
	if (ports.count > WEFT_PORTS_MAX)
		return fail_many(s, ports.count);
	ret = store_ports(s, &ports);
	return ret ? ret : check_rules(s, &ports);
}

/* --------------------------------------------------------------- the whole */

static int scope_policy(struct scoping *s, const struct services *services)
{
	int ret = find_service(s, services);

	if (!ret)
		ret = check_identities(s);
	if (!ret)
		ret = copy_identities(s);
	return ret ? ret : scope_ports(s);
}

int weft_document_set_scope(const struct weft_document_set *set, struct weft_error *err)
{
	struct services services;
	int ret = 0;

	if (sort_services(set->conf, &services))
		return weft_error_nomem(err);
	for (size_t i = 0; i < set->count && !ret; i++) {
		struct scoping s = { .set = set, .doc = &set->items[i], .err = err };

		if (s.doc->kind != &weft_kind_policy)
			continue;
		s.policy = weft_document_object(set, s.doc);
		if (s.policy->service)
			ret = scope_policy(&s, &services);
	}
	free(services.items);
	return ret;
}
