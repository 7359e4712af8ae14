/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The trust bundle: which root certificates vouch for which trust domain.
 *
 * A root vouches for the identities of its own trust domain only, so that a
 * federated domain cannot issue identities of ours (SPIFFE Trust Domain and
 * Bundle specification, section 4.1).
 *
 * Filled by one thread before it is shared; immutable and readable by any
 * thread from the first weft_bundle_get() on. The reference count is atomic. It
 * also remembers, for all threads, which chains it was found to vouch for.
 */
#ifndef WEFT_PKI_BUNDLE_H
#define WEFT_PKI_BUNDLE_H

#include <linux/weft.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"

struct weft_bundle;

#define WEFT_BUNDLE_ROOTS_MAX 64 /* more have no purpose */

/**
 * weft_bundle_create() - an empty bundle, which trusts nobody
 *
 * Return: one reference; NULL out of memory.
 */
struct weft_bundle *weft_bundle_create(void);

/**
 * weft_bundle_add() - let a root vouch for a trust domain
 * @root: a CA certificate; the bundle takes its own reference
 * @trust_domain: such as "example.org"; must be the one in the root's URI SAN, if
 *	it has one
 *
 * The same root for the same trust domain again changes nothing.
 *
 * Return: 0; -EBADMSG @root is not a CA of @trust_domain; -EINVAL @trust_domain is
 * none; -EEXIST the root already vouches for another one; -ENOSPC; -ENOMEM.
 */
int weft_bundle_add(struct weft_bundle *bundle, X509 *root, const char *trust_domain,
		    struct weft_error *err);

/**
 * weft_bundle_add_file() - the same with all roots of a PEM file
 *
 * Return: as weft_bundle_add() (roots before the bad one stay in the bundle: throw
 * it away); -EBADMSG no certificate in the file; errno of the file system. @err
 * names the file.
 */
int weft_bundle_add_file(struct weft_bundle *bundle, const char *path, const char *trust_domain,
			 struct weft_error *err);

/**
 * weft_bundle_load() - a bundle of one PEM file
 * @bundle: written on success, one reference
 *
 * Return: as weft_bundle_add_file().
 */
int weft_bundle_load(const char *path, const char *trust_domain, struct weft_bundle **bundle,
		     struct weft_error *err);

/* Another reference. Return: @bundle. */
struct weft_bundle *weft_bundle_get(struct weft_bundle *bundle);

/* One reference less; NULL is fine. */
void weft_bundle_put(struct weft_bundle *bundle);

/* For _cleanup_(weft_bundle_put_ptr). */
void weft_bundle_put_ptr(struct weft_bundle **bundle);

/* How many roots it has. */
size_t weft_bundle_count(const struct weft_bundle *bundle);

/* One of them, by number, the bundle's. */
X509 *weft_bundle_root(const struct weft_bundle *bundle, size_t i);

/* Has it a root of the trust domain of this SPIFFE ID? */
bool weft_bundle_has(const struct weft_bundle *bundle, const char *identity);

/* Does @root vouch for the trust domain of this SPIFFE ID? */
bool weft_bundle_vouches(const struct weft_bundle *bundle, X509 *root, const char *identity);

/* All roots, for chain building; the bundle's. */
X509_STORE *weft_bundle_store(const struct weft_bundle *bundle);

/* Chains remembered as verified, at most; the least seen go. */
#define WEFT_BUNDLE_CHAINS_MAX 4096

#define WEFT_CHAIN_DIGEST_LEN 32

/* What a verification found out. */
struct weft_chain {
	int64_t not_before; /* the latest of all certificates up to the root, as time() */
	int64_t not_after;  /* the earliest */
	char identity[WEFT_IDENTITY_MAX + 1];
};

/**
 * weft_bundle_remember() - a chain led to a root of this bundle
 * @digest: of all its certificates, SHA-256
 *
 * Any thread, also when the bundle is shared. Without memory it is not remembered.
 */
void weft_bundle_remember(const struct weft_bundle *bundle,
			  const uint8_t digest[WEFT_CHAIN_DIGEST_LEN],
			  const struct weft_chain *chain);

/**
 * weft_bundle_knows() - was this very chain verified before, and is it valid now?
 * @now: as time()
 * @chain: written on success
 *
 * There is nothing to take back: a bundle never changes, a new one knows nothing.
 */
bool weft_bundle_knows(const struct weft_bundle *bundle,
		       const uint8_t digest[WEFT_CHAIN_DIGEST_LEN], int64_t now,
		       struct weft_chain *chain);

#endif
