#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# demo.sh   The demo itself, started by demo/run in a guest (or on this machine,
# NATIVE=1): two hosts, unmodified programs, seven claims.  Every line marked [ok]
# was measured just then; status 1 when one of them is not so.
here=$(dirname "$(readlink -f "$0")")
_module=${MODULE:-}
. "$here/../e2e/lib.sh"
. "$here/documents.sh"
[ -z "$_module" ] || MODULE=$_module
trap e2e_end EXIT
trap 'exit 143' TERM

began=$SECONDS
SERVER=10.77.0.2
BIG=104857600 # bytes, 100 MiB
SUMMARY=()

# ---- how it speaks ------------------------------------------------------------

ok() {
    _passed=$((_passed + 1))
    printf '  \033[32m[ok]\033[0m %s\n' "$*"
}
not_ok() {
    _failed=$((_failed + 1))
    printf '  \033[31m[NO]\033[0m %s%s\n' "$1" "${2:+: ${*:2}}"
}
note() { printf '%s\n' "$@" | sed 's/^/       /'; }
step() {
    n=$((${n:-0} + 1))
    printf '\n\033[1m%d. %s\033[0m  (%d s)\n' "$n" "$*" $((SECONDS - began))
}
say() { printf '%s\n' "$@" | sed 's/^/  /'; }
claim() { SUMMARY+=("$1"); }
# shown HOST UNIT CMD...: runs CMD there, shows it and its output, keeps it in $OUT
shown() {
    local h=$1 unit=$2
    shift 2
    printf '  %s$ %s\n' "$h" "$*"
    RC=0
    OUT=$(run_as "$unit" "$h" "$@" 2>&1) || RC=$?
    [ -z "$OUT" ] || note "$(printf '%s\n' "$OUT" | head -"${LINES_SHOWN:-4}")"
}
# told HOST CMD...: the same for the administrator's commands; one word: a pipeline
told() {
    local h=$1
    shift
    printf '  %s# %s\n' "$h" "$*"
    [ $# != 1 ] || set -- sh -c "$1"
    RC=0
    OUT=$(in_host "$h" "$@" 2>&1) || RC=$?
    [ -z "$OUT" ] || note "$(printf '%s\n' "$OUT" | head -"${LINES_SHOWN:-12}")"
}

# ---- the programs -------------------------------------------------------------

start_servers() {
    mkdir -p /var/www/html
    echo "the pattern is blue-and-gold" >/var/www/html/pattern.txt
    head -c $BIG /dev/urandom >/var/www/html/big
    BIG_SUM=$(sha256sum </var/www/html/big)
    keep /etc/redis/redis.conf
    keep /etc/smtpd.conf
    sed -i 's/^bind .*/bind 0.0.0.0/;s/^protected-mode .*/protected-mode no/' /etc/redis/redis.conf
    cat >/etc/smtpd.conf <<'C'
listen on 0.0.0.0
action "local" mbox
match from any for domain "h2.example" action "local"
C
    local u
    for u in nginx redis-server opensmtpd; do
        unit_in h2 $u
        systemctl start $u || not_ok "$u starts" "$(journalctl -q -u $u -n 5 -o cat)"
    done
    port_wait h2 80
    port_wait h2 6379
    port_wait h2 25
    printf 'Subject: wool\r\n\r\ntwelve bales of indigo\r\n' >"$T/mail"
}
# Files of the machine that the demo changes are put back at the end.
keep() {
    cp -a "$1" "$T/kept.${1//\//_}"
    KEPT+=("$1")
}
KEPT=()
put_back() {
    local f
    for f in "${KEPT[@]}"; do cp -a "$T/kept.${f//\//_}" "$f"; done
    rm -f /var/www/html/pattern.txt /var/www/html/big
}
leave() {
    local was=$?
    put_back
    (exit $was) # e2e_end asks for it
    e2e_end
}
trap leave EXIT

talk() { # the three conversations; $1: names the capture
    capture_start "$T/$1.pcap" tcp
    shown h1 shop curl -sS -m 30 http://$SERVER/pattern.txt
    contains "curl read the page from nginx" blue-and-gold "$OUT"
    shown h1 shop redis-cli -h $SERVER set bale "twelve-bales-of-indigo"
    shown h1 shop redis-cli -h $SERVER get bale
    contains "redis-cli wrote and read a key" twelve-bales-of-indigo "$OUT"
    shown h1 shop curl -sS -m 60 smtp://$SERVER/h1.example --mail-from shop@h1.example \
        --mail-rcpt root@h2.example --upload-file "$T/mail"
    equal "curl delivered a mail by SMTP, where the server speaks first" 0 "$RC"
    capture_stop
}
judge() { python3 "$E2E/pcap.py" "$@"; }

# ---- one: as it was -----------------------------------------------------------

cat <<'TXT'

weft: mutual TLS in the applications' own sockets, without sidecars

    h1  10.77.0.1                one wire, captured                 10.77.0.2  h2
    curl, redis-cli  ────────────────────────────────────  nginx, Redis, OpenSMTPD
TXT

step "Before: three unmodified servers and their clients, in plaintext"
hosts_up h1 h2
start_servers
talk before
wire_plain "capture: the page can be read on the wire" "$T/before.pcap" 80 "GET /pattern.txt" blue-and-gold
wire_plain "capture: the key can be read on the wire" "$T/before.pcap" 6379 twelve-bales-of-indigo
wire_plain "capture: the mail can be read on the wire" "$T/before.pcap" 25 "bales of indigo"
claim "before: page, key and mail were readable on the wire"

# ---- two: enrolment -----------------------------------------------------------

step "Enrolment: the module, a daemon on each host, a document in its directory"
export WEFTD_DROPIN=$'RestartSec=5s\n' # so that its absence can be watched in step 6
weft_install || exit 1
module_load || { not_ok "the module loads" "$(dmesg | tail -5)"; exit 1; }
weftd_start h1
weftd_start h2
document h2 demo.yaml < <(documents_h2)
document h1 demo.yaml < <(documents_h1)
say "h2:$CONF/h2/conf.d/demo.yaml has workloads web, cache and mail, and one policy:"
documents_h2 | sed -n '/AuthorizationPolicy/,$p' | sed 's/^/       /'
told h2 weftctl status
told h1 weftctl service
check "h1 knows the services" in_host h1 weftctl -j service show
say "nginx, Redis and OpenSMTPD were not restarted, nothing in them was changed"

# ---- three: the same commands -------------------------------------------------

step "After: the same commands, mutual TLS on the wire"
talk after
for p in 80:blue-and-gold 6379:twelve-bales 25:bales; do
    wire_tls "capture: port ${p%%:*} carries TLS 1.3 records only" "$T/after.pcap" "${p%%:*}" "${p#*:}"
    note "$(judge "$T/after.pcap" --port "${p%%:*}" | jq -r \
        '"\(.connections) connection(s), \(.bytes) bytes, records: \(.records | to_entries | map("\(.value) \(.key)") | join(", "))"')"
done
told h1 weftctl conn show
told h1 "weftctl conn show $(conns h1 .id | tail -1) | grep -E '^(service|identity|peer|cipher)'"
both_identities() { # SERVICE PEER
    conns h1 "select(.service == \"$1\" and .peer_identity == \"spiffe://mesh.local/$2\")
        | select(.identity == \"spiffe://mesh.local/shop\")" | grep -q .
}
for p in web cache mail; do
    check "weftctl conn: $p is spiffe://mesh.local/$p, its caller spiffe://mesh.local/shop" both_identities $p $p
done
claim "after: the same commands, TLS 1.3 records only, both identities known"

# ---- four: an endpoint is down ------------------------------------------------

step "An endpoint is down, and curl does not notice"
document h1 demo.yaml < <(documents_h1 8081)
say "the service web now has a second endpoint, $SERVER:8081, where nobody listens; weight 99 to 1"
good=0
for _ in 1 2 3 4 5; do
    OUT=$(run_as shop h1 curl -sS -m 30 http://$SERVER/pattern.txt 2>&1) && good=$((good + 1)) || note "$OUT"
done
equal "5 times curl http://$SERVER/pattern.txt: answered" 5 $good
told h1 weftctl endpoint show
failures=$(weftctl_in h1 -j endpoint show |
    jq "[.[] | select(.address == \"$SERVER:8081\") | .failures] | add // 0")
if [ "${failures:-0}" -gt 0 ]; then
    ok "weftctl endpoint: $failures failed attempts at the endpoint that is down"
else
    not_ok "the endpoint that is down was tried" "failures: ${failures:-none}"
fi
claim "endpoint down: 5 of 5 requests answered, $failures failed attempts unseen by curl"

# ---- five: somebody without permission ---------------------------------------

step "A caller without permission"
document h1 demo.yaml < <(documents_h1)
LINES_SHOWN=6 shown h1 stranger curl -sSv -m 30 http://$SERVER/pattern.txt
contains "its connect() says EACCES" "Permission denied" "$OUT"
denied=$(conns h1 'select(.workload == "stranger") | .id' | tail -1)
told h1 weftctl explain "${denied:-none}"
contains "weftctl explain says why" "peer-denied" "$OUT"
journalctl --sync
line() { journalctl -q --no-pager -o cat -u "$1" "WEFT_REASON=$2" | tail -1; }
wait_for 20 journal_has -u stranger WEFT_REASON=peer-denied
printf '  h1# journalctl -u stranger\n'
note "$(line stranger peer-denied)"
check "the caller's journal has the reason" journal_has -u stranger WEFT_REASON=peer-denied
wait_for 20 journal_has -u nginx WEFT_REASON=policy-denied
printf '  h2# journalctl -u nginx\n'
note "$(line nginx policy-denied)"
check "the server's journal has the policy" journal_has -u nginx WEFT_REASON=policy-denied
claim "no permission: EACCES, explained by weftctl and in both journals"

# ---- six: the daemon dies -----------------------------------------------------

step "kill -9 of both daemons in the middle of a download and of a Redis session"
mkfifo "$T/commands"
systemd-run -q --collect --wait --pipe --unit=shop-live -p NetworkNamespacePath=/run/netns/h1 \
    redis-cli -h $SERVER <"$T/commands" >"$T/redis.out" 2>&1 &
_jobs+=($!)
exec 7>"$T/commands"
answers() { [ "$(wc -l <"$T/redis.out")" -ge "$1" ]; }
echo "client id" >&7
wait_for 30 answers 1 || not_ok "a live Redis session" "no answer"
echo "set thread one" >&7
wait_for 30 answers 2 || not_ok "a live Redis session" "no answer"
printf '  h1$ redis-cli -h %s     (stays open)\n' $SERVER
printf '  h1$ curl --limit-rate 4M http://%s/big     (%d MiB)\n' $SERVER $((BIG / 1048576))
before=$SECONDS
run_as_bg shop-big h1 curl -sS -m 600 --limit-rate 4M -o "$T/big" http://$SERVER/big
going() { [ "$(stat -c %s "$T/big" 2>/dev/null || echo 0)" -ge $((BIG / 8)) ]; }
wait_for 300 going || not_ok "the download" "does not get going"
told h1 "weftctl conn show | grep -E 'STATE|live'"
contains "both are live connections of the mesh" cache "$(conns h1 'select(.state == "live") | .service' | sort -u | paste -sd' ')"
pids="$(weftd_pid h1) $(weftd_pid h2)"
at=$(stat -c %s "$T/big")
# shellcheck disable=SC2086
kill -9 $pids
say "killed weftd of both hosts (pids $pids) at $((at / 1048576)) MiB"
gone() { ! kill -0 "$1" 2>/dev/null; }
wait_for 10 gone "${pids% *}" && wait_for 10 gone "${pids#* }" || not_ok "both are dead"
echo "set thread two" >&7
echo "get thread" >&7
wait_for 30 answers 4 || not_ok "Redis without daemons" "no answer"
equal "Redis answered while no daemon was there" two "$(sed -n 4p "$T/redis.out")"
equal "both daemons are away" "activating activating" \
    "$(systemctl show -P ActiveState weftd@h1) $(systemctl show -P ActiveState weftd@h2)"
more=$(stat -c %s "$T/big")
further() { [ "$(stat -c %s "$T/big")" -gt "$more" ]; }
check "the download went on meanwhile" wait_for 120 further
wait "$JOB"
equal "the download's status" 0 $?
took=$((SECONDS - before))
equal "sha256 of the download is the file's" "$BIG_SUM" "$(sha256sum <"$T/big")"
echo "client id" >&7
wait_for 30 answers 5
equal "Redis: it was one and the same connection" "$(sed -n 1p "$T/redis.out")" "$(sed -n 5p "$T/redis.out")"
exec 7>&-
back() { [ "$(systemctl show -P ActiveState "weftd@$1")" = active ]; }
check "systemd has brought weftd of h1 back" wait_for 60 back h1
check "systemd has brought weftd of h2 back" wait_for 60 back h2
OUT=$(run_as shop h1 curl -sS -m 60 http://$SERVER/pattern.txt 2>&1)
contains "and new connections are made again" blue-and-gold "$OUT"
claim "kill -9 of both daemons: 100 MiB in $took s with equal hash, Redis on the same connection"

# ---- and that was it ----------------------------------------------------------

step "Summary"
for c in "${SUMMARY[@]}"; do say "- $c"; done
printf '\n  %d measurements right, %d wrong, kernel %s, %d s\n' "$_passed" "$_failed" "$(uname -r)" \
    $((SECONDS - began + ${DEMO_BEGAN:-0}))
cat <<'TXT'

  How to go on
    make test                     everything is tested, on three kernels
    make demo KERNEL=7.2          the same on another kernel
    userspace/examples/           documents to start from; man weft-documents(5)
    man weftctl(8)                status, conn, explain, monitor, and objects by hand
    README.md                     what it is, what it is not yet
TXT
