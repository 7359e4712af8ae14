#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 900
# seconds: 150
# Random system calls on meshed sockets (tests/guest/syscalls.c), by processes and
# threads that share them, on both hosts at once.  Nothing hangs, nothing is left,
# the module unloads, and what was written to these sockets is on no wire; connections
# live, and of each kind of call that can go well some do.  The console is for tests/run
# to judge.
#
# WEFT_SEED=N     begin there (default: somewhere; it is printed)
# WEFT_SECONDS=S  rounds until so much time has passed, instead of a number of them
. "$(dirname "$(readlink -f "$0")")/lib.sh"
syscalls=$TOP/build/native/tests/guest/syscalls
port=7200
e2e_begin
for h in h1 h2; do
    in_host $h sysctl -qw net.ipv4.tcp_fastopen=$((0x607)) net.ipv4.tcp_syn_retries=2 \
        net.ipv4.tcp_orphan_retries=1
    document $h all.yaml <<Y
apiVersion: weft/v1
kind: Workload
metadata: {name: chaos}
spec: {selectors: [{unit: chaos-$h.service}]}
---
apiVersion: weft/v1
kind: Service
metadata: {name: four}
spec:
  addresses: [10.77.0.1, 10.77.0.2]
  endpoints: [{address: 10.77.0.1}, {address: 10.77.0.2}]
  ports: [{port: $port}, {port: $((port + 1))}]
---
apiVersion: weft/v1
kind: Service
metadata: {name: six}
spec:
  addresses: ["fd77::1", "fd77::2"]
  endpoints: [{address: "fd77::1"}, {address: "fd77::2"}]
  ports: [{port: $port}, {port: $((port + 1))}]
Y
done

lives() { weftctl_in "$1" -j status | jq .counters.live; }
seed=${WEFT_SEED:-$((SRANDOM % 1000000000))}
# round CALLS: each thread makes so many
round() {
    local h pids=() before
    before=$(lives h1)
    for h in h1 h2; do
        run_as_bg chaos-$h $h "$syscalls" -s $((seed * 2 + ${h#h})) -n "$1" -p 2 -i $((400 * PATIENCE)) -t $((60 * PATIENCE)) \
            $port 10.77.0.1 10.77.0.2 fd77::1 fd77::2
        pids+=("$JOB")
    done
    for h in h1 h2; do
        wait "${pids[${h#h} - 1]}"
        equal "seed $seed: $h comes to its end" "0 0 ended badly" \
            "$? $(grep -o '[0-9]* ended badly' "$T/chaos-$h.out")"
        note "$(cat "$T/chaos-$h.out")"
        cat "$T/chaos-$h.out" >>"$T/calls"
    done
    for h in h1 h2; do
        no_conns $h 60
    done
    note "$(($(lives h1) - before)) connections were live"
    seed=$((seed + 1))
}

# made: of all rounds, each kind of call: how many went well, were made, its name
made() {
    grep '^socket [0-9]*/' "$T/calls" | tr , '\n' | awk '
        { split($NF, n, "/"); $NF = ""; fine[$0] += n[1]; made[$0] += n[2] }
        END { for (k in fine) { name = k; gsub(/^ *| *$/, "", name); print fine[k], made[k], name } }'
}
# never: kinds of which none went well.  tee() of a socket never can; that listen() and
# bind() hit a socket that is fit for them is rare, and so it is that a connect() ends
# before a signal comes: that connections live is seen by their number.
never() {
    made | awk '$1 == 0' | cut -d' ' -f3- |
        grep -vxE 'tee|listen again|bind|connect|new connection' | sort | paste -sd,
}
capture_start "$T/w.pcap" tcp
end=$((SECONDS + ${WEFT_SECONDS:-0}))
rounds=0 calls=$(scaled 250)
[ -z "${WEFT_SECONDS:-}" ] || calls=400
# A round at least, and on until each port has something to judge, and each kind of call.
used() { python3 -SE "$E2E/pcap.py" "$T/w.pcap" --port "$1" --want records >/dev/null 2>&1; }
while [ $rounds = 0 ] || [ $SECONDS -lt $end ] ||
    { [ $rounds -lt 10 ] && ! { used $port && used $((port + 1)) && [ -z "$(never)" ]; }; }; do
    round "$calls"
    rounds=$((rounds + 1))
done
capture_stop
note "$(made | sort -k3 | sed 's/ /\//' | paste -sd,)"
equal "calls of each kind were made" 36 "$(made | wc -l)"
equal "and some of each went well" "" "$(never)"
# Ends, of both hosts: some two hundred a round.
lived=$(($(lives h1) + $(lives h2)))
check "many connections were live ($lived ends)" [ $lived -ge $((40 * rounds)) ]
equal "nothing of what was written was readable on the wire" 0 "$(grep -c syscalls-secret "$T/w.pcap")"
for p in $port $((port + 1)); do
    check "nothing but TLS records was sent (port $p)" python3 -SE "$E2E/pcap.py" "$T/w.pcap" --port "$p" --want records
done
check "although much was sent" [ "$(stat -c %s "$T/w.pcap")" -gt 10000 ]
