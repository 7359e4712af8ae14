// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The worker's side of handshakes. See nl_handshake.h.
 */
#include "nl/nl_handshake.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "nl/nl_wire.h"

int weft_nl_worker_register(struct weft_nl *nl, struct weft_error *err)
{
	_cleanup_msg_ struct nl_msg *msg =
		weft_nl_msg(nl, WEFT_CMD_WORKER_NEW, 0, WEFT_NL_ROOM_SMALL);

	if (!msg)
		return weft_error_nomem(err);
	return weft_nl_call(nl, msg, NULL, NULL, err);
}

static int parse_ready(struct nlmsghdr *hdr, uint64_t *id)
{
	static const struct nla_policy policy[WEFT_CONN_A_MAX + 1] = {
		[WEFT_CONN_A_ID] = { .type = NLA_U64 },
	};
	struct nlattr *top[WEFT_A_MAX + 1], *tb[WEFT_CONN_A_MAX + 1];

	if (weft_nl_parse_top(hdr, top) ||
	    weft_nl_parse(tb, WEFT_CONN_A_MAX, top[WEFT_A_CONN], policy) || !tb[WEFT_CONN_A_ID])
		return -EPROTO;
	*id = nla_get_u64(tb[WEFT_CONN_A_ID]);
	return 0;
}

int weft_nl_handshake_recv(struct weft_nl *nl, uint64_t *id, struct weft_error *err)
{
	_cleanup_free_ struct weft_nl_kept *kept = NULL;
	int r;

	/* an offer that did not fit comes again: to the kernel it was not made */
	do
		r = weft_nl_unasked(nl, WEFT_CMD_HANDSHAKE_READY, &kept, err);
	while (r == -ENOBUFS);
	if (r <= 0)
		return r;
	r = parse_ready(&kept->hdr, id);
	if (r)
		return weft_error_set(err, r, "malformed offer of a handshake");
	return 1;
}

/* A request about one connection, its nest still open. */
static struct nl_msg *about_conn(const struct weft_nl *nl, uint8_t cmd, uint64_t id,
				 struct nlattr **nest)
{
	struct nl_msg *msg = weft_nl_msg(nl, cmd, 0, WEFT_NL_ROOM_SMALL);

	*nest = msg ? weft_nl_nest(msg, WEFT_A_CONN) : NULL;
	if (*nest && !nla_put_u64(msg, WEFT_CONN_A_ID, id))
		return msg;
	nlmsg_free(msg);
	return NULL;
}

struct accepted {
	struct weft_nl_conn *conn;
	int fd;
};

/* On failure weft_nl_call() closes the descriptor. */
static int take_accepted(struct nlattr **tb, void *data)
{
	struct accepted *accepted = data;

	if (!tb[WEFT_A_FD])
		return -EPROTO;
	accepted->fd = nla_get_s32(tb[WEFT_A_FD]);
	return weft_nl_conn_parse(tb[WEFT_A_CONN], accepted->conn);
}

int weft_nl_handshake_accept(struct weft_nl *nl, uint64_t id, struct weft_nl_conn *conn, int *fd,
			     struct weft_error *err)
{
	struct accepted accepted = { .conn = conn, .fd = -1 };
	struct nlattr *nest;
	_cleanup_msg_ struct nl_msg *msg = about_conn(nl, WEFT_CMD_HANDSHAKE_ACCEPT, id, &nest);
	int r;

	if (!msg || weft_nl_nest_end(msg, nest))
		return weft_error_nomem(err);
	r = weft_nl_call(nl, msg, take_accepted, &accepted, err);
	if (!r)
		*fd = accepted.fd;
	return r;
}

static int take_verdict(struct nlattr **tb, void *data)
{
	_cleanup_(weft_nl_conn_uninit) struct weft_nl_conn conn = { 0 };
	struct weft_nl_verdict *verdict = data;
	int r = weft_nl_conn_parse(tb[WEFT_A_CONN], &conn);

	if (r)
		return r;
	verdict->error = conn.error;
	verdict->reason = conn.reason;
	verdict->generation = conn.generation;
	snprintf(verdict->policy, sizeof(verdict->policy), "%s", conn.policy ? conn.policy : "");
	return 0;
}

static int judge(struct weft_nl *nl, uint64_t id, const char *peer_identity,
		 const char *peer_serial, struct weft_nl_verdict *verdict, struct weft_error *err)
{
	struct nlattr *nest;
	_cleanup_msg_ struct nl_msg *msg = about_conn(nl, WEFT_CMD_HANDSHAKE_JUDGE, id, &nest);

	if (!msg || weft_nl_put_string(msg, WEFT_CONN_A_PEER_IDENTITY, peer_identity) ||
	    weft_nl_put_string(msg, WEFT_CONN_A_PEER_SERIAL, peer_serial) ||
	    weft_nl_nest_end(msg, nest))
		return weft_error_nomem(err);
	return weft_nl_call(nl, msg, take_verdict, verdict, err);
}

/* A module of before revocations, still loaded, knows no serials; one that has some
 * counts a peer without as revoked. */
int weft_nl_handshake_judge(struct weft_nl *nl, uint64_t id, const char *peer_identity,
			    const char *peer_serial, struct weft_nl_verdict *verdict,
			    struct weft_error *err)
{
	int r = judge(nl, id, peer_identity, peer_serial, verdict, err);

	return r == -EINVAL && peer_serial ? judge(nl, id, peer_identity, NULL, verdict, err) : r;
}

/* Free text: what is too long is cut, not refused. */
static int put_cut(struct nl_msg *msg, int type, const char *s, size_t max)
{
	char text[WEFT_DETAIL_MAX + 1];

	if (!s)
		return 0;
	snprintf(text, max + 1, "%s", s);
	return weft_nl_put_string(msg, type, text);
}

static int put_done(struct nl_msg *msg, const struct weft_nl_done *done)
{
	if (nla_put_u32(msg, WEFT_CONN_A_REASON, done->reason) ||
	    weft_nl_put_u32_set(msg, WEFT_CONN_A_ERRNO, abs(done->error)) ||
	    weft_nl_put_string(msg, WEFT_CONN_A_PEER_IDENTITY, done->peer_identity) ||
	    put_cut(msg, WEFT_CONN_A_CIPHER, done->cipher, WEFT_CIPHER_MAX) ||
	    weft_nl_put_u32_set(msg, WEFT_CONN_A_RESUMED, done->resumed) ||
	    put_cut(msg, WEFT_CONN_A_DETAIL, done->detail, WEFT_DETAIL_MAX))
		return -EMSGSIZE;
	return 0;
}

int weft_nl_handshake_done(struct weft_nl *nl, const struct weft_nl_done *done,
			   struct weft_error *err)
{
	struct nlattr *nest;
	_cleanup_msg_ struct nl_msg *msg =
		about_conn(nl, WEFT_CMD_HANDSHAKE_DONE, done->id, &nest);

	if (!msg || put_done(msg, done) || weft_nl_nest_end(msg, nest))
		return weft_error_nomem(err);
	return weft_nl_call(nl, msg, NULL, NULL, err);
}
