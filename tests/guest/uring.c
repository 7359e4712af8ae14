// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sockets in io_uring's hands, for t-holes.sh and t-connect.sh. Runs in a guest.
 *
 * uring accept PORT		listens, lets one of io_uring's own threads wait in accept() (so
 *				it has read the socket's operations before weft comes), receives
 *				once by io_uring from what it gets, prints "read N TEXT" or the
 *				errno, "answered" when it could send an answer
 * uring connect ADDRESS PORT	makes a socket, waits for a line on standard input, hands connect()
 *				to io_uring; prints "made", "submitted", then "connected" or the
 *				errno; then sends a line and prints what comes back
 */
#include <arpa/inet.h>
#include <errno.h>
#include <liburing.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct io_uring ring;

static void say(const char *text)
{
	puts(text);
	fflush(stdout);
}

static void say_error(int err)
{
	say(strerrorname_np(err));
}

/* Submits what was prepared and waits; the result, or -errno. */
static int complete(void)
{
	struct io_uring_cqe *cqe;
	int r = io_uring_submit_and_wait(&ring, 1);

	if (r >= 0)
		r = io_uring_wait_cqe(&ring, &cqe);
	if (r < 0)
		return r;
	r = cqe->res;
	io_uring_cqe_seen(&ring, cqe);
	return r;
}

static int receive(int fd, char *buf, size_t len)
{
	io_uring_prep_recv(io_uring_get_sqe(&ring), fd, buf, len, 0);
	return complete();
}

static int transmit(int fd, const char *text)
{
	io_uring_prep_send(io_uring_get_sqe(&ring), fd, text, strlen(text), MSG_NOSIGNAL);
	return complete();
}

static int do_accept(int port)
{
	struct sockaddr_in6 sa = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int one = 1, fd, n, l = socket(AF_INET6, SOCK_STREAM, 0);
	struct io_uring_sqe *sqe;
	char buf[256];

	setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(l, (struct sockaddr *)&sa, sizeof(sa)) || listen(l, 16)) {
		say_error(errno);
		return 1;
	}
	for (;;) {
		sqe = io_uring_get_sqe(&ring);
		io_uring_prep_accept(sqe, l, NULL, NULL, 0);
		io_uring_sqe_set_flags(sqe, IOSQE_ASYNC);
		fd = complete();
		if (fd < 0) {
			say_error(-fd);
			continue;
		}
		n = receive(fd, buf, sizeof(buf) - 1);
		if (n < 0) {
			say_error(-n);
		} else {
			buf[n] = 0;
			printf("read %d %s\n", n, buf);
			n = transmit(fd, "uring-answer");
			say(n > 0 ? "answered" : strerrorname_np(-n));
		}
		close(fd);
	}
}

static int do_connect(const char *address, int port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct io_uring_cqe *cqe;
	int r, fd = socket(AF_INET, SOCK_STREAM, 0);
	char buf[256];

	inet_pton(AF_INET, address, &sa.sin_addr);
	say("made");
	if (!fgets(buf, sizeof(buf), stdin))
		return 1;
	io_uring_prep_connect(io_uring_get_sqe(&ring), fd, (struct sockaddr *)&sa, sizeof(sa));
	r = io_uring_submit(&ring);
	say(r == 1 ? "submitted" : strerrorname_np(-r));
	r = io_uring_wait_cqe(&ring, &cqe);
	if (!r) {
		r = cqe->res;
		io_uring_cqe_seen(&ring, cqe);
	}
	if (r) {
		say_error(-r);
		return 1;
	}
	say("connected");
	r = transmit(fd, "uring-question");
	if (r > 0)
		r = receive(fd, buf, sizeof(buf) - 1);
	if (r < 0) {
		say_error(-r);
		return 1;
	}
	buf[r] = 0;
	say(buf);
	return 0;
}

int main(int argc, char **argv)
{
	int r = io_uring_queue_init(8, &ring, 0);

	if (r) {
		say_error(-r);
		return 1;
	}
	if (argc == 3 && !strcmp(argv[1], "accept"))
		return do_accept(atoi(argv[2]));
	if (argc == 4 && !strcmp(argv[1], "connect"))
		return do_connect(argv[2], atoi(argv[3]));
	return 2;
}
