// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A node and its CA over 127.0.0.1: joining, what it may obtain, what it believes and
 * what it keeps.
 */
#include "join_serve.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include "join/exchange.h"
#include "pki/pem.h"

/* ---- joining ---- */

static void node_joins_and_obtains_what_it_may(void **state)
{
	struct weft_join_client *client = join_node("n1", "shop/*");
	struct weft_svid *svid = sign(client, CART, 3600);
	struct weft_bundle *bundle = weft_join_client_bundle(client);
	X509_STORE_CTX *store = X509_STORE_CTX_new();

	assert_string_equal(weft_join_client_node(client), "n1");
	assert_string_equal(weft_join_client_trust_domain(client), DOMAIN);
	assert_string_equal(svid->identity, CART);
	assert_true(svid->not_after <= time(NULL) + 3600);
	assert_int_equal(X509_STORE_CTX_init(store, weft_bundle_store(bundle), svid->cert, NULL),
			 1);
	assert_int_equal(X509_verify_cert(store), 1);
	X509_STORE_CTX_free(store);
	weft_bundle_put(bundle);
	weft_svid_put(svid);
	weft_join_client_close(client);
	end();
	assert_int_equal(joined, 1);
	assert_int_equal(issued, 1);
	assert_int_equal(refused, 0);
	assert_string_equal(last_node, "n1");
	serve("ca", 0, 0);
}

static void node_that_joined_needs_neither_token_nor_network(void **state)
{
	struct weft_join_client *client = join_node("n1", "shop/*");
	struct stat st;

	weft_join_client_close(client);
	assert_int_equal(stat(in_dir("n1"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(stat(in_dir("n1/node.key"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	client = open_node("n1", false);
	end();
	assert_int_equal(weft_join_client_join(client, NULL), 0);
	assert_string_equal(weft_join_client_node(client), "n1");
	weft_join_client_close(client);
	serve("ca", 0, 0);
}

static void node_without_token_is_told_the_way_out(void **state)
{
	struct weft_join_client *client = open_node("n1", false);

	assert_join(client, -ENOKEY, "not joined yet: make a token on the CA's host");
	assert_sign(client, CART, -ENOKEY, "this node has not joined yet");
	assert_null(weft_join_client_bundle(client));
	assert_null(weft_join_client_node(client));
	assert_int_equal(access(in_dir("n1"), F_OK), -1);
	weft_join_client_close(client);
}

static void join_whose_answer_was_lost_is_repeated(void **state)
{
	struct weft_join_client *client = join_node("n1", "shop/*");

	weft_join_client_close(client);
	assert_int_equal(unlink(in_dir("n1/node.crt")), 0);
	client = open_node("n1", true);
	assert_int_equal(weft_join_client_join(client, NULL), 0);
	weft_svid_put(sign(client, CART, 0));
	weft_join_client_close(client);
}

static void token_of_another_key_is_refused(void **state)
{
	struct weft_join_client *client = join_node("n1", "shop/*");

	weft_join_client_close(client);
	assert_int_equal(unlink(in_dir("n1/node.crt")), 0);
	assert_int_equal(unlink(in_dir("n1/node.key")), 0);
	client = open_node("n1", true);
	assert_join(client, -EACCES, "was used with another key");
	assert_int_equal(access(in_dir("n1/node.crt"), F_OK), -1);
	weft_join_client_close(client);
}

static void token_of_another_trust_domain_is_refused(void **state)
{
	struct weft_join_client *client = NULL;

	make_token("n1", "a", "n1.token");
	assert_int_equal(weft_join_client_open(in_dir("n1"), address(), "example.com",
					       in_dir("n1.token"), &client, NULL),
			 0);
	assert_join(client, -EINVAL, "the token is of trust domain \"example.org\"");
	assert_int_equal(access(in_dir("n1/node.key"), F_OK), -1);
	weft_join_client_close(client);
}

static void ca_with_another_root_gets_no_token(void **state)
{
	struct weft_join_client *client;
	struct weft_tokens tokens;

	make_token("n1", "a", "n1.token");
	end();
	serve("other", 0, 0);
	client = open_node("n1", true);
	assert_join(client, -EKEYREJECTED, "it does not show the root that the token is for");
	weft_join_client_close(client);
	assert_int_equal(weft_token_list(in_dir("ca"), 0, &tokens, NULL), 0);
	assert_int_equal(tokens.count, 1);
	assert_false(tokens.items[0].used);
	weft_tokens_uninit(&tokens);
}

static void ca_that_is_replaced_is_not_believed(void **state)
{
	struct weft_join_client *client = join_node("n1", "*");

	weft_join_client_close(client);
	end();
	serve("other", 0, 0);
	client = open_node("n1", true);
	assert_sign(client, CART, -EKEYREJECTED, "is not the CA of \"example.org\"");
	weft_join_client_close(client);
}

/* ---- what is refused ---- */

static void identity_that_is_not_granted_is_refused(void **state)
{
	struct weft_join_client *client = join_node("n1", "shop/cart");

	assert_sign(client, "spiffe://example.org/shop/payments", -EACCES,
		    "node \"n1\" may not obtain spiffe://example.org/shop/payments: make a token");
	assert_sign(client, "spiffe://example.com/shop/cart", -EACCES, "may not obtain");
	assert_sign(client, "shop/cart", -EINVAL, "not a SPIFFE ID");
	weft_join_client_close(client);
	end();
	assert_int_equal(refused, 2);
	assert_string_equal(last_node, "n1");
	assert_non_null(strstr(last_refusal, "may not obtain"));
	serve("ca", 0, 0);
}

static void own_identities_are_never_issued(void **state)
{
	struct weft_join_client *client = join_node("n1", ANYTHING);

	weft_svid_put(sign(client, CART, 0));
	assert_sign(client, "spiffe://example.org/weft/ca", -EACCES, "weft's own");
	assert_sign(client, "spiffe://example.org/weft/node/n2", -EACCES, "weft's own");
	assert_sign(client, "spiffe://example.org/weft/x", -EACCES, "weft's own");
	assert_sign(client, NODE, -EACCES, "cannot change its key");
	weft_join_client_close(client);
}

static void node_that_was_deleted_is_refused(void **state)
{
	struct weft_join_client *client = join_node("n1", ANYTHING);

	assert_int_equal(weft_registry_delete(in_dir("ca"), "n1", NULL), 0);
	assert_sign(client, CART, -EACCES, "\"n1\" is not known to the CA (any more)");
	weft_join_client_close(client);
	assert_int_equal(unlink(in_dir("n1/node.crt")), 0);
	client = open_node("n1", true);
	assert_join(client, -EACCES, "is not known to the CA");
	weft_join_client_close(client);
}

static void key_of_a_node_that_joined_anew_is_refused(void **state)
{
	struct weft_join_client *old = join_node("n1", "shop/*"), *new;

	make_token("n1", "other/*", "n1.token");
	assert_int_equal(weft_join_client_open(in_dir("new"), address(), DOMAIN,
					       in_dir("n1.token"), &new, NULL),
			 0);
	assert_int_equal(weft_join_client_join(new, NULL), 0);
	assert_sign(old, CART, -EACCES, "joined anew with another key");
	assert_sign(new, CART, -EACCES, "may not obtain");
	weft_svid_put(sign(new, "spiffe://example.org/other/x", 0));
	weft_join_client_close(old);
	weft_join_client_close(new);
}

static void lifetime_has_bounds(void **state)
{
	struct weft_join_client *client;
	struct weft_error err = { 0 };
	struct weft_svid *svid;

	end();
	serve("ca", 0, 3600);
	client = join_node("n1", ANYTHING);
	svid = sign(client, CART, 2 * DAY);
	assert_true(svid->not_after <= time(NULL) + 3600);
	weft_svid_put(svid);
	svid = NULL;
	assert_int_equal(weft_join_client_sign(client, CART, 1, &svid, &err), -ERANGE);
	assert_says(&err, "lifetime of 1 s");
	weft_join_client_close(client);
}

/* ---- what changes ---- */

/* The node's certificate with other dates, by the CA's own key. */
static void age_certificate(int64_t from, int64_t to)
{
	struct weft_cert_spec spec = {
		.uri = NODE,
		.not_before = time(NULL) + from,
		.not_after = time(NULL) + to,
		.issuer = weft_ca_cert(ca),
	};
	X509 *cert;

	assert_int_equal(weft_pem_read_key(in_dir("ca/ca.key"), &spec.issuer_key, NULL), 0);
	assert_int_equal(weft_pem_read_key(in_dir("n1/node.key"), &spec.key, NULL), 0);
	assert_int_equal(weft_cert_make(&spec, &cert, NULL), 0);
	assert_int_equal(weft_pem_write_certs(in_dir("n1/node.crt"), cert, NULL, NULL), 0);
	EVP_PKEY_free(spec.issuer_key);
	EVP_PKEY_free(spec.key);
	X509_free(cert);
}

static void certificate_of_the_node_is_renewed_at_half_its_life(void **state)
{
	struct weft_join_client *client = join_node("n1", ANYTHING);

	weft_join_client_close(client);
	age_certificate(-10 * DAY, 9 * DAY);
	client = open_node("n1", false);
	weft_svid_put(sign(client, CART, 0));
	assert_true(weft_join_client_svid(client)->not_after > time(NULL) + 20 * DAY);
	weft_join_client_close(client);
	client = open_node("n1", false);
	assert_true(weft_join_client_svid(client)->not_after > time(NULL) + 20 * DAY);
	weft_join_client_close(client);
	end();
	assert_int_equal(issued, 2);
	serve("ca", 0, 0);
}

static void certificate_of_the_node_that_expired_needs_a_token(void **state)
{
	struct weft_join_client *client = join_node("n1", ANYTHING);

	weft_join_client_close(client);
	age_certificate(-10 * DAY, -1);
	client = open_node("n1", false);
	assert_sign(client, CART, -ENOKEY, "expired on");
	assert_join(client, -ENOKEY, "no valid certificate any more");
	weft_join_client_close(client);
	client = open_node("n1", true);
	assert_int_equal(weft_join_client_join(client, NULL), 0);
	weft_svid_put(sign(client, CART, 0));
	weft_join_client_close(client);
}

/* The bundle file gets a second root, of another CA. */
static void add_root(void)
{
	struct weft_ca *other = open_ca("other");
	STACK_OF(X509) *certs = NULL;

	assert_int_equal(weft_pem_read_certs(in_dir("n1/bundle.pem"), &certs, NULL), 0);
	assert_int_equal(weft_pem_write_certs(in_dir("n1/bundle.pem"), weft_ca_cert(other), certs,
					      NULL),
			 0);
	sk_X509_pop_free(certs, X509_free);
	weft_ca_close(other);
}

static void bundle_follows_the_ca(void **state)
{
	struct weft_join_client *client = join_node("n1", ANYTHING);
	struct weft_bundle *before, *after;
	struct weft_join_nodes nodes;

	weft_join_client_close(client);
	add_root();
	client = open_node("n1", false);
	before = weft_join_client_bundle(client);
	assert_int_equal(weft_bundle_count(before), 2);
	weft_svid_put(sign(client, CART, 0));
	after = weft_join_client_bundle(client);
	assert_int_equal(weft_bundle_count(after), 1);
	assert_int_equal(weft_bundle_count(before), 2);
	assert_int_equal(weft_registry_list(in_dir("ca"), &nodes, NULL), 0);
	assert_int_equal(nodes.items[0].trusts.count, 2);
	weft_join_nodes_uninit(&nodes);
	weft_bundle_put(before);
	weft_bundle_put(after);
	weft_join_client_close(client);

	add_root();
	client = open_node("n1", false);
	assert_int_equal(weft_join_client_refresh(client, NULL), 0);
	after = weft_join_client_bundle(client);
	assert_int_equal(weft_bundle_count(after), 1);
	weft_bundle_put(after);
	weft_join_client_close(client);
}

static void assert_not_accepted(const struct weft_join_route *route,
				const struct weft_join_answer *answer, const char *identity,
				EVP_PKEY *key, const char *says)
{
	struct weft_roots roots = { 0 };
	struct weft_svid *svid = NULL;
	struct weft_error err = { 0 };

	assert_int_equal(weft_join_accept(route, answer, identity, key, &svid, &roots, &err),
			 -EKEYREJECTED);
	assert_says(&err, says);
	assert_null(svid);
	assert_null(roots.bundle);
}

static void certificate_that_was_not_asked_for_is_not_believed(void **state)
{
	struct weft_ca *other = open_ca("other");
	EVP_PKEY *key = new_key(), *another = new_key();
	struct weft_join_answer answer = { 0 };
	struct weft_roots roots = { 0 };
	struct weft_join_route route;
	struct weft_svid *svid = NULL;
	char *mine, *foreign, *empty = "";
	X509 *cert = NULL;

	assert_int_equal(weft_join_route_init(&route, "ca:1", DOMAIN, NULL), 0);
	assert_int_equal(weft_ca_sign(ca, CART, key, 0, &cert, NULL), 0);
	assert_int_equal(weft_pem_format_certs(cert, NULL, &answer.certificate, NULL), 0);
	assert_int_equal(weft_pem_format_certs(weft_ca_cert(ca), NULL, &mine, NULL), 0);
	assert_int_equal(weft_pem_format_certs(weft_ca_cert(other), NULL, &foreign, NULL), 0);

	answer.bundle = mine;
	assert_not_accepted(&route, &answer, CART "2", key, "it is of " CART ", not of " CART "2");
	assert_not_accepted(&route, &answer, NULL, key, "not of a node");
	assert_not_accepted(&route, &answer, CART, another, "private key is not the one");
	answer.bundle = foreign;
	assert_not_accepted(&route, &answer, CART, key, "the certificate from CA ca:1");
	answer.bundle = empty;
	assert_not_accepted(&route, &answer, CART, key, "its bundle: no certificate");
	answer.bundle = mine;
	assert_int_equal(weft_join_accept(&route, &answer, CART, key, &svid, &roots, NULL), 0);

	weft_roots_uninit(&roots);
	weft_svid_put(svid);
	weft_join_route_uninit(&route);
	free(answer.certificate);
	free(mine);
	free(foreign);
	X509_free(cert);
	EVP_PKEY_free(key);
	EVP_PKEY_free(another);
	weft_ca_close(other);
}

static void files_that_are_not_right_are_refused(void **state)
{
	struct weft_join_client *client = join_node("n1", ANYTHING);
	struct weft_error err = { 0 };

	weft_join_client_close(client);
	assert_int_equal(chmod(in_dir("n1/node.key"), 0640), 0);
	assert_int_equal(weft_join_client_open(in_dir("n1"), address(), DOMAIN, NULL, &client,
					       &err),
			 -EPERM);
	assert_says(&err, "chmod 0600");
	assert_int_equal(chmod(in_dir("n1/node.key"), 0600), 0);
	assert_int_equal(weft_join_client_open(in_dir("n1"), address(), "example.com", NULL,
					       &client, &err),
			 -EBADMSG);
	assert_int_equal(weft_join_client_open(in_dir("n1"), "ca", DOMAIN, NULL, &client, &err),
			 -EINVAL);
	assert_says(&err, "is not HOST:PORT");
	assert_int_equal(weft_file_write(in_dir("n1/bundle.pem"), "x", 1, 0644, NULL), 0);
	assert_int_equal(weft_join_client_open(in_dir("n1"), address(), DOMAIN, NULL, &client,
					       &err),
			 -EBADMSG);
	assert_says(&err, "bundle.pem");
}

/* ---- those out of reach ---- */

static void ca_out_of_reach_is_told_apart(void **state)
{
	struct weft_join_client *client = join_node("n1", ANYTHING), *nowhere;

	end();
	assert_sign(client, CART, -ECONNREFUSED, "Connection refused");
	weft_join_client_close(client);
	assert_int_equal(weft_join_client_open(in_dir("n1"), "name.invalid:1", DOMAIN, NULL,
					       &nowhere, NULL),
			 0);
	assert_sign(nowhere, CART, -EHOSTUNREACH, "name.invalid");
	weft_join_client_close(nowhere);
	serve("ca", 0, 0);
}

/* Somebody who listens at a port of 127.0.0.1. Return: its descriptor. */
static int listen_somewhere(char *text, size_t size)
{
	struct sockaddr_in addr = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(addr);

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(fd, 8), 0);
	getsockname(fd, (struct sockaddr *)&addr, &len);
	snprintf(text, size, "127.0.0.1:%u", ntohs(addr.sin_port));
	return fd;
}

static void *answer_plainly(void *data)
{
	int fd = accept(*(int *)data, NULL, NULL);
	char buf[2048];

	(void)!read(fd, buf, sizeof(buf));
	(void)!write(fd, "HTTP/1.1 400 Bad Request\r\n\r\n", 28);
	close(fd);
	return NULL;
}

static void peer_that_is_silent_or_no_ca_is_told_apart(void **state)
{
	struct weft_join_client *client = NULL;
	pthread_t thread;
	char text[32];
	int fd;

	weft_join_client_close(join_node("n1", ANYTHING));
	fd = listen_somewhere(text, sizeof(text));
	assert_int_equal(weft_join_client_open(in_dir("n1"), text, DOMAIN, NULL, &client, NULL), 0);
	weft_join_client_set_deadline(client, 100);
	assert_sign(client, CART, -ETIMEDOUT, "too slow or silent");
	close(accept(fd, NULL, NULL));
	weft_join_client_set_deadline(client, WEFT_CHANNEL_DEADLINE_MS);
	assert_int_equal(pthread_create(&thread, NULL, answer_plainly, &fd), 0);
	assert_sign(client, CART, -EPROTO, "TLS");
	pthread_join(thread, NULL);
	close(fd);
	weft_join_client_close(client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVED(node_joins_and_obtains_what_it_may),
		SERVED(node_that_joined_needs_neither_token_nor_network),
		SERVED(node_without_token_is_told_the_way_out),
		SERVED(join_whose_answer_was_lost_is_repeated),
		SERVED(token_of_another_key_is_refused),
		SERVED(token_of_another_trust_domain_is_refused),
		SERVED(ca_with_another_root_gets_no_token),
		SERVED(ca_that_is_replaced_is_not_believed),
		SERVED(identity_that_is_not_granted_is_refused),
		SERVED(own_identities_are_never_issued),
		SERVED(node_that_was_deleted_is_refused),
		SERVED(key_of_a_node_that_joined_anew_is_refused),
		SERVED(lifetime_has_bounds),
		SERVED(certificate_of_the_node_is_renewed_at_half_its_life),
		SERVED(certificate_of_the_node_that_expired_needs_a_token),
		SERVED(bundle_follows_the_ca),
		SERVED(certificate_that_was_not_asked_for_is_not_believed),
		SERVED(files_that_are_not_right_are_refused),
		SERVED(ca_out_of_reach_is_told_apart),
		SERVED(peer_that_is_silent_or_no_ca_is_told_apart),
	};

	return cmocka_run_group_tests_name("join_client", tests, NULL, NULL);
}
