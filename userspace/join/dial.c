// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reaching another host. See dial.h.
 */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include "base/addr.h"
#include "base/cleanup.h"
#include "join/channel.h"
#include "join/dial.h"

static int bad(const char *text, struct weft_error *err)
{
	return weft_error_set(err, EINVAL,
			      "\"%.200s\" is not HOST:PORT (an IPv6 address in brackets)", text);
}

int weft_dial_parse(const char *text, char **host, const char **port, struct weft_error *err)
{
	const char *start = text, *end = strrchr(text, ':');
	uint16_t number;

	if (!end || weft_addr_parse_port(&number, end + 1))
		return bad(text, err);
	*port = end + 1;
	if (*text == '[') {
		start++;
		if (*--end != ']')
			return bad(text, err);
	} else if (memchr(text, ':', end - text)) {
		return bad(text, err);
	}
	if (end <= start)
		return bad(text, err);
	*host = strndup(start, end - start);
	return *host ? 0 : weft_error_nomem(err);
}

static void addrinfo_free_ptr(struct addrinfo **list)
{
	if (*list)
		freeaddrinfo(*list);
}

/* Return: 0 or a negative errno. */
static int wait_connected(int fd, int64_t deadline)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	socklen_t len = sizeof(int);
	int n, error = 0;

	do
		n = poll(&p, 1, weft_channel_remaining(deadline));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (!n)
		return -ETIMEDOUT;
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) ? -errno : -error;
}

static int try_address(const struct addrinfo *ai, int64_t deadline, int *ret)
{
	_cleanup_close_ int fd = socket(ai->ai_family,
					SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int r = 0;

	if (fd < 0)
		return -errno;
	if (connect(fd, ai->ai_addr, ai->ai_addrlen))
		r = errno == EINPROGRESS ? wait_connected(fd, deadline) : -errno;
	if (!r)
		*ret = weft_steal_fd(&fd);
	return r;
}

static int look_up(const char *host, const char *port, struct addrinfo **list,
		   struct weft_error *err)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
	int r = getaddrinfo(host, port, &hints, list);

	if (!r)
		return 0;
	*list = NULL;
	if (r == EAI_MEMORY)
		return weft_error_nomem(err);
	return weft_error_set(err, EHOSTUNREACH, "%.200s: %s", host,
			      r == EAI_SYSTEM ? strerror(errno) : gai_strerror(r));
}

int weft_dial(const char *host, const char *port, int64_t deadline, int *fd,
	      struct weft_error *err)
{
	_cleanup_(addrinfo_free_ptr) struct addrinfo *list = NULL;
	int64_t budget = weft_channel_remaining(deadline);
	const struct addrinfo *ai;
	int r, left = 0;

	r = look_up(host, port, &list, err);
	if (r)
		return r;
	deadline = weft_channel_deadline(budget);
	for (ai = list; ai; ai = ai->ai_next)
		left++;
	/* One address that says nothing leaves the others their share. */
	for (ai = list; ai; ai = ai->ai_next, left--) {
		budget = weft_channel_remaining(deadline) / left;
		r = try_address(ai, weft_channel_deadline(budget), fd);
		if (!r)
			return 0;
	}
	/* What this host forbids or cannot do is no answer of the CA's. */
	if (r == -EACCES || r == -EPERM || r == -EINVAL)
		return weft_error_set(err, EHOSTUNREACH, "cannot connect to %.200s port %s: %s",
				      host, port, strerror(-r));
	return weft_error_set(err, r, "cannot connect to %.200s port %s: %s", host, port,
			      strerror(-r));
}
