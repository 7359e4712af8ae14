// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * weftctl endpoint.
 */
#include <stdlib.h>
#include <string.h>
#include "base/cleanup.h"
#include "base/enums.h"
#include "base/name.h"
#include "cli/object.h"
#include "cli/value.h"
#include "nl/nl_endpoint.h"

#define WORDS "service, address, weight"
#define WORDS_KEY "service, address"

/* Which of the words may come. */
struct wanted {
	bool address;
	bool weight;
};

static int take_service(struct weft_cli *cli, struct weft_nl_endpoint *endpoint)
{
	int code = weft_value_text(cli, "service", weft_name_problem, &endpoint->service);

	if (code)
		return code;
	snprintf(cli->subject, sizeof(cli->subject), "endpoint of service \"%s\"",
		 endpoint->service);
	cli->name = endpoint->service;
	return WEFT_EXIT_DONE;
}

static int take_address(struct weft_cli *cli, struct weft_nl_endpoint *endpoint)
{
	if (!weft_addr_is_any(&endpoint->addr))
		return weft_value_twice(cli, "address");
	return weft_value_addr(cli, "address", true, &endpoint->addr);
}

static int take_weight(struct weft_cli *cli, struct weft_nl_endpoint *endpoint)
{
	uint64_t weight;
	int code;

	if (endpoint->weight)
		return weft_value_twice(cli, "weight");
	code = weft_value_number(cli, "weight", 1, WEFT_WEIGHT_MAX, &weight);
	if (!code)
		endpoint->weight = weight;
	return code;
}

static int take_words(struct weft_cli *cli, const struct wanted *wanted,
		      struct weft_nl_endpoint *endpoint)
{
	const char *word;
	int code;

	snprintf(cli->subject, sizeof(cli->subject), "endpoint");
	while ((word = weft_cli_word(cli))) {
		if (!strcmp(word, "service"))
			code = take_service(cli, endpoint);
		else if (wanted->address && !strcmp(word, "address"))
			code = take_address(cli, endpoint);
		else if (wanted->weight && !strcmp(word, "weight"))
			code = take_weight(cli, endpoint);
		else
			code = weft_value_unknown(cli, word, wanted->weight    ? WORDS
							     : wanted->address ? WORDS_KEY
									       : "service");
		if (code)
			return code;
	}
	if (wanted->address && !endpoint->service)
		return weft_cli_usage(cli, "service: is needed");
	if (wanted->address && weft_addr_is_any(&endpoint->addr))
		return weft_cli_usage(cli, "address: is needed");
	return WEFT_EXIT_DONE;
}

static int take_endpoint(struct weft_cli *cli, void *object)
{
	const struct wanted wanted = { .address = true, .weight = true };

	return take_words(cli, &wanted, object);
}

int weft_endpoint_del(struct weft_cli *cli)
{
	_cleanup_(weft_nl_endpoint_uninit) struct weft_nl_endpoint endpoint = { 0 };
	const struct wanted wanted = { .address = true };
	struct weft_error err = { 0 };
	int code = take_words(cli, &wanted, &endpoint);

	if (!code)
		code = weft_cli_connect(cli);
	if (code)
		return code;
	if (weft_nl_endpoint_del(cli->nl, endpoint.service, &endpoint.addr, &err))
		return weft_cli_failed(cli, &err);
	return WEFT_EXIT_DONE;
}

static int print_endpoint(const void *object, void *data)
{
	const struct weft_nl_endpoint *endpoint = object;
	struct weft_print *p = data;

	weft_print_row_begin(p);
	weft_print_string(p, "service", endpoint->service);
	weft_print_addr(p, "address", &endpoint->addr);
	weft_print_string(p, "owner", weft_owner_name(endpoint->owner));
	weft_print_number(p, "weight", endpoint->weight);
	weft_print_number(p, "active", endpoint->active);
	weft_print_number(p, "attempts", endpoint->attempts);
	weft_print_number(p, "failures", endpoint->failures);
	weft_print_row_end(p);
	return 0;
}

int weft_endpoint_show(struct weft_cli *cli)
{
	_cleanup_(weft_nl_endpoint_uninit) struct weft_nl_endpoint of = { 0 };
	const struct wanted wanted = { 0 };
	struct weft_error err = { 0 };
	struct weft_print *p;
	int code = take_words(cli, &wanted, &of);

	if (!code)
		code = weft_cli_begin_show(cli, "endpoint", &p);
	if (code)
		return code;
	weft_print_table_begin(p);
	if (weft_nl_object_dump(cli->nl, &weft_nl_kind_endpoint, of.service, print_endpoint, p,
				&err))
		return weft_cli_failed(cli, &err);
	weft_print_table_end(p);
	return WEFT_EXIT_DONE;
}

const struct weft_cli_kind weft_cli_kind_endpoint = {
	.nl = &weft_nl_kind_endpoint,
	.take = take_endpoint,
	.print = print_endpoint,
};
