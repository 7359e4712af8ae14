#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# bench.sh SETUP...   Runs inside a systemd guest with one CPU and -icount: the same
# load against the same nginx, in each of these set-ups:
#
#   plain          no mesh; the module is not loaded (give it first)
#   floor          the same, but with kTLS and known keys on both ends (arm.c): what
#                  the kernel's TLS costs, without anything of ours
#   haproxy_tcp    a HAProxy beside the client and one beside the server, mutual TLS
#   haproxy_http   between them; mode tcp, mode http
#   nginx_stream   the same with nginx's stream module
#   weft           the module, and a weftd on each host
#
#      h1 10.77.0.1  eth0 ──── veth ──── eth0  10.77.0.2 h2
#
# Prints lines of JSON: {"setup": ..., "metric": ..., "run": N, "each": instructions}.
# A capture tells whether the connections were full or resumed as they should be.
# From the environment: METRICS (default: all), RUNS (of each), CALLS, HELD (numbers),
# SYMBOLS (a file: where to put the kernel's symbols and those libraries of weftd's,
# for where.py).
here=$(dirname "$(readlink -f "$0")")
. "$here/../e2e/lib.sh"
LOAD=$TOP/build/bench/load
RUNS=${RUNS:-2}
CALLS=${CALLS:-4000}
HELD=${HELD:-500}
PKI=/run/pki
OTHERS=100 # services beside the one that is called
SERVER=10.77.0.2
trap bench_end EXIT
trap 'exit 143' TERM

bench_end() {
    local rc=$?
    trap - EXIT
    [ -z "${SPARE:-}" ] || kill "$SPARE"
    [ "$rc" = 0 ] || { journalctl -q --no-pager -n 40; dmesg | tail -20; } >&2
    exit "$rc"
}
die() {
    echo "bench: $*" >&2
    exit 1
}
say() { echo "$*" >&2; }

# ---- hosts and the server: no bridge between, unlike in the tests

net_up() {
    local i
    # shellcheck disable=SC2034
    HOSTS=(h1 h2) # for lib.sh
    ip netns add h1
    ip netns add h2
    ip link add eth0 netns h1 type veth peer eth0 netns h2
    for i in 1 2; do
        ip -n h$i link set lo up
        ip -n h$i addr add 10.77.0.$i/24 dev eth0
        ip -n h$i link set eth0 up
    done
}

web_make() {
    mkdir -p /dev/shm/www
    head -c 1024 /dev/urandom >/dev/shm/www/k1
    head -c 16777216 /dev/urandom >/dev/shm/www/m16
    nginx_conf web <<'N'
http {
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 10000000;
    keepalive_timeout 1h;
    client_body_temp_path /run/web-b;
    proxy_temp_path /run/web-p;
    fastcgi_temp_path /run/web-f;
    uwsgi_temp_path /run/web-u;
    scgi_temp_path /run/web-s;
    server { listen 80 backlog=4096; root /dev/shm/www; }
}
N
}
nginx_conf() { # NAME <what comes after the general part
    {
        [ "$1" = web ] || echo "load_module /usr/lib/nginx/modules/ngx_stream_module.so;"
        cat - <<N
user root;
daemon off;
worker_processes 1;
pid /run/$1.pid;
error_log stderr error;
worker_rlimit_nofile 20000;
events { worker_connections 10000; }
N
        cat <&3
    } 3<&0 </dev/null >"/run/$1.conf"
}
web_start() { # [VARIABLE=VALUE]...
    start_app web h2 80 env "$@" nginx -c /run/web.conf
    start_app echo h2 7 "$LOAD" echo 7
}
# unit_process UNIT: its last process, which of nginx is the worker
unit_process() {
    tail -n 1 "/sys/fs/cgroup/$(systemctl show -P ControlGroup "$1")/cgroup.procs"
}
apps_stop() {
    local i
    for ((i = ${#APPS[@]} - 1; i >= 0; i--)); do systemctl stop "${APPS[i]}"; done
    APPS=()
}

# Certificates as weftd's: P-256, and both sides show one.
pki_make() {
    local n
    mkdir -p $PKI
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
        -subj /CN=ca -keyout $PKI/ca.key -out $PKI/ca.pem
    for n in near far; do
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=$n \
            -keyout $PKI/$n.key -out $PKI/$n.csr
        openssl x509 -req -in $PKI/$n.csr -CA $PKI/ca.pem -CAkey $PKI/ca.key -CAcreateserial \
            -days 30 -out $PKI/$n.crt
        cat $PKI/$n.crt $PKI/$n.key >$PKI/$n.pem
    done
}

# ---- set-ups.  Each says where the client connects to.  It is set up for full
# handshakes first; resume_SETUP, where there is one, makes connections resume.

TARGET=''
TLS_PORT='' # where there is TLS between the hosts
CLIENT_ENV=()
WATCHED=(web)
setup_plain() {
    TARGET="$SERVER 80"
    web_start
}

setup_floor() {
    modprobe tls
    TARGET="$SERVER 80"
    CLIENT_ENV=("LD_PRELOAD=$TOP/build/bench/arm.so" ARM_PORT=80)
    web_start "${CLIENT_ENV[@]}"
}

# One proxy beside the client, 127.0.0.1:15001, one beside the server, port 15006.
# The client talks to its own; redirecting it would cost more.
setup_haproxy() { # tcp|http [resume]
    local out='no-ssl-reuse' in='no-tls-tickets'
    [ -z "${2:-}" ] || out='' in=''
    # A connection of the client's is one between the two, in both modes.
    cat >/run/near.cfg <<N
global
    nbthread 1
    maxconn 8000
    ssl-default-server-ciphersuites TLS_AES_128_GCM_SHA256
    ssl-default-server-options ssl-min-ver TLSv1.3
defaults
    mode $1
    timeout connect 1h
    timeout client 1h
    timeout server 1h
    $([ "$1" = tcp ] || echo http-reuse never)
listen near
    bind 127.0.0.1:15001 backlog 4096
    server far $SERVER:15006 ssl verify required ca-file $PKI/ca.pem crt $PKI/near.pem $out
N
    cat >/run/far.cfg <<N
global
    nbthread 1
    maxconn 8000
    ssl-default-bind-ciphersuites TLS_AES_128_GCM_SHA256
    ssl-default-bind-options ssl-min-ver TLSv1.3 $in
defaults
    mode $1
    timeout connect 1h
    timeout client 1h
    timeout server 1h
    $([ "$1" = tcp ] || echo http-reuse never)
listen far
    bind $SERVER:15006 backlog 4096 ssl crt $PKI/far.pem ca-file $PKI/ca.pem verify required
    server web 127.0.0.1:80
N
    proxies_start haproxy -db -f cfg
}
setup_nginx_stream() { # [resume]
    local reuse=off cache=off
    [ -z "${1:-}" ] || reuse=on cache=shared:s:4m
    nginx_conf near <<N
stream {
    server {
        listen 127.0.0.1:15001 backlog=4096;
        proxy_pass $SERVER:15006;
        proxy_timeout 1h;
        proxy_ssl on;
        proxy_ssl_protocols TLSv1.3;
        proxy_ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;
        proxy_ssl_certificate $PKI/near.crt;
        proxy_ssl_certificate_key $PKI/near.key;
        proxy_ssl_trusted_certificate $PKI/ca.pem;
        proxy_ssl_verify on;
        proxy_ssl_name far;
        proxy_ssl_session_reuse $reuse;
    }
}
N
    nginx_conf far <<N
stream {
    server {
        listen $SERVER:15006 ssl backlog=4096;
        proxy_pass 127.0.0.1:80;
        proxy_timeout 1h;
        ssl_protocols TLSv1.3;
        ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;
        ssl_certificate $PKI/far.crt;
        ssl_certificate_key $PKI/far.key;
        ssl_client_certificate $PKI/ca.pem;
        ssl_verify_client on;
        ssl_session_cache $cache;
        ssl_session_tickets $reuse;
    }
}
N
    proxies_start nginx -c conf
}
proxies_start() { # PROGRAM OPTION... SUFFIX-OF-FILE
    local suffix=${!#}
    set -- "${@:1:$#-1}"
    TARGET="127.0.0.1 15001"
    TLS_PORT=15006
    WATCHED=(web near far)
    [ "${#APPS[@]}" != 0 ] || web_start
    start_app far h2 15006 "$@" "/run/far.$suffix"
    start_app near h1 15001 "$@" "/run/near.$suffix"
}
proxies_stop() {
    systemctl stop near far
    APPS=(web echo)
}
setup_haproxy_tcp() { setup_haproxy tcp; }
setup_haproxy_http() { setup_haproxy http; }
resume_haproxy_tcp() { proxies_stop && setup_haproxy tcp resume; }
resume_haproxy_http() { proxies_stop && setup_haproxy http resume; }
resume_nginx_stream() { proxies_stop && setup_nginx_stream resume; }

setup_weft() {
    TARGET="$SERVER 80"
    TLS_PORT=80
    WATCHED=(web weftd@h1 weftd@h2 systemd-journald)
    weft_install && module_load || die "weft does not install or load"
    [ -z "${SYMBOLS:-}" ] || weftd_apart
    weftd_start h1 --no-resumption
    weftd_start h2 --no-resumption
    document h2 web.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: web}
spec: {selectors: [{unit: web.service}]}
---
apiVersion: weft/v1
kind: AuthorizationPolicy
metadata: {name: web}
spec:
  action: ALLOW
  workload: web
  rules: [{from: {identities: [client]}, to: {ports: [80]}}]
Y
    document h1 web.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: client}
spec: {selectors: [{unit: "client.service"}, {unit: "hold1.service"}, {unit: "hold2.service"}]}
---
apiVersion: weft/v1
kind: Service
metadata: {name: web}
spec:
  addresses: [10.77.0.2]
  ports: [{port: 80}]
  endpoints: [{address: 10.77.0.2}]
  identities: ["spiffe://mesh.local/web"]
Y
    others | document h1 others.yaml
    web_start
}
# For the profile weftd's libraries lie at addresses that are nobody else's.  They are
# copies: QEMU translates a page of memory once, for all who have it.
weftd_apart() {
    mkdir /run/weftd-libraries
    ldd /usr/sbin/weftd | awk '/=> \// {print $3}' | xargs cp -L -t /run/weftd-libraries
    # shellcheck disable=SC2034
    WEFTD_DROPIN=$'LimitSTACK=256M\nEnvironment=LD_LIBRARY_PATH=/run/weftd-libraries\n' # for lib.sh
}
# A mesh is not one service: tables and certificates of a host among others.
others() {
    local i
    for ((i = 1; i <= OTHERS; i++)); do
        cat <<Y
---
apiVersion: weft/v1
kind: Service
metadata: {name: other$i}
spec:
  addresses: [240.1.0.$i]
  ports: [{port: 80}, {port: 443}]
  endpoints: [{address: 10.78.$i.1}, {address: 10.78.$i.2, weight: 2}, {address: 10.78.$i.3}]
  identities: [other$i]
Y
        [ $((i % 5)) != 0 ] || cat <<Y
---
apiVersion: weft/v1
kind: Workload
metadata: {name: other$i}
spec: {selectors: [{unit: "other$i.service"}]}
Y
    done
}
resume_weft() {
    systemctl stop weftd@h1 weftd@h2
    weftd_start h1
    weftd_start h2
}

# ---- measuring

has() { declare -F "$1" >/dev/null; }
wanted() { [[ " ${METRICS:-$1} " == *" $1 "* ]]; }
result() { # SETUP METRIC RUN <JSON
    jq -c --arg s "$1" --arg m "$2" --argjson r "$3" '{setup: $s, metric: $m, run: $r} + .'
}
as_client() { # UNIT ARGUMENT-OF-LOAD...
    local unit=$1
    shift
    run_as "$unit" h1 env "SPARE=$SPARE" "WATCH=$(watch)" "${CLIENT_ENV[@]}" "$LOAD" "$@"
}
watch() { # for load: NAME=PID...
    local u list=()
    for u in "${WATCHED[@]}"; do list+=("$u=$(unit_process "$u")"); done
    echo "${list[*]}"
}

measure() { # SETUP METRIC ARGUMENT-OF-LOAD...
    local setup=$1 metric=$2 run out
    shift 2
    wanted "$metric" || return 0
    for ((run = 1; run <= RUNS; run++)); do
        out=$(as_client client "$@") || die "$setup $metric: load $* failed"
        result "$setup" "$metric" "$run" <<<"$out"
        say "$setup $metric: $(jq -r .each <<<"$out")"
    done
}

# seen_as SETUP METRIC 0|1: the TLS connections of this set-up are full (0) or resumed
seen_as() {
    local file=/run/seen.pcap pid seen n=3
    [ -n "$TLS_PORT" ] && [ -z "${SYMBOLS:-}" ] && wanted "$2" || return 0
    nsenter --net=/run/netns/h1 tcpdump -i eth0 -s 0 -w $file -U --immediate-mode -Z root \
        "tcp port $TLS_PORT" 2>/run/seen.log &
    pid=$!
    wait_for 60 grep -q 'listening on' /run/seen.log || die "no capture"
    # shellcheck disable=SC2086
    as_client client connects $TARGET /k1 $n >/dev/null || die "$1 $2: connections fail"
    kill -INT $pid
    wait $pid || :
    seen=$(python3 "$here/../e2e/pcap.py" $file --port "$TLS_PORT") || die "$seen"
    jq -e ".connections >= $n and .tls13 == .connections and .resumed == $3 * .connections" \
        <<<"$seen" >/dev/null || die "$1 $2: not what was measured: $seen"
}

# What OpenSSL and weftd's TLS need for a handshake, both ends, without a network
measure_handshakes() {
    local how run
    for how in full resumed; do
        wanted "handshake_$how" || continue
        for ((run = 1; run <= RUNS; run++)); do
            "$TOP/build/native/tests/bench/bench_tls_handshake" $how 40 |
                jq -R '{each: (split(" ")[1] | tonumber)}' | result weft "handshake_$how" $run
        done
    done
}

# Bytes in use, without the page cache (in which the journal lies, too) and pages that
# wait in the processor's own list; once all that is to be freed has been.
used() {
    SPARE=$SPARE "$LOAD" rest || die "the guest does not come to rest"
    echo 3 >/proc/sys/vm/drop_caches
    SPARE=$SPARE "$LOAD" rest || die "the guest does not come to rest"
    awk '/^MemTotal:/ {n += $2} /^(MemFree|Buffers|Cached):/ {n -= $2} $1 == "count:" {n -= $2 * 4}
        END {printf "%d\n", n * 1024}' /proc/meminfo /proc/zoneinfo
}
rss() { awk '/^VmRSS:/ {print $2 * 1024}' "/proc/$(weftd_pid "$1")/status"; }

# hold UNIT N: N connections more, and what they needed stays
hold() {
    # shellcheck disable=SC2086
    systemd-run -q --collect --unit="$1" -p NetworkNamespacePath=/run/netns/h1 \
        -p LimitNOFILE=65536 -p "StandardOutput=file:/run/$1.out" -- \
        env "${CLIENT_ENV[@]}" "$LOAD" hold $TARGET /k1 "$2" || die "cannot hold"
    wait_for 900 grep -q '^held' "/run/$1.out" || die "connections are not held"
}

# Both ends of a connection are in this guest: half of it is a socket's.  The first
# hundred bring everybody's pools into being.  What weftd grows by meanwhile is counted.
measure_idle() { # SETUP
    local s=$1 before after
    wanted conn_idle_bytes || return 0
    hold hold1 100
    before=$(used)
    hold hold2 "$HELD"
    after=$(used)
    systemctl stop hold1 hold2
    rm -f /run/hold?.*
    echo "{\"each\": $(((after - before) / HELD / 2))}" | result "$s" conn_idle_bytes 1
    say "$s conn_idle_bytes: $(((after - before) / HELD / 2))"
    [ "$s" = weft ] || return 0
    echo "{\"each\": $(rss h1)}" | result "$s" weftd_rss_bytes 1
    say "weftd_rss_bytes: $(rss h1)"
}

symbols() { # SETUP
    cat /proc/kallsyms
    [ "$1" != weft ] || awk '$2 ~ /x/ && $6 ~ /^\// {split($1, a, "-"); print "map", a[1], a[2], $6}' \
        "/proc/$(weftd_pid h1)/maps"
}

run_setup() { # SETUP
    local s=$1 n=40
    say "# $s"
    CLIENT_ENV=() TLS_PORT='' WATCHED=(web)
    "setup_$s" || die "$s is not set up"
    [ "$s" != plain ] || n=400
    # shellcheck disable=SC2086
    {
        measure "$s" call_1k calls $TARGET /k1 4 "$CALLS"
        measure "$s" bulk bulk $TARGET /m16 8
        measure "$s" packet pings $SERVER 7 2000
        measure "$s" connect_unmeshed dials $SERVER 7 400
        measure "$s" connect_full connects $TARGET /k1 $n
        seen_as "$s" connect_full 0
        if has "resume_$s" && wanted connect_psk; then
            "resume_$s" || die "$s does not resume"
            measure "$s" connect_psk connects $TARGET /k1 $n
            seen_as "$s" connect_psk 1
        fi
        [ "$s" != weft ] || measure_handshakes
        measure_idle "$s"
    }
    [ -z "${SYMBOLS:-}" ] || symbols "$s" >"$SYMBOLS"
    apps_stop
}

# In the root's group, and that without automatic ones: elsewhere it would share
# the group's weight, not wait.
echo 0 >/proc/sys/kernel/sched_autogroup_enabled
"$LOAD" spare &
SPARE=$!
echo $SPARE >/sys/fs/cgroup/cgroup.procs
net_up
web_make
pki_make >/dev/null 2>&1
for s in "$@"; do run_setup "$s"; done
exit 0
