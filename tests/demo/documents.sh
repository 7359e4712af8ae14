# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The documents of the demo: what an administrator would write into the two
# hosts' directories.  Sourced by demo.sh.

# h2: who serves, and who may come.
documents_h2() {
    cat <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: web}
spec:
  selectors: [{unit: nginx.service}]
---
apiVersion: weft/v1
kind: Workload
metadata: {name: cache}
spec:
  selectors: [{unit: redis-server.service}]
---
apiVersion: weft/v1
kind: Workload
metadata: {name: mail}
spec:
  selectors: [{unit: opensmtpd.service}]
---
apiVersion: weft/v1
kind: AuthorizationPolicy
metadata: {name: only-the-shop}
spec:
  action: ALLOW
  rules:
  - from: {identities: ["spiffe://mesh.local/shop"]}
Y
}

# h1: who calls, and what there is to be called.
documents_h1() { # [DEAD-ENDPOINT-PORT]
    cat <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: shop}
spec:
  selectors: [{unit: shop.service}, {unit: shop-live.service}, {unit: shop-big.service}]
---
apiVersion: weft/v1
kind: Workload
metadata: {name: stranger}
spec:
  selectors: [{unit: stranger.service}]
---
apiVersion: weft/v1
kind: Service
metadata: {name: cache}
spec:
  addresses: [10.77.0.2]
  ports: [{port: 6379}]
  endpoints: [{address: 10.77.0.2}]
  identities: ["spiffe://mesh.local/cache"]
---
apiVersion: weft/v1
kind: Service
metadata: {name: mail}
spec:
  addresses: [10.77.0.2]
  ports: [{port: 25}]
  endpoints: [{address: 10.77.0.2}]
  identities: ["spiffe://mesh.local/mail"]
---
apiVersion: weft/v1
kind: Service
metadata: {name: web}
spec:
  addresses: [10.77.0.2]
  ports: [{port: 80}]
  endpoints:
  - {address: 10.77.0.2}
Y
    # Weighted so that nearly every call tries it first.
    [ -z "${1:-}" ] || echo "  - {address: 10.77.0.2, port: $1, weight: 99}"
    echo '  identities: ["spiffe://mesh.local/web"]'
}
