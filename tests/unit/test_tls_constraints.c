// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Name constraints (RFC 5280, 4.2.1.10): an authority that may sign for some trust
 * domains only, a root or an intermediate, is believed for those and for no others, by
 * clients and by servers. Of a URI its host counts, which is the trust domain.
 */
#include "tls_encounter.h"

#define NOT_AMONG "is not among those that an authority in its chain may sign for"
#define AMONG "is among those that an authority in its chain may not sign for"

/* Authorities with constraints, or NULL: without, and a leaf of theirs. */
struct chain {
	const char *root, *middle;
	bool has_middle;
	const char *uri; /* NULL: CART */
	const char *san; /* instead of the URI alone */
	const char *refusal; /* NULL: it is taken */
};

static void use_root(struct world *w, const struct world *shared, const struct authority *root)
{
	*w = *shared; /* whose SVIDs are ours still: nobody is to verify them */
	w->bundle = weft_bundle_create();
	assert_int_equal(weft_bundle_add(w->bundle, root->cert, "example.org", NULL), 0);
	w->client = new_ctx(WEFT_ROLE_CLIENT, w->cart, w->bundle);
	w->server = new_ctx(WEFT_ROLE_SERVER, w->payments, w->bundle);
}

static void meet_both(const struct world *shared, const struct authority *root, X509 *cert,
		      EVP_PKEY *key, X509 *middle, const char *refusal)
{
	const struct habits habits = { .cert = cert, .key = key, .intermediate = middle };
	struct world w;

	use_root(&w, shared, root);
	if (refusal)
		assert_not_taken(&w, habits, WEFT_REASON_PEER_CERTIFICATE, refusal);
	else
		assert_taken(&w, habits, CART);
	weft_tls_ctx_put(w.client);
	weft_tls_ctx_put(w.server);
	weft_bundle_put(w.bundle);
}

static void try(const struct world *shared, const struct chain *c)
{
	struct authority root = new_tall_authority("example.org");
	struct authority middle = new_intermediate(&root, HOUR);
	const struct authority *signer = c->has_middle ? &middle : &root;
	EVP_PKEY *key = new_key();
	X509 *cert = new_cert(c->uri ? c->uri : CART, key, signer, -HOUR, HOUR);

	if (c->root)
		set_extension(root.cert, &root, NID_name_constraints, c->root);
	if (c->middle)
		set_extension(middle.cert, &root, NID_name_constraints, c->middle);
	if (c->san)
		set_extension(cert, signer, NID_subject_alt_name, c->san);
	meet_both(shared, &root, cert, key, c->has_middle ? middle.cert : NULL, c->refusal);
	X509_free(cert);
	EVP_PKEY_free(key);
	authority_uninit(&middle);
	authority_uninit(&root);
}

#define TRY(state, ...)                                                       \
	do {                                                                  \
		const struct chain chains[] = { __VA_ARGS__ };                \
		for (size_t i = 0; i < sizeof(chains) / sizeof(*chains); i++) \
			try(*(state), &chains[i]);                            \
	} while (0)

static void names_that_are_permitted_are_taken(void **state)
{
	TRY(state, { .root = "critical,permitted;URI:example.org" },
	    { .root = "permitted;URI:example.org" },
	    { .root = "critical,permitted;URI:other.org,permitted;URI:example.org" },
	    { .root = "critical,permitted;URI:.org" },
	    { .has_middle = true, .middle = "critical,permitted;URI:example.org" },
	    { .has_middle = true, .root = "critical,permitted;URI:.org",
	      .middle = "critical,permitted;URI:example.org" });
}

static void names_that_are_not_permitted_are_refused(void **state)
{
	TRY(state, { .root = "critical,permitted;URI:other.org", .refusal = NOT_AMONG },
	    { .root = "permitted;URI:other.org", .refusal = NOT_AMONG },
	    { .root = "critical,permitted;URI:example.org.evil", .refusal = NOT_AMONG },
	    { .root = "critical,permitted;URI:ample.org", .refusal = NOT_AMONG },
	    /* Below it, not itself. */
	    { .root = "critical,permitted;URI:.example.org", .refusal = NOT_AMONG },
	    { .has_middle = true, .middle = "critical,permitted;URI:other.org",
	      .refusal = NOT_AMONG },
	    { .has_middle = true, .root = "critical,permitted;URI:other.org",
	      .refusal = NOT_AMONG });
}

static void names_that_are_not_excluded_are_taken(void **state)
{
	TRY(state, { .root = "critical,excluded;URI:other.org" },
	    { .root = "critical,excluded;URI:.example.org" },
	    { .has_middle = true, .middle = "critical,excluded;URI:other.org" });
}

static void names_that_are_excluded_are_refused(void **state)
{
	TRY(state, { .root = "critical,excluded;URI:example.org", .refusal = AMONG },
	    { .root = "excluded;URI:example.org", .refusal = AMONG },
	    { .root = "critical,excluded;URI:.org", .refusal = AMONG },
	    { .has_middle = true, .middle = "critical,excluded;URI:example.org",
	      .refusal = AMONG },
	    { .has_middle = true, .root = "critical,excluded;URI:example.org",
	      .refusal = AMONG });
}

/* What the root permits no intermediate can widen, and the other way round. */
static void each_authority_of_a_chain_has_its_say(void **state)
{
	TRY(state,
	    { .has_middle = true, .root = "critical,permitted;URI:other.org",
	      .middle = "critical,permitted;URI:example.org", .refusal = NOT_AMONG },
	    { .has_middle = true, .root = "critical,permitted;URI:example.org",
	      .middle = "critical,permitted;URI:other.org", .refusal = NOT_AMONG },
	    { .has_middle = true, .root = "critical,permitted;URI:.org",
	      .middle = "critical,excluded;URI:example.org", .refusal = AMONG },
	    { .root = "critical,permitted;URI:.org,excluded;URI:example.org",
	      .refusal = AMONG });
}

/* Constraints of other kinds of names say nothing about URIs, but count for theirs. */
static void every_name_of_a_certificate_counts(void **state)
{
	const char *both = "URI:" CART ",DNS:cart.example.org";

	TRY(state, { .root = "critical,permitted;DNS:other.org" },
	    { .root = "critical,permitted;DNS:example.org", .san = both },
	    { .root = "critical,permitted;DNS:other.org", .san = both, .refusal = NOT_AMONG },
	    { .has_middle = true, .middle = "critical,excluded;DNS:example.org", .san = both,
	      .refusal = AMONG });
}

/* OpenSSL may take all up to a ':' for the host, and a path can be made to look like one:
 * what it lets through is no SPIFFE ID. */
static void a_host_that_only_looks_right_is_refused(void **state)
{
	TRY(state,
	    { .root = "critical,permitted;URI:.org", .uri = "spiffe://evil.net/x.org:1",
	      .refusal = "" },
	    { .root = "critical,excluded;URI:example.org", .uri = CART ":1", .refusal = "" },
	    { .root = "critical,permitted;URI:example.org",
	      .uri = "spiffe://example.org:1/shop/cart", .refusal = "" },
	    { .root = "critical,permitted;URI:example.org",
	      .uri = "spiffe://example.org@evil.net/shop/cart", .refusal = "" });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_that_are_permitted_are_taken),
		cmocka_unit_test(names_that_are_not_permitted_are_refused),
		cmocka_unit_test(names_that_are_not_excluded_are_taken),
		cmocka_unit_test(names_that_are_excluded_are_refused),
		cmocka_unit_test(each_authority_of_a_chain_has_its_say),
		cmocka_unit_test(every_name_of_a_certificate_counts),
		cmocka_unit_test(a_host_that_only_looks_right_is_refused),
	};

	return cmocka_run_group_tests_name("tls_constraints", tests, world_setup, world_teardown);
}
