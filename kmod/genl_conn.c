// SPDX-License-Identifier: GPL-2.0
/*
 * WEFT_CMD_CONN_*, and the memory of connections that ended. Process context; a
 * conn is looked at with its ->mu held.
 */
#include <linux/file.h>
#include <linux/slab.h>
#include <net/tcp.h>
#include "connect.h"
#include "genl.h"
#include "genl_conn.h"
#include "genl_event.h"
#include "genl_handshake.h"
#include "handshake.h"
#include "limits.h"
#include "upcall.h"

/* ------------------------------------------------------------ out */

static void local_of(const struct sock *sk, struct weft_addr *a)
{
	if (sk->sk_family == AF_INET6)
		a->ip = sk->sk_v6_rcv_saddr;
	else
		ipv6_addr_set_v4mapped(sk->sk_rcv_saddr, &a->ip);
	a->port = ntohs(inet_sk(sk)->inet_sport);	/* outlives inet_num */
}

static void remote_of(const struct weft_conn *c, const struct sock *sk,
		      struct weft_addr *a)
{
	unsigned int n = READ_ONCE(c->n_tried);	/* a dump does not hold ->mu */

	if (n) {		/* also after a disconnect */
		*a = c->attempts[n - 1].addr;
		return;
	}
	weft_addr_remote(sk, a);
}

static int put_addr(struct sk_buff *skb, int ip, int port,
		    const struct weft_addr *a)
{
	return weft_nla_put_addr(skb, ip, &a->ip) ?:
	       nla_put_u16(skb, port, a->port);
}

static int put_text(struct sk_buff *skb, int attr, const char *s)
{
	return s && *s ? nla_put_string(skb, attr, s) : 0;
}

static int put_addresses(struct sk_buff *skb, const struct weft_conn *c)
{
	const struct sock *sk = c->sock->sk;
	struct weft_addr local, remote;
	int err = 0;

	if (sk) {
		local_of(sk, &local);
		remote_of(c, sk, &remote);
		err = put_addr(skb, WEFT_CONN_A_LOCAL, WEFT_CONN_A_LOCAL_PORT,
			       &local) ?:
		      put_addr(skb, WEFT_CONN_A_REMOTE,
			       WEFT_CONN_A_REMOTE_PORT, &remote);
	}
	if (!err && c->asked.port)
		err = put_addr(skb, WEFT_CONN_A_ASKED, WEFT_CONN_A_ASKED_PORT,
			       &c->asked);
	return err;
}

static int put_attempt(struct sk_buff *skb, const struct weft_attempt *a)
{
	struct nlattr *nest = nla_nest_start(skb, WEFT_LIST_A_ITEM);

	if (!nest || put_addr(skb, WEFT_ATTEMPT_A_ADDRESS,
			      WEFT_ATTEMPT_A_PORT, &a->addr) ||
	    nla_put_u32(skb, WEFT_ATTEMPT_A_REASON, a->reason) ||
	    nla_put_u32(skb, WEFT_ATTEMPT_A_ERRNO, a->err))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_attempts(struct sk_buff *skb, const struct weft_conn *c)
{
	struct nlattr *nest;
	unsigned int i;

	if (!c->n_tried)
		return 0;
	nest = nla_nest_start(skb, WEFT_CONN_A_ATTEMPTS);
	if (!nest)
		return -EMSGSIZE;
	for (i = 0; i < c->n_tried; i++)
		if (put_attempt(skb, &c->attempts[i]))
			return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_parties(struct sk_buff *skb, const struct weft_conn *c)
{
	const struct weft_service *s = c->steer.service;
	const struct weft_workload *w = c->steer.workload;

	return put_text(skb, WEFT_CONN_A_SERVICE, s ? s->name : NULL) ?:
	       put_text(skb, WEFT_CONN_A_WORKLOAD, w ? w->name : NULL) ?:
	       put_text(skb, WEFT_CONN_A_IDENTITY, w ? w->identity : NULL) ?:
	       put_text(skb, WEFT_CONN_A_PEER_IDENTITY, c->peer_identity) ?:
	       put_text(skb, WEFT_CONN_A_PEER_SERIAL, c->peer_serial) ?:
	       put_text(skb, WEFT_CONN_A_COMM, c->comm) ?:
	       put_text(skb, WEFT_CONN_A_CGROUP, c->cgroup) ?:
	       nla_put_u32(skb, WEFT_CONN_A_PID, c->pid) ?:
	       nla_put_u32(skb, WEFT_CONN_A_UID, c->uid);
}

static int put_revoked(struct sk_buff *skb, const struct weft_conn *c)
{
	/* else it is of an earlier endpoint that it is the reason */
	if (c->reason != WEFT_REASON_REVOKED || !c->revoked)
		return 0;
	return nla_put_u32(skb, WEFT_CONN_A_REVOKED, c->revoked) ?:
	       put_text(skb, WEFT_CONN_A_REVOCATION, c->revocation);
}

static int put_verdict(struct sk_buff *skb, const struct weft_conn *c)
{
	return put_text(skb, WEFT_CONN_A_POLICY, c->policy) ?:
	       put_text(skb, WEFT_CONN_A_AUDIT, c->audit) ?:
	       put_revoked(skb, c) ?:
	       put_text(skb, WEFT_CONN_A_REGISTERED, c->registered) ?:
	       put_text(skb, WEFT_CONN_A_DETAIL, c->detail) ?:
	       put_text(skb, WEFT_CONN_A_CIPHER, c->cipher) ?:
	       nla_put_u32(skb, WEFT_CONN_A_RESUMED, c->resumed) ?:
	       nla_put_u32(skb, WEFT_CONN_A_ERRNO, c->err) ?:
	       nla_put_u32(skb, WEFT_CONN_A_REASON, c->reason) ?:
	       nla_put_u64_64bit(skb, WEFT_CONN_A_GENERATION, c->generation,
				 WEFT_CONN_A_PAD) ?:
	       nla_put_u64_64bit(skb, WEFT_CONN_A_AGE,
				 div_u64(ktime_get_ns() - c->started,
					 NSEC_PER_MSEC), WEFT_CONN_A_PAD);
}

/**
 * weft_genl_conn_fill() - the attributes of WEFT_A_CONN
 * @skb: the message, inside the nest
 * @c: the conn, ->mu held
 * @state: what to say its state is
 *
 * Return: 0 or -EMSGSIZE.
 */
int weft_genl_conn_fill(struct sk_buff *skb, struct weft_conn *c, u8 state)
{
	return nla_put_u64_64bit(skb, WEFT_CONN_A_ID, c->id, WEFT_CONN_A_PAD) ?:
	       nla_put_u32(skb, WEFT_CONN_A_ROLE, c->role) ?:
	       nla_put_u32(skb, WEFT_CONN_A_STATE, state) ?:
	       nla_put_u32(skb, WEFT_CONN_A_MODE, c->mode) ?:
	       put_addresses(skb, c) ?:
	       put_parties(skb, c) ?:
	       put_verdict(skb, c) ?:
	       put_attempts(skb, c);
}

/**
 * weft_genl_conn_put_nest() - WEFT_A_CONN, as the conn is now
 * @skb: the message
 * @c: the conn, ->mu held
 *
 * Return: 0 or -EMSGSIZE.
 */
int weft_genl_conn_put_nest(struct sk_buff *skb, struct weft_conn *c)
{
	struct nlattr *nest = nla_nest_start(skb, WEFT_A_CONN);

	if (!nest || weft_genl_conn_fill(skb, c, weft_conn_state(c)))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int fill(struct sk_buff *skb, const void *object, struct weft_net *wn)
{
	return weft_genl_conn_put_nest(skb, (struct weft_conn *)object);
}

static int fill_record(struct sk_buff *skb, const void *object,
		       struct weft_net *wn)
{
	const struct weft_record *r = object;

	return nla_put(skb, WEFT_A_CONN | NLA_F_NESTED, r->len, r->data);
}

/* ------------------------------------------------------------ in */

/**
 * weft_genl_conn_find() - the conn a request names, locked
 * @info: the request
 * @tb: room for WEFT_CONN_A_MAX + 1; its CONN nest
 * @c: the conn, on success
 * @fp: its file, on success
 * @f: words, on error
 *
 * Return: 0, then weft_genl_conn_put() is the caller's; -EINVAL, -ENOENT;
 * -EBUSY, a signal came first.
 */
int weft_genl_conn_find(struct genl_info *info, struct nlattr **tb,
			struct weft_conn **c, struct file **fp,
			struct weft_fault *f)
{
	const struct nlattr *nest = info->attrs[WEFT_A_CONN];
	u64 id;
	int err;

	if (!nest)
		return weft_fault_set(f, -EINVAL, "which connection? CONN is missing");
	/* validated with the command's policy */
	err = nla_parse_nested_deprecated(tb, WEFT_CONN_A_MAX, nest, NULL,
					  NULL);
	if (err)
		return err;
	f->nest = nest;
	if (!tb[WEFT_CONN_A_ID])
		return weft_fault_attr(f, nest, -EINVAL,
				       "which connection? its ID is missing");
	id = nla_get_u64(tb[WEFT_CONN_A_ID]);
	*c = weft_conn_get(weft_genl_net(info), id, fp);
	if (!*c)
		return weft_fault_attr(f, tb[WEFT_CONN_A_ID], -ENOENT,
				       "no connection %llu (any more)", id);
	if (weft_conn_lock(*c)) {
		fput(*fp);
		return weft_fault_attr(f, tb[WEFT_CONN_A_ID], -EBUSY,
				       "a signal came while connection %llu was busy",
				       id);
	}
	if ((*c)->id == id)
		return 0;
	weft_genl_conn_put(*c, *fp);	/* its socket connects anew */
	return weft_fault_attr(f, tb[WEFT_CONN_A_ID], -ENOENT,
			       "no connection %llu any more", id);
}

/**
 * weft_genl_conn_put() - end what weft_genl_conn_find() began
 * @c: the conn
 * @f: its file
 */
void weft_genl_conn_put(struct weft_conn *c, struct file *f)
{
	mutex_unlock(&c->mu);
	fput(f);
}

static int reply_record(struct genl_info *info, struct nlattr **tb,
			struct weft_fault *f)
{
	struct weft_record *r;
	int err;

	if (!tb[WEFT_CONN_A_ID])
		return -EINVAL;		/* said already */
	r = weft_history_find(weft_genl_net(info),
			      nla_get_u64(tb[WEFT_CONN_A_ID]), GFP_ATOMIC);
	if (!r)
		return -ENOENT;
	weft_fault_init(f);
	err = weft_genl_reply(info, fill_record, r);
	kfree(r);
	return err;
}

/**
 * weft_genl_conn_get() - WEFT_CMD_CONN_GET of one connection
 * @skb: the request
 * @info: its view
 *
 * Return: 0, -EINVAL, -ENOENT, -ENOMEM.
 */
int weft_genl_conn_get(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *tb[WEFT_CONN_A_MAX + 1] = {};
	struct weft_conn *c;
	struct weft_fault f;
	struct file *file;
	int err;

	weft_fault_init(&f);
	err = weft_genl_conn_find(info, tb, &c, &file, &f);
	if (!err) {
		err = weft_genl_reply(info, fill, c);
		weft_genl_conn_put(c, file);
	} else if (err == -ENOENT) {
		err = reply_record(info, tb, &f);
	}
	return weft_genl_end(skb, info, err, &f);
}

static void reset(struct weft_conn *c)
{
	u8 state = weft_conn_state(c);

	weft_conn_set_verdict(c, WEFT_REASON_ADMIN, ECONNRESET);
	if (weft_conn_settled(c)) {
		if (state == WEFT_CONN_LIVE)	/* release() tells of it */
			WRITE_ONCE(c->rx_err, -ECONNRESET);
		tcp_abort(c->sock->sk, ECONNRESET);
		return;
	}
	c->spent = true;
	lock_sock(c->sock->sk);
	weft_connect_unmute(c);
	release_sock(c->sock->sk);
	weft_conn_abort(c, ECONNRESET);
	weft_conn_report(c, WEFT_EVENT_CONN_FAILED);
}

/**
 * weft_genl_conn_del() - WEFT_CMD_CONN_DEL: reset a connection
 * @skb: the request
 * @info: its view
 *
 * Return: 0, -EINVAL, -ENOENT.
 */
int weft_genl_conn_del(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *tb[WEFT_CONN_A_MAX + 1] = {};
	struct weft_conn *c;
	struct weft_fault f;
	struct file *file;
	int err;

	weft_fault_init(&f);
	err = weft_genl_conn_find(info, tb, &c, &file, &f);
	if (!err) {
		reset(c);
		weft_genl_conn_put(c, file);
	}
	return weft_genl_end(skb, info, err, &f);
}

/* ------------------------------------------------------------ dump */

static bool is_shown(const struct weft_conn *c)
{
	return c->role == WEFT_ROLE_SERVER || c->asked.port;
}

/**
 * weft_genl_conn_start() - WEFT_CMD_CONN_GET of all begins
 * @cb: the dump
 *
 * Return: 0, -EINVAL: it takes no attributes.
 */
int weft_genl_conn_start(struct netlink_callback *cb)
{
	int err = weft_genl_dump_start(cb);

	/* the first buffer is made before anybody reads: room for one */
	cb->min_dump_alloc = max_t(u32, cb->min_dump_alloc,
				   NLMSG_SPACE(GENL_HDRLEN) +
				   nla_total_size(WEFT_CONN_MESSAGE_MAX));
	return err;
}

/* What can be said of a conn without its lock. */
static int fill_busy(struct sk_buff *skb, const void *object,
		     struct weft_net *wn)
{
	const struct weft_conn *c = object;
	struct nlattr *nest = nla_nest_start(skb, WEFT_A_CONN);

	if (!nest ||
	    nla_put_u64_64bit(skb, WEFT_CONN_A_ID, c->id, WEFT_CONN_A_PAD) ||
	    nla_put_u32(skb, WEFT_CONN_A_ROLE, c->role) ||
	    nla_put_u32(skb, WEFT_CONN_A_STATE, weft_conn_state(c)) ||
	    nla_put_u32(skb, WEFT_CONN_A_MODE, c->mode) ||
	    put_addresses(skb, c) ||
	    nla_put_u32(skb, WEFT_CONN_A_PID, READ_ONCE(c->pid)) ||
	    nla_put_u32(skb, WEFT_CONN_A_UID, READ_ONCE(c->uid)))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/*
 * Whoever has a conn's lock may be waiting for its socket, for as long as its
 * owner likes: we do not wait for him. @until: jiffies.
 */
static int dump_conn(struct sk_buff *skb, struct netlink_callback *cb,
		     struct weft_conn *c, unsigned long until)
{
	bool locked;
	int err;

	while (!(locked = mutex_trylock(&c->mu)) && time_before(jiffies, until))
		usleep_range(200, 500);
	err = weft_genl_dump_put(skb, cb, WEFT_CMD_CONN_GET,
				 locked ? fill : fill_busy, c);
	if (locked)
		mutex_unlock(&c->mu);
	return err;
}

/* args[0]: 0 conns, 1 history; args[1]: where to go on */
static int dump_conns(struct sk_buff *skb, struct netlink_callback *cb,
		      struct weft_net *wn)
{
	unsigned long until = jiffies + msecs_to_jiffies(WEFT_DUMP_PATIENCE);
	unsigned long id = cb->args[1];
	struct weft_conn *c;
	struct file *f;
	int err;

	for (; (c = weft_conn_next(wn, &id, is_shown, &f)); id++) {
		err = dump_conn(skb, cb, c, until);
		fput(f);
		if (err) {
			cb->args[1] = id;
			return err;
		}
	}
	cb->args[0] = 1;
	cb->args[1] = 0;
	return 0;
}

static int dump_history(struct sk_buff *skb, struct netlink_callback *cb,
			struct weft_net *wn)
{
	struct weft_record *r;
	int err;

	for (; cb->args[1] < WEFT_HISTORY_MAX; cb->args[1]++) {
		r = weft_history_at(wn, cb->args[1], GFP_ATOMIC);
		if (!r)
			continue;
		err = weft_genl_dump_put(skb, cb, WEFT_CMD_CONN_GET,
					 fill_record, r);
		kfree(r);
		if (err)
			return err;
	}
	return 0;
}

/**
 * weft_genl_conn_dump() - WEFT_CMD_CONN_GET of all, those lately ended last
 * @skb: the message to fill
 * @cb: where we are
 *
 * Return: bytes, 0 at the end.
 */
int weft_genl_conn_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct weft_net *wn = weft_genl_dump_net(cb);
	int err = 0;

	cb->seq = 1;			/* conns come and go: no consistency */
	if (!cb->args[0])
		err = dump_conns(skb, cb, wn);
	if (!err)
		err = dump_history(skb, cb, wn);
	return err && !skb->len ? err : skb->len;
}

/* What is remembered: over, whatever the state is just now. */
static struct weft_record *conn_record(struct weft_conn *c)
{
	struct weft_record *r = NULL;
	struct sk_buff *skb = alloc_skb(WEFT_CONN_MESSAGE_MAX,
					GFP_KERNEL_ACCOUNT);

	if (!skb)
		return NULL;
	if (!weft_genl_conn_fill(skb, c, WEFT_CONN_DEAD))
		r = kmalloc(sizeof(*r) + skb->len, GFP_KERNEL_ACCOUNT);
	if (r) {
		r->id = c->id;
		r->len = skb->len;
		memcpy(r->data, skb->data, skb->len);
	}
	kfree_skb(skb);
	return r;
}

static const struct weft_upcall_ops upcall_ops = {
	.ready = weft_genl_handshake_ready,
	.event = weft_genl_event_conn,
	.event_net = weft_genl_event_net,
	.record = conn_record,
};

/**
 * weft_genl_conn_init() - hand our functions to upcall.c
 */
void weft_genl_conn_init(void)
{
	weft_upcall_init(&upcall_ops);
}
