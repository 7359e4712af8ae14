#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Peers that mean harm, at both ends.

hostile.py app PORT LOG
    The application behind the strict port: echoes; at the end of the stream it
    says "bye" and closes.  Writes to LOG, one JSON list per event: [peer's port,
    "accept" | "data" TEXT | "eof" | "error" NAME].
hostile.py attack HOST PORT DIR LOG
    Tries every attack on that port and after each whether it still serves;
    prints "ok NAME", "not ok NAME - why", and for every attack whose reason
    weftctl ought to know "reason NAME PORT REASONS".
hostile.py names
    The misbehaviours of "serve", one a line: NAME REASONS; "-" for those that
    show after connect().
hostile.py serve HOST PORT DIR
    A server per misbehaviour, at PORT, PORT + 1, ... in the order of "names".
hostile.py dial HOST PORT GOOD DIR
    A mesh client of those: straight, and (by GOOD's prefix plus number) over a
    service whose second endpoint is a good one.  Prints ok and not ok.
DIR holds the certificates that t-hostile.sh mints, and ca.crt.  attack and dial say
"all N cases" in the end.
"""
import errno
import json
import os
import random
import select
import socket
import ssl
import struct
import sys
import threading
import time
import traceback

import rawtls
from rawtls import ALERT, DATA, HANDSHAKE, Tls, UPDATE, context, reset

WAIT = 100              # seconds for any one step
SHORT = 6000            # handshake_timeout, ms, for those who are slow on purpose
TIMEOUT = "/sys/module/weft/parameters/handshake_timeout"
SECRET = b"what the attacker says"


def name_of(e):
    if isinstance(e, ssl.SSLError):
        return e.reason or type(e).__name__
    if isinstance(e, TimeoutError) and e.errno is None:
        return "no answer"
    return errno.errorcode.get(e.errno, repr(e))


def listener(host, port):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((host, port))
    s.listen(512)
    return s


def in_thread(f, *args):
    threading.Thread(target=f, args=args, daemon=True).start()


def expect(got, want, what=""):
    wants = want if isinstance(want, tuple) else (want,)
    if got not in wants:
        raise AssertionError(f"{what or 'got'} {got!r}, wanted {' or '.join(map(repr, wants))}")


def read_end(s):
    """What a plain socket reads to its end: "EOF" or the error's name."""
    try:
        while s.recv(65536):
            pass
        return "EOF"
    except OSError as e:
        return name_of(e)


class Deadline:
    """A handshake_timeout of SHORT ms, if short."""

    def __init__(self, short):
        self.short = short

    def __enter__(self):
        with open(TIMEOUT) as f:
            self.before = f.read()
        if self.short:
            self.set(str(SHORT))

    def __exit__(self, *_):
        self.set(self.before)

    @staticmethod
    def set(value):
        with open(TIMEOUT, "w") as f:
            f.write(value)


# ---- the application behind the strict port ------------------------------------

def splicer(c):
    """Reads through a pipe."""
    r, w = os.pipe()

    def read(n):
        got = os.splice(c.fileno(), w, min(n, 65536))
        return os.read(r, got) if got else b""
    return read


def poller(c):
    """Reads as event loops do: asks SO_ERROR when poll says so."""
    p = select.poll()
    p.register(c, select.POLLIN)

    def read(n):
        for _, events in p.poll(WAIT * 1000):
            if events & select.POLLERR:
                e = c.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                raise OSError(e, os.strerror(e))
        return c.recv(n)
    return read


READERS = {b"splice": splicer, b"poll": poller}


class App:
    def __init__(self, log):
        self.log, self.lock = open(log, "a"), threading.Lock()

    def note(self, *what):
        with self.lock:
            print(json.dumps(what), file=self.log, flush=True)

    def serve(self, c, port):
        self.note(port, "accept")
        with c:
            try:
                read = c.recv
                while got := read(65536):
                    self.note(port, "data", got.decode("latin-1")[:200])
                    c.sendall(got)
                    if got in READERS:
                        read = READERS[got](c)
                self.note(port, "eof")
                c.sendall(b"bye")
            except OSError as e:
                self.note(port, "error", name_of(e))

    def run(self, port):
        s = listener("", port)
        while True:
            c, peer = s.accept()
            in_thread(self.serve, c, peer[1])


# ---- attacks on a server --------------------------------------------------------

ATTACKS = []


def attack(reasons, seen=("ECONNRESET",), data="", slow=False):
    """reasons: what weftctl may say, "" for whatever; seen: how the application's
    reads may end; data: all it may have read; slow: under a short deadline."""
    def wrap(f):
        ATTACKS.append((f, reasons, seen, data, slow))
        return f
    return wrap


class Attacker:
    def __init__(self, host, port, directory, log):
        self.address, self.dir, self.log = (host, port), directory, log
        self.ca = os.path.join(directory, "ca.crt")

    def tcp(self):
        return socket.create_connection(self.address, WAIT)

    def ctx(self, cert="friend", **kw):
        return context(False, self.ca, cert and os.path.join(self.dir, cert), **kw)

    def tls(self, s, **kw):
        """As a friend, all the way."""
        t = Tls(s, self.ctx(**kw))
        t.handshake()
        return t

    def hello(self, **kw):
        return rawtls.client_hello(self.ctx(**kw))

    def still_serves(self):
        with self.tcp() as s:
            t = self.tls(s)
            t.write(b"anybody there?")
            expect(t.read(), b"anybody there?")
            t.close_notify()
            expect(t.read(), b"bye")

    def events(self, port):
        with open(self.log) as f:
            return [e[1:] for e in map(json.loads, f) if e[0] == port]

    def seen(self, port):
        """All the application read of that connection, and how it ended."""
        end = time.monotonic() + WAIT
        while time.monotonic() < end:
            events = self.events(port)
            for e in events:
                if e[0] in ("eof", "error"):
                    return "".join(d[1] for d in events if d[0] == "data"), e[-1]
            time.sleep(0.02)
        return "", f"nothing, after {events}"

    def one(self, f, reasons, seen, data):
        with self.tcp() as s:
            port = s.getsockname()[1]
            f(self, s)
        got, end = self.seen(port)
        expect(got, data, "the application read")
        expect(end, seen, "its reading ended with")
        if reasons:
            print("reason", f.__name__, port, reasons, flush=True)

    def run(self):
        unserved = 0
        for f, reasons, seen, data, slow in ATTACKS:
            name = f.__name__.replace("_", " ")
            try:
                with Deadline(slow):
                    self.one(f, reasons, seen, data)
                print("ok attack:", name, flush=True)
            except Exception as e:
                print(f"not ok attack: {name} - {e!r}", flush=True)
                traceback.print_exc()
            try:
                self.still_serves()
            except Exception as e:
                unserved += 1
                print(f"not ok attack: after {name} the port serves - {e!r}", flush=True)
        if not unserved:
            print("ok attack: after each the port still served", flush=True)
        print(f"all {len(ATTACKS) + max(unserved, 1)} cases", flush=True)


def refused(s):
    """A raw socket that the server's side ended."""
    expect(read_end(s), ("EOF", "ECONNRESET"), "the attacker's reading ended with")


@attack("tls")
def garbage(a, s):
    s.sendall(random.Random(1).randbytes(3000))
    refused(s)


@attack("tls")
def http(a, s):
    s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    refused(s)


@attack("handshake-timeout", slow=True)
def a_client_hello_byte_by_byte(a, s):
    hello = a.hello()
    s.settimeout(SHORT / 1000 / (len(hello) - 60))
    began = time.monotonic()
    end = None
    for i, byte in enumerate(hello):
        try:
            s.sendall(bytes([byte]))
            expect(s.recv(1), b"")
            end = "EOF"
            break
        except TimeoutError:
            if i == len(hello) // 2:
                a.still_serves()        # others do not wait for this one
        except OSError as e:
            end = name_of(e)
            break
    s.settimeout(WAIT)
    expect(end or read_end(s), ("EOF", "ECONNRESET", "EPIPE"), "the attacker's end was")
    took = time.monotonic() - began
    if not SHORT / 1000 * 0.8 < took < SHORT / 1000 * 4:
        raise AssertionError(f"it took {took} s")


@attack("reset")
def half_a_client_hello_and_fin(a, s):
    s.sendall(a.hello()[:100])
    s.shutdown(socket.SHUT_WR)
    refused(s)


@attack("reset")
def half_a_client_hello_and_rst(a, s):
    s.sendall(a.hello()[:100])
    reset(s)


@attack("reset")
def nothing_at_all_and_fin(a, s):
    s.shutdown(socket.SHUT_WR)
    refused(s)


@attack("tls")
def an_oversize_record(a, s):
    s.sendall(struct.pack("!BHH", HANDSHAKE, 0x0301, 20000) + bytes(20000))
    refused(s)


@attack("tls")
def tls_1_2_only(a, s):
    try:
        a.tls(s, version=ssl.TLSVersion.TLSv1_2)
    except (ssl.SSLError, OSError):
        return
    raise AssertionError("the handshake came through")


def not_let_in(a, s, **kw):
    """In TLS 1.3 a client learns of the refusal of its certificate by reading."""
    try:
        t = a.tls(s, **kw)
        t.write(SECRET)
        t.read()
    except (ssl.SSLError, OSError) as e:
        return name_of(e)
    raise AssertionError("it was let in")


@attack("peer-certificate")
def a_self_signed_certificate(a, s):
    not_let_in(a, s, cert="selfsigned")


@attack("peer-certificate")
def an_expired_certificate(a, s):
    not_let_in(a, s, cert="expired")


@attack("peer-certificate")
def a_certificate_that_is_not_yet_valid(a, s):
    not_let_in(a, s, cert="early")


@attack("peer-certificate")
def a_certificate_beyond_the_name_constraints_of_its_authority(a, s):
    not_let_in(a, s, cert="beyond")


@attack("", seen=("eof",), data=SECRET.decode())
def a_certificate_within_the_name_constraints_of_its_authority(a, s):
    t = a.tls(s, cert="within")
    t.write(SECRET)
    expect(t.read(), SECRET)
    t.close_notify()
    expect(t.read(), b"bye")


@attack("peer-certificate")
def a_certificate_of_another_authority(a, s):
    not_let_in(a, s, cert="wrongca")


@attack("peer-certificate")
def no_certificate(a, s):
    not_let_in(a, s, cert=None)


@attack("peer-certificate")
def a_certificate_without_spiffe_id(a, s):
    not_let_in(a, s, cert="nosan")


@attack("peer-certificate")
def a_certificate_with_two_spiffe_ids(a, s):
    not_let_in(a, s, cert="twosans")


@attack("peer-certificate")
def a_certificate_of_another_trust_domain(a, s):
    not_let_in(a, s, cert="otherdomain")


@attack("tls")
def another_alpn(a, s):
    try:
        a.tls(s, alpn="h2")
    except (ssl.SSLError, OSError):
        return
    raise AssertionError("it was let in")


@attack("tls")
def data_right_after_the_client_hello(a, s):
    s.sendall(a.hello() + struct.pack("!BHH", DATA, 0x0303, 40) + bytes(40))
    refused(s)


@attack("tls")
def data_instead_of_finished(a, s):
    t = Tls(s, a.ctx())
    t.until_finished()
    s.sendall(t.sealer("HANDSHAKE_TRAFFIC_SECRET").seal(DATA, SECRET))
    refused(s)


@attack("tls", data=SECRET.decode())
def plaintext_in_the_middle_of_the_stream(a, s):
    t = a.tls(s)
    t.write(SECRET)
    expect(t.read(), SECRET)
    s.sendall(b"and this is not from TLS at all, is it?\n" * 10)
    refused(s)


@attack("tls", data=SECRET.decode())
def a_plaintext_record_in_the_middle(a, s):
    t = a.tls(s)
    t.write(SECRET)
    expect(t.read(), SECRET)
    s.sendall(struct.pack("!BHH", DATA, 0x0303, 100) + b"x" * 100)
    refused(s)


@attack("tls", data=SECRET.decode())
def a_record_twice(a, s):
    t = a.tls(s)
    record = t.sealer().seal(DATA, SECRET)
    s.sendall(record)
    expect(t.read(), SECRET)
    s.sendall(record)
    refused(s)


@attack("tls")
def a_record_with_one_bit_flipped(a, s):
    t = a.tls(s)
    record = bytearray(t.sealer().seal(DATA, SECRET))
    record[9] ^= 4
    s.sendall(record)
    refused(s)


@attack("tls")
def an_oversize_record_in_the_stream(a, s):
    t = a.tls(s)
    s.sendall(t.sealer().seal(DATA, bytes(20000)))
    refused(s)


@attack("truncated", data=SECRET.decode())
def fin_without_close_notify(a, s):
    t = a.tls(s)
    t.write(SECRET)
    expect(t.read(), SECRET)
    s.shutdown(socket.SHUT_WR)
    refused(s)


@attack("", data=SECRET.decode())
def rst_in_the_stream(a, s):
    t = a.tls(s)
    t.write(SECRET)
    expect(t.read(), SECRET)
    reset(s)


@attack("truncated", data=SECRET.decode())
def fin_in_the_middle_of_a_record(a, s):
    t = a.tls(s)
    out = t.sealer()
    s.sendall(out.seal(DATA, SECRET))
    expect(t.read(), SECRET)
    s.sendall(out.seal(DATA, SECRET)[:20])
    s.shutdown(socket.SHUT_WR)
    refused(s)


@attack("alert", data=SECRET.decode())
def a_fatal_alert(a, s):
    t = a.tls(s)
    out = t.sealer()
    s.sendall(out.seal(DATA, SECRET) + out.seal(ALERT, b"\x02\x50"))
    refused(s)


@attack("", seen=("eof",), data=2 * SECRET.decode())
def key_updates_are_followed(a, s):
    t = a.tls(s)
    out = t.sealer()
    for request in (b"\0", b"\1"):
        s.sendall(out.seal(HANDSHAKE, UPDATE + request))
        out.update()
        s.sendall(out.seal(DATA, SECRET))
        expect(t.read(), SECRET)
    s.sendall(out.seal(ALERT, b"\x01\x00"))
    expect(t.read(), b"bye")


@attack("key-update")
def a_key_update_that_is_none(a, s):
    t = a.tls(s)
    s.sendall(t.sealer().seal(HANDSHAKE, UPDATE + b"\2"))
    refused(s)


@attack("key-update")
def a_flood_of_key_updates(a, s):
    t = a.tls(s)
    out = t.sealer()
    for _ in range(2000):
        try:
            s.sendall(out.seal(HANDSHAKE, UPDATE + b"\1"))
        except OSError:         # it has closed already
            break
        out.update()
    refused(s)


@attack("tls")
def the_old_key_after_a_key_update(a, s):
    t = a.tls(s)
    out = t.sealer()
    s.sendall(out.seal(HANDSHAKE, UPDATE + b"\0") + out.seal(DATA, SECRET))
    refused(s)


@attack("", seen=("eof",), data=SECRET.decode())
def close_notify_both_ways_and_half_close(a, s):
    t = a.tls(s)
    t.write(SECRET)
    expect(t.read(), SECRET)
    t.close_notify()
    s.shutdown(socket.SHUT_WR)
    expect(t.read(), b"bye", "after our close_notify")
    expect(t.read(), b"", "and then")


@attack("", seen=("eof",), data=SECRET.decode())
def empty_records_are_no_end(a, s):
    t = a.tls(s)
    out = t.sealer()
    s.sendall(b"".join(out.seal(DATA, b"") for _ in range(300)) + out.seal(DATA, SECRET))
    expect(t.read(), SECRET)
    s.sendall(out.seal(ALERT, b"\x01\x00"))
    expect(t.read(), b"bye")


@attack("", seen=("eof",), data="splice" + SECRET.decode())
def empty_records_are_no_end_for_splice(a, s):
    t = a.tls(s)
    out = t.sealer()
    s.sendall(out.seal(DATA, b"splice"))
    expect(t.read(), b"splice")
    s.sendall(b"".join(out.seal(DATA, b"") for _ in range(300)) + out.seal(DATA, SECRET))
    expect(t.read(), SECRET)
    s.sendall(out.seal(ALERT, b"\x01\x00"))
    expect(t.read(), b"bye")


@attack("tls", data="splice" + SECRET.decode())
def a_bad_record_for_splice(a, s):
    t = a.tls(s)
    out = t.sealer()
    s.sendall(out.seal(DATA, b"splice"))
    expect(t.read(), b"splice")
    record = out.seal(DATA, SECRET)
    s.sendall(record)
    expect(t.read(), SECRET)
    s.sendall(record)
    refused(s)


@attack("tls", data="poll")
def plaintext_for_an_event_loop(a, s):
    t = a.tls(s)
    t.write(b"poll")
    expect(t.read(), b"poll")
    s.sendall(b"QUIT\r\n" * 100)
    refused(s)


@attack("", seen=("eof",), data=SECRET.decode())
def padding_is_no_data(a, s):
    t = a.tls(s)
    out = t.sealer()
    s.sendall(out.seal(DATA, SECRET, padding=500) + out.seal(ALERT, b"\x01\x00"))
    expect(t.read(), SECRET)
    expect(t.read(), b"bye")


@attack("alert")
def a_record_of_an_unknown_type(a, s):
    t = a.tls(s)
    s.sendall(t.sealer().seal(99, SECRET))
    refused(s)


# ---- servers that misbehave ------------------------------------------------------

SERVERS = []


def server(reasons, errnos=("ECONNREFUSED",), cert="friend", alpn=None, tls=True, dial=None, **kw):
    """reasons: of the client's connection, "-" when connect() succeeds; errnos:
    what connect() may say; dial: what the client does after connect()."""
    def wrap(f):
        SERVERS.append((f, reasons, errnos, cert, alpn, tls, dial, kw))
        return f
    return wrap


def serve_one(directory, entry, c):
    f, _, _, cert, alpn, tls, _, kw = entry
    with c:
        c.settimeout(WAIT)
        try:
            if not tls:
                f(c)
                return
            ctx = context(True, os.path.join(directory, "ca.crt"),
                          os.path.join(directory, cert), alpn, **kw)
            t = Tls(c, ctx, True)
            t.handshake()
            f(t)
        except (OSError, ssl.SSLError):
            pass


def serve(host, port, directory):
    def loop(s, entry):
        while True:
            c, _ = s.accept()
            in_thread(serve_one, directory, entry, c)
    for i, entry in enumerate(SERVERS):
        in_thread(loop, listener(host, port + i), entry)
    threading.Event().wait()


@server("tls", tls=False)
def speaks_http(c):
    c.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
    read_end(c)             # closing over unread bytes would be a RST


@server("tls", tls=False)
def speaks_noise(c):
    c.sendall(random.Random(2).randbytes(5000))
    read_end(c)


@server("reset", tls=False)
def closes_at_once(c):
    pass


@server("reset", tls=False)
def resets_at_once(c):
    reset(c)


@server("reset", tls=False)
def resets_after_the_client_hello(c):
    c.recv(65536)
    reset(c)


@server("handshake-timeout", errnos=("ETIMEDOUT",), tls=False)
def says_nothing(c):
    read_end(c)


@server("handshake-timeout", errnos=("ETIMEDOUT",), tls=False)
def drips(c):
    c.sendall(struct.pack("!BHH", HANDSHAKE, 0x0303, 16000) + b"\x02\x00\x3e\x00")
    while True:
        c.sendall(b"\x00")
        time.sleep(0.1)


@server("tls", tls=False)
def sends_an_oversize_record(c):
    c.sendall(struct.pack("!BHH", HANDSHAKE, 0x0303, 20000) + bytes(20000))
    read_end(c)


@server("tls", tls=False)
def sends_data_before_the_handshake(c):
    c.recv(65536)
    c.sendall(struct.pack("!BHH", DATA, 0x0303, 100) + bytes(100))
    read_end(c)


@server("alert", tls=False)
def sends_a_fatal_alert(c):
    c.recv(65536)
    c.sendall(struct.pack("!BHHBB", ALERT, 0x0303, 2, 2, 40))
    read_end(c)


@server("tls alert", version=ssl.TLSVersion.TLSv1_2)
def speaks_tls_1_2(t):
    t.read()


@server("peer-certificate", cert="selfsigned")
def is_self_signed(t):
    t.read()


@server("peer-certificate", cert="expired")
def is_expired(t):
    t.read()


@server("peer-certificate", cert="early")
def is_not_yet_valid(t):
    t.read()


@server("peer-certificate", cert="beyond")
def is_beyond_its_name_constraints(t):
    t.read()


@server("peer-certificate", cert="wrongca")
def is_of_another_authority(t):
    t.read()


@server("peer-certificate", cert="nosan")
def has_no_spiffe_id(t):
    t.read()


@server("peer-certificate", cert="otherdomain")
def is_of_another_trust_domain(t):
    t.read()


@server("peer-identity", cert="stranger")
def is_somebody_else(t):
    t.read()


@server("peer-denied", errnos=("EACCES",), alpn="weft/1")
def denies(t):
    t.write(b"\x01\x01")
    t.read()


@server("tls", alpn="weft/1")
def cannot_take_it(t):
    t.write(b"\x01\x02")
    t.read()


@server("tls", alpn="weft/1")
def confirms_in_another_version(t):
    t.write(b"\x09\x00")
    t.read()


@server("tls", alpn="weft/1")
def confirms_too_much(t):
    t.write(b"\x01\x00\x00")
    t.read()


@server("tls", alpn="weft/1", tickets=2)
def confirms_after_tickets(t):
    t.write(b"\x01\x00")
    t.read()


@server("reset", alpn="weft/1")
def leaves_before_it_confirms(t):
    pass


@server("tls reset", alpn="weft/1")
def says_goodbye_before_it_confirms(t):
    t.close_notify()


# After connect(): dial(s) sees the client's side.

def echoes(s):
    s.sendall(b"one" * 1000)
    expect(exactly(s, 3000), b"one" * 1000)
    s.shutdown(socket.SHUT_WR)
    expect(s.recv(100), b"last", "after our shutdown")
    expect(s.recv(100), b"", "and then")


def ends_with(text, end):
    def dial(s):
        s.sendall(b"go")
        got = b""
        try:
            while block := s.recv(65536):
                got += block
            expect("EOF", end, "reading ended with")
        except OSError as e:
            expect(name_of(e), end, "reading ended with")
        expect(got, text)
    return dial


def exactly(s, n):
    data = b""
    while len(data) < n:
        got = s.recv(n - len(data))
        if not got:
            break
        data += got
    return data


def echo_to_the_end(t):
    while got := t.read():
        t.write(got)
    t.write(b"last")
    t.close_notify()
    read_end(t.sock)


@server("-", tickets=2, dial=echoes)
def is_foreign_but_decent_and_sends_tickets(t):
    echo_to_the_end(t)


@server("-", cert="within", dial=echoes)
def is_within_its_name_constraints(t):
    echo_to_the_end(t)


@server("-", alpn="weft/1", dial=echoes)
def is_decent(t):
    t.write(b"\x01\x00")
    echo_to_the_end(t)


@server("-", dial=ends_with(b"text", "EOF"))
def closes_well(t):
    t.read()
    t.write(b"text")
    t.close_notify()


@server("-", dial=ends_with(b"text", "ECONNRESET"))
def cuts_the_stream(t):
    t.read()
    t.write(b"text")


@server("-", alpn="weft/1", dial=ends_with(b"text", "ECONNRESET"))
def slips_plaintext_in(t):
    t.write(b"\x01\x00")
    t.read()
    t.write(b"text")
    t.sock.sendall(b"250 this is not from TLS\r\n" * 20)
    read_end(t.sock)


@server("-", alpn="weft/1", dial=ends_with(b"text", "ECONNRESET"))
def fails_with_an_alert(t):
    t.write(b"\x01\x00")
    t.read()
    out = t.sealer(seq=1)
    t.sock.sendall(out.seal(DATA, b"text") + out.seal(ALERT, b"\x02\x50"))
    read_end(t.sock)


@server("-", alpn="weft/1", dial=ends_with(b"text", "EOF"))
def updates_its_keys(t):
    t.write(b"\x01\x00")
    t.read()
    out = t.sealer(seq=1)
    t.sock.sendall(out.seal(HANDSHAKE, UPDATE + b"\0"))
    out.update()
    t.sock.sendall(out.seal(DATA, b"text") + out.seal(ALERT, b"\x01\x00"))
    t.sock.shutdown(socket.SHUT_WR)
    read_end(t.sock)


@server("-", alpn="weft/1", dial=ends_with(b"", "ECONNRESET"))
def updates_its_keys_wrongly(t):
    t.write(b"\x01\x00")
    t.read()
    t.sock.sendall(t.sealer(seq=1).seal(HANDSHAKE, UPDATE + b"\2"))
    read_end(t.sock)


# ---- the client of those ---------------------------------------------------------

def dial(host, port, good, directory):
    for i, (f, reasons, errnos, _, _, _, after, _) in enumerate(SERVERS):
        name = "client: the server " + f.__name__.replace("_", " ")
        try:
            with Deadline("handshake-timeout" in reasons):
                straight(host, port + i, errnos, after)
                if reasons != "-":
                    fails_over(f"{good}{i + 1}")
            print("ok", name, flush=True)
        except Exception as e:
            print(f"not ok {name} - {e!r}", flush=True)
            traceback.print_exc()
    print(f"all {len(SERVERS)} cases", flush=True)


def straight(host, port, errnos, after):
    with socket.socket() as s:
        s.settimeout(WAIT)
        got = s.connect_ex((host, port))
        expect(errno.errorcode.get(got, got), 0 if after else errnos, "connect() said")
        if after:
            after(s)


def fails_over(address):
    with socket.create_connection((address, 9000), WAIT) as s:
        s.sendall(b"to the good one")
        expect(exactly(s, 15), b"to the good one", "after failing over, got")


# -----------------------------------------------------------------------------------

if __name__ == "__main__":
    what, args = sys.argv[1], sys.argv[2:]
    if what == "app":
        App(args[1]).run(int(args[0]))
    elif what == "attack":
        Attacker(args[0], int(args[1]), args[2], args[3]).run()
    elif what == "names":
        for entry in SERVERS:
            print(entry[0].__name__, *entry[1].split())
    elif what == "serve":
        serve(args[0], int(args[1]), args[2])
    else:
        dial(args[0], int(args[1]), args[2], args[3])
