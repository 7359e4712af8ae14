#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 1500
# seconds: 500
# kernels: 6.12
# Loading, unloading, namespaces that go, policies that change under load, and
# sockets that are older than the module or outlive its configuration.
. "$(dirname "$(readlink -f "$0")")/lib.sh"
trap e2e_end EXIT
hosts_up h1 h2 h3 h4
size=$((20000000 / PATIENCE))
head -c $size /dev/urandom >/var/www/html/big
sum=$(sha256sum </var/www/html/big)
unit_in h2 nginx
systemctl start nginx
port_wait h2 80
start_app storm h2 9000 python3 -SE "$E2E/storm.py" server 9000
start_app unmeshed h2 9001 python3 -SE "$E2E/storm.py" server 9001

stat_of() { weftctl_in "$1" -j status | jq -r ".$2"; }
stat_is() { [ "$(stat_of "$1" "$2")" = "$3" ]; }
balanced() { [ "$(stat_of "$1" 'counters | .conns_created - .conns_destroyed')" = 0 ]; }
# The handshake of a child begins when it is accepted, and connect() waits for it:
# so somebody must be in accept().
accepting() { # UNIT: its listener l takes a child
    tell "$1" "exec('got = []; waiter = threading.Thread(target=lambda: got.append(l.accept()[0])); waiter.start()')"
}
accepted() { # UNIT VARIABLE: it is there, and is VARIABLE
    tell "$1" "exec('waiter.join(60); $2 = got[0]; $2.settimeout(60)')"
}
echoes() { # UNIT VARIABLE TEXT: TEXT comes back over the socket
    tell "$1" "$2.sendall(b'$3') or $2.recv(1000)"
}

# --- module parameters
weft_install || exit 1
modprobe tls
check "a handshake_timeout is taken" insmod "$MODULE" handshake_timeout=12345
equal "and shown" 12345 "$(cat /sys/module/weft/parameters/handshake_timeout)"
equal "the version is the tools'" "$(weftctl -V 2>/dev/null | grep -o '[0-9.]*' | head -1)" "$(cat /sys/module/weft/version)"
rmmod weft
refute "no handshake_timeout that is not a number" insmod "$MODULE" handshake_timeout=soon
refute "no negative one" insmod "$MODULE" handshake_timeout=-1
check "the self-tests run at load" insmod "$MODULE" selftest=1
rmmod weft

# --- again and again, under a plain download and plain connects
times=$(scaled 10)
: >"$T/plain"
run_as_bg reader h1 curl -sS -m $(((9 * times + 300) * PATIENCE)) --limit-rate $((size / times + 100000)) -o "$T/plain" http://10.77.0.2/big
reader=$JOB
run_as_bg plain h1 python3 -SE "$E2E/storm.py" client 10.77.0.2 9000 3 "$T/stop-plain"
plain=$JOB
running() { [ -s "$T/plain" ]; }
check "the download runs" wait_for 60 running
reload() {
    for _ in $(seq "$times"); do
        # A connect() that is under way holds it for an instant.
        insmod "$MODULE" && wait_for 20 rmmod weft || return 1
    done
}
check "it loads and unloads $times times" reload
touch "$T/stop-plain"
wait "$plain"
result=$(tail -1 "$T/plain.out")
note "connects meanwhile: $result"
equal "no connect() of others failed meanwhile" "true {} {} [] 0" \
    "$(jq -r '"\(.done > 0) \(.connect) \(.io) \(.wrong) \(.stuck)"' <<<"$result")"
check "the download went through" wait "$reader" ||
    note "$(stat -c %s "$T/plain") bytes; $(cat "$T/reader.out"); nginx: $(tail -n 3 /var/log/nginx/error.log 2>&1)"
equal "as it was" "$sum" "$(sha256sum <"$T/plain")"

# --- sockets from before the module
puppet old h1
equal "sockets of before" "ok ok ok" \
    "$(tell old 'a, b, c = socket.socket(), socket.socket(socket.AF_INET6), socket.create_connection(("10.77.0.2", 9001), 60)') $(tell old 'a.settimeout(60) or b.settimeout(60)') $(tell old 'd = socket.socket()')"
equal "one of them is bound" ok "$(tell old 'a.bind(("10.77.0.1", 0))')"
equal "one listens" ok "$(tell old 'd.bind(("10.77.0.1", 7000)) or d.listen()')"
puppet older h2
equal "a listener of before" ok "$(tell older "exec('l = socket.socket(); l.bind((\"10.77.0.2\", 7001)); l.listen()')")"

module_load || exit 1
weftd_start h1
weftd_start h2
server_documents() { # MODE
    cat <<Y
apiVersion: weft/v1
kind: Workload
metadata: {name: storm}
spec: {selectors: [{unit: storm.service}], mode: $1}
---
apiVersion: weft/v1
kind: Workload
metadata: {name: older}
spec: {selectors: [{unit: older.service}]}
---
apiVersion: weft/v1
kind: Workload
metadata: {name: web}
spec: {selectors: [{unit: nginx.service}]}
Y
}
server_documents STRICT | document h2 servers.yaml
client_documents() {
    cat <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: client}
spec:
  selectors: [{unit: client.service}, {unit: old.service}, {unit: young.service},
              {unit: flood.service}]
---
apiVersion: weft/v1
kind: Service
metadata: {name: storm}
spec: {addresses: [10.77.0.2, 240.0.0.9], ports: [{port: 9000}], endpoints: [{address: 10.77.0.2}]}
---
apiVersion: weft/v1
kind: Service
metadata: {name: older}
spec: {addresses: [10.77.0.2], ports: [{port: 7001}], endpoints: [{address: 10.77.0.2}]}
Y
}
client_documents | document h1 client.yaml
three() { [ "$(stat_of h2 covered)" -ge 3 ]; }
check "listeners of before are covered" wait_for 30 three

lives() { conns h1 'select(.state == "live" and .workload == "client")' | wc -l; }
equal "a socket of before connects in the mesh" ok "$(tell old 'a.connect(("10.77.0.2", 9000))')"
equal "and echoes" abc "$(echoes old a abc)"
equal "an IPv6 one, to a virtual address" ok "$(tell old 'b.connect(("::ffff:240.0.0.9", 9000))')"
equal "and echoes" def "$(echoes old b def)"
equal "both are TLS" 2 "$(lives)"
equal "a connection of before stays what it was" ghi "$(echoes old c ghi)"
accepting older >/dev/null
equal "a socket of now connects to a listener of before" ok \
    "$(tell old 'e = socket.create_connection(("10.77.0.2", 7001), 60)')"
equal "which accepts it in the mesh" ok "$(accepted older s)"
equal "what it reads came by TLS" "jkl" "$(tell old "e.sendall(b'jkl')" >/dev/null; tell older "s.recv(100)")"
contains "its peer is known" spiffe://mesh.local/client "$(conns h2 'select(.workload == "older") | .peer_identity')"

# --- unloading is refused while they live
refute "with live connections it does not unload" rmmod weft
contains "which the kernel says" "in use" "$(rmmod weft 2>&1)"
equal "and they live on" mno "$(echoes old a mno)"

# --- configuration goes, they stay
puppet young h1
equal "sockets made under weft" ok "$(tell young "exec('a, b, c = socket.socket(), socket.socket(), socket.socket(); [x.settimeout(60) for x in (a, b, c)]')")"
tell young 'c.connect(("10.77.0.2", 9000))' >/dev/null
equal "one of them is live" pqr "$(echoes young c pqr)"
document_gone h1 client.yaml
document_gone h2 servers.yaml
equal "without configuration a live connection goes on" stu "$(echoes young c stu)"
before=$(stat_of h1 conns)
equal "a socket made under weft connects as if it were not there" ok "$(tell young 'a.connect(("10.77.0.2", 9001))')"
equal "and echoes" vwx "$(echoes young a vwx)"
equal "it is no connection of weft's" "$before" "$(stat_of h1 conns)"
systemctl stop weftd@h1 weftd@h2
equal "without daemons a live connection goes on" yza "$(echoes young c yza)"
equal "one more socket made under weft listens" ok "$(tell young 'b.bind(("10.77.0.1", 7002)) or b.listen()')"
equal "and accepts plain connections" "ok hey" "$(tell older "exec('t = socket.create_connection((\"10.77.0.1\", 7002), 60); t.sendall(b\"hey\")')") $(tell young "exec('f, _ = b.accept()') or f.recv(100)")"
equal "its connections close" "ok ok ok ok" "$(tell young "exec('[x.close() for x in (a, b, c, f)]')") $(tell old "exec('[x.close() for x in (a, b, e)]')") $(tell older "exec('t.close(); s.close(); l.close()')") $(tell old 'd.close()')"
systemctl stop storm nginx
for h in h1 h2; do
    check "$h: every connection created is destroyed" wait_for 90 balanced $h
done
check "now it unloads" wait_for 90 rmmod weft
equal "a connection of before the module has outlived it" bcd "$(echoes old c bcd)"
tell old 'c.close()' >/dev/null

# --- policies flip under load
start_app storm h2 9000 python3 -SE "$E2E/storm.py" server 9000
module_load || exit 1
weftd_start h1
weftd_start h2
server_documents STRICT | document h2 servers.yaml
client_documents | document h1 client.yaml
policy() { # ALLOW | DENY
    cat <<Y
apiVersion: weft/v1
kind: AuthorizationPolicy
metadata: {name: flip}
spec: {action: $1, workload: storm, rules: [{from: {identities: ["spiffe://mesh.local/client"]}}]}
Y
}
policy ALLOW | document h2 flip.yaml
run_as_bg flood h1 python3 -SE "$E2E/storm.py" client 10.77.0.2 9000 6 "$T/stop-flood"
flood=$JOB
some() { [ "$(stat_of h1 counters.live)" -gt 20 ]; }
check "clients connect" wait_for 60 some
flips=0 wanted=$(scaled 12)
for i in $(seq "$wanted"); do
    case $((i % 4)) in
    0) server_documents STRICT | document h2 servers.yaml ;;
    1) policy DENY | document h2 flip.yaml ;;
    2) server_documents PERMISSIVE | document h2 servers.yaml ;;
    3) policy ALLOW | document h2 flip.yaml ;;
    esac && flips=$((flips + 1))
done
equal "$wanted documents came into force under load" "$wanted" $flips
policy ALLOW | document h2 flip.yaml
before=$(stat_of h1 counters.live)
more() { [ "$(stat_of h1 counters.live)" -gt $((before + 20)) ]; }
check "and connections still come through" wait_for 60 more
touch "$T/stop-flood"
wait "$flood"
result=$(tail -1 "$T/flood.out")
note "clients: $result"
say() { jq -r "$1" <<<"$result"; }
check "some were denied meanwhile" [ "$(say '.connect.EACCES // 0')" -gt 0 ]
equal "no connect() failed otherwise, none hangs" '["EACCES"] [] 0' "$(say '"\(.connect | keys) \(.wrong) \(.stuck)"')"
# Accepted under one generation, denied under the next before it was live. A reset
# socket answers recv() with ECONNRESET, send() with EPIPE, shutdown() with
# ENOTCONN, as plain TCP's does.
equal "and what was connected was reset at most" "[]" "$(say '.io | keys - ["ECONNRESET", "EPIPE", "ENOTCONN"] | tostring')"
for h in h1 h2; do
    check "$h: every connection created is destroyed after that" wait_for 90 balanced $h
done

# --- a namespace goes, with all that is in it
puppet inside h3
puppet outside h4
weftd_start h3
weftd_start h4
document h3 all.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: inside}
spec: {selectors: [{unit: inside.service}]}
---
apiVersion: weft/v1
kind: Service
metadata: {name: outside}
spec: {addresses: [10.77.0.4], ports: [{port: 7004}], endpoints: [{address: 10.77.0.4}]}
Y
document h4 all.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: outside}
spec: {selectors: [{unit: outside.service}]}
---
apiVersion: weft/v1
kind: Service
metadata: {name: inside}
spec: {addresses: [10.77.0.3], ports: [{port: 7003}], endpoints: [{address: 10.77.0.3}]}
Y
equal "h3 listens" ok "$(tell inside "exec('l = socket.socket(); l.bind((\"\", 7003)); l.listen()')")"
equal "h4 listens" ok "$(tell outside "exec('l = socket.socket(); l.bind((\"\", 7004)); l.listen()')")"
accepting inside >/dev/null
accepting outside >/dev/null
tell outside 's = socket.create_connection(("10.77.0.3", 7003), 60)' >/dev/null
tell inside 't = socket.create_connection(("10.77.0.4", 7004), 60)' >/dev/null
accepted inside a >/dev/null
accepted outside a >/dev/null
equal "connections both ways live" "one two" "$(tell outside "s.sendall(b'one')" >/dev/null; tell inside "a.recv(10)") $(tell inside "t.sendall(b'two')" >/dev/null; tell outside "a.recv(10)")"
exists() { ip -n wire link show h3; } # its cable's other end goes with it
check "the namespace is there" exists
ip netns del h3
equal "its name is gone, its connections are not" "three" "$(tell outside "s.sendall(b'three')" >/dev/null; tell inside "a.recv(10)")"
systemctl kill -s KILL inside
systemctl kill -s KILL weftd@h3
systemctl stop weftd@h3 inside
gone() { ! exists; }
check "with its last process it goes" wait_for 90 gone
for v in s a; do
    case $(tell outside "$v.recv(10) or 'EOF'") in
    EOF | ECONNRESET) ok "and the other side's connection ends ($v)" ;;
    *) not_ok "and the other side's connection ends ($v)" ;;
    esac
done
tell outside "exec('s.close(); a.close(); l.close()')" >/dev/null
check "h4: every connection created is destroyed" wait_for 120 balanced h4
