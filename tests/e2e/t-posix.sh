#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 600
# seconds: 90
# A meshed socket is a TCP socket: each case of posix.py (what an application can do
# with a connected socket, and what it sees) says over weft what it says over plain
# TCP, between the same two hosts; or the difference is listed, there and in weft(7).
. "$(dirname "$(readlink -f "$0")")/lib.sh"
e2e_begin
document h2 s.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: meshed}
spec: {selectors: [{unit: meshed.service}]}
Y
document h1 c.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: meshed}
spec: {selectors: [{unit: meshed.service}]}
---
apiVersion: weft/v1
kind: Service
metadata: {name: meshed}
spec:
  addresses: [10.77.0.2, "fd77::2"]
  ports: [{port: 9001}, {port: 9003}]
  endpoints: [{address: 10.77.0.2}, {address: "fd77::2"}]
  identities: ["spiffe://mesh.local/meshed"]
Y
address=10.77.0.2
[ "$KVER" != 6.12 ] || address=fd77::2
uring=$TOP/build/native/tests/guest/uring_posix
# The listener is in h2, the clients are in h1, all in one process, which has both ends.
cases() { # plain|meshed END PORT
    run_as "$1" h1 env "URING=$uring" python3 -SE "$E2E/posix.py" \
        run h2 h1 $address "$3" "$2" "$T/$1-$2" "${CASES:-*}" >"$T/$1-$2.out" 2>&1
}
capture_start "$T/w.pcap" tcp port 9001
for end in ${ENDS:-either}; do
    cases plain "$end" 9002 &
    plain=$!
    cases meshed "$end" 9001
    wait $plain
    for kind in plain meshed; do
        check "$kind, $end: all cases were run" test -s "$T/$kind-$end" ||
            note "$(tail -5 "$T/$kind-$end.out")"
        note "$kind, $end: $(cat "$T/$kind-$end.out")"
    done
    python3 -SE "$E2E/posix.py" compare "$KVER" "$T/plain-$end" "$T/meshed-$end" >"$T/compared" 2>&1
    case_results "$T/compared" "$end: "
done
capture_stop
check "nothing but TLS records was sent" python3 -SE "$E2E/pcap.py" "$T/w.pcap" --port 9001 --want records
python3 -SE "$E2E/posix.py" page "$TOP/userspace/man/weft.7" >"$T/page" 2>&1
case_results "$T/page"
