// SPDX-License-Identifier: GPL-2.0
/*
 * Objects for the self-tests, put into tables as netlink commands do.
 */
#include <linux/inet.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include "limits.h"
#include "selftest.h"

static const char *text(const char *s)
{
	return s ? kstrdup(s, GFP_KERNEL) : NULL;
}

static u8 owner_of(u32 txn)
{
	return txn ? WEFT_OWNER_DAEMON : WEFT_OWNER_STATIC;
}

static int put(struct weft_tables *t, u32 txn, enum weft_kind kind,
	       const char *name, void *object, struct weft_fault *f)
{
	struct weft_change change = { .txn = txn, .portid = WEFT_ST_PORTID };

	return name ? weft_tables_set(t, &change, kind, name, object, f) :
		      -ENOMEM;
}

static unsigned int selectors_count(const struct weft_selector *s)
{
	unsigned int n = 0;

	while (s[n].cgroup || s[n].unit || s[n].container || s[n].exe ||
	       s[n].has_uid || s[n].has_gid)
		n++;
	return n;
}

static struct weft_workload *workload_make(const char *name, unsigned int n,
					   unsigned int n_ports)
{
	struct weft_workload *w = weft_workload_create(n, n_ports);

	if (!w)
		return NULL;
	w->name = text(name);
	w->identity = kasprintf(GFP_KERNEL, "spiffe://td.test/%s", name);
	w->mode = WEFT_MODE_STRICT;
	return w;
}

int weft_st_workload(struct weft_tables *t, u32 txn, const char *name,
		     const struct weft_selector *selectors)
{
	unsigned int n = selectors_count(selectors), i;
	struct weft_workload *w = workload_make(name, n, 0);
	int err;

	if (!w)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		w->selectors[i].cgroup = text(selectors[i].cgroup);
		w->selectors[i].unit = text(selectors[i].unit);
		w->selectors[i].exe = text(selectors[i].exe);
		if (selectors[i].files)
			w->selectors[i].files =
				kmemdup(selectors[i].files,
					sizeof(*selectors[i].files),
					GFP_KERNEL);
		w->selectors[i].container = text(selectors[i].container);
		w->selectors[i].has_uid = selectors[i].has_uid;
		w->selectors[i].uid = selectors[i].uid;
		w->selectors[i].has_gid = selectors[i].has_gid;
		w->selectors[i].gid = selectors[i].gid;
	}
	w->owner = owner_of(txn);
	err = put(t, txn, WEFT_KIND_WORKLOAD, w->name, w, NULL);
	weft_workload_put(w);
	return err;
}

int weft_st_workload_mode(struct weft_tables *t, const char *name, u8 mode,
			  const struct weft_port_mode *ports)
{
	struct weft_workload *w;
	unsigned int n = 0, i;
	int err;

	while (ports[n].port)
		n++;
	w = workload_make(name, 1, n);
	if (!w)
		return -ENOMEM;
	w->selectors[0].cgroup = text("/");
	w->mode = mode;
	w->owner = WEFT_OWNER_STATIC;
	for (i = 0; i < n; i++)
		w->ports[i] = ports[i];
	err = put(t, 0, WEFT_KIND_WORKLOAD, w->name, w, NULL);
	weft_workload_put(w);
	return err;
}

static unsigned int texts_count(const char * const *texts)
{
	unsigned int n = 0;

	while (texts && texts[n])
		n++;
	return n;
}

static int texts_copy(const char * const *texts, const char ***out, u16 *count)
{
	unsigned int n = texts_count(texts);

	if (!n)
		return 0;
	*out = kcalloc(n, sizeof(**out), GFP_KERNEL);
	if (!*out)
		return -ENOMEM;
	for (; *count < n; (*count)++)
		(*out)[*count] = text(texts[*count]);
	return 0;
}

int weft_st_service(struct weft_tables *t, u32 txn, const char *name,
		    const char * const *addresses,
		    const struct weft_st_ports *ports,
		    const char * const *identities, struct weft_fault *f)
{
	unsigned int n_addresses = texts_count(addresses), n_ports = 0, i;
	struct weft_service *s;
	int err;

	while (ports[n_ports].port)
		n_ports++;
	s = weft_service_create(n_addresses, n_ports);
	if (!s)
		return -ENOMEM;
	s->name = text(name);
	s->owner = owner_of(txn);
	s->connect_timeout = WEFT_CONNECT_TIMEOUT_DEFAULT;
	for (i = 0; i < n_addresses; i++)
		s->addresses[i] = weft_st_addr(addresses[i], 0).ip;
	for (i = 0; i < n_ports; i++) {
		s->ports[i].port = ports[i].port;
		s->ports[i].target = ports[i].target ? : ports[i].port;
	}
	err = texts_copy(identities, &s->identities, &s->n_identities);
	if (!err)
		err = put(t, txn, WEFT_KIND_SERVICE, s->name, s, f);
	weft_service_put(s);
	return err;
}

int weft_st_endpoint(struct weft_tables *t, u32 txn, const char *service,
		     const char *addr, u16 port, u32 weight)
{
	struct weft_change change = { .txn = txn, .portid = WEFT_ST_PORTID };
	struct weft_endpoint e = {
		.addr = weft_st_addr(addr, port),
		.weight = weight,
		.owner = owner_of(txn),
	};

	return weft_tables_set_endpoint(t, &change, service, &e, NULL);
}

static int rule_copy(struct weft_rule *to, const struct weft_st_rule *from)
{
	unsigned int i;

	to->identities = kcalloc(ARRAY_SIZE(from->identities),
				 sizeof(*to->identities), GFP_KERNEL);
	to->ports = kcalloc(ARRAY_SIZE(from->ports), sizeof(*to->ports),
			    GFP_KERNEL);
	to->networks = kcalloc(ARRAY_SIZE(from->networks),
			       sizeof(*to->networks), GFP_KERNEL);
	if (!to->identities || !to->ports || !to->networks)
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(from->identities); i++)
		if (from->identities[i])
			to->identities[to->n_identities++] =
				text(from->identities[i]);
	for (i = 0; i < ARRAY_SIZE(from->ports); i++)
		if (from->ports[i])
			to->ports[to->n_ports++] = from->ports[i];
	for (i = 0; i < ARRAY_SIZE(from->networks); i++)
		if (from->networks[i])
			to->networks[to->n_networks++] =
				weft_st_network(from->networks[i]);
	return 0;
}

static int policy_put(struct weft_tables *t, u32 txn, const char *name,
		      u8 action, const char *workload,
		      const struct weft_st_rule *scope,
		      const struct weft_st_rule *rules, unsigned int n)
{
	struct weft_policy *p = weft_policy_create(n);
	unsigned int i;
	int err = 0;

	if (!p)
		return -ENOMEM;
	p->name = text(name);
	p->workload = text(workload);
	p->action = action;
	p->owner = owner_of(txn);
	if (scope)
		err = rule_copy(&p->scope, scope);
	for (i = 0; i < n && !err; i++)
		err = rule_copy(&p->rules[i], &rules[i]);
	if (!err)
		err = put(t, txn, WEFT_KIND_POLICY, p->name, p, NULL);
	weft_policy_put(p);
	return err;
}

int weft_st_policy(struct weft_tables *t, u32 txn, const char *name, u8 action,
		   const char *workload, const struct weft_st_rule *rules,
		   unsigned int n)
{
	return policy_put(t, txn, name, action, workload, NULL, rules, n);
}

int weft_st_policy_for(struct weft_tables *t, const char *name, u8 action,
		       const struct weft_st_rule *scope,
		       const struct weft_st_rule *rules, unsigned int n)
{
	return policy_put(t, 0, name, action, NULL, scope, rules, n);
}

int weft_st_revocation(struct weft_tables *t, u32 txn, const char *name,
		       const char * const *identities,
		       const char * const *serials, struct weft_fault *f)
{
	struct weft_revocation *r = weft_revocation_create();
	int err;

	if (!r)
		return -ENOMEM;
	r->name = text(name);
	r->owner = owner_of(txn);
	err = texts_copy(identities, &r->identities, &r->n_identities);
	if (!err)
		err = texts_copy(serials, &r->serials, &r->n_serials);
	if (!err)
		err = put(t, txn, WEFT_KIND_REVOCATION, r->name, r, f);
	weft_revocation_put(r);
	return err;
}

static int networks_copy(struct weft_mesh_peer *p, const char * const *from)
{
	unsigned int n = 0;

	while (from[n])
		n++;
	p->networks = kcalloc(n, sizeof(*p->networks), GFP_KERNEL);
	if (!p->networks)
		return -ENOMEM;
	while (p->n_networks < n) {
		p->networks[p->n_networks] =
			weft_st_network(from[p->n_networks]);
		p->n_networks++;
	}
	return 0;
}

int weft_st_peer(struct weft_tables *t, u32 txn, const char *name,
		 const char * const *networks, struct weft_fault *f)
{
	struct weft_mesh_peer *p = weft_mesh_peer_create();
	int err;

	if (!p)
		return -ENOMEM;
	p->name = text(name);
	p->owner = owner_of(txn);
	err = networks_copy(p, networks);
	if (!err)
		err = put(t, txn, WEFT_KIND_PEER, p->name, p, f);
	weft_mesh_peer_put(p);
	return err;
}

u32 weft_st_begin(struct weft_tables *t)
{
	u32 id;

	return weft_txn_begin(t, false, WEFT_ST_PORTID, &id, NULL) ? 0 : id;
}

u64 weft_st_commit(struct weft_tables *t, u32 txn)
{
	u64 number;

	return weft_txn_commit(t, txn, WEFT_ST_PORTID, &number, NULL) ?
	       0 : number;
}

struct weft_addr weft_st_addr(const char *ip, u16 port)
{
	struct weft_addr a = { .port = port };
	__be32 v4;

	if (in4_pton(ip, -1, (u8 *)&v4, -1, NULL))
		ipv6_addr_set_v4mapped(v4, &a.ip);
	else if (!in6_pton(ip, -1, a.ip.s6_addr, -1, NULL))
		WARN_ON_ONCE(1);	/* a typing error in a self-test */
	return a;
}

struct weft_network weft_st_network(const char *text)
{
	const char *slash = strchrnul(text, '/');
	char ip[INET6_ADDRSTRLEN];
	struct weft_network n = {};
	u8 len = 0;

	strscpy(ip, text, min_t(size_t, sizeof(ip), slash - text + 1));
	if (!*slash || kstrtou8(slash + 1, 10, &len))
		WARN_ON_ONCE(1);	/* a typing error in a self-test */
	n.ip = weft_st_addr(ip, 0).ip;
	n.len = ipv6_addr_v4mapped(&n.ip) ? len + 96 : len;
	return n;
}

const struct weft_gen *weft_st_gen(const struct weft_tables *t)
{
	return rcu_access_pointer(t->gen);
}
