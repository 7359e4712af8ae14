// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a handshake costs in user space: both sides of it, in one process, over
 * a pair of sockets, up to the keys for the kernel.
 *
 *   bench_tls_handshake full|resumed COUNT
 *
 * Prints nanoseconds of processor time per handshake (both sides together). In a
 * guest with --icount, as bench.sh runs it, these are instructions; elsewhere
 * valgrind --tool=callgrind counts them.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "pki/cert.h"
#include "tls/hs.h"

#define CLIENT "spiffe://example.org/shop/cart"
#define SERVER "spiffe://example.org/shop/payments"
#define HOUR 3600LL

struct authority {
	EVP_PKEY *key;
	X509 *cert;
};

static void must(int r, const char *what)
{
	if (!r)
		return;
	fprintf(stderr, "bench_tls_handshake: %s: %s\n", what, strerror(abs(r)));
	exit(1);
}

static X509 *make_cert(const char *uri, EVP_PKEY *key, const struct authority *ca)
{
	const struct weft_cert_spec spec = {
		.uri = uri,
		.key = key,
		.not_before = time(NULL) - HOUR,
		.not_after = time(NULL) + HOUR,
		.issuer = ca ? ca->cert : NULL,
		.issuer_key = ca ? ca->key : NULL,
	};
	X509 *cert = NULL;

	must(weft_cert_make(&spec, &cert, NULL), "certificate");
	return cert;
}

static struct weft_tls_ctx *make_ctx(enum weft_role role, const char *uri,
				     const struct authority *ca, struct weft_bundle *bundle)
{
	struct weft_tls_ctx *ctx = NULL;
	struct weft_svid *svid = NULL;
	EVP_PKEY *key = NULL;

	must(weft_cert_key(&key, NULL), "key");
	must(weft_svid_create(make_cert(uri, key, ca), NULL, key, &svid, NULL), "SVID");
	must(weft_tls_ctx_create(role, svid, bundle, &ctx, NULL), "context");
	weft_svid_put(svid);
	return ctx;
}

static enum weft_hs_status step(struct weft_hs *hs)
{
	enum weft_hs_status status = weft_hs_step(hs);

	if (status == WEFT_HS_JUDGE)
		status = weft_hs_judged(hs, true, 0);
	if (status == WEFT_HS_FAILED)
		must(EPROTO, weft_hs_detail(hs));
	return status;
}

static void take_keys(struct weft_hs *hs)
{
	struct weft_ktls_key tx, rx;

	must(weft_hs_keys(hs, &tx, &rx, NULL), "keys");
	weft_ktls_wipe(&tx);
	weft_ktls_wipe(&rx);
}

/* One handshake, from nothing to the keys. Return: was it resumed? */
static bool handshake(struct weft_tls_ctx *client, struct weft_tls_ctx *server)
{
	static const struct weft_addr addr = { .ip = { 10 }, .port = 80 };
	enum weft_hs_status c = WEFT_HS_WANT_WRITE, s = WEFT_HS_WANT_READ;
	struct weft_hs *hs[2];
	int fd[2], turns;
	bool resumed;

	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), "socketpair");
	must(weft_hs_start(client, fd[0], "payments", &hs[0], NULL), "client");
	must(weft_hs_start(server, fd[1], NULL, &hs[1], NULL), "server");
	weft_hs_resume(hs[0], &addr, 1);
	weft_hs_resume(hs[1], &addr, 1);
	for (turns = 0; turns < 100 && (c != WEFT_HS_DONE || s != WEFT_HS_DONE); turns++) {
		c = step(hs[0]);
		s = step(hs[1]);
	}
	take_keys(hs[0]);
	take_keys(hs[1]);
	resumed = weft_hs_is_resumed(hs[0]) && weft_hs_is_resumed(hs[1]);
	for (int i = 0; i < 2; i++) {
		weft_hs_destroy(hs[i]);
		close(fd[i]);
	}
	return resumed;
}

static uint64_t used_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec * UINT64_C(1000000000) + ts.tv_nsec;
}

int main(int argc, char **argv)
{
	struct weft_bundle *bundle = weft_bundle_create();
	struct authority ca = { 0 };
	struct weft_tls_ctx *client, *server;
	int count = argc == 3 ? atoi(argv[2]) : 0;
	bool resumed = count && !strcmp(argv[1], "resumed");
	struct weft_resume *resume;
	uint64_t start;

	if (!count || (!resumed && strcmp(argv[1], "full"))) {
		fputs("usage: bench_tls_handshake full|resumed COUNT\n", stderr);
		return 2;
	}

	must(weft_cert_key(&ca.key, NULL), "key");
	ca.cert = make_cert("spiffe://example.org", ca.key, NULL);
	must(weft_bundle_add(bundle, ca.cert, "example.org", NULL), "bundle");
	client = make_ctx(WEFT_ROLE_CLIENT, CLIENT, &ca, bundle);
	server = make_ctx(WEFT_ROLE_SERVER, SERVER, &ca, bundle);

	if (resumed) {
		resume = weft_resume_create();
		weft_tls_ctx_set_resume(client, resume);
		weft_tls_ctx_set_resume(server, resume);
		weft_resume_put(resume);
	}
	handshake(client, server);
	start = used_ns();
	for (int i = 0; i < count; i++)
		must(handshake(client, server) == resumed ? 0 : EPROTO, argv[1]);
	printf("%s %" PRIu64 "\n", argv[1], (used_ns() - start) / count);

	weft_tls_ctx_put(client);
	weft_tls_ctx_put(server);
	weft_bundle_put(bundle);
	X509_free(ca.cert);
	EVP_PKEY_free(ca.key);
	return 0;
}
