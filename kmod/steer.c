// SPDX-License-Identifier: GPL-2.0
/*
 * The decision what becomes of a connect(), a listen() or an accept(), see
 * steer.h.
 *
 * Pure but for the random bits. Any context: RCU sections are taken here, and
 * what leaves one carries references.
 */
#include <linux/errno.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include "lb_weighted.h"
#include "steer.h"

bool weft_steer_wants(const struct weft_tables *t, const struct weft_addr *dst)
{
	struct weft_service_match match;
	bool wants;

	if (!weft_tables_used(t))
		return false;
	rcu_read_lock();
	wants = weft_service_lookup(weft_gen_current(t), dst, &match);
	rcu_read_unlock();
	return wants;
}

static void refuse(struct weft_steer *s, int err, u8 reason)
{
	s->verdict = WEFT_STEER_REFUSE;
	s->err = err;
	s->reason = reason;
}

static void steer_connect_rcu(const struct weft_gen *gen,
			      const struct weft_addr *dst,
			      const struct weft_task *task,
			      struct weft_steer *out)
{
	struct weft_service_match match;
	struct weft_workload *w;

	out->generation = weft_gen_number(gen);
	if (!weft_service_lookup(gen, dst, &match))
		return;
	w = weft_workload_match(gen, task, &out->width);
	if (out->width != WEFT_WIDTH_NAMED && weft_workload_is_weft(task))
		w = NULL;
	if (!w && match.pinned >= 0)
		return;
	/* the generation's own references keep both above zero */
	out->service = weft_service_get(match.service);
	out->pinned = match.pinned;
	out->target = match.target;
	if (!w) {
		refuse(out, EACCES, WEFT_REASON_NO_WORKLOAD);
		return;
	}
	out->workload = weft_workload_get(w);
	if (!match.service->n_endpoints)
		refuse(out, ECONNREFUSED, WEFT_REASON_NO_ENDPOINT);
	else
		out->verdict = WEFT_STEER_MESH;
}

static void steer_init(struct weft_steer *out)
{
	memset(out, 0, sizeof(*out));
	out->verdict = WEFT_STEER_PASS;
	out->pinned = -1;
}

void weft_steer_connect(const struct weft_tables *t,
			const struct weft_addr *dst,
			const struct weft_task *task, struct weft_steer *out)
{
	steer_init(out);
	rcu_read_lock();
	steer_connect_rcu(weft_gen_current(t), dst, task, out);
	rcu_read_unlock();
}

/* Whose a listener of @task's at @port is. Under RCU, as its result. */
static struct weft_workload *listener_workload(const struct weft_gen *gen,
					       u16 port,
					       const struct weft_task *task,
					       enum weft_width *width)
{
	struct weft_workload *w = weft_workload_match(gen, task, width);

	return w && weft_workload_leaves(w, task, *width, port) ? NULL : w;
}

static void steer_inbound(struct weft_steer *out, struct weft_workload *w,
			  u16 port)
{
	if (!w || weft_workload_mode(w, port) == WEFT_MODE_DISABLED)
		return;
	out->verdict = WEFT_STEER_MESH;
	out->workload = weft_workload_get(w);
	out->target = port;
}

void weft_steer_listen(const struct weft_tables *t, u16 port,
		       const struct weft_task *task, struct weft_steer *out)
{
	const struct weft_gen *gen;

	steer_init(out);
	rcu_read_lock();
	gen = weft_gen_current(t);
	out->generation = weft_gen_number(gen);
	steer_inbound(out, listener_workload(gen, port, task, &out->width),
		      port);
	rcu_read_unlock();
}

static void steer_accept_rcu(const struct weft_gen *gen, u16 port, bool local,
			     const struct weft_task *by,
			     const struct weft_task *listener,
			     struct weft_steer *out)
{
	struct weft_workload *w, *its;
	enum weft_width width;

	out->generation = weft_gen_number(gen);
	if (!by->exe && weft_gen_by_exe(gen)) {
		out->verdict = WEFT_STEER_BY_EXE;
		return;
	}
	w = listener_workload(gen, port, by, &out->width);
	if (listener && (!w || out->width == WEFT_WIDTH_ALL)) {
		its = listener_workload(gen, port, listener, &width);
		if (its && (!w || width != WEFT_WIDTH_ALL)) {
			w = its;
			out->width = width;
		}
	}
	if (out->width == WEFT_WIDTH_ALL && local && !(listener ?: by)->uid)
		w = NULL;
	steer_inbound(out, w, port);
}

void weft_steer_accept(const struct weft_tables *t, u16 port, bool local,
		       const struct weft_task *by,
		       const struct weft_task *listener,
		       struct weft_steer *out)
{
	steer_init(out);
	rcu_read_lock();
	steer_accept_rcu(weft_gen_current(t), port, local, by, listener, out);
	rcu_read_unlock();
}

/**
 * weft_steer_uninit() - drop the references of a decision
 * @s: it; all zero afterwards
 */
void weft_steer_uninit(struct weft_steer *s)
{
	weft_service_put(s->service);
	weft_workload_put(s->workload);
	memset(s, 0, sizeof(*s));
}

int weft_steer_next(const struct weft_steer *s, const u16 *tried,
		    unsigned int n_tried, bool want4, bool want6,
		    struct weft_addr *out)
{
	const struct weft_families families = { .v4 = want4, .v6 = want6 };
	const struct weft_service *service = s->service;
	int at = s->pinned;

	if (!service)
		return -1;
	if (at < 0)
		at = weft_lb_weighted_pick(service, tried, n_tried, &families,
					   get_random_u32());
	else if (n_tried ||
		 !weft_families_have(&families, &service->endpoints[at]))
		at = -1;
	if (at < 0)
		return -1;
	*out = service->endpoints[at].addr;
	if (!out->port)
		out->port = s->target;
	return at;
}
