// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The sink that writes to the system's journal. No state.
 */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>
#include "audit/audit.h"

static int send_to_journal(const struct iovec *fields, int count, void *data)
{
	return sd_journal_sendv(fields, count);
}

const struct weft_audit_sink weft_audit_journal = { .send = send_to_journal };
