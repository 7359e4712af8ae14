/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside nl/ (and its unit tests): requests and replies, and how each object is
 * put into a message and taken out of one. Thread of the struct weft_nl.
 */
#ifndef WEFT_NL_NL_WIRE_H
#define WEFT_NL_NL_WIRE_H

#include <linux/weft.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include "base/addr.h"
#include "base/cleanup.h"
#include "base/strv.h"
#include "nl/nl.h"
#include "nl/nl_conn.h"
#include "nl/nl_endpoint.h"
#include "nl/nl_peer.h"
#include "nl/nl_policy.h"
#include "nl/nl_revocation.h"
#include "nl/nl_service.h"
#include "nl/nl_status.h"
#include "nl/nl_workload.h"

/* A message that was kept; @hdr and what follows it belong to it. */
struct weft_nl_kept {
	struct weft_nl_kept *next;
	struct nlmsghdr hdr;
};

struct weft_nl_queue {
	struct weft_nl_kept *first, **last;
	unsigned int count;
};

/**
 * weft_nl_open_fd() - weft_nl_open() over a socket that is there already
 * @fd: each datagram holds netlink messages; owned from now on, also on failure
 *
 * Return: as weft_nl_open().
 */
int weft_nl_open_fd(struct weft_nl **ret, int fd, struct weft_error *err);

/* Room for one object of any size, and for all messages without lists. */
#define WEFT_NL_ROOM_OBJECT (65536 + 1024)
#define WEFT_NL_ROOM_SMALL 8192

static inline void weft_nl_msg_free(struct nl_msg **msg)
{
	nlmsg_free(*msg);
}

#define _cleanup_msg_ _cleanup_(weft_nl_msg_free)

/* A request with its generic netlink header, for nlmsg_free(). NULL: no memory. */
struct nl_msg *weft_nl_msg(const struct weft_nl *nl, uint8_t cmd, int flags, size_t room);

/* A reply's top level attributes. Return: 0, -ENOMEM, -EPROTO. */
typedef int weft_nl_reply_fn(struct nlattr **tb, void *data);

/**
 * weft_nl_call() - one request, its reply if there is to be one, its ack
 * @msg: stays the caller's
 * @fn: gets the reply; NULL: there is none. Exactly one call when 0 is returned.
 *
 * Return: 0, see nl.h, what @fn returned.
 */
int weft_nl_call(struct weft_nl *nl, struct nl_msg *msg, weft_nl_reply_fn *fn, void *data,
		 struct weft_error *err);

/**
 * weft_nl_call_dump() - a dump request, all of it before the first call of @fn
 * @fuzzy: what changes all the time: take it as it comes
 * @fn: for each message; may return what it likes, not 0 ends
 *
 * Return: 0, see nl.h, -EAGAIN never undisturbed, what @fn returned.
 */
int weft_nl_call_dump(struct weft_nl *nl, struct nl_msg *msg, bool fuzzy, weft_nl_reply_fn *fn,
		      void *data, struct weft_error *err);

/**
 * weft_nl_unasked() - the next message of command @cmd that nobody asked for
 * @kept: the caller's to free() when 1 is returned
 *
 * Return: 1; 0 nothing now; -ENOBUFS the kernel had to drop some; other errors.
 */
int weft_nl_unasked(struct weft_nl *nl, uint8_t cmd, struct weft_nl_kept **kept,
		    struct weft_error *err);

/* Join the events group. */
int weft_nl_join_events(struct weft_nl *nl, struct weft_error *err);

/* Top level attributes of a whole message. Return: 0, -EPROTO. */
int weft_nl_parse_top(struct nlmsghdr *hdr, struct nlattr **tb);

/* Putting: each returns 0 or -EMSGSIZE. */

/* Begin a nest; NULL: no room. */
struct nlattr *weft_nl_nest(struct nl_msg *msg, int type);
/* End it; unlike libnl's, keeps empty ones and says when it is over 64 KiB. */
int weft_nl_nest_end(struct nl_msg *msg, struct nlattr *nest);

int weft_nl_put_string(struct nl_msg *msg, int type, const char *s);  /* NULL: nothing */
int weft_nl_put_u32_set(struct nl_msg *msg, int type, uint32_t value); /* 0: nothing */
int weft_nl_put_u16_set(struct nl_msg *msg, int type, uint16_t value); /* 0: nothing */
int weft_nl_put_ip(struct nl_msg *msg, int type, const struct weft_addr *addr);
int weft_nl_put_strv(struct nl_msg *msg, int type, const struct weft_strv *list);
int weft_nl_put_networks(struct nl_msg *msg, int type, const struct weft_network *networks,
			 size_t n); /* none: nothing */

/* Taking: each returns 0, -ENOMEM or -EPROTO. @attr NULL: @out is not touched. */

int weft_nl_get_string(char **out, const struct nlattr *attr);
void weft_nl_get_ip(struct weft_addr *out, const struct nlattr *attr);
int weft_nl_get_strv(struct weft_strv *out, struct nlattr *attr);
int weft_nl_get_networks(struct weft_network **out, size_t *n, struct nlattr *list);
uint32_t weft_nl_get_u32(const struct nlattr *attr); /* 0 when NULL, as the others */
uint16_t weft_nl_get_u16(const struct nlattr *attr);
uint64_t weft_nl_get_u64(const struct nlattr *attr);

/* nla_parse_nested() with our errors; -EPROTO when @nest is NULL, too. */
int weft_nl_parse(struct nlattr **tb, int max, struct nlattr *nest,
		  const struct nla_policy *policy);

/* Each object as WEFT_A_<OBJECT>; the parsers write @out only on success. */

int weft_nl_workload_put(struct nl_msg *msg, const struct weft_nl_workload *workload);
int weft_nl_workload_parse(struct nlattr *nest, struct weft_nl_workload *out);
int weft_nl_service_put(struct nl_msg *msg, const struct weft_nl_service *service);
int weft_nl_service_parse(struct nlattr *nest, struct weft_nl_service *out);
int weft_nl_endpoint_put(struct nl_msg *msg, const struct weft_nl_endpoint *endpoint);
int weft_nl_endpoint_parse(struct nlattr *nest, struct weft_nl_endpoint *out);
int weft_nl_policy_put(struct nl_msg *msg, const struct weft_nl_policy *policy);
int weft_nl_policy_parse(struct nlattr *nest, struct weft_nl_policy *out);
int weft_nl_revocation_put(struct nl_msg *msg, const struct weft_nl_revocation *revocation);
int weft_nl_revocation_parse(struct nlattr *nest, struct weft_nl_revocation *out);
int weft_nl_peer_put(struct nl_msg *msg, const struct weft_nl_peer *peer);
int weft_nl_peer_parse(struct nlattr *nest, struct weft_nl_peer *out);
int weft_nl_conn_parse(struct nlattr *nest, struct weft_nl_conn *out);
int weft_nl_status_parse(struct nlattr *nest, struct weft_nl_status *out);

/* An object with no more than a name, as GET and DEL have it: @nest{@attr: @name}. */
int weft_nl_put_name(struct nl_msg *msg, int nest, int attr, const char *name);

/* weft_nl_kind_<noun>: the functions of its file, without their types. */
#define WEFT_NL_KIND(noun, ...)							\
	static int kind_put(struct nl_msg *msg, const void *object)		\
	{									\
		return weft_nl_##noun##_put(msg, object);			\
	}									\
	static int kind_parse(struct nlattr *nest, void *out)			\
	{									\
		return weft_nl_##noun##_parse(nest, out);			\
	}									\
	static void kind_uninit(void *object)					\
	{									\
		weft_nl_##noun##_uninit(object);				\
	}									\
	const struct weft_nl_kind weft_nl_kind_##noun = {			\
		.size = sizeof(struct weft_nl_##noun),				\
		.put = kind_put, .parse = kind_parse, .uninit = kind_uninit,	\
		__VA_ARGS__							\
	}

/* The error of a request that does not fit into one message. */
int weft_nl_too_big(struct weft_error *err);

#endif
