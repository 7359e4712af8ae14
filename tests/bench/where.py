#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""where.py KALLSYMS COUNTS N [COUNTS-BEFORE N]: what profile.c counted, by
function of the kernel and per each of N calls; with a second file, what has been
added since (or has gone)."""
import bisect
import collections
import sys


def symbols(path):
    found = []
    for line in open(path):
        address, kind, name, *module = line.split()
        if kind in "tTwW":
            found.append((int(address, 16), name + (" " + module[0] if module else "")))
    found.sort()
    return [a for a, _ in found], [n for _, n in found]


def functions(path, n, addresses, names):
    total = collections.Counter()
    for line in open(path):
        address, count, _ = line.split()
        address = int(address, 16)
        if address < 1 << 63:
            name = "user space"
        else:
            i = bisect.bisect_right(addresses, address) - 1
            name = names[i] if i >= 0 else "?"
        total[name] += int(count) / n
    return total


def main():
    addresses, names = symbols(sys.argv[1])
    now = functions(sys.argv[2], float(sys.argv[3]), addresses, names)
    if len(sys.argv) > 5:
        now.subtract(functions(sys.argv[4], float(sys.argv[5]), addresses, names))
    print(f"{sum(now.values()):10.0f}  all")
    for name, count in sorted(now.items(), key=lambda x: -abs(x[1])):
        if abs(count) >= 20:
            print(f"{count:10.0f}  {name}")


main()
