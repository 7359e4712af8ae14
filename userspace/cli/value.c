// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Values of keywords. See value.h.
 */
#include "cli/value.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "base/array.h"
#include "base/enums.h"
#include "base/number.h"

int weft_value_twice(struct weft_cli *cli, const char *key)
{
	return weft_cli_usage(cli, "%s: given twice", key);
}

int weft_value_full(struct weft_cli *cli, const char *key, size_t max)
{
	return weft_cli_usage(cli, "%s: more than %zu", key, max);
}

int weft_value_unknown(struct weft_cli *cli, const char *word, const char *expected)
{
	return weft_cli_usage(cli, "\"%.200s\": unknown word (%s)", word, expected);
}

/* The next word, which @problem must like. */
static int take(struct weft_cli *cli, const char *key, const char *(*problem)(const char *text),
		const char **value)
{
	int code = weft_cli_take_value(cli, key, value);
	const char *why;

	if (code)
		return code;
	why = problem(*value);
	return why ? weft_cli_bad(cli, key, *value, why) : WEFT_EXIT_DONE;
}

int weft_value_text(struct weft_cli *cli, const char *key,
		    const char *(*problem)(const char *text), char **out)
{
	const char *value;
	int code;

	if (*out)
		return weft_value_twice(cli, key);
	code = take(cli, key, problem, &value);
	if (code)
		return code;
	*out = strdup(value);
	return *out ? WEFT_EXIT_DONE : weft_cli_nomem(cli);
}

int weft_value_item(struct weft_cli *cli, const char *key,
		    const char *(*problem)(const char *text), size_t max, struct weft_strv *out)
{
	const char *value;
	int code = take(cli, key, problem, &value);

	if (code)
		return code;
	if (out->count >= max)
		return weft_value_full(cli, key, max);
	return weft_strv_add(out, value) ? weft_cli_nomem(cli) : WEFT_EXIT_DONE;
}

int weft_value_number(struct weft_cli *cli, const char *key, uint64_t min, uint64_t max,
		      uint64_t *out)
{
	const char *value;
	char problem[80];
	int code = weft_cli_take_value(cli, key, &value);

	if (code)
		return code;
	if (!weft_number_parse(value, min, max, out))
		return WEFT_EXIT_DONE;
	snprintf(problem, sizeof(problem), "not a number from %" PRIu64 " to %" PRIu64, min, max);
	return weft_cli_bad(cli, key, value, problem);
}

int weft_value_addr(struct weft_cli *cli, const char *key, bool port, struct weft_addr *out)
{
	struct weft_addr addr;
	const char *value, *problem;
	int code = weft_cli_take_value(cli, key, &value);

	if (code)
		return code;
	if (port ? weft_addr_parse(&addr, value) : weft_addr_parse_ip(&addr, value))
		return weft_cli_bad(cli, key, value,
				    port ? "not ADDRESS or ADDRESS:PORT ([IPv6]:PORT)"
					 : "not an IPv4 or IPv6 address (a port goes into \"port\")");
	problem = weft_addr_problem(&addr);
	if (problem)
		return weft_cli_bad(cli, key, value, problem);
	*out = addr;
	return WEFT_EXIT_DONE;
}

static const char no_port[] = "not a port (1 to 65535)";

int weft_value_network(struct weft_cli *cli, const char *key, size_t max,
		       struct weft_network **out, size_t *n)
{
	struct weft_network net, *slot;
	const char *value;
	int code = weft_cli_take_value(cli, key, &value);
	int r = code ? 0 : weft_network_parse(&net, value);

	if (code)
		return code;
	if (r)
		return weft_cli_bad(cli, key, value,
				    r == -EDOM ? "bits behind the prefix are not 0"
					       : "not an IP block, such as 10.0.0.0/8");
	if (*n >= max)
		return weft_value_full(cli, key, max);
	slot = WEFT_ARRAY_APPEND(*out, *n);
	if (!slot)
		return weft_cli_nomem(cli);
	*slot = net;
	return WEFT_EXIT_DONE;
}

int weft_value_port(struct weft_cli *cli, const char *key, uint16_t *out)
{
	const char *value;
	int code = weft_cli_take_value(cli, key, &value);

	if (code)
		return code;
	return weft_addr_parse_port(out, value) ? weft_cli_bad(cli, key, value, no_port)
						: WEFT_EXIT_DONE;
}

int weft_value_port_and(struct weft_cli *cli, const char *key, uint16_t *port, const char **whole,
			const char **rest)
{
	char first[8];
	size_t len;
	int code = weft_cli_take_value(cli, key, whole);

	if (code)
		return code;
	len = strcspn(*whole, ":");
	snprintf(first, sizeof(first), "%.*s", (int)len, *whole);
	if (len >= sizeof(first) || weft_addr_parse_port(port, first))
		return weft_cli_bad(cli, key, *whole, no_port);
	*rest = (*whole)[len] ? *whole + len + 1 : NULL;
	return WEFT_EXIT_DONE;
}

int weft_value_mode_in(struct weft_cli *cli, const char *key, const char *whole, const char *text,
		       enum weft_mode *out)
{
	enum weft_mode mode;

	if (weft_mode_parse(text, &mode) || mode == WEFT_MODE_DEFAULT)
		return weft_cli_bad(cli, key, whole,
				    "not a mode (strict, permissive or disabled)");
	*out = mode;
	return WEFT_EXIT_DONE;
}

int weft_value_mode(struct weft_cli *cli, const char *key, enum weft_mode *out)
{
	const char *value;
	int code;

	if (*out != WEFT_MODE_DEFAULT)
		return weft_value_twice(cli, key);
	code = weft_cli_take_value(cli, key, &value);
	return code ? code : weft_value_mode_in(cli, key, value, value, out);
}
