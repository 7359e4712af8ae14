// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the CA's host keeps of nodes: tokens, the registry, what may be granted.
 */
#include "join_fixture.h"
#include "join/grant.h"

static struct weft_join_claim claim_of(uint8_t key)
{
	struct weft_join_claim claim = { .address = "192.0.2.1", .now = time(NULL) };

	memset(claim.key, key, sizeof(claim.key));
	return claim;
}

static int join_as(const struct weft_ticket *ticket, uint8_t key, int64_t later,
		   struct weft_error *err)
{
	struct weft_join_claim claim = claim_of(key);
	struct weft_join_node node;
	int r;

	claim.now += later;
	r = weft_registry_join_locked(in_dir("ca"), ticket->id, ticket->secret, &claim, &node, err);
	if (!r)
		weft_join_node_uninit(&node);
	return r;
}

static int seen_as(const char *name, uint8_t key, const char *trusts, int64_t later,
		   struct weft_join_node *node, struct weft_error *err)
{
	struct weft_join_claim claim = claim_of(key);
	struct weft_strv list = words(trusts);
	int r;

	claim.now += later;
	r = weft_registry_seen_locked(in_dir("ca"), name, &claim, &list, node, err);
	weft_strv_uninit(&list);
	return r;
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

/* ---- grants ---- */

static void assert_no_grant(const char *text, const char *says)
{
	struct weft_strv grants = { 0 };
	struct weft_error err = { 0 };

	assert_int_equal(weft_grant_add(&grants, DOMAIN, text, &err), -EINVAL);
	assert_says(&err, says);
	assert_int_equal(grants.count, 0);
}

static void grant_is_an_identity_or_all_below_a_path(void **state)
{
	struct weft_strv grants = { 0 };

	assert_int_equal(weft_grant_add(&grants, DOMAIN, "shop/cart", NULL), 0);
	assert_int_equal(weft_grant_add(&grants, DOMAIN, CART, NULL), 0);
	assert_int_equal(weft_grant_add(&grants, DOMAIN, "shop/eu/*", NULL), 0);
	assert_int_equal(grants.count, 2);
	assert_true(weft_grant_allows(&grants, CART));
	assert_true(weft_grant_allows(&grants, "spiffe://example.org/shop/eu/cart"));
	assert_false(weft_grant_allows(&grants, "spiffe://example.org/shop/cart2"));
	assert_false(weft_grant_allows(&grants, "spiffe://example.org/shop/eu"));
	assert_false(weft_grant_allows(&grants, "spiffe://example.com/shop/cart"));
	weft_strv_uninit(&grants);
}

static void grant_of_anything_else_is_refused(void **state)
{
	assert_no_grant("", "identity \"\"");
	assert_no_grant("shop/ca*", "ends in \"/*\"");
	assert_no_grant("*x", "'*' may only be the last character");
	assert_no_grant("spiffe://example.com/a", "of another trust domain");
	assert_no_grant("spiffe://example.org/weft/ca", "weft's own");
	assert_no_grant("weft/node/n2", "weft's own");
	assert_no_grant("weft/*", "weft's own");
	assert_no_grant("https://example.org/", "not a SPIFFE ID");
}

static void own_identities_are_never_granted(void **state)
{
	struct weft_strv grants = { 0 };

	assert_int_equal(weft_grant_add(&grants, DOMAIN, "*", NULL), 0);
	assert_string_equal(grants.items[0], "spiffe://example.org/*");
	assert_true(weft_grant_allows(&grants, CART));
	assert_false(weft_grant_allows(&grants, NODE));
	assert_false(weft_grant_allows(&grants, "spiffe://example.org/weft/ca"));
	weft_strv_uninit(&grants);
}

static void grants_have_a_limit(void **state)
{
	struct weft_strv grants = { 0 };
	struct weft_error err = { 0 };
	char name[16];

	for (int i = 0; i < WEFT_GRANTS_MAX; i++) {
		snprintf(name, sizeof(name), "a%d", i);
		assert_int_equal(weft_grant_add(&grants, DOMAIN, name, NULL), 0);
	}
	assert_int_equal(weft_grant_add(&grants, DOMAIN, "more", &err), -ENOSPC);
	assert_says(&err, "use a prefix");
	weft_strv_uninit(&grants);
}

static void node_is_named_by_its_identity_alone(void **state)
{
	assert_string_equal(weft_join_node_of(DOMAIN, NODE), "n1");
	assert_null(weft_join_node_of(DOMAIN, "spiffe://example.com/weft/node/n1"));
	assert_null(weft_join_node_of(DOMAIN, "spiffe://example.org/weft/node/n1/x"));
	assert_null(weft_join_node_of(DOMAIN, "spiffe://example.org/weft/node/N1"));
	assert_null(weft_join_node_of(DOMAIN, "spiffe://example.org/weft/ca"));
	assert_null(weft_join_node_of(DOMAIN, CART));
}

/* ---- tokens ---- */

static void token_files_are_private_and_only_one_has_the_secret(void **state)
{
	struct weft_ca *ca = open_ca("ca");
	struct weft_ticket ticket;
	char path[64], *text, *own;
	size_t len;

	ticket = new_ticket(ca, "n1", "shop/cart", "t");
	snprintf(path, sizeof(path), "ca/tokens/%s.json", ticket.id);
	assert_int_equal(mode_of(in_dir("t")), 0600);
	assert_int_equal(mode_of(in_dir("ca/tokens")), 0700);
	assert_int_equal(mode_of(in_dir(path)), 0600);
	assert_string_equal(ticket.trust_domain, DOMAIN);
	assert_int_equal(ticket.n_roots, 1);

	assert_int_equal(weft_file_read(in_dir("t"), 10000, &text, &len, NULL), 0);
	own = strstr(text, "\"secret\"");
	assert_non_null(own);
	own = strndup(strchr(own, ':') + 3, 64);
	free(text);
	assert_int_equal(weft_file_read(in_dir(path), 10000, &text, &len, NULL), 0);
	assert_null(strstr(text, own));
	free(text);
	free(own);
	weft_ticket_uninit(&ticket);
	weft_ca_close(ca);
}

static void token_never_overwrites_a_file(void **state)
{
	struct weft_ca *ca = open_ca("ca");
	struct weft_error err = { 0 };

	assert_int_equal(weft_file_write(in_dir("t"), "x", 1, 0600, NULL), 0);
	assert_int_equal(add_token(ca, "ca", "n1", "a", "t", NULL, &err), -EEXIST);
	assert_says(&err, "is there already: name a new file");
	assert_int_equal(count_tokens(0), 0);
	weft_ca_close(ca);
}

static void token_for_nonsense_is_not_made(void **state)
{
	const struct weft_strv none = { 0 };
	struct weft_strv list = words("a");
	struct weft_ca *ca = open_ca("ca");
	struct weft_error err = { 0 };
	char id[WEFT_TOKEN_ID_LEN + 1];

	assert_int_equal(add_token(ca, "ca", "N1", "a", "t", id, &err), -EINVAL);
	assert_says(&err, "node \"N1\": not a DNS name");
	assert_int_equal(add_token(ca, "ca", "n1", "weft/ca", "t", id, &err), -EINVAL);
	assert_int_equal(weft_token_create(ca, in_dir("ca"), "n1", &none, 0, in_dir("t"), id, &err),
			 -EINVAL);
	assert_says(&err, "name an identity");
	assert_int_equal(weft_token_create(ca, in_dir("ca"), "n1", &list, WEFT_TOKEN_TTL_MAX + 1,
					   in_dir("t"), id, &err),
			 -ERANGE);
	assert_int_equal(access(in_dir("t"), F_OK), -1);
	assert_int_equal(count_tokens(0), 0);
	weft_strv_uninit(&list);
	weft_ca_close(ca);
}

static void token_lets_its_node_join(void **state)
{
	struct weft_ca *ca = open_ca("ca");
	struct weft_ticket ticket = new_ticket(ca, "n1", "shop/cart b/*", "t");
	struct weft_error err = { 0 };
	struct weft_join_nodes nodes;

	assert_int_equal(join_as(&ticket, 1, 0, &err), 0);
	assert_int_equal(weft_registry_list(in_dir("ca"), &nodes, NULL), 0);
	assert_int_equal(nodes.count, 1);
	assert_string_equal(nodes.items[0].name, "n1");
	assert_string_equal(nodes.items[0].address, "192.0.2.1");
	assert_int_equal(nodes.items[0].identities.count, 2);
	assert_string_equal(nodes.items[0].identities.items[0], CART);
	assert_int_equal(mode_of(in_dir("ca/nodes/n1.json")), 0600);
	weft_join_nodes_uninit(&nodes);
	weft_ticket_uninit(&ticket);
	weft_ca_close(ca);
}

static void token_of_another_key_is_refused(void **state)
{
	struct weft_ca *ca = open_ca("ca");
	struct weft_ticket ticket = new_ticket(ca, "n1", "shop/cart", "t");
	struct weft_error err = { 0 };

	assert_int_equal(join_as(&ticket, 1, 0, &err), 0);
	assert_int_equal(join_as(&ticket, 2, 0, &err), -EACCES);
	assert_says(&err, "was used with another key");
	assert_int_equal(join_as(&ticket, 1, 0, &err), 0);
	weft_ticket_uninit(&ticket);
	weft_ca_close(ca);
}

static void token_with_another_secret_is_refused_and_not_bound(void **state)
{
	struct weft_ca *ca = open_ca("ca");
	struct weft_ticket ticket = new_ticket(ca, "n1", "shop/cart", "t");
	struct weft_error err = { 0 };

	ticket.secret[31] ^= 1;
	assert_int_equal(join_as(&ticket, 2, 0, &err), -EACCES);
	assert_says(&err, "is not known to the CA");
	assert_null(strstr(err.text, "n1"));
	ticket.secret[31] ^= 1;
	assert_int_equal(join_as(&ticket, 1, 0, &err), 0);
	weft_ticket_uninit(&ticket);
	weft_ca_close(ca);
}

static void token_that_expired_is_refused_and_swept(void **state)
{
	struct weft_ca *ca = open_ca("ca");
	struct weft_ticket ticket = new_ticket(ca, "n1", "shop/cart", "t");
	struct weft_error err = { 0 };

	assert_int_equal(join_as(&ticket, 1, WEFT_TOKEN_TTL_DEFAULT + 1, &err), -EACCES);
	assert_says(&err, "expired on");
	assert_int_equal(count_nodes(), 0);
	assert_int_equal(count_tokens(time(NULL)), 1);
	assert_int_equal(count_tokens(time(NULL) + WEFT_TOKEN_TTL_DEFAULT + 1), 0);
	assert_int_equal(count_tokens(0), 0);
	assert_int_equal(join_as(&ticket, 1, 0, &err), -EACCES);
	assert_says(&err, "is not known to the CA");
	weft_ticket_uninit(&ticket);
	weft_ca_close(ca);
}

static void token_takes_the_place_of_an_older_one_of_its_node(void **state)
{
	struct weft_ca *ca = open_ca("ca");
	struct weft_ticket old = new_ticket(ca, "n1", "a", "t1"), other, new;
	struct weft_error err = { 0 };

	other = new_ticket(ca, "n2", "a", "t2");
	assert_int_equal(join_as(&old, 1, 0, &err), 0);
	new = new_ticket(ca, "n1", "b", "t3");
	assert_int_equal(join_as(&old, 1, 0, &err), -EACCES);
	assert_int_equal(join_as(&other, 2, 0, &err), 0);
	assert_int_equal(join_as(&new, 1, 0, &err), 0);
	weft_ticket_uninit(&old);
	weft_ticket_uninit(&other);
	weft_ticket_uninit(&new);
	weft_ca_close(ca);
}

static void token_that_was_deleted_is_refused(void **state)
{
	struct weft_ca *ca = open_ca("ca");
	struct weft_ticket ticket = new_ticket(ca, "n1", "a", "t");
	struct weft_error err = { 0 };

	assert_int_equal(weft_token_delete(in_dir("ca"), ticket.id, &err), 0);
	assert_int_equal(weft_token_delete(in_dir("ca"), ticket.id, &err), -ENOENT);
	assert_int_equal(weft_token_delete(in_dir("ca"), "../nodes/n1", &err), -EINVAL);
	assert_int_equal(join_as(&ticket, 1, 0, &err), -EACCES);
	weft_ticket_uninit(&ticket);
	weft_ca_close(ca);
}

static void token_record_that_is_broken_is_named(void **state)
{
	static const char broken[] = "{\"id\":\"0123456789abcdef\"}\n";
	const char *path = in_dir("ca/tokens/0123456789abcdef.json");
	struct weft_ticket ticket = { .id = "0123456789abcdef" };
	struct weft_ca *ca = open_ca("ca");
	struct weft_error err = { 0 };
	struct weft_tokens tokens;

	assert_int_equal(weft_dir_create(in_dir("ca/tokens"), 0700, NULL), 0);
	assert_int_equal(weft_file_write(path, broken, strlen(broken), 0600, NULL), 0);
	assert_int_equal(join_as(&ticket, 1, 0, &err), -EBADMSG);
	assert_int_equal(weft_token_list(in_dir("ca"), 0, &tokens, &err), -EBADMSG);
	assert_says(&err, "0123456789abcdef.json: \"node\" must be");
	weft_ca_close(ca);
}

static void ticket_that_others_can_read_is_refused(void **state)
{
	struct weft_ca *ca = open_ca("ca");
	struct weft_ticket ticket = new_ticket(ca, "n1", "a", "t");
	struct weft_error err = { 0 };

	weft_ticket_uninit(&ticket);
	assert_int_equal(chmod(in_dir("t"), 0644), 0);
	assert_int_equal(weft_ticket_read(in_dir("t"), &ticket, &err), -EPERM);
	assert_says(&err, "chmod 0600");
	weft_ca_close(ca);
}

static void ticket_that_is_none_is_refused(void **state)
{
	static const char id[] = "\"id\":\"0123456789abcdef\"";
	static const char secret[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	struct weft_ticket ticket = { 0 };
	struct weft_error err = { 0 };
	char text[1024];

#define TRY(version, domain, roots, more, says)                                                  \
	do {                                                                                     \
		snprintf(text, sizeof(text),                                                     \
			 "{\"version\":%s,\"trustDomain\":\"%s\",%s,\"secret\":\"%s\",\"roots\":%s%s}", \
			 version, domain, id, secret, roots, more);                              \
		assert_int_equal(weft_file_write(in_dir("t"), text, strlen(text), 0600, NULL), 0); \
		assert_int_equal(weft_ticket_read(in_dir("t"), &ticket, &err), -EBADMSG);        \
		assert_says(&err, says);                                                         \
	} while (0)

	TRY("2", DOMAIN, "[]", "", "\"version\" must be a number from 1 to 1");
	TRY("1", "A", "[]", "", "\"trustDomain\"");
	TRY("1", DOMAIN, "[]", "", "\"roots\" is empty");
	TRY("1", DOMAIN, "[\"00\"]", "", "not a SHA-256 digest");
	TRY("1", DOMAIN, "[]", ",\"x\":1", "a member that is not known");
	TRY("1", DOMAIN, "[]", ",\"id\":1", "\"id\" is there twice");
	TRY("1", DOMAIN, "[]", "}", "something follows");
#undef TRY
}

/* ---- the registry ---- */

static void node_with_another_key_or_none_is_refused(void **state)
{
	struct weft_ca *ca = open_ca("ca");
	struct weft_ticket ticket = new_ticket(ca, "n1", "a", "t1");
	struct weft_error err = { 0 };
	struct weft_join_node node;

	assert_int_equal(seen_as("n1", 1, "r", 0, &node, &err), -EACCES);
	assert_says(&err, "not known to the CA");
	assert_int_equal(join_as(&ticket, 1, 0, &err), 0);
	assert_int_equal(seen_as("n1", 2, "r", 0, &node, &err), -EACCES);
	assert_says(&err, "joined anew with another key");
	assert_int_equal(seen_as("n1", 1, "r", 0, &node, &err), 0);
	weft_join_node_uninit(&node);
	weft_ticket_uninit(&ticket);

	/* A new token replaces the key and what is allowed. */
	ticket = new_ticket(ca, "n1", "b", "t2");
	assert_int_equal(join_as(&ticket, 2, 0, &err), 0);
	assert_int_equal(seen_as("n1", 1, "r", 0, &node, &err), -EACCES);
	assert_int_equal(seen_as("n1", 2, "r", 0, &node, &err), 0);
	assert_int_equal(node.identities.count, 1);
	assert_string_equal(node.identities.items[0], "spiffe://example.org/b");
	weft_join_node_uninit(&node);
	weft_ticket_uninit(&ticket);
	weft_ca_close(ca);
}

static void node_is_written_once_a_minute_or_when_its_trust_changes(void **state)
{
	struct weft_ca *ca = open_ca("ca");
	struct weft_ticket ticket = new_ticket(ca, "n1", "a", "t1");
	int64_t joined;
	struct weft_join_node node;

	assert_int_equal(join_as(&ticket, 1, 0, NULL), 0);
	assert_int_equal(seen_as("n1", 1, "r", 1, &node, NULL), 0);
	joined = node.seen;
	weft_join_node_uninit(&node);
	assert_int_equal(seen_as("n1", 1, "r", 30, &node, NULL), 0);
	assert_int_equal(node.seen, joined);
	weft_join_node_uninit(&node);
	assert_int_equal(seen_as("n1", 1, "r s", 31, &node, NULL), 0);
	assert_in_range(node.seen, joined + 29, joined + 100);
	assert_int_equal(node.trusts.count, 2);
	joined = node.seen;
	weft_join_node_uninit(&node);
	assert_int_equal(seen_as("n1", 1, "r s", 200, &node, NULL), 0);
	assert_true(node.seen > joined + 100);
	weft_join_node_uninit(&node);
	weft_ticket_uninit(&ticket);
	weft_ca_close(ca);
}

static void node_that_was_deleted_cannot_come_back_with_its_token(void **state)
{
	struct weft_ca *ca = open_ca("ca");
	struct weft_ticket ticket = new_ticket(ca, "n1", "a", "t1");
	struct weft_error err = { 0 };
	struct weft_join_node node;

	assert_int_equal(join_as(&ticket, 1, 0, NULL), 0);
	assert_int_equal(weft_registry_delete(in_dir("ca"), "n1", &err), 0);
	assert_int_equal(count_nodes(), 0);
	assert_int_equal(join_as(&ticket, 1, 0, &err), -EACCES);
	assert_int_equal(seen_as("n1", 1, "r", 0, &node, &err), -EACCES);
	assert_int_equal(weft_registry_delete(in_dir("ca"), "n1", &err), -ENOENT);
	assert_says(&err, "node \"n1\": there is none");
	assert_int_equal(weft_registry_delete(in_dir("ca"), "../tokens/x", &err), -EINVAL);
	weft_ticket_uninit(&ticket);
	weft_ca_close(ca);
}

/* Of two of them the first is named. */
static void token_that_is_broken_keeps_no_node_and_no_other_token(void **state)
{
	static const char broken[] = "{\"id\":\"0123456789abcdef\"}\n";
	struct weft_ca *ca = open_ca("ca");
	struct weft_ticket ticket = new_ticket(ca, "n1", "a", "t1"), other;
	char id[WEFT_TOKEN_ID_LEN + 1] = "";
	struct weft_error err = { 0 };
	struct weft_join_node node;

	other = new_ticket(ca, "n2", "a", "t2");
	assert_int_equal(join_as(&ticket, 1, 0, NULL), 0);
	assert_int_equal(weft_file_write(in_dir("ca/tokens/0123456789abcdef.json"), broken,
					 strlen(broken), 0600, NULL),
			 0);
	assert_int_equal(mkdir(in_dir("ca/tokens/zz.json"), 0700), 0);
	assert_int_equal(weft_registry_delete(in_dir("ca"), "n1", &err), WEFT_TOKEN_UNREAD);
	assert_says(&err, "node \"n1\" is deleted, but not all tokens were looked at: ");
	assert_says(&err, "/0123456789abcdef.json: \"node\" must be");
	assert_says(&err, " (and 1 more): ");
	assert_says(&err, "remove the file");
	assert_int_equal(count_nodes(), 0);
	assert_int_equal(seen_as("n1", 1, "r", 0, &node, NULL), -EACCES);
	assert_int_equal(join_as(&ticket, 1, 0, NULL), -EACCES);

	assert_int_equal(add_token(ca, "ca", "n2", "b", "t3", id, &err), WEFT_TOKEN_UNREAD);
	assert_says(&err, "0123456789abcdef.json");
	assert_int_equal(strlen(id), WEFT_TOKEN_ID_LEN);
	assert_int_equal(join_as(&other, 2, 0, NULL), -EACCES); /* another took its place */
	weft_ticket_uninit(&other);
	assert_int_equal(weft_ticket_read(in_dir("t3"), &other, NULL), 0);
	assert_int_equal(join_as(&other, 2, 0, NULL), 0);

	assert_int_equal(rmdir(in_dir("ca/tokens/zz.json")), 0);
	assert_int_equal(weft_token_delete(in_dir("ca"), "0123456789abcdef", NULL), 0);
	assert_int_equal(weft_registry_delete(in_dir("ca"), "n2", NULL), 0);
	weft_ticket_uninit(&ticket);
	weft_ticket_uninit(&other);
	weft_ca_close(ca);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grant_is_an_identity_or_all_below_a_path),
		cmocka_unit_test(grant_of_anything_else_is_refused),
		cmocka_unit_test(own_identities_are_never_granted),
		cmocka_unit_test(grants_have_a_limit),
		cmocka_unit_test(node_is_named_by_its_identity_alone),
		IN_DIR(token_files_are_private_and_only_one_has_the_secret),
		IN_DIR(token_never_overwrites_a_file),
		IN_DIR(token_for_nonsense_is_not_made),
		IN_DIR(token_lets_its_node_join),
		IN_DIR(token_of_another_key_is_refused),
		IN_DIR(token_with_another_secret_is_refused_and_not_bound),
		IN_DIR(token_that_expired_is_refused_and_swept),
		IN_DIR(token_takes_the_place_of_an_older_one_of_its_node),
		IN_DIR(token_that_was_deleted_is_refused),
		IN_DIR(token_record_that_is_broken_is_named),
		IN_DIR(ticket_that_others_can_read_is_refused),
		IN_DIR(ticket_that_is_none_is_refused),
		IN_DIR(node_with_another_key_or_none_is_refused),
		IN_DIR(node_is_written_once_a_minute_or_when_its_trust_changes),
		IN_DIR(node_that_was_deleted_cannot_come_back_with_its_token),
		IN_DIR(token_that_is_broken_keeps_no_node_and_no_other_token),
	};

	return cmocka_run_group_tests_name("join_token", tests, NULL, NULL);
}
