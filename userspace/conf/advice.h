/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What documents may say, and perhaps do not mean. It is no error and no trouble: it is
 * told where somebody changes documents. Pure; any thread.
 */
#ifndef WEFT_CONF_ADVICE_H
#define WEFT_CONF_ADVICE_H

#include "conf/model.h"

/* What there is to say of a service: a phrase that goes after its name, constant; NULL:
 * nothing. */
const char *weft_conf_service_advice(const struct weft_conf_service *service);

#endif
