// SPDX-License-Identifier: GPL-2.0
/*
 * WEFT_CMD_STATUS_GET, open to everybody, and WEFT_CMD_SELFTEST_RUN. Process
 * context.
 */
#include <linux/module.h>
#include <linux/rcupdate.h>
#include "generation_priv.h"
#include "genl.h"
#include "listen.h"
#include "selftest.h"

static int tables_fill(struct sk_buff *skb, const struct weft_gen *gen)
{
	static const struct weft_gen none;

	if (!gen)
		gen = &none;
	if (nla_put_u64_64bit(skb, WEFT_STATUS_A_GENERATION, gen->number,
			      WEFT_STATUS_A_PAD) ||
	    nla_put_u32(skb, WEFT_STATUS_A_WORKLOADS,
			gen->tables[WEFT_KIND_WORKLOAD].n) ||
	    nla_put_u32(skb, WEFT_STATUS_A_SERVICES,
			gen->tables[WEFT_KIND_SERVICE].n) ||
	    nla_put_u32(skb, WEFT_STATUS_A_POLICIES,
			gen->tables[WEFT_KIND_POLICY].n) ||
	    nla_put_u32(skb, WEFT_STATUS_A_REVOCATIONS,
			gen->tables[WEFT_KIND_REVOCATION].n) ||
	    nla_put_u32(skb, WEFT_STATUS_A_PEERS,
			gen->tables[WEFT_KIND_PEER].n) ||
	    nla_put_u32(skb, WEFT_STATUS_A_ENDPOINTS, gen->n_endpoints) ||
	    nla_put_u32(skb, WEFT_STATUS_A_SHADOWED, gen->shadowed))
		return -EMSGSIZE;
	return 0;
}

static u32 conns(const struct weft_net *wn)
{
	return weft_stats_sum(wn->stats, WEFT_C_conns_created) -
	       weft_stats_sum(wn->stats, WEFT_C_conns_destroyed);
}

/* Like conns and listeners they hold the module. */
static u32 undecided(const struct weft_net *wn)
{
	return weft_stats_sum(wn->stats, WEFT_C_early_made) -
	       weft_stats_sum(wn->stats, WEFT_C_early_decided);
}

static int numbers_fill(struct sk_buff *skb, const struct weft_net *wn)
{
	if (nla_put_u64_64bit(skb, WEFT_STATUS_A_EPOCH, wn->events.epoch,
			      WEFT_STATUS_A_PAD) ||
	    nla_put_u32(skb, WEFT_STATUS_A_WORKERS,
			READ_ONCE(wn->n_workers)) ||
	    nla_put_u32(skb, WEFT_STATUS_A_LISTENERS,
			atomic_read(&wn->listeners)) ||
	    nla_put_u32(skb, WEFT_STATUS_A_COVERED, weft_listen_covered(wn)) ||
	    nla_put_u32(skb, WEFT_STATUS_A_CONNS, conns(wn)) ||
	    nla_put_u32(skb, WEFT_STATUS_A_UNDECIDED, undecided(wn)) ||
	    nla_put_u32(skb, WEFT_STATUS_A_PARKED, atomic_read(&wn->parked)) ||
	    nla_put_u32(skb, WEFT_STATUS_A_LIVE, atomic_read(&wn->live)) ||
	    nla_put_u32(skb, WEFT_STATUS_A_CLOSING, atomic_read(&wn->closing)))
		return -EMSGSIZE;
	return 0;
}

static int counter_fill(struct sk_buff *skb, const struct weft_net *wn,
			enum weft_counter c)
{
	struct nlattr *item = nla_nest_start(skb, WEFT_LIST_A_ITEM);

	if (!item ||
	    nla_put_string(skb, WEFT_COUNTER_A_NAME, weft_counter_names[c]) ||
	    nla_put_u64_64bit(skb, WEFT_COUNTER_A_VALUE,
			      weft_stats_sum(wn->stats, c),
			      WEFT_COUNTER_A_PAD))
		return -EMSGSIZE;
	nla_nest_end(skb, item);
	return 0;
}

static int counters_fill(struct sk_buff *skb, const struct weft_net *wn)
{
	struct nlattr *list = nla_nest_start(skb, WEFT_STATUS_A_COUNTERS);
	unsigned int c;

	if (!list)
		return -EMSGSIZE;
	for (c = 0; c < WEFT_C_MAX; c++)
		if (counter_fill(skb, wn, c))
			return -EMSGSIZE;
	nla_nest_end(skb, list);
	return 0;
}

static int status_fill(struct sk_buff *skb, const void *object,
		       struct weft_net *wn)
{
	struct nlattr *nest = nla_nest_start(skb, WEFT_A_STATUS);
	int err;

	if (!nest || nla_put_u32(skb, WEFT_STATUS_A_ABI, WEFT_ABI) ||
	    nla_put_string(skb, WEFT_STATUS_A_VERSION,
			   THIS_MODULE->version ? : "unknown"))
		return -EMSGSIZE;
	rcu_read_lock();
	err = tables_fill(skb, weft_gen_current(&wn->tables));
	rcu_read_unlock();
	if (err || numbers_fill(skb, wn) || counters_fill(skb, wn))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

int weft_genl_status_get(struct sk_buff *skb, struct genl_info *info)
{
	return weft_genl_reply(info, status_fill, NULL);
}

int weft_genl_selftest_run(struct sk_buff *skb, struct genl_info *info)
{
	if (!weft_selftest())
		return 0;
	return weft_genl_fail(skb, info, NULL, -EIO,
			      "a self-test failed, the kernel log says which");
}
