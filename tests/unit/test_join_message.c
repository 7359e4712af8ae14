// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a node and the CA say to each other: what is written is read, all else is
 * refused with one clear error.
 */
#include "join_fixture.h"
#include "base/array.h"
#include "join/dial.h"
#include "join/message.h"
#include "pki/csr.h"

#define HEX32 "00112233445566778899aabbccddeeff"
#define SECRET HEX32 HEX32
#define JOIN "\"op\":\"join\",\"token\":\"0123456789abcdef\",\"secret\":\"" SECRET "\""
#define SIGN "\"op\":\"sign\",\"csr\":\"x\""

static void request_is_read_as_it_was_written(void **state)
{
	struct weft_join_request request = { .op = WEFT_JOIN_OP_SIGN, .lifetime = 3600 }, read;
	char *text;
	size_t len;

	request.csr = strdup("-----BEGIN\n\"\\");
	assert_int_equal(weft_strv_add(&request.trusts, SECRET), 0);
	assert_int_equal(weft_join_request_encode(&request, &text, &len, NULL), 0);
	assert_int_equal(weft_join_request_decode(text, len, &read, NULL), 0);
	assert_int_equal(read.op, WEFT_JOIN_OP_SIGN);
	assert_int_equal(read.lifetime, 3600);
	assert_string_equal(read.csr, request.csr);
	assert_true(weft_strv_equal(&read.trusts, &request.trusts));
	weft_message_free(text, len);
	weft_join_request_uninit(&request);
	weft_join_request_uninit(&read);
}

static void join_carries_token_and_secret(void **state)
{
	struct weft_join_request request = { .op = WEFT_JOIN_OP_JOIN }, read;
	char *text;
	size_t len;

	strcpy(request.token, "0123456789abcdef");
	memset(request.secret, 0xa5, sizeof(request.secret));
	request.csr = strdup("x");
	assert_int_equal(weft_join_request_encode(&request, &text, &len, NULL), 0);
	assert_int_equal(weft_join_request_decode(text, len, &read, NULL), 0);
	assert_string_equal(read.token, request.token);
	assert_memory_equal(read.secret, request.secret, sizeof(read.secret));
	weft_message_free(text, len);
	weft_join_request_uninit(&request);
	weft_join_request_uninit(&read);
}

static void request_that_is_none_is_refused(void **state)
{
	static const struct {
		const char *text, *says;
	} wrong[] = {
		{ "", "not JSON" },
		{ "{", "not JSON" },
		{ "[]", "not a JSON object" },
		{ "{\"op\":\"bundle\"} ", "something follows" },
		{ "{\"op\":\"bundle\"}{}", "something follows" },
		{ "{}", "\"op\" must be a string" },
		{ "{\"op\":1}", "\"op\" must be a string" },
		{ "{\"op\":\"frob\"}", "\"op\" is not known (join, sign, bundle)" },
		{ "{\"op\":\"bundle\",\"x\":1}", "a member that is not known" },
		{ "{\"op\":\"bundle\",\"op\":\"sign\"}", "\"op\" is there twice" },
		{ "{\"OP\":\"bundle\"}", "\"op\" must be a string" },
		{ "{" JOIN "}", "\"csr\" must be a string" },
		{ "{" JOIN ",\"csr\":[]}", "\"csr\" must be a string" },
		{ "{" JOIN ",\"csr\":\"x\",\"lifetime\":1}", "a member that is not known" },
		{ "{\"op\":\"join\",\"token\":\"../../etc/passwd\"}", "not the identifier" },
		{ "{\"op\":\"join\",\"token\":\"0123456789abcdef\",\"secret\":\"00\"}",
		  "\"secret\" must be 64 digits" },
		{ "{" SIGN "}", "\"lifetime\" must be a number" },
		{ "{" SIGN ",\"lifetime\":-1,\"trusts\":[]}", "\"lifetime\" must be a number" },
		{ "{" SIGN ",\"lifetime\":1.5,\"trusts\":[]}", "\"lifetime\" must be a number" },
		{ "{" SIGN ",\"lifetime\":1e300,\"trusts\":[]}", "\"lifetime\" must be a number" },
		{ "{" SIGN ",\"lifetime\":\"1\",\"trusts\":[]}", "\"lifetime\" must be a number" },
		{ "{" SIGN ",\"lifetime\":1}", "\"trusts\" must be a list" },
		{ "{" SIGN ",\"lifetime\":1,\"trusts\":[1]}", "\"trusts\" must be at most" },
		{ "{" SIGN ",\"lifetime\":1,\"trusts\":[\"zz\"]}", "not a SHA-256 digest" },
	};

	for (size_t i = 0; i < WEFT_ARRAY_SIZE(wrong); i++) {
		struct weft_join_request request;
		struct weft_error err = { 0 };

		assert_int_equal(weft_join_request_decode(wrong[i].text, strlen(wrong[i].text),
							  &request, &err),
				 -EBADMSG);
		assert_says(&err, wrong[i].says);
		assert_says(&err, "the request: ");
	}
}

static void request_with_a_nul_is_refused(void **state)
{
	static const char text[] = "{\"op\":\"bun\0dle\"}";
	struct weft_join_request request;
	struct weft_error err = { 0 };

	assert_int_equal(weft_join_request_decode(text, sizeof(text) - 1, &request, &err),
			 -EBADMSG);
	assert_says(&err, "a NUL");
}

static void request_with_too_much_is_refused(void **state)
{
	struct weft_join_request request = { .op = WEFT_JOIN_OP_SIGN }, read;
	struct weft_error err = { 0 };
	char *text;
	size_t len;

	request.csr = malloc(WEFT_CSR_MAX + 2);
	memset(request.csr, 'x', WEFT_CSR_MAX + 1);
	request.csr[WEFT_CSR_MAX + 1] = '\0';
	assert_int_equal(weft_join_request_encode(&request, &text, &len, NULL), 0);
	assert_int_equal(weft_join_request_decode(text, len, &read, &err), -EBADMSG);
	assert_says(&err, "\"csr\" must be a string of at most 8192 bytes");
	weft_message_free(text, len);

	free(request.csr);
	request.csr = malloc(WEFT_MESSAGE_MAX + 1);
	memset(request.csr, 'x', WEFT_MESSAGE_MAX);
	request.csr[WEFT_MESSAGE_MAX] = '\0';
	assert_int_equal(weft_join_request_encode(&request, &text, &len, &err), -EMSGSIZE);
	weft_join_request_uninit(&request);
}

static void answer_is_read_as_it_was_written(void **state)
{
	struct weft_join_answer answer = { .certificate = strdup("c"), .bundle = strdup("b") };
	struct weft_join_answer read;
	char *text;
	size_t len;

	assert_int_equal(weft_join_answer_encode(&answer, &text, &len, NULL), 0);
	assert_int_equal(weft_join_answer_decode(text, len, WEFT_JOIN_OP_SIGN, &read, NULL), 0);
	assert_int_equal(read.error, 0);
	assert_string_equal(read.certificate, "c");
	assert_string_equal(read.bundle, "b");
	weft_join_answer_uninit(&read);
	/* Nobody asked for a certificate. */
	assert_int_equal(weft_join_answer_decode(text, len, WEFT_JOIN_OP_BUNDLE, &read, NULL),
			 -EBADMSG);
	weft_message_free(text, len);
	weft_join_answer_uninit(&answer);
}

static void error_crosses_with_its_words_made_safe(void **state)
{
	struct weft_join_answer answer = { .error = -EACCES }, read;
	char *text;
	size_t len;

	strcpy(answer.text.text, "no \x1b[31m\n\xff");
	assert_int_equal(weft_join_answer_encode(&answer, &text, &len, NULL), 0);
	assert_int_equal(weft_join_answer_decode(text, len, WEFT_JOIN_OP_SIGN, &read, NULL), 0);
	assert_int_equal(read.error, -EACCES);
	assert_string_equal(read.text.text, "no ?[31m??");
	weft_message_free(text, len);

	/* Of the connection's own errors none can be sent. */
	answer.error = -EKEYREJECTED;
	assert_int_equal(weft_join_answer_encode(&answer, &text, &len, NULL), 0);
	assert_int_equal(weft_join_answer_decode(text, len, WEFT_JOIN_OP_SIGN, &read, NULL), 0);
	assert_int_equal(read.error, -EIO);
	weft_message_free(text, len);
}

static void answer_that_is_none_is_refused(void **state)
{
	static const struct {
		const char *text, *says;
	} wrong[] = {
		{ "{}", "\"certificate\" must be a string" },
		{ "{\"certificate\":\"c\"}", "\"bundle\" must be a string" },
		{ "{\"certificate\":\"c\",\"bundle\":\"b\",\"x\":0}", "not known" },
		{ "{\"error\":1}", "\"error\" must be an object" },
		{ "{\"error\":{\"code\":\"EACCES\"}}", "\"text\" must be a string" },
		{ "{\"error\":{\"code\":\"ECONNREFUSED\",\"text\":\"\"}}", "is not known" },
		{ "{\"error\":{\"code\":\"EACCES\",\"text\":\"\"},\"bundle\":\"b\"}", "not known" },
		{ "{\"error\":{\"code\":\"EACCES\",\"text\":\"\",\"x\":1}}", "not known" },
	};

	for (size_t i = 0; i < WEFT_ARRAY_SIZE(wrong); i++) {
		struct weft_join_answer answer;
		struct weft_error err = { 0 };

		assert_int_equal(weft_join_answer_decode(wrong[i].text, strlen(wrong[i].text),
							 WEFT_JOIN_OP_JOIN, &answer, &err),
				 -EBADMSG);
		assert_says(&err, wrong[i].says);
	}
}

static void where_the_ca_is_has_host_and_port(void **state)
{
	static const char *const wrong[] = { "",	"host", "host:",   ":80",      "host:0",
					     "h:65536", "[]:1", "fd00::1", "fd00::1:80", "[fd00::1]",
					     "[fd00::1:80" };
	const char *port;
	char *host;

	assert_int_equal(weft_dial_parse("ca.example.org:4433", &host, &port, NULL), 0);
	assert_string_equal(host, "ca.example.org");
	assert_string_equal(port, "4433");
	free(host);
	assert_int_equal(weft_dial_parse("[fd00::1]:80", &host, &port, NULL), 0);
	assert_string_equal(host, "fd00::1");
	free(host);
	for (size_t i = 0; i < WEFT_ARRAY_SIZE(wrong); i++) {
		struct weft_error err = { 0 };

		assert_int_equal(weft_dial_parse(wrong[i], &host, &port, &err), -EINVAL);
		assert_says(&err, "is not HOST:PORT");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_is_read_as_it_was_written),
		cmocka_unit_test(join_carries_token_and_secret),
		cmocka_unit_test(request_that_is_none_is_refused),
		cmocka_unit_test(request_with_a_nul_is_refused),
		cmocka_unit_test(request_with_too_much_is_refused),
		cmocka_unit_test(answer_is_read_as_it_was_written),
		cmocka_unit_test(error_crosses_with_its_words_made_safe),
		cmocka_unit_test(answer_that_is_none_is_refused),
		cmocka_unit_test(where_the_ca_is_has_host_and_port),
	};

	return cmocka_run_group_tests_name("join_message", tests, NULL, NULL);
}
