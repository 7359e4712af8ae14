#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Two hosts that share nothing but a root: their certificates are files that
# something else renews (weftd --svid-dir).  New ones are taken over and harm no
# connection; roots overlap and go; what does not fit changes nothing; whom no root
# vouches for is refused.
# timeout: 480
# seconds: 100
# kernels: 6.1
# debug: no
. "$(dirname "$(readlink -f "$0")")/lib.sh"
trap e2e_end EXIT
weft_install || exit 1
hosts_up h1 h2
module_load || exit 1
pki=$T/pki
mkdir "$pki"
declare -A dir=([h1]=$CONF/h1/certs [h2]=$CONF/h2/certs)
mkdir -p "${dir[h1]}" "${dir[h2]}/web"

quietly() { "$@" >"$pki/log" 2>&1 || not_ok "$*" "$(cat "$pki/log")"; }
key() { # FILE: a new one
    quietly openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"
    chmod 600 "$1"
}
# sign NAME BY EXTENSION...: NAME.crt for NAME.key, by the authority BY
sign() {
    local n=$pki/$1 by=$pki/$2
    shift 2
    printf '%s\n' "$@" >"$n.ext"
    quietly openssl req -new -key "$n.key" -subj / -out "$n.csr"
    quietly openssl x509 -req -in "$n.csr" -CA "$by.crt" -CAkey "$by.key" -days 9 \
        -set_serial "0x$(openssl rand -hex 12)" -extfile "$n.ext" -out "$n.crt"
}
# authority N: root N, and an intermediate that signs in its name, as step-ca has it
authority() {
    key "$pki/root$1.key"
    quietly openssl req -x509 -key "$pki/root$1.key" -days 9 -subj "/CN=root $1" \
        -addext keyUsage=critical,keyCertSign -out "$pki/root$1.crt"
    key "$pki/by$1.key"
    sign "by$1" "root$1" basicConstraints=critical,CA:true keyUsage=critical,keyCertSign \
        subjectKeyIdentifier=hash
}
# leaf NAME ID N: a certificate with its chain, in NAME.pem; its serial in $serial
leaf() {
    key "$pki/$1.key"
    sign "$1" "by$3" basicConstraints=critical,CA:false keyUsage=critical,digitalSignature \
        extendedKeyUsage=serverAuth,clientAuth "subjectAltName=URI:spiffe://mesh.local/$2"
    cat "$pki/$1.crt" "$pki/by$3.crt" >"$pki/$1.pem"
}
# put NAME HOST FILE: as files are put in place, the key first
put() {
    install -m 600 "$pki/$1.key" "${dir[$2]}/$3.key.new"
    install -m 644 "$pki/$1.pem" "${dir[$2]}/$3.crt.new"
    mv "${dir[$2]}/$3.key.new" "${dir[$2]}/$3.key"
    mv "${dir[$2]}/$3.crt.new" "${dir[$2]}/$3.crt"
}
says() { journalctl -q --no-pager -u "weftd@$1" -o cat | grep -c -- "$2"; }
more() { [ "$(says "$1" "$2")" -gt "$3" ]; }
# taken HOST NAME CMD...: after CMD weftd of HOST has taken over something
taken() {
    local h=$1 name=$2 n
    shift 2
    n=$(says "$h" "certificates taken over")
    "$@"
    check "$name" wait_for 20 more "$h" "certificates taken over" "$n"
}

authority 1
authority 2
leaf shop shop 1
leaf web web 1
cp "$pki/root1.crt" "${dir[h1]}/ca.crt"
cp "$pki/root1.crt" "${dir[h2]}/bundle.pem"
put shop h1 shop
put web h2 web/tls
WEFTD_CERTS="--svid-dir ${dir[h1]}" weftd_start h1
WEFTD_CERTS="--svid-dir ${dir[h2]}" weftd_start h2
check "no authority was made" [ ! -e /var/lib/weft-e2e-ca/ca.key ]
document h2 web.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: web}
spec: {selectors: [{unit: web.service}]}
Y
document h1 shop.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: shop}
spec: {selectors: [{unit: shop.service}, {unit: long.service}]}
---
apiVersion: weft/v1
kind: Workload
metadata: {name: other}
spec: {selectors: [{unit: other.service}]}
---
apiVersion: weft/v1
kind: Service
metadata: {name: web}
spec:
  addresses: [10.77.0.2]
  ports: [{port: 9000}]
  endpoints: [{address: 10.77.0.2}]
  identities: [web]
Y
start_app web h2 9000 python3 -SE "$E2E/storm.py" server 9000
call() { talks "$1" h1 10.77.0.2 9000; } # UNIT
equal "hosts that share a root only talk" ok "$(call shop)"
contains "the client knows the server" '"spiffe://mesh.local/web"' \
    "$(conns h1 'select(.workload == "shop") | .peer_identity')"
contains "and the server the client" '"spiffe://mesh.local/shop"' \
    "$(conns h2 'select(.workload == "web") | .peer_identity')"
equal "a workload without a certificate is refused" ECONNREFUSED "$(call other)"
contains "which is told" "spiffe://mesh.local/other: no certificate" "$(journal -u weftd@h1 -o cat)"
trouble() { weftctl_in "$1" -j status | jq -r '.trouble[]'; }
troubled() { trouble "$1" | grep -q -- "$2"; }
check "also by weftctl status" wait_for 20 troubled h1 "^spiffe://mesh.local/other has no certificate, its connections are refused"
equal "and nothing else" 1 "$(trouble h1 | wc -l)"
equal "all is well at the other host" "" "$(trouble h2)"

puppet long h1
equal "a long connection" ok "$(tell long "exec('s = socket.create_connection((\"10.77.0.2\", 9000), 60)')")"
echoes() { tell long "s.sendall(b'$1') or s.recv(100)"; }
equal "echoes" one "$(echoes one)"

# --- renewed
leaf shop shop 1
taken h1 "a renewed certificate is taken over" put shop h1 shop
equal "and a new connection is made" ok "$(call shop)"
equal "by a full handshake: what was remembered went with the old one" full \
    "$(conns h1 'select(.workload == "shop") | "\(.id) \(.handshake)"' | tr -d '"' | sort -n | tail -1 | cut -d' ' -f2)"
equal "the long connection goes on" two "$(echoes two)"

# --- files that do not fit
before=$(says h1 "certificates: .*shop")
key "${dir[h1]}/shop.key"
check "a key of another certificate is told" wait_for 20 more h1 "certificates: .*shop" "$before"
check "by weftctl status, too" wait_for 20 troubled h1 "^certificates: .*shop"
equal "and changes nothing" ok "$(call shop)"
leaf shop shop 2
before=$(says h1 "leads to none of the roots")
put shop h1 shop
check "so is a chain to another root" wait_for 20 more h1 "leads to none of the roots" "$before"
equal "which changes nothing either" ok "$(call shop)"

# --- another root: first both are trusted, then all are signed anew, then the old one goes
taken h2 "the server trusts both roots" cp "$pki/root2.crt" "${dir[h2]}/ca.crt"
taken h1 "so does the client, who has the new certificate now" cp "$pki/root2.crt" "${dir[h1]}/bundle.pem"
equal "client of the new root, server of the old one" ok "$(call shop)"
leaf web web 2
taken h2 "a server's certificate of the new root" put web h2 web/tls
equal "both of the new root" ok "$(call shop)"
taken h1 "the client drops the old root" rm "${dir[h1]}/ca.crt"
taken h2 "so does the server" rm "${dir[h2]}/bundle.pem"
equal "still" ok "$(call shop)"
equal "the long connection has seen nothing of all this" three "$(echoes three)"

# --- whom no root vouches for
leaf web web 1
systemctl stop weftd@h2
cp "$pki/root1.crt" "${dir[h2]}/ca.crt"
put web h2 web/tls
systemctl start weftd@h2
equal "a server of another root is refused" ECONNREFUSED "$(call shop)"
contains "and the reason told" certificate "$(journal -u shop -o cat)"
equal "the long connection does not care" four "$(echoes four)"
tell long 's.close()' >/dev/null

# --- time passes and nobody renews anything, or the clock is wrong (in a guest, which is
# gone afterwards)
[ -n "${VM_RUN:-}" ] || exit 0
leaf web web 2
leaf shop shop 2
cp "$pki/root2.crt" "${dir[h2]}/ca.crt"
put web h2 web/tls
put shop h1 shop
again() { [ "$(call shop)" = ok ]; }
check "both hosts are of one root again" wait_for 30 again
equal "and all is well" "" "$(trouble h2)"
day=86400
clock() { date -s "@$(($(date +%s) + $1))" >/dev/null; }
clock $((8 * day))
check "a root that ends soon is told" wait_for 20 troubled h2 "^the last root certificate ends on"
check "so is a certificate" wait_for 20 troubled h2 "^the certificate of spiffe://mesh.local/web ends on"
check "in the journal, too" wait_for 90 more h2 "certificates: the last root certificate ends on" 0
equal "connections are made still" ok "$(call shop)"
clock $((2 * day))
check "what has ended is told" wait_for 20 troubled h2 "^the certificate of spiffe://mesh.local/web ended on"
check "of the root, too" troubled h2 "^the last root certificate ended on"
equal "nobody is let in" ECONNREFUSED "$(call shop)"
contains "because it has expired" expired "$(journal -u shop -o cat | tail -3)"
clock $((-12 * day))
check "a clock before its time is told" wait_for 20 troubled h2 "begins on .*is the clock right?"
equal "nobody is let in then" ECONNREFUSED "$(call shop)"
contains "because it is not valid yet" "not yet valid" "$(journal -u shop -o cat | tail -3)"
clock $((2 * day))
check "with the right time" wait_for 30 again
equal "all is well" "" "$(trouble h2)"
