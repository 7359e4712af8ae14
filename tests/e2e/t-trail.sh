#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The audit has no holes and nothing twice: verdicts while weftd is away, while it
# does not read, when it is killed at any moment, and while journald takes nothing.
# What it could not hear or write it writes later, with the time at which it happened.
# One stranger's refusals, though, are counted when they become too many.
# timeout: 900
# kernels: 7.2
# seconds: 180
. "$(dirname "$(readlink -f "$0")")/lib.sh"
trap e2e_end EXIT
hosts_up h1 h2 h3
shelf() { start_app shelf h2 7003 python3 -SE "$E2E/dial.py" server echo:7002 tell:7004 echo:7005 echo:7003; }
shelf
port_wait h2 7002

weft_install || exit 1
module_load || exit 1
weftd_start h2
document h2 shelf.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: shelf}
spec: {selectors: [{unit: shelf.service}], mode: permissive, ports: [{port: 7005, mode: strict}]}
---
apiVersion: weft/v1
kind: AuthorizationPolicy
metadata: {name: closed}
spec:
  action: DENY
  workload: shelf
  rules: [{to: {ports: [7003]}}]
Y
marked() { [ "$(weftctl_in h2 -j status | jq .listeners)" -ge 2 ]; }
check "the listeners are covered" wait_for 20 marked

dial() { in_host h1 python3 -SE "$E2E/dial.py" talk 10.77.0.2 "$@" | sed 's,^ok .*,ok,'; }
kill_for_good() {
    kill -9 "$(weftd_pid h2)"
    systemctl stop weftd@h2
}
usec() { date +%s%6N; }
# records [MATCH]...: of this module, a line of JSON each
records() { journal -o json _SYSTEMD_UNIT=weftd@h2.service "WEFT_EPOCH=${epoch:-none}" "$@"; }
numbers() { records | jq -r 'select(.WEFT_SEQUENCE) | .WEFT_SEQUENCE' | sort -n; }
count() { records WEFT_VERDICT="$1" | wc -l; }
counter() { weftctl_in h2 -j status | jq ".counters.$1"; }
others=0 # verdicts that are none of these
all_there() { [ "$(numbers | tail -1)" = $(($(counter pass) + $(counter denied) + $(counter failed) + others)) ]; }
# complete WHAT: each number from 1 on, once
complete() {
    local got
    wait_for 60 all_there
    got=$(numbers)
    equal "$1: no record is missing, and none is there twice" \
        "$(seq "$(tail -1 <<<"$got")" | md5sum)" "$(md5sum <<<"$got")"
    equal "$1: that many connections passed" "$(counter pass)" "$(count pass)"
    equal "$1: that many were denied" "$(counter denied)" "$(count denied)"
}

# --- weftd hears it
equal "plaintext passes" ok "$(dial 7002 1 heard)"
_heard() { journal -o json _SYSTEMD_UNIT=weftd@h2.service WEFT_VERDICT=pass | grep -q WEFT_EPOCH; }
check "that is recorded" wait_for 20 _heard
epoch=$(journal -o json _SYSTEMD_UNIT=weftd@h2.service WEFT_VERDICT=pass -n 1 | jq -r .WEFT_EPOCH)
complete "while weftd runs"
equal "no record is late" "" "$(records WEFT_LATE=1)"

# --- weftd is away
kill_for_good
from=$(usec)
equal "without weftd plaintext passes" ok "$(dial 7002 1 unheard)"
contains "and is denied where a policy says so" ECONNRESET "$(dial 7003 1 unheard)"
to=$(usec)
_later() { [ "$(usec)" -gt $((to + 3000000)) ]; }
wait_for 20 _later
check "weftd starts again" systemctl start weftd@h2
complete "after weftd was away"
late() { records WEFT_LATE=1 WEFT_VERDICT="$1" | jq -c "$2"; }
for v in pass denied; do
    equal "one late record: $v" 1 "$(late $v . | wc -l)"
    equal "of when it happened: $v" true \
        "$(late $v "(.WEFT_TIME | tonumber) as \$t | $from <= \$t and \$t <= $to")"
    equal "which is not when it was written: $v" true \
        "$(late $v '(.__REALTIME_TIMESTAMP | tonumber) > (.WEFT_TIME | tonumber) + 2000000')"
    contains "and says so: $v" "(late: of 20" "$(late $v .MESSAGE)"
done
whom='[(.WEFT_LOCAL | split(":") | last), .WEFT_POLICY]'
equal "the late ones say whom and by which policy" '["7002",null] ["7003","closed"]' \
    "$(late pass "$whom") $(late denied "$whom")"
check "weftctl has no complaint" wait_for 20 untroubled h2
contains "weftctl suggest knows the late ones" 10.77.0.1 \
    "$(weftctl_in h2 suggest --since "@$((from / 1000000 - 1))" 2>&1)"
before=$(records | wc -l)
kill_for_good
check "weftd starts once more" systemctl start weftd@h2
equal "and plaintext passes" ok "$(dial 7002 1 again)"
complete "after another kill"
equal "which wrote nothing anew" $((before + 1)) "$(records | wc -l)"

# --- weftd is killed when it has marked a record and not sent it
mark=/var/lib/weft-netns/h2/audit
kill_for_good
equal "without weftd plaintext passes again" ok "$(dial 7002 1 marked)"
read -r _epoch number <"$mark"
equal "the mark is of this module" "$epoch" "$_epoch"
printf '%s %020d\n' "$epoch" $((10#$number + 1)) >"$mark"
check "weftd starts" systemctl start weftd@h2
complete "after a kill between mark and record"

# --- weftd does not read, and what it listens to is full
small_buffer() { # of the socket that has the large one: pidfd_open(), pidfd_getfd()
    python3 -SE - "$(weftd_pid h2)" <<'P'
import ctypes, os, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
pid = int(sys.argv[1])
pidfd = os.pidfd_open(pid)
done = 0
for fd in os.listdir(f"/proc/{pid}/fd"):
    if not os.readlink(f"/proc/{pid}/fd/{fd}").startswith("socket:"):
        continue
    copy = libc.syscall(438, pidfd, int(fd), 0)
    if copy < 0:
        sys.exit(f"pidfd_getfd: {os.strerror(ctypes.get_errno())}")
    with socket.socket(fileno=copy) as s:
        size = s.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        if s.family == socket.AF_NETLINK and size >= 32 << 20:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            done += 1
sys.exit(done != 1 and f"{done} sockets with a large buffer")
P
}
drops() { in_host h2 awk '$2 == 16 {n += $9} END {print n + 0}' /proc/net/netlink; }
check "weftd's buffer is made small" small_buffer
before=$(drops)
pid=$(weftd_pid h2)
many=$(scaled 200)
kill -STOP "$pid"
got=$(dial 7002 "$many" burst)
kill -CONT "$pid"
equal "$many connections pass while weftd stands still" ok "$got"
check "events were lost" [ "$(drops)" -gt "$before" ]
equal "it is the same weftd" "$pid" "$(weftd_pid h2)"
complete "after a burst"
check "weftctl has no complaint" untroubled h2

# --- weftd is killed at any moment
run_as_bg storm h1 python3 -SE "$E2E/dial.py" talk 10.77.0.2 7002 "$((many * 3))" storm
for _ in 1 2 3 4 5 6; do
    pid=$(weftd_pid h2)
    seen=$(counter pass)
    _some() { [ "$(counter pass)" -gt $((seen + many / 8)) ]; }
    wait_for 30 _some
    kill -9 "$pid"
    _back() { [ "$(weftd_pid h2)" -gt 0 ] && [ "$(weftd_pid h2)" != "$pid" ] && systemctl -q is-active weftd@h2; }
    check "weftd is killed and comes back" wait_for 60 _back
done
wait "$JOB"
contains "the connections pass" ok "$(cat "$T/storm.out")"
complete "after many kills"
check "weftctl has no complaint" untroubled h2

# --- journald hangs: nobody else does
export WEFTD_DROPIN="WatchdogSec=$((10 * PATIENCE))s
"
weftd_start h1
check "weftd starts with a watchdog of less patience" systemctl restart weftd@h2
document h1 caller.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: caller}
spec: {selectors: [{unit: caller.service}]}
---
apiVersion: weft/v1
kind: Service
metadata: {name: shelf}
spec:
  addresses: [240.0.0.1]
  ports: [{port: 7004}]
  endpoints: [{address: 10.77.0.2}]
Y
puppet caller h1
equal "a caller is connected" ok \
    "$(tell caller "exec('s = socket.create_connection((\"240.0.0.1\", 7004), 60); s.recv(99)')")"
_live() { [ "$(counter live)" = 1 ]; }
check "under TLS" wait_for 20 _live
others=1
complete "before journald hangs"
pid=$(weftd_pid h2)
journald=$(systemctl show -P MainPID systemd-journald)
holds=$(cat /proc/sys/net/unix/max_dgram_qlen)
past=$((SECONDS + 15 * PATIENCE))
kill -STOP "$journald"
equal "more connections pass than its socket holds records" ok "$(dial 7002 $((holds + 200)) hung)"
check "weftctl says that the journal takes nothing" wait_for 30 troubled h2 "the journal, which takes none"
document h2 revocation.yaml <<'Y'
apiVersion: weft/v1
kind: Revocation
metadata: {name: leak}
spec: {identities: ["spiffe://mesh.local/caller"]}
Y
_cut() { [ "$(counter cut)" = 1 ]; }
check "who is revoked is cut" wait_for 20 _cut
others=2
_past() { [ $SECONDS -ge $past ]; }
wait_for 30 _past
equal "weftd is not taken for hung" "$pid" "$(weftd_pid h2)"
kill -CONT "$journald"
complete "after journald hung"
equal "it is the same weftd" "$pid" "$(weftd_pid h2)"
check "weftctl has no complaint" wait_for 30 untroubled h2
systemctl stop caller weftd@h1

# --- journald is away, with its sockets
mapfile -t journald < <(systemctl list-units -q --plain --no-legend 'systemd-journald*' |
    cut -d' ' -f1)
check "journald stops" systemctl stop "${journald[@]}"
equal "without journald plaintext passes" ok "$(dial 7002 50 away)"
check "weftctl says that the journal takes nothing" wait_for 30 troubled h2 "the journal, which takes none"
rm -f /run/systemd/journal/socket
equal "also when there is no socket" ok "$(dial 7002 50 gone)"
check "journald starts" systemctl start "${journald[@]}"
complete "after journald was away"
check "weftctl has no complaint" wait_for 30 untroubled h2

# --- another life of the module
kill_for_good
systemctl stop shelf
check "the module unloads" wait_for 60 module_unload
module_load || exit 1
former=$epoch others=0
shelf
weftd_start h2
check "the listeners are covered" wait_for 20 marked
equal "plaintext passes" ok "$(dial 7002 1 anew)"
_anew() { journal -o json _SYSTEMD_UNIT=weftd@h2.service WEFT_SEQUENCE=1 | jq -r .WEFT_EPOCH | grep -qv "$former"; }
check "its numbers begin anew" wait_for 20 _anew
epoch=$(journal -o json _SYSTEMD_UNIT=weftd@h2.service WEFT_SEQUENCE=1 -n 1 | jq -r .WEFT_EPOCH)
complete "of the new module"

# --- a stranger who is refused again and again
flood() { # COUNT
    in_host h1 python3 -SE - "$1" <<'P'
import socket, sys
for _ in range(int(sys.argv[1])):
    with socket.create_connection(("10.77.0.2", 7005), 60) as s:
        try:
            s.sendall(b"no TLS\n")
            while s.recv(99):
                pass
        except OSError:
            pass
P
}
many=$(scaled 2000)
from=$SECONDS
flood "$many" &
job=$!
seen=$(counter failed)
_some() { [ "$(counter failed)" -gt $((seen + many / 4)) ]; }
check "a stranger is refused at a strict port" wait_for 60 _some
contains "another peer is denied meanwhile" ECONNRESET \
    "$(in_host h3 python3 -SE "$E2E/dial.py" talk 10.77.0.2 7003 1 quiet)"
wait "$job"
took=$((SECONDS - from))
check "as often as it came" [ "$(counter failed)" -ge "$many" ]
left_out() { records WEFT_ROLE=server | jq -s 'map(.WEFT_LEFT_OUT // 0 | tonumber) | add'; }
_sum() { [ $(($(count failed) + $(left_out))) = "$(counter failed)" ]; }
check "the records and what is left out are all of them" wait_for 60 _sum
got=$(($(count failed) + $(records WEFT_ROLE=server | jq -c 'select(.WEFT_LEFT_OUT)' | wc -l)))
note "$many in $took s: $got records"
check "few are recorded" [ "$got" -le $(((took / 10 + 2) * 51)) ]
equal "what is left out says of whom" '["10.77.0.1/32","shelf"]' \
    "$(records WEFT_ROLE=server | jq -c 'select(.WEFT_LEFT_OUT) | [.WEFT_SOURCE, .WEFT_WORKLOAD]' | sort -u)"
_other() { records WEFT_VERDICT=denied | jq -r .WEFT_REMOTE | grep -q '^10\.77\.0\.3:'; }
check "the other peer has its record" wait_for 20 _other
