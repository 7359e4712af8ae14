// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A rotation of the CA's root with a server and nodes: who is waited for, and that
 * nobody is cut off at any step.
 */
#include "join_serve.h"

#include "base/hex.h"
#include "join/authority.h"
#include "join/rotation.h"
#include "pki/ca_files.h"
#include "pki/ca_rotate.h"
#include "pki/pem.h"

static struct weft_error err;
static const struct weft_strv nobody;

static void done(int r)
{
	if (r)
		fail_msg("%s", err.text);
}

static void prepare(void)
{
	done(weft_ca_prepare(in_dir("ca"), &err));
}

static int activate_without(const char *names)
{
	struct weft_strv without = words(names);
	int r = weft_rotation_activate(in_dir("ca"), &without, &err);

	weft_strv_uninit(&without);
	return r;
}

static void activate(void)
{
	done(weft_rotation_activate(in_dir("ca"), &nobody, &err));
}

static void finish(void)
{
	done(weft_ca_finish(in_dir("ca"), time(NULL) + 100 * DAY, &err));
}

static void refresh(struct weft_join_client *client)
{
	done(weft_join_client_refresh(client, &err));
}

static size_t roots_of(const struct weft_join_client *client)
{
	struct weft_bundle *bundle = weft_join_client_bundle(client);
	size_t n = weft_bundle_count(bundle);

	weft_bundle_put(bundle);
	return n;
}

static bool is_by(X509 *cert, const char *root)
{
	STACK_OF(X509) *certs;
	bool by;

	assert_int_equal(weft_pem_read_certs(in_dir(root), &certs, NULL), 0);
	by = X509_verify(cert, X509_get0_pubkey(sk_X509_value(certs, 0))) == 1;
	sk_X509_pop_free(certs, X509_free);
	return by;
}

static void assert_obtains_by(struct weft_join_client *client, const char *root)
{
	struct weft_svid *svid = sign(client, CART, 60);

	assert_true(is_by(svid->cert, root));
	weft_svid_put(svid);
}

/* What the operator sees. @list: "name (" of each. */
static void assert_waiting(const char *list)
{
	struct weft_strv waiting = { 0 }, names = { 0 };
	struct weft_ca *fresh;

	if (*list)
		names = words(list);
	done(weft_ca_reopen(ca, &fresh, &err));
	done(weft_rotation_waiting(fresh, in_dir("ca"), time(NULL), &waiting, &err));
	assert_int_equal(waiting.count, names.count);
	for (size_t i = 0; i < names.count; i++) {
		size_t len = strlen(names.items[i]);

		assert_memory_equal(waiting.items[i], names.items[i], len);
		assert_memory_equal(waiting.items[i] + len, " (last seen on 20", 17);
	}
	weft_strv_uninit(&waiting);
	weft_strv_uninit(&names);
	weft_ca_close(fresh);
}

/* ---- who is waited for ---- */

static void nobody_is_waited_for_without_nodes(void **state)
{
	assert_waiting("");
	prepare();
	assert_waiting("");
	activate();
	assert_waiting("");
}

static void nodes_that_have_not_said_it_are_named(void **state)
{
	struct weft_join_client *one = join_node("n1", ANYTHING), *two = join_node("n2", ANYTHING);

	refresh(one);
	refresh(two);
	assert_waiting("");
	prepare();
	assert_waiting("n1 n2");
	assert_int_equal(activate_without("n3"), -ENOENT);
	assert_says(&err, "without \"n3\": there is no such node");
	assert_waiting("n1 n2");
	done(activate_without("n1 n2"));
	weft_join_client_close(one);
	weft_join_client_close(two);
}

static void activation_waits_for_all_nodes(void **state)
{
	struct weft_join_client *one = join_node("n1", ANYTHING), *two = join_node("n2", ANYTHING);

	prepare();
	assert_int_equal(activate_without("n1"), -EBUSY);
	assert_says(&err, "1 node has not said to trust the next root yet: n2 (last seen on 20");
	assert_int_equal(weft_rotation_activate(in_dir("ca"), &nobody, &err), -EBUSY);
	assert_says(&err, "2 nodes have not said to trust the next root yet: n1 (last seen on 20");
	assert_says(&err, "without NODE");
	/* One learns it when it is told the roots, the other with a certificate. */
	refresh(one);
	assert_waiting("n2");
	weft_svid_put(sign(two, CART, 60));
	assert_waiting("n2"); /* it said what it trusted before */
	weft_svid_put(sign(two, CART, 60));
	assert_waiting("");
	activate();
	weft_join_client_close(one);
	weft_join_client_close(two);
}

static void node_that_joined_meanwhile_is_waited_for(void **state)
{
	struct weft_join_client *client;

	prepare();
	client = join_node("n1", ANYTHING);
	assert_int_equal(roots_of(client), 2);
	assert_waiting("n1");
	assert_int_equal(weft_rotation_activate(in_dir("ca"), &nobody, &err), -EBUSY);
	refresh(client);
	activate();
	weft_join_client_close(client);
}

/* It said so, but the CA could not be reached for the second half. */
static void node_says_it_again_when_it_was_not_heard(void **state)
{
	struct weft_join_client *client = join_node("n1", ANYTHING), *again;

	prepare();
	weft_svid_put(sign(client, CART, 60)); /* it has both, and has not said so */
	again = open_node("n1", false);
	assert_int_equal(roots_of(again), 2);
	assert_waiting("n1");
	refresh(again);
	assert_waiting("");
	weft_join_client_close(again);
	weft_join_client_close(client);
}

static void node_that_is_gone_is_told_so(void **state)
{
	struct weft_join_client *client = join_node("n1", ANYTHING);
	struct weft_strv waiting = { 0 };
	struct weft_ca *fresh;

	prepare();
	done(weft_ca_reopen(ca, &fresh, &err));
	done(weft_rotation_waiting(fresh, in_dir("ca"), time(NULL) + 31 * DAY, &waiting, &err));
	assert_int_equal(waiting.count, 1);
	assert_non_null(strstr(waiting.items[0], "; its certificate has expired)"));
	done(activate_without("n1"));
	weft_strv_uninit(&waiting);
	weft_ca_close(fresh);
	weft_join_client_close(client);
}

/* ---- nobody is cut off ---- */

static void server_follows_without_a_restart(void **state)
{
	struct weft_join_client *client = join_node("n1", ANYTHING);

	assert_obtains_by(client, "ca/ca.crt");
	prepare();
	assert_obtains_by(client, "ca/ca.crt");
	assert_int_equal(roots_of(client), 2);
	refresh(client);
	activate();
	assert_obtains_by(client, "ca/ca.crt");
	/* The node's own certificate, too, as soon as it hears of it. */
	refresh(client);
	assert_true(is_by(weft_join_client_svid(client)->cert, "ca/ca.crt"));
	finish();
	refresh(client);
	assert_int_equal(roots_of(client), 1);
	assert_obtains_by(client, "ca/ca.crt");
	weft_join_client_close(client);
}

/* While both are trusted the server is one of the old root for those who know no other. */
static void node_that_was_left_out_comes_back_while_the_old_root_is_trusted(void **state)
{
	struct weft_join_client *client = join_node("n1", ANYTHING);

	prepare();
	done(activate_without("n1"));
	assert_int_equal(roots_of(client), 1);
	assert_waiting("n1");
	assert_obtains_by(client, "ca/ca.crt");
	assert_int_equal(roots_of(client), 2);
	refresh(client);
	assert_waiting("");
	weft_join_client_close(client);
}

static void node_that_was_left_out_to_the_end_needs_a_token(void **state)
{
	struct weft_join_client *client = join_node("n1", ANYTHING);

	prepare();
	done(activate_without("n1"));
	finish();
	assert_int_equal(weft_join_client_refresh(client, &err), -EKEYREJECTED);
	assert_says(&err, "is not the CA of");
	weft_join_client_close(client);
	/* To join anew is to remove its certificate. */
	unlink(in_dir("n1/node.crt"));
	weft_ca_close(ca);
	ca = open_ca("ca");
	client = join_node("n1", ANYTHING);
	assert_int_equal(roots_of(client), 1);
	assert_obtains_by(client, "ca/ca.crt");
	weft_join_client_close(client);
}

static void token_of_before_is_good_while_its_root_is_trusted(void **state)
{
	struct weft_join_client *client;

	/* Something is valid that long. */
	weft_join_client_close(join_node("other", ANYTHING));
	make_token("n1", ANYTHING, "n1.token");
	prepare();
	done(activate_without("other"));
	client = open_node("n1", true);
	done(weft_join_client_join(client, &err));
	assert_int_equal(roots_of(client), 2);
	assert_true(is_by(weft_join_client_svid(client)->cert, "ca/ca.crt"));
	weft_join_client_close(client);
}

static void token_of_a_root_that_is_gone_says_why(void **state)
{
	struct weft_join_client *client;

	make_token("n1", ANYTHING, "n1.token");
	prepare();
	activate();
	finish();
	client = open_node("n1", true);
	assert_join(client, -EKEYREJECTED, "it does not show the root that the token is for: if its "
					   "root was replaced since, make a new token");
	weft_join_client_close(client);
}

static void token_of_meanwhile_is_good_after_it(void **state)
{
	struct weft_join_client *client;

	prepare();
	weft_ca_close(ca);
	ca = open_ca("ca");
	make_token("n1", ANYTHING, "n1.token");
	activate();
	finish();
	client = open_node("n1", true);
	done(weft_join_client_join(client, &err));
	weft_join_client_close(client);
}

/* A node whose certificate is of the old root, though it knows the new one. */
static void certificate_of_the_old_root_counts_for_nothing_in_the_end(void **state)
{
	struct weft_join_client *client = join_node("n1", ANYTHING);

	prepare();
	refresh(client);
	activate();
	finish();
	assert_int_equal(roots_of(client), 2);
	assert_true(!is_by(weft_join_client_svid(client)->cert, "ca/ca.crt"));
	assert_sign(client, CART, -EACCES, "the certificate of a node is needed: ");
	weft_join_client_close(client);
}

/* ---- the server ---- */

static void server_that_cannot_read_its_files_goes_on(void **state)
{
	struct weft_join_client *client = join_node("n1", ANYTHING);
	struct weft_svid *svid = NULL;

	weft_svid_put(sign(client, CART, 60));
	assert_int_equal(weft_file_write(in_dir("ca/next.crt"), "x", 1, 0600, NULL), 0);
	refresh(client); /* it knows its roots still, but signs nothing */
	assert_int_equal(roots_of(client), 1);
	assert_int_equal(weft_join_client_sign(client, CART, 60, &svid, &err), -EIO);
	assert_int_equal(unlink(in_dir("ca/next.crt")), 0);
	weft_svid_put(sign(client, CART, 60));
	weft_join_client_close(client);
}

static void server_warns_once_of_a_root_that_ends(void **state)
{
	struct weft_cert_spec spec = {
		.uri = "spiffe://" DOMAIN,
		.not_before = time(NULL) - 300 * DAY,
		.not_after = time(NULL) + 89 * DAY,
	};
	X509 *cert;

	assert_int_equal(warned, 0);
	end();
	assert_int_equal(weft_pem_read_key(in_dir("ca/ca.key"), &spec.key, NULL), 0);
	assert_int_equal(weft_cert_make(&spec, &cert, NULL), 0);
	assert_int_equal(weft_pem_write_certs(in_dir("ca/ca.crt"), cert, NULL, NULL), 0);
	EVP_PKEY_free(spec.key);
	X509_free(cert);
	serve("ca", 0, 0);
	weft_join_client_close(join_node("n1", ANYTHING));
	weft_join_client_close(join_node("n2", ANYTHING));
	pthread_mutex_lock(&told_lock);
	assert_int_equal(warned, 1);
	pthread_mutex_unlock(&told_lock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVED(nobody_is_waited_for_without_nodes),
		SERVED(nodes_that_have_not_said_it_are_named),
		SERVED(activation_waits_for_all_nodes),
		SERVED(node_that_joined_meanwhile_is_waited_for),
		SERVED(node_says_it_again_when_it_was_not_heard),
		SERVED(node_that_is_gone_is_told_so),
		SERVED(server_follows_without_a_restart),
		SERVED(node_that_was_left_out_comes_back_while_the_old_root_is_trusted),
		SERVED(node_that_was_left_out_to_the_end_needs_a_token),
		SERVED(token_of_before_is_good_while_its_root_is_trusted),
		SERVED(token_of_a_root_that_is_gone_says_why),
		SERVED(token_of_meanwhile_is_good_after_it),
		SERVED(certificate_of_the_old_root_counts_for_nothing_in_the_end),
		SERVED(server_that_cannot_read_its_files_goes_on),
		SERVED(server_warns_once_of_a_root_that_ends),
	};

	return cmocka_run_group_tests_name("join_rotation", tests, NULL, NULL);
}
