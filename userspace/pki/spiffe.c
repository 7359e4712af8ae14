// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a certificate must be to serve as an X.509 SVID, and whose it is. What is
 * looked at comes from strangers: nothing of it gets into a message unless it is
 * printable and short. Any thread.
 */
#include <errno.h>
#include <string.h>
#include "base/name.h"
#include "pki/crypto.h"
#include "pki/spiffe.h"

#define URI_SHOWN_MAX 128
#define SCHEME "spiffe://"

static bool is_printable(const char *text, int len)
{
	for (int i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	return true;
}

/* The one URI. Return: 0; -ENODATA none; -EBADMSG several, or not a string. */
static int names_uri(const GENERAL_NAMES *names, char **uri, struct weft_error *err)
{
	const ASN1_IA5STRING *found = NULL;
	const char *problem = NULL;
	int count = 0, r = -EBADMSG;

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type != GEN_URI)
			continue;
		found = name->d.uniformResourceIdentifier;
		count++;
	}
	if (count > 1) {
		problem = "it has more than one URI as subject alternative name, an SVID has one";
	} else if (!found) {
		problem = "it has no SPIFFE ID (no URI as subject alternative name)";
		r = -ENODATA;
	} else if (memchr(ASN1_STRING_get0_data(found), 0, ASN1_STRING_length(found))) {
		problem = "its URI has a NUL in it";
	}
	if (problem)
		return weft_error_set(err, r, "%s", problem);
	*uri = strndup((const char *)ASN1_STRING_get0_data(found), ASN1_STRING_length(found));
	return *uri ? 0 : weft_error_nomem(err);
}

/* The same of a certificate. */
static int only_uri(X509 *cert, char **uri, struct weft_error *err)
{
	_cleanup_names_ GENERAL_NAMES *names = NULL;
	int crit;

	names = X509_get_ext_d2i(cert, NID_subject_alt_name, &crit, NULL);
	if (!names && crit != -1)
		return weft_error_set(err, EBADMSG, "its subject alternative name is broken");
	return names_uri(names, uri, err);
}

static int bad_uri(struct weft_error *err, const char *uri, const char *problem)
{
	size_t len = strlen(uri);

	if (len > URI_SHOWN_MAX || !is_printable(uri, len))
		return weft_error_set(err, EBADMSG, "its URI is not a SPIFFE ID: %s", problem);
	return weft_error_set(err, EBADMSG, "its URI \"%s\" is not a SPIFFE ID: %s", uri, problem);
}

/* Sections 4.1 (basic constraints), 4.3 (key usage), 4.4 (extended key usage). */
static int check_leaf(X509 *cert, struct weft_error *err)
{
	const uint32_t both = XKU_SSL_SERVER | XKU_SSL_CLIENT;
	uint32_t flags = X509_get_extension_flags(cert);
	uint32_t usage = X509_get_key_usage(cert);

	if (flags & EXFLAG_INVALID)
		return weft_error_set(err, EBADMSG, "one of its extensions is broken");
	if (flags & EXFLAG_CA)
		return weft_error_set(err, EBADMSG, "it is a CA certificate, not a workload's");
	if (!(flags & EXFLAG_KUSAGE))
		return weft_error_set(err, EBADMSG, "it has no key usage");
	if (!(usage & KU_DIGITAL_SIGNATURE))
		return weft_error_set(err, EBADMSG, "its key usage lacks digitalSignature");
	if (usage & (KU_KEY_CERT_SIGN | KU_CRL_SIGN))
		return weft_error_set(err, EBADMSG,
				      "its key usage has keyCertSign or cRLSign, which is for CAs");
	if ((flags & EXFLAG_XKUSAGE) && (X509_get_extended_key_usage(cert) & both) != both)
		return weft_error_set(err, EBADMSG,
				      "its extended key usage lacks serverAuth or clientAuth");
	return 0;
}

/* The URI where an identity is due, once it was read with @r. It becomes the result. */
static int uri_id(int r, char *uri, char **id, struct weft_error *err)
{
	_cleanup_free_ char *own = uri;
	const char *problem;

	if (r)
		return r == -ENODATA ? -EBADMSG : r;
	problem = weft_identity_problem(own);
	if (problem)
		return bad_uri(err, own, problem);
	*id = weft_steal_ptr(own);
	return 0;
}

int weft_pki_names_id(const GENERAL_NAMES *names, char **id, struct weft_error *err)
{
	char *uri = NULL;
	int r = names_uri(names, &uri, err);

	return uri_id(r, uri, id, err);
}

int weft_pki_spiffe_id(X509 *cert, char **id, struct weft_error *err)
{
	char *uri = NULL;
	int r;

	r = check_leaf(cert, err);
	if (r)
		return r;
	r = only_uri(cert, &uri, err);
	return uri_id(r, uri, id, err);
}

int weft_pki_trust_domain(X509 *cert, char **domain, struct weft_error *err)
{
	uint32_t flags = X509_get_extension_flags(cert);
	_cleanup_free_ char *uri = NULL;
	const char *problem;
	int r;

	if (flags & EXFLAG_INVALID)
		return weft_error_set(err, EBADMSG, "one of its extensions is broken");
	if (!(flags & EXFLAG_CA) || X509_self_signed(cert, 0) != 1)
		return weft_error_set(err, EBADMSG, "it is no root (a self-signed CA certificate)");
	r = only_uri(cert, &uri, err);
	if (r)
		return r;
	if (strncmp(uri, SCHEME, strlen(SCHEME)))
		return bad_uri(err, uri, "it does not start with " SCHEME);
	problem = weft_trust_domain_problem(uri + strlen(SCHEME));
	if (problem)
		return bad_uri(err, uri, problem);
	*domain = strdup(uri + strlen(SCHEME));
	return *domain ? 0 : weft_error_nomem(err);
}
