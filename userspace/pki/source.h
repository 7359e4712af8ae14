/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where SVIDs and the trust bundle come from: the built-in authority, a directory
 * that something else keeps fresh, the CA of another host (join/source.h). One
 * interface for all.
 *
 * A source belongs to one thread, which asks it from time to time whether there is
 * anything new. No call waits for another host.
 */
#ifndef WEFT_PKI_SOURCE_H
#define WEFT_PKI_SOURCE_H

#include <stdbool.h>
#include <stdint.h>
#include "base/error.h"
#include "base/strv.h"
#include "pki/bundle.h"
#include "pki/ca.h"
#include "pki/svid.h"

struct weft_source;

/* A kind of source; each embeds struct weft_source first. */
struct weft_source_ops {
	int (*bundle)(struct weft_source *source, struct weft_bundle **bundle,
		      struct weft_error *err);
	int (*svid)(struct weft_source *source, const char *identity, int64_t lifetime,
		    struct weft_svid **svid, struct weft_error *err);
	int (*refresh)(struct weft_source *source, struct weft_error *problem);
	void (*destroy)(struct weft_source *source);
	void (*want)(struct weft_source *source, const struct weft_strv *identities); /* or NULL */
};

struct weft_source {
	const struct weft_source_ops *ops;
	int fd; /* readable: weft_source_refresh() has something; -1: only time tells */
	bool tells_root_end; /* in time, as a problem of weft_source_refresh() */
};

/**
 * weft_source_bundle() - whom to trust
 * @bundle: written on success, one reference; not to be added to. It may be empty:
 *	then nobody is trusted
 *
 * Return: 0, -ENOMEM.
 */
static inline int weft_source_bundle(struct weft_source *source, struct weft_bundle **bundle,
				     struct weft_error *err)
{
	return source->ops->bundle(source, bundle, err);
}

/**
 * weft_source_svid() - the best SVID there is for an identity
 * @lifetime: wished for, seconds; a source whose SVIDs others make does not heed it
 * @svid: written on success, one reference; perhaps the same as last time
 *
 * Return: 0; -ENOENT the source has none; -EAGAIN not yet, weft_source_refresh() will
 * tell; what weft_ca_issue() gives.
 */
static inline int weft_source_svid(struct weft_source *source, const char *identity,
				   int64_t lifetime, struct weft_svid **svid,
				   struct weft_error *err)
{
	return source->ops->svid(source, identity, lifetime, svid, err);
}

/**
 * weft_source_refresh() - is there anything new? Call it every few seconds
 * @problem: written when something cannot be used as it is now, else left alone:
 *	what was good before stays in use
 *
 * Return: 1 ask again for the bundle and all SVIDs; 0 nothing has changed.
 */
static inline int weft_source_refresh(struct weft_source *source, struct weft_error *problem)
{
	return source->ops->refresh(source, problem);
}

/**
 * weft_source_want() - these identities are wanted now
 *
 * Whoever asks for another one's SVID wants that, too. What a source keeps of others it
 * may forget; SVIDs that were handed out live on.
 */
static inline void weft_source_want(struct weft_source *source,
				    const struct weft_strv *identities)
{
	if (source->ops->want)
		source->ops->want(source, identities);
}

/* NULL is fine. */
static inline void weft_source_destroy(struct weft_source *source)
{
	if (source)
		source->ops->destroy(source);
}

/**
 * weft_source_ca_create() - the built-in authority: a new SVID at each call
 * @ca: the source's from now on, also on failure
 * @source: written on success, ended by weft_source_destroy()
 *
 * Return: 0, -ENOMEM.
 */
int weft_source_ca_create(struct weft_ca *ca, struct weft_source **source, struct weft_error *err);

/* Certificates in a directory, at most; the rest is a problem. */
#define WEFT_SOURCE_DIR_MAX 1024

/**
 * weft_source_dir_create() - PEM files that something else renews
 * @dir: need not exist yet
 * @trust_domain: whose roots and SVIDs these are
 * @source: written on success, ended by weft_source_destroy()
 *
 * In @dir and each directory directly below it, names with a dot first left out:
 *
 *   ca.crt, bundle.crt, bundle.pem, svid_bundle.pem	roots
 *   NAME.crt with NAME.key				an SVID: leaf first, then
 *   NAME.pem with NAME_key.pem or NAME-key.pem		intermediates; its key
 *
 * as step-ca, cert-manager and SPIRE's helper write them. Whose SVID a file is its
 * certificate says. Of several for one identity the one issued last counts, of those
 * that are valid with all their intermediates. A pair is taken over when the key is
 * the certificate's and its chain leads to one of the roots, now; until then the last
 * good one of that name stays in use. A file that is removed is forgotten; who uses
 * what was in it need not be. A file of roots that is broken still counts as it was
 * when it was good; one that is removed does not, but for the last. Directories and
 * roots that others than root and we may write count for nothing.
 *
 * The first weft_source_refresh() reads the directory.
 *
 * Return: 0, -ENOMEM.
 */
int weft_source_dir_create(const char *dir, const char *trust_domain, struct weft_source **source,
			   struct weft_error *err);

#endif
