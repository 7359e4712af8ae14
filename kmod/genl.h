/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The generic netlink family: what genl_<object>.c share.
 *
 * Commands run in process context and in parallel; each locks what it changes
 * (weft_tables.lock for configuration). An error goes out as one extended ack
 * with a whole sentence: the kernel's own formatted messages end after 80
 * characters, so weft_genl_fail() and weft_genl_end() send the ack themselves.
 */
#ifndef WEFT_GENL_H
#define WEFT_GENL_H

#include <linux/skbuff.h>
#include <net/genetlink.h>
#include "fault.h"
#include "generation.h"
#include "netns.h"
#include "types.h"

extern struct genl_family weft_genl_family;

int weft_genl_init(void);
void weft_genl_uninit(void);

/* Index of WEFT_MCGRP_EVENTS, for genlmsg_multicast_netns(). */
#define WEFT_GENL_EVENTS	0

/* Errors */

/**
 * weft_genl_end() - what a command returns
 * @skb: the request
 * @info: its generic netlink view
 * @err: 0 or a negative errno
 * @f: the words, or NULL
 *
 * With words to say, sends the error with them and returns -EINTR, upon which
 * netlink_rcv_skb() sends no ack of its own; call it once, as the last thing.
 * Return: what the command's doit() is to return.
 */
int weft_genl_end(struct sk_buff *skb, struct genl_info *info, int err,
		  const struct weft_fault *f);

/*
 * As weft_genl_end() for the start of a dump, while cb->skb is the request. 6.1
 * hands no extack to it.
 */
int weft_genl_dump_end(struct netlink_callback *cb, int err,
		       const struct weft_fault *f);

/**
 * weft_genl_fail() - refuse a command: weft_genl_end() with the words in place
 * @skb: the request
 * @info: its generic netlink view
 * @attr: the attribute at fault, or NULL
 * @err: negative errno
 * @fmt: one sentence naming object, value and what is allowed
 *
 * Return: what the command's doit() is to return.
 */
__printf(5, 6)
int weft_genl_fail(struct sk_buff *skb, struct genl_info *info,
		   const struct nlattr *attr, int err, const char *fmt, ...);

/* As weft_fault_set(), with the attribute at fault. */
__printf(4, 5)
int weft_fault_attr(struct weft_fault *f, const struct nlattr *attr, int err,
		    const char *fmt, ...);

/* Out: each returns 0 or -EMSGSIZE */

int weft_nla_put_addr(struct sk_buff *skb, int attr, const struct in6_addr *ip);

/* A list; nothing when @n is 0. */
int weft_nla_put_strings(struct sk_buff *skb, int attr, const char **strings,
			 unsigned int n);

int weft_nla_put_networks(struct sk_buff *skb, int attr,
			  const struct weft_network *networks, unsigned int n);

/*
 * What every @fill below does: puts one object into a message. @wn: the
 * namespace it is of. Must not sleep in a dump of configuration.
 * Return: 0 or -EMSGSIZE.
 */

/**
 * weft_genl_reply() - answer a command with one message
 * @info: the request
 * @fill: puts the attributes in; called again with more room if it says
 *	  -EMSGSIZE
 * @object: for @fill
 *
 * Return: 0 or -ENOMEM, -EMSGSIZE (larger than any attribute can be).
 */
int weft_genl_reply(struct genl_info *info,
		    int (*fill)(struct sk_buff *skb, const void *object,
				struct weft_net *wn),
		    const void *object);

/**
 * weft_genl_dump_put() - one object of a dump
 * @skb: the dump's message buffer
 * @cb: the dump; cb->seq must be set, it marks interrupted dumps
 * @cmd: enum weft_cmd
 * @fill: puts the attributes in
 * @object: for @fill
 *
 * Return: 0, or -EMSGSIZE and nothing was added: no room left.
 */
int weft_genl_dump_put(struct sk_buff *skb, struct netlink_callback *cb,
		       u8 cmd,
		       int (*fill)(struct sk_buff *skb, const void *object,
				   struct weft_net *wn),
		       const void *object);

/* Of a dump: its attributes by enum weft_attr, and its namespace. */
struct nlattr **weft_genl_dump_attrs(struct netlink_callback *cb);
struct weft_net *weft_genl_dump_net(struct netlink_callback *cb);

static inline struct weft_net *weft_genl_net(const struct genl_info *info)
{
	/* its argument is const since 6.7 only */
	return weft_net(genl_info_net((struct genl_info *)info));
}

/* In: parse helpers; each fills @f in on error */

/**
 * weft_nla_peek() - the text of a string attribute
 * @nla: the attribute; NULL: -EINVAL, "WHAT is missing"
 * @what: how the error calls it, such as "name of the service"
 * @max: most characters allowed
 * @out: points into the message
 * @f: filled in on error
 *
 * Return: 0; -EINVAL missing, empty or a NUL inside; -ERANGE too long.
 */
int weft_nla_peek(const struct nlattr *nla, const char *what, size_t max,
		  const char **out, struct weft_fault *f);

/* As weft_nla_peek() for an object's name, which must be a DNS name. */
int weft_nla_name(const struct nlattr *nla, const char *what, const char **out,
		  struct weft_fault *f);

/* As weft_nla_peek() for a certificate's serial number. */
int weft_nla_serial(const struct nlattr *nla, const char *what,
		    const char **out, struct weft_fault *f);

/* As weft_nla_peek() for a whole SPIFFE ID. */
int weft_nla_identity(const struct nlattr *nla, const char *what,
		      const char **out, struct weft_fault *f);

/* A copy of a name: kfree() it. Also -ENOMEM. */
int weft_nla_name_dup(const struct nlattr *nla, const char *what,
		      const char **out, struct weft_fault *f);

/**
 * weft_nla_dup() - a string that must look a certain way, copied
 * @nla: the attribute
 * @what: how the error calls it
 * @max: most characters allowed
 * @wrong: NULL, or what is wrong with a text: one of names.h
 * @out: kfree() it; untouched on error
 * @f: filled in on error
 *
 * Return: as weft_nla_peek(), -EINVAL also when @wrong, -ENOMEM.
 */
int weft_nla_dup(const struct nlattr *nla, const char *what, size_t max,
		 const char *(*wrong)(const char *text), const char **out,
		 struct weft_fault *f);

struct weft_nla_texts {
	unsigned int max;
	size_t len;
	const char *(*wrong)(const char *text);
};

/**
 * weft_nla_texts() - a list of texts that must look a certain way, copied
 * @list: the attribute; NULL: none
 * @what: how the error calls them, such as "serials of the revocation"
 * @limits: how many, how long and NULL or what is wrong with one
 * @out: kmalloc()ed array of kmalloc()ed strings; the caller's also on error
 * @n: how many of them are there
 * @f: filled in on error
 *
 * Return: 0, -EINVAL, -ERANGE too long or too many, -ENOMEM.
 */
int weft_nla_texts(const struct nlattr *list, const char *what,
		   const struct weft_nla_texts *limits, const char ***out,
		   u16 *n, struct weft_fault *f);

/**
 * weft_nla_patterns() - a list of identities and prefixes
 * @list: the attribute; NULL: none
 * @what: how the error calls them, such as "identities of the service"
 * @out: kmalloc()ed array of kmalloc()ed strings; the caller's also on error
 * @n: how many of them are there
 * @f: filled in on error
 *
 * Return: 0, -EINVAL, -ERANGE too long or too many, -ENOMEM.
 */
int weft_nla_patterns(const struct nlattr *list, const char *what,
		      const char ***out, u16 *n, struct weft_fault *f);

/**
 * weft_nla_networks() - a list of nests of enum weft_network_attr
 * @list: the attribute; NULL: none
 * @whose: how the error calls what has them, such as "a rule"
 * @out: kmalloc()ed array; the caller's also on error
 * @n: how many of them are there
 * @f: filled in on error
 *
 * Return: 0, -EINVAL bits behind a prefix, -ERANGE too many or no prefix,
 * -ENOMEM.
 */
int weft_nla_networks(const struct nlattr *list, const char *whose,
		      struct weft_network **out, u16 *n, struct weft_fault *f);

/* A unicast address. Return: 0 or -EINVAL. */
int weft_nla_addr(const struct nlattr *nla, const char *what,
		  struct in6_addr *out, struct weft_fault *f);

/* WEFT_PORT_A_PORT of a parsed nest. Return: 0, -EINVAL missing or 0. */
int weft_nla_port(struct nlattr **port, const struct nlattr *nest,
		  const char *what, u16 *out, struct weft_fault *f);

/* A u32 of at most @max, or 0 when absent. Return: 0 or -ERANGE. */
int weft_nla_u32(const struct nlattr *nla, const char *what, u32 max, u32 *out,
		 struct weft_fault *f);

/* How many items a list has, at most @max; NULL: 0. Return: it or -ERANGE. */
int weft_nla_count(const struct nlattr *list, const char *what,
		   unsigned int max, struct weft_fault *f);

/* Workloads, services, policies and so on, by name: what they share. */

struct weft_genl_kind {
	enum weft_kind kind;
	u8 attr;			/* enum weft_attr; NAME in it is 1 */
	u8 cmd_get;			/* enum weft_cmd */
	int (*fill)(struct sk_buff *skb, const void *object,
		    struct weft_net *wn);
};

/**
 * weft_genl_nest() - the object's attribute of a command
 * @info: the request
 * @attr: enum weft_attr
 * @tb: its attributes, room for @max + 1
 * @max: largest of them
 * @f: filled in on error
 *
 * Return: 0, -EINVAL missing, -EMSGSIZE too long to be sent back whole.
 */
int weft_genl_nest(const struct genl_info *info, int attr, struct nlattr **tb,
		   int max, struct weft_fault *f);

/* What NLM_F_REPLACE and WEFT_A_TRANSACTION say; and whose the object is. */
void weft_genl_change(const struct genl_info *info, struct weft_change *c);
u8 weft_genl_owner(const struct genl_info *info);

/* weft_tables_set() as the request says; tells subscribers. */
int weft_genl_set(const struct genl_info *info, enum weft_kind kind,
		  const char *name, void *object, struct weft_fault *f);

/* Whole commands. */
int weft_genl_kind_del(struct sk_buff *skb, struct genl_info *info,
		       const struct weft_genl_kind *k);
int weft_genl_kind_get(struct sk_buff *skb, struct genl_info *info,
		       const struct weft_genl_kind *k);
int weft_genl_kind_dump(struct sk_buff *skb, struct netlink_callback *cb,
			const struct weft_genl_kind *k);

/* Begin a dump that takes no attributes. */
int weft_genl_dump_start(struct netlink_callback *cb);
int weft_genl_conn_start(struct netlink_callback *cb);

/* Commands: genl_<object>.c */

int weft_genl_endpoint_start(struct netlink_callback *cb);

/* Policies of objects' nests, for the operations' table in genl.c */
extern const struct nla_policy weft_texts_policy[WEFT_LIST_A_MAX + 1];
extern const struct nla_policy weft_networks_policy[WEFT_LIST_A_MAX + 1];
extern const struct nla_policy weft_workload_policy[WEFT_WORKLOAD_A_MAX + 1];
extern const struct nla_policy weft_service_policy[WEFT_SERVICE_A_MAX + 1];
extern const struct nla_policy weft_endpoint_policy[WEFT_ENDPOINT_A_MAX + 1];
extern const struct nla_policy weft_policy_policy[WEFT_POLICY_A_MAX + 1];
extern const struct nla_policy
	weft_revocation_policy[WEFT_REVOCATION_A_MAX + 1];
extern const struct nla_policy weft_peer_policy[WEFT_PEER_A_MAX + 1];

/* Tells subscribers of a new generation (WEFT_EVENT_GENERATION). */
void weft_genl_generation_event(struct weft_net *wn);

int weft_genl_status_get(struct sk_buff *skb, struct genl_info *info);
int weft_genl_selftest_run(struct sk_buff *skb, struct genl_info *info);

int weft_genl_generation_begin(struct sk_buff *skb, struct genl_info *info);
int weft_genl_generation_commit(struct sk_buff *skb, struct genl_info *info);
int weft_genl_generation_abort(struct sk_buff *skb, struct genl_info *info);

int weft_genl_workload_new(struct sk_buff *skb, struct genl_info *info);
int weft_genl_workload_del(struct sk_buff *skb, struct genl_info *info);
int weft_genl_workload_get(struct sk_buff *skb, struct genl_info *info);
int weft_genl_workload_dump(struct sk_buff *skb, struct netlink_callback *cb);

int weft_genl_service_new(struct sk_buff *skb, struct genl_info *info);
int weft_genl_service_del(struct sk_buff *skb, struct genl_info *info);
int weft_genl_service_get(struct sk_buff *skb, struct genl_info *info);
int weft_genl_service_dump(struct sk_buff *skb, struct netlink_callback *cb);

int weft_genl_endpoint_new(struct sk_buff *skb, struct genl_info *info);
int weft_genl_endpoint_del(struct sk_buff *skb, struct genl_info *info);
int weft_genl_endpoint_get(struct sk_buff *skb, struct genl_info *info);
int weft_genl_endpoint_dump(struct sk_buff *skb, struct netlink_callback *cb);

int weft_genl_policy_new(struct sk_buff *skb, struct genl_info *info);
int weft_genl_policy_del(struct sk_buff *skb, struct genl_info *info);
int weft_genl_policy_get(struct sk_buff *skb, struct genl_info *info);
int weft_genl_policy_dump(struct sk_buff *skb, struct netlink_callback *cb);

int weft_genl_revocation_new(struct sk_buff *skb, struct genl_info *info);
int weft_genl_revocation_del(struct sk_buff *skb, struct genl_info *info);
int weft_genl_revocation_get(struct sk_buff *skb, struct genl_info *info);
int weft_genl_revocation_dump(struct sk_buff *skb, struct netlink_callback *cb);

int weft_genl_peer_new(struct sk_buff *skb, struct genl_info *info);
int weft_genl_peer_del(struct sk_buff *skb, struct genl_info *info);
int weft_genl_peer_get(struct sk_buff *skb, struct genl_info *info);
int weft_genl_peer_dump(struct sk_buff *skb, struct netlink_callback *cb);

/* genl_conn.c */
int weft_genl_conn_get(struct sk_buff *skb, struct genl_info *info);
int weft_genl_conn_del(struct sk_buff *skb, struct genl_info *info);
int weft_genl_conn_dump(struct sk_buff *skb, struct netlink_callback *cb);

/* genl_event.c */
int weft_genl_event_next(struct sk_buff *skb, struct genl_info *info);

/* genl_flow.c */
int weft_genl_flow_judge(struct sk_buff *skb, struct genl_info *info);

/* genl_handshake.c */
int weft_genl_worker_new(struct sk_buff *skb, struct genl_info *info);
int weft_genl_handshake_accept(struct sk_buff *skb, struct genl_info *info);
int weft_genl_handshake_judge(struct sk_buff *skb, struct genl_info *info);
int weft_genl_handshake_done(struct sk_buff *skb, struct genl_info *info);

#endif
