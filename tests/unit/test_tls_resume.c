// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Resumption between daemons that have met: when it happens, what it is bound to,
 * and that whatever one end has forgotten ends in a full handshake.
 */
#include "tls_fixture.h"

#include <openssl/ssl.h>
#include "pki/crypto.h"
#include "pki/serial.h"

static const struct weft_addr addr = { .ip = { 10, 77 }, .port = 8080 };

/* Client and server as two daemons: a memory and a context each. */
struct pair {
	const struct world *w;
	struct weft_resume *memory[2]; /* by role, as all below */
	struct weft_tls_ctx *ctx[2];
	uint64_t generation[2];
	struct weft_addr addr;
	const char *name;
	bool client_allows, server_allows;
	bool corrupts; /* the client's first flight, on its way */
};

/* How one connection between them went. */
struct outcome {
	char serial[2][WEFT_SERIAL_SIZE]; /* of the peer, as it is judged */
	enum weft_hs_status status[2];
	enum weft_reason reason[2];
	bool resumed[2];
	int judged[2];
	bool same_keys;
	size_t client_sent, server_sent; /* first flights */
};

static struct weft_tls_ctx *remembering(enum weft_role role, struct weft_svid *svid,
					struct weft_bundle *bundle, struct weft_resume *memory)
{
	struct weft_tls_ctx *ctx = new_ctx(role, svid, bundle);

	weft_tls_ctx_set_resume(ctx, memory);
	return ctx;
}

static void pair_init(struct pair *p, void **state)
{
	const struct world *w = *state;

	*p = (struct pair){ .w = w, .generation = { 7, 3 }, .addr = addr, .name = "payments",
			    .client_allows = true, .server_allows = true };
	for (int i = 0; i < 2; i++)
		p->memory[i] = weft_resume_create();
	p->ctx[WEFT_ROLE_CLIENT] =
		remembering(WEFT_ROLE_CLIENT, w->cart, w->bundle, p->memory[WEFT_ROLE_CLIENT]);
	p->ctx[WEFT_ROLE_SERVER] =
		remembering(WEFT_ROLE_SERVER, w->payments, w->bundle, p->memory[WEFT_ROLE_SERVER]);
}

/* The daemon of one role has a new context: a new SVID, or it was started anew. */
static void renew(struct pair *p, enum weft_role role, struct weft_svid *svid)
{
	weft_tls_ctx_put(p->ctx[role]);
	p->ctx[role] = remembering(role, svid, p->w->bundle, p->memory[role]);
}

static void pair_uninit(struct pair *p)
{
	for (int i = 0; i < 2; i++) {
		weft_tls_ctx_put(p->ctx[i]);
		weft_resume_put(p->memory[i]);
	}
}

static size_t waiting(int fd)
{
	char buf[16384];
	ssize_t n = recv(fd, buf, sizeof(buf), MSG_PEEK | MSG_DONTWAIT);

	return n > 0 ? n : 0;
}

/* The binder is at the very end of a ClientHello (RFC 8446, 4.2.11). */
static void flip_last_byte(int fd[2])
{
	uint8_t buf[16384];
	ssize_t n = recv(fd[1], buf, sizeof(buf), MSG_DONTWAIT);

	assert_true(n > 0);
	buf[n - 1] ^= 1;
	assert_int_equal(send(fd[0], buf, n, 0), n);
}

static void side_step(struct pair *p, struct outcome *o, struct weft_hs **hs, enum weft_role role)
{
	bool allow = role == WEFT_ROLE_CLIENT ? p->client_allows : p->server_allows;

	if (is_over(o->status[role]))
		return;
	o->status[role] = weft_hs_step(hs[role]);
	if (o->status[role] != WEFT_HS_JUDGE)
		return;
	o->judged[role]++;
	strcpy(o->serial[role], weft_hs_peer_serial(hs[role]));
	assert_string_equal(weft_hs_peer(hs[role]), role == WEFT_ROLE_CLIENT ? PAYMENTS : CART);
	o->status[role] = weft_hs_judged(hs[role], allow, WEFT_CONFIRM_DENIED);
}

static void note(struct outcome *o, struct weft_hs **hs)
{
	struct weft_ktls_key key[2][2]; /* role, tx and rx */

	for (int i = 0; i < 2; i++) {
		o->reason[i] = weft_hs_reason(hs[i]);
		o->resumed[i] = weft_hs_is_resumed(hs[i]);
	}
	if (o->status[0] != WEFT_HS_DONE || o->status[1] != WEFT_HS_DONE)
		return;
	for (int i = 0; i < 2; i++)
		assert_int_equal(weft_hs_keys(hs[i], &key[i][0], &key[i][1], NULL), 0);
	o->same_keys = !memcmp(&key[0][0].info, &key[1][1].info, key[0][0].len) &&
		       !memcmp(&key[0][1].info, &key[1][0].info, key[0][1].len) &&
		       memcmp(&key[0][0].info, &key[0][1].info, key[0][0].len);
}

static struct outcome connect_pair(struct pair *p)
{
	struct outcome o = { 0 };
	struct weft_hs *hs[2];
	int fd[2];

	new_pair(fd);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(weft_hs_start(p->ctx[i], fd[i], i ? NULL : p->name, &hs[i], NULL),
				 0);
		weft_hs_resume(hs[i], &p->addr, p->generation[i]);
	}
	side_step(p, &o, hs, WEFT_ROLE_CLIENT);
	o.client_sent = waiting(fd[1]);
	if (p->corrupts)
		flip_last_byte(fd);
	side_step(p, &o, hs, WEFT_ROLE_SERVER);
	o.server_sent = waiting(fd[0]);
	for (int i = 0; i < 100 && !(is_over(o.status[0]) && is_over(o.status[1])); i++) {
		side_step(p, &o, hs, WEFT_ROLE_CLIENT);
		side_step(p, &o, hs, WEFT_ROLE_SERVER);
	}
	note(&o, hs);
	for (int i = 0; i < 2; i++)
		weft_hs_destroy(hs[i]);
	close_pair(fd);
	return o;
}

static void assert_done(const struct outcome *o, bool resumed)
{
	for (int i = 0; i < 2; i++) {
		assert_int_equal(o->status[i], WEFT_HS_DONE);
		assert_int_equal(o->resumed[i], resumed);
	}
	assert_true(o->same_keys);
	assert_int_equal(o->judged[WEFT_ROLE_CLIENT], 1);
	assert_int_equal(o->judged[WEFT_ROLE_SERVER], 1);
}

static void assert_full(struct pair *p)
{
	struct outcome o = connect_pair(p);

	assert_done(&o, false);
}

static void assert_resumed(struct pair *p)
{
	struct outcome o = connect_pair(p);

	assert_done(&o, true);
}

/* ---- what it is ---- */

static void second_connection_is_resumed_and_shows_no_certificate(void **state)
{
	struct outcome first, second;
	struct pair p;

	pair_init(&p, state);
	first = connect_pair(&p);
	second = connect_pair(&p);
	assert_done(&first, false);
	assert_done(&second, true);
	assert_true(second.client_sent > first.client_sent); /* the PSK */
	assert_true(second.server_sent + 400 < first.server_sent);   /* the certificate */
	pair_uninit(&p);
}

static void one_secret_serves_many_connections(void **state)
{
	struct pair p;

	pair_init(&p, state);
	assert_full(&p);
	for (int i = 0; i < 20; i++)
		assert_resumed(&p);
	assert_int_equal(weft_resume_count(p.memory[0], WEFT_ROLE_CLIENT), 1);
	assert_int_equal(weft_resume_count(p.memory[1], WEFT_ROLE_SERVER), 1);
	assert_int_equal(weft_resume_count(p.memory[0], WEFT_ROLE_SERVER), 0);
	pair_uninit(&p);
}

static void each_resumed_connection_has_keys_of_its_own(void **state)
{
	struct weft_ktls_key tx[2], rx;
	struct pair p;

	pair_init(&p, state);
	assert_full(&p);
	for (int i = 0; i < 2; i++) {
		struct weft_hs *hs[2];
		int fd[2];

		new_pair(fd);
		for (int r = 0; r < 2; r++) {
			hs[r] = new_hs(p.ctx[r], fd[r]);
			weft_hs_resume(hs[r], &p.addr, p.generation[r]);
		}
		weft_hs_step(hs[0]);
		weft_hs_step(hs[1]);
		assert_int_equal(weft_hs_step(hs[0]), WEFT_HS_JUDGE);
		assert_int_equal(weft_hs_judged(hs[0], true, 0), WEFT_HS_WANT_READ);
		assert_int_equal(weft_hs_step(hs[1]), WEFT_HS_JUDGE);
		assert_int_equal(weft_hs_judged(hs[1], true, 0), WEFT_HS_DONE);
		assert_int_equal(weft_hs_step(hs[0]), WEFT_HS_DONE);
		assert_int_equal(weft_hs_keys(hs[0], &tx[i], &rx, NULL), 0);
		for (int r = 0; r < 2; r++)
			weft_hs_destroy(hs[r]);
		close_pair(fd);
	}
	assert_memory_not_equal(tx[0].aes_gcm_128.key, tx[1].aes_gcm_128.key, 16);
	pair_uninit(&p);
}

static void server_still_judges_and_its_no_is_heard(void **state)
{
	struct outcome o;
	struct pair p;

	pair_init(&p, state);
	assert_full(&p);
	p.server_allows = false;
	o = connect_pair(&p);
	assert_int_equal(o.judged[WEFT_ROLE_SERVER], 1);
	assert_true(o.resumed[WEFT_ROLE_SERVER]);
	assert_int_equal(o.reason[WEFT_ROLE_SERVER], WEFT_REASON_POLICY_DENIED);
	assert_int_equal(o.reason[WEFT_ROLE_CLIENT], WEFT_REASON_PEER_DENIED);
	p.server_allows = true;
	assert_resumed(&p);
	pair_uninit(&p);
}

static void client_still_judges(void **state)
{
	struct outcome o;
	struct pair p;

	pair_init(&p, state);
	assert_full(&p);
	p.client_allows = false;
	o = connect_pair(&p);
	assert_true(o.resumed[WEFT_ROLE_CLIENT]);
	assert_int_equal(o.judged[WEFT_ROLE_CLIENT], 1);
	assert_int_equal(o.status[WEFT_ROLE_CLIENT], WEFT_HS_FAILED);
	assert_int_equal(o.reason[WEFT_ROLE_CLIENT], WEFT_REASON_PEER_IDENTITY);
	pair_uninit(&p);
}

static void resumed_peer_has_the_serial_of_its_full_handshake(void **state)
{
	char cart[WEFT_SERIAL_SIZE], payments[WEFT_SERIAL_SIZE];
	struct outcome full, resumed;
	struct pair p;

	pair_init(&p, state);
	assert_int_equal(weft_pki_serial(p.w->cart->cert, cart, NULL), 0);
	assert_int_equal(weft_pki_serial(p.w->payments->cert, payments, NULL), 0);
	full = connect_pair(&p);
	resumed = connect_pair(&p);
	assert_done(&full, false);
	assert_done(&resumed, true);
	assert_string_equal(full.serial[WEFT_ROLE_SERVER], cart);
	assert_string_equal(full.serial[WEFT_ROLE_CLIENT], payments);
	assert_string_equal(resumed.serial[WEFT_ROLE_SERVER], cart);
	assert_string_equal(resumed.serial[WEFT_ROLE_CLIENT], payments);
	pair_uninit(&p);
}

static void refused_handshake_leaves_no_secret(void **state)
{
	struct pair p;

	pair_init(&p, state);
	p.server_allows = false;
	connect_pair(&p);
	assert_int_equal(weft_resume_count(p.memory[0], WEFT_ROLE_CLIENT), 0);
	assert_int_equal(weft_resume_count(p.memory[1], WEFT_ROLE_SERVER), 0);
	p.server_allows = true;
	assert_full(&p);
	pair_uninit(&p);
}

/* ---- what it is bound to ---- */

static void server_that_forgot_makes_a_full_handshake(void **state)
{
	struct pair p;

	pair_init(&p, state);
	assert_full(&p);
	weft_resume_put(p.memory[1]); /* killed, and started anew */
	p.memory[1] = weft_resume_create();
	renew(&p, WEFT_ROLE_SERVER, p.w->payments);
	assert_full(&p);
	assert_resumed(&p);
	pair_uninit(&p);
}

static void client_that_forgot_makes_a_full_handshake(void **state)
{
	struct pair p;

	pair_init(&p, state);
	assert_full(&p);
	weft_resume_put(p.memory[0]);
	p.memory[0] = weft_resume_create();
	renew(&p, WEFT_ROLE_CLIENT, p.w->cart);
	assert_full(&p);
	assert_resumed(&p);
	pair_uninit(&p);
}

static void new_svid_means_a_full_handshake_at_either_end(void **state)
{
	const char *const names[] = { CART, PAYMENTS };
	struct pair p;

	for (int role = 0; role < 2; role++) {
		struct weft_svid *svid;

		pair_init(&p, state);
		svid = new_svid(names[role], &p.w->ca);
		assert_full(&p);
		renew(&p, role, svid);
		assert_int_equal(weft_resume_count(p.memory[role], role), 0);
		assert_full(&p);
		assert_resumed(&p);
		weft_svid_put(svid);
		pair_uninit(&p);
	}
}

static void new_generation_means_a_full_handshake_at_either_end(void **state)
{
	struct pair p;

	for (int role = 0; role < 2; role++) {
		pair_init(&p, state);
		assert_full(&p);
		p.generation[role]++;
		assert_full(&p);
		assert_resumed(&p);
		pair_uninit(&p);
	}
}

static void older_generation_does_not_use_a_newer_secret_nor_drop_it(void **state)
{
	struct pair p;

	pair_init(&p, state);
	assert_full(&p);
	p.generation[WEFT_ROLE_SERVER]--; /* a handshake that began before the commit */
	assert_full(&p);
	p.generation[WEFT_ROLE_SERVER]++;
	assert_int_equal(weft_resume_count(p.memory[1], WEFT_ROLE_SERVER), 2);
	pair_uninit(&p);
}

static void unknown_generation_is_never_resumed(void **state)
{
	struct pair p;

	for (int role = 0; role < 2; role++) {
		pair_init(&p, state);
		p.generation[role] = 0;
		assert_full(&p);
		assert_full(&p);
		pair_uninit(&p);
	}
}

static void other_endpoint_or_service_is_another_server(void **state)
{
	struct pair p;

	pair_init(&p, state);
	assert_full(&p);
	p.addr.port++;
	assert_full(&p);
	p.addr.port--;
	p.name = "payments-2";
	assert_full(&p);
	p.name = NULL;
	assert_full(&p);
	p.name = "payments";
	assert_resumed(&p);
	pair_uninit(&p);
}

/* Two workloads behind one daemon: what one of them proved is not the other's. */
static void identity_behind_the_same_daemon_is_not_mistaken(void **state)
{
	struct weft_tls_ctx *payments, *other_ctx;
	struct weft_svid *other;
	struct outcome o;
	struct pair p;

	pair_init(&p, state);
	other = new_svid("spiffe://example.org/shop/payments", &p.w->ca);
	other_ctx = remembering(WEFT_ROLE_SERVER, other, p.w->bundle, p.memory[1]);
	assert_full(&p);
	payments = p.ctx[1];
	p.ctx[1] = other_ctx; /* the port belongs to another one now */
	o = connect_pair(&p);
	assert_done(&o, false);
	p.ctx[1] = payments;
	weft_tls_ctx_put(other_ctx);
	weft_svid_put(other);
	pair_uninit(&p);
}

static void client_of_another_identity_has_no_use_for_it(void **state)
{
	struct weft_tls_ctx *cart;
	struct weft_svid *svid;
	struct outcome o;
	struct pair p;

	pair_init(&p, state);
	assert_full(&p);
	/* The same daemon, another workload, the same server. */
	svid = new_svid(CART, &p.w->ca);
	cart = p.ctx[0];
	p.ctx[0] = remembering(WEFT_ROLE_CLIENT, svid, p.w->bundle, p.memory[0]);
	o = connect_pair(&p);
	assert_done(&o, false);
	weft_tls_ctx_put(p.ctx[0]);
	p.ctx[0] = cart;
	assert_resumed(&p);
	weft_svid_put(svid);
	pair_uninit(&p);
}

/* ---- the memory itself ---- */

static struct weft_psk sample(uint64_t generation)
{
	struct weft_psk psk = { .secret_len = 32, .suite = 0x1301, .since = 1000, .until = 2000,
				.generation = generation, .serial = "0a1b", .peer = CART };

	memset(psk.id, 5, sizeof(psk.id));
	memset(psk.secret, 6, 32);
	return psk;
}

static int find(struct weft_resume *memory, uint64_t context, uint64_t generation, int64_t now)
{
	struct weft_psk psk = sample(generation), found;
	int r = weft_resume_find_server(memory, context, psk.id, sizeof(psk.id), generation, now,
					&found);

	if (!r) {
		assert_string_equal(found.peer, CART);
		assert_string_equal(found.serial, "0a1b");
		assert_int_equal(found.secret_len, 32);
		assert_memory_equal(found.secret, psk.secret, 32);
	}
	return r;
}

static void secret_of_an_unknown_certificate_is_no_good(void **state)
{
	struct weft_resume *memory = weft_resume_create();
	struct weft_resume_key key;
	struct weft_psk psk = sample(7), found;

	weft_resume_add_server(memory, 1, &psk);
	assert_int_equal(find(memory, 1, 7, 1500), 0);
	psk.serial[0] = '\0';
	weft_resume_add_server(memory, 1, &psk);
	assert_int_equal(find(memory, 1, 7, 1500), -ENOENT);
	weft_resume_key(&key, 1, &addr, "payments");
	weft_resume_add_client(memory, &key, 1, &psk);
	assert_int_equal(weft_resume_find_client(memory, &key, 7, 1500, &found), -ENOENT);
	weft_resume_put(memory);
}

static void secret_ends_with_its_time(void **state)
{
	static const struct {
		int64_t now;
		int r;
	} at[] = { { 1000, 0 }, { 1999, 0 }, { 2000, -ENOENT }, { 999, -ENOENT }, { 0, -ENOENT } };

	for (int i = 0; i < 5; i++) {
		struct weft_resume *memory = weft_resume_create();
		struct weft_psk psk = sample(7);

		weft_resume_add_server(memory, 1, &psk);
		assert_int_equal(find(memory, 1, 7, at[i].now), at[i].r);
		assert_int_equal(weft_resume_count(memory, WEFT_ROLE_SERVER), !at[i].r);
		weft_resume_put(memory);
	}
}

static void identifier_must_be_whole_and_of_this_context(void **state)
{
	struct weft_resume *memory = weft_resume_create();
	struct weft_psk psk = sample(7), found;
	uint8_t id[WEFT_PSK_ID_LEN + 1] = { 0 };

	weft_resume_add_server(memory, 1, &psk);
	assert_int_equal(find(memory, 2, 7, 1500), -ENOENT);
	memcpy(id, psk.id, WEFT_PSK_ID_LEN);
	assert_int_equal(weft_resume_find_server(memory, 1, id, 0, 7, 1500, &found), -ENOENT);
	assert_int_equal(weft_resume_find_server(memory, 1, id, 31, 7, 1500, &found), -ENOENT);
	assert_int_equal(weft_resume_find_server(memory, 1, id, 33, 7, 1500, &found), -ENOENT);
	id[31] ^= 1;
	assert_int_equal(weft_resume_find_server(memory, 1, id, 32, 7, 1500, &found), -ENOENT);
	assert_int_equal(find(memory, 1, 7, 1500), 0);
	weft_resume_put(memory);
}

static void lifetime_is_the_shortest_of_certificates_and_age(void **state)
{
	struct weft_resume_key key;
	struct weft_psk psk;
	struct pair p;

	/* The SVIDs of the fixture live as long as WEFT_RESUME_AGE, from a moment ago. */
	pair_init(&p, state);
	assert_full(&p);
	weft_resume_key(&key, weft_tls_ctx_number(p.ctx[0]), &p.addr, p.name);
	assert_int_equal(weft_resume_find_client(p.memory[0], &key, 7, time(NULL), &psk), 0);
	assert_true(psk.until <= p.w->cart->not_after);
	assert_true(psk.until <= p.w->payments->not_after);
	assert_true(psk.until <= psk.since + WEFT_RESUME_AGE);
	assert_string_equal(psk.peer, PAYMENTS);
	assert_int_equal(weft_resume_find_client(p.memory[0], &key, 7, psk.until, &psk), -ENOENT);
	assert_full(&p);
	pair_uninit(&p);
}

/* A world with a root of its own; who is @below has a certificate by @middle. */
static void world_below(struct world *w, const struct authority *middle, enum weft_role below)
{
	w->bundle = weft_bundle_create();
	assert_int_equal(weft_bundle_add(w->bundle, w->ca.cert, "example.org", NULL), 0);
	w->cart = below == WEFT_ROLE_CLIENT ? new_svid_below(CART, middle, -HOUR, HOUR) :
					      new_svid(CART, &w->ca);
	w->payments = below == WEFT_ROLE_SERVER ? new_svid_below(PAYMENTS, middle, -HOUR, HOUR) :
						  new_svid(PAYMENTS, &w->ca);
}

/* Both ends' secret of the connection that @p made last ends at @until. */
static void assert_until(struct pair *p, int64_t until)
{
	struct weft_psk psk, of_server;
	struct weft_resume_key key;

	weft_resume_key(&key, weft_tls_ctx_number(p->ctx[0]), &p->addr, p->name);
	assert_int_equal(weft_resume_find_client(p->memory[0], &key, 7, time(NULL), &psk), 0);
	assert_int_equal(weft_resume_find_server(p->memory[1], weft_tls_ctx_number(p->ctx[1]),
						 psk.id, sizeof(psk.id), 3, time(NULL), &of_server),
			 0);
	assert_int_equal(psk.until, until);
	assert_int_equal(of_server.until, until);
}

static void secret_does_not_outlive_what_signed_either_certificate(void **state)
{
	for (int role = 0; role < 2; role++) {
		struct world w = { .ca = new_tall_authority("example.org") };
		struct authority middle = new_intermediate(&w.ca, HOUR / 10);
		int64_t end = weft_crypto_time(X509_get0_notAfter(middle.cert));
		void *mine = &w;
		struct pair p;

		world_below(&w, &middle, role);
		pair_init(&p, &mine);
		assert_full(&p);
		assert_until(&p, end);
		/* Once more, with chains that were verified before. */
		for (int i = 0; i < 2; i++) {
			weft_resume_put(p.memory[i]);
			p.memory[i] = weft_resume_create();
			renew(&p, i, i == WEFT_ROLE_CLIENT ? w.cart : w.payments);
		}
		assert_full(&p);
		assert_until(&p, end);
		pair_uninit(&p);
		weft_svid_put(w.cart);
		weft_svid_put(w.payments);
		weft_bundle_put(w.bundle);
		authority_uninit(&middle);
		authority_uninit(&w.ca);
	}
}

/* ---- hostile ---- */

static void forged_binder_is_refused_and_costs_one_connection(void **state)
{
	struct outcome o;
	struct pair p;

	pair_init(&p, state);
	assert_full(&p);
	p.corrupts = true;
	o = connect_pair(&p);
	assert_int_equal(o.status[WEFT_ROLE_SERVER], WEFT_HS_FAILED);
	assert_int_equal(o.reason[WEFT_ROLE_SERVER], WEFT_REASON_TLS);
	assert_int_equal(o.judged[WEFT_ROLE_SERVER], 0);
	assert_false(o.resumed[WEFT_ROLE_SERVER]);
	assert_int_equal(o.status[WEFT_ROLE_CLIENT], WEFT_HS_FAILED);
	p.corrupts = false;
	assert_full(&p);
	assert_resumed(&p);
	pair_uninit(&p);
}

/* A recorded first flight gets an answer, but never a judgement. */
static void replayed_client_hello_gets_nowhere(void **state)
{
	struct weft_hs *hs[2];
	uint8_t hello[4096], buf[16384];
	struct pair p;
	ssize_t n;
	int fd[2];

	pair_init(&p, state);
	assert_full(&p);
	new_pair(fd);
	hs[0] = new_hs(p.ctx[0], fd[0]);
	weft_hs_resume(hs[0], &p.addr, p.generation[0]);
	weft_hs_step(hs[0]);
	n = recv(fd[1], hello, sizeof(hello), MSG_DONTWAIT);
	assert_true(n > 0);
	weft_hs_destroy(hs[0]);
	close_pair(fd);

	new_pair(fd);
	hs[1] = new_hs(p.ctx[1], fd[1]);
	weft_hs_resume(hs[1], &p.addr, p.generation[1]);
	assert_int_equal(send(fd[0], hello, n, 0), n);
	assert_int_equal(weft_hs_step(hs[1]), WEFT_HS_WANT_READ);
	assert_true(recv(fd[0], buf, sizeof(buf), MSG_DONTWAIT) > 0);
	assert_int_equal(send(fd[0], hello, n, 0), n);
	assert_int_equal(weft_hs_step(hs[1]), WEFT_HS_FAILED);
	assert_null(weft_hs_peer(hs[1]));
	weft_hs_destroy(hs[1]);
	close_pair(fd);
	pair_uninit(&p);
}

static void foreign_peers_get_no_secret(void **state)
{
	const struct habits habits = { 0 };
	struct weft_hs *hs;
	struct foreign f;
	struct pair p;
	int fd[2];

	pair_init(&p, state);
	new_pair(fd);
	hs = new_hs(p.ctx[1], fd[1]);
	weft_hs_resume(hs, &p.addr, p.generation[1]);
	foreign_init(&f, p.w, &habits, fd[0]);
	assert_int_equal(run_against(hs, &f), WEFT_HS_DONE);
	assert_false(weft_hs_is_weft(hs));
	assert_int_equal(weft_resume_count(p.memory[1], WEFT_ROLE_SERVER), 0);
	weft_hs_destroy(hs);
	foreign_uninit(&f);
	close_pair(fd);
	pair_uninit(&p);
}

/* ---- a foreign client that has the secret ---- */

static const struct weft_psk *known;

static int offer_known(SSL *ssl, const EVP_MD *md, const unsigned char **id, size_t *id_len,
		       SSL_SESSION **session)
{
	*session = weft_psk_session(known, ssl);
	*id = known->id;
	*id_len = sizeof(known->id);
	return 1;
}

/* Not even with the right secret is anything resumed that is not weft/1. */
static void secret_without_weft_1_is_refused(void **state)
{
	const struct habits habits = { .suites = "TLS_AES_128_GCM_SHA256" };
	struct weft_resume_key key;
	struct weft_psk psk;
	struct weft_hs *hs;
	struct foreign f;
	struct pair p;
	int fd[2];

	pair_init(&p, state);
	assert_full(&p);
	weft_resume_key(&key, weft_tls_ctx_number(p.ctx[0]), &p.addr, p.name);
	assert_int_equal(weft_resume_find_client(p.memory[0], &key, 7, time(NULL), &psk), 0);
	known = &psk;
	new_pair(fd);
	hs = new_hs(p.ctx[1], fd[1]);
	weft_hs_resume(hs, &p.addr, p.generation[1]);
	foreign_init(&f, p.w, &habits, fd[0]);
	SSL_set_session_id_context(f.ssl, (const unsigned char *)"", 0);
	SSL_set_psk_use_session_callback(f.ssl, offer_known);
	assert_int_equal(run_against(hs, &f), WEFT_HS_FAILED);
	assert_failed(hs, WEFT_REASON_TLS, "not between daemons");
	weft_hs_destroy(hs);
	foreign_uninit(&f);
	close_pair(fd);
	pair_uninit(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(second_connection_is_resumed_and_shows_no_certificate),
		cmocka_unit_test(one_secret_serves_many_connections),
		cmocka_unit_test(each_resumed_connection_has_keys_of_its_own),
		cmocka_unit_test(server_still_judges_and_its_no_is_heard),
		cmocka_unit_test(client_still_judges),
		cmocka_unit_test(refused_handshake_leaves_no_secret),
		cmocka_unit_test(resumed_peer_has_the_serial_of_its_full_handshake),
		cmocka_unit_test(server_that_forgot_makes_a_full_handshake),
		cmocka_unit_test(client_that_forgot_makes_a_full_handshake),
		cmocka_unit_test(new_svid_means_a_full_handshake_at_either_end),
		cmocka_unit_test(new_generation_means_a_full_handshake_at_either_end),
		cmocka_unit_test(older_generation_does_not_use_a_newer_secret_nor_drop_it),
		cmocka_unit_test(unknown_generation_is_never_resumed),
		cmocka_unit_test(other_endpoint_or_service_is_another_server),
		cmocka_unit_test(identity_behind_the_same_daemon_is_not_mistaken),
		cmocka_unit_test(client_of_another_identity_has_no_use_for_it),
		cmocka_unit_test(secret_of_an_unknown_certificate_is_no_good),
		cmocka_unit_test(secret_ends_with_its_time),
		cmocka_unit_test(identifier_must_be_whole_and_of_this_context),
		cmocka_unit_test(lifetime_is_the_shortest_of_certificates_and_age),
		cmocka_unit_test(secret_does_not_outlive_what_signed_either_certificate),
		cmocka_unit_test(forged_binder_is_refused_and_costs_one_connection),
		cmocka_unit_test(replayed_client_hello_gets_nowhere),
		cmocka_unit_test(foreign_peers_get_no_secret),
		cmocka_unit_test(secret_without_weft_1_is_refused),
	};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
