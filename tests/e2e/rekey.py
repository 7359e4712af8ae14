#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Traffic for t-rekey.sh; knows nothing of the mesh.

rekey.py server PORT
    Echoes.
rekey.py both HOST PORT BYTES CALLS GO
    Over one connection BYTES in writes of every size, read back at the same
    time; over another CALLS calls of a few bytes.  Half of both, then "half" is
    said and GO, a file, is waited for; then the other half.  Says "ok" and the
    SHA-256 of what came back, or what was wrong.
rekey.py echo HOST PORT
    Connects and echoes; ends with the stream.
"""
import hashlib
import os
import random
import socket
import sys
import threading
import time

WAIT = 300


def echo(s):
    with s:
        while got := s.recv(65536):
            s.sendall(got)


def serve(port):
    listener = socket.create_server(("", port), backlog=16)
    while True:
        c, _ = listener.accept()
        threading.Thread(target=echo, args=(c,), daemon=True).start()


def read_back(s, n, digest):
    while n:
        got = s.recv(min(n, 1 << 20))
        if not got:
            raise EOFError(f"{n} bytes before the end")
        digest.update(got)
        n -= len(got)


def bulk(s, data, rng, digest):
    reader = threading.Thread(target=read_back, args=(s, len(data), digest))
    reader.start()
    at = 0
    while at < len(data):
        n = rng.choice((1, 100, 5000, 16384, 100000))
        s.sendall(data[at:at + n])
        at += n
    reader.join()


def calls(s, n, failed):
    for i in range(n):
        word = b"call %d" % i
        s.sendall(word)
        if (got := s.recv(len(word), socket.MSG_WAITALL)) != word:
            failed.append(f"{word} came back as {got}")


def both(host, port, size, count, go):
    rng = random.Random(1)
    data = rng.randbytes(size)
    big, small = (socket.create_connection((host, port), WAIT) for _ in range(2))
    big.settimeout(None)        # MSG_WAITALL is for sockets that block
    small.settimeout(None)
    digest, failed = hashlib.sha256(), []
    for half in (0, 1):
        caller = threading.Thread(target=calls, args=(small, count // 2, failed))
        caller.start()
        bulk(big, data[half * size // 2:(half + 1) * size // 2], rng, digest)
        caller.join()
        if not half:
            print("half", flush=True)
            end = time.monotonic() + WAIT
            while not os.path.exists(go):
                if time.monotonic() > end:
                    sys.exit("nobody says go")
                time.sleep(0.05)
    for s in (big, small):
        s.shutdown(socket.SHUT_WR)
        if s.recv(1):
            failed.append("more came back")
    if digest.digest() != hashlib.sha256(data).digest():
        failed.append("what came back is not what was sent")
    print(failed or f"ok {digest.hexdigest()}")


if __name__ == "__main__":
    what, args = sys.argv[1], sys.argv[2:]
    if what == "server":
        serve(int(args[0]))
    elif what == "both":
        both(args[0], int(args[1]), int(args[2]), int(args[3]), args[4])
    elif what == "echo":
        echo(socket.create_connection((args[0], int(args[1])), None))
    else:
        sys.exit(__doc__)
