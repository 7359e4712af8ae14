/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What can be told of the file system a file is on: who can change it behind our
 * back, and which disk it is of. Calls that may take as long as the file system
 * does; any thread.
 */
#ifndef WEFT_CONF_FILESYSTEM_H
#define WEFT_CONF_FILESYSTEM_H

#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include "base/error.h"
#include "base/strv.h"

/**
 * weft_filesystem_disk() - the sequence number of the disk that a device is (part of)
 * @number: written on success; 0: the device is none of a disk
 *
 * Another disk, or image of a loop device, under the same device number has another
 * one. It is what the module compares.
 *
 * Return: 0; what open() and read() give; -EINVAL it is no number.
 */
int weft_filesystem_disk(dev_t dev, uint64_t *number, struct weft_error *err);

/**
 * weft_filesystem_check() - is the kernel of this host the only one to change files?
 * @fd: an open file, or directory (also O_PATH)
 *
 * An overlay is what all of its layers are.
 *
 * Return: 0; -EPERM another host or program can, or the mount, or the layers of an
 * overlay, cannot be determined; -ENOMEM; what fstatfs() gives.
 */
int weft_filesystem_check(int fd, struct weft_error *err);

/**
 * weft_filesystem_is_9p() - is a mount one of a file system of this type?
 * @mountinfo: as /proc/self/mountinfo
 * @mount: number of the mount
 *
 * Return: 0, 1; -ENOENT there is no such mount.
 */
int weft_filesystem_is_9p(FILE *mountinfo, uint64_t mount, struct weft_error *err);

/**
 * weft_filesystem_layers() - the directories that an overlay is made of
 * @mountinfo: as /proc/self/mountinfo, see proc_pid_mountinfo(5)
 * @mount: number of the mount
 * @layers: appended to: lower, data and upper directories, as who mounted it named them
 *
 * Return: 0; -ENOENT there is no such mount, or it names none; -ENOMEM.
 */
int weft_filesystem_layers(FILE *mountinfo, uint64_t mount, struct weft_strv *layers,
			   struct weft_error *err);

#endif
