// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The built-in authority as a source of SVIDs, see source.h. Owns the authority.
 */
#include <stdlib.h>
#include "pki/source.h"

struct source_ca {
	struct weft_source source;
	struct weft_ca *ca;
};

static int ca_bundle(struct weft_source *source, struct weft_bundle **bundle,
		     struct weft_error *err)
{
	return weft_ca_bundle(((struct source_ca *)source)->ca, bundle, err);
}

static int ca_svid(struct weft_source *source, const char *identity, int64_t lifetime,
		   struct weft_svid **svid, struct weft_error *err)
{
	return weft_ca_issue(((struct source_ca *)source)->ca, identity, lifetime, svid, err);
}

/* The authority does not change while it is open. */
static int ca_refresh(struct weft_source *source, struct weft_error *problem)
{
	return 0;
}

static void ca_destroy(struct weft_source *source)
{
	weft_ca_close(((struct source_ca *)source)->ca);
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
	source->ca = ca;
	*ret = &source->source;
	return 0;
}
