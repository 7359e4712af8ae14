// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Random system calls on sockets that processes and threads share: all that takes a
 * socket, with sane and silly arguments. It checks nothing but that it comes to its
 * end; what the kernel says meanwhile and what was on the wire is for who runs it.
 * All that is written to a socket is "syscalls-secret" over and over.
 *
 * syscalls [-s SEED] [-n CALLS] [-p PROCESSES] [-t SECONDS] [-i MS] PORT ADDRESS...
 *	connects to PORT and PORT + 1 of ADDRESSes, nowhere else, and listens there;
 *	each thread of each process makes CALLS calls, while two others see to it
 *	that there are connections. SECONDS: a call that takes
 *	longer hangs. MS: so often all calls are interrupted. Prints how often each
 *	call was made and how often it went well.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <liburing.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <linux/tls.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "random.h"

#define LENGTH(array)	(sizeof(array) / sizeof((array)[0]))
#define SLOTS		24
#define LIVES		16
#define THREADS		4
#define SIZE		(64 * 1024)
#define OWN_FD		500		/* descriptors that no call is to hit begin here */
#define MARKER		"syscalls-secret "

static struct {
	uint64_t seed, calls;
	int processes, patience, interrupt_ms, port;
	char **addresses;
	int n_addresses;
} opt = { .seed = 1, .calls = 500, .processes = 3, .patience = 60, .interrupt_ms = 20 };

/*
 * A descriptor in a slot may be closed by another thread at any time: so it is meant.
 * The first LIVES are for sockets that were connected once, and most of them live.
 */
static _Atomic int slots[SLOTS];
static int mail[2];			/* descriptors pass from process to process */
static int file = -1;			/* markers, for sendfile() */
static int listener = -1;		/* this process's, which nobody closes */

struct thread {
	struct rng rng;
	pthread_t id;
	pid_t tid;
	_Atomic(const char *) call;
	_Atomic uint64_t since;
	_Atomic bool over;
	char *from, *to;		/* SIZE bytes each */
	int pipe[2], ring_pipe[2], epoll;
	struct io_uring ring;
	bool has_ring;
};

static struct thread threads[THREADS];

/* Counted over all processes. */
struct count {
	_Atomic uint64_t made, fine;
};
static struct count *counts;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "syscalls: %s: %s\n", what, strerrorname_np(errno));
	exit(2);
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ULL + t.tv_nsec / 1000000;
}

/* Out of the way of close(): who closes a stale number must not hit one of ours. */
static int own(int fd)
{
	int high = fcntl(fd, F_DUPFD_CLOEXEC, OWN_FD);

	if (fd < 0 || high < 0)
		die("descriptor");
	close(fd);
	return high;
}

/* ---- what the calls are made of ----------------------------------------------- */

static int any_fd(struct thread *t)
{
	return slots[rng_below(&t->rng, SLOTS)];
}

static void put_in_slot(_Atomic int *slot, int fd)
{
	int old = atomic_exchange(slot, fd);

	if (old >= 0)
		close(old);
}

static int keep(struct thread *t, int fd)
{
	if (fd < 0)
		return fd;
	put_in_slot(&slots[LIVES + rng_below(&t->rng, SLOTS - LIVES)], fd);
	return 0;
}

/* In a free slot, if there is one. */
static void keep_live(struct rng *r, int fd)
{
	int i, at = rng_below(r, LIVES);

	for (i = 0; i < LIVES && slots[at] >= 0; i++)
		at = (at + 1) % LIVES;
	put_in_slot(&slots[at], fd);
}

static int any_number(struct thread *t)
{
	static const int numbers[] = { 0, 0, 1, 1, 1, 2, 3, 10, 100, 1000, 4096, 70000, 1 << 20,
				       0x7fffffff, -1, -2, (int)0x80000000 };

	return rng_chance(&t->rng, 90) ? rng_pick(&t->rng, numbers) : (int)rng_next(&t->rng);
}

static size_t any_size(struct thread *t)
{
	static const size_t sizes[] = { 0, 1, 5, 100, 1000, 16384, 16385, SIZE };

	return rng_chance(&t->rng, 50) ? rng_pick(&t->rng, sizes) : rng_below(&t->rng, SIZE);
}

static int any_flags(struct thread *t)
{
	static const int flags[] = {
		0, 0, 0, MSG_DONTWAIT, MSG_DONTWAIT, MSG_MORE, MSG_PEEK, MSG_WAITALL, MSG_OOB,
		MSG_TRUNC, MSG_ZEROCOPY, MSG_ERRQUEUE, MSG_EOR, MSG_CONFIRM, MSG_DONTROUTE,
		MSG_PEEK | MSG_WAITALL, MSG_CMSG_CLOEXEC,
	};
	int f = rng_pick(&t->rng, flags) | rng_pick(&t->rng, flags);

	if (rng_chance(&t->rng, 5))
		f = rng_next(&t->rng) & ~MSG_FASTOPEN;
	return MSG_NOSIGNAL | f;
}

static socklen_t any_peer(struct rng *r, struct sockaddr_storage *to, int port)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM }, *ai;
	socklen_t len;

	memset(to, 0, sizeof(*to));
	if (getaddrinfo(opt.addresses[rng_below(r, opt.n_addresses)], NULL, &hints, &ai))
		die("address");
	len = ai->ai_addrlen;
	memcpy(to, ai->ai_addr, len);
	freeaddrinfo(ai);
	((struct sockaddr_in *)to)->sin_port = htons(port);	/* IPv6's is there, too */
	return len;
}

static socklen_t any_address(struct thread *t, struct sockaddr_storage *to)
{
	socklen_t len = any_peer(&t->rng, to, opt.port + rng_chance(&t->rng, 20));

	if (rng_chance(&t->rng, 3))
		len = rng_below(&t->rng, sizeof(*to));
	return len;
}

static struct iovec *any_vector(struct thread *t, struct iovec v[3], char *base)
{
	int i;

	for (i = 0; i < 3; i++)
		v[i] = (struct iovec){ base, any_size(t) };
	if (rng_chance(&t->rng, 5))
		v[rng_below(&t->rng, 3)].iov_base = NULL;
	return v;
}

/* ---- the calls ---------------------------------------------------------------- */

static long do_socket(struct thread *t)
{
	int family = rng_chance(&t->rng, 50) ? AF_INET : AF_INET6;
	int type = SOCK_STREAM | (rng_chance(&t->rng, 40) ? SOCK_NONBLOCK : 0);

	return keep(t, socket(family, type, 0));
}

static long do_connect(struct thread *t)
{
	struct sockaddr_storage ss;
	socklen_t len = any_address(t, &ss);

	if (rng_chance(&t->rng, 10))
		ss.ss_family = AF_UNSPEC;
	return connect(any_fd(t), (struct sockaddr *)&ss, len);
}

static long do_new_connection(struct thread *t)
{
	struct sockaddr_storage ss;
	socklen_t len = any_address(t, &ss);
	int fd = socket(ss.ss_family, SOCK_STREAM, 0);
	int r;

	if (fd < 0)
		return -1;
	r = connect(fd, (struct sockaddr *)&ss, len);
	keep(t, fd);
	return r;
}

static int listen_at(int fd, int port, int backlog)
{
	struct sockaddr_in6 sa = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)))
		return -1;
	return listen(fd, backlog);
}

static long do_listen(struct thread *t)
{
	int fd = socket(AF_INET6, SOCK_STREAM | (rng_chance(&t->rng, 50) ? SOCK_NONBLOCK : 0), 0);
	int r = listen_at(fd, opt.port + 1, rng_below(&t->rng, 20));

	keep(t, fd);
	return r;
}

static long do_listen_again(struct thread *t)
{
	return listen(any_fd(t), any_number(t));
}

static long do_accept(struct thread *t)
{
	static const int flags[] = { 0, SOCK_NONBLOCK, SOCK_CLOEXEC };

	int fd = rng_chance(&t->rng, 20) ? listener : any_fd(t);

	return keep(t, accept4(fd, NULL, NULL, rng_pick(&t->rng, flags)));
}

static long do_send(struct thread *t)
{
	return send(any_fd(t), t->from, any_size(t), any_flags(t));
}

static long do_sendto(struct thread *t)
{
	struct sockaddr_storage ss;
	socklen_t len = any_address(t, &ss);
	int flags = any_flags(t) | (rng_chance(&t->rng, 50) ? MSG_FASTOPEN : 0);

	return sendto(any_fd(t), t->from, any_size(t), flags, (struct sockaddr *)&ss, len);
}

static void any_control(struct thread *t, struct msghdr *m, char *buf, size_t size)
{
	static const int levels[] = { SOL_SOCKET, SOL_TLS, IPPROTO_IP, IPPROTO_IPV6, IPPROTO_TCP };
	struct cmsghdr *c = (void *)buf;

	memset(buf, 0, size);
	m->msg_control = buf;
	m->msg_controllen = rng_below(&t->rng, size + 1);
	c->cmsg_len = rng_chance(&t->rng, 80) ? m->msg_controllen : rng_below(&t->rng, 100);
	c->cmsg_level = rng_pick(&t->rng, levels);
	c->cmsg_type = rng_below(&t->rng, 60);
}

static long do_sendmsg(struct thread *t)
{
	struct iovec v[3];
	char control[64];
	struct msghdr m = { .msg_iov = any_vector(t, v, t->from),
			    .msg_iovlen = rng_below(&t->rng, 4) };

	if (rng_chance(&t->rng, 30))
		any_control(t, &m, control, sizeof(control));
	return sendmsg(any_fd(t), &m, any_flags(t));
}

static long do_sendmmsg(struct thread *t)
{
	struct iovec v[3];
	struct msghdr m = { .msg_iov = any_vector(t, v, t->from), .msg_iovlen = 3 };
	struct mmsghdr mm[2] = { { m, 0 }, { m, 0 } };

	return sendmmsg(any_fd(t), mm, 2, any_flags(t));
}

static long do_writev(struct thread *t)
{
	struct iovec v[3];

	return writev(any_fd(t), any_vector(t, v, t->from), 3);
}

static long do_recv(struct thread *t)
{
	return recv(any_fd(t), t->to, any_size(t), any_flags(t));
}

static long do_recvmsg(struct thread *t)
{
	struct iovec v[3];
	char control[200];
	struct sockaddr_storage ss;
	struct msghdr m = { .msg_iov = any_vector(t, v, t->to), .msg_iovlen = rng_below(&t->rng, 4),
			    .msg_control = control,
			    .msg_controllen = rng_below(&t->rng, sizeof(control)),
			    .msg_name = &ss, .msg_namelen = sizeof(ss) };

	return recvmsg(any_fd(t), &m, any_flags(t));
}

static long do_recvmmsg(struct thread *t)
{
	struct iovec v[3];
	struct msghdr m = { .msg_iov = any_vector(t, v, t->to), .msg_iovlen = 3 };
	struct mmsghdr mm[2] = { { m, 0 }, { m, 0 } };
	struct timespec soon = { 0, 1000000 };

	return recvmmsg(any_fd(t), mm, 2, any_flags(t), &soon);
}

static long do_readv(struct thread *t)
{
	struct iovec v[3];

	return readv(any_fd(t), any_vector(t, v, t->to), 3);
}

static long do_splice_in(struct thread *t)
{
	unsigned int flags = rng_below(&t->rng, 16);
	ssize_t left, n, r = splice(any_fd(t), NULL, t->pipe[1], NULL, any_size(t), flags);

	for (left = r; left > 0; left -= n) {
		n = read(t->pipe[0], t->to, SIZE);
		if (n <= 0)
			break;
	}
	return r;
}

static long do_splice_out(struct thread *t)
{
	struct iovec v = { t->from, any_size(t) };
	bool mapped = rng_chance(&t->rng, 50);
	ssize_t n = mapped ? vmsplice(t->pipe[1], &v, 1, SPLICE_F_NONBLOCK) :
			     write(t->pipe[1], v.iov_base, v.iov_len);
	ssize_t r = splice(t->pipe[0], NULL, any_fd(t), NULL, SIZE, rng_below(&t->rng, 16));

	while (n > 0 && read(t->pipe[0], t->to, SIZE) > 0)
		;
	return r;
}

static long do_splice_through(struct thread *t)
{
	ssize_t r = splice(any_fd(t), NULL, t->pipe[1], NULL, any_size(t), SPLICE_F_NONBLOCK);

	if (r > 0)
		splice(t->pipe[0], NULL, any_fd(t), NULL, r, SPLICE_F_NONBLOCK | SPLICE_F_MORE);
	while (r > 0 && read(t->pipe[0], t->to, SIZE) > 0)
		;
	return r;
}

static long do_tee(struct thread *t)
{
	return tee(any_fd(t), t->pipe[1], any_size(t), SPLICE_F_NONBLOCK);
}

static long do_sendfile(struct thread *t)
{
	off_t at = rng_below(&t->rng, SIZE);

	return sendfile(any_fd(t), rng_chance(&t->rng, 90) ? file : any_fd(t),
			rng_chance(&t->rng, 80) ? &at : NULL, any_size(t));
}

static long do_poll(struct thread *t)
{
	struct pollfd p[3];
	int i;

	for (i = 0; i < 3; i++)
		p[i] = (struct pollfd){ any_fd(t), rng_next(&t->rng), 0 };
	return poll(p, 3, rng_below(&t->rng, 5));
}

static long do_select(struct thread *t)
{
	struct timeval soon = { 0, 1000 };
	fd_set r, w;
	int fd = any_fd(t);

	if (fd < 0)
		return -1;
	FD_ZERO(&r);
	FD_ZERO(&w);
	FD_SET(fd, &r);
	FD_SET(fd, &w);
	return select(fd + 1, &r, &w, NULL, &soon);
}

static long do_epoll(struct thread *t)
{
	static const int ops[] = { EPOLL_CTL_ADD, EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL };
	struct epoll_event ev[8] = { { .events = rng_next(&t->rng) } };

	epoll_ctl(t->epoll, rng_pick(&t->rng, ops), any_fd(t), &ev[0]);
	return epoll_wait(t->epoll, ev, 8, rng_below(&t->rng, 3));
}

static long do_ioctl(struct thread *t)
{
	static const unsigned int commands[] = {
		SIOCINQ, SIOCINQ, SIOCOUTQ, SIOCOUTQNSD, SIOCATMARK, FIONBIO, FIOASYNC, FIOGETOWN,
		SIOCGSTAMP_OLD, SIOCGIFCONF, FIOCLEX,
	};
	long arg[16] = { any_number(t) };
	unsigned int command = rng_pick(&t->rng, commands);

	if (rng_chance(&t->rng, 5))
		command = rng_next(&t->rng) & 0xffff;
	return ioctl(any_fd(t), command, rng_chance(&t->rng, 95) ? arg : NULL);
}

static long do_fcntl(struct thread *t)
{
	static const int flags[] = { 0, 0, O_NONBLOCK, O_NONBLOCK, O_ASYNC, O_ASYNC | O_NONBLOCK };
	static const int signals[] = { 0, SIGIO, SIGUSR2 };

	switch (rng_below(&t->rng, 5)) {
	case 0:
		return fcntl(any_fd(t), F_SETOWN, rng_chance(&t->rng, 50) ? getpid() : -getpgrp());
	case 1:
		return fcntl(any_fd(t), F_SETSIG, rng_pick(&t->rng, signals));
	case 2:
		return fcntl(any_fd(t), F_GETFL);
	default:
		return fcntl(any_fd(t), F_SETFL, rng_pick(&t->rng, flags));
	}
}

static long do_name(struct thread *t)
{
	struct sockaddr_storage ss;
	socklen_t len = any_number(t);

	return rng_chance(&t->rng, 50) ? getsockname(any_fd(t), (struct sockaddr *)&ss, &len) :
					 getpeername(any_fd(t), (struct sockaddr *)&ss, &len);
}

static long do_shutdown(struct thread *t)
{
	return shutdown(any_fd(t), rng_below(&t->rng, 4));
}

static long do_close(struct thread *t)
{
	int fd = atomic_exchange(&slots[rng_below(&t->rng, SLOTS)], -1);

	return fd < 0 ? -1 : close(fd);
}

static long do_dup(struct thread *t)
{
	return keep(t, dup(any_fd(t)));
}

static long do_bind(struct thread *t)
{
	struct sockaddr_in6 sa = { .sin6_family = rng_chance(&t->rng, 50) ? AF_INET : AF_INET6 };

	return bind(any_fd(t), (struct sockaddr *)&sa, sizeof(sa));
}

/* ---- options ------------------------------------------------------------------ */

static const struct {
	int level, name;
} options[] = {
	{ SOL_SOCKET, SO_SNDBUF }, { SOL_SOCKET, SO_RCVBUF }, { SOL_SOCKET, SO_RCVLOWAT },
	{ SOL_SOCKET, SO_LINGER }, { SOL_SOCKET, SO_ZEROCOPY }, { SOL_SOCKET, SO_KEEPALIVE },
	{ SOL_SOCKET, SO_RCVTIMEO }, { SOL_SOCKET, SO_SNDTIMEO }, { SOL_SOCKET, SO_OOBINLINE },
	{ SOL_SOCKET, SO_TIMESTAMPING }, { SOL_SOCKET, SO_TIMESTAMP },
	{ SOL_SOCKET, SO_MAX_PACING_RATE }, { SOL_SOCKET, SO_INCOMING_CPU },
	{ SOL_SOCKET, SO_ERROR }, { SOL_SOCKET, SO_PEEK_OFF }, { SOL_SOCKET, SO_BUSY_POLL },
	{ SOL_SOCKET, SO_PRIORITY }, { SOL_SOCKET, SO_TXTIME }, { IPPROTO_TCP, TCP_NODELAY },
	{ IPPROTO_TCP, TCP_CORK }, { IPPROTO_TCP, TCP_MAXSEG }, { IPPROTO_TCP, TCP_QUICKACK },
	{ IPPROTO_TCP, TCP_DEFER_ACCEPT }, { IPPROTO_TCP, TCP_LINGER2 },
	{ IPPROTO_TCP, TCP_WINDOW_CLAMP }, { IPPROTO_TCP, TCP_INFO },
	{ IPPROTO_TCP, TCP_CONGESTION }, { IPPROTO_TCP, TCP_USER_TIMEOUT },
	{ IPPROTO_TCP, TCP_FASTOPEN }, { IPPROTO_TCP, TCP_FASTOPEN_CONNECT },
	{ IPPROTO_TCP, TCP_NOTSENT_LOWAT }, { IPPROTO_TCP, TCP_ULP }, { IPPROTO_TCP, TCP_ULP },
	{ IPPROTO_TCP, TCP_REPAIR }, { IPPROTO_TCP, TCP_REPAIR_QUEUE },
	{ IPPROTO_TCP, TCP_QUEUE_SEQ }, { IPPROTO_TCP, TCP_REPAIR_OPTIONS },
	{ IPPROTO_TCP, TCP_INQ }, { IPPROTO_TCP, TCP_SAVE_SYN }, { IPPROTO_TCP, TCP_SAVED_SYN },
	{ IPPROTO_TCP, TCP_ZEROCOPY_RECEIVE }, { IPPROTO_TCP, TCP_KEEPIDLE },
	{ IPPROTO_TCP, TCP_SYNCNT }, { IPPROTO_TCP, TCP_TX_DELAY }, { IPPROTO_TCP, TCP_MD5SIG },
	{ IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS }, { SOL_TLS, TLS_TX }, { SOL_TLS, TLS_RX },
	{ SOL_TLS, 3 }, { SOL_TLS, 4 }, { IPPROTO_IP, IP_TOS }, { IPPROTO_IP, IP_TTL },
	{ IPPROTO_IP, IP_RECVERR }, { IPPROTO_IP, IP_TRANSPARENT },
	{ IPPROTO_IPV6, IPV6_V6ONLY }, { IPPROTO_IPV6, IPV6_ADDRFORM },
	{ IPPROTO_IPV6, IPV6_RECVERR },
};

/* Something of a size, of one of the kinds that options take. */
static socklen_t any_value(struct thread *t, char value[128])
{
	static const char *const words[] = { "tls", "reno", "cubic", "mptcp", "smc", "espintcp", "lo" };
	struct tls12_crypto_info_aes_gcm_128 keys = {
		.info = { TLS_1_3_VERSION, TLS_CIPHER_AES_GCM_128 },
	};
	int numbers[4] = { any_number(t), any_number(t), 0, 0 };
	size_t i;

	for (i = 0; i < 128; i++)
		value[i] = rng_chance(&t->rng, 80) ? 0 : rng_next(&t->rng);
	switch (rng_below(&t->rng, 10)) {
	case 0:
		memcpy(value, &keys, sizeof(keys));
		return sizeof(keys);
	case 1:
	case 2:
		strcpy(value, rng_pick(&t->rng, words));
		return strlen(value);
	case 3:
		return rng_below(&t->rng, 129);
	default:
		memcpy(value, numbers, sizeof(numbers));
		return rng_chance(&t->rng, 70) ? 4 : 16;
	}
}

static void any_option(struct thread *t, int *level, int *name)
{
	static const int levels[] = { SOL_SOCKET, IPPROTO_IP, IPPROTO_IPV6, IPPROTO_TCP, SOL_TLS,
				      255, -1 };
	size_t i = rng_below(&t->rng, LENGTH(options));

	*level = options[i].level;
	*name = options[i].name;
	if (rng_chance(&t->rng, 80))
		return;
	*level = rng_pick(&t->rng, levels);
	*name = rng_below(&t->rng, 90);
}

static long do_setsockopt(struct thread *t)
{
	char value[128];
	socklen_t len = any_value(t, value);
	int level, name;

	any_option(t, &level, &name);
	return setsockopt(any_fd(t), level, name, rng_chance(&t->rng, 98) ? value : NULL, len);
}

static long do_getsockopt(struct thread *t)
{
	char value[256] = {};
	socklen_t len = rng_below(&t->rng, sizeof(value) + 1);
	int level, name;

	any_option(t, &level, &name);
	return getsockopt(any_fd(t), level, name, value, &len);
}

/* Sockets that are told to end soon, or else they fill the table with the dead. */
static long do_calm(struct thread *t)
{
	int off = 0, fd = any_fd(t);

	setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &off, sizeof(off));
	return setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &off, sizeof(off));
}

/* ---- other processes, io_uring ------------------------------------------------ */

static long do_mail(struct thread *t)
{
	char cbuf[CMSG_SPACE(sizeof(int))] = {}, byte = 0;
	struct iovec v = { &byte, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = cbuf,
			    .msg_controllen = sizeof(cbuf) };
	struct cmsghdr *c = (void *)cbuf;
	int fd = any_fd(t);

	if (rng_chance(&t->rng, 50)) {
		*c = (struct cmsghdr){ CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
		return sendmsg(mail[0], &m, MSG_DONTWAIT);
	}
	if (recvmsg(mail[1], &m, MSG_DONTWAIT) < 0 || !CMSG_FIRSTHDR(&m))
		return -1;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return keep(t, fd);
}

static void prepare(struct thread *t, struct io_uring_sqe *sqe)
{
	static struct sockaddr_storage ss;
	int fd = any_fd(t);

	switch (rng_below(&t->rng, 9)) {
	case 0: io_uring_prep_send(sqe, fd, t->from, any_size(t), any_flags(t)); break;
	case 1: io_uring_prep_recv(sqe, fd, t->to, any_size(t), any_flags(t)); break;
	case 2: io_uring_prep_read(sqe, fd, t->to, any_size(t), 0); break;
	case 3: io_uring_prep_write(sqe, fd, t->from, any_size(t), 0); break;
	case 4: io_uring_prep_poll_add(sqe, fd, POLLIN | POLLOUT); break;
	case 5: io_uring_prep_shutdown(sqe, fd, rng_below(&t->rng, 3)); break;
	case 6:
		io_uring_prep_splice(sqe, fd, -1, t->ring_pipe[1], -1, 100, SPLICE_F_NONBLOCK);
		break;
	case 7: io_uring_prep_connect(sqe, fd, (struct sockaddr *)&ss, any_address(t, &ss)); break;
	case 8: io_uring_prep_accept(sqe, fd, NULL, NULL, SOCK_CLOEXEC); break;
	}
	if (rng_chance(&t->rng, 30))
		io_uring_sqe_set_flags(sqe, IOSQE_ASYNC);
}

static long do_uring(struct thread *t)
{
	struct __kernel_timespec soon = { 0, 2000000 };
	struct io_uring_sqe *sqe = t->has_ring ? io_uring_get_sqe(&t->ring) : NULL;
	struct io_uring_cqe *cqe;
	int r = -1;

	if (sqe) {
		prepare(t, sqe);
		r = io_uring_submit(&t->ring);
	}
	while (t->has_ring && !io_uring_wait_cqe_timeout(&t->ring, &cqe, &soon)) {
		r = cqe->res;
		io_uring_cqe_seen(&t->ring, cqe);
	}
	return r;
}

static long do_fork(struct thread *t);

static const struct call {
	const char *name;
	long (*make)(struct thread *t);
	int often;
} calls[] = {
	{ "socket", do_socket, 6 }, { "connect", do_connect, 8 }, { "new connection", do_new_connection, 12 },
	{ "listen", do_listen, 1 }, { "listen again", do_listen_again, 1 }, { "accept", do_accept, 14 },
	{ "send", do_send, 8 }, { "sendto", do_sendto, 4 }, { "sendmsg", do_sendmsg, 6 },
	{ "sendmmsg", do_sendmmsg, 2 }, { "writev", do_writev, 3 }, { "recv", do_recv, 8 },
	{ "recvmsg", do_recvmsg, 6 }, { "recvmmsg", do_recvmmsg, 2 }, { "readv", do_readv, 3 },
	{ "splice in", do_splice_in, 5 }, { "splice out", do_splice_out, 5 },
	{ "splice through", do_splice_through, 3 }, { "tee", do_tee, 1 }, { "sendfile", do_sendfile, 5 },
	{ "poll", do_poll, 4 }, { "select", do_select, 2 }, { "epoll", do_epoll, 6 }, { "ioctl", do_ioctl, 5 },
	{ "fcntl", do_fcntl, 4 }, { "getsockname", do_name, 3 }, { "shutdown", do_shutdown, 3 },
	{ "close", do_close, 6 }, { "dup", do_dup, 3 }, { "bind", do_bind, 2 },
	{ "setsockopt", do_setsockopt, 16 }, { "getsockopt", do_getsockopt, 8 }, { "calm", do_calm, 4 },
	{ "SCM_RIGHTS", do_mail, 6 }, { "io_uring", do_uring, 10 }, { "fork", do_fork, 1 },
};

static const struct call *any_call(struct thread *t)
{
	static int sum;
	int i, at;

	if (!sum)
		for (i = 0; i < LENGTH(calls); i++)
			sum += calls[i].often;
	at = rng_below(&t->rng, sum);
	for (i = 0; at >= calls[i].often; i++)
		at -= calls[i].often;
	return &calls[i];
}

static void call_one(struct thread *t)
{
	const struct call *c = any_call(t);
	struct count *n = &counts[c - calls];

	t->since = now_ms();
	t->call = c->name;
	n->made++;
	if (c->make(t) >= 0)
		n->fine++;
	t->call = NULL;
}

/* The child shares the sockets, and is killed where it waits. */
static long do_fork(struct thread *t)
{
	pid_t pid = fork();
	int i;

	if (pid)
		return pid;
	signal(SIGALRM, SIG_DFL);
	alarm(2);
	t->has_ring = false;		/* the parent's */
	for (i = 0; i < 20; i++) {
		const struct call *c = any_call(t);

		if (c->make != do_fork)
			c->make(t);
	}
	_exit(0);
}

/* ---- threads and processes ---------------------------------------------------- */

static void on_signal(int sig)
{
}

static timer_t start_signals(void)
{
	struct sigevent ev = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1 };
	struct timespec ms = { opt.interrupt_ms / 1000, opt.interrupt_ms % 1000 * 1000000 };
	struct itimerspec every = { ms, ms };
	timer_t timer;

	ev._sigev_un._tid = gettid();
	if (timer_create(CLOCK_MONOTONIC, &ev, &timer) || timer_settime(timer, 0, &every, NULL))
		die("timer");
	return timer;
}

static void *run_thread(void *arg)
{
	struct thread *t = arg;
	timer_t timer = start_signals();
	uint64_t i;

	t->tid = gettid();
	for (i = 0; i < opt.calls; i++)
		call_one(t);
	timer_delete(timer);
	t->over = true;
	return NULL;
}

static void open_pipe(int to[2])
{
	if (pipe2(to, O_NONBLOCK | O_CLOEXEC))
		die("pipe");
	to[0] = own(to[0]);
	to[1] = own(to[1]);
}

static void thread_init(struct thread *t, uint64_t which)
{
	size_t i;

	t->rng = rng_of(opt.seed, which);
	t->from = malloc(SIZE);
	t->to = malloc(SIZE);
	for (i = 0; i < SIZE; i++)
		t->from[i] = MARKER[i % (sizeof(MARKER) - 1)];
	open_pipe(t->pipe);
	open_pipe(t->ring_pipe);	/* io_uring may keep it locked while it waits */
	t->epoll = own(epoll_create1(EPOLL_CLOEXEC));
	t->has_ring = !io_uring_queue_init(8, &t->ring, 0);
	if (t->has_ring)
		t->ring.ring_fd = t->ring.enter_ring_fd = own(t->ring.ring_fd);
}

static void show_stack(pid_t tid)
{
	char path[64], text[2000];
	int fd;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stack", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = read(fd, text, sizeof(text) - 1);
	printf("%.*s\n", n > 0 ? (int)n : 0, text);
}

/* True, as long as a thread works; a call that hangs is the end. */
static bool watch_threads(int process)
{
	const char *call;
	bool left = false;
	uint64_t since;
	int i;

	for (i = 0; i < THREADS; i++) {
		struct thread *t = &threads[i];

		call = t->call;
		since = t->since;		/* and only then the time */
		left |= !t->over;
		if (t->over || !call || now_ms() < since + 1000ULL * opt.patience)
			continue;
		printf("hangs: process %d, thread %d in %s, since %d s\n", process, i, call, opt.patience);
		show_stack(t->tid);
		fflush(stdout);
		kill(-getpgrp(), SIGKILL);
	}
	return left;
}

/* Takes whoever connects; not interrupted, and ends with the process. */
static void *run_acceptor(void *arg)
{
	struct rng r = rng_of(opt.seed, 1000 + (uintptr_t)arg);
	int fd;

	for (;;) {
		fd = accept4(listener, NULL, NULL, rng_chance(&r, 50) ? SOCK_NONBLOCK : 0);
		if (fd >= 0)
			keep_live(&r, fd);
	}
	return NULL;
}

static void *run_connector(void *arg)
{
	struct rng r = rng_of(opt.seed, 2000 + (uintptr_t)arg);
	struct sockaddr_storage ss;
	socklen_t len;
	int fd;

	for (;;) {
		len = any_peer(&r, &ss, opt.port);
		fd = socket(ss.ss_family, SOCK_STREAM, 0);
		if (fd < 0)
			continue;
		if (connect(fd, (struct sockaddr *)&ss, len)) {
			close(fd);
			poll(NULL, 0, 10);	/* it may fail at once, again and again */
			continue;
		}
		if (rng_chance(&r, 50))
			fcntl(fd, F_SETFL, O_NONBLOCK);
		keep_live(&r, fd);
	}
	return NULL;
}

static int filled(void)
{
	int i, n = 0;

	for (i = 0; i < LIVES; i++)
		n += slots[i] >= 0;
	return n;
}

static _Noreturn void run_process(int process)
{
	pthread_t feeder;
	int i;

	for (i = 0; i < SLOTS; i++)
		slots[i] = -1;
	for (i = 0; i < THREADS; i++)
		thread_init(&threads[i], process * THREADS + i);
	listener = own(socket(AF_INET6, SOCK_STREAM, 0));
	if (listen_at(listener, opt.port, 100))
		die("listen");
	if (pthread_create(&feeder, NULL, run_acceptor, (void *)(uintptr_t)process) ||
	    pthread_create(&feeder, NULL, run_connector, (void *)(uintptr_t)process))
		die("thread");
	for (i = 0; i < 10 * opt.patience && filled() < LIVES / 2; i++)
		poll(NULL, 0, 100);
	for (i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i].id, NULL, run_thread, &threads[i]))
			die("thread");
	while (watch_threads(process))
		poll(NULL, 0, 50);
	/* Not by closing: what exit() closes is closed in another way. */
	_exit(0);
}

static void open_file(void)
{
	char text[SIZE];
	size_t i;

	for (i = 0; i < SIZE; i++)
		text[i] = MARKER[i % (sizeof(MARKER) - 1)];
	file = own(memfd_create("markers", MFD_CLOEXEC));
	for (i = 0; i < 4; i++)
		if (write(file, text, SIZE) != SIZE)
			die("markers");
}

static int run(void)
{
	int i, status, bad = 0;
	uint64_t all = 0;
	pid_t pid;

	counts = mmap(NULL, sizeof(*counts) * LENGTH(calls), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (counts == MAP_FAILED || socketpair(AF_UNIX, SOCK_DGRAM, 0, mail))
		die("shared memory");
	mail[0] = own(mail[0]);
	mail[1] = own(mail[1]);
	open_file();
	for (i = 0; i < opt.processes; i++)
		if (!fork())
			run_process(i);
	/* Children of children are init's, or ours: the status of either must be fine. */
	while ((pid = wait(&status)) > 0 || errno == EINTR)
		if (pid > 0 && status && !(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM))
			bad++;
	for (i = 0; i < LENGTH(calls); i++)
		printf("%s %" PRIu64 "/%" PRIu64 "%s", calls[i].name, (uint64_t)counts[i].fine,
		       (uint64_t)counts[i].made, i + 1 < LENGTH(calls) ? ", " : "\n");
	for (i = 0; i < LENGTH(calls); i++)
		all += counts[i].made;
	printf("seed %" PRIu64 ": %d processes, %" PRIu64 " calls, %d ended badly\n", opt.seed,
	       opt.processes, all, bad);
	return bad != 0;
}

int main(int argc, char **argv)
{
	static const int signals[] = { SIGUSR1, SIGUSR2, SIGIO, SIGPIPE, SIGURG };
	struct sigaction sa = { .sa_handler = on_signal };
	int o, i;

	while ((o = getopt(argc, argv, "s:n:p:t:i:")) != -1) {
		switch (o) {
		case 's': opt.seed = strtoull(optarg, NULL, 0); break;
		case 'n': opt.calls = strtoull(optarg, NULL, 0); break;
		case 'p': opt.processes = atoi(optarg); break;
		case 'i': opt.interrupt_ms = atoi(optarg); break;
		case 't': opt.patience = atoi(optarg); break;
		default: return 2;
		}
	}
	if (argc - optind < 2)
		return 2;
	opt.port = atoi(argv[optind]);
	opt.addresses = argv + optind + 1;
	opt.n_addresses = argc - optind - 1;
	setpgid(0, 0);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (i = 0; i < LENGTH(signals); i++)
		sigaction(signals[i], &sa, NULL);
	for (i = SIGRTMIN; i <= SIGRTMAX; i++)
		sigaction(i, &sa, NULL);
	return run();
}
