// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A directory of PEM files as a source of SVIDs: what is taken over, and what is not.
 */
#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include "base/file.h"
#include "pki/pem.h"
#include "pki/source.h"
#include "pki_fixture.h"

#define DOMAIN "mesh.test"
#define CART "spiffe://mesh.test/cart"
#define SHOP "spiffe://mesh.test/shop"

static char dir[64];
static struct weft_ca *ca, *other; /* two authorities of one trust domain */
static struct weft_source *source;
static struct weft_error problem;

static const char *in_dir(const char *name)
{
	static char path[4][128];
	static unsigned int next;
	char *p = path[next++ % 4];

	snprintf(p, sizeof(path[0]), "%s/%s", dir, name);
	return p;
}

static int setup(void **state)
{
	strcpy(dir, "/tmp/weft-test-source-XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(weft_ca_open_or_create(in_dir("one"), DOMAIN, &ca, NULL), 0);
	assert_int_equal(weft_ca_open_or_create(in_dir("two"), DOMAIN, &other, NULL), 0);
	assert_int_equal(weft_dir_create(in_dir("s/sub"), 0700, NULL), 0);
	assert_int_equal(weft_source_dir_create(in_dir("s"), DOMAIN, &source, NULL), 0);
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static int teardown(void **state)
{
	weft_source_destroy(source);
	weft_ca_close(ca);
	weft_ca_close(other);
	return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Return: what weft_source_refresh() does; the problem is in @problem. */
static int refresh(void)
{
	problem.text[0] = 0;
	return weft_source_refresh(source, &problem);
}

static void put_root(const char *name, const struct weft_ca *of)
{
	assert_int_equal(weft_pem_write_certs(in_dir(name), weft_ca_cert(of), NULL, NULL), 0);
}

static void put_svid(const struct weft_ca *of, const char *identity, const char *cert,
		     const char *key)
{
	struct weft_svid *svid;

	assert_int_equal(weft_ca_issue(of, identity, 0, &svid, NULL), 0);
	assert_int_equal(weft_svid_write(svid, in_dir(cert), in_dir(key), NULL), 0);
	weft_svid_put(svid);
}

static struct weft_svid *get(const char *identity)
{
	struct weft_svid *svid;

	if (weft_source_svid(source, identity, 0, &svid, NULL))
		return NULL;
	assert_string_equal(svid->identity, identity);
	return svid;
}

/* A number that each certificate has for itself; 0: there is none. */
static uint64_t serial(const char *identity)
{
	struct weft_svid *svid = get(identity);
	const ASN1_INTEGER *number;
	uint64_t n = 0;

	if (!svid)
		return 0;
	number = X509_get0_serialNumber(svid->cert);
	for (int i = 0; i < ASN1_STRING_length(number); i++)
		n = n * 257 + ASN1_STRING_get0_data(number)[i];
	weft_svid_put(svid);
	return n;
}

static int64_t issued(const char *identity)
{
	struct weft_svid *svid = get(identity);
	int64_t since = svid->not_before;

	weft_svid_put(svid);
	return since;
}

static size_t roots(void)
{
	struct weft_bundle *bundle;
	size_t n;

	assert_int_equal(weft_source_bundle(source, &bundle, NULL), 0);
	n = weft_bundle_count(bundle);
	weft_bundle_put(bundle);
	return n;
}

static void assert_problem(const char *words)
{
	if (!strstr(problem.text, words))
		fail_msg("\"%s\" does not say \"%s\"", problem.text, words);
}

static void a_pair_and_its_root_are_found(void **state)
{
	put_root("s/ca.crt", ca);
	put_svid(ca, CART, "s/cart.crt", "s/cart.key");
	assert_int_equal(refresh(), 1);
	assert_string_equal(problem.text, "");
	assert_int_equal(roots(), 1);
	assert_int_not_equal(serial(CART), 0);
	assert_int_equal(serial(SHOP), 0);
}

static void names_that_other_tools_use_are_known(void **state)
{
	put_root("s/svid_bundle.pem", ca);
	put_svid(ca, CART, "s/svid.pem", "s/svid_key.pem");
	put_svid(ca, SHOP, "s/sub/tls.crt", "s/sub/tls.key");
	put_svid(ca, "spiffe://mesh.test/x", "s/x.pem", "s/x-key.pem");
	assert_int_equal(refresh(), 1);
	assert_string_equal(problem.text, "");
	assert_int_not_equal(serial(CART), 0);
	assert_int_not_equal(serial(SHOP), 0);
	assert_int_not_equal(serial("spiffe://mesh.test/x"), 0);
}

static void nothing_new_is_said_once(void **state)
{
	put_root("s/ca.crt", ca);
	assert_int_equal(refresh(), 1);
	assert_int_equal(refresh(), 0);
	put_svid(ca, CART, "s/cart.crt", "s/cart.key");
	assert_int_equal(refresh(), 1);
	assert_int_equal(refresh(), 0);
}

static void a_renewed_pair_is_taken_over(void **state)
{
	uint64_t before;

	put_root("s/ca.crt", ca);
	put_svid(ca, CART, "s/cart.crt", "s/cart.key");
	assert_int_equal(refresh(), 1);
	before = serial(CART);
	put_svid(ca, CART, "s/cart.crt", "s/cart.key");
	assert_int_equal(serial(CART), before);
	assert_int_equal(refresh(), 1);
	assert_int_not_equal(serial(CART), before);
	assert_int_not_equal(serial(CART), 0);
}

static void half_a_pair_leaves_the_former_in_use(void **state)
{
	uint64_t before;

	put_root("s/ca.crt", ca);
	put_svid(ca, CART, "s/cart.crt", "s/cart.key");
	assert_int_equal(refresh(), 1);
	before = serial(CART);
	put_svid(ca, CART, "s/new.crt", "s/new.key");
	assert_int_equal(rename(in_dir("s/new.crt"), in_dir("s/cart.crt")), 0);
	assert_int_equal(refresh(), 1);
	assert_problem("cart.");
	/* new.key is alone as well; the first problem is told */
	assert_int_equal(serial(CART), before);
	assert_int_equal(rename(in_dir("s/new.key"), in_dir("s/cart.key")), 0);
	assert_int_equal(refresh(), 1);
	assert_string_equal(problem.text, "");
	assert_int_not_equal(serial(CART), before);
}

static void a_chain_to_no_root_of_ours_is_not_taken(void **state)
{
	uint64_t before;

	put_root("s/ca.crt", ca);
	put_svid(ca, CART, "s/cart.crt", "s/cart.key");
	assert_int_equal(refresh(), 1);
	before = serial(CART);
	put_svid(other, CART, "s/cart.crt", "s/cart.key");
	assert_int_equal(refresh(), 1);
	assert_problem("cart.crt: its chain leads to none of the roots");
	assert_int_equal(serial(CART), before);
	/* The new root comes, beside the old one: the roots overlap. */
	put_root("s/bundle.pem", other);
	assert_int_equal(refresh(), 1);
	assert_string_equal(problem.text, "");
	assert_int_equal(roots(), 2);
	assert_int_not_equal(serial(CART), before);
}

static void another_trust_domain_is_not_taken(void **state)
{
	struct weft_ca *foreign;

	assert_int_equal(weft_ca_open_or_create(in_dir("foreign"), "other.test", &foreign, NULL),
			 0);
	put_root("s/ca.crt", ca);
	put_svid(foreign, "spiffe://other.test/x", "s/x.crt", "s/x.key");
	assert_int_equal(refresh(), 1);
	assert_problem("x.crt: spiffe://other.test/x is not of trust domain \"mesh.test\"");
	put_root("s/bundle.pem", foreign);
	assert_int_equal(refresh(), 1);
	assert_problem("bundle.pem");
	assert_int_equal(roots(), 1); /* the good one of before */
	assert_int_equal(serial("spiffe://other.test/x"), 0);
	weft_ca_close(foreign);
}

static void without_roots_nobody_is_trusted(void **state)
{
	assert_int_equal(refresh(), 1);
	assert_problem("no root certificate");
	assert_int_equal(roots(), 0);
	put_svid(ca, CART, "s/cart.crt", "s/cart.key");
	assert_int_equal(refresh(), 1);
	assert_int_equal(serial(CART), 0);
}

static void a_root_that_goes_is_trusted_no_more_but_for_the_last(void **state)
{
	put_root("s/ca.crt", ca);
	put_root("s/bundle.pem", other);
	assert_int_equal(refresh(), 1);
	assert_int_equal(roots(), 2);
	assert_int_equal(unlink(in_dir("s/bundle.pem")), 0);
	assert_int_equal(refresh(), 1);
	assert_string_equal(problem.text, "");
	assert_int_equal(roots(), 1);
	assert_int_equal(unlink(in_dir("s/ca.crt")), 0);
	assert_int_equal(refresh(), 1);
	assert_problem("the former ones stay in use");
	assert_int_equal(roots(), 1);
}

static void a_broken_file_of_roots_does_not_keep_another(void **state)
{
	put_root("s/ca.crt", ca);
	put_root("s/bundle.pem", other);
	assert_int_equal(refresh(), 1);
	assert_int_equal(weft_file_write(in_dir("s/ca.crt"), "broken", 6, 0644, NULL), 0);
	assert_int_equal(refresh(), 1);
	assert_problem("ca.crt");
	assert_int_equal(roots(), 2);
	assert_int_equal(unlink(in_dir("s/bundle.pem")), 0);
	assert_int_equal(refresh(), 1);
	assert_problem("ca.crt");
	assert_int_equal(roots(), 1);
}

static void roots_that_others_can_write_are_not_trusted(void **state)
{
	put_root("s/ca.crt", ca);
	put_root("s/sub/ca.crt", other);
	assert_int_equal(chmod(in_dir("s/sub/ca.crt"), 0664), 0);
	assert_int_equal(refresh(), 1);
	assert_problem("sub/ca.crt: mode 0664 lets others say whom to trust");
	assert_int_equal(roots(), 1);
	assert_int_equal(chmod(in_dir("s/sub/ca.crt"), 0644), 0);
	assert_int_equal(chmod(in_dir("s/sub"), 0777), 0);
	assert_int_equal(refresh(), 1);
	assert_problem("sub: mode 0777 lets others say whom to trust");
	assert_int_equal(roots(), 1);
	assert_int_equal(chmod(in_dir("s/sub"), 0755), 0);
	assert_int_equal(refresh(), 1);
	assert_int_equal(roots(), 2);
}

static void the_same_roots_are_the_same_bundle(void **state)
{
	struct weft_bundle *before, *after;

	put_root("s/ca.crt", ca);
	assert_int_equal(refresh(), 1);
	assert_int_equal(weft_source_bundle(source, &before, NULL), 0);
	put_svid(ca, CART, "s/cart.crt", "s/cart.key");
	put_root("s/ca.crt", ca);
	assert_int_equal(refresh(), 1);
	assert_int_equal(weft_source_bundle(source, &after, NULL), 0);
	assert_ptr_equal(before, after);
	weft_bundle_put(before);
	weft_bundle_put(after);
}

static void no_directory_is_a_problem_each_time(void **state)
{
	assert_int_equal(rmdir(in_dir("s/sub")), 0);
	assert_int_equal(rmdir(in_dir("s")), 0);
	refresh();
	assert_problem("No such file or directory");
	assert_int_equal(refresh(), 0);
	assert_problem("No such file or directory");
	assert_int_equal(weft_dir_create(in_dir("s/sub"), 0700, NULL), 0);
	put_root("s/ca.crt", ca);
	assert_int_equal(refresh(), 1);
	assert_string_equal(problem.text, "");
}

static void a_key_that_others_can_read_is_not_taken(void **state)
{
	put_root("s/ca.crt", ca);
	put_svid(ca, CART, "s/cart.crt", "s/cart.key");
	assert_int_equal(chmod(in_dir("s/cart.key"), 0644), 0);
	assert_int_equal(refresh(), 1);
	assert_problem("cart.key");
	assert_int_equal(serial(CART), 0);
	/* Its mode alone is a change. */
	assert_int_equal(chmod(in_dir("s/cart.key"), 0600), 0);
	assert_int_equal(refresh(), 1);
	assert_int_not_equal(serial(CART), 0);
}

static void what_is_removed_is_forgotten(void **state)
{
	put_root("s/ca.crt", ca);
	put_svid(ca, CART, "s/cart.crt", "s/cart.key");
	assert_int_equal(refresh(), 1);
	assert_int_equal(unlink(in_dir("s/cart.key")), 0);
	assert_int_equal(unlink(in_dir("s/cart.crt")), 0);
	assert_int_equal(refresh(), 1);
	assert_int_equal(serial(CART), 0);
}

static void names_with_a_dot_and_the_roots_key_are_left_out(void **state)
{
	put_root("s/ca.crt", ca);
	assert_int_equal(link(in_dir("one/ca.key"), in_dir("s/ca.key")), 0);
	put_svid(ca, CART, "s/.cart.crt", "s/.cart.key");
	assert_int_equal(refresh(), 1);
	assert_string_equal(problem.text, "");
	assert_int_equal(serial(CART), 0);
}

/* An SVID of CART in NAME.crt, valid from @from to @to (seconds from now), by @root. */
static void put_dated(const char *name, X509 *root, EVP_PKEY *root_key, int64_t from, int64_t to)
{
	struct weft_cert_spec spec = {
		.uri = CART,
		.not_before = time(NULL) + from,
		.not_after = time(NULL) + to,
		.issuer = root,
		.issuer_key = root_key,
	};
	char cert[32], key[32];
	struct weft_svid *svid;
	X509 *leaf;

	assert_int_equal(weft_cert_key(&spec.key, NULL), 0);
	assert_int_equal(weft_cert_make(&spec, &leaf, NULL), 0);
	assert_int_equal(weft_svid_create(leaf, NULL, spec.key, &svid, NULL), 0);
	snprintf(cert, sizeof(cert), "s/%s.crt", name);
	snprintf(key, sizeof(key), "s/%s.key", name);
	assert_int_equal(weft_svid_write(svid, in_dir(cert), in_dir(key), NULL), 0);
	weft_svid_put(svid);
}

static void of_several_the_one_issued_last_counts_of_those_valid(void **state)
{
	struct weft_cert_spec spec = {
		.uri = "spiffe://" DOMAIN,
		.not_before = time(NULL) - 10000,
		.not_after = time(NULL) + 10000,
	};
	int64_t now = time(NULL);
	X509 *root;

	assert_int_equal(weft_cert_key(&spec.key, NULL), 0);
	assert_int_equal(weft_cert_make(&spec, &root, NULL), 0);
	assert_int_equal(weft_pem_write_certs(in_dir("s/ca.crt"), root, NULL, NULL), 0);
	put_dated("b", root, spec.key, -900, 5000);
	put_dated("a", root, spec.key, -800, 5000);
	put_dated("c", root, spec.key, -700, -600); /* over */
	put_dated("d", root, spec.key, 600, 5000);  /* to come */
	assert_int_equal(refresh(), 1);
	assert_string_equal(problem.text, "");
	assert_in_range(issued(CART), now - 800, now - 790);
	/* Without a valid one the last of the others is told of. */
	for (const char *name = "ab"; *name; name++) {
		char key[] = "s/?.key";

		key[2] = *name;
		assert_int_equal(unlink(in_dir(key)), 0);
	}
	assert_int_equal(refresh(), 1);
	assert_true(issued(CART) > now);
	EVP_PKEY_free(spec.key);
	X509_free(root);
}

/* An SVID of CART in NAME.crt, signed by @middle. */
static void put_below(const char *name, const struct authority *middle, int64_t from)
{
	struct weft_svid *svid = new_svid_below(CART, middle, from, HOUR);
	char cert[32], key[32];

	snprintf(cert, sizeof(cert), "s/%s.crt", name);
	snprintf(key, sizeof(key), "s/%s.key", name);
	assert_int_equal(weft_svid_write(svid, in_dir(cert), in_dir(key), NULL), 0);
	weft_svid_put(svid);
}

static void one_whose_signer_has_ended_counts_as_not_valid(void **state)
{
	struct authority root = new_tall_authority(DOMAIN);
	struct authority lasting = new_intermediate(&root, HOUR);
	struct authority ended = new_intermediate(&root, -5);
	int64_t now = time(NULL);

	assert_int_equal(weft_pem_write_certs(in_dir("s/ca.crt"), root.cert, NULL, NULL), 0);
	put_below("a", &lasting, -900);
	put_below("b", &ended, -100); /* issued last */
	assert_int_equal(refresh(), 1);
	assert_string_equal(problem.text, "");
	assert_in_range(issued(CART), now - 900, now - 890);
	authority_uninit(&ended);
	authority_uninit(&lasting);
	authority_uninit(&root);
}

static void one_whose_signer_may_not_sign_for_it_is_not_taken(void **state)
{
	struct authority root = new_tall_authority(DOMAIN);
	struct authority middle = new_intermediate(&root, HOUR);

	set_extension(middle.cert, &root, NID_name_constraints, "permitted;URI:other.test");
	assert_int_equal(weft_pem_write_certs(in_dir("s/ca.crt"), root.cert, NULL, NULL), 0);
	put_below("a", &middle, -900);
	assert_int_equal(refresh(), 1);
	assert_problem("s/a.crt: every peer would refuse it: one of its names is not among those");
	assert_int_equal(serial(CART), 0);
	authority_uninit(&middle);
	authority_uninit(&root);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_pair_and_its_root_are_found),
		TEST(names_that_other_tools_use_are_known),
		TEST(nothing_new_is_said_once),
		TEST(a_renewed_pair_is_taken_over),
		TEST(half_a_pair_leaves_the_former_in_use),
		TEST(a_chain_to_no_root_of_ours_is_not_taken),
		TEST(another_trust_domain_is_not_taken),
		TEST(without_roots_nobody_is_trusted),
		TEST(a_root_that_goes_is_trusted_no_more_but_for_the_last),
		TEST(a_broken_file_of_roots_does_not_keep_another),
		TEST(roots_that_others_can_write_are_not_trusted),
		TEST(the_same_roots_are_the_same_bundle),
		TEST(no_directory_is_a_problem_each_time),
		TEST(a_key_that_others_can_read_is_not_taken),
		TEST(what_is_removed_is_forgotten),
		TEST(names_with_a_dot_and_the_roots_key_are_left_out),
		TEST(of_several_the_one_issued_last_counts_of_those_valid),
		TEST(one_whose_signer_has_ended_counts_as_not_valid),
		TEST(one_whose_signer_may_not_sign_for_it_is_not_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
