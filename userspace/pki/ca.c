// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The built-in certificate authority: its directory, and issuing.
 *
 * The key file is written before the certificate, so that a crash in between
 * leaves what the next start completes. Opened by the daemon's main thread;
 * issuing only reads.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "base/file.h"
#include "base/name.h"
#include "pki/ca.h"
#include "pki/cert.h"
#include "pki/crypto.h"
#include "pki/pem.h"
#include "pki/spiffe.h"

#define YEAR_SECONDS (365 * 86400LL)

struct weft_ca {
	char *trust_domain;
	char *key_path;
	char *cert_path;
	EVP_PKEY *key;
	X509 *cert;
};

void weft_ca_close(struct weft_ca *ca)
{
	if (!ca)
		return;
	free(ca->trust_domain);
	free(ca->key_path);
	free(ca->cert_path);
	EVP_PKEY_free(ca->key);
	X509_free(ca->cert);
	free(ca);
}

void weft_ca_close_ptr(struct weft_ca **ca)
{
	weft_ca_close(*ca);
}

/* @trust_domain NULL: the one it turns out to be of. */
static struct weft_ca *ca_new(const char *dir, const char *trust_domain)
{
	_cleanup_(weft_ca_close_ptr) struct weft_ca *ca = calloc(1, sizeof(*ca));

	if (!ca)
		return NULL;
	if (asprintf(&ca->key_path, "%s/ca.key", dir) < 0)
		ca->key_path = NULL;
	if (asprintf(&ca->cert_path, "%s/ca.crt", dir) < 0)
		ca->cert_path = NULL;
	if (trust_domain)
		ca->trust_domain = strdup(trust_domain);
	if (!ca->key_path || !ca->cert_path || !ca->trust_domain != !trust_domain)
		return NULL;
	return weft_steal_ptr(ca);
}

/* Return: the directory, locked until it is closed; or negative errno. */
static int lock_dir(const char *dir, struct weft_error *err)
{
	_cleanup_close_ int fd = weft_dir_lock(dir, err);
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

static int create_cert(struct weft_ca *ca, struct weft_error *err)
{
	int64_t now = time(NULL);
	struct weft_cert_spec spec = {
		.key = ca->key,
		.not_before = now - WEFT_CA_BACKDATE,
		.not_after = now + WEFT_CA_YEARS * YEAR_SECONDS,
	};
	_cleanup_free_ char *uri = NULL;
	int r;

	if (asprintf(&uri, "spiffe://%s", ca->trust_domain) < 0) {
		uri = NULL;
		return weft_error_nomem(err);
	}
	spec.uri = uri;
	r = weft_cert_make(&spec, &ca->cert, err);
	return r ? r : weft_pem_write_certs(ca->cert_path, ca->cert, NULL, err);
}

static int create_key(struct weft_ca *ca, struct weft_error *err)
{
	int r = weft_cert_key(&ca->key, err);

	return r ? r : weft_pem_write_key(ca->key_path, ca->key, err);
}

/* Is what was read the root of our trust domain, or of any while we have none? */
static int check_identity(struct weft_ca *ca, struct weft_error *err)
{
	_cleanup_free_ char *domain = NULL;
	int r;

	r = weft_pki_trust_domain(ca->cert, &domain, err);
	if (r)
		return weft_error_prefix(err, EBADMSG, "%s: not a certificate of weft's CA",
					 ca->cert_path);
	if (!ca->trust_domain)
		ca->trust_domain = weft_steal_ptr(domain);
	else if (strcmp(domain, ca->trust_domain))
		return weft_error_set(err, EBADMSG,
				      "%s: this is the CA of trust domain \"%s\", not of \"%s\": "
				      "use trust domain \"%s\", or another state directory",
				      ca->cert_path, domain, ca->trust_domain, domain);
	if (!(X509_get_key_usage(ca->cert) & KU_KEY_CERT_SIGN))
		return weft_error_set(err, EBADMSG,
				      "%s: the key usage lacks keyCertSign: it cannot issue",
				      ca->cert_path);
	return 0;
}

static int check_validity(const struct weft_ca *ca, struct weft_error *err)
{
	int64_t end = weft_crypto_time(X509_get0_notAfter(ca->cert));
	char text[WEFT_CRYPTO_TIME_MAX];

	if (time(NULL) < end)
		return 0;
	return weft_error_set(err, EKEYEXPIRED,
			      "%s: the root certificate expired on %s: remove this file, the next "
			      "start makes a new one with the same key",
			      ca->cert_path, weft_crypto_time_format(end, text));
}

static int load_cert(struct weft_ca *ca, struct weft_error *err)
{
	_cleanup_x509s_ STACK_OF(X509) *certs = NULL;
	int r;

	r = weft_pem_read_certs(ca->cert_path, &certs, err);
	if (r)
		return r;
	if (sk_X509_num(certs) != 1)
		return weft_error_set(err, EBADMSG, "%s: %d certificates, the CA has one",
				      ca->cert_path, sk_X509_num(certs));
	ca->cert = sk_X509_shift(certs);
	r = check_identity(ca, err);
	if (r)
		return r;
	if (X509_check_private_key(ca->cert, ca->key) != 1)
		return weft_crypto_error(err, EKEYREJECTED, "%s: not the private key of %s",
					 ca->key_path, ca->cert_path);
	return check_validity(ca, err);
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
	if (r)
		return r;
	return has_cert ? load_cert(ca, err) : create_cert(ca, err);
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
	lock = lock_dir(dir, err);
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

int weft_ca_open(const char *dir, struct weft_ca **ret, struct weft_error *err)
{
	_cleanup_(weft_ca_close_ptr) struct weft_ca *ca = ca_new(dir, NULL);
	_cleanup_close_ int lock = -1;
	int r;

	if (!ca)
		return weft_error_nomem(err);
	lock = lock_dir(dir, err);
	if (lock == -ENOENT)
		return refuse_none(dir, err);
	if (lock < 0)
		return lock;
	/* What has a certificate is never created. */
	if (access(ca->cert_path, F_OK))
		return refuse_none(dir, err);
	r = open_or_create(ca, err);
	if (r)
		return r;
	*ret = weft_steal_ptr(ca);
	return 0;
}

X509 *weft_ca_cert(const struct weft_ca *ca)
{
	return ca->cert;
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
	int r;

	if (!bundle)
		return weft_error_nomem(err);
	r = weft_bundle_add(bundle, ca->cert, ca->trust_domain, err);
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

int weft_ca_sign(const struct weft_ca *ca, const char *spiffe_id, EVP_PKEY *public_key,
		 int64_t lifetime, X509 **cert, struct weft_error *err)
{
	int64_t now = time(NULL), end = weft_crypto_time(X509_get0_notAfter(ca->cert));
	struct weft_cert_spec spec = {
		.uri = spiffe_id,
		.key = public_key,
		.not_before = now - WEFT_CA_BACKDATE,
		.issuer = ca->cert,
		.issuer_key = ca->key,
	};
	int r;

	if (!lifetime)
		lifetime = WEFT_CA_LIFETIME_DEFAULT;
	r = check_request(ca, spiffe_id, lifetime, err);
	if (r)
		return r;
	spec.not_after = now + lifetime < end ? now + lifetime : end;
	return weft_cert_make(&spec, cert, err);
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
