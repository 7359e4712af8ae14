#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""table.py [OUT.json] <RESULTS: makes the benchmark's table and OUT.json out of the
lines of JSON that bench.sh printed.  Of several runs the mean counts; the spread
is (greatest - least) / mean, of the set-up where it is greatest.  With OUT.json
every figure must be there: status 1, and it names those that are not."""
import collections
import json
import sys

SETUPS = ["plain", "weft", "haproxy_http", "haproxy_tcp", "nginx_stream"]
METRICS = [
    ("call_1k", "request, 1 KB answer, keep-alive"),
    ("bulk", "byte of a 16 MB answer"),
    ("connect_full", "connection, full handshake"),
    ("connect_psk", "connection, resumed"),
    ("packet", "packet, not meshed"),
    ("connect_unmeshed", "connect(), not meshed"),
]


SPREAD_MAX = 0.1

SHARES = ["call_1k", "connect_full", "connect_psk"]


def read(lines):
    runs = collections.defaultdict(list)
    shares = collections.defaultdict(lambda: collections.defaultdict(list))
    for line in lines:
        if line.startswith("{"):
            r = json.loads(line)
            runs[r["metric"], r["setup"]].append(r["each"])
            for who, each in r.get("parts", {}).items():
                shares[r["metric"], r["setup"]][who].append(each)
    # Without TLS nothing is resumed: a connection is a connection.
    runs["connect_psk", "plain"] = runs["connect_full", "plain"]
    return runs, shares


def mean(values):
    return sum(values) / len(values) if values else None


def number(x):
    return f"{x:,.2f}" if x < 100 else f"{x:,.0f}"


def cell(values, plain):
    if not values:
        return "-"
    m = mean(values)
    return number(m) + (f"  {m / plain:.2f}x" if plain else "")


def row(runs, metric, setups):
    plain = mean(runs[metric, "plain"])
    return [cell(runs[metric, s], plain if s != "plain" else None) for s in setups]


def spread(values):
    return (max(values) - min(values)) / mean(values) if values else 0


def table(runs):
    setups = SETUPS + ["floor"]
    rows = [["instructions of both hosts, per"] + setups + ["spread"]]
    for metric, title in METRICS:
        worst = max((spread(v) for (m, _), v in runs.items() if m == metric), default=0)
        rows.append([title] + row(runs, metric, setups) + [f"{worst:.1%}"])
    rows.append(["bytes of an idle connection, an end"]
                + row(runs, "conn_idle_bytes", setups) + [""])
    widths = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
    for r in rows:
        print("  ".join(c.ljust(w) if not i else c.rjust(w)
                        for i, (c, w) in enumerate(zip(r, widths))))


def print_shares(runs, shares):
    """Who spent it, with what the kernel did in that process's name; the rest is the
    client's and the kernel's own."""
    for metric in SHARES:
        for setup in SETUPS:
            parts = {who: mean(v) for who, v in shares[metric, setup].items()}
            if len(parts) < 2:
                continue
            parts["the rest"] = mean(runs[metric, setup]) - sum(parts.values())
            print(f"{metric} {setup}: " + ", ".join(f"{w} {number(n)}" for w, n in parts.items()))
    for how in "full", "resumed":
        alone = mean(runs[f"handshake_{how}", "weft"])
        if alone:
            print(f"a handshake, {how}, in weftd's TLS alone, both ends: {number(alone)}")


def print_doubts(runs):
    for (metric, setup), values in runs.items():
        if spread(values) > SPREAD_MAX:
            print(f"not to be relied on: {setup} {metric}, the runs differ by {spread(values):.0%}")


def whole(x):
    return x if x is None or x < 100 else round(x)


def figures(runs):
    out = {m: {s: whole(mean(runs[m, s])) for s in SETUPS} for m, _ in METRICS}
    idle = {s: mean(runs["conn_idle_bytes", s]) for s in ("plain", "weft")}
    # What a meshed socket needs more than a plain one.
    out["conn_idle_bytes"] = (None if None in idle.values()
                              else whole(idle["weft"] - idle["plain"]))
    out["weftd_rss_bytes"] = whole(mean(runs["weftd_rss_bytes", "weft"]))
    return out


def missing(out):
    """Names of the figures that nobody measured; a set-up without TLS does not resume."""
    for name, value in out.items():
        for setup, x in value.items() if isinstance(value, dict) else [("", value)]:
            if not isinstance(x, (int, float)) or x < 0 or (x == 0 and name != "packet"):
                yield f"{name} {setup}".strip()


def main():
    runs, shares = read(sys.stdin)
    table(runs)
    print()
    print_shares(runs, shares)
    print_doubts(runs)
    out = figures(runs)
    if len(sys.argv) > 1:
        with open(sys.argv[1], "w") as f:
            json.dump(out, f, indent=1)
            f.write("\n")
    print(f"\nmemory: {out['conn_idle_bytes']} bytes more for an idle meshed socket than for a plain one"
          f"; weftd {out['weftd_rss_bytes']} resident")
    lacking = list(missing(out)) if len(sys.argv) > 1 else []
    if lacking:
        sys.exit("bench: not measured: " + ", ".join(lacking))


main()
