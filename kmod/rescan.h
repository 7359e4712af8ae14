/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sockets that are older than the configuration.
 */
#ifndef WEFT_RESCAN_H
#define WEFT_RESCAN_H

#include "netns.h"

void weft_rescan(struct work_struct *work);

#endif
