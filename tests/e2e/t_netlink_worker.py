#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The worker's commands on real connections: by who is no worker, twice, out of
order, with ids that are stale or of another namespace, spoilt, without keys.  A
connection either gets what it should have or fails closed.

A client of its own process and user connects to a plain server by way of the
module; this process is the worker and invents the handshake's result.
"""
# timeout: 600
# kernels: 6.1
import errno
import fcntl
import os
import resource
import socket
import struct
import sys

import genl
from genl import C, COMMANDS, Genl, NLM_F_DUMP
from harness import (HANDSHAKE_TIMEOUT, Child, check, counters, equal, everything, in_child, run,
                     wait_for)
from messages import ID, messages
from t_netlink import accepted, all_refused, claim, in_namespace, must, name_of, refused

CLIENT = 1234           # the user whose connections are meshed
SERVICE = ("240.0.0.9", 7000)
PEER = ID + "server"
SOL_TLS, TLS_TX, TLS_RX = 282, 1, 2
KEYS = struct.pack("=HH8s16s4s8s", 0x0304, 51, b"i" * 8, b"k" * 16, b"s" * 4, b"\0" * 8)
BYE = b"bye"


class Mesh:
    """A namespace with one service, whose server accepts and says nothing."""

    def __init__(self, nl):
        self.nl = nl
        self.server = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.configure()
        self.worker = Genl()
        must(self.worker.request("WORKER_NEW"))
        self.clients = []

    def configure(self):
        nl, port = self.nl, self.server.getsockname()[1]
        must(nl.request("WORKLOAD_NEW", {"WORKLOAD": {
            "NAME": "client", "IDENTITY": ID + "client", "SELECTORS": [{"UID": CLIENT}]}}))
        must(nl.request("SERVICE_NEW", {"SERVICE": {
            "NAME": "server", "ADDRESSES": [SERVICE[0]], "PORTS": [{"PORT": SERVICE[1], "TARGET": port}],
            "IDENTITIES": [PEER]}}))
        must(nl.request("ENDPOINT_NEW", {"ENDPOINT": {"SERVICE": "server", "ADDRESS": "127.0.0.1"}}))

    def connect(self):
        """A client begins to connect: its connection's id."""
        self.clients.append(Client())
        command, attrs = self.worker.next_unasked()
        assert command == "HANDSHAKE_READY", command
        return attrs["CONN"]["ID"]

    def conn(self, number):
        return must(self.nl.request("CONN_GET", {"CONN": {"ID": number}})).object["CONN"]

    def ask(self, command, number, **more):
        return self.worker.request(command, {"CONN": {"ID": number, **more}})

    def accept(self, number):
        return socket.socket(fileno=must(self.ask("HANDSHAKE_ACCEPT", number)).object["FD"])

    def equal_state(self, name, state, number):
        equal(name, C["WEFT_CONN_" + state], self.conn(number)["STATE"])

    def outcome(self):
        """What the client's connect() said."""
        return name_of(self.clients[-1].outcome())

    def wait_gone(self):
        """Until no connection is left, a closing one neither."""
        wait_for("the connections to go",
                 lambda: self.nl.request("STATUS_GET").object["STATUS"]["CONNS"] == 0)

    def end(self):
        for c in self.clients:
            c.end()
        self.worker.close()
        self.server.close()
        self.wait_gone()
        count = counters(self.nl)
        equal("every connection created was destroyed", count["conns_created"], count["conns_destroyed"])


class Client:
    """A process of CLIENT's that connects, and closes when told."""

    def __init__(self):
        self.there, here = socket.socketpair()
        self.child = Child(self._run, here, self.there)
        here.close()
        self.error = None

    @staticmethod
    def _run(here, there):
        there.close()
        os.setgroups([])
        os.setresgid(CLIENT, CLIENT, CLIENT)
        os.setresuid(CLIENT, CLIENT, CLIENT)
        with socket.socket() as s:
            here.send(struct.pack("=i", s.connect_ex(SERVICE)))
            here.recv(len(BYE))

    def outcome(self):
        if self.error is None:
            self.there.settimeout(genl.WAIT)
            self.error = struct.unpack("=i", self.there.recv(4))[0]
        return self.error

    def end(self):
        self.outcome()
        self.there.send(BYE)
        self.child.result()
        self.there.close()


def meshed(function):
    def claimed(nl):
        mesh = Mesh(nl)
        function(mesh)
        mesh.end()
    claimed.__name__ = function.__name__
    return claim(claimed)


def install(fd, *directions):
    """Keys; the errno."""
    for direction in directions:
        try:
            fd.setsockopt(SOL_TLS, direction, KEYS)
        except OSError as e:
            return name_of(e.errno)
    return "ok"


@meshed
def registration(mesh):
    refused("a worker twice", "EEXIST", mesh.worker.request("WORKER_NEW"))
    more = [Genl() for _ in range(C["WEFT_WORKERS_MAX"])]
    for nl in more[:-1]:
        must(nl.request("WORKER_NEW"))
    refused("a worker too many", "ENOSPC", more[-1].request("WORKER_NEW"))
    more.pop(0).close()
    accepted("one closed makes room", more[-1].request("WORKER_NEW"))
    for nl in more:
        nl.close()
    equal("closed workers are gone", 1, mesh.nl.request("STATUS_GET").object["STATUS"]["WORKERS"])


@meshed
def wrong_hands(mesh):
    number = mesh.connect()
    refused("ACCEPT by who is no worker", "EPERM",
            mesh.nl.request("HANDSHAKE_ACCEPT", {"CONN": {"ID": number}}))
    refused("JUDGE before ACCEPT", "ECANCELED", mesh.ask("HANDSHAKE_JUDGE", number, PEER_IDENTITY=PEER))
    for reason in ("NONE", "TLS"):
        refused(f"DONE({reason}) before ACCEPT", "ECANCELED",
                mesh.ask("HANDSHAKE_DONE", number, REASON=C["WEFT_REASON_" + reason]))
    mesh.equal_state("the connection waits on", "WANT", number)

    def elsewhere(nl):
        must(nl.request("WORKER_NEW"))
        for command, message in messages(conn=number).items():
            if "CONN" in message:
                refused(f"{command} from another namespace", "ENOENT", nl.request(command, message))
    in_namespace(elsewhere)
    mesh.equal_state("that changed nothing", "WANT", number)

    a = must(mesh.ask("HANDSHAKE_ACCEPT", number)).object
    fd = socket.socket(fileno=a["FD"])
    check("the descriptor is CLOEXEC", fcntl.fcntl(fd, fcntl.F_GETFD) & fcntl.FD_CLOEXEC)
    equal("ACCEPT says what the peer may be", [PEER], a["CONN"]["IDENTITIES"])
    check("and how long it may take", 0 < a["CONN"]["DEADLINE"] <= HANDSHAKE_TIMEOUT, a)
    with Genl() as second:
        must(second.request("WORKER_NEW"))
        for name, nl in (("again", mesh.worker), ("by a second worker", second)):
            refused(f"ACCEPT {name}", "EALREADY", nl.request("HANDSHAKE_ACCEPT", {"CONN": {"ID": number}}))

        def thief():
            with Genl() as nl:
                must(nl.request("WORKER_NEW"))
                refused("ACCEPT by another process", "EALREADY",
                        nl.request("HANDSHAKE_ACCEPT", {"CONN": {"ID": number}}))
                refused("JUDGE by another process", "ECANCELED",
                        nl.request("HANDSHAKE_JUDGE", {"CONN": {"ID": number, "PEER_IDENTITY": PEER}}))
                refused("DONE by another process", "ECANCELED", nl.request(
                    "HANDSHAKE_DONE", {"CONN": {"ID": number, "REASON": C["WEFT_REASON_TLS"]}}))
        in_child(thief)
    mesh.equal_state("it is in the first one's hands still", "HANDSHAKE", number)

    for command, message in messages(conn=number).items():
        if "CONN" in message:
            all_refused(mesh.worker, command, message)
    accepted("a failure is reported", mesh.ask(
        "HANDSHAKE_DONE", number, REASON=C["WEFT_REASON_TLS"], ERRNO=errno.ECONNREFUSED, DETAIL="no"))
    fd.close()
    equal("and connect() says so", "ECONNREFUSED", mesh.outcome())


@meshed
def without_keys(mesh):
    for name, directions in (("no keys", ()), ("only TLS_TX", (TLS_TX,)), ("only TLS_RX", (TLS_RX,))):
        number = mesh.connect()
        with mesh.accept(number) as fd:
            must(mesh.ask("HANDSHAKE_JUDGE", number, PEER_IDENTITY=PEER))
            equal(f"{name}: installed", "ok", install(fd, *directions))
            refused(f"{name}: DONE is refused", "EINVAL",
                    mesh.ask("HANDSHAKE_DONE", number, REASON=C["WEFT_REASON_NONE"]))
            refused(f"{name}: and that was its end", "ECANCELED",
                    mesh.ask("HANDSHAKE_DONE", number, REASON=C["WEFT_REASON_NONE"]))
        equal(f"{name}: the connection fails closed", "ECONNREFUSED", mesh.outcome())
        mesh.clients[-1].end()
        mesh.clients.pop()


@meshed
def judgement(mesh):
    number = mesh.connect()
    with mesh.accept(number) as fd:
        equal("no keys without a verdict", "EACCES", install(fd, TLS_TX))
        wrong = must(mesh.ask("HANDSHAKE_JUDGE", number, PEER_IDENTITY=ID + "other")).object["CONN"]
        equal("another identity is not the service's", (errno.EACCES, C["WEFT_REASON_PEER_IDENTITY"]),
              (wrong["ERRNO"], wrong["REASON"]))
        equal("no keys for it", "EACCES", install(fd, TLS_TX))
        right = must(mesh.ask("HANDSHAKE_JUDGE", number, PEER_IDENTITY=PEER)).object["CONN"]
        equal("the last verdict counts", (0, C["WEFT_REASON_NONE"]), (right["ERRNO"], right["REASON"]))
        equal("keys for the right one", "ok", install(fd, TLS_TX, TLS_RX))
        equal("once", "EBUSY", install(fd, TLS_TX))
        must(mesh.ask("HANDSHAKE_JUDGE", number, PEER_IDENTITY=ID + "other"))
        refused("DONE after a verdict against it", "EACCES",
                mesh.ask("HANDSHAKE_DONE", number, REASON=C["WEFT_REASON_NONE"]))
    check("the connection fails closed", mesh.outcome() in ("EACCES", "ECONNREFUSED"), mesh.outcome())


@meshed
def revoked(mesh):
    """By identity and by serial, which counts as revoked where it is not told."""
    def verdict(**peer):
        conn = must(mesh.ask("HANDSHAKE_JUDGE", number, **peer)).object["CONN"]
        return conn["ERRNO"], conn["REASON"]

    yes, no = (0, C["WEFT_REASON_NONE"]), (errno.EACCES, C["WEFT_REASON_REVOKED"])
    must(mesh.nl.request("REVOCATION_NEW", {"REVOCATION": {"NAME": "leak", "IDENTITIES": [ID + "gone"]}}))
    number = mesh.connect()
    with mesh.accept(number) as fd:
        equal("another identity is revoked", yes, verdict(PEER_IDENTITY=PEER))
        equal("a revoked one goes before who the service may be", no, verdict(PEER_IDENTITY=ID + "gone"))
        equal("no keys for it", "EACCES", install(fd, TLS_TX))
        must(mesh.nl.request("REVOCATION_NEW", {"REVOCATION": {"NAME": "stolen", "SERIALS": ["0a"]}}))
        equal("another serial is revoked", yes, verdict(PEER_IDENTITY=PEER, PEER_SERIAL="0b"))
        equal("this serial is", no, verdict(PEER_IDENTITY=PEER, PEER_SERIAL="0a"))
        conn = mesh.conn(number)
        equal("which and by what is told", ("0a", C["WEFT_REVOKED_SERIAL"], "stolen"),
              (conn.get("PEER_SERIAL"), conn.get("REVOKED"), conn.get("REVOCATION")))
        equal("a serial that is not told counts as revoked", no, verdict(PEER_IDENTITY=PEER))
        equal("and no revocation says so", (None, None),
              (mesh.conn(number).get("PEER_SERIAL"), mesh.conn(number).get("REVOCATION")))
        must(mesh.nl.request("REVOCATION_DEL", {"REVOCATION": {"NAME": "stolen"}}))
        equal("until no serial is revoked", yes, verdict(PEER_IDENTITY=PEER))
        equal("keys for it", "ok", install(fd, TLS_TX, TLS_RX))
        must(mesh.nl.request("REVOCATION_NEW", {"REVOCATION": {"NAME": "late", "IDENTITIES": [PEER]}}))
        refused("DONE of a peer that is revoked meanwhile", "EACCES",
                mesh.ask("HANDSHAKE_DONE", number, REASON=C["WEFT_REASON_NONE"]))
    check("the connection fails closed", mesh.outcome() in ("EACCES", "ECONNREFUSED"), mesh.outcome())


@meshed
def live_and_over(mesh):
    with Genl() as listener:
        listener.join()
        number = mesh.connect()
        with mesh.accept(number) as fd:
            must(mesh.ask("HANDSHAKE_JUDGE", number, PEER_IDENTITY=PEER))
            equal("both keys", "ok", install(fd, TLS_TX, TLS_RX))
            accepted("DONE", mesh.ask("HANDSHAKE_DONE", number, REASON=C["WEFT_REASON_NONE"],
                                      CIPHER="TLS_AES_128_GCM_SHA256"))
        equal("connect() succeeds", "ok", mesh.outcome())
        mesh.equal_state("the connection is live", "LIVE", number)
        command, event = listener.next_unasked()
        while event.get("EVENT") != C["WEFT_EVENT_CONN_LIVE"]:
            command, event = listener.next_unasked()
        equal("and an event says so", ("EVENT", number), (command, event["CONN"]["ID"]))
        last = event["SEQUENCE"]
        equal("which is remembered as it was told", event,
              must(mesh.nl.request("EVENT_NEXT", {"SEQUENCE": last - 1})).object)
        for name, after in (("the last one", last), ("one to come", last + 1), ("the largest", (1 << 64) - 1)):
            refused(f"EVENT_NEXT after {name}", "ENOENT", mesh.nl.request("EVENT_NEXT", {"SEQUENCE": after}))
    refused("ACCEPT of a live one", "EALREADY", mesh.ask("HANDSHAKE_ACCEPT", number))
    refused("JUDGE of a live one", "ECANCELED", mesh.ask("HANDSHAKE_JUDGE", number, PEER_IDENTITY=PEER))
    refused("DONE of a live one", "ECANCELED", mesh.ask("HANDSHAKE_DONE", number, REASON=C["WEFT_REASON_TLS"]))
    mesh.equal_state("it lives on", "LIVE", number)
    raw = b"".join(mesh.nl.request("CONN_GET", {"CONN": {"ID": number}}).raw + mesh.nl.dump("CONN_GET").raw)
    check("no message holds a key", b"k" * 16 not in raw)

    mesh.clients.pop().end()
    wait_for("the connection to end", lambda: mesh.conn(number)["STATE"] == C["WEFT_CONN_DEAD"])
    mesh.wait_gone()
    check("it is remembered", number in [o["CONN"]["ID"] for o in mesh.nl.dump("CONN_GET").objects])
    for name, stale in (("stale", number), ("unused", 1 << 40), ("the largest", (1 << 64) - 1), ("0", 0)):
        before = everything(mesh.nl)
        for command, message in messages(conn=stale).items():
            if "CONN" in message and not (stale == number and command == "CONN_GET"):
                refused(f"{command} of an id that is {name}", "ENOENT", mesh.worker.request(command, message))
        equal(f"that changes nothing ({name})", before, everything(mesh.nl))


@meshed
def no_descriptor(mesh):
    number = mesh.connect()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = os.dup(0)
    os.close(taken)
    resource.setrlimit(resource.RLIMIT_NOFILE, (taken, hard))
    refused("ACCEPT without a free descriptor", "EMFILE", mesh.ask("HANDSHAKE_ACCEPT", number))
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    mesh.equal_state("the connection waits on", "WANT", number)
    equal("and is offered again", ("HANDSHAKE_READY", {"CONN": {"ID": number}}), mesh.worker.next_unasked())
    mesh.accept(number).close()
    must(mesh.ask("HANDSHAKE_DONE", number, REASON=C["WEFT_REASON_NO_CERTIFICATE"]))
    equal("by then it can be accepted", "ECONNREFUSED", mesh.outcome())


@meshed
def reset_by_hand(mesh):
    number = mesh.connect()
    accepted("CONN_DEL of one that waits", mesh.ask("CONN_DEL", number))
    check("its connect() ends", mesh.outcome() != "ok", mesh.outcome())
    number = mesh.connect()
    with mesh.accept(number):
        accepted("CONN_DEL of one in a handshake", mesh.ask("CONN_DEL", number))
        refused("its worker hears of it", "ECANCELED",
                mesh.ask("HANDSHAKE_JUDGE", number, PEER_IDENTITY=PEER))
    check("its connect() ends too", mesh.outcome() != "ok", mesh.outcome())


@meshed
def long_names(mesh):
    """The longest identities there can be fit into the first message of a dump."""
    long = (ID + "server/").ljust(C["WEFT_IDENTITY_MAX"], "a")
    must(mesh.nl.request("WORKLOAD_NEW", {"WORKLOAD": {
        "NAME": "client", "IDENTITY": (ID + "client/").ljust(C["WEFT_IDENTITY_MAX"], "a"),
        "SELECTORS": [{"UID": CLIENT}]}}, genl.NLM_F_REPLACE))
    old = mesh.nl.request("SERVICE_GET", {"SERVICE": {"NAME": "server"}}).object["SERVICE"]
    keep = {k: v for k, v in old.items() if k not in ("OWNER", "ENDPOINTS")}
    many = [long] + [f"{ID}{i}/".ljust(2000, "a") for i in range(26)]
    must(mesh.nl.request("SERVICE_NEW", {"SERVICE": {**keep, "IDENTITIES": many}}, genl.NLM_F_REPLACE))
    number = mesh.connect()
    a = must(mesh.ask("HANDSHAKE_ACCEPT", number)).object
    equal("ACCEPT has all identities of the service", many, a["CONN"]["IDENTITIES"])
    with socket.socket(fileno=a["FD"]):
        must(mesh.ask("HANDSHAKE_JUDGE", number, PEER_IDENTITY=long))
        with Genl() as fresh:
            fresh.sock.send(fresh.message(COMMANDS["CONN_GET"], b"", NLM_F_DUMP))
            dump = fresh.answer()
        equal("a dump shows the connection", [long], [o["CONN"]["PEER_IDENTITY"] for o in must(dump).objects])
        must(mesh.ask("HANDSHAKE_DONE", number, REASON=C["WEFT_REASON_TLS"]))
    check("it failed", mesh.outcome() != "ok")


def forsaken():
    """A worker and its clients killed in the middle: the namespace goes, too."""
    reader, writer = os.pipe()

    def leave_all():
        genl.unshare(genl.CLONE_NEWNET)
        genl.loopback_up()
        with Genl() as nl:
            mesh = Mesh(nl)
            mesh.accept(mesh.connect())
            mesh.connect()
            must(nl.request("GENERATION_BEGIN"))
            os.write(writer, struct.pack("=2i", *(c.child.pid for c in mesh.clients)))
            os.read(os.pipe()[0], 1)
    child = Child(leave_all)
    clients = struct.unpack("=2i", os.read(reader, 8))
    child.kill()
    for pid in clients:
        os.kill(pid, 9)
    with Genl() as nl:
        equal("a namespace killed with connections in every state leaves none here", [],
              nl.dump("CONN_GET").raw)


if __name__ == "__main__":
    sys.exit(run([registration, wrong_hands, without_keys, judgement, revoked, live_and_over,
                  no_descriptor, reset_by_hand, long_names, forsaken]))
