/* SPDX-License-Identifier: GPL-2.0 */
/*
 * "I speak mesh" as a TCP option on the SYN.
 */
#ifndef WEFT_SYNOPT_H
#define WEFT_SYNOPT_H

#include <linux/skbuff.h>
#include <net/sock.h>

void weft_synopt_add(struct sk_buff *skb, unsigned int hdrlen);
bool weft_synopt_save(struct sock *sk);
bool weft_synopt_seen(const struct sock *sk);
void weft_synopt_forget(struct sock *sk);

#endif
