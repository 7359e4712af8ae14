// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * OpenSSL's algorithms as handshakes need them, see library.h. Made once.
 *
 *   inner   a library context with OpenSSL's "default" provider
 *   outer   the one that is used; its only provider is ours, which passes on
 *           what the inner one has, but few of its decoders and kinds of keys
 *           (provider(7))
 */
#include "pki/library.h"

#include <openssl/core_dispatch.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/opensslv.h>
#include <openssl/provider.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include "base/array.h"

#define PROVIDER_NAME "weft"
#define ALGORITHMS_MAX 32

#define VERSION_3_2 0x30200000UL

static OSSL_LIB_CTX *library; /* written once */
static pthread_once_t library_once = PTHREAD_ONCE_INIT;

static OSSL_PROVIDER *inner;
/* The last one is empty. */
static OSSL_ALGORITHM decoders[ALGORITHMS_MAX + 1], keys[ALGORITHMS_MAX + 1];

/* Names are lists, "EC:id-ecPublicKey:1.2.840.10045.2.1". */
static bool is_called(const char *names, const char *name)
{
	size_t len = strlen(name);

	return !strncmp(names, name, len) && (names[len] == ':' || !names[len]);
}

static bool is_one_of(const OSSL_ALGORITHM *algorithm, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is_called(algorithm->algorithm_names, names[i]))
			return true;
	return false;
}

/* Public keys in certificates; "DER" takes the outermost layer off. */
static bool is_needed_decoder(const OSSL_ALGORITHM *decoder)
{
	static const char *const kinds[] = { "EC", "RSA", "RSA-PSS", "ED25519", "ED448",
					     "DER" };

	return strstr(decoder->property_definition, "structure=SubjectPublicKeyInfo") &&
	       is_one_of(decoder, kinds, WEFT_ARRAY_SIZE(kinds));
}

/* Of SVIDs, of key exchange, and those OpenSSL makes for the MAC of Finished. */
static bool is_needed_key(const OSSL_ALGORITHM *key)
{
	static const char *const kinds[] = { "EC", "RSA", "RSA-PSS", "ED25519", "ED448",
					     "X25519", "HMAC" };

	return is_one_of(key, kinds, WEFT_ARRAY_SIZE(kinds));
}

static bool select_needed(int operation, bool (*is_needed)(const OSSL_ALGORITHM *),
			  OSSL_ALGORITHM *out)
{
	const OSSL_ALGORITHM *all;
	int no_cache, n = 0;

	all = OSSL_PROVIDER_query_operation(inner, operation, &no_cache);
	for (; all && all->algorithm_names && n < ALGORITHMS_MAX; all++)
		if (is_needed(all))
			out[n++] = *all;
	return n > 0;
}

static const OSSL_ALGORITHM *query(void *provctx, int operation, int *no_cache)
{
	const OSSL_ALGORITHM *all = OSSL_PROVIDER_query_operation(inner, operation, no_cache);

	switch (operation) {
	case OSSL_OP_DECODER:
		return decoders;
	case OSSL_OP_KEYMGMT:
		return keys;
	default:
		return all;
	}
}

/* Among them: the groups that TLS may use. */
static int get_capabilities(void *provctx, const char *capability, OSSL_CALLBACK *cb, void *arg)
{
	return OSSL_PROVIDER_get_capabilities(inner, capability, cb, arg);
}

static const OSSL_DISPATCH functions[] = {
	{ OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query },
	{ OSSL_FUNC_PROVIDER_GET_CAPABILITIES, (void (*)(void))get_capabilities },
	{ 0, NULL },
};

/* The algorithms are the inner provider's and must find its context. */
static int provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
			 const OSSL_DISPATCH **out, void **provctx)
{
	*provctx = OSSL_PROVIDER_get0_provider_ctx(inner);
	*out = functions;
	return 1;
}

static OSSL_LIB_CTX *make_outer(void)
{
	OSSL_LIB_CTX *outer = OSSL_LIB_CTX_new();

	if (outer && OSSL_PROVIDER_add_builtin(outer, PROVIDER_NAME, provider_init) == 1 &&
	    OSSL_PROVIDER_load(outer, PROVIDER_NAME))
		return outer;
	OSSL_LIB_CTX_free(outer);
	return NULL;
}

static void make_library(void)
{
	OSSL_LIB_CTX *ctx;

	/* what openssl.cnf chose stays chosen */
	if (OpenSSL_version_num() >= VERSION_3_2 || OSSL_PROVIDER_available(NULL, "fips") ||
	    EVP_default_properties_is_fips_enabled(NULL))
		return;
	ERR_set_mark();
	ctx = OSSL_LIB_CTX_new();
	inner = ctx ? OSSL_PROVIDER_load(ctx, "default") : NULL;
	if (inner && select_needed(OSSL_OP_DECODER, is_needed_decoder, decoders) &&
	    select_needed(OSSL_OP_KEYMGMT, is_needed_key, keys))
		library = make_outer();
	if (!library)
		OSSL_LIB_CTX_free(ctx);
	ERR_pop_to_mark();
}

OSSL_LIB_CTX *weft_crypto_library(void)
{
	pthread_once(&library_once, make_library);
	return library;
}
