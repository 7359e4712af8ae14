/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Services and their endpoints: where a connect() goes.
 *
 * Pure: knows no sockets. Immutable once in a generation, but for the
 * endpoints' counters; those are shared by all generations that have the same
 * endpoint (service name, address, port). Refcounted. Any context.
 *
 * A service comes without endpoints, and endpoints come in lists, one per
 * service and owner. A generation joins them to the weft_service that the rest
 * of the module sees:
 *
 *	service of a set  <-- base --+
 *	daemon's endpoint list  <----+-- joined service, shared by all
 *	static endpoint list  <------+   generations with the same three
 */
#ifndef WEFT_SERVICE_H
#define WEFT_SERVICE_H

#include <linux/atomic.h>
#include <linux/refcount.h>
#include "names.h"
#include "types.h"

#define WEFT_OWNERS	2		/* enum weft_owner */

struct weft_endpoint_stats {
	refcount_t ref;
	atomic64_t attempts;
	atomic64_t failures;
	atomic_t active;
};

struct weft_endpoint {
	struct weft_addr addr;	/* port 0: the target of the service's port */
	u32 weight;		/* never 0 */
	u8 owner;
	struct weft_endpoint_stats *stats;	/* NULL before the commit */
};

/* Sorted by address and port, each once. Owns a reference on each ->stats. */
struct weft_endpoints {
	refcount_t ref;
	u32 n;
	u32 room;
	const char *service;
	struct weft_endpoint *list;
	struct rcu_head rcu;
};

struct weft_service_port {
	u16 port;
	u16 target;		/* never 0 */
};

struct weft_service {
	refcount_t ref;
	u8 owner;
	u16 n_addresses;
	u16 n_ports;
	u16 n_identities;
	u16 wire;		/* bytes of the attribute it came in */
	u32 n_endpoints;
	u32 connect_timeout;	/* ms, never 0 */
	bool timeout_given;	/* it bounds the last endpoint, too */
	const char *name;
	struct in6_addr *addresses;
	struct weft_service_port *ports;
	const char **identities;	/* a final '*' makes a prefix */
	struct weft_endpoint *endpoints;
	struct rcu_head rcu;
	/*
	 * Of a joined one: what it was joined from, with references; name to
	 * identities belong to the base, endpoints to a list or (both) to it.
	 */
	struct weft_service *base;
	struct weft_endpoints *lists[WEFT_OWNERS];
};

struct weft_gen;

/* What an address means. */
struct weft_service_match {
	struct weft_service *service;
	int pinned;	/* index of the endpoint named itself, or -1 */
	u16 target;	/* port for endpoints without one */
};

/**
 * weft_service_create() - an empty one with one reference, to fill
 * @n_addresses: elements of ->addresses
 * @n_ports: elements of ->ports
 *
 * The maker puts kmalloc()ed ->name and ->identities (array and strings) in;
 * weft_service_put() frees them, also of one that is half made.
 * Return: NULL when out of memory.
 */
struct weft_service *weft_service_create(u16 n_addresses, u16 n_ports);

/**
 * weft_service_join() - a service together with its endpoints
 * @base: the service as it was made
 * @lists: its endpoints by owner, each may be NULL
 *
 * Where both lists have an endpoint the static one counts.
 * Return: a service with one reference, holding references on what it was
 * made of; NULL when out of memory.
 */
struct weft_service *
weft_service_join(struct weft_service *base,
		  struct weft_endpoints *const lists[WEFT_OWNERS]);

struct weft_service *weft_service_get(struct weft_service *s);
void weft_service_put(struct weft_service *s);	/* NULL is fine */

/* An empty list with one reference; NULL when out of memory. */
struct weft_endpoints *weft_endpoints_create(const char *service);
struct weft_endpoints *weft_endpoints_get(struct weft_endpoints *l);
void weft_endpoints_put(struct weft_endpoints *l);	/* NULL is fine */

/* A private copy with room for one more, or NULL. */
struct weft_endpoints *weft_endpoints_copy(const struct weft_endpoints *l);

/* Where @addr is, or (false) where it would be. */
bool weft_endpoints_search(const struct weft_endpoints *l,
			   const struct weft_addr *addr, u32 *at);

/*
 * Put @e in, or in place of its namesake, whose counters go on. For lists
 * nobody else sees yet. The reference on e->stats passes to the list.
 * 0 or -ENOMEM, then nothing has changed.
 */
int weft_endpoints_set(struct weft_endpoints *l, const struct weft_endpoint *e);
void weft_endpoints_remove(struct weft_endpoints *l, u32 at);

/* Counters at zero with one reference, or NULL. */
struct weft_endpoint_stats *weft_endpoint_stats_create(void);
void weft_endpoint_stats_put(struct weft_endpoint_stats *st);

/*
 * Which service @addr names. true: *@out is filled in, no reference taken.
 * Costs one hash lookup when no service has the address.
 */
bool weft_service_lookup(const struct weft_gen *gen,
			 const struct weft_addr *addr,
			 struct weft_service_match *out);
struct weft_service *weft_service_find(const struct weft_gen *gen,
				       const char *name);

/**
 * weft_service_identity_ok() - may a server of this service be who it is?
 * @s: the service that was connected to
 * @identity: the server's proven SPIFFE ID
 * @caller: the client's; a service without a list of its own wants servers of
 *	    the client's trust domain
 */
bool weft_service_identity_ok(const struct weft_service *s,
			      const char *identity, const char *caller);

#endif
