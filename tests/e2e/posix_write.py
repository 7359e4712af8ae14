# SPDX-License-Identifier: GPL-2.0-or-later
"""Cases of posix.py: writing.

a is the end that is looked at, b its peer; p is the place, for further pairs.
"""
import array
import ctypes
import hashlib
import os
import select
import signal
import socket
import struct
import threading

from posix_lib import (MSG_FASTOPEN, MSG_MORE, MSG_ZEROCOPY, SIOCOUTQNSD, SO_TIMESTAMPING,
                       SO_ZEROCOPY, SOL_TLS, Blocked, arrived, c_call, c_send, call, case, exactly,
                       fill, get, inq, ioctl_int, is_in, mask, name_of, outq, pattern, put,
                       read_all, readable, ready, ready_out, recv, send, shut, size_t, small,
                       syscall_of, tell, until)
from posix_read import BAD, iovecs, timeout

DONTWAIT, NOSIGNAL, EOR, ERRQUEUE = (socket.MSG_DONTWAIT, socket.MSG_NOSIGNAL, socket.MSG_EOR,
                                     socket.MSG_ERRQUEUE)
TCP = socket.IPPROTO_TCP


# ---- MSG_MORE, TCP_CORK, TCP_NODELAY, MSG_EOR

@case
def more_goes_out_by_itself(a, b, p):
    """TCP holds it back for 0.2 s."""
    yield send(a, b"abc", MSG_MORE), readable(b), recv(b, 10, DONTWAIT)


@case
def more_then_send(a, b, p):
    yield send(a, b"abc", MSG_MORE), send(a, b"def"), exactly(b, 6)


@case
def more_many_times(a, b, p):
    yield [send(a, b"%d" % i, MSG_MORE) for i in range(10)], send(a, b"."), exactly(b, 11)


@case
def more_then_shutdown(a, b, p):
    yield send(a, b"abc", MSG_MORE), shut(a, "WR"), read_all(b)


@case
def more_then_close(a, b, p):
    yield send(a, b"abc", MSG_MORE)
    a.close()
    yield read_all(b)


@case
def more_then_nothing(a, b, p):
    yield send(a, b"abc", MSG_MORE), send(a, b""), exactly(b, 3)


@case
def more_then_nodelay(a, b, p):
    """Setting TCP_NODELAY pushes what waits."""
    yield send(a, b"abc", MSG_MORE), put(a, TCP, socket.TCP_NODELAY, 1), exactly(b, 3)


@case
def more_then_a_large_write(a, b, p):
    yield send(a, b"abc", MSG_MORE)
    writer = Blocked(a.sendall, pattern(100000))
    yield exactly(b, 100003)
    writer.result()


@case
def cork(a, b, p):
    yield put(a, TCP, socket.TCP_CORK, 1), get(a, TCP, socket.TCP_CORK)
    yield send(a, b"abc"), send(a, b"def"), put(a, TCP, socket.TCP_CORK, 0), exactly(b, 6)


@case
def cork_goes_out_by_itself(a, b, p):
    put(a, TCP, socket.TCP_CORK, 1)
    yield send(a, b"abc"), readable(b), recv(b, 10, DONTWAIT)


@case
def cork_then_close(a, b, p):
    put(a, TCP, socket.TCP_CORK, 1)
    yield send(a, b"abc")
    a.close()
    yield read_all(b)


@case
def nodelay(a, b, p):
    yield get(a, TCP, socket.TCP_NODELAY), put(a, TCP, socket.TCP_NODELAY, 1)
    yield get(a, TCP, socket.TCP_NODELAY), tell(a, b"abc"), recv(b)


@case
def eor(a, b, p):
    yield tell(a, b"abc", EOR), tell(a, b"def", EOR), recv(b)
    yield send(a, b"ghi", EOR | MSG_MORE), send(a, b"j"), exactly(b, 4)


@case
def flags_that_mean_nothing(a, b, p):
    for flag in (socket.MSG_DONTROUTE, socket.MSG_CONFIRM, socket.MSG_PEEK, socket.MSG_WAITALL,
                 socket.MSG_TRUNC, socket.MSG_CTRUNC, 0x100000, 0x800000):
        yield tell(a, b"x", flag), recv(b)


@case
def write_of_no_bytes(a, b, p):
    yield send(a, b""), os.write(a.fileno(), b""), call(a.sendmsg, []), call(a.sendmsg, [b"", b""])
    yield tell(a, b"x"), recv(b)
    shut(a, "WR")
    yield send(a, b"", NOSIGNAL)


# ---- MSG_ZEROCOPY

def completions(s, last):
    """Reads the error queue until number last is there: ranges merged, and what they
    say."""
    ids, other = set(), set()
    while last not in ids:
        ready(s, select.POLLPRI)
        _, items, flags, _ = s.recvmsg(100, 1000, ERRQUEUE)
        for level, kind, value in items:
            number, origin, _, code, _, low, high = struct.unpack_from("IBBBBII", value)
            ids.update(range(low, high + 1))
            other.add((level, kind, name_of(number), origin, code, bool(flags & ERRQUEUE)))
    return sorted(ids), sorted(other)


@case
def zerocopy(a, b, p):
    yield get(a, socket.SOL_SOCKET, SO_ZEROCOPY), put(a, socket.SOL_SOCKET, SO_ZEROCOPY, 1)
    yield get(a, socket.SOL_SOCKET, SO_ZEROCOPY)
    yield [tell(a, pattern(5000), MSG_ZEROCOPY) for _ in range(3)]
    yield completions(a, 2), exactly(b, 15000), call(a.recvmsg, 100, 1000, ERRQUEUE)


@case
def zerocopy_completion_wakes_poll(a, b, p):
    put(a, socket.SOL_SOCKET, SO_ZEROCOPY, 1)
    tell(a, b"abc", MSG_ZEROCOPY)
    yield ready(a, 0), mask(a), completions(a, 0), mask(a), exactly(b, 3)


@case
def zerocopy_mixed_with_copies(a, b, p):
    put(a, socket.SOL_SOCKET, SO_ZEROCOPY, 1)
    for i in range(6):
        send(a, b"%d" % i * 1000, MSG_ZEROCOPY if i % 2 else 0)
    yield completions(a, 2)[0], exactly(b, 6000)


@case
def zerocopy_without_the_option(a, b, p):
    yield tell(a, b"abc", MSG_ZEROCOPY), recv(b), call(a.recvmsg, 100, 1000, ERRQUEUE), mask(a)


@case
def zerocopy_of_no_bytes(a, b, p):
    put(a, socket.SOL_SOCKET, SO_ZEROCOPY, 1)
    yield send(a, b"", MSG_ZEROCOPY), tell(a, b"abc", MSG_ZEROCOPY), completions(a, 0)[0]


@case
def zerocopy_after_shutdown(a, b, p):
    put(a, socket.SOL_SOCKET, SO_ZEROCOPY, 1)
    shut(a, "WR")
    yield send(a, b"abc", MSG_ZEROCOPY | NOSIGNAL), call(a.recvmsg, 100, 1000, ERRQUEUE)


@case
def zerocopy_with_more(a, b, p):
    put(a, socket.SOL_SOCKET, SO_ZEROCOPY, 1)
    yield send(a, b"abc", MSG_ZEROCOPY | MSG_MORE), send(a, b"def", MSG_ZEROCOPY), exactly(b, 6)
    yield completions(a, 1)[0]


@case
def zerocopy_of_much(a, b, p):
    put(a, socket.SOL_SOCKET, SO_ZEROCOPY, 1)
    reader = Blocked(exactly, b, 300000)
    data, calls = pattern(300000), 0
    while data:
        n = send(a, data, MSG_ZEROCOPY)
        if n != "ENOBUFS":      # it waits for completions
            data, calls = data[n:], calls + 1
        elif calls:
            completions(a, 0)
    yield reader.result()


@case
def error_queue_when_empty(a, b, p):
    yield call(a.recvmsg, 100, 1000, ERRQUEUE), call(a.recvmsg, 100, 1000, ERRQUEUE | DONTWAIT)
    tell(b, b"abc")
    yield call(a.recvmsg, 100, 1000, ERRQUEUE), recv(a)


@case
def transmit_timestamps(a, b, p):
    """SO_TIMESTAMPING: acknowledged, by software, with the byte's number."""
    yield put(a, socket.SOL_SOCKET, SO_TIMESTAMPING, 1 << 9 | 1 << 4 | 1 << 7)
    tell(a, b"abc")
    ready(a, 0)
    _, items, _, _ = a.recvmsg(100, 1000, ERRQUEUE)
    names = {(1, 37): "SCM_TIMESTAMPING", (0, 11): "RECVERR", (41, 25): "RECVERR"}
    address = 28 if a.family == socket.AF_INET6 else 16     # behind the sock_extended_err
    yield sorted((names.get((level, kind), f"{level}/{kind}"),
                  len(value) - (address if kind in (11, 25) else 0))
                 for level, kind, value in items)
    yield [struct.unpack_from("IBBBBII", v)[5:] for _, k, v in items if k in (11, 25)]


# ---- control data, addresses

@case
def control_data_of_the_socket_level(a, b, p):
    yield call(a.sendmsg, [b"abc"], [(socket.SOL_SOCKET, 9999, b"1234")])
    yield call(a.sendmsg, [b"def"], [(socket.SOL_SOCKET, SO_TIMESTAMPING, b"\0\0\0\0")])
    shut(a, "WR")
    yield read_all(b)


@case
def control_data_that_tcp_ignores(a, b, p):
    r, _w = os.pipe()
    yield call(a.sendmsg, [b"abc"], [(socket.IPPROTO_IP, 1, b"1234")])
    yield call(a.sendmsg, [b"def"], [(SOL_TLS, 1, b"\x15")])
    yield call(a.sendmsg, [b"ghi"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [r]))])
    yield exactly(b, 9)


@case
def sendto_an_address(a, b, p):
    yield call(a.sendto, b"abc", p.elsewhere), call(a.sendto, b"def", p.address)
    arrived(a)
    yield recv(b)


@case
def sendto_fast_open(a, b, p):
    yield call(a.sendto, b"abc", MSG_FASTOPEN, p.address), call(a.send, b"def", MSG_FASTOPEN)
    shut(a, "WR")
    yield read_all(b)


# ---- vectors and pointers

@case
def writev_of_odd_pieces(a, b, p):
    yield os.writev(a.fileno(), [b"", b"a", b"", b"bcd", b"", b"", b"ef", pattern(100), b""])
    yield exactly(b, 106)


@case
def writev_limits(a, b, p):
    buf = ctypes.create_string_buffer(b"z", 1)
    many = iovecs(*[buf] * 1025)
    yield c_call("writev", a.fileno(), many, 1025), c_call("writev", a.fileno(), many, -1)
    yield c_call("writev", a.fileno(), many, 0), c_call("writev", a.fileno(), many, 1024)
    yield exactly(b, 1024)


@case
def bad_pointer_to_send(a, b, p):
    yield c_call("send", a.fileno(), ctypes.c_void_p(BAD), size_t(4), 0)
    yield c_call("send", a.fileno(), ctypes.c_void_p(BAD), size_t(100000), 0)
    yield tell(a, b"abc"), recv(b)
    yield c_call("send", a.fileno(), ctypes.c_void_p(BAD), size_t(4), MSG_MORE), send(a, b"def")
    yield exactly(b, 3)


@case
def bad_pointer_after_a_good_one(a, b, p):
    good = ctypes.create_string_buffer(b"abcd", 4)
    n = c_call("writev", a.fileno(), iovecs(good, (BAD, 4)), 2)
    yield n
    send(a, b".")
    yield exactly(b, 1 if isinstance(n, str) else n + 1)


@case
def bad_pointer_after_a_page(a, b, p):
    """What is whole goes out, or nothing; never a part twice."""
    good = ctypes.create_string_buffer(pattern(50000), 50000)
    n = c_call("writev", a.fileno(), iovecs(good, (BAD, 4)), 2)
    n = 0 if isinstance(n, str) else n
    send(a, b".")
    yield exactly(b, n + 1) == pattern(50000)[:n] + b"."


@case
def bad_pointer_of_a_message(a, b, p):
    yield c_call("sendmsg", a.fileno(), ctypes.c_void_p(BAD), 0)
    yield c_call("recvmsg", a.fileno(), ctypes.c_void_p(BAD), 0)
    yield c_call("sendto", a.fileno(), b"abc", size_t(3), 0, ctypes.c_void_p(BAD), 16)
    send(a, b".")
    yield exactly(b, 1)


# ---- blocking and not

@case
def outq_is_empty_when_all_is_acknowledged(a, b, p):
    yield outq(a)
    tell(a, pattern(3000))
    yield outq(a), ioctl_int(a, SIOCOUTQNSD), len(exactly(b, 3000))


@case
def outq_when_the_peer_does_not_read(a, b, p):
    small(a)
    fill(a)
    yield outq(a) > 0, ioctl_int(a, SIOCOUTQNSD) > 0


@case
def large_write_that_does_not_wait(a, b, p):
    a.setblocking(False)
    data, sent, refusals, ends = pattern(6000000), 0, 0, set()
    digest = hashlib.sha256()
    while sent < len(data):
        n = send(a, data[sent:sent + 1500000])
        if isinstance(n, str):
            ends.add(n)
            refusals += 1
            while not ready_out(a):
                digest.update(recv(b, 400000, DONTWAIT) if readable(b) == "ready" else b"")
        else:
            ends.add("some" if n > 0 else n)
            sent += n
    shut(a, "WR")
    digest.update(read_all(b)[0])
    yield sorted(ends), refusals > 0, digest.digest() == hashlib.sha256(data).digest()


@case
def full_socket(a, b, p):
    """EAGAIN, no POLLOUT, until the peer has read; then POLLOUT comes back."""
    small(a)
    a.setblocking(False)
    n = fill(a)
    yield send(a, b"x"), send(a, b"x" * 100000), mask(a)
    with select.epoll() as e:
        e.register(a, select.EPOLLOUT | select.EPOLLET)
        yield e.poll(0)
        got = exactly(b, n)
        yield len(got) == n, got == b"f" * n
        yield [ev for _, ev in e.poll(20)], send(a, b"y" * 100), exactly(b, 100)


@case
def full_socket_tells_notsent_lowat(a, b, p):
    yield put(a, TCP, 25, 4096), get(a, TCP, 25)
    small(a)
    fill(a, b"f" * 1000)
    yield mask(a)


@case
def send_timeout(a, b, p):
    small(a)
    timeout(a, socket.SO_SNDTIMEO, 150)
    fill(a)
    yield c_send(a, b"abc"), c_send(a, pattern(100000)), get(a, socket.SOL_SOCKET,
                                                            socket.SO_SNDTIMEO, 16)


@case
def send_timeout_after_a_part(a, b, p):
    small(a)
    timeout(a, socket.SO_SNDTIMEO, 150)
    n = c_send(a, pattern(3000000))
    yield "a part" if not isinstance(n, str) and 0 < n < 3000000 else n
    yield exactly(b, n) == pattern(3000000)[:n], c_send(a, b"."), exactly(b, 1)


def interrupted(a, b, data, restart, read):
    main = threading.get_native_id()
    r, w = os.pipe()
    os.set_blocking(w, False)
    signal.set_wakeup_fd(w)
    signal.signal(signal.SIGUSR1, lambda *_: None)
    signal.siginterrupt(signal.SIGUSR1, not restart)

    def other():
        until("send() that sleeps", lambda: syscall_of(main))
        signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1)
        os.read(r, 1)
        if read:
            until("send() that sleeps again", lambda: syscall_of(main))
            exactly(b, read)
    t = threading.Thread(target=other, daemon=True)
    t.start()
    n = c_send(a, data)
    t.join()
    return n


@case
def signal_interrupts_send(a, b, p):
    small(a)
    n = fill(a)
    yield interrupted(a, b, b"abc", False, 0), len(exactly(b, n)) == n
    yield send(a, b"def"), exactly(b, 3)


@case
def signal_restarts_send(a, b, p):
    small(a)
    n = fill(a)
    yield interrupted(a, b, b"abc", True, n), exactly(b, 3)


@case
def signal_interrupts_send_after_a_part(a, b, p):
    small(a)
    n = interrupted(a, b, pattern(3000000), True, 0)    # a part is told, not begun again
    yield "a part" if not isinstance(n, str) and 0 < n < 3000000 else n
    yield exactly(b, n) == pattern(3000000)[:n], send(a, b"."), exactly(b, 1)


@case
def blocked_send_goes_on_when_the_peer_reads(a, b, p):
    small(a)
    n = fill(a)
    writer = Blocked(send, a, b"abc")
    yield writer.sleeps(), exactly(b, n) == b"f" * n, writer.result(), exactly(b, 3)


@case
def blocked_send_and_its_own_shutdown(a, b, p):
    small(a)
    fill(a)
    writer = Blocked(send, a, b"abc", NOSIGNAL)
    yield writer.sleeps(), shut(a, "WR"), writer.result()


@case
def close_with_much_unsent(a, b, p):
    small(a)
    n = fill(a)
    a.close()
    got, end = read_all(b)
    yield got == b"f" * n, end


@case
def shutdown_with_much_unsent(a, b, p):
    small(a)
    n = fill(a)
    yield shut(a, "WR"), send(a, b"x", NOSIGNAL)
    got, end = read_all(b)
    yield got == b"f" * n, end


@case
def linger_waits_for_the_peer(a, b, p):
    small(a)
    n = fill(a)
    a.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 60))
    fd = a.detach()
    closer = Blocked(os.close, fd)
    yield closer.sleeps()
    got, end = read_all(b)
    yield got == b"f" * n, end
    b.close()
    yield closer.result()


@case
def linger_gives_up(a, b, p):
    """close() no longer waits; what it had sent still arrives."""
    small(a)
    n = fill(a)
    a.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 1))
    a.close()
    got, end = read_all(b)
    yield got == b"f" * n, end


@case
def several_threads_write(a, b, p):
    """Nothing is lost, nothing comes twice."""
    def writer(letter):
        for _ in range(200):
            a.sendall(letter * 500)
    letters = [bytes([65 + i]) for i in range(4)]
    writers = [Blocked(writer, x) for x in letters]
    data = exactly(b, 4 * 200 * 500)
    yield [w.result() for w in writers], [data.count(x) for x in letters]


@case
def both_ways_at_once(a, b, p):
    n = 400000
    writers = [Blocked(x.sendall, pattern(n)) for x in (a, b)]
    readers = [Blocked(exactly, x, n) for x in (a, b)]
    yield [r.result() for r in readers], [w.result() for w in writers]


@case
def reads_behind_a_full_socket(a, b, p):
    """One direction is full; the other goes on."""
    small(a)
    n = fill(a)
    tell(b, b"abc")
    yield recv(a), mask(a), inq(b) > 0
    yield exactly(b, n) == b"f" * n


@case
def writes_in_the_face_of_a_closed_peer(a, b, p):
    """The first write after the peer's close() is taken, and answered by a RST."""
    b.close()
    is_in(a, "CLOSE_WAIT")
    yield send(a, b"abc"), is_in(a, "CLOSE"), send(a, b"def", NOSIGNAL), send(a, b"g", NOSIGNAL)
