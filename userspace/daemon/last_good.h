/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The documents that were in force last, as they were read, in the file
 * last-good/documents of the state directory. A daemon that starts where the documents
 * are away, or wrong, has these: without them nothing would be in force after a boot,
 * and strict listeners would take plaintext.
 *
 *   weft last good 1
 *   sha256 HEX				of all that follows
 *   when SECONDS			since the epoch: they came into force
 *   file LENGTH LENGTH			of its name and of what was in it, for each
 *   NAME
 *   TEXT
 *
 * Main thread.
 */
#ifndef WEFT_DAEMON_LAST_GOOD_H
#define WEFT_DAEMON_LAST_GOOD_H

#include <stdint.h>
#include "base/error.h"
#include "conf/model.h"

/* Bytes; more documents than fit are not kept. */
#define WEFT_LAST_GOOD_MAX (64u << 20)

/**
 * weft_last_good_write() - keep the documents of a configuration
 * @state_dir: the daemon's; last-good/ is made in it (0700)
 * @conf: has its texts
 * @when: time() at which they came into force
 *
 * What there is stays if it is the same, but for @when.
 *
 * Return: 0: they are on disk; -EFBIG more than WEFT_LAST_GOOD_MAX; -EIO OpenSSL failed;
 * -ENOMEM; what weft_dir_create(), weft_dir_sync(), weft_file_fill() and rename() give.
 */
int weft_last_good_write(const char *state_dir, const struct weft_conf *conf, int64_t when,
			 struct weft_error *err);

/**
 * weft_last_good_load() - the documents that were in force last
 * @trust_domain: see weft_conf_load()
 * @conf: out, the caller's; its files are named as they were
 * @when: out, as it was written
 *
 * Return: 0; -ENOENT none have been kept; -EBADMSG the file is damaged; -ENOMEM; what
 * weft_file_read() and weft_conf_parse_all() give.
 */
int weft_last_good_load(const char *state_dir, const char *trust_domain, struct weft_conf **conf,
			int64_t *when, struct weft_error *err);

#endif
