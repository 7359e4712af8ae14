// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Checks over all documents together. Everything here is O(n log n) or better:
 * a configuration may have tens of thousands of objects.
 */
#include <errno.h>
#include <linux/weft.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "conf/document.h"
#include "conf/suggest.h"

void *weft_document_object(const struct weft_document_set *set, const struct weft_document *doc)
{
	return weft_kind_object(doc->kind, set->conf, doc->index);
}

struct weft_schema_reader weft_document_reader(const struct weft_document_set *set,
					       const struct weft_document *doc,
					       struct weft_error *err)
{
	return (struct weft_schema_reader){
		.kind = doc->kind->name,
		.name = weft_kind_object_name(weft_document_object(set, doc)),
		.trust_domain = set->conf->trust_domain,
		.err = err,
	};
}

const struct weft_node *weft_document_find(const struct weft_document *doc,
					   const char *const *path)
{
	const struct weft_node *node = doc->node;

	for (; node && *path; path++)
		node = weft_node_find(node, *path);
	return node;
}

/* ------------------------------------------------------- unique names */

struct named {
	const struct weft_document *doc;
	const char *name;
};

/* Same kind and name side by side, the one that was read first in front. */
static int compare_named(const void *va, const void *vb)
{
	const struct named *a = va, *b = vb;
	int order;

	if (a->doc->kind != b->doc->kind)
		return a->doc->kind < b->doc->kind ? -1 : 1;
	order = strcmp(a->name, b->name);
	return order ? order : (a->doc > b->doc) - (a->doc < b->doc);
}

static int fail_duplicate(const struct weft_document_set *set, const struct weft_document *first,
			  const struct weft_document *second, struct weft_error *err)
{
	struct weft_schema_reader r = weft_document_reader(set, second, err);
	static const char *const path[] = { "metadata", "name", NULL };
	const struct weft_node *name = weft_document_find(first, path);

	return weft_schema_fail_at(&r, weft_document_find(second, path), "metadata.name",
				   "exists already, in %s:%u; names are unique per kind",
				   name->mark.file, name->mark.line);
}

static int check_names(const struct weft_document_set *set, struct weft_error *err)
{
	_cleanup_free_ struct named *named = NULL;

	named = calloc(set->count + 1, sizeof(*named));
	if (!named)
		return weft_error_nomem(err);
	for (size_t i = 0; i < set->count; i++) {
		named[i].doc = &set->items[i];
		named[i].name = weft_kind_object_name(weft_document_object(set, &set->items[i]));
	}
	qsort(named, set->count, sizeof(*named), compare_named);
	for (size_t i = 1; i < set->count; i++)
		if (named[i].doc->kind == named[i - 1].doc->kind &&
		    !strcmp(named[i].name, named[i - 1].name))
			return fail_duplicate(set, named[i - 1].doc, named[i].doc, err);
	return 0;
}

/* ------------------------------------------------- policies' workloads */

static int compare_strings(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A policy for nobody protects nobody: better a refusal than a false comfort. */
static int fail_no_workload(const struct weft_document_set *set, const struct weft_document *doc,
			    char *const *names, struct weft_error *err)
{
	struct weft_schema_reader r = weft_document_reader(set, doc, err);
	static const char *const path[] = { "spec", "workload", NULL };
	const struct weft_node *node = weft_document_find(doc, path);
	struct weft_suggest s;

	weft_suggest_init(&s, node->text);
	for (size_t i = 0; i < set->conf->n_workloads; i++)
		weft_suggest_try(&s, names[i]);
	return weft_schema_fail_at(&r, node, "spec.workload",
				   "must be the name of a Workload, and none has it%s%s%s",
				   s.best ? " (did you mean \"" : "", s.best ? s.best : "",
				   s.best ? "\"?)" : "");
}

static int check_policies(const struct weft_document_set *set, struct weft_error *err)
{
	const struct weft_conf *conf = set->conf;
	_cleanup_free_ char **names = NULL;

	names = calloc(conf->n_workloads + 1, sizeof(*names));
	if (!names)
		return weft_error_nomem(err);
	for (size_t i = 0; i < conf->n_workloads; i++)
		names[i] = conf->workloads[i].object.name;
	qsort(names, conf->n_workloads, sizeof(*names), compare_strings);
	for (size_t i = 0; i < set->count; i++) {
		const struct weft_conf_policy *policy;

		if (set->items[i].kind != &weft_kind_policy)
			continue;
		policy = weft_document_object(set, &set->items[i]);
		if (policy->object.workload &&
		    !bsearch(&policy->object.workload, names, conf->n_workloads, sizeof(*names),
			     compare_strings))
			return fail_no_workload(set, &set->items[i], names, err);
	}
	return 0;
}

/* -------------------------------------------------- services' addresses */

struct claim {
	const struct weft_document *doc;
	const struct weft_conf_service *service;
	size_t address;			/* index in the service */
};

static const struct weft_addr *claimed(const struct claim *c)
{
	return &c->service->object.addresses[c->address];
}

static int compare_claims(const void *va, const void *vb)
{
	const struct claim *a = va, *b = vb;
	int order = weft_addr_compare(claimed(a), claimed(b));

	return order ? order : (a->doc > b->doc) - (a->doc < b->doc);
}

static int fail_claim(const struct weft_document_set *set, const struct claim *first,
		      const struct claim *second, uint16_t port, struct weft_error *err)
{
	struct weft_schema_reader r = weft_document_reader(set, second->doc, err);
	static const char *const path[] = { "spec", "addresses", NULL };
	const struct weft_node *node = weft_document_find(second->doc, path);
	char below[48];

	snprintf(below, sizeof(below), "spec.addresses[%zu]", second->address);
	return weft_schema_fail_at(&r, &node->items[second->address], below,
				   "port %u there belongs to Service \"%.64s\" already, in %s:%u",
				   port, first->service->object.name, first->service->mark.file,
				   first->service->mark.line);
}

/*
 * @claims are all those of one address. @owner has a place for each port, all
 * NULL, and is left so unless there is an error.
 */
static int check_address(const struct weft_document_set *set, const struct claim *claims,
			 size_t n, const struct claim **owner, struct weft_error *err)
{
	for (size_t i = 0; i < n; i++) {
		const struct weft_nl_service *service = &claims[i].service->object;

		for (size_t p = 0; p < service->n_ports; p++) {
			uint16_t port = service->ports[p].port;

			if (owner[port])
				return fail_claim(set, owner[port], &claims[i], port, err);
			owner[port] = &claims[i];
		}
	}
	for (size_t i = 0; i < n; i++)
		for (size_t p = 0; p < claims[i].service->object.n_ports; p++)
			owner[claims[i].service->object.ports[p].port] = NULL;
	return 0;
}

static size_t count_addresses(const struct weft_conf *conf)
{
	size_t n = 0;

	for (size_t i = 0; i < conf->n_services; i++)
		n += conf->services[i].object.n_addresses;
	return n;
}

static size_t gather_claims(const struct weft_document_set *set, struct claim *claims)
{
	size_t n = 0;

	for (size_t i = 0; i < set->count; i++) {
		const struct weft_conf_service *service;

		if (set->items[i].kind != &weft_kind_service)
			continue;
		service = weft_document_object(set, &set->items[i]);
		for (size_t a = 0; a < service->object.n_addresses; a++)
			claims[n++] = (struct claim){ &set->items[i], service, a };
	}
	return n;
}

static int check_addresses(const struct weft_document_set *set, struct weft_error *err)
{
	_cleanup_free_ const struct claim **owner = NULL;
	_cleanup_free_ struct claim *claims = NULL;
	size_t n, end;
	int ret = 0;

	claims = calloc(count_addresses(set->conf) + 1, sizeof(*claims));
	owner = calloc(UINT16_MAX + 1, sizeof(*owner));
	if (!claims || !owner)
		return weft_error_nomem(err);
	n = gather_claims(set, claims);
	qsort(claims, n, sizeof(*claims), compare_claims);
	for (size_t begin = 0; begin < n && !ret; begin = end) {
		for (end = begin + 1; end < n; end++)
			if (weft_addr_compare(claimed(&claims[begin]), claimed(&claims[end])))
				break;
		if (end - begin > 1)
			ret = check_address(set, &claims[begin], end - begin, owner, err);
	}
	return ret;
}

/* ------------------------------------------------------------ the whole */

static int fail_endpoints(const struct weft_document_set *set, const struct weft_document *doc,
			  struct weft_error *err)
{
	struct weft_schema_reader r = weft_document_reader(set, doc, err);
	static const char *const path[] = { "spec", "endpoints", NULL };

	return weft_schema_fail_at(&r, weft_document_find(doc, path), "spec.endpoints",
				   "all documents together have more than %u endpoints",
				   WEFT_ENDPOINTS_MAX);
}

/* The other totals are known as soon as an object is added, see load.c. */
static int check_endpoints(const struct weft_document_set *set, struct weft_error *err)
{
	size_t total = 0;

	for (size_t i = 0; i < set->count; i++) {
		const struct weft_conf_service *service;

		if (set->items[i].kind != &weft_kind_service)
			continue;
		service = weft_document_object(set, &set->items[i]);
		total += service->n_endpoints;
		if (total > WEFT_ENDPOINTS_MAX)
			return fail_endpoints(set, &set->items[i], err);
	}
	return 0;
}

static int fail_revoked(const struct weft_document_set *set, const struct weft_document *doc,
			struct weft_error *err)
{
	struct weft_schema_reader r = weft_document_reader(set, doc, err);
	static const char *const path[] = { "spec", NULL };

	return weft_schema_fail_at(&r, weft_document_find(doc, path), "spec",
				   "all documents together revoke more than %u identities and "
				   "serials", WEFT_REVOKED_TOTAL_MAX);
}

static int check_revoked(const struct weft_document_set *set, struct weft_error *err)
{
	size_t total = 0;

	for (size_t i = 0; i < set->count; i++) {
		const struct weft_conf_revocation *revocation;

		if (set->items[i].kind != &weft_kind_revocation)
			continue;
		revocation = weft_document_object(set, &set->items[i]);
		total += revocation->object.identities.count + revocation->object.serials.count;
		if (total > WEFT_REVOKED_TOTAL_MAX)
			return fail_revoked(set, &set->items[i], err);
	}
	return 0;
}

int weft_document_set_check(const struct weft_document_set *set, struct weft_error *err)
{
	int ret;

	ret = check_names(set, err);
	if (!ret)
		ret = check_policies(set, err);
	if (!ret)
		ret = weft_document_set_scope(set, err);
	if (!ret)
		ret = check_addresses(set, err);
	if (!ret)
		ret = check_endpoints(set, err);
	return ret ? ret : check_revoked(set, err);
}
