#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 900
# Ways past the mesh.  A strict server reads no plaintext and sends none, whatever
# it does first with a child, also one it gets from an accept() that began before
# weft came; data that waits before the handshake or is left by a failed one stays
# where it is; TCP Fast Open, threads in send(), io_uring, sockmaps, sockets of
# before, an application's own kTLS, IPV6_ADDRFORM and reused sockets open no hole.
# In the end TIME_WAIT does not keep the module.
. "$(dirname "$(readlink -f "$0")")/lib.sh"
trap e2e_end EXIT
hosts_up h1 h2
began=$(date +%s)
holes=(python3 -SE "$E2E/holes.py")
uring=$TOP/build/native/tests/guest/uring
kinds=(poll splice splice_out sendfile send read peek zerocopy inq name shutdown again queued)
specs=()
port=7000
for k in "${kinds[@]}"; do
    specs+=("$k:$port")
    port=$((port + 2))
done
port_of() { printf '%s\n' "${specs[@]}" | sed -n "s/^$1://p"; }
for h in h1 h2; do in_host $h sysctl -qw net.ipv4.tcp_fastopen=$((0x607)); done

holed() { # UNIT HOST: a puppet that knows the holes
    puppet "$1" "$2"
    tell "$1" "exec('import sys; sys.path.insert(0, \"$E2E\"); import holes, steal, time')" >/dev/null
}
counter() { weftctl_in "$1" -j status | jq -r ".counters.$2"; }
status() { weftctl_in "$1" -j status | jq -r ".$2"; }
journal_of() { journalctl -q --no-pager -o cat --since "@$began" _SYSTEMD_UNIT="$1.service"; }
stranger() { in_host h1 "${holes[@]}" "$@"; } # no unit, no workload
mesh() { run_as client h1 "${holes[@]}" "$@"; }

# --- before weft: threads in accept(), sockets that are not connected yet
start_app server h2 7000 "${holes[@]}" server "${specs[@]}" name:7090
start_app uring h2 7900 "$uring" accept 7900
start_app echo h2 7800 python3 -SE "$E2E/dial.py" server echo:7800
holed keeper h2
equal "a listener that lives in a sockmap" "ok ok" \
    "$(tell keeper 'sm = holes.listener(7910)') $(tell keeper 'b = holes.Bpf(); m = b.sockmap(); b.insert(m, 0, sm)')"
holed hand h1
tell hand 'late = holes.limits(socket.socket())' >/dev/null
tell hand 'olds = [socket.socket() for _ in range(4)]; hidden = steal.Hidden(10)' >/dev/null
start_app plain h2 7810 python3 -SE "$E2E/dial.py" server tell:7810
equal "where weft is not TCP_ZEROCOPY_RECEIVE gives out what is queued" plain-data \
    "$(tell hand 'exec("l = holes.listener(0); x = socket.create_connection((\"::1\", l.getsockname()[1])); c = l.accept()[0]; x.send(b\"plain-data\"); c.recv(1, 2)") or holes.first_zerocopy(c)')"
tell hand 'exec("x.close(); c.close(); l.close()")' >/dev/null
mkfifo "$T/go"
APPS+=(uclient)
systemd-run -q --collect --pipe --wait --unit=uclient -p NetworkNamespacePath=/run/netns/h1 \
    "$uring" connect 240.0.0.1 80 <"$T/go" >"$T/uclient.out" 2>&1 &
uclient=$!
_jobs+=("$uclient")
exec 7>"$T/go"
wait_for 20 grep -q made "$T/uclient.out" || not_ok "uring connect" "$(cat "$T/uclient.out")"

weft_install || exit 1
module_load || exit 1
weftd_start h1
weftd_start h2
document h2 server.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: server}
spec:
  selectors:
  - {unit: server.service}
  - {unit: uring.service}
  - {unit: echo.service}
  - {unit: keeper.service}
Y
document h1 client.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: client}
spec: {selectors: [{unit: client.service}, {unit: hand.service}, {unit: uclient.service}]}
---
apiVersion: weft/v1
kind: Service
metadata: {name: echo}
spec:
  addresses: [240.0.0.1]
  ports: [{port: 80, targetPort: 7800}]
  endpoints: [{address: 10.77.0.2}]
---
apiVersion: weft/v1
kind: Service
metadata: {name: rest}
spec:
  addresses: [240.0.0.2]
  ports: [{port: 7090}, {port: 7900}, {port: 7910}]
  endpoints: [{address: 10.77.0.2}]
---
apiVersion: weft/v1
kind: Service
metadata: {name: plain}
spec:
  addresses: [240.0.0.4]
  ports: [{port: 80, targetPort: 7810}]
  endpoints: [{address: 10.77.0.2}]
---
apiVersion: weft/v1
kind: Service
metadata: {name: closed}
spec:
  addresses: [240.0.0.3]
  ports: [{port: 80, targetPort: 7999}]
  endpoints: [{address: 10.77.0.2}]
Y
marked() { [ "$(status h2 covered)" = $((${#kinds[@]} + 5)) ]; }
check "listeners of before are covered, also the one in a sockmap" wait_for 20 marked ||
    note "$(status h2 covered)"

# --- plaintext to a strict server, whatever it does first
capture_start "$T/a.pcap" tcp portrange 7000-7990
stranger attack "${specs[@]}" >"$T/attack"
note "$(cat "$T/attack")"
told() { [ "$(journal_of server | grep -c ': first ')" = ${#kinds[@]} ]; }
check "every connection was accepted and ended" wait_for 60 told || note "$(journal_of server)"
# unread KIND: a pattern of what the server says when it is refused: first an error, or
# what tells nothing of the data, not even how much of it there is; then nothing
unread() {
    local refused='E(CONNRESET|PIPE|NOTCONN)' first end
    end=$refused
    case $1 in
    poll) first=polled ;;
    inq) first=0 ;;
    name) first="(True|$refused)" ;;
    shutdown) first="(done|$refused)" ;;
    zerocopy) first="(ENOPROTOOPT|$refused)" ;;
    *) first=$refused end="(eof|$refused)" ;; # an error is told once
    esac
    echo "^$1: first $first, read 0 bytes b'', end $end\$"
}
for k in "${kinds[@]}"; do
    line=$(journal_of server | grep "^$k: first " | head -1)
    if [[ $line =~ $(unread "$k") ]]; then
        ok "$k: the strict server reads no plaintext (${line#*: })"
    else
        not_ok "$k: the strict server reads no plaintext" "$line"
    fi
    contains "$k: nor sends any" "$k: got 0 bytes" "$(grep "^$k: " "$T/attack")"
done
stranger attack uring:7900 >>"$T/attack"
answered() { journal_of uring | grep -q .; }
check "a child of io_uring's accept()" wait_for 30 answered
equal "is held before the program has it" ECONNRESET "$(journal_of uring | head -1)"
equal "children of accept() calls of before were caught" yes \
    "$([ "$(counter h2 trapped)" -ge ${#kinds[@]} ] && echo yes || counter h2 trapped)"
stranger attack sm:7910 >>"$T/attack" &
attacker=$!
equal "a child of the listener in the sockmap" ECONNRESET \
    "$(tell keeper 'exec("c = holes.limits(sm.accept()[0])") or c.recv(100)')"
wait $attacker
equal "none of them was sent anything" "" "$(grep -v 'got 0 bytes' "$T/attack")"

# --- Fast Open
opened() { in_host h2 nstat -asz TcpExtTCPFastOpenPassive | awk '/Passive/ {print $2}'; }
before=$(opened)
got=$(stranger fastopen 10.77.0.2 7800 plain-secret-tfo sendto)
case $got in # a reset socket's shutdown() says ENOTCONN
'' | ECONNRESET | EPIPE | ENOTCONN) ok "data on a stranger's SYN is not answered (${got:-eof})" ;;
*) not_ok "data on a stranger's SYN is not answered" "$got" ;;
esac
equal "although TCP took it" yes "$([ "$(opened)" -gt "$before" ] && echo yes)"
equal "sendto(MSG_FASTOPEN) of a mesh client is served" tfo-secret-1 "$(mesh fastopen 240.0.0.1 80 tfo-secret-1 sendto)"
equal "TCP_FASTOPEN_CONNECT, too" tfo-secret-2 "$(mesh fastopen 240.0.0.1 80 tfo-secret-2 connect)"
capture_stop
for k in splice_out sendfile send; do
    check "nothing of the server's is on the wire ($k)" \
        python3 -SE "$E2E/pcap.py" "$T/a.pcap" --port "$(port_of $k)" --absent server-secret
done
check "nor of the mesh client's Fast Open" \
    python3 -SE "$E2E/pcap.py" "$T/a.pcap" --port 7800 --absent tfo-secret-1 tfo-secret-2

# --- mesh clients get through all this
capture_start "$T/m.pcap" tcp portrange 7000-7990
contains "a mesh client whose child comes from an accept() of before is served" late-7090 \
    "$(tell hand 'exec("s = holes.limits(socket.create_connection((\"240.0.0.2\", 7090)))") or holes.echo(s, "late-7090")')"
equal "so is one of io_uring's server" uring-answer \
    "$(tell hand 'exec("s = holes.limits(socket.create_connection((\"240.0.0.2\", 7900)))") or s.sendall(b"uring-secret") or s.recv(100).decode()')"
equal "so is one of the listener in the sockmap" secret-sm \
    "$(tell hand 'exec("import threading; r = []; t = threading.Thread(target=lambda: r.append(holes.limits(socket.create_connection((\"240.0.0.2\", 7910))))); t.start()")' >/dev/null
       tell keeper 'exec("c = holes.limits(sm.accept()[0])")' >/dev/null
       tell hand 't.join(60) or r[0].sendall(b"secret-sm")' >/dev/null
       tell keeper 'c.recv(100).decode()')"
equal "a socket of before is steered" late-secret \
    "$(tell hand 'late.connect(("240.0.0.1", 80)) or holes.echo(late, "late-secret")')"

# --- io_uring does not wait for the verdict in submit(), nor does a sockmap get what is held
tell hand 'n = socket.socket(); n.setblocking(False); b = holes.Bpf(); m = b.sockmap()' >/dev/null
kill -STOP "$(weftd_pid h1)"
echo go >&7
parked() { [ "$(status h1 parked)" = "$1" ]; }
equal "a connection that waits for its verdict gets into no sockmap" EBUSY \
    "$(tell hand 'exec("n.connect_ex((\"240.0.0.1\", 80))\nwhile n.getsockopt(6, 11, 1) == b\"\\x02\": time.sleep(0.02)") or b.insert(m, 0, n)')"
check "connect() by io_uring of a socket of before waits for the verdict, too" wait_for 20 parked 2
check "but io_uring_submit() does not" wait_for 20 grep -q submitted "$T/uclient.out"
kill -CONT "$(weftd_pid h1)"
wait_for 30 grep -q uring-question "$T/uclient.out"
equal "with the verdict io_uring completes and talks" "made submitted connected uring-question" \
    "$(paste -sd' ' "$T/uclient.out")"
equal "a marked listener goes into no sockmap" ENOTSUP \
    "$(tell keeper 'x = holes.listener(7920); b.insert(m, 1, x)')"

# --- threads inside send() while another connects
contains "threads in send() while another connects" "connected 30" "$(mesh race 240.0.0.1 80 30 race-secret)"

# --- threads on their way to recv() and splice(): what comes is not for them
equal "they read nothing of a server that speaks plaintext" "ENOTCONN" \
    "$(tell hand 'steal.tries([socket.socket() for _ in range(10)], "240.0.0.4", 80)')"
equal "nor those of a socket of before" "ENOTCONN" "$(tell hand 'steal.tries(olds, "240.0.0.4", 80)')"
equal "nor of one that could not be found" "ENOTCONN" "$(tell hand 'steal.tries(hidden.take(), "240.0.0.4", 80)')"
contains "it did speak, to who was not asked for a name" 7810 \
    "$(in_host h1 python3 -SE "$E2E/dial.py" call 10.77.0.2 7810)"

# --- one's own socket
mesh local 240.0.0.1 80 ::ffff:240.0.0.1 own-secret >"$T/local" 2>&1
case_results "$T/local"

# --- allocations that fail (the debug kernel only)
if [ -e /proc/self/fail-nth ]; then
    said=$(mesh faults 240.0.0.1 80 fault-secret 80)
    note "connect() with the n-th allocation failing: $said"
    contains "allocations of connect() and send() failed" ENOMEM "$said"
fi
capture_stop
for p in 7090 7900 7910 7800; do
    check "only TLS records at port $p" python3 -SE "$E2E/pcap.py" "$T/m.pcap" --port $p --want records \
        --absent race-secret late-secret own-secret uring-secret uring-question secret-sm \
        late-7090 fault-secret
done

# --- saved SYNs
equal "a listener's TCP_SAVE_SYN is the application's" 0 \
    "$(tell keeper 'x.getsockopt(6, holes.TCP_SAVE_SYN)')"
tell keeper 'x.setsockopt(6, holes.TCP_SAVE_SYN, 1)' >/dev/null
equal "also when it was set" 1 "$(tell keeper 'x.getsockopt(6, holes.TCP_SAVE_SYN)')"
in_host h1 python3 -c 'import socket; s = socket.create_connection(("10.77.0.2", 7920), 5); s.recv(1)' 2>/dev/null &
equal "then it gets its children's SYN" True \
    "$(tell keeper 'exec("c, _ = x.accept()") or len(c.getsockopt(6, holes.TCP_SAVED_SYN, 200)) >= 40')"
tell keeper 'c.close()' >/dev/null

# --- a reused socket: the old id names the old story alone
equal "connect() to where nobody listens" ECONNREFUSED "$(tell hand 'r = holes.limits(socket.socket()); r.connect(("240.0.0.3", 80))')"
old=$(conns h1 'select(.service == "closed") | .id')
equal "the same socket again" reused "$(tell hand 'r.connect(("240.0.0.1", 80)) or holes.echo(r, "reused")')"
refute "the old id cannot be deleted" weftctl_in h1 conn del "$old"
equal "and is told as it was" '"refused"' "$(conns h1 "select(.id == $old) | .reason")"
equal "the connection goes on" reused "$(tell hand 'holes.echo(r, "reused")')"

# --- a child that is closed before accept() belongs to its port still
puppet slow h2
document h2 slow.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: slow}
spec: {selectors: [{unit: slow.service}], mode: disabled, ports: [{port: 7950, mode: strict}]}
Y
tell slow 'L = socket.create_server(("10.77.0.2", 7950))' >/dev/null
in_host h1 python3 -c '
import socket, struct
s = socket.create_connection(("10.77.0.2", 7950))
s.send(b"plain-secret")
s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
s.close()'
equal "data of a peer that reset before accept() is not read" ECONNRESET "$(tell slow 'L.accept()[0].recv(100)')"

# --- what holds the module is told
equal "sockets that are not decided are counted" 1 "$(tell hand 'u = socket.socket()' >/dev/null; status h1 undecided)"
refute "and hold the module" rmmod weft
tell hand 'u.close()' >/dev/null
equal "until they are closed" 0 "$(status h1 undecided)"

equal "no plaintext was ever read" "" \
    "$(journalctl -q --no-pager -o cat --since "@$began" -u server -u uring -u echo | grep plain-secret)"
# Both ends close this one before they hear of the other's end: both go to TIME_WAIT.
tell hand 'exec("s = holes.limits(socket.socket()); t = threading.Thread(target=s.connect, args=((\"240.0.0.2\", 7910),)); t.start()")' >/dev/null
equal "a connection whose ends are closed at once" bye \
    "$(tell keeper 'exec("c = sm.accept()[0]; c.sendall(b\"bye\")")' >/dev/null; tell hand 't.join(60) or s.recv(3).decode()')"
port=$(tell hand 's.getsockname()[1]')
for h in h1 h2; do wire_netem $h delay $((4 * PATIENCE))s; done
tell keeper 'c.close()' >/dev/null
tell hand 's.close()' >/dev/null
ends() { in_host "$1" ss -Htan state time-wait "( sport = :$port or dport = :$port )" | grep -q .; }
for h in h1 h2; do check "$h has it in TIME_WAIT" wait_for 30 ends $h || note "$(in_host $h ss -tan)"; done
for h in h1 h2; do wire_netem $h; done
for a in "${APPS[@]}"; do systemctl stop "$a" 2>/dev/null; done
for h in h1 h2; do
    no_conns $h 20
done
for h in h1 h2; do systemctl stop "weftd@$h"; done
check "the module goes all the same" wait_for 10 module_unload
equal "sockmaps work after it has gone" "ok ok" "$(in_host h1 python3 -c '
import sys, socket, threading
sys.path.insert(0, sys.argv[1])
import holes
b = holes.Bpf(); m = b.sockmap()
with holes.listener(0) as l:
    for family, host in (socket.AF_INET6, "::1"), (socket.AF_INET, "127.0.0.1"):
        s = socket.socket(family)
        s.connect((host, l.getsockname()[1]))
        c = l.accept()[0]
        r = holes.says(b.insert, m, 0, s)
        s.send(b"x"); c.recv(1); s.close(); c.close()
        print(r, end=" " if family == socket.AF_INET6 else "")' "$E2E")"
