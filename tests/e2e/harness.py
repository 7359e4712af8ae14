# SPDX-License-Identifier: GPL-2.0-or-later
"""What the Python end-to-end tests are made of, as lib.sh is for the others:
results as lines "ok NAME" and "not ok NAME - why", the module, and children in
namespaces and with privileges of their own.
"""
import os
import pickle
import signal
import subprocess
import sys
import time
import traceback

from genl import TOP

_release = os.uname().release
# kasan: tests/vm/vm-kernel-debug
KVER = "kasan" if "-kasan-" in _release else ".".join(_release.split(".")[:2])
MODULE = os.environ.get("WEFT_MODULE", f"{TOP}/build/k/{KVER}/weft.ko")
# ms; the debug kernel is several times slower
HANDSHAKE_TIMEOUT = 300000 if KVER == "kasan" else 60000
_count = {"ok": 0, "not ok": 0}


def note(*lines):
    for line in "\n".join(map(str, lines)).splitlines():
        print("#", line)


def check(name, fine, *why):
    """fine: whether the claim holds.  why: printed when it does not."""
    _count["ok" if fine else "not ok"] += 1
    print(f"ok {name}" if fine else f"not ok {name}", flush=True)
    if not fine:
        note(*why)
    return fine


def equal(name, wanted, got):
    return check(name, wanted == got, f"wanted {wanted!r}", f"got    {got!r}")


def wait_for(what, fine, seconds=60):
    """Until fine() is true."""
    end = time.monotonic() + seconds
    while not fine():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds} s for {what}")
        time.sleep(0.02)


class Child:
    """function(*arguments) in a child of ours, which shares nothing with us.

    result() is what it returned, or raises what it raised, and counts what it
    checked.  A child lives until its function returns or kill().
    """

    def __init__(self, function, *arguments):
        read, write = os.pipe()
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(read)
            self._run(function, arguments, write)
        os.close(write)
        self.read = read

    @staticmethod
    def _run(function, arguments, write):
        _count.update(dict.fromkeys(_count, 0))
        try:
            out = (True, function(*arguments), _count)
        except BaseException:
            out = (False, traceback.format_exc(), _count)
        with os.fdopen(write, "wb") as f:
            pickle.dump(out, f)
        sys.stdout.flush()
        os._exit(0)

    def result(self):
        with os.fdopen(self.read, "rb") as f:
            data = f.read()
        _, status = os.waitpid(self.pid, 0)
        if not data:
            raise RuntimeError(f"the child ended with status {status:#x}")
        fine, value, count = pickle.loads(data)
        for k, n in count.items():
            _count[k] += n
        if not fine:
            raise RuntimeError("in the child:\n" + value)
        return value

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.read)


def in_child(function, *arguments):
    return Child(function, *arguments).result()


def module_load(*parameters):
    subprocess.run(["modprobe", "tls"], check=True)
    subprocess.run(["insmod", MODULE, *parameters], check=True)


def module_unload():
    return subprocess.run(["rmmod", "weft"], capture_output=True, check=False).returncode == 0


def counters(nl):
    return {c["NAME"]: c["VALUE"] for c in nl.request("STATUS_GET").object["STATUS"]["COUNTERS"]}


CONFIGURATION = ("WORKLOAD_GET", "SERVICE_GET", "ENDPOINT_GET", "POLICY_GET", "REVOCATION_GET",
                 "PEER_GET")
# Of a connection, what goes on by itself.
FLEETING = ("AGE", "DEADLINE")


def everything(nl):
    """All that a namespace shows, to be compared."""
    status = nl.request("STATUS_GET").object["STATUS"]
    del status["COUNTERS"]
    out = {"STATUS_GET": status}
    for command in CONFIGURATION:
        out[command] = nl.dump(command).raw
    out["CONN_GET"] = [{k: v for k, v in o["CONN"].items() if k not in FLEETING}
                       for o in nl.dump("CONN_GET").objects]
    return out


def run(claims):
    """The test: the module, the claims one after the other, no trace left."""
    module_load(f"handshake_timeout={HANDSHAKE_TIMEOUT}")
    try:
        for claim in claims:
            try:
                claim()
            except Exception:
                check(f"{claim.__name__} runs to its end", False, traceback.format_exc())
    finally:
        try:
            wait_for("the module to be free", module_unload, 90)
            check("the module unloads", True)
        except TimeoutError as e:
            with open("/proc/modules", encoding="ascii") as f:
                check("the module unloads", False, e, *(m for m in f if m.startswith("weft")))
    return 1 if _count["not ok"] or not _count["ok"] else 0
