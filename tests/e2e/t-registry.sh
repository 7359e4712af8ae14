#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The registry of peers.  Where the mark on a SYN is lost, to SYN cookies or to who
# takes it out on the way, a permissive port knows a peer by its address: it is
# served by TLS, also where the server speaks first, and no plaintext is taken from
# there.  Others are served as before.  Plaintext that is in use when a peer comes
# ends, and nothing else does.  h3 is not in the mesh.
# timeout: 560
# kernels: 6.12
# seconds: 150
. "$(dirname "$(readlink -f "$0")")/lib.sh"
trap e2e_end EXIT
hosts_up h1 h2 h3
weft_install || exit 1
module_load || exit 1
# 7002 to 7003 permissive, 7004 disabled; late's 7005 permissive
start_app shelf h2 7004 python3 -SE "$E2E/dial.py" server echo:7002 greet:7003 echo:7004
weftd_start h1
weftd_start h2
document h2 shelf.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: shelf}
spec:
  selectors: [{unit: shelf.service}, {unit: late.service}]
  mode: permissive
  ports: [{port: 7004, mode: disabled}]
Y
document h1 client.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: client}
spec: {selectors: [{unit: client.service}, {unit: streamer.service}]}
---
apiVersion: weft/v1
kind: Service
metadata: {name: shelf}
spec:
  addresses: [240.0.0.7]
  ports: [{port: 7002}, {port: 7003}, {port: 7005}]
  endpoints: [{address: 10.77.0.2}]
---
apiVersion: weft/v1
kind: Service
metadata: {name: shelf6}
spec:
  addresses: ["fd00:240::7"]
  ports: [{port: 7003}]
  endpoints: [{address: "fd77::2"}]
Y
marked() { [ "$(weftctl_in h2 -j status | jq .covered)" = "$1" ]; }
check "the listeners are covered" wait_for 20 marked 2
dial_h1() { run_as client h1 python3 -SE "$E2E/dial.py" "$@"; }
dial_h3() { in_host h3 python3 -SE "$E2E/dial.py" "$@"; }
unmeshed() { run_as stranger h1 python3 -SE "$E2E/dial.py" "$@"; }
served() { [[ $2 == "ok "*" ms" ]] && ok "$1" || not_ok "$1" "$2"; } # NAME OUTPUT
refused() { # NAME CMD...: connected or not, nothing comes back
    local name=$1 out
    shift
    out=$("$@")
    case $out in
    'connected, then ECONNRESET' | 'connected, then EPIPE' | ECONNREFUSED | ECONNRESET) ok "$name" ;;
    *) not_ok "$name" "$out" ;;
    esac
}
failed() { journal_has -u shelf WEFT_VERDICT=failed WEFT_ROLE=server "$@"; }
peer() { # NAME BLOCKS: a document
    printf 'apiVersion: weft/v1\nkind: Peer\nmetadata: {name: %s}\nspec: {ipBlocks: [%s]}\n' "$1" "$2"
}
in_state() { conns h2 "select(.local == \"10.77.0.2:$1\" and (.state | test(\"^($2)\$\")))" | grep -q .; }

# greeting STATE: what a mesh client hears of a server that has spoken, and whose
# connection was so in STATE, before the client's daemon could begin the handshake
greeting() {
    local out
    kill -STOP "$(weftd_pid h1)"
    run_as client h1 python3 -SE "$E2E/dial.py" listen 240.0.0.7 7003 1 >"$T/greeting" 2>&1 &
    out=$!
    wait_for 15 in_state 7003 "$1" || echo "never $1:"
    kill -CONT "$(weftd_pid h1)"
    wait "$out"
    cat "$T/greeting"
}

# without_mark HOW: the same, however it was lost
without_mark() {
    refused "$1: a server that speaks first takes a peer for one that speaks plaintext" greeting pass
    document h2 rack.yaml < <(peer rack-7 '10.77.0.1, "fd77::1"')
    served "$1: with its address registered, that peer is served" "$(greeting 'want|handshake')"
    document_gone h2 rack.yaml
}

# --- the mark is lost to SYN cookies
in_host h2 sysctl -qw net.ipv4.tcp_syncookies=2
served "a peer without the mark is known by what it sends" "$(dial_h1 talk 240.0.0.7 7002 1 peeked)"
served "plaintext of its host is served" "$(unmeshed talk 10.77.0.2 7002 1 plain)"
without_mark "SYN cookies"
peer rack-7 '10.77.0.1, "fd77::1"' >"$T/rack.yaml"
told() { # STATUS: what simulate says of that plaintext
    local out rc=0
    out=$(weftctl_in h2 -j simulate --since 1h "$T/rack.yaml") || rc=$?
    [ "$rc" = 2 ] && jq -r '.flows[] | select(.registered) | "\(.peer) \(.port) \(.would_be) \(.why)"' <<<"$out"
}
plain_recorded() { told | grep -q '^10.77.0.1 7002 '; }
check "the plaintext is recorded" wait_for 20 plain_recorded
equal "simulate foretells what becomes of it" "10.77.0.1 7002 refused plaintext of peer rack-7" \
    "$(told | grep ' 7002 ')"
document h2 rack.yaml <"$T/rack.yaml"
capture_start "$T/mesh.pcap" tcp portrange 7002-7003
served "a registered peer is served where the server speaks first" "$(dial_h1 listen 240.0.0.7 7003 3)"
served "over IPv6" "$(dial_h1 listen fd00:240::7 7003 3)"
served "and where it speaks first" "$(dial_h1 talk 240.0.0.7 7002 2 mesh-7002)"
capture_stop
wire_tls "by TLS" "$T/mesh.pcap" 7003 "220 welcome"
wire_tls "at both ports" "$T/mesh.pcap" 7002 mesh-7002
equal "with both identities" '["spiffe://mesh.local/shelf","spiffe://mesh.local/client","permissive"]' \
    "$(conns h2 'select(.cipher and .local == "10.77.0.2:7003") | [.identity, .peer_identity, .mode]' | sort -u)"
in_host h2 sysctl -qw net.ipv4.tcp_syncookies=1

# --- no plaintext
refused "plaintext from its address is refused" unmeshed talk 10.77.0.2 7002 1 plaintext-secret
refused "over IPv6" unmeshed talk fd77::2 7002 1 plaintext-secret
check "with a record" wait_for 20 failed WEFT_REASON=tls WEFT_REGISTERED=rack-7
contains "in words" ", from an address of peer \"rack-7\"" "$(journal -u shelf -o cat WEFT_REGISTERED=rack-7)"
id=$(conns h2 'select(.registered == "rack-7") | .id' | tail -1)
contains "and explain says why" "peer \"rack-7\" has the address" "$(weftctl_in h2 explain "$id")"
equal "the application read nothing of it" "" "$(journalctl -q --no-pager -u shelf -o cat | grep plaintext-secret)"
served "a disabled port serves that address as before" "$(unmeshed talk 10.77.0.2 7004 1 plain-7004)"
served "another address is served in plaintext at once" "$(dial_h3 talk 10.77.0.2 7002 2 plain-h3)"
served "also where the server speaks first" "$(dial_h3 listen fd77::2 7003 2)"
equal "status counts the peer" 1 "$(weftctl_in h2 -j status | jq .peers)"
contains "and weftctl shows it" "10.77.0.1/32,fd77::1/128" "$(weftctl_in h2 peer)"
document_gone h2 rack.yaml
served "without the document its address is one like others" "$(unmeshed talk 10.77.0.2 7002 1 plain-again)"

# --- the mark is taken out on the way
if in_host h2 nft -f - <<'N'
table inet weft_test {
    chain in {
        type filter hook prerouting priority raw; policy accept;
        tcp flags & (syn | ack) == syn counter reset tcp option 253
    }
}
N
then
    without_mark "a rule on the way"
    in_host h2 nft delete table inet weft_test
else
    note "nft cannot take an option out here: SYN cookies have to do"
fi

# --- a peer that comes late
PROGRAM=$(program <<'P'
import time

seen, ended = [], []


def stream(host, port):
    """Says something new again and again, and wants exactly that back."""
    try:
        s = socket.create_connection((host, port), 60)
        while True:
            said, heard = os.urandom(30000), b""
            s.sendall(said)
            while len(heard) < len(said):
                got = s.recv(len(said) - len(heard))
                if not got:
                    raise EOFError
                heard += got
            seen.append(said == heard)
            time.sleep(0.05)
    except OSError as e:
        ended.append((name_of(e), time.time()))


def start(host, port):
    threading.Thread(target=stream, args=(host, port), daemon=True).start()
P
)
# streams UNIT: how many times it has heard what it said, since last asked; "broken" if
# not every time
streams() { tell "$1" "(lambda n: len(n) if all(n) else 'broken')([seen.pop(0) for _ in range(len(seen))])"; }
flows() { [[ $(streams "$1") =~ ^[1-9] ]]; }
actor() { # UNIT HOST ADDRESS
    puppet "$1" "$2"
    tell "$1" "$PROGRAM" >/dev/null
    tell "$1" "start('$3', 7002)" >/dev/null
    check "$1 is served" wait_for 20 flows "$1"
}
actor streamer h1 240.0.0.7
actor plainer h1 10.77.0.2
actor foreign h3 10.77.0.2
mkfifo "$T/go"
in_host h3 timeout 120 bash -c "exec 7<>/dev/tcp/10.77.0.2/7002; read -r go <'$T/go'; echo late-secret >&7; cat <&7" >"$T/caller" 2>&1 &
late=$!
check "a connection on which nothing came yet may still be either" wait_for 20 in_state 7002 sniff
cuts() { weftctl_in h2 -j status | jq .counters.cut; }
before=$(cuts)
document h2 outside.yaml < <(peer outside 10.77.0.3)
now=$(date +%s.%N)
has_ended() { [ "$(tell foreign 'len(ended)')" = 1 ]; }
wait_for 20 has_ended
equal "plaintext from its address ends within a second" "ECONNRESET in time" \
    "$(tell foreign "ended[0][0] + (' in time' if ended[0][1] < $now + $PATIENCE else ' late')")"
equal "that, and no other" 1 $(($(cuts) - before))
for u in streamer plainer; do
    streams $u >/dev/null
    check "$u is still served, byte for byte" wait_for 20 flows $u
    equal "on the same connection" 0 "$(tell $u 'len(ended)')"
done
ended() { journal_has -u shelf WEFT_VERDICT=closed WEFT_REASON=plaintext WEFT_REGISTERED=outside; }
check "the journal says so" wait_for 20 ended
contains "in words" ": plaintext, from an address of peer \"outside\"" \
    "$(journal -u shelf -o cat WEFT_VERDICT=closed WEFT_REASON=plaintext)"
timeout 60 sh -c "echo go >'$T/go'"
check "plaintext that comes first after it is refused" wait_for 20 failed WEFT_REASON=plaintext WEFT_REGISTERED=outside
wait "$late"
equal "and read by nobody" "" "$(journalctl -q --no-pager -u shelf -o cat | grep late-secret)"
systemctl stop streamer plainer foreign

# --- a peer that comes between accept() and the greeting
document_gone h2 outside.yaml
puppet late h2
tell late "exec('ls = socket.create_server((\"\", 7005)); took = []')" >/dev/null
tell late "threading.Thread(target=lambda: took.append(ls.accept()[0])).start()" >/dev/null
check "a listener that came late is covered" wait_for 20 marked 3
dial_h3 listen 10.77.0.2 7005 1 >"$T/caller" 2>&1 &
late=$!
check "of its caller nothing is known" wait_for 20 in_state 7005 sniff
document h2 outside.yaml < <(peer outside 10.77.0.3)
equal "registered, it is not greeted in plaintext" ECONNRESET "$(tell late "took[0].sendall(b'220 welcome\\n')")"
wait "$late"
equal "and hears nothing" "connected, then ECONNRESET" "$(cat "$T/caller")"
check "with a record" wait_for 20 journal_has -u late WEFT_VERDICT=failed WEFT_REASON=plaintext WEFT_REGISTERED=outside
