#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The machine starts anew, the module is empty, and the documents are wrong or not there:
# what was in force last is in force again, a strict port takes no plaintext, and weftctl
# status says why.  What nobody confirmed does not come back so.  h3 is not in the mesh.
# timeout: 400
# seconds: 110
# kernels: 6.12
# debug: no
. "$(dirname "$(readlink -f "$0")")/lib.sh"
trap e2e_end EXIT
weft_install || exit 1
hosts_up h1 h2 h3
module_load || exit 1
weftd_start h1
weftd_start h2
dir=$CONF/h2/conf.d state=/var/lib/weft-netns/h2
web() { # [MODE]
    printf '%s\n' "apiVersion: weft/v1" "kind: Workload" "metadata: {name: web}" "spec:" \
        "  selectors: [{unit: web.service}]" "  mode: ${1:-strict}"
}
web | document h2 web.yaml
document h1 shop.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: shop}
spec: {selectors: [{unit: shop.service}]}
---
apiVersion: weft/v1
kind: Service
metadata: {name: web}
spec:
  addresses: [10.77.0.2]
  ports: [{port: 9000}]
  endpoints: [{address: 10.77.0.2}]
  identities: [web]
Y
serve() { start_app web h2 9000 python3 -SE "$E2E/storm.py" server 9000; }
serve
meshed() { talks shop h1 10.77.0.2 9000; }
plain() {
    local out
    out=$(in_host h3 python3 -SE "$E2E/dial.py" talk 10.77.0.2 9000 1 hello 2>&1)
    case $out in
    "ok "*" ms") echo ok ;;
    *) echo "$out" ;;
    esac
}
is_strict() { # NAME
    equal "$1: a meshed caller reaches the strict port" ok "$(meshed)"
    refute "$1: plaintext does not" [ "$(plain)" = ok ]
}
# boot COMMAND...: all stops, the module with its tables goes, COMMAND is run, all starts
boot() {
    systemctl stop web weftd@h1 weftd@h2
    wait_for 90 module_unload || not_ok "the module is unloaded" "$(lsmod | grep ^weft)"
    equal "nothing is left of it" "" "$(lsmod | grep '^weft ')"
    "$@"
    module_load
    serve
    equal "with the module alone anybody is served" ok "$(plain)"
    systemctl start weftd@h1 weftd@h2
}
journaled() { journal -u weftd@h2 -o cat | grep -qF -- "$1"; }
mend() { web | document h2 web.yaml; }

is_strict "before"
check "what is in force is kept" wait_for 20 grep -q "mode: strict" $state/last-good/documents
equal "for nobody else to read" "700 600" "$(stat -c %a $state/last-good $state/last-good/documents | paste -sd' ')"

boot :
is_strict "after a boot"
check "and all is well" wait_for 20 untroubled h2

half() { web | head -c 70 >"$dir/web.yaml"; }
boot half
is_strict "with half a document"
check "weftctl status says what is in force, and why" \
    troubled h2 "the documents are not in force, the last good ones, of 20.* UTC, are: $dir/web.yaml:"
check "so does the journal" journaled "these are the last good documents, in force since 20"
systemctl restart weftd@h2
check "the next daemon knows it as well" wait_for 20 troubled h2 "the last good ones, of "
is_strict "with the next daemon"
mend
check "with a whole one the trouble goes" wait_for 20 untroubled h2
is_strict "with a whole one"

away() { mv "$dir" "$dir.away"; }
boot away
is_strict "without the directory"
check "weftctl status says so" troubled h2 "the last good ones, .*cannot read the directory of documents"
mv "$dir.away" "$dir"
check "when it comes the trouble goes" wait_for 20 untroubled h2
is_strict "when it has come"

# --- a change to be confirmed
kept() { grep -q "mode: $1" $state/last-good/documents; }
web permissive >"$T/web.yaml"
check "a change comes into force" weftctl_in h2 apply "$T/web.yaml" --confirm 1h
equal "and anybody is served" ok "$(plain)"
check "it is not kept" kept strict
stuck() { # it is of another boot, so it is over, and cannot be undone
    sed -i 's/^boot .*/boot another/' $state/apply/pending/record
    mkdir -p $state/apply/restoring/in-the-way
}
boot stuck
is_strict "what nobody confirmed"
check "weftctl status says what is in force" troubled h2 \
    "^documents are not loaded until .* is rolled back; the last good ones, of 20.* UTC, are in force"
rm -r $state/apply/restoring
check "when it can be undone all is well" wait_for 30 untroubled h2
is_strict "when it is undone"
check "once more" weftctl_in h2 apply "$T/web.yaml" --confirm 1h
check "and confirmed" weftctl_in h2 apply confirm
check "it is kept" wait_for 20 kept permissive
mend
check "so is what follows" wait_for 20 kept strict

# --- there are none
spoil() { half; echo garbage >$state/last-good/documents; }
boot spoil
check "that those are damaged, too, is told" wait_for 20 troubled h2 "^nor are the last good documents in force: .*damaged"
equal "so nothing is in force" ok "$(plain)"
mend
check "they are made anew" wait_for 20 kept strict
check "and all is well again" wait_for 20 untroubled h2

# --- somebody wants none
document_gone h2 web.yaml
equal "without documents anybody is served" ok "$(plain)"
boot :
equal "after a boot as well" ok "$(plain)"
check "which is no trouble" wait_for 20 untroubled h2
