/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading JSON objects strictly: each member known, there once, of its type and
 * within its bounds. For the messages and files of join/; any thread.
 *
 * The messages name the member, never what a stranger wrote.
 */
#ifndef WEFT_JOIN_JSON_H
#define WEFT_JOIN_JSON_H

#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdint.h>
#include "base/cleanup.h"
#include "base/error.h"
#include "base/strv.h"

static inline void weft_json_delete_ptr(cJSON **json)
{
	cJSON_Delete(*json);
}

#define _cleanup_json_ _cleanup_(weft_json_delete_ptr)

/**
 * weft_json_parse() - one object and nothing behind it
 * @text: need not be terminated
 * @object: written on success, the caller's to cJSON_Delete()
 *
 * Return: 0; -EBADMSG; out of memory cannot be told from it.
 */
int weft_json_parse(const char *text, size_t len, cJSON **object, struct weft_error *err);

/**
 * weft_json_members() - no member but these, none twice
 * @names: ends with NULL
 *
 * Return: 0, -EBADMSG.
 */
int weft_json_members(const cJSON *object, const char *const *names, struct weft_error *err);

/* A string of at most @max bytes, @object's. Return: 0, -EBADMSG. */
int weft_json_string(const cJSON *object, const char *name, size_t max, const char **value,
		     struct weft_error *err);

/* @len bytes in hexadecimal. Return: 0, -EBADMSG. */
int weft_json_bytes(const cJSON *object, const char *name, void *value, size_t len,
		    struct weft_error *err);

/* A whole number. Return: 0, -EBADMSG. */
int weft_json_number(const cJSON *object, const char *name, int64_t min, int64_t max,
		     int64_t *value, struct weft_error *err);

/* At most @count strings of at most @max bytes, into an empty list. Return: 0,
 * -EBADMSG, -ENOMEM (the list may hold some then). */
int weft_json_strings(const cJSON *object, const char *name, size_t count, size_t max,
		      struct weft_strv *list, struct weft_error *err);

/* Add a list of strings. Return: false without memory. */
bool weft_json_add_strings(cJSON *object, const char *name, const struct weft_strv *list);

/* Add @len bytes in hexadecimal, at most 32. Return: false without memory. */
bool weft_json_add_bytes(cJSON *object, const char *name, const void *value, size_t len);

/* What is not printable ASCII becomes '?'. */
void weft_json_clean(char *text);

#endif
