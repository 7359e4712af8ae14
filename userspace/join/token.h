/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tokens as the CA's host keeps them: who may join once, and as what.
 *
 *   <ca dir>/tokens/<id>.json   node, identities, expiry, digest of the secret
 *
 *                 a join with the secret          the same key again
 *   new ---------------------------------> used ----------------------.
 *    |                  (bound to the key)  ^  |                      |
 *    |                                      |  '----------------------'
 *    '--------- expired, deleted, or the node got a newer token: gone
 *
 * There is one token for a node: a new one takes the place of the old one, so that
 * none can bring back what an operator has changed since.
 *
 * Blocking calls on local files, for the CLI and the threads of the server. Each
 * takes weft_dir_lock() of @ca_dir but those with _locked.
 */
#ifndef WEFT_JOIN_TOKEN_H
#define WEFT_JOIN_TOKEN_H

#include <stdbool.h>
#include <stdint.h>
#include "base/strv.h"
#include "join/ticket.h"
#include "pki/ca.h"

#define WEFT_TOKEN_TTL_MIN     10	    /* s */
#define WEFT_TOKEN_TTL_MAX     (30 * 86400) /* s */
#define WEFT_TOKEN_TTL_DEFAULT 3600	    /* s */

/* What was to be done is done, but there is a token that cannot be read. */
#define WEFT_TOKEN_UNREAD 1

struct weft_token {
	char id[WEFT_TOKEN_ID_LEN + 1];
	char *node;
	struct weft_strv identities;		   /* see grant.h */
	uint8_t secret[WEFT_CRYPTO_DIGEST_LEN];	   /* of the secret */
	int64_t created, expires;		   /* as time() */
	bool used;				   /* by the key: */
	uint8_t key[WEFT_CRYPTO_DIGEST_LEN];	   /* SHA-256 of a public key */
};

struct weft_tokens {
	struct weft_token *items;
	size_t count;
};

/**
 * weft_token_create() - let a node join
 * @node: its name
 * @identities: what it may obtain, in the words of weft_grant_add(); at least one
 * @ttl: seconds, WEFT_TOKEN_TTL_MIN to _MAX, 0: the default
 * @path: the file for the node is written here
 * @id: written on success, may be NULL
 *
 * Return: 0; WEFT_TOKEN_UNREAD it is made, but one that may be an older one of the node is
 * there still (@err names it); -EINVAL @node or an identity is wrong; -ERANGE @ttl; -ENOSPC
 * too many identities; -EEXIST @path is there; -ENOMEM; -EIO OpenSSL failed; errno of the
 * file system. After a failure nobody can join with what may have been written.
 */
int weft_token_create(const struct weft_ca *ca, const char *ca_dir, const char *node,
		      const struct weft_strv *identities, int64_t ttl, const char *path,
		      char id[WEFT_TOKEN_ID_LEN + 1], struct weft_error *err);

/**
 * weft_token_use_locked() - the node with this key joins
 * @id: safe as a part of a path
 * @key: digest of the node's key, which proved that it has it
 * @now: as time()
 * @token: written on success
 *
 * From now on the token is bound to the key.
 *
 * Return: 0; -EACCES no such token, wrong secret, expired, or bound to another key;
 * -EBADMSG its file is broken; -ENOMEM; errno of the file system.
 */
int weft_token_use_locked(const char *ca_dir, const char *id,
			  const uint8_t secret[WEFT_TOKEN_SECRET_LEN],
			  const uint8_t key[WEFT_CRYPTO_DIGEST_LEN], int64_t now,
			  struct weft_token *token, struct weft_error *err);

/**
 * weft_token_list() - all that have not expired at @now; the others are deleted
 * @tokens: written on success; end with weft_tokens_uninit()
 *
 * Return: 0; -EBADMSG a file is broken (@err names it); -ENOMEM; errno of the file
 * system.
 */
int weft_token_list(const char *ca_dir, int64_t now, struct weft_tokens *tokens,
		    struct weft_error *err);

/* Return: 0; -ENOENT; -EINVAL @id is none; errno of the file system. */
int weft_token_delete(const char *ca_dir, const char *id, struct weft_error *err);

/**
 * weft_token_delete_node_locked() - all of a node, and those that have expired
 * @but: not this one; NULL: all
 *
 * That one of them cannot be read, or not be deleted, spares none of the others.
 *
 * Return: 0; WEFT_TOKEN_UNREAD @err names it; -ENOMEM; errno of the file system.
 */
int weft_token_delete_node_locked(const char *ca_dir, const char *node, const char *but,
				  struct weft_error *err);

void weft_token_uninit(struct weft_token *token);
void weft_tokens_uninit(struct weft_tokens *tokens);

#endif
