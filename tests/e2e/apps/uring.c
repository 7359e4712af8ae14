// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Both ends of an echo through io_uring alone; no socket call but those that
 * make and bind sockets. The server takes connections by multishot accept and
 * data by multishot recv from a provided buffer ring, and closes its half when
 * the client has; the client connects, sends, shuts down and receives.
 *
 *   uring serve PORT
 *   uring talk ADDRESS PORT <in >out
 */
#include <arpa/inet.h>
#include <errno.h>
#include <error.h>
#include <liburing.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define QUEUE	    256
#define BUFFERS	    64 /* a power of two */
#define BUFFER_SIZE 4096
#define GROUP	    1

enum op { ACCEPT, RECV, SEND, SHUTDOWN, CLOSE };

/* What waits for being echoed on one connection, oldest first. */
struct chunk {
	struct chunk *next;
	size_t len, done;
	char data[];
};

struct client {
	int fd;
	bool eof;     /* no more comes */
	bool sending; /* the head of the queue is on its way */
	bool shut;    /* nothing more is sent: closing */
	struct chunk *head, **tail;
};

static struct io_uring ring;
static struct io_uring_buf_ring *buffers;
static char (*memory)[BUFFER_SIZE];

static struct io_uring_sqe *entry(void)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

	if (!sqe) {
		io_uring_submit(&ring);
		sqe = io_uring_get_sqe(&ring);
	}
	return sqe;
}

/* The operation travels in the low bits of the pointer. */
static void tag(struct io_uring_sqe *sqe, struct client *c, enum op op)
{
	io_uring_sqe_set_data64(sqe, (uintptr_t)c | op);
}

static void arm_accept(int listener)
{
	struct io_uring_sqe *sqe = entry();

	io_uring_prep_multishot_accept(sqe, listener, NULL, NULL, SOCK_CLOEXEC);
	tag(sqe, NULL, ACCEPT);
}

static void arm_recv(struct client *c)
{
	struct io_uring_sqe *sqe = entry();

	io_uring_prep_recv_multishot(sqe, c->fd, NULL, 0, 0);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = GROUP;
	tag(sqe, c, RECV);
}

/* Goes on with what is next on @c: more to send, or the end. */
static void go_on(struct client *c)
{
	struct io_uring_sqe *sqe;

	if (c->sending || c->shut)
		return;
	if (c->head) {
		sqe = entry();
		io_uring_prep_send(sqe, c->fd, c->head->data + c->head->done,
				   c->head->len - c->head->done, MSG_NOSIGNAL);
		tag(sqe, c, SEND);
		c->sending = true;
	} else if (c->eof) {
		sqe = entry();
		io_uring_prep_shutdown(sqe, c->fd, SHUT_WR);
		tag(sqe, c, SHUTDOWN);
		c->shut = true;
	}
}

static void give_back(int id)
{
	io_uring_buf_ring_add(buffers, memory[id], BUFFER_SIZE, id,
			      io_uring_buf_ring_mask(BUFFERS), 0);
	io_uring_buf_ring_advance(buffers, 1);
}

static void received(struct client *c, const struct io_uring_cqe *cqe)
{
	struct chunk *chunk;
	int id;

	if (cqe->res > 0) {
		id = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
		chunk = malloc(sizeof(*chunk) + cqe->res);
		if (!chunk)
			error(1, 0, "out of memory");
		memcpy(chunk->data, memory[id], cqe->res);
		*chunk = (struct chunk){ .len = cqe->res };
		*c->tail = chunk;
		c->tail = &chunk->next;
		give_back(id);
	}
	if (!(cqe->flags & IORING_CQE_F_MORE)) {
		if (cqe->res > 0 || cqe->res == -ENOBUFS)
			arm_recv(c);
		else
			c->eof = true;
	}
	go_on(c);
}

static void sent(struct client *c, int res)
{
	struct chunk *chunk = c->head;

	c->sending = false;
	if (res < 0)
		error(0, -res, "send");
	chunk->done = res < 0 ? chunk->len : chunk->done + res;
	if (chunk->done == chunk->len) {
		c->head = chunk->next;
		if (!c->head)
			c->tail = &c->head;
		free(chunk);
	}
	go_on(c);
}

static void accepted(int listener, const struct io_uring_cqe *cqe)
{
	struct client *c;

	if (!(cqe->flags & IORING_CQE_F_MORE))
		arm_accept(listener);
	if (cqe->res < 0) {
		error(0, -cqe->res, "accept");
		return;
	}
	c = calloc(1, sizeof(*c));
	if (!c)
		error(1, 0, "out of memory");
	c->fd = cqe->res;
	c->tail = &c->head;
	arm_recv(c);
}

static void completed(int listener, const struct io_uring_cqe *cqe)
{
	struct client *c = (void *)(uintptr_t)(cqe->user_data & ~UINT64_C(7));
	struct io_uring_sqe *sqe;

	switch ((enum op)(cqe->user_data & 7)) {
	case ACCEPT:
		accepted(listener, cqe);
		break;
	case RECV:
		received(c, cqe);
		break;
	case SEND:
		sent(c, cqe->res);
		break;
	case SHUTDOWN:
		sqe = entry();
		io_uring_prep_close(sqe, c->fd);
		tag(sqe, c, CLOSE);
		break;
	case CLOSE:
		free(c);
		break;
	}
}

static void make_buffers(void)
{
	struct io_uring_buf_reg reg = { .ring_entries = BUFFERS, .bgid = GROUP };
	int i, r;

	memory = calloc(BUFFERS, BUFFER_SIZE);
	if (!memory ||
	    posix_memalign((void **)&buffers, 4096, BUFFERS * sizeof(struct io_uring_buf)))
		error(1, 0, "out of memory");
	reg.ring_addr = (uintptr_t)buffers;
	r = io_uring_register_buf_ring(&ring, &reg, 0);
	if (r)
		error(1, -r, "buffer ring");
	io_uring_buf_ring_init(buffers);
	for (i = 0; i < BUFFERS; i++)
		give_back(i);
}

static void serve(int port)
{
	struct sockaddr_in6 at = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int listener = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1, r;
	struct io_uring_cqe *cqe, copy;

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listener, (struct sockaddr *)&at, sizeof(at)) || listen(listener, 64))
		error(1, errno, "port %d", port);
	make_buffers();
	arm_accept(listener);
	for (;;) {
		io_uring_submit(&ring);
		r = io_uring_wait_cqe(&ring, &cqe);
		if (r == -EINTR)
			continue;
		if (r)
			error(1, -r, "wait");
		copy = *cqe;
		io_uring_cqe_seen(&ring, cqe);
		completed(listener, &copy);
	}
}

/* Submits what is prepared; the result of the one operation that is under way. */
static int result(const char *what)
{
	struct io_uring_cqe *cqe;
	int r;

	io_uring_submit(&ring);
	do
		r = io_uring_wait_cqe(&ring, &cqe);
	while (r == -EINTR);
	if (!r) {
		r = cqe->res;
		io_uring_cqe_seen(&ring, cqe);
	}
	if (r < 0)
		error(1, -r, "%s", what);
	return r;
}

/* All of it is sent before anything is read: keep it below what sockets take. */
static int talk(const char *host, int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	static char data[1 << 20];
	size_t len, done;
	int r;

	if (inet_pton(AF_INET, host, &to.sin_addr) != 1)
		error(2, 0, "%s: no IPv4 address", host);
	len = fread(data, 1, sizeof(data), stdin);
	io_uring_prep_connect(entry(), fd, (struct sockaddr *)&to, sizeof(to));
	result("connect");
	for (done = 0; done < len; done += r) {
		io_uring_prep_send(entry(), fd, data + done, len - done, MSG_NOSIGNAL);
		r = result("send");
	}
	io_uring_prep_shutdown(entry(), fd, SHUT_WR);
	result("shutdown");
	do {
		io_uring_prep_recv(entry(), fd, data, sizeof(data), 0);
		r = result("recv");
		fwrite(data, 1, r, stdout);
	} while (r);
	io_uring_prep_close(entry(), fd);
	result("close");
	return 0;
}

int main(int argc, char **argv)
{
	int r = io_uring_queue_init(QUEUE, &ring, 0);

	if (r)
		error(1, -r, "io_uring");
	if (argc == 3 && !strcmp(argv[1], "serve"))
		serve(atoi(argv[2]));
	if (argc == 4 && !strcmp(argv[1], "talk"))
		return talk(argv[2], atoi(argv[3]));
	error(2, 0, "usage: uring serve PORT | talk ADDRESS PORT");
}
