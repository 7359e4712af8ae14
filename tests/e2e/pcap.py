#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a capture says: is it TLS 1.3 from the first byte to the last?

pcap.py FILE --port P [--want tls|records|plain] [--absent TEXT...] [--present TEXT...]

"tls": whole TLS 1.3 connections; "records": TLS records and nothing else, but a
connection may end anywhere, as one whose daemon was killed does.

Puts the TCP streams of port P together again (retransmissions, reordering),
takes each direction apart into TLS records, and prints one line of JSON:
connections, how many are TLS 1.3 throughout, and resumed, the groups by which keys
were exchanged, records by type, payload bytes, how often each TEXT was seen.
Status 1, with the reason, when what was wanted
is not so. A capture without a connection at P is never what was wanted, nor is any
TEXT absent from it, or from one with a gap.
"""
import argparse
import collections
import json
import struct
import sys

TYPES = {20: "change_cipher_spec", 21: "alert", 22: "handshake", 23: "application_data"}
GROUPS = {23: "P-256", 24: "P-384", 29: "X25519", 0x11EB: "SecP256r1MLKEM768",
          0x11EC: "X25519MLKEM768"}
ETH_IPV4, ETH_IPV6, ETH_VLAN = 0x0800, 0x86DD, 0x8100


def packets(path):
    """Link layer frames of a pcap file in either byte order."""
    with open(path, "rb") as f:
        head = f.read(24)
        magic = head[:4]
        if magic in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1"):
            order = "<"
        elif magic in (b"\xa1\xb2\xc3\xd4", b"\xa1\xb2\x3c\x4d"):
            order = ">"
        else:
            raise ValueError("no pcap file")
        if struct.unpack(order + "I", head[20:24])[0] != 1:
            raise ValueError("not Ethernet")
        while True:
            head = f.read(16)
            if len(head) < 16:
                return
            _, _, kept, whole = struct.unpack(order + "IIII", head)
            data = f.read(kept)
            if len(data) == kept:
                yield data, whole


def tcp_of(frame):
    """(source, destination, TCP segment) or None."""
    proto, at = struct.unpack("!H", frame[12:14])[0], 14
    if proto == ETH_VLAN:
        proto, at = struct.unpack("!H", frame[16:18])[0], 18
    if proto == ETH_IPV4:
        ihl = (frame[at] & 15) * 4
        length = struct.unpack("!H", frame[at + 2:at + 4])[0]
        if frame[at + 9] != 6:
            return None
        end = at + length if length else len(frame)
        return frame[at + 12:at + 16], frame[at + 16:at + 20], frame[at + ihl:end]
    if proto == ETH_IPV6:
        length = struct.unpack("!H", frame[at + 4:at + 6])[0]
        if frame[at + 6] != 6:
            return None
        end = at + 40 + length if length else len(frame)
        return frame[at + 8:at + 24], frame[at + 24:at + 40], frame[at + 40:end]
    return None


class Direction:
    """One half of a connection: segments by sequence number."""

    def __init__(self):
        self.isn = None
        self.segments = {}
        self.data = b""
        self.gap = False

    def add(self, seq, syn, payload):
        if syn:
            self.isn = (seq + 1) & 0xFFFFFFFF
            seq = self.isn      # TCP Fast Open: payload of the SYN
        if not payload:
            return
        if self.isn is None:
            self.isn = seq      # the capture began later
        offset = (seq - self.isn) & 0xFFFFFFFF
        if offset > 0x7FFFFFFF:
            return              # older than what we know: a keep-alive probe
        if len(payload) > len(self.segments.get(offset, b"")):
            self.segments[offset] = payload

    def assemble(self):
        parts, at = [], 0
        for offset in sorted(self.segments):
            payload = self.segments[offset]
            if offset > at:
                self.gap = True
                break
            if offset + len(payload) > at:
                parts.append(payload[at - offset:])
                at = offset + len(payload)
        self.data = b"".join(parts)


def begins_record(head):
    """Is that, of at most five bytes, a record's header, or as much of one as there is?"""
    kind, version, length = struct.unpack("!BHH", head + b"\x17\x03\x03\0\0"[len(head):])
    return kind in TYPES and version in (0x0301, 0x0303) and length <= 16384 + 256


def records(data):
    """(type, version, body) of each TLS record; None where it is no TLS."""
    at, out = 0, []
    while at < len(data):
        head = data[at:at + 5]
        if not begins_record(head):
            return None, 0
        if len(head) < 5:
            return out, len(head)
        kind, version, length = struct.unpack("!BHH", head)
        if at + 5 + length > len(data):
            return out, len(data) - at
        out.append((kind, version, data[at + 5:at + 5 + length]))
        at += 5 + length
    return out, 0


def judge_records(client, server):
    """'' for TLS records, the last one maybe cut short; else what is wrong; and types."""
    counts = collections.Counter()
    for name, side in (("client", client), ("server", server)):
        if side.gap:
            return f"capture has a gap ({name}'s side)", counts
        got, _ = records(side.data)
        if got is None:
            return f"{name} sent something else than TLS records", counts
        counts.update(TYPES[kind] for kind, _, _ in got)
    return "", counts


def is_tls13_hello(body):
    """A ServerHello that chooses TLS 1.3 (supported_versions, RFC 8446 4.2.1)."""
    return body[:1] == b"\x02" and b"\x00\x2b\x00\x02\x03\x04" in body


def extensions(server):
    """Of the last ServerHello: {type: content}."""
    got, _ = records(server.data)
    hellos = [body for kind, _, body in got or [] if kind == 22 and is_tls13_hello(body)]
    if not hellos:
        return {}
    body = hellos[-1]
    at = 4 + 2 + 32                     # header, version, random
    at += 1 + body[at] + 2 + 1          # session id, cipher suite, compression
    end, found = at + 2 + struct.unpack("!H", body[at:at + 2])[0], {}
    at += 2
    while at + 4 <= min(end, len(body)):
        kind, length = struct.unpack("!HH", body[at:at + 4])
        found[kind] = body[at + 4:at + 4 + length]
        at += 4 + length
    return found


def is_resumed(server):
    """Does the ServerHello choose a PSK, with a Diffie-Hellman exchange (RFC 8446, 4.2.11)?"""
    return {41, 51} <= set(extensions(server))      # pre_shared_key, key_share


def group(server):
    number = struct.unpack("!H", extensions(server).get(51, b"\0\0")[:2])[0]
    return GROUPS.get(number, hex(number))


def judge(client, server):
    """'' for TLS 1.3 throughout, else what is wrong; and the records' types."""
    counts = collections.Counter()
    sides = []
    for name, side in (("client", client), ("server", server)):
        if side.gap:
            return f"capture has a gap ({name}'s side)", counts
        got, rest = records(side.data)
        if got is None:
            return f"{name} sent something else than TLS records", counts
        if rest:
            return f"{name}'s last record is cut short by {rest} bytes of it", counts
        counts.update(TYPES[kind] for kind, _, _ in got)
        sides.append(got)
    if not sides[0] or sides[0][0][0] != 22 or sides[0][0][2][:1] != b"\x01":
        return "does not begin with a ClientHello", counts
    if not sides[1] or sides[1][0][0] != 22 or not is_tls13_hello(sides[1][0][2]):
        return "no ServerHello for TLS 1.3", counts
    for name, got in zip(("client", "server"), sides):
        # Only the first handshake record of each side is in the clear in TLS 1.3
        # (a HelloRetryRequest makes it two).
        clear = [kind for kind, _, _ in got if kind in (21, 22)]
        if len(clear) > 2 or 21 in clear:
            return f"{name} sent handshake or alert records in the clear", counts
    return "", counts


def streams(path, port):
    """{(client, client port, server, how often before): (client's half, server's half)}"""
    found, uses = {}, collections.Counter()
    for frame, whole in packets(path):
        got = tcp_of(frame) if len(frame) >= 34 else None
        if not got:
            continue
        src, dst, seg = got
        sport, dport, seq = struct.unpack("!HHI", seg[:8])
        if port not in (sport, dport):
            continue
        if whole != len(frame):
            raise ValueError("packets are cut short: capture with -s 0")
        to_server = dport == port
        ends = (src, sport, dst) if to_server else (dst, dport, src)
        syn, fresh = bool(seg[13] & 2), not seg[13] & 16
        before = found.get((*ends, uses[ends]))
        if syn and fresh and before and before[0].isn != (seq + 1) & 0xFFFFFFFF:
            uses[ends] += 1                 # another connection from the same port
        halves = found.setdefault((*ends, uses[ends]), (Direction(), Direction()))
        halves[0 if to_server else 1].add(seq, syn, seg[(seg[12] >> 4) * 4:])
    return found


def main():
    p = argparse.ArgumentParser()
    p.add_argument("file")
    p.add_argument("--port", type=int, required=True)
    p.add_argument("--want", choices=("tls", "records", "plain"))
    p.add_argument("--absent", nargs="*", default=[])
    p.add_argument("--present", nargs="*", default=[])
    a = p.parse_args()
    result = {"connections": 0, "tls13": 0, "resumed": 0, "groups": [], "bytes": 0, "records": {},
              "seen": {}}
    counts, groups, wrong, gaps = collections.Counter(), set(), [], 0
    texts = {t: 0 for t in a.absent + a.present}
    for halves in streams(a.file, a.port).values():
        for half in halves:
            half.assemble()
            result["bytes"] += len(half.data)
            for t in texts:
                texts[t] += half.data.count(t.encode())
        gap = halves[0].gap or halves[1].gap
        if not halves[0].data and not halves[1].data and not gap:
            continue            # refused, or closed before a byte
        result["connections"] += 1
        gaps += gap
        why, n = (judge_records if a.want == "records" else judge)(*halves)
        counts.update(n)
        if why:
            wrong.append(why)
        else:
            result["tls13"] += 1
            result["resumed"] += is_resumed(halves[1])
            groups.add(group(halves[1]))
    result["groups"], result["records"], result["seen"] = sorted(groups), dict(counts), texts
    print(json.dumps(result))
    bad = []
    if (a.want or a.absent) and not result["connections"]:
        bad.append(f"no connection at port {a.port} in the capture")
    if a.want in ("tls", "records"):
        bad += wrong
    elif a.absent and gaps:
        bad.append(f"what is behind a gap of the capture may be anything ({gaps} connections)")
    if a.want == "plain" and result["tls13"]:
        bad.append(f"{result['tls13']} connections are TLS")
    bad += [f"'{t}' is readable" for t in a.absent if texts[t]]
    bad += [f"'{t}' is not there" for t in a.present if not texts[t]]
    for line in bad:
        print(line)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
