// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Workloads. See nl_workload.h.
 */
#include "nl/nl_workload.h"

#include <errno.h>
#include <unistd.h>
#include "base/array.h"
#include "base/hex.h"
#include "nl/nl_wire.h"

void weft_nl_selector_close(struct weft_nl_selector *selector)
{
	if (selector->has_fd)
		close(selector->fd);
	selector->has_fd = false;
}

void weft_nl_workload_uninit(struct weft_nl_workload *workload)
{
	size_t i;

	for (i = 0; i < workload->n_selectors; i++) {
		free(workload->selectors[i].cgroup);
		free(workload->selectors[i].unit);
		free(workload->selectors[i].exe);
		free(workload->selectors[i].sha256);
		weft_nl_selector_close(&workload->selectors[i]);
		free(workload->selectors[i].container);
	}
	free(workload->selectors);
	free(workload->ports);
	free(workload->identity);
	free(workload->name);
	*workload = (struct weft_nl_workload){ 0 };
}

static int put_hash(struct nl_msg *msg, const struct weft_nl_selector *selector)
{
	uint8_t sha256[WEFT_SHA256_SIZE];

	if (!selector->sha256)
		return 0;
	if (weft_hex_parse(selector->sha256, sha256, sizeof(sha256)))
		return -EINVAL;
	if (nla_put(msg, WEFT_SELECTOR_A_EXE_SHA256, sizeof(sha256), sha256))
		return -EMSGSIZE;
	if (selector->has_fd && (nla_put_s32(msg, WEFT_SELECTOR_A_EXE_FD, selector->fd) ||
				 nla_put_u64(msg, WEFT_SELECTOR_A_EXE_SIZE, selector->size) ||
				 nla_put_u64(msg, WEFT_SELECTOR_A_EXE_MTIME, selector->mtime)))
		return -EMSGSIZE;
	return 0;
}

static int put_selector(struct nl_msg *msg, const struct weft_nl_selector *selector)
{
	struct nlattr *nest = weft_nl_nest(msg, WEFT_LIST_A_ITEM);

	if (!nest || weft_nl_put_string(msg, WEFT_SELECTOR_A_CGROUP, selector->cgroup) ||
	    weft_nl_put_string(msg, WEFT_SELECTOR_A_UNIT, selector->unit) ||
	    weft_nl_put_string(msg, WEFT_SELECTOR_A_EXE, selector->exe) ||
	    put_hash(msg, selector) ||
	    weft_nl_put_string(msg, WEFT_SELECTOR_A_CONTAINER, selector->container))
		return -EMSGSIZE;
	/* not put_u32_set(): root is 0 */
	if (selector->has_uid && nla_put_u32(msg, WEFT_SELECTOR_A_UID, selector->uid))
		return -EMSGSIZE;
	if (selector->has_gid && nla_put_u32(msg, WEFT_SELECTOR_A_GID, selector->gid))
		return -EMSGSIZE;
	return weft_nl_nest_end(msg, nest);
}

static int put_selectors(struct nl_msg *msg, const struct weft_nl_workload *workload)
{
	struct nlattr *list;
	size_t i;

	if (!workload->n_selectors)
		return 0;
	list = weft_nl_nest(msg, WEFT_WORKLOAD_A_SELECTORS);
	if (!list)
		return -EMSGSIZE;
	for (i = 0; i < workload->n_selectors; i++)
		if (put_selector(msg, &workload->selectors[i]))
			return -EMSGSIZE;
	return weft_nl_nest_end(msg, list);
}

static int put_ports(struct nl_msg *msg, const struct weft_nl_workload *workload)
{
	struct nlattr *list, *nest;
	size_t i;

	if (!workload->n_ports)
		return 0;
	list = weft_nl_nest(msg, WEFT_WORKLOAD_A_PORTS);
	for (i = 0; list && i < workload->n_ports; i++) {
		nest = weft_nl_nest(msg, WEFT_LIST_A_ITEM);
		if (!nest || nla_put_u16(msg, WEFT_PORT_A_PORT, workload->ports[i].port) ||
		    weft_nl_put_u32_set(msg, WEFT_PORT_A_MODE, workload->ports[i].mode) ||
		    weft_nl_nest_end(msg, nest))
			return -EMSGSIZE;
	}
	return list ? weft_nl_nest_end(msg, list) : -EMSGSIZE;
}

int weft_nl_workload_put(struct nl_msg *msg, const struct weft_nl_workload *workload)
{
	struct nlattr *nest = weft_nl_nest(msg, WEFT_A_WORKLOAD);

	if (!nest || weft_nl_put_string(msg, WEFT_WORKLOAD_A_NAME, workload->name) ||
	    weft_nl_put_string(msg, WEFT_WORKLOAD_A_IDENTITY, workload->identity) ||
	    put_selectors(msg, workload) ||
	    weft_nl_put_u32_set(msg, WEFT_WORKLOAD_A_MODE, workload->mode) ||
	    put_ports(msg, workload))
		return -EMSGSIZE;
	return weft_nl_nest_end(msg, nest);
}

static int parse_hash(struct nlattr **tb, struct weft_nl_selector *selector)
{
	if (!tb[WEFT_SELECTOR_A_EXE_SHA256])
		return 0;
	selector->sha256 = malloc(WEFT_HEX_SIZE(WEFT_SHA256_SIZE));
	if (!selector->sha256)
		return -ENOMEM;
	weft_hex_format(nla_data(tb[WEFT_SELECTOR_A_EXE_SHA256]), WEFT_SHA256_SIZE,
			selector->sha256);
	selector->has_file = tb[WEFT_SELECTOR_A_EXE_INO];
	selector->inode = weft_nl_get_u64(tb[WEFT_SELECTOR_A_EXE_INO]);
	selector->size = weft_nl_get_u64(tb[WEFT_SELECTOR_A_EXE_SIZE]);
	selector->mtime = weft_nl_get_u64(tb[WEFT_SELECTOR_A_EXE_MTIME]);
	return 0;
}

static int parse_selector(struct nlattr *nest, struct weft_nl_selector *selector)
{
	static const struct nla_policy policy[WEFT_SELECTOR_A_MAX + 1] = {
		[WEFT_SELECTOR_A_CGROUP] = { .type = NLA_STRING },
		[WEFT_SELECTOR_A_UNIT] = { .type = NLA_STRING },
		[WEFT_SELECTOR_A_UID] = { .type = NLA_U32 },
		[WEFT_SELECTOR_A_EXE] = { .type = NLA_STRING },
		[WEFT_SELECTOR_A_GID] = { .type = NLA_U32 },
		[WEFT_SELECTOR_A_CONTAINER] = { .type = NLA_STRING },
		[WEFT_SELECTOR_A_EXE_SHA256] = { .minlen = WEFT_SHA256_SIZE,
						 .maxlen = WEFT_SHA256_SIZE },
		[WEFT_SELECTOR_A_EXE_INO] = { .type = NLA_U64 },
		[WEFT_SELECTOR_A_EXE_SIZE] = { .type = NLA_U64 },
		[WEFT_SELECTOR_A_EXE_MTIME] = { .type = NLA_U64 },
	};
	struct nlattr *tb[WEFT_SELECTOR_A_MAX + 1];
	int r = weft_nl_parse(tb, WEFT_SELECTOR_A_MAX, nest, policy);

	if (!r)
		r = weft_nl_get_string(&selector->cgroup, tb[WEFT_SELECTOR_A_CGROUP]);
	if (!r)
		r = weft_nl_get_string(&selector->unit, tb[WEFT_SELECTOR_A_UNIT]);
	if (!r)
		r = weft_nl_get_string(&selector->exe, tb[WEFT_SELECTOR_A_EXE]);
	if (!r)
		r = parse_hash(tb, selector);
	if (!r)
		r = weft_nl_get_string(&selector->container, tb[WEFT_SELECTOR_A_CONTAINER]);
	if (!r && tb[WEFT_SELECTOR_A_UID]) {
		selector->has_uid = true;
		selector->uid = nla_get_u32(tb[WEFT_SELECTOR_A_UID]);
	}
	if (!r && tb[WEFT_SELECTOR_A_GID]) {
		selector->has_gid = true;
		selector->gid = nla_get_u32(tb[WEFT_SELECTOR_A_GID]);
	}
	return r;
}

static int parse_selectors(struct nlattr *list, struct weft_nl_workload *workload)
{
	struct weft_nl_selector *selector;
	struct nlattr *pos;
	int rem, r;

	if (!list)
		return 0;
	nla_for_each_nested(pos, list, rem) {
		selector = WEFT_ARRAY_APPEND(workload->selectors, workload->n_selectors);
		r = selector ? parse_selector(pos, selector) : -ENOMEM;
		if (r)
			return r;
	}
	return 0;
}

static int parse_ports(struct nlattr *list, struct weft_nl_workload *workload)
{
	static const struct nla_policy policy[WEFT_PORT_A_MAX + 1] = {
		[WEFT_PORT_A_PORT] = { .type = NLA_U16 },
		[WEFT_PORT_A_MODE] = { .type = NLA_U32 },
	};
	struct nlattr *tb[WEFT_PORT_A_MAX + 1], *pos;
	struct weft_nl_port_mode *port;
	int rem;

	if (!list)
		return 0;
	nla_for_each_nested(pos, list, rem) {
		if (weft_nl_parse(tb, WEFT_PORT_A_MAX, pos, policy))
			return -EPROTO;
		port = WEFT_ARRAY_APPEND(workload->ports, workload->n_ports);
		if (!port)
			return -ENOMEM;
		port->port = weft_nl_get_u16(tb[WEFT_PORT_A_PORT]);
		port->mode = weft_nl_get_u32(tb[WEFT_PORT_A_MODE]);
	}
	return 0;
}

int weft_nl_workload_parse(struct nlattr *nest, struct weft_nl_workload *out)
{
	static const struct nla_policy policy[WEFT_WORKLOAD_A_MAX + 1] = {
		[WEFT_WORKLOAD_A_NAME] = { .type = NLA_STRING },
		[WEFT_WORKLOAD_A_IDENTITY] = { .type = NLA_STRING },
		[WEFT_WORKLOAD_A_SELECTORS] = { .type = NLA_NESTED },
		[WEFT_WORKLOAD_A_MODE] = { .type = NLA_U32 },
		[WEFT_WORKLOAD_A_PORTS] = { .type = NLA_NESTED },
		[WEFT_WORKLOAD_A_OWNER] = { .type = NLA_U32 },
	};
	struct nlattr *tb[WEFT_WORKLOAD_A_MAX + 1];
	struct weft_nl_workload w = { 0 };
	int r;

	if (weft_nl_parse(tb, WEFT_WORKLOAD_A_MAX, nest, policy) || !tb[WEFT_WORKLOAD_A_NAME])
		return -EPROTO;
	w.mode = weft_nl_get_u32(tb[WEFT_WORKLOAD_A_MODE]);
	w.owner = weft_nl_get_u32(tb[WEFT_WORKLOAD_A_OWNER]);
	r = weft_nl_get_string(&w.name, tb[WEFT_WORKLOAD_A_NAME]);
	if (!r)
		r = weft_nl_get_string(&w.identity, tb[WEFT_WORKLOAD_A_IDENTITY]);
	if (!r)
		r = parse_selectors(tb[WEFT_WORKLOAD_A_SELECTORS], &w);
	if (!r)
		r = parse_ports(tb[WEFT_WORKLOAD_A_PORTS], &w);
	if (r)
		weft_nl_workload_uninit(&w);
	else
		*out = w;
	return r;
}

WEFT_NL_KIND(workload,
	.cmd_new = WEFT_CMD_WORKLOAD_NEW,
	.cmd_del = WEFT_CMD_WORKLOAD_DEL,
	.cmd_get = WEFT_CMD_WORKLOAD_GET,
	.nest = WEFT_A_WORKLOAD,
	.key = WEFT_WORKLOAD_A_NAME);

int weft_nl_workload_add(struct weft_nl *nl, const struct weft_nl_workload *workload, uint32_t txn,
			 bool replace, struct weft_error *err)
{
	return weft_nl_object_add(nl, &weft_nl_kind_workload, workload, txn, replace, err);
}
