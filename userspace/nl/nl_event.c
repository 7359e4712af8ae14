// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Events. See nl_event.h.
 */
#include "nl/nl_event.h"

#include <errno.h>
#include "nl/nl_wire.h"

int weft_nl_event_subscribe(struct weft_nl *nl, struct weft_error *err)
{
	return weft_nl_join_events(nl, err);
}

static int parse(struct nlattr **tb, struct weft_nl_event *event)
{
	if (!tb[WEFT_A_EVENT])
		return -EPROTO;
	event->type = nla_get_u32(tb[WEFT_A_EVENT]);
	event->generation = weft_nl_get_u64(tb[WEFT_A_GENERATION]);
	event->sequence = weft_nl_get_u64(tb[WEFT_A_SEQUENCE]);
	event->time = weft_nl_get_u64(tb[WEFT_A_TIME]);
	if (!tb[WEFT_A_CONN])
		return 0;
	event->has_conn = true;
	return weft_nl_conn_parse(tb[WEFT_A_CONN], &event->conn);
}

static int deliver(struct nlmsghdr *hdr, weft_nl_event_fn *fn, void *data, struct weft_error *err)
{
	struct nlattr *tb[WEFT_A_MAX + 1];
	struct weft_nl_event event = { 0 };
	int r = weft_nl_parse_top(hdr, tb);

	if (!r)
		r = parse(tb, &event);
	if (r)
		return weft_error_set(err, r, r == -ENOMEM ? "out of memory" : "malformed event");
	r = fn(&event, data);
	weft_nl_conn_uninit(&event.conn);
	return r;
}

int weft_nl_event_recv(struct weft_nl *nl, weft_nl_event_fn *fn, void *data,
		       struct weft_error *err)
{
	int r;

	for (;;) {
		_cleanup_free_ struct weft_nl_kept *kept = NULL;

		r = weft_nl_unasked(nl, WEFT_CMD_EVENT, &kept, err);
		if (r == -ENOBUFS)
			return WEFT_NL_EVENTS_LOST;
		if (r <= 0)
			return r;
		r = deliver(&kept->hdr, fn, data, err);
		if (r)
			return r;
	}
}

static int take(struct nlattr **tb, void *data)
{
	struct weft_nl_event *event = data;
	int r = parse(tb, event);

	return r ? r : event->has_conn && event->sequence ? 0 : -EPROTO;
}

int weft_nl_event_next(struct weft_nl *nl, uint64_t sequence, weft_nl_event_fn *fn, void *data,
		       struct weft_error *err)
{
	_cleanup_msg_ struct nl_msg *msg =
		weft_nl_msg(nl, WEFT_CMD_EVENT_NEXT, 0, WEFT_NL_ROOM_SMALL);
	struct weft_nl_event event = { 0 };
	int r;

	if (!msg || nla_put_u64(msg, WEFT_A_SEQUENCE, sequence))
		return weft_error_nomem(err);
	r = weft_nl_call(nl, msg, take, &event, err);
	if (!r)
		r = fn(&event, data);
	else if (r == -ENOENT)
		r = WEFT_NL_EVENT_NONE;
	weft_nl_conn_uninit(&event.conn);
	return r;
}
