/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whole files: reading with a bound, replacing atomically. Blocking calls on
 * local files; any thread.
 */
#ifndef WEFT_BASE_FILE_H
#define WEFT_BASE_FILE_H

#include <stddef.h>
#include <sys/types.h>
#include "base/error.h"

/**
 * weft_file_read() - read a regular file into memory
 * @path: of the file
 * @max: most bytes it may have
 * @data: the caller's to free; a NUL follows the last byte
 * @len: how many bytes, without that NUL
 *
 * Return: 0; -EFBIG longer than @max; -EINVAL not a regular file; -ENOMEM; what
 * open() and read() give. @err names the file.
 */
int weft_file_read(const char *path, size_t max, char **data, size_t *len,
		   struct weft_error *err);

/**
 * weft_file_read_private() - the same with a file that holds a secret
 * @data: the caller's to wipe and free()
 *
 * Return: as weft_file_read(); -EPERM group or others may read or write the file,
 * or it belongs to another user.
 */
int weft_file_read_private(const char *path, size_t max, char **data, size_t *len,
			   struct weft_error *err);

/**
 * weft_file_read_trusted() - the same with a file that says what is in force
 *
 * Return: as weft_file_read(); -EPERM group or others may write the file, or it belongs
 * to another user than root and us.
 */
int weft_file_read_trusted(const char *path, size_t max, char **data, size_t *len,
			   struct weft_error *err);

/* Is it so of a directory? Return: 0; -EPERM as weft_file_read_trusted(); what stat() gives. */
int weft_dir_check_trusted(const char *path, struct weft_error *err);

/**
 * weft_file_write() - put a file in place, or leave what was there
 * @mode: permissions, whatever the umask is; 0600 for keys
 *
 * A temporary file in the same directory, fsync(), rename(), fsync() of the
 * directory: a reader sees the old content or the new, also after a crash.
 *
 * Return: 0; what the calls give. @err names the file.
 */
int weft_file_write(const char *path, const void *data, size_t len, mode_t mode,
		    struct weft_error *err);

/*
 * The same for what means nothing after a crash of the machine, and by who must not
 * wait for the disk: a reader sees the old content or the new, but after a crash
 * there may be neither.
 */
int weft_file_write_volatile(const char *path, const void *data, size_t len, mode_t mode,
			     struct weft_error *err);

/**
 * weft_file_fill() - write a file under the name it has
 *
 * Not for readers: until it is done, or after a crash, they would see a part, or
 * none. A new file in any case: nothing is written through a link. Its directory is
 * not synced. Otherwise as weft_file_write(), which takes a name of
 * its own in between.
 */
int weft_file_fill(const char *path, const void *data, size_t len, mode_t mode,
		   struct weft_error *err);

/**
 * weft_file_create() - the same, but what is there already stays
 *
 * Return: 0; -EEXIST; what the calls give.
 */
int weft_file_create(const char *path, const void *data, size_t len, mode_t mode,
		     struct weft_error *err);

/**
 * weft_dir_create() - make sure that a directory exists
 * @mode: of the last part when it is made, whatever the umask is; parents get 0755
 *
 * Return: 0 (also when it was there), -ENOTDIR, what mkdir() gives.
 */
int weft_dir_create(const char *path, mode_t mode, struct weft_error *err);

/* What was made, renamed and removed in it is on disk then. Return: 0; what the calls give. */
int weft_dir_sync(const char *path, struct weft_error *err);

/**
 * weft_dir_remove() - remove a directory with all that is in it
 *
 * Return: 0, also when there is none; what remove() gives of the first that stays.
 */
int weft_dir_remove(const char *path, struct weft_error *err);

/**
 * weft_dir_lock() - keep others out who ask for it too, processes and threads
 *
 * Waits for them.
 *
 * Return: the directory, locked until it is closed; what open() and flock() give.
 */
int weft_dir_lock(const char *path, struct weft_error *err);

/**
 * weft_dir_lock_within() - the same for who must not be held up
 * @ms: waits that long for them at most
 *
 * Return: as weft_dir_lock(); -EBUSY somebody has it still.
 */
int weft_dir_lock_within(const char *path, unsigned int ms, struct weft_error *err);

#endif
