// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * OpenSSL's view of the application's socket. OpenSSL's own socket BIO will not
 * do: it calls read() and write(), which block unless the descriptor has
 * O_NONBLOCK (a flag of the open file, thus the application's), and it may switch
 * kernel TLS on by itself when openssl.cnf says so. The method is made once and
 * lives as long as the program.
 */
#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>
#include "tls/bio.h"

static BIO_METHOD *method;
static pthread_once_t method_once = PTHREAD_ONCE_INIT;

static int io_read(BIO *bio, char *buf, int len)
{
	struct weft_tls_io *io = BIO_get_data(bio);
	ssize_t n;

	BIO_clear_retry_flags(bio);
	do
		n = recv(io->fd, buf, len, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		return n;
	if (!n)
		io->eof = true;
	else if (errno == EAGAIN || errno == EWOULDBLOCK)
		BIO_set_retry_read(bio);
	else
		io->error = errno;
	return n;
}

static int io_write(BIO *bio, const char *buf, int len)
{
	struct weft_tls_io *io = BIO_get_data(bio);
	ssize_t n;

	BIO_clear_retry_flags(bio);
	do
		n = send(io->fd, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return n;
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		BIO_set_retry_write(bio);
	else
		io->error = errno;
	return n;
}

static long io_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
	struct weft_tls_io *io = BIO_get_data(bio);

	switch (cmd) {
	case BIO_CTRL_FLUSH:
		return 1;
	case BIO_CTRL_EOF:
		return io->eof;
	default:
		return 0; /* among them: kernel TLS */
	}
}

static void make_method(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "weft socket");

	if (m && BIO_meth_set_read(m, io_read) && BIO_meth_set_write(m, io_write) &&
	    BIO_meth_set_ctrl(m, io_ctrl))
		method = m;
	else
		BIO_meth_free(m);
}

BIO *weft_tls_bio_new(struct weft_tls_io *io)
{
	BIO *bio;

	pthread_once(&method_once, make_method);
	bio = method ? BIO_new(method) : NULL;
	if (!bio)
		return NULL;
	BIO_set_data(bio, io);
	BIO_set_init(bio, 1);
	return bio;
}
