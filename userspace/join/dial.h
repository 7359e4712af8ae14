/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reaching another host by name or address. Blocking, until a deadline; any thread.
 */
#ifndef WEFT_JOIN_DIAL_H
#define WEFT_JOIN_DIAL_H

#include <stdint.h>
#include "base/error.h"

/**
 * weft_dial_parse() - take "HOST:PORT" apart
 * @text: HOST is a name, an IPv4 address, or an IPv6 address in brackets
 * @host: written on success, the caller's to free(); without brackets
 * @port: written on success, a part of @text
 *
 * Return: 0, -EINVAL (@err says what is expected), -ENOMEM.
 */
int weft_dial_parse(const char *text, char **host, const char **port, struct weft_error *err);

/**
 * weft_dial() - connect, to the first of the host's addresses that answers
 * @deadline: of channel.h; a name is looked up before it counts, in the time the
 *	resolver takes (resolv.conf(5))
 * @fd: written on success, not blocking, the caller's
 *
 * Return: 0; -EHOSTUNREACH also: no such name; -ETIMEDOUT; what connect() gives to the
 * last one; -ENOMEM. @err names the host.
 */
int weft_dial(const char *host, const char *port, int64_t deadline, int *fd,
	      struct weft_error *err);

#endif
