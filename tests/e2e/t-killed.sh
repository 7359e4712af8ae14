#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 600
# kernels: 6.12
# seconds: 100
# weftd dies at every point of a handshake, on either side: before each system call
# that its worker makes in one, by strace.  The connection is served by the next
# daemon or refused in time, the one after it is served, one that is live does not
# notice.  By default every fourth call; WEFT_SCALE=400 takes them all.
#
# WEFT_OFFSET=N   from the Nth of each four (default: any; it is printed)
# WEFT_SECONDS=S  until so much time has passed: all of them in random order, which is
#                 drawn from WEFT_SEED (default: any; it is printed), again and again
. "$(dirname "$(readlink -f "$0")")/lib.sh"
trap e2e_end EXIT
trap 'exit 143' TERM
weft_install || exit 1
hosts_up h1 h2
start_app server h2 9000 python3 -SE "$E2E/storm.py" server 9000
module_load || exit 1
weftd_start h1 --workers 1
weftd_start h2 --workers 1
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
spec: {addresses: [10.77.0.2], ports: [{port: 9000}], endpoints: [{address: 10.77.0.2}]}
Y
puppet client h1
tell client 'exec("def exchange(text):\n with socket.create_connection((\"10.77.0.2\", 9000), 110) as s:\n  s.sendall(text)\n  return s.recv(len(text), socket.MSG_WAITALL)")' >/dev/null
equal "a connection lives" live "$(tell client "exec('k = socket.create_connection((\"10.77.0.2\", 9000), 110)') or k.sendall(b'live') or k.recv(4)")"
capture_start "$T/c.pcap" tcp port 9000

worker() { # HOST: the thread that makes its handshakes
    local t
    for t in /proc/"$(weftd_pid "$1")"/task/*; do
        [ "$(cat "$t/comm")" != weftd-worker ] || echo "${t##*/}"
    done
}
serves() { # HOST: its weftd is up and takes handshakes
    [ "$(systemctl show -P ActiveState "weftd@$1")" = active ] &&
        [ "$(weftctl_in "$1" -j status | jq .workers)" = 1 ]
}
# trace HOST STRACE-ARGUMENT...: of its worker, until strace_end
trace() {
    local h=$1
    shift
    : >"$T/strace.err"
    strace "$@" -p "$(worker "$h")" 2>"$T/strace.err" &
    tracer=$!
    wait_for 20 grep -q attached "$T/strace.err" || { not_ok "strace attaches ($h)" "$(cat "$T/strace.err")"; exit 1; }
}
strace_end() {
    kill -INT "$tracer" 2>/dev/null
    wait "$tracer" 2>/dev/null
}

every=$((400 / ${WEFT_SCALE:-100}))
[ "$every" -ge 1 ] || every=1
# Of too few points one that a handshake does not come to would be too many.
[ "$every" -le 4 ] || every=4
# From another one each time, so that in time each call has its turn.
offset=$((${WEFT_OFFSET:-$SRANDOM} % every))
seed=${WEFT_SEED:-$((SRANDOM % 1000000000))}
# chosen FILE: those of its points that have their turn
chosen() {
    if [ -z "${WEFT_SECONDS:-}" ]; then
        awk -v every="$every" -v offset="$offset" '(NR - 1) % every == offset' "$1"
    else
        awk -v seed="$seed" 'BEGIN { srand(seed) } { at[NR] = $0 }
            END { for (;;) for (n = NR; n > 0; n--) {
                i = int(rand() * n) + 1; t = at[i]; at[i] = at[n]; at[n] = t; print t } }' "$1"
    fi
}
how="every ${every}th call, WEFT_OFFSET=$offset"
[ -z "${WEFT_SECONDS:-}" ] || how="calls in random order, WEFT_SEED=$seed"
note "$how"
for h in h1 h2; do
    # Once in peace: which calls are there?  As "name n": the n-th call of that name.
    trace $h -o "$T/calls"
    equal "$h: an exchange under strace" whole "$(tell client "exchange(b'whole')")"
    strace_end
    grep -oP '^[a-z_0-9]+(?=\()' "$T/calls" | awk '{ print $1, ++n[$1] }' >"$T/points"
    check "$h: a handshake has more than a dozen system calls" [ "$(wc -l <"$T/points")" -gt 12 ]
    note "$h: $(wc -l <"$T/points") calls: $(awk '{ if ($2 > m[$1]) m[$1] = $2 } END { for (k in m) printf "%s %d  ", k, m[k] }' "$T/points")"
    points=0 killed=0 served=0 refused=0 strange=() stuck=()
    end=$((SECONDS + ${WEFT_SECONDS:-0} / 2))
    while { [ -z "${WEFT_SECONDS:-}" ] || [ $SECONDS -lt $end ]; } && read -r name n; do
        pid=$(weftd_pid $h)
        trace $h -o /dev/null -e "trace=$name" -e "inject=$name:signal=KILL:when=$n"
        points=$((points + 1))
        # How often one reads or waits depends on what comes when: a handshake that has
        # not come to that call leaves it to the next one.
        for _ in 1 2 3; do
            case $(tell client "exchange(b'first')") in
            first) served=$((served + 1)) ;;
            # Reset: it was through at one side when the other's daemon died.
            ECONNREFUSED | ETIMEDOUT | ECONNRESET) refused=$((refused + 1)) ;;
            *) strange+=("$name $n") ;;
            esac
            [ -e "/proc/$pid" ] || break
        done
        strace_end
        [ -e "/proc/$pid" ] || killed=$((killed + 1))
        wait_for 60 serves $h || stuck+=("$name $n: no daemon")
        [ "$(tell client "exchange(b'second')")" = second ] || stuck+=("$name $n: the next is not served")
    done < <(chosen "$T/points")
    note "$h: $points points ($how), killed at $killed; $served served, $refused refused"
    check "$h: weftd was killed at nearly every one of them" [ $((killed * 10)) -ge $((points > 0 ? points * 7 : 1)) ]
    equal "$h: each connection was served or refused in time" "" "${strange[*]}"
    equal "$h: and each after it was served" "" "${stuck[*]}"
    equal "$h: the live connection did not notice" "still" "$(tell client "k.sendall(b'still') or k.recv(5)")"
done
tell client 'k.close()' >/dev/null
capture_stop
check "nothing but TLS records was ever sent" python3 -SE "$E2E/pcap.py" "$T/c.pcap" --port 9000 \
    --want records --absent first second whole still
for h in h1 h2; do
    balanced() { [ "$(weftctl_in "$h" -j status | jq '.parked + (.counters | .conns_created - .conns_destroyed)')" = 0 ]; }
    check "$h: no connection is left" wait_for 90 balanced
done
