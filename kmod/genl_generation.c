// SPDX-License-Identifier: GPL-2.0
/*
 * WEFT_CMD_GENERATION_*: the daemon's transactions. Process context.
 */
#include <linux/rcupdate.h>
#include "genl.h"

static int event_fill(struct sk_buff *skb, u64 number)
{
	void *head = genlmsg_put(skb, 0, 0, &weft_genl_family, 0,
				 WEFT_CMD_EVENT);

	if (!head ||
	    nla_put_u32(skb, WEFT_A_EVENT, WEFT_EVENT_GENERATION) ||
	    nla_put_u64_64bit(skb, WEFT_A_GENERATION, number, WEFT_A_PAD))
		return -EMSGSIZE;
	genlmsg_end(skb, head);
	return 0;
}

/**
 * weft_genl_generation_event - tell subscribers which generation is in force
 * @wn: the namespace
 *
 * After a change. Nobody listening or no memory is no error; the latter is
 * counted.
 */
void weft_genl_generation_event(struct weft_net *wn)
{
	struct sk_buff *skb;
	u64 number;

	if (!genl_has_listeners(&weft_genl_family, wn->net, WEFT_GENL_EVENTS))
		return;
	rcu_read_lock();
	number = weft_gen_number(weft_gen_current(&wn->tables));
	rcu_read_unlock();
	skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!skb || event_fill(skb, number)) {
		nlmsg_free(skb);
		weft_count(wn, event_lost);
		return;
	}
	if (genlmsg_multicast_netns(&weft_genl_family, wn->net, skb, 0,
				    WEFT_GENL_EVENTS, GFP_KERNEL) == -ENOBUFS)
		weft_count(wn, event_lost);
}

static int txn_fill(struct sk_buff *skb, const void *object,
		    struct weft_net *wn)
{
	return nla_put_u32(skb, WEFT_A_TRANSACTION, *(const u32 *)object);
}

static int txn_id(const struct genl_info *info, u32 *id, struct weft_fault *f)
{
	if (!info->attrs[WEFT_A_TRANSACTION])
		return weft_fault_set(f, -EINVAL,
				      "the transaction's number is missing");
	*id = nla_get_u32(info->attrs[WEFT_A_TRANSACTION]);
	return 0;
}

int weft_genl_generation_begin(struct sk_buff *skb, struct genl_info *info)
{
	struct weft_tables *t = &weft_genl_net(info)->tables;
	const struct nlattr *trial = info->attrs[WEFT_A_TRIAL];
	struct weft_fault f;
	int err;
	u32 id;

	weft_fault_init(&f);
	err = weft_txn_begin(t, trial && nla_get_u32(trial), info->snd_portid,
			     &id, &f);
	if (err)
		return weft_genl_end(skb, info, err, &f);
	err = weft_genl_reply(info, txn_fill, &id);
	if (err)	/* the caller does not know its number: undo */
		weft_txn_abort(t, id, info->snd_portid, NULL);
	return err;
}

/*
 * The answer is made before: once the generation is in force, nothing may fail
 * that would say it is not.
 */
static int commit(struct genl_info *info, struct sk_buff *reply,
		  struct weft_fault *f)
{
	struct weft_net *wn = weft_genl_net(info);
	u64 number;
	void *head;
	int err;
	u32 id;

	head = genlmsg_put(reply, info->snd_portid, info->snd_seq,
			   &weft_genl_family, 0, info->genlhdr->cmd);
	if (WARN_ON_ONCE(!head))
		return -EMSGSIZE;
	err = txn_id(info, &id, f);
	if (!err)
		err = weft_txn_commit(&wn->tables, id, info->snd_portid,
				      &number, f);
	if (err)
		return err;
	/* there is room: it holds nothing else */
	nla_put_u64_64bit(reply, WEFT_A_GENERATION, number, WEFT_A_PAD);
	genlmsg_end(reply, head);
	weft_genl_generation_event(wn);
	return 0;
}

int weft_genl_generation_commit(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *reply;
	struct weft_fault f;
	int err;

	weft_fault_init(&f);
	reply = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	err = reply ? commit(info, reply, &f) : weft_fault_nomem(&f);
	if (err) {
		nlmsg_free(reply);
		return weft_genl_end(skb, info, err, &f);
	}
	genlmsg_reply(reply, info);	/* who does not listen has its answer */
	return 0;
}

int weft_genl_generation_abort(struct sk_buff *skb, struct genl_info *info)
{
	struct weft_tables *t = &weft_genl_net(info)->tables;
	struct weft_fault f;
	int err;
	u32 id;

	weft_fault_init(&f);
	err = txn_id(info, &id, &f);
	if (!err)
		err = weft_txn_abort(t, id, info->snd_portid, &f);
	return weft_genl_end(skb, info, err, &f);
}
