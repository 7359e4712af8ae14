#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Many short connections at once: does each end, and with what?

storm.py [-k] server PORT
    Echoes, one thread per connection.
storm.py [-k] client HOST PORT THREADS STOP
    Each thread connects, sends a marker and a number of its own, wants exactly
    that back, closes, and begins again, until the file STOP exists (looked at
    between connections).  At the end one line of JSON: "done", how many went
    well; "connect" and "io", how many connect() or later calls failed with each
    errno; "wrong", answers that were not what was sent; "stuck", threads that
    were still in a call LIMIT seconds after STOP; "longest", seconds the
    slowest connection took.
-k: asks a silent peer after 20 seconds whether it is still there.  A reset for
    which there is no memory is never sent, by TCP as by weft, and nothing else ends
    a connection that waits for its peer to speak.
"""
import collections
import errno
import json
import os
import socket
import struct
import sys
import threading
import time

LIMIT = 150 * (5 if "-kasan-" in os.uname().release else 1)
MARKER = b"storm-plaintext-marker "
KEEPALIVE = "-k" in sys.argv[1:2]


def ask_the_silent(s):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in ((socket.TCP_KEEPIDLE, 20), (socket.TCP_KEEPINTVL, 10),
                          (socket.TCP_KEEPCNT, 6)):
        s.setsockopt(socket.IPPROTO_TCP, option, value)


def listener(port):
    s = socket.socket(socket.AF_INET6)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    if KEEPALIVE:
        ask_the_silent(s) # whoever is accepted does as well
    s.bind(("::", port))
    s.listen(1024)
    return s


def echo(c):
    with c:
        try:
            while got := c.recv(65536):
                c.sendall(got)
        except OSError:
            # A clean end would say that nothing was left to answer.
            c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def server(port):
    s = listener(port)
    while True:
        try:
            c, _ = s.accept()
        except OSError as e:
            # A server goes on after what one connection, or a lack of memory, does to it.
            if e.errno in (errno.ENOMEM, errno.ENOBUFS, errno.ECONNABORTED):
                continue
            raise
        threading.Thread(target=echo, args=(c,), daemon=True).start()


class Storm:
    def __init__(self, host, port, stop):
        self.address, self.stop = (host, port), stop
        self.lock = threading.Lock()
        self.done = self.longest = 0
        self.wrong = []
        self.connect, self.io = collections.Counter(), collections.Counter()

    def once(self, text):
        with socket.socket() as s:
            if KEEPALIVE:
                ask_the_silent(s)
            try:
                s.connect(self.address)
            except OSError as e:
                return self.connect, errno.errorcode.get(e.errno, str(e))
            try:
                s.sendall(text)
                s.shutdown(socket.SHUT_WR)
                got = b""
                while block := s.recv(65536):
                    got += block
            except OSError as e:
                return self.io, errno.errorcode.get(e.errno, str(e))
        return None, got

    def thread(self, n):
        i = 0
        while not os.path.exists(self.stop):
            i += 1
            text = MARKER + f"{n} {i}".encode()
            began = time.monotonic()
            counter, got = self.once(text)
            with self.lock:
                self.longest = max(self.longest, time.monotonic() - began)
                if counter is not None:
                    counter[got] += 1
                elif got == text:
                    self.done += 1
                else:
                    self.wrong.append(got[:60].decode("latin-1"))

    def run(self, n):
        threads = [threading.Thread(target=self.thread, args=(i,), daemon=True)
                   for i in range(n)]
        for t in threads:
            t.start()
        while not os.path.exists(self.stop):
            time.sleep(0.1)
        end = time.monotonic() + LIMIT
        for t in threads:
            t.join(max(0, end - time.monotonic()))
        print(json.dumps({
            "done": self.done, "connect": self.connect, "io": self.io,
            "wrong": self.wrong[:10], "stuck": sum(t.is_alive() for t in threads),
            "longest": round(self.longest, 1)}))


if __name__ == "__main__":
    if KEEPALIVE:
        del sys.argv[1]
    if sys.argv[1] == "server":
        server(int(sys.argv[2]))
    else:
        Storm(sys.argv[2], int(sys.argv[3]), sys.argv[5]).run(int(sys.argv[4]))
