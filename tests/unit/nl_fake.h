/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kernel for tests of what stands on nl/: a thread at the other end of a
 * socketpair that answers netlink requests as the module would, and misbehaves
 * when told to. It keeps objects as the attributes they came as, adds an owner,
 * and knows nothing of their contents but the key in front.
 *
 * The switches in struct fake are set before the thread is started, or between
 * two requests: a request is answered before the next one is made.
 */
#ifndef TESTS_NL_FAKE_H
#define TESTS_NL_FAKE_H

#include <assert.h>
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/weft.h>
#include <netlink/attr.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "nl/nl_wire.h"

#define FAKE_FAMILY 40
#define FAKE_GROUP 7
#define FAKE_OBJECTS 64
#define FAKE_BUFFER (160 * 1024)

/* An object: its nest with the top level type. */
struct fake_object {
	int type;
	struct nlattr *nest;
};

/* Writes WEFT_A_CONN of connection @id; false: there is none. */
typedef bool fake_conn_fn(struct nl_msg *msg, uint64_t id);

/* Writes the judgment on a flow, as in WEFT_A_CONN @flow. Return: errno. */
typedef int fake_judge_fn(struct nl_msg *msg, struct nlattr *flow);

/* Writes the event that is remembered after number @n. Return: errno. */
typedef int fake_event_fn(struct nl_msg *msg, uint64_t n);

struct fake {
	int fd; /* the kernel's end */
	int user_fd;
	pthread_t thread;
	struct fake_object objects[FAKE_OBJECTS];
	unsigned int n_objects;

	bool no_family;
	uint32_t abi;
	uint32_t workers;
	int error; /* the next request but STATUS_GET fails with it (positive) */
	const char *error_text;
	bool uncapped;		  /* repeat the request in acks, as without NETLINK_CAP_ACK */
	unsigned int interrupted; /* that many dumps are interrupted */
	int dump_error;		  /* a dump ends with it */
	unsigned int offers;	  /* that many READYs before each reply */
	bool no_reply;		  /* the ack alone */
	bool bad_reply;		  /* a reply without its contents */
	int send_fd;		  /* for ACCEPT */
	fake_conn_fn *conn;
	uint64_t conns; /* ids 1 to this */
	fake_judge_fn *judge;
	bool no_trials; /* an older module */
	uint64_t epoch; /* 0: an older module */
	fake_event_fn *event;

	unsigned int requests, dumps; /* seen */
	struct nlmsghdr *last;	      /* the last request of our family */
};

static inline struct nl_msg *fake_msg(uint32_t seq, uint8_t cmd, int flags)
{
	struct nl_msg *msg = nlmsg_alloc_size(FAKE_BUFFER);

	assert(msg);
	genlmsg_put(msg, 0, seq, FAKE_FAMILY, 0, flags, cmd, WEFT_GENL_VERSION);
	return msg;
}

/* Sends and frees. */
static inline void fake_send(struct fake *fake, struct nl_msg *msg)
{
	struct nlmsghdr *hdr = nlmsg_hdr(msg);
	ssize_t n = send(fake->fd, hdr, hdr->nlmsg_len, MSG_NOSIGNAL);

	(void)n;
	nlmsg_free(msg);
}

static inline void fake_ack(struct fake *fake, const struct nlmsghdr *req, int error,
			    const char *text)
{
	struct nl_msg *msg = nlmsg_alloc_size(FAKE_BUFFER);
	struct nlmsgerr e = { .error = -error, .msg = *req };
	int flags = (fake->uncapped && error ? 0 : NLM_F_CAPPED) | (text ? NLM_F_ACK_TLVS : 0);

	nlmsg_put(msg, 0, req->nlmsg_seq, NLMSG_ERROR, 0, flags);
	nlmsg_append(msg, &e, sizeof(e), NLMSG_ALIGNTO);
	if (!(flags & NLM_F_CAPPED))
		nlmsg_append(msg, (void *)(req + 1), req->nlmsg_len - NLMSG_HDRLEN, NLMSG_ALIGNTO);
	if (text) {
		nla_put_u32(msg, NLMSGERR_ATTR_OFFS, 20);
		nla_put_string(msg, NLMSGERR_ATTR_MSG, text);
	}
	fake_send(fake, msg);
}

static inline void fake_offer(struct fake *fake, uint64_t id)
{
	struct nl_msg *msg = fake_msg(0, WEFT_CMD_HANDSHAKE_READY, 0);
	struct nlattr *nest = weft_nl_nest(msg, WEFT_A_CONN);

	nla_put_u64(msg, WEFT_CONN_A_ID, id);
	weft_nl_nest_end(msg, nest);
	fake_send(fake, msg);
}

static inline void fake_family(struct fake *fake, const struct nlmsghdr *req)
{
	struct nl_msg *msg = nlmsg_alloc_size(FAKE_BUFFER);
	struct nlattr *groups, *group;

	if (fake->no_family) {
		nlmsg_free(msg);
		fake_ack(fake, req, ENOENT, NULL);
		return;
	}
	genlmsg_put(msg, 0, req->nlmsg_seq, GENL_ID_CTRL, 0, 0, CTRL_CMD_NEWFAMILY, 2);
	nla_put_string(msg, CTRL_ATTR_FAMILY_NAME, WEFT_GENL_NAME);
	nla_put_u16(msg, CTRL_ATTR_FAMILY_ID, FAKE_FAMILY);
	groups = weft_nl_nest(msg, CTRL_ATTR_MCAST_GROUPS);
	group = weft_nl_nest(msg, 1);
	nla_put_u32(msg, CTRL_ATTR_MCAST_GRP_ID, FAKE_GROUP);
	nla_put_string(msg, CTRL_ATTR_MCAST_GRP_NAME, WEFT_MCGRP_EVENTS);
	weft_nl_nest_end(msg, group);
	weft_nl_nest_end(msg, groups);
	fake_send(fake, msg);
	fake_ack(fake, req, 0, NULL);
}

static inline void fake_put_status(struct fake *fake, struct nl_msg *msg)
{
	struct nlattr *nest = weft_nl_nest(msg, WEFT_A_STATUS), *list, *item;

	nla_put_u32(msg, WEFT_STATUS_A_ABI, fake->abi);
	nla_put_string(msg, WEFT_STATUS_A_VERSION, "9.8.7");
	nla_put_u64(msg, WEFT_STATUS_A_GENERATION, 3);
	nla_put_u32(msg, WEFT_STATUS_A_WORKERS, fake->workers);
	nla_put_u32(msg, WEFT_STATUS_A_WORKLOADS, 2);
	nla_put_u32(msg, WEFT_STATUS_A_SERVICES, 3);
	nla_put_u32(msg, WEFT_STATUS_A_ENDPOINTS, 4);
	nla_put_u32(msg, WEFT_STATUS_A_POLICIES, 5);
	nla_put_u32(msg, WEFT_STATUS_A_REVOCATIONS, 13);
	nla_put_u32(msg, WEFT_STATUS_A_PEERS, 15);
	nla_put_u32(msg, WEFT_STATUS_A_SHADOWED, 6);
	nla_put_u32(msg, WEFT_STATUS_A_LISTENERS, 7);
	nla_put_u32(msg, WEFT_STATUS_A_COVERED, 14);
	nla_put_u32(msg, WEFT_STATUS_A_CONNS, 8);
	nla_put_u32(msg, WEFT_STATUS_A_PARKED, 9);
	nla_put_u32(msg, WEFT_STATUS_A_LIVE, 10);
	nla_put_u32(msg, WEFT_STATUS_A_UNDECIDED, 11);
	nla_put_u32(msg, WEFT_STATUS_A_CLOSING, 12);
	if (fake->epoch)
		nla_put_u64(msg, WEFT_STATUS_A_EPOCH, fake->epoch);
	list = weft_nl_nest(msg, WEFT_STATUS_A_COUNTERS);
	item = weft_nl_nest(msg, WEFT_LIST_A_ITEM);
	nla_put_string(msg, WEFT_COUNTER_A_NAME, "failovers");
	nla_put_u64(msg, WEFT_COUNTER_A_VALUE, UINT64_C(18446744073709551615));
	weft_nl_nest_end(msg, item);
	weft_nl_nest_end(msg, list);
	weft_nl_nest_end(msg, nest);
}

/* The key: the name; of an endpoint the first two or three attributes. */
static inline bool fake_same_key(const struct fake_object *o, int type, struct nlattr *nest)
{
	unsigned int parts = type == WEFT_A_ENDPOINT ? WEFT_ENDPOINT_A_PORT : 1, i;
	struct nlattr *a, *b;

	if (o->type != type)
		return false;
	for (i = 1; i <= parts; i++) {
		a = nla_find(nla_data(o->nest), nla_len(o->nest), i);
		b = nla_find(nla_data(nest), nla_len(nest), i);
		if (!a != !b || (a && (nla_len(a) != nla_len(b) ||
				       memcmp(nla_data(a), nla_data(b), nla_len(a)))))
			return false;
	}
	return true;
}

static inline int fake_find(struct fake *fake, int type, struct nlattr *nest)
{
	unsigned int i;

	for (i = 0; i < fake->n_objects; i++)
		if (fake_same_key(&fake->objects[i], type, nest))
			return i;
	return -1;
}

static inline void fake_put_object(struct nl_msg *msg, const struct fake_object *o)
{
	static const int owner[] = { [WEFT_A_WORKLOAD] = WEFT_WORKLOAD_A_OWNER,
				     [WEFT_A_SERVICE] = WEFT_SERVICE_A_OWNER,
				     [WEFT_A_ENDPOINT] = WEFT_ENDPOINT_A_OWNER,
				     [WEFT_A_POLICY] = WEFT_POLICY_A_OWNER,
				     [WEFT_A_REVOCATION] = WEFT_REVOCATION_A_OWNER,
				     [WEFT_A_PEER] = WEFT_PEER_A_OWNER };
	struct nlattr *nest = weft_nl_nest(msg, o->type);

	nlmsg_append(msg, nla_data(o->nest), nla_len(o->nest), NLMSG_ALIGNTO);
	nla_put_u32(msg, owner[o->type], WEFT_OWNER_STATIC);
	weft_nl_nest_end(msg, nest);
}

static inline int fake_new(struct fake *fake, const struct nlmsghdr *req, int type,
			   struct nlattr *nest)
{
	int i = fake_find(fake, type, nest);
	struct nlattr *copy = malloc(NLA_ALIGN(nest->nla_len));

	assert(copy && fake->n_objects < FAKE_OBJECTS);
	memcpy(copy, nest, NLA_ALIGN(nest->nla_len));
	if (i >= 0 && !(req->nlmsg_flags & NLM_F_REPLACE)) {
		free(copy);
		return EEXIST;
	}
	if (i < 0)
		i = fake->n_objects++;
	else
		free(fake->objects[i].nest);
	fake->objects[i] = (struct fake_object){ type, copy };
	return 0;
}

static inline int fake_del(struct fake *fake, int type, struct nlattr *nest)
{
	int i = fake_find(fake, type, nest);

	if (i < 0)
		return ENOENT;
	free(fake->objects[i].nest);
	fake->objects[i] = fake->objects[--fake->n_objects];
	return 0;
}

static inline void fake_dump(struct fake *fake, const struct nlmsghdr *req, int type)
{
	bool intr = fake->interrupted && fake->interrupted--;
	int error = -fake->dump_error;
	struct nl_msg *msg;
	unsigned int i;

	fake->dumps++;
	for (i = 0; type == WEFT_A_CONN ? i < fake->conns : i < fake->n_objects; i++) {
		msg = fake_msg(req->nlmsg_seq, 0, NLM_F_MULTI | (intr ? NLM_F_DUMP_INTR : 0));
		if (type == WEFT_A_CONN && fake->conn(msg, i + 1))
			fake_send(fake, msg);
		else if (type != WEFT_A_CONN && fake->objects[i].type == type) {
			fake_put_object(msg, &fake->objects[i]);
			fake_send(fake, msg);
		} else
			nlmsg_free(msg);
	}
	msg = nlmsg_alloc_size(FAKE_BUFFER);
	nlmsg_put(msg, 0, req->nlmsg_seq, NLMSG_DONE, 0, NLM_F_MULTI);
	nlmsg_append(msg, &error, sizeof(error), NLMSG_ALIGNTO);
	fake_send(fake, msg);
}

static inline uint64_t fake_conn_id(struct nlattr *nest)
{
	struct nlattr *id = nla_find(nla_data(nest), nla_len(nest), WEFT_CONN_A_ID);

	return id ? nla_get_u64(id) : 0;
}

/* The objects that a command is about. */
static inline int fake_type(uint8_t cmd)
{
	if (cmd >= WEFT_CMD_WORKLOAD_NEW && cmd <= WEFT_CMD_WORKLOAD_GET)
		return WEFT_A_WORKLOAD;
	if (cmd >= WEFT_CMD_SERVICE_NEW && cmd <= WEFT_CMD_SERVICE_GET)
		return WEFT_A_SERVICE;
	if (cmd >= WEFT_CMD_ENDPOINT_NEW && cmd <= WEFT_CMD_ENDPOINT_GET)
		return WEFT_A_ENDPOINT;
	if (cmd >= WEFT_CMD_POLICY_NEW && cmd <= WEFT_CMD_POLICY_GET)
		return WEFT_A_POLICY;
	if (cmd >= WEFT_CMD_REVOCATION_NEW && cmd <= WEFT_CMD_REVOCATION_GET)
		return WEFT_A_REVOCATION;
	if (cmd >= WEFT_CMD_PEER_NEW && cmd <= WEFT_CMD_PEER_GET)
		return WEFT_A_PEER;
	return WEFT_A_CONN;
}

/* What the reply to a GET, ACCEPT and the like holds. Return: errno. */
static inline int fake_fill(struct fake *fake, uint8_t cmd, struct nlattr **tb, struct nl_msg *msg)
{
	int type, i;

	switch (cmd) {
	case WEFT_CMD_STATUS_GET:
		fake_put_status(fake, msg);
		return 0;
	case WEFT_CMD_EVENT_NEXT:
		return fake->event(msg, weft_nl_get_u64(tb[WEFT_A_SEQUENCE]));
	case WEFT_CMD_FLOW_JUDGE:
		return fake->judge(msg, tb[WEFT_A_CONN]);
	case WEFT_CMD_GENERATION_BEGIN:
		if (tb[WEFT_A_TRIAL] && fake->no_trials)
			return EINVAL;
		return nla_put_u32(msg, WEFT_A_TRANSACTION, 5);
	case WEFT_CMD_GENERATION_COMMIT:
		return nla_put_u64(msg, WEFT_A_GENERATION, 12);
	case WEFT_CMD_HANDSHAKE_ACCEPT:
		nla_put_s32(msg, WEFT_A_FD, dup(fake->send_fd));
		/* fall through */
	case WEFT_CMD_CONN_GET:
	case WEFT_CMD_HANDSHAKE_JUDGE:
		return fake->conn && fake->conn(msg, fake_conn_id(tb[WEFT_A_CONN])) ? 0 : ENOENT;
	}
	type = fake_type(cmd);
	i = fake_find(fake, type, tb[type]);
	if (i < 0)
		return ENOENT;
	fake_put_object(msg, &fake->objects[i]);
	return 0;
}

static inline void fake_reply(struct fake *fake, const struct nlmsghdr *req, uint8_t cmd,
			      struct nlattr **tb)
{
	struct nl_msg *msg = fake_msg(req->nlmsg_seq, cmd, 0);
	int error = fake->bad_reply ? 0 : fake_fill(fake, cmd, tb, msg);

	if (error || fake->no_reply)
		nlmsg_free(msg);
	else
		fake_send(fake, msg);
	fake_ack(fake, req, error, NULL);
}

static inline void fake_request(struct fake *fake, const struct nlmsghdr *req, uint8_t cmd,
				struct nlattr **tb)
{
	int type = fake_type(cmd);

	switch (cmd) {
	case WEFT_CMD_WORKLOAD_NEW:
	case WEFT_CMD_SERVICE_NEW:
	case WEFT_CMD_ENDPOINT_NEW:
	case WEFT_CMD_POLICY_NEW:
	case WEFT_CMD_REVOCATION_NEW:
	case WEFT_CMD_PEER_NEW:
		return fake_ack(fake, req, fake_new(fake, req, type, tb[type]), NULL);
	case WEFT_CMD_WORKLOAD_DEL:
	case WEFT_CMD_SERVICE_DEL:
	case WEFT_CMD_ENDPOINT_DEL:
	case WEFT_CMD_POLICY_DEL:
	case WEFT_CMD_REVOCATION_DEL:
	case WEFT_CMD_PEER_DEL:
		return fake_ack(fake, req, fake_del(fake, type, tb[type]), NULL);
	case WEFT_CMD_GENERATION_ABORT:
	case WEFT_CMD_CONN_DEL:
	case WEFT_CMD_WORKER_NEW:
	case WEFT_CMD_HANDSHAKE_DONE:
	case WEFT_CMD_SELFTEST_RUN:
		return fake_ack(fake, req, 0, NULL);
	}
	if ((req->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP)
		fake_dump(fake, req, type);
	else
		fake_reply(fake, req, cmd, tb);
}

static inline void fake_answer(struct fake *fake, struct nlmsghdr *req)
{
	struct nlattr *tb[WEFT_A_MAX + 1];
	unsigned int i;
	int error;

	if (req->nlmsg_type == GENL_ID_CTRL)
		return fake_family(fake, req);
	error = genlmsg_hdr(req)->cmd == WEFT_CMD_STATUS_GET ? 0 : fake->error;
	fake->requests++;
	free(fake->last);
	fake->last = malloc(req->nlmsg_len);
	memcpy(fake->last, req, req->nlmsg_len);
	for (i = 0; i < fake->offers; i++)
		fake_offer(fake, 100 + i);
	if (error) {
		fake->error = 0;
		return fake_ack(fake, req, error, fake->error_text);
	}
	if (weft_nl_parse_top(req, tb))
		return fake_ack(fake, req, EINVAL, "malformed");
	fake_request(fake, req, genlmsg_hdr(req)->cmd, tb);
}

static inline void *fake_run(void *data)
{
	struct nlmsghdr *req = malloc(FAKE_BUFFER);
	struct fake *fake = data;
	ssize_t n;

	while ((n = recv(fake->fd, req, FAKE_BUFFER, 0)) > 0)
		if (nlmsg_ok(req, n))
			fake_answer(fake, req);
	free(req);
	return NULL;
}

/* Starts the thread; connect to @fake->user_fd. */
static inline void fake_start(struct fake *fake)
{
	int fds[2], size = 4 << 20;

	assert(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds));
	setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	fake->fd = fds[0];
	fake->user_fd = fds[1];
	if (!fake->abi)
		fake->abi = WEFT_ABI;
	assert(!pthread_create(&fake->thread, NULL, fake_run, fake));
}

/* Empty tables; between two requests. */
static inline void fake_forget(struct fake *fake)
{
	while (fake->n_objects)
		free(fake->objects[--fake->n_objects].nest);
}

/* After the connection was closed. */
static inline void fake_end(struct fake *fake)
{
	shutdown(fake->fd, SHUT_RDWR);
	pthread_join(fake->thread, NULL);
	close(fake->fd);
	fake_forget(fake);
	free(fake->last);
	memset(fake, 0, sizeof(*fake));
}

static inline void fake_put_addr(struct nl_msg *msg, int ip, int port, const char *text)
{
	struct weft_addr addr;

	assert(!weft_addr_parse(&addr, text));
	weft_nl_put_ip(msg, ip, &addr);
	nla_put_u16(msg, port, addr.port);
}

#endif
