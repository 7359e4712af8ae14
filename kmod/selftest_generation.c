// SPDX-License-Identifier: GPL-2.0
/*
 * Self-tests: transactions, static objects beside the daemon's, what
 * generations share, and that everything is freed.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include "generation_priv.h"
#include "selftest.h"

#define TEXTS(...)	((const char * const []){ __VA_ARGS__, NULL })
#define PORTS(...)	((const struct weft_st_ports[]){ __VA_ARGS__, {} })

static const struct weft_selector in_app[] = { { .cgroup = "/app" }, {} };

/* A service with the address 240.0.0.@host, port 80. */
static int service(struct weft_tables *t, u32 txn, const char *name, u8 host)
{
	char ip[16];

	snprintf(ip, sizeof(ip), "240.0.0.%u", host);
	return weft_st_service(t, txn, name, TEXTS(ip), PORTS({ 80 }), NULL,
			       NULL);
}

static int replace_service(struct weft_tables *t, u32 txn, const char *name)
{
	struct weft_change change = { .txn = txn, .portid = WEFT_ST_PORTID,
				      .replace = true };
	struct weft_service *s = weft_service_create(0, 0);
	int err = -ENOMEM;

	if (!s)
		return -ENOMEM;
	s->name = kstrdup(name, GFP_KERNEL);
	s->owner = txn ? WEFT_OWNER_DAEMON : WEFT_OWNER_STATIC;
	if (s->name)
		err = weft_tables_set(t, &change, WEFT_KIND_SERVICE, s->name,
				      s, NULL);
	weft_service_put(s);
	return err;
}

static struct weft_service *find(struct weft_tables *t, const char *name)
{
	return weft_service_find(weft_st_gen(t), name);
}

static u32 services(struct weft_tables *t)
{
	return weft_st_gen(t)->tables[WEFT_KIND_SERVICE].n;
}

static int del(struct weft_tables *t, const char *name)
{
	return weft_tables_del(t, WEFT_KIND_SERVICE, name, NULL);
}

static int del_endpoint(struct weft_tables *t, const char *service,
			const char *ip)
{
	struct weft_addr addr = weft_st_addr(ip, 0);

	return weft_tables_del_endpoint(t, service, &addr, NULL);
}

static const char *staged_objects_wait_for_the_commit(struct weft_tables *t)
{
	u32 txn = weft_st_begin(t);

	WEFT_EXPECT(txn && !weft_tables_used(t));
	WEFT_EXPECT(!service(t, txn, "web", 1));
	WEFT_EXPECT(!weft_st_endpoint(t, txn, "web", "10.0.0.1", 0, 1));
	WEFT_EXPECT(!weft_st_workload(t, txn, "app", in_app));
	WEFT_EXPECT(!weft_st_policy(t, txn, "p", WEFT_ACTION_ALLOW, NULL, NULL,
				    0));
	WEFT_EXPECT(!weft_tables_used(t));
	WEFT_EXPECT(weft_st_commit(t, txn) == 1);
	WEFT_EXPECT(find(t, "web") && find(t, "web")->n_endpoints == 1);
	WEFT_EXPECT(weft_workload_find(weft_st_gen(t), "app"));
	WEFT_EXPECT(weft_policy_find(weft_st_gen(t), "p"));
	WEFT_EXPECT(weft_gen_number(weft_st_gen(t)) == 1);
	return NULL;
}

static const char *commit_replaces_all_of_the_daemon(struct weft_tables *t)
{
	u32 txn = weft_st_begin(t);

	WEFT_EXPECT(!service(t, txn, "old", 1) && !service(t, txn, "kept", 2));
	WEFT_EXPECT(weft_st_commit(t, txn));
	txn = weft_st_begin(t);
	WEFT_EXPECT(!service(t, txn, "kept", 2) && !service(t, txn, "new", 3));
	WEFT_EXPECT(weft_st_commit(t, txn));
	WEFT_EXPECT(!find(t, "old") && find(t, "kept") && find(t, "new"));
	WEFT_EXPECT(services(t) == 2);
	return NULL;
}

static const char *commit_keeps_static_objects(struct weft_tables *t)
{
	WEFT_EXPECT(!service(t, 0, "mine", 1));
	WEFT_EXPECT(!weft_st_endpoint(t, 0, "mine", "10.0.0.1", 0, 1));
	WEFT_EXPECT(!weft_st_workload(t, 0, "app", in_app));
	WEFT_EXPECT(weft_st_commit(t, weft_st_begin(t)));
	WEFT_EXPECT(find(t, "mine") && find(t, "mine")->n_endpoints == 1);
	WEFT_EXPECT(find(t, "mine")->owner == WEFT_OWNER_STATIC);
	WEFT_EXPECT(weft_workload_find(weft_st_gen(t), "app"));
	return NULL;
}

static const char *aborted_objects_are_forgotten(struct weft_tables *t)
{
	u32 txn = weft_st_begin(t);

	WEFT_EXPECT(!service(t, txn, "web", 1));
	WEFT_EXPECT(!weft_txn_abort(t, txn, WEFT_ST_PORTID, NULL));
	WEFT_EXPECT(weft_txn_abort(t, txn, WEFT_ST_PORTID, NULL) == -ENOENT);
	WEFT_EXPECT(service(t, txn, "web", 1) == -ENOENT);
	WEFT_EXPECT(!weft_st_commit(t, txn) && !weft_tables_used(t));
	txn = weft_st_begin(t);
	WEFT_EXPECT(weft_st_commit(t, txn) && !find(t, "web"));
	return NULL;
}

static const char *transaction_belongs_to_its_socket(struct weft_tables *t)
{
	u32 txn = weft_st_begin(t), other;
	u64 number;

	WEFT_EXPECT(weft_txn_begin(t, false, 2, &other, NULL) == -EBUSY);
	WEFT_EXPECT(weft_txn_begin(t, false, WEFT_ST_PORTID, &other, NULL) ==
		    -EBUSY);
	WEFT_EXPECT(weft_txn_commit(t, txn, 2, &number, NULL) == -EBUSY);
	WEFT_EXPECT(weft_txn_abort(t, txn, 2, NULL) == -EBUSY);
	WEFT_EXPECT(service(t, txn + 1, "web", 1) == -ENOENT);
	WEFT_EXPECT(weft_st_commit(t, txn));
	WEFT_EXPECT(!weft_txn_begin(t, false, 2, &other, NULL) && other != txn);
	return NULL;
}

static const char *closed_socket_aborts_its_transaction(struct weft_tables *t)
{
	u32 txn = weft_st_begin(t);

	weft_tables_portid_gone(t, 2);
	WEFT_EXPECT(!service(t, txn, "web", 1));
	weft_tables_portid_gone(t, WEFT_ST_PORTID);
	WEFT_EXPECT(service(t, txn, "web", 1) == -ENOENT);
	WEFT_EXPECT(weft_st_begin(t));
	return NULL;
}

static const char *endpoint_needs_its_service(struct weft_tables *t)
{
	struct weft_fault f;
	u64 number;
	u32 txn;

	weft_fault_init(&f);
	WEFT_EXPECT(weft_st_endpoint(t, 0, "web", "10.0.0.1", 0, 1) == -ENOENT);
	txn = weft_st_begin(t);
	WEFT_EXPECT(!weft_st_endpoint(t, txn, "web", "10.0.0.1", 0, 1));
	WEFT_EXPECT(weft_txn_commit(t, txn, WEFT_ST_PORTID, &number, &f) ==
		    -EINVAL);
	WEFT_EXPECT(strstr(f.text, "10.0.0.1") && strstr(f.text, "'web'"));
	WEFT_EXPECT(!weft_tables_used(t));
	WEFT_EXPECT(!service(t, txn, "web", 1));	/* still open */
	WEFT_EXPECT(weft_st_commit(t, txn));
	WEFT_EXPECT(find(t, "web")->n_endpoints == 1);
	return NULL;
}

static const char *address_belongs_to_one_service(struct weft_tables *t)
{
	struct weft_fault f;
	u64 number;
	u32 txn;

	weft_fault_init(&f);
	WEFT_EXPECT(!service(t, 0, "a", 1));
	WEFT_EXPECT(weft_st_service(t, 0, "b", TEXTS("240.0.0.1"),
				    PORTS({ 443 }, { 80 }), NULL,
				    &f) == -EEXIST);
	WEFT_EXPECT(strstr(f.text, "'a'") && strstr(f.text, "'b'") &&
		    strstr(f.text, "240.0.0.1:80"));
	WEFT_EXPECT(services(t) == 1 && weft_st_gen(t)->number == 1);
	txn = weft_st_begin(t);
	WEFT_EXPECT(!service(t, txn, "c", 1));
	WEFT_EXPECT(weft_txn_commit(t, txn, WEFT_ST_PORTID, &number, &f) ==
		    -EEXIST);
	WEFT_EXPECT(!find(t, "c") && weft_st_gen(t)->number == 1);
	WEFT_EXPECT(!del(t, "a"));
	WEFT_EXPECT(weft_st_commit(t, txn) && find(t, "c"));
	return NULL;
}

static const char *names_are_unique_unless_replaced(struct weft_tables *t)
{
	u32 txn = weft_st_begin(t);

	WEFT_EXPECT(!service(t, txn, "web", 1));
	WEFT_EXPECT(service(t, txn, "web", 2) == -EEXIST);
	WEFT_EXPECT(!replace_service(t, txn, "web"));
	WEFT_EXPECT(weft_st_commit(t, txn));
	WEFT_EXPECT(!find(t, "web")->n_addresses);
	WEFT_EXPECT(service(t, 0, "web", 1) == -EEXIST);
	WEFT_EXPECT(!service(t, 0, "mine", 2));
	WEFT_EXPECT(service(t, 0, "mine", 3) == -EEXIST);
	WEFT_EXPECT(!replace_service(t, 0, "mine"));
	WEFT_EXPECT(!find(t, "mine")->n_addresses);
	WEFT_EXPECT(!weft_st_endpoint(t, 0, "web", "10.0.0.1", 0, 1));
	WEFT_EXPECT(weft_st_endpoint(t, 0, "web", "10.0.0.1", 0, 1) ==
		    -EEXIST);
	return NULL;
}

static const char *static_object_hides_the_daemons(struct weft_tables *t)
{
	u32 txn = weft_st_begin(t);

	WEFT_EXPECT(!service(t, txn, "web", 1));
	WEFT_EXPECT(!weft_st_endpoint(t, txn, "web", "10.0.0.1", 0, 1));
	WEFT_EXPECT(!weft_st_workload(t, txn, "app", in_app));
	WEFT_EXPECT(weft_st_commit(t, txn));
	WEFT_EXPECT(weft_st_gen(t)->shadowed == 0);
	WEFT_EXPECT(!replace_service(t, 0, "web"));
	WEFT_EXPECT(find(t, "web")->owner == WEFT_OWNER_STATIC);
	WEFT_EXPECT(!find(t, "web")->n_endpoints && services(t) == 1);
	WEFT_EXPECT(weft_st_gen(t)->shadowed == 2);
	WEFT_EXPECT(!del(t, "web"));
	WEFT_EXPECT(find(t, "web")->owner == WEFT_OWNER_DAEMON);
	WEFT_EXPECT(find(t, "web")->n_endpoints == 1);
	WEFT_EXPECT(weft_st_gen(t)->shadowed == 0);
	return NULL;
}

static const char *daemons_objects_are_its_own_to_delete(struct weft_tables *t)
{
	u32 txn = weft_st_begin(t);

	WEFT_EXPECT(del(t, "web") == -ENOENT);
	WEFT_EXPECT(!service(t, txn, "web", 1));
	WEFT_EXPECT(!weft_st_endpoint(t, txn, "web", "10.0.0.1", 0, 1));
	WEFT_EXPECT(weft_st_commit(t, txn));
	WEFT_EXPECT(del(t, "web") == -EPERM);
	WEFT_EXPECT(del(t, "web2") == -ENOENT);
	WEFT_EXPECT(del_endpoint(t, "web", "10.0.0.1") == -EPERM);
	WEFT_EXPECT(del_endpoint(t, "web", "10.0.0.2") == -ENOENT);
	WEFT_EXPECT(del_endpoint(t, "web2", "10.0.0.1") == -ENOENT);
	return NULL;
}

static const char *deleted_service_takes_its_endpoints(struct weft_tables *t)
{
	WEFT_EXPECT(!service(t, 0, "web", 1));
	WEFT_EXPECT(!weft_st_endpoint(t, 0, "web", "10.0.0.1", 0, 1));
	WEFT_EXPECT(!del(t, "web"));
	WEFT_EXPECT(!weft_st_gen(t)->n_endpoints);
	WEFT_EXPECT(!service(t, 0, "web", 1));
	WEFT_EXPECT(!find(t, "web")->n_endpoints);
	return NULL;
}

static const char *static_endpoint_joins_the_daemons(struct weft_tables *t)
{
	unsigned int round;
	u32 txn;

	for (round = 0; round < 2; round++) {
		txn = weft_st_begin(t);
		WEFT_EXPECT(!service(t, txn, "web", 1));
		WEFT_EXPECT(!weft_st_endpoint(t, txn, "web", "10.0.0.2", 0, 1));
		WEFT_EXPECT(!weft_st_endpoint(t, txn, "web", "10.0.0.4", 0, 1));
		WEFT_EXPECT(weft_st_commit(t, txn));
		if (!round)
			WEFT_EXPECT(!weft_st_endpoint(t, 0, "web", "10.0.0.3",
						      0, 9));
		WEFT_EXPECT(find(t, "web")->n_endpoints == 3);
		WEFT_EXPECT(find(t, "web")->endpoints[1].weight == 9);
		WEFT_EXPECT(weft_st_gen(t)->n_endpoints == 3);
	}
	WEFT_EXPECT(!del_endpoint(t, "web", "10.0.0.3"));
	WEFT_EXPECT(find(t, "web")->n_endpoints == 2);
	return NULL;
}

static const char *static_endpoint_waits_for_its_service(struct weft_tables *t)
{
	u32 txn = weft_st_begin(t);

	WEFT_EXPECT(!service(t, txn, "web", 1) && weft_st_commit(t, txn));
	WEFT_EXPECT(!weft_st_endpoint(t, 0, "web", "10.0.0.1", 0, 1));
	WEFT_EXPECT(weft_st_commit(t, weft_st_begin(t)));
	WEFT_EXPECT(!find(t, "web") && !weft_st_gen(t)->n_endpoints);
	txn = weft_st_begin(t);
	WEFT_EXPECT(!service(t, txn, "web", 1) && weft_st_commit(t, txn));
	WEFT_EXPECT(find(t, "web")->n_endpoints == 1);
	return NULL;
}

/* The counters of the only endpoint of "web". */
static struct weft_endpoint_stats *only(struct weft_tables *t)
{
	struct weft_service *s = find(t, "web");

	return s && s->n_endpoints == 1 ? s->endpoints[0].stats : NULL;
}

static const char *endpoint_counters_outlive_generations(struct weft_tables *t)
{
	u32 txn = weft_st_begin(t);

	WEFT_EXPECT(!service(t, txn, "web", 1));
	WEFT_EXPECT(!weft_st_endpoint(t, txn, "web", "10.0.0.1", 0, 1));
	WEFT_EXPECT(weft_st_commit(t, txn) && only(t));
	atomic64_set(&only(t)->attempts, 7);
	txn = weft_st_begin(t);
	WEFT_EXPECT(!service(t, txn, "web", 2));
	WEFT_EXPECT(!weft_st_endpoint(t, txn, "web", "10.0.0.1", 0, 5));
	WEFT_EXPECT(weft_st_commit(t, txn) && only(t));
	weft_generation_flush();
	WEFT_EXPECT(atomic64_read(&only(t)->attempts) == 7);
	txn = weft_st_begin(t);
	WEFT_EXPECT(!service(t, txn, "web", 1));
	WEFT_EXPECT(!weft_st_endpoint(t, txn, "web", "10.0.0.1", 81, 1));
	WEFT_EXPECT(weft_st_commit(t, txn) && only(t));
	WEFT_EXPECT(!atomic64_read(&only(t)->attempts));
	return NULL;
}

static const char *endpoint_counters_survive_their_owner(struct weft_tables *t)
{
	u32 txn;

	WEFT_EXPECT(!service(t, 0, "web", 1));
	WEFT_EXPECT(!weft_st_endpoint(t, 0, "web", "10.0.0.1", 0, 1));
	atomic64_set(&only(t)->attempts, 7);
	txn = weft_st_begin(t);
	WEFT_EXPECT(!service(t, txn, "web", 1));
	WEFT_EXPECT(!weft_st_endpoint(t, txn, "web", "10.0.0.1", 0, 1));
	WEFT_EXPECT(weft_st_commit(t, txn) && only(t));
	WEFT_EXPECT(!del(t, "web") && only(t));
	weft_generation_flush();
	WEFT_EXPECT(find(t, "web")->owner == WEFT_OWNER_DAEMON);
	WEFT_EXPECT(atomic64_read(&only(t)->attempts) == 7);
	return NULL;
}

static const char *unchanged_objects_are_shared(struct weft_tables *t)
{
	struct weft_workload *app;
	struct weft_service *web;

	WEFT_EXPECT(!service(t, 0, "web", 1));
	WEFT_EXPECT(!weft_st_endpoint(t, 0, "web", "10.0.0.1", 0, 1));
	WEFT_EXPECT(!weft_st_workload(t, 0, "app", in_app));
	web = find(t, "web");
	app = weft_workload_find(weft_st_gen(t), "app");
	WEFT_EXPECT(!service(t, 0, "other", 2));
	WEFT_EXPECT(weft_st_commit(t, weft_st_begin(t)));
	WEFT_EXPECT(find(t, "web") == web);
	WEFT_EXPECT(weft_workload_find(weft_st_gen(t), "app") == app);
	WEFT_EXPECT(!weft_st_endpoint(t, 0, "web", "10.0.0.2", 0, 1));
	WEFT_EXPECT(find(t, "web") != web);
	return NULL;
}

static unsigned int n_changed;	/* claims run one at a time */

static void count_change(struct weft_tables *t)
{
	n_changed++;
}

static const char *every_swap_is_announced_once(struct weft_tables *t)
{
	u32 txn;

	n_changed = 0;
	t->changed = count_change;
	txn = weft_st_begin(t);
	WEFT_EXPECT(!service(t, txn, "web", 1) && !n_changed);
	WEFT_EXPECT(weft_st_commit(t, txn) && n_changed == 1);
	WEFT_EXPECT(!service(t, 0, "mine", 2) && n_changed == 2);
	WEFT_EXPECT(service(t, 0, "mine", 3) && n_changed == 2);
	WEFT_EXPECT(!del(t, "mine") && n_changed == 3);
	WEFT_EXPECT(del(t, "mine") && n_changed == 3);
	WEFT_EXPECT(weft_st_gen(t)->number == 3);
	return NULL;
}

static const char *service_has_at_most_so_many_endpoints(struct weft_tables *t)
{
	u32 txn = weft_st_begin(t);
	unsigned int i;
	char ip[16];

	WEFT_EXPECT(!service(t, txn, "web", 1));
	for (i = 0; i <= WEFT_SERVICE_ENDPOINTS_MAX; i++) {
		snprintf(ip, sizeof(ip), "10.%u.%u.1", i / 256, i % 256);
		WEFT_EXPECT(weft_st_endpoint(t, txn, "web", ip, 0, 1) ==
			    (i < WEFT_SERVICE_ENDPOINTS_MAX ? 0 : -ENOSPC));
	}
	WEFT_EXPECT(weft_st_commit(t, txn));
	WEFT_EXPECT(find(t, "web")->n_endpoints == WEFT_SERVICE_ENDPOINTS_MAX);
	WEFT_EXPECT(weft_st_endpoint(t, 0, "web", "10.99.0.1", 0, 1) ==
		    -ENOSPC);
	return NULL;
}

/* Changes of all sorts, some refused; the objects' references are counted. */
static bool churn(struct weft_tables *t, unsigned int round)
{
	u32 txn = weft_st_begin(t);

	if (service(t, txn, "web", 1 + round % 3) ||
	    weft_st_endpoint(t, txn, "web", "10.0.0.1", 0, 1) ||
	    weft_st_workload(t, txn, "app", in_app) ||
	    weft_st_policy(t, txn, "p", WEFT_ACTION_DENY, NULL,
			   &(const struct weft_st_rule){ { "*" } }, 1))
		return false;
	if (round % 2)
		return !weft_txn_abort(t, txn, WEFT_ST_PORTID, NULL);
	return weft_st_commit(t, txn) &&
	       !weft_st_endpoint(t, 0, "web", "10.0.0.2", 0, 1) &&
	       !service(t, 0, "mine", 9) &&
	       service(t, 0, "clash", 9) == -EEXIST &&
	       !replace_service(t, 0, "web") &&
	       !del(t, "web") && !del(t, "mine");
}

static const char *references_balance(struct weft_tables *t)
{
	struct weft_endpoint_stats *st;
	struct weft_workload *app;
	struct weft_service *web;
	struct weft_policy *p;
	unsigned int round;
	bool alone;

	for (round = 0; round < 9; round++)
		WEFT_EXPECT(churn(t, round));
	WEFT_EXPECT(find(t, "web") && only(t));
	web = weft_service_get(find(t, "web"));
	app = weft_workload_get(weft_workload_find(weft_st_gen(t), "app"));
	p = weft_policy_get(weft_policy_find(weft_st_gen(t), "p"));
	st = only(t);
	/* an empty commit lets go of all; what is left is ours */
	weft_st_commit(t, weft_st_begin(t));
	weft_generation_flush();
	alone = refcount_read(&web->ref) == 1 &&
		refcount_read(&web->base->ref) == 1 &&
		refcount_read(&web->lists[WEFT_OWNER_DAEMON]->ref) == 1 &&
		refcount_read(&st->ref) == 1 &&
		refcount_read(&app->ref) == 1 && refcount_read(&p->ref) == 1;
	weft_service_put(web);
	weft_workload_put(app);
	weft_policy_put(p);
	WEFT_EXPECT(alone);
	return NULL;
}

static const struct weft_claim claims[] = {
	WEFT_CLAIM(staged_objects_wait_for_the_commit),
	WEFT_CLAIM(commit_replaces_all_of_the_daemon),
	WEFT_CLAIM(commit_keeps_static_objects),
	WEFT_CLAIM(aborted_objects_are_forgotten),
	WEFT_CLAIM(transaction_belongs_to_its_socket),
	WEFT_CLAIM(closed_socket_aborts_its_transaction),
	WEFT_CLAIM(endpoint_needs_its_service),
	WEFT_CLAIM(address_belongs_to_one_service),
	WEFT_CLAIM(names_are_unique_unless_replaced),
	WEFT_CLAIM(static_object_hides_the_daemons),
	WEFT_CLAIM(daemons_objects_are_its_own_to_delete),
	WEFT_CLAIM(deleted_service_takes_its_endpoints),
	WEFT_CLAIM(static_endpoint_joins_the_daemons),
	WEFT_CLAIM(static_endpoint_waits_for_its_service),
	WEFT_CLAIM(endpoint_counters_outlive_generations),
	WEFT_CLAIM(endpoint_counters_survive_their_owner),
	WEFT_CLAIM(unchanged_objects_are_shared),
	WEFT_CLAIM(every_swap_is_announced_once),
	WEFT_CLAIM(service_has_at_most_so_many_endpoints),
	WEFT_CLAIM(references_balance),
};

WEFT_CLAIMS(weft_claims_generation, claims);
