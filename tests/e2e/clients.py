#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Clients of every make against one server: do sockets behave as POSIX says?

clients.py server PORT
    A threaded, blocking server at PORT (both address families) and an asyncio
    one that speaks first at PORT + 9.  The first line a client sends tells the
    former what to do with the connection.
clients.py client IPV4 IPV6 PORT
    Runs each case; prints "ok NAME" or "not ok NAME - why", and at its end
    "all N cases".

Nothing here knows of the mesh: the same cases pass without it.
"""
import array
import asyncio
import errno
import fcntl
import hashlib
import os
import random
import select
import socket
import struct
import sys
import termios
import threading
import time
import traceback

MARKER = b"plaintext-marker "
WAIT = 60               # seconds for any one step


# ---- the server ---------------------------------------------------------------

def read_line(c):
    line = b""
    while not line.endswith(b"\n"):
        got = c.recv(1)
        if not got:
            return ""
        line += got
    return line.decode().strip()


def read_all(c):
    parts = []
    while got := c.recv(65536):
        parts.append(got)
    return b"".join(parts)


def pattern(n):
    block = bytes(range(256)) * 256
    return (block * (n // len(block) + 1))[:n]


def do_echo(c):
    while got := c.recv(65536):
        c.sendall(got)


def do_reverse(c):
    c.sendall(read_all(c)[::-1])


def do_send(c, n):
    c.sendall(pattern(int(n)))


def do_hash(c):
    c.sendall(hashlib.sha256(read_all(c)).hexdigest().encode())


def do_late(c, ms):
    """Reads late, so that data and the end of the stream wait in the kernel."""
    time.sleep(int(ms) / 1000)
    do_hash(c)


def do_chat(c, n):
    """n bytes each way at once, by two threads."""
    t = threading.Thread(target=c.sendall, args=(pattern(int(n)),))
    t.start()
    left = int(n)
    digest = hashlib.sha256()
    while left:
        got = c.recv(min(left, 100000))
        if not got:
            return
        digest.update(got)
        left -= len(got)
    t.join()
    c.sendall(digest.hexdigest().encode())


def do_splice(c, n):
    """Gives n bytes back through a pipe, without copying them."""
    r, w = os.pipe()
    left = int(n)
    while left:
        got = os.splice(c.fileno(), w, min(left, 65536))
        if not got:
            break
        left -= got
        while got:
            got -= os.splice(r, c.fileno(), got)
    os.close(r)
    os.close(w)


def do_fork(c):
    """A child answers; the parent only closes."""
    pid = os.fork()
    if pid == 0:
        c.sendall(c.recv(100))
        os._exit(0)
    os.waitpid(pid, 0)


COMMANDS = {"echo": do_echo, "reverse": do_reverse, "send": do_send, "hash": do_hash,
            "late": do_late, "chat": do_chat, "splice": do_splice, "fork": do_fork}


def serve(c):
    with c:
        try:
            words = read_line(c).split()
            if words:
                COMMANDS[words[0]](c, *words[1:])
        except OSError as e:
            print(f"server: {e}", flush=True)


async def serve_first(reader, writer):
    writer.write(b"220 welcome\r\n")
    await writer.drain()
    while line := await reader.readline():
        writer.write(line.upper())
        await writer.drain()
    writer.close()


def listen_both(port):
    s = socket.socket(socket.AF_INET6)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    s.bind(("::", port))
    s.listen(512)
    return s


def server(port):
    async def first():
        srv = await asyncio.start_server(serve_first, sock=listen_both(port + 9))
        await srv.serve_forever()
    threading.Thread(target=lambda: asyncio.run(first()), daemon=True).start()
    s = listen_both(port)
    while True:
        c, _ = s.accept()
        threading.Thread(target=serve, args=(c,), daemon=True).start()


# ---- the cases ----------------------------------------------------------------

V4 = V6 = None
PORT = 0
CASES = []


def case(f):
    CASES.append(f)
    return f


def connect(command, host=None, port=None):
    s = socket.create_connection((host or V4, port or PORT), timeout=WAIT)
    if command:
        s.sendall(command.encode() + b"\n")
    return s


def expect(got, want):
    if got != want:
        def short(x):
            return repr(x) if len(repr(x)) < 100 else repr(x)[:90] + "..."
        raise AssertionError(f"got {short(got)}, wanted {short(want)}")


def sha(data):
    return hashlib.sha256(data).hexdigest().encode()


@case
def blocking_echo():
    with connect("echo") as s:
        s.sendall(MARKER * 3)
        expect(recv_exactly(s, len(MARKER) * 3), MARKER * 3)
        s.shutdown(socket.SHUT_WR)
        expect(s.recv(10), b"")


def recv_exactly(s, n):
    data = b""
    while len(data) < n:
        got = s.recv(n - len(data))
        if not got:
            break
        data += got
    return data


@case
def blocking_ipv6():
    with connect("reverse", V6) as s:
        s.sendall(b"abc")
        s.shutdown(socket.SHUT_WR)
        expect(read_all(s), b"cba")


@case
def ipv4_mapped():
    with socket.socket(socket.AF_INET6) as s:
        s.settimeout(WAIT)
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        s.connect(("::ffff:" + V4, PORT))
        s.sendall(b"reverse\nxyz")
        s.shutdown(socket.SHUT_WR)
        expect(read_all(s), b"zyx")


@case
def getpeername_is_what_was_asked_for():
    with connect("echo") as s:
        expect(s.getpeername(), (V4, PORT))
    with connect("echo", V6) as s:
        expect(s.getpeername()[:2], (V6, PORT))


@case
def bound_source_port_is_kept():
    with socket.socket() as probe:
        probe.bind(("", 0))
        port = probe.getsockname()[1]
    with socket.socket() as s:
        s.settimeout(WAIT)
        s.bind(("", port))
        s.connect((V4, PORT))
        expect(s.getsockname()[1], port)
        s.sendall(b"reverse\n12")
        s.shutdown(socket.SHUT_WR)
        expect(read_all(s), b"21")


@case
def server_speaks_first():
    with connect(None, port=PORT + 9) as s, s.makefile("rw", newline="\n") as f:
        expect(f.readline(), "220 welcome\r\n")
        f.write("quiet please\n")
        f.flush()
        expect(f.readline(), "QUIET PLEASE\n")


@case
def nonblocking_connect_is_silent_until_it_is_true():
    with socket.socket() as s:
        s.setblocking(False)
        expect(s.connect_ex((V4, PORT)), errno.EINPROGRESS)
        p = select.poll()
        p.register(s, select.POLLIN | select.POLLOUT)
        events = p.poll(WAIT * 1000)
        expect([e & (select.POLLERR | select.POLLHUP) for _, e in events], [0])
        expect(s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), 0)
        # Now, and not before, it writes.
        expect(s.send(b"echo\nquick"), 10)
        expect(bool(p.poll(0)), True)
        p.modify(s, select.POLLIN)
        expect(len(p.poll(WAIT * 1000)), 1)
        expect(s.recv(100), b"quick")


@case
def write_before_connected_is_eagain():
    with socket.socket() as s:
        s.setblocking(False)
        s.connect_ex((V4, PORT))
        try:
            s.send(MARKER)
        except BlockingIOError:
            pass
        except OSError as e:
            expect(e.errno, errno.EAGAIN)
        else:
            # It may have been quick; then it must have been connected.
            expect(s.getpeername(), (V4, PORT))


@case
def epoll_edge_triggered():
    with socket.socket() as s, select.epoll() as ep:
        s.setblocking(False)
        s.connect_ex((V4, PORT))
        ep.register(s, select.EPOLLIN | select.EPOLLOUT | select.EPOLLET | select.EPOLLRDHUP)
        todo, got, hup, end = b"reverse\n" + MARKER * 5000, b"", False, time.monotonic() + WAIT
        while not hup and time.monotonic() < end:
            for _, ev in ep.poll(1):
                if ev & select.EPOLLOUT and todo is not None:
                    try:
                        while todo:
                            todo = todo[s.send(todo):]
                        s.shutdown(socket.SHUT_WR)
                        todo = None
                    except BlockingIOError:
                        pass
                if ev & (select.EPOLLIN | select.EPOLLRDHUP):
                    try:
                        while block := s.recv(10000):
                            got += block
                        hup = True
                    except BlockingIOError:
                        pass
        expect(got, (MARKER * 5000)[::-1])


@case
def epoll_level_triggered_30_at_once():
    ep, state = select.epoll(), {}
    for i in range(30):
        s = socket.socket()
        s.setblocking(False)
        s.connect_ex((V4, PORT))
        state[s.fileno()] = [s, b"reverse\nnumber %d" % i, b"", b"number %d" % i]
        ep.register(s, select.EPOLLOUT)
    done, end = 0, time.monotonic() + WAIT
    while done < 30 and time.monotonic() < end:
        for fd, ev in ep.poll(1):
            s, todo, got, want = state[fd]
            if ev & select.EPOLLOUT:
                todo = todo[s.send(todo):]
                if not todo:
                    s.shutdown(socket.SHUT_WR)
                    ep.modify(s, select.EPOLLIN)
            elif block := s.recv(100):
                got += block
            else:
                expect(got, want[::-1])
                ep.unregister(s)
                s.close()
                done += 1
            state[fd][1:3] = todo, got
    expect(done, 30)


@case
def asyncio_20_at_once():
    async def one(i):
        r, w = await asyncio.open_connection(V4, PORT)
        w.write(b"reverse\n" + b"%d " % i * 1000)
        await w.drain()
        w.write_eof()
        expect(await r.read(), (b"%d " % i * 1000)[::-1])
        w.close()
        await w.wait_closed()

    async def both(i):
        r, w = await asyncio.open_connection(V4, PORT + 9)
        expect(await r.readline(), b"220 welcome\r\n")
        w.write(b"line %d\n" % i)
        await w.drain()
        expect(await r.readline(), b"LINE %d\n" % i)
        w.close()
        await w.wait_closed()

    async def everything():
        await asyncio.wait_for(asyncio.gather(*[one(i) for i in range(20)],
                                              *[both(i) for i in range(10)]), WAIT)
    asyncio.run(everything())


@case
def half_close_then_answer():
    with connect("reverse") as s:
        s.sendall(b"12345" * 2000)
        s.shutdown(socket.SHUT_WR)
        expect(read_all(s), (b"12345" * 2000)[::-1])


@case
def close_at_once_loses_nothing():
    # The server tells what it got only to those who wait; so: send, shut down,
    # and read the hash of a server that began to read late.
    for _ in range(3):
        with connect("late 300") as s:
            s.sendall(b"z" * 100000)
            s.shutdown(socket.SHUT_WR)
            expect(read_all(s), sha(b"z" * 100000))


@case
def connect_and_close_without_a_byte():
    for _ in range(5):
        connect(None).close()


@case
def download_4_mb():
    with connect("send 4000000") as s:
        expect(sha(read_all(s)), sha(pattern(4000000)))


@case
def upload_4_mb_by_sendfile():
    with connect("hash") as s, open("/proc/self/exe", "rb") as f:
        data = f.read(4000000)
        f.seek(0)
        s.sendfile(f, 0, 4000000)
        s.shutdown(socket.SHUT_WR)
        expect(read_all(s), sha(data))


@case
def both_ways_at_once_in_odd_pieces():
    n, rng = 1500000, random.Random(7)
    with connect(f"chat {n}") as s:
        s.setblocking(False)
        out, got, end = memoryview(pattern(n)), [], time.monotonic() + WAIT
        have, want = 0, n + 64
        while have < want and time.monotonic() < end:
            r, w, _ = select.select([s], [s] if out else [], [], 1)
            if w:
                try:
                    out = out[s.send(out[:rng.randint(1, 70000)]):]
                except BlockingIOError:
                    pass
            if r:
                block = s.recv(rng.randint(1, 50000))
                if not block:
                    break
                got.append(block)
                have += len(block)
        data = b"".join(got)
        expect(sha(data[:n]), sha(pattern(n)))
        expect(data[n:], sha(pattern(n)))


@case
def peek_waitall_and_fionread():
    def pending(s):
        return struct.unpack("i", fcntl.ioctl(s, termios.FIONREAD, b"\0" * 4))[0]
    with connect("echo") as s:
        s.sendall(b"0123456789")
        expect(s.recv(10, socket.MSG_PEEK | socket.MSG_WAITALL), b"0123456789")
        expect(pending(s), 10)
        expect(s.recv(1), b"0")
        expect(pending(s), 9)
        expect(s.recv(9, socket.MSG_WAITALL), b"123456789")
        expect(pending(s), 0)


@case
def receive_timeout():
    with connect("echo") as s:
        s.settimeout(None)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 0, 300000))
        began = time.monotonic()
        try:
            s.recv(1)
        except BlockingIOError:
            took = time.monotonic() - began
            expect(0.25 < took < 10, True)
        else:
            raise AssertionError("read something")


@case
def low_water_mark():
    with connect("echo") as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 8)
        s.sendall(b"1234")
        expect(select.select([s], [], [], 1)[0], [])
        s.sendall(b"5678")
        expect(select.select([s], [], [], WAIT)[0], [s])
        expect(s.recv(100), b"12345678")


@case
def splice_to_and_from_the_socket():
    with connect("splice 300000") as s:
        data = pattern(300000)
        t = threading.Thread(target=s.sendall, args=(data,))
        t.start()
        got = read_all(s)
        t.join()
        expect(sha(got), sha(data))


@case
def a_forked_child_answers():
    with connect("fork") as s:
        s.sendall(b"child")
        expect(read_all(s), b"child")


@case
def a_passed_descriptor_works():
    a, b = socket.socketpair()
    with connect("echo") as s:
        a.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [s.fileno()]))])
    _, anc, _, _ = b.recvmsg(1, 100)
    fd = array.array("i", anc[0][2][:4])[0]
    with socket.socket(fileno=fd) as s:
        s.settimeout(WAIT)      # the flag O_NONBLOCK came along
        s.sendall(MARKER)
        expect(recv_exactly(s, len(MARKER)), MARKER)
    a.close()
    b.close()


@case
def two_threads_one_reads_one_writes():
    with connect("echo") as s:
        data = pattern(500000)
        t = threading.Thread(target=lambda: (s.sendall(data), s.shutdown(socket.SHUT_WR)))
        t.start()
        got = read_all(s)
        t.join()
        expect(sha(got), sha(data))


@case
def recvmsg_has_no_ancillary_data():
    with connect("echo") as s:
        s.sendall(MARKER)
        data, anc, flags, _ = s.recvmsg(1000, 1000)
        expect((data, anc, flags), (MARKER, [], 0))


@case
def refused_is_refused():
    with socket.socket() as s:
        expect(s.connect_ex((V4, PORT + 1)), errno.ECONNREFUSED)
    with socket.socket() as s:
        s.setblocking(False)
        s.connect_ex((V4, PORT + 1))
        p = select.poll()
        p.register(s, select.POLLOUT)
        expect(len(p.poll(WAIT * 1000)), 1)
        expect(s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), errno.ECONNREFUSED)


@case
def many_short_connections():
    for i in range(25):
        with connect("reverse") as s:
            s.sendall(b"%d" % i)
            s.shutdown(socket.SHUT_WR)
            expect(read_all(s), (b"%d" % i)[::-1])


def client(argv):
    global V4, V6, PORT
    V4, V6, PORT = argv[0], argv[1], int(argv[2])
    bad = 0
    for f in CASES:
        name = f.__name__
        try:
            f()
            print("ok", name, flush=True)
        except Exception as e:  # pylint: disable=broad-except
            bad += 1
            why = str(e) or type(e).__name__
            at = traceback.extract_tb(e.__traceback__)
            line = next((t.lineno for t in reversed(at) if t.filename == __file__), 0)
            print(f"not ok {name} - line {line}: {why}", flush=True)
    print(f"all {len(CASES)} cases", flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "server":
        server(int(sys.argv[2]))
    elif len(sys.argv) == 5 and sys.argv[1] == "client":
        sys.exit(client(sys.argv[2:]))
    else:
        sys.exit(__doc__)
