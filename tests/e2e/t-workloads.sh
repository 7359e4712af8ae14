#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Who a process is: workloads on one host and address, told apart by unit, cgroup,
# user, group and executable, which of them goes first, what is left for the host,
# and that a user namespace of one's own lends nobody an identity.
# timeout: 400
# seconds: 120
# kernels: 6.1
. "$(dirname "$(readlink -f "$0")")/lib.sh"
e2e_begin
document h2 web.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: web}
spec: {selectors: [{unit: web.service}]}
Y
chmod a+x "$T"
cp /usr/bin/bash "$T/another-bash"
document h1 all.yaml <<Y
apiVersion: weft/v1
kind: Workload
metadata: {name: by-unit}
spec: {selectors: [{unit: a.service}]}
---
apiVersion: weft/v1
kind: Workload
metadata: {name: by-cgroup}
spec: {selectors: [{cgroup: /system.slice/b.service}]}
---
apiVersion: weft/v1
kind: Workload
metadata: {name: by-uid}
spec: {selectors: [{uid: 3001}]}
---
apiVersion: weft/v1
kind: Workload
metadata: {name: by-gid}
spec: {selectors: [{gid: 3002}]}
---
apiVersion: weft/v1
kind: Workload
metadata: {name: by-executable}
spec: {selectors: [{executable: $T/another-bash}]}
---
apiVersion: weft/v1
kind: Workload
metadata: {name: by-container}
spec: {selectors: [{container: 0123456789ab}]}
---
apiVersion: weft/v1
kind: Service
metadata: {name: web}
spec:
  addresses: [240.0.0.1]
  ports: [{port: 9001}]
  endpoints: [{address: 10.77.0.2}]
Y
start_app web h2 9001 python3 -SE "$E2E/dial.py" server tell:9001

call='exec 3<>/dev/tcp/240.0.0.1/9001 && read -r _ <&3'
try() { run_as "$1" h1 "${@:2}" -c "$call" 2>&1; }
is() { # NAME WORKLOAD UNIT CMD...: what the server knows its caller as
    local out
    out=$(try "${@:3}") || note "$out"
    equal "$1" "\"spiffe://mesh.local/$2\"" "$(conns h2 | jq -sc 'max_by(.id) | .peer_identity')"
}
none() { # NAME UNIT CMD...
    contains "$1" "/dev/tcp/240.0.0.1/9001: Permission denied" "$(try "${@:2}")"
}
as() { setpriv=(setpriv --reuid "$1" --regid "$2" --clear-groups); }

is "a unit" by-unit a bash
is "and what it starts" by-unit a bash -c 'bash "$@"' sh
is "a cgroup" by-cgroup b bash
as 3001 3001
is "a user" by-uid x "${setpriv[@]}" bash
as 0 3002
is "a group" by-gid x "${setpriv[@]}" bash
as 3001 3002
is "a user goes before a group" by-uid x "${setpriv[@]}" bash
is "a unit before both" by-unit a "${setpriv[@]}" bash
is "an executable before a unit" by-executable a "$T/another-bash"
id=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
# in_cgroup PATH: CMD is moved there before it calls
in_cgroup() {
    moved=(bash -c "mkdir -p /sys/fs/cgroup$1 && echo 0 >/sys/fs/cgroup$1/cgroup.procs && bash \"\$@\"" sh)
}
part=$(printf 'x%.0s' {1..250})
deep=$part/$part/$part/$part/$part
in_cgroup "/system.slice/a.service/$deep"
is "a unit, however deep a group it makes below" by-unit a "${moved[@]}"
in_cgroup /system.slice/docker-$id.scope
is "a container" by-container x "${moved[@]}"
is "whoever starts it" by-container a "${moved[@]}"
in_cgroup /kubepods/burstable/pod1/$id
is "a pod's" by-container x "${moved[@]}"
in_cgroup /user.slice/user-3003.slice/user@3003.service/libpod-$id.scope
none "a container that a user made up" x "${moved[@]}"
none "who is none of them is in no mesh" x bash
none "a group that is not the effective one does not count" x setpriv --groups 3002 bash

# --- identities that are not lent
as 3003 3003
mapped=("${setpriv[@]}" unshare --user --map-user=3001 --map-group=3002)
none "a user that one is only in a namespace of one's own" x "${mapped[@]}" bash
mounts=("${setpriv[@]}" unshare --user --map-root-user --mount)
none "an executable that one only mounts there" x "${mounts[@]}" \
    bash -c "mount --bind /usr/bin/bash '$T/another-bash' && exec '$T/another-bash' \"\$@\"" sh

# A program of his at that path in a tree of mounts of his own, started from outside.
cat >"$T/trees.py" <<P
import ctypes, os, signal
os.system("mount --bind /usr/bin/bash '$T/another-bash'")
# open_tree(AT_FDCWD, "/usr/bin", OPEN_TREE_CLONE): a tree that is mounted nowhere
tree = ctypes.CDLL(None).syscall(428, ctypes.c_long(-100), b"/usr/bin", ctypes.c_long(1))
print("there", tree, flush=True)
signal.pause()
P
run_as_bg trees h1 "${mounts[@]}" python3 -SE "$T/trees.py"
wait_for 30 grep -q '^there [0-9]' "$T/trees.out" || not_ok "trees of mounts of his own" "$(cat "$T/trees.out")"
pid=$(systemctl show -P MainPID trees.service)
forged=/proc/$pid/root$T/another-bash
contains "from outside it can be started" yes "$("${setpriv[@]}" "$forged" -c 'echo yes' 2>&1)"
none "but is not what is there outside" x "${setpriv[@]}" "$forged"
forged=/proc/$pid/fd/$(sed -n 's/^there //p' "$T/trees.out")/bash
contains "so can one that is mounted nowhere" yes "$("${setpriv[@]}" "$forged" -c 'echo yes' 2>&1)"
document h1 root.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: bash}
spec: {selectors: [{executable: /bash}]}
Y
none "whose path begins in the midst" x "${setpriv[@]}" "$forged"
document_gone h1 root.yaml
systemctl stop trees.service
# Only where it came from is different for a daemon that changes its root directory.
mkdir "$T/empty"
cat >"$T/chroot.py" <<'P'
import encodings.idna, os, socket, sys
os.chroot(sys.argv[1])
with socket.create_connection(("240.0.0.1", 9001)) as s:
    s.recv(100)
P
cp /usr/bin/python3 "$T/another-python"
document h1 python.yaml <<Y
apiVersion: weft/v1
kind: Workload
metadata: {name: python}
spec: {selectors: [{executable: $T/another-python}]}
Y
run_as x h1 "$T/another-python" -SE "$T/chroot.py" "$T/empty" || not_ok "a daemon without a root directory connects"
equal "who changes his root directory is what he was" '"spiffe://mesh.local/python"' \
    "$(conns h2 | jq -sc 'max_by(.id) | .peer_identity')"
document_gone h1 python.yaml

# --- the host's own
document h1 host.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: host}
spec: {identity: host/h1, selectors: [{cgroup: /}]}
Y
is "all the others can be the host" host/h1 x bash
is "and a user is still himself" by-uid x setpriv --reuid 3001 --clear-groups bash
is "and a unit" by-unit a bash

# --- which must not lock anybody out
call_from() { in_host "$1" python3 -SE "$E2E/dial.py" talk "$2" "$3" 1 hello; }
start_app roots h1 9021 python3 -SE "$E2E/dial.py" server echo:9021
start_app sshd@e2e h1 22 python3 -SE "$E2E/dial.py" server echo:22
start_app others h1 9022 setpriv --reuid 3004 --regid 3004 --clear-groups python3 -SE "$E2E/dial.py" server echo:9022
contains "a neighbour cannot come in plaintext" "ECONNRESET" "$(call_from h2 10.77.0.1 9021)"
contains "but to log in" "ok" "$(call_from h2 10.77.0.1 22)"
contains "by IPv6 too" "ok" "$(call_from h2 fd77::1 22)"
contains "root speaks to itself" "ok" "$(call_from h1 127.0.0.1 9021)"
contains "by IPv6 too" "ok" "$(call_from h1 ::1 9021)"
contains "by its other address it does not" "ECONNRESET" "$(call_from h1 10.77.0.1 9021)"
contains "nor to another user's" "ECONNRESET" "$(call_from h1 127.0.0.1 9022)"
document h1 host.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: host}
spec: {identity: host/h1, selectors: [{cgroup: /}], ports: [{port: 22, mode: strict}]}
Y
contains "unless its document names the port" "ECONNRESET" "$(call_from h2 10.77.0.1 22)"
document h1 host.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: host}
spec: {identity: host/h1, selectors: [{cgroup: /}]}
Y
contains "and as long as it does" "ok" "$(call_from h2 10.77.0.1 22)"

# --- nor must a slice, or root, in which those are who let in
for selector in "cgroup: /system.slice" "unit: system.slice" "uid: 0"; do
    document h1 host.yaml <<Y
apiVersion: weft/v1
kind: Workload
metadata: {name: wide}
spec: {selectors: [{$selector}]}
Y
    contains "$selector: a neighbour cannot come in plaintext" "ECONNRESET" "$(call_from h2 10.77.0.1 9021)"
    contains "$selector: but to log in" "ok" "$(call_from h2 10.77.0.1 22)"
    contains "$selector: root has to show who it is" "ECONNRESET" "$(call_from h1 127.0.0.1 9021)"
done
document h1 host.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: wide}
spec: {selectors: [{cgroup: /system.slice}], ports: [{port: 22, mode: strict}]}
Y
contains "unless its document names the port" "ECONNRESET" "$(call_from h2 10.77.0.1 22)"
document h1 host.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: ssh}
spec: {selectors: [{unit: sshd@e2e.service}]}
Y
contains "or the unit" "ECONNRESET" "$(call_from h2 10.77.0.1 22)"
