#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A process that keeps its sockets locked, more of them than a workqueue has threads, and
# for as long as it likes, keeps nobody else from what is due: connections that the
# configuration no longer allows end, and new ones are made.
# timeout: 400
# seconds: 100
# kernels: 6.1
. "$(dirname "$(readlink -f "$0")")/lib.sh"
e2e_begin
number=300
document h2 server.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: server}
spec: {selectors: [{unit: server.service}]}
Y
services() { # IDENTITY of the one at port 9001
    document h1 client.yaml <<Y
apiVersion: weft/v1
kind: Workload
metadata: {name: client}
spec: {selectors: [{unit: holder.service}, {unit: good.service}, {unit: third.service}]}
---
apiVersion: weft/v1
kind: Service
metadata: {name: cut}
spec:
  addresses: [240.0.0.7]
  ports: [{port: 9001}]
  endpoints: [{address: 10.77.0.2}]
  identities: [$1]
---
apiVersion: weft/v1
kind: Service
metadata: {name: kept}
spec:
  addresses: [240.0.0.8]
  ports: [{port: 9002}]
  endpoints: [{address: 10.77.0.2}]
  identities: [server]
Y
}
services server
start_app server h2 9001 python3 -SE "$E2E/dial.py" server echo:9001 echo:9002
puppet good h1
APPS+=(holder)
systemd-run -q --collect --unit=holder -p NetworkNamespacePath=/run/netns/h1 \
    -p TasksMax=infinity -p LimitNOFILE=65536 \
    python3 -SE "$E2E/locked.py" 240.0.0.7 9001 $number
locked() { journalctl -q --no-pager -u holder -o cat | grep -qx locked; }
check "$number sockets are locked" wait_for 120 locked ||
    note "$(journalctl -q --no-pager -u holder -o cat | tail -5)"
tell good "s = socket.create_connection(('240.0.0.7', 9001))" >/dev/null
equal "another one is connected" "2 hi" "$(tell good "f'{s.send(b\"hi\")} {s.recv(2).decode()}'")"
services nobody
equal "it ends, for it is not allowed any more" ECONNRESET "$(tell good "s.settimeout(30) or s.recv(9)")"
equal "all others are to end, and cannot yet" "$number" \
    "$(conns h1 'select(.state == "live")' | wc -l)"
equal "a connection that is allowed is made" ok "$(talks third h1 240.0.0.8 9002)"
systemctl kill -s KILL holder
ended() { [ "$(weftctl_in h1 -j status | jq .live)" = 0 ]; }
check "when their owner is gone they are" wait_for 60 ended
