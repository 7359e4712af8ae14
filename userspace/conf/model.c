// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Lifetime of configurations, and finding objects in them. See model.h.
 */
#include <stdlib.h>
#include <string.h>

#include "conf/kind.h"
#include "conf/model.h"

void weft_conf_workload_uninit(struct weft_conf_workload *workload)
{
	weft_nl_workload_uninit(&workload->object);
}

void weft_conf_service_uninit(struct weft_conf_service *service)
{
	weft_nl_service_uninit(&service->object);
	for (size_t i = 0; i < service->n_endpoints; i++)
		weft_nl_endpoint_uninit(&service->endpoints[i]);
	free(service->endpoints);
	service->endpoints = NULL;
	service->n_endpoints = 0;
}

void weft_conf_policy_uninit(struct weft_conf_policy *policy)
{
	weft_nl_policy_uninit(&policy->object);
	free(policy->service);
	policy->service = NULL;
}

void weft_conf_revocation_uninit(struct weft_conf_revocation *revocation)
{
	weft_nl_revocation_uninit(&revocation->object);
}

void weft_conf_drop_texts(struct weft_conf *conf)
{
	for (size_t i = 0; i < conf->n_texts; i++)
		free(conf->texts[i].data);
	free(conf->texts);
	conf->texts = NULL;
	conf->n_texts = 0;
}

void weft_conf_peer_uninit(struct weft_conf_peer *peer)
{
	weft_nl_peer_uninit(&peer->object);
}

void weft_conf_destroy(struct weft_conf *conf)
{
	if (!conf)
		return;
	for (size_t k = 0; k < WEFT_KINDS; k++)
		for (size_t i = 0; i < weft_kind_count(weft_kinds[k], conf); i++)
			weft_kinds[k]->uninit(weft_kind_object(weft_kinds[k], conf, i));
	free(conf->workloads);
	free(conf->services);
	free(conf->policies);
	free(conf->revocations);
	weft_conf_drop_texts(conf);
	free(conf->peers);
	weft_strv_uninit(&conf->files);
	free(conf->trust_domain);
	free(conf);
}

void weft_conf_destroy_ptr(struct weft_conf **conf)
{
	weft_conf_destroy(*conf);
}

static int compare_name(const void *name, const void *object)
{
	return strcmp(name, weft_kind_object_name(object));
}

static const void *find(const struct weft_kind *kind, const struct weft_conf *conf,
			const char *name)
{
	size_t n = weft_kind_count(kind, conf);

	return n ? bsearch(name, weft_kind_object(kind, conf, 0), n, kind->size, compare_name) :
		   NULL;
}

const struct weft_conf_workload *weft_conf_find_workload(const struct weft_conf *conf,
							 const char *name)
{
	return find(&weft_kind_workload, conf, name);
}

const struct weft_conf_service *weft_conf_find_service(const struct weft_conf *conf,
						       const char *name)
{
	return find(&weft_kind_service, conf, name);
}

const struct weft_conf_policy *weft_conf_find_policy(const struct weft_conf *conf,
						     const char *name)
{
	return find(&weft_kind_policy, conf, name);
}

const struct weft_conf_revocation *weft_conf_find_revocation(const struct weft_conf *conf,
							     const char *name)
{
	return find(&weft_kind_revocation, conf, name);
}

static bool same_revocation(const struct weft_conf_revocation *a,
			    const struct weft_conf_revocation *b)
{
	return weft_strv_equal(&a->object.identities, &b->object.identities) &&
	       weft_strv_equal(&a->object.serials, &b->object.serials);
}

bool weft_conf_revokes(const struct weft_conf *conf, const struct weft_conf *before)
{
	const struct weft_conf_revocation *was;

	for (size_t i = 0; i < conf->n_revocations; i++) {
		was = before ? weft_conf_find_revocation(before,
							 conf->revocations[i].object.name) : NULL;
		if (!was || !same_revocation(was, &conf->revocations[i]))
			return true;
	}
	return false;
}

const struct weft_conf_peer *weft_conf_find_peer(const struct weft_conf *conf, const char *name)
{
	return find(&weft_kind_peer, conf, name);
}
