// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SVIDs that an intermediate has signed: as long as all that is sent is valid.
 */
#include "pki_fixture.h"

#include "pki/crypto.h"

#define CART "spiffe://example.org/shop/cart"

static struct authority root;

static int setup(void **state)
{
	root = new_tall_authority("example.org");
	return 0;
}

static int teardown(void **state)
{
	authority_uninit(&root);
	return 0;
}

static int64_t end_of(const X509 *cert)
{
	return weft_crypto_time(X509_get0_notAfter(cert));
}

static void an_intermediate_that_ends_first_counts(void **state)
{
	struct authority middle = new_intermediate(&root, HOUR);
	struct weft_svid *svid = new_svid_below(CART, &middle, -60, 2 * HOUR);

	assert_int_equal(svid->not_after, end_of(svid->cert));
	assert_int_equal(svid->valid_until, end_of(middle.cert));
	assert_int_equal(svid->valid_from, svid->not_before);
	assert_true(weft_svid_signer_ends_first(svid));
	assert_true(weft_svid_valid_at(svid, end_of(middle.cert)));
	assert_false(weft_svid_valid_at(svid, end_of(middle.cert) + 1));
	weft_svid_put(svid);
	authority_uninit(&middle);
}

static void an_intermediate_that_begins_last_counts(void **state)
{
	struct authority middle = new_intermediate(&root, 9 * HOUR);
	struct weft_svid *svid = new_svid_below(CART, &middle, -2 * HOUR, HOUR);
	int64_t begin = weft_crypto_time(X509_get0_notBefore(middle.cert));

	assert_int_equal(svid->valid_from, begin);
	assert_true(svid->not_before < begin);
	assert_int_equal(svid->valid_until, svid->not_after);
	assert_false(weft_svid_signer_ends_first(svid));
	assert_true(weft_svid_valid_at(svid, begin));
	assert_false(weft_svid_valid_at(svid, begin - 1));
	weft_svid_put(svid);
	authority_uninit(&middle);
}

/* Some tools write it behind the intermediates; peers go by their own. */
static void a_root_in_the_chain_does_not_count(void **state)
{
	STACK_OF(X509) *chain = sk_X509_new_null();
	struct weft_svid *svid = NULL;
	EVP_PKEY *key = new_key();

	X509_up_ref(root.cert);
	sk_X509_push(chain, root.cert);
	assert_int_equal(weft_svid_create(new_cert(CART, key, &root, -2 * HOUR, 200 * HOUR), chain,
					  key, &svid, NULL),
			 0);
	assert_true(end_of(root.cert) < svid->not_after);
	assert_int_equal(svid->valid_until, svid->not_after);
	assert_int_equal(svid->valid_from, svid->not_before);
	weft_svid_put(svid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_intermediate_that_ends_first_counts),
		cmocka_unit_test(an_intermediate_that_begins_last_counts),
		cmocka_unit_test(a_root_in_the_chain_does_not_count),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
