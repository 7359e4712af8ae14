/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Namespaces, as main.c sees them.
 */
#ifndef WEFT_NETNS_OPS_H
#define WEFT_NETNS_OPS_H

int weft_netns_init(void);
void weft_netns_deaf(void);
void weft_netns_uninit(void);

#endif
