/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the CA (ca.h, ca_rotate.h) have in common: the authority as it was
 * read, and its directory. Nobody else includes this.
 *
 * Whoever reads several of the files, or writes one, holds the lock of the directory.
 */
#ifndef WEFT_PKI_CA_FILES_H
#define WEFT_PKI_CA_FILES_H

#include <stdbool.h>
#include <sys/stat.h>
#include "pki/ca.h"

/* A file as stat() has it. They are only ever replaced, so that one that is as it was
 * holds what it held. */
struct weft_ca_stamp {
	bool there;
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec changed;
};

#define WEFT_CA_STAMPS 3 /* ca.crt, next.crt, old.crt */

struct weft_ca {
	char *dir, *trust_domain, *key_path, *cert_path;
	EVP_PKEY *key;
	X509 *cert;
	X509 *next; /* NULL: none is prepared */
	X509 *old;  /* NULL: none is about to go */
	struct weft_ca_stamp stamps[WEFT_CA_STAMPS];
};

/* A path in its directory, the caller's to free(); NULL: out of memory. */
char *weft_ca_path(const char *dir, const char *name);

/* How long the lock of the directory is waited for, ms: by who has other work to do, and
 * by a command or one that starts. Everybody who may read the directory can lock it. */
#define WEFT_CA_LOCK_SHORT   1000
#define WEFT_CA_LOCK_PATIENT 30000

/* Return: the directory, locked until it is closed; -EPERM others may write to it; -EBUSY
 * another process holds it for longer than @ms; what open() and flock() give. */
int weft_ca_lock(const char *dir, unsigned int ms, struct weft_error *err);

/* An authority that is there. The lock is held. Return: as weft_ca_open(). */
int weft_ca_load_locked(const char *dir, struct weft_ca **ca, struct weft_error *err);

/* A new self-signed certificate for @key, WEFT_CA_YEARS from now. Return: 0, -ENOMEM,
 * -EIO. */
int weft_ca_make_root(const char *trust_domain, EVP_PKEY *key, X509 **cert,
		      struct weft_error *err);

/* ---- ca_issued.c: until when what a root has signed may be valid ---- */

/*
 *   <dir>/issued	a line for each root: SHA-256 of its certificate, seconds
 *
 * Written before the certificate is signed that is valid longer, and a little further
 * on, so that it is seldom written. A root without a line is one of a former version:
 * nobody knows what it has signed.
 */

#define WEFT_CA_ISSUED_MORE 3600 /* s, as far beyond the end of a certificate at most */

/**
 * weft_ca_issued_get() - until when may what this root has signed be valid?
 * @until: written on success, as time(); 0: it has signed nothing
 *
 * Return: 0; -ENOENT nobody knows; -EBADMSG the file is broken; -ENOMEM; errno of the
 * file system.
 */
int weft_ca_issued_get(const char *dir, X509 *root, int64_t *until, struct weft_error *err);

/* Write it down. The lock is held. Return: as weft_ca_issued_get(), but for -ENOENT. */
int weft_ca_issued_set(const char *dir, X509 *root, int64_t until, struct weft_error *err);

/* The same as weft_ca_issued_get(), with the latest that can be where nobody knows. */
int weft_ca_issued_bound(const char *dir, X509 *root, int64_t now, int64_t *until,
			 struct weft_error *err);

#endif
