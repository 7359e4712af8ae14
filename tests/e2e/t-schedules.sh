#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 900
# seconds: 150
# Byte-exactness under random schedules: both ends of many connections read, write,
# wait, set options and end at random (tests/guest/schedule.c), over a fast wire and
# over one with delay and loss.  Every byte arrives, then the end of the stream, and
# nobody waits for ever.
#
# WEFT_SEED=N     begin there (default: somewhere; it is printed)
# WEFT_WITHOUT=X  without the features X (schedule -x): what is left when one is broken.
#                 By default, over delay and loss, without "rcvbuf": through the least of
#                 buffers a handshake may take longer than it may
# WEFT_SECONDS=S  until so much time has passed, instead of a number of schedules
. "$(dirname "$(readlink -f "$0")")/lib.sh"
schedule=$TOP/build/native/tests/guest/schedule
slots=8 port=7100
e2e_begin

ports() { for ((i = 0; i < slots; i++)); do echo "  - {port: $((port + i))}"; done; }
document h2 s.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: server}
spec: {selectors: [{unit: server.service}]}
Y
document h1 c.yaml <<Y
apiVersion: weft/v1
kind: Workload
metadata: {name: client}
spec: {selectors: [{unit: client.service}]}
---
apiVersion: weft/v1
kind: Service
metadata: {name: four}
spec:
  addresses: [10.77.0.2]
  endpoints: [{address: 10.77.0.2}]
  ports:
$(ports)
---
apiVersion: weft/v1
kind: Service
metadata: {name: six}
spec:
  addresses: ["fd77::2"]
  endpoints: [{address: "fd77::2"}]
  ports:
$(ports)
Y
APPS+=(server)
systemd-run -q --collect --unit=server -p NetworkNamespacePath=/run/netns/h2 -p TasksMax=infinity \
    "$schedule" serve "$T/control" "$port"
wait_for 60 test -S "$T/control" || not_ok "the server" "does not start"

seed=${WEFT_SEED:-$((SRANDOM % 1000000000))}
between() { [ "$1" -le "$2" ] && [ "$2" -le "$3" ]; }
lives() { weftctl_in h1 -j status | jq .counters.live; }
# schedules NAME NUMBER SHARE [WITHOUT]: of a given time, SHARE percent
schedules() {
    local much=(-n "$(scaled "$2")") before after ran refused without
    [ -z "${WEFT_SECONDS:-}" ] || much=(-T $((WEFT_SECONDS * $3 / 100)))
    without=${WEFT_WITHOUT-${4:-}}
    [ -z "$without" ] || much+=(-x "$without")
    before=$(lives)
    run_as client h1 "$schedule" -s "$seed" "${much[@]}" -j $slots -t $((60 * PATIENCE)) \
        run "$T/control" $port 10.77.0.2 fd77::2 2>&1 | tee "$T/out" | sed -u 's/^/# /'
    ran=$(sed -n 's/^\([0-9]*\) schedules from .*, 0 failed$/\1/p' "$T/out")
    equal "$1: no schedule fails" "0 failed" "$(tail -1 "$T/out" | grep -o '[0-9]* failed')"
    [ -n "$ran" ] || return
    # One that the server resets at once was refused, or live before.
    refused=$(sed -n 's/.*, \([0-9]*\) refused,.*/\1/p' "$T/out") after=$(($(lives) - before))
    check "$1: each connection was a meshed one ($ran, $refused, $after)" \
        between "$ran" $after $((ran + refused))
    seed=$((seed + ran + refused))
}
schedules "a fast wire" 200 50
wire_netem h1 delay 3ms loss 1%
wire_netem h2 delay 3ms loss 1%
schedules "delay and loss" 40 30 rcvbuf
wire_netem h1
wire_netem h2
# Keys that are renewed while all this goes on, by both ends.
renewed() { weftctl_in "$1" -j status | jq '.counters.keys_updated_tx'; }
echo 16 >/sys/module/weft/parameters/key_records
# (So many that at each end some send enough.)
[ "${WEFT_SCALE:-100}" -ge 40 ] || WEFT_SCALE=40
schedules "keys that change" 80 20
for h in h1 h2; do check "$h: keys were renewed" [ "$(renewed $h)" -gt 0 ]; done
systemctl stop server
for h in h1 h2; do
    no_conns $h 60
done
