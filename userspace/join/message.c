// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a node and the CA say to each other. See message.h.
 *
 * Requests and answers to them may hold a secret: each text is made in a buffer of
 * the largest size, so that none of it is left behind by one that grew.
 */
#include <errno.h>
#include <string.h>
#include "base/array.h"
#include "base/hex.h"
#include "join/json.h"
#include "join/message.h"
#include "pki/ca.h"
#include "pki/csr.h"

#define CODE_MAX 32

static const char *const op_names[] = {
	[WEFT_JOIN_OP_JOIN] = "join",
	[WEFT_JOIN_OP_SIGN] = "sign",
	[WEFT_JOIN_OP_BUNDLE] = "bundle",
};

static const char *const join_members[] = { "op", "token", "secret", "csr", NULL };
static const char *const sign_members[] = { "op", "csr", "lifetime", "trusts", NULL };
static const char *const bundle_members[] = { "op", NULL };

/* The errors that cross the wire: none of them can be taken for one that the
 * connection had. */
static const struct {
	const char *name;
	int error;
} codes[] = {
	{ "EACCES", EACCES },	/* refused */
	{ "EBADMSG", EBADMSG }, /* the request is broken */
	{ "EINVAL", EINVAL },	/* what it asks for makes no sense */
	{ "ERANGE", ERANGE },	/* the lifetime */
	{ "EIO", EIO },		/* the CA has a problem */
};

/* The secret goes with it. */
static void wipe(cJSON *json)
{
	char *secret = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "secret"));

	if (secret)
		explicit_bzero(secret, strlen(secret));
	cJSON_Delete(json);
}

void weft_message_free(char *text, size_t len)
{
	if (text)
		explicit_bzero(text, len);
	free(text);
}

void weft_join_request_uninit(struct weft_join_request *request)
{
	free(request->csr);
	weft_strv_uninit(&request->trusts);
	explicit_bzero(request, sizeof(*request));
}

void weft_join_answer_uninit(struct weft_join_answer *answer)
{
	free(answer->certificate);
	free(answer->bundle);
	*answer = (struct weft_join_answer){ 0 };
}

/* @json is consumed; NULL: there was no memory for it. */
static int print(cJSON *json, char **ret, size_t *len, struct weft_error *err)
{
	/* cJSON wants 5 bytes more than it needs. */
	const size_t size = WEFT_MESSAGE_MAX + 5;
	char *text = json ? malloc(size) : NULL;
	int r = 0;

	if (!text)
		r = weft_error_nomem(err);
	else if (!cJSON_PrintPreallocated(json, text, size, false) ||
		 strlen(text) > WEFT_MESSAGE_MAX)
		r = weft_error_set(err, EMSGSIZE, "a message of more than %d bytes",
				   WEFT_MESSAGE_MAX);
	wipe(json);
	if (r) {
		weft_message_free(text, size);
		return r;
	}
	*len = strlen(text);
	*ret = text;
	return 0;
}

/* ---- requests ---- */

static bool add_request(cJSON *json, const struct weft_join_request *request)
{
	if (!cJSON_AddStringToObject(json, "op", op_names[request->op]))
		return false;
	switch (request->op) {
	case WEFT_JOIN_OP_JOIN:
		return cJSON_AddStringToObject(json, "token", request->token) &&
		       weft_json_add_bytes(json, "secret", request->secret,
					   sizeof(request->secret)) &&
		       cJSON_AddStringToObject(json, "csr", request->csr);
	case WEFT_JOIN_OP_SIGN:
		return cJSON_AddStringToObject(json, "csr", request->csr) &&
		       cJSON_AddNumberToObject(json, "lifetime", request->lifetime) &&
		       weft_json_add_strings(json, "trusts", &request->trusts);
	case WEFT_JOIN_OP_BUNDLE:
		return true;
	}
	return false;
}

int weft_join_request_encode(const struct weft_join_request *request, char **text, size_t *len,
			     struct weft_error *err)
{
	cJSON *json = cJSON_CreateObject();

	if (json && !add_request(json, request)) {
		wipe(json);
		json = NULL;
	}
	return print(json, text, len, err);
}

static int take_csr(const cJSON *json, struct weft_join_request *request, struct weft_error *err)
{
	const char *csr;
	int r = weft_json_string(json, "csr", WEFT_CSR_MAX, &csr, err);

	if (r)
		return r;
	request->csr = strdup(csr);
	return request->csr ? 0 : weft_error_nomem(err);
}

static int take_join(const cJSON *json, struct weft_join_request *request, struct weft_error *err)
{
	const char *token;
	int r;

	r = weft_json_members(json, join_members, err);
	if (!r)
		r = weft_json_string(json, "token", WEFT_TOKEN_ID_LEN, &token, err);
	if (!r && weft_token_id_problem(token))
		r = weft_error_set(err, EBADMSG, "\"token\": %s", weft_token_id_problem(token));
	if (r)
		return r;
	strcpy(request->token, token);
	r = weft_json_bytes(json, "secret", request->secret, sizeof(request->secret), err);
	return r ? r : take_csr(json, request, err);
}

static int take_sign(const cJSON *json, struct weft_join_request *request, struct weft_error *err)
{
	uint8_t digest[WEFT_CRYPTO_DIGEST_LEN];
	int r;

	r = weft_json_members(json, sign_members, err);
	if (!r)
		r = weft_json_number(json, "lifetime", 0, WEFT_CA_LIFETIME_MAX,
				     &request->lifetime, err);
	if (!r)
		r = weft_json_strings(json, "trusts", WEFT_BUNDLE_ROOTS_MAX, 2 * sizeof(digest),
				      &request->trusts, err);
	for (size_t i = 0; !r && i < request->trusts.count; i++)
		if (weft_hex_parse(request->trusts.items[i], digest, sizeof(digest)))
			r = weft_error_set(err, EBADMSG, "\"trusts\": not a SHA-256 digest");
	return r ? r : take_csr(json, request, err);
}

static int take_request(const cJSON *json, struct weft_join_request *request,
			struct weft_error *err)
{
	const char *op;
	int r;

	r = weft_json_string(json, "op", CODE_MAX, &op, err);
	if (r)
		return r;
	for (size_t i = 0; i < WEFT_ARRAY_SIZE(op_names); i++) {
		if (strcmp(op, op_names[i]))
			continue;
		request->op = i;
		switch (request->op) {
		case WEFT_JOIN_OP_JOIN:
			return take_join(json, request, err);
		case WEFT_JOIN_OP_SIGN:
			return take_sign(json, request, err);
		case WEFT_JOIN_OP_BUNDLE:
			return weft_json_members(json, bundle_members, err);
		}
	}
	return weft_error_set(err, EBADMSG, "\"op\" is not known (join, sign, bundle)");
}

int weft_join_request_decode(const char *text, size_t len, struct weft_join_request *ret,
			     struct weft_error *err)
{
	struct weft_join_request request = { 0 };
	cJSON *json = NULL;
	int r;

	r = weft_json_parse(text, len, &json, err);
	if (!r)
		r = take_request(json, &request, err);
	wipe(json);
	if (r) {
		weft_join_request_uninit(&request);
		return weft_error_prefix(err, r, "the request");
	}
	*ret = request;
	explicit_bzero(&request, sizeof(request));
	return 0;
}

/* ---- answers ---- */

static const char *code_name(int error)
{
	for (size_t i = 0; i < WEFT_ARRAY_SIZE(codes); i++)
		if (codes[i].error == -error)
			return codes[i].name;
	return "EIO";
}

static bool add_error(cJSON *json, const struct weft_join_answer *answer)
{
	struct weft_error text = answer->text;
	cJSON *error = cJSON_AddObjectToObject(json, "error");

	weft_json_clean(text.text);
	return error && cJSON_AddStringToObject(error, "code", code_name(answer->error)) &&
	       cJSON_AddStringToObject(error, "text", text.text);
}

static bool add_result(cJSON *json, const struct weft_join_answer *answer)
{
	return (!answer->certificate ||
		cJSON_AddStringToObject(json, "certificate", answer->certificate)) &&
	       cJSON_AddStringToObject(json, "bundle", answer->bundle);
}

int weft_join_answer_encode(const struct weft_join_answer *answer, char **text, size_t *len,
			    struct weft_error *err)
{
	cJSON *json = cJSON_CreateObject();

	if (json && !(answer->error ? add_error(json, answer) : add_result(json, answer))) {
		cJSON_Delete(json);
		json = NULL;
	}
	return print(json, text, len, err);
}

static int take_error(const cJSON *json, struct weft_join_answer *answer, struct weft_error *err)
{
	static const char *const members[] = { "code", "text", NULL };
	const cJSON *error = cJSON_GetObjectItemCaseSensitive(json, "error");
	const char *code, *text;
	int r = 0;

	if (!cJSON_IsObject(error))
		return weft_error_set(err, EBADMSG, "\"error\" must be an object");
	r = weft_json_members(error, members, err);
	if (!r)
		r = weft_json_string(error, "code", CODE_MAX, &code, err);
	if (!r)
		r = weft_json_string(error, "text", WEFT_ERROR_MAX - 1, &text, err);
	if (r)
		return r;
	for (size_t i = 0; i < WEFT_ARRAY_SIZE(codes); i++)
		if (!strcmp(code, codes[i].name))
			answer->error = -codes[i].error;
	if (!answer->error)
		return weft_error_set(err, EBADMSG, "the \"code\" of its error is not known");
	strcpy(answer->text.text, text);
	weft_json_clean(answer->text.text);
	return 0;
}

static int take_pem(const cJSON *json, const char *name, char **pem, struct weft_error *err)
{
	const char *text;
	int r = weft_json_string(json, name, WEFT_MESSAGE_MAX, &text, err);

	if (r)
		return r;
	*pem = strdup(text);
	return *pem ? 0 : weft_error_nomem(err);
}

static int take_answer(const cJSON *json, enum weft_join_op op, struct weft_join_answer *answer,
		       struct weft_error *err)
{
	static const char *const error_members[] = { "error", NULL };
	static const char *const both[] = { "certificate", "bundle", NULL };
	bool has_certificate = op != WEFT_JOIN_OP_BUNDLE;
	int r;

	if (cJSON_GetObjectItemCaseSensitive(json, "error")) {
		r = weft_json_members(json, error_members, err);
		return r ? r : take_error(json, answer, err);
	}
	r = weft_json_members(json, has_certificate ? both : both + 1, err);
	if (!r && has_certificate)
		r = take_pem(json, "certificate", &answer->certificate, err);
	return r ? r : take_pem(json, "bundle", &answer->bundle, err);
}

int weft_join_answer_decode(const char *text, size_t len, enum weft_join_op op,
			    struct weft_join_answer *ret, struct weft_error *err)
{
	struct weft_join_answer answer = { 0 };
	_cleanup_json_ cJSON *json = NULL;
	int r;

	r = weft_json_parse(text, len, &json, err);
	if (!r)
		r = take_answer(json, op, &answer, err);
	if (r) {
		weft_join_answer_uninit(&answer);
		return weft_error_prefix(err, r, "the answer");
	}
	*ret = answer;
	return 0;
}
