// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The built-in certificate authority: its directory, and issuing.
 *
 * The key file is written before the certificate, so that a crash in between
 * leaves what the next start completes. The same goes for the files of a rotation,
 * see ca_rotate.c.
 */
#include <errno.h>
#include <openssl/err.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "base/array.h"
#include "base/file.h"
#include "base/name.h"
#include "pki/ca_files.h"
#include "pki/cert.h"
#include "pki/crypto.h"
#include "pki/pem.h"
#include "pki/spiffe.h"

#define YEAR_SECONDS (365 * 86400LL)

/* What is written down of a certificate's end, beyond it: a part of its life, at most
 * WEFT_CA_ISSUED_MORE. */
#define ISSUED_PART 8

void weft_ca_close(struct weft_ca *ca)
{
	if (!ca)
		return;
	free(ca->dir);
	free(ca->trust_domain);
	free(ca->key_path);
	free(ca->cert_path);
	EVP_PKEY_free(ca->key);
	X509_free(ca->cert);
	X509_free(ca->next);
	X509_free(ca->old);
	free(ca);
}

void weft_ca_close_ptr(struct weft_ca **ca)
{
	weft_ca_close(*ca);
}

char *weft_ca_path(const char *dir, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

/* ---- has it changed? ---- */

/* A file that cannot be looked at is another than any that could. */
static int stamp_file(const char *dir, const char *name, struct weft_ca_stamp *stamp,
		      struct weft_error *err)
{
	_cleanup_free_ char *path = weft_ca_path(dir, name);
	struct stat st;

	*stamp = (struct weft_ca_stamp){ 0 };
	if (!path)
		return weft_error_nomem(err);
	if (stat(path, &st))
		return errno == ENOENT ? 0 :
					 weft_error_set(err, errno, "%s: %s", path, strerror(errno));
	*stamp = (struct weft_ca_stamp){ true, st.st_dev, st.st_ino, st.st_size, st.st_ctim };
	return 0;
}

static int read_stamps(const char *dir, struct weft_ca_stamp stamps[WEFT_CA_STAMPS],
		       struct weft_error *err)
{
	static const char *const names[WEFT_CA_STAMPS] = { "ca.crt", "next.crt", "old.crt" };
	int r = 0;

	for (size_t i = 0; !r && i < WEFT_CA_STAMPS; i++)
		r = stamp_file(dir, names[i], &stamps[i], err);
	return r;
}

static bool same(const struct weft_ca_stamp *a, const struct weft_ca_stamp *b)
{
	return a->there == b->there && a->dev == b->dev && a->ino == b->ino &&
	       a->size == b->size && a->changed.tv_sec == b->changed.tv_sec &&
	       a->changed.tv_nsec == b->changed.tv_nsec;
}

bool weft_ca_changed(const struct weft_ca *ca)
{
	struct weft_ca_stamp now[WEFT_CA_STAMPS];

	if (read_stamps(ca->dir, now, NULL))
		return true;
	for (size_t i = 0; i < WEFT_CA_STAMPS; i++)
		if (!same(&now[i], &ca->stamps[i]))
			return true;
	return false;
}

/* ---- its directory ---- */

/* @trust_domain NULL: the one it turns out to be of. */
static struct weft_ca *ca_new(const char *dir, const char *trust_domain)
{
	_cleanup_(weft_ca_close_ptr) struct weft_ca *ca = calloc(1, sizeof(*ca));

	if (!ca)
		return NULL;
	ca->dir = strdup(dir);
	ca->key_path = weft_ca_path(dir, "ca.key");
	ca->cert_path = weft_ca_path(dir, "ca.crt");
	if (trust_domain)
		ca->trust_domain = strdup(trust_domain);
	if (!ca->dir || !ca->key_path || !ca->cert_path || !ca->trust_domain != !trust_domain)
		return NULL;
	return weft_steal_ptr(ca);
}

int weft_ca_lock(const char *dir, unsigned int ms, struct weft_error *err)
{
	_cleanup_close_ int fd = weft_dir_lock_within(dir, ms, err);
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st))
		return weft_error_set(err, errno, "%s: %s", dir, strerror(errno));
	if (st.st_mode & 022)
		return weft_error_set(err, EPERM,
				      "%s: mode %04o lets others replace the private key of the "
				      "CA: chmod 0700 %s",
				      dir, (unsigned int)st.st_mode & 07777, dir);
	return weft_steal_fd(&fd);
}

int weft_ca_make_root(const char *trust_domain, EVP_PKEY *key, X509 **cert, struct weft_error *err)
{
	int64_t now = time(NULL);
	struct weft_cert_spec spec = {
		.key = key,
		.not_before = now - WEFT_CA_BACKDATE,
		.not_after = now + WEFT_CA_YEARS * YEAR_SECONDS,
	};
	_cleanup_free_ char *uri = NULL;

	if (asprintf(&uri, "spiffe://%s", trust_domain) < 0) {
		uri = NULL;
		return weft_error_nomem(err);
	}
	spec.uri = uri;
	return weft_cert_make(&spec, cert, err);
}

/* Of a key that was there already nobody knows what it has signed. */
static int create_cert(struct weft_ca *ca, bool has_key, struct weft_error *err)
{
	int r = weft_ca_make_root(ca->trust_domain, ca->key, &ca->cert, err);

	if (!r && !has_key)
		r = weft_ca_issued_set(ca->dir, ca->cert, 0, err);
	return r ? r : weft_pem_write_certs(ca->cert_path, ca->cert, NULL, err);
}

static int create_key(struct weft_ca *ca, struct weft_error *err)
{
	int r = weft_cert_key(&ca->key, err);

	return r ? r : weft_pem_write_key(ca->key_path, ca->key, err);
}

/* Is what was read the root of our trust domain, or of any while we have none? */
static int check_identity(struct weft_ca *ca, X509 *cert, const char *path, struct weft_error *err)
{
	_cleanup_free_ char *domain = NULL;
	int r;

	r = weft_pki_trust_domain(cert, &domain, err);
	if (r)
		return weft_error_prefix(err, EBADMSG, "%s: not a certificate of weft's CA", path);
	if (!ca->trust_domain)
		ca->trust_domain = weft_steal_ptr(domain);
	else if (strcmp(domain, ca->trust_domain))
		return weft_error_set(err, EBADMSG,
				      "%s: this is the CA of trust domain \"%s\", not of \"%s\": "
				      "use trust domain \"%s\", or another state directory",
				      path, domain, ca->trust_domain, domain);
	if (!(X509_get_key_usage(cert) & KU_KEY_CERT_SIGN))
		return weft_error_set(err, EBADMSG,
				      "%s: the key usage lacks keyCertSign: it cannot issue", path);
	return 0;
}

static int check_validity(const struct weft_ca *ca, struct weft_error *err)
{
	int64_t end = weft_crypto_time(X509_get0_notAfter(ca->cert));
	char text[WEFT_CRYPTO_TIME_MAX];

	if (time(NULL) < end)
		return 0;
	if (ca->next)
		return weft_error_set(err, EKEYEXPIRED,
				      "%s: the root certificate expired on %s: let the next one sign "
				      "(weftctl ca rotate activate)",
				      ca->cert_path, weft_crypto_time_format(end, text));
	return weft_error_set(err, EKEYEXPIRED,
			      "%s: the root certificate expired on %s: remove this file, the next "
			      "start makes a new one with the same key",
			      ca->cert_path, weft_crypto_time_format(end, text));
}

static int read_root(struct weft_ca *ca, const char *path, X509 **ret, struct weft_error *err)
{
	_cleanup_x509s_ STACK_OF(X509) *certs = NULL;
	int r;

	r = weft_pem_read_certs(path, &certs, err);
	if (r)
		return r;
	if (sk_X509_num(certs) != 1)
		return weft_error_set(err, EBADMSG, "%s: %d certificates, the CA has one", path,
				      sk_X509_num(certs));
	r = check_identity(ca, sk_X509_value(certs, 0), path, err);
	if (!r)
		*ret = sk_X509_shift(certs);
	return r;
}

/* A root that a rotation has beside ca.crt, which may be missing. One that is the same
 * is left over from a step that did not come to its end. */
static int read_other(struct weft_ca *ca, const char *name, X509 **cert, struct weft_error *err)
{
	_cleanup_free_ char *path = weft_ca_path(ca->dir, name);
	struct weft_error problem = { 0 };
	int r;

	if (!path)
		return weft_error_nomem(err);
	r = read_root(ca, path, cert, &problem);
	if (r == -ENOENT)
		return 0;
	if (r && err)
		*err = problem;
	if (!r && !X509_cmp(*cert, ca->cert)) {
		X509_free(*cert);
		*cert = NULL;
	}
	return r;
}

/* The key of the next root has taken its place, but not yet the certificate: a step
 * that was interrupted (ca_rotate.c). */
static int complete_step(struct weft_ca *ca, struct weft_error *err)
{
	_cleanup_free_ char *path = weft_ca_path(ca->dir, "next.crt");
	int r;

	if (!path)
		return weft_error_nomem(err);
	/* Who was interrupted may not have come to that: the key is on disk first. */
	r = weft_dir_sync(ca->dir, err);
	if (r)
		return r;
	if (rename(path, ca->cert_path))
		return weft_error_set(err, errno, "%s: %s", path, strerror(errno));
	r = weft_dir_sync(ca->dir, err);
	if (r)
		return r;
	X509_free(ca->cert);
	ca->cert = weft_steal_ptr(ca->next);
	return 0;
}

static int check_key(struct weft_ca *ca, struct weft_error *err)
{
	if (X509_check_private_key(ca->cert, ca->key) == 1)
		return 0;
	if (ca->next && X509_check_private_key(ca->next, ca->key) == 1) {
		ERR_clear_error();
		return complete_step(ca, err);
	}
	return weft_crypto_error(err, EKEYREJECTED, "%s: not the private key of %s", ca->key_path,
				 ca->cert_path);
}

static int load_certs(struct weft_ca *ca, struct weft_error *err)
{
	int r;

	r = read_root(ca, ca->cert_path, &ca->cert, err);
	if (!r)
		r = read_other(ca, "next.crt", &ca->next, err);
	if (!r)
		r = check_key(ca, err);
	if (!r)
		r = read_other(ca, "old.crt", &ca->old, err);
	/* With a next root there is a way on; whoever signs looks at it again. */
	return r || ca->next ? r : check_validity(ca, err);
}

/* In the middle of a rotation, too, somebody may have removed the one that expired. */
static int make_certs(struct weft_ca *ca, bool has_key, struct weft_error *err)
{
	int r = create_cert(ca, has_key, err);

	if (!r)
		r = read_other(ca, "next.crt", &ca->next, err);
	return r ? r : read_other(ca, "old.crt", &ca->old, err);
}

static int open_or_create(struct weft_ca *ca, struct weft_error *err)
{
	bool has_key = !access(ca->key_path, F_OK);
	bool has_cert = !access(ca->cert_path, F_OK);
	int r;

	if (has_cert && !has_key)
		return weft_error_set(err, EBADMSG,
				      "%s is missing, but %s is there: restore the key, or remove "
				      "the certificate to make a new CA that nobody trusts yet",
				      ca->key_path, ca->cert_path);
	r = has_key ? weft_pem_read_key(ca->key_path, &ca->key, err) : create_key(ca, err);
	if (!r)
		r = has_cert ? load_certs(ca, err) : make_certs(ca, has_key, err);
	return r ? r : read_stamps(ca->dir, ca->stamps, err);
}

int weft_ca_open_or_create(const char *dir, const char *trust_domain, struct weft_ca **ret,
			   struct weft_error *err)
{
	const char *problem = weft_trust_domain_problem(trust_domain);
	_cleanup_(weft_ca_close_ptr) struct weft_ca *ca = NULL;
	_cleanup_close_ int lock = -1;
	int r;

	if (problem)
		return weft_error_set(err, EINVAL, "trust domain \"%s\": %s", trust_domain,
				      problem);
	ca = ca_new(dir, trust_domain);
	if (!ca)
		return weft_error_nomem(err);
	r = weft_dir_create(dir, 0700, err);
	if (r)
		return r;
	lock = weft_ca_lock(dir, WEFT_CA_LOCK_PATIENT, err);
	if (lock < 0)
		return lock;
	r = open_or_create(ca, err);
	if (r)
		return r;
	*ret = weft_steal_ptr(ca);
	return 0;
}

static int refuse_none(const char *dir, struct weft_error *err)
{
	return weft_error_set(err, ENOENT, "%s: there is no CA (no ca.crt)", dir);
}

int weft_ca_load_locked(const char *dir, struct weft_ca **ret, struct weft_error *err)
{
	_cleanup_(weft_ca_close_ptr) struct weft_ca *ca = ca_new(dir, NULL);
	int r;

	if (!ca)
		return weft_error_nomem(err);
	/* What has a certificate is never created. */
	if (access(ca->cert_path, F_OK))
		return refuse_none(dir, err);
	r = open_or_create(ca, err);
	if (r)
		return r;
	*ret = weft_steal_ptr(ca);
	return 0;
}

static int open_within(const char *dir, unsigned int ms, struct weft_ca **ca,
		       struct weft_error *err)
{
	_cleanup_close_ int lock = weft_ca_lock(dir, ms, err);

	if (lock == -ENOENT)
		return refuse_none(dir, err);
	return lock < 0 ? lock : weft_ca_load_locked(dir, ca, err);
}

int weft_ca_open(const char *dir, struct weft_ca **ca, struct weft_error *err)
{
	return open_within(dir, WEFT_CA_LOCK_PATIENT, ca, err);
}

int weft_ca_reopen(const struct weft_ca *ca, struct weft_ca **ret, struct weft_error *err)
{
	_cleanup_(weft_ca_close_ptr) struct weft_ca *fresh = NULL;
	int r;

	r = open_within(ca->dir, WEFT_CA_LOCK_SHORT, &fresh, err);
	if (r)
		return r;
	if (strcmp(fresh->trust_domain, ca->trust_domain))
		return weft_error_set(err, EBADMSG,
				      "%s: this is the CA of trust domain \"%s\", not of \"%s\" any "
				      "more: restore the files, or start anew",
				      ca->cert_path, fresh->trust_domain, ca->trust_domain);
	*ret = weft_steal_ptr(fresh);
	return 0;
}

/* ---- what it is ---- */

X509 *weft_ca_cert(const struct weft_ca *ca)
{
	return ca->cert;
}

enum weft_ca_step weft_ca_step(const struct weft_ca *ca)
{
	if (ca->old)
		return WEFT_CA_ACTIVATED;
	return ca->next ? WEFT_CA_PREPARED : WEFT_CA_STEADY;
}

X509 *weft_ca_other(const struct weft_ca *ca)
{
	return ca->old ? ca->old : ca->next;
}

int weft_ca_roots(const struct weft_ca *ca, STACK_OF(X509) **ret, struct weft_error *err)
{
	X509 *all[] = { ca->cert, ca->next, ca->old };
	_cleanup_x509s_ STACK_OF(X509) *roots = sk_X509_new_null();

	for (size_t i = 0; roots && i < WEFT_ARRAY_SIZE(all); i++) {
		if (!all[i])
			continue;
		if (!sk_X509_push(roots, all[i]))
			return weft_error_nomem(err);
		X509_up_ref(all[i]);
	}
	if (!roots)
		return weft_error_nomem(err);
	*ret = weft_steal_ptr(roots);
	return 0;
}

/* The longer of a tenth of its life and the longest life of what it signs: it is never
 * the root that ends an SVID before its time without a word. */
bool weft_ca_is_ending(const struct weft_ca *ca, int64_t now)
{
	int64_t begin = weft_crypto_time(X509_get0_notBefore(ca->cert));
	int64_t end = weft_crypto_time(X509_get0_notAfter(ca->cert));
	int64_t tenth = (end - begin) / 10;

	return end - now < (tenth > WEFT_CA_LIFETIME_MAX ? tenth : WEFT_CA_LIFETIME_MAX);
}

const char *weft_ca_dir(const struct weft_ca *ca)
{
	return ca->dir;
}

const char *weft_ca_trust_domain(const struct weft_ca *ca)
{
	return ca->trust_domain;
}

const char *weft_ca_cert_path(const struct weft_ca *ca)
{
	return ca->cert_path;
}

int weft_ca_bundle(const struct weft_ca *ca, struct weft_bundle **ret, struct weft_error *err)
{
	_cleanup_(weft_bundle_put_ptr) struct weft_bundle *bundle = weft_bundle_create();
	_cleanup_x509s_ STACK_OF(X509) *roots = NULL;
	int r;

	if (!bundle)
		return weft_error_nomem(err);
	r = weft_ca_roots(ca, &roots, err);
	for (int i = 0; !r && i < sk_X509_num(roots); i++)
		r = weft_bundle_add(bundle, sk_X509_value(roots, i), ca->trust_domain, err);
	if (r)
		return r;
	*ret = weft_steal_ptr(bundle);
	return 0;
}

static int check_request(const struct weft_ca *ca, const char *id, int64_t lifetime,
			 struct weft_error *err)
{
	const char *problem = weft_identity_problem(id);
	const char *domain;
	int len;

	if (problem)
		return weft_error_set(err, EINVAL, "identity \"%s\": %s", id, problem);
	domain = weft_identity_trust_domain(id, &len);
	if (!domain || strlen(ca->trust_domain) != (size_t)len ||
	    memcmp(domain, ca->trust_domain, len))
		return weft_error_set(err, EINVAL,
				      "identity \"%s\": the CA issues for trust domain \"%s\" only",
				      id, ca->trust_domain);
	if (lifetime < WEFT_CA_LIFETIME_MIN || lifetime > WEFT_CA_LIFETIME_MAX)
		return weft_error_set(err, ERANGE,
				      "lifetime of %lld s: allowed are %d to %d seconds",
				      (long long)lifetime, WEFT_CA_LIFETIME_MIN,
				      WEFT_CA_LIFETIME_MAX);
	return check_validity(ca, err);
}

/* Before it is signed it is written down how long it may be valid. */
static int note_end(const struct weft_ca *ca, int64_t now, int64_t not_after,
		    struct weft_error *err)
{
	int64_t until = 0, more = (not_after - now) / ISSUED_PART;
	int r;

	r = weft_ca_issued_get(ca->dir, ca->cert, &until, err);
	if (!r && not_after <= until)
		return 0;
	if (r == -ENOENT) /* what a former version has signed */
		r = weft_ca_issued_bound(ca->dir, ca->cert, now, &until, err);
	if (r)
		return r;
	not_after += more < WEFT_CA_ISSUED_MORE ? more : WEFT_CA_ISSUED_MORE;
	r = weft_ca_issued_set(ca->dir, ca->cert, not_after > until ? not_after : until, err);
	if (r == -EROFS)
		return weft_error_prefix(err, r,
					 "%.200s must be writable (ReadWritePaths= of the unit)",
					 ca->dir);
	return r;
}

static int sign(const struct weft_ca *ca, const char *spiffe_id, EVP_PKEY *public_key,
		int64_t lifetime, X509 **cert, struct weft_error *err)
{
	int64_t now = time(NULL), end = weft_crypto_time(X509_get0_notAfter(ca->cert));
	struct weft_cert_spec spec = {
		.uri = spiffe_id,
		.key = public_key,
		.not_before = now - WEFT_CA_BACKDATE,
		.not_after = now + lifetime < end ? now + lifetime : end,
		.issuer = ca->cert,
		.issuer_key = ca->key,
	};
	int r;

	if (weft_ca_changed(ca))
		return weft_error_set(err, ESTALE, "%s: the files of the CA have changed: they are "
				      "to be opened anew", ca->dir);
	r = note_end(ca, now, spec.not_after, err);
	return r ? r : weft_cert_make(&spec, cert, err);
}

/* With the lock: where a rotation has come to the next root, nothing is signed by the
 * old one any more, not even by who has not heard of it yet. */
int weft_ca_sign_locked(const struct weft_ca *ca, const char *spiffe_id, EVP_PKEY *public_key,
			int64_t lifetime, X509 **cert, struct weft_error *err)
{
	int r;

	if (!lifetime)
		lifetime = WEFT_CA_LIFETIME_DEFAULT;
	r = check_request(ca, spiffe_id, lifetime, err);
	return r ? r : sign(ca, spiffe_id, public_key, lifetime, cert, err);
}

int weft_ca_sign(const struct weft_ca *ca, const char *spiffe_id, EVP_PKEY *public_key,
		 int64_t lifetime, X509 **cert, struct weft_error *err)
{
	_cleanup_close_ int lock = weft_dir_lock_within(ca->dir, WEFT_CA_LOCK_SHORT, err);

	if (lock < 0)
		return lock;
	return weft_ca_sign_locked(ca, spiffe_id, public_key, lifetime, cert, err);
}

int weft_ca_issue(const struct weft_ca *ca, const char *spiffe_id, int64_t lifetime,
		  struct weft_svid **svid, struct weft_error *err)
{
	_cleanup_pkey_ EVP_PKEY *key = NULL;
	X509 *cert;
	int r;

	r = weft_cert_key(&key, err);
	if (r)
		return r;
	r = weft_ca_sign(ca, spiffe_id, key, lifetime, &cert, err);
	if (r)
		return r;
	return weft_svid_create(cert, NULL, weft_steal_ptr(key), svid, err);
}
