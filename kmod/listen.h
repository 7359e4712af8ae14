/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Marked listeners and their children.
 */
#ifndef WEFT_LISTEN_H
#define WEFT_LISTEN_H

#include "conn.h"

void weft_listen_init(void);
void weft_listen_established(struct weft_conn *c);
void weft_listen_state(struct sock *sk);
unsigned int weft_listen_covered(const struct weft_net *wn);
void weft_listen_rescan(struct work_struct *work);

#endif
