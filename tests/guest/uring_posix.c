// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A connected socket in io_uring's hands, for posix_uring.py. Runs in a guest.
 *
 * uring_posix FD OPERATION...	submits all operations at once, prints "submitted", then a line for
 *				each completion, "NUMBER RESULT [DATA] [more] [notification]", until
 *				each operation had its last. NUMBER counts operations from 0, RESULT
 *				is a number or an errno's name.
 *
 * OPERATION is
 *   recv:LENGTH[:FLAGS]	recvmsg:LENGTH[:FLAGS]	multishot (buffers of 8)
 *   send:TEXT[:FLAGS]		sendmsg:TEXT[:FLAGS]	zc:TEXT		zcmsg:TEXT
 *   poll:EVENTS		pollmulti:EVENTS	shutdown:HOW	read:LENGTH	write:TEXT
 *   cancel	of the operation before it	timeout	linked to it, 50 ms
 */
#include <errno.h>
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define STEPS_MAX	16
#define BUFFERS		16
#define BUFFER_SIZE	8
#define GROUP		7

struct step {
	char *verb;		/* of the command line, as are its arguments */
	char *first, *second;
	char data[4096];
	struct iovec iov;
	struct msghdr msg;
	bool reads;
};

static struct io_uring ring;
static struct step steps[STEPS_MAX];
static char pool[BUFFERS][BUFFER_SIZE];
static struct __kernel_timespec patience = { .tv_nsec = 50000000 };

static unsigned long number(const char *text)
{
	return text ? strtoul(text, NULL, 0) : 0;
}

static struct msghdr *message(struct step *s, void *data, size_t len)
{
	s->iov = (struct iovec){ data, len };
	s->msg = (struct msghdr){ .msg_iov = &s->iov, .msg_iovlen = 1 };
	return &s->msg;
}

static bool prepare_read(struct step *s, struct io_uring_sqe *sqe, int fd)
{
	size_t len = number(s->first);
	int flags = number(s->second);

	if (!strcmp(s->verb, "recv"))
		io_uring_prep_recv(sqe, fd, s->data, len, flags);
	else if (!strcmp(s->verb, "read"))
		io_uring_prep_read(sqe, fd, s->data, len, 0);
	else if (!strcmp(s->verb, "recvmsg"))
		io_uring_prep_recvmsg(sqe, fd, message(s, s->data, len), flags);
	else
		return false;
	s->reads = true;
	return true;
}

static bool prepare_write(struct step *s, struct io_uring_sqe *sqe, int fd)
{
	size_t len = s->first ? strlen(s->first) : 0;
	int flags = number(s->second) | MSG_NOSIGNAL;

	if (!strcmp(s->verb, "send"))
		io_uring_prep_send(sqe, fd, s->first, len, flags);
	else if (!strcmp(s->verb, "write"))
		io_uring_prep_write(sqe, fd, s->first, len, 0);
	else if (!strcmp(s->verb, "sendmsg"))
		io_uring_prep_sendmsg(sqe, fd, message(s, s->first, len), flags);
	else if (!strcmp(s->verb, "zc"))
		io_uring_prep_send_zc(sqe, fd, s->first, len, flags, 0);
	else if (!strcmp(s->verb, "zcmsg"))
		io_uring_prep_sendmsg_zc(sqe, fd, message(s, s->first, len), flags);
	else
		return false;
	return true;
}

static bool prepare_other(struct step *s, struct io_uring_sqe *sqe, int fd)
{
	if (!strcmp(s->verb, "multishot")) {
		io_uring_prep_recv_multishot(sqe, fd, NULL, 0, 0);
		sqe->flags |= IOSQE_BUFFER_SELECT;
		sqe->buf_group = GROUP;
		s->reads = true;
	} else if (!strcmp(s->verb, "poll")) {
		io_uring_prep_poll_add(sqe, fd, number(s->first));
	} else if (!strcmp(s->verb, "pollmulti")) {
		io_uring_prep_poll_multishot(sqe, fd, number(s->first));
	} else if (!strcmp(s->verb, "shutdown")) {
		io_uring_prep_shutdown(sqe, fd, number(s->first));
	} else if (!strcmp(s->verb, "cancel")) {
		io_uring_prep_cancel64(sqe, s - steps - 1, 0);
	} else if (!strcmp(s->verb, "timeout")) {
		io_uring_prep_link_timeout(sqe, &patience, 0);
	} else {
		return false;
	}
	return true;
}

static bool prepare(struct step *s, int fd, bool linked)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

	if (!prepare_read(s, sqe, fd) && !prepare_write(s, sqe, fd) && !prepare_other(s, sqe, fd))
		return false;
	sqe->user_data = s - steps;
	if (linked)
		sqe->flags |= IOSQE_IO_LINK;
	return true;
}

static void report(const struct io_uring_cqe *cqe)
{
	struct step *s = &steps[cqe->user_data];
	const char *data = s->data;

	printf("%llu ", (unsigned long long)cqe->user_data);
	if (cqe->res < 0)
		printf("%s", strerrorname_np(-cqe->res));
	else
		printf("%d", cqe->res);
	if (cqe->flags & IORING_CQE_F_BUFFER)
		data = pool[cqe->flags >> IORING_CQE_BUFFER_SHIFT];
	if (s->reads && cqe->res > 0)
		printf(" %.*s", cqe->res, data);
	printf("%s%s\n", cqe->flags & IORING_CQE_F_MORE ? " more" : "",
	       cqe->flags & IORING_CQE_F_NOTIF ? " notification" : "");
	fflush(stdout);
}

static int give_buffers(void)
{
	struct io_uring_cqe *cqe;
	int r;

	io_uring_prep_provide_buffers(io_uring_get_sqe(&ring), pool, BUFFER_SIZE, BUFFERS,
				      GROUP, 0);
	r = io_uring_submit_and_wait(&ring, 1);
	if (r >= 0)
		r = io_uring_wait_cqe(&ring, &cqe);
	if (r < 0)
		return r;
	r = cqe->res;
	io_uring_cqe_seen(&ring, cqe);
	return r;
}

static int run(int fd, int n, char **words)
{
	struct io_uring_cqe *cqe;
	int left = n;

	for (int i = 0; i < n; i++) {
		steps[i].verb = strtok(words[i], ":");
		steps[i].first = strtok(NULL, ":");
		steps[i].second = strtok(NULL, ":");
	}
	for (int i = 0; i < n; i++)
		if (!prepare(&steps[i], fd, i + 1 < n && !strcmp(steps[i + 1].verb, "timeout")))
			return 2;
	if (io_uring_submit(&ring) < 0)
		return 1;
	puts("submitted");
	fflush(stdout);
	while (left) {
		if (io_uring_wait_cqe(&ring, &cqe))
			return 1;
		report(cqe);
		if (!(cqe->flags & IORING_CQE_F_MORE))
			left--;
		io_uring_cqe_seen(&ring, cqe);
	}
	return 0;
}

int main(int argc, char **argv)
{
	int n = argc - 2;
	int r;

	if (n < 1 || n > STEPS_MAX)
		return 2;
	r = io_uring_queue_init(2 * STEPS_MAX, &ring, 0);
	if (!r)
		r = give_buffers();
	if (r < 0) {
		puts(strerrorname_np(-r));
		return 1;
	}
	return run(atoi(argv[1]), n, argv + 2);
}
