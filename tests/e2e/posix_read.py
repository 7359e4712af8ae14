# SPDX-License-Identifier: GPL-2.0-or-later
"""Cases of posix.py: reading, and what there is to read.

a is the end that is looked at, b its peer; p is the place, for further pairs.
"""
import collections
import ctypes
import os
import select
import signal
import socket
import struct
import threading

from posix_lib import (MSG_MORE, SO_PEEK_OFF, SO_TIMESTAMP, TCP_INQ, Blocked, arrived, c_call,
                       c_recv, call, case, exactly, get, inq, is_in, libc, mask, pattern,
                       put, read_all, readable, recv, reset, send, shut, size_t, syscall_of,
                       tell, until, ioctl_int, SIOCATMARK)

PEEK, WAITALL, DONTWAIT, TRUNC, OOB = (socket.MSG_PEEK, socket.MSG_WAITALL, socket.MSG_DONTWAIT,
                                       socket.MSG_TRUNC, socket.MSG_OOB)


def timeout(s, option, milliseconds):
    s.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", 0, milliseconds * 1000))


# ---- FIONREAD

@case
def fionread(a, b, p):
    yield inq(a)
    tell(b, b"12345")
    yield inq(a), recv(a, 2), inq(a), recv(a, 2, PEEK), inq(a), recv(a), inq(a)


@case
def fionread_of_several_writes(a, b, p):
    for n in (1, 100, 5000, 20000):
        tell(b, pattern(n))
        yield inq(a)
    yield len(recv(a, 3)), inq(a), len(recv(a, 110, PEEK)), inq(a)


@case
def fionread_when_the_peer_has_closed(a, b, p):
    tell(b, b"123")
    b.close()
    is_in(a, "CLOSE_WAIT")
    yield inq(a), recv(a, 2), inq(a), recv(a), inq(a), recv(a), inq(a)


@case
def fionread_at_the_end(a, b, p):
    shut(b, "WR")
    is_in(a, "CLOSE_WAIT")
    yield inq(a), recv(a), inq(a)


# ---- MSG_PEEK

@case
def peek_twice(a, b, p):
    tell(b, b"abcdef")
    yield recv(a, 4, PEEK), recv(a, 100, PEEK), recv(a, 3), recv(a, 100, PEEK), recv(a)


@case
def peek_over_several_writes(a, b, p):
    for data in b"abc", b"defg", b"h":
        tell(b, data)
    yield recv(a, 6, PEEK), recv(a, 100, PEEK), recv(a, 2), recv(a, 100, PEEK), recv(a, 100)


@case
def peek_of_a_long_stream(a, b, p):
    for _ in range(4):
        tell(b, pattern(9000))
    yield recv(a, 36000, PEEK), recv(a, 20001, PEEK), recv(a, 20001), recv(a, 40000, PEEK)
    yield recv(a, 40000)


@case
def peek_waitall(a, b, p):
    tell(b, b"abc")
    reader = Blocked(recv, a, 6, PEEK | WAITALL)
    yield reader.sleeps()
    tell(b, b"defgh")
    yield reader.result(), inq(a), recv(a)


@case
def peek_of_nothing(a, b, p):
    yield recv(a, 10, PEEK | DONTWAIT)
    shut(b, "WR")
    is_in(a, "CLOSE_WAIT")
    yield recv(a, 10, PEEK), recv(a, 10, PEEK), recv(a)


@case
def peek_off(a, b, p):
    yield put(a, socket.SOL_SOCKET, SO_PEEK_OFF, 2), get(a, socket.SOL_SOCKET, SO_PEEK_OFF)
    tell(b, b"abcdefgh")
    yield recv(a, 3, PEEK), get(a, socket.SOL_SOCKET, SO_PEEK_OFF), recv(a, 3, PEEK)
    yield recv(a, 2), get(a, socket.SOL_SOCKET, SO_PEEK_OFF), recv(a, 100, PEEK | DONTWAIT)


@case
def peek_off_over_several_writes(a, b, p):
    put(a, socket.SOL_SOCKET, SO_PEEK_OFF, 0)
    for data in b"abc", b"defg":
        tell(b, data)
    yield [recv(a, 2, PEEK | DONTWAIT) for _ in range(4)]
    tell(b, b"hi")
    yield recv(a, 100, PEEK | DONTWAIT), recv(a)


# ---- MSG_WAITALL

@case
def waitall(a, b, p):
    reader = Blocked(exactly, a, 9)
    yield reader.sleeps()
    for data in b"abc", b"def":
        tell(b, data)
        yield reader.sleeps()
    tell(b, b"ghij")
    yield reader.result(), recv(a)


@case
def waitall_ends_with_the_stream(a, b, p):
    reader = Blocked(exactly, a, 9)
    yield reader.sleeps()
    tell(b, b"abc")
    shut(b, "WR")
    yield reader.result(), recv(a)


@case
def waitall_ends_with_the_timeout(a, b, p):
    timeout(a, socket.SO_RCVTIMEO, 200)
    tell(b, b"abc")
    yield c_recv(a, 9, WAITALL), c_recv(a, 9, WAITALL)


def interrupted(a, b, flags, restart, then):
    """recv() in the main thread, which gets a signal while it sleeps there."""
    main = threading.get_native_id()
    r, w = os.pipe()
    os.set_blocking(w, False)
    signal.set_wakeup_fd(w)
    signal.signal(signal.SIGUSR1, lambda *_: None)
    signal.siginterrupt(signal.SIGUSR1, not restart)

    def other():
        until("recv() that sleeps", lambda: syscall_of(main))
        signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1)
        os.read(r, 1)           # the handler was there
        if restart:
            until("recv() that sleeps again", lambda: syscall_of(main))
        send(b, then)
    t = threading.Thread(target=other, daemon=True)
    t.start()
    got = c_recv(a, 9, flags)
    t.join()
    return got


@case
def waitall_ends_with_a_signal(a, b, p):
    tell(b, b"abc")
    yield interrupted(a, b, WAITALL, False, b"defghi"), exactly(a, 6)


@case
def signal_interrupts_recv(a, b, p):
    yield interrupted(a, b, 0, False, b"abc"), recv(a)


@case
def signal_restarts_recv(a, b, p):
    yield interrupted(a, b, 0, True, b"abc")


@case
def signal_interrupts_recv_with_timeout(a, b, p):
    """signal(7): with SO_RCVTIMEO it is EINTR also with SA_RESTART."""
    a.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 60, 0))
    main = threading.get_native_id()
    signal.signal(signal.SIGUSR1, lambda *_: None)
    signal.siginterrupt(signal.SIGUSR1, False)

    def other():
        until("recv() that sleeps", lambda: syscall_of(main))
        signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1)
    t = threading.Thread(target=other, daemon=True)
    t.start()
    yield c_recv(a)
    t.join()


# ---- MSG_TRUNC, MSG_DONTWAIT, nothing at all

@case
def trunc_throws_away(a, b, p):
    tell(b, b"abcdefgh")
    buf = ctypes.create_string_buffer(b"........", 8)
    yield c_call("recv", a.fileno(), buf, size_t(3), TRUNC), buf.raw, inq(a), recv(a)


@case
def trunc_without_a_buffer(a, b, p):
    tell(b, b"abcdefgh")
    yield c_call("recv", a.fileno(), None, size_t(3), TRUNC), inq(a), recv(a)


@case
def trunc_over_several_writes(a, b, p):
    for data in b"abc", b"def", b"ghi":
        tell(b, data)
    yield c_call("recv", a.fileno(), None, size_t(5), TRUNC), inq(a), recv(a)


@case
def trunc_waitall(a, b, p):
    tell(b, b"abc")
    reader = Blocked(c_call, "recv", a.fileno(), None, size_t(5), TRUNC | WAITALL)
    yield reader.sleeps()
    tell(b, b"defg")
    yield reader.result(), recv(a)


@case
def trunc_and_peek(a, b, p):
    tell(b, b"abcdefgh")
    buf = ctypes.create_string_buffer(b"........", 8)
    yield c_call("recv", a.fileno(), buf, size_t(3), TRUNC | PEEK), buf.raw
    yield c_call("recv", a.fileno(), None, size_t(100), TRUNC | PEEK), inq(a), recv(a)


@case
def trunc_of_nothing(a, b, p):
    yield c_call("recv", a.fileno(), None, size_t(5), TRUNC | DONTWAIT)
    shut(b, "WR")
    is_in(a, "CLOSE_WAIT")
    yield c_call("recv", a.fileno(), None, size_t(5), TRUNC)


@case
def dontwait_with_nothing(a, b, p):
    yield recv(a, 10, DONTWAIT), recv(a, 10, DONTWAIT | WAITALL)
    tell(b, b"ab")
    yield recv(a, 10, DONTWAIT | WAITALL), recv(a, 10, DONTWAIT)


@case
def recv_of_no_bytes(a, b, p):
    yield recv(a, 0), recv(a, 0, DONTWAIT), recv(a, 0, PEEK)
    tell(b, b"abc")
    yield recv(a, 0), inq(a), recv(a)
    shut(b, "WR")
    is_in(a, "CLOSE_WAIT")
    yield recv(a, 0), recv(a)


# ---- urgent data

@case
def oob_without_urgent_data(a, b, p):
    yield recv(a, 1, OOB), recv(a, 1, OOB | DONTWAIT), ioctl_int(a, SIOCATMARK)
    tell(b, b"abc")
    yield recv(a, 1, OOB), ioctl_int(a, SIOCATMARK), recv(a)


@case
def oob_is_sent(a, b, p):
    tell(a, b"abc")
    yield tell(a, b"!", OOB)
    tell(a, b"def")
    yield mask(b), recv(b, 100), ioctl_int(b, SIOCATMARK), recv(b, 1, OOB), recv(b, 100, DONTWAIT)


@case
def oob_refused_leaves_the_stream(a, b, p):
    tell(a, b"abc")
    send(a, b"", OOB)
    tell(a, b"def")
    yield exactly(b, 6)


@case
def oobinline_is_an_option(a, b, p):
    yield get(a, socket.SOL_SOCKET, socket.SO_OOBINLINE)
    yield put(a, socket.SOL_SOCKET, socket.SO_OOBINLINE, 1), get(a, socket.SOL_SOCKET,
                                                                 socket.SO_OOBINLINE)


# ---- SO_RCVLOWAT, SO_RCVTIMEO

def lowat(s, n):
    return put(s, socket.SOL_SOCKET, socket.SO_RCVLOWAT, n)


@case
def rcvlowat_and_poll(a, b, p):
    lowat(a, 8)
    for data in b"1234", b"567", b"8", b"9":
        tell(b, data)
        yield mask(a)
    yield recv(a, 3), mask(a), lowat(a, 1), mask(a)


@case
def rcvlowat_read_back(a, b, p):
    yield lowat(a, 8), get(a, socket.SOL_SOCKET, socket.SO_RCVLOWAT)


@case
def rcvlowat_with_a_small_buffer(a, b, p):
    """What is left of a stream is told of, however it arrives."""
    a.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4608)
    left = 60000
    sender = Blocked(b.sendall, pattern(left))
    while left:
        lowat(a, min(left, 2000))
        readable(a)
        left -= len(recv(a, 1500, DONTWAIT))
    yield sender.result()


@case
def rcvlowat_with_a_part_decrypted(a, b, p):
    tell(b, b"abcdef")
    yield recv(a, 2)
    lowat(a, 8)
    for data in b"123", b"4":
        tell(b, data)
        yield mask(a)
    yield recv(a)


@case
def rcvlowat_and_edges(a, b, p):
    lowat(a, 8)
    with select.epoll() as e:
        e.register(a, select.EPOLLIN | select.EPOLLET)
        yield e.poll(0) != []
        for data in b"1234", b"567", b"8":
            tell(b, data)
            yield e.poll(0) != []
        yield recv(a), e.poll(0) != []
        tell(b, b"1234567")
        yield e.poll(0) != []
        lowat(a, 4)             # tells who waits, when there is enough already
        yield e.poll(0) != []


@case
def rcvlowat_blocks_recv(a, b, p):
    lowat(a, 6)
    reader = Blocked(recv, a, 100)
    yield reader.sleeps()
    tell(b, b"abc")
    yield reader.sleeps()
    tell(b, b"def")
    yield reader.result()


@case
def rcvlowat_beyond_what_is_asked_for(a, b, p):
    lowat(a, 50)
    tell(b, b"abcdef")
    yield recv(a, 4), recv(a, 4, DONTWAIT)


@case
def rcvlowat_ends_with_the_stream(a, b, p):
    lowat(a, 8)
    tell(b, b"abc")
    yield mask(a)
    shut(b, "WR")
    is_in(a, "CLOSE_WAIT")
    yield mask(a), recv(a), mask(a), recv(a)


@case
def rcvlowat_over_several_kilobytes(a, b, p):
    lowat(a, 30000)
    for _ in range(4):
        tell(b, pattern(8000))
        yield mask(a)
    yield recv(a, 40000)


@case
def receive_timeout(a, b, p):
    timeout(a, socket.SO_RCVTIMEO, 100)
    yield c_recv(a), get(a, socket.SOL_SOCKET, socket.SO_RCVTIMEO, 16)
    tell(b, b"abc")
    yield c_recv(a), c_recv(a)


# ---- ancillary data

def ancillary(s, n=1000, flags=0):
    data, items, got, name = s.recvmsg(n, 1000, flags)
    return data, [(level, kind, len(value)) for level, kind, value in items], got, name


def inq_of(s, n):
    data, items, _, _ = s.recvmsg(n, 1000)
    return data, [struct.unpack("i", v)[0] for l, k, v in items if (l, k) == (6, TCP_INQ)]


@case
def recvmsg_of_a_plain_stream(a, b, p):
    tell(b, b"abcdef")
    yield ancillary(a, 4), ancillary(a)
    shut(b, "WR")
    is_in(a, "CLOSE_WAIT")
    yield ancillary(a)


@case
def inq_tells_what_is_left(a, b, p):
    yield put(a, socket.IPPROTO_TCP, TCP_INQ, 1), get(a, socket.IPPROTO_TCP, TCP_INQ)
    tell(b, b"abcdef")
    yield inq_of(a, 4), inq_of(a, 4)
    for n in 3000, 3000:
        tell(b, pattern(n))
    yield inq_of(a, 2000), inq_of(a, 2000), inq_of(a, 2000)


@case
def inq_at_the_end(a, b, p):
    put(a, socket.IPPROTO_TCP, TCP_INQ, 1)
    tell(b, b"abc")
    shut(b, "WR")
    is_in(a, "CLOSE_WAIT")
    yield inq_of(a, 2), inq_of(a, 2), inq_of(a, 2)


@case
def inq_fits_or_not(a, b, p):
    put(a, socket.IPPROTO_TCP, TCP_INQ, 1)
    tell(b, b"abcdef")
    data, items, flags, _ = a.recvmsg(4, 4)
    yield data, items, flags
    yield recv(a)


def wait_for_stamps():
    """The kernel begins to stamp what arrives a while after the first socket asks
    (net_enable_timestamp() leaves it to a work item)."""
    with socket.socket(type=socket.SOCK_DGRAM) as s:
        def is_stamped():
            s.sendto(b"x", s.getsockname())
            return bool(ancillary(s)[1])
        s.bind(("127.0.0.1", 0))
        put(s, socket.SOL_SOCKET, SO_TIMESTAMP, 1)
        until("stamps", is_stamped)


@case
def timestamp(a, b, p):
    yield put(a, socket.SOL_SOCKET, SO_TIMESTAMP, 1)
    wait_for_stamps()
    tell(b, b"abcdef")
    yield ancillary(a, 4), ancillary(a)


# ---- vectors, pointers, many messages

@case
def readv_into_odd_pieces(a, b, p):
    tell(b, b"abcdefghij")
    bufs = [bytearray(n) for n in (0, 1, 0, 3, 0, 0, 2, 100, 0)]
    yield os.readv(a.fileno(), bufs), [bytes(x.rstrip(b"\0")) for x in bufs]


@case
def readv_over_several_writes(a, b, p):
    for data in b"abc", b"defg", b"hij":
        tell(b, data)
    bufs = [bytearray(n) for n in (2, 4, 1, 50)]
    yield os.readv(a.fileno(), bufs), [bytes(x.rstrip(b"\0")) for x in bufs]


class Iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]


def iovecs(*pieces):
    """Of (address, length) or ctypes buffers."""
    def one(x):
        return Iovec(*x) if isinstance(x, tuple) else Iovec(ctypes.addressof(x), len(x))
    return (Iovec * len(pieces))(*map(one, pieces))


BAD = 8                 # an address where nothing is


@case
def readv_limits(a, b, p):
    tell(b, b"abc")
    buf = ctypes.create_string_buffer(1)
    many = iovecs(*[buf] * 1025)
    yield c_call("readv", a.fileno(), many, 1025), c_call("readv", a.fileno(), many, -1)
    yield c_call("readv", a.fileno(), many, 0), c_call("readv", a.fileno(), many, 1024), buf.raw


@case
def bad_pointer_to_recv(a, b, p):
    tell(b, b"abcdefgh")
    yield c_call("recv", a.fileno(), ctypes.c_void_p(BAD), size_t(4), 0)
    yield c_call("recv", a.fileno(), ctypes.c_void_p(BAD), size_t(100), 0)
    yield inq(a), recv(a)
    tell(b, b"ijk")
    yield recv(a)


@case
def bad_pointer_in_a_vector(a, b, p):
    tell(b, b"abcdefgh")
    buf = ctypes.create_string_buffer(4)
    n = c_call("readv", a.fileno(), iovecs(buf, (BAD, 100)), 2)
    yield n if isinstance(n, str) else "read"
    rest = recv(a)          # what was read, if anything, and the rest make the whole
    yield (b"" if isinstance(n, str) else buf.raw[:n]) + rest
    tell(b, b"ijk")
    yield recv(a)


@case
def bad_pointer_beyond_a_write(a, b, p):
    for data in b"abcd", b"efgh":
        tell(b, data)
    buf = ctypes.create_string_buffer(4)
    yield c_call("readv", a.fileno(), iovecs(buf, (BAD, 4)), 2), buf.raw
    yield recv(a, 100, DONTWAIT)


@case
def bad_pointer_to_peek(a, b, p):
    tell(b, b"abcdefgh")
    yield c_call("recv", a.fileno(), ctypes.c_void_p(BAD), size_t(4), PEEK), recv(a)


class Mmsghdr(ctypes.Structure):
    _fields_ = [("name", ctypes.c_void_p), ("namelen", ctypes.c_uint32),
                ("iov", ctypes.c_void_p), ("iovlen", ctypes.c_size_t),
                ("control", ctypes.c_void_p), ("controllen", ctypes.c_size_t),
                ("flags", ctypes.c_size_t), ("got", ctypes.c_size_t)]


def mmsg(*pieces):
    """Messages of one buffer each, and what keeps them alive."""
    keep = [iovecs(x) for x in pieces]
    msgs = (Mmsghdr * len(pieces))()
    for m, v in zip(msgs, keep):
        m.iov, m.iovlen = ctypes.addressof(v), 1
    return msgs, keep


@case
def recvmmsg(a, b, p):
    tell(b, b"abcdefgh")
    bufs = [ctypes.create_string_buffer(3) for _ in range(4)]
    msgs, _keep = mmsg(*bufs)
    yield c_call("recvmmsg", a.fileno(), msgs, 4, DONTWAIT, None)
    yield [x.raw[:m.got] for x, m in zip(bufs, msgs)]
    yield c_call("recvmmsg", a.fileno(), msgs, 4, DONTWAIT, None)


@case
def sendmmsg(a, b, p):
    bufs = [ctypes.create_string_buffer(x, 3) for x in (b"abc", b"def", b"ghi")]
    msgs, _keep = mmsg(*bufs)
    yield c_call("sendmmsg", a.fileno(), msgs, 3, 0), [m.got for m in msgs]
    arrived(a)
    yield recv(b)


# ---- splice

@case
def splice_from_a_socket(a, b, p):
    r, w = os.pipe()
    tell(b, b"abcdefgh")
    yield os.splice(a.fileno(), w, 5), os.read(r, 100), inq(a)
    yield os.splice(a.fileno(), w, 50), os.read(r, 100)
    a.setblocking(False)
    yield call(os.splice, a.fileno(), w, 5)
    shut(b, "WR")
    readable(a)
    is_in(a, "CLOSE_WAIT")
    yield call(os.splice, a.fileno(), w, 5), recv(a)


@case
def splice_of_several_writes(a, b, p):
    r, w = os.pipe()
    got = b""
    for n in (1, 3000, 40000):
        tell(b, pattern(n))
    while len(got) < 43001:
        n = os.splice(a.fileno(), w, 50000)
        while n:
            part = os.read(r, n)
            got += part
            n -= len(part)
    yield got


@case
def splice_after_a_part_was_read(a, b, p):
    r, w = os.pipe()
    tell(b, b"abcdefgh")
    tell(b, b"ij")
    yield recv(a, 3), recv(a, 7, PEEK), os.splice(a.fileno(), w, 4), os.read(r, 100), recv(a)


@case
def splice_waits(a, b, p):
    r, w = os.pipe()
    splicer = Blocked(os.splice, a.fileno(), w, 100)
    yield splicer.sleeps()
    tell(b, b"abc")
    yield splicer.result(), os.read(r, 100)


@case
def splice_does_not_wait_for_a_full_pipe(a, b, p):
    """SPLICE_F_NONBLOCK is about the pipe; about the socket O_NONBLOCK is."""
    r, w = os.pipe()
    flag = os.SPLICE_F_NONBLOCK
    splicer = Blocked(call, os.splice, a.fileno(), w, 100, None, None, flag)
    yield splicer.sleeps()
    tell(b, b"abc")
    yield splicer.result()
    os.set_blocking(w, False)
    while not isinstance(call(os.write, w, b"p" * 4096), str):
        pass
    tell(b, b"def")
    yield call(os.splice, a.fileno(), w, 100, None, None, flag), len(os.read(r, 100)) > 0, inq(a)


@case
def splice_to_a_socket(a, b, p):
    r, w = os.pipe()
    os.write(w, b"abcdefgh")
    yield os.splice(r, a.fileno(), 5), os.splice(r, a.fileno(), 100)
    arrived(a)
    yield recv(b)


@case
def splice_to_a_socket_that_was_shut_down(a, b, p):
    r, w = os.pipe()
    os.write(w, b"abcdefgh")
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    shut(a, "WR")
    yield call(os.splice, r, a.fileno(), 5), os.read(r, 100)


@case
def splice_with_more_to_come(a, b, p):
    r, w = os.pipe()
    os.write(w, b"abcdefgh")
    yield os.splice(r, a.fileno(), 4, None, None, 4), os.splice(r, a.fileno(), 4)
    yield exactly(b, 8)


@case
def vmsplice_then_splice(a, b, p):
    r, w = os.pipe()
    buf = ctypes.create_string_buffer(pattern(5000), 5000)
    n = libc.vmsplice(w, iovecs(buf), ctypes.c_ulong(1), 0)
    done = 0
    while done < n:
        done += os.splice(r, a.fileno(), n - done)
    yield n, exactly(b, 5000)


@case
def tee_then_splice(a, b, p):
    r, w = os.pipe()
    r2, w2 = os.pipe()
    tell(b, b"abcdefgh")
    n = os.splice(a.fileno(), w, 100)
    yield n, libc.tee(r, w2, size_t(n), 0)
    yield os.splice(r, a.fileno(), n), os.splice(r2, a.fileno(), n), exactly(b, 2 * n)


@case
def sendfile(a, b, p):
    data = pattern(100001)
    with open(os.memfd_create("file"), "r+b") as f:
        f.write(data)
        f.flush()
        reader = Blocked(exactly, b, 100001)
        sent = 0
        while sent < 100001:
            sent += os.sendfile(a.fileno(), f.fileno(), sent, 100001 - sent)
        yield sent, reader.result() == data
        yield os.sendfile(a.fileno(), f.fileno(), 100001, 10)
        yield os.sendfile(a.fileno(), f.fileno(), 0, 4), exactly(b, 4) == data[:4]


@case
def sendfile_between_writes(a, b, p):
    with open("/etc/passwd", "rb") as f:
        yield send(a, b"head ", MSG_MORE), os.sendfile(a.fileno(), f.fileno(), 0, 4)
        yield send(a, b" tail"), exactly(b, 14)


@case
def data_waits_when_the_peer_is_gone(a, b, p):
    for n in (5, 3000, 20000):
        tell(b, pattern(n))
    b.close()
    is_in(a, "CLOSE_WAIT")
    yield mask(a), recv(a, 5), read_all(a), mask(a)


@case
def data_waits_when_the_peer_was_reset(a, b, p):
    tell(b, b"abcdef")
    reset(b)
    is_in(a, "CLOSE")
    yield recv(a, 3), recv(a, 30), recv(a), recv(a)


@case
def several_threads_read(a, b, p):
    """Each byte goes to one of them."""
    def reader():
        total = collections.Counter()
        while got := a.recv(777):
            total.update(got)
        return total
    readers = [Blocked(reader) for _ in range(4)]
    b.sendall(pattern(40000))
    shut(b, "WR")
    total = sum((r.result() for r in readers), collections.Counter())
    yield sum(total.values()), total == collections.Counter(pattern(40000))
