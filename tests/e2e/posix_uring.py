# SPDX-License-Identifier: GPL-2.0-or-later
"""Cases of posix.py: the socket in io_uring's hands (tests/guest/uring_posix.c).

a is the end that is looked at, b its peer; p is the place, for further pairs.
"""
import os
import select
import socket
import subprocess

from posix_lib import (Stuck, arrived, case, exactly, fill, is_in, recv, reset, send, shut,
                       small, tell)

IN, OUT, RDHUP = select.POLLIN, select.POLLOUT, select.POLLRDHUP


class Uring:
    """A program that has submitted operations on a socket."""

    def __init__(self, s, *operations):
        self._program = subprocess.Popen([os.environ["URING"], str(s.fileno()), *operations],
                                         pass_fds=[s.fileno()], stdout=subprocess.PIPE, text=True)
        word = self._program.stdout.readline().strip()
        if word != "submitted":
            raise Stuck(f"io_uring: {word or self._program.wait()}")

    def line(self):
        """The next completion."""
        return self._program.stdout.readline().strip()

    def all(self):
        """Those that are left, by the number of their operation."""
        lines = self._program.stdout.read().splitlines()
        return sorted(lines, key=lambda x: x.split()[0])


@case
def uring_recv_and_send(a, b, p):
    tell(b, b"abcdef")
    yield Uring(a, "recv:4").all(), Uring(a, "recvmsg:4").all()
    yield Uring(a, "send:ghi").all(), Uring(a, "sendmsg:jkl").all(), exactly(b, 6)


@case
def uring_read_and_write(a, b, p):
    tell(b, b"abcdef")
    yield Uring(a, "read:4").all(), Uring(a, "write:ghi").all(), exactly(b, 3)


@case
def uring_recv_waits(a, b, p):
    u = Uring(a, "recv:100")
    tell(b, b"abcdef")
    yield u.all()
    u = Uring(a, "recvmsg:100")
    tell(b, b"ghi")
    yield u.all()


@case
def uring_read_waits(a, b, p):
    u = Uring(a, "read:100")
    tell(b, b"abcdef")
    yield u.all()


@case
def uring_recv_waitall(a, b, p):
    u = Uring(a, f"recv:9:{int(socket.MSG_WAITALL)}")
    tell(b, b"abc")
    tell(b, b"defghi")
    yield u.all()
    u = Uring(a, f"recv:9:{int(socket.MSG_WAITALL)}")
    tell(b, b"abc")
    shut(b, "WR")
    yield u.all()


@case
def uring_recv_and_dontwait(a, b, p):
    yield Uring(a, f"recv:9:{int(socket.MSG_DONTWAIT)}").all()


@case
def uring_recv_until_the_end(a, b, p):
    u = Uring(a, "recv:100")
    shut(b, "WR")
    yield u.all(), Uring(a, "recv:100").all()


@case
def uring_recv_and_a_reset(a, b, p):
    u = Uring(a, "recv:100")
    reset(b)
    yield u.all(), Uring(a, "recv:100").all(), Uring(a, "send:abc").all()


@case
def uring_multishot(a, b, p):
    u = Uring(a, "multishot")
    for data in b"abc", b"defghijklmn", b"o":
        tell(b, data)
        got = 0
        while got < len(data):
            line = u.line()
            yield line
            got += int(line.split()[1])
    shut(b, "WR")
    yield u.all()


@case
def uring_multishot_of_what_waits(a, b, p):
    tell(b, b"abcdefghijk")
    u = Uring(a, "multishot")
    yield u.line(), u.line()
    b.close()
    yield u.all()


@case
def uring_multishot_and_a_reset(a, b, p):
    u = Uring(a, "multishot")
    tell(b, b"abc")
    yield u.line()
    reset(b)
    yield u.all()


@case
def uring_send_zerocopy(a, b, p):
    yield Uring(a, "zc:abcdef").all(), exactly(b, 6)


@case
def uring_sendmsg_zerocopy(a, b, p):
    yield Uring(a, "zcmsg:abcdef").all(), exactly(b, 6)


@case
def uring_send_zerocopy_after_shutdown(a, b, p):
    shut(a, "WR")
    yield Uring(a, "zc:abcdef").all()


@case
def uring_send_waits(a, b, p):
    small(a)
    n = fill(a)
    u = Uring(a, "send:abcdef")
    yield exactly(b, n) == b"f" * n, u.all(), exactly(b, 6)


@case
def uring_poll(a, b, p):
    yield Uring(a, f"poll:{int(IN | OUT)}").all()
    u = Uring(a, f"poll:{int(IN | RDHUP)}")
    tell(b, b"abc")
    yield u.all(), recv(a)
    u = Uring(a, f"poll:{int(RDHUP)}")
    shut(b, "WR")
    yield u.all()


@case
def uring_poll_multishot(a, b, p):
    u = Uring(a, f"pollmulti:{int(IN | RDHUP)}")
    for data in b"abc", b"def":
        tell(b, data)
        yield u.line()
    yield recv(a)
    shut(b, "WR")
    while not int((line := u.line()).split()[1]) & RDHUP:
        pass
    yield line


@case
def uring_poll_and_a_reset(a, b, p):
    u = Uring(a, f"poll:{int(IN)}")
    reset(b)
    yield u.all(), is_in(a, "CLOSE")


@case
def uring_cancel(a, b, p):
    for operation in "recv:100", "recvmsg:100", f"poll:{int(IN)}", "multishot":
        yield Uring(a, operation, "cancel").all()
    tell(b, b"abc")
    yield recv(a), tell(a, b"def"), recv(b)


@case
def uring_timeout(a, b, p):
    yield Uring(a, "recv:100", "timeout").all(), tell(b, b"abc"), recv(a)


@case
def uring_shutdown(a, b, p):
    yield Uring(a, "shutdown:1").all(), is_in(b, "CLOSE_WAIT"), recv(b), send(b, b"abc"), recv(a)
    arrived(b)


@case
def uring_both_ways(a, b, p):
    u = Uring(a, "recv:100", "send:abc", "send:def")
    yield exactly(b, 6)
    tell(b, b"ghi")
    yield u.all()


@case
def uring_large_read(a, b, p):
    b.sendall(b"r" * 3000)
    arrived(b)
    yield [x.split()[1] for x in Uring(a, "read:2000").all()], len(recv(a, 2000))
