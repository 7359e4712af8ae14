// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The store that is a directory of documents. See store.h.
 *
 * One descriptor for the caller: an epoll set of an inotify instance and a
 * timer. An event arms the timer; when nothing more happens for QUIET_MS, or
 * LATEST_MS after the first event, the change is reported.
 *
 * Two watches: the directory, and its parent, so that a directory that is made,
 * removed, renamed or replaced by a symbolic link is followed. Both are renewed
 * at every load. One thread.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>

#include "base/cleanup.h"
#include "conf/conf.h"
#include "conf/file_name.h"
#include "conf/store.h"

#define QUIET_MS	100
#define LATEST_MS	1000

#define DIR_EVENTS (IN_CLOSE_WRITE | IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | \
		    IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)
#define PARENT_EVENTS (IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR)

struct store_dir {
	struct weft_store store;
	char *dir;
	char *parent;
	const char *base;	/* last part of @dir */
	char *trust_domain;
	int inotify_fd;
	int timer_fd;
	int dir_watch;		/* -1: none, there is no directory */
	int parent_watch;
	uint64_t first_ms;	/* when the first unreported event came; 0: none did */
};

static struct store_dir *store_dir_of(struct weft_store *store)
{
	return (struct store_dir *)store; /* its first member */
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* -------------------------------------------------------------- watches */

/*
 * Follow what has the name now. The kernel gives the same number for the same
 * directory, another for another; the old watch must go then.
 */
static int watch_again(struct store_dir *s, int *watch, const char *path, uint32_t events)
{
	int old = *watch;

	*watch = inotify_add_watch(s->inotify_fd, path, events);
	if (old >= 0 && old != *watch)
		inotify_rm_watch(s->inotify_fd, old); /* fails when it has gone by itself */
	return *watch < 0 ? -errno : 0;
}

/* The parent first: what happens to the directory after its watch failed is seen then. */
static void watch_all(struct store_dir *s)
{
	watch_again(s, &s->parent_watch, s->parent, PARENT_EVENTS);
	watch_again(s, &s->dir_watch, s->dir, DIR_EVENTS);
}

/* --------------------------------------------------------------- events */

/*
 * A file that was just made to be written is empty, and an IN_CLOSE_WRITE will
 * follow. Links, and files that open(O_TMPFILE) and linkat() made, come whole.
 */
static bool is_whole(const struct store_dir *s, const char *name)
{
	_cleanup_free_ char *path = NULL;
	struct stat st;

	if (asprintf(&path, "%s/%s", s->dir, name) < 0) {
		path = NULL;
		return true;
	}
	return lstat(path, &st) || !S_ISREG(st.st_mode) || st.st_size > 0;
}

/*
 * A name with two dots is what Kubernetes' volumes put their links through
 * ("..data"): when it moves, all files behind it are others.
 */
static bool is_relevant_file(const struct store_dir *s, const struct inotify_event *ev)
{
	if (!weft_file_name_is_document(ev->name) && strncmp(ev->name, "..", 2))
		return false;
	return !(ev->mask & IN_CREATE) || is_whole(s, ev->name);
}

static bool is_relevant(const struct store_dir *s, const struct inotify_event *ev)
{
	if (ev->mask & IN_Q_OVERFLOW)
		return true;
	if (ev->wd == s->parent_watch && ev->len && !strcmp(ev->name, s->base))
		return true;
	if (ev->wd != s->dir_watch)
		return false;
	if (ev->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED))
		return true;
	if (ev->mask & IN_ATTRIB && !ev->len) /* its owner and mode count, too */
		return true;
	return ev->len && is_relevant_file(s, ev);
}

/* Return: 1 there was something relevant, 0, negative errno. */
static int read_events(struct store_dir *s)
{
	char buf[16 * (sizeof(struct inotify_event) + NAME_MAX + 1)]
		__attribute__((aligned(__alignof__(struct inotify_event))));
	int relevant = 0;
	ssize_t n;

	while ((n = read(s->inotify_fd, buf, sizeof(buf))) > 0) {
		for (char *p = buf; p < buf + n;) {
			const struct inotify_event *ev = (const struct inotify_event *)p;

			relevant |= is_relevant(s, ev);
			p += sizeof(*ev) + ev->len;
		}
	}
	return n < 0 && errno != EAGAIN && errno != EINTR ? -errno : relevant;
}

/* ---------------------------------------------------------------- timer */

static int arm(struct store_dir *s)
{
	uint64_t now = now_ms(), due = now + QUIET_MS;
	struct itimerspec at = { 0 };

	if (!s->first_ms)
		s->first_ms = now;
	if (due > s->first_ms + LATEST_MS)
		due = s->first_ms + LATEST_MS;
	at.it_value.tv_sec = due / 1000;
	at.it_value.tv_nsec = due % 1000 * 1000000;
	return timerfd_settime(s->timer_fd, TFD_TIMER_ABSTIME, &at, NULL) ? -errno : 0;
}

static int disarm(struct store_dir *s)
{
	struct itimerspec never = { 0 };

	s->first_ms = 0;
	return timerfd_settime(s->timer_fd, 0, &never, NULL) ? -errno : 0;
}

/* Setting the timer has made it unreadable, so reading tells what happened since. */
static bool has_expired(struct store_dir *s)
{
	uint64_t times;

	return read(s->timer_fd, &times, sizeof(times)) == sizeof(times);
}

/* ------------------------------------------------------------ interface */

static int store_dir_load(struct weft_store *store, struct weft_conf **conf,
			  struct weft_error *err)
{
	struct store_dir *s = store_dir_of(store);

	/* before reading: what changes meanwhile is seen after */
	watch_all(s);
	return weft_conf_load(s->dir, s->trust_domain, conf, err);
}

static int store_dir_dispatch(struct weft_store *store, struct weft_error *err)
{
	struct store_dir *s = store_dir_of(store);
	int ret;

	/* the timer first: an event that comes now belongs to the next report */
	if (has_expired(s)) {
		disarm(s);
		return 1;
	}
	ret = read_events(s);
	if (ret < 0)
		return weft_error_set(err, ret, "%s: cannot read what changed: %s", s->dir,
				      strerror(-ret));
	if (ret > 0) {
		watch_all(s);
		ret = arm(s);
	}
	return ret < 0 ? weft_error_set(err, ret, "%s: cannot set a timer: %s", s->dir,
					strerror(-ret)) : 0;
}

static void store_dir_destroy(struct weft_store *store)
{
	struct store_dir *s = store_dir_of(store);

	weft_close_ptr(&s->inotify_fd);
	weft_close_ptr(&s->timer_fd);
	weft_close_ptr(&s->store.fd);
	free(s->dir);
	free(s->parent);
	free(s->trust_domain);
	free(s);
}

static const struct weft_store_ops store_dir_ops = {
	.load = store_dir_load,
	.dispatch = store_dir_dispatch,
	.destroy = store_dir_destroy,
};

/* "/etc/weft/conf.d/" is "/etc/weft" and "conf.d"; "conf.d" is "." and "conf.d". */
static int set_names(struct store_dir *s, const char *dir, const char *trust_domain)
{
	size_t len = strlen(dir);
	char *slash;

	while (len > 1 && dir[len - 1] == '/')
		len--;
	s->dir = strndup(dir, len);
	s->parent = strndup(dir, len);
	s->trust_domain = strdup(trust_domain);
	if (!s->dir || !s->parent || !s->trust_domain)
		return -ENOMEM;
	slash = strrchr(s->dir, '/');
	s->base = slash ? slash + 1 : s->dir;
	if (slash) {
		s->parent[slash == s->dir ? 1 : slash - s->dir] = '\0';
		return 0;
	}
	free(s->parent);
	s->parent = strdup(".");
	return s->parent ? 0 : -ENOMEM;
}

static int add_to_set(struct store_dir *s, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(s->store.fd, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

static int open_descriptors(struct store_dir *s)
{
	int ret;

	s->inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (s->inotify_fd < 0)
		return -errno;
	s->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (s->timer_fd < 0)
		return -errno;
	s->store.fd = epoll_create1(EPOLL_CLOEXEC);
	if (s->store.fd < 0)
		return -errno;
	ret = add_to_set(s, s->inotify_fd);
	return ret ? ret : add_to_set(s, s->timer_fd);
}

int weft_store_dir_create(const char *dir, const char *trust_domain, struct weft_store **store,
			  struct weft_error *err)
{
	struct store_dir *s = calloc(1, sizeof(*s));
	int ret;

	if (!s)
		return weft_error_nomem(err);
	s->store.ops = &store_dir_ops;
	s->store.fd = s->inotify_fd = s->timer_fd = s->dir_watch = s->parent_watch = -1;
	ret = set_names(s, dir, trust_domain);
	if (!ret)
		ret = open_descriptors(s);
	if (ret) {
		store_dir_destroy(&s->store);
		return weft_error_set(err, ret, "%s: cannot watch the directory: %s", dir,
				      strerror(-ret));
	}
	watch_all(s);
	*store = &s->store;
	return 0;
}
