// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A worker thread, see worker.h. Everything in struct weft_worker below the
 * line is the thread's own; above are the atomics it shares with the main
 * thread.
 */
#include "daemon/worker.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/cleanup.h"
#include "daemon/handshake.h"
#include "daemon/log.h"
#include "loop/loop.h"

/* Of the netlink socket: room for some thousand offers. */
#define RECEIVE_BUFFER (4 << 20)

struct weft_worker {
	pthread_t thread;
	struct weft_loop *loop; /* other threads: weft_loop_wake() only */
	int end_fd;
	struct weft_snapshot *_Atomic inbox;
	atomic_bool stopping;
	atomic_bool ended;
	atomic_uint pings, pongs;
	atomic_uint_fast64_t live, resumed, failed, reopened, in_hand;
	int error; /* as @err: written before the end, read after the join */
	struct weft_error err;
	const struct weft_worker_module *module;

	/* ---- the thread's own ---- */
	struct weft_nl *nl;
	struct weft_loop_io nl_io;
	struct weft_loop_timer drain;
	struct weft_snapshot *snapshot;
	struct weft_handshake *handshakes;
	bool readable; /* the netlink socket may have something */
	bool broken;   /* it needs to be replaced */
	bool draining;
	bool finished;
};

static void count(atomic_uint_fast64_t *counter, int by)
{
	atomic_fetch_add_explicit(counter, by, memory_order_relaxed);
}

const struct weft_worker_module weft_worker_module = {
	.open = weft_nl_open,
	.close = weft_nl_close,
	.fd = weft_nl_fd,
	.pending = weft_nl_pending,
	.worker_register = weft_nl_worker_register,
	.recv = weft_nl_handshake_recv,
	.accept = weft_nl_handshake_accept,
	.judge = weft_nl_handshake_judge,
	.install = weft_ktls_install,
	.done = weft_nl_handshake_done,
};

/* ---- netlink ---- */

/* Does this error say that the connection to the module is unusable, rather than
 * that one request was refused? */
static bool breaks(int error)
{
	switch (-error) {
	case ENOBUFS:
	case ETIMEDOUT:
	case EPERM: /* no longer a worker */
	case EBADF:
	case ECONNREFUSED:
		return true;
	default:
		return false;
	}
}

static void on_nl(struct weft_loop_io *io, uint32_t events)
{
	weft_container_of(io, struct weft_worker, nl_io)->readable = true;
}

static bool full(const struct weft_worker *w)
{
	return atomic_load_explicit(&w->in_hand, memory_order_relaxed) >=
	       WEFT_WORKER_HANDSHAKES_MAX;
}

/* Offers that cannot be taken now stay in the socket. */
static void watch_nl(struct weft_worker *w)
{
	bool want = !w->draining && !w->broken && !full(w);
	int ret;

	if (want == !!w->nl_io.loop)
		return;
	if (!want) {
		weft_loop_io_stop(&w->nl_io);
		return;
	}
	ret = weft_loop_io_start(w->loop, &w->nl_io, w->module->fd(w->nl), EPOLLIN, on_nl);
	if (ret) {
		w->error = weft_error_set(&w->err, ret, "netlink socket: epoll: %s",
					  strerror(-ret));
		w->finished = true;
	}
}

static void disconnect_nl(struct weft_worker *w)
{
	if (w->nl)
		w->module->close(w->nl);
	w->nl = NULL;
}

static int connect_nl(struct weft_worker *w, struct weft_error *err)
{
	int size = RECEIVE_BUFFER;
	int ret;

	ret = w->module->open(&w->nl, err);
	if (ret)
		return ret;
	/* The default size does as well, only for fewer offers at a time. */
	(void)setsockopt(w->module->fd(w->nl), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	ret = w->module->worker_register(w->nl, err);
	if (ret)
		disconnect_nl(w);
	return ret;
}

/* ---- handshakes in hand ---- */

static void link_handshake(struct weft_worker *w, struct weft_handshake *h)
{
	h->prev = NULL;
	h->next = w->handshakes;
	if (h->next)
		h->next->prev = h;
	w->handshakes = h;
	count(&w->in_hand, 1);
}

static void drop_handshake(struct weft_worker *w, struct weft_handshake *h)
{
	if (h->prev)
		h->prev->next = h->next;
	else
		w->handshakes = h->next;
	if (h->next)
		h->next->prev = h->prev;
	count(&w->in_hand, -1);
	weft_handshake_destroy(h);
}

static int judge(void *data, uint64_t id, const char *peer, const char *serial,
		 struct weft_nl_verdict *verdict, struct weft_error *err)
{
	struct weft_worker *w = data;
	int ret = w->module->judge(w->nl, id, peer, serial, verdict, err);

	if (ret && breaks(ret))
		w->broken = true;
	return ret;
}

static void done(void *data, const struct weft_nl_done *done)
{
	struct weft_worker *w = data;
	struct weft_error err = { 0 };
	int ret;

	if (w->broken) /* the module sorts it out when the socket is closed */
		return;
	ret = w->module->done(w->nl, done, &err);
	if (ret && breaks(ret))
		w->broken = true;
	/* -ECANCELED, -ENOENT: the application was faster. -EACCES, -EINVAL: the module
	 * has made it fail, and its event tells. */
	count(ret || done->reason ? &w->failed : &w->live, 1);
	if (!ret && done->resumed && !done->reason)
		count(&w->resumed, 1);
}

static void over(void *data, struct weft_handshake *h)
{
	drop_handshake(data, h);
}

static int install(void *data, int fd, const struct weft_ktls_key *tx,
		   const struct weft_ktls_key *rx, struct weft_error *err)
{
	struct weft_worker *w = data;

	return w->module->install(fd, tx, rx, err);
}

static const struct weft_handshake_ops handshake_ops = {
	.judge = judge,
	.install = install,
	.done = done,
	.over = over,
};

/* ---- offers ---- */

static void refuse(struct weft_worker *w, uint64_t id, enum weft_role role)
{
	const struct weft_nl_done no = {
		.id = id,
		.reason = WEFT_REASON_RESOURCES,
		.error = weft_hs_errno(role, WEFT_REASON_RESOURCES),
		.detail = "the daemon is out of memory",
	};

	done(w, &no);
}

static void take_offer(struct weft_worker *w, uint64_t id)
{
	_cleanup_(weft_nl_conn_uninit) struct weft_nl_conn conn = { 0 };
	_cleanup_close_ int fd = -1;
	struct weft_error err = { 0 };
	struct weft_handshake *h;
	int ret;

	ret = w->module->accept(w->nl, id, &conn, &fd, &err);
	if (ret) {
		/* Offers are repeated: gone or in other hands is normal. */
		if (breaks(ret))
			w->broken = true;
		else if (ret != -ENOENT && ret != -EALREADY)
			weft_log_warning("connection %" PRIu64 ": %s", id, err.text);
		return;
	}
	h = weft_handshake_create(w->loop, &handshake_ops, w, &conn, fd);
	if (!h) {
		refuse(w, id, conn.role);
		return;
	}
	weft_steal_fd(&fd);
	link_handshake(w, h);
	weft_handshake_begin(h, w->snapshot);
}

static void take_offers(struct weft_worker *w)
{
	struct weft_error err = { 0 };
	uint64_t id;
	int ret;

	if (!w->readable && !w->module->pending(w->nl))
		return;
	w->readable = false;
	while (!w->broken && !w->draining && !full(w)) {
		ret = w->module->recv(w->nl, &id, &err);
		if (!ret)
			return;
		if (ret < 0)
			w->broken = true;
		else
			take_offer(w, id);
	}
}

/*
 * A new connection to the module. Closing the old one gives back what this
 * worker had in hand: begun handshakes fail there, all others are offered anew.
 */
static void reopen(struct weft_worker *w)
{
	weft_loop_io_stop(&w->nl_io);
	while (w->handshakes)
		drop_handshake(w, w->handshakes);
	disconnect_nl(w);
	w->broken = false;
	w->readable = true;
	count(&w->reopened, 1);
	w->error = connect_nl(w, &w->err);
	if (w->error)
		w->finished = true;
	else
		weft_log_notice("worker: netlink connection replaced");
}

/* ---- the thread ---- */

static void fetch_snapshot(struct weft_worker *w)
{
	struct weft_snapshot *snapshot = atomic_exchange(&w->inbox, NULL);
	struct weft_handshake *h, *next;

	if (!snapshot)
		return;
	weft_snapshot_put(w->snapshot);
	w->snapshot = snapshot;
	for (h = w->handshakes; h; h = next) {
		next = h->next;
		if (weft_handshake_waits(h))
			weft_handshake_begin(h, snapshot);
	}
}

static void on_drained(struct weft_loop_timer *timer)
{
	weft_container_of(timer, struct weft_worker, drain)->finished = true;
}

static void on_wake(struct weft_loop *loop, void *data)
{
	struct weft_worker *w = data;

	atomic_store(&w->pongs, atomic_load(&w->pings));
	fetch_snapshot(w);
	if (atomic_load(&w->stopping) && !w->draining) {
		w->draining = true;
		weft_loop_timer_start(loop, &w->drain, weft_loop_now(loop) + WEFT_WORKER_DRAIN,
				      on_drained);
	}
}

static void turn(struct weft_worker *w)
{
	bool more = !w->draining && !full(w) && (w->readable || w->module->pending(w->nl));
	int ret = weft_loop_step(w->loop, more ? 0 : -1);

	if (ret) {
		w->error = weft_error_set(&w->err, ret, "loop: %s", strerror(-ret));
		w->finished = true;
		return;
	}
	take_offers(w);
	if (w->draining && !w->handshakes)
		w->finished = true;
	if (w->broken && !w->finished)
		reopen(w);
	if (!w->finished)
		watch_nl(w);
}

static void *run(void *data)
{
	struct weft_worker *w = data;
	const uint64_t one = 1;

	pthread_setname_np(pthread_self(), "weftd-worker");
	watch_nl(w);
	while (!w->finished)
		turn(w);

	while (w->handshakes)
		drop_handshake(w, w->handshakes);
	weft_loop_io_stop(&w->nl_io);
	weft_loop_timer_stop(&w->drain);
	disconnect_nl(w);
	atomic_store(&w->ended, true);
	if (write(w->end_fd, &one, sizeof(one)) < 0)
		weft_log_error("worker: eventfd: %s", strerror(errno));
	return NULL;
}

/* ---- the main thread's side ---- */

static void worker_free(struct weft_worker *w)
{
	disconnect_nl(w);
	weft_loop_destroy(w->loop);
	weft_snapshot_put(w->snapshot);
	weft_snapshot_put(atomic_load(&w->inbox));
	free(w);
}

static int worker_init(struct weft_worker *w, struct weft_error *err)
{
	int ret = weft_loop_create(&w->loop);

	if (ret)
		return weft_error_set(err, ret, "worker: loop: %s", strerror(-ret));
	weft_loop_set_wake(w->loop, on_wake, w);
	ret = connect_nl(w, err);
	if (ret)
		return ret;
	w->readable = true; /* offers may have come with the registration */
	ret = pthread_create(&w->thread, NULL, run, w);
	if (ret)
		return weft_error_set(err, ret, "worker: thread: %s", strerror(ret));
	return 0;
}

int weft_worker_start(struct weft_worker **worker, const struct weft_worker_module *module,
		      struct weft_snapshot *snapshot, int end_fd, struct weft_error *err)
{
	struct weft_worker *w = calloc(1, sizeof(*w));
	int ret;

	if (!w)
		return weft_error_nomem(err);
	w->module = module;
	w->end_fd = end_fd;
	w->snapshot = weft_snapshot_get(snapshot);
	ret = worker_init(w, err);
	if (ret) {
		worker_free(w);
		return ret;
	}
	*worker = w;
	return 0;
}

void weft_worker_publish(struct weft_worker *w, struct weft_snapshot *snapshot)
{
	weft_snapshot_put(atomic_exchange(&w->inbox, weft_snapshot_get(snapshot)));
	weft_loop_wake(w->loop);
}

bool weft_worker_ping(struct weft_worker *w)
{
	bool alive = atomic_load(&w->pongs) == atomic_load(&w->pings);

	if (alive)
		atomic_fetch_add(&w->pings, 1);
	weft_loop_wake(w->loop);
	return alive;
}

bool weft_worker_ended(const struct weft_worker *w)
{
	return atomic_load(&w->ended);
}

struct weft_worker_counters weft_worker_counters(const struct weft_worker *w)
{
	return (struct weft_worker_counters){
		.live = atomic_load_explicit(&w->live, memory_order_relaxed),
		.resumed = atomic_load_explicit(&w->resumed, memory_order_relaxed),
		.failed = atomic_load_explicit(&w->failed, memory_order_relaxed),
		.reopened = atomic_load_explicit(&w->reopened, memory_order_relaxed),
		.in_hand = atomic_load_explicit(&w->in_hand, memory_order_relaxed),
	};
}

void weft_worker_stop(struct weft_worker *w)
{
	atomic_store(&w->stopping, true);
	weft_loop_wake(w->loop);
}

int weft_worker_join(struct weft_worker *w, struct weft_error *err)
{
	int ret;

	pthread_join(w->thread, NULL);
	ret = w->error;
	if (ret && err)
		*err = w->err;
	worker_free(w);
	return ret;
}
