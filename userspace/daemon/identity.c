// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SVIDs of this host's workloads, see identity.h. Owns the entries and the source.
 * Main thread.
 */
#include "daemon/identity.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/cleanup.h"
#include "daemon/log.h"
#include "pki/crypto.h"

struct identity {
	char *name;
	struct weft_tls_ctx *ctx[2]; /* by role; both NULL: no certificate */
	int64_t issued; /* time() */
	int64_t due;
	bool reported;
	char problem[WEFT_ERROR_MAX]; /* why there is no newer certificate; "": nothing is known */
};

struct weft_identities {
	struct weft_source *source;
	struct weft_error problem; /* of the source, as it was logged */
	struct weft_error present; /* as it is */
	struct weft_bundle *bundle;
	struct weft_resume *resume; /* or NULL */
	char roots_told[WEFT_ERROR_MAX]; /* what is logged of the root */
	bool bundle_due; /* there is another one, and it could not be had */
	uint32_t lifetime;
	struct identity *items; /* in strcmp() order */
	size_t n;
};

/* Is there anything new in the source? */
static bool refresh(struct weft_identities *identities)
{
	struct weft_error problem = { 0 };
	bool changed = weft_source_refresh(identities->source, &problem);

	identities->present = problem;
	if (*problem.text && strcmp(problem.text, identities->problem.text))
		weft_log_error("certificates: %s", problem.text);
	if (*problem.text || changed)
		identities->problem = problem;
	return changed;
}

int weft_identities_create(struct weft_identities **ret, struct weft_source *source,
			   uint32_t lifetime, bool resume, struct weft_error *err)
{
	struct weft_identities *identities = calloc(1, sizeof(*identities));
	int r;

	if (!identities) {
		weft_source_destroy(source);
		return weft_error_nomem(err);
	}
	identities->source = source;
	identities->lifetime = lifetime;
	if (resume)
		identities->resume = weft_resume_create();
	refresh(identities);
	r = resume && !identities->resume ? weft_error_nomem(err) :
					    weft_source_bundle(source, &identities->bundle, err);
	if (r) {
		weft_identities_destroy(identities);
		return r;
	}
	*ret = identities;
	return 0;
}

static void identity_uninit(struct identity *id)
{
	weft_tls_ctx_put(id->ctx[WEFT_ROLE_CLIENT]);
	weft_tls_ctx_put(id->ctx[WEFT_ROLE_SERVER]);
	free(id->name);
}

static void items_free(struct identity *items, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		identity_uninit(&items[i]);
	free(items);
}

void weft_identities_destroy(struct weft_identities *identities)
{
	if (!identities)
		return;
	items_free(identities->items, identities->n);
	weft_bundle_put(identities->bundle);
	weft_resume_put(identities->resume);
	weft_source_destroy(identities->source);
	free(identities);
}

/* Between 45 and 55 % of the life, so that what was issued together is not
 * renewed together, on all hosts at the same time. */
static int64_t renewal(const struct weft_svid *svid, int64_t now)
{
	int64_t left = svid->valid_until - now, tenth = left / 10;

	if (left <= 0)
		return now + WEFT_IDENTITY_RETRY;
	return now + left / 2 - tenth / 2 + (tenth > 0 ? arc4random_uniform(tenth) : 0);
}

static bool in_use(const struct weft_identities *identities, const struct identity *id,
		   const struct weft_svid *svid)
{
	const struct weft_tls_ctx *ctx = id->ctx[WEFT_ROLE_CLIENT];

	return ctx && weft_tls_ctx_bundle(ctx) == identities->bundle &&
	       !X509_cmp(weft_tls_ctx_svid(ctx)->cert, svid->cert);
}

static int use(const struct weft_identities *identities, struct identity *id,
	       struct weft_svid *svid, struct weft_error *err)
{
	_cleanup_(weft_tls_ctx_put_ptr) struct weft_tls_ctx *client = NULL;
	_cleanup_(weft_tls_ctx_put_ptr) struct weft_tls_ctx *server = NULL;
	int ret;

	ret = weft_tls_ctx_create(WEFT_ROLE_CLIENT, svid, identities->bundle, &client, err);
	if (ret)
		return ret;
	ret = weft_tls_ctx_create(WEFT_ROLE_SERVER, svid, identities->bundle, &server, err);
	if (ret)
		return ret;
	if (identities->resume) {
		weft_tls_ctx_set_resume(client, identities->resume);
		weft_tls_ctx_set_resume(server, identities->resume);
	}

	weft_tls_ctx_put(id->ctx[WEFT_ROLE_CLIENT]);
	weft_tls_ctx_put(id->ctx[WEFT_ROLE_SERVER]);
	id->ctx[WEFT_ROLE_CLIENT] = weft_steal_ptr(client);
	id->ctx[WEFT_ROLE_SERVER] = weft_steal_ptr(server);
	return 0;
}

/* When somebody should know that it ends: a quarter of its life before. Of its own life
 * also where what signed it ends first, or each renewal under an intermediate that is
 * about to end would put the notice off. */
static int64_t notice_from(const struct weft_svid *svid)
{
	return svid->valid_until - (svid->not_after - svid->not_before) / 4;
}

static void log_end(struct identity *id, const struct weft_svid *svid)
{
	const char *what = weft_svid_signer_ends_first(svid) ? "what signed its certificate" :
							       "its certificate";
	char end[WEFT_CRYPTO_TIME_MAX];

	if (!id->reported)
		weft_log_warning("%s: %s ends on %s, and there is no newer one yet", id->name, what,
				 weft_crypto_time_format(svid->valid_until, end));
	id->reported = true;
}

/* The source should have renewed it by now. */
static void kept(struct identity *id, const struct weft_svid *svid, int64_t now)
{
	if (now >= notice_from(svid)) {
		log_end(id, svid);
	} else {
		id->reported = false;
		if (id->due > notice_from(svid))
			id->due = notice_from(svid);
	}
	if (id->due < now + WEFT_IDENTITY_RETRY)
		id->due = now + WEFT_IDENTITY_RETRY;
}

/* Return: 1 it has new contexts; 0 what it has is the best there is; negative errno. */
static int issue(const struct weft_identities *identities, struct identity *id, int64_t now,
		 struct weft_error *err)
{
	_cleanup_(weft_svid_put_ptr) struct weft_svid *svid = NULL;
	int ret;

	ret = weft_source_svid(identities->source, id->name, identities->lifetime, &svid, err);
	if (ret)
		return ret;
	id->due = renewal(svid, now);
	if (in_use(identities, id, svid)) {
		kept(id, svid, now);
		return 0;
	}
	ret = use(identities, id, svid, err);
	if (ret)
		return ret;
	id->reported = false;
	/* A renewal does not help against that. */
	if (weft_svid_signer_ends_first(svid) && now >= notice_from(svid))
		log_end(id, svid);
	return 1;
}

/* The roots have changed and there is no newer SVID: what it has goes on with them. A
 * root that went must not be trusted any longer. Return: are there other contexts? */
static bool retrust(const struct weft_identities *identities, struct identity *id)
{
	const struct weft_tls_ctx *ctx = id->ctx[WEFT_ROLE_CLIENT];
	_cleanup_(weft_svid_put_ptr) struct weft_svid *svid = NULL;
	struct weft_error err = { 0 };

	if (!ctx || weft_tls_ctx_bundle(ctx) == identities->bundle)
		return false;
	svid = weft_svid_get((struct weft_svid *)weft_tls_ctx_svid(ctx)); /* counts only */
	if (!use(identities, id, svid, &err))
		return true;
	weft_log_error("%s: its connections will be refused: %s", id->name, err.text);
	weft_tls_ctx_put(weft_steal_ptr(id->ctx[WEFT_ROLE_CLIENT]));
	weft_tls_ctx_put(weft_steal_ptr(id->ctx[WEFT_ROLE_SERVER]));
	return true;
}

/* Is there anything new? */
static bool renew(const struct weft_identities *identities, struct identity *id, int64_t now)
{
	struct weft_error err = { 0 };
	int ret;

	id->issued = now;
	ret = issue(identities, id, now, &err);
	snprintf(id->problem, sizeof(id->problem), "%s", err.text);
	if (ret >= 0)
		return ret;
	id->due = now + WEFT_IDENTITY_RETRY;
	if (ret == -EAGAIN) /* what holds it up is the source's to tell */
		return retrust(identities, id);
	if (!id->reported)
		weft_log_error("%s: %s: %s", id->name,
			       id->ctx[0] ? "certificate not renewed, the old one stays in use" :
					    "no certificate, its connections will be refused",
			       err.text);
	id->reported = true;
	return retrust(identities, id);
}

static const struct identity *find(const struct weft_identities *identities, const char *name)
{
	size_t low = 0, high = identities->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(name, identities->items[middle].name);

		if (!order)
			return &identities->items[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/* What is kept goes over with its contexts; new ones are named only. */
static int identity_take(struct weft_identities *identities, struct identity *to, const char *name)
{
	const struct identity *old = find(identities, name);

	if (old)
		*to = *old;
	if (to->ctx[0]) {
		weft_tls_ctx_get(to->ctx[WEFT_ROLE_CLIENT]);
		weft_tls_ctx_get(to->ctx[WEFT_ROLE_SERVER]);
	}
	to->name = strdup(name);
	return to->name ? 0 : -ENOMEM;
}

static int items_make(struct weft_identities *identities, const struct weft_strv *sorted,
		      struct identity **ret, size_t *ret_n)
{
	struct identity *items = calloc(sorted->count ? sorted->count : 1, sizeof(*items));
	size_t i, n = 0;

	if (!items)
		return -ENOMEM;
	for (i = 0; i < sorted->count; i++) {
		if (i && !strcmp(sorted->items[i], sorted->items[i - 1]))
			continue;
		if (identity_take(identities, &items[n++], sorted->items[i])) {
			items_free(items, n);
			return -ENOMEM;
		}
	}
	*ret = items;
	*ret_n = n;
	return 0;
}

static bool same(const struct weft_identities *identities, const struct identity *items, size_t n)
{
	size_t i;

	if (n != identities->n)
		return false;
	for (i = 0; i < n; i++)
		if (strcmp(items[i].name, identities->items[i].name))
			return false;
	return true;
}

int weft_identities_set(struct weft_identities *identities, const struct weft_strv *wanted,
			int64_t now)
{
	_cleanup_(weft_strv_uninit) struct weft_strv sorted = { 0 };
	struct identity *items;
	bool changed;
	size_t i, n;

	if (weft_strv_copy(&sorted, wanted))
		return -ENOMEM;
	weft_strv_sort(&sorted);
	if (items_make(identities, &sorted, &items, &n))
		return -ENOMEM;

	changed = !same(identities, items, n);
	items_free(identities->items, identities->n);
	identities->items = items;
	identities->n = n;
	weft_source_want(identities->source, &sorted);
	for (i = 0; i < n; i++)
		if (!items[i].issued)
			changed |= renew(identities, &items[i], now);
	return changed;
}

int weft_identities_rotate(struct weft_identities *identities, int64_t now)
{
	bool changed = false;
	size_t i;

	for (i = 0; i < identities->n; i++) {
		struct identity *id = &identities->items[i];

		/* Validity begins WEFT_CA_BACKDATE before the issue. */
		if (now >= id->due || now < id->issued - WEFT_CA_BACKDATE)
			changed |= renew(identities, id, now);
	}
	return changed;
}

int weft_identities_refresh(struct weft_identities *identities, int64_t now)
{
	struct weft_bundle *bundle;
	bool changed = false;
	size_t i;

	if (refresh(identities))
		identities->bundle_due = true;
	if (!identities->bundle_due)
		return 0;
	if (weft_source_bundle(identities->source, &bundle, NULL))
		return -ENOMEM;
	identities->bundle_due = false;
	weft_bundle_put(identities->bundle);
	identities->bundle = bundle;
	for (i = 0; i < identities->n; i++)
		changed |= renew(identities, &identities->items[i], now);
	return changed;
}

int weft_identities_fd(const struct weft_identities *identities)
{
	return identities->source->fd;
}

size_t weft_identities_count(const struct weft_identities *identities, size_t *without)
{
	size_t i;

	*without = 0;
	for (i = 0; i < identities->n; i++)
		if (!identities->items[i].ctx[0])
			++*without;
	return identities->n;
}

/* ---- what somebody should see to ---- */

/* The root of @bundle that has signed @cert and ends last; or NULL. */
static const X509 *root_above(const struct weft_bundle *bundle, X509 *cert)
{
	const X509 *best = NULL;

	for (size_t i = 0; i < weft_bundle_count(bundle); i++) {
		X509 *root = weft_bundle_root(bundle, i);

		if (cert && X509_check_issued(root, cert) != X509_V_OK)
			continue;
		if (!best || weft_crypto_time(X509_get0_notAfter(root)) >
				     weft_crypto_time(X509_get0_notAfter(best)))
			best = root;
	}
	return best;
}

/* When all certificates of an SVID are valid, up to its root. */
struct span {
	int64_t begin, end;
	const X509 *root; /* NULL: it leads to none */
};

static void narrow(struct span *span, const X509 *cert)
{
	int64_t begin = weft_crypto_time(X509_get0_notBefore(cert));
	int64_t end = weft_crypto_time(X509_get0_notAfter(cert));

	span->begin = begin > span->begin ? begin : span->begin;
	span->end = end < span->end ? end : span->end;
}

static struct span span_of(const struct weft_svid *svid, const struct weft_bundle *bundle)
{
	struct span span = { svid->valid_from, svid->valid_until, NULL };
	int n = sk_X509_num(svid->chain);

	span.root = root_above(bundle, n > 0 ? sk_X509_value(svid->chain, n - 1) : svid->cert);
	if (span.root)
		narrow(&span, span.root);
	return span;
}

/* The root that ends first of those that our certificates lead to; where we have none,
 * the last to end of those that we trust. */
static const X509 *root_in_use(const struct weft_identities *identities)
{
	const X509 *first = NULL;

	for (size_t i = 0; i < identities->n; i++) {
		const struct weft_tls_ctx *ctx = identities->items[i].ctx[0];
		struct span span;

		if (!ctx)
			continue;
		span = span_of(weft_tls_ctx_svid(ctx), identities->bundle);
		if (span.root && (!first || weft_crypto_time(X509_get0_notAfter(span.root)) <
						    weft_crypto_time(X509_get0_notAfter(first))))
			first = span.root;
	}
	return first ? first : root_above(identities->bundle, NULL);
}

/* So long before its end a root is told of, as by weftctl ca; later where others make
 * roots that live for days. */
static int64_t notice_of_end(int64_t life)
{
	int64_t ahead = life / 10 > WEFT_CA_LIFETIME_MAX ? life / 10 : WEFT_CA_LIFETIME_MAX;

	return ahead < life / 4 ? ahead : life / 4;
}

/* A sentence; "": all is well. */
static void root_trouble(const struct weft_identities *identities, int64_t now,
			 char text[WEFT_ERROR_MAX])
{
	const X509 *root = root_in_use(identities);
	char until[WEFT_CRYPTO_TIME_MAX];
	int64_t end;

	*text = '\0';
	if (!root) {
		snprintf(text, WEFT_ERROR_MAX, "there is no root certificate: every peer is refused");
		return;
	}
	end = weft_crypto_time(X509_get0_notAfter(root));
	weft_crypto_time_format(end, until);
	if (now > end)
		snprintf(text, WEFT_ERROR_MAX,
			 "the root certificate in use ended on %s: every peer is refused", until);
	else if (!identities->source->tells_root_end &&
		 now > end - notice_of_end(end - weft_crypto_time(X509_get0_notBefore(root))))
		snprintf(text, WEFT_ERROR_MAX,
			 "the root certificate in use ends on %s, then every peer is refused: make "
			 "the next one where it comes from",
			 until);
}

enum standing { FINE, ENDS_SOON, REFUSED };

static const char *what_ends(const struct weft_svid *svid, int64_t end)
{
	return end < svid->not_after ? "what signed the certificate of" : "the certificate of";
}

/* @text: a sentence, unless all is well. */
static enum standing standing_of(const struct weft_identities *identities,
				 const struct identity *id, int64_t now, char *text, size_t size)
{
	const char *colon = *id->problem ? ": " : "";
	const struct weft_svid *svid;
	char when[WEFT_CRYPTO_TIME_MAX];
	struct span span;

	if (!id->ctx[0]) {
		snprintf(text, size, "%s has no certificate, its connections are refused%s%s",
			 id->name, colon, id->problem);
		return REFUSED;
	}
	svid = weft_tls_ctx_svid(id->ctx[0]);
	span = span_of(svid, identities->bundle);
	if (now < span.begin) {
		snprintf(text, size,
			 "the certificate of %s begins on %s, its connections are refused: is the "
			 "clock right?",
			 id->name, weft_crypto_time_format(span.begin, when));
		return REFUSED;
	}
	if (now > span.end) {
		snprintf(text, size, "%s %s ended on %s, its connections are refused%s%s",
			 what_ends(svid, span.end), id->name,
			 weft_crypto_time_format(span.end, when), colon, id->problem);
		return REFUSED;
	}
	if (now < notice_from(svid))
		return FINE;
	snprintf(text, size, "%s %s ends on %s, and there is no newer one yet%s%s",
		 what_ends(svid, svid->valid_until), id->name,
		 weft_crypto_time_format(svid->valid_until, when), colon, id->problem);
	return ENDS_SOON;
}

/* Those that are refused come first. */
static int add_standings(const struct weft_identities *identities, int64_t now,
			 struct weft_strv *trouble)
{
	_cleanup_(weft_strv_uninit) struct weft_strv soon = { 0 };
	char text[WEFT_IDENTITY_MAX + WEFT_ERROR_MAX + 200];

	for (size_t i = 0; i < identities->n; i++) {
		enum standing standing = standing_of(identities, &identities->items[i], now, text,
						     sizeof(text));

		if (standing == FINE)
			continue;
		if (weft_strv_add(standing == REFUSED ? trouble : &soon, text))
			return -ENOMEM;
	}
	for (size_t i = 0; i < soon.count; i++)
		if (weft_strv_add(trouble, soon.items[i]))
			return -ENOMEM;
	return 0;
}

static int add_source(const struct weft_identities *identities, struct weft_strv *trouble)
{
	char text[WEFT_ERROR_MAX + 20];

	if (!*identities->present.text)
		return 0;
	snprintf(text, sizeof(text), "certificates: %s", identities->present.text);
	return weft_strv_add(trouble, text);
}

int weft_identities_trouble(struct weft_identities *identities, int64_t now,
			    struct weft_strv *trouble)
{
	char root[WEFT_ERROR_MAX];
	int ret = 0;

	root_trouble(identities, now, root);
	if (*root && strcmp(root, identities->roots_told))
		weft_log_warning("certificates: %s", root);
	snprintf(identities->roots_told, sizeof(identities->roots_told), "%s", root);
	if (*root)
		ret = weft_strv_add(trouble, root);
	if (!ret)
		ret = add_source(identities, trouble);
	if (!ret)
		ret = add_standings(identities, now, trouble);
	return ret;
}

struct weft_snapshot *weft_identities_snapshot(const struct weft_identities *identities)
{
	_cleanup_(weft_snapshot_put_ptr) struct weft_snapshot *snapshot = NULL;
	size_t i;

	snapshot = weft_snapshot_create(identities->n);
	if (!snapshot)
		return NULL;
	for (i = 0; i < identities->n; i++) {
		struct weft_snapshot_entry *entry = &snapshot->entries[i];
		const struct identity *id = &identities->items[i];

		entry->identity = strdup(id->name);
		if (!entry->identity)
			return NULL;
		if (!id->ctx[0])
			continue;
		entry->ctx[WEFT_ROLE_CLIENT] = weft_tls_ctx_get(id->ctx[WEFT_ROLE_CLIENT]);
		entry->ctx[WEFT_ROLE_SERVER] = weft_tls_ctx_get(id->ctx[WEFT_ROLE_SERVER]);
	}
	return weft_steal_ptr(snapshot);
}
