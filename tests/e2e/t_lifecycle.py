#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Namespaces that come and go with connections in every state, configuration that
changes under connects, a module that is loaded and unloaded while processes die:
many times, without any daemon but what is played here, so that a round is short.
Nothing is left behind.  WEFT_SCALE says how often.

WEFT_SEED=N     draw from it, except what the times decide (default: any; it is printed)
WEFT_SECONDS=S  until so much time has passed, a third of it for each, instead
"""
# timeout: 400
# kernels: 6.12
# seconds: 60
import ctypes
import errno
import os
import random
import select
import signal
import socket
import struct
import subprocess
import sys
import time

import genl
from genl import C, CLONE_NEWNET, Genl, NLM_F_REPLACE
from harness import MODULE, check, counters, equal, in_child, module_unload, note, run, wait_for
from messages import ID

SCALE = int(os.environ.get("WEFT_SCALE", "100"))
SEED = int(os.environ.get("WEFT_SEED") or random.SystemRandom().randrange(1 << 32))
SECONDS = int(os.environ.get("WEFT_SECONDS") or 0)
SERVICE = ("240.0.0.9", 7000)
PR_SET_PDEATHSIG = 1
SOL_TLS, TLS_TX, TLS_RX = 282, 1, 2     # linux/socket.h, linux/tls.h
AES_128_GCM = 51
_libc = ctypes.CDLL(None, use_errno=True)


def scaled(n):
    """How often at least; where time decides, what is wanted at the usual scale."""
    return n if SECONDS else max(1, n * SCALE // 100)


def rounds(n):
    """due(made): is another one to be made, of n, or of what a third of the time allows?"""
    end = time.monotonic() + SECONDS / 3
    return lambda made: time.monotonic() < end if SECONDS else made < scaled(n)


def fork(function, *arguments):
    """A child that dies with us; its pid."""
    parent = os.getpid()
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    try:
        if os.getppid() == parent:
            function(*arguments)
    finally:
        os._exit(0)


# Free objects that its allocator keeps for a processor look used.
SLACK = 16


def namespaces():
    """How many network namespaces the kernel has, dead ones included: about."""
    with open("/sys/kernel/slab/net_namespace/shrink", "w", encoding="ascii") as f:
        f.write("1")
    with open("/proc/slabinfo", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("net_namespace "))


def must(a):
    if a.errno:
        raise OSError(a.errno, a.text)
    return a


def configure(nl, port):
    """Everything of root's is meshed, to a service that ends at our own port."""
    must(nl.request("WORKLOAD_NEW", {"WORKLOAD": {
        "NAME": "all", "IDENTITY": ID + "all", "SELECTORS": [{"UID": 0}]}}, NLM_F_REPLACE))
    must(nl.request("SERVICE_NEW", {"SERVICE": {
        "NAME": "here", "ADDRESSES": [SERVICE[0]],
        "PORTS": [{"PORT": SERVICE[1], "TARGET": port}]}}, NLM_F_REPLACE))
    must(nl.request("ENDPOINT_NEW", {"ENDPOINT": {"SERVICE": "here", "ADDRESS": "127.0.0.1"}},
                    NLM_F_REPLACE))


def connecting():
    s = socket.socket()
    s.setblocking(False)
    s.connect_ex(SERVICE)
    return s


def key(role):
    """struct tls12_crypto_info_aes_gcm_128 of what this end sends"""
    return struct.pack("=HH8s16s4s8s", 0x0304, AES_128_GCM, b"i" * 8, bytes([role]) * 16, b"salt", bytes(8))


def make_live(nl, conn, fd):
    """As if there had been a handshake: both ends know the keys.  Whatever hinders it
    is fine, policies and deaths of the peer among it."""
    mine, peers = C["WEFT_ROLE_CLIENT"], C["WEFT_ROLE_SERVER"]
    if conn["ROLE"] != mine:
        mine, peers = peers, mine
    number = {"ID": conn["ID"]}
    if nl.request("HANDSHAKE_JUDGE", {"CONN": {**number, "PEER_IDENTITY": ID + "all"}}).errno:
        return
    try:
        with socket.socket(fileno=os.dup(fd)) as s:
            s.setsockopt(SOL_TLS, TLS_TX, key(mine))
            s.setsockopt(SOL_TLS, TLS_RX, key(peers))
    except OSError:
        return
    nl.request("HANDSHAKE_DONE", {"CONN": {
        **number, "REASON": C["WEFT_REASON_NONE"], "CIPHER": "TLS_AES_128_GCM_SHA256"}})


def worker(rng, seconds):
    """Takes handshakes, and says of each that it is done, that it failed, or nothing, or
    dies."""
    end = time.monotonic() + seconds
    kept = []
    with Genl() as nl:
        must(nl.request("WORKER_NEW"))
        while time.monotonic() < end:
            if not nl.unasked and not select.select([nl.sock], [], [], 0.05)[0]:
                continue
            command, attrs = nl.next_unasked()
            if command != "HANDSHAKE_READY":
                continue
            number = {"ID": attrs["CONN"]["ID"]}
            a = nl.request("HANDSHAKE_ACCEPT", {"CONN": number})
            if a.errno:
                continue
            kept.append(a.object["FD"])
            chance = rng.random()
            if chance < 0.6:
                make_live(nl, a.object["CONN"], kept[-1])
                os.close(kept.pop())
            elif chance < 0.8:
                nl.request("HANDSHAKE_DONE", {"CONN": {
                    **number, "REASON": C["WEFT_REASON_TLS"], "ERRNO": errno.ECONNREFUSED}})
                os.close(kept.pop())
            elif chance < 0.85:
                return


def some_change(nl, rng, port):
    """One of a few changes of the configuration."""
    def done(*arguments):
        a = nl.request(*arguments)
        if a.errno and a.errno not in (errno.ENOENT, errno.EBUSY, errno.EEXIST):
            must(a)
    kind = rng.randrange(6)
    if kind == 0:
        done("WORKLOAD_DEL", {"WORKLOAD": {"NAME": "all"}})
    elif kind == 1:
        done("WORKLOAD_NEW", {"WORKLOAD": {
            "NAME": "all", "IDENTITY": ID + "all", "SELECTORS": [{"UID": 0}],
            "MODE": C[rng.choice(("WEFT_MODE_STRICT", "WEFT_MODE_PERMISSIVE", "WEFT_MODE_DISABLED"))]}},
             NLM_F_REPLACE)
    elif kind == 2:
        done("SERVICE_DEL", {"SERVICE": {"NAME": "here"}})
    elif kind == 3:
        done("POLICY_NEW", {"POLICY": {"NAME": "flip", "ACTION": rng.randrange(2), "RULES": [{}]}},
             NLM_F_REPLACE)
    elif kind == 4:
        configure(nl, port)
    else:
        txn = nl.request("GENERATION_BEGIN")
        if not txn.errno:
            done("SERVICE_NEW", {"SERVICE": {"NAME": f"daemons{rng.randrange(9)}", "PORTS": [{"PORT": 9}]},
                                 "TRANSACTION": txn.object["TRANSACTION"]})
            done(rng.choice(("GENERATION_COMMIT", "GENERATION_ABORT")), txn.object)


# ---- namespaces ------------------------------------------------------------------

def town(seed, reports):
    """A namespace with listeners and connections in every state, which dies.  A byte for
    every end that was live goes to reports."""
    rng = random.Random(seed)
    genl.unshare(CLONE_NEWNET)
    genl.loopback_up()
    before = socket.create_server(("127.0.0.1", 0), backlog=16)
    port = before.getsockname()[1]
    sockets = []
    with Genl() as nl:
        if rng.random() < 0.8:
            configure(nl, port)
        if rng.random() < 0.6:
            fork(worker, rng, 5)
        listener = socket.create_server(("127.0.0.1", 0), backlog=16)
        for _ in range(rng.randrange(8)):
            sockets.append(connecting())
            if rng.random() < 0.3:
                some_change(nl, rng, port)
        for s in (before, listener):
            s.setblocking(False)
            while rng.random() < 0.7 and select.select([s], [], [], 0.02)[0]:
                try:
                    sockets.append(s.accept()[0])
                except OSError:
                    break
        for s in sockets:
            if rng.random() < 0.2:
                s.close()
        time.sleep(rng.choice((0, 0, rng.random() / 20, rng.random() / 2)))
        os.write(reports, bytes(counters(nl)["live"]))
        os.kill(os.getpid(), signal.SIGKILL)


def namespaces_come_and_go():
    seed = SEED
    wanted, due, before = scaled(200), rounds(200), namespaces()
    running, made = set(), 0
    reports = os.open("/tmp", os.O_TMPFILE | os.O_WRONLY | os.O_APPEND)
    # So many, and on until enough was live for the check to mean something.
    enough, last = max(5, wanted // 20), wanted + 200
    while True:
        more = due(made) or (made < last and os.fstat(reports).st_size <= enough)
        if not more and not running:
            break
        if more and len(running) < 6:
            running.add(fork(town, seed + made, reports))
            made += 1
            continue
        pid, status = os.wait()
        if pid in running:
            running.remove(pid)
            if status != signal.SIGKILL:
                check("a namespace dies when it is told to", False, f"status {status:#x}, seed {seed}")
    live = os.fstat(reports).st_size
    os.close(reports)
    note(f"{live} ends were live")
    check("ends were live in them", live > enough, f"{made} namespaces, seed {seed}")
    try:
        wait_for("the namespaces to go", lambda: namespaces() <= before + SLACK, 120)
        check(f"{made} namespaces with connections in every state have come and gone", True)
    except TimeoutError as e:
        check(f"{made} namespaces with connections in every state have come and gone", False,
              e, f"before {before}, now {namespaces()}, seed {seed}")


# ---- configuration ---------------------------------------------------------------

def crowd(port, seed):
    """Connects, accepts, reads, writes, closes, for ever."""
    rng, sockets = random.Random(seed), []
    with socket.create_server(("127.0.0.1", port), reuse_port=True, backlog=64) as listener:
        listener.setblocking(False)
        while True:
            sockets.append(connecting())
            try:
                sockets.append(listener.accept()[0])
                sockets[-1].setblocking(False)
            except OSError:
                pass
            for s in rng.sample(sockets, min(3, len(sockets))):
                try:
                    rng.choice((lambda x: x.send(b"crowd"), lambda x: x.recv(100),
                                lambda x: x.connect_ex(SERVICE), lambda x: x.shutdown(2)))(s)
                except OSError:
                    pass
            while len(sockets) > 20:
                sockets.pop(rng.randrange(len(sockets))).close()


def workers(seed):
    """One worker after the other."""
    rng = random.Random(seed)
    while True:
        worker(rng, rng.random() * 2)


def configuration_changes_under_connects():
    def child():
        seed = SEED
        rng = random.Random(seed)
        genl.unshare(CLONE_NEWNET)
        genl.loopback_up()
        with socket.create_server(("127.0.0.1", 0), reuse_port=True) as held:
            port = held.getsockname()[1]
        with Genl() as nl:
            configure(nl, port)
            crew = [fork(crowd, port, seed + i) for i in range(3)] + [fork(workers, seed)]
            wanted, due, made = scaled(1000), rounds(1000), 0
            # As above: so many, and on until there is something to judge.
            enough, end = max(5, wanted // 100), time.monotonic() + 120
            while due(made) or (counters(nl)["live"] <= enough and time.monotonic() < end):
                some_change(nl, rng, port)
                made += 1
            for pid in crew:
                os.kill(pid, signal.SIGKILL)
            for pid in crew:
                os.waitpid(pid, 0)
            wait_for("the connections to go",
                     lambda: nl.request("STATUS_GET").object["STATUS"]["CONNS"] == 0, 60)
            count = counters(nl)
            equal(f"after {made} changes every connection created was destroyed",
                  count["conns_created"], count["conns_destroyed"])
            check("and there were many", count["conns_created"] > min(made, wanted) // 10, count)
            check("of which a worker had some", count["handshakes_wanted"] > 0, count)
            check("and some were live", count["live"] > enough, f"seed {seed}", count)
    in_child(child)


# ---- the module ------------------------------------------------------------------

def references():
    with open("/sys/module/weft/refcnt", encoding="ascii") as f:
        return int(f.read())


def loading_while_processes_die():
    if not module_unload():
        check("the module is free", False)
        return
    due, i, slow = rounds(40), 0, 0
    nowhere = os.open("/dev/null", os.O_WRONLY)
    while due(i):
        subprocess.run(["insmod", MODULE], check=True)
        pid = fork(town, SEED + i, nowhere)
        end = time.monotonic() + 1
        while time.monotonic() < end and references() == 0:
            time.sleep(0.002)
        end = time.monotonic() + 60
        # As soon as the last of its sockets is gone.
        while not module_unload() and time.monotonic() < end:
            slow += 1
            time.sleep(0.01)
        os.waitpid(pid, 0)
        if os.path.exists("/sys/module/weft") and not module_unload():
            check("it unloads when everybody has died", False, f"round {i}, seed {SEED}")
            return
        i += 1
    check(f"loaded and unloaded {i} times, {slow} times refused meanwhile", True)
    subprocess.run(["insmod", MODULE], check=True)


if __name__ == "__main__":
    note(f"seed {SEED}")
    sys.exit(run([namespaces_come_and_go, configuration_changes_under_connects,
                  loading_while_processes_die]))
