#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Another root for the built-in CA, whole: a host that has the CA's directory, one that
# joined.  One connection lives through all of it, new ones are made at each step, steps
# that would cut somebody off are refused, and in the end the old root counts for nothing.
# The month that certificates of the old root may be valid passes by setting the clock.
# timeout: 600
# seconds: 240
# kernels: 7.2
# debug: no
. "$(dirname "$(readlink -f "$0")")/lib.sh"
# later DAYS: so many days pass; in the end the clock is as it was
days_on=0
later() {
    date -s "+$1 days" >/dev/null
    days_on=$((days_on + $1))
}
the_end() {
    local rc=$?
    [ $days_on = 0 ] || date -s "-$days_on days" >/dev/null
    (exit $rc)
    e2e_end
}
trap the_end EXIT
[ -n "${VM_RUN:-}" ] || { not_ok "a guest" "this test sets the clock"; exit 1; }
weft_install || exit 1
hosts_up h1 h2 h3
module_load || exit 1
SHORT="--svid-lifetime 40s"
weftd_start h2 "$SHORT" # with the CA
CA=/var/lib/weft-e2e-ca
ca() { weftctl ca "$@" dir $CA; }
standing() { weftctl -j ca rotate show dir $CA | jq -r "$1"; }
APPS+=(ca)
ca_serve() {
    systemd-run -q --collect --unit=ca -p NetworkNamespacePath=/run/netns/h2 -p Restart=no \
        weftctl ca serve listen 10.77.0.2:4443 dir $CA
    port_wait h2 4443
}
ca token add node h1 identity shop file "$T/h1.token"
ca token add node h3 identity late ttl 24h file "$T/h3.token"
for h in h1 h3; do
    mkdir -p "$CONF/$h"
    install -m 600 "$T/$h.token" "$CONF/$h/token"
done
ca_serve
WEFTD_CERTS="--join 10.77.0.2:4443 --join-token $CONF/h1/token" weftd_start h1 "$SHORT"
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
kind: Service
metadata: {name: web}
spec:
  addresses: [10.77.0.2]
  ports: [{port: 9000}]
  endpoints: [{address: 10.77.0.2}]
  identities: [web]
Y
start_app web h2 9000 python3 -SE "$E2E/storm.py" server 9000
call() { talks shop h1 10.77.0.2 9000; }
talk_ok() { [ "$(call)" = ok ]; }
check "hosts talk" wait_for 60 talk_ok
puppet long h1
equal "a long connection" ok "$(tell long "exec('s = socket.create_connection((\"10.77.0.2\", 9000), 60)')")"
echoes() { equal "the long connection goes on: $1" "$1" "$(tell long "s.sendall(b'$1') or s.recv(100)")"; }
echoes before

# --- somebody who keeps the old root: its key signs for him to the end
cp -a $CA/ca.key "$T/old.key"
cp -a $CA/ca.crt "$T/old.crt"
kept() { # a certificate of the old root, from now on
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$T/kept.key" &&
        openssl req -new -key "$T/kept.key" -subj / -out "$T/kept.csr" &&
        openssl x509 -req -in "$T/kept.csr" -CA "$T/old.crt" -CAkey "$T/old.key" -days 9 \
            -set_serial "0x$(openssl rand -hex 12)" -out "$T/kept.crt" -extfile <(printf '%s\n' \
            basicConstraints=critical,CA:false keyUsage=critical,digitalSignature \
            extendedKeyUsage=serverAuth,clientAuth subjectAltName=URI:spiffe://mesh.local/shop)
}
heard() { grep -q hello "$T/kept.out"; }
# admitted: does the server answer him?  Whom he trusts is no matter here.
admitted() {
    kept 2>"$T/kept.log" || return 1
    : >"$T/kept.out"
    { echo hello; wait_for 10 heard || :; } | in_host h3 timeout 60 openssl s_client \
        -connect 10.77.0.2:9000 -quiet -no_ign_eof -tls1_3 -cert "$T/kept.crt" -key "$T/kept.key" \
        >"$T/kept.out" 2>"$T/kept.err"
    heard || { cat "$T/kept.err"; return 1; }
}
check "a certificate of the root that signs is admitted" admitted

# --- what makes no sense is refused
refute "nothing to activate" ca rotate activate
refute "nothing to finish" ca rotate finish
refute "nothing to take back" ca rotate abort

# --- prepare, while a node cannot hear of it
systemctl stop ca
check "the next root is made" ca rotate prepare
equal "its key is private" 600 "$(stat -c %a $CA/next.key)"
equal "both are exported" 2 "$(ca export | grep -c BEGIN)"
equal "the old one signs" "$(openssl x509 -in "$T/old.crt" -noout -fingerprint)" \
    "$(openssl x509 -in $CA/ca.crt -noout -fingerprint)"
h2_trusts() { ! standing '.not_trusted_by[]?' | grep -q process; }
check "the daemon with the directory trusts it in a moment" wait_for 60 h2_trusts
refused=$(ca rotate activate 2>&1) && not_ok "it must not sign yet" "accepted" || ok "it must not sign yet"
contains "the node that has not heard is named" "h1 (last seen on" "$refused"
contains "and shown" h1 "$(standing '.not_trusted_by[]?')"
equal "client of one root, server that trusts both" ok "$(call)"
ca_serve
all_trust() { [ "$(standing '.not_trusted_by | length')" = 0 ]; }
check "the node hears of it, and says so" wait_for 120 all_trust
equal "it trusts both" 2 "$(grep -c BEGIN /var/lib/weft-netns/h1/node/bundle.pem)"
equal "both trust both" ok "$(call)"
echoes prepared

# --- activate
by() { # ROOT HOST: its workload's certificate is by it
    case $2 in
    h1) cat /var/lib/weft-netns/h1/node/svids/*.crt ;;
    h2) in_host h3 timeout 20 openssl s_client -connect 10.77.0.2:9000 -tls1_3 -cert "$T/kept.crt" \
        -key "$T/kept.key" </dev/null 2>/dev/null | openssl x509 ;;
    esac >"$T/$2.crt"
    openssl verify -no_check_time -CAfile "$1" "$T/$2.crt"
}
check "the server's certificate is by the old root" by "$T/old.crt" h2
check "so is the client's" by "$T/old.crt" h1
check "the next root signs" ca rotate activate
check "once more is no harm" ca rotate activate
refute "it cannot be taken back" ca rotate abort
refute "nor another one made" ca rotate prepare
equal "right after it" ok "$(call)"
check "the server has a certificate of the new root" wait_for 60 by $CA/ca.crt h2
equal "server of the new root, client of either" ok "$(call)"
check "so has the client" wait_for 120 by $CA/ca.crt h1
equal "both of the new root" ok "$(call)"
check "who has one of the old root is admitted still" admitted
echoes activated
WEFTD_CERTS="--join 10.77.0.2:4443 --join-token $CONF/h3/token" weftd_start h3 "$SHORT"
check "a token of before is good" wait_for 60 test -e /var/lib/weft-netns/h3/node/node.crt
systemctl stop weftd@h3
check "h3 is not needed any more" ca node del h3

# --- not finished before its time
refused=$(ca rotate finish 2>&1) && not_ok "the old root must not go yet" "gone" || ok "the old root must not go yet"
after=$(standing .finish_after)
contains "it says when it may" "may be valid until $after" "$refused"
days=$((($(date -ud "$after" +%s) - $(date +%s)) / 86400))
equal "when the node's own certificate has ended" 1 "$((days == 29 || days == 30))"

# --- a month
later 16
check "connections are made in half a month" wait_for 120 talk_ok
node_new() { # of these days, and by the new root
    openssl x509 -noout -checkend $((29 * 86400)) -in /var/lib/weft-netns/h1/node/node.crt &&
        openssl verify -CAfile $CA/ca.crt /var/lib/weft-netns/h1/node/node.crt
}
check "the node has renewed itself with the new root" wait_for 120 node_new
refute "the old root is needed still" ca rotate finish
echoes "half a month"
later 15
check "connections are made in a month" wait_for 120 talk_ok
check "the old root is trusted to the end" admitted

# --- finish
check "the old root may go" ca rotate finish
equal "its key is gone" "ca.crt ca.key" "$(cd $CA && echo *.crt *.key)"
equal "one is exported" 1 "$(ca export | grep -c BEGIN)"
gone() { ! admitted; }
check "who has kept one of the old root is refused" wait_for 60 gone
one_root() { [ "$(grep -c BEGIN /var/lib/weft-netns/h1/node/bundle.pem)" = 1 ]; }
check "the node trusts one root only" wait_for 120 one_root
check "connections are made" wait_for 60 talk_ok
echoes after
equal "no rotation is under way" none "$(standing .step)"
tell long 's.close()' >/dev/null
