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
static int find_named(const struct stat *own, char **name)
{
	_cleanup_(closedir_ptr) DIR *dir = opendir(NETNS_DIR);
	struct dirent *entry;
	struct stat st;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' && !fstatat(dirfd(dir), entry->d_name, &st, 0) &&
		    is_same(own, &st)) {
			*name = strdup(entry->d_name);
			return *name ? 0 : -ENOMEM;
		}
	return -ENOENT;
}

/* @name: out, the caller's to free; NULL: that of process 1. @way_out: without a name. */
static int find_name(char **name, const char *way_out, struct weft_error *err)
{
	struct stat own, first;
	int ret;

	if (stat("/proc/self/ns/net", &own) || stat("/proc/1/ns/net", &first))
		return weft_error_set(err, errno,
				      "cannot tell which network namespace this is (%s): this needs "
				      "root, or: %s", strerror(errno), way_out);
	*name = NULL;
	if (is_same(&own, &first))
		return 0;
	ret = find_named(&own, name);
	if (ret == -ENOENT)
		return weft_error_set(err, ENOENT,
				      "this network namespace has no name in " NETNS_DIR ": %s",
				      way_out);
	return ret ? weft_error_nomem(err) : 0;
}

int weft_netns_state_dir(char **state_dir, struct weft_error *err)
{
	_cleanup_free_ char *name = NULL;
	int ret = find_name(&name, "name the state directory of its weftd with --state-dir", err);

	if (ret)
		return ret;
	if ((name ? asprintf(state_dir, STATE_DIR_NAMED "/%s", name)
		 : asprintf(state_dir, "%s", STATE_DIR)) >= 0)
		return 0;
	*state_dir = NULL;
	return weft_error_nomem(err);
}

int weft_netns_unit(char **unit, struct weft_error *err)
{
	_cleanup_free_ char *name = NULL;
	int ret = find_name(&name, "give it one (ip netns attach), which that of its weftd has", err);

	if (ret)
		return ret;
	if ((name ? asprintf(unit, "weftd@%s.service", name) : asprintf(unit, "weftd.service")) >= 0)
		return 0;
	*unit = NULL;
	return weft_error_nomem(err);
}
