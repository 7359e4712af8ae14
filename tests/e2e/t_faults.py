#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every allocation of the module fails: of each netlink command, of a new
namespace, of loading.  A refusal says that memory was short and has changed
nothing; what is loaded can be unloaded; nothing leaks (kmemleak, at the guest's
end).

WEFT_OFFSET=N   of loading, where not every allocation has its turn, begin with the Nth
                after the first (default: any; it is printed)
"""
# timeout: 600
# kernels: kasan
# seconds: 300
import ctypes
import errno
import os
import random
import subprocess
import sys

import faults
import genl
from genl import CLONE_NEWNET, Genl, NLM_F_REPLACE
from harness import MODULE, check, everything, in_child, module_unload, run
from messages import messages

SCALE = int(os.environ.get("WEFT_SCALE", "100"))
OFFSET = int(os.environ.get("WEFT_OFFSET") or random.SystemRandom().randrange(1 << 32))
_libc = ctypes.CDLL(None, use_errno=True)
# What a failed copy to or from user space, or a full socket, is called.
ENOUGH = (errno.ENOMEM, errno.ENOBUFS)


def each_fault(name, ready, attempt, most=faults.LIMIT, step=1):
    """attempt() again and again, with one more allocation that succeeds each time, or
    step more, until nothing fails any more.  It returns (errno, complaint or None)."""
    hits, refused, complaints, over = 0, 0, [], False
    # From another one each time, so that in time each has its turn.
    offset = OFFSET % step
    if step > 1:
        name += f", every {step}th allocation, WEFT_OFFSET={offset}"
    for n in range(1 + offset, most, step):
        context = ready()
        with faults.Nth(n) as nth:
            number, look = attempt(context)
        if not nth.hit:
            over = True
            if number:
                complaints.append(f"without a fault: {errno.errorcode.get(number, number)}")
            break
        hits += 1
        refused += bool(number)
        complaint = look(number)
        if complaint:
            complaints.append(f"fault {n}: {complaint}")
    check(f"{name}: {hits} faults, {refused} refused", over and not complaints and hits,
          *complaints[:10], f"came to an end: {over}")


# ---- netlink -----------------------------------------------------------------

def command_claims(nl, command, message, flags, prepare):
    def ready():
        prepare()
        return everything(nl)

    def attempt(before):
        a = nl.request(command, message, flags)

        def look(number):
            if not number:
                return None
            if number not in ENOUGH:
                return f"{a}"
            if not a.text:
                return f"no words: {a}"
            after = everything(nl)
            return None if after == before else f"something changed: {after}, before {before}"
        return a.errno, look
    each_fault(command, ready, attempt)


def configuration():
    faults.aim(*faults.module_text())
    with Genl() as nl:
        m = messages()

        def must(*arguments):
            a = nl.request(*arguments)
            if a.errno:
                raise OSError(a.errno, a.text)
            return a

        def put(*commands):
            for c in commands:
                must(c, m[c], NLM_F_REPLACE)

        def base():
            must("SERVICE_NEW", {"SERVICE": {"NAME": "base", "ADDRESSES": ["240.1.0.2"],
                                             "PORTS": [{"PORT": 80}]}}, NLM_F_REPLACE)

        base()
        for command in ("WORKLOAD_NEW", "SERVICE_NEW", "ENDPOINT_NEW", "POLICY_NEW", "REVOCATION_NEW",
                        "PEER_NEW"):
            noun = command[:-4]
            command_claims(nl, command, m[command], NLM_F_REPLACE, lambda: None)
            command_claims(nl, noun + "_GET", m[noun + "_GET"], 0, lambda: None)
            command_claims(nl, noun + "_DEL", m[noun + "_DEL"], 0, lambda c=command: put(c))
        command_claims(nl, "STATUS_GET", {}, 0, lambda: None)
        transactions(nl, must, m)


def transactions(nl, must, m):
    """A commit that fails leaves the transaction open: it may be tried again."""
    txn = must("GENERATION_BEGIN").object["TRANSACTION"]

    def begin():
        nonlocal txn
        nl.request("GENERATION_ABORT", {"TRANSACTION": txn})
        txn = must("GENERATION_BEGIN").object["TRANSACTION"]

    def attempt(before):
        results = []
        for command, flags in (("SERVICE_NEW", NLM_F_REPLACE), ("WORKLOAD_NEW", NLM_F_REPLACE),
                               ("POLICY_NEW", NLM_F_REPLACE), ("REVOCATION_NEW", NLM_F_REPLACE),
                               ("PEER_NEW", NLM_F_REPLACE),
                               ("GENERATION_COMMIT", 0)):
            message = {**m[command], "TRANSACTION": txn}
            if command == "SERVICE_NEW":
                message["SERVICE"] = {**m[command]["SERVICE"], "NAME": "daemons",
                                      "ADDRESSES": ["240.0.0.77"]}
            results.append(nl.request(command, message, flags))
            if results[-1].errno:
                break

        def look(number):
            if number and number not in ENOUGH:
                return f"{results}"
            after = everything(nl)
            if number and after != before:
                return f"something changed: {after}, before {before}"
            return None
        return results[-1].errno, look

    def ready():
        begin()
        return everything(nl)
    each_fault("a transaction", ready, attempt)
    nl.request("GENERATION_ABORT", {"TRANSACTION": txn})

    def open_one(_):
        nonlocal txn
        a = nl.request("GENERATION_BEGIN")
        if not a.errno:
            txn = a.object["TRANSACTION"]

        def look(number):
            if not number:
                return None
            again = nl.request("GENERATION_BEGIN")      # none was left open
            nl.request("GENERATION_ABORT", again.object if not again.errno else {})
            return f"{a}, then {again}" if again.errno or number not in ENOUGH else None
        return a.errno, look

    def none():
        nl.request("GENERATION_ABORT", {"TRANSACTION": txn})
    each_fault("GENERATION_BEGIN", none, open_one)
    none()


def in_a_namespace():
    def child():
        genl.unshare(CLONE_NEWNET)
        genl.loopback_up()
        configuration()
    in_child(child)


# ---- namespaces --------------------------------------------------------------

def new_namespaces():
    """unshare(CLONE_NEWNET) fails as a whole, or the namespace works."""
    faults.aim(*faults.module_text())

    def child(n):
        with faults.Nth(n) as nth:
            failed = _libc.unshare(CLONE_NEWNET) and ctypes.get_errno()
        if not failed:
            with Genl() as nl:
                failed = nl.request("STATUS_GET").errno and -1
        return nth.hit, failed

    hits, refused, strange, over = 0, 0, [], False
    for n in range(1, 200):
        hit, failed = in_child(child, n)
        if not hit:
            over = not failed
            break
        hits += 1
        refused += bool(failed)
        if failed and failed != errno.ENOMEM:
            strange.append((n, failed))
    check(f"a namespace: {hits} faults, {refused} refused", over and hits and not strange, *strange)


# ---- loading -----------------------------------------------------------------

def loading():
    """insmod fails with nothing left, or what is loaded works and unloads."""
    if not module_unload():
        check("the module is free", False)
        return
    subprocess.run(["modprobe", "tls"], check=True)
    faults.aim(*faults.function_text("do_init_module"))

    def gone():
        return "weft " not in open("/proc/modules", encoding="ascii").read()

    def attempt(_):
        with open(MODULE, "rb") as f:
            failed = _libc.syscall(313, f.fileno(), b"", 0) and ctypes.get_errno()

        def look(number):
            if number:
                return None if gone() else "it failed, and is there"
            try:
                with Genl() as nl:
                    a = nl.request("STATUS_GET")
                return None if not a.errno else f"STATUS_GET: {a}"
            finally:
                if not module_unload():
                    return "it does not unload"
        return failed, look
    # Every fourth by default: the debug kernel takes a second to link the module.
    # The last one, without a fault, leaves it loaded, as who called us expects.
    each_fault("insmod", lambda: None, attempt, most=5000, step=max(1, 400 // SCALE))


if __name__ == "__main__":
    sys.exit(run([in_a_namespace, new_namespaces, loading]))
