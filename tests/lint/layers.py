#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""layers.py [TOP]: nothing includes upwards, no headers in circles.

The table is DESIGN's section 6.  A file may include headers of its own layer
and of those below; in user space the own layer is the own directory, so that
link order and include order agree.  Status 1 and one line for each breach.
"""
import os
import re
import sys

# Shell patterns of base names; the first that matches decides.
KMOD = (
    # What hangs on a namespace is known to all that follow it; what makes and
    # unmakes it (netns.c) is on top.
    (1.5, r"netns\.h"),
    (0, r"(types|limits|compat|trace|fault|names)\..*"),
    (1, r"(workload|service|policy|revocation|peer|flow|lb_\w+|generation|generation_priv|change|lookup|table|stats|event|task|hkdf|messages)\..*"),
    (2, r"steer\..*"),
    (3, r"(conn|hold|ktls|ktls_\w+|upcall|connect|listen|handshake|history|synopt|judge|recheck|rescan|stale)\..*"),
    (4, r"hook_\w+\..*"),
    (5, r"(genl|genl_\w+|selftest|selftest_\w+)\..*"),
    (6, r"(main|netns|netns_ops)\..*"),
)
USER = {"daemon": 6, "cli": 6, "proxy": 5, "health": 5, "conf": 4, "join": 4, "tls": 3, "http": 3,
        "audit": 3, "nl": 2, "pki": 2, "metrics": 2, "loop": 1, "base": 0}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def includes(path):
    with open(path, encoding="utf-8") as f:
        return INCLUDE.findall(f.read())


def kmod_layer(name):
    for rank, pattern in KMOD:
        if re.fullmatch(pattern, name):
            return rank
    return None


def check_kmod(top, complain, graph):
    d = os.path.join(top, "kmod")
    for name in sorted(os.listdir(d)):
        if not name.endswith((".c", ".h")):
            continue
        rank = kmod_layer(name)
        if rank is None:
            complain(f"kmod/{name}: in no layer: add it to the table in tests/lint/layers.py")
            continue
        for inc in includes(os.path.join(d, name)):
            if "/" in inc or inc.endswith(".c"):
                complain(f'kmod/{name}: includes "{inc}": only headers of kmod/ itself')
                continue
            below = kmod_layer(inc)
            if not os.path.exists(os.path.join(d, inc)):
                complain(f'kmod/{name}: includes "{inc}", which does not exist')
            elif below is not None and below > rank:
                complain(f'kmod/{name} (layer {rank}) includes "{inc}" (layer {below}): upwards')
            graph.setdefault(f"kmod/{name}", []).append(f"kmod/{inc}")


def check_user(top, complain, graph):
    base = os.path.join(top, "userspace")
    for layer in sorted(os.listdir(base)):
        d = os.path.join(base, layer)
        sources = [n for n in sorted(os.listdir(d)) if n.endswith((".c", ".h"))] \
            if os.path.isdir(d) else []
        if sources and layer not in USER:
            complain(f"userspace/{layer}: in no layer: add it to the table in tests/lint/layers.py")
            continue
        for name in sources:
            here = f"userspace/{layer}/{name}"
            for inc in includes(os.path.join(d, name)):
                if os.path.exists(os.path.join(d, inc)):
                    inc = f"{layer}/{inc}"
                other = inc.split("/")[0]
                if not os.path.exists(os.path.join(base, inc)) or inc.endswith(".c"):
                    complain(f'{here}: includes "{inc}": not a header of userspace/')
                elif other != layer and USER[other] >= USER[layer]:
                    complain(f'{here} (layer {USER[layer]}) includes "{inc}" '
                             f"(layer {USER[other]}): upwards")
                graph.setdefault(here, []).append(f"userspace/{inc}")


def check_tests(top, complain):
    """A unit test includes its own layer (test_LAYER_*.c) and those below."""
    d = os.path.join(top, "tests", "unit")
    for name in sorted(os.listdir(d)) if os.path.isdir(d) else []:
        layer = re.fullmatch(r"test_([a-z0-9]+)(_\w+)?\.c", name)
        if not layer:
            continue
        rank = USER.get(layer[1])
        if rank is None:
            complain(f"tests/unit/{name}: {layer[1]} is no layer")
            continue
        for inc in includes(os.path.join(d, name)):
            other = inc.split("/")[0]
            if other in USER and other != layer[1] and USER[other] >= rank:
                complain(f'tests/unit/{name} includes "{inc}": upwards')


def check_cycles(complain, graph):
    done, path = set(), []

    def visit(node):
        if node in path:
            complain("headers in a circle: " + " -> ".join(path[path.index(node):] + [node]))
            return
        if node in done:
            return
        path.append(node)
        for nxt in graph.get(node, ()):
            visit(nxt)
        path.pop()
        done.add(node)

    for node in sorted(graph):
        if node.endswith(".h"):
            visit(node)


def main():
    top = sys.argv[1] if len(sys.argv) > 1 else "."
    found = []
    graph = {}
    check_kmod(top, found.append, graph)
    check_user(top, found.append, graph)
    check_tests(top, found.append)
    check_cycles(found.append, graph)
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
