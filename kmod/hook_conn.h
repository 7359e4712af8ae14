/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The calls of a conn, connect() aside.
 */
#ifndef WEFT_HOOK_CONN_H
#define WEFT_HOOK_CONN_H

#include "conn.h"

void weft_conn_ops_init(struct proto_ops *ops, const struct proto_ops *base);

#endif
