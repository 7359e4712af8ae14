/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The built-in authority as a source of SVIDs (pki/source.h), also where its root is over
 * when the daemon starts. That is so by a clock that is far ahead, as a machine has it
 * before NTP; when the clock is right again nobody would start the daemon. So it starts,
 * without certificates, and takes over the authority as soon as its root is valid.
 *
 * Main thread, as its source.
 */
#ifndef WEFT_DAEMON_LATE_CA_H
#define WEFT_DAEMON_LATE_CA_H

#include "base/error.h"
#include "pki/source.h"

/**
 * weft_late_ca_create() - the authority of a trust domain, now or later
 * @dir: see weft_ca_open_or_create(), as @trust_domain; both outlive the source
 * @source: written on success, ended by weft_source_destroy()
 *
 * Until its root is valid weft_source_refresh() has the reason as a problem, the bundle
 * is empty, and weft_source_svid() gives -EAGAIN.
 *
 * Return: 0; what weft_ca_open_or_create() gives, but for -EKEYEXPIRED; -ENOMEM.
 */
int weft_late_ca_create(const char *dir, const char *trust_domain, struct weft_source **source,
			struct weft_error *err);

#endif
