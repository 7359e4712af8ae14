/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who has the built-in authority open and trusts by it, on this host:
 *
 *   <ca dir>/users/<process>.<number>	the roots it trusts, SHA-256 of each on a line
 *
 * Its owner holds it locked (base/lock.h) while it runs; a file that nobody holds is of
 * one that ended, however that was. An empty one has not said yet.
 */
#ifndef WEFT_PKI_CA_USER_H
#define WEFT_PKI_CA_USER_H

#include <openssl/x509.h>
#include "base/error.h"
#include "base/strv.h"

struct weft_ca_user;

/**
 * weft_ca_user_open() - say that the authority is in use
 * @user: written on success; end with weft_ca_user_close()
 *
 * Files of those that ended are removed.
 *
 * Return: 0; -EBUSY the directory is locked by another process; -ENOMEM; errno of the file
 * system.
 */
int weft_ca_user_open(const char *ca_dir, struct weft_ca_user **user, struct weft_error *err);

/* Which roots it trusts from now on. Return: as weft_ca_user_open(). */
int weft_ca_user_tell(struct weft_ca_user *user, const STACK_OF(X509) *roots,
		      struct weft_error *err);

/* NULL is fine. */
void weft_ca_user_close(struct weft_ca_user *user);

/**
 * weft_ca_users_without_locked() - who runs and has not said that he trusts this root?
 * @names: an empty list, such as "process 4711"
 *
 * Files of those that ended are removed. The lock of the directory is held.
 *
 * Return: 0; -ENOMEM; errno of the file system.
 */
int weft_ca_users_without_locked(const char *ca_dir, X509 *root, struct weft_strv *names,
				 struct weft_error *err);

#endif
