/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A conn in a message.
 */
#ifndef WEFT_GENL_CONN_H
#define WEFT_GENL_CONN_H

#include "conn.h"
#include "fault.h"

struct genl_info;

void weft_genl_conn_init(void);

/* Puts the attributes of WEFT_A_CONN; ->mu held. 0 or -EMSGSIZE. */
int weft_genl_conn_fill(struct sk_buff *skb, struct weft_conn *c, u8 state);

/* The whole of WEFT_A_CONN, in the state it is in; likewise. */
int weft_genl_conn_put_nest(struct sk_buff *skb, struct weft_conn *c);

/*
 * The conn a request names: ->mu held, *@fp and ->mu are the caller's to end
 * with weft_genl_conn_put(). -EINVAL without ID, -ENOENT.
 */
int weft_genl_conn_find(struct genl_info *info, struct nlattr **tb,
			struct weft_conn **c, struct file **fp,
			struct weft_fault *f);
void weft_genl_conn_put(struct weft_conn *c, struct file *f);

#endif
