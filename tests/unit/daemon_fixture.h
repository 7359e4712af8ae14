/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the unit tests of the daemon share: a directory of their own, an
 * authority in it, snapshots of identities.
 */
#ifndef WEFT_TEST_DAEMON_FIXTURE_H
#define WEFT_TEST_DAEMON_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "daemon/identity.h"

#define CLIENT "spiffe://mesh.test/client"
#define SERVER "spiffe://mesh.test/server"

struct fixture {
	char dir[64];
	char path[128]; /* of the last fixture_path() */
	struct weft_ca *ca;
};

static inline const char *fixture_path(struct fixture *f, const char *name)
{
	snprintf(f->path, sizeof(f->path), "%s/%s", f->dir, name);
	return f->path;
}

static inline void fixture_write(struct fixture *f, const char *name, const char *text)
{
	FILE *file = fopen(fixture_path(f, name), "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static inline void fixture_dir(struct fixture *f)
{
	*f = (struct fixture){.dir = "/tmp/weft-test-XXXXXX"};
	umask(022); /* documents that others may write are not loaded */
	assert_non_null(mkdtemp(f->dir));
}

static inline int fixture_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static inline void fixture_uninit(struct fixture *f)
{
	weft_ca_close(f->ca);
	assert_int_equal(nftw(f->dir, fixture_remove, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static inline void fixture_ca(struct fixture *f)
{
	struct weft_error err = { 0 };

	fixture_dir(f);
	if (weft_ca_open_or_create(fixture_path(f, "ca"), "mesh.test", &f->ca, &err))
		fail_msg("%s", err.text);
}

/* The authority once more, as a source of its own. */
static inline struct weft_source *fixture_source(struct fixture *f)
{
	struct weft_source *source;
	struct weft_ca *ca;

	assert_int_equal(weft_ca_open_or_create(fixture_path(f, "ca"), "mesh.test", &ca, NULL), 0);
	assert_int_equal(weft_source_ca_create(ca, &source, NULL), 0);
	return source;
}

/* A snapshot of up to two identities (NULL: not this one). */
static inline struct weft_snapshot *fixture_snapshot(struct fixture *f, const char *one,
						     const char *two)
{
	struct weft_identities *identities;
	struct weft_strv wanted = { 0 };
	struct weft_snapshot *snapshot;

	assert_int_equal(weft_identities_create(&identities, fixture_source(f), 3600, true, NULL),
			 0);
	if (one)
		assert_int_equal(weft_strv_add(&wanted, one), 0);
	if (two)
		assert_int_equal(weft_strv_add(&wanted, two), 0);
	assert_true(weft_identities_set(identities, &wanted, time(NULL)) >= 0);
	snapshot = weft_identities_snapshot(identities);
	assert_non_null(snapshot);
	weft_strv_uninit(&wanted);
	weft_identities_destroy(identities);
	return snapshot;
}

static inline void fixture_socketpair(int fds[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds),
			 0);
}

#endif
