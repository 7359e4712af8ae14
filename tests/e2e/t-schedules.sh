#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 900
# seconds: 150
# Byte-exactness under random schedules: both ends of many connections read, write,
# wait, set options and end at random (tests/guest/schedule.c), over a fast wire and
# over one with delay and loss.  Every byte arrives, then the end of the stream, and
# nobody waits for ever.
#
# WEFT_SEED=N       begin there (default: somewhere; it is printed)
# WEFT_CONDITION=C  only in this one: fast (a fast wire), loss (and delay), or keys (that
#                   change); by default in each, one after the other.  To repeat a
#                   failure takes its seed and its condition: its note says both
# WEFT_WITHOUT=X    without the features X (schedule -x): what is left when one is broken.
#                   By default, over delay and loss, without "rcvbuf": through the least
#                   of buffers a handshake may take longer than it may
# WEFT_SECONDS=S    until so much time has passed, instead of a number of schedules
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

seed=${WEFT_SEED:-$((SRANDOM % 1000000000))} only=${WEFT_CONDITION:-}
case $only in
'' | fast | loss | keys) ;;
*) not_ok "WEFT_CONDITION" "'$only' is none: fast, loss, keys"; exit 1 ;;
esac
between() { [ "$1" -le "$2" ] && [ "$2" -le "$3" ]; }
lives() { weftctl_in h1 -j status | jq .counters.live; }
# again CONDITION FILE: how to repeat what failed, of schedule's output
again() {
    local bad
    while read -r bad; do
        note "seed $bad failed; to repeat it: tests/run -a -k $KVER -t t-schedules.sh" \
            "  -e WEFT_CONDITION=$1 -e WEFT_SEED=$bad${WEFT_WITHOUT+ -e WEFT_WITHOUT=$WEFT_WITHOUT}"
    done < <(sed -n 's/^seed \([0-9]*\): .*/\1/p' "$2" | sort -nu)
}
# schedules CONDITION NAME NUMBER SHARE [WITHOUT]: of a given time, SHARE percent
schedules() {
    local condition=$1 name=$2 much=(-n "$(scaled "$3")") share=$4 before after ran refused without
    [ -z "$only" ] || share=100
    [ -z "${WEFT_SECONDS:-}" ] || much=(-T $((WEFT_SECONDS * share / 100)))
    without=${WEFT_WITHOUT-${5:-}}
    [ -z "$without" ] || much+=(-x "$without")
    before=$(lives)
    run_as client h1 "$schedule" -s "$seed" "${much[@]}" -j $slots -t $((60 * PATIENCE)) \
        run "$T/control" $port 10.77.0.2 fd77::2 2>&1 | tee "$T/out" | sed -u 's/^/# /'
    ran=$(sed -n 's/^\([0-9]*\) schedules from .*, 0 failed$/\1/p' "$T/out")
    equal "$name: no schedule fails" "0 failed" "$(tail -1 "$T/out" | grep -o '[0-9]* failed')"
    again "$condition" "$T/out"
    [ -n "$ran" ] || return
    # One that the server resets at once was refused, or live before.
    refused=$(sed -n 's/.*, \([0-9]*\) refused,.*/\1/p' "$T/out") after=$(($(lives) - before))
    check "$name: each connection was a meshed one ($ran, $refused, $after)" \
        between "$ran" $after $((ran + refused))
    seed=$((seed + ran + refused))
}
fast() { schedules fast "a fast wire" 200 50; }
loss() {
    local h
    for h in h1 h2; do wire_netem $h delay 3ms loss 1%; done
    schedules loss "delay and loss" 40 30 rcvbuf
    for h in h1 h2; do wire_netem $h; done
}
# Keys that are renewed while all this goes on, by both ends.
renewed() { weftctl_in "$1" -j status | jq '.counters.keys_updated_tx'; }
keys() {
    local h
    echo 16 >/sys/module/weft/parameters/key_records
    # (So many that at each end some send enough.)
    [ "${WEFT_SCALE:-100}" -ge 40 ] || WEFT_SCALE=40
    schedules keys "keys that change" 80 20
    for h in h1 h2; do check "$h: keys were renewed" [ "$(renewed $h)" -gt 0 ]; done
}
for c in ${only:-fast loss keys}; do "$c"; done
systemctl stop server
for h in h1 h2; do
    no_conns $h 60
done
