// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The connection: requests, replies, dumps, and what comes unasked. See nl.h and
 * nl_wire.h.
 *
 * The socket is read here and nowhere else, one datagram at a time, never
 * blocking; who has to wait polls. A message is either of the request that is
 * under way (by its sequence number), or unasked and kept, or too late.
 */
#include "nl/nl.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include "nl/nl_wire.h"

#define REPLY_TIMEOUT 10000	   /* ms; the kernel answers within sendmsg() */
#define RECEIVE_MAX (128 * 1024)   /* more than any message: attributes end at 64 KiB */
#define SOCKET_BUFFER (4096 * 1024) /* so that bursts of events fit */
#define KEPT_MAX 65536		   /* unasked messages nobody fetches */
#define DUMP_TRIES 16

struct weft_nl {
	int fd;
	uint32_t seq;
	uint16_t family;
	uint32_t events_group; /* 0: the family has none */
	bool lost;	       /* the kernel dropped messages for us */
	struct weft_nl_queue unasked;
	char *buffer; /* RECEIVE_MAX */
};

/* A request under way. */
struct pending {
	uint32_t seq;
	bool one_reply; /* which ends it, as an error does: there is no acknowledgement */
	bool done;
	bool interrupted;
	int result;		      /* once done */
	struct weft_nl_queue replies; /* in order */
	struct weft_error *err;
};

static void queue_init(struct weft_nl_queue *queue)
{
	*queue = (struct weft_nl_queue){ .last = &queue->first };
}

static void queue_uninit(struct weft_nl_queue *queue)
{
	struct weft_nl_kept *kept;

	while ((kept = queue->first)) {
		queue->first = kept->next;
		free(kept);
	}
	queue_init(queue);
}

static int queue_add(struct weft_nl_queue *queue, const struct nlmsghdr *hdr)
{
	struct weft_nl_kept *kept = malloc(offsetof(struct weft_nl_kept, hdr) + hdr->nlmsg_len);

	if (!kept)
		return -ENOMEM;
	kept->next = NULL;
	memcpy((char *)kept + offsetof(struct weft_nl_kept, hdr), hdr, hdr->nlmsg_len);
	*queue->last = kept;
	queue->last = &kept->next;
	queue->count++;
	return 0;
}

/* The first of command @cmd, out of the queue; NULL: none. */
static struct weft_nl_kept *queue_take(struct weft_nl_queue *queue, uint8_t cmd)
{
	struct weft_nl_kept **link, *kept;

	for (link = &queue->first; (kept = *link); link = &kept->next) {
		if (genlmsg_hdr(&kept->hdr)->cmd != cmd)
			continue;
		*link = kept->next;
		if (!kept->next)
			queue->last = link;
		queue->count--;
		return kept;
	}
	return NULL;
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* The extended ack's words, behind what the kernel repeats of the request. */
static const char *ack_text(struct nlmsghdr *hdr, size_t skip)
{
	struct nlattr *attr;

	if (!(hdr->nlmsg_flags & NLM_F_ACK_TLVS) || nlmsg_datalen(hdr) < (int)NLMSG_ALIGN(skip))
		return NULL;
	attr = nlmsg_find_attr(hdr, NLMSG_ALIGN(skip), NLMSGERR_ATTR_MSG);
	if (!attr || nla_len(attr) < 2 || ((char *)nla_data(attr))[nla_len(attr) - 1])
		return NULL;
	return nla_data(attr);
}

/* Where the kernel had no words of its own. */
static const char *errno_text(int error)
{
	switch (error) {
	case EPERM:
		return "not permitted (CAP_NET_ADMIN is needed)";
	case ENOENT:
		return "there is none";
	case EEXIST:
		return "exists already";
	case EOPNOTSUPP:
		return "the weft module does not know this command (is it older?)";
	default:
		return strerror(error);
	}
}

static int failed(struct pending *p, int error, const char *text)
{
	p->done = true;
	p->result = weft_error_set(p->err, error, "%s", text ? text : errno_text(abs(error)));
	return p->result;
}

static void take_ack(struct pending *p, struct nlmsghdr *hdr)
{
	struct nlmsgerr *e = nlmsg_data(hdr);
	size_t skip = sizeof(*e);

	if (nlmsg_datalen(hdr) < (int)sizeof(*e)) {
		failed(p, EPROTO, "malformed acknowledgement from the kernel");
		return;
	}
	if (!e->error) {
		p->done = true;
		return;
	}
	if (!(hdr->nlmsg_flags & NLM_F_CAPPED) && e->msg.nlmsg_len >= NLMSG_HDRLEN)
		skip += e->msg.nlmsg_len - NLMSG_HDRLEN;
	failed(p, e->error, ack_text(hdr, skip));
}

/* The end of a dump carries its error, net/netlink/af_netlink.c netlink_dump_done(). */
static void take_done(struct pending *p, struct nlmsghdr *hdr)
{
	int error = 0;

	if (nlmsg_datalen(hdr) >= (int)sizeof(error))
		memcpy(&error, nlmsg_data(hdr), sizeof(error));
	if (error < 0)
		failed(p, error, ack_text(hdr, sizeof(error)));
	p->done = true;
}

/* A reply that comes after its request gave up may hold a descriptor for us. */
static void drop_late(struct nlmsghdr *hdr)
{
	struct nlattr *tb[WEFT_A_MAX + 1];

	if (!weft_nl_parse_top(hdr, tb) && tb[WEFT_A_FD])
		close(nla_get_s32(tb[WEFT_A_FD]));
}

static bool is_unasked(const struct weft_nl *nl, struct nlmsghdr *hdr)
{
	uint8_t cmd;

	if (hdr->nlmsg_type != nl->family || !genlmsg_valid_hdr(hdr, 0))
		return false;
	cmd = genlmsg_hdr(hdr)->cmd;
	return cmd == WEFT_CMD_HANDSHAKE_READY || cmd == WEFT_CMD_EVENT;
}

static void keep_unasked(struct weft_nl *nl, struct nlmsghdr *hdr)
{
	if (nl->unasked.count >= KEPT_MAX || queue_add(&nl->unasked, hdr))
		nl->lost = true;
}

static void take_message(struct weft_nl *nl, struct pending *p, struct nlmsghdr *hdr)
{
	if (is_unasked(nl, hdr)) {
		keep_unasked(nl, hdr);
		return;
	}
	if (!p || p->done || hdr->nlmsg_seq != p->seq) {
		if (nl->family && hdr->nlmsg_type == nl->family)
			drop_late(hdr);
		return;
	}
	if (hdr->nlmsg_flags & NLM_F_DUMP_INTR)
		p->interrupted = true;
	if (hdr->nlmsg_type == NLMSG_ERROR)
		take_ack(p, hdr);
	else if (hdr->nlmsg_type == NLMSG_DONE)
		take_done(p, hdr);
	else if (hdr->nlmsg_type >= NLMSG_MIN_TYPE && queue_add(&p->replies, hdr))
		failed(p, ENOMEM, "out of memory");
	else if (p->one_reply && p->replies.count)
		p->done = true;
}

/*
 * One datagram, if there is one; @p: the request under way, or NULL.
 * Return: 1, 0 nothing there, -ENOBUFS (once per overrun), other errors.
 */
static int receive(struct weft_nl *nl, struct pending *p)
{
	struct sockaddr_nl from = { 0 };
	struct iovec iov = { nl->buffer, RECEIVE_MAX };
	struct msghdr m = { .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov,
			    .msg_iovlen = 1 };
	struct nlmsghdr *hdr;
	ssize_t n;
	int len;

	n = recvmsg(nl->fd, &m, MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (!n)
		return -ECONNRESET; /* netlink has no end of file; tests have */
	if (m.msg_namelen == sizeof(from) && from.nl_pid)
		return 1; /* somebody else's, not the kernel's */
	if (m.msg_flags & MSG_TRUNC)
		return -EPROTO;
	len = n;
	for (hdr = (struct nlmsghdr *)nl->buffer; nlmsg_ok(hdr, len); hdr = nlmsg_next(hdr, &len))
		take_message(nl, p, hdr);
	return 1;
}

static int wait_readable(struct weft_nl *nl, uint64_t deadline)
{
	struct pollfd pfd = { .fd = nl->fd, .events = POLLIN };
	uint64_t now = now_ms();
	int r;

	if (now >= deadline)
		return -ETIMEDOUT;
	r = poll(&pfd, 1, deadline - now);
	return r < 0 && errno != EINTR ? -errno : 0;
}

static int receive_replies(struct weft_nl *nl, struct pending *p)
{
	uint64_t deadline = now_ms() + REPLY_TIMEOUT;
	bool overrun = false;
	int r;

	while (!p->done) {
		r = receive(nl, p);
		if (r == -ENOBUFS) {
			nl->lost = overrun = true;
			continue;
		}
		if (r > 0)
			continue;
		/* the kernel answers within sendmsg(): if all is read, the reply was dropped */
		if (!r)
			r = overrun ? -ENOBUFS : wait_readable(nl, deadline);
		if (r == -ETIMEDOUT)
			return failed(p, r, "the kernel did not answer");
		if (r < 0)
			return failed(p, r, NULL);
	}
	return p->result;
}

/* Send @msg and collect what answers it in @p->replies, the caller's to uninit. */
static int transact(struct weft_nl *nl, struct nl_msg *msg, int flags, struct pending *p)
{
	struct nlmsghdr *hdr = nlmsg_hdr(msg);
	ssize_t n;

	queue_init(&p->replies);
	p->seq = ++nl->seq ? nl->seq : ++nl->seq; /* 0 is the kernel's own */
	hdr->nlmsg_seq = p->seq;
	hdr->nlmsg_pid = 0;
	hdr->nlmsg_flags |= NLM_F_REQUEST | flags;
	do
		n = send(nl->fd, hdr, hdr->nlmsg_len, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return failed(p, errno, NULL);
	return receive_replies(nl, p);
}

static int bad_reply(int r, struct weft_error *err)
{
	if (r == -ENOMEM)
		return weft_error_nomem(err);
	return weft_error_set(err, r, "the reply of the weft module is not what was expected");
}

struct nl_msg *weft_nl_msg(const struct weft_nl *nl, uint8_t cmd, int flags, size_t room)
{
	struct nl_msg *msg = nlmsg_alloc_size(room);

	if (msg && !genlmsg_put(msg, 0, 0, nl->family, 0, flags, cmd, WEFT_GENL_VERSION)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

static int call_replies(struct weft_nl_queue *replies, weft_nl_reply_fn *fn, void *data)
{
	struct nlattr *tb[WEFT_A_MAX + 1];
	struct weft_nl_kept *kept;
	int r;

	for (kept = replies->first; kept; kept = kept->next) {
		r = weft_nl_parse_top(&kept->hdr, tb);
		if (!r)
			r = fn(tb, data);
		if (r)
			return r;
	}
	return 0;
}

int weft_nl_call(struct weft_nl *nl, struct nl_msg *msg, weft_nl_reply_fn *fn, void *data,
		 struct weft_error *err)
{
	struct pending p = { .one_reply = fn, .err = err };
	int r = transact(nl, msg, fn ? 0 : NLM_F_ACK, &p);

	if (!r && fn) {
		r = p.replies.count == 1 ? call_replies(&p.replies, fn, data) : -EPROTO;
		if (r)
			bad_reply(r, err);
	}
	if (r && p.replies.first)
		drop_late(&p.replies.first->hdr);
	queue_uninit(&p.replies);
	return r;
}

int weft_nl_call_dump(struct weft_nl *nl, struct nl_msg *msg, bool fuzzy, weft_nl_reply_fn *fn,
		      void *data, struct weft_error *err)
{
	int r, tries;

	for (tries = 0; tries < DUMP_TRIES; tries++) {
		struct pending p = { .err = err };

		r = transact(nl, msg, NLM_F_DUMP, &p);
		if (!r && (fuzzy || !p.interrupted)) {
			r = call_replies(&p.replies, fn, data);
			if (r == -EPROTO || r == -ENOMEM)
				bad_reply(r, err);
			queue_uninit(&p.replies);
			return r;
		}
		queue_uninit(&p.replies);
		if (r)
			return r;
	}
	return weft_error_set(err, EAGAIN, "the tables changed during each of %d tries to read them",
			      DUMP_TRIES);
}

int weft_nl_unasked(struct weft_nl *nl, uint8_t cmd, struct weft_nl_kept **kept,
		    struct weft_error *err)
{
	int r;

	for (;;) {
		*kept = queue_take(&nl->unasked, cmd);
		if (*kept)
			return 1;
		r = nl->lost ? -ENOBUFS : receive(nl, NULL);
		if (r == -ENOBUFS) {
			nl->lost = false;
			return weft_error_set(err, r, "messages of the kernel were lost");
		}
		if (r < 0)
			return weft_error_set(err, r, "%s", errno_text(-r));
		if (!r)
			return 0;
	}
}

int weft_nl_join_events(struct weft_nl *nl, struct weft_error *err)
{
	if (!nl->events_group)
		return weft_error_set(err, EPROTO, "the weft module has no group \"%s\"",
				      WEFT_MCGRP_EVENTS);
	if (setsockopt(nl->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &nl->events_group,
		       sizeof(nl->events_group)))
		return weft_error_set(err, errno, "%s", errno_text(errno));
	return 0;
}

/* The number of the events group out of CTRL_ATTR_MCAST_GROUPS. */
static uint32_t find_group(struct nlattr *groups)
{
	struct nlattr *tb[CTRL_ATTR_MCAST_GRP_MAX + 1], *pos;
	static const struct nla_policy policy[CTRL_ATTR_MCAST_GRP_MAX + 1] = {
		[CTRL_ATTR_MCAST_GRP_NAME] = { .type = NLA_STRING },
		[CTRL_ATTR_MCAST_GRP_ID] = { .type = NLA_U32 },
	};
	int rem;

	nla_for_each_nested(pos, groups, rem) {
		if (weft_nl_parse(tb, CTRL_ATTR_MCAST_GRP_MAX, pos, policy))
			continue;
		if (!tb[CTRL_ATTR_MCAST_GRP_NAME] || !tb[CTRL_ATTR_MCAST_GRP_ID])
			continue;
		if (!strcmp(nla_data(tb[CTRL_ATTR_MCAST_GRP_NAME]), WEFT_MCGRP_EVENTS))
			return nla_get_u32(tb[CTRL_ATTR_MCAST_GRP_ID]);
	}
	return 0;
}

static int parse_family(struct weft_nl *nl, struct nlmsghdr *hdr)
{
	static const struct nla_policy policy[CTRL_ATTR_MAX + 1] = {
		[CTRL_ATTR_FAMILY_ID] = { .type = NLA_U16 },
		[CTRL_ATTR_MCAST_GROUPS] = { .type = NLA_NESTED },
	};
	struct nlattr *tb[CTRL_ATTR_MAX + 1];

	if (genlmsg_parse(hdr, 0, tb, CTRL_ATTR_MAX, (struct nla_policy *)policy))
		return -EPROTO;
	if (!tb[CTRL_ATTR_FAMILY_ID])
		return -EPROTO;
	nl->family = nla_get_u16(tb[CTRL_ATTR_FAMILY_ID]);
	if (tb[CTRL_ATTR_MCAST_GROUPS])
		nl->events_group = find_group(tb[CTRL_ATTR_MCAST_GROUPS]);
	return 0;
}

static int find_family(struct weft_nl *nl, struct weft_error *err)
{
	_cleanup_msg_ struct nl_msg *msg = nlmsg_alloc_size(WEFT_NL_ROOM_SMALL);
	struct pending p = { .err = err };
	int r;

	if (!msg || !genlmsg_put(msg, 0, 0, GENL_ID_CTRL, 0, 0, CTRL_CMD_GETFAMILY, 1) ||
	    nla_put_string(msg, CTRL_ATTR_FAMILY_NAME, WEFT_GENL_NAME))
		return weft_error_nomem(err);
	r = transact(nl, msg, NLM_F_ACK, &p);
	if (r == -ENOENT)
		weft_error_set(err, ENOENT, "%s", WEFT_NL_NO_MODULE);
	if (!r) {
		r = p.replies.count == 1 ? parse_family(nl, &p.replies.first->hdr) : -EPROTO;
		if (r)
			weft_error_set(err, r, "unexpected reply of the kernel about its families");
	}
	queue_uninit(&p.replies);
	return r;
}

static int check_version(struct weft_nl *nl, struct weft_error *err)
{
	struct weft_nl_status status = { 0 };
	int r = weft_nl_status_get(nl, &status, err);

	if (r)
		return r;
	if (status.abi != WEFT_ABI)
		r = weft_error_set(err, EPROTONOSUPPORT,
				   "the weft module (%s) speaks version %u of the kernel interface, "
				   "this program version %u: upgrade the older one",
				   status.version ? status.version : "of unknown release",
				   status.abi, WEFT_ABI);
	weft_nl_status_uninit(&status);
	return r;
}

/* Best effort: without these, error texts are poorer and bursts smaller. */
static void tune(int fd)
{
	int one = 1, size = SOCKET_BUFFER;

	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

int weft_nl_open_fd(struct weft_nl **ret, int fd, struct weft_error *err)
{
	_cleanup_(weft_nl_close_ptr) struct weft_nl *nl = calloc(1, sizeof(*nl));
	int r;

	if (!nl) {
		close(fd);
		return weft_error_nomem(err);
	}
	queue_init(&nl->unasked);
	nl->fd = fd;
	nl->buffer = malloc(RECEIVE_MAX);
	if (!nl->buffer)
		return weft_error_nomem(err);
	tune(fd);
	r = find_family(nl, err);
	if (!r)
		r = check_version(nl, err);
	if (!r)
		*ret = weft_steal_ptr(nl);
	return r;
}

int weft_nl_open(struct weft_nl **ret, struct weft_error *err)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);

	if (fd < 0)
		return weft_error_set(err, errno, "cannot open a netlink socket: %s",
				      strerror(errno));
	if (connect(fd, (struct sockaddr *)&kernel, sizeof(kernel)))
		return weft_error_set(err, errno, "cannot talk to the kernel: %s",
				      strerror(errno));
	return weft_nl_open_fd(ret, weft_steal_fd(&fd), err);
}

void weft_nl_close(struct weft_nl *nl)
{
	if (!nl)
		return;
	close(nl->fd);
	queue_uninit(&nl->unasked);
	free(nl->buffer);
	free(nl);
}

void weft_nl_close_ptr(struct weft_nl **nl)
{
	weft_nl_close(*nl);
}

int weft_nl_fd(const struct weft_nl *nl)
{
	return nl->fd;
}

bool weft_nl_pending(const struct weft_nl *nl)
{
	return nl->unasked.count || nl->lost;
}
