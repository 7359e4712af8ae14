/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pairing heap of timers, first deadline on top, threaded through the timers
 * themselves: no allocation. Used by loop.c alone, in the loop's thread.
 */
#ifndef WEFT_LOOP_LOOP_HEAP_H
#define WEFT_LOOP_LOOP_HEAP_H

#include "loop/loop.h"

/* Both return the new top (NULL: empty). @timer is in no heap before, or after. */
struct weft_loop_timer *weft_heap_insert(struct weft_loop_timer *top,
					 struct weft_loop_timer *timer);
struct weft_loop_timer *weft_heap_remove(struct weft_loop_timer *top,
					 struct weft_loop_timer *timer);

#endif
