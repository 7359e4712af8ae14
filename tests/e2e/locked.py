#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Keeps sockets locked for as long as it lives: send() of memory that does not come.

locked.py HOST PORT COUNT
    Makes COUNT connections, says "ready" on each and reads it back, then sends from
    memory whose pages nobody provides (userfaultfd): the kernel waits for them with the
    socket locked.  Prints "locked" when all threads are there.
"""
import ctypes
import mmap
import os
import signal
import socket
import struct
import sys
import threading
import time

SYS_USERFAULTFD = 323           # x86-64
O_CLOEXEC = os.O_CLOEXEC
UFFDIO_API = 0xc018aa3f
UFFDIO_REGISTER = 0xc020aa00
UFFD_API = 0xaa
REGISTER_MODE_MISSING = 1

libc = ctypes.CDLL(None, use_errno=True)


def check(r):
    if r < 0:
        e = ctypes.get_errno()
        raise OSError(e, os.strerror(e))
    return r


def memory():
    """An address nobody can read: the area, the address, who could provide it."""
    area = mmap.mmap(-1, mmap.PAGESIZE)
    at = ctypes.addressof(ctypes.c_char.from_buffer(area))
    fd = check(libc.syscall(SYS_USERFAULTFD, O_CLOEXEC))
    api = ctypes.create_string_buffer(struct.pack("QQQ", UFFD_API, 0, 0))
    check(libc.ioctl(fd, ctypes.c_ulong(UFFDIO_API), api))
    register = ctypes.create_string_buffer(
        struct.pack("QQQQ", at, mmap.PAGESIZE, REGISTER_MODE_MISSING, 0))
    check(libc.ioctl(fd, ctypes.c_ulong(UFFDIO_REGISTER), register))
    return area, at, fd


def main():
    host, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    _area, at, _fd = memory()
    threading.stack_size(65536)
    sockets = []
    for _ in range(count):
        s = socket.create_connection((host, port))
        s.sendall(b"ready")
        s.recv(5, socket.MSG_WAITALL)
        sockets.append(s)
    for s in sockets:
        threading.Thread(target=libc.send, args=(s.fileno(), ctypes.c_void_p(at), 16, 0),
                         daemon=True).start()
    while True:
        waits = [t for t in os.listdir("/proc/self/task")
                 if "userfault" in open(f"/proc/self/task/{t}/wchan").read()]
        if len(waits) == count:
            break
        time.sleep(0.1)
    print("locked", flush=True)
    signal.pause()


if __name__ == "__main__":
    main()
