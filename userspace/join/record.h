/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Small JSON files in a directory of the CA, one for each token and each node:
 * <ca dir>/<kind>/<name>.json, mode 0600 in 0700.
 *
 * Blocking calls on local files; any thread. Whoever reads and writes back holds
 * weft_dir_lock() of the CA's directory meanwhile.
 */
#ifndef WEFT_JOIN_RECORD_H
#define WEFT_JOIN_RECORD_H

#include "base/error.h"
#include "base/strv.h"
#include "join/json.h"

/* The names of all, sorted, into an empty list; none without a directory. Return: 0,
 * -ENOMEM, errno of the file system. */
int weft_record_names(const char *ca_dir, const char *kind, struct weft_strv *names,
		      struct weft_error *err);

/**
 * weft_record_read() - one of them
 * @name: safe as a part of a path
 * @object: written on success, the caller's
 *
 * Return: 0; -ENOENT; -EBADMSG no JSON object; errno of the file system.
 */
int weft_record_read(const char *ca_dir, const char *kind, const char *name, cJSON **object,
		     struct weft_error *err);

/* Put or replace. Return: 0, -ENOMEM, errno of the file system. */
int weft_record_write(const char *ca_dir, const char *kind, const char *name,
		      const cJSON *object, struct weft_error *err);

/* Return: 0, -ENOENT, errno of the file system. */
int weft_record_delete(const char *ca_dir, const char *kind, const char *name,
		       struct weft_error *err);

/* What is read is not as it should be: names the file. Return: @error, negative. */
int weft_record_error(const char *ca_dir, const char *kind, const char *name, int error,
		      struct weft_error *err);

#endif
