// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The CA's end of the channel. See server.h.
 *
 * A slot goes FREE -> BUSY (accept thread) -> DONE (its own thread, last thing it
 * does) -> FREE (accept thread, once it has joined it). While it is BUSY it may be kept,
 * or, when it is not, be evicted by the accept thread, which cuts its connection off and
 * waits for its thread: that waits for nothing but its peer then. weft_join_server_stop()
 * ends the accept thread first and then is alone with the slots.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include "base/array.h"
#include "base/cleanup.h"
#include "join/channel.h"
#include "join/grant.h"
#include "join/server.h"
#include "pki/ca_rotate.h"
#include "pki/crypto.h"
#include "pki/pem.h"

#define BACKLOG 128
#define RETRY 60     /* s, until a certificate that was not renewed is tried again */
#define PAUSE_MS 100 /* when there is no memory or descriptor to accept with */

enum slot_state { FREE, BUSY, DONE };

/* The CA as it was read, for the connections that begin while it is so. Constant. */
struct office {
	unsigned int refs; /* atomic */
	struct weft_ca *ca;
	struct weft_authority authority;
	char *bundle_pem;
	struct weft_bundle *bundle;
	STACK_OF(X509) *roots;
};

struct slot {
	struct weft_join_server *server;
	pthread_t thread; /* the accept thread's */
	/* Set before the thread starts. */
	struct office *office;
	SSL_CTX *tls;
	struct weft_addr peer;
	uint64_t number; /* of the connection, the accept thread's */
	/* Under server->lock. */
	enum slot_state state;
	int fd; /* -1: closed */
	bool kept, evicted; /* never both */
};

struct weft_join_server {
	const struct weft_join_log_ops *ops;
	const char *ca_dir;
	int64_t lifetime_max;
	uint32_t deadline_ms;
	char *ca_identity;
	int listen_fd, wake_fd;
	pthread_t thread;
	bool stopping; /* atomic */
	/* The accept thread's. */
	struct office *office;
	struct weft_error problem; /* with its files, as it was told */
	bool warned;
	SSL_CTX *tls;
	int64_t renew_at, valid_from; /* as time() */
	uint64_t connections; /* so many there were */

	pthread_mutex_t lock; /* of the slots' state */
	struct slot slots[WEFT_JOIN_CONNECTIONS_MAX];
};

/* ---- the CA as it was read ---- */

static void office_put(struct office *office)
{
	if (!office || __atomic_sub_fetch(&office->refs, 1, __ATOMIC_ACQ_REL))
		return;
	weft_ca_close(office->ca);
	weft_bundle_put(office->bundle);
	sk_X509_pop_free(office->roots, X509_free);
	free(office->bundle_pem);
	free(office);
}

static int office_fill(struct office *office, const struct weft_join_server *server,
		       const struct weft_ca *ca, struct weft_error *err)
{
	int r = weft_ca_reopen(ca, &office->ca, err);

	if (!r)
		r = weft_ca_roots(office->ca, &office->roots, err);
	if (!r)
		r = weft_ca_bundle(office->ca, &office->bundle, err);
	if (!r)
		r = weft_pem_format_certs(NULL, office->roots, &office->bundle_pem, err);
	if (r)
		return r;
	office->authority = (struct weft_authority){
		.ca = office->ca,
		.ca_dir = server->ca_dir,
		.bundle = office->bundle_pem,
		.lifetime_max = server->lifetime_max,
		.ops = server->ops,
	};
	return 0;
}

/* The files of @ca as they are now. */
static int office_create(const struct weft_join_server *server, const struct weft_ca *ca,
			 struct office **ret, struct weft_error *err)
{
	struct office *office = calloc(1, sizeof(*office));
	int r;

	if (!office)
		return weft_error_nomem(err);
	office->refs = 1;
	r = office_fill(office, server, ca, err);
	if (r)
		office_put(office);
	else
		*ret = office;
	return r;
}

/* ---- one connection, in its own thread ---- */

struct visitor {
	const struct office *office;
	struct slot *slot;
	struct weft_join_peer peer;
	char *identity;
	struct weft_error problem;
	char address[WEFT_ADDR_TEXT_MAX];
};

/*
 * A certificate that does not count ends no handshake: who has none is let in as
 * well, to join. It leaves no identity, without which nothing else is answered, and
 * the peer can be told why in words.
 */
static int meet(X509_STORE_CTX *store, void *data, struct weft_error *err)
{
	struct visitor *visitor = data;
	const struct office *office = visitor->office;
	const EVP_PKEY *key = X509_get0_pubkey(X509_STORE_CTX_get0_cert(store));

	visitor->peer.problem = visitor->problem.text;
	if (!key || weft_crypto_key_digest(key, visitor->peer.key, &visitor->problem) ||
	    weft_channel_verify(store, office->roots, office->bundle, &visitor->identity,
				&visitor->problem)) {
		X509_STORE_CTX_set_error(store, X509_V_OK);
		return 0;
	}
	visitor->peer.identity = visitor->identity;
	return 0;
}

static void wake(struct weft_join_server *server)
{
	(void)!write(server->wake_fd, &(uint64_t){ 1 }, sizeof(uint64_t));
}

/* Return: whether the slot is ours still. */
static bool keep(struct slot *slot)
{
	bool ours;

	pthread_mutex_lock(&slot->server->lock);
	ours = !slot->evicted;
	slot->kept = ours;
	pthread_mutex_unlock(&slot->server->lock);
	return ours;
}

/* Somebody may wait for one that is to be had. */
static void keep_no_more(struct slot *slot)
{
	pthread_mutex_lock(&slot->server->lock);
	slot->kept = false;
	pthread_mutex_unlock(&slot->server->lock);
	wake(slot->server);
}

/* What the certificate says counts once the handshake has shown who has its key. */
static bool is_node(const struct visitor *visitor)
{
	const char *identity = visitor->peer.identity;

	return identity &&
	       weft_join_node_of(weft_ca_trust_domain(visitor->office->ca), identity);
}

static void broken(struct weft_join_answer *answer, int error, const struct weft_error *err)
{
	answer->error = error;
	answer->text = *err;
}

/* Return: 0 @answer is to be sent; or the connection is of no use any more. */
static int converse(const struct visitor *visitor, struct weft_channel *channel,
		    struct weft_join_answer *answer)
{
	const struct weft_authority *authority = &visitor->office->authority;
	struct weft_join_request request = { 0 };
	struct weft_error err = { 0 };
	char *text = NULL;
	size_t len = 0;
	int r;

	r = weft_channel_read(channel, &text, &len, &err);
	if (r && r != -EBADMSG)
		return r;
	if (!r)
		r = weft_join_request_decode(text, len, &request, &err);
	weft_message_free(text, len);
	if (!keep(visitor->slot)) {
		weft_join_request_uninit(&request);
		return -ECONNRESET;
	}
	if (r)
		broken(answer, r, &err);
	weft_authority_answer(authority, &visitor->peer, r ? NULL : &request, answer);
	weft_join_request_uninit(&request);
	return 0;
}

static void send_answer(const struct visitor *visitor, struct weft_channel *channel,
			const struct weft_join_answer *answer)
{
	struct weft_join_answer instead = { .error = -EIO };
	char *text = NULL;
	size_t len;

	if (weft_join_answer_encode(answer, &text, &len, &instead.text) &&
	    weft_join_answer_encode(&instead, &text, &len, NULL))
		return;
	if (!weft_channel_write(channel, text, len, NULL)) {
		if (!is_node(visitor))
			keep_no_more(visitor->slot);
		weft_channel_finish(channel);
	}
	weft_message_free(text, len);
}

/* The deadlines count from when it was accepted. */
static int shake_hands(struct visitor *visitor, int fd, struct weft_channel **channel)
{
	uint32_t all = visitor->slot->server->deadline_ms;
	int64_t deadline = weft_channel_deadline(all);
	struct weft_channel_judge judge = { .verify = meet, .data = visitor };
	int64_t first = weft_channel_deadline(all < WEFT_JOIN_HANDSHAKE_MS ?
						      all : WEFT_JOIN_HANDSHAKE_MS);
	int r;

	r = weft_channel_open(visitor->slot->tls, WEFT_ROLE_SERVER, fd, first, &judge, channel,
			      NULL);
	if (r)
		return r;
	weft_channel_set_deadline(*channel, deadline);
	return is_node(visitor) && !keep(visitor->slot) ? -ECONNRESET : 0;
}

static void serve(struct slot *slot, int fd)
{
	_cleanup_(weft_channel_close_ptr) struct weft_channel *channel = NULL;
	struct visitor visitor = { .office = slot->office, .slot = slot };
	struct weft_join_answer answer = { 0 };

	visitor.peer.address = weft_addr_format_ip(&slot->peer, visitor.address);
	if (!shake_hands(&visitor, fd, &channel) && !converse(&visitor, channel, &answer))
		send_answer(&visitor, channel, &answer);
	weft_join_answer_uninit(&answer);
	free(visitor.identity);
}

static void *connection_thread(void *data)
{
	struct slot *slot = data;
	struct weft_join_server *server = slot->server;
	int fd;

	pthread_mutex_lock(&server->lock);
	fd = slot->fd;
	pthread_mutex_unlock(&server->lock);
	serve(slot, fd);
	SSL_CTX_free(slot->tls);
	office_put(slot->office);

	/* Closed under the lock: stop() shuts down no descriptor that is not ours. */
	pthread_mutex_lock(&server->lock);
	close(slot->fd);
	slot->fd = -1;
	slot->state = DONE;
	pthread_mutex_unlock(&server->lock);
	wake(server);
	return NULL;
}

/* ---- slots ---- */

/* Make DONE ones FREE. Return: one of them, or NULL. */
static struct slot *free_slot(struct weft_join_server *server)
{
	struct slot *found = NULL;

	for (size_t i = 0; i < WEFT_ARRAY_SIZE(server->slots); i++) {
		struct slot *slot = &server->slots[i];
		enum slot_state state;

		pthread_mutex_lock(&server->lock);
		state = slot->state;
		pthread_mutex_unlock(&server->lock);
		if (state == DONE) {
			pthread_join(slot->thread, NULL);
			/* No thread knows it now. */
			slot->state = state = FREE;
		}
		if (state == FREE)
			found = slot;
	}
	return found;
}

/* One host has one address of IPv4, and a /64 of IPv6. */
static bool is_same_source(const struct weft_addr *a, const struct weft_addr *b)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	size_t len = memcmp(a->ip, mapped, sizeof(mapped)) ? 8 : sizeof(a->ip);

	return !memcmp(a->ip, b->ip, len);
}

static size_t count_from_locked(const struct weft_join_server *server,
				const struct weft_addr *peer)
{
	size_t n = 0;

	for (size_t i = 0; i < WEFT_ARRAY_SIZE(server->slots); i++)
		n += server->slots[i].state == BUSY &&
		     is_same_source(peer, &server->slots[i].peer);
	return n;
}

static size_t count_from(struct weft_join_server *server, const struct weft_addr *peer)
{
	size_t n;

	pthread_mutex_lock(&server->lock);
	n = count_from_locked(server, peer);
	pthread_mutex_unlock(&server->lock);
	return n;
}

/* The one that has to go first when there are too many; NULL: all are kept. */
static struct slot *victim_locked(struct weft_join_server *server)
{
	struct slot *victim = NULL;
	size_t most = 0;

	for (size_t i = 0; i < WEFT_ARRAY_SIZE(server->slots); i++) {
		struct slot *slot = &server->slots[i];
		size_t n;

		if (slot->state != BUSY || slot->kept)
			continue;
		n = count_from_locked(server, &slot->peer);
		if (victim && (n < most || (n == most && slot->number > victim->number)))
			continue;
		victim = slot;
		most = n;
	}
	return victim;
}

static bool has_victim(struct weft_join_server *server)
{
	bool has;

	pthread_mutex_lock(&server->lock);
	has = victim_locked(server);
	pthread_mutex_unlock(&server->lock);
	return has;
}

/* shutdown() would have the thread read what the peer goes on to send. */
static void cut_off(int fd)
{
	if (connect(fd, &(struct sockaddr){ .sa_family = AF_UNSPEC }, sizeof(struct sockaddr)))
		shutdown(fd, SHUT_RDWR);
}

/* Return: a slot, FREE now; NULL: all are kept. */
static struct slot *evict(struct weft_join_server *server)
{
	struct slot *victim;

	pthread_mutex_lock(&server->lock);
	victim = victim_locked(server);
	if (victim) {
		victim->evicted = true;
		cut_off(victim->fd);
	}
	pthread_mutex_unlock(&server->lock);
	if (!victim)
		return NULL;
	pthread_join(victim->thread, NULL);
	victim->state = FREE; /* no thread knows it now */
	return victim;
}

/* @fd is consumed. */
static void start_connection(struct weft_join_server *server, struct slot *slot, int fd,
			     const struct weft_addr *peer)
{
	bool started;

	SSL_CTX_up_ref(server->tls);
	slot->tls = server->tls;
	__atomic_add_fetch(&server->office->refs, 1, __ATOMIC_RELAXED);
	slot->office = server->office;
	slot->peer = *peer;
	slot->number = server->connections++;
	/* The thread waits until all of it is known. */
	pthread_mutex_lock(&server->lock);
	started = !pthread_create(&slot->thread, NULL, connection_thread, slot);
	if (started) {
		slot->state = BUSY;
		slot->fd = fd;
		slot->kept = slot->evicted = false;
	}
	pthread_mutex_unlock(&server->lock);
	if (started)
		return;
	SSL_CTX_free(slot->tls);
	office_put(slot->office);
	close(fd);
}

/* ---- the accept thread ---- */

/* A new certificate; what is being served keeps the old one. While a rotation lasts it is
 * one that also those know who have not heard of it: with a token, or after a long time. */
static int renew(struct weft_join_server *server, struct weft_error *err)
{
	_cleanup_(weft_svid_put_ptr) struct weft_svid *svid = NULL;
	SSL_CTX *tls;
	X509 *root;
	int r;

	r = weft_ca_issue_known(server->office->ca, server->ca_identity, WEFT_CA_LIFETIME_DEFAULT,
				&svid, &root, err);
	if (r)
		return r;
	r = weft_channel_ctx_create(WEFT_ROLE_SERVER, svid, root, &tls, err);
	if (r)
		return r;
	SSL_CTX_free(server->tls);
	server->tls = tls;
	server->renew_at = time(NULL) + (svid->not_after - time(NULL)) / 2;
	server->valid_from = svid->not_before;
	return 0;
}

/* The old one is good for as long again as it has served. */
static void renew_or_tell(struct weft_join_server *server)
{
	struct weft_error err = { 0 };

	if (!renew(server, &err))
		return;
	server->renew_at = time(NULL) + RETRY;
	if (server->ops)
		server->ops->failed(err.text, server->ops->data);
}

/* Once for each server: it is long before. */
static void warn(struct weft_join_server *server)
{
	X509 *root = weft_ca_cert(server->office->ca);
	char end[WEFT_CRYPTO_TIME_MAX];
	struct weft_error text;

	if (server->warned || !weft_ca_is_ending(server->office->ca, time(NULL)))
		return;
	server->warned = true;
	weft_error_set(&text, EKEYEXPIRED,
		       "the root certificate expires on %s: make the next one in time (weftctl ca "
		       "rotate prepare)",
		       weft_crypto_time_format(weft_crypto_time(X509_get0_notAfter(root)), end));
	if (server->ops)
		server->ops->warned(text.text, server->ops->data);
}

/* Is the root rotated? What cannot be read is told once; the former state goes on, but
 * signs nothing. */
static void look(struct weft_join_server *server)
{
	struct weft_error err = { 0 };
	struct office *office;

	if (weft_ca_changed(server->office->ca)) {
		if (office_create(server, server->office->ca, &office, &err)) {
			if (server->ops && strcmp(err.text, server->problem.text))
				server->ops->failed(err.text, server->ops->data);
			server->problem = err;
			return;
		}
		office_put(server->office);
		server->office = office;
		server->problem.text[0] = '\0';
		server->renew_at = 0;
		server->warned = false;
	}
	warn(server);
}

static bool is_out_of_resources(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* @slot NULL: another one's. Return: whether to go on at once. */
static bool accept_one(struct weft_join_server *server, struct slot *slot)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct weft_addr peer;
	int fd;

	fd = accept4(server->listen_fd, (struct sockaddr *)&ss, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return !is_out_of_resources(errno);
	if (weft_addr_from_sockaddr(&peer, (struct sockaddr *)&ss, len) ||
	    count_from(server, &peer) >= WEFT_JOIN_PER_ADDRESS_MAX) {
		close(fd);
		return true;
	}
	if (!slot)
		slot = evict(server);
	if (!slot) { /* meanwhile they have all become nodes: it will try again */
		close(fd);
		return true;
	}
	look(server);
	/* The clock may have been set back since. */
	if (time(NULL) >= server->renew_at || time(NULL) < server->valid_from)
		renew_or_tell(server);
	start_connection(server, slot, fd, &peer);
	return true;
}

static void *accept_thread(void *data)
{
	struct weft_join_server *server = data;
	struct pollfd p[] = {
		{ .fd = server->wake_fd, .events = POLLIN },
		{ .fd = server->listen_fd, .events = POLLIN },
	};
	bool pause = false;
	uint64_t count;

	while (!__atomic_load_n(&server->stopping, __ATOMIC_ACQUIRE)) {
		struct slot *slot = free_slot(server);

		/* Without a slot, or anything to accept with, only the wake-up counts. */
		p[1].fd = (slot || has_victim(server)) && !pause ? server->listen_fd : -1;
		p[1].revents = 0;
		if (poll(p, 2, pause ? PAUSE_MS : -1) < 0 && errno != EINTR)
			break;
		pause = false;
		if (p[0].revents & POLLIN)
			(void)!read(server->wake_fd, &count, sizeof(count));
		else if (p[1].revents)
			pause = !accept_one(server, slot);
	}
	return NULL;
}

/* ---- starting and stopping ---- */

static void server_free(struct weft_join_server *server)
{
	if (server->listen_fd >= 0)
		close(server->listen_fd);
	if (server->wake_fd >= 0)
		close(server->wake_fd);
	SSL_CTX_free(server->tls);
	office_put(server->office);
	free(server->ca_identity);
	pthread_mutex_destroy(&server->lock);
	free(server);
}

static int listen_on(struct weft_join_server *server, const struct weft_addr *addr,
		     struct weft_error *err)
{
	char text[WEFT_ADDR_TEXT_MAX];
	struct sockaddr_storage ss;
	socklen_t len = weft_addr_to_sockaddr(addr, &ss);
	int fd, one = 1, zero = 0;

	fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	server->listen_fd = fd;
	if (fd < 0)
		return weft_error_set(err, errno, "socket: %s", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (ss.ss_family == AF_INET6) /* "::" is IPv4 as well, whatever the sysctl says */
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
	if (bind(fd, (struct sockaddr *)&ss, len) || listen(fd, BACKLOG))
		return weft_error_set(err, errno, "cannot listen on %s: %s",
				      weft_addr_format(addr, text), strerror(errno));
	return 0;
}

static int set_up(struct weft_join_server *server, const struct weft_join_server_config *config,
		  struct weft_error *err)
{
	int r;

	server->ops = config->ops;
	server->ca_dir = config->ca_dir;
	server->lifetime_max = config->lifetime_max ? config->lifetime_max
						    : WEFT_CA_LIFETIME_DEFAULT;
	if (server->lifetime_max < WEFT_CA_LIFETIME_MIN ||
	    server->lifetime_max > WEFT_CA_LIFETIME_MAX)
		return weft_error_set(err, ERANGE,
				      "lifetime of %lld s: allowed are %d to %d seconds",
				      (long long)server->lifetime_max, WEFT_CA_LIFETIME_MIN,
				      WEFT_CA_LIFETIME_MAX);
	server->ca_identity = weft_join_ca_identity(weft_ca_trust_domain(config->ca));
	if (!server->ca_identity)
		return weft_error_nomem(err);
	r = office_create(server, config->ca, &server->office, err);
	if (r)
		return r;
	warn(server);
	return renew(server, err);
}

/* Signals are for the threads of the program, not for ours. */
static int start_thread(struct weft_join_server *server, struct weft_error *err)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&server->thread, NULL, accept_thread, server);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r ? weft_error_set(err, r, "cannot start a thread: %s", strerror(r)) : 0;
}

int weft_join_server_start(const struct weft_join_server_config *config,
			   struct weft_join_server **ret, struct weft_error *err)
{
	struct weft_join_server *server = calloc(1, sizeof(*server));
	int r;

	if (!server)
		return weft_error_nomem(err);
	pthread_mutex_init(&server->lock, NULL);
	server->deadline_ms = config->deadline_ms ? config->deadline_ms
						  : WEFT_CHANNEL_DEADLINE_MS;
	for (size_t i = 0; i < WEFT_ARRAY_SIZE(server->slots); i++)
		server->slots[i] = (struct slot){ .server = server, .fd = -1 };
	server->listen_fd = -1;
	server->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = server->wake_fd < 0 ? weft_error_set(err, errno, "eventfd: %s", strerror(errno)) : 0;
	if (!r)
		r = set_up(server, config, err);
	if (!r)
		r = listen_on(server, &config->listen, err);
	if (!r)
		r = start_thread(server, err);
	if (r)
		server_free(server);
	else
		*ret = server;
	return r;
}

uint16_t weft_join_server_port(const struct weft_join_server *server)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct weft_addr addr = { 0 };

	if (!getsockname(server->listen_fd, (struct sockaddr *)&ss, &len))
		weft_addr_from_sockaddr(&addr, (struct sockaddr *)&ss, len);
	return addr.port;
}

void weft_join_server_stop(struct weft_join_server *server)
{
	if (!server)
		return;
	__atomic_store_n(&server->stopping, true, __ATOMIC_RELEASE);
	wake(server);
	pthread_join(server->thread, NULL);

	pthread_mutex_lock(&server->lock);
	for (size_t i = 0; i < WEFT_ARRAY_SIZE(server->slots); i++)
		if (server->slots[i].fd >= 0)
			shutdown(server->slots[i].fd, SHUT_RDWR);
	pthread_mutex_unlock(&server->lock);
	/* state FREE is seen by nobody else any more; the others are to be joined. */
	for (size_t i = 0; i < WEFT_ARRAY_SIZE(server->slots); i++) {
		enum slot_state state;

		pthread_mutex_lock(&server->lock);
		state = server->slots[i].state;
		pthread_mutex_unlock(&server->lock);
		if (state != FREE)
			pthread_join(server->slots[i].thread, NULL);
	}
	server_free(server);
}
