/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Daemons that have met: after a full handshake both ends derive the same secret
 * from it (a TLS exporter, RFC 8446, 7.5) and keep it in memory. The next
 * connection between the same two identities uses it as an external PSK with a
 * fresh Diffie-Hellman exchange (psk_dhe_ke): no certificate, no signature, and
 * still forward secrecy, so one secret may serve any number of connections.
 *
 * A secret is good for
 *   - the two identities that proved themselves: they are in the exporter's
 *     context, and each end keeps the peer's with it for the module's verdict, and
 *     the serial of the certificate that the peer showed, which may be revoked:
 *     without that it is good for nothing;
 *   - the local TLS context it was made with: a new SVID or bundle makes new
 *     contexts, and a context takes its secrets along when it goes;
 *   - the generation of the configuration, at each end by itself;
 *   - until the first of both certificates and of those that signed them ends, and
 *     WEFT_RESUME_AGE at most.
 * What one end has forgotten is no failure: a server that does not know the
 * identifier makes a full handshake out of the same one.
 *
 * Any thread; who uses it holds a reference.
 */
#ifndef WEFT_TLS_RESUME_H
#define WEFT_TLS_RESUME_H

#include <linux/weft.h>
#include <openssl/ssl.h>
#include "base/addr.h"
#include "base/serial.h"

struct weft_resume;

#define WEFT_RESUME_AGE 3600  /* s */
#define WEFT_RESUME_MAX 16384 /* secrets per role; the least used go */

#define WEFT_PSK_ID_LEN 32

/* Wipe after use. */
struct weft_psk {
	uint8_t id[WEFT_PSK_ID_LEN]; /* on the wire; tells nothing */
	uint8_t secret[EVP_MAX_MD_SIZE];
	uint16_t secret_len; /* 0: none */
	uint16_t suite;	     /* IANA number; its hash is the PSK's */
	int64_t since, until; /* as time() */
	uint64_t generation;
	char serial[WEFT_SERIAL_SIZE]; /* of the peer's certificate; "": not known */
	char peer[WEFT_IDENTITY_MAX + 1]; /* SPIFFE ID */
};

/* Where a client finds what it knows of a server. */
struct weft_resume_key {
	uint8_t bytes[8 + 16 + 2 + WEFT_NAME_MAX];
	size_t len;
};

/* Return: one reference; NULL out of memory. */
struct weft_resume *weft_resume_create(void);

/* Another reference. Return: @resume. */
struct weft_resume *weft_resume_get(struct weft_resume *resume);

/* One reference less; the last one wipes everything. NULL is fine. */
void weft_resume_put(struct weft_resume *resume);

/**
 * weft_resume_key() - name a server, from the client's side
 * @context: number of the local TLS context
 * @endpoint: its real address
 * @service: what was asked for; NULL: nothing by name
 */
void weft_resume_key(struct weft_resume_key *key, uint64_t context,
		     const struct weft_addr *endpoint, const char *service);

/**
 * weft_psk_derive() - the secret of a full handshake that is over
 * @psk: id, secret and suite are written on success
 * @client: SPIFFE ID; as @server verified by the other end
 *
 * Return: 0; -EIO OpenSSL failed.
 */
int weft_psk_derive(struct weft_psk *psk, SSL *ssl, const char *client, const char *server);

/* A session for OpenSSL's PSK callbacks, the caller's. NULL: out of memory, or the
 * suite is not one of @ssl's. */
SSL_SESSION *weft_psk_session(const struct weft_psk *psk, SSL *ssl);

/* Remember it, as a client. Without memory it is not. */
void weft_resume_add_client(struct weft_resume *resume, const struct weft_resume_key *key,
			    uint64_t context, const struct weft_psk *psk);

/* Remember it, as a server. */
void weft_resume_add_server(struct weft_resume *resume, uint64_t context,
			    const struct weft_psk *psk);

/**
 * weft_resume_find_client() - is there a secret with this server?
 * @generation: now in force
 * @now: as time()
 * @psk: written on success
 *
 * Return: 0; -ENOENT none that is good now.
 */
int weft_resume_find_client(struct weft_resume *resume, const struct weft_resume_key *key,
			    uint64_t generation, int64_t now, struct weft_psk *psk);

/* The same for an identifier that a client sent. Return: 0, -ENOENT. */
int weft_resume_find_server(struct weft_resume *resume, uint64_t context, const uint8_t *id,
			    size_t id_len, uint64_t generation, int64_t now,
			    struct weft_psk *psk);

/* A client's did not work. */
void weft_resume_drop_client(struct weft_resume *resume, const struct weft_resume_key *key);

/* The context is no more. */
void weft_resume_forget(struct weft_resume *resume, uint64_t context);

/* How many secrets there are for one role. */
size_t weft_resume_count(struct weft_resume *resume, enum weft_role role);

/* Nothing of it stays in memory. For _cleanup_(weft_psk_wipe) too. */
void weft_psk_wipe(struct weft_psk *psk);

#endif
