# SPDX-License-Identifier: GPL-2.0-or-later
"""Cases of posix.py: descriptors, options, epoll, signals, and calls that do not fit a
connected socket.

a is the end that is looked at, b its peer; p is the place, for further pairs.
"""
import array
import ctypes
import fcntl
import mmap
import os
import select
import signal
import socket
import struct
import subprocess

from posix_lib import (TCP_INQ, TCP_ULP, TCP_ZEROCOPY_RECEIVE, SOL_TLS, Blocked, arrived, bits,
                       c_call, call, case, exactly, fill, get, info, inq, is_in, libc, mask,
                       pattern, put, read_all, ready, recv, reset, send, shut, size_t, small,
                       so_error, state, tell, until)

SOL, TCP, DONTWAIT = socket.SOL_SOCKET, socket.IPPROTO_TCP, socket.MSG_DONTWAIT


# ---- epoll

def events(e, seconds=0):
    return [bits(ev) for _, ev in e.poll(seconds)]


@case
def epoll_edges(a, b, p):
    with select.epoll() as e:
        e.register(a, select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET)
        yield events(e), events(e)
        for data in b"abc", b"def":
            tell(b, data)
            yield events(e), events(e)
        yield recv(a, 3), events(e), recv(a, 3), events(e), recv(a, 3, DONTWAIT), events(e)
        shut(b, "WR")
        is_in(a, "CLOSE_WAIT")
        yield events(e), events(e)


@case
def epoll_edges_after_a_read(a, b, p):
    """Each arrival is an edge, also while there is something to read already."""
    tell(b, b"abc")
    yield recv(a)
    with select.epoll() as e:
        e.register(a, select.EPOLLIN | select.EPOLLET)
        for data in b"d", b"e", b"f":
            tell(b, data)
            yield events(e), events(e)
        yield recv(a, 1), events(e)
        tell(b, b"g")
        yield events(e), recv(a)


@case
def epoll_edges_of_a_large_stream(a, b, p):
    a.setblocking(False)
    got = 0
    with select.epoll() as e:
        e.register(a, select.EPOLLIN | select.EPOLLET)
        writer = Blocked(b.sendall, pattern(300000))
        while got < 300000 and events(e, 20):
            while not isinstance(data := recv(a, 7000), str):
                got += len(data)
    yield got, writer.result()


@case
def epoll_oneshot(a, b, p):
    flags = select.EPOLLIN | select.EPOLLONESHOT
    with select.epoll() as e:
        e.register(a, flags)
        tell(b, b"abc")
        yield events(e), events(e)
        tell(b, b"def")
        yield events(e), e.modify(a, flags), events(e), recv(a), e.modify(a, flags), events(e)
        tell(b, b"ghi")
        yield events(e)


@case
def epoll_edges_and_oneshot(a, b, p):
    flags = select.EPOLLIN | select.EPOLLOUT | select.EPOLLONESHOT | select.EPOLLET
    with select.epoll() as e:
        e.register(a, flags)
        yield events(e), events(e)
        tell(b, b"abc")
        yield events(e), e.modify(a, flags), events(e), events(e)
        reset(b)
        is_in(a, "CLOSE")
        yield events(e), e.modify(a, flags), events(e)


@case
def epoll_exclusive_in_two(a, b, p):
    with select.epoll() as e, select.epoll() as f:
        for x in e, f:
            x.register(a, select.EPOLLIN | select.EPOLLEXCLUSIVE)
        tell(b, b"abc")
        yield events(e), events(f)


@case
def epoll_of_an_epoll(a, b, p):
    with select.epoll() as inner, select.epoll() as outer:
        inner.register(a, select.EPOLLIN)
        outer.register(inner, select.EPOLLIN | select.EPOLLET)
        yield events(outer)
        tell(b, b"abc")
        yield events(outer), events(outer), events(inner)


@case
def epoll_edges_of_a_reset(a, b, p):
    with select.epoll() as e:
        e.register(a, select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET)
        events(e)
        reset(b)
        is_in(a, "CLOSE")
        yield events(e), events(e), so_error(a)


@case
def epoll_edges_of_half_closes(a, b, p):
    with select.epoll() as e:
        e.register(a, select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET)
        yield events(e), shut(a, "WR"), is_in(a, "FIN_WAIT2"), events(e)
        b.close()
        is_in(a, "CLOSE", "TIME_WAIT")
        yield events(e), recv(a), events(e)


@case
def epoll_edge_when_it_can_write_again(a, b, p):
    small(a)
    n = fill(a)
    with select.epoll() as e:
        e.register(a, select.EPOLLOUT | select.EPOLLET)
        yield events(e)
        reader = Blocked(exactly, b, n)
        yield events(e, 20), len(reader.result()) == n


@case
def epoll_waiter_is_woken(a, b, p):
    with select.epoll() as e:
        e.register(a, select.EPOLLIN | select.EPOLLRDHUP)
        waiter = Blocked(events, e, 20)
        yield waiter.sleeps(), tell(b, b"abc"), waiter.result()


@case
def select_tells(a, b, p):
    yield [len(x) for x in select.select([a], [a], [a], 0)]
    tell(b, b"abc")
    yield [len(x) for x in select.select([a], [a], [a], 0)]
    reset(b)
    is_in(a, "CLOSE")
    yield [len(x) for x in select.select([a], [a], [a], 0)]


# ---- SIGIO

def siginfo(number):
    """The next such signal, which is blocked: why, and for which descriptor."""
    got = signal.sigtimedwait([number], 20)
    return (got.si_code, bits(got.si_band)) if got else "none"


def no_more(number):
    n = 0
    while signal.sigtimedwait([number], 0):
        n += 1
    return n


@case
def sigio(a, b, p):
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGIO])
    yield fcntl.fcntl(a, fcntl.F_SETOWN, os.getpid()), fcntl.fcntl(a, fcntl.F_GETOWN) == os.getpid()
    fcntl.fcntl(a, fcntl.F_SETFL, os.O_ASYNC)
    tell(b, b"abc")
    yield siginfo(signal.SIGIO) != "none", recv(a)


@case
def sigio_with_a_signal_of_its_own(a, b, p):
    number = signal.SIGRTMIN + 1
    signal.pthread_sigmask(signal.SIG_BLOCK, [number])
    fcntl.fcntl(a, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(a, fcntl.F_SETSIG, number)
    fcntl.fcntl(a, fcntl.F_SETFL, os.O_ASYNC)
    yield fcntl.fcntl(a, fcntl.F_GETSIG) == number
    tell(b, b"abc")
    yield siginfo(number), no_more(number)
    tell(b, b"def")
    yield siginfo(number), no_more(number), recv(a)
    shut(b, "WR")
    is_in(a, "CLOSE_WAIT")
    yield siginfo(number)


@case
def sigio_of_a_reset(a, b, p):
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGIO])
    fcntl.fcntl(a, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(a, fcntl.F_SETFL, os.O_ASYNC)
    reset(b)
    is_in(a, "CLOSE")
    yield siginfo(signal.SIGIO) != "none"


# ---- descriptors

@case
def dup_keeps_the_connection(a, b, p):
    x = socket.socket(fileno=os.dup(a.fileno()))
    a.close()
    yield tell(x, b"abc"), recv(b), state(b), tell(b, b"def"), recv(x)
    x.close()
    yield is_in(b, "CLOSE_WAIT"), recv(b)


@case
def dup_shares_flags_and_shutdown(a, b, p):
    x = socket.socket(fileno=os.dup(a.fileno()))
    os.set_blocking(a.fileno(), False)
    yield os.get_blocking(x.fileno()), shut(x, "WR"), send(a, b"x", socket.MSG_NOSIGNAL)


@case
def fork_shares_the_stream(a, b, p):
    tell(b, b"abcdef")
    pid = os.fork()
    if pid == 0:
        b.close()
        a.sendall(b"child " + a.recv(3))
        os._exit(0)
    os.waitpid(pid, 0)
    yield recv(a), send(a, b" parent"), exactly(b, 16), state(b)
    a.close()
    yield is_in(b, "CLOSE_WAIT"), recv(b)


@case
def fork_and_close_in_the_parent(a, b, p):
    pid = os.fork()
    if pid == 0:
        b.close()
        a.sendall(a.recv(100)[::-1])
        os._exit(0)
    a.close()
    yield tell(b, b"abc"), read_all(b), os.waitpid(pid, 0)[1]


@case
def exec_gets_the_socket(a, b, p):
    tell(b, b"to cat\n")
    shut(b, "WR")
    with subprocess.Popen(["/bin/cat"], stdin=a.fileno(), stdout=a.fileno()) as cat:
        a.close()
        yield read_all(b), cat.wait()


@case
def exec_closes_what_is_cloexec(a, b, p):
    with subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as cat:
        a.close()
        yield is_in(b, "CLOSE_WAIT"), recv(b)
        cat.communicate(b"")


@case
def descriptor_is_passed(a, b, p):
    x, y = socket.socketpair()
    x.sendmsg([b"x"], [(SOL, socket.SCM_RIGHTS, array.array("i", [a.fileno()]))])
    a.close()
    yield tell(b, b"abc"), state(b)     # it is on its way, and open
    _, items, _, _ = y.recvmsg(1, 100)
    with socket.socket(fileno=struct.unpack_from("i", items[0][2])[0]) as z:
        yield recv(z), tell(z, b"def"), recv(b)
    yield is_in(b, "CLOSE_WAIT"), recv(b)


@case
def descriptor_is_lost_on_its_way(a, b, p):
    x, y = socket.socketpair()
    x.sendmsg([b"x"], [(SOL, socket.SCM_RIGHTS, array.array("i", [a.fileno()]))])
    a.close()
    x.close()
    y.close()
    yield is_in(b, "CLOSE_WAIT"), recv(b)


@case
def killed_process_closes(a, b, p):
    pid = os.fork()
    if pid == 0:
        b.close()
        signal.pause()
    a.close()
    yield state(b)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    yield is_in(b, "CLOSE_WAIT"), recv(b)


@case
def file_flags(a, b, p):
    yield fcntl.fcntl(a, fcntl.F_GETFL) & os.O_NONBLOCK, fcntl.fcntl(a, fcntl.F_GETFD)
    yield fcntl.ioctl(a, 0x5421, struct.pack("i", 1)), os.get_blocking(a.fileno()), recv(a)
    st = os.fstat(a.fileno())
    yield oct(st.st_mode), st.st_size, call(os.lseek, a.fileno(), 0, os.SEEK_CUR)
    yield call(os.pread, a.fileno(), 1, 0), call(os.fsync, a.fileno())
    yield call(os.ftruncate, a.fileno(), 0)
    yield os.readlink(f"/proc/self/fd/{a.fileno()}").split(":")[0]


@case
def read_and_write_are_recv_and_send(a, b, p):
    yield os.write(a.fileno(), b"abcdef"), os.read(b.fileno(), 4), os.read(b.fileno(), 100)
    shut(a, "WR")
    yield os.read(b.fileno(), 100)


@case
def ioctl_of_others(a, b, p):
    def ioctl(request):
        r = call(fcntl.ioctl, a, request, b"\0" * 64)
        return r if isinstance(r, str) else "ok"
    yield [ioctl(r) for r in (0x8906, 0x8907, 0x8912, 0x89E0, 0x5413, 0x12345)]


@case
def mmap_of_a_socket(a, b, p):
    try:
        mmap.mmap(a.fileno(), 4096, mmap.MAP_SHARED, mmap.PROT_READ).close()
        yield "mapped"
    except OSError as e:
        yield e.errno
    yield tell(b, b"abc"), recv(a)


# ---- names

@case
def names(a, b, p):
    yield a.getpeername() == b.getsockname(), a.getsockname() == b.getpeername()
    yield p.address in (a.getpeername()[:2], a.getsockname()[:2])
    buf, n = ctypes.create_string_buffer(b"." * 8, 8), ctypes.c_int(4)
    yield c_call("getpeername", a.fileno(), buf, ctypes.byref(n)), buf.raw[:2], buf.raw[4:], n.value


@case
def names_when_the_peer_has_gone(a, b, p):
    name = b.getsockname()
    b.close()
    is_in(a, "CLOSE_WAIT")
    yield a.getpeername() == name
    shut(a, "WR")
    is_in(a, "CLOSE")
    yield call(a.getpeername)


@case
def recvfrom_tells_no_address(a, b, p):
    tell(b, b"abc")
    yield a.recvfrom(100)


# ---- calls that do not fit

@case
def connect_again(a, b, p):
    yield call(a.connect, p.address), call(a.connect, (p.address[0], 1)), tell(a, b"abc"), recv(b)


UNSPEC = struct.pack("H14x", 0)


@case
def connect_to_nowhere(a, b, p):
    """The socket that was connected; what was accepted is the next case."""
    c, s = p.by_role(a, b)
    yield c_call("connect", c.fileno(), UNSPEC, 16), is_in(s, "CLOSE"), recv(s)
    yield state(c), call(c.getpeername), send(c, b"x", socket.MSG_NOSIGNAL), recv(c), mask(c)


@case
def connect_to_nowhere_of_an_accepted_socket(a, b, p):
    _, s = p.by_role(a, b)
    yield c_call("connect", s.fileno(), UNSPEC, 16), state(s)


@case
def connect_to_nowhere_of_a_shared_socket(a, b, p):
    c, s = p.by_role(a, b)
    x = socket.socket(fileno=os.dup(c.fileno()))
    yield c_call("connect", c.fileno(), UNSPEC, 16), state(x), state(s)


@case
def connect_of_another_family(a, b, p):
    other = struct.pack("H14x", socket.AF_INET6)
    yield c_call("connect", a.fileno(), other, 16), c_call("connect", a.fileno(), other, 1)
    yield tell(a, b"abc"), recv(b)


@case
def listen_accept_and_bind(a, b, p):
    yield call(a.listen, 1), call(a.accept), call(a.bind, ("", 0)), call(a.bind, ("10.9.9.9", 1))
    yield tell(a, b"abc"), recv(b), state(a)


# ---- options

@case
def what_it_is(a, b, p):
    for option in (socket.SO_TYPE, socket.SO_DOMAIN, socket.SO_PROTOCOL, socket.SO_ACCEPTCONN,
                   socket.SO_ERROR, socket.SO_BROADCAST, socket.SO_DEBUG, 999):
        yield get(a, SOL, option)
    yield call(a.getsockopt, SOL, socket.SO_PEERCRED, 12), call(a.getsockopt, SOL, 59, 4)


@case
def tcp_state(a, b, p):
    yield info(a, 0, "B"), state(a), shut(a, "WR"), is_in(a, "FIN_WAIT2"), is_in(b, "CLOSE_WAIT")


@case
def tcp_info_counts_bytes(a, b, p):
    before = info(a, 120, "Q"), info(a, 128, "Q")
    tell(a, pattern(1000))
    tell(b, pattern(300))
    yield info(a, 120, "Q") - before[0], info(a, 128, "Q") - before[1]


@case
def tcp_info_sizes(a, b, p):
    for n in (1, 8, 104):
        yield len(a.getsockopt(TCP, socket.TCP_INFO, n))


@case
def user_timeout(a, b, p):
    yield get(a, TCP, socket.TCP_USER_TIMEOUT), put(a, TCP, socket.TCP_USER_TIMEOUT, 30000)
    yield get(a, TCP, socket.TCP_USER_TIMEOUT), put(a, TCP, socket.TCP_USER_TIMEOUT, -1)


@case
def keepalive(a, b, p):
    yield get(a, SOL, socket.SO_KEEPALIVE), put(a, SOL, socket.SO_KEEPALIVE, 1)
    yield get(a, SOL, socket.SO_KEEPALIVE)
    for option, value in ((socket.TCP_KEEPIDLE, 33), (socket.TCP_KEEPINTVL, 7),
                          (socket.TCP_KEEPCNT, 5)):
        yield put(a, TCP, option, value), get(a, TCP, option), put(a, TCP, option, 0)


@case
def keepalive_probes_are_answered(a, b, p):
    for option in socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL:
        a.setsockopt(TCP, option, 1)
    a.setsockopt(SOL, socket.SO_KEEPALIVE, 1)
    before = info(b, 140)
    until("a probe", lambda: info(b, 140) > before)
    yield state(a), state(b), mask(a), mask(b), tell(a, b"abc"), recv(b)


@case
def buffer_sizes(a, b, p):
    for option in socket.SO_SNDBUF, socket.SO_RCVBUF:
        yield put(a, SOL, option, 30000), get(a, SOL, option), put(a, SOL, option, 1)
        yield get(a, SOL, option)


@case
def options_of_the_socket_level(a, b, p):
    for option, value in ((socket.SO_REUSEADDR, 1), (socket.SO_REUSEPORT, 1),
                          (socket.SO_PRIORITY, 3), (socket.SO_MARK, 5),
                          (46, 20), (47, 1 << 20), (socket.SO_DONTROUTE, 1)):
        yield put(a, SOL, option, value), get(a, SOL, option)
    yield put(a, SOL, socket.SO_LINGER, struct.pack("ii", 1, 5)), get(a, SOL, socket.SO_LINGER, 8)


@case
def options_of_ip_and_tcp(a, b, p):
    for level, option, value in ((0, socket.IP_TOS, 8), (0, socket.IP_TTL, 33), (0, 10, 2),
                                 (0, 11, 1), (TCP, socket.TCP_QUICKACK, 0),
                                 (TCP, socket.TCP_LINGER2, 9), (TCP, socket.TCP_SYNCNT, 3),
                                 (TCP, socket.TCP_WINDOW_CLAMP, 30000), (TCP, 16, 1), (TCP, 17, 1)):
        yield option, put(a, level, option, value), get(a, level, option)
    yield get(a, TCP, socket.TCP_MAXSEG) > 500, get(a, TCP, socket.TCP_DEFER_ACCEPT)
    yield get(a, TCP, 999), put(a, TCP, 999, 1), get(a, 999, 1), put(a, 999, 1, 1)


@case
def congestion_control(a, b, p):
    name = get(a, TCP, socket.TCP_CONGESTION, 16)
    yield name, put(a, TCP, socket.TCP_CONGESTION, b"reno")
    yield get(a, TCP, socket.TCP_CONGESTION, 16), put(a, TCP, socket.TCP_CONGESTION, b"nonesuch")
    yield tell(a, b"abc"), recv(b)


@case
def ulp_is_told(a, b, p):
    yield call(a.getsockopt, TCP, TCP_ULP, 16)


@case
def ulp_that_does_not_exist(a, b, p):
    yield put(a, TCP, TCP_ULP, b"nonesuch"), tell(a, b"abc"), recv(b)


@case
def listen_after_a_refused_connect(a, b, p):
    with socket.socket(p.family) as s:
        yield call(s.connect, p.closed), call(s.listen), get(s, SOL, socket.SO_ACCEPTCONN)


@case
def ulp_tls(a, b, p):
    yield put(a, TCP, TCP_ULP, b"tls")


@case
def tls_options_without_tls(a, b, p):
    keys = struct.pack("HH", 0x0304, 51) + b"\1" * 36
    for option in 1, 2, 3, 4:
        yield call(a.getsockopt, SOL_TLS, option, 4), put(a, SOL_TLS, option, keys)
    yield tell(a, b"abc"), recv(b)


@case
def zerocopy_receive(a, b, p):
    tell(b, pattern(4096))
    libc.mmap.restype = ctypes.c_void_p
    at = libc.mmap(None, size_t(4096), mmap.PROT_READ, mmap.MAP_SHARED, a.fileno(), 0)
    want = ctypes.create_string_buffer(struct.pack("QIIII24x", at, 4096, 0, 0, 0), 48)
    yield c_call("getsockopt", a.fileno(), TCP, TCP_ZEROCOPY_RECEIVE, want,
                 ctypes.byref(ctypes.c_int(16)))
    yield len(recv(a, 4096, DONTWAIT)) if struct.unpack_from("I", want, 8)[0] == 0 else 4096


@case
def repair(a, b, p):
    """Of checkpoint and restore: off again without a word to the peer."""
    yield put(a, TCP, 19, 1), put(a, TCP, 19, -1), get(a, TCP, 19), tell(a, b"abc"), recv(b)


@case
def options_with_bad_lengths(a, b, p):
    yield put(a, TCP, socket.TCP_NODELAY, b""), put(a, TCP, socket.TCP_NODELAY, b"\1")
    yield c_call("setsockopt", a.fileno(), TCP, 1, ctypes.c_void_p(8), 4)
    n = ctypes.c_int(-1)
    yield c_call("getsockopt", a.fileno(), TCP, 1, ctypes.c_void_p(8), ctypes.byref(n))
    n = ctypes.c_int(4)
    yield c_call("getsockopt", a.fileno(), TCP, 1, ctypes.c_void_p(8), ctypes.byref(n))
    yield put(a, TCP, TCP_INQ, 5), inq(a)


@case
def addrform(a, b, p):
    yield put(a, socket.IPPROTO_IPV6, 1, socket.AF_INET), tell(a, b"abc"), recv(b)


@case
def filter_of_packets(a, b, p):
    """A filter that lets everything through; then off."""
    code = struct.pack("HBBI", 6, 0, 0, 0x40000)
    buf = ctypes.create_string_buffer(code, 8)
    yield put(a, SOL, 26, struct.pack("HxxxxxxQ", 1, ctypes.addressof(buf)))
    yield tell(b, b"abc"), recv(a), put(a, SOL, 27, 0), tell(b, b"def"), recv(a)
    yield readable_is_empty(a)


def readable_is_empty(s):
    return ready(s, select.POLLIN, 0), arrived(s)
