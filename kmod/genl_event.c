// SPDX-License-Identifier: GPL-2.0
/*
 * WEFT_CMD_EVENT and WEFT_CMD_EVENT_NEXT: verdicts as they happen, told to who
 * listens and remembered for who was away. Process context; a conn is looked at
 * with its ->mu held.
 */
#include <linux/ktime.h>
#include "genl.h"
#include "genl_conn.h"
#include "genl_event.h"
#include "limits.h"

/* Kind, number and time, padded */
#define HEAD_MAX	64

/* A message under way. */
struct event {
	struct sk_buff *skb;
	void *hdr;
	struct nlattr *sequence;	/* NULL: one that is not remembered */
};

/* -ENOMEM or -EMSGSIZE: the message is the caller's to free all the same. */
static int event_begin(struct event *e, u32 event, bool keep)
{
	*e = (struct event){};
	e->skb = genlmsg_new(WEFT_CONN_MESSAGE_MAX + HEAD_MAX, GFP_KERNEL);
	if (!e->skb)
		return -ENOMEM;
	e->hdr = genlmsg_put(e->skb, 0, 0, &weft_genl_family, 0,
			     WEFT_CMD_EVENT);
	if (!e->hdr)
		return -EMSGSIZE;
	if (keep) {	/* in front: what follows is remembered */
		e->sequence = nla_reserve_64bit(e->skb, WEFT_A_SEQUENCE,
						sizeof(u64), WEFT_A_PAD);
		if (!e->sequence ||
		    nla_put_u64_64bit(e->skb, WEFT_A_TIME,
				      ktime_get_real_ns(), WEFT_A_PAD))
			return -EMSGSIZE;
	}
	return nla_put_u32(e->skb, WEFT_A_EVENT, event);
}

static bool heard(struct weft_net *wn)
{
	return genl_has_listeners(&weft_genl_family, wn->net,
				  WEFT_GENL_EVENTS);
}

static void event_send(struct weft_net *wn, struct event *e)
{
	if (!heard(wn)) {
		nlmsg_free(e->skb);
		return;
	}
	genlmsg_end(e->skb, e->hdr);
	if (genlmsg_multicast_netns(&weft_genl_family, wn->net, e->skb, 0,
				    WEFT_GENL_EVENTS, GFP_KERNEL) == -ENOBUFS)
		weft_count(wn, event_lost);
}

/* The number is taken last: from then on the event can be asked for. */
static void event_keep(struct weft_net *wn, struct event *e)
{
	u8 *from = (u8 *)e->sequence + nla_total_size(sizeof(u64));
	u32 len = skb_tail_pointer(e->skb) - from;
	u64 n;

	n = weft_events_add(&wn->events, weft_event_record_create(from, len));
	memcpy(nla_data(e->sequence), &n, sizeof(n));
}

/* Verdicts; of ends, those that are not the application's own doing. */
static bool is_kept(const struct weft_conn *c, u32 event)
{
	switch (event) {
	case WEFT_EVENT_CONN_LIVE:
	case WEFT_EVENT_CONN_PASS:
	case WEFT_EVENT_CONN_DENIED:
	case WEFT_EVENT_CONN_FAILED:
	case WEFT_EVENT_CONN_AUDIT:
		return true;
	case WEFT_EVENT_CONN_CLOSED:
		return c->reason != WEFT_REASON_CLOSED &&
		       c->reason != WEFT_REASON_NONE;
	}
	return false;
}

/**
 * weft_genl_event_conn() - something happened to a conn
 * @c: the conn, ->mu held
 * @event: enum weft_event
 *
 * Without memory nobody hears of it, but the next number tells that it was.
 */
void weft_genl_event_conn(struct weft_conn *c, u32 event)
{
	bool keep = is_kept(c, event);
	struct event e;

	if (!keep && !heard(c->wn))
		return;
	if (event_begin(&e, event, keep) ||
	    weft_genl_conn_put_nest(e.skb, c)) {
		weft_count(c->wn, event_lost);
		if (keep)
			weft_events_add(&c->wn->events, NULL);
		nlmsg_free(e.skb);
		return;
	}
	if (keep)
		event_keep(c->wn, &e);
	event_send(c->wn, &e);
}

/**
 * weft_genl_event_net() - something happened to a namespace
 * @wn: the namespace
 * @event: enum weft_event
 */
void weft_genl_event_net(struct weft_net *wn, u32 event)
{
	struct event e;

	if (!heard(wn))
		return;
	if (event_begin(&e, event, false)) {
		weft_count(wn, event_lost);
		nlmsg_free(e.skb);
		return;
	}
	event_send(wn, &e);
}

static int fill(struct sk_buff *skb, const void *object, struct weft_net *wn)
{
	const struct weft_event_record *r = object;

	return nla_put_u64_64bit(skb, WEFT_A_SEQUENCE, r->sequence,
				 WEFT_A_PAD) ?:
	       nla_append(skb, r->len, r->data);
}

/**
 * weft_genl_event_next() - WEFT_CMD_EVENT_NEXT
 * @skb: the request
 * @info: its view
 *
 * Return: 0, -ENOENT, -ENOMEM.
 */
int weft_genl_event_next(struct sk_buff *skb, struct genl_info *info)
{
	const struct nlattr *nla = info->attrs[WEFT_A_SEQUENCE];
	u64 n = nla ? nla_get_u64(nla) : 0;
	struct weft_event_record *r;
	int err;

	r = weft_events_after(&weft_genl_net(info)->events, n);
	if (!r)
		return weft_genl_fail(skb, info, nla, -ENOENT,
				      "no event after number %llu", n);
	err = weft_genl_reply(info, fill, r);
	weft_event_record_put(r);
	return err;
}
