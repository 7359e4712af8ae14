# SPDX-License-Identifier: GPL-2.0-or-later
"""What the cases of posix.py are made of: a pair of connected sockets, calls that
say what came of them, and ways to wait until something is so.

A case is a generator: what it yields is what an application can see, in words that
do not depend on time or on the ends' ports.
"""
import ctypes
import errno
import fcntl
import hashlib
import os
import select
import socket
import struct
import termios
import threading
import time

WAIT = 20 * (5 if "-kasan-" in os.uname().release else 1)    # seconds for any one step
SIOCOUTQ, SIOCOUTQNSD, SIOCATMARK = 0x5411, 0x894B, 0x8905
MSG_ZEROCOPY, MSG_FASTOPEN, MSG_MORE = 0x4000000, 0x20000000, 0x8000
SO_ZEROCOPY, SO_PEEK_OFF, SO_TIMESTAMP, SO_TIMESTAMPING = 60, 42, 29, 37
TCP_ULP, TCP_INQ, TCP_ZEROCOPY_RECEIVE, SOL_TLS = 31, 36, 35, 282
STATES = ("?", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT",
          "CLOSE", "CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING")
POLL_BITS = {"IN": 1, "PRI": 2, "OUT": 4, "ERR": 8, "HUP": 16, "NVAL": 32, "RDNORM": 64,
             "RDBAND": 128, "WRNORM": 256, "WRBAND": 512, "RDHUP": 0x2000}
FUTEX = "202"           # what waits for Python itself (x86-64)

CASES = {}
libc = ctypes.CDLL(None, use_errno=True)
for _f in ("recv", "send", "recvmsg", "sendmsg", "read", "write", "readv", "writev", "recvfrom",
           "sendto", "splice", "tee", "vmsplice", "sendfile"):
    getattr(libc, _f).restype = ctypes.c_ssize_t


class Stuck(Exception):
    """Something did not come about."""


def case(f):
    assert f.__name__ not in CASES
    CASES[f.__name__] = f
    return f


# ---- words --------------------------------------------------------------------

def name_of(number):
    names = {errno.EAGAIN: "EAGAIN", errno.EOPNOTSUPP: "EOPNOTSUPP"}
    return names.get(number) or errno.errorcode.get(number, str(number))


def text(value):
    """A result in words; long bytes by their number and hash."""
    if isinstance(value, (bytes, bytearray)):
        if len(value) > 60:
            return f"{len(value)} bytes {hashlib.sha256(value).hexdigest()[:8]}"
        return repr(bytes(value))[1:]
    if isinstance(value, (tuple, list)):
        return "(" + " ".join(map(text, value)) + ")"
    return str(value)


def bits(mask):
    return "+".join(n for n, b in POLL_BITS.items() if mask & b) or "nothing"


def pattern(n):
    block = bytes(range(256)) * 16 + b"#"
    return (block * (n // len(block) + 1))[:n]


def call(f, *args):
    """What f returns, or its errno's name."""
    try:
        return f(*args)
    except OSError as e:
        return name_of(e.errno)


def c_call(name, *args):
    """The same of a function of the C library, which Python does not repeat after a
    signal, nor look at first."""
    ctypes.set_errno(0)
    n = getattr(libc, name)(*args)
    return name_of(ctypes.get_errno()) if n < 0 else n


def size_t(n):
    return ctypes.c_size_t(n)


# ---- calls --------------------------------------------------------------------

def recv(s, n=1000, flags=0):
    return call(s.recv, n, flags)


def send(s, data, flags=0):
    return call(s.send, data, flags)


def c_recv(s, n=1000, flags=0):
    buf = ctypes.create_string_buffer(n)
    got = c_call("recv", s.fileno(), buf, size_t(n), flags)
    return got if isinstance(got, str) else buf.raw[:min(got, n)]


def c_send(s, data, flags=0):
    return c_call("send", s.fileno(), data, size_t(len(data)), flags)


def read_all(s):
    """Until the end of the stream, or an error: what came, and how it ended."""
    parts = []
    while True:
        got = recv(s, 65536)
        if not got or isinstance(got, str):
            return b"".join(parts), got or "end"
        parts.append(got)


def exactly(s, n):
    return recv(s, n, socket.MSG_WAITALL)


def ioctl_int(s, request):
    try:
        return struct.unpack("i", fcntl.ioctl(s, request, b"\0" * 4))[0]
    except OSError as e:
        return name_of(e.errno)


def inq(s):
    return ioctl_int(s, termios.FIONREAD)


def outq(s):
    return ioctl_int(s, SIOCOUTQ)


def get(s, level, option, size=4):
    """A socket option: a number, or bytes of any other size."""
    try:
        value = s.getsockopt(level, option, size)
    except OSError as e:
        return name_of(e.errno)
    return struct.unpack("i", value)[0] if len(value) == 4 else value


def put(s, level, option, value):
    try:
        s.setsockopt(level, option, value)
    except OSError as e:
        return name_of(e.errno)
    return "ok"


def so_error(s):
    err = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    return name_of(err) if err else "none"


def shut(s, how):
    r = call(s.shutdown, {"RD": 0, "WR": 1, "RDWR": 2}.get(how, how))
    return "ok" if r is None else r


def reset(s):
    """Close with a RST."""
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


def small(s):
    """A buffer that fills quickly."""
    s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16384)


# ---- waiting ------------------------------------------------------------------

def until(what, fine):
    end = time.monotonic() + WAIT
    while not fine():
        if time.monotonic() > end:
            raise Stuck(what)
        time.sleep(0.002)


def info(s, offset, form="I"):
    whole = s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 248)
    return struct.unpack_from(form, whole, offset)[0]


def state(s):
    return STATES[info(s, 0, "B")]


def is_in(s, *states):
    until(f"state {states}, not {state(s)}", lambda: state(s) in states)
    return state(s)


def arrived(s):
    """All that s was given lies in the peer's receive queue."""
    until(f"acknowledgement of {outq(s)} bytes", lambda: outq(s) == 0)


def tell(s, data, flags=0):
    """Sends it, and waits until it has arrived."""
    r = send(s, data, flags)
    arrived(s)
    return r


def mask(s, milliseconds=0):
    """What poll() says."""
    p = select.poll()
    p.register(s, 1 | 2 | 4 | 64 | 128 | 256 | 512 | 0x2000)
    got = p.poll(milliseconds)
    return bits(got[0][1]) if got else "nothing"


def ready(s, event, milliseconds=None):
    """Waits until poll() tells of event (or an error)."""
    p = select.poll()
    p.register(s, event)
    if not p.poll(WAIT * 1000 if milliseconds is None else milliseconds):
        if milliseconds is None:
            raise Stuck(f"poll for {bits(event)}")
        return "nothing"
    return "ready"


def readable(s):
    return ready(s, select.POLLIN)


def syscall_of(tid):
    """The number of the call a thread sleeps in, or None."""
    try:
        with open(f"/proc/self/task/{tid}/syscall", encoding="ascii") as f:
            word = f.read().split()[0]
    except (OSError, IndexError):
        return None
    return word if word.isdigit() and word != FUTEX else None


class Blocked:
    """f(*args) in a thread of its own, which is seen to sleep in the kernel."""

    def __init__(self, f, *args):
        self._value = self.tid = None
        self._thread = threading.Thread(target=self._run, args=(f, args), daemon=True)
        self._thread.start()

    def _run(self, f, args):
        self.tid = threading.get_native_id()
        self._value = f(*args)

    def sleeps(self):
        until("a call that sleeps", lambda: (self.tid and syscall_of(self.tid)) or
              not self._thread.is_alive())
        return self._thread.is_alive()

    def result(self):
        self._thread.join(WAIT)
        return "still blocked" if self._thread.is_alive() else self._value


def is_shut_out(s):
    """The peer's window is closed, something waits, and a probe has been answered: it
    stays so."""
    probes, backoff = info(s, 3, "B"), info(s, 4, "B")
    return info(s, 228) == probes == 0 < backoff and ioctl_int(s, SIOCOUTQNSD) > 0


def fill(s, block=b"f" * 8192):
    """Writes until the peer takes no more: the number of bytes."""
    sent = 0
    end = time.monotonic() + WAIT
    while time.monotonic() < end:
        n = send(s, block, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
        if not isinstance(n, str):
            sent += n
        elif n != "EAGAIN":
            raise Stuck(f"{n} while filling")
        elif is_shut_out(s) and not ready_out(s):
            return sent
        else:
            time.sleep(0.002)
    raise Stuck("a full buffer")


def ready_out(s):
    return ready(s, select.POLLOUT, 0) == "ready"


# ---- the pair -----------------------------------------------------------------

class Place:
    """Where pairs are made: a listener in one network namespace, clients in another."""

    def __init__(self, server_netns, client_netns, address, port):
        self.address = (address, port)
        self.family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.closed = (address, port + 2)
        self.elsewhere = ("fd77::99" if ":" in address else "10.77.0.99", 9)
        self._enter(server_netns)
        self.listener = socket.create_server(("", port), family=self.family, backlog=64)
        self._enter(client_netns)

    @staticmethod
    def _enter(name):
        with open(f"/run/netns/{name}", "rb") as f:
            if libc.setns(f.fileno(), 0):
                raise OSError(ctypes.get_errno(), "setns")

    def pair(self):
        """Client and server, settled: what was to be waited for is over, and a further
        connect() has said so."""
        c = socket.socket(self.family)
        c.setblocking(False)
        c.connect_ex(self.address)
        while True:
            s, peer = self.listener.accept()
            if peer == c.getsockname():
                break
            s.close()           # of a case that was killed
        for x in (c, s):
            ready(x, select.POLLOUT)
            if so_error(x) != "none":
                raise Stuck("a connection")
            arrived(x)
        c.connect_ex(self.address)
        c.setblocking(True)
        return c, s

    def by_role(self, a, b):
        """The client's end first."""
        return (a, b) if a.getpeername()[:2] == self.address else (b, a)
