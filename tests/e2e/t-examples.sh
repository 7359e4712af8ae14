#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What weft-policy(5) says of its examples is true: each is put into force, and
# whoever is named below it calls.
# timeout: 400
# seconds: 160
# kernels: 6.1
# debug: no
. "$(dirname "$(readlink -f "$0")")/lib.sh"
e2e_begin
both() { # FILE: the same document for both hosts
    cat >"$T/both.yaml"
    document h1 "$1" <"$T/both.yaml"
    document h2 "$1" <"$T/both.yaml"
}
both web.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: web}
spec:
  selectors: [{unit: web.service}]
  ports: [{port: 9100, mode: permissive}]
Y
for w in cart:shop till:shop nightly:batch; do
    printf '%s\n' --- "apiVersion: weft/v1" "kind: Workload" "metadata: {name: ${w%:*}}" \
        "spec: {identity: ${w#*:}/${w%:*}, selectors: [{unit: ${w%:*}.service}]}"
done | cat - <(printf '%s\n' --- "apiVersion: weft/v1" "kind: Service" "metadata: {name: web}" \
    "spec: {addresses: [240.0.0.1], ports: [{port: 8443}, {port: 9100}], endpoints: [{address: 10.77.0.2}]}") |
    sed 1d | both all.yaml
start_app web h2 9100 python3 -SE "$E2E/dial.py" server tell:8443 tell:9100

# The blocks of the page's EXAMPLES, one file each, in order.
mkdir -p "$T/examples"
awk -v dir="$T/examples" '
    /^\.SH/ { here = $2 == "EXAMPLES" }
    here && /^\.EX$/ { inside = 1; n++; next }
    /^\.EE$/ { inside = 0 }
    inside { gsub(/\\-/, "-"); print > sprintf("%s/%02d", dir, n) }' "$TOP/userspace/man/weft-policy.5"

calls() { # CALLER PORT
    case $1 in
    outside) run_as outside h1 python3 -SE "$E2E/dial.py" call 10.77.0.2 "$2" ;;
    *) run_as "$1" h1 python3 -SE "$E2E/dial.py" call 240.0.0.1 "$2" ;;
    esac
}
says() { # CALLER PORT: allowed, denied, or what else came of it
    local out
    out=$(calls "$1" "$2")
    case $1:$out in
    *:"ok $2 "*) echo allowed ;;
    outside:"connected, then ECONNRESET" | outside:"connected, then EPIPE" | outside:ECONNRESET) echo denied ;;
    outside:*) echo "$out" ;;
    *:EACCES) echo denied ;;
    *) echo "$out" ;;
    esac
}
recorded() { journal_has -u web WEFT_VERDICT=live WEFT_AUDIT_POLICY="$1" WEFT_PEER_IDENTITY="spiffe://mesh.local/batch/$2"; }

examples=0 outcomes=0
for f in "$T"/examples/*; do
    if grep -q '^kind: AuthorizationPolicy$' "$f"; then
        examples=$((examples + 1))
        both policies.yaml <"$f"
        what=$(sed -n 's/^metadata: {name: \(.*\)}$/\1/p' "$f" | paste -sd' ')
        continue
    fi
    while read -r caller port outcome; do
        outcomes=$((outcomes + 1))
        equal "$what: $caller to $port" "${outcome%%,*}" "$(says "$caller" "$port")"
        case $outcome in
        *" in its record")
            policy=${outcome#*, }
            check "$what: the record of $caller names it" wait_for 20 recorded "${policy%% *}" "$caller"
            ;;
        esac
    done <"$f"
done
check "all of the page's examples were run" [ "$examples" -ge 8 ]
check "with an outcome or more each" [ "$outcomes" -ge $((2 * examples)) ]
