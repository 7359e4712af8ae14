/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Another root for the built-in authority (ca.h), while connections are made.
 *
 *   steady ── prepare ──▶ prepared ── activate ──▶ activated ── finish ──▶ steady
 *     ▲                       │
 *     └──────── abort ────────┘
 *
 *               signs      trusted      files
 *   steady      ca         ca           ca.key ca.crt
 *   prepared    ca         ca, next     + next.key next.crt
 *   activated   ca (new)   ca, old      + old.key old.crt
 *
 * No step takes away what somebody may need: the next root signs once everybody has
 * said that he trusts it, and the old one goes once nothing that it has signed is valid.
 *
 * Each step is one file that comes or goes; what is beside it is written before, or
 * removed after. So a step that was interrupted has happened or not, and may be
 * repeated; activate, which changes two files, is brought to its end by whoever opens
 * the authority next.
 *
 * Blocking calls on local files, for the CLI. Each takes the lock of the directory.
 */
#ifndef WEFT_PKI_CA_ROTATE_H
#define WEFT_PKI_CA_ROTATE_H

#include "base/strv.h"
#include "pki/ca.h"

/**
 * weft_ca_prepare() - make the next root
 *
 * From now on it is trusted beside the one that signs. When there is one already,
 * nothing happens.
 *
 * Return: 0; -EBUSY the old root of a former rotation is there still; -EBADMSG there is a
 * certificate of the next root without its key; as weft_ca_open(); errno of the file system.
 */
int weft_ca_prepare(const char *dir, struct weft_error *err);

/* Does everybody trust the next root of @ca? Called with the lock of its directory. */
struct weft_ca_proof {
	int (*prove)(const struct weft_ca *ca, void *data, struct weft_error *err);
	void *data;
};

/**
 * weft_ca_activate() - the next root signs from now on
 * @proof: asked before; what it returns, if negative, refuses
 *
 * The old one stays trusted. When that was done before, nothing happens.
 *
 * Return: 0; -ENOENT none was prepared; -EBUSY a daemon on this host does not trust it
 * yet; -EBADMSG its key is missing, or another one; -EKEYREJECTED it is not valid now; what
 * @proof says; as weft_ca_open(); errno of the file system.
 */
int weft_ca_activate(const char *dir, const struct weft_ca_proof *proof, struct weft_error *err);

/**
 * weft_ca_finish() - the old root is trusted no more
 * @now: as time()
 *
 * Where nobody knows until when what the old root has signed may be valid, that is settled
 * now.
 *
 * Return: 0; -ENOENT there is none; -EBUSY something that it has signed may be valid
 * still, or the next one does not sign yet; as weft_ca_open(); errno of the file system.
 */
int weft_ca_finish(const char *dir, int64_t now, struct weft_error *err);

/**
 * weft_ca_abort() - the next root is trusted no more
 *
 * Return: 0; -ENOENT there is none; -EBUSY it signs already; as weft_ca_open(); errno of
 * the file system.
 */
int weft_ca_abort(const char *dir, struct weft_error *err);

/**
 * weft_ca_until() - until when may something that the old root has signed be valid?
 * @ca: a rotation of it was activated
 * @until: written on success, as time()
 *
 * Return: 0; -EBADMSG the record is broken; -ENOMEM; errno of the file system.
 */
int weft_ca_until(const struct weft_ca *ca, int64_t now, int64_t *until, struct weft_error *err);

/* When the step began that a rotation of @ca stands at, as time(); 0: there is none. */
int64_t weft_ca_since(const struct weft_ca *ca);

/**
 * weft_ca_issue_known() - as weft_ca_issue(), for who may know the old root only
 * @root: written on success, the one it is signed by; the authority's
 *
 * While the old root is trusted it signs, for as long as something that it has signed
 * before is valid, and not longer: for the end of the CA to which nodes come with what
 * they have. Where the key of the old root is gone, the new one signs.
 *
 * Return: as weft_ca_issue(); as weft_pem_read_key() of the old root's key.
 */
int weft_ca_issue_known(const struct weft_ca *ca, const char *spiffe_id, int64_t lifetime,
			struct weft_svid **svid, X509 **root, struct weft_error *err);

#endif
