// SPDX-License-Identifier: GPL-2.0
/*
 * A new generation is in force: live connections that it does not allow end.
 * Process context.
 *
 * They are judged as at their handshake (judge() in handshake.c), by what is in
 * force now of their workload's or service's name. What the generation does not
 * know any more has no say: without its workload a process is in no mesh, and
 * what it had goes on.
 */
#include <net/inet_sock.h>
#include <net/sock.h>
#include "conn.h"
#include "names.h"
#include "policy.h"
#include "recheck.h"
#include "service.h"
#include "upcall.h"
#include "workload.h"

/*
 * A conn whose handshake is about to end may have been judged by the old one:
 * ->mu is held for that step, so whoever takes it later sees it LIVE.
 */
static bool may_be_live(const struct weft_conn *c)
{
	u8 state = weft_conn_state(c);

	return state == WEFT_CONN_LIVE || state == WEFT_CONN_HANDSHAKE;
}

/* RCU and ->mu are held. */
static u8 judge_server(struct weft_conn *c, const struct weft_gen *gen)
{
	const char *name = c->steer.workload->name;
	struct weft_policy_verdict v;

	if (!weft_workload_find(gen, name))
		return WEFT_REASON_NONE;
	weft_policy_check(gen, name, c->peer_identity,
			  inet_sk(c->sock->sk)->inet_num, &v);
	if (v.allowed)
		return WEFT_REASON_NONE;
	kfree(c->policy);
	c->policy = v.policy ? kstrdup(v.policy->name, GFP_ATOMIC) : NULL;
	return WEFT_REASON_POLICY_DENIED;
}

static u8 judge_client(struct weft_conn *c, const struct weft_gen *gen)
{
	const struct weft_service *s;

	s = c->steer.service ?
	    weft_service_find(gen, c->steer.service->name) : NULL;
	if (!s || weft_service_identity_ok(s, c->peer_identity,
					   c->steer.workload->identity))
		return WEFT_REASON_NONE;
	return WEFT_REASON_PEER_IDENTITY;
}

static u8 judge_again(struct weft_conn *c)	/* ->mu held */
{
	u8 reason = WEFT_REASON_NONE;
	const struct weft_gen *gen;

	rcu_read_lock();
	gen = weft_gen_current(&c->wn->tables);
	if (gen && c->steer.workload && c->peer_identity)
		reason = c->role == WEFT_ROLE_SERVER ? judge_server(c, gen) :
						       judge_client(c, gen);
	if (reason)
		c->generation = weft_gen_number(gen);
	rcu_read_unlock();
	return reason;
}

/* The peer is reset, as the application is: neither has what was on its way. */
static void recheck(struct weft_conn *c)
{
	u8 reason;

	mutex_lock(&c->mu);
	reason = weft_conn_state(c) == WEFT_CONN_LIVE ? judge_again(c) :
							WEFT_REASON_NONE;
	if (reason) {
		weft_conn_set_verdict(c, reason, ECONNRESET);
		weft_count(c->wn, cut);
		weft_upcall_event(c, WEFT_EVENT_CONN_CLOSED);
		weft_conn_abort(c, ECONNRESET);
	}
	mutex_unlock(&c->mu);
}

/**
 * weft_recheck() - look at every live connection of a namespace once more
 * @work: wn->recheck
 */
void weft_recheck(struct work_struct *work)
{
	struct weft_net *wn = container_of(work, struct weft_net, recheck);
	unsigned long id = 0;
	struct weft_conn *c;
	struct file *f;

	for (; (c = weft_conn_next(wn, &id, may_be_live, &f)); id++) {
		recheck(c);
		fput(f);
		cond_resched();
	}
}
