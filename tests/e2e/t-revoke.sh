#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Who is revoked, by identity or by the serial of the certificate, loses what
# connections it has, at once, and gets none, at either end; nobody else notices.  A
# new certificate, or the end of the revocation, lets it in again.
# timeout: 480
# seconds: 205
# kernels: 6.12
. "$(dirname "$(readlink -f "$0")")/lib.sh"
trap e2e_end EXIT
hosts_up h1 h2
start_app vault h2 9001 python3 -SE "$E2E/dial.py" server tell:9001
start_app other h2 9003 python3 -SE "$E2E/dial.py" server tell:9003
weft_install || exit 1
module_load || exit 1
weftd_start h1
weftd_start h2

document h2 workloads.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: vault}
spec: {selectors: [{unit: vault.service}]}
---
apiVersion: weft/v1
kind: Workload
metadata: {name: other}
spec: {selectors: [{unit: other.service}]}
Y
document h1 all.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: cart}
spec: {identity: shop/cart, selectors: [{unit: cart.service}, {unit: again.service}]}
---
apiVersion: weft/v1
kind: Workload
metadata: {name: till}
spec: {selectors: [{unit: till.service}]}
---
apiVersion: weft/v1
kind: Service
metadata: {name: vault}
spec:
  addresses: [240.0.0.1]
  ports: [{port: 9001}]
  endpoints: [{address: 10.77.0.2}]
---
apiVersion: weft/v1
kind: Service
metadata: {name: other}
spec:
  addresses: [240.0.0.2]
  ports: [{port: 9003}]
  endpoints: [{address: 10.77.0.2}]
---
apiVersion: weft/v1
kind: Service
metadata: {name: both}
spec:
  addresses: [240.0.0.3]
  ports: [{port: 80}]
  endpoints: [{address: 10.77.0.2, port: 9001}, {address: 10.77.0.2, port: 9003}]
Y

call() { run_as "$1" h1 python3 -SE "$E2E/dial.py" call "$2" "$3"; } # UNIT HOST PORT
last() { # HOST JQ-CONDITION: the newest such connection
    conns "$1" "select($2)" | jq -sc 'max_by(.id)'
}
explain() { weftctl_in "$1" explain "$(jq .id <<<"$2")"; }
cuts() { weftctl_in "$1" -j status | jq .counters.cut; }

# --- programs that have connections
PROGRAM=$(program <<'P'
import time

stop, seen, ended = [], [], []


def dial(host, port):
    s = socket.create_connection((host, port), 60)
    return s, s.recv(1000)


def watch(s):
    """What its connection ends with, and when."""
    try:
        got = s.recv(1000)
        ended.append((f"{len(got)} bytes", time.time()))
    except OSError as e:
        ended.append((name_of(e), time.time()))


def stream(s):
    """Says something new again and again, and wants exactly that back."""
    while not stop:
        said, heard = os.urandom(30000), b""
        s.sendall(said)
        while len(heard) < len(said):
            got = s.recv(len(said) - len(heard))
            if not got:
                raise EOFError
            heard += got
        seen.append(said == heard)
        time.sleep(0.05)


def start(f, s):
    threading.Thread(target=f, args=(s,), daemon=True).start()
P
)
# actor UNIT [VARIABLE HOST PORT]...: a puppet with such connections
actor() {
    local unit=$1
    puppet "$unit" h1
    tell "$unit" "$PROGRAM" >/dev/null
    shift
    while [ $# -gt 0 ]; do
        equal "$unit is connected to $2:$3" ok "$(tell "$unit" "exec('$1, _ = dial(\"$2\", $3)')")"
        shift 3
    done
}
# streams UNIT: how many times it has heard what it said, since last asked; "broken" if
# not every time
streams() { tell "$1" "(lambda n: len(n) if all(n) else 'broken')([seen.pop(0) for _ in range(len(seen))])"; }
flows() { [[ $(streams "$1") =~ ^[1-9] ]]; }
# cut_soon NAME UNIT: its watched connection was reset within a second from when the
# change was seen in force
cut_soon() {
    local now
    now=$(date +%s.%N)
    has_ended() { [ "$(tell "$2" "len(ended)")" = 1 ]; }
    wait_for 20 has_ended "$@"
    equal "$1" "ECONNRESET in time" \
        "$(tell "$2" "ended[0][0] + (' in time' if ended[0][1] < $now + $PATIENCE else ' late')")"
    note "$1: $(tell "$2" "'%.2f' % (ended[0][1] - $written)") s after it was written down"
    tell "$2" "ended.clear()" >/dev/null
}
revoked() { # HOST NAME JSON: of spec
    written=$(date +%s.%N)
    document "$1" revoked.yaml <<Y
apiVersion: weft/v1
kind: Revocation
metadata: {name: $2}
spec: $3
Y
}
record() { # UNIT MATCH...: is there such a record?
    journal_has -u "$1" WEFT_REASON=revoked "${@:2}"
}

actor cart a 240.0.0.1 9001 b 240.0.0.2 9003
actor till c 240.0.0.1 9001 d 240.0.0.2 9003
tell till "start(stream, c)" >/dev/null
check "what another says comes back byte for byte" wait_for 20 flows till

# --- by identity, at the server's
tell cart "start(watch, a)" >/dev/null
before=$(cuts h2)
revoked h2 leak '{identities: [shop/cart]}'
cut_soon "its connections end within a second" cart
equal "all of them" ECONNRESET "$(tell cart 'b.recv(1000)')"
equal "those, and no other" 2 $(($(cuts h2) - before))
streams till >/dev/null
check "what another says still comes back byte for byte" wait_for 20 flows till
for u in vault other; do
    check "the journal of $u says so" wait_for 20 record $u WEFT_VERDICT=closed WEFT_REVOKED=identity \
        WEFT_REVOCATION=leak WEFT_PEER_IDENTITY=spiffe://mesh.local/shop/cart WEFT_ERRNO=ECONNRESET
done
contains "in words" "the caller's identity shop/cart is revoked by \"leak\"" \
    "$(journal -u vault -o cat WEFT_REASON=revoked)"
systemctl stop cart
equal "it gets no other" EACCES "$(call cart 240.0.0.1 9001)"
equal "of no workload" EACCES "$(call cart 240.0.0.2 9003)"
server=$(last h2 '.reason == "revoked" and .errno == "EACCES" and .workload == "vault"')
equal "the server's record says why" '["revoked","EACCES","identity","leak","spiffe://mesh.local/shop/cart"]' \
    "$(jq -c '[.reason, .errno, .revoked, .revocation, .peer_identity]' <<<"$server")"
contains "and explain" "revocation \"leak\" has the peer's identity" "$(explain h2 "$server")"
check "and the journal of the server's unit" wait_for 20 record vault WEFT_VERDICT=denied WEFT_REVOCATION=leak
equal "the caller is told why" '["peer-denied","this identity, or its certificate, is revoked at the server'"'"'s side"]' \
    "$(last h1 '.workload == "cart" and .errno == "EACCES"' | jq -c '[.reason, .detail]')"
contains "in words, too" "the server's side said no: this identity, or its certificate, is revoked at the server's side" \
    "$(journal -u cart -o cat WEFT_REASON=peer-denied)"
equal "status counts it" 1 "$(weftctl_in h2 -j status | jq .revocations)"
contains "and weftctl shows it" spiffe://mesh.local/shop/cart "$(weftctl_in h2 revocation)"
document_gone h2 revoked.yaml
contains "without the document it is let in again" "ok 9001" "$(call cart 240.0.0.1 9001)"

# --- by identity, at the client's
tell till "start(watch, d)" >/dev/null
revoked h1 fallen '{identities: [other]}'
cut_soon "a client's connection to a revoked server ends within a second" till
equal "and it is not called any more" EACCES "$(call cart 240.0.0.2 9003)"
check "with a record of it" wait_for 20 record cart WEFT_VERDICT=denied WEFT_REVOKED=identity \
    WEFT_REVOCATION=fallen WEFT_PEER_IDENTITY=spiffe://mesh.local/other WEFT_ERRNO=EACCES
contains "in words" "the server's identity other is revoked by \"fallen\"" \
    "$(journal -u cart -o cat WEFT_REASON=revoked)"
passed_over() { # one endpoint or the other is tried first
    [[ $(call cart 240.0.0.3 80) == "ok 9001 "* ]] || echo no >>"$T/wrong"
    conns h1 'select(.service == "both") | .attempts[] | .reason' | grep -q revoked
}
check "the next endpoint is taken instead" wait_for 60 passed_over
check "always" [ ! -e "$T/wrong" ]
streams till >/dev/null
check "a connection to another server does not notice" wait_for 20 flows till
document_gone h1 revoked.yaml
contains "and all is as before" "ok 9003" "$(call cart 240.0.0.2 9003)"

# --- by serial, at the server's
actor cart a 240.0.0.1 9001
actor again b 240.0.0.1 9001
conn=$(last h2 '.state == "live" and .peer_identity == "spiffe://mesh.local/shop/cart"')
serial=$(jq -r .peer_serial <<<"$conn")
check "the serial of the peer is known" [ "${#serial}" -ge 2 ]
equal "also where no certificate was shown" resumed "$(jq -r .handshake <<<"$conn")"
equal "it is that of all its connections" "[\"$serial\"]" \
    "$(conns h2 'select(.state == "live" and .peer_identity == "spiffe://mesh.local/shop/cart") | .peer_serial' | jq -sc unique)"
contains "weftctl conn tells it" "$serial" "$(weftctl_in h2 conn show "$(jq .id <<<"$conn")")"
check "and the journal" wait_for 20 journal_has -u vault WEFT_VERDICT=live "WEFT_PEER_SERIAL=$serial"
tell cart "start(watch, a)" >/dev/null
before=$(cuts h2)
colons=$(sed 's/../&:/g; s/:$//' <<<"${serial^^}")
written=$(date +%s.%N)
check "a serial is taken as openssl prints it" weftctl_in h2 revocation add stolen serial "$colons"
cut_soon "the connections of that certificate end within a second" cart
equal "the resumed one, too" ECONNRESET "$(tell again 'b.recv(1000)')"
equal "those, and no other" 2 $(($(cuts h2) - before))
equal "it is kept in one form" "\"$serial\"" "$(weftctl_in h2 -j revocation show stolen | jq '.[0].serials[0]')"
check "the journal names the serial" wait_for 20 record vault WEFT_VERDICT=closed WEFT_REVOKED=serial \
    WEFT_REVOCATION=stolen "WEFT_PEER_SERIAL=$serial"
contains "in words" "certificate with the serial $serial is revoked by \"stolen\"" \
    "$(journal -u vault -o cat WEFT_REVOKED=serial)"
systemctl stop cart again
for i in 1 2; do
    equal "who has met before does not resume past it ($i)" EACCES "$(call cart 240.0.0.1 9001)"
done
streams till >/dev/null
check "another certificate does not notice" wait_for 20 flows till
systemctl restart weftd@h1
check "weftd is back, with new certificates" wait_for 60 in_host h1 sh -c 'weftctl -j status | jq -e ".workers > 0"'
contains "with another serial the same identity is let in" "ok 9001" "$(call cart 240.0.0.1 9001)"
equal "another it is" different \
    "$(last h2 '.peer_identity == "spiffe://mesh.local/shop/cart"' | jq -r "if .peer_serial == \"$serial\" then .peer_serial else \"different\" end")"
check "the revocation is lifted" weftctl_in h2 revocation del stolen

# --- by serial, at the client's
serial=$(last h1 '.state == "live" and .workload == "till" and .service == "vault"' | jq -r .peer_serial)
actor cart a 240.0.0.2 9003 b 240.0.0.1 9001
tell cart "start(watch, b)" >/dev/null
revoked h1 stolen "{serials: [\"${serial^^}\"]}"
cut_soon "a client's connection to such a certificate ends within a second" cart
tell cart "start(watch, a)" >/dev/null
equal "a server with another one is still there" ok "$(tell cart "a.sendall(b'x')")"
cart_heard() { [ "$(tell cart "ended and ended[0][0]")" = "1 bytes" ]; }
check "and answers" wait_for 20 cart_heard
systemctl stop cart
equal "nor does it get another" EACCES "$(call cart 240.0.0.1 9001)"
check "with a record of it" wait_for 20 record cart WEFT_VERDICT=denied WEFT_REVOKED=serial \
    "WEFT_PEER_SERIAL=$serial"
systemctl restart weftd@h2
check "the server's weftd is back, with new certificates" \
    wait_for 60 in_host h2 sh -c 'weftctl -j status | jq -e ".workers > 0"'
contains "with another serial the server is called again" "ok 9001" "$(call cart 240.0.0.1 9001)"

# --- what cannot be meant
refute "a revocation of nothing is refused" weftctl_in h2 revocation add none
refute "so is what is no serial" weftctl_in h2 revocation add none serial 0x12
equal "and nothing was added" 0 "$(weftctl_in h2 -j status | jq .revocations)"
tell till "stop.append(1)" >/dev/null
