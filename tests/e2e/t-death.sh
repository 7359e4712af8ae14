#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 900
# seconds: 200
# kernels: 7.2
# Killing weftd with SIGKILL, on either side, at any time: live connections do not
# notice, new ones wait for the next daemon or are refused in time, none hangs, none
# is half open, nothing is plaintext.
#
# WEFT_SEED=N     whom to kill, and when, is drawn from this (default: any; it is printed)
# WEFT_SECONDS=S  kill for so long, instead of a number of times, and do nothing else
. "$(dirname "$(readlink -f "$0")")/lib.sh"
trap e2e_end EXIT
hosts_up h1 h2
marker=ochre-$RANDOM$RANDOM
# More than socket buffers hold, but the debug kernel is slow.
unit=$((8000000 / (PATIENCE > 1 ? 2 : 1)))
head -c $((5 * unit)) /dev/urandom >/var/www/html/big
echo $marker >/var/www/html/marker.txt
sum=$(sha256sum </var/www/html/big)
unit_in h2 nginx
systemctl start nginx
start_app keep h2 6379 redis-server --port 6379 --bind 10.77.0.2 --protected-mode no --save ''
start_app storm h2 9000 python3 -SE "$E2E/storm.py" server 9000
port_wait h2 80

weft_install || exit 1
module_load || exit 1
weftd_start h1 --workers 4
weftd_start h2 --workers 4
document h2 servers.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: web}
spec: {selectors: [{unit: nginx.service}]}
---
apiVersion: weft/v1
kind: Workload
metadata: {name: redis}
spec: {selectors: [{unit: keep.service}]}
---
apiVersion: weft/v1
kind: Workload
metadata: {name: storm}
spec: {selectors: [{unit: storm.service}]}
Y
document h1 clients.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: client}
spec:
  selectors: [{unit: client.service}, {unit: download.service}, {unit: shell.service},
              {unit: told.service}]
---
apiVersion: weft/v1
kind: Service
metadata: {name: web}
spec: {addresses: [10.77.0.2], ports: [{port: 80}], endpoints: [{address: 10.77.0.2}]}
---
apiVersion: weft/v1
kind: Service
metadata: {name: redis}
spec: {addresses: [10.77.0.2], ports: [{port: 6379}], endpoints: [{address: 10.77.0.2}]}
---
apiVersion: weft/v1
kind: Service
metadata: {name: storm}
spec: {addresses: [10.77.0.2], ports: [{port: 9000}], endpoints: [{address: 10.77.0.2}]}
Y

stat_of() { weftctl_in "$1" -j status | jq -r ".$2"; }
stat_is() { [ "$(stat_of "$1" "$2")" = "$3" ]; }
stat_least() { [ "$(stat_of "$1" "$2")" -ge "$3" ]; }
fetch() { run_as client h1 curl -sS -m $((100 * PATIENCE)) http://10.77.0.2/marker.txt; }
back() { # HOST PID: another process serves
    local now
    now=$(weftd_pid "$1")
    [ "$now" -gt 0 ] && [ "$now" != "$2" ] && [ "$(systemctl show -P ActiveState "weftd@$1")" = active ]
}
# kill_weftd HOST: SIGKILL, and wait for systemd's next one
kill_weftd() {
    local pid
    pid=$(weftd_pid "$1")
    kill -9 "$pid" && wait_for 60 back "$1" "$pid"
}
# kill_for_good HOST: SIGKILL, and none follows
kill_for_good() {
    kill -9 "$(weftd_pid "$1")"
    systemctl stop "weftd@$1"
}

# --- several workers
several_workers() {
    switches() { # HOST: how often each worker of its weftd has slept, one a line
        local t
        for t in /proc/"$(weftd_pid "$1")"/task/*; do
            [ "$(cat "$t/comm")" != weftd-worker ] ||
                echo "${t##*/} $(awk '/^voluntary_ctxt/ {print $2}' "$t/status")"
        done
    }
    for h in h1 h2; do switches $h >"$T/before.$h"; done
    for _ in 1 2 3 4 5 6 7 8; do fetch >/dev/null; done
    for h in h1 h2; do
        equal "$h: there are four workers" 4 "$(wc -l <"$T/before.$h")"
        equal "$h: each of the four workers has made handshakes" 4 \
            "$(switches $h | join "$T/before.$h" - | awk '$3 >= $2 + 2' | wc -l)"
    done
}

# --- live connections
live_connections() {
    # The download goes into a pipe that is read as the test goes on, so that what
    # happens between two reads happens in its middle.
    mkfifo "$T/commands" "$T/stream"
    run_as download h1 curl -sS -m $((800 * PATIENCE)) -w '%{stderr}%{num_connects}' http://10.77.0.2/big \
        >"$T/stream" 2>"$T/download.err" &
    download=$!
    _jobs+=("$download")
    exec 8<"$T/stream"
    takes() { # BYTES: the next ones of the download
        local before
        before=$(stat -c %s "$T/big")
        timeout $((100 * PATIENCE)) head -c "$1" <&8 >>"$T/big"
        [ "$(stat -c %s "$T/big")" = $((before + $1)) ]
    }
    : >"$T/big"
    systemd-run -q --collect --pipe --unit=shell -p NetworkNamespacePath=/run/netns/h1 \
        redis-cli -h 10.77.0.2 <"$T/commands" >"$T/shell.out" 2>&1 &
    _jobs+=($!)
    APPS+=(shell)
    exec 7>"$T/commands"
    redis_says() { # COMMAND: its answer's number of lines so far is one more
        local n
        n=$(wc -l <"$T/shell.out")
        echo "$1" >&7
        _more() { [ "$(wc -l <"$T/shell.out")" -gt "$n" ]; }
        wait_for 60 _more && tail -n +$((n + 1)) "$T/shell.out"
    }
    puppet told h1
    equal "a connection of python is live" ok "$(tell told 's = socket.create_connection(("10.77.0.2", 9000), 100)')"
    id=$(redis_says "CLIENT ID")
    check "redis-cli is connected" [ -n "$id" ]
    for h in h1 h2; do
        check "the download goes on ($h)" takes $unit
        check "weftd of $h is killed and comes back" kill_weftd $h
        equal "redis-cli's connection is the same ($h)" "$id" "$(redis_says "CLIENT ID")"
        equal "and answers ($h)" "OK" "$(redis_says "SET key-$h $marker")"
        equal "python's connection echoes ($h)" "$marker" \
            "$(tell told "s.sendall(b'$marker') or s.recv(${#marker}, socket.MSG_WAITALL)")"
    done
    kill_for_good h1
    kill_for_good h2
    check "without any daemon the download goes on" takes $unit
    equal "and redis answers" "$marker" "$(redis_says "GET key-h1")"
    timeout $((100 * PATIENCE)) cat <&8 >>"$T/big"
    check "the download ends well" wait "$download"
    equal "by one connection" 1 "$(cat "$T/download.err")"
    equal "with every byte as it was" "$sum" "$(sha256sum <"$T/big")"
    equal "python closes" ok "$(tell told 's.close()')"
    exec 7>&- 8<&-
}

# --- new connections wait for the next daemon
parked_connections() {
    fetch_many() { # N: that many at once
        run_as_bg client h1 bash -c 'for i in $(seq '"$1"'); do curl -sS -m '$((100 * PATIENCE))' http://10.77.0.2/marker.txt & done; wait'
    }
    fetch_many 6
    check "without a daemon at the client's side six connections are parked there" \
        wait_for 60 stat_is h1 parked 6
    contains "weftctl says that no daemon takes handshakes" "no daemon" "$(weftctl_in h1 status)"
    contains "weftctl shows them waiting" want "$(conns h1 .state)"
    systemctl start weftd@h1
    check "the client's next daemon takes them, so they are parked at the server's" \
        wait_for 60 stat_is h2 parked 6
    equal "and no more at the client's" 0 "$(stat_of h1 parked)"
    systemctl start weftd@h2
    wait "$JOB"
    equal "all six are served" "6 $marker" "$(sort "$T/client.out" | uniq -c | xargs)"
    equal "nothing is parked any more" "0 0" "$(stat_of h1 parked) $(stat_of h2 parked)"
}

# --- and are refused when none comes
timeout_set() { echo "$1" >/sys/module/weft/parameters/handshake_timeout; }
wait_connect='import socket, sys, time, errno
t = time.monotonic()
s = socket.socket()
r = s.connect_ex(("10.77.0.2", 80))
took = time.monotonic() - t
print(errno.errorcode.get(r, r), float(sys.argv[1]) <= took < float(sys.argv[2]))'
refused_connections() {
    timeout_set 3000
    kill_for_good h1
    # The server's daemon, which waits for us, may end it a little before.
    equal "no daemon at the client's side: ECONNREFUSED when the time is over, not before" "ECONNREFUSED True" \
        "$(run_as client h1 python3 -c "$wait_connect" 2.5 $((30 * PATIENCE)))"
    contains "weftctl explains it" no-daemon "$(conns h1 'select(.reason == "no-daemon") | .reason')"
    timeout_set $((60000 * PATIENCE))
    check "the next daemon starts" systemctl start weftd@h1
    kill_for_good h2
    timeout_set 3000
    got=$(run_as client h1 python3 -c "$wait_connect" 2 $((30 * PATIENCE)))
    case $got in
    "ECONNREFUSED True" | "ETIMEDOUT True") ok "no daemon at the server's side: refused when the time is over" ;;
    *) not_ok "no daemon at the server's side: refused when the time is over" "$got" ;;
    esac
    # Which side gives up first is a matter of milliseconds.
    _expired() { conns h2 'select(.reason == "no-daemon" or .reason == "reset") | .id' | grep -q .; }
    check "weftctl has it at the server's side" wait_for 20 _expired
    timeout_set $((60000 * PATIENCE))
    check "the server's next daemon starts" systemctl start weftd@h2
    equal "and serves" $marker "$(fetch)"
}

# Only the storm can go on for as long as one likes.
if [ -z "${WEFT_SECONDS:-}" ]; then
    several_workers
    live_connections
    parked_connections
    refused_connections
fi

# --- kills in a storm
capture_start "$T/storm.pcap" tcp port 9000
run_as_bg client h1 python3 -SE "$E2E/storm.py" client 10.77.0.2 9000 8 "$T/stop"
storm=$JOB
seed=${WEFT_SEED:-$((SRANDOM % 1000000000))}
wanted=$(scaled 30)
seconds=$((wanted * 8 * PATIENCE))
[ -z "${WEFT_SECONDS:-}" ] || wanted=0 seconds=$WEFT_SECONDS
check "the storm begins" wait_for 240 stat_least h2 counters.live 40
kills=$(python3 - "$wanted" "$seconds" "$seed" <<'P'
import os, random, signal, subprocess, sys, time
def pid(host):
    out = subprocess.run(["systemctl", "show", "-P", "MainPID", "weftd@" + host],
                         capture_output=True, text=True).stdout
    return int(out or 0)
wanted, seconds, seed = map(int, sys.argv[1:])
random.seed(seed)
end, killed, last = time.monotonic() + seconds, 0, {}
while (not wanted or killed < wanted) and time.monotonic() < end:
    host = random.choice(("h1", "h2"))
    # Any moment of its life is fair, its start included.
    moment = random.choice((0, random.random() / 20, random.random() * 2))
    while (p := pid(host)) in (0, last.get(host)) and time.monotonic() < end:
        time.sleep(0.02)
    if p in (0, last.get(host)):
        break
    time.sleep(moment)
    try:
        os.kill(p, signal.SIGKILL)
        killed += 1
    except ProcessLookupError:
        pass
    last[host] = p
print(killed)
P
)
check "$kills daemons die at random moments (WEFT_SEED=$seed)" [ "$kills" -ge $((wanted > 0 ? wanted : 1)) ]
for h in h1 h2; do
    _serves() { [ "$(systemctl show -P ActiveState "weftd@$h")" = active ] && stat_is "$h" workers 4; }
    check "weftd of $h is there again" wait_for 60 _serves
done
before=$(stat_of h2 counters.live)
check "and the storm goes on" wait_for 240 stat_least h2 counters.live $((before + 20))
touch "$T/stop"
wait "$storm"
capture_stop
result=$(tail -1 "$T/client.out")
note "storm: $result"
say() { jq -r "$1" <<<"$result"; }
check "connections came through meanwhile" [ "$(say .done)" -gt $((kills * 3 / 2)) ]
equal "no call hangs" 0 "$(say .stuck)"
equal "no answer is another's or cut short" "[]" "$(say '.wrong | tostring')"
equal "connect() fails with ECONNREFUSED or ETIMEDOUT only" "[]" \
    "$(say '.connect | keys - ["ECONNREFUSED", "ETIMEDOUT"] | tostring')"
equal "what was connected fails by reset only" "[]" "$(say '.io | keys - ["ECONNRESET", "EPIPE"] | tostring')"
for h in h1 h2; do
    check "$h: no connection is left" wait_for 90 stat_is "$h" live 0
    check "$h: none waits for ever" wait_for 90 stat_is $h parked 0
    _no_sockets() { [ -z "$(in_host "$h" ss -Htn state connected "( sport = :9000 or dport = :9000 )" exclude time-wait)" ]; }
    check "$h: none is half open" wait_for 90 _no_sockets
done
check "nothing but TLS records was ever sent" python3 -SE "$E2E/pcap.py" "$T/storm.pcap" --port 9000 \
    --want records --absent storm-plaintext-marker
