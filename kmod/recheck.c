// SPDX-License-Identifier: GPL-2.0
/*
 * A new generation is in force: connections that it does not allow end, and
 * those that an AUDIT policy of it matches are told of. Process context.
 *
 * Nobody can hold this up: a conn that somebody has in hand is looked at again
 * in a moment, and the reset, which may wait for the socket, is the conn's own
 * work.
 */
#include <net/tcp_states.h>
#include <net/sock.h>
#include "conn.h"
#include "judge.h"
#include "limits.h"
#include "recheck.h"
#include "upcall.h"

/*
 * A conn that is about to get its verdict may have been judged by the old one:
 * ->mu is held for that step, so whoever takes it later sees what it became.
 */
static bool may_be_in_use(const struct weft_conn *c)
{
	switch (weft_conn_state(c)) {
	case WEFT_CONN_SNIFF:
	case WEFT_CONN_HANDSHAKE:
	case WEFT_CONN_LIVE:
		return true;
	case WEFT_CONN_PASS:		/* a client's is not ours to judge */
		return c->role == WEFT_ROLE_SERVER;
	default:
		return false;
	}
}

/* TCP's end is an end: then there is nothing to reset, and nothing comes. */
static bool is_in_use(const struct weft_conn *c)
{
	u8 state = weft_conn_state(c);

	if (c->cut || READ_ONCE(c->sock->sk->sk_state) == TCP_CLOSE)
		return false;
	return (state == WEFT_CONN_LIVE && c->peer_identity) ||
	       (state == WEFT_CONN_PASS && c->role == WEFT_ROLE_SERVER);
}

/* The peer is reset, as the application is: neither has what was on its way. */
static void cut(struct weft_conn *c, u8 reason)
{
	weft_conn_set_verdict(c, reason, ECONNRESET);
	weft_count(c->wn, cut);
	weft_upcall_event(c, WEFT_EVENT_CONN_CLOSED);
	WRITE_ONCE(c->cut, true);
	weft_conn_kick(c);
}

/* By this generation already, or to be reset: no matter who has it in hand. */
static bool is_done(const struct weft_conn *c, u64 generation)
{
	return READ_ONCE(c->cut) || READ_ONCE(c->generation) == generation;
}

static void recheck(struct weft_conn *c)	/* ->mu held */
{
	bool audit;
	u8 reason;

	if (!is_in_use(c))
		return;
	reason = weft_judge(c, &audit);
	if (audit)
		weft_count(c->wn, audited);
	if (reason)
		cut(c, reason);
	else if (audit)
		weft_upcall_event(c, WEFT_EVENT_CONN_AUDIT);
}

/**
 * weft_recheck() - look at every connection of a namespace once more
 * @work: wn->recheck
 */
void weft_recheck(struct work_struct *work)
{
	struct weft_net *wn = container_of(to_delayed_work(work),
					   struct weft_net, recheck);
	u64 generation = weft_judge_generation(wn);
	unsigned long id = 0;
	bool again = false;
	struct weft_conn *c;
	struct file *f;

	for (; (c = weft_conn_next(wn, &id, may_be_in_use, &f)); id++) {
		if (is_done(c, generation)) {
			fput(f);
			continue;
		}
		if (mutex_trylock(&c->mu)) {
			recheck(c);
			mutex_unlock(&c->mu);
		} else {
			again = true;
		}
		fput(f);
		cond_resched();
	}
	if (again)
		schedule_delayed_work(&wn->recheck,
				      msecs_to_jiffies(WEFT_RECHECK_RETRY));
}
