# SPDX-License-Identifier: GPL-2.0-or-later
"""Memory that runs out, allocation by allocation: the kernel's fault injection
(Documentation/fault-injection), aimed at a piece of its code.

Only what has that code on its stack fails, whoever called: so the module's own
allocations, and those the kernel makes for it (sockets, kTLS, netlink).

faults.py client HOST PORT STEP [TIMES|OFFSET]
    A connection with an exchange, again and again: each time the next
    allocation that this thread makes fails, until none is left to fail; STEP:
    every STEPth only, beginning OFFSET after the first; 0: none, but TIMES
    connections.  Then one line of JSON.
faults.py server PORT
    Echoes.  Its thread's allocations fail in the same way while FAULTS exists in
    the working directory; writes what it has seen into FAULTS.json.
"""
import collections
import errno
import json
import os
import socket
import sys
import threading

DEBUGFS = "/sys/kernel/debug"
KINDS = ("failslab", "fail_page_alloc", "fail_usercopy")
MARKER = b"faults-plaintext-marker "
LIMIT = 2000


def _write(path, value):
    with open(path, "w", encoding="ascii") as f:
        f.write(str(value))


def _kallsyms():
    with open("/proc/kallsyms", encoding="ascii") as f:
        for line in f:
            words = line.split()
            yield int(words[0], 16), words[1], words[2], words[3][1:-1] if len(words) > 3 else ""


def module_text():
    """First and last address of the module's code."""
    at = [a for a, kind, _, module in _kallsyms() if module == "weft" and kind in "tT"]
    return min(at), max(at) + 4096


def function_text(name):
    at = sorted(a for a, kind, _, module in _kallsyms() if kind in "tT" and not module)
    start = next(a for a, _, n, module in _kallsyms() if n == name and not module)
    return start, next(a for a in at if a > start)


def aim(start, end, probability=0, times=-1):
    """At the code from start to end; probability in percent, for everybody."""
    for kind in KINDS:
        # A copy from or to user space may fail only for who asked for it.
        mine = 0 if kind == "fail_usercopy" else probability
        for name, value in (("probability", 0), ("verbose", 0), ("task-filter", "N"),
                            ("interval", 1), ("space", 0), ("times", times),
                            ("require-start", hex(start)), ("require-end", hex(end)),
                            ("reject-start", 0), ("reject-end", 0), ("stacktrace-depth", 32),
                            ("ignore-gfp-wait", "N"), ("ignore-gfp-highmem", "N"),
                            ("min-order", 0), ("cache-filter", "N"), ("probability", mine)):
            path = f"{DEBUGFS}/{kind}/{name}"
            if os.path.exists(path):
                _write(path, value)


def times():
    """How many faults are left of those aim() allowed."""
    out = []
    for kind in KINDS[:2]:
        with open(f"{DEBUGFS}/{kind}/times", encoding="ascii") as f:
            out.append(int(f.read()))
    return sum(out)


class Nth:
    """with Nth(n) as f: the n-th allocation of this thread fails; f.hit: it came to it."""

    def __init__(self, n):
        self.n, self.hit = n, False
        self.path = f"/proc/self/task/{threading.get_native_id()}/fail-nth"

    def __enter__(self):
        _write(self.path, self.n)
        return self

    def __exit__(self, *_):
        with open(self.path, encoding="ascii") as f:
            self.hit = self.n > 0 and int(f.read()) == 0
        _write(self.path, 0)


def name_of(e):
    if isinstance(e, TimeoutError) and e.errno is None:
        return "stuck"
    return errno.errorcode.get(e.errno, repr(e))


class Seen:
    """What came of the attempts."""

    def __init__(self):
        self.faults = self.done = 0
        self.errors, self.wrong = collections.Counter(), []

    def note(self, nth, outcome, text, got):
        self.faults += nth.hit
        if outcome:
            self.errors[outcome] += 1
        elif got == text:
            self.done += 1
        else:
            self.wrong.append(got[:60].decode("latin-1"))

    def json(self):
        return json.dumps({"faults": self.faults, "done": self.done, "errors": self.errors,
                           "wrong": self.wrong[:10]})


def exchange(host, port, text):
    with socket.socket() as s:
        s.settimeout(None)
        s.connect((host, port))
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, (100).to_bytes(8, "little") + bytes(8))
        s.sendall(text)
        s.shutdown(socket.SHUT_WR)
        got = b""
        while block := s.recv(65536):
            got += block
    return got


def client(host, port, step, number=0):
    seen = Seen()
    for n in range(1 + number % step, LIMIT, step) if step else [0] * number:
        text, got, outcome = MARKER + str(n).encode(), b"", None
        with Nth(n) as nth:
            try:
                got = exchange(host, port, text)
            except OSError as e:
                outcome = name_of(e)
        seen.note(nth, outcome, text, got)
        if step and not nth.hit:
            break
    print(seen.json())


def echo(s, text):
    c, _ = s.accept()
    with c:
        c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, (100).to_bytes(8, "little") + bytes(8))
        while block := c.recv(65536):
            text += block
            c.sendall(block)


def server(port):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("", port))
    s.listen(64)
    seen, n = Seen(), 1
    while True:
        text, outcome, failing = bytearray(), None, os.path.exists("FAULTS")
        with Nth(n if failing else 0) as nth:
            try:
                echo(s, text)
            except OSError as e:
                outcome = name_of(e)
        if failing:
            # An application that closes early is none of ours.
            seen.note(nth, outcome, text, text)
            n = n + 1 if nth.hit else 1
            seen.rounds = getattr(seen, "rounds", 0) + (not nth.hit)
            _write("FAULTS.json.new", json.dumps({**json.loads(seen.json()), "rounds": seen.rounds}))
            os.rename("FAULTS.json.new", "FAULTS.json")


if __name__ == "__main__":
    if sys.argv[1] == "server":
        server(int(sys.argv[2]))
    elif sys.argv[1] == "client":
        client(sys.argv[2], *map(int, sys.argv[3:]))
    elif sys.argv[1] == "aim":      # aim [PROBABILITY [TIMES]]: at the module
        aim(*module_text(), *map(int, sys.argv[2:]))
    elif sys.argv[1] == "times":
        print(times())
