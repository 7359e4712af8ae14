/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The text that goes with a negative errno.
 *
 * Functions that can fail for a reason worth words take a struct weft_error *
 * last (NULL: the caller does not want them). It is written only on failure.
 * No allocation, any thread; each object belongs to its caller.
 */
#ifndef WEFT_BASE_ERROR_H
#define WEFT_BASE_ERROR_H

#define WEFT_ERROR_MAX 512

/* Initialise with { 0 }: text is then "". */
struct weft_error {
	char text[WEFT_ERROR_MAX];
};

/**
 * weft_error_set() - say what went wrong
 * @err: where to, or NULL
 * @error: errno of the failure, either sign, never 0
 * @fmt: one line without a final newline; what does not fit is cut off
 *
 * errno itself is left as it was.
 *
 * Return: -@error (always negative), so that "return weft_error_set(...)" works.
 */
int weft_error_set(struct weft_error *err, int error, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * weft_error_prefix() - put the caller's view in front: "<prefix>: <text>"
 * @err: holds the text of a failure, or NULL
 * @error: errno of the failure, either sign, never 0
 *
 * Return: -@error (always negative).
 */
int weft_error_prefix(struct weft_error *err, int error, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * weft_error_nomem() - the text for -ENOMEM
 *
 * Return: -ENOMEM.
 */
int weft_error_nomem(struct weft_error *err);

#endif
