// SPDX-License-Identifier: GPL-2.0
/*
 * What a generation would say of a connection, see flow.h.
 */
#include <linux/string.h>
#include "flow.h"
#include "generation_priv.h"
#include "peer.h"
#include "revocation.h"
#include "service.h"
#include "workload.h"

static void note(char *field, const struct weft_policy *p)
{
	if (p)
		strscpy(field, p->name, WEFT_NAME_MAX + 1);
}

static void judge_server(const struct weft_gen *gen,
			 const struct weft_flow *flow,
			 const struct weft_workload *w,
			 struct weft_flow_verdict *out)
{
	struct weft_policy_verdict v = {};

	out->mode = weft_workload_mode(w, flow->peer.port);
	if (weft_workload_leaves_ssh(w, flow->peer.port))
		out->mode = WEFT_MODE_DISABLED;
	out->reason = weft_policy_judge(gen, w->name, &flow->peer, &v);
	note(out->policy, v.policy);
	note(out->audit, v.audit);
	if (v.registered)
		strscpy(out->registered, v.registered->name,
			sizeof(out->registered));
}

static void judge_client(const struct weft_gen *gen,
			 const struct weft_flow *flow,
			 const struct weft_workload *w,
			 struct weft_flow_verdict *out)
{
	const struct weft_service *s = weft_service_find(gen, flow->service);

	if (!s)
		return;
	out->service = true;
	if (!weft_service_identity_ok(s, flow->peer.identity, w->identity))
		out->reason = WEFT_REASON_PEER_IDENTITY;
}

/* It goes before all else, as weft_judge() has it. */
static void judge_revoked(const struct weft_gen *gen,
			  const struct weft_flow *flow,
			  struct weft_flow_verdict *out)
{
	const struct weft_revocation *by = NULL;

	weft_revoked_find(&gen->revoked, flow->peer.identity, flow->serial,
			  &by);
	if (!by)
		return;
	out->reason = WEFT_REASON_REVOKED;
	out->policy[0] = '\0';
	out->audit[0] = '\0';
	strscpy(out->revocation, by->name, sizeof(out->revocation));
}

void weft_flow_judge(const struct weft_gen *gen, const struct weft_flow *flow,
		     struct weft_flow_verdict *out)
{
	const struct weft_workload *w = weft_workload_find(gen, flow->workload);

	memset(out, 0, sizeof(*out));
	if (!w)
		return;
	out->workload = true;
	if (flow->role == WEFT_ROLE_CLIENT)
		judge_client(gen, flow, w, out);
	else
		judge_server(gen, flow, w, out);
	judge_revoked(gen, flow, out);
}
