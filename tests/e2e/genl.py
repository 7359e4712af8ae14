# SPDX-License-Identifier: GPL-2.0-or-later
"""Raw generic netlink for the tests of the module: nothing between them and the
kernel that could make a message right.

Numbers, limits, types and what is needed all come from the contract,
include/uapi/linux/weft.h: its enums, its #defines, and the first words of each
attribute's comment ("u32, enum weft_mode", "list of 16 byte addresses",
"string, needed in NEW").  Trees of attributes are Python dicts with
the attributes' short names:

    {"SERVICE": {"NAME": "web", "PORTS": [{"PORT": 80}]}}

Items turn them into attributes (which a test may then spoil), decode() back.
"""
import ctypes
import errno
import ipaddress
import os
import re
import socket
import struct

TOP = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
CONTRACT = os.path.join(TOP, "include/uapi/linux/weft.h")

# linux/netlink.h, linux/genetlink.h
NLM_F_REQUEST, NLM_F_MULTI, NLM_F_ACK, NLM_F_DUMP_INTR = 0x1, 0x2, 0x4, 0x10
NLM_F_CAPPED, NLM_F_ACK_TLVS = 0x100, 0x200             # of an ack
NLM_F_REPLACE, NLM_F_EXCL, NLM_F_CREATE, NLM_F_DUMP = 0x100, 0x200, 0x400, 0x300
NLMSG_ERROR, NLMSG_DONE = 2, 3
NLMSGERR_ATTR_MSG, NLMSGERR_ATTR_OFFS = 1, 2
NLA_F_NESTED, NLA_TYPE_MASK = 0x8000, 0x3fff
GENL_ID_CTRL, CTRL_CMD_GETFAMILY = 0x10, 3
CTRL_ATTR_FAMILY_ID, CTRL_ATTR_FAMILY_NAME, CTRL_ATTR_MCAST_GROUPS = 1, 2, 7
CTRL_ATTR_MCAST_GRP_NAME, CTRL_ATTR_MCAST_GRP_ID = 1, 2
SOL_NETLINK = 270
NETLINK_ADD_MEMBERSHIP, NETLINK_CAP_ACK, NETLINK_EXT_ACK = 1, 10, 11

HEADER = 20             # struct nlmsghdr and struct genlmsghdr
WAIT = 60               # seconds the kernel may take for one answer
INTEGERS = {"u8": "=B", "u16": "=H", "u32": "=I", "u64": "=Q", "s32": "=i"}


class Type:
    """What the contract says of one attribute."""

    def __init__(self, comment):
        self.needed = bool(re.search(r"\bneeded\b(?! in NEW)", comment))
        self.needed_in_new = "needed in NEW" in comment
        self.out_only = "out only" in comment
        named = re.search(r"\benum (\w+)", comment)
        self.enum = named and named[1]
        for pattern, kind in ((r"(u8|u16|u32|u64|s32)\b", None), (r"string\b", "string"),
                              (r"16 bytes", "address"), (r"32 bytes", "bytes"), (r"nest\b", "nest"),
                              (r"list of nests", "nests"), (r"list of strings", "strings"),
                              (r"list of 16 byte", "addresses")):
            found = re.match(pattern, comment)
            if found:
                self.kind = kind or found[1]
                return
        self.kind = None        # padding, or an item: its list says what it is

    @property
    def is_list(self):
        return self.kind in ("nests", "strings", "addresses")

    @property
    def item(self):
        """The kind of a list's items."""
        return {"nests": "nest", "strings": "string", "addresses": "address"}[self.kind]


class Contract:
    """The header: enums by name, constants by name, types of attributes."""

    def __init__(self, path=CONTRACT):
        with open(path, encoding="utf-8") as f:
            text = f.read()
        self.value, self.enums, self.types = {}, {}, {}
        for name, number in re.findall(r"^#define (WEFT_\w+)\s+(0x[0-9a-f]+|\d+)\b", text, re.M):
            self.value[name] = int(number, 0)
        self.family = re.search(r'#define WEFT_GENL_NAME\s+"(\w+)"', text)[1]
        self.group = re.search(r'#define WEFT_MCGRP_EVENTS\s+"(\w+)"', text)[1]
        reasons = re.search(r"#define WEFT_REASONS\(R\)(.*?)\n\n", text, re.S)[1]
        self._number("weft_reason", [f"WEFT_REASON_{r}" for r in re.findall(r"R\((\w+)\)", reasons)])
        for name, body in re.findall(r"^enum (\w+) \{\n(.*?)^\};", text, re.S | re.M):
            if name != "weft_reason":
                self._enum(name, body)

    def _number(self, enum, names):
        self.enums[enum] = [n for n in names if not n.startswith("__")]
        for i, n in enumerate(names):
            self.value[n] = i
        self.value[f"{enum}_max"] = len(self.enums[enum]) - 1

    def _enum(self, enum, body):
        """A comment stands behind its name, or in lines of its own before it."""
        entries, before = {}, ""
        for start, comment, name in re.findall(r"(^\s*)?(?:/\*(.*?)\*/|(\w+),?)", body, re.M | re.S):
            comment = re.sub(r"\s*\n\s*\*\s*", " ", comment).strip()
            if name:
                entries[name], before, last = before, "", name
            elif start:
                before = comment
            else:
                entries[last] = comment
        self._number(enum, list(entries))
        for name, comment in entries.items():
            self.types[name] = t = Type(comment)
            if "_A_" in name and not t.kind and not name.endswith(("_UNSPEC", "_PAD", "_ITEM", "_MAX")):
                raise ValueError(f"{CONTRACT}: the comment of {name} does not begin with its type")

    def __getitem__(self, name):
        return self.value[name]

    def max(self, enum):
        return self.value[f"{enum}_max"]

    def attrs(self, enum):
        """Short name -> (number, Type) of an enum of attributes."""
        prefix = os.path.commonprefix(self.enums[enum])
        prefix = prefix[:prefix.rindex("_A_") + 3]
        return {n[len(prefix):]: (i, self.types[n]) for i, n in enumerate(self.enums[enum]) if i}


C = Contract()
TOP_ENUM, LIST_ENUM = "weft_attr", "weft_list_attr"
ITEM = C["WEFT_LIST_A_ITEM"]
COMMANDS = {n[len("WEFT_CMD_"):]: i for i, n in enumerate(C.enums["weft_cmd"]) if i}


def address(text):
    a = ipaddress.ip_address(text)
    return b"\0" * 10 + b"\xff\xff" + a.packed if a.version == 4 else a.packed


def address_text(raw):
    a = ipaddress.IPv6Address(raw)
    return str(a.ipv4_mapped or a)


class Item:
    """An attribute of a message to be: value is bytes, or a list of Items.

    length overrides what its header says; pad is what follows inside a nest that
    no attribute accounts for.  at is its offset in the message once encoded.
    """

    def __init__(self, name, number, value, kind=None, enum=None):
        self.name, self.number, self.value = name, number, value
        self.kind, self.enum = kind, enum
        self.nested = isinstance(value, list)
        self.pad, self.length, self.at = b"", None, None

    def encode(self, at):
        self.at = at
        data = encode(self.value, at + 4) + self.pad if isinstance(self.value, list) else self.value
        number = self.number | (NLA_F_NESTED if self.nested else 0)
        length = len(data) + 4 if self.length is None else self.length
        return struct.pack("=HH", length & 0xffff, number) + data + b"\0" * (-len(data) % 4)

    def walk(self, parents=()):
        """It and all below, each with those above it."""
        yield self, parents
        if isinstance(self.value, list):
            for child in self.value:
                yield from child.walk((self, *parents))


def encode(items, at=HEADER):
    data = b""
    for item in items:
        data += item.encode(at + len(data))
    return data


def _item(name, number, kind, enum, value):
    if kind == "nest":
        return Item(name, number, tree(value, enum), kind, enum)
    if kind == "string":
        raw = value if isinstance(value, bytes) else value.encode() + b"\0"
    elif kind == "address":
        raw = address(value)
    elif kind == "bytes":
        raw = value
    else:
        raw = struct.pack(INTEGERS[kind], value)
    return Item(name, number, raw, kind, enum)


def tree(values, enum=TOP_ENUM):
    """A dict as Items."""
    attrs, out = C.attrs(enum), []
    for name, value in values.items():
        number, t = attrs[name]
        if t.is_list:
            items = [_item(f"{name}[{i}]", ITEM, t.item, t.enum, v) for i, v in enumerate(value)]
            out.append(Item(name, number, items, "list", LIST_ENUM))
        else:
            out.append(_item(name, number, t.kind, t.enum, value))
    return out


def _value(raw, kind, enum):
    if kind == "nest":
        return decode(raw, enum)
    if kind == "string":
        return raw.rstrip(b"\0").decode(errors="replace")
    if kind == "address":
        return address_text(raw)
    return struct.unpack(INTEGERS[kind], raw)[0] if kind in INTEGERS else raw


def split(raw):
    """The attributes of a piece of a message: (number, payload) each."""
    at = 0
    while at + 4 <= len(raw):
        length, number = struct.unpack_from("=HH", raw, at)
        if length < 4 or at + length > len(raw):
            raise ValueError(f"attribute at {at} has length {length} of {len(raw)}")
        yield number & NLA_TYPE_MASK, raw[at + 4:at + length]
        at += (length + 3) & ~3


def decode(raw, enum=TOP_ENUM):
    """Attributes as a dict."""
    names = {number: (name, t) for name, (number, t) in C.attrs(enum).items()}
    out = {}
    for number, data in split(raw):
        name, t = names[number]
        if t.is_list:
            out[name] = [_value(d, t.item, t.enum or "weft_counter_attr") for _, d in split(data)]
        elif name != "PAD":
            out[name] = _value(data, t.kind, t.enum)
    return out


class Answer:
    """Everything that came back for one request."""

    def __init__(self):
        self.errno, self.text, self.offset = 0, "", None
        self.raw = []           # payloads (attributes) of the messages
        self.parts = 0          # datagrams
        self.interrupted = False

    @property
    def objects(self):
        return [decode(r) for r in self.raw]

    @property
    def object(self):
        return self.objects[0]

    def __repr__(self):
        return (f"{errno.errorcode.get(self.errno, self.errno) if self.errno else 'ok'}"
                f" '{self.text}' offset {self.offset}, {len(self.raw)} messages")


class Genl:
    """A netlink socket that speaks to the family, in the caller's namespace."""

    def __init__(self):
        self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16)
        self.sock.bind((0, 0))
        self.sock.settimeout(WAIT)
        self.sock.setsockopt(SOL_NETLINK, NETLINK_EXT_ACK, 1)
        self.sock.setsockopt(SOL_NETLINK, NETLINK_CAP_ACK, 1)
        self.port = self.sock.getsockname()[0]
        self.seq = 0
        self.unasked = []       # (command, attributes): what nobody asked for
        self._resolve()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def _resolve(self):
        self.family = GENL_ID_CTRL
        name = Item("", CTRL_ATTR_FAMILY_NAME, C.family.encode() + b"\0")
        a = self.request(CTRL_CMD_GETFAMILY, [name])
        if a.errno:
            raise OSError(a.errno, "no generic netlink family " + C.family)
        found = dict(split(a.raw[0]))
        self.family = struct.unpack("=H", found[CTRL_ATTR_FAMILY_ID])[0]
        for _, g in split(found[CTRL_ATTR_MCAST_GROUPS]):
            g = dict(split(g))
            if g[CTRL_ATTR_MCAST_GRP_NAME].rstrip(b"\0").decode() == C.group:
                self.events = struct.unpack("=I", g[CTRL_ATTR_MCAST_GRP_ID])[0]

    def join(self):
        """Listen to events."""
        self.sock.setsockopt(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, self.events)

    def message(self, command, payload, flags=NLM_F_ACK):
        self.seq += 1
        return struct.pack("=IHHII", HEADER + len(payload), self.family,
                           flags | NLM_F_REQUEST, self.seq, 0) + \
            struct.pack("=BBH", command, C["WEFT_GENL_VERSION"], 0) + payload

    def request(self, command, attrs=(), flags=0):
        """Ask and wait for the whole answer.  command: name or number; attrs: a
        dict, Items, or bytes as they are to go out."""
        if isinstance(command, str):
            command = COMMANDS[command]
        if isinstance(attrs, dict):
            attrs = tree(attrs)
        payload = attrs if isinstance(attrs, bytes) else encode(attrs)
        self.sock.send(self.message(command, payload, flags | NLM_F_ACK))
        return self.answer()

    def dump(self, command, attrs=()):
        return self.request(command, attrs, NLM_F_DUMP)

    def receive(self):
        """One datagram as (header fields, body) each."""
        data, _, flags, _ = self.sock.recvmsg(1 << 18)
        if flags & socket.MSG_TRUNC:
            raise ValueError("a datagram of more than 256 KiB")
        at, out = 0, []
        while at + 16 <= len(data):
            length, kind, flags, seq, _ = struct.unpack_from("=IHHII", data, at)
            if length < 16 or at + length > len(data):
                raise ValueError(f"message at {at} has length {length} of {len(data)}")
            out.append((kind, flags, seq, data[at + 16:at + length]))
            at += (length + 3) & ~3
        return out

    def answer(self):
        a = Answer()
        while True:
            over = False
            a.parts += 1
            for kind, flags, seq, body in self.receive():
                if seq != self.seq:
                    if seq:
                        raise ValueError(f"an answer to {seq}, expected {self.seq}")
                    self.unasked.append((body[0], body[4:]))
                    continue
                a.interrupted |= bool(flags & NLM_F_DUMP_INTR)
                if kind in (NLMSG_ERROR, NLMSG_DONE):
                    self._verdict(a, kind, flags, body)
                    over = True
                else:
                    a.raw.append(body[4:])
            if over:
                return a

    @staticmethod
    def _verdict(a, kind, flags, body):
        a.errno = -struct.unpack_from("=i", body)[0]
        tlvs = 4
        if kind == NLMSG_ERROR:
            length = struct.unpack_from("=I", body, 4)[0]
            tlvs = 20 if flags & NLM_F_CAPPED else 4 + ((length + 3) & ~3)
        if not flags & NLM_F_ACK_TLVS:
            return
        for number, data in split(body[tlvs:]):
            if number == NLMSGERR_ATTR_MSG:
                a.text = data[:-1].decode("ascii")
            elif number == NLMSGERR_ATTR_OFFS:
                a.offset = struct.unpack("=I", data)[0]

    def next_unasked(self):
        """(command name, attributes as a dict) of the next such message."""
        while not self.unasked:
            for _, _, _, body in self.receive():
                self.unasked.append((body[0], body[4:]))
        command, raw = self.unasked.pop(0)
        return C.enums["weft_cmd"][command][len("WEFT_CMD_"):], decode(raw)


# ---- namespaces -----------------------------------------------------------------

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
PR_SET_DUMPABLE = 4
_libc = ctypes.CDLL(None, use_errno=True)


def unshare(flags):
    if _libc.unshare(flags):
        e = ctypes.get_errno()
        raise OSError(e, "unshare: " + os.strerror(e))


def become_root_of_user_namespace(uid, net):
    """As user uid, make a user namespace and be its root; net: with a network
    namespace of its own."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    _libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)    # /proc/self is ours
    unshare(CLONE_NEWUSER | (CLONE_NEWNET if net else 0))
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {uid} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as f:
            f.write(text)


def loopback_up():
    """SIOCSIFFLAGS of lo: IFF_UP and IFF_RUNNING."""
    import fcntl
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, 0x8914, struct.pack("16sH14x", b"lo", 0x41))
