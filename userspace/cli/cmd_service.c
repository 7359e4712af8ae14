// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * weftctl service.
 */
#include <stdlib.h>
#include <string.h>
#include "base/array.h"
#include "base/cleanup.h"
#include "base/enums.h"
#include "base/name.h"
#include "base/number.h"
#include "cli/object.h"
#include "cli/value.h"
#include "nl/nl_service.h"

#define TIMEOUT_MIN 10
#define TIMEOUT_MAX 600000
#define WORDS "address, port, identity, connect-timeout"

static int take_address(struct weft_cli *cli, struct weft_nl_service *service)
{
	struct weft_addr addr, *slot;
	int code = weft_value_addr(cli, "address", false, &addr);

	if (code)
		return code;
	if (service->n_addresses >= WEFT_ADDRESSES_MAX)
		return weft_value_full(cli, "address", WEFT_ADDRESSES_MAX);
	slot = WEFT_ARRAY_APPEND(service->addresses, service->n_addresses);
	if (!slot)
		return weft_cli_nomem(cli);
	*slot = addr;
	return WEFT_EXIT_DONE;
}

static int take_port(struct weft_cli *cli, struct weft_nl_service *service)
{
	struct weft_nl_service_port *slot;
	const char *whole, *rest;
	uint16_t port, target = 0;
	int code = weft_value_port_and(cli, "port", &port, &whole, &rest);

	if (code)
		return code;
	if (rest && weft_addr_parse_port(&target, rest))
		return weft_cli_bad(cli, "port", whole, "not PORT or PORT:TARGET (1 to 65535)");
	if (service->n_ports >= WEFT_PORTS_MAX)
		return weft_value_full(cli, "port", WEFT_PORTS_MAX);
	slot = WEFT_ARRAY_APPEND(service->ports, service->n_ports);
	if (!slot)
		return weft_cli_nomem(cli);
	slot->port = port;
	slot->target = target;
	return WEFT_EXIT_DONE;
}

static int take_timeout(struct weft_cli *cli, struct weft_nl_service *service)
{
	const char *value;
	uint64_t ms;
	int code;

	if (service->connect_timeout)
		return weft_value_twice(cli, "connect-timeout");
	code = weft_cli_take_value(cli, "connect-timeout", &value);
	if (code)
		return code;
	if (weft_duration_parse(value, &ms) || ms < TIMEOUT_MIN || ms > TIMEOUT_MAX)
		return weft_cli_bad(cli, "connect-timeout", value,
				    "not a duration (10ms to 600s)");
	service->connect_timeout = ms;
	return WEFT_EXIT_DONE;
}

static int take_word(struct weft_cli *cli, const char *word, struct weft_nl_service *service)
{
	if (!strcmp(word, "address"))
		return take_address(cli, service);
	if (!strcmp(word, "port"))
		return take_port(cli, service);
	if (!strcmp(word, "identity"))
		return weft_value_item(cli, word, weft_identity_pattern_problem,
				       WEFT_IDENTITIES_MAX, &service->identities);
	if (!strcmp(word, "connect-timeout"))
		return take_timeout(cli, service);
	return weft_value_unknown(cli, word, WORDS);
}

static int take_service(struct weft_cli *cli, void *object)
{
	struct weft_nl_service *service = object;
	const char *word;
	int code = weft_object_take_name(cli, &service->name);

	if (code)
		return code;
	while ((word = weft_cli_word(cli))) {
		code = take_word(cli, word, service);
		if (code)
			return code;
	}
	if (!service->n_ports)
		return weft_cli_usage(cli, "port: at least one is needed");
	return WEFT_EXIT_DONE;
}

static void print_addresses(struct weft_print *p, const struct weft_nl_service *service)
{
	struct weft_strv list = { 0 };
	char buf[WEFT_ADDR_TEXT_MAX];
	size_t i;

	for (i = 0; i < service->n_addresses; i++)
		if (weft_strv_add(&list, weft_addr_format_ip(&service->addresses[i], buf)))
			break;
	weft_print_strings(p, "addresses", &list);
	weft_strv_uninit(&list);
}

static void print_ports(struct weft_print *p, const struct weft_nl_service *service)
{
	char text[WEFT_PORTS_MAX * 12 + 1];
	const struct weft_nl_service_port *port;
	size_t i, len = 0;

	text[0] = '\0';
	for (i = 0; i < service->n_ports && len < sizeof(text); i++) {
		port = &service->ports[i];
		len += snprintf(text + len, sizeof(text) - len,
				port->target && port->target != port->port ? "%s%u:%u" : "%s%u",
				i ? "," : "", port->port, port->target);
	}
	weft_print_list_begin(p, "ports", text[0] ? text : NULL);
	for (i = 0; i < service->n_ports; i++) {
		port = &service->ports[i];
		weft_print_item_begin(p);
		weft_print_number(p, "port", port->port);
		weft_print_number(p, "target", port->target ? port->target : port->port);
		weft_print_item_end(p);
	}
	weft_print_list_end(p);
}

static int print_service(const void *object, void *data)
{
	const struct weft_nl_service *service = object;
	struct weft_print *p = data;

	weft_print_row_begin(p);
	weft_print_string(p, "name", service->name);
	weft_print_string(p, "owner", weft_owner_name(service->owner));
	print_addresses(p, service);
	print_ports(p, service);
	weft_print_number(p, "endpoints", service->n_endpoints);
	weft_print_duration(p, "connect_timeout", service->connect_timeout);
	weft_print_strings(p, "identities", &service->identities);
	weft_print_row_end(p);
	return 0;
}

const struct weft_cli_kind weft_cli_kind_service = {
	.nl = &weft_nl_kind_service,
	.take = take_service,
	.print = print_service,
};
