# SPDX-License-Identifier: GPL-2.0-or-later
"""Threads that are on their way to read from a socket while another connects it.

The socket is locked by setsockopt() of memory that does not come (userfaultfd) until
the one that connects and the one that reads both wait for it, in this order.  What the
reader gets is its error, or what it read.
"""
import ctypes
import errno
import fcntl
import os
import socket
import struct
import threading
import time

import locked

SO_ATTACH_FILTER = 26
UFFDIO_ZEROPAGE = 0xc020aa04
PATIENCE = 60


class Thread(threading.Thread):
    def __init__(self, f, *args):
        super().__init__(daemon=True)
        self.f, self.args, self.result = f, args, "nothing"
        self.start()

    def run(self):
        try:
            self.result = self.f(*self.args)
        except OSError as e:
            self.result = errno.errorcode.get(e.errno, str(e))

    def waits_in(self, function):
        for _ in range(PATIENCE * 100):
            with open(f"/proc/self/task/{self.native_id}/wchan", encoding="ascii") as f:
                if function in f.read():
                    return
            time.sleep(0.01)
        raise RuntimeError(f"a thread does not wait in {function}: {self.result}")

    def end(self):
        self.join(PATIENCE)
        return "hangs" if self.is_alive() else self.result


class Hidden:
    """Sockets that are in nobody's descriptors: on their way through another one."""
    def __init__(self, count):
        sockets = [socket.socket() for _ in range(count)]
        self.count, (here, self.there) = count, socket.socketpair()
        socket.send_fds(here, [b"x"], [s.fileno() for s in sockets])
        here.close()
        for s in sockets:
            s.close()

    def take(self):
        with self.there:
            fds = socket.recv_fds(self.there, 1, self.count)[1]
        return [socket.socket(fileno=fd) for fd in fds]


def lock(s, at):
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", 1, at))
    return locked.libc.setsockopt(s.fileno(), socket.SOL_SOCKET, SO_ATTACH_FILTER, program,
                                  len(program) - 1)


def splice(s):
    r, w = os.pipe()
    try:
        os.splice(s.fileno(), w, 100)
        return os.read(r, 100)
    finally:
        os.close(r)
        os.close(w)


def steal(s, host, port, read):
    _area, at, fd = locked.memory()
    locker = Thread(lock, s, at)
    locker.waits_in("userfault")
    caller = Thread(s.connect, (host, port))
    caller.waits_in("lock_sock")
    reader = Thread(read, s)
    reader.waits_in("lock_sock")
    fcntl.ioctl(fd, UFFDIO_ZEROPAGE, struct.pack("QQQq", at, 4096, 0, 0))
    got = reader.end()
    locker.end()
    caller.end()
    s.close()
    os.close(fd)
    return str(got)


def tries(sockets, host, port):
    """What was got, each once."""
    ways = [lambda s: s.recv(100), splice]
    return " ".join(sorted({steal(s, host, port, ways[i % 2]) for i, s in enumerate(sockets)}))
