// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A node of a mesh whose CA is on another host. See client.h; how it talks to the CA
 * is in exchange.c.
 */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "base/file.h"
#include "base/hex.h"
#include "base/name.h"
#include "join/channel.h"
#include "join/client.h"
#include "join/exchange.h"
#include "join/grant.h"
#include "pki/cert.h"
#include "pki/crypto.h"
#include "pki/csr.h"
#include "pki/pem.h"

struct weft_join_client {
	char *dir, *key_path, *cert_path, *bundle_path, *token_path;
	struct weft_join_route route;
	EVP_PKEY *key;	       /* or NULL: none yet */
	struct weft_svid *svid; /* of the node, or NULL */
	struct weft_roots roots; /* none: not joined */
	struct weft_bundle *used; /* by the node; NULL: that of @roots */
	struct weft_bundle *told; /* the CA has heard that this one is trusted; or NULL */
};

/* ---- what there is ---- */

void weft_join_client_close(struct weft_join_client *client)
{
	if (!client)
		return;
	free(client->dir);
	free(client->key_path);
	free(client->cert_path);
	free(client->bundle_path);
	free(client->token_path);
	weft_join_route_uninit(&client->route);
	EVP_PKEY_free(client->key);
	weft_svid_put(client->svid);
	weft_roots_uninit(&client->roots);
	weft_bundle_put(client->used);
	weft_bundle_put(client->told);
	free(client);
}

void weft_join_client_close_ptr(struct weft_join_client **client)
{
	weft_join_client_close(*client);
}

void weft_join_client_set_deadline(struct weft_join_client *client, uint32_t ms)
{
	client->route.deadline_ms = ms;
}

void weft_join_client_use(struct weft_join_client *client, struct weft_bundle *bundle)
{
	bundle = weft_bundle_get(bundle);
	weft_bundle_put(client->used);
	client->used = bundle;
}

struct weft_bundle *weft_join_client_bundle(const struct weft_join_client *client)
{
	return client->roots.bundle ? weft_bundle_get(client->roots.bundle) : NULL;
}

const char *weft_join_client_trust_domain(const struct weft_join_client *client)
{
	return client->route.trust_domain;
}

const char *weft_join_client_node(const struct weft_join_client *client)
{
	return client->svid ? weft_join_node_of(client->route.trust_domain, client->svid->identity)
			    : NULL;
}

const struct weft_svid *weft_join_client_svid(const struct weft_join_client *client)
{
	return client->svid;
}

static char *path_in(const char *dir, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

static struct weft_join_client *client_new(const char *dir, const char *token_path)
{
	_cleanup_(weft_join_client_close_ptr) struct weft_join_client *client =
		calloc(1, sizeof(*client));

	if (!client)
		return NULL;
	client->dir = strdup(dir);
	client->key_path = path_in(dir, "node.key");
	client->cert_path = path_in(dir, "node.crt");
	client->bundle_path = path_in(dir, "bundle.pem");
	if (!client->dir || !client->key_path || !client->cert_path || !client->bundle_path)
		return NULL;
	if (token_path) {
		client->token_path = strdup(token_path);
		if (!client->token_path)
			return NULL;
	}
	return weft_steal_ptr(client);
}

static bool is_there(const char *path)
{
	return !access(path, F_OK) || errno != ENOENT;
}

static int read_bundle(struct weft_join_client *client, struct weft_error *err)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r;

	r = weft_file_read(client->bundle_path, WEFT_PEM_CERTS_MAX, &text, &len, err);
	return r ? r : weft_roots_parse(&client->roots, client->bundle_path, text, len,
					client->route.trust_domain, err);
}

static int read_svid(struct weft_join_client *client, struct weft_error *err)
{
	int r = weft_svid_read(client->cert_path, client->key_path, &client->svid, err);

	if (r)
		return weft_error_prefix(err, r, "the files of a node that joined (to join anew, "
					 "remove the certificate)");
	if (weft_join_client_node(client))
		return 0;
	return weft_error_set(err, EBADMSG,
			      "%s: %s is no node of trust domain \"%s\": remove the file and join "
			      "again",
			      client->cert_path, client->svid->identity,
			      client->route.trust_domain);
}

static int read_files(struct weft_join_client *client, struct weft_error *err)
{
	int r = 0;

	if (is_there(client->key_path))
		r = weft_pem_read_key(client->key_path, &client->key, err);
	if (!r && is_there(client->bundle_path))
		r = read_bundle(client, err);
	if (!r && is_there(client->cert_path))
		r = read_svid(client, err);
	return r;
}

int weft_join_client_open(const char *dir, const char *server, const char *trust_domain,
			  const char *token_path, struct weft_join_client **ret,
			  struct weft_error *err)
{
	_cleanup_(weft_join_client_close_ptr) struct weft_join_client *client =
		client_new(dir, token_path);
	int r;

	if (!client)
		return weft_error_nomem(err);
	r = weft_join_route_init(&client->route, server, trust_domain, err);
	if (!r)
		r = read_files(client, err);
	if (r)
		return r;
	*ret = weft_steal_ptr(client);
	return 0;
}

/* ---- what changes ---- */

/* The key is on disk before the CA hears of it: whatever gets lost, the next join is
 * one with the same key. */
static int need_key(struct weft_join_client *client, struct weft_error *err)
{
	_cleanup_pkey_ EVP_PKEY *key = NULL;
	int r;

	if (client->key)
		return 0;
	r = weft_cert_key(&key, err);
	if (!r)
		r = weft_dir_create(client->dir, 0700, err);
	if (!r)
		r = weft_pem_write_key(client->key_path, key, err);
	if (!r)
		client->key = weft_steal_ptr(key);
	return r;
}

/* The roots replace those of the client, when they differ. They are consumed on
 * success. */
static int take_roots(struct weft_join_client *client, struct weft_roots *roots,
		      struct weft_error *err)
{
	int r;

	if (weft_roots_equal(roots, &client->roots)) {
		weft_roots_uninit(roots);
		return 0;
	}
	r = weft_pem_write_certs(client->bundle_path, NULL, roots->certs, err);
	if (r)
		return r;
	weft_roots_uninit(&client->roots);
	client->roots = *roots;
	*roots = (struct weft_roots){ 0 };
	return 0;
}

/* The bundle is written before the certificate: who has one can use it. @svid and
 * @roots are consumed on success. */
static int take_node(struct weft_join_client *client, struct weft_svid **svid,
		     struct weft_roots *roots, struct weft_error *err)
{
	const struct weft_svid *fresh = *svid;
	int r = take_roots(client, roots, err);

	if (r)
		return r;
	weft_svid_put(client->svid);
	client->svid = weft_steal_ptr(*svid);
	/* In use from here on, also when the disk is full. */
	return weft_pem_write_certs(client->cert_path, fresh->cert, fresh->chain, err);
}

static bool is_valid(const struct weft_join_client *client)
{
	return client->svid && client->roots.bundle &&
	       weft_svid_valid_at(client->svid, time(NULL));
}

/* ---- joining ---- */

static int check_ticket(const struct weft_join_client *client, const struct weft_ticket *ticket,
			struct weft_error *err)
{
	if (!strcmp(ticket->trust_domain, client->route.trust_domain))
		return 0;
	return weft_error_set(err, EINVAL,
			      "%s: the token is of trust domain \"%s\", this node is to be of "
			      "\"%s\": use the other name, or a token of that CA",
			      client->token_path, ticket->trust_domain,
			      client->route.trust_domain);
}

/* The name in the request means nothing: the token says who we are. */
static int ask_to_join(struct weft_join_client *client, const struct weft_ticket *ticket,
		       struct weft_join_answer *answer, struct weft_error *err)
{
	const struct weft_join_trust trust = { .ticket = ticket };
	struct weft_join_request request = { .op = WEFT_JOIN_OP_JOIN };
	_cleanup_free_ char *identity = NULL;
	int r;

	identity = weft_join_node_identity(client->route.trust_domain, "new");
	if (!identity)
		return weft_error_nomem(err);
	strcpy(request.token, ticket->id);
	memcpy(request.secret, ticket->secret, sizeof(request.secret));
	r = weft_csr_make(client->key, identity, &request.csr, err);
	if (!r)
		r = weft_join_exchange(&client->route, &trust, &request, answer, err);
	weft_join_request_uninit(&request);
	return r;
}

static int join_with(struct weft_join_client *client, const struct weft_ticket *ticket,
		     struct weft_error *err)
{
	_cleanup_(weft_svid_put_ptr) struct weft_svid *svid = NULL;
	struct weft_join_answer answer = { 0 };
	struct weft_roots roots = { 0 };
	int r;

	r = check_ticket(client, ticket, err);
	if (!r)
		r = need_key(client, err);
	if (!r)
		r = ask_to_join(client, ticket, &answer, err);
	if (!r)
		r = weft_join_accept(&client->route, &answer, NULL, client->key, &svid, &roots,
				     err);
	if (!r) {
		r = take_node(client, &svid, &roots, err);
		/* What is not stored has to be joined again while the token is good. */
		if (r)
			weft_svid_put(weft_steal_ptr(client->svid));
	}
	weft_join_answer_uninit(&answer);
	weft_roots_uninit(&roots);
	return r;
}

int weft_join_client_join(struct weft_join_client *client, struct weft_error *err)
{
	struct weft_ticket ticket;
	int r;

	if (is_valid(client))
		return 0;
	if (!client->token_path)
		return weft_error_set(err, ENOKEY,
				      "%s: this node has %s: make a token on the CA's host "
				      "(weftctl ca token add), and name its file here",
				      client->dir,
				      client->svid ? "no valid certificate any more"
						   : "not joined yet");
	r = weft_ticket_read(client->token_path, &ticket, err);
	if (r)
		return r;
	r = join_with(client, &ticket, err);
	weft_ticket_uninit(&ticket);
	return r;
}

/* ---- certificates of others ---- */

static int need_node(const struct weft_join_client *client, struct weft_error *err)
{
	char text[WEFT_CRYPTO_TIME_MAX];

	if (is_valid(client))
		return 0;
	if (!client->svid || !client->roots.bundle)
		return weft_error_set(err, ENOKEY, "%s: this node has not joined yet: it needs a "
				      "token (weftctl ca token add)", client->dir);
	return weft_error_set(err, ENOKEY,
			      "%s: the certificate of node \"%s\" expired on %s: it needs a new "
			      "token (weftctl ca token add)",
			      client->dir, weft_join_client_node(client),
			      weft_crypto_time_format(client->svid->valid_until, text));
}

static struct weft_bundle *used(const struct weft_join_client *client)
{
	return client->used ? client->used : client->roots.bundle;
}

static int add_trusts(const struct weft_join_client *client, struct weft_strv *trusts,
		      struct weft_error *err)
{
	for (size_t i = 0; i < weft_bundle_count(used(client)); i++) {
		char text[WEFT_HEX_SIZE(WEFT_CRYPTO_DIGEST_LEN)];
		uint8_t digest[WEFT_CRYPTO_DIGEST_LEN];
		int r;

		r = weft_crypto_cert_digest(weft_bundle_root(used(client), i), digest, err);
		if (r)
			return r;
		if (weft_strv_add(trusts, weft_hex_format(digest, sizeof(digest), text)))
			return weft_error_nomem(err);
	}
	return 0;
}

static int exchange(const struct weft_join_client *client, const struct weft_join_request *request,
		    struct weft_join_answer *answer, struct weft_error *err)
{
	const struct weft_join_trust trust = { .roots = &client->roots, .svid = client->svid };

	return weft_join_exchange(&client->route, &trust, request, answer, err);
}

/* A certificate of @identity for @key. Writes nothing. */
static int obtain(struct weft_join_client *client, const char *identity, EVP_PKEY *key,
		  int64_t lifetime, struct weft_svid **svid, struct weft_roots *roots,
		  struct weft_error *err)
{
	struct weft_join_request request = { .op = WEFT_JOIN_OP_SIGN, .lifetime = lifetime };
	struct weft_join_answer answer = { 0 };
	int r;

	r = weft_csr_make(key, identity, &request.csr, err);
	if (!r)
		r = add_trusts(client, &request.trusts, err);
	if (!r)
		r = exchange(client, &request, &answer, err);
	if (!r) {
		weft_bundle_put(client->told);
		client->told = weft_bundle_get(used(client));
		r = weft_join_accept(&client->route, &answer, identity, key, svid, roots, err);
	}
	weft_join_request_uninit(&request);
	weft_join_answer_uninit(&answer);
	return r;
}

static int renew(struct weft_join_client *client, struct weft_error *err)
{
	_cleanup_(weft_svid_put_ptr) struct weft_svid *svid = NULL;
	struct weft_roots roots = { 0 };
	int r;

	r = obtain(client, client->svid->identity, client->key, 0, &svid, &roots, err);
	if (!r)
		r = take_node(client, &svid, &roots, err);
	weft_roots_uninit(&roots);
	return r ? weft_error_prefix(err, r, "cannot renew the certificate of the node") : 0;
}

static bool is_half_over(const struct weft_svid *svid)
{
	return time(NULL) - svid->not_before > (svid->valid_until - svid->not_before) / 2;
}

int weft_join_client_sign(struct weft_join_client *client, const char *identity, int64_t lifetime,
			  struct weft_svid **ret, struct weft_error *err)
{
	_cleanup_(weft_svid_put_ptr) struct weft_svid *svid = NULL;
	const char *problem = weft_identity_problem(identity);
	_cleanup_pkey_ EVP_PKEY *key = NULL;
	struct weft_roots roots = { 0 };
	int r;

	if (problem)
		return weft_error_set(err, EINVAL, "identity \"%.200s\": %s", identity, problem);
	r = need_node(client, err);
	if (!r && is_half_over(client->svid))
		r = renew(client, err);
	if (!r)
		r = weft_cert_key(&key, err);
	if (!r)
		r = obtain(client, identity, key, lifetime, &svid, &roots, err);
	if (!r)
		r = take_roots(client, &roots, err);
	weft_roots_uninit(&roots);
	if (!r)
		*ret = weft_steal_ptr(svid);
	return r;
}

int weft_join_client_refresh(struct weft_join_client *client, struct weft_error *err)
{
	const struct weft_join_request request = { .op = WEFT_JOIN_OP_BUNDLE };
	struct weft_join_answer answer = { 0 };
	struct weft_roots roots = { 0 };
	int r;

	r = need_node(client, err);
	/* Also where no workload asks for anything for weeks. */
	if (!r && is_half_over(client->svid))
		r = renew(client, err);
	if (!r)
		r = exchange(client, &request, &answer, err);
	if (!r)
		r = weft_roots_parse(&roots, "the bundle from the CA", answer.bundle,
				     strlen(answer.bundle), client->route.trust_domain, err);
	if (!r)
		r = take_roots(client, &roots, err);
	weft_join_answer_uninit(&answer);
	weft_roots_uninit(&roots);
	/* Says which roots it trusts now, and is by the one that signs now. */
	return r || used(client) == client->told ? r : renew(client, err);
}
