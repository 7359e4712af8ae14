/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An X.509 SVID with its private key: how a workload proves its identity.
 *
 * Made by ca.h or read from files; shared by the TLS contexts that use it.
 * Immutable once made, so that any thread may read it; the reference count is
 * atomic. The last put wipes the key.
 */
#ifndef WEFT_PKI_SVID_H
#define WEFT_PKI_SVID_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>
#include "base/error.h"

struct weft_svid {
	unsigned int refs;     /* svid.c only, atomic */
	X509 *cert;	       /* the leaf */
	STACK_OF(X509) *chain; /* intermediates, leaf's issuer first; may be empty */
	EVP_PKEY *key;
	char *identity;	     /* SPIFFE ID, the leaf's URI SAN */
	int64_t not_before;  /* of the leaf; s since the epoch, as time() */
	int64_t not_after;   /* of the leaf */
	int64_t valid_from;  /* of the leaf and all intermediates the latest beginning */
	int64_t valid_until; /* and the earliest end: what peers go by */
};

/**
 * weft_svid_create() - make an SVID of its parts
 * @cert: the leaf; as @chain and @key the SVID's own in every case, also on failure
 * @chain: intermediates, may be NULL
 * @key: the leaf's private key
 * @svid: written on success, one reference
 *
 * Return: 0; -EBADMSG @cert is no leaf SVID; -EKEYREJECTED @key is not its key;
 * -ENOMEM.
 */
int weft_svid_create(X509 *cert, STACK_OF(X509) *chain, EVP_PKEY *key, struct weft_svid **svid,
		     struct weft_error *err);

/* Another reference. Return: @svid. */
struct weft_svid *weft_svid_get(struct weft_svid *svid);

/* One reference less; NULL is fine. */
void weft_svid_put(struct weft_svid *svid);

/* For _cleanup_(weft_svid_put_ptr). */
void weft_svid_put_ptr(struct weft_svid **svid);

/* Is it valid at @now (as time()), and all intermediates? */
bool weft_svid_valid_at(const struct weft_svid *svid, int64_t now);

/* Does one of the intermediates end before the leaf that it signed? */
bool weft_svid_signer_ends_first(const struct weft_svid *svid);

/**
 * weft_svid_write() - put an SVID into two PEM files, the key first
 * @cert_path: leaf and intermediates, mode 0644
 * @key_path: private key (PKCS #8), mode 0600
 *
 * Each file is replaced atomically; a crash between the two leaves a pair that
 * weft_svid_read() refuses with -EKEYREJECTED.
 *
 * Return: 0, -ENOMEM, errno of the file system (@err names the file).
 */
int weft_svid_write(const struct weft_svid *svid, const char *cert_path, const char *key_path,
		    struct weft_error *err);

/**
 * weft_svid_read() - read what weft_svid_write() or another CA's agent wrote
 * @svid: written on success, one reference
 *
 * Whether it is valid now is not looked at: weft_svid_valid_at().
 *
 * Return: 0; -EPERM the key file is open to others; -EBADMSG no PEM, or no leaf
 * SVID; -EKEYREJECTED the key is not the certificate's; -ENOMEM; errno of the
 * file system. @err names the file.
 */
int weft_svid_read(const char *cert_path, const char *key_path, struct weft_svid **svid,
		   struct weft_error *err);

#endif
