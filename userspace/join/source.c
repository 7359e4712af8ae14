// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The CA of another host as a source of SVIDs, see source.h.
 *
 * The source and its thread share one object, which the last of both frees: the
 * thread may be waiting for the network when the source ends, and nobody waits long
 * for it. Under ->lock is what both use; the client is the thread's.
 */
#include "join/source.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include "base/boot.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/hex.h"
#include "join/client.h"
#include "pki/crypto.h"

struct want {
	char *identity;
	int64_t lifetime;
	struct weft_svid *svid; /* NULL: none yet */
	int error; /* why there is none, or no newer one; 0: no answer yet */
	struct weft_error words;
	int64_t since; /* time() of @svid's begin, as this host's clock has it */
	int64_t tried; /* time() of the last answer; 0: none yet */
	bool asked; /* the thread is to obtain one, while it is wanted */
	int64_t dropped; /* uptime() when it was not wanted any more; 0: it is */
};

struct shared {
	struct weft_source source;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t more; /* asked, stopping */
	unsigned int refs;
	bool stopping;
	bool changed; /* since the last refresh() */
	struct weft_error problem; /* the CA cannot be asked; "": it can */
	struct weft_bundle *bundle;
	struct weft_bundle *handed; /* the latest that was asked for; NULL: none */
	struct weft_bundle *in_use; /* it was handed out before the last refresh() */
	struct want *wants; /* taken away by the thread alone */
	size_t n;
	int64_t roots_due; /* time() */
	int64_t leftovers_due; /* uptime(); INT64_MAX: none are left */

	/* Constant, or the thread's. */
	char *svid_dir;
	struct weft_join_client *client;
	unsigned int backoff;
};

static void want_uninit(struct want *want)
{
	free(want->identity);
	weft_svid_put(want->svid);
}

static void shared_put(struct shared *s)
{
	bool last;

	pthread_mutex_lock(&s->lock);
	last = !--s->refs;
	pthread_mutex_unlock(&s->lock);
	if (!last)
		return;
	for (size_t i = 0; i < s->n; i++)
		want_uninit(&s->wants[i]);
	free(s->wants);
	weft_bundle_put(s->bundle);
	weft_bundle_put(s->handed);
	weft_bundle_put(s->in_use);
	weft_join_client_close(s->client);
	free(s->svid_dir);
	if (s->source.fd >= 0)
		close(s->source.fd);
	pthread_cond_destroy(&s->more);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* ---- files ---- */

#define NAME_SIZE WEFT_HEX_SIZE(WEFT_CRYPTO_DIGEST_LEN)

/* Where an identity's SVID is kept: its name may hold anything, a digest does not. */
static int file_name(const char *identity, char text[NAME_SIZE])
{
	uint8_t digest[WEFT_CRYPTO_DIGEST_LEN];

	if (EVP_Digest(identity, strlen(identity), digest, NULL, EVP_sha256(), NULL) != 1)
		return -ENOMEM;
	weft_hex_format(digest, sizeof(digest), text);
	return 0;
}

static int paths(const struct shared *s, const char *identity, char **cert, char **key)
{
	char text[NAME_SIZE];

	*cert = *key = NULL;
	if (file_name(identity, text))
		return -ENOMEM;
	if (asprintf(cert, "%s/%s.crt", s->svid_dir, text) < 0)
		*cert = NULL;
	if (asprintf(key, "%s/%s.key", s->svid_dir, text) < 0)
		*key = NULL;
	return *cert && *key ? 0 : -ENOMEM;
}

static struct weft_svid *load(const struct shared *s, const char *identity)
{
	_cleanup_free_ char *cert = NULL, *key = NULL;
	struct weft_svid *svid = NULL;

	if (paths(s, identity, &cert, &key) || weft_svid_read(cert, key, &svid, NULL))
		return NULL;
	if (!strcmp(svid->identity, identity) && weft_svid_valid_at(svid, time(NULL)))
		return svid;
	weft_svid_put(svid);
	return NULL;
}

/* Not to have it on disk costs a try at the next start, no more. */
static void store(const struct shared *s, const struct weft_svid *svid)
{
	_cleanup_free_ char *cert = NULL, *key = NULL;

	if (!paths(s, svid->identity, &cert, &key) && !weft_dir_create(s->svid_dir, 0700, NULL))
		(void)weft_svid_write(svid, cert, key, NULL);
}

static int remove_file(const char *path, struct weft_error *err)
{
	if (!unlink(path) || errno == ENOENT)
		return 0;
	return weft_error_set(err, errno, "%s: cannot be removed: %s", path, strerror(errno));
}

/* The key first: without it the certificate is of no use. */
static int remove_files(const struct shared *s, const char *identity, struct weft_error *err)
{
	_cleanup_free_ char *cert = NULL, *key = NULL;
	int r;

	if (paths(s, identity, &cert, &key))
		return weft_error_nomem(err);
	r = remove_file(key, err);
	return r ? r : remove_file(cert, err);
}

static bool is_kept(const struct weft_strv *kept, const char *file)
{
	char name[NAME_SIZE];

	if (strlen(file) != NAME_SIZE - 1 + strlen(".key"))
		return true; /* none of ours */
	memcpy(name, file, NAME_SIZE - 1);
	name[NAME_SIZE - 1] = '\0';
	return (strcmp(file + NAME_SIZE - 1, ".key") && strcmp(file + NAME_SIZE - 1, ".crt")) ||
	       weft_strv_contains(kept, name);
}

/* @kept: names without what follows the dot. The first error; the others go none the less. */
static int remove_leftovers(const struct shared *s, const struct weft_strv *kept,
			    struct weft_error *err)
{
	DIR *dir = opendir(s->svid_dir);
	const struct dirent *entry;
	struct weft_error problem;
	int r = 0;

	if (!dir && errno == ENOENT)
		return 0;
	if (!dir)
		return weft_error_set(err, errno, "%s: %s", s->svid_dir, strerror(errno));
	while ((entry = readdir(dir))) {
		_cleanup_free_ char *path = NULL;
		int failed;

		if (is_kept(kept, entry->d_name))
			continue;
		if (asprintf(&path, "%s/%s", s->svid_dir, entry->d_name) < 0)
			path = NULL;
		failed = path ? remove_file(path, &problem) : weft_error_nomem(&problem);
		if (failed && !r) {
			r = failed;
			*err = problem;
		}
	}
	closedir(dir);
	return r;
}

/* ---- the thread ---- */

/* Seconds, which no clock that is set makes fewer. */
static int64_t uptime(void)
{
	return weft_boot_now() / WEFT_NSEC_PER_SEC;
}

static void wake(const struct shared *s)
{
	const uint64_t one = 1;

	(void)!write(s->source.fd, &one, sizeof(one)); /* full: it is readable */
}

static void announce(struct shared *s)
{
	s->changed = true;
	wake(s);
}

static struct want *next(struct shared *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->wants[i].asked && !s->wants[i].dropped)
			return &s->wants[i];
	return NULL;
}

/* Waits up to @seconds, with the lock; less when something is asked or it ends. */
static void pause_for(struct shared *s, int64_t seconds)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += seconds;
	pthread_cond_timedwait(&s->more, &s->lock, &until);
}

/* What the thread does without the lock. @identity: NULL: look at the roots only. */
static int ask(struct shared *s, const char *identity, int64_t lifetime, struct weft_svid **svid,
	       bool *refused, struct weft_error *err)
{
	int r = weft_join_client_join(s->client, err);

	*refused = false;
	if (r)
		return r;
	if (!identity)
		return weft_join_client_refresh(s->client, err);
	r = weft_join_client_sign(s->client, identity, lifetime, svid, err);
	*refused = r == -EACCES || r == -EINVAL || r == -ERANGE;
	if (!r)
		store(s, *svid);
	return r;
}

static void take_bundle(struct shared *s)
{
	struct weft_bundle *bundle = weft_join_client_bundle(s->client);

	if (!bundle || bundle == s->bundle) {
		weft_bundle_put(bundle);
		return;
	}
	weft_bundle_put(s->bundle);
	s->bundle = bundle;
	/* The root of what there is may be gone. */
	for (size_t i = 0; i < s->n; i++)
		s->wants[i].asked = true;
	announce(s);
}

/* An answer is there, for @identity. */
static void answered(struct shared *s, const char *identity, int r, struct weft_svid *svid,
		     const struct weft_error *err)
{
	for (size_t i = 0; i < s->n; i++) {
		struct want *want = &s->wants[i];

		if (strcmp(want->identity, identity))
			continue;
		want->asked = false;
		want->tried = time(NULL);
		want->error = r;
		want->words = *err;
		if (svid) {
			weft_svid_put(want->svid);
			want->svid = weft_svid_get(svid);
			want->since = want->tried;
		}
		/* It has one that is good still: nobody asks for the words. */
		if (r && want->svid)
			s->problem = *err;
	}
	announce(s);
}

/* Without the CA there is nothing to do but to try again, ever more seldom. */
static void back_off(struct shared *s, const struct weft_error *err)
{
	bool told = !strcmp(s->problem.text, err->text);
	time_t end;

	s->problem = *err;
	if (!told)
		wake(s);
	s->backoff = s->backoff ? 2 * s->backoff : 1;
	if (s->backoff > WEFT_SOURCE_JOIN_BACKOFF)
		s->backoff = WEFT_SOURCE_JOIN_BACKOFF;
	end = time(NULL) + s->backoff;
	/* That more is asked does not bring it back. */
	while (!s->stopping && time(NULL) < end && time(NULL) + s->backoff >= end)
		pause_for(s, 1);
}

static bool is_forgotten(const struct want *want, int64_t now)
{
	return want->dropped && now - want->dropped >= WEFT_SOURCE_JOIN_FORGET;
}

/* Seconds until there is something to forget; INT64_MAX: nothing. */
static int64_t until_forgetting(const struct shared *s)
{
	int64_t now = uptime(), due = s->leftovers_due;

	for (size_t i = 0; i < s->n; i++) {
		int64_t end = s->wants[i].dropped + WEFT_SOURCE_JOIN_FORGET;

		if (s->wants[i].dropped && end < due)
			due = end;
	}
	return due == INT64_MAX ? due : due > now ? due - now : 0;
}

/* What is to be forgotten goes from the list into @gone; @kept: the files of the others.
 * Return: 0, -ENOMEM. */
static int take_forgotten(struct shared *s, struct weft_strv *gone, struct weft_strv *kept)
{
	int64_t now = uptime();
	char name[NAME_SIZE];

	for (size_t i = 0; i < s->n;) {
		struct want *want = &s->wants[i];

		if (!is_forgotten(want, now)) {
			if (file_name(want->identity, name) || weft_strv_add(kept, name))
				return -ENOMEM;
			i++;
			continue;
		}
		if (weft_strv_add(gone, want->identity))
			return -ENOMEM;
		want_uninit(want);
		*want = s->wants[--s->n];
	}
	return 0;
}

/* With the lock but for the files. Who wants one of them again meanwhile has it in memory. */
static void forget(struct shared *s)
{
	_cleanup_(weft_strv_uninit) struct weft_strv gone = { 0 }, kept = { 0 };
	bool leftovers = uptime() >= s->leftovers_due;
	struct weft_error err = { 0 };
	int r = take_forgotten(s, &gone, &kept), synced = 0;

	pthread_mutex_unlock(&s->lock);
	for (size_t i = 0; i < gone.count; i++)
		if (remove_files(s, gone.items[i], &err))
			r = -EIO;
	if (leftovers && !r)
		r = remove_leftovers(s, &kept, &err);
	if (leftovers || gone.count)
		synced = weft_dir_sync(s->svid_dir, r ? NULL : &err);
	r = r ? r : synced;
	pthread_mutex_lock(&s->lock);
	if (r == -ENOENT) /* there never were any */
		r = 0;
	if (r) {
		s->leftovers_due = uptime() + WEFT_SOURCE_JOIN_LEFTOVER;
		if (*err.text) {
			s->problem = err;
			wake(s);
		}
		pause_for(s, 1);
	} else if (leftovers) {
		s->leftovers_due = INT64_MAX;
	}
}

/* One round, with the lock but for what waits. */
static void turn(struct shared *s)
{
	_cleanup_(weft_svid_put_ptr) struct weft_svid *svid = NULL;
	_cleanup_free_ char *identity = NULL;
	struct weft_error err = { 0 };
	struct weft_bundle *used;
	int64_t lifetime, rest;
	struct want *want;
	bool refused;
	int r;

	rest = until_forgetting(s);
	if (!rest) {
		forget(s);
		return;
	}
	want = next(s);
	if (!want && time(NULL) < s->roots_due &&
	    time(NULL) > s->roots_due - 2 * WEFT_SOURCE_JOIN_ROOTS) {
		if (rest > s->roots_due - time(NULL))
			rest = s->roots_due - time(NULL);
		pause_for(s, rest);
		return;
	}
	identity = want ? strdup(want->identity) : NULL;
	lifetime = want ? want->lifetime : 0;
	if (want && !identity) {
		pause_for(s, 1);
		return;
	}
	used = s->in_use;
	weft_join_client_use(s->client, used);
	pthread_mutex_unlock(&s->lock);
	r = ask(s, identity, lifetime, &svid, &refused, &err);
	pthread_mutex_lock(&s->lock);

	take_bundle(s);
	if (r && !refused) {
		back_off(s, &err);
		return;
	}
	if (*s->problem.text) {
		s->problem.text[0] = '\0';
		announce(s); /* that it is over */
	}
	s->backoff = 0;
	/* Others may have come into use meanwhile. */
	s->roots_due = s->in_use == used ? time(NULL) + WEFT_SOURCE_JOIN_ROOTS : 0;
	if (identity)
		answered(s, identity, r, svid, &err);
}

static void *run(void *arg)
{
	struct shared *s = arg;

	pthread_mutex_lock(&s->lock);
	while (!s->stopping)
		turn(s);
	pthread_mutex_unlock(&s->lock);
	shared_put(s);
	return NULL;
}

/* ---- the interface ---- */

static int join_bundle(struct weft_source *source, struct weft_bundle **bundle,
		       struct weft_error *err)
{
	struct shared *s = (struct shared *)source;

	pthread_mutex_lock(&s->lock);
	*bundle = weft_bundle_get(s->bundle);
	weft_bundle_put(s->handed);
	s->handed = weft_bundle_get(s->bundle);
	pthread_mutex_unlock(&s->lock);
	return 0;
}

static struct want *find_or_add(struct shared *s, const char *identity)
{
	struct want *want;

	for (size_t i = 0; i < s->n; i++)
		if (!strcmp(s->wants[i].identity, identity))
			return &s->wants[i];
	want = reallocarray(s->wants, s->n + 1, sizeof(*want));
	if (!want)
		return NULL;
	s->wants = want;
	want = &s->wants[s->n];
	*want = (struct want){ .identity = strdup(identity) };
	if (!want->identity)
		return NULL;
	s->n++;
	want->svid = load(s, identity);
	if (want->svid)
		want->since = want->svid->not_before + WEFT_CA_BACKDATE;
	return want;
}

/*
 * Renewal is asked for around half the life (daemon/identity.h): what is younger than
 * that is not meant. An answer makes everybody ask again, so that an SVID that is due
 * when it comes (a clock that is wrong) must not be asked for at once.
 */
static bool is_due(const struct want *want, int64_t now)
{
	int64_t pause = want->error ? WEFT_SOURCE_JOIN_RETRY : WEFT_SOURCE_JOIN_PAUSE;

	if (want->tried && now >= want->tried && now - want->tried < pause)
		return false;
	return !want->svid || now < want->since ||
	       now - want->since > (want->svid->valid_until - want->since) * 4 / 10;
}

static int join_svid(struct weft_source *source, const char *identity, int64_t lifetime,
		     struct weft_svid **svid, struct weft_error *err)
{
	struct shared *s = (struct shared *)source;
	struct want *want;
	int r = 0;

	pthread_mutex_lock(&s->lock);
	want = find_or_add(s, identity);
	if (want) {
		want->lifetime = lifetime;
		want->dropped = 0;
		want->asked |= is_due(want, time(NULL));
		if (want->asked)
			pthread_cond_signal(&s->more);
	}
	if (!want)
		r = weft_error_nomem(err);
	else if (want->svid && (!want->error || weft_svid_valid_at(want->svid, time(NULL))))
		*svid = weft_svid_get(want->svid);
	else if (want->error)
		r = weft_error_set(err, want->error, "%s", want->words.text);
	else
		r = weft_error_set(err, EAGAIN, "the CA has not answered yet");
	pthread_mutex_unlock(&s->lock);
	return r;
}

/* Who asks again has put in use what he was given before: now the CA may hear of it. */
static void put_in_use(struct shared *s)
{
	if (!s->handed || s->handed == s->in_use)
		return;
	weft_bundle_put(s->in_use);
	s->in_use = weft_bundle_get(s->handed);
	s->roots_due = 0;
	pthread_cond_signal(&s->more);
}

static int join_refresh(struct weft_source *source, struct weft_error *problem)
{
	struct shared *s = (struct shared *)source;
	uint64_t count;
	bool changed;

	pthread_mutex_lock(&s->lock);
	if (read(s->source.fd, &count, sizeof(count)) < 0)
		count = 0; /* nothing was announced */
	put_in_use(s);
	changed = s->changed;
	s->changed = false;
	if (problem && *s->problem.text)
		*problem = s->problem;
	pthread_mutex_unlock(&s->lock);
	return changed;
}

static void join_want(struct weft_source *source, const struct weft_strv *identities)
{
	struct shared *s = (struct shared *)source;
	int64_t now = uptime();

	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < s->n; i++) {
		struct want *want = &s->wants[i];

		if (weft_strv_contains(identities, want->identity)) {
			want->dropped = 0;
			continue;
		}
		if (!want->dropped)
			want->dropped = now > 0 ? now : 1;
	}
	pthread_cond_signal(&s->more);
	pthread_mutex_unlock(&s->lock);
}

static void join_destroy(struct weft_source *source)
{
	struct shared *s = (struct shared *)source;
	struct timespec until;

	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	pthread_cond_signal(&s->more);
	pthread_mutex_unlock(&s->lock);
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += WEFT_SOURCE_JOIN_END;
	if (pthread_clockjoin_np(s->thread, NULL, CLOCK_MONOTONIC, &until))
		pthread_detach(s->thread);
	shared_put(s);
}

static const struct weft_source_ops join_ops = {
	.bundle = join_bundle,
	.svid = join_svid,
	.refresh = join_refresh,
	.destroy = join_destroy,
	.want = join_want,
};

/* Signals are for the threads of the program, not for ours. */
static int start(struct shared *s, struct weft_error *err)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	s->refs++;
	r = pthread_create(&s->thread, NULL, run, s);
	if (r)
		s->refs--;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r ? weft_error_set(err, r, "cannot start a thread: %s", strerror(r)) : 0;
}

static struct shared *shared_new(void)
{
	struct shared *s = calloc(1, sizeof(*s));
	pthread_condattr_t attr;

	if (!s)
		return NULL;
	s->source.ops = &join_ops;
	s->source.fd = -1;
	s->refs = 1;
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->more, &attr);
	pthread_condattr_destroy(&attr);
	return s;
}

static int set_up(struct shared *s, const char *dir, struct weft_error *err)
{
	if (asprintf(&s->svid_dir, "%s/svids", dir) < 0) {
		s->svid_dir = NULL;
		return weft_error_nomem(err);
	}
	s->bundle = weft_join_client_bundle(s->client);
	if (!s->bundle)
		s->bundle = weft_bundle_create();
	if (!s->bundle)
		return weft_error_nomem(err);
	s->in_use = weft_bundle_get(s->bundle); /* nobody has any other */
	s->leftovers_due = uptime() + WEFT_SOURCE_JOIN_LEFTOVER;
	s->source.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->source.fd < 0)
		return weft_error_set(err, errno, "eventfd: %s", strerror(errno));
	return start(s, err);
}

int weft_source_join_create(const char *dir, const char *server, const char *trust_domain,
			    const char *token_path, struct weft_source **source,
			    struct weft_error *err)
{
	struct shared *s = shared_new();
	int r;

	if (!s)
		return weft_error_nomem(err);
	r = weft_join_client_open(dir, server, trust_domain, token_path, &s->client, err);
	if (!r)
		r = set_up(s, dir, err);
	if (r)
		shared_put(s);
	else
		*source = &s->source;
	return r;
}
