#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Who may talk to whom: ALLOW, DENY, AUDIT, ports, prefixes, IP blocks, services, plaintext,
# the default; what a caller without permission sees, and what weftctl explain and both
# journals tell.
# timeout: 600
# seconds: 230
# kernels: 7.2
. "$(dirname "$(readlink -f "$0")")/lib.sh"
trap e2e_end EXIT
hosts_up h1 h2
start_app vault h2 9002 python3 -SE "$E2E/dial.py" server tell:9001 tell:9002
start_app other h2 9003 python3 -SE "$E2E/dial.py" server tell:9003
weft_install || exit 1
module_load || exit 1
weftd_start h1
weftd_start h2

document h2 workloads.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: vault}
spec: {selectors: [{unit: vault.service}]}
---
apiVersion: weft/v1
kind: Workload
metadata: {name: other}
spec: {selectors: [{unit: other.service}]}
Y
document h1 all.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: cart}
spec: {identity: shop/cart, selectors: [{unit: cart.service}]}
---
apiVersion: weft/v1
kind: Workload
metadata: {name: shopper}
spec: {identity: shopper, selectors: [{unit: shopper.service}]}
---
apiVersion: weft/v1
kind: Workload
metadata: {name: till}
spec: {identity: till, selectors: [{unit: till.service}]}
---
apiVersion: weft/v1
kind: Service
metadata: {name: vault}
spec:
  addresses: [240.0.0.1]
  ports: [{port: 9001}, {port: 9002}]
  endpoints: [{address: 10.77.0.2}]
  identities: [vault]
---
apiVersion: weft/v1
kind: Service
metadata: {name: other}
spec:
  addresses: [240.0.0.2]
  ports: [{port: 9003}]
  endpoints: [{address: 10.77.0.2}]
---
apiVersion: weft/v1
kind: Service
metadata: {name: impostor}
spec:
  addresses: ["fd00:240::3"]
  ports: [{port: 80, targetPort: 9001}]
  endpoints: [{address: "fd77::2"}]
  identities: [bank, "bank/*"]
Y

call() { run_as "$1" h1 python3 -SE "$E2E/dial.py" call "$2" "$3" "${@:4}"; }
allowed() { # NAME UNIT HOST PORT
    contains "$1" "ok $4 " "$(call "$2" "$3" "$4")"
}
denied() { # NAME UNIT HOST PORT
    equal "$1" EACCES "$(call "$2" "$3" "$4")"
}
last() { # HOST JQ-CONDITION: the newest such connection
    conns "$1" "select($2)" | jq -sc 'max_by(.id)'
}
explain() { weftctl_in "$1" explain "$(jq .id <<<"$2")"; }

# --- who gets in
allowed "without a policy everybody of the mesh gets in" till 240.0.0.1 9001
document h2 policy.yaml <<'Y'
apiVersion: weft/v1
kind: AuthorizationPolicy
metadata: {name: shops}
spec:
  action: ALLOW
  workload: vault
  rules:
  - from: {identities: ["shop/*"]}
    to: {ports: [9001]}
Y
allowed "ALLOW by prefix lets the identity in" cart 240.0.0.1 9001
denied "a prefix ends at its slash" shopper 240.0.0.1 9001
denied "whom no ALLOW names is denied" till 240.0.0.1 9001
denied "ALLOW counts for its ports only" cart 240.0.0.1 9002
denied "and at the endpoint's own address as well" till 10.77.0.2 9001
allowed "a workload without an ALLOW of its own stays open" till 240.0.0.2 9003

# --- what is told about a denial
caller=$(last h1 '.workload == "till" and .asked == "240.0.0.1:9001" and .state == "dead"')
server=$(last h2 '.peer_identity == "spiffe://mesh.local/till" and .workload == "vault" and .state == "dead"')
equal "the caller's record: reason, errno, both identities" \
    '["peer-denied","EACCES","spiffe://mesh.local/till","spiffe://mesh.local/vault"]' \
    "$(jq -c '[.reason, .errno, .identity, .peer_identity]' <<<"$caller")"
equal "the server's record: reason, errno, both identities, no policy" \
    '["policy-denied","EACCES","spiffe://mesh.local/vault","spiffe://mesh.local/till",null]' \
    "$(jq -c '[.reason, .errno, .identity, .peer_identity, .policy]' <<<"$server")"
text=$(explain h1 "$caller")
contains "explain at the caller's says who" spiffe://mesh.local/till "$text"
contains "explain at the caller's says to whom" "proved to be spiffe://mesh.local/vault" "$text"
contains "explain at the caller's says what the application saw" "EACCES" "$text"
contains "explain at the caller's says what to do" "A policy or a revocation of the server's host decided" "$text"
text=$(explain h2 "$server")
contains "explain at the server's says who" "proved to be spiffe://mesh.local/till" "$text"
contains "explain at the server's says that no ALLOW matched" 'no "allow" policy matched' "$text"

fields() { # UNIT JQ-FILTER MATCH...: of its newest such record
    journal -u "$1" -o json "${@:3}" -n 1 | jq -c "$2"
}
caller_fields() {
    fields till '[.WEFT_VERDICT, .WEFT_REASON, .WEFT_ERRNO, .WEFT_IDENTITY, .WEFT_PEER_IDENTITY,
        .WEFT_SERVICE, .WEFT_ENDPOINT, .WEFT_ASKED, .WEFT_COMM]' WEFT_ROLE=client WEFT_VERDICT=denied WEFT_CONN="$(jq .id <<<"$caller")"
}
server_fields() {
    fields vault '[.WEFT_VERDICT, .WEFT_REASON, .WEFT_ERRNO, .WEFT_IDENTITY, .WEFT_PEER_IDENTITY,
        .WEFT_POLICY, (.WEFT_GENERATION | tonumber > 0), (.OBJECT_PID | tonumber > 0)]' \
        WEFT_ROLE=server WEFT_VERDICT=denied WEFT_CONN="$(jq .id <<<"$server")"
}
has_caller() { caller_fields | grep -q .; }
has_server() { server_fields | grep -q .; }
wait_for 20 has_caller
equal "journalctl -u of the caller tells it" \
    '["denied","peer-denied","EACCES","spiffe://mesh.local/till","spiffe://mesh.local/vault","vault","10.77.0.2:9001","240.0.0.1:9001","python3"]' \
    "$(caller_fields)"
wait_for 20 has_server
equal "journalctl -u of the server tells it" \
    '["denied","policy-denied","EACCES","spiffe://mesh.local/vault","spiffe://mesh.local/till",null,true,true]' \
    "$(server_fields)"
contains "in words" "deny: till (" "$(fields vault .MESSAGE WEFT_CONN="$(jq .id <<<"$server")" WEFT_VERDICT=denied)"

# --- DENY, and documents that change
connect() { # UNIT VARIABLE HOST PORT
    tell "$1" "exec('$2 = socket.create_connection((\"$3\", $4), 60)') or $2.recv(1000) and 'connected'"
}
echoes() { tell "$1" "$2.sendall(b'$3\\n') or $2.recv(1000)"; }
puppet cart h1
puppet shopper h1
equal "a caller whom a DENY will name has a connection" connected "$(connect cart a 240.0.0.1 9001)"
equal "and one to another workload" connected "$(connect cart b 240.0.0.2 9003)"
equal "another caller, too" connected "$(connect shopper c 240.0.0.2 9003)"
tell cart "exec('def end(s):\\n try:\\n  return s.recv(1000)\\n except OSError as e:\\n  return name_of(e)')" >/dev/null
tell cart "exec('waiting = []; w = threading.Thread(target=lambda: waiting.append(end(b))); w.start()')" >/dev/null
cut=$(weftctl_in h2 -j status | jq .counters.cut)
document h2 deny.yaml <<'Y'
apiVersion: weft/v1
kind: AuthorizationPolicy
metadata: {name: not-cart}
spec:
  action: DENY
  rules:
  - from: {identities: [shop/cart]}
Y
equal "the DENY ends its connections" ECONNRESET "$(tell cart 'a.recv(1000)')"
equal "one that waits for data, too" "ECONNRESET" "$(tell cart "w.join(60) or ' '.join(waiting)")"
equal "those, and no other" 2 $(($(weftctl_in h2 -j status | jq .counters.cut) - cut))
equal "who is not named goes on" "still here" "$(echoes shopper c "still here")"
ended() { journal_has -u "$1" WEFT_VERDICT=closed WEFT_REASON=policy-denied WEFT_POLICY=not-cart WEFT_ERRNO=ECONNRESET; }
for u in vault other; do
    check "the journal of $u says so" wait_for 20 ended $u
done
server=$(last h2 '.reason == "policy-denied" and .workload == "vault"')
contains "and explain" 'policy "not-cart"' "$(explain h2 "$server")"
cp "$CONF/h1/conf.d/all.yaml" "$T/all.yaml"
sed '/^metadata: {name: other}$/,/^---$/s/^spec:$/spec:\n  identities: [bank]/' "$T/all.yaml" | document h1 all.yaml
equal "a client ends what its service's identities no longer allow" ECONNRESET "$(tell shopper 'c.recv(1000)')"
check "and its journal says so" wait_for 20 journal_has -u shopper WEFT_VERDICT=closed WEFT_REASON=peer-identity
document h1 all.yaml <"$T/all.yaml"
systemctl stop cart shopper
denied "DENY goes before ALLOW, from the next connection on" cart 240.0.0.1 9001
denied "a DENY without a workload is for all of them" cart 240.0.0.2 9003
server=$(last h2 '.reason == "policy-denied" and .workload == "other"')
equal "its name is in the record" '"not-cart"' "$(jq .policy <<<"$server")"
contains "and in explain" 'policy "not-cart" denied it' "$(explain h2 "$server")"
named() { journal_has -u other WEFT_VERDICT=denied WEFT_POLICY=not-cart; }
check "and in the journal of the server's unit" wait_for 20 named
document_gone h2 deny.yaml
allowed "without it the ALLOW counts again" cart 240.0.0.1 9001
check "a static policy joins the documents'" \
    weftctl_in h2 policy add tills action allow workload vault \
    from spiffe://mesh.local/till port 9001
allowed "and lets in" till 240.0.0.1 9001
weftctl_in h2 policy del tills
denied "until it is deleted" till 240.0.0.1 9001
document h2 policy.yaml <<'Y'
apiVersion: weft/v1
kind: AuthorizationPolicy
metadata: {name: shops}
spec: {action: ALLOW, workload: vault}
Y
denied "an ALLOW without rules lets nobody in" cart 240.0.0.1 9001
document h2 policy.yaml <<'Y'
apiVersion: weft/v1
kind: AuthorizationPolicy
metadata: {name: shops}
spec: {action: ALLOW, workload: vault, rules: [{}]}
Y
allowed "one with an empty rule everybody" shopper 240.0.0.1 9002

# --- IP blocks
shops_from() { # IP-BLOCK...
    document h2 policy.yaml <<Y
apiVersion: weft/v1
kind: AuthorizationPolicy
metadata: {name: shops}
spec:
  action: ALLOW
  workload: vault
  rules:
  - from: {identities: ["shop/*"], ipBlocks: [$*]}
Y
}
shops_from 192.0.2.0/24, 10.77.0.0/31
allowed "an IP block that holds its address lets a caller in" cart 240.0.0.1 9001
denied "if it is who it must be" till 240.0.0.1 9001
shops_from 10.77.0.2/31, '"::/0"'
denied "from elsewhere, and IPv4 is no part of ::/0, it is denied" cart 240.0.0.1 9001

# --- AUDIT
puppet shopper h1
equal "a caller has a connection" connected "$(connect shopper c 240.0.0.2 9003)"
audited=$(weftctl_in h2 -j status | jq .counters.audited)
document h2 audit.yaml <<'Y'
apiVersion: weft/v1
kind: AuthorizationPolicy
metadata: {name: would-deny}
spec:
  action: AUDIT
  rules:
  - from: {identities: [shopper]}
Y
met() { journal_has -u other WEFT_VERDICT="$1" WEFT_AUDIT_POLICY=would-deny; }
check "an AUDIT policy tells of it" wait_for 20 met audit
equal "and it goes on" "still here" "$(echoes shopper c "still here")"
equal "as does a new one" connected "$(connect shopper d 240.0.0.2 9003)"
check "whose record names the policy" wait_for 20 met live
equal "those, and no other, were counted" 2 $(($(weftctl_in h2 -j status | jq .counters.audited) - audited))
server=$(last h2 '.workload == "other" and .state == "live"')
equal "and weftctl conn, as one that did not decide" '["would-deny",null]' "$(jq -c '[.audit, .policy]' <<<"$server")"
contains "and explain" 'AUDIT policy "would-deny" matches' "$(explain h2 "$server")"
document h2 audit.yaml <<'Y'
apiVersion: weft/v1
kind: AuthorizationPolicy
metadata: {name: would-deny}
spec: {action: DENY, rules: [{from: {identities: [shopper]}}]}
Y
equal "the same rules as a DENY end it" ECONNRESET "$(tell shopper 'c.recv(1000)')"
document_gone h2 audit.yaml
systemctl stop shopper

# --- by service
document_gone h2 policy.yaml
puppet till h1
equal "without a policy there are connections to one port" connected "$(connect till p 240.0.0.1 9001)"
equal "to the other" connected "$(connect till q 240.0.0.1 9002)"
equal "and to another workload" connected "$(connect till r 240.0.0.2 9003)"
by_service() { # PORT ACTION RULE
    document h2 secrets.yaml <<Y
apiVersion: weft/v1
kind: Service
metadata: {name: secrets}
spec:
  ports: [{port: 443, targetPort: $1}]
  endpoints: [{address: 10.77.0.2}]
  identities: [vault]
---
apiVersion: weft/v1
kind: AuthorizationPolicy
metadata: {name: for-secrets}
spec: {action: $2, service: secrets, rules: [$3]}
Y
}
cut=$(weftctl_in h2 -j status | jq .counters.cut)
by_service 9001 ALLOW '{from: {identities: ["shop/*"]}}'
equal "an ALLOW for a service ends who it does not name at its port" ECONNRESET "$(tell till 'p.recv(1000)')"
equal "those, and no other" 1 $(($(weftctl_in h2 -j status | jq .counters.cut) - cut))
equal "the workload's other port goes on" "still here" "$(echoes till q "still here")"
equal "and the other workload" "still here" "$(echoes till r "still here")"
server=$(last h2 '.peer_identity == "spiffe://mesh.local/till" and .reason == "policy-denied"')
equal "its record tells the port, and no policy" '["10.77.0.2:9001",null]' "$(jq -c '[.local, .policy]' <<<"$server")"
contains "explain says that no ALLOW matched" 'no "allow" policy matched' "$(explain h2 "$server")"
equal "new connections are denied there" EACCES "$(connect till s 240.0.0.1 9001)"
equal "and at the other port are none" connected "$(connect till s 240.0.0.1 9002)"
allowed "who is named gets in" cart 240.0.0.1 9001
server=$(last h2 '.peer_identity == "spiffe://mesh.local/shop/cart" and .local == "10.77.0.2:9001"')
equal "with the name of the document in the record" '"for-secrets"' "$(jq .policy <<<"$server")"
equal "which weftctl policy shows with what it is for" \
    '[null,{"identities":["spiffe://mesh.local/vault"],"ports":[9001]}]' \
    "$(weftctl_in h2 -j policy show for-secrets | jq -c '.[0] | [.workload, .scope]')"
by_service 9002 ALLOW '{from: {identities: ["shop/*"]}}'
equal "a Service that changes takes its policy along" ECONNRESET "$(tell till 'q.recv(1000)')"
equal "and where it was all are allowed again" connected "$(connect till s 240.0.0.1 9001)"
by_service 9001 AUDIT '{}'
equal "an AUDIT for a service lets in" connected "$(connect till s 240.0.0.1 9001)"
server=$(last h2 '.peer_identity == "spiffe://mesh.local/till" and .local == "10.77.0.2:9001"')
equal "and is in the record" '"for-secrets"' "$(jq .audit <<<"$server")"
equal "but not" connected "$(connect till s 240.0.0.1 9002)"
server=$(last h2 '.peer_identity == "spiffe://mesh.local/till" and .local == "10.77.0.2:9002"')
equal "of other ports" null "$(jq .audit <<<"$server")"
by_service 9001 DENY '{}'
denied "a DENY for a service denies" cart 240.0.0.1 9001
allowed "just there" cart 240.0.0.1 9002
document_gone h2 secrets.yaml
check "a static policy has a scope, too" weftctl_in h2 policy add narrow action allow \
    scope-identity spiffe://mesh.local/vault scope-port 9001
denied "at its port nobody gets in" cart 240.0.0.1 9001
allowed "at the other everybody" cart 240.0.0.1 9002
weftctl_in h2 policy del narrow
systemctl stop till

# --- plaintext at a permissive port
sed 's/{unit: other.service}/{unit: other.service}], mode: permissive/; s/permissive]/permissive/' \
    "$CONF/h2/conf.d/workloads.yaml" >"$T/workloads.yaml"
document h2 workloads.yaml <"$T/workloads.yaml"
others_from() { # RULE: who may connect to it
    document h2 others.yaml <<Y
apiVersion: weft/v1
kind: AuthorizationPolicy
metadata: {name: others}
spec: {action: ALLOW, workload: other, rules: [$1]}
Y
}
puppet stranger h1
equal "a permissive port takes plaintext" connected "$(connect stranger e 10.77.0.2 9003)"
others_from '{from: {ipBlocks: [10.77.0.1]}}'
equal "which goes on while an IP block allows it" "still here" "$(echoes stranger e "still here")"
others_from '{from: {identities: ["*"]}}'
equal "and ends where an identity is asked for" ECONNRESET "$(tell stranger 'e.recv(1000)')"
nobody() { # the last that was denied without an identity
    last h2 '.workload == "other" and .peer_identity == null and .reason == "policy-denied"'
}
ends() { journal_has -u other WEFT_VERDICT="$1" WEFT_ERRNO=ECONNRESET WEFT_CONN="$(nobody | jq .id)"; }
check "with a record of it" wait_for 20 ends closed
equal "nobody gets in without one" ECONNRESET "$(connect stranger f 10.77.0.2 9003)"
check "which the journal says" wait_for 20 ends denied
contains "and explain" "proved no identity" "$(explain h2 "$(nobody)")"
allowed "who has one does" till 240.0.0.2 9003
others_from '{from: {identities: ["*"]}}, {from: {ipBlocks: [10.77.0.0/30]}}'
equal "an IP block lets plaintext in" connected "$(connect stranger g 10.77.0.2 9003)"
document_gone h2 others.yaml
sed 's/permissive/strict/' "$T/workloads.yaml" | document h2 workloads.yaml
equal "a port that becomes strict ends the plaintext it has" ECONNRESET "$(tell stranger 'g.recv(1000)')"
systemctl stop stranger

# --- the client's side: who the server may be
equal "a server with an identity the service may not have is refused" ECONNREFUSED "$(call till fd00:240::3 80)"
caller=$(last h1 '.service == "impostor"')
equal "its record tells reason and who it was" '["peer-identity","spiffe://mesh.local/vault"]' \
    "$(jq -c '[.reason, .peer_identity]' <<<"$caller")"
contains "and explain" "peer-identity, the peer is not one that the service may be" "$(explain h1 "$caller")"
impostor() {
    journal_has -u till WEFT_REASON=peer-identity WEFT_SERVICE=impostor \
        WEFT_PEER_IDENTITY=spiffe://mesh.local/vault
}
check "and the caller's journal" wait_for 20 impostor

# --- nobody in particular
denied "a process in no workload does not reach a virtual address" stranger 240.0.0.1 9001
caller=$(last h1 '.reason == "no-workload"')
contains "explain tells why" "which is no workload" "$(explain h1 "$caller")"
stranger() { journal_has -u stranger WEFT_REASON=no-workload WEFT_SERVICE=vault; }
check "and its journal" wait_for 20 stranger
contains "its server never sees it: a strict port is closed to plaintext" "connected, then E" \
    "$(call stranger 10.77.0.2 9001)"
