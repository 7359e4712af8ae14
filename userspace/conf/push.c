// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A configuration into the module's tables, as one transaction. See conf.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "conf/conf.h"
#include "conf/kind.h"
#include "nl/nl_endpoint.h"
#include "nl/nl_flow.h"
#include "nl/nl_generation.h"
#include "nl/nl_peer.h"
#include "nl/nl_policy.h"
#include "nl/nl_revocation.h"
#include "nl/nl_service.h"
#include "nl/nl_workload.h"

/* What is told of a file while the module says -ESTALE to it. */
#define CHANGED \
	"the module sees another size or time of modification than were read, as after a change " \
	"just now; it is looked at again by itself"

static const struct weft_conf_push_ops netlink_ops = {
	.begin = weft_nl_generation_begin,
	.workload = weft_nl_workload_add,
	.service = weft_nl_service_add,
	.endpoint = weft_nl_endpoint_add,
	.policy = weft_nl_policy_add,
	.revocation = weft_nl_revocation_add,
	.peer = weft_nl_peer_add,
	.commit = weft_nl_generation_commit,
	.abort = weft_nl_generation_abort,
};

struct push {
	const struct weft_conf_push_ops *ops;
	struct weft_nl *nl;
	struct weft_executables *executables;
	uint32_t txn;
	struct weft_error *err;
};

static int name_object(struct push *p, int error, const struct weft_kind *kind,
		       const struct weft_mark *mark, const char *name)
{
	return weft_error_prefix(p->err, error, "%s:%u: %s \"%s\"", mark->file, mark->line,
				 kind->name, name);
}

static bool has_files(const struct weft_nl_workload *workload)
{
	for (size_t i = 0; i < workload->n_selectors; i++)
		if (workload->selectors[i].has_fd)
			return true;
	return false;
}

/* Does it say that the module looked at the file and does not take it? */
static bool is_refusal(int error)
{
	return error == -ESTALE || error == -EPERM || error == -EINVAL;
}

/* Puts in the file of @s, which is one of @w's; what the module says to it is told. */
static int push_file(struct push *p, const struct weft_nl_workload *w, struct weft_nl_selector *s)
{
	struct weft_error why = { 0 };
	int ret;

	s->has_fd = true;
	ret = p->ops->workload(p->nl, w, p->txn, true, &why);
	if (!ret)
		return 0;
	s->has_fd = false;
	if (!is_refusal(ret)) {
		if (p->err)
			*p->err = why;
		return ret;
	}
	if (ret == -ESTALE)
		weft_executables_refuse(p->executables, s->exe, CHANGED, true);
	else
		weft_executables_refuse(p->executables, s->exe, why.text, false);
	return 0;
}

/* One file after the other, so that a bad one takes no other along. */
static int push_by_file(struct push *p, const struct weft_nl_workload *workload)
{
	struct weft_nl_workload w = *workload;
	_cleanup_free_ struct weft_nl_selector *selectors = NULL;
	int ret;

	selectors = reallocarray(NULL, w.n_selectors, sizeof(*selectors));
	if (!selectors)
		return weft_error_nomem(p->err);
	memcpy(selectors, w.selectors, w.n_selectors * sizeof(*selectors));
	w.selectors = selectors;
	for (size_t i = 0; i < w.n_selectors; i++)
		selectors[i].has_fd = false;
	ret = p->ops->workload(p->nl, &w, p->txn, false, p->err);
	for (size_t i = 0; !ret && i < w.n_selectors; i++)
		if (workload->selectors[i].has_fd)
			ret = push_file(p, &w, &selectors[i]);
	return ret;
}

static int push_workload(struct push *p, const struct weft_nl_workload *workload)
{
	struct weft_error err = { 0 };
	int ret = p->ops->workload(p->nl, workload, p->txn, false, &err);

	if (!ret)
		return 0;
	if (is_refusal(ret) && has_files(workload))
		return push_by_file(p, workload);
	if (p->err)
		*p->err = err;
	return ret;
}

static int push_workloads(struct push *p, const struct weft_conf *conf)
{
	for (size_t i = 0; i < conf->n_workloads; i++) {
		const struct weft_conf_workload *w = &conf->workloads[i];
		int ret = push_workload(p, &w->object);

		if (ret)
			return name_object(p, ret, &weft_kind_workload, &w->mark, w->object.name);
	}
	return 0;
}

static int push_endpoints(struct push *p, const struct weft_conf_service *service)
{
	char buf[WEFT_ADDR_TEXT_MAX];

	for (size_t i = 0; i < service->n_endpoints; i++) {
		const struct weft_nl_endpoint *e = &service->endpoints[i];
		int ret = p->ops->endpoint(p->nl, e, p->txn, false, p->err);

		if (ret)
			return weft_error_prefix(p->err, ret, "endpoint %s",
						 weft_addr_format(&e->addr, buf));
	}
	return 0;
}

static int push_services(struct push *p, const struct weft_conf *conf)
{
	for (size_t i = 0; i < conf->n_services; i++) {
		const struct weft_conf_service *s = &conf->services[i];
		int ret = p->ops->service(p->nl, &s->object, p->txn, false, p->err);

		if (!ret)
			ret = push_endpoints(p, s);
		if (ret)
			return name_object(p, ret, &weft_kind_service, &s->mark, s->object.name);
	}
	return 0;
}

static int push_policies(struct push *p, const struct weft_conf *conf)
{
	for (size_t i = 0; i < conf->n_policies; i++) {
		const struct weft_conf_policy *o = &conf->policies[i];
		int ret = p->ops->policy(p->nl, &o->object, p->txn, false, p->err);

		if (ret)
			return name_object(p, ret, &weft_kind_policy, &o->mark, o->object.name);
	}
	return 0;
}

static int push_revocations(struct push *p, const struct weft_conf *conf)
{
	for (size_t i = 0; i < conf->n_revocations; i++) {
		const struct weft_conf_revocation *o = &conf->revocations[i];
		int ret = p->ops->revocation(p->nl, &o->object, p->txn, false, p->err);

		if (ret)
			return name_object(p, ret, &weft_kind_revocation, &o->mark,
					   o->object.name);
	}
	return 0;
}

static int push_peers(struct push *p, const struct weft_conf *conf)
{
	for (size_t i = 0; i < conf->n_peers; i++) {
		const struct weft_conf_peer *o = &conf->peers[i];
		int ret = p->ops->peer(p->nl, &o->object, p->txn, false, p->err);

		if (ret)
			return name_object(p, ret, &weft_kind_peer, &o->mark, o->object.name);
	}
	return 0;
}

/* All of it into a transaction that is begun here; on failure there is none. */
static int stage(struct push *p, const struct weft_conf *conf)
{
	int ret = p->ops->begin(p->nl, &p->txn, p->err);

	if (ret)
		return weft_error_prefix(p->err, ret, "cannot begin a new generation");
	ret = push_workloads(p, conf);
	if (!ret)
		ret = push_services(p, conf);
	if (!ret)
		ret = push_policies(p, conf);
	if (!ret)
		ret = push_revocations(p, conf);
	if (!ret)
		ret = push_peers(p, conf);
	/* the first error is the one to report; the kernel aborts with the socket at last */
	if (ret)
		p->ops->abort(p->nl, p->txn, NULL);
	return ret;
}

int weft_conf_push_with(const struct weft_conf_push_ops *ops, const struct weft_conf *conf,
			struct weft_nl *nl, struct weft_executables *executables,
			uint64_t *generation, struct weft_error *err)
{
	struct push p = { .ops = ops, .nl = nl, .executables = executables, .err = err };
	int ret = stage(&p, conf);

	if (ret)
		return ret;
	ret = ops->commit(nl, p.txn, generation, err);
	if (!ret)
		return 0;
	weft_error_prefix(err, ret, "cannot commit the new generation");
	ops->abort(nl, p.txn, NULL);
	return ret;
}

int weft_conf_push(const struct weft_conf *conf, struct weft_nl *nl,
		   struct weft_executables *executables, uint64_t *generation,
		   struct weft_error *err)
{
	return weft_conf_push_with(&netlink_ops, conf, nl, executables, generation, err);
}

int weft_conf_try(const struct weft_conf *conf, struct weft_nl *nl, uint32_t *txn,
		  struct weft_error *err)
{
	struct weft_conf_push_ops ops = netlink_ops;
	struct push p = { .ops = &ops, .nl = nl, .err = err };
	int ret;

	ops.begin = weft_nl_trial_begin;
	ret = stage(&p, conf);
	if (!ret)
		*txn = p.txn;
	return ret;
}
