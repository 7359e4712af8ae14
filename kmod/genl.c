// SPDX-License-Identifier: GPL-2.0
/*
 * The generic netlink family "weft": its commands, who may call them and with
 * which attributes, how they answer and how they refuse.
 *
 * Every command runs in process context, in parallel with others
 * (parallel_ops): workers must not wait for each other, nor for other families.
 */
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include "compat.h"
#include "generation_priv.h"
#include "genl.h"
#include "limits.h"

/*
 * Room beside an object's own attributes: headers, defaults, out-only ones; the
 * conn that comes with a service's identities in HANDSHAKE_ACCEPT.
 */
#define MESSAGE_SLACK		(WEFT_CONN_MESSAGE_MAX + 512)

static const struct nla_policy name_policy[] = {
	[1] = { .type = NLA_NUL_STRING },	/* WEFT_<object>_A_NAME */
};

static const struct nla_policy endpoint_key_policy[] = {
	[WEFT_ENDPOINT_A_SERVICE] = { .type = NLA_NUL_STRING },
	[WEFT_ENDPOINT_A_ADDRESS] =
		NLA_POLICY_EXACT_LEN(sizeof(struct in6_addr)),
	[WEFT_ENDPOINT_A_PORT] = { .type = NLA_U16 },
};

static const struct nla_policy conn_key_policy[] = {
	[WEFT_CONN_A_ID] = { .type = NLA_U64 },
};

static const struct nla_policy judge_policy[] = {
	[WEFT_CONN_A_ID] = { .type = NLA_U64 },
	[WEFT_CONN_A_PEER_IDENTITY] = { .type = NLA_NUL_STRING },
	[WEFT_CONN_A_PEER_SERIAL] = { .type = NLA_NUL_STRING },
};

static const struct nla_policy flow_policy[] = {
	[WEFT_CONN_A_ROLE] = NLA_POLICY_MAX(NLA_U32, WEFT_ROLE_SERVER),
	[WEFT_CONN_A_WORKLOAD] = { .type = NLA_NUL_STRING },
	[WEFT_CONN_A_SERVICE] = { .type = NLA_NUL_STRING },
	[WEFT_CONN_A_PEER_IDENTITY] = { .type = NLA_NUL_STRING },
	[WEFT_CONN_A_PEER_SERIAL] = { .type = NLA_NUL_STRING },
	[WEFT_CONN_A_REMOTE] = NLA_POLICY_EXACT_LEN(sizeof(struct in6_addr)),
	[WEFT_CONN_A_LOCAL_PORT] = { .type = NLA_U16 },
};

static const struct nla_policy done_policy[] = {
	[WEFT_CONN_A_ID] = { .type = NLA_U64 },
	[WEFT_CONN_A_PEER_IDENTITY] = { .type = NLA_NUL_STRING },
	[WEFT_CONN_A_REASON] = NLA_POLICY_MAX(NLA_U32, WEFT_REASON_MAX),
	/* from ERESTARTSYS on they are the kernel's own */
	[WEFT_CONN_A_ERRNO] = NLA_POLICY_MAX(NLA_U32, ERESTARTSYS - 1),
	[WEFT_CONN_A_DETAIL] = { .type = NLA_NUL_STRING },
	[WEFT_CONN_A_CIPHER] = { .type = NLA_NUL_STRING },
	[WEFT_CONN_A_RESUMED] = NLA_POLICY_MAX(NLA_U32, 1),
};

const struct nla_policy weft_texts_policy[WEFT_LIST_A_MAX + 1] = {
	[WEFT_LIST_A_ITEM] = { .type = NLA_NUL_STRING },
};

/* Top level, per kind of command; what is not named is refused. */

static const struct nla_policy nothing[WEFT_A_MAX + 1] = {};

static const struct nla_policy txn[WEFT_A_MAX + 1] = {
	[WEFT_A_TRANSACTION] = NLA_POLICY_MIN(NLA_U32, 1),
};

static const struct nla_policy txn_begin[WEFT_A_MAX + 1] = {
	[WEFT_A_TRIAL] = NLA_POLICY_MAX(NLA_U32, 1),
};

static const struct nla_policy sequence[WEFT_A_MAX + 1] = {
	[WEFT_A_SEQUENCE] = { .type = NLA_U64 },
};

#define POLICY_NEW(name, attr, policy)					\
	static const struct nla_policy name[WEFT_A_MAX + 1] = {		\
		[WEFT_A_TRANSACTION] = NLA_POLICY_MIN(NLA_U32, 1),	\
		[attr] = NLA_POLICY_NESTED(policy),			\
	}
#define POLICY_KEY(name, attr, policy)					\
	static const struct nla_policy name[WEFT_A_MAX + 1] = {		\
		[attr] = NLA_POLICY_NESTED(policy),			\
	}

POLICY_NEW(workload_new, WEFT_A_WORKLOAD, weft_workload_policy);
POLICY_KEY(workload_key, WEFT_A_WORKLOAD, name_policy);
POLICY_NEW(service_new, WEFT_A_SERVICE, weft_service_policy);
POLICY_KEY(service_key, WEFT_A_SERVICE, name_policy);
POLICY_NEW(endpoint_new, WEFT_A_ENDPOINT, weft_endpoint_policy);
POLICY_KEY(endpoint_key, WEFT_A_ENDPOINT, endpoint_key_policy);
POLICY_NEW(policy_new, WEFT_A_POLICY, weft_policy_policy);
POLICY_KEY(policy_key, WEFT_A_POLICY, name_policy);
POLICY_NEW(revocation_new, WEFT_A_REVOCATION, weft_revocation_policy);
POLICY_KEY(revocation_key, WEFT_A_REVOCATION, name_policy);
POLICY_NEW(peer_new, WEFT_A_PEER, weft_peer_policy);
POLICY_KEY(peer_key, WEFT_A_PEER, name_policy);
POLICY_KEY(conn_key, WEFT_A_CONN, conn_key_policy);
POLICY_NEW(flow_judge, WEFT_A_CONN, flow_policy);
POLICY_KEY(conn_judge, WEFT_A_CONN, judge_policy);
POLICY_KEY(conn_done, WEFT_A_CONN, done_policy);

#define ADMIN(id, attrs)						\
	.cmd = WEFT_CMD_##id, .policy = attrs, .maxattr = WEFT_A_MAX,	\
	.flags = GENL_UNS_ADMIN_PERM

static const struct genl_ops ops[] = {
	{ .cmd = WEFT_CMD_STATUS_GET, .policy = nothing,
	  .maxattr = WEFT_A_MAX, .doit = weft_genl_status_get },
	{ ADMIN(GENERATION_BEGIN, txn_begin),
	  .doit = weft_genl_generation_begin },
	{ ADMIN(GENERATION_COMMIT, txn), .doit = weft_genl_generation_commit },
	{ ADMIN(GENERATION_ABORT, txn), .doit = weft_genl_generation_abort },
	{ ADMIN(WORKLOAD_NEW, workload_new), .doit = weft_genl_workload_new },
	{ ADMIN(WORKLOAD_DEL, workload_key), .doit = weft_genl_workload_del },
	{ ADMIN(WORKLOAD_GET, workload_key), .doit = weft_genl_workload_get,
	  .start = weft_genl_dump_start, .dumpit = weft_genl_workload_dump },
	{ ADMIN(SERVICE_NEW, service_new), .doit = weft_genl_service_new },
	{ ADMIN(SERVICE_DEL, service_key), .doit = weft_genl_service_del },
	{ ADMIN(SERVICE_GET, service_key), .doit = weft_genl_service_get,
	  .start = weft_genl_dump_start, .dumpit = weft_genl_service_dump },
	{ ADMIN(ENDPOINT_NEW, endpoint_new), .doit = weft_genl_endpoint_new },
	{ ADMIN(ENDPOINT_DEL, endpoint_key), .doit = weft_genl_endpoint_del },
	{ ADMIN(ENDPOINT_GET, endpoint_key), .doit = weft_genl_endpoint_get,
	  .start = weft_genl_endpoint_start,
	  .dumpit = weft_genl_endpoint_dump },
	{ ADMIN(POLICY_NEW, policy_new), .doit = weft_genl_policy_new },
	{ ADMIN(POLICY_DEL, policy_key), .doit = weft_genl_policy_del },
	{ ADMIN(POLICY_GET, policy_key), .doit = weft_genl_policy_get,
	  .start = weft_genl_dump_start, .dumpit = weft_genl_policy_dump },
	{ ADMIN(REVOCATION_NEW, revocation_new),
	  .doit = weft_genl_revocation_new },
	{ ADMIN(REVOCATION_DEL, revocation_key),
	  .doit = weft_genl_revocation_del },
	{ ADMIN(REVOCATION_GET, revocation_key),
	  .doit = weft_genl_revocation_get,
	  .start = weft_genl_dump_start,
	  .dumpit = weft_genl_revocation_dump },
	{ ADMIN(PEER_NEW, peer_new), .doit = weft_genl_peer_new },
	{ ADMIN(PEER_DEL, peer_key), .doit = weft_genl_peer_del },
	{ ADMIN(PEER_GET, peer_key), .doit = weft_genl_peer_get,
	  .start = weft_genl_dump_start, .dumpit = weft_genl_peer_dump },
	{ ADMIN(CONN_GET, conn_key), .doit = weft_genl_conn_get,
	  .start = weft_genl_conn_start, .dumpit = weft_genl_conn_dump },
	{ ADMIN(CONN_DEL, conn_key), .doit = weft_genl_conn_del },
	{ ADMIN(WORKER_NEW, nothing), .doit = weft_genl_worker_new },
	{ ADMIN(HANDSHAKE_ACCEPT, conn_key),
	  .doit = weft_genl_handshake_accept },
	{ ADMIN(HANDSHAKE_JUDGE, conn_judge),
	  .doit = weft_genl_handshake_judge },
	{ ADMIN(HANDSHAKE_DONE, conn_done), .doit = weft_genl_handshake_done },
	{ ADMIN(FLOW_JUDGE, flow_judge), .doit = weft_genl_flow_judge },
	{ ADMIN(EVENT_NEXT, sequence), .doit = weft_genl_event_next },
	/* not for root of a user namespace: it costs everybody's time */
	{ .cmd = WEFT_CMD_SELFTEST_RUN, .policy = nothing,
	  .maxattr = WEFT_A_MAX, .flags = GENL_ADMIN_PERM,
	  .doit = weft_genl_selftest_run },
};

static const struct genl_multicast_group groups[] = {
	[WEFT_GENL_EVENTS] = { .name = WEFT_MCGRP_EVENTS,
			       .flags = GENL_MCAST_CAP_NET_ADMIN },
};

struct genl_family weft_genl_family __ro_after_init = {
	.name = WEFT_GENL_NAME,
	.version = WEFT_GENL_VERSION,
	.maxattr = WEFT_A_MAX,
	.policy = nothing,
	.netnsok = true,
	.parallel_ops = true,
	.module = THIS_MODULE,
	.ops = ops,
	.n_ops = ARRAY_SIZE(ops),
	.mcgrps = groups,
	.n_mcgrps = ARRAY_SIZE(groups),
	/* from there on the core would refuse NLM_F_REPLACE */
	.resv_start_op = __WEFT_CMD_MAX,
};

/**
 * weft_genl_init() - register the family
 *
 * Commands may arrive before this returns. Return: 0 or what
 * genl_register_family() says.
 */
int __init weft_genl_init(void)
{
	return genl_register_family(&weft_genl_family);
}

/**
 * weft_genl_uninit() - unregister it; no command runs when this returns
 */
void weft_genl_uninit(void)
{
	genl_unregister_family(&weft_genl_family);
}

/* The error to send with its words; upon -EINTR the core sends none. */
static int end(struct sk_buff *skb, const struct nlmsghdr *nlh, int err,
	       const struct weft_fault *f)
{
	struct netlink_ext_ack extack = {};

	if (!err || !f || (!f->attr && !f->text[0]))
		return err;
	extack.bad_attr = f->attr;
	extack._msg = f->text[0] ? f->text : NULL;
	netlink_ack(skb, (struct nlmsghdr *)nlh, err, &extack);
	return -EINTR;
}

int weft_genl_end(struct sk_buff *skb, struct genl_info *info, int err,
		  const struct weft_fault *f)
{
	/* the message at hand is at skb->data, see netlink_rcv_skb() */
	return end(skb, nlmsg_hdr(skb), err, f);
}

int weft_genl_dump_end(struct netlink_callback *cb, int err,
		       const struct weft_fault *f)
{
	return end(cb->skb, cb->nlh, err, f);
}

int weft_genl_fail(struct sk_buff *skb, struct genl_info *info,
		   const struct nlattr *attr, int err, const char *fmt, ...)
{
	struct weft_fault f = { .attr = attr };
	va_list args;

	va_start(args, fmt);
	weft_fault_format(&f, fmt, args);
	va_end(args);
	return weft_genl_end(skb, info, err, &f);
}

static int message_put(struct sk_buff *skb, const struct genl_info *info,
		       int (*fill)(struct sk_buff *skb, const void *object,
				   struct weft_net *wn),
		       const void *object)
{
	void *head;
	int err;

	head = genlmsg_put(skb, info->snd_portid, info->snd_seq,
			   &weft_genl_family, 0, info->genlhdr->cmd);
	if (!head)
		return -EMSGSIZE;
	err = fill(skb, object, weft_genl_net(info));
	if (!err)
		genlmsg_end(skb, head);
	return err;
}

int weft_genl_reply(struct genl_info *info,
		    int (*fill)(struct sk_buff *skb, const void *object,
				struct weft_net *wn),
		    const void *object)
{
	static const size_t sizes[] = {
		GENLMSG_DEFAULT_SIZE, WEFT_OBJECT_MAX + MESSAGE_SLACK,
	};
	int err = -EMSGSIZE;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes) && err == -EMSGSIZE; i++) {
		struct sk_buff *skb = genlmsg_new(sizes[i], GFP_KERNEL);

		if (!skb) {
			NL_SET_ERR_MSG(info->extack,
				       "out of memory for the answer");
			return -ENOMEM;
		}
		err = message_put(skb, info, fill, object);
		if (!err)
			return genlmsg_reply(skb, info);
		nlmsg_free(skb);
	}
	return err;
}

int weft_genl_dump_put(struct sk_buff *skb, struct netlink_callback *cb,
		       u8 cmd,
		       int (*fill)(struct sk_buff *skb, const void *object,
				   struct weft_net *wn),
		       const void *object)
{
	void *head;

	head = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
			   &weft_genl_family, NLM_F_MULTI, cmd);
	if (!head)
		return -EMSGSIZE;
	if (fill(skb, object, weft_genl_dump_net(cb))) {
		genlmsg_cancel(skb, head);
		return -EMSGSIZE;
	}
	genl_dump_check_consistent(cb, head);
	genlmsg_end(skb, head);
	return 0;
}

struct nlattr **weft_genl_dump_attrs(struct netlink_callback *cb)
{
#if WEFT_KERNEL(6, 7)
	return genl_info_dump(cb)->attrs;
#else
	return genl_dumpit_info(cb)->attrs;
#endif
}

struct weft_net *weft_genl_dump_net(struct netlink_callback *cb)
{
	return weft_net(sock_net(cb->skb->sk));
}

/* Buffers large enough for the largest object there is. */
static void dump_reserve(struct netlink_callback *cb)
{
	const struct weft_gen *gen;
	u32 size = NLMSG_GOODSIZE;

	rcu_read_lock();
	gen = weft_gen_current(&weft_genl_dump_net(cb)->tables);
	if (gen)
		size = max_t(u32, size, gen->wire_max + MESSAGE_SLACK);
	rcu_read_unlock();
	cb->min_dump_alloc = size;
}

int weft_genl_dump_start(struct netlink_callback *cb)
{
	struct nlattr **attrs = weft_genl_dump_attrs(cb);
	struct weft_fault f;
	unsigned int i;

	for (i = 1; i <= WEFT_A_MAX; i++) {
		if (!attrs[i])
			continue;
		weft_fault_init(&f);
		weft_fault_attr(&f, attrs[i], -EINVAL,
				"a dump of these takes no attributes");
		return weft_genl_dump_end(cb, -EINVAL, &f);
	}
	dump_reserve(cb);
	return 0;
}

int weft_genl_nest(const struct genl_info *info, int attr, struct nlattr **tb,
		   int max, struct weft_fault *f)
{
	static const char * const names[WEFT_A_MAX + 1] = {
		[WEFT_A_WORKLOAD] = "WORKLOAD", [WEFT_A_SERVICE] = "SERVICE",
		[WEFT_A_ENDPOINT] = "ENDPOINT", [WEFT_A_POLICY] = "POLICY",
		[WEFT_A_REVOCATION] = "REVOCATION", [WEFT_A_PEER] = "PEER",
		[WEFT_A_CONN] = "CONN",
	};
	const struct nlattr *nest = info->attrs[attr];

	if (!nest)
		return weft_fault_set(f, -EINVAL,
				      "attribute WEFT_A_%s is missing",
				      names[attr]);
	if (nla_len(nest) > WEFT_OBJECT_MAX)
		return weft_fault_attr(f, nest, -EMSGSIZE,
				       "the object has %d bytes, at most %d are allowed",
				       nla_len(nest), WEFT_OBJECT_MAX);
	f->nest = nest;
	/* validated with the command's policy */
	return nla_parse_nested_deprecated(tb, max, nest, NULL, NULL);
}

void weft_genl_change(const struct genl_info *info, struct weft_change *c)
{
	const struct nlattr *nla = info->attrs[WEFT_A_TRANSACTION];

	c->txn = nla ? nla_get_u32(nla) : 0;
	c->portid = info->snd_portid;
	c->replace = info->nlhdr->nlmsg_flags & NLM_F_REPLACE;
}

u8 weft_genl_owner(const struct genl_info *info)
{
	return info->attrs[WEFT_A_TRANSACTION] ? WEFT_OWNER_DAEMON :
						 WEFT_OWNER_STATIC;
}

int weft_genl_set(const struct genl_info *info, enum weft_kind kind,
		  const char *name, void *object, struct weft_fault *f)
{
	struct weft_net *wn = weft_genl_net(info);
	struct weft_change change;
	int err;

	weft_genl_change(info, &change);
	err = weft_tables_set(&wn->tables, &change, kind, name, object, f);
	if (!err && !change.txn)
		weft_genl_generation_event(wn);
	return err;
}

/* The name in the object's attribute. */
static int kind_name(const struct genl_info *info,
		     const struct weft_genl_kind *k, const char **name,
		     struct weft_fault *f)
{
	struct nlattr *tb[2];
	char what[32];
	int err;

	err = weft_genl_nest(info, k->attr, tb, 1, f);
	if (err)
		return err;
	snprintf(what, sizeof(what), "name of the %s",
		 weft_kinds[k->kind].noun);
	return weft_nla_peek(tb[1], what, WEFT_NAME_MAX, name, f);
}

int weft_genl_kind_del(struct sk_buff *skb, struct genl_info *info,
		       const struct weft_genl_kind *k)
{
	struct weft_net *wn = weft_genl_net(info);
	struct weft_fault f;
	const char *name;
	int err;

	weft_fault_init(&f);
	err = kind_name(info, k, &name, &f);
	if (!err)
		err = weft_tables_del(&wn->tables, k->kind, name, &f);
	if (!err)
		weft_genl_generation_event(wn);
	return weft_genl_end(skb, info, err, &f);
}

int weft_genl_kind_get(struct sk_buff *skb, struct genl_info *info,
		       const struct weft_genl_kind *k)
{
	const struct weft_gen *gen;
	void *object = NULL;
	struct weft_fault f;
	const char *name;
	int err;

	weft_fault_init(&f);
	err = kind_name(info, k, &name, &f);
	if (err)
		return weft_genl_end(skb, info, err, &f);
	rcu_read_lock();
	gen = weft_gen_current(&weft_genl_net(info)->tables);
	if (gen)
		object = weft_table_find(&gen->tables[k->kind], name);
	if (object)
		weft_kinds[k->kind].get(object);
	rcu_read_unlock();
	if (!object)
		return weft_genl_fail(skb, info, NULL, -ENOENT,
				      "no %s is called '%s'",
				      weft_kinds[k->kind].noun, name);
	err = weft_genl_reply(info, k->fill, object);
	weft_kinds[k->kind].put(object);
	return err;
}

/* cb->args[0]: the next row. */
int weft_genl_kind_dump(struct sk_buff *skb, struct netlink_callback *cb,
			const struct weft_genl_kind *k)
{
	const struct weft_gen *gen;
	const struct weft_table *t;
	int err = 0;

	rcu_read_lock();
	gen = weft_gen_current(&weft_genl_dump_net(cb)->tables);
	cb->seq = weft_gen_number(gen) + 1;	/* 0 would say nothing */
	t = gen ? &gen->tables[k->kind] : NULL;
	while (t && cb->args[0] < t->n) {
		err = weft_genl_dump_put(skb, cb, k->cmd_get, k->fill,
					 t->rows[cb->args[0]].object);
		if (err)
			break;
		cb->args[0]++;
	}
	rcu_read_unlock();
	return skb->len ? skb->len : err;
}
