#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# weftctl apply: documents into force or not at all; confirmed they stay, else they
# go, whoever was killed meanwhile: weftctl, weftd, or both; live connections go on
# where nothing is against them, and a policy that cuts them off goes by itself.
# timeout: 480
# kernels: 6.12
# debug: no
. "$(dirname "$(readlink -f "$0")")/lib.sh"
trap e2e_end EXIT
hosts_up h1 h2
start_app tellers h2 9001 python3 -SE "$E2E/dial.py" server tell:9001
weft_install || exit 1
module_load || exit 1
weftd_start h1
weftd_start h2
dir=$CONF/h2/conf.d
state=/var/lib/weft-netns/h2
document h2 tellers.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: tellers}
spec: {selectors: [{unit: tellers.service}]}
Y
document h1 a.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: client}
spec: {selectors: [{unit: client.service}]}
---
apiVersion: weft/v1
kind: Workload
metadata: {name: caller}
spec: {selectors: [{unit: caller.service}]}
---
apiVersion: weft/v1
kind: Service
metadata: {name: tell}
spec:
  addresses: [240.0.0.9]
  ports: [{port: 9001}]
  endpoints: [{address: 10.77.0.2}]
Y

# --- what is applied, in a directory of its own
new=$T/new
mkdir "$new"
service() { # NAME PORT
    printf 'apiVersion: weft/v1\nkind: Service\nmetadata: {name: %s}\nspec: {ports: [{port: %s}]}\n' "$@"
}
service one 1 >"$new/one.yaml"
service two 2 >"$new/two.yaml"
service bad 70000 >"$new/bad.yaml"
# Nobody may in: it cuts whoever is.
cat >"$new/cut.yaml" <<'Y'
apiVersion: weft/v1
kind: AuthorizationPolicy
metadata: {name: cut}
spec: {action: DENY, workload: tellers, rules: [{}]}
Y

# --- one live connection at a time
call() { run_as caller h1 python3 -SE "$E2E/dial.py" call 240.0.0.9 9001; }
allowed() { [[ $(call) == "ok 9001 "* ]]; }
denied() { [ "$(call)" = EACCES ]; }
keep() { # NAME: a connection that lives
    rm -f "$T/keep"
    mkfifo "$T/keep"
    systemd-run -q --collect --wait --pipe --unit=client -p NetworkNamespacePath=/run/netns/h1 \
        python3 -SE "$E2E/dial.py" keep 240.0.0.9 9001 <"$T/keep" >"$T/keep.out" 2>&1 &
    keeper=$!
    _jobs+=("$keeper")
    exec 7>"$T/keep"
    lines=1
    check "$1" wait_for 60 kept
}
kept() { [ "$(wc -l <"$T/keep.out")" -ge $lines ]; }
flows() { # the live connection, in the middle of its life
    lines=$((lines + 1))
    echo "line $lines" >&7
    wait_for 20 kept && [ "$(sed -n ${lines}p "$T/keep.out")" = "ok line $lines" ]
}
let_go() {
    exec 7>&-
    wait "$keeper"
}

apply() { weftctl_in h2 apply "$@"; }
apply_bg() { # in a process that can be killed
    nsenter --net=/run/netns/h2 weftctl apply "$@" >/dev/null 2>&1 &
    applier=$!
}
shown() { weftctl_in h2 -j apply show | jq -r .state; }
shows() { [ "$(shown)" = "$1" ]; }
names() { weftctl_in h2 -j service show | jq -c 'map(.name) | sort'; }
has_names() { [ "$(names)" = "$1" ]; }
files() { (cd "$dir" && find . -type f -printf '%P\n' | sort | paste -sd ' '); }
journaled() { journalctl -q --no-pager -u weftd@h2 -o cat | grep -qF -- "$1"; }

# --- applied, and refused
keep "traffic flows"
out=$(apply "$new/one.yaml" "$new/two.yaml" 2>&1)
equal "good documents are applied" 0 $?
contains "what changes is told" "service one added" "$out"
contains "and the generation" "in force: generation $(generation h2)" "$out"
equal "they are in force when apply ends" '["one","two"]' "$(names)"
check "the journal names them" wait_for 20 journaled "apply: one.yaml, two.yaml: applied"
equal "nothing is pending" "nothing is pending" "$(shown)"
check "traffic flows after that" flows

before=$(generation h2)
service one 3 >"$new/one.yaml"
out=$(apply "$new/one.yaml" "$new/bad.yaml" --confirm 60s 2>&1)
equal "a bad document is refused" 1 $?
equal "with weftd's own line" "weftctl: $dir/bad.yaml:4: Service \"bad\": spec.ports[0].port: 70000: must be 1 to 65535" "$out"
equal "nothing was touched" "one.yaml tellers.yaml two.yaml" "$(files)"
contains "not even the good one beside it" "port: 1" "$(cat "$dir/one.yaml")"
equal "no generation came" "$before" "$(generation h2)"
equal "nothing waits" "nothing is pending" "$(shown)"

# --- confirmed
out=$(apply "$new/one.yaml" --confirm 60s 2>&1)
equal "a change that is to be confirmed is in force" 0 $?
contains "and says until when" "without weftctl apply confirm" "$out"
equal "it waits" "to be confirmed" "$(shown)"
check "the journal says so" wait_for 20 journaled "apply: one.yaml: applied, and rolled back after"
out=$(apply "$new/two.yaml" --confirm 60s 2>&1)
equal "a second one is refused" 1 $?
contains "in words" "a former change is pending" "$out"
check "it is confirmed" apply confirm
equal "and nothing waits" "nothing is pending" "$(shown)"
check "the journal says that, too" wait_for 20 journaled "apply: one.yaml: confirmed"
contains "it stays" "port: 3" "$(cat "$dir/one.yaml")"
refute "there is nothing to confirm any more" apply confirm
refute "nor to roll back" apply rollback

# --- rolled back on request
apply "$new/cut.yaml" --confirm 1h >/dev/null
check "a policy that denies is in force" wait_for 20 denied
check "it is rolled back on request" apply rollback
check "and denies nobody any more" wait_for 20 allowed
let_go

# --- not confirmed: the connection is cut, the one who would confirm with it
keep "a new connection lives"
before=$(generation h2)
cuts() { weftctl_in h2 -j status | jq .counters.cut; }
cuts=$(cuts)
apply_bg "$new/cut.yaml" --confirm 10s
check "the change is taken" wait_for 20 shows "to be confirmed"
cut() { [ "$(cuts)" -gt "$cuts" ]; }
check "the policy cuts the live connection" wait_for 20 cut
kill -9 $applier 2>/dev/null
wait $applier 2>/dev/null
lines=$((lines + 1))
echo "line $lines" >&7
check "its client is told" wait_for 20 kept
equal "by a reset" ECONNRESET "$(sed -n ${lines}p "$T/keep.out")"
check "weftctl killed: it goes by itself" wait_for 60 allowed
check "in the generation after it" [ "$(generation h2)" -gt $((before + 1)) ]
check "the journal says why" wait_for 20 journaled "apply: cut.yaml: rolled back, not confirmed in time"
equal "its file is gone" "one.yaml tellers.yaml two.yaml" "$(files)"
exec 7>&-
wait "$keeper"

# --- weftd killed meanwhile: the next one has the same deadline
keep "another one lives"
pid=$(weftd_pid h2)
apply "$new/one.yaml" --confirm 60s >/dev/null # the same again: nothing to do
equal "the same again is no change" "nothing is pending" "$(shown)"
service three 3 >"$new/three.yaml"
check "a change, and weftd is killed" apply "$new/three.yaml" --confirm 15s
kill -9 "$pid"
back() { [ "$(weftd_pid h2)" != "$pid" ] && [ "$(systemctl is-active weftd@h2)" = active ]; }
check "it is back" wait_for 60 back
check "and rolls back in time" wait_for 60 shows "nothing is pending"
check "which is in force" wait_for 20 has_names '["one","two"]'
check "the connection lives" flows

# --- weftd stopped beyond the deadline: it restores before it loads
before=$(journalctl -q --no-pager -u weftd@h2 -o cat | grep -c 'rolled back, not confirmed')
check "a change, and weftd is stopped" apply "$new/three.yaml" --confirm 10s
systemctl stop weftd@h2
refute "without weftd none is to be confirmed" apply "$new/two.yaml" --confirm 60s
due() { [ "$(weftctl_in h2 -j apply show | jq .left_ms)" = 0 ]; }
check "the deadline passes" wait_for 30 due
equal "its file is there" "one.yaml tellers.yaml three.yaml two.yaml" "$(files)"
systemctl start weftd@h2
equal "started, it is gone" "one.yaml tellers.yaml two.yaml" "$(files)"
equal "and out of force" '["one","two"]' "$(names)"
again() { [ "$(journalctl -q --no-pager -u weftd@h2 -o cat | grep -c 'rolled back, not confirmed')" -gt "$before" ]; }
check "the journal says so again" wait_for 20 again
check "the connection lives on" flows

# --- due, and it cannot be undone: it is not loaded either
check "a change, and weftd is stopped" apply "$new/three.yaml" --confirm 10s
systemctl stop weftd@h2
check "the deadline passes again" wait_for 30 due
mkdir -p "$state/apply/restoring/in-the-way"
systemctl start weftd@h2
check "the next one says what it waits for" wait_for 20 journaled "documents are not loaded"
check "so does weftctl status" wait_for 20 troubled h2 "^documents are not loaded until"
check "what there was before it is in force" wait_for 20 has_names '["one","two"]'
check "as the last good ones" troubled h2 "rolled back; the last good ones, of .*, are in force"
before=$(generation h2)
check "it is asked to load them" systemctl reload weftd@h2
service four 4 >"$dir/four.yaml"
equal "neither then nor by a new document it loads any" "$before" "$(generation h2)"
check "nothing came into force meanwhile" has_names '["one","two"]'
rm -r "$state/apply/restoring"
check "once it can, it undoes the change and loads the rest" wait_for 30 has_names '["four","one","two"]'
rm "$dir/four.yaml"
check "and is as before" wait_for 20 has_names '["one","two"]'
equal "without that file" "one.yaml tellers.yaml two.yaml" "$(files)"

# --- the directory of changes is replaced
rm -r "$state/apply"
check "a change in a new directory" apply "$new/three.yaml" --confirm 10s
check "is undone, too" wait_for 30 has_names '["one","two"]'

# --- changed by another hand meanwhile
service one 4 >"$new/one.yaml"
service two 4 >"$new/two.yaml"
check "a change of two files" apply "$new/one.yaml" "$new/two.yaml" --confirm 1h
service two 5 >"$dir/two.yaml"
check "one of which is changed by hand, is rolled back" apply rollback
contains "the other is as before" "port: 3" "$(cat "$dir/one.yaml")"
contains "that one is left alone" "port: 5" "$(cat "$dir/two.yaml")"
check "the journal tells" wait_for 20 journaled "two.yaml: changed by somebody else since"

# --- weftctl killed in the middle of a plain apply: whatever it was at, all or nothing
for _ in $(seq "$(scaled 5)"); do
    service one $((RANDOM % 1000 + 6)) >"$new/one.yaml"
    cp "$new/one.yaml" "$T/wanted"
    cp "$dir/one.yaml" "$T/former"
    apply_bg "$new/one.yaml"
    read -rt "0.0$((RANDOM % 90 + 10))" <> <(:) || :
    kill -9 $applier 2>/dev/null
    wait $applier 2>/dev/null
    shows "nothing is pending" || apply rollback >/dev/null
    cmp -s "$T/wanted" "$dir/one.yaml" || cmp -s "$T/former" "$dir/one.yaml" ||
        not_ok "a killed apply leaves all or nothing" "$(cat "$dir/one.yaml")"
done
check "after killed ones the next is applied" apply "$new/two.yaml"
equal "nothing is left in the directory" "one.yaml tellers.yaml two.yaml" "$(files)"
records_gone() { [ "$(ls "$state/apply")" = lock ]; }
check "nor among the records" wait_for 20 records_gone
check "traffic flows in the end" flows
let_go
