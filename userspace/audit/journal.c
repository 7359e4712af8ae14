// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The sink that writes to the system's journal. No state.
 */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include "audit/audit.h"
#include "base/cleanup.h"

#define SOCKET "/run/systemd/journal/socket"

/* What journald has received but not written yet gets there meanwhile. */
#define FIND_USEC UINT64_C(1000000)

static void journal_close(sd_journal **j)
{
	sd_journal_close(*j);
}

/* Where there is no socket sd_journal_sendv() says that all is well. */
static int send_to_journal(const struct iovec *fields, int count, void *data)
{
	return access(SOCKET, F_OK) ? -errno : sd_journal_sendv(fields, count);
}

static uint64_t now_usec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * UINT64_C(1000000) + ts.tv_nsec / 1000;
}

/* Everybody may write such a record: only one of our own user counts. */
static int select_record(sd_journal *j, uint64_t epoch, uint64_t sequence)
{
	char match[64];
	int r;

	snprintf(match, sizeof(match), "WEFT_EPOCH=%016" PRIx64, epoch);
	r = sd_journal_add_match(j, match, 0);
	snprintf(match, sizeof(match), "WEFT_SEQUENCE=%" PRIu64, sequence);
	if (r >= 0)
		r = sd_journal_add_match(j, match, 0);
	snprintf(match, sizeof(match), "_UID=%u", (unsigned int)geteuid());
	return r < 0 ? r : sd_journal_add_match(j, match, 0);
}

static int look(sd_journal *j)
{
	int r = sd_journal_seek_head(j);

	return r < 0 ? r : sd_journal_next(j);
}

static int find_in_journal(uint64_t epoch, uint64_t sequence, void *data)
{
	uint64_t now = now_usec(), end = now + FIND_USEC;
	_cleanup_(journal_close) sd_journal *j = NULL;
	int r = sd_journal_open(&j, SD_JOURNAL_LOCAL_ONLY);

	if (r < 0)
		return r;
	/* what may not be read is passed over in silence */
	if (sd_journal_has_runtime_files(j) <= 0 && sd_journal_has_persistent_files(j) <= 0)
		return -EACCES;
	r = select_record(j, epoch, sequence);
	while (r >= 0) {
		r = look(j);
		now = now_usec();
		if (r || now >= end)
			break;
		r = sd_journal_wait(j, end - now);
	}
	return r;
}

const struct weft_audit_sink weft_audit_journal = {
	.send = send_to_journal,
	.find = find_in_journal,
};
