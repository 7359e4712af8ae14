/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the unit tests of join/ share that talk over 127.0.0.1: a CA that serves, and
 * nodes.
 */
#ifndef WEFT_TEST_JOIN_SERVE_H
#define WEFT_TEST_JOIN_SERVE_H

#include <pthread.h>
#include <time.h>
#include "join_fixture.h"
#include "join/channel.h"
#include "join/client.h"
#include "join/server.h"

#define DAY 86400LL
#define ANYTHING "spiffe://example.org/*"

/* ---- a CA that serves ---- */

static struct weft_ca *ca;
static struct weft_join_server *server;

/* What it told, under a lock. */
static pthread_mutex_t told_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t told_more = PTHREAD_COND_INITIALIZER;
static int joined, issued, refused, warned;
static const char *watched; /* an identity; NULL: none */
static int issued_watched;
static char last_refusal[WEFT_ERROR_MAX], last_node[64];

static inline void note(int *counter, const struct weft_join_event *event)
{
	pthread_mutex_lock(&told_lock);
	++*counter;
	snprintf(last_node, sizeof(last_node), "%s", event->node ? event->node : "");
	if (counter == &issued && watched && !strcmp(watched, event->identity))
		issued_watched++;
	if (event->text)
		snprintf(last_refusal, sizeof(last_refusal), "%s", event->text);
	pthread_cond_broadcast(&told_more);
	pthread_mutex_unlock(&told_lock);
}

/* Until it has told more than @n of @counter, at most @ms. Return: how many it has. */
static inline int await_told(const int *counter, int n, int ms)
{
	struct timespec end;
	int told, r = 0;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += ms / 1000;
	end.tv_nsec += ms % 1000 * 1000000L;
	if (end.tv_nsec >= 1000000000L) {
		end.tv_sec++;
		end.tv_nsec -= 1000000000L;
	}
	pthread_mutex_lock(&told_lock);
	while (*counter <= n && !r)
		r = pthread_cond_timedwait(&told_more, &told_lock, &end);
	told = *counter;
	pthread_mutex_unlock(&told_lock);
	return told;
}

static inline void on_joined(const struct weft_join_event *event, void *data)
{
	note(&joined, event);
}

static inline void on_issued(const struct weft_join_event *event, void *data)
{
	note(&issued, event);
}

static inline void on_refused(const struct weft_join_event *event, void *data)
{
	note(&refused, event);
}

static inline void on_failed(const char *text, void *data)
{
}

static inline void on_warned(const char *text, void *data)
{
	pthread_mutex_lock(&told_lock);
	warned++;
	pthread_mutex_unlock(&told_lock);
}

static const struct weft_join_log_ops ops = {
	.joined = on_joined,
	.issued = on_issued,
	.refused = on_refused,
	.failed = on_failed,
	.warned = on_warned,
};

static inline void serve(const char *ca_name, uint32_t deadline_ms, uint32_t lifetime_max)
{
	static char ca_dir[160];
	struct weft_join_server_config config = {
		.ca_dir = ca_dir,
		.deadline_ms = deadline_ms,
		.lifetime_max = lifetime_max,
		.ops = &ops,
	};
	struct weft_error err = { 0 };

	strcpy(ca_dir, in_dir(ca_name));
	ca = open_ca(ca_name);
	config.ca = ca;
	assert_int_equal(weft_addr_parse(&config.listen, "127.0.0.1"), 0);
	joined = issued = refused = warned = issued_watched = 0;
	if (weft_join_server_start(&config, &server, &err))
		fail_msg("%s", err.text);
	assert_true(weft_join_server_port(server) > 0);
}

static inline void end(void)
{
	weft_join_server_stop(server);
	weft_ca_close(ca);
	server = NULL;
	ca = NULL;
}

static inline const char *address(void)
{
	static char text[32];

	snprintf(text, sizeof(text), "127.0.0.1:%u", weft_join_server_port(server));
	return text;
}

static inline int start(void **state)
{
	if (make_dir(state))
		return -1;
	serve("ca", 0, 0);
	return 0;
}

static inline int stop(void **state)
{
	end();
	return remove_dir(state);
}

/* ---- nodes ---- */

static inline void make_token(const char *node, const char *identities, const char *file)
{
	struct weft_error err = { 0 };

	unlink(in_dir(file));
	if (add_token(ca, "ca", node, identities, file, NULL, &err))
		fail_msg("%s", err.text);
}

/* With the token in file "<name>.token", if @with_token. */
static inline struct weft_join_client *open_node(const char *name, bool with_token)
{
	struct weft_join_client *client = NULL;
	struct weft_error err = { 0 };
	char token[80];

	snprintf(token, sizeof(token), "%s.token", name);
	if (weft_join_client_open(in_dir(name), address(), DOMAIN,
				  with_token ? in_dir(token) : NULL, &client, &err))
		fail_msg("%s", err.text);
	return client;
}

static inline struct weft_join_client *join_node(const char *name, const char *identities)
{
	struct weft_join_client *client;
	struct weft_error err = { 0 };
	char token[80];

	snprintf(token, sizeof(token), "%s.token", name);
	make_token(name, identities, token);
	client = open_node(name, true);
	if (weft_join_client_join(client, &err))
		fail_msg("%s", err.text);
	return client;
}

static inline void assert_join(struct weft_join_client *client, int error, const char *says)
{
	struct weft_error err = { 0 };

	assert_int_equal(weft_join_client_join(client, &err), error);
	assert_says(&err, says);
}

static inline void assert_sign(struct weft_join_client *client, const char *identity, int error,
			const char *says)
{
	struct weft_svid *svid = NULL;
	struct weft_error err = { 0 };

	assert_int_equal(weft_join_client_sign(client, identity, 0, &svid, &err), error);
	assert_null(svid);
	assert_says(&err, says);
}

static inline struct weft_svid *sign(struct weft_join_client *client, const char *identity,
			      int64_t lifetime)
{
	struct weft_svid *svid = NULL;
	struct weft_error err = { 0 };

	if (weft_join_client_sign(client, identity, lifetime, &svid, &err))
		fail_msg("%s", err.text);
	return svid;
}

static inline EVP_PKEY *new_key(void)
{
	EVP_PKEY *key = NULL;

	assert_int_equal(weft_cert_key(&key, NULL), 0);
	return key;
}

#define SERVED(f) cmocka_unit_test_setup_teardown(f, start, stop)

#endif
