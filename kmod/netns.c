// SPDX-License-Identifier: GPL-2.0
/*
 * The state of a network namespace, and the notifier that tells which netlink
 * sockets go away.
 */
#include <linux/netlink.h>
#include <linux/notifier.h>
#include <linux/slab.h>
#include <net/netns/generic.h>
#include "hook_nf.h"
#include "limits.h"
#include "listen.h"
#include "netns_ops.h"
#include "recheck.h"
#include "rescan.h"
#include "upcall.h"

unsigned int weft_net_id;

/**
 * weft_net() - the state of a namespace
 * @net: the namespace
 *
 * Return: never NULL while the module is loaded and @net lives.
 */
struct weft_net *weft_net(const struct net *net)
{
	return net_generic(net, weft_net_id);
}

/* A new generation is in force; tables->lock is held. */
static void tables_changed(struct weft_tables *t)
{
	struct weft_net *wn = container_of(t, struct weft_net, tables);

	weft_rescan_soon(wn);
	schedule_delayed_work(&wn->recheck, 0);
}

/* Nothing is meshed before what slips past connect() is caught. */
static int tables_prepare(struct weft_tables *t)
{
	return weft_hook_nf_start(container_of(t, struct weft_net, tables));
}

static int __net_init net_start(struct net *net)
{
	struct weft_net *wn = weft_net(net);

	memset(wn, 0, sizeof(*wn));
	wn->net = net;
	wn->stats = alloc_percpu(struct weft_stats);
	if (!wn->stats)
		return -ENOMEM;
	wn->history = kvcalloc(WEFT_HISTORY_MAX, sizeof(*wn->history),
			       GFP_KERNEL);
	if (!wn->history) {
		free_percpu(wn->stats);
		return -ENOMEM;
	}
	weft_tables_init(&wn->tables, tables_changed);
	wn->tables.prepare = tables_prepare;
	xa_init_flags(&wn->conns, XA_FLAGS_LOCK_BH);
	spin_lock_init(&wn->worker_lock);
	INIT_LIST_HEAD(&wn->workers);
	spin_lock_init(&wn->history_lock);
	weft_events_init(&wn->events);
	INIT_DELAYED_WORK(&wn->rescan, weft_rescan);
	INIT_DELAYED_WORK(&wn->requeue, weft_upcall_requeue);
	INIT_DELAYED_WORK(&wn->recheck, weft_recheck);
	return 0;
}

/*
 * No socket of the namespace is left, so no conn: each held the namespace (at
 * unload, the module). Workers' sockets held it, too.
 */
static void __net_exit net_stop(struct net *net)
{
	struct weft_net *wn = weft_net(net);
	struct weft_worker *w, *n;

	weft_hook_nf_stop(wn);
	cancel_delayed_work_sync(&wn->rescan);
	cancel_delayed_work_sync(&wn->requeue);
	cancel_delayed_work_sync(&wn->recheck);
	list_for_each_entry_safe(w, n, &wn->workers, node) {
		put_pid(w->tgid);
		kfree(w);
	}
	WARN_ON_ONCE(!xa_empty(&wn->conns));
	xa_destroy(&wn->conns);
	weft_tables_uninit(&wn->tables);
	weft_history_free(wn);
	weft_events_uninit(&wn->events);
	free_percpu(wn->stats);
}

static struct pernet_operations pernet = {
	.init = net_start,
	.exit = net_stop,
	.id = &weft_net_id,
	.size = sizeof(struct weft_net),
};

static int netlink_event(struct notifier_block *nb, unsigned long event,
			 void *data)
{
	const struct netlink_notify *n = data;
	struct weft_net *wn;

	if (event != NETLINK_URELEASE || n->protocol != NETLINK_GENERIC ||
	    !n->portid)
		return NOTIFY_DONE;
	wn = weft_net(n->net);
	weft_tables_portid_gone(&wn->tables, n->portid);
	weft_worker_gone(wn, n->portid);
	return NOTIFY_DONE;
}

static struct notifier_block netlink_nb = { .notifier_call = netlink_event };

/**
 * weft_netns_init() - set up every namespace, those to come included
 *
 * Return: 0 or -ENOMEM.
 */
int weft_netns_init(void)
{
	int err = weft_rescan_init();

	if (err)
		return err;
	err = register_pernet_subsys(&pernet);
	if (err)
		goto rescan;
	err = netlink_register_notifier(&netlink_nb);
	if (err)
		goto namespaces;
	return 0;
namespaces:
	unregister_pernet_subsys(&pernet);
rescan:
	weft_rescan_uninit();
	return err;
}

/**
 * weft_netns_deaf() - no word of closed netlink sockets any more
 *
 * Before the netlink family goes: the notifier sends events through it.
 */
void weft_netns_deaf(void)
{
	netlink_unregister_notifier(&netlink_nb);
}

/**
 * weft_netns_uninit() - take every namespace down, after weft_netns_deaf()
 */
void weft_netns_uninit(void)
{
	unregister_pernet_subsys(&pernet);
	weft_rescan_uninit();
}
