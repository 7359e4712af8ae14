/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Facts about a process, as selectors and audit need them.
 */
#ifndef WEFT_TASK_H
#define WEFT_TASK_H

#include <linux/gfp.h>
#include "types.h"

int weft_file_identify(const struct file *f, struct weft_file_id *id);
int weft_task_of(struct task_struct *p, struct weft_task *t, gfp_t gfp);
int weft_task_brief(struct weft_task *t, gfp_t gfp);
struct weft_task *weft_task_dup(const struct weft_task *t, gfp_t gfp);
void weft_task_uninit(struct weft_task *t);

/* The calling process. 0, or -ENOMEM with nothing to undo. */
static inline int weft_task_current(struct weft_task *t, gfp_t gfp)
{
	return weft_task_of(current, t, gfp);
}

#endif
