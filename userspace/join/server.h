/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The CA's end of the channel: a thread that accepts, and one for each connection.
 *
 *   accept thread --- at most 32 slots ---> connection threads: one request each
 *        ^                                        |
 *        '------ slot free or to be had, stop ----'   (eventfd)
 *
 * Anybody can connect, so that strangers must not keep the nodes away. A slot is kept
 * for who has shown the certificate of a node, and while a request is answered. When all
 * are taken, one of the others is given to who comes: the oldest of the source that has
 * most of them. A new node, which has no certificate, is in the way of nobody then but
 * of as many sources as there are slots.
 *
 * Started and stopped by one thread; all else is the server's own.
 */
#ifndef WEFT_JOIN_SERVER_H
#define WEFT_JOIN_SERVER_H

#include <stdint.h>
#include "base/addr.h"
#include "join/authority.h"

struct weft_join_server;

#define WEFT_JOIN_CONNECTIONS_MAX 32 /* those after it take the place of a stranger, or wait */
#define WEFT_JOIN_PER_ADDRESS_MAX 8  /* those after it are closed at once */

/* For the TLS handshake, of the whole deadline. It is two round trips: time for a packet
 * that got lost, which is sent again after a second (RFC 6298, 2.1). */
#define WEFT_JOIN_HANDSHAKE_MS 2000

struct weft_join_server_config {
	const struct weft_ca *ca;     /* opened anew, here and whenever its files change */
	const char *ca_dir;	      /* of @ca; must outlive the server */
	struct weft_addr listen;      /* port 0: any, see weft_join_server_port() */
	uint32_t lifetime_max;	      /* s, of SVIDs; 0: WEFT_CA_LIFETIME_DEFAULT */
	uint32_t deadline_ms;	      /* of a connection; 0: WEFT_CHANNEL_DEADLINE_MS */
	const struct weft_join_log_ops *ops; /* must outlive the server; NULL: tells nobody */
};

/**
 * weft_join_server_start() - serve the nodes
 * @server: written on success; end with weft_join_server_stop()
 *
 * The threads have all signals blocked.
 *
 * Return: 0; -ERANGE @lifetime_max; what the CA gives to issue its own certificate;
 * what socket(), bind() and listen() give (@err names the address); -ENOMEM; -EAGAIN
 * no thread.
 */
int weft_join_server_start(const struct weft_join_server_config *config,
			   struct weft_join_server **server, struct weft_error *err);

/* The port it listens on. */
uint16_t weft_join_server_port(const struct weft_join_server *server);

/* Ends all connections and threads, at once but for what is just being signed. NULL
 * is fine. */
void weft_join_server_stop(struct weft_join_server *server);

#endif
