/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The identities of this host's workloads: an SVID for each from the source,
 * renewed at about half its life, so that half a life remains to notice and mend
 * a source that fails. Keys that the built-in CA makes never leave memory: a
 * restarted daemon issues new ones.
 *
 * Main thread. The workers see snapshots (snapshot.h).
 */
#ifndef WEFT_DAEMON_IDENTITY_H
#define WEFT_DAEMON_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>
#include "base/error.h"
#include "base/strv.h"
#include "daemon/snapshot.h"
#include "pki/source.h"

struct weft_identities;

/* An identity that got no certificate is tried again after so many seconds. */
#define WEFT_IDENTITY_RETRY 60

/**
 * weft_identities_create() - no identities yet
 * @source: the identities' from now on, also on failure
 * @lifetime: of an SVID, seconds
 * @resume: keep secrets for the resumption of handshakes
 *
 * What the source cannot use is logged.
 *
 * Return: 0; -ENOMEM.
 */
int weft_identities_create(struct weft_identities **identities, struct weft_source *source,
			   uint32_t lifetime, bool resume, struct weft_error *err);

/* NULL is fine. Snapshots live on. */
void weft_identities_destroy(struct weft_identities *identities);

/**
 * weft_identities_set() - these are the workloads' identities from now on
 * @wanted: in any order, duplicates allowed
 * @now: as time()
 *
 * New ones get their SVID here and now; what is wanted no more is forgotten. An
 * identity for which none can be issued is logged once and stays without.
 *
 * Return: 1 there is a new snapshot to publish; 0 nothing changed; -ENOMEM.
 */
int weft_identities_set(struct weft_identities *identities, const struct weft_strv *wanted,
			int64_t now);

/**
 * weft_identities_rotate() - renew what is due
 * @now: as time(); when the clock went back before the day of issue, that is due too
 *
 * An SVID that cannot be renewed stays in use.
 *
 * Return: as weft_identities_set().
 */
int weft_identities_rotate(struct weft_identities *identities, int64_t now);

/**
 * weft_identities_refresh() - take over what is new in the source
 * @now: as time()
 *
 * What the source cannot use is logged, but not the same twice running. What there was
 * no memory for is taken over by the next call.
 *
 * Return: as weft_identities_set().
 */
int weft_identities_refresh(struct weft_identities *identities, int64_t now);

/* Readable: weft_identities_refresh() has something to do; -1: there is none. */
int weft_identities_fd(const struct weft_identities *identities);

/**
 * weft_identities_trouble() - what somebody should see to, a sentence each
 * @now: as time()
 * @trouble: appended to: the root, the source, identities without a valid
 *	certificate, then those with one that should have been renewed
 *
 * A root that ends is logged, too, but not the same twice running.
 *
 * Return: 0 or -ENOMEM.
 */
int weft_identities_trouble(struct weft_identities *identities, int64_t now,
			    struct weft_strv *trouble);

/* How many there are, and how many of them without a certificate. */
size_t weft_identities_count(const struct weft_identities *identities, size_t *without);

/* One reference to what is valid now. Return: NULL out of memory. */
struct weft_snapshot *weft_identities_snapshot(const struct weft_identities *identities);

#endif
