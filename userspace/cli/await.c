// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Waiting for another process. See await.h.
 */
#include "cli/await.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include "base/boot.h"
#include "base/cleanup.h"

#define LOOK_MS 1000

/* Until an event, LOOK_MS at most. Return: 0, negative errno. */
static int wait_for_event(int fd, uint64_t left_ms)
{
	char buf[16 * (sizeof(struct inotify_event) + NAME_MAX + 1)]
		__attribute__((aligned(__alignof__(struct inotify_event))));
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	if (poll(&pfd, 1, left_ms < LOOK_MS ? left_ms : LOOK_MS) < 0 && errno != EINTR)
		return -errno;
	while (read(fd, buf, sizeof(buf)) > 0)
		;
	return 0;
}

static int await(int fd, uint64_t end, weft_await_fn *look, void *data, struct weft_error *err)
{
	uint64_t now;
	int ret;

	for (;;) {
		ret = look(data, err);
		now = weft_boot_now();
		if (ret || now >= end)
			return ret;
		ret = wait_for_event(fd, (end - now) / WEFT_NSEC_PER_MSEC + 1);
		if (ret)
			return weft_error_set(err, ret, "poll: %s", strerror(-ret));
	}
}

int weft_await(const char *dir, uint64_t timeout_ms, weft_await_fn *look, void *data,
	       struct weft_error *err)
{
	uint64_t end = weft_boot_now() + timeout_ms * WEFT_NSEC_PER_MSEC;
	_cleanup_close_ int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	if (fd < 0 || inotify_add_watch(fd, dir, IN_MOVE | IN_ONLYDIR) < 0)
		return weft_error_set(err, errno, "%s: cannot watch the directory: %s", dir,
				      strerror(errno));
	return await(fd, end, look, data, err);
}
