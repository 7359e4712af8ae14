/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One TLS 1.3 handshake on a stream socket, up to the keys for kernel TLS.
 * Transport only: no netlink, no clock, no epoll. The worker drives it:
 *
 *   start ─▶ step ─▶ WANT_READ, WANT_WRITE ─▶ (socket ready) ─▶ step ...
 *                ├─▶ JUDGE ─▶ (the module's verdict) ─▶ judged ─▶ as step
 *                ├─▶ DONE ─▶ keys, install ─▶ destroy
 *                └─▶ FAILED ─▶ reason, errno, detail ─▶ destroy
 *
 * A client is asked for JUDGE before it shows its own certificate, a server after
 * the client's Finished. When "weft/1" was negotiated, the server then tells its
 * verdict in one record of two bytes, and a client is not DONE before it has read
 * that; with a foreign peer there is no such record.
 *
 * The descriptor stays the caller's, and so do its flags: calls use MSG_DONTWAIT.
 * Deadlines are the caller's too: give up by weft_hs_destroy(). One thread at a
 * time per object; no SIGPIPE.
 */
#ifndef WEFT_TLS_HS_H
#define WEFT_TLS_HS_H

#include <linux/weft.h>
#include <stdbool.h>
#include <stdint.h>
#include "base/error.h"
#include "tls/ctx.h"
#include "tls/key.h"

struct weft_hs;

enum weft_hs_status {
	WEFT_HS_WANT_READ = 1, /* call weft_hs_step() when the socket is readable */
	WEFT_HS_WANT_WRITE,    /* ... writable */
	WEFT_HS_JUDGE,	       /* weft_hs_peer() is known: call weft_hs_judged() */
	WEFT_HS_DONE,	       /* call weft_hs_keys() */
	WEFT_HS_FAILED,	       /* see weft_hs_reason() */
};

/* The confirm record: { WEFT_CONFIRM_VERSION, code }. */
#define WEFT_CONFIRM_VERSION 1
#define WEFT_CONFIRM_LEN     2

enum weft_confirm {
	WEFT_CONFIRM_ACCEPTED,
	WEFT_CONFIRM_DENIED,  /* by policy */
	WEFT_CONFIRM_REFUSED, /* for another reason */
	WEFT_CONFIRM_REVOKED, /* the client's identity or certificate */
};

/**
 * weft_hs_start() - prepare a handshake; nothing is sent before the first step
 * @ctx: says the role; the handshake takes a reference
 * @fd: connected stream socket; stays the caller's and must outlive the handshake
 * @server_name: a client's SNI, the service's name; NULL or "": none
 * @hs: written on success; end with weft_hs_destroy()
 *
 * Return: 0; -EINVAL @server_name is longer than a DNS name; -ENOMEM.
 */
int weft_hs_start(struct weft_tls_ctx *ctx, int fd, const char *server_name, struct weft_hs **hs,
		  struct weft_error *err);

/**
 * weft_hs_step() - go on as far as the socket allows; never blocks
 *
 * Return: enum weft_hs_status; in the states JUDGE, DONE and FAILED the same again.
 */
enum weft_hs_status weft_hs_step(struct weft_hs *hs);

/**
 * weft_hs_resume() - let it be resumed, and remembered for later ones
 * @remote: the peer's address
 * @generation: of the configuration now in force; 0: not known, nothing happens
 *
 * Before the first step, if the context has a memory (weft_tls_ctx_set_resume()).
 * Both ends are asked for JUDGE as ever; a resumed client after its Finished: it
 * has no certificate to hide from a server that it will not talk to.
 */
void weft_hs_resume(struct weft_hs *hs, const struct weft_addr *remote, uint64_t generation);

/* Was it resumed? Known from JUDGE on. */
bool weft_hs_is_resumed(const struct weft_hs *hs);

/**
 * weft_hs_judged() - answer to JUDGE, and go on
 * @allow: may this peer have this connection?
 * @code: if not, what a server tells a weft/1 client (enum weft_confirm);
 *	otherwise ignored
 *
 * After a refusal the end is FAILED: a server's with POLICY_DENIED (REVOKED for
 * WEFT_CONFIRM_REVOKED, RESOURCES for WEFT_CONFIRM_REFUSED), as soon as its record is written; a
 * client's with PEER_IDENTITY. The caller may know a better reason from the
 * module's verdict.
 *
 * Return: as weft_hs_step().
 */
enum weft_hs_status weft_hs_judged(struct weft_hs *hs, bool allow, uint8_t code);

/*
 * The peer's SPIFFE ID; NULL before JUDGE. The handshake's. Its certificate is
 * verified; that a server has the key to it is proved when the handshake is DONE,
 * and that a client has, from JUDGE on.
 */
const char *weft_hs_peer(const struct weft_hs *hs);

/*
 * The serial number of the peer's certificate, as base/serial.h writes it; of a
 * resumed handshake, of the one it showed in the full handshake before. NULL: as
 * weft_hs_peer(). The handshake's.
 */
const char *weft_hs_peer_serial(const struct weft_hs *hs);

/* "TLS_AES_128_GCM_SHA256" and the like; NULL before it is negotiated. Static. */
const char *weft_hs_cipher(const struct weft_hs *hs);

/* Did both sides negotiate weft/1 (else: a foreign peer)? */
bool weft_hs_is_weft(const struct weft_hs *hs);

/* Why it FAILED. */
enum weft_reason weft_hs_reason(const struct weft_hs *hs);

/* Why in words, at most WEFT_DETAIL_MAX bytes, printable ASCII; "" unless FAILED.
 * The handshake's. */
const char *weft_hs_detail(const struct weft_hs *hs);

/**
 * weft_hs_errno() - what the application is to see of a failed handshake
 *
 * Return: positive errno: EACCES denied, or revoked; ETIMEDOUT HANDSHAKE_TIMEOUT; else
 * ECONNREFUSED for clients, ECONNRESET for servers.
 */
int weft_hs_errno(enum weft_role role, enum weft_reason reason);

/**
 * weft_hs_keys() - the keys of a handshake that is DONE; once only
 * @tx: what we send with; as @rx written on success, the caller's to wipe
 * @rx: what the peer sends with
 *
 * Sequence numbers are those of the next records; each key has the secret that it
 * came of. The secrets are wiped from the handshake in any case.
 *
 * Return: 0; -EBUSY not DONE, or called before; -EOPNOTSUPP, -EIO as
 * weft_ktls_derive().
 */
int weft_hs_keys(struct weft_hs *hs, struct weft_ktls_key *tx, struct weft_ktls_key *rx,
		 struct weft_error *err);

/* Ends it in any state and wipes its secrets; sends nothing, does not close the
 * descriptor. NULL is fine. */
void weft_hs_destroy(struct weft_hs *hs);

/* For _cleanup_(weft_hs_destroy_ptr). */
void weft_hs_destroy_ptr(struct weft_hs **hs);

#endif
