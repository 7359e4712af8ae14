#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""connect() in every way a program may call it, to a plain and to a meshed server.

connect.py PLAIN PORT MESH PORT FAILOVER PORT PLAIN6 PORT FAILOVER6 PORT [CASE]
    Each case runs against both and must end alike; the servers echo.  FAILOVER is
    a service whose first endpoint refuses; 6: with IPv6.  Prints "ok NAME: RESULT" or
    "not ok NAME - why"; in the end "all N cases".
"""
import ctypes
import errno
import fcntl
import os
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import time
import traceback

WAIT = 60
libc = ctypes.CDLL(None, use_errno=True)
CASES = []


def case(f):
    CASES.append(f)
    return f


def name_of(err):
    return errno.errorcode.get(err, str(err)) if err else "0"


def raw_connect(s, to, family=socket.AF_INET):
    """connect(2) itself: Python's own goes on after a signal."""
    if ":" in to[0]:
        sa = struct.pack("=H", socket.AF_INET6) + struct.pack(
            "!HI16sI", to[1], 0, socket.inet_pton(socket.AF_INET6, to[0]), 0)
    else:
        sa = struct.pack("=H", family) + struct.pack("!H4s8x", to[1], socket.inet_aton(to[0]))
    r = libc.connect(s.fileno(), sa, len(sa))
    return ctypes.get_errno() if r else 0


def unspec(s):
    return raw_connect(s, ("0.0.0.0", 0), socket.AF_UNSPEC)


def make(blocking=True, family=socket.AF_INET):
    s = socket.socket(family)
    s.settimeout(None)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, WAIT.to_bytes(8, "little") + bytes(8))
    if not blocking:
        s.setblocking(False)
    return s


def verdict(s):
    """poll() until it says something, then SO_ERROR."""
    p = select.poll()
    p.register(s, select.POLLOUT)
    if not p.poll(WAIT * 1000):
        return "silence"
    return name_of(s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))


def echo(s, text=b"connect-secret"):
    s.setblocking(True)
    try:
        s.sendall(text)
        got = b""
        while len(got) < len(text):
            chunk = s.recv(100)
            if not chunk:
                return "eof"
            got += chunk
    except OSError as e:
        return name_of(e.errno)
    return "echo" if got == text else "garbage"


class Signals:
    """A real timer's signals, with a handler."""

    def __init__(self, restart, every=0.004):
        self.restart, self.every = restart, every

    def __enter__(self):
        signal.signal(signal.SIGALRM, lambda *_: None)
        signal.siginterrupt(signal.SIGALRM, not self.restart)
        signal.setitimer(signal.ITIMER_REAL, self.every, self.every)

    def __exit__(self, *_):
        signal.setitimer(signal.ITIMER_REAL, 0)


def send_timeout(s, ms):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@qq", ms // 1000, ms % 1000 * 1000))


@case
def signals_with_sa_restart_are_not_noticed(to):
    with make() as s:
        with Signals(restart=True):
            r = raw_connect(s, to)
        return name_of(r), echo(s)


@case
def signals_without_sa_restart_interrupt_and_poll_tells(to):
    with make() as s:
        with Signals(restart=False):
            r = raw_connect(s, to)
        return name_of(r), verdict(s), echo(s)


@case
def connect_again_after_a_signal_waits_on(to):
    with make() as s:
        with Signals(restart=False):
            first = raw_connect(s, to)
        return name_of(first), name_of(raw_connect(s, to)), echo(s)


@case
def send_timeout_ends_the_wait_not_the_connection(to):
    with make() as s:
        send_timeout(s, 4)
        r = raw_connect(s, to)
        send_timeout(s, 0)
        return name_of(r), verdict(s), echo(s)


@case
def send_timeout_and_signals(to):
    with make() as s:
        send_timeout(s, 30000)
        with Signals(restart=True):
            r = raw_connect(s, to)  # with a timeout nothing is restarted
        return name_of(r), verdict(s), echo(s)


@case
def stop_and_continue_are_not_noticed(to):
    with make() as s:
        me = os.getpid()
        child = os.fork()
        if not child:
            for _ in range(5):
                os.kill(me, signal.SIGSTOP)
                os.kill(me, signal.SIGCONT)
                time.sleep(0.003)
            os._exit(0)
        r = raw_connect(s, to)
        os.waitpid(child, 0)
        return name_of(r), echo(s)


@case
def linger_of_zero(to):
    with make() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return (name_of(raw_connect(s, to)), echo(s),
                s.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8))


@case
def linger_with_time(to):
    with make() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 20))
        r = name_of(raw_connect(s, to)), echo(s)
        begin = time.monotonic()
        s.close()
        return *r, "soon" if time.monotonic() - begin < 15 else "late"


@case
def eight_threads_with_a_socket_each(to):
    out = []

    def one():
        with make() as s:
            out.append((name_of(raw_connect(s, to)), echo(s)))
    threads = [threading.Thread(target=one) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return sorted(out)


@case
def four_threads_with_one_socket(to):
    with make() as s:
        out = []
        threads = [threading.Thread(target=lambda: out.append(raw_connect(s, to)))
                   for _ in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        allowed = {0, errno.EISCONN, errno.EALREADY}
        return len(out), 0 in out, set(out) <= allowed or [name_of(r) for r in out], echo(s)


@case
def under_strace(to):
    trace = f"/tmp/strace.{os.getpid()}"
    subprocess.run(["strace", "-f", "--seccomp-bpf", "-e", "trace=connect", "-o", trace, sys.executable, "-c",
                    "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])))",
                    to[0], str(to[1])], check=False, timeout=WAIT)
    with open(trace, encoding="utf8") as f:
        last = [line for line in f if "sin_port" in line or "resumed" in line][-1]
    os.unlink(trace)
    return last.rsplit("=", 1)[1].strip()


@case
def io_uring(to):
    top = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
    r = subprocess.run([f"{top}/build/native/tests/guest/uring", "connect", to[0], str(to[1])],
                       input="go\n", capture_output=True, text=True, check=False, timeout=WAIT)
    return r.stdout.split()


@case
def unspec_while_it_is_under_way(to):
    with make(blocking=False) as s:
        first = raw_connect(s, to)
        r = unspec(s)
        s.setblocking(True)
        return name_of(first), name_of(r), name_of(raw_connect(s, to)), echo(s)


@case
def unspec_later_and_later(to):
    """Whatever it is doing: SYN sent, handshake, done."""
    out = set()
    for ms in 1, 10, 22, 30, 45, 60, 90:
        with make(blocking=False) as s:
            raw_connect(s, to)
            time.sleep(ms / 1000)
            r = unspec(s)
            s.setblocking(True)
            out.add((name_of(r), name_of(raw_connect(s, to)), echo(s)))
    return sorted(out)


@case
def unspec_when_connected(to):
    with make() as s:
        out = [name_of(raw_connect(s, to)), echo(s), name_of(unspec(s))]
        for f in lambda: s.recv(1), s.getpeername, lambda: s.send(b"unspec-secret", socket.MSG_NOSIGNAL):
            try:
                f()
                out.append("ok")
            except OSError as e:
                out.append(name_of(e.errno))
        return *out, name_of(unspec(s)), name_of(raw_connect(s, to)), echo(s), s.getpeername() == to


@case
def unspec_when_connected_again_and_again(to):
    with make() as s:
        return {(name_of(raw_connect(s, to)), echo(s), name_of(unspec(s))) for _ in range(5)}


@case
def unspec_of_a_socket_that_never_connected(to):
    with make() as s:
        return name_of(unspec(s)), name_of(raw_connect(s, to)), echo(s)


@case
def close_in_the_middle(to):
    late = []
    for ms in 0, 1, 5, 11, 15, 21, 25, 30, 40:
        for linger in None, 0, 100:
            s = make(blocking=False)
            if linger is not None:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, linger))
            raw_connect(s, to)
            time.sleep(ms / 1000)
            began = time.monotonic()
            s.close()
            # What was never connected has nothing to wait for.
            if time.monotonic() - began > 50:
                late.append((ms, linger))
    return ("late", late) if late else "closed"


@case
def death_in_the_middle(to):
    out = []
    for ms in 1, 15, 30:
        child = os.fork()
        if not child:
            os._exit(raw_connect(make(), to))
        time.sleep(ms / 1000)
        os.kill(child, signal.SIGKILL)
        out.append(os.waitpid(child, 0)[1] in (0, signal.SIGKILL))
    return out


@case
def fork_while_it_is_under_way(to):
    with make(blocking=False) as s:
        raw_connect(s, to)
        child = os.fork()
        if not child:
            os._exit(0 if verdict(s) == "0" else 1)
        v = verdict(s)
        return v, os.waitpid(child, 0)[1], echo(s)


@case
def bound_port(to):
    with make() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("", 41000 + to[1] % 1000))
        return name_of(raw_connect(s, to)), s.getsockname()[1] == 41000 + to[1] % 1000, echo(s)


@case
def bound_port_after_unspec(to):
    with make() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("", 42000 + to[1] % 1000))
        out = [name_of(raw_connect(s, to)), name_of(unspec(s))]
        return *out, s.getsockname()[1] == 42000 + to[1] % 1000


@case
def bound_address_without_port(to):
    with make() as s:
        s.setsockopt(socket.IPPROTO_IP, 24, 1)      # IP_BIND_ADDRESS_NO_PORT
        s.bind(("10.77.0.1", 0))
        early = s.getsockname()[1]
        r = name_of(raw_connect(s, to))
        return early, r, s.getsockname()[0], s.getsockname()[1] > 0, echo(s)


@case
def edge_triggered_epoll(to):
    with make(blocking=False) as s, select.epoll() as p:
        p.register(s, select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET)
        before = [e for _, e in p.poll(0)]      # an unconnected socket: OUT | HUP
        r = raw_connect(s, to)
        events = p.poll(WAIT)[0][1]
        err = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        return before, name_of(r), events, name_of(err), echo(s)


@case
def recv_and_send_of_another_thread_do_not_disturb(to):
    with make() as s:
        stop, seen = threading.Event(), set()

        def reader():
            while not stop.is_set():
                try:
                    s.recv(1, socket.MSG_DONTWAIT)
                except OSError as e:
                    seen.add(e.errno)
        t = threading.Thread(target=reader)
        t.start()
        r = raw_connect(s, to)
        stop.set()
        t.join()
        return name_of(r), seen <= {errno.ENOTCONN, errno.EAGAIN}, echo(s)


SOCKET, IP, TCP = socket.SOL_SOCKET, socket.IPPROTO_IP, socket.IPPROTO_TCP
IPV6 = socket.IPPROTO_IPV6
TIME = struct.pack("@qq", 7, 0)
# Not TCP_WINDOW_CLAMP, which TCP itself changes once data arrives: see dial.py.
OPTIONS = (
    (SOCKET, socket.SO_KEEPALIVE, 1), (SOCKET, socket.SO_REUSEADDR, 1),
    (SOCKET, socket.SO_REUSEPORT, 1),
    (SOCKET, socket.SO_OOBINLINE, 1), (SOCKET, socket.SO_PRIORITY, 3), (SOCKET, socket.SO_MARK, 77),
    (SOCKET, socket.SO_SNDBUF, 50000), (SOCKET, socket.SO_RCVBUF, 60000),
    (SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 9)), (SOCKET, socket.SO_RCVTIMEO, TIME),
    (SOCKET, socket.SO_SNDTIMEO, TIME), (SOCKET, socket.SO_BINDTODEVICE, b"eth0"),
    (SOCKET, 29, 1),            # SO_TIMESTAMP
    (SOCKET, 37, 1 << 4),       # SO_TIMESTAMPING
    (SOCKET, 60, 1),            # SO_ZEROCOPY
    (SOCKET, 42, 5),            # SO_PEEK_OFF
    (SOCKET, 46, 20),           # SO_BUSY_POLL
    (SOCKET, 47, 10000000),     # SO_MAX_PACING_RATE
    (SOCKET, 74, 0),            # SO_TXREHASH
    (IP, socket.IP_TOS, 0x10), (IP, socket.IP_TTL, 44), (IP, 10, 3),    # IP_MTU_DISCOVER
    (IP, 11, 1),                # IP_RECVERR
    (IP, 21, 6),                # IP_MINTTL
    (IP, 51, struct.pack("@I", 50000 << 16 | 40000)),   # IP_LOCAL_PORT_RANGE
    (TCP, socket.TCP_NODELAY, 1), (TCP, socket.TCP_MAXSEG, 900), (TCP, socket.TCP_CORK, 0),
    (TCP, socket.TCP_KEEPIDLE, 77), (TCP, socket.TCP_KEEPINTVL, 11), (TCP, socket.TCP_KEEPCNT, 4),
    (TCP, socket.TCP_SYNCNT, 3), (TCP, socket.TCP_LINGER2, 12), (TCP, socket.TCP_DEFER_ACCEPT, 0),
    (TCP, socket.TCP_CONGESTION, b"reno"),
    (TCP, 17, 1),               # TCP_THIN_DUPACK
    (TCP, 16, 1),               # TCP_THIN_LINEAR_TIMEOUTS
    (TCP, socket.TCP_USER_TIMEOUT, 55000), (TCP, socket.TCP_NOTSENT_LOWAT, 20000),
    (TCP, 30, 0),               # TCP_FASTOPEN_CONNECT
    (TCP, 36, 1),               # TCP_INQ
    (TCP, 37, 5),               # TCP_TX_DELAY
    # RTO_MAX_MS, RTO_MIN_US, DELACK_MAX_US
    (TCP, 44, 30000), (TCP, 45, 150000), (TCP, 46, 30000),
)
OPTIONS6 = (
    (IPV6, socket.IPV6_UNICAST_HOPS, 44), (IPV6, socket.IPV6_TCLASS, 0x10),
    (IPV6, 23, 3),              # IPV6_MTU_DISCOVER
    (IPV6, 25, 1),              # IPV6_RECVERR
    (IPV6, socket.IPV6_RECVPKTINFO, 1), (IPV6, socket.IPV6_RECVTCLASS, 1),
    (IPV6, socket.IPV6_DONTFRAG, 1),
    (IPV6, 70, 0),              # IPV6_AUTOFLOWLABEL
    (IPV6, 72, 2),              # IPV6_ADDR_PREFERENCES: a public source
    (IPV6, 73, 6),              # IPV6_MINHOPCOUNT
)


def low_water(s):
    """SO_RCVLOWAT of 3, which is not read back (weft(7)): readable by two bytes, by three?"""
    p = select.poll()
    p.register(s, select.POLLIN)
    s.send(b"ab")
    end = time.monotonic() + WAIT
    while fcntl.ioctl(s, termios.FIONREAD, bytes(4))[0] < 2:
        if time.monotonic() > end:
            return "no echo"
        time.sleep(0.01)
    two = bool(p.poll(0))
    s.send(b"c")
    return two, bool(p.poll(WAIT * 1000)), s.recv(10)


def options(to):
    """What getsockopt() says of what could be set, after connect()."""
    out = {}
    six = ":" in to[0]
    with make(family=socket.AF_INET6 if six else socket.AF_INET) as s:
        done = []
        for level, opt, value in OPTIONS + (OPTIONS6 if six else ()):
            try:
                s.setsockopt(level, opt, value)
                done.append((level, opt))
            except OSError as e:
                out[level, opt] = name_of(e.errno)
        s.setsockopt(SOCKET, socket.SO_RCVLOWAT, 3)
        out["connect"] = name_of(raw_connect(s, to))
        for key in done:
            try:
                out[key] = s.getsockopt(*key, 16)
            except OSError as e:
                out[key] = name_of(e.errno)
        out["low water"] = low_water(s)
    return out


def options_survive_failover(name, plain, failover):
    a, b = options(plain), options(failover)
    wrong = [f"{k}: plain {a[k]!r}, after failover {b.get(k)!r}" for k in a if a[k] != b.get(k)]
    told = sum(not isinstance(v, str) for v in a.values())
    if wrong or told < 30:
        print(f"not ok {name} -", *wrong, told)
    else:
        print(f"ok {name}: {told} of them")


# What a case says that did not do what it was written for: equal is not enough then.
BROKEN = re.compile(r"\b(silence|timeout|garbage|eof|late|False|ENOSYS|EPERM|EAGAIN|ETIMEDOUT"
                    r"|ECONNREFUSED)\b|^\[\]$")


def judge(name, plain, mesh):
    if plain != mesh:
        print(f"not ok {name} - plain {plain}, mesh {mesh}")
    elif BROKEN.search(str(plain)):
        print(f"not ok {name} - does not come to its end, plain or mesh: {plain}")
    else:
        print(f"ok {name}: {plain}")


def main():
    at = [(sys.argv[i], int(sys.argv[i + 1])) for i in (1, 3, 5, 7, 9)]
    only = sys.argv[11] if len(sys.argv) > 11 else ""
    cases = 0
    for f in CASES:
        if only not in f.__name__:
            continue
        cases += 1
        name = f.__name__.replace("_", " ")
        try:
            begin = time.monotonic()
            judge(name, f(at[0]), f(at[1]))
            print(f"# {time.monotonic() - begin:.2f} s", flush=True)
        except Exception:
            print(f"not ok {name}")
            print("#", traceback.format_exc().replace("\n", "\n# "), flush=True)
    if only in "options_survive_failover":
        options_survive_failover("options survive failover", at[0], at[2])
        options_survive_failover("options survive failover with IPv6", at[3], at[4])
        cases += 2
    print(f"all {cases} cases", flush=True)


if __name__ == "__main__":
    main()
