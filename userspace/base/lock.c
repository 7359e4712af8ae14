// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Locks between processes. See lock.h.
 */
#include "base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include "base/cleanup.h"

static int lock_error(struct weft_error *err, int error, const char *what, const char *path)
{
	return weft_error_set(err, error, "%s: cannot %s: %s", path, what, strerror(error));
}

int weft_lock_take(const char *path, int *ret, struct weft_error *err)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	_cleanup_close_ int fd = -1;

	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return lock_error(err, errno, "open", path);
	if (fcntl(fd, F_OFD_SETLK, &whole)) {
		/* fcntl(2): either errno */
		if (errno == EAGAIN || errno == EACCES)
			return weft_error_set(err, EBUSY, "%s: another process has it", path);
		return lock_error(err, errno, "lock", path);
	}
	*ret = weft_steal_fd(&fd);
	return 0;
}

int weft_lock_held(const char *path, struct weft_error *err)
{
	struct flock whole = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
	_cleanup_close_ int fd = -1;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? 0 : lock_error(err, errno, "open", path);
	if (fcntl(fd, F_OFD_GETLK, &whole))
		return lock_error(err, errno, "look at the lock", path);
	return whole.l_type != F_UNLCK;
}
