/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of a rotation share: a temporary directory with a CA in it, and the
 * steps.
 */
#ifndef WEFT_TEST_ROTATE_FIXTURE_H
#define WEFT_TEST_ROTATE_FIXTURE_H

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
#include "base/cleanup.h"
#include "base/file.h"
#include "pki/ca_files.h"
#include "pki/ca_rotate.h"
#include "pki/ca_user.h"
#include "pki/cert.h"
#include "pki/crypto.h"
#include "pki/pem.h"
#include "pki/source.h"

#define DOMAIN "mesh.test"
#define CART "spiffe://mesh.test/cart"
#define DAY 86400LL

static char dir[64];
static struct weft_error err;

static inline const char *in_dir(const char *name)
{
	static char path[8][128];
	static unsigned int next;
	char *p = path[next++ % 8];

	snprintf(p, sizeof(path[0]), "%s/%s", dir, name);
	return p;
}

static inline struct weft_ca *open_ca(void)
{
	struct weft_ca *ca = NULL;

	if (weft_ca_open_or_create(in_dir("ca"), DOMAIN, &ca, &err))
		fail_msg("%s", err.text);
	return ca;
}

static inline int setup(void **state)
{
	strcpy(dir, "/tmp/weft-test-rotate-XXXXXX");
	assert_non_null(mkdtemp(dir));
	weft_ca_close(open_ca());
	return 0;
}

static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static inline int teardown(void **state)
{
	return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static inline void assert_says(const char *words)
{
	if (!strstr(err.text, words))
		fail_msg("\"%s\" does not say \"%s\"", err.text, words);
}

static inline bool is_there(const char *name)
{
	return !access(in_dir(name), F_OK);
}

static inline void copy(const char *from, const char *to)
{
	_cleanup_free_ char *data = NULL;
	size_t len;

	assert_int_equal(weft_file_read(in_dir(from), 65536, &data, &len, NULL), 0);
	assert_int_equal(weft_file_write(in_dir(to), data, len, 0600, NULL), 0);
}

static inline int agree(const struct weft_ca *ca, void *data, struct weft_error *e)
{
	assert_int_equal(weft_ca_step(ca), WEFT_CA_PREPARED);
	return 0;
}

static const struct weft_ca_proof proven = { .prove = agree };

static inline void done(int r)
{
	if (r)
		fail_msg("%s", err.text);
}

static inline void prepare(void)
{
	done(weft_ca_prepare(in_dir("ca"), &err));
}

static inline void activate(void)
{
	done(weft_ca_activate(in_dir("ca"), &proven, &err));
}

static inline void assert_step(enum weft_ca_step step, size_t roots)
{
	_cleanup_(weft_bundle_put_ptr) struct weft_bundle *bundle = NULL;
	struct weft_ca *ca = open_ca();
	struct weft_svid *svid = NULL;

	assert_int_equal(weft_ca_step(ca), step);
	assert_int_equal(weft_ca_bundle(ca, &bundle, NULL), 0);
	assert_int_equal(weft_bundle_count(bundle), roots);
	/* Whatever the step, it signs. */
	done(weft_ca_issue(ca, CART, 0, &svid, &err));
	assert_int_equal(X509_verify(svid->cert, X509_get0_pubkey(weft_ca_cert(ca))), 1);
	weft_svid_put(svid);
	weft_ca_close(ca);
}

static inline X509 *read_cert(const char *name)
{
	STACK_OF(X509) *certs;
	X509 *cert;

	assert_int_equal(weft_pem_read_certs(in_dir(name), &certs, NULL), 0);
	cert = sk_X509_shift(certs);
	sk_X509_pop_free(certs, X509_free);
	return cert;
}

static inline void assert_same_cert(X509 *cert, const char *name)
{
	X509 *other = read_cert(name);

	assert_int_equal(X509_cmp(cert, other), 0);
	X509_free(other);
}

static inline int64_t until_of(const char *name)
{
	X509 *root = read_cert(name);
	int64_t until;

	done(weft_ca_issued_get(in_dir("ca"), root, &until, &err));
	X509_free(root);
	return until;
}

static inline void issue(int64_t lifetime)
{
	struct weft_ca *ca = open_ca();
	struct weft_svid *svid;

	done(weft_ca_issue(ca, CART, lifetime, &svid, &err));
	assert_true(svid->not_after <= until_of("ca/ca.crt"));
	weft_svid_put(svid);
	weft_ca_close(ca);
}

#define ROTATED(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
