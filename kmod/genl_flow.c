// SPDX-License-Identifier: GPL-2.0
/*
 * WEFT_CMD_FLOW_JUDGE: what the generation of a trial would say of a
 * connection. Process context.
 */
#include <linux/slab.h>
#include "flow.h"
#include "genl.h"

/* What the flow points to is in the message. */
struct question {
	struct weft_flow flow;
	struct weft_flow_verdict verdict;
};

static int put_name(struct sk_buff *skb, int attr, const char *name)
{
	return *name ? nla_put_string(skb, attr, name) : 0;
}

static int fill(struct sk_buff *skb, const void *object, struct weft_net *wn)
{
	const struct question *q = object;
	const struct weft_flow_verdict *v = &q->verdict;
	struct nlattr *nest = nla_nest_start(skb, WEFT_A_CONN);

	if (!nest || nla_put_u32(skb, WEFT_CONN_A_REASON, v->reason) ||
	    nla_put_u32(skb, WEFT_CONN_A_MODE, v->mode) ||
	    (v->workload &&
	     nla_put_string(skb, WEFT_CONN_A_WORKLOAD, q->flow.workload)) ||
	    (v->service &&
	     nla_put_string(skb, WEFT_CONN_A_SERVICE, q->flow.service)) ||
	    put_name(skb, WEFT_CONN_A_POLICY, v->policy) ||
	    put_name(skb, WEFT_CONN_A_AUDIT, v->audit) ||
	    put_name(skb, WEFT_CONN_A_REVOCATION, v->revocation) ||
	    put_name(skb, WEFT_CONN_A_REGISTERED, v->registered))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/* What was given is right, whichever end it is for. */
static int parse_given(struct nlattr **tb, struct weft_flow *flow,
		       struct weft_fault *f)
{
	const struct nlattr *port = tb[WEFT_CONN_A_LOCAL_PORT];
	int err = 0;

	if (tb[WEFT_CONN_A_SERVICE])
		err = weft_nla_name(tb[WEFT_CONN_A_SERVICE],
				    "name of the service", &flow->service, f);
	if (!err && tb[WEFT_CONN_A_PEER_IDENTITY])
		err = weft_nla_identity(tb[WEFT_CONN_A_PEER_IDENTITY],
					"peer's identity",
					&flow->peer.identity, f);
	if (!err && tb[WEFT_CONN_A_PEER_SERIAL])
		err = weft_nla_serial(tb[WEFT_CONN_A_PEER_SERIAL],
				      "peer's serial", &flow->serial, f);
	if (!err && tb[WEFT_CONN_A_REMOTE])
		err = weft_nla_addr(tb[WEFT_CONN_A_REMOTE], "peer's address",
				    &flow->peer.ip, f);
	if (err || !port)
		return err;
	flow->peer.port = nla_get_u16(port);
	return flow->peer.port ? 0 :
	       weft_fault_attr(f, port, -ERANGE,
			       "the port is 0, 1 to 65535 is allowed");
}

static int lacks(struct weft_fault *f, const char *what)
{
	return weft_fault_attr(f, f->nest, -EINVAL, "%s is missing", what);
}

static int parse(const struct genl_info *info, struct weft_flow *flow,
		 struct weft_fault *f)
{
	struct nlattr *tb[WEFT_CONN_A_MAX + 1] = {};
	int err;

	err = weft_genl_nest(info, WEFT_A_CONN, tb, WEFT_CONN_A_MAX, f);
	if (err)
		return err;
	if (!tb[WEFT_CONN_A_ROLE])
		return lacks(f, "which end it is: ROLE");
	flow->role = nla_get_u32(tb[WEFT_CONN_A_ROLE]);
	err = weft_nla_name(tb[WEFT_CONN_A_WORKLOAD], "name of the workload",
			    &flow->workload, f) ?:
	      parse_given(tb, flow, f);
	if (err)
		return err;
	if (flow->role == WEFT_ROLE_CLIENT && !flow->service)
		return lacks(f, "what a client called: SERVICE");
	if (flow->role == WEFT_ROLE_CLIENT && !flow->peer.identity)
		return lacks(f, "who answered a client: PEER_IDENTITY");
	if (flow->role == WEFT_ROLE_SERVER && !tb[WEFT_CONN_A_REMOTE])
		return lacks(f, "who called a server: REMOTE");
	if (flow->role == WEFT_ROLE_SERVER && !flow->peer.port)
		return lacks(f, "where a server was called: LOCAL_PORT");
	return 0;
}

static int judge(struct genl_info *info, struct question *q,
		 struct weft_fault *f)
{
	const struct nlattr *txn = info->attrs[WEFT_A_TRANSACTION];
	int err;

	if (!txn)
		return weft_fault_set(f, -EINVAL,
				      "the trial's number is missing: TRANSACTION");
	err = parse(info, &q->flow, f);
	if (!err)
		err = weft_trial_judge(&weft_genl_net(info)->tables,
				       nla_get_u32(txn), info->snd_portid,
				       &q->flow, &q->verdict, f);
	return err ?: weft_genl_reply(info, fill, q);
}

/**
 * weft_genl_flow_judge() - what would the trial say of this connection?
 * @skb: the request
 * @info: its view
 *
 * Return: 0, -EINVAL, -ERANGE, -ENOMEM, and as weft_trial_judge().
 */
int weft_genl_flow_judge(struct sk_buff *skb, struct genl_info *info)
{
	struct question *q = kzalloc(sizeof(*q), GFP_KERNEL);
	struct weft_fault f;
	int err;

	weft_fault_init(&f);
	err = q ? judge(info, q, &f) : weft_fault_nomem(&f);
	kfree(q);
	return weft_genl_end(skb, info, err, &f);
}
