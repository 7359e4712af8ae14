#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: 7.2
# curl and nginx, neither of them changed or restarted, through the mesh: only TLS
# 1.3 on the wire, both identities known, keep-alive, a large file by sendfile,
# IPv6, a virtual address; and what is not in the mesh stays as it was.
. "$(dirname "$(readlink -f "$0")")/lib.sh"
trap e2e_end EXIT
hosts_up h1 h2
marker=indigo-$RANDOM$RANDOM
echo $marker >/var/www/html/marker.txt
head -c 3000000 /dev/urandom >/var/www/html/m3
unit_in h2 nginx
systemctl start nginx
port_wait h2 80
start_app plain h2 8080 python3 -m http.server -d /var/www/html 8080

weft_install || exit 1
module_load || exit 1
weftd_start h1
weftd_start h2
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
  addresses: [10.77.0.2, "fd77::2", 240.0.0.80]
  ports: [{port: 80}]
  endpoints: [{address: 10.77.0.2}]
  identities: ["spiffe://mesh.local/web"]
Y

shop() { run_as shop h1 curl -sS -m 60 "$@"; }

capture_start "$T/http.pcap" tcp port 80
equal "curl reads through the mesh" $marker "$(shop http://10.77.0.2/marker.txt)"
equal "curl reads over a virtual address" $marker "$(shop http://240.0.0.80/marker.txt)"
equal "curl reads over IPv6" $marker "$(shop 'http://[fd77::2]/marker.txt')"
equal "one connection serves three requests" "$marker 1 $marker 0 $marker 0" \
    "$(shop http://10.77.0.2/{marker,marker,marker}.txt -w '%{num_connects}\n' | paste -sd' ')"
equal "404 arrives" 404 "$(shop -o /dev/null -w '%{http_code}' http://10.77.0.2/none)"
capture_stop
wire_tls "only TLS 1.3 records at port 80, nothing readable" "$T/http.pcap" 80 $marker "GET /" "HTTP/1.1"

shop -o "$T/m3" http://10.77.0.2/m3
check "3 MB by sendfile arrive as they were" cmp "$T/m3" /var/www/html/m3
head -c 1000000 /var/www/html/m3 >"$T/m1"
equal "1 MB by POST arrives" 405 "$(shop -o /dev/null -w '%{http_code}' --data-binary "@$T/m1" http://10.77.0.2/marker.txt)"

identities() {
    conns "$1" "select(.role == \"$2\" and .identity == \"spiffe://mesh.local/$3\" and .peer_identity == \"spiffe://mesh.local/$4\")"
}
contains "h1 knows both identities" spiffe://mesh.local/web "$(identities h1 client shop web)"
contains "h2 knows both identities" spiffe://mesh.local/shop "$(identities h2 server web shop)"
check "h1 has the audit record in the caller's journal" \
    wait_for 20 journal_has -u shop WEFT_PEER_IDENTITY=spiffe://mesh.local/web
check "h2 has the audit record in the server's journal" \
    wait_for 20 journal_has -u nginx WEFT_PEER_IDENTITY=spiffe://mesh.local/shop

capture_start "$T/plain.pcap" tcp port 8080
equal "what is not in the mesh stays as it was" $marker "$(shop http://10.77.0.2:8080/marker.txt)"
capture_stop
wire_plain "and is plaintext, as before" "$T/plain.pcap" 8080 $marker
refute "a caller that is in no workload does not get in" run_as nobody h1 curl -sS -m 20 http://10.77.0.2/marker.txt
