// SPDX-License-Identifier: GPL-2.0
/*
 * Judging connections, see judge.h.
 */
#include <linux/slab.h>
#include <net/inet_sock.h>
#include <net/sock.h>
#include "generation_priv.h"
#include "judge.h"
#include "peer.h"
#include "policy.h"
#include "service.h"
#include "workload.h"

static const char *name_of(const struct weft_policy *p)
{
	return p ? p->name : NULL;
}

/* Most generations change nothing here. Is it another one, and not none? */
static bool note(char **field, const char *name)
{
	if (*field && name && !strcmp(*field, name))
		return false;
	kfree(*field);
	*field = name ? kstrdup(name, GFP_ATOMIC) : NULL;
	return *field;
}

static u8 judge_server(struct weft_conn *c, const struct weft_gen *gen,
		       struct weft_policy_verdict *v)
{
	const struct sock *sk = c->sock->sk;
	/* outlives inet_num */
	struct weft_peer peer = { .identity = c->peer_identity,
				  .port = ntohs(inet_sk(sk)->inet_sport) };
	struct weft_addr remote;

	weft_addr_remote(sk, &remote);
	peer.ip = remote.ip;
	return weft_policy_judge(gen, c->steer.workload->name, &peer, v);
}

/* Of a service that is gone, those of when it was called, and only once. */
static u8 judge_client(struct weft_conn *c, const struct weft_gen *gen)
{
	const struct weft_service *s;

	s = weft_service_find(gen, c->steer.service->name);
	if (!s && c->judged)
		return WEFT_REASON_NONE;
	return weft_service_identity_ok(s ?: c->steer.service, c->peer_identity,
					c->steer.workload->identity) ?
	       WEFT_REASON_NONE : WEFT_REASON_PEER_IDENTITY;
}

u64 weft_judge_generation(const struct weft_net *wn)
{
	u64 number;

	rcu_read_lock();
	number = weft_gen_number(weft_gen_current(&wn->tables));
	rcu_read_unlock();
	return number;
}

/* Before all else, at both ends. */
static bool judge_revoked(struct weft_conn *c, const struct weft_gen *gen)
{
	const struct weft_revocation *by = NULL;

	c->revoked = gen ? weft_revoked_find(&gen->revoked, c->peer_identity,
					     c->peer_serial, &by) :
			   WEFT_REVOKED_NOTHING;
	note(&c->revocation, by ? by->name : NULL);
	return c->revoked != WEFT_REVOKED_NOTHING;
}

static u8 judge_allowed(struct weft_conn *c, const struct weft_gen *gen,
			struct weft_policy_verdict *v)
{
	if (judge_revoked(c, gen))
		return WEFT_REASON_REVOKED;
	return c->role == WEFT_ROLE_CLIENT ? judge_client(c, gen) :
					     judge_server(c, gen, v);
}

/* In an RCU read section; it is valid there. */
static const struct weft_mesh_peer *registered(const struct weft_conn *c)
{
	const struct weft_gen *gen = weft_gen_current(&c->wn->tables);
	struct weft_addr remote;

	if (!gen || !gen->registry.n)
		return NULL;
	weft_addr_remote(c->sock->sk, &remote);
	return weft_registry_find(&gen->registry, &remote.ip);
}

bool weft_judge_speaks_mesh(const struct weft_conn *c)
{
	bool found;

	rcu_read_lock();
	found = registered(c);
	rcu_read_unlock();
	return found;
}

void weft_judge_registered(struct weft_conn *c)
{
	const struct weft_mesh_peer *by;

	rcu_read_lock();
	by = registered(c);
	note(&c->registered, by ? by->name : NULL);
	rcu_read_unlock();
}

u8 weft_judge(struct weft_conn *c, bool *audit)
{
	struct weft_policy_verdict v = {};
	const struct weft_gen *gen;
	u8 reason;

	rcu_read_lock();
	gen = weft_gen_current(&c->wn->tables);
	reason = judge_allowed(c, gen, &v);
	WRITE_ONCE(c->generation, weft_gen_number(gen));
	note(&c->policy, name_of(v.policy));
	*audit = note(&c->audit, name_of(v.audit));
	note(&c->registered, v.registered ? v.registered->name : NULL);
	rcu_read_unlock();
	return reason;
}
