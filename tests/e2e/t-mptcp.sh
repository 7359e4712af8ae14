#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 600
# seconds: 90
# MPTCP cannot carry kTLS.  A listener that offers it (as Go's do) serves mesh
# clients, which speak plain TCP; real MPTCP peers are refused, and a program that
# insists on MPTCP towards a mesh service does not get there in plaintext.
. "$(dirname "$(readlink -f "$0")")/lib.sh"
trap e2e_end EXIT
hosts_up h1 h2
for h in h1 h2; do
    check "$h: this kernel has MPTCP" in_host $h sysctl -qw net.mptcp.enabled=1 || exit 1
done
marker=teal-$RANDOM$RANDOM

counter() { weftctl_in "$1" -j status | jq -r ".counters.$2"; }
# How a plain socket's reading ends: data, or the end, or an error's name.
reads='def end(s):
    try:
        return s.recv(1000).decode() or "EOF"
    except OSError as e:
        return name_of(e)'
define() { tell "$1" "exec('''${reads//$'\n'/\\n}''')"; }

# server: accepts, echoes one message, notes what it saw.
puppet server h2
equal "server's functions" ok "$(define server)"
server_loop='def loop(l, seen):
    while True:
        try:
            c, _ = l.accept()
        except OSError as e:
            seen.append(name_of(e))
            if l.fileno() < 0: return
            continue
        seen.append("accepted")
        threading.Thread(target=one, args=(c, seen), daemon=True).start()
def one(c, seen):
    with c:
        got = end(c)
        seen.append(got)
        try:
            c.sendall(got.encode())
        except OSError:
            pass'
equal "server's loop" ok "$(tell server "exec('''${server_loop//$'\n'/\\n}''')")"
listen() { # NAME PORT PROTOCOL [FAMILY]
    tell server "$1 = socket.socket(socket.${4:-AF_INET}, socket.SOCK_STREAM, $3)"
    tell server "$1.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)"
    tell server "$1.bind((\"\", $2)) or $1.listen(64)"
    tell server "$1_seen = []"
    tell server "threading.Thread(target=loop, args=($1, $1_seen), daemon=True).start()"
}
seen() { tell server "' '.join($1_seen)"; }
forget() { tell server "$1_seen.clear()" >/dev/null; }

# --- without weft it works, so that what follows means something
equal "an MPTCP listener of before" "ok ok ok ok ok" "$(listen old 9000 262 | xargs)"
puppet foreign h1
define foreign >/dev/null
equal "without weft MPTCP connects" ok \
    "$(tell foreign 'm = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262); m.settimeout(60); m.connect(("10.77.0.2", 9000))')"
mptcp_is_real() { in_host h1 nstat -asz MPTcpExtMPCapableSYNACKRX | awk '$1 == "MPTcpExtMPCapableSYNACKRX" {n = $2} END {exit n < 1}'; }
check "and it is real MPTCP" mptcp_is_real
equal "and echoes" "$marker" "$(tell foreign "m.sendall(b'$marker') or end(m)")"
tell foreign "m.close()" >/dev/null

weft_install || exit 1
module_load || exit 1
weftd_start h1
weftd_start h2
document h2 server.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: server}
spec:
  selectors: [{unit: server.service}]
  ports: [{port: 9003, mode: DISABLED}]
Y
document h1 client.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: client}
spec: {selectors: [{unit: client.service}]}
---
apiVersion: weft/v1
kind: Service
metadata: {name: server}
spec:
  addresses: [10.77.0.2, "fd77::2"]
  ports: [{port: 9000}, {port: 9001}, {port: 9002}]
  endpoints: [{address: 10.77.0.2}]
Y
marked() { [ "$(weftctl_in h2 -j status | jq -r .covered)" = "$1" ]; }
check "the listener of before is marked" wait_for 30 marked 1
equal "an MPTCP listener of now" "ok ok ok ok ok" "$(listen new 9001 262 | xargs)"
equal "and one for both address families" "ok ok ok ok ok" "$(listen six 9002 262 AF_INET6 | xargs)"
equal "all three are marked" 3 "$(weftctl_in h2 -j status | jq -r .covered)"

# --- mesh clients
puppet client h1
define client >/dev/null
capture_start "$T/m.pcap" tcp portrange 9000-9002
for p in 9000 9001 9002; do
    equal "a plain TCP client reaches the MPTCP listener ($p)" "$marker" \
        "$(tell client "exec('s = socket.create_connection((\"10.77.0.2\", $p), 60)') or s.sendall(b'$marker') or end(s)")"
    contains "as the workload it is ($p)" spiffe://mesh.local/client \
        "$(conns h2 "select(.state == \"live\" or .reason == \"closed\") | select(.local == \"10.77.0.2:$p\")")"
    tell client "s.close()" >/dev/null
done
capture_stop
for p in 9000 9001 9002; do
    wire_tls "only TLS 1.3 at port $p" "$T/m.pcap" $p "$marker"
done

# --- an MPTCP client outside the mesh (a workload of none, straight from h2)
forget old
forget new
puppet inside h2
define inside >/dev/null
mptcp_connect="exec('m = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262); m.settimeout(60); m.connect((\"10.77.0.2\", %d))')"
for p in 9000:old 9001:new; do
    # shellcheck disable=SC2059
    got=$(tell inside "$(printf "$mptcp_connect" "${p%:*}")")
    [ "$got" != ok ] && [ "$got" != None ] || got=$(tell inside "m.sendall(b'$marker') or end(m)")
    case $got in
    EOF | ECONNRESET | EPIPE | ECONNREFUSED) ok "real MPTCP is refused ($p: $got)" ;;
    *) not_ok "real MPTCP is refused ($p)" "$got" ;;
    esac
    tell inside "m.close()" >/dev/null
    case $(seen "${p#*:}") in
    *accepted* | *"$marker"*) not_ok "the application sees nothing of it ($p)" "$(seen "${p#*:}")" ;;
    *) ok "the application sees nothing of it ($p: $(seen "${p#*:}"))" ;;
    esac
    equal "and serves on ($p)" "$marker" \
        "$(tell client "exec('s = socket.create_connection((\"10.77.0.2\", ${p%:*}), 60)') or s.sendall(b'$marker') or end(s)")"
    tell client "s.close()" >/dev/null
done
equal "an exempted port takes MPTCP as before" "ok ok ok ok ok" "$(listen free 9003 262 | xargs)"
# shellcheck disable=SC2059
tell inside "$(printf "$mptcp_connect" 9003)" >/dev/null
equal "and real MPTCP works there" "$marker" "$(tell inside "m.sendall(b'$marker') or end(m)")"

# --- an MPTCP client in the mesh: not in plaintext, not at all
before=$(counter h1 slipped)
capture_start "$T/c.pcap" tcp port 9000
# shellcheck disable=SC2059
equal "a workload's MPTCP socket is refused" ECONNREFUSED "$(tell client "$(printf "$mptcp_connect" 9000)")"
equal "non-blocking, too" ECONNREFUSED "$(tell client "exec('n = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262); n.setblocking(False); r = n.connect_ex((\"10.77.0.2\", 9000)); p = select.poll(); p.register(n, select.POLLOUT); r = (p.poll(60000) and n.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)) if r == errno.EINPROGRESS else r') or errno.errorcode.get(r, r)")"
capture_stop
check "it is counted" [ "$(counter h1 slipped)" -gt "$before" ]
equal "and no SYN of it left the host" 0 "$(tcpdump -r "$T/c.pcap" 2>/dev/null | wc -l)"
