// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Connections. See nl_conn.h.
 */
#include "nl/nl_conn.h"

#include <errno.h>
#include "base/array.h"
#include "nl/nl_wire.h"

void weft_nl_conn_uninit(struct weft_nl_conn *conn)
{
	weft_strv_uninit(&conn->identities);
	free(conn->attempts);
	free(conn->service);
	free(conn->workload);
	free(conn->identity);
	free(conn->peer_identity);
	free(conn->peer_serial);
	free(conn->revocation);
	free(conn->registered);
	free(conn->policy);
	free(conn->audit);
	free(conn->detail);
	free(conn->cipher);
	free(conn->comm);
	free(conn->cgroup);
	*conn = (struct weft_nl_conn){ 0 };
}

#define IP { .minlen = 16, .maxlen = 16 }

static const struct nla_policy conn_policy[WEFT_CONN_A_MAX + 1] = {
	[WEFT_CONN_A_ID] = { .type = NLA_U64 },
	[WEFT_CONN_A_ROLE] = { .type = NLA_U32 },
	[WEFT_CONN_A_STATE] = { .type = NLA_U32 },
	[WEFT_CONN_A_MODE] = { .type = NLA_U32 },
	[WEFT_CONN_A_LOCAL] = IP,
	[WEFT_CONN_A_LOCAL_PORT] = { .type = NLA_U16 },
	[WEFT_CONN_A_REMOTE] = IP,
	[WEFT_CONN_A_REMOTE_PORT] = { .type = NLA_U16 },
	[WEFT_CONN_A_ASKED] = IP,
	[WEFT_CONN_A_ASKED_PORT] = { .type = NLA_U16 },
	[WEFT_CONN_A_SERVICE] = { .type = NLA_STRING },
	[WEFT_CONN_A_IDENTITIES] = { .type = NLA_NESTED },
	[WEFT_CONN_A_WORKLOAD] = { .type = NLA_STRING },
	[WEFT_CONN_A_IDENTITY] = { .type = NLA_STRING },
	[WEFT_CONN_A_PEER_IDENTITY] = { .type = NLA_STRING },
	[WEFT_CONN_A_PEER_SERIAL] = { .type = NLA_STRING },
	[WEFT_CONN_A_REVOKED] = { .type = NLA_U32 },
	[WEFT_CONN_A_REVOCATION] = { .type = NLA_STRING },
	[WEFT_CONN_A_REGISTERED] = { .type = NLA_STRING },
	[WEFT_CONN_A_POLICY] = { .type = NLA_STRING },
	[WEFT_CONN_A_AUDIT] = { .type = NLA_STRING },
	[WEFT_CONN_A_GENERATION] = { .type = NLA_U64 },
	[WEFT_CONN_A_ERRNO] = { .type = NLA_U32 },
	[WEFT_CONN_A_REASON] = { .type = NLA_U32 },
	[WEFT_CONN_A_DETAIL] = { .type = NLA_STRING },
	[WEFT_CONN_A_CIPHER] = { .type = NLA_STRING },
	[WEFT_CONN_A_RESUMED] = { .type = NLA_U32 },
	[WEFT_CONN_A_PID] = { .type = NLA_U32 },
	[WEFT_CONN_A_UID] = { .type = NLA_U32 },
	[WEFT_CONN_A_COMM] = { .type = NLA_STRING },
	[WEFT_CONN_A_CGROUP] = { .type = NLA_STRING },
	[WEFT_CONN_A_AGE] = { .type = NLA_U64 },
	[WEFT_CONN_A_DEADLINE] = { .type = NLA_U32 },
	[WEFT_CONN_A_ATTEMPTS] = { .type = NLA_NESTED },
};

static int parse_attempt(struct nlattr *nest, struct weft_nl_conn *conn)
{
	static const struct nla_policy policy[WEFT_ATTEMPT_A_MAX + 1] = {
		[WEFT_ATTEMPT_A_ADDRESS] = IP,
		[WEFT_ATTEMPT_A_PORT] = { .type = NLA_U16 },
		[WEFT_ATTEMPT_A_REASON] = { .type = NLA_U32 },
		[WEFT_ATTEMPT_A_ERRNO] = { .type = NLA_U32 },
	};
	struct nlattr *tb[WEFT_ATTEMPT_A_MAX + 1];
	struct weft_nl_attempt *attempt;

	if (weft_nl_parse(tb, WEFT_ATTEMPT_A_MAX, nest, policy))
		return -EPROTO;
	attempt = WEFT_ARRAY_APPEND(conn->attempts, conn->n_attempts);
	if (!attempt)
		return -ENOMEM;
	weft_nl_get_ip(&attempt->addr, tb[WEFT_ATTEMPT_A_ADDRESS]);
	attempt->addr.port = weft_nl_get_u16(tb[WEFT_ATTEMPT_A_PORT]);
	attempt->reason = weft_nl_get_u32(tb[WEFT_ATTEMPT_A_REASON]);
	attempt->error = weft_nl_get_u32(tb[WEFT_ATTEMPT_A_ERRNO]);
	return 0;
}

static int parse_attempts(struct nlattr *list, struct weft_nl_conn *conn)
{
	struct nlattr *pos;
	int rem, r;

	if (!list)
		return 0;
	nla_for_each_nested(pos, list, rem) {
		r = parse_attempt(pos, conn);
		if (r)
			return r;
	}
	return 0;
}

static int parse_strings(struct nlattr **tb, struct weft_nl_conn *conn)
{
	const struct {
		int attr;
		char **to;
	} strings[] = {
		{ WEFT_CONN_A_SERVICE, &conn->service },
		{ WEFT_CONN_A_WORKLOAD, &conn->workload },
		{ WEFT_CONN_A_IDENTITY, &conn->identity },
		{ WEFT_CONN_A_PEER_IDENTITY, &conn->peer_identity },
		{ WEFT_CONN_A_PEER_SERIAL, &conn->peer_serial },
		{ WEFT_CONN_A_REVOCATION, &conn->revocation },
		{ WEFT_CONN_A_REGISTERED, &conn->registered },
		{ WEFT_CONN_A_POLICY, &conn->policy },
		{ WEFT_CONN_A_AUDIT, &conn->audit },
		{ WEFT_CONN_A_DETAIL, &conn->detail },
		{ WEFT_CONN_A_CIPHER, &conn->cipher },
		{ WEFT_CONN_A_COMM, &conn->comm },
		{ WEFT_CONN_A_CGROUP, &conn->cgroup },
	};
	size_t i;
	int r;

	for (i = 0; i < WEFT_ARRAY_SIZE(strings); i++) {
		/* "" says nothing either: callers look for NULL only */
		if (!tb[strings[i].attr] || !*(char *)nla_data(tb[strings[i].attr]))
			continue;
		r = weft_nl_get_string(strings[i].to, tb[strings[i].attr]);
		if (r)
			return r;
	}
	return 0;
}

static void parse_addresses(struct nlattr **tb, struct weft_nl_conn *conn)
{
	weft_nl_get_ip(&conn->local, tb[WEFT_CONN_A_LOCAL]);
	conn->local.port = weft_nl_get_u16(tb[WEFT_CONN_A_LOCAL_PORT]);
	weft_nl_get_ip(&conn->remote, tb[WEFT_CONN_A_REMOTE]);
	conn->remote.port = weft_nl_get_u16(tb[WEFT_CONN_A_REMOTE_PORT]);
	weft_nl_get_ip(&conn->asked, tb[WEFT_CONN_A_ASKED]);
	conn->asked.port = weft_nl_get_u16(tb[WEFT_CONN_A_ASKED_PORT]);
}

static void parse_numbers(struct nlattr **tb, struct weft_nl_conn *conn)
{
	conn->id = weft_nl_get_u64(tb[WEFT_CONN_A_ID]);
	conn->role = weft_nl_get_u32(tb[WEFT_CONN_A_ROLE]);
	conn->state = weft_nl_get_u32(tb[WEFT_CONN_A_STATE]);
	conn->mode = weft_nl_get_u32(tb[WEFT_CONN_A_MODE]);
	conn->resumed = weft_nl_get_u32(tb[WEFT_CONN_A_RESUMED]);
	conn->revoked = weft_nl_get_u32(tb[WEFT_CONN_A_REVOKED]);
	conn->generation = weft_nl_get_u64(tb[WEFT_CONN_A_GENERATION]);
	conn->error = weft_nl_get_u32(tb[WEFT_CONN_A_ERRNO]);
	conn->reason = weft_nl_get_u32(tb[WEFT_CONN_A_REASON]);
	conn->pid = weft_nl_get_u32(tb[WEFT_CONN_A_PID]);
	conn->uid = weft_nl_get_u32(tb[WEFT_CONN_A_UID]);
	conn->age = weft_nl_get_u64(tb[WEFT_CONN_A_AGE]);
	conn->deadline = weft_nl_get_u32(tb[WEFT_CONN_A_DEADLINE]);
}

int weft_nl_conn_parse(struct nlattr *nest, struct weft_nl_conn *out)
{
	struct nlattr *tb[WEFT_CONN_A_MAX + 1];
	struct weft_nl_conn c = { 0 };
	int r;

	if (weft_nl_parse(tb, WEFT_CONN_A_MAX, nest, conn_policy) || !tb[WEFT_CONN_A_ID])
		return -EPROTO;
	parse_numbers(tb, &c);
	parse_addresses(tb, &c);
	r = parse_strings(tb, &c);
	if (!r)
		r = weft_nl_get_strv(&c.identities, tb[WEFT_CONN_A_IDENTITIES]);
	if (!r)
		r = parse_attempts(tb[WEFT_CONN_A_ATTEMPTS], &c);
	if (r)
		weft_nl_conn_uninit(&c);
	else
		*out = c;
	return r;
}

static int call_id(struct weft_nl *nl, uint8_t cmd, uint64_t id, weft_nl_reply_fn *fn, void *data,
		   struct weft_error *err)
{
	_cleanup_msg_ struct nl_msg *msg = weft_nl_msg(nl, cmd, 0, WEFT_NL_ROOM_SMALL);
	struct nlattr *nest = msg ? weft_nl_nest(msg, WEFT_A_CONN) : NULL;

	if (!nest || nla_put_u64(msg, WEFT_CONN_A_ID, id) || weft_nl_nest_end(msg, nest))
		return weft_error_nomem(err);
	return weft_nl_call(nl, msg, fn, data, err);
}

static int take(struct nlattr **tb, void *data)
{
	return weft_nl_conn_parse(tb[WEFT_A_CONN], data);
}

int weft_nl_conn_get(struct weft_nl *nl, uint64_t id, struct weft_nl_conn *out,
		     struct weft_error *err)
{
	return call_id(nl, WEFT_CMD_CONN_GET, id, take, out, err);
}

int weft_nl_conn_del(struct weft_nl *nl, uint64_t id, struct weft_error *err)
{
	return call_id(nl, WEFT_CMD_CONN_DEL, id, NULL, NULL, err);
}

struct dump {
	weft_nl_conn_fn *fn;
	void *data;
};

static int take_each(struct nlattr **tb, void *data)
{
	_cleanup_(weft_nl_conn_uninit) struct weft_nl_conn conn = { 0 };
	struct dump *dump = data;
	int r = weft_nl_conn_parse(tb[WEFT_A_CONN], &conn);

	return r ? r : dump->fn(&conn, dump->data);
}

int weft_nl_conn_dump(struct weft_nl *nl, weft_nl_conn_fn *fn, void *data, struct weft_error *err)
{
	_cleanup_msg_ struct nl_msg *msg =
		weft_nl_msg(nl, WEFT_CMD_CONN_GET, 0, WEFT_NL_ROOM_SMALL);
	struct dump dump = { fn, data };

	if (!msg)
		return weft_error_nomem(err);
	return weft_nl_call_dump(nl, msg, true, take_each, &dump, err);
}
