/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A verdict as one sentence for people: who, whom, and why (not). Used by
 * audit.c. Pure; any thread.
 */
#ifndef WEFT_AUDIT_SENTENCE_H
#define WEFT_AUDIT_SENTENCE_H

#include <linux/weft.h>
#include <stddef.h>
#include "nl/nl_conn.h"

/**
 * weft_audit_sentence() - say what happened to a connection
 * @event: one of those that weft_audit_verdict() writes
 * @buf: for at least one byte; what does not fit is cut off
 *
 * Return: @buf.
 */
const char *weft_audit_sentence(const struct weft_nl_conn *conn, enum weft_event event, char *buf,
				size_t size);

#endif
