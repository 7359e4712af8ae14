/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is told to who listens; the functions of struct weft_upcall_ops.
 */
#ifndef WEFT_GENL_EVENT_H
#define WEFT_GENL_EVENT_H

#include "conn.h"
#include "netns.h"

/* Of a conn: ->mu held, process context. */
void weft_genl_event_conn(struct weft_conn *c, u32 event);
void weft_genl_event_net(struct weft_net *wn, u32 event);

#endif
