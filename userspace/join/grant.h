/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a node may obtain, and the identities that are weft's own:
 *
 *   spiffe://<trust domain>/weft/ca            the CA's end of the channel
 *   spiffe://<trust domain>/weft/node/<name>   a node's
 *
 * Nothing below /weft/ is ever granted. Pure; any thread.
 */
#ifndef WEFT_JOIN_GRANT_H
#define WEFT_JOIN_GRANT_H

#include <stdbool.h>
#include "base/error.h"
#include "base/strv.h"

#define WEFT_GRANTS_MAX	   64
#define WEFT_JOIN_NODE_MAX 200 /* it names a file */

/* Name of a node: a DNS name. As the *_problem() of base/name.h. */
const char *weft_join_node_problem(const char *name);

/**
 * weft_grant_add() - allow an identity, or all below a path
 * @grants: what it is added to; the same again changes nothing
 * @trust_domain: of the CA
 * @text: "spiffe://example.org/shop/cart", or "shop/cart" in short; all below a path
 *	when it ends in a slash and a star
 *
 * Return: 0; -EINVAL no such thing, of another trust domain, or weft's own; -ENOSPC
 * more than WEFT_GRANTS_MAX; -ENOMEM.
 */
int weft_grant_add(struct weft_strv *grants, const char *trust_domain, const char *text,
		   struct weft_error *err);

/* Is @identity granted? */
bool weft_grant_allows(const struct weft_strv *grants, const char *identity);

/* Is it one of weft's own? */
bool weft_grant_is_reserved(const char *identity);

/* Allocated; NULL: out of memory. */
char *weft_join_ca_identity(const char *trust_domain);
char *weft_join_node_identity(const char *trust_domain, const char *node);

/* The name in a node's identity, a part of it; NULL: it is not a node of @trust_domain. */
const char *weft_join_node_of(const char *trust_domain, const char *identity);

#endif
