// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Revocation documents: each field wrong in each way, see conf_fields.h.
 */
#include <linux/weft.h>

#include "conf_fields.h"
#include "conf_text.h"
#include "nl/nl_wire.h"

#define REVOKED(spec) HEAD("Revocation") "spec:\n" spec
#define AT(line) "t.yaml:" #line ": Revocation \"web\": "

#define IDENTITY "a SPIFFE ID, or a path in the trust domain such as shop/cart"
#define SERIAL \
	"the serial number of a certificate in hexadecimal, as openssl x509 -serial prints it"

static const struct wrong wrongs[] = {
	{ "apiVersion", MISSING,
	  "kind: Revocation\nmetadata: {name: web}\nspec: {serials: [01]}\n",
	  "t.yaml:1: apiVersion: missing: must be weft/v1" },
	{ "apiVersion", SHAPE,
	  "apiVersion: [weft/v1]\nkind: Revocation\nmetadata: {name: web}\nspec: {serials: [01]}\n",
	  "t.yaml:1: apiVersion: a list: must be weft/v1" },
	{ "apiVersion", VALUE,
	  "apiVersion: weft/v2\nkind: Revocation\nmetadata: {name: web}\nspec: {serials: [01]}\n",
	  "t.yaml:1: apiVersion: \"weft/v2\": must be weft/v1" },
	{ "kind", MISSING,
	  "apiVersion: weft/v1\nmetadata: {name: web}\nspec: {serials: [01]}\n",
	  "t.yaml:1: kind: missing: must be Workload, Service, AuthorizationPolicy, Revocation or Peer" },
	{ "kind", SHAPE,
	  "apiVersion: weft/v1\nkind: {Revocation: }\nmetadata: {name: web}\nspec: "
	  "{serials: [01]}\n",
	  "t.yaml:2: kind: a mapping: must be Workload, Service, AuthorizationPolicy, Revocation or Peer" },
	{ "kind", VALUE,
	  "apiVersion: weft/v1\nkind: revocation\nmetadata: {name: web}\nspec: {serials: [01]}\n",
	  AT(2) "kind: \"revocation\": must be Revocation" },
	{ "metadata", MISSING,
	  "apiVersion: weft/v1\nkind: Revocation\nspec: {serials: [01]}\n",
	  "t.yaml:1: Revocation: metadata: missing: must be a mapping of name" },
	{ "metadata", SHAPE,
	  "apiVersion: weft/v1\nkind: Revocation\nmetadata: web\nspec: {serials: [01]}\n",
	  "t.yaml:3: Revocation: metadata: \"web\": must be a mapping of name" },
	{ "metadata", VALUE,
	  "apiVersion: weft/v1\nkind: Revocation\nmetadata: {name: web, labels: "
	  "{}}\nspec: {serials: [01]}\n",
	  AT(3) "metadata.labels: unknown field; allowed here: name" },
	{ "metadata.name", MISSING,
	  "apiVersion: weft/v1\nkind: Revocation\nmetadata: {}\nspec: {serials: [01]}\n",
	  "t.yaml:3: Revocation: metadata.name: missing: must be a DNS name in lower "
	  "case (RFC 1123)" },
	{ "metadata.name", SHAPE,
	  "apiVersion: weft/v1\nkind: Revocation\nmetadata:\n  name: [web]\nspec: "
	  "{serials: [01]}\n",
	  "t.yaml:4: Revocation: metadata.name: a list: must be a DNS name in lower "
	  "case (RFC 1123)" },
	{ "metadata.name", SHAPE,
	  "apiVersion: weft/v1\nkind: Revocation\nmetadata:\n  name:\nspec: {serials: [01]}\n",
	  "t.yaml:4: Revocation: metadata.name: nothing: must be a DNS name in lower "
	  "case (RFC 1123)" },
	{ "metadata.name", VALUE,
	  "apiVersion: weft/v1\nkind: Revocation\nmetadata:\n  name: Web\nspec: {serials: [01]}\n",
	  "t.yaml:4: Revocation \"Web\": metadata.name: \"Web\": must be a DNS name "
	  "in lower case (RFC 1123): not a DNS name (a-z, 0-9, '-' and '.')" },
	{ "metadata.name", VALUE,
	  "apiVersion: weft/v1\nkind: Revocation\nmetadata:\n  name: -web\nspec: {serials: [01]}\n",
	  "t.yaml:4: Revocation \"-web\": metadata.name: \"-web\": must be a DNS "
	  "name in lower case (RFC 1123): a label begins or ends with '-'" },
	{ "metadata.name", VALUE,
	  "apiVersion: weft/v1\nkind: Revocation\nmetadata:\n  name: \"\"\nspec: {serials: [01]}\n",
	  "t.yaml:4: Revocation \"\": metadata.name: \"\": must be a DNS name in "
	  "lower case (RFC 1123): empty" },
	{ "spec", MISSING,
	  HEAD("Revocation"),
	  AT(1) "spec: missing: must be a mapping of identities and serials" },
	{ "spec", SHAPE,
	  HEAD("Revocation") "spec: []\n",
	  AT(4) "spec: a list: must be a mapping of identities and serials" },
	{ "spec", VALUE,
	  HEAD("Revocation") "spec: {serial: [01]}\n",
	  AT(4) "spec.serial: unknown field (did you mean \"serials\"?); allowed here: "
	  "identities, serials" },
	{ "spec", VALUE,
	  HEAD("Revocation") "spec: {}\n",
	  AT(4) "spec: an empty mapping: must be a mapping of identities, serials or both" },
	{ "spec.identities", SHAPE,
	  REVOKED("  identities: shop/cart\n"),
	  AT(5) "spec.identities: \"shop/cart\": must be a list of 1 to 1024 items, each " IDENTITY },
	{ "spec.identities", SHAPE,
	  REVOKED("  identities: [[shop/cart]]\n"),
	  AT(5) "spec.identities[0]: a list: must be " IDENTITY },
	{ "spec.identities", VALUE,
	  REVOKED("  identities: [\"\"]\n"),
	  AT(5) "spec.identities[0]: \"\": must be " IDENTITY },
	{ "spec.identities", VALUE,
	  REVOKED("  identities: [\"shop/*\"]\n"),
	  AT(5) "spec.identities[0]: \"shop/*\": must be " IDENTITY ": a path has only a-z, A-Z, "
	  "0-9, '.', '-', '_' and '/'" },
	{ "spec.identities", VALUE,
	  REVOKED("  identities: [\"spiffe://example.org\"]\n"),
	  AT(5) "spec.identities[0]: \"spiffe://example.org\": must be " IDENTITY ": a SPIFFE ID "
	  "without a path is a trust domain, not a workload" },
	{ "spec.identities", COUNT,
	  REVOKED("  identities: []\n"),
	  AT(5) "spec.identities: an empty list: must be a list of 1 to 1024 items, each " IDENTITY },
	{ "spec.identities", COUNT,
	  REVOKED("  identities: [$1025 a@$]\n"),
	  AT(5) "spec.identities: 1025 items: must be a list of 1 to 1024 items, each " IDENTITY },
	{ "spec.identities", TWIN,
	  REVOKED("  identities: [shop/cart, \"spiffe://example.org/shop/cart\"]\n"),
	  AT(5) "spec.identities[1]: spiffe://example.org/shop/cart: stands in the list twice, "
	  "first in line 5" },
	{ "spec.serials", SHAPE,
	  REVOKED("  serials: \"0a1b\"\n"),
	  AT(5) "spec.serials: \"0a1b\": must be a list of 1 to 1024 items, each " SERIAL },
	{ "spec.serials", SHAPE,
	  REVOKED("  serials: [{serial: 0a}]\n"),
	  AT(5) "spec.serials[0]: a mapping: must be " SERIAL },
	{ "spec.serials", VALUE,
	  REVOKED("  serials: [0a1]\n"),
	  AT(5) "spec.serials[0]: \"0a1\": must be " SERIAL ": not bytes of two digits each (0-9, "
	  "a-f), with or without ':' between them" },
	{ "spec.serials", VALUE,
	  REVOKED("  serials: [\"0x0a1b\"]\n"),
	  AT(5) "spec.serials[0]: \"0x0a1b\": must be " SERIAL ": not bytes of two digits each "
	  "(0-9, a-f), with or without ':' between them" },
	{ "spec.serials", VALUE,
	  REVOKED("  serials: [ff112233445566778899aabbccddeeff0011223344]\n"),
	  AT(5) "spec.serials[0]: \"ff112233445566778899aabbccddeeff0011223344\": must be " SERIAL
	  ": longer than 20 bytes" },
	{ "spec.serials", COUNT,
	  REVOKED("  serials: []\n"),
	  AT(5) "spec.serials: an empty list: must be a list of 1 to 1024 items, each " SERIAL },
	{ "spec.serials", COUNT,
	  REVOKED("  serials: [$1025 0a$]\n"),
	  AT(5) "spec.serials: 1025 items: must be a list of 1 to 1024 items, each " SERIAL },
	{ "spec.serials", TWIN,
	  REVOKED("  serials: [\"0A:1B\", 000a1b]\n"),
	  AT(5) "spec.serials[1]: 0a1b: stands in the list twice, first in line 5" },
};

static void each_field_wrong_is_one_clear_error(void **state)
{
	check_wrongs(wrongs, WEFT_ARRAY_SIZE(wrongs));
}

static void no_field_is_without_its_wrong_cases(void **state)
{
	check_coverage(&weft_kind_revocation, wrongs, WEFT_ARRAY_SIZE(wrongs), 7);
}

static void identities_are_whole_and_serials_in_one_form(void **state)
{
	_cleanup_conf_ struct weft_conf *conf = conf_of(
		REVOKED("  identities: [shop/cart, \"spiffe://other.org/x\"]\n"
			"  serials: [\"0A:1B\", 77, \"00:00:FF\"]\n"));
	const struct weft_conf_revocation *r = weft_conf_find_revocation(conf, "web");

	assert_non_null(r);
	assert_int_equal(r->object.identities.count, 2);
	assert_string_equal(r->object.identities.items[0], "spiffe://example.org/shop/cart");
	assert_string_equal(r->object.identities.items[1], "spiffe://other.org/x");
	assert_int_equal(r->object.serials.count, 3);
	assert_string_equal(r->object.serials.items[0], "0a1b");
	assert_string_equal(r->object.serials.items[1], "77");
	assert_string_equal(r->object.serials.items[2], "ff");
}

/* A document of @n identities of 254 bytes, each 260 to the module. */
static char *long_identities(int n, size_t *len)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, len);

	assert_non_null(f);
	fputs(HEAD("Revocation") "spec:\n  identities:\n", f);
	for (int i = 0; i < n; i++)
		fprintf(f, "  - spiffe://example.org/%0233d\n", i);
	assert_int_equal(fclose(f), 0);
	return text;
}

/* Of the longest name, by what is sent. */
static int put(const struct weft_conf_revocation *r)
{
	struct weft_nl_revocation copy = r->object;
	struct nl_msg *msg = nlmsg_alloc_size(WEFT_NL_ROOM_OBJECT);
	char name[WEFT_NAME_MAX + 1];
	int ret;

	memset(name, 'a', WEFT_NAME_MAX);
	name[WEFT_NAME_MAX] = '\0';
	copy.name = name;
	assert_non_null(msg);
	ret = weft_nl_revocation_put(msg, &copy);
	nlmsg_free(msg);
	return ret;
}

static void more_than_a_message_is_refused(void **state)
{
	_cleanup_conf_ struct weft_conf *conf = NULL;
	_cleanup_free_ char *fits = NULL, *not = NULL;
	struct weft_error err = { 0 };
	size_t len;

	fits = long_identities(250, &len);
	assert_int_equal(weft_conf_parse("t.yaml", fits, len, "example.org", &conf, &err), 0);
	assert_int_equal(put(weft_conf_find_revocation(conf, "web")), 0);
	not = long_identities(251, &len);
	assert_refused_len(not, len,
			   AT(5) "spec: a mapping: 251 identities and 0 serials are 65268 bytes to "
			   "the module, which takes 65024 in one document: split it into several");
}

/* 64 documents of 1024 each are all that the module takes. */
static void more_than_the_module_takes_is_refused(void **state)
{
	_cleanup_free_ char *all = NULL;
	size_t len;
	FILE *f = open_memstream(&all, &len);

	assert_non_null(f);
	for (int i = 0; i <= WEFT_REVOKED_TOTAL_MAX / WEFT_REVOKED_MAX; i++) {
		fprintf(f, "---\napiVersion: weft/v1\nkind: Revocation\n"
			   "metadata: {name: r%d}\nspec: {serials: [", i);
		for (int s = 0; s < WEFT_REVOKED_MAX; s++)
			fprintf(f, "%s\"%08x\"", s ? ", " : "", i * WEFT_REVOKED_MAX + s);
		fputs("]}\n", f);
	}
	assert_int_equal(fclose(f), 0);
	assert_refused_len(all, len,
			   "t.yaml:325: Revocation \"r64\": spec: a mapping: all documents together "
			   "revoke more than 65536 identities and serials");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_field_wrong_is_one_clear_error),
		cmocka_unit_test(no_field_is_without_its_wrong_cases),
		cmocka_unit_test(identities_are_whole_and_serials_in_one_form),
		cmocka_unit_test(more_than_a_message_is_refused),
		cmocka_unit_test(more_than_the_module_takes_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
