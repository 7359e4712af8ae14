#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A program that does what it is told, step by step: sockets made at one time and
used at another.

puppet.py serve SOCKET
    Listens at the unix socket SOCKET; each connection brings one line of Python,
    which runs among everything that ran before.
puppet.py tell SOCKET LINE
    Runs LINE there and prints the value of an expression, "ok" after any other
    statement, or an error's name, as ECONNREFUSED.  Status 0 unless the puppet
    is gone, does not answer within two minutes, or LINE is no Python.
"""
import errno
import hashlib
import os
import select
import socket
import struct
import sys
import threading
import traceback

WAIT = 120 * (5 if "-kasan-" in os.uname().release else 1)


def name_of(e):
    if isinstance(e, TimeoutError) and e.errno is None:
        return "timeout"
    return errno.errorcode.get(e.errno, repr(e))


def run(line, world):
    try:
        code = compile(line, "line", "eval")
    except SyntaxError:
        code = compile(line, "line", "exec")
    try:
        value = eval(code, world)
    except OSError as e:
        return name_of(e)
    if value is None:
        return "ok"
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def serve(path):
    world = {"socket": socket, "select": select, "os": os, "errno": errno,
             "hashlib": hashlib, "struct": struct, "threading": threading,
             "name_of": name_of}
    s = socket.socket(socket.AF_UNIX)
    s.bind(path + ".new")
    s.listen(16)
    os.rename(path + ".new", path)
    while True:
        c, _ = s.accept()
        with c, c.makefile("rw") as f:
            line = f.readline()
            try:
                f.write(run(line, world))
            except Exception:
                f.write("not python: " + traceback.format_exc())
            try:
                f.flush()
            except OSError:
                pass


def tell(path, line):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(WAIT)
        s.connect(path)
        s.sendall(line.encode() + b"\n")
        s.shutdown(socket.SHUT_WR)
        answer = b""
        while got := s.recv(65536):
            answer += got
    print(answer.decode())
    return 1 if not answer or answer.startswith(b"not python: ") else 0


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2])
    else:
        sys.exit(tell(sys.argv[2], sys.argv[3]))
