#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
# seconds: 30
# A peer that is never heard of again: TCP_USER_TIMEOUT and keepalive end a meshed
# connection as they end a plain one, and nothing of it is left.
. "$(dirname "$(readlink -f "$0")")/lib.sh"
e2e_begin
start_app server h2 9001 python3 -SE "$E2E/dial.py" server echo:9001
start_app plain h2 9010 python3 -SE "$E2E/dial.py" server echo:9010
document h2 s.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: server}
spec: {selectors: [{unit: server.service}]}
Y
document h1 c.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: client}
spec: {selectors: [{unit: client.service}]}
---
apiVersion: weft/v1
kind: Service
metadata: {name: server}
spec: {addresses: [10.77.0.2], ports: [{port: 9001}], endpoints: [{address: 10.77.0.2}]}
Y
puppet client h1
said=$(program <<'P'
def dial(port):
    s = socket.create_connection(("10.77.0.2", port), 60)
    s.settimeout(None)
    s.sendall(b"hello")
    assert s.recv(5, socket.MSG_WAITALL) == b"hello"
    return s


def patient(port):
    s = dial(port)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 4000)
    return s


def asking(port):
    s = dial(port)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option in socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL:
        s.setsockopt(socket.IPPROTO_TCP, option, 1)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4)
    return s


def end(s, name):
    """What a call that waits comes to, then SO_ERROR, one more read and poll()."""
    words = []
    for call in (lambda: s.recv(1), lambda: s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR),
                 lambda: s.recv(1)):
        try:
            words.append(str(call()))
        except OSError as e:
            words.append(name_of(e))
    p = select.poll()
    p.register(s, select.POLLIN | select.POLLOUT)
    words.append(str(p.poll(0)[0][1]))
    ends[name] = " ".join(words)


ends, socks = {}, {f"{f.__name__} {p}": f(p) for f in (patient, asking) for p in (9001, 9010)}
threads = [threading.Thread(target=end, args=(s, n)) for n, s in socks.items()]


def fall_silent():
    for t in threads:
        t.start()
    for n, s in socks.items():
        if n.startswith("patient"):
            s.sendall(b"lost")
P
)
equal "connections" ok "$(tell client "$said")"
equal "two of them are meshed" 2 "$(conns h1 'select(.state == "live") | .id' | wc -l)"
wire_netem h1 loss 100%
equal "their peer is silent" ok "$(tell client 'fall_silent()')"
equal "each ends" ok "$(tell client 'exec("for t in threads: t.join(100)")')"
for kind in patient asking; do
    plain=$(tell client "ends.get('$kind 9010', 'never')")
    contains "$kind: plain TCP says that time is over" ETIMEDOUT "$plain"
    equal "$kind: so does weft, and no more" "$plain" "$(tell client "ends.get('$kind 9001', 'never')")"
done
tell client 'exec("for s in socks.values(): s.close()")' >/dev/null
no_conns h1 30
wire_netem h1
no_conns h2 120
