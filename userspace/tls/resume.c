// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The secrets of daemons that have met, see resume.h. What is kept is a struct
 * weft_psk cut off behind the peer's name; a server's lie under their identifier
 * and its context, a client's under the name of the server.
 */
#include "tls/resume.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "base/cache.h"
#include "base/cleanup.h"

/* Private use, RFC 5705, section 4: not registered with IANA. */
#define LABEL "EXPERIMENTAL weft/1 resumption"

struct weft_resume {
	atomic_uint refs;
	struct weft_cache *secrets[2]; /* by enum weft_role */
};

struct weft_resume *weft_resume_create(void)
{
	struct weft_resume *resume = calloc(1, sizeof(*resume));

	if (!resume)
		return NULL;
	atomic_init(&resume->refs, 1);
	resume->secrets[WEFT_ROLE_CLIENT] = weft_cache_create(WEFT_RESUME_MAX);
	resume->secrets[WEFT_ROLE_SERVER] = weft_cache_create(WEFT_RESUME_MAX);
	if (resume->secrets[WEFT_ROLE_CLIENT] && resume->secrets[WEFT_ROLE_SERVER])
		return resume;
	weft_resume_put(resume);
	return NULL;
}

struct weft_resume *weft_resume_get(struct weft_resume *resume)
{
	atomic_fetch_add_explicit(&resume->refs, 1, memory_order_relaxed);
	return resume;
}

void weft_resume_put(struct weft_resume *resume)
{
	/* Whoever frees must see what the others did before they let go. */
	if (!resume || atomic_fetch_sub_explicit(&resume->refs, 1, memory_order_acq_rel) != 1)
		return;
	weft_cache_destroy(resume->secrets[WEFT_ROLE_CLIENT]);
	weft_cache_destroy(resume->secrets[WEFT_ROLE_SERVER]);
	free(resume);
}

static void key_add(struct weft_resume_key *key, const void *bytes, size_t len)
{
	memcpy(key->bytes + key->len, bytes, len);
	key->len += len;
}

void weft_resume_key(struct weft_resume_key *key, uint64_t context,
		     const struct weft_addr *endpoint, const char *service)
{
	key->len = 0;
	key_add(key, &context, sizeof(context));
	key_add(key, endpoint->ip, sizeof(endpoint->ip));
	key_add(key, &endpoint->port, sizeof(endpoint->port));
	if (service)
		key_add(key, service, strnlen(service, WEFT_NAME_MAX));
}

static void server_key(struct weft_resume_key *key, uint64_t context, const uint8_t *id)
{
	key->len = 0;
	key_add(key, &context, sizeof(context));
	key_add(key, id, WEFT_PSK_ID_LEN);
}

int weft_psk_derive(struct weft_psk *psk, SSL *ssl, const char *client, const char *server)
{
	const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);
	const EVP_MD *md = cipher ? SSL_CIPHER_get_handshake_digest(cipher) : NULL;
	uint8_t context[2 * (WEFT_IDENTITY_MAX + 1)], out[WEFT_PSK_ID_LEN + EVP_MAX_MD_SIZE];
	size_t client_len = strlen(client) + 1, server_len = strlen(server) + 1, len;
	int r;

	if (!md || client_len > WEFT_IDENTITY_MAX + 1 || server_len > WEFT_IDENTITY_MAX + 1)
		return -EIO;
	memcpy(context, client, client_len);
	memcpy(context + client_len, server, server_len);
	len = EVP_MD_get_size(md);
	/* Blocks of HKDF-Expand: the public part tells nothing of the other. */
	r = SSL_export_keying_material(ssl, out, WEFT_PSK_ID_LEN + len, LABEL, strlen(LABEL),
				       context, client_len + server_len, 1);
	if (r == 1) {
		memcpy(psk->id, out, WEFT_PSK_ID_LEN);
		memcpy(psk->secret, out + WEFT_PSK_ID_LEN, len);
		psk->secret_len = len;
		psk->suite = SSL_CIPHER_get_protocol_id(cipher);
	}
	explicit_bzero(out, sizeof(out));
	return r == 1 ? 0 : -EIO;
}

SSL_SESSION *weft_psk_session(const struct weft_psk *psk, SSL *ssl)
{
	const unsigned char suite[2] = { psk->suite >> 8, psk->suite & 255 };
	const SSL_CIPHER *cipher = SSL_CIPHER_find(ssl, suite);
	SSL_SESSION *session = cipher ? SSL_SESSION_new() : NULL;

	if (session &&
	    SSL_SESSION_set1_master_key(session, psk->secret, psk->secret_len) == 1 &&
	    SSL_SESSION_set_cipher(session, cipher) == 1 &&
	    SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION) == 1)
		return session;
	SSL_SESSION_free(session);
	return NULL;
}

static size_t stored_len(const struct weft_psk *psk)
{
	return offsetof(struct weft_psk, peer) + strlen(psk->peer) + 1;
}

void weft_resume_add_client(struct weft_resume *resume, const struct weft_resume_key *key,
			    uint64_t context, const struct weft_psk *psk)
{
	weft_cache_put(resume->secrets[WEFT_ROLE_CLIENT], key->bytes, key->len, context, psk,
		       stored_len(psk));
}

void weft_resume_add_server(struct weft_resume *resume, uint64_t context,
			    const struct weft_psk *psk)
{
	struct weft_resume_key key;

	server_key(&key, context, psk->id);
	weft_cache_put(resume->secrets[WEFT_ROLE_SERVER], key.bytes, key.len, context, psk,
		       stored_len(psk));
}

/* A handshake that began before the last commit sees an older generation: for that
 * one only it is not good. */
static bool is_over(const struct weft_psk *psk, uint64_t generation, int64_t now)
{
	/* One of a certificate that nobody knows would pass by what is revoked. */
	return !*psk->serial || psk->generation < generation || now < psk->since ||
	       now >= psk->until;
}

static int find(struct weft_cache *secrets, const struct weft_resume_key *key,
		uint64_t generation, int64_t now, struct weft_psk *psk)
{
	_cleanup_(weft_psk_wipe) struct weft_psk found;

	if (weft_cache_get(secrets, key->bytes, key->len, &found, sizeof(found)) < 0)
		return -ENOENT;
	if (is_over(&found, generation, now)) {
		weft_cache_drop(secrets, key->bytes, key->len);
		return -ENOENT;
	}
	if (found.generation != generation)
		return -ENOENT;
	memcpy(psk, &found, stored_len(&found));
	return 0;
}

int weft_resume_find_client(struct weft_resume *resume, const struct weft_resume_key *key,
			    uint64_t generation, int64_t now, struct weft_psk *psk)
{
	return find(resume->secrets[WEFT_ROLE_CLIENT], key, generation, now, psk);
}

int weft_resume_find_server(struct weft_resume *resume, uint64_t context, const uint8_t *id,
			    size_t id_len, uint64_t generation, int64_t now, struct weft_psk *psk)
{
	struct weft_resume_key key;

	if (id_len != WEFT_PSK_ID_LEN)
		return -ENOENT;
	server_key(&key, context, id);
	return find(resume->secrets[WEFT_ROLE_SERVER], &key, generation, now, psk);
}

void weft_resume_drop_client(struct weft_resume *resume, const struct weft_resume_key *key)
{
	weft_cache_drop(resume->secrets[WEFT_ROLE_CLIENT], key->bytes, key->len);
}

void weft_resume_forget(struct weft_resume *resume, uint64_t context)
{
	weft_cache_forget(resume->secrets[WEFT_ROLE_CLIENT], context);
	weft_cache_forget(resume->secrets[WEFT_ROLE_SERVER], context);
}

size_t weft_resume_count(struct weft_resume *resume, enum weft_role role)
{
	return weft_cache_count(resume->secrets[role]);
}

void weft_psk_wipe(struct weft_psk *psk)
{
	explicit_bzero(psk, sizeof(*psk));
}
