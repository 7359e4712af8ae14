#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Documents in the directory of a running weftd: a bad one changes nothing and is
# told once, with its place and what is allowed; a mended one counts; deletion,
# and the ways in which editors write.
# timeout: 400
# kernels: 7.2
# debug: no
. "$(dirname "$(readlink -f "$0")")/lib.sh"
trap e2e_end EXIT
hosts_up h1 h2
start_app tellers h2 9001 python3 -SE "$E2E/dial.py" server tell:9001
weft_install || exit 1
module_load || exit 1
weftd_start h1
weftd_start h2
dir=$CONF/h1/conf.d
document h2 tellers.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: tellers}
spec: {selectors: [{unit: tellers.service}]}
Y
good='apiVersion: weft/v1
kind: Workload
metadata: {name: client}
spec: {selectors: [{unit: client.service}]}
---
apiVersion: weft/v1
kind: Service
metadata: {name: tell}
spec:
  addresses: [240.0.0.9]
  ports: [{port: 9001}]
  endpoints: [{address: 10.77.0.2}]
'
document h1 a.yaml <<<"$good"

# One live connection, used after every change.
mkfifo "$T/keep"
systemd-run -q --collect --wait --pipe --unit=client -p NetworkNamespacePath=/run/netns/h1 \
    python3 -SE "$E2E/dial.py" keep 240.0.0.9 9001 <"$T/keep" >"$T/keep.out" 2>&1 &
keeper=$!
_jobs+=("$keeper")
exec 7>"$T/keep"
lines=1
kept() { [ "$(wc -l <"$T/keep.out")" -ge $lines ]; }
check "traffic flows" wait_for 60 kept
flows() { # the live connection, in the middle of its life
    lines=$((lines + 1))
    echo "line $lines" >&7
    wait_for 20 kept && [ "$(sed -n ${lines}p "$T/keep.out")" = "ok line $lines" ]
}

# --- bad documents
cursor() { journal -u weftd@h1 -n 1 -o json | jq -r .__CURSOR; }
# Not "-p err": journalctl 252 loses the first one after a cursor then.
errors() { # CURSOR: what came since
    journalctl -q --no-pager -u weftd@h1 -o json --after-cursor="$1" | jq -r 'select(.PRIORITY <= "3").MESSAGE'
}
told() { errors "$at" | grep -q .; }
refused() { # NAME FILE MESSAGE <text: is refused with that line, and nothing changes
    local before at got
    before=$(generation h1)
    at=$(cursor)
    cat >"$dir/$2"
    check "$1: it is told" wait_for 20 told
    systemctl reload weftd@h1
    journalctl --sync
    got=$(errors "$at")
    case $got in
    *"$3"*) ok "$1: with its place and what is allowed" ;;
    *) not_ok "$1: with its place and what is allowed" "wanted '$3', got '$got'" ;;
    esac
    equal "$1: in one line, once" 1 "$(grep -c . <<<"$got")"
    equal "$1: the generation stays" "$before" "$(generation h1)"
    check "$1: weftctl status says it" troubled h1 "^the documents are not in force, those of before are: "
    check "$1: traffic flows" flows
}
mended() { # NAME: without the bad file, or with a good one, a generation comes
    check "$1" wait_for 20 _newer h1 "$before"
    check "$1, and all is well" wait_for 20 untroubled h1
}

refused "wrong number" b.yaml \
    "b.yaml:7: Service \"b\": spec.ports[1].port: 70000: must be 1 to 65535" <<'Y'
apiVersion: weft/v1
kind: Service
metadata: {name: b}
spec:
  ports:
  - port: 80
  - port: 70000
Y
refused "field that is none" b.yaml \
    "b.yaml:6: Service \"b\": spec.endpoint: unknown field (did you mean \"endpoints\"?)" <<'Y'
apiVersion: weft/v1
kind: Service
metadata: {name: b}
spec:
  ports: [{port: 80}]
  endpoint: [{address: 10.0.0.1}]
Y
refused "not YAML" b.yaml "b.yaml:4: not valid YAML: " <<'Y'
apiVersion: weft/v1
kind: Service
metadata: {name: b
spec: {}
Y
before=$(generation h1)
rm "$dir/b.yaml"
mended "the removal of the bad file is a change"
refused "kind that is none" c.json \
    'c.json:3: kind: "Ingress": must be Workload, Service, AuthorizationPolicy, Revocation or Peer' <<'Y'
{
  "apiVersion": "weft/v1",
  "kind": "Ingress",
  "metadata": {"name": "b"}, "spec": {}
}
Y
refused "neither JSON nor YAML" c.json 'c.json:2: not valid ' <<'Y'
{"apiVersion": "weft/v1",
 "kind" "Service"}
Y
before=$(generation h1)
rm "$dir/c.json"
mended "that of another as well"
refused "name that is there already" d.yaml \
    "d.yaml:3: Service \"tell\": metadata.name: \"tell\": exists already, in $dir/a.yaml:8" <<'Y'
apiVersion: weft/v1
kind: Service
metadata: {name: tell}
spec: {ports: [{port: 80}]}
Y
refused "policy for nobody" d.yaml \
    'd.yaml:4: AuthorizationPolicy "p": spec.workload: "cleint": must be the name of a Workload' <<'Y'
apiVersion: weft/v1
kind: AuthorizationPolicy
metadata: {name: p}
spec: {workload: cleint, rules: [{}]}
Y
refused "address that another has" d.yaml \
    'd.yaml:5: Service "b": spec.addresses[0]: 240.0.0.9: port 9001 there belongs to Service "tell" already' <<'Y'
apiVersion: weft/v1
kind: Service
metadata: {name: b}
spec:
  addresses: [240.0.0.9]
  ports: [{port: 9001}]
Y
tells() { systemctl show -P StatusText weftd@h1 | grep -qF -- "$1"; }
check "systemctl status tells what is wrong" wait_for 20 tells "d.yaml:5: Service \"b\""

# --- mending
names() { weftctl_in h1 -j service show | jq -c 'map(.name) | sort'; }
has_names() { [ "$(names)" = "$1" ]; }
before=$(generation h1)
sed -i 's/240.0.0.9/240.0.0.10/' "$dir/d.yaml"
mended "a mended document counts"
equal "all of it" '["b","tell"]' "$(names)"
check "and systemctl status forgets" eval '! tells "d.yaml:5"'
check "traffic flows after that" flows
document_gone h1 d.yaml
equal "a deleted one does not" '["tell"]' "$(names)"

# --- the ways of editors
service() { printf 'apiVersion: weft/v1\nkind: Service\nmetadata: {name: %s}\nspec: {ports: [{port: 80}]}\n' "$1"; }
at=$(cursor)
# vim: a swap file, the old one renamed to a backup, a new one, the backup deleted
: >"$dir/.e.yaml.swp"
service one >"$dir/e.yaml"
check "a new file counts, a swap file does not" wait_for 20 has_names '["one","tell"]'
mv "$dir/e.yaml" "$dir/e.yaml~"
service two >"$dir/e.yaml"
rm "$dir/e.yaml~" "$dir/.e.yaml.swp"
check "renamed away and written anew" wait_for 20 has_names '["tell","two"]'
service three >"$dir/.new" && mv "$dir/.new" "$dir/e.yaml"
check "written aside and renamed into place" wait_for 20 has_names '["tell","three"]'
equal "none of it was an error" "" "$(errors "$at")"
exec 8>"$dir/e.yaml"
service four | head -c 50 >&8
sync "$dir"
service four | tail -c +51 >&8
exec 8>&-
check "written in two halves" wait_for 20 has_names '["four","tell"]'
mv "$dir/e.yaml" "$dir/e.off"
check "renamed out of sight" wait_for 20 has_names '["tell"]'
mkdir "$T/new"
cp "$dir/a.yaml" "$T/new/"
service five >"$T/new/f.yaml"
mv "$dir" "$dir.old" && mv "$T/new" "$dir"
check "a whole directory in the place of the old one" wait_for 20 has_names '["five","tell"]'
service six >"$dir/g.yaml"
check "which is watched as well" wait_for 20 has_names '["five","six","tell"]'
check "and the connection of the beginning lives" flows
exec 7>&-
wait "$keeper"
contains "and new ones are made" "ok 9001 " "$(run_as client h1 python3 -SE "$E2E/dial.py" call 240.0.0.9 9001)"
