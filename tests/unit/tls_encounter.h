/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The handshake engine meets a foreign peer, once, in either role.
 */
#ifndef WEFT_TEST_TLS_ENCOUNTER_H
#define WEFT_TEST_TLS_ENCOUNTER_H

#include "tls_fixture.h"

struct encounter {
	int fd[2]; /* engine, foreign */
	struct weft_hs *hs;
	struct foreign f;
	enum weft_hs_status status;
};

static inline void meet(struct encounter *e, struct world *w, const struct habits *h)
{
	new_pair(e->fd);
	foreign_init(&e->f, w, h, e->fd[1]);
	e->hs = new_hs(h->is_server ? w->client : w->server, e->fd[0]);
	e->status = run_against(e->hs, &e->f);
}

static inline void part(struct encounter *e)
{
	weft_hs_destroy(e->hs);
	foreign_uninit(&e->f);
	close_pair(e->fd);
}

/* The engine in both roles does not take a peer with these habits. */
static inline void assert_not_taken(struct world *w, struct habits h, enum weft_reason reason,
				    const char *words)
{
	for (int server = 0; server < 2; server++) {
		struct encounter e;

		h.is_server = server;
		meet(&e, w, &h);
		assert_int_equal(e.status, WEFT_HS_FAILED);
		assert_failed(e.hs, reason, words);
		part(&e);
	}
}

static inline void assert_taken(struct world *w, struct habits h, const char *identity)
{
	for (int server = 0; server < 2; server++) {
		struct encounter e;

		h.is_server = server;
		meet(&e, w, &h);
		if (e.status != WEFT_HS_DONE)
			fail_msg("%s", weft_hs_detail(e.hs));
		assert_string_equal(weft_hs_peer(e.hs), identity);
		part(&e);
	}
}

#endif
