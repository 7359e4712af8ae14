# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the end-to-end tests and the demo are made of; sourced inside a systemd
# guest (tests/vm/vm-run --systemd), as root.
#
# Two hosts, each a network namespace with its own weftd, on one wire:
#
#      h1  eth0 ──── wire:h1 ═ br0 (namespace "wire") ═ wire:h2 ──── eth0  h2
#      10.77.0.1, fd77::1                               10.77.0.2, fd77::2
#
# Captures are made in "wire": what they hold was really sent.  The servers are
# Debian's own units with a drop-in that puts them into h1 or h2; clients run as
# transient units, so that each has its cgroup and with it its identity.
#
# Results are lines "ok NAME" and "not ok NAME - why"; a test that fails goes on.
# It ends with e2e_end, also when it dies: everything is torn down, the module is
# unloaded, which shows that no reference was left.

E2E=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
TOP=$(readlink -f "$E2E/../..")
case $(uname -r) in
*-kasan-*) KVER=kasan ;; # tests/vm/vm-kernel-debug
*) KVER=$(uname -r | cut -d. -f1,2) ;;
esac
# The debug kernel is several times slower: who waits waits longer.
PATIENCE=1 PATIENT_UNIT=
[ "$KVER" != kasan ] || PATIENCE=5 PATIENT_UNIT=$'WatchdogSec=200s\nTimeoutStartSec=300s\n'
MODULE=$TOP/build/k/$KVER/weft.ko
STAGE=$TOP/build/stage
CONF=/etc/weft/netns
DROPINS=/run/systemd/system
T=${T:-$(mktemp -d /tmp/e2e.XXXXXX)} # scratch
HOSTS=()
APPS=()
INSTALLED=()
_failed=0
_passed=0
_jobs=()

# scaled N: N, or the share of it that WEFT_SCALE (percent) asks for, at least one
scaled() {
    local n=$(($1 * ${WEFT_SCALE:-100} / 100))
    echo $((n > 0 ? n : 1))
}

# ---- results ------------------------------------------------------------------

ok() { # NAME
    _passed=$((_passed + 1))
    echo "ok $*"
}
not_ok() { # NAME WHY...
    local name=$1
    shift
    _failed=$((_failed + 1))
    echo "not ok $name${1:+ - $*}"
}
note() { printf '%s\n' "$@" | sed 's/^/# /'; }

# check NAME CMD...: CMD succeeds.  Its output is shown when it does not.
check() {
    local name=$1 out rc=0
    shift
    out=$("$@" 2>&1) || rc=$?
    if [ $rc = 0 ]; then ok "$name"; else
        not_ok "$name" "status $rc of: $*"
        [ -z "$out" ] || note "$out"
    fi
    return $rc
}
# refute NAME CMD...: CMD fails.
refute() {
    local name=$1 out
    shift
    if out=$("$@" 2>&1); then
        not_ok "$name" "succeeded: $*"
        [ -z "$out" ] || note "$out"
        return 1
    fi
    ok "$name"
}
# equal NAME WANTED GOT
equal() {
    if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "wanted '$2', got '$3'"; fi
}
# contains NAME NEEDLE TEXT
contains() {
    case $3 in
    *"$2"*) ok "$1" ;;
    *) not_ok "$1" "no '$2' in:"; note "$3"; return 1 ;;
    esac
}

# case_results FILE [PREFIX]: what a program said of its cases, in lines "ok NAME" and
# "not ok NAME - why"; all else is a note.  It says at its end "all N cases": one that
# died says less.
case_results() {
    local prefix=${2:-} line n=0
    while IFS= read -r line; do
        case $line in
        'ok '*) ok "$prefix${line#ok }" ;;
        'not ok '*) not_ok "$prefix${line#not ok }" ;;
        '#'*) echo "$line" && continue ;;
        *) note "$line" && continue ;;
        esac
        n=$((n + 1))
    done <"$1"
    equal "${prefix}the cases ran to their end" "all $n cases" "$(grep -x 'all [1-9][0-9]* cases' "$1")"
}

# wait_for SECONDS CMD...: until CMD succeeds; 1 when it never did.
wait_for() {
    local end=$((SECONDS + $1 * PATIENCE)) ms=50
    shift
    # Ever more seldom: to look takes the processor that is waited for.
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || return 1
        read -rt "0.$(printf %03d $ms)" <> <(:) || :
        [ $ms -ge 500 ] || ms=$((ms * 3 / 2))
    done
}

# ---- the wire -----------------------------------------------------------------

# hosts_up NAME...: host number I has the addresses 10.77.0.I and fd77::I.
hosts_up() {
    local h i=0
    for h in "$@" wire; do
        # What is not ours is not touched.
        [ ! -e "/run/netns/$h" ] && [ ! -e "$CONF/$h" ] && [ ! -e "/etc/default/weftd-$h" ] ||
            { not_ok "host $h" "there is a namespace or a weftd of that name"; exit 1; }
    done
    ip netns add wire
    for h in "$@"; do ip netns add "$h"; done
    # One process for many commands: under emulation each takes its time.
    {
        echo link add br0 type bridge forward_delay 0 mcast_snooping 0
        echo link set br0 up
        for h in "$@"; do
            echo "link add $h type veth peer name eth0 netns $h"
            echo "link set $h master br0 up"
        done
    } | ip -n wire -batch -
    for h in "$@"; do
        i=$((i + 1))
        HOSTS+=("$h")
        printf '%s\n' "link set lo up" "addr add 10.77.0.$i/24 dev eth0" \
            "addr add fd77::$i/64 dev eth0 nodad" "link set eth0 up" | ip -n "$h" -batch -
    done
}
hosts_down() {
    local h
    [ ${#HOSTS[@]} != 0 ] || return 0
    for h in "${HOSTS[@]}" wire; do
        ip netns del "$h" 2>/dev/null || :
        rm -rf "${CONF:?}/$h" "/var/lib/weft-netns/$h" "/etc/default/weftd-$h"
    done
    rm -rf /var/lib/weft-e2e-ca
    [ -n "${VM_RUN:-}" ] || rm -f "$DROPINS/weftd@.service.d/e2e.conf"
    HOSTS=()
}
# wire_netem HOST NETEM-ARGUMENT...: delay, loss ... on what HOST sends; none: off
wire_netem() {
    local h=$1
    shift
    in_host "$h" tc qdisc del dev eth0 root 2>/dev/null || :
    [ $# = 0 ] || in_host "$h" tc qdisc add dev eth0 root netem "$@"
}
# nsenter, not "ip netns exec": that mounts /sys anew, for a tenth of a second
in_host() { # HOST CMD...: without an identity of its own
    local h=$1
    shift
    nsenter --net="/run/netns/$h" "$@"
}

# capture_start FILE [TCPDUMP-ARGUMENT]...: all that HOST h1's cable carries
capture_start() {
    local file=$1
    shift
    : >"$file.log"
    nsenter --net=/run/netns/wire tcpdump -i h1 -w "$file" -U --immediate-mode -B 16384 -Z root \
        "$@" 2>"$file.log" &
    _capture=$!
    wait_for 20 grep -q 'listening on' "$file.log" || not_ok capture "$(cat "$file.log")"
}
capture_stop() {
    kill -INT "$_capture" 2>/dev/null
    wait "$_capture" 2>/dev/null
    _capture=
}
# wire_tls NAME FILE PORT [MARKER]...: only whole TLS 1.3 connections at PORT, no MARKER
wire_tls() {
    local name=$1 file=$2 port=$3
    shift 3
    check "$name" python3 -SE "$E2E/pcap.py" "$file" --port "$port" --want tls --absent "$@"
}
# wire_plain NAME FILE PORT MARKER...: readable to everybody
wire_plain() {
    local name=$1 file=$2 port=$3
    shift 3
    check "$name" python3 -SE "$E2E/pcap.py" "$file" --port "$port" --want plain --present "$@"
}

# ---- module and daemon --------------------------------------------------------

# module_load [PARAMETER]...: handshakes get more time than 10 s: under emulation a
# burst of them may need it
module_load() {
    modprobe tls && insmod "$MODULE" handshake_timeout=$((60000 * PATIENCE)) "$@"
}
module_loaded() { [ -d /sys/module/weft ]; }
module_unload() {
    ! module_loaded || rmmod weft
}

# weft_install: what "make install" installs; weft_uninstall takes away what was
# not there before, but for a guest, which is thrown away: there it stays for the
# next test.
weft_install() {
    local f
    [ ! -e /run/weft-e2e-installed ] || return 0
    while read -r f; do
        if [ ! -e "/$f" ]; then
            INSTALLED+=("$f")
        elif ! cmp -s "$STAGE/$f" "/$f"; then
            not_ok "weft installs" "there is another /$f"
            return 1
        fi
    done < <(cd "$STAGE" && find . -type f -printf '%P\n')
    [ ${#INSTALLED[@]} = 0 ] || (cd "$STAGE" && cp --parents -p -t / "${INSTALLED[@]}") || return 1
    [ -z "${VM_RUN:-}" ] || : >/run/weft-e2e-installed
    systemctl daemon-reload
    journalctl --update-catalog >/dev/null 2>&1 || :
}
weft_uninstall() {
    [ -z "${VM_RUN:-}" ] || return 0
    [ ${#INSTALLED[@]} = 0 ] || (cd / && rm -f "${INSTALLED[@]}")
    INSTALLED=()
    systemctl daemon-reload
}

# weftd_start HOST [OPTION]...: the daemon of that namespace; all share one CA, unless
# WEFTD_CERTS says where its certificates come from instead
weftd_start() {
    local h=$1 dropin=$DROPINS/weftd@.service.d/e2e.conf text
    shift
    mkdir -p "$CONF/$h/conf.d" "${dropin%/*}"
    text="[Service]
StateDirectory=weft-netns weft-netns/%i weft-e2e-ca
$PATIENT_UNIT${WEFTD_DROPIN:-}# ends here"
    echo "WEFTD_OPTIONS=\"${WEFTD_CERTS:---ca-dir /var/lib/weft-e2e-ca} $*\"" >"/etc/default/weftd-$h"
    if [ "$(cat "$dropin" 2>/dev/null)" != "$text" ]; then
        echo "$text" >"$dropin"
        systemctl daemon-reload
    fi
    systemctl start "weftd@$h" ||
        { not_ok "weftd of $h starts"; note "$(journalctl -q --no-pager -u "weftd@$h" -n 20 -o cat)"; }
}
weftd_pid() { systemctl show -P MainPID "weftd@$1"; }

weftctl_in() { # HOST ARGUMENT...
    local h=$1
    shift
    in_host "$h" weftctl "$@"
}
# trouble HOST: what weftctl status says that somebody should see to
trouble() { weftctl_in "$1" -j status | jq -r '.trouble[]'; }
troubled() { trouble "$1" | grep -q -- "$2"; } # HOST REGEX
untroubled() { [ "$(weftctl_in "$1" -j status | jq -c .trouble)" = "[]" ]; } # HOST
generation() { weftctl_in "$1" -j status | jq -r .generation; }

# no_conns HOST SECONDS: by then the module has none there.  Else what is left, and
# where in the kernel the threads of its owner are.
_without_conns() { [ "$(weftctl_in "$1" -j status | jq -r '"\(.conns) \(.parked) \(.live) \(.undecided)"')" = "0 0 0 0" ]; }
no_conns() {
    local pid
    check "$1: no connection is left" wait_for "$2" _without_conns "$1" && return
    note "$(weftctl_in "$1" -j conn show | jq -c '.[] | select(.state != "dead")' | head -5)"
    note "$(in_host "$1" ss -Htanpo | grep -v LISTEN | head -10)"
    for pid in $(in_host "$1" ss -Htanp | grep -o 'pid=[0-9]*' | sort -u | cut -d= -f2); do
        note "$(head -n 6 /proc/"$pid"/task/*/stack 2>&1 | head -40)"
    done
    note "$(weftctl_in "$1" status)"
}
_newer() { [ "$(generation "$1")" -gt "$2" ]; }

# document HOST FILE <text: put a document into HOST's directory, as an editor
# does, and wait until weftd has put it in force.
document() {
    local h=$1 dir=$CONF/$1/conf.d before
    mkdir -p "$dir"
    before=$(generation "$h") || before=0
    cat >"$dir/.$2.new" && mv "$dir/.$2.new" "$dir/$2"
    wait_for 20 _newer "$h" "${before:-0}" || {
        not_ok "document $2 of $h comes into force"
        note "$(journalctl -q --no-pager -u "weftd@$h" -n 10 -o cat)"
    }
}
# document_gone HOST FILE
document_gone() {
    local before
    before=$(generation "$1")
    rm -f "$CONF/$1/conf.d/$2"
    wait_for 20 _newer "$1" "$before" || not_ok "removal of $2 of $1 comes into force"
}

# ---- applications -------------------------------------------------------------

_listens() { in_host "$1" ss -Hltn "sport = :$2" | grep -q .; }
port_wait() { # HOST PORT
    wait_for 60 _listens "$1" "$2" || not_ok "port $2 of $1" "nobody listens"
}

# unit_in HOST UNIT: Debian's unit, in that host's network
unit_in() {
    mkdir -p "$DROPINS/$2.service.d"
    printf '[Unit]\nStartLimitIntervalSec=0\n[Service]\nNetworkNamespacePath=/run/netns/%s\n' \
        "$1" >"$DROPINS/$2.service.d/weft-e2e.conf"
    systemctl daemon-reload
    # A kernel that slow makes a client look as if it were gone, with weft and without.
    [ "$KVER-$2" != kasan-nginx ] || echo 'send_timeout 1h; client_header_timeout 1h;' >/etc/nginx/conf.d/patient.conf
    APPS+=("$2")
}

# start_app UNIT HOST PORT CMD...: a server of our own, as a unit
start_app() {
    local unit=$1 h=$2 port=$3
    shift 3
    APPS+=("$unit")
    systemd-run -q --collect --unit="$unit" -p NetworkNamespacePath="/run/netns/$h" \
        -p TasksMax=infinity -p LimitNOFILE=65536 -- "$@"
    port_wait "$h" "$port"
}

# run_as UNIT HOST CMD...: a client as unit UNIT; its output and its status are ours
run_as() {
    local unit=$1 h=$2
    shift 2
    systemd-run -q --collect --wait --pipe --unit="$unit" -p NetworkNamespacePath="/run/netns/$h" \
        -p TasksMax=infinity -p WorkingDirectory="$T" -p LimitNOFILE=65536 -- "$@" </dev/null
}
# run_as_bg UNIT HOST CMD...: the same in the background, output in $T/UNIT.out
run_as_bg() {
    local unit=$1
    run_as "$@" >"$T/$unit.out" 2>&1 &
    _jobs+=($!)
    export JOB=$!
}

# puppet UNIT HOST: a program that does what it is told (puppet.py)
puppet() {
    APPS+=("$1")
    rm -f "$T/$1" # of an earlier one
    systemd-run -q --collect --unit="$1" -p NetworkNamespacePath="/run/netns/$2" \
        python3 -SE "$E2E/puppet.py" "$T/$1"
    wait_for 60 test -S "$T/$1" || not_ok "puppet $1" "does not start"
}
# tell UNIT LINE: what it answers; 1 when it is gone, does not answer within two
# minutes, or LINE is no Python
tell() {
    local answer
    # socat, not a second Python: to start that takes most of a second.
    answer=$(socat -t $((120 * PATIENCE)) - "UNIX-CONNECT:$T/$1" <<<"$2") || :
    printf '%s\n' "$answer"
    [[ -n $answer && $answer != "not python: "* ]]
}

# program <PYTHON: as one line for tell
program() { python3 -SE -c 'import sys; print("exec(" + repr(sys.stdin.read()) + ")")'; }

# talks UNIT HOST ADDRESS PORT: "ok" when a client, as unit UNIT, says something to a
# server that echoes; or the errno of connect(), or what dial.py has to say
talks() {
    local out
    out=$(run_as "$1" "$2" python3 -SE "$E2E/dial.py" talk "$3" "$4" 1 hello 2>&1)
    case $out in
    "ok "*" ms") echo ok ;;
    *) echo "$out" ;;
    esac
}

# journal ARGUMENT...: matching records, oldest first
journal() {
    journalctl --sync
    journalctl -q --no-pager "$@"
}
journal_has() { journalctl -q --no-pager "$@" | grep -q .; }

# conns HOST [JQ-FILTER]: its connections as JSON, one a line
conns() { weftctl_in "$1" -j conn show | jq -c ".[] ${2:+| $2}"; }

# ---- the end ------------------------------------------------------------------

# Processes in networks that are not the guest's own: they may hold the module.
_strangers() {
    local p
    for p in /proc/[0-9]*; do
        [ "$(readlink "$p/ns/net" 2>/dev/null)" != "$(readlink /proc/self/ns/net)" ] || continue
        [ -n "$(tr -d '\0' <"$p/cmdline")" ] || continue
        echo "${p#/proc/} $(tr '\0' ' ' <"$p/cmdline"): $(cat "$p/wchan")"
        nsenter --net="$p/ns/net" ss -tanemiH | head -20
    done
}

_diagnose() {
    local h
    note "---- what there was at the failure"
    for h in "${HOSTS[@]}"; do
        note "weftctl of $h:" "$(weftctl_in "$h" status 2>&1 | tail -40)" \
            "$(weftctl_in "$h" conn show 2>&1 | tail -30)"
        note "journal of weftd@$h:" "$(journalctl -q --no-pager -o short-monotonic -u "weftd@$h" -n 40 2>&1)"
    done
    note "kernel:" "$(dmesg | tail -30)"
}
e2e_end() {
    local rc=$? a j
    trap - EXIT
    [ "$rc" = 0 ] || [ "$_failed" != 0 ] || not_ok "${0##*/} runs to its end" "status $rc"
    [ "$_failed" = 0 ] || _diagnose
    [ -z "${_capture:-}" ] || capture_stop
    for j in "${_jobs[@]}"; do kill "$j" 2>/dev/null; done
    if [ ${#APPS[@]} != 0 ]; then
        systemctl stop "${APPS[@]}" 2>/dev/null
        for a in "${APPS[@]}"; do rm -f "$DROPINS/$a.service.d/weft-e2e.conf"; done
    fi
    [ ${#HOSTS[@]} = 0 ] || systemctl stop "${HOSTS[@]/#/weftd@}" 2>/dev/null
    for j in "${_jobs[@]}"; do wait "$j" 2>/dev/null; done
    hosts_down
    systemctl reset-failed 2>/dev/null
    # Whoever still holds a reference must let go of it, TIME_WAIT included.
    if module_loaded; then
        if wait_for 90 module_unload; then ok "module unloads"; else
            not_ok "module unloads" "$(lsmod | grep ^weft)"
            note "$(_strangers)"
        fi
    fi
    weft_uninstall
    rm -rf "$T"
    [ "$_failed" = 0 ] && [ "$_passed" != 0 ]
    exit $? # without it: the status from before the trap
}

# e2e_begin: the usual start: two hosts, module, a daemon on each
e2e_begin() {
    trap e2e_end EXIT
    trap 'exit 143' TERM
    weft_install || exit 1
    hosts_up h1 h2
    module_load "$@" || { not_ok "module loads" "$(dmesg | tail -5)"; exit 1; }
    weftd_start h1
    weftd_start h2
}
