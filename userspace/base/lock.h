/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Locks that stand for something another process may ask about: a daemon that
 * runs, a command at work. Open-file-description locks (fcntl(2)): they go with
 * the process, however that ends, and looking at one does not take it, as
 * flock() would, to the harm of who starts in that instant.
 *
 * Any thread.
 */
#ifndef WEFT_BASE_LOCK_H
#define WEFT_BASE_LOCK_H

#include "base/error.h"

/**
 * weft_lock_take() - take a lock at once or not at all
 * @path: of its file, made when there is none (0600); its content means nothing
 * @fd: out; close it to let go
 *
 * Return: 0; -EBUSY somebody else has it; what open() gives.
 */
int weft_lock_take(const char *path, int *fd, struct weft_error *err);

/**
 * weft_lock_held() - has somebody taken it?
 *
 * Return: 1 yes, 0 no, also when there is no such file; what open() gives.
 */
int weft_lock_held(const char *path, struct weft_error *err);

#endif
