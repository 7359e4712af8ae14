// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzz target for what strangers send to the CA, and what poses as its answer: the
 * first byte chooses which. What is taken is written and taken again; what is not
 * gives one printable error.
 *
 * libFuzzer calls LLVMFuzzerTestOneInput(); its main() also runs the files that are
 * named on its command line.
 */
#include <errno.h>
#include <openssl/err.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/name.h"
#include "join/message.h"
#include "pki/csr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_error(int r, const struct weft_error *err)
{
	must(r == -EBADMSG && *err->text);
	for (const char *p = err->text; *p; p++)
		must(*p >= ' ' && *p <= '~');
}

static void try_csr(const char *pem)
{
	struct weft_error err = { 0 };
	EVP_PKEY *key = NULL;
	char *id = NULL;
	int r = weft_csr_read(pem, &key, &id, &err);

	if (r)
		check_error(r, &err);
	else
		must(key && !weft_identity_problem(id));
	EVP_PKEY_free(key);
	free(id);
	ERR_clear_error();
}

static void try_request(const char *data, size_t size)
{
	struct weft_join_request request, again;
	struct weft_error err = { 0 };
	char *text;
	size_t len;
	int r = weft_join_request_decode(data, size, &request, &err);

	if (r) {
		check_error(r, &err);
		return;
	}
	if (request.csr)
		try_csr(request.csr);
	must(!weft_join_request_encode(&request, &text, &len, NULL));
	must(!weft_join_request_decode(text, len, &again, NULL));
	must(again.op == request.op && again.lifetime == request.lifetime &&
	     !strcmp(again.token, request.token) && !again.csr == !request.csr &&
	     (!again.csr || !strcmp(again.csr, request.csr)) &&
	     weft_strv_equal(&again.trusts, &request.trusts));
	weft_message_free(text, len);
	weft_join_request_uninit(&request);
	weft_join_request_uninit(&again);
}

static void try_answer(enum weft_join_op op, const char *data, size_t size)
{
	struct weft_error err = { 0 };
	struct weft_join_answer answer;
	int r = weft_join_answer_decode(data, size, op, &answer, &err);

	if (r) {
		check_error(r, &err);
		return;
	}
	must(answer.error ? answer.error < 0 : !!answer.bundle);
	for (const char *p = answer.text.text; *p; p++)
		must(*p >= ' ' && *p <= '~');
	weft_join_answer_uninit(&answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *pem;

	if (size < 1 || size > WEFT_MESSAGE_MAX)
		return 0;
	switch (data[0] % 4) {
	case 0:
		try_request((const char *)data + 1, size - 1);
		break;
	case 1:
		pem = strndup((const char *)data + 1, size - 1);
		must(pem);
		try_csr(pem);
		free(pem);
		break;
	case 2:
		try_answer(WEFT_JOIN_OP_SIGN, (const char *)data + 1, size - 1);
		break;
	default:
		try_answer(WEFT_JOIN_OP_BUNDLE, (const char *)data + 1, size - 1);
	}
	return 0;
}
