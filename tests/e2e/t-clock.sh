#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Time passes and nobody renews anything; or the clock is wrong.  Who may not be believed
# any more, or yet, is refused, and weftctl status says it, long before where it can.
# In a guest of its own: the others' journals and certificates go by the clock.
# timeout: 600
# seconds: 65
# kernels: 7.2
# group: clock
# debug: no
. "$(dirname "$(readlink -f "$0")")/lib.sh"
# shellcheck source=tests/e2e/pki.sh
. "$E2E/pki.sh"
[ -n "${VM_RUN:-}" ] || { not_ok "a clock to set" "in a guest only"; exit 1; }
trap e2e_end EXIT
weft_install || exit 1
hosts_up h1 h2
module_load || exit 1
pki_begin
authority 1 # root and what it signs live for nine days
leaf shop shop 1
leaf web web 1
for h in h1 h2; do cp "$pki/root1.crt" "${dir[$h]}/ca.crt"; done
put shop h1 shop
put web h2 web
WEFTD_CERTS="--svid-dir ${dir[h1]}" weftd_start h1
WEFTD_CERTS="--svid-dir ${dir[h2]}" weftd_start h2
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
spec: {selectors: [{unit: shop.service}]}
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
good() { [ "$(call)" = ok ]; }
day=86400
clock() { date -s "@$(($(date +%s) + $1))" >/dev/null; } # SECONDS from now
told() { journalctl -q --no-pager -u shop -o cat | grep -c -- "$1"; }
# because REGEX: the audit record of the refusal that comes now says so
because() {
    local n
    n=$(told "$1")
    equal "nobody is let in" ECONNREFUSED "$(call)"
    more_told() { [ "$(told "$1")" -gt "$2" ]; }
    check "because: $1" wait_for 20 more_told "$1" "$n"
}

equal "a connection" ok "$(call)"
for h in h1 h2; do check "$h: all is well" wait_for 20 untroubled $h; done

clock $((8 * day))
check "a root that ends soon is told" wait_for 20 troubled h2 "^the root certificate in use ends on"
check "so is a certificate" wait_for 20 troubled h2 "^the certificate of spiffe://mesh.local/web ends on"
check "the root in the journal, too" wait_for 20 more h2 "certificates: the root certificate in use ends on" 0
equal "connections are made still" ok "$(call)"

clock $((2 * day))
# The root was made first.
check "what has ended is told" wait_for 20 troubled h2 "^what signed the certificate of spiffe://mesh.local/web ended on"
check "of the root, too" wait_for 20 troubled h2 "^the root certificate in use ended on"
because expired

clock $((-12 * day))
check "a clock before its time is told" wait_for 20 troubled h2 "begins on .*is the clock right?"
because "not yet valid"

clock $((2 * day))
check "with the right time there is a connection" wait_for 30 good
for h in h1 h2; do check "$h: and all is well" wait_for 20 untroubled $h; done

# --- another root in time
clock $((8 * day))
for h in h1 h2; do check "$h: the end comes near again" wait_for 20 troubled $h "^the certificate of .* ends on"; done
authority 2
leaf web web 2
leaf shop shop 2
# The roots first, as they would be handed out: until both know the new one, a certificate
# of it is refused, and rightly.
for h in h1 h2; do taken $h "$h: both roots" cp "$pki/root2.crt" "${dir[$h]}/bundle.pem"; done
taken h2 "web: a new one" put web h2 web
taken h1 "shop: a new one" put shop h1 shop
for h in h1 h2; do check "$h: new ones in time" wait_for 30 untroubled $h; done
equal "a connection through them" ok "$(call)"

# --- an intermediate ends before what it has signed
days=2 authority 3
leaf web web 3
cat "$pki/root2.crt" "$pki/root3.crt" >"$pki/roots.pem"
for h in h1 h2; do taken $h "$h: a third root" cp "$pki/roots.pem" "${dir[$h]}/bundle.pem"; done
taken h2 "web: one by an intermediate that ends soon" put web h2 web
check "that it ends is told in time" wait_for 20 troubled h2 "^what signed the certificate of spiffe://mesh.local/web ends on"
check "and logged" wait_for 20 more h2 "spiffe://mesh.local/web: what signed its certificate ends on" 0
equal "a connection as long as it lasts" ok "$(call)"

clock $((3 * day))
check "that it has ended is told" wait_for 20 troubled h2 "^what signed the certificate of spiffe://mesh.local/web ended on"
because "issuer 1 in its chain: certificate has expired"
leaf web web 2
taken h2 "web: one by another" put web h2 web
check "with that there is a connection" wait_for 30 good
check "and all is well" wait_for 20 untroubled h2

# --- the built-in authority, and a clock beyond its root's end when weftd starts
systemctl stop weftd@h1 weftd@h2
for h in h1 h2; do WEFTD_CERTS='' weftd_start $h; done
check "the built-in authority" wait_for 30 good
for h in h1 h2; do check "$h: all is well with it" wait_for 20 untroubled $h; done
systemctl stop weftd@h1 weftd@h2
clock $((11 * 365 * day))
for h in h1 h2; do
    check "$h: weftd starts with a root that is over" systemctl start weftd@$h
    check "$h: and says so" wait_for 20 troubled $h "ca.crt: the root certificate expired on .*if the clock is wrong"
done
equal "nobody is let in" ECONNREFUSED "$(call)"
clock $((-11 * 365 * day))
check "with the right time there is a connection again" wait_for 60 good
for h in h1 h2; do check "$h: and nothing is left of it" wait_for 20 untroubled $h; done
equal "by the same daemons" "0 0" "$(for h in h1 h2; do systemctl show -P NRestarts weftd@$h; done | paste -sd' ')"
