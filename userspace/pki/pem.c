// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Keys and certificates in PEM files. A key is read only from a file that is its
 * owner's alone, and every buffer it was in is wiped. Any thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/file.h"
#include "pki/crypto.h"
#include "pki/pem.h"

/* Looked at through the descriptor, so that what is checked is what is read. */
static int check_key_file(int fd, const char *path, struct weft_error *err)
{
	struct stat st;

	if (fstat(fd, &st))
		return weft_error_set(err, errno, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return weft_error_set(err, EINVAL, "%s: not a regular file", path);
	if (st.st_mode & 077)
		return weft_error_set(err, EPERM,
				      "%s: mode %04o opens the private key to others: "
				      "chmod 0600 %s",
				      path, (unsigned int)st.st_mode & 07777, path);
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return weft_error_set(err, EPERM,
				      "%s: the private key belongs to uid %u: chown %u %s", path,
				      (unsigned int)st.st_uid, (unsigned int)geteuid(), path);
	if (st.st_size > WEFT_PEM_KEY_MAX)
		return weft_error_set(err, EFBIG, "%s: %lld bytes are too many for a private key",
				      path, (long long)st.st_size);
	return 0;
}

/* Return: bytes read, or negative errno. */
static ssize_t read_all(int fd, char *buf, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (len < size) {
		n = read(fd, buf + len, size - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		len += n;
	}
	return len;
}

/* Without this OpenSSL would ask for the password on the terminal. */
static int no_password(char *buf, int size, int rwflag, void *asked)
{
	*(bool *)asked = true;
	return -1;
}

static int parse_key(const char *path, const char *text, size_t len, EVP_PKEY **key,
		     struct weft_error *err)
{
	_cleanup_bio_ BIO *bio = BIO_new_mem_buf(text, len);
	bool asked = false;

	if (!bio)
		return weft_error_nomem(err);
	*key = PEM_read_bio_PrivateKey(bio, NULL, no_password, &asked);
	if (*key)
		return 0;
	if (asked) {
		ERR_clear_error();
		return weft_error_set(err, EBADMSG,
				      "%s: the private key is encrypted: store it without a "
				      "password (openssl pkey -in %s -out FILE), mode 0600",
				      path, path);
	}
	return weft_crypto_error(err, EBADMSG, "%s: no private key in PEM form", path);
}

int weft_pem_read_key(const char *path, EVP_PKEY **key, struct weft_error *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	EVP_PKEY *parsed = NULL;
	ssize_t len;
	char *buf;
	int r;

	if (fd < 0)
		return weft_error_set(err, errno, "%s: %s", path, strerror(errno));
	r = check_key_file(fd, path, err);
	if (r)
		return r;
	buf = OPENSSL_malloc(WEFT_PEM_KEY_MAX);
	if (!buf)
		return weft_error_nomem(err);
	len = read_all(fd, buf, WEFT_PEM_KEY_MAX);
	if (len < 0)
		r = weft_error_set(err, len, "%s: %s", path, strerror(-len));
	else
		r = parse_key(path, buf, len, &parsed, err);
	OPENSSL_clear_free(buf, WEFT_PEM_KEY_MAX);
	if (!r)
		*key = parsed;
	return r;
}

int weft_pem_write_key(const char *path, EVP_PKEY *key, struct weft_error *err)
{
	/* Memory BIOs wipe their buffer when they grow and when they are freed. */
	_cleanup_bio_ BIO *bio = BIO_new(BIO_s_mem());
	char *data;
	long len;

	if (!bio)
		return weft_error_nomem(err);
	if (PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1)
		return weft_crypto_error(err, EIO, "%s: cannot encode the private key", path);
	len = BIO_get_mem_data(bio, &data);
	return weft_file_write(path, data, len, 0600, err);
}

static int parse_certs(const char *path, BIO *bio, STACK_OF(X509) * certs, struct weft_error *err)
{
	unsigned long last;
	X509 *cert;

	ERR_clear_error();
	while ((cert = PEM_read_bio_X509(bio, NULL, no_password, &(bool){ false }))) {
		if (!sk_X509_push(certs, cert)) {
			X509_free(cert);
			return weft_error_nomem(err);
		}
	}
	last = ERR_peek_last_error();
	if (sk_X509_num(certs) && ERR_GET_LIB(last) == ERR_LIB_PEM &&
	    ERR_GET_REASON(last) == PEM_R_NO_START_LINE) {
		ERR_clear_error(); /* the regular end */
		return 0;
	}
	if (!sk_X509_num(certs))
		return weft_crypto_error(err, EBADMSG, "%s: no certificate in PEM form", path);
	return weft_crypto_error(err, EBADMSG, "%s: certificate %d is broken", path,
				 sk_X509_num(certs) + 1);
}

int weft_pem_parse_certs(const char *what, const char *text, size_t len, STACK_OF(X509) * *certs,
			 struct weft_error *err)
{
	_cleanup_x509s_ STACK_OF(X509) *list = sk_X509_new_null();
	_cleanup_bio_ BIO *bio = BIO_new_mem_buf(text, len);
	int r;

	if (!list || !bio)
		return weft_error_nomem(err);
	r = parse_certs(what, bio, list, err);
	if (r)
		return r;
	*certs = weft_steal_ptr(list);
	return 0;
}

int weft_pem_read_certs(const char *path, STACK_OF(X509) * *certs, struct weft_error *err)
{
	_cleanup_free_ char *data = NULL;
	size_t len;
	int r;

	r = weft_file_read(path, WEFT_PEM_CERTS_MAX, &data, &len, err);
	return r ? r : weft_pem_parse_certs(path, data, len, certs, err);
}

int weft_pem_format_certs(X509 *cert, const STACK_OF(X509) * chain, char **text,
			  struct weft_error *err)
{
	_cleanup_bio_ BIO *bio = BIO_new(BIO_s_mem());
	char *data;
	long len;
	int ok;

	if (!bio)
		return weft_error_nomem(err);
	ok = !cert || PEM_write_bio_X509(bio, cert);
	for (int i = 0; ok && i < sk_X509_num(chain); i++)
		ok = PEM_write_bio_X509(bio, sk_X509_value(chain, i));
	if (!ok)
		return weft_crypto_error(err, ENOMEM, "cannot encode a certificate");
	len = BIO_get_mem_data(bio, &data);
	*text = strndup(data, len);
	return *text ? 0 : weft_error_nomem(err);
}

int weft_pem_write_certs(const char *path, X509 *cert, const STACK_OF(X509) * chain,
			 struct weft_error *err)
{
	_cleanup_free_ char *text = NULL;
	int r = weft_pem_format_certs(cert, chain, &text, err);

	if (r)
		return weft_error_prefix(err, r, "%s", path);
	return weft_file_write(path, text, strlen(text), 0644, err);
}
