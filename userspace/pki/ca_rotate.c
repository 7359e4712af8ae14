// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Another root for the built-in authority. See ca_rotate.h.
 */
#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "base/file.h"
#include "pki/ca_files.h"
#include "pki/ca_rotate.h"
#include "pki/ca_user.h"
#include "pki/cert.h"
#include "pki/crypto.h"
#include "pki/pem.h"

/* The authority with the lock of its directory. */
struct held {
	int lock;
	struct weft_ca *ca;
	char *next_key, *next_cert, *old_key, *old_cert; /* paths */
};

static void held_uninit(struct held *held)
{
	weft_ca_close(held->ca);
	free(held->next_key);
	free(held->next_cert);
	free(held->old_key);
	free(held->old_cert);
	if (held->lock >= 0)
		close(held->lock);
}

/* @held needs held_uninit() in any case. */
static int held_init(struct held *held, const char *dir, struct weft_error *err)
{
	*held = (struct held){
		.lock = -1,
		.next_key = weft_ca_path(dir, "next.key"),
		.next_cert = weft_ca_path(dir, "next.crt"),
		.old_key = weft_ca_path(dir, "old.key"),
		.old_cert = weft_ca_path(dir, "old.crt"),
	};
	if (!held->next_key || !held->next_cert || !held->old_key || !held->old_cert)
		return weft_error_nomem(err);
	held->lock = weft_ca_lock(dir, WEFT_CA_LOCK_PATIENT, err);
	return held->lock < 0 ? held->lock : weft_ca_load_locked(dir, &held->ca, err);
}

#define _cleanup_held_ _cleanup_(held_uninit)

/* Return: 1 it was there, 0 it was not, negative errno. */
static int remove_file(const struct held *held, const char *path, struct weft_error *err)
{
	int r;

	if (unlink(path))
		return errno == ENOENT ? 0 :
					 weft_error_set(err, errno, "%s: %s", path, strerror(errno));
	r = weft_dir_sync(held->ca->dir, err);
	return r ? r : 1;
}

/* The certificate first: without it the key means nothing. Return: as remove_file(). */
static int remove_pair(const struct held *held, const char *cert, const char *key,
		       struct weft_error *err)
{
	int with_cert, with_key;

	with_cert = remove_file(held, cert, err);
	if (with_cert < 0)
		return with_cert;
	with_key = remove_file(held, key, err);
	return with_key < 0 ? with_key : with_cert || with_key;
}

static int move_file(const struct held *held, const char *from, const char *to,
		     struct weft_error *err)
{
	if (rename(from, to))
		return weft_error_set(err, errno, "%s: %s", from, strerror(errno));
	return weft_dir_sync(held->ca->dir, err);
}

/* ---- prepare ---- */

static int read_next_key(const struct held *held, struct weft_error *err)
{
	_cleanup_pkey_ EVP_PKEY *key = NULL;
	int r = weft_pem_read_key(held->next_key, &key, err);

	if (r == -ENOENT)
		return weft_error_set(err, EBADMSG,
				      "%s is missing, but %s is there: restore the key, or take the "
				      "root back (weftctl ca rotate abort) and make another one",
				      held->next_key, held->next_cert);
	if (r)
		return r;
	if (X509_check_private_key(held->ca->next, key) == 1)
		return 0;
	ERR_clear_error();
	return weft_error_set(err, EBADMSG,
			      "%s: not the private key of %s: restore the key, or take the root "
			      "back (weftctl ca rotate abort) and make another one",
			      held->next_key, held->next_cert);
}

/* The certificate comes last: with it the root is there. A key that is there without is
 * left over from a step that was interrupted, and nobody has heard of it. */
static int make_next(const struct held *held, struct weft_error *err)
{
	_cleanup_pkey_ EVP_PKEY *key = NULL;
	_cleanup_x509_ X509 *cert = NULL;
	int r;

	r = weft_cert_key(&key, err);
	if (!r)
		r = weft_ca_make_root(held->ca->trust_domain, key, &cert, err);
	if (!r)
		r = weft_pem_write_key(held->next_key, key, err);
	if (!r)
		r = weft_ca_issued_set(held->ca->dir, cert, 0, err);
	return r ? r : weft_pem_write_certs(held->next_cert, cert, NULL, err);
}

int weft_ca_prepare(const char *dir, struct weft_error *err)
{
	_cleanup_held_ struct held held;
	int r = held_init(&held, dir, err);

	if (r)
		return r;
	switch (weft_ca_step(held.ca)) {
	case WEFT_CA_STEADY:
		return make_next(&held, err);
	case WEFT_CA_PREPARED:
		return read_next_key(&held, err);
	case WEFT_CA_ACTIVATED:
		break;
	}
	return weft_error_set(err, EBUSY,
			      "%s: the old root of the former rotation is trusted still: finish "
			      "that one first (weftctl ca rotate finish)",
			      dir);
}

/* ---- activate ---- */

/* The clock may have been set back since it was made: what it signs would be refused by
 * all. */
static int check_next_validity(const struct held *held, int64_t now, struct weft_error *err)
{
	char from[WEFT_CRYPTO_TIME_MAX], to[WEFT_CRYPTO_TIME_MAX];
	int64_t begin = weft_crypto_time(X509_get0_notBefore(held->ca->next));
	int64_t end = weft_crypto_time(X509_get0_notAfter(held->ca->next));

	if (now >= begin && now < end)
		return 0;
	return weft_error_set(err, EKEYREJECTED,
			      "%.200s: not valid now, but from %s until %s: set the clock, or take "
			      "it back (weftctl ca rotate abort) and make another one",
			      held->next_cert, weft_crypto_time_format(begin, from),
			      weft_crypto_time_format(end, to));
}

/* What is known of a root's end is written down before it ceases to sign. Where it got
 * lost after that, it is reckoned from the first time that it is needed. */
static int settle_end(const struct held *held, X509 *root, int64_t now, struct weft_error *err)
{
	int64_t until;
	int r = weft_ca_issued_get(held->ca->dir, root, &until, err);

	if (r != -ENOENT)
		return r;
	r = weft_ca_issued_bound(held->ca->dir, root, now, &until, err);
	return r ? r : weft_ca_issued_set(held->ca->dir, root, until, err);
}

/* Copies first: a root that is the same as the one that signs does not count. The step
 * is the key of the next root in its place; weft_ca_load_locked() does the rest when we
 * do not come to it. */
static int change_over(const struct held *held, struct weft_error *err)
{
	const struct weft_ca *ca = held->ca;
	int r;

	r = settle_end(held, ca->cert, time(NULL), err);
	if (!r)
		r = weft_pem_write_key(held->old_key, ca->key, err);
	if (!r)
		r = weft_pem_write_certs(held->old_cert, ca->cert, NULL, err);
	if (!r)
		r = move_file(held, held->next_key, ca->key_path, err);
	return r ? r : move_file(held, held->next_cert, ca->cert_path, err);
}

/* A daemon that has the authority open, and goes on with the old root alone? */
static int check_users(const struct held *held, struct weft_error *err)
{
	_cleanup_(weft_strv_uninit) struct weft_strv users = { 0 };
	_cleanup_free_ char *names = NULL;
	int r = weft_ca_users_without_locked(held->ca->dir, held->ca->next, &users, err);

	if (r || !users.count)
		return r;
	names = weft_strv_join(&users, ", ");
	if (!names)
		return weft_error_nomem(err);
	return weft_error_set(err, EBUSY,
			      "on this host the next root is not trusted yet by %.200s: that takes "
			      "some seconds: try again, or see its log",
			      names);
}

int weft_ca_activate(const char *dir, const struct weft_ca_proof *proof, struct weft_error *err)
{
	_cleanup_held_ struct held held;
	int r = held_init(&held, dir, err);

	if (r)
		return r;
	switch (weft_ca_step(held.ca)) {
	case WEFT_CA_STEADY:
		return weft_error_set(err, ENOENT,
				      "%s: there is no next root: make one first (weftctl ca rotate "
				      "prepare)", dir);
	case WEFT_CA_PREPARED:
		break;
	case WEFT_CA_ACTIVATED:
		return 0;
	}
	r = read_next_key(&held, err);
	if (!r)
		r = check_next_validity(&held, time(NULL), err);
	if (!r)
		r = check_users(&held, err);
	if (!r)
		r = proof->prove(held.ca, proof->data, err);
	return r ? r : change_over(&held, err);
}

/* ---- finish and abort ---- */

int weft_ca_until(const struct weft_ca *ca, int64_t now, int64_t *until, struct weft_error *err)
{
	return weft_ca_issued_bound(ca->dir, ca->old, now, until, err);
}

/* Where no certificate lives as long, the clock has been wrong: nobody has to wait for
 * years then. What nobody knows counts as valid for as long as one can live from now on. */
static int refuse_early(const struct held *held, int64_t now, int64_t until,
			struct weft_error *err)
{
	const char *dir = held->ca->dir;
	char text[WEFT_CRYPTO_TIME_MAX];

	weft_crypto_time_format(until, text);
	if (until - now <= WEFT_CA_LIFETIME_MAX + WEFT_CA_ISSUED_MORE)
		return weft_error_set(err, EBUSY,
				      "%s: certificates of the old root may be valid until %s: it can "
				      "go after that",
				      dir, text);
	return weft_error_set(err, EBUSY,
			      "%.120s: certificates of the old root may be valid until %s, longer "
			      "than any lives: the clock was ahead when they were signed: see that "
			      "it is right, and remove %.120s/issued: the old root can go %d days "
			      "after the next try then, and what was signed ahead of time with it",
			      dir, text, dir, WEFT_CA_LIFETIME_MAX / 86400);
}

static int drop_old(const struct held *held, int64_t now, struct weft_error *err)
{
	int64_t until;
	int r = settle_end(held, held->ca->old, now, err);

	if (!r)
		r = weft_ca_until(held->ca, now, &until, err);
	if (r)
		return r;
	if (now <= until)
		return refuse_early(held, now, until, err);
	r = remove_pair(held, held->old_cert, held->old_key, err);
	return r < 0 ? r : 0;
}

/* The next root, and what a step left that did not come to its end: what is called old
 * then is a copy of the root that signs. */
static int sweep(const struct held *held, struct weft_error *err)
{
	int next, old;

	next = remove_pair(held, held->next_cert, held->next_key, err);
	if (next < 0)
		return next;
	old = remove_pair(held, held->old_cert, held->old_key, err);
	if (old < 0)
		return old;
	if (next || old)
		return 0;
	return weft_error_set(err, ENOENT, "%s: no rotation is under way", held->ca->dir);
}

int weft_ca_finish(const char *dir, int64_t now, struct weft_error *err)
{
	_cleanup_held_ struct held held;
	int r = held_init(&held, dir, err);

	if (r)
		return r;
	switch (weft_ca_step(held.ca)) {
	case WEFT_CA_STEADY:
		return sweep(&held, err);
	case WEFT_CA_PREPARED:
		return weft_error_set(err, EBUSY,
				      "%s: the old root is the one that signs: the next one has to "
				      "take over first (weftctl ca rotate activate)", dir);
	case WEFT_CA_ACTIVATED:
		break;
	}
	return drop_old(&held, now, err);
}

int weft_ca_abort(const char *dir, struct weft_error *err)
{
	_cleanup_held_ struct held held;
	int r = held_init(&held, dir, err);

	if (r)
		return r;
	if (weft_ca_step(held.ca) != WEFT_CA_ACTIVATED)
		return sweep(&held, err);
	return weft_error_set(err, EBUSY,
			      "%s: the next root signs already: it cannot be taken back; finish the "
			      "rotation (weftctl ca rotate finish), then make another one",
			      dir);
}

/* ---- what others want to know ---- */

int64_t weft_ca_since(const struct weft_ca *ca)
{
	switch (weft_ca_step(ca)) {
	case WEFT_CA_STEADY:
		break;
	case WEFT_CA_PREPARED:
		return weft_crypto_time(X509_get0_notBefore(ca->next)) + WEFT_CA_BACKDATE;
	case WEFT_CA_ACTIVATED:
		return ca->stamps[WEFT_CA_STAMPS - 1].changed.tv_sec; /* old.crt */
	}
	return 0;
}

/* Nothing is written down: it ends with what is. */
static int issue_by_old(const struct weft_ca *ca, const char *spiffe_id, int64_t not_after,
			struct weft_svid **svid, struct weft_error *err)
{
	_cleanup_free_ char *path = weft_ca_path(ca->dir, "old.key");
	_cleanup_pkey_ EVP_PKEY *key = NULL, *old_key = NULL;
	struct weft_cert_spec spec = {
		.uri = spiffe_id,
		.not_before = time(NULL) - WEFT_CA_BACKDATE,
		.not_after = not_after,
		.issuer = ca->old,
	};
	X509 *cert;
	int r;

	if (!path)
		return weft_error_nomem(err);
	r = weft_pem_read_key(path, &old_key, err);
	if (!r)
		r = weft_cert_key(&key, err);
	if (r)
		return r;
	spec.key = key;
	spec.issuer_key = old_key;
	r = weft_cert_make(&spec, &cert, err);
	return r ? r : weft_svid_create(cert, NULL, weft_steal_ptr(key), svid, err);
}

int weft_ca_issue_known(const struct weft_ca *ca, const char *spiffe_id, int64_t lifetime,
			struct weft_svid **svid, X509 **root, struct weft_error *err)
{
	int64_t now = time(NULL), until = 0;
	struct weft_error problem = { 0 };
	int r = 0;

	if (ca->old)
		r = weft_ca_until(ca, now, &until, err);
	if (r)
		return r;
	if (until - now >= WEFT_CA_LIFETIME_MIN) {
		r = issue_by_old(ca, spiffe_id, now + lifetime < until ? now + lifetime : until,
				 svid, &problem);
		if (!r)
			*root = ca->old;
		else if (r != -ENOENT && err)
			*err = problem;
		if (r != -ENOENT)
			return r;
		/* Somebody has removed its key: those who know the new root need us. */
	}
	r = weft_ca_issue(ca, spiffe_id, lifetime, svid, err);
	if (!r)
		*root = ca->cert;
	return r;
}
