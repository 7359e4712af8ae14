// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The nodes that joined. See registry.h.
 */
#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>
#include "base/array.h"
#include "base/file.h"
#include "base/hex.h"
#include "join/grant.h"
#include "join/record.h"
#include "join/registry.h"
#include "join/token.h"

#define KIND "nodes"
#define TIME_MAX (1LL << 50)

static const char *const members[] = { "name", "identities", "key",    "joined",
				       "seen", "address",    "trusts", NULL };

void weft_join_node_uninit(struct weft_join_node *node)
{
	free(node->name);
	weft_strv_uninit(&node->identities);
	weft_strv_uninit(&node->trusts);
	*node = (struct weft_join_node){ 0 };
}

void weft_join_nodes_uninit(struct weft_join_nodes *nodes)
{
	for (size_t i = 0; i < nodes->count; i++)
		weft_join_node_uninit(&nodes->items[i]);
	free(nodes->items);
	*nodes = (struct weft_join_nodes){ 0 };
}

static bool encode(cJSON *json, const struct weft_join_node *node)
{
	return cJSON_AddStringToObject(json, "name", node->name) &&
	       weft_json_add_strings(json, "identities", &node->identities) &&
	       weft_json_add_bytes(json, "key", node->key, sizeof(node->key)) &&
	       cJSON_AddNumberToObject(json, "joined", node->joined) &&
	       cJSON_AddNumberToObject(json, "seen", node->seen) &&
	       cJSON_AddStringToObject(json, "address", node->address) &&
	       weft_json_add_strings(json, "trusts", &node->trusts);
}

static int decode(const cJSON *json, const char *file, struct weft_join_node *node,
		  struct weft_error *err)
{
	const char *name, *address;
	int r;

	r = weft_json_members(json, members, err);
	if (!r)
		r = weft_json_string(json, "name", WEFT_JOIN_NODE_MAX, &name, err);
	if (!r && (strcmp(name, file) || weft_join_node_problem(name)))
		r = weft_error_set(err, EBADMSG, "\"name\" is not that of the file");
	if (!r)
		r = weft_json_strings(json, "identities", WEFT_GRANTS_MAX, WEFT_IDENTITY_MAX,
				      &node->identities, err);
	if (!r)
		r = weft_json_bytes(json, "key", node->key, sizeof(node->key), err);
	if (!r)
		r = weft_json_number(json, "joined", 0, TIME_MAX, &node->joined, err);
	if (!r)
		r = weft_json_number(json, "seen", 0, TIME_MAX, &node->seen, err);
	if (!r)
		r = weft_json_string(json, "address", WEFT_ADDR_TEXT_MAX - 1, &address, err);
	if (!r)
		r = weft_json_strings(json, "trusts", WEFT_BUNDLE_ROOTS_MAX,
				      2 * WEFT_CRYPTO_DIGEST_LEN, &node->trusts, err);
	if (r)
		return r;
	strcpy(node->address, address);
	node->name = strdup(name);
	return node->name ? 0 : weft_error_nomem(err);
}

static int read_node(const char *ca_dir, const char *name, struct weft_join_node *ret,
		     struct weft_error *err)
{
	struct weft_join_node node = { 0 };
	_cleanup_json_ cJSON *json = NULL;
	int r;

	r = weft_record_read(ca_dir, KIND, name, &json, err);
	if (r)
		return r;
	r = decode(json, name, &node, err);
	if (r) {
		weft_join_node_uninit(&node);
		return weft_record_error(ca_dir, KIND, name, r, err);
	}
	*ret = node;
	return 0;
}

static int write_node(const char *ca_dir, const struct weft_join_node *node, struct weft_error *err)
{
	_cleanup_json_ cJSON *json = cJSON_CreateObject();

	if (!json || !encode(json, node))
		return weft_error_nomem(err);
	return weft_record_write(ca_dir, KIND, node->name, json, err);
}

static void see(struct weft_join_node *node, const struct weft_join_claim *claim)
{
	node->seen = claim->now;
	snprintf(node->address, sizeof(node->address), "%s", claim->address);
}

/* The name and the identities move from the token to the node. What a node with the
 * same key said before stays. */
static int put_joined(const char *ca_dir, struct weft_token *token,
		      const struct weft_join_claim *claim, struct weft_join_node *ret,
		      struct weft_error *err)
{
	struct weft_join_node node = { 0 };
	int r;

	r = read_node(ca_dir, token->node, &node, err);
	if (r && r != -ENOENT)
		return r;
	if (!r && !CRYPTO_memcmp(node.key, claim->key, sizeof(node.key))) {
		free(node.name);
		weft_strv_uninit(&node.identities);
	} else {
		weft_join_node_uninit(&node);
		node.joined = claim->now;
		memcpy(node.key, claim->key, sizeof(node.key));
	}
	node.name = weft_steal_ptr(token->node);
	node.identities = token->identities;
	token->identities = (struct weft_strv){ 0 };
	see(&node, claim);
	r = write_node(ca_dir, &node, err);
	if (r)
		weft_join_node_uninit(&node);
	else
		*ret = node;
	return r;
}

int weft_registry_join_locked(const char *ca_dir, const char *id,
			      const uint8_t secret[WEFT_TOKEN_SECRET_LEN],
			      const struct weft_join_claim *claim, struct weft_join_node *node,
			      struct weft_error *err)
{
	struct weft_token token;
	int r;

	r = weft_token_use_locked(ca_dir, id, secret, claim->key, claim->now, &token, err);
	if (r)
		return r;
	r = put_joined(ca_dir, &token, claim, node, err);
	weft_token_uninit(&token);
	return r;
}

static bool is_due(const struct weft_join_node *node, const struct weft_join_claim *claim,
		   const struct weft_strv *trusts)
{
	/* A clock that was set back does not stop the updates. */
	return claim->now < node->seen ||
	       claim->now - node->seen >= WEFT_REGISTRY_SEEN_INTERVAL ||
	       (trusts && !weft_strv_equal(trusts, &node->trusts));
}

static int update(const char *ca_dir, struct weft_join_node *node,
		  const struct weft_join_claim *claim, const struct weft_strv *trusts,
		  struct weft_error *err)
{
	if (!is_due(node, claim, trusts))
		return 0;
	if (trusts) {
		weft_strv_uninit(&node->trusts);
		if (weft_strv_copy(&node->trusts, trusts))
			return weft_error_nomem(err);
	}
	see(node, claim);
	return write_node(ca_dir, node, err);
}

static int check_key(const struct weft_join_node *node, const struct weft_join_claim *claim,
		     struct weft_error *err)
{
	if (!CRYPTO_memcmp(node->key, claim->key, sizeof(node->key)))
		return 0;
	return weft_error_set(err, EACCES,
			      "node \"%s\" has joined anew with another key: this certificate "
			      "counts no more: make a token (weftctl ca token add) and join again",
			      node->name);
}

int weft_registry_seen_locked(const char *ca_dir, const char *name,
			      const struct weft_join_claim *claim, const struct weft_strv *trusts,
			      struct weft_join_node *ret, struct weft_error *err)
{
	struct weft_join_node node;
	int r;

	r = read_node(ca_dir, name, &node, err);
	if (r == -ENOENT)
		return weft_error_set(err, EACCES,
				      "node \"%s\" is not known to the CA (any more): make a "
				      "token (weftctl ca token add) and join again",
				      name);
	if (r)
		return r;
	r = check_key(&node, claim, err);
	if (r) {
		weft_join_node_uninit(&node);
		return r;
	}
	/* A disk that is full must not let the certificates of all nodes run out. */
	r = update(ca_dir, &node, claim, trusts, err) ? WEFT_REGISTRY_NOT_WRITTEN : 0;
	*ret = node;
	return r;
}

static int list_one(const char *ca_dir, const char *name, struct weft_join_nodes *nodes,
		    struct weft_error *err)
{
	struct weft_join_node node, *slot;
	int r;

	r = read_node(ca_dir, name, &node, err);
	if (r)
		return r;
	slot = WEFT_ARRAY_APPEND(nodes->items, nodes->count);
	if (!slot) {
		weft_join_node_uninit(&node);
		return weft_error_nomem(err);
	}
	*slot = node;
	return 0;
}

int weft_registry_list_locked(const char *ca_dir, struct weft_join_nodes *ret,
			      struct weft_error *err)
{
	struct weft_join_nodes nodes = { 0 };
	struct weft_strv names = { 0 };
	int r;

	r = weft_record_names(ca_dir, KIND, &names, err);
	for (size_t i = 0; !r && i < names.count; i++)
		r = list_one(ca_dir, names.items[i], &nodes, err);
	weft_strv_uninit(&names);
	if (r)
		weft_join_nodes_uninit(&nodes);
	else
		*ret = nodes;
	return r;
}

int weft_registry_list(const char *ca_dir, struct weft_join_nodes *nodes, struct weft_error *err)
{
	_cleanup_close_ int lock = weft_dir_lock(ca_dir, err);

	return lock < 0 ? lock : weft_registry_list_locked(ca_dir, nodes, err);
}

int weft_registry_delete(const char *ca_dir, const char *name, struct weft_error *err)
{
	const char *wrong = weft_join_node_problem(name);
	struct weft_error problem = { 0 };
	_cleanup_close_ int lock = -1;
	int r, tokens;

	if (wrong)
		return weft_error_set(err, EINVAL, "node \"%.200s\": %s", name, wrong);
	lock = weft_dir_lock(ca_dir, err);
	if (lock < 0)
		return lock;
	/* Whatever is with the tokens: it is the node that has to go. */
	tokens = weft_token_delete_node_locked(ca_dir, name, NULL, &problem);
	r = weft_record_delete(ca_dir, KIND, name, err);
	if (r == -ENOENT)
		return weft_error_set(err, r, "node \"%s\": there is none", name);
	if (r || !tokens)
		return r;
	weft_error_set(err, EBADMSG, "node \"%s\" is deleted, but not all tokens were looked at: %s",
		       name, problem.text);
	return tokens;
}
