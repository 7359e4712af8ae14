#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The two hosts without a mesh, and that the capture's judge can say no: what the
# other tests rest on.
. "$(dirname "$(readlink -f "$0")")/lib.sh"
trap e2e_end EXIT
hosts_up h1 h2

check "h1 reaches h2 over IPv4" in_host h1 ping -c1 -W5 10.77.0.2
check "h2 reaches h1 over IPv6" in_host h2 ping -c1 -W5 fd77::1

unit_in h2 nginx
systemctl start nginx
port_wait h2 80
marker=wool-and-linen-$RANDOM
echo $marker >/var/www/html/marker.txt
capture_start "$T/plain.pcap"
equal "curl without a mesh" $marker "$(run_as curl h1 curl -sS -m 20 http://10.77.0.2/marker.txt)"
capture_stop
wire_plain "capture shows the plaintext" "$T/plain.pcap" 80 $marker "GET /marker.txt"
refute "plaintext is not taken for TLS" \
    python3 -SE "$E2E/pcap.py" "$T/plain.pcap" --port 80 --want tls
refute "a readable marker is found" \
    python3 -SE "$E2E/pcap.py" "$T/plain.pcap" --port 80 --absent $marker
refute "an empty capture proves nothing" \
    python3 -SE "$E2E/pcap.py" "$T/plain.pcap" --port 81 --want tls

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/key.pem" \
    -out "$T/cert.pem" -subj /CN=h2 -days 1 2>/dev/null
start_app tls h2 4433 openssl s_server -accept 4433 -key "$T/key.pem" -cert "$T/cert.pem" -www -num_tickets 0
for v in 1.3 1.2; do
    capture_start "$T/tls$v.pcap"
    run_as client h1 curl -sSk -m 20 --tls-max $v https://10.77.0.2:4433/ -o /dev/null
    capture_stop
done
check "TLS 1.3 is taken for TLS 1.3" python3 -SE "$E2E/pcap.py" "$T/tls1.3.pcap" --port 4433 --want tls
refute "TLS 1.2 is not" python3 -SE "$E2E/pcap.py" "$T/tls1.2.pcap" --port 4433 --want tls

equal "a client's status arrives" 7 "$(run_as false h1 sh -c 'exit 7'; echo $?)"
check "a unit's journal is found" wait_for 20 journal_has -u nginx
