#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Daemons that have met: the second connection shows no certificate, is judged and
# audited all the same, and whatever one of them forgets costs one full handshake
# and no failure.  At the end the same daemons with approved algorithms only.
# timeout: 300
# kernels: 6.1
# debug: no
# seconds: 50
. "$(dirname "$(readlink -f "$0")")/lib.sh"
trap e2e_end EXIT
hosts_up h1 h2
start_app vault h2 9001 python3 -SE "$E2E/dial.py" server tell:9001
weft_install || exit 1
module_load || exit 1
weftd_start h1 --workers 2 --svid-lifetime 2h
weftd_start h2 --workers 2 --svid-lifetime 2h

document h2 workload.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: vault}
spec: {selectors: [{unit: vault.service}]}
Y
document h1 all.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: cart}
spec: {selectors: [{unit: cart.service}]}
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
  identities: [vault]
Y

call() { run_as "$1" h1 python3 -SE "$E2E/dial.py" call 240.0.0.1 9001; }
newest() { # HOST: how TLS began on its newest connection
    conns "$1" 'select(.role != null)' | jq -sr 'max_by(.id).handshake'
}
connects() { # NAME UNIT full|resumed: works, and both ends say how
    contains "$1" "ok 9001" "$(call "$2")"
    equal "$1: the client's word" "$3" "$(newest h1)"
    equal "$1: the server's word" "$3" "$(newest h2)"
}

capture_start "$T/first.pcap"
connects "the first connection is a full handshake" cart full
capture_stop
capture_start "$T/second.pcap"
connects "the second one is resumed" cart resumed
connects "and the third, with the same secret" cart resumed
capture_stop
connects "another identity of the same host begins with a full one" till full
connects "and has a secret of its own" till resumed

resumed_on_the_wire() { python3 -SE "$E2E/pcap.py" "$1" --port 9001 --want tls | jq -c '[.connections, .resumed]'; }
equal "on the wire the first one shows certificates" "[1,0]" "$(resumed_on_the_wire "$T/first.pcap")"
equal "the next two show a PSK and a Diffie-Hellman exchange" "[2,2]" "$(resumed_on_the_wire "$T/second.pcap")"

# --- what is told
last=$(conns h2 'select(.handshake == "resumed" and .peer_identity == "spiffe://mesh.local/cart")' | jq -sc 'max_by(.id)')
equal "both identities are known of a resumed one" \
    '["spiffe://mesh.local/vault","spiffe://mesh.local/cart","TLS_AES_128_GCM_SHA256"]' \
    "$(jq -c '[.identity, .peer_identity, .cipher]' <<<"$last")"
contains "explain says it" "resumed" "$(weftctl_in h2 explain "$(jq .id <<<"$last")")"
audited() {
    journal_has -u "$1" WEFT_TLS_HANDSHAKE=resumed WEFT_VERDICT=live WEFT_ROLE="$2" "WEFT_PEER_IDENTITY=$3"
}
check "the audit says it at the client's" wait_for 20 audited cart client spiffe://mesh.local/vault
check "and at the server's" wait_for 20 audited vault server spiffe://mesh.local/cart
tells() { [[ $(systemctl show -P StatusText weftd@h1) =~ [1-9][0-9]*\ of\ them\ resumed ]]; }
check "systemctl status counts them" wait_for 20 tells

# --- what it is bound to
document h2 policy.yaml <<'Y'
apiVersion: weft/v1
kind: AuthorizationPolicy
metadata: {name: not-till}
spec:
  action: DENY
  workload: vault
  rules: [{from: {identities: [till]}}]
Y
equal "a policy that says no counts for one that had a secret" EACCES "$(call till)"
equal "and says no again" EACCES "$(call till)"
connects "a new generation at the server's means a full handshake" cart full
connects "and then resumption" cart resumed
check "a change at the client's" weftctl_in h1 service add other address 240.0.0.9 port 9
connects "a new generation at the client's means a full handshake" cart full
connects "and then resumption again" cart resumed

kill -9 "$(weftd_pid h2)"
_answers() { weftctl_in "$1" -j status | jq -e '.workers == 2'; }
check "the server's weftd comes back" wait_for 60 _answers h2
connects "the daemon that was killed makes a full handshake" cart full
connects "and knows the client again" cart resumed
systemctl restart weftd@h1
check "the client's weftd comes back" wait_for 60 _answers h1
connects "a restart of the client's daemon means a full handshake" cart full
connects "and only one" cart resumed

# Certificates that live 10 s are renewed every 5: none outlives its secret.
echo 'WEFTD_OPTIONS="--ca-dir /var/lib/weft-e2e-ca --workers 2 --svid-lifetime 10s"' >/etc/default/weftd-h2
systemctl restart weftd@h2
check "the server's weftd is back with short certificates" wait_for 60 _answers h2
renewed() { [ "$(journal -u weftd@h2 -o cat | grep -c 'certificates renewed')" -gt "$before" ]; }
connects "before a renewal" cart full
before=$(journal -u weftd@h2 -o cat | grep -c 'certificates renewed' || :)
check "the server's certificate is renewed" wait_for 30 renewed
contains "after it a connection still works" "ok 9001" "$(call cart)"
equal "with a full handshake" full "$(newest h2)"

# --- never
echo 'WEFTD_OPTIONS="--ca-dir /var/lib/weft-e2e-ca --no-resumption"' >/etc/default/weftd-h1
systemctl restart weftd@h1
wait_for 60 systemctl is-active -q weftd@h1
connects "with --no-resumption the first one is full" cart full
connects "and the next one too" cart full

# --- approved algorithms only
for h in h1 h2; do
    echo 'WEFTD_OPTIONS="--ca-dir /var/lib/weft-e2e-ca --workers 2 --tls-profile fips"' >/etc/default/weftd-$h
    systemctl restart weftd@$h
done
for h in h1 h2; do check "weftd of $h is back with approved algorithms" wait_for 60 _answers $h; done
capture_start "$T/fips.pcap"
connects "with approved algorithms" cart full
connects "and resumed" cart resumed
capture_stop
for h in h1 h2; do
    check "$h: the ciphers are AES" jq -se 'max_by(.id).cipher | test("^TLS_AES_(128|256)_GCM_")' \
        <<<"$(conns $h 'select(.role != null)')"
done
groups() { python3 -SE "$E2E/pcap.py" "$1" --port 9001 --want tls | jq -r '.groups | join(" ")'; }
check "without them, keys are exchanged by X25519" grep -qx 'X25519\(MLKEM768\)\?' <<<"$(groups "$T/first.pcap")"
check "with them, by an approved group" grep -qx 'P-256\|P-384\|SecP256r1MLKEM768' <<<"$(groups "$T/fips.pcap")"

# peer REASON DETAIL OPTION...: one that has these algorithms and no certificate is refused
_last() { conns h2 | jq -s "max_by(.id) | $1"; }
_told() { _last "select(.id > $1) | .reason" | grep -q '^"'; }
peer() {
    local reason=$1 detail=$2 before
    shift 2
    before=$(_last .id)
    in_host h1 timeout 20 openssl s_client -connect 10.77.0.2:9001 -tls1_3 "$@" </dev/null >/dev/null 2>&1
    wait_for 20 _told "$before"
    equal "refused with $*" "\"$reason\"" "$(_last "select(.id > $before) | .reason")"
    contains "and why" "$detail" "$(_last .detail)"
}
peer peer-certificate "no certificate" -groups P-256 -ciphersuites TLS_AES_128_GCM_SHA256
peer tls "no shared cipher" -groups P-256 -ciphersuites TLS_CHACHA20_POLY1305_SHA256
peer tls "no suitable key share" -groups X25519 -ciphersuites TLS_AES_128_GCM_SHA256
