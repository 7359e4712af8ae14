/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What names and identities may look like. Pure; any thread.
 *
 * The *_problem() functions return NULL when all is well, else a static phrase
 * that completes "NAME: ...", such as "longer than 253 characters".
 */
#ifndef WEFT_BASE_NAME_H
#define WEFT_BASE_NAME_H

#include <stdbool.h>

/* Name of an object: a DNS name in lower case (RFC 1123, 2.1; RFC 1035, 2.3.4). */
const char *weft_name_problem(const char *name);

/* SPIFFE trust domain ("example.org"), SPIFFE-ID specification, 2.1. */
const char *weft_trust_domain_problem(const char *domain);

/*
 * Identity of a workload: a SPIFFE ID with a path ("spiffe://example.org/web"),
 * SPIFFE-ID 2 and X509-SVID 4.
 */
const char *weft_identity_problem(const char *identity);

/*
 * Pattern for identities, as services and policies have them: an identity; the
 * beginning of one, at least "spiffe://TRUST-DOMAIN/", before a final '*'; or
 * "*", whoever has one.
 */
const char *weft_identity_pattern_problem(const char *pattern);

/* Absolute path of a cgroup or an executable, as selectors have it. */
const char *weft_path_problem(const char *path);

/* Last part of a cgroup path, as selectors have it: "nginx.service". */
const char *weft_unit_problem(const char *unit);

/* A container's id, or its first digits, as container engines list it. */
const char *weft_container_problem(const char *id);

/* A SHA-256 as sha256sum(1) writes it. */
const char *weft_sha256_problem(const char *text);

/* Is @identity what @pattern says? */
bool weft_identity_match(const char *pattern, const char *identity);

/*
 * "shop/cart" in trust domain "example.org": "spiffe://example.org/shop/cart"; what
 * has a scheme stays as it is. Allocated; NULL: out of memory.
 */
char *weft_identity_expand(const char *trust_domain, const char *text);

/*
 * The trust domain in a valid identity: where it starts and (@len) how long it
 * is; it is not terminated. NULL: no "spiffe://" in front.
 */
const char *weft_identity_trust_domain(const char *identity, int *len);

#endif
