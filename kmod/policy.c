// SPDX-License-Identifier: GPL-2.0
/*
 * Authorization policies, see policy.h.
 */
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include "generation_priv.h"
#include "names.h"
#include "policy.h"

struct weft_policy *weft_policy_create(u16 n_rules)
{
	struct weft_policy *p = kzalloc(sizeof(*p), GFP_KERNEL_ACCOUNT);

	if (!p)
		return NULL;
	refcount_set(&p->ref, 1);
	atomic_inc(&weft_objects);
	p->rules = kcalloc(n_rules, sizeof(*p->rules), GFP_KERNEL_ACCOUNT);
	if (!p->rules) {
		weft_policy_put(p);
		return NULL;
	}
	p->n_rules = n_rules;
	return p;
}

static void policy_free(struct rcu_head *rcu)
{
	struct weft_policy *p = container_of(rcu, struct weft_policy, rcu);
	unsigned int i, k;

	for (i = 0; i < p->n_rules; i++) {
		for (k = 0; k < p->rules[i].n_identities; k++)
			kfree(p->rules[i].identities[k]);
		kfree(p->rules[i].identities);
		kfree(p->rules[i].ports);
	}
	kfree(p->rules);
	kfree(p->workload);
	kfree(p->name);
	kfree(p);
	atomic_dec(&weft_objects);
}

struct weft_policy *weft_policy_get(struct weft_policy *p)
{
	refcount_inc(&p->ref);
	return p;
}

void weft_policy_put(struct weft_policy *p)
{
	if (p && refcount_dec_and_test(&p->ref))
		call_rcu(&p->rcu, policy_free);
}

static bool identity_listed(const struct weft_rule *r, const char *peer)
{
	unsigned int i;

	for (i = 0; i < r->n_identities; i++)
		if (weft_identity_match(r->identities[i], peer))
			return true;
	return !r->n_identities;
}

static bool port_listed(const struct weft_rule *r, u16 port)
{
	unsigned int i;

	for (i = 0; i < r->n_ports; i++)
		if (r->ports[i] == port)
			return true;
	return !r->n_ports;
}

static bool policy_match(const struct weft_policy *p, const char *peer,
			 u16 port)
{
	unsigned int i;

	for (i = 0; i < p->n_rules; i++)
		if (port_listed(&p->rules[i], port) &&
		    identity_listed(&p->rules[i], peer))
			return true;
	return false;
}

/*
 * A DENY that matches is final, so the walk need not be ordered by action:
 * the first ALLOW that matches is only remembered.
 */
void weft_policy_check(const struct weft_gen *gen, const char *workload,
		       const char *peer, u16 port,
		       struct weft_policy_verdict *out)
{
	const struct weft_policy *allow = NULL;
	bool allow_exists = false;
	const struct weft_table *t;
	u32 i;

	out->allowed = true;
	out->policy = NULL;
	if (!gen)
		return;
	t = &gen->tables[WEFT_KIND_POLICY];
	for (i = 0; i < t->n; i++) {
		const struct weft_policy *p = t->rows[i].object;
		bool deny = p->action == WEFT_ACTION_DENY;

		if (p->workload && strcmp(p->workload, workload))
			continue;
		allow_exists |= !deny;
		if ((!deny && allow) || !policy_match(p, peer, port))
			continue;
		if (deny) {
			out->allowed = false;
			out->policy = p;
			return;
		}
		allow = p;
	}
	out->allowed = allow || !allow_exists;
	out->policy = allow;
}

struct weft_policy *weft_policy_find(const struct weft_gen *gen,
				     const char *name)
{
	return gen ? weft_table_find(&gen->tables[WEFT_KIND_POLICY], name) :
		     NULL;
}
