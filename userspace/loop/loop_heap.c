// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A pairing heap (Fredman, Sedgewick, Sleator, Tarjan, 1986): insert in constant
 * time, remove in logarithmic time, amortised. See loop_heap.h.
 *
 *	child: the first of a node's children; next: its sibling to the right;
 *	prev: its sibling to the left, or the parent for the first child.
 */
#include "loop/loop_heap.h"

/* Two tops, neither with siblings; either may be NULL. */
static struct weft_loop_timer *merge(struct weft_loop_timer *a, struct weft_loop_timer *b)
{
	struct weft_loop_timer *top = a, *under = b;

	if (!a || !b)
		return a ? a : b;
	if (b->deadline < a->deadline) {
		top = b;
		under = a;
	}
	under->prev = top;
	under->next = top->child;
	if (top->child)
		top->child->prev = under;
	top->child = under;
	return top;
}

/* A row of siblings becomes one heap: in pairs to the right, then all back to the left. */
static struct weft_loop_timer *merge_row(struct weft_loop_timer *row)
{
	struct weft_loop_timer *a, *b, *pairs = NULL, *top = NULL;

	while (row) {
		a = row;
		b = a->next;
		row = b ? b->next : NULL;
		a->next = a->prev = NULL;
		if (b)
			b->next = b->prev = NULL;
		a = merge(a, b);
		a->next = pairs;
		pairs = a;
	}
	while (pairs) {
		a = pairs;
		pairs = a->next;
		a->next = NULL;
		top = merge(top, a);
	}
	return top;
}

struct weft_loop_timer *weft_heap_insert(struct weft_loop_timer *top,
					 struct weft_loop_timer *timer)
{
	timer->child = timer->next = timer->prev = NULL;
	return merge(top, timer);
}

struct weft_loop_timer *weft_heap_remove(struct weft_loop_timer *top,
					 struct weft_loop_timer *timer)
{
	struct weft_loop_timer *rest = merge_row(timer->child);

	timer->child = NULL;
	if (timer == top)
		return rest;
	if (timer->prev->child == timer)
		timer->prev->child = timer->next;
	else
		timer->prev->next = timer->next;
	if (timer->next)
		timer->next->prev = timer->prev;
	timer->next = timer->prev = NULL;
	return merge(top, rest);
}
