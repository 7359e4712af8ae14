// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Traffic keys: against RFC 8448, and against what OpenSSL's records decrypt with.
 * And the words for what went wrong.
 */
#include "tls_fixture.h"

#include <sys/syscall.h>
#include <unistd.h>
#include "tls/failure.h"

/* RFC 8448, section 3, "Simple 1-RTT Handshake" */
#define RANDOM "cb34ecb1e78163ba1c38c6dacb196a6dffa21a8d9912ec18a2ef6283024dece7"
#define CLIENT_SECRET "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5"
#define SERVER_SECRET "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643"

static const uint8_t client_key[] = { 0x17, 0x42, 0x2d, 0xda, 0x59, 0x6e, 0xd5, 0xd9,
				      0xac, 0xd8, 0x90, 0xe3, 0xc6, 0x3f, 0x50, 0x51 };
static const uint8_t client_iv[] = { 0x5b, 0x78, 0x92, 0x3d, 0xee, 0x08,
				     0x57, 0x90, 0x33, 0xe5, 0x23, 0xd9 };
static const uint8_t server_key[] = { 0x9f, 0x02, 0x28, 0x3b, 0x6c, 0x9c, 0x07, 0xef,
				      0xc2, 0x6b, 0xb9, 0xf2, 0xac, 0x92, 0xe3, 0x56 };
static const uint8_t server_iv[] = { 0xcf, 0x78, 0x2b, 0x88, 0xdd, 0x83,
				     0x54, 0x9a, 0xad, 0xf1, 0xe9, 0x84 };

/* The suite's object needs an SSL that knows it. */
static const SSL_CIPHER *suite(const char *name, SSL_CTX **ctx, SSL **ssl)
{
	*ctx = SSL_CTX_new(TLS_client_method());
	assert_int_equal(SSL_CTX_set_ciphersuites(*ctx, name), 1);
	SSL_CTX_set_min_proto_version(*ctx, TLS1_3_VERSION);
	*ssl = SSL_new(*ctx);
	return sk_SSL_CIPHER_value(SSL_get_ciphers(*ssl), 0);
}

static void keys_are_those_of_rfc_8448(void **state)
{
	struct weft_secret client, server;
	struct weft_ktls_key key;
	const SSL_CIPHER *cipher;
	struct aead a;
	SSL_CTX *ctx;
	SSL *ssl;

	cipher = suite("TLS_AES_128_GCM_SHA256", &ctx, &ssl);
	assert_int_equal(weft_secret_parse("CLIENT_TRAFFIC_SECRET_0 " RANDOM " " CLIENT_SECRET,
					   WEFT_SECRET_CLIENT, &client),
			 0);
	assert_int_equal(weft_secret_parse("SERVER_TRAFFIC_SECRET_0 " RANDOM " " SERVER_SECRET,
					   WEFT_SECRET_SERVER, &server),
			 0);
	assert_int_equal(weft_ktls_derive(&key, cipher, &client, 0, NULL), 0);
	a = aead_of(&key);
	assert_memory_equal(a.key, client_key, sizeof(client_key));
	assert_memory_equal(a.iv, client_iv, sizeof(client_iv));
	assert_int_equal(a.seq, 0);
	assert_int_equal(key.secret.len, 32);
	assert_memory_equal(key.secret.bytes, client.bytes, 32);
	assert_int_equal(weft_ktls_derive(&key, cipher, &server, 0x0102030405060708, NULL), 0);
	a = aead_of(&key);
	assert_memory_equal(a.key, server_key, sizeof(server_key));
	assert_memory_equal(a.iv, server_iv, sizeof(server_iv));
	assert_true(a.seq == 0x0102030405060708);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
}

static void secret_must_fit_the_suite(void **state)
{
	struct weft_secret secret = { .len = 32 };
	struct weft_error err = { 0 };
	struct weft_ktls_key key;
	const SSL_CIPHER *cipher;
	SSL_CTX *ctx;
	SSL *ssl;

	cipher = suite("TLS_AES_256_GCM_SHA384", &ctx, &ssl);
	assert_int_equal(weft_ktls_derive(&key, cipher, &secret, 0, &err), -EINVAL);
	assert_non_null(strstr(err.text, "32 bytes"));
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	cipher = suite("TLS_AES_128_CCM_SHA256", &ctx, &ssl);
	assert_int_equal(weft_ktls_derive(&key, cipher, &secret, 0, &err), -EOPNOTSUPP);
	assert_non_null(strstr(err.text, "TLS_AES_128_CCM_SHA256"));
	SSL_free(ssl);
	SSL_CTX_free(ctx);
}

static void key_log_lines_are_parsed_strictly(void **state)
{
	static const struct {
		const char *line;
		int result;
	} cases[] = {
		{ "CLIENT_TRAFFIC_SECRET_0 00 aBcD", 0 },
		{ "CLIENT_TRAFFIC_SECRET_0", -ENOENT },
		{ "CLIENT_TRAFFIC_SECRET_1 00 abcd", -ENOENT },
		{ "CLIENT_HANDSHAKE_TRAFFIC_SECRET 00 abcd", -ENOENT },
		{ "", -ENOENT },
		{ "CLIENT_TRAFFIC_SECRET_0 00", -EINVAL },
		{ "CLIENT_TRAFFIC_SECRET_0 00 ", -EINVAL },
		{ "CLIENT_TRAFFIC_SECRET_0 00 abc", -EINVAL },
		{ "CLIENT_TRAFFIC_SECRET_0 00 abcg", -EINVAL },
		{ "CLIENT_TRAFFIC_SECRET_0 00 ab cd", -EINVAL },
		{ "CLIENT_TRAFFIC_SECRET_0 00 " CLIENT_SECRET CLIENT_SECRET "00", -EINVAL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct weft_secret secret = { 0 };

		assert_int_equal(weft_secret_parse(cases[i].line, WEFT_SECRET_CLIENT, &secret),
				 cases[i].result);
		assert_int_equal(secret.len, cases[i].result ? 0 : 2);
		assert_int_equal(secret.bytes[0], cases[i].result ? 0 : 0xab);
	}
}

/* The engine in one role, OpenSSL in the other, then data through "the kernel". */
static void talk(struct world *w, bool engine_is_server, bool is_weft, const char *suite_name,
		 const char *groups)
{
	const struct habits habits = {
		.is_server = !engine_is_server,
		.alpn = is_weft && engine_is_server ? "\x06weft/1" : NULL,
		.select = is_weft && !engine_is_server ? select_first : NULL,
		.suites = suite_name,
		.groups = groups,
	};
	struct weft_ktls_key ktx, krx;
	struct aead tx, rx;
	enum weft_hs_status status;
	struct foreign f;
	struct weft_hs *hs;
	char buf[8];
	int fd[2];

	new_pair(fd);
	foreign_init(&f, w, &habits, fd[1]);
	hs = new_hs(engine_is_server ? w->server : w->client, fd[0]);
	status = run_against(hs, &f);
	assert_int_equal(f.result, 1);
	if (is_weft && !engine_is_server) {
		assert_int_equal(status, WEFT_HS_WANT_READ); /* no confirm yet */
		assert_int_equal(SSL_write(f.ssl, "\x01\x00", 2), 2);
		status = weft_hs_step(hs);
	}
	assert_int_equal(status, WEFT_HS_DONE);
	assert_string_equal(weft_hs_cipher(hs), suite_name);
	assert_int_equal(weft_hs_is_weft(hs), is_weft);
	if (is_weft && engine_is_server) {
		assert_int_equal(SSL_read(f.ssl, buf, sizeof(buf)), 2);
		assert_memory_equal(buf, "\x01\x00", 2);
	}
	assert_int_equal(weft_hs_keys(hs, &ktx, &krx, NULL), 0);
	weft_hs_destroy(hs);
	tx = aead_of(&ktx);
	rx = aead_of(&krx);
	assert_int_equal(tx.seq, is_weft && engine_is_server);
	assert_int_equal(rx.seq, is_weft && !engine_is_server);
	assert_talks(fd[0], &tx, &rx, &f);
	foreign_uninit(&f);
	close_pair(fd);
}

static void talk_all(struct world *w, bool engine_is_server, bool is_weft)
{
	talk(w, engine_is_server, is_weft, "TLS_AES_128_GCM_SHA256", NULL);
	talk(w, engine_is_server, is_weft, "TLS_AES_256_GCM_SHA384", NULL);
	talk(w, engine_is_server, is_weft, "TLS_CHACHA20_POLY1305_SHA256", NULL);
}

static void kernel_goes_on_as_server_after_the_confirm(void **state)
{
	talk_all(*state, true, true);
}

static void kernel_goes_on_as_server_without_confirm(void **state)
{
	talk_all(*state, true, false);
}

static void kernel_goes_on_as_client_after_the_confirm(void **state)
{
	talk_all(*state, false, true);
}

static void kernel_goes_on_as_client_without_confirm(void **state)
{
	talk_all(*state, false, false);
}

/* The peer's first guess at a group is none of ours: one more round trip. */
static void kernel_goes_on_after_a_hello_retry(void **state)
{
	talk(*state, true, true, "TLS_AES_128_GCM_SHA256", "P-384:P-256");
	talk(*state, true, false, "TLS_AES_128_GCM_SHA256", "P-384:P-256");
	talk(*state, false, true, "TLS_AES_128_GCM_SHA256", "P-256");
	talk(*state, false, false, "TLS_AES_128_GCM_SHA256", "P-256");
}

static void installing_says_what_the_kernel_refused(void **state)
{
	struct weft_ktls_key key = { .info = { TLS_1_3_VERSION, TLS_CIPHER_AES_GCM_128 },
				     .len = sizeof(key.aes_gcm_128) };
	struct weft_error err = { 0 };
	int fd[2];

	new_pair(fd); /* no TCP: cannot have kernel TLS */
	assert_true(weft_ktls_install(fd[0], &key, &key, &err) < 0);
	assert_non_null(strstr(err.text, "sending"));
	close_pair(fd);
}

/* ---- what the kernel is told; this program's own setsockopt() listens ---- */

#define SOL_TLS_LEVEL 282

static struct {
	bool listening;
	int fail_option, error; /* which is refused, and how */
	int options[4], calls;
	struct weft_tls_secrets secrets;
} heard;

int setsockopt(int fd, int level, int option, const void *value, socklen_t len)
{
	if (!heard.listening || level != SOL_TLS_LEVEL)
		return syscall(SYS_setsockopt, fd, level, option, value, len);
	assert_in_range(heard.calls, 0, 3);
	heard.options[heard.calls++] = option;
	if (option == WEFT_TLS_SECRETS) {
		assert_int_equal(len, sizeof(heard.secrets));
		memcpy(&heard.secrets, value, len);
	}
	if (option != heard.fail_option)
		return 0;
	errno = heard.error;
	return -1;
}

static int install_told(size_t secret_len, int fail_option, int error, struct weft_error *err)
{
	struct weft_ktls_key tx = { .info = { TLS_1_3_VERSION, TLS_CIPHER_AES_GCM_128 },
				    .len = sizeof(tx.aes_gcm_128),
				    .secret.len = secret_len };
	struct weft_ktls_key rx = tx;
	int r;

	memset(tx.secret.bytes, 0x11, secret_len);
	memset(rx.secret.bytes, 0x22, secret_len);
	memset(&heard, 0, sizeof(heard));
	heard.fail_option = fail_option;
	heard.error = error;
	heard.listening = true;
	r = weft_ktls_install(-1, &tx, &rx, err);
	heard.listening = false;
	return r;
}

static void secrets_go_to_the_kernel_behind_the_keys(void **state)
{
	struct weft_tls_secrets expected = { .len = 32 };

	memset(expected.tx, 0x11, 32);
	memset(expected.rx, 0x22, 32);
	assert_int_equal(install_told(32, 0, 0, NULL), 0);
	assert_int_equal(heard.calls, 3);
	assert_int_equal(heard.options[0], TLS_TX);
	assert_int_equal(heard.options[1], TLS_RX);
	assert_int_equal(heard.options[2], WEFT_TLS_SECRETS);
	assert_memory_equal(&heard.secrets, &expected, sizeof(expected));
	assert_int_equal(install_told(48, 0, 0, NULL), 0);
	assert_int_equal(heard.secrets.len, 48);
	assert_int_equal(heard.secrets.rx[47], 0x22);
}

static void no_secrets_are_told_without_keys(void **state)
{
	assert_int_equal(install_told(0, 0, 0, NULL), 0);
	assert_int_equal(heard.calls, 2);
	assert_int_equal(install_told(32, TLS_RX, EINVAL, NULL), -EINVAL);
	assert_int_equal(heard.calls, 2);
}

static void module_that_renews_no_keys_is_no_failure(void **state)
{
	assert_int_equal(install_told(32, WEFT_TLS_SECRETS, ENOPROTOOPT, NULL), 0);
	assert_int_equal(install_told(32, WEFT_TLS_SECRETS, EOPNOTSUPP, NULL), 0);
}

static void secrets_that_are_refused_fail_it(void **state)
{
	struct weft_error err = { 0 };

	assert_int_equal(install_told(32, WEFT_TLS_SECRETS, EINVAL, &err), -EINVAL);
	assert_non_null(strstr(err.text, "secrets"));
}

static void wiped_key_takes_its_secret_along(void **state)
{
	static const struct weft_ktls_key nothing;
	struct weft_ktls_key key;

	memset(&key, 0x5a, sizeof(key));
	weft_ktls_wipe(&key);
	assert_memory_equal(&key, &nothing, sizeof(key));
}

/* ---- words ---- */

static void assert_failure(int lib, int reason, int error, const struct weft_tls_io *io,
			   enum weft_reason expected, const char *words)
{
	static const struct weft_tls_io nothing;
	struct weft_failure failure = { 0 };

	ERR_clear_error();
	if (reason)
		ERR_raise(lib, reason);
	weft_failure_from_ssl(&failure, error, io ? io : &nothing);
	if (failure.reason != expected || !strstr(failure.detail, words))
		fail_msg("reason %d \"%s\", expected %d \"%s\"", failure.reason, failure.detail,
			 expected, words);
	assert_int_equal(ERR_peek_error(), 0);
}

static void failures_have_the_right_reason(void **state)
{
	const struct weft_tls_io reset = { .error = ECONNRESET }, pipe = { .error = EPIPE };
	const struct weft_tls_io nobufs = { .error = ENOBUFS }, other = { .error = EHOSTUNREACH };
	const struct weft_tls_io eof = { .eof = true };

	assert_failure(ERR_LIB_SSL, 1000 + SSL_AD_ACCESS_DENIED, SSL_ERROR_SSL, NULL,
		       WEFT_REASON_PEER_DENIED, "access denied");
	assert_failure(ERR_LIB_SSL, 1000 + SSL_AD_UNKNOWN_CA, SSL_ERROR_SSL, NULL,
		       WEFT_REASON_ALERT, "48 (unknown CA): it refuses our certificate");
	assert_failure(ERR_LIB_SSL, 1000 + SSL_AD_HANDSHAKE_FAILURE, SSL_ERROR_SSL, NULL,
		       WEFT_REASON_ALERT, "40 (handshake failure)");
	assert_failure(ERR_LIB_SSL, SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, SSL_ERROR_SSL, NULL,
		       WEFT_REASON_PEER_CERTIFICATE, "no certificate");
	assert_failure(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE, SSL_ERROR_SSL, NULL,
		       WEFT_REASON_RESOURCES, "memory");
	assert_failure(ERR_LIB_EVP, 100, SSL_ERROR_SSL, NULL, WEFT_REASON_TLS, "");
	assert_failure(ERR_LIB_SSL, SSL_R_UNSUPPORTED_PROTOCOL, SSL_ERROR_SSL, &pipe,
		       WEFT_REASON_TLS, "does not speak TLS 1.3");
	assert_failure(ERR_LIB_SSL, SSL_R_UNEXPECTED_EOF_WHILE_READING, SSL_ERROR_SSL, &eof,
		       WEFT_REASON_RESET, "closed");
	assert_failure(0, 0, SSL_ERROR_ZERO_RETURN, NULL, WEFT_REASON_RESET, "closed");
	assert_failure(0, 0, SSL_ERROR_SYSCALL, &reset, WEFT_REASON_RESET, "reset");
	assert_failure(0, 0, SSL_ERROR_SYSCALL, &nobufs, WEFT_REASON_RESOURCES, "");
	assert_failure(0, 0, SSL_ERROR_SYSCALL, &other, WEFT_REASON_TLS, "socket: ");
	assert_failure(0, 0, SSL_ERROR_SYSCALL, NULL, WEFT_REASON_TLS, "OpenSSL error");
}

static void first_failure_stays_and_is_printable(void **state)
{
	struct weft_failure failure = { 0 };
	char longer[WEFT_DETAIL_MAX + 50];

	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	longer[1] = '\n';
	longer[2] = '\x80';
	weft_failure_set(&failure, WEFT_REASON_TLS, "%s", longer);
	weft_failure_set(&failure, WEFT_REASON_RESET, "later");
	assert_int_equal(failure.reason, WEFT_REASON_TLS);
	assert_int_equal(strlen(failure.detail), WEFT_DETAIL_MAX);
	assert_memory_equal(failure.detail, "x??x", 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_those_of_rfc_8448),
		cmocka_unit_test(secret_must_fit_the_suite),
		cmocka_unit_test(key_log_lines_are_parsed_strictly),
		cmocka_unit_test(kernel_goes_on_as_server_after_the_confirm),
		cmocka_unit_test(kernel_goes_on_as_server_without_confirm),
		cmocka_unit_test(kernel_goes_on_as_client_after_the_confirm),
		cmocka_unit_test(kernel_goes_on_as_client_without_confirm),
		cmocka_unit_test(kernel_goes_on_after_a_hello_retry),
		cmocka_unit_test(installing_says_what_the_kernel_refused),
		cmocka_unit_test(secrets_go_to_the_kernel_behind_the_keys),
		cmocka_unit_test(no_secrets_are_told_without_keys),
		cmocka_unit_test(module_that_renews_no_keys_is_no_failure),
		cmocka_unit_test(secrets_that_are_refused_fail_it),
		cmocka_unit_test(wiped_key_takes_its_secret_along),
		cmocka_unit_test(failures_have_the_right_reason),
		cmocka_unit_test(first_failure_stays_and_is_printable),
	};

	return cmocka_run_group_tests_name("tls_key", tests, world_setup, world_teardown);
}
