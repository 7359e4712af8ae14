/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The CA of another host as a source of SVIDs (pki/source.h): what is asked for is
 * obtained by a thread, so that nobody waits for the network.
 *
 *   svid() ──▶ wanted ──▶ thread: join once, sign, look for new roots
 *     ▲                      │
 *     └── refresh() ◀── fd ──┘
 *
 * The CA is told which roots are trusted here once they are: those that were handed out
 * are in use by the next time that refresh() is called.
 *
 * What was obtained is kept in files too: a daemon that starts while the CA is away
 * goes on with what it has. An identity that is not wanted any more is forgotten, and its
 * files are removed: after a minute, so that what comes back at once is not asked for
 * anew. What a former daemon has left is kept for an hour: until all documents are there
 * nobody knows what of it is wanted, and without the CA nobody could replace it.
 */
#ifndef WEFT_JOIN_SOURCE_H
#define WEFT_JOIN_SOURCE_H

#include "pki/source.h"

/* Seconds: between looks at the roots of the CA; between tries for an identity that
 * it refused, that it gave; at most between tries to reach it; for its thread to end. */
#define WEFT_SOURCE_JOIN_ROOTS 600
#define WEFT_SOURCE_JOIN_RETRY 30
#define WEFT_SOURCE_JOIN_PAUSE 2
#define WEFT_SOURCE_JOIN_BACKOFF 60
#define WEFT_SOURCE_JOIN_END 1

/* Seconds until what is not wanted is forgotten: any more; since the start. */
#define WEFT_SOURCE_JOIN_FORGET	  60
#define WEFT_SOURCE_JOIN_LEFTOVER 3600

/**
 * weft_source_join_create() - be a node of the mesh of another host's CA
 * @dir: of the node's files, see client.h; "svids" in it holds those of its workloads
 * @server: "HOST:PORT" of the CA
 * @trust_domain: of the CA
 * @token_path: to join with; NULL: has joined before
 * @source: written on success, ended by weft_source_destroy()
 *
 * An identity that is not there yet is -EAGAIN; one that the CA refuses is -EACCES
 * with its words.
 *
 * Return: 0; what weft_join_client_open() gives; -EAGAIN no thread; what eventfd()
 * gives.
 */
int weft_source_join_create(const char *dir, const char *server, const char *trust_domain,
			    const char *token_path, struct weft_source **source,
			    struct weft_error *err);

#endif
