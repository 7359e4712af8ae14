/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What reasons mean and what to do about them. Constant data.
 */
#ifndef WEFT_CLI_ADVICE_H
#define WEFT_CLI_ADVICE_H

#include <linux/weft.h>

/* A phrase: "nothing listens there". Never NULL. */
const char *weft_reason_meaning(unsigned int reason);

/* What the operator of this side can do; NULL: there is nothing to be done. */
const char *weft_reason_advice(unsigned int reason, enum weft_role role);

/* The same where nothing but a handshake was taken because a peer has the address. */
const char *weft_registered_advice(void);

#endif
