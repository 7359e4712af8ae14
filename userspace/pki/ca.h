/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The built-in certificate authority: one self-signed root (ECDSA P-256) that
 * lives in a directory and issues SVIDs.
 *
 *   <dir>/ca.key   private key, PKCS #8 PEM, mode 0600
 *   <dir>/ca.crt   certificate, PEM, mode 0644
 *   <dir>/issued   until when what it has signed may be valid
 *
 * While one root takes over from another (ca_rotate.h) there is a second one, which is
 * trusted as well.
 *
 * Any number of processes may open the same directory; the first one creates (lock on
 * the directory). An authority stays as it was read: who keeps it open asks whether it
 * has changed. Once made it is constant: any thread may issue.
 */
#ifndef WEFT_PKI_CA_H
#define WEFT_PKI_CA_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>
#include "base/error.h"
#include "pki/bundle.h"
#include "pki/svid.h"

struct weft_ca;

#define WEFT_CA_YEARS		  10	       /* of the root */
#define WEFT_CA_BACKDATE	  300	       /* s, for clocks that are behind */
#define WEFT_CA_LIFETIME_MIN	  10	       /* s, of an SVID */
#define WEFT_CA_LIFETIME_MAX	  (90 * 86400) /* s */
#define WEFT_CA_LIFETIME_DEFAULT  86400	       /* s */

/* Where a rotation of the root stands. */
enum weft_ca_step {
	WEFT_CA_STEADY,	   /* there is one root */
	WEFT_CA_PREPARED,  /* the next one is trusted, too */
	WEFT_CA_ACTIVATED, /* it signs; the old one is trusted still */
};

/**
 * weft_ca_open_or_create() - the authority of a trust domain
 * @dir: made with mode 0700 when it is not there; nobody else may write to it
 * @trust_domain: such as "example.org"
 * @ca: written on success; end with weft_ca_close()
 *
 * A key without a certificate (an interrupted creation) gets a new certificate; an
 * interrupted step of a rotation comes to its end.
 *
 * Return: 0; -EINVAL @trust_domain is none; -EPERM the directory is writable or
 * the key file open to others; -EBADMSG a file is not what it should be, belongs to another trust
 * domain, or its key is missing; -EKEYREJECTED the key is not the certificate's;
 * -EKEYEXPIRED the root has expired, and no next one is prepared; -EBUSY another process
 * holds the lock of the directory; -ENOMEM; errno of the file system. @err
 * names the file and the way out.
 */
int weft_ca_open_or_create(const char *dir, const char *trust_domain, struct weft_ca **ca,
			   struct weft_error *err);

/**
 * weft_ca_open() - an authority that is there, whatever its trust domain
 *
 * Makes none.
 *
 * Return: as weft_ca_open_or_create(); -ENOENT there is no certificate in @dir.
 */
int weft_ca_open(const char *dir, struct weft_ca **ca, struct weft_error *err);

/**
 * weft_ca_reopen() - the same authority, as its files are now
 * @fresh: written on success, another one; @ca stays as it is
 *
 * Return: as weft_ca_open(); -EBADMSG it is of another trust domain.
 */
int weft_ca_reopen(const struct weft_ca *ca, struct weft_ca **fresh, struct weft_error *err);

/* Are its files other than those that were read? Looks at them; cheap. */
bool weft_ca_changed(const struct weft_ca *ca);

/* Wipes the key from memory; NULL is fine. */
void weft_ca_close(struct weft_ca *ca);

/* For _cleanup_(weft_ca_close_ptr). */
void weft_ca_close_ptr(struct weft_ca **ca);

X509 *weft_ca_cert(const struct weft_ca *ca);		    /* the authority's */
const char *weft_ca_trust_domain(const struct weft_ca *ca); /* the authority's */
const char *weft_ca_cert_path(const struct weft_ca *ca);    /* the authority's */
const char *weft_ca_dir(const struct weft_ca *ca);	    /* the authority's */

enum weft_ca_step weft_ca_step(const struct weft_ca *ca);

/* The root that is trusted beside the one that signs: the next one, or the old one.
 * The authority's; NULL: there is none. */
X509 *weft_ca_other(const struct weft_ca *ca);

/* All that are trusted, the one that signs first: nodes that see another order have their
 * certificates signed anew. The caller's. Return: 0, -ENOMEM. */
int weft_ca_roots(const struct weft_ca *ca, STACK_OF(X509) **roots, struct weft_error *err);

/* Is it time for another root? Long before it ends: a tenth of its life, and not less than
 * the longest life of what it signs. */
bool weft_ca_is_ending(const struct weft_ca *ca, int64_t now);

/**
 * weft_ca_bundle() - a bundle that trusts the roots of this authority and nobody else
 * @bundle: written on success, one reference; more roots may be added
 *
 * Return: 0, -ENOMEM.
 */
int weft_ca_bundle(const struct weft_ca *ca, struct weft_bundle **bundle, struct weft_error *err);

/**
 * weft_ca_issue() - a new key and a certificate for it
 * @spiffe_id: identity with a path, in the authority's trust domain
 * @lifetime: seconds, WEFT_CA_LIFETIME_MIN to _MAX, 0: the default; cut off where
 *	the root ends. Validity starts WEFT_CA_BACKDATE before now.
 * @svid: written on success, one reference
 *
 * What it has signed is valid no longer than is written down before.
 *
 * Return: 0; -EINVAL no identity, or of another trust domain; -ERANGE @lifetime;
 * -EKEYEXPIRED the root has expired; -ESTALE the files have changed: weft_ca_reopen();
 * -EBUSY another process holds the lock of the directory for longer than a second;
 * -ENOMEM; -EIO OpenSSL failed (@err); errno of the file system.
 */
int weft_ca_issue(const struct weft_ca *ca, const char *spiffe_id, int64_t lifetime,
		  struct weft_svid **svid, struct weft_error *err);

/**
 * weft_ca_sign() - a certificate for a key that somebody else has
 * @spiffe_id: as for weft_ca_issue()
 * @public_key: stays the caller's, who knows that its owner has the private one
 * @lifetime: as for weft_ca_issue()
 * @cert: written on success, the caller's
 *
 * Return: as weft_ca_issue().
 */
int weft_ca_sign(const struct weft_ca *ca, const char *spiffe_id, EVP_PKEY *public_key,
		 int64_t lifetime, X509 **cert, struct weft_error *err);

/* The same with the lock of weft_ca_dir() held (weft_dir_lock()): for who signs because of
 * something that must not change meanwhile. */
int weft_ca_sign_locked(const struct weft_ca *ca, const char *spiffe_id, EVP_PKEY *public_key,
			int64_t lifetime, X509 **cert, struct weft_error *err);

#endif
