/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The tracepoint inet_sock_set_state.
 */
#ifndef WEFT_HOOK_STATE_H
#define WEFT_HOOK_STATE_H

int weft_hook_state_start(void);
void weft_hook_state_stop(void);

#endif
