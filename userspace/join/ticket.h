/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The node's half of a token: the file an operator carries from the CA's host to
 * the node's. It holds the secret that lets the node join once, and the digests of
 * the roots by which the node knows the CA.
 *
 * Written by token.c, read by client.c; any thread. What was read is wiped with
 * weft_ticket_uninit().
 */
#ifndef WEFT_JOIN_TICKET_H
#define WEFT_JOIN_TICKET_H

#include <stddef.h>
#include <stdint.h>
#include "base/error.h"
#include "pki/bundle.h"
#include "pki/crypto.h"

#define WEFT_TOKEN_ID_LEN     16 /* digits */
#define WEFT_TOKEN_SECRET_LEN 32 /* bytes */

struct weft_ticket {
	char *trust_domain;
	char id[WEFT_TOKEN_ID_LEN + 1];
	uint8_t secret[WEFT_TOKEN_SECRET_LEN];
	uint8_t roots[WEFT_BUNDLE_ROOTS_MAX][WEFT_CRYPTO_DIGEST_LEN];
	size_t n_roots; /* at least 1 */
};

/**
 * weft_ticket_create() - write the file, mode 0600
 *
 * Return: 0; -EEXIST there is such a file, which stays; -ENOMEM; errno of the file
 * system.
 */
int weft_ticket_create(const char *path, const struct weft_ticket *ticket, struct weft_error *err);

/**
 * weft_ticket_read() - read the file, which must be its owner's alone
 * @ticket: written on success
 *
 * Return: 0; -EPERM others may read it; -EBADMSG no token; -ENOMEM; errno of the file
 * system. @err names the file.
 */
int weft_ticket_read(const char *path, struct weft_ticket *ticket, struct weft_error *err);

/* Wipes it. All zeros is fine. */
void weft_ticket_uninit(struct weft_ticket *ticket);

/* Is it an identifier of a token (the name of a file on the CA's host)? As the
 * *_problem() of base/name.h. */
const char *weft_token_id_problem(const char *id);

#endif
