# SPDX-License-Identifier: GPL-2.0-or-later
"""One right message for each command of the contract, with every attribute that
may come in, and all the ways to spoil it one at a time.

What is not in a command's message here must be refused there.  What is needed
the contract says in its comments; the few commands that need more than that are
in NEEDED.
"""
import os

from genl import C, COMMANDS, Item, LIST_ENUM, TOP_ENUM, address, encode, tree

ID = "spiffe://mesh.local/"


def of_file(path):
    """It as a selector shows it."""
    fd = os.open(path, os.O_RDONLY)
    st = os.fstat(fd)
    return {"EXE_FD": fd, "EXE_SIZE": st.st_size, "EXE_MTIME": st.st_mtime_ns}


WORKLOAD = {
    "NAME": "shop", "IDENTITY": ID + "shop", "MODE": C["WEFT_MODE_PERMISSIVE"],
    "SELECTORS": [{"CGROUP": "/system.slice/shop", "UNIT": "shop.service", "UID": 4711,
                   "EXE": "/usr/bin/shop", "GID": 0}, {"UID": 4712}, {"CONTAINER": "0123456789ab"},
                  {"EXE": "/usr/bin/env", "EXE_SHA256": bytes(range(32)), **of_file("/usr/bin/env")}],
    "PORTS": [{"PORT": 80, "MODE": C["WEFT_MODE_STRICT"]}, {"PORT": 81}]}
SERVICE = {
    "NAME": "web", "ADDRESSES": ["240.0.0.1", "fd00::1"],
    "PORTS": [{"PORT": 80, "TARGET": 8080}, {"PORT": 443}],
    "IDENTITIES": [ID + "web", ID + "old/*"], "CONNECT_TIMEOUT": 1000}
KEY = {"SERVICE": "base", "ADDRESS": "10.0.0.1", "PORT": 8080}
POLICY = {
    "NAME": "guard", "ACTION": C["WEFT_ACTION_DENY"], "WORKLOAD": "shop",
    "IDENTITIES": [ID + "shop", ID + "old/*"], "PORTS": [{"PORT": 80}, {"PORT": 443}],
    "RULES": [{"IDENTITIES": [ID + "bad", "*"], "PORTS": [{"PORT": 80}, {"PORT": 81}],
               "NETWORKS": [{"ADDRESS": "10.0.0.0", "PREFIX": 104}, {"ADDRESS": "fd00::", "PREFIX": 8}]},
              {}]}

REVOCATION = {
    "NAME": "leak", "IDENTITIES": [ID + "gone", "spiffe://other.org/x"], "SERIALS": ["00", "0a1b"]}
PEER = {
    "NAME": "rack", "NETWORKS": [{"ADDRESS": "9.0.0.0", "PREFIX": 104}, {"ADDRESS": "fd09::", "PREFIX": 64}]}


def messages(transaction=None, conn=1, trial=None):
    """Command -> its message.  transaction: of the NEW commands, if any; conn: an
    id for those about connections; trial: to be asked."""
    txn = {} if transaction is None else {"TRANSACTION": transaction}
    out = {
        "STATUS_GET": {}, "GENERATION_BEGIN": {"TRIAL": 1}, "WORKER_NEW": {}, "SELFTEST_RUN": {},
        "GENERATION_COMMIT": {"TRANSACTION": transaction or 1},
        "GENERATION_ABORT": {"TRANSACTION": transaction or 1},
        "WORKLOAD_NEW": {"WORKLOAD": WORKLOAD, **txn},
        "SERVICE_NEW": {"SERVICE": SERVICE, **txn},
        "ENDPOINT_NEW": {"ENDPOINT": {**KEY, "WEIGHT": 7}, **txn},
        "ENDPOINT_DEL": {"ENDPOINT": KEY}, "ENDPOINT_GET": {"ENDPOINT": KEY},
        "POLICY_NEW": {"POLICY": POLICY, **txn},
        "REVOCATION_NEW": {"REVOCATION": REVOCATION, **txn},
        "PEER_NEW": {"PEER": PEER, **txn},
        "EVENT_NEXT": {"SEQUENCE": 1},
        "CONN_GET": {"CONN": {"ID": conn}}, "CONN_DEL": {"CONN": {"ID": conn}},
        "HANDSHAKE_ACCEPT": {"CONN": {"ID": conn}},
        "HANDSHAKE_JUDGE": {"CONN": {"ID": conn, "PEER_IDENTITY": ID + "web",
                                     "PEER_SERIAL": "7f"}},
        "HANDSHAKE_DONE": {"CONN": {
            "ID": conn, "REASON": C["WEFT_REASON_TLS"], "ERRNO": 111, "DETAIL": "no reason",
            "PEER_IDENTITY": ID + "web", "CIPHER": "TLS_AES_128_GCM_SHA256",
            "RESUMED": 1}},
        "FLOW_JUDGE": {"TRANSACTION": trial or 1, "CONN": {
            "ROLE": C["WEFT_ROLE_SERVER"], "WORKLOAD": "shop", "SERVICE": "web", "REMOTE": "10.0.0.9",
            "LOCAL_PORT": 80, "PEER_IDENTITY": ID + "web", "PEER_SERIAL": "0a1b"}}}
    for noun, name in (("WORKLOAD", "shop"), ("SERVICE", "web"), ("POLICY", "guard"),
                       ("REVOCATION", "leak"), ("PEER", "rack")):
        for verb in ("DEL", "GET"):
            out[f"{noun}_{verb}"] = {noun: {"NAME": name}}
    return out


# The kernel's own: nobody may send them.
FROM_KERNEL = ("HANDSHAKE_READY", "EVENT")
assert set(messages()) == set(COMMANDS) - set(FROM_KERNEL), \
    "a command of the contract has no message here"

# Paths that are needed beside what the contract's comments call so.
NEEDED = {"TRANSACTION": ("GENERATION_COMMIT", "GENERATION_ABORT", "FLOW_JUDGE"),
          "TRIAL": (), "SEQUENCE": (),
          **{f"CONN/{name}": ("FLOW_JUDGE",) for name in ("ROLE", "WORKLOAD", "REMOTE", "LOCAL_PORT")},
          "CONN/ID": ("CONN_GET", "CONN_DEL", "HANDSHAKE_ACCEPT", "HANDSHAKE_JUDGE", "HANDSHAKE_DONE"),
          "CONN/PEER_IDENTITY": ("HANDSHAKE_JUDGE",),
          "CONN/REASON": ("HANDSHAKE_DONE",),
          **{f"WORKLOAD/SELECTORS/SELECTORS[3]/{name}": ("WORKLOAD_NEW",) for name in (
              "EXE", "EXE_SHA256", "EXE_FD", "EXE_SIZE", "EXE_MTIME")}}

# Names of attributes -> values that are no good, beside those that follow from
# their type: (value, errno).
LONG_NAME = ".".join(["a" * 63] * 4)[:C["WEFT_NAME_MAX"] + 1]
BAD_NAMES = [(LONG_NAME, "ERANGE"), ("Web", "EINVAL"), ("-web", "EINVAL"), ("web-", "EINVAL"),
             ("a..b", "EINVAL"), ("a" * 64, "EINVAL"), ("we b", "EINVAL"), ("w\xe9b", "EINVAL")]
BAD_IDENTITIES = [
    (ID + "a" * (C["WEFT_IDENTITY_MAX"] + 1 - len(ID)), "ERANGE"), ("http://mesh.local/web", "EINVAL"),
    ("spiffe:///web", "EINVAL"), ("spiffe://mesh.local", "EINVAL"), (ID, "EINVAL"),
    (ID + "a//b", "EINVAL"), (ID + "../b", "EINVAL"), (ID + "a%20b", "EINVAL"), (ID + "web/", "EINVAL"),
    ("spiffe://Mesh.local/web", "EINVAL")]
BAD_PATTERNS = BAD_IDENTITIES + [("spiffe://mesh*", "EINVAL"), (ID + "a*b", "EINVAL")]
BAD_SERIALS = [("0" * (C["WEFT_SERIAL_MAX"] + 2), "ERANGE"), ("0", "EINVAL"), ("0A", "EINVAL"),
               ("01:02", "EINVAL"), ("0001", "EINVAL"), ("zz", "EINVAL"), ("0x01", "EINVAL")]
BAD_PATHS = [("relative", "EINVAL"), ("/a//b", "EINVAL"), ("/a/../b", "EINVAL"), ("/a/", "EINVAL"),
             ("/" + "a" * C["WEFT_SELECTOR_MAX"], "ERANGE")]
BAD_ADDRESSES = [(a, "EINVAL") for a in (
    "0.0.0.0", "::", "224.0.0.1", "255.255.255.255", "ff02::1", "::1.2.3.4")]
BAD = {
    "WEFT_WORKLOAD_A_IDENTITY": BAD_IDENTITIES, "WEFT_POLICY_A_WORKLOAD": BAD_NAMES,
    "WEFT_ENDPOINT_A_SERVICE": BAD_NAMES,
    "WEFT_REVOCATION_A_IDENTITIES": BAD_IDENTITIES + [(ID + "*", "EINVAL"), ("*", "EINVAL")],
    "WEFT_REVOCATION_A_SERIALS": BAD_SERIALS, "WEFT_CONN_A_PEER_SERIAL": BAD_SERIALS,
    "WEFT_NETWORK_A_ADDRESS": [("10.1.0.0", "EINVAL"), ("fd00::1", "EINVAL")],
    "WEFT_NETWORK_A_PREFIX": [(129, "ERANGE"), (0xffffffff, "ERANGE")],
    "WEFT_SELECTOR_A_CGROUP": BAD_PATHS, "WEFT_SELECTOR_A_EXE": BAD_PATHS,
    "WEFT_SELECTOR_A_UNIT": [("a/b", "EINVAL"), ("..", "EINVAL"),
                             ("a" * (C["WEFT_SELECTOR_MAX"] + 1), "ERANGE")],
    "WEFT_SELECTOR_A_CONTAINER": [(text, "EINVAL") for text in (
        "0123456789a", "0123456789AB", "0123456789a/", "a" * (C["WEFT_CONTAINER_MAX"] + 1))],
    "WEFT_SELECTOR_A_UID": [(0xffffffff, "ERANGE")], "WEFT_SELECTOR_A_GID": [(0xffffffff, "ERANGE")],
    "WEFT_SELECTOR_A_EXE_FD": [(0xffffffff, "EBADF"), (0x7fffffff, "EBADF")],
    "WEFT_SELECTOR_A_EXE_SIZE": [(0, "ESTALE")], "WEFT_SELECTOR_A_EXE_MTIME": [(0, "ESTALE")],
    "WEFT_PORT_A_PORT": [(0, "ERANGE")],
    "WEFT_SERVICE_A_CONNECT_TIMEOUT": [(1, "ERANGE"), (9, "ERANGE"), (600001, "ERANGE")],
    "WEFT_ENDPOINT_A_WEIGHT": [(C["WEFT_WEIGHT_MAX"] + 1, "ERANGE"), (0xffffffff, "ERANGE")],
    "WEFT_A_TRANSACTION": [(0, "ERANGE")],
    "WEFT_A_TRIAL": [(2, "ERANGE"), (0xffffffff, "ERANGE")],
    "WEFT_CONN_A_WORKLOAD": BAD_NAMES, "WEFT_CONN_A_SERVICE": BAD_NAMES,
    "WEFT_CONN_A_LOCAL_PORT": [(0, "ERANGE")],
    "WEFT_CONN_A_PEER_IDENTITY": BAD_IDENTITIES[:1],
    "WEFT_CONN_A_ERRNO": [(512, "ERANGE"), (4096, "ERANGE"), (0xffffffff, "ERANGE")],
    "WEFT_CONN_A_DETAIL": [("a" * (C["WEFT_DETAIL_MAX"] + 1), "ERANGE")],
    "WEFT_CONN_A_CIPHER": [("a" * (C["WEFT_CIPHER_MAX"] + 1), "ERANGE")],
    "WEFT_CONN_A_RESUMED": [(2, "ERANGE"), (0xffffffff, "ERANGE")]}
# Lists, by the whole name or the last word of it: how many are allowed, and whether
# one may be there twice.
LISTS = {"SELECTORS": ("WEFT_SELECTORS_MAX", True), "PORTS": ("WEFT_PORTS_MAX", False),
         "ADDRESSES": ("WEFT_ADDRESSES_MAX", False), "IDENTITIES": ("WEFT_IDENTITIES_MAX", True),
         "NETWORKS": ("WEFT_NETWORKS_MAX", True), "RULES": ("WEFT_RULES_MAX", True),
         "WEFT_REVOCATION_A_IDENTITIES": ("WEFT_REVOKED_MAX", True),
         "WEFT_REVOCATION_A_SERIALS": ("WEFT_REVOKED_MAX", True)}


def path_of(item, parents):
    return "/".join([p.name for p in reversed(parents)] + [item.name])


def full_name(item, parents):
    """WEFT_WORKLOAD_A_NAME; of an item of a list, the list's."""
    if parents and parents[0].enum == LIST_ENUM:
        return full_name(parents[0], parents[1:])
    enum = parents[0].enum if parents else TOP_ENUM
    prefix = os.path.commonprefix(C.enums[enum])
    return prefix[:prefix.rindex("_A_") + 3] + item.name


def is_needed(command, item, parents):
    path = path_of(item, parents)
    if path in NEEDED:
        return command in NEEDED[path]
    if not parents:
        return path != "TRANSACTION"
    if item.name.endswith("]"):
        return False
    t = C.types[full_name(item, parents)]
    return t.needed or (t.needed_in_new and command.endswith("_NEW"))


class Spoilt:
    """A message that must be refused: its payload, with which errnos, and where
    the offset has to point (None: the fault is no attribute)."""

    def __init__(self, kind, what, payload, errnos, at):
        self.kind, self.what, self.payload = kind, what, payload
        self.errnos, self.at = errnos, at

    def __repr__(self):
        return f"{self.kind}: {self.what}"


def spoil(command, message):
    """Every way to spoil a message, one at a time."""
    size = sum(1 for top in tree(message) for _ in top.walk())
    for index in range(size):
        yield from _spoil_one(command, message, index)
    yield from _spoil_nest(command, message, None)


def _fresh(message, index):
    """The message anew, and its attribute number index with its parents."""
    items = tree(message)
    return items, *[pair for top in items for pair in top.walk()][index]


def _spoil_one(command, message, index):
    _, item, parents = _fresh(message, index)
    path = path_of(item, parents)

    def change(kind, what, errnos, edit, at_parent=False):
        items, i, p = _fresh(message, index)
        edit(i, p[0].value if p else items)
        payload = encode(items)
        at = {x.at for x in p} or None
        if not at_parent:
            below = i.value if isinstance(i.value, list) else ()
            at = {x.at for x in (i, *p, *below)}
        return Spoilt(kind, f"{path} {what}", payload, errnos.split(), at)

    def put(value):
        return lambda i, _: setattr(i, "value", value)

    if is_needed(command, item, parents):
        yield change("missing", "is missing", "EINVAL", lambda i, among: among.remove(i), True)

    def flip(i, _):
        i.nested = not i.nested
    yield change("wrong flag", "with" + ("out" if item.nested else "") + " NLA_F_NESTED", "EINVAL", flip)
    if isinstance(item.value, list):
        yield from _spoil_nest(command, message, index)
        yield from _spoil_list(change, path, item, parents)
        return
    yield change("short", "without a payload", "EINVAL ERANGE", put(b""))
    yield change("long", "with 70 bytes more", "EINVAL ERANGE", put(item.value + b"x" * 70))
    if item.kind != "string":
        yield change("short", "one byte short", "EINVAL ERANGE", put(item.value[:-1]))
        yield change("long", "one byte too long", "EINVAL ERANGE", put(item.value + b"\0"))
    else:
        yield change("short", "of just a NUL", "EINVAL", put(b"\0"))
        yield change("short", "without its NUL", "EINVAL", put(item.value[:-1]))
        yield change("long", "with a NUL inside", "EINVAL", put(b"a\0" + item.value))
        yield change("long", "with two NULs at its end", "EINVAL", put(item.value + b"\0"))
    if not command.endswith(("_GET", "_DEL")) or item.kind == "address":
        for value, errno in _bad_values(item, parents):
            raw = value if isinstance(value, bytes) else tree_value(item, value)
            yield change("out of range", f"is {str(value)[:40]!r}", errno, put(raw))


def tree_value(item, value):
    if item.kind == "string":
        return value.encode("latin-1") + b"\0"
    if item.kind == "address":
        return address(value)
    return value.to_bytes(len(item.value), "little")


def _bad_values(item, parents):
    name = full_name(item, parents)
    if name in BAD:
        return BAD[name]
    if item.kind == "address":
        return BAD_ADDRESSES
    if name.endswith("_A_NAME"):
        return BAD_NAMES
    if name.endswith("_A_IDENTITIES"):
        return BAD_PATTERNS
    if item.kind == "u32" and item.enum:
        return [(C.max(item.enum) + 1, "ERANGE"), (0xffffffff, "ERANGE")]
    return []


def _spoil_nest(command, message, index):
    """What may be wrong in a nest (index None: at the top) beside its attributes."""
    def change(kind, what, edit, at=True):
        items = tree(message)
        holder, parents, among = None, (), items
        if index is not None:
            items, holder, parents = _fresh(message, index)
            among = holder.value
        added = edit(among, holder)
        payload = encode(items)
        if holder is None and added is None:
            payload += b"\x01\x02\x03"
        ats = {x.at for x in (holder, added, *parents) if x} if at else None
        name = path_of(holder, parents) if holder else "the message"
        return Spoilt(kind, f"{name} {what}", payload, ["EINVAL", "ERANGE"], ats)

    if index is None:
        enum, here = TOP_ENUM, message
    else:
        _, holder, parents = _fresh(message, index)
        enum, here = holder.enum, {i.name for i in holder.value}
        if parents and parents[0].enum == LIST_ENUM:
            # what may be there is what any item of the list has
            here = {i.name for s in parents[0].value for i in s.value}
    attrs = C.attrs(enum)
    allowed = {"ITEM"} if enum == LIST_ENUM else set(here)
    if enum == TOP_ENUM and command.endswith("_NEW") and command != "WORKER_NEW":
        allowed.add("TRANSACTION")

    def extra(name, number):
        def edit(among, _):
            among.append(Item(name, number, b"\1\0\0\0"))
            return among[-1]
        return edit

    strange = {"UNSPEC": 0, "MAX + 1": C.max(enum) + 1, "type 16383": 0x3fff}
    strange.update({n: number for n, (number, _) in attrs.items() if n not in allowed})
    for name, number in strange.items():
        yield change("unknown", f"with {name}", extra(name, number))

    def garbage(_, holder):
        if holder:
            holder.pad = b"\x01\x02\x03"
    yield change("long", "with 3 bytes behind it", garbage, at=False)

    def overrun(length):
        def edit(among, holder):
            i = extra("an attribute", next(iter(attrs.values()))[0])(among, holder)
            i.length = length
            return i
        return edit
    yield change("long", "with an attribute longer than the rest", overrun(4000), at=False)
    yield change("short", "with an attribute of length 3", overrun(3), at=False)


def _spoil_list(change, path, item, parents):
    if item.kind != "list":
        return
    most, twice_is_fine = LISTS.get(full_name(item, parents)) or LISTS[item.name]

    def many(i, _):
        i.value += [i.value[0]] * (C[most] + 1 - len(i.value))
    yield change("out of range", f"of {C[most] + 1}", "ERANGE", many)
    if not twice_is_fine and not (parents and parents[-1].name == "POLICY"):
        def twice(i, _):
            i.value[1] = i.value[0]
        yield change("out of range", "with one twice", "EINVAL", twice)
