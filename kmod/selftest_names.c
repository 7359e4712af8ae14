// SPDX-License-Identifier: GPL-2.0
/*
 * Self-tests: what names, identities, paths and addresses may look like.
 */
#include <linux/kernel.h>
#include <linux/slab.h>
#include "names.h"
#include "selftest.h"

#define LABEL_63 \
	"a23456789012345678901234567890123456789012345678901234567890123"

struct text_case {
	const char *text;
	bool ok;
};

/* The first case a check gets wrong, or NULL. */
static const char *wrong_case(const struct text_case *cases, unsigned int n,
			      const char *(*wrong)(const char *text))
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (!wrong(cases[i].text) != cases[i].ok) {
			if (!cases[i].text[0])
				return "(empty)";
			return cases[i].text;
		}
	return NULL;
}

static const char *name_labels_follow_rfc1123(struct weft_tables *t)
{
	static const struct text_case cases[] = {
		{ "web", true },
		{ "web.prod.svc.cluster.local", true },
		{ "1web", true },
		{ "a-b", true },
		{ LABEL_63, true },
		{ LABEL_63 ".web", true },
		{ LABEL_63 "x", false },
		{ "", false },
		{ ".", false },
		{ "web.", false },
		{ ".web", false },
		{ "a..b", false },
		{ "-web", false },
		{ "web-", false },
		{ "a.-b", false },
		{ "Web", false },
		{ "we_b", false },
		{ "we b", false },
		{ "we/b", false },
		{ "w\xc3\xa9", false },
		{ "web\n", false },
	};

	return wrong_case(cases, ARRAY_SIZE(cases), weft_name_wrong);
}

static const char *identity_needs_trust_domain_and_path(struct weft_tables *t)
{
	static const struct text_case cases[] = {
		{ "spiffe://td.test/web", true },
		{ "spiffe://td.test/ns/prod/sa/Web_1.x", true },
		{ "spiffe://a/b", true },
		{ "spiffe://td_1-x.test/web", true },
		{ "", false },
		{ "spiffe", false },
		{ "spiffe://", false },
		{ "spiffe:///web", false },
		{ "spiffe://td.test", false },
		{ "spiffe://td.test/", false },
		{ "spiffe://td.test/web/", false },
		{ "spiffe://td.test//web", false },
		{ "spiffe://td.test/./web", false },
		{ "spiffe://td.test/../web", false },
		{ "spiffe://td.test/web/..", false },
		{ "spiffe://td.test/...", true },
		{ "spiffe://td.test:80/web", false },
		{ "spiffe://user@td.test/web", false },
		{ "spiffe://TD.test/web", false },
		{ "SPIFFE://td.test/web", false },
		{ "https://td.test/web", false },
		{ "spiffe://td.test/we b", false },
		{ "spiffe://td.test/web?x=1", false },
		{ "spiffe://td.test/web#x", false },
		{ "spiffe://td.test/%41", false },
		{ "spiffe://td.test/w*", false },
	};

	return wrong_case(cases, ARRAY_SIZE(cases), weft_identity_wrong);
}

static const char *prefix_covers_whole_trust_domain(struct weft_tables *t)
{
	static const struct text_case cases[] = {
		{ "*", true },
		{ "spiffe://td.test/*", true },
		{ "spiffe://td.test/ns/*", true },
		{ "spiffe://td.test/ns/a*", true },
		{ "spiffe://td.test/web", true },
		{ "spiffe://td.test*", false },
		{ "spiffe://td.*", false },
		{ "spiffe://*", false },
		{ "spiffe:*", false },
		{ "s*", false },
		{ "**", false },
		{ "spiffe://td.test/*/web", false },
		{ "spiffe://td.test/a**", false },
		{ "spiffe://td.test//*", false },
		{ "spiffe://td.test/../*", false },
		{ "", false },
	};

	return wrong_case(cases, ARRAY_SIZE(cases), weft_pattern_wrong);
}

static const char *path_is_absolute_and_plain(struct weft_tables *t)
{
	static const struct text_case cases[] = {
		{ "/", true },
		{ "/system.slice", true },
		{ "/system.slice/nginx.service", true },
		{ "/a b/...", true },
		{ "", false },
		{ "a", false },
		{ "/a/", false },
		{ "//", false },
		{ "//a", false },
		{ "/a//b", false },
		{ "/./a", false },
		{ "/a/..", false },
	};

	return wrong_case(cases, ARRAY_SIZE(cases), weft_path_wrong);
}

static const char *unit_is_one_part(struct weft_tables *t)
{
	static const struct text_case cases[] = {
		{ "nginx.service", true },
		{ "user@1000.service", true },
		{ "", false },
		{ "/nginx.service", false },
		{ "a/nginx.service", false },
		{ ".", false },
		{ "..", false },
	};

	return wrong_case(cases, ARRAY_SIZE(cases), weft_unit_wrong);
}

static const char *address_is_of_one_host(struct weft_tables *t)
{
	static const struct text_case cases[] = {
		{ "10.0.0.1", true },
		{ "127.0.0.1", true },
		{ "240.0.0.1", true },
		{ "::1", true },
		{ "fd00::1", true },
		{ "2001:db8::1", true },
		{ "0.0.0.0", false },
		{ "224.0.0.1", false },
		{ "255.255.255.255", false },
		{ "::", false },
		{ "ff02::1", false },
		{ "::10.0.0.1", false },
	};
	struct weft_addr a;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		a = weft_st_addr(cases[i].text, 0);
		if (!weft_ip_wrong(&a.ip) != cases[i].ok)
			return cases[i].text;
	}
	return NULL;
}

static const char *address_reads_as_people_write_it(struct weft_tables *t)
{
	struct weft_addr v4 = weft_st_addr("10.0.0.1", 80);
	struct weft_addr v6 = weft_st_addr("fd00::1", 443);
	char text[WEFT_ADDR_TEXT];

	WEFT_EXPECT(!strcmp(weft_addr_text(&v4, text), "10.0.0.1:80"));
	WEFT_EXPECT(!strcmp(weft_addr_text(&v6, text), "[fd00::1]:443"));
	v4.port = 0;
	v6.port = 0;
	WEFT_EXPECT(!strcmp(weft_addr_text(&v4, text), "10.0.0.1"));
	WEFT_EXPECT(!strcmp(weft_addr_text(&v6, text), "fd00::1"));
	return NULL;
}

static const char *identity_matches_exactly_or_by_prefix(struct weft_tables *t)
{
	const char *web = "spiffe://td.test/ns/a/web";

	WEFT_EXPECT(weft_identity_match(web, web));
	WEFT_EXPECT(!weft_identity_match("spiffe://td.test/ns/a/we", web));
	WEFT_EXPECT(!weft_identity_match("spiffe://td.test/ns/a/web2", web));
	WEFT_EXPECT(weft_identity_match("spiffe://td.test/ns/a/*", web));
	WEFT_EXPECT(weft_identity_match("spiffe://td.test/ns/a/w*", web));
	WEFT_EXPECT(weft_identity_match("spiffe://td.test/ns/a/web*", web));
	WEFT_EXPECT(!weft_identity_match("spiffe://td.test/ns/a/web/*", web));
	WEFT_EXPECT(!weft_identity_match("spiffe://td.test/ns/b/*", web));
	WEFT_EXPECT(!weft_identity_match("spiffe://td/*", web));
	WEFT_EXPECT(weft_identity_match("*", web));
	return NULL;
}

static const char *nobody_matches_no_pattern(struct weft_tables *t)
{
	WEFT_EXPECT(!weft_identity_match("*", NULL));
	WEFT_EXPECT(!weft_identity_match("*", ""));
	WEFT_EXPECT(!weft_identity_match("spiffe://td.test/*", NULL));
	return NULL;
}

static const char *trust_domain_ends_at_slash(struct weft_tables *t)
{
	const char *a = "spiffe://td.test/a";

	WEFT_EXPECT(weft_identity_same_domain(a, "spiffe://td.test/b/c"));
	WEFT_EXPECT(!weft_identity_same_domain(a, "spiffe://td.test.evil/a"));
	WEFT_EXPECT(!weft_identity_same_domain(a, "spiffe://td.tes/a"));
	WEFT_EXPECT(!weft_identity_same_domain("spiffe://td.test.evil/a", a));
	WEFT_EXPECT(!weft_identity_same_domain(a, "https://td.test/a"));
	WEFT_EXPECT(!weft_identity_same_domain(a, NULL));
	WEFT_EXPECT(!weft_identity_same_domain(NULL, a));
	WEFT_EXPECT(!weft_identity_same_domain("spiffe:///a", "spiffe:///a"));
	return NULL;
}

static const struct weft_claim claims[] = {
	WEFT_CLAIM(name_labels_follow_rfc1123),
	WEFT_CLAIM(identity_needs_trust_domain_and_path),
	WEFT_CLAIM(prefix_covers_whole_trust_domain),
	WEFT_CLAIM(path_is_absolute_and_plain),
	WEFT_CLAIM(unit_is_one_part),
	WEFT_CLAIM(address_is_of_one_host),
	WEFT_CLAIM(address_reads_as_people_write_it),
	WEFT_CLAIM(identity_matches_exactly_or_by_prefix),
	WEFT_CLAIM(nobody_matches_no_pattern),
	WEFT_CLAIM(trust_domain_ends_at_slash),
};

WEFT_CLAIMS(weft_claims_names, claims);
