#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Right messages, mutated at random: the module answers each with success or a
refusal in words, a refusal changes nothing, and nothing is left behind.

WEFT_FUZZ_SEED=N        repeats a run; the seed is printed
WEFT_FUZZ_ITERATIONS=N  how many messages (default 4000)
WEFT_SECONDS=S          until so much time has passed, instead of a number
"""
# timeout: 600
# kernels: 6.12
# seconds: 80
import os
import random
import sys
import time

from genl import C, COMMANDS, Genl, Item, decode, encode, tree
from genl import NLM_F_DUMP, NLM_F_EXCL, NLM_F_REPLACE
from harness import CONFIGURATION, check, equal, note, run, wait_for
from messages import messages
from t_netlink import WORDLESS, name_of
from t_netlink_worker import Client, meshed

SEED = int(os.environ.get("WEFT_FUZZ_SEED") or random.SystemRandom().randrange(1 << 32))
ITERATIONS = int(os.environ.get("WEFT_FUZZ_ITERATIONS") or 4000)
SECONDS = int(os.environ.get("WEFT_SECONDS") or 0)
# What the contract knows; anything else is a surprise.
ERRNOS = ("EINVAL", "ERANGE", "EMSGSIZE", "EEXIST", "ENOENT", "EBUSY", "EPERM", "ENOSPC", "EALREADY",
          "ECANCELED", "EACCES", "EPROTO", "EOPNOTSUPP", "EBADF", "ESTALE")
NUMBERS = (0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff,
           (1 << 63) - 1, 1 << 63, (1 << 64) - 1)
# Takes seconds and nothing but an empty message.
LEFT_OUT = ("SELFTEST_RUN",)


class Mutator:
    """Spoils attributes, then bytes, a few times or not at all."""

    def __init__(self, rng):
        self.rng = rng
        self.changes = (
            self.drop, self.double, self.many, self.renumber, self.flip, self.scramble, self.number,
            self.resize, self.lie, self.pad, self.wrap, self.move, self.text)

    def mutate(self, message):
        items = tree(message)
        for _ in range(self.rng.choice((0, 1, 1, 1, 2, 3))):
            where = [(i, p) for top in items for i, p in top.walk()]
            if not where:
                items.append(Item("", self.rng.randrange(16), self.rng.randbytes(8)))
                continue
            item, parents = self.rng.choice(where)
            self.rng.choice(self.changes)(item, parents[0].value if parents else items)
        payload = encode(items)
        if self.rng.random() < 0.15:
            payload = self.bytes(payload)
        return payload[:60000]

    def bytes(self, payload):
        data = bytearray(payload)
        for _ in range(self.rng.randrange(1, 5)):
            if data:
                data[self.rng.randrange(len(data))] = self.rng.randrange(256)
        return bytes(data[:self.rng.randrange(len(data) + 1)] if self.rng.random() < 0.3 else data)

    def drop(self, item, among):
        if item in among:
            among.remove(item)

    def double(self, item, among):
        among.insert(self.rng.randrange(len(among) + 1), item)

    def many(self, item, among):
        among += [item] * self.rng.choice((2, 15, 16, 17, 63, 64, 65, 300))

    def renumber(self, item, among):
        item.number = self.rng.choice((0, item.number + 1, self.rng.randrange(40), 0x3fff))

    def flip(self, item, among):
        item.nested = not item.nested

    def scramble(self, item, among):
        item.value = self.rng.randbytes(self.rng.choice((0, 1, 2, 4, 8, 16, 100)))

    def number(self, item, among):
        size = self.rng.choice((2, 4, 8))
        item.value = (self.rng.choice(NUMBERS) & ((1 << 8 * size) - 1)).to_bytes(size, "little")

    def resize(self, item, among):
        if isinstance(item.value, bytes):
            item.value = (item.value * 3000)[:self.rng.choice(
                (0, max(len(item.value) - 1, 0), len(item.value) + 1, 254, 1024, 2049, 9000))]

    def lie(self, item, among):
        item.length = self.rng.choice((0, 1, 3, 4, 5, 0xffff, self.rng.randrange(200)))

    def pad(self, item, among):
        item.pad = self.rng.randbytes(self.rng.randrange(1, 9))

    def wrap(self, item, among):
        for _ in range(self.rng.choice((1, 2, 12))):
            item.value = [Item("", item.number, item.value)]
            item.nested = True

    def move(self, item, among):
        if item in among and among[0] is not item and isinstance(among[0].value, list):
            among.remove(item)
            among[0].value.append(item)

    def text(self, item, among):
        if isinstance(item.value, bytes):
            text = "".join(self.rng.choice("ab.-/*:%\xe9 \n") for _ in range(self.rng.randrange(70)))
            item.value = self.rng.choice(("", "/", "spiffe://mesh.local/")).encode() + \
                text.encode("latin-1") + b"\0"


class Fuzz:
    def __init__(self, mesh, rng):
        self.mesh, self.rng, self.mutator = mesh, rng, Mutator(rng)
        self.nl = Genl()
        self.watch = mesh.nl
        self.conn, self.transaction, self.trial = 0, None, None
        self.seen = {}
        self.connect()

    def waiting(self):
        """Ids of connections newer than ours that wait for a worker."""
        found = [o["CONN"] for o in self.watch.dump("CONN_GET").objects]
        return [c["ID"] for c in found if c["ID"] > self.conn and c["STATE"] == C["WEFT_CONN_WANT"]]

    def connect(self):
        """READY may have gone to any socket that a message made a worker."""
        self.mesh.clients.append(Client())
        wait_for("a client to connect", self.waiting)
        self.conn = self.waiting()[0]

    def shown(self, whole):
        """What a refusal must not change: the generation, and if wanted all it holds."""
        generation = self.watch.request("STATUS_GET").object["STATUS"]["GENERATION"]
        objects = [o for c in CONFIGURATION for o in self.watch.dump(c).objects] if whole else []
        for o in objects:
            for count in "ATTEMPTS", "FAILURES", "ACTIVE":  # go on by themselves
                o.get("ENDPOINT", {}).pop(count, None)
        return generation, objects

    def renew(self):
        """Now and then what mutated messages ended begins anew."""
        if self.mesh.conn(self.conn)["STATE"] == C["WEFT_CONN_DEAD"]:
            self.mesh.clients.pop().end()
            self.configure()
            self.connect()
        if self.rng.random() < 0.3:
            self.nl.close()
            self.nl = Genl()
        begun = self.nl.request("GENERATION_BEGIN")
        self.transaction = begun.object["TRANSACTION"] if not begun.errno else None
        begun = self.nl.request("GENERATION_BEGIN", {"TRIAL": 1})
        self.trial = begun.object["TRANSACTION"] if not begun.errno else None

    def configure(self):
        """The service the clients ask for may be gone or another by now."""
        for noun in ("WORKLOAD", "SERVICE", "POLICY", "REVOCATION", "PEER"):
            for o in self.watch.dump(noun + "_GET").objects:
                if o[noun]["OWNER"] == C["WEFT_OWNER_STATIC"]:
                    self.watch.request(noun + "_DEL", {noun: {"NAME": o[noun]["NAME"]}})
        self.watch.request("GENERATION_COMMIT", {"TRANSACTION": begin_or_none(self.watch)})
        self.mesh.configure()

    def one(self):
        table = messages(self.rng.choice((None, self.transaction)), self.conn, self.trial)
        command = self.rng.choice([c for c in table if c not in LEFT_OUT])
        payload = self.mutator.mutate(table[command])
        if self.rng.random() < 0.03:
            command = self.rng.choice([c for c in COMMANDS if c not in LEFT_OUT])
        flags = self.rng.choice((0, 0, 0, NLM_F_REPLACE, NLM_F_REPLACE, NLM_F_EXCL, NLM_F_DUMP))
        nl = self.rng.choice((self.nl, self.nl, self.mesh.worker))
        before = self.shown(self.rng.random() < 0.1)
        return command, flags, payload, self.complaint(before, nl.request(command, payload, flags))

    def complaint(self, before, a):
        """What is wrong with an answer, or None."""
        errno = name_of(a.errno)
        self.seen[errno] = self.seen.get(errno, 0) + 1
        for o in [decode(raw) for raw in a.raw]:
            if "FD" in o:
                os.close(o["FD"])
        if not a.errno:
            return None
        if errno not in ERRNOS:
            return f"an errno the contract does not know: {a}"
        if not a.text and errno not in WORDLESS:
            return f"no words: {a}"
        after = self.shown(bool(before[1]))
        if after == before:
            return None
        gone = [o for o in before[1] if o not in after[1]]
        new = [o for o in after[1] if o not in before[1]]
        return f"refused, but {before[0]} became {after[0]}, {gone} became {new}: {a}"


def begin_or_none(nl):
    a = nl.request("GENERATION_BEGIN")
    return 1 if a.errno else a.object["TRANSACTION"]


@meshed
def mutated_messages(mesh):
    fuzz = Fuzz(mesh, random.Random(SEED))
    end = time.monotonic() + SECONDS
    i = 0
    while time.monotonic() < end if SECONDS else i < ITERATIONS:
        if i % 40 == 0:
            fuzz.renew()
        command, flags, payload, wrong = fuzz.one()
        if wrong:
            check(f"message {i}: {command} with flags {flags:#x}", False, wrong, payload[:2000].hex())
        i += 1
    note(f"{i} messages from seed {SEED}", f"answers: {fuzz.seen}")
    check("mutated messages: each answered in words or done", sum(fuzz.seen.values()) == i)
    check("some were done, some were refused", fuzz.seen.get("ok") and fuzz.seen.get("EINVAL"), fuzz.seen)
    fuzz.nl.close()
    fuzz.configure()
    equal("the configuration is ours again", 1, len(mesh.nl.dump("SERVICE_GET").raw))
    mesh.nl.request("CONN_DEL", {"CONN": {"ID": fuzz.conn}})


if __name__ == "__main__":
    note(f"WEFT_FUZZ_SEED={SEED} WEFT_FUZZ_ITERATIONS={ITERATIONS} WEFT_SECONDS={SECONDS}")
    sys.exit(run([mutated_messages]))
