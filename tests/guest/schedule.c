// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Does every byte arrive, whatever two programs do with their sockets? Both ends
 * of many connections, each with a schedule drawn from its seed: sizes, calls,
 * options, pauses and ends at random. Each byte is a function of seed and offset
 * and is checked as it arrives; a clean close delivers all and then the end of the
 * stream; nobody waits for ever. It knows nothing of a mesh.
 *
 * schedule serve SOCKET PORT	the servers; clients tell them by the unix socket
 *				SOCKET what to do; slot I listens at PORT + I
 * schedule run SOCKET PORT ADDRESS...
 *				the clients; each schedule takes one of the addresses
 * schedule alone		both, on the loopback device
 *
 *   -s SEED	the first seed (default 1)	-n N	how many (default 1000)
 *   -T S	until S seconds have passed	-j P	so many at a time (default 4)
 *   -t S	how long there may be no progress (default 60)
 *   -f N	give up after N failures (default 5)
 *   -x FEATURE,...	without these		-v	tell of each call
 *
 * A failure says "seed N: why", the plan and what both ends are at; -s N -n 1
 * repeats it. The last line counts. Of each connection, each end is a process, with
 * one or two threads that use the socket and one that watches.
 */
#include <arpa/inet.h>
#include <getopt.h>
#include <inttypes.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include "schedule_half.h"

#define MAX_SLOTS	64
#define MAX_ADDRESSES	8

static struct {
	uint64_t first, count, excluded;
	int slots, patience, failures, seconds, port;
	bool verbose;
	const char *addresses[MAX_ADDRESSES];
	int n_addresses;
} opt = { .first = 1, .count = 1000, .slots = 4, .patience = 60, .failures = 5, .port = 7100 };

/* What the two processes of a slot share; the client's parent sees it, too. */
struct shared {
	struct progress progress[2][2];
	_Atomic uint32_t stop;		/* somebody failed: tell what you know, and go */
	_Atomic uint32_t told[2];
	char why[400], text[2][2000];
	_Atomic uint64_t seed, ran, refused;	/* of the client */
	_Atomic uint64_t bytes;
};

/* What they say to each other, over a SOCK_SEQPACKET. */
struct word {
	enum { HELLO, BEGIN, READY, OVER } what;
	int slot;
	uint64_t seed, excluded;
	int patience, port;
	unsigned int sent, received;
	bool verbose;
};

static struct shared *shared;
static int control = -1;
static struct end the_end;		/* of this process */
static _Atomic bool running;		/* the_end can be looked at */
static _Atomic uint64_t beat;		/* of what is not a half's call */

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "schedule: %s: %s\n", what, error_name(errno));
	exit(2);
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ULL + t.tv_nsec / 1000000;
}

/* ---- when something went wrong ------------------------------------------------ */

static int describe_half(char *to, size_t size, const struct half *h)
{
	const struct progress *p = h->progress;

	return snprintf(to, size, "\n  %s: %u bytes, %u in the pipe, %" PRIu64 " calls, %s %s of %u%s%s",
			h->direction == OUT ? "out" : "in", h->at, h->piped, (uint64_t)p->calls,
			p->call ? "inside" : "after", p->name, p->length, p->waits ? ", waits" : "",
			p->done ? ", done" : "");
}

static int describe_socket(char *to, size_t size, int fd)
{
	struct pollfd p = { fd, POLLIN | POLLOUT | POLLRDHUP, 0 };
	struct tcp_info ti = {};
	socklen_t len = sizeof(ti);
	int in = -1, out = -1;

	getsockopt(fd, IPPROTO_TCP, TCP_INFO, &ti, &len);
	ioctl(fd, SIOCINQ, &in);
	ioctl(fd, SIOCOUTQ, &out);
	poll(&p, 1, 0);
	return snprintf(to, size, "\n  TCP state %u, inq %d, outq %d, unacked %u, notsent %u, "
			"rcv_space %u, poll %#x", ti.tcpi_state, in, out, ti.tcpi_unacked,
			ti.tcpi_notsent_bytes, ti.tcpi_rcv_space, p.revents);
}

static void describe(enum side side)
{
	char *to = shared->text[side];
	size_t size = sizeof(shared->text[side]), n;

	if (!the_end.plan) {
		snprintf(to, size, "%s: between schedules", side == CLIENT ? "client" : "server");
		return;
	}
	plan_print(to, size, the_end.plan, side);
	n = strlen(to);
	if (!running) {
		snprintf(to + n, size - n, "\n  not connected, or closed");
		return;
	}
	n += describe_half(to + n, size - n, &the_end.half[OUT]);
	n += describe_half(to + n, size - n, &the_end.half[IN]);
	n += snprintf(to + n, size - n, "\n  zerocopy writes %u, completed %u", the_end.zerocopied,
		      the_end.completed);
	describe_socket(to + n, size - n, the_end.fd);
}

static _Noreturn void leave(enum side side)
{
	static pthread_mutex_t once = PTHREAD_MUTEX_INITIALIZER;
	int i;

	pthread_mutex_lock(&once);		/* never unlocked */
	describe(side);
	shared->told[side] = 1;
	for (i = 0; i < 2000 && side == CLIENT && !shared->told[SERVER]; i++)
		poll(NULL, 0, 1);
	if (side == CLIENT)
		printf("seed %" PRIu64 ": %s\n %s\n %s\n", (uint64_t)shared->seed, shared->why,
		       shared->text[CLIENT], shared->told[SERVER] ? shared->text[SERVER] : "server: gone");
	fflush(stdout);
	_exit(1);
}

_Noreturn void fail(struct end *e, const char *format, ...)
{
	static pthread_mutex_t once = PTHREAD_MUTEX_INITIALIZER;
	va_list args;
	int n;

	pthread_mutex_lock(&once);
	if (!shared->why[0]) {
		n = snprintf(shared->why, sizeof(shared->why), "%s: ", e->side == CLIENT ? "client" : "server");
		va_start(args, format);
		vsnprintf(shared->why + n, sizeof(shared->why) - n, format, args);
		va_end(args);
	}
	pthread_mutex_unlock(&once);
	shared->stop = 1;
	leave(e->side);
}

static uint64_t all_progress(void)
{
	uint64_t sum = beat;
	int i;

	for (i = 0; i < 4; i++)
		sum += shared->progress[i / 2][i % 2].bytes + shared->progress[i / 2][i % 2].done;
	return sum;
}

/* The third thread: sees that nothing moves, or that the other end is gone. */
static void *watch(void *arg)
{
	enum side side = the_end.side;
	uint64_t last = 0, since = now_ms(), sum;
	struct pollfd p = { control, POLLRDHUP, 0 };

	for (;;) {
		if (poll(&p, 1, 50) > 0) {	/* the other process is no more */
			if (side == SERVER)
				_exit(1);
			if (!shared->why[0])
				strcpy(shared->why, "the server is gone");
			leave(side);
		}
		if (shared->stop)
			leave(side);
		sum = all_progress();
		if (sum != last)
			since = now_ms();
		last = sum;
		if (now_ms() - since > 1000ULL * opt.patience)
			fail(&the_end, "no progress for %d s", opt.patience);
	}
	return arg;
}

/* ---- an end ------------------------------------------------------------------- */

static void set_number(struct end *e, int level, int name, int value)
{
	if (setsockopt(e->fd, level, name, &value, sizeof(value)))
		fail(e, "setsockopt(%d, %d, %d): %s", level, name, value, error_name(errno));
}

static void set_options(struct end *e)
{
	const struct plan_end *p = e->mine;

	if (p->sndbuf)
		set_number(e, SOL_SOCKET, SO_SNDBUF, p->sndbuf);
	if (p->rcvbuf)
		set_number(e, SOL_SOCKET, SO_RCVBUF, p->rcvbuf);
	if (p->notsent)
		set_number(e, IPPROTO_TCP, TCP_NOTSENT_LOWAT, p->notsent);
	if (p->nodelay)
		set_number(e, IPPROTO_TCP, TCP_NODELAY, 1);
}

/* The loopback device's segments are larger than the small buffers: everything stalls. */
static void set_segment(struct end *e)
{
	set_number(e, IPPROTO_TCP, TCP_MAXSEG, 1400);
}

/* What would be in the way of connect(). */
static void set_options_connected(struct end *e)
{
	const struct plan_end *p = e->mine;
	struct timeval tv = { 0, p->timeout_ms * 1000 };
	int flags = fcntl(e->fd, F_GETFL);

	if (p->options_late)
		set_options(e);
	if (p->zerocopy)
		set_number(e, SOL_SOCKET, SO_ZEROCOPY, 1);
	if (p->rcvlowat)
		set_number(e, SOL_SOCKET, SO_RCVLOWAT, p->rcvlowat);
	if (p->cork)
		set_number(e, IPPROTO_TCP, TCP_CORK, 1);
	if (p->timeout_ms && (setsockopt(e->fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) ||
			      setsockopt(e->fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv))))
		fail(e, "SO_RCVTIMEO: %s", error_name(errno));
	fcntl(e->fd, F_SETFL, p->nonblock ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
}

static void half_init(struct end *e, enum direction d)
{
	struct half *h = &e->half[d];

	memset(h, 0, sizeof(*h));
	h->end = e;
	h->direction = d;
	h->rng = rng_of(e->plan->seed, 1 + e->side * 2 + d);
	h->progress = &shared->progress[e->side][d];
	h->peer = &shared->progress[!e->side][!d];
	h->lowat = e->mine->rcvlowat;
	if (pipe2(h->pipe, O_CLOEXEC))
		die("pipe");
	if (e->mine->small_pipe)
		fcntl(h->pipe[0], F_SETPIPE_SZ, 4096);
	h->pipe_size = fcntl(h->pipe[0], F_GETPIPE_SZ);
	h->buffer = malloc(READ_MAX);
}

static void end_init(struct end *e, const struct plan *p, enum side side)
{
	memset(e, 0, sizeof(*e));
	e->fd = -1;
	e->side = side;
	e->plan = p;
	e->mine = &p->end[side];
	e->theirs = &p->end[!side];
	e->verbose = opt.verbose;
	e->out_file = memfd_create("out", MFD_CLOEXEC);
	if (e->out_file < 0 || ftruncate(e->out_file, e->mine->total + 1))
		die("memfd");
	e->out = mmap(NULL, e->mine->total + 1, PROT_READ | PROT_WRITE, MAP_SHARED, e->out_file, 0);
	e->expected = malloc(e->theirs->total + 1);
	if (e->out == MAP_FAILED || !e->expected)
		die("memory");
	content(e->out, e->mine->total, p->seed, side);
	content(e->expected, e->theirs->total, p->seed, !side);
	half_init(e, OUT);
	half_init(e, IN);
}

static void end_free(struct end *e)
{
	int i;

	for (i = 0; i < 2; i++) {
		close(e->half[i].pipe[0]);
		close(e->half[i].pipe[1]);
		free(e->half[i].buffer);
	}
	munmap(e->out, e->mine->total + 1);
	close(e->out_file);
	free(e->expected);
	e->plan = NULL;
}

/* ---- waiting ------------------------------------------------------------------ */

/* One thread's halves: one or both. */
struct set {
	struct end *e;
	struct half *half[2];
	int n, epoll;
};

static uint32_t wanted_events(const struct set *s, bool all)
{
	uint32_t events = 0;
	int i;

	for (i = 0; i < s->n; i++)
		if (all || (!s->half[i]->done && s->half[i]->waits))
			events |= s->half[i]->direction == OUT ? EPOLLOUT : EPOLLIN | EPOLLRDHUP;
	return events;
}

static void set_init(struct set *s)
{
	struct epoll_event ev = { .events = EPOLLET };

	if (s->e->mine->waiter == WAIT_POLL)
		return;
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (s->e->mine->waiter == WAIT_EDGE)
		ev.events |= wanted_events(s, true);
	if (s->epoll < 0 || epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->e->fd, &ev))
		die("epoll");
}

static void set_wake(struct set *s, uint32_t events)
{
	int i;

	for (i = 0; i < s->n; i++) {
		struct half *h = s->half[i];
		uint32_t mine = h->direction == OUT ? EPOLLOUT : EPOLLIN | EPOLLRDHUP;

		if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
			h->hung_up = true;
		if (events & (mine | EPOLLERR | EPOLLHUP))
			h->progress->waits = h->waits = false;
	}
	if (events & EPOLLERR)
		take_completions(s->e);
}

static int wait_for_events(struct set *s, uint32_t *events)
{
	struct epoll_event ev = { .events = wanted_events(s, false) };
	struct pollfd p = { s->e->fd, ev.events, 0 };
	int r;

	if (s->e->mine->waiter == WAIT_POLL) {
		r = poll(&p, 1, -1);
		*events = p.revents;
		return r;
	}
	if (s->e->mine->waiter == WAIT_ONESHOT)
		ev.events |= EPOLLET | EPOLLONESHOT;
	if (s->e->mine->waiter != WAIT_EDGE && epoll_ctl(s->epoll, EPOLL_CTL_MOD, s->e->fd, &ev))
		fail(s->e, "epoll_ctl: %s", error_name(errno));
	r = epoll_wait(s->epoll, &ev, 1, -1);
	*events = ev.events;
	return r;
}

/* Not before there was an event: a lost one is a hang, which the watch sees. */
static void set_wait(struct set *s)
{
	uint32_t events = 0;
	int r = wait_for_events(s, &events);

	if (r < 0 && errno != EINTR)
		fail(s->e, "waiting: %s", error_name(errno));
	if (r > 0)
		set_wake(s, events);
}

static void half_run(struct half *h)
{
	enum outcome o = h->direction == OUT ? write_step(h) : read_step(h);

	h->progress->waits = h->waits = o == WAIT;
	h->progress->done = h->done = o == DONE;
}

static void on_signal(int sig)
{
}

/* Interrupts this thread's calls every few milliseconds. */
static timer_t start_signals(void)
{
	struct sigevent ev = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1 };
	struct itimerspec every = { { 0, 3700000 }, { 0, 3700000 } };
	timer_t t = NULL;

	ev._sigev_un._tid = gettid();
	if (timer_create(CLOCK_MONOTONIC, &ev, &t) || timer_settime(t, 0, &every, NULL))
		die("timer");
	return t;
}

static void *set_run(void *arg)
{
	struct set *s = arg;
	struct rng r = rng_of(s->e->plan->seed, 10 + s->half[0]->direction);
	struct half *h;
	bool busy = true, left = true;
	timer_t t = NULL;
	int i;

	set_init(s);
	if (s->e->mine->signals)
		t = start_signals();
	while (left) {
		if (!busy)
			set_wait(s);
		busy = left = false;
		for (i = 0; i < s->n; i++) {
			h = s->half[i];
			if (!h->done && !h->waits && (s->n == 1 || rng_chance(&r, 70)))
				half_run(h);
			busy |= !h->done && !h->waits;
			left |= !h->done;
		}
	}
	if (s->e->mine->signals)
		timer_delete(t);
	if (s->epoll)
		close(s->epoll);
	return NULL;
}

static void run_halves(struct end *e)
{
	struct half *out = &e->half[OUT], *in = &e->half[IN];
	struct set sets[2] = {
		{ .e = e, .half = { out, in }, .n = e->mine->one_thread ? 2 : 1 },
		{ .e = e, .half = { in }, .n = 1 },
	};
	pthread_t reader;

	if (!e->mine->one_thread && pthread_create(&reader, NULL, set_run, &sets[1]))
		die("pthread_create");
	set_run(&sets[0]);
	if (!e->mine->one_thread)
		pthread_join(reader, NULL);
}

/* ---- the end of an end -------------------------------------------------------- */

static short poll_for(struct end *e, short events)
{
	struct pollfd p = { e->fd, events, 0 };

	while (poll(&p, 1, -1) < 0)
		if (errno != EINTR)
			fail(e, "poll: %s", error_name(errno));
	return p.revents;
}

/* All is sent and received: one's own end, then the peer's. */
static void end_late(struct end *e)
{
	char byte;
	ssize_t r;

	begin_call(&e->half[OUT], "late shutdown", 0);
	if (end_call(&e->half[OUT], shutdown(e->fd, SHUT_WR)))
		fail(e, "late shutdown: %s", error_name(errno));
	begin_call(&e->half[IN], "last read", 1);
	do {
		if (poll_for(e, POLLIN) & POLLERR)
			take_completions(e);
		r = recv(e->fd, &byte, 1, MSG_DONTWAIT);
	} while (r < 0 && errno == EAGAIN);
	if (end_call(&e->half[IN], r))
		fail(e, "instead of the end of the stream recv() says %zd %s", r,
		     r < 0 ? error_name(errno) : "");
}

/* After a clean end there is nothing left to complain of. */
static void check_end(struct end *e)
{
	const short over = POLLIN | POLLRDHUP;
	socklen_t len = sizeof(int);
	short events;
	int err = 0;

	begin_call(&e->half[OUT], "completions", 0);
	take_completions(e);
	while (e->completed < e->zerocopied) {
		poll_for(e, 0);
		take_completions(e);
	}
	end_call(&e->half[OUT], 0);
	events = poll_for(e, over);
	if ((events & over) != over || events & POLLERR)
		fail(e, "at the end poll() says %#x", events);
	if (getsockopt(e->fd, SOL_SOCKET, SO_ERROR, &err, &len) || err)
		fail(e, "at the end SO_ERROR is %s", error_name(err));
}

static void finish(struct end *e)
{
	struct linger l = { 1, e->mine->linger_s };

	if (e->mine->ending == END_LATE && e->plan->clean)
		end_late(e);
	if (e->mine->ending <= END_LATE && e->plan->clean)
		check_end(e);
	if (e->mine->ending == END_RESET)
		l.l_linger = 0;
	if (l.l_linger >= 0 && setsockopt(e->fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l)))
		fail(e, "SO_LINGER: %s", error_name(errno));
	begin_call(&e->half[OUT], "close", 0);
	running = false;
	if (close(e->fd))
		fail(e, "close: %s", error_name(errno));
}

static void run_end(struct end *e)
{
	running = true;
	if (!plan_allows(e->plan, F_HURRY))
		poll_for(e, POLLOUT);
	set_options_connected(e);
	run_halves(e);
	finish(e);
	beat++;
}

/* ---- the two processes of a slot ---------------------------------------------- */

static void say(const struct word *w, int fd)
{
	char cbuf[CMSG_SPACE(sizeof(int))] = {};
	struct iovec v = { (void *)w, sizeof(*w) };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
	struct cmsghdr *c = (void *)cbuf;

	if (fd >= 0) {
		m.msg_control = cbuf;
		m.msg_controllen = sizeof(cbuf);
		*c = (struct cmsghdr){ CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	if (sendmsg(control, &m, MSG_NOSIGNAL) < 0)
		die("control");
}

/* False: the other process has gone. */
static bool hear(struct word *w, int *fd)
{
	char cbuf[CMSG_SPACE(sizeof(int))] = {};
	struct iovec v = { w, sizeof(*w) };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = cbuf };
	struct cmsghdr *c;

	m.msg_controllen = fd ? sizeof(cbuf) : 0;
	if (recvmsg(control, &m, MSG_CMSG_CLOEXEC) != sizeof(*w))
		return false;
	c = CMSG_FIRSTHDR(&m);
	if (fd && c)
		memcpy(fd, CMSG_DATA(c), sizeof(*fd));
	return true;
}

static void map_shared(int fd)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (shared == MAP_FAILED)
		die("shared memory");
}

static void start_watch(enum side side)
{
	pthread_t t;

	the_end.side = side;
	if (pthread_create(&t, NULL, watch, NULL))
		die("pthread_create");
}

static void listen_at(struct end *e, int port)
{
	struct sockaddr_in6 sa = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	e->fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	set_number(e, SOL_SOCKET, SO_REUSEADDR, 1);
	set_segment(e);
	if (!e->mine->options_late)
		set_options(e);			/* children inherit them */
	if (bind(e->fd, (struct sockaddr *)&sa, sizeof(sa)) || listen(e->fd, 8))
		fail(e, "port %d: %s", port, error_name(errno));
}

static void accept_one(struct end *e)
{
	int listener = e->fd;

	if (e->mine->nonblock) {
		fcntl(listener, F_SETFL, O_NONBLOCK);
		poll_for(e, POLLIN);
	}
	e->fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (e->fd < 0)
		fail(e, "accept: %s", error_name(errno));
	close(listener);
	beat++;
}

static _Noreturn void serve_slot(void)
{
	struct word w;
	struct plan plan;
	int fd = -1;

	if (!hear(&w, &fd) || w.what != HELLO)
		exit(2);
	map_shared(fd);
	opt.patience = w.patience + 2;		/* the client is to notice first */
	opt.verbose = w.verbose;
	start_watch(SERVER);
	while (hear(&w, NULL)) {
		plan_draw(&plan, w.seed, w.excluded);
		end_init(&the_end, &plan, SERVER);
		listen_at(&the_end, w.port);
		w.what = READY;
		say(&w, -1);
		accept_one(&the_end);
		run_end(&the_end);
		w.what = OVER;
		w.sent = the_end.half[OUT].at;
		w.received = the_end.half[IN].at;
		end_free(&the_end);
		say(&w, -1);
	}
	exit(0);
}

/* Does the server end at any moment, or at once, with nothing to wait for? */
static bool may_be_gone(const struct end *e)
{
	return !e->plan->clean ||
	       (e->theirs->ending == END_CLOSE && !e->theirs->total && !e->mine->total);
}

/*
 * False: the server was that fast. It has reset the connection, or, with weft, is
 * gone before the verdict: refused.
 */
static bool connect_to(struct end *e, const char *address, int port)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM }, *ai;
	socklen_t len = sizeof(int);
	int err;

	if (getaddrinfo(address, NULL, &hints, &ai))
		die(address);
	((struct sockaddr_in *)ai->ai_addr)->sin_port = htons(port);	/* IPv6's is there, too */
	e->fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	set_segment(e);
	if (!e->mine->options_late)
		set_options(e);
	if (e->mine->nonblock)
		fcntl(e->fd, F_SETFL, O_NONBLOCK);
	err = connect(e->fd, ai->ai_addr, ai->ai_addrlen) ? errno : 0;
	if (err == EINPROGRESS) {
		poll_for(e, POLLOUT);
		getsockopt(e->fd, SOL_SOCKET, SO_ERROR, &err, &len);
	}
	if (err && (!may_be_gone(e) || (err != ECONNRESET && err != ECONNREFUSED)))
		fail(e, "connect: %s", error_name(err));
	freeaddrinfo(ai);
	beat++;
	return !err;
}

static void check_totals(struct end *e, const struct word *w)
{
	bool fine = e->half[IN].at <= w->sent && w->received <= e->half[OUT].at;

	if (e->plan->clean)
		fine = e->half[IN].at == w->sent && w->received == e->half[OUT].at &&
		       w->sent == e->theirs->total && w->received == e->mine->total;
	if (!fine)
		fail(e, "client sent %u, server got %u; server sent %u, client got %u", e->half[OUT].at,
		     w->received, w->sent, e->half[IN].at);
}

static void run_schedule(uint64_t seed, int slot)
{
	struct word w = { .what = BEGIN, .seed = seed, .excluded = opt.excluded,
			  .port = opt.port + slot };
	uint64_t began = now_ms();
	struct plan plan;
	bool connected;

	memset(shared->progress, 0, sizeof(shared->progress));
	shared->seed = seed;
	plan_draw(&plan, seed, opt.excluded);
	say(&w, -1);
	end_init(&the_end, &plan, CLIENT);
	if (!hear(&w, NULL))
		fail(&the_end, "the server is gone");
	connected = connect_to(&the_end, opt.addresses[seed % opt.n_addresses], w.port);
	if (connected)
		run_end(&the_end);
	if (!hear(&w, NULL))
		fail(&the_end, "the server is gone");
	check_totals(&the_end, &w);
	if (opt.verbose)
		printf("seed %" PRIu64 ": %" PRIu64 " ms\n", seed, now_ms() - began);
	shared->bytes += w.sent + w.received;
	shared->ran += connected;
	shared->refused += !connected;
	end_free(&the_end);
}

static int unix_socket(const char *path, bool server)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	strncpy(sa.sun_path, path, sizeof(sa.sun_path) - 1);
	if (server ? bind(s, (struct sockaddr *)&sa, sizeof(sa)) || listen(s, MAX_SLOTS) :
		     connect(s, (struct sockaddr *)&sa, sizeof(sa)))
		die(path);
	return s;
}

static _Noreturn void run_slot(int slot, const char *path, int fd, uint64_t next, uint64_t until)
{
	struct word w = { .what = HELLO, .patience = opt.patience, .verbose = opt.verbose };
	uint64_t deadline = now_ms() + 1000ULL * opt.seconds;

	control = unix_socket(path, false);
	say(&w, fd);
	start_watch(CLIENT);
	for (; next < until && (!opt.seconds || now_ms() < deadline); next += opt.slots)
		run_schedule(next, slot);
	exit(0);
}

/* ---- the parents -------------------------------------------------------------- */

static _Noreturn void serve(int listener)
{
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		control = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (control < 0)
			die("accept");
		if (!fork()) {
			signal(SIGCHLD, SIG_DFL);
			close(listener);
			serve_slot();
		}
		close(control);
	}
}

struct slot {
	pid_t pid;
	int fd;
	struct shared *shared;
};

static void start_slot(struct slot *s, int i, const char *path, uint64_t next, uint64_t until)
{
	s->shared->stop = 0;
	memset((void *)s->shared->told, 0, sizeof(s->shared->told));
	s->shared->why[0] = 0;
	fflush(stdout);
	s->pid = fork();
	if (s->pid < 0)
		die("fork");
	if (s->pid)
		return;
	shared = s->shared;
	run_slot(i, path, s->fd, next, until);
}

static int run(const char *path)
{
	static struct slot slots[MAX_SLOTS];
	uint64_t until = opt.seconds ? UINT64_MAX - MAX_SLOTS : opt.first + opt.count;
	uint64_t ran = 0, refused = 0, bytes = 0, end = now_ms() + 1000ULL * opt.seconds;
	int i, status, left = 0, failures = 0;
	pid_t pid;

	for (i = 0; i < opt.slots; i++, left++) {
		slots[i].fd = memfd_create("shared", MFD_CLOEXEC);
		if (slots[i].fd < 0 || ftruncate(slots[i].fd, sizeof(*shared)))
			die("memfd");
		map_shared(slots[i].fd);
		slots[i].shared = shared;
		start_slot(&slots[i], i, path, opt.first + i, until);
	}
	while (left) {
		pid = wait(&status);
		for (i = 0; i < opt.slots && slots[i].pid != pid; i++)
			;
		if (pid < 0 || i == opt.slots)
			continue;
		left--;
		if (!status)
			continue;
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 1)
			printf("seed %" PRIu64 ": status %#x\n", (uint64_t)slots[i].shared->seed, status);
		if (++failures >= opt.failures || (opt.seconds && now_ms() > end))
			continue;
		start_slot(&slots[i], i, path, slots[i].shared->seed + opt.slots, until);
		left++;
	}
	for (i = 0; i < opt.slots; i++) {
		ran += slots[i].shared->ran;
		refused += slots[i].shared->refused;
		bytes += slots[i].shared->bytes;
	}
	printf("%" PRIu64 " schedules from seed %" PRIu64 ", %" PRIu64 " refused, %" PRIu64
	       " kB, %d failed\n", ran + failures, opt.first, refused, bytes / 1000, failures);
	return failures || !ran;
}

static int alone(void)
{
	char path[64];
	int listener, rc;
	pid_t server;

	snprintf(path, sizeof(path), "/tmp/schedule.%d", getpid());
	listener = unix_socket(path, true);
	server = fork();
	if (!server)
		serve(listener);
	close(listener);
	opt.addresses[0] = "127.0.0.1";
	opt.addresses[1] = "::1";
	opt.n_addresses = 2;
	rc = run(path);
	kill(server, SIGTERM);
	unlink(path);
	return rc;
}

static void exclude(char *names)
{
	char *name;
	int i;

	for (name = strtok(names, ","); name; name = strtok(NULL, ",")) {
		for (i = 0; i < FEATURES && strcmp(name, feature_names[i]); i++)
			;
		if (i == FEATURES) {
			fprintf(stderr, "schedule: no feature %s\n", name);
			exit(2);
		}
		opt.excluded |= 1ULL << i;
	}
}

static void parse(int argc, char **argv)
{
	int o;

	while ((o = getopt(argc, argv, "s:n:T:j:t:f:x:p:v")) != -1) {
		switch (o) {
		case 's': opt.first = strtoull(optarg, NULL, 0); break;
		case 'n': opt.count = strtoull(optarg, NULL, 0); break;
		case 'T': opt.seconds = atoi(optarg); break;
		case 'j': opt.slots = atoi(optarg); break;
		case 't': opt.patience = atoi(optarg); break;
		case 'f': opt.failures = atoi(optarg); break;
		case 'x': exclude(optarg); break;
		case 'v': opt.verbose = true; break;
		default: exit(2);
		}
	}
	if (opt.slots < 1 || opt.slots > MAX_SLOTS)
		opt.slots = 1;
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_signal };
	char **a;

	parse(argc, argv);
	a = argv + optind;
	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGUSR1, &sa, NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (a[0] && !strcmp(a[0], "alone"))
		return alone();
	if (!a[0] || !a[1] || !a[2])
		return 2;
	opt.port = atoi(a[2]);
	if (!strcmp(a[0], "serve"))
		serve(unix_socket(a[1], true));
	while (a[3 + opt.n_addresses] && opt.n_addresses < MAX_ADDRESSES) {
		opt.addresses[opt.n_addresses] = a[3 + opt.n_addresses];
		opt.n_addresses++;
	}
	return strcmp(a[0], "run") || !opt.n_addresses ? 2 : run(a[1]);
}
