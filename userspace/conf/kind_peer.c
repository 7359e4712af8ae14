// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Peer documents: from which addresses only mesh comes. Fields and what they mean
 * are in weft-documents(5); limits are the module's.
 */
#include <linux/weft.h>

#include "conf/kind.h"

static const struct weft_field spec_fields[] = {
	{ .name = "ipBlocks", .type = WEFT_FIELD_NETWORK, .required = true, .min_items = 1,
	  .max_items = WEFT_NETWORKS_MAX, .noun = "IP block",
	  .what = "an IP block, such as 10.0.0.0/8 or fd00::/8",
	  WEFT_FIELD_LIST_AT(struct weft_conf_peer, object.networks, object.n_networks) },
	{ 0 }
};

static const struct weft_schema spec_schema = { .fields = spec_fields };

static const struct weft_field document_fields[] = {
	WEFT_KIND_HEAD("Peer"),
	{ .name = "spec", .type = WEFT_FIELD_OBJECT, .required = true, .schema = &spec_schema },
	{ 0 }
};

static const struct weft_schema document_schema = { .fields = document_fields };

static void uninit(void *object)
{
	weft_conf_peer_uninit(object);
}

const struct weft_kind weft_kind_peer = {
	.name = "Peer",
	.noun = "peer",
	.schema = &document_schema,
	.max = WEFT_PEERS_MAX,
	.size = sizeof(struct weft_conf_peer),
	.mark_offset = offsetof(struct weft_conf_peer, mark),
	.uninit = uninit,
	.array_offset = offsetof(struct weft_conf, peers),
	.count_offset = offsetof(struct weft_conf, n_peers),
};
