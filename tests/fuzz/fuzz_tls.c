// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzz target for what strangers send in a handshake: the first byte chooses our
 * role, the rest is the peer's. Whoever cannot sign is never judged, and what
 * fails has a reason in printable words.
 *
 * libFuzzer calls LLVMFuzzerTestOneInput(); its main() also runs the files that are
 * named on its command line.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "pki/cert.h"
#include "tls/hs.h"

#define DAY 86400
#define INPUT_MAX 65536 /* what a socket pair holds without a reader */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct weft_tls_ctx *contexts[2]; /* by role */

static void must(int ret)
{
	if (ret)
		abort();
}

static void setup(void)
{
	struct weft_cert_spec spec = {
		.uri = "spiffe://example.org",
		.not_before = time(NULL) - DAY,
		.not_after = time(NULL) + DAY,
	};
	struct weft_bundle *bundle = weft_bundle_create();
	struct weft_svid *svid;
	X509 *root, *leaf;
	EVP_PKEY *key;

	must(!bundle || weft_cert_key(&spec.key, NULL) || weft_cert_make(&spec, &root, NULL) ||
	     weft_bundle_add(bundle, root, "example.org", NULL));
	spec.issuer = root;
	spec.issuer_key = spec.key;
	must(weft_cert_key(&key, NULL));
	spec.key = key;
	spec.uri = "spiffe://example.org/fuzz";
	must(weft_cert_make(&spec, &leaf, NULL) || weft_svid_create(leaf, NULL, key, &svid, NULL));
	for (int role = WEFT_ROLE_CLIENT; role <= WEFT_ROLE_SERVER; role++)
		must(weft_tls_ctx_create(role, svid, bundle, &contexts[role], NULL));
}

static void check(const struct weft_hs *hs, enum weft_hs_status status)
{
	if (status == WEFT_HS_JUDGE || status == WEFT_HS_DONE || weft_hs_peer(hs))
		abort();
	if (status != WEFT_HS_FAILED)
		return;
	if (weft_hs_reason(hs) == WEFT_REASON_NONE || !*weft_hs_detail(hs))
		abort();
	for (const char *p = weft_hs_detail(hs); *p; p++)
		if (*p < ' ' || *p > '~')
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct weft_hs *hs;
	int fd[2], role;

	if (!contexts[0])
		setup();
	if (size < 1 || size > INPUT_MAX)
		return 0;
	role = data[0] & 1 ? WEFT_ROLE_SERVER : WEFT_ROLE_CLIENT;
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) ||
	     weft_hs_start(contexts[role], fd[0], "fuzz", &hs, NULL));
	must(send(fd[1], data + 1, size - 1, MSG_DONTWAIT) != (ssize_t)size - 1);
	check(hs, weft_hs_step(hs));
	shutdown(fd[1], SHUT_WR);
	check(hs, weft_hs_step(hs));
	weft_hs_destroy(hs);
	close(fd[0]);
	close(fd[1]);
	return 0;
}
