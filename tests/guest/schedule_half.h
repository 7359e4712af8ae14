/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Half an end of a connection of schedule.c: its writer or its reader, and every
 * way to write and read. A half belongs to one thread. Whatever is not as plain
 * TCP has it ends in fail().
 */
#ifndef WEFT_GUEST_SCHEDULE_HALF_H
#define WEFT_GUEST_SCHEDULE_HALF_H

#include <errno.h>
#include <fcntl.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <linux/tcp.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include "schedule_plan.h"

enum direction { OUT, IN };

/* What a half is at, for everybody to see; in memory that both ends share. */
struct progress {
	_Atomic uint64_t bytes, calls;
	_Atomic(const char *) call;		/* of this end's process only */
	char name[16];				/* the same, for the other */
	_Atomic uint32_t length, waits, done;
};

struct end;

struct half {
	struct end *end;
	enum direction direction;
	struct rng rng;
	struct progress *progress;
	const struct progress *peer;	/* of the half at the other end of this direction */
	unsigned int at;		/* bytes given to or got from the socket */
	unsigned int piped;		/* bytes in the pipe, beyond at */
	int pipe[2];
	unsigned int pipe_size;
	int lowat;			/* SO_RCVLOWAT as it is */
	int dontwait;			/* MSG_DONTWAIT for the call at hand, or 0 */
	bool may_again;			/* it may say EAGAIN */
	bool whole;			/* it must take everything */
	bool done, waits;
	bool hung_up;			/* poll() has told of the end */
	unsigned char *buffer;		/* what is read */
};

struct end {
	int fd;
	enum side side;
	const struct plan *plan;
	const struct plan_end *mine, *theirs;
	struct half half[2];
	unsigned char *out;		/* all that is written, the mapping of out_file */
	int out_file;
	unsigned char *expected;	/* all that is to be read */
	unsigned int zerocopied, completed;
	_Atomic bool broken;		/* an error that the plan permits */
	bool verbose;
};

enum outcome { AGAIN, WAIT, DONE };

#define READ_MAX	(128 * 1024)

_Noreturn void fail(struct end *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The byte at an offset depends on seed, side and offset. */
static void content(unsigned char *to, size_t n, uint64_t seed, enum side from)
{
	uint64_t key = rng_mix(seed * 2 + from + 77), word = 0;
	size_t i;

	for (i = 0; i < n; i++, word >>= 8) {
		if (!(i % 8))
			word = rng_mix(key + i);
		to[i] = word;
	}
}

static const char *error_name(int err)
{
	static __thread char number[16];
	const char *name = strerrorname_np(err);

	if (!name)
		snprintf(number, sizeof(number), "errno %d", err);
	return name ? name : number;
}

static void begin_call(struct half *h, const char *name, size_t n)
{
	struct progress *p = h->progress;

	strncpy(p->name, name, sizeof(p->name) - 1);
	p->length = n;
	p->call = name;
	p->calls++;
}

static ssize_t end_call(struct half *h, ssize_t n)
{
	int err = errno;
	struct progress *p = h->progress;

	if (h->end->verbose)
		fprintf(stderr, "%s %s at %u: %s %u = %zd%s%s\n", h->end->side == CLIENT ? "client" : "server",
			h->direction == OUT ? "out" : "in", h->at, p->call, p->length, n,
			n < 0 ? " " : "", n < 0 ? error_name(err) : "");
	p->call = NULL;
	errno = err;
	return n;
}

/* ---- errors ------------------------------------------------------------------ */

static bool is_reset(int err)
{
	return err == EPIPE || err == ECONNRESET;
}

/* A call's errno: what it means, or the end of the run. */
static enum outcome judge_error(struct half *h, const char *what)
{
	struct end *e = h->end;
	int err = errno;

	if (err == EAGAIN && h->may_again)
		return e->mine->timeout_ms && rng_chance(&h->rng, 50) ? AGAIN : WAIT;
	if (err == EINTR && e->mine->signals)
		return AGAIN;
	if (is_reset(err) && !e->plan->clean && e->mine->ending < END_EARLY) {
		e->broken = true;
		return DONE;
	}
	fail(e, "%s at %u: %s", what, h->at, error_name(err));
}

/* Completions of MSG_ZEROCOPY wait in the error queue. */
static void take_completions(struct end *e)
{
	char control[256];
	struct msghdr m = { .msg_control = control, .msg_controllen = sizeof(control) };
	struct sock_extended_err *ee;
	struct cmsghdr *c;

	if (!e->mine->zerocopy)
		return;
	while (recvmsg(e->fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT) >= 0) {
		c = CMSG_FIRSTHDR(&m);
		ee = c ? (void *)CMSG_DATA(c) : NULL;
		if (!c || ee->ee_origin != SO_EE_ORIGIN_ZEROCOPY || ee->ee_errno)
			fail(e, "the error queue holds something else than a completion");
		e->completed += ee->ee_data - ee->ee_info + 1;
		if (e->completed > e->zerocopied)
			fail(e, "%u completions of %u zerocopy writes", e->completed, e->zerocopied);
		m.msg_controllen = sizeof(control);
	}
}

/* ---- writing ----------------------------------------------------------------- */

static ssize_t write_vector(struct half *h, const unsigned char *from, size_t n, int flags,
			    bool message)
{
	struct iovec v[4];
	struct msghdr m = { .msg_iov = v, .msg_iovlen = LENGTH(v) };
	size_t i, part, left = n;

	for (i = 0; i < LENGTH(v); i++) {
		part = i == LENGTH(v) - 1 ? left : rng_below(&h->rng, left + 1);
		v[i] = (struct iovec){ (void *)from, part };
		from += part;
		left -= part;
	}
	return message ? sendmsg(h->end->fd, &m, flags) : writev(h->end->fd, v, LENGTH(v));
}

static ssize_t write_zerocopy(struct half *h, const unsigned char *from, size_t n, int flags)
{
	struct end *e = h->end;
	ssize_t r;

	take_completions(e);
	/* Counted before: a completion may come at once. */
	e->zerocopied++;
	r = send(e->fd, from, n, flags | MSG_ZEROCOPY);
	if (r < 0)
		e->zerocopied--;
	if (r < 0 && errno == ENOBUFS)		/* too many in flight */
		r = send(e->fd, from, n, flags);
	return r;
}

static ssize_t write_file(struct half *h, size_t n)
{
	off_t at = h->at;

	return sendfile(h->end->fd, h->end->out_file, &at, n);
}

/* Into the pipe, then from there into the socket as much as it takes. */
static ssize_t write_pipe(struct half *h, const unsigned char *from, size_t n, bool mapped)
{
	static const unsigned int flags[] = { 0, 0, SPLICE_F_MORE, SPLICE_F_MOVE,
					      SPLICE_F_NONBLOCK };
	unsigned int f = rng_pick(&h->rng, flags);
	struct iovec v;
	ssize_t r;

	if (!h->piped) {
		n = n < h->pipe_size ? n : h->pipe_size;
		v = (struct iovec){ (void *)from, n };
		r = mapped ? vmsplice(h->pipe[1], &v, 1, SPLICE_F_NONBLOCK) :
			     write(h->pipe[1], from, n);
		if (r < 0)
			return r;
		h->piped = r;
	}
	if (!plan_allows(h->end->plan, F_MORE))
		f &= ~SPLICE_F_MORE;
	h->may_again |= f & SPLICE_F_NONBLOCK;
	r = splice(h->pipe[0], NULL, h->end->fd, NULL, h->piped, f);
	if (r > 0)
		h->piped -= r;
	return r;
}

static ssize_t write_by(struct half *h, enum feature kind, size_t n)
{
	struct end *e = h->end;
	const unsigned char *from = e->out + h->at;
	int flags = MSG_NOSIGNAL | h->dontwait;

	h->whole = !h->may_again && !e->mine->signals && e->plan->clean;
	switch (kind) {
	case F_WRITEV:
		return write_vector(h, from, n, 0, false);
	case F_SENDMSG:
		return write_vector(h, from, n, flags, true);
	case F_MORE:
		return send(e->fd, from, n, flags | MSG_MORE);
	case F_ZEROCOPY:
		return write_zerocopy(h, from, n, flags);
	case F_SENDFILE:
		h->whole = false;
		return write_file(h, n);
	case F_SPLICE_OUT:
	case F_VMSPLICE:
		h->whole = false;
		return write_pipe(h, from, n, kind == F_VMSPLICE);
	default:
		return h->dontwait ? send(e->fd, from, n, flags) : write(e->fd, from, n);
	}
}

static enum feature draw_kind(struct half *h, uint32_t set)
{
	int kind;

	do
		kind = rng_below(&h->rng, LAST_READ + 1);
	while (!(set & 1u << kind));
	return kind;
}

static size_t draw_length(struct half *h, unsigned int max, unsigned int left)
{
	static const unsigned int edges[] = { 1, 4096, 16383, 16384, 16385, 32768, 65536 };
	unsigned int n = 1 + rng_below(&h->rng, max);

	if (max > 10000 && rng_chance(&h->rng, 10))
		n = rng_pick(&h->rng, edges);
	return n < left ? n : left;
}

/* May this call say EAGAIN? Because of the socket, or of a flag where there is one. */
static void draw_patience(struct half *h, enum feature kind)
{
	const uint32_t flagless = 1u << F_WRITEV | 1u << F_SENDFILE | 1u << F_SPLICE_OUT |
				  1u << F_VMSPLICE | 1u << F_READV | 1u << F_SPLICE_IN;
	const struct plan_end *mine = h->end->mine;
	bool dontwait = rng_chance(&h->rng, mine->dontwait) && !(flagless & 1u << kind);

	h->dontwait = dontwait ? MSG_DONTWAIT : 0;
	h->may_again = mine->nonblock || mine->timeout_ms || dontwait;
}

/* Buffers fill and empty: for some time, or until the peer can do no more. */
static void pause_half(struct half *h)
{
	bool until_it_waits = rng_chance(&h->rng, 50);
	int ms = 1 + rng_below(&h->rng, 20);

	if (!rng_chance(&h->rng, h->end->mine->pauses))
		return;
	while (ms-- > 0 && !(until_it_waits && (h->peer->waits || h->peer->done)))
		poll(NULL, 0, 1);
}

static enum outcome end_of_writing(struct half *h)
{
	struct end *e = h->end;

	if (e->mine->ending != END_SHUT)
		return DONE;
	begin_call(h, "shutdown", 0);
	if (end_call(h, shutdown(e->fd, SHUT_WR)) && (e->plan->clean || errno != ENOTCONN))
		fail(e, "shutdown: %s", error_name(errno));
	return DONE;
}

static enum outcome write_step(struct half *h)
{
	struct end *e = h->end;
	const struct plan_end *mine = e->mine;
	enum feature kind;
	size_t n;
	ssize_t r;
	int cork;

	if (h->at == mine->stop_out && !h->piped)
		return end_of_writing(h);
	if (mine->cork && rng_chance(&h->rng, 20)) {
		cork = rng_below(&h->rng, 2);
		setsockopt(e->fd, IPPROTO_TCP, TCP_CORK, &cork, sizeof(cork));
	}
	pause_half(h);
	kind = h->piped ? F_SPLICE_OUT : draw_kind(h, mine->writes);
	n = draw_length(h, mine->write_max, mine->stop_out - h->at);
	draw_patience(h, kind);
	begin_call(h, feature_names[kind], n);
	r = end_call(h, write_by(h, kind, n));
	if (r < 0)
		return judge_error(h, feature_names[kind]);
	if (r == 0 || r > (ssize_t)n + (ssize_t)h->pipe_size || (h->whole && r != (ssize_t)n))
		fail(e, "%s of %zu at %u took %zd", feature_names[kind], n, h->at, r);
	h->at += r;
	h->progress->bytes = h->at;
	return AGAIN;
}

/* ---- reading ----------------------------------------------------------------- */

static void check(struct half *h, ssize_t n, const char *what)
{
	struct end *e = h->end;
	const unsigned char *want = e->expected + h->at, *found;
	ssize_t i;

	if (n <= 0)
		return;
	if (h->at + n > e->theirs->total)
		fail(e, "%s at %u: %zd bytes, but only %u were ever to come", what, h->at, n, e->theirs->total);
	if (!memcmp(h->buffer, want, n))
		return;
	for (i = 0; h->buffer[i] == want[i]; i++)
		;
	found = n - i >= 8 ? memmem(e->expected, e->theirs->total, h->buffer + i, 8) : NULL;
	fail(e, "%s of %zd at %u: byte %u is %#x, not %#x; it belongs to %zd", what, n, h->at,
	     h->at + (unsigned int)i, h->buffer[i], want[i], found ? found - e->expected : -1);
}

static ssize_t read_vector(struct half *h, size_t n, int flags, bool message)
{
	struct iovec v[3];
	char control[64];
	struct msghdr m = { .msg_iov = v, .msg_iovlen = LENGTH(v), .msg_control = control };
	unsigned char *to = h->buffer;
	size_t i, part, left = n;

	for (i = 0; i < LENGTH(v); i++) {
		part = i == LENGTH(v) - 1 ? left : rng_below(&h->rng, left + 1);
		v[i] = (struct iovec){ to, part };
		to += part;
		left -= part;
	}
	m.msg_controllen = rng_chance(&h->rng, 50) ? sizeof(control) : 0;
	if (!message)
		return readv(h->end->fd, v, LENGTH(v));
	left = recvmsg(h->end->fd, &m, flags);
	if ((ssize_t)left >= 0 && (m.msg_controllen || m.msg_flags))
		fail(h->end, "recvmsg: %zu bytes of control data, flags %#x", m.msg_controllen, m.msg_flags);
	return left;
}

/* What was seen must come again. */
static ssize_t read_twice(struct half *h, size_t n, int flags)
{
	struct end *e = h->end;
	ssize_t seen, r;

	if (!e->mine->nonblock && e->mine->rcvlowat) {	/* such a peek may wait for ever */
		flags |= MSG_DONTWAIT;
		h->may_again = true;
	}
	seen = recv(e->fd, h->buffer, n, flags | MSG_PEEK);
	check(h, seen, "peek");
	if (seen <= 0 || rng_chance(&h->rng, 20))
		return seen < 0 ? seen : recv(e->fd, h->buffer, n, flags);
	memset(h->buffer, 0, seen);
	r = recv(e->fd, h->buffer, seen, flags);
	if (r >= 0 && r != seen && !(r > 0 && e->mine->signals))
		fail(e, "peek of %zu at %u saw %zd, then a read gave %zd", n, h->at, seen, r);
	return r;
}

/* As much as was asked for, or all that there is. */
static ssize_t read_all(struct half *h, size_t n, int flags)
{
	struct end *e = h->end;
	ssize_t r = recv(e->fd, h->buffer, n, flags | MSG_WAITALL);

	if (r >= 0 && r != (ssize_t)n && !h->may_again && !e->mine->signals && e->plan->clean &&
	    h->at + r != e->theirs->total)
		fail(e, "MSG_WAITALL of %zu at %u gave %zd", n, h->at, r);
	return r;
}

static ssize_t read_pipe(struct half *h, size_t n)
{
	static const unsigned int flags[] = { 0, 0, SPLICE_F_MOVE, SPLICE_F_NONBLOCK };
	unsigned int f = rng_pick(&h->rng, flags);
	ssize_t r, got = 0, m;

	h->may_again |= f & SPLICE_F_NONBLOCK;
	r = splice(h->end->fd, NULL, h->pipe[1], NULL, n, f);
	while (got < r) {
		m = read(h->pipe[0], h->buffer + got, r - got);
		if (m <= 0 && !(m < 0 && errno == EINTR))
			fail(h->end, "splice at %u gave %zd, its pipe only %zd", h->at, r, got);
		got += m > 0 ? m : 0;
	}
	return r;
}

static ssize_t read_by(struct half *h, enum feature kind, size_t n)
{
	struct end *e = h->end;
	int flags = h->dontwait;

	switch (kind) {
	case F_READV:
		return read_vector(h, n, 0, false);
	case F_RECVMSG:
		return read_vector(h, n, flags, true);
	case F_PEEK:
		return read_twice(h, n, flags);
	case F_WAITALL:
		return read_all(h, n, flags);
	case F_SPLICE_IN:
		return read_pipe(h, n);
	default:
		return flags ? recv(e->fd, h->buffer, n, flags) : read(e->fd, h->buffer, n);
	}
}

/* Who reads to a count must not wait for more than will come. */
static void lower_lowat(struct half *h, unsigned int left)
{
	if (h->lowat <= 1 || h->lowat <= (int)left || !left)
		return;
	h->lowat = left;
	if (setsockopt(h->end->fd, SOL_SOCKET, SO_RCVLOWAT, &h->lowat, sizeof(int)))
		fail(h->end, "SO_RCVLOWAT: %s", error_name(errno));
}

static enum outcome end_of_reading(struct half *h, const char *what)
{
	struct end *e = h->end;
	char byte;
	int r;

	if (e->plan->clean && h->at != e->theirs->total)
		fail(e, "%s: end of the stream at %u of %u", what, h->at, e->theirs->total);
	if (!e->plan->clean)
		return DONE;
	r = recv(e->fd, &byte, 1, 0);
	if (r)
		fail(e, "after the end of the stream recv() says %d %s", r, r < 0 ? error_name(errno) : "");
	return DONE;
}

static enum outcome read_step(struct half *h)
{
	struct end *e = h->end;
	const struct plan_end *mine = e->mine;
	bool by_count = mine->ending != END_SHUT;
	unsigned int left = by_count ? mine->stop_in - h->at : READ_MAX;
	enum feature kind;
	size_t n;
	ssize_t r;

	if (!left)
		return DONE;
	lower_lowat(h, left);
	pause_half(h);
	kind = draw_kind(h, mine->reads);
	n = draw_length(h, mine->read_max, left);
	draw_patience(h, kind);
	begin_call(h, feature_names[kind], n);
	r = end_call(h, read_by(h, kind, n));
	if (r < 0)
		return judge_error(h, feature_names[kind]);
	if (r == 0)
		return end_of_reading(h, feature_names[kind]);
	check(h, r, feature_names[kind]);
	h->at += r;
	h->progress->bytes = h->at;
	if (r < (ssize_t)n && mine->short_is_empty && !h->hung_up && kind == F_READ)
		return WAIT;
	return AGAIN;
}

#endif
