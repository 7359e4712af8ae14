// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Service documents: addresses that stand for a set of endpoints. Fields and
 * what they mean are in weft-documents(5); limits are the module's.
 */
#include <linux/weft.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "conf/kind.h"

/* As WEFT_SERVICE_A_CONNECT_TIMEOUT */
#define TIMEOUT_MIN 10
#define TIMEOUT_MAX 600000

#define WHAT_ADDRESS "an IPv4 or IPv6 address without a port"

static bool is_link_local_v6(const struct weft_addr *addr)
{
	return addr->ip[0] == 0xfe && (addr->ip[1] & 0xc0) == 0x80;
}

static int check_address(struct weft_schema_reader *r, const struct weft_node *node,
			 const void *value)
{
	struct weft_addr addr;

	memcpy(&addr, value, sizeof(addr));
	if (weft_addr_is_any(&addr) || weft_addr_is_multicast(&addr) || is_link_local_v6(&addr))
		return weft_schema_fail(r, node,
					"must be the address of one host, neither wildcard, "
					"multicast nor link-local");
	return 0;
}

static const struct weft_field port_fields[] = {
	{ .name = "port", .type = WEFT_FIELD_NUMBER, .required = true, .min = 1, .max = 65535,
	  WEFT_FIELD_AT(struct weft_nl_service_port, port) },
	{ .name = "targetPort", .type = WEFT_FIELD_NUMBER, .min = 1, .max = 65535,
	  .unset = "(the same)", WEFT_FIELD_AT(struct weft_nl_service_port, target) },
	{ 0 }
};

static int print_port(FILE *f, const void *object)
{
	const struct weft_nl_service_port *port = object;

	fprintf(f, "%u", port->port);
	return 0;
}

static const struct weft_schema port_schema = { .fields = port_fields, .print_key = print_port };

static const struct weft_field endpoint_fields[] = {
	{ .name = "address", .type = WEFT_FIELD_ADDRESS, .required = true, .what = WHAT_ADDRESS,
	  .check = check_address, WEFT_FIELD_AT(struct weft_nl_endpoint, addr) },
	{ .name = "port", .type = WEFT_FIELD_NUMBER, .min = 1, .max = 65535,
	  .unset = "(targetPort)", WEFT_FIELD_AT(struct weft_nl_endpoint, addr.port) },
	{ .name = "weight", .type = WEFT_FIELD_NUMBER, .min = 1, .max = WEFT_WEIGHT_MAX,
	  .fallback = 1, WEFT_FIELD_AT(struct weft_nl_endpoint, weight) },
	{ 0 }
};

static int print_endpoint(FILE *f, const void *object)
{
	const struct weft_nl_endpoint *endpoint = object;
	char buf[WEFT_ADDR_TEXT_MAX];

	fputs(weft_addr_format(&endpoint->addr, buf), f);
	return 0;
}

static const struct weft_schema endpoint_schema = {
	.fields = endpoint_fields,
	.print_key = print_endpoint,
};

static const struct weft_field spec_fields[] = {
	{ .name = "addresses", .type = WEFT_FIELD_ADDRESS, .max_items = WEFT_ADDRESSES_MAX,
	  .noun = "address", .what = WHAT_ADDRESS, .check = check_address,
	  WEFT_FIELD_LIST_AT(struct weft_conf_service, object.addresses, object.n_addresses) },
	{ .name = "ports", .type = WEFT_FIELD_OBJECT, .required = true, .min_items = 1,
	  .max_items = WEFT_PORTS_MAX, .noun = "port", .schema = &port_schema,
	  WEFT_FIELD_LIST_AT(struct weft_conf_service, object.ports, object.n_ports) },
	{ .name = "endpoints", .type = WEFT_FIELD_OBJECT,
	  .max_items = WEFT_SERVICE_ENDPOINTS_MAX, .noun = "endpoint",
	  .schema = &endpoint_schema,
	  WEFT_FIELD_LIST_AT(struct weft_conf_service, endpoints, n_endpoints) },
	{ .name = "identities", .type = WEFT_FIELD_STRING, .min_items = 1,
	  .max_items = WEFT_IDENTITIES_MAX, .noun = "identity",
	  .what = WEFT_WHAT_IDENTITY_PATTERN, .convert = weft_convert_identity_pattern,
	  WEFT_FIELD_LIST_AT(struct weft_conf_service, object.identities.items,
			     object.identities.count) },
	{ .name = "connectTimeout", .type = WEFT_FIELD_DURATION, .min = TIMEOUT_MIN,
	  .max = TIMEOUT_MAX, .unset = "(default)",
	  WEFT_FIELD_AT(struct weft_conf_service, object.connect_timeout) },
	{ 0 }
};

static const struct weft_schema spec_schema = { .fields = spec_fields };

static const struct weft_field document_fields[] = {
	WEFT_KIND_HEAD("Service"),
	{ .name = "spec", .type = WEFT_FIELD_OBJECT, .required = true, .schema = &spec_schema },
	{ 0 }
};

/* Endpoints travel alone: each knows its service. */
static int name_endpoints(struct weft_schema_reader *r, const struct weft_node *node,
			  void *object)
{
	struct weft_conf_service *service = object;

	for (size_t i = 0; i < service->n_endpoints; i++) {
		service->endpoints[i].service = strdup(service->object.name);
		if (!service->endpoints[i].service)
			return weft_error_nomem(r->err);
	}
	return 0;
}

static const struct weft_schema document_schema = {
	.fields = document_fields,
	.check = name_endpoints,
};

static void uninit(void *object)
{
	weft_conf_service_uninit(object);
}

const struct weft_kind weft_kind_service = {
	.name = "Service",
	.noun = "service",
	.schema = &document_schema,
	.max = WEFT_SERVICES_MAX,
	.size = sizeof(struct weft_conf_service),
	.mark_offset = offsetof(struct weft_conf_service, mark),
	.uninit = uninit,
	.array_offset = offsetof(struct weft_conf, services),
	.count_offset = offsetof(struct weft_conf, n_services),
};
