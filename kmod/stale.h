/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Calls that began before a socket became a conn.
 */
#ifndef WEFT_STALE_H
#define WEFT_STALE_H

#include <linux/net.h>
#include <net/sock.h>

void weft_stale_ops(struct proto_ops *ops);
int weft_stale_wait(const struct sock *sk);
int weft_stale_getsockopt(struct socket *sock, int level, int opt,
			  char __user *val, int __user *len);
int weft_stale_drain(struct socket *sock);
bool weft_file_alone(struct file *f);

#endif
