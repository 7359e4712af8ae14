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
equal "curl without a mesh" $marker "$(run_as curl h1 curl -sS -m 20 -o /dev/null http://10.77.0.2/ http://10.77.0.2/marker.txt)"
capture_stop
wire_plain "capture shows the plaintext" "$T/plain.pcap" 80 $marker "GET /marker.txt"
refute "plaintext is not taken for TLS" \
    python3 -SE "$E2E/pcap.py" "$T/plain.pcap" --port 80 --want tls
refute "a readable marker is found" \
    python3 -SE "$E2E/pcap.py" "$T/plain.pcap" --port 80 --absent $marker
refute "an empty capture proves nothing" \
    python3 -SE "$E2E/pcap.py" "$T/plain.pcap" --port 81 --want tls
refute "nor that a marker is absent" \
    python3 -SE "$E2E/pcap.py" "$T/plain.pcap" --port 81 --absent $marker
check "what is absent from a whole capture is" \
    python3 -SE "$E2E/pcap.py" "$T/plain.pcap" --port 80 --absent not-$marker
# Without the first of the two requests, "GET / HTTP/1.1".  (Of what is too short to
# be looked at the filter would say no.)
tcpdump -r "$T/plain.pcap" -w "$T/gap.pcap" \
    'not (greater 80 and tcp dst port 80 and tcp[((tcp[12] & 0xf0) >> 2) + 4:4] = 0x2f204854)' \
    2>/dev/null
refute "a gap proves nothing either" \
    python3 -SE "$E2E/pcap.py" "$T/gap.pcap" --port 80 --absent not-$marker
# said BYTES...: of the last bytes of a direction: part of a record, or none?
said() {
    python3 -SE -c 'import sys; sys.path.insert(0, sys.argv[1]); import pcap
print(*(pcap.records(b"\x17\x03\x03\0\1x" + bytes.fromhex(h))[0] is not None for h in sys.argv[2:]))' "$E2E" "$@"
}
equal "the beginnings of a record pass, other bytes do not" "True True True True False False False False" \
    "$(said 17 1703 170303 17030341 00 1702 160305 17030342)"

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
