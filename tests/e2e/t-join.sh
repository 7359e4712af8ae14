#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A host obtains its certificates from the CA of another one: it joins with a token,
# once, gets what the token names and nothing else, and goes on while the CA is away.
# timeout: 400
# seconds: 60
# kernels: 7.2
# debug: no
. "$(dirname "$(readlink -f "$0")")/lib.sh"
trap e2e_end EXIT
weft_install || exit 1
hosts_up h1 h2 h3
module_load || exit 1
weftd_start h2 # with the CA
ca() { weftctl ca "$@" dir /var/lib/weft-e2e-ca; }
APPS+=(ca)
ca_serve() {
    systemd-run -q --collect --unit=ca -p NetworkNamespacePath=/run/netns/h2 -p Restart=no \
        weftctl ca serve listen 10.77.0.2:4443 dir /var/lib/weft-e2e-ca
    port_wait h2 4443
}
check "a token needs no server" ca token add node h1 identity shop file "$T/token"
equal "it is a secret" 600 "$(stat -c %a "$T/token")"
refute "and no second one takes its file" ca token add node h1 identity shop file "$T/token"
ca_serve

document_of() { # IDENTITY...: workloads of h1
    local w
    for w in "$@"; do
        printf 'apiVersion: weft/v1\nkind: Workload\nmetadata: {name: %s}\n' "$w"
        printf 'spec: {selectors: [{unit: %s.service}]}\n---\n' "$w"
    done
    cat <<'Y'
apiVersion: weft/v1
kind: Service
metadata: {name: web}
spec:
  addresses: [10.77.0.2]
  ports: [{port: 9000}]
  endpoints: [{address: 10.77.0.2}]
  identities: [web]
Y
}
document h2 web.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: web}
spec: {selectors: [{unit: web.service}]}
Y
start_app web h2 9000 python3 -SE "$E2E/storm.py" server 9000
# What a host of its own would have: no file of the CA's.
for h in h1 h3; do
    mkdir -p "$CONF/$h"
    cp "$T/token" "$CONF/$h/token"
    chmod 600 "$CONF/$h/token"
done
WEFTD_CERTS="--join 10.77.0.2:4443 --join-token $CONF/h1/token" weftd_start h1
document_of shop other | document h1 shop.yaml
call() { talks "$1" h1 10.77.0.2 9000; } # UNIT
said() { journalctl -q --no-pager -u "$1" -o cat | grep -q -- "$2"; }
check "the node joins" wait_for 30 said ca 'node "h1" joined from 10.77.0.1'
check "and gets the certificate of its workload" wait_for 30 said ca 'got spiffe://mesh.local/shop until'
_recorded() { issued weft/node/h1 | grep -q .; }
issued() { journalctl -q -o json _SYSTEMD_UNIT=ca.service WEFT_NODE=h1 "WEFT_IDENTITY=spiffe://mesh.local/$1"; }
check "a record tells of the join" wait_for 20 _recorded
equal "once" 1 "$(journalctl -q --no-pager -u ca -o cat | grep -c 'joined from 10.77.0.1')"
equal "with which it connects" ok "$(call shop)"
contains "the server knows it" '"spiffe://mesh.local/shop"' \
    "$(conns h2 'select(.workload == "web") | .peer_identity')"
contains "by the serial number that the CA has recorded" "\"$(issued shop | jq -r .WEFT_SERIAL | tail -1)\"" \
    "$(conns h2 'select(.workload == "web") | .peer_serial')"
contains "and it the server" '"spiffe://mesh.local/web"' \
    "$(conns h1 'select(.workload == "shop") | .peer_identity')"
equal "an identity that the token does not name is refused" ECONNREFUSED "$(call other)"
check "which the node says" wait_for 30 said weftd@h1 'spiffe://mesh.local/other: no certificate'
check "and the CA" said ca 'refused 10.77.0.1: .*spiffe://mesh.local/other'
contains "the CA lists the node" h1 "$(ca node show)"
equal "keys are private" 600 "$(stat -c %a /var/lib/weft-netns/h1/node/node.key)"

# --- a token is good for one node
WEFTD_CERTS="--join 10.77.0.2:4443 --join-token $CONF/h3/token" weftd_start h3
check "another host with the same token is refused" wait_for 30 said weftd@h3 'certificates: .*token'
check "and gets nothing" [ ! -e /var/lib/weft-netns/h3/node/node.crt ]
systemctl stop weftd@h3

# --- without the CA
systemctl stop ca
equal "while the CA is away connections are made" ok "$(call shop)"
pid=$(weftd_pid h1)
kill -9 "$pid"
back() { [ "$(weftd_pid h1)" -gt 0 ] && [ "$(weftd_pid h1)" != "$pid" ] && [ "$(systemctl show -P ActiveState weftd@h1)" = active ]; }
check "a daemon that dies then comes back" wait_for 30 back
equal "and has its certificates still" ok "$(call shop)"
check "it says that the CA is away" wait_for 60 said weftd@h1 'certificates: .*10.77.0.2'
ca_serve

# --- a new token changes what it may obtain
check "a new token for the node" ca token add node h1 identity shop identity other file "$T/token2"
systemctl stop weftd@h1
cp "$T/token2" "$CONF/h1/token"
rm /var/lib/weft-netns/h1/node/node.crt
systemctl start weftd@h1
got_other() { said ca 'got spiffe://mesh.local/other until'; }
check "it joins with it" wait_for 60 got_other
equal "and has the other identity, too" ok "$(call other)"
equal "and still the first" ok "$(call shop)"

# --- and a node that is deleted gets nothing more
check "the node is deleted" ca node del h1
document_of shop other late | document h1 shop.yaml
equal "no new certificate" ECONNREFUSED "$(call late)"
check "the CA refuses it" wait_for 30 said ca 'refused 10.77.0.1: .*h1'
equal "what it has it may use until it ends" ok "$(call shop)"
