/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Handshakes, kernel to worker.
 */
#ifndef WEFT_GENL_HANDSHAKE_H
#define WEFT_GENL_HANDSHAKE_H

#include "netns.h"

int weft_genl_handshake_ready(struct weft_net *wn, u32 portid, u64 id);

#endif
