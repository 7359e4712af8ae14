// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An authority whose root may be over at the start, see late_ca.h. Owns the source that
 * it becomes. Main thread.
 */
#include "daemon/late_ca.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/cleanup.h"
#include "base/file.h"

/* Milliseconds that its directory may be locked by others: the main thread waits. */
#define LOCK_WAIT 1000

struct late_ca {
	struct weft_source source;
	const char *dir, *trust_domain;
	struct weft_source *ca; /* NULL: not yet */
};

static int open_ca(const char *dir, const char *trust_domain, struct weft_source **source,
		   struct weft_error *err)
{
	struct weft_ca *ca;
	int r = weft_ca_open_or_create(dir, trust_domain, &ca, err);

	return r ? r : weft_source_ca_create(ca, source, err);
}

/* What weft_ca_open_or_create() says helps where the root is over, not where the clock is. */
static int doubt_clock(struct weft_error *err, int r)
{
	struct weft_error said = *err;

	if (r != -EKEYEXPIRED)
		return r;
	return weft_error_set(err, r, "%.400s; if the clock is wrong, set it: nothing else is "
			      "needed then", said.text);
}

/* Who has the lock may have it for long; weft_ca_open_or_create() would wait for it. */
static int open_again(struct late_ca *late, struct weft_error *err)
{
	_cleanup_close_ int lock = weft_dir_lock_within(late->dir, LOCK_WAIT, err);

	if (lock < 0)
		return lock;
	close(weft_steal_fd(&lock));
	return doubt_clock(err, open_ca(late->dir, late->trust_domain, &late->ca, err));
}

static int late_bundle(struct weft_source *base, struct weft_bundle **bundle,
		       struct weft_error *err)
{
	struct late_ca *late = (struct late_ca *)base;

	if (late->ca)
		return weft_source_bundle(late->ca, bundle, err);
	*bundle = weft_bundle_create();
	return *bundle ? 0 : weft_error_nomem(err);
}

static int late_svid(struct weft_source *base, const char *identity, int64_t lifetime,
		     struct weft_svid **svid, struct weft_error *err)
{
	struct late_ca *late = (struct late_ca *)base;

	if (late->ca)
		return weft_source_svid(late->ca, identity, lifetime, svid, err);
	return weft_error_set(err, EAGAIN, "the root certificate is not valid now");
}

static int late_refresh(struct weft_source *base, struct weft_error *problem)
{
	struct late_ca *late = (struct late_ca *)base;
	struct weft_error err = { 0 };

	if (late->ca)
		return weft_source_refresh(late->ca, problem);
	if (open_again(late, &err)) {
		*problem = err;
		return 0;
	}
	weft_source_refresh(late->ca, problem);
	return 1;
}

static void late_destroy(struct weft_source *base)
{
	struct late_ca *late = (struct late_ca *)base;

	weft_source_destroy(late->ca);
	free(late);
}

static const struct weft_source_ops late_ops = {
	.bundle = late_bundle,
	.svid = late_svid,
	.refresh = late_refresh,
	.destroy = late_destroy,
};

int weft_late_ca_create(const char *dir, const char *trust_domain, struct weft_source **source,
			struct weft_error *err)
{
	struct late_ca *late;
	int r = open_ca(dir, trust_domain, source, err);

	if (r != -EKEYEXPIRED)
		return r;
	late = calloc(1, sizeof(*late));
	if (!late)
		return weft_error_nomem(err);
	late->source = (struct weft_source){ .ops = &late_ops, .fd = -1, .tells_root_end = true };
	late->dir = dir;
	late->trust_domain = trust_domain;
	*source = &late->source;
	return 0;
}
