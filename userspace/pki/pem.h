/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys and certificates in PEM files. Blocking calls on local files; any thread.
 */
#ifndef WEFT_PKI_PEM_H
#define WEFT_PKI_PEM_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stddef.h>
#include "base/error.h"

#define WEFT_PEM_KEY_MAX   (64 * 1024)	/* bytes of a key file */
#define WEFT_PEM_CERTS_MAX (1024 * 1024) /* bytes of a certificate file */

/**
 * weft_pem_read_key() - read a private key that nobody else can
 * @key: written on success, the caller's
 *
 * Return: 0; -EPERM group or others may read or write the file, or it belongs to
 * another user; -EBADMSG no unencrypted private key in it; -EFBIG; -EINVAL not a
 * regular file; -ENOMEM; errno of the file system. @err names the file.
 */
int weft_pem_read_key(const char *path, EVP_PKEY **key, struct weft_error *err);

/* Replace @path by @key, PKCS #8, mode 0600. Return: 0, -ENOMEM, errno of the file
 * system. @err names the file. */
int weft_pem_write_key(const char *path, EVP_PKEY *key, struct weft_error *err);

/**
 * weft_pem_read_certs() - read all certificates of a file
 * @certs: written on success, at least one, the caller's
 *
 * Return: 0; -EBADMSG none, or a broken one; else as weft_pem_read_key().
 */
int weft_pem_read_certs(const char *path, STACK_OF(X509) **certs, struct weft_error *err);

/**
 * weft_pem_parse_certs() - the same of a text in memory
 * @what: begins each message: where the text is from
 */
int weft_pem_parse_certs(const char *what, const char *text, size_t len, STACK_OF(X509) **certs,
			 struct weft_error *err);

/**
 * weft_pem_format_certs() - certificates as a text
 * @cert: the first, or NULL
 * @chain: those behind it, or NULL
 * @text: written on success, terminated, the caller's to free()
 *
 * Return: 0, -ENOMEM.
 */
int weft_pem_format_certs(X509 *cert, const STACK_OF(X509) *chain, char **text,
			  struct weft_error *err);

/* Replace @path by @cert and the @chain (each may be NULL), mode 0644. Return: as
 * weft_pem_write_key(). */
int weft_pem_write_certs(const char *path, X509 *cert, const STACK_OF(X509) *chain,
			 struct weft_error *err);

#endif
