#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kbuild-env.sh VER   Print the KDIR for kernel VER (6.1, 6.12, 7.2).  Its tools
# run in one of the cache's roots only: see build-module.
set -euo pipefail
k=${WEFT_CACHE:-$HOME/.cache/weft}/k/${1:?usage: kbuild-env.sh VER}
[ -d "$k/kdir/" ] || { echo "kbuild-env.sh: no kernel $1: run tests/vm/vm-fetch" >&2; exit 1; }
readlink -f "$k/kdir"
