#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Two hosts that share nothing but a root: their certificates are files that
# something else renews (weftd --svid-dir).  New ones are taken over and harm no
# connection; roots overlap and go; what does not fit changes nothing; whom no root
# vouches for is refused.
# timeout: 300
# seconds: 70
# kernels: 6.1
# debug: no
. "$(dirname "$(readlink -f "$0")")/lib.sh"
# shellcheck source=tests/e2e/pki.sh
. "$E2E/pki.sh"
trap e2e_end EXIT
weft_install || exit 1
hosts_up h1 h2
module_load || exit 1
pki_begin
mkdir "${dir[h2]}/web"

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
