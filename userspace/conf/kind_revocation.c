// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Revocation documents: whose connections end, whatever the policies say. Fields
 * and what they mean are in weft-documents(5); limits are the module's.
 */
#include <linux/netlink.h>
#include <linux/weft.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/name.h"
#include "base/serial.h"
#include "conf/kind.h"

#define WHAT_IDENTITY "a SPIFFE ID, or a path in the trust domain such as shop/cart"
#define WHAT_SERIAL \
	"the serial number of a certificate in hexadecimal, as openssl x509 -serial prints it"

/* A whole one, of any trust domain: also peers of others can be revoked. */
static int convert_identity(struct weft_schema_reader *r, const struct weft_node *node, char **out)
{
	_cleanup_free_ char *identity = NULL;
	const char *problem;

	if (!*node->text)
		return weft_schema_fail(r, node, "must be " WHAT_IDENTITY);
	identity = weft_identity_expand(r->trust_domain, node->text);
	if (!identity)
		return weft_error_nomem(r->err);
	problem = weft_identity_problem(identity);
	if (problem)
		return weft_schema_fail(r, node, "must be " WHAT_IDENTITY ": %s", problem);
	*out = weft_steal_ptr(identity);
	return 0;
}

static int convert_serial(struct weft_schema_reader *r, const struct weft_node *node, char **out)
{
	char serial[WEFT_SERIAL_SIZE];
	const char *problem = weft_serial_parse(node->text, serial);

	if (problem)
		return weft_schema_fail(r, node, "must be " WHAT_SERIAL ": %s", problem);
	*out = strdup(serial);
	return *out ? 0 : weft_error_nomem(r->err);
}

static const struct weft_field spec_fields[] = {
	{ .name = "identities", .type = WEFT_FIELD_STRING, .min_items = 1,
	  .max_items = WEFT_REVOKED_MAX, .noun = "identity", .what = WHAT_IDENTITY,
	  .convert = convert_identity,
	  WEFT_FIELD_LIST_AT(struct weft_conf_revocation, object.identities.items,
			     object.identities.count) },
	{ .name = "serials", .type = WEFT_FIELD_STRING, .min_items = 1,
	  .max_items = WEFT_REVOKED_MAX, .noun = "serial", .what = WHAT_SERIAL,
	  .convert = convert_serial,
	  WEFT_FIELD_LIST_AT(struct weft_conf_revocation, object.serials.items,
			     object.serials.count) },
	{ 0 }
};

/*
 * Of both lists. The module takes a revocation in one message of 64 KiB
 * (nl/nl_revocation.c), and tells it in one; the rest of it is for the longest name
 * and the owner.
 */
#define LISTS_BYTES (65536 - 512)

static size_t list_bytes(const struct weft_strv *list)
{
	size_t bytes = NLA_HDRLEN;

	for (size_t i = 0; i < list->count; i++)
		bytes += NLA_ALIGN(NLA_HDRLEN + strlen(list->items[i]) + 1);
	return bytes;
}

static int check_spec(struct weft_schema_reader *r, const struct weft_node *node, void *object)
{
	const struct weft_nl_revocation *v = &((struct weft_conf_revocation *)object)->object;
	size_t bytes = list_bytes(&v->identities) + list_bytes(&v->serials);

	if (!v->identities.count && !v->serials.count)
		return weft_schema_fail(r, node,
					"must be a mapping of identities, serials or both");
	if (bytes > LISTS_BYTES)
		return weft_schema_fail(r, node,
					"%zu identities and %zu serials are %zu bytes to the "
					"module, which takes %u in one document: split it into "
					"several",
					v->identities.count, v->serials.count, bytes, LISTS_BYTES);
	return 0;
}

static const struct weft_schema spec_schema = { .fields = spec_fields, .check = check_spec };

static const struct weft_field document_fields[] = {
	WEFT_KIND_HEAD("Revocation"),
	{ .name = "spec", .type = WEFT_FIELD_OBJECT, .required = true, .schema = &spec_schema },
	{ 0 }
};

static const struct weft_schema document_schema = { .fields = document_fields };

static void uninit(void *object)
{
	weft_conf_revocation_uninit(object);
}

const struct weft_kind weft_kind_revocation = {
	.name = "Revocation",
	.noun = "revocation",
	.schema = &document_schema,
	.max = WEFT_REVOCATIONS_MAX,
	.size = sizeof(struct weft_conf_revocation),
	.mark_offset = offsetof(struct weft_conf_revocation, mark),
	.uninit = uninit,
	.array_offset = offsetof(struct weft_conf, revocations),
	.count_offset = offsetof(struct weft_conf, n_revocations),
};
