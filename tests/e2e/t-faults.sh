#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 900
# kernels: kasan
# seconds: 400
# Allocations fail under connections: first one after the other, in the thread of
# the client and in that of the server, then at random wherever the module's code
# runs (weftd's calls, the driver, softirq).  Every call ends, with an errno that
# says so; nothing is plaintext, nothing leaks, and when there is memory again
# all is as before.
#
# WEFT_OFFSET=N  where not each allocation of the client has its turn, begin with the
#                Nth after the first (default: any; it is printed)
. "$(dirname "$(readlink -f "$0")")/lib.sh"
e2e_begin
faults() { python3 -SE "$E2E/faults.py" "$@"; }
document h2 s.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: server}
spec: {selectors: [{unit: server.service}, {unit: storm.service}]}
Y
document h1 s.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: client}
spec: {selectors: [{unit: client.service}, {unit: flood.service}]}
---
apiVersion: weft/v1
kind: Service
metadata: {name: server}
spec:
  addresses: [10.77.0.2]
  ports: [{port: 9000}, {port: 9001}]
  endpoints: [{address: 10.77.0.2}]
Y
mkdir "$T/server"
start_app server h2 9000 bash -c "cd '$T/server' && exec python3 -SE '$E2E/faults.py' server 9000"
start_app storm h2 9001 python3 -SE "$E2E/storm.py" -k server 9001

stat_of() { weftctl_in "$1" -j status | jq -r ".$2"; }
stat_is() { [ "$(stat_of "$1" "$2")" = "$3" ]; }
balanced() { [ "$(stat_of "$1" 'counters | .conns_created - .conns_destroyed')" = 0 ]; }
client() { run_as client h1 python3 -SE "$E2E/faults.py" client 10.77.0.2 9000 "$@"; }
say() { jq -r "$1" <<<"$result"; }
step=$((100 / ${WEFT_SCALE:-100}))
[ "$step" -ge 1 ] || step=1
offset=$((${WEFT_OFFSET:-$SRANDOM} % step))

capture_start "$T/c.pcap" tcp portrange 9000-9001
# Nobody's allocations fail yet: all that is aimed at is told by each thread.
faults aim
result=$(client $step $offset)
note "client, every ${step}th allocation, WEFT_OFFSET=$offset: $result"
check "allocations of the client failed one after the other" [ "$(say .faults)" -gt 5 ]
check "some of its connections came through nevertheless" [ "$(say .done)" -gt 0 ]
equal "no answer is another's or cut short" "[]" "$(say '.wrong | tostring')"
equal "its calls say why" "[]" "$(say '.errors | keys - ["ENOMEM", "ENOBUFS", "EFAULT", "ECONNREFUSED", "ECONNRESET", "EPIPE", "ENOTCONN", "ETIMEDOUT"] | tostring')"

# The server's: a client that comes again and again, until the server has seen a
# whole round, from the first allocation to the last.
touch "$T/server/FAULTS"
rounds() {
    client 0 20 >/dev/null # nothing fails at its side
    [ "$(jq .rounds "$T/server/FAULTS.json")" -ge 1 ]
}
check "the allocations of the server fail one after the other" wait_for 600 rounds
rm "$T/server/FAULTS"
result=$(cat "$T/server/FAULTS.json")
note "server: $result"
check "more than a few" [ "$(say .faults)" -gt 5 ]
equal "its calls say why, too" "[]" "$(say '.errors | keys - ["ENOMEM", "ENOBUFS", "EFAULT", "ECONNABORTED", "ECONNRESET", "EPIPE", "ENOTCONN", "EAGAIN"] | tostring')"

# --- anywhere
run_as_bg flood h1 python3 -SE "$E2E/storm.py" -k client 10.77.0.2 9001 6 "$T/stop"
storm=$JOB
some() { [ "$(stat_of h2 counters.live)" -ge "$1" ]; }
check "a storm begins" wait_for 120 some $(($(stat_of h2 counters.live) + 10))
faults aim 3 1000000
struck() { [ "$(faults times)" -lt $((2000000 - 3 * ${WEFT_SCALE:-100})) ]; }
check "and some hundred allocations of everybody's fail" wait_for 240 struck
note "$((2000000 - $(faults times))) faults"
faults aim
for h in h1 h2; do
    _serves() { [ "$(systemctl show -P ActiveState "weftd@$h")" = active ] && [ "$(stat_of "$h" workers)" -gt 0 ]; }
    check "weftd of $h serves, still or again" wait_for 120 _serves
done
check "with memory, connections come through as before" wait_for 120 some $(($(stat_of h2 counters.live) + 10))
touch "$T/stop"
wait "$storm"
capture_stop
result=$(tail -1 "$T/flood.out")
note "storm: $result"
# It may be that a reset got no memory; then the peer finds out by asking.
unsent() { in_host "$1" awk '/^TcpExt:/ { n++; for (i = 2; i <= NF; i++) if (n == 1) name[i] = $i; else if (name[i] == "TCPAbortFailed") print $i }' /proc/net/netstat; }
note "resets that were not sent: $(unsent h1) by h1, $(unsent h2) by h2"
[ "$(say .stuck)" = 0 ] || for h in h1 h2; do note "$h:" "$(in_host $h ss -tanoiH)"; done
equal "no call hangs" 0 "$(say .stuck)"
equal "no answer is another's or cut short" "[]" "$(say '.wrong | tostring')"
equal "connect() says why it fails" "[]" \
    "$(say '.connect | keys - ["ENOMEM", "ENOBUFS", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT"] | tostring')"
equal "so do the other calls" "[]" \
    "$(say '.io | keys - ["ENOMEM", "ENOBUFS", "ECONNRESET", "EPIPE", "ENOTCONN"] | tostring')"
for p in 9000 9001; do
    check "nothing but TLS records was ever sent ($p)" python3 -SE "$E2E/pcap.py" "$T/c.pcap" --port $p \
        --want records --absent faults-plaintext-marker storm-plaintext-marker
done
systemctl stop server storm
for h in h1 h2; do
    check "$h: none waits for ever" wait_for 90 stat_is $h parked 0
    check "$h: every connection created is destroyed" wait_for 120 balanced $h
done
