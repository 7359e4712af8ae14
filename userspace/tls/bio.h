/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * OpenSSL's view of the application's socket: never blocks whatever the flags of
 * the descriptor are, raises no SIGPIPE, reads no more than it was asked for, and
 * remembers how the socket failed. Used by hs.c; one thread at a time per object.
 */
#ifndef WEFT_TLS_BIO_H
#define WEFT_TLS_BIO_H

#include <openssl/bio.h>
#include <stdbool.h>

struct weft_tls_io {
	int fd;	   /* not owned */
	int error; /* positive errno of the call that failed; 0: none did */
	bool eof;  /* the peer closed */
};

/* A BIO over @io, which must outlive it; the caller's to free. NULL: out of memory. */
BIO *weft_tls_bio_new(struct weft_tls_io *io);

#endif
