// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * load - the client of the benchmark, and a small echo server.
 *
 * It counts what the whole guest executes, not only itself: under QEMU's
 * "-icount shift=0" a nanosecond of the guest's clock is an instruction of its
 * only CPU.  "load spare" runs at idle priority and takes what is left over (the
 * clock would skip it); its time is subtracted, so that waiting costs nothing.
 * Its process id is in the environment, SPARE.  Before a measurement all others
 * come to rest; where one leaves work behind (records to write, memory to free)
 * it ends when that is done.  WATCH, "NAME=PID NAME=PID ...", names processes
 * whose share is told, with what the kernel did in their name.
 *
 *   load calls ADDRESS PORT PATH CONNECTIONS N   GET by keep-alive: per request
 *   load bulk ADDRESS PORT PATH N                GET of something big: per byte
 *   load connects ADDRESS PORT PATH N            connect, GET, close: per connection
 *   load pings ADDRESS PORT N                    one byte there and back: per packet
 *   load dials ADDRESS PORT N                    socket and connect alone
 *   load hold ADDRESS PORT PATH N                opens N, says "held", keeps them
 *   load echo PORT                               the other end of pings and dials
 *   load spare                                   what takes the time that is left
 *   load rest                                    waits until nobody has anything to do
 *
 * What is measured begins and ends with an instruction that does nothing and
 * that profile.c knows.  One thread; every failure is fatal.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX	64
#define WATCHED_MAX	16
#define BUFFER		65536

struct connection {
	int fd;
	size_t have;	/* of the answer's head */
	long length;	/* of the answer's body */
	long left;	/* of that; -1: the head is not complete */
	char head[2048];
};

static struct sockaddr_in peer;
static char request[512];
static char buffer[BUFFER];
static clockid_t spare_clock;

static struct watched {
	const char *name;
	clockid_t clock;
	double used;
} watched[WATCHED_MAX];
static int n_watched;

static void die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* nopl with a displacement of ours: "weft", 1 or 0 */
static inline void mark_begin(void)
{
	__asm__ volatile(".byte 0x0f, 0x1f, 0x80; .long 0x57454601" ::: "memory");
}

static inline void mark_end(void)
{
	__asm__ volatile(".byte 0x0f, 0x1f, 0x80; .long 0x57454600" ::: "memory");
}

/* ------------------------------------------------------------ time */

static double clock_read(clockid_t id)
{
	struct timespec t;

	if (clock_gettime(id, &t))
		die("clock_gettime");
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static void __attribute__((noreturn)) spare(void)
{
	const struct sched_param zero = {0};

	if (sched_setscheduler(0, SCHED_IDLE, &zero))
		die("SCHED_IDLE");
	for (;;)
		__asm__ volatile("" ::: "memory");
}

static void spare_find(void)
{
	const char *pid = getenv("SPARE");

	if (!pid || clock_getcpuclockid(atoi(pid), &spare_clock)) {
		fprintf(stderr, "load: SPARE names no process\n");
		exit(1);
	}
}

static void watch(void)
{
	char *list = getenv("WATCH"), *name, *pid;

	for (; list && (name = strsep(&list, " ")) && n_watched < WATCHED_MAX;) {
		pid = strchr(name, '=');
		if (!pid)
			continue;
		*pid++ = 0;
		watched[n_watched].name = name;
		if (clock_getcpuclockid(atoi(pid), &watched[n_watched++].clock))
			die("WATCH");
	}
}

/* Adds what they have used since the last look. */
static void watched_look(int sign)
{
	struct watched *w;

	for (w = watched; w < watched + n_watched; w++)
		w->used += sign * clock_read(w->clock);
}

struct stretch {
	double all, spare;
};

static void stretch_begin(struct stretch *s)
{
	watched_look(-1);
	s->spare = clock_read(spare_clock);
	s->all = clock_read(CLOCK_MONOTONIC);
	mark_begin();
}

/* Instructions since then; *waited says how many there were to spare. */
static double stretch_end(const struct stretch *s, double *waited)
{
	double all;

	mark_end();
	all = clock_read(CLOCK_MONOTONIC) - s->all;
	*waited = clock_read(spare_clock) - s->spare;
	watched_look(1);
	return all - *waited;
}

/* Nobody but the timer's interrupt has anything to do, for a tenth of a second. */
static void rest(void)
{
	const struct timespec nap = {.tv_nsec = 20000000};
	int naps, quiet = 0;
	double all, spare;

	for (naps = 0; quiet < 5; naps++) {
		if (naps == 1000) {
			fprintf(stderr, "load: the guest does not come to rest\n");
			exit(1);
		}
		spare = clock_read(spare_clock);
		all = clock_read(CLOCK_MONOTONIC);
		nanosleep(&nap, NULL);
		all = clock_read(CLOCK_MONOTONIC) - all;
		spare = clock_read(spare_clock) - spare;
		quiet = spare > 0.98 * all ? quiet + 1 : 0;
	}
}

/* The same when others finish for us; the profile ends before. */
static double stretch_end_rested(const struct stretch *s, double *waited)
{
	mark_end();
	rest();
	return stretch_end(s, waited);
}

/* One line of JSON a run. */
static void report(const char *what, double each, double n, double waited)
{
	struct watched *w;

	printf("{\"what\": \"%s\", \"each\": %.3f, \"n\": %.0f, \"waited\": %.0f, \"parts\": {",
	       what, each, n, waited);
	for (w = watched; w < watched + n_watched; w++)
		printf("%s\"%s\": %.3f", w == watched ? "" : ", ", w->name, w->used / n);
	printf("}}\n");
	fflush(stdout);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *v, int n)
{
	qsort(v, n, sizeof(*v), compare);
	return v[n / 2];
}

/* What lies between two looks at the clock when nothing does. */
static double clock_cost(void)
{
	double took[101], t;
	int i;

	for (i = 0; i < 101; i++) {
		t = clock_read(CLOCK_MONOTONIC);
		took[i] = clock_read(CLOCK_MONOTONIC) - t;
	}
	return median(took, 101);
}

/* ------------------------------------------------------------ HTTP */

static int dial(void)
{
	const int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&peer, sizeof(peer)))
		die("connect");
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)))
		die("TCP_NODELAY");
	return fd;
}

static void ask(struct connection *c)
{
	size_t n = strlen(request);

	if (write(c->fd, request, n) != (ssize_t)n)
		die("write");
	c->have = 0;
	c->left = -1;
}

/* The head is complete in c->head: how long is the body, what of it is there? */
static void head_done(struct connection *c, const char *end)
{
	const char *length;

	if (strncmp(c->head, "HTTP/1.1 200 ", 13)) {
		fprintf(stderr, "load: answer: %.60s\n", c->head);
		exit(1);
	}
	length = strcasestr(c->head, "\r\ncontent-length:");
	if (!length || length > end) {
		fprintf(stderr, "load: an answer without Content-Length\n");
		exit(1);
	}
	c->length = atol(length + 17);
	c->left = c->length - (c->head + c->have - (end + 4));
}

/* One read. 1: the answer is complete; 0: not yet; -1: end of the stream. */
static int take(struct connection *c)
{
	const char *end;
	ssize_t n;

	if (c->left >= 0) {
		n = read(c->fd, buffer, sizeof(buffer));
		if (n > 0)
			c->left -= n;
	} else {
		n = read(c->fd, c->head + c->have, sizeof(c->head) - 1 - c->have);
		if (n > 0) {
			c->have += n;
			c->head[c->have] = 0;
			end = strstr(c->head, "\r\n\r\n");
			if (end)
				head_done(c, end);
			else if (c->have == sizeof(c->head) - 1)
				die("head too long");
		}
	}
	if (n < 0)
		die("read");
	if (n == 0)
		return -1;
	return c->left == 0;
}

static void take_all(struct connection *c)
{
	int rc;

	while ((rc = take(c)) == 0)
		;
	if (rc < 0)
		die("the stream ended early");
}

static void request_set(const char *path, const char *more)
{
	snprintf(request, sizeof(request),
		 "GET %s HTTP/1.1\r\nHost: bench\r\nUser-Agent: load\r\nAccept: */*\r\n%s\r\n", path,
		 more);
}

/* ------------------------------------------------------------ runs */

static struct connection connections[CONNECTIONS_MAX];

static void calls_turn(int ep, long n)
{
	struct epoll_event ev[CONNECTIONS_MAX];
	long asked = 0, done = 0;
	struct connection *c;
	int i, k, rc;

	for (c = connections; c < connections + CONNECTIONS_MAX && c->fd > 0 && asked < n; c++) {
		ask(c);
		asked++;
	}
	while (done < n) {
		k = epoll_wait(ep, ev, CONNECTIONS_MAX, -1);
		for (i = 0; i < k; i++) {
			c = ev[i].data.ptr;
			rc = take(c);
			if (rc < 0)
				die("a kept connection was closed");
			if (!rc)
				continue;
			done++;
			if (asked < n) {
				ask(c);
				asked++;
			}
		}
	}
}

static void calls(int n_connections, long n)
{
	int ep = epoll_create1(EPOLL_CLOEXEC), i;
	struct stretch s;
	double used, waited;

	if (ep < 0 || n_connections > CONNECTIONS_MAX)
		die("calls");
	for (i = 0; i < n_connections; i++) {
		struct epoll_event ev = {.events = EPOLLIN, .data.ptr = &connections[i]};

		connections[i].fd = dial();
		if (epoll_ctl(ep, EPOLL_CTL_ADD, connections[i].fd, &ev))
			die("epoll");
	}
	calls_turn(ep, n / 4);
	stretch_begin(&s);
	calls_turn(ep, n);
	used = stretch_end_rested(&s, &waited);
	report("call", used / n, n, waited);
}

static void bulk(long n)
{
	struct connection *c = connections;
	double used, waited, bytes = 0;
	struct stretch s;
	long i;

	c->fd = dial();
	for (i = -2; i < n; i++) {
		if (i == 0)	/* those before open the windows */
			stretch_begin(&s);
		ask(c);
		take_all(c);
		if (i >= 0)
			bytes += c->length;
	}
	used = stretch_end_rested(&s, &waited);
	report("byte", used / bytes, bytes, waited);
}

static void one_connection(void)
{
	struct connection *c = connections;

	c->fd = dial();
	ask(c);
	take_all(c);
	if (take(c) >= 0)
		die("an answer too long");
	close(c->fd);
}

static void connects(long n)
{
	double used, waited;
	struct stretch s;
	long i;

	for (i = 0; i < 2 + n / 8; i++)
		one_connection();
	stretch_begin(&s);
	for (i = 0; i < n; i++)
		one_connection();
	used = stretch_end_rested(&s, &waited);
	report("connection", used / n, n, waited);
}

/* Segments this namespace has received and sent. */
static double segments(void)
{
	double in = 0, out = 0;
	char line[1024];
	FILE *f = fopen("/proc/net/snmp", "re");

	if (!f)
		die("/proc/net/snmp");
	while (fgets(line, sizeof(line), f))
		sscanf(line, "Tcp: %*d %*d %*d %*d %*d %*d %*d %*d %*d %lf %lf", &in, &out);
	fclose(f);
	return in + out;
}

static void pings(long n)
{
	double *took = calloc(n, sizeof(*took)), packets, t;
	int fd = dial();
	char b = 'x';
	long i;

	if (!took)
		die("calloc");
	packets = segments();
	for (i = 0; i < n; i++) {
		if (i == 1)
			mark_begin();
		t = clock_read(CLOCK_MONOTONIC);
		if (write(fd, &b, 1) != 1 || read(fd, &b, 1) != 1)
			die("ping");
		took[i] = clock_read(CLOCK_MONOTONIC) - t;
	}
	mark_end();
	packets = (segments() - packets) / n;
	report("packet", (median(took, n) - clock_cost()) / packets, n, 0);
	close(fd);
}

static void dials(long n)
{
	const struct linger reset = {.l_onoff = 1};
	double *took = calloc(n, sizeof(*took)), t;
	long i;
	int fd;

	if (!took)
		die("calloc");
	mark_begin();
	for (i = 0; i < n; i++) {
		t = clock_read(CLOCK_MONOTONIC);
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd < 0 || connect(fd, (struct sockaddr *)&peer, sizeof(peer)))
			die("connect");
		took[i] = clock_read(CLOCK_MONOTONIC) - t;
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		close(fd);
		sched_yield();
	}
	mark_end();
	report("dial", median(took, n) - clock_cost(), n, 0);
}

static void hold(long n)
{
	struct connection *c = connections;
	long i;

	for (i = 0; i < n; i++) {
		c->fd = dial();
		ask(c);
		take_all(c);
	}
	printf("held %ld\n", n);
	fflush(stdout);
	pause();
}

static int echo(int port)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(port)};
	const int one = 1;
	int l, fd;
	char b[64];
	ssize_t n;

	l = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (l < 0 || bind(l, (struct sockaddr *)&any, sizeof(any)) || listen(l, 1024))
		die("listen");
	while ((fd = accept(l, NULL, NULL)) >= 0) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		while ((n = read(fd, b, sizeof(b))) > 0)
			if (write(fd, b, n) != n)
				break;
		close(fd);
	}
	return 1;
}

static int usage(void)
{
	fprintf(stderr, "usage: load calls|bulk|connects|pings|dials|hold|echo|spare|rest ...\n");
	return 2;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (!strcmp(what, "echo") && argc == 3)
		return echo(atoi(argv[2]));
	if (!strcmp(what, "spare") && argc == 2)
		spare();
	if (!strcmp(what, "rest") && argc == 2) {
		spare_find();
		rest();
		return 0;
	}
	if (argc < 5)
		return usage();
	peer.sin_family = AF_INET;
	peer.sin_port = htons(atoi(argv[3]));
	if (inet_pton(AF_INET, argv[2], &peer.sin_addr) != 1)
		return usage();
	if (strcmp(what, "hold")) {
		spare_find();
		watch();
		rest();
	}
	request_set(argv[4], !strcmp(what, "connects") ? "Connection: close\r\n" : "");
	if (!strcmp(what, "calls") && argc == 7)
		calls(atoi(argv[5]), atol(argv[6]));
	else if (!strcmp(what, "bulk") && argc == 6)
		bulk(atol(argv[5]));
	else if (!strcmp(what, "connects") && argc == 6)
		connects(atol(argv[5]));
	else if (!strcmp(what, "hold") && argc == 6)
		hold(atol(argv[5]));
	else if (!strcmp(what, "pings") && argc == 5)
		pings(atol(argv[4]));
	else if (!strcmp(what, "dials") && argc == 5)
		dials(atol(argv[4]));
	else
		return usage();
	return 0;
}
