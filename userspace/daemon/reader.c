// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The thread that looks at executables, see reader.h. Files are touched without the
 * lock; known is the thread's own.
 */
#include "daemon/reader.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include "base/cleanup.h"
#include "base/strv.h"

#define NSEC_PER_MSEC 1000000L
#define NSEC_PER_SEC 1000000000L

/* Milliseconds that weft_reader_stop() waits. */
#define STOP_WAIT 1000

struct weft_reader {
	pthread_t thread;
	int fd; /* eventfd */
	pthread_mutex_t lock;
	pthread_cond_t changed; /* any of the following */
	bool stop;
	struct weft_strv paths; /* as asked */
	unsigned int asked;	/* goes up with each question */
	unsigned int answered;	/* asked, when all of it had been looked at */
	struct weft_executables found; /* not taken yet */
	const char *at;	   /* where it looks now; NULL: nowhere. known's */
	struct timespec since;

	/* ---- the thread's own ---- */
	struct weft_executables known;
};

static void reader_free(struct weft_reader *r)
{
	if (r->fd >= 0)
		close(r->fd);
	weft_strv_uninit(&r->paths);
	weft_executables_uninit(&r->found);
	weft_executables_uninit(&r->known);
	pthread_cond_destroy(&r->changed);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

/* ---- the thread ---- */

/* Locked. Without memory it is found again at the next look. */
static void answer(struct weft_reader *r, struct weft_executable *e)
{
	struct weft_executable *to = weft_executables_at(&r->found, e->path);

	if (!to)
		return;
	weft_executable_take(to, e);
	/* Cannot fail: the counter is far from its end. */
	(void)!write(r->fd, &(uint64_t){ 1 }, sizeof(uint64_t));
}

/* Asked by the one who reads a file: does somebody still want it? */
static bool is_wanted(void *data)
{
	struct weft_reader *r = data;
	bool is;

	pthread_mutex_lock(&r->lock);
	is = !r->stop && weft_strv_contains(&r->paths, r->at);
	pthread_mutex_unlock(&r->lock);
	return is;
}

/* Locked, but not while it looks. */
static void look_at(struct weft_reader *r, const char *path)
{
	struct weft_executable *e = weft_executables_at(&r->known, path);

	if (!e)
		return;
	r->at = e->path;
	clock_gettime(CLOCK_MONOTONIC, &r->since);
	pthread_mutex_unlock(&r->lock);
	weft_executable_look(e, 0, is_wanted, r);
	pthread_mutex_lock(&r->lock);
	r->at = NULL;
	if (e->error != ECANCELED)
		answer(r, e);
	weft_executables_close(&r->known);
}

/* Locked. Forgets what nobody wants any more. */
static void forget_others(struct weft_reader *r)
{
	struct weft_executables wanted = { 0 };
	size_t i;

	for (i = 0; i < r->paths.count; i++)
		if (!weft_executables_at(&wanted, r->paths.items[i]))
			break;
	if (i == r->paths.count) {
		weft_executables_keep(&r->known, &wanted);
		weft_executables_keep(&r->found, &wanted);
	}
	weft_executables_uninit(&wanted);
}

/* Locked. All that is asked, unless something else is asked meanwhile. */
static void look_at_all(struct weft_reader *r)
{
	unsigned int asked = r->asked;
	size_t i;

	forget_others(r);
	for (i = 0; i < r->paths.count; i++) {
		look_at(r, r->paths.items[i]);
		if (r->stop || r->asked != asked)
			return;
	}
	r->answered = asked;
	pthread_cond_broadcast(&r->changed);
}

static void *run(void *data)
{
	struct weft_reader *r = data;

	pthread_setname_np(pthread_self(), "weftd-reader");
	pthread_mutex_lock(&r->lock);
	while (!r->stop) {
		if (r->answered == r->asked)
			pthread_cond_wait(&r->changed, &r->lock);
		else
			look_at_all(r);
	}
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

/* ---- the other one ---- */

static void init_locks(struct weft_reader *r)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&r->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&r->changed, &attr);
	pthread_condattr_destroy(&attr);
}

int weft_reader_start(struct weft_reader **reader, struct weft_error *err)
{
	struct weft_reader *r = calloc(1, sizeof(*r));
	int ret = 0;

	if (!r)
		return weft_error_nomem(err);
	init_locks(r);
	r->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (r->fd < 0)
		ret = weft_error_set(err, errno, "eventfd: %s", strerror(errno));
	if (!ret) {
		ret = pthread_create(&r->thread, NULL, run, r);
		if (ret)
			ret = weft_error_set(err, ret, "reader: thread: %s", strerror(ret));
	}
	if (ret) {
		reader_free(r);
		return ret;
	}
	*reader = r;
	return 0;
}

static struct timespec in_ms(unsigned int ms)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += ms % 1000 * NSEC_PER_MSEC;
	if (t.tv_nsec >= NSEC_PER_SEC) {
		t.tv_sec++;
		t.tv_nsec -= NSEC_PER_SEC;
	}
	return t;
}

void weft_reader_stop(struct weft_reader *reader)
{
	struct timespec end = in_ms(STOP_WAIT);

	if (!reader)
		return;
	pthread_mutex_lock(&reader->lock);
	reader->stop = true;
	pthread_cond_broadcast(&reader->changed);
	pthread_mutex_unlock(&reader->lock);
	if (pthread_clockjoin_np(reader->thread, NULL, CLOCK_MONOTONIC, &end))
		pthread_detach(reader->thread); /* what it uses stays with it */
	else
		reader_free(reader);
}

int weft_reader_fd(const struct weft_reader *reader)
{
	return reader->fd;
}

static int copy_paths(const struct weft_executables *wanted, struct weft_strv *paths)
{
	size_t i;

	for (i = 0; i < wanted->count; i++)
		if (weft_strv_add(paths, wanted->items[i].path))
			return -ENOMEM;
	return 0;
}

int weft_reader_ask(struct weft_reader *reader, const struct weft_executables *wanted)
{
	struct weft_strv paths = { 0 };

	if (copy_paths(wanted, &paths)) {
		weft_strv_uninit(&paths);
		return -ENOMEM;
	}
	pthread_mutex_lock(&reader->lock);
	weft_strv_uninit(&reader->paths);
	reader->paths = paths;
	reader->asked++;
	pthread_cond_broadcast(&reader->changed);
	pthread_mutex_unlock(&reader->lock);
	return 0;
}

bool weft_reader_idle(struct weft_reader *reader)
{
	bool idle;

	pthread_mutex_lock(&reader->lock);
	idle = reader->answered == reader->asked;
	pthread_mutex_unlock(&reader->lock);
	return idle;
}

char *weft_reader_stuck(struct weft_reader *reader, unsigned int s)
{
	struct timespec now;
	char *path = NULL;

	clock_gettime(CLOCK_MONOTONIC, &now);
	pthread_mutex_lock(&reader->lock);
	if (reader->at && now.tv_sec - reader->since.tv_sec > s)
		path = strdup(reader->at);
	pthread_mutex_unlock(&reader->lock);
	return path;
}

void weft_reader_wait(struct weft_reader *reader, unsigned int ms)
{
	struct timespec end = in_ms(ms);

	pthread_mutex_lock(&reader->lock);
	while (reader->answered != reader->asked &&
	       pthread_cond_timedwait(&reader->changed, &reader->lock, &end) != ETIMEDOUT)
		;
	pthread_mutex_unlock(&reader->lock);
}

void weft_reader_take(struct weft_reader *reader, struct weft_executables *all)
{
	struct weft_executable *found;
	uint64_t n;
	size_t i, k;

	(void)!read(reader->fd, &n, sizeof(n));
	pthread_mutex_lock(&reader->lock);
	for (i = 0; i < all->count; i++)
		for (k = 0; k < reader->found.count; k++) {
			found = &reader->found.items[k];
			if (!strcmp(found->path, all->items[i].path))
				weft_executable_take(&all->items[i], found);
		}
	weft_executables_uninit(&reader->found);
	pthread_mutex_unlock(&reader->lock);
}
