/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What journald is sent: one record, one datagram of its native protocol
 * (https://systemd.io/JOURNAL_NATIVE_PROTOCOL), as sd_journal_sendv() does. But that
 * waits for a journald that is busy or hangs, and says that all is well when there is
 * none; its callers have other things to do, and want to know.
 *
 * One thread.
 */
#ifndef WEFT_AUDIT_JOURNAL_H
#define WEFT_AUDIT_JOURNAL_H

#include <sys/uio.h>

/* Initialise with fd -1. */
struct weft_journal {
	const char *path; /* of the socket that receives */
	int fd;		  /* that sends; -1: none yet */
};

/**
 * weft_journal_send() - a weft_audit_send_fn; never blocks
 * @fields: without newlines in them
 * @data: the struct weft_journal
 *
 * Return: 0; -EINVAL a newline, or more fields than a record may have; -EMSGSIZE;
 * -EAGAIN the receiver has not taken what it was sent before; -ENOENT, -ECONNREFUSED
 * there is none; what else socket() and sendmsg() give.
 */
int weft_journal_send(const struct iovec *fields, int count, void *data);

/* The next record finds a new socket. */
void weft_journal_close(struct weft_journal *journal);

#endif
