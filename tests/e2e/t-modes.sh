#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What a listener accepts: mutual TLS only at a strict port, plaintext as before
# at a permissive one (also where the server speaks first, and without waiting),
# anything at one that is disabled; from hosts and processes outside the mesh, and
# from a peer that speaks TLS but not weft.  h3 is not in the mesh.
# timeout: 560
# kernels: 7.2
# seconds: 160
. "$(dirname "$(readlink -f "$0")")/lib.sh"
trap e2e_end EXIT
hosts_up h1 h2 h3
# Before module and daemon: 7001 strict, 7002 and 7003 permissive, 7004 disabled
start_app shelf h2 7004 python3 -SE "$E2E/dial.py" server echo:7001 echo:7002 greet:7003 echo:7004
dial_h3() { in_host h3 python3 -SE "$E2E/dial.py" "$@"; }
equal "before, h3 reaches every port" "ok ok ok ok" "$(for p in 7001 7002 7004; do dial_h3 talk 10.77.0.2 $p 1 before-$p; done |
    cat - <(dial_h3 listen 10.77.0.2 7003 1) | cut -d' ' -f1 | paste -sd' ')"

weft_install || exit 1
module_load || exit 1
weftd_start h1
weftd_start h2
shelf_document() { # [MODE]: of port 7002
    document h2 shelf.yaml <<Y
apiVersion: weft/v1
kind: Workload
metadata: {name: shelf}
spec:
  selectors: [{unit: shelf.service}, {unit: late.service}]
  mode: strict
  ports:
  - {port: 7002, mode: ${1:-permissive}}
  - {port: 7003, mode: permissive}
  - {port: 7004, mode: disabled}
Y
}
shelf_document
listeners() { weftctl_in h2 -j status | jq .covered; }
marked() { [ "$(listeners)" = "$1" ]; }
check "listeners that were there before the daemon are covered, the disabled port is not" \
    wait_for 20 marked 3
document h1 client.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: client}
spec: {selectors: [{unit: client.service}]}
---
apiVersion: weft/v1
kind: Service
metadata: {name: shelf}
spec:
  addresses: [240.0.0.7]
  ports: [{port: 7001}, {port: 7002}, {port: 7003}, {port: 7005}]
  endpoints: [{address: 10.77.0.2}]
Y
dial_h1() { run_as client h1 python3 -SE "$E2E/dial.py" "$@"; }
unmeshed() { run_as stranger h1 python3 -SE "$E2E/dial.py" "$@"; }
said() { journalctl -q --no-pager -u "$1" -o cat | grep -cE "$2"; }
heard() { [ "$(said shelf "$1")" -ge "${2:-1}" ]; }

# --- strict
refused() { # NAME CMD...: connected or not, nothing comes back
    local name=$1 out
    shift
    out=$("$@")
    case $out in
    'connected, then ECONNRESET' | 'connected, then EPIPE' | ECONNREFUSED | ECONNRESET) ok "$name" ;;
    *) not_ok "$name" "$out" ;;
    esac
}
refused "a strict port refuses the plaintext of a foreign host" dial_h3 talk 10.77.0.2 7001 1 plaintext-secret
refused "and over IPv6" dial_h3 talk fd77::2 7001 1 plaintext-secret
refused "and that of a process outside the mesh" unmeshed talk 10.77.0.2 7001 1 plaintext-secret
refused "and TLS that is none" dial_h3 talk 10.77.0.2 7001 1 $'\x16\x03\x01plaintext-secret'
check "the server sees connections that end" wait_for 20 heard '7001: .*, end E[A-Z]+' 4
equal "and never read a byte of them" "" \
    "$(journalctl -q --no-pager -u shelf -o cat | grep '^7001: ' | grep -v 'before-7001' | grep -v 'read 0 bytes')"
audited() { journal_has -u shelf WEFT_VERDICT=failed WEFT_ROLE=server WEFT_REASON="$1"; }
check "the refusal is in the server's journal" wait_for 20 audited tls
capture_start "$T/strict.pcap" tcp port 7001
contains "a mesh peer is served" "ok " "$(dial_h1 talk 240.0.0.7 7001 2 strict-secret)"
capture_stop
wire_tls "by TLS" "$T/strict.pcap" 7001 strict-secret

# --- permissive
ms() { [[ $1 == "ok "*" ms" ]] && cut -d' ' -f2 <<<"$1"; }
quick() { # NAME OUTPUT: within a second: there is no time-out to wait for
    local took
    took=$(ms "$2") || { not_ok "$1" "$2"; return; }
    note "$1: $took ms"
    check "$1" [ "$took" -lt 1000 ]
}
capture_start "$T/plain.pcap" tcp portrange 7002-7003
quick "a permissive port serves a process outside the mesh at once" "$(unmeshed talk 10.77.0.2 7002 3 plain-7002)"
quick "also when the server speaks first" "$(unmeshed listen 10.77.0.2 7003 3)"
capture_stop
wire_plain "as plaintext" "$T/plain.pcap" 7002 plain-7002
wire_plain "both of it" "$T/plain.pcap" 7003 "220 welcome"
quick "a permissive port serves a foreign host at once" "$(dial_h3 talk 10.77.0.2 7002 3 plain-7002)"
quick "also when the server speaks first, over IPv6" "$(dial_h3 listen fd77::2 7003 3)"
quick "one byte is enough" "$(dial_h3 talk 10.77.0.2 7002 3 x)"
quick "even one that looks like TLS, with what follows" "$(dial_h3 talk 10.77.0.2 7002 3 $'\x16then-not')"
passes() { [ "$(journalctl -q --no-pager -u shelf -o json WEFT_VERDICT=pass WEFT_REASON=plaintext WEFT_ROLE=server | wc -l)" -ge 18 ]; }
check "every plaintext connection is in the server's journal" wait_for 20 passes
capture_start "$T/mesh.pcap" tcp portrange 7002-7003
contains "a mesh peer at the same port" "ok " "$(dial_h1 talk 240.0.0.7 7002 2 mesh-7002)"
contains "and where the server speaks first" "ok " "$(dial_h1 listen 240.0.0.7 7003 2)"
capture_stop
wire_tls "has TLS at the one" "$T/mesh.pcap" 7002 mesh-7002
wire_tls "and at the other" "$T/mesh.pcap" 7003 "220 welcome"
equal "with both identities" '["spiffe://mesh.local/shelf","spiffe://mesh.local/client","permissive"]' \
    "$(conns h2 'select(.cipher and .local == "10.77.0.2:7003") | [.identity, .peer_identity, .mode]' | sort -u)"

# --- a port that becomes strict
mkfifo "$T/go"
in_host h3 timeout 120 bash -c "exec 7<>/dev/tcp/10.77.0.2/7002; read -r go <'$T/go'; echo late-secret >&7; cat <&7" >"$T/late" 2>&1 &
late=$!
waits() { conns h2 'select(.state == "sniff" and .local == "10.77.0.2:7002")' | grep -q .; }
check "a connection on which nothing came yet may still be either" wait_for 20 waits
shelf_document strict
timeout 60 sh -c "echo go >'$T/go'"
check "plaintext that comes when the port has become strict is refused" wait_for 20 audited plaintext
wait "$late"
equal "and read by nobody" "" "$(journalctl -q --no-pager -u shelf -o cat | grep late-secret)"
shelf_document

# --- disabled
before=$(conns h2 | wc -l)
quick "a disabled port serves as if weft were not there" "$(dial_h3 talk 10.77.0.2 7004 2 plain-7004)"
equal "and leaves no record" "$before" "$(conns h2 | wc -l)"

# --- a peer that speaks TLS but not weft, from h3
ca=/var/lib/weft-e2e-ca
svid() { # NAME CA-ARGUMENTS...: key and certificate of foreign/NAME
    local name=$1
    shift
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/$name.key" -subj /O=foreign \
        -addext "subjectAltName=critical,URI:spiffe://mesh.local/foreign/$name" -addext keyUsage=critical,digitalSignature \
        -addext extendedKeyUsage=serverAuth,clientAuth -addext basicConstraints=critical,CA:FALSE -out "$T/$name.csr" 2>/dev/null &&
        openssl x509 -req -in "$T/$name.csr" -copy_extensions copyall -days 1 "$@" -out "$T/$name.pem" 2>/dev/null
}
s_client() { # TEXT ARGUMENT...: says TEXT, prints what comes back until that is TEXT
    local text=$1 pipe
    shift
    rm -f "$T/s_in"
    mkfifo "$T/s_in"
    ip netns exec h3 timeout 30 openssl s_client -connect 10.77.0.2:7001 -tls1_3 -quiet \
        -verify_quiet -CAfile $ca/ca.crt -verify_return_error "$@" <"$T/s_in" >"$T/s_out" 2>"$T/s_err" &
    pipe=$!
    exec 8>"$T/s_in"
    echo "$text" >&8
    echoed() { grep -q . "$T/s_out" || ! kill -0 "$pipe" 2>/dev/null; }
    wait_for 20 echoed
    exec 8>&-
    wait "$pipe"
    cat "$T/s_out"
}
check "a certificate for a foreign peer" svid known -CA $ca/ca.crt -CAkey $ca/ca.key -CAcreateserial -CAserial "$T/serial"
equal "openssl s_client with a certificate of the mesh is served" hello-from-openssl \
    "$(s_client hello-from-openssl -cert "$T/known.pem" -key "$T/known.key")"
foreign() { conns h2 'select(.peer_identity == "spiffe://mesh.local/foreign/known") | .reason' | grep -q .; }
check "and known by its identity" foreign
check "one with a self-signed certificate" svid selfmade -signkey "$T/selfmade.key"
equal "is refused" "" "$(s_client hello-from-selfmade -cert "$T/selfmade.pem" -key "$T/selfmade.key")"
check "for its certificate" wait_for 20 audited peer-certificate
equal "one without a certificate as well" "" "$(s_client hello-from-nobody)"
equal "the server read nothing of theirs" "" \
    "$(journalctl -q --no-pager -u shelf -o cat | grep -E 'hello-from-(selfmade|nobody)')"
check "but what it should" heard "7001: read 19 bytes b'hello-from-openssl"

# --- listeners come and go, workloads too
start_app late h2 7005 python3 -SE "$E2E/dial.py" server echo:7005
refused "a listener that came after the daemon is strict" dial_h3 talk 10.77.0.2 7005 1 plaintext-secret
contains "and serves a mesh peer" "ok " "$(dial_h1 talk 240.0.0.7 7005 1 mesh-7005)"
document_gone h2 shelf.yaml
quick "without its document a strict listener is plain again" "$(dial_h3 talk 10.77.0.2 7001 2 plain-again)"
quick "the later one too" "$(dial_h3 talk 10.77.0.2 7005 2 plain-again)"
refused "a mesh peer does not fall back to plaintext there" dial_h1 talk 240.0.0.7 7001 1 mesh-secret
equal "and sends it nothing readable" "" "$(journalctl -q --no-pager -u shelf -o cat | grep mesh-secret)"
shelf_document
refused "with the document it is strict again" dial_h3 talk 10.77.0.2 7001 1 plaintext-secret
contains "and serves mesh peers" "ok " "$(dial_h1 talk 240.0.0.7 7001 1 mesh-again)"
equal "no secret was ever read" "" "$(journalctl -q --no-pager -u shelf -u late -o cat | grep plaintext-secret)"
systemctl stop late
check "a listener that closes is forgotten" wait_for 20 marked 3
