// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Workers as they run, threads and all, with the test in the module's place:
 * offers, a netlink connection that breaks, snapshots that come late, the end.
 *
 * The fake module is one object under one lock; the test waits for what it
 * hears by a condition variable.
 */
#include "daemon_fixture.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include "daemon/handshake.h"
#include "daemon/worker.h"

#define CONNS_MAX   (WEFT_WORKER_HANDSHAKES_MAX + 8)
#define OFFERS_MAX  (2 * CONNS_MAX)
#define LINKS_MAX   8
#define PATIENCE_S  20

struct fake_conn {
	enum weft_role role;
	uint32_t deadline;
	int fd; /* what accept hands out a copy of */
	bool accepted;
	bool done;
	enum weft_reason reason;
};

/* One netlink connection of a worker. */
struct weft_nl {
	int fd;
	bool open;
	int error; /* recv gives this next */
	uint64_t offers[OFFERS_MAX];
	size_t first, last;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t heard;
	struct weft_nl links[LINKS_MAX];
	unsigned int n_links;
	int open_error;
	struct fake_conn conns[CONNS_MAX]; /* by id */
	unsigned int accepted, dones;
} fake = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.heard = PTHREAD_COND_INITIALIZER,
};

static int fake_open(struct weft_nl **nl, struct weft_error *err)
{
	int ret = 0;

	pthread_mutex_lock(&fake.lock);
	if (fake.open_error || fake.n_links == LINKS_MAX) {
		ret = weft_error_set(err, fake.open_error ? fake.open_error : ENOSPC,
				     "the fake module is away");
	} else {
		*nl = &fake.links[fake.n_links++];
		(*nl)->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		(*nl)->open = true;
		pthread_cond_broadcast(&fake.heard);
	}
	pthread_mutex_unlock(&fake.lock);
	return ret;
}

static void fake_close(struct weft_nl *nl)
{
	pthread_mutex_lock(&fake.lock);
	close(nl->fd);
	nl->open = false;
	pthread_cond_broadcast(&fake.heard);
	pthread_mutex_unlock(&fake.lock);
}

static int fake_fd(const struct weft_nl *nl)
{
	return nl->fd;
}

static bool fake_pending(const struct weft_nl *nl)
{
	return false;
}

static int fake_register(struct weft_nl *nl, struct weft_error *err)
{
	return 0;
}

static int fake_recv(struct weft_nl *nl, uint64_t *id, struct weft_error *err)
{
	uint64_t value;
	int ret;

	pthread_mutex_lock(&fake.lock);
	ret = -nl->error;
	nl->error = 0;
	if (!ret && nl->first < nl->last) {
		*id = nl->offers[nl->first++];
		ret = 1;
	} else if (read(nl->fd, &value, sizeof(value)) < 0 && errno != EAGAIN) {
		ret = -errno;
	}
	pthread_mutex_unlock(&fake.lock);
	return ret;
}

static int fake_accept(struct weft_nl *nl, uint64_t id, struct weft_nl_conn *conn, int *fd,
		       struct weft_error *err)
{
	struct fake_conn *fc = &fake.conns[id];
	int ret = 0;

	pthread_mutex_lock(&fake.lock);
	if (fc->accepted) {
		ret = weft_error_set(err, EALREADY, "another has it");
	} else {
		*conn = (struct weft_nl_conn){
			.id = id,
			.role = fc->role,
			.deadline = fc->deadline,
			.identity = strdup(fc->role == WEFT_ROLE_CLIENT ? CLIENT : SERVER),
		};
		*fd = dup(fc->fd);
		fc->accepted = true;
		fake.accepted++;
		pthread_cond_broadcast(&fake.heard);
	}
	pthread_mutex_unlock(&fake.lock);
	return ret;
}

static int fake_judge(struct weft_nl *nl, uint64_t id, const char *peer, const char *serial,
		      struct weft_nl_verdict *verdict, struct weft_error *err)
{
	*verdict = (struct weft_nl_verdict){ .generation = 1 };
	return 0;
}

static int fake_install(int fd, const struct weft_ktls_key *tx, const struct weft_ktls_key *rx,
			struct weft_error *err)
{
	return 0;
}

static int fake_done(struct weft_nl *nl, const struct weft_nl_done *done, struct weft_error *err)
{
	struct fake_conn *fc = &fake.conns[done->id];

	pthread_mutex_lock(&fake.lock);
	fc->done = true;
	fc->reason = done->reason;
	fake.dones++;
	pthread_cond_broadcast(&fake.heard);
	pthread_mutex_unlock(&fake.lock);
	return 0;
}

static const struct weft_worker_module fake_module = {
	.open = fake_open,
	.close = fake_close,
	.fd = fake_fd,
	.pending = fake_pending,
	.worker_register = fake_register,
	.recv = fake_recv,
	.accept = fake_accept,
	.judge = fake_judge,
	.install = fake_install,
	.done = fake_done,
};

/* ---- the test's side of it ---- */

static void lock(void)
{
	assert_int_equal(pthread_mutex_lock(&fake.lock), 0);
}

static void unlock(void)
{
	assert_int_equal(pthread_mutex_unlock(&fake.lock), 0);
}

/* The lock is held. */
#define AWAIT(condition)                                                                     \
	do {                                                                                 \
		struct timespec until;                                                       \
                                                                                             \
		clock_gettime(CLOCK_REALTIME, &until);                                       \
		until.tv_sec += PATIENCE_S;                                                  \
		while (!(condition))                                                         \
			assert_int_equal(                                                    \
				pthread_cond_timedwait(&fake.heard, &fake.lock, &until), 0); \
	} while (0)

static void offer(struct weft_nl *nl, uint64_t id)
{
	const uint64_t one = 1;

	lock();
	assert_true(nl->last < OFFERS_MAX);
	nl->offers[nl->last++] = id;
	assert_int_equal(write(nl->fd, &one, sizeof(one)), sizeof(one));
	unlock();
}

static void break_link(struct weft_nl *nl, int error)
{
	const uint64_t one = 1;

	lock();
	nl->error = error;
	assert_int_equal(write(nl->fd, &one, sizeof(one)), sizeof(one));
	unlock();
}

/* Connections 2n (client) and 2n + 1 (server), to each other. */
static void connect_pair(uint64_t n, uint32_t deadline)
{
	int fds[2];

	fixture_socketpair(fds);
	lock();
	fake.conns[2 * n] = (struct fake_conn){
		.role = WEFT_ROLE_CLIENT, .deadline = deadline, .fd = fds[0]
	};
	fake.conns[2 * n + 1] = (struct fake_conn){
		.role = WEFT_ROLE_SERVER, .deadline = deadline, .fd = fds[1]
	};
	unlock();
}

struct context {
	struct fixture f;
	struct weft_snapshot *full, *none;
	int end_fd;
};

static int setup(void **state)
{
	struct context *c = calloc(1, sizeof(*c));
	struct rlimit files;

	assert_non_null(c);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
	files.rlim_cur = files.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
	memset(fake.links, 0, sizeof(fake.links));
	memset(fake.conns, 0, sizeof(fake.conns));
	fake.n_links = fake.accepted = fake.dones = 0;
	fake.open_error = 0;
	fixture_ca(&c->f);
	c->full = fixture_snapshot(&c->f, CLIENT, SERVER);
	c->none = fixture_snapshot(&c->f, NULL, NULL);
	c->end_fd = eventfd(0, EFD_CLOEXEC);
	*state = c;
	return 0;
}

static int teardown(void **state)
{
	struct context *c = *state;
	size_t i;

	for (i = 0; i < CONNS_MAX; i++)
		if (fake.conns[i].fd > 0)
			close(fake.conns[i].fd);
	weft_snapshot_put(c->full);
	weft_snapshot_put(c->none);
	close(c->end_fd);
	fixture_uninit(&c->f);
	free(c);
	return 0;
}

static struct weft_worker *start(struct context *c, struct weft_snapshot *snapshot)
{
	struct weft_worker *worker;

	assert_int_equal(weft_worker_start(&worker, &fake_module, snapshot, c->end_fd, NULL), 0);
	return worker;
}

static void stop(struct weft_worker *worker)
{
	weft_worker_stop(worker);
	assert_int_equal(weft_worker_join(worker, NULL), 0);
}

static void await_pong(struct weft_worker *worker)
{
	time_t end = time(NULL) + PATIENCE_S;

	while (!weft_worker_ping(worker)) {
		assert_true(time(NULL) < end);
		sched_yield();
	}
}

/* Until the worker has ended the turn in which it is: each ping sent is answered in
 * a turn of its own. */
static void await_turn(struct weft_worker *worker)
{
	await_pong(worker);
	await_pong(worker);
	await_pong(worker);
}

static void two_workers_make_many_handshakes(void **state)
{
	struct context *c = *state;
	struct weft_worker *a = start(c, c->full), *b = start(c, c->full);
	const unsigned int pairs = 20;
	unsigned int i;

	for (i = 0; i < pairs; i++) {
		connect_pair(i, 20000);
		offer(&fake.links[i % 2], 2 * i);
		offer(&fake.links[(i + 1) % 2], 2 * i + 1);
	}
	lock();
	AWAIT(fake.dones == 2 * pairs);
	for (i = 0; i < 2 * pairs; i++)
		assert_int_equal(fake.conns[i].reason, WEFT_REASON_NONE);
	unlock();
	/* Each counts after the module has heard. */
	await_turn(a);
	await_turn(b);
	assert_int_equal(weft_worker_counters(a).live + weft_worker_counters(b).live, 2 * pairs);
	assert_int_equal(weft_worker_counters(a).failed + weft_worker_counters(b).failed, 0);
	stop(a);
	stop(b);
}

static void offer_made_twice_is_taken_once(void **state)
{
	struct context *c = *state;
	struct weft_worker *w = start(c, c->full);

	connect_pair(0, 20000);
	offer(&fake.links[0], 0);
	offer(&fake.links[0], 0);
	offer(&fake.links[0], 1);
	lock();
	AWAIT(fake.dones == 2);
	assert_int_equal(fake.accepted, 2);
	unlock();
	stop(w);
}

static void snapshot_published_later_is_used(void **state)
{
	struct context *c = *state;
	struct weft_worker *w = start(c, c->none);

	connect_pair(0, 20000);
	offer(&fake.links[0], 0);
	offer(&fake.links[0], 1);
	lock();
	AWAIT(fake.accepted == 2);
	unlock();
	weft_worker_publish(w, c->none);
	weft_worker_publish(w, c->full);
	lock();
	AWAIT(fake.dones == 2);
	assert_int_equal(fake.conns[0].reason, WEFT_REASON_NONE);
	assert_int_equal(fake.conns[1].reason, WEFT_REASON_NONE);
	unlock();
	stop(w);
}

static void lost_offers_open_a_new_link(void **state)
{
	struct context *c = *state;
	struct weft_worker *w = start(c, c->full);

	/* A handshake in hand: the server waits for a client hello. */
	connect_pair(0, 20000);
	offer(&fake.links[0], 1);
	lock();
	AWAIT(fake.accepted == 1);
	unlock();
	break_link(&fake.links[0], ENOBUFS);
	lock();
	AWAIT(fake.n_links == 2 && !fake.links[0].open);
	/* Given back by the close: nobody says how it ended. */
	assert_int_equal(fake.dones, 0);
	fake.conns[1].accepted = false;
	unlock();
	offer(&fake.links[1], 0);
	offer(&fake.links[1], 1);
	lock();
	AWAIT(fake.dones == 2);
	assert_int_equal(fake.conns[1].reason, WEFT_REASON_NONE);
	unlock();
	assert_int_equal(weft_worker_counters(w).reopened, 1);
	stop(w);
}

static void without_a_module_it_ends_and_says_why(void **state)
{
	struct context *c = *state;
	struct weft_worker *w = start(c, c->full);
	struct weft_error err = { 0 };
	uint64_t value;

	assert_false(weft_worker_ended(w));
	lock();
	fake.open_error = ENOENT;
	unlock();
	break_link(&fake.links[0], ENOBUFS);
	assert_int_equal(read(c->end_fd, &value, sizeof(value)), sizeof(value));
	assert_true(weft_worker_ended(w));
	assert_int_equal(weft_worker_join(w, &err), -ENOENT);
	assert_string_equal(err.text, "the fake module is away");
}

static void start_without_a_module_fails(void **state)
{
	struct context *c = *state;
	struct weft_error err = { 0 };
	struct weft_worker *w;

	fake.open_error = ENOENT;
	assert_int_equal(weft_worker_start(&w, &fake_module, c->full, c->end_fd, &err), -ENOENT);
	assert_string_equal(err.text, "the fake module is away");
}

static void stop_finishes_what_is_in_hand(void **state)
{
	struct context *c = *state;
	struct weft_worker *a = start(c, c->full), *b = start(c, c->full);

	connect_pair(0, 20000);
	offer(&fake.links[0], 1);
	lock();
	AWAIT(fake.accepted == 1);
	unlock();
	weft_worker_stop(a);
	await_pong(a);
	await_pong(a);
	offer(&fake.links[1], 0);
	assert_int_equal(weft_worker_join(a, NULL), 0);
	lock();
	AWAIT(fake.dones == 2);
	assert_int_equal(fake.conns[0].reason, WEFT_REASON_NONE);
	assert_int_equal(fake.conns[1].reason, WEFT_REASON_NONE);
	assert_false(fake.links[0].open);
	unlock();
	stop(b);
}

static void stop_does_not_wait_for_silent_peers(void **state)
{
	struct context *c = *state;
	struct weft_worker *w = start(c, c->full);

	connect_pair(0, 3600000);
	offer(&fake.links[0], 1);
	lock();
	AWAIT(fake.accepted == 1);
	unlock();
	stop(w);
	assert_int_equal(fake.dones, 0);
	assert_false(fake.links[0].open);
}

static void bounded_number_is_in_hand(void **state)
{
	struct context *c = *state;
	struct weft_worker *w = start(c, c->full);
	const unsigned int max = WEFT_WORKER_HANDSHAKES_MAX;
	int peers[WEFT_WORKER_HANDSHAKES_MAX + 1];
	unsigned int i;
	int fds[2];

	/* Clients that say nothing; one more than the worker takes at a time. */
	for (i = 0; i <= max; i++) {
		fixture_socketpair(fds);
		peers[i] = fds[0];
		lock();
		fake.conns[i] = (struct fake_conn){
			.role = WEFT_ROLE_SERVER, .deadline = 3600000, .fd = fds[1]
		};
		unlock();
		offer(&fake.links[0], i);
	}
	lock();
	AWAIT(fake.accepted == max);
	assert_false(fake.conns[max].accepted);
	unlock();
	/* It asked for no more after the last one it took, and goes on when one ends. */
	await_turn(w);
	lock();
	assert_int_equal(fake.accepted, max);
	unlock();
	close(peers[7]);
	lock();
	AWAIT(fake.conns[max].accepted);
	assert_true(fake.conns[7].done);
	unlock();
	for (i = 0; i <= max; i++)
		if (i != 7)
			close(peers[i]);
	lock();
	AWAIT(fake.dones == max + 1);
	unlock();
	stop(w);
}

static void ping_is_answered(void **state)
{
	struct context *c = *state;
	struct weft_worker *w = start(c, c->full);
	assert_true(weft_worker_ping(w));
	await_pong(w);
	await_pong(w);
	stop(w);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(two_workers_make_many_handshakes),
		TEST(offer_made_twice_is_taken_once),
		TEST(snapshot_published_later_is_used),
		TEST(lost_offers_open_a_new_link),
		TEST(without_a_module_it_ends_and_says_why),
		TEST(start_without_a_module_fails),
		TEST(stop_finishes_what_is_in_hand),
		TEST(stop_does_not_wait_for_silent_peers),
		TEST(bounded_number_is_in_hand),
		TEST(ping_is_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
