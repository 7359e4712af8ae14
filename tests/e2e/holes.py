#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a socket does first, and to whom: for t-holes.sh.

holes.py server KIND:PORT...
    A thread per port waits in accept(): begun before weft comes, the first call
    has read the socket's operations of before.  What is done first to a child is
    KIND, then it is read to its end.  Prints per connection
        KIND: first RESULT, read N bytes TEXT, end eof|ERRNO
    KIND "queued" accepts when somebody has connected to the port after its own.
holes.py attack KIND:PORT...
    Plaintext to each port: "plain-secret-KIND"; prints "KIND: got N bytes".
holes.py fastopen ADDRESS PORT TEXT MODE
    TEXT by sendto(MSG_FASTOPEN) or TCP_FASTOPEN_CONNECT; prints what comes back.
holes.py race ADDRESS PORT COUNT TEXT
    COUNT sockets, each with a thread that sends TEXT all the time while another
    connects; prints how many were connected.
holes.py local ADDRESS PORT MAPPED TEXT
    What an application may try with a meshed socket of its own.  "ok NAME" lines, and
    in the end "all N cases".
holes.py faults ADDRESS PORT TEXT [COUNT]
    connect() and send TEXT with the first, second, ... allocation of the task in the
    module's code failing (CONFIG_FAULT_INJECTION); prints the outcomes.
"""
import ctypes
import errno
import fcntl
import os
import select
import signal
import socket
import struct
import sys
import termios
import threading
import time
import traceback

from faults import Nth, aim, module_text

MSG_FASTOPEN = 0x20000000
TCP_ULP, TCP_ZEROCOPY_RECEIVE = 31, 35
TCP_FASTOPEN_CONNECT = 30
TCP_SAVE_SYN, TCP_SAVED_SYN = 27, 28
SOL_TLS, TLS_TX = 282, 1
IPV6_ADDRFORM = 1
WAIT = 60
libc = ctypes.CDLL(None, use_errno=True)


def name_of(e):
    if isinstance(e, TimeoutError) and e.errno is None:
        return "timeout"
    return errno.errorcode.get(e.errno, str(e))


def limits(s):
    tv = WAIT.to_bytes(8, "little") + bytes(8)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, tv)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, tv)
    return s


# ---- the server ---------------------------------------------------------------

def by_pipe(f):
    r, w = os.pipe()
    try:
        return f(r, w)
    finally:
        os.close(r)
        os.close(w)


def first_poll(c):
    p = select.poll()
    p.register(c, select.POLLIN)
    p.poll(2000)
    return "polled"


def first_splice(c):
    def go(r, w):
        n = os.splice(c.fileno(), w, 65536)
        return os.read(r, n) if n else b""
    return by_pipe(go)


def first_splice_out(c):
    def go(r, w):
        os.write(w, b"server-secret")
        return os.splice(r, c.fileno(), 13)
    return by_pipe(go)


def first_sendfile(c):
    with open("/tmp/server-secret", "wb+") as f:
        f.write(b"server-secret" * 10)
        f.flush()
        return os.sendfile(c.fileno(), f.fileno(), 0, 130)


def first_zerocopy(c):
    """TCP_ZEROCOPY_RECEIVE would map or copy the receive queue."""
    buf = ctypes.create_string_buffer(4096)
    # struct tcp_zerocopy_receive: no mapping, copy what fits there
    arg = ctypes.create_string_buffer(
        struct.pack("=QIIIiQiIQQII", 0, 0, 0, 0, 0, ctypes.addressof(buf), 4096, 0, 0, 0, 0, 0), 64)
    length = ctypes.c_int(64)
    if libc.getsockopt(c.fileno(), socket.IPPROTO_TCP, TCP_ZEROCOPY_RECEIVE, arg,
                       ctypes.byref(length)):
        e = ctypes.get_errno()
        if buf.raw.strip(b"\0"):
            return buf.raw.rstrip(b"\0")
        raise OSError(e, os.strerror(e))
    return buf.raw.rstrip(b"\0") or "nothing"


def first_inq(c):
    return struct.unpack("i", fcntl.ioctl(c, termios.FIONREAD, bytes(4)))[0]


def first_shutdown(c):
    c.shutdown(socket.SHUT_WR)
    return "done"


FIRST = {
    "poll": first_poll,
    "splice": first_splice,
    "splice_out": first_splice_out,
    "sendfile": first_sendfile,
    "send": lambda c: c.send(b"server-secret"),
    "read": lambda c: os.read(c.fileno(), 100),
    "peek": lambda c: c.recv(100, socket.MSG_PEEK),
    "zerocopy": first_zerocopy,
    "inq": first_inq,
    "name": lambda c: c.getpeername()[1] > 0,
    "shutdown": first_shutdown,
    "queued": lambda c: c.recv(100),
    "again": lambda c: c.recv(100),
}


def serve(kind, c):
    got, end = b"", "eof"
    limits(c)
    try:
        first = FIRST[kind](c)
    except OSError as e:
        first = name_of(e)
    # Not once: what a failed handshake leaves must stay where it is.
    for flags in 0, socket.MSG_PEEK, socket.MSG_DONTWAIT, 0:
        try:
            while chunk := c.recv(4096, flags):
                got += chunk
                if kind == "name":
                    c.sendall(chunk)
                if flags:
                    break
        except OSError as e:
            end = name_of(e)
    print(f"{kind}: first {first}, read {len(got)} bytes {got[:40]!r}, end {end}", flush=True)
    c.close()


def accept_all(kind, s, go):
    while True:
        if go:
            go.accept()[0].close()
        c, _ = s.accept()
        threading.Thread(target=serve, args=(kind, c), daemon=True).start()


def listener(port):
    s = socket.socket(socket.AF_INET6)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("::", port))
    s.listen(16)
    return s


def server(specs):
    for kind, port in specs:
        args = (kind, listener(port), listener(port + 1) if kind == "queued" else None)
        threading.Thread(target=accept_all, args=args, daemon=True).start()
    signal.pause()


# ---- who has no business there ------------------------------------------------

def outq_empty(s):
    return struct.unpack("i", fcntl.ioctl(s, termios.TIOCOUTQ, bytes(4)))[0] == 0


def attack(specs):
    """All at once: each may have to wait for the end of a handshake."""
    def one(kind, port):
        got, end = b"", "eof"
        try:
            with limits(socket.create_connection(("10.77.0.2", port))) as s:
                s.settimeout(None)
                s.sendall(b"plain-secret-" + kind.encode())
                if kind == "queued":
                    while not outq_empty(s):
                        time.sleep(0.01)
                    socket.create_connection(("10.77.0.2", port + 1)).close()
                while chunk := s.recv(4096):
                    got += chunk
        except OSError as e:
            end = name_of(e)
        print(f"{kind}: got {len(got)} bytes {got!r} {end}", flush=True)
    threads = [threading.Thread(target=one, args=spec) for spec in specs]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


# ---- clients ------------------------------------------------------------------

def fastopen(host, port, text, mode):
    s = limits(socket.socket())
    try:
        if mode == "sendto":
            s.sendto(text.encode(), MSG_FASTOPEN, (host, int(port)))
        else:
            s.setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1)
            s.connect((host, int(port)))
            s.sendall(text.encode())
        s.shutdown(socket.SHUT_WR)
        got = b""
        while chunk := s.recv(4096):
            got += chunk
        print(got.decode())
    except OSError as e:
        print(name_of(e))


def race(host, port, count, text):
    connected = 0
    for _ in range(int(count)):
        s = limits(socket.socket())
        stop = threading.Event()

        def sender(s=s, stop=stop):
            while not stop.is_set():
                try:
                    s.send(text.encode(), socket.MSG_NOSIGNAL)
                    return
                except OSError as e:
                    if e.errno not in (errno.EPIPE, errno.ENOTCONN):
                        return
        threads = [threading.Thread(target=sender) for _ in range(3)]
        for t in threads:
            t.start()
        try:
            s.connect((host, int(port)))
            connected += 1
        except OSError:
            pass
        stop.set()
        for t in threads:
            t.join()
        s.close()
    print("connected", connected)


def echo(s, text):
    s.sendall(text.encode())
    got = b""
    while len(got) < len(text):
        chunk = s.recv(4096)
        if not chunk:
            break
        got += chunk
    return got.decode()


# ---- one's own socket ---------------------------------------------------------

class Bpf:
    """As much of bpf(2) as a sockmap needs."""
    NR, MAP_CREATE, MAP_UPDATE, SOCKMAP = 321, 0, 2, 15

    def call(self, cmd, attr):
        buf = ctypes.create_string_buffer(attr.ljust(128, b"\0"))
        r = libc.syscall(self.NR, cmd, buf, 128)
        if r < 0:
            raise OSError(ctypes.get_errno(), "bpf")
        return r

    def sockmap(self):
        return self.call(self.MAP_CREATE, struct.pack("=IIIII", self.SOCKMAP, 4, 4, 64, 0))

    def insert(self, fd, index, s):
        key, value = struct.pack("=I", index), struct.pack("=I", s.fileno())
        k, v = ctypes.create_string_buffer(key), ctypes.create_string_buffer(value)
        self.call(self.MAP_UPDATE, struct.pack("=IIQQQ", fd, 0, ctypes.addressof(k),
                                               ctypes.addressof(v), 0))


def says(f, *args):
    try:
        f(*args)
    except OSError as e:
        return name_of(e)
    return "ok"


claims = 0


def claim(name, wanted, got):
    global claims
    claims += 1
    if wanted == got:
        print("ok", name, flush=True)
    else:
        print(f"not ok {name} - wanted {wanted!r}, got {got!r}", flush=True)


def local(host, port, mapped, text):
    port = int(port)
    s = limits(socket.socket())
    for name in b"tls", b"nonesuch":
        claim(f"before connect() no ULP can be set ({name.decode()})", "ENOTCONN",
              says(s.setsockopt, socket.IPPROTO_TCP, TCP_ULP, name))
    s.connect((host, port))
    claim("an application's own kTLS is refused on a meshed socket", "EBUSY",
          says(s.setsockopt, socket.IPPROTO_TCP, TCP_ULP, b"tls"))
    claim("and keys of its own, as without a ULP", "ENOPROTOOPT",
          says(s.setsockopt, SOL_TLS, TLS_TX, bytes(40)))
    claim("and the session's keys are not to be had", "ENOTSUP",
          says(s.getsockopt, SOL_TLS, TLS_TX, 40))
    bpf = Bpf()
    sockmap = bpf.sockmap()
    claim("a sockmap does not get a meshed socket", "EINVAL", says(bpf.insert, sockmap, 0, s))
    claim("after all that it works", text, echo(s, text))
    s.close()

    s = limits(socket.socket(socket.AF_INET6))
    s.connect((mapped, port))
    claim("IPV6_ADDRFORM is refused on a meshed socket", "EBUSY",
          says(s.setsockopt, socket.IPPROTO_IPV6, IPV6_ADDRFORM, socket.AF_INET))
    claim("and it stays one", text, echo(s, text))
    s.close()

    # the service has it, but nobody of ours is there: TCP's own
    with listener(0) as l:
        own = l.getsockname()[1]
        for family, loopback in (socket.AF_INET6, "::1"), (socket.AF_INET, "127.0.0.1"):
            s = limits(socket.socket(family))
            kept = []
            t = threading.Thread(target=lambda kept=kept: kept.append(l.accept()[0]))
            t.start()
            s.connect((loopback, own))
            t.join()
            claim(f"a sockmap gets an unmeshed socket ({loopback})", "ok",
                  says(bpf.insert, sockmap, 1, s))
            s.close()
            kept[0].close()
    print(f"all {claims} cases", flush=True)


def faults(host, port, text, count="60"):
    """The n-th allocation that the module makes, or the kernel for it, fails."""
    aim(*module_text())
    seen = {}
    for n in range(1, int(count) + 1):
        s = limits(socket.socket())
        end = "ok"
        with Nth(n) as nth:
            try:
                s.connect((host, int(port)))
                s.send(text.encode())
            except OSError as e:
                end = name_of(e)
        try:
            s.close()
        except OSError:
            pass
        seen[end] = seen.get(end, 0) + 1
        if not nth.hit:
            seen["all"] = n         # it ran with fewer allocations than that
            break
    print(seen)


def specs_of(args):
    return [(a.split(":")[0], int(a.split(":")[1])) for a in args]


def main():
    what, args = sys.argv[1], sys.argv[2:]
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    if what in ("server", "attack"):
        globals()[what](specs_of(args))
    else:
        try:
            globals()[what](*args)
        except Exception:
            traceback.print_exc()
            print(f"not ok {what} runs to its end")
            sys.exit(1)


if __name__ == "__main__":
    main()
