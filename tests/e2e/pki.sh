# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Authorities and certificates that something other than weftd renews, for tests with
# weftd --svid-dir; sourced behind lib.sh.  They are made in $pki; what weftd of HOST
# reads is ${dir[HOST]}.

pki=$T/pki
declare -A dir=([h1]=$CONF/h1/certs [h2]=$CONF/h2/certs)
pki_begin() { mkdir -p "$pki" "${dir[h1]}" "${dir[h2]}"; }

quietly() { "$@" >"$pki/log" 2>&1 || not_ok "$*" "$(cat "$pki/log")"; }
key() { # FILE: a new one
    quietly openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"
    chmod 600 "$1"
}
# sign NAME BY EXTENSION...: NAME.crt for NAME.key, by the authority BY; for $days, or nine
sign() {
    local n=$pki/$1 by=$pki/$2
    shift 2
    printf '%s\n' "$@" >"$n.ext"
    quietly openssl req -new -key "$n.key" -subj / -out "$n.csr"
    quietly openssl x509 -req -in "$n.csr" -CA "$by.crt" -CAkey "$by.key" \
        -days "${days:-9}" -set_serial "0x$(openssl rand -hex 12)" -extfile "$n.ext" -out "$n.crt"
}
# authority N: root N, and an intermediate that signs in its name, as step-ca has it; it
# lives for $days, or ten, longer than what it signs
authority() {
    key "$pki/root$1.key"
    quietly openssl req -x509 -key "$pki/root$1.key" -days 9 -subj "/CN=root $1" \
        -addext keyUsage=critical,keyCertSign -out "$pki/root$1.crt"
    key "$pki/by$1.key"
    days=${days:-10} sign "by$1" "root$1" basicConstraints=critical,CA:true keyUsage=critical,keyCertSign \
        subjectKeyIdentifier=hash
}
# leaf NAME ID N: a certificate with its chain, in NAME.pem; its serial in $serial
leaf() {
    key "$pki/$1.key"
    sign "$1" "by$3" basicConstraints=critical,CA:false keyUsage=critical,digitalSignature \
        extendedKeyUsage=serverAuth,clientAuth "subjectAltName=URI:spiffe://mesh.local/$2"
    cat "$pki/$1.crt" "$pki/by$3.crt" >"$pki/$1.pem"
}
# put NAME HOST FILE: as files are put in place, the key first
put() {
    install -m 600 "$pki/$1.key" "${dir[$2]}/$3.key.new"
    install -m 644 "$pki/$1.pem" "${dir[$2]}/$3.crt.new"
    mv "${dir[$2]}/$3.key.new" "${dir[$2]}/$3.key"
    mv "${dir[$2]}/$3.crt.new" "${dir[$2]}/$3.crt"
}
says() { journalctl -q --no-pager -u "weftd@$1" -o cat | grep -c -- "$2"; }
more() { [ "$(says "$1" "$2")" -gt "$3" ]; }
# taken HOST NAME CMD...: after CMD weftd of HOST has taken over something
taken() {
    local h=$1 name=$2 n
    shift 2
    n=$(says "$h" "certificates taken over")
    "$@"
    check "$name" wait_for 20 more "$h" "certificates taken over" "$n"
}
