// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What can be told of the file system a file is on, see filesystem.h.
 *
 * The paths of an overlay's layers are those of who mounted it, then and there. That
 * something else is there now is for who may mount to avoid.
 */
#include "conf/filesystem.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>
#include "base/array.h"
#include "base/cleanup.h"
#include "base/number.h"

#define OVERLAY_MAGIC 0x794c7630

/* An overlay may be a layer of another one, and no more: FILESYSTEM_MAX_STACK_DEPTH. */
#define DEPTH_MAX 2

/* ---- disks ---- */

/* Return: 0; -ENOENT, without words; negative errno. */
static int read_number(const char *path, uint64_t *number, struct weft_error *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[32];
	ssize_t n;

	if (fd < 0 && errno == ENOENT)
		return -ENOENT;
	if (fd < 0)
		return weft_error_set(err, errno, "%s: %s", path, strerror(errno));
	n = read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return weft_error_set(err, errno, "%s: %s", path, strerror(errno));
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (weft_number_parse(text, 0, UINT64_MAX, number))
		return weft_error_set(err, EINVAL, "%s: \"%s\" is no number", path, text);
	return 0;
}

int weft_filesystem_disk(dev_t dev, uint64_t *number, struct weft_error *err)
{
	/* a partition's directory is in its disk's */
	static const char *const at[] = { "diskseq", "../diskseq" };
	char path[64];
	size_t i;
	int ret;

	for (i = 0; major(dev) && i < WEFT_ARRAY_SIZE(at); i++) {
		snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/%s", major(dev), minor(dev),
			 at[i]);
		ret = read_number(path, number, err);
		if (ret != -ENOENT)
			return ret;
	}
	/* File systems without a device, or on flash memory, have no disk in the module either. */
	*number = 0;
	return 0;
}

/* ---- layers ---- */

/* In place: \040 and the like, which the kernel writes for what it separates by. */
static void unescape_octal(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' &&
		    s[3] >= '0' && s[3] <= '7') {
			*to++ = (s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0');
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

/* Moves @list behind the first of it, without its backslashes; as ovl_split_lowerdirs(). */
static char *next_layer(char **list, char separator)
{
	char *first = *list, *from, *to = first;

	for (from = first; *from && *from != separator; from++) {
		if (*from == '\\' && from[1])
			from++;
		*to++ = *from;
	}
	*list = *from ? from + 1 : from;
	*to = '\0';
	return first;
}

/* Colons are between lower directories; two of them before those that have data alone. */
static int add_lower(char *list, struct weft_strv *layers)
{
	const char *layer;

	while (*list) {
		layer = next_layer(&list, ':');
		if (*layer && weft_strv_add(layers, layer))
			return -ENOMEM;
	}
	return 0;
}

/* The working directory is on the file system of the upper one. Return: 0, -ENOMEM. */
static int add_option(char *option, struct weft_strv *layers)
{
	char *value = strchr(option, '=');

	if (!value)
		return 0;
	*value++ = '\0';
	unescape_octal(value);
	if (!strcmp(option, "lowerdir"))
		return add_lower(value, layers);
	if (!strcmp(option, "lowerdir+") || !strcmp(option, "datadir+"))
		return weft_strv_add(layers, value);
	if (!strcmp(option, "upperdir"))
		return weft_strv_add(layers, next_layer(&value, '\0'));
	return 0;
}

/* Of the file system: the last field, in which no space is. */
static int add_options(char *line, struct weft_strv *layers)
{
	char *options, *option;

	line[strcspn(line, "\n")] = '\0';
	options = strrchr(line, ' ');
	while ((option = strsep(&options, ",")))
		if (add_option(option, layers))
			return -ENOMEM;
	return 0;
}

/* Return: 0: @line is that mount's, the caller's to free also on failure; -ENOENT. */
static int find_line(FILE *mountinfo, uint64_t mount, char **line, struct weft_error *err)
{
	size_t size = 0;
	char *end;

	while (getline(line, &size, mountinfo) >= 0)
		if (strtoull(*line, &end, 10) == mount && *end == ' ')
			return 0;
	return weft_error_set(err, ENOENT, "its mount is not among those that are seen here");
}

int weft_filesystem_layers(FILE *mountinfo, uint64_t mount, struct weft_strv *layers,
			   struct weft_error *err)
{
	_cleanup_free_ char *line = NULL;
	size_t before = layers->count;
	int ret = find_line(mountinfo, mount, &line, err);

	if (ret)
		return ret;
	if (add_options(line, layers))
		return weft_error_nomem(err);
	return layers->count > before ? 0 : weft_error_set(err, ENOENT, "it names none");
}

int weft_filesystem_is_9p(FILE *mountinfo, uint64_t mount, struct weft_error *err)
{
	_cleanup_free_ char *line = NULL;
	int ret = find_line(mountinfo, mount, &line, err);

	/* spaces in other fields are \\040 */
	return ret ? ret : strstr(line, " - 9p ") != NULL;
}

/* ---- who can change it ---- */

/* Of linux/magic.h and their own. */
static bool is_remote(uint32_t type)
{
	static const uint32_t magic[] = {
		0x6969 /* NFS */, 0xff534d42 /* CIFS */, 0xfe534d42 /* SMB 2 */, 0x517b /* SMB */,
		0x65735546 /* FUSE */, 0x01021997 /* 9p */, 0x00c36400 /* Ceph */,
		0x5346414f /* AFS */, 0x6b414653 /* AFS */, 0x73757245 /* Coda */,
		0x01161970 /* GFS2 */, 0x7461636f /* OCFS2 */, 0x786f4256 /* VirtualBox */,
		0xbacbacbc /* VMware */, 0x19830326 /* BeeGFS */, 0x0bd00bd0 /* Lustre */,
	};
	size_t i;

	for (i = 0; i < WEFT_ARRAY_SIZE(magic); i++)
		if (type == magic[i])
			return true;
	return false;
}

/* What is mounted, and which of that @fd is on. Return: 0: @mountinfo is to be closed. */
static int open_mounts(int fd, FILE **mountinfo, uint64_t *mount, struct weft_error *err)
{
	struct statx stx;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &stx))
		return weft_error_set(err, errno, "statx: %s", strerror(errno));
	if (!(stx.stx_mask & STATX_MNT_ID))
		return weft_error_set(err, ENOENT, "the kernel does not tell its mount");
	*mount = stx.stx_mnt_id;
	*mountinfo = fopen("/proc/self/mountinfo", "re");
	if (!*mountinfo)
		return weft_error_set(err, errno, "/proc/self/mountinfo: %s", strerror(errno));
	return 0;
}

static int find_layers(int fd, struct weft_strv *layers, struct weft_error *err)
{
	_cleanup_fclose_ FILE *mountinfo = NULL;
	uint64_t mount;
	int ret = open_mounts(fd, &mountinfo, &mount, err);

	return ret ? ret : weft_filesystem_layers(mountinfo, mount, layers, err);
}

/* 9p passes on what the other host says of its file system. Return: 0, 1; negative errno. */
static int is_9p(int fd, struct weft_error *err)
{
	_cleanup_fclose_ FILE *mountinfo = NULL;
	struct weft_error why = { 0 };
	uint64_t mount;
	int ret = open_mounts(fd, &mountinfo, &mount, &why);

	if (!ret)
		ret = weft_filesystem_is_9p(mountinfo, mount, &why);
	if (ret >= 0)
		return ret;
	return weft_error_set(err, EPERM, "whether it is on a file system of another host cannot "
			      "be told, so its hash proves nothing: %s", why.text);
}

/* Return: 0: @fd is its; negative errno. */
static int open_layer(const char *path, int *fd, struct weft_error *err)
{
	if (*path != '/')
		return weft_error_set(err, EINVAL, "\"%s\" is no absolute path", path);
	*fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*fd < 0)
		return weft_error_set(err, errno, "%s: %s", path, strerror(errno));
	return 0;
}

static int unknown_layers(struct weft_error *err, int error, const struct weft_error *why)
{
	if (error == -ENOMEM)
		return weft_error_nomem(err);
	return weft_error_set(err, EPERM, "it is on an overlay, and whether a layer is of another "
			      "host or program cannot be told, so its hash proves nothing: %s",
			      why->text);
}

/* Recursive, DEPTH_MAX deep. */
static int check(int fd, unsigned int depth, struct weft_error *err);

static int check_layer(const char *path, unsigned int depth, struct weft_error *err)
{
	struct weft_error why = { 0 };
	_cleanup_close_ int fd = -1;
	int ret = open_layer(path, &fd, &why);

	return ret ? unknown_layers(err, ret, &why) : check(fd, depth, err);
}

static int check_layers(int fd, unsigned int depth, struct weft_error *err)
{
	_cleanup_(weft_strv_uninit) struct weft_strv layers = { 0 };
	struct weft_error why = { .text = "too many overlays of overlays" };
	int ret = depth < DEPTH_MAX ? find_layers(fd, &layers, &why) : -ELOOP;
	size_t i;

	if (ret)
		return unknown_layers(err, ret, &why);
	for (i = 0; !ret && i < layers.count; i++)
		ret = check_layer(layers.items[i], depth + 1, err);
	return ret;
}

static int check(int fd, unsigned int depth, struct weft_error *err)
{
	struct statfs fs;
	int ret;

	if (fstatfs(fd, &fs))
		return weft_error_set(err, errno, "statfs: %s", strerror(errno));
	ret = is_remote(fs.f_type) ? 1 : is_9p(fd, err);
	if (ret < 0)
		return ret;
	if (ret)
		return weft_error_set(err, EPERM, "it is on a file system of another host or "
				      "program, which can change it, so its hash proves nothing");
	return (uint32_t)fs.f_type == OVERLAY_MAGIC ? check_layers(fd, depth, err) : 0;
}

int weft_filesystem_check(int fd, struct weft_error *err)
{
	return check(fd, 0, err);
}
