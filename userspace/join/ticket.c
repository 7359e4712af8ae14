// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The node's half of a token. See ticket.h.
 */
#include <errno.h>
#include <string.h>
#include "base/file.h"
#include "base/hex.h"
#include "base/name.h"
#include "join/json.h"
#include "join/ticket.h"

#define VERSION 1
#define TICKET_MAX 16384
#define TRUST_DOMAIN_MAX 255

static const char *const members[] = { "version", "trustDomain", "id", "secret", "roots", NULL };

void weft_ticket_uninit(struct weft_ticket *ticket)
{
	free(ticket->trust_domain);
	explicit_bzero(ticket, sizeof(*ticket));
}

const char *weft_token_id_problem(const char *id)
{
	uint8_t bytes[WEFT_TOKEN_ID_LEN / 2];

	return weft_hex_parse(id, bytes, sizeof(bytes)) ? "not the identifier of a token (16 "
							  "digits 0-9, a-f)"
							: NULL;
}

static bool encode(cJSON *json, const struct weft_ticket *ticket)
{
	cJSON *roots;

	if (!cJSON_AddNumberToObject(json, "version", VERSION) ||
	    !cJSON_AddStringToObject(json, "trustDomain", ticket->trust_domain) ||
	    !cJSON_AddStringToObject(json, "id", ticket->id) ||
	    !weft_json_add_bytes(json, "secret", ticket->secret, sizeof(ticket->secret)))
		return false;
	roots = cJSON_AddArrayToObject(json, "roots");
	for (size_t i = 0; roots && i < ticket->n_roots; i++) {
		char text[WEFT_HEX_SIZE(WEFT_CRYPTO_DIGEST_LEN)];
		cJSON *item;

		weft_hex_format(ticket->roots[i], sizeof(ticket->roots[i]), text);
		item = cJSON_CreateString(text);
		if (!item || !cJSON_AddItemToArray(roots, item)) {
			cJSON_Delete(item);
			return false;
		}
	}
	return roots;
}

/* Nothing of the secret stays in memory that is freed. */
static void wipe(cJSON *json)
{
	char *secret = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "secret"));

	if (secret)
		explicit_bzero(secret, strlen(secret));
	cJSON_Delete(json);
}

int weft_ticket_create(const char *path, const struct weft_ticket *ticket, struct weft_error *err)
{
	/* In one piece, or printing would leave copies behind as it grows. */
	char *text = malloc(TICKET_MAX);
	cJSON *json = cJSON_CreateObject();
	int r;

	if (!text || !json || !encode(json, ticket) ||
	    !cJSON_PrintPreallocated(json, text, TICKET_MAX - 1, true)) {
		r = weft_error_nomem(err);
	} else {
		strcat(text, "\n");
		r = weft_file_create(path, text, strlen(text), 0600, err);
	}
	wipe(json);
	if (text)
		explicit_bzero(text, TICKET_MAX);
	free(text);
	if (r == -EEXIST)
		return weft_error_set(err, EEXIST, "%s is there already: name a new file", path);
	return r;
}

static int decode_roots(const cJSON *json, struct weft_ticket *ticket, struct weft_error *err)
{
	struct weft_strv list = { 0 };
	int r;

	r = weft_json_strings(json, "roots", WEFT_BUNDLE_ROOTS_MAX, 2 * WEFT_CRYPTO_DIGEST_LEN,
			      &list, err);
	for (size_t i = 0; !r && i < list.count; i++)
		if (weft_hex_parse(list.items[i], ticket->roots[i], WEFT_CRYPTO_DIGEST_LEN))
			r = weft_error_set(err, EBADMSG, "\"roots\": not a SHA-256 digest");
	if (!r && !list.count)
		r = weft_error_set(err, EBADMSG, "\"roots\" is empty");
	ticket->n_roots = list.count;
	weft_strv_uninit(&list);
	return r;
}

static int decode(const cJSON *json, struct weft_ticket *ticket, struct weft_error *err)
{
	const char *domain, *id;
	int64_t version;
	int r;

	r = weft_json_number(json, "version", VERSION, VERSION, &version, err);
	if (!r)
		r = weft_json_members(json, members, err);
	if (!r)
		r = weft_json_string(json, "trustDomain", TRUST_DOMAIN_MAX, &domain, err);
	if (!r && weft_trust_domain_problem(domain))
		r = weft_error_set(err, EBADMSG, "\"trustDomain\": %s",
				   weft_trust_domain_problem(domain));
	if (!r)
		r = weft_json_string(json, "id", WEFT_TOKEN_ID_LEN, &id, err);
	if (!r && weft_token_id_problem(id))
		r = weft_error_set(err, EBADMSG, "\"id\": %s", weft_token_id_problem(id));
	if (!r)
		r = weft_json_bytes(json, "secret", ticket->secret, sizeof(ticket->secret), err);
	if (!r)
		r = decode_roots(json, ticket, err);
	if (r)
		return r;
	strcpy(ticket->id, id);
	ticket->trust_domain = strdup(domain);
	return ticket->trust_domain ? 0 : weft_error_nomem(err);
}

int weft_ticket_read(const char *path, struct weft_ticket *ret, struct weft_error *err)
{
	struct weft_ticket ticket = { 0 };
	cJSON *json = NULL;
	char *text = NULL;
	size_t len;
	int r;

	r = weft_file_read_private(path, TICKET_MAX, &text, &len, err);
	if (r)
		return r;
	r = weft_json_parse(text, len && text[len - 1] == '\n' ? len - 1 : len, &json, err);
	if (!r)
		r = decode(json, &ticket, err);
	explicit_bzero(text, len);
	free(text);
	wipe(json);
	if (r) {
		weft_ticket_uninit(&ticket);
		return weft_error_prefix(err, r, "%s: no token for joining", path);
	}
	*ret = ticket;
	explicit_bzero(&ticket, sizeof(ticket));
	return 0;
}
