#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Sockets that listened and do so no more: they are sockets like any other.

unlisten.py PORT: "ok NAME" or "not ok NAME - why" for each case.
"""
import errno
import socket
import struct
import sys
import threading
import time

TCP_ULP = 31
MPTCP = 262
AF_UNSPEC = struct.pack("H14x", socket.AF_UNSPEC)
PORT = int(sys.argv[1])


def listener(family, protocol=0):
    s = socket.socket(family, socket.SOCK_STREAM, protocol)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("", PORT))
    s.listen()
    return s


def reach(family):
    s = socket.socket(family)
    s.connect(("127.0.0.1" if family == socket.AF_INET else "::1", PORT))
    return s


def name_of(call, *args):
    try:
        call(*args)
    except OSError as e:
        return errno.errorcode[e.errno]
    return "ok"


def ulp(s):
    return name_of(s.setsockopt, socket.IPPROTO_TCP, TCP_ULP, b"tls")


def unspec(s):
    # Python has no address for that
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    return libc.connect(s.fileno(), AF_UNSPEC, len(AF_UNSPEC))


def ends(family, end):
    """What kTLS says of one that has ceased, and whether kTLS works for others then."""
    s = listener(family)
    end(s)
    said = [ulp(s)]
    other = listener(family)
    a = reach(family)
    b, _ = other.accept()
    said += [ulp(a), ulp(b)]
    a.close()
    b.close()
    other.close()
    s.close()
    return said


def again(family, end):
    s = listener(family)
    end(s)
    s.listen()
    a = reach(family)
    b, _ = s.accept()
    a.sendall(b"again")
    return [b.recv(9).decode()]


def sleeper(family, end):
    s = listener(family)
    said = []
    t = threading.Thread(target=lambda: said.append(name_of(s.accept)))
    t.start()
    while True:
        with open(f"/proc/self/task/{t.native_id}/wchan") as f:
            if "csk_" in f.read():
                break
    end(s)
    t.join(60)
    return said


def references():
    with open("/sys/module/weft/refcnt") as f:
        return int(f.read())


def early_ulp(family):
    """Before connect() kTLS is not asked: it would build on what it finds."""
    with socket.socket(family) as s:
        said = [ulp(s)]
    return said + ends(family, unspec)[1:]


def mptcp(family):
    """Its subflow is a TCP socket, with the MPTCP socket's file, that listens."""
    before = references()
    for _ in range(8):
        with listener(family, MPTCP) as s:
            with socket.socket(family, socket.SOCK_STREAM, MPTCP) as other:
                other.bind(("", PORT + 1))
                other.listen()
            s.shutdown(socket.SHUT_RD)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 2)
        listener(family, MPTCP).close()
    end = time.monotonic() + 20
    while references() != before and time.monotonic() < end:
        time.sleep(0.1)
    return [references() - before]


def main():
    for family in socket.AF_INET, socket.AF_INET6:
        for case, want in (early_ulp, ["ENOTCONN", "ok", "ok"]), (mptcp, [0]):
            said = case(family)
            name = f"after none, {family.name}: {case.__name__}"
            print(f"ok {name}" if said == want else f"not ok {name} - {said}", flush=True)
    for family in socket.AF_INET, socket.AF_INET6:
        for kind, end in ("shutdown", lambda s: s.shutdown(socket.SHUT_RD)), ("unspec", unspec):
            for case, want in ((ends, ["ENOTCONN", "ok", "ok"]), (again, ["again"]),
                               (sleeper, ["EINVAL"])):
                name = f"after {kind}, {family.name}: {case.__name__}"
                try:
                    said = case(family, end)
                except OSError as e:
                    said = [repr(e)]
                print(f"ok {name}" if said == want else f"not ok {name} - {said}", flush=True)


main()
