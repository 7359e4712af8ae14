// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One handshake of a worker, see handshake.h. Owns the descriptor and the TLS
 * state. Thread of the loop; the file behind the descriptor is the
 * application's too, so it leaves epoll before it is closed and its flags stay
 * as they are.
 */
#include "daemon/handshake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/cleanup.h"

/* ms before the module's own deadline, so that our word comes first: it knows why. */
#define DEADLINE_MARGIN 100

static void advance(struct weft_handshake *h, enum weft_hs_status status);
static void on_deadline(struct weft_loop_timer *timer);

struct weft_handshake *weft_handshake_create(struct weft_loop *loop,
					     const struct weft_handshake_ops *ops, void *data,
					     struct weft_nl_conn *conn, int fd)
{
	struct weft_handshake *h = calloc(1, sizeof(*h));
	uint64_t margin;

	if (!h)
		return NULL;
	h->ops = ops;
	h->data = data;
	h->loop = loop;
	h->conn = *conn;
	h->fd = fd;
	*conn = (struct weft_nl_conn){ 0 };
	margin = h->conn.deadline / 10 < DEADLINE_MARGIN ? h->conn.deadline / 10 : DEADLINE_MARGIN;
	h->deadline = weft_loop_now(loop) + h->conn.deadline - margin;
	return h;
}

void weft_handshake_destroy(struct weft_handshake *h)
{
	weft_loop_io_stop(&h->io);
	weft_loop_timer_stop(&h->timer);
	weft_hs_destroy(h->hs);
	close(h->fd);
	weft_nl_conn_uninit(&h->conn);
	free(h);
}

/* Ends it; @h may be gone afterwards. */
static void finish(struct weft_handshake *h, enum weft_reason reason, const char *detail)
{
	struct weft_nl_done done = {
		.id = h->conn.id,
		.reason = reason,
		.error = reason ? weft_hs_errno(h->conn.role, reason) : 0,
		.peer_identity = h->hs ? weft_hs_peer(h->hs) : NULL,
		.cipher = h->hs ? weft_hs_cipher(h->hs) : NULL,
		.resumed = h->hs && weft_hs_is_resumed(h->hs),
		.detail = detail && *detail ? detail : NULL,
	};

	/* After the word "done" what arrives is the application's. */
	weft_loop_io_stop(&h->io);
	weft_loop_timer_stop(&h->timer);
	if (!h->gone)
		h->ops->done(h->data, &done);
	h->ops->over(h->data, h);
}

static void on_ready(struct weft_loop_io *io, uint32_t events)
{
	struct weft_handshake *h = weft_container_of(io, struct weft_handshake, io);

	advance(h, weft_hs_step(h->hs));
}

static void watch(struct weft_handshake *h, uint32_t events)
{
	int ret;

	if (h->io.loop)
		ret = weft_loop_io_update(&h->io, events);
	else
		ret = weft_loop_io_start(h->loop, &h->io, h->fd, events, on_ready);
	if (ret)
		finish(h, WEFT_REASON_RESOURCES, "the daemon cannot wait for the socket");
}

/* What the peer is told: it is denied, it is revoked, or something is wrong here. */
static uint8_t confirm_code(enum weft_reason reason)
{
	if (reason == WEFT_REASON_POLICY_DENIED)
		return WEFT_CONFIRM_DENIED;
	return reason == WEFT_REASON_REVOKED ? WEFT_CONFIRM_REVOKED : WEFT_CONFIRM_REFUSED;
}

static enum weft_hs_status judge(struct weft_handshake *h)
{
	struct weft_error err = { 0 };
	int ret;

	ret = h->ops->judge(h->data, h->conn.id, weft_hs_peer(h->hs), weft_hs_peer_serial(h->hs),
			    &h->verdict, &err);
	if (ret) {
		h->gone = ret == -ENOENT;
		h->verdict.error = -ret;
		h->verdict.reason = WEFT_REASON_RESOURCES;
	}
	return weft_hs_judged(h->hs, !h->verdict.error, confirm_code(h->verdict.reason));
}

static void install(struct weft_handshake *h)
{
	_cleanup_(weft_ktls_wipe) struct weft_ktls_key tx = { 0 };
	_cleanup_(weft_ktls_wipe) struct weft_ktls_key rx = { 0 };
	struct weft_error err = { 0 };

	if (weft_hs_keys(h->hs, &tx, &rx, &err) ||
	    h->ops->install(h->data, h->fd, &tx, &rx, &err))
		finish(h, WEFT_REASON_TLS, err.text);
	else
		finish(h, WEFT_REASON_NONE, NULL);
}

static void fail(struct weft_handshake *h)
{
	char detail[WEFT_DETAIL_MAX + 1];

	/* The module's verdict counts, whatever became of the record that tells it. */
	if (h->verdict.error && h->verdict.reason == WEFT_REASON_REVOKED) {
		snprintf(detail, sizeof(detail), "%s, with the certificate %s, is revoked",
			 weft_hs_peer(h->hs), weft_hs_peer_serial(h->hs));
		finish(h, h->verdict.reason, detail);
	} else if (h->verdict.error) {
		finish(h, h->verdict.reason, weft_hs_detail(h->hs));
	} else {
		finish(h, weft_hs_reason(h->hs), weft_hs_detail(h->hs));
	}
}

static void advance(struct weft_handshake *h, enum weft_hs_status status)
{
	if (status == WEFT_HS_JUDGE)
		status = judge(h);

	switch (status) {
	case WEFT_HS_WANT_READ:
		watch(h, EPOLLIN);
		return;
	case WEFT_HS_WANT_WRITE:
		watch(h, EPOLLOUT);
		return;
	case WEFT_HS_DONE:
		install(h);
		return;
	case WEFT_HS_JUDGE: /* never twice */
	case WEFT_HS_FAILED:
		fail(h);
		return;
	}
}

static void on_deadline(struct weft_loop_timer *timer)
{
	struct weft_handshake *h = weft_container_of(timer, struct weft_handshake, timer);
	char detail[WEFT_DETAIL_MAX + 1];

	if (h->hs) {
		finish(h, WEFT_REASON_HANDSHAKE_TIMEOUT,
		       weft_hs_peer(h->hs) ? "the peer did not finish the handshake in time" :
					     "the peer sent no complete handshake in time");
		return;
	}
	snprintf(detail, sizeof(detail), "the daemon has no certificate for %s",
		 h->conn.identity ? h->conn.identity : "a workload without identity");
	finish(h, WEFT_REASON_NO_CERTIFICATE, detail);
}

static void await_certificate(struct weft_handshake *h)
{
	uint64_t until = weft_loop_now(h->loop) + WEFT_HANDSHAKE_CERTIFICATE_WAIT;

	if (!weft_loop_timer_running(&h->timer))
		weft_loop_timer_start(h->loop, &h->timer, until < h->deadline ? until : h->deadline,
				      on_deadline);
}

void weft_handshake_begin(struct weft_handshake *h, const struct weft_snapshot *snapshot)
{
	struct weft_tls_ctx *ctx = weft_snapshot_find(snapshot, h->conn.identity, h->conn.role);
	struct weft_error err = { 0 };

	if (!ctx) {
		await_certificate(h);
		return;
	}
	if (weft_hs_start(ctx, h->fd, h->conn.role == WEFT_ROLE_CLIENT ? h->conn.service : NULL,
			  &h->hs, &err)) {
		finish(h, WEFT_REASON_RESOURCES, err.text);
		return;
	}
	weft_hs_resume(h->hs, &h->conn.remote, h->conn.generation);
	weft_loop_timer_start(h->loop, &h->timer, h->deadline, on_deadline);
	advance(h, weft_hs_step(h->hs));
}
