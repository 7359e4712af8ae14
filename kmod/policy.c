// SPDX-License-Identifier: GPL-2.0
/*
 * Authorization policies, see policy.h.
 */
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include "generation_priv.h"
#include "names.h"
#include "policy.h"
#include "workload.h"

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

static void rule_uninit(struct weft_rule *r)
{
	unsigned int i;

	for (i = 0; i < r->n_identities; i++)
		kfree(r->identities[i]);
	kfree(r->identities);
	kfree(r->ports);
	kfree(r->networks);
}

static void policy_free(struct rcu_head *rcu)
{
	struct weft_policy *p = container_of(rcu, struct weft_policy, rcu);
	unsigned int i;

	for (i = 0; i < p->n_rules; i++)
		rule_uninit(&p->rules[i]);
	rule_uninit(&p->scope);
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

static bool network_listed(const struct weft_rule *r, const struct in6_addr *ip)
{
	unsigned int i;

	for (i = 0; i < r->n_networks; i++)
		if (weft_network_match(&r->networks[i], ip))
			return true;
	return !r->n_networks;
}

static bool policy_match(const struct weft_policy *p,
			 const struct weft_peer *peer)
{
	const struct weft_rule *r;
	unsigned int i;

	for (i = 0; i < p->n_rules; i++) {
		r = &p->rules[i];
		if (port_listed(r, peer->port) &&
		    network_listed(r, &peer->ip) &&
		    identity_listed(r, peer->identity))
			return true;
	}
	return false;
}

/* One that does not has no say: an ALLOW denies nothing here, either. */
static bool policy_selects(const struct weft_policy *p, const char *workload,
			   const char *identity, u16 port)
{
	if (p->workload && strcmp(p->workload, workload))
		return false;
	return port_listed(&p->scope, port) &&
	       identity_listed(&p->scope, identity);
}

/* Of each action the first policy that matches counts; they are in order. */
void weft_policy_check(const struct weft_gen *gen, const char *workload,
		       const char *identity, const struct weft_peer *peer,
		       struct weft_policy_verdict *out)
{
	const struct weft_policy *first[WEFT_ACTION_MAX + 1] = {};
	bool allow_exists = false;
	const struct weft_table *t;
	u32 i;

	t = gen ? &gen->tables[WEFT_KIND_POLICY] : NULL;
	for (i = 0; t && i < t->n; i++) {
		const struct weft_policy *p = t->rows[i].object;

		if (!policy_selects(p, workload, identity, peer->port))
			continue;
		allow_exists |= p->action == WEFT_ACTION_ALLOW;
		if (!first[p->action] && policy_match(p, peer))
			first[p->action] = p;
	}
	out->policy = first[WEFT_ACTION_DENY] ?: first[WEFT_ACTION_ALLOW];
	out->allowed = !first[WEFT_ACTION_DENY] &&
		       (first[WEFT_ACTION_ALLOW] || !allow_exists);
	out->audit = first[WEFT_ACTION_AUDIT];
}

/* Plaintext at a port that is not disabled. */
static bool takes_plaintext(const struct weft_gen *gen, u8 mode,
			    const struct in6_addr *from,
			    struct weft_policy_verdict *out)
{
	if (mode == WEFT_MODE_STRICT)
		return false;
	out->registered = weft_registry_find(&gen->registry, from);
	return !out->registered;
}

u8 weft_policy_judge(const struct weft_gen *gen, const char *workload,
		     const struct weft_peer *peer,
		     struct weft_policy_verdict *out)
{
	const struct weft_workload *w = weft_workload_find(gen, workload);
	u8 mode;

	if (!w)
		return WEFT_REASON_NONE;
	mode = weft_workload_mode(w, peer->port);
	if (!peer->identity && mode == WEFT_MODE_DISABLED)
		return WEFT_REASON_NONE;
	if (!peer->identity && !takes_plaintext(gen, mode, &peer->ip, out))
		return WEFT_REASON_PLAINTEXT;
	weft_policy_check(gen, w->name, w->identity, peer, out);
	return out->allowed ? WEFT_REASON_NONE : WEFT_REASON_POLICY_DENIED;
}

struct weft_policy *weft_policy_find(const struct weft_gen *gen,
				     const char *name)
{
	return gen ? weft_table_find(&gen->tables[WEFT_KIND_POLICY], name) :
		     NULL;
}
