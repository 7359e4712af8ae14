#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# weftctl: every object by hand without any daemon, JSON that parses, what it says
# and how it exits when something is wrong; then connections: monitor, explain,
# conn del.
# timeout: 400
# kernels: 6.12
# debug: no
. "$(dirname "$(readlink -f "$0")")/lib.sh"
trap e2e_end EXIT
hosts_up h1 h2
weft_install || exit 1
w() { weftctl_in h1 "$@"; }

# exits NAME STATUS MESSAGE ARGUMENT...: one line on stderr with MESSAGE in it, nothing on stdout
exits() {
    local name=$1 status=$2 message=$3 rc=0
    shift 3
    w "$@" >"$T/stdout" 2>"$T/stderr" || rc=$?
    equal "$name: status" "$status" "$rc"
    contains "$name: message" "$message" "$(cat "$T/stderr")"
    equal "$name: one line on stderr, none on stdout" "1 0" "$(wc -l <"$T/stderr") $(wc -l <"$T/stdout")"
}
shows() { # NAME WANTED JQ-FILTER ARGUMENT...: of the JSON
    local name=$1 wanted=$2 filter=$3
    shift 3
    equal "$name" "$wanted" "$(w -j "$@" 2>&1 | jq -c "$filter" 2>&1)"
}

# --- without the module
exits "no module" 1 "weftctl: the weft module is not loaded in this kernel (modprobe weft)" status
exits "no module, another object" 1 "the weft module is not loaded" service show
exits "usage comes first" 2 "service: which one? A name is needed" service add
check "weftctl's own version needs none" grep -qE '^weftctl [0-9]+\.[0-9]+' <(w -V)

module_load || exit 1
# --- status
shows "status names the module's release and interface" \
    "[\"$(cat /sys/module/weft/version)\",1,0,0]" \
    '[.module, .abi, .generation, .workers]' status
contains "status tells that nothing is configured" "nothing is configured" "$(w status)"
equal "no words: status" "$(w status)" "$(w)"

# --- workloads
check "workload add" w workload add web identity spiffe://mesh.local/web unit nginx.service or uid 33 exe /usr/sbin/nginx \
    mode permissive port 80:strict
shows "workload show has all of it" \
    '["web","spiffe://mesh.local/web","static","permissive",[80,"strict"],["nginx.service",null,33,"/usr/sbin/nginx"]]' \
    '.[0] | [.name, .identity, .owner, .mode, (.ports[0] | [.port, .mode]),
        [.selectors[0].unit, .selectors[1].unit, .selectors[1].uid, .selectors[1].exe]]' \
    workload show
exits "workload add again" 1 web workload add web identity spiffe://mesh.local/web uid 1
check "workload replace" w workload replace web identity spiffe://mesh.local/web2 uid 1
shows "replaced" '["spiffe://mesh.local/web2","strict",0]' '.[0] | [.identity, .mode, (.ports | length)]' workload show web
exits "workload without selector" 2 "a selector is needed (unit, cgroup, container, uid, gid, exe)" workload add x identity spiffe://mesh.local/x
exits "workload with a wrong identity" 2 'identity "web"' workload add x identity web uid 1
exits "workload with a wrong mode" 2 "mode" workload add x identity spiffe://mesh.local/x uid 1 mode tight
exits "workload del of none" 1 none workload del none

# --- services and endpoints
check "service add" w service add shop address 240.0.0.1 address fd00:240::1 port 80:8080 port 443 \
    identity 'spiffe://mesh.local/shop/*' connect-timeout 1500ms
shows "service show has all of it" \
    '["shop","static",["240.0.0.1","fd00:240::1"],[[80,8080],[443,443]],["spiffe://mesh.local/shop/*"],1500]' \
    '.[0] | [.name, .owner, .addresses, [.ports[] | [.port, .target]], .identities,
        .connect_timeout_ms]' service show
check "endpoint add" w endpoint add service shop address 10.77.0.2 weight 3
check "endpoint add of IPv6 with a port" w endpoint add service shop address '[fd77::2]:8081'
shows "endpoint show has both" '[["shop","10.77.0.2",3,0,0,0],["shop","[fd77::2]:8081",1,0,0,0]]' \
    'sort_by(.address) | map([.service, .address, .weight, .active, .attempts, .failures])' \
    endpoint show service shop
exits "endpoint add again" 1 shop endpoint add service shop address 10.77.0.2
check "endpoint replace" w endpoint replace service shop address 10.77.0.2 weight 7
shows "replaced" '[7]' 'map(select(.address == "10.77.0.2").weight)' endpoint show
exits "endpoint of no service" 1 none endpoint add service none address 10.77.0.2
exits "endpoint with weight 0" 2 "weight" endpoint add service shop address 10.77.0.3 weight 0
exits "service with port 0" 2 "port" service add x address 240.0.0.2 port 0
exits "service at an address that is taken" 1 240.0.0.1 service add thief address 240.0.0.1 port 80
check "service replace" w service replace shop address 240.0.0.1 port 80
shows "replaced, its endpoints stay" '[1,2]' '[(.[0].ports | length), .[0].endpoints]' service show
check "endpoint del" w endpoint del service shop address 10.77.0.2
exits "endpoint del again" 1 shop endpoint del service shop address 10.77.0.2

# --- policies
check "policy add" w policy add gate action allow workload web from 'spiffe://mesh.local/shop/*' port 80 or any
shows "policy show has all of it" '["gate","static","allow","web",[[["spiffe://mesh.local/shop/*"],[80]],[[],[]]]]' \
    '.[0] | [.name, .owner, .action, .workload, [.rules[] | [.identities, .ports]]]' policy show
exits "policy add again" 1 gate policy add gate action deny any
check "policy replace" w policy replace gate action deny any
shows "replaced" '["deny",null]' '.[0] | [.action, .workload]' policy show gate
exits "policy with a wrong action" 2 action policy add x action perhaps any

# --- the whole
shows "status counts them" '[1,1,1,1]' '[.workloads, .services, .endpoints, .policies]' status
contains "and says that a daemon is missing" "no daemon takes handshakes" "$(w status)"
for o in status workload service endpoint policy conn; do
    check "JSON of $o parses" eval "w -j $o | jq -e 'type == \"array\" or type == \"object\"'"
    check "text of $o is there" eval "w $o | grep -q . || [ $o = conn ]"
done
exits "an object that is none" 2 '"wokload"' wokload show
exits "a verb that is none" 2 '"shew"' workload shew
exits "an option that is none" 2 '"-x"' -x
exits "one word too many" 2 '"more"' status more
exits "a connection that is none" 1 "999999" explain 999999
exits "a number that is none" 2 '"seven"' conn del seven
for o in workload/web service/shop policy/gate; do
    check "${o%/*} del" w "${o%/*}" del "${o#*/}"
    exits "${o%/*} show of what is gone" 1 "${o#*/}" "${o%/*}" show "${o#*/}"
done
shows "nothing is left" '[0,0,0,0]' '[.workloads, .services, .endpoints, .policies]' status
contains "help comes to stdout when asked for" "service" "$(w -h 2>/dev/null)"

# --- without privilege
plain() { ip netns exec h1 setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set -all weftctl "$@"; }
check "anybody may ask for the status" plain status
refute "but not for connections" plain conn show
contains "and is told what it takes" "CAP_NET_ADMIN" "$(plain conn show 2>&1)"
refute "nor add anything" plain service add x address 240.0.0.2 port 80
refute "nor listen to events" plain monitor

# --- connections: static objects alone, daemons for the handshakes
start_app tellers h2 9001 python3 -SE "$E2E/dial.py" server tell:9001
start_app spare h2 9002 python3 -SE "$E2E/dial.py" server tell:9002
weftd_start h1
weftd_start h2
ip netns exec h1 weftctl monitor >"$T/events" 2>&1 &
_jobs+=($!)
ip netns exec h1 weftctl -j monitor >"$T/events.json" 2>&1 &
_jobs+=($!)
both() { # each has told of a generation of its own: they listen
    w workload replace probe identity spiffe://mesh.local/probe unit probe.service
    grep -q generation "$T/events" && grep -q generation "$T/events.json"
}
check "monitor tells of generations" wait_for 20 both
weftctl_in h2 workload add tellers identity spiffe://mesh.local/tellers unit tellers.service
w workload add client identity spiffe://mesh.local/client unit client.service
w service add tell address 240.0.0.9 port 9001
w endpoint add service tell address 10.77.0.2
mkfifo "$T/keep"
systemd-run -q --collect --wait --pipe --unit=client -p NetworkNamespacePath=/run/netns/h1 \
    python3 -SE "$E2E/dial.py" keep 240.0.0.9 9001 <"$T/keep" >"$T/keep.out" 2>&1 &
keeper=$!
_jobs+=("$keeper")
exec 7>"$T/keep"
kept() { [ "$(wc -l <"$T/keep.out")" -ge "$1" ]; }
check "a connection through static objects" wait_for 60 kept 1
id=$(conns h1 'select(.state == "live") | .id')
shows "conn show tells who is connected to whom" \
    '["client","live","spiffe://mesh.local/client","spiffe://mesh.local/tellers","240.0.0.9:9001","10.77.0.2:9001","tell"]' \
    '[.role, .state, .identity, .peer_identity, .asked, .remote, .service]' conn show "$id"
text=$(w explain "$id")
contains "explain tells where it went" 'connect() to 240.0.0.9:9001, which is service "tell"' "$text"
check "explain tells the peer" \
    grep -Eq "proved to be spiffe://mesh.local/tellers, certificate [0-9a-f]{32}; TLS 1.3, TLS_" <<<"$text"
contains "explain tells the process" "/client.service, workload \"client\", identity spiffe://mesh.local/client" "$text"
shows "explain as JSON has story and fields" "[$id,true]" '[.conn.id, (.story.what | length > 0)]' explain "$id"
shows "endpoint show counts it" '[1,1,0]' '.[0] | [.active, .attempts, .failures]' endpoint show service tell
live() { jq -se 'any(.[]; .event == "conn-live" and .conn.peer_identity == "spiffe://mesh.local/tellers")' "$T/events.json"; }
check "monitor tells of it" wait_for 20 grep -q "conn-live conn $id client .* peer spiffe://mesh.local/tellers" "$T/events"
check "each line of its JSON parses" wait_for 20 live
check "conn del" w conn del "$id"
echo anybody >&7
check "the application's next call fails" wait_for 20 kept 2
equal "as on any connection that was reset" ECONNRESET "$(sed -n 2p "$T/keep.out")"
exec 7>&-
wait "$keeper"
shows "the record says who did it" '["dead","admin"]' '[.state, .reason]' conn show "$id"
contains "explain as well" "admin" "$(w explain "$id")"
check "monitor tells of its end" wait_for 20 grep -q "conn-closed conn $id .* reason admin" "$T/events"
peer_reset() { journalctl -q --no-pager -u tellers -o cat | grep -q 'end ECONNRESET'; }
check "the server is told by a reset" wait_for 20 peer_reset
exits "conn del of what is over" 1 "$id" conn del "$id"

# --- beside the daemon's objects
document h1 s.yaml <<'Y'
apiVersion: weft/v1
kind: Service
metadata: {name: tell}
spec:
  addresses: [240.0.0.9]
  ports: [{port: 9001}]
  endpoints: [{address: 10.77.0.99}]
---
apiVersion: weft/v1
kind: Service
metadata: {name: written}
spec:
  addresses: [240.0.0.10]
  ports: [{port: 9001}]
  endpoints: [{address: 10.77.0.2}]
Y
shows "a static object hides the daemon's of that name" '[["tell","static"],["written","daemon"]]' \
    'map([.name, .owner]) | sort' service show
shows "and status counts what is hidden" 'true' '.shadowed > 0' status
exits "the daemon's objects are not deleted by hand" 1 daemon service del written
check "the static one is" w service del tell
shows "and the daemon's appears" '[["tell","daemon"],["written","daemon"]]' 'map([.name, .owner]) | sort' service show
shows "with its endpoint" '["10.77.0.99"]' 'map(.address)' endpoint show service tell
