// SPDX-License-Identifier: GPL-2.0
/*
 * Post-handshake messages, see messages.h. Others than KeyUpdate, such as
 * tickets, are thrown away, but their length must be followed: what they carry
 * may look like anything.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include "messages.h"

#define HEADER_LEN	4

static size_t take_head(struct weft_messages *m, const u8 *p, size_t len,
			unsigned int want)
{
	size_t n = min_t(size_t, len, want - m->have);

	memcpy(m->head + m->have, p, n);
	m->have += n;
	return n;
}

static u32 body_len(const struct weft_messages *m)
{
	return m->head[1] << 16 | m->head[2] << 8 | m->head[3];
}

/* The header is there. 0, or -EPROTO. */
static int begin_body(struct weft_messages *m)
{
	if (m->head[0] == WEFT_KEY_UPDATE_TYPE)
		return body_len(m) == WEFT_KEY_UPDATE_LEN - HEADER_LEN ?
		       0 : -EPROTO;
	m->left = body_len(m);
	m->have = 0;
	return 0;
}

/* The whole KeyUpdate is there. 0, or -EPROTO. */
static int end_update(struct weft_messages *m, enum weft_update *update)
{
	u8 request = m->head[HEADER_LEN];

	m->have = 0;
	if (request > 1)
		return -EPROTO;
	*update = request ? WEFT_UPDATE_REQUESTED : WEFT_UPDATE_NOT_REQUESTED;
	return 0;
}

/**
 * weft_messages_read() - go through a piece of a handshake record
 * @m: where the last piece ended; zeroed before the first record
 * @p: the piece
 * @len: its length
 * @update: NONE at the beginning of each record; set when a KeyUpdate was found
 *
 * Return: 0; -EPROTO, a KeyUpdate that is none (RFC 8446, section 4.6.3), or
 * one that does not end its record, as it must (section 5.1).
 */
int weft_messages_read(struct weft_messages *m, const u8 *p, size_t len,
		       enum weft_update *update)
{
	size_t n;
	int err;

	for (; len; p += n, len -= n) {
		if (*update != WEFT_UPDATE_NONE)
			return -EPROTO;
		if (m->left) {
			n = min_t(size_t, len, m->left);
			m->left -= n;
			continue;
		}
		n = take_head(m, p, len, m->have < HEADER_LEN ?
			      HEADER_LEN : WEFT_KEY_UPDATE_LEN);
		err = 0;
		if (m->have == HEADER_LEN)
			err = begin_body(m);
		else if (m->have == WEFT_KEY_UPDATE_LEN)
			err = end_update(m, update);
		if (err)
			return err;
	}
	return 0;
}
