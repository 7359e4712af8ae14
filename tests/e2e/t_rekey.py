#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Keys that change in the middle of a connection, record by record: the peer's
KeyUpdates, however they come and whatever call of the application meets them;
ours, before a key is worn out and when the peer asks.

The application is a process of its own.  This process is the daemon, which
invents keys and secrets, and the peer, which has no weft and makes its records
by hand.
"""
# timeout: 900
import array
import errno
import fcntl
import hashlib
import os
import pickle
import select
import socket
import struct
import sys
import tempfile
import termios

import genl
from genl import C
from harness import Child, check, counters, equal, run, wait_for
from messages import ID
from rawtls import ALERT, DATA, HANDSHAKE, Opener, SUITES, Sealer, UPDATE
from t_netlink import claim, must, name_of, refused
from t_netlink_worker import CLIENT, Mesh, PEER, SERVICE, SOL_TLS, TLS_RX, TLS_TX

AES_128, AES_256, CHACHA = SUITES
TYPES = {AES_128: 51, AES_256: 52, CHACHA: 54}
SECRETS = C["WEFT_TLS_SECRETS"]
SECRET_MAX = C["WEFT_TLS_SECRET_MAX"]
PARAMETERS = "/sys/module/weft/parameters/"
CLOSE_NOTIFY = b"\x01\x00"
UPDATES_MAX = 32        # one upon the other: kmod/limits.h
SO_PEEK_OFF = 42


# ---- the application -----------------------------------------------------------

def splice(s, n):
    r, w = os.pipe()
    try:
        got = os.splice(s.fileno(), w, n)
        return os.read(r, got) if got else b""
    finally:
        os.close(r)
        os.close(w)


def poll(s, ms):
    p = select.poll()
    p.register(s, select.POLLIN | select.POLLOUT)
    return p.poll(ms)[0][1]


def wait_in(s):
    """What is readable can be read at once."""
    select.select([s], [], [])
    return s.recv(65536, socket.MSG_DONTWAIT)


def unread(s):
    n = array.array("i", [0])
    fcntl.ioctl(s, termios.FIONREAD, n)
    return n[0]


def wait_unread(s, want):
    wait_for(f"{want} bytes to wait", lambda: unread(s) == want)


def pattern(n, start=0):
    """n bytes, from start on, of what repeats where no record does."""
    out = bytes(range(251)) * (n // 251 + 2)
    return out[start % 251:start % 251 + n]


def fill(s):
    """As much as goes in without waiting."""
    n = 0
    s.setblocking(False)
    try:
        while True:
            n += s.send(pattern(1 << 20, n))
    except BlockingIOError:
        s.setblocking(True)
        return n


def sendfile(s, n):
    with tempfile.TemporaryFile() as f:
        f.write(pattern(n))
        f.flush()
        return os.sendfile(s.fileno(), f.fileno(), 0, n)


CALLS = {
    "recv": lambda s, n, flags=0: s.recv(n, flags),
    "send": lambda s, data, flags=0: s.send(data, flags),
    "go_on": lambda s, n, start: s.sendall(pattern(n, start)),
    "many": lambda s, data, times: [s.sendall(data) for _ in range(times)] and None,
    "option": lambda s, *what: s.setsockopt(*what),
    "shutdown": lambda s, how: s.shutdown(how),
    "splice": splice, "poll": poll, "wait_in": wait_in,
    "wait_unread": wait_unread, "unread": unread, "fill": fill, "sendfile": sendfile,
}


class App:
    """Connects; then does what it is told."""

    def __init__(self):
        self.there, here = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.there.settimeout(genl.WAIT)
        self.child = Child(self._run, here, self.there)
        here.close()

    @staticmethod
    def _run(here, there):
        there.close()
        os.setgroups([])
        os.setresgid(CLIENT, CLIENT, CLIENT)
        os.setresuid(CLIENT, CLIENT, CLIENT)
        s = socket.socket()
        here.send(pickle.dumps(s.connect_ex(SERVICE)))
        while order := here.recv(1 << 20):
            name, args = pickle.loads(order)
            if name == "close":
                s.close()
            try:
                out = CALLS[name](s, *args) if name != "close" else None
            except OSError as e:
                out = OSError(e.errno, "in the application")
            here.send(pickle.dumps(out))

    def begin(self, name, *args):
        plain = [int(a) if isinstance(a, int) else a for a in args]     # flags are enums
        self.there.send(pickle.dumps((name, plain)))

    def end(self):
        """What became of what was begun."""
        out = pickle.loads(self.there.recv(1 << 20))
        if isinstance(out, OSError):
            raise out
        return out

    def __getattr__(self, name):
        def call(*args):
            self.begin(name, *args)
            return self.end()
        return call

    def error(self, name, *args):
        """The errno's name with which a call fails."""
        try:
            return f"no error, but {getattr(self, name)(*args)!r}"
        except OSError as e:
            return errno.errorcode[e.errno]

    def over(self):
        self.there.close()
        self.child.result()


# ---- connections ---------------------------------------------------------------

def key_option(suite, secret, seq):
    """struct tls12_crypto_info_*"""
    k = Sealer(secret, suite)
    head, number = struct.pack("=HH", 0x0304, TYPES[suite]), struct.pack("!Q", seq)
    if suite == CHACHA:
        return head + k.iv + k.key + number
    return head + k.iv[4:] + k.key + k.iv[:4] + number


def secrets_option(tx, rx, length=None):
    return struct.pack(f"=I{SECRET_MAX}s{SECRET_MAX}s", len(tx) if length is None else length, tx, rx)


def secret(suite, name):
    """Of the length that the suite has."""
    return hashlib.new(SUITES[suite][1], name.encode()).digest()


def option(s, number, value):
    try:
        s.setsockopt(SOL_TLS, number, value)
        return "ok"
    except OSError as e:
        return name_of(e.errno)


class Conn:
    """A live one: .app at one end, the peer is here."""

    def __init__(self, mesh, suite=AES_128, secrets=True, seq=0):
        self.mesh, self.suite = mesh, suite
        self.app = App()
        command, attrs = mesh.worker.next_unasked()
        assert command == "HANDSHAKE_READY", command
        self.number = attrs["CONN"]["ID"]
        self.sock, _ = mesh.server.accept()
        self.sock.settimeout(genl.WAIT)
        tx, rx = secret(suite, "app"), secret(suite, "peer")
        self.sealer, self.opener = Sealer(rx, suite, seq), Opener(tx, suite, seq)
        with mesh.accept(self.number) as fd:
            must(mesh.ask("HANDSHAKE_JUDGE", self.number, PEER_IDENTITY=PEER))
            fd.setsockopt(SOL_TLS, TLS_TX, key_option(suite, tx, seq))
            fd.setsockopt(SOL_TLS, TLS_RX, key_option(suite, rx, seq))
            if secrets:
                fd.setsockopt(SOL_TLS, SECRETS, secrets_option(tx, rx))
            must(mesh.ask("HANDSHAKE_DONE", self.number, REASON=C["WEFT_REASON_NONE"], CIPHER=suite))
        assert pickle.loads(self.app.there.recv(100)) == 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()
        self.app.over()

    def send(self, *records):
        """(type, content) each; True and False are KeyUpdates, with request or without."""
        out = b""
        for r in records:
            if isinstance(r, bool):
                out += self.sealer.seal(HANDSHAKE, UPDATE + bytes([r]))
                self.sealer.update()
            elif isinstance(r, bytes):
                out += self.sealer.seal(DATA, r)
            else:
                out += self.sealer.seal(*r)
        self.sock.sendall(out)

    def wait_arrived(self):
        def left():
            n = array.array("i", [0])
            fcntl.ioctl(self.sock, termios.TIOCOUTQ, n)
            return n[0]
        wait_for("what was sent to arrive", lambda: left() == 0)

    def exactly(self, n):
        out = b""
        while len(out) < n:
            got = self.sock.recv(n - len(out))
            if not got:
                raise EOFError(f"the stream ended with {out!r}")
            out += got
        return out

    def read(self):
        """One record: type, content.  Behind a KeyUpdate the next key is used."""
        head = self.exactly(5)
        kind, data = self.opener.open(head + self.exactly(int.from_bytes(head[3:], "big")))
        if kind == HANDSHAKE and data == UPDATE + b"\0":
            self.opener.update()
        return kind, data

    def read_data(self, n):
        """n bytes; the numbers of the records that the keys before had."""
        out, last = b"", []
        while len(out) < n:
            seq = self.opener.seq
            kind, data = self.read()
            if kind == DATA:
                out += data
            else:
                assert (kind, data) == (HANDSHAKE, UPDATE + b"\0"), (kind, data)
                last.append(seq)
        return out, last

    def end_of_stream(self):
        """Of what the peer's TCP hands out: "close_notify", or the errno's name."""
        try:
            while True:
                kind, data = self.read()
                if (kind, data) == (ALERT, CLOSE_NOTIFY):
                    return "close_notify"
        except EOFError:
            return "FIN"
        except OSError as e:
            return errno.errorcode[e.errno]

    def reason(self):
        return C.enums["weft_reason"][self.mesh.conn(self.number)["REASON"]][len("WEFT_REASON_"):]

    def count(self):
        n = counters(self.mesh.nl)
        return n["keys_updated_rx"], n["keys_updated_tx"]


class Worn:
    """Keys that are worn out after so many records."""

    def __init__(self, records, grace=None):
        self.wanted = {"key_records": records, "key_grace": grace}

    def __enter__(self):
        self.before = {}
        for name, value in self.wanted.items():
            if value is not None:
                with open(PARAMETERS + name, encoding="ascii") as f:
                    self.before[name] = f.read()
                self.set(name, value)

    def __exit__(self, *_):
        for name, value in self.before.items():
            self.set(name, value)

    @staticmethod
    def set(name, value):
        with open(PARAMETERS + name, "w", encoding="ascii") as f:
            f.write(str(value))


class RekeyMesh(Mesh):
    def end(self):
        wait_for("the connections to go",
                 lambda: self.nl.request("STATUS_GET").object["STATUS"]["CONNS"] == 0)
        super().end()


def meshed(function):
    def claimed(nl):
        mesh = RekeyMesh(nl)
        function(mesh)
        mesh.end()
    claimed.__name__ = function.__name__
    return claim(claimed)


# ---- how the secrets come ------------------------------------------------------

@meshed
def secrets_come_behind_the_keys(mesh):
    tx, rx = secret(AES_128, "app"), secret(AES_128, "peer")
    right = secrets_option(tx, rx)
    app = App()
    number = mesh.worker.next_unasked()[1]["CONN"]["ID"]
    with mesh.accept(number) as fd:
        equal("secrets without a verdict", "EACCES", option(fd, SECRETS, right))
        must(mesh.ask("HANDSHAKE_JUDGE", number, PEER_IDENTITY=PEER))
        equal("secrets without keys", "ENOTCONN", option(fd, SECRETS, right))
        equal("a key", "ok", option(fd, TLS_TX, key_option(AES_128, tx, 0)))
        equal("secrets with one key", "ENOTCONN", option(fd, SECRETS, right))
        equal("the other key", "ok", option(fd, TLS_RX, key_option(AES_128, rx, 0)))
        for name, wrong in (("short", right[:-1]), ("long", right + b"\0"), ("empty", b""),
                            ("of no length", secrets_option(tx, rx, 0)),
                            ("of another hash", secrets_option(tx, rx, 48)),
                            ("of a length without end", secrets_option(tx, rx, 0xffffffff))):
            equal(f"secrets that are {name}", "EINVAL", option(fd, SECRETS, wrong))
        equal("an option that nobody knows", "ENOPROTOOPT", option(fd, SECRETS + 1, right))
        equal("secrets", "ok", option(fd, SECRETS, right))
        equal("secrets twice", "EBUSY", option(fd, SECRETS, right))
        must(mesh.ask("HANDSHAKE_DONE", number, REASON=C["WEFT_REASON_NONE"]))
        equal("secrets of a live one", "ENOPROTOOPT", option(fd, SECRETS, right))
    raw = b"".join(mesh.nl.request("CONN_GET", {"CONN": {"ID": number}}).raw + mesh.nl.dump("CONN_GET").raw)
    check("no message holds a secret", tx not in raw and rx not in raw)
    assert pickle.loads(app.there.recv(100)) == 0
    equal("the application may not hand over any", "ENOPROTOOPT", app.error("option", SOL_TLS, SECRETS, right))
    app.over()
    mesh.server.accept()[0].close()


# ---- the peer's key ------------------------------------------------------------

@meshed
def update_of_each_suite_is_followed(mesh):
    for suite in SUITES:
        with Conn(mesh, suite) as c:
            before = c.count()[0]
            c.send(b"one", False, b"two", False, False, b"three")
            equal(f"{suite}: data around KeyUpdates", b"onetwothree",
                  c.app.recv(11, socket.MSG_WAITALL))
            c.app.send(b"echo")
            equal(f"{suite}: and the other way", (DATA, b"echo"), c.read())
            equal(f"{suite}: counted", before + 3, c.count()[0])


@meshed
def numbers_need_not_begin_at_nought(mesh):
    with Conn(mesh, seq=1) as c:
        c.send(b"one", False, b"two", True, b"three")
        equal("data around KeyUpdates", b"onetwothree", c.app.recv(11, socket.MSG_WAITALL))
        c.app.send(b"echo")
        equal("the answer and data", b"echo", c.read_data(4)[0])


@meshed
def every_way_of_reading_follows(mesh):
    with Conn(mesh) as c:
        text = (b"one", False, b"two", False, False, b"three")
        c.send(*text)
        c.app.wait_unread(11 + 3 * 5)
        equal("recv() ends at the first one, or later", True, c.app.recv(64) in (b"one", b"onetwothree"))
        c.send(b"end")
        while not c.app.recv(64).endswith(b"end"):
            pass
        c.send(*text)
        equal("splice()", [b"one", b"two", b"three"], [c.app.splice(100) for _ in range(3)])
        c.send(*text)
        equal("recv() of single bytes", b"onetwothree", b"".join(c.app.recv(1) for _ in range(11)))
        c.send(*text)
        equal("a peek at all", b"onetwothree", c.app.recv(11, socket.MSG_PEEK | socket.MSG_WAITALL))
        equal("takes nothing", b"onetwothree", c.app.recv(11, socket.MSG_PEEK | socket.MSG_WAITALL))
        equal("and all is there to be read", b"onetwothree", c.app.recv(64))
        c.app.option(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 11)
        c.send(*text)
        equal("SO_RCVLOWAT", b"onetwothree", c.app.recv(64))
        c.app.option(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
        try:
            c.app.option(socket.SOL_SOCKET, SO_PEEK_OFF, 0)
        except OSError as e:    # of before 6.9
            equal("no SO_PEEK_OFF", errno.EOPNOTSUPP, e.errno)
            return
        c.send(*text)
        got = b""
        while len(got) < 11:
            got += c.app.recv(2, socket.MSG_PEEK)
        equal("SO_PEEK_OFF", b"onetwothree", got[:11])
        equal("and then recv()", b"onetwothree", c.app.recv(11, socket.MSG_WAITALL))


@meshed
def update_alone_makes_nothing_readable(mesh):
    with Conn(mesh) as c:
        c.send(b"first")        # a foreign server's tickets are behind us
        c.app.recv(64)
        before = c.count()[0]
        c.app.begin("wait_in")
        c.send(False)
        wait_for("poll() to follow", lambda: c.count()[0] == before + 1)
        c.send(False, False)
        wait_for("poll() to follow two", lambda: c.count()[0] == before + 3)
        c.send(b"data")
        equal("select() and recv() meet the data alone", b"data", c.app.end())
        c.send(True)
        wait_for("it to arrive", lambda: c.app.unread() == 0 and c.count()[0] == before + 4)
        check("poll() after FIONREAD", not c.app.poll(0) & select.POLLIN)
        c.send(b"12345")
        equal("data of its size is data", b"12345", c.app.wait_in())
        c.send(b"12345")
        c.app.wait_unread(5)
        check("for poll(), too", c.app.poll(0) & select.POLLIN)
        equal("and for recv()", b"12345", c.app.recv(64))


@meshed
def blocking_reader_waits_through_it(mesh):
    with Conn(mesh) as c:
        before = c.count()[0]
        for call, want in ((("recv", 64), b"data"), (("splice", 64), b"data"),
                           (("recv", 64, socket.MSG_PEEK), b"data"),
                           (("recv", 8, socket.MSG_WAITALL), b"datadata")):
            c.app.begin(*call)
            c.send(False)
            before += 1
            wait_for("it to be followed", lambda: c.count()[0] == before)
            c.send(b"data")
            equal(f"{call[0]}{call[1:]} returns with the data", want, c.app.end())


@meshed
def unread_update_does_not_spoil_close(mesh):
    for name, records in (("a KeyUpdate", (False,)), ("several", (False, True, False)),
                          ("a KeyUpdate and a close_notify", (False, (ALERT, CLOSE_NOTIFY)))):
        with Conn(mesh) as c:
            c.send(b"data")
            c.app.recv(4)
            c.send(*records)
            c.wait_arrived()
            c.app.close()
            equal(f"close() over {name} is no reset", "close_notify", c.end_of_stream())


@meshed
def update_in_pieces_and_among_tickets(mesh):
    ticket = b"\x04\x00\x00\x0a" + b"ticket" * 2
    ticket = ticket[:14]
    looks = b"\x04\x00\x01\x00" + (UPDATE + b"\0") * 60     # 256 bytes, not all of them
    with Conn(mesh) as c:
        c.send((HANDSHAKE, ticket), b"1")
        equal("a ticket is skipped", b"1", c.app.recv(64))
        c.send((HANDSHAKE, ticket + UPDATE + b"\0"))
        c.sealer.update()
        c.send(b"2")
        equal("a KeyUpdate behind a ticket in a record", b"2", c.app.recv(64))
        c.send((HANDSHAKE, UPDATE[:1]), (HANDSHAKE, UPDATE[1:]), (HANDSHAKE, b"\0"))
        c.sealer.update()
        c.send(b"3")
        equal("a KeyUpdate in three records", b"3", c.app.recv(64))
        c.send((HANDSHAKE, looks[:4]), (HANDSHAKE, looks[4:204]), (HANDSHAKE, looks[204:260]), b"4")
        equal("a ticket that looks like KeyUpdates", b"4", c.app.recv(64))
        c.send((HANDSHAKE, looks[:4]), (HANDSHAKE, looks[4:260] + UPDATE + b"\1"))
        c.sealer.update()
        c.send(b"5")
        equal("with a real one behind it", b"5", c.app.wait_in())
        c.app.send(b"answer")
        equal("which is answered", b"answer", c.read_data(6)[0])


@meshed
def update_that_is_wrong_resets(mesh):
    wrong = (("request_update 2", UPDATE + b"\2"), ("of no length", b"\x18\0\0\0"),
             ("too long", b"\x18\0\0\2\0\0"), ("followed by another", (UPDATE + b"\0") * 2),
             ("followed by a ticket", UPDATE + b"\0" + b"\4\0\0\1x"))
    for name, message in wrong:
        with Conn(mesh) as c:
            c.send(b"data", (HANDSHAKE, message))
            equal(f"{name}: what came before is read", b"data", c.app.recv(64))
            equal(f"{name}: then a reset", "ECONNRESET", c.app.error("recv", 64))
            equal(f"{name}: for ever", "ECONNRESET", c.app.error("recv", 64))
            equal(f"{name}: and why", "KEY_UPDATE", c.reason())
    for name, records in (("a handshake record without a message", ((HANDSHAKE, b""),)),
                          ("data among the pieces of a message",
                           ((HANDSHAKE, UPDATE), b"data", (HANDSHAKE, b"\0"))),
                          ("the old key behind a KeyUpdate", ((HANDSHAKE, UPDATE + b"\0"), b"data"))):
        with Conn(mesh) as c:
            c.send(*records)
            error = c.app.error("recv", 64)
            if error != "ECONNRESET":
                error = c.app.error("recv", 64)
            equal(f"{name}: a reset", "ECONNRESET", error)
            equal(f"{name}: and why", "TLS", c.reason())


@meshed
def flood_of_updates_resets(mesh):
    with Conn(mesh) as c:
        c.send(*[False] * (UPDATES_MAX - 2), b"data")
        equal("many one upon the other are followed", b"data", c.app.recv(64))
        c.send(*[False] * (UPDATES_MAX + 20))
        equal("too many are not", "ECONNRESET", c.app.error("recv", 64))
        equal("and why", "KEY_UPDATE", c.reason())
    with Conn(mesh) as c:
        c.app.begin("recv", 4 * UPDATES_MAX * 8 * 3, socket.MSG_WAITALL)
        for _ in range(UPDATES_MAX * 3):
            c.send(*[b"data"] * 8, True)
        equal("with data between them they are followed", b"data" * 8 * UPDATES_MAX * 3, c.app.end())
        c.app.send(b"data")
        equal("and one answer suffices", [0], c.read_data(4)[1])


@meshed
def without_secrets_it_resets(mesh):
    with Conn(mesh, secrets=False) as c:
        c.send(b"data", False, b"more")
        equal("what came before is read", b"data", c.app.recv(64))
        equal("then a reset", "ECONNRESET", c.app.error("recv", 64))
        equal("and why", "KEY_UPDATE", c.reason())


# ---- our key -------------------------------------------------------------------

@meshed
def key_is_renewed_in_time(mesh):
    with Worn(16):
        for suite in SUITES:
            with Conn(mesh, suite) as c:
                before = c.count()[1]
                c.app.many(b"data", 100)
                got, last = c.read_data(400)
                equal(f"{suite}: all arrives", b"data" * 100, got)
                equal(f"{suite}: under keys of 16 records each", [16] * 6, last)
                equal(f"{suite}: counted", before + 6, c.count()[1])
                c.app.close()
                equal(f"{suite}: close_notify with the last key", "close_notify", c.end_of_stream())
        with Conn(mesh, seq=10) as c:
            c.app.many(b"data", 10)
            equal("the first key counts from where it was", [16], c.read_data(40)[1])


@meshed
def request_is_answered_before_data(mesh):
    with Conn(mesh) as c:
        c.send(b"data", True, True, False, True)
        c.wait_arrived()
        c.app.recv(64)
        equal("all are read", "EAGAIN", c.app.error("recv", 64, socket.MSG_DONTWAIT))
        equal("no answer without data", [], select.select([c.sock], [], [], 0)[0])
        c.app.send(b"echo")
        equal("then the answer", (HANDSHAKE, UPDATE + b"\0"), c.read())
        equal("then the data", (DATA, b"echo"), c.read())
        c.app.send(b"more")
        equal("and that was all", (DATA, b"more"), c.read())
        c.send(True)
        c.app.begin("recv", 64)
        c.send(b"data")
        c.app.end()
        c.app.send(b"part", socket.MSG_MORE)
        c.send(True, b"data")
        c.app.recv(64)
        c.app.send(b"rest")
        got = [c.read() for _ in range(4)]
        equal("an open record is closed before", [(HANDSHAKE, UPDATE + b"\0"), (DATA, b"part"),
                                                 (HANDSHAKE, UPDATE + b"\0"), (DATA, b"rest")], got)
        c.send(True, b"data")
        c.app.recv(64)
        c.app.sendfile(400)
        got, last = c.read_data(400)
        equal("sendfile() answers, too", (pattern(400), 1), (got, len(last)))
        c.send(True)
        c.app.begin("recv", 64)
        c.send((ALERT, CLOSE_NOTIFY))
        equal("the peer's end", b"", c.app.end())
        c.app.send(b"last words")
        equal("is answered all the same", b"last words", c.read_data(10)[0])


@meshed
def full_buffer_does_not_hinder_it(mesh):
    with Worn(16), Conn(mesh) as c:
        sent = c.app.fill()
        before = c.count()[1]
        c.send(True, b"data")
        equal("the request is read", b"data", c.app.recv(64))
        c.app.begin("go_on", 1 << 18, sent)
        got, last = c.read_data(sent + (1 << 18))
        c.app.end()
        check("all arrives", got == pattern(len(got)), len(got))
        check("under more than one key", len(last) > 1, last)
        check("and one for the request", c.count()[1] > before)
        c.app.begin("many", pattern(5000), 200)
        got, last = c.read_data(5000 * 200)
        c.app.end()
        check("many calls, too", got == pattern(5000) * 200)
        check("under many keys", len(last) >= 11, last)
        c.app.begin("sendfile", 1 << 19)
        got, last = c.read_data(1 << 19)
        equal("and sendfile()", 1 << 19, c.app.end())
        check("whole", got == pattern(1 << 19))


@meshed
def worn_out_key_sends_nothing(mesh):
    with Worn(16, 16):
        for suite in (AES_128, AES_256):
            with Conn(mesh, suite, secrets=False) as c:
                c.app.many(b"data", 32)
                equal(f"{suite}: the grace is used", b"data" * 32, c.read_data(128)[0])
                equal(f"{suite}: then a reset", "ECONNRESET", c.app.error("send", b"data"))
                equal(f"{suite}: as after any", "EPIPE", c.app.error("send", b"data"))
                equal(f"{suite}: reading", "ECONNRESET", c.app.error("recv", 64))
                equal(f"{suite}: for the peer", "ECONNRESET", c.end_of_stream())
                equal(f"{suite}: and why", "KEY_UPDATE", c.reason())
        with Conn(mesh, CHACHA, secrets=False) as c:
            c.app.many(b"data", 100)
            equal(f"{CHACHA} does not wear out", b"data" * 100, c.read_data(400)[0])


@meshed
def parameters_have_limits(_):
    for name, few, many in (("key_records", 15, (1 << 23) + 1), ("key_grace", -1, 1 << 24)):
        for value in (few, many):
            try:
                Worn.set(name, value)
                check(f"{name} {value} is refused", False)
            except OSError as e:
                equal(f"{name} {value} is refused", errno.EINVAL, e.errno)


if __name__ == "__main__":
    sys.exit(run([secrets_come_behind_the_keys, update_of_each_suite_is_followed,
                  numbers_need_not_begin_at_nought, every_way_of_reading_follows,
                  update_alone_makes_nothing_readable, blocking_reader_waits_through_it,
                  unread_update_does_not_spoil_close, update_in_pieces_and_among_tickets,
                  update_that_is_wrong_resets, flood_of_updates_resets, without_secrets_it_resets,
                  key_is_renewed_in_time, request_is_answered_before_data,
                  full_buffer_does_not_hinder_it, worn_out_key_sends_nothing,
                  parameters_have_limits]))
