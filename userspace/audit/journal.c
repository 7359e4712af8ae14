// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The sink that writes to the system's journal. Its socket is the process's, for the
 * one thread that audits. What was written is looked up by libsystemd.
 */
#include "audit/journal.h"


#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include "audit/audit.h"
#include "base/cleanup.h"

#define FIELDS_MAX 64

/* Bytes that may wait for journald: as many records as its socket takes. */
#define SEND_BUFFER (8 << 20)

/* What journald has received but not written yet gets there meanwhile. */
#define FIND_USEC UINT64_C(1000000)

/* ---- sending ---- */

/* More may wait than is usual where we may say so, which weftd may; else fewer do. */
static int open_socket(struct weft_journal *journal)
{
	int size = SEND_BUFFER;

	if (journal->fd >= 0)
		return 0;
	journal->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (journal->fd < 0)
		return -errno;
	(void)setsockopt(journal->fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	return 0;
}

/* By its path each time: the socket is another one after a restart of its unit. */
static int set_address(const struct weft_journal *journal, struct sockaddr_un *to)
{
	size_t len = strlen(journal->path);

	*to = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (len >= sizeof(to->sun_path))
		return -ENAMETOOLONG;
	memcpy(to->sun_path, journal->path, len);
	return 0;
}

/* Each field is a line. Return: how many parts; -EINVAL. */
static int add_lines(struct iovec *parts, const struct iovec *fields, int count)
{
	if (count > FIELDS_MAX)
		return -EINVAL;
	for (int i = 0; i < count; i++) {
		if (memchr(fields[i].iov_base, '\n', fields[i].iov_len))
			return -EINVAL;
		parts[2 * i] = fields[i];
		parts[2 * i + 1] = (struct iovec){ "\n", 1 };
	}
	return 2 * count;
}

int weft_journal_send(const struct iovec *fields, int count, void *data)
{
	struct weft_journal *journal = data;
	struct iovec parts[2 * FIELDS_MAX];
	struct sockaddr_un to;
	struct msghdr msg = { .msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = parts };
	int r = add_lines(parts, fields, count);

	if (r < 0)
		return r;
	msg.msg_iovlen = r;
	r = set_address(journal, &to);
	if (!r)
		r = open_socket(journal);
	if (r)
		return r;
	return sendmsg(journal->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

void weft_journal_close(struct weft_journal *journal)
{
	if (journal->fd >= 0)
		close(journal->fd);
	journal->fd = -1;
}

/* ---- looking up ---- */

static void journal_close(sd_journal **j)
{
	sd_journal_close(*j);
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

static struct weft_journal the_journal = { .path = "/run/systemd/journal/socket", .fd = -1 };

const struct weft_audit_sink weft_audit_journal = {
	.send = weft_journal_send,
	.find = find_in_journal,
	.data = &the_journal,
};
