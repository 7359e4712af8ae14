// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Advice about documents. See advice.h.
 */
#include "conf/advice.h"

const char *weft_conf_service_advice(const struct weft_conf_service *service)
{
	/* Without endpoints nobody is connected to. */
	if (!service->n_endpoints || service->object.identities.count)
		return NULL;
	return "spec.identities: not there, so any workload of the trust domain may serve it: name "
	       "those that do (identities: [...]), or say that it is meant (identities: [\"*\"])";
}
