/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A rotation of the CA's root (pki/ca_rotate.h), as the nodes have it: who has said that
 * the other root is trusted there. A node says so with each request for a certificate;
 * it asks for the roots every WEFT_SOURCE_JOIN_ROOTS seconds, and when they are others it
 * says so as soon as its daemon uses them.
 *
 * Blocking calls on local files, for the CLI. One thread.
 */
#ifndef WEFT_JOIN_ROTATION_H
#define WEFT_JOIN_ROTATION_H

#include "base/strv.h"
#include "pki/ca.h"

/**
 * weft_rotation_waiting() - who has not said that he trusts the root that signs next?
 * @ca: a rotation of it is under way, or nobody waits
 * @ca_dir: its directory
 * @now: as time()
 * @waiting: an empty list; a text for people for each: processes of this host first,
 *	then nodes by name, and when they were seen
 *
 * Return: 0; as weft_registry_list().
 */
int weft_rotation_waiting(const struct weft_ca *ca, const char *ca_dir, int64_t now,
			  struct weft_strv *waiting, struct weft_error *err);

/**
 * weft_rotation_activate() - the next root signs, when everybody trusts it
 * @without: names of nodes that are not waited for
 *
 * Return: 0; -EBUSY somebody does not trust it yet (@err names him); -ENOENT one of
 * @without is no node; as weft_ca_activate(), weft_registry_list().
 */
int weft_rotation_activate(const char *ca_dir, const struct weft_strv *without,
			   struct weft_error *err);

#endif
