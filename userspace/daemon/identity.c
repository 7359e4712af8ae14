// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SVIDs of this host's workloads, see identity.h. Owns the entries and the source.
 * Main thread.
 */
#include "daemon/identity.h"

#include <errno.h>
#include <stdarg.h>
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
	bool roots_reported;
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
	int64_t left = svid->not_after - now, tenth = left / 10;

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

/* The source should have renewed it by now. */
static void kept(struct identity *id, const struct weft_svid *svid, int64_t now)
{
	char end[WEFT_CRYPTO_TIME_MAX];

	if (id->due < now + WEFT_IDENTITY_RETRY)
		id->due = now + WEFT_IDENTITY_RETRY;
	if (svid->not_after - now > (svid->not_after - svid->not_before) / 4) {
		id->reported = false;
		return;
	}
	if (!id->reported)
		weft_log_warning("%s: its certificate ends on %s, and there is no newer one yet",
				 id->name, weft_crypto_time_format(svid->not_after, end));
	id->reported = true;
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
	for (i = 0; i < n; i++)
		if (!items[i].issued)
			changed |= renew(identities, &items[i], now);
	return changed;
}

/* Of several roots the one that ends last counts: the others are on their way out. */
static const X509 *last_root(const struct weft_bundle *bundle, int64_t *end)
{
	const X509 *last = NULL;

	for (size_t i = 0; i < weft_bundle_count(bundle); i++) {
		const X509 *root = weft_bundle_root(bundle, i);
		int64_t ends = weft_crypto_time(X509_get0_notAfter(root));

		if (last && ends <= *end)
			continue;
		last = root;
		*end = ends;
	}
	return last;
}

/* So long before its end a root is told of, as by weftctl ca; sooner where others make
 * roots that live for days. */
static int64_t notice_of_end(int64_t life)
{
	int64_t ahead = life / 10 > WEFT_CA_LIFETIME_MAX ? life / 10 : WEFT_CA_LIFETIME_MAX;

	return ahead < life / 4 ? ahead : life / 4;
}

/* A sentence; "": all is well. */
static void roots_trouble(const struct weft_identities *identities, int64_t now,
			  char text[WEFT_ERROR_MAX])
{
	int64_t end = 0, ahead;
	const X509 *root = last_root(identities->bundle, &end);
	char until[WEFT_CRYPTO_TIME_MAX];

	*text = '\0';
	if (!root) {
		snprintf(text, WEFT_ERROR_MAX, "there is no root certificate: every peer is refused");
		return;
	}
	ahead = notice_of_end(end - weft_crypto_time(X509_get0_notBefore(root)));
	weft_crypto_time_format(end, until);
	if (now > end)
		snprintf(text, WEFT_ERROR_MAX,
			 "the last root certificate ended on %s: every peer is refused", until);
	else if (now > end - ahead)
		snprintf(text, WEFT_ERROR_MAX,
			 "the last root certificate ends on %s, then every peer is refused: rotate "
			 "it (weftctl ca rotate, or where it comes from)",
			 until);
}

/* Once, and in the journal long before it hurts. */
static void report_roots(struct weft_identities *identities, int64_t now)
{
	char text[WEFT_ERROR_MAX];

	roots_trouble(identities, now, text);
	if (*text && !identities->roots_reported)
		weft_log_warning("certificates: %s", text);
	identities->roots_reported = *text;
}

int weft_identities_rotate(struct weft_identities *identities, int64_t now)
{
	bool changed = false;
	size_t i;

	report_roots(identities, now);
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

static int __attribute__((format(printf, 2, 3))) add(struct weft_strv *list, const char *fmt, ...)
{
	va_list args;
	char *text;
	int len;

	va_start(args, fmt);
	len = vasprintf(&text, fmt, args);
	va_end(args);
	return len < 0 ? -ENOMEM : weft_strv_take(list, text);
}

static int certificate_trouble(const struct identity *id, int64_t now, struct weft_strv *trouble)
{
	const char *colon = *id->problem ? ": " : "";
	const struct weft_svid *svid;
	char when[WEFT_CRYPTO_TIME_MAX];

	if (!id->ctx[0])
		return add(trouble, "%s has no certificate, its connections are refused%s%s",
			   id->name, colon, id->problem);
	svid = weft_tls_ctx_svid(id->ctx[0]);
	if (now < svid->not_before)
		return add(trouble,
			   "the certificate of %s begins on %s, its connections are refused: is "
			   "the clock right?",
			   id->name, weft_crypto_time_format(svid->not_before, when));
	weft_crypto_time_format(svid->not_after, when);
	if (now > svid->not_after)
		return add(trouble, "the certificate of %s ended on %s, its connections are refused%s%s",
			   id->name, when, colon, id->problem);
	if (svid->not_after - now <= (svid->not_after - svid->not_before) / 4)
		return add(trouble,
			   "the certificate of %s ends on %s, and there is no newer one yet%s%s",
			   id->name, when, colon, id->problem);
	return 0;
}

int weft_identities_trouble(const struct weft_identities *identities, int64_t now,
			    struct weft_strv *trouble)
{
	char roots[WEFT_ERROR_MAX];
	int ret = 0;

	roots_trouble(identities, now, roots);
	if (*roots)
		ret = weft_strv_add(trouble, roots);
	if (!ret && *identities->present.text)
		ret = add(trouble, "certificates: %s", identities->present.text);
	for (size_t i = 0; !ret && i < identities->n; i++)
		ret = certificate_trouble(&identities->items[i], now, trouble);
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
