// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tokens as the CA's host keeps them. See token.h.
 */
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "base/array.h"
#include "base/file.h"
#include "base/hex.h"
#include "join/grant.h"
#include "join/record.h"
#include "join/token.h"

#define KIND "tokens"
#define TIME_MAX (1LL << 50)

static const char *const members[] = { "id",	  "node",    "identities", "secret",
				       "created", "expires", "key",	   NULL };

void weft_token_uninit(struct weft_token *token)
{
	free(token->node);
	weft_strv_uninit(&token->identities);
	*token = (struct weft_token){ 0 };
}

void weft_tokens_uninit(struct weft_tokens *tokens)
{
	for (size_t i = 0; i < tokens->count; i++)
		weft_token_uninit(&tokens->items[i]);
	free(tokens->items);
	*tokens = (struct weft_tokens){ 0 };
}

static bool encode(cJSON *json, const struct weft_token *token)
{
	return cJSON_AddStringToObject(json, "id", token->id) &&
	       cJSON_AddStringToObject(json, "node", token->node) &&
	       weft_json_add_strings(json, "identities", &token->identities) &&
	       weft_json_add_bytes(json, "secret", token->secret, sizeof(token->secret)) &&
	       cJSON_AddNumberToObject(json, "created", token->created) &&
	       cJSON_AddNumberToObject(json, "expires", token->expires) &&
	       (!token->used || weft_json_add_bytes(json, "key", token->key, sizeof(token->key)));
}

static int decode(const cJSON *json, const char *name, struct weft_token *token,
		  struct weft_error *err)
{
	const char *id, *node;
	int r;

	r = weft_json_members(json, members, err);
	if (!r)
		r = weft_json_string(json, "id", WEFT_TOKEN_ID_LEN, &id, err);
	if (!r && (strcmp(id, name) || weft_token_id_problem(id)))
		r = weft_error_set(err, EBADMSG, "\"id\" is not that of the file's name");
	if (!r)
		r = weft_json_string(json, "node", WEFT_JOIN_NODE_MAX, &node, err);
	if (!r && weft_join_node_problem(node))
		r = weft_error_set(err, EBADMSG, "\"node\": %s", weft_join_node_problem(node));
	if (!r)
		r = weft_json_strings(json, "identities", WEFT_GRANTS_MAX, WEFT_IDENTITY_MAX,
				      &token->identities, err);
	if (!r)
		r = weft_json_bytes(json, "secret", token->secret, sizeof(token->secret), err);
	if (!r)
		r = weft_json_number(json, "created", 0, TIME_MAX, &token->created, err);
	if (!r)
		r = weft_json_number(json, "expires", 0, TIME_MAX, &token->expires, err);
	token->used = cJSON_GetObjectItemCaseSensitive(json, "key");
	if (!r && token->used)
		r = weft_json_bytes(json, "key", token->key, sizeof(token->key), err);
	if (r)
		return r;
	strcpy(token->id, id);
	token->node = strdup(node);
	return token->node ? 0 : weft_error_nomem(err);
}

static int read_token(const char *ca_dir, const char *id, struct weft_token *ret,
		      struct weft_error *err)
{
	struct weft_token token = { 0 };
	_cleanup_json_ cJSON *json = NULL;
	int r;

	r = weft_record_read(ca_dir, KIND, id, &json, err);
	if (r)
		return r;
	r = decode(json, id, &token, err);
	if (r) {
		weft_token_uninit(&token);
		return weft_record_error(ca_dir, KIND, id, r, err);
	}
	*ret = token;
	return 0;
}

static int write_token(const char *ca_dir, const struct weft_token *token, struct weft_error *err)
{
	_cleanup_json_ cJSON *json = cJSON_CreateObject();

	if (!json || !encode(json, token))
		return weft_error_nomem(err);
	return weft_record_write(ca_dir, KIND, token->id, json, err);
}

/* ---- making one ---- */

static int check_ttl(int64_t ttl, struct weft_error *err)
{
	if (ttl >= WEFT_TOKEN_TTL_MIN && ttl <= WEFT_TOKEN_TTL_MAX)
		return 0;
	return weft_error_set(err, ERANGE, "a token for %lld s: allowed are %d to %d seconds",
			      (long long)ttl, WEFT_TOKEN_TTL_MIN, WEFT_TOKEN_TTL_MAX);
}

/* By any of those that are trusted the node may know the CA: one of them may go before
 * the token is used. */
static int pin_roots(const struct weft_ca *ca, struct weft_ticket *ticket, struct weft_error *err)
{
	_cleanup_x509s_ STACK_OF(X509) *roots = NULL;
	int r = weft_ca_roots(ca, &roots, err);

	for (int i = 0; !r && i < sk_X509_num(roots); i++) {
		r = weft_crypto_cert_digest(sk_X509_value(roots, i), ticket->roots[i], err);
		ticket->n_roots = i + 1;
	}
	return r;
}

/* What both halves have in common is made here. */
static int fill(const struct weft_ca *ca, const char *node, const struct weft_strv *identities,
		struct weft_token *token, struct weft_ticket *ticket, struct weft_error *err)
{
	const char *problem = weft_join_node_problem(node);
	uint8_t id[WEFT_TOKEN_ID_LEN / 2];
	int r = 0;

	if (problem)
		return weft_error_set(err, EINVAL, "node \"%.200s\": %s", node, problem);
	if (!identities->count)
		return weft_error_set(err, EINVAL, "node \"%s\": it may obtain nothing: name an "
				      "identity", node);
	for (size_t i = 0; !r && i < identities->count; i++)
		r = weft_grant_add(&token->identities, weft_ca_trust_domain(ca),
				   identities->items[i], err);
	if (r)
		return r;
	if (RAND_bytes(id, sizeof(id)) != 1 ||
	    RAND_bytes(ticket->secret, sizeof(ticket->secret)) != 1 ||
	    EVP_Digest(ticket->secret, sizeof(ticket->secret), token->secret, NULL, EVP_sha256(),
		       NULL) != 1)
		return weft_crypto_error(err, EIO, "cannot make a secret");
	weft_hex_format(id, sizeof(id), token->id);
	strcpy(ticket->id, token->id);
	token->node = strdup(node);
	ticket->trust_domain = strdup(weft_ca_trust_domain(ca));
	if (!token->node || !ticket->trust_domain)
		return weft_error_nomem(err);
	return pin_roots(ca, ticket, err);
}

/* The CA's half comes last: only then can anybody join. */
static int put(const char *ca_dir, const struct weft_token *token,
	       const struct weft_ticket *ticket, const char *path, struct weft_error *err)
{
	_cleanup_close_ int lock = weft_dir_lock(ca_dir, err);
	int r;

	if (lock < 0)
		return lock;
	r = weft_ticket_create(path, ticket, err);
	if (r)
		return r;
	r = write_token(ca_dir, token, err);
	if (!r) {
		r = weft_token_delete_node_locked(ca_dir, token->node, token->id, err);
		if (r < 0)
			weft_record_delete(ca_dir, KIND, token->id, NULL);
	}
	if (r < 0)
		unlink(path);
	return r;
}

int weft_token_create(const struct weft_ca *ca, const char *ca_dir, const char *node,
		      const struct weft_strv *identities, int64_t ttl, const char *path,
		      char id[WEFT_TOKEN_ID_LEN + 1], struct weft_error *err)
{
	struct weft_ticket ticket = { 0 };
	struct weft_token token = { 0 };
	int r;

	if (!ttl)
		ttl = WEFT_TOKEN_TTL_DEFAULT;
	token.created = time(NULL);
	token.expires = token.created + ttl;
	r = check_ttl(ttl, err);
	if (!r)
		r = fill(ca, node, identities, &token, &ticket, err);
	if (!r)
		r = put(ca_dir, &token, &ticket, path, err);
	if (r >= 0 && id)
		strcpy(id, token.id);
	weft_ticket_uninit(&ticket);
	weft_token_uninit(&token);
	return r;
}

/* ---- using one ---- */

/* Who has not the secret learns nothing else of the token. */
static int check_secret(const struct weft_token *token,
			const uint8_t secret[WEFT_TOKEN_SECRET_LEN], struct weft_error *err)
{
	uint8_t digest[WEFT_CRYPTO_DIGEST_LEN];

	if (EVP_Digest(secret, WEFT_TOKEN_SECRET_LEN, digest, NULL, EVP_sha256(), NULL) != 1)
		return weft_crypto_error(err, EIO, "cannot hash a secret");
	if (!CRYPTO_memcmp(digest, token->secret, sizeof(digest)))
		return 0;
	return -EACCES;
}

static int refuse_unknown(const char *id, struct weft_error *err)
{
	return weft_error_set(err, EACCES,
			      "token %s is not known to the CA: it has expired, was deleted or "
			      "replaced, or its secret is wrong: make a new one (weftctl ca token "
			      "add)",
			      id);
}

static int check_token(const struct weft_token *token,
		       const uint8_t key[WEFT_CRYPTO_DIGEST_LEN], int64_t now,
		       struct weft_error *err)
{
	char text[WEFT_CRYPTO_TIME_MAX];

	if (now >= token->expires)
		return weft_error_set(err, EACCES,
				      "token %s for node \"%s\" expired on %s: make a new one "
				      "(weftctl ca token add)",
				      token->id, token->node,
				      weft_crypto_time_format(token->expires, text));
	if (token->used && CRYPTO_memcmp(key, token->key, sizeof(token->key)))
		return weft_error_set(err, EACCES,
				      "token %s for node \"%s\" was used with another key: if that "
				      "was not this node, delete the node (weftctl ca node del) "
				      "and make a new token",
				      token->id, token->node);
	return 0;
}

int weft_token_use_locked(const char *ca_dir, const char *id,
			  const uint8_t secret[WEFT_TOKEN_SECRET_LEN],
			  const uint8_t key[WEFT_CRYPTO_DIGEST_LEN], int64_t now,
			  struct weft_token *ret, struct weft_error *err)
{
	struct weft_token token = { 0 };
	int r;

	r = read_token(ca_dir, id, &token, err);
	if (r == -ENOENT)
		return refuse_unknown(id, err);
	if (r)
		return r;
	r = check_secret(&token, secret, err);
	if (r == -EACCES)
		refuse_unknown(id, err);
	if (!r)
		r = check_token(&token, key, now, err);
	if (!r && !token.used) {
		token.used = true;
		memcpy(token.key, key, sizeof(token.key));
		r = write_token(ca_dir, &token, err);
	}
	if (r) {
		weft_token_uninit(&token);
		return r;
	}
	*ret = token;
	return 0;
}

/* ---- all of them ---- */

/* Reads one; takes it, or sweeps it out when it has expired. */
static int list_one(const char *ca_dir, const char *id, int64_t now, struct weft_tokens *tokens,
		    struct weft_error *err)
{
	struct weft_token token, *slot;
	int r;

	r = read_token(ca_dir, id, &token, err);
	if (r)
		return r;
	if (now >= token.expires) {
		weft_token_uninit(&token);
		return weft_record_delete(ca_dir, KIND, id, err);
	}
	slot = WEFT_ARRAY_APPEND(tokens->items, tokens->count);
	if (!slot) {
		weft_token_uninit(&token);
		return weft_error_nomem(err);
	}
	*slot = token;
	return 0;
}

static int list_locked(const char *ca_dir, int64_t now, struct weft_tokens *ret,
		       struct weft_error *err)
{
	struct weft_tokens tokens = { 0 };
	struct weft_strv names = { 0 };
	int r;

	r = weft_record_names(ca_dir, KIND, &names, err);
	for (size_t i = 0; !r && i < names.count; i++)
		r = list_one(ca_dir, names.items[i], now, &tokens, err);
	weft_strv_uninit(&names);
	if (r)
		weft_tokens_uninit(&tokens);
	else
		*ret = tokens;
	return r;
}

int weft_token_list(const char *ca_dir, int64_t now, struct weft_tokens *tokens,
		    struct weft_error *err)
{
	_cleanup_close_ int lock = weft_dir_lock(ca_dir, err);

	return lock < 0 ? lock : list_locked(ca_dir, now, tokens, err);
}

int weft_token_delete(const char *ca_dir, const char *id, struct weft_error *err)
{
	const char *problem = weft_token_id_problem(id);
	_cleanup_close_ int lock = -1;
	int r;

	if (problem)
		return weft_error_set(err, EINVAL, "token \"%.200s\": %s", id, problem);
	lock = weft_dir_lock(ca_dir, err);
	if (lock < 0)
		return lock;
	r = weft_record_delete(ca_dir, KIND, id, err);
	return r == -ENOENT ? weft_error_set(err, r, "token %s: there is none", id) : r;
}

struct sweep {
	const char *ca_dir, *node, *but;
	int64_t now;
	int failed;		   /* to delete one: the first */
	size_t unread;		   /* so many could not be read: */
	struct weft_error problem; /* the first of either */
};

static bool is_swept(const struct sweep *sweep, const struct weft_token *token)
{
	if (sweep->but && !strcmp(token->id, sweep->but))
		return false;
	return sweep->now >= token->expires || !strcmp(token->node, sweep->node);
}

/* That one cannot be read or deleted is no reason to leave the others. */
static void sweep_one(struct sweep *sweep, const char *id)
{
	struct weft_error err = { 0 };
	struct weft_token token;
	int r = read_token(sweep->ca_dir, id, &token, &err);
	bool first = !sweep->failed && !sweep->unread;

	if (r) {
		sweep->unread++;
		if (first)
			sweep->problem = err;
		return;
	}
	r = is_swept(sweep, &token) ? weft_record_delete(sweep->ca_dir, KIND, id, &err) : 0;
	weft_token_uninit(&token);
	if (r && !sweep->failed) {
		sweep->failed = r;
		sweep->problem = err;
	}
}

int weft_token_delete_node_locked(const char *ca_dir, const char *node, const char *but,
				  struct weft_error *err)
{
	struct sweep sweep = { .ca_dir = ca_dir, .node = node, .but = but, .now = time(NULL) };
	_cleanup_(weft_strv_uninit) struct weft_strv names = { 0 };
	char more[40] = "";
	int r;

	r = weft_record_names(ca_dir, KIND, &names, err);
	if (r)
		return r;
	for (size_t i = 0; i < names.count; i++)
		sweep_one(&sweep, names.items[i]);
	if (sweep.failed)
		return weft_error_set(err, sweep.failed, "%s", sweep.problem.text);
	if (!sweep.unread)
		return 0;
	if (sweep.unread > 1)
		snprintf(more, sizeof(more), " (and %zu more)", sweep.unread - 1);
	weft_error_set(err, EBADMSG,
		       "%.300s%s: if it is of node \"%s\", that can join with it once it can be "
		       "read: remove the file",
		       sweep.problem.text, more, node);
	return WEFT_TOKEN_UNREAD;
}
