// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The built-in authority as a source of SVIDs, see source.h. Owns the authority.
 *
 * Its root may be rotated meanwhile (ca_rotate.h): what is in its directory is looked at
 * each time. Which roots are trusted here is said in the directory only once they are:
 * those that were handed out are in use by the next time we are asked.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include "pki/ca_rotate.h"
#include "pki/ca_user.h"
#include "pki/crypto.h"
#include "pki/source.h"

struct source_ca {
	struct weft_source source;
	struct weft_ca *ca;
	struct weft_ca_user *user; /* NULL: not yet */
	STACK_OF(X509) *handed;	   /* with the latest bundle; NULL: they have been told */
	bool changed;		   /* since the last refresh() */
	bool busy;		   /* the directory is locked: not again before the next one */
};

/* Its owner has other work: one wait between two refreshes, not one for each identity. */
static int note_busy(struct source_ca *source, int r)
{
	if (r == -EBUSY)
		source->busy = true;
	return r;
}

static int refuse_busy(const struct source_ca *source, struct weft_error *err)
{
	return weft_error_set(err, EBUSY,
			      "%s: locked by another process: if it is not at work, end it "
			      "(lslocks(8) shows which one it is)",
			      weft_ca_dir(source->ca));
}

/* Take over what is in the directory, if it is something else. */
static int look(struct source_ca *source, struct weft_error *err)
{
	struct weft_ca *fresh;
	int r;

	if (source->busy)
		return refuse_busy(source, err);
	if (!weft_ca_changed(source->ca))
		return 0;
	r = note_busy(source, weft_ca_reopen(source->ca, &fresh, err));
	if (r)
		return r;
	weft_ca_close(source->ca);
	source->ca = fresh;
	source->changed = true;
	return 0;
}

/* Of what cannot be read, the former stays in use. */
static int ca_bundle(struct weft_source *base, struct weft_bundle **bundle, struct weft_error *err)
{
	struct source_ca *source = (struct source_ca *)base;
	STACK_OF(X509) *roots;
	int r;

	look(source, NULL);
	r = weft_ca_roots(source->ca, &roots, err);
	if (r)
		return r;
	r = weft_ca_bundle(source->ca, bundle, err);
	if (r) {
		sk_X509_pop_free(roots, X509_free);
		return r;
	}
	sk_X509_pop_free(source->handed, X509_free);
	source->handed = roots;
	return 0;
}

static int ca_svid(struct weft_source *base, const char *identity, int64_t lifetime,
		   struct weft_svid **svid, struct weft_error *err)
{
	struct source_ca *source = (struct source_ca *)base;
	int r = look(source, err);

	return r ? r : note_busy(source, weft_ca_issue(source->ca, identity, lifetime, svid, err));
}

static int tell(struct source_ca *source, struct weft_error *err)
{
	int r = 0;

	if (!source->user)
		r = weft_ca_user_open(weft_ca_dir(source->ca), &source->user, err);
	if (r || !source->handed)
		return r;
	r = weft_ca_user_tell(source->user, source->handed, err);
	if (r)
		return r;
	sk_X509_pop_free(source->handed, X509_free);
	source->handed = NULL;
	return 0;
}

static void warn(const struct source_ca *source, struct weft_error *problem)
{
	char text[WEFT_CRYPTO_TIME_MAX];

	if (!weft_ca_is_ending(source->ca, time(NULL)))
		return;
	weft_error_set(problem, EKEYEXPIRED,
		       "%s: the root certificate expires on %s: make the next one in time "
		       "(weftctl ca rotate prepare)",
		       weft_ca_cert_path(source->ca),
		       weft_crypto_time_format(
			       weft_crypto_time(X509_get0_notAfter(weft_ca_cert(source->ca))),
			       text));
}

static int ca_refresh(struct weft_source *base, struct weft_error *problem)
{
	struct source_ca *source = (struct source_ca *)base;
	bool told, changed;

	source->busy = false;
	told = !note_busy(source, tell(source, problem));
	if (!look(source, told ? problem : NULL) && told)
		warn(source, problem);
	changed = source->changed;
	source->changed = false;
	return changed;
}

static void ca_destroy(struct weft_source *base)
{
	struct source_ca *source = (struct source_ca *)base;

	weft_ca_close(source->ca);
	weft_ca_user_close(source->user);
	sk_X509_pop_free(source->handed, X509_free);
	free(source);
}

static const struct weft_source_ops ca_ops = {
	.bundle = ca_bundle,
	.svid = ca_svid,
	.refresh = ca_refresh,
	.destroy = ca_destroy,
};

int weft_source_ca_create(struct weft_ca *ca, struct weft_source **ret, struct weft_error *err)
{
	struct source_ca *source = calloc(1, sizeof(*source));

	if (!source) {
		weft_ca_close(ca);
		return weft_error_nomem(err);
	}
	source->source.ops = &ca_ops;
	source->source.fd = -1;
	source->source.tells_root_end = true;
	source->ca = ca;
	*ret = &source->source;
	return 0;
}
