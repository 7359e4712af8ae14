#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""idmap.py FROM TO UID: what is at FROM is mounted at TO, too, and there the files of
UID are root's (mount_setattr(2), an idmapped mount).  Status 3: this kernel cannot do
that with this file system."""
import ctypes
import errno
import os
import signal
import struct
import sys

AT_FDCWD, AT_EMPTY_PATH = -100, 0x1000
OPEN_TREE, MOVE_MOUNT, MOUNT_SETATTR = 428, 429, 442    # asm/unistd_64.h
OPEN_TREE_CLONE, MOVE_MOUNT_F_EMPTY_PATH, MOUNT_ATTR_IDMAP = 1, 4, 0x100000
CLONE_NEWUSER = 0x10000000
_libc = ctypes.CDLL(None, use_errno=True)


def call(number, *arguments):
    """A system call; its result, or OSError"""
    n = _libc.syscall(number, *[ctypes.c_long(a) if isinstance(a, int) else a for a in arguments])
    if n < 0:
        e = ctypes.get_errno()
        raise OSError(e, os.strerror(e))
    return n


def user_namespace(uid):
    """A descriptor of one in which uid is who is root outside."""
    there, begun = os.pipe()
    pid = os.fork()
    if not pid:
        if _libc.unshare(CLONE_NEWUSER):
            os._exit(1)
        os.write(begun, b".")
        signal.pause()
    os.close(begun)
    if not os.read(there, 1):
        raise OSError(errno.EPERM, "no user namespace")
    for ids in "uid_map", "gid_map":
        with open(f"/proc/{pid}/{ids}", "w", encoding="ascii") as f:
            f.write(f"{uid} 0 1")
    fd = os.open(f"/proc/{pid}/ns/user", os.O_RDONLY)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return fd


def main():
    source, target, uid = sys.argv[1].encode(), sys.argv[2].encode(), int(sys.argv[3])
    tree = call(OPEN_TREE, AT_FDCWD, source, OPEN_TREE_CLONE)
    attributes = struct.pack("=QQQQ", MOUNT_ATTR_IDMAP, 0, 0, user_namespace(uid))
    try:
        call(MOUNT_SETATTR, tree, b"", AT_EMPTY_PATH, attributes, len(attributes))
    except OSError as e:
        if e.errno == errno.EINVAL:
            sys.exit(3)
        raise
    call(MOVE_MOUNT, tree, b"", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH)


main()
