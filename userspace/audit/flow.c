// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Flows out of audit records. See flow.h. Pure.
 */
#include "audit/flow.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include "base/array.h"
#include "base/enums.h"
#include "base/name.h"
#include "base/number.h"
#include "base/serial.h"

const char *const weft_flow_fields[WEFT_FLOW_FIELDS] = {
	[WEFT_FLOW_VERDICT] = "WEFT_VERDICT",
	[WEFT_FLOW_REASON] = "WEFT_REASON",
	[WEFT_FLOW_ROLE] = "WEFT_ROLE",
	[WEFT_FLOW_WORKLOAD] = "WEFT_WORKLOAD",
	[WEFT_FLOW_SERVICE] = "WEFT_SERVICE",
	[WEFT_FLOW_PEER_IDENTITY] = "WEFT_PEER_IDENTITY",
	[WEFT_FLOW_PEER_SERIAL] = "WEFT_PEER_SERIAL",
	[WEFT_FLOW_LOCAL] = "WEFT_LOCAL",
	[WEFT_FLOW_REMOTE] = "WEFT_REMOTE",
	[WEFT_FLOW_TIME] = "WEFT_TIME",
};

static void flow_uninit(struct weft_flow *flow)
{
	free(flow->workload);
	free(flow->service);
	free(flow->peer_identity);
	free(flow->peer_serial);
}

static void forget_nothing(void *flow)
{
}

void weft_flows_uninit(struct weft_flows *flows)
{
	tdestroy(flows->index, forget_nothing);
	for (size_t i = 0; i < flows->count; i++) {
		flow_uninit(flows->items[i]);
		free(flows->items[i]);
	}
	free(flows->items);
	*flows = (struct weft_flows){ 0 };
}

static int compare_texts(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

/* Who has no identity comes last. */
static int compare_peers(const struct weft_flow *a, const struct weft_flow *b)
{
	int order = !a->peer_identity - !b->peer_identity;

	if (!order)
		order = compare_texts(a->peer_identity, b->peer_identity);
	return order ? order : weft_addr_compare(&a->peer, &b->peer);
}

static int compare(const void *va, const void *vb)
{
	const struct weft_flow *a = va, *b = vb;
	int order = (b->role > a->role) - (b->role < a->role); /* servers first */

	if (!order)
		order = strcmp(a->workload, b->workload);
	if (!order)
		order = compare_texts(a->service, b->service);
	if (!order)
		order = compare_peers(a, b);
	return order ? order : (a->port > b->port) - (a->port < b->port);
}

static int compare_items(const void *a, const void *b)
{
	return compare(*(struct weft_flow *const *)a, *(struct weft_flow *const *)b);
}

void weft_flows_sort(struct weft_flows *flows)
{
	if (flows->count)
		qsort(flows->items, flows->count, sizeof(flows->items[0]), compare_items);
}

/* ---- one record ---- */

static bool is(const char *text, const char *wanted)
{
	return text && !strcmp(text, wanted);
}

/* Whether the verdict of a refusal is about who the peer is, at this end. */
static bool is_judged(enum weft_role role, enum weft_reason reason)
{
	if (reason == WEFT_REASON_REVOKED)
		return true;
	if (role == WEFT_ROLE_CLIENT)
		return reason == WEFT_REASON_PEER_IDENTITY;
	return reason == WEFT_REASON_POLICY_DENIED || reason == WEFT_REASON_PLAINTEXT;
}

/* Return: 0; WEFT_FLOW_SKIPPED; -EINVAL. */
static int read_verdict(const char *const *fields, struct weft_flow *flow)
{
	const char *verdict = fields[WEFT_FLOW_VERDICT];

	if (is(fields[WEFT_FLOW_ROLE], "server"))
		flow->role = WEFT_ROLE_SERVER;
	else if (is(fields[WEFT_FLOW_ROLE], "client"))
		flow->role = WEFT_ROLE_CLIENT;
	else
		return -EINVAL;
	if (!verdict || !fields[WEFT_FLOW_REASON])
		return -EINVAL;
	if (!strcmp(verdict, "live") || !strcmp(verdict, "pass"))
		return 0;
	if (strcmp(verdict, "denied") && strcmp(verdict, "failed") && strcmp(verdict, "closed"))
		return WEFT_FLOW_SKIPPED;
	flow->refused = true;
	/* one that this build does not know judges nothing that it would know */
	if (weft_reason_parse(fields[WEFT_FLOW_REASON], &flow->reason) ||
	    !is_judged(flow->role, flow->reason))
		return WEFT_FLOW_SKIPPED;
	return 0;
}

/* The address of a field, which has a port, and which the module would judge. */
static int read_addr(const char *text, struct weft_addr *addr)
{
	if (!text || weft_addr_parse(addr, text) || !addr->port)
		return -EINVAL;
	return weft_addr_problem(addr) ? -EINVAL : 0;
}

/* Borrows the texts. Return: 0, -EINVAL. */
static int read_parties(const char *const *fields, struct weft_flow *flow)
{
	bool is_client = flow->role == WEFT_ROLE_CLIENT;
	struct weft_addr local, remote;

	flow->workload = (char *)fields[WEFT_FLOW_WORKLOAD];
	flow->peer_identity = (char *)fields[WEFT_FLOW_PEER_IDENTITY];
	if (!flow->workload || weft_name_problem(flow->workload) ||
	    (flow->peer_identity && weft_identity_problem(flow->peer_identity)) ||
	    read_addr(fields[WEFT_FLOW_LOCAL], &local) ||
	    read_addr(fields[WEFT_FLOW_REMOTE], &remote))
		return -EINVAL;
	flow->port = is_client ? remote.port : local.port;
	if (!is_client) {
		flow->peer = remote;
		flow->peer.port = 0;
		return 0;
	}
	flow->service = (char *)fields[WEFT_FLOW_SERVICE];
	return flow->service && !weft_name_problem(flow->service) && flow->peer_identity
		       ? 0 : -EINVAL;
}

/* ---- all of them ---- */

/* @text NULL: none. */
static int copy_text(char **out, const char *text)
{
	*out = text ? strdup(text) : NULL;
	return text && !*out ? -ENOMEM : 0;
}

static struct weft_flow *flow_copy(const struct weft_flow *from)
{
	struct weft_flow *flow = calloc(1, sizeof(*flow));

	if (!flow)
		return NULL;
	flow->role = from->role;
	flow->peer = from->peer;
	flow->port = from->port;
	if (copy_text(&flow->workload, from->workload) ||
	    copy_text(&flow->service, from->service) ||
	    copy_text(&flow->peer_identity, from->peer_identity)) {
		flow_uninit(flow);
		free(flow);
		return NULL;
	}
	return flow;
}

/* A new one, in the list and in the index, or NULL. */
static struct weft_flow *flows_add(struct weft_flows *flows, const struct weft_flow *from)
{
	struct weft_flow *flow = flow_copy(from), **slot;

	if (!flow)
		return NULL;
	slot = WEFT_ARRAY_APPEND(flows->items, flows->count);
	if (!slot) {
		flow_uninit(flow);
		free(flow);
		return NULL;
	}
	*slot = flow;
	return tsearch(flow, &flows->index, compare) ? flow : NULL;
}

static int flows_find(struct weft_flows *flows, const struct weft_flow *like,
		      struct weft_flow **flow, struct weft_error *err)
{
	struct weft_flow *const *found = tfind(like, &flows->index, compare);

	if (found) {
		*flow = *found;
		return 0;
	}
	if (flows->count >= WEFT_FLOWS_MAX)
		return weft_error_set(err, ENOSPC,
				      "more than %u different connections are recorded: name a "
				      "later time with --since", WEFT_FLOWS_MAX);
	*flow = flows_add(flows, like);
	return *flow ? 0 : weft_error_nomem(err);
}

/* @serial NULL, or nothing that the module would take: what was known stays. */
static int note_serial(struct weft_flow *flow, const char *serial)
{
	char text[WEFT_SERIAL_SIZE], *copy;

	if (!serial || weft_serial_parse(serial, text))
		return 0;
	if (flow->peer_serial && !strcmp(flow->peer_serial, text))
		return 0;
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	free(flow->peer_serial);
	flow->peer_serial = copy;
	return 0;
}

/* A record that was written late tells of when it happened. */
static uint64_t read_time(const char *text, uint64_t written)
{
	uint64_t time;

	return text && !weft_number_parse(text, 0, written, &time) ? time : written;
}

/* The latest verdict is what counts; late records come after those of later ones. */
static int flow_count(struct weft_flow *flow, const struct weft_flow *like, const char *serial,
		      uint64_t time)
{
	flow->n_refused += like->refused;
	flow->n_allowed += !like->refused;
	if (!flow->first || time < flow->first)
		flow->first = time;
	if (time < flow->last)
		return 0;
	flow->last = time;
	flow->refused = like->refused;
	flow->reason = like->reason;
	return note_serial(flow, serial);
}

int weft_flows_take(struct weft_flows *flows, const char *const fields[WEFT_FLOW_FIELDS],
		    uint64_t time, struct weft_error *err)
{
	struct weft_flow like = { 0 }, *flow;
	int ret = read_verdict(fields, &like);

	time = read_time(fields[WEFT_FLOW_TIME], time);
	if (time < flows->since)
		return WEFT_FLOW_SKIPPED;
	if (!ret)
		ret = read_parties(fields, &like);
	if (ret) {
		flows->unreadable += ret < 0;
		return WEFT_FLOW_SKIPPED;
	}
	ret = flows_find(flows, &like, &flow, err);
	if (ret)
		return ret;
	if (flow_count(flow, &like, fields[WEFT_FLOW_PEER_SERIAL], time))
		return weft_error_nomem(err);
	flows->records++;
	return 0;
}
