/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing text into memory with stdio. Header only; a stream belongs to one
 * thread.
 */
#ifndef WEFT_CONF_TEXT_STREAM_H
#define WEFT_CONF_TEXT_STREAM_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* Initialise with { 0 }. */
struct weft_text_stream {
	FILE *f;
	char *text;
	size_t len;
};

/* Return: 0, -ENOMEM. */
static inline int weft_text_stream_open(struct weft_text_stream *s)
{
	s->f = open_memstream(&s->text, &s->len);
	return s->f ? 0 : -ENOMEM;
}

/*
 * The text, the caller's to free; NULL: out of memory at any time since the
 * stream was opened. (glibc's fclose() succeeds even when it could not keep the
 * text: _IO_mem_finish() in libio/memstream.c.)
 */
static inline char *weft_text_stream_close(struct weft_text_stream *s)
{
	bool bad = ferror(s->f);

	bad |= fclose(s->f) != 0;
	if (bad) {
		free(s->text);
		s->text = NULL;
	}
	return s->text;
}

#endif
