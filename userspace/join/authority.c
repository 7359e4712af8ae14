// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the CA answers to a request. See authority.h.
 *
 * A stranger learns why it is refused, not what is wrong with the CA's files: that
 * goes to the log.
 *
 * From the look at the token or the node to the signature the lock of the CA's directory
 * is held: who has deleted the node knows that nothing is signed for it any more.
 */
#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>
#include <time.h>
#include "base/file.h"
#include "join/authority.h"
#include "join/grant.h"
#include "join/registry.h"
#include "pki/crypto.h"
#include "pki/csr.h"
#include "pki/pem.h"
#include "pki/serial.h"

/* How long the lock of the directory is waited for: a node waits for its answer for twice
 * as long (WEFT_CHANNEL_DEADLINE_MS). */
#define LOCK_MS 5000

/* One request on its way. */
struct order {
	const struct weft_authority *authority;
	const struct weft_join_peer *peer;
	const struct weft_join_request *request;
	struct weft_join_node node; /* once it is known */
	EVP_PKEY *key;	       /* of the CSR */
	char *identity;	       /* of the CSR; of the certificate in the end */
	int64_t lifetime;
	X509 *cert;
	struct weft_error trouble; /* that stops nothing; "": none */
};

static void order_uninit(struct order *order)
{
	weft_join_node_uninit(&order->node);
	EVP_PKEY_free(order->key);
	free(order->identity);
	X509_free(order->cert);
}

static int read_csr(struct order *order, uint8_t key[WEFT_CRYPTO_DIGEST_LEN],
		    struct weft_error *err)
{
	int r = weft_csr_read(order->request->csr, &order->key, &order->identity, err);

	return r ? r : weft_crypto_key_digest(order->key, key, err);
}

static int lock_files(const struct order *order, struct weft_error *err)
{
	return weft_dir_lock_within(order->authority->ca_dir, LOCK_MS, err);
}

static int sign_locked(struct order *order, struct weft_error *err)
{
	return weft_ca_sign_locked(order->authority->ca, order->identity, order->key,
				   order->lifetime, &order->cert, err);
}

static int join(struct order *order, struct weft_error *err)
{
	const struct weft_join_request *request = order->request;
	struct weft_join_claim claim = { .address = order->peer->address };
	_cleanup_close_ int lock = -1;
	int r;

	r = read_csr(order, claim.key, err);
	if (r)
		return r;
	/* What name the CSR has is nothing to us: the token says who it is. */
	free(weft_steal_ptr(order->identity));
	lock = lock_files(order, err);
	if (lock < 0)
		return lock;
	claim.now = time(NULL);
	r = weft_registry_join_locked(order->authority->ca_dir, request->token, request->secret,
				      &claim, &order->node, err);
	if (r)
		return r == -EACCES ? r : -EIO;
	order->identity = weft_join_node_identity(weft_ca_trust_domain(order->authority->ca),
						  order->node.name);
	if (!order->identity)
		return weft_error_nomem(err);
	order->lifetime = WEFT_JOIN_NODE_LIFETIME;
	return sign_locked(order, err);
}

/* The node whose certificate the peer has shown. @name: a part of its identity. */
static int name_node(const struct order *order, const char **name, struct weft_error *err)
{
	const struct weft_join_peer *peer = order->peer;

	if (!peer->identity)
		return weft_error_set(err, EACCES, "the certificate of a node is needed: %s",
				      peer->problem ? peer->problem : "there is none");
	*name = weft_join_node_of(weft_ca_trust_domain(order->authority->ca), peer->identity);
	if (!*name)
		return weft_error_set(err, EACCES, "%s is not a node: only nodes that joined get "
				      "certificates", peer->identity);
	return 0;
}

/* That it is still one. */
static int know_node_locked(struct order *order, const char *name, const struct weft_strv *trusts,
			    struct weft_error *err)
{
	const struct weft_join_peer *peer = order->peer;
	struct weft_join_claim claim = { .address = peer->address, .now = time(NULL) };
	struct weft_error problem = { 0 };
	int r;

	memcpy(claim.key, peer->key, sizeof(claim.key));
	r = weft_registry_seen_locked(order->authority->ca_dir, name, &claim, trusts, &order->node,
				      &problem);
	if (r == WEFT_REGISTRY_NOT_WRITTEN) {
		order->trouble = problem;
		return 0;
	}
	if (r)
		*err = problem;
	return !r || r == -EACCES ? r : -EIO;
}

/* A node renews its own certificate with the key it joined with: another one needs
 * a token. */
static int allow_own(struct order *order, const uint8_t key[WEFT_CRYPTO_DIGEST_LEN],
		     struct weft_error *err)
{
	if (CRYPTO_memcmp(key, order->node.key, sizeof(order->node.key)))
		return weft_error_set(err, EACCES,
				      "node \"%s\" cannot change its key: make a token (weftctl ca "
				      "token add) and join again",
				      order->node.name);
	order->lifetime = WEFT_JOIN_NODE_LIFETIME;
	return 0;
}

static int allow_granted(struct order *order, struct weft_error *err)
{
	int64_t max = order->authority->lifetime_max;

	if (weft_grant_is_reserved(order->identity))
		return weft_error_set(err, EACCES,
				      "node \"%s\" may not obtain %s: what is below /weft/ is "
				      "weft's own: name the workload otherwise",
				      order->node.name, order->identity);
	if (!weft_grant_allows(&order->node.identities, order->identity))
		return weft_error_set(err, EACCES,
				      "node \"%s\" may not obtain %s: make a token that allows it "
				      "(weftctl ca token add node %s identity ...) and join again",
				      order->node.name, order->identity, order->node.name);
	order->lifetime = order->request->lifetime ? order->request->lifetime
						   : WEFT_CA_LIFETIME_DEFAULT;
	if (order->lifetime > max)
		order->lifetime = max;
	return 0;
}

static int obtain(struct order *order, struct weft_error *err)
{
	uint8_t key[WEFT_CRYPTO_DIGEST_LEN];
	_cleanup_close_ int lock = -1;
	const char *name;
	int r;

	r = name_node(order, &name, err);
	if (!r)
		r = read_csr(order, key, err);
	if (r)
		return r;
	lock = lock_files(order, err);
	if (lock < 0)
		return lock;
	r = know_node_locked(order, name, &order->request->trusts, err);
	if (r)
		return r;
	if (!strcmp(order->identity, order->peer->identity))
		r = allow_own(order, key, err);
	else
		r = allow_granted(order, err);
	return r ? r : sign_locked(order, err);
}

static int look_at_roots(struct order *order, struct weft_error *err)
{
	_cleanup_close_ int lock = -1;
	const char *name;
	int r = name_node(order, &name, err);

	if (r)
		return r;
	lock = lock_files(order, err);
	return lock < 0 ? lock : know_node_locked(order, name, NULL, err);
}

static int fill_answer(const struct order *order, struct weft_join_answer *answer,
		       struct weft_error *err)
{
	int r;

	if (order->cert) {
		r = weft_pem_format_certs(order->cert, NULL, &answer->certificate, err);
		if (r)
			return r;
	}
	answer->bundle = strdup(order->authority->bundle);
	return answer->bundle ? 0 : weft_error_nomem(err);
}

static int carry_out(struct order *order, struct weft_join_answer *answer, struct weft_error *err)
{
	int r = -EIO;

	switch (order->request->op) {
	case WEFT_JOIN_OP_JOIN:
		r = join(order, err);
		break;
	case WEFT_JOIN_OP_SIGN:
		r = obtain(order, err);
		break;
	case WEFT_JOIN_OP_BUNDLE:
		r = look_at_roots(order, err);
		break;
	}
	return r ? r : fill_answer(order, answer, err);
}

static void tell(const struct order *order, const char *refusal)
{
	const struct weft_join_log_ops *ops = order->authority->ops;
	char serial[WEFT_SERIAL_SIZE];
	struct weft_join_event event = {
		.node = order->node.name,
		.identity = order->identity,
		.address = order->peer->address,
		.text = refusal,
	};

	if (!ops)
		return;
	if (*order->trouble.text)
		ops->failed(order->trouble.text, ops->data);
	if (order->cert && !refusal) {
		event.not_after = weft_crypto_time(X509_get0_notAfter(order->cert));
		event.serial = weft_pki_serial(order->cert, serial, NULL) ? NULL : serial;
	}
	if (refusal)
		ops->refused(&event, ops->data);
	else if (order->request->op == WEFT_JOIN_OP_JOIN)
		ops->joined(&event, ops->data);
	else if (order->request->op == WEFT_JOIN_OP_SIGN)
		ops->issued(&event, ops->data);
}

/* Only what the peer can do something about goes to the peer. */
static void set_error(struct weft_join_answer *answer, int error, const struct weft_error *err)
{
	bool ours = error != -EACCES && error != -EBADMSG && error != -EINVAL && error != -ERANGE;

	weft_join_answer_uninit(answer);
	answer->error = ours ? -EIO : error;
	if (ours)
		weft_error_set(&answer->text, EIO, "the CA has a problem: its log says which");
	else
		answer->text = *err;
}

void weft_authority_answer(const struct weft_authority *authority,
			   const struct weft_join_peer *peer,
			   const struct weft_join_request *request,
			   struct weft_join_answer *answer)
{
	struct order order = { .authority = authority, .peer = peer, .request = request };
	struct weft_error err = { 0 };
	int r;

	if (!request) {
		tell(&order, answer->text.text);
		return;
	}
	r = carry_out(&order, answer, &err);
	if (r)
		set_error(answer, r, &err);
	tell(&order, r ? err.text : NULL);
	order_uninit(&order);
}
