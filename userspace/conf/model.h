/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a set of documents says: one generation of the daemon's configuration,
 * checked, complete and sorted by name. Made by load.c, never changed after;
 * the objects are those of nl/, so that push.c has nothing to translate.
 *
 * A value that owns everything it points to. Any thread may read it.
 */
#ifndef WEFT_CONF_MODEL_H
#define WEFT_CONF_MODEL_H

#include <stddef.h>
#include <stdint.h>
#include "base/strv.h"
#include "conf/node.h"
#include "nl/nl_endpoint.h"
#include "nl/nl_peer.h"
#include "nl/nl_policy.h"
#include "nl/nl_revocation.h"
#include "nl/nl_service.h"
#include "nl/nl_workload.h"

struct weft_conf_workload {
	struct weft_nl_workload object;	/* its mode is never DEFAULT */
	struct weft_mark mark;		/* of metadata.name */
};

struct weft_conf_service {
	struct weft_nl_service object;
	struct weft_nl_endpoint *endpoints;
	size_t n_endpoints;
	struct weft_mark mark;
};

struct weft_conf_policy {
	struct weft_nl_policy object;	/* its scope is that of the service */
	char *service;			/* NULL: it is for a workload, or for all */
	struct weft_mark mark;
};

struct weft_conf_revocation {
	struct weft_nl_revocation object;
	struct weft_mark mark;
};

/* What was in a file. */
struct weft_conf_text {
	char *data;
	size_t len;
};

struct weft_conf_peer {
	struct weft_nl_peer object;
	struct weft_mark mark;
};

struct weft_conf {
	char *trust_domain;
	struct weft_conf_workload *workloads;
	size_t n_workloads;
	struct weft_conf_service *services;
	size_t n_services;
	struct weft_conf_policy *policies;
	size_t n_policies;
	struct weft_conf_revocation *revocations;
	size_t n_revocations;
	struct weft_conf_peer *peers;
	size_t n_peers;
	struct weft_strv files;		/* that were read, in order; the marks point here */
	struct weft_conf_text *texts;	/* of @files; until weft_conf_drop_texts() */
	size_t n_texts;
};

void weft_conf_workload_uninit(struct weft_conf_workload *workload);
void weft_conf_service_uninit(struct weft_conf_service *service);
void weft_conf_policy_uninit(struct weft_conf_policy *policy);
void weft_conf_revocation_uninit(struct weft_conf_revocation *revocation);
void weft_conf_peer_uninit(struct weft_conf_peer *peer);

/* Frees the configuration and all its objects; NULL is fine. */
void weft_conf_destroy(struct weft_conf *conf);
void weft_conf_destroy_ptr(struct weft_conf **conf);	/* for _cleanup_() */

/* Nobody wants to write them down any more: they may be large. */
void weft_conf_drop_texts(struct weft_conf *conf);

/* The object of this name, or NULL. */
const struct weft_conf_workload *weft_conf_find_workload(const struct weft_conf *conf,
							 const char *name);
const struct weft_conf_service *weft_conf_find_service(const struct weft_conf *conf,
						       const char *name);
const struct weft_conf_policy *weft_conf_find_policy(const struct weft_conf *conf,
						     const char *name);
const struct weft_conf_revocation *weft_conf_find_revocation(const struct weft_conf *conf,
							     const char *name);
const struct weft_conf_peer *weft_conf_find_peer(const struct weft_conf *conf, const char *name);

/**
 * weft_conf_revokes() - is there a revocation that is not the same before?
 * @conf: the new configuration
 * @before: the one until now; NULL: none
 */
bool weft_conf_revokes(const struct weft_conf *conf, const struct weft_conf *before);

#endif
