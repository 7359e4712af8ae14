// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The CA's server over 127.0.0.1: those who are no node, and peers that misbehave.
 */
#include "join_serve.h"
#include <poll.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <sys/socket.h>
#include "pki/csr.h"

/* ---- somebody who only looks like a node ---- */

struct raw {
	SSL_CTX *ctx;
	SSL *ssl;
	int fd;
};

static int connect_from(const char *source)
{
	struct sockaddr_in to = { .sin_family = AF_INET }, from = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	to.sin_port = htons(weft_join_server_port(server));
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	inet_pton(AF_INET, source, &from.sin_addr);
	assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof(from)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static int trust_anybody(X509_STORE_CTX *store, void *arg)
{
	return 1;
}

/* @svid NULL: no certificate; @alpn in wire format, NULL: none. Return: of SSL_connect(). */
static int raw_connect_from(struct raw *raw, const char *source, const struct weft_svid *svid,
			    const char *alpn)
{
	raw->ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_cert_verify_callback(raw->ctx, trust_anybody, NULL);
	SSL_CTX_set_verify(raw->ctx, SSL_VERIFY_PEER, NULL);
	if (svid)
		SSL_CTX_use_cert_and_key(raw->ctx, svid->cert, svid->key, NULL, 1);
	if (alpn)
		SSL_CTX_set_alpn_protos(raw->ctx, (const unsigned char *)alpn, strlen(alpn));
	raw->fd = connect_from(source);
	raw->ssl = SSL_new(raw->ctx);
	SSL_set_fd(raw->ssl, raw->fd);
	return SSL_connect(raw->ssl);
}

static int raw_connect(struct raw *raw, const struct weft_svid *svid, const char *alpn)
{
	return raw_connect_from(raw, "127.0.0.1", svid, alpn);
}

static void raw_close(struct raw *raw)
{
	SSL_free(raw->ssl);
	SSL_CTX_free(raw->ctx);
	close(raw->fd);
}

static bool raw_read(struct raw *raw, void *buf, int len)
{
	for (int n; len; len -= n, buf = (char *)buf + n) {
		n = SSL_read(raw->ssl, buf, len);
		if (n <= 0)
			return false;
	}
	return true;
}

/* Send @header and @text, and read the answer. Return: it came. */
static bool raw_ask(struct raw *raw, const char *header, const char *text, char answer[4096])
{
	unsigned char head[4];
	size_t len;

	if (SSL_write(raw->ssl, header, 4) != 4 ||
	    (*text && SSL_write(raw->ssl, text, strlen(text)) != (int)strlen(text)) ||
	    !raw_read(raw, head, 4))
		return false;
	len = head[2] << 8 | head[3];
	assert_in_range(len, 1, 4095);
	answer[len] = '\0';
	return raw_read(raw, answer, len);
}

/* The answer to @header and @text, an error. */
static void raw_refused(const struct weft_svid *svid, const char *header, const char *text,
			const char *code, const char *says)
{
	struct weft_error err = { 0 };
	char answer[4096];
	struct raw raw;

	assert_int_equal(raw_connect(&raw, svid, "\x09weft-ca/1"), 1);
	assert_true(raw_ask(&raw, header, text, answer));
	snprintf(err.text, sizeof(err.text), "%.500s", answer);
	assert_says(&err, code);
	assert_says(&err, says);
	raw_close(&raw);
}

static void text_refused(const struct weft_svid *svid, const char *text, const char *code,
			 const char *says)
{
	char header[4] = { 0, 0, strlen(text) >> 8, strlen(text) & 255 };

	raw_refused(svid, header, text, code, says);
}

/* A request to sign with this CSR; @key is consumed. */
static void csr_refused(const struct weft_svid *svid, EVP_PKEY *key, EVP_PKEY *signer,
			const char *names, const char *says)
{
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
	struct weft_join_request request = { .op = WEFT_JOIN_OP_SIGN };
	BIO *bio = BIO_new(BIO_s_mem());
	X509_EXTENSIONS *list = NULL;
	X509_REQ *req = X509_REQ_new();
	char *data, *text;
	size_t len;

	X509v3_add_ext(&list, ext, -1);
	assert_int_equal(X509_REQ_set_pubkey(req, key), 1);
	assert_int_equal(X509_REQ_add_extensions(req, list), 1);
	assert_true(X509_REQ_sign(req, signer ? signer : key, EVP_sha256()) > 0);
	PEM_write_bio_X509_REQ(bio, req);
	len = BIO_get_mem_data(bio, &data);
	request.csr = strndup(data, len);
	assert_int_equal(weft_join_request_encode(&request, &text, &len, NULL), 0);
	data = strndup(text, len);
	text_refused(svid, data, "\"EBADMSG\"", says);
	free(data);
	weft_message_free(text, len);
	weft_join_request_uninit(&request);
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	X509_EXTENSION_free(ext);
	X509_REQ_free(req);
	EVP_PKEY_free(key);
	BIO_free(bio);
}

/* ---- what is refused ---- */

static void only_nodes_are_served(void **state)
{
	struct weft_ca *other = open_ca("other");
	struct weft_svid *svid = NULL;

	text_refused(NULL, "{\"op\":\"bundle\"}", "\"EACCES\"",
		     "the certificate of a node is needed: there is none");
	assert_int_equal(weft_ca_issue(ca, CART, 0, &svid, NULL), 0);
	text_refused(svid, "{\"op\":\"bundle\"}", "\"EACCES\"", "cart is not a node");
	weft_svid_put(svid);
	assert_int_equal(weft_ca_issue(other, NODE, 0, &svid, NULL), 0);
	text_refused(svid, "{\"op\":\"bundle\"}", "\"EACCES\"",
		     "the certificate of a node is needed: ");
	weft_svid_put(svid);
	/* Of the right CA and name, but nobody joined with that key. */
	weft_join_client_close(join_node("n1", "*"));
	assert_int_equal(weft_ca_issue(ca, NODE, 0, &svid, NULL), 0);
	text_refused(svid, "{\"op\":\"bundle\"}", "\"EACCES\"", "with another key");
	weft_svid_put(svid);
	weft_ca_close(other);
}

static void request_for_a_certificate_must_be_exact(void **state)
{
	struct weft_join_client *client = join_node("n1", ANYTHING);
	const struct weft_svid *svid = weft_join_client_svid(client);
	EVP_PKEY *other = new_key();

	csr_refused(svid, new_key(), other, "URI:" CART, "not signed with the key in it");
	csr_refused(svid, EVP_RSA_gen(2048), NULL, "URI:" CART, "is not ECDSA P-256");
	csr_refused(svid, EVP_EC_gen("P-384"), NULL, "URI:" CART, "is not ECDSA P-256");
	csr_refused(svid, new_key(), NULL, "URI:" CART ",URI:" CART "2", "more than one URI");
	csr_refused(svid, new_key(), NULL, "DNS:cart", "no SPIFFE ID");
	EVP_PKEY_free(other);
	weft_join_client_close(client);
}

/* ---- peers that misbehave ---- */

static void message_that_is_none_is_answered_with_an_error(void **state)
{
	raw_refused(NULL, "\0\1\0\1", "", "\"EBADMSG\"", "a message of 65537 bytes");
	raw_refused(NULL, "\377\377\377\377", "", "\"EBADMSG\"", "a message of 4294967295 bytes");
	raw_refused(NULL, "\0\0\0\0", "", "\"EBADMSG\"", "a message of 0 bytes");
	text_refused(NULL, "{\"op\":\"frob\"}", "\"EBADMSG\"", "is not known (join, sign, bundle)");
	text_refused(NULL, "{\"op\":\"bundle\"}x", "\"EBADMSG\"", "something follows");
}

static void other_protocols_are_refused(void **state)
{
	struct raw raw;
	char c;

	assert_int_not_equal(raw_connect(&raw, NULL, "\x06weft/1"), 1);
	raw_close(&raw);
	/* Without any the handshake may end before the server has seen it. */
	raw_connect(&raw, NULL, NULL);
	SSL_write(raw.ssl, "\0\0\0\x0f{\"op\":\"bundle\"}", 19);
	assert_false(raw_read(&raw, &c, 1));
	raw_close(&raw);
}

static void message_that_is_cut_off_holds_nobody_up(void **state)
{
	struct raw raw;
	int fd;

	assert_int_equal(raw_connect(&raw, NULL, "\x09weft-ca/1"), 1);
	assert_int_equal(SSL_write(raw.ssl, "\0\0\1\0{\"op\":", 10), 10);
	raw_close(&raw);
	fd = connect_from("127.0.0.1");
	assert_int_equal(write(fd, "\x16\x03\x01\xff\xff garbage", 13), 13);
	close(fd);
	weft_join_client_close(join_node("n1", ANYTHING));
}

/* As long as the server lets it: a byte, and a byte, and a byte. */
static void *drip(void *data)
{
	struct raw *raw = data;
	struct pollfd p = { .fd = raw->fd, .events = POLLRDHUP };
	bool open = true;
	char c;

	fcntl(raw->fd, F_SETFL, O_NONBLOCK);
	while (open) {
		open = SSL_write(raw->ssl, "x", 1) == 1;
		if (SSL_read(raw->ssl, &c, 1) <= 0)
			open &= SSL_get_error(raw->ssl, -1) == SSL_ERROR_WANT_READ;
		poll(&p, 1, 20);
	}
	return NULL;
}

static void slow_peer_is_cut_off_while_others_are_served(void **state)
{
	pthread_t thread;
	struct raw raw;

	end();
	serve("ca", 3000, 0);
	assert_int_equal(raw_connect(&raw, NULL, "\x09weft-ca/1"), 1);
	assert_int_equal(SSL_write(raw.ssl, "\0\0\xff\xff", 4), 4);
	assert_int_equal(pthread_create(&thread, NULL, drip, &raw), 0);
	weft_join_client_close(join_node("n1", ANYTHING));
	pthread_join(thread, NULL);
	raw_close(&raw);
}

static void silent_peers_hold_up_only_themselves(void **state)
{
	struct weft_join_client *client;
	int fd[WEFT_JOIN_PER_ADDRESS_MAX - 1];

	for (size_t i = 0; i < sizeof(fd) / sizeof(*fd); i++)
		fd[i] = connect_from("127.0.0.1");
	client = join_node("n1", ANYTHING);
	weft_svid_put(sign(client, CART, 0));
	weft_join_client_close(client);
	for (size_t i = 0; i < sizeof(fd) / sizeof(*fd); i++)
		close(fd[i]);
}

static void address_with_too_many_connections_is_turned_away(void **state)
{
	struct weft_join_client *client = join_node("n1", ANYTHING);
	int fd[WEFT_JOIN_PER_ADDRESS_MAX], extra;
	char c;

	/* What was served before may still be on its way out. */
	end();
	serve("ca", 0, 0);
	weft_join_client_close(client);
	for (size_t i = 0; i < sizeof(fd) / sizeof(*fd); i++)
		fd[i] = connect_from("127.0.0.1");
	extra = connect_from("127.0.0.1");
	assert_true(read(extra, &c, 1) <= 0);
	close(extra);
	/* Another address is none of those. */
	extra = connect_from("127.0.0.2");
	assert_int_equal(send(extra, "x", 1, 0), 1);
	close(extra);
	for (size_t i = 0; i < sizeof(fd) / sizeof(*fd); i++)
		close(fd[i]);
}

/* ---- more of them than there is room for ---- */

#define BUNDLE "\0\0\0\x0f", "{\"op\":\"bundle\"}"
#define STRANGERS (WEFT_JOIN_CONNECTIONS_MAX + WEFT_JOIN_PER_ADDRESS_MAX)

static const char *source_of(size_t i)
{
	static char text[20];

	snprintf(text, sizeof(text), "127.0.0.%zu", 2 + i / WEFT_JOIN_PER_ADDRESS_MAX);
	return text;
}

/* They shake hands, without a certificate, and say nothing more. */
static void strangers_come(struct raw *raw, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		assert_int_equal(raw_connect_from(&raw[i], source_of(i), NULL, "\x09weft-ca/1"),
				 1);
}

static void strangers_go(struct raw *raw, size_t n)
{
	for (size_t i = 0; i < n; i++)
		raw_close(&raw[i]);
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static bool is_closed(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLRDHUP };

	return poll(&p, 1, ms) == 1 && p.revents & (POLLRDHUP | POLLHUP | POLLERR);
}

static void stranger_gives_its_place_to_who_comes(void **state)
{
	struct weft_join_client *client;
	struct raw raw[WEFT_JOIN_CONNECTIONS_MAX];

	strangers_come(raw, 0, WEFT_JOIN_CONNECTIONS_MAX);
	for (size_t i = 0; i < WEFT_JOIN_CONNECTIONS_MAX; i++)
		assert_false(is_closed(raw[i].fd, 0));
	client = join_node("n1", ANYTHING);
	weft_svid_put(sign(client, CART, 0));
	weft_join_client_close(client);
	/* The oldest went, and few with it. */
	assert_true(is_closed(raw[0].fd, 1000));
	for (size_t i = 8; i < WEFT_JOIN_CONNECTIONS_MAX; i++)
		assert_false(is_closed(raw[i].fd, 0));
	strangers_go(raw, WEFT_JOIN_CONNECTIONS_MAX);
}

/* They never come to the end of the handshake; whose time is over comes again. */
struct silent {
	int fd[WEFT_JOIN_CONNECTIONS_MAX];
	bool drips, stop; /* atomic */
	int renewed;
};

static void *keep_silent(void *data)
{
	/* A record with a ClientHello that is far from complete. */
	static const char hello[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
	struct silent *silent = data;
	size_t said = 0;

	while (!__atomic_load_n(&silent->stop, __ATOMIC_ACQUIRE)) {
		for (size_t i = 0; i < WEFT_JOIN_CONNECTIONS_MAX; i++) {
			int *fd = &silent->fd[i];

			if (is_closed(*fd, 0)) {
				close(*fd);
				*fd = connect_from(source_of(i));
				silent->renewed++;
			} else if (silent->drips) {
				send(*fd, said < 11 ? hello + said : "x", 1, MSG_NOSIGNAL);
			}
		}
		said++;
		poll(NULL, 0, 5);
	}
	return NULL;
}

/* For longer than a handshake may take. */
static void served_among(struct silent *silent)
{
	struct weft_join_client *client;
	pthread_t thread;

	for (size_t i = 0; i < WEFT_JOIN_CONNECTIONS_MAX; i++)
		silent->fd[i] = connect_from(source_of(i));
	assert_int_equal(pthread_create(&thread, NULL, keep_silent, silent), 0);
	client = join_node("n1", ANYTHING);
	for (int i = 0; i < 25; i++) {
		weft_svid_put(sign(client, CART, 0));
		poll(NULL, 0, 100);
	}
	weft_join_client_close(client);
	__atomic_store_n(&silent->stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	assert_true(silent->renewed > 0);
	for (size_t i = 0; i < WEFT_JOIN_CONNECTIONS_MAX; i++)
		close(silent->fd[i]);
}

static void node_is_served_among_silent_peers_that_come_again(void **state)
{
	struct silent silent = { 0 };

	served_among(&silent);
}

static void node_is_served_among_peers_that_say_a_byte_now_and_then(void **state)
{
	struct silent silent = { .drips = true };

	served_among(&silent);
}

static void handshake_has_a_deadline_of_its_own(void **state)
{
	int64_t begin = now_ms();
	int fd = connect_from("127.0.0.1");

	assert_true(is_closed(fd, WEFT_CHANNEL_DEADLINE_MS));
	assert_in_range(now_ms() - begin, WEFT_JOIN_HANDSHAKE_MS - 200,
			WEFT_CHANNEL_DEADLINE_MS / 2);
	close(fd);
}

static void who_has_shaken_hands_has_more_time(void **state)
{
	char answer[4096];
	struct raw raw;

	assert_int_equal(raw_connect(&raw, NULL, "\x09weft-ca/1"), 1);
	assert_false(is_closed(raw.fd, WEFT_JOIN_HANDSHAKE_MS + 200));
	assert_true(raw_ask(&raw, BUNDLE, answer));
	raw_close(&raw);
}

/* It would be the first to go: the oldest, of a source that has as many as any. */
static void node_keeps_its_place(void **state)
{
	struct weft_join_client *client = join_node("n1", ANYTHING);
	struct raw node, beside[WEFT_JOIN_PER_ADDRESS_MAX - 1], raw[STRANGERS];
	char answer[4096];

	/* What was served before may still be on its way out. */
	end();
	serve("ca", 0, 0);
	assert_int_equal(raw_connect(&node, weft_join_client_svid(client), "\x09weft-ca/1"), 1);
	for (size_t i = 0; i < WEFT_JOIN_PER_ADDRESS_MAX - 1; i++)
		assert_int_equal(raw_connect(&beside[i], NULL, "\x09weft-ca/1"), 1);
	strangers_come(raw, 0, STRANGERS);
	assert_true(is_closed(beside[0].fd, 1000));
	assert_true(raw_ask(&node, BUNDLE, answer));
	assert_non_null(strstr(answer, "BEGIN CERTIFICATE"));
	raw_close(&node);
	strangers_go(beside, WEFT_JOIN_PER_ADDRESS_MAX - 1);
	strangers_go(raw, STRANGERS);
	weft_join_client_close(client);
}

static void source_with_most_connections_gives_way(void **state)
{
	struct raw lonely, raw[STRANGERS];
	char answer[4096];

	assert_int_equal(raw_connect(&lonely, NULL, "\x09weft-ca/1"), 1);
	strangers_come(raw, 0, STRANGERS);
	assert_true(is_closed(raw[0].fd, 1000));
	assert_true(raw_ask(&lonely, BUNDLE, answer));
	raw_close(&lonely);
	strangers_go(raw, STRANGERS);
}

/* It has its answer, and does not go. */
static void who_was_refused_keeps_no_place(void **state)
{
	struct raw raw[WEFT_JOIN_CONNECTIONS_MAX];
	int64_t begin = now_ms();
	char answer[4096];

	for (size_t i = 0; i < WEFT_JOIN_CONNECTIONS_MAX; i++) {
		assert_int_equal(raw_connect_from(&raw[i], source_of(i), NULL, "\x09weft-ca/1"), 1);
		assert_true(raw_ask(&raw[i], BUNDLE, answer));
	}
	weft_join_client_close(join_node("n1", ANYTHING));
	assert_true(now_ms() - begin < WEFT_CHANNEL_DEADLINE_MS / 2);
	strangers_go(raw, WEFT_JOIN_CONNECTIONS_MAX);
}

static void server_stops_with_silent_peers(void **state)
{
	int fd[4];
	char c;

	for (size_t i = 0; i < 4; i++)
		fd[i] = connect_from("127.0.0.1");
	end();
	for (size_t i = 0; i < 4; i++) {
		assert_true(read(fd[i], &c, 1) <= 0);
		close(fd[i]);
	}
	serve("ca", 0, 0);
}

static void server_names_the_address_it_cannot_have(void **state)
{
	struct weft_join_server_config config = { .ca = ca, .ca_dir = dir };
	struct weft_join_server *second = NULL;
	struct weft_error err = { 0 };

	assert_int_equal(weft_addr_parse(&config.listen, address()), 0);
	assert_int_equal(weft_join_server_start(&config, &second, &err), -EADDRINUSE);
	assert_says(&err, address());
	config.lifetime_max = WEFT_CA_LIFETIME_MAX + 1;
	assert_int_equal(weft_join_server_start(&config, &second, &err), -ERANGE);
}

static void *live(void *data)
{
	struct weft_join_client *client = data;
	struct weft_svid *svid = NULL;

	if (weft_join_client_join(client, NULL))
		return "cannot join";
	for (int i = 0; i < 4; i++) {
		if (weft_join_client_sign(client, CART, 0, &svid, NULL))
			return "cannot sign";
		weft_svid_put(svid);
	}
	return NULL;
}

static void nodes_are_served_side_by_side(void **state)
{
	static const char *const names[] = { "n1", "n2", "n3", "n4" };
	struct weft_join_client *clients[4];
	pthread_t threads[4];
	void *problem;
	char token[16];

	for (size_t i = 0; i < 4; i++) {
		snprintf(token, sizeof(token), "%s.token", names[i]);
		make_token(names[i], ANYTHING, token);
		clients[i] = open_node(names[i], true);
	}
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, live, clients[i]), 0);
	for (size_t i = 0; i < 4; i++) {
		pthread_join(threads[i], &problem);
		assert_null(problem);
		weft_join_client_close(clients[i]);
	}
	assert_int_equal(count_nodes(), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVED(only_nodes_are_served),
		SERVED(request_for_a_certificate_must_be_exact),
		SERVED(message_that_is_none_is_answered_with_an_error),
		SERVED(other_protocols_are_refused),
		SERVED(message_that_is_cut_off_holds_nobody_up),
		SERVED(slow_peer_is_cut_off_while_others_are_served),
		SERVED(silent_peers_hold_up_only_themselves),
		SERVED(address_with_too_many_connections_is_turned_away),
		SERVED(stranger_gives_its_place_to_who_comes),
		SERVED(node_is_served_among_silent_peers_that_come_again),
		SERVED(node_is_served_among_peers_that_say_a_byte_now_and_then),
		SERVED(handshake_has_a_deadline_of_its_own),
		SERVED(who_has_shaken_hands_has_more_time),
		SERVED(node_keeps_its_place),
		SERVED(source_with_most_connections_gives_way),
		SERVED(who_was_refused_keeps_no_place),
		SERVED(server_stops_with_silent_peers),
		SERVED(server_names_the_address_it_cannot_have),
		SERVED(nodes_are_served_side_by_side),
	};

	signal(SIGPIPE, SIG_IGN); /* of the peers here, not of the layer */
	return cmocka_run_group_tests_name("join_server", tests, NULL, NULL);
}
