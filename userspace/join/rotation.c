// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A rotation of the CA's root, as the nodes have it. See rotation.h.
 */
#include <errno.h>
#include <string.h>
#include <time.h>
#include "base/file.h"
#include "base/hex.h"
#include "join/authority.h"
#include "join/registry.h"
#include "join/rotation.h"
#include "join/source.h"
#include "pki/ca_rotate.h"
#include "pki/ca_user.h"

/* Its own certificate ends so long after the node was last seen, at the latest. */
static bool is_gone(const struct weft_join_node *node, int64_t now)
{
	return now - node->seen > WEFT_JOIN_NODE_LIFETIME + WEFT_REGISTRY_SEEN_INTERVAL;
}

static int add_node(const struct weft_join_node *node, int64_t now, struct weft_strv *waiting)
{
	char seen[WEFT_CRYPTO_TIME_MAX], *text;

	if (asprintf(&text, "%s (last seen on %s%s)", node->name,
		     weft_crypto_time_format(node->seen, seen),
		     is_gone(node, now) ? "; its certificate has expired" : "") < 0)
		return -ENOMEM;
	return weft_strv_take(waiting, text);
}

/* Nodes that have not said that they trust @root. */
static int list_nodes(const struct weft_join_nodes *nodes, X509 *root,
		      const struct weft_strv *without, int64_t now, struct weft_strv *waiting,
		      struct weft_error *err)
{
	char text[WEFT_HEX_SIZE(WEFT_CRYPTO_DIGEST_LEN)];
	uint8_t digest[WEFT_CRYPTO_DIGEST_LEN];
	int r = weft_crypto_cert_digest(root, digest, err);

	if (r)
		return r;
	weft_hex_format(digest, sizeof(digest), text);
	for (size_t i = 0; i < nodes->count; i++) {
		const struct weft_join_node *node = &nodes->items[i];

		if (!weft_strv_contains(&node->trusts, text) &&
		    !weft_strv_contains(without, node->name) && add_node(node, now, waiting))
			return weft_error_nomem(err);
	}
	return 0;
}

/* The root everybody has to know: the one that will sign, or signs since lately. */
static X509 *new_root(const struct weft_ca *ca)
{
	return weft_ca_step(ca) == WEFT_CA_PREPARED ? weft_ca_other(ca) : weft_ca_cert(ca);
}

int weft_rotation_waiting(const struct weft_ca *ca, const char *ca_dir, int64_t now,
			  struct weft_strv *waiting, struct weft_error *err)
{
	_cleanup_close_ int lock = -1;
	const struct weft_strv nobody = { 0 };
	struct weft_join_nodes nodes = { 0 };
	int r;

	if (weft_ca_step(ca) == WEFT_CA_STEADY)
		return 0;
	lock = weft_dir_lock(ca_dir, err);
	if (lock < 0)
		return lock;
	r = weft_ca_users_without_locked(ca_dir, new_root(ca), waiting, err);
	if (!r)
		r = weft_registry_list_locked(ca_dir, &nodes, err);
	if (!r)
		r = list_nodes(&nodes, new_root(ca), &nobody, now, waiting, err);
	weft_join_nodes_uninit(&nodes);
	return r;
}

/* ---- activating ---- */

struct request {
	const char *ca_dir;
	const struct weft_strv *without;
};

static bool is_node(const struct weft_join_nodes *nodes, const char *name)
{
	for (size_t i = 0; i < nodes->count; i++)
		if (!strcmp(nodes->items[i].name, name))
			return true;
	return false;
}

static int check_names(const struct weft_join_nodes *nodes, const struct weft_strv *names,
		       struct weft_error *err)
{
	for (size_t i = 0; i < names->count; i++)
		if (!is_node(nodes, names->items[i]))
			return weft_error_set(err, ENOENT,
					      "without \"%.200s\": there is no such node (weftctl ca "
					      "node)",
					      names->items[i]);
	return 0;
}

static int refuse(const struct weft_strv *waiting, struct weft_error *err)
{
	_cleanup_free_ char *names = weft_strv_join(waiting, ", ");

	if (!names)
		return weft_error_nomem(err);
	return weft_error_set(err, EBUSY,
			      "%zu node%s not said to trust the next root yet: %.250s%s: they ask "
			      "every %d minutes; to go on without one of them: without NODE",
			      waiting->count, waiting->count == 1 ? " has" : "s have", names,
			      strlen(names) > 250 ? " ..." : "", WEFT_SOURCE_JOIN_ROOTS / 60);
}

static int prove(const struct weft_ca *ca, void *data, struct weft_error *err)
{
	_cleanup_(weft_strv_uninit) struct weft_strv waiting = { 0 };
	const struct request *request = data;
	struct weft_join_nodes nodes = { 0 };
	int r;

	r = weft_registry_list_locked(request->ca_dir, &nodes, err);
	if (!r)
		r = check_names(&nodes, request->without, err);
	if (!r)
		r = list_nodes(&nodes, new_root(ca), request->without, time(NULL), &waiting, err);
	if (!r && waiting.count)
		r = refuse(&waiting, err);
	weft_join_nodes_uninit(&nodes);
	return r;
}

int weft_rotation_activate(const char *ca_dir, const struct weft_strv *without,
			   struct weft_error *err)
{
	struct request request = { .ca_dir = ca_dir, .without = without };
	const struct weft_ca_proof proof = { .prove = prove, .data = &request };

	return weft_ca_activate(ca_dir, &proof, err);
}
