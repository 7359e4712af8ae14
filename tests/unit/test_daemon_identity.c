// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Identities of the workloads: issued, renewed at half life, forgotten; and the
 * snapshots that workers see.
 */
#include "daemon_fixture.h"

#include <errno.h>
#include "base/cleanup.h"
#include "base/file.h"
#include "pki/pem.h"
#include "pki_fixture.h"

#define LIFETIME 1000

struct context {
	struct fixture f;
	struct weft_identities *identities;
	int64_t now;
};

static int setup(void **state)
{
	struct context *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	fixture_ca(&c->f);
	assert_int_equal(weft_identities_create(&c->identities, fixture_source(&c->f), LIFETIME,
						true, NULL),
			 0);
	c->now = time(NULL);
	*state = c;
	return 0;
}

static int teardown(void **state)
{
	struct context *c = *state;

	weft_identities_destroy(c->identities);
	fixture_uninit(&c->f);
	free(c);
	return 0;
}

static int set(struct context *c, const char *one, const char *two)
{
	struct weft_strv wanted = { 0 };
	int ret;

	if (one)
		assert_int_equal(weft_strv_add(&wanted, one), 0);
	if (two)
		assert_int_equal(weft_strv_add(&wanted, two), 0);
	ret = weft_identities_set(c->identities, &wanted, c->now);
	weft_strv_uninit(&wanted);
	return ret;
}

/* The context of @identity in a fresh snapshot; only good for comparing. */
static const void *peek(struct context *c, const char *identity)
{
	struct weft_snapshot *snapshot = weft_identities_snapshot(c->identities);
	const void *ctx;

	assert_non_null(snapshot);
	ctx = weft_snapshot_find(snapshot, identity, WEFT_ROLE_SERVER);
	weft_snapshot_put(snapshot);
	return ctx;
}

static void wanted_identities_get_certificates(void **state)
{
	struct context *c = *state;
	struct weft_snapshot *snapshot;
	struct weft_tls_ctx *ctx;

	assert_int_equal(set(c, SERVER, CLIENT), 1);
	snapshot = weft_identities_snapshot(c->identities);
	assert_int_equal(snapshot->n, 2);
	ctx = weft_snapshot_find(snapshot, CLIENT, WEFT_ROLE_CLIENT);
	assert_non_null(ctx);
	assert_int_equal(weft_tls_ctx_role(ctx), WEFT_ROLE_CLIENT);
	assert_string_equal(weft_tls_ctx_svid(ctx)->identity, CLIENT);
	ctx = weft_snapshot_find(snapshot, SERVER, WEFT_ROLE_SERVER);
	assert_non_null(ctx);
	assert_int_equal(weft_tls_ctx_role(ctx), WEFT_ROLE_SERVER);
	assert_null(weft_snapshot_find(snapshot, "spiffe://mesh.test/x", WEFT_ROLE_CLIENT));
	assert_null(weft_snapshot_find(snapshot, NULL, WEFT_ROLE_CLIENT));
	weft_snapshot_put(snapshot);
}

static void unchanged_set_issues_nothing(void **state)
{
	struct context *c = *state;
	const void *before;

	assert_int_equal(set(c, SERVER, CLIENT), 1);
	before = peek(c, SERVER);
	assert_int_equal(set(c, CLIENT, SERVER), 0);
	assert_ptr_equal(peek(c, SERVER), before);
	/* Two workloads of one identity. */
	assert_int_equal(set(c, SERVER, SERVER), 1);
	assert_ptr_equal(peek(c, SERVER), before);
}

static void what_is_not_wanted_is_forgotten(void **state)
{
	struct context *c = *state;
	struct weft_snapshot *old;
	size_t without;

	assert_int_equal(set(c, SERVER, CLIENT), 1);
	old = weft_identities_snapshot(c->identities);
	assert_int_equal(set(c, SERVER, NULL), 1);
	assert_int_equal(weft_identities_count(c->identities, &without), 1);
	assert_null(peek(c, CLIENT));
	/* Who still has the former snapshot can go on with it. */
	assert_non_null(weft_snapshot_find(old, CLIENT, WEFT_ROLE_CLIENT));
	weft_snapshot_put(old);
}

static void renewed_around_half_life(void **state)
{
	struct context *c = *state;
	const void *before;

	assert_int_equal(set(c, SERVER, NULL), 1);
	before = peek(c, SERVER);
	assert_int_equal(weft_identities_rotate(c->identities, c->now + LIFETIME * 44 / 100), 0);
	assert_ptr_equal(peek(c, SERVER), before);
	assert_int_equal(weft_identities_rotate(c->identities, c->now + LIFETIME * 56 / 100), 1);
	assert_non_null(peek(c, SERVER));
	assert_int_equal(weft_identities_rotate(c->identities, c->now + LIFETIME * 57 / 100), 0);
}

static void clock_set_back_renews(void **state)
{
	struct context *c = *state;

	assert_int_equal(set(c, SERVER, NULL), 1);
	assert_int_equal(weft_identities_rotate(c->identities, c->now - WEFT_CA_BACKDATE), 0);
	assert_int_equal(weft_identities_rotate(c->identities, c->now - WEFT_CA_BACKDATE - 1), 1);
}

static void foreign_identity_stays_without(void **state)
{
	struct context *c = *state;
	size_t without;

	assert_int_equal(set(c, SERVER, "spiffe://other.test/x"), 1);
	assert_int_equal(weft_identities_count(c->identities, &without), 2);
	assert_int_equal(without, 1);
	assert_null(peek(c, "spiffe://other.test/x"));
	assert_non_null(peek(c, SERVER));
	assert_int_equal(weft_identities_rotate(c->identities, c->now + WEFT_IDENTITY_RETRY), 0);
}

/* ---- certificates that others renew ---- */

static void put_svid(struct context *c, const char *identity, int64_t lifetime)
{
	char cert[128], key[128];
	struct weft_svid *svid;

	assert_int_equal(weft_ca_issue(c->f.ca, identity, lifetime, &svid, NULL), 0);
	snprintf(cert, sizeof(cert), "%s/svid/a.crt", c->f.dir);
	snprintf(key, sizeof(key), "%s/svid/a.key", c->f.dir);
	assert_int_equal(weft_svid_write(svid, cert, key, NULL), 0);
	weft_svid_put(svid);
}

static void use_directory(struct context *c)
{
	struct weft_source *source;
	char roots[128];

	assert_int_equal(weft_dir_create(fixture_path(&c->f, "svid"), 0700, NULL), 0);
	assert_int_equal(weft_source_dir_create(c->f.path, "mesh.test", &source, NULL), 0);
	snprintf(roots, sizeof(roots), "%s/svid/ca.crt", c->f.dir);
	assert_int_equal(weft_pem_write_certs(roots, weft_ca_cert(c->f.ca), NULL, NULL), 0);
	weft_identities_destroy(c->identities);
	assert_int_equal(weft_identities_create(&c->identities, source, LIFETIME, false, NULL), 0);
}

static void what_the_source_gets_later_is_taken_over(void **state)
{
	struct context *c = *state;
	const void *before;
	size_t without;

	use_directory(c);
	assert_int_equal(set(c, SERVER, NULL), 1); /* known, but without a certificate */
	assert_null(peek(c, SERVER));
	assert_int_equal(weft_identities_count(c->identities, &without), 1);
	assert_int_equal(without, 1);
	assert_int_equal(weft_identities_refresh(c->identities, c->now), 0);
	put_svid(c, SERVER, LIFETIME);
	assert_int_equal(weft_identities_refresh(c->identities, c->now), 1);
	before = peek(c, SERVER);
	assert_non_null(before);
	assert_int_equal(weft_identities_refresh(c->identities, c->now), 0);
	put_svid(c, SERVER, LIFETIME);
	assert_int_equal(weft_identities_refresh(c->identities, c->now), 1);
	assert_ptr_not_equal(peek(c, SERVER), before);
}

static void one_that_nobody_renews_stays_in_use(void **state)
{
	struct context *c = *state;
	const void *before;
	size_t without;
	int64_t t;

	use_directory(c);
	put_svid(c, SERVER, LIFETIME);
	assert_int_equal(weft_identities_refresh(c->identities, c->now), 0); /* nobody's yet */
	assert_int_equal(set(c, SERVER, NULL), 1);
	before = peek(c, SERVER);
	assert_non_null(before);
	for (t = c->now; t < c->now + 2 * LIFETIME; t += LIFETIME / 10)
		assert_int_equal(weft_identities_rotate(c->identities, t), 0);
	assert_ptr_equal(peek(c, SERVER), before);
	/* Nor does it go with its file. */
	assert_int_equal(unlink(fixture_path(&c->f, "svid/a.key")), 0);
	weft_identities_refresh(c->identities, t);
	assert_non_null(peek(c, SERVER));
	assert_int_equal(weft_identities_count(c->identities, &without), 1);
	assert_int_equal(without, 0);
}

static void another_root_makes_other_contexts(void **state)
{
	struct context *c = *state;
	struct weft_ca *second;
	const void *before;
	char roots[128];

	use_directory(c);
	put_svid(c, SERVER, LIFETIME);
	assert_int_equal(weft_identities_refresh(c->identities, c->now), 0); /* nobody's yet */
	assert_int_equal(set(c, SERVER, NULL), 1);
	before = peek(c, SERVER);
	assert_int_equal(
		weft_ca_open_or_create(fixture_path(&c->f, "ca2"), "mesh.test", &second, NULL), 0);
	snprintf(roots, sizeof(roots), "%s/svid/bundle.pem", c->f.dir);
	assert_int_equal(weft_pem_write_certs(roots, weft_ca_cert(second), NULL, NULL), 0);
	weft_ca_close(second);
	assert_int_equal(weft_identities_refresh(c->identities, c->now), 1);
	assert_non_null(peek(c, SERVER));
	assert_ptr_not_equal(peek(c, SERVER), before);
}

/* Who withdraws a root after a compromise removes what it issued, too. */
static void without_a_newer_certificate_a_root_that_went_is_not_trusted(void **state)
{
	struct context *c = *state;
	struct weft_snapshot *snapshot;
	struct weft_ca *second;
	const struct weft_bundle *bundle;

	use_directory(c);
	assert_int_equal(
		weft_ca_open_or_create(fixture_path(&c->f, "ca2"), "mesh.test", &second, NULL), 0);
	assert_int_equal(weft_pem_write_certs(fixture_path(&c->f, "svid/bundle.pem"),
					      weft_ca_cert(second), NULL, NULL),
			 0);
	weft_ca_close(second);
	put_svid(c, SERVER, LIFETIME);
	assert_int_equal(weft_identities_refresh(c->identities, c->now), 0);
	assert_int_equal(set(c, SERVER, NULL), 1);
	assert_int_equal(unlink(fixture_path(&c->f, "svid/a.key")), 0);
	assert_int_equal(unlink(fixture_path(&c->f, "svid/ca.crt")), 0);
	assert_int_equal(weft_identities_refresh(c->identities, c->now), 1);
	snapshot = weft_identities_snapshot(c->identities);
	bundle = weft_tls_ctx_bundle(weft_snapshot_find(snapshot, SERVER, WEFT_ROLE_SERVER));
	assert_int_equal(weft_bundle_count(bundle), 1);
	assert_false(weft_bundle_vouches(bundle, weft_ca_cert(c->f.ca), SERVER));
	weft_snapshot_put(snapshot);
}

/* ---- what somebody should see to ---- */

static void expect_trouble(struct context *c, int64_t now, const char *const *wanted, size_t n)
{
	_cleanup_(weft_strv_uninit) struct weft_strv trouble = { 0 };

	assert_int_equal(weft_identities_trouble(c->identities, now, &trouble), 0);
	assert_int_equal(trouble.count, n);
	for (size_t i = 0; i < n; i++)
		if (!strstr(trouble.items[i], wanted[i]))
			fail_msg("\"%s\" is not in \"%s\"", wanted[i], trouble.items[i]);
}

#define EXPECT_TROUBLE(c, now, ...)                                           \
	do {                                                                  \
		static const char *const wanted[] = { __VA_ARGS__ };          \
		expect_trouble(c, now, wanted, sizeof(wanted) / sizeof(*wanted)); \
	} while (0)

static void certificates_that_are_not_valid_are_trouble(void **state)
{
	struct context *c = *state;

	assert_int_equal(set(c, SERVER, "spiffe://other.test/x"), 1);
	EXPECT_TROUBLE(c, c->now, "spiffe://other.test/x has no certificate, its connections are "
				  "refused: ");
	assert_int_equal(set(c, SERVER, NULL), 1);
	expect_trouble(c, c->now, NULL, 0);
	expect_trouble(c, c->now + LIFETIME * 60 / 100, NULL, 0);
	EXPECT_TROUBLE(c, c->now + LIFETIME * 80 / 100,
		       "the certificate of " SERVER " ends on ");
	EXPECT_TROUBLE(c, c->now + LIFETIME + 1, "the certificate of " SERVER " ended on ");
	EXPECT_TROUBLE(c, c->now - WEFT_CA_BACKDATE - 1, "is the clock right?");
	assert_int_equal(weft_identities_rotate(c->identities, c->now + LIFETIME * 80 / 100), 1);
	expect_trouble(c, c->now, NULL, 0);
}

static void why_there_is_none_is_told_while_it_lasts(void **state)
{
	struct context *c = *state;

	use_directory(c);
	assert_int_equal(set(c, SERVER, NULL), 1);
	EXPECT_TROUBLE(c, c->now, SERVER " has no certificate");
	fixture_write(&c->f, "svid/a.crt", "no certificate");
	fixture_write(&c->f, "svid/a.key", "no key");
	assert_int_equal(weft_identities_refresh(c->identities, c->now), 0);
	assert_int_equal(weft_identities_refresh(c->identities, c->now), 0);
	EXPECT_TROUBLE(c, c->now, "certificates: ", SERVER " has no certificate");
	put_svid(c, SERVER, LIFETIME);
	assert_int_equal(weft_identities_refresh(c->identities, c->now), 1);
	expect_trouble(c, c->now, NULL, 0);
}

static void a_root_is_told_of_long_before_it_ends(void **state)
{
	const int64_t day = 86400, years = WEFT_CA_YEARS * 365 * day;
	struct context *c = *state;

	/* The built-in authority tells by itself, until it is too late. */
	expect_trouble(c, c->now + years - 360 * day, NULL, 0);
	EXPECT_TROUBLE(c, c->now + years + day, "the root certificate in use ended on ");

	use_directory(c);
	assert_int_equal(weft_identities_refresh(c->identities, c->now), 0);
	expect_trouble(c, c->now + years - 370 * day, NULL, 0);
	EXPECT_TROUBLE(c, c->now + years - 360 * day, "the root certificate in use ends on ");
	EXPECT_TROUBLE(c, c->now + years + day, "the root certificate in use ended on ");
}

static void to_have_no_root_is_trouble(void **state)
{
	struct context *c = *state;
	struct weft_source *source;

	assert_int_equal(weft_dir_create(fixture_path(&c->f, "svid"), 0700, NULL), 0);
	assert_int_equal(weft_source_dir_create(c->f.path, "mesh.test", &source, NULL), 0);
	weft_identities_destroy(c->identities);
	assert_int_equal(weft_identities_create(&c->identities, source, LIFETIME, false, NULL), 0);
	EXPECT_TROUBLE(c, c->now, "there is no root certificate", "certificates: ");
}

/* Another one that is trusted, too, does not help those that the old one signed. */
static void the_root_that_has_signed_counts(void **state)
{
	const int64_t day = 86400, years = WEFT_CA_YEARS * 365 * day;
	struct context *c = *state;
	struct weft_source *source;
	struct weft_ca *other;
	struct weft_error err = { 0 };

	use_directory(c);
	assert_int_equal(weft_ca_open_or_create(fixture_path(&c->f, "other"), "mesh.test", &other,
						&err), 0);
	assert_int_equal(weft_pem_write_certs(fixture_path(&c->f, "svid/bundle.pem"),
					      weft_ca_cert(other), NULL, NULL), 0);
	put_svid(c, SERVER, WEFT_CA_LIFETIME_MAX);
	weft_identities_destroy(c->identities);
	assert_int_equal(weft_source_dir_create(fixture_path(&c->f, "svid"), "mesh.test", &source,
						NULL), 0);
	assert_int_equal(weft_identities_create(&c->identities, source, LIFETIME, false, NULL), 0);
	assert_int_equal(set(c, SERVER, NULL), 1);
	EXPECT_TROUBLE(c, c->now + years - 360 * day, "the root certificate in use ends on ",
		       "the certificate of " SERVER " ended on ");
	weft_ca_close(other);
}

/* ---- certificates that an intermediate has signed ---- */

/* A source with one SVID; counts how often it is asked for it. */
struct one_source {
	struct weft_source source;
	struct authority root;
	struct weft_svid *svid;
	int asked;
	char wanted[200]; /* as it was told last */
};

static int one_bundle(struct weft_source *base, struct weft_bundle **ret, struct weft_error *err)
{
	struct weft_bundle *bundle = weft_bundle_create();
	int r = weft_bundle_add(bundle, ((struct one_source *)base)->root.cert, "mesh.test", err);

	*ret = bundle;
	return r;
}

static int one_svid(struct weft_source *base, const char *identity, int64_t lifetime,
		    struct weft_svid **svid, struct weft_error *err)
{
	struct one_source *one = (struct one_source *)base;

	one->asked++;
	*svid = weft_svid_get(one->svid);
	return 0;
}

static int one_refresh(struct weft_source *base, struct weft_error *problem)
{
	return 0;
}

static void one_want(struct weft_source *base, const struct weft_strv *identities)
{
	struct one_source *one = (struct one_source *)base;
	char *names = weft_strv_join(identities, " ");

	snprintf(one->wanted, sizeof(one->wanted), "%s", names);
	free(names);
}

static void one_destroy(struct weft_source *base)
{
}

/* SERVER has a certificate for LIFETIME from now on; who signed it ends after @end. */
static void one_begin(struct context *c, struct one_source *one, int64_t end)
{
	static const struct weft_source_ops ops = { one_bundle, one_svid, one_refresh,
						    one_destroy, one_want };
	struct authority middle;

	*one = (struct one_source){ .source = { .ops = &ops, .fd = -1 } };
	one->root = new_tall_authority("mesh.test");
	middle = new_intermediate(&one->root, end);
	one->svid = new_svid_below(SERVER, &middle, 0, LIFETIME);
	authority_uninit(&middle);
	weft_identities_destroy(c->identities);
	assert_int_equal(
		weft_identities_create(&c->identities, &one->source, LIFETIME, false, NULL), 0);
	c->now = one->svid->not_before;
	assert_int_equal(set(c, SERVER, NULL), 1);
	assert_int_equal(one->asked, 1);
}

static void one_end(struct context *c, struct one_source *one)
{
	weft_identities_destroy(weft_steal_ptr(c->identities));
	weft_svid_put(one->svid);
	authority_uninit(&one->root);
}

static void source_is_told_what_is_wanted(void **state)
{
	struct context *c = *state;
	static struct one_source one; /* outlives a failure */

	one_begin(c, &one, LIFETIME);
	assert_string_equal(one.wanted, SERVER);
	assert_int_equal(set(c, SERVER, CLIENT), 1);
	assert_non_null(strstr(one.wanted, SERVER));
	assert_non_null(strstr(one.wanted, CLIENT));
	assert_int_equal(set(c, CLIENT, NULL), 1);
	assert_string_equal(one.wanted, CLIENT);
	assert_int_equal(set(c, NULL, NULL), 1);
	assert_string_equal(one.wanted, "");
	one_end(c, &one);
}

static void what_signed_a_certificate_is_told_of_before_it_ends(void **state)
{
	struct context *c = *state;
	static struct one_source one; /* outlives a failure */

	one_begin(c, &one, LIFETIME * 60 / 100);
	expect_trouble(c, c->now + LIFETIME * 34 / 100, NULL, 0);
	EXPECT_TROUBLE(c, c->now + LIFETIME * 36 / 100,
		       "what signed the certificate of " SERVER " ends on ");
	EXPECT_TROUBLE(c, c->now + LIFETIME * 59 / 100,
		       "what signed the certificate of " SERVER " ends on ");
	EXPECT_TROUBLE(c, c->now + LIFETIME * 61 / 100,
		       "what signed the certificate of " SERVER " ended on ");
	one_end(c, &one);
	/* The one that ends with the certificate has no part in it. */
	one_begin(c, &one, 2 * LIFETIME);
	expect_trouble(c, c->now + LIFETIME * 74 / 100, NULL, 0);
	EXPECT_TROUBLE(c, c->now + LIFETIME * 76 / 100, "the certificate of " SERVER " ends on ");
	one_end(c, &one);
}

static void renewed_around_half_of_what_its_signer_has_left(void **state)
{
	const int64_t end = LIFETIME * 60 / 100;
	struct context *c = *state;
	static struct one_source one; /* outlives a failure */

	one_begin(c, &one, end);
	weft_identities_rotate(c->identities, c->now + end * 44 / 100);
	assert_int_equal(one.asked, 1);
	weft_identities_rotate(c->identities, c->now + end * 56 / 100);
	assert_int_equal(one.asked, 2);
	one_end(c, &one);
}

/* What is logged between the two goes into a file. Nothing may fail meanwhile: cmocka
 * would say it there. */
static FILE *capture(int *before)
{
	FILE *log = tmpfile();

	assert_non_null(log);
	*before = dup(STDERR_FILENO);
	dup2(fileno(log), STDERR_FILENO);
	return log;
}

/* Return: how often @words were logged. */
static int release(FILE *log, int before, const char *words)
{
	char line[1000];
	int n = 0;

	dup2(before, STDERR_FILENO);
	close(before);
	rewind(log);
	while (fgets(line, sizeof(line), log))
		n += !!strstr(line, words);
	fclose(log);
	return n;
}

/* The same of rotations from @from to @to seconds from now. */
static int logged(struct context *c, int64_t from, int64_t to, const char *words)
{
	int before;
	FILE *log = capture(&before);

	for (; from < to; from += 5)
		weft_identities_rotate(c->identities, c->now + from);
	return release(log, before, words);
}

static void the_log_has_it_once_and_in_time(void **state)
{
	static const char words[] = SERVER ": what signed its certificate ends on ";
	const int64_t notice = LIFETIME * 65 / 100;
	struct context *c = *state;
	static struct one_source one; /* outlives a failure */

	one_begin(c, &one, LIFETIME * 90 / 100);
	assert_int_equal(logged(c, 0, notice, words), 0);
	assert_int_equal(logged(c, notice, notice + 10, words), 1);
	assert_int_equal(logged(c, notice + 10, notice + 3 * WEFT_IDENTITY_RETRY, words), 0);
	one_end(c, &one);
}

/* As one may that was renewed under an intermediate that is about to end. */
static void the_log_has_it_at_once_of_one_that_comes_late(void **state)
{
	struct context *c = *state;
	static struct one_source one; /* outlives a failure */
	int before, r, n;
	FILE *log;

	one_begin(c, &one, LIFETIME * 20 / 100);
	assert_int_equal(set(c, NULL, NULL), 1);
	log = capture(&before);
	r = set(c, SERVER, NULL);
	n = release(log, before, SERVER ": what signed its certificate ends on ");
	assert_int_equal(r, 1);
	assert_int_equal(n, 1);
	one_end(c, &one);
}

/* A source that changes once, and once has no memory for its bundle. */
struct poor_source {
	struct weft_source source;
	const struct weft_ca *ca;
	bool changed, poor;
};

static int poor_bundle(struct weft_source *base, struct weft_bundle **bundle,
		       struct weft_error *err)
{
	struct poor_source *source = (struct poor_source *)base;

	if (!source->poor)
		return weft_ca_bundle(source->ca, bundle, err);
	source->poor = false;
	return weft_error_nomem(err);
}

static int poor_svid(struct weft_source *base, const char *identity, int64_t lifetime,
		     struct weft_svid **svid, struct weft_error *err)
{
	return weft_ca_issue(((struct poor_source *)base)->ca, identity, lifetime, svid, err);
}

static int poor_refresh(struct weft_source *base, struct weft_error *problem)
{
	struct poor_source *source = (struct poor_source *)base;
	bool changed = source->changed;

	source->changed = false;
	return changed;
}

static void poor_destroy(struct weft_source *base)
{
}

static void roots_that_could_not_be_had_are_asked_for_again(void **state)
{
	static const struct weft_source_ops ops = { poor_bundle, poor_svid, poor_refresh,
						    poor_destroy, NULL };
	struct context *c = *state;
	struct poor_source poor = { {.ops = &ops, .fd = -1 }, c->f.ca, false, false };
	const void *before;

	weft_identities_destroy(c->identities);
	assert_int_equal(
		weft_identities_create(&c->identities, &poor.source, LIFETIME, true, NULL), 0);
	assert_int_equal(set(c, SERVER, NULL), 1);
	before = peek(c, SERVER);
	poor.changed = poor.poor = true;
	assert_int_equal(weft_identities_refresh(c->identities, c->now), -ENOMEM);
	assert_ptr_equal(peek(c, SERVER), before);
	assert_int_equal(weft_identities_refresh(c->identities, c->now), 1);
	assert_ptr_not_equal(peek(c, SERVER), before);
	assert_int_equal(weft_identities_refresh(c->identities, c->now), 0);
	/* It must not outlive what it lies in. */
	weft_identities_destroy(weft_steal_ptr(c->identities));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(wanted_identities_get_certificates, setup,
						teardown),
		cmocka_unit_test_setup_teardown(unchanged_set_issues_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_not_wanted_is_forgotten, setup, teardown),
		cmocka_unit_test_setup_teardown(renewed_around_half_life, setup, teardown),
		cmocka_unit_test_setup_teardown(clock_set_back_renews, setup, teardown),
		cmocka_unit_test_setup_teardown(foreign_identity_stays_without, setup, teardown),
		cmocka_unit_test_setup_teardown(what_the_source_gets_later_is_taken_over, setup,
						teardown),
		cmocka_unit_test_setup_teardown(one_that_nobody_renews_stays_in_use, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			without_a_newer_certificate_a_root_that_went_is_not_trusted, setup,
			teardown),
		cmocka_unit_test_setup_teardown(another_root_makes_other_contexts, setup, teardown),
		cmocka_unit_test_setup_teardown(certificates_that_are_not_valid_are_trouble, setup,
						teardown),
		cmocka_unit_test_setup_teardown(why_there_is_none_is_told_while_it_lasts, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_root_is_told_of_long_before_it_ends, setup,
						teardown),
		cmocka_unit_test_setup_teardown(the_root_that_has_signed_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(to_have_no_root_is_trouble, setup, teardown),
		cmocka_unit_test_setup_teardown(source_is_told_what_is_wanted, setup, teardown),
		cmocka_unit_test_setup_teardown(what_signed_a_certificate_is_told_of_before_it_ends,
						setup, teardown),
		cmocka_unit_test_setup_teardown(renewed_around_half_of_what_its_signer_has_left,
						setup, teardown),
		cmocka_unit_test_setup_teardown(the_log_has_it_once_and_in_time, setup, teardown),
		cmocka_unit_test_setup_teardown(the_log_has_it_at_once_of_one_that_comes_late,
						setup, teardown),
		cmocka_unit_test_setup_teardown(roots_that_could_not_be_had_are_asked_for_again,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
