#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# weftctl simulate and suggest: what is said of a change is what happens when it is
# made, nothing changes by asking, and the least policy keeps what there is and
# nobody else; whoever writes records that look like weftd's is not believed.
# timeout: 600
# seconds: 150
# kernels: 6.12
# debug: no
. "$(dirname "$(readlink -f "$0")")/lib.sh"
trap e2e_end EXIT
hosts_up h1 h2
start_app web h2 9100 python3 -SE "$E2E/dial.py" server tell:9001 tell:9002 tell:9100
start_app old h2 9003 python3 -SE "$E2E/dial.py" server tell:9003
weft_install || exit 1
module_load || exit 1
weftd_start h1
weftd_start h2
dir=$CONF/h2/conf.d
new=$T/new
mkdir "$new"
since=@$(date +%s) # the journal has what other tests did before

web() { # MODE-OF-9100
    cat <<Y
apiVersion: weft/v1
kind: Workload
metadata: {name: web}
spec: {selectors: [{unit: web.service}], ports: [{port: 9100, mode: $1}]}
Y
}
web permissive | document h2 web.yaml
document h2 old.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: old}
spec: {selectors: [{unit: old.service}]}
Y
service() { # IDENTITY
    cat <<Y
apiVersion: weft/v1
kind: Service
metadata: {name: web}
spec:
  addresses: [240.0.0.1]
  ports: [{port: 9001}, {port: 9002}, {port: 9003}]
  endpoints: [{address: 10.77.0.2}]
  identities: ["$1", old]
Y
}
for w in cart till stranger; do
    printf '%s\n' --- "apiVersion: weft/v1" "kind: Workload" "metadata: {name: $w}" \
        "spec: {identity: shop/$w, selectors: [{unit: $w.service}]}"
done | sed 1d | document h1 workloads.yaml
service web | document h1 service.yaml

call() { # CALLER PORT: "ok ..." or an errno
    case $1 in
    outside) run_as outside h1 python3 -SE "$E2E/dial.py" call 10.77.0.2 "$2" ;;
    *) run_as "$1" h1 python3 -SE "$E2E/dial.py" call 240.0.0.1 "$2" ;;
    esac
}
allowed() { contains "$1" "ok $3 " "$(call "$2" "$3")"; } # NAME CALLER PORT
simulate() { weftctl_in h2 simulate --since "$since" "$@"; }
suggest() { weftctl_in h2 suggest --since "$since" "$@"; }
# simulated STATUS FILE...: JSON; what was let in and would not be, by caller and port
simulated() {
    local want=$1 got=0 out
    shift
    out=$(simulate -j "$@") || got=$?
    [ $got = "$want" ] || not_ok "simulate $*" "status $got, not $want"
    jq -c '[.flows[] | select(.was == "allowed" and .would_be != "allowed" and .role == "server")
        | [(.peer | sub("spiffe://mesh.local/shop/"; "")), .port, .would_be, .why]]' <<<"$out"
}
policy() { # FILE ACTION RULES
    printf '%s\n' "apiVersion: weft/v1" "kind: AuthorizationPolicy" \
        "metadata: {name: $(basename "$1" .yaml)}" \
        "spec: {action: $2, workload: web, rules: $3}" >"$1"
}

# --- a connection that is still open counts, however long ago it was made
policy "$T/only.yaml" ALLOW '[{from: {identities: [shop/cart]}}]'
puppet till h1
contains "till calls and stays" 9002 \
    "$(tell till "exec('import socket; s = socket.create_connection((\"240.0.0.1\", 9002))') or s.recv(100)")"
made() { journal -o cat WEFT_ROLE=server WEFT_LOCAL=10.77.0.2:9002 | grep -q .; }
wait_for 20 made || not_ok "its record is written"
sleep 2
since=@$(date +%s)
equal "what would become of it is told" '[["till",9002,"refused","no ALLOW policy matches"]]' \
    "$(simulated 2 "$T/only.yaml")"
contains "in words, too" "1 of them were opened before and are still open" "$(simulate "$T/only.yaml")"
systemctl stop till
no_conns h2 30
sleep 2
since=@$(date +%s)

# --- before anything is recorded
policy "$new/any.yaml" ALLOW '[{}]'
contains "without records that is said" "no connection is recorded since" "$(simulate "$new/any.yaml" 2>&1)"
contains "to suggest as well" "no connection is recorded since" "$(suggest 2>&1)"

# --- what there is
allowed "cart calls" cart 9001
allowed "cart calls again" cart 9001
allowed "cart calls another port" cart 9002
allowed "till calls" till 9001
allowed "till calls old" till 9003
allowed "somebody outside calls in plaintext" outside 9100
six() { [ "$(simulate -j "$new/any.yaml" | jq '[.flows[] | select(.role == "server") | .count] | add')" = 6 ]; }
wait_for 20 six || not_ok "all six are recorded" "$(simulate "$new/any.yaml" 2>&1)"

# --- what is said of changes; nothing changes by asking
before=$(generation h2)
equal "who lets all in refuses nobody" '[]' "$(simulated 0 "$new/any.yaml")"
policy "$new/cart.yaml" ALLOW '[{from: {identities: [shop/cart]}, to: {ports: [9001]}}]'
equal "an ALLOW refuses whom it does not name" \
    '[["cart",9002,"refused","no ALLOW policy matches"],["till",9001,"refused","no ALLOW policy matches"],["10.77.0.1",9100,"refused","no ALLOW policy matches"]]' \
    "$(simulated 2 "$new/cart.yaml")"
policy "$new/deny.yaml" DENY '[{from: {ipBlocks: [10.77.0.0/16]}, to: {ports: [9100, 9002]}}]'
equal "a DENY refuses by address" \
    '[["cart",9002,"refused","policy deny"],["10.77.0.1",9100,"refused","policy deny"]]' \
    "$(simulated 2 "$new/deny.yaml")"
cat >"$new/front.yaml" <<'Y'
apiVersion: weft/v1
kind: Service
metadata: {name: front}
spec: {ports: [{port: 80, targetPort: 9001}], identities: [web], endpoints: [{address: 10.77.0.2}]}
---
apiVersion: weft/v1
kind: AuthorizationPolicy
metadata: {name: front}
spec: {service: front, rules: [{from: {identities: [shop/cart]}, to: {ports: [9001]}}]}
Y
equal "an ALLOW for a service refuses at its port only" \
    '[["till",9001,"refused","no ALLOW policy matches"]]' "$(simulated 2 "$new/front.yaml")"
equal "both together" \
    '[["cart",9002,"refused","policy deny"],["till",9001,"refused","no ALLOW policy matches"],["10.77.0.1",9100,"refused","policy deny"]]' \
    "$(simulated 2 "$new/deny.yaml" "$new/cart.yaml")"
web strict >"$new/web.yaml"
equal "strict refuses plaintext" '[["10.77.0.1",9100,"refused","plaintext at a strict port"]]' \
    "$(simulated 2 "$new/web.yaml")"
sed 's/name: old/name: new/' "$dir/old.yaml" >"$new/old.yaml"
equal "a workload that goes leaves the mesh" '[["till",9003,"unmeshed","its workload would be gone"]]' \
    "$(simulated 2 "$new/old.yaml")"
text=$(simulate "$new/cart.yaml")
contains "the text counts" "6 connections since " "$text"
contains "and says what of" "of those let in 3 would be refused and 0 unmeshed" "$text"
service bank >"$new/service.yaml"
contains "at the caller's the identities of a service count" "not an identity of the service" \
    "$(weftctl_in h1 simulate --since "$since" "$new/service.yaml")"
equal "no generation came of it" "$before" "$(generation h2)"
equal "and no document" "old.yaml web.yaml" "$(cd "$dir" && echo *)"
equal "nothing is pending" "nothing is pending" "$(weftctl_in h2 -j apply show | jq -r .state)"

# --- static objects count, as they would
in_host h2 weftctl policy add cart action allow workload web any
equal "a static policy that hides the document's" '[]' "$(simulated 0 "$new/cart.yaml")"
in_host h2 weftctl policy del cart

# --- weftd is not kept waiting
for _ in 1 2 3 4 5; do simulate "$new/cart.yaml" >/dev/null; echo "$?"; done >"$T/codes" &
job=$!
for i in 1 2 3; do
    printf 'apiVersion: weft/v1\nkind: Service\nmetadata: {name: s%s}\nspec: {ports: [{port: 1}]}\n' "$i" |
        document h2 spare.yaml
done
wait $job
equal "asking goes on while weftd changes what is in force" "2 2 2 2 2" "$(paste -sd' ' "$T/codes")"
document_gone h2 spare.yaml

# --- records of somebody else
setpriv --reuid 65534 --clear-groups logger --journald <<'R' || not_ok "a forged record" "logger failed"
MESSAGE_ID=1714d65f6e894a05b1d4144b6eedc2a1
MESSAGE=allow
WEFT_VERDICT=live
WEFT_REASON=none
WEFT_ROLE=server
WEFT_WORKLOAD=web
WEFT_PEER_IDENTITY=spiffe://mesh.local/evil
WEFT_LOCAL=10.77.0.2:9001
WEFT_REMOTE=10.77.0.1:40000
R
forged() { journal -o cat WEFT_PEER_IDENTITY=spiffe://mesh.local/evil | grep -q .; }
wait_for 20 forged || not_ok "the forged record is in the journal"

# --- the least
rules() { grep -v '^ *#' "$1" | sed 's/ *#.*//'; }
suggest >"$new/least.yaml" || not_ok "suggest" "$(suggest 2>&1)"
cat >"$T/wanted" <<'Y'
---
apiVersion: weft/v1
kind: AuthorizationPolicy
metadata: {name: suggest.old}
spec:
  action: ALLOW
  workload: "old"
  rules:
  - from:
      identities:
      - "spiffe://mesh.local/shop/till"
    to: {ports: [9003]}
---
apiVersion: weft/v1
kind: AuthorizationPolicy
metadata: {name: suggest.web}
spec:
  action: ALLOW
  workload: "web"
  rules:
  - from:
      identities:
      - "spiffe://mesh.local/shop/till"
    to: {ports: [9001]}
  - from:
      identities:
      - "spiffe://mesh.local/shop/cart"
    to: {ports: [9001, 9002]}
  - from:
      ipBlocks:
      - "10.77.0.1/32"
    to: {ports: [9100]}
Y
equal "the least lets in what was let in, and no forgery" "$(cat "$T/wanted")" "$(rules "$new/least.yaml")"
contains "and says of what it speaks" "6 connections" "$(head -3 "$new/least.yaml")"
contains "and how often" "shop/cart\"  # 3 times, last 20" "$(cat "$new/least.yaml")"
equal "for one workload" "suggest.old" "$(suggest old | sed -n 's/.*name: \(.*\)}/\1/p')"
equal "by it nobody would be refused" '[]' "$(simulated 0 "$new/least.yaml")"
journals=/run/log/journal
[ -d /var/log/journal ] && [ -n "$(ls -A /var/log/journal)" ] && journals=/var/log/journal
suggest --journal "$journals" >"$T/other"
equal "the same from a directory" "$(rules "$new/least.yaml")" "$(rules "$T/other")"

# --- in force, it does what was said
check "it is applied as it is" weftctl_in h2 apply "$new/least.yaml"
allowed "what there was goes on: cart" cart 9001
allowed "cart at the other port" cart 9002
allowed "till" till 9001
allowed "till at old" till 9003
allowed "plaintext" outside 9100
equal "a stranger is refused" EACCES "$(call stranger 9001)"
equal "so is whom it knows at another port" EACCES "$(call till 9002)"
stranger() { simulate -j "$new/any.yaml" | jq -e '.flows[] | select(.peer == "spiffe://mesh.local/shop/stranger")'; }
wait_for 20 stranger || not_ok "the stranger is recorded"
equal "who was refused and would be let in is told" '["refused","allowed","policy any"]' \
    "$(simulate -j "$new/any.yaml" | jq -c '.flows[] | select(.role == "server" and (.peer | endswith("stranger"))) | [.was, .would_be, .why]')"
refute "what was refused is not suggested" grep -q stranger <(suggest)
contains "but said to be left out" "Left out: 2 that were refused" "$(suggest)"
check "unless it is asked for" grep -q stranger <(suggest --refused)
equal "of what is refused already nothing is said to be refused" '[]' "$(simulated 0 "$new/least.yaml")"

# --- exactness: what is said is what happens
exact() { # NAME FILE
    local pair caller port said got
    simulate -j "$2" >"$T/said" || :
    check "$1: applied" weftctl_in h2 apply "$2"
    for pair in cart:9001 cart:9002 till:9001 till:9002 stranger:9001 outside:9100; do
        caller=${pair%:*} port=${pair#*:}
        said=$(jq -r --arg peer "$caller" --argjson port "$port" '.flows[] |
            select(.role == "server" and .port == $port and
                (.peer | endswith(if $peer == "outside" then "10.77.0.1" else "/" + $peer end))) | .would_be' "$T/said")
        case $(call "$caller" "$port") in "ok $port "*) got=allowed ;; *) got=refused ;; esac
        equal "$1: $pair" "$said" "$got"
    done
    rm "$dir/$(basename "$2")"
}
policy "$new/x.yaml" ALLOW '[{from: {identities: ["shop/*"]}}]'
exact "ALLOW by prefix beside the least" "$new/x.yaml"
policy "$new/y.yaml" DENY '[{from: {identities: [shop/cart, shop/till]}, to: {ports: [9002]}}, {from: {ipBlocks: [10.77.0.1/32]}, to: {ports: [9100]}}]'
exact "DENY beside the least" "$new/y.yaml"
whole() {
    simulate -j "$new/any.yaml" |
        jq -e '.unreadable == 0 and any(.flows[]; .peer == "10.77.0.1" and .was == "refused")'
}
check "refused plaintext is recorded whole" wait_for 20 whole

# --- mistakes
status() { "$@" >"$T/out" 2>&1; echo $?; }
printf 'apiVersion: weft/v1\nkind: Workload\nmetadata: {name: web}\n' >"$new/bad.yaml"
equal "a bad file is refused" 1 "$(status simulate "$new/bad.yaml")"
said=$(cat "$T/out")
refute "by apply, too" weftctl_in h2 apply "$new/bad.yaml"
equal "in the same words" "$(weftctl_in h2 apply "$new/bad.yaml" 2>&1)" "$said"
mistake() { # NAME WORDS ARGUMENT...
    equal "$1: status" 1 "$(status weftctl_in h2 "${@:3}")"
    contains "$1: words" "$2" "$(cat "$T/out")"
}
mistake "no file" "which files?" simulate
mistake "no time" '--since "soon": not a time such as' simulate "$new/any.yaml" --since soon
mistake "tomorrow" 'must lie in the past' simulate "$new/any.yaml" --since "$(date -d tomorrow +%F)"
mistake "no journal" "/nowhere: cannot read it" simulate "$new/any.yaml" --journal /nowhere
mistake "an unknown workload" '(did you mean "web"?)' suggest wbe
mistake "nothing in that time" "no connection is recorded since" suggest --since now --journal "$journals"
refute "somebody without rights gets nothing" setpriv --reuid 65534 --clear-groups weftctl suggest
