/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Netfilter hooks of a governed namespace.
 */
#ifndef WEFT_HOOK_NF_H
#define WEFT_HOOK_NF_H

#include "netns.h"

int weft_hook_nf_start(struct weft_net *wn);
void weft_hook_nf_stop(struct weft_net *wn);

#endif
