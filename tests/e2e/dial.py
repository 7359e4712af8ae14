#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Small servers and callers that tell exactly what they saw.

dial.py server KIND:PORT... [as:UID]
    Listens at each port (both address families; KIND "udp": echoes datagrams; PORT
    "fd3": at the socket that systemd has passed); accepts as user UID.
    Asks a silent peer whether it is still there: a reset that the wire lost is
    never sent again.
    Kinds: "tell" greets with "PORT PEER PEERPORT", then echoes; "greet" greets
    as SMTP does, then echoes; "echo" waits for the client to speak.  Prints per
    connection, in one line when it is over:
        PORT: read N bytes 'THEY BEGAN WITH', end eof|ERRNO
dial.py call HOST PORT [SOURCE-PORT]
    connect(), read the greeting: prints "ok GREETING", or the errno of
    connect(), or "connected, then ERRNO|eof".
dial.py talk HOST PORT COUNT TEXT
    COUNT times: connects, says TEXT, reads as much: "ok N ms" (the fastest, from
    before connect(): a wait for a time-out shows in it, a busy machine hardly), or as
    above.
dial.py listen HOST PORT COUNT
    The same for a server that speaks first; nothing is sent.
dial.py keep HOST PORT
    Connects, reads the greeting, then sends a line and reads it back for every
    line of standard input; prints "ok GREETING", "ok LINE" or the errno.
dial.py steer
    The cases of t-steer.sh: "ok NAME" or "not ok NAME - why"; in the end "all N cases".
"""
import errno
import os
import select
import signal
import socket
import sys
import threading
import time

WAIT = 60               # seconds for any one step
IP_RECVERR = 11         # linux/in.h


def name_of(e):
    if isinstance(e, TimeoutError) and e.errno is None:
        return "timeout"
    return errno.errorcode.get(e.errno, str(e))


# ---- the server ---------------------------------------------------------------

def serve(kind, port, c, peer):
    got, end = b"", "eof"
    try:
        with c:
            if kind == "tell":
                c.sendall(f"{port} {peer[0]} {peer[1]}\n".encode())
            elif kind == "greet":
                c.sendall(b"220 welcome\n")
            while chunk := c.recv(65536):
                got += chunk
                c.sendall(chunk)
    except OSError as e:
        end = name_of(e)
    print(f"{port}: read {len(got)} bytes {got[:40]!r}, end {end}", flush=True)


def accept_all(kind, port, s):
    while True:
        c, peer = s.accept()
        threading.Thread(target=serve, args=(kind, port, c, peer), daemon=True).start()


def echo_datagrams(s):
    while True:
        data, peer = s.recvfrom(2048)
        s.sendto(data, peer)


def listener(kind, port):
    s = socket.socket(socket.AF_INET6,
                      socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    s.bind(("::", int(port)))
    if kind != "udp":
        s.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 5)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 2)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 30)
        s.listen(128)
    return s


def server(specs):
    kinds = [spec.split(":") for spec in specs]
    sockets = [(kind, socket.socket(fileno=3) if port == "fd3" else listener(kind, port))
               for kind, port in kinds if kind != "as"]
    for uid in [int(n) for kind, n in kinds if kind == "as"]:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    for kind, s in sockets:
        if kind == "udp":
            run, args = echo_datagrams, (s,)
        else:
            run, args = accept_all, (kind, s.getsockname()[1], s)
        threading.Thread(target=run, args=args, daemon=True).start()
    signal.pause()


# ---- callers ------------------------------------------------------------------

def make(host, kind=socket.SOCK_STREAM):
    s = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind)
    s.settimeout(None)          # blocking connect(): as C programs do
    tv = WAIT.to_bytes(8, "little") + bytes(8)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, tv)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, tv)
    return s


def read_line(s):
    line = b""
    while not line.endswith(b"\n"):
        got = s.recv(1)
        if not got:
            break
        line += got
    return line.decode().strip()


def read_exactly(s, n):
    got = b""
    while len(got) < n:
        chunk = s.recv(n - len(got))
        if not chunk:
            break
        got += chunk
    return got


def call(host, port, source=0):
    with make(host) as s:
        if source:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind(("", int(source)))
        try:
            s.connect((host, int(port)))
        except OSError as e:
            return name_of(e)
        try:
            line = read_line(s)
        except OSError as e:
            return f"connected, then {name_of(e)}"
        return f"ok {line}" if line else "connected, then eof"


def exchange(host, port, count, text):
    fastest = WAIT
    for _ in range(int(count)):
        begin = time.monotonic()
        with make(host) as s:
            try:
                s.connect((host, int(port)))
            except OSError as e:
                return name_of(e)
            try:
                if text is None:
                    want, got = b"220 welcome\n", read_exactly(s, 12)
                else:
                    want = text.encode()
                    s.sendall(want)
                    got = read_exactly(s, len(want))
            except OSError as e:
                return f"connected, then {name_of(e)}"
            if got != want:
                return f"connected, then eof after {got!r}"
        fastest = min(fastest, time.monotonic() - begin)
    return f"ok {fastest * 1000:.0f} ms"


def keep(host, port):
    with make(host) as s:
        try:
            s.connect((host, int(port)))
            print("ok", read_line(s), flush=True)
            for line in sys.stdin:
                s.sendall(line.encode())
                print("ok", read_line(s), flush=True)
        except OSError as e:
            print(name_of(e), flush=True)


# ---- steering -----------------------------------------------------------------

V4, V6 = "240.0.0.1", "fd00:240::1"
CASES = []


def case(f):
    CASES.append(f)
    return f


def expect(got, want):
    if got != want:
        raise AssertionError(f"got {got!r}, wanted {want!r}")


def expect_error(want, f, *args):
    try:
        f(*args)
    except OSError as e:
        expect(name_of(e), errno.errorcode[want])
        return
    raise AssertionError(f"succeeded, wanted {errno.errorcode[want]}")


def expect_answer(s, port):
    """The server at @port answers, and it sees us where we think we are."""
    words = read_line(s).split()
    mine = s.getsockname()
    expect(words, [str(port), mine[0] if mine[0].startswith(("::ffff:", "fd")) else
                   "::ffff:" + mine[0], str(mine[1])])


def reach(host, port=80, at=9001):
    with make(host) as s:
        s.connect((host, port))
        expect(s.getpeername()[:2], (host, port))
        expect_answer(s, at)


@case
def virtual_ipv4_address_leads_to_the_endpoint():
    reach(V4)


@case
def virtual_ipv6_address_leads_to_the_endpoint():
    reach(V6)


@case
def v4_mapped_address_leads_to_the_endpoint():
    reach("::ffff:" + V4)


@case
def endpoints_own_address_leads_to_the_endpoint():
    reach("10.77.0.2", 9001)


@case
def ipv6_socket_reaches_an_ipv4_endpoint():
    reach("fd00:240::4")


@case
def v6only_socket_does_not_reach_an_ipv4_endpoint():
    with make(V6) as s:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        expect_error(errno.ECONNREFUSED, s.connect, ("fd00:240::4", 80))


@case
def ipv4_socket_does_not_reach_an_ipv6_endpoint():
    expect_error(errno.ECONNREFUSED, make(V4).connect, ("240.0.0.6", 80))


@case
def port_that_is_not_the_services_is_left_alone():
    with make(V4) as s:
        begin = time.monotonic()
        # nothing routes there: what the network says, at once
        expect_error(errno.ENETUNREACH, s.connect, (V4, 81))
        assert time.monotonic() - begin < 5


def bound_port(host, port, source):
    with make(host) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("", source))
        s.connect((host, port))
        expect(s.getsockname()[1], source)
        expect_answer(s, 9001)


@case
def bound_source_port_is_kept():
    bound_port(V4, 80, 40001)
    bound_port(V6, 80, 40001)


@case
def bound_source_port_survives_failover():
    bound_port("240.0.0.15", 80, 40002)


@case
def bound_source_address_survives_failover():
    with make(V4) as s:
        s.bind(("10.77.0.1", 0))
        s.connect(("240.0.0.15", 80))
        expect(s.getsockname()[0], "10.77.0.1")
        expect_answer(s, 9001)


@case
def refused_endpoint_is_passed_over():
    reach("240.0.0.11")


@case
def unreachable_endpoint_is_passed_over():
    begin = time.monotonic()
    reach("240.0.0.12")
    reach("240.0.0.13")
    assert time.monotonic() - begin < 8, "ICMP was not heeded"


@case
def silent_endpoint_is_passed_over_in_its_time():
    begin = time.monotonic()
    reach("240.0.0.14")
    took = time.monotonic() - begin
    assert 0.5 <= took < 8, f"took {took:.1f} s"


@case
def denied_endpoint_is_passed_over():
    reach("240.0.0.16")


@case
def several_bad_endpoints_are_passed_over():
    reach("240.0.0.15")


@case
def ipv6_endpoints_are_passed_over():
    reach("fd00:240::15")


OPTIONS = ((socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1), (socket.SOL_SOCKET, socket.SO_MARK, 7),
           (socket.IPPROTO_IP, socket.IP_TOS, 0x10),
           *((socket.IPPROTO_TCP, opt, value) for opt, value in (
               (socket.TCP_NODELAY, 1), (socket.TCP_KEEPIDLE, 77), (socket.TCP_SYNCNT, 3),
               (socket.TCP_USER_TIMEOUT, 55000), (socket.TCP_WINDOW_CLAMP, 20000))))


@case
def socket_options_survive_failover():
    with make(V4) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 30000)
        for level, opt, value in OPTIONS:
            s.setsockopt(level, opt, value)
        before = s.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        s.connect(("240.0.0.15", 80))
        for level, opt, value in OPTIONS:
            expect((level, opt, s.getsockopt(level, opt)), (level, opt, value))
        expect(s.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF), before)
        expect_answer(s, 9001)


@case
def failed_attempts_leave_no_error_behind():
    with make(V4) as s:
        s.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
        s.connect(("240.0.0.15", 80))
        expect(s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), 0)
        expect_error(errno.EAGAIN, s.recvmsg, 100, 100, socket.MSG_ERRQUEUE)
        expect_answer(s, 9001)


ENDS = (("240.0.0.20", errno.ECONNREFUSED), ("240.0.0.21", errno.ECONNREFUSED),
        ("240.0.0.22", errno.EACCES), ("240.0.0.23", errno.ETIMEDOUT),
        ("240.0.0.24", errno.EHOSTUNREACH), ("240.0.0.25", errno.EACCES))


def blocking_end(host, want):
    with make(host) as s:
        expect_error(want, s.connect, (host, 80))
        expect(s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), 0)
        expect_error(errno.ENOTCONN, s.getpeername)


def nonblocking_end(host, want):
    with make(host) as s:
        s.setblocking(False)
        err = s.connect_ex((host, 80))
        if err == errno.EINPROGRESS:
            events, err = verdict(s)
            if not events & select.POLLERR or not events & select.POLLHUP:
                raise AssertionError(f"poll said {events}")
        expect(errno.errorcode[err], errno.errorcode[want])
        expect(s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), 0)


def verdict(s):
    """The first thing poll has to say, edge-triggered; and SO_ERROR then."""
    with select.epoll() as p:
        p.register(s, select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET)
        events = p.poll(WAIT)
    if not events:
        raise AssertionError("poll stays silent")
    return events[0][1], s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


def add_ends():
    names = {"240.0.0.20": "no_endpoint", "240.0.0.21": "refused_and_unreachable",
             "240.0.0.22": "denied_and_refused_and_unreachable", "240.0.0.23": "silent",
             "240.0.0.24": "unreachable", "240.0.0.25": "denied"}
    for host, want in ENDS:
        for way in blocking_end, nonblocking_end:
            def f(way=way, host=host, want=want):
                way(host, want)
            f.__name__ = f"{way.__name__}_when_{names[host]}_is_{errno.errorcode[want]}"
            CASES.append(f)


@case
def nonblocking_connect_tells_by_poll():
    with make(V4) as s:
        s.setblocking(False)
        expect(s.connect_ex((V4, 80)), errno.EINPROGRESS)
        err = s.connect_ex((V4, 80))
        assert err in (errno.EALREADY, 0, errno.EISCONN), errno.errorcode[err]
        events, err = verdict(s)
        expect(err, 0)
        assert events & select.EPOLLOUT and not events & (select.EPOLLERR | select.EPOLLHUP), events
        expect(s.getpeername(), (V4, 80))
        s.setblocking(True)
        expect_answer(s, 9001)


@case
def nonblocking_connect_fails_over():
    with make(V4) as s:
        s.setblocking(False)
        expect(s.connect_ex(("240.0.0.15", 80)), errno.EINPROGRESS)
        events, err = verdict(s)
        expect(err, 0)
        assert not events & (select.EPOLLERR | select.EPOLLHUP), events
        s.setblocking(True)
        expect_answer(s, 9001)


@case
def second_connect_on_the_same_socket_works():
    for bad, want in ENDS:
        if want == errno.ETIMEDOUT:
            continue            # takes TCP's own time
        with make(V4) as s:
            expect_error(want, s.connect, (bad, 80))
            s.connect((V4, 80))
            expect(s.getpeername(), (V4, 80))
            expect_answer(s, 9001)


@case
def second_connect_to_what_is_not_meshed_works():
    with make(V4) as s:
        expect_error(errno.ECONNREFUSED, s.connect, ("240.0.0.21", 80))
        s.connect(("10.77.0.2", 9010))
        expect(s.getpeername(), ("10.77.0.2", 9010))
        expect_answer(s, 9010)


def fail_and_again(host, port, want):
    """connect() fails, SO_ERROR tells; connect() says so once more (Linux: as
    inet_stream_connect() finds the socket still SS_CONNECTING), then works."""
    with make(V4) as s:
        s.setblocking(False)
        expect(s.connect_ex((host, port)), errno.EINPROGRESS)
        expect(verdict(s)[1], want)
        expect_error(errno.ECONNABORTED, s.connect, (V4, 80))
        s.setblocking(True)
        s.connect((V4, 80))
        expect_answer(s, 9001)


@case
def connect_after_a_nonblocking_failure_is_as_without_the_mesh():
    fail_and_again("10.77.0.2", 9098, errno.ECONNREFUSED)   # not meshed
    fail_and_again("240.0.0.25", 80, errno.EACCES)
    fail_and_again("240.0.0.21", 80, errno.ECONNREFUSED)


@case
def connected_socket_is_connected():
    with make(V4) as s:
        s.connect((V4, 80))
        expect(s.connect_ex((V4, 80)), errno.EISCONN)


@case
def unmeshed_destination_is_left_alone():
    reach("10.77.0.2", 9010, 9010)
    reach("fd77::2", 9010, 9010)


@case
def udp_to_a_services_address_is_left_alone():
    for host in "10.77.0.2", "fd77::2":
        with make(host, socket.SOCK_DGRAM) as s:
            s.connect((host, 9001))
            s.send(b"datagram")
            expect(s.recv(100), b"datagram")


def steer(only=""):
    add_ends()
    failed, chosen = 0, [f for f in CASES if only in f.__name__]
    for f in chosen:
        begin = time.monotonic()
        try:
            f()
            print(f"took {time.monotonic() - begin:.2f} s", flush=True)
            print(f"ok {f.__name__}", flush=True)
        except Exception as e:  # pylint: disable=broad-except
            failed = 1
            why = f"{type(e).__name__}: {e}".replace("\n", " ")
            print(f"not ok {f.__name__} - {why}", flush=True)
            import traceback    # a quarter of the time that it takes to start
            traceback.print_exc(file=sys.stdout)
    print(f"all {len(chosen)} cases", flush=True)
    return failed


def park():
    """A non-blocking connect() while the daemon sleeps: the first word of poll."""
    with make(V4) as s:
        s.setblocking(False)
        expect(s.connect_ex((V4, 80)), errno.EINPROGRESS)
        print("in progress", flush=True)
        events, err = verdict(s)
        expect(err, 0)
        ok = events & select.EPOLLOUT and not events & (select.EPOLLERR | select.EPOLLHUP)
        print(f"poll says {'writable' if ok else events}, peer {s.getpeername()[0]}", flush=True)
        s.setblocking(True)
        expect_answer(s, 9001)
        print("answered", flush=True)


def main():
    what, *args = sys.argv[1:]
    if what == "server":
        server(args)
    elif what == "call":
        print(call(*args))
    elif what == "talk":
        print(exchange(*args))
    elif what == "listen":
        print(exchange(*args, None))
    elif what == "keep":
        keep(*args)
    elif what == "park":
        park()
    elif what == "steer":
        os._exit(steer(*args))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
