#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 900
# seconds: 150
# kernels: 6.1 7.2
# Keys that are worn out after 16 records instead of 2^23: bulk both ways, many
# calls, and every case of clients.py go on over one key after the other, with no
# weftd alive; and with OpenSSL at the other end, which renews keys itself and asks
# for it.  t_rekey.py has the records.
. "$(dirname "$(readlink -f "$0")")/lib.sh"
trap e2e_end EXIT
hosts_up h1 h2 h3
start_app server h2 9000 python3 -SE "$E2E/clients.py" server 9000
start_app echo h2 9100 python3 -SE "$E2E/rekey.py" server 9100
weft_install || exit 1
module_load key_records=16 || exit 1
weftd_start h1
weftd_start h2
document h2 s.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: server}
spec: {selectors: [{unit: server.service}]}
---
apiVersion: weft/v1
kind: Workload
metadata: {name: echo}
spec: {selectors: [{unit: echo.service}]}
Y
document h1 s.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: client}
spec: {selectors: [{unit: client.service}, {unit: answerer.service}]}
---
apiVersion: weft/v1
kind: Service
metadata: {name: server}
spec:
  addresses: [10.77.0.2, "fd77::2"]
  ports: [{port: 9000}, {port: 9009}]
  endpoints: [{address: 10.77.0.2}]
  identities: [server]
---
apiVersion: weft/v1
kind: Service
metadata: {name: echo}
spec:
  addresses: [10.77.0.2]
  ports: [{port: 9100}]
  endpoints: [{address: 10.77.0.2}]
  identities: [echo]
---
apiVersion: weft/v1
kind: Service
metadata: {name: foreign}
spec:
  addresses: [10.77.0.3]
  ports: [{port: 4433}]
  endpoints: [{address: 10.77.0.3}]
  identities: [friend]
Y
count() { # HOST tx|rx
    weftctl_in "$1" -j status | jq ".counters.keys_updated_$2"
}
at_least() { # NAME WANTED GOT
    check "$1 ($3)" [ "$3" -ge "$2" ]
}

# --- weft at both ends; the daemons die half way
capture_start "$T/both.pcap" tcp port 9100
run_as_bg client h1 python3 -SE "$E2E/rekey.py" both 10.77.0.2 9100 6000000 600 "$T/go"
check "half of it is through" wait_for 200 grep -qx half "$T/client.out"
for h in h1 h2; do
    systemctl kill -s KILL "weftd@$h"
    systemctl stop "weftd@$h"
done
half=$(count h1 tx)
: >"$T/go"
ended() { ! kill -0 "$JOB"; }
wait_for 200 ended || not_ok "bulk and calls end" "$(in_host h1 ss -tinm 2>&1; in_host h2 ss -tinm)"
contains "bulk both ways and calls arrive whole" "ok " "$(cat "$T/client.out")"
capture_stop
at_least "over many keys of the client's" 50 "$(count h1 tx)"
at_least "of these after the daemons died" 25 $(($(count h1 tx) - half))
at_least "over many keys of the server's" 50 "$(count h2 tx)"
equal "the server followed the client" "$(count h1 tx)" "$(count h2 rx)"
equal "the client followed the server" "$(count h2 tx)" "$(count h1 rx)"
wire_tls "nothing but TLS was on the wire" "$T/both.pcap" 9100
for h in h1 h2; do systemctl start "weftd@$h"; done

# --- sockets are what they were
before=$(($(count h1 tx) + $(count h1 rx)))
wire_netem h1 delay 5ms
run_as client h1 python3 -SE "$E2E/clients.py" client 10.77.0.2 fd77::2 9000 >"$T/out" 2>&1
wire_netem h1
case_results "$T/out" "over changing keys: "
at_least "the cases went over many keys" 30 $(($(count h1 tx) + $(count h1 rx) - before))

# --- OpenSSL at the other end
ca=/var/lib/weft-e2e-ca n=$T/friend
printf '%s\n' basicConstraints=critical,CA:false keyUsage=critical,digitalSignature \
    extendedKeyUsage=serverAuth,clientAuth subjectAltName=URI:spiffe://mesh.local/friend >"$n.ext"
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/" \
    -keyout "$n.key" -out "$n.csr" 2>/dev/null
openssl x509 -req -in "$n.csr" -CA $ca/ca.crt -CAkey $ca/ca.key -set_serial "$RANDOM$RANDOM" \
    -days 9 -extfile "$n.ext" -out "$n.crt" 2>"$n.log" || not_ok "a certificate" "$(cat "$n.log")"

# foreign OPENSSL-ARGUMENT...: openssl in h3, which hears what we say
foreign() {
    rm -f "$T/say" "$T/said"
    mkfifo "$T/say"
    : >"$T/said"
    nsenter --net=/run/netns/h3 openssl "$@" -tls1_3 -cert "$n.crt" -key "$n.key" -CAfile $ca/ca.crt \
        <"$T/say" >"$T/said" 2>&1 &
    _jobs+=($!)
    exec 7>"$T/say"
}
came_back() { grep -qx "$1" "$T/said"; }
said() { # NAME WORD: it comes back
    echo "$2" >&7
    check "$1" wait_for 60 came_back "$2" || note "$(tail -20 "$T/said")"
}
reaches() { [ "$(count "$1" "$2")" = "$3" ]; }
renewals() { # NAME HOST: what it renews itself, asks for, and must follow
    local name=$1 h=$2 rx tx i
    rx=$(count "$h" rx) tx=$(count "$h" tx)
    said "$name is heard" one
    echo k >&7
    check "its KeyUpdate is followed" wait_for 60 reaches "$h" rx $((rx + 1))
    said "$name is heard after it" two
    equal "$name got no answer, as it wished" "$tx" "$(count "$h" tx)"
    echo K >&7
    check "one with a request is followed" wait_for 60 reaches "$h" rx $((rx + 2))
    said "$name is heard after that" three
    equal "$name was answered" $((tx + 1)) "$(count "$h" tx)"
    for i in {1..40}; do
        echo "line $i" >&7
        wait_for 60 came_back "line $i" || break
    done
    said "$name is heard after many lines" four
    at_least "$name followed us" 3 $(($(count "$h" tx) - tx))
}
foreign s_client -connect 10.77.0.2:9100
check "OpenSSL connects" wait_for 60 grep -q 'Verify return code' "$T/said"
renewals "an OpenSSL client" h2
exec 7>&-

foreign s_server -accept 4433 -Verify 1 -num_tickets 2
port_wait h3 4433
APPS+=(answerer)
run_as_bg answerer h1 python3 -SE "$E2E/rekey.py" echo 10.77.0.3 4433
check "OpenSSL is connected to" wait_for 60 grep -q 'CIPHER is' "$T/said"
renewals "an OpenSSL server" h1
exec 7>&-
