/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What somebody should see to, as weftd knows it: in the file "trouble" of its state
 * directory, a line each, written anew whenever that changes; read by weftctl status,
 * to which it means something only while weftd runs.
 *
 * Any thread; each list belongs to its caller.
 */
#ifndef WEFT_CONF_TROUBLE_H
#define WEFT_CONF_TROUBLE_H

#include "base/error.h"
#include "base/strv.h"

#define WEFT_TROUBLE_MAX 16 /* lines; a last one says how many more there are */

/**
 * weft_trouble_write() - tell it
 * @state_dir: weftd's
 * @trouble: in order of weight
 *
 * Return: 0; -ENOMEM; what weft_file_write_volatile() gives.
 */
int weft_trouble_write(const char *state_dir, const struct weft_strv *trouble,
		       struct weft_error *err);

/**
 * weft_trouble_read() - what was told last
 * @trouble: appended to
 *
 * Return: 0; -ENOENT nothing yet; -ENOMEM, then there may be some of it; what
 * weft_file_read() gives.
 */
int weft_trouble_read(const char *state_dir, struct weft_strv *trouble, struct weft_error *err);

#endif
