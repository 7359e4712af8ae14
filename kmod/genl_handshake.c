// SPDX-License-Identifier: GPL-2.0
/*
 * WEFT_CMD_WORKER_NEW and WEFT_CMD_HANDSHAKE_*: the messages; what they do is
 * in handshake.c and upcall.c. Process context, but for
 * weft_genl_handshake_ready().
 */
#include <linux/file.h>
#include <linux/jiffies.h>
#include "genl.h"
#include "genl_conn.h"
#include "genl_handshake.h"
#include "handshake.h"
#include "upcall.h"

/**
 * weft_genl_handshake_ready() - tell one worker of a conn that waits
 * @wn: the namespace
 * @portid: the worker's netlink socket
 * @id: the conn's
 *
 * Any context. Return: 0; -errno, it did not hear (gone, or its buffer full).
 */
int weft_genl_handshake_ready(struct weft_net *wn, u32 portid, u64 id)
{
	struct nlattr *nest;
	struct sk_buff *skb;
	void *hdr;

	skb = genlmsg_new(64, GFP_ATOMIC);
	if (!skb)
		return -ENOMEM;
	hdr = genlmsg_put(skb, 0, 0, &weft_genl_family, 0,
			  WEFT_CMD_HANDSHAKE_READY);
	nest = hdr ? nla_nest_start(skb, WEFT_A_CONN) : NULL;
	if (!nest || nla_put_u64_64bit(skb, WEFT_CONN_A_ID, id,
				       WEFT_CONN_A_PAD)) {
		nlmsg_free(skb);
		return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	genlmsg_end(skb, hdr);
	return genlmsg_unicast(wn->net, skb, portid);
}

/**
 * weft_genl_worker_new() - the calling netlink socket takes handshakes
 * @skb: the request
 * @info: its view
 *
 * Return: 0, -EEXIST, -ENOSPC, -ENOMEM.
 */
int weft_genl_worker_new(struct sk_buff *skb, struct genl_info *info)
{
	int err = weft_worker_add(weft_genl_net(info), info->snd_portid);

	if (err == -EEXIST)
		return weft_genl_fail(skb, info, NULL, err,
				      "this netlink socket is a worker already");
	if (err == -ENOSPC)
		return weft_genl_fail(skb, info, NULL, err,
				      "%u workers are registered, no more are allowed",
				      WEFT_WORKERS_MAX);
	return err;
}

struct accepted {
	struct weft_conn *c;
	int fd;
};

static int fill_accepted(struct sk_buff *skb, const void *object,
			 struct weft_net *wn)
{
	const struct accepted *a = object;
	const struct weft_service *s = a->c->steer.service;
	long left = (long)(a->c->deadline - jiffies);
	struct nlattr *nest;

	if (nla_put_s32(skb, WEFT_A_FD, a->fd))
		return -EMSGSIZE;
	nest = nla_nest_start(skb, WEFT_A_CONN);
	if (!nest ||
	    weft_genl_conn_fill(skb, a->c, WEFT_CONN_HANDSHAKE) ||
	    nla_put_u32(skb, WEFT_CONN_A_DEADLINE,
			jiffies_to_msecs(max(left, 1L))) ||
	    (s && weft_nla_put_strings(skb, WEFT_CONN_A_IDENTITIES,
				       s->identities, s->n_identities)))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/* ->mu held. The reply is queued before the descriptor exists: the caller
 * reads it only when this call has returned.
 */
static int accept_conn(struct genl_info *info, struct weft_conn *c,
		       struct file *f)
{
	struct accepted a = { .c = c };
	int err;

	a.fd = get_unused_fd_flags(O_CLOEXEC);
	if (a.fd < 0) {
		c->offer_lost = true;	/* to another worker */
		weft_conn_kick(c);
		return a.fd;
	}
	err = weft_handshake_accept(c, info->snd_portid);
	if (err) {
		put_unused_fd(a.fd);
		return err;
	}
	err = weft_genl_reply(info, fill_accepted, &a);
	if (err) {
		put_unused_fd(a.fd);
		weft_handshake_unaccept(c);
		return err;
	}
	fd_install(a.fd, get_file(f));
	return 0;
}

static void accept_why(const struct weft_conn *c, int err,
		       struct weft_fault *f)
{
	if (err == -EALREADY)
		weft_fault_set(f, err, "connection %llu does not wait (any more)",
			       c->id);
	else if (err == -EPROTO)
		weft_fault_set(f, err, "connection %llu failed: its peer is gone, or TLS cannot be put on its socket",
			       c->id);
	else
		weft_fault_set(f, err, "connection %llu waits on: no descriptor of its socket could be handed over",
			       c->id);
}

/**
 * weft_genl_handshake_accept() - a worker takes a conn
 * @skb: the request
 * @info: its view
 *
 * Return: 0, -EPERM, -EINVAL, -ENOENT, -EALREADY, -EPROTO, -EMFILE, -ENOMEM.
 */
int weft_genl_handshake_accept(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *tb[WEFT_CONN_A_MAX + 1] = {};
	struct weft_conn *c;
	struct weft_fault f;
	struct file *file;
	int err;

	if (!weft_worker_is(weft_genl_net(info), info->snd_portid))
		return weft_genl_fail(skb, info, NULL, -EPERM,
				      "this netlink socket is no worker: WORKER_NEW makes it one");
	weft_fault_init(&f);
	err = weft_genl_conn_find(info, tb, &c, &file, &f);
	if (!err) {
		err = accept_conn(info, c, file);
		if (err)
			accept_why(c, err, &f);
		weft_genl_conn_put(c, file);
	}
	return weft_genl_end(skb, info, err, &f);
}

static int fill_judged(struct sk_buff *skb, const void *object,
		       struct weft_net *wn)
{
	const struct weft_conn *c = object;
	struct nlattr *nest = nla_nest_start(skb, WEFT_A_CONN);

	if (!nest ||
	    nla_put_u64_64bit(skb, WEFT_CONN_A_ID, c->id, WEFT_CONN_A_PAD) ||
	    nla_put_u32(skb, WEFT_CONN_A_ERRNO, c->err) ||
	    nla_put_u32(skb, WEFT_CONN_A_REASON, c->reason) ||
	    nla_put_u64_64bit(skb, WEFT_CONN_A_GENERATION, c->generation,
			      WEFT_CONN_A_PAD) ||
	    (c->policy && nla_put_string(skb, WEFT_CONN_A_POLICY, c->policy)))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int judge(struct genl_info *info, struct nlattr **tb,
		 struct weft_conn *c, struct weft_fault *f)
{
	const char *peer, *serial = NULL;
	int err;

	err = weft_nla_identity(tb[WEFT_CONN_A_PEER_IDENTITY],
				"peer's identity", &peer, f);
	if (!err && tb[WEFT_CONN_A_PEER_SERIAL])
		err = weft_nla_serial(tb[WEFT_CONN_A_PEER_SERIAL],
				      "peer's serial", &serial, f);
	if (!err)
		err = weft_handshake_judge(c, peer, serial);
	if (err == -ENOMEM)
		weft_fault_nomem(f);
	if (err == -ECANCELED)
		weft_fault_set(f, err, "connection %llu is not in your hands (any more)",
			       c->id);
	return err ?: weft_genl_reply(info, fill_judged, c);
}

/**
 * weft_genl_handshake_judge() - may this peer be at the other end?
 * @skb: the request
 * @info: its view
 *
 * Return: 0, -EINVAL, -ERANGE, -ENOENT, -ECANCELED, -ENOMEM.
 */
int weft_genl_handshake_judge(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *tb[WEFT_CONN_A_MAX + 1] = {};
	struct weft_conn *c;
	struct weft_fault f;
	struct file *file;
	int err;

	weft_fault_init(&f);
	err = weft_genl_conn_find(info, tb, &c, &file, &f);
	if (!err) {
		err = judge(info, tb, c, &f);
		weft_genl_conn_put(c, file);
	}
	return weft_genl_end(skb, info, err, &f);
}

/* A text that may be absent. */
static int optional(const struct nlattr *nla, const char *what, size_t max,
		    const char **out, struct weft_fault *f)
{
	*out = NULL;
	return nla ? weft_nla_peek(nla, what, max, out, f) : 0;
}

static int done_parse(struct nlattr **tb, struct weft_done *d,
		      struct weft_fault *f)
{
	if (!tb[WEFT_CONN_A_REASON])
		return weft_fault_attr(f, f->nest, -EINVAL,
				       "how did it end? REASON is missing (NONE: it worked)");
	d->reason = nla_get_u32(tb[WEFT_CONN_A_REASON]);
	d->err = tb[WEFT_CONN_A_ERRNO] ?
		 nla_get_u32(tb[WEFT_CONN_A_ERRNO]) : 0;
	d->resumed = tb[WEFT_CONN_A_RESUMED] &&
		     nla_get_u32(tb[WEFT_CONN_A_RESUMED]);
	d->peer = NULL;
	return (tb[WEFT_CONN_A_PEER_IDENTITY] ?
		weft_nla_identity(tb[WEFT_CONN_A_PEER_IDENTITY],
				  "peer's identity", &d->peer, f) : 0) ?:
	       optional(tb[WEFT_CONN_A_DETAIL], "detail", WEFT_DETAIL_MAX,
			&d->detail, f) ?:
	       optional(tb[WEFT_CONN_A_CIPHER], "cipher", WEFT_CIPHER_MAX,
			&d->cipher, f);
}

static int done(struct nlattr **tb, struct weft_conn *c, struct weft_fault *f)
{
	struct weft_done d;
	int err;

	err = done_parse(tb, &d, f);
	if (err)
		return err;
	err = weft_handshake_done(c, &d);
	if (err == -ECANCELED)
		weft_fault_set(f, err, "connection %llu is not in your hands (any more)",
			       c->id);
	else if (err == -EINVAL)
		weft_fault_set(f, err, "connection %llu has no keys, or its peer was not judged: install TLS_TX and TLS_RX first",
			       c->id);
	else if (err == -EACCES)
		weft_fault_set(f, err, "connection %llu: its peer is not allowed any more",
			       c->id);
	else if (err)
		weft_fault_set(f, err, "connection %llu failed: its application was writing past the hold",
			       c->id);
	return err;
}

/**
 * weft_genl_handshake_done() - how a handshake ended
 * @skb: the request
 * @info: its view
 *
 * Return: 0, -EINVAL, -ERANGE, -ENOENT, -EACCES, -EBUSY, -ECANCELED.
 */
int weft_genl_handshake_done(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *tb[WEFT_CONN_A_MAX + 1] = {};
	struct weft_conn *c;
	struct weft_fault f;
	struct file *file;
	int err;

	weft_fault_init(&f);
	err = weft_genl_conn_find(info, tb, &c, &file, &f);
	if (!err) {
		err = done(tb, c, &f);
		weft_genl_conn_put(c, file);
	}
	return weft_genl_end(skb, info, err, &f);
}
