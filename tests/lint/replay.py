#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""replay KIND BUILD: compile the module's parts once more, another way.

BUILD is a directory that build-module filled (build/k/NAME).  The command with
which kbuild compiled each object is taken from its .cmd file.

KIND clang: the same sources by clang, syntax and warnings only; what gcc alone
understands is left out.  KIND headers: each header of kmod/ alone, by the same
compiler, to see that it includes what it needs.  Runs in the root of that
kernel (in-root).  Status 1 when something is complained of.
"""
import glob
import os
import re
import shlex
import subprocess
import sys

GCC_ONLY = re.compile(
    r"-mindirect-branch.*|-mfunction-return.*|-mrecord-mcount|-fconserve-stack|"
    r"-mpreferred-stack-boundary=.*|-fno-allow-store-data-races|-fmin-function-alignment=.*|"
    r"-fno-var-tracking.*|-femit-struct-debug-.*|-fplugin.*|-mskip-rax-setup|"
    r"-fsanitize=bounds-strict|-fno-ipa-.*|-falign-.*|-fzero-call-used-regs=.*|"
    r"-Wp,-M.*|-MMD|-MD|-MF.*|-fno-reorder-.*|-ftrivial-auto-var-init.*|-mharden-sls=.*")
CLANG_EXTRA = [
    "-fsyntax-only", "-Wno-unknown-warning-option", "-Wno-unused-command-line-argument",
    "-Wno-gnu", "-Wno-address-of-packed-member", "-Wno-gnu-variable-sized-type-not-at-end",
    "-Wno-ignored-optimization-argument", "-Wno-duplicate-decl-specifier"]


def commands(build):
    """(source, argv) for each object of the module."""
    for cmd in sorted(glob.glob(f"{build}/src/**/.*.o.cmd", recursive=True)):
        with open(cmd, encoding="utf-8") as f:
            line = f.readline()
        line = re.sub(r"^\S+ := ", "", line).split(" ; ")[0]
        argv = shlex.split(line.replace("\\#", "#").replace("$(pound)", "#"))
        if len(argv) < 4 or "gcc" not in argv[0] or not argv[-1].endswith(".c") or \
                argv[-1].endswith(".mod.c") or "/kmod/" not in argv[-1]:
            continue
        yield argv[-1], argv


def run(argv, cwd, ours):
    """1 for an error, or for a warning in a file below OURS: the kernel's are its own."""
    r = subprocess.run(argv, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, check=False)
    out = r.stdout.decode(errors="replace")
    if r.returncode or re.search(rf"^{re.escape(ours)}\S*: warning:", out, re.M):
        print(out, end="")
        return 1
    return 0


def without_output(argv):
    drop = {argv.index("-o"), argv.index("-o") + 1}
    return [a for i, a in enumerate(argv) if i not in drop and a != "-c"]


def by_clang(argv, cwd, ours):
    kept = [a for a in without_output(argv)[1:] if not GCC_ONLY.fullmatch(a)]
    return run(["clang"] + CLANG_EXTRA + kept, cwd, ours)


def header_alone(header, argv, cwd, ours):
    kept = [a for a in without_output(argv)[:-1] if not a.startswith("-Wp,-M")]
    return run(kept + ["-fsyntax-only", "-include", header, "-x", "c", "/dev/null"],
               cwd, ours)


def main():
    kind, build = sys.argv[1], os.path.abspath(sys.argv[2])
    with open(f"{build}/kdir", encoding="utf-8") as f:
        cwd = f.read().strip()
    todo = list(commands(build))
    if not todo:
        print(f"{build}: no compiled object")
        return 1
    rc, ours = 0, f"{build}/src/"
    if kind == "clang":
        for _, argv in todo:
            rc |= by_clang(argv, cwd, ours)
    else:
        for header in sorted(glob.glob(f"{build}/src/kmod/*.h")):
            rc |= header_alone(header, todo[0][1], cwd, ours)
    return rc


if __name__ == "__main__":
    sys.exit(main())
