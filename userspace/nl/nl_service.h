/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Services in the module's tables. Mirror of kmod/genl_service.c. Thread of the
 * struct weft_nl; the structs are values.
 */
#ifndef WEFT_NL_SERVICE_H
#define WEFT_NL_SERVICE_H

#include <linux/weft.h>
#include <stddef.h>
#include "base/addr.h"
#include "base/strv.h"
#include "nl/nl_object.h"

struct weft_nl_service_port {
	uint16_t port;
	uint16_t target; /* 0: the same */
};

/* Owns everything it points to. Initialise with { 0 }. */
struct weft_nl_service {
	char *name;
	struct weft_addr *addresses; /* ports 0 */
	size_t n_addresses;
	struct weft_nl_service_port *ports;
	size_t n_ports;
	struct weft_strv identities;
	uint32_t connect_timeout; /* ms; 0: the module's default */
	enum weft_owner owner;	  /* out only */
	uint32_t n_endpoints;	  /* out only */
};

void weft_nl_service_uninit(struct weft_nl_service *service);

/* weft_nl_object_add(); deleting one takes its static endpoints along. */
int weft_nl_service_add(struct weft_nl *nl, const struct weft_nl_service *service, uint32_t txn,
			bool replace, struct weft_error *err);

#endif
