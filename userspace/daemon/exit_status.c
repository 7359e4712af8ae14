// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Exit statuses, see exit_status.h.
 */
#include "daemon/exit_status.h"

#include <errno.h>
#include <stdbool.h>
#include "daemon/options.h"

/*
 * What is stored is not what it should be, or is not as asked for, or not for us: so it
 * stays. Room on the disk, memory, descriptors, a lock, a disk that fails or is mounted
 * read-only: these pass.
 */
static bool is_for_people(int error)
{
	switch (-error) {
	case EINVAL:
	case EEXIST:
	case EBADMSG:
	case EKEYREJECTED:
	case EPERM:
	case EACCES:
	case EFBIG:
	case EISDIR:
	case ELOOP:
	case ENAMETOOLONG:
	case ENOTDIR:
		return true;
	}
	return false;
}

int weft_exit_status(enum weft_exit_part part, int error)
{
	if (part == WEFT_EXIT_OF_MODULE && (error == -ENOENT || error == -EPROTONOSUPPORT))
		return WEFT_EXIT_UNAVAILABLE;
	if (part == WEFT_EXIT_OF_STATE && is_for_people(error))
		return WEFT_EXIT_CONFIG;
	return 1;
}
