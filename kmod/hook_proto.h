/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The calls of sockets: new ones, connecting ones, conns.
 */
#ifndef WEFT_HOOK_PROTO_H
#define WEFT_HOOK_PROTO_H

#include <net/sock.h>

void weft_hook_proto_init(void);
void weft_hook_proto_start(void);
void weft_hook_proto_stop(void);
void weft_early_drop(struct sock *sk);

#endif
