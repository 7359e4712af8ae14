#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# weftd as a service: what it refuses to start with, what a wrong document and a
# kill do (nothing that anybody notices), certificates, the watchdog.
# timeout: 400
# kernels: 6.1
# debug: no
. "$(dirname "$(readlink -f "$0")")/lib.sh"
trap e2e_end EXIT
hosts_up h1 h2
marker=violet-$RANDOM$RANDOM
echo $marker >/var/www/html/marker.txt
unit_in h2 nginx
systemctl start nginx
port_wait h2 80
weft_install || exit 1

status_of() { systemctl show -P "$2" "weftd@$1"; }
start_fails() { # NAME HOST STATUS MESSAGE: systemd does not try again
    refute "$1" systemctl start "weftd@$2"
    equal "$1: status" "$3" "$(status_of "$2" ExecMainStatus)"
    equal "$1: is not repeated" "failed 0" "$(status_of "$2" ActiveState) $(status_of "$2" NRestarts)"
    contains "$1: says why" "$4" "$(journal -u "weftd@$2" -n 20 -o cat)"
    systemctl reset-failed "weftd@$2"
}
says() { journal -u "weftd@$1" -o cat | grep -cF -- "$2"; }

# --- starting
mkdir -p "$CONF/h1/conf.d"
start_fails "no start without the module" h1 69 "the weft module is not loaded in this kernel (modprobe weft)"

module_load || exit 1
export WEFTD_DROPIN=$'WatchdogSec=8s\n'
weftd_start h1 --workers 2
weftd_start h2 --workers 2
equal "h1 is ready" "active running" "$(status_of h1 ActiveState) $(status_of h1 SubState)"
equal "the module knows two workers" 2 "$(weftctl_in h1 -j status | jq -r .workers)"
equal "the state directory is private" 700 "$(stat -c %a /var/lib/weft-netns/h1)"
equal "the authority's key is private" 600 "$(stat -c %a /var/lib/weft-e2e-ca/ca.key)"
refute "no second weftd in one state directory" in_host h1 weftd --config-dir "$CONF/h1/conf.d" \
    --state-dir /var/lib/weft-netns/h1 --ca-dir /var/lib/weft-e2e-ca

document h2 web.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: web}
spec: {selectors: [{unit: nginx.service}]}
Y
document h1 web.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: shop}
spec: {selectors: [{unit: shop.service}]}
---
apiVersion: weft/v1
kind: Service
metadata: {name: web}
spec:
  addresses: [10.77.0.2]
  ports: [{port: 80}]
  endpoints: [{address: 10.77.0.2}]
Y
fetch() { run_as "${1:-shop}" h1 curl -sS -m 60 http://10.77.0.2/marker.txt; }
equal "shop reaches web" $marker "$(fetch)"
tells() { status_of h1 StatusText | grep -qF -- "$1"; }
check "systemctl status tells the generation" wait_for 20 tells "1 workload, 1 service"

# --- documents
before=$(generation h1)
cat >"$CONF/h1/conf.d/zz.yaml" <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: other}
spec: {selectors: [{unix: other.service}]}
Y
said() { [ "$(says h1 "zz.yaml:4")" -ge 1 ]; }
check "a wrong document is reported with file and line" wait_for 20 said
systemctl reload weftd@h1
systemctl reload weftd@h1
equal "but once" 1 "$(says h1 zz.yaml:4)"
equal "nothing changed" "$before" "$(generation h1)"
check "systemctl status tells that too" wait_for 20 tells "zz.yaml:4"
equal "shop still reaches web" $marker "$(fetch)"
rm "$CONF/h1/conf.d/zz.yaml"
check "without it a generation is in force again" wait_for 20 _newer h1 "$before"
for f in "$CONF/h1/conf.d/web.yaml" "$CONF/h1/conf.d"; do
    chmod o+w "$f"
    check "${f##*/} that others may write is refused" wait_for 20 troubled h1 "$f: mode 0.* lets others change"
    equal "what was in force is" $marker "$(fetch)"
    chmod o-w "$f"
    check "until they may not" wait_for 20 untroubled h1
done
chown nobody "$CONF/h1/conf.d/web.yaml"
check "and what belongs to another" wait_for 20 troubled h1 "web.yaml: belongs to user .*chown root"
chown root "$CONF/h1/conf.d/web.yaml"
check "until it does not" wait_for 20 untroubled h1

# --- certificates
check "weftctl adds a workload" weftctl_in h1 workload add till identity spiffe://mesh.local/till unit till.service
equal "its certificate is there when it is needed" $marker "$(fetch till)"
contains "and is its own" spiffe://mesh.local/till "$(conns h2 'select(.peer_identity == "spiffe://mesh.local/till")')"
weftctl_in h1 workload add alien identity spiffe://elsewhere.test/alien unit alien.service
refute "no certificate for another trust domain" fetch alien
contains "the connection says so" no-certificate "$(conns h1 'select(.workload == "alien")')"

# --- dying and coming back
pid=$(weftd_pid h1) before=$(generation h1)
kill -9 "$pid"
back() { [ "$(weftd_pid h1)" -gt 0 ] && [ "$(weftd_pid h1)" != "$pid" ] && [ "$(status_of h1 ActiveState)" = active ]; }
check "killed, it is back" wait_for 20 back
check "and has handed over the configuration again" wait_for 20 _newer h1 "$before"
equal "shop reaches web after a kill" $marker "$(fetch)"
systemctl stop weftd@h1
run_as_bg shop h1 curl -sS -m 90 http://10.77.0.2/marker.txt
parked() { [ "$(weftctl_in h1 -j status | jq -r .parked)" -ge 1 ]; }
check "without a daemon a connection waits" wait_for 20 parked
systemctl start weftd@h1
wait "$JOB"
equal "and is served by the next one" $marker "$(cat "$T/shop.out")"

pid=$(weftd_pid h1)
kill -STOP "$pid"
check "one that hangs is replaced" wait_for 60 back
equal "shop reaches web after that" $marker "$(fetch)"

# --- options that contradict what is stored, and short lives
systemctl stop weftd@h1
echo 'WEFTD_OPTIONS="--ca-dir /var/lib/weft-e2e-ca --trust-domain other.test"' >/etc/default/weftd-h1
start_fails "no other trust domain than that of the first start" h1 78 '--trust-domain: "other.test"'
echo 'WEFTD_OPTIONS="--workers 0"' >/etc/default/weftd-h1
start_fails "no wrong option" h1 2 '--workers: "0" is not a number from 1 to 64'
echo 'WEFTD_OPTIONS="--ca-dir /var/lib/weft-e2e-ca --svid-lifetime 20s"' >/etc/default/weftd-h1
check "certificates of 20 seconds" systemctl start weftd@h1
renewed() { [ "$(says h1 "certificates renewed")" -ge 2 ]; }
check "are renewed in time" wait_for 60 renewed
equal "and serve" $marker "$(fetch)"

began=$SECONDS
systemctl stop weftd@h1
check "it stops at once" [ $((SECONDS - began)) -lt 10 ]
equal "and well" success "$(status_of h1 Result)"
