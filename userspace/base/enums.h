/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The enumerations of the kernel interface as words: what documents, weftctl
 * and the journal use. Pure; any thread.
 *
 * *_name() returns a static string, "unknown" for a value this build does not
 * know (a newer module); *_parse() returns 0 or -EINVAL.
 */
#ifndef WEFT_BASE_ENUMS_H
#define WEFT_BASE_ENUMS_H

#include <linux/weft.h>

const char *weft_mode_name(unsigned int mode);	   /* "strict" */
const char *weft_action_name(unsigned int action); /* "allow" */
const char *weft_owner_name(unsigned int owner);   /* "daemon" */
const char *weft_revoked_name(unsigned int what);  /* "identity" */
const char *weft_role_name(unsigned int role);	   /* "client" */
const char *weft_state_name(unsigned int state);   /* "handshake" */
const char *weft_reason_name(unsigned int reason); /* "policy-denied" */
const char *weft_event_name(unsigned int event);   /* "conn-live" */

int weft_mode_parse(const char *text, enum weft_mode *mode);
int weft_action_parse(const char *text, enum weft_action *action);
int weft_reason_parse(const char *text, enum weft_reason *reason);

/*
 * The symbolic name of an errno ("ECONNREFUSED"), either sign; "errno 4095" when
 * the C library has none (in a buffer of the calling thread).
 */
const char *weft_errno_name(int error);

#endif
