#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 900
# seconds: 220
# kernels: 6.1
# debug: no
# Peers that mean harm (hostile.py): at a strict port, where the application reads
# nothing of theirs and others are still served; and servers, of which connect()
# says the truth, and goes on to a good endpoint.  The attacker is a host without
# weft; its certificates come from openssl, some from the mesh's own authority.
. "$(dirname "$(readlink -f "$0")")/lib.sh"
trap e2e_end EXIT
hosts_up h1 h2 h3
weft_install || exit 1
module_load || exit 1
pki=$T/pki ca=/var/lib/weft-e2e-ca
mkdir "$pki"
# The mesh's authority, but that others may sign below it.
install -d -m 700 $ca
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 9 -subj "/CN=mesh" \
    -addext keyUsage=critical,keyCertSign -addext subjectAltName=URI:spiffe://mesh.local \
    -keyout $ca/ca.key -out $ca/ca.crt 2>/dev/null
weftd_start h1
weftd_start h2
cp $ca/ca.crt "$pki/ca.crt"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 9 -subj "/CN=other" \
    -addext keyUsage=critical,keyCertSign -keyout "$pki/otherca.key" -out "$pki/otherca.crt" 2>/dev/null

request() { # NAME [SUBJECT]
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "${2:-/}" \
        -keyout "$pki/$1.key" -out "$pki/$1.csr" 2>/dev/null
}
extensions() { # NAME SAN
    printf 'basicConstraints=critical,CA:false\nkeyUsage=critical,digitalSignature\n%s\n%s\n' \
        "extendedKeyUsage=serverAuth,clientAuth" "${2:+subjectAltName=$2}" >"$pki/$1.ext"
}
# mint NAME SAN [CA [DAYS]]: a certificate; CA: path without .crt and .key
mint() {
    local n=$pki/$1 by=${3:-$ca/ca}
    [ -e "$n.csr" ] || request "$1"
    [ -e "$n.ext" ] || extensions "$1" "$2"
    openssl x509 -req -in "$n.csr" -CA "$by.crt" -CAkey "$by.key" -set_serial "$RANDOM$RANDOM" \
        -days "${4:-9}" -extfile "$n.ext" -out "$n.crt" 2>"$n.log" ||
        not_ok "a certificate for $1" "$(cat "$n.log")"
}
mint friend URI:spiffe://mesh.local/friend
mint stranger URI:spiffe://mesh.local/stranger
mint otherdomain URI:spiffe://elsewhere.test/friend
mint twosans URI:spiffe://mesh.local/friend,URI:spiffe://mesh.local/stranger
mint nosan DNS:friend.mesh.local
mint wrongca URI:spiffe://mesh.local/friend "$pki/otherca"
mint expired URI:spiffe://mesh.local/friend $ca/ca -1
# mint_early NAME SAN: one that begins in two days
mint_early() {
    local n=$pki/$1
    request "$1" "/CN=$1"
    extensions "$1" "$2"
    printf '%s\n' '[ca]' default_ca=early '[early]' "database=$n.db" "new_certs_dir=$pki" \
        rand_serial=yes default_md=sha256 policy=any '[any]' commonName=optional >"$n.cnf"
    : >"$n.db"
    openssl ca -batch -notext -config "$n.cnf" -cert $ca/ca.crt -keyfile $ca/ca.key \
        -startdate "$(date -ud '2 days' +%Y%m%d%H%M%SZ)" -enddate "$(date -ud '4 days' +%Y%m%d%H%M%SZ)" \
        -extfile "$n.ext" -in "$n.csr" -out "$n.crt" 2>"$n.log" ||
        not_ok "a certificate for $1" "$(cat "$n.log")"
}
mint_early early URI:spiffe://mesh.local/friend
# narrow NAME CONSTRAINTS: a friend's certificate, by an authority below the mesh's
narrow() {
    request "by$1" "/CN=by $1"
    printf '%s\n' basicConstraints=critical,CA:true keyUsage=critical,keyCertSign \
        "nameConstraints=critical,$2" >"$pki/by$1.ext"
    mint "by$1" ""
    mint "$1" URI:spiffe://mesh.local/friend "$pki/by$1"
    cat "$pki/by$1.crt" >>"$pki/$1.crt"
}
narrow within 'permitted;URI:mesh.local'
narrow beyond 'permitted;URI:elsewhere.test'
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 9 -subj "/" \
    -addext subjectAltName=URI:spiffe://mesh.local/friend \
    -addext keyUsage=critical,digitalSignature \
    -keyout "$pki/selfsigned.key" -out "$pki/selfsigned.crt" 2>/dev/null

# --- documents: one service per misbehaving server, once alone, once with a good one
: >"$T/app.log"
start_app app h2 9000 python3 -SE "$E2E/hostile.py" app 9000 "$T/app.log"
document h2 app.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: app}
spec: {selectors: [{unit: app.service}]}
Y
mapfile -t names < <(python3 -SE "$E2E/hostile.py" names)
{
    printf 'apiVersion: weft/v1\nkind: Workload\nmetadata: {name: client}\n'
    printf 'spec: {selectors: [{unit: client.service}]}\n'
    for i in "${!names[@]}"; do
        n=${names[i]%% *} n=${n//_/-}
        cat <<Y
---
apiVersion: weft/v1
kind: Service
metadata: {name: $n}
spec:
  addresses: [10.77.0.3]
  ports: [{port: $((9100 + i))}]
  endpoints: [{address: 10.77.0.3}]
  identities: ["spiffe://mesh.local/friend"]
---
apiVersion: weft/v1
kind: Service
metadata: {name: $n-or-app}
spec:
  addresses: [240.0.1.$((i + 1))]
  ports: [{port: 9000}]
  endpoints: [{address: 10.77.0.3, port: $((9100 + i)), weight: 65535}, {address: 10.77.0.2}]
  identities: ["spiffe://mesh.local/friend", "spiffe://mesh.local/app"]
Y
    done
} | document h1 client.yaml
start_app servers h3 9100 python3 -SE "$E2E/hostile.py" serve 10.77.0.3 9100 "$pki"

# --- attacks
run_as attacker h3 python3 -SE "$E2E/hostile.py" attack 10.77.0.2 9000 "$pki" "$T/app.log" >"$T/attack" 2>&1
case_results "$T/attack"
while read -r _ name port reasons; do
    got=$(conns h2 "select(.remote == \"10.77.0.3:$port\") | .reason")
    got=${got//\"/}
    case " $reasons " in
    *" $got "*) ok "weftctl knows the reason of ${name//_/ }: $got" ;;
    *) not_ok "weftctl knows the reason of ${name//_/ }" "wanted $reasons, got '$got'" ;;
    esac
done < <(grep '^reason ' "$T/attack")
details=$(conns h2 .detail)
contains "weftctl says when a certificate is not yet valid" "not yet valid (valid " "$details"
contains "weftctl says when name constraints forbid it" "may sign for (name constraints)" "$details"
check "the audit has the truncation" wait_for 20 journal_has -u app WEFT_REASON=truncated
check "the audit has the KeyUpdate" wait_for 20 journal_has -u app WEFT_REASON=key-update
check "the audit has the alert" wait_for 20 journal_has -u app WEFT_REASON=alert
check "the audit has the refused certificates" wait_for 20 journal_has -u app WEFT_REASON=peer-certificate

# --- servers
run_as client h1 python3 -SE "$E2E/hostile.py" dial 10.77.0.3 9100 240.0.1. "$pki" >"$T/dial" 2>&1
case_results "$T/dial"
for i in "${!names[@]}"; do
    read -r name reasons <<<"${names[i]}"
    [ "$reasons" != - ] || continue
    got=$(conns h1 "select(.service == \"${name//_/-}\") | .reason")
    got=${got//\"/}
    case " $reasons " in
    *" $got "*) ok "weftctl knows the reason of the server that ${name//_/ }: $got" ;;
    *) not_ok "weftctl knows the reason of the server that ${name//_/ }" "wanted $reasons, got '$got'" ;;
    esac
done
idle() { [ "$(weftctl_in "$1" -j status | jq -r .conns)" = 0 ]; }
check "no connection is left at the client's" wait_for 60 idle h1
check "no connection is left at the server's" wait_for 60 idle h2
