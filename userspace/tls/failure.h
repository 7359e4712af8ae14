/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why a handshake failed: the reason of the kernel interface, and words. Used by
 * hs.c. Values; any thread.
 */
#ifndef WEFT_TLS_FAILURE_H
#define WEFT_TLS_FAILURE_H

#include <linux/weft.h>
#include <openssl/ssl.h>
#include "tls/bio.h"

struct weft_failure {
	enum weft_reason reason;	  /* NONE: nothing failed */
	char detail[WEFT_DETAIL_MAX + 1]; /* printable ASCII */
};

/* The first failure stays: what follows is its consequence. What is not printable
 * becomes '?', what does not fit is cut off. */
void weft_failure_set(struct weft_failure *failure, enum weft_reason reason, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * weft_failure_from_ssl() - what OpenSSL's error queue and the socket say
 * @error: of SSL_get_error(), one that ends the connection
 *
 * Empties the queue.
 */
void weft_failure_from_ssl(struct weft_failure *failure, int error, const struct weft_tls_io *io);

#endif
