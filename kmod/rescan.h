/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sockets that are older than the configuration.
 */
#ifndef WEFT_RESCAN_H
#define WEFT_RESCAN_H

#include "netns.h"

int weft_rescan_init(void);
void weft_rescan_uninit(void);
void weft_rescan(struct work_struct *work);
void weft_rescan_soon(struct weft_net *wn);

#endif
