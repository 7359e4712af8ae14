/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What names, identities, paths and addresses may look like, and how an
 * identity is compared. Pure, any context, no state.
 *
 * The checks return NULL when the text is fine, else what is wrong with it as
 * the end of a sentence ("... it must be ...").
 */
#ifndef WEFT_NAMES_H
#define WEFT_NAMES_H

#include "types.h"

/* Room for "[xxxx:xxxx:xxxx:xxxx:xxxx:xxxx:255.255.255.255]:65535". */
#define WEFT_ADDR_TEXT		64

/* A DNS name of lower-case labels, RFC 1123 section 2.1. */
const char *weft_name_wrong(const char *name);

/* A workload's SPIFFE ID, SPIFFE-ID section 2, X509-SVID section 5.2. */
const char *weft_identity_wrong(const char *id);

/* A SPIFFE ID, "spiffe://TRUST-DOMAIN/PREFIX*", or "*". */
const char *weft_pattern_wrong(const char *pattern);

/* An absolute path without empty, "." or ".." parts. */
const char *weft_path_wrong(const char *path);

/* The last part of a path. */
const char *weft_unit_wrong(const char *unit);

/* A container's id, or how it begins. */
const char *weft_container_wrong(const char *id);

/* A certificate's serial number: digits of bytes, see weft_revocation_attr. */
const char *weft_serial_wrong(const char *serial);

/* A unicast address. */
const char *weft_ip_wrong(const struct in6_addr *ip);

/**
 * weft_identity_match() - is an identity what a pattern says?
 * @pattern: a SPIFFE ID, or a prefix before a final '*'
 * @identity: whom to compare; NULL: nobody proved one, no pattern matches
 */
bool weft_identity_match(const char *pattern, const char *identity);

/* Bits behind the prefix that are not 0, or a prefix that is none. */
const char *weft_network_wrong(const struct weft_network *n);

/* Is an address in a network? ::/0 is all of IPv6, and not IPv4. */
bool weft_network_match(const struct weft_network *n,
			const struct in6_addr *ip);

/* Are both of the same trust domain? */
bool weft_identity_same_domain(const char *a, const char *b);

/* @buf of WEFT_ADDR_TEXT: "10.0.0.1:80", "[fd00::1]:80"; port 0: no port. */
const char *weft_addr_text(const struct weft_addr *a, char *buf);

#endif
