// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From the network namespace to the state directory of its daemon. See netns.h.
 */
#include "cli/netns.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "base/cleanup.h"

#define NETNS_DIR      "/run/netns"
#define STATE_DIR      "/var/lib/weft"
#define STATE_DIR_NAMED "/var/lib/weft-netns"

static void closedir_ptr(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Return: 0; -ENOENT none has a name; -ENOMEM. */
static int find_named(const struct stat *own, char **state_dir)
{
	_cleanup_(closedir_ptr) DIR *dir = opendir(NETNS_DIR);
	struct dirent *entry;
	struct stat st;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' && !fstatat(dirfd(dir), entry->d_name, &st, 0) &&
		    is_same(own, &st))
			return asprintf(state_dir, STATE_DIR_NAMED "/%s", entry->d_name) < 0
				       ? -ENOMEM : 0;
	return -ENOENT;
}

int weft_netns_state_dir(char **state_dir, struct weft_error *err)
{
	struct stat own, first;
	int ret;

	if (stat("/proc/self/ns/net", &own) || stat("/proc/1/ns/net", &first))
		return weft_error_set(err, errno,
				      "cannot tell which network namespace this is (%s): this needs "
				      "root, or --state-dir", strerror(errno));
	if (is_same(&own, &first)) {
		*state_dir = strdup(STATE_DIR);
		return *state_dir ? 0 : weft_error_nomem(err);
	}
	ret = find_named(&own, state_dir);
	if (ret == -ENOENT)
		return weft_error_set(err, ENOENT,
				      "this network namespace has no name in " NETNS_DIR
				      ": name the state directory of its weftd with --state-dir");
	return ret ? weft_error_nomem(err) : 0;
}
