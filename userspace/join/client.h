/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A node of a mesh whose CA is on another host: joins it once, with a token, and has
 * certificates signed from then on.
 *
 *   <dir>/node.key    private key of the node, mode 0600; made before the first join
 *   <dir>/node.crt    certificate of the node's own identity
 *   <dir>/bundle.pem  the roots that are trusted
 *
 * Used by one thread; calls that talk to the CA block, each connection for
 * WEFT_CHANNEL_DEADLINE_MS at most. What can be told apart by the error:
 *
 *   -ECONNREFUSED, -ETIMEDOUT, -EHOSTUNREACH, -ENETUNREACH, -ECONNRESET ...
 *                   the CA is out of reach: try again later
 *   -EPROTO         it does not speak our protocol
 *   -EACCES         the CA refuses; its words are in @err
 *   -EKEYREJECTED   it is not the CA, or what it sent is not what was asked for
 *   -ENOKEY         this node has not joined, or its certificate has expired
 *   -EIO            the CA has a problem of its own: try again later
 *
 * After a failure everything is as it was before.
 */
#ifndef WEFT_JOIN_CLIENT_H
#define WEFT_JOIN_CLIENT_H

#include <stdint.h>
#include "base/error.h"
#include "pki/bundle.h"
#include "pki/svid.h"

struct weft_join_client;

/**
 * weft_join_client_open() - what this node has so far
 * @dir: of its files; made with mode 0700 when something is to be written
 * @server: "HOST:PORT" of the CA, a name or an address (IPv6 in brackets)
 * @trust_domain: such as "example.org"
 * @token_path: file of the token to join with, read when it is needed; NULL: none
 * @client: written on success; end with weft_join_client_close()
 *
 * No network.
 *
 * Return: 0; -EINVAL @server or @trust_domain is none; -EPERM the key file is open to
 * others; -EBADMSG a file is not what it should be; -EKEYREJECTED the key is not the
 * certificate's; -ENOMEM; errno of the file system. @err names the file.
 */
int weft_join_client_open(const char *dir, const char *server, const char *trust_domain,
			  const char *token_path, struct weft_join_client **client,
			  struct weft_error *err);

/* Wipes the keys from memory; NULL is fine. */
void weft_join_client_close(struct weft_join_client *client);

/* For _cleanup_(weft_join_client_close_ptr). */
void weft_join_client_close_ptr(struct weft_join_client **client);

/* Another deadline for each connection; for the tests. */
void weft_join_client_set_deadline(struct weft_join_client *client, uint32_t ms);

/**
 * weft_join_client_join() - become a node of the mesh
 *
 * Does nothing when there is a certificate that is valid now: to join with a new
 * token, remove node.crt. An answer that got lost is no harm: the same key may use
 * the token again until it expires.
 *
 * Return: 0; -ENOKEY there is no token; -EPERM others may read the token; -EBADMSG it
 * is none; -EINVAL it is of another trust domain; as above.
 */
int weft_join_client_join(struct weft_join_client *client, struct weft_error *err);

/**
 * weft_join_client_sign() - a new key, and a certificate for it
 * @identity: SPIFFE ID, in the trust domain
 * @lifetime: seconds that are wanted, the CA may give less; 0: its choice
 * @svid: written on success, one reference
 *
 * Renews the node's own certificate before when more than half of its time is over,
 * and takes the bundle that the CA sends along.
 *
 * Return: 0; -EINVAL, -ERANGE the CA does not understand @identity, @lifetime; as above;
 * errno of the file system (then what was renewed is used, but not stored).
 */
int weft_join_client_sign(struct weft_join_client *client, const char *identity, int64_t lifetime,
			  struct weft_svid **svid, struct weft_error *err);

/**
 * weft_join_client_refresh() - ask the CA which roots are to be trusted
 *
 * Renews the node's own certificate as weft_join_client_sign() does, and also when the
 * CA has not heard yet that these roots are trusted here.
 *
 * Return: 0; as above.
 */
int weft_join_client_refresh(struct weft_join_client *client, struct weft_error *err);

/**
 * weft_join_client_use() - these roots are in use on this node
 * @bundle: the client takes its own reference
 *
 * They are what the CA is told that the node trusts. Without this call it is what the
 * client has, at once.
 */
void weft_join_client_use(struct weft_join_client *client, struct weft_bundle *bundle);

/* The bundle that is trusted now, a reference for the caller; NULL: not joined. */
struct weft_bundle *weft_join_client_bundle(const struct weft_join_client *client);

/* The client's. */
const char *weft_join_client_trust_domain(const struct weft_join_client *client);

/* The name the CA knows this node by, the client's until it joins; NULL: not joined. */
const char *weft_join_client_node(const struct weft_join_client *client);

/* Its own certificate with the key, the client's until the next call; NULL: not joined. */
const struct weft_svid *weft_join_client_svid(const struct weft_join_client *client);

#endif
