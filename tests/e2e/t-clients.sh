#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 600
# seconds: 100
# Programs of every make (blocking, epoll, asyncio, ...) see POSIX sockets: each
# case of clients.py with the mesh, at once and with delay; on one kernel without
# it, too, where they must pass as well.
. "$(dirname "$(readlink -f "$0")")/lib.sh"
trap e2e_end EXIT
hosts_up h1 h2
start_app server h2 9000 python3 -SE "$E2E/clients.py" server 9000

cases() { # PREFIX
    run_as client h1 python3 -SE "$E2E/clients.py" client 10.77.0.2 fd77::2 9000 >"$T/out" 2>&1
    case_results "$T/out" "$1: "
}
case $KVER in
6.12 | kasan) cases plain ;;
esac

weft_install || exit 1
module_load || exit 1
weftd_start h1
weftd_start h2
document h2 s.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: server}
spec: {selectors: [{unit: server.service}]}
Y
document h1 s.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: client}
spec: {selectors: [{unit: client.service}]}
---
apiVersion: weft/v1
kind: Service
metadata: {name: server}
spec:
  addresses: [10.77.0.2, "fd77::2"]
  ports: [{port: 9000}, {port: 9009}]
  endpoints: [{address: 10.77.0.2}]
  identities: ["spiffe://mesh.local/server"]
Y
capture_start "$T/mesh.pcap" tcp port 9000
cases mesh
wire_netem h1 delay 20ms
cases "mesh with 20 ms delay"
capture_stop
check "nothing of it was readable" python3 -SE "$E2E/pcap.py" "$T/mesh.pcap" --port 9000 --absent plaintext-marker
live=$(conns h1 'select(.state == "live")' | wc -l)
equal "no connection is left" 0 "$live"
