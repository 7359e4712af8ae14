// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the CA answers, without a network, while somebody deletes the node.
 */
#include "join_fixture.h"
#include <sys/file.h>
#include <sys/syscall.h>
#include "join/authority.h"
#include "pki/crypto.h"
#include "pki/csr.h"

/* ---- a CA with a node ---- */

static struct weft_ca *ca;
static EVP_PKEY *key;
static struct weft_join_request request;
static struct weft_join_peer peer;

static int issued;

static void on_issued(const struct weft_join_event *event, void *data)
{
	issued++;
}

static void on_refused(const struct weft_join_event *event, void *data)
{
}

static void on_failed(const char *text, void *data)
{
}

static const struct weft_join_log_ops ops = {
	.joined = on_issued,
	.issued = on_issued,
	.refused = on_refused,
	.failed = on_failed,
};

static void add_node(void)
{
	struct weft_ticket ticket = new_ticket(ca, "n1", "spiffe://example.org/*", "n1.token");
	struct weft_join_claim claim = { .address = "192.0.2.1", .now = time(NULL) };
	struct weft_join_node node;

	memcpy(claim.key, peer.key, sizeof(claim.key));
	assert_int_equal(weft_registry_join_locked(in_dir("ca"), ticket.id, ticket.secret, &claim,
						   &node, NULL),
			 0);
	weft_join_node_uninit(&node);
	weft_ticket_uninit(&ticket);
	unlink(in_dir("n1.token"));
}

static int set_up(void **state)
{
	if (make_dir(state))
		return -1;
	ca = open_ca("ca");
	assert_int_equal(weft_cert_key(&key, NULL), 0);
	request = (struct weft_join_request){ .op = WEFT_JOIN_OP_SIGN };
	assert_int_equal(weft_csr_make(key, CART, &request.csr, NULL), 0);
	peer = (struct weft_join_peer){ .identity = NODE, .address = "192.0.2.1" };
	assert_int_equal(weft_crypto_key_digest(key, peer.key, NULL), 0);
	return 0;
}

static int tear_down(void **state)
{
	weft_join_request_uninit(&request);
	EVP_PKEY_free(key);
	weft_ca_close(ca);
	return remove_dir(state);
}

static int answer_once(void)
{
	const struct weft_authority authority = {
		.ca = ca,
		.ca_dir = weft_ca_dir(ca),
		.bundle = "",
		.lifetime_max = WEFT_CA_LIFETIME_DEFAULT,
		.ops = &ops,
	};
	struct weft_join_answer answer = { 0 };
	int r;

	weft_authority_answer(&authority, &peer, &request, &answer);
	r = answer.error;
	weft_join_answer_uninit(&answer);
	return r;
}

/* ---- nothing is signed for a node that was deleted ---- */

/* Where somebody else may have the lock: before it is taken for this time. */
static int turns_until_deleted;
static bool deleted;

/* Instead of the C library's, for all that is linked with this. */
int flock(int fd, int operation)
{
	if (turns_until_deleted && !--turns_until_deleted) {
		assert_int_equal(weft_registry_delete(in_dir("ca"), "n1", NULL), 0);
		deleted = true;
	}
	return syscall(SYS_flock, fd, operation);
}

static void nothing_is_signed_after_the_node_was_deleted(void **state)
{
	int before, r;

	for (int turn = 1; turn <= 4; turn++) {
		add_node();
		before = issued;
		deleted = false;
		turns_until_deleted = turn;
		r = answer_once();
		turns_until_deleted = 0;
		assert_int_equal(r, deleted ? -EACCES : 0);
		assert_int_equal(issued - before, deleted ? 0 : 1);
		assert_true(deleted || turn > 1);
	}
}

static void no_node_joins_with_a_token_that_was_deleted(void **state)
{
	struct weft_ticket ticket;
	int r;

	request.op = WEFT_JOIN_OP_JOIN;
	for (int turn = 1; turn <= 4; turn++) {
		add_node();
		ticket = new_ticket(ca, "n1", "spiffe://example.org/*", "n1.token");
		unlink(in_dir("n1.token"));
		memcpy(request.token, ticket.id, sizeof(ticket.id));
		memcpy(request.secret, ticket.secret, sizeof(ticket.secret));
		weft_ticket_uninit(&ticket);
		deleted = false;
		turns_until_deleted = turn;
		r = answer_once();
		turns_until_deleted = 0;
		assert_int_equal(r, deleted ? -EACCES : 0);
		assert_true(deleted || turn > 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_is_signed_after_the_node_was_deleted,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_node_joins_with_a_token_that_was_deleted,
						set_up, tear_down),
	};

	return cmocka_run_group_tests_name("join_authority", tests, NULL, NULL);
}
