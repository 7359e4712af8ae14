/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Endpoints of services in the module's tables. Mirror of kmod/genl_endpoint.c.
 * Thread of the struct weft_nl; the structs are values.
 */
#ifndef WEFT_NL_ENDPOINT_H
#define WEFT_NL_ENDPOINT_H

#include <linux/weft.h>
#include "base/addr.h"
#include "nl/nl_object.h"

/* Owns @service. Initialise with { 0 }. */
struct weft_nl_endpoint {
	char *service;
	struct weft_addr addr; /* port 0: the target of the service's port */
	uint32_t weight;       /* 0: 1 */
	enum weft_owner owner; /* out only, as the rest */
	uint64_t attempts;
	uint64_t failures;
	uint32_t active;
};

void weft_nl_endpoint_uninit(struct weft_nl_endpoint *endpoint);

/* weft_nl_object_add(); also -ENOENT no such service (with @txn 0; else the commit says so). */
int weft_nl_endpoint_add(struct weft_nl *nl, const struct weft_nl_endpoint *endpoint, uint32_t txn,
			 bool replace, struct weft_error *err);

/* A service may have several: one is named by its address, too. */
int weft_nl_endpoint_del(struct weft_nl *nl, const char *service, const struct weft_addr *addr,
			 struct weft_error *err);

#endif
