/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The words that go with an errno.
 *
 * Filled in where the mistake is found (any layer, process context), sent by
 * genl.c as extended ack. Lives on the stack of one netlink command.
 */
#ifndef WEFT_FAULT_H
#define WEFT_FAULT_H

#include <linux/stdarg.h>
#include <linux/types.h>

/* Two names, an address and a sentence. */
#define WEFT_FAULT_TEXT		640

struct nlattr;

struct weft_fault {
	const struct nlattr *attr;	/* the one at fault, or NULL */
	const struct nlattr *nest;	/* in which one may be missing */
	char text[WEFT_FAULT_TEXT];	/* "" when there is nothing to say */
};

static inline void weft_fault_init(struct weft_fault *f)
{
	f->attr = NULL;
	f->nest = NULL;
	f->text[0] = '\0';
}

/**
 * weft_fault_set() - say what is wrong
 * @f: where to write it; NULL is fine
 * @err: negative errno
 * @fmt: one sentence naming object, value and what is allowed
 *
 * Return: @err, so that "return weft_fault_set(...)" reads well.
 */
__printf(3, 4)
int weft_fault_set(struct weft_fault *f, int err, const char *fmt, ...);

/*
 * As above, for functions of that kind. It quotes what came from outside and
 * ends on terminals: what is not printable ASCII becomes '?'.
 */
__printf(2, 0)
void weft_fault_format(struct weft_fault *f, const char *fmt, va_list args);

/* As weft_fault_set() for a failed allocation. Return: -ENOMEM. */
int weft_fault_nomem(struct weft_fault *f);

#endif
