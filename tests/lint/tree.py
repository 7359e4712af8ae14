#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""tree.py CHECK FILE...: what can be seen in the text of the tracked files.

CHECK: spdx (a licence line near the top), length (no source beyond 1000 lines;
100 columns; checkpatch counts those of kmod/), marks (left-over marks,
trailing space, a missing newline at the end).
Status 1 and one line for each breach.
"""
import re
import sys

# No comment is possible, or the format has its own place for the licence.
NO_SPDX = re.compile(
    r"LICENSE$|debian/(changelog|copyright|control|rules|.*\.(install|dkms|manpages)|source/.*|.*\.docs)$|"
    r".*\.(json|pem|md|png|svg|key|crt|catalog)$|tests/unit/data/|tests/fuzz/corpus/")
SOURCE = re.compile(r".*\.([ch]|py|sh)$")
MARKS = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")


def columns(line):
    return len(line.expandtabs(8))


def check_spdx(path, text):
    if not NO_SPDX.match(path) and text and "SPDX-License-Identifier: " not in \
            "\n".join(text.splitlines()[:5]):
        yield f"{path}: no SPDX-License-Identifier in its first lines"


def check_length(path, text):
    lines = text.splitlines()
    if not SOURCE.match(path):
        return
    if len(lines) > 1000:
        yield f"{path}: {len(lines)} lines, 1000 is the wall"
    if not path.startswith(("userspace/", "tests/")):
        return
    limit = 100
    for n, line in enumerate(lines, 1):
        # A long string is better whole: one can grep for it.
        if columns(line) > limit and '"' not in line and "http" not in line:
            yield f"{path}:{n}: {columns(line)} columns, {limit} are the limit"


def check_marks(path, text):
    if path.startswith(("tests/unit/data/", "tests/fuzz/corpus/", "LICENSE")):
        return
    for n, line in enumerate(text.splitlines(), 1):
        if MARKS.search(line):
            yield f"{path}:{n}: left-over mark: {line.strip()}"
        if line != line.rstrip():
            yield f"{path}:{n}: trailing space"
    if text and not text.endswith("\n"):
        yield f"{path}: no newline at its end"


def main():
    check = {"spdx": check_spdx, "length": check_length, "marks": check_marks}[sys.argv[1]]
    rc = 0
    for path in sys.argv[2:]:
        try:
            with open(path, encoding="utf-8") as f:
                text = f.read()
        except (UnicodeDecodeError, IsADirectoryError):
            continue
        for complaint in check(path, text):
            print(complaint)
            rc = 1
    return rc


if __name__ == "__main__":
    sys.exit(main())
