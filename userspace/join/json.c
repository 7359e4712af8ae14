// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading JSON objects strictly. See json.h.
 */
#include <errno.h>
#include <string.h>
#include "base/hex.h"
#include "join/json.h"

#define BYTES_MAX 32

int weft_json_parse(const char *text, size_t len, cJSON **object, struct weft_error *err)
{
	_cleanup_json_ cJSON *json = NULL;
	const char *end = NULL;

	/* It would end the text, or a string in it, for whoever reads it as C. */
	if (memchr(text, 0, len))
		return weft_error_set(err, EBADMSG, "not JSON: it has a NUL in it");
	json = cJSON_ParseWithLengthOpts(text, len, &end, false);
	if (!json)
		return weft_error_set(err, EBADMSG, "not JSON: wrong at byte %zu",
				      end ? (size_t)(end - text) : 0);
	if (end != text + len)
		return weft_error_set(err, EBADMSG, "something follows the JSON object");
	if (!cJSON_IsObject(json))
		return weft_error_set(err, EBADMSG, "not a JSON object");
	*object = weft_steal_ptr(json);
	return 0;
}

static bool is_one_of(const char *name, const char *const *names)
{
	for (; *names; names++)
		if (!strcmp(name, *names))
			return true;
	return false;
}

int weft_json_members(const cJSON *object, const char *const *names, struct weft_error *err)
{
	const cJSON *member;

	cJSON_ArrayForEach(member, object) {
		if (!is_one_of(member->string, names))
			return weft_error_set(err, EBADMSG, "it has a member that is not known");
		if (cJSON_GetObjectItemCaseSensitive(object, member->string) != member)
			return weft_error_set(err, EBADMSG, "\"%s\" is there twice",
					      member->string);
	}
	return 0;
}

static const char *string_of(const cJSON *item, size_t max)
{
	const char *text = cJSON_GetStringValue(item);

	return text && strnlen(text, max + 1) <= max ? text : NULL;
}

int weft_json_string(const cJSON *object, const char *name, size_t max, const char **value,
		     struct weft_error *err)
{
	const char *text = string_of(cJSON_GetObjectItemCaseSensitive(object, name), max);

	if (!text)
		return weft_error_set(err, EBADMSG, "\"%s\" must be a string of at most %zu bytes",
				      name, max);
	*value = text;
	return 0;
}

int weft_json_bytes(const cJSON *object, const char *name, void *value, size_t len,
		    struct weft_error *err)
{
	const char *text = string_of(cJSON_GetObjectItemCaseSensitive(object, name), 2 * len);

	if (!text || weft_hex_parse(text, value, len))
		return weft_error_set(err, EBADMSG, "\"%s\" must be %zu digits 0-9, a-f", name,
				      2 * len);
	return 0;
}

int weft_json_number(const cJSON *object, const char *name, int64_t min, int64_t max,
		     int64_t *value, struct weft_error *err)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

	if (!cJSON_IsNumber(item) || !(item->valuedouble >= min && item->valuedouble <= max) ||
	    (int64_t)item->valuedouble != item->valuedouble)
		return weft_error_set(err, EBADMSG, "\"%s\" must be a number from %lld to %lld",
				      name, (long long)min, (long long)max);
	*value = item->valuedouble;
	return 0;
}

int weft_json_strings(const cJSON *object, const char *name, size_t count, size_t max,
		      struct weft_strv *list, struct weft_error *err)
{
	const cJSON *array = cJSON_GetObjectItemCaseSensitive(object, name), *item;

	if (!cJSON_IsArray(array))
		return weft_error_set(err, EBADMSG, "\"%s\" must be a list of strings", name);
	cJSON_ArrayForEach(item, array) {
		const char *text = string_of(item, max);

		if (!text || list->count == count)
			return weft_error_set(err, EBADMSG,
					      "\"%s\" must be at most %zu strings of at most %zu "
					      "bytes",
					      name, count, max);
		if (weft_strv_add(list, text))
			return weft_error_nomem(err);
	}
	return 0;
}

bool weft_json_add_strings(cJSON *object, const char *name, const struct weft_strv *list)
{
	cJSON *array = cJSON_AddArrayToObject(object, name);

	for (size_t i = 0; array && i < list->count; i++) {
		cJSON *item = cJSON_CreateString(list->items[i]);

		if (!item || !cJSON_AddItemToArray(array, item)) {
			cJSON_Delete(item);
			return false;
		}
	}
	return array;
}

bool weft_json_add_bytes(cJSON *object, const char *name, const void *value, size_t len)
{
	char text[WEFT_HEX_SIZE(BYTES_MAX)];
	bool ok;

	ok = cJSON_AddStringToObject(object, name, weft_hex_format(value, len, text));
	explicit_bzero(text, sizeof(text));
	return ok;
}

void weft_json_clean(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}
