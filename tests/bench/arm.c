// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * arm - preloaded into a client or a server: every TCP connection to or from port
 * $ARM_PORT gets kTLS with keys that everybody knows, as soon as it is there.  So the
 * benchmark sees what the kernel's TLS costs without a mesh: the floor.
 * TLS 1.3, AES-128-GCM, sequence numbers from 0, as weftd arms it; and no padding is
 * expected, so that kTLS decrypts into the reader's memory, which weft does not (yet).
 */
#include <dlfcn.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#ifndef SOL_TLS
#define SOL_TLS 282
#endif
#ifndef TLS_RX_EXPECT_NO_PAD
#define TLS_RX_EXPECT_NO_PAD 4
#endif

int accept4(int fd, struct sockaddr *restrict addr, socklen_t *restrict len, int flags);
int connect(int fd, const struct sockaddr *addr, socklen_t len);

static void arm(int fd, int server)
{
	struct tls12_crypto_info_aes_gcm_128 tx = {
		.info.version = TLS_1_3_VERSION,
		.info.cipher_type = TLS_CIPHER_AES_GCM_128,
	}, rx = tx;
	const int one = 1;

	memset(tx.key, server ? 1 : 2, sizeof(tx.key));
	memset(rx.key, server ? 2 : 1, sizeof(rx.key));
	if (setsockopt(fd, SOL_TCP, TCP_ULP, "tls", 4) ||
	    setsockopt(fd, SOL_TLS, TLS_TX, &tx, sizeof(tx)) ||
	    setsockopt(fd, SOL_TLS, TLS_RX, &rx, sizeof(rx)) ||
	    setsockopt(fd, SOL_TLS, TLS_RX_EXPECT_NO_PAD, &one, sizeof(one))) {
		perror("arm");
		abort();
	}
}

static int port;	/* nginx throws its environment away */

__attribute__((constructor)) static void start(void)
{
	const char *p = getenv("ARM_PORT");

	port = p ? atoi(p) : 0;
}

static int armed(const struct sockaddr_in *a)
{
	return port && a->sin_family == AF_INET && ntohs(a->sin_port) == port;
}

int accept4(int fd, struct sockaddr *restrict addr, socklen_t *restrict len, int flags)
{
	int (*next)(int fd, struct sockaddr *restrict addr, socklen_t *restrict len, int flags) =
		dlsym(RTLD_NEXT, "accept4");
	struct sockaddr_in mine;
	socklen_t n = sizeof(mine);
	int s = next(fd, addr, len, flags);

	if (s >= 0 && !getsockname(s, (struct sockaddr *)&mine, &n) && armed(&mine))
		arm(s, 1);
	return s;
}

int connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	int (*next)(int fd, const struct sockaddr *addr, socklen_t len) =
		dlsym(RTLD_NEXT, "connect");
	int rc = next(fd, addr, len);

	if (!rc && armed((const struct sockaddr_in *)addr))
		arm(fd, 0);
	return rc;
}
