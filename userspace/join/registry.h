/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The nodes that joined, and what each may obtain:
 *
 *   <ca dir>/nodes/<name>.json
 *
 * A node is its key: a certificate of the same name for another key counts for
 * nothing, so that a new join or a deletion revokes what was there before.
 *
 * Blocking calls on local files, for the CLI and the threads of the server. Each
 * takes weft_dir_lock() of @ca_dir but those with _locked. Who signs for a node keeps it
 * from the look at the node to the signature: so nothing is signed after a deletion.
 */
#ifndef WEFT_JOIN_REGISTRY_H
#define WEFT_JOIN_REGISTRY_H

#include <stdint.h>
#include "base/addr.h"
#include "base/strv.h"
#include "join/ticket.h"

#define WEFT_REGISTRY_NOT_WRITTEN 1
#define WEFT_REGISTRY_SEEN_INTERVAL 60 /* s, how often a node's file is written at most */

struct weft_join_node {
	char *name;
	struct weft_strv identities;	     /* see grant.h */
	uint8_t key[WEFT_CRYPTO_DIGEST_LEN]; /* of its public key */
	int64_t joined, seen;		     /* as time() */
	char address[WEFT_ADDR_TEXT_MAX];    /* it was seen from */
	struct weft_strv trusts;	     /* digests of the roots it said it trusts */
};

struct weft_join_nodes {
	struct weft_join_node *items;
	size_t count;
};

/* Who asks, as far as it is proven. */
struct weft_join_claim {
	uint8_t key[WEFT_CRYPTO_DIGEST_LEN];
	const char *address; /* without a port */
	int64_t now;	     /* as time() */
};

/**
 * weft_registry_join_locked() - a node joins with a token
 * @id: of the token, safe as a part of a path
 * @secret: of the token
 * @claim: the key that it proved to have
 * @node: its record, written on success
 *
 * A node of this name is replaced: its former key is not valid any more.
 *
 * Return: as weft_token_use_locked(). After a failure to write, the same may be
 * tried again.
 */
int weft_registry_join_locked(const char *ca_dir, const char *id,
			      const uint8_t secret[WEFT_TOKEN_SECRET_LEN],
			      const struct weft_join_claim *claim, struct weft_join_node *node,
			      struct weft_error *err);

/**
 * weft_registry_seen_locked() - a node asks for something
 * @name: of its certificate, safe as a part of a path
 * @trusts: digests of the roots it trusts; NULL: it did not say
 * @node: its record, written on success
 *
 * Return: 0; WEFT_REGISTRY_NOT_WRITTEN it is known, @node is written, but that it was
 * seen could not be (@err); -EACCES no such node, or with another key; -EBADMSG its file
 * is broken; -ENOMEM; errno of the file system.
 */
int weft_registry_seen_locked(const char *ca_dir, const char *name,
			      const struct weft_join_claim *claim, const struct weft_strv *trusts,
			      struct weft_join_node *node, struct weft_error *err);

/**
 * weft_registry_list() - all nodes, by name
 * @nodes: written on success; end with weft_join_nodes_uninit()
 *
 * Return: 0; -EBADMSG a file is broken (@err names it); -ENOMEM; errno of the file
 * system.
 */
int weft_registry_list(const char *ca_dir, struct weft_join_nodes *nodes, struct weft_error *err);

/* The same with the lock of @ca_dir held. */
int weft_registry_list_locked(const char *ca_dir, struct weft_join_nodes *nodes,
			      struct weft_error *err);

/**
 * weft_registry_delete() - a node may obtain nothing any more
 *
 * Its tokens go first: none of them can bring it back. What is with them does not keep the
 * node.
 *
 * Return: 0; -ENOENT; -EINVAL @name is none; as weft_token_delete_node_locked(), and the
 * node is deleted; errno of the file system.
 */
int weft_registry_delete(const char *ca_dir, const char *name, struct weft_error *err);

void weft_join_node_uninit(struct weft_join_node *node);
void weft_join_nodes_uninit(struct weft_join_nodes *nodes);

#endif
