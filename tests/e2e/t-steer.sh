#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Where a connect() goes and what it says: virtual addresses of both families,
# weights, failover inside one connect(), the errno when nothing is left, the
# non-blocking form; without NAT, connection tracking or rules, and without a
# trace on what is not meshed.
# timeout: 500
. "$(dirname "$(readlink -f "$0")")/lib.sh"
trap e2e_end EXIT
hosts_up h1 h2

# Silence and ICMP come from a router's table on h2; a SYN is tried twice.
ip -n h1 route add 10.97.0.0/16 via 10.77.0.2
ip -n h1 route add 10.99.0.0/16 via 10.77.0.2
ip -n h1 route add unreachable 10.98.0.0/16
ip -n h1 -6 route add fd99::/16 via fd77::2
in_host h2 sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
    net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
ip -n h2 route add blackhole 10.97.0.0/16
ip -n h2 route add unreachable 10.99.0.0/16
ip -n h2 -6 route add unreachable fd99::/16
in_host h1 sysctl -qw net.ipv4.tcp_syn_retries=1
# ip_error() says unreachable five times at once, then once a second; all hosts.
sysctl -qw net.ipv4.route.error_cost=0

start_app server h2 9002 python3 -SE "$E2E/dial.py" server tell:9001 tell:9002 udp:9001
start_app closed h2 9003 python3 -SE "$E2E/dial.py" server tell:9003
start_app plain h2 9010 python3 -SE "$E2E/dial.py" server tell:9010
in_host h1 ping -c1 -W5 10.77.0.2 >/dev/null
modules() { lsmod | awk 'NR > 1 { print $1 }' | sort; }
modules >"$T/modules"

weft_install || exit 1
module_load || exit 1
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
metadata: {name: closed}
spec: {selectors: [{unit: closed.service}]}
---
apiVersion: weft/v1
kind: AuthorizationPolicy
metadata: {name: nobody}
spec: {action: ALLOW, workload: closed}
Y

service() { # NAME ADDRESS [ENDPOINT[%WEIGHT]]...
    local name=$1 addresses=$2
    shift 2
    printf -- '---\napiVersion: weft/v1\nkind: Service\nmetadata: {name: %s}\nspec:\n' "$name"
    printf '  addresses: [%s]\n  ports: [{port: 80, targetPort: 9001}]\n' "$addresses"
    echo '  connectTimeout: 500ms'
    printf '  endpoints: [%s]\n' "$(printf '%s\n' "$@" |
        sed -nE 's/^(.+):([0-9]+)%([0-9]+)$/{address: "\1", port: \2, weight: \3}/p
                 s/^(.+):([0-9]+)$/{address: "\1", port: \2}/p' | paste -sd,)"
}
# What is bad has all the weight, so that it is tried first.
bad_refused=10.77.0.2:9099%65000 bad_icmp=10.99.0.1:9001%65000 bad_local=10.98.0.1:9001%65000
bad_silent=10.97.0.1:9001%65000 bad_denied=10.77.0.2:9003%65000
document h1 s.yaml <<Y
apiVersion: weft/v1
kind: Workload
metadata: {name: client}
spec: {selectors: [{unit: client.service}]}
$(service both '240.0.0.1, "fd00:240::1"' 10.77.0.2:9001 fd77::2:9001)
$(service only4 '"fd00:240::4"' 10.77.0.2:9001)
$(service only6 '240.0.0.6' fd77::2:9001)
$(service weighted '240.0.0.9' 10.77.0.2:9001%1 10.77.0.2:9002%3)
$(service refused '240.0.0.11' "$bad_refused" 10.77.0.2:9001)
$(service icmp '240.0.0.12' "$bad_icmp" 10.77.0.2:9001)
$(service local '240.0.0.13' "$bad_local" 10.77.0.2:9001)
$(service silent '240.0.0.14' "$bad_silent" 10.77.0.2:9001)
$(service all '240.0.0.15, "fd00:240::15"' "$bad_refused" "$bad_icmp" "$bad_local" "$bad_silent" "$bad_denied" \
    10.77.0.2:9001 fd77::2:9099%65000 fd99::1:9001%65000 fd77::2:9003%65000 fd77::2:9001)
$(service denied '240.0.0.16' "$bad_denied" 10.77.0.2:9001)
$(service none '240.0.0.20')
$(service none-refused '240.0.0.21' "$bad_refused" "$bad_icmp")
$(service none-denied '240.0.0.22' "$bad_refused" "$bad_icmp" 10.77.0.2:9003)
$(service none-silent '240.0.0.23' "$bad_silent")
$(service none-icmp '240.0.0.24' "$bad_icmp")
$(service none-but-denied '240.0.0.25' "$bad_denied")
Y

run_as client h1 python3 -SE "$E2E/dial.py" steer >"$T/out" 2>&1
case_results "$T/out"

equal "each way to fail is recorded with its reason" \
    '["none","peer-denied","refused","silent","unreachable"]' \
    "$(conns h1 'select(.service == "all" and .state == "dead") | .attempts[]' | jq -sc 'map(.reason) | unique')"
equal "a service without endpoints is told as such" '"no-endpoint"' \
    "$(conns h1 'select(.asked == "240.0.0.20:80") | .reason' | sort -u)"
equal "what is not meshed leaves no record" '' "$(conns h1 'select(.asked == "10.77.0.2:9010")')"

# --- weights
run_as client h1 python3 -c '
import socket
for _ in range(120):
    s = socket.create_connection(("240.0.0.9", 80)); s.recv(100); s.close()' || not_ok "120 connections"
mapfile -t got < <(weftctl_in h1 -j endpoint show service weighted |
    jq -r 'sort_by(.address)[].attempts')
note "120 connections went ${got[*]}"
equal "every connect() is counted" 120 $((got[0] + got[1]))
# Binomial, p = 3/4: 90 on average, standard deviation 4.7; five of them.
check "weight 3 gets three times as much as weight 1" \
    [ $((got[1] >= 66 && got[1] <= 114)) = 1 ]

# --- poll is silent until the verdict, however long that takes
pid=$(weftd_pid h1)
kill -STOP "$pid"
run_as_bg client h1 python3 -SE "$E2E/dial.py" park
parked() { [ "$(weftctl_in h1 -j status | jq -r .parked)" = 1 ]; }
check "a non-blocking connect() waits for the daemon" wait_for 20 parked
equal "TCP is up by then" 1 "$(in_host h1 ss -Htn state established 'dport = :9001' | wc -l)"
equal "poll said nothing" "in progress" "$(cat "$T/client.out")"
kill -CONT "$pid"
wait "$JOB"
contains "with the verdict it says that it can write" "poll says writable, peer 240.0.0.1" "$(cat "$T/client.out")" &&
    contains "and the server answers" answered "$(cat "$T/client.out")"

# --- nothing but the module
check "weft is loaded" module_loaded
equal "no module for connection tracking, NAT or rules came" "" \
    "$(modules | comm -13 "$T/modules" - | grep -E '^(nf_|nft_|xt_|ip6?t_)|tables|conntrack|nat' | paste -sd' ')"
for h in h1 h2; do
    equal "no connection is tracked on $h" "" "$(in_host $h cat /proc/net/nf_conntrack 2>/dev/null)"
    equal "there are no rules on $h" "" "$(in_host $h nft list ruleset 2>&1)"
done
