#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Whose a connection is that comes in: of the process that accepts it, whoever began to
# listen.  Sockets that systemd passes on, a master that changes his user, listeners that
# are older than the documents, and documents that change under a listener.
# timeout: 300
# seconds: 60
. "$(dirname "$(readlink -f "$0")")/lib.sh"
trap e2e_end EXIT
weft_install || exit 1
hosts_up h1 h2
module_load || exit 1

# activated NAME PORT: NAME.socket and its NAME.service, which systemd starts with it
activated() {
    local unit=/run/systemd/system/$1
    printf '[Socket]\nListenStream=[::]:%s\nNetworkNamespacePath=/run/netns/h2\n' "$2" >"$unit.socket"
    printf '[Service]\nNetworkNamespacePath=/run/netns/h2\nExecStart=%s -SE %s server echo:fd3\n' \
        "$(command -v python3)" "$E2E/dial.py" >"$unit.service"
    systemctl daemon-reload
    systemctl start "$1.socket"
}
activated early 9101
weftd_start h1
weftd_start h2
document h1 client.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: client}
spec: {selectors: [{unit: client.service}]}
---
apiVersion: weft/v1
kind: Service
metadata: {name: server}
spec:
  addresses: [240.0.0.7]
  ports: [{port: 9101}, {port: 9102}, {port: 9103}, {port: 9104}, {port: 9105}]
  endpoints: [{address: 10.77.0.2}]
Y
servers() { # what is in h2
    document h2 servers.yaml <<Y
apiVersion: weft/v1
kind: Workload
metadata: {name: activated}
spec: {selectors: [{unit: early.service}, {unit: late.service}]}
---
apiVersion: weft/v1
kind: Workload
metadata: {name: master}
spec: {selectors: [{uid: 0, unit: master.service}]}
---
apiVersion: weft/v1
kind: Workload
metadata: {name: ${1:-by-user}}
spec: {selectors: [{${2:-uid: 3001}}]}
Y
}
servers
start_app user h2 9103 python3 -SE "$E2E/dial.py" server echo:9103 as:3001
start_app master h2 9104 python3 -SE "$E2E/dial.py" server echo:9104 as:3009
start_app other h2 9105 python3 -SE "$E2E/dial.py" server echo:9105
activated late 9102

dial() { run_as client h1 python3 -SE "$E2E/dial.py" talk 240.0.0.7 "$1" 1 hello; }
plain() { run_as stranger h1 python3 -SE "$E2E/dial.py" talk 10.77.0.2 "$1" 1 plaintext-secret; }
served() { [[ $(dial "$1") = "ok "* ]]; }
whose() { conns h2 | jq -sr 'max_by(.id) | .workload'; }
# meshed NAME PORT WORKLOAD: nobody else can talk to it
meshed() {
    contains "$1" "ok " "$(dial "$2")" && equal "$1: whose it is" "$3" "$(whose)"
    case $(plain "$2") in
    "ok "*) not_ok "$1: nothing else gets in" "plaintext was answered" ;;
    *) ok "$1: nothing else gets in" ;;
    esac
}
covered() { [ "$(weftctl_in h2 -j status | jq .covered)" = "$1" ]; }

meshed "a socket of systemd's, older than the documents" 9101 activated
meshed "a younger one" 9102 activated
meshed "a server that changes its user after listen()" 9103 by-user
meshed "a master in a workload that accepts as nobody" 9104 master
contains "who is in no workload is as if weft were not there" "ok " "$(plain 9105)"
refute "nor for the mesh" served 9105
check "only who began to listen in a workload is counted" covered 1

# --- sockets that listen no more
run_as former h2 python3 -SE "$E2E/unlisten.py" 9109 >"$T/unlisten" 2>&1
cat "$T/unlisten"
equal "all cases of sockets that listen no more" 16 "$(grep -c '^ok after' "$T/unlisten")"

# --- the documents change under the listeners
servers renamed
renamed() { dial 9103 >/dev/null; [ "$(whose)" = "$1" ]; }
check "the listener goes by them" wait_for 20 renamed renamed
servers narrower 'uid: 3001, unit: user.service'
check "one that names it more exactly" wait_for 20 renamed narrower
meshed "it is strict as before" 9103 narrower
servers elsewhere 'uid: 3001, unit: elsewhere.service'
free() { [[ $(plain 9103) = "ok "* ]]; }
check "one that does not name it any more lets go of it" wait_for 20 free
servers
check "and one that names it again has it" wait_for 20 renamed by-user
meshed "strict" 9103 by-user
document_gone h2 servers.yaml
let_go() { [ "$(weftctl_in h2 -j status | jq .listeners)" = 0 ]; }
check "without a workload all are let go of" wait_for 60 let_go
contains "and accept as if weft were not there" "ok " "$(plain 9103)"
servers
check "with one again it has the listener" wait_for 20 renamed by-user
meshed "strict once more" 9103 by-user
equal "no secret was ever read where it must not be" "" \
    "$(journalctl -q --no-pager -u early -u late -u master -o cat | grep plaintext-secret)"
systemctl stop early.socket early.service late.socket late.service
rm -f /run/systemd/system/{early,late}.{socket,service}
systemctl daemon-reload
