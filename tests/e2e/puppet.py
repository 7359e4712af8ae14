#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A program that does what it is told, step by step: sockets made at one time and
used at another.

puppet.py SOCKET
    Listens at the unix socket SOCKET; each connection brings one line of Python,
    which runs among everything that ran before.  The answer is the value of an
    expression, "ok" after any other statement, an error's name, as ECONNREFUSED, or
    "not python: " and why.  tell() of lib.sh asks.
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


if __name__ == "__main__":
    serve(sys.argv[1])
