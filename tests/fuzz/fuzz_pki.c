// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzz target for certificates of strangers: any DER that OpenSSL takes must give
 * a valid identity or one printable error.
 *
 * libFuzzer calls LLVMFuzzerTestOneInput(); its main() also runs the files that are
 * named on its command line.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/x509.h>
#include "base/name.h"
#include "pki/spiffe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_error(const struct weft_error *err)
{
	if (!*err->text)
		abort();
	for (const char *p = err->text; *p; p++)
		if (*p < ' ' || *p > '~')
			abort();
}

static void try_leaf(X509 *cert)
{
	struct weft_error err = { 0 };
	char *id = NULL;

	if (weft_pki_spiffe_id(cert, &id, &err))
		check_error(&err);
	else if (weft_identity_problem(id))
		abort();
	free(id);
}

static void try_root(X509 *cert)
{
	struct weft_error err = { 0 };
	char *domain = NULL;

	if (weft_pki_trust_domain(cert, &domain, &err))
		check_error(&err);
	else if (weft_trust_domain_problem(domain))
		abort();
	free(domain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	X509 *cert = d2i_X509(NULL, &data, (long)size);

	if (cert) {
		try_leaf(cert);
		try_root(cert);
	}
	X509_free(cert);
	ERR_clear_error();
	return 0;
}
