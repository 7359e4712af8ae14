#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
# connect() in every way a program may call it, over a wire with delay and loss:
# signals, timeouts, threads, io_uring, strace, connect(AF_UNSPEC) and close() at any
# moment, bound ports, forty socket options through a failover.  A meshed connect()
# ends as a plain one, and no plaintext leaves.
. "$(dirname "$(readlink -f "$0")")/lib.sh"
e2e_begin
start_app server h2 9001 python3 -SE "$E2E/dial.py" server echo:9001
start_app plain h2 9010 python3 -SE "$E2E/dial.py" server echo:9010
document h2 s.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: server}
spec: {selectors: [{unit: server.service}]}
Y
document h1 c.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: client}
spec: {selectors: [{unit: client.service}]}
---
apiVersion: weft/v1
kind: Service
metadata: {name: server}
spec:
  addresses: [240.0.0.1]
  ports: [{port: 80, targetPort: 9001}]
  endpoints: [{address: 10.77.0.2}]
---
apiVersion: weft/v1
kind: Service
metadata: {name: failover}
spec:
  addresses: [240.0.0.2]
  ports: [{port: 80}]
  endpoints: [{address: 10.77.0.2, port: 9099, weight: 65000}, {address: 10.77.0.2, port: 9001}]
---
apiVersion: weft/v1
kind: Service
metadata: {name: failover6}
spec:
  addresses: ["fd77:9::2"]
  ports: [{port: 80}]
  endpoints: [{address: "fd77::2", port: 9099, weight: 65000}, {address: "fd77::2", port: 9001}]
Y
listening() { [ "$(weftctl_in h2 -j status | jq .covered)" = 1 ]; }
check "the server is covered" wait_for 20 listening
wire_netem h1 delay 10ms loss 3%
wire_netem h2 delay 10ms loss 2%
capture_start "$T/w.pcap" tcp port 9001
run_as client h1 python3 -SE "$E2E/connect.py" 10.77.0.2 9010 240.0.0.1 80 240.0.0.2 80 \
    fd77::2 9010 fd77:9::2 80 >"$T/out" 2>&1
capture_stop
case_results "$T/out"
check "nothing but TLS records was sent" python3 -SE "$E2E/pcap.py" "$T/w.pcap" --port 9001 --want records \
    --absent connect-secret unspec-secret uring-question
wire_netem h1
wire_netem h2
no_conns h1 30
no_conns h2 30
