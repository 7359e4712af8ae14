/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Parking the application until the verdict.
 */
#ifndef WEFT_HOLD_H
#define WEFT_HOLD_H

#include "conn.h"

int weft_hold(struct weft_conn *c, bool rd, bool nonblock);
int weft_hold_read(struct weft_conn *c, int flags);
int weft_hold_write(struct weft_conn *c, int flags);
bool weft_hold_sniff(struct weft_conn *c);

#endif
