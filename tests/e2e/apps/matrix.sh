# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The application matrix, sourced by t-apps*.sh: unmodified programs of Debian and
# npm talk to each other from h1 to h2, each row
#
#   plain     without weft: what is right, and readable in the capture
#   mesh      with weft at both ends: the same output
#   tls       all of it was TLS 1.3 on the wire, nothing readable
#   ids       both hosts know both identities
#   foreign   one end weft, the other an OpenSSL program with an SVID on h3, which
#             has no weft: stunnel stands between the two, so that the client has a
#             foreign server and the server a foreign client, the whole conversation
#   s_server  the client at "openssl s_server"
#   s_client  "openssl s_client" begins the server's protocol
#
# A test adds servers and rows and calls matrix.  Each client has a cgroup of its
# own and with it an identity.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../lib.sh"

SRC=$E2E/apps
KIT=$T/apps # build/apps, unpacked
DATA=$T/data
MARKER=indigo-$RANDOM$RANDOM
CGROUP=/sys/fs/cgroup/weft-apps
JOBS=${JOBS:-2}
SERVERS=() # names
ROWS=()    # "ROW SERVER"
declare -A PORT UNIT CELL
export KIT SRC DATA MARKER

# ---- servers ------------------------------------------------------------------

# server NAME PORT [UNIT]: starts it by serve_NAME
server() {
    SERVERS+=("$1")
    PORT[$1]=$2 UNIT[$1]=${3:-$1}
    "serve_$1"
    port_wait h2 "$2"
}
row() { ROWS+=("$1 $2"); } # ROW SERVER

debian() { # UNIT
    unit_in h2 "$1"
    systemctl restart "$1" || not_ok "$1 starts" "$(journalctl -q -u "$1" -n 9 -o cat)"
}
app() { # NAME CMD...: a unit of ours
    local name=$1
    shift
    start_app "$name" h2 "${PORT[$name]}" "$@"
}

# keep FILE: what we change is put back at the end
keep() {
    mkdir -p "$T/kept"
    cp -a "$1" "$T/kept/${1//\//%}"
}
put_back() {
    local f name
    for f in "$T"/kept/*; do
        [ -e "$f" ] || continue
        name=${f##*/}
        cp -a "$f" "${name//%//}"
    done
    rm -f /etc/nginx/conf.d/weft-e2e.conf /var/www/html/{big,big.txt,marker.txt}
    [ ! -e "$DATA/key" ] || rm -f /root/.ssh/authorized_keys
}

# Its own pages, and those HAProxy asks for at a port without mesh.
serve_nginx() {
    cp "$DATA"/{big,big.txt,marker.txt} /var/www/html
    echo "server { listen 8090; root /var/www/html; }" >/etc/nginx/conf.d/weft-e2e.conf
    debian nginx
}
serve_haproxy() {
    keep /etc/haproxy/haproxy.cfg
    cat >/etc/haproxy/haproxy.cfg <<'C'
defaults
    mode http
    timeout connect 60s
    timeout client 60s
    timeout server 60s
frontend web
    bind :8081
    default_backend pages
backend pages
    server nginx 127.0.0.1:8090
C
    debian haproxy
}
serve_node() { app node node "$KIT/node.js" serve 7001 "$DATA"; }
serve_ws() { app ws node "$KIT/node.js" ws-serve 7002; }
serve_express() { app express node "$KIT/node.js" express 7003 "$DATA"; }
serve_go() { app go "$KIT/gohttp" serve 7004 "$DATA"; }
serve_java() {
    app java java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xmx128m -cp "$KIT" JavaHttp serve 7005 "$DATA"
}
serve_redis() {
    keep /etc/redis/redis.conf
    sed -i 's/^bind .*/bind 0.0.0.0/;s/^protected-mode .*/protected-mode no/' /etc/redis/redis.conf
    debian redis-server
}
serve_postgres() {
    local d=/etc/postgresql/15/main
    keep $d/pg_hba.conf
    keep $d/postgresql.conf
    echo "host all all 0.0.0.0/0 trust" >>$d/pg_hba.conf
    printf "listen_addresses = '*'\nfsync = off\n" >>$d/postgresql.conf
    debian postgresql@15-main
}
serve_mariadb() {
    tar -xf "$KIT/mariadb.tar" -C "$T" --no-same-owner
    chown -R nobody "$T/mariadb"
    # shellcheck disable=SC2016
    app mariadb setpriv --reuid=nobody mariadbd --no-defaults --datadir="$T/mariadb" --port=3306 \
        --bind-address=0.0.0.0 --socket="$T/mariadb/sock" --pid-file="$T/mariadb/pid" \
        --innodb-buffer-pool-size=16M --innodb-log-file-size=4M --skip-name-resolve
}
serve_smtp() {
    keep /etc/smtpd.conf
    cat >/etc/smtpd.conf <<'C'
listen on 0.0.0.0
action "local" mbox
match from any for domain "h2.example" action "local"
C
    debian opensmtpd
}
serve_asyncio() { app asyncio python3 "$SRC/asyncio_app.py" serve 7000 "$DATA"; }
serve_iperf3() { debian iperf3; }
serve_socat() { app socat socat TCP-LISTEN:7006,fork,reuseaddr EXEC:cat; }
serve_uring() { app uring "$KIT/uring" serve 7007; }
serve_ssh() {
    ssh-keygen -q -t ed25519 -N '' -f "$DATA/key"
    install -D -m 600 "$DATA/key.pub" /root/.ssh/authorized_keys
    debian ssh
}
serve_openssl() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=h2 \
        -keyout "$DATA/own.key" -out "$DATA/own.pem" 2>/dev/null
    # shellcheck disable=SC2016
    app openssl env -C "$DATA" openssl s_server -accept 7008 -WWW -cert own.pem -key own.key -quiet
}

# What everybody could read at that server's port, were it not for weft.
readable() {
    case $1 in
    ssh) echo SSH-2.0-OpenSSH ;;
    *) echo "$MARKER" ;;
    esac
}

# The first exchange: greeting "<regex", what is said "text" (printf's escapes), and
# the answer ">regex".
exchange() {
    case $1 in
    nginx | haproxy | node | express | go | java)
        printf '%s\n' 'GET /marker.txt HTTP/1.0\r\nHost: h2\r\n\r\n' ">$MARKER" ;;
    openssl) # an unknown handshake message, for which it has an alert
        printf '%s\n' '\x16\x03\x01\0\x04\x63\0\0\0' $'>^\x15\x03' ;;
    ws) # the key and its answer: RFC 6455, 1.3
        printf '%s%s\n%s\n' "GET / HTTP/1.1\r\nHost: h2\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
            'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n' \
            '>Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK[+]xOo=' ;;
    redis) printf '%s\n' 'PING\r\n' '>^[+]PONG' ;;
    postgres) printf '%s\n' '\0\0\0\x17\0\3\0\0user\0postgres\0\0' '>server_version' ;;
    mariadb) printf '%s\n' '<MariaDB' '' '>mysql_native_password' ;;
    smtp) printf '%s\n' '<^220 ' 'EHLO h3.example\r\n' '>^250 ' ;;
    asyncio) printf '%s\n' "<$MARKER" '\0\0\0\1x' \
        '>2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881' ;;
    iperf3) printf '%s\n' 'a-cookie-of-thirty-six-characters-xx\0' $'>^\x09' ;; # PARAM_EXCHANGE
    socat | uring) printf '%s\n' "$MARKER\\n" ">$MARKER" ;;
    ssh) printf '%s\n' '<^SSH-2.0-OpenSSH' 'SSH-2.0-weft\r\n' '>curve25519-sha256' ;;
    esac
}

# ---- clients ------------------------------------------------------------------

# client NAME FUNCTION HOST OUT [PORT]: OUT gets what it printed, OUT.err and OUT.rc
client() {
    local cg=$CGROUP/$1 dir=$T/run/$1 began=${EPOCHREALTIME/./}
    mkdir -p "$cg" "$dir"
    (
        echo $BASHPID >"$cg/cgroup.procs"
        cd "$dir" || exit
        exec timeout -k 5 $((150 * PATIENCE)) nsenter --net=/run/netns/h1 "$SRC/client" "$2" "$3" ${5:+"$5"}
    ) >"$4" 2>"$4.err" </dev/null
    echo $? >"$4.rc"
    echo $(((${EPOCHREALTIME/./} - began) / 1000)) >"$4.ms"
}
# everyone PHASE HOST [KIND [PORT]]: the clients that have a KIND_ROW, JOBS at a time
everyone() {
    local phase=$1 kind=${3:-row} r n=0
    mkdir -p "$T/$phase"
    for r in "${ROWS[@]}"; do
        r=${r% *}
        grep -q "^${kind}_$r()" "$SRC/client" || continue
        while [ $n -ge "$JOBS" ]; do wait -n; n=$((n - 1)); done
        client "$r" "${kind}_$r" "$2" "$T/$phase/$r" "${4:-}" &
        n=$((n + 1))
    done
    while [ $n -gt 0 ]; do wait -n; n=$((n - 1)); done
    note "$phase: $((SECONDS - _began)) s;$(cd "$T/$phase" && for r in *.ms; do
        [ ! -e "$r" ] || printf ' %s %s' "${r%.ms}" "$(cat "$r")"
    done)"
}
cell() { # ROW COLUMN NAME CMD...: a check that goes into the table
    local at="$1 $2" rc=0
    shift 2
    check "$@" || rc=1
    [ $rc = 0 ] && CELL[$at]=ok || CELL[$at]=NO
}
said() { # FILE: of a client that ended well
    if [ "$(cat "$1.rc")" = 0 ] && [ -s "$1" ]; then return; fi
    echo "status $(cat "$1.rc")"
    tail -n 20 "$1" "$1.err"
    return 1
}
said_marker() { said "$1" && { grep -q "$MARKER" "$1" || [[ $1 =~ -benchmark|smtp|nodemailer|mail ]]; }; }
same() { # FILE FILE
    said "$2" && diff "$1" "$2"
}

# ---- the foreign host ---------------------------------------------------------

svid() { # NAME
    local ca=/var/lib/weft-e2e-ca/ca n=$T/$1
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$n.key" -subj /O=foreign \
        -addext "subjectAltName=critical,URI:spiffe://mesh.local/$1" -addext keyUsage=critical,digitalSignature \
        -addext extendedKeyUsage=serverAuth,clientAuth -addext basicConstraints=critical,CA:FALSE \
        -out "$n.csr" 2>/dev/null &&
        openssl x509 -req -in "$n.csr" -copy_extensions copyall -days 1 -CA $ca.crt -CAkey $ca.key \
            -set_serial "$RANDOM$RANDOM" -out "$n.pem" 2>/dev/null
}
# At each server's port of h3 a TLS server that goes on as a TLS client to h2.
tunnels() {
    local s
    {
        printf 'foreground = yes\npid =\ndebug = notice\nsyslog = no\nsslVersionMin = TLSv1.3\n'
        printf 'cert = %s\nkey = %s\nCAfile = /var/lib/weft-e2e-ca/ca.crt\nverifyChain = yes\n' \
            "$T/foreign.pem" "$T/foreign.key"
        for s in "${SERVERS[@]}"; do
            printf '[from-%s]\naccept = 10.77.0.3:%s\nconnect = 127.0.0.1:%s\n' "$s" "${PORT[$s]}" "${PORT[$s]}"
            printf '[to-%s]\nclient = yes\naccept = 127.0.0.1:%s\nconnect = 10.77.0.2:%s\n' \
                "$s" "${PORT[$s]}" "${PORT[$s]}"
        done
    } >"$T/stunnel.conf"
    start_app tunnels h3 "${PORT[${SERVERS[0]}]}" stunnel "$T/stunnel.conf"
}
OPENSSL=(-CAfile /var/lib/weft-e2e-ca/ca.crt -verify_return_error -tls1_3)
s_server() { # UNIT PORT OPTION...
    local unit=$1 port=$2
    shift 2
    start_app "$unit" h3 "$port" openssl s_server -accept "$port" -cert "$T/foreign.pem" -key "$T/foreign.key" \
        -Verify 4 "${OPENSSL[@]}" "$@"
}
# s_client SERVER: the first exchange; fails when the answer does not come
s_client() {
    local out=$T/s_client/$1 pipe=$T/s_client/$1.in lines pid rc=0 said=
    mkdir -p "$T/s_client"
    mkfifo "$pipe"
    nsenter --net=/run/netns/h3 timeout 200 openssl s_client -connect "10.77.0.2:${PORT[$1]}" -quiet -verify_quiet \
        -cert "$T/foreign.pem" -key "$T/foreign.key" "${OPENSSL[@]}" <"$pipe" >"$out" 2>"$out.err" &
    pid=$!
    exec 8>"$pipe"
    answered() { LC_ALL=C grep -aqE -- "$1" "$out" || ! kill -0 "$pid" 2>/dev/null; }
    mapfile -t lines < <(exchange "$1")
    if [[ ${lines[0]} == \<* ]]; then
        wait_for 60 answered "${lines[0]#<}" || rc=1
        lines=("${lines[@]:1}")
    fi
    said=${lines[0]}
    # shellcheck disable=SC2059
    [ -z "$said" ] || printf "$said" >&8
    wait_for 60 answered "${lines[1]#>}" || rc=1
    LC_ALL=C grep -aqE -- "${lines[1]#>}" "$out" || rc=1
    exec 8>&-
    kill "$pid" 2>/dev/null
    wait "$pid"
    [ $rc = 0 ] || { head -c 500 "$out" | od -c | head; cat "$out.err"; }
    return $rc
}

# ---- documents ----------------------------------------------------------------

documents() {
    local s r
    for s in "${SERVERS[@]}"; do
        printf -- '---\napiVersion: weft/v1\nkind: Workload\nmetadata: {name: %s}\n' "$s"
        printf 'spec:\n  selectors: [{unit: "%s.service"}]\n' "${UNIT[$s]}"
        [ "$s" != nginx ] || echo '  ports: [{port: 8090, mode: DISABLED}]'
    done | document h2 servers.yaml
    {
        # Who a client's own listeners serve is no matter of the mesh.
        for r in "${ROWS[@]}"; do
            printf -- '---\napiVersion: weft/v1\nkind: Workload\nmetadata: {name: client-%s}\n' "${r% *}"
            printf 'spec: {selectors: [{cgroup: /weft-apps/%s}], mode: DISABLED}\n' "${r% *}"
        done
        for s in "${SERVERS[@]}"; do
            _service "$s" 10.77.0.2 "${PORT[$s]}" "$s"
            _service "foreign-$s" 10.77.0.3 "${PORT[$s]}" foreign
        done
        _service s-server-www 10.77.0.3 4433 foreign
        _service s-server-rev 10.77.0.3 4434 foreign
    } | document h1 clients.yaml
}
_service() { # NAME ADDRESS PORT IDENTITY
    printf -- '---\napiVersion: weft/v1\nkind: Service\nmetadata: {name: %s}\nspec:\n' "$1"
    printf '  addresses: [%s]\n  ports: [{port: %s}]\n' "$2" "$3"
    printf '  endpoints: [{address: %s}]\n  identities: [%s]\n' "$2" "$4"
}
# known HOST FILE: "role identity peer" of its connections
known() {
    conns "$1" 'select(.cipher) | "\(.role) \(.identity) \(.peer_identity)"' | tr -d '"' |
        sed 's#spiffe://mesh.local/##g' | sort -u >"$2"
}

# ---- the matrix ---------------------------------------------------------------

_split() { # FILE PORT: what the capture has of a port
    tcpdump -r "$1" -w "$1.$2" tcp port "$2" 2>/dev/null && echo "$1.$2"
}
matrix_end() {
    local rc=$? d
    for d in "$CGROUP"/*/; do rmdir "$d" 2>/dev/null; done
    rmdir "$CGROUP" 2>/dev/null
    put_back
    (exit $rc)
    e2e_end
}
# matrix_begin: before the first server
matrix_begin() {
    trap matrix_end EXIT
    trap 'exit 143' TERM
    _began=$SECONDS
    chmod 711 "$T"
    mkdir -p "$KIT" "$DATA"
    cp "$TOP"/build/apps/* "$SRC/node.js" "$KIT"
    export NPM=
    if [ -e "$KIT/node_modules.tar" ]; then
        NPM=1
        tar -xf "$KIT/node_modules.tar" -C "$KIT"
    else
        note "npm's registry could not be reached when build/apps was made: its programs are not tried"
    fi
    echo "$MARKER" >"$DATA/marker.txt"
    head -c 400000 /dev/urandom >"$DATA/big"
    head -c 200000 /dev/urandom | base64 >"$DATA/big.txt"
    hosts_up h1 h2 h3
    mkdir -p "$CGROUP"
}
foreign() {
    local r s
    check "an SVID for the foreign host" svid foreign
    tunnels
    s_server www 4433 -www
    s_server rev 4434 -rev -quiet
    everyone foreign 10.77.0.3
    known h1 "$T/h1"
    known h2 "$T/h2"
    for r in "${ROWS[@]}"; do
        s=${r#* } r=${r% *}
        cell "$r" tunnel "$r: the same with OpenSSL for a server, and for a client" \
            same "$T/plain/$r" "$T/foreign/$r"
        check "$r: h1 knows the foreign server" grep -qx "client client-$r foreign" "$T/h1"
    done
    everyone page 10.77.0.3 page 4433
    everyone line 10.77.0.3 line 4434
    for r in "${ROWS[@]}"; do
        r=${r% *}
        if [ -e "$T/page/$r" ]; then
            cell "$r" s_server "$r: reads the page of openssl s_server -www" grep -q TLS_AES_ "$T/page/$r"
        elif [ -e "$T/line/$r" ]; then
            cell "$r" s_server "$r: has its line from openssl s_server -rev" \
                grep -qx "$(rev <<<"$MARKER")" "$T/line/$r"
        fi
    done
    for s in "${SERVERS[@]}"; do
        check "$s: openssl s_client is answered" s_client "$s" && CELL["$s s_client"]=ok || CELL["$s s_client"]=NO
        check "$s: h2 knows the foreign client" grep -qx "server $s foreign" "$T/h2"
    done
}
# matrix [foreign]: all of it; without "foreign": up to the column ids
matrix() {
    local r s port f want foreign=${1:-}
    FOREIGN=$foreign
    note "servers run: $((SECONDS - _began)) s"
    capture_start "$T/plain.pcap" tcp
    everyone plain 10.77.0.2
    capture_stop
    for r in "${ROWS[@]}"; do
        cell "${r% *}" plain "${r% *}: works without weft" said_marker "$T/plain/${r% *}"
    done
    for s in "${SERVERS[@]}"; do
        f=$(_split "$T/plain.pcap" "${PORT[$s]}")
        check "$s: without weft everybody can read it" \
            python3 -SE "$E2E/pcap.py" "$f" --port "${PORT[$s]}" --present "$(readable "$s")"
    done

    weft_install || exit 1
    module_load || exit 1
    weftd_start h1
    weftd_start h2
    documents

    capture_start "$T/mesh.pcap" tcp
    everyone mesh 10.77.0.2
    known h1 "$T/h1"
    known h2 "$T/h2"
    for r in "${ROWS[@]}"; do
        s=${r#* } r=${r% *}
        cell "$r" mesh "$r: the same through the mesh" same "$T/plain/$r" "$T/mesh/$r"
        cell "$r" ids "$r: both hosts know both" \
            grep -qx "client client-$r $s" "$T/h1"
        [ "${CELL["$r ids"]}" = NO ] || grep -qx "server $s client-$r" "$T/h2" || {
            not_ok "$r: h2 knows both"
            CELL["$r ids"]=NO
        }
    done

    [ -z "$foreign" ] || foreign
    if [ -n "${PORT[smtp]:-}" ]; then
        check "smtp: all mail was delivered" wait_for 60 delivered
    fi
    note "all talked: $((SECONDS - _began)) s"
    capture_stop

    for s in "${SERVERS[@]}"; do
        port=${PORT[$s]}
        f=$(_split "$T/mesh.pcap" "$port")
        # Measuring programs close while the peer still sends: a record may be cut.
        case $s in iperf3 | redis) want=records ;; *) want=tls ;; esac
        check "$s: only TLS 1.3 on the wire, nothing readable" python3 -SE "$E2E/pcap.py" "$f" --port "$port" \
            --want $want --absent "$(readable "$s")" && CELL["$s tls"]=ok || CELL["$s tls"]=NO
    done
    table
    note "$((SECONDS - _began)) s"
}
delivered() { # in each phase
    local senders phases=2
    [ -z "$FOREIGN" ] || phases=3
    senders=$(printf '%s\n' "${ROWS[@]}" | grep -c ' smtp$')
    [ "$(grep -c "$MARKER" /var/mail/root)" = $((phases * senders)) ]
}
table() {
    local r s row='# %-16s %-9s %6s %6s %6s %6s %8s %9s %9s\n'
    # shellcheck disable=SC2059
    printf "$row" client server plain mesh tls ids foreign s_server s_client
    for r in "${ROWS[@]}"; do
        s=${r#* } r=${r% *}
        # shellcheck disable=SC2059
        printf "$row" "$r" "$s" "${CELL["$r plain"]}" "${CELL["$r mesh"]}" \
            "${CELL["$s tls"]}" "${CELL["$r ids"]}" "${CELL["$r tunnel"]:--}" "${CELL["$r s_server"]:--}" \
            "${CELL["$s s_client"]:--}"
    done
}
